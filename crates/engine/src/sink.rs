//! Where documents go: those that are done, and those that failed.

use std::io;

use copydesk_document::{Batch, Map, NewDocument, Value};
use serde::{Deserialize, Serialize, Serializer};

/// Takes finished documents. The engine calls it from one thread.
pub trait Sink: Send {
    /// Writes every document of the batch, in its order.
    ///
    /// # Errors
    /// If not all of them could be written; the run then stops.
    fn write(&mut self, batch: &Batch) -> Result<(), SinkError>;

    /// Called once, after the last batch, also when the run stops early: what was written
    /// must be valid afterwards.
    ///
    /// # Errors
    /// If what was written may not have reached its place.
    fn finish(&mut self) -> Result<(), SinkError>;
}

/// Takes documents that failed. The engine calls it from the thread of the [`Sink`].
pub trait DeadLetters: Send {
    /// Writes one.
    ///
    /// # Errors
    /// If it could not be written; the run then stops.
    fn write(&mut self, letter: &DeadLetter) -> Result<(), SinkError>;

    /// Called once, after the last letter.
    ///
    /// # Errors
    /// If what was written may not have reached its place.
    fn finish(&mut self) -> Result<(), SinkError>;
}

/// Keeps no letters.
impl DeadLetters for () {
    fn write(&mut self, _: &DeadLetter) -> Result<(), SinkError> {
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

/// Why an output could not be written.
#[derive(Debug, thiserror::Error)]
#[error("failed to write {what}: {source}")]
pub struct SinkError {
    /// What was being written, with its path: `` the output `out/articles.jsonl` ``.
    pub what: String,
    /// What the system said.
    pub source: io::Error,
}

impl SinkError {
    /// Whether the reader of a pipe went away, which ends a run quietly, as it ends other tools.
    pub fn is_broken_pipe(&self) -> bool {
        self.source.kind() == io::ErrorKind::BrokenPipe
    }
}

/// A document that failed, as it is written to the dead letters.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeadLetter {
    /// The document's id.
    pub id: String,
    /// The file that it came from.
    pub path: Option<String>,
    /// The stage that it failed in, by its name in the pipeline; `input` before the first.
    pub stage: String,
    /// The plugin of that stage and its version (`copydesk/ner 0.1.0`); `null` for `input`.
    pub plugin: Option<String>,
    /// What kind of failure.
    pub class: FailureClass,
    /// A short name of the failure, stable over versions.
    pub code: String,
    /// What happened, for people.
    pub message: String,
    /// How often the stage was tried on this document alone, or gave it up by name in a call with
    /// others; 0 where it was not tried.
    pub attempts: u32,
    /// The document as it came; `null` where it could not be read or is too large to keep.
    #[serde(serialize_with = "as_it_came")]
    pub document: Option<NewDocument>,
    /// Place in the order of the input.
    #[serde(skip)]
    pub seq: u64,
}

/// What kind of failure put a document among the dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureClass {
    /// It could not be read, is too large, or its id is taken.
    Input,
    /// The stage says that it cannot do this document.
    Failed,
    /// The stage says so, and that another try may succeed.
    Retryable,
    /// The plugin panicked.
    Panicked,
    /// The worker process died of it.
    Crashed,
    /// The call took longer than `timeout_secs`.
    Timeout,
    /// The plugin wrote something that the host refused.
    Rejected,
    /// The plugin does not support what was asked.
    Unsupported,
    /// The whole call failed for a reason that lies in no document.
    Batch,
}

impl FailureClass {
    /// The name that dead letters carry.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Failed => "failed",
            Self::Retryable => "retryable",
            Self::Panicked => "panicked",
            Self::Crashed => "crashed",
            Self::Timeout => "timeout",
            Self::Rejected => "rejected",
            Self::Unsupported => "unsupported",
            Self::Batch => "batch",
        }
    }
}

/// A document in the form in which a dead letter carries it and a replay reads it.
#[derive(Serialize)]
struct AsItCame<'a> {
    id: &'a str,
    path: Option<&'a str>,
    raw: &'a str,
    media_type: &'a str,
    meta: &'a Map<String, Value>,
    extra: &'a Map<String, Value>,
}

fn as_it_came<S: Serializer>(
    document: &Option<NewDocument>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    document
        .as_ref()
        .map(|document| AsItCame {
            id: &document.id,
            path: document.path.as_deref(),
            raw: &document.raw,
            media_type: &document.media_type,
            meta: &document.meta,
            extra: &document.extra,
        })
        .serialize(serializer)
}
