//! From single judgements to a speaker's attitude and a document's tone.

use copydesk_encoder::heads::Polarity;
use serde::Serialize;

/// Probabilities of negative, neutral, positive.
pub(crate) type Probabilities = [f32; 3];

/// A label with its score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Judgement {
    pub(crate) polarity: Polarity,
    pub(crate) score: f32,
}

/// The most probable polarity; neutral wins a tie.
pub(crate) fn judge(p: Probabilities) -> Judgement {
    let [negative, neutral, positive] = p;
    let polarity = if negative > neutral && negative >= positive {
        Polarity::Negative
    } else if positive > neutral {
        Polarity::Positive
    } else {
        Polarity::Neutral
    };
    Judgement {
        polarity,
        score: p[polarity as usize].clamp(0.0, 1.0),
    }
}

/// A speaker's attitude in one statement, from the judgements of its mentions.
///
/// One clear word outweighs neutral mentions beside it: a mention counts by how little neutral it is.
pub(crate) fn attitude(mentions: &[Probabilities]) -> Option<Judgement> {
    let mut sum = [0.0_f32; 3];
    let mut weights = 0.0;
    for p in mentions {
        let weight = (1.0 - p[1]).max(0.05);
        weights += weight;
        for (total, share) in sum.iter_mut().zip(p) {
            *total += weight * share;
        }
    }
    (weights > 0.0).then(|| judge(sum.map(|s| s / weights)))
}

/// What a statement shows of its speaker's attitude, from the judgements by each mention of the target in it; `None`
/// where that is most likely nothing.
///
/// One mention by which a side is taken outweighs those beside it that show none.
pub(crate) fn shown(views: &[[f32; 4]]) -> Option<Judgement> {
    let mut sum = [0.0_f32; 4];
    let mut weights = 0.0;
    for [negative, neutral, positive, none] in views {
        let weight = (negative + positive).max(0.05);
        weights += weight;
        for (total, share) in sum.iter_mut().zip([negative, neutral, positive, none]) {
            *total += weight * share;
        }
    }
    if weights == 0.0 {
        return None;
    }
    let [negative, neutral, positive, none] = sum.map(|s| s / weights);
    let judgement = judge([negative, neutral, positive]);
    (judgement.score >= none).then_some(judgement)
}

/// How one voice speaks of a target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct Voice {
    label: &'static str,
    score: f64,
    negative: u32,
    neutral: u32,
    positive: u32,
}

/// Tone toward one target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct Tone {
    author: Voice,
    speakers: Voice,
    all: Voice,
}

/// Counts rows; `true` for a speaker's.
pub(crate) fn tone(rows: &[(Polarity, bool)], band: f32) -> Tone {
    let voice = |keep: &dyn Fn(bool) -> bool| {
        let mut counts = [0_u32; 3];
        for (polarity, _) in rows.iter().filter(|(_, spoken)| keep(*spoken)) {
            counts[*polarity as usize] += 1;
        }
        let [negative, neutral, positive] = counts;
        let all = negative + neutral + positive;
        let score = if all == 0 {
            0.0
        } else {
            (f64::from(positive) - f64::from(negative)) / f64::from(all)
        };
        let label = if score.abs() <= f64::from(band) {
            "neutral"
        } else if score < 0.0 {
            "negative"
        } else {
            "positive"
        };
        Voice {
            label,
            score: (score * 10_000.0).round() / 10_000.0,
            negative,
            neutral,
            positive,
        }
    };
    Tone {
        author: voice(&|spoken| !spoken),
        speakers: voice(&|spoken| spoken),
        all: voice(&|_| true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_voices_are_counted_apart() {
        let rows = [
            (Polarity::Negative, true),
            (Polarity::Negative, true),
            (Polarity::Neutral, false),
            (Polarity::Positive, false),
        ];
        let tone = tone(&rows, 0.1);
        assert_eq!((tone.author.label, tone.author.score), ("positive", 0.5));
        assert_eq!(
            (tone.speakers.label, tone.speakers.score),
            ("negative", -1.0)
        );
        assert_eq!((tone.all.label, tone.all.score), ("negative", -0.25));
    }

    #[test]
    fn nobody_is_neutral() {
        let tone = tone(&[], 0.0);
        assert_eq!((tone.all.label, tone.all.score), ("neutral", 0.0));
    }

    #[test]
    fn the_most_probable_polarity_wins_and_ties_are_neutral() {
        assert_eq!(judge([0.45, 0.2, 0.35]).polarity, Polarity::Negative);
        assert_eq!(judge([0.2, 0.4, 0.4]).polarity, Polarity::Neutral);
    }

    #[test]
    fn a_small_lean_of_the_whole_is_neutral() {
        let rows = [
            (Polarity::Negative, true),
            (Polarity::Neutral, true),
            (Polarity::Neutral, true),
        ];
        assert_eq!(tone(&rows, 0.4).all.label, "neutral");
        assert_eq!(tone(&rows, 0.1).all.label, "negative");
    }

    #[test]
    fn one_clear_mention_outweighs_neutral_ones() {
        let attitude = attitude(&[[0.02, 0.96, 0.02], [0.9, 0.08, 0.02], [0.03, 0.95, 0.02]]);
        assert_eq!(attitude.map(|a| a.polarity), Some(Polarity::Negative));
        assert_eq!(super::attitude(&[]), None);
    }

    #[test]
    fn a_statement_shows_a_side_by_one_mention_or_nothing() {
        let polarity = |views: &[[f32; 4]]| shown(views).map(|judgement| judgement.polarity);
        let silent = [0.02, 0.1, 0.02, 0.86];
        assert_eq!(polarity(&[silent]), None);
        assert_eq!(
            polarity(&[silent, [0.9, 0.05, 0.03, 0.02]]),
            Some(Polarity::Negative)
        );
        assert_eq!(polarity(&[[0.2, 0.5, 0.2, 0.1]]), Some(Polarity::Neutral));
        assert_eq!(polarity(&[]), None);
    }
}
