//! What a run has done, in a few lines.

use std::fmt::Write;

use copydesk_engine::{Outcome, Report};

use crate::{
    args::Voice,
    progress::TOLD,
    select::Extent,
    voice::{self, QUIET, STRONG},
};

/// Where things went, for the summary.
pub(crate) struct Destinations<'a> {
    /// The output, unless it is the standard output.
    pub(crate) output: Option<&'a str>,
    /// The dead letters, if they are kept.
    pub(crate) dead_letters: Option<&'a str>,
    /// The report in a run directory, where the whole story stands.
    pub(crate) report: Option<&'a str>,
}

/// The summary as people read it; no line end behind it.
pub(crate) fn summary(report: &Report, to: &Destinations<'_>) -> String {
    let mut text = String::new();
    let counts = report.counts;
    let verb = match report.outcome {
        Outcome::Finished => "finished",
        _ => "stopped",
    };
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "{STRONG}{verb}{STRONG:#} in {}: {} done, {} dropped, {} failed",
        seconds(report.elapsed.as_secs_f64()),
        count(counts.done, "document"),
        number(counts.dropped),
        number(counts.failed),
    );
    if report.unfinished > 0 {
        let _ = write!(text, ", {} unfinished", number(report.unfinished));
    }
    if report.counts != report.counts_here {
        let _ = write!(
            text,
            " ({} by this process)",
            number(report.counts_here.total())
        );
    }
    stages(report, to.report.is_some(), &mut text);
    if to.report.is_some() {
        waited_for(report, &mut text);
    }
    for drop in report.drops.iter().take(5) {
        let _ = write!(
            text,
            "\n  {} dropped by `{}`: {}",
            number(drop.documents),
            drop.stage,
            drop.reason
        );
    }
    // A few failures have all been told one by one, unless an earlier process had them.
    let over = matches!(report.outcome, Outcome::BudgetExceeded(_));
    let causes = if counts.failed > TOLD || over || report.counts_here.failed < counts.failed {
        report.causes.as_slice()
    } else {
        &[]
    };
    for cause in causes.iter().take(5) {
        let _ = write!(
            text,
            "\n  {} failed in `{}` ({}), the first: {}",
            number(cause.documents),
            cause.stage,
            cause.code,
            cause.message.lines().next().unwrap_or_default()
        );
    }
    if let Some(output) = to.output {
        let _ = write!(text, "\n  output        {output}");
    }
    if let Some(letters) = to.dead_letters.filter(|_| counts.failed > 0) {
        let _ = write!(text, "\n  dead letters  {letters}");
    }
    if let Some(report) = to.report {
        let _ = write!(text, "\n  report        {report}");
    }
    text
}

/// Speed, memory, and what would make it faster.
fn waited_for(report: &Report, text: &mut String) {
    let seconds = report.elapsed.as_secs_f64().max(1e-9);
    let _ = write!(
        text,
        "\n  {:.1} documents and {} a second",
        report.counts_here.total() as f64 / seconds,
        crate::report::megabytes((report.bytes as f64 / seconds) as u64),
    );
    if let Some(bytes) = crate::report::peak_memory() {
        let _ = write!(
            text,
            ", at most {} of memory",
            crate::report::megabytes(bytes)
        );
    }
    if let Some(advice) = crate::report::advice(report) {
        let _ = write!(text, "\n  bottleneck    {}: {}", advice.words, advice.help);
    }
}

/// Says what the whole input would take, after a sample of it.
pub(crate) fn say_estimate(
    report: &Report,
    extent: Extent,
    output_bytes: Option<u64>,
    voice: &Voice,
) {
    let ended = report.counts.total().max(1);
    let times = extent.documents as f64 / ended as f64;
    let time = report.elapsed.as_secs_f64() * times;
    let bytes = output_bytes.map(|bytes| (bytes as f64 * times) as u64);
    let failed = report.counts.failed as f64 * times;
    if voice::is_json() {
        tracing::info!(
            documents = extent.documents,
            exact = extent.exact,
            seconds = time.round(),
            output_bytes = bytes,
            failed = failed.round(),
            "estimate for the whole input"
        );
        return;
    }
    if voice.quiet {
        return;
    }
    let about = if extent.exact { "" } else { "about " };
    let mut text = format!(
        "{STRONG}the whole input{STRONG:#} has {about}{}: about {}",
        count(extent.documents, "document"),
        long(time),
    );
    if let Some(bytes) = bytes {
        let _ = write!(text, ", {} of output", crate::report::megabytes(bytes));
    }
    if report.counts.failed > 0 {
        let _ = write!(text, ", {} failed", number(failed.round() as u64));
    }
    let _ = write!(
        text,
        ", as fast as this sample of {} went",
        number(report.counts.total())
    );
    voice::say(text);
}

fn stages(report: &Report, queues: bool, text: &mut String) {
    let Some(widest) = report
        .stages
        .iter()
        .map(|stage| stage.name.chars().count())
        .max()
    else {
        return;
    };
    let name = "stage";
    let width = widest.max(name.len());
    let _ = write!(
        text,
        "\n  {QUIET}{name:<width$}  documents    seconds  share{}{QUIET:#}",
        if queues { "  queue before  after" } else { "" }
    );
    for stage in &report.stages {
        let _ = write!(
            text,
            "\n  {:<width$}  {:>9}  {:>9}  {:>5}",
            stage.name,
            number(stage.documents),
            format!("{:.2}", stage.busy.as_secs_f64()),
            share(stage.share),
        );
        if queues {
            let (before, after) = (share(stage.queue_before), share(stage.queue_after));
            let _ = write!(text, "  {before:>12}  {after:>5}");
        }
    }
}

/// The summary as one event for log collectors.
pub(crate) fn event(report: &Report, to: &Destinations<'_>) {
    let stages: Vec<serde_json::Value> = report
        .stages
        .iter()
        .map(|stage| {
            serde_json::json!({
                "name": stage.name,
                "plugin": stage.plugin,
                "documents": stage.documents,
                "calls": stage.calls,
                "seconds": thousandths(stage.busy.as_secs_f64()),
                "share": thousandths(stage.share),
                "counters": stage.counters.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
            })
        })
        .collect();
    tracing::info!(
        done = report.counts.done,
        dropped = report.counts.dropped,
        failed = report.counts.failed,
        unfinished = report.unfinished,
        seconds = thousandths(report.elapsed.as_secs_f64()),
        stages = serde_json::Value::from(stages).to_string(),
        output = to.output,
        dead_letters = to.dead_letters.filter(|_| report.counts.failed > 0),
        exit_code = report.exit_code(),
        "finished"
    );
}

fn thousandths(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

/// `1,234,567`.
pub(crate) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 document`, `2 documents`.
pub(crate) fn count(value: u64, what: &str) -> String {
    let plural = if value == 1 { "" } else { "s" };
    format!("{} {what}{plural}", number(value))
}

/// `12 %`.
pub(crate) fn share(part: f64) -> String {
    format!("{:.0} %", part * 100.0)
}

/// A time that is only roughly known.
pub(crate) fn long(value: f64) -> String {
    match value {
        ..60.0 => format!("{} s", value.ceil() as u64),
        60.0..3600.0 => format!("{} min", (value / 60.0).ceil() as u64),
        3600.0..172_800.0 => {
            let minutes = (value / 60.0).ceil() as u64;
            format!("{} h {} min", minutes / 60, minutes % 60)
        }
        _ => format!("{:.1} days", value / 86_400.0),
    }
}

fn seconds(value: f64) -> String {
    let whole = value as u64;
    match whole {
        0..60 => format!("{value:.2} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!(
            [0, 999, 1000, 1234567].map(number),
            ["0", "999", "1,000", "1,234,567"]
        );
    }

    #[test]
    fn long_times_are_told_in_larger_units() {
        assert_eq!(
            [0.5, 75.0, 7384.0].map(seconds),
            ["0.50 s", "1 min 15 s", "2 h 3 min"]
        );
        assert_eq!(
            [0.2, 61.0, 7384.0, 400_000.0].map(long),
            ["1 s", "2 min", "2 h 4 min", "4.6 days"]
        );
    }
}
