//! Where documents come from.

use copydesk_document::NewDocument;

/// Gives documents one after the other. The engine calls it from one thread.
///
/// The engine numbers what it gets: [`NewDocument::seq`] may be left at 0.
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
    /// Whether the run cannot go on (exit code 1).
    pub fatal: bool,
}

impl<I: Iterator<Item = NewDocument> + Send> Source for Documents<I> {
    fn next(&mut self) -> Option<Result<NewDocument, InputFailure>> {
        self.0.next().map(Ok)
    }
}

/// Documents that are in memory already, as a source.
#[derive(Debug, Clone)]
pub struct Documents<I>(pub I);
