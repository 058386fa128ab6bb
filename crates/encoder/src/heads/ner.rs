use std::ops::Range;

use super::{Heads, Tagger, WordVectors};
use crate::EncoderError;

/// Finds names of persons, organisations, places and other things.
#[derive(Clone, Debug)]
pub struct NerHead {
    tagger: Tagger,
}

/// A name, in words.
#[derive(Clone, Debug, PartialEq)]
pub struct Entity<'a> {
    /// The words.
    pub words: Range<usize>,
    /// `PER`, `ORG`, `LOC` or `MISC`.
    pub label: &'a str,
    /// Mean probability of the tags of its words, 0 to 1.
    pub score: f32,
}

impl NerHead {
    /// Every tag that an entity head may have.
    pub const TAGS: [&str; 9] = [
        "O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC", "B-MISC", "I-MISC",
    ];

    pub(super) fn open(heads: &Heads, guideline: &str) -> Result<Self, EncoderError> {
        let name = format!("ner.{guideline}");
        let labels = heads.folder.labels(&name, &Self::TAGS)?;
        Ok(Self {
            tagger: Tagger::open(heads, &name, heads.dim(), labels)?,
        })
    }

    /// The entities of a document, in order, without overlaps.
    #[must_use]
    pub fn entities(&self, vectors: WordVectors<'_>) -> Vec<Entity<'_>> {
        let spans = self.tagger.spans(vectors.data());
        let entity = |span: super::TagSpan| Entity {
            words: span.words,
            label: &self.tagger.kinds()[span.kind],
            score: span.score,
        };
        spans.into_iter().map(entity).collect()
    }

    /// The tags behind the entities.
    #[must_use]
    pub fn tagger(&self) -> &Tagger {
        &self.tagger
    }
}
