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
