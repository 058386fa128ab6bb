//! Lines that say who wrote an article: names, dates and outlets in one line.

use std::sync::LazyLock;

use regex::Regex;

use crate::country::country;
use crate::date::{self, Date};
use crate::pattern::latin;

/// What a byline says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Byline {
    /// Names as they are to be printed, in order; the outlet if no person is named.
    pub authors: Vec<String>,
    /// Date of publication, where the line gives one.
    pub published: Option<Date>,
    /// The outlet or agency beside the names.
    pub publisher: Option<String>,
    /// It begins with `By` or the like: no sentence and no list of sources does.
    pub signed: bool,
}

/// Reads `line` as a byline: `By Ada Brill and Oskar Venn, Port Courier`,
/// `Ada Brill | March 4, 2019 | 4:33am EDT`.
///
/// A bare name is no byline here: without `By`, a date or a post beside it, only
/// the place in the article can tell.
///
/// ```
/// use copydesk_language::byline::parse;
/// let found = parse("By ADA BRILL and Oskar Venn, Orla News Agency").unwrap();
/// assert_eq!(found.authors, ["Ada Brill", "Oskar Venn"]);
/// assert_eq!(found.publisher.as_deref(), Some("Orla News Agency"));
/// assert!(parse("By Friday, the ferries had stopped.").is_none());
/// ```
#[must_use]
pub fn parse(line: &str) -> Option<Byline> {
    let line = line.trim();
    if line.len() > 240 {
        return None;
    }
    let (signed, mut rest) = match SIGNED.find(line) {
        Some(by) => (true, line[by.end()..].to_owned()),
        // `byAda Brill`
        None => match line.strip_prefix("by").filter(|name| is_person(name)) {
            Some(name) => (true, name.to_owned()),
            None => (false, line.to_owned()),
        },
    };
    let mut found = Byline {
        signed,
        ..Byline::default()
    };
    let mut barred = false;
    while let Some((range, date)) = date::find(&rest) {
        // A second date is the update; the first is kept.
        found.published.get_or_insert(date);
        rest.replace_range(range, " | ");
        barred = true;
    }
    while let Some((range, _)) = date::find_time(&rest, None) {
        rest.replace_range(range, " | ");
        barred = true;
    }
    let rest = NOTICE.replace_all(&rest, " | ");
    let posted = is_post(rest.rsplit(',').next().unwrap_or_default().trim());
    let mut post = false;
    for segment in SEPARATOR.split(&rest) {
        let segment = segment
            .trim()
            .trim_matches(|c: char| matches!(c, '(' | ')' | ':' | '*'));
        let (segment, place) = match PLACE.find(segment) {
            Some(place) => (segment[..place.start()].trim(), true),
            None => (segment, false),
        };
        let segment = without_controls(segment.trim_end_matches(['.', ',']));
        if segment.is_empty() || segment.starts_with('@') || is_clock_word(segment) {
            continue;
        }
        if let Some((name, behind)) = name_and_more(segment) {
            found.authors.push(print_name(name));
            if is_outlet(behind) {
                found.publisher.get_or_insert_with(|| behind.to_owned());
            } else {
                post = true;
            }
        } else if is_outlet(segment) {
            found.publisher.get_or_insert_with(|| segment.to_owned());
        } else if is_post(segment) {
            post = true;
        } else if is_person(segment) {
            found.authors.push(print_name(segment));
            barred |= place;
        } else if signed && !found.authors.is_empty() && posted {
            // `BBC defence and diplomatic correspondent` comes in two segments.
            post = true;
        } else {
            return None;
        }
    }
    if found.authors.is_empty() && post && signed {
        // `By Courier Staff`
        let name = line[SIGNED.find(line).map_or(0, |by| by.end())..].trim();
        if name.split_whitespace().count() <= 3 && name.starts_with(char::is_uppercase) {
            found.authors.push(name.to_owned());
            return Some(found);
        }
    }
    if found.authors.is_empty() {
        let outlet = found.publisher.clone().filter(|_| signed)?;
        found.authors.push(outlet);
        return Some(found);
    }
    // A list of names and no more could be anything.
    (signed || (barred && found.published.is_some()) || post || found.publisher.is_some())
        .then_some(found)
}

/// `segment` without the button or handle behind a name, and without how long ago
/// it was: `Ada Brill Follow`, `Ada Brill@adabrill`, `Ada Brill 7 hours`.
fn without_controls(segment: &str) -> &str {
    let end = BUTTON.find(segment).map_or(segment.len(), |m| m.start());
    segment[..end].trim_end()
}

/// A name with a post or outlet behind it and nothing between, perhaps not even a
/// blank: `Ada Brill Travel reporter`, `Ada BrillTravel Reporter`.
fn name_and_more(segment: &str) -> Option<(&str, &str)> {
    let mut ends: Vec<usize> = segment.match_indices(' ').map(|(at, _)| at).collect();
    ends.extend(seam(segment));
    ends.sort_unstable();
    ends.into_iter().find_map(|end| {
        let (name, more) = (&segment[..end], segment[end..].trim_start());
        let outlet = more.starts_with("The ") && is_outlet(more);
        let post = is_post(more) && more.split_whitespace().count() <= 5;
        let desk = name
            .split_whitespace()
            .any(|word| DESKS.contains(&word.to_lowercase().as_str()));
        (is_person(name) && !desk && (outlet || post)).then_some((name, more))
    })
}

/// Where a small letter and a capital meet.
fn seam(text: &str) -> Option<usize> {
    text.char_indices()
        .zip(text.chars().skip(1))
        .find(|((_, c), next)| c.is_lowercase() && next.is_uppercase())
        .map(|((at, c), _)| at + c.len_utf8())
}

/// Whether `line` is a label above the names: `By`, `Author of the article:`.
#[must_use]
pub fn is_label(line: &str) -> bool {
    let bare = line.trim().trim_end_matches(':').to_lowercase();
    matches!(
        bare.as_str(),
        "by" | "written by"
            | "author"
            | "authors"
            | "author of the article"
            | "story by"
            | "words by"
            | "reported by"
            | "posted by"
            | "published by"
    )
}

/// The names in a line below a [label](is_label); `Ada Brill0,` has the number of a
/// footnote behind it.
#[must_use]
pub fn names_below_label(line: &str) -> Vec<String> {
    if date::find(line).is_some() {
        return Vec::new();
    }
    let line = SIGNED.find(line).map_or(line, |by| &line[by.end()..]);
    let segments = SEPARATOR.split(line.trim()).map(|segment| {
        segment.trim_matches(|c: char| c.is_numeric() || c.is_whitespace() || ",&*;".contains(c))
    });
    let mut names = Vec::new();
    for segment in segments.filter(|segment| !segment.is_empty()) {
        // Below a label a word of the language may be a name: `By` / `May Will`.
        let words = segment.split(' ');
        let shaped = (2..=4).contains(&words.clone().count())
            && words.clone().all(|word| {
                word.starts_with(char::is_uppercase)
                    && word
                        .chars()
                        .all(|c| c.is_alphabetic() || "-.’'".contains(c))
                    && !is_clock_word(word)
            });
        if let Some((name, _)) = name_and_more(segment) {
            names.push(print_name(name));
        } else if is_outlet(segment) || is_person(segment) || (shaped && !is_post(segment)) {
            names.push(print_name(segment));
        } else if !is_post(segment) {
            return Vec::new();
        }
    }
    names
}

/// Names of the people whom a line such as `Ada Brill in Orla and Oskar Venn
/// contributed to this report.` thanks; outlets and editors are left out.
#[must_use]
pub fn contributors(line: &str) -> Vec<String> {
    line.trim()
        .split([';', '('])
        .flat_map(|clause| {
            let clause = clause.trim_start_matches(|c: char| !c.is_alphanumeric());
            let clause = clause.trim_end_matches([')', '.']);
            // Who edited it didn't write it.
            let clause = if EDITED.is_match(clause) { "" } else { clause };
            let clause = CONTRIBUTED.replace(clause, " ");
            names(&WITH.replace(&clause, ""))
        })
        .collect()
}

fn names(list: &str) -> Vec<String> {
    SEPARATOR
        .split(list.trim())
        .filter_map(|segment| {
            let segment = segment.trim();
            let end = PLACE.find(segment).map_or(segment.len(), |m| m.start());
            let name = segment[..end].trim().trim_end_matches(['.', ',']);
            let name = POSSESSIVE.replace(name, "");
            let name = LABEL.replace(&name, "");
            (is_person(&name) && !is_outlet(&name) && !is_post(&name)).then(|| print_name(&name))
        })
        .collect()
}

/// Whether `text` has the form of a person's name: two to five capitalised
/// words, with particles and initials between, none of which is known to be
/// something else.
#[must_use]
pub fn is_person(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    if !(2..=5).contains(&words.len()) {
        return false;
    }
    if country(text).is_some() || PLACES.contains(&text.to_lowercase().as_str()) {
        return false;
    }
    let shouted = words.iter().all(|w| !w.chars().any(char::is_lowercase));
    let mut capitals = 0;
    for (index, word) in words.iter().enumerate() {
        let inner = index > 0 && index + 1 < words.len();
        if inner && PARTICLES.contains(&word.to_lowercase().as_str()) {
            continue;
        }
        let bare = word.trim_end_matches('.');
        let well_formed = bare.chars().next().is_some_and(char::is_uppercase)
            && bare
                .chars()
                .all(|c| c.is_alphabetic() || matches!(c, '-' | '’' | '\'' | '.'));
        let letters = bare.chars().filter(|c| c.is_alphabetic()).count();
        let acronym = !shouted
            && letters > 2
            && !bare.contains('.')
            && bare
                .chars()
                .filter(|c| c.is_alphabetic())
                .all(char::is_uppercase);
        // A full stop is right behind an initial or a suffix only.
        let stop = word.ends_with('.') && letters > 2;
        // Will Venn is a name, `Will Orla vote` none.
        let given = index == 0 && words.len() <= 3 && bare == "Will";
        if !well_formed || acronym || stop || (letters > 1 && !given && is_no_name(bare)) {
            return false;
        }
        capitals += usize::from(letters > 1);
    }
    capitals >= 1 && words.last().is_some_and(|w| w.chars().count() > 1)
}

/// `ADA McBRILL` as it is printed: names in capitals get small letters.
#[must_use]
pub fn print_name(name: &str) -> String {
    let words = name.split_whitespace();
    if name.chars().any(char::is_lowercase) {
        return words.collect::<Vec<_>>().join(" ");
    }
    words
        .map(|word| {
            let lower = word.to_lowercase();
            if PARTICLES.contains(&lower.as_str()) {
                return lower;
            }
            if word.contains('.') || word.chars().count() == 1 {
                return word.to_owned();
            }
            let mut out = String::with_capacity(word.len());
            let mut raise = true;
            for (at, c) in lower.char_indices() {
                raise |= at == 2 && lower.starts_with("mc");
                if raise {
                    out.extend(c.to_uppercase());
                } else {
                    out.push(c);
                }
                raise = matches!(c, '-' | '\'' | '’');
            }
            out
        })
        .collect::<Vec<_>>()
        .join(" ")
}

/// Whether `text` names a newspaper, broadcaster or agency.
#[must_use]
pub fn is_outlet(text: &str) -> bool {
    let text = text
        .trim()
        .trim_start_matches("the ")
        .trim_start_matches("The ");
    if text.is_empty()
        || text.split_whitespace().count() > 6
        || !text.starts_with(char::is_uppercase)
    {
        return false;
    }
    let lower = text.to_lowercase();
    if AGENCIES.contains(&lower.as_str()) {
        return true;
    }
    let last = lower.rsplit(' ').next().unwrap_or_default();
    lower.ends_with(".com")
        || lower.ends_with(".org")
        || (lower.contains(' ') && OUTLET_HEADS.contains(&last))
        || lower.split(' ').any(|word| OUTLET_WORDS.contains(&word))
}

/// Whether `text` names a post in a newsroom: `Opinion contributor`, `Staff writer`.
#[must_use]
pub fn is_post(text: &str) -> bool {
    let lower = text.to_lowercase();
    let mut words = lower.split_whitespace();
    words.clone().count() <= 6 && words.any(|w| POSTS.contains(&w))
}

fn is_clock_word(text: &str) -> bool {
    text.split_whitespace().all(|word| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric());
        word.is_empty()
            || word.chars().all(|c| c.is_ascii_digit())
            || date::names_day_or_month(word)
            || CLOCK.contains(&word.to_lowercase().as_str())
    })
}

fn is_no_name(word: &str) -> bool {
    let lower = word.to_lowercase();
    date::names_day_or_month(word)
        && !matches!(
            lower.as_str(),
            "may" | "jan" | "april" | "june" | "august" | "mar"
        )
        || NO_NAMES.contains(&lower.as_str())
        || POSTS.contains(&lower.as_str())
        || OUTLET_WORDS.contains(&lower.as_str())
        || CLOCK.contains(&lower.as_str())
}

static SIGNED: LazyLock<Regex> = LazyLock::new(|| {
    latin(
        r"(?i)^[\W_]*(?:(?:written|posted|published|story|words|text|report(?:ed)?|analysis|compiled|view (?:all )?(?:posts|articles|stories)) )?by\b[:\s]+",
    )
});

/// Words that say when it was published, after a name and before the date.
static NOTICE: LazyLock<Regex> = LazyLock::new(|| {
    latin(
        r"(?i)\b(?:(?:first|last)\s+)?(?:published|updated|posted|modified)\b:?(?:\s+(?:on|at)\b)?",
    )
});

static SEPARATOR: LazyLock<Regex> =
    LazyLock::new(|| latin(r"(?i)\s*[|•·,;/]\s*|\s+[-–—]+\s+|\s+(?:and|&|with)\s+|\s{2,}"));

/// ` in Orla`, ` for the Courier`, behind a name.
static PLACE: LazyLock<Regex> = LazyLock::new(|| latin(r"\s+(?:in|for|For|at|of|from)\s+"));

static CONTRIBUTED: LazyLock<Regex> =
    LazyLock::new(|| latin(r"(?i)\s*\b(?:also\s+)?(?:contributed|helped|assisted)\b.*$"));

static WITH: LazyLock<Regex> = LazyLock::new(|| {
    latin(
        r"(?i)^(?:with\s+)?(?:(?:additional|further)\s+)?(?:reporting|research|assistance|contributions?|files|writing|editing|contributing)(?:\s+(?:by|from)\b)?[:\s]+",
    )
});

static EDITED: LazyLock<Regex> = LazyLock::new(|| latin(r"(?i)^edit(?:ing|ed)\b"));

static POSSESSIVE: LazyLock<Regex> = LazyLock::new(|| latin(r"^\p{Lu}[\p{L}. ]*?[’'](?:s\s|\s)"));

static BUTTON: LazyLock<Regex> = LazyLock::new(|| {
    latin(
        r"(?:\s+(?i:follow|email|share|bio|profile|view profile)|\s*@[0-9A-Za-z_]+|\s+[0-9]+ (?i:minutes?|mins?|hours?|hrs?|days?|weeks?)(?i: ago)?)\s*$",
    )
});

/// `Associated Press writers Ada Brill`
static LABEL: LazyLock<Regex> = LazyLock::new(|| {
    latin(
        r"(?i)^.*\b(?:writers?|reporters?|correspondents?|journalists?|staff|editors?|producers?)\s+",
    )
});

const PARTICLES: &[&str] = &[
    "de", "da", "di", "do", "dos", "das", "du", "del", "della", "la", "le", "van", "von", "der",
    "den", "ten", "ter", "bin", "ibn", "al", "el", "y", "e", "zu", "of", "af", "av", "st.",
];

/// What a post is for: `Senior Political Reporter` begins with no name.
const DESKS: &[&str] = &[
    "assistant",
    "business",
    "capitol",
    "climate",
    "consumer",
    "crime",
    "defence",
    "defense",
    "deputy",
    "diplomatic",
    "economics",
    "education",
    "energy",
    "environment",
    "features",
    "finance",
    "health",
    "home",
    "investigative",
    "legal",
    "lifestyle",
    "local",
    "managing",
    "money",
    "opinion",
    "parliamentary",
    "political",
    "royal",
    "science",
    "senior",
    "showbiz",
    "special",
    "tech",
    "technology",
    "transport",
    "travel",
    "white",
];

/// Places of two words that look like names and are no country's.
const PLACES: &[&str] = &[
    "addis ababa",
    "baton rouge",
    "buenos aires",
    "cape town",
    "des moines",
    "el paso",
    "fort worth",
    "hong kong",
    "kuala lumpur",
    "las vegas",
    "los angeles",
    "palm beach",
    "puerto rico",
    "rhode island",
    "rio de janeiro",
    "san antonio",
    "san diego",
    "san francisco",
    "san jose",
    "santa fe",
    "tel aviv",
];

const POSTS: &[&str] = &[
    "correspondent",
    "reporter",
    "editor",
    "writer",
    "columnist",
    "staff",
    "bureau",
    "chief",
    "analyst",
    "producer",
    "contributor",
    "intern",
    "journalist",
    "desk",
    "author",
    "commentary",
    "opinion",
    "correspondents",
    "reporters",
    "writers",
    "editors",
    "fellow",
    "blogger",
    "presenter",
];

const AGENCIES: &[&str] = &[
    "reuters",
    "associated press",
    "ap",
    "afp",
    "agence france-presse",
    "upi",
    "dpa",
    "ani",
    "pti",
    "ians",
    "xinhua",
    "tass",
    "bloomberg",
    "efe",
    "ansa",
    "kyodo",
    "cnn",
    "bbc",
    "npr",
    "cbs",
    "nbc",
    "abc",
    "fox",
    "pbs",
    "politico",
    "euronews",
    "axios",
    "anadolu",
    "interfax",
    "pa",
    "usa today",
    "al jazeera",
    "deutsche welle",
    "dw",
    "rfe/rl",
    "aap",
    "msnbc",
    "cnbc",
];

const OUTLET_WORDS: &[&str] = &[
    "news",
    "press",
    "agency",
    "newspaper",
    "newspapers",
    "magazine",
    "gazette",
    "tribune",
    "broadcasting",
    "wire",
    "newsroom",
    "media",
    "radio",
    "reuters",
    "herald",
    "chronicle",
    "courier",
    "bulletin",
    "newswire",
    "network",
];

const OUTLET_HEADS: &[&str] = &[
    "times",
    "post",
    "journal",
    "mail",
    "star",
    "globe",
    "guardian",
    "independent",
    "observer",
    "examiner",
    "review",
    "telegraph",
    "standard",
    "mirror",
    "express",
    "monitor",
    "sun",
    "today",
    "tv",
    "online",
    "report",
    "service",
    "foundation",
    "television",
    "sentinel",
    "dispatch",
    "ledger",
    "argus",
    "echo",
    "mercury",
];

const CLOCK: &[&str] = &[
    "published",
    "updated",
    "posted",
    "last",
    "modified",
    "first",
    "on",
    "at",
    "min",
    "mins",
    "minute",
    "minutes",
    "read",
    "ago",
    "hours",
    "hour",
    "days",
    "day",
    "weeks",
    "week",
    "am",
    "pm",
    "et",
    "edt",
    "est",
    "gmt",
    "utc",
    "date",
    "time",
    "local",
    "created",
    "print",
    "share",
    "comments",
    "comment",
    "a.m",
    "p.m",
];

const NO_NAMES: &[&str] = &[
    "the",
    "a",
    "an",
    "and",
    "or",
    "but",
    "for",
    "with",
    "from",
    "to",
    "is",
    "was",
    "as",
    "if",
    "how",
    "why",
    "what",
    "when",
    "who",
    "where",
    "this",
    "that",
    "these",
    "its",
    "his",
    "her",
    "our",
    "your",
    "my",
    "new",
    "more",
    "read",
    "story",
    "photo",
    "photos",
    "image",
    "images",
    "video",
    "watch",
    "listen",
    "share",
    "tweet",
    "text",
    "audio",
    "font",
    "size",
    "play",
    "live",
    "top",
    "related",
    "advertisement",
    "sign",
    "click",
    "getty",
    "file",
    "minister",
    "president",
    "secretary",
    "ministry",
    "government",
    "department",
    "committee",
    "council",
    "university",
    "institute",
    "party",
    "house",
    "senate",
    "court",
    "union",
    "alliance",
    "state",
    "states",
    "united",
    "national",
    "international",
    "foreign",
    "prime",
    "general",
    "security",
    "defense",
    "defence",
    "world",
    "politics",
    "business",
    "sport",
    "sports",
    "election",
    "vote",
    "war",
    "deal",
    "talks",
    "crisis",
    "row",
    "says",
    "said",
    "no",
    "not",
    "north",
    "south",
    "east",
    "west",
    "street",
    "city",
    "county",
    "league",
    "bank",
    "group",
    "inc",
    "corp",
    "office",
    "embassy",
    "russian",
    "american",
    "british",
    "german",
    "french",
    "chinese",
    "european",
    "russia",
    "america",
    "europe",
    "in",
    "on",
    "at",
    "by",
    "of",
    "are",
    "were",
    "be",
    "will",
    "would",
    "should",
    "can",
    "could",
    "do",
    "does",
    "did",
    "has",
    "have",
    "had",
    "he",
    "she",
    "it",
    "they",
    "we",
    "you",
    "i",
    "all",
    "some",
    "most",
    "many",
    "about",
    "after",
    "before",
    "over",
    "under",
    "into",
    "against",
    "big",
    "best",
    "worst",
    "key",
    "free",
    "home",
    "here",
    "there",
    "latest",
    "breaking",
    "exclusive",
    "update",
    "members",
    "senator",
    "congress",
    "parliament",
    "policy",
    "service",
    "street",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn authors(line: &str) -> Vec<String> {
        parse(line).map(|b| b.authors).unwrap_or_default()
    }

    #[test]
    fn bylines_give_their_names() {
        for (line, expected) in [
            ("By Ada Brill", vec!["Ada Brill"]),
            (
                "BY ADA F. BRILL AND OSKAR MCVENN",
                vec!["Ada F. Brill", "Oskar McVenn"],
            ),
            (
                "By LIESL O'HARA-TOLL, Associated Press",
                vec!["Liesl O'Hara-Toll"],
            ),
            (
                "Written by Ada Brill, Oskar van der Venn and J. R. Holm",
                vec!["Ada Brill", "Oskar van der Venn", "J. R. Holm"],
            ),
            ("Ada Brill | March 4, 2019 | 4:33am EDT", vec!["Ada Brill"]),
            ("Ada Brill, Political Correspondent", vec!["Ada Brill"]),
            (
                "Ada Brill in Orla and Oskar Venn, Reuters",
                vec!["Ada Brill", "Oskar Venn"],
            ),
            (
                "By Ada Brill Published 4 March 2019, 16:40 GMT",
                vec!["Ada Brill"],
            ),
            (
                "By Ada Brill · Updated March 4, 2019 · 5 min read",
                vec!["Ada Brill"],
            ),
            ("By Ada A. Brill, Correspondent", vec!["Ada A. Brill"]),
            (
                "By Ada Brill, Harbour and diplomatic correspondent",
                vec!["Ada Brill"],
            ),
            ("By Associated Press", vec!["Associated Press"]),
            ("byAda Brill", vec!["Ada Brill"]),
            ("Ada Brill Parliamentary editor", vec!["Ada Brill"]),
            ("Ada BrillTravel News Reporter", vec!["Ada Brill"]),
            (
                "By Ada Brill and Oskar Venn The Associated Press",
                vec!["Ada Brill", "Oskar Venn"],
            ),
            ("By Ada Brill For Courier.Com", vec!["Ada Brill"]),
            ("By Ada Brill Follow", vec!["Ada Brill"]),
            ("By Courier Staff", vec!["Courier Staff"]),
            ("View all posts by Ada Brill", vec!["Ada Brill"]),
        ] {
            assert_eq!(authors(line), expected, "{line}");
        }
    }

    #[test]
    fn dates_and_outlets_in_a_byline_are_read() {
        let found =
            parse("Ada Brill | Port Courier | March 4, 2019 | 4:33am EDT").expect("a byline");
        assert_eq!(found.publisher.as_deref(), Some("Port Courier"));
        assert_eq!(
            found.published.map(|d| d.to_string()).as_deref(),
            Some("2019-03-04T04:33-04:00")
        );
    }

    #[test]
    fn prose_is_no_byline() {
        for line in [
            "By Friday, the ferries had stopped.",
            "By and large it failed",
            "By the time Ada Brill arrived, it was over",
            "Ada Brill",
            "Ada Brill, Oskar Venn",
            "Senior Political Reporter",
            "Ada Brill said the vote was over",
            "Norrland NHU",
            "The vote of March 4, 2019",
            "",
        ] {
            assert_eq!(parse(line), None, "{line}");
        }
    }

    #[test]
    fn names_below_a_label_may_have_footnotes_and_posts() {
        for label in ["By", "Author of the article:", "Written by:"] {
            assert!(is_label(label), "{label}");
        }
        assert_eq!(names_below_label("Ada Brill0,"), ["Ada Brill"]);
        assert_eq!(names_below_label("Oskar You &"), ["Oskar You"]);
        assert_eq!(names_below_label("Ada BrillTravel Reporter"), ["Ada Brill"]);
        assert_eq!(
            names_below_label("The Associated Press"),
            ["The Associated Press"]
        );
        assert_eq!(
            names_below_label("Ada BrillTravel News Reporter"),
            ["Ada Brill"]
        );
        assert_eq!(names_below_label("By Ada Brill"), ["Ada Brill"]);
        for line in ["Published Mar 04, 2019", "Last Updated", "Published March"] {
            assert_eq!(names_below_label(line), Vec::<String>::new(), "{line}");
        }
        assert_eq!(
            names_below_label("The ferries stopped."),
            Vec::<String>::new()
        );
    }

    #[test]
    fn contributors_are_named_without_their_places_and_outlets() {
        assert_eq!(
            contributors(
                "——— Ada Brill in Orla and Oskar Venn in Port Ellis contributed to this report."
            ),
            ["Ada Brill", "Oskar Venn"]
        );
        assert_eq!(
            contributors("With reporting by Reuters, AP, Harbour News"),
            Vec::<String>::new()
        );
        assert_eq!(
            contributors(
                "(Reporting by Ada Brill; Additional reporting by J. R. Holm; editing by Oskar Venn)"
            ),
            ["Ada Brill", "J. R. Holm"]
        );
        assert_eq!(
            contributors("The Courier's Ada Brill contributed to this report"),
            ["Ada Brill"]
        );
        assert_eq!(
            contributors(
                "AP reporters Ada Brill in Providence, Rhode Island, Will Holm in Chicago and Oskar Venn in Orla contributed to this article."
            ),
            ["Ada Brill", "Will Holm", "Oskar Venn"]
        );
        assert_eq!(
            contributors("Associated Press writers Ada Brill and Oskar Venn contributed."),
            ["Ada Brill", "Oskar Venn"]
        );
    }

    #[test]
    fn names_are_told_from_titles_and_headings() {
        assert!(is_person("Ludwig van der Holm Jr."));
        assert!(is_person("JD Venn"));
        for text in [
            "Foreign Minister Ada Brill",
            "Norrland NHU",
            "Font Size",
            "Read More",
            "Ada",
            "The Vote",
            "Ada brill",
        ] {
            assert!(!is_person(text), "{text}");
        }
    }
}
