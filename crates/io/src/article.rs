//! An annotated article for tests: every layer that the shipped stages write, with its links.

use std::sync::Arc;

use copydesk_document::{
    AttrValue, Batch, Changes, Contract, Edit, LayerRef, NO_LABEL, NO_SCORE, NewDocument, Row,
    Span, Value,
};

pub(crate) const RAW: &str = "Élise Brandt, Strait Courier\n“The ferries will not stop,” harbour minister Élise Brandt said, “not this year.” \
     The ministry denied a bluff. The union’s plan is reckless 🙂.";

/// What the stages that made [`annotated`] may write.
pub(crate) fn contracts() -> Vec<Contract> {
    let cleanup = ["text", "meta:title", "meta:authors"];
    let annotate = [
        "layer:blocks",
        "layer:sentences",
        "layer:entities",
        "layer:mentions",
        "layer:speakers",
        "layer:cues",
        "layer:quotes",
        "layer:quote-parts",
        "layer:attitudes",
        "layer:sentiment",
        "layer:topics",
        "meta:tone",
    ];
    let mut contracts = vec![
        Contract::parse("cleanup", &[], &cleanup).unwrap(),
        Contract::parse("annotate", &[], &annotate).unwrap(),
    ];
    // As if another stage had resolved the names.
    contracts[1]
        .attrs
        .push(("entities".to_owned(), "name".to_owned()));
    contracts
}

pub(crate) fn document() -> NewDocument {
    let mut document = NewDocument::new("row/ferry.txt", RAW);
    document.path = Some("row/ferry.txt".to_owned());
    document.extra.insert("desk".to_owned(), "harbour".into());
    document
}

/// One article with all layers.
pub(crate) fn annotated() -> Batch {
    let mut batch = Batch::new();
    batch.push(document());
    cleanup(&mut batch);
    annotate(&mut batch);
    batch
}

fn cleanup(batch: &mut Batch) {
    let mut changes = Changes::new(batch, Arc::new(contracts().swap_remove(0)));
    let end = RAW.find('“').unwrap() as u32;
    let byline = Edit {
        start: 0,
        end,
        with: String::new(),
        kind: Some("byline".to_owned()),
    };
    changes.edit(0, vec![byline]).unwrap();
    changes
        .set_meta(
            0,
            "title",
            "No Stop for the Ferries, Harbour Minister Says".into(),
        )
        .unwrap();
    changes
        .set_meta(0, "authors", vec![Value::from("Élise Brandt")].into())
        .unwrap();
    changes.finish().unwrap();
    batch.apply(changes);
}

fn annotate(batch: &mut Batch) {
    let contract = contracts().swap_remove(1);
    let text = batch.text(0).to_owned();
    let mut write = Annotator {
        changes: Changes::new(batch, Arc::new(contract)),
        text,
    };

    let brandt = write.span("entities", "Élise Brandt", Some("PER"), Some(0.98123));
    write.set("entities", brandt, "name", AttrValue::Text("Élise Brandt"));
    write.set("entities", brandt, "wiki", AttrValue::Text("Q1"));
    write.span("entities", "union", Some("ORG"), Some(0.5));
    let minister = write.span(
        "speakers",
        "harbour minister Élise Brandt",
        Some("PER"),
        None,
    );
    write.set(
        "speakers",
        minister,
        "name",
        AttrValue::Text("Élise Brandt"),
    );
    write.link("speakers", minister, "entity", "entities", brandt);
    let ministry = write.span("speakers", "The ministry", Some("ORG"), None);
    write.set(
        "speakers",
        ministry,
        "name",
        AttrValue::Text("Ministry of Harbours"),
    );
    let said = write.span("cues", "said", None, None);
    let first = write.span(
        "quotes",
        "The ferries will not stop,” harbour minister Élise Brandt said, “not this year.",
        Some("direct"),
        Some(0.93125),
    );
    write.link("quotes", first, "speaker", "speakers", minister);
    write.link("quotes", first, "cue", "cues", said);
    for piece in ["The ferries will not stop,", "not this year."] {
        let part = write.span("quote-parts", piece, None, None);
        write.link("quote-parts", part, "quote", "quotes", first);
    }
    let second = write.span("quotes", "a bluff", Some("indirect"), Some(0.5));
    write.link("quotes", second, "speaker", "speakers", ministry);
    write.span("quotes", "bluff", Some("mixed"), None);
    let toward = write.span("attitudes", "a bluff", Some("negative"), Some(0.87309));
    write.set(
        "attitudes",
        toward,
        "target",
        AttrValue::Text("Harbour Union"),
    );
    write.link("attitudes", toward, "quote", "quotes", second);
    let mention = write.span("sentiment", "The union", Some("negative"), Some(0.75));
    write.set(
        "sentiment",
        mention,
        "target",
        AttrValue::Text("Harbour Union"),
    );
    let spoken = write.span("sentiment", "a bluff", Some("neutral"), Some(0.25));
    write.set(
        "sentiment",
        spoken,
        "target",
        AttrValue::Text("Harbour Union"),
    );
    write.set(
        "sentiment",
        spoken,
        "holder",
        AttrValue::Text("Ministry of Harbours"),
    );
    write.link("sentiment", spoken, "quote", "quotes", second);
    let topic = write.span("topics", "ferries", Some("transport"), Some(1.0));
    write.set("topics", topic, "weight", AttrValue::Float(0.25));
    write.set("topics", topic, "depth", AttrValue::Int(3));
    write.link("topics", topic, "about", "entities", brandt);
    write.span("sentences", "The ministry denied a bluff.", None, None);

    let mut changes = write.changes;
    let voice = |negative: u32, neutral: u32| {
        let score = -f64::from(negative) / f64::from((negative + neutral).max(1));
        let label = if negative > 0 { "negative" } else { "neutral" };
        serde_json::json!({
            "label": label, "score": score, "negative": negative, "neutral": neutral, "positive": 0
        })
    };
    let tone = serde_json::json!({
        "Harbour Union": { "author": voice(1, 0), "speakers": voice(0, 1), "all": voice(1, 2) }
    });
    changes.set_meta(0, "tone", tone).unwrap();
    changes
        .warn(
            0,
            Some(0..3),
            "unbalanced-marks",
            "a closing mark is missing",
        )
        .unwrap();
    changes.finish().unwrap();
    batch.apply(changes);
}

struct Annotator {
    changes: Changes,
    text: String,
}

impl Annotator {
    fn layer(&mut self, name: &str) -> LayerRef {
        self.changes.layer(name).unwrap()
    }

    fn span(&mut self, layer: &str, words: &str, label: Option<&str>, score: Option<f32>) -> Row {
        let start = self.text.find(words).unwrap() as u32;
        let layer = self.layer(layer);
        let label = label.map_or(NO_LABEL, |label| self.changes.label(layer, label).unwrap());
        let end = start + words.len() as u32;
        let span = Span {
            start,
            end,
            label,
            score: score.unwrap_or(NO_SCORE),
        };
        self.changes.add_spans(0, layer, &[span]).unwrap()
    }

    fn set(&mut self, layer: &str, row: Row, name: &str, value: AttrValue<'_>) {
        let layer = self.layer(layer);
        self.changes.set_attr(0, layer, row, name, value).unwrap();
    }

    fn link(&mut self, layer: &str, row: Row, name: &str, to: &str, to_row: Row) {
        let target = self.layer(to);
        self.set(
            layer,
            row,
            name,
            AttrValue::Link {
                layer: target,
                row: to_row,
            },
        );
    }
}
