//! What travels through the channels.

use copydesk_document::{Batch, NewDocument};

use super::channel::Weigh;
use crate::sink::{DeadLetter, Dropped};

/// A batch of documents and what has become of those that are no longer in it.
pub(crate) struct Parcel {
    /// Counts up in the order of the input.
    pub(crate) number: u64,
    /// The documents still under way.
    pub(crate) batch: Batch,
    /// Those that failed.
    pub(crate) letters: Vec<DeadLetter>,
    /// Those dropped on purpose.
    pub(crate) drops: Vec<Dropped>,
}

impl Parcel {
    /// Documents of which none has come to an end.
    pub(crate) fn of(batch: Batch) -> Self {
        Self {
            number: 0,
            batch,
            letters: Vec::new(),
            drops: Vec::new(),
        }
    }
}

impl Weigh for Parcel {
    fn bytes(&self) -> usize {
        self.batch.text_bytes()
    }
}

/// What the reader hands to the batcher.
pub(crate) enum Read {
    Document(Box<NewDocument>),
    Failed(Box<DeadLetter>),
}

impl Weigh for Read {
    fn bytes(&self) -> usize {
        match self {
            Self::Document(document) => document.raw.len(),
            Self::Failed(letter) => letter
                .document
                .as_ref()
                .map_or(0, |document| document.raw.len()),
        }
    }
}
