//! What a run tells while it goes on.

use std::time::Duration;

use crate::report::Counts;
use crate::sink::DeadLetter;
use crate::source::SizeHint;

/// Is told how a run goes. Called from several threads; must not block for long.
///
/// `()` listens to nothing.
pub trait Progress: Send + Sync {
    /// The run begins; the source has this much, of which earlier runs have done so much.
    fn started(&self, size: SizeHint, earlier: Counts) {
        let _ = (size, earlier);
    }

    /// Documents and bytes of input read so far. Called once a batch.
    fn read(&self, documents: u64, bytes: u64) {
        let _ = (documents, bytes);
    }

    /// Documents done, dropped and failed so far, those of earlier runs among them. Called once a batch, after it was written.
    fn counted(&self, counts: Counts) {
        let _ = counts;
    }

    /// A document failed. Called when its dead letter was written.
    fn failed(&self, letter: &DeadLetter) {
        let _ = letter;
    }

    /// A call runs longer than its stage's `timeout_secs`. Told once a call, while it runs.
    fn overdue(&self, call: &Overdue) {
        let _ = call;
    }

    /// The run reads no more and finishes what is in flight: so many documents.
    fn stopping(&self, in_flight: u64) {
        let _ = in_flight;
    }
}

impl Progress for () {}

/// A call that runs longer than it may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overdue {
    /// The stage, by its name in the pipeline.
    pub stage: String,
    /// The ids of the documents that the call has.
    pub documents: Vec<String>,
    /// What the stage may take.
    pub timeout: Duration,
    /// How long the call has been running.
    pub elapsed: Duration,
}
