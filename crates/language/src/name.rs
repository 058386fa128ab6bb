//! Names of persons and organisations: titles, roles, parts, variants, acronyms.

use std::collections::HashSet;
use std::sync::LazyLock;

use crate::country::{self, Sense};
use crate::spelling::{one_slip_apart, same_spelling};

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
    /// Takes `name` apart: *“Mr. Jan de Vries Jr.”* has the parts *Jan*, *de*, *Vries*,
    /// *“Danish Foreign Minister Ilse Venn”* the parts *Ilse*, *Venn*.
    #[must_use]
    pub fn new(name: &'n str) -> Self {
        let mut parts: Vec<&str> = Vec::new();
        for part in name.split_whitespace() {
            let bare =
                part.trim_matches(|c: char| matches!(c, ',' | '(' | ')' | '“' | '”' | '"' | '‘'));
            let bare = bare
                .strip_suffix("’s")
                .or_else(|| bare.strip_suffix("'s"))
                .unwrap_or(bare)
                .trim_end_matches(['’', '\'']);
            if !bare.is_empty() && !is_suffix(bare) {
                parts.push(bare);
            }
        }
        let qualifies = |part: &&str| {
            let lower = part.to_lowercase();
            is_title(part) || is_role(&lower) || is_role_modifier(&lower)
        };
        let leading = parts.iter().take_while(|part| qualifies(part)).count();
        // A country or office before the title belongs to it.
        let title = parts
            .iter()
            .take(parts.len().saturating_sub(1))
            .rposition(|part| is_title(part) || is_role(&part.to_lowercase()))
            .map_or(0, |at| at + 1);
        let mut named = parts.split_off(leading.max(title));
        if named.is_empty() {
            named = std::mem::take(&mut parts);
        }
        Self {
            titles: parts,
            parts: named,
        }
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

    /// The parts in folded spelling; *bin* and its like are of one piece with what follows.
    fn folded(&self) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        let mut patronymic = false;
        for part in &self.parts {
            let part = fold(part);
            match out.last_mut().filter(|_| patronymic) {
                Some(last) => {
                    last.push(' ');
                    last.push_str(&part);
                    patronymic = false;
                }
                None => {
                    patronymic = matches!(part.as_str(), "bin" | "ibn" | "bint");
                    out.push(part);
                }
            }
        }
        out
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
/// A part stands for the whole: last names (*Venn*, *de Vries*, *Le Floch*,
/// *López Moro*), a given name alone, a full name without its second surname.
/// Two full names need the same last name, and given names that agree, are
/// initials, short forms (*Bob*, *Robert*) or spelling variants of each other.
#[must_use]
pub fn same_person(a: &str, b: &str) -> bool {
    let (a, b) = (Person::new(a), Person::new(b));
    if let (Some(x), Some(y)) = (a.gender(), b.gender())
        && x != y
    {
        return false;
    }
    let (a, b) = (a.folded(), b.folded());
    let (short, long) = if a.len() <= b.len() {
        (&a, &b)
    } else {
        (&b, &a)
    };
    let alike = |x: &[String], y: &[String]| {
        x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same_surname(x, y))
    };
    let (Some(last_short), Some(last_long)) = (short.last(), long.last()) else {
        return false;
    };
    if short.len() == 1 {
        return same_surname(last_short, last_long) || long[..long.len() - 1].contains(last_short);
    }
    if alike(short, &long[long.len() - short.len()..]) || alike(short, &long[..short.len()]) {
        return true;
    }
    // "Park Min-ho", "Park Min Ho"; "Min-ho Park".
    let joined = |parts: &[String]| parts.concat().replace('-', "");
    let sorted = |parts: &[String]| {
        let mut parts = parts.to_vec();
        parts.sort();
        parts
    };
    if joined(short) == joined(long) || sorted(short) == sorted(long) {
        return true;
    }
    let last = same_surname(last_short, last_long)
        || (short[0] == long[0] && one_slip_apart(last_short, last_long));
    last && same_given(&short[0], &long[0]) && middles_agree(short, long)
}

/// Whether both end in one last name.
#[must_use]
pub fn same_last(a: &str, b: &str) -> bool {
    match (
        Person::new(a).folded().last(),
        Person::new(b).folded().last(),
    ) {
        (Some(a), Some(b)) => same_surname(a, b),
        _ => false,
    }
}

/// *al-Venn* is *Venn*.
fn same_surname(a: &str, b: &str) -> bool {
    const ARTICLES: [&str; 8] = ["al-", "el-", "ad-", "as-", "ash-", "an-", "ar-", "at-"];
    let bare = |name: &str| {
        ARTICLES
            .iter()
            .find_map(|article| name.strip_prefix(article))
            .filter(|rest| rest.len() > 2)
            .unwrap_or(name)
            .to_owned()
    };
    same_spelling(&bare(a), &bare(b))
}

/// Middle names and initials of the one are among those of the other: *George W.* is not *George H.*
fn middles_agree(a: &[String], b: &[String]) -> bool {
    let initials = |parts: &[String]| -> Vec<char> {
        parts[1..parts.len() - 1]
            .iter()
            .filter(|part| !is_particle(part))
            .filter_map(|part| part.chars().next())
            .collect()
    };
    let (a, b) = (initials(a), initials(b));
    let (short, long) = if a.len() <= b.len() {
        (&a, &b)
    } else {
        (&b, &a)
    };
    short.iter().all(|initial| long.contains(initial))
}

/// What stands between given name and last name: *van*, *de*, *bin*.
fn is_particle(part: &str) -> bool {
    matches!(
        part,
        "van"
            | "von"
            | "der"
            | "den"
            | "de"
            | "del"
            | "della"
            | "da"
            | "di"
            | "du"
            | "dos"
            | "das"
            | "la"
            | "le"
            | "ter"
            | "ten"
            | "af"
            | "av"
            | "zu"
            | "al"
            | "el"
            | "bin"
            | "ibn"
            | "bint"
            | "abu"
            | "ben"
    )
}

fn is_suffix(part: &str) -> bool {
    matches!(
        part.to_lowercase().trim_end_matches('.'),
        "jr" | "sr" | "ii" | "iii" | "iv" | "phd" | "mp" | "md"
    )
}

fn same_given(a: &str, b: &str) -> bool {
    // "J", "JK"; "Al" and "Ed" are names.
    let initial = |x: &str, y: &str| {
        let letters = x.chars().count();
        let short = letters == 1 || (letters == 2 && !x.contains(['a', 'e', 'i', 'o', 'u']));
        short && y.starts_with(x.chars().next().unwrap_or('\0'))
    };
    a == b
        || initial(a, b)
        || initial(b, a)
        || same_spelling(a, b)
        || (a.len() >= 3 && b.len() >= 3 && (a.starts_with(b) || b.starts_with(a)))
        || SHORT_FORMS.iter().any(|forms| {
            let among = |name: &str| forms.split(' ').any(|form| form == name);
            among(a) && among(b)
        })
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
    let initials = |words: &[String], skip: bool| -> String {
        words
            .iter()
            .filter(|w| !(skip && small.contains(&w.as_str())))
            .filter_map(|w| w.chars().next())
            .collect()
    };
    // "the U.S. Harbour and Shipping Council" is the HSC.
    let own = usize::from(matches!(
        country::country(&words[0]),
        Some((_, Sense::Name | Sense::Demonym))
    ));
    initials(&words, true) == wanted
        || initials(&words, false) == wanted
        || (own == 1 && words.len() > 2 && initials(&words[own..], true) == wanted)
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
                    | "corporation"
                    | "incorporated"
                    | "limited"
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

/// Given names of one person: the full form and those that English shortens it to.
const SHORT_FORMS: [&str; 44] = [
    "william bill billy will liam",
    "robert bob bobby rob robbie",
    "richard dick rick rich ricky",
    "james jim jimmy jamie",
    "john jack johnny",
    "joseph joe joey",
    "michael mike mick mickey",
    "edward ed eddie ted teddy ned",
    "theodore ted teddy theo",
    "thomas tom tommy",
    "charles charlie chuck",
    "anthony tony",
    "antonio tony",
    "andrew andy drew",
    "daniel dan danny",
    "david dave",
    "donald don donny",
    "kenneth ken kenny",
    "ronald ron ronny",
    "stephen steve",
    "steven steve",
    "gregory greg",
    "lawrence larry",
    "henry hank harry",
    "harold harry hal",
    "francis frank",
    "franklin frank",
    "albert al bert",
    "alexander alex sandy",
    "timothy tim",
    "matthew matt",
    "nicholas nick",
    "randolph randy",
    "rudolph rudy",
    "bernard bernie",
    "leonard len leo",
    "margaret maggie meg peggy",
    "elizabeth liz beth betsy betty lisa",
    "katherine kate katie kathy",
    "catherine kate cathy",
    "patricia pat patty tricia",
    "susan sue susie",
    "deborah debbie deb",
    "jennifer jen jenny",
];

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
        assert!(same_person("Bob Venn", "Robert Venn"));
        assert!(!same_person("Robert Venn", "William Venn"));
        assert!(!same_person("Jan W. Toll", "Jan H. Toll"));
        assert!(same_person("Jan W. Toll", "Jan Toll"));
    }

    #[test]
    fn names_of_several_parts_and_other_orders() {
        // Particles, with and without the given name.
        assert!(same_person("de Vries", "Jan de Vries"));
        assert!(same_person("Vries", "Jan de Vries"));
        assert!(same_person("Le Floch", "Anne Le Floch"));
        assert!(!same_person("Anne Le Floch", "Yves Le Floch"));
        // Two surnames.
        assert!(same_person("López Moro", "Inés María López Moro"));
        assert!(same_person("Inés López", "Inés López Moro"));
        assert!(same_person("López", "Inés López Moro"));
        // Family name first.
        assert!(same_person("Park", "Park Min-ho"));
        assert!(same_person("Park Min Ho", "Park Min-ho"));
        assert!(same_person("Min-ho Park", "Park Min-ho"));
        assert!(!same_person("Park Min-ho", "Park Soo-jin"));
        // Arabic articles and patronymics.
        assert!(same_person("Tarsi", "Omar al-Tarsi"));
        assert!(same_person("bin Rashid", "Omar bin Rashid"));
        assert!(!same_person("Rashid", "Omar bin Rashid"));
        assert!(same_last("bin Rashid", "Omar bin Rashid"));
    }

    #[test]
    fn what_stands_before_a_title_belongs_to_it() {
        let person = Person::new("Danish Foreign Minister Ilse Venn");
        assert_eq!(person.parts, ["Ilse", "Venn"]);
        assert_eq!(person.titles, ["Danish", "Foreign", "Minister"]);
        assert_eq!(
            Person::new("Jan Luther King Jr.").parts,
            ["Jan", "Luther", "King"]
        );
    }

    #[test]
    fn acronyms_of_organisations() {
        assert!(is_acronym("NITO", "Northern Islands Treaty Organization"));
        assert!(is_acronym("Nito", "Northern Islands Treaty Organization"));
        assert!(is_acronym("HSC", "Harbour and Shipping Council"));
        assert!(is_acronym("HSC", "Norwegian Harbour and Shipping Council"));
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
