//! What is seen of a run while it goes on: a bar on a terminal, now and then a line elsewhere.

use std::{
    io::{IsTerminal, stderr, stdout},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use copydesk_engine::{Counts, DeadLetter, Overdue, Progress, SizeHint};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{
    args::{LogFormat, Voice},
    summary::{long, number, share},
    voice,
};

/// The first failures are told one by one, the rest are counted: a broken stage fails every
/// document, and a million lines help nobody.
pub(crate) const TOLD: u64 = 10;
/// A rate means something from here on.
const SETTLED: Duration = Duration::from_secs(2);
/// Between two lines where there is no terminal.
const EVERY: Duration = Duration::from_secs(30);

/// Listens to a run.
pub(crate) struct Reporter {
    look: Look,
    failures: AtomicU64,
    /// Where the rest of the failures can be read.
    dead_letters: Option<String>,
    state: Mutex<State>,
}

enum Look {
    Bar(ProgressBar),
    Lines,
    Silent,
}

struct State {
    size: SizeHint,
    read: u64,
    bytes: u64,
    counts: Counts,
    /// What earlier processes have done.
    earlier: Counts,
    begun: Instant,
    last_line: Instant,
}

impl Reporter {
    /// `to_stdout` says that documents go to the standard output, where a bar would stand in
    /// their way if it is a terminal.
    pub(crate) fn new(voice: &Voice, to_stdout: bool, dead_letters: Option<String>) -> Self {
        let in_the_way = to_stdout && stdout().is_terminal();
        let look = if voice.quiet || in_the_way {
            Look::Silent
        } else if voice.log_format == LogFormat::Text && stderr().is_terminal() {
            Look::Bar(ProgressBar::with_draw_target(
                None,
                ProgressDrawTarget::stderr_with_hz(8),
            ))
        } else {
            Look::Lines
        };
        Self {
            look,
            failures: AtomicU64::new(0),
            dead_letters,
            state: Mutex::new(State {
                size: SizeHint::default(),
                read: 0,
                bytes: 0,
                counts: Counts::default(),
                earlier: Counts::default(),
                begun: Instant::now(),
                last_line: Instant::now(),
            }),
        }
    }

    fn update(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        match &self.look {
            Look::Silent => {}
            Look::Bar(bar) => {
                bar.set_position(state.position());
                bar.set_message(state.words());
            }
            Look::Lines if state.last_line.elapsed() >= EVERY => {
                state.last_line = Instant::now();
                let part = match state.part() {
                    Some(part) => format!("{} read, ", share(part)),
                    None => String::new(),
                };
                let words = format!("{part}{}", state.words());
                if tracing::enabled!(tracing::Level::INFO) {
                    tracing::info!("{words}");
                } else {
                    voice::say(words);
                }
            }
            Look::Lines => {}
        }
    }
}

impl State {
    /// Documents where their number is known, else bytes: those of the documents that came to an
    /// end, as far as the average tells, for the reader is ahead of the rest.
    fn position(&self) -> u64 {
        let ended = self.counts.total();
        if self.size.documents.is_some() {
            return ended;
        }
        let here = self.counts.since(self.earlier).total();
        let part = here as f64 / self.read.max(1) as f64;
        (self.bytes as f64 * part.min(1.0)) as u64
    }

    fn length(&self) -> Option<u64> {
        self.size.documents.or(self.size.bytes)
    }

    fn part(&self) -> Option<f64> {
        let length = self.length().filter(|length| *length > 0)?;
        Some((self.position() as f64 / length as f64).min(1.0))
    }

    fn words(&self) -> String {
        let mut words = format!("{} done", number(self.counts.done));
        if self.counts.dropped > 0 {
            words += &format!(", {} dropped", number(self.counts.dropped));
        }
        if self.counts.failed > 0 {
            words += &format!(", {} failed", number(self.counts.failed));
        }
        let seconds = self.begun.elapsed().as_secs_f64();
        let here = self.counts.since(self.earlier).total();
        if seconds >= SETTLED.as_secs_f64() && here > 0 {
            let megabytes = self.bytes as f64 / 1e6;
            words += &format!(" · {megabytes:.1} MB · {:.1}/s", here as f64 / seconds);
            if let Some(left) = self.left(seconds) {
                words += &format!(" · {} left", long(left));
            }
        }
        words
    }

    /// How long it will take from here, in seconds, as fast as it went until here.
    fn left(&self, seconds: f64) -> Option<f64> {
        let length = self.length()?;
        let position = self.position();
        let before = match self.size.documents {
            Some(_) => self.earlier.total(),
            None => 0,
        };
        let here = position.checked_sub(before).filter(|here| *here > 0)?;
        Some(length.saturating_sub(position) as f64 * seconds / here as f64)
    }
}

impl Progress for Reporter {
    fn started(&self, size: SizeHint, earlier: Counts) {
        if let Look::Bar(bar) = &self.look {
            let length = size.documents.or(size.bytes);
            let template = match length {
                Some(_) => "{bar:32.cyan/dim} {percent:>3} %  {msg}  {elapsed:.dim}",
                None => "{spinner:.cyan} {msg}  {elapsed:.dim}",
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("━╸─"));
            }
            if let Some(length) = length {
                bar.set_length(length);
            }
            bar.enable_steady_tick(Duration::from_millis(125));
            voice::start_bar(bar);
        }
        self.update(|state| {
            (state.size, state.earlier, state.counts) = (size, earlier, earlier);
            state.begun = Instant::now();
        });
    }

    fn read(&self, documents: u64, bytes: u64) {
        self.update(|state| (state.read, state.bytes) = (documents, bytes));
    }

    fn counted(&self, counts: Counts) {
        self.update(|state| state.counts = counts);
    }

    fn failed(&self, letter: &DeadLetter) {
        let before = self.failures.fetch_add(1, Ordering::Relaxed);
        if before < TOLD {
            let (id, stage) = (&letter.id, &letter.stage);
            let (code, message) = (&letter.code, &letter.message);
            if stage == "input" {
                // The message has the line; the id may have neither file nor line.
                let file = letter.path.as_ref().unwrap_or(id);
                tracing::warn!("failed to read `{file}`: {message} ({code})");
            } else {
                tracing::warn!("stage `{stage}` failed on `{id}`: {message} ({code})");
            }
        } else if before == TOLD {
            match &self.dead_letters {
                Some(path) => tracing::warn!(
                    "more documents failed; from here on they are only counted, each stands in `{path}`"
                ),
                None => tracing::warn!(
                    "more documents failed; from here on they are only counted, `--dead-letters PATH` keeps them"
                ),
            }
        }
    }

    fn overdue(&self, call: &Overdue) {
        let documents = call.documents.iter().take(3).map(|id| format!("`{id}`"));
        let mut documents = documents.collect::<Vec<_>>().join(", ");
        if call.documents.len() > 3 {
            documents += &format!(" and {} more", call.documents.len() - 3);
        }
        tracing::warn!(
            "stage `{}` has been working on {documents} for {:.1} s, more than its `timeout_secs` of {}",
            call.stage,
            call.elapsed.as_secs_f64(),
            call.timeout.as_secs_f64(),
        );
    }

    fn stopping(&self, in_flight: u64) {
        let documents = match in_flight {
            1 => "the document".to_owned(),
            count => format!("the {} documents", number(count)),
        };
        tracing::warn!(
            "stopping: finishing {documents} in flight; press Ctrl-C again to end at once"
        );
    }
}
