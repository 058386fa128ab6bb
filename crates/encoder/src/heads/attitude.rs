use std::ops::Range;

use super::linear::gelu;
use super::target::{HIDDEN, JudgedWords, TargetAttention, softmax};
use super::{Heads, Linear, Polarity, WordVectors};
use crate::EncoderError;

/// Judges what a speaker thinks of a target, by the words of a whole statement; the target may be named outside it.
///
/// It is told whether the speaker is of the target's own side: who explains what he did himself uses other words than
/// who accuses.
#[derive(Clone, Debug)]
pub struct AttitudeHead {
    attention: TargetAttention,
    /// What is added for a speaker of another side, and of the target's own: `[2, HIDDEN]`.
    side: Vec<f32>,
    layer: Linear,
    /// Where [`Self::LABELS`] stand in the layer's outputs.
    order: [usize; 4],
    temperature: f32,
}

/// Whose side a speaker is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Not the target's, or nobody knows.
    Other,
    /// The target's: its official, its spokeswoman, itself.
    Own,
}

/// What a statement shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attitude {
    /// Probability of each of [`AttitudeHead::LABELS`], in this order.
    pub probabilities: [f32; 4],
    /// The scores behind them, before temperature and softmax.
    pub scores: [f32; 4],
}

impl Attitude {
    /// The most probable attitude and its probability; `None` where most likely none is shown.
    #[must_use]
    pub fn shown(&self) -> Option<(Polarity, f32)> {
        const POLARITIES: [Polarity; 3] =
            [Polarity::Neutral, Polarity::Negative, Polarity::Positive];
        let mut best = POLARITIES[0];
        for polarity in POLARITIES {
            // Neutral wins a tie.
            if self.probabilities[polarity as usize] > self.probabilities[best as usize] {
                best = polarity;
            }
        }
        let probability = self.probabilities[best as usize];
        (probability >= self.probabilities[3]).then_some((best, probability))
    }
}

impl AttitudeHead {
    /// The labels: how the speaker speaks of the target, or that the statement does not show it.
    pub const LABELS: [&str; 4] = ["negative", "neutral", "positive", "none"];

    /// The name of the head in `model.toml` and of its tensors.
    pub(super) const NAME: &str = "attitude";

    pub(super) fn open(heads: &Heads) -> Result<Self, EncoderError> {
        let folder = &heads.folder;
        let labels = folder.labels(Self::NAME, &Self::LABELS)?;
        let temperatures = folder.card.sentiment.as_ref().map(|card| &card.temperature);
        let temperature = temperatures
            .and_then(|all| all.get(Self::NAME))
            .copied()
            .unwrap_or(1.0);
        if !(temperature.is_finite() && temperature > 0.0) {
            return Err(EncoderError::Form {
                path: folder.card_path(),
                reason: format!(
                    "the temperature of `{}` is {temperature}; it must be above 0",
                    Self::NAME
                ),
            });
        }
        Ok(Self {
            attention: TargetAttention::open(heads, Self::NAME)?,
            side: heads.tensor("attitude.side.weight", &[2, HIDDEN])?,
            layer: heads.linear("attitude.out", HIDDEN, labels.len())?,
            order: Self::LABELS.map(|label| labels.iter().position(|l| l == label).unwrap_or(0)),
            temperature,
        })
    }

    /// Begins with a document, of which `vectors` are the words. Nothing is computed yet.
    #[must_use]
    pub fn read<'a>(&self, vectors: WordVectors<'a>) -> JudgedWords<'a> {
        JudgedWords::new(vectors)
    }

    /// Judges what the statement of the words `statement` shows of its speaker's view of the target that the words
    /// `target` name; both are counted in the document.
    ///
    /// # Panics
    /// If `target` is empty, or if it or `statement` reaches beyond the words of the document.
    #[must_use]
    pub fn toward(
        &self,
        words: &mut JudgedWords<'_>,
        statement: Range<usize>,
        target: Range<usize>,
        side: Side,
    ) -> Attitude {
        let mut hidden = self.attention.look(words, statement, target);
        let side = &self.side[side as usize * HIDDEN..][..HIDDEN];
        hidden.iter_mut().zip(side).for_each(|(h, s)| *h += s);
        gelu(&mut hidden);
        let raw = self.layer.of(&hidden);
        let scores = self.order.map(|i| raw[i]);
        let mut probabilities = scores.map(|s| s / self.temperature);
        softmax(&mut probabilities);
        Attitude {
            probabilities,
            scores,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_attitude_is_shown_and_neutral_wins_a_tie() {
        let shown = |probabilities| {
            let attitude = Attitude {
                probabilities,
                scores: [0.0; 4],
            };
            attitude.shown().map(|(polarity, _)| polarity)
        };
        assert_eq!(shown([0.4, 0.3, 0.1, 0.2]), Some(Polarity::Negative));
        assert_eq!(shown([0.1, 0.2, 0.4, 0.3]), Some(Polarity::Positive));
        assert_eq!(shown([0.4, 0.4, 0.1, 0.1]), Some(Polarity::Neutral));
        assert_eq!(shown([0.3, 0.2, 0.1, 0.4]), None);
    }
}
