use std::ops::Range;
use std::sync::Arc;

use crate::column::{Names, StrColumn};
use crate::{Link, NO_LABEL, NO_SCORE, Row};

/// Spans of one kind over all documents of a batch, as columns.
///
/// Rows are counted per document: row 0 is the first span of this layer in
/// that document. In the columns the rows of document `d` stand at
/// `rows()[d]..rows()[d + 1]`.
#[derive(Debug, Clone)]
pub struct Layer {
    /// Name in the batch (`entities`, or what `into` says).
    pub name: String,
    /// Freed after its last reader and never written to the output.
    pub transient: bool,
    /// Offsets count in `raw`, not in `text`.
    pub raw: bool,
    pub(crate) labels: Names,
    pub(crate) stages: Names,
    // Shared with `Changes`, which checks rows while the batch is lent out.
    pub(crate) rows: Arc<Vec<i64>>,
    pub(crate) start: Vec<u32>,
    pub(crate) end: Vec<u32>,
    pub(crate) label: Vec<u32>,
    pub(crate) score: Vec<f32>,
    pub(crate) stage: Vec<u32>,
    pub(crate) attrs: Vec<Attr>,
}

/// One span with its names looked up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpanView<'a> {
    /// Row within the document.
    pub row: Row,
    /// First byte, in `text` (in `raw` for raw layers).
    pub start: u32,
    /// Byte after the last.
    pub end: u32,
    /// Label, where it has one.
    pub label: Option<&'a str>,
    /// Score in `0.0..=1.0`, where it has one.
    pub score: Option<f32>,
    /// Name in the pipeline of the stage that wrote it.
    pub stage: &'a str,
}

impl SpanView<'_> {
    /// `start..end`, to index a text with.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// Columns of spans to add to a layer, rows grouped by document.
pub(crate) struct NewSpans {
    pub rows: Vec<i64>,
    pub start: Vec<u32>,
    pub end: Vec<u32>,
    pub label: Vec<u32>,
    pub score: Vec<f32>,
    pub labels: Names,
}

impl Layer {
    pub(crate) fn empty(name: &str, docs: usize, transient: bool, raw: bool) -> Self {
        Self {
            name: name.to_owned(),
            transient,
            raw,
            labels: Names::new(),
            stages: Names::new(),
            rows: Arc::new(vec![0; docs + 1]),
            start: Vec::new(),
            end: Vec::new(),
            label: Vec::new(),
            score: Vec::new(),
            stage: Vec::new(),
            attrs: Vec::new(),
        }
    }

    /// Number of spans in document `doc`.
    ///
    /// # Panics
    /// If `doc` is not in the batch, as do all methods that take one.
    #[must_use]
    pub fn len(&self, doc: usize) -> usize {
        (self.rows[doc + 1] - self.rows[doc]) as usize
    }

    /// Whether document `doc` has no span of this layer.
    #[must_use]
    pub fn is_empty(&self, doc: usize) -> bool {
        self.len(doc) == 0
    }

    /// The spans of document `doc` in order of their rows.
    pub fn spans(&self, doc: usize) -> impl ExactSizeIterator<Item = SpanView<'_>> {
        let range = self.range(doc);
        let first = range.start;
        range.map(move |i| self.view(i, (i - first) as Row))
    }

    /// Span `row` of document `doc`.
    ///
    /// # Panics
    /// If the document has no such row.
    #[must_use]
    pub fn span(&self, doc: usize, row: Row) -> SpanView<'_> {
        let range = self.range(doc);
        assert!(
            (row as usize) < range.len(),
            "layer {} has no row {row} in document {doc}",
            self.name
        );
        self.view(range.start + row as usize, row)
    }

    fn view(&self, i: usize, row: Row) -> SpanView<'_> {
        SpanView {
            row,
            start: self.start[i],
            end: self.end[i],
            label: self.labels.get(self.label[i]),
            score: (self.score[i] != NO_SCORE).then_some(self.score[i]),
            stage: self.stages.get(self.stage[i]).unwrap_or_default(),
        }
    }

    pub(crate) fn range(&self, doc: usize) -> Range<usize> {
        self.rows[doc] as usize..self.rows[doc + 1] as usize
    }

    /// The attribute `name`, if a stage has written it in this batch.
    #[must_use]
    pub fn attr(&self, name: &str) -> Option<&Attr> {
        self.attrs.iter().find(|attr| attr.name == name)
    }

    /// All attributes, in the order in which they were first written.
    #[must_use]
    pub fn attrs(&self) -> &[Attr] {
        &self.attrs
    }

    /// The entry of (`doc`, `row`) in the columns; `None` where there is none.
    #[must_use]
    pub fn index(&self, doc: usize, row: Row) -> Option<usize> {
        let range = self.range(doc);
        ((row as usize) < range.len()).then(|| range.start + row as usize)
    }

    fn value(&self, doc: usize, row: Row, name: &str) -> Option<(&AttrValues, usize)> {
        let i = self.index(doc, row)?;
        let attr = self.attr(name)?;
        attr.is_valid(i).then_some((&attr.values, i))
    }

    /// Attribute `name` of one span; `None` if it has none, or not of this type.
    #[must_use]
    pub fn int(&self, doc: usize, row: Row, name: &str) -> Option<i64> {
        match self.value(doc, row, name)? {
            (AttrValues::Int(values), i) => Some(values[i]),
            _ => None,
        }
    }

    /// Attribute `name` of one span; `None` if it has none, or not of this type.
    #[must_use]
    pub fn float(&self, doc: usize, row: Row, name: &str) -> Option<f64> {
        match self.value(doc, row, name)? {
            (AttrValues::Float(values), i) => Some(values[i]),
            _ => None,
        }
    }

    /// Attribute `name` of one span; `None` if it has none, or not of this type.
    #[must_use]
    pub fn text(&self, doc: usize, row: Row, name: &str) -> Option<&str> {
        match self.value(doc, row, name)? {
            (AttrValues::Text(values), i) => Some(values.get(i)),
            _ => None,
        }
    }

    /// Attribute `name` of one span; `None` if it has none, or not of this type.
    /// [`Batch::link_layer`](crate::Batch::link_layer) says to which layer it points.
    #[must_use]
    pub fn link(&self, doc: usize, row: Row, name: &str) -> Option<Link> {
        match self.value(doc, row, name)? {
            (AttrValues::Link(values), i) => Some(values[i]),
            _ => None,
        }
    }

    /// Attribute `name` of one span, `dim` values; `None` if it has none, or not of this type.
    #[must_use]
    pub fn vector(&self, doc: usize, row: Row, name: &str) -> Option<&[f32]> {
        match self.value(doc, row, name)? {
            (AttrValues::Vector { dim, data }, i) => Some(&data[i * dim..(i + 1) * dim]),
            _ => None,
        }
    }

    /// One more entry than there are documents: where the rows of each begin.
    #[must_use]
    pub fn rows(&self) -> &[i64] {
        &self.rows
    }

    pub(crate) fn shared_rows(&self) -> Arc<Vec<i64>> {
        Arc::clone(&self.rows)
    }

    /// First bytes, one entry per row of the batch, as in all columns.
    #[must_use]
    pub fn starts(&self) -> &[u32] {
        &self.start
    }

    /// Bytes after the last.
    #[must_use]
    pub fn ends(&self) -> &[u32] {
        &self.end
    }

    /// Labels as indices of [`labels`](Self::labels), or [`NO_LABEL`].
    #[must_use]
    pub fn label_ids(&self) -> &[u32] {
        &self.label
    }

    /// Scores, or [`NO_SCORE`].
    #[must_use]
    pub fn scores(&self) -> &[f32] {
        &self.score
    }

    /// Writing stages as indices of [`stages`](Self::stages).
    #[must_use]
    pub fn stage_ids(&self) -> &[u32] {
        &self.stage
    }

    /// The labels that occur.
    #[must_use]
    pub fn labels(&self) -> &Names {
        &self.labels
    }

    /// The stages that wrote spans of this layer.
    #[must_use]
    pub fn stages(&self) -> &Names {
        &self.stages
    }

    pub(crate) fn vector_bytes(&self) -> usize {
        self.attrs
            .iter()
            .map(|attr| match &attr.values {
                AttrValues::Vector { data, .. } => size_of_val(data.as_slice()),
                _ => 0,
            })
            .sum()
    }

    pub(crate) fn attrs_mut(&mut self) -> &mut [Attr] {
        &mut self.attrs
    }

    pub(crate) fn attr_index(&self, name: &str) -> Option<usize> {
        self.attrs.iter().position(|attr| attr.name == name)
    }

    pub(crate) fn push_attr(&mut self, attr: Attr) {
        debug_assert_eq!(attr.values.len(), self.start.len());
        self.attrs.push(attr);
    }

    /// Adds rows written by `stage`, after those that each document has.
    pub(crate) fn add(&mut self, new: NewSpans, stage: &str) {
        if new.start.is_empty() {
            return;
        }
        let stage = self.stages.intern(stage);
        if self.start.is_empty() {
            self.stage = vec![stage; new.start.len()];
            self.rows = Arc::new(new.rows);
            self.start = new.start;
            self.end = new.end;
            self.score = new.score;
            self.label = new.label;
            if self.labels.is_empty() {
                self.labels = new.labels;
            } else {
                let ids = merge_names(&mut self.labels, &new.labels);
                translate(&mut self.label, &ids);
            }
            let n = self.start.len();
            for attr in &mut self.attrs {
                attr.extend_null(n);
            }
            return;
        }
        let ids = merge_names(&mut self.labels, &new.labels);
        let docs = self.rows.len() - 1;
        let mut out = self.like(docs);
        out.stages = std::mem::take(&mut self.stages);
        out.labels = std::mem::take(&mut self.labels);
        let mut rows = Vec::with_capacity(docs + 1);
        rows.push(0);
        for doc in 0..docs {
            out.extend_columns(self, self.range(doc));
            let range = new.rows[doc] as usize..new.rows[doc + 1] as usize;
            out.start.extend_from_slice(&new.start[range.clone()]);
            out.end.extend_from_slice(&new.end[range.clone()]);
            out.score.extend_from_slice(&new.score[range.clone()]);
            out.label.extend(
                new.label[range.clone()]
                    .iter()
                    .map(|&l| translated(l, &ids)),
            );
            out.stage.resize(out.start.len(), stage);
            for attr in &mut out.attrs {
                attr.extend_null(range.len());
            }
            rows.push(out.start.len() as i64);
        }
        out.rows = Arc::new(rows);
        *self = out;
    }

    /// The layer of documents `docs`, in that order.
    pub(crate) fn select(&self, docs: impl ExactSizeIterator<Item = usize>) -> Self {
        let mut out = self.like(docs.len());
        out.labels = self.labels.clone();
        out.stages = self.stages.clone();
        let mut rows = Vec::with_capacity(docs.len() + 1);
        rows.push(0);
        // Neighbours are copied in one piece: cutting a batch is the usual case.
        let mut run = 0..0;
        let mut len = 0;
        for doc in docs {
            let range = self.range(doc);
            len += range.len();
            rows.push(len as i64);
            if range.start == run.end {
                run.end = range.end;
            } else {
                out.extend_columns(self, run);
                run = range;
            }
        }
        out.extend_columns(self, run);
        out.rows = Arc::new(rows);
        out
    }

    /// Adds the documents of `other`, a layer of the same name; `links` are the
    /// new indices of the names that its links use. Names the attributes that
    /// were left out because they are of another type here.
    pub(crate) fn append(&mut self, other: Layer, links: Option<&[u32]>) -> Vec<String> {
        let base = self.start.len();
        let n = other.start.len();
        let labels = merge_names(&mut self.labels, &other.labels);
        let stages = merge_names(&mut self.stages, &other.stages);
        Arc::make_mut(&mut self.rows).extend(other.rows[1..].iter().map(|row| row + base as i64));
        self.start.extend_from_slice(&other.start);
        self.end.extend_from_slice(&other.end);
        self.score.extend_from_slice(&other.score);
        self.label
            .extend(other.label.iter().map(|&l| translated(l, &labels)));
        self.stage
            .extend(other.stage.iter().map(|&s| translated(s, &stages)));
        let mut left_out = Vec::new();
        for mut attr in other.attrs {
            if let (Some(links), AttrValues::Link(values)) = (links, &mut attr.values) {
                for link in values {
                    link.layer = links[link.layer as usize];
                }
            }
            match self.attrs.iter_mut().find(|a| a.name == attr.name) {
                Some(here) if here.values.same_type(&attr.values) => here.extend(&attr, 0..n),
                Some(_) => left_out.push(attr.name),
                None if base == 0 => self.attrs.push(attr),
                None => {
                    let mut here = attr.like(base + n);
                    here.extend_null(base);
                    here.extend(&attr, 0..n);
                    self.attrs.push(here);
                }
            }
        }
        for attr in &mut self.attrs {
            attr.extend_null(base + n - attr.values.len());
        }
        left_out
    }

    /// Adds `n` documents without spans at the end.
    pub(crate) fn pad(&mut self, n: usize) {
        let rows = Arc::make_mut(&mut self.rows);
        rows.resize(rows.len() + n, self.start.len() as i64);
    }

    pub(crate) fn truncate(&mut self, docs: usize) {
        Arc::make_mut(&mut self.rows).truncate(docs + 1);
        let n = self.rows[docs] as usize;
        self.start.truncate(n);
        self.end.truncate(n);
        self.label.truncate(n);
        self.score.truncate(n);
        self.stage.truncate(n);
        for attr in &mut self.attrs {
            attr.truncate(n);
        }
    }

    /// The same layer without rows and names, its attributes ready to be filled.
    fn like(&self, docs: usize) -> Self {
        let mut out = Self::empty(&self.name, docs, self.transient, self.raw);
        out.attrs = self.attrs.iter().map(|attr| attr.like(0)).collect();
        out
    }

    fn extend_columns(&mut self, from: &Self, range: Range<usize>) {
        self.start.extend_from_slice(&from.start[range.clone()]);
        self.end.extend_from_slice(&from.end[range.clone()]);
        self.label.extend_from_slice(&from.label[range.clone()]);
        self.score.extend_from_slice(&from.score[range.clone()]);
        self.stage.extend_from_slice(&from.stage[range.clone()]);
        for (to, from) in self.attrs.iter_mut().zip(&from.attrs) {
            to.extend(from, range.clone());
        }
    }
}

fn merge_names(into: &mut Names, from: &Names) -> Vec<u32> {
    from.iter().map(|name| into.intern(name)).collect()
}

fn translated(id: u32, ids: &[u32]) -> u32 {
    if id == NO_LABEL {
        NO_LABEL
    } else {
        ids[id as usize]
    }
}

fn translate(column: &mut [u32], ids: &[u32]) {
    for id in column {
        *id = translated(*id, ids);
    }
}

/// One attribute of a layer: a value, or none, for every row of the batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Attr {
    /// Its name within the layer.
    pub name: String,
    /// One entry per row; what stands where there is no value means nothing.
    pub values: AttrValues,
    /// One byte per row, 1 = has a value; `None` = every row has one.
    pub valid: Option<Vec<u8>>,
}

/// The values of one attribute, one entry per row.
#[derive(Debug, Clone, PartialEq)]
pub enum AttrValues {
    /// Whole numbers.
    Int(Vec<i64>),
    /// Numbers.
    Float(Vec<f64>),
    /// Strings.
    Text(StrColumn),
    /// Rows of layers of the same document.
    Link(Vec<Link>),
    /// Vectors of `dim` values, one after the other.
    Vector {
        /// Values in each vector.
        dim: usize,
        /// `dim` values for every row.
        data: Vec<f32>,
    },
}

impl Attr {
    /// Whether entry `i` of the columns has a value.
    #[must_use]
    pub fn is_valid(&self, i: usize) -> bool {
        self.valid.as_ref().is_none_or(|valid| valid[i] != 0)
    }

    fn like(&self, rows: usize) -> Self {
        Self {
            name: self.name.clone(),
            values: self.values.like(rows),
            valid: None,
        }
    }

    pub(crate) fn extend_null(&mut self, n: usize) {
        if n == 0 {
            return;
        }
        let len = self.values.len();
        self.valid
            .get_or_insert_with(|| vec![1; len])
            .resize(len + n, 0);
        self.values.extend_null(n);
    }

    fn extend(&mut self, from: &Self, range: Range<usize>) {
        match (&mut self.valid, &from.valid) {
            (None, None) => {}
            (Some(valid), None) => valid.resize(valid.len() + range.len(), 1),
            (valid, Some(more)) => valid
                .get_or_insert_with(|| vec![1; self.values.len()])
                .extend_from_slice(&more[range.clone()]),
        }
        self.values.extend(&from.values, range);
    }

    fn truncate(&mut self, n: usize) {
        if let Some(valid) = &mut self.valid {
            valid.truncate(n);
        }
        self.values.truncate(n);
    }
}

impl AttrValues {
    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Int(values) => values.len(),
            Self::Float(values) => values.len(),
            Self::Text(values) => values.len(),
            Self::Link(values) => values.len(),
            Self::Vector { dim, data } => data.len() / dim,
        }
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What kind of values these are, in words: for messages.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Text(_) => "text",
            Self::Link(_) => "link",
            Self::Vector { .. } => "vector",
        }
    }

    /// Whether entries of `other` can stand here: the same kind, and for
    /// vectors the same length.
    #[must_use]
    pub fn same_type(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Vector { dim: a, .. }, Self::Vector { dim: b, .. }) => a == b,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }

    /// No entries of the same type, with room for `rows`.
    pub(crate) fn like(&self, rows: usize) -> Self {
        match self {
            Self::Int(_) => Self::Int(Vec::with_capacity(rows)),
            Self::Float(_) => Self::Float(Vec::with_capacity(rows)),
            Self::Text(_) => Self::Text(StrColumn::with_capacity(rows, 0)),
            Self::Link(_) => Self::Link(Vec::with_capacity(rows)),
            Self::Vector { dim, .. } => Self::Vector {
                dim: *dim,
                data: Vec::with_capacity(rows * dim),
            },
        }
    }

    pub(crate) fn extend_null(&mut self, n: usize) {
        match self {
            Self::Int(values) => values.resize(values.len() + n, 0),
            Self::Float(values) => values.resize(values.len() + n, 0.0),
            Self::Text(values) => values.extend_empty(n),
            Self::Link(values) => values.resize(values.len() + n, Link { layer: 0, row: 0 }),
            Self::Vector { dim, data } => data.resize(data.len() + n * *dim, 0.0),
        }
    }

    /// # Panics
    /// If the types differ; callers compare them before.
    pub(crate) fn extend(&mut self, from: &Self, range: Range<usize>) {
        match (self, from) {
            (Self::Int(to), Self::Int(from)) => to.extend_from_slice(&from[range]),
            (Self::Float(to), Self::Float(from)) => to.extend_from_slice(&from[range]),
            (Self::Text(to), Self::Text(from)) => to.extend_range(from, range),
            (Self::Link(to), Self::Link(from)) => to.extend_from_slice(&from[range]),
            (
                Self::Vector { dim, data },
                Self::Vector {
                    dim: same,
                    data: from,
                },
            ) if dim == same => {
                data.extend_from_slice(&from[range.start * *dim..range.end * *dim]);
            }
            (to, from) => unreachable!("{} into {}", from.type_name(), to.type_name()),
        }
    }

    fn truncate(&mut self, n: usize) {
        match self {
            Self::Int(values) => values.truncate(n),
            Self::Float(values) => values.truncate(n),
            Self::Text(values) => values.truncate(n),
            Self::Link(values) => values.truncate(n),
            Self::Vector { dim, data } => data.truncate(n * *dim),
        }
    }
}
