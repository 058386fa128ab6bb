//! What the host promises, held against a real shared library.

use std::io::Write;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use copydesk_testkit::document::{Batch, NewDocument};
use copydesk_testkit::host::{
    CallClass, CallError, Facts, HostError, OptionProblem, Plugins, Resources, Severity, Stage,
    StageType,
};
use copydesk_testkit::{Given, StageTest, built_plugin, workspace_root};
use serde_json::{Value, json};

fn kind() -> StageType {
    Plugins::of_files([built_plugin("copydesk-stress")])
        .open("stress")
        .unwrap()
}

fn stress(options: Value) -> StageTest {
    StageTest::of(kind()).options(options)
}

fn fault(fault: &str) -> StageTest {
    stress(json!({ "fault": fault }))
}

fn stage(options: Value) -> Result<Stage, Vec<OptionProblem>> {
    kind().create(
        "stress",
        &options,
        &mut Facts::new(),
        &Resources::new(workspace_root()),
        1,
    )
}

fn ready(options: Value) -> Stage {
    let stage = stage(options).unwrap();
    stage.load().unwrap();
    stage
}

fn two_documents() -> Batch {
    let mut batch = Batch::new();
    batch.push(NewDocument::new("good", "All is well in Vardby."));
    batch.push(NewDocument::new("bad", "“Nothing is,” said Ada Lund."));
    batch
}

/// What a call over [`two_documents`] fails with, where only the second is bad.
fn failure(fault: &str) -> CallError {
    let stage = ready(json!({ "fault": fault, "only": "bad" }));
    let mut worker = stage.open_worker(0).unwrap();
    worker.process(&two_documents(), None).unwrap_err()
}

#[test]
fn it_does_nothing_unless_asked() {
    let run = stress(json!({})).text("All is well.").run();
    assert!(run.batch().layers().is_empty() || run.spans("marks").is_empty());
}

#[test]
fn spans_labels_and_scores_arrive_as_written() {
    let run = stress(json!({ "mark": "capitals" }))
        .text("Ada Lund met the ferrymen of Vardby.")
        .expect_texts(
            "marks",
            &[("Ada", "WORD"), ("Lund", "WORD"), ("Vardby.", "WORD")],
        );
    assert_eq!(run.spans("marks")[0].score, Some(1.0));
}

#[test]
fn the_same_stage_can_be_linked_statically() {
    copydesk_testkit::stage!(crate::Stress)
        .options(json!({ "mark": "words" }))
        .text("é ü")
        .expect("marks", &[(0..2, "WORD"), (3..5, "WORD")]);
}

#[test]
fn metadata_is_read_without_running_the_library() {
    let plugins = Plugins::of_files([built_plugin("copydesk-stress")]);
    let file = &plugins.files()[0];
    assert_eq!(file.package, "copydesk-stress");
    assert_eq!(file.version, env!("CARGO_PKG_VERSION"));
    assert_eq!(file.stages[0].id, "copydesk/stress");
    assert_eq!(file.stages[0].provides[1], "layer:marks");
    assert!(file.stages[0].summary.contains("Misbehaves"));
    assert_eq!(file.sha256().len(), 64);
    assert!(plugins.problems().is_empty());
}

#[test]
fn a_panic_in_create_is_a_problem_with_message_and_place() {
    let problems = stage(json!({ "fault": "panic-in-create" })).unwrap_err();
    let [problem] = problems.as_slice() else {
        panic!("{problems:?}")
    };
    assert!(
        problem.message.contains("asked to panic in create"),
        "{problem}"
    );
    assert!(problem.message.contains("src/fault.rs:"), "{problem}");
}

#[test]
fn a_panic_in_load_names_stage_and_call() {
    let stage = stage(json!({ "fault": "panic-in-load" })).unwrap();
    let error = stage.load().unwrap_err().to_string();
    assert!(
        error.starts_with("stage `stress` failed to load: panicked at "),
        "{error}"
    );
    assert!(
        error.ends_with(": stress: asked to panic in load"),
        "{error}"
    );
}

#[test]
fn a_panic_in_open_worker_names_stage_and_call() {
    let stage = ready(json!({ "fault": "panic-in-open-worker" }));
    let error = stage.open_worker(3).unwrap_err().to_string();
    assert!(
        error.starts_with("stage `stress` failed to open worker 3: panicked at "),
        "{error}"
    );
}

#[test]
fn a_stage_that_fails_to_load_says_why() {
    let stage = stage(json!({ "fault": "fail-load" })).unwrap();
    let Err(HostError::Stage { error, .. }) = stage.load() else {
        panic!("it should fail")
    };
    assert_eq!(
        (error.code.as_str(), error.class),
        ("no-weights", CallClass::Failed)
    );

    let stage = ready(json!({ "fault": "fail-open-worker" }));
    let error = stage.open_worker(0).unwrap_err().to_string();
    assert_eq!(
        error,
        "stage `stress` failed to open worker 0: no scratch is left [no-scratch]"
    );
}

#[test]
fn workers_come_after_load() {
    let stage = stage(json!({})).unwrap();
    let error = stage.open_worker(0).unwrap_err().to_string();
    assert!(error.contains("must be loaded first"), "{error}");
}

#[test]
fn a_panic_in_process_costs_the_worker_and_no_more() {
    let stage = ready(json!({ "fault": "panic-in-process", "only": "bad", "mark": "words" }));
    let mut batch = two_documents();
    let mut worker = stage.open_worker(0).unwrap();
    let error = worker.process(&batch, None).unwrap_err();
    assert_eq!(error.class, CallClass::Panicked);
    assert_eq!(error.doc, Some(1));
    assert_eq!(error.message, "stress: asked to panic at bad");
    let place = error.place.unwrap();
    assert!(place.starts_with("plugins/stress/src/fault.rs:"), "{place}");

    let again = worker.process(&batch, None).unwrap_err();
    assert_eq!(again.code, "torn-worker");
    drop(worker);

    let mut worker = stage.open_worker(0).unwrap();
    let mut good = batch.select(&[0]);
    let changes = worker.process(&good, None).unwrap();
    good.apply(changes);
    assert_eq!(good.layer("marks").unwrap().len(0), 5);
    batch.remove_layer("marks");
}

#[test]
fn panics_on_other_threads_and_odd_payloads_are_caught_too() {
    let error = failure("panic-on-thread");
    assert_eq!(error.class, CallClass::Panicked);
    assert_eq!(error.message, "stress: asked to panic on a thread");
    assert!(error.place.unwrap().contains("fault.rs:"));

    let error = failure("panic-with-bomb");
    assert_eq!(error.class, CallClass::Panicked);
    assert_eq!(error.message, "a panic without a message");
}

#[test]
fn panics_while_things_are_freed_do_not_reach_the_host() {
    for fault in ["panic-in-close-worker", "panic-in-destroy"] {
        let stage = ready(json!({ "fault": fault }));
        let worker = stage.open_worker(0).unwrap();
        drop(worker);
        drop(stage);
    }
}

#[test]
fn panics_leave_nothing_on_stderr() {
    if std::env::var_os("STRESS_CHILD").is_some() {
        for name in ["panic-in-process", "panic-on-thread", "panic-with-bomb"] {
            failure(name);
        }
        return;
    }
    let child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "tests::panics_leave_nothing_on_stderr",
            "--nocapture",
        ])
        .env("STRESS_CHILD", "1")
        .output()
        .unwrap();
    assert!(child.status.success());
    let stderr = String::from_utf8_lossy(&child.stderr);
    assert!(!stderr.contains("panicked"), "{stderr}");
}

#[test]
fn bad_writes_name_document_call_and_reason() {
    let entities = Given::layer("entities").span(0..3, "LOC");
    for (name, call, reason) in [
        ("span-out-of-bounds", "add_spans", "0..33"),
        ("span-backwards", "add_spans", "1..0"),
        ("span-off-boundary", "add_spans", "character"),
        ("span-beyond4-gib", "add_spans", "4294967295"),
        ("score-nan", "add_spans", "score NaN"),
        ("score-too-high", "add_spans", "score 1.5"),
        ("foreign-attribute", "set_attr", "colour"),
        ("attribute-of-no-row", "set_attr", "rows 7..8"),
        ("attribute-of-two-types", "set_attr", "colour"),
        ("dangling-link", "set_attr", "row 1"),
        ("vector-infinite", "set_vectors", "inf"),
        ("undeclared-meta", "set_meta", "`meta:title`"),
        ("ignored-refusal", "add_spans", "0..33"),
        ("edit-twice", "edit", "edited before"),
        ("edit-overlap", "edit", "overlap"),
    ] {
        let mut test = stress(json!({ "fault": name, "only": "bad" }))
            .document(NewDocument::new("good", "All is well in Vardby."));
        if name == "foreign-attribute" {
            test = test.given(entities.clone());
        }
        test = test.document(NewDocument::new("bad", "“Nothing is,” said Ada Lund."));
        if name == "foreign-attribute" {
            test = test.given(entities.clone());
        }
        let error = test.try_run().unwrap_err();
        assert_eq!(error.class, CallClass::Rejected, "{name}: {error}");
        assert_eq!(error.doc, Some(1), "{name}: {error}");
        assert!(
            error.message.starts_with(&format!("{call}: ")),
            "{name}: {error}"
        );
        assert!(error.message.contains(reason), "{name}: {error}");
    }
}

#[test]
fn an_undeclared_layer_is_refused_by_name() {
    let error = failure("undeclared-layer");
    assert_eq!(error.class, CallClass::Rejected);
    assert!(error.message.contains("`secrets`"), "{error}");
}

#[test]
fn failed_and_dropped_documents_leave_the_others_alone() {
    let stage = ready(json!({ "fault": "fail-document", "only": "bad", "mark": "words" }));
    let mut batch = two_documents();
    let changes = stage.open_worker(0).unwrap().process(&batch, None).unwrap();
    let outcome = batch.apply(changes);
    assert_eq!(batch.len(), 1);
    assert_eq!(batch.layer("marks").unwrap().len(0), 5);
    assert_eq!(outcome.failed[0].0.id, "bad");
    assert_eq!(outcome.failed[0].1.code, "bad-text");

    let stage = ready(json!({ "fault": "drop-document", "only": "bad" }));
    let mut batch = two_documents();
    let changes = stage.open_worker(0).unwrap().process(&batch, None).unwrap();
    let outcome = batch.apply(changes);
    assert_eq!(outcome.dropped[0].0.id, "bad");
    assert_eq!(outcome.dropped[0].1, "not wanted");
}

#[test]
fn a_failed_call_says_what_sort_of_failure_it_is() {
    let error = failure("fail-call");
    assert_eq!((error.class, error.doc), (CallClass::Failed, Some(1)));
    assert_eq!(error.to_string(), "cannot read this [bad-text]");
    assert!(failure("fail-call-retryable").retryable);
    assert_eq!(failure("fail-batch").class, CallClass::Batch);
}

#[test]
fn a_failed_call_changes_nothing() {
    let stage = ready(json!({ "fault": "fail-call", "only": "bad", "mark": "words" }));
    let batch = two_documents();
    stage
        .open_worker(0)
        .unwrap()
        .process(&batch, None)
        .unwrap_err();
    assert!(batch.layers().is_empty());
}

#[test]
fn a_stage_that_asks_stops_at_its_deadline() {
    let stage = ready(json!({ "fault": "until-cancelled", "millis": 20_000 }));
    let mut worker = stage.open_worker(0).unwrap();
    let start = Instant::now();
    let deadline = start + Duration::from_millis(30);
    let error = worker
        .process(&two_documents(), Some(deadline))
        .unwrap_err();
    assert_eq!(error.class, CallClass::Cancelled);
    assert!(start.elapsed() >= Duration::from_millis(30));
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_stage_that_asks_stops_when_it_is_cancelled() {
    let stage = ready(json!({ "fault": "until-cancelled", "millis": 20_000 }));
    let mut worker = stage.open_worker(0).unwrap();
    let flag = Arc::new(AtomicBool::new(false));
    worker.cancel_by(Arc::clone(&flag));
    let start = Instant::now();
    let error = std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(20));
            flag.store(true, Ordering::Relaxed);
        });
        worker.process(&two_documents(), None).unwrap_err()
    });
    assert_eq!(error.class, CallClass::Cancelled);
    assert!(start.elapsed() < Duration::from_secs(10));
}

#[test]
fn options_are_refused_with_pointers_all_at_once() {
    let problems = stage(json!({ "fault": "bad-options" })).unwrap_err();
    let errors: Vec<_> = problems
        .iter()
        .map(|p| (p.pointer.as_str(), p.severity))
        .collect();
    assert_eq!(
        errors,
        [
            ("/millis", Severity::Warning),
            ("/fault", Severity::Error),
            ("/only", Severity::Error),
        ]
    );
    assert_eq!(problems[1].hint.as_deref(), Some("take another"));

    let problems = stage(json!({ "millis": "many" })).unwrap_err();
    assert_eq!(problems[0].pointer, "/millis");
    let problems = stage(json!({ "milis": 3 })).unwrap_err();
    assert_eq!(problems[0].pointer, "/milis");
    assert_eq!(kind().config_schema()["additionalProperties"], false);
}

#[test]
fn the_contract_is_narrowed_to_the_options() {
    let provides = |options| stage(options).unwrap().provides().to_vec();
    assert_eq!(provides(json!({})), ["layer:marks", "meta:stress"]);
    assert_eq!(
        provides(json!({ "fault": "edit" })),
        ["text", "layer:marks", "layer:removed", "meta:stress"]
    );
}

#[test]
fn residue_that_is_cut_is_kept_in_removed() {
    let run = fault("edit").text("→ More news").run();
    assert_eq!(run.text(), " More news");
    run.expect("removed", &[(0..3, "stress")]);
}

#[test]
fn a_layer_is_stored_where_the_pipeline_says() {
    stress(json!({ "mark": "words" }))
        .into_layer("words")
        .text("all of them")
        .expect_texts(
            "words",
            &[("all", "WORD"), ("of", "WORD"), ("them", "WORD")],
        );
}

#[test]
fn words_and_counters_of_a_stage_reach_the_host() {
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);
    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::INFO)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let run = tracing::subscriber::with_default(subscriber, || {
        fault("chatty")
            .text("one two three")
            .meta("title", json!("A title"))
            .run()
    });
    assert_eq!(run.counters()["words"], 3);
    let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("copydesk::plugin"), "{log}");
    assert!(log.contains("a word id=\"test-0\" layers=false"), "{log}");
    assert!(log.contains("stage=\"test\""), "{log}");
    assert!(log.contains("A title"), "{log}");
    assert!(!log.contains("too fine"), "{log}");
}

#[test]
fn workers_of_one_stage_run_side_by_side() {
    let stage = ready(json!({ "mark": "words" }));
    std::thread::scope(|scope| {
        for index in 0..4 {
            let stage = &stage;
            scope.spawn(move || {
                let mut worker = stage.open_worker(index).unwrap();
                for _ in 0..50 {
                    let mut batch = two_documents();
                    let changes = worker.process(&batch, None).unwrap();
                    batch.apply(changes);
                    assert_eq!(batch.layer("marks").unwrap().len(1), 5);
                }
            });
        }
    });
}

#[test]
fn batches_without_documents_and_documents_without_text_are_fine() {
    let stage = ready(json!({ "mark": "words" }));
    let mut worker = stage.open_worker(0).unwrap();
    worker.process(&Batch::new(), None).unwrap();
    let mut batch = Batch::new();
    for text in ["", " ", "\u{202e}שלום", "👩‍👩‍👧"] {
        batch.push(NewDocument::new("odd", text));
    }
    let changes = worker.process(&batch, None).unwrap();
    batch.apply(changes);
    assert_eq!(batch.layer("marks").unwrap().len(3), 1);
}

#[test]
fn attributes_of_every_type_are_read_and_written_row_by_row() {
    let run = stress(json!({ "mark": "entities" }))
        .text("No entity here.")
        .given(Given::layer("entities"))
        .text("Ada Lund of Vardby, Lund")
        .given(
            Given::layer("entities")
                .span(0..8, "PER")
                .score(0.5)
                .text("name", "Ada Lund")
                .int("number", -3)
                .float("weight", 0.25)
                .link("same", "entities", 2)
                .vector("vector", &[1.0, 2.0])
                .plain(12..18)
                .vector("vector", &[3.0, 4.0])
                .span(20..24, "PER")
                .text("name", "Lund")
                .link("same", "entities", 0)
                .vector("vector", &[5.0, 6.0]),
        )
        .run();
    assert!(run.spans_in(0, "marks").is_empty());
    let marks = run.batch().layer("marks").unwrap();
    let spans: Vec<_> = marks.spans(1).collect();
    assert_eq!(spans.len(), 3);
    assert_eq!((spans[0].label, spans[0].score), (Some("PER"), Some(0.5)));
    assert_eq!((spans[1].label, spans[1].score), (None, None));
    assert_eq!(marks.text(1, 1, "words"), Some("Vardby"));
    assert_eq!(marks.text(1, 1, "stage"), Some("given"));
    for row in 0..3 {
        let entities = run.batch().layer("entities").unwrap();
        assert_eq!(marks.text(1, row, "name"), entities.text(1, row, "name"));
        assert_eq!(marks.int(1, row, "number"), entities.int(1, row, "number"));
        assert_eq!(
            marks.float(1, row, "weight"),
            entities.float(1, row, "weight")
        );
        assert_eq!(marks.link(1, row, "same"), entities.link(1, row, "same"));
        assert_eq!(
            marks.vector(1, row, "vector"),
            entities.vector(1, row, "vector")
        );
    }
    assert_eq!(marks.int(1, 1, "number"), None);
    assert_eq!(marks.text(1, 0, "layer"), Some("entities"));
    assert_eq!(marks.vector(1, 2, "vector"), Some(&[5.0, 6.0][..]));
}

#[test]
fn facts_go_from_stage_to_stage() {
    let run = stress(json!({}))
        .fact("layer:entities", "space", "tiny@0123")
        .text("a")
        .run();
    assert_eq!(
        run.facts().lookup("layer:marks", "heard"),
        Some("tiny@0123")
    );
    let run = stress(json!({})).into_layer("words").text("a").run();
    assert_eq!(run.facts().lookup("layer:words", "heard"), Some(""));
    assert_eq!(run.facts().lookup("layer:marks", "heard"), None);
}

#[test]
fn a_model_is_verified_when_it_is_loaded_and_not_before() {
    let base = tempfile::tempdir().unwrap();
    let create = |options: Value| {
        let resources = Resources::new(base.path());
        kind().create("stress", &options, &mut Facts::new(), &resources, 1)
    };
    let problems = create(json!({ "model": "tiny" })).unwrap_err();
    assert_eq!(problems[0].pointer, "/model");
    assert!(
        problems[0].message.contains("no file or folder `tiny`"),
        "{}",
        problems[0]
    );

    let model = base.path().join("tiny");
    std::fs::create_dir(&model).unwrap();
    std::fs::write(model.join("weights.bin"), "cut sho").unwrap();
    let card = format!("[sha256]\n\"weights.bin\" = \"{}\"\n", "0".repeat(64));
    std::fs::write(model.join("model.toml"), card).unwrap();
    let stage = create(json!({ "model": "tiny" })).unwrap();
    let error = stage.load().unwrap_err().to_string();
    for part in [
        "stage `stress` failed to load",
        "weights.bin",
        "(7 bytes)",
        "model.toml",
    ] {
        assert!(error.contains(part), "{part:?} not in {error}");
    }
}

#[test]
fn a_stage_that_is_linked_statically_logs_to_the_program() {
    // An event that went to the host and came back would never end.
    let run = copydesk_testkit::stage!(crate::Stress)
        .options(json!({ "fault": "chatty" }))
        .text("one two")
        .run();
    assert_eq!(run.counters()["words"], 2);
}
