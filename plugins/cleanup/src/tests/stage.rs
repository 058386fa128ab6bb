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

/// Pieces of `raw` as a web page's reader hands them over.
fn markup(raw: &str, pieces: &[(&str, &str)]) -> testkit::Given {
    let mut layer = testkit::Given::layer("markup").transient().raw();
    let mut from = 0;
    for (label, piece) in pieces {
        let start = from
            + raw[from..]
                .find(piece)
                .expect("the pieces stand in raw, in order");
        from = start + piece.len();
        layer = layer.span(start..from, label);
    }
    layer
}

#[test]
fn what_the_markup_calls_a_caption_is_cut() {
    // Nothing but the markup tells it from a paragraph.
    let caption = "The crowd waited on the pier for the whole night, and the rain did not stop.";
    let raw = format!("{BODY}\n\n{caption}\n\nNobody came.");
    let run = testkit::stage!(Cleanup).text(&raw).run();
    assert_eq!(run.text(), raw);
    let run = testkit::stage!(Cleanup)
        .text(&raw)
        .given(markup(&raw, &[("paragraph", BODY), ("caption", caption)]))
        .run();
    assert_eq!(run.text(), format!("{BODY}\n\nNobody came."));
    run.expect_texts("removed", &[(caption, "caption")]);
}

#[test]
fn a_caption_says_nothing_of_the_same_words_elsewhere() {
    let (title, line) = (
        "Ferries of Orla Stop Over Tickets",
        "The harbour union said that its members would meet again on Monday to vote on the offer.",
    );
    let raw = format!("{title}\n\n{title}\n\n{line}\n\n{BODY}");
    let run = testkit::stage!(Cleanup)
        .text(&raw)
        .given(markup(
            &raw,
            &[("heading", title), ("caption", title), ("caption", line)],
        ))
        .run();
    assert_eq!(run.text(), BODY);
    assert_eq!(run.meta()["title"], title);
    run.expect_texts(
        "removed",
        &[(title, "headline"), (title, "caption"), (line, "caption")],
    );
}

#[test]
fn markup_tells_headings_from_items() {
    let (heading, item) = (
        "The boats are old, and the people who sail on them are older than the boats.",
        "The Petrel, built in 1961",
    );
    let raw = format!("{BODY}\n\n{heading}\n\n{item}\n\n{BODY} Nobody came.");
    let labels = |run: &testkit::Run| -> Vec<(String, String)> {
        let blocks = run.spans("blocks").into_iter();
        blocks
            .filter(|block| [heading, item].contains(&block.text.as_str()))
            .map(|block| (block.label, block.text))
            .collect()
    };
    let label = |label: &str, text: &str| (label.to_owned(), text.to_owned());
    assert_eq!(
        labels(&testkit::stage!(Cleanup).text(&raw).run()),
        [label("paragraph", heading), label("heading", item)]
    );
    let told = testkit::stage!(Cleanup)
        .text(&raw)
        .given(markup(&raw, &[("heading", heading), ("item", item)]))
        .run();
    assert_eq!(
        labels(&told),
        [label("heading", heading), label("paragraph", item)]
    );
}

#[test]
fn a_headline_that_is_a_sentence_is_the_title_where_markup_calls_it_heading() {
    let title = "The ferries of Orla stopped on Friday, and nobody in town believes the mayor.";
    let raw = format!("{title}\n\n{BODY}");
    let run = testkit::stage!(Cleanup).text(&raw).run();
    assert_eq!(run.text(), raw);
    let run = testkit::stage!(Cleanup)
        .text(&raw)
        .given(markup(&raw, &[("heading", title)]))
        .run();
    assert_eq!(run.text(), BODY);
    assert_eq!(run.meta()["title"], title);
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
