//! Readers and writers of copydesk: documents out of files, records into files and terminals.
//!
//! [`discover()`] lists the files that a user means, [`Reader`] gives their documents, and
//! [`Output`] says where finished batches go as [`Record`]s, which `docs/output.md` describes.
//! What is wrong with one document is that document's failure and never the run's.

#[cfg(test)]
mod article;
mod assemble;
mod columns;
mod database;
mod dead_letters;
mod decode;
mod discover;
mod error;
mod lines;
mod open;
mod output;
mod page;
mod parquet_file;
mod pretty;
mod reader;
mod record;
mod target;
mod writer;

pub use assemble::{Layout, ON_REQUEST};
pub use dead_letters::DeadLetterFile;
pub use decode::{Decoded, Note, decode, decode_as, decode_page};
pub use discover::{InputFile, InputFormat, Search, discover};
pub use error::{InputError, OutputError};
pub use output::{Output, Outputs, Retractable};
pub use page::{MARKUP, page};
pub use pretty::Pretty;
pub use reader::{Reader, splits};
pub use record::{
    Cue, Entity, Holder, HolderKind, LayerSpan, Place, Quote, Record, RecordWarning, Removed,
    Score, Speaker, TargetSentiment, output_schema,
};
pub use target::Place as OutputPlace;
pub use writer::Format;
