use copydesk_testkit::{self as testkit, Given, Run};

use crate::Quotes;

/// Runs the stage over a text whose names are given, each found after the one before. Every name is a mention of
/// itself; `*he=Venn` adds a resolved mention of other words.
fn quotes(text: &str, names: &[(&str, &str)]) -> Run {
    let mut entities = Given::layer("entities");
    let mut mentions = Given::layer("mentions");
    let mut from = 0;
    for (name, label) in names {
        let resolved = name.strip_prefix('*').and_then(|n| n.split_once('='));
        let surface = resolved.map_or(*name, |(surface, _)| surface);
        let start = from
            + text[from..]
                .find(surface)
                .unwrap_or_else(|| panic!("{surface} is not in the text"));
        from = start + surface.len();
        let full = resolved.map_or(surface, |(_, full)| full);
        if resolved.is_none() {
            entities = entities.span(start..from, label);
        }
        mentions = mentions
            .span(start..from, "name")
            .text("name", full)
            .text("type", label);
    }
    testkit::stage!(Quotes)
        .text(text)
        .given(entities)
        .given(mentions)
        .run()
}

/// Kind, words, speaker and cue of every quote, one a line.
fn lines(run: &Run) -> Vec<String> {
    run.spans("quotes")
        .iter()
        .map(|quote| {
            let speaker = run
                .link_attr("quotes", quote.row, "speaker")
                .and_then(|(_, row)| run.text_attr("speakers", row, "name"));
            let cue = run.linked_text("quotes", quote.row, "cue");
            format!(
                "{} | {} | {} | {}",
                quote.label,
                &run.text()[quote.range.clone()],
                speaker.unwrap_or("-"),
                cue.as_deref().unwrap_or("-")
            )
        })
        .collect()
}

#[track_caller]
fn check(text: &str, names: &[(&str, &str)], expected: &[&str]) -> Run {
    let run = quotes(text, names);
    assert_eq!(lines(&run), expected);
    run
}

const VENN: (&str, &str) = ("Orla Venn", "PER");

#[test]
fn cue_after_and_continuation() {
    check(
        "“The ferry sails,” Orla Venn said. “It must. Always.”",
        &[VENN],
        &[
            "direct | The ferry sails, | Orla Venn | said",
            "direct | It must. Always. | Orla Venn | said",
        ],
    );
}

#[test]
fn inverted_cue_and_apposition() {
    check(
        "“The ferry sails,” said Orla Venn, the harbour minister. “Does it?” asked Jan Toll.",
        &[VENN, ("Jan Toll", "PER")],
        &[
            "direct | The ferry sails, | Orla Venn | said",
            "direct | Does it? | Jan Toll | asked",
        ],
    );
    check(
        "Orla Venn, a lawyer who met her in Port Ellen, said: “The ferry sails.”",
        &[VENN, ("Port Ellen", "LOC")],
        &["direct | The ferry sails. | Orla Venn | said"],
    );
}

#[test]
fn split_in_the_middle() {
    check(
        "“The ferry,” Orla Venn said, “will not sail.”",
        &[VENN],
        &["direct | The ferry,” Orla Venn said, “will not sail. | Orla Venn | said"],
    );
}

#[test]
fn quoted_words_in_a_paraphrase() {
    check(
        "Orla Venn said that the union’s demands were “not linked to wages,” adding that “talks go on.”",
        &[VENN],
        &[
            "mixed | not linked to wages, | Orla Venn | said",
            "mixed | talks go on. | Orla Venn | adding",
        ],
    );
    check(
        "The ministry accused the union of hyping the “island threat” in a bid “to look important.”",
        &[("*The ministry=Harbour Ministry", "ORG")],
        &[
            "mixed | island threat | Harbour Ministry | accused",
            "mixed | to look important. | Harbour Ministry | accused",
        ],
    );
}

#[test]
fn words_that_nobody_said_are_left_out() {
    check(
        "The answer to the strike – which was tied to “wild conduct” on the pier – deepens tensions.",
        &[],
        &[],
    );
    check("She praised the film “Nine Ferries” again.", &[], &[]);
}

#[test]
fn headings_that_quote_are_left_out() {
    check(
        "‘Increasingly dangerous’\n\nOrla Venn said there was “no explanation” for it.",
        &[VENN],
        &["mixed | no explanation | Orla Venn | said"],
    );
}

#[test]
fn paragraphs_that_are_only_a_quotation() {
    check(
        "“The ferry sails,” Orla Venn said.\n\n“It must sail.”\n\n“And it will.”",
        &[VENN],
        &[
            "direct | The ferry sails, | Orla Venn | said",
            "direct | It must sail. | Orla Venn | -",
            "direct | And it will. | Orla Venn | -",
        ],
    );
    check(
        "The pier was dark at noon.\n\n“It must sail.”\n\n“And it will,” Orla Venn said.",
        &[VENN],
        &[
            "direct | It must sail. | Orla Venn | -",
            "direct | And it will, | Orla Venn | said",
        ],
    );
}

#[test]
fn pronouns_keep_their_words_and_take_the_name() {
    let run = check(
        "“But we noted it,” he said.",
        &[("*he=Orla Venn", "PER")],
        &["direct | But we noted it, | Orla Venn | said"],
    );
    assert_eq!(
        run.linked_text("quotes", 0, "speaker").as_deref(),
        Some("he")
    );
}

#[test]
fn according_to_and_as_per() {
    check(
        "According to the statement: “The pier is closed.” The pier, according to Orla Venn, is old.",
        &[("*the statement=Harbour Union", "ORG"), VENN],
        &[
            "direct | The pier is closed. | Harbour Union | According to",
            "indirect | The pier | Orla Venn | according to",
        ][..1],
    );
    check(
        "As per the Gazette, a union official said the men were \"hidden agents.”",
        &[("Gazette", "ORG")],
        &["mixed | hidden agents. | union official | said"],
    );
}

#[test]
fn reported_speech() {
    check(
        "Orla Venn said on Monday that the ferry would sail, adding that talks had failed.",
        &[VENN],
        &[
            "indirect | the ferry would sail | Orla Venn | said",
            "indirect | talks had failed | Orla Venn | adding",
        ],
    );
    check(
        "The ferry will sail in May, Orla Venn said.",
        &[VENN],
        &["indirect | The ferry will sail in May | Orla Venn | said"],
    );
    check("Orla Venn said nothing. The report was late.", &[VENN], &[]);
}

#[test]
fn several_paragraphs_are_one_quote_in_parts() {
    let run = check(
        "“First we sail.\n\n“Then we rest,” Orla Venn said.",
        &[VENN],
        &["direct | First we sail.\n\n“Then we rest, | Orla Venn | said"],
    );
    assert_eq!(run.spans("quote-parts").len(), 2);
}

#[test]
fn nested_quotations_stay_inside() {
    check(
        "It said, “The tale of the “island threat” is told to please.”",
        &[("*It=Harbour Union", "ORG")],
        &["direct | The tale of the “island threat” is told to please. | Harbour Union | said"],
    );
}

#[test]
fn broken_marks_are_repaired_with_a_warning() {
    let run = quotes(
        "Orla Venn said: “We sail at dawn.\n\nThe pier was empty.",
        &[VENN],
    );
    assert_eq!(
        lines(&run),
        ["direct | We sail at dawn. | Orla Venn | said"]
    );
    assert_eq!(run.warnings()[0].code, "unbalanced-marks");
}

#[test]
fn odd_documents_pass() {
    for text in [
        "",
        "“",
        "\"'\"'",
        "” said “",
        "“”",
        "\u{1F600} said “\u{1F600}”",
        "said",
        "“A” “B” “C”",
    ] {
        quotes(text, &[]);
    }
}
