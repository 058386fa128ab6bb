//! Where documents go: those that are done, and those that failed.

use std::io;

use copydesk_document::{Batch, DocKey, Map, NewDocument, Value, Warning};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

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

/// Books what becomes of every document. The engine calls it from one thread.
///
/// A [`Sink`] with [`DeadLetters`] is the simple kind; a run that is to be continued after any
/// interruption keeps its own.
pub trait Ledger {
    /// Books one batch.
    ///
    /// # Errors
    /// If something of it could not be written; the run then stops.
    fn book(&mut self, ended: &Ended<'_>) -> Result<(), SinkError>;

    /// Called once, after the last batch, also when the run stops early: what was written must be
    /// valid afterwards.
    ///
    /// # Errors
    /// If what was written may not have reached its place.
    fn close(&mut self) -> Result<(), SinkError>;
}

/// What became of the documents of one batch.
#[derive(Debug, Clone, Copy)]
pub struct Ended<'a> {
    /// Those that are done.
    pub done: &'a Batch,
    /// Those that failed, in the order of the input.
    pub failed: &'a [DeadLetter],
    /// Those that a stage left out on purpose.
    pub dropped: &'a [Dropped],
}

/// A document that a stage left out on purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// The document.
    pub key: DocKey,
    /// The stage, by its name in the pipeline.
    pub stage: String,
    /// Its reason.
    pub reason: String,
}

/// Letters first, then the documents that are done.
pub(crate) struct Outputs<'a> {
    pub(crate) sink: &'a mut dyn Sink,
    pub(crate) dead_letters: &'a mut dyn DeadLetters,
}

impl Ledger for Outputs<'_> {
    fn book(&mut self, ended: &Ended<'_>) -> Result<(), SinkError> {
        for letter in ended.failed {
            self.dead_letters.write(letter)?;
        }
        if !ended.done.is_empty() {
            self.sink.write(ended.done)?;
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), SinkError> {
        let sink = self.sink.finish();
        let dead_letters = self.dead_letters.finish();
        sink.and(dead_letters)
    }
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// others, replays among them; 0 where it was not tried.
    pub attempts: u32,
    /// The document as it came; `null` where it could not be read or is too large to keep.
    #[serde(serialize_with = "as_it_came", deserialize_with = "as_it_was_kept")]
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
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<AsWarned<'a>>,
}

/// What the reader had to guess: a replay says it too.
#[derive(Serialize)]
struct AsWarned<'a> {
    code: &'a str,
    message: &'a str,
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
            warnings: document.warnings.iter().map(as_warned).collect(),
        })
        .serialize(serializer)
}

fn as_warned(warning: &Warning) -> AsWarned<'_> {
    AsWarned {
        code: &warning.code,
        message: &warning.message,
    }
}

#[derive(Deserialize)]
struct AsKept {
    id: String,
    path: Option<String>,
    raw: String,
    media_type: String,
    meta: Map<String, Value>,
    extra: Map<String, Value>,
    #[serde(default)]
    warnings: Vec<KeptWarning>,
}

#[derive(Deserialize)]
struct KeptWarning {
    code: String,
    message: String,
}

/// What a reader knew about pieces of the text (the headings of a web page) is not kept.
fn as_it_was_kept<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<NewDocument>, D::Error> {
    let kept = Option::<AsKept>::deserialize(deserializer)?;
    Ok(kept.map(|kept| NewDocument {
        path: kept.path,
        media_type: kept.media_type,
        meta: kept.meta,
        extra: kept.extra,
        warnings: kept
            .warnings
            .into_iter()
            .map(|warning| Warning {
                stage: "input".to_owned(),
                code: warning.code,
                message: warning.message,
                span: None,
            })
            .collect(),
        ..NewDocument::new(kept.id, kept.raw)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_that_was_written_is_read_back_with_its_document() {
        let mut document = NewDocument::new("ferry", "The ferry sails.");
        document.path = Some("row/ferry.txt".to_owned());
        document.meta.insert("title".to_owned(), "Sails".into());
        document.extra.insert("desk".to_owned(), 3.into());
        document.warnings.push(Warning {
            stage: "input".to_owned(),
            code: "encoding-guessed".to_owned(),
            message: "read as windows-1252".to_owned(),
            span: None,
        });
        let letter = DeadLetter {
            id: "ferry".to_owned(),
            path: document.path.clone(),
            stage: "ner".to_owned(),
            plugin: Some("copydesk/ner 0.1.0".to_owned()),
            class: FailureClass::Retryable,
            code: "busy".to_owned(),
            message: "try again".to_owned(),
            attempts: 2,
            document: Some(document),
            seq: 0,
        };
        let text = serde_json::to_string(&letter).unwrap();
        assert_eq!(serde_json::from_str::<DeadLetter>(&text).unwrap(), letter);
    }
}
