//! Documents as a pipeline would leave them, for tests of the tasks.

use std::ops::Range;
use std::sync::Arc;

use copydesk_document::{AttrValue, Batch, Changes, Contract, Edit, NO_SCORE, NewDocument, Span};

/// An attribute to write.
pub(crate) enum Attr {
    Int(i64),
    Text(&'static str),
    Link(&'static str, u32),
}

/// Spans to write, in bytes of the text; the rows of a layer are numbered in their order.
#[derive(Default)]
pub(crate) struct Layers {
    rows: Vec<(&'static str, Range<u32>, &'static str)>,
    attrs: Vec<(&'static str, u32, &'static str, Attr)>,
}

impl Layers {
    /// Adds a span with attributes.
    pub(crate) fn add(
        &mut self,
        layer: &'static str,
        range: Range<u32>,
        label: &'static str,
        attrs: impl IntoIterator<Item = (&'static str, Attr)>,
    ) -> u32 {
        let row = self.rows.iter().filter(|row| row.0 == layer).count() as u32;
        self.rows.push((layer, range, label));
        let attrs = attrs.into_iter();
        self.attrs
            .extend(attrs.map(|(name, value)| (layer, row, name, value)));
        row
    }

    /// A name that belongs to the entity of a row.
    pub(crate) fn entity(&mut self, range: Range<u32>, label: &'static str, entity: i64) {
        self.add("entities", range, label, [("entity", Attr::Int(entity))]);
    }

    /// A mention that leads to an entity.
    pub(crate) fn mention(&mut self, range: Range<u32>, kind: &'static str, entity: Option<u32>) {
        let link = entity.map(|row| ("entity", Attr::Link("entities", row)));
        self.add("mentions", range, kind, link);
    }
}

/// A batch of one document with these layers.
pub(crate) fn with_layers(text: &str, layers: &Layers) -> Batch {
    with_edits(text, Vec::new(), layers)
}

/// A batch of one document that was edited first; the layers count in what is left.
pub(crate) fn with_edits(raw: &str, edits: Vec<Edit>, layers: &Layers) -> Batch {
    const PROVIDED: [&str; 9] = [
        "layer:entities",
        "layer:mentions",
        "layer:speakers",
        "layer:cues",
        "layer:quotes",
        "layer:quote-parts",
        "layer:sentiment",
        "layer:attitudes",
        "layer:blocks",
    ];
    let mut batch = Batch::new();
    batch.push(NewDocument::new("test", raw));
    let editor = Contract::parse("cleanup", &[], &["text"]).unwrap();
    let mut changes = Changes::new(&batch, Arc::new(editor));
    if !edits.is_empty() {
        changes.edit(0, edits).unwrap();
    }
    batch.apply(changes);
    let writer = Contract::parse("test", &[], &PROVIDED).unwrap();
    let mut changes = Changes::new(&batch, Arc::new(writer));
    for (name, range, label) in &layers.rows {
        let layer = changes.layer(name).unwrap();
        let span = Span {
            start: range.start,
            end: range.end,
            label: changes.label(layer, label).unwrap(),
            score: NO_SCORE,
        };
        changes.add_spans(0, layer, &[span]).unwrap();
    }
    for (name, row, attr, value) in &layers.attrs {
        let layer = changes.layer(name).unwrap();
        let value = match value {
            Attr::Int(value) => AttrValue::Int(*value),
            Attr::Text(value) => AttrValue::Text(value),
            Attr::Link(to, row) => AttrValue::Link {
                layer: changes.layer(to).unwrap(),
                row: *row,
            },
        };
        changes.set_attr(0, layer, *row, attr, value).unwrap();
    }
    batch.apply(changes);
    batch
}
