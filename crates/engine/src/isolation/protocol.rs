//! What a worker process and the one that started it say to each other: frames of a length, a
//! kind and a content. Batches have a form of their own ([`Batch::to_wire`]); the rest is small
//! and rare, and JSON.
//!
//! [`Batch::to_wire`]: copydesk_document::Batch::to_wire

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::sink::FailureClass;

/// What a frame is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// To the worker, once: [`Setup`].
    Setup = 1,
    /// From the worker, once: it has loaded its stages. [`Ready`].
    Ready,
    /// From the worker, in place of [`Kind::Ready`]: why it cannot. Text.
    Refused,
    /// To the worker: documents.
    Batch,
    /// From the worker: a call of this stage begins (one byte, and the time runs).
    Calling,
    /// From the worker: what became of the documents. [`Done`], then the batch.
    Done,
    /// From the worker: it cannot go on, nor can the run. [`Stop`].
    Stop,
    /// To the worker: close the stages and end.
    End,
}

const KINDS: [Kind; 8] = [
    Kind::Setup,
    Kind::Ready,
    Kind::Refused,
    Kind::Batch,
    Kind::Calling,
    Kind::Done,
    Kind::Stop,
    Kind::End,
];

/// Length of the content (8 bytes) and kind.
pub(super) const HEAD: usize = 9;

/// No frame is this long: documents are shorter than 4 GiB.
const TOO_LONG: u64 = 1 << 40;

pub(super) fn head(kind: Kind, length: usize) -> [u8; HEAD] {
    let mut head = [kind as u8; HEAD];
    head[1..].copy_from_slice(&(length as u64).to_le_bytes());
    head
}

/// Kind and length of a frame with this head.
pub(super) fn read_head(head: &[u8; HEAD]) -> Result<(Kind, usize), String> {
    let [kind, length @ ..] = *head;
    let length = u64::from_le_bytes(length);
    let known = KINDS.into_iter().find(|known| *known as u8 == kind);
    match (known, usize::try_from(length)) {
        (Some(kind), Ok(bytes)) if length < TOO_LONG => Ok((kind, bytes)),
        _ => Err(format!("a frame of kind {kind} and {length} bytes")),
    }
}

pub(super) fn write(to: &mut impl Write, kind: Kind, content: &[u8]) -> io::Result<()> {
    to.write_all(&head(kind, content.len()))?;
    to.write_all(content)
}

/// What a worker process is to be.
#[derive(Serialize, Deserialize)]
pub(super) struct Setup {
    pub(super) base: PathBuf,
    /// What the stages before these have said: what, key, value.
    pub(super) facts: Vec<(String, String, String)>,
    pub(super) retries: u32,
    pub(super) memory_max_mb: Option<u64>,
    pub(super) stages: Vec<StageSetup>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct StageSetup {
    pub(super) id: String,
    pub(super) plugin: PathBuf,
    /// What the plugin file looked like when the run began.
    pub(super) stamp: Stamp,
    pub(super) name: String,
    pub(super) into: Option<String>,
    pub(super) options: Value,
    pub(super) timeout: Option<Duration>,
    /// Layers that no stage of the group reads after this one.
    pub(super) frees: Vec<String>,
}

/// Length and time of a file: enough to see that it is no longer the one it was.
pub(super) type Stamp = Option<(u64, Option<SystemTime>)>;

pub(super) fn stamp(path: &Path) -> Stamp {
    let metadata = path.metadata().ok()?;
    Some((metadata.len(), metadata.modified().ok()))
}

/// A worker has loaded its stages.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Ready {
    /// Bytes that it has allocated by now, where the system tells.
    pub(super) baseline: Option<u64>,
}

/// What became of a batch, besides what is in it.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Done {
    pub(super) letters: Vec<Letter>,
    pub(super) drops: Vec<LeftOut>,
    /// Of each stage: documents, calls, nanoseconds in calls.
    pub(super) clocks: Vec<[u64; 3]>,
    /// Of each stage, what it has counted since the last batch.
    pub(super) counters: Vec<Vec<(String, u64)>>,
}

/// A document that failed, by its index in the batch as it was sent.
#[derive(Serialize, Deserialize)]
pub(super) struct Letter {
    pub(super) doc: usize,
    pub(super) stage: usize,
    pub(super) class: FailureClass,
    pub(super) code: String,
    pub(super) message: String,
    pub(super) attempts: u32,
}

/// A document that was dropped on purpose.
#[derive(Serialize, Deserialize)]
pub(super) struct LeftOut {
    pub(super) doc: usize,
    pub(super) stage: usize,
    pub(super) reason: String,
}

/// Why a run must stop.
#[derive(Serialize, Deserialize)]
pub(super) enum Stop {
    /// As [`StopReason::Worker`](crate::StopReason::Worker).
    Worker { stage: String, message: String },
    /// As [`StopReason::Panics`](crate::StopReason::Panics).
    Panics {
        stage: String,
        batches: u32,
        message: String,
    },
    /// Anything else.
    Other(String),
}

/// Content of a [`Kind::Done`] frame: the length of the JSON, the JSON, the batch.
pub(super) fn done(report: &Done, batch: &[u8]) -> Vec<u8> {
    let json = serde_json::to_vec(report).expect("string keys are JSON");
    let mut content = Vec::with_capacity(8 + json.len() + batch.len());
    content.extend_from_slice(&(json.len() as u64).to_le_bytes());
    content.extend_from_slice(&json);
    content.extend_from_slice(batch);
    content
}

/// The two parts of a [`Kind::Done`] frame.
pub(super) fn read_done(content: &[u8]) -> Result<(Done, &[u8]), String> {
    let early = || "a report that ends too early".to_owned();
    let (length, rest) = content.split_first_chunk::<8>().ok_or_else(early)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| early())?;
    let (json, batch) = rest.split_at_checked(length).ok_or_else(early)?;
    let report = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    Ok((report, batch))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_reads_back_and_nonsense_is_refused() {
        for kind in KINDS {
            assert_eq!(read_head(&head(kind, 77)), Ok((kind, 77)));
        }
        let mut damaged = head(Kind::Done, 3);
        damaged[0] = 99;
        assert!(read_head(&damaged).is_err());
        assert!(read_head(&[255; HEAD]).is_err());
    }

    #[test]
    fn a_report_reads_back_with_its_batch_and_is_not_believed_its_length() {
        let report = Done {
            clocks: vec![[1, 2, u64::MAX]],
            ..Done::default()
        };
        let mut content = done(&report, b"batch");
        let (back, batch) = read_done(&content).unwrap();
        assert_eq!((back.clocks, batch), (report.clocks, &b"batch"[..]));
        content[..8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(read_done(&content).is_err());
        assert!(read_done(&[1, 2]).is_err());
    }
}
