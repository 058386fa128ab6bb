//! Names of persons and organisations: titles, roles, parts, variants, acronyms.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::country::{self, Sense};

/// Male, female, or a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Gender {
    /// he
    Male,
    /// she
    Female,
}

/// Whether `word` (any case, with or without its full stop) is a form of address
/// before a name, and whose: *Mr*, *Mrs*, *Sen.*, *Dr*.
#[must_use]
pub fn is_title(word: &str) -> bool {
    TITLES.contains(fold(word).as_str())
}

/// The gender that a form of address tells.
#[must_use]
pub fn title_gender(word: &str) -> Option<Gender> {
    match fold(word).as_str() {
        "mr" | "sir" | "lord" | "king" | "prince" | "father" | "brother" | "baron" | "count"
        | "duke" | "emperor" | "congressman" | "chairman" | "spokesman" | "councilman"
        | "businessman" | "fr" | "herr" | "monsieur" => Some(Gender::Male),
        "mrs" | "ms" | "miss" | "lady" | "dame" | "queen" | "princess" | "sister" | "mother"
        | "baroness" | "duchess" | "empress" | "congresswoman" | "chairwoman" | "spokeswoman"
        | "councilwoman" | "businesswoman" | "frau" | "madame" => Some(Gender::Female),
        _ => None,
    }
}

/// What kind of thing a common noun at the head of a phrase denotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Head {
    /// One person: *minister*, *spokeswoman*.
    Person(Option<Gender>),
    /// Several persons: *officials*.
    Persons,
    /// A body that can speak: *ministry*, *alliance*.
    Organisation,
    /// Several of those: *companies*.
    Organisations,
    /// Something written or said: *statement*.
    Document,
}

/// What the noun `word` (lower case) denotes as the head of a phrase.
#[must_use]
pub fn head(word: &str) -> Option<Head> {
    if crate::cue::is_document(word) {
        return Some(Head::Document);
    }
    if let Some(gender) = gendered(word) {
        return Some(Head::Person(Some(gender)));
    }
    if PERSONS.contains(word) {
        return Some(Head::Person(None));
    }
    if ORGANISATIONS.contains(word) {
        return Some(Head::Organisation);
    }
    if matches!(
        word,
        "people"
            | "men"
            | "women"
            | "authorities"
            | "voters"
            | "republicans"
            | "democrats"
            | "police"
    ) {
        return Some(Head::Persons);
    }
    let singular = singular(word)?;
    if PERSONS.contains(singular.as_str()) || gendered(&singular).is_some() {
        return Some(Head::Persons);
    }
    ORGANISATIONS
        .contains(singular.as_str())
        .then_some(Head::Organisations)
}

/// Whether `word` (lower case) is a role that stands before or after a name:
/// *minister*, *secretary-general*, *professor*.
#[must_use]
pub fn is_role(word: &str) -> bool {
    matches!(head(word), Some(Head::Person(_)))
}

/// Words that only qualify a role: *deputy*, *former*, *foreign*, *vice*.
#[must_use]
pub fn is_role_modifier(word: &str) -> bool {
    matches!(
        word,
        "deputy"
            | "former"
            | "foreign"
            | "prime"
            | "vice"
            | "acting"
            | "chief"
            | "senior"
            | "first"
            | "interior"
            | "defence"
            | "defense"
            | "finance"
            | "health"
            | "trade"
            | "energy"
            | "home"
            | "attorney"
            | "permanent"
            | "national"
            | "security"
            | "press"
            | "state"
            | "general"
            | "executive"
            | "managing"
            | "top"
            | "late"
            | "then"
            | "ex"
            | "longtime"
            | "assistant"
            | "associate"
            | "district"
            | "supreme"
            | "presidential"
            | "vice-presidential"
            | "republican"
            | "democratic"
            | "conservative"
            | "labour"
            | "liberal"
            | "outgoing"
            | "incoming"
            | "veteran"
            | "opposition"
            | "military"
            | "political"
            | "economic"
            | "environment"
            | "education"
            | "justice"
            | "transport"
            | "campaign"
            | "communications"
            | "policy"
            | "under"
            | "head"
            | "special"
            | "harbour"
            | "police"
            | "white"
            | "house"
            | "federal"
            | "local"
            | "regional"
    )
}

/// The likely gender of a given name.
#[must_use]
pub fn given_name_gender(name: &str) -> Option<Gender> {
    let name = fold(name);
    if MALE.contains(name.as_str()) {
        Some(Gender::Male)
    } else if FEMALE.contains(name.as_str()) {
        Some(Gender::Female)
    } else {
        None
    }
}

/// A person's name taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person<'n> {
    /// Forms of address and roles before it.
    pub titles: Vec<&'n str>,
    /// The parts of the name itself, in order; never empty unless the input had none.
    pub parts: Vec<&'n str>,
}

impl<'n> Person<'n> {
    /// Takes `name` apart: *“Mr. Jan de Vries Jr.”* has the parts *Jan*, *de*, *Vries*.
    #[must_use]
    pub fn new(name: &'n str) -> Self {
        let mut titles = Vec::new();
        let mut parts: Vec<&str> = Vec::new();
        for part in name.split_whitespace() {
            let bare =
                part.trim_matches(|c: char| matches!(c, ',' | '(' | ')' | '“' | '”' | '"' | '‘'));
            let bare = bare
                .strip_suffix("’s")
                .or_else(|| bare.strip_suffix("'s"))
                .unwrap_or(bare)
                .trim_end_matches(['’', '\'']);
            if bare.is_empty() {
                continue;
            }
            let lower = bare.to_lowercase();
            let leading = parts.is_empty();
            if leading && (is_title(bare) || is_role(&lower) || is_role_modifier(&lower)) {
                titles.push(bare);
            } else if !matches!(
                lower.trim_end_matches('.'),
                "jr" | "sr" | "ii" | "iii" | "iv" | "phd" | "mp" | "md"
            ) {
                parts.push(bare);
            }
        }
        if parts.is_empty() {
            parts = std::mem::take(&mut titles);
        }
        Self { titles, parts }
    }

    /// The last name, with its particles left out.
    #[must_use]
    pub fn last(&self) -> &'n str {
        self.parts.last().copied().unwrap_or("")
    }

    /// The first part, if there is more than the last name.
    #[must_use]
    pub fn first(&self) -> Option<&'n str> {
        if self.parts.len() > 1 {
            self.parts.first().copied()
        } else {
            None
        }
    }

    /// The gender that its title or given name tells.
    #[must_use]
    pub fn gender(&self) -> Option<Gender> {
        self.titles
            .iter()
            .find_map(|t| title_gender(t))
            .or_else(|| self.first().and_then(given_name_gender))
    }
}

/// Whether two names may be one person's within a document.
///
/// Last names must agree (with or without accents, or by one slip in a long
/// name); given names must agree, be initials of each other, or be spelling
/// variants (*Sergei*, *Sergey*). A lone last name agrees with any given name.
#[must_use]
pub fn same_person(a: &str, b: &str) -> bool {
    let (a, b) = (Person::new(a), Person::new(b));
    let (last_a, last_b) = (fold(a.last()), fold(b.last()));
    if last_a.is_empty() || last_b.is_empty() || !same_spelling(&last_a, &last_b) {
        // A given name alone ("Hillary", "Bernie") for a full name.
        return match (a.parts.len(), b.parts.len()) {
            (1, 2..) => b.first().map(fold).as_deref() == Some(last_a.as_str()),
            (2.., 1) => a.first().map(fold).as_deref() == Some(last_b.as_str()),
            _ => false,
        };
    }
    if let (Some(x), Some(y)) = (a.gender(), b.gender())
        && x != y
    {
        return false;
    }
    match (a.first(), b.first()) {
        (Some(x), Some(y)) => same_given(&fold(x), &fold(y)),
        _ => true,
    }
}

fn same_given(a: &str, b: &str) -> bool {
    let initial = |x: &str, y: &str| {
        let x = x.replace('.', "");
        x.chars().count() <= 2 && y.starts_with(x.chars().next().unwrap_or('\0'))
    };
    a == b
        || initial(a, b)
        || initial(b, a)
        || same_spelling(a, b)
        || (a.len() >= 3 && b.len() >= 3 && (a.starts_with(b) || b.starts_with(a)))
}

/// Spelling variants of one name: folded equal, or one edit apart in five letters, two in eight.
#[must_use]
pub fn same_spelling(a: &str, b: &str) -> bool {
    let (a, b) = (fold(a), fold(b));
    if a == b {
        return true;
    }
    let shorter = a.chars().count().min(b.chars().count());
    let allowed = match shorter {
        0..=4 => 0,
        5..=8 => 1,
        _ => 2,
    };
    allowed > 0 && a.chars().next() == b.chars().next() && distance(&a, &b, allowed) <= allowed
}

/// Levenshtein distance, or anything above `limit` when it is more.
fn distance(a: &str, b: &str, limit: usize) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    if a.len().abs_diff(b.len()) > limit {
        return limit + 1;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let next = (diagonal + usize::from(x != y))
                .min(row[j] + 1)
                .min(row[j + 1] + 1);
            diagonal = row[j + 1];
            row[j + 1] = next;
        }
    }
    row[b.len()]
}

/// Whether `short` abbreviates `long` by its initials: *NATO* for *North Atlantic Treaty Organization*.
#[must_use]
pub fn is_acronym(short: &str, long: &str) -> bool {
    let letters: String = short.chars().filter(|c| c.is_alphanumeric()).collect();
    if letters.chars().count() < 2 || short.contains(char::is_whitespace) {
        return false;
    }
    // "Nato" is an acronym too, "Ford" is not: the initials below decide.
    let wanted = letters.to_lowercase();
    let small = ["of", "the", "and", "for", "on", "in", "to", "de", "a", "&"];
    let words: Vec<String> = long
        .split(|c: char| c.is_whitespace() || c == '-' || c == '/')
        .filter(|w| !w.is_empty())
        .map(str::to_lowercase)
        .collect();
    if words.len() < 2 {
        return false;
    }
    let initials = |skip: bool| -> String {
        words
            .iter()
            .filter(|w| !(skip && small.contains(&w.as_str())))
            .filter_map(|w| w.chars().next())
            .collect()
    };
    initials(true) == wanted || initials(false) == wanted
}

/// An organisation's name folded so that its variants are equal: without
/// articles, possessives and legal forms, countries for their adjectives.
///
/// *“Russia’s foreign ministry”*, *“the Russian Foreign Ministry”* → `russia foreign ministry`
#[must_use]
pub fn organisation_key(name: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for part in
        name.split(|c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')' | '"' | '“' | '”'))
    {
        let lower = part.to_lowercase().replace('’', "'");
        let bare = lower
            .strip_suffix("'s")
            .unwrap_or(&lower)
            .trim_end_matches('\'');
        let bare = bare.trim_matches('.');
        if bare.is_empty()
            || matches!(
                bare,
                "the"
                    | "a"
                    | "an"
                    | "of"
                    | "for"
                    | "and"
                    | "&"
                    | "inc"
                    | "corp"
                    | "ltd"
                    | "co"
                    | "plc"
                    | "llc"
            )
        {
            continue;
        }
        let word = match country::country(bare) {
            Some((country, Sense::Name | Sense::Demonym)) => country.name.to_lowercase(),
            _ => match bare {
                "organisation" => "organization".to_owned(),
                "defence" => "defense".to_owned(),
                "centre" => "center".to_owned(),
                "labour" => "labor".to_owned(),
                other => other.to_owned(),
            },
        };
        words.push(word);
    }
    // "Ministry of Foreign Affairs" = "Foreign Ministry", "Ministry of Defence" = "Defence Ministry".
    if words.first().is_some_and(|w| is_office(w)) && words.len() > 1 {
        let office = words.remove(0);
        words.retain(|w| w != "affairs");
        let at = words
            .iter()
            .position(|w| is_country_word(w))
            .unwrap_or(words.len());
        if at > 0 && at < words.len() {
            let country = words.remove(at);
            words.insert(0, country);
        }
        words.push(office);
    }
    words.join(" ")
}

fn is_country_word(word: &str) -> bool {
    matches!(country::country(word), Some((_, Sense::Name)))
}

/// A ministry or department: what a country has many of.
#[must_use]
pub fn is_office(word: &str) -> bool {
    matches!(
        word,
        "ministry" | "department" | "embassy" | "bureau" | "office"
    )
}

/// Lower case, without accents on Latin letters, full stops and possessives.
#[must_use]
pub fn fold(word: &str) -> String {
    let lower = word.trim().to_lowercase().replace('’', "'");
    let bare = lower
        .strip_suffix("'s")
        .unwrap_or(&lower)
        .trim_end_matches('\'');
    bare.chars()
        .filter(|c| !matches!(c, '.' | '\u{300}'..='\u{36f}'))
        .map(|c| match c {
            'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' | 'ā' | 'ă' | 'ą' => 'a',
            'é' | 'è' | 'ê' | 'ë' | 'ē' | 'ę' | 'ě' => 'e',
            'í' | 'ì' | 'î' | 'ï' | 'ī' | 'ı' => 'i',
            'ó' | 'ò' | 'ô' | 'ö' | 'õ' | 'ø' | 'ō' => 'o',
            'ú' | 'ù' | 'û' | 'ü' | 'ū' | 'ů' => 'u',
            'ç' | 'ć' | 'č' => 'c',
            'ñ' | 'ń' | 'ň' => 'n',
            'š' | 'ś' | 'ş' | 'ș' => 's',
            'ž' | 'ź' | 'ż' => 'z',
            'ý' | 'ÿ' => 'y',
            'ł' => 'l',
            'ř' => 'r',
            'ť' | 'ț' | 'ţ' => 't',
            'đ' | 'ď' => 'd',
            'ğ' => 'g',
            other => other,
        })
        .collect()
}

/// The singular of a regular plural.
#[must_use]
pub fn singular(word: &str) -> Option<String> {
    if let Some(stem) = word.strip_suffix("men") {
        return Some(format!("{stem}man"));
    }
    if let Some(stem) = word.strip_suffix("women") {
        return Some(format!("{stem}woman"));
    }
    if let Some(stem) = word.strip_suffix("ies") {
        return Some(format!("{stem}y"));
    }
    word.strip_suffix('s')
        .filter(|stem| stem.len() > 2 && !stem.ends_with(['s', 'u', 'i']))
        .map(str::to_owned)
}

fn gendered(word: &str) -> Option<Gender> {
    if matches!(
        word,
        "man"
            | "father"
            | "son"
            | "brother"
            | "husband"
            | "king"
            | "prince"
            | "boy"
            | "uncle"
            | "grandfather"
            | "nephew"
            | "gentleman"
            | "monk"
            | "actor"
            | "widower"
            | "boyfriend"
            | "godfather"
            | "stepfather"
    ) {
        return Some(Gender::Male);
    }
    if matches!(
        word,
        "woman"
            | "mother"
            | "daughter"
            | "sister"
            | "wife"
            | "queen"
            | "princess"
            | "girl"
            | "aunt"
            | "grandmother"
            | "niece"
            | "lady"
            | "nun"
            | "actress"
            | "widow"
            | "girlfriend"
            | "stepmother"
    ) {
        return Some(Gender::Female);
    }
    for (ending, gender) in [
        ("swoman", Gender::Female),
        ("sman", Gender::Male),
        ("woman", Gender::Female),
        ("man", Gender::Male),
    ] {
        if let Some(stem) = word.strip_suffix(ending) {
            let known = matches!(
                stem,
                "spoke"
                    | "spokes"
                    | "chair"
                    | "congress"
                    | "council"
                    | "business"
                    | "states"
                    | "state"
                    | "police"
                    | "camera"
                    | "alder"
                    | "assembly"
                    | "sales"
                    | "fire"
                    | "noble"
                    | "clergy"
                    | "fisher"
                    | "crafts"
            );
            if known {
                return Some(gender);
            }
        }
    }
    None
}

fn set(list: &'static str) -> HashSet<&'static str> {
    list.split_whitespace().collect()
}

static TITLES: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    set(
        "mr mrs ms miss mx dr prof professor sir lord lady dame rev reverend fr hon honorable sen senator gov governor \
         gen general col colonel maj major lt lieutenant capt captain sgt sergeant adm admiral pres president rep \
         congressman congresswoman king queen prince princess pope cardinal archbishop bishop rabbi imam sheikh \
         ayatollah baron baroness amb ambassador atty justice judge chancellor marshal cmdr commander supt det insp \
         inspector detective mayor premier minister secretary herr frau madame monsieur father sister brother messrs \
         first deputy vice prime chairman chairwoman spokesman spokeswoman councilman councilwoman sens reps",
    )
});

static PERSONS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    set(
        "minister president chancellor secretary secretary-general premier spokesperson chairperson chair \
         official diplomat ambassador envoy analyst expert professor lawyer attorney judge justice senator governor \
         mayor lawmaker legislator congressmember representative deputy candidate nominee leader chief head boss \
         director executive ceo commander general colonel major captain lieutenant sergeant admiral officer sheriff \
         detective inspector prosecutor aide adviser advisor strategist manager organizer organiser activist \
         campaigner author writer journalist reporter editor columnist correspondent commentator anchor host pundit \
         researcher scientist scholar economist historian academic teacher student doctor nurse physician surgeon \
         farmer worker employee resident neighbour neighbor witness survivor victim voter supporter critic opponent \
         rival ally counterpart colleague partner friend relative cousin child parent owner founder co-founder \
         entrepreneur investor trader banker engineer designer architect artist singer musician director producer \
         coach player captain athlete pilot driver soldier veteran fighter rebel militant suspect defendant \
         plaintiff priest pastor bishop archbishop cardinal pope rabbi imam cleric monk ayatollah member councillor \
         councilor mp mep commissioner administrator treasurer auditor superintendent principal dean rector \
         negotiator mediator inspector observer monitor source insider whistleblower operative pollster consultant \
         lobbyist donor volunteer delegate whip speaker frontrunner front-runner incumbent challenger billionaire \
         businessperson magnate tycoon mogul celebrity star comedian actor moderator interviewer caller user \
         blogger refugee migrant immigrant citizen man-at-arms vice-president president-elect attorney-general \
         undersecretary speechwriter biographer fisherman skipper harbourmaster harbormaster dictator monarch \
         emperor prince governor-general ombudsman coordinator co-ordinator specialist fellow instructor agent \
         informant translator interpreter custodian chairman spokesman",
    )
});

static ORGANISATIONS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    set(
        "ministry guard government alliance bloc company agency party committee council parliament court bank union \
         association organisation organization police army military navy university college school newspaper \
         network campaign administration department embassy office group foundation commission team club firm \
         corporation outlet magazine broadcaster board bureau institute think-tank cabinet senate congress house \
         assembly legislature regime authority watchdog regulator charity church federation league coalition \
         consortium publisher carrier airline automaker retailer manufacturer bank lender insurer utility hospital \
         prosecution defence-ministry treasury pentagon kremlin junta militia movement faction delegation mission \
         consulate secretariat headquarters presidency monarchy tribunal panel jury taskforce force service station \
         channel website site paper daily tabloid studio label startup start-up brand chain operator country nation \
         state city county province republic kingdom",
    )
});

static MALE: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    set(
        "james john robert michael william david richard joseph thomas charles christopher daniel matthew anthony mark \
         donald steven stephen paul andrew joshua kenneth kevin brian george edward ronald timothy jason jeffrey ryan \
         jacob gary nicholas eric jonathan larry justin scott brandon benjamin samuel gregory frank alexander raymond \
         patrick jack dennis jerry tyler aaron jose henry adam douglas nathan peter zachary kyle walter harold jeremy \
         ethan carl keith roger gerald christian terry sean arthur austin noah lawrence jesse joe bryan billy bruce \
         jordan dylan alan ralph gabriel roy juan wayne eugene logan randy louis russell vincent philip phillip bobby \
         johnny bradley barack bernie ted marco mitt newt rand jeb mike bob bill jim tom tim ben ken ron don dan dave \
         steve rick chris greg matt jeff joel karl lindsey mitch harry chuck tony boris vladimir sergei sergey dmitry \
         dmitri alexei alexey mikhail ivan igor oleg nikolai yuri viktor vyacheslav anatoly maxim pavel andrei andrey \
         konstantin volodymyr petro oleksandr oleksiy mykola taras bohdan vitali heiko olaf angelo jens klaus hans \
         wolfgang friedrich helmut gerhard markus stefan jurgen dieter lars anders erik magnus bjorn sven nils emmanuel \
         francois françois jean pierre jacques nicolas laurent michel alain luc mario matteo silvio giuseppe paolo \
         luigi giorgio antonio carlos pedro luis jorge fernando javier miguel pablo diego alejandro manuel recep mehmet \
         ahmed ahmet mustafa ali hassan hussein mohammed muhammad mohamed mahmoud omar abdul khalid ibrahim yusuf \
         benjamin avi ehud yitzhak shimon moshe ned raf jamie graham nigel jeremy gordon keir rishi alok narendra \
         rahul rajiv sanjay xi li wang zhang liu hu wen shinzo yoshihide fumio taro moon jong-un jae-in andrzej \
         donald mateusz lech jaroslaw janez zoran aleksandar milos vaclav petr tomas jan josef jiri viktor janos peter \
         gyorgy nicolae klaus ion traian boyko rumen alexis kyriakos andreas nikos antonis urmas toomas gitanas andris \
         sauli jussi ulf stoltenberg mateo leon oscar felix max simon julian oliver hugo martin neil ian stuart duncan \
         malcolm alastair alistair colin craig derek glenn howard ivor leonard norman percy reginald trevor victor \
         warren wesley winston clarence elijah evan isaac julio kurt lance lloyd lou marcus marvin melvin nelson otto \
         owen perry preston quentin ramon reid rodney ross rudy rudolph salvador sam seth shane sidney spencer stanley \
         theodore toby travis tucker vernon wade will zach zbigniew antony alex",
    )
});

static FEMALE: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    set(
        "mary patricia jennifer linda elizabeth barbara susan jessica sarah karen lisa nancy betty sandra margaret \
         ashley kimberly emily donna michelle carol amanda melissa deborah stephanie dorothy rebecca sharon laura \
         cynthia amy kathleen angela shirley brenda emma anna pamela nicole samantha katherine christine helen debra \
         rachel carolyn janet maria catherine heather diane olivia julie joyce victoria ruth virginia lauren kelly \
         christina joan evelyn judith andrea hannah megan cheryl jacqueline martha madison teresa gloria sara janice \
         ann anne kathryn abigail sophia frances jean alice judy isabella julia grace amber denise danielle marilyn \
         beverly charlotte natalie theresa diana brittany doris kayla alexis lori marie hillary chelsea melania ivanka \
         carly elena olga natalia natalya svetlana tatiana irina ekaterina yulia julia galina ludmila lyudmila marina \
         oksana oana annalena ursula angela christine federica mette sanna jacinda theresa nicola priti liz yvette \
         jen jill kamala nikki condoleezza madeleine susan samantha loretta sonia indira benazir aung michele dilma \
         cristina isabel carmen ana rosa lucia sofia elisa giulia francesca chiara valeria claudia silvia monica \
         gabriela daniela adriana beatriz pilar ines fatima aisha zainab leila layla noor amina yasmin mariam maryam \
         nadia ingrid astrid sigrid kristin karin birgit heidi greta gretchen inge ilse elsa erika eva katarina magda \
         malgorzata ewa beata agnieszka joanna zofia zuzana ivana jana petra milena jelena vesna dragana kaja kersti \
         dalia ingrida evika tarja marin hanna tuula agnes agatha audrey bridget camille celia clara colleen daisy \
         edith eileen eleanor elaine ellen esther florence gail geraldine gertrude gwen harriet hazel ida irene iris \
         jane jeanne joanne josephine juanita june kate katie kay lillian lily lois louise lucille lucy lynn mabel \
         marcia marjorie maureen maxine megyn mildred minnie miriam molly muriel myrtle naomi norma paula peggy \
         phyllis rita roberta rose rosemary sally sandy sheila sherry stella stacey suzanne sylvia tammy tara tina \
         tracy vanessa vera vicki viola vivian wanda wendy yolanda yvonne zoe huma kellyanne donna debbie maryam orla",
    )
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn persons_come_apart() {
        let person = Person::new("Deputy Foreign Minister Dr. Ilse van Brandt Jr.");
        assert_eq!(person.parts, ["Ilse", "van", "Brandt"]);
        assert_eq!(person.last(), "Brandt");
        assert_eq!(person.gender(), Some(Gender::Female));
        assert_eq!(Person::new("Mr. Toll’s").last(), "Toll");
        assert_eq!(Person::new("Minister").last(), "Minister");
        assert_eq!(Person::new("").last(), "");
    }

    #[test]
    fn variants_of_one_person() {
        assert!(same_person("Sergei Varlov", "Sergey Varlov"));
        assert!(same_person("Varlov", "Foreign Minister Sergei Varlov"));
        assert!(same_person("S. Varlov", "Sergei Varlov"));
        assert!(same_person("José Núñez", "Jose Nunez"));
        assert!(same_person("Ilse", "Ilse Brandt"));
        assert!(!same_person("Ilse Brandt", "Otto Brandt"));
        assert!(!same_person("Mr. Brandt", "Mrs. Brandt"));
        assert!(!same_person("Venn", "Toll"));
    }

    #[test]
    fn acronyms_of_organisations() {
        assert!(is_acronym("NITO", "Northern Islands Treaty Organization"));
        assert!(is_acronym("Nito", "Northern Islands Treaty Organization"));
        assert!(is_acronym("HSC", "Harbour and Shipping Council"));
        assert!(!is_acronym("HSC", "Harbour Council"));
        assert!(!is_acronym("N", "Northern"));
    }

    #[test]
    fn organisations_fold_to_one_key() {
        let key = "norway foreign ministry";
        assert_eq!(organisation_key("Norway’s foreign ministry"), key);
        assert_eq!(organisation_key("the Norwegian Foreign Ministry"), key);
        assert_eq!(
            organisation_key("Ministry of Foreign Affairs of Norway"),
            key
        );
        assert_eq!(
            organisation_key("The Harbour Company Ltd."),
            "harbour company"
        );
    }

    #[test]
    fn heads_of_phrases() {
        assert_eq!(
            head("spokeswoman"),
            Some(Head::Person(Some(Gender::Female)))
        );
        assert_eq!(head("officials"), Some(Head::Persons));
        assert_eq!(head("ministry"), Some(Head::Organisation));
        assert_eq!(head("companies"), Some(Head::Organisations));
        assert_eq!(head("statement"), Some(Head::Document));
        assert_eq!(head("harbour"), None);
    }
}
