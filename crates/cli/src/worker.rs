//! `copydesk __worker`: a worker process of a run with `isolation = "process"`. Started by the run
//! alone, so it is in no help.

use std::fmt;

use tracing::{Event, Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

use crate::args::Worker;

pub(crate) fn work(args: &Worker) -> anyhow::Result<u8> {
    // Messages go to the run, which writes them as its own.
    let logs = tracing_subscriber::fmt()
        .with_max_level(args.level)
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .event_format(ToTheRun);
    // An earlier subscriber can only be that of a test; its choice stands.
    let _ = logs.try_init();
    copydesk_engine::serve()?;
    Ok(0)
}

struct ToTheRun;

impl<S, N> FormatEvent<S, N> for ToTheRun
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
        let mut text = String::new();
        context
            .field_format()
            .format_fields(Writer::new(&mut text), event)?;
        let level = *event.metadata().level();
        writeln!(writer, "{}", copydesk_engine::log_line(level, &text))
    }
}

/// The level of messages that the run wants.
pub(crate) fn level(name: &str) -> Result<LevelFilter, String> {
    name.parse().map_err(|_| format!("no level `{name}`"))
}
