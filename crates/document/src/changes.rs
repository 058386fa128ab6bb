use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde_json::Value;

use crate::alignment::Edit;
use crate::batch::{Batch, DocFailure, Warning};
use crate::column::{Names, StrColumn};
use crate::contract::{Contract, Subject};
use crate::layer::{Attr, AttrValues};
use crate::{Link, NO_LABEL, NO_SCORE, Row};

/// A layer as one call knows it: an index, good only for the [`Changes`] that
/// gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct LayerRef(pub u32);

/// A span as it is written. The layout is that of the C table, so that the
/// host can pass a plugin's array on as it is.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(C)]
pub struct Span {
    /// First byte of the text that the call was shown (of `raw` for raw layers).
    pub start: u32,
    /// Byte after the last.
    pub end: u32,
    /// As [`Changes::label`] gave it, or [`NO_LABEL`].
    pub label: u32,
    /// `0.0..=1.0`, or [`NO_SCORE`].
    pub score: f32,
}

impl Span {
    /// A span without label and score.
    #[must_use]
    pub fn new(start: u32, end: u32) -> Self {
        Self {
            start,
            end,
            label: NO_LABEL,
            score: NO_SCORE,
        }
    }
}

/// A value of an attribute as it is written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum AttrValue<'a> {
    /// A whole number.
    Int(i64),
    /// A number; NaN and infinities are refused.
    Float(f64),
    /// A string.
    Text(&'a str),
    /// A span of the same document.
    Link {
        /// Its layer, as [`Changes::layer`] gave it.
        layer: LayerRef,
        /// Its row; may be written later in the same call.
        row: Row,
    },
}

/// Why an output was refused: which call, on which document, and what was
/// wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Refusal {
    /// Index in the batch of the document concerned.
    pub doc: Option<usize>,
    /// The call of the writer that was refused.
    pub call: &'static str,
    /// In words.
    pub reason: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.doc {
            Some(doc) => write!(f, "{} on document {doc}: {}", self.call, self.reason),
            None => write!(f, "{}: {}", self.call, self.reason),
        }
    }
}

/// The outputs of one call of a stage, each checked by the call that makes it
/// and all of them put into the batch at once by [`Batch::apply`].
///
/// All offsets count in the text that the call was shown, also where the same
/// call edits it.
///
/// A refused call changes nothing but [`refusal`](Self::refusal), which keeps
/// the first: a stage that goes on regardless still has its call rejected, by
/// [`finish`](Self::finish).
#[derive(Debug)]
pub struct Changes {
    pub(crate) contract: Arc<Contract>,
    raws: Arc<StrColumn>,
    texts: Arc<StrColumn>,
    /// The layers of the contract in its order, then the inputs.
    pub(crate) layers: Vec<Staged>,
    pub(crate) meta: Vec<(usize, Vec<String>, Value)>,
    pub(crate) warnings: Vec<(usize, Warning)>,
    pub(crate) edits: Vec<(usize, Vec<Edit>)>,
    pub(crate) verdicts: Vec<(usize, Verdict)>,
    /// A layer of spans over the text that was there before this call.
    annotated: Option<String>,
    refusal: Option<Refusal>,
}

/// The outputs of one call on one layer.
#[derive(Debug)]
pub(crate) struct Staged {
    /// The name by which the stage knows the layer.
    name: String,
    /// Its name in the batch.
    pub stored_as: String,
    pub role: Role,
    /// Rows that the batch has, if it has the layer.
    existing: Option<Arc<Vec<i64>>>,
    /// Attributes that the batch has, with their types: of an input only those
    /// that the contract lets the stage write.
    existing_attrs: Vec<(String, AttrValues)>,
    pub labels: Names,
    /// As they came; `runs` say whose they are.
    pub spans: Vec<Span>,
    pub runs: Vec<Run>,
    /// New rows by document; empty as long as there are none.
    pub counts: Vec<u32>,
    pub attrs: Vec<StagedAttr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Output { raw: bool, transient: bool },
    Input,
}

/// Spans of one document that came one after the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub doc: u32,
    pub len: u32,
}

/// The values that one call sets of one attribute.
#[derive(Debug)]
pub(crate) struct StagedAttr {
    pub name: String,
    /// As they came; the layers of links are indices of `Changes::layers`.
    pub values: AttrValues,
    /// The rows that the values belong to.
    pub runs: Vec<AttrRun>,
}

/// `len` values for the rows from `first` on of document `doc`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AttrRun {
    pub doc: u32,
    pub first: Row,
    pub len: u32,
}

#[derive(Debug)]
pub(crate) enum Verdict {
    Dropped(String),
    Failed(DocFailure),
}

impl Changes {
    /// Nothing written yet, for a call that is shown `batch`.
    #[must_use]
    pub fn new(batch: &Batch, contract: Arc<Contract>) -> Self {
        let mut layers: Vec<Staged> = Vec::with_capacity(contract.layers.len() + 4);
        for out in &contract.layers {
            let role = Role::Output {
                raw: out.raw,
                transient: out.transient,
            };
            layers.push(Staged::new(batch, &out.name, &out.stored_as, role));
        }
        let required = contract.requires.iter().filter_map(|r| match &r.subject {
            Subject::Layer(name) => Some(name.as_str()),
            _ => None,
        });
        let described = contract.attrs.iter().map(|(layer, _)| layer.as_str());
        for name in required.chain(described) {
            if !layers.iter().any(|staged| staged.name == name) {
                layers.push(Staged::new(batch, name, name, Role::Input));
            }
        }
        for (layer, name) in &contract.attrs {
            let attr = batch.layer(layer).and_then(|layer| layer.attr(name));
            let staged = layers.iter_mut().find(|staged| staged.name == *layer);
            if let (Some(attr), Some(staged)) = (attr, staged) {
                staged.existing_attrs.push(type_of(attr));
            }
        }
        let annotated = contract
            .edits_text
            .then(|| batch.layers().iter().find(|layer| !layer.raw))
            .flatten()
            .map(|layer| layer.name.clone());
        Self {
            raws: batch.shared_raws(),
            texts: batch.shared_texts(),
            contract,
            layers,
            meta: Vec::new(),
            warnings: Vec::new(),
            edits: Vec::new(),
            verdicts: Vec::new(),
            annotated,
            refusal: None,
        }
    }

    /// Number of documents that the call was shown.
    #[must_use]
    pub fn doc_count(&self) -> usize {
        self.texts.len()
    }

    /// The layer `name`: one that the stage provides, or an input, to link to
    /// or to put a declared attribute on.
    ///
    /// # Errors
    /// If the stage declares no such layer, or it is an optional input that no
    /// stage provides.
    pub fn layer(&mut self, name: &str) -> Result<LayerRef, Refusal> {
        const CALL: &str = "layer";
        match self.layers.iter().position(|staged| staged.name == name) {
            Some(i) if self.layers[i].role == Role::Input && self.layers[i].existing.is_none() => {
                self.refuse(
                    CALL,
                    None,
                    format!("the optional input layer `{name}` is not in this batch"),
                )
            }
            Some(i) => Ok(LayerRef(i as u32)),
            None => {
                let known: Vec<String> = self
                    .layers
                    .iter()
                    .map(|staged| format!("`{}`", staged.name))
                    .collect();
                let known = if known.is_empty() {
                    "none".to_owned()
                } else {
                    known.join(", ")
                };
                self.refuse(
                    CALL,
                    None,
                    format!("layer `{name}` is not declared by the stage (declared: {known})"),
                )
            }
        }
    }

    /// The label `name` of a layer that the stage provides; new names are added.
    ///
    /// # Errors
    /// If there is no such layer, or it belongs to another stage.
    pub fn label(&mut self, layer: LayerRef, name: &str) -> Result<u32, Refusal> {
        self.output("label", None, layer)?;
        Ok(self.layers[layer.0 as usize].labels.intern(name))
    }

    /// Adds spans to a layer that the stage provides. The result is the row of
    /// the first; the others follow. The documents may come in any order, in
    /// theirs it is cheapest.
    ///
    /// # Errors
    /// If the document or layer does not exist or belongs to another stage, an
    /// offset is out of bounds or inside a character, a label is unknown, or a
    /// score is not a number in `0.0..=1.0`. Then none of the spans is added.
    pub fn add_spans(
        &mut self,
        doc: usize,
        layer: LayerRef,
        spans: &[Span],
    ) -> Result<Row, Refusal> {
        const CALL: &str = "add_spans";
        self.document(CALL, doc)?;
        let Some(Staged {
            role: Role::Output { raw, .. },
            labels,
            ..
        }) = self.layers.get(layer.0 as usize)
        else {
            return self.output(CALL, Some(doc), layer).map(|()| 0);
        };
        let text = if *raw { &self.raws } else { &self.texts }.get(doc);
        let label_count = labels.len() as u32;
        let bad = spans.iter().position(|span| {
            !(span.start <= span.end
                && text.is_char_boundary(span.start as usize)
                && text.is_char_boundary(span.end as usize)
                && (span.label < label_count || span.label == NO_LABEL)
                && ((0.0..=1.0).contains(&span.score) || span.score == NO_SCORE))
        });
        if let Some(bad) = bad {
            let reason = self.explain(text, *raw, layer, &spans[bad]);
            return self.refuse(CALL, Some(doc), reason);
        }
        let docs = self.texts.len();
        let staged = &mut self.layers[layer.0 as usize];
        if staged.counts.is_empty() {
            staged.counts = vec![0; docs];
        }
        let first = staged.row_count(doc);
        let added = spans.len() as u32;
        staged.counts[doc] += added;
        staged.spans.extend_from_slice(spans);
        match staged.runs.last_mut() {
            Some(run) if run.doc == doc as u32 => run.len += added,
            _ => staged.runs.push(Run {
                doc: doc as u32,
                len: added,
            }),
        }
        Ok(first)
    }

    #[cold]
    fn explain(&self, text: &str, raw: bool, layer: LayerRef, span: &Span) -> String {
        let Span {
            start,
            end,
            label,
            score,
        } = *span;
        let staged = &self.layers[layer.0 as usize];
        let layer = &staged.name;
        let of = if raw { "raw text" } else { "text" };
        if let Some(reason) = wrong_range(text, start, end, of) {
            format!("a span of layer `{layer}`: {reason}")
        } else if label != NO_LABEL && label as usize >= staged.labels.len() {
            format!(
                "span {start}..{end} of layer `{layer}` has label {label}, but only {} were asked for",
                staged.labels.len()
            )
        } else {
            format!("span {start}..{end} of layer `{layer}` has score {score}, not in 0.0..=1.0")
        }
    }

    /// Sets an attribute of one span; setting it again replaces the value.
    /// Onto layers that the stage provides any attribute may be written, onto
    /// inputs only those declared as `attr:LAYER/NAME`.
    ///
    /// # Errors
    /// If the document, layer or row does not exist, the attribute is not
    /// declared, it had a value of another type before, the value is NaN or
    /// infinite, or the layer of a link is not known. Whether the row that a
    /// link names exists is asked by [`finish`](Self::finish).
    pub fn set_attr(
        &mut self,
        doc: usize,
        layer: LayerRef,
        row: Row,
        name: &str,
        value: AttrValue<'_>,
    ) -> Result<(), Refusal> {
        const CALL: &str = "set_attr";
        self.rows_exist(CALL, doc, layer, row, 1)?;
        if let AttrValue::Float(float) = value
            && !float.is_finite()
        {
            return self.refuse(CALL, Some(doc), format!("attribute `{name}` is {float}"));
        }
        if let AttrValue::Link { layer: target, .. } = value {
            let exists = self
                .layers
                .get(target.0 as usize)
                .is_some_and(Staged::exists);
            if !exists {
                let reason = format!("attribute `{name}` links to unknown layer {}", target.0);
                return self.refuse(CALL, Some(doc), reason);
            }
        }
        let attr = self.attr(CALL, doc, layer, name, || match value {
            AttrValue::Int(_) => AttrValues::Int(Vec::new()),
            AttrValue::Float(_) => AttrValues::Float(Vec::new()),
            AttrValue::Text(_) => AttrValues::Text(StrColumn::new()),
            AttrValue::Link { .. } => AttrValues::Link(Vec::new()),
        })?;
        match (&mut attr.values, value) {
            (AttrValues::Int(values), AttrValue::Int(value)) => values.push(value),
            (AttrValues::Float(values), AttrValue::Float(value)) => values.push(value),
            (AttrValues::Text(values), AttrValue::Text(value)) => values.push(value),
            (AttrValues::Link(values), AttrValue::Link { layer, row }) => values.push(Link {
                layer: layer.0,
                row,
            }),
            (values, value) => {
                let reason = format!(
                    "attribute `{name}` is of type {}, now {value:?} came",
                    values.type_name()
                );
                return self.refuse(CALL, Some(doc), reason);
            }
        }
        attr.ran(doc, row, 1);
        Ok(())
    }

    /// Sets a vector attribute of `n` spans from row `first_row` on; `data`
    /// holds `n * dim` values, one vector after the other.
    ///
    /// # Errors
    /// As [`set_attr`](Self::set_attr), and if `data` has another length, a
    /// value is NaN or infinite, `dim` is 0, or the attribute had another `dim`.
    #[allow(clippy::too_many_arguments)]
    pub fn set_vectors(
        &mut self,
        doc: usize,
        layer: LayerRef,
        first_row: Row,
        n: usize,
        name: &str,
        dim: usize,
        data: &[f32],
    ) -> Result<(), Refusal> {
        const CALL: &str = "set_vectors";
        self.rows_exist(CALL, doc, layer, first_row, n)?;
        if dim == 0 || n.checked_mul(dim) != Some(data.len()) {
            let reason = format!(
                "attribute `{name}`: {n} vectors of {dim} are not {} values",
                data.len()
            );
            return self.refuse(CALL, Some(doc), reason);
        }
        // Summed by lanes, so that the compiler can check many at once.
        if !all_finite(data)
            && let Some(bad) = data.iter().position(|v| !v.is_finite())
        {
            let reason = format!(
                "attribute `{name}` of row {} is {} at {}",
                first_row as usize + bad / dim,
                data[bad],
                bad % dim
            );
            return self.refuse(CALL, Some(doc), reason);
        }
        let attr = self.attr(CALL, doc, layer, name, || AttrValues::Vector {
            dim,
            data: Vec::new(),
        })?;
        match &mut attr.values {
            AttrValues::Vector {
                dim: before,
                data: values,
            } if *before == dim => values.extend_from_slice(data),
            AttrValues::Vector { dim: before, .. } => {
                let reason =
                    format!("attribute `{name}` has vectors of {before}, now of {dim} came");
                return self.refuse(CALL, Some(doc), reason);
            }
            other => {
                let reason = format!(
                    "attribute `{name}` is of type {}, now vectors came",
                    other.type_name()
                );
                return self.refuse(CALL, Some(doc), reason);
            }
        }
        attr.ran(doc, first_row, n as u32);
        Ok(())
    }

    /// Sets metadata. `pointer` is a JSON pointer, whose first piece is a
    /// declared key (`title`, `/title`, `/tone/NATO`); pieces after it are keys
    /// of objects, which are made where they are not there.
    ///
    /// # Errors
    /// If the document does not exist or the key is not declared.
    pub fn set_meta(&mut self, doc: usize, pointer: &str, value: Value) -> Result<(), Refusal> {
        const CALL: &str = "set_meta";
        self.document(CALL, doc)?;
        let keys: Vec<String> = pointer
            .strip_prefix('/')
            .unwrap_or(pointer)
            .split('/')
            .map(|key| key.replace("~1", "/").replace("~0", "~"))
            .collect();
        if !self.contract.meta.contains(&keys[0]) {
            let reason = format!("`meta:{}` is not declared by the stage", keys[0]);
            return self.refuse(CALL, Some(doc), reason);
        }
        self.meta.push((doc, keys, value));
        Ok(())
    }

    /// Adds a warning to a document, with its place in the text.
    ///
    /// # Errors
    /// If the document does not exist or the place is not a piece of its text.
    pub fn warn(
        &mut self,
        doc: usize,
        span: Option<Range<u32>>,
        code: &str,
        message: &str,
    ) -> Result<(), Refusal> {
        const CALL: &str = "warn";
        self.document(CALL, doc)?;
        if let Some(span) = &span
            && let Some(reason) = wrong_range(self.texts.get(doc), span.start, span.end, "text")
        {
            return self.refuse(CALL, Some(doc), format!("warning `{code}`: {reason}"));
        }
        let warning = Warning {
            stage: self.contract.stage.clone(),
            code: code.to_owned(),
            message: message.to_owned(),
            span,
        };
        self.warnings.push((doc, warning));
        Ok(())
    }

    /// Edits the text of a document, at most once in a call. `edits` are sorted
    /// and do not overlap. They take effect when the call is applied; until
    /// then everything counts in the text that was shown.
    ///
    /// # Errors
    /// If the stage does not declare `text`, the text already carries a layer,
    /// the document was edited before, or an edit is out of bounds, inside a
    /// character, out of order or overlaps the one before.
    pub fn edit(&mut self, doc: usize, edits: Vec<Edit>) -> Result<(), Refusal> {
        const CALL: &str = "edit";
        self.document(CALL, doc)?;
        if !self.contract.edits_text {
            let reason = "the stage does not declare that it provides `text`".to_owned();
            return self.refuse(CALL, Some(doc), reason);
        }
        if let Some(layer) = &self.annotated {
            let reason =
                format!("the text can no longer be edited: layer `{layer}` has been laid over it");
            return self.refuse(CALL, Some(doc), reason);
        }
        if self.edits.iter().any(|(edited, _)| *edited == doc) {
            let reason = "the document was edited before in this call".to_owned();
            return self.refuse(CALL, Some(doc), reason);
        }
        let text = self.texts.get(doc);
        let mut before = 0;
        let mut len = text.len();
        for edit in &edits {
            let Edit { start, end, .. } = *edit;
            if let Some(reason) = wrong_range(text, start, end, "text") {
                return self.refuse(CALL, Some(doc), format!("an edit: {reason}"));
            }
            if start < before {
                let reason = format!(
                    "edit {start}..{end} begins before the end {before} of the one before it; \
                     edits must be sorted and must not overlap"
                );
                return self.refuse(CALL, Some(doc), reason);
            }
            before = end;
            len = len - (end - start) as usize + edit.with.len();
        }
        if u32::try_from(len).is_err() {
            let reason = format!("the edited text would have {len} bytes, 4 GiB or more");
            return self.refuse(CALL, Some(doc), reason);
        }
        self.edits.push((doc, edits));
        Ok(())
    }

    /// Takes a document out of the run on purpose; what else was written on it
    /// is discarded.
    ///
    /// # Errors
    /// If the document does not exist, or was dropped or failed before.
    pub fn drop_doc(&mut self, doc: usize, reason: &str) -> Result<(), Refusal> {
        self.judge("drop_doc", doc, Verdict::Dropped(reason.to_owned()))
    }

    /// Gives a document up; it goes to the dead letters as it came.
    ///
    /// # Errors
    /// If the document does not exist, or was dropped or failed before.
    pub fn fail_doc(&mut self, doc: usize, failure: DocFailure) -> Result<(), Refusal> {
        self.judge("fail_doc", doc, Verdict::Failed(failure))
    }

    /// The documents that the call gave up, with the word that another try may succeed.
    pub fn retryable(&self) -> impl Iterator<Item = usize> + '_ {
        self.verdicts.iter().filter_map(|(doc, verdict)| {
            matches!(verdict, Verdict::Failed(failure) if failure.retryable).then_some(*doc)
        })
    }

    fn judge(&mut self, call: &'static str, doc: usize, verdict: Verdict) -> Result<(), Refusal> {
        self.document(call, doc)?;
        if self.verdicts.iter().any(|(judged, _)| *judged == doc) {
            let reason = "the document was dropped or failed before in this call".to_owned();
            return self.refuse(call, Some(doc), reason);
        }
        self.verdicts.push((doc, verdict));
        Ok(())
    }

    /// The first output that was refused, if any was.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        self.refusal.as_ref()
    }

    /// Ends the call: checks what can be checked only now, that the rows exist
    /// to which links point. To be called before [`Batch::apply`].
    ///
    /// # Errors
    /// The first refusal of the call, this one included.
    pub fn finish(&mut self) -> Result<(), Refusal> {
        if self.refusal.is_none()
            && let Some((doc, reason)) = self.dangling()
        {
            return self.refuse("set_attr", Some(doc), reason);
        }
        match &self.refusal {
            Some(refusal) => Err(refusal.clone()),
            None => Ok(()),
        }
    }

    fn dangling(&self) -> Option<(usize, String)> {
        for staged in &self.layers {
            for attr in &staged.attrs {
                let AttrValues::Link(links) = &attr.values else {
                    continue;
                };
                let rows = attr
                    .runs
                    .iter()
                    .flat_map(|run| (0..run.len).map(|i| (run.doc as usize, run.first + i)));
                for ((doc, row), link) in rows.zip(links) {
                    let target = &self.layers[link.layer as usize];
                    if link.row >= target.row_count(doc) {
                        let reason = format!(
                            "attribute `{}` of row {row} of layer `{}` links to row {} of layer \
                             `{}`, which has {}",
                            attr.name,
                            staged.name,
                            link.row,
                            target.name,
                            target.row_count(doc)
                        );
                        return Some((doc, reason));
                    }
                }
            }
        }
        None
    }

    /// The staged values of attribute `name`; `empty` makes their type if this
    /// is the first.
    fn attr(
        &mut self,
        call: &'static str,
        doc: usize,
        layer: LayerRef,
        name: &str,
        empty: impl FnOnce() -> AttrValues,
    ) -> Result<&mut StagedAttr, Refusal> {
        let staged = &self.layers[layer.0 as usize];
        let at = match staged.attrs.iter().position(|attr| attr.name == name) {
            Some(at) => at,
            None => {
                let declared = staged.role != Role::Input
                    || self
                        .contract
                        .attrs
                        .iter()
                        .any(|(layer, attr)| *layer == staged.name && attr == name);
                if !declared {
                    let reason =
                        format!("`attr:{}/{name}` is not declared by the stage", staged.name);
                    return self.refuse(call, Some(doc), reason);
                }
                let values = match staged.existing_attrs.iter().find(|(n, _)| n == name) {
                    Some((_, values)) => values.clone(),
                    None => empty(),
                };
                let staged = &mut self.layers[layer.0 as usize];
                staged.attrs.push(StagedAttr {
                    name: name.to_owned(),
                    values,
                    runs: Vec::new(),
                });
                staged.attrs.len() - 1
            }
        };
        Ok(&mut self.layers[layer.0 as usize].attrs[at])
    }

    #[inline]
    fn document(&mut self, call: &'static str, doc: usize) -> Result<(), Refusal> {
        let docs = self.texts.len();
        if doc < docs {
            return Ok(());
        }
        let reason = format!("there is no document {doc} in a batch of {docs}");
        self.refuse(call, None, reason)
    }

    fn output(
        &mut self,
        call: &'static str,
        doc: Option<usize>,
        layer: LayerRef,
    ) -> Result<(), Refusal> {
        match self.layers.get(layer.0 as usize) {
            Some(staged) if staged.role != Role::Input => Ok(()),
            Some(staged) => {
                let reason = format!("layer `{}` is an input of the stage", staged.name);
                self.refuse(call, doc, reason)
            }
            None => self.refuse(call, doc, format!("there is no layer {}", layer.0)),
        }
    }

    fn rows_exist(
        &mut self,
        call: &'static str,
        doc: usize,
        layer: LayerRef,
        first: Row,
        n: usize,
    ) -> Result<(), Refusal> {
        self.document(call, doc)?;
        let Some(staged) = self.layers.get(layer.0 as usize) else {
            return self.refuse(call, Some(doc), format!("there is no layer {}", layer.0));
        };
        let rows = staged.row_count(doc) as usize;
        let end = (first as usize).saturating_add(n);
        if end <= rows {
            return Ok(());
        }
        let reason = format!(
            "layer `{}` has {rows} rows, not rows {first}..{end}",
            staged.name
        );
        self.refuse(call, Some(doc), reason)
    }

    #[cold]
    fn refuse<T>(
        &mut self,
        call: &'static str,
        doc: Option<usize>,
        reason: String,
    ) -> Result<T, Refusal> {
        let refusal = Refusal { doc, call, reason };
        self.refusal.get_or_insert_with(|| refusal.clone());
        Err(refusal)
    }
}

impl Staged {
    fn new(batch: &Batch, name: &str, stored_as: &str, role: Role) -> Self {
        let existing = batch.layer(stored_as);
        Self {
            name: name.to_owned(),
            stored_as: stored_as.to_owned(),
            role,
            existing: existing.map(|layer| layer.shared_rows()),
            existing_attrs: existing
                .filter(|_| role != Role::Input)
                .map_or_else(Vec::new, |layer| {
                    layer.attrs().iter().map(type_of).collect()
                }),
            labels: Names::new(),
            spans: Vec::new(),
            runs: Vec::new(),
            counts: Vec::new(),
            attrs: Vec::new(),
        }
    }

    fn exists(&self) -> bool {
        self.role != Role::Input || self.existing.is_some()
    }

    /// Rows that the document has by now.
    #[inline]
    fn row_count(&self, doc: usize) -> Row {
        let before = match &self.existing {
            Some(rows) => (rows[doc + 1] - rows[doc]) as Row,
            None => 0,
        };
        before + self.counts.get(doc).copied().unwrap_or(0)
    }
}

fn type_of(attr: &Attr) -> (String, AttrValues) {
    (attr.name.clone(), attr.values.like(0))
}

impl StagedAttr {
    fn ran(&mut self, doc: usize, row: Row, n: u32) {
        match self.runs.last_mut() {
            Some(run) if run.doc == doc as u32 && run.first + run.len == row => run.len += n,
            _ => self.runs.push(AttrRun {
                doc: doc as u32,
                first: row,
                len: n,
            }),
        }
    }
}

/// What is wrong with `start..end` as a piece of `text`, if anything is.
fn wrong_range(text: &str, start: u32, end: u32, of: &str) -> Option<String> {
    let len = text.len();
    if start > end {
        Some(format!("{start}..{end} ends before it starts"))
    } else if end as usize > len {
        Some(format!(
            "{start}..{end} goes past the end of the {of}, which has {len} bytes"
        ))
    } else if !text.is_char_boundary(start as usize) {
        Some(format!("{start}..{end} starts inside a character"))
    } else if !text.is_char_boundary(end as usize) {
        Some(format!("{start}..{end} ends inside a character"))
    } else {
        None
    }
}

/// Zero times a finite number is zero, times any other NaN.
fn all_finite(data: &[f32]) -> bool {
    let mut lanes = [0.0f32; 16];
    let chunks = data.chunks_exact(16);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += value * 0.0;
        }
    }
    lanes.iter().chain(rest).all(|value| value.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::NewDocument;

    const TEXT: &str = "Ilse Brandt spoke – briefly.";

    fn batch() -> Batch {
        let mut batch = Batch::new();
        batch.push(NewDocument::new("a", TEXT));
        batch.push(NewDocument::new("b", ""));
        batch
    }

    fn changes() -> Changes {
        let contract = Contract::parse(
            "test",
            &["layer:given", "layer:absent?"],
            &[
                "layer:x",
                "layer:in-raw",
                "attr:given/seen",
                "meta:title",
                "text",
            ],
        );
        let mut contract = contract.unwrap();
        contract.layers[1].raw = true;
        let mut batch = batch();
        // Stands in raw, so that editing is still allowed.
        let mut given = Contract::parse::<&str>("before", &[], &["layer:given"]).unwrap();
        given.layers[0].raw = true;
        let mut first = Changes::new(&batch, Arc::new(given));
        let layer = first.layer("given").unwrap();
        first.add_spans(0, layer, &[Span::new(0, 4)]).unwrap();
        first
            .set_attr(0, layer, 0, "seen", AttrValue::Int(1))
            .unwrap();
        batch.apply(first);
        Changes::new(&batch, Arc::new(contract))
    }

    #[track_caller]
    fn refused<T: fmt::Debug>(result: Result<T, Refusal>, part: &str) {
        let refusal = result.unwrap_err().to_string();
        assert!(refusal.contains(part), "{refusal:?} lacks {part:?}");
    }

    #[test]
    fn spans_that_are_no_piece_of_the_text_are_refused_with_their_reason() {
        let mut c = changes();
        let x = c.layer("x").unwrap();
        for (span, part) in [
            (
                Span::new(5, 4),
                "add_spans on document 0: a span of layer `x`: 5..4 ends before it starts",
            ),
            (
                Span::new(0, 31),
                "0..31 goes past the end of the text, which has 30 bytes",
            ),
            (Span::new(19, 21), "19..21 starts inside a character"),
            (Span::new(18, 20), "18..20 ends inside a character"),
            (
                Span {
                    label: 3,
                    ..Span::new(0, 4)
                },
                "has label 3, but only 0 were asked for",
            ),
            (
                Span {
                    score: 1.5,
                    ..Span::new(0, 4)
                },
                "has score 1.5, not in 0.0..=1.0",
            ),
            (
                Span {
                    score: f32::NAN,
                    ..Span::new(0, 4)
                },
                "has score NaN",
            ),
        ] {
            refused(c.add_spans(0, x, &[Span::new(0, 1), span]), part);
        }
        refused(
            c.add_spans(1, x, &[Span::new(0, 1)]),
            "on document 1: a span of layer `x`: 0..1 goes past",
        );
        refused(
            c.add_spans(2, x, &[]),
            "there is no document 2 in a batch of 2",
        );
        refused(
            c.add_spans(0, LayerRef(9), &[Span::new(0, 1)]),
            "there is no layer 9",
        );
        assert!(
            c.layers[0].spans.is_empty(),
            "a refused call must add nothing"
        );
    }

    #[test]
    fn layers_of_others_can_be_linked_to_but_not_written() {
        let mut c = changes();
        let given = c.layer("given").unwrap();
        refused(
            c.add_spans(0, given, &[Span::new(0, 1)]),
            "layer `given` is an input of the stage",
        );
        refused(c.label(given, "A"), "layer `given` is an input");
        refused(
            c.layer("other"),
            "layer `other` is not declared by the stage (declared: `x`, `in-raw`, `given`",
        );
        refused(
            c.layer("absent"),
            "the optional input layer `absent` is not in this batch",
        );
        refused(
            c.set_attr(0, given, 0, "other", AttrValue::Int(1)),
            "`attr:given/other` is not declared",
        );
        refused(
            c.set_attr(0, given, 0, "seen", AttrValue::Text("yes")),
            "attribute `seen` is of type int, now Text(\"yes\") came",
        );
        refused(
            c.set_attr(0, given, 1, "seen", AttrValue::Int(1)),
            "layer `given` has 1 rows, not rows 1..2",
        );
        c.set_attr(0, given, 0, "seen", AttrValue::Int(2)).unwrap();
    }

    #[test]
    fn bad_attributes_are_refused() {
        let mut c = changes();
        let x = c.layer("x").unwrap();
        c.add_spans(0, x, &[Span::new(0, 4), Span::new(5, 11)])
            .unwrap();
        refused(
            c.set_attr(0, x, 0, "f", AttrValue::Float(f64::NAN)),
            "attribute `f` is NaN",
        );
        let nowhere = AttrValue::Link {
            layer: LayerRef(8),
            row: 0,
        };
        refused(
            c.set_attr(0, x, 0, "l", nowhere),
            "attribute `l` links to unknown layer 8",
        );
        c.set_attr(0, x, 0, "n", AttrValue::Int(1)).unwrap();
        refused(
            c.set_attr(0, x, 1, "n", AttrValue::Float(1.0)),
            "attribute `n` is of type int",
        );
        refused(
            c.set_vectors(0, x, 0, 2, "v", 3, &[0.0; 5]),
            "2 vectors of 3 are not 5 values",
        );
        refused(
            c.set_vectors(0, x, 0, 1, "v", 0, &[]),
            "1 vectors of 0 are not 0 values",
        );
        let mut long = [0.5; 40];
        long[33] = f32::INFINITY;
        refused(
            c.set_vectors(0, x, 0, 2, "v", 20, &long),
            "attribute `v` of row 1 is inf at 13",
        );
        refused(
            c.set_vectors(0, x, 1, 2, "v", 2, &[0.0; 4]),
            "has 2 rows, not rows 1..3",
        );
        refused(
            c.set_vectors(0, x, 1, usize::MAX, "v", 1, &[]),
            "has 2 rows, not rows 1..",
        );
        c.set_vectors(0, x, 0, 2, "v", 2, &[0.0; 4]).unwrap();
        refused(
            c.set_vectors(0, x, 0, 1, "v", 3, &[0.0; 3]),
            "has vectors of 2, now of 3 came",
        );
        refused(
            c.set_vectors(0, x, 0, 1, "n", 2, &[0.0; 2]),
            "is of type int, now vectors came",
        );
    }

    #[test]
    fn a_link_may_point_to_a_row_that_is_written_later_but_must_be() {
        let mut c = changes();
        let x = c.layer("x").unwrap();
        c.add_spans(0, x, &[Span::new(0, 4)]).unwrap();
        let ahead = AttrValue::Link { layer: x, row: 1 };
        c.set_attr(0, x, 0, "next", ahead).unwrap();
        refused(
            c.finish(),
            "set_attr on document 0: attribute `next` of row 0 of layer `x` links to row 1 of \
             layer `x`, which has 1",
        );

        let mut c = changes();
        c.add_spans(0, x, &[Span::new(0, 4)]).unwrap();
        c.set_attr(0, x, 0, "next", ahead).unwrap();
        c.add_spans(0, x, &[Span::new(5, 11)]).unwrap();
        c.finish().unwrap();
    }

    #[test]
    fn bad_edits_are_refused() {
        let edit = |start, end| Edit {
            start,
            end,
            with: String::new(),
            kind: None,
        };
        let mut c = changes();
        refused(
            c.edit(0, vec![edit(5, 8), edit(7, 9)]),
            "edit 7..9 begins before the end 8",
        );
        refused(
            c.edit(0, vec![edit(5, 8), edit(0, 2)]),
            "must be sorted and must not overlap",
        );
        refused(
            c.edit(0, vec![edit(5, 99)]),
            "an edit: 5..99 goes past the end",
        );
        refused(
            c.edit(0, vec![edit(18, 19)]),
            "18..19 ends inside a character",
        );
        c.edit(0, vec![edit(0, 5), edit(5, 5)]).unwrap();
        refused(c.edit(0, vec![]), "the document was edited before");
    }

    #[test]
    fn a_text_that_carries_a_layer_is_not_edited_any_more() {
        let mut batch = batch();
        let first = Contract::parse::<&str>("mark", &[], &["layer:marks"]).unwrap();
        let first = Changes::new(&batch, Arc::new(first));
        batch.apply(first);
        let late = Contract::parse::<&str>("late", &[], &["text"]).unwrap();
        let mut c = Changes::new(&batch, Arc::new(late));
        refused(c.edit(0, vec![]), "layer `marks` has been laid over it");
        let without = Contract::parse::<&str>("none", &[], &[]).unwrap();
        let mut c = Changes::new(&batch, Arc::new(without));
        refused(
            c.edit(0, vec![]),
            "does not declare that it provides `text`",
        );
    }

    #[test]
    fn undeclared_metadata_and_second_verdicts_are_refused() {
        let mut c = changes();
        refused(
            c.set_meta(0, "/tone/x", Value::Null),
            "`meta:tone` is not declared",
        );
        refused(
            c.warn(0, Some(5..99), "odd", "…"),
            "warning `odd`: 5..99 goes past the end",
        );
        c.drop_doc(0, "too short").unwrap();
        refused(
            c.drop_doc(0, "again"),
            "the document was dropped or failed before",
        );
    }

    #[test]
    fn a_stage_that_ignores_a_refusal_has_its_call_rejected() {
        let mut c = changes();
        assert!(c.layer("nope").is_err());
        let x = c.layer("x").unwrap();
        c.add_spans(0, x, &[Span::new(0, 4)]).unwrap();
        let refusal = c.finish().unwrap_err();
        assert_eq!(
            (refusal.call, c.refusal()),
            ("layer", Some(&refusal.clone()))
        );
    }

    #[test]
    fn non_finite_values_are_seen_wherever_they_stand() {
        for len in [1, 15, 16, 17, 40] {
            for at in 0..len {
                let mut data = vec![1.0e30; len];
                assert!(all_finite(&data));
                data[at] = f32::NAN;
                assert!(!all_finite(&data), "{at} of {len}");
            }
        }
    }
}
