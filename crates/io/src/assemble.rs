//! From a batch to records: which layer becomes which field.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use copydesk_document::{
    Alignment, AttrValues, Batch, Contract, Layer, Map, REMOVED, SpanView, Value,
    offsets::{Offsets, Unit},
};

use crate::record::{
    Cue, Entity, Holder, HolderKind, LayerSpan, Place, Quote, Record, RecordWarning, Removed,
    Score, Speaker, TargetSentiment, four_decimals,
};

/// Layers that are written only when `[output] include` names them: large, and for most readers
/// scaffolding.
pub const ON_REQUEST: [&str; 4] = ["tokens", "sentences", "blocks", "mentions"];

/// Metadata in the order in which records show it; what else stages provide follows.
const META: [&str; 6] = [
    "title",
    "authors",
    "published",
    "publisher",
    "dateline",
    "language",
];

/// Which fields the records of a run have: decided once, by what the stages provide.
#[derive(Debug, Clone)]
pub struct Layout {
    unit: Unit,
    layers: BTreeSet<String>,
    attrs: BTreeSet<(String, String)>,
    pub(crate) meta: Option<Vec<String>>,
    pub(crate) tone: bool,
    pub(crate) own_layers: Vec<String>,
}

impl Layout {
    /// The layout for stages with these contracts, with the layers of `include` written too.
    pub fn new<'c>(
        contracts: impl IntoIterator<Item = &'c Contract>,
        include: &[String],
        unit: Unit,
    ) -> Self {
        let (mut layers, mut attrs, mut meta) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
        for contract in contracts {
            if contract.edits_text {
                layers.insert(REMOVED.to_owned());
            }
            let lasting = contract.layers.iter().filter(|layer| !layer.transient);
            layers.extend(lasting.map(|layer| layer.stored_as.clone()));
            attrs.extend(contract.attrs.iter().cloned());
            meta.extend(contract.meta.iter().cloned());
        }
        let tone = meta.remove("tone");
        let own_layers = layers
            .iter()
            .filter(|layer| match layer.as_str() {
                "removed" | "entities" | "quotes" | "sentiment" => false,
                "speakers" | "cues" | "quote-parts" | "attitudes" => !layers.contains("quotes"),
                name if ON_REQUEST.contains(&name) => include.iter().any(|wanted| wanted == name),
                _ => true,
            })
            .cloned()
            .collect();
        Self {
            unit,
            attrs,
            meta: (!meta.is_empty()).then(|| in_order(meta)),
            tone,
            own_layers,
            layers,
        }
    }

    /// What offsets count, as `[output] offsets` names it.
    pub(crate) fn unit_name(&self) -> &'static str {
        match self.unit {
            Unit::Char => "char",
            Unit::Byte => "byte",
            Unit::Utf16 => "utf16",
        }
    }

    /// The record of document `i` of a batch.
    pub fn record<'b>(&'b self, batch: &'b Batch, i: usize) -> Record<'b> {
        Assembly::new(self, batch, i).record()
    }

    /// Whether a stage provides a layer.
    pub(crate) fn has(&self, layer: &str) -> bool {
        self.layers.contains(layer)
    }

    pub(crate) fn has_attr(&self, layer: &str, attr: &str) -> bool {
        self.attrs.contains(&(layer.to_owned(), attr.to_owned()))
    }
}

fn in_order(mut meta: BTreeSet<String>) -> Vec<String> {
    let mut keys: Vec<String> = META
        .iter()
        .filter(|key| meta.remove(**key))
        .map(|key| (*key).to_owned())
        .collect();
    keys.extend(meta);
    keys
}

/// One document on its way to a record.
struct Assembly<'b> {
    layout: &'b Layout,
    batch: &'b Batch,
    doc: usize,
    text: &'b str,
    raw: &'b str,
    alignment: &'b Alignment,
    in_text: Offsets<'b>,
    in_raw: Offsets<'b>,
}

impl<'b> Assembly<'b> {
    fn new(layout: &'b Layout, batch: &'b Batch, doc: usize) -> Self {
        let (text, raw) = (batch.text(doc), batch.raw(doc));
        Self {
            layout,
            batch,
            doc,
            text,
            raw,
            alignment: batch.alignment(doc),
            in_text: Offsets::new(text, layout.unit),
            in_raw: Offsets::new(raw, layout.unit),
        }
    }

    fn record(&self) -> Record<'b> {
        let layout = self.layout;
        Record {
            id: self.batch.id(self.doc),
            path: self.batch.path(self.doc),
            meta: layout.meta.as_ref().map(|keys| self.meta(keys)),
            extra: self.batch.extra(self.doc),
            text: self.text,
            removed: self.field("removed", |layer| {
                layer
                    .spans(self.doc)
                    .map(|span| self.removed(&span))
                    .collect()
            }),
            entities: self.field("entities", |layer| self.entities(layer)),
            quotes: self.field("quotes", |layer| self.quotes(layer)),
            sentiment: self.field("sentiment", |layer| {
                layer
                    .spans(self.doc)
                    .map(|span| self.target_sentiment(layer, &span))
                    .collect()
            }),
            tone: layout.tone.then(|| self.tone()),
            layers: (!layout.own_layers.is_empty()).then(|| self.own_layers()),
            warnings: self.warnings(),
        }
    }

    /// A list that is there whenever a stage provides the layer, also when this batch, or this
    /// document, has no span of it.
    fn field<T>(&self, name: &str, list: impl FnOnce(&'b Layer) -> Vec<T>) -> Option<Vec<T>> {
        self.layout
            .has(name)
            .then(|| self.batch.layer(name).map(list).unwrap_or_default())
    }

    fn meta(&self, keys: &[String]) -> Map<String, Value> {
        let found = self.batch.meta(self.doc);
        let mut meta = Map::new();
        for key in keys {
            let nothing = if key == "authors" {
                Value::Array(vec![])
            } else {
                Value::Null
            };
            meta.insert(key.clone(), found.get(key).cloned().unwrap_or(nothing));
        }
        meta
    }

    fn tone(&self) -> Value {
        self.batch
            .meta(self.doc)
            .get("tone")
            .map_or_else(|| Value::Object(Map::new()), rounded)
    }

    fn removed(&self, span: &SpanView<'b>) -> Removed<'b> {
        Removed {
            raw_start: self.in_raw.convert(span.start as usize),
            raw_end: self.in_raw.convert(span.end as usize),
            kind: span.label.unwrap_or("other"),
            text: &self.raw[span.start as usize..span.end as usize],
        }
    }

    fn entities(&self, layer: &'b Layer) -> Vec<Entity<'b>> {
        let named = self.layout.has_attr("entities", "name");
        layer
            .spans(self.doc)
            .map(|span| {
                let text = self.words(span.start, span.end);
                Entity {
                    id: span.row,
                    place: self.place(span.start, span.end),
                    text,
                    label: span.label,
                    score: span.score.map(Score),
                    name: named.then(|| layer.text(self.doc, span.row, "name").unwrap_or(text)),
                    attrs: self.attrs(layer, span.row, &["name", "entity"]),
                }
            })
            .collect()
    }

    fn quotes(&self, layer: &'b Layer) -> Vec<Quote<'b>> {
        let mut parts: BTreeMap<u32, Vec<Range<u32>>> = BTreeMap::new();
        for (span, quote) in self.linked("quote-parts") {
            parts.entry(quote).or_default().push(span.start..span.end);
        }
        let mut attitudes: BTreeMap<u32, Map<String, Value>> = BTreeMap::new();
        let toward = self.batch.layer("attitudes");
        for (span, quote) in self.linked("attitudes") {
            let target = toward.and_then(|layer| layer.text(self.doc, span.row, "target"));
            let mut attitude = Map::new();
            attitude.insert("label".to_owned(), span.label.into());
            attitude.insert(
                "score".to_owned(),
                span.score.map(|s| Score(s).rounded()).into(),
            );
            attitudes.entry(quote).or_default().insert(
                target.unwrap_or_default().to_owned(),
                Value::Object(attitude),
            );
        }
        layer
            .spans(self.doc)
            .map(|span| {
                let mut pieces = parts.remove(&span.row).unwrap_or_default();
                pieces.sort_by_key(|piece| piece.start);
                if pieces.is_empty() {
                    pieces.push(span.start..span.end);
                }
                Quote {
                    id: span.row,
                    place: self.place(span.start, span.end),
                    text: self.joined(&pieces),
                    parts: pieces
                        .iter()
                        .map(|piece| (self.at(piece.start), self.at(piece.end)))
                        .collect(),
                    kind: span.label,
                    speaker: self
                        .layout
                        .has("speakers")
                        .then(|| self.speaker(layer, span.row)),
                    cue: self.layout.has("cues").then(|| self.cue(layer, span.row)),
                    sentiment: self
                        .layout
                        .has("attitudes")
                        .then(|| attitudes.remove(&span.row).unwrap_or_default()),
                    score: span.score.map(Score),
                    attrs: self.attrs(layer, span.row, &["speaker", "cue"]),
                }
            })
            .collect()
    }

    fn speaker(&self, quotes: &'b Layer, quote: u32) -> Option<Speaker<'b>> {
        let layer = self.batch.layer("speakers")?;
        let row = quotes.link(self.doc, quote, "speaker")?.row;
        let span = layer.span(self.doc, row);
        let text = self.words(span.start, span.end);
        Some(Speaker {
            name: layer.text(self.doc, row, "name").unwrap_or(text),
            label: span.label,
            entity: layer.link(self.doc, row, "entity").map(|link| link.row),
            place: self.place(span.start, span.end),
            text,
        })
    }

    fn cue(&self, quotes: &'b Layer, quote: u32) -> Option<Cue<'b>> {
        let layer = self.batch.layer("cues")?;
        let span = layer.span(self.doc, quotes.link(self.doc, quote, "cue")?.row);
        Some(Cue {
            place: self.place(span.start, span.end),
            text: self.words(span.start, span.end),
        })
    }

    fn target_sentiment(&self, layer: &'b Layer, span: &SpanView<'b>) -> TargetSentiment<'b> {
        let quote = layer.link(self.doc, span.row, "quote").map(|link| link.row);
        let name = layer.text(self.doc, span.row, "holder");
        TargetSentiment {
            target: layer.text(self.doc, span.row, "target").unwrap_or_default(),
            place: self.place(span.start, span.end),
            text: self.words(span.start, span.end),
            label: span.label,
            score: span.score.map(Score),
            holder: Holder {
                kind: if quote.is_some() {
                    HolderKind::Speaker
                } else {
                    HolderKind::Author
                },
                name: name.filter(|_| quote.is_some()),
                quote,
            },
        }
    }

    fn own_layers(&self) -> BTreeMap<&'b str, Vec<LayerSpan<'b>>> {
        self.layout
            .own_layers
            .iter()
            .map(|name| {
                let spans = self.batch.layer(name).map_or_else(Vec::new, |layer| {
                    layer
                        .spans(self.doc)
                        .map(|span| self.layer_span(layer, &span))
                        .collect()
                });
                (name.as_str(), spans)
            })
            .collect()
    }

    fn layer_span(&self, layer: &'b Layer, span: &SpanView<'b>) -> LayerSpan<'b> {
        let (start, end) = (span.start, span.end);
        let (place, text) = if layer.raw {
            let raw_start = self.in_raw.convert(start as usize);
            let raw_end = self.in_raw.convert(end as usize);
            let place = Place {
                start: 0,
                end: 0,
                raw_start,
                raw_end,
            };
            (place, &self.raw[start as usize..end as usize])
        } else {
            (self.place(start, end), self.words(start, end))
        };
        LayerSpan {
            start: (!layer.raw).then_some(place.start),
            end: (!layer.raw).then_some(place.end),
            raw_start: place.raw_start,
            raw_end: place.raw_end,
            text,
            label: span.label,
            score: span.score.map(Score),
            attrs: self.attrs(layer, span.row, &[]),
        }
    }

    /// Attributes of a row other than `known`. Vectors of transient layers stay inside: they are
    /// hundreds of numbers a word.
    fn attrs(&self, layer: &Layer, row: u32, known: &[&str]) -> Map<String, Value> {
        let mut out = Map::new();
        for attr in layer.attrs() {
            let name = attr.name.as_str();
            if known.contains(&name) {
                continue;
            }
            let value = match attr.values {
                AttrValues::Int(_) => layer.int(self.doc, row, name).map(Value::from),
                AttrValues::Float(_) => layer.float(self.doc, row, name).map(Value::from),
                AttrValues::Text(_) => layer.text(self.doc, row, name).map(Value::from),
                AttrValues::Link(_) => layer.link(self.doc, row, name).map(|link| {
                    let mut value = Map::new();
                    value.insert("layer".to_owned(), self.batch.link_layer(link).into());
                    value.insert("row".to_owned(), link.row.into());
                    Value::Object(value)
                }),
                AttrValues::Vector { .. } if layer.transient => None,
                AttrValues::Vector { .. } => layer.vector(self.doc, row, name).map(Value::from),
            };
            if let Some(value) = value {
                out.insert(name.to_owned(), value);
            }
        }
        // The order in which stages met in this batch must not show.
        out.sort_keys();
        out
    }

    fn warnings(&self) -> Vec<RecordWarning<'b>> {
        self.batch
            .warnings(self.doc)
            .iter()
            .map(|warning| RecordWarning {
                stage: &warning.stage,
                code: &warning.code,
                message: &warning.message,
                start: warning.span.as_ref().map(|span| self.at(span.start)),
                end: warning.span.as_ref().map(|span| self.at(span.end)),
            })
            .collect()
    }

    /// Rows of a layer that link to a quote, with the row of that quote.
    fn linked(&self, name: &str) -> impl Iterator<Item = (SpanView<'b>, u32)> {
        let doc = self.doc;
        self.batch.layer(name).into_iter().flat_map(move |layer| {
            layer.spans(doc).filter_map(move |span| {
                let link = layer.link(doc, span.row, "quote")?;
                Some((span, link.row))
            })
        })
    }

    fn joined(&self, pieces: &[Range<u32>]) -> Cow<'b, str> {
        match pieces {
            [piece] => Cow::Borrowed(self.words(piece.start, piece.end)),
            _ => {
                let words: Vec<&str> = pieces
                    .iter()
                    .map(|piece| self.words(piece.start, piece.end).trim())
                    .collect();
                Cow::Owned(words.join(" "))
            }
        }
    }

    fn words(&self, start: u32, end: u32) -> &'b str {
        &self.text[start as usize..end as usize]
    }

    fn at(&self, byte: u32) -> u32 {
        self.in_text.convert(byte as usize)
    }

    fn place(&self, start: u32, end: u32) -> Place {
        let raw = self.alignment.to_raw(start..end);
        Place {
            start: self.at(start),
            end: self.at(end),
            raw_start: self.in_raw.convert(raw.start as usize),
            raw_end: self.in_raw.convert(raw.end as usize),
        }
    }
}

fn rounded(value: &Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => number
            .as_f64()
            .map_or(Value::Null, |number| four_decimals(number).into()),
        Value::Array(items) => items.iter().map(rounded).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| (key.clone(), rounded(value)))
            .collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{article, output_schema};

    fn layout(include: &[&str]) -> Layout {
        let include: Vec<String> = include.iter().map(|name| (*name).to_owned()).collect();
        Layout::new(&article::contracts(), &include, Unit::Char)
    }

    fn json(layout: &Layout, batch: &Batch) -> Value {
        serde_json::to_value(layout.record(batch, 0)).unwrap()
    }

    fn units(text: &str, unit: Unit) -> Vec<String> {
        match unit {
            Unit::Char => text.chars().map(String::from).collect(),
            Unit::Byte => text.bytes().map(|byte| format!("{byte} ")).collect(),
            Unit::Utf16 => text.encode_utf16().map(|unit| format!("{unit} ")).collect(),
        }
    }

    #[test]
    fn a_record_has_every_field_of_the_output_page() {
        let record = json(&layout(&["sentences"]), &article::annotated());
        insta::assert_snapshot!(serde_json::to_string_pretty(&record).unwrap());
    }

    #[test]
    fn records_keep_to_the_schema() {
        let validator = jsonschema::validator_for(&closed(output_schema())).unwrap();
        let batch = article::annotated();
        let mut bare = Batch::new();
        bare.push(article::document());
        let nothing = Layout::new([], &[], Unit::Char);
        for (layout, batch) in [
            (&layout(&["sentences", "mentions"]), &batch),
            (&layout(&[]), &bare),
            (&nothing, &bare),
        ] {
            let record = json(layout, batch);
            let errors: Vec<String> = validator
                .iter_errors(&record)
                .map(|e| format!("{}: {e}", e.instance_path()))
                .collect();
            assert!(errors.is_empty(), "{errors:#?}");
        }
    }

    #[test]
    fn what_is_absent_where_nothing_provides_it_is_never_null() {
        let schema = output_schema();
        let types: BTreeSet<String> = [
            "meta",
            "removed",
            "entities",
            "quotes",
            "sentiment",
            "layers",
        ]
        .iter()
        .map(|field| schema["properties"][field]["type"].to_string())
        .collect();
        assert_eq!(
            types.into_iter().collect::<Vec<_>>(),
            ["\"array\"", "\"object\""]
        );
        assert_eq!(
            schema["$defs"]["Entity"]["properties"]["name"]["type"],
            "string"
        );
    }

    /// The schema as printed allows more fields, for later versions; this one does not.
    fn closed(mut schema: Value) -> Value {
        fn close(value: &mut Value) {
            match value {
                Value::Object(fields) => {
                    if fields.contains_key("properties")
                        && !fields.contains_key("additionalProperties")
                    {
                        fields.insert("additionalProperties".to_owned(), false.into());
                    }
                    fields.values_mut().for_each(close);
                }
                Value::Array(items) => items.iter_mut().for_each(close),
                _ => {}
            }
        }
        close(&mut schema);
        schema
    }

    #[test]
    fn the_page_about_the_output_the_schema_and_the_records_say_the_same() {
        let page = include_str!("../../../docs/output.md");
        let example = page
            .split("```json\n")
            .nth(1)
            .unwrap()
            .split("```")
            .next()
            .unwrap();
        let example: Value = serde_json::from_str(example).unwrap();
        let schema = closed(output_schema());
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&example)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
        // Everything that a record can have stands in the example.
        let mut named = BTreeSet::new();
        names(&example, &mut named);
        let mut known = BTreeSet::new();
        properties(&schema, &mut known);
        let missing: Vec<_> = known.difference(&named).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    fn names(value: &Value, into: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                into.extend(fields.keys().cloned());
                fields.values().for_each(|value| names(value, into));
            }
            Value::Array(items) => items.iter().for_each(|value| names(value, into)),
            _ => {}
        }
    }

    fn properties(schema: &Value, into: &mut BTreeSet<String>) {
        match schema {
            Value::Object(fields) => {
                if let Some(Value::Object(own)) = fields.get("properties") {
                    into.extend(own.keys().cloned());
                }
                fields.values().for_each(|value| properties(value, into));
            }
            Value::Array(items) => items.iter().for_each(|value| properties(value, into)),
            _ => {}
        }
    }

    #[test]
    fn offsets_cut_the_same_words_out_of_text_and_input_in_every_unit() {
        let batch = article::annotated();
        for unit in [Unit::Char, Unit::Byte, Unit::Utf16] {
            let layout = Layout::new(&article::contracts(), &[], unit);
            let record = json(&layout, &batch);
            let (text, raw) = (units(batch.text(0), unit), units(batch.raw(0), unit));
            let mut seen = 0;
            let mut check = |place: &Value| {
                let at = |key: &str| place[key].as_u64().unwrap() as usize;
                let words = text[at("start")..at("end")].concat();
                assert_eq!(
                    words,
                    raw[at("raw_start")..at("raw_end")].concat(),
                    "{place}"
                );
                assert!(!words.is_empty());
                if place.get("parts").is_none() {
                    assert_eq!(words, units(place["text"].as_str().unwrap(), unit).concat());
                }
                seen += 1;
            };
            record["entities"]
                .as_array()
                .unwrap()
                .iter()
                .for_each(&mut check);
            record["sentiment"]
                .as_array()
                .unwrap()
                .iter()
                .for_each(&mut check);
            for quote in record["quotes"].as_array().unwrap() {
                check(quote);
                for inner in ["speaker", "cue"] {
                    if !quote[inner].is_null() {
                        check(&quote[inner]);
                    }
                }
            }
            assert_eq!(seen, 2 + 2 + 3 + 2 + 1);
            let removed = &record["removed"][0];
            let (start, end) = (
                removed["raw_start"].as_u64().unwrap(),
                removed["raw_end"].as_u64().unwrap(),
            );
            assert_eq!(
                raw[start as usize..end as usize].concat(),
                units(removed["text"].as_str().unwrap(), unit).concat()
            );
        }
    }

    #[test]
    fn a_field_is_there_if_and_only_if_a_stage_provides_it() {
        let mut batch = Batch::new();
        batch.push(article::document());
        let fields = |layout: &Layout| {
            json(layout, &batch)
                .as_object()
                .unwrap()
                .keys()
                .cloned()
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(
            fields(&Layout::new([], &[], Unit::Char)),
            "id path extra text warnings"
        );
        assert_eq!(
            fields(&layout(&[])),
            "id path meta extra text removed entities quotes sentiment tone layers warnings"
        );
        let only = Contract::parse("quotes", &[], &["layer:quotes"]).unwrap();
        let quotes = Layout::new([&only], &[], Unit::Char);
        let batch = article::annotated();
        let record = json(&quotes, &batch);
        assert!(record["quotes"][0].get("speaker").is_none());
        assert!(record["quotes"][0].get("sentiment").is_none());
    }

    #[test]
    fn large_layers_are_written_only_on_request() {
        let batch = article::annotated();
        let names = |include: &[&str]| {
            json(&layout(include), &batch)["layers"]
                .as_object()
                .unwrap()
                .keys()
                .cloned()
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&[]), ["topics"]);
        assert_eq!(
            names(&["blocks", "sentences"]),
            ["blocks", "sentences", "topics"]
        );
    }

    #[test]
    fn records_do_not_depend_on_the_company_in_the_batch() {
        let mut together = Batch::new();
        let mut plain = article::document();
        plain.id = "plain".to_owned();
        together.push(plain.clone());
        together.append(article::annotated());
        let mut alone = Batch::new();
        alone.push(plain);
        let layout = layout(&["sentences"]);
        let of = |batch: &Batch, i: usize| serde_json::to_value(layout.record(batch, i)).unwrap();
        assert_eq!(of(&together, 0), of(&alone, 0));
        assert_eq!(of(&together, 1), of(&article::annotated(), 0));
    }
}
