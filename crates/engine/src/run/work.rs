//! One worker's thread of a stage: calls, bisection of calls that fail, and the clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use copydesk_document::Batch;
use copydesk_host::{CallClass, CallError};

use super::Shared;
use super::channel::{Permits, Receiver, Sender};
use super::parcel::Parcel;
use super::step::{Step, StepWorker};
use super::watch::Watch;
use crate::control::Control;
use crate::report::StopReason;
use crate::sink::{DeadLetter, Dropped, FailureClass};

/// So many batches in a row of which every document panicked stop the run.
const PANICS: u32 = 3;
/// Before the first round of documents that are tried again; later rounds wait longer.
const FIRST_PAUSE: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 100 });

/// A stage as it runs: what its workers share.
pub(crate) struct Station {
    pub(crate) step: Arc<dyn Step>,
    pub(crate) index: usize,
    /// The channel before it, by its number in the line.
    pub(crate) queue: usize,
    pub(crate) workers: u32,
    pub(crate) plugin: String,
    pub(crate) timeout: Option<Duration>,
    /// How often a document whose failure may pass is tried again.
    pub(crate) retries: u32,
    /// Layers that nobody reads after this stage.
    pub(crate) frees: Vec<String>,
    pub(crate) permits: Arc<Permits>,
    pub(crate) clock: Clock,
    pub(crate) panics: AtomicU32,
}

/// What a stage's workers count, in nanoseconds and pieces.
#[derive(Default)]
pub(crate) struct Clock {
    pub(crate) documents: AtomicU64,
    pub(crate) calls: AtomicU64,
    pub(crate) busy: AtomicU64,
    pub(crate) for_input: AtomicU64,
    pub(crate) for_output: AtomicU64,
    pub(crate) for_thread: AtomicU64,
}

pub(crate) fn tick(counter: &AtomicU64, since: Instant) {
    let nanos = u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX);
    counter.fetch_add(nanos, Ordering::Relaxed);
}

/// Takes parcels, processes them, passes them on; ends when either side is gone.
pub(crate) fn work(
    station: &Station,
    index: u32,
    from: &Receiver<Parcel>,
    to: &Sender<Parcel>,
    shared: &Shared,
    watch: Option<Arc<dyn Watch>>,
) {
    let mut desk = match Desk::open(station, index, &shared.control, watch) {
        Ok(desk) => desk,
        Err(reason) => return shared.stop(reason),
    };
    loop {
        let waiting = Instant::now();
        let Ok(mut parcel) = from.recv() else { return };
        tick(&station.clock.for_input, waiting);
        if shared.control.is_stopping_now() {
            return;
        }
        if !parcel.batch.is_empty()
            && let Err(reason) = desk.process(&mut parcel)
        {
            return shared.stop(reason);
        }
        for layer in &station.frees {
            parcel.batch.remove_layer(layer);
        }
        let waiting = Instant::now();
        if to.send(parcel).is_err() {
            return;
        }
        tick(&station.clock.for_output, waiting);
    }
}

/// One worker of a stage, ready for batches.
pub(crate) struct Desk<'a> {
    station: &'a Station,
    index: u32,
    control: &'a Control,
    worker: Box<dyn StepWorker>,
    watch: Option<Arc<dyn Watch>>,
}

/// Documents that a stage is to be called with.
struct Try {
    batch: Batch,
    /// How often they were tried alone or named as those at fault.
    attempts: u32,
}

impl<'a> Desk<'a> {
    pub(crate) fn open(
        station: &'a Station,
        index: u32,
        control: &'a Control,
        watch: Option<Arc<dyn Watch>>,
    ) -> Result<Self, StopReason> {
        Ok(Self {
            station,
            index,
            control,
            worker: open(station, index, control)?,
            watch,
        })
    }

    /// Passes the documents through the stage. Of a call that fails, the documents are tried
    /// in halves, until those at fault stand alone; those whose failure may pass are tried again
    /// when the others are done.
    pub(crate) fn process(&mut self, parcel: &mut Parcel) -> Result<(), StopReason> {
        let clock = &self.station.clock;
        clock
            .documents
            .fetch_add(parcel.batch.len() as u64, Ordering::Relaxed);
        // A stack with the first documents on top.
        let mut pending = vec![Try {
            batch: std::mem::take(&mut parcel.batch),
            attempts: 0,
        }];
        let mut again = Vec::new();
        let mut round = 0;
        let mut passed = Batch::new();
        let mut any_call_succeeded = false;
        let mut panic = None;
        loop {
            let Some(Try {
                mut batch,
                attempts,
            }) = pending.pop()
            else {
                if again.is_empty() {
                    break;
                }
                pause(round, self.control);
                round += 1;
                pending.append(&mut again);
                pending.reverse();
                continue;
            };
            if self.control.is_stopping_now() {
                // Nobody will write it.
                return Ok(());
            }
            let error = match self.call(&batch) {
                Ok(changes) => {
                    any_call_succeeded = true;
                    self.apply(batch, changes, attempts, parcel, &mut passed, &mut again);
                    continue;
                }
                Err(error) => error,
            };
            if error.class == CallClass::Panicked {
                panic = Some(error.to_string());
                self.reopen()?;
            }
            let once_more = error.retryable && attempts < self.station.retries;
            let attempts = attempts + 1;
            let named = guilty(&error).filter(|&doc| doc < batch.len());
            if batch.len() > 1 && error.class != CallClass::Batch {
                let Some(doc) = named else {
                    let tail = batch.split_off(batch.len() / 2);
                    pending.push(Try::first(tail));
                    pending.push(Try::first(batch));
                    continue;
                };
                let others: Vec<usize> = (0..batch.len()).filter(|&other| other != doc).collect();
                pending.push(Try::first(batch.select(&others)));
                batch = batch.select(&[doc]);
            }
            // One document at fault; or what is wrong lies in none, and halves would fail as well.
            if once_more {
                again.push(Try { batch, attempts });
            } else {
                let many = (0..batch.len()).map(|doc| self.letter(&batch, doc, &error, attempts));
                parcel.letters.extend(many);
            }
        }
        if round > 0 {
            let mut order: Vec<usize> = (0..passed.len()).collect();
            order.sort_by_key(|&doc| passed.seq(doc));
            passed = passed.select(&order);
        }
        parcel.batch = passed;
        match panic {
            Some(message) if !any_call_succeeded => {
                let batches = self.station.panics.fetch_add(1, Ordering::SeqCst) + 1;
                if batches >= PANICS {
                    return Err(StopReason::Panics {
                        stage: self.station.step.name().to_owned(),
                        batches,
                        message,
                    });
                }
            }
            _ => self.station.panics.store(0, Ordering::SeqCst),
        }
        Ok(())
    }

    fn call(&mut self, batch: &Batch) -> Result<copydesk_document::Changes, CallError> {
        let clock = &self.station.clock;
        let waiting = Instant::now();
        let permit = self.station.permits.acquire(self.station.index);
        tick(&clock.for_thread, waiting);
        let start = Instant::now();
        let deadline = self
            .station
            .timeout
            .and_then(|timeout| start.checked_add(timeout));
        if let Some(watch) = &self.watch {
            watch.begin(self.station.index, batch, start);
        }
        let result = self.worker.process(batch, deadline);
        if let Some(watch) = &self.watch {
            watch.end();
        }
        tick(&clock.busy, start);
        clock.calls.fetch_add(1, Ordering::Relaxed);
        drop(permit);
        result
    }

    fn apply(
        &self,
        mut batch: Batch,
        changes: copydesk_document::Changes,
        attempts: u32,
        parcel: &mut Parcel,
        passed: &mut Batch,
        again: &mut Vec<Try>,
    ) {
        let once_more = attempts < self.station.retries;
        let attempts = attempts + 1;
        if once_more {
            again.extend(changes.retryable().map(|doc| Try {
                batch: batch.select(&[doc]),
                attempts,
            }));
        }
        let outcome = batch.apply(changes);
        let stage = self.station.step.name();
        for (key, reason) in outcome.dropped {
            parcel.drops.push(Dropped {
                key,
                stage: stage.to_owned(),
                reason,
            });
        }
        for (document, failure) in outcome.failed {
            if failure.retryable && once_more {
                continue;
            }
            parcel.letters.push(DeadLetter {
                id: document.id.clone(),
                path: document.path.clone(),
                stage: stage.to_owned(),
                plugin: Some(self.station.plugin.clone()),
                class: if failure.retryable {
                    FailureClass::Retryable
                } else {
                    FailureClass::Failed
                },
                code: failure.code,
                message: failure.message,
                attempts,
                seq: document.seq,
                document: Some(document),
            });
        }
        if !batch.is_empty() {
            passed.append(batch);
        }
    }

    fn letter(&self, batch: &Batch, doc: usize, error: &CallError, attempts: u32) -> DeadLetter {
        let (class, message) = match error.class {
            CallClass::Panicked => (FailureClass::Panicked, error.to_string()),
            CallClass::Cancelled if self.station.timeout.is_some() => (
                FailureClass::Timeout,
                format!(
                    "the call took longer than `timeout_secs = {}`: {}",
                    self.station.timeout.unwrap_or_default().as_secs_f64(),
                    error.message
                ),
            ),
            CallClass::Rejected => (FailureClass::Rejected, error.message.clone()),
            CallClass::Unsupported => (FailureClass::Unsupported, error.message.clone()),
            CallClass::Batch => (FailureClass::Batch, error.message.clone()),
            _ if error.retryable => (FailureClass::Retryable, error.message.clone()),
            _ => (FailureClass::Failed, error.message.clone()),
        };
        let key = batch.key(doc);
        DeadLetter {
            id: key.id,
            path: key.path,
            stage: self.station.step.name().to_owned(),
            plugin: Some(self.station.plugin.clone()),
            class,
            code: error.code.clone(),
            message,
            attempts,
            document: Some(batch.as_it_came(doc)),
            seq: key.seq,
        }
    }

    /// A worker that panicked may be torn; what the workers share is not.
    fn reopen(&mut self) -> Result<(), StopReason> {
        self.worker = open(self.station, self.index, self.control)?;
        Ok(())
    }
}

impl Try {
    fn first(batch: Batch) -> Self {
        Self { batch, attempts: 0 }
    }
}

/// Waits before another round: what failed for lack of something needs time.
fn pause(round: u32, control: &Control) {
    let until = Instant::now() + FIRST_PAUSE * 4_u32.pow(round.min(3));
    while Instant::now() < until && !control.is_stopping_now() {
        thread::sleep(Duration::from_millis(20));
    }
}

fn open(
    station: &Station,
    index: u32,
    control: &Control,
) -> Result<Box<dyn StepWorker>, StopReason> {
    station
        .step
        .open(index, control.now_flag())
        .map_err(|error| StopReason::Worker {
            stage: station.step.name().to_owned(),
            message: error.to_string(),
        })
}

/// The document at fault, if the call says so. A call that ran out of time names the one that
/// it was at, which those before may have kept waiting.
fn guilty(error: &CallError) -> Option<usize> {
    error.doc.filter(|_| error.class != CallClass::Cancelled)
}
