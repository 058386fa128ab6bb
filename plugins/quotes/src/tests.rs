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
fn a_clause_at_the_end_governs_all_before_it() {
    check(
        "It was “a bad night” for the port, Orla Venn said.",
        &[VENN],
        &["mixed | a bad night | Orla Venn | said"],
    );
    check(
        "The order was “a gift” to the union, Orla Venn told reporters, but it also “costs us the island.”",
        &[VENN],
        &[
            "mixed | a gift | Orla Venn | told",
            "mixed | costs us the island. | Orla Venn | told",
        ],
    );
    check(
        "“So all they do is wait” on the pier, says Orla Venn.",
        &[VENN],
        &["direct | So all they do is wait | Orla Venn | says"],
    );
}

#[test]
fn what_stands_between_subject_and_cue() {
    check(
        "“The pier is closed,” the statement released by the union’s lawyers said.",
        &[],
        &["direct | The pier is closed, | statement | said"],
    );
    check(
        "The document published Friday says that the union “sank the talks.”",
        &[],
        &["mixed | sank the talks. | document | says"],
    );
    check(
        "Attorneys representing the women said the order was “a gift.”",
        &[],
        &["mixed | a gift. | Attorneys | said"],
    );
    check(
        "“The pier is closed,” Orla Venn (Skarn), the top liberal on the Harbour Council said in a statement.",
        &[VENN, ("Harbour Council", "ORG")],
        &["direct | The pier is closed, | Orla Venn | said"],
    );
    check(
        "One of them was Orla Venn, now president of the Harbour Council, who said recently, “We sail.”",
        &[VENN, ("Harbour Council", "ORG")],
        &["direct | We sail. | Orla Venn | said"],
    );
    check(
        "As a longtime adviser to Jan Toll, Orla Venn, recently said: “We sail.”",
        &[("Jan Toll", "PER"), VENN],
        &["direct | We sail. | Orla Venn | said"],
    );
    check(
        "As Orla Venn, an expert at the college who sails, told me, “We sail.”",
        &[VENN],
        &["direct | We sail. | Orla Venn | told"],
    );
    check(
        "“We sail,” leader of the Harbour Party Orla Venn, now a skipper, said on the pier.",
        &[("Harbour Party", "ORG"), VENN],
        &["direct | We sail, | Orla Venn | said"],
    );
    check(
        "“We sail,” said a disappointed Venn.",
        &[("Venn", "PER")],
        &["direct | We sail, | Venn | said"],
    );
    check(
        "Orla Venn of Skarn, the top Liberal on the panel, said: “We sail.”",
        &[VENN, ("Skarn", "LOC")],
        &["direct | We sail. | Orla Venn | said"],
    );
    check(
        "Orla Venn herself said that the talks were “over and done.”",
        &[VENN],
        &["mixed | over and done. | Orla Venn | said"],
    );
}

#[test]
fn people_that_no_list_has_speak_too() {
    check(
        "“The ferry sails,” the 52-year-old said. “Does it?” a crane driver in the room wondered.",
        &[],
        &[
            "direct | The ferry sails, | 52-year-old | said",
            "direct | Does it? | crane driver | wondered",
        ],
    );
    check(
        "“The ferry sails,” one of her aides said.",
        &[],
        &["direct | The ferry sails, | one of her aides | said"],
    );
    check(
        "Orla Venn, who is also a teacher, said the idea of what is “normal” is at fault.",
        &[VENN],
        &["mixed | normal | Orla Venn | said"],
    );
}

#[test]
fn passives() {
    check(
        "“The ferry sails,” Orla Venn was quoted as saying.",
        &[VENN],
        &["direct | The ferry sails, | Orla Venn | quoted as saying"],
    );
    check(
        "The Gazette quoted Orla Venn as saying “we sail at dawn.”",
        &[("Gazette", "ORG"), VENN],
        &["direct | we sail at dawn. | Orla Venn | quoted Orla Venn as saying"],
    );
    check(
        "The order has been attacked by dockers as “a gift to the island.”",
        &[],
        &["mixed | a gift to the island. | dockers | attacked"],
    );
    check(
        "“Is that the ferry?” a docker can be heard asking on the tape.",
        &[],
        &["direct | Is that the ferry? | docker | asking"],
    );
}

#[test]
fn documents_speak_for_who_put_them_out() {
    check(
        "The council later issued a statement saying it “has reached no finding.”",
        &[("*The council=Harbour Council", "ORG")],
        &["mixed | has reached no finding. | Harbour Council | saying"],
    );
    check(
        "The report says the union “sank the talks.” “The ferry sails,” it said.",
        &[("*it=Harbour Council", "ORG")],
        &[
            "mixed | sank the talks. | report | says",
            "direct | The ferry sails, | report | said",
        ],
    );
}

#[test]
fn a_colon_announces_what_the_subject_says() {
    check(
        "Orla Venn has since apologised for what happened: “I should have sailed.”",
        &[VENN],
        &["direct | I should have sailed. | Orla Venn | -"],
    );
    check(
        "Orla Venn’s answer to the order was: “We sail at dawn.”",
        &[VENN],
        &["direct | We sail at dawn. | Orla Venn | -"],
    );
    check(
        "The slogan on the pier was: “All aboard tonight.”",
        &[],
        &[],
    );
}

#[test]
fn opening_clauses_take_the_subject_behind_them() {
    check(
        "While denouncing the “mad order” on Monday, Orla Venn sailed home.",
        &[VENN],
        &["mixed | mad order | Orla Venn | denouncing"],
    );
    check(
        "Seeing that need, Orla Venn “borrowed” the pier.",
        &[VENN],
        &[],
    );
}

#[test]
fn programmes_and_scare_quotes_are_left_out() {
    check(
        "“The ferry sails,” Orla Venn said on the Gazette’s “Meet the Port.”",
        &[VENN, ("Gazette", "ORG")],
        &["direct | The ferry sails, | Orla Venn | said"],
    );
    check(
        "On the Gazette’s “Good Morning Island” on Tuesday, Orla Venn said, “We sail.”",
        &[("Gazette", "ORG"), VENN],
        &["direct | We sail. | Orla Venn | said"],
    );
    check(
        "The union, meanwhile, has started using “robo-calls” to members.",
        &[],
        &[],
    );
    check(
        "That is what’s called a “clean berth” on the pier.",
        &[],
        &[],
    );
    check(
        "The rules relating to “gross neglect” were read out.",
        &[],
        &[],
    );
}

#[test]
fn verbs_that_need_their_particle() {
    check(
        "“Orla wants to be a tough girl tonight,” Jan Toll shot back. Police shot “Big” Tom.",
        &[("Jan Toll", "PER")],
        &["direct | Orla wants to be a tough girl tonight, | Jan Toll | shot back"],
    );
}

#[test]
fn embedded_posts_are_their_signers() {
    let run = check(
        "She answered late.\n\nThe “mad” order falls! Sail at dawn. — Orla Venn (@orlavenn) May 2, 2019\n\nThe pier was empty.",
        &[VENN],
        &["direct | The “mad” order falls! Sail at dawn. | Orla Venn | -"],
    );
    assert_eq!(
        run.linked_text("quotes", 0, "speaker").as_deref(),
        Some("Orla Venn")
    );
    check(
        "Write to Orla Venn (@orlavenn) if the ferry sails.",
        &[VENN],
        &[],
    );
}

#[test]
fn pull_quotes_take_the_speaker_of_their_source() {
    check(
        "“The ferry sails at dawn on Monday.”\n\nThe pier was empty at noon.\n\nNobody came to it.\n\n“We heard it all: the ferry sails at dawn on Monday. The ferry sails at dawn on Monday,” Orla Venn said.",
        &[VENN],
        &[
            "direct | The ferry sails at dawn on Monday. | Orla Venn | -",
            "direct | We heard it all: the ferry sails at dawn on Monday. The ferry sails at dawn on Monday, | Orla Venn | said",
        ],
    );
}

#[test]
fn transcripts_are_their_speakers() {
    check(
        "Orla Venn spoke on the pier.\n\nTOLL: Does it sail?\n\nVENN: It does.\n\nAt dawn.\n\nTOLL: And “Big” Tom?\n\nVENN: He sails.",
        &[VENN, ("*TOLL=Jan Toll", "PER")],
        &[
            "direct | Does it sail? | Jan Toll | -",
            "direct | It does.\n\nAt dawn. | Orla Venn | -",
            "direct | And “Big” Tom? | Jan Toll | -",
            "direct | He sails. | Orla Venn | -",
        ],
    );
    check(
        "Orla Venn spoke on the pier.\n\nQ: Does it sail?\n\nA: It does.\n\nQ: At dawn?\n\nA: Yes.",
        &[VENN],
        &[
            "direct | Does it sail? | - | -",
            "direct | It does. | Orla Venn | -",
            "direct | At dawn? | - | -",
            "direct | Yes. | Orla Venn | -",
        ],
    );
    check(
        "Where: the pier.\n\nWhen: at dawn.\n\nWhat: a ferry.\n\nWho: all.",
        &[],
        &[],
    );
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
