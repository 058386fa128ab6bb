use std::ops::Range;

use copydesk_document::offsets::{Offsets, Unit};
use copydesk_document::{Batch, Row};

/// One document as the pipeline leaves it, with every place in code points of the raw text.
pub struct Predicted<'b> {
    batch: &'b Batch,
    doc: usize,
    in_raw: Offsets<'b>,
}

/// A span of a layer.
#[derive(Debug, Clone, PartialEq)]
pub struct PredictedSpan<'b> {
    /// Its row in the layer.
    pub row: Row,
    /// Where it stands in the raw text, in code points.
    pub range: Range<u32>,
    /// Where it stands in the text after cleanup, in bytes.
    pub in_text: Range<u32>,
    /// Its words in the text after cleanup.
    pub text: &'b str,
    /// Its label, where it has one.
    pub label: Option<&'b str>,
}

impl<'b> Predicted<'b> {
    /// Document `doc` of a batch that has passed the pipeline.
    pub fn new(batch: &'b Batch, doc: usize) -> Self {
        Self {
            batch,
            doc,
            in_raw: Offsets::new(batch.raw(doc), Unit::Char),
        }
    }

    /// The text after cleanup.
    pub fn text(&self) -> &'b str {
        self.batch.text(self.doc)
    }

    /// Metadata that a stage has set.
    pub fn meta(&self, name: &str) -> Option<&'b serde_json::Value> {
        self.batch.meta(self.doc).get(name)
    }

    /// The spans of a layer of the text, in order of their rows; none if there is no such layer.
    pub fn spans(&self, layer: &str) -> Vec<PredictedSpan<'b>> {
        let Some(layer) = self.batch.layer(layer) else {
            return Vec::new();
        };
        layer
            .spans(self.doc)
            .map(|span| PredictedSpan {
                row: span.row,
                range: self.in_raw(span.start..span.end),
                in_text: span.start..span.end,
                text: &self.text()[span.range()],
                label: span.label,
            })
            .collect()
    }

    /// Where a piece of the text, in bytes, stands in the raw text, in code points.
    fn in_raw(&self, range: Range<u32>) -> Range<u32> {
        let raw = self.batch.alignment(self.doc).to_raw(range);
        self.in_raw.convert(raw.start as usize)..self.in_raw.convert(raw.end as usize)
    }

    /// A text attribute of a span.
    pub fn attr(&self, layer: &str, row: Row, name: &str) -> Option<&'b str> {
        self.batch.layer(layer)?.text(self.doc, row, name)
    }

    /// A whole number of a span.
    pub fn int(&self, layer: &str, row: Row, name: &str) -> Option<i64> {
        self.batch.layer(layer)?.int(self.doc, row, name)
    }

    /// The row that a span links to.
    pub fn link(&self, layer: &str, row: Row, name: &str) -> Option<Row> {
        let link = self.batch.layer(layer)?.link(self.doc, row, name)?;
        Some(link.row)
    }
}
