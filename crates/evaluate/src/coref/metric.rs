//! MUC, B³ and CEAF-e, as the reference scorer of the CoNLL-2011 and 2012 shared tasks counts them.

use std::collections::{BTreeMap, BTreeSet};

use crate::spans::Span;

/// Mentions that mean the same, as spans of tokens.
pub type Chain = BTreeSet<(u32, u32)>;

/// A mention as a key.
#[must_use]
pub fn mention(span: &Span) -> (u32, u32) {
    (span.start, span.end)
}

/// Makes every mention a member of one chain only (the first that has it) and leaves out empty
/// chains, and those of one mention unless `singletons`.
#[must_use]
pub fn tidied(chains: impl IntoIterator<Item = Chain>, singletons: bool) -> Vec<Chain> {
    let mut seen = BTreeSet::new();
    let least = if singletons { 1 } else { 2 };
    chains
        .into_iter()
        .map(|mut chain| {
            chain.retain(|mention| seen.insert(*mention));
            chain
        })
        .filter(|chain| chain.len() >= least)
        .collect()
}

/// What one metric counts: over documents, numerators and denominators are summed.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Parts {
    /// Of precision.
    pub precision: (f64, f64),
    /// Of recall.
    pub recall: (f64, f64),
}

/// Vilain et al. 1995: the links of a chain that are there, of the fewest that would hold it
/// together.
#[must_use]
pub fn muc(gold: &[Chain], predicted: &[Chain]) -> Parts {
    Parts {
        precision: links(predicted, gold),
        recall: links(gold, predicted),
    }
}

fn links(of: &[Chain], by: &[Chain]) -> (f64, f64) {
    let place = places(by);
    let mut sum = (0.0, 0.0);
    for chain in of {
        let mut pieces = BTreeSet::new();
        let mut alone = 0;
        for mention in chain {
            match place.get(mention) {
                Some(piece) => drop(pieces.insert(*piece)),
                None => alone += 1,
            }
        }
        sum.0 += (chain.len() - pieces.len() - alone) as f64;
        sum.1 += (chain.len() - 1) as f64;
    }
    sum
}

/// Bagga and Baldwin 1998: for each mention, the share of its chain that is in its chain on the
/// other side. Mentions that only one side has count there with 0 (Pradhan et al. 2014).
#[must_use]
pub fn b_cubed(gold: &[Chain], predicted: &[Chain]) -> Parts {
    Parts {
        precision: overlaps(predicted, gold),
        recall: overlaps(gold, predicted),
    }
}

fn overlaps(of: &[Chain], by: &[Chain]) -> (f64, f64) {
    let place = places(by);
    let mut sum = (0.0, 0.0);
    for chain in of {
        let mut shared: BTreeMap<usize, f64> = BTreeMap::new();
        for piece in chain.iter().filter_map(|mention| place.get(mention)) {
            *shared.entry(*piece).or_default() += 1.0;
        }
        sum.0 += shared.values().map(|n| n * n).sum::<f64>() / chain.len() as f64;
        sum.1 += chain.len() as f64;
    }
    sum
}

/// Luo 2005, entity-based: chains are paired one to one so that the sum of
/// φ₄ = 2·shared / (sizes of both) is highest.
#[must_use]
pub fn ceaf_e(gold: &[Chain], predicted: &[Chain]) -> Parts {
    let place = places(predicted);
    let mut similar = vec![vec![0.0; predicted.len()]; gold.len()];
    for (row, chain) in similar.iter_mut().zip(gold) {
        for piece in chain.iter().filter_map(|mention| place.get(mention)) {
            row[*piece] += 2.0 / (chain.len() + predicted[*piece].len()) as f64;
        }
    }
    let best = best_pairing(&similar);
    Parts {
        precision: (best, predicted.len() as f64),
        recall: (best, gold.len() as f64),
    }
}

/// The chain of each mention.
#[must_use]
pub fn places(chains: &[Chain]) -> BTreeMap<(u32, u32), usize> {
    chains
        .iter()
        .enumerate()
        .flat_map(|(i, chain)| chain.iter().map(move |mention| (*mention, i)))
        .collect()
}

/// The highest sum of a one-to-one pairing of rows and columns (Kuhn 1955, Munkres 1957, in the
/// form with potentials that takes cubic time).
fn best_pairing(values: &[Vec<f64>]) -> f64 {
    let (rows, columns) = (values.len(), values.first().map_or(0, Vec::len));
    if columns == 0 {
        return 0.0;
    }
    let turned = rows > columns;
    let (n, m) = (rows.min(columns), rows.max(columns));
    let cost = |i: usize, j: usize| {
        if turned { -values[j][i] } else { -values[i][j] }
    };
    // Row and column 0 are the outside; `of[j]` is the row that has column `j`.
    let (mut u, mut v) = (vec![0.0; n + 1], vec![0.0; m + 1]);
    let mut of = vec![0_usize; m + 1];
    for row in 1..=n {
        of[0] = row;
        let mut at = 0;
        let mut slack = vec![f64::INFINITY; m + 1];
        let mut from = vec![0_usize; m + 1];
        let mut used = vec![false; m + 1];
        while of[at] != 0 {
            used[at] = true;
            let (here, mut least, mut next) = (of[at], f64::INFINITY, 0);
            for j in (1..=m).filter(|j| !used[*j]) {
                let reduced = cost(here - 1, j - 1) - u[here] - v[j];
                if reduced < slack[j] {
                    (slack[j], from[j]) = (reduced, at);
                }
                if slack[j] < least {
                    (least, next) = (slack[j], j);
                }
            }
            for j in 0..=m {
                if used[j] {
                    u[of[j]] += least;
                    v[j] -= least;
                } else {
                    slack[j] -= least;
                }
            }
            at = next;
        }
        while at != 0 {
            of[at] = of[from[at]];
            at = from[at];
        }
    }
    (1..=m)
        .filter(|j| of[*j] != 0)
        .map(|j| -cost(of[j] - 1, j - 1))
        .sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chains(chains: &[&[u32]]) -> Vec<Chain> {
        chains
            .iter()
            .map(|chain| chain.iter().map(|&at| (at, at + 1)).collect())
            .collect()
    }

    fn shares(parts: Parts) -> (f64, f64) {
        let share = |(a, b): (f64, f64)| (1e4 * a / b).round() / 1e4;
        (share(parts.precision), share(parts.recall))
    }

    /// The example of Pradhan et al. 2014, "Scoring coreference partitions of predicted mentions",
    /// figure 1: key {a b c} {d e f g}, response {a b} {c d} {f g h i}.
    #[test]
    fn the_example_of_the_reference_scorer_gives_its_figures() {
        let gold = chains(&[&[0, 1, 2], &[3, 4, 5, 6]]);
        let predicted = chains(&[&[0, 1], &[2, 3], &[5, 6, 7, 8]]);
        // MUC: 2 of 5 links each way.
        assert_eq!(shares(muc(&gold, &predicted)), (0.4, 0.4));
        // B³: precision (4/2 + 1/2 + 1/2 + 4/4) / 8, recall (4/3 + 1/3 + 1/4 + 4/4) / 7.
        assert_eq!(shares(b_cubed(&gold, &predicted)), (0.5, 0.4167));
        // CEAF-e: {a b c} with {a b} 4/5, {d e f g} with {f g h i} 4/8; 1.3 of 3 and of 2 chains.
        assert_eq!(shares(ceaf_e(&gold, &predicted)), (0.4333, 0.65));
    }

    #[test]
    fn the_same_chains_are_perfect() {
        let gold = chains(&[&[0, 1, 2], &[5, 9]]);
        for parts in [
            muc(&gold, &gold),
            b_cubed(&gold, &gold),
            ceaf_e(&gold, &gold),
        ] {
            assert_eq!(shares(parts), (1.0, 1.0));
        }
    }

    /// One chain of everything: MUC is kind to it, the others are not.
    #[test]
    fn joining_everything_costs_precision() {
        let gold = chains(&[&[0, 1], &[2, 3], &[4, 5]]);
        let predicted = chains(&[&[0, 1, 2, 3, 4, 5]]);
        // 3 of 5 links are right, all 3 links of the gold are there.
        assert_eq!(shares(muc(&gold, &predicted)), (0.6, 1.0));
        // Each of six mentions finds 2 of the 6.
        assert_eq!(shares(b_cubed(&gold, &predicted)), (0.3333, 1.0));
        // One pair: 2·2/(2+6).
        assert_eq!(shares(ceaf_e(&gold, &predicted)), (0.5, 0.1667));
    }

    #[test]
    fn nothing_predicted_has_no_precision() {
        let gold = chains(&[&[0, 1]]);
        assert_eq!(muc(&gold, &[]).recall, (0.0, 1.0));
        assert_eq!(b_cubed(&gold, &[]).recall, (0.0, 2.0));
        assert_eq!(ceaf_e(&gold, &[]).recall, (0.0, 1.0));
        assert_eq!(ceaf_e(&[], &gold).precision, (0.0, 1.0));
    }

    #[test]
    fn a_mention_belongs_to_one_chain_and_singletons_go() {
        let mixed = chains(&[&[0, 1], &[1, 2], &[3]]);
        assert_eq!(tidied(mixed.clone(), false), chains(&[&[0, 1]]));
        assert_eq!(tidied(mixed, true), chains(&[&[0, 1], &[2], &[3]]));
    }

    /// Tries every pairing.
    fn best_by_trial(values: &[Vec<f64>], used: &mut Vec<bool>, row: usize) -> f64 {
        let Some(here) = values.get(row) else {
            return 0.0;
        };
        // A row may stay without a column where there are more rows.
        let mut best = best_by_trial(values, used, row + 1);
        for (j, value) in here.iter().enumerate() {
            if !used[j] {
                used[j] = true;
                best = best.max(value + best_by_trial(values, used, row + 1));
                used[j] = false;
            }
        }
        best
    }

    proptest! {
        #[test]
        fn the_pairing_is_the_best_there_is(
            (columns, cells) in (1..6_usize).prop_flat_map(|columns| (
                Just(columns),
                prop::collection::vec(prop::collection::vec(0..9_u8, columns), 0..6),
            ))
        ) {
            let values: Vec<Vec<f64>> = cells
                .iter()
                .map(|row| row.iter().map(|&x| f64::from(x)).collect())
                .collect();
            let best = best_by_trial(&values, &mut vec![false; columns], 0);
            prop_assert!((best_pairing(&values) - best).abs() < 1e-9);
        }
    }
}
