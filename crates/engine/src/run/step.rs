//! What the engine needs of a stage. The host's stages are one kind; tests bring their own.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use copydesk_document::{Batch, Changes};
use copydesk_host::{CallError, HostError, Stage, Worker};

/// A stage, shared by its workers.
pub(crate) trait Step: Send + Sync {
    /// Its name in the pipeline.
    fn name(&self) -> &str;
    /// Its plugin and version, as dead letters name it.
    fn plugin(&self) -> String;
    /// Loads what the workers share.
    fn load(&self) -> Result<(), HostError>;
    /// Opens what one thread needs. Calls are told to stop once `cancel` is set.
    fn open(&self, index: u32, cancel: &Arc<AtomicBool>) -> Result<Box<dyn StepWorker>, HostError>;
    /// Counters of its own, by name.
    fn counters(&self) -> Vec<(String, u64)>;
}

/// One thread's part of a stage.
pub(crate) trait StepWorker: Send {
    /// One call: all or nothing.
    fn process(&mut self, batch: &Batch, deadline: Option<Instant>) -> Result<Changes, CallError>;
}

impl Step for Stage {
    fn name(&self) -> &str {
        self.name()
    }

    fn plugin(&self) -> String {
        format!("{} {}", self.id(), self.kind().version())
    }

    fn load(&self) -> Result<(), HostError> {
        self.load()
    }

    fn open(&self, index: u32, cancel: &Arc<AtomicBool>) -> Result<Box<dyn StepWorker>, HostError> {
        let mut worker = self.open_worker(index)?;
        worker.cancel_by(Arc::clone(cancel));
        Ok(Box::new(worker))
    }

    fn counters(&self) -> Vec<(String, u64)> {
        self.counters().into_iter().collect()
    }
}

impl StepWorker for Worker {
    fn process(&mut self, batch: &Batch, deadline: Option<Instant>) -> Result<Changes, CallError> {
        self.process(batch, deadline)
    }
}
