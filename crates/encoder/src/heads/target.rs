//! Attention from a target over the words of a scope, which every head that judges targets begins with.

use std::ops::Range;

use super::linear::dot;
use super::{BUCKETS, Heads, Linear, WordVectors, distance_bucket};
use crate::EncoderError;

const ATTENTION_HEADS: usize = 6;
/// Numbers that come out for a target.
pub(super) const HIDDEN: usize = 384;

/// One layer of attention, from the mean vector of the target's words over the words of a scope, with a bonus by
/// distance from the target; then a dense layer over the target's mean and what was found.
#[derive(Clone, Debug)]
pub(super) struct TargetAttention {
    query: Linear,
    key: Linear,
    value: Linear,
    /// `[heads, buckets]`.
    position_bias: Vec<f32>,
    hidden: Linear,
}

/// The words of a document, made ready for judgements by one head as far as a judgement looks at them.
#[derive(Debug)]
pub struct JudgedWords<'a> {
    vectors: WordVectors<'a>,
    /// Row after row like the vectors; a row holds numbers once its word is ready.
    keys: Vec<f32>,
    values: Vec<f32>,
    ready: Vec<bool>,
}

impl<'a> JudgedWords<'a> {
    /// Begins with a document, of which `vectors` are the words. Nothing is computed yet.
    pub(super) fn new(vectors: WordVectors<'a>) -> Self {
        let numbers = vectors.data().len();
        Self {
            vectors,
            keys: vec![0.0; numbers],
            values: vec![0.0; numbers],
            ready: vec![false; vectors.len()],
        }
    }
}

impl TargetAttention {
    /// The tensors `NAME.query`, `NAME.key` and so on.
    pub(super) fn open(heads: &Heads, name: &str) -> Result<Self, EncoderError> {
        let dim = heads.dim();
        if !dim.is_multiple_of(ATTENTION_HEADS) {
            return Err(EncoderError::Form {
                path: heads.folder.card_path(),
                reason: format!(
                    "hidden_size {dim} does not divide into {ATTENTION_HEADS} attention heads"
                ),
            });
        }
        let square = |part: &str| heads.linear(&format!("{name}.{part}"), dim, dim);
        Ok(Self {
            query: square("query")?,
            key: square("key")?,
            value: square("value")?,
            position_bias: heads.tensor(
                &format!("{name}.position_bias"),
                &[ATTENTION_HEADS, BUCKETS],
            )?,
            hidden: heads.linear(&format!("{name}.hidden"), 2 * dim, HIDDEN)?,
        })
    }

    /// What the words `scope` say of the target that the words `target` name, before the activation: [`HIDDEN`] numbers.
    ///
    /// Keys and values are the costly half. A word's depend on its vector alone, so they are computed once for all
    /// targets and scopes.
    ///
    /// # Panics
    /// If `target` is empty, or if it or `scope` reaches beyond the words of the document.
    pub(super) fn look(
        &self,
        words: &mut JudgedWords<'_>,
        scope: Range<usize>,
        target: Range<usize>,
    ) -> Vec<f32> {
        assert!(!target.is_empty(), "a target without words");
        self.prepare(words, scope.clone());
        let dim = words.vectors.dim();
        let rows = scope.start * dim..scope.end * dim;
        let size = dim / ATTENTION_HEADS;
        let mut both = vec![0.0; 2 * dim];
        let (mean, pooled) = both.split_at_mut(dim);
        for word in target.clone() {
            mean.iter_mut()
                .zip(words.vectors.row(word))
                .for_each(|(m, x)| *m += x);
        }
        mean.iter_mut().for_each(|m| *m /= target.len() as f32);

        let query = self.query.of(mean);
        let buckets: Vec<usize> = scope
            .map(|word| distance_bucket(from_target(&target, word)))
            .collect();
        for head in 0..ATTENTION_HEADS {
            let part = head * size..(head + 1) * size;
            let mut weights: Vec<f32> = words.keys[rows.clone()]
                .chunks_exact(dim)
                .zip(&buckets)
                .map(|(key, &bucket)| {
                    dot(&query[part.clone()], &key[part.clone()]) / (size as f32).sqrt()
                        + self.position_bias[head * BUCKETS + bucket]
                })
                .collect();
            softmax(&mut weights);
            let pooled = &mut pooled[part.clone()];
            for (weight, value) in weights
                .iter()
                .zip(words.values[rows.clone()].chunks_exact(dim))
            {
                pooled
                    .iter_mut()
                    .zip(&value[part.clone()])
                    .for_each(|(p, v)| *p += weight * v);
            }
        }

        self.hidden.of(&both)
    }

    fn prepare(&self, words: &mut JudgedWords<'_>, scope: Range<usize>) {
        let dim = words.vectors.dim();
        for word in scope {
            if !std::mem::replace(&mut words.ready[word], true) {
                let vector = words.vectors.row(word);
                let row = word * dim..(word + 1) * dim;
                words.keys[row.clone()].copy_from_slice(&self.key.of(vector));
                words.values[row].copy_from_slice(&self.value.of(vector));
            }
        }
    }
}

/// Words from the target to `word`, 0 within it, negative before it.
fn from_target(target: &Range<usize>, word: usize) -> isize {
    let word = word as isize;
    (word - target.start as isize).min(0) + (word - (target.end as isize - 1)).max(0)
}

pub(super) fn softmax(scores: &mut [f32]) {
    let highest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    scores.iter_mut().for_each(|s| *s = (*s - highest).exp());
    let sum: f32 = scores.iter().sum();
    scores.iter_mut().for_each(|s| *s /= sum);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_is_counted_from_the_nearer_end_of_the_target() {
        let target = 3..5;
        let distances: Vec<isize> = (0..8).map(|word| from_target(&target, word)).collect();
        assert_eq!(distances, [-3, -2, -1, 0, 0, 1, 2, 3]);
    }
}
