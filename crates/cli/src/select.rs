//! Parts of the input: a shard for one of several jobs, a sample for a first look.

use std::{
    path::{Path, PathBuf},
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use copydesk_engine::{Skip, Source, config::Input, index_of, split_of};
use copydesk_io::{InputError, InputFile, Reader};

/// One of so many jobs that share the input: of every `of` splits the `number`th.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shard {
    /// From 1.
    number: u32,
    of: u32,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(number, of)| {
            let (number, of) = (number.parse().ok()?, of.parse().ok()?);
            (1..=of).contains(&number).then_some(Self { number, of })
        });
        numbers.ok_or_else(|| "expected K/N with K from 1 to N, such as `2/8`".to_owned())
    }
}

impl std::fmt::Display for Shard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl Shard {
    /// A path of this shard's own: `out/a.jsonl.gz` becomes `out/a.shard-002-of-008.jsonl.gz`, and
    /// a folder `out/` becomes `out/shard-002-of-008/`.
    pub(crate) fn path(self, path: &str) -> String {
        let name = format!("shard-{:03}-of-{:03}", self.number, self.of);
        if path.ends_with('/') {
            return format!("{path}{name}/");
        }
        let (folder, file) = match path.rfind('/') {
            Some(slash) => path.split_at(slash + 1),
            None => ("", path),
        };
        // A dot in front hides a file and begins no extension.
        match file.get(1..).and_then(|rest| rest.find('.')) {
            Some(dot) => {
                let (stem, extension) = file.split_at(dot + 1);
                format!("{folder}{stem}.{name}{extension}")
            }
            None => format!("{path}.{name}"),
        }
    }

    /// A run directory of this shard's own, in the one that was named.
    pub(crate) fn folder(self, folder: &Path) -> PathBuf {
        folder.join(format!("shard-{:03}-of-{:03}", self.number, self.of))
    }
}

impl Skip for Shard {
    fn whole_split(&self, split: u32) -> bool {
        split % self.of != self.number - 1
    }

    fn document(&self, position: u64) -> bool {
        self.whole_split(split_of(position))
    }
}

/// The first documents of splits that lie evenly in the input.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    documents: u64,
    splits: u64,
}

impl Sample {
    /// So many documents of an input of so many splits.
    pub(crate) fn new(documents: u64, splits: u64) -> Self {
        Self {
            documents,
            splits: splits.max(1),
        }
    }

    /// How many documents of a split: of a run of numbers that goes evenly from 0 to `documents`
    /// while the splits go from 0 to the last, the step at this one.
    fn of_split(&self, split: u32) -> u64 {
        let until = |split: u64| {
            let steps = u128::from(self.documents) * u128::from(split);
            steps.div_ceil(u128::from(self.splits)) as u64
        };
        until(u64::from(split) + 1) - until(u64::from(split))
    }
}

impl Skip for Sample {
    fn whole_split(&self, split: u32) -> bool {
        self.of_split(split) == 0
    }

    fn document(&self, position: u64) -> bool {
        index_of(position) >= self.of_split(split_of(position))
    }

    fn rest_of_split(&self, position: u64) -> bool {
        self.document(position)
    }
}

/// Passes over what any of these does.
pub(crate) struct AnyOf(pub(crate) Vec<Arc<dyn Skip>>);

impl Skip for AnyOf {
    fn whole_split(&self, split: u32) -> bool {
        self.0.iter().any(|skip| skip.whole_split(split))
    }

    fn document(&self, position: u64) -> bool {
        self.0.iter().any(|skip| skip.document(position))
    }

    fn rest_of_split(&self, position: u64) -> bool {
        self.0.iter().any(|skip| skip.rest_of_split(position))
    }
}

/// How many records an input has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) documents: u64,
    /// Counted to the end; else what was counted is drawn out by the bytes that are left.
    pub(crate) exact: bool,
}

/// Counts the records of an input without reading more of them than it takes to tell them apart,
/// for `patience` at most.
pub(crate) fn count(
    files: Vec<InputFile>,
    input: &Input,
    limit: usize,
    patience: Duration,
) -> Result<Extent, InputError> {
    let counter = Arc::new(Counter {
        records: AtomicU64::new(0),
        until: Instant::now() + patience,
    });
    let skip: Arc<dyn Skip> = Arc::clone(&counter) as Arc<dyn Skip>;
    let mut reader = Reader::new(files, input, limit, Some(skip))?;
    let mut unreadable = 0;
    while let Some(item) = reader.next() {
        unreadable += u64::from(item.is_err());
    }
    let records = counter.records.load(Ordering::Relaxed) + unreadable;
    let exact = !counter.is_late();
    let read = reader.bytes_read().max(1);
    let documents = match reader.size_hint().bytes {
        Some(bytes) if !exact && bytes > read => {
            (records as f64 * bytes as f64 / read as f64).round() as u64
        }
        _ => records,
    };
    Ok(Extent { documents, exact })
}

struct Counter {
    records: AtomicU64,
    until: Instant,
}

impl Counter {
    fn is_late(&self) -> bool {
        Instant::now() >= self.until
    }
}

impl Skip for Counter {
    fn whole_split(&self, _: u32) -> bool {
        self.is_late()
    }

    fn document(&self, _: u64) -> bool {
        self.records.fetch_add(1, Ordering::Relaxed);
        true
    }

    fn rest_of_split(&self, _: u64) -> bool {
        self.is_late()
    }
}

#[cfg(test)]
mod tests {
    use copydesk_engine::position;

    use super::*;

    #[test]
    fn shards_take_every_split_exactly_once() {
        let shards: Vec<Shard> = (1..=3).map(|k| format!("{k}/3").parse().unwrap()).collect();
        for split in 0..10 {
            let takers = shards.iter().filter(|shard| !shard.whole_split(split));
            assert_eq!(takers.count(), 1, "split {split}");
        }
        for wrong in ["0/3", "4/3", "1", "a/b", "1/0", ""] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_shard_has_paths_of_its_own() {
        let shard: Shard = "2/8".parse().unwrap();
        for (path, own) in [
            ("out/a.jsonl.gz", "out/a.shard-002-of-008.jsonl.gz"),
            ("a.jsonl", "a.shard-002-of-008.jsonl"),
            ("out.d/a", "out.d/a.shard-002-of-008"),
            ("out/", "out/shard-002-of-008/"),
            (".hidden", ".hidden.shard-002-of-008"),
        ] {
            assert_eq!(shard.path(path), own);
        }
    }

    #[test]
    fn a_sample_is_spread_evenly_and_has_as_many_as_were_asked_for() {
        for (documents, splits) in [(3, 10), (10, 10), (25, 10), (1, 7), (7, 1)] {
            let sample = Sample::new(documents, splits);
            let of: Vec<u64> = (0..splits as u32)
                .map(|split| sample.of_split(split))
                .collect();
            assert_eq!(of.iter().sum::<u64>(), documents, "{of:?}");
            let (least, most) = (of.iter().min().unwrap(), of.iter().max().unwrap());
            assert!(most - least <= 1, "{of:?}");
        }
        let sample = Sample::new(25, 10);
        assert!(!sample.document(position(0, 2)) && sample.document(position(0, 3)));
        assert!(
            Sample::new(3, 10).whole_split(1),
            "the first split has one of three"
        );
    }
}
