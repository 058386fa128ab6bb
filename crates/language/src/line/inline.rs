//! Residue inside the lines that stay: what an extractor ran into the text of a
//! paragraph, and credits behind its last sentence.
//!
//! Only what shows both its ends is cut: a link that runs into the sentence behind
//! it is left, because a word of the report is worth more.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::{Kind, head, residue};
use crate::date;
use crate::pattern::latin;
use crate::sentence::{ends_sentence, sentences};

/// Pieces of residue inside a paragraph of the report: injected advertisements
/// and link lists, a date before the first word, agency codes. Ascending, not
/// overlapping; the blank that a cut would double is part of it.
#[must_use]
pub fn inline(paragraph: &str) -> Vec<(Range<usize>, Kind)> {
    let mut found: Vec<(Range<usize>, Kind)> = Vec::new();
    if let Some(end) = leading_date(paragraph) {
        found.push((0..end, Kind::Timestamp));
    }
    for range in link_lists(paragraph) {
        found.push((range, Kind::Related));
    }
    for (pattern, kind) in INLINE.iter() {
        for hit in pattern.find_iter(paragraph) {
            add(&mut found, hit.range(), *kind);
        }
    }
    if let Some((range, kind)) = closing_link(paragraph) {
        add(&mut found, range, kind);
    }
    if INVITES.is_match(paragraph) {
        for range in sentences(paragraph) {
            if INVITATION.is_match(&paragraph[range.clone()]) {
                let gap = paragraph[range.end..].len() - paragraph[range.end..].trim_start().len();
                add(&mut found, range.start..range.end + gap, Kind::Related);
            }
        }
    }
    found.sort_by_key(|(range, _)| range.start);
    for (range, _) in &mut found {
        // Between two words one blank has to stay.
        let before = paragraph[..range.start].chars().next_back();
        let after = paragraph[range.end..].chars().next();
        let inside = &paragraph[range.clone()];
        if before.is_some_and(|c| !c.is_whitespace())
            && after.is_some_and(|c| c.is_alphanumeric() || "“‘\"'($£€".contains(c))
            && inside.ends_with(char::is_whitespace)
        {
            range.end -= inside.chars().next_back().map_or(0, char::len_utf8);
        }
    }
    found
}

fn add(found: &mut Vec<(Range<usize>, Kind)>, range: Range<usize>, kind: Kind) {
    let clear = !found
        .iter()
        .any(|(r, _)| r.start < range.end && range.start < r.end);
    if clear && !range.is_empty() {
        found.push((range, kind));
    }
}

/// Residue at the end of the report's last paragraph: `(Reporting by …)`, `— AP`,
/// or a last sentence that thanks contributors.
#[must_use]
pub fn trailing(paragraph: &str) -> Option<(Range<usize>, Kind)> {
    if let Some(hit) = ENDING_CREDIT.captures(paragraph) {
        let credit = hit.name("credit")?;
        return Some((credit.start()..paragraph.len(), Kind::Credit));
    }
    if let Some(hit) = ENDING_CONTRIBUTION.find(paragraph) {
        return Some((hit.start()..paragraph.len(), Kind::Contribution));
    }
    let all = sentences(paragraph);
    let (last, rest) = all.split_last()?;
    let before = rest.last()?;
    let evidence = residue(&paragraph[last.clone()])?;
    let certain =
        matches!(evidence.kind, Kind::Contribution | Kind::Correction) && evidence.weight >= 6.0;
    certain.then_some((before.end..paragraph.len(), evidence.kind))
}

/// A caption with its credit that stands before the first words of the report in
/// one line: `The pier at noon. | Ada Brill/Getty Images Ferries stop …`.
#[must_use]
pub fn leading_caption(paragraph: &str) -> Option<Range<usize>> {
    let found = LEADING_CAPTION.find(paragraph)?;
    (found.end() < paragraph.len()).then(|| found.range())
}

/// `READ MORE: Ferries stop` behind the last full stop, up to the end.
fn closing_link(paragraph: &str) -> Option<(Range<usize>, Kind)> {
    let found = CLOSING_LINK.find_iter(paragraph).last()?;
    let link = &paragraph[found.end()..];
    let ends = ends_sentence(&paragraph[..found.start()]);
    (ends && link.len() < 200 && !ends_sentence(link) && !link.ends_with([':', ',', '”', '"']))
        .then_some((found.start()..paragraph.len(), Kind::Related))
}

/// End of a date (or `date 2019-03-04`) that stands before the first word.
fn leading_date(paragraph: &str) -> Option<usize> {
    let lead = LEAD_WORD.find(paragraph).map_or(0, |m| m.end());
    let start = paragraph.len() - paragraph.trim_start().len();
    let tail = head(&paragraph[lead.max(start)..], 80);
    let (range, _) = date::find(tail)?;
    if range.start != 0 {
        return None;
    }
    let end = lead.max(start) + range.end;
    let rest = &paragraph[end..];
    let gap = rest.len()
        - rest
            .trim_start_matches(|c: char| c.is_whitespace() || "|:–—-".contains(c))
            .len();
    // `March 4, 2019 was` and `March 4, 2019, the` are sentences.
    let goes_on = rest[gap..]
        .trim_start_matches(['“', '"', '‘', '('])
        .starts_with(char::is_uppercase);
    (gap > 0 && goes_on).then_some(end + gap)
}

/// Lists of links that an extractor ran into the text behind a name, up to the
/// button that would have closed them: `Sen. Ada Brill Ada Maria BrillBrill leaves
/// the council Ferries stop MORE said`. The name that is written twice, the
/// second time without a blank behind it, gives them away.
fn link_lists(paragraph: &str) -> Vec<Range<usize>> {
    const BUTTON: &str = " MORE";
    const LONGEST: usize = 800;
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = paragraph[from..].find(BUTTON).map(|at| from + at) {
        let end = at + BUTTON.len();
        let bounded = !paragraph[end..].starts_with(char::is_alphanumeric);
        let mut start = from.max(at.saturating_sub(LONGEST));
        while !paragraph.is_char_boundary(start) {
            start += 1;
        }
        if bounded {
            let words: Vec<(usize, &str)> = words(&paragraph[start..at]).collect();
            let repeated = words.iter().enumerate().find(|(index, (_, name))| {
                name.chars().count() > 2
                    && name.starts_with(char::is_uppercase)
                    && words[index + 1..].iter().take(6).any(|(_, later)| {
                        later.strip_prefix(name).is_some_and(|rest| {
                            rest.trim_start_matches(['\'', '’', '‘', '“', '"'])
                                .starts_with(|c: char| c.is_uppercase() || c.is_numeric())
                        })
                    })
            });
            if let Some((_, (place, name))) = repeated {
                found.push(start + place + name.len()..end);
            }
        }
        from = end;
    }
    found
}

fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_whitespace()
        .map(|word| (word.as_ptr() as usize - text.as_ptr() as usize, word))
}

static INLINE: LazyLock<Vec<(Regex, Kind)>> = LazyLock::new(|| {
    [
        (
            r"\s*\b(?:(?i:(?:advertisement\s?[—–-]?\s?)?(?:story|article) continue[sd] (?:below|after)(?: (?:this |the )?(?:ad|advert|advertisement|sponsor message|video))?|continue reading the main story)|ADVERTISEMENT)\b[\s:]*",
            Kind::Advertisement,
        ),
        (
            r"\s*\bJUST WATCHED [^\n]{3,200}? MUST WATCH [^\n]{3,200}? [0-9]{2}:[0-9]{2}\b",
            Kind::Caption,
        ),
        (
            r"\s*[\[(]\s?(?:RELATED|READ|READ MORE|ALSO READ|SEE ALSO|WATCH|PHOTOS|VIDEO|MORE|POLL|Related|Read more|Read|Also read|See also|Watch|Photos|(?i:also on) [A-Z]\w+)\s?:\s[^()\[\]]{3,200}[\])]",
            Kind::Related,
        ),
        // A credit in brackets; the caption before it, if there is one, has no
        // beginning that could be told from the report.
        (
            r"\s*\((?:(?i:photos?|images?|pictures?|photograph|screenshot|illustration)(?:(?i: by| credit| courtesy(?: of)?)|\s?:)\s?[^()]{2,100}|(?:AP|File|Getty) Photo(?:/[^()]{2,80})?|[^()]{2,60}/(?:Getty Images|Reuters|AFP|AP|AP Photo|EPA)(?:[,/ ][^()]{2,60})?)\)",
            Kind::Credit,
        ),
        (
            r"\s*\bImage copyright (?:Getty Images|Reuters|AFP|AP|EPA|PA|BBC|Alamy|Shutterstock|iStock)\b(?:/(?:Getty Images|Reuters|AFP|AP|EPA|PA))?",
            Kind::Credit,
        ),
        (r"\s*\[n[LNS][0-9A-Za-z]{6,14}\]", Kind::Markup),
        (
            r"\s*\b(?:pic\.twitter\.com/[0-9A-Za-z]+|https?://t\.co/[0-9A-Za-z]+)",
            Kind::Markup,
        ),
        (
            r"\s*\[(?:embed|caption|/caption|gallery|video|pullquote|/pullquote)\b[^\]]*\]",
            Kind::Markup,
        ),
        (
            r"\s*</?(?:p|br|div|span|em|strong|b|i|a|u|img|iframe|h[1-6]|li|ul|blockquote|figure)\b[^<>]{0,300}>",
            Kind::Markup,
        ),
    ]
    .into_iter()
    .map(|(text, kind)| (latin(text), kind))
    .collect()
});

static CLOSING_LINK: LazyLock<Regex> = LazyLock::new(|| {
    latin(
        r"\s+(?:READ MORE|ALSO READ|SEE ALSO|READ ALSO|RELATED|WATCH|Read more|Also read|See also|Related)\s?:\s",
    )
});

static INVITES: LazyLock<Regex> = LazyLock::new(|| latin(r"\b(?:Click|CLICK|Tap) (?i:here)\b"));

/// A sentence that asks for a click and says nothing else.
static INVITATION: LazyLock<Regex> = LazyLock::new(|| {
    latin(r"^\(?(?:Click|CLICK|Tap) (?i:here (?:to|for|if))\b[^.!?]{2,120}[.!]?\)?$")
});

static LEADING_CAPTION: LazyLock<Regex> = LazyLock::new(|| {
    latin(
        r"^[^|\n]{20,500}[.!?][”’)]? \| (?:(?:\p{Lu}[\p{L}.’'-]+ ){1,3}\p{Lu}[\p{L}.’'-]+/(?:Getty Images|AP Photo|AP|AFP|Reuters|REUTERS|POLITICO|EPA|Bloomberg|Pool)|(?:AP Photo|Getty Images|Getty|REUTERS|Reuters|AFP|EPA)(?:/(?:\p{Lu}[\p{L}.’'-]+ )?\p{Lu}[\p{L}.’'-]+)?|AP)\s+",
    )
});

static LEAD_WORD: LazyLock<Regex> = LazyLock::new(|| {
    latin(
        r"^\s*(?i:date|(?:last )?(?:published|updated|posted|modified))\s*(?i:on|at)?\s*[:|-]?\s*",
    )
});

static ENDING_CREDIT: LazyLock<Regex> = LazyLock::new(|| {
    latin(
        r#"(?x)[.!?”"’](?P<credit>\s*(?:\((?:AP|Reuters|REUTERS|AFP|ANI|PTI|IANS|dpa|DPA|Xinhua|TASS|UPI|Agencies|AGENCIES)\)
        |\s[—–-]{1,3}\s?(?:AP|Reuters|REUTERS|AFP|ANI|PTI|IANS|dpa|Bloomberg|Associated\ Press|Agencies|TASS|UPI))\.?\s*)$"#,
    )
});

static ENDING_CONTRIBUTION: LazyLock<Regex> = LazyLock::new(|| {
    latin(
        r"\s*\((?i:(?:additional )?reporting|writing|editing|compiled|with (?:inputs|reporting|files))\b[^()]{3,300}\)?\s*$",
    )
});
