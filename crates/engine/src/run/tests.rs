//! The engine with stages made for the test: what goes in comes out, once, in order, however it
//! is cut into batches.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use copydesk_document::{AttrValue, Batch, Changes, Contract, DocFailure, Edit, NewDocument, Span};
use copydesk_host::{CallClass, CallError, HostError};
use proptest::prelude::*;

use super::channel::lock;
use super::step::{Step, StepWorker};
use super::{Planned, run};
use crate::config::Run;
use crate::control::{Control, Interrupt};
use crate::progress::{Overdue, Progress};
use crate::report::{Budget, Counts, Earlier, Outcome, Report, StopReason};
use crate::sink::{DeadLetter, DeadLetters, FailureClass, Outputs, Sink, SinkError};
use crate::source::{Documents, InputFailure, Source};

type Behaviour =
    dyn Fn(&Batch, &mut Changes, Option<Instant>) -> Result<(), CallError> + Send + Sync;

/// A stage that is a closure.
#[derive(Clone)]
struct Fake {
    contract: Arc<Contract>,
    behaviour: Arc<Behaviour>,
    opened: Arc<AtomicU32>,
}

fn fake(
    name: &str,
    requires: &[&str],
    provides: &[&str],
    behaviour: impl Fn(&Batch, &mut Changes, Option<Instant>) -> Result<(), CallError>
    + Send
    + Sync
    + 'static,
) -> Fake {
    let mut contract = Contract::parse(name, requires, provides).unwrap();
    for layer in &mut contract.layers {
        layer.transient = layer.name == "tokens";
    }
    Fake {
        contract: Arc::new(contract),
        behaviour: Arc::new(behaviour),
        opened: Arc::default(),
    }
}

impl Fake {
    fn planned(&self) -> Planned {
        Planned {
            step: Arc::new(self.clone()),
            workers: None,
            timeout: None,
            frees: Vec::new(),
            group: None,
        }
    }
}

impl Step for Fake {
    fn name(&self) -> &str {
        &self.contract.stage
    }

    fn plugin(&self) -> String {
        format!("test/{} 1.0.0", self.contract.stage)
    }

    fn load(&self) -> Result<(), HostError> {
        Ok(())
    }

    fn open(&self, _: u32, _: &Arc<AtomicBool>) -> Result<Box<dyn StepWorker>, HostError> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(self.clone()))
    }

    fn counters(&self) -> Vec<(String, u64)> {
        Vec::new()
    }
}

impl StepWorker for Fake {
    fn process(&mut self, batch: &Batch, deadline: Option<Instant>) -> Result<Changes, CallError> {
        let mut changes = Changes::new(batch, Arc::clone(&self.contract));
        (self.behaviour)(batch, &mut changes, deadline)?;
        changes.finish().expect("a test writes what it may");
        Ok(changes)
    }
}

fn error(class: CallClass, doc: Option<usize>, code: &str) -> CallError {
    CallError {
        class,
        doc,
        code: code.to_owned(),
        message: format!("told to say {code}"),
        place: None,
        retryable: false,
    }
}

/// Index of the first document whose id contains a word.
fn find(batch: &Batch, word: &str) -> Option<usize> {
    (0..batch.len()).find(|&doc| batch.id(doc).contains(word))
}

/// Keeps what is written, as text.
#[derive(Default)]
struct Shelf {
    documents: Vec<String>,
    layers: BTreeSet<String>,
    finished: u32,
    fail_after: Option<(usize, io::ErrorKind)>,
    written: Option<Arc<AtomicU64>>,
}

impl Sink for Shelf {
    fn write(&mut self, batch: &Batch) -> Result<(), SinkError> {
        if let Some((documents, kind)) = self.fail_after
            && self.documents.len() >= documents
        {
            return Err(SinkError {
                what: "the output `test`".to_owned(),
                source: kind.into(),
            });
        }
        for doc in 0..batch.len() {
            self.documents.push(shown(batch, doc));
        }
        let names = batch.layers().iter().map(|layer| layer.name.clone());
        self.layers.extend(names);
        if let Some(written) = &self.written {
            written.fetch_add(batch.len() as u64, Ordering::SeqCst);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        self.finished += 1;
        Ok(())
    }
}

impl Shelf {
    fn ids(&self) -> Vec<&str> {
        self.documents
            .iter()
            .map(|document| document.split(' ').next().unwrap())
            .collect()
    }
}

fn shown(batch: &Batch, doc: usize) -> String {
    let mut text = format!("{} {:?}", batch.id(doc), batch.text(doc));
    for layer in batch.layers() {
        for span in layer.spans(doc) {
            let attrs = layer
                .attrs()
                .iter()
                .map(|attr| layer.int(doc, span.row, &attr.name));
            text += &format!(
                " {}:{:?}{:?}{:?}",
                layer.name,
                span.range(),
                span.label,
                attrs.collect::<Vec<_>>()
            );
        }
    }
    text
}

#[derive(Default)]
struct Letters(Vec<DeadLetter>);

impl DeadLetters for Letters {
    fn write(&mut self, letter: &DeadLetter) -> Result<(), SinkError> {
        self.0.push(letter.clone());
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

impl Letters {
    /// Id, class and code of each.
    fn told(&self) -> Vec<(&str, FailureClass, &str)> {
        self.0
            .iter()
            .map(|letter| (letter.id.as_str(), letter.class, letter.code.as_str()))
            .collect()
    }
}

struct Ran {
    report: Report,
    shelf: Shelf,
    letters: Letters,
}

fn go(stages: &[Planned], settings: &Run, ids: &[String]) -> Ran {
    let documents = ids
        .iter()
        .map(|id| NewDocument::new(id, format!("the text of {id}, ü 😀")));
    let source = Documents::new(documents.collect::<Vec<_>>());
    go_with(stages, settings, Box::new(source), Shelf::default())
}

fn go_with(stages: &[Planned], settings: &Run, source: Box<dyn Source>, mut shelf: Shelf) -> Ran {
    let mut letters = Letters::default();
    let report = run(
        stages,
        settings,
        source,
        &mut Outputs {
            sink: &mut shelf,
            dead_letters: &mut letters,
        },
        Earlier::default(),
        &Control::new(),
        Arc::new(()),
    );
    Ran {
        report,
        shelf,
        letters,
    }
}

fn ids(words: &[&str]) -> Vec<String> {
    words
        .iter()
        .enumerate()
        .map(|(index, word)| format!("{index}-{word}"))
        .collect()
}

fn good(count: usize) -> Vec<String> {
    ids(&vec!["good"; count])
}

fn settings(batch_docs: u32, threads: u32) -> Run {
    Run {
        threads: Some(threads),
        batch_docs,
        ..Run::default()
    }
}

/// Cuts the first word away and marks the others, with vectors on a transient layer.
fn words() -> Fake {
    fake(
        "words",
        &["text"],
        &["text", "layer:words", "layer:tokens"],
        |batch, changes, _| {
            let words = changes.layer("words").unwrap();
            let tokens = changes.layer("tokens").unwrap();
            for doc in 0..batch.len() {
                let text = batch.text(doc);
                let label = changes.label(words, &batch.id(doc)[..1]).unwrap();
                let mut start = 0;
                for word in text.split(' ') {
                    let span = Span {
                        label,
                        ..Span::new(start as u32, (start + word.len()) as u32)
                    };
                    changes.add_spans(doc, words, &[span]).unwrap();
                    let token = Span::new(span.start, span.end);
                    let row = changes.add_spans(doc, tokens, &[token]).unwrap();
                    changes
                        .set_vectors(doc, tokens, row, 1, "vector", 2, &[1.0, word.len() as f32])
                        .unwrap();
                    start += word.len() + 1;
                }
                let cut = Edit {
                    start: 0,
                    end: 4,
                    with: String::new(),
                    kind: None,
                };
                changes.edit(doc, vec![cut]).unwrap();
            }
            Ok(())
        },
    )
}

/// Does with each document what its id says; sums up its vectors otherwise.
fn moody(name: &'static str) -> Fake {
    fake(
        name,
        &["layer:tokens", "layer:words"],
        &[&format!("layer:{name}"), &format!("attr:words/{name}")],
        move |batch, changes, _| {
            if find(batch, &format!("{name}-poison")).is_some() {
                return Err(error(CallClass::Failed, None, "poison"));
            }
            if let Some(doc) = find(batch, &format!("{name}-reject")) {
                return Err(error(CallClass::Rejected, Some(doc), "rejected"));
            }
            if find(batch, &format!("{name}-panic")).is_some() {
                return Err(error(CallClass::Panicked, None, "panic"));
            }
            let layer = changes.layer(name).unwrap();
            let words = changes.layer("words").unwrap();
            let tokens = batch.layer("tokens").unwrap();
            for doc in 0..batch.len() {
                if batch.id(doc).contains(&format!("{name}-drop")) {
                    changes.drop_doc(doc, "not wanted").unwrap();
                    continue;
                }
                let busy = batch.id(doc).contains(&format!("{name}-busy"));
                if busy || batch.id(doc).contains(&format!("{name}-fail")) {
                    let failure = DocFailure {
                        retryable: busy,
                        code: "mood".to_owned(),
                        message: "no".to_owned(),
                    };
                    changes.fail_doc(doc, failure).unwrap();
                    continue;
                }
                for span in tokens.spans(doc) {
                    let vector = tokens.vector(doc, span.row, "vector").unwrap();
                    let row = changes
                        .add_spans(doc, layer, &[Span::new(span.start, span.end)])
                        .unwrap();
                    changes
                        .set_attr(doc, layer, row, "sum", AttrValue::Int(vector[1] as i64))
                        .unwrap();
                    changes
                        .set_attr(doc, words, span.row, name, AttrValue::Int(i64::from(row)))
                        .unwrap();
                }
            }
            Ok(())
        },
    )
}

fn three_stages(workers: [u32; 3]) -> Vec<Planned> {
    let mut stages = vec![
        words().planned(),
        moody("first").planned(),
        moody("second").planned(),
    ];
    for (stage, workers) in stages.iter_mut().zip(workers) {
        stage.workers = Some(workers);
    }
    stages[2].frees = vec!["tokens".to_owned()];
    stages
}

/// What an id makes of its document, without the engine.
fn fate(id: &str) -> &'static str {
    for stage in ["first", "second"] {
        for (word, fate) in [
            ("poison", "failed"),
            ("reject", "failed"),
            ("panic", "failed"),
            ("fail", "failed"),
            ("busy", "failed"),
            ("drop", "dropped"),
        ] {
            if id.contains(&format!("{stage}-{word}")) {
                return fate;
            }
        }
    }
    "done"
}

fn some_ids() -> impl Strategy<Value = Vec<String>> {
    let word = prop_oneof![
        8 => Just("good".to_owned()),
        4 => (prop_oneof![Just("first"), Just("second")],
              prop_oneof![Just("poison"), Just("reject"), Just("fail"), Just("busy"), Just("drop")])
            .prop_map(|(stage, mood)| format!("{stage}-{mood}")),
        1 => Just("first-fail-second-drop".to_owned()),
    ];
    prop::collection::vec(word, 0..60).prop_map(|words| {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        ids(&words)
    })
}

#[test]
fn a_failure_that_passes_is_none_and_one_that_stays_is_tried_so_often() {
    let tried: Arc<Mutex<BTreeMap<String, u32>>> = Arc::default();
    let busy = fake("busy", &[], &["layer:busy"], {
        let tried = Arc::clone(&tried);
        move |batch, changes, _| {
            let mut tried = lock(&tried);
            // Whose id begins with a letter other than `c`: how often it fails, and how.
            for doc in 0..batch.len() {
                let id = batch.id(doc);
                let (how, times) = id.split_once('-').unwrap();
                let Ok(times) = times.parse::<u32>() else {
                    continue;
                };
                let before = tried.entry(id.to_owned()).or_default();
                if *before >= times {
                    continue;
                }
                match how {
                    "named" => {
                        *before += 1;
                        let failure = DocFailure {
                            retryable: true,
                            code: "busy".to_owned(),
                            message: "later".to_owned(),
                        };
                        changes.fail_doc(doc, failure).unwrap();
                    }
                    _ => {
                        // Only a call with this document alone counts.
                        *before += u32::from(batch.len() == 1);
                        return Err(CallError {
                            retryable: true,
                            ..error(CallClass::Failed, None, "busy")
                        });
                    }
                }
            }
            Ok(())
        }
    });
    let ids = [
        "a-x", "named-2", "b-x", "call-2", "named-3", "call-3", "c-x",
    ]
    .map(str::to_owned);
    for batch_docs in [1, 64] {
        lock(&tried).clear();
        let ran = go(&[busy.planned()], &settings(batch_docs, 1), &ids);
        assert_eq!(ran.shelf.ids(), ["a-x", "named-2", "b-x", "call-2", "c-x"]);
        let letters: Vec<_> = ran
            .letters
            .0
            .iter()
            .map(|letter| (letter.id.as_str(), letter.class, letter.attempts))
            .collect();
        assert_eq!(
            letters,
            [
                ("named-3", FailureClass::Retryable, 3),
                ("call-3", FailureClass::Retryable, 3)
            ]
        );
    }
    lock(&tried).clear();
    let never = Run {
        retries: 0,
        ..settings(64, 1)
    };
    let ran = go(&[busy.planned()], &never, &ids);
    assert_eq!(ran.letters.0.len(), 4);
    assert!(ran.letters.0.iter().all(|letter| letter.attempts == 1));
}

fn letters_as_json(letters: &Letters) -> Vec<String> {
    letters
        .0
        .iter()
        .map(|letter| serde_json::to_string(letter).unwrap())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn output_does_not_depend_on_batches_or_workers(
        ids in some_ids(),
        batch_docs in 1_u32..40,
        batch_bytes in 1_u64..2000,
        threads in 1_u32..5,
        channel in 1_u32..4,
        workers in [1_u32..4, 1_u32..4, 1_u32..4],
    ) {
        let plain = go(&three_stages([1, 1, 1]), &settings(1, 1), &ids);
        let cut = Run { batch_bytes, channel, ..settings(batch_docs, threads) };
        let other = go(&three_stages(workers), &cut, &ids);
        prop_assert_eq!(&other.shelf.documents, &plain.shelf.documents);
        prop_assert_eq!(letters_as_json(&other.letters), letters_as_json(&plain.letters));
        prop_assert_eq!(other.report.counts, plain.report.counts);
        prop_assert!(matches!(other.report.outcome, Outcome::Finished));
    }

    #[test]
    fn nothing_is_lost_and_nothing_comes_twice(
        ids in some_ids(),
        batch_docs in 1_u32..40,
        threads in 1_u32..4,
        ordered: bool,
    ) {
        let cut = Run { ordered, ..settings(batch_docs, threads) };
        let ran = go(&three_stages([2, 2, 2]), &cut, &ids);
        let with = |wanted| ids.iter().map(String::as_str).filter(|id| fate(id) == wanted).collect::<Vec<_>>();
        let mut done = ran.shelf.ids();
        let mut failed: Vec<&str> = ran.letters.0.iter().map(|letter| letter.id.as_str()).collect();
        let position = |id: &&str| ids.iter().position(|other| other == id);
        if !ordered {
            done.sort_by_key(position);
            failed.sort_by_key(position);
        }
        prop_assert_eq!(done, with("done"));
        prop_assert_eq!(failed, with("failed"));
        prop_assert_eq!(ran.report.counts.dropped as usize, with("dropped").len());
        prop_assert_eq!(ran.report.unfinished, 0);
    }

    #[test]
    fn bisection_finds_exactly_the_guilty(guilty in prop::collection::btree_set(0_usize..64, 0..8)) {
        let words: Vec<&str> = (0..64)
            .map(|index| if guilty.contains(&index) { "first-poison" } else { "good" })
            .collect();
        let ids = ids(&words);
        // One batch of 64: the slow start is over after 63 documents.
        let mut all = good(63);
        all.iter_mut().for_each(|id| id.push_str("-before"));
        all.extend(ids.iter().cloned());
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let inner = moody("first");
        let first = fake("first", &["layer:tokens", "layer:words"], &["layer:first", "attr:words/first"], move |batch, changes, deadline| {
            counted.fetch_add(1, Ordering::SeqCst);
            (inner.behaviour)(batch, changes, deadline)
        });
        let mut stages = vec![words_stage(), first.planned()];
        stages[1].workers = Some(1);
        let ran = go(&stages, &settings(64, 2), &all);
        let failed: BTreeSet<usize> = ran.letters.0.iter()
            .map(|letter| letter.id.split('-').next().unwrap().parse().unwrap())
            .collect();
        prop_assert_eq!(&failed, &guilty);
        prop_assert_eq!(ran.shelf.documents.len(), 127 - guilty.len());
        // Each of them costs at most two calls a level.
        let bound = 7 + 2 * 6 * guilty.len() + 7;
        prop_assert!(calls.load(Ordering::SeqCst) <= bound);
    }
}

fn words_stage() -> Planned {
    words().planned()
}

#[test]
fn a_transient_layer_is_there_for_its_readers_and_not_in_the_output() {
    let ran = go(&three_stages([1, 1, 1]), &settings(4, 2), &good(9));
    assert_eq!(ran.report.counts.done, 9);
    let layers: Vec<&str> = ran.shelf.layers.iter().map(String::as_str).collect();
    assert_eq!(layers, ["first", "second", "words"]);
}

#[test]
fn an_empty_input_is_a_finished_run() {
    let ran = go(&three_stages([1, 1, 1]), &settings(4, 2), &[]);
    assert_eq!(ran.report.exit_code(), 0);
    assert_eq!(ran.shelf.finished, 1);
}

#[test]
fn a_pipeline_without_stages_passes_documents_on() {
    let ran = go(&[], &settings(4, 2), &good(9));
    assert_eq!(ran.shelf.documents.len(), 9);
}

#[test]
fn order_is_kept_behind_a_batch_that_takes_long() {
    let slow = fake("slow", &[], &[], |batch, _, _| {
        if find(batch, "0-").is_some() {
            thread::sleep(Duration::from_millis(250));
        }
        Ok(())
    });
    let ran = go(&[slow.planned()], &settings(1, 4), &good(20));
    let expected = good(20);
    assert_eq!(ran.shelf.ids(), expected);
    let unordered = Run {
        ordered: false,
        ..settings(1, 4)
    };
    let ran = go(&[slow.planned()], &unordered, &good(20));
    assert_ne!(ran.shelf.ids()[0], "0-good", "the slow one comes later");
    assert_eq!(ran.shelf.documents.len(), 20);
}

#[test]
fn a_failure_of_the_whole_call_is_not_bisected() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let down = fake("down", &[], &[], move |batch, _, _| {
        counted.fetch_add(1, Ordering::SeqCst);
        match find(batch, "bad") {
            Some(_) => Err(error(CallClass::Batch, None, "no-server")),
            None => Ok(()),
        }
    });
    // Batches of 1, 2 and 4.
    let ran = go(
        &[down.planned()],
        &settings(64, 1),
        &ids(&["good", "good", "good", "good", "bad", "good", "good"]),
    );
    assert_eq!(calls.load(Ordering::SeqCst), 3);
    assert_eq!(ran.report.counts.failed, 4);
    assert_eq!(ran.report.causes.len(), 1);
    assert_eq!(ran.report.causes[0].documents, 4);
    assert_eq!(ran.letters.0[0].class, FailureClass::Batch);
}

#[test]
fn a_worker_that_panicked_is_replaced_and_only_the_guilty_fail() {
    let stage = moody("first");
    let mut planned = stage.planned();
    planned.workers = Some(1);
    let stages = [words_stage(), planned];
    let ran = go(
        &stages,
        &settings(8, 2),
        &ids(&["good", "first-panic", "good", "good", "first-panic", "good"]),
    );
    assert_eq!(
        ran.letters.told(),
        [
            ("1-first-panic", FailureClass::Panicked, "panic"),
            ("4-first-panic", FailureClass::Panicked, "panic"),
        ]
    );
    assert_eq!(ran.report.counts.done, 4);
    assert!(stage.opened.load(Ordering::SeqCst) > 2);
    assert_eq!(ran.report.exit_code(), 3);
}

#[test]
fn a_stage_that_panics_on_everything_stops_the_run() {
    let stages = [words_stage(), moody("first").planned()];
    let ran = go(&stages, &settings(1, 1), &ids(&["first-panic"; 30]));
    let Outcome::Stopped(StopReason::Panics { stage, batches, .. }) = &ran.report.outcome else {
        panic!("{:?}", ran.report.outcome);
    };
    assert_eq!((stage.as_str(), *batches), ("first", 3));
    assert_eq!(ran.report.exit_code(), 1);
    assert_eq!(ran.shelf.finished, 1);
}

struct Listening {
    overdue: Mutex<Vec<Overdue>>,
}

impl Progress for Listening {
    fn overdue(&self, call: &Overdue) {
        lock(&self.overdue).push(call.clone());
    }
}

#[test]
fn a_call_over_its_time_is_told_while_it_runs_and_its_document_fails() {
    let slow = fake("slow", &[], &[], |batch, _, deadline| {
        if find(batch, "slow").is_none() {
            return Ok(());
        }
        let deadline = deadline.expect("a stage with a limit has a deadline");
        // Does not ask at once, so that the watch has something to tell.
        while Instant::now() < deadline + Duration::from_millis(250) {
            thread::sleep(Duration::from_millis(5));
        }
        // Names an innocent one: it was at this document when its time was up.
        Err(error(CallClass::Cancelled, Some(0), "cancelled"))
    });
    let mut planned = slow.planned();
    planned.timeout = Some(Duration::from_millis(40));
    let listening = Arc::new(Listening {
        overdue: Mutex::default(),
    });
    let all = ids(&["good", "good", "slow", "good"]);
    let documents: Vec<_> = all.iter().map(|id| NewDocument::new(id, "text")).collect();
    let (mut shelf, mut letters) = (Shelf::default(), Letters::default());
    let report = run(
        &[planned],
        &settings(64, 2),
        Box::new(Documents::new(documents)),
        &mut Outputs {
            sink: &mut shelf,
            dead_letters: &mut letters,
        },
        Earlier::default(),
        &Control::new(),
        Arc::clone(&listening) as Arc<dyn Progress>,
    );
    assert_eq!(
        letters.told(),
        [("2-slow", FailureClass::Timeout, "cancelled")]
    );
    assert!(letters.0[0].message.contains("timeout_secs = 0.04"));
    assert_eq!(report.counts.done, 3);
    let overdue = lock(&listening.overdue);
    // The batch of two, then the guilty one alone; each call once.
    let documents: Vec<&[String]> = overdue.iter().map(|call| &call.documents[..]).collect();
    assert_eq!(
        documents,
        [&all[1..3], &all[2..3]],
        "stage and documents are named"
    );
    assert_eq!(overdue[0].stage, "slow");
}

#[test]
fn a_second_document_with_the_same_id_and_one_too_large_fail() {
    let all: Vec<NewDocument> = [("a", 10), ("b", 2000), ("a", 10), ("c", 1000), ("b", 10)]
        .iter()
        .map(|(id, bytes)| NewDocument::new(*id, "x".repeat(*bytes)))
        .collect();
    let small = Run {
        max_document_mb: 0.001,
        ..settings(64, 1)
    };
    let source = Box::new(Documents::new(all));
    let ran = go_with(&[], &small, source, Shelf::default());
    assert_eq!(
        ran.letters.told(),
        [
            ("b", FailureClass::Input, "too-large"),
            ("a", FailureClass::Input, "duplicate-id"),
        ]
    );
    assert_eq!(ran.shelf.ids(), ["a", "c", "b"]);
    assert_eq!(ran.letters.0[0].document, None);
    assert!(ran.letters.0[1].document.is_some());
    assert_eq!(ran.report.counts.failed, 2);
}

/// Gives what the closure gives.
struct Tap<F>(F);

impl<F: FnMut() -> Option<Result<NewDocument, InputFailure>> + Send> Source for Tap<F> {
    fn next(&mut self) -> Option<Result<NewDocument, InputFailure>> {
        (self.0)()
    }
}

fn failure(fatal: bool) -> InputFailure {
    InputFailure {
        id: "lines.jsonl:3".to_owned(),
        path: Some("lines.jsonl".to_owned()),
        place: Some("line 3".to_owned()),
        code: "not-json".to_owned(),
        message: "not a JSON object".to_owned(),
        raw: Some("{oops".to_owned()),
        seq: 2,
        fatal,
    }
}

#[test]
fn what_cannot_be_read_is_a_dead_letter_of_the_input() {
    let mut count = 0;
    let tap = Tap(move || {
        count += 1;
        match count {
            3 => Some(Err(failure(false))),
            7 => None,
            _ => Some(Ok(NewDocument::new(count.to_string(), "text"))),
        }
    });
    let ran = go_with(&[], &settings(4, 1), Box::new(tap), Shelf::default());
    assert_eq!(ran.shelf.ids(), ["1", "2", "4", "5", "6"]);
    assert_eq!(ran.report.exit_code(), 3);
    insta::assert_snapshot!(serde_json::to_string_pretty(&ran.letters.0[0]).unwrap());
}

#[test]
fn an_input_that_cannot_be_read_on_stops_the_run_after_what_was_read() {
    let mut count = 0;
    let tap = Tap(move || {
        count += 1;
        Some(match count {
            1 | 2 => Ok(NewDocument::new(count.to_string(), "text")),
            _ => Err(failure(true)),
        })
    });
    let ran = go_with(&[], &settings(4, 1), Box::new(tap), Shelf::default());
    let Outcome::Stopped(reason) = &ran.report.outcome else {
        panic!("{:?}", ran.report.outcome);
    };
    assert_eq!(
        reason.to_string(),
        "failed to read the input: line 3: not a JSON object"
    );
    assert_eq!(ran.shelf.ids(), ["1", "2"]);
    assert_eq!(ran.report.exit_code(), 1);
}

#[test]
fn a_source_that_panics_is_an_error_and_no_end_of_input() {
    let tap = Tap(|| panic!("told to"));
    let ran = go_with(&[], &settings(4, 1), Box::new(tap), Shelf::default());
    assert!(matches!(
        ran.report.outcome,
        Outcome::Stopped(StopReason::Internal)
    ));
}

#[test]
fn a_dead_letter_carries_the_document_as_it_came() {
    let stages = three_stages([1, 1, 1]);
    let ran = go(&stages, &settings(4, 1), &ids(&["second-poison"]));
    insta::assert_snapshot!(serde_json::to_string_pretty(&ran.letters.0[0]).unwrap());
}

#[test]
fn an_interrupted_run_finishes_what_was_read() {
    let control = Control::new();
    let read = Arc::new(AtomicU64::new(0));
    let tap = {
        let (control, read) = (control.clone(), Arc::clone(&read));
        Tap(move || {
            let count = read.fetch_add(1, Ordering::SeqCst);
            if count == 40 {
                control.interrupt(Interrupt::Terminate);
            }
            Some(Ok(NewDocument::new(format!("{count}-good"), "the text")))
        })
    };
    let (mut shelf, mut letters) = (Shelf::default(), Letters::default());
    let report = run(
        &three_stages([2, 2, 2]),
        &settings(8, 2),
        Box::new(tap),
        &mut Outputs {
            sink: &mut shelf,
            dead_letters: &mut letters,
        },
        Earlier::default(),
        &control,
        Arc::new(()),
    );
    assert!(matches!(
        report.outcome,
        Outcome::Interrupted(Interrupt::Terminate)
    ));
    assert_eq!(report.exit_code(), 143);
    assert_eq!(shelf.documents.len(), 41);
    assert_eq!(report.unfinished, 0);
    assert_eq!(shelf.finished, 1);
}

#[test]
fn an_interrupted_run_does_not_wait_for_an_input_that_waits() {
    let control = Control::new();
    let (keep, never) = crossbeam_channel::bounded::<()>(0);
    let mut count = 0;
    let tap = Tap(move || {
        count += 1;
        if count > 3 {
            let _ = never.recv();
        }
        Some(Ok(NewDocument::new(count.to_string(), "the text")))
    });
    thread::spawn({
        let control = control.clone();
        move || {
            thread::sleep(Duration::from_millis(100));
            control.interrupt(Interrupt::Interrupt);
        }
    });
    let (mut shelf, mut letters) = (Shelf::default(), Letters::default());
    let report = run(
        &[words_stage()],
        &settings(64, 2),
        Box::new(tap),
        &mut Outputs {
            sink: &mut shelf,
            dead_letters: &mut letters,
        },
        Earlier::default(),
        &control,
        Arc::new(()),
    );
    assert!(matches!(report.outcome, Outcome::Interrupted(_)));
    assert_eq!(shelf.ids(), ["1", "2", "3"]);
    drop(keep);
}

#[test]
fn a_second_interrupt_ends_a_run_whose_stage_hangs() {
    let control = Control::new();
    let (keep, never) = crossbeam_channel::bounded::<()>(0);
    let hangs = fake("hangs", &[], &[], move |batch, _, _| {
        if find(batch, "hang").is_some() {
            let _ = never.recv();
        }
        Ok(())
    });
    thread::spawn({
        let control = control.clone();
        move || {
            for _ in 0..2 {
                thread::sleep(Duration::from_millis(100));
                control.interrupt(Interrupt::Interrupt);
            }
        }
    });
    let all = ids(&["good", "hang", "good", "good"]);
    let documents: Vec<_> = all.iter().map(|id| NewDocument::new(id, "text")).collect();
    let (mut shelf, mut letters) = (Shelf::default(), Letters::default());
    let report = run(
        &[hangs.planned()],
        &settings(1, 2),
        Box::new(Documents::new(documents)),
        &mut Outputs {
            sink: &mut shelf,
            dead_letters: &mut letters,
        },
        Earlier::default(),
        &control,
        Arc::new(()),
    );
    assert!(matches!(report.outcome, Outcome::Aborted(_)));
    assert_eq!(report.exit_code(), 130);
    assert_eq!(shelf.ids(), ["0-good"]);
    assert_eq!(report.unfinished, 3);
    drop(keep);
}

fn shelf_that_fails(documents: usize, kind: io::ErrorKind) -> Shelf {
    Shelf {
        fail_after: Some((documents, kind)),
        ..Shelf::default()
    }
}

fn endless() -> Box<dyn Source> {
    let mut count = 0_u64;
    Box::new(Tap(move || {
        count += 1;
        Some(Ok(NewDocument::new(count.to_string(), "the text")))
    }))
}

#[test]
fn a_run_goes_on_from_what_earlier_ones_have_done() {
    let mut shelf = Shelf::default();
    let mut letters = Letters::default();
    let earlier = Earlier {
        counts: Counts {
            done: 10,
            dropped: 1,
            failed: 2,
        },
        ids: ["1-good"].map(crate::ids::digest).into_iter().collect(),
        ..Earlier::default()
    };
    let limited = Run {
        max_failed: Some(2),
        ..settings(4, 1)
    };
    let report = run(
        &[],
        &limited,
        Box::new(Documents::new(
            good(3).into_iter().map(|id| NewDocument::new(id, "text")),
        )),
        &mut Outputs {
            sink: &mut shelf,
            dead_letters: &mut letters,
        },
        earlier,
        &Control::new(),
        Arc::new(()),
    );
    assert_eq!(
        letters.told(),
        [("1-good", FailureClass::Input, "duplicate-id")]
    );
    assert!(
        matches!(report.outcome, Outcome::BudgetExceeded(Budget::Count(2))),
        "two failures of earlier runs and one of this are more than two"
    );
    assert_eq!((report.counts.failed, report.counts_here.failed), (3, 1));
}

#[test]
fn an_output_that_cannot_be_written_stops_the_run() {
    let shelf = shelf_that_fails(10, io::ErrorKind::StorageFull);
    let ran = go_with(&[words_stage()], &settings(4, 2), endless(), shelf);
    assert!(matches!(
        ran.report.outcome,
        Outcome::Stopped(StopReason::Sink(_))
    ));
    assert_eq!(ran.report.exit_code(), 1);
    assert_eq!(ran.report.counts.done, ran.shelf.documents.len() as u64);
    assert_eq!(ran.shelf.finished, 1);
}

#[test]
fn a_broken_pipe_ends_the_run_quietly() {
    let shelf = shelf_that_fails(10, io::ErrorKind::BrokenPipe);
    let ran = go_with(&[words_stage()], &settings(4, 2), endless(), shelf);
    assert!(matches!(ran.report.outcome, Outcome::BrokenPipe));
    assert_eq!(ran.report.exit_code(), 0);
}

#[test]
fn more_failures_than_allowed_stop_the_run_and_the_causes_are_counted() {
    let count = AtomicU64::new(0);
    let tap = Tap(move || {
        let count = count.fetch_add(1, Ordering::SeqCst);
        let word = match count % 4 {
            0 => "first-poison",
            1 => "first-fail",
            _ => "good",
        };
        Some(Ok(NewDocument::new(format!("{count}-{word}"), "the text")))
    });
    let limited = Run {
        max_failed: Some(10),
        ..settings(4, 2)
    };
    let stages = [words_stage(), moody("first").planned()];
    let ran = go_with(&stages, &limited, Box::new(tap), Shelf::default());
    assert!(matches!(ran.report.outcome, Outcome::BudgetExceeded(_)));
    assert_eq!(ran.report.exit_code(), 4);
    let failed: u64 = ran.report.causes.iter().map(|cause| cause.documents).sum();
    assert_eq!(failed, ran.report.counts.failed);
    assert!((11..=14).contains(&failed), "{failed}");
    let codes: BTreeSet<&str> = ran.report.causes.iter().map(|c| c.code.as_str()).collect();
    assert_eq!(codes, BTreeSet::from(["mood", "poison"]));
}

#[test]
fn a_ratio_of_failures_is_held_against_the_whole_run() {
    let half = Run {
        max_failed_ratio: Some(0.5),
        ..settings(4, 2)
    };
    let stages = [words_stage(), moody("first").planned()];
    let two_of_three = ids(&["first-poison", "first-poison", "good"]);
    let ran = go(&stages, &half, &two_of_three);
    assert_eq!(ran.report.exit_code(), 4, "at the end it counts");
    let one_of_two = ids(&["first-poison", "good"]);
    assert_eq!(go(&stages, &half, &one_of_two).report.exit_code(), 3);
}

#[test]
fn the_reader_does_not_run_far_ahead_of_the_output() {
    let written = Arc::new(AtomicU64::new(0));
    let most = Arc::new(AtomicU64::new(0));
    let mut count = 0_u64;
    let tap = {
        let (written, most) = (Arc::clone(&written), Arc::clone(&most));
        Tap(move || {
            count += 1;
            let ahead = count.saturating_sub(written.load(Ordering::SeqCst));
            most.fetch_max(ahead, Ordering::SeqCst);
            match count {
                2000 => None,
                _ => Some(Ok(NewDocument::new(format!("{count}-good"), "the text"))),
            }
        })
    };
    // The first document is slow: everything else must wait behind it.
    let slow = fake("slow", &[], &[], |batch, _, _| {
        if batch.id(0) == "1-good" {
            thread::sleep(Duration::from_millis(150));
        }
        Ok(())
    });
    let shelf = Shelf {
        written: Some(written),
        ..Shelf::default()
    };
    let few = Run {
        channel: 1,
        ..settings(4, 2)
    };
    let ran = go_with(&[slow.planned()], &few, Box::new(tap), shelf);
    assert_eq!(ran.report.counts.done, 1999);
    let most = most.load(Ordering::SeqCst);
    assert!(most <= 64, "{most} documents were under way at one time");
}

#[test]
fn the_report_says_who_was_busy() {
    let slow = fake("slow", &[], &[], |_, _, _| {
        thread::sleep(Duration::from_millis(3));
        Ok(())
    });
    let quick = fake("quick", &[], &[], |_, _, _| Ok(()));
    let ran = go(
        &[quick.planned(), slow.planned()],
        &settings(4, 2),
        &good(30),
    );
    let [quick, slow] = &ran.report.stages[..] else {
        panic!("two stages");
    };
    assert_eq!((quick.documents, slow.documents), (30, 30));
    assert_eq!(slow.plugin, "test/slow 1.0.0");
    assert!(slow.calls >= 8 && slow.share > 0.5 && slow.busy > quick.busy);
    assert!((quick.share + slow.share - 1.0).abs() < 1e-9);
}
