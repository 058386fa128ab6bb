//! Watches calls that have a time limit and tells of those that exceed it while they run: a
//! thread cannot be stopped from outside, but it can be named.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use copydesk_document::Batch;
use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::channel::lock;
use crate::progress::{Overdue, Progress};

/// Is told of each call of a worker.
pub(crate) trait Watch: Send + Sync {
    /// A call of stage number `stage` begins.
    fn begin(&self, stage: usize, batch: &Batch, since: Instant);
    /// It has ended.
    fn end(&self);
}

/// Where one worker says what it is doing.
pub(crate) struct Slot {
    stage: String,
    timeout: Duration,
    running: Mutex<Option<Running>>,
}

struct Running {
    since: Instant,
    documents: Vec<String>,
    told: bool,
}

impl Slot {
    pub(crate) fn new(stage: &str, timeout: Duration) -> Self {
        Self {
            stage: stage.to_owned(),
            timeout,
            running: Mutex::new(None),
        }
    }

    /// The call, if it is overdue and nobody has told yet.
    fn overdue(&self) -> Option<Overdue> {
        let mut running = lock(&self.running);
        let call = running.as_mut()?;
        let elapsed = call.since.elapsed();
        if call.told || elapsed <= self.timeout {
            return None;
        }
        call.told = true;
        Some(Overdue {
            stage: self.stage.clone(),
            documents: call.documents.clone(),
            timeout: self.timeout,
            elapsed,
        })
    }
}

impl Watch for Slot {
    fn begin(&self, _: usize, batch: &Batch, since: Instant) {
        *lock(&self.running) = Some(Running {
            since,
            documents: batch.ids().iter().map(str::to_owned).collect(),
            told: false,
        });
    }

    fn end(&self) {
        *lock(&self.running) = None;
    }
}

/// Looks at the slots until `end` is closed.
pub(crate) fn watch(slots: &[Arc<Slot>], progress: &dyn Progress, end: &Receiver<()>) {
    let shortest = slots.iter().map(|slot| slot.timeout).min();
    let look = shortest.unwrap_or(Duration::MAX) / 4;
    let look = look.clamp(Duration::from_millis(5), Duration::from_millis(250));
    while end.recv_timeout(look) == Err(RecvTimeoutError::Timeout) {
        for overdue in slots.iter().filter_map(|slot| slot.overdue()) {
            progress.overdue(&overdue);
        }
    }
}
