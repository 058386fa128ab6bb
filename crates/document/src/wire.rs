//! Batches as bytes, for a worker process: what stages can see on the way there, what they made
//! of it on the way back. Both ends are the same program on the same machine, so the form has no
//! version; but what comes back comes from a process whose plugins may have overwritten its
//! memory, so nothing in it is believed: lengths, offsets, names and links are checked as those
//! of a stage are.

use std::sync::Arc;

use serde_json::{Map, Number, Value};

use crate::alignment::Alignment;
use crate::batch::{Batch, Document, Warning};
use crate::column::{Names, StrColumn};
use crate::layer::{Attr, AttrValues, Layer};
use crate::{Link, NO_LABEL, NO_SCORE};

/// Bytes that are no batch, or not one that belongs here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WireError(String);

type Read<T> = Result<T, WireError>;

fn wrong<T>(what: impl Into<String>) -> Read<T> {
    Err(WireError(what.into()))
}

impl Batch {
    /// Everything of the documents that stages can see, with the layers that `sends` names. What
    /// they cannot see (the input's path and other columns, the place in the input) stays here:
    /// on the other side the documents are numbered from 0.
    #[must_use]
    pub fn to_wire(&self, sends: impl Fn(&str) -> bool) -> Vec<u8> {
        let mut out = Writer(Vec::with_capacity(self.text_bytes() + 4096));
        out.strings(&self.ids);
        out.strings(&self.raws);
        out.strings(&self.media_types);
        self.write_work(&mut out, |_| true, sends);
        out.0
    }

    /// The batch that [`to_wire`](Self::to_wire) wrote, as far as it is there.
    ///
    /// # Errors
    /// If the bytes are nothing of the kind.
    pub fn from_wire(bytes: &[u8]) -> Result<Self, WireError> {
        let mut from = Reader(bytes);
        let ids = from.strings()?;
        let raws = from.strings()?;
        let media_types = from.strings()?;
        if raws.len() != ids.len() || media_types.len() != ids.len() {
            return wrong("ids, texts and media types are not of one number");
        }
        let mut docs = Vec::with_capacity(ids.len());
        for (seq, raw) in raws.iter().enumerate() {
            if u32::try_from(raw.len()).is_err() {
                return wrong("a document has 4 GiB or more");
            }
            docs.push(Document {
                path: None,
                seq: seq as u64,
                meta: Map::new(),
                meta_came: None,
                extra: Map::new(),
                warnings: Vec::new(),
                warnings_came: 0,
                alignment: Alignment::identity(raw.len()),
            });
        }
        let mut batch = Self {
            ids,
            raws: Arc::new(raws),
            media_types,
            docs,
            ..Self::default()
        };
        batch.read_work(&mut from, &|_| true)?;
        from.end()?;
        for doc in &mut batch.docs {
            doc.warnings_came = doc.warnings.len();
            doc.meta_came = None;
        }
        Ok(batch)
    }

    /// What stages made of a batch that [`from_wire`](Self::from_wire) gave: which documents are
    /// still there, their texts, metadata, warnings and layers.
    #[must_use]
    pub fn work_to_wire(&self) -> Vec<u8> {
        let mut out = Writer(Vec::with_capacity(self.text_bytes() + 4096));
        let kept: Vec<u32> = self.docs.iter().map(|doc| doc.seq as u32).collect();
        out.numbers(&kept);
        self.write_work(&mut out, |doc| doc.meta_came.is_some(), |_| true);
        out.0
    }

    /// Takes what stages made of this batch, in the form of
    /// [`work_to_wire`](Self::work_to_wire), in place of what is here. Layers that `knows` does
    /// not name were not sent, stay as they are, and must not come back.
    ///
    /// # Errors
    /// If the bytes are nothing of the kind. The batch is then to be thrown away.
    pub fn take_work(
        &mut self,
        bytes: &[u8],
        knows: impl Fn(&str) -> bool,
    ) -> Result<(), WireError> {
        let mut from = Reader(bytes);
        let kept: Vec<u32> = from.numbers()?;
        let ascending = kept.is_sorted_by(|a, b| a < b);
        if !ascending || kept.last().is_some_and(|&last| last as usize >= self.len()) {
            return wrong("documents came back that were not sent, or in another order");
        }
        if kept.len() < self.len() {
            let kept: Vec<usize> = kept.iter().map(|&doc| doc as usize).collect();
            *self = self.select(&kept);
        }
        self.read_work(&mut from, &knows)?;
        from.end()
    }

    fn write_work(
        &self,
        out: &mut Writer,
        meta: impl Fn(&Document) -> bool,
        sends: impl Fn(&str) -> bool,
    ) {
        match &self.texts {
            None => out.byte(0),
            Some(texts) => {
                out.byte(1);
                out.strings(texts);
            }
        }
        for doc in &self.docs {
            let pieces: Vec<u32> = doc.alignment.pieces().flatten().collect();
            out.numbers(&pieces);
            out.byte(u8::from(meta(doc)));
            if meta(doc) {
                out.object(&doc.meta);
            }
            out.count(doc.warnings.len());
            for Warning {
                stage,
                code,
                message,
                span,
            } in &doc.warnings
            {
                out.string(stage);
                out.string(code);
                out.string(message);
                let span: Vec<u32> = span.iter().flat_map(|s| [s.start, s.end]).collect();
                out.numbers(&span);
            }
        }
        out.strings(self.link_names.column());
        let sent: Vec<&Layer> = self.layers.iter().filter(|l| sends(&l.name)).collect();
        out.count(sent.len());
        for layer in sent {
            layer.write(out);
        }
    }

    /// Replaces texts, alignments, warnings, layers and the metadata that came.
    fn read_work(&mut self, from: &mut Reader<'_>, knows: &dyn Fn(&str) -> bool) -> Read<()> {
        self.forget_json();
        self.texts = match from.byte()? {
            0 => None,
            1 => Some(Arc::new(from.strings()?)),
            other => return wrong(format!("{other} is no mark of edited texts")),
        };
        if self.texts().len() != self.len() {
            return wrong("texts are not of the number of the documents");
        }
        for doc in 0..self.len() {
            let raw_len = self.raw(doc).len() as u32;
            let Ok(text_len) = u32::try_from(self.text(doc).len()) else {
                return wrong("a text has 4 GiB or more");
            };
            let pieces: Vec<u32> = from.numbers()?;
            if !pieces.len().is_multiple_of(4) {
                return wrong("an alignment ends in the middle of a piece");
            }
            let pieces = pieces
                .chunks_exact(4)
                .map(|piece| [piece[0], piece[1], piece[2], piece[3]]);
            let Some(alignment) = Alignment::of_pieces(pieces.collect(), raw_len, text_len) else {
                return wrong("an alignment does not fit its texts");
            };
            self.docs[doc].alignment = alignment;
            if from.byte()? != 0 {
                *self.meta_mut(doc) = from.object(0)?;
            }
            let mut warnings = Vec::new();
            for _ in 0..from.count(16)? {
                let (stage, code, message) = (from.string()?, from.string()?, from.string()?);
                let span = match from.numbers::<u32>()?[..] {
                    [] => None,
                    [start, end] if self.text(doc).get(start as usize..end as usize).is_some() => {
                        Some(start..end)
                    }
                    _ => return wrong("a warning stands at no piece of the text"),
                };
                warnings.push(Warning {
                    stage,
                    code,
                    message,
                    span,
                });
            }
            self.docs[doc].warnings = warnings;
        }
        let names = from.strings()?;
        let Some(names) = Names::of_column(names) else {
            return wrong("the table of link names has a name twice");
        };
        self.link_names = names;
        let mut came: Vec<Layer> = Vec::new();
        for _ in 0..from.count(16)? {
            let layer = Layer::read(from, self)?;
            if !knows(&layer.name) || came.iter().any(|one| one.name == layer.name) {
                return wrong(format!("layer {} came twice or unasked", layer.name));
            }
            came.push(layer);
        }
        // Those that were here keep their place, as they do when stages write on them here.
        self.layers
            .retain(|layer| !knows(&layer.name) || came.iter().any(|one| one.name == layer.name));
        for layer in came {
            match self.layers.iter_mut().find(|one| one.name == layer.name) {
                Some(here) => *here = layer,
                None => self.layers.push(layer),
            }
        }
        self.check_links()
    }

    fn check_links(&self) -> Read<()> {
        for layer in &self.layers {
            for attr in &layer.attrs {
                let AttrValues::Link(links) = &attr.values else {
                    continue;
                };
                for doc in 0..self.len() {
                    let rows = layer.range(doc);
                    for (i, &link) in rows.clone().zip(&links[rows]) {
                        if attr.is_valid(i) && !self.has_target(link, doc) {
                            return wrong(format!(
                                "attribute {} of layer {} links to a row that is not there",
                                attr.name, layer.name
                            ));
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// A layer that was freed may still be linked to.
    fn has_target(&self, link: Link, doc: usize) -> bool {
        let Some(name) = self.link_names.get(link.layer) else {
            return false;
        };
        self.layer(name)
            .is_none_or(|target| (link.row as usize) < target.len(doc))
    }
}

impl Layer {
    fn write(&self, out: &mut Writer) {
        out.string(&self.name);
        out.byte(u8::from(self.transient) | u8::from(self.raw) << 1);
        out.strings(self.labels.column());
        out.strings(self.stages.column());
        out.numbers(&self.rows);
        out.numbers(&self.start);
        out.numbers(&self.end);
        out.numbers(&self.label);
        out.numbers(&self.score);
        out.numbers(&self.stage);
        out.count(self.attrs.len());
        for attr in &self.attrs {
            out.string(&attr.name);
            match &attr.valid {
                None => out.byte(0),
                Some(valid) => {
                    out.byte(1);
                    out.bytes(valid);
                }
            }
            match &attr.values {
                AttrValues::Int(values) => {
                    out.byte(0);
                    out.numbers(values);
                }
                AttrValues::Float(values) => {
                    out.byte(1);
                    out.numbers(values);
                }
                AttrValues::Text(values) => {
                    out.byte(2);
                    out.strings(values);
                }
                AttrValues::Link(values) => {
                    out.byte(3);
                    let flat: Vec<u32> = values.iter().flat_map(|l| [l.layer, l.row]).collect();
                    out.numbers(&flat);
                }
                AttrValues::Vector { dim, data } => {
                    out.byte(4);
                    out.count(*dim);
                    out.numbers(data);
                }
            }
        }
    }

    fn read(from: &mut Reader<'_>, batch: &Batch) -> Read<Self> {
        let name = from.string()?;
        let flags = from.byte()?;
        let table = |column| match Names::of_column(column) {
            Some(names) => Ok(names),
            None => wrong(format!("layer {name} has a name twice")),
        };
        let labels = table(from.strings()?)?;
        let stages = table(from.strings()?)?;
        let mut layer = Self {
            labels,
            stages,
            rows: Arc::new(from.numbers()?),
            start: from.numbers()?,
            end: from.numbers()?,
            label: from.numbers()?,
            score: from.numbers()?,
            stage: from.numbers()?,
            attrs: Vec::new(),
            transient: flags & 1 != 0,
            raw: flags & 2 != 0,
            name,
        };
        layer.check(batch)?;
        for _ in 0..from.count(8)? {
            let attr = layer.read_attr(from)?;
            layer.attrs.push(attr);
        }
        Ok(layer)
    }

    fn check(&self, batch: &Batch) -> Read<()> {
        let n = self.start.len();
        let name = &self.name;
        let columns = [
            self.end.len(),
            self.label.len(),
            self.score.len(),
            self.stage.len(),
        ];
        let rows = self.rows.len() == batch.len() + 1
            && self.rows.is_sorted()
            && self.rows.first() == Some(&0)
            && self.rows.last() == Some(&(n as i64));
        if !rows || columns.iter().any(|&len| len != n) {
            return wrong(format!("the columns of layer {name} do not fit together"));
        }
        for doc in 0..batch.len() {
            let text = if self.raw {
                batch.raw(doc)
            } else {
                batch.text(doc)
            };
            for i in self.range(doc) {
                let range = self.start[i] as usize..self.end[i] as usize;
                if text.get(range.clone()).is_none() {
                    return wrong(format!(
                        "span {range:?} of layer {name} is no piece of text"
                    ));
                }
            }
        }
        let labels = self.labels.len() as u32;
        let stages = self.stages.len() as u32;
        let known = |i: usize| {
            (self.label[i] < labels || self.label[i] == NO_LABEL)
                && self.stage[i] < stages
                && ((0.0..=1.0).contains(&self.score[i]) || self.score[i] == NO_SCORE)
        };
        if !(0..n).all(known) {
            return wrong(format!(
                "a span of layer {name} has a label, stage or score that there is not"
            ));
        }
        Ok(())
    }

    fn read_attr(&self, from: &mut Reader<'_>) -> Read<Attr> {
        let n = self.start.len();
        let name = from.string()?;
        let valid = match from.byte()? {
            0 => None,
            _ => Some(from.bytes()?.to_vec()),
        };
        let (values, len) = match from.byte()? {
            0 => {
                let values = from.numbers()?;
                let len = values.len();
                (AttrValues::Int(values), len)
            }
            1 => {
                let values = from.numbers()?;
                let len = values.len();
                (AttrValues::Float(values), len)
            }
            2 => {
                let values = from.strings()?;
                let len = values.len();
                (AttrValues::Text(values), len)
            }
            3 => {
                let flat: Vec<u32> = from.numbers()?;
                let links = flat.chunks_exact(2).map(|pair| Link {
                    layer: pair[0],
                    row: pair[1],
                });
                (AttrValues::Link(links.collect()), flat.len() / 2)
            }
            4 => {
                let dim = from.count(0)?;
                let data: Vec<f32> = from.numbers()?;
                if dim == 0 || !data.len().is_multiple_of(dim) {
                    return wrong(format!("attribute {name} has vectors of no one length"));
                }
                let len = data.len() / dim;
                (AttrValues::Vector { dim, data }, len)
            }
            other => return wrong(format!("{other} is no type of attribute {name}")),
        };
        if len != n || valid.as_ref().is_some_and(|valid| valid.len() != n) {
            return wrong(format!(
                "attribute {name} of layer {} has {len} values for {n} spans",
                self.name
            ));
        }
        if self.attr(&name).is_some() {
            return wrong(format!(
                "attribute {name} of layer {} came twice",
                self.name
            ));
        }
        Ok(Attr {
            name,
            values,
            valid,
        })
    }
}

/// Numbers as they stand in a column.
trait Column: Sized {
    const SIZE: usize;
    fn put(&self, to: &mut [u8]);
    fn get(from: &[u8]) -> Self;
}

macro_rules! column {
    ($($number:ty),*) => {$(
        impl Column for $number {
            const SIZE: usize = size_of::<$number>();

            fn put(&self, to: &mut [u8]) {
                to.copy_from_slice(&self.to_le_bytes());
            }

            fn get(from: &[u8]) -> Self {
                Self::from_le_bytes(from.try_into().expect("cut to size"))
            }
        }
    )*};
}

column!(u32, i64, f32, f64);

struct Writer(Vec<u8>);

impl Writer {
    fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    fn count(&mut self, count: usize) {
        self.0.extend_from_slice(&(count as u64).to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    fn string(&mut self, string: &str) {
        self.bytes(string.as_bytes());
    }

    fn numbers<T: Column>(&mut self, numbers: &[T]) {
        self.count(numbers.len());
        let at = self.0.len();
        self.0.resize(at + numbers.len() * T::SIZE, 0);
        for (number, to) in numbers.iter().zip(self.0[at..].chunks_exact_mut(T::SIZE)) {
            number.put(to);
        }
    }

    fn strings(&mut self, strings: &StrColumn) {
        self.bytes(strings.data());
        self.numbers(strings.offsets());
    }

    fn object(&mut self, object: &Map<String, Value>) {
        self.count(object.len());
        for (key, value) in object {
            self.string(key);
            self.value(value);
        }
    }

    /// Not as JSON: a number must come back as the very same.
    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.byte(0),
            Value::Bool(false) => self.byte(1),
            Value::Bool(true) => self.byte(2),
            Value::Number(number) => {
                if let Some(number) = number.as_u64() {
                    self.byte(3);
                    self.0.extend_from_slice(&number.to_le_bytes());
                } else if let Some(number) = number.as_i64() {
                    self.byte(4);
                    self.0.extend_from_slice(&number.to_le_bytes());
                } else {
                    self.byte(5);
                    let number = number.as_f64().unwrap_or_default();
                    self.0.extend_from_slice(&number.to_le_bytes());
                }
            }
            Value::String(string) => {
                self.byte(6);
                self.string(string);
            }
            Value::Array(items) => {
                self.byte(7);
                self.count(items.len());
                items.iter().for_each(|item| self.value(item));
            }
            Value::Object(object) => {
                self.byte(8);
                self.object(object);
            }
        }
    }
}

/// Deeper than JSON parsers go.
const DEEPEST: usize = 256;

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Read<&'a [u8]> {
        let Some((taken, rest)) = self.0.split_at_checked(n) else {
            return wrong("the bytes end too early");
        };
        self.0 = rest;
        Ok(taken)
    }

    fn end(&self) -> Read<()> {
        match self.0.len() {
            0 => Ok(()),
            more => wrong(format!("{more} bytes are left over")),
        }
    }

    fn byte(&mut self) -> Read<u8> {
        Ok(self.take(1)?[0])
    }

    fn eight(&mut self) -> Read<[u8; 8]> {
        Ok(self.take(8)?.try_into().expect("eight were taken"))
    }

    /// How many pieces of at least `size` bytes follow: no more than there are bytes for, so that
    /// nobody makes room for what cannot come.
    fn count(&mut self, size: usize) -> Read<usize> {
        let count = u64::from_le_bytes(self.eight()?);
        let room = usize::try_from(count).ok();
        room.filter(|n| n.checked_mul(size).is_some_and(|all| all <= self.0.len()))
            .map_or_else(|| wrong(format!("{count} pieces cannot follow")), Ok)
    }

    fn bytes(&mut self) -> Read<&'a [u8]> {
        let n = self.count(1)?;
        self.take(n)
    }

    fn string(&mut self) -> Read<String> {
        match std::str::from_utf8(self.bytes()?) {
            Ok(string) => Ok(string.to_owned()),
            Err(_) => wrong("a string is not UTF-8"),
        }
    }

    fn numbers<T: Column>(&mut self) -> Read<Vec<T>> {
        let n = self.count(T::SIZE)?;
        let bytes = self.take(n * T::SIZE)?;
        Ok(bytes.chunks_exact(T::SIZE).map(T::get).collect())
    }

    fn strings(&mut self) -> Read<StrColumn> {
        let data = self.string()?;
        let offsets = self.numbers()?;
        match StrColumn::of_buffers(data, offsets) {
            Some(column) => Ok(column),
            None => wrong("strings overlap, or are cut inside a character"),
        }
    }

    fn object(&mut self, depth: usize) -> Read<Map<String, Value>> {
        let mut object = Map::new();
        for _ in 0..self.count(9)? {
            let key = self.string()?;
            object.insert(key, self.value(depth + 1)?);
        }
        Ok(object)
    }

    fn value(&mut self, depth: usize) -> Read<Value> {
        if depth > DEEPEST {
            return wrong("metadata are nested too deeply");
        }
        Ok(match self.byte()? {
            0 => Value::Null,
            1 => Value::Bool(false),
            2 => Value::Bool(true),
            3 => Value::Number(u64::from_le_bytes(self.eight()?).into()),
            4 => Value::Number(i64::from_le_bytes(self.eight()?).into()),
            5 => match Number::from_f64(f64::from_le_bytes(self.eight()?)) {
                Some(number) => Value::Number(number),
                None => return wrong("a number of the metadata is not finite"),
            },
            6 => Value::String(self.string()?),
            7 => {
                let items = self.count(1)?;
                (0..items)
                    .map(|_| self.value(depth + 1))
                    .collect::<Read<Vec<Value>>>()
                    .map(Value::Array)?
            }
            8 => Value::Object(self.object(depth)?),
            other => return wrong(format!("{other} is no kind of value")),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::testing::{batch, seen};
    use crate::{Changes, Contract, NewDocument, Span};

    /// What stands in `seen` but does not travel: place in the input, path, the rest of the input.
    fn travelled(batch: &Batch) -> Batch {
        let mut out = batch.clone();
        for (seq, doc) in out.docs.iter_mut().enumerate() {
            doc.seq = seq as u64;
            doc.path = None;
            doc.meta_came = None;
            doc.warnings_came = doc.warnings.len();
        }
        out
    }

    fn layers(batch: &Batch) -> String {
        format!("{:?} {:?}", batch.layers(), batch.link_names())
    }

    /// A stage that edits nothing, but drops every third document and writes on the others.
    fn work(batch: &mut Batch) {
        let contract = Contract::parse("work", &[], &["layer:work", "meta:score"]).unwrap();
        let mut changes = Changes::new(batch, Arc::new(contract));
        let layer = changes.layer("work").unwrap();
        for doc in 0..batch.len() {
            if batch.seq(doc) % 3 == 2 {
                changes.drop_doc(doc, "third").unwrap();
                continue;
            }
            changes.set_meta(doc, "score", json!(-0.1)).unwrap();
            changes.warn(doc, Some(0..0), "w", "worked").unwrap();
            changes.add_spans(doc, layer, &[Span::new(0, 0)]).unwrap();
        }
        batch.apply(changes);
    }

    proptest! {
        #[test]
        fn a_batch_arrives_as_it_was_sent(batch in batch()) {
            let there = Batch::from_wire(&batch.to_wire(|_| true)).unwrap();
            prop_assert_eq!(seen(&there), seen(&travelled(&batch)));
            prop_assert_eq!(layers(&there), layers(&batch));
        }

        #[test]
        fn work_elsewhere_is_work_here(batch in batch(), all in any::<bool>()) {
            let sends = |layer: &str| all || layer != "quotes";
            let mut there = Batch::from_wire(&batch.to_wire(sends)).unwrap();
            work(&mut there);
            let mut back = batch.clone();
            back.take_work(&there.work_to_wire(), sends).unwrap();
            let mut here = batch;
            work(&mut here);
            prop_assert_eq!(seen(&back), seen(&here));
            prop_assert_eq!(layers(&back), layers(&here));
        }

        /// Whatever comes: an error, or a batch that can be used.
        #[test]
        fn damaged_bytes_are_refused_or_harmless(
            batch in batch(),
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut bytes = batch.work_to_wire();
            let whole = bytes.len();
            for (at, byte) in damage {
                bytes[at.index(whole)] ^= byte;
            }
            for bytes in [&bytes[..], &bytes[..cut.index(whole)]] {
                let mut back = batch.clone();
                if back.take_work(bytes, |_| true).is_ok() {
                    seen(&back);
                    let all: Vec<usize> = (0..back.len()).collect();
                    back.append(back.select(&all));
                }
            }
        }
    }

    #[test]
    fn metadata_come_back_to_the_last_bit() {
        let meta = json!({
            "a": [null, true, false, -3, u64::MAX, 0.1 + 0.2, 1e-300, f64::MIN_POSITIVE, -0.0],
            "b": {"ü": "“no”", "": {}},
        });
        let mut batch = Batch::new();
        batch.push(NewDocument {
            meta: meta.as_object().unwrap().clone(),
            ..NewDocument::new("a", "Ada Lund")
        });
        let there = Batch::from_wire(&batch.to_wire(|_| true)).unwrap();
        assert_eq!(
            serde_json::to_string(there.meta(0)).unwrap(),
            meta.to_string()
        );
        let nested = (0..1000).fold(Value::Null, |inner, _| json!([inner]));
        batch.meta_mut(0).insert("deep".to_owned(), nested);
        let error = Batch::from_wire(&batch.to_wire(|_| true)).unwrap_err();
        assert!(error.to_string().contains("too deeply"), "{error}");
    }

    #[test]
    fn spans_that_cut_characters_do_not_come_in() {
        let mut batch = Batch::new();
        batch.push(NewDocument::new("a", "né"));
        let contract = Contract::parse("mark", &[], &["layer:marks"]).unwrap();
        let mut changes = Changes::new(&batch, Arc::new(contract));
        let marks = changes.layer("marks").unwrap();
        changes.add_spans(0, marks, &[Span::new(0, 1)]).unwrap();
        batch.apply(changes);
        batch.layers[0].end[0] = 2;
        let error = batch
            .clone()
            .take_work(&batch.work_to_wire(), |_| true)
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "span 0..2 of layer marks is no piece of text"
        );
    }
}
