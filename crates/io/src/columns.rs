//! Output records as nested columns, for Parquet.
//!
//! The columns are those of [`crate::Record`], with two differences, because a column has one type
//! and one name: what is keyed by a target (`tone`, `quotes[].sentiment`) is a list with the column
//! `target`, and what is open (`extra`, `attrs`, the metadata of custom stages) is JSON in a text.
//!
//! A nested record is cut into columns as Dremel does it (Melnik et al., VLDB 2010): with each
//! value goes the depth of the lists that it continues (repetition) and of what is present on its
//! path (definition).

use std::sync::Arc;

use copydesk_document::Value;
use parquet::{
    basic::{LogicalType, Repetition, Type as Physical},
    data_type::ByteArray,
    errors::Result,
    schema::types::{Type, TypePtr},
};

use crate::assemble::Layout;

/// A column, or a group of columns.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    name: &'static str,
    /// In place of `name` where it is not known beforehand.
    own_name: Option<String>,
    kind: Kind,
    required: bool,
}

#[derive(Debug, Clone)]
enum Kind {
    Text,
    Int,
    Float,
    /// Any value, as the text of its JSON.
    Json,
    Group(Vec<Column>),
    List(Box<Column>),
    /// An object with a group of columns under each key, as a list; the first column is the key.
    Keyed(Box<Column>),
}

/// The values of one column of a row group, with their levels.
#[derive(Debug, Clone)]
pub(crate) struct Leaf {
    pub(crate) values: Values,
    pub(crate) definition: Vec<i16>,
    pub(crate) repetition: Vec<i16>,
}

/// Values of one type.
#[derive(Debug, Clone)]
pub(crate) enum Values {
    Text(Vec<ByteArray>),
    Int(Vec<i64>),
    Float(Vec<f64>),
}

fn text(name: &'static str) -> Column {
    column(name, Kind::Text)
}

fn int(name: &'static str) -> Column {
    column(name, Kind::Int)
}

fn float(name: &'static str) -> Column {
    column(name, Kind::Float)
}

fn json(name: &'static str) -> Column {
    column(name, Kind::Json)
}

fn group(name: &'static str, columns: Vec<Column>) -> Column {
    column(name, Kind::Group(columns))
}

fn list(name: &'static str, element: Kind) -> Column {
    let element = column("element", element).required();
    column(name, Kind::List(Box::new(element))).required()
}

fn keyed(name: &'static str, columns: Vec<Column>) -> Column {
    let columns = [text("target")].into_iter().chain(columns).collect();
    let element = column("element", Kind::Group(columns)).required();
    column(name, Kind::Keyed(Box::new(element))).required()
}

fn column(name: &'static str, kind: Kind) -> Column {
    Column {
        name,
        own_name: None,
        kind,
        required: false,
    }
}

impl Column {
    fn required(self) -> Self {
        Self {
            required: true,
            ..self
        }
    }

    fn called(self, name: &str) -> Self {
        Self {
            own_name: Some(name.to_owned()),
            ..self
        }
    }

    fn name(&self) -> &str {
        self.own_name.as_deref().unwrap_or(self.name)
    }
}

/// The columns of the records of a run.
pub(crate) fn columns(layout: &Layout) -> Vec<Column> {
    let mut columns = vec![text("id").required(), text("path")];
    if let Some(keys) = &layout.meta {
        let meta = keys.iter().map(|key| meta_column(key)).collect();
        columns.push(group("meta", meta));
    }
    columns.push(json("extra"));
    columns.push(text("text").required());
    if layout.has("removed") {
        let removed = vec![int("raw_start"), int("raw_end"), text("kind"), text("text")];
        columns.push(list("removed", Kind::Group(removed)));
    }
    if layout.has("entities") {
        let mut entity = [vec![int("id")], place()].concat();
        entity.extend([text("text"), text("label"), float("score")]);
        if layout.has_attr("entities", "name") {
            entity.push(text("name"));
        }
        entity.push(json("attrs"));
        columns.push(list("entities", Kind::Group(entity)));
    }
    if layout.has("quotes") {
        columns.push(list("quotes", Kind::Group(quote(layout))));
    }
    if layout.has("sentiment") {
        let holder = vec![text("kind"), text("name"), int("quote")];
        let mut mention = [vec![text("target")], place()].concat();
        mention.extend([
            text("text"),
            text("label"),
            float("score"),
            group("holder", holder),
        ]);
        columns.push(list("sentiment", Kind::Group(mention)));
    }
    if layout.tone {
        let voice = || {
            vec![
                text("label"),
                float("score"),
                int("negative"),
                int("neutral"),
                int("positive"),
            ]
        };
        let voices = ["author", "speakers", "all"];
        let voices = voices.map(|name| group(name, voice())).to_vec();
        columns.push(keyed("tone", voices));
    }
    if !layout.own_layers.is_empty() {
        let own = layout.own_layers.iter().map(|name| {
            let mut span = place();
            span.extend([text("text"), text("label"), float("score"), json("attrs")]);
            list("", Kind::Group(span)).called(name)
        });
        columns.push(group("layers", own.collect()).required());
    }
    let warning = vec![
        text("stage"),
        text("code"),
        text("message"),
        int("start"),
        int("end"),
    ];
    columns.push(list("warnings", Kind::Group(warning)));
    columns
}

fn meta_column(key: &str) -> Column {
    match key {
        "authors" => list("authors", Kind::Text),
        "title" | "published" | "publisher" | "dateline" | "language" => text("").called(key),
        // What custom stages set can be anything.
        _ => json("").called(key),
    }
}

fn place() -> Vec<Column> {
    vec![int("start"), int("end"), int("raw_start"), int("raw_end")]
}

fn quote(layout: &Layout) -> Vec<Column> {
    let mut quote = [vec![int("id")], place()].concat();
    let part = vec![int("start"), int("end")];
    quote.extend([list("parts", Kind::Group(part)), text("text"), text("kind")]);
    if layout.has("speakers") {
        let mut speaker = vec![text("name"), text("label"), int("entity")];
        speaker.extend(place());
        speaker.push(text("text"));
        quote.push(group("speaker", speaker));
    }
    if layout.has("cues") {
        let mut cue = place();
        cue.push(text("text"));
        quote.push(group("cue", cue));
    }
    if layout.has("attitudes") {
        quote.push(keyed("sentiment", vec![text("label"), float("score")]));
    }
    quote.extend([float("score"), json("attrs")]);
    quote
}

/// The schema of these columns.
pub(crate) fn schema(columns: &[Column]) -> Result<TypePtr> {
    let fields = columns.iter().map(|column| column.field());
    let schema = Type::group_type_builder("record")
        .with_fields(fields.collect::<Result<_>>()?)
        .build()?;
    Ok(Arc::new(schema))
}

impl Column {
    fn field(&self) -> Result<TypePtr> {
        let repetition = match self.required {
            true => Repetition::REQUIRED,
            false => Repetition::OPTIONAL,
        };
        let of = |physical, logical| {
            Type::primitive_type_builder(self.name(), physical)
                .with_logical_type(logical)
                .with_repetition(repetition)
                .build()
        };
        let field = match &self.kind {
            Kind::Text | Kind::Json => of(Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Kind::Int => of(Physical::INT64, None),
            Kind::Float => of(Physical::DOUBLE, None),
            Kind::Group(columns) => {
                let fields = columns.iter().map(Self::field);
                Type::group_type_builder(self.name())
                    .with_fields(fields.collect::<Result<_>>()?)
                    .with_repetition(repetition)
                    .build()
            }
            // The names that the format asks for.
            Kind::List(element) | Kind::Keyed(element) => {
                let repeated = Type::group_type_builder("list")
                    .with_fields(vec![element.field()?])
                    .with_repetition(Repetition::REPEATED)
                    .build()?;
                Type::group_type_builder(self.name())
                    .with_fields(vec![Arc::new(repeated)])
                    .with_logical_type(Some(LogicalType::List))
                    .with_repetition(repetition)
                    .build()
            }
        };
        field.map(Arc::new)
    }
}

/// Records cut into columns.
pub(crate) struct Shredder {
    columns: Vec<Column>,
    pub(crate) leaves: Vec<Leaf>,
    pub(crate) rows: usize,
    /// About what the values take in memory.
    pub(crate) bytes: usize,
}

/// Where in the tree of columns a value stands.
#[derive(Clone, Copy)]
struct Level {
    /// The list that it continues; 0 for none.
    repetition: i16,
    /// What is present above it.
    definition: i16,
    /// How many lists are around it.
    depth: i16,
}

impl Shredder {
    pub(crate) fn new(columns: Vec<Column>) -> Self {
        let mut leaves = Vec::new();
        for column in &columns {
            column.add_leaves(&mut leaves);
        }
        Self {
            columns,
            leaves,
            rows: 0,
            bytes: 0,
        }
    }

    /// Adds a record, which is an object.
    pub(crate) fn add(&mut self, record: &Value) {
        let top = Level {
            repetition: 0,
            definition: 0,
            depth: 0,
        };
        let mut at = 0;
        for column in &self.columns {
            let value = record.get(column.name());
            self.bytes += column.shred(value, top, &mut self.leaves, &mut at);
        }
        self.rows += 1;
    }

    /// Forgets all records.
    pub(crate) fn clear(&mut self) {
        for leaf in &mut self.leaves {
            leaf.values = leaf.values.none();
            leaf.definition.clear();
            leaf.repetition.clear();
        }
        (self.rows, self.bytes) = (0, 0);
    }
}

impl Values {
    fn none(&self) -> Self {
        match self {
            Self::Text(_) => Self::Text(Vec::new()),
            Self::Int(_) => Self::Int(Vec::new()),
            Self::Float(_) => Self::Float(Vec::new()),
        }
    }

    /// Adds a value, or nothing where it is of another type; tells its size.
    fn push(&mut self, value: &Value, is_json: bool) -> Option<usize> {
        match self {
            Self::Text(values) => {
                let text = match value {
                    Value::String(text) if !is_json => text.clone(),
                    // What a custom stage has set in place of a text is kept as what it is.
                    other => other.to_string(),
                };
                let bytes = text.len();
                values.push(ByteArray::from(text.into_bytes()));
                Some(bytes + size_of::<ByteArray>())
            }
            Self::Int(values) => value.as_i64().map(|number| {
                values.push(number);
                size_of::<i64>()
            }),
            Self::Float(values) => value.as_f64().map(|number| {
                values.push(number);
                size_of::<f64>()
            }),
        }
    }
}

impl Column {
    fn add_leaves(&self, leaves: &mut Vec<Leaf>) {
        let values = match &self.kind {
            Kind::Text | Kind::Json => Values::Text(Vec::new()),
            Kind::Int => Values::Int(Vec::new()),
            Kind::Float => Values::Float(Vec::new()),
            Kind::Group(columns) => {
                return columns.iter().for_each(|column| column.add_leaves(leaves));
            }
            Kind::List(element) | Kind::Keyed(element) => return element.add_leaves(leaves),
        };
        leaves.push(Leaf {
            values,
            definition: Vec::new(),
            repetition: Vec::new(),
        });
    }

    /// Adds a value to the leaves of this column, which begin at `at`; sets `at` behind them and
    /// tells what that takes in memory.
    fn shred(
        &self,
        value: Option<&Value>,
        level: Level,
        leaves: &mut [Leaf],
        at: &mut usize,
    ) -> usize {
        let value = value.filter(|value| !value.is_null());
        let here = Level {
            definition: level.definition + i16::from(!self.required),
            ..level
        };
        let Some(value) = value else {
            return match (&self.kind, self.required) {
                (Kind::List(_) | Kind::Keyed(_), true) => self.shred_list(&[], here, leaves, at),
                // Below something that has to be there, what is missing is so further down.
                (Kind::Group(_), true) => {
                    self.shred(Some(&Value::Object(Default::default())), level, leaves, at)
                }
                (Kind::Text, true) => {
                    self.shred(Some(&Value::String(String::new())), level, leaves, at)
                }
                _ => self.shred_nothing(level, leaves, at),
            };
        };
        match &self.kind {
            Kind::Text | Kind::Json | Kind::Int | Kind::Float => {
                let leaf = &mut leaves[*at];
                *at += 1;
                let pushed = leaf.values.push(value, matches!(self.kind, Kind::Json));
                let level = if pushed.is_some() { here } else { level };
                leaf.definition.push(level.definition);
                leaf.repetition.push(level.repetition);
                pushed.unwrap_or(0) + 2 * size_of::<i16>()
            }
            Kind::Group(columns) => columns
                .iter()
                .enumerate()
                .map(|(index, column)| {
                    // Pairs of numbers are arrays in JSON.
                    let inner = value.get(column.name()).or_else(|| value.get(index));
                    column.shred(inner, here, leaves, at)
                })
                .sum(),
            Kind::List(_) => {
                let items: &[Value] = value.as_array().map_or(&[], Vec::as_slice);
                let items: Vec<&Value> = items.iter().collect();
                self.shred_list(&items, here, leaves, at)
            }
            Kind::Keyed(_) => {
                let items: Vec<Value> = value
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(key, value)| {
                        let mut item = value.as_object().cloned().unwrap_or_default();
                        item.insert("target".to_owned(), key.as_str().into());
                        Value::Object(item)
                    })
                    .collect();
                let items: Vec<&Value> = items.iter().collect();
                self.shred_list(&items, here, leaves, at)
            }
        }
    }

    fn shred_list(
        &self,
        items: &[&Value],
        level: Level,
        leaves: &mut [Leaf],
        at: &mut usize,
    ) -> usize {
        let (Kind::List(element) | Kind::Keyed(element)) = &self.kind else {
            return 0;
        };
        if items.is_empty() {
            return element.shred_nothing(level, leaves, at);
        }
        let (first, depth) = (*at, level.depth + 1);
        let mut bytes = 0;
        for (index, item) in items.iter().enumerate() {
            let inner = Level {
                repetition: if index == 0 { level.repetition } else { depth },
                definition: level.definition + 1,
                depth,
            };
            *at = first;
            bytes += element.shred(Some(item), inner, leaves, at);
        }
        bytes
    }

    /// Tells all leaves that there is nothing from `level` on.
    fn shred_nothing(&self, level: Level, leaves: &mut [Leaf], at: &mut usize) -> usize {
        match &self.kind {
            Kind::Group(columns) => columns
                .iter()
                .map(|column| column.shred_nothing(level, leaves, at))
                .sum(),
            Kind::List(element) | Kind::Keyed(element) => element.shred_nothing(level, leaves, at),
            _ => {
                leaves[*at].definition.push(level.definition);
                leaves[*at].repetition.push(level.repetition);
                *at += 1;
                2 * size_of::<i16>()
            }
        }
    }
}
