//! Which records are finished: ranges of positions, and splits that are finished whole.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use copydesk_document::NewDocument;
use copydesk_engine::{InputFailure, SizeHint, Skip, Source, index_of, split_of};
use serde::{Deserialize, Serialize};

/// Finished positions, small however many there are as long as they lie close together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Positions {
    /// Splits of which every record is finished.
    whole: Ranges,
    /// Finished records of the others.
    parts: BTreeMap<u32, Ranges>,
}

/// Positions as the journal has them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Written {
    /// Ranges of splits: first, and the one behind the last.
    pub(crate) splits: Vec<[u64; 2]>,
    /// Ranges of records: split, first, and the one behind the last.
    pub(crate) records: Vec<[u64; 3]>,
}

impl Positions {
    /// Adds one.
    pub(crate) fn insert(&mut self, position: u64) {
        let (split, index) = (split_of(position), index_of(position));
        if !self.whole.contains(u64::from(split)) {
            let part = self.parts.entry(split).or_default();
            part.insert(index, index + 1);
        }
    }

    pub(crate) fn add(&mut self, written: &Written) {
        for &[from, to] in &written.splits {
            self.whole.insert(from, to);
        }
        for &[split, from, to] in &written.records {
            let split = split as u32;
            self.parts.entry(split).or_default().insert(from, to);
        }
        let whole = &self.whole;
        self.parts
            .retain(|split, _| !whole.contains(u64::from(*split)));
    }

    /// Whether a position is among them.
    pub fn contains(&self, position: u64) -> bool {
        let split = split_of(position);
        self.whole.contains(u64::from(split))
            || self
                .parts
                .get(&split)
                .is_some_and(|part| part.contains(index_of(position)))
    }

    /// Whether a record of one of these splits is among them.
    pub(crate) fn touches(&self, splits: std::ops::Range<u32>) -> bool {
        splits
            .clone()
            .any(|split| self.whole.contains(u64::from(split)))
            || self.parts.range(splits).next().is_some()
    }

    /// The splits that the source has gone past and of which everything is finished become whole.
    /// Returns them.
    pub(crate) fn close(&mut self, reading: &mut Reading) -> Ranges {
        let mut closed = Ranges::default();
        let Reading { seen, at, ended } = reading;
        self.parts.retain(|&split, part| {
            // What an earlier run finished at the end of a split is not seen again.
            let records = seen.get(&split).copied().unwrap_or(0).max(part.end());
            let past = *ended || split < *at;
            if !past || !part.covers(records) {
                return true;
            }
            closed.insert(u64::from(split), u64::from(split) + 1);
            seen.remove(&split);
            false
        });
        for (from, to) in closed.iter() {
            self.whole.insert(from, to);
        }
        closed
    }

    /// The same positions where split `n` is called `name(n)`; those without a name are left out.
    pub(crate) fn renamed(&self, name: impl Fn(u32) -> Option<u32>) -> Self {
        let mut renamed = Self::default();
        for split in self.whole.iter().flat_map(|(from, to)| from..to) {
            if let Some(split) = name(split as u32) {
                renamed.whole.insert(u64::from(split), u64::from(split) + 1);
            }
        }
        for (split, part) in &self.parts {
            if let Some(split) = name(*split) {
                renamed.parts.insert(split, part.clone());
            }
        }
        renamed
    }

    pub(crate) fn written(&self) -> Written {
        Written {
            splits: self.whole.iter().map(|(from, to)| [from, to]).collect(),
            records: self
                .parts
                .iter()
                .flat_map(|(split, part)| {
                    part.iter().map(|(from, to)| [u64::from(*split), from, to])
                })
                .collect(),
        }
    }
}

impl Skip for Positions {
    fn whole_split(&self, split: u32) -> bool {
        self.whole.contains(u64::from(split))
    }

    fn document(&self, position: u64) -> bool {
        self.contains(position)
    }
}

/// Ranges of numbers, none touching another: first, and the one behind the last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ranges(BTreeMap<u64, u64>);

impl Ranges {
    pub(crate) fn insert(&mut self, mut from: u64, mut to: u64) {
        if from >= to {
            return;
        }
        // All that touch the new one become part of it.
        while let Some((&start, &end)) = self.0.range(..=to).next_back() {
            if end < from {
                break;
            }
            from = from.min(start);
            to = to.max(end);
            self.0.remove(&start);
        }
        self.0.insert(from, to);
    }

    pub(crate) fn contains(&self, number: u64) -> bool {
        self.0
            .range(..=number)
            .next_back()
            .is_some_and(|(_, &end)| number < end)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.0.iter().map(|(from, to)| (*from, *to))
    }

    /// Behind the last.
    fn end(&self) -> u64 {
        self.0.values().next_back().copied().unwrap_or(0)
    }

    /// Whether all numbers below `count` are among them.
    fn covers(&self, count: u64) -> bool {
        count == 0
            || self
                .0
                .first_key_value()
                .is_some_and(|(&from, &to)| from == 0 && to >= count)
    }
}

/// How far a source has been read.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// How many records of a split there are at least.
    seen: BTreeMap<u32, u64>,
    /// Splits before this one are read.
    at: u32,
    ended: bool,
}

/// A source whose reading is watched.
pub(crate) struct Watched {
    pub(crate) source: Box<dyn Source>,
    pub(crate) reading: Arc<Mutex<Reading>>,
}

impl Source for Watched {
    fn next(&mut self) -> Option<Result<NewDocument, InputFailure>> {
        let next = self.source.next();
        let seq = match &next {
            None => None,
            Some(Ok(document)) => Some(document.seq),
            // After a fatal failure nobody knows what was left.
            Some(Err(failure)) if failure.fatal => return next,
            Some(Err(failure)) => Some(failure.seq),
        };
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        match seq {
            None => reading.ended = true,
            Some(seq) => {
                let split = split_of(seq);
                reading.at = split;
                let records = reading.seen.entry(split).or_default();
                *records = (*records).max(index_of(seq) + 1);
            }
        }
        drop(reading);
        next
    }

    fn size_hint(&self) -> SizeHint {
        self.source.size_hint()
    }

    fn bytes_read(&self) -> u64 {
        self.source.bytes_read()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use copydesk_engine::position;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_split_is_whole_once_it_is_read_and_all_its_records_are_finished() {
        let mut positions = Positions::default();
        let mut reading = Reading {
            seen: [(0, 2), (1, 1)].into(),
            at: 1,
            ended: false,
        };
        let none = Ranges::default();
        positions.insert(position(0, 1));
        positions.insert(position(1, 0));
        assert_eq!(positions.close(&mut reading), none, "0.0 is missing");
        positions.insert(position(0, 0));
        let closed = positions.close(&mut reading);
        assert_eq!(closed.iter().collect::<Vec<_>>(), [(0, 1)], "1 goes on");
        reading.ended = true;
        positions.close(&mut reading);
        assert_eq!(positions.written().splits, [[0, 2]]);
        assert!(positions.written().records.is_empty());
    }

    #[test]
    fn what_an_earlier_run_finished_at_the_end_of_a_split_counts_to_it() {
        let mut positions = Positions::default();
        for index in 1..4 {
            positions.insert(position(5, index));
        }
        // Only record 0 is read in this run.
        let mut reading = Reading {
            seen: [(5, 1)].into(),
            at: 6,
            ended: false,
        };
        assert_eq!(positions.close(&mut reading), Ranges::default());
        positions.insert(position(5, 0));
        assert_ne!(positions.close(&mut reading), Ranges::default());
        assert!(positions.whole_split(5) && positions.contains(position(5, 9)));
    }

    #[test]
    fn positions_follow_their_splits_to_other_numbers() {
        let mut positions = Positions::default();
        positions.add(&Written {
            splits: vec![[0, 2]],
            records: vec![[2, 0, 3], [4, 1, 2]],
        });
        let renamed = positions.renamed(|split| (split != 1).then_some(split + 10));
        assert!(renamed.whole_split(10) && !renamed.whole_split(11));
        assert!(renamed.contains(position(12, 2)) && renamed.contains(position(14, 1)));
        assert!(!renamed.contains(position(14, 0)));
        assert!(renamed.touches(12..13) && !renamed.touches(13..14));
    }

    proptest! {
        #[test]
        fn positions_are_a_set_and_survive_being_written(
            all in prop::collection::vec((0_u32..4, 0_u64..30), 0..80),
        ) {
            let mut positions = Positions::default();
            let mut expected = BTreeSet::new();
            let mut journal = Positions::default();
            for piece in all.chunks(7) {
                let mut chunk = Positions::default();
                for &(split, index) in piece {
                    positions.insert(position(split, index));
                    chunk.insert(position(split, index));
                    expected.insert(position(split, index));
                }
                journal.add(&chunk.written());
            }
            prop_assert_eq!(&journal, &positions);
            for split in 0..4 {
                for index in 0..31 {
                    let position = position(split, index);
                    prop_assert_eq!(positions.contains(position), expected.contains(&position));
                }
            }
        }
    }
}
