//! Writing: each call goes to the host, which checks it there and then.
#![allow(unsafe_code)]

use std::borrow::Borrow;
use std::marker::PhantomData;
use std::ops::Range;

use copydesk_abi as abi;
use serde::Serialize;

use crate::StageError;
use crate::view::{Doc, Lent};

/// Where a call writes its results. Belongs to the thread that `process` was
/// called on.
///
/// A refused write (a span out of bounds, off a character boundary, a layer
/// that is not declared, a score that is no number) returns an error; the host
/// then fails the call and tells the user document, write and reason, also
/// where the stage ignores the error.
pub struct Out<'a> {
    writer: &'a abi::Writer,
    blamed: u32,
    /// Spans on their way out; kept, so that a document costs no allocation.
    spans: Vec<abi::Span>,
    _lent: Lent<'a>,
}

/// A layer, named once with [`Out::layer`]. Valid for one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LayerId(u32);

/// A label of a layer, named once with [`Out::label`]. Valid for one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LabelId(u32);

/// A span to write with [`Out::spans`].
#[derive(Clone, Debug, PartialEq)]
pub struct SpanOut {
    /// Bytes of the text (of the raw text, for raw layers).
    pub range: Range<usize>,
    /// Its label.
    pub label: Option<LabelId>,
    /// `0.0..=1.0`.
    pub score: Option<f32>,
}

/// A piece of the text to replace, for [`Out::edit`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit<'a> {
    /// Bytes of the text that this call was shown; empty for an insertion.
    pub range: Range<usize>,
    /// What stands there afterwards; may be empty.
    pub with: &'a str,
    /// `Some` = residue: layer `removed` records the piece under this label.
    /// `None` = a mere normalisation.
    pub kind: Option<&'a str>,
}

/// Value of an attribute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AttrValue<'a> {
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// Text.
    Text(&'a str),
    /// Another span of the same document; see [`Out::link`].
    Link(LinkOut),
}

/// A link to write, made by [`Out::link`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkOut {
    layer: LayerId,
    row: u32,
}

impl From<i64> for AttrValue<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for AttrValue<'_> {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl<'a> From<&'a str> for AttrValue<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a String> for AttrValue<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(value)
    }
}

impl From<LinkOut> for AttrValue<'_> {
    fn from(value: LinkOut) -> Self {
        Self::Link(value)
    }
}

impl<'a> Out<'a> {
    /// # Safety
    /// `writer` follows the rules of `copydesk_abi::Writer` for all of `'a`.
    pub(crate) unsafe fn new(writer: &'a abi::Writer) -> Self {
        Self {
            writer,
            blamed: abi::NO_DOC,
            spans: Vec::new(),
            _lent: PhantomData,
        }
    }

    /// The layer `name`: one that the stage provides; or one that it requires,
    /// to link to or to add a declared attribute to.
    ///
    /// # Errors
    /// If the stage declared no such layer, or this batch lacks it: look for
    /// an optional input with [`Doc::layer`] first.
    pub fn layer(&mut self, name: &str) -> Result<LayerId, StageError> {
        let mut id = 0;
        // SAFETY: the writer's context, on its thread; the name outlives the call.
        let status = unsafe { (self.writer.layer)(self.writer.ctx, abi::Str::new(name), &mut id) };
        done("layer", status).map(|()| LayerId(id))
    }

    /// The label `name` of a layer that the stage provides.
    ///
    /// # Errors
    /// If the layer is not the stage's own.
    pub fn label(&mut self, layer: LayerId, name: &str) -> Result<LabelId, StageError> {
        let mut id = 0;
        // SAFETY: as in `layer`.
        let status =
            unsafe { (self.writer.label)(self.writer.ctx, layer.0, abi::Str::new(name), &mut id) };
        done("label", status).map(|()| LabelId(id))
    }

    /// Writes one span and returns its row within the document.
    ///
    /// # Errors
    /// If the host refuses it.
    pub fn span(
        &mut self,
        doc: &Doc<'_>,
        layer: LayerId,
        range: Range<usize>,
        label: Option<LabelId>,
        score: Option<f32>,
    ) -> Result<u32, StageError> {
        let span = raw_span(range, label, score);
        self.add(doc, layer, std::slice::from_ref(&span))
    }

    /// Writes spans and returns the row of the first; the others follow it.
    /// Takes a slice, or an iterator that makes them on the way.
    ///
    /// # Errors
    /// If the host refuses one of them.
    pub fn spans<S: Borrow<SpanOut>>(
        &mut self,
        doc: &Doc<'_>,
        layer: LayerId,
        spans: impl IntoIterator<Item = S>,
    ) -> Result<u32, StageError> {
        self.add_all(
            doc,
            layer,
            spans.into_iter().map(|span| {
                let SpanOut {
                    range,
                    label,
                    score,
                } = span.borrow();
                raw_span(range.clone(), *label, *score)
            }),
        )
    }

    /// Writes spans without label and score, from their bytes, and returns the
    /// row of the first; the others follow it.
    ///
    /// # Errors
    /// If the host refuses one of them.
    pub fn ranges(
        &mut self,
        doc: &Doc<'_>,
        layer: LayerId,
        ranges: impl IntoIterator<Item = Range<usize>>,
    ) -> Result<u32, StageError> {
        let ranges = ranges.into_iter();
        self.add_all(doc, layer, ranges.map(|range| raw_span(range, None, None)))
    }

    fn add_all(
        &mut self,
        doc: &Doc<'_>,
        layer: LayerId,
        spans: impl Iterator<Item = abi::Span>,
    ) -> Result<u32, StageError> {
        let mut scratch = std::mem::take(&mut self.spans);
        scratch.clear();
        scratch.extend(spans);
        let first = self.add(doc, layer, &scratch);
        self.spans = scratch;
        first
    }

    fn add(
        &mut self,
        doc: &Doc<'_>,
        layer: LayerId,
        spans: &[abi::Span],
    ) -> Result<u32, StageError> {
        let mut first = 0;
        // SAFETY: as in `layer`; the pointer carries `spans.len()` spans.
        let status = unsafe {
            (self.writer.add_spans)(
                self.writer.ctx,
                doc.index() as u32,
                layer.0,
                spans.as_ptr(),
                spans.len(),
                &mut first,
            )
        };
        done("add_spans", status).map(|()| first)
    }

    /// Sets attribute `name` of one span: `i64`, `f64`, `&str`, or a
    /// [`link`](Self::link).
    ///
    /// # Errors
    /// If the host refuses it: no such row, an attribute of another type, or
    /// one of a foreign layer that is not declared as `attr:LAYER/NAME`.
    pub fn set<'v>(
        &mut self,
        doc: &Doc<'_>,
        layer: LayerId,
        row: u32,
        name: &str,
        value: impl Into<AttrValue<'v>>,
    ) -> Result<(), StageError> {
        let (kind, value) = match value.into() {
            AttrValue::Int(i) => (abi::ATTR_INT, abi::Value { i }),
            AttrValue::Float(f) => (abi::ATTR_FLOAT, abi::Value { f }),
            AttrValue::Text(s) => (
                abi::ATTR_TEXT,
                abi::Value {
                    s: abi::Str::new(s),
                },
            ),
            AttrValue::Link(LinkOut { layer, row }) => (
                abi::ATTR_LINK,
                abi::Value {
                    link: abi::Link {
                        layer: layer.0,
                        row,
                    },
                },
            ),
        };
        // SAFETY: as in `layer`; kind and member agree.
        done("set_attr", unsafe {
            (self.writer.set_attr)(
                self.writer.ctx,
                doc.index() as u32,
                layer.0,
                row,
                abi::Str::new(name),
                kind,
                &value,
            )
        })
    }

    /// A link to a span of the same document: one that was read, or one that
    /// this call writes.
    #[must_use]
    pub fn link(&self, layer: LayerId, row: u32) -> LinkOut {
        LinkOut { layer, row }
    }

    /// Sets vector attribute `name` of `values.len() / dim` rows from
    /// `first_row` on.
    ///
    /// # Errors
    /// If the host refuses it: no such rows, another `dim` than before, a value
    /// that is no finite number.
    ///
    /// # Panics
    /// If `values` is no whole number of rows.
    pub fn vectors(
        &mut self,
        doc: &Doc<'_>,
        layer: LayerId,
        first_row: u32,
        name: &str,
        dim: usize,
        values: &[f32],
    ) -> Result<(), StageError> {
        assert!(
            dim > 0 && values.len().is_multiple_of(dim),
            "{} values are no whole number of rows of {dim}",
            values.len()
        );
        // SAFETY: as in `layer`; the pointer carries `n * dim` values.
        done("set_vectors", unsafe {
            (self.writer.set_vectors)(
                self.writer.ctx,
                doc.index() as u32,
                layer.0,
                first_row,
                values.len() / dim,
                abi::Str::new(name),
                dim as u32,
                values.as_ptr(),
            )
        })
    }

    /// Sets metadata that the stage provides as `meta:NAME`.
    ///
    /// # Errors
    /// If it is not declared, or `value` cannot be written as JSON.
    pub fn meta(
        &mut self,
        doc: &Doc<'_>,
        name: &str,
        value: &(impl Serialize + ?Sized),
    ) -> Result<(), StageError> {
        let json = serde_json::to_string(value)?;
        let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
        // SAFETY: as in `layer`.
        done("set_meta", unsafe {
            (self.writer.set_meta)(
                self.writer.ctx,
                doc.index() as u32,
                abi::Str::new(&pointer),
                abi::Str::new(&json),
            )
        })
    }

    /// Puts a warning on a document; it appears in the output.
    ///
    /// # Errors
    /// If `range` lies outside the text.
    pub fn warn(
        &mut self,
        doc: &Doc<'_>,
        range: Option<Range<usize>>,
        code: &str,
        message: &str,
    ) -> Result<(), StageError> {
        let (start, end) = range.map_or((u32::MAX, u32::MAX), |range| {
            (offset(range.start), offset(range.end))
        });
        // SAFETY: as in `layer`.
        done("warn_doc", unsafe {
            (self.writer.warn_doc)(
                self.writer.ctx,
                doc.index() as u32,
                start,
                end,
                abi::Str::new(code),
                abi::Str::new(message),
            )
        })
    }

    /// Edits the text of a document: ascending, not overlapping, once a
    /// document. Applies after the call; until then all offsets count in the
    /// text that the call was shown. Needs `text` in `provides`.
    ///
    /// # Errors
    /// If the host refuses it.
    pub fn edit(&mut self, doc: &Doc<'_>, edits: &[Edit<'_>]) -> Result<(), StageError> {
        let edits: Vec<_> = edits
            .iter()
            .map(|edit| abi::Edit {
                start: offset(edit.range.start),
                end: offset(edit.range.end),
                kind: abi::Str::new(edit.kind.unwrap_or_default()),
                with: abi::Str::new(edit.with),
            })
            .collect();
        // SAFETY: as in `layer`; the pointer carries `edits.len()` edits.
        done("edit_text", unsafe {
            (self.writer.edit_text)(
                self.writer.ctx,
                doc.index() as u32,
                edits.as_ptr(),
                edits.len(),
            )
        })
    }

    /// Takes a document out of the run on purpose; it counts as dropped, not
    /// as failed.
    ///
    /// # Errors
    /// If the host refuses it.
    pub fn drop(&mut self, doc: &Doc<'_>, reason: &str) -> Result<(), StageError> {
        // SAFETY: as in `layer`.
        done("drop_doc", unsafe {
            (self.writer.drop_doc)(self.writer.ctx, doc.index() as u32, abi::Str::new(reason))
        })
    }

    /// Fails one document, which goes to the dead letters; the others of the
    /// call are done.
    ///
    /// # Errors
    /// If the host refuses it.
    pub fn fail(
        &mut self,
        doc: &Doc<'_>,
        retryable: bool,
        code: &str,
        message: &str,
    ) -> Result<(), StageError> {
        // SAFETY: as in `layer`.
        done("fail_doc", unsafe {
            (self.writer.fail_doc)(
                self.writer.ctx,
                doc.index() as u32,
                u32::from(retryable),
                abi::Str::new(code),
                abi::Str::new(message),
            )
        })
    }

    /// Adds to a counter of this stage, shown in the run's report.
    pub fn count(&mut self, name: &str, add: u64) {
        crate::call::count(name, add);
    }

    /// From here on, a failure is the fault of `doc`. The default
    /// [`Worker::process`](crate::Worker::process) says so for each document,
    /// which spares the host the search.
    pub fn blame(&mut self, doc: Option<&Doc<'_>>) {
        self.blamed = doc.map_or(abi::NO_DOC, |doc| doc.index() as u32);
    }

    pub(crate) fn blamed(&self) -> u32 {
        self.blamed
    }
}

// Inlined, so that a span is made where it will stand.
#[inline]
fn raw_span(range: Range<usize>, label: Option<LabelId>, score: Option<f32>) -> abi::Span {
    abi::Span {
        start: offset(range.start),
        end: offset(range.end),
        label: label.map_or(abi::NO_LABEL, |label| label.0),
        score: score.unwrap_or(abi::NO_SCORE),
    }
}

/// An offset beyond 4 GiB becomes one that the host refuses with its document,
/// instead of one that wraps around into the text.
#[inline]
fn offset(at: usize) -> u32 {
    at.min(u32::MAX as usize) as u32
}

fn done(call: &'static str, status: abi::Status) -> Result<(), StageError> {
    match status {
        abi::STATUS_OK => Ok(()),
        status => Err(StageError::refused(call, status)),
    }
}
