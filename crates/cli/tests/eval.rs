//! `copydesk eval` as a user meets it, over a pipeline that takes capitals for people.

#![cfg(unix)]

// What it can do besides, the tests of the other commands need.
#[allow(dead_code)]
mod place;

use insta::assert_snapshot;

use crate::place::Place;

const PIPELINE: &str = r#"
version = 1

[[stage]]
use = "stress"
into = "entities"
[stage.options]
mark = "capitals"
label = "PER"

[[stage]]
use = "stress"
name = "later"
into = "others"
[stage.options]
mark = "words"
"#;

const GOLD: &str = r#"{"id": "ferry", "source": "wire", "sentences": [{"tokens": ["Ilse", "saw", "Skarn", "."], "tags4": ["B-PER", "O", "B-LOC", "O"]}]}
{"id": "bluff", "source": "desk", "sentences": [{"tokens": ["Toll", "and", "Venn", "left"], "tags4": ["B-PER", "O", "B-PER", "O"]}]}
"#;

fn desk() -> Place {
    let place = Place::new();
    place.write("pipeline.toml", PIPELINE);
    place.write("gold.jsonl", GOLD);
    place
}

#[test]
fn figures_and_the_worst_documents_are_printed() {
    assert_snapshot!(desk().run(&["eval", "ner", "--data", "gold.jsonl"]));
}

#[test]
fn json_has_the_same_and_how_it_came_about() {
    let desk = desk();
    let args = [
        "eval",
        "ner",
        "--data",
        "gold.jsonl",
        "--json",
        "--limit",
        "1",
        "--set",
        "stress.label=LOC",
    ];
    assert_snapshot!(desk.run(&args));
}

#[test]
fn bad_records_are_told_and_counted_and_cost_only_themselves() {
    let desk = desk();
    let bad = "{\"id\": \"short\", \"sentences\": [{\"tokens\": [\"A\", \"B\"], \"tags4\": [\"O\"]}]}\nnonsense\n";
    desk.write("gold.jsonl", &format!("{bad}{GOLD}"));
    let args = ["eval", "ner", "--data", "gold.jsonl", "--worst", "0"];
    assert_snapshot!(desk.run(&args));
}

#[test]
fn a_document_that_fails_is_one_in_which_nothing_was_found() {
    let desk = desk();
    let args = [
        "eval",
        "ner",
        "--data",
        "gold.jsonl",
        "--worst",
        "1",
        "--set",
        "stress.fault=fail-document",
        "--set",
        "stress.only=gold.jsonl:2",
    ];
    assert_snapshot!(desk.run(&args));
}

#[test]
fn stages_run_only_as_far_as_they_are_needed() {
    let desk = desk();
    let stages = |more: &[&str]| {
        let mut args = vec!["eval", "ner", "--data", "gold.jsonl", "--limit", "1", "-q"];
        args.extend(more);
        let out = desk.stdout_of(&args);
        out.lines().nth(1).unwrap().to_owned()
    };
    assert_eq!(stages(&[]), "pipeline pipeline.toml: stress");
    assert_eq!(
        stages(&["--whole"]),
        "pipeline pipeline.toml: stress, later"
    );
}

#[test]
fn records_are_chosen_by_their_fields() {
    let desk = desk();
    let args = [
        "eval",
        "ner",
        "--data",
        "gold.jsonl",
        "--where",
        "source=desk",
        "-q",
    ];
    assert!(desk.stdout_of(&args).contains("\n1 document\n"));
}

#[test]
fn what_keeps_an_evaluation_from_starting_says_what_to_do() {
    let desk = desk();
    desk.write("empty.jsonl", "");
    let told: Vec<String> = [
        &["ner", "--data", "missing.jsonl"][..],
        &["ner", "--data", "empty.jsonl"],
        &["ner", "--data", "gold.jsonl", "--where", "source=nowhere"],
        &["ner", "--data", "gold.jsonl", "--where", "source"],
        &["ner", "--data", "gold.jsonl", "--set", "later=1"],
        &["ner", "--data", "gold.jsonl", "--set", "nobody.mark=words"],
        &["ner", "--data", "gold.jsonl", "--set", "stress.marks=words"],
        &["ner", "--data", "gold.jsonl", "--pipeline", "other.toml"],
        &["coref", "--data", "gold.jsonl"],
    ]
    .iter()
    .map(|args| desk.run(&[&["eval"], *args].concat()))
    .collect();
    assert_snapshot!(told.join("\n"));
}

#[test]
fn pages_are_read_as_a_run_reads_them_or_as_plain_text() {
    let desk = desk();
    desk.write("pipeline.toml", &PIPELINE.replace("others", "blocks"));
    let body = [
        "The old ferry between the two islands sailed for the last time on Sunday, with forty people on board.",
        "Nobody knows yet what will come after it, the harbour master said, and nobody has asked him either.",
    ];
    desk.write(
        "ferry.html",
        &format!(
            "<html><head><title>Ferry sails</title></head><body><nav><a href='/'>Home</a> <a href='/w'>Weather over the islands today and tomorrow</a></nav>\
             <article><h1>Ferry sails</h1><p>{}</p><p>{}</p></article></body></html>",
            body[0], body[1]
        ),
    );
    desk.write(
        "pages.jsonl",
        &serde_json::json!({"id": "ferry", "page": "ferry.html", "body": body}).to_string(),
    );
    let precision = |more: &[&str]| -> f64 {
        let mut args = vec!["eval", "cleanup", "--data", "pages.jsonl", "--json", "-q"];
        args.extend(more);
        let report: serde_json::Value = serde_json::from_str(&desk.stdout_of(&args)).unwrap();
        let body = &report["sections"][0]["rows"][0];
        body["figures"]["precision"]["value"].as_f64().unwrap()
    };
    assert!(precision(&[]) > precision(&["--plain-text"]));
}
