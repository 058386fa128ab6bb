//! The run directory: what a run has done, recorded so that it continues after any interruption,
//! with every document exactly once.
//!
//! ```text
//! runs/x/
//!   manifest.json       what the run is made of: settings, plugins, models
//!   inputs.jsonl        its input files
//!   journal.jsonl       what is certain, a line for each chunk of documents
//!   ids.bin             the ids of finished documents, 16 bytes each
//!   dead-letters.jsonl  documents that failed
//!   parts/              what each chunk gave to the output
//!   run-report.json     how it went
//!   lock                who works in it
//! ```
//!
//! A chunk is written, made durable, and then recorded by one line of the journal; that line is
//! the moment at which its documents are done. Whatever a crash leaves beyond the journal's last
//! line is cut off when the run goes on.

mod book;
mod dir;
mod error;
mod journal;
mod letters;
mod lock;
mod manifest;
mod positions;
mod state;
mod time;

pub use book::Book;
pub use dir::{IfChanged, Opening, RunDir, Since, read_letters};
pub use error::RunDirError;
pub use journal::Became;
pub use letters::Letter;
pub use lock::Owner;
pub use manifest::{Change, InputRecord, Manifest, Resource, StageRecord, Weight};
pub use positions::Positions;
pub use time::rfc3339;
