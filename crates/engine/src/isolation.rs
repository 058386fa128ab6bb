//! `isolation = "process"`: neighbouring stages that run in worker processes, so that a plugin
//! which aborts, crashes, overflows its stack, takes all memory, ends the process or never
//! returns costs one document.
//!
//! A worker process is this program started again with [`WORKER_COMMAND`]. It is told which
//! stages of which plugin files it has ([`protocol::Setup`]), loads them through the same host,
//! and runs the same [`Desk`](crate::run::work::Desk) as a thread would: what a plugin reports
//! itself (a failed document, a panic, a refused write) is dealt with there. One thread of this
//! process stands behind each worker process ([`supervise`]): it sends batches, receives what
//! the stages made of them, and when the process dies it tries the documents in halves, each with
//! a new process, until the guilty ones stand alone.
//!
//! * The connection is one end of a socket pair, handed over as standard input and moved away
//!   from there before any plugin is loaded. What plugins print goes to a pipe of its own.
//! * Worker processes stand in process groups of their own: Ctrl-C reaches only us, so that the
//!   documents in flight can be finished. They end when the connection does, however we died.
//! * Vectors stay where they are: a transient layer is not read on another side of a border than
//!   it was written on ([`border`] sees to that), and other layers are sent only where a
//!   stage of the group reads or writes them.

pub(crate) mod border;
mod memory;
mod process;
mod protocol;
mod serve;
mod supervise;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use copydesk_document::REMOVED;
use copydesk_host::{Facts, HostError, Stage};
use serde_json::Value;

use self::process::Process;
use self::protocol::{Setup, StageSetup};
use crate::config::StageConfig;
use crate::run::step::{Step, StepWorker};

pub use process::log_line;
pub use serve::serve;
pub(crate) use supervise::supervise;

/// The argument with which a program that runs pipelines is started as a worker process: it has
/// to call [`serve`] then, before anything else. The level of logging follows, such as `warn`.
pub const WORKER_COMMAND: &str = "__worker";

/// Set in worker processes: a program that does not know [`WORKER_COMMAND`] and runs its pipeline
/// instead must not start worker processes of its own, which would do the same.
const MARK: &str = "COPYDESK_WORKER";

/// Neighbouring stages that share worker processes.
pub(crate) struct Group {
    /// In their order.
    pub(crate) members: Vec<Member>,
    memory_max_mb: Option<u64>,
    setup: Setup,
    /// A worker process that was started early, to see whether it can be.
    spare: Mutex<Option<Process>>,
    /// What the stages counted, in all worker processes together.
    counters: Mutex<Vec<BTreeMap<String, u64>>>,
    /// Batches in a row of which every document was lost to a crash, and how many documents.
    lost: (AtomicU64, AtomicU64),
}

/// A stage of a [`Group`].
pub(crate) struct Member {
    name: String,
    plugin: String,
    timeout: Option<Duration>,
    /// Layers, as they are stored, that it reads or writes and that are not transient. A reader's
    /// own layers may be: they have no vectors.
    layers: Vec<String>,
}

impl Member {
    fn new(stage: &Stage, config: &StageConfig) -> Self {
        let contract = stage.contract();
        let read = contract.requires.iter().filter_map(|name| name.layer());
        let on = contract.attrs.iter().map(|(layer, _)| layer.as_str());
        let written = contract.layers.iter().map(|out| out.stored_as.as_str());
        let removed = contract.edits_text.then_some(REMOVED);
        Self {
            name: stage.name().to_owned(),
            plugin: Step::plugin(stage),
            timeout: config.timeout(),
            layers: read
                .chain(on)
                .chain(written)
                .chain(removed)
                .map(str::to_owned)
                .collect(),
        }
    }
}

/// A stage on its way into a [`Group`].
pub(crate) struct Joining<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) config: &'a StageConfig,
    /// What the stages before it had said when it was created.
    pub(crate) facts: Facts,
    pub(crate) frees: Vec<String>,
}

impl Group {
    /// `base` is the folder that names in options count from.
    pub(crate) fn new(
        stages: &[Joining<'_>],
        base: &Path,
        retries: u32,
        memory_max_mb: Option<u64>,
    ) -> Self {
        let facts = stages.first().map(|first| {
            let all = first.facts.iter();
            let owned = |(what, key, value): (&str, &str, &str)| {
                (what.to_owned(), key.to_owned(), value.to_owned())
            };
            all.map(owned).collect()
        });
        Self {
            members: stages
                .iter()
                .map(|one| Member::new(one.stage, one.config))
                .collect(),
            memory_max_mb,
            setup: Setup {
                base: std::path::absolute(base).unwrap_or_else(|_| base.to_owned()),
                facts: facts.unwrap_or_default(),
                retries,
                memory_max_mb,
                stages: stages.iter().map(setup_of).collect(),
            },
            spare: Mutex::default(),
            counters: Mutex::new(vec![BTreeMap::new(); stages.len()]),
            lost: (AtomicU64::new(0), AtomicU64::new(0)),
        }
    }

    /// Its stages, for messages.
    fn names(&self) -> String {
        match self.members.as_slice() {
            [one] => format!("stage `{}`", one.name),
            [first, .., last] => format!("stages `{}` to `{}`", first.name, last.name),
            [] => "no stage".to_owned(),
        }
    }

    /// Whether a layer goes to the worker processes and comes back.
    fn knows(&self, layer: &str) -> bool {
        let mut names = self.members.iter().flat_map(|member| &member.layers);
        names.any(|name| name == layer)
    }
}

fn setup_of(joining: &Joining<'_>) -> StageSetup {
    let Joining {
        stage,
        config,
        frees,
        ..
    } = joining;
    let plugin = stage.kind().plugin_path();
    StageSetup {
        id: stage.id().to_owned(),
        plugin: plugin.to_owned(),
        stamp: protocol::stamp(plugin),
        name: stage.name().to_owned(),
        into: config.into.clone(),
        options: Value::Object(config.options.clone()),
        timeout: config.timeout(),
        frees: frees.clone(),
    }
}

/// A stage of a group as the rest of the engine sees it: it has a name and counts, and its work
/// is done elsewhere.
pub(crate) struct Elsewhere {
    pub(crate) group: Arc<Group>,
    pub(crate) index: usize,
}

impl Step for Elsewhere {
    fn name(&self) -> &str {
        &self.group.members[self.index].name
    }

    fn plugin(&self) -> String {
        self.group.members[self.index].plugin.clone()
    }

    /// One worker process is started for the group: what keeps it from starting keeps the run
    /// from starting.
    fn load(&self) -> Result<(), HostError> {
        if self.index > 0 {
            return Ok(());
        }
        let mut spare = crate::run::channel::lock(&self.group.spare);
        if spare.is_none() {
            *spare = Some(Process::start(&self.group, &|| false)?);
        }
        Ok(())
    }

    fn open(&self, _: u32, _: &Arc<AtomicBool>) -> Result<Box<dyn StepWorker>, HostError> {
        Err(HostError::WorkerProcess {
            stages: self.group.names(),
            reason: "its stages have no workers in this process".to_owned(),
        })
    }

    fn counters(&self) -> Vec<(String, u64)> {
        let counters = crate::run::channel::lock(&self.group.counters);
        counters[self.index].clone().into_iter().collect()
    }
}
