//! Cue verbs: the words by which news text says that somebody said something.
//!
//! The list is the standard stock of English reporting verbs with the classes
//! of PolNeAR (Newell, Margolin and Ruths 2018: speech against belief and
//! intention) and the frames of Quirk et al. (1985, §16.31–33) as far as they
//! decide where the words said may stand.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What a cue reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Words that were uttered or written.
    Speech,
    /// Thought, knowledge, hope, intention.
    Belief,
    /// Findings, acts and attitudes: reported content without an utterance.
    Other,
}

/// Where the words said stand beside the cue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Frame {
    /// A clause or quotation: *said (that) …*
    Clause,
    /// A hearer, then a clause or quotation: *told reporters that …*
    Tell,
    /// Only a quotation: *continued*, *laughed*.
    Quote,
    /// An object with *of, as, for*; quoted words inside it are the speaker's:
    /// *accused … of*, *called … a*.
    Object,
}

/// The form of a verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// say
    Base,
    /// says
    Present,
    /// said (past or participle)
    Past,
    /// saying
    Ing,
    /// written, spoken: a participle that is no past tense
    Participle,
}

/// A cue verb in one of its forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verb {
    /// The dictionary form.
    pub lemma: &'static str,
    /// What it reports.
    pub class: Class,
    /// Where the words said stand.
    pub frame: Frame,
    /// Which form was met.
    pub form: Form,
}

/// The cue verb of which `word` (lower case) is a form.
#[must_use]
pub fn verb(word: &str) -> Option<Verb> {
    VERBS.get(word).copied()
}

/// A phrase that names its speaker after it: *according to …*
///
/// `words` are the lower-case words from the phrase's supposed start; returned
/// is how many of them belong to it.
#[must_use]
pub fn source_phrase(words: &[&str]) -> Option<usize> {
    const PHRASES: [&[&str]; 8] = [
        &["according", "to"],
        &["as", "per"],
        &["in", "the", "words", "of"],
        &["in", "the", "view", "of"],
        &["in", "the", "opinion", "of"],
        &["as", "reported", "by"],
        &["as", "stated", "by"],
        &["as", "quoted", "by"],
    ];
    PHRASES
        .iter()
        .find(|phrase| words.len() >= phrase.len() && words[..phrase.len()] == ***phrase)
        .map(|phrase| phrase.len())
}

/// Particles that belong to a cue verb: *pointed out*, *called for*.
#[must_use]
pub fn takes_particle(lemma: &str, next: &str) -> bool {
    matches!(
        (lemma, next),
        ("put", "it")
            | ("point", "out")
            | ("call", "for" | "on")
            | ("refer", "to")
            | ("speak", "of" | "about")
            | ("talk", "of" | "about")
            | ("go", "on")
            | ("hit", "back")
            | ("lash", "out")
            | ("sum", "up")
            | ("chime", "in")
            | ("fire", "back")
            | ("shoot", "back")
            | ("push", "back")
            | ("allude", "to")
            | ("complain", "of" | "about")
            | ("warn", "of" | "against")
    )
}

/// Verbs that tell of speech only with their particle: *shot back*, not *shot*.
#[must_use]
pub fn needs_particle(lemma: &str) -> bool {
    matches!(
        lemma,
        "shoot" | "fire" | "hit" | "push" | "put" | "lash" | "chime" | "point"
    )
}

/// Nouns of what is said or written, which speak for whoever issued them:
/// *the ministry’s statement said*.
#[must_use]
pub fn is_document(noun: &str) -> bool {
    matches!(
        noun,
        "statement"
            | "statements"
            | "report"
            | "reports"
            | "letter"
            | "memo"
            | "memorandum"
            | "email"
            | "e-mail"
            | "tweet"
            | "tweets"
            | "post"
            | "article"
            | "column"
            | "editorial"
            | "op-ed"
            | "study"
            | "survey"
            | "poll"
            | "polls"
            | "release"
            | "communique"
            | "communiqué"
            | "note"
            | "filing"
            | "lawsuit"
            | "complaint"
            | "indictment"
            | "affidavit"
            | "ruling"
            | "order"
            | "document"
            | "documents"
            | "paper"
            | "message"
            | "speech"
            | "petition"
            | "resolution"
            | "declaration"
            | "transcript"
            | "ad"
            | "book"
            | "headline"
            | "bulletin"
            | "advisory"
            | "notice"
            | "announcement"
            | "posting"
            | "website"
            | "blog"
    )
}

const SPEECH_CLAUSE: &str = "say state add note announce declare claim report argue explain insist maintain suggest \
acknowledge admit concede confirm deny allege assert affirm reaffirm reiterate repeat stress emphasize emphasise \
underline underscore warn caution complain lament predict promise vow pledge swear reply respond retort answer counter \
observe remark comment mention point write tweet post blog email testify reveal disclose estimate conclude contend \
charge recall recount joke quip boast brag muse opine proclaim pronounce protest object demand propose recommend \
ask inquire enquire query shout yell cry whisper mutter murmur scream exclaim chant hint imply indicate signal \
elaborate clarify specify advise threaten guarantee decree fume thunder snap sigh plead beg implore apologize apologise \
preach relay stipulate theorize venture agree concur disagree rule profess avow attest surmise speculate forecast \
message text telegraph broadcast relate narrate summarize summarise advocate urge request joke crow grumble gripe \
groan mumble stammer bark bellow roar rage rail sniff tease blurt confide confess divulge reassert rejoin remonstrate \
riposte scoff sneer snort storm marvel enthuse gush rave bemoan caution posit postulate verify imply volunteer \
insinuate decry";
const SPEECH_TELL: &str = "tell inform remind assure notify brief reassure instruct lecture";
const SPEECH_QUOTE: &str = "continue begin start finish interject interrupt intone laugh smile grin shrug nod chuckle \
wink hiss sob gasp put chide scold sing rap recite quote read chime shoot fire hit push share";
const SPEECH_OBJECT: &str = "accuse call describe criticize criticise condemn denounce blame praise hail applaud thank \
mock ridicule attack rebuke reprimand lambast lambaste slam blast label dub brand term characterize characterise \
portray refer tout defend compare liken welcome regret express voice question reject refute dispute rebut congratulate \
dismiss cite depict deride decry berate castigate salute commend laud credit invoke echo slam rap deplore deem renounce disavow christen disparage belittle speak \
talk promote discuss address bash rip trash excoriate vilify lash fault chastise admonish demonize warn urge complain";
const BELIEF_CLAUSE: &str = "think believe feel know hope fear expect want wish doubt suspect understand consider \
imagine assume suppose realize realise decide plan intend see view regard worry prefer seek wonder guess reckon \
anticipate envision learn hear remember forget determine judge aim choose vote love hate like favor favour trust sense \
mean presume";
const OTHER_CLAUSE: &str = "show find demonstrate prove illustrate suggest reflect support oppose back endorse ensure \
require agree calculate discover approve detail highlight list outline warrant refuse decline offer threaten publish \
note document calculate quote";

const IRREGULAR: [(&str, &str, &str); 34] = [
    ("shoot", "shot", ""),
    ("say", "said", ""),
    ("tell", "told", ""),
    ("write", "wrote", "written"),
    ("think", "thought", ""),
    ("feel", "felt", ""),
    ("know", "knew", "known"),
    ("mean", "meant", ""),
    ("swear", "swore", "sworn"),
    ("speak", "spoke", "spoken"),
    ("find", "found", ""),
    ("read", "read", ""),
    ("begin", "began", "begun"),
    ("sing", "sang", "sung"),
    ("see", "saw", "seen"),
    ("seek", "sought", ""),
    ("understand", "understood", ""),
    ("hear", "heard", ""),
    ("forget", "forgot", "forgotten"),
    ("choose", "chose", "chosen"),
    ("show", "showed", "shown"),
    ("prove", "proved", "proven"),
    ("broadcast", "broadcast", ""),
    ("forecast", "forecast", ""),
    ("learn", "learned", "learnt"),
    ("rap", "rapped", ""),
    ("put", "put", ""),
    ("rip", "ripped", ""),
    ("plan", "planned", ""),
    ("quip", "quipped", ""),
    ("snap", "snapped", ""),
    ("beg", "begged", ""),
    ("slam", "slammed", ""),
    ("hit", "hit", ""),
];

static VERBS: LazyLock<HashMap<String, Verb>> = LazyLock::new(|| {
    let lists = [
        (SPEECH_CLAUSE, Class::Speech, Frame::Clause),
        (SPEECH_TELL, Class::Speech, Frame::Tell),
        (SPEECH_QUOTE, Class::Speech, Frame::Quote),
        (SPEECH_OBJECT, Class::Speech, Frame::Object),
        (BELIEF_CLAUSE, Class::Belief, Frame::Clause),
        (OTHER_CLAUSE, Class::Other, Frame::Clause),
    ];
    let mut verbs = HashMap::new();
    for (list, class, frame) in lists {
        for lemma in list.split_whitespace() {
            for (word, form) in forms(lemma) {
                // Earlier lists win: `warn` is speech with a clause first.
                verbs.entry(word).or_insert(Verb {
                    lemma,
                    class,
                    frame,
                    form,
                });
            }
        }
    }
    verbs
});

fn forms(lemma: &'static str) -> Vec<(String, Form)> {
    let mut forms = vec![(present(lemma), Form::Present), (ing(lemma), Form::Ing)];
    match IRREGULAR.iter().find(|(base, ..)| *base == lemma) {
        Some((_, past, participle)) => {
            forms.push(((*past).to_owned(), Form::Past));
            if !participle.is_empty() {
                forms.push(((*participle).to_owned(), Form::Participle));
            }
        }
        None => forms.push((past(lemma), Form::Past)),
    }
    forms.push((lemma.to_owned(), Form::Base));
    forms
}

fn present(lemma: &str) -> String {
    if let Some(stem) = consonant_y(lemma) {
        format!("{stem}ies")
    } else if lemma.ends_with("ss")
        || lemma.ends_with("sh")
        || lemma.ends_with("ch")
        || lemma.ends_with('x')
    {
        format!("{lemma}es")
    } else {
        format!("{lemma}s")
    }
}

fn past(lemma: &str) -> String {
    if let Some(stem) = consonant_y(lemma) {
        format!("{stem}ied")
    } else if lemma.ends_with('e') {
        format!("{lemma}d")
    } else if doubles(lemma) {
        let last = &lemma[lemma.len() - 1..];
        format!("{lemma}{last}ed")
    } else {
        format!("{lemma}ed")
    }
}

fn ing(lemma: &str) -> String {
    if lemma.ends_with("ee") || !lemma.ends_with('e') {
        if doubles(lemma) {
            let last = &lemma[lemma.len() - 1..];
            format!("{lemma}{last}ing")
        } else {
            format!("{lemma}ing")
        }
    } else {
        format!("{}ing", &lemma[..lemma.len() - 1])
    }
}

fn consonant_y(lemma: &str) -> Option<&str> {
    let stem = lemma.strip_suffix('y')?;
    (!stem.ends_with(['a', 'e', 'i', 'o', 'u'])).then_some(stem)
}

fn doubles(lemma: &str) -> bool {
    matches!(
        lemma,
        "admit"
            | "brag"
            | "refer"
            | "rap"
            | "hit"
            | "rip"
            | "plan"
            | "quip"
            | "snap"
            | "beg"
            | "slam"
            | "begin"
            | "forget"
            | "nod"
            | "chat"
            | "dub"
            | "put"
            | "sob"
            | "blog"
            | "sum"
            | "shrug"
            | "grin"
            | "confer"
            | "stammer_"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_regular_and_irregular_verbs() {
        for (word, lemma, form) in [
            ("said", "say", Form::Past),
            ("says", "say", Form::Present),
            ("saying", "say", Form::Ing),
            ("told", "tell", Form::Past),
            ("admitted", "admit", Form::Past),
            ("replies", "reply", Form::Present),
            ("charged", "charge", Form::Past),
            ("tweeting", "tweet", Form::Ing),
            ("written", "write", Form::Participle),
            ("condemning", "condemn", Form::Ing),
        ] {
            let found = verb(word).unwrap_or_else(|| panic!("{word} is missing"));
            assert_eq!((found.lemma, found.form), (lemma, form));
        }
        assert_eq!(verb("sailed"), None);
    }

    #[test]
    fn some_verbs_speak_only_with_their_particle() {
        let shot = verb("shot").expect("shot is a form of shoot");
        assert!(needs_particle(shot.lemma));
        assert!(takes_particle(shot.lemma, "back"));
        assert!(!takes_particle(shot.lemma, "twice"));
        assert!(!needs_particle("say"));
    }

    #[test]
    fn speech_and_belief_are_told_apart() {
        assert_eq!(verb("warned").map(|v| v.class), Some(Class::Speech));
        assert_eq!(verb("believes").map(|v| v.class), Some(Class::Belief));
        assert_eq!(verb("showed").map(|v| v.class), Some(Class::Other));
        assert_eq!(verb("accused").map(|v| v.frame), Some(Frame::Object));
    }

    #[test]
    fn phrases_with_the_speaker_after_them() {
        assert_eq!(source_phrase(&["according", "to", "the"]), Some(2));
        assert_eq!(source_phrase(&["in", "the", "words", "of", "a"]), Some(4));
        assert_eq!(source_phrase(&["in", "the", "harbour"]), None);
        assert_eq!(source_phrase(&["according"]), None);
    }
}
