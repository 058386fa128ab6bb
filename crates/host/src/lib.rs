//! Finds plugins, loads them, and stands between them and the documents.
//!
//! 1. [`SearchPath`] and [`Plugins`] find plugin files and read what they
//!    declare, without running any of their code.
//! 2. [`Plugins::open`] loads a library and checks its tables: a [`StageType`].
//! 3. [`StageType::create`] makes a [`Stage`] from options; [`Stage::load`]
//!    loads its weights; [`Stage::open_worker`] opens a [`Worker`].
//! 4. [`Worker::process`] lends a batch to the plugin as plain columns, without
//!    copying any, and takes its results through a writer that checks each of
//!    them. What the stage wrote comes back as
//!    [`Changes`](copydesk_document::Changes); whatever went wrong, as a
//!    [`CallError`] that names call, document, reason and place.
//!
//! A library, once loaded, is never unloaded: its threads and thread-local
//! destructors may outlive any stage, and its tables are static by contract.
//!
//! What cannot be survived in one process is an abort, a crash or an endless
//! loop of a plugin: for that, `copydesk-engine` runs stages in worker processes,
//! where this crate does the same work.

mod error;
mod facts;
mod lend;
mod library;
mod plugins;
mod resources;
mod search;
mod stage;
mod table;
mod writer;

pub use error::{CallClass, CallError, HostError, OptionProblem, Severity};
pub use facts::Facts;
pub use library::{PluginFile, StageInfo};
pub use plugins::{Plugins, Problem, ProblemKind, full_id};
pub use resources::Resources;
pub use search::SearchPath;
pub use stage::{Stage, StageType, Worker};
