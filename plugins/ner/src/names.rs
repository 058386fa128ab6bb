//! From tagged words to names in the text.

use std::ops::Range;

use copydesk_encoder::heads::Entity;

/// A name in the text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Name<'a> {
    /// Its bytes.
    pub(crate) bytes: Range<usize>,
    /// `PER`, `ORG`, `LOC` or `MISC`.
    pub(crate) label: &'a str,
    /// Mean probability of its tags, 0 to 1.
    pub(crate) score: f32,
}

/// The names behind `entities`; `starts` and `ends` are the bytes of the words.
pub(crate) fn names<'a>(
    text: &str,
    starts: &[u32],
    ends: &[u32],
    entities: Vec<Entity<'a>>,
) -> Vec<Name<'a>> {
    let _ = text;
    entities
        .into_iter()
        .map(|entity| Name {
            bytes: starts[entity.words.start] as usize..ends[entity.words.end - 1] as usize,
            label: entity.label,
            score: entity.score,
        })
        .collect()
}
