//! The engine of copydesk: reads a pipeline file, checks it, and runs documents through it.
//!
//! [`config::load`] reads `pipeline.toml`; [`Plan::check`] creates its stages and holds what
//! they require against what is provided, before any weights are loaded; [`Plan::load`] loads
//! them; [`Plan::run`] reads a [`Source`], passes batches of documents through the stages' threads
//! and writes to a [`Sink`], with documents that fail going to [`DeadLetters`].

pub mod config;
mod control;
pub mod diagnostics;
mod graph;
mod ids;
mod isolation;
mod plan;
mod progress;
mod report;
mod run;
mod sink;
mod source;

pub use control::{Control, Interrupt};
pub use graph::{Graph, GraphStage, LEFT_OUT};
pub use ids::{IdDigest, Ids, digest};
pub use isolation::{WORKER_COMMAND, log_line, serve};
pub use plan::Plan;
pub use progress::{Overdue, Progress};
pub use report::{
    Bottleneck, Budget, Cause, Counts, DropReason, Earlier, Outcome, Report, StageReport,
    StopReason, exit_code,
};
pub use sink::{DeadLetter, DeadLetters, Dropped, Ended, FailureClass, Ledger, Sink, SinkError};
pub use source::{Documents, InputFailure, SizeHint, Skip, Source, index_of, position, split_of};
