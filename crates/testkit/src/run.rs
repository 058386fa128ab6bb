use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::Range;

use copydesk_document::{Batch, Map, Outcome, Value, Warning};
use copydesk_host::Facts;

/// What came out of the stages: the documents, and what became of the others.
#[derive(Debug)]
pub struct Run {
    pub(crate) batch: Batch,
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) facts: Facts,
    pub(crate) counters: BTreeMap<String, u64>,
}

/// A span with everything looked up.
#[derive(Debug, Clone, PartialEq)]
pub struct SpanOf {
    /// Row within the document.
    pub row: u32,
    /// Bytes.
    pub range: Range<usize>,
    /// Its words.
    pub text: String,
    /// Label; empty where it has none.
    pub label: String,
    /// Score.
    pub score: Option<f32>,
}

impl Run {
    /// The documents that came through.
    #[must_use]
    pub fn batch(&self) -> &Batch {
        &self.batch
    }

    /// What each stage dropped and failed, in order of the stages.
    #[must_use]
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// What the stages said about their outputs.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Counters of the last stage.
    #[must_use]
    pub fn counters(&self) -> &BTreeMap<String, u64> {
        &self.counters
    }

    /// The text of the first document, after edits.
    #[must_use]
    pub fn text(&self) -> &str {
        self.batch.text(0)
    }

    /// The metadata of the first document.
    #[must_use]
    pub fn meta(&self) -> &Map<String, Value> {
        self.batch.meta(0)
    }

    /// The warnings on the first document.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        self.batch.warnings(0)
    }

    /// The spans of `layer` in the first document, by row.
    #[must_use]
    pub fn spans(&self, layer: &str) -> Vec<SpanOf> {
        self.spans_in(0, layer)
    }

    /// The spans of `layer` in document `doc`, by row; none where there is no
    /// such layer.
    #[must_use]
    pub fn spans_in(&self, doc: usize, layer: &str) -> Vec<SpanOf> {
        let Some(layer) = self.batch.layer(layer) else {
            return Vec::new();
        };
        let text = if layer.raw {
            self.batch.raw(doc)
        } else {
            self.batch.text(doc)
        };
        layer
            .spans(doc)
            .map(|span| SpanOf {
                row: span.row,
                range: span.range(),
                text: text[span.range()].to_owned(),
                label: span.label.unwrap_or_default().to_owned(),
                score: span.score,
            })
            .collect()
    }

    /// Text attribute of a span of the first document.
    #[must_use]
    pub fn text_attr(&self, layer: &str, row: u32, name: &str) -> Option<&str> {
        self.batch.layer(layer)?.text(0, row, name)
    }

    /// Integer attribute of a span of the first document.
    #[must_use]
    pub fn int_attr(&self, layer: &str, row: u32, name: &str) -> Option<i64> {
        self.batch.layer(layer)?.int(0, row, name)
    }

    /// Float attribute of a span of the first document.
    #[must_use]
    pub fn float_attr(&self, layer: &str, row: u32, name: &str) -> Option<f64> {
        self.batch.layer(layer)?.float(0, row, name)
    }

    /// Link attribute of a span of the first document: layer and row.
    #[must_use]
    pub fn link_attr(&self, layer: &str, row: u32, name: &str) -> Option<(&str, u32)> {
        let link = self.batch.layer(layer)?.link(0, row, name)?;
        Some((self.batch.link_layer(link)?, link.row))
    }

    /// The words that a link attribute of a span of the first document points to.
    #[must_use]
    pub fn linked_text(&self, layer: &str, row: u32, name: &str) -> Option<String> {
        let (target, row) = self.link_attr(layer, row, name)?;
        let spans = self.spans(target);
        spans.get(row as usize).map(|span| span.text.clone())
    }

    /// Layer `layer` of the first document has exactly these spans, sorted by
    /// place. An empty label stands for none.
    ///
    /// # Panics
    /// If it has not.
    #[track_caller]
    pub fn expect(&self, layer: &str, expected: &[(Range<usize>, &str)]) -> &Self {
        let text = match self.batch.layer(layer) {
            Some(layer) if layer.raw => self.batch.raw(0),
            _ => self.batch.text(0),
        };
        let line = |range: &Range<usize>, label: &str| {
            let words = text.get(range.clone()).unwrap_or("(off the text)");
            format!("{:>5}..{:<5} {label:<10} {words:?}", range.start, range.end)
        };
        let found = self.sorted(layer);
        let found = found.iter().map(|span| line(&span.range, &span.label));
        let expected = expected.iter().map(|(range, label)| line(range, label));
        compare(layer, found.collect(), expected.collect());
        self
    }

    /// As [`expect`](Self::expect), with words in place of bytes.
    ///
    /// # Panics
    /// If the layer has other spans.
    #[track_caller]
    pub fn expect_texts(&self, layer: &str, expected: &[(&str, &str)]) -> &Self {
        let line = |words: &str, label: &str| format!("{label:<10} {words:?}");
        let found = self.sorted(layer);
        let found = found.iter().map(|span| line(&span.text, &span.label));
        let expected = expected.iter().map(|(words, label)| line(words, label));
        compare(layer, found.collect(), expected.collect());
        self
    }

    fn sorted(&self, layer: &str) -> Vec<SpanOf> {
        assert!(
            !self.batch.is_empty(),
            "no document came through: {:?}",
            self.outcomes
        );
        let mut spans = self.spans(layer);
        spans.sort_by_key(|span| (span.range.start, span.range.end, span.row));
        spans
    }
}

/// Panics with a list of both, `-` expected but missing, `+` not expected.
#[track_caller]
fn compare(layer: &str, found: Vec<String>, expected: Vec<String>) {
    if found == expected {
        return;
    }
    let mut diff = String::new();
    let (mut f, mut e) = (0, 0);
    while f < found.len() || e < expected.len() {
        if f < found.len() && e < expected.len() && found[f] == expected[e] {
            let _ = writeln!(diff, "    {}", found[f]);
            (f, e) = (f + 1, e + 1);
        } else if e < expected.len() && !found[f..].contains(&expected[e]) {
            let _ = writeln!(diff, "  - {}", expected[e]);
            e += 1;
        } else if f < found.len() {
            let _ = writeln!(diff, "  + {}", found[f]);
            f += 1;
        } else {
            let _ = writeln!(diff, "  - {}", expected[e]);
            e += 1;
        }
    }
    panic!("layer `{layer}` is not as expected (- expected, + found):\n{diff}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_expectation_lists_both_sides() {
        let lines = |lines: &[&str]| lines.iter().map(ToString::to_string).collect();
        let panic = std::panic::catch_unwind(|| {
            compare(
                "caps",
                lines(&["one", "two", "new"]),
                lines(&["one", "gone", "two"]),
            );
        })
        .unwrap_err();
        assert_eq!(
            panic.downcast_ref::<String>().unwrap(),
            "layer `caps` is not as expected (- expected, + found):\n    one\n  - gone\n    two\n  + new\n"
        );
    }
}
