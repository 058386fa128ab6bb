//! What a run has done, in a few lines.

use std::fmt::Write;

use copydesk_engine::{Outcome, Report};

use crate::{
    progress::TOLD,
    voice::{QUIET, STRONG},
};

/// Where things went, for the summary.
pub(crate) struct Destinations<'a> {
    /// The output, unless it is the standard output.
    pub(crate) output: Option<&'a str>,
    /// The dead letters, if they are kept.
    pub(crate) dead_letters: Option<&'a str>,
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
    stages(report, &mut text);
    for drop in report.drops.iter().take(5) {
        let _ = write!(
            text,
            "\n  {} dropped by `{}`: {}",
            number(drop.documents),
            drop.stage,
            drop.reason
        );
    }
    // A few failures have all been told one by one.
    let causes = if counts.failed > TOLD {
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
    text
}

fn stages(report: &Report, text: &mut String) {
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
        "\n  {QUIET}{name:<width$}  documents    seconds  share{QUIET:#}"
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
    }
}
