use std::ops::Range;

use super::linear::{dot, gelu};
use super::{BUCKETS, Heads, Linear, WordVectors, distance_bucket};
use crate::EncoderError;

/// Judges how a text speaks of a target.
///
/// One layer of attention, from the mean vector of the target's words over the words of a scope, with a bonus by
/// distance from the target. The scope of a mention is its sentence and the one before; the scope of an attitude is a
/// statement, and the target may be named outside it. Several outputs share the layer, one per kind of training data,
/// because the data disagree on what neutral means.
#[derive(Clone, Debug)]
pub struct SentimentHead {
    query: Linear,
    key: Linear,
    value: Linear,
    /// `[heads, buckets]`.
    position_bias: Vec<f32>,
    hidden: Linear,
    outputs: Vec<Output>,
    default: usize,
    person: usize,
    attitude: Option<usize>,
}

#[derive(Clone, Debug)]
struct Output {
    name: String,
    layer: Linear,
    /// Where negative, neutral and positive stand in the layer's outputs.
    order: [usize; 3],
    temperature: f32,
}

/// One of the head's outputs, from [`SentimentHead::output`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentimentOutput(usize);

/// The words of a document, made ready for judgements as far as a judgement looks at them.
#[derive(Debug)]
pub struct SentimentWords<'a> {
    vectors: WordVectors<'a>,
    /// Row after row like the vectors; a row holds numbers once its word is ready.
    keys: Vec<f32>,
    values: Vec<f32>,
    ready: Vec<bool>,
}

/// A judgement: three probabilities that add up to one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sentiment {
    /// Probability of negative, neutral, positive, in this order.
    pub probabilities: [f32; 3],
    /// The scores behind them, before temperature and softmax.
    pub scores: [f32; 3],
}

/// How a target is spoken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Polarity {
    /// Blame, threat, rejection.
    Negative,
    /// No judgement.
    Neutral,
    /// Praise, support, trust.
    Positive,
}

impl Polarity {
    /// `negative`, `neutral` or `positive`.
    #[must_use]
    pub fn name(self) -> &'static str {
        SentimentHead::LABELS[self as usize]
    }
}

impl Sentiment {
    /// The most probable polarity; neutral wins a tie.
    #[must_use]
    pub fn polarity(&self) -> Polarity {
        let [negative, neutral, positive] = self.probabilities;
        if negative > neutral && negative >= positive {
            Polarity::Negative
        } else if positive > neutral {
            Polarity::Positive
        } else {
            Polarity::Neutral
        }
    }

    /// Probability of the most probable polarity.
    #[must_use]
    pub fn score(&self) -> f32 {
        self.probabilities[self.polarity() as usize]
    }
}

const ATTENTION_HEADS: usize = 6;
const HIDDEN: usize = 384;

impl SentimentHead {
    /// The labels of every output.
    pub const LABELS: [&str; 3] = ["negative", "neutral", "positive"];

    pub(super) fn open(heads: &Heads) -> Result<Self, EncoderError> {
        let folder = &heads.folder;
        let dim = heads.dim();
        let card = folder
            .card
            .sentiment
            .as_ref()
            .ok_or_else(|| EncoderError::Form {
                path: folder.card_path(),
                reason:
                    "no [sentiment] with `default` and `person`; this model has no sentiment head"
                        .to_owned(),
            })?;
        if !dim.is_multiple_of(ATTENTION_HEADS) {
            return Err(EncoderError::Form {
                path: folder.card_path(),
                reason: format!(
                    "hidden_size {dim} does not divide into {ATTENTION_HEADS} attention heads"
                ),
            });
        }
        let outputs = folder
            .card
            .labels
            .keys()
            .filter_map(|head| head.strip_prefix("sentiment.").map(|name| (head, name)))
            .map(|(head, name)| {
                let labels = folder.labels(head, &Self::LABELS)?;
                Ok(Output {
                    name: name.to_owned(),
                    layer: heads.linear(&format!("sentiment.out.{name}"), HIDDEN, labels.len())?,
                    order: Self::LABELS
                        .map(|label| labels.iter().position(|l| l == label).unwrap_or(0)),
                    temperature: card.temperature.get(name).copied().unwrap_or(1.0),
                })
            })
            .collect::<Result<Vec<_>, EncoderError>>()?;
        if let Some(output) = outputs
            .iter()
            .find(|o| !(o.temperature.is_finite() && o.temperature > 0.0))
        {
            return Err(EncoderError::Form {
                path: folder.card_path(),
                reason: format!(
                    "the temperature of sentiment output `{}` is {}; it must be above 0",
                    output.name, output.temperature
                ),
            });
        }
        let mut head = Self {
            query: heads.linear("sentiment.query", dim, dim)?,
            key: heads.linear("sentiment.key", dim, dim)?,
            value: heads.linear("sentiment.value", dim, dim)?,
            position_bias: heads.tensor("sentiment.position_bias", &[ATTENTION_HEADS, BUCKETS])?,
            hidden: heads.linear("sentiment.hidden", 2 * dim, HIDDEN)?,
            outputs,
            default: 0,
            person: 0,
            attitude: None,
        };
        let named = |name: &str| {
            head.output(name)
                .map(|o| o.0)
                .ok_or_else(|| EncoderError::NoHead {
                    path: folder.card_path(),
                    head: format!("sentiment.{name}"),
                    known: head
                        .outputs
                        .iter()
                        .map(|o| format!("sentiment.{}", o.name))
                        .collect(),
                })
        };
        let attitude = card.attitude.as_deref().map(named).transpose()?;
        (head.default, head.person) = (named(&card.default)?, named(&card.person)?);
        head.attitude = attitude;
        Ok(head)
    }

    /// The output of this name, for example `stance`.
    #[must_use]
    pub fn output(&self, name: &str) -> Option<SentimentOutput> {
        self.outputs
            .iter()
            .position(|o| o.name == name)
            .map(SentimentOutput)
    }

    /// The output that the model was made for: countries, alliances, bodies.
    #[must_use]
    pub fn default_output(&self) -> SentimentOutput {
        SentimentOutput(self.default)
    }

    /// The output for persons.
    #[must_use]
    pub fn person_output(&self) -> SentimentOutput {
        SentimentOutput(self.person)
    }

    /// The output for a speaker's attitude in a whole statement; `None` for a model trained without.
    #[must_use]
    pub fn attitude_output(&self) -> Option<SentimentOutput> {
        self.attitude.map(SentimentOutput)
    }

    /// Names of all outputs.
    pub fn outputs(&self) -> impl Iterator<Item = &str> {
        self.outputs.iter().map(|o| o.name.as_str())
    }

    /// Begins with a document, of which `vectors` are the words. Nothing is computed yet.
    #[must_use]
    pub fn read<'a>(&self, vectors: WordVectors<'a>) -> SentimentWords<'a> {
        let numbers = vectors.data().len();
        SentimentWords {
            vectors,
            keys: vec![0.0; numbers],
            values: vec![0.0; numbers],
            ready: vec![false; vectors.len()],
        }
    }

    /// Judges the target that the words `target` name, by what the words `scope` say; both are counted in the document.
    ///
    /// Keys and values are the costly half. A word's depend on its vector alone, so they are computed once for all
    /// targets and scopes.
    ///
    /// # Panics
    /// If `target` is empty, or if it or `scope` reaches beyond the words of the document.
    #[must_use]
    pub fn toward(
        &self,
        words: &mut SentimentWords<'_>,
        scope: Range<usize>,
        target: Range<usize>,
        output: SentimentOutput,
    ) -> Sentiment {
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

        let mut hidden = self.hidden.of(&both);
        gelu(&mut hidden);
        let output = &self.outputs[output.0];
        let raw = output.layer.of(&hidden);
        let scores = output.order.map(|i| raw[i]);
        let mut probabilities = scores.map(|s| s / output.temperature);
        softmax(&mut probabilities);
        Sentiment {
            probabilities,
            scores,
        }
    }

    fn prepare(&self, words: &mut SentimentWords<'_>, scope: Range<usize>) {
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

fn softmax(scores: &mut [f32]) {
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

    #[test]
    fn neutral_wins_a_tie() {
        let sentiment = |probabilities| Sentiment {
            probabilities,
            scores: [0.0; 3],
        };
        assert_eq!(sentiment([0.4, 0.4, 0.2]).polarity(), Polarity::Neutral);
        assert_eq!(sentiment([0.2, 0.4, 0.4]).polarity(), Polarity::Neutral);
        assert_eq!(sentiment([0.4, 0.2, 0.4]).polarity(), Polarity::Negative);
        assert_eq!(sentiment([0.1, 0.3, 0.6]).polarity().name(), "positive");
        assert_eq!(sentiment([0.1, 0.3, 0.6]).score(), 0.6);
    }
}
