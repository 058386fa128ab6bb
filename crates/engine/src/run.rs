//! Runs documents through stages in threads.
//!
//! One thread reads, one makes batches, each stage has its workers, and the thread that calls
//! [`run`] writes. Bounded channels lie between them, so a slow stage slows the reader. Whoever
//! ends early drops its end of its channels, and those before and after it end in turn.

pub(crate) mod channel;
mod intake;
pub(crate) mod parcel;
pub(crate) mod step;
#[cfg(test)]
mod tests;
pub(crate) mod watch;
pub(crate) mod work;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::RecvTimeoutError;

use self::channel::{Gauge, Permits, Receiver, Window, channel, lock};
use self::intake::Batcher;
use self::parcel::Parcel;
use self::step::Step;
use self::watch::{Slot, Watch};
use self::work::{Clock, Station};
use crate::config::Run;
use crate::control::{Control, Interrupt};
use crate::ids::Ids;
use crate::isolation::{self, Group};
use crate::progress::Progress;
use crate::report::{
    Budget, Cause, Counts, DropReason, Earlier, Outcome, Report, StageReport, StopReason,
};
use crate::sink::{DeadLetter, Dropped, Ended, Ledger, SinkError};
use crate::source::Source;

/// A stage and how the pipeline wants it run.
#[derive(Clone)]
pub(crate) struct Planned {
    pub(crate) step: Arc<dyn Step>,
    pub(crate) workers: Option<u32>,
    pub(crate) timeout: Option<Duration>,
    /// Layers that nobody reads after this stage.
    pub(crate) frees: Vec<String>,
    /// The worker processes that it runs in, with its neighbours of the same group.
    pub(crate) group: Option<Arc<Group>>,
}

/// The stages that one thread does or has done: single ones, and the neighbours of a group.
fn units(stages: &[Planned]) -> impl Iterator<Item = &[Planned]> {
    stages.chunk_by(|a, b| match (&a.group, &b.group) {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        _ => false,
    })
}

/// What all threads of a run share.
pub(crate) struct Shared {
    control: Control,
    progress: Arc<dyn Progress>,
    /// Why the run must stop; the first reason stays.
    stopped: Mutex<Option<StopReason>>,
    /// Documents that were read, those that could not be read among them.
    read: AtomicU64,
    bytes: AtomicU64,
    /// Whether the source was read to its end.
    exhausted: AtomicBool,
    /// Why the source could not be read to its end.
    cut_off: Mutex<Option<String>>,
    /// Parcels that the batcher sent.
    parcels: AtomicU64,
    window: Window,
}

impl Shared {
    /// Whether nobody waits for documents any more: the run is to end at once, or its output has
    /// ended.
    pub(crate) fn is_over(&self) -> bool {
        self.control.is_stopping_now() || self.window.is_closed()
    }

    pub(crate) fn stop(&self, reason: StopReason) {
        lock(&self.stopped).get_or_insert(reason);
    }
}

/// Stops the run if the thread that holds it panics: the others would wait for it.
struct Alarm<'a>(&'a Shared);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.stop(StopReason::Internal);
        }
    }
}

/// How often the writing thread looks whether it is to stop.
const LOOK: Duration = Duration::from_millis(50);
/// From so many documents on, a ratio of failures means something.
const ENOUGH_FOR_A_RATIO: u64 = 100;

/// Reads the source to its end, passes the documents through the stages, writes them.
pub(crate) fn run(
    stages: &[Planned],
    settings: &Run,
    source: Box<dyn Source>,
    ledger: &mut dyn Ledger,
    earlier: Earlier,
    control: &Control,
    progress: Arc<dyn Progress>,
) -> Report {
    let start = Instant::now();
    let before = earlier.counts;
    progress.started(source.size_hint(), before);
    let mut line = Line::start(stages, settings, source, earlier.ids, control, progress);
    let mut desk = Outgoing {
        ledger,
        settings,
        shared: Arc::clone(&line.shared),
        before,
        counts: before,
        causes: earlier.causes,
        drops: earlier.drops,
    };
    let outcome = desk.take_all(&line.last);
    let fills: Vec<f64> = line.gauges.iter().map(Gauge::mean).collect();
    line.close(control);
    // Whatever came before: what was written must be valid.
    let finished = desk.ledger.close().map_err(could_not_write);
    let outcome = match (outcome, finished) {
        (Outcome::Finished | Outcome::Interrupted(_), Err(outcome)) => outcome,
        (outcome, Err(also)) => {
            tracing::debug!(?also, "the outputs did not end well either");
            outcome
        }
        (outcome, Ok(())) => outcome,
    };
    let Outgoing {
        counts,
        mut causes,
        mut drops,
        ..
    } = desk;
    causes.sort_by_key(|cause| Reverse(cause.documents));
    drops.sort_by_key(|drop| Reverse(drop.documents));
    let read = line.shared.read.load(Ordering::SeqCst);
    let counts_here = counts.since(before);
    Report {
        outcome,
        counts,
        counts_here,
        unfinished: read.saturating_sub(counts_here.total()),
        elapsed: start.elapsed(),
        bytes: line.shared.bytes.load(Ordering::SeqCst),
        threads: settings.thread_budget(),
        stages: stage_reports(&line.stations, &fills),
        causes,
        drops,
    }
}

/// The threads of a run, up to the last channel.
struct Line {
    shared: Arc<Shared>,
    stations: Vec<Arc<Station>>,
    /// Of the channels before and after each group of stages.
    gauges: Vec<Gauge>,
    last: Receiver<Parcel>,
    threads: Vec<JoinHandle<()>>,
    /// Closed when dropped, which ends the watch.
    watch: Option<crossbeam_channel::Sender<()>>,
}

impl Line {
    fn start(
        stages: &[Planned],
        settings: &Run,
        source: Box<dyn Source>,
        ids: Ids,
        control: &Control,
        progress: Arc<dyn Progress>,
    ) -> Self {
        let threads = settings.thread_budget();
        let places = settings.channel as usize;
        let bytes = usize::try_from(settings.channel_bytes).unwrap_or(usize::MAX);
        let batch_bytes = usize::try_from(settings.batch_bytes).unwrap_or(usize::MAX);
        // A group works on as many batches as each of its stages may.
        let workers = |unit: &[Planned]| {
            let named = unit.iter().filter_map(|stage| stage.workers).min();
            named.unwrap_or(threads).max(1)
        };
        let at_work: usize = units(stages).map(|unit| workers(unit) as usize).sum();
        // As many as the channels and workers can hold, and as many again that are done and
        // wait for their turn in the output.
        let window = 2 * (at_work + places * (stages.len() + 1));
        let shared = Arc::new(Shared {
            control: control.clone(),
            progress,
            stopped: Mutex::new(None),
            read: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            exhausted: AtomicBool::new(false),
            cut_off: Mutex::new(None),
            parcels: AtomicU64::new(0),
            window: Window::new(window),
        });
        let permits = Arc::new(Permits::new(threads, stages.len()));
        let mut handles = Vec::new();
        let (documents, to_batch) = channel(settings.batch_docs as usize, batch_bytes);
        let (batches, mut last) = channel(places, bytes);
        // The reader may wait for input for ever: nobody waits for it.
        let max_document_bytes = settings.max_document_bytes();
        let reader_shared = Arc::clone(&shared);
        thread::spawn(move || {
            let _alarm = Alarm(&reader_shared);
            intake::read(source, &documents, &reader_shared, max_document_bytes, ids);
        });
        let batcher = Batcher {
            shared: Arc::clone(&shared),
            most_docs: settings.batch_docs as usize,
            most_bytes: batch_bytes,
            to: batches,
        };
        handles.push(thread::spawn(move || {
            let shared = Arc::clone(&batcher.shared);
            let _alarm = Alarm(&shared);
            batcher.run(&to_batch);
        }));

        let mut stations: Vec<Arc<Station>> = Vec::new();
        let mut gauges = vec![last.gauge()];
        let mut slots = Vec::new();
        for unit in units(stages) {
            let members: Vec<Arc<Station>> = unit
                .iter()
                .enumerate()
                .map(|(index, stage)| {
                    Arc::new(Station {
                        step: Arc::clone(&stage.step),
                        index: stations.len() + index,
                        queue: gauges.len() - 1,
                        workers: workers(unit),
                        plugin: stage.step.plugin(),
                        timeout: stage.timeout,
                        retries: settings.retries,
                        frees: stage.frees.clone(),
                        permits: Arc::clone(&permits),
                        clock: Clock::default(),
                        panics: AtomicU32::new(0),
                    })
                })
                .collect();
            let (to, next) = channel(places, bytes);
            for worker in 0..workers(unit) {
                let (members, shared) = (members.clone(), Arc::clone(&shared));
                let (from, to) = (last.clone(), to.clone());
                if let Some(group) = unit[0].group.clone() {
                    handles.push(thread::spawn(move || {
                        let _alarm = Alarm(&shared);
                        isolation::supervise(&group, &members, &from, &to, &shared);
                    }));
                    continue;
                }
                let slot = unit[0]
                    .timeout
                    .map(|timeout| Arc::new(Slot::new(unit[0].step.name(), timeout)));
                slots.extend(slot.clone());
                let watch = slot.map(|slot| slot as Arc<dyn Watch>);
                handles.push(thread::spawn(move || {
                    let _alarm = Alarm(&shared);
                    work::work(&members[0], worker, &from, &to, &shared, watch);
                }));
            }
            stations.extend(members);
            gauges.push(next.gauge());
            last = next;
        }
        let watch = (!slots.is_empty()).then(|| {
            let (alive, end) = crossbeam_channel::bounded(0);
            let progress = Arc::clone(&shared.progress);
            thread::spawn(move || watch::watch(&slots, &*progress, &end));
            alive
        });
        Self {
            shared,
            stations,
            gauges,
            last,
            threads: handles,
            watch,
        }
    }

    /// Lets the threads end, and waits for them unless the run is to end at once.
    fn close(&mut self, control: &Control) {
        self.shared.window.close();
        // A receiver of an empty channel in the place of the last one: the line behind it ends.
        let (_, nothing) = channel(1, 0);
        self.last = nothing;
        for thread in self.threads.drain(..) {
            while !thread.is_finished() && !control.is_stopping_now() {
                thread::sleep(Duration::from_millis(1));
            }
            if thread.is_finished() && thread.join().is_err() {
                self.shared.stop(StopReason::Internal);
            }
        }
        self.watch = None;
    }
}

/// The end of the line: order, output, counts, budget.
struct Outgoing<'a> {
    ledger: &'a mut dyn Ledger,
    settings: &'a Run,
    shared: Arc<Shared>,
    /// What earlier runs have done.
    before: Counts,
    counts: Counts,
    causes: Vec<Cause>,
    drops: Vec<DropReason>,
}

impl Outgoing<'_> {
    fn take_all(&mut self, from: &Receiver<Parcel>) -> Outcome {
        let mut waiting: BTreeMap<u64, Parcel> = BTreeMap::new();
        let mut next = 0;
        let mut told = false;
        loop {
            if let Some(reason) = lock(&self.shared.stopped).take() {
                return Outcome::Stopped(reason);
            }
            let control = &self.shared.control;
            if control.is_stopping_now() {
                return Outcome::Aborted(self.who());
            }
            if control.is_stopping() && !told {
                told = true;
                let read = self.shared.read.load(Ordering::SeqCst);
                let in_flight = read.saturating_sub(self.counts.since(self.before).total());
                self.shared.progress.stopping(in_flight);
            }
            let parcel = match from.recv_timeout(LOOK) {
                Ok(parcel) => parcel,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            if !self.settings.ordered {
                next += 1;
                if let Err(outcome) = self.put(parcel) {
                    return outcome;
                }
                continue;
            }
            waiting.insert(parcel.number, parcel);
            while let Some(parcel) = waiting.remove(&next) {
                next += 1;
                if let Err(outcome) = self.put(parcel) {
                    return outcome;
                }
            }
        }
        if let Some(reason) = lock(&self.shared.stopped).take() {
            return Outcome::Stopped(reason);
        }
        if self.shared.control.is_stopping_now() {
            return Outcome::Aborted(self.who());
        }
        if next != self.shared.parcels.load(Ordering::SeqCst) {
            return Outcome::Stopped(StopReason::Internal);
        }
        if let Some(message) = lock(&self.shared.cut_off).take() {
            return Outcome::Stopped(StopReason::Input(message));
        }
        if let Err(outcome) = self.budget(0) {
            return outcome;
        }
        if self.shared.control.is_stopping() && !self.shared.exhausted.load(Ordering::SeqCst) {
            return Outcome::Interrupted(self.who());
        }
        Outcome::Finished
    }

    fn put(&mut self, mut parcel: Parcel) -> Result<(), Outcome> {
        // Where in the line a document failed depends on nothing but the document; so that the
        // order of the letters does so too, they stand in the order of the input.
        parcel.letters.sort_by_key(|letter| letter.seq);
        parcel.drops.sort_by_key(|dropped| dropped.key.seq);
        let ended = Ended {
            done: &parcel.batch,
            failed: &parcel.letters,
            dropped: &parcel.drops,
        };
        self.ledger.book(&ended).map_err(could_not_write)?;
        for letter in &parcel.letters {
            self.counts.failed += 1;
            self.count_cause(letter);
            self.shared.progress.failed(letter);
        }
        for dropped in parcel.drops {
            self.counts.dropped += 1;
            self.count_drop(dropped);
        }
        self.counts.done += parcel.batch.len() as u64;
        self.shared.window.leave();
        self.shared.progress.counted(self.counts);
        self.budget(ENOUGH_FOR_A_RATIO)
    }

    /// Whether more failed than may; the ratio counts from `enough` documents on.
    fn budget(&self, enough: u64) -> Result<(), Outcome> {
        let failed = self.counts.failed;
        if let Some(limit) = self.settings.max_failed
            && failed > limit
        {
            return Err(Outcome::BudgetExceeded(Budget::Count(limit)));
        }
        let total = self.counts.total();
        if let Some(limit) = self.settings.max_failed_ratio
            && total >= enough
            && failed as f64 > limit * total as f64
        {
            return Err(Outcome::BudgetExceeded(Budget::Ratio(limit)));
        }
        Ok(())
    }

    fn count_cause(&mut self, letter: &DeadLetter) {
        let known = self.causes.iter_mut().find(|cause| {
            cause.stage == letter.stage && cause.class == letter.class && cause.code == letter.code
        });
        match known {
            Some(cause) => cause.documents += 1,
            None => self.causes.push(Cause {
                stage: letter.stage.clone(),
                class: letter.class,
                code: letter.code.clone(),
                message: letter.message.clone(),
                documents: 1,
            }),
        }
    }

    fn count_drop(&mut self, Dropped { stage, reason, .. }: Dropped) {
        let known = self
            .drops
            .iter_mut()
            .find(|drop| drop.stage == stage && drop.reason == reason);
        match known {
            Some(drop) => drop.documents += 1,
            None => self.drops.push(DropReason {
                stage,
                reason,
                documents: 1,
            }),
        }
    }

    fn who(&self) -> Interrupt {
        self.shared
            .control
            .interrupted()
            .unwrap_or(Interrupt::Interrupt)
    }
}

fn could_not_write(error: SinkError) -> Outcome {
    if error.is_broken_pipe() {
        Outcome::BrokenPipe
    } else {
        Outcome::Stopped(StopReason::Sink(error))
    }
}

/// `fills` are those of the channels before and after each group of stages.
fn stage_reports(stations: &[Arc<Station>], fills: &[f64]) -> Vec<StageReport> {
    let count = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
    let time = |counter: &AtomicU64| Duration::from_nanos(count(counter));
    let all: f64 = stations
        .iter()
        .map(|station| time(&station.clock.busy).as_secs_f64())
        .sum();
    stations
        .iter()
        .map(|station| {
            let fill = |queue: usize| fills.get(queue).copied().unwrap_or_default();
            let clock = &station.clock;
            let busy = time(&clock.busy);
            StageReport {
                name: station.step.name().to_owned(),
                plugin: station.plugin.clone(),
                documents: count(&clock.documents),
                workers: station.workers,
                calls: count(&clock.calls),
                busy,
                share: if all > 0.0 {
                    busy.as_secs_f64() / all
                } else {
                    0.0
                },
                waited_for_input: time(&clock.for_input),
                waited_for_output: time(&clock.for_output),
                waited_for_thread: time(&clock.for_thread),
                queue_before: fill(station.queue),
                queue_after: fill(station.queue + 1),
                counters: station.step.counters(),
            }
        })
        .collect()
}
