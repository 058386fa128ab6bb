//! Figures out of counts, with intervals over documents.

use serde::{Serialize, Serializer, ser::SerializeMap};

/// How often documents are drawn anew.
const ROUNDS: usize = 1000;
/// Any fixed number: the same data give the same interval.
const SEED: u64 = 7;

/// A figure in percent, with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Figure {
    /// `None` where there is nothing to divide by.
    pub value: Option<f64>,
    /// `None` where fewer than two documents bear on it.
    pub interval: Option<(f64, f64)>,
}

/// Right, predicted and gold of one document: what precision, recall and F1 are made of.
pub type Matches = [f64; 3];

/// A figure of the sums over all documents, and its percentile bootstrap interval (Efron and
/// Tibshirani 1993, §13.3): documents are drawn with replacement, 1000 times, from a fixed seed.
///
/// `of` makes the figure, as a share of 1, out of summed counts; `None` where it is undefined.
pub fn bootstrap<const N: usize>(
    documents: &[[f64; N]],
    of: impl Fn(&[f64; N]) -> Option<f64>,
) -> Figure {
    let sum = |rows: &mut dyn Iterator<Item = &[f64; N]>| {
        let mut total = [0.0; N];
        for row in rows {
            total.iter_mut().zip(row).for_each(|(t, x)| *t += x);
        }
        total
    };
    let value = of(&sum(&mut documents.iter())).map(|value| 100.0 * value);
    let borne_by = documents.iter().filter(|row| row.iter().any(|x| *x != 0.0));
    if value.is_none() || borne_by.count() < 2 {
        return Figure {
            value,
            interval: None,
        };
    }
    let mut random = SplitMix(SEED);
    let mut drawn: Vec<f64> = (0..ROUNDS)
        .filter_map(|_| {
            let mut rows = (0..documents.len()).map(|_| &documents[random.below(documents.len())]);
            of(&sum(&mut rows)).map(|value| 100.0 * value)
        })
        .collect();
    drawn.sort_by(f64::total_cmp);
    let at = |part: f64| {
        let index = (part * drawn.len() as f64) as usize;
        drawn[index.min(drawn.len() - 1)]
    };
    Figure {
        value,
        interval: (!drawn.is_empty()).then(|| (at(0.025), at(0.975))),
    }
}

/// `a` of `b`; `None` of nothing.
#[must_use]
pub fn share(a: f64, b: f64) -> Option<f64> {
    (b > 0.0).then(|| a / b)
}

/// The harmonic mean of precision and recall: 2·right / (predicted + gold).
#[must_use]
pub fn f1([right, predicted, gold]: &Matches) -> Option<f64> {
    share(2.0 * right, predicted + gold)
}

/// Steele, Lea and Flood 2014: small, and good enough to draw documents.
struct SplitMix(u64);

impl SplitMix {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        ((u128::from(z) * n as u128) >> 64) as usize
    }
}

impl Serialize for Figure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let hundredths = |x: f64| (x * 100.0).round() / 100.0;
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("value", &self.value.map(hundredths))?;
        let interval = self.interval.map(|(a, b)| [hundredths(a), hundredths(b)]);
        map.serialize_entry("interval", &interval)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f1_is_the_harmonic_mean_of_precision_and_recall() {
        // Precision 3/4, recall 3/6.
        let f = f1(&[3.0, 4.0, 6.0]).unwrap();
        assert!((f - 2.0 * 0.75 * 0.5 / 1.25).abs() < 1e-12);
        assert_eq!(f1(&[0.0, 0.0, 0.0]), None);
    }

    #[test]
    fn the_interval_contains_the_figure_and_does_not_change_from_run_to_run() {
        let documents: Vec<[f64; 2]> = (0..40).map(|i| [f64::from(i % 5), 4.0]).collect();
        let of = |t: &[f64; 2]| share(t[0], t[1]);
        let figure = bootstrap(&documents, of);
        let (low, high) = figure.interval.unwrap();
        assert_eq!(figure.value, Some(50.0));
        assert!(low < 50.0 && 50.0 < high, "{low} {high}");
        // The standard error of a mean of 40 values with deviation √2/4 is 5.6 points.
        assert!((8.0..14.0).contains(&(50.0 - low)), "{low}");
        assert_eq!(bootstrap(&documents, of), figure);
    }

    #[test]
    fn equal_documents_leave_no_doubt() {
        let figure = bootstrap(&[[1.0, 2.0]; 9], |t| share(t[0], t[1]));
        assert_eq!(figure.interval, Some((50.0, 50.0)));
    }

    #[test]
    fn one_document_has_no_interval_and_none_no_figure() {
        let of = |t: &[f64; 2]| share(t[0], t[1]);
        assert_eq!(bootstrap(&[[1.0, 2.0], [0.0, 0.0]], of).interval, None);
        assert_eq!(bootstrap(&[], of), Figure::default());
    }

    #[test]
    fn every_document_can_be_drawn() {
        let mut random = SplitMix(SEED);
        let mut seen = [0; 7];
        (0..700).for_each(|_| seen[random.below(7)] += 1);
        assert!(seen.iter().all(|&n| (60..140).contains(&n)), "{seen:?}");
    }
}
