//! Texts, edits and batches that hurt, for the property tests.

use std::ops::Range;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::Value;

use crate::{AttrValue, Batch, Changes, Contract, Edit, Layer, NewDocument, Span};

/// Characters of every UTF-8 width, combining marks, line ends of both kinds,
/// joined emoji and right-to-left letters.
const PIECES: &[&str] = &[
    "a",
    "Z",
    " ",
    "\n",
    "\r\n",
    "é",
    "e\u{301}",
    "ß",
    "“",
    "”",
    "…",
    "語",
    "\u{200b}",
    "\u{fb01}",
    "🦀",
    "👩\u{200d}🚒",
    "א",
    "\u{0}",
    "𝔘",
];

/// A text of so many pieces.
pub(crate) fn text(pieces: Range<usize>) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), pieces).prop_map(|pieces| pieces.concat())
}

/// A text and edits of it: sorted, often touching, often empty, at both ends.
/// `apart` keeps at least one character between them.
pub(crate) fn edited(apart: bool) -> impl Strategy<Value = (String, Vec<Edit>)> {
    let edit = (
        prop_oneof![3 => 0..1usize, 4 => 1..6usize],
        prop_oneof![1 => 0..1usize, 3 => 1..5usize],
        text(0..3),
    );
    (text(0..24), prop::collection::vec(edit, 0..6)).prop_map(move |(text, sizes)| {
        let ends: Vec<usize> = boundaries(&text).collect();
        let mut at = 0;
        let mut edits = Vec::new();
        for (i, (gap, len, with)) in sizes.into_iter().enumerate() {
            let start = at + gap.max(usize::from(apart && i > 0));
            if start >= ends.len() {
                break;
            }
            at = (start + len).min(ends.len() - 1);
            edits.push(Edit {
                start: ends[start] as u32,
                end: ends[at] as u32,
                with,
                kind: None,
            });
        }
        (text, edits)
    })
}

/// Where characters begin, and the end.
pub(crate) fn boundaries(text: &str) -> impl Iterator<Item = usize> + '_ {
    (0..=text.len()).filter(|&i| text.is_char_boundary(i))
}

/// A batch of a few documents that two stages have worked on: edits, spans
/// with labels and scores, attributes of every type with gaps, links.
pub(crate) fn batch() -> impl Strategy<Value = Batch> {
    let document = (
        edited(false),
        prop::collection::vec(any::<(u8, u8)>(), 0..4),
    );
    (prop::collection::vec(document, 0..5), any::<[bool; 2]>()).prop_map(
        |(documents, [edit, link])| {
            let mut batch = Batch::new();
            for (i, ((text, _), _)) in documents.iter().enumerate() {
                batch.push(NewDocument {
                    seq: i as u64,
                    path: (i % 2 == 0).then(|| format!("in/{i}.txt")),
                    ..NewDocument::new(format!("doc-{i}"), text.as_str())
                });
            }
            if edit {
                let contract = Contract::parse("clean", &[], &["text", "meta:title"]).unwrap();
                let mut changes = Changes::new(&batch, Arc::new(contract));
                for (doc, ((_, edits), _)) in documents.iter().enumerate() {
                    changes.edit(doc, edits.clone()).unwrap();
                    changes.set_meta(doc, "title", Value::from(doc)).unwrap();
                }
                batch.apply(changes);
            }
            let contract = Contract::parse("mark", &[], &["layer:names", "layer:quotes"]).unwrap();
            let mut changes = Changes::new(&batch, Arc::new(contract));
            let layers = [
                changes.layer("quotes").unwrap(),
                changes.layer("names").unwrap(),
            ];
            for (doc, (_, spans)) in documents.iter().enumerate() {
                let ends: Vec<u32> = boundaries(batch.text(doc)).map(|b| b as u32).collect();
                for &(a, b) in spans {
                    let layer = layers[usize::from(a % 2)];
                    let label = changes
                        .label(layer, ["A", "B", "C"][usize::from(b % 3)])
                        .unwrap();
                    let (a, b) = (usize::from(a) % ends.len(), usize::from(b) % ends.len());
                    let span = Span {
                        label,
                        ..Span::new(ends[a.min(b)], ends[a.max(b)])
                    };
                    let row = changes.add_spans(doc, layer, &[span]).unwrap();
                    if a % 3 != 0 {
                        let name = batch.id(doc);
                        changes
                            .set_attr(doc, layer, row, "n", AttrValue::Int(a as i64))
                            .unwrap();
                        changes
                            .set_attr(doc, layer, row, "f", AttrValue::Float(0.5))
                            .unwrap();
                        changes
                            .set_attr(doc, layer, row, "t", AttrValue::Text(name))
                            .unwrap();
                        changes
                            .set_vectors(doc, layer, row, 1, "v", 2, &[a as f32, b as f32])
                            .unwrap();
                    }
                    if link {
                        let link = AttrValue::Link { layer, row };
                        changes.set_attr(doc, layer, row, "l", link).unwrap();
                    }
                }
            }
            batch.apply(changes);
            batch
        },
    )
}

/// All that can be seen of each document, whatever batch it is in.
pub(crate) fn seen(batch: &Batch) -> Vec<String> {
    (0..batch.len())
        .map(|doc| {
            let mut out = format!(
                "{:?} {:?} {:?} {:?} {:?} {:?}",
                batch.key(doc),
                batch.text(doc),
                batch.alignment(doc),
                batch.meta(doc),
                batch.as_it_came(doc),
                batch.warnings(doc),
            );
            out += &format!(
                "{} {}",
                batch.meta_jsons().get(doc),
                batch.languages().get(doc)
            );
            let mut layers: Vec<&Layer> = batch.layers().iter().collect();
            layers.sort_by_key(|layer| &layer.name);
            for layer in layers {
                for span in layer.spans(doc) {
                    let link = layer.link(doc, span.row, "l");
                    out += &format!(
                        "\n{} {span:?} {:?} {:?} {:?} {:?} {:?}",
                        layer.name,
                        layer.int(doc, span.row, "n"),
                        layer.float(doc, span.row, "f"),
                        layer.text(doc, span.row, "t"),
                        layer.vector(doc, span.row, "v"),
                        link.map(|link| (batch.link_layer(link), link.row)),
                    );
                }
            }
            out
        })
        .collect()
}
