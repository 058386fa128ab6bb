//! Layers that a reader gives with a document, before any stage.

use std::ops::Range;

use crate::layer::{Attr, AttrValues, Layer};
use crate::{NO_LABEL, NO_SCORE};

/// The name under which the spans of a reader's layers are booked, in place of a stage's.
pub(crate) const INPUT: &str = "input";

/// A layer of one document, as a reader makes it.
#[derive(Debug, Clone, PartialEq)]
pub struct NewLayer {
    /// Name in the batch; no stage may write a layer of that name.
    pub name: String,
    /// Never written to the output.
    pub transient: bool,
    /// Its spans, offsets in `raw` and staying there when the text is edited.
    pub spans: Vec<NewSpan>,
}

/// One span of a [`NewLayer`].
#[derive(Debug, Clone, PartialEq)]
pub struct NewSpan {
    /// Bytes of `raw`.
    pub range: Range<u32>,
    /// What it is.
    pub label: Option<String>,
    /// Attributes; one name has one type in the whole layer, of all documents.
    pub attrs: Vec<(&'static str, NewValue)>,
}

/// The value of an attribute of a [`NewSpan`].
#[derive(Debug, Clone, PartialEq)]
pub enum NewValue {
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A string.
    Text(String),
}

impl NewLayer {
    /// The columns of this layer for a batch of one document whose raw text is `raw`.
    ///
    /// # Panics
    /// If a span does not lie in `raw`, ends inside a character, or an attribute changes its type.
    pub(crate) fn into_layer(self, raw: &str) -> Layer {
        let mut layer = Layer::empty(&self.name, 1, self.transient, true);
        let mut new = crate::layer::NewSpans {
            rows: vec![0, self.spans.len() as i64],
            start: Vec::with_capacity(self.spans.len()),
            end: Vec::with_capacity(self.spans.len()),
            label: Vec::with_capacity(self.spans.len()),
            score: vec![NO_SCORE; self.spans.len()],
            labels: crate::Names::new(),
        };
        let mut attrs: Vec<Attr> = Vec::new();
        for (row, span) in self.spans.iter().enumerate() {
            let range = span.range.start as usize..span.range.end as usize;
            assert!(
                raw.get(range).is_some(),
                "span {:?} of layer {} is no piece of the text",
                span.range,
                self.name
            );
            new.start.push(span.range.start);
            new.end.push(span.range.end);
            new.label.push(match &span.label {
                Some(label) => new.labels.intern(label),
                None => NO_LABEL,
            });
            for (name, value) in &span.attrs {
                let attr = match attrs.iter().position(|attr| attr.name == *name) {
                    Some(at) => &mut attrs[at],
                    None => {
                        attrs.push(Attr {
                            name: (*name).to_owned(),
                            values: value.column(),
                            valid: None,
                        });
                        attrs.last_mut().expect("pushed above")
                    }
                };
                attr.extend_null(row - attr.values.len());
                value.push_to(attr);
            }
        }
        layer.add(new, INPUT);
        for mut attr in attrs {
            attr.extend_null(self.spans.len() - attr.values.len());
            layer.push_attr(attr);
        }
        layer
    }
}

impl NewValue {
    fn column(&self) -> AttrValues {
        match self {
            Self::Int(_) => AttrValues::Int(Vec::new()),
            Self::Float(_) => AttrValues::Float(Vec::new()),
            Self::Text(_) => AttrValues::Text(crate::StrColumn::new()),
        }
    }

    fn push_to(&self, attr: &mut Attr) {
        match (self, &mut attr.values) {
            (Self::Int(value), AttrValues::Int(column)) => column.push(*value),
            (Self::Float(value), AttrValues::Float(column)) => column.push(*value),
            (Self::Text(value), AttrValues::Text(column)) => column.push(value),
            _ => panic!("attribute {} has values of two types", attr.name),
        }
        if let Some(valid) = &mut attr.valid {
            valid.push(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{Batch, Changes, Contract, Edit, NewDocument};

    fn span(range: Range<u32>, label: &str, attrs: Vec<(&'static str, NewValue)>) -> NewSpan {
        NewSpan {
            range,
            label: Some(label.to_owned()),
            attrs,
        }
    }

    fn document(id: &str, raw: &str, spans: Vec<NewSpan>) -> NewDocument {
        NewDocument {
            layers: vec![NewLayer {
                name: "markup".to_owned(),
                transient: true,
                spans,
            }],
            ..NewDocument::new(id, raw)
        }
    }

    fn two_of_three() -> Batch {
        let mut batch = Batch::new();
        batch.push(NewDocument::new("plain", "no layer here"));
        let links = ("links", NewValue::Float(0.5));
        let depth = ("depth", NewValue::Int(3));
        let tag = |tag: &str| ("tag", NewValue::Text(tag.to_owned()));
        batch.push(document(
            "page",
            "A head\nThe ferry sails.",
            vec![
                span(0..6, "heading", vec![tag("h1"), depth]),
                span(7..23, "paragraph", vec![tag("p"), links]),
            ],
        ));
        batch.push(document(
            "other",
            "Harbour",
            vec![span(0..7, "paragraph", vec![tag("li")])],
        ));
        batch
    }

    #[test]
    fn spans_and_attributes_of_a_reader_stand_in_their_document() {
        let batch = two_of_three();
        let layer = batch.layer("markup").unwrap();
        assert!(layer.raw && layer.transient);
        assert_eq!([layer.len(0), layer.len(1), layer.len(2)], [0, 2, 1]);
        let second = layer.span(1, 1);
        assert_eq!(
            (second.range(), second.label, second.stage),
            (7..23, Some("paragraph"), INPUT)
        );
        assert_eq!(layer.text(1, 0, "tag"), Some("h1"));
        assert_eq!(
            (layer.int(1, 0, "depth"), layer.int(1, 1, "depth")),
            (Some(3), None)
        );
        assert_eq!(
            (layer.float(1, 0, "links"), layer.float(1, 1, "links")),
            (None, Some(0.5))
        );
        assert_eq!(
            (layer.text(2, 0, "tag"), layer.int(2, 0, "depth")),
            (Some("li"), None)
        );
    }

    #[test]
    fn they_travel_with_their_documents_and_stay_in_raw_when_the_text_is_edited() {
        let batch = two_of_three();
        let mut one = batch.select(&[2, 1]);
        let contract = Contract::parse("cut", &[], &["text"]).unwrap();
        let mut changes = Changes::new(&one, Arc::new(contract));
        let cut = Edit {
            start: 0,
            end: 7,
            with: String::new(),
            kind: Some("headline".to_owned()),
        };
        changes.edit(1, vec![cut]).unwrap();
        changes.finish().unwrap();
        one.apply(changes);
        assert_eq!(one.text(1), "The ferry sails.");
        let layer = one.layer("markup").unwrap();
        assert_eq!(&one.raw(1)[layer.span(1, 1).range()], "The ferry sails.");
        assert_eq!(layer.text(0, 0, "tag"), Some("li"));
    }

    #[test]
    #[should_panic(expected = "is no piece of the text")]
    fn a_span_outside_of_the_text_is_a_mistake_of_the_reader() {
        Batch::new().push(document("a", "short", vec![span(0..6, "x", vec![])]));
    }

    #[test]
    #[should_panic(expected = "values of two types")]
    fn an_attribute_of_two_types_is_a_mistake_of_the_reader() {
        let one = span(0..1, "x", vec![("n", NewValue::Int(1))]);
        let two = span(1..2, "x", vec![("n", NewValue::Float(1.0))]);
        Batch::new().push(document("a", "short", vec![one, two]));
    }
}
