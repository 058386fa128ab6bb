//! From the fields of a record to a document: which is the text, which the id, and what is
//! carried along.

use std::sync::Arc;

use copydesk_document::{Map, Value};

use super::record::{Content, Draft, Options, Spot};
use crate::{decode::Note, discover::InputFile};

/// Why the fields of a record make no document.
pub(crate) struct Wrong {
    pub(crate) code: &'static str,
    /// The field that is wrong, where one is.
    pub(crate) field: Option<String>,
    pub(crate) message: String,
}

/// What messages call the parts of a format.
#[derive(Clone, Copy)]
pub(crate) struct Words {
    /// A record: `line`, `row`.
    pub(crate) record: &'static str,
    /// One of its fields: `field`, `column`.
    pub(crate) field: &'static str,
}

/// Makes a document of the fields of a record.
///
/// The text is in `text_field`; where that is absent, null or (in tables, which have no null)
/// empty, the page in `html_field`. What copydesk has no use for goes to `extra`.
pub(crate) fn draft(
    mut fields: Map<String, Value>,
    words: Words,
    file: &Arc<InputFile>,
    spot: Spot,
    notes: Vec<Note>,
    options: &Options,
) -> Result<Draft, Wrong> {
    let content = content(&mut fields, words, options)?;
    let given_id = id(&mut fields, options)?;
    let mut draft = content.draft(Arc::clone(file), Some(spot));
    draft.notes.splice(..0, notes);
    Ok(Draft {
        given_id,
        extra: fields,
        ..draft
    })
}

fn content(
    fields: &mut Map<String, Value>,
    words: Words,
    options: &Options,
) -> Result<Content, Wrong> {
    let text_field = &options.text_field;
    // Columns that a line has no value for are null in tables turned to JSON.
    let given = |field: &str| {
        fields
            .get(field)
            .is_some_and(|value| !is_nothing(value, words))
    };
    let page = !given(text_field) && given(&options.html_field);
    let field = match page {
        true => &options.html_field,
        false => text_field,
    };
    match fields.shift_remove(field) {
        Some(Value::String(html)) if page => {
            fields.shift_remove(text_field);
            Ok(Content::Page(html))
        }
        Some(Value::String(text)) => Ok(Content::Text(text)),
        Some(other) => Err(Wrong {
            code: "text-not-string",
            message: format!("`{field}` is {}, not a text", kind(&other))
                + &other_texts(fields, words, options),
            field: Some(field.clone()),
        }),
        None => Err(Wrong {
            code: "no-text",
            message: format!("there is no `{text_field}`") + &other_texts(fields, words, options),
            field: None,
        }),
    }
}

fn id(fields: &mut Map<String, Value>, options: &Options) -> Result<Option<String>, Wrong> {
    let field = &options.id_field;
    match fields.shift_remove(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(id)) if id.is_empty() => Ok(None),
        Some(Value::String(id)) => Ok(Some(id)),
        Some(Value::Number(id)) => Ok(Some(id.to_string())),
        Some(other) => Err(Wrong {
            code: "bad-id",
            message: format!(
                "`{field}` is {}, not a text or number; choose another with `id_field` under \
                 `[input]`",
                kind(&other)
            ),
            field: Some(field.clone()),
        }),
    }
}

/// Tables have no null: what is empty there is absent.
fn is_nothing(value: &Value, words: Words) -> bool {
    value.is_null() || (words.field == "column" && value.as_str() == Some(""))
}

/// The remedy for a text in another field: which there are, and the key that chooses one.
fn other_texts(fields: &Map<String, Value>, words: Words, options: &Options) -> String {
    let mut texts: Vec<(&str, usize)> = fields
        .iter()
        .filter(|(name, _)| **name != options.id_field)
        .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?.len())))
        .collect();
    texts.sort_by_key(|(_, length)| std::cmp::Reverse(*length));
    let names: Vec<&str> = texts.iter().take(5).map(|(name, _)| *name).collect();
    let Words { record, field } = words;
    match names.is_empty() {
        true => format!("; the {record} has no other {field} with a text"),
        false => format!(
            "; {field}s with a text: {}; choose one with `text_field` under `[input]`",
            quoted(&names)
        ),
    }
}

/// Why a table has no text at all: `None` if it has one of the columns that hold it.
pub(crate) fn missing_column(names: &[String], options: &Options) -> Option<String> {
    let has = |name: &String| names.contains(name);
    if has(&options.text_field) || has(&options.html_field) {
        return None;
    }
    const MOST: usize = 20;
    let shown: Vec<&str> = names.iter().take(MOST).map(String::as_str).collect();
    let more = match names.len().saturating_sub(MOST) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!(
        "there is no column `{}` or `{}`; its columns are {}{more}; choose one with `text_field` \
         or `html_field` under `[input]`",
        options.text_field,
        options.html_field,
        quoted(&shown)
    ))
}

fn quoted(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

pub(crate) fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => format!("`{value}`"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(_) => "a text".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}
