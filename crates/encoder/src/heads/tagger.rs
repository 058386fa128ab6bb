//! A linear-chain conditional random field over BIO tags (Lafferty et al. 2001).

use std::ops::Range;

use super::{Heads, Linear};
use crate::EncoderError;

/// Tags words with BIO tags: the best sequence by the Viterbi algorithm, and how sure the model is of it.
#[derive(Clone, Debug)]
pub struct Tagger {
    emissions: Linear,
    /// Score of going from tag to tag, `[from, to]`; what BIO forbids is far below zero.
    transitions: Vec<f32>,
    start: Vec<f32>,
    tags: Vec<Bio>,
    kinds: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bio {
    Outside,
    Begin(usize),
    Inside(usize),
}

/// Words that carry one tag together.
#[derive(Clone, Debug, PartialEq)]
pub struct TagSpan {
    /// The words.
    pub words: Range<usize>,
    /// Which kind of span, an index into [`Tagger::kinds`].
    pub kind: usize,
    /// Mean probability of the tags of its words, 0 to 1.
    pub score: f32,
}

/// Scores that no sequence outweighs: wrong BIO sequences, whatever the weights say.
const FORBIDDEN: f32 = -1e4;

impl Tagger {
    /// Takes the tensors `NAME.weight`, `.bias`, `.transitions` and `.start`; the tags are `labels` in that order.
    pub(super) fn open(
        heads: &Heads,
        name: &str,
        inputs: usize,
        labels: &[String],
    ) -> Result<Self, EncoderError> {
        let n = labels.len();
        let emissions = heads.linear(name, inputs, n)?;
        let transitions = heads.tensor(&format!("{name}.transitions"), &[n, n])?;
        let start = heads.tensor(&format!("{name}.start"), &[n])?;
        Ok(Self::new(emissions, transitions, start, labels))
    }

    /// A tagger of its parts: `transitions` is `[from, to]` and `start` `[to]`, over tags `labels` such as `B-PER`.
    ///
    /// # Panics
    /// If these do not fit together.
    #[must_use]
    pub fn new(
        emissions: Linear,
        mut transitions: Vec<f32>,
        mut start: Vec<f32>,
        labels: &[String],
    ) -> Self {
        let n = labels.len();
        assert!(
            emissions.outputs() == n && transitions.len() == n * n && start.len() == n,
            "a tagger with {n} tags and other weights"
        );
        let mut kinds: Vec<String> = Vec::new();
        let mut kind_of = |kind: &str| {
            kinds.iter().position(|k| k == kind).unwrap_or_else(|| {
                kinds.push(kind.to_owned());
                kinds.len() - 1
            })
        };
        let tags: Vec<Bio> = labels
            .iter()
            .map(|label| match label.split_at_checked(1) {
                Some(("B", kind)) => Bio::Begin(kind_of(kind.trim_start_matches('-'))),
                Some(("I", kind)) => Bio::Inside(kind_of(kind.trim_start_matches('-'))),
                _ => Bio::Outside,
            })
            .collect();
        for (to, tag) in tags.iter().enumerate() {
            let Bio::Inside(kind) = *tag else { continue };
            start[to] = start[to].min(FORBIDDEN);
            for (from, before) in tags.iter().enumerate() {
                if *before != Bio::Begin(kind) && *before != Bio::Inside(kind) {
                    let score = &mut transitions[from * tags.len() + to];
                    *score = score.min(FORBIDDEN);
                }
            }
        }
        Self {
            emissions,
            transitions,
            start,
            tags,
            kinds,
        }
    }

    /// The kinds of spans, for example `PER`; one empty kind where tags are plain B and I.
    #[must_use]
    pub fn kinds(&self) -> &[String] {
        &self.kinds
    }

    /// Number of tags.
    #[must_use]
    pub fn tags(&self) -> usize {
        self.tags.len()
    }

    /// Scores of every tag for every row, `[rows, tags]`, before transitions.
    #[must_use]
    pub fn emissions(&self, rows: &[f32]) -> Vec<f32> {
        self.emissions.of(rows)
    }

    /// The spans of the best tag sequence for the words whose inputs are `rows`.
    #[must_use]
    pub fn spans(&self, rows: &[f32]) -> Vec<TagSpan> {
        let emissions = self.emissions(rows);
        let path = self.viterbi(&emissions);
        let sure = self.marginals(&emissions, &path);
        let mut spans: Vec<TagSpan> = Vec::new();
        for (word, (&tag, &sure)) in path.iter().zip(&sure).enumerate() {
            match (self.tags[tag], spans.last_mut()) {
                (Bio::Begin(kind), _) => spans.push(TagSpan {
                    words: word..word + 1,
                    kind,
                    score: sure,
                }),
                (Bio::Inside(_), Some(span)) => {
                    span.words.end = word + 1;
                    span.score += sure;
                }
                _ => {}
            }
        }
        for span in &mut spans {
            span.score = (span.score / span.words.len() as f32).clamp(0.0, 1.0);
        }
        spans
    }

    /// The best sequence of tags; `emissions` is `[words, tags]`.
    #[must_use]
    pub fn viterbi(&self, emissions: &[f32]) -> Vec<usize> {
        let n = self.tags();
        let mut rows = emissions.chunks_exact(n);
        let Some(first) = rows.next() else {
            return Vec::new();
        };
        let mut score: Vec<f32> = first.iter().zip(&self.start).map(|(e, s)| e + s).collect();
        let mut before = vec![0_usize; emissions.len()];
        let mut next = vec![0.0; n];
        for (row, before) in rows.zip(before[n..].chunks_exact_mut(n)) {
            for to in 0..n {
                let from_score = |from: usize| score[from] + self.transitions[from * n + to];
                let mut best = 0;
                for from in 1..n {
                    if from_score(from) > from_score(best) {
                        best = from;
                    }
                }
                before[to] = best;
                next[to] = from_score(best) + row[to];
            }
            std::mem::swap(&mut score, &mut next);
        }
        let mut tag = (0..n).fold(
            0,
            |best, tag| if score[tag] > score[best] { tag } else { best },
        );
        let mut path = vec![tag];
        for before in before[n..].chunks_exact(n).rev() {
            tag = before[tag];
            path.push(tag);
        }
        path.reverse();
        path
    }

    /// Probability of each tag of `path` at its word, all other words free: the forward-backward algorithm,
    /// with every word's sums scaled to one so that a long document neither under- nor overflows.
    #[must_use]
    pub fn marginals(&self, emissions: &[f32], path: &[usize]) -> Vec<f32> {
        let n = self.tags();
        // A tag that no path reaches must not be the only one left after underflow.
        let weight = |row: &[f32]| -> Vec<f32> {
            let highest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            row.iter().map(|e| (e - highest).max(-60.0).exp()).collect()
        };
        let weights: Vec<f32> = emissions.chunks_exact(n).flat_map(weight).collect();
        let moves: Vec<f32> = self
            .transitions
            .iter()
            .map(|t| t.clamp(-1e5, 60.0).exp())
            .collect();
        let scale = |row: &mut [f32]| {
            let sum: f32 = row.iter().sum();
            row.iter_mut().for_each(|x| *x /= sum);
        };

        let mut forward = weights.clone();
        for (word, start) in (0..n).zip(&self.start) {
            if let Some(x) = forward.get_mut(word) {
                *x *= start.clamp(-1e5, 60.0).exp();
            }
        }
        for word in 0..path.len() {
            let (done, rest) = forward.split_at_mut(word * n);
            let row = &mut rest[..n];
            if let Some(previous) = done.rchunks_exact(n).next() {
                for (to, x) in row.iter_mut().enumerate() {
                    *x *= (0..n)
                        .map(|from| previous[from] * moves[from * n + to])
                        .sum::<f32>();
                }
            }
            scale(row);
        }

        let mut backward = vec![1.0; n];
        let mut sure = vec![0.0; path.len()];
        for word in (0..path.len()).rev() {
            let row = &forward[word * n..][..n];
            let joint: f32 = row.iter().zip(&backward).map(|(f, b)| f * b).sum();
            sure[word] = row[path[word]] * backward[path[word]] / joint;
            let ahead: Vec<f32> = backward
                .iter()
                .zip(&weights[word * n..])
                .map(|(b, w)| b * w)
                .collect();
            for (from, b) in backward.iter_mut().enumerate() {
                *b = super::linear::dot(&moves[from * n..][..n], &ahead);
            }
            scale(&mut backward);
        }
        sure
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LABELS: [&str; 5] = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG"];

    fn tagger(transitions: Vec<f32>, start: Vec<f32>) -> Tagger {
        let identity = (0..25).map(|i| f32::from(u8::from(i % 6 == 0))).collect();
        Tagger::new(
            Linear::new(identity, vec![0.0; 5]),
            transitions,
            start,
            &LABELS.map(str::to_owned),
        )
    }

    /// Score of a whole sequence.
    fn score(tagger: &Tagger, emissions: &[f32], path: &[usize]) -> f64 {
        let emitted: f32 = path
            .iter()
            .enumerate()
            .map(|(word, tag)| emissions[word * 5 + tag])
            .sum();
        let moved: f32 = path
            .windows(2)
            .map(|w| tagger.transitions[w[0] * 5 + w[1]])
            .sum();
        f64::from(emitted + moved + tagger.start[path[0]])
    }

    fn all_paths(words: usize) -> impl Iterator<Item = Vec<usize>> {
        (0..5_usize.pow(words as u32))
            .map(move |i| (0..words).map(|w| i / 5_usize.pow(w as u32) % 5).collect())
    }

    #[test]
    fn a_span_never_begins_inside() {
        let tagger = tagger(vec![0.0; 25], vec![0.0; 5]);
        // I-PER scores highest everywhere; B-PER has to open it.
        let rows = [0.0, 1.0, 5.0, 0.0, 0.0].repeat(3);
        let spans = tagger.spans(&rows);
        assert_eq!(spans.len(), 1);
        assert_eq!(
            (
                spans[0].words.clone(),
                tagger.kinds()[spans[0].kind].as_str()
            ),
            (0..3, "PER")
        );
        assert!(spans[0].score > 0.5 && spans[0].score <= 1.0);
        assert!(tagger.spans(&[]).is_empty());
    }

    #[test]
    fn neighbours_of_one_kind_stay_two_spans() {
        let tagger = tagger(vec![0.0; 25], vec![0.0; 5]);
        let rows = [
            [0.0, 9.0, 0.0, 0.0, 0.0],
            [0.0, 9.0, 0.0, 0.0, 0.0],
            [9.0, 0.0, 0.0, 0.0, 0.0],
        ]
        .concat();
        let words: Vec<_> = tagger.spans(&rows).into_iter().map(|s| s.words).collect();
        assert_eq!(words, [0..1, 1..2]);
    }

    #[test]
    fn extreme_scores_give_probabilities_all_the_same() {
        let tagger = tagger(vec![0.0; 25], vec![0.0; 5]);
        let rows = [[1e4, -1e4, 0.0, 0.0, 0.0], [-1e4, -1e4, 1e4, -1e4, -1e4]]
            .concat()
            .repeat(200);
        let path = tagger.viterbi(&rows);
        assert!(
            tagger
                .marginals(&rows, &path)
                .iter()
                .all(|p| (0.0..=1.000_1).contains(p))
        );
    }

    proptest! {
        #[test]
        fn viterbi_and_marginals_agree_with_trying_every_sequence(
            emissions in proptest::collection::vec(-4.0_f32..4.0, 20),
            transitions in proptest::collection::vec(-2.0_f32..2.0, 25),
            start in proptest::collection::vec(-2.0_f32..2.0, 5),
        ) {
            let tagger = tagger(transitions, start);
            let path = tagger.viterbi(&emissions);
            let best = all_paths(4).map(|p| score(&tagger, &emissions, &p)).fold(f64::MIN, f64::max);
            prop_assert!((score(&tagger, &emissions, &path) - best).abs() < 1e-4);

            let total: f64 = all_paths(4).map(|p| score(&tagger, &emissions, &p).exp()).sum();
            for (word, sure) in tagger.marginals(&emissions, &path).into_iter().enumerate() {
                let with: f64 = all_paths(4)
                    .filter(|p| p[word] == path[word])
                    .map(|p| score(&tagger, &emissions, &p).exp())
                    .sum();
                prop_assert!((f64::from(sure) - with / total).abs() < 1e-4);
            }
        }
    }
}
