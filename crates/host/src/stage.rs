//! Stages and their workers: the life of a plugin's objects.
#![allow(unsafe_code)]

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use copydesk_abi as abi;
use copydesk_document::{Batch, Changes, Contract};
use serde_json::Value;

use crate::lend::{Limit, Tables};
use crate::table::{
    Context, Narrowed, Phase, State, checked, forget_failure, silent, take_failure, with_causes,
};
use crate::writer::Pen;
use crate::{
    CallClass, CallError, Facts, HostError, OptionProblem, PluginFile, Resources, Severity,
};

/// A kind of stage, from a plugin that is loaded. Cheap to clone.
#[derive(Clone)]
pub struct StageType {
    shared: Arc<TypeShared>,
}

struct TypeShared {
    table: &'static abi::StageApi,
    file: Option<PluginFile>,
    id: String,
    version: String,
    schema: Value,
    requires: Vec<String>,
    provides: Vec<String>,
}

// SAFETY: the tables are static and read-only, and the ABI says which of their
// functions may be called when; `Stage` and `Worker` keep to that.
unsafe impl Send for TypeShared {}
// SAFETY: as above.
unsafe impl Sync for TypeShared {}

impl StageType {
    /// A stage that is linked statically, for the tests of a plugin.
    ///
    /// # Errors
    /// If its strings or its contract cannot be read.
    pub fn from_static(stage: abi::StaticStage) -> Result<Self, HostError> {
        Self::new(stage.table(), None)
    }

    pub(crate) fn new(
        table: &'static abi::StageApi,
        file: Option<PluginFile>,
    ) -> Result<Self, HostError> {
        let bad = |reason: String| HostError::BadModule {
            path: file
                .as_ref()
                .map_or_else(|| "(linked statically)".into(), |file| file.path.clone()),
            reason,
        };
        // SAFETY: `stage_table` has checked these, and the table is static.
        let strings = unsafe {
            (
                checked(table.id),
                checked(table.version),
                checked(table.config_schema),
            )
        };
        let (Ok(id), Ok(version), Ok(schema)) = strings else {
            return Err(bad("a stage table has strings that are not UTF-8".into()));
        };
        let schema = serde_json::from_str(schema)
            .map_err(|error| bad(format!("the schema of stage `{id}` is no JSON: {error}")))?;
        let list = |names: *const abi::Str, count: usize| {
            (0..count)
                .map(|i| {
                    // SAFETY: the table says that there are `count` of them.
                    unsafe { checked(*names.add(i)) }
                        .map(str::to_owned)
                        .map_err(|why| bad(format!("a contract name of stage `{id}` {why}")))
                })
                .collect::<Result<Vec<_>, _>>()
        };
        let requires = list(table.requires, table.requires_count)?;
        let provides = list(table.provides, table.provides_count)?;
        Contract::parse(id, &requires, &provides)
            .map_err(|error| bad(format!("the contract of stage `{id}`: {error}")))?;
        let (id, version) = (id.to_owned(), version.to_owned());
        Ok(Self {
            shared: Arc::new(TypeShared {
                table,
                file,
                id,
                version,
                schema,
                requires,
                provides,
            }),
        })
    }

    /// `owner/name`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.shared.id
    }

    /// Version of the stage.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.shared.version
    }

    /// The plugin's file; empty for a stage that is linked statically.
    #[must_use]
    pub fn plugin_path(&self) -> &Path {
        self.shared
            .file
            .as_ref()
            .map_or(Path::new(""), |file| &file.path)
    }

    /// SHA-256 of the plugin's file, in hexadecimal; empty where there is none.
    #[must_use]
    pub fn sha256(&self) -> &str {
        self.shared.file.as_ref().map_or("", PluginFile::sha256)
    }

    /// JSON Schema of the options.
    #[must_use]
    pub fn config_schema(&self) -> &Value {
        &self.shared.schema
    }

    /// Widest set of contract names that the stage may read.
    #[must_use]
    pub fn requires(&self) -> &[String] {
        &self.shared.requires
    }

    /// Widest set of contract names that the stage may write.
    #[must_use]
    pub fn provides(&self) -> &[String] {
        &self.shared.provides
    }

    /// Makes a stage from its options, under the name `name` in the pipeline.
    /// Loads no weights. The stage may read the `facts` of those before it and
    /// adds its own; `threads` is what one call may use.
    ///
    /// # Errors
    /// All mistakes in the options. Mere warnings are
    /// [`Stage::warnings`].
    pub fn create(
        &self,
        name: &str,
        options: &Value,
        facts: &mut Facts,
        resources: &Resources,
        threads: u32,
    ) -> Result<Stage, Vec<OptionProblem>> {
        self.create_into(name, None, options, facts, resources, threads)
    }

    /// As [`create`](Self::create), for a stage whose first layer (of those
    /// that count in the text and are written out) is stored as `into`.
    ///
    /// # Errors
    /// As [`create`](Self::create); and if the stage has no such layer.
    pub fn create_into(
        &self,
        name: &str,
        into: Option<&str>,
        options: &Value,
        facts: &mut Facts,
        resources: &Resources,
        threads: u32,
    ) -> Result<Stage, Vec<OptionProblem>> {
        let all = |names: &[String]| {
            names
                .iter()
                .map(|name| Narrowed {
                    name: name.clone(),
                    needed: true,
                })
                .collect()
        };
        let state = State {
            requires: all(self.requires()),
            provides: all(self.provides()),
            known: facts.clone(),
            ..State::default()
        };
        let context = Box::new(Context::new(name, threads, resources.clone(), state));
        let host = Box::new(context.table());
        let json = match options {
            Value::Null => "{}".to_owned(),
            options => options.to_string(),
        };
        let mut stage: *mut c_void = std::ptr::null_mut();
        forget_failure();
        // SAFETY: table and context live in boxes until after `destroy`; the
        // string and the place for the pointer live for the call.
        let status = unsafe {
            (self.shared.table.create)(&raw const *host, abi::Str::new(&json), &raw mut stage)
        };
        let mut state = std::mem::take(&mut *context.state());
        // From here on, dropping `inner` frees what the plugin made.
        let mut inner = Inner {
            kind: self.clone(),
            context,
            host,
            stage,
            requires: kept(state.requires),
            provides: kept(state.provides),
            contract: Arc::default(),
            warnings: Vec::new(),
            resolved: state.resolved,
            loaded: AtomicBool::new(false),
            loading: Mutex::default(),
        };
        inner.context.state().phase = Phase::Working;
        let wrong = state
            .problems
            .iter()
            .any(|problem| problem.severity == Severity::Error);
        if status != abi::STATUS_OK {
            // What was written to `out` by a call that failed is not to be used.
            inner.stage = std::ptr::null_mut();
            let failure = take_failure(status);
            if !wrong || failure.class == CallClass::Panicked || failure.code != "no-reason" {
                state.problems.push(failed_to_create(&failure));
            }
            return Err(state.problems);
        }
        if inner.stage.is_null() {
            let message = "create gave no stage and no reason: an error in the plugin";
            state.problems.push(OptionProblem::error("", message));
            return Err(state.problems);
        }
        if wrong {
            return Err(state.problems);
        }
        match contract(
            name,
            into,
            &inner.requires,
            &inner.provides,
            &state.described,
        ) {
            Ok(contract) => {
                for (what, key, value) in state.described.iter() {
                    // A fact about an output that the options have narrowed
                    // away is no fact.
                    if inner.provides.iter().any(|provided| provided == what) {
                        facts.insert(stored(what, &contract), key, value);
                    }
                }
                inner.contract = Arc::new(contract);
            }
            Err(message) => {
                state.problems.push(OptionProblem::error("", message));
                return Err(state.problems);
            }
        }
        inner.warnings = state.problems;
        Ok(Stage {
            inner: Arc::new(inner),
        })
    }
}

impl std::fmt::Debug for StageType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StageType")
            .field("id", &self.id())
            .field("version", &self.version())
            .field("plugin_path", &self.plugin_path())
            .finish_non_exhaustive()
    }
}

fn kept(names: Vec<Narrowed>) -> Vec<String> {
    names
        .into_iter()
        .filter(|name| name.needed)
        .map(|name| name.name)
        .collect()
}

fn failed_to_create(failure: &CallError) -> OptionProblem {
    let message = match failure.class {
        CallClass::Panicked => format!("the stage {failure}"),
        _ => failure.message.clone(),
    };
    OptionProblem::error("", message)
}

fn contract(
    name: &str,
    into: Option<&str>,
    requires: &[String],
    provides: &[String],
    described: &Facts,
) -> Result<Contract, String> {
    let mut contract =
        Contract::parse(name, requires, provides).map_err(|error| error.to_string())?;
    for layer in &mut contract.layers {
        let what = format!("layer:{}", layer.name);
        layer.transient = described.lookup(&what, "transient") == Some("true");
        layer.raw = described.lookup(&what, "offsets") == Some("raw")
            || layer.name == copydesk_document::REMOVED;
    }
    if let Some(into) = into {
        let layer = contract
            .layers
            .iter_mut()
            .find(|layer| !layer.transient && !layer.raw)
            .ok_or("`into` needs a stage that writes a layer of spans of the text")?;
        layer.stored_as = into.to_owned();
    }
    Ok(contract)
}

/// Under which name a fact about an output is known to later stages.
fn stored(what: &str, contract: &Contract) -> String {
    what.strip_prefix("layer:")
        .and_then(|name| contract.layers.iter().find(|layer| layer.name == name))
        .map_or_else(
            || what.to_owned(),
            |layer| format!("layer:{}", layer.stored_as),
        )
}

/// A stage of a pipeline. Cheap to clone; the plugin's object is freed with
/// the last clone and the last worker.
#[derive(Clone)]
pub struct Stage {
    inner: Arc<Inner>,
}

struct Inner {
    kind: StageType,
    context: Box<Context>,
    host: Box<abi::Host>,
    stage: *mut c_void,
    requires: Vec<String>,
    provides: Vec<String>,
    contract: Arc<Contract>,
    warnings: Vec<OptionProblem>,
    resolved: Vec<std::path::PathBuf>,
    loaded: AtomicBool,
    /// Held while `load` runs.
    loading: Mutex<()>,
}

// SAFETY: the plugin's object is only mutated by `load`, under a lock and
// before any worker can be opened; everything else about it is shared by
// contract. The rest is `Sync` by itself.
unsafe impl Send for Inner {}
// SAFETY: as above.
unsafe impl Sync for Inner {}

impl Drop for Inner {
    fn drop(&mut self) {
        if !self.stage.is_null() {
            // SAFETY: made by `create`, destroyed once; each worker holds an
            // `Arc` of this, so all of them are closed.
            unsafe { (self.kind.shared.table.destroy)(self.stage) };
        }
    }
}

impl Stage {
    /// `owner/name`.
    #[must_use]
    pub fn id(&self) -> &str {
        self.inner.kind.id()
    }

    /// Name in the pipeline.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.context.stage
    }

    /// What it was made from.
    #[must_use]
    pub fn kind(&self) -> &StageType {
        &self.inner.kind
    }

    /// Contract names that it reads, narrowed to its options.
    #[must_use]
    pub fn requires(&self) -> &[String] {
        &self.inner.requires
    }

    /// Contract names that it writes, narrowed to its options, as the stage
    /// names them; [`contract`](Self::contract) says how layers are stored.
    #[must_use]
    pub fn provides(&self) -> &[String] {
        &self.inner.provides
    }

    /// What it may write.
    #[must_use]
    pub fn contract(&self) -> &Arc<Contract> {
        &self.inner.contract
    }

    /// Doubts about the options.
    #[must_use]
    pub fn warnings(&self) -> &[OptionProblem] {
        &self.inner.warnings
    }

    /// What the stage has counted so far.
    #[must_use]
    pub fn counters(&self) -> BTreeMap<String, u64> {
        self.inner.context.counters()
    }

    /// Verifies the checksums of the models that the stage has asked for, and
    /// loads its weights. A second call does nothing.
    ///
    /// # Errors
    /// If a file is not what its `model.toml` says, or the stage fails.
    pub fn load(&self) -> Result<(), HostError> {
        let inner = &*self.inner;
        let _loading = inner.loading.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.loaded.load(Ordering::Acquire) {
            return Ok(());
        }
        let failed = |error| self.failed("load", error);
        for path in &inner.resolved {
            inner.context.resources.verify(path).map_err(|error| {
                failed(CallError {
                    class: CallClass::Batch,
                    doc: None,
                    code: "model".to_owned(),
                    message: with_causes(&error),
                    place: None,
                    retryable: false,
                })
            })?;
        }
        inner.context.state().phase = Phase::Loading;
        forget_failure();
        // SAFETY: made by `create`; no worker exists yet, as `open_worker`
        // waits for `loaded`; nobody else loads, as the lock is held.
        let status = unsafe { (inner.kind.shared.table.load)(inner.stage, &raw const *inner.host) };
        inner.context.state().phase = Phase::Working;
        if status != abi::STATUS_OK {
            return Err(failed(take_failure(status)));
        }
        inner.loaded.store(true, Ordering::Release);
        Ok(())
    }

    /// Opens worker `index`, which has scratch of its own.
    ///
    /// # Errors
    /// If the stage was not loaded, or fails.
    pub fn open_worker(&self, index: u32) -> Result<Worker, HostError> {
        let inner = &*self.inner;
        let call = format!("open worker {index}");
        if !inner.loaded.load(Ordering::Acquire) {
            let error = CallError {
                class: CallClass::Unsupported,
                code: "not-loaded".to_owned(),
                message: "the stage must be loaded first".to_owned(),
                ..silent(abi::STATUS_UNSUPPORTED)
            };
            return Err(self.failed(&call, error));
        }
        let mut worker: *mut c_void = std::ptr::null_mut();
        forget_failure();
        // SAFETY: made by `create` and loaded; several workers may be opened
        // at once by contract.
        let status = unsafe {
            (inner.kind.shared.table.open_worker)(
                inner.stage,
                &raw const *inner.host,
                index,
                &raw mut worker,
            )
        };
        if status != abi::STATUS_OK || worker.is_null() {
            return Err(self.failed(&call, take_failure(status)));
        }
        Ok(Worker {
            stage: self.clone(),
            worker,
            tables: Tables::default(),
            cancelled: None,
            torn: false,
        })
    }

    fn failed(&self, call: &str, error: CallError) -> HostError {
        HostError::Stage {
            stage: self.name().to_owned(),
            call: call.to_owned(),
            error: Box::new(error),
        }
    }
}

impl std::fmt::Debug for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stage")
            .field("id", &self.id())
            .field("name", &self.name())
            .finish_non_exhaustive()
    }
}

/// A stage at work: for one call at a time, on any thread.
pub struct Worker {
    stage: Stage,
    worker: *mut c_void,
    tables: Tables,
    cancelled: Option<Arc<AtomicBool>>,
    torn: bool,
}

// SAFETY: a worker may be called on any thread, one call at a time, which
// `&mut self` sees to.
unsafe impl Send for Worker {}

impl Drop for Worker {
    fn drop(&mut self) {
        // SAFETY: made by `open_worker`, closed once, before the stage that it
        // holds is destroyed. Also after a panic, by contract.
        unsafe { (self.stage.inner.kind.shared.table.close_worker)(self.worker) };
    }
}

impl Worker {
    /// The stage that it works for.
    #[must_use]
    pub fn stage(&self) -> &Stage {
        &self.stage
    }

    /// A call that finds `flag` set, at its start or later, is told to stop as
    /// if its deadline were over.
    pub fn cancel_by(&mut self, flag: Arc<AtomicBool>) {
        self.cancelled = Some(flag);
    }

    /// Lets the stage work on `batch`. The batch itself does not change: what
    /// the stage wrote is in the result, for [`Batch::apply`].
    ///
    /// A stage that asks is told how much time is left until `deadline`;
    /// nothing stops one that does not ask.
    ///
    /// # Errors
    /// If the call failed, panicked, or wrote something that was refused:
    /// then nothing of it counts. After a panic the worker is of no use any
    /// more; open another.
    pub fn process(
        &mut self,
        batch: &Batch,
        deadline: Option<Instant>,
    ) -> Result<Changes, CallError> {
        if self.torn {
            return Err(CallError {
                class: CallClass::Unsupported,
                code: "torn-worker".to_owned(),
                message: "this worker panicked before; open another".to_owned(),
                ..silent(abi::STATUS_UNSUPPORTED)
            });
        }
        let contract = &self.stage.inner.contract;
        let limit = Limit {
            deadline,
            cancelled: self.cancelled.as_deref(),
        };
        let mut pen = Pen::new(Changes::new(batch, Arc::clone(contract)));
        let writer = pen.writer();
        let process = self.stage.inner.kind.shared.table.process;
        let status = self.tables.lend(batch, contract, &limit, |view| {
            // SAFETY: made by `open_worker`, one call at a time; batch, pen and
            // limit live until the call returns.
            unsafe { process(self.worker, view, &raw const writer) }
        });
        // The plugin wrote to the pen through the writer's pointer; from here
        // on only we do.
        self.torn = status == abi::STATUS_PANICKED;
        outcome(status, pen).inspect_err(|error| {
            self.torn |= error.class == CallClass::Panicked;
        })
    }
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker")
            .field("stage", &self.stage)
            .field("torn", &self.torn)
            .finish_non_exhaustive()
    }
}

/// What a call came to. A refusal goes before everything that the stage says
/// itself: it is the cause, and the stage may not have noticed.
fn outcome(status: abi::Status, mut pen: Pen) -> Result<Changes, CallError> {
    let rejected = |refusal: &copydesk_document::Refusal| CallError {
        class: CallClass::Rejected,
        doc: refusal.doc,
        code: "rejected".to_owned(),
        message: format!("{}: {}", refusal.call, refusal.reason),
        place: None,
        retryable: false,
    };
    if status != abi::STATUS_PANICKED
        && let Some(refusal) = pen.refused()
    {
        return Err(rejected(refusal));
    }
    match (status, pen.failure.take()) {
        (abi::STATUS_OK, None) => {}
        (_, Some(failure)) => return Err(failure),
        (status, None) => return Err(silent(status)),
    }
    match pen.changes.finish() {
        Ok(()) => Ok(pen.changes),
        Err(refusal) => Err(rejected(&refusal)),
    }
}
