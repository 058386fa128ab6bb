//! The output record: what one document becomes. `docs/output.md` describes the same in prose.
//!
//! Every format writes these structs, and `copydesk schema output` prints the JSON Schema made of
//! them. They borrow from the batch: a record lives only while it is written.
//!
//! `None` in a field marked "absent when …" leaves the field out; the plan decides that, never the
//! document, so that all records of a run have the same fields.

use std::{borrow::Cow, collections::BTreeMap};

use copydesk_document::{Map, Value};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

/// One document of a copydesk run: one JSON object a line.
///
/// `start` and `end` count into `text`, `raw_start` and `raw_end` into the input as it was decoded,
/// in Unicode characters unless `[output] offsets` says otherwise; ends are exclusive. A field is
/// absent only when no stage of the pipeline provides it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "copydesk output record")]
pub struct Record<'a> {
    /// Given by the input, else made from the relative path, with `:LINE` for JSON Lines.
    pub id: &'a str,
    /// Path of the input file as it was named, with forward slashes; null for the standard input.
    pub path: Option<&'a str>,
    /// What the stages learnt about the document; absent when none of them looks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meta: Option<Map<String, Value>>,
    /// Fields of the input that copydesk does not use, unchanged.
    pub extra: &'a Map<String, Value>,
    /// The article after cleanup.
    pub text: &'a str,
    /// What cleanup took out of the input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed: Option<Vec<Removed<'a>>>,
    /// Every mention by name of a person, place, organisation or other named thing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entities: Option<Vec<Entity<'a>>>,
    /// Everything that somebody said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quotes: Option<Vec<Quote<'a>>>,
    /// One for each mention of a configured target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sentiment: Option<Vec<TargetSentiment<'a>>>,
    /// The rows of `sentiment` added up for each target that the document mentions.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "tone_schema")]
    pub tone: Option<Value>,
    /// Layers without a field of their own, by name: those of custom plugins, and `tokens`,
    /// `sentences`, `blocks`, `mentions` where `[output] include` names them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layers: Option<BTreeMap<&'a str, Vec<LayerSpan<'a>>>>,
    /// Remarks on this document: a guessed encoding, a quotation mark without its partner.
    pub warnings: Vec<RecordWarning<'a>>,
}

/// A place in the text, and the same place in the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Place {
    /// Where it begins in `text`.
    pub start: u32,
    /// Where it ends in `text`, exclusive.
    pub end: u32,
    /// Where it begins in the input.
    pub raw_start: u32,
    /// Where it ends in the input, exclusive.
    pub raw_end: u32,
}

/// A piece of the input that is not in the text.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Removed<'a> {
    /// Where it begins in the input.
    pub raw_start: u32,
    /// Where it ends in the input, exclusive.
    pub raw_end: u32,
    /// byline, headline, caption, credit, navigation, share, advertisement, timestamp, markup,
    /// dateline, contribution, correction, related, or other.
    pub kind: &'a str,
    /// The removed words.
    pub text: &'a str,
}

/// A mention by name.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Entity<'a> {
    /// Number of the entity in this list, from 0.
    pub id: u32,
    #[serde(flatten)]
    #[allow(missing_docs)]
    pub place: Place,
    /// The words of the mention.
    pub text: &'a str,
    /// PER, ORG, LOC or MISC with the models that ship.
    pub label: Option<&'a str>,
    /// How sure the model is, 0 to 1.
    pub score: Option<Score>,
    /// Canonical name within the document, in the document's own spelling; absent when no stage
    /// resolves names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<&'a str>,
    /// Attributes set by custom stages; absent where there is none.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub attrs: Map<String, Value>,
}

/// Something that somebody said.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Quote<'a> {
    /// Number of the quote in this list, from 0.
    pub id: u32,
    #[serde(flatten)]
    #[allow(missing_docs)]
    pub place: Place,
    /// Start and end of each piece in `text`; more than one where the speaker is named in the middle.
    pub parts: Vec<(u32, u32)>,
    /// The words said, without the marks around them; pieces are joined by a blank.
    pub text: Cow<'a, str>,
    /// direct (the whole statement stands in marks), mixed (a quoted part in a paraphrase) or
    /// indirect (no marks).
    pub kind: Option<&'a str>,
    /// Who said it; null where the text names nobody, absent when no stage looks for speakers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "nullable::<Speaker<'static>>")]
    pub speaker: Option<Option<Speaker<'a>>>,
    /// The verb or phrase that reports it; null where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "nullable::<Cue<'static>>")]
    pub cue: Option<Option<Cue<'a>>>,
    /// The speaker's attitude toward each configured target in the whole statement; targets that
    /// it does not concern are not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "attitudes_schema")]
    pub sentiment: Option<Map<String, Value>>,
    /// How sure the stage is, 0 to 1.
    pub score: Option<Score>,
    /// Attributes set by custom stages; absent where there is none.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub attrs: Map<String, Value>,
}

/// The words that name a speaker at a quote, and whom they mean.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Speaker<'a> {
    /// The resolved name; the words themselves where the text does not resolve them.
    pub name: &'a str,
    /// PER, ORG, LOC, or null.
    pub label: Option<&'a str>,
    /// `id` of an entity that is this speaker.
    pub entity: Option<u32>,
    #[serde(flatten)]
    #[allow(missing_docs)]
    pub place: Place,
    /// The words at the quote: a name, "he", "the ministry".
    pub text: &'a str,
}

/// The verb or phrase that reports a statement.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Cue<'a> {
    #[serde(flatten)]
    #[allow(missing_docs)]
    pub place: Place,
    /// Its words.
    pub text: &'a str,
}

/// How one mention of a target is spoken of, and by whom.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TargetSentiment<'a> {
    /// Name of the target as configured.
    pub target: &'a str,
    #[serde(flatten)]
    #[allow(missing_docs)]
    pub place: Place,
    /// The words of the mention.
    pub text: &'a str,
    /// negative, neutral or positive.
    pub label: Option<&'a str>,
    /// How sure the model is, 0 to 1.
    pub score: Option<Score>,
    /// Whose sentiment it is.
    pub holder: Holder<'a>,
}

/// Whose sentiment it is.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Holder<'a> {
    /// Inside what somebody said the speaker, else the author.
    pub kind: HolderKind,
    /// Name of the speaker; null for the author and where nobody is named.
    pub name: Option<&'a str>,
    /// `id` of the quote; null for the author.
    pub quote: Option<u32>,
}

/// The two voices of an article.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HolderKind {
    /// The article's own voice.
    Author,
    /// Somebody whom the article quotes.
    Speaker,
}

/// A span of a layer without a field of its own.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LayerSpan<'a> {
    /// Where it begins in `text`; absent in layers that count in the input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<u32>,
    /// Where it ends in `text`, exclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<u32>,
    /// Where it begins in the input.
    pub raw_start: u32,
    /// Where it ends in the input, exclusive.
    pub raw_end: u32,
    /// Its words.
    pub text: &'a str,
    /// The stage's label, if it has one.
    pub label: Option<&'a str>,
    /// The stage's score, if it has one, 0 to 1.
    pub score: Option<Score>,
    /// Attributes by name: numbers, text, vectors, and links as `{"layer", "row"}`.
    pub attrs: Map<String, Value>,
}

/// A remark on a document.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RecordWarning<'a> {
    /// Name of the stage in the pipeline; `input` for what the reader saw.
    pub stage: &'a str,
    /// Stable code, to count and filter by.
    pub code: &'a str,
    /// What happened, in words.
    pub message: &'a str,
    /// Where in `text`, if it has a place.
    pub start: Option<u32>,
    /// Its end, exclusive.
    pub end: Option<u32>,
}

/// A score between 0 and 1, written with at most four decimals.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score(pub f32);

impl Score {
    /// The number as it is written.
    pub fn rounded(self) -> f64 {
        four_decimals(f64::from(self.0))
    }
}

impl Serialize for Score {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.rounded())
    }
}

impl JsonSchema for Score {
    fn schema_name() -> Cow<'static, str> {
        "Score".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "minimum": 0, "maximum": 1 })
    }
}

pub(crate) fn four_decimals(value: f64) -> f64 {
    // Adding zero turns -0.0 into 0.0.
    (value * 1e4).round() / 1e4 + 0.0
}

/// The JSON Schema (draft 2020-12) of [`Record`].
pub fn output_schema() -> Value {
    let mut schema = schemars::generate::SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<Record<'static>>()
        .to_value();
    // These are absent where no stage provides them, and never null.
    for field in [
        "/properties/meta",
        "/properties/removed",
        "/properties/entities",
        "/properties/quotes",
        "/properties/sentiment",
        "/properties/layers",
        "/$defs/Entity/properties/name",
        "/$defs/LayerSpan/properties/start",
        "/$defs/LayerSpan/properties/end",
    ] {
        if let Some(types) = schema
            .pointer_mut(field)
            .and_then(|field| field.get_mut("type"))
        {
            let one = types
                .as_array()
                .and_then(|types| types.iter().find(|one| *one != "null"));
            if let Some(one) = one.cloned() {
                *types = one;
            }
        }
    }
    schema
}

fn nullable<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    Option::<T>::json_schema(generator)
}

fn attitudes_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "required": ["label", "score"],
            "properties": {
                "label": { "type": ["string", "null"], "description": "negative, neutral or positive." },
                "score": { "type": ["number", "null"], "minimum": 0, "maximum": 1 }
            }
        }
    })
}

fn tone_schema(_: &mut SchemaGenerator) -> Schema {
    let voice = json_schema!({
        "type": "object",
        "required": ["label", "score", "negative", "neutral", "positive"],
        "properties": {
            "label": { "enum": ["negative", "neutral", "positive"] },
            "score": { "type": "number", "minimum": -1, "maximum": 1 },
            "negative": { "type": "integer", "minimum": 0 },
            "neutral": { "type": "integer", "minimum": 0 },
            "positive": { "type": "integer", "minimum": 0 }
        }
    });
    json_schema!({
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "required": ["author", "speakers", "all"],
            "properties": { "author": voice.clone(), "speakers": voice.clone(), "all": voice }
        }
    })
}
