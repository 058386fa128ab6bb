//! `isolation = "process"` with a real plugin that misbehaves: a crash costs the documents that
//! cause it, and nothing else.

#![cfg(unix)]

#[allow(dead_code, reason = "shared with other test binaries")]
mod place;

use std::{
    collections::BTreeSet,
    fs,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use insta::assert_snapshot;
use regex::Regex;
use serde_json::Value;

use crate::place::Place;

/// Documents of the corpus; those whose number is in `GUILTY` have `bad` in their id.
const DOCUMENTS: usize = 60;
/// The first of all, two side by side in one batch, one in another, and the last of all.
const GUILTY: [usize; 5] = [0, 17, 18, 41, 59];

fn id(i: usize) -> String {
    if GUILTY.contains(&i) {
        format!("bad-{i}")
    } else {
        format!("d{i}")
    }
}

fn corpus() -> String {
    (0..DOCUMENTS)
        .map(|i| {
            let text = format!("Number {i} sails from Port Ellen.\n“We stop,” said Ilse Brandt ({i}).");
            let record = serde_json::json!({"id": id(i), "text": text, "page": i, "meta": {"weight": 0.1 * i as f64}});
            format!("{record}\n")
        })
        .collect()
}

/// Two stages that share worker processes: one marks capitals, the other marks words and does
/// what `options` say.
fn pipeline(isolation: &str, run: &str, stage: &str, options: &str) -> String {
    format!(
        r#"
version = 1
[input]
paths = ["corpus.jsonl"]
[output]
path = "out.jsonl"
[run]
isolation = "{isolation}"
{run}
[[stage]]
use = "stress"
name = "capitals"
into = "capitals"
options = {{ mark = "capitals" }}
[[stage]]
use = "stress"
name = "faulty"
{stage}
options = {{ mark = "words", only = "bad", {options} }}
"#
    )
}

struct Outcome {
    code: i32,
    stderr: String,
    records: String,
    letters: Vec<Value>,
}

fn run(desk: &Place, pipeline: &str) -> Outcome {
    desk.write("pipeline.toml", pipeline);
    for left in ["out.jsonl", "out.jsonl.dead-letters.jsonl"] {
        let _ = fs::remove_file(desk.path(left));
    }
    let (_, stderr, code) = desk.output(&["run", "pipeline.toml"], b"");
    let letters = fs::read_to_string(desk.path("out.jsonl.dead-letters.jsonl"));
    Outcome {
        code,
        stderr,
        records: fs::read_to_string(desk.path("out.jsonl")).unwrap_or_default(),
        letters: letters
            .unwrap_or_default()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
    }
}

fn desk() -> Place {
    let place = Place::new();
    place.write("corpus.jsonl", &corpus());
    place
}

/// The pids of processes that run the binary of this desk.
fn processes(desk: &Place) -> BTreeSet<u32> {
    let binary = desk.path("").parent().unwrap().join("bin/copydesk");
    let binary = binary.canonicalize().unwrap();
    let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let path: PathBuf = entry.unwrap().path();
        let running = fs::read_link(path.join("exe")).ok()?;
        (running == binary)
            .then(|| path.file_name()?.to_str()?.parse().ok())
            .flatten()
    });
    pids.collect()
}

#[cfg(target_os = "linux")]
fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "{what} never came"
        );
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn healthy_runs_write_the_same_with_and_without_worker_processes() {
    let desk = desk();
    let here = run(&desk, &pipeline("none", "threads = 2", "", ""));
    assert_eq!((here.code, here.letters.len()), (0, 0), "{}", here.stderr);
    assert_eq!(here.records.lines().count(), DOCUMENTS);
    for (settings, stage) in [
        ("threads = 1\nbatch_docs = 1", ""),
        ("threads = 3\nbatch_docs = 7", ""),
        ("threads = 3\nbatch_docs = 64", "workers = 1"),
        // One stage here, one there.
        ("threads = 2", "isolation = \"none\""),
    ] {
        let there = run(&desk, &pipeline("process", settings, stage, ""));
        assert_eq!(there.code, 0, "{}", there.stderr);
        assert_eq!(there.records, here.records, "{settings} {stage}");
    }
}

/// Every fault at five documents over many batches and several worker processes.
#[test]
fn every_fault_costs_exactly_the_guilty_documents() {
    let desk = desk();
    let healthy = run(&desk, &pipeline("none", "", "", "")).records;
    let innocent: String = healthy
        .lines()
        .filter(|line| !line.contains("\"id\":\"bad-"))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_eq!(innocent.lines().count(), DOCUMENTS - GUILTY.len());
    let guilty: Vec<String> = GUILTY.iter().map(|&i| id(i)).collect();
    for (fault, class, code) in [
        // What no thread survives.
        ("abort", "crashed", "killed-by-signal"),
        ("segfault", "crashed", "killed-by-signal"),
        ("exit", "crashed", "exited"),
        ("overflow-stack", "crashed", "stack-overflow"),
        ("take-memory", "crashed", "out-of-memory"),
        ("hang", "timeout", "timeout"),
        // What the worker process deals with itself.
        ("panic-in-process", "panicked", "panic"),
        ("panic-with-bomb", "panicked", "panic"),
        ("panic-on-thread", "panicked", "panic"),
        ("fail-call", "failed", "bad-text"),
        ("fail-call-retryable", "retryable", "busy"),
        ("fail-document", "failed", "bad-text"),
        ("span-out-of-bounds", "rejected", "rejected"),
        ("dangling-link", "rejected", "rejected"),
        ("undeclared-layer", "rejected", "rejected"),
    ] {
        // Long enough for a healthy call on a busy machine, and few of them.
        let (settings, stage) = match fault {
            "hang" => ("threads = 3\nbatch_docs = 4", "timeout_secs = 0.8"),
            "take-memory" => ("threads = 3\nbatch_docs = 8", "memory_max_mb = 200"),
            _ => ("threads = 3\nbatch_docs = 8", ""),
        };
        let options = format!("fault = \"{fault}\", megabytes = 400");
        let outcome = run(&desk, &pipeline("process", settings, stage, &options));
        assert_eq!(outcome.code, 3, "{fault}: {}", outcome.stderr);
        let told: Vec<(&str, &str, &str, &str)> = outcome
            .letters
            .iter()
            .map(|letter| {
                let text = |key: &str| letter[key].as_str().unwrap();
                (text("id"), text("stage"), text("class"), text("code"))
            })
            .collect();
        let expected: Vec<_> = guilty
            .iter()
            .map(|id| (id.as_str(), "faulty", class, code))
            .collect();
        assert_eq!(told, expected, "{fault}");
        assert_eq!(outcome.records, innocent, "{fault}");
        for letter in &outcome.letters {
            let tries = letter["attempts"].as_u64().unwrap();
            assert!((1..=3).contains(&tries), "{fault}: {letter}");
            assert_eq!(
                letter["document"]["extra"]["page"]
                    .as_u64()
                    .map(|page| id(page as usize))
                    .as_deref(),
                letter["id"].as_str()
            );
        }
    }
}

#[test]
fn what_became_of_a_document_is_told_in_words() {
    let desk = desk();
    let mut told = String::new();
    for (fault, stage) in [
        ("abort", ""),
        ("exit", ""),
        ("overflow-stack", ""),
        ("take-memory", "memory_max_mb = 200"),
        ("hang", "timeout_secs = 0.8"),
    ] {
        let options = format!("fault = \"{fault}\", megabytes = 400");
        let outcome = run(
            &desk,
            &pipeline("process", "batch_docs = 2", stage, &options),
        );
        let letter = &outcome.letters[0];
        told += &format!("{}\n", letter["message"].as_str().unwrap());
    }
    assert_snapshot!(told);
}

#[test]
fn documents_that_are_dropped_or_succeed_at_last_come_back_as_such() {
    let desk = desk();
    let healthy = run(&desk, &pipeline("none", "", "", ""));
    let passing = run(
        &desk,
        &pipeline("process", "threads = 2", "", "fault = \"fail-twice\""),
    );
    assert_eq!(passing.code, 0, "{}", passing.stderr);
    assert_eq!(passing.records, healthy.records);
    let dropping = run(
        &desk,
        &pipeline("process", "threads = 2", "", "fault = \"drop-document\""),
    );
    assert_eq!(dropping.code, 0);
    assert_eq!(dropping.records.lines().count(), DOCUMENTS - GUILTY.len());
    assert!(
        dropping
            .stderr
            .contains("5 dropped by `faulty`: not wanted"),
        "{}",
        dropping.stderr
    );
}

#[test]
fn what_a_plugin_prints_does_not_tear_the_output() {
    let desk = desk();
    let healthy = run(&desk, &pipeline("none", "", "", "")).records;
    desk.write(
        "pipeline.toml",
        &pipeline("process", "", "", "fault = \"print\""),
    );
    let (stdout, stderr, code) = desk.output(&["run", "pipeline.toml", "-o", "-", "-v"], b"");
    assert_eq!((code, stdout), (0, healthy));
    for line in [
        "stages `capitals` to `faulty` printed: stress: printed at bad-41",
        "stages `capitals` to `faulty` printed: stress: and said so at bad-41",
    ] {
        assert!(stderr.contains(line), "{stderr}");
    }
    // What it logs comes out as what it is.
    desk.write(
        "pipeline.toml",
        &pipeline("process", "", "", "fault = \"chatty\""),
    );
    let (_, stderr, _) = desk.output(&["run", "pipeline.toml", "-o", "-"], b"");
    let warnings = stderr.matches("warning: read the metadata").count();
    assert_eq!(warnings, GUILTY.len(), "{stderr}");
    assert!(!stderr.contains("a word"), "{stderr}");
}

#[test]
fn a_worker_process_that_cannot_start_is_an_error_of_the_run() {
    let desk = desk();
    // What a process takes for itself is a matter of the system.
    let taken = Regex::new(r"\d+ MB").unwrap();
    for (name, stage, options) in [
        ("fail-load", "", "fault = \"fail-load\""),
        ("abort-in-load", "", "fault = \"abort-in-load\""),
        ("no-worker", "", "fault = \"fail-open-worker\""),
        ("too-little-memory", "memory_max_mb = 1", "fault = \"none\""),
    ] {
        desk.write("pipeline.toml", &pipeline("process", "", stage, options));
        let told = desk.run(&["run", "pipeline.toml"]);
        assert_snapshot!(name, taken.replace(&told, "[MB]"));
        assert!(!desk.path("out.jsonl").exists(), "{name}");
    }
}

#[test]
fn a_stage_that_crashes_on_everything_stops_the_run() {
    let desk = desk();
    let all =
        pipeline("process", "threads = 1", "", "fault = \"abort\"").replace("\"bad\"", "\"\"");
    let outcome = run(&desk, &all);
    assert_eq!(outcome.code, 1, "{}", outcome.stderr);
    let error = "error: stage `faulty` lost its worker process on each of 60 documents in a row";
    assert!(outcome.stderr.contains(error), "{}", outcome.stderr);
}

#[test]
fn a_run_that_ends_early_does_not_wait_for_a_worker_process_that_hangs() {
    let desk = desk();
    let failing = "mark = \"capitals\", fault = \"fail-document\", only = \"d3\"";
    let settings = "threads = 2\nbatch_docs = 1\nordered = false\nmax_failed = 0";
    let both = pipeline("process", settings, "", "fault = \"hang\"")
        .replace("mark = \"capitals\"", failing);
    let begun = Instant::now();
    let outcome = run(&desk, &both);
    assert_eq!(outcome.code, 4, "{}", outcome.stderr);
    assert!(begun.elapsed() < Duration::from_secs(40));
}

#[cfg(target_os = "linux")]
#[test]
fn a_worker_process_that_is_killed_from_outside_costs_nothing() {
    let desk = desk();
    let healthy = run(&desk, &pipeline("none", "", "", "")).records;
    let slow = "fault = \"slow\", millis = 30";
    let slow = pipeline("process", "threads = 2\nbatch_docs = 4", "", slow);
    desk.write("pipeline.toml", &slow.replace("\"bad\"", "\"\""));
    let run = desk.start(&["run", "pipeline.toml", "-o", "killed.jsonl"]);
    for _ in 0..2 {
        until("a second process", || processes(&desk).len() > 1);
        thread::sleep(Duration::from_millis(150));
        for worker in processes(&desk) {
            if worker != run.pid() {
                kill(worker);
            }
        }
    }
    let (stderr, code) = run.wait();
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(desk.read("killed.jsonl"), healthy);
}

#[cfg(target_os = "linux")]
#[test]
fn worker_processes_end_with_the_run_however_it_ends() {
    let desk = desk();
    desk.write(
        "pipeline.toml",
        &pipeline(
            "process",
            "threads = 2\nbatch_docs = 1",
            "",
            "fault = \"hang\"",
        ),
    );
    for signal in ["KILL", "INT", "TERM"] {
        let run = desk.start(&["run", "pipeline.toml", "--overwrite"]);
        until("two workers", || processes(&desk).len() > 2);
        thread::sleep(Duration::from_millis(200));
        run.signal(signal);
        if signal != "KILL" {
            // The first asks for the documents in flight, which never come.
            thread::sleep(Duration::from_millis(300));
            assert!(processes(&desk).len() > 1, "they finish what they have");
            run.signal(signal);
        }
        run.wait();
        until("the end of all workers", || processes(&desk).is_empty());
    }
    // A run that ends well leaves none behind either.
    run(&desk, &pipeline("process", "threads = 3", "", ""));
    assert_eq!(processes(&desk), BTreeSet::new());
}

#[cfg(target_os = "linux")]
fn kill(pid: u32) {
    let status = std::process::Command::new("kill")
        .args(["-s", "KILL", &pid.to_string()])
        .status();
    assert!(status.unwrap().success());
}

#[test]
fn nobody_starts_a_worker_process_by_hand() {
    let desk = desk();
    let (stdout, stderr, code) = desk.output(&["__worker", "warn"], b"{}");
    assert_eq!((stdout.as_str(), code), ("", 1));
    assert!(stderr.contains("not by hand"), "{stderr}");
}

#[test]
fn check_shows_where_stages_run() {
    let desk = desk();
    desk.write(
        "pipeline.toml",
        &pipeline("process", "", "isolation = \"none\"", ""),
    );
    assert_snapshot!(desk.run(&["check", "pipeline.toml"]));
}
