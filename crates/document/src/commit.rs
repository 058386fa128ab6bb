use std::ops::Range;

use serde_json::{Map, Value};

use crate::alignment::{Alignment, rewrite};
use crate::batch::{Batch, Outcome};
use crate::changes::{AttrRun, Changes, Role, Staged, StagedAttr, Verdict};
use crate::column::{Names, StrColumn};
use crate::layer::{Attr, AttrValues, Layer, NewSpans};
use crate::{NO_LABEL, NO_SCORE, REMOVED};

impl Batch {
    /// Puts the outputs of one call into the batch, and takes the documents
    /// out that it dropped or failed.
    ///
    /// Every layer that the contract provides exists afterwards, if need be
    /// without spans. Where the call edited texts, the spans that it wrote and
    /// all warnings move along; a span whose text was cut stays as an empty one
    /// at its place. Edits with a kind also become rows of the layer `removed`.
    ///
    /// # Panics
    /// If `changes` carry a refusal ([`Changes::finish`] tells), or were made
    /// for a batch of another length.
    pub fn apply(&mut self, mut changes: Changes) -> Outcome {
        if let Err(refusal) = changes.finish() {
            panic!("refused changes must not be applied: {refusal}");
        }
        assert_eq!(
            changes.doc_count(),
            self.len(),
            "changes were made for this batch"
        );
        let removed = removed_spans(self, &changes);
        let rounds = edit_texts(self, &mut changes);
        for (doc, mut warning) in changes.warnings {
            if let (Some(span), Some(round)) = (&mut warning.span, round_of(&rounds, doc)) {
                *span = round.to_text(span.clone());
            }
            self.add_warning(doc, warning);
        }
        let mut attrs = Vec::new();
        let mut names = Vec::with_capacity(changes.layers.len());
        for mut staged in changes.layers {
            let staged_attrs = std::mem::take(&mut staged.attrs);
            names.push(std::mem::take(&mut staged.stored_as));
            let name = &names[names.len() - 1];
            let at = match staged.role {
                Role::Output { raw, transient } => {
                    let at = self.ensure_layer(name, transient, raw);
                    let rounds = if raw { &[][..] } else { &rounds };
                    let spans = columns(staged, self.len(), rounds);
                    self.layer_mut(at).add(spans, &changes.contract.stage);
                    at
                }
                Role::Input if staged_attrs.is_empty() => continue,
                Role::Input => self
                    .layers()
                    .iter()
                    .position(|layer| layer.name == *name)
                    .expect("attributes are refused on layers that are not there"),
            };
            attrs.push((at, staged_attrs));
        }
        for (at, attrs) in attrs {
            for mut attr in attrs {
                if let AttrValues::Link(links) = &mut attr.values {
                    for link in links {
                        link.layer = self.intern_link(&names[link.layer as usize]);
                    }
                }
                set_attr(self.layer_mut(at), attr);
            }
        }
        if let Some(spans) = removed {
            let at = self.ensure_layer(REMOVED, false, true);
            self.layer_mut(at).add(spans, &changes.contract.stage);
        }
        for (doc, keys, value) in changes.meta {
            insert(self.meta_mut(doc), &keys, value);
        }
        take_out(self, changes.verdicts)
    }
}

/// Rewrites the edited texts; the result are the alignments of this round.
fn edit_texts(batch: &mut Batch, changes: &mut Changes) -> Vec<(usize, Alignment)> {
    if changes.edits.iter().all(|(_, edits)| edits.is_empty()) {
        return Vec::new();
    }
    changes.edits.sort_by_key(|(doc, _)| *doc);
    let mut texts = StrColumn::with_capacity(batch.len(), batch.texts().data().len());
    let mut rounds = Vec::with_capacity(changes.edits.len());
    let mut next = changes.edits.iter().peekable();
    for doc in 0..batch.len() {
        let text = batch.text(doc);
        match next.next_if(|(edited, _)| *edited == doc) {
            Some((_, edits)) => {
                texts.push(&rewrite(text, edits));
                rounds.push((doc, Alignment::of_edits(text.len() as u32, edits)));
            }
            None => texts.push(text),
        }
    }
    batch.set_texts(texts, &rounds);
    rounds
}

fn round_of(rounds: &[(usize, Alignment)], doc: usize) -> Option<&Alignment> {
    let at = rounds.binary_search_by_key(&doc, |(doc, _)| *doc).ok()?;
    Some(&rounds[at].1)
}

/// The rows that edits with a kind add to the layer `removed`, in raw.
fn removed_spans(batch: &Batch, changes: &Changes) -> Option<NewSpans> {
    let mut by_doc: Vec<&[crate::Edit]> = vec![
        &[];
        if changes.edits.is_empty() {
            0
        } else {
            batch.len()
        }
    ];
    for (doc, edits) in &changes.edits {
        by_doc[*doc] = edits;
    }
    let mut out = NewSpans {
        rows: vec![0],
        start: Vec::new(),
        end: Vec::new(),
        label: Vec::new(),
        score: Vec::new(),
        labels: Names::new(),
    };
    for (doc, edits) in by_doc.into_iter().enumerate() {
        for edit in edits {
            // An insertion removes nothing, whatever it calls itself.
            if let Some(kind) = &edit.kind
                && edit.start < edit.end
            {
                let raw = batch.alignment(doc).to_raw(edit.start..edit.end);
                out.start.push(raw.start);
                out.end.push(raw.end);
                out.label.push(out.labels.intern(kind));
                out.score.push(NO_SCORE);
            }
        }
        out.rows.push(out.start.len() as i64);
    }
    (!out.start.is_empty()).then_some(out)
}

/// Turns spans as they came into columns by document, moved along with the
/// edits of `rounds`.
fn columns(mut staged: Staged, docs: usize, rounds: &[(usize, Alignment)]) -> NewSpans {
    let n = staged.spans.len();
    let mut rows = Vec::with_capacity(docs + 1);
    rows.push(0);
    let mut end = 0;
    for doc in 0..docs {
        end += i64::from(staged.counts.get(doc).copied().unwrap_or(0));
        rows.push(end);
    }
    if !staged.runs.is_sorted_by_key(|run| run.doc) {
        sort_by_document(&mut staged);
    }
    let spans = &mut staged.spans;
    if !rounds.is_empty() {
        let mut at = 0;
        for run in &staged.runs {
            let range = at..at + run.len as usize;
            at = range.end;
            if let Some(round) = round_of(rounds, run.doc as usize) {
                for span in &mut spans[range] {
                    let Range { start, end } = round.to_text(span.start..span.end);
                    (span.start, span.end) = (start, end);
                }
            }
        }
    }
    let mut out = NewSpans {
        rows,
        start: Vec::with_capacity(n),
        end: Vec::with_capacity(n),
        label: Vec::with_capacity(n),
        score: Vec::with_capacity(n),
        labels: staged.labels,
    };
    out.start.extend(spans.iter().map(|span| span.start));
    out.end.extend(spans.iter().map(|span| span.end));
    out.label.extend(spans.iter().map(|span| span.label));
    out.score.extend(spans.iter().map(|span| span.score));
    debug_assert!(
        out.label
            .iter()
            .all(|&l| l == NO_LABEL || (l as usize) < out.labels.len())
    );
    out
}

fn sort_by_document(staged: &mut Staged) {
    let mut at = 0;
    let mut runs: Vec<(crate::changes::Run, usize)> = staged
        .runs
        .iter()
        .map(|&run| {
            let start = at;
            at += run.len as usize;
            (run, start)
        })
        .collect();
    // Stable: within a document rows keep the order in which they were given.
    runs.sort_by_key(|(run, _)| run.doc);
    let mut spans = Vec::with_capacity(staged.spans.len());
    for (run, start) in &runs {
        spans.extend_from_slice(&staged.spans[*start..start + run.len as usize]);
    }
    staged.spans = spans;
    staged.runs = runs.into_iter().map(|(run, _)| run).collect();
}

fn set_attr(layer: &mut Layer, staged: StagedAttr) {
    let entry = |run: &AttrRun| {
        layer
            .index(run.doc as usize, run.first)
            .expect("rows of attributes were checked")
    };
    let rows = layer.starts().len();
    let mut next = 0;
    let complete = staged.runs.iter().all(|run| {
        let fits = run.len == 0 || entry(run) == next;
        next += run.len as usize;
        fits
    }) && next == rows;
    let here = layer.attr_index(&staged.name);
    if complete {
        // Every row in order, as vectors are usually written: nothing to copy.
        let attr = Attr {
            name: staged.name,
            values: staged.values,
            valid: None,
        };
        match here {
            Some(at) => layer.attrs_mut()[at] = attr,
            None => layer.push_attr(attr),
        }
        return;
    }
    const NONE: usize = usize::MAX;
    let mut sources = vec![NONE; rows];
    let mut from = 0;
    for run in staged.runs.iter().filter(|run| run.len > 0) {
        let to = entry(run);
        for i in 0..run.len as usize {
            sources[to + i] = from + i;
        }
        from += run.len as usize;
    }
    let old = here.map(|at| &layer.attrs()[at]);
    let mut attr = Attr {
        values: staged.values.like(rows),
        name: staged.name,
        valid: None,
    };
    let mut valid = vec![1; rows];
    for (row, &source) in sources.iter().enumerate() {
        if source != NONE {
            attr.values.extend(&staged.values, source..source + 1);
        } else if let Some(old) = old.filter(|old| old.is_valid(row)) {
            attr.values.extend(&old.values, row..row + 1);
        } else {
            attr.values.extend_null(1);
            valid[row] = 0;
        }
    }
    if valid.contains(&0) {
        attr.valid = Some(valid);
    }
    match here {
        Some(at) => layer.attrs_mut()[at] = attr,
        None => layer.push_attr(attr),
    }
}

fn insert(meta: &mut Map<String, Value>, keys: &[String], value: Value) {
    let (last, path) = keys.split_last().expect("a pointer has a first piece");
    let mut at = meta;
    for key in path {
        let inner = at.entry(key.as_str()).or_insert(Value::Null);
        if !inner.is_object() {
            *inner = Value::Object(Map::new());
        }
        at = inner.as_object_mut().expect("made above");
    }
    at.insert(last.clone(), value);
}

fn take_out(batch: &mut Batch, verdicts: Vec<(usize, Verdict)>) -> Outcome {
    let mut outcome = Outcome::default();
    if verdicts.is_empty() {
        return outcome;
    }
    let mut keep = vec![true; batch.len()];
    for (doc, verdict) in verdicts {
        keep[doc] = false;
        match verdict {
            Verdict::Dropped(reason) => outcome.dropped.push((batch.key(doc), reason)),
            Verdict::Failed(failure) => outcome.failed.push((batch.as_it_came(doc), failure)),
        }
    }
    let keep: Vec<usize> = (0..batch.len()).filter(|&doc| keep[doc]).collect();
    *batch = batch.select(&keep);
    outcome
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::testing::{boundaries, edited};
    use crate::{AttrValue, Contract, DocFailure, Edit, NewDocument, Span};

    fn batch(texts: &[&str]) -> Batch {
        let mut batch = Batch::new();
        for (i, text) in texts.iter().enumerate() {
            batch.push(NewDocument::new(format!("d{i}"), *text));
        }
        batch
    }

    fn changes(batch: &Batch, requires: &[&str], provides: &[&str]) -> Changes {
        let contract = Contract::parse("test", requires, provides).unwrap();
        Changes::new(batch, Arc::new(contract))
    }

    fn edit(start: u32, end: u32, with: &str, kind: Option<&str>) -> Edit {
        Edit {
            start,
            end,
            with: with.to_owned(),
            kind: kind.map(str::to_owned),
        }
    }

    fn spans_of(batch: &Batch, layer: &str, doc: usize) -> Vec<(u32, u32)> {
        let layer = batch.layer(layer).unwrap();
        layer.spans(doc).map(|s| (s.start, s.end)).collect()
    }

    #[test]
    fn spans_written_in_any_order_of_documents_keep_their_rows() {
        let mut batch = batch(&["abc", "def", "ghi"]);
        let mut c = changes(&batch, &[], &["layer:x"]);
        let x = c.layer("x").unwrap();
        assert_eq!(c.add_spans(2, x, &[Span::new(0, 1)]), Ok(0));
        assert_eq!(
            c.add_spans(0, x, &[Span::new(0, 1), Span::new(1, 2)]),
            Ok(0)
        );
        assert_eq!(c.add_spans(2, x, &[Span::new(2, 3)]), Ok(1));
        for (doc, row, value) in [(2, 1, "last"), (0, 1, "second")] {
            c.set_attr(doc, x, row, "t", AttrValue::Text(value))
                .unwrap();
        }
        batch.apply(c);
        assert_eq!(spans_of(&batch, "x", 0), [(0, 1), (1, 2)]);
        assert_eq!(spans_of(&batch, "x", 1), []);
        assert_eq!(spans_of(&batch, "x", 2), [(0, 1), (2, 3)]);
        let x = batch.layer("x").unwrap();
        assert_eq!(
            [x.text(0, 0, "t"), x.text(0, 1, "t"), x.text(2, 1, "t")],
            [None, Some("second"), Some("last")]
        );
        assert_eq!(x.span(0, 0).stage, "test");
    }

    #[test]
    fn declared_layers_exist_without_spans() {
        let mut batch = batch(&["abc"]);
        let c = changes(&batch, &[], &["layer:x"]);
        batch.apply(c);
        assert_eq!(batch.layer("x").unwrap().len(0), 0);
    }

    #[test]
    fn a_layer_is_stored_under_the_name_that_the_pipeline_gives() {
        let mut batch = batch(&["abc"]);
        let mut contract = Contract::parse::<&str>("s", &[], &["layer:x"]).unwrap();
        contract.layers[0].stored_as = "other".to_owned();
        let mut c = Changes::new(&batch, Arc::new(contract));
        let x = c.layer("x").unwrap();
        c.add_spans(0, x, &[Span::new(0, 1)]).unwrap();
        c.set_attr(0, x, 0, "l", AttrValue::Link { layer: x, row: 0 })
            .unwrap();
        batch.apply(c);
        assert!(batch.layer("x").is_none());
        let link = batch.layer("other").unwrap().link(0, 0, "l").unwrap();
        assert_eq!(batch.link_layer(link), Some("other"));
    }

    #[test]
    fn vectors_in_order_and_out_of_order_come_out_alike() {
        let make = |order: [usize; 2]| {
            let mut batch = batch(&["ab", "cd"]);
            let mut c = changes(&batch, &[], &["layer:t"]);
            let t = c.layer("t").unwrap();
            for doc in order {
                c.add_spans(doc, t, &[Span::new(0, 1), Span::new(1, 2)])
                    .unwrap();
                let first = doc as f32;
                let data = [first, 1.0, first, 2.0];
                c.set_vectors(doc, t, 0, 2, "v", 2, &data).unwrap();
            }
            batch.apply(c);
            batch
        };
        for batch in [make([0, 1]), make([1, 0])] {
            let t = batch.layer("t").unwrap();
            assert_eq!(t.vector(1, 1, "v"), Some(&[1.0, 2.0][..]));
            assert_eq!(t.vector(0, 0, "v"), Some(&[0.0, 1.0][..]));
            assert_eq!(t.attr("v").unwrap().valid, None);
            assert_eq!(batch.text_bytes(), 4 + 8 * 4);
        }
    }

    #[test]
    fn an_attribute_set_twice_keeps_the_last_value_and_the_rows_not_set() {
        let mut batch = batch(&["abc"]);
        let mut c = changes(&batch, &[], &["layer:x"]);
        let x = c.layer("x").unwrap();
        c.add_spans(0, x, &[Span::new(0, 1), Span::new(1, 2), Span::new(2, 3)])
            .unwrap();
        for (row, value) in [(0, 1), (1, 2)] {
            c.set_attr(0, x, row, "n", AttrValue::Int(value)).unwrap();
        }
        batch.apply(c);
        let mut c = changes(&batch, &["layer:x"], &["attr:x/n", "attr:x/new"]);
        let x = c.layer("x").unwrap();
        c.set_attr(0, x, 1, "n", AttrValue::Int(8)).unwrap();
        c.set_attr(0, x, 1, "n", AttrValue::Int(9)).unwrap();
        c.set_attr(0, x, 2, "new", AttrValue::Float(0.5)).unwrap();
        batch.apply(c);
        let x = batch.layer("x").unwrap();
        let ints: Vec<_> = (0..3).map(|row| x.int(0, row, "n")).collect();
        assert_eq!(ints, [Some(1), Some(9), None]);
        assert_eq!(x.float(0, 2, "new"), Some(0.5));
        assert_eq!(x.float(0, 0, "new"), None);
    }

    #[test]
    fn spans_of_the_same_call_move_with_its_edits() {
        let text = "ADVERT\nThe row  went on.";
        let mut batch = batch(&["untouched", text]);
        let mut c = changes(&batch, &[], &["text", "layer:blocks"]);
        c.edit(
            1,
            vec![
                edit(0, 7, "", Some("advertisement")),
                edit(14, 16, " ", None),
            ],
        )
        .unwrap();
        c.warn(1, Some(16..20), "odd", "a word").unwrap();
        let blocks = c.layer("blocks").unwrap();
        // The first one is cut away whole: it stays, so that rows do not shift.
        c.add_spans(1, blocks, &[Span::new(0, 6), Span::new(7, 24)])
            .unwrap();
        c.add_spans(0, blocks, &[Span::new(0, 9)]).unwrap();
        batch.apply(c);
        assert_eq!(batch.text(1), "The row went on.");
        assert_eq!(batch.text(0), "untouched");
        assert_eq!(spans_of(&batch, "blocks", 1), [(0, 0), (0, 16)]);
        assert_eq!(spans_of(&batch, "blocks", 0), [(0, 9)]);
        assert_eq!(batch.warnings(1)[0].span, Some(8..12));
        assert_eq!(batch.alignment(1).to_raw(8..12), 16..20);
        assert!(batch.alignment(0).is_identity());
        assert_eq!(spans_of(&batch, REMOVED, 1), [(0, 7)]);
        assert_eq!(
            batch.layer(REMOVED).unwrap().span(1, 0).label,
            Some("advertisement")
        );
    }

    #[test]
    fn a_second_round_adds_to_removed_in_raw_and_moves_earlier_warnings() {
        let mut batch = batch(&["XX abc YY def"]);
        let mut c = changes(&batch, &[], &["text"]);
        c.warn(0, Some(10..13), "odd", "def").unwrap();
        c.edit(0, vec![edit(0, 3, "", Some("other"))]).unwrap();
        batch.apply(c);
        let mut c = changes(&batch, &[], &["text"]);
        c.edit(0, vec![edit(4, 7, "", Some("credit"))]).unwrap();
        batch.apply(c);
        assert_eq!(batch.text(0), "abc def");
        assert_eq!(spans_of(&batch, REMOVED, 0), [(0, 3), (7, 10)]);
        assert_eq!(batch.warnings(0)[0].span, Some(4..7));
        let labels: Vec<_> = batch
            .layer(REMOVED)
            .unwrap()
            .spans(0)
            .map(|s| s.label)
            .collect();
        assert_eq!(labels, [Some("other"), Some("credit")]);
        assert!(batch.layer(REMOVED).unwrap().raw);
    }

    #[test]
    fn dropped_and_failed_documents_leave_and_the_rest_keeps_its_spans() {
        let mut batch = batch(&["aa", "bb", "cc"]);
        let mut c = changes(&batch, &[], &["layer:x", "text", "meta:title"]);
        let x = c.layer("x").unwrap();
        c.add_spans(2, x, &[Span::new(1, 2)]).unwrap();
        c.add_spans(0, x, &[Span::new(0, 1)]).unwrap();
        c.edit(1, vec![edit(0, 1, "", None)]).unwrap();
        c.set_meta(1, "title", "gone".into()).unwrap();
        c.drop_doc(0, "too short").unwrap();
        let failure = DocFailure {
            retryable: false,
            code: "bad".into(),
            message: "no".into(),
        };
        c.fail_doc(1, failure.clone()).unwrap();
        let outcome = batch.apply(c);
        assert_eq!(batch.ids().iter().collect::<Vec<_>>(), ["d2"]);
        assert_eq!(spans_of(&batch, "x", 0), [(1, 2)]);
        assert_eq!(outcome.dropped[0].0.id, "d0");
        assert_eq!(
            outcome.failed,
            [(NewDocument::new("d1", "bb"), failure)],
            "a failed document is given back without what the call did to it"
        );
    }

    #[test]
    fn metadata_is_set_by_pointer() {
        let mut batch = batch(&["a"]);
        let mut c = changes(&batch, &[], &["meta:tone", "meta:title", "meta:language"]);
        c.set_meta(0, "title", "A row".into()).unwrap();
        c.set_meta(0, "/language", "en".into()).unwrap();
        c.set_meta(0, "/tone/A~1B/score", 0.5.into()).unwrap();
        batch.apply(c);
        assert_eq!(
            batch.meta_jsons().get(0),
            r#"{"title":"A row","language":"en","tone":{"A/B":{"score":0.5}}}"#
        );
        assert_eq!(batch.languages().get(0), "en");
    }

    #[test]
    #[should_panic(expected = "refused changes must not be applied")]
    fn refused_changes_are_not_applied() {
        let mut batch = batch(&["a"]);
        let mut c = changes(&batch, &[], &[]);
        let _ = c.layer("x");
        batch.apply(c);
    }

    proptest! {
        #[test]
        fn a_span_beside_the_edits_of_its_call_reads_the_same_after((text, edits) in edited(false)) {
            let mut batch = batch(&[&text]);
            let mut c = changes(&batch, &[], &["text", "layer:x"]);
            let x = c.layer("x").unwrap();
            let ends: Vec<usize> = boundaries(&text).collect();
            let spans: Vec<Range<usize>> = ends
                .windows(2)
                .map(|w| w[0]..w[1])
                .collect();
            for span in &spans {
                c.add_spans(0, x, &[Span::new(span.start as u32, span.end as u32)]).unwrap();
            }
            c.edit(0, edits.clone()).unwrap();
            batch.apply(c);
            let after = spans_of(&batch, "x", 0);
            prop_assert_eq!(after.len(), spans.len());
            for (before, (start, end)) in spans.iter().zip(after) {
                let after = start as usize..end as usize;
                let touched = edits.iter().any(|e| (e.start as usize) < before.end && before.start < e.end as usize);
                if touched {
                    prop_assert!(batch.text(0).get(after).is_some());
                } else {
                    prop_assert_eq!(&batch.text(0)[after], &text[before.clone()]);
                }
            }
        }
    }
}
