//! The thread behind a worker process: sends it batches, and finds the documents that kill it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use copydesk_document::Batch;

use super::Group;
use super::process::{Death, Frame, NoFrame, Process};
use super::protocol::{self, Done, Kind, Stop};
use crate::report::StopReason;
use crate::run::Shared;
use crate::run::channel::{Receiver, Sender, lock};
use crate::run::parcel::Parcel;
use crate::run::work::{Station, tick};
use crate::sink::{DeadLetter, Dropped, FailureClass};

/// How long the thread waits for a word before it looks around.
const LOOK: Duration = Duration::from_millis(50);
/// The run stops when every document of so many batches in a row …
const BATCHES: u64 = 3;
/// … and of so many documents was lost: the stage cannot do its work at all.
const DOCUMENTS: u64 = 50;

/// Takes parcels, has them processed, passes them on; ends when either side is gone.
pub(crate) fn supervise(
    group: &Arc<Group>,
    stations: &[Arc<Station>],
    from: &Receiver<Parcel>,
    to: &Sender<Parcel>,
    shared: &Shared,
) {
    let (Some(first), Some(last)) = (stations.first(), stations.last()) else {
        return;
    };
    let mut supervisor = Supervisor {
        group,
        stations,
        shared,
        process: None,
    };
    loop {
        let waiting = Instant::now();
        let Ok(mut parcel) = from.recv() else { break };
        tick(&first.clock.for_input, waiting);
        if shared.is_over() {
            return;
        }
        if !parcel.batch.is_empty()
            && let Err(reason) = supervisor.process(&mut parcel)
        {
            return shared.stop(reason);
        }
        let waiting = Instant::now();
        if to.send(parcel).is_err() {
            return;
        }
        tick(&last.clock.for_output, waiting);
    }
    if let Some(process) = supervisor.process {
        process.end();
    }
}

struct Supervisor<'a> {
    group: &'a Group,
    stations: &'a [Arc<Station>],
    shared: &'a Shared,
    process: Option<Process>,
}

/// Documents that the worker process is to be given.
struct Try {
    batch: Batch,
    /// How often a process died of the one document that they are.
    attempts: u32,
}

/// Why a batch did not come back.
enum Lost {
    /// The process died.
    Died {
        death: Death,
        /// The stage that it was in.
        stage: usize,
    },
    /// A call took too long.
    Late { stage: usize },
    /// The run is to end.
    Stopping,
    /// The run cannot go on.
    Stop(StopReason),
}

impl Supervisor<'_> {
    /// Has the documents processed. Of a batch that kills its process, the documents are tried
    /// in halves.
    ///
    /// A document is guilty if a process dies of it that has done nothing else before: what an
    /// older process dies of may be the work of an earlier document.
    fn process(&mut self, parcel: &mut Parcel) -> Result<(), StopReason> {
        // A stack with the first documents on top.
        let mut pending = vec![Try {
            batch: std::mem::take(&mut parcel.batch),
            attempts: 0,
        }];
        let mut passed = Batch::new();
        let mut any_came_back = false;
        let mut lost = 0;
        let mut last_loss = None;
        while let Some(Try {
            mut batch,
            attempts,
        }) = pending.pop()
        {
            let mut new = false;
            let came = self.ready().and_then(|is_new| {
                new = is_new;
                let (done, work) = self.call(&batch)?;
                self.apply(&batch, done, &work, parcel)
            });
            let (stage, death) = match came {
                Ok(batch) => {
                    any_came_back = true;
                    if !batch.is_empty() {
                        passed.append(batch);
                    }
                    continue;
                }
                Err(Lost::Died { death, stage }) => (stage, Some(death)),
                Err(Lost::Late { stage }) => (stage, None),
                Err(Lost::Stopping) => return Ok(()),
                Err(Lost::Stop(reason)) => return Err(reason),
            };
            self.process = None;
            if batch.len() > 1 {
                let tail = batch.split_off(batch.len() / 2);
                for batch in [tail, batch] {
                    pending.push(Try { batch, attempts: 0 });
                }
                continue;
            }
            let attempts = attempts + 1;
            let outside = death.as_ref().is_some_and(Death::may_be_from_outside);
            if !new || outside && attempts <= self.stations[stage].retries {
                pending.push(Try { batch, attempts });
                continue;
            }
            let letter = self.letter(&batch, stage, death.as_ref(), attempts);
            lost += 1;
            last_loss = Some((stage, letter.message.clone()));
            parcel.letters.push(letter);
            for station in &self.stations[..=stage] {
                station.clock.documents.fetch_add(1, Ordering::Relaxed);
            }
        }
        parcel.batch = passed;
        match last_loss {
            Some((stage, message)) if !any_came_back => self.count_lost(lost, stage, message),
            _ => {
                self.group.lost.0.store(0, Ordering::SeqCst);
                self.group.lost.1.store(0, Ordering::SeqCst);
                Ok(())
            }
        }
    }

    /// Counts a batch of which nothing came back.
    fn count_lost(&self, lost: u64, stage: usize, message: String) -> Result<(), StopReason> {
        let (batches, documents) = &self.group.lost;
        let batches = batches.fetch_add(1, Ordering::SeqCst) + 1;
        let documents = documents.fetch_add(lost, Ordering::SeqCst) + lost;
        if batches >= BATCHES && documents >= DOCUMENTS {
            return Err(StopReason::Crashes {
                stage: self.stations[stage].step.name().to_owned(),
                documents,
                message,
            });
        }
        Ok(())
    }

    /// Makes sure that there is a process; whether it has done nothing yet.
    fn ready(&mut self) -> Result<bool, Lost> {
        if let Some(process) = &self.process {
            return Ok(process.batches == 0);
        }
        let spare = lock(&self.group.spare).take();
        let process = match spare {
            Some(process) => process,
            None => Process::start(self.group, &|| self.shared.is_over()).map_err(|error| {
                if self.shared.is_over() {
                    return Lost::Stopping;
                }
                Lost::Stop(StopReason::Worker {
                    stage: self.stations[0].step.name().to_owned(),
                    message: error.to_string(),
                })
            })?,
        };
        self.process = Some(process);
        Ok(true)
    }

    /// Sends the documents and waits for what becomes of them.
    fn call(&mut self, batch: &Batch) -> Result<(Done, Vec<u8>), Lost> {
        let Some(process) = &mut self.process else {
            return Err(Lost::Stopping);
        };
        let shared = self.shared;
        let stations = self.stations;
        let last = stations.len() - 1;
        let bytes = batch.to_wire(|layer| self.group.knows(layer));
        let waiting = Instant::now();
        let _permit = stations[last].permits.acquire(stations[last].index);
        tick(&stations[0].clock.for_thread, waiting);
        let mut calling = 0;
        let mut since = Instant::now();
        let mut deadline: Option<Instant> = None;
        let gone = |frame: NoFrame, stage: usize, since: Instant| match frame {
            NoFrame::NotYet => Lost::Stopping,
            NoFrame::Dead(death) => {
                let clock = &stations[stage].clock;
                clock.calls.fetch_add(1, Ordering::Relaxed);
                tick(&clock.busy, since);
                Lost::Died { death, stage }
            }
        };
        process
            .send(Kind::Batch, &bytes, &|| shared.is_over())
            .map_err(|frame| gone(frame, 0, since))?;
        process.batches += 1;
        drop(bytes);
        loop {
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            let torn = match process.receive(LOOK.min(left.unwrap_or(LOOK))) {
                Ok(Frame {
                    kind: Kind::Done,
                    content,
                }) => match protocol::read_done(&content) {
                    Ok((done, work)) => return Ok((done, work.to_vec())),
                    Err(why) => why,
                },
                Ok(Frame {
                    kind: Kind::Calling,
                    content,
                }) => match content[..] {
                    [stage] if usize::from(stage) <= last => {
                        calling = usize::from(stage);
                        since = Instant::now();
                        let timeout = self.group.members[calling].timeout;
                        deadline = timeout.and_then(|timeout| since.checked_add(patience(timeout)));
                        continue;
                    }
                    _ => "a call of a stage that there is not".to_owned(),
                },
                Ok(Frame {
                    kind: Kind::Stop,
                    content,
                }) => match serde_json::from_slice(&content) {
                    Ok(stop) => return Err(Lost::Stop(stop_reason(stop, &self.group.names()))),
                    Err(error) => error.to_string(),
                },
                Ok(Frame { kind, .. }) => format!("a frame {kind:?} out of turn"),
                Err(NoFrame::NotYet) => {
                    if shared.is_over() {
                        return Err(Lost::Stopping);
                    }
                    if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                        process.kill();
                        let clock = &stations[calling].clock;
                        clock.calls.fetch_add(1, Ordering::Relaxed);
                        tick(&clock.busy, since);
                        return Err(Lost::Late { stage: calling });
                    }
                    continue;
                }
                Err(dead) => return Err(gone(dead, calling, since)),
            };
            let death = process.give_up(torn);
            return Err(gone(NoFrame::Dead(death), calling, since));
        }
    }

    /// The documents with what came back put in place of what was sent. If it does not fit,
    /// nothing of it counts.
    fn apply(
        &mut self,
        sent: &Batch,
        done: Done,
        work: &[u8],
        parcel: &mut Parcel,
    ) -> Result<Batch, Lost> {
        let batch = match self.merge(sent, &done, work) {
            Ok(batch) => batch,
            Err(why) => {
                let death = match &mut self.process {
                    Some(process) => process.give_up(why),
                    None => return Err(Lost::Stopping),
                };
                let stage = self.stations.len() - 1;
                return Err(Lost::Died { death, stage });
            }
        };
        for letter in done.letters {
            let key = sent.key(letter.doc);
            let station = &self.stations[letter.stage];
            parcel.letters.push(DeadLetter {
                id: key.id,
                path: key.path,
                stage: station.step.name().to_owned(),
                plugin: Some(station.plugin.clone()),
                class: letter.class,
                code: letter.code,
                message: letter.message,
                attempts: letter.attempts,
                document: Some(sent.as_it_came(letter.doc)),
                seq: key.seq,
            });
        }
        for dropped in done.drops {
            parcel.drops.push(Dropped {
                key: sent.key(dropped.doc),
                stage: self.stations[dropped.stage].step.name().to_owned(),
                reason: dropped.reason,
            });
        }
        for (station, [documents, calls, busy]) in self.stations.iter().zip(done.clocks) {
            let clock = &station.clock;
            clock.documents.fetch_add(documents, Ordering::Relaxed);
            clock.calls.fetch_add(calls, Ordering::Relaxed);
            clock.busy.fetch_add(busy, Ordering::Relaxed);
        }
        let mut counters = lock(&self.group.counters);
        for (counters, more) in counters.iter_mut().zip(done.counters) {
            for (name, count) in more {
                *counters.entry(name).or_default() += count;
            }
        }
        Ok(batch)
    }

    fn merge(&self, sent: &Batch, done: &Done, work: &[u8]) -> Result<Batch, String> {
        let mut batch = sent.clone();
        batch
            .take_work(work, |layer| self.group.knows(layer))
            .map_err(|error| error.to_string())?;
        let letters = done.letters.iter().map(|one| (one.doc, one.stage));
        let drops = done.drops.iter().map(|one| (one.doc, one.stage));
        // What came back is in the order in which it was sent.
        let mut back = (0..batch.len()).map(|doc| batch.seq(doc)).peekable();
        let mut fates: Vec<bool> = (0..sent.len())
            .map(|doc| back.next_if_eq(&sent.seq(doc)).is_some())
            .collect();
        for (doc, stage) in letters.chain(drops) {
            if stage >= self.stations.len() || fates.get(doc) != Some(&false) {
                return Err("a report on a document or stage that there is not".to_owned());
            }
            fates[doc] = true;
        }
        if fates.contains(&false) {
            return Err("a document got lost".to_owned());
        }
        Ok(batch)
    }

    fn letter(
        &self,
        batch: &Batch,
        stage: usize,
        death: Option<&Death>,
        attempts: u32,
    ) -> DeadLetter {
        let (class, (code, message)) = match death {
            Some(death) => (FailureClass::Crashed, death.told(self.group.memory_max_mb)),
            None => {
                let timeout = self.group.members[stage].timeout.unwrap_or_default();
                let message = format!(
                    "the call took longer than `timeout_secs = {}`, and its worker process was ended",
                    timeout.as_secs_f64()
                );
                (FailureClass::Timeout, ("timeout", message))
            }
        };
        let key = batch.key(0);
        DeadLetter {
            id: key.id,
            path: key.path,
            stage: self.stations[stage].step.name().to_owned(),
            plugin: Some(self.stations[stage].plugin.clone()),
            class,
            code: code.to_owned(),
            message,
            attempts,
            document: Some(batch.as_it_came(0)),
            seq: key.seq,
        }
    }
}

/// How long a call may go on before its process is ended: a stage that looks at its time itself
/// is to have stopped by then.
fn patience(timeout: Duration) -> Duration {
    let grace = (timeout / 4).clamp(Duration::from_millis(50), Duration::from_secs(1));
    timeout.saturating_add(grace)
}

fn stop_reason(stop: Stop, stages: &str) -> StopReason {
    match stop {
        Stop::Worker { stage, message } => StopReason::Worker { stage, message },
        Stop::Panics {
            stage,
            batches,
            message,
        } => StopReason::Panics {
            stage,
            batches,
            message,
        },
        Stop::Other(message) => StopReason::Worker {
            stage: stages.to_owned(),
            message,
        },
    }
}
