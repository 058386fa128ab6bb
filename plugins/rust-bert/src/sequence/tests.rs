use std::path::Path;

use copydesk_testkit as testkit;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::testing::Small;

fn judge(labels: [&'static str; 3]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    Small::judge(labels).write(folder.path());
    folder
}

fn options(folder: &Path, more: Value) -> Value {
    let mut options = json!({ "model": folder });
    for (name, value) in more.as_object().unwrap() {
        options[name] = value.clone();
    }
    options
}

fn sentiment(folder: &Path, more: Value) -> testkit::StageTest {
    testkit::stage!(Sentiment).options(options(folder, more))
}

fn classify(folder: &Path, more: Value) -> testkit::StageTest {
    testkit::stage!(Classify).options(options(folder, more))
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
fn a_document_has_one_polarity() {
    let folder = judge(["negative", "neutral", "positive"]);
    let of = |text: &str| {
        let run = sentiment(folder.path(), json!({})).text(text).run();
        let spans = run.spans("polarity");
        assert_eq!(spans.len(), 1, "{spans:?}");
        assert_eq!(spans[0].text, text.trim());
        spans[0].label.clone()
    };
    assert_eq!(of(" The harbour is good.\n"), "positive");
    assert_eq!(of("A bad day."), "negative");
    assert_eq!(of("A day."), "neutral");
}

#[test]
fn sentences_have_their_own_whatever_stands_beside_them_in_a_batch() {
    let folder = judge(["NEG", "neu", "POS"]);
    let text = "It is good. The ferry is a long way off, and nobody knows when it will come again, if ever. It is bad.";
    sentiment(folder.path(), json!({ "unit": "sentence" })).text(text).expect_texts(
        "polarity",
        &[
            ("It is good.", "positive"),
            ("The ferry is a long way off, and nobody knows when it will come again, if ever.", "neutral"),
            ("It is bad.", "negative"),
        ],
    );
}

#[test]
fn a_long_document_is_judged_by_all_of_it() {
    let folder = judge(["negative", "neutral", "positive"]);
    // The words that decide stand in the last of many windows, and in most of them.
    let late = format!("{}Good is good is good. ", "A day is a day. ".repeat(2));
    let text = late.repeat(12).replace("Good", "good");
    let run = sentiment(folder.path(), json!({})).text(&text).run();
    assert_eq!(run.spans("polarity")[0].label, "positive");
    assert_eq!(run.spans("polarity").len(), 1);
    let beginning = sentiment(folder.path(), json!({}))
        .text(&"A day is a day. ".repeat(40))
        .run();
    assert_eq!(beginning.spans("polarity")[0].label, "neutral");
}

#[test]
fn an_empty_text_has_no_label() {
    let folder = judge(["negative", "neutral", "positive"]);
    for text in ["", " \n "] {
        assert!(
            sentiment(folder.path(), json!({}))
                .text(text)
                .run()
                .spans("polarity")
                .is_empty()
        );
        assert!(
            classify(folder.path(), json!({}))
                .text(text)
                .run()
                .spans("classes")
                .is_empty()
        );
    }
}

#[test]
fn labels_may_mean_the_same_and_unknown_ones_are_refused_by_name() {
    let folder = judge(["1 star", "3 stars", "5 stars"]);
    let message = refused(sentiment(folder.path(), json!({})));
    for label in ["1 star", "3 stars", "5 stars"] {
        assert!(
            message.contains(&format!("unknown label `{label}`")),
            "{message}"
        );
    }
    let map =
        json!({ "labels": { "1 star": "negative", "3 stars": "negative", "5 stars": "positive" } });
    let run = sentiment(folder.path(), map.clone())
        .text("A day.")
        .expect_texts("polarity", &[("A day.", "negative")]);
    assert_eq!(run.spans("polarity").len(), 1);
    sentiment(folder.path(), map)
        .text("A good day.")
        .expect_texts("polarity", &[("A good day.", "positive")]);
    let wrong = json!({ "labels": { "1 star": "awful", "3 stars": "", "5 stars": "", "6 stars": "positive" } });
    let message = refused(sentiment(folder.path(), wrong));
    assert!(
        message.contains("/labels/1 star there is no label `awful`"),
        "{message}"
    );
    assert!(
        message.contains("/labels/6 stars the model has no label `6 stars`"),
        "{message}"
    );
}

#[test]
fn classes_keep_their_names_or_get_others() {
    let folder = judge(["LABEL_0", "LABEL_1", "LABEL_2"]);
    classify(folder.path(), json!({}))
        .text("A good day.")
        .expect_texts("classes", &[("A good day.", "LABEL_2")]);
    let map = json!({ "labels": { "LABEL_2": "sports", "LABEL_1": "" }, "scores": true });
    let run = classify(folder.path(), map)
        .text("A good day.")
        .expect_texts("classes", &[("A good day.", "sports")]);
    let score = run.float_attr("classes", 0, "sports").unwrap();
    let other = run.float_attr("classes", 0, "LABEL_0").unwrap();
    assert!(score > other && score + other <= 1.0, "{score} {other}");
    assert!((score - f64::from(run.spans("classes")[0].score.unwrap())).abs() < 1e-6);
    let message = refused(classify(
        folder.path(),
        json!({ "labels": { "LABEL_7": "arts" }, "threshold": 2.0 }),
    ));
    assert!(
        message.contains("the model has no label `LABEL_7`") && message.contains("/threshold"),
        "{message}"
    );
}

#[test]
fn several_classes_hold_where_the_model_says_so() {
    let folder = judge(["bad", "plain", "good"]);
    let config = folder.path().join("config.json");
    let mut changed: Value =
        serde_json::from_str(&std::fs::read_to_string(&config).unwrap()).unwrap();
    changed["problem_type"] = json!("multi_label_classification");
    std::fs::write(&config, changed.to_string()).unwrap();
    let found = |threshold: f32| {
        let run = classify(folder.path(), json!({ "threshold": threshold }))
            .text("A good bad day.")
            .run();
        let spans = run.spans("classes").into_iter();
        spans
            .map(|span| (span.label, span.score.unwrap()))
            .collect::<Vec<_>>()
    };
    let all = found(0.0);
    assert_eq!(all.len(), 3);
    let mut scores: Vec<f32> = all.iter().map(|(_, score)| *score).collect();
    scores.sort_by(f32::total_cmp);
    assert!(scores[0] < scores[1], "{all:?}");
    // Both words decide, and neither takes from the other.
    let some = found(scores[1]);
    assert_eq!(some.len(), 2, "{all:?}");
    assert!(some.iter().all(|(label, _)| label != "plain"), "{some:?}");
}

#[test]
fn a_model_that_tags_words_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    Small::tagger().write(folder.path());
    let message = refused(classify(folder.path(), json!({})));
    assert!(
        message.contains("BertForTokenClassification")
            && message.contains("ForSequenceClassification"),
        "{message}"
    );
}
