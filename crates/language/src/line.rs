//! What a single line of an extracted article looks like, seen without its
//! neighbours: how much it reads like a sentence of the report, and how much like
//! one of the things that extractors leave between the sentences.

mod inline;
mod rules;
mod words;

use crate::byline::is_outlet;
use crate::date;
use crate::pattern::flat;
use crate::sentence::ends_sentence;

pub use inline::{inline, leading_caption, trailing};
use rules::{MARKUP, PLAYER, POST, RULES, THANKS};
use words::{
    ALONE, FILLERS, LINKING, MENU_WORDS, PICTURE_SOURCES, PLAYER_WORDS, SHARE_WORDS, TIME_WORDS,
};

/// What a line is, if it is no part of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Who wrote it.
    Byline,
    /// The title, also where it is repeated.
    Headline,
    /// Text below a picture or video.
    Caption,
    /// Whose picture or agency report it is.
    Credit,
    /// Menus, topic tags, player bars.
    Navigation,
    /// Buttons and requests to share or follow.
    Share,
    /// Advertisements and the publisher's own offers.
    Advertisement,
    /// When it was published.
    Timestamp,
    /// Remains of code.
    Markup,
    /// Place and agency before the first sentence.
    Dateline,
    /// Who else helped.
    Contribution,
    /// Corrections and notes of the editors.
    Correction,
    /// Links to other articles.
    Related,
    /// Copyright, notes on the author, separators.
    Other,
}

impl Kind {
    /// The name used in output records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Byline => "byline",
            Kind::Headline => "headline",
            Kind::Caption => "caption",
            Kind::Credit => "credit",
            Kind::Navigation => "navigation",
            Kind::Share => "share",
            Kind::Advertisement => "advertisement",
            Kind::Timestamp => "timestamp",
            Kind::Markup => "markup",
            Kind::Dateline => "dateline",
            Kind::Contribution => "contribution",
            Kind::Correction => "correction",
            Kind::Related => "related",
            Kind::Other => "other",
        }
    }
}

/// How strongly the form of a line speaks for a kind of residue, on the scale of
/// [`prose`]: 6 is certain whatever the line reads like, 5 outweighs a full
/// sentence, 4 a short one, less needs support from the line's place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// The kind it speaks for.
    pub kind: Kind,
    /// 0 to 6.
    pub weight: f32,
}

/// How much `line` reads like running text, from 0 (a label) to 4.5 (a long,
/// finished sentence).
#[must_use]
pub fn prose(line: &str) -> f32 {
    let line = line.trim();
    let words = line.split_whitespace().take(64).count();
    let finished = ends_sentence(line);
    let mut score: f32 = match (words, finished) {
        (14.., true) => 4.0,
        (8.., true) => 3.0,
        (4.., true) => 2.0,
        (2.., true) => 1.0,
        (40.., false) => 3.0,
        (20.., false) => 2.0,
        _ => 0.0,
    };
    if !finished && words >= 5 && line.ends_with([':', ',', '—', ';']) {
        score += 2.0;
    }
    if line.starts_with(['“', '"']) && words >= 4 {
        score += 0.5;
    }
    if words >= 5 {
        let capitals = line
            .split_whitespace()
            .take(64)
            .filter(|w| {
                w.chars()
                    .find(|c| c.is_alphanumeric())
                    .is_some_and(|c| !c.is_lowercase())
            })
            .count();
        if capitals * 10 > words.min(64) * 6 {
            score -= 1.5;
        }
    }
    score.max(0.0)
}

/// What the form of `line` alone says against it, if anything.
///
/// ```
/// use copydesk_language::line::{Kind, residue};
/// let kind = |line| residue(line).map(|e| e.kind);
/// assert_eq!(kind("Story Continued Below"), Some(Kind::Advertisement));
/// assert_eq!(kind("The pier at Orla. (Photo by Ada Brill/Harbour Images)"), Some(Kind::Caption));
/// assert_eq!(kind("The ferries stopped on Friday."), None);
/// ```
#[must_use]
pub fn residue(line: &str) -> Option<Evidence> {
    let line = line.trim();
    if line.is_empty() {
        return None;
    }
    let evidence = |kind, weight| Some(Evidence { kind, weight });
    if !line.chars().any(char::is_alphanumeric) {
        return evidence(Kind::Other, 6.0);
    }
    // Code and galleries may be long; everything else that a whole line can be is
    // not.
    if line.len() > 1200 {
        let (head, tail) = (flat(head(line, 2000)), flat(tail(line, 60)));
        return if MARKUP.is_match(head.as_bytes()) {
            evidence(Kind::Markup, 5.0)
        } else if [head, tail]
            .iter()
            .any(|end| PLAYER.is_match(end.as_bytes()))
        {
            evidence(Kind::Caption, 6.0)
        } else {
            None
        };
    }
    let flat = flat(line);
    let bytes = flat.as_bytes();
    if MARKUP.is_match(bytes) {
        return evidence(Kind::Markup, 5.0);
    }
    if is_running_time(line) {
        return evidence(Kind::Navigation, 6.0);
    }
    if is_timestamp(line) {
        return evidence(Kind::Timestamp, 6.0);
    }
    if let Some(kind) = controls(line) {
        return evidence(kind, 5.0);
    }
    // A post that the article shows is part of it, links and all.
    if POST.is_match(bytes) {
        return None;
    }
    let bracketed = flat.contains('(')
        && (flat.trim_end_matches([' ', '.']).ends_with(')')
            || ["(Photo", "(Image", "(AP"]
                .iter()
                .any(|open| flat.contains(open)));
    // The strongest wins; of equals, the first.
    let mut best: Option<Evidence> = None;
    for rule in RULES.iter() {
        if best.is_none_or(|b| rule.weight > b.weight)
            && (!rule.bracket || bracketed)
            && rule.pattern.is_match(bytes)
            && (rule.kind != Kind::Contribution || thanks(&flat))
        {
            best = evidence(rule.kind, rule.weight);
        }
    }
    best.or_else(|| {
        is_credited(line).then_some(Evidence {
            kind: Kind::Caption,
            weight: 5.0,
        })
    })
}

/// Whether `line` is a post quoted from elsewhere, or the end of one: it closes
/// with its author's handle and a date.
#[must_use]
pub fn is_post(line: &str) -> bool {
    POST.is_match(flat(tail(line.trim(), 120)).as_bytes())
}

/// `The pier at noon. (Orla Harbour Police)`: a few sentences at most, and behind
/// the last the name of whoever gave the picture.
fn is_credited(line: &str) -> bool {
    let Some((caption, source)) = line
        .strip_suffix(')')
        .and_then(|rest| rest.rsplit_once(" ("))
    else {
        return false;
    };
    let picture = PICTURE_SOURCES.contains(&source)
        || ((2..=5).contains(&source.len()) && source.chars().all(|c| c.is_ascii_uppercase()));
    let names = source
        .split_whitespace()
        .filter(|word| !LINKING.contains(word));
    let named = (picture || (names.clone().count() >= 2 && !is_outlet(source)))
        && names
            .clone()
            .all(|word| word.starts_with(char::is_uppercase))
        && source.len() < 90
        && !source.contains(['.', '!', '?', ';', ':']);
    named
        && ends_sentence(caption)
        && !caption.starts_with(['“', '"', '‘', '\'', '•', '-'])
        && !caption.ends_with(['”', '"'])
        && line.split_whitespace().count() <= 60
}

/// `Research by Ada Brill` thanks somebody, `Research by the university shows` is
/// news: behind the verb or preposition only names may stand.
fn thanks(flat: &str) -> bool {
    let Some(by) = THANKS.find(flat.as_bytes()) else {
        return true;
    };
    flat.get(by.end()..)
        .unwrap_or_default()
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')' | '/'))
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|word| !word.is_empty())
        .all(|word| !word.starts_with(char::is_lowercase) || LINKING.contains(&word))
}

/// Whether `line` is nothing but a date or time, with the words that go with it.
#[must_use]
pub fn is_timestamp(line: &str) -> bool {
    if line.len() > 160 || !line.chars().any(|c| c.is_ascii_digit()) {
        return false;
    }
    // `Saturday, June 29:` heads a chronicle, `— March 4, 2019` closes a motto.
    if line.ends_with(':') || line.starts_with(['—', '–']) {
        return false;
    }
    // What is written twice may be glued: `16:40Updated 17:10`.
    let mut rest = line.replace("Updated", " Updated");
    let mut found = false;
    while let Some((range, _)) = date::find(&rest) {
        rest.replace_range(range, " ");
        found = true;
    }
    while let Some((range, _)) = date::find_time(&rest, None) {
        rest.replace_range(range, " ");
        found = true;
    }
    let mut numbers = 0;
    let mut unit = false;
    let mut named_day = false;
    for word in rest
        .split(|c: char| !c.is_alphanumeric() && c != '.')
        .filter(|w| !w.is_empty())
    {
        let word = word.trim_matches('.').to_lowercase();
        if word.is_empty() {
            continue;
        }
        if word.chars().all(|c| c.is_ascii_digit()) {
            numbers += 1;
        } else if date::names_day_or_month(&word) {
            named_day = true;
        } else if matches!(word.as_str(), "ago" | "read" | "yesterday" | "today") {
            unit = true;
        } else if !TIME_WORDS.contains(&word.as_str()) {
            return false;
        }
    }
    found || (numbers == 1 && unit) || (named_day && numbers >= 1)
}

/// Letters and digits of `line`, small: equal for lines that say the same.
#[must_use]
pub fn fingerprint(line: &str) -> String {
    line.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// `00:00 00:00`: where a player stands.
fn is_running_time(line: &str) -> bool {
    line.contains(':')
        && line.len() < 40
        && line
            .chars()
            .all(|c| c.is_ascii_digit() || c.is_whitespace() || matches!(c, ':' | '/' | '-' | '|'))
        && date::find(line).is_none()
}

/// Lines made of nothing but the words of buttons and menus.
fn controls(line: &str) -> Option<Kind> {
    if line.len() > 120 || (line.ends_with('.') && !line.ends_with("..")) {
        return None;
    }
    let mut votes = [0usize; 3];
    let mut words = 0;
    let mut digits = false;
    for token in line.split(|c: char| {
        c.is_whitespace() || matches!(c, '|' | '·' | '•' | '/' | ',' | '›' | '»' | '>' | '(' | ')')
    }) {
        let word = token
            .trim_matches(|c: char| !c.is_alphanumeric() && !matches!(c, '+' | '-'))
            .to_lowercase();
        if word.is_empty() || matches!(word.as_str(), "-" | "+") {
            continue;
        }
        words += 1;
        if word.chars().all(|c| c.is_ascii_digit() || c == ':') {
            digits = true;
            continue;
        }
        let known = [SHARE_WORDS, PLAYER_WORDS, MENU_WORDS]
            .iter()
            .enumerate()
            .filter(|(_, list)| list.contains(&word.as_str()))
            .map(|(index, _)| index)
            .collect::<Vec<_>>();
        if known.is_empty() && !FILLERS.contains(&word.as_str()) {
            return None;
        }
        for index in known {
            votes[index] += 1;
        }
    }
    if words == 0 || words > 14 {
        return None;
    }
    if votes == [0, 0, 0] {
        return None;
    }
    let [share, player, menu] = votes;
    if share >= player && share >= menu && share > 0 {
        return Some(Kind::Share);
    }
    // A single common word such as `News` is as likely a heading.
    (player + menu > 1 || digits || (words == 1 && ALONE.contains(&fingerprint(line).as_str())))
        .then_some(Kind::Navigation)
}

fn head(text: &str, bytes: usize) -> &str {
    let mut end = text.len().min(bytes);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn tail(text: &str, bytes: usize) -> &str {
    let mut start = text.len().saturating_sub(bytes);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut(line: &str) -> Option<Kind> {
        residue(line)
            .filter(|e| e.weight > prose(line) + 0.5)
            .map(|e| e.kind)
    }

    #[test]
    fn residue_of_every_kind_is_recognised_by_its_form() {
        for (line, kind) in [
            ("Text Audio", Kind::Navigation),
            ("00:00 00:00", Kind::Navigation),
            ("Font Size", Kind::Navigation),
            ("prev Image 2 of 2", Kind::Navigation),
            ("Play Mute 0:00 / 2:14 Fullscreen", Kind::Navigation),
            ("Share Tweet Email", Kind::Share),
            ("Share on Facebook | Share on Twitter", Kind::Share),
            ("Follow Ada Brill on Twitter @adabrill.", Kind::Share),
            ("Advertisement", Kind::Advertisement),
            (
                "- Advertisement - Story continues below",
                Kind::Advertisement,
            ),
            ("Story Continued Below", Kind::Advertisement),
            (
                "Sign up for the Harbour Brief, our weekly newsletter.",
                Kind::Advertisement,
            ),
            ("!-- Site tag (gtag.js) -->", Kind::Markup),
            ("<div class=\"x\"></div>", Kind::Markup),
            ("window.dataLayer = window.dataLayer || [];", Kind::Markup),
            ("Published: 4 March 2019 16:40 GMT", Kind::Timestamp),
            ("Updated 3 hours ago", Kind::Timestamp),
            ("March 4, 2019", Kind::Timestamp),
            (
                "Mon 4 Mar 2019 08.30 GMT Last modified on Tue 5 Mar 2019 09.10 GMT",
                Kind::Timestamp,
            ),
            ("SOURCE: HARBOUR PRESS", Kind::Credit),
            ("Photo: Ada Brill/Getty Images", Kind::Credit),
            ("Ada Brill/AP", Kind::Credit),
            ("Getty Images", Kind::Credit),
            (
                "The mayor at the pier. (Photo by Ada Brill/Getty Images)",
                Kind::Caption,
            ),
            (
                "The mayor at the pier on Friday. (Ada Brill/Reuters)",
                Kind::Caption,
            ),
            (
                "FILE PHOTO: The pier is seen at night, March 4, 2019. REUTERS/Ada Brill",
                Kind::Caption,
            ),
            (
                "Image copyright Reuters Image caption The pier was empty on Friday",
                Kind::Caption,
            ),
            ("(Harbour Minister Ilse Brandt)", Kind::Caption),
            (
                "— Ada Brill in Orla contributed to this report.",
                Kind::Contribution,
            ),
            (
                "With reporting by Reuters, AP, Harbour News",
                Kind::Contribution,
            ),
            (
                "(Reporting by Ada Brill; Editing by Oskar Venn)",
                Kind::Contribution,
            ),
            (
                "Correction: An earlier version misspelled the mayor's name.",
                Kind::Correction,
            ),
            (
                "This article was amended on 4 March 2019 to remove a wrong figure.",
                Kind::Correction,
            ),
            ("READ MORE: Ferries stop for a third day", Kind::Related),
            ("( PHOTOS: Ferries of the north)", Kind::Related),
            (
                "Copyright © 2019 The Port Courier, LLC. Click here for reprint permission.",
                Kind::Other,
            ),
            ("* * *", Kind::Other),
            (
                "Ferries:Orla to stop all ships before the winter",
                Kind::Related,
            ),
            ("This article is more than 2 years old", Kind::Timestamp),
            ("More On This...", Kind::Related),
            (
                "This is a rush transcript. Copy may not be in its final form.",
                Kind::Other,
            ),
            (
                "Enjoyed this story? Sign up for the Harbour Brief newsletter.",
                Kind::Advertisement,
            ),
            (
                "The views expressed by contributors are their own.",
                Kind::Other,
            ),
            (
                "The pier at noon, when nobody was there. (Orla Harbour Police)",
                Kind::Caption,
            ),
            ("The pier at noon [Ada Brill/Harbour Press]", Kind::Caption),
            ("The pier was shut on Friday. Supplied", Kind::Caption),
            (
                "The pier was shut on Friday.Credit: Ada Brill/Harbour Press",
                Kind::Caption,
            ),
            (
                "Mayor Ada Brill, second left, and Oskar Venn, right, visit the pier of Orla.",
                Kind::Caption,
            ),
            (
                "Read or share this story: https://courier.example/ferries/2019/03/04/why-the-ferries-of-orla-stopped-for-good/",
                Kind::Share,
            ),
            ("Facebook: https://social.example/courier", Kind::Share),
            (
                "• This article was based in part on wire service reports.",
                Kind::Contribution,
            ),
            (
                "Venn reported from Port Ellis, Norrland.",
                Kind::Contribution,
            ),
            ("( PODIUM: Who spoke at the pier)", Kind::Related),
            (
                "This advertisement has not loaded yet.",
                Kind::Advertisement,
            ),
            ("200304194509687", Kind::Markup),
        ] {
            assert_eq!(cut(line), Some(kind), "{line}");
        }
    }

    #[test]
    fn sentences_of_the_report_are_kept() {
        for line in [
            "The harbour master published the photo on Friday, and the paper printed it.",
            "“Follow us,” the captain told the crowd.",
            "The ministry released a photo of the pier (taken in 2019).",
            "The two sides will continue reading the treaty, clause by clause.",
            "She contributed $400 to the campaign, records show.",
            "He read more than he wrote.",
            "(The ferries had stopped in 2014, too.)",
            "Residents can sign up for the new ferry pass at the town hall from Friday.",
            "Brill, who edits the Port Courier, said the video was real.",
            "“They share this view,” Venn said.",
            "It was 4:30 p.m. on March 4, 2019.",
            "More from the harbour came in the evening, when the last of the ships returned to port.",
            "Watch the gap, he said.",
            "They condemned the views expressed by either captain, who said nothing more about it.",
            "The report was wrong, the mayor said, and the post stated as much on Friday evening.",
            "Research by the harbour institute shows that ferries stop more often in March.",
            "Reporting from the pier, the courier's Ada Brill says the ferries won't sail.",
            "More on this will be known when the council meets again on Friday, she said.",
            "Got it, he said.",
            "Like what you see or not, the pier stays, the mayor told the council on Friday.",
            "[Update: On Friday, the council approved the new ferry.]",
            "“We will sail on Friday,” the captain said. (The union denies it.)",
            "The Harbour Union (HU) met the mayor of Port Ellis (Norrland).",
            "“No ship will leave.” (Ada Brill, Port Courier)",
            "They went to the left, right and center of the pier, looking for the ship.",
            "Great, the ferries sail! https://t.co/x1 — Ada Brill (@adabrill) March 4, 2019",
        ] {
            assert_eq!(cut(line), None, "{line}");
        }
    }

    #[test]
    fn headings_are_no_residue() {
        for line in [
            "‘More and more distant’",
            "Ferries and treaties",
            "What happens next?",
            "A wider dispute",
        ] {
            assert_eq!(cut(line), None, "{line}");
        }
    }

    #[test]
    fn residue_inside_a_paragraph_is_found() {
        let without = |text: &str| {
            let mut out = String::new();
            let mut at = 0;
            for (range, _) in inline(text) {
                out.push_str(&text[at..range.start]);
                at = range.end;
            }
            out + &text[at..]
        };
        assert_eq!(
            without(" date 2019-03-04 The ferries stopped."),
            "The ferries stopped."
        );
        assert_eq!(
            without("The ferries Story Continued Below stopped."),
            "The ferries stopped."
        );
        assert_eq!(
            without("They stopped. (RELATED: Ferries stop) Nobody knew."),
            "They stopped. Nobody knew."
        );
        assert_eq!(
            without(
                "Sen. Ada Brill Ada Maria BrillBrill leaves the council Ferries stop MORE said no."
            ),
            "Sen. Ada Brill said no."
        );
        assert_eq!(
            without("The mayor left. (Photo: Ada Brill/Harbour Press) Nobody saw her."),
            "The mayor left. Nobody saw her."
        );
        assert_eq!(
            without("The mayor left. Click here for more on the ferries. Nobody saw her."),
            "The mayor left. Nobody saw her."
        );
        assert_eq!(
            without("The mayor left. READ MORE: Ferries stop for a third day"),
            "The mayor left."
        );
        assert_eq!(
            without("The mayor left Image copyright Getty Images the pier."),
            "The mayor left the pier."
        );
        assert_eq!(
            without("They stopped. [READ: Ferries stop] “Never,” she said."),
            "They stopped. “Never,” she said."
        );
        for whole in [
            "“Click here,” he said, and pointed at the map.",
            "He had read more: two books a week, and he told everybody.",
            "The photo (taken in 2019) shows the pier.",
        ] {
            assert_eq!(without(whole), whole);
        }
        assert_eq!(
            without("They wanted MORE ships, Brill said."),
            "They wanted MORE ships, Brill said."
        );
        assert_eq!(
            without("March 4, 2019 was a Monday."),
            "March 4, 2019 was a Monday."
        );
        assert_eq!(
            without("On March 4, 2019 They met."),
            "On March 4, 2019 They met."
        );
    }

    #[test]
    fn credits_after_the_last_sentence_are_found() {
        let tail =
            |text: &str| trailing(text).map(|(range, kind)| (text[..range.start].to_owned(), kind));
        assert_eq!(
            tail("They left. The Harbour Press contributed to this report."),
            Some(("They left.".into(), Kind::Contribution))
        );
        assert_eq!(
            tail("They left. (Reporting by Ada Brill; editing by Oskar Venn)"),
            Some(("They left.".into(), Kind::Contribution))
        );
        assert_eq!(
            tail("They left. — AP"),
            Some(("They left.".into(), Kind::Credit))
        );
        assert_eq!(tail("They left. Nobody knew."), None);
        assert_eq!(tail("He works for AP"), None);
    }

    proptest! {
        #[test]
        fn any_line_is_judged_without_panic(line in any::<String>()) {
            let _ = (residue(&line), prose(&line), is_timestamp(&line), trailing(&line));
            let mut at = 0;
            for (range, _) in inline(&line) {
                prop_assert!(range.start >= at && range.start <= range.end);
                prop_assert!(line.get(range.clone()).is_some());
                at = range.end;
            }
        }
    }
}
