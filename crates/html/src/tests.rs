//! Pages, all of them invented.

use proptest::prelude::*;

use crate::{BlockKind, Page, read};

/// A page as content systems write them, with `body` as its article.
fn page(head: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html><html lang=en><head><title>Ferries stop - Skarn Courier</title>{head}</head>
         <body class='with-sidebar home'>
         <header class=masthead><nav><ul><li><a href=/>Home</a><li><a href=/sea>Sea</a></ul></nav></header>
         <div id=cookie-banner><p>We store cookies on your device so that we can measure how often
         you read us and show you what our partners have to sell. You can refuse all of it here.</p></div>
         <main><article>{body}</article>
         <aside class=sidebar><h3>Most read</h3><p>A whale was seen off the northern pier on Sunday,
         and several people say that they were the first to see it there.</p></aside>
         <section class='comments'><p>I have lived on the island for forty years and I have never
         seen the harbour office answer a letter, says a reader here.</p></section></main>
         <footer><p>Skarn Courier Publishing, 4 Quay Street, keeps all rights to the texts and
         pictures that stand on these pages and elsewhere.</p></footer></body></html>"
    )
}

const FIRST: &str = "The ferries to the outer islands stopped on Friday, and nobody in the harbour office would say for how long.";
const SECOND: &str = "“Ask the sea,” a clerk told the passengers who had waited on the northern pier since the early morning.";
const THIRD: &str = "Ilse Brandt, the minister of harbours, said that the boats were old and that the winter had been long.";

fn story() -> String {
    format!("<h1>Ferries stop</h1><p>{FIRST}</p><p>{SECOND}</p><p>{THIRD}</p>")
}

fn lines(page: &Page) -> Vec<&str> {
    page.blocks
        .iter()
        .map(|b| &page.text[b.range.clone()])
        .collect()
}

fn kinds(page: &Page) -> Vec<(BlockKind, &str)> {
    page.blocks
        .iter()
        .map(|b| (b.kind, &page.text[b.range.clone()]))
        .collect()
}

#[test]
fn the_article_is_told_from_what_stands_around_it() {
    let found = read(&page("", &story()));
    assert!(found.is_article);
    assert_eq!(lines(&found), ["Ferries stop", FIRST, SECOND, THIRD]);
    assert_eq!(
        found.text,
        ["Ferries stop", FIRST, SECOND, THIRD].join("\n\n")
    );
}

#[test]
fn what_an_article_holds_that_is_none_of_its_text_is_left_out() {
    let body = format!(
        "<h1>Ferries stop</h1><p>{FIRST}</p>
         <div class='newsletter-signup'><p>Get the news of the islands in your letterbox every morning,
         and never miss a storm or a regatta again.</p></div>
         <p>{SECOND}</p><ul class='related-links'><li><a href=1>Storm sinks the mail boat</a></li></ul>
         <script>var tide = 'The tide is a variable in this page and none of its sentences at all';</script>
         <p hidden>This sentence is hidden from every reader of the page and must not be read.</p>
         <p style='display: none'>This one is hidden as well, by its style, and must not be read.</p>
         <p>{THIRD}</p>"
    );
    assert_eq!(
        lines(&read(&page("", &body))),
        ["Ferries stop", FIRST, SECOND, THIRD]
    );
}

#[test]
fn blocks_say_what_their_markup_says() {
    let body = format!(
        "<h1>Ferries stop</h1><p>{FIRST}</p>
         <figure><img src=pier.jpg><figcaption>Passengers on the northern pier. <span>Photo: Paolo Merisi</span></figcaption></figure>
         <p>{SECOND}</p><h2>An old fleet</h2>
         <blockquote><p>The boats are older than the people who sail on them, and so are we.</p></blockquote>
         <ul><li>The Petrel was built in 1961 and has been rebuilt twice since then.</li></ul>
         <table><tr><td>Petrel</td><td>1961</td></tr></table><p>{THIRD}</p>"
    );
    let found = read(&page("", &body));
    assert_eq!(
        kinds(&found),
        [
            (BlockKind::Heading, "Ferries stop"),
            (BlockKind::Paragraph, FIRST),
            (
                BlockKind::Caption,
                "Passengers on the northern pier. Photo: Paolo Merisi"
            ),
            (BlockKind::Paragraph, SECOND),
            (BlockKind::Heading, "An old fleet"),
            (
                BlockKind::Quotation,
                "The boats are older than the people who sail on them, and so are we."
            ),
            (
                BlockKind::Item,
                "The Petrel was built in 1961 and has been rebuilt twice since then."
            ),
            (BlockKind::Row, "Petrel\t1961"),
            (BlockKind::Paragraph, THIRD),
        ]
    );
    let tags: Vec<&str> = found.blocks.iter().map(|b| b.tag.as_str()).collect();
    assert_eq!(
        tags,
        ["h1", "p", "figcaption", "p", "h2", "p", "li", "tr", "p"]
    );
}

#[test]
fn text_is_laid_out_as_browsers_do() {
    let body = format!(
        "<p>{FIRST}</p><p>  Fish &amp; chips\n\t cost&nbsp;&pound;9 <b>b</b><i>ut</i> soup,\n<br>which is hot,
         costs <q>nothing</q>&hellip; as the landlord of the harbour inn says.<p>{SECOND}
         <div>{THIRD}<br><br>The mail boat sails in any weather, and its captain would not be asked about it.</div>"
    );
    assert_eq!(
        lines(&read(&page("", &body))),
        [
            FIRST,
            "Fish & chips cost\u{a0}£9 but soup,\nwhich is hot, costs “nothing”… as the landlord of the harbour inn says.",
            SECOND,
            THIRD,
            "The mail boat sails in any weather, and its captain would not be asked about it.",
        ]
    );
}

#[test]
fn links_are_counted() {
    let body = format!(
        "<p>{FIRST}</p><p><a href=x>Ada</a> and Brill met the minister of all the harbours there on one day.</p><p>{THIRD}</p>"
    );
    let found = read(&page("", &body));
    let characters = "AdaandBrillmettheministerofalltheharboursthereononeday.".len();
    assert_eq!(found.blocks[1].link_density, 3.0 / characters as f32);
    assert_eq!(found.blocks[0].link_density, 0.0);
}

#[test]
fn the_standfirst_above_the_text_belongs_to_the_article() {
    const SHORT: &str = "The islands wait for flour and letters";
    const LONG: &str =
        "Nobody says for how long, and the islands wait for flour, letters and the doctor";
    let body = |class: &str, standfirst: &str| {
        format!(
            "<div class=head><h1>Ferries stop</h1><div><p {class}>{standfirst}</p></div></div>
             <div class=text><p>{FIRST}</p><p>{SECOND}</p><p>{THIRD}</p></div>"
        )
    };
    let above = |html: &str, standfirst: &str| {
        let found = read(html);
        let place = |text: &str| lines(&found).iter().position(|line| *line == text);
        place(standfirst).map(|at| Some(at) < place(FIRST))
    };
    // The page's description repeats it, or its class says what it is.
    let head = format!("<meta name=description content='{SHORT}'>");
    assert_eq!(above(&page(&head, &body("", SHORT)), SHORT), Some(true));
    let named = body("class=article__standfirst", SHORT);
    assert_eq!(above(&page("", &named), SHORT), Some(true));
    // Else it is a line above the text like any other, unless it reads like a paragraph.
    assert_eq!(above(&page("", &body("", SHORT)), SHORT), None);
    assert_eq!(above(&page("", &body("", LONG)), LONG), Some(true));
}

#[test]
fn one_long_paragraph_does_not_shut_out_the_short_ones() {
    let long = [FIRST, SECOND, THIRD].join(" ");
    for short in ["“Ask the sea,” a clerk said.", "She would not say more."] {
        let body = format!("<h1>Ferries stop</h1><p>{long}</p><p>{short}</p>");
        assert_eq!(
            lines(&read(&page("", &body))),
            ["Ferries stop", &long, short]
        );
    }
}

#[test]
fn metadata_comes_from_json_ld_before_tags_before_what_is_shown() {
    let data = r#"<script type="application/ld+json">{"@context": "https://schema.org", "@type": "NewsArticle",
        "headline": "Ferries stop", "datePublished": "2021-03-04T06:30:00+02:00",
        "author": [{"@type": "Person", "name": "By Ada Brill"}, {"@type": "Person", "name": "Oskar Venn"}],
        "publisher": {"@type": "Organization", "name": "Skarn Courier"}, "inLanguage": "en"}</script>"#;
    let tags = "<meta property=og:title content='Ferries stop | Skarn Courier'>
        <meta property=og:site_name content='Skarn Courier'>
        <meta name=author content='Ada Brill and Paolo Merisi'>
        <meta property=article:author content='https://facebook.example/adabrill'>
        <meta property=article:published_time content='2021-03-04'>";
    let shown = format!(
        "<span class=byline>By Emil Tarsk</span> <time datetime='2021-03-05T10:00:00Z'>5 March</time>{}",
        story()
    );
    let said = read(&page(&format!("{data}{tags}"), &shown)).metadata;
    assert_eq!(said.title.as_deref(), Some("Ferries stop"));
    assert_eq!(said.authors, ["Ada Brill", "Oskar Venn"]);
    assert_eq!(said.published.as_deref(), Some("2021-03-04T06:30:00+02:00"));
    assert_eq!(said.publisher.as_deref(), Some("Skarn Courier"));
    assert_eq!(said.language.as_deref(), Some("en"));
    let said = read(&page(tags, &shown)).metadata;
    assert_eq!(said.authors, ["Ada Brill", "Paolo Merisi"]);
    assert_eq!(said.title.as_deref(), Some("Ferries stop"));
    assert_eq!(said.published.as_deref(), Some("2021-03-04"));
    let said = read(&page("", &shown)).metadata;
    assert_eq!(said.authors, ["Emil Tarsk"]);
    assert_eq!(said.published.as_deref(), Some("2021-03-05T10:00:00Z"));
    assert_eq!(said.title.as_deref(), Some("Ferries stop"));
}

#[test]
fn names_are_taken_out_of_what_stands_around_them() {
    for (content, expected) in [
        ("By Ada Brill", vec!["Ada Brill"]),
        (
            "ADA BRILL, Oskar Venn & Emil Tarsk",
            vec!["Ada Brill", "Oskar Venn", "Emil Tarsk"],
        ),
        ("Ada Brill, Senior Reporter", vec!["Ada Brill"]),
        ("Ada Brill (Image: Orla Pictures, Skarn)", vec!["Ada Brill"]),
        ("https://orla.example/ada-brill", vec![]),
        ("Orla News Agency", vec!["Orla News Agency"]),
    ] {
        let head = format!("<meta name=author content='{content}'>");
        assert_eq!(
            read(&page(&head, &story())).metadata.authors,
            expected,
            "{content}"
        );
    }
}

#[test]
fn a_house_is_the_author_only_where_no_person_is_named() {
    let data = r#"<script type="application/ld+json">{"@type": "NewsArticle", "headline": "Ferries stop",
        "author": {"@type": "Organization", "name": "Skarn Courier"}}</script>"#;
    let with = |tag: &str| {
        read(&page(&format!("{data}{tag}"), &story()))
            .metadata
            .authors
    };
    assert_eq!(
        with("<meta name=author content='Ada Brill'>"),
        ["Ada Brill"]
    );
    assert_eq!(with(""), ["Skarn Courier"]);
}

#[test]
fn a_page_without_article_gives_what_can_be_read() {
    let links: String = (0..40)
        .map(|n| format!("<li><a href={n}>Story number {n}</a></li>"))
        .collect();
    let found = read(&format!(
        "<body><nav>Menu</nav><ul>{links}</ul><p>Skarn Courier, daily</p></body>"
    ));
    assert!(!found.is_article);
    assert_eq!(found.text, "Skarn Courier, daily");
    let found = read(&format!("<ul>{links}</ul>"));
    assert!(!found.is_article && found.text.contains("Story number 39"));
    for empty in [
        "",
        " \n ",
        "<html></html>",
        "<!-- nothing -->",
        "<script>1</script>",
    ] {
        assert_eq!(
            (read(empty).text.as_str(), read(empty).is_article),
            ("", false),
            "{empty}"
        );
    }
}

#[test]
fn tags_nested_without_end_cost_neither_stack_nor_hours() {
    for tag in [
        "div",
        "b",
        "blockquote",
        "ul><li",
        "dl><dd",
        "table><tr><td",
        "font",
        "a",
        "p",
    ] {
        let open = format!("<{tag}>").repeat(100_000);
        let found = read(&format!("{open}{}", story()));
        assert!(found.text.contains(SECOND), "{tag}");
    }
    let closed = format!(
        "{}{}{}",
        "<div>".repeat(100_000),
        story(),
        "</div>".repeat(100_000)
    );
    assert!(
        read(&format!("{closed}<p>{THIRD}</p>"))
            .text
            .contains(FIRST)
    );
}

#[test]
fn paragraphs_that_are_never_closed_are_no_nesting() {
    let many: String = (0..2_000)
        .map(|n| {
            format!("<p>Ferry number {n} left the northern pier at dawn with its lights out.<li>")
        })
        .collect();
    let found = read(&format!("<article>{many}</article>"));
    assert_eq!(lines(&found).len(), 2_000);
}

#[test]
fn malformed_markup_is_read_as_browsers_read_it() {
    let body = format!(
        "<p class='a' class=b <b>{FIRST}</i></p></span></div><p>{SECOND}<p>{THIRD}</article"
    );
    let found = read(&body);
    for sentence in [SECOND, THIRD] {
        assert!(found.text.contains(sentence), "{}", found.text);
    }
}

proptest! {
    #[test]
    fn no_page_makes_it_panic_and_blocks_cover_the_text(
        pieces in proptest::collection::vec(
            prop_oneof![
                Just("<p>".to_owned()), Just("</p>".to_owned()), Just("<div class=share>".to_owned()),
                Just("</div>".to_owned()), Just("<table><tr><td>".to_owned()), Just("<a href=x>".to_owned()),
                Just("<br>".to_owned()), Just("<script>".to_owned()), Just("<figure><img>".to_owned()),
                Just("<!--".to_owned()), Just("<meta name=author content=\"".to_owned()),
                Just("<script type=application/ld+json>{\"@type\": \"Article\", \"author\": [".to_owned()),
                Just(format!("{FIRST} ")), "\\PC{0,20}", "[<>/=\"'& a-z\u{0}]{0,20}",
            ],
            0..40,
        )
    ) {
        let found = read(&pieces.concat());
        let joined: Vec<&str> = found.blocks.iter().map(|b| &found.text[b.range.clone()]).collect();
        prop_assert_eq!(joined.join("\n\n"), found.text.clone());
        prop_assert!(found.blocks.iter().all(|b| (0.0..=1.0).contains(&b.link_density)));
        prop_assert!(found.blocks.iter().all(|b| !b.range.is_empty()));
    }
}
