//! What is said on standard error: logs, errors with their causes, and nothing that tears a
//! progress bar.

use std::{
    error::Error,
    fmt,
    io::{self, Write},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use anstyle::{AnsiColor, Color, Style};
use indicatif::ProgressBar;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::{
    EnvFilter,
    fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter, format::Writer},
    registry::LookupSpan,
};

use crate::args::{self, LogFormat, Voice};

pub(crate) const ERROR: Style = Style::new()
    .fg_color(Some(Color::Ansi(AnsiColor::Red)))
    .bold();
pub(crate) const WARNING: Style = Style::new()
    .fg_color(Some(Color::Ansi(AnsiColor::Yellow)))
    .bold();
pub(crate) const HINT: Style = Style::new()
    .fg_color(Some(Color::Ansi(AnsiColor::Cyan)))
    .bold();
pub(crate) const STRONG: Style = Style::new().bold();
pub(crate) const QUIET: Style = Style::new().dimmed();

/// Whether messages are JSON objects.
static JSON: AtomicBool = AtomicBool::new(false);
/// The bar that stands in the last line, if one does: it is lifted while something is written.
static BAR: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Sets up colour and logging; must be called once, first of all.
pub(crate) fn set_up(voice: &Voice) {
    match voice.color {
        args::Color::Auto => {}
        args::Color::Always => anstream::ColorChoice::Always.write_global(),
        args::Color::Never => anstream::ColorChoice::Never.write_global(),
    }
    let json = voice.log_format == LogFormat::Json;
    JSON.store(json, Ordering::Relaxed);
    let default = match (voice.quiet, voice.verbose) {
        (true, _) => "error",
        (false, 0) if json => "info",
        (false, 0) => "warn",
        (false, 1) => "info",
        (false, 2) => "debug",
        (false, _) => "trace",
    };
    let filter = ["COPYDESK_LOG", "RUST_LOG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .filter(|_| !voice.quiet)
        .map_or_else(|| EnvFilter::new(default), EnvFilter::new);
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(Stderr);
    // An earlier subscriber can only be that of a test; its choice stands.
    let _ = if json {
        logs.json().flatten_event(true).try_init()
    } else {
        logs.event_format(Plain {
            detailed: voice.verbose > 1,
        })
        .try_init()
    };
}

/// Whether standard error shows colour.
pub(crate) fn stderr_has_colour() -> bool {
    anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never
}

/// Whether standard output shows colour.
pub(crate) fn stdout_has_colour() -> bool {
    anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
}

/// Whether messages are JSON objects, one a line.
pub(crate) fn is_json() -> bool {
    JSON.load(Ordering::Relaxed)
}

/// Writes to standard error, above the progress bar. If nobody listens there is nobody to tell.
pub(crate) fn say(text: impl fmt::Display) {
    let text = text.to_string();
    above_the_bar(|| {
        let mut stderr = anstream::stderr().lock();
        let _ = writeln!(stderr, "{text}");
    });
}

/// Says what went wrong and why, and what might help.
pub(crate) fn say_error(error: &anyhow::Error) {
    let hint = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<Hinted>());
    let hint = hint.map(|hinted| hinted.hint.as_str());
    if is_json() {
        let causes: Vec<String> = error.chain().skip(1).map(ToString::to_string).collect();
        let cause = (!causes.is_empty()).then(|| causes.join(": "));
        tracing::error!(cause, hint, "{error}");
        return;
    }
    let mut text = format!("{ERROR}error{ERROR:#}{STRONG}:{STRONG:#} {error}");
    for cause in error.chain().skip(1).map(ToString::to_string) {
        // Some errors tell their cause themselves.
        if !text.contains(&cause) {
            text += &format!("\n  caused by: {cause}");
        }
    }
    if let Some(hint) = hint {
        text += &format!("\n\n{HINT}hint{HINT:#}{STRONG}:{STRONG:#} {hint}");
    }
    say(text);
}

/// Says several errors, a blank line between two.
pub(crate) fn say_errors(errors: &[anyhow::Error]) {
    for (i, error) in errors.iter().enumerate() {
        if i > 0 && !is_json() {
            say("");
        }
        say_error(error);
    }
}

/// Lets `bar` stand in the last line until [`end_bar`].
pub(crate) fn start_bar(bar: &ProgressBar) {
    *BAR.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.clone());
}

/// Takes the bar away.
pub(crate) fn end_bar() {
    if let Some(bar) = BAR.lock().unwrap_or_else(PoisonError::into_inner).take() {
        bar.finish_and_clear();
    }
}

fn above_the_bar(write: impl FnOnce()) {
    let bar = BAR.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match bar {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

/// An error with a remedy.
#[derive(Debug)]
pub(crate) struct Hinted {
    error: Box<dyn Error + Send + Sync>,
    hint: String,
}

impl Hinted {
    pub(crate) fn new(
        error: impl Into<Box<dyn Error + Send + Sync>>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            error: error.into(),
            hint: hint.into(),
        }
    }
}

impl fmt::Display for Hinted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for Hinted {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

/// Where logs go.
struct Stderr;

impl<'a> MakeWriter<'a> for Stderr {
    type Writer = Message;

    fn make_writer(&'a self) -> Message {
        Message(Vec::new())
    }
}

/// One message, written in one piece when it is complete.
struct Message(Vec<u8>);

impl Write for Message {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        above_the_bar(|| {
            let _ = anstream::stderr().lock().write_all(&self.0);
        });
    }
}

/// Messages as people read them: `warning: …`; with `-vv` also when and from where.
struct Plain {
    detailed: bool,
}

impl<S, N> FormatEvent<S, N> for Plain
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();
        let (style, word) = match *metadata.level() {
            Level::ERROR => (ERROR, "error"),
            Level::WARN => (WARNING, "warning"),
            Level::INFO => (HINT, "info"),
            Level::DEBUG => (QUIET, "debug"),
            Level::TRACE => (QUIET, "trace"),
        };
        write!(writer, "{style}{word}{style:#}{STRONG}:{STRONG:#} ")?;
        if self.detailed {
            write!(writer, "{QUIET}{}{QUIET:#} ", metadata.target())?;
        }
        context
            .field_format()
            .format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}
