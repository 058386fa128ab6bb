use std::ops::Range;

use super::linear::gelu;
use super::target::{HIDDEN, JudgedWords, TargetAttention, softmax};
use super::{Heads, Linear, WordVectors};
use crate::EncoderError;

/// Judges how a text speaks of a target, by the sentence of its mention and the one before.
///
/// Several outputs share one layer of attention, one per kind of training data, because the data disagree on what
/// neutral means.
#[derive(Clone, Debug)]
pub struct SentimentHead {
    attention: TargetAttention,
    outputs: Vec<Output>,
    default: usize,
    person: usize,
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

impl SentimentHead {
    /// The labels of every output.
    pub const LABELS: [&str; 3] = ["negative", "neutral", "positive"];

    pub(super) fn open(heads: &Heads) -> Result<Self, EncoderError> {
        let folder = &heads.folder;
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
            attention: TargetAttention::open(heads, "sentiment")?,
            outputs,
            default: 0,
            person: 0,
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
        (head.default, head.person) = (named(&card.default)?, named(&card.person)?);
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

    /// Names of all outputs.
    pub fn outputs(&self) -> impl Iterator<Item = &str> {
        self.outputs.iter().map(|o| o.name.as_str())
    }

    /// Begins with a document, of which `vectors` are the words. Nothing is computed yet.
    #[must_use]
    pub fn read<'a>(&self, vectors: WordVectors<'a>) -> JudgedWords<'a> {
        JudgedWords::new(vectors)
    }

    /// Judges the target that the words `target` name, by what the words `scope` say; both are counted in the document.
    ///
    /// # Panics
    /// If `target` is empty, or if it or `scope` reaches beyond the words of the document.
    #[must_use]
    pub fn toward(
        &self,
        words: &mut JudgedWords<'_>,
        scope: Range<usize>,
        target: Range<usize>,
        output: SentimentOutput,
    ) -> Sentiment {
        let mut hidden = self.attention.look(words, scope, target);
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
}

#[cfg(test)]
mod tests {
    use super::*;

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
