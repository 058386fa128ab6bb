//! What a run has done, and the exit code that follows.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::control::Interrupt;
use crate::ids::Ids;
use crate::sink::{FailureClass, SinkError};

/// What became of the documents.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Written to the output.
    pub done: u64,
    /// Left out on purpose by a stage.
    pub dropped: u64,
    /// Written to the dead letters.
    pub failed: u64,
}

impl Counts {
    /// All that came to an end.
    pub fn total(self) -> u64 {
        self.done + self.dropped + self.failed
    }

    /// What came to an end since it was `earlier`.
    pub fn since(self, earlier: Self) -> Self {
        Self {
            done: self.done.saturating_sub(earlier.done),
            dropped: self.dropped.saturating_sub(earlier.dropped),
            failed: self.failed.saturating_sub(earlier.failed),
        }
    }
}

/// What earlier runs over the same input have done, where a run continues them.
#[derive(Debug, Clone, Default)]
pub struct Earlier {
    /// What became of their documents: the counts and budgets of the run go on from here.
    pub counts: Counts,
    /// Why documents failed.
    pub causes: Vec<Cause>,
    /// Why documents were dropped.
    pub drops: Vec<DropReason>,
    /// The ids of the documents that were read, which are taken.
    pub ids: Ids,
}

/// What a run has done.
#[derive(Debug)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// What became of the documents, those of earlier runs among them.
    pub counts: Counts,
    /// What became of the documents of this run.
    pub counts_here: Counts,
    /// Documents that were read and came to no end, because the run stopped early.
    pub unfinished: u64,
    /// From start to end.
    pub elapsed: Duration,
    /// Bytes of input read, as they lie on disk.
    pub bytes: u64,
    /// The thread budget.
    pub threads: u32,
    /// The stages in their order.
    pub stages: Vec<StageReport>,
    /// Why documents failed, the commonest cause first.
    pub causes: Vec<Cause>,
    /// Why documents were dropped, the commonest reason first.
    pub drops: Vec<DropReason>,
}

/// What one stage has done.
#[derive(Debug, Clone, PartialEq)]
pub struct StageReport {
    /// Its name in the pipeline.
    pub name: String,
    /// Its plugin and version.
    pub plugin: String,
    /// Documents that it was given.
    pub documents: u64,
    /// How many batches it may work on at one time.
    pub workers: u32,
    /// Calls, those of bisection among them.
    pub calls: u64,
    /// Time spent in calls, all workers together.
    pub busy: Duration,
    /// `busy` as part (0 to 1) of all stages' busy time.
    pub share: f64,
    /// Time its workers waited for documents.
    pub waited_for_input: Duration,
    /// Time its workers waited for the next stage to take what they had.
    pub waited_for_output: Duration,
    /// Time its workers waited for one of the run's threads.
    pub waited_for_thread: Duration,
    /// How full the channel before it was on average, as part (0 to 1) of the batches it may
    /// hold.
    pub queue_before: f64,
    /// How full the channel after it was on average.
    pub queue_after: f64,
    /// Counters of the stage itself.
    pub counters: Vec<(String, u64)>,
}

/// Why documents failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// The stage, `input` before the first.
    pub stage: String,
    /// The kind of failure.
    pub class: FailureClass,
    /// Its short name.
    pub code: String,
    /// The message of the first such document.
    pub message: String,
    /// How many documents.
    pub documents: u64,
}

/// Why documents were dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropReason {
    /// The stage.
    pub stage: String,
    /// Its reason.
    pub reason: String,
    /// How many documents.
    pub documents: u64,
}

/// What a run waited for most of its time.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Bottleneck {
    /// The thread budget is used up, most of it by this stage.
    Threads {
        /// The stage's place in [`Report::stages`].
        stage: usize,
    },
    /// The workers of this stage are always busy while threads are free.
    Workers {
        /// The stage's place in [`Report::stages`].
        stage: usize,
    },
    /// The stages wait for documents.
    Input,
    /// What is done waits to be written.
    Output,
}

/// How a run ended.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// The input was read to its end.
    Finished,
    /// Somebody asked it to stop; the documents in flight were finished.
    Interrupted(Interrupt),
    /// Somebody asked it to end at once; documents in flight were left.
    Aborted(Interrupt),
    /// More documents failed than the file allows.
    BudgetExceeded(Budget),
    /// The reader of the output's pipe went away.
    BrokenPipe,
    /// It could not go on.
    Stopped(StopReason),
}

/// The limit that failed documents exceeded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Budget {
    /// `[run] max_failed`.
    Count(u64),
    /// `[run] max_failed_ratio`.
    Ratio(f64),
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(limit) => write!(f, "`max_failed = {limit}`"),
            Self::Ratio(limit) => write!(f, "`max_failed_ratio = {limit}`"),
        }
    }
}

/// Why a run could not go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StopReason {
    /// The output or the dead letters could not be written.
    #[error(transparent)]
    Sink(#[from] SinkError),
    /// The input cannot be read on.
    #[error("failed to read the input: {0}")]
    Input(String),
    /// A stage's worker could not be opened.
    #[error("failed to open a worker of stage `{stage}`: {message}")]
    Worker {
        /// The stage.
        stage: String,
        /// What the plugin or host said.
        message: String,
    },
    /// A stage panicked on every document of several batches in a row.
    #[error(
        "stage `{stage}` panicked on every document of {batches} batches in a row, the last time with: {message}"
    )]
    Panics {
        /// The stage.
        stage: String,
        /// How many batches.
        batches: u32,
        /// The last panic's message.
        message: String,
    },
    /// Every document of several batches in a row killed its worker process.
    #[error(
        "stage `{stage}` lost its worker process on each of {documents} documents in a row, the last time: {message}"
    )]
    Crashes {
        /// The stage.
        stage: String,
        /// How many documents.
        documents: u64,
        /// The last document's message.
        message: String,
    },
    /// A thread of the engine ended before its time: a mistake in copydesk itself.
    #[error("a thread of the engine ended before its time; this is a bug in copydesk")]
    Internal,
}

/// The exit code that follows from how a run ended and how many documents failed.
///
/// 0 all right · 1 could not go on · 3 finished, some documents failed · 4 failure budget
/// exceeded · 130 and 143 interrupted. (2, wrong usage, is the command's own; a run that cannot
/// start is 1.) A broken pipe is 0: the reader had what it wanted.
pub fn exit_code(outcome: &Outcome, counts: Counts) -> u8 {
    match outcome {
        Outcome::Stopped(_) => 1,
        Outcome::BudgetExceeded(_) => 4,
        Outcome::Interrupted(by) | Outcome::Aborted(by) => match by {
            Interrupt::Interrupt => 130,
            Interrupt::Terminate => 143,
        },
        Outcome::BrokenPipe => 0,
        Outcome::Finished if counts.failed > 0 => 3,
        Outcome::Finished => 0,
    }
}

impl Report {
    /// What the run waited for; `None` where it was too short to tell, or nothing stands out.
    pub fn bottleneck(&self) -> Option<Bottleneck> {
        /// Shorter runs tell of their start and end.
        const ENOUGH: Duration = Duration::from_secs(1);
        /// Of the time there is, so much is all of it: batches have beginnings and ends.
        const ALL: f64 = 0.8;
        let elapsed = self.elapsed.as_secs_f64();
        if self.elapsed < ENOUGH {
            return None;
        }
        let used = |busy: f64, threads: u32| busy / (elapsed * f64::from(threads.max(1)));
        let busiest = (0..self.stages.len()).max_by(|&a, &b| {
            let busy = |stage: usize| self.stages[stage].busy;
            busy(a).cmp(&busy(b))
        });
        let all: f64 = self.stages.iter().map(|one| one.busy.as_secs_f64()).sum();
        if let Some(stage) = busiest.filter(|_| used(all, self.threads) >= ALL) {
            return Some(Bottleneck::Threads { stage });
        }
        let at_its_limit = |stage: &StageReport| {
            stage.workers < self.threads && used(stage.busy.as_secs_f64(), stage.workers) >= ALL
        };
        if let Some(stage) = self.stages.iter().position(at_its_limit) {
            return Some(Bottleneck::Workers { stage });
        }
        let (first, last) = (self.stages.first()?, self.stages.last()?);
        if last.queue_after > 0.5 {
            Some(Bottleneck::Output)
        } else if first.queue_before < 0.2 {
            Some(Bottleneck::Input)
        } else {
            None
        }
    }

    /// The exit code of a process that did this and nothing else.
    pub fn exit_code(&self) -> u8 {
        exit_code(&self.outcome, self.counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLEAN: Counts = Counts {
        done: 5,
        dropped: 2,
        failed: 0,
    };
    const SOME_FAILED: Counts = Counts {
        done: 4,
        dropped: 0,
        failed: 1,
    };

    #[test]
    fn a_finished_run_is_0_and_3_if_documents_failed() {
        assert_eq!(exit_code(&Outcome::Finished, CLEAN), 0);
        assert_eq!(exit_code(&Outcome::Finished, SOME_FAILED), 3);
    }

    #[test]
    fn documents_dropped_on_purpose_are_no_failure() {
        let dropped = Counts {
            dropped: 7,
            ..Counts::default()
        };
        assert_eq!(exit_code(&Outcome::Finished, dropped), 0);
    }

    #[test]
    fn what_stopped_the_run_outweighs_failed_documents() {
        let stopped = Outcome::Stopped(StopReason::Internal);
        assert_eq!(exit_code(&stopped, SOME_FAILED), 1);
        let budget = Outcome::BudgetExceeded(Budget::Count(0));
        assert_eq!(exit_code(&budget, SOME_FAILED), 4);
        assert_eq!(
            exit_code(&Outcome::Interrupted(Interrupt::Interrupt), SOME_FAILED),
            130
        );
        assert_eq!(
            exit_code(&Outcome::Aborted(Interrupt::Terminate), CLEAN),
            143
        );
    }

    fn stage(busy: f64, workers: u32, queues: (f64, f64)) -> StageReport {
        StageReport {
            name: "stage".to_owned(),
            plugin: "test/stage 1.0.0".to_owned(),
            documents: 100,
            workers,
            calls: 100,
            busy: Duration::from_secs_f64(busy),
            share: 0.0,
            waited_for_input: Duration::ZERO,
            waited_for_output: Duration::ZERO,
            waited_for_thread: Duration::ZERO,
            queue_before: queues.0,
            queue_after: queues.1,
            counters: Vec::new(),
        }
    }

    fn after_ten_seconds(stages: Vec<StageReport>) -> Report {
        Report {
            outcome: Outcome::Finished,
            counts: CLEAN,
            counts_here: CLEAN,
            unfinished: 0,
            elapsed: Duration::from_secs(10),
            bytes: 1,
            threads: 2,
            stages,
            causes: Vec::new(),
            drops: Vec::new(),
        }
    }

    #[test]
    fn the_bottleneck_is_what_the_others_wait_for() {
        let of = |stages| after_ten_seconds(stages).bottleneck();
        let empty = (0.0, 0.0);
        let threads = vec![stage(4.0, 2, empty), stage(15.0, 2, empty)];
        assert_eq!(of(threads), Some(Bottleneck::Threads { stage: 1 }));
        let workers = vec![stage(9.5, 1, (1.0, 0.0)), stage(1.0, 2, empty)];
        assert_eq!(of(workers), Some(Bottleneck::Workers { stage: 0 }));
        let input = vec![stage(3.0, 2, empty)];
        assert_eq!(of(input), Some(Bottleneck::Input));
        let output = vec![stage(3.0, 2, (0.9, 0.9))];
        assert_eq!(of(output), Some(Bottleneck::Output));
    }

    #[test]
    fn a_short_run_has_no_bottleneck() {
        let mut report = after_ten_seconds(vec![stage(0.2, 1, (0.0, 0.0))]);
        report.elapsed = Duration::from_millis(200);
        assert_eq!(report.bottleneck(), None);
    }

    #[test]
    fn a_broken_pipe_is_quiet() {
        assert_eq!(exit_code(&Outcome::BrokenPipe, SOME_FAILED), 0);
    }
}
