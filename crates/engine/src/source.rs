//! Where documents come from.

use copydesk_document::NewDocument;

/// Gives documents one after the other. The engine calls it from one thread.
///
/// The source says where each stands: [`NewDocument::seq`] and [`InputFailure::seq`] are the
/// [`position`] of a record, the same whenever the same inputs are read, and they go up from one
/// to the next.
pub trait Source: Send {
    /// The next document, or why one could not be read; `None` at the end.
    fn next(&mut self) -> Option<Result<NewDocument, InputFailure>>;

    /// How much there is to read, where that is known without reading it.
    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }

    /// Bytes of the input read so far, in the unit of [`SizeHint::bytes`].
    fn bytes_read(&self) -> u64 {
        0
    }
}

/// So many bits of a position count the records within a split.
const INDEX_BITS: u32 = 40;

/// Where a record stands: inputs are cut into splits (a small file is one, a large file several),
/// both splits and the records within one count from 0. A record that cannot be read counts too.
///
/// Positions go in the order of the input. There is room for 2^24 splits and 2^40 records in one.
pub const fn position(split: u32, index: u64) -> u64 {
    (split as u64) << INDEX_BITS | index
}

/// The split of a [`position`].
pub const fn split_of(position: u64) -> u32 {
    (position >> INDEX_BITS) as u32
}

/// The record's number within the split of a [`position`].
pub const fn index_of(position: u64) -> u64 {
    position & ((1 << INDEX_BITS) - 1)
}

/// What a source passes over, because an earlier run has done it or nobody asks for it.
pub trait Skip: Send + Sync {
    /// Whether nothing of this split is wanted: it need not be opened.
    fn whole_split(&self, split: u32) -> bool;

    /// Whether the record at this [`position`] is passed over. It takes its number all the same.
    fn document(&self, position: u64) -> bool;

    /// Whether nothing is wanted of the split from this [`position`] on.
    fn rest_of_split(&self, position: u64) -> bool {
        let _ = position;
        false
    }
}

/// How much a source will give.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SizeHint {
    /// How many documents.
    pub documents: Option<u64>,
    /// How many bytes, as they lie on disk.
    pub bytes: Option<u64>,
}

/// One document that could not be read, or the end of an input that cannot be read on.
///
/// It goes to the dead letters, with stage `input`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct InputFailure {
    /// The id that the document would have had.
    pub id: String,
    /// The file that it stands in.
    pub path: Option<String>,
    /// Where in the file: a line from 1, in words (`line 12`).
    pub place: Option<String>,
    /// A short name of the kind of failure (`not-json`), stable over versions.
    pub code: String,
    /// What was wrong, for people; names the thing, not the place.
    pub message: String,
    /// What was read of it, as far as it is text.
    pub raw: Option<String>,
    /// Its [`position`].
    pub seq: u64,
    /// Whether the run cannot go on (exit code 1).
    pub fatal: bool,
}

/// Documents that are in memory already, as a source of one split.
#[derive(Debug, Clone)]
pub struct Documents<I> {
    documents: I,
    given: u64,
}

impl<I> Documents<I> {
    /// Gives these documents, numbered from 0 in their order.
    pub fn new(documents: impl IntoIterator<IntoIter = I>) -> Self {
        Self {
            documents: documents.into_iter(),
            given: 0,
        }
    }
}

impl<I: Iterator<Item = NewDocument> + Send> Source for Documents<I> {
    fn next(&mut self) -> Option<Result<NewDocument, InputFailure>> {
        let mut document = self.documents.next()?;
        document.seq = position(0, self.given);
        self.given += 1;
        Some(Ok(document))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_tells_split_and_index_and_goes_in_the_order_of_the_input() {
        let last = position(7, (1 << 40) - 1);
        assert_eq!((split_of(last), index_of(last)), (7, (1 << 40) - 1));
        assert_eq!(position(8, 0), last + 1);
        assert_eq!(split_of(position((1 << 24) - 1, 3)), (1 << 24) - 1);
    }

    #[test]
    fn documents_in_memory_are_numbered_in_their_order() {
        let all = ["a", "b"].map(|id| NewDocument::new(id, "text"));
        let mut source = Documents::new(all);
        let seqs = std::iter::from_fn(|| source.next()).map(|document| document.unwrap().seq);
        assert_eq!(seqs.collect::<Vec<_>>(), [position(0, 0), position(0, 1)]);
    }
}
