//! Safe views of what the host lends for one call.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::iter::FusedIterator;
use std::marker::PhantomData;
use std::ops::Range;
use std::time::Duration;

use copydesk_abi as abi;

use crate::StageError;

/// The documents of one call.
#[derive(Clone, Copy)]
pub struct Docs<'a> {
    batch: &'a abi::Batch,
}

// SAFETY: a batch is read-only for the time of the call, and `time_left_ms`
// may be called from any thread.
unsafe impl Send for Docs<'_> {}
// SAFETY: as above.
unsafe impl Sync for Docs<'_> {}

impl<'a> Docs<'a> {
    /// # Safety
    /// `batch` follows the rules of `copydesk_abi::Batch` for all of `'a`.
    pub(crate) unsafe fn new(batch: &'a abi::Batch) -> Self {
        Self { batch }
    }

    /// Number of documents.
    #[must_use]
    pub fn len(&self) -> usize {
        self.batch.doc_count as usize
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Document `index`.
    ///
    /// # Panics
    /// If `index >= len()`.
    #[must_use]
    pub fn get(&self, index: usize) -> Doc<'a> {
        assert!(
            index < self.len(),
            "document {index} of {} documents",
            self.len()
        );
        Doc {
            batch: self.batch,
            index: index as u32,
        }
    }

    /// The documents in order.
    #[must_use]
    pub fn iter(&self) -> DocsIter<'a> {
        DocsIter {
            docs: *self,
            range: 0..self.len(),
        }
    }

    /// Time until the host cancels this call; `None` = no limit. At zero, stop
    /// and return [`StageError::cancelled`]. Worth asking in a stage that works
    /// for more than a second on a document.
    #[must_use]
    pub fn time_left(&self) -> Option<Duration> {
        // SAFETY: the host gave `ctx` for this function, any thread may call it.
        let left = unsafe { (self.batch.time_left_ms)(self.batch.ctx) };
        (left != abi::NO_TIME_LIMIT).then(|| Duration::from_millis(left.max(0) as u64))
    }

    /// [`StageError::cancelled`] once no time is left, for use with `?`.
    ///
    /// # Errors
    /// If the host wants this call to stop.
    pub fn check_time(&self) -> Result<(), StageError> {
        match self.time_left() {
            Some(Duration::ZERO) => Err(StageError::cancelled()),
            _ => Ok(()),
        }
    }
}

impl<'a> IntoIterator for Docs<'a> {
    type Item = Doc<'a>;
    type IntoIter = DocsIter<'a>;

    fn into_iter(self) -> DocsIter<'a> {
        self.iter()
    }
}

/// Iterator over [`Docs`].
#[derive(Clone)]
pub struct DocsIter<'a> {
    docs: Docs<'a>,
    range: Range<usize>,
}

impl<'a> Iterator for DocsIter<'a> {
    type Item = Doc<'a>;

    fn next(&mut self) -> Option<Doc<'a>> {
        self.range.next().map(|index| self.docs.get(index))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.range.size_hint()
    }
}

impl ExactSizeIterator for DocsIter<'_> {}
impl FusedIterator for DocsIter<'_> {}

/// One document. All offsets are UTF-8 bytes of [`text`](Self::text).
#[derive(Clone, Copy)]
pub struct Doc<'a> {
    batch: &'a abi::Batch,
    index: u32,
}

// SAFETY: as for `Docs`.
unsafe impl Send for Doc<'_> {}
// SAFETY: as for `Docs`.
unsafe impl Sync for Doc<'_> {}

impl<'a> Doc<'a> {
    /// Number within the batch. Says nothing about the corpus: batches are cut
    /// and joined freely.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index as usize
    }

    /// The id that the input gave it.
    #[must_use]
    pub fn id(&self) -> &'a str {
        self.string(self.batch.id)
    }

    /// The text after cleanup; what spans count in.
    #[must_use]
    pub fn text(&self) -> &'a str {
        self.string(self.batch.text)
    }

    /// The text as decoded; what spans of raw layers count in.
    #[must_use]
    pub fn raw(&self) -> &'a str {
        self.string(self.batch.raw)
    }

    /// Media type, such as `text/plain`.
    #[must_use]
    pub fn media_type(&self) -> &'a str {
        self.string(self.batch.media_type)
    }

    /// BCP 47 tag of the text's language, where a stage or the input named it.
    #[must_use]
    pub fn language(&self) -> Option<&'a str> {
        Some(self.string(self.batch.lang)).filter(|tag| !tag.is_empty())
    }

    /// The metadata that the stage requires (`meta:title?`), nothing else.
    /// Parses JSON: not for inner loops.
    ///
    /// # Errors
    /// If the host sent something that is no JSON object.
    pub fn meta(&self) -> Result<serde_json::Map<String, serde_json::Value>, StageError> {
        let json = self.string(self.batch.meta_json);
        if json.is_empty() {
            return Ok(serde_json::Map::new());
        }
        Ok(serde_json::from_str(json)?)
    }

    /// The spans of layer `name` in this document; `None` if the batch has no
    /// such layer, or the stage does not require it.
    #[must_use]
    pub fn layer(&self, name: &str) -> Option<Spans<'a>> {
        let layer = (0..self.batch.layer_count as usize)
            .map(|i| self.layer_at(i))
            .find(|layer| {
                // SAFETY: names are UTF-8 and live as long as the batch.
                unsafe { str_of(layer.name) == name }
            })?;
        let d = self.index();
        // SAFETY: `rows` has `doc_count + 1` entries, and `index < doc_count`.
        let (from, to) = unsafe { (*layer.rows.add(d), *layer.rows.add(d + 1)) };
        let text = if layer.flags & abi::LAYER_RAW == 0 {
            self.text()
        } else {
            self.raw()
        };
        Some(Spans {
            batch: self.batch,
            layer,
            text,
            from: from as usize,
            len: (to - from) as usize,
        })
    }

    fn layer_at(&self, i: usize) -> &'a abi::Layer {
        let bytes = i * self.batch.layer_stride as usize;
        // SAFETY: `layers` has `layer_count` entries, `layer_stride` bytes apart.
        unsafe { &*self.batch.layers.byte_add(bytes) }
    }

    fn string(&self, column: abi::StrCol) -> &'a str {
        // SAFETY: the batch's columns have `doc_count` strings, or are absent.
        unsafe { string_of(column, self.index()) }
    }
}

/// The spans of one layer in one document, as columns and as items.
#[derive(Clone, Copy)]
pub struct Spans<'a> {
    batch: &'a abi::Batch,
    layer: &'a abi::Layer,
    text: &'a str,
    from: usize,
    len: usize,
}

// SAFETY: as for `Docs`.
unsafe impl Send for Spans<'_> {}
// SAFETY: as for `Docs`.
unsafe impl Sync for Spans<'_> {}

impl<'a> Spans<'a> {
    /// Number of spans.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Span `row`.
    ///
    /// # Panics
    /// If `row >= len()`.
    #[must_use]
    pub fn get(&self, row: usize) -> Span<'a> {
        let start = self.starts()[row];
        Span {
            spans: *self,
            row: row as u32,
            start,
            end: self.ends()[row],
        }
    }

    /// The spans in order of their rows.
    #[must_use]
    pub fn iter(&self) -> SpansIter<'a> {
        SpansIter {
            spans: *self,
            range: 0..self.len,
        }
    }

    /// First byte of each span.
    #[must_use]
    pub fn starts(&self) -> &'a [u32] {
        self.column(self.layer.start)
    }

    /// Byte after the last of each span.
    #[must_use]
    pub fn ends(&self) -> &'a [u32] {
        self.column(self.layer.end)
    }

    /// Label of span `row`.
    ///
    /// # Panics
    /// If `row >= len()`.
    #[must_use]
    pub fn label(&self, row: usize) -> Option<&'a str> {
        let label = self.column(self.layer.label)[row];
        // SAFETY: a label is `NO_LABEL` or an index into `labels`.
        (label < self.layer.label_count)
            .then(|| unsafe { string_of(self.layer.labels, label as usize) })
    }

    /// Score of span `row`, in `0.0..=1.0`.
    ///
    /// # Panics
    /// If `row >= len()`.
    #[must_use]
    pub fn score(&self, row: usize) -> Option<f32> {
        let score = self.column(self.layer.score)[row];
        (score >= 0.0).then_some(score)
    }

    /// Name in the pipeline of the stage that wrote span `row`.
    ///
    /// # Panics
    /// If `row >= len()`.
    #[must_use]
    pub fn stage(&self, row: usize) -> &'a str {
        let stage = self.column(self.layer.stage)[row];
        assert!(stage < self.layer.stage_count, "stage {stage} of a span");
        // SAFETY: just checked against the number of names.
        unsafe { string_of(self.layer.stages, stage as usize) }
    }

    /// Vector attribute `name` of all spans; `None` if the layer has none.
    #[must_use]
    pub fn vectors(&self, name: &str) -> Option<Vectors<'a>> {
        let attr = self.attr(name, abi::ATTR_VECTOR)?;
        let dim = attr.dim as usize;
        let data = if self.len == 0 || dim == 0 {
            &[]
        } else {
            // SAFETY: a vector attribute has `dim` values for each row of the
            // layer, and this document's rows are `from..from + len`.
            unsafe {
                std::slice::from_raw_parts(
                    attr.data.cast::<f32>().add(self.from * dim),
                    self.len * dim,
                )
            }
        };
        Some(Vectors { dim, data })
    }

    /// Text attribute `name` of span `row`.
    #[must_use]
    pub fn text_attr(&self, row: usize, name: &str) -> Option<&'a str> {
        let (attr, at) = self.value(row, name, abi::ATTR_TEXT)?;
        let column = abi::StrCol {
            data: attr.data.cast(),
            offsets: attr.offsets,
        };
        // SAFETY: a text attribute has a string for each row of the layer.
        Some(unsafe { string_of(column, at) })
    }

    /// Integer attribute `name` of span `row`.
    #[must_use]
    pub fn int_attr(&self, row: usize, name: &str) -> Option<i64> {
        let (attr, at) = self.value(row, name, abi::ATTR_INT)?;
        // SAFETY: the attribute has a value of this type for each row.
        Some(unsafe { *attr.data.cast::<i64>().add(at) })
    }

    /// Float attribute `name` of span `row`.
    #[must_use]
    pub fn float_attr(&self, row: usize, name: &str) -> Option<f64> {
        let (attr, at) = self.value(row, name, abi::ATTR_FLOAT)?;
        // SAFETY: the attribute has a value of this type for each row.
        Some(unsafe { *attr.data.cast::<f64>().add(at) })
    }

    /// Link attribute `name` of span `row`.
    #[must_use]
    pub fn link_attr(&self, row: usize, name: &str) -> Option<Link<'a>> {
        let (attr, at) = self.value(row, name, abi::ATTR_LINK)?;
        // SAFETY: the attribute has a value of this type for each row.
        let link = unsafe { *attr.data.cast::<abi::Link>().add(at) };
        assert!(
            link.layer < self.batch.link_layer_count,
            "layer {} of a link",
            link.layer
        );
        Some(Link {
            // SAFETY: just checked against the number of names.
            layer: unsafe { string_of(self.batch.link_layers, link.layer as usize) },
            row: link.row,
        })
    }

    fn attr(&self, name: &str, kind: u32) -> Option<&'a abi::Attr> {
        (0..self.layer.attr_count as usize)
            .map(|i| {
                let bytes = i * self.layer.attr_stride as usize;
                // SAFETY: `attrs` has `attr_count` entries, `attr_stride` bytes apart.
                unsafe { &*self.layer.attrs.byte_add(bytes) }
            })
            // SAFETY: names are UTF-8 and live as long as the batch.
            .find(|attr| attr.kind == kind && unsafe { str_of(attr.name) } == name)
    }

    /// The attribute, and the place of `row` in its columns, if it has a value.
    fn value(&self, row: usize, name: &str, kind: u32) -> Option<(&'a abi::Attr, usize)> {
        if row >= self.len {
            return None;
        }
        let attr = self.attr(name, kind)?;
        let at = self.from + row;
        // SAFETY: `validity` is null or has a byte for each row of the layer.
        let there = attr.validity.is_null() || unsafe { *attr.validity.add(at) } != 0;
        there.then_some((attr, at))
    }

    fn column<T>(&self, column: *const T) -> &'a [T] {
        if self.len == 0 {
            return &[];
        }
        // SAFETY: a layer's columns have an entry for each of its rows, and this
        // document's rows are `from..from + len`.
        unsafe { std::slice::from_raw_parts(column.add(self.from), self.len) }
    }
}

impl<'a> IntoIterator for Spans<'a> {
    type Item = Span<'a>;
    type IntoIter = SpansIter<'a>;

    fn into_iter(self) -> SpansIter<'a> {
        self.iter()
    }
}

/// Iterator over [`Spans`].
#[derive(Clone)]
pub struct SpansIter<'a> {
    spans: Spans<'a>,
    range: Range<usize>,
}

impl<'a> Iterator for SpansIter<'a> {
    type Item = Span<'a>;

    fn next(&mut self) -> Option<Span<'a>> {
        self.range.next().map(|row| self.spans.get(row))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.range.size_hint()
    }
}

impl DoubleEndedIterator for SpansIter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.range.next_back().map(|row| self.spans.get(row))
    }
}

impl ExactSizeIterator for SpansIter<'_> {}
impl FusedIterator for SpansIter<'_> {}

/// One span.
#[derive(Clone, Copy)]
pub struct Span<'a> {
    spans: Spans<'a>,
    /// Row within the document and layer.
    pub row: u32,
    /// First byte.
    pub start: u32,
    /// Byte after the last.
    pub end: u32,
}

impl<'a> Span<'a> {
    /// `start..end`, to index a text with.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The words of the span.
    #[must_use]
    pub fn text(&self) -> &'a str {
        &self.spans.text[self.range()]
    }

    /// Its label.
    #[must_use]
    pub fn label(&self) -> Option<&'a str> {
        self.spans.label(self.row as usize)
    }

    /// Its score, in `0.0..=1.0`.
    #[must_use]
    pub fn score(&self) -> Option<f32> {
        self.spans.score(self.row as usize)
    }

    /// Name in the pipeline of the stage that wrote it.
    #[must_use]
    pub fn stage(&self) -> &'a str {
        self.spans.stage(self.row as usize)
    }

    /// Its text attribute `name`.
    #[must_use]
    pub fn text_attr(&self, name: &str) -> Option<&'a str> {
        self.spans.text_attr(self.row as usize, name)
    }

    /// Its integer attribute `name`.
    #[must_use]
    pub fn int_attr(&self, name: &str) -> Option<i64> {
        self.spans.int_attr(self.row as usize, name)
    }

    /// Its link attribute `name`.
    #[must_use]
    pub fn link_attr(&self, name: &str) -> Option<Link<'a>> {
        self.spans.link_attr(self.row as usize, name)
    }
}

impl std::fmt::Debug for Span<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {:?} {:?}", self.range(), self.label(), self.text())
    }
}

/// A vector attribute of the spans of one document.
#[derive(Clone, Copy, Debug)]
pub struct Vectors<'a> {
    /// Values a row.
    pub dim: usize,
    /// `rows * dim` values, row-major.
    pub data: &'a [f32],
}

impl<'a> Vectors<'a> {
    /// The vector of row `i`.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn row(&self, i: usize) -> &'a [f32] {
        &self.data[i * self.dim..(i + 1) * self.dim]
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.data.len().checked_div(self.dim).unwrap_or(0)
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }
}

/// A span that an attribute points to, by layer and row within the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link<'a> {
    /// Name of the layer. It may be one that the stage is not shown.
    pub layer: &'a str,
    /// Row within the document.
    pub row: u32,
}

/// # Safety
/// `text` is UTF-8 that lives for `'a`, or empty.
pub(crate) unsafe fn str_of<'a>(text: abi::Str) -> &'a str {
    if text.len == 0 {
        return "";
    }
    // SAFETY: by the caller.
    unsafe { std::str::from_utf8_unchecked(std::slice::from_raw_parts(text.ptr, text.len)) }
}

/// # Safety
/// `column` is absent, or has more than `i` strings, UTF-8, that live for `'a`.
unsafe fn string_of<'a>(column: abi::StrCol, i: usize) -> &'a str {
    if column.offsets.is_null() {
        return "";
    }
    // SAFETY: by the caller; offsets ascend and lie within `data`.
    unsafe {
        let (from, to) = (*column.offsets.add(i), *column.offsets.add(i + 1));
        str_of(abi::Str {
            ptr: column.data.wrapping_add(from as usize),
            len: (to - from) as usize,
        })
    }
}

/// Ties a raw host pointer to the call that it was lent to.
pub(crate) type Lent<'a> = PhantomData<(&'a (), *const c_void)>;
