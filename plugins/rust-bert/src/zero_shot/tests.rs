use std::path::Path;

use copydesk_testkit as testkit;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::testing::Small;

/// A model that takes every pair with `good` in it for entailment, and with `bad` for contradiction.
fn model() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    Small::judge(["contradiction", "neutral", "entailment"]).write(folder.path());
    folder
}

fn stage(folder: &Path, more: Value) -> testkit::StageTest {
    let mut options = json!({
        "model": folder,
        "targets": [{ "name": "Skarn", "aliases": ["the island"] }, { "name": "Velmark" }],
        "hypotheses": { "negative": "{target} bad", "neutral": "{target} is", "positive": "{target} good" },
    });
    for (name, value) in more.as_object().unwrap() {
        options[name] = value.clone();
    }
    testkit::stage!(ZeroShot).options(options)
}

fn refused(stage: testkit::StageTest) -> String {
    let Err(problems) = stage.create() else {
        panic!("the stage takes the options");
    };
    problems
        .iter()
        .map(|problem| format!("{} {}\n", problem.pointer, problem.message))
        .collect()
}

#[test]
fn each_sentence_is_read_for_the_targets_that_it_names() {
    let folder = model();
    let text = "Nobody came. The island waits for Skarn’s ferry. Velmarkers and Velmark agree. Skarnholm does not.";
    let run = stage(folder.path(), json!({})).text(text).expect_texts(
        "sentiment",
        // The positive hypothesis holds the word that means entailment.
        &[("The island", "positive"), ("Velmark", "positive")],
    );
    assert_eq!(run.text_attr("sentiment", 0, "target"), Some("Skarn"));
    assert_eq!(run.text_attr("sentiment", 1, "target"), Some("Velmark"));
    assert_eq!(
        run.spans("sentiment")[1].range.start,
        text.find("Velmark agree").unwrap()
    );
}

#[test]
fn a_sentence_longer_than_the_model_reads_is_read_around_the_mention() {
    let folder = model();
    let text = format!(
        "{}, said Skarn, {}.",
        "and the day was so long".repeat(10),
        "so long the day was ".repeat(10)
    );
    let run = stage(folder.path(), json!({})).text(&text).run();
    assert_eq!(run.spans("sentiment").len(), 1);
    assert_eq!(around(40..42, 100, 20), 31..51);
    assert_eq!(around(0..2, 100, 20), 0..20);
    assert_eq!(around(98..100, 100, 20), 80..100);
    assert_eq!(around(3..4, 10, 20), 0..10);
}

#[test]
fn texts_without_targets_and_empty_texts_have_no_judgement() {
    let folder = model();
    for text in ["", "  ", "Nobody came."] {
        assert!(
            stage(folder.path(), json!({}))
                .text(text)
                .run()
                .spans("sentiment")
                .is_empty(),
            "{text:?}"
        );
    }
    let run = stage(folder.path(), json!({ "min_score": 1.0 }))
        .text("Skarn came.")
        .run();
    assert!(run.spans("sentiment").is_empty());
}

#[test]
fn wrong_options_are_refused_together() {
    let folder = model();
    let wrong = json!({
        "targets": [{ "name": "Skarn" }, { "name": "Skarn" }, { "name": " " }],
        "hypotheses": { "negative": "bad" },
        "entailment": "follows",
        "min_score": -1.0,
    });
    let message = refused(stage(folder.path(), wrong));
    for part in [
        "/targets/1/name `Skarn` is there twice",
        "/targets/2/name a target needs a name",
        "/hypotheses/negative it says nothing of the target",
        "has no label `follows`, but contradiction, neutral, entailment",
        "/min_score",
    ] {
        assert!(message.contains(part), "{message}");
    }
    let message = refused(stage(folder.path(), json!({ "targets": [] })));
    assert!(message.contains("/targets with no target"), "{message}");
    let long = json!({ "targets": [{ "name": "Skarn ".repeat(60) }] });
    assert!(
        refused(stage(folder.path(), long)).contains("leaves no room"),
        ""
    );
}

#[test]
fn a_pair_is_framed_as_the_tokenizer_frames_it() {
    let folder = model();
    let opened = crate::folder::Folder::open(folder.path(), Task::Sequence).unwrap();
    let pieces = crate::text::Pieces::open(&opened, crate::options::TokenTypes::Segments).unwrap();
    let (first, second) = (
        pieces.words("good bad").unwrap(),
        pieces.words("bad").unwrap(),
    );
    let pair = pieces.pair(&first, 0..2, &second);
    let (cls, sep, bad, good) = (2, 3, 5, 6);
    assert_eq!(pair.ids, [cls, good, bad, sep, bad, sep]);
    assert_eq!(pair.types, [0, 0, 0, 0, 1, 1]);
    assert_eq!(
        pieces.pair(&first, 1..2, &second).ids,
        [cls, bad, sep, bad, sep]
    );
}
