use copydesk_testkit as testkit;
use serde_json::{Value, json};

use crate::Cleanup;

const BODY: &str = "The ferries of Orla stopped on Friday after a quarrel over the price of winter tickets.\n\n\
    “We will not pay,” the mayor, Ada Brill, told the crowd that had come to the pier in the rain.\n\n\
    The harbour union said that its members would meet again on Monday to vote on the offer.";

#[test]
fn the_stage_writes_text_blocks_removed_and_metadata() {
    let raw = format!("Ferries of Orla Stop Over Tickets\nBy Oskar Venn\n\nORLA — {BODY}\n");
    let run = testkit::stage!(Cleanup).text(&raw).run();
    assert_eq!(run.text(), BODY);
    let kinds: Vec<_> = run
        .spans("removed")
        .into_iter()
        .map(|s| (s.label, s.text))
        .collect();
    assert_eq!(
        kinds,
        [
            (
                "headline".to_owned(),
                "Ferries of Orla Stop Over Tickets".to_owned()
            ),
            ("byline".to_owned(), "By Oskar Venn".to_owned()),
            ("dateline".to_owned(), "ORLA — ".to_owned()),
        ]
    );
    let blocks: Vec<_> = run.spans("blocks").into_iter().map(|s| s.text).collect();
    assert_eq!(blocks, BODY.split("\n\n").collect::<Vec<_>>());
    assert_eq!(
        Value::Object(run.meta().clone()),
        json!({ "title": "Ferries of Orla Stop Over Tickets", "authors": ["Oskar Venn"], "dateline": "ORLA", "language": "en" })
    );
}

#[test]
fn metadata_of_the_input_is_not_overwritten() {
    let run = testkit::stage!(Cleanup)
        .text(&format!(
            "Ferries of Orla Stop Over Tickets\nBy Oskar Venn\n\n{BODY}"
        ))
        .meta("title", json!("Ferries stop"))
        .run();
    assert_eq!(run.meta()["title"], "Ferries stop");
    assert_eq!(run.meta()["authors"], json!(["Oskar Venn"]));
}

#[test]
fn other_languages_are_warned_about() {
    let run = testkit::stage!(Cleanup)
        .text("Die Fähren von Orla blieben am Freitag im Hafen, weil sich die Stadt und die Reederei nicht einigen konnten.")
        .run();
    assert_eq!(run.meta()["language"], "de");
    assert_eq!(run.warnings()[0].code, "not-english");
}

#[test]
fn conservative_lists_what_it_would_cut_and_keeps_the_text() {
    let raw = format!("Ferries of Orla Stop Over Tickets\nBy Oskar Venn\n\nORLA — {BODY}\n");
    let run = testkit::stage!(Cleanup)
        .options(json!({ "conservative": true }))
        .text(&raw)
        .run();
    assert_eq!(run.text(), raw);
    let marks: Vec<_> = run
        .spans("removed")
        .into_iter()
        .map(|s| (s.label, s.text))
        .collect();
    assert_eq!(
        marks,
        [
            (
                "headline".to_owned(),
                "Ferries of Orla Stop Over Tickets".to_owned()
            ),
            ("byline".to_owned(), "By Oskar Venn".to_owned()),
            ("dateline".to_owned(), "ORLA — ".to_owned()),
        ]
    );
}

#[test]
fn a_missing_boilerplate_file_is_an_option_problem() {
    let problems = testkit::stage!(Cleanup)
        .options(json!({ "boilerplate": "no/such/file.txt" }))
        .create()
        .expect_err("the file isn't there");
    assert_eq!(problems[0].pointer, "/boilerplate");
}
