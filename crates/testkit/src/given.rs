use std::ops::Range;
use std::sync::Arc;

use copydesk_document::{AttrValue, Batch, Changes, Contract, OutLayer, Refusal, Span};

/// A layer written by hand, as an earlier stage would have.
///
/// ```
/// use copydesk_testkit::Given;
///
/// let entities = Given::layer("entities")
///     .span(0..8, "PER").text("name", "Ada Lund")
///     .span(20..24, "ORG");
/// let tokens = Given::layer("tokens").transient()
///     .plain(0..3).vector("vector", &[0.1, 0.2])
///     .plain(4..8).vector("vector", &[0.3, 0.4]);
/// ```
#[derive(Debug, Clone)]
pub struct Given {
    layer: String,
    transient: bool,
    raw: bool,
    spans: Vec<GivenSpan>,
}

#[derive(Debug, Clone)]
struct GivenSpan {
    range: Range<usize>,
    label: Option<String>,
    score: Option<f32>,
    attrs: Vec<(String, GivenValue)>,
}

#[derive(Debug, Clone)]
enum GivenValue {
    Int(i64),
    Float(f64),
    Text(String),
    Link(String, u32),
    Vector(Vec<f32>),
}

impl Given {
    /// An empty layer.
    pub fn layer(name: impl Into<String>) -> Self {
        Self {
            layer: name.into(),
            transient: false,
            raw: false,
            spans: Vec::new(),
        }
    }

    /// It is never written to the output.
    #[must_use]
    pub fn transient(mut self) -> Self {
        self.transient = true;
        self
    }

    /// It counts in the raw text.
    #[must_use]
    pub fn raw(mut self) -> Self {
        self.raw = true;
        self
    }

    /// Adds a span with a label.
    #[must_use]
    pub fn span(self, range: Range<usize>, label: &str) -> Self {
        self.push(range, Some(label.to_owned()))
    }

    /// Adds a span without a label.
    #[must_use]
    pub fn plain(self, range: Range<usize>) -> Self {
        self.push(range, None)
    }

    fn push(mut self, range: Range<usize>, label: Option<String>) -> Self {
        self.spans.push(GivenSpan {
            range,
            label,
            score: None,
            attrs: Vec::new(),
        });
        self
    }

    /// Gives the last span a score.
    #[must_use]
    pub fn score(mut self, score: f32) -> Self {
        self.last().score = Some(score);
        self
    }

    /// Gives the last span a text attribute.
    #[must_use]
    pub fn text(self, name: &str, value: &str) -> Self {
        self.attr(name, GivenValue::Text(value.to_owned()))
    }

    /// Gives the last span an integer attribute.
    #[must_use]
    pub fn int(self, name: &str, value: i64) -> Self {
        self.attr(name, GivenValue::Int(value))
    }

    /// Gives the last span a float attribute.
    #[must_use]
    pub fn float(self, name: &str, value: f64) -> Self {
        self.attr(name, GivenValue::Float(value))
    }

    /// Gives the last span a link to row `row` of `layer`, which is given
    /// before this one, or is this one.
    #[must_use]
    pub fn link(self, name: &str, layer: &str, row: u32) -> Self {
        self.attr(name, GivenValue::Link(layer.to_owned(), row))
    }

    /// Gives the last span a vector attribute.
    #[must_use]
    pub fn vector(self, name: &str, values: &[f32]) -> Self {
        self.attr(name, GivenValue::Vector(values.to_owned()))
    }

    fn attr(mut self, name: &str, value: GivenValue) -> Self {
        self.last().attrs.push((name.to_owned(), value));
        self
    }

    fn last(&mut self) -> &mut GivenSpan {
        self.spans
            .last_mut()
            .expect("a value of a span comes after the span")
    }

    /// Writes it over document `doc`.
    pub(crate) fn write(&self, batch: &mut Batch, doc: usize) {
        let contract = Contract {
            stage: "given".to_owned(),
            requires: batch
                .layers()
                .iter()
                .filter(|layer| layer.name != self.layer)
                .map(|layer| {
                    format!("layer:{}", layer.name)
                        .parse()
                        .expect("a layer's name")
                })
                .collect(),
            layers: vec![OutLayer {
                name: self.layer.clone(),
                stored_as: self.layer.clone(),
                transient: self.transient,
                raw: self.raw,
            }],
            ..Contract::default()
        };
        let mut changes = Changes::new(batch, Arc::new(contract));
        let written = self.put(&mut changes, doc).and_then(|()| changes.finish());
        if let Err(refusal) = written {
            panic!(
                "the given layer `{}` does not fit the text: {refusal}",
                self.layer
            );
        }
        batch.apply(changes);
    }

    fn put(&self, changes: &mut Changes, doc: usize) -> Result<(), Refusal> {
        let layer = changes.layer(&self.layer)?;
        for given in &self.spans {
            let mut span = Span::new(given.range.start as u32, given.range.end as u32);
            if let Some(label) = &given.label {
                span.label = changes.label(layer, label)?;
            }
            if let Some(score) = given.score {
                span.score = score;
            }
            let row = changes.add_spans(doc, layer, &[span])?;
            for (name, value) in &given.attrs {
                let value = match value {
                    GivenValue::Vector(values) => {
                        changes.set_vectors(doc, layer, row, 1, name, values.len(), values)?;
                        continue;
                    }
                    GivenValue::Int(value) => AttrValue::Int(*value),
                    GivenValue::Float(value) => AttrValue::Float(*value),
                    GivenValue::Text(value) => AttrValue::Text(value),
                    GivenValue::Link(target, row) => AttrValue::Link {
                        layer: changes.layer(target)?,
                        row: *row,
                    },
                };
                changes.set_attr(doc, layer, row, name, value)?;
            }
        }
        Ok(())
    }
}
