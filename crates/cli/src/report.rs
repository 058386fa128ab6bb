//! What a run tells when it is over: what it waited for and what would help, as words for people
//! and as `run-report.json` for programs.

use copydesk_engine::{Bottleneck, Outcome, Report};
use copydesk_rundir::{RunDir, rfc3339};
use serde_json::{Value, json};

use crate::summary::{number, share};

/// The version of `run-report.json`; it changes when a name or a meaning does.
const VERSION: u32 = 1;

/// What a run waited for, and what would help.
pub(crate) struct Advice {
    pub(crate) what: &'static str,
    pub(crate) stage: Option<String>,
    pub(crate) words: String,
    pub(crate) help: String,
}

pub(crate) fn advice(report: &Report) -> Option<Advice> {
    let bottleneck = report.bottleneck()?;
    let stage_of = |stage: usize| report.stages.get(stage);
    Some(match bottleneck {
        Bottleneck::Threads { stage } => {
            let stage = stage_of(stage)?;
            let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
            let help = if u64::from(report.threads) < cores {
                format!("`--threads {cores}` uses all cores of this machine")
            } else {
                "more cores help, or `--shard K/N` on several machines".to_owned()
            };
            Advice {
                what: "threads",
                stage: Some(stage.name.clone()),
                words: format!(
                    "all threads compute; `{}` takes {} of their time",
                    stage.name,
                    share(stage.share)
                ),
                help,
            }
        }
        Bottleneck::Workers { stage } => {
            let stage = stage_of(stage)?;
            Advice {
                what: "workers",
                stage: Some(stage.name.clone()),
                words: format!(
                    "`{}` is busy all the time with its `workers = {}`, while threads are free",
                    stage.name, stage.workers
                ),
                help: "more `workers` for this stage help".to_owned(),
            }
        }
        Bottleneck::Input => Advice {
            what: "input",
            stage: None,
            words: "the stages wait for documents".to_owned(),
            help: "a faster disk helps, or inputs that are less compressed or in several files"
                .to_owned(),
        },
        Bottleneck::Output => Advice {
            what: "output",
            stage: None,
            words: "documents that are done wait to be written".to_owned(),
            help: "a faster disk helps, or an output without compression".to_owned(),
        },
        _ => return None,
    })
}

/// The most memory that this process has had, in bytes, where the system tells.
pub(crate) fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// `run-report.json` of a run directory.
pub(crate) fn json(report: &Report, dir: &RunDir, outputs: &[String]) -> Value {
    let seconds = report.elapsed.as_secs_f64();
    let here = report.counts_here;
    let rate = |count: f64| thousandths(count / seconds.max(1e-9));
    let advice = advice(report);
    let counts = |counts: copydesk_engine::Counts| json!({ "done": counts.done, "dropped": counts.dropped, "failed": counts.failed });
    let stages: Vec<Value> = report
        .stages
        .iter()
        .map(|stage| {
            json!({
                "name": stage.name,
                "plugin": stage.plugin,
                "documents": stage.documents,
                "calls": stage.calls,
                "workers": stage.workers,
                "seconds": thousandths(stage.busy.as_secs_f64()),
                "share": thousandths(stage.share),
                "queue_before": thousandths(stage.queue_before),
                "queue_after": thousandths(stage.queue_after),
                "waited": {
                    "for_input": thousandths(stage.waited_for_input.as_secs_f64()),
                    "for_output": thousandths(stage.waited_for_output.as_secs_f64()),
                    "for_thread": thousandths(stage.waited_for_thread.as_secs_f64()),
                },
                "counters": stage.counters.iter().cloned().collect::<std::collections::BTreeMap<_, _>>(),
            })
        })
        .collect();
    let inputs = dir.inputs();
    json!({
        "version": VERSION,
        "copydesk": env!("CARGO_PKG_VERSION"),
        "written": rfc3339(std::time::SystemTime::now()),
        "outcome": outcome(&report.outcome),
        "finished": dir.is_finished(),
        "exit_code": report.exit_code(),
        "documents": counts(report.counts),
        "this_process": {
            "documents": counts(here),
            "unfinished": report.unfinished,
            "seconds": thousandths(seconds),
            "input_bytes": report.bytes,
            "documents_per_second": rate(here.total() as f64),
            "megabytes_per_second": rate(report.bytes as f64 / 1e6),
            "threads": report.threads,
            "peak_memory_bytes": peak_memory(),
        },
        "bottleneck": advice.map(|advice| json!({
            "what": advice.what,
            "stage": advice.stage,
            "words": advice.words,
            "help": advice.help,
        })),
        "stages": stages,
        "failed": report.causes,
        "dropped": report.drops,
        "inputs": {
            "files": inputs.len(),
            "bytes": inputs.iter().filter_map(|input| input.bytes).sum::<u64>(),
        },
        "outputs": outputs,
        "processes": dir.sessions(),
        "commands": commands(dir),
    })
}

/// How to do it again, and what else can be done.
fn commands(dir: &RunDir) -> Value {
    let manifest = dir.manifest();
    let command: Vec<String> = manifest.command.iter().map(|word| quoted(word)).collect();
    let folder = quoted(&manifest.working_directory.display().to_string());
    let run_dir = std::path::absolute(dir.folder()).unwrap_or(dir.folder().to_owned());
    let run_dir = quoted(&run_dir.display().to_string());
    json!({
        "run": format!("cd {folder} && {}", command.join(" ")),
        "failed": format!("copydesk dead-letter list {run_dir}"),
        "replay": format!("copydesk dead-letter replay {run_dir}"),
    })
}

/// A word as a POSIX shell reads it back.
fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./=:,+@%".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

fn outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Finished => "finished".to_owned(),
        Outcome::Interrupted(_) => "interrupted".to_owned(),
        Outcome::Aborted(_) => "ended at once".to_owned(),
        Outcome::BudgetExceeded(budget) => format!("more failed than {budget} allows"),
        Outcome::Stopped(reason) => format!("stopped: {reason}"),
        _ => "stopped".to_owned(),
    }
}

/// `412 MB`.
pub(crate) fn megabytes(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", number(bytes.div_ceil(1000))),
        1_000_000..10_000_000_000 => format!("{} MB", number(bytes / 1_000_000)),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

fn thousandths(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_as_a_shell_reads_them() {
        assert_eq!(quoted("out/a-b.jsonl"), "out/a-b.jsonl");
        assert_eq!(quoted("in/*.jsonl"), "'in/*.jsonl'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn sizes_are_told_in_units_that_fit() {
        assert_eq!(megabytes(12_345), "13 kB");
        assert_eq!(megabytes(412_000_000), "412 MB");
        assert_eq!(megabytes(20_500_000_000), "20.5 GB");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_had_some_memory() {
        assert!(peak_memory().unwrap() > 1_000_000);
    }
}
