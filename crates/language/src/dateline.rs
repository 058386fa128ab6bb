//! The place and agency that stand before the first sentence of a report.

use std::sync::LazyLock;

use regex::Regex;

use crate::byline::is_outlet;
use crate::date::names_day_or_month;
use crate::pattern::latin;

/// A dateline at the start of a paragraph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dateline {
    /// Byte where the report itself begins.
    pub end: usize,
    /// The place as written, without its country or state.
    pub city: Option<String>,
    /// The agency in brackets.
    pub agency: Option<String>,
    /// It ends with a colon only, as a speaker's name in a transcript does: trust
    /// it where no other paragraph begins so.
    pub colon: bool,
}

/// Reads the dateline at the start of `paragraph`: `ORLA — `, `PORT ELLIS, Norrland
/// (AP) — `, `Orla (Reuters) - `, and what is left of one when an extractor dropped
/// the agency's link: `( – `.
///
/// ```
/// use copydesk_language::dateline::parse;
/// let found = parse("PORT ELLIS, Norrland (AP) — The ferries stopped.").unwrap();
/// assert_eq!(found.city.as_deref(), Some("PORT ELLIS"));
/// assert_eq!(found.agency.as_deref(), Some("AP"));
/// assert!(parse("NATO — which has no ferries — kept silent.").is_none());
/// ```
#[must_use]
pub fn parse(paragraph: &str) -> Option<Dateline> {
    // A dateline is short; the rest of a long paragraph need not be searched.
    let mut limit = paragraph.len().min(160);
    while !paragraph.is_char_boundary(limit) {
        limit -= 1;
    }
    let head = &paragraph[..limit];
    for pattern in [&*PLACE, &*AGENCY_PLACE, &*AGENCY] {
        let Some(found) = pattern.captures(head) else {
            continue;
        };
        let end = found.get(0).map_or(0, |m| m.end());
        if !begins_sentence(&paragraph[end..]) {
            continue;
        }
        let text = |name: &str| {
            found
                .name(name)
                .map(|m| m.as_str().trim().to_owned())
                .filter(|t| !t.is_empty())
        };
        let (city, agency) = (text("city"), text("agency"));
        let colon = found.name("colon").is_some();
        if let Some(city) = &city {
            if is_label(city) || (colon && agency.is_none() && city.chars().count() < 4) {
                continue;
            }
        } else if colon {
            continue;
        }
        let dash = found.name("dash").is_some();
        let bare_place = found.name("shouted").is_none() && city.is_some();
        // `Harbour Union (HU) members` has brackets as well: without a dash only a
        // known name is an agency's.
        let known = |a: &str| if dash { is_agency(a) } else { is_outlet(a) };
        if bare_place && !agency.as_deref().is_some_and(known) {
            continue;
        }
        let unknown = agency.as_deref().map_or(!dash, |a| !known(a));
        if city.is_none() && unknown {
            continue;
        }
        return Some(Dateline {
            end,
            city,
            agency,
            colon,
        });
    }
    None
}

fn begins_sentence(rest: &str) -> bool {
    rest.chars()
        .find(|c| !matches!(c, '“' | '"' | '‘' | '\'' | '«' | '('))
        .is_some_and(|c| c.is_uppercase() || c.is_numeric())
}

fn is_agency(text: &str) -> bool {
    is_outlet(text)
        || (text.len() <= 6 && text.chars().all(char::is_uppercase))
        || text.split(['/', '-']).all(|part| is_outlet(part.trim()))
        || text.to_lowercase().ends_with(" wire")
}

/// Words in capitals before a dash that announce rather than locate.
fn is_label(text: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .any(|word| LABELS.contains(&word) || (names_day_or_month(word) && word.len() > 3))
}

const LABELS: &[&str] = &[
    "WATCH",
    "UPDATE",
    "UPDATED",
    "EXCLUSIVE",
    "BREAKING",
    "VIDEO",
    "PHOTOS",
    "PHOTO",
    "NOTE",
    "OPINION",
    "ANALYSIS",
    "REPORT",
    "FACT",
    "CORRECTION",
    "CLARIFICATION",
    "RELATED",
    "READ",
    "MORE",
    "LIVE",
    "LISTEN",
    "NATO",
    "FILE",
    "PS",
    "MYTH",
    "REALITY",
    "WINNER",
    "LOSER",
    "QUESTION",
    "ANSWER",
    "CLAIM",
    "SEE",
    "ALSO",
    "ADVERTISEMENT",
    "EDITOR",
    "HOST",
    "BYLINE",
    "STEP",
    "DAY",
    "PART",
    "TIP",
    "WARNING",
    "COMMENTARY",
    "OPINION",
    "REVIEW",
    "POLL",
    "EU",
    "UN",
    "US",
    "UK",
    "GOP",
    "TRUE",
    "FALSE",
    "VERDICT",
    "CNN",
    "BBC",
    "FBI",
    "CIA",
];

/// `PORT ELLIS, Norrland, March 4 (AP) — `
static PLACE: LazyLock<Regex> = LazyLock::new(|| {
    latin(
        r"(?x)^\s*(?P<shouted>(?P<city>\p{Lu}[\p{Lu}.’'/\ -]{1,38}\p{Lu}\.?))
        (?:,\s+\p{Lu}[\p{L}.\ ]{1,28})?
        (?:,\s+(?:\p{Lu}\p{Ll}+,?\s+)?\p{Lu}\p{Ll}{2,8}\.?\s+\d{1,2}(?:,\s+\d{4})?)?
        (?:\s*\((?P<agency>[^()]{1,40})\)|\s*/\s*(?:\p{Lu}[\p{L}\ ]{1,20})/?)?
        (?:\s*(?P<dash>—+|–+|--+|―|\s-)\s*|(?P<colon>\)?\s*:)\s+|\)\s+)",
    )
});

/// `Orla (Reuters) - ` and `Orla (CNN) `
static AGENCY_PLACE: LazyLock<Regex> = LazyLock::new(|| {
    latin(
        r"(?x)^\s*(?P<city>\p{Lu}[\p{L}.’'\ -]{1,38}?)
        (?:,\s+\p{Lu}[\p{L}.\ ]{1,28})?(?:,\s+\p{Lu}\p{Ll}{2,8}\.?\s+\d{1,2})?
        \s*\((?P<agency>[^()]{2,40})\)(?P<dash>\s*[—–:-]+)?\s+",
    )
});

/// `(Reuters) - `, or `( – ` where the agency was lost.
static AGENCY: LazyLock<Regex> = LazyLock::new(|| {
    latin(r"^\s*\(\s*(?P<agency>[^()—–]{0,40}?)\s*(?:\)?\s*(?P<dash>—+|–+|--+|\s-)\s*|\)\s+)")
});

#[cfg(test)]
mod tests {
    use super::*;

    fn city(text: &str) -> Option<(Option<String>, Option<String>, &str)> {
        parse(text).map(|d| (d.city, d.agency, &text[d.end..]))
    }

    #[test]
    fn datelines_of_the_agencies_are_read() {
        for (text, place, agency, rest) in [
            (
                "ORLA — The ferries stopped.",
                Some("ORLA"),
                None,
                "The ferries stopped.",
            ),
            (
                "ORLA – “We stop,” he said.",
                Some("ORLA"),
                None,
                "“We stop,” he said.",
            ),
            (
                "PORT ELLIS, Norrland (AP) — The",
                Some("PORT ELLIS"),
                Some("AP"),
                "The",
            ),
            (
                "ORLA, March 4 (Reuters) - The",
                Some("ORLA"),
                Some("Reuters"),
                "The",
            ),
            (
                "Orla (CNN) The ferries",
                Some("Orla"),
                Some("CNN"),
                "The ferries",
            ),
            ("Orla (Reuters) - The", Some("Orla"), Some("Reuters"), "The"),
            ("(Reuters) - The", None, Some("Reuters"), "The"),
            ("(CNN) The ferries", None, Some("CNN"), "The ferries"),
            (
                "(HarbourNews.com) – The",
                None,
                Some("HarbourNews.com"),
                "The",
            ),
            ("( – Retreating from", None, None, "Retreating from"),
            ("ST. ORLA -- Six ships", Some("ST. ORLA"), None, "Six ships"),
            ("ORLA: The mayor", Some("ORLA"), None, "The mayor"),
            (
                "ORLA/PORT ELLIS (Reuters) - The",
                Some("ORLA/PORT ELLIS"),
                Some("Reuters"),
                "The",
            ),
        ] {
            assert_eq!(
                city(text),
                Some((place.map(str::to_owned), agency.map(str::to_owned), rest)),
                "{text}"
            );
        }
    }

    #[test]
    fn a_bare_colon_is_told_apart() {
        assert!(parse("ORLA: The mayor").is_some_and(|d| d.colon));
        assert!(parse("ORLA — The mayor").is_some_and(|d| !d.colon));
    }

    #[test]
    fn sentences_with_dashes_and_brackets_are_no_datelines() {
        for text in [
            "NATO — The alliance",
            "NATO — which has",
            "The NATO (North Atlantic) treaty",
            "Brill (the mayor) said",
            "(Nobody) The mayor left",
            "(1) The mayor left",
            "WATCH: The mayor",
            "EXCLUSIVE — The mayor",
            "A: Yes.",
            "Brill — The mayor",
            "(It was late – Too late.)",
            "The Harbour Union (HU) said",
            "Harbour Union (HU) Secretary Ada Brill said",
            "",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
