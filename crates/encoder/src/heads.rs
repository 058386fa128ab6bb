//! The small heads on shared word vectors: entities, quotes, sentiment, attitudes.
//!
//! All take the vectors of the words of one whole document, in order, and are
//! cheap beside the encoder that made them. Words are counted from the start of
//! the document, ranges of words are half open.

mod attitude;
mod linear;
mod ner;
mod quotes;
mod sentiment;
mod tagger;
mod target;

use std::ops::Range;
use std::path::Path;

pub use attitude::{Attitude, AttitudeHead, Side};
pub use linear::Linear;
pub use ner::{Entity, NerHead};
pub use quotes::{LinkKind, QuoteHead, QuoteSpans};
pub use sentiment::{Polarity, Sentiment, SentimentHead, SentimentOutput};
pub use tagger::{TagSpan, Tagger};
pub use target::JudgedWords;

use crate::model::HEADS_FILE;
use crate::{EncoderError, ModelFolder, Weights};

/// A model folder with the weights of its heads, from which each head is taken.
///
/// Opening reads a few megabytes and compares them with the SHA-256 in `model.toml`.
#[derive(Debug)]
pub struct Heads {
    folder: ModelFolder,
    weights: Weights,
}

impl Heads {
    /// Opens `heads.safetensors` of the model folder at `path`.
    ///
    /// # Errors
    /// The folder is no model folder, or the file is not the one that `model.toml` describes.
    pub fn open(path: &Path) -> Result<Self, EncoderError> {
        let folder = ModelFolder::open(path)?;
        let weights = folder.weights(HEADS_FILE)?;
        Ok(Self { folder, weights })
    }

    /// The folder that the heads come from.
    #[must_use]
    pub fn folder(&self) -> &ModelFolder {
        &self.folder
    }

    /// The vector space that these heads were trained on, see [`ModelFolder::space`].
    #[must_use]
    pub fn space(&self) -> String {
        self.folder.space()
    }

    /// Length of the word vectors that the heads take.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.folder.config.hidden_size
    }

    /// The entity head of one guideline, `eww` or `conll`.
    ///
    /// # Errors
    /// The model has no such guideline, its labels are not PER, ORG, LOC, MISC in BIO, or a tensor is missing.
    pub fn ner(&self, guideline: &str) -> Result<NerHead, EncoderError> {
        NerHead::open(self, guideline)
    }

    /// The head for sources, cues and contents of quotations and the links between them.
    ///
    /// # Errors
    /// The model has none, its labels are not O, B, I, or a tensor is missing.
    pub fn quotes(&self) -> Result<QuoteHead, EncoderError> {
        QuoteHead::open(self)
    }

    /// The head for sentiment toward a target.
    ///
    /// # Errors
    /// The model has none, its labels are not negative, neutral, positive, or a tensor is missing.
    pub fn sentiment(&self) -> Result<SentimentHead, EncoderError> {
        SentimentHead::open(self)
    }

    /// The head for what a speaker thinks of a target; `None` for a model trained without.
    ///
    /// # Errors
    /// Its labels are not those of [`AttitudeHead::LABELS`], or a tensor is missing.
    pub fn attitude(&self) -> Result<Option<AttitudeHead>, EncoderError> {
        let known = self.folder.card.labels.contains_key(AttitudeHead::NAME);
        known.then(|| AttitudeHead::open(self)).transpose()
    }

    fn linear(&self, name: &str, inputs: usize, outputs: usize) -> Result<Linear, EncoderError> {
        Ok(Linear::new(
            self.weights
                .tensor(&format!("{name}.weight"), &[outputs, inputs])?,
            self.weights.tensor(&format!("{name}.bias"), &[outputs])?,
        ))
    }

    fn tensor(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, EncoderError> {
        self.weights.tensor(name, shape)
    }
}

/// The vectors of a document's words, row after row.
#[derive(Clone, Copy, Debug)]
pub struct WordVectors<'a> {
    data: &'a [f32],
    dim: usize,
}

impl<'a> WordVectors<'a> {
    /// Views `data` as rows of `dim` numbers.
    ///
    /// # Panics
    /// If `dim` is zero or `data` is not whole rows.
    #[must_use]
    pub fn new(data: &'a [f32], dim: usize) -> Self {
        assert!(
            dim > 0 && data.len().is_multiple_of(dim),
            "{} numbers are not rows of {dim}",
            data.len()
        );
        Self { data, dim }
    }

    /// Number of words.
    #[must_use]
    pub fn len(&self) -> usize {
        self.data.len() / self.dim
    }

    /// Whether there are no words.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// Length of one vector.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// The vector of one word.
    #[must_use]
    pub fn row(&self, word: usize) -> &'a [f32] {
        &self.data[word * self.dim..][..self.dim]
    }

    /// All numbers, row after row.
    #[must_use]
    pub fn data(&self) -> &'a [f32] {
        self.data
    }
}

/// Number of classes of a distance in words.
const BUCKETS: usize = 17;

/// Class of a signed distance: 0, then 1, 2, 3–4, 5–8, … 33–64, more; the same again for distances before.
fn distance_bucket(distance: isize) -> usize {
    let size = match distance.unsigned_abs() {
        0 => return 0,
        far @ 1..=64 => 1 + far.next_power_of_two().trailing_zeros() as usize,
        _ => 8,
    };
    if distance > 0 { size } else { size + 8 }
}

/// Words from `a` to the nearest word of `b`: positive when `b` follows, 0 where they share a word.
fn span_distance(a: &Range<usize>, b: &Range<usize>) -> isize {
    let (a_last, b_last) = (a.end as isize - 1, b.end as isize - 1);
    let (a_first, b_first) = (a.start as isize, b.start as isize);
    if b_first > a_last {
        b_first - a_last
    } else if b_last < a_first {
        b_last - a_first
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_fall_into_doubling_buckets() {
        let before_and_after = [0, 1, 2, 3, 4, 5, 8, 9, 16, 17, 32, 33, 64, 65, 5000];
        let buckets = before_and_after.map(distance_bucket);
        assert_eq!(buckets, [0, 1, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8]);
        for distance in before_and_after.into_iter().filter(|&d| d > 0) {
            assert_eq!(distance_bucket(-distance), distance_bucket(distance) + 8);
        }
        assert_eq!(distance_bucket(-65), BUCKETS - 1);
    }

    #[test]
    fn span_distance_counts_from_the_nearer_edge() {
        assert_eq!(span_distance(&(2..4), &(5..6)), 2);
        assert_eq!(span_distance(&(2..4), &(4..6)), 1);
        assert_eq!(span_distance(&(2..4), &(3..6)), 0);
        assert_eq!(span_distance(&(7..8), &(3..6)), -2);
    }
}
