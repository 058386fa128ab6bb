//! Splits: the pieces of a run's input, numbered from 0.
//!
//! A small file is one split; a large file whose records can be told apart from any place in it is
//! several. Which there are follows from the list of files and their sizes alone, so that a run
//! that is resumed, or one of several on the same input, means the same documents by them.

use std::{fs::File, io::Read, path::Path, sync::Arc};

use encoding_rs::Encoding;

use super::record::Options;
use crate::{
    InputError,
    decode::unmarked_utf16,
    discover::{InputFile, InputFormat},
    open::{GZIP, ZSTD},
    reader::parquet,
};

/// Files that are larger are cut.
pub(crate) const SPLIT_BYTES: u64 = 8 * 1024 * 1024;

/// More cannot be told apart in [`copydesk_document::NewDocument::seq`].
const MOST_SPLITS: u64 = 1 << 24;

/// A file with its splits.
pub(crate) struct PlannedFile {
    pub(crate) file: Arc<InputFile>,
    pub(crate) splits: Splits,
}

/// The splits of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Splits {
    pub(crate) first: u32,
    pub(crate) count: u32,
    /// A record belongs to the split in which its first byte lies, of this many bytes each.
    bytes: u64,
}

impl Splits {
    /// The split of a record that begins at `offset`.
    pub(crate) fn at(&self, offset: u64) -> u32 {
        let within = (offset / self.bytes).min(u64::from(self.count) - 1);
        // At most `count`, which is 32 bits.
        self.first + within as u32
    }

    /// The split of part `index` of a file that is cut by its own parts.
    pub(crate) fn nth(&self, index: usize) -> u32 {
        self.first + u32::try_from(index).unwrap_or(u32::MAX).min(self.count - 1)
    }

    /// Where the records of a split begin, at the earliest.
    pub(crate) fn start(&self, split: u32) -> u64 {
        u64::from(split - self.first) * self.bytes
    }

    pub(crate) fn all(&self) -> std::ops::Range<u32> {
        self.first..self.first + self.count
    }
}

/// Numbers the splits of `files`, which are `split_bytes` long.
///
/// # Errors
/// If there are more than can be numbered.
pub(crate) fn plan(
    files: &[InputFile],
    options: &Options,
    split_bytes: u64,
) -> Result<Vec<PlannedFile>, InputError> {
    let mut first = 0u64;
    let mut planned = Vec::with_capacity(files.len());
    for file in files {
        let count = count(file, options, split_bytes);
        planned.push(PlannedFile {
            file: Arc::new(file.clone()),
            splits: Splits {
                first: first as u32,
                count: count as u32,
                bytes: split_bytes,
            },
        });
        first += count;
        if first > MOST_SPLITS {
            return Err(InputError::TooManySplits {
                files: files.len(),
                most: MOST_SPLITS,
            });
        }
    }
    Ok(planned)
}

fn count(file: &InputFile, options: &Options, split_bytes: u64) -> u64 {
    let (Some(path), Some(bytes), None) = (&file.path, file.bytes, &file.trouble) else {
        return 1;
    };
    match file.format {
        // A file that cannot be read is one split, which fails.
        Some(InputFormat::Parquet) => parquet::row_groups(path).unwrap_or(1).max(1),
        Some(format) if bytes > split_bytes && can_be_cut(path, format, options) => {
            bytes.div_ceil(split_bytes)
        }
        _ => 1,
    }
}

fn can_be_cut(path: &Path, format: InputFormat, options: &Options) -> bool {
    let mut start = Vec::new();
    let looked = File::open(path).and_then(|file| file.take(1024).read_to_end(&mut start));
    // What cannot be read tells so when it is its turn.
    if looked.is_err() || start.starts_with(ZSTD) {
        return false;
    }
    let lines = match format {
        // The members of a packed archive can be told apart.
        InputFormat::Warc => return true,
        InputFormat::JsonLines | InputFormat::Csv | InputFormat::Tsv => true,
        InputFormat::Text | InputFormat::Html | InputFormat::Parquet => false,
    };
    let wide = || match Encoding::for_bom(&start) {
        Some((encoding, _)) => !encoding.is_ascii_compatible(),
        None => unmarked_utf16(&start).is_some() && start.contains(&0),
    };
    let told = options
        .encoding
        .is_none_or(|told| told.is_ascii_compatible());
    lines && !start.starts_with(GZIP) && told && !wide()
}
