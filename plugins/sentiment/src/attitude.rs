//! Through which mentions of a target a speaker's attitude is read.

use std::ops::Range;

use copydesk_language::word::Word;

use crate::Statement;
use crate::target::{self, Kind, Mention, Resolved, Target};

/// How many sentences before a statement a target may be named that the statement does not name.
///
/// News paragraphs are a sentence or two: what a quotation is about stands in its own paragraph or the one before it.
const SENTENCES_BEFORE: usize = 2;
/// Words of a speaker's description that stand before the name: *Russian Deputy Foreign Minister Ilya Venn*.
const DESCRIPTION_BYTES: usize = 40;

/// Mentions of one target in or near one statement, by their index.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Anchors {
    /// The statement names the target.
    Named(Vec<usize>),
    /// The text beside it does.
    Near(usize),
}

/// Finds the mentions of `target` by which the attitude of `statement` is read; `None` where it is not about it.
pub(crate) fn anchors(
    statement: &Statement,
    target: usize,
    mentions: &[Mention],
    sentences: &[Range<usize>],
    text: &str,
) -> Option<Anchors> {
    let inside = |range: &Range<usize>, adjectives: bool| -> Vec<usize> {
        (0..mentions.len())
            .filter(|&i| {
                let mention = &mentions[i];
                mention.target == target
                    && range.start <= mention.range.start
                    && mention.range.end <= range.end
                    && adjectives == (mention.kind == Kind::Adjective)
            })
            .collect()
    };
    // Quoted words that do not name the target belong to a statement that may; its people and adjective say less.
    let named = [
        inside(&statement.said, false),
        inside(&statement.range, false),
        inside(&statement.said, true),
    ];
    if let Some(named) = named.into_iter().find(|found| !found.is_empty()) {
        return Some(Anchors::Named(named));
    }
    // A statement that names another target is about that one.
    let other = mentions.iter().any(|m| {
        m.kind == Kind::Named
            && statement.said.start <= m.range.start
            && m.range.end <= statement.said.end
    });
    if other {
        return None;
    }
    near(statement, target, mentions, sentences, text).map(Anchors::Near)
}

/// The nearest mention before the statement, else the nearest after it in its paragraph.
fn near(
    statement: &Statement,
    target: usize,
    mentions: &[Mention],
    sentences: &[Range<usize>],
    text: &str,
) -> Option<usize> {
    let said = &statement.said;
    let first = sentences.partition_point(|s| s.end <= said.start);
    let from = sentences
        .get(first.saturating_sub(SENTENCES_BEFORE))
        .map_or(said.start, |s| s.start);
    let paragraph_end = text[said.end..]
        .find('\n')
        .map_or(text.len(), |at| said.end + at);
    let about = |mention: &Mention| {
        mention.target == target
            && mention.kind != Kind::Pronoun
            && !describes_speaker(mention, statement.speaker.as_ref())
    };
    let before = mentions
        .iter()
        .rposition(|m| about(m) && m.range.end <= said.start && m.range.start >= from);
    before.or_else(|| {
        mentions
            .iter()
            .position(|m| about(m) && m.range.start >= said.end && m.range.end <= paragraph_end)
    })
}

/// Whether the speaker of a statement is of the target's own side: the target itself, or presented here or elsewhere in
/// the document as somebody who speaks for it.
pub(crate) fn is_own_side(
    statement: &Statement,
    index: usize,
    target: &Target,
    mentions: &[Mention],
    words: &[Word],
    resolved: &[Resolved],
) -> bool {
    let Some(speaker) = &statement.speaker else {
        return false;
    };
    let same = |resolved: &&Resolved| {
        resolved.name.is_some() && resolved.name == statement.holder && !resolved.pronoun
    };
    std::iter::once(speaker)
        .chain(resolved.iter().filter(same).map(|m| &m.range))
        .any(|named| {
            // The whole of it: neither "the Kremlin’s critics" nor "critics of the Kremlin".
            let is_target = mentions.iter().any(|m| {
                m.target == index
                    && m.kind != Kind::Adjective
                    && m.range.start <= named.start + "the ".len()
                    && named.end <= m.range.end
            });
            is_target || target::speaks_for(words, named, target)
        })
}

/// Who speaks is not what is spoken of: *NATO* in *NATO spokeswoman Ilse Brandt*.
fn describes_speaker(mention: &Mention, speaker: Option<&Range<usize>>) -> bool {
    speaker.is_some_and(|speaker| {
        mention.range.start < speaker.end && speaker.start <= mention.range.end + DESCRIPTION_BYTES
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Vestmark closed the strait. It gave no reason.\n\n“We are not surprised,” said Norland envoy Ilse Brandt of Vestmark.";

    fn mention(target: usize, word: &str, nth: usize) -> Mention {
        let start = TEXT
            .match_indices(word)
            .nth(nth)
            .expect("a word of the text")
            .0;
        Mention {
            range: start..start + word.len(),
            target,
            kind: Kind::Named,
        }
    }

    fn statement(said: &str, speaker: &str) -> Statement {
        let range = |part: &str| {
            let start = TEXT.find(part).expect("a part of the text");
            start..start + part.len()
        };
        Statement {
            row: 0,
            range: range(said),
            said: range(said),
            holder: None,
            speaker: Some(range(speaker)),
        }
    }

    fn sentences() -> Vec<Range<usize>> {
        copydesk_language::sentence::sentences(TEXT)
    }

    #[test]
    fn the_own_side_is_the_target_and_who_speaks_for_it() {
        let own = |text: &str, speaker: &str, holder: Option<&str>, also: Option<&str>| {
            let place = |part: &str| {
                let start = text.find(part).expect("a part of the text");
                start..start + part.len()
            };
            let target = Target {
                name: "Norway".to_owned(),
                ..Target::defaults().swap_remove(1)
            };
            let resolved: Vec<Resolved> = [Some(speaker), also]
                .into_iter()
                .flatten()
                .map(|named| Resolved {
                    range: place(named),
                    name: holder.map(str::to_owned),
                    person: true,
                    pronoun: false,
                })
                .collect();
            let words = copydesk_language::word::words(text);
            let targets = [target];
            let mentions = target::mentions(text, &words, &targets, &[], &resolved);
            let statement = Statement {
                row: 0,
                range: 0..0,
                said: 0..0,
                holder: holder.map(str::to_owned),
                speaker: Some(place(speaker)),
            };
            is_own_side(&statement, 0, &targets[0], &mentions, &words, &resolved)
        };
        assert!(own("Norway said no.", "Norway", None, None));
        assert!(own(
            "Norway’s foreign ministry said no.",
            "Norway’s foreign ministry",
            None,
            None
        ));
        assert!(own(
            "Norwegian envoy Kari Moe said no.",
            "Kari Moe",
            None,
            None
        ));
        assert!(own(
            "Kari Moe, a Norwegian diplomat, said no.",
            "Kari Moe",
            None,
            None
        ));
        let text = "Norwegian envoy Kari Moe came late. She said no.";
        assert!(own(text, "She", Some("Kari Moe"), Some("Kari Moe")));
        assert!(!own(
            "Norwegian opposition leader Kari Moe said no.",
            "Kari Moe",
            None,
            None
        ));
        assert!(!own(
            "Norway critic Kari Moe said no.",
            "Norway critic Kari Moe",
            None,
            None
        ));
        assert!(!own(
            "Kari Moe spoke to Norway. Venn said no.",
            "Venn",
            None,
            None
        ));
    }

    #[test]
    fn a_target_that_the_statement_does_not_name_is_found_before_it() {
        let mentions = [mention(0, "Vestmark", 0), mention(0, "Vestmark", 1)];
        let statement = statement("We are not surprised,", "Ilse Brandt");
        let found = anchors(&statement, 0, &mentions, &sentences(), TEXT);
        assert_eq!(found, Some(Anchors::Near(0)));
    }

    #[test]
    fn a_target_inside_the_statement_comes_first() {
        let mentions = [mention(0, "Vestmark", 0), mention(0, "surprised", 0)];
        let statement = statement("We are not surprised,", "Ilse Brandt");
        let found = anchors(&statement, 0, &mentions, &sentences(), TEXT);
        assert_eq!(found, Some(Anchors::Named(vec![1])));
    }

    #[test]
    fn a_statement_that_names_another_target_is_about_that_one() {
        let mentions = [mention(0, "Vestmark", 0), mention(1, "surprised", 0)];
        let statement = statement("We are not surprised,", "Ilse Brandt");
        assert_eq!(anchors(&statement, 0, &mentions, &sentences(), TEXT), None);
    }

    #[test]
    fn the_country_of_the_speaker_is_not_what_is_spoken_of() {
        let mentions = [mention(1, "Norland", 0)];
        let statement = statement("We are not surprised,", "Ilse Brandt");
        assert_eq!(anchors(&statement, 1, &mentions, &sentences(), TEXT), None);
    }

    #[test]
    fn another_paragraph_after_the_statement_does_not_count() {
        let mentions = [mention(0, "Norland", 0)];
        let statement = statement("It gave no reason.", "Vestmark");
        assert_eq!(anchors(&statement, 0, &mentions, &sentences(), TEXT), None);
    }
}
