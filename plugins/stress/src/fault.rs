use std::time::{Duration, Instant};

use copydesk_plugin::{Diagnostics, Doc, Docs, Edit, Host, Out, SpanOut, StageError};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::Config;

/// What can go wrong, and where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Fault {
    /// Nothing.
    #[default]
    None,

    /// Refuses its options: two mistakes and a doubt.
    BadOptions,
    /// Panics while it is created.
    PanicInCreate,
    /// Panics while it loads.
    PanicInLoad,
    /// Panics while it opens a worker.
    PanicInOpenWorker,
    /// Panics at a document.
    PanicInProcess,
    /// Panics at a document, with a payload that is no text and panics itself
    /// when it is dropped.
    PanicWithBomb,
    /// Panics on a thread of its own, and hands the panic on.
    PanicOnThread,
    /// Panics while its worker is closed.
    PanicInCloseWorker,
    /// Panics while it is destroyed.
    PanicInDestroy,

    /// Aborts the process while it loads.
    AbortInLoad,
    /// Fails to load.
    FailLoad,
    /// Fails to open a worker.
    FailOpenWorker,
    /// Fails the call at a document.
    FailCall,
    /// Fails the call, and says that a later try may succeed.
    FailCallRetryable,
    /// Fails the call for a reason that lies in no document.
    FailBatch,
    /// Fails the document; the call goes on.
    FailDocument,
    /// Fails the document the first two times, and says that a later try may succeed.
    FailTwice,
    /// Drops the document on purpose.
    DropDocument,

    /// Writes a span that ends behind the text.
    SpanOutOfBounds,
    /// Writes a span that ends before it starts.
    SpanBackwards,
    /// Writes a span that cuts the first character of more than one byte.
    SpanOffBoundary,
    /// Writes a span that a 32-bit offset would wrap around.
    SpanBeyond4Gib,
    /// Writes to a layer that it has not declared.
    UndeclaredLayer,
    /// Writes a score that is no number.
    ScoreNan,
    /// Writes a score above 1.
    ScoreTooHigh,
    /// Sets an attribute of an input layer that it has not declared.
    ForeignAttribute,
    /// Sets an attribute of a row that does not exist.
    AttributeOfNoRow,
    /// Sets an attribute first to a number, then to text.
    AttributeOfTwoTypes,
    /// Links to a row that never comes to be.
    DanglingLink,
    /// Writes a vector with an infinite value.
    VectorInfinite,
    /// Sets metadata that it has not declared.
    UndeclaredMeta,
    /// Writes a bad span and does not care that it is refused.
    IgnoredRefusal,
    /// Edits the text twice.
    EditTwice,
    /// Edits pieces that overlap.
    EditOverlap,
    /// Cuts the first character, as it should be done.
    Edit,

    /// Takes its time over a document, deaf to deadlines.
    Slow,
    /// Works until its time is up, and stops then.
    UntilCancelled,
    /// Writes to the log, counts, and reads what it was not shown.
    Chatty,
    /// Writes to standard output and standard error.
    Print,

    /// Aborts the process.
    Abort,
    /// Ends the process.
    Exit,
    /// Ends the process by the signal of a bad access to memory.
    Segfault,
    /// Allocates `megabytes`.
    TakeMemory,
    /// Overflows the stack.
    OverflowStack,
    /// Never returns.
    Hang,
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("stress: the payload was dropped");
    }
}

impl Fault {
    pub(crate) fn edits_text(self) -> bool {
        matches!(self, Self::Edit | Self::EditTwice | Self::EditOverlap)
    }

    pub(crate) fn in_create(self, host: &Host<'_>) -> Result<(), Diagnostics> {
        match self {
            Self::PanicInCreate => panic!("stress: asked to panic in create"),
            Self::BadOptions => {
                host.warn_option("/millis", "millis means nothing here", "");
                let mut wrong = Diagnostics::new();
                wrong
                    .error("/fault", "this fault is bad")
                    .hint("take another");
                wrong.error("/only", "so is this");
                Err(wrong)
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn in_load(self) -> Result<(), StageError> {
        match self {
            Self::PanicInLoad => panic!("stress: asked to panic in load"),
            Self::AbortInLoad => std::process::abort(),
            Self::FailLoad => Err(StageError::failed("no-weights", "the weights are gone")),
            _ => Ok(()),
        }
    }

    pub(crate) fn in_open_worker(self) -> Result<(), StageError> {
        match self {
            Self::PanicInOpenWorker => panic!("stress: asked to panic in open_worker"),
            Self::FailOpenWorker => Err(StageError::failed("no-scratch", "no scratch is left")),
            _ => Ok(()),
        }
    }

    pub(crate) fn in_close_worker(self) {
        if self == Self::PanicInCloseWorker {
            panic!("stress: asked to panic in close_worker");
        }
    }

    pub(crate) fn in_destroy(self) {
        if self == Self::PanicInDestroy {
            panic!("stress: asked to panic in destroy");
        }
    }

    pub(crate) fn in_document(
        self,
        doc: &Doc<'_>,
        out: &mut Out<'_>,
        config: &Config,
    ) -> Result<(), StageError> {
        match self {
            Self::PanicInProcess => panic!("stress: asked to panic at {}", doc.id()),
            Self::PanicWithBomb => std::panic::panic_any(Bomb),
            Self::PanicOnThread => {
                let panicking = || -> () { panic!("stress: asked to panic on a thread") };
                if let Err(payload) = std::thread::spawn(panicking).join() {
                    std::panic::resume_unwind(payload);
                }
            }
            Self::FailCall => return Err(StageError::failed("bad-text", "cannot read this")),
            Self::FailCallRetryable => {
                return Err(StageError::failed("busy", "try again").retryable());
            }
            Self::FailBatch => return Err(StageError::batch("no-memory", "out of scratch")),
            Self::FailDocument => out.fail(doc, false, "bad-text", "cannot read this")?,
            Self::DropDocument => out.drop(doc, "not wanted")?,
            Self::Slow => std::thread::sleep(Duration::from_millis(config.millis)),
            Self::Chatty => chat(doc, out),
            Self::Print => {
                println!("stress: printed at {}", doc.id());
                eprintln!("stress: and said so at {}", doc.id());
            }
            Self::TakeMemory => take_memory(config.megabytes),
            Self::Segfault => segfault(),
            Self::Abort => std::process::abort(),
            Self::Exit => std::process::exit(7),
            Self::OverflowStack => {
                deeper(0);
            }
            Self::Hang => loop {
                std::thread::sleep(Duration::from_secs(1));
            },
            _ => self.bad_write(doc, out)?,
        }
        Ok(())
    }

    fn bad_write(self, doc: &Doc<'_>, out: &mut Out<'_>) -> Result<(), StageError> {
        let len = doc.text().len();
        let marks = out.layer("marks")?;
        match self {
            Self::SpanOutOfBounds => {
                out.span(doc, marks, 0..len + 1, None, None)?;
            }
            Self::SpanBackwards => {
                let (start, end) = (1, 0);
                out.span(doc, marks, start..end, None, None)?;
            }
            Self::SpanOffBoundary => {
                let wide = doc.text().char_indices().find(|(_, c)| c.len_utf8() > 1);
                let at = wide.map_or(0, |(at, _)| at + 1);
                out.span(doc, marks, at..len, None, None)?;
            }
            Self::SpanBeyond4Gib => {
                let wrapped = 1 << 32;
                out.span(doc, marks, wrapped..wrapped + len, None, None)?;
            }
            Self::UndeclaredLayer => {
                out.layer("secrets")?;
            }
            Self::ScoreNan => {
                out.span(doc, marks, 0..len, None, Some(f32::NAN))?;
            }
            Self::ScoreTooHigh => {
                out.span(doc, marks, 0..len, None, Some(1.5))?;
            }
            Self::ForeignAttribute => {
                let entities = out.layer("entities")?;
                out.set(doc, entities, 0, "colour", "blue")?;
            }
            Self::AttributeOfNoRow => out.set(doc, marks, 7, "colour", "blue")?,
            Self::AttributeOfTwoTypes => {
                let row = out.span(doc, marks, 0..len, None, None)?;
                out.set(doc, marks, row, "colour", 3)?;
                let row = out.span(doc, marks, 0..len, None, None)?;
                out.set(doc, marks, row, "colour", "blue")?;
            }
            Self::DanglingLink => {
                let row = out.span(doc, marks, 0..len, None, None)?;
                out.set(doc, marks, row, "next", out.link(marks, row + 1))?;
            }
            Self::VectorInfinite => {
                let row = out.span(doc, marks, 0..len, None, None)?;
                out.vectors(doc, marks, row, "vector", 2, &[0.0, f32::INFINITY])?;
            }
            Self::UndeclaredMeta => out.meta(doc, "title", "Mine")?,
            Self::IgnoredRefusal => {
                let whole = SpanOut {
                    range: 0..len + 1,
                    label: None,
                    score: None,
                };
                let _ = out.spans(doc, marks, &[whole]);
            }
            Self::EditTwice => {
                out.edit(doc, &[cut(doc)])?;
                out.edit(doc, &[cut(doc)])?;
            }
            Self::EditOverlap => out.edit(doc, &[cut(doc), cut(doc)])?,
            Self::Edit => out.edit(doc, &[cut(doc)])?,
            _ => {}
        }
        Ok(())
    }
}

pub(crate) fn until_cancelled(docs: Docs<'_>, at_most: Duration) -> Result<(), StageError> {
    let start = Instant::now();
    while start.elapsed() < at_most {
        docs.check_time()?;
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// Piece by piece, so that what is left of a limit is small when it is hit. Nothing is touched:
/// where there is no limit, this costs the system nothing.
fn take_memory(megabytes: u64) {
    const PIECE: u64 = 4;
    let pieces = (0..megabytes / PIECE)
        .map(|_| Vec::<u8>::with_capacity((PIECE * 1_000_000) as usize))
        .collect::<Vec<_>>();
    std::hint::black_box(pieces);
}

#[cfg(unix)]
fn segfault() {
    use rustix::process::{Signal, getpid, kill_process};
    loop {
        // The first only takes the runtime's own handler away.
        let _ = kill_process(getpid(), Signal::SEGV);
    }
}

#[cfg(not(unix))]
fn segfault() {
    std::process::abort();
}

fn chat(doc: &Doc<'_>, out: &mut Out<'_>) {
    tracing::info!(
        id = doc.id(),
        layers = doc.layer("entities").is_some(),
        "a word"
    );
    tracing::debug!("too fine to be heard");
    let title = doc.meta().ok().and_then(|meta| meta.get("title").cloned());
    tracing::warn!(?title, "read the metadata");
    std::thread::scope(|scope| {
        scope.spawn(|| tracing::warn!("from a thread of its own"));
    });
    out.count("words", doc.text().split_whitespace().count() as u64);
}

fn cut(doc: &Doc<'_>) -> Edit<'static> {
    let first = doc.text().chars().next().map_or(0, char::len_utf8);
    Edit {
        range: 0..first,
        with: "",
        kind: Some("stress"),
    }
}

#[allow(unconditional_recursion)]
fn deeper(depth: u64) -> u64 {
    // Used after the call, so that it cannot become a loop.
    std::hint::black_box(deeper(depth + 1)) + depth
}
