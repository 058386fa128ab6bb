use copydesk_testkit::{self as testkit, Given, Run};

use crate::Resolve;

/// Runs the stage over `text` with these names, each found after the one before.
fn resolve(text: &str, names: &[(&str, &str)]) -> Run {
    let mut layer = Given::layer("entities");
    let mut from = 0;
    for (name, label) in names {
        let start = from
            + text[from..]
                .find(name)
                .unwrap_or_else(|| panic!("{name} is not in the text"));
        from = start + name.len();
        layer = layer.span(start..from, label);
    }
    testkit::stage!(Resolve).text(text).given(layer).run()
}

/// The name that the `nth` mention with this surface resolves to.
#[track_caller]
fn name_of(run: &Run, surface: &str, nth: usize) -> String {
    let spans = run.spans("mentions");
    let found = spans
        .iter()
        .filter(|s| run.text()[s.range.clone()] == *surface)
        .nth(nth);
    let found = found.unwrap_or_else(|| {
        panic!(
            "no mention {surface:?} in {:?}",
            spans
                .iter()
                .map(|s| &run.text()[s.range.clone()])
                .collect::<Vec<_>>()
        )
    });
    run.text_attr("mentions", found.row, "name")
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn last_names_and_pronouns_lead_to_the_full_name() {
    let run = resolve(
        "Foreign Minister Sergei Varlov met Ilse Brandt in Port Ellen. Varlov said no. He left. She stayed.",
        &[
            ("Sergei Varlov", "PER"),
            ("Ilse Brandt", "PER"),
            ("Port Ellen", "LOC"),
            ("Varlov", "PER"),
        ],
    );
    assert_eq!(run.text_attr("entities", 3, "name"), Some("Sergei Varlov"));
    assert_eq!(run.int_attr("entities", 3, "entity"), Some(0));
    assert_eq!(name_of(&run, "He", 0), "Sergei Varlov");
    assert_eq!(name_of(&run, "She", 0), "Ilse Brandt");
    assert_eq!(
        run.link_attr("mentions", 3, "entity"),
        Some(("entities", 0))
    );
}

#[test]
fn roles_and_offices_lead_to_their_holders() {
    let run = resolve(
        "Norwegian Foreign Minister Kari Moe spoke in Oslo. Norway’s top diplomat was calm. \
         Norway’s foreign ministry published it. The ministry said more. It added that talks go on.",
        &[
            ("Norwegian", "MISC"),
            ("Kari Moe", "PER"),
            ("Oslo", "LOC"),
            ("Norway", "LOC"),
            ("Norway", "LOC"),
        ],
    );
    assert_eq!(name_of(&run, "Norway’s top diplomat", 0), "Kari Moe");
    assert_eq!(
        name_of(&run, "The ministry", 0),
        "Norway’s foreign ministry"
    );
    assert_eq!(name_of(&run, "It", 0), "Norway’s foreign ministry");
}

#[test]
fn the_alliance_is_the_one_that_is_known_as_such() {
    let run = resolve(
        "NATO met Denmark. The harbour union struck. The alliance said nothing.",
        &[("NATO", "ORG"), ("Denmark", "LOC")],
    );
    assert_eq!(name_of(&run, "The alliance", 0), "NATO");
}

#[test]
fn a_counterpart_is_nobody_in_particular() {
    let run = resolve(
        "Kari Moe met her Danish counterpart.",
        &[("Kari Moe", "PER"), ("Danish", "MISC")],
    );
    assert_eq!(
        name_of(&run, "her Danish counterpart", 0),
        "her Danish counterpart"
    );
}

#[test]
fn whoever_stands_in_a_quotation_is_no_subject_outside() {
    let run = resolve(
        "Ned Price gave a briefing. “Jan Toll has left the harbour,” he said.",
        &[("Ned Price", "PER"), ("Jan Toll", "PER")],
    );
    assert_eq!(name_of(&run, "he", 0), "Ned Price");
}

#[test]
fn texts_without_names_pass() {
    let run = resolve("It rained. He said so, and nobody listened.", &[]);
    assert_eq!(run.text_attr("mentions", 0, "type"), None);
}

#[test]
fn a_role_and_the_name_beside_it_are_one() {
    let run = resolve(
        "The union’s spokeswoman, Kari Moe, sighed. Jan Toll, the harbour envoy, left. She waited. The envoy came back.",
        &[("Kari Moe", "PER"), ("Jan Toll", "PER")],
    );
    assert_eq!(name_of(&run, "The union’s spokeswoman", 0), "Kari Moe");
    assert_eq!(name_of(&run, "She", 0), "Kari Moe");
    assert_eq!(name_of(&run, "The envoy", 0), "Jan Toll");
}

#[test]
fn a_pronoun_stays_in_its_paragraph_where_it_can() {
    let run = resolve(
        "Ilse Venn, the spokeswoman, said no. She said it twice.\nKari Moe was careful. She waited.",
        &[("Ilse Venn", "PER"), ("Kari Moe", "PER")],
    );
    assert_eq!(name_of(&run, "She", 0), "Ilse Venn");
    assert_eq!(name_of(&run, "She", 1), "Kari Moe");
}

#[test]
fn a_capital_that_acts_stands_for_its_country() {
    let run = resolve(
        "Norway waited. Oslo warned the union. They met in Oslo.",
        &[("Norway", "LOC"), ("Oslo", "LOC"), ("Oslo", "LOC")],
    );
    assert_eq!(name_of(&run, "Oslo", 0), "Norway");
    assert_eq!(name_of(&run, "Oslo", 1), "Oslo");
}

#[test]
fn a_body_may_have_a_description_for_a_name() {
    let run = resolve("The coast guard blamed the fog. It said so twice.", &[]);
    assert_eq!(name_of(&run, "It", 0), "coast guard");
}

#[test]
fn a_bare_last_name_means_whom_the_text_is_about() {
    let run = resolve(
        "Ilse Toll and Kari Moe spoke. Toll, said Moe, was late. Jan Toll listened. Toll left.",
        &[
            ("Ilse Toll", "PER"),
            ("Kari Moe", "PER"),
            ("Toll", "PER"),
            ("Moe", "PER"),
            ("Jan Toll", "PER"),
            ("Toll", "PER"),
        ],
    );
    assert_eq!(run.text_attr("entities", 5, "name"), Some("Ilse Toll"));
}

#[test]
fn a_name_that_the_recogniser_missed_is_found_again() {
    let run = resolve(
        "Ilse Venn won. Later Venn thanked the Harbour Union. The Harbour Union and Venn Street were quiet.",
        &[
            ("Ilse Venn", "PER"),
            ("Venn", "PER"),
            ("Harbour Union", "ORG"),
        ],
    );
    assert_eq!(name_of(&run, "Harbour Union", 1), "Harbour Union");
    // Another thing's name.
    assert_eq!(
        run.spans("mentions")
            .iter()
            .filter(|s| &run.text()[s.range.clone()] == "Venn")
            .count(),
        1
    );
}

#[test]
fn a_person_with_the_label_of_a_place_is_a_person() {
    let run = resolve(
        "President Robert Venn spoke. Venn left. He was tired.",
        &[("Robert Venn", "LOC"), ("Venn", "PER")],
    );
    assert_eq!(run.text_attr("entities", 1, "name"), Some("Robert Venn"));
    assert_eq!(name_of(&run, "He", 0), "Robert Venn");
}

#[test]
fn a_heading_above_a_name_is_no_part_of_it() {
    let run = resolve(
        "Ilse Venn won.\nHarbour Breaks\nVenn spoke. Venn left.",
        &[
            ("Ilse Venn", "PER"),
            ("Breaks\nVenn", "PER"),
            ("Venn", "PER"),
        ],
    );
    assert_eq!(run.text_attr("entities", 1, "name"), Some("Ilse Venn"));
    assert_eq!(run.text_attr("entities", 2, "name"), Some("Ilse Venn"));
}

#[test]
fn short_names_of_bodies_join_where_one_alone_is_meant() {
    let run = resolve(
        "The Venn Shipping Company sank. Venn said so. The Harbour Council met the Fishing Council. The Council sat.",
        &[
            ("Venn Shipping Company", "ORG"),
            ("Venn", "ORG"),
            ("Harbour Council", "ORG"),
            ("Fishing Council", "ORG"),
            ("Council", "ORG"),
        ],
    );
    assert_eq!(
        run.text_attr("entities", 1, "name"),
        Some("Venn Shipping Company")
    );
    assert_eq!(run.text_attr("entities", 4, "name"), Some("Council"));
}

#[test]
fn what_a_body_is_called_in_passing_leads_to_it() {
    let run = resolve(
        "Marex, the island’s shipping company, and the lender Tollbank signed. The company was late. The lender waited.",
        &[("Marex", "ORG"), ("Tollbank", "ORG")],
    );
    assert_eq!(name_of(&run, "The company", 0), "Marex");
    assert_eq!(name_of(&run, "The lender", 0), "Tollbank");
}

#[test]
fn it_is_often_neither_person_nor_body() {
    let run = resolve(
        "The Harbour Union published a plan. It has three parts. It is clear that nobody read it. \
         The Harbour Union said it was ready to talk.",
        &[("Harbour Union", "ORG"), ("Harbour Union", "ORG")],
    );
    assert_eq!(name_of(&run, "it", 1), "Harbour Union");
    let run = resolve(
        "The strike will cost the Harbour Union money. When it comes to money, Venn is careful.",
        &[("Harbour Union", "ORG"), ("Venn", "PER")],
    );
    let pronouns = run.spans("mentions");
    assert!(
        pronouns
            .iter()
            .all(|s| &run.text()[s.range.clone()] != "it")
    );
}

#[test]
fn they_are_the_several_who_were_named() {
    let run = resolve(
        "The envoys met the Harbour Union. They were tired, and they left.",
        &[("Harbour Union", "ORG")],
    );
    assert_eq!(name_of(&run, "They", 0), "envoys");
    assert_eq!(name_of(&run, "they", 0), "envoys");
}

#[test]
fn a_role_asks_for_what_qualifies_it() {
    let run = resolve(
        "Harbour Minister Ilse Venn met President Jan Toll of Norway. The minister smiled. \
         The fishing minister was absent. The vice president slept. The president of Denmark sent flowers.",
        &[
            ("Ilse Venn", "PER"),
            ("Jan Toll", "PER"),
            ("Norway", "LOC"),
            ("Denmark", "LOC"),
        ],
    );
    assert_eq!(name_of(&run, "The minister", 0), "Ilse Venn");
    assert_ne!(name_of(&run, "The fishing minister", 0), "Ilse Venn");
    assert_ne!(name_of(&run, "The vice president", 0), "Jan Toll");
    assert_ne!(name_of(&run, "The president", 0), "Jan Toll");
}

#[test]
fn an_indefinite_description_is_somebody_new() {
    let run = resolve(
        "An envoy of the union left. A union envoy stayed. Ilse Venn, an envoy, slept.",
        &[("Ilse Venn", "PER")],
    );
    assert_ne!(name_of(&run, "A union envoy", 0), "Ilse Venn");
    assert_eq!(name_of(&run, "an envoy", 0), "Ilse Venn");
}

#[test]
fn a_relative_is_never_the_person_himself() {
    let run = resolve(
        "Jan Toll, a brother of the mayor, spoke. His brother listened.",
        &[("Jan Toll", "PER")],
    );
    assert_ne!(name_of(&run, "His brother", 0), "Jan Toll");
}

#[test]
fn the_other_one_is_another() {
    let run = resolve(
        "The envoys met the Harbour Party. The other party stayed away. The envoys of the fishermen left.",
        &[("Harbour Party", "ORG")],
    );
    assert_ne!(name_of(&run, "The other party", 0), "Harbour Party");
}
