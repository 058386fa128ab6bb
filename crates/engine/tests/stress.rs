//! The engine with a real plugin behind the C tables: one that misbehaves on request.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use copydesk_document::{Batch, NewDocument};
use copydesk_engine::{
    Control, DeadLetter, DeadLetters, Documents, FailureClass, Outcome, Overdue, Plan, Progress,
    Report, Sink, SinkError, StopReason, config,
};
use copydesk_host::{Plugins, SearchPath};

/// The folder with the stress plugin, built by this very test so that it is never yesterday's.
fn plugins() -> Plugins {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let test = std::env::current_exe().unwrap();
        let profile = test.ancestors().nth(2).expect("target/debug");
        let target = profile.parent().expect("target");
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
        cargo
            .args([
                "build",
                "--quiet",
                "--package",
                "copydesk-stress",
                "--target-dir",
            ])
            .arg(target)
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."));
        if profile.file_name().is_some_and(|name| name == "release") {
            cargo.arg("--release");
        }
        let output = cargo.output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        // A folder of its own, for what else lies in the target folder is not asked for. Put
        // there in one step: another test may have the old one open.
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("engine-tests");
        std::fs::create_dir_all(&folder).unwrap();
        let name = format!(
            "{}copydesk_stress{}",
            std::env::consts::DLL_PREFIX,
            std::env::consts::DLL_SUFFIX
        );
        let copy = folder.join(format!("{}.copy", std::process::id()));
        std::fs::copy(profile.join(&name), &copy).unwrap();
        std::fs::rename(&copy, folder.join(&name)).unwrap();
        folder
    });
    Plugins::scan(&SearchPath::only(std::slice::from_ref(folder)))
}

#[derive(Default)]
struct Kept {
    documents: Vec<String>,
    letters: Mutex<Vec<DeadLetter>>,
    overdue: Mutex<Vec<Overdue>>,
}

impl Sink for Kept {
    fn write(&mut self, batch: &Batch) -> Result<(), SinkError> {
        for doc in 0..batch.len() {
            let mut text = format!("{} {:?}", batch.id(doc), batch.text(doc));
            for layer in batch.layers() {
                let spans: Vec<_> = layer.spans(doc).map(|span| span.range()).collect();
                text += &format!(" {}{spans:?}", layer.name);
            }
            self.documents.push(text);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

struct Listener(Arc<Kept>);

impl DeadLetters for Listener {
    fn write(&mut self, letter: &DeadLetter) -> Result<(), SinkError> {
        let mut letters = self
            .0
            .letters
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        letters.push(letter.clone());
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

impl Progress for Listener {
    fn overdue(&self, call: &Overdue) {
        let mut overdue = self
            .0
            .overdue
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        overdue.push(call.clone());
    }
}

struct Ran {
    report: Report,
    documents: Vec<String>,
    letters: Vec<DeadLetter>,
    overdue: Vec<Overdue>,
}

/// Seven documents, two of them bad ones, through a pipeline with these stages.
fn run(stages: &str) -> Ran {
    let text = format!("version = 1\n[run]\nthreads = 2\nbatch_docs = 4\n{stages}");
    let pipeline = config::parse(&text, Path::new("pipeline.toml")).unwrap();
    let plan = Plan::check(&pipeline, &plugins()).unwrap_or_else(|found| panic!("{found}"));
    plan.load().unwrap();
    let documents: Vec<NewDocument> = ["a", "b", "bad-1", "c", "d", "bad-2", "e"]
        .iter()
        .map(|id| NewDocument::new(*id, format!("Ünder Ada's roof {id} slept.")))
        .collect();
    let mut sink = Kept::default();
    let heard = Arc::new(Kept::default());
    let report = plan.run(
        Box::new(Documents::new(documents)),
        &mut sink,
        &mut Listener(Arc::clone(&heard)),
        &Control::new(),
        Arc::new(Listener(Arc::clone(&heard))),
    );
    let letters = std::mem::take(&mut *heard.letters.lock().unwrap());
    let overdue = std::mem::take(&mut *heard.overdue.lock().unwrap());
    Ran {
        report,
        documents: sink.documents,
        letters,
        overdue,
    }
}

fn faulty(fault: &str) -> Ran {
    run(&format!(
        "[[stage]]\nuse = \"stress\"\noptions = {{ fault = \"{fault}\", only = \"bad\", mark = \"words\" }}\n"
    ))
}

fn told(problem: &str) -> String {
    let pipeline = config::parse(problem, Path::new("pipeline.toml")).unwrap();
    let found = match Plan::check(&pipeline, &plugins()) {
        Ok(plan) => panic!("no mistake was found, only {}", plan.warnings()),
        Err(found) => found.to_string(),
    };
    // Where the plugins lie differs from run to run.
    let lines = found.lines().map(|line| match line.find("engine-tests") {
        Some(_) => "[the folders that were searched]",
        // That list is the plugin's business.
        None if line.contains("known values: none,") => "  = note: known values: [a list]",
        None => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn documents_at_fault_go_to_the_dead_letters_and_the_others_come_out() {
    for (fault, class, code) in [
        ("fail-call", FailureClass::Failed, "bad-text"),
        ("fail-call-retryable", FailureClass::Retryable, "busy"),
        ("fail-document", FailureClass::Failed, "bad-text"),
        ("span-out-of-bounds", FailureClass::Rejected, ""),
        ("span-off-boundary", FailureClass::Rejected, ""),
        ("undeclared-layer", FailureClass::Rejected, ""),
        ("score-nan", FailureClass::Rejected, ""),
        ("ignored-refusal", FailureClass::Rejected, ""),
        ("dangling-link", FailureClass::Rejected, ""),
        ("panic-in-process", FailureClass::Panicked, ""),
        ("panic-on-thread", FailureClass::Panicked, ""),
    ] {
        let ran = faulty(fault);
        let failed: Vec<&str> = ran
            .letters
            .iter()
            .map(|letter| letter.id.as_str())
            .collect();
        assert_eq!(failed, ["bad-1", "bad-2"], "{fault}");
        for letter in &ran.letters {
            assert_eq!(letter.class, class, "{fault}: {}", letter.message);
            assert!(
                code.is_empty() || letter.code == code,
                "{fault}: {}",
                letter.code
            );
            assert_eq!(letter.stage, "stress");
            assert_eq!(letter.plugin.as_deref(), Some("copydesk/stress 0.1.0"));
            assert!(!letter.message.is_empty());
            let document = letter.document.as_ref().expect("the document as it came");
            assert!(document.raw.starts_with("Ünder Ada's roof bad"));
        }
        assert_eq!(ran.documents.len(), 5, "{fault}");
        assert_eq!(ran.report.exit_code(), 3, "{fault}");
    }
}

#[test]
fn a_panic_is_told_with_its_message_and_place() {
    let ran = faulty("panic-in-process");
    let message = &ran.letters[0].message;
    assert!(
        message.contains("asked to panic at bad-1") && message.contains("fault.rs:"),
        "{message}"
    );
}

#[test]
fn dropped_documents_are_counted_and_are_no_failure() {
    let ran = faulty("drop-document");
    assert_eq!((ran.report.counts.dropped, ran.report.counts.done), (2, 5));
    assert_eq!(ran.report.drops[0].reason, "not wanted");
    assert_eq!(ran.report.exit_code(), 0);
}

#[test]
fn spans_of_documents_that_came_through_do_not_depend_on_their_neighbours() {
    let plain = run("[[stage]]\nuse = \"stress\"\noptions = { mark = \"words\" }\n");
    let beside = faulty("fail-call");
    let good: Vec<&String> = plain
        .documents
        .iter()
        .filter(|document| !document.starts_with("bad"))
        .collect();
    assert_eq!(beside.documents.iter().collect::<Vec<_>>(), good);
}

#[test]
fn a_stage_that_stops_in_time_fails_its_documents_as_timeouts() {
    let ran = run(
        "[[stage]]\nuse = \"stress\"\ntimeout_secs = 0.02\noptions = { fault = \"until-cancelled\", millis = 10000 }\n",
    );
    assert_eq!(ran.letters.len(), 7);
    assert!(
        ran.letters
            .iter()
            .all(|letter| letter.class == FailureClass::Timeout)
    );
}

#[test]
fn a_stage_deaf_to_deadlines_is_reported_with_its_documents() {
    let ran = run(
        "[[stage]]\nuse = \"stress\"\nname = \"snail\"\nworkers = 1\ntimeout_secs = 0.03\noptions = { fault = \"slow\", only = \"bad-1\", millis = 300 }\n",
    );
    assert_eq!(ran.report.counts.done, 7, "it came to its end after all");
    let [call] = &ran.overdue[..] else {
        panic!("{:?}", ran.overdue);
    };
    assert_eq!(call.stage, "snail");
    assert!(call.documents.contains(&"bad-1".to_owned()), "{call:?}");
}

#[test]
fn a_worker_that_cannot_be_opened_stops_the_run() {
    let ran = faulty("fail-open-worker");
    let Outcome::Stopped(StopReason::Worker { stage, message }) = &ran.report.outcome else {
        panic!("{:?}", ran.report.outcome);
    };
    assert_eq!(stage, "stress");
    assert!(message.contains("no scratch is left"), "{message}");
    assert_eq!(ran.report.exit_code(), 1);
}

#[test]
fn a_stage_that_fails_to_load_is_named() {
    let text = "version = 1\n[[stage]]\nuse = \"stress\"\noptions = { fault = \"fail-load\" }\n";
    let pipeline = config::parse(text, Path::new("pipeline.toml")).unwrap();
    // `check` loads nothing.
    let plan = Plan::check(&pipeline, &plugins()).unwrap();
    let error = plan.load().unwrap_err().to_string();
    assert!(
        error.contains("stress") && error.contains("the weights are gone"),
        "{error}"
    );
}

#[test]
fn two_of_a_kind_need_into() {
    let twice =
        "version = 1\n[[stage]]\nuse = \"stress\"\n[[stage]]\nuse = \"stress\"\nname = \"again\"\n";
    insta::assert_snapshot!(told(twice));
    let ran = run(
        "[[stage]]\nuse = \"stress\"\noptions = { mark = \"words\" }\n[[stage]]\nuse = \"stress\"\nname = \"again\"\ninto = \"capitals\"\noptions = { mark = \"capitals\" }\n",
    );
    assert!(
        ran.documents[0].contains("marks[0..6") && ran.documents[0].contains("capitals[0..6"),
        "{}",
        ran.documents[0]
    );
}

#[test]
fn mistakes_in_options_have_their_place_in_the_file() {
    insta::assert_snapshot!(told(
        r#"version = 1
[run]
thread = 1

[[stage]]
use = "stress"
worker = 2
[stage.options]
fault = "panic-in-proces"
onyl = "bad"
millis = "3"

[[stage]]
use = "stres"

[[stage]]
use = "someone/else"
name = "bad-options"
"#
    ));
}

#[test]
fn what_the_plugin_finds_wrong_itself_has_its_place_too() {
    insta::assert_snapshot!(told(
        "version = 1\n[[stage]]\nuse = \"stress\"\n[stage.options]\nfault = \"bad-options\"\nmillis = 4\n"
    ));
}

#[test]
fn a_panic_in_create_is_told_as_a_mistake_of_the_stage() {
    insta::assert_snapshot!(told(
        "version = 1\n[[stage]]\nuse = \"stress\"\noptions.fault = \"panic-in-create\"\n"
    ));
}

#[test]
fn into_needs_a_layer_and_the_text_is_edited_first() {
    insta::assert_snapshot!(told(
        r#"version = 1
[output]
include = ["mark", "marks"]
[[stage]]
use = "stress"
[[stage]]
use = "stress"
name = "editor"
into = "others"
options.fault = "edit"
"#
    ));
}

#[test]
fn the_graph_shows_what_is_read_and_written() {
    let text = "version = 1\n[[stage]]\nuse = \"stress\"\noptions.fault = \"edit\"\n";
    let pipeline = config::parse(text, Path::new("pipeline.toml")).unwrap();
    let plan = Plan::check(&pipeline, &plugins()).unwrap();
    insta::assert_snapshot!(plan.graph());
}
