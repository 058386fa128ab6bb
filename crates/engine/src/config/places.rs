//! A TOML text as a JSON value that remembers where each key and value stood.

use std::collections::HashMap;
use std::ops::Range;

use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostics::Diagnostic;

/// Where a value and, if it has one, its key stand in the file, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) key: Option<Range<usize>>,
    pub(crate) value: Range<usize>,
}

/// The place of every value of a file, by JSON pointer (RFC 6901).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Places(HashMap<String, Place>);

impl Places {
    /// The place of the value itself, else of the nearest value around it.
    pub(crate) fn value(&self, pointer: &str) -> Option<Range<usize>> {
        self.nearest(pointer).map(|place| place.value.clone())
    }

    /// The place of the key; of the value where it has none (an item of an array).
    pub(crate) fn key(&self, pointer: &str) -> Option<Range<usize>> {
        self.nearest(pointer)
            .map(|place| place.key.clone().unwrap_or_else(|| place.value.clone()))
    }

    /// Whether the file has a value at this pointer.
    pub(crate) fn has(&self, pointer: &str) -> bool {
        self.0.contains_key(pointer)
    }

    fn nearest(&self, mut pointer: &str) -> Option<&Place> {
        loop {
            if let Some(place) = self.0.get(pointer) {
                return Some(place);
            }
            let (parent, _) = pointer.rsplit_once('/')?;
            if parent.is_empty() {
                // The whole file is no place that helps.
                return None;
            }
            pointer = parent;
        }
    }
}

/// A JSON pointer one step longer.
pub(crate) fn child(pointer: &str, step: &str) -> String {
    format!("{pointer}/{}", step.replace('~', "~0").replace('/', "~1"))
}

/// Parses TOML, going on after an error as far as the parser can.
pub(crate) fn parse(text: &str) -> (Value, Places, Vec<Diagnostic>) {
    let (root, errors) = DeTable::parse_recoverable(text);
    let mut diagnostics: Vec<Diagnostic> = errors
        .iter()
        .map(|error| {
            Diagnostic::error(format!("not valid TOML: {}", error.message())).at(error.span())
        })
        .collect();
    let mut places = Places::default();
    let value = Value::Object(table(root.get_ref(), "", &mut places, &mut diagnostics));
    (value, places, diagnostics)
}

fn table(
    table: &DeTable<'_>,
    pointer: &str,
    places: &mut Places,
    diagnostics: &mut Vec<Diagnostic>,
) -> Map<String, Value> {
    let mut object = Map::new();
    for (key, item) in table {
        let pointer = child(pointer, key.get_ref());
        places.0.insert(
            pointer.clone(),
            Place {
                key: Some(key.span()),
                value: item.span(),
            },
        );
        let converted = value(item, &pointer, places, diagnostics);
        object.insert(key.get_ref().to_string(), converted);
    }
    object
}

fn value(
    item: &Spanned<DeValue<'_>>,
    pointer: &str,
    places: &mut Places,
    diagnostics: &mut Vec<Diagnostic>,
) -> Value {
    match item.get_ref() {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(yes) => Value::Bool(*yes),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Number(number.into()),
            Err(_) => {
                diagnostics.push(
                    Diagnostic::error(format!("`{number}` is too large for an integer"))
                        .at(Some(item.span())),
                );
                Value::Null
            }
        },
        DeValue::Float(number) => match number.as_str().parse().ok().and_then(Number::from_f64) {
            Some(number) => Value::Number(number),
            None => {
                diagnostics.push(
                    Diagnostic::error(format!("`{number}` is not a finite number"))
                        .at(Some(item.span())),
                );
                Value::Null
            }
        },
        // JSON has no dates; a plugin reads them as text.
        DeValue::Datetime(time) => Value::String(time.to_string()),
        DeValue::Array(items) => Value::Array(
            items
                .iter()
                .enumerate()
                .map(|(index, item)| {
                    let pointer = child(pointer, &index.to_string());
                    places.0.insert(
                        pointer.clone(),
                        Place {
                            key: None,
                            value: item.span(),
                        },
                    );
                    value(item, &pointer, places, diagnostics)
                })
                .collect(),
        ),
        DeValue::Table(inner) => Value::Object(table(inner, pointer, places, diagnostics)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_and_key_has_its_place() {
        let text = "version = 1\n[[stage]]\nuse = 'a'\n[stage.options]\nlist = [1, 'x/y']\n'odd/key' = 2\n";
        let (value, places, errors) = parse(text);
        assert!(errors.is_empty(), "{errors:?}");
        assert_eq!(value["stage"][0]["options"]["list"][1], "x/y");
        let at = |range: Option<Range<usize>>| &text[range.unwrap()];
        assert_eq!(at(places.value("/stage/0/use")), "'a'");
        assert_eq!(at(places.key("/stage/0/use")), "use");
        assert_eq!(at(places.value("/stage/0/options/list/1")), "'x/y'");
        assert_eq!(at(places.value("/stage/0/options/odd~1key")), "2");
        assert_eq!(at(places.value("/stage/0")), "[[stage]]");
        // What is absent is shown at what should hold it.
        assert_eq!(
            at(places.value("/stage/0/options/missing")),
            "[stage.options]"
        );
        assert_eq!(places.value("/missing"), None);
    }

    #[test]
    fn broken_toml_is_told_with_its_place_and_the_rest_is_still_read() {
        let (value, _, errors) = parse("version = \n[run]\nthreads = 2\n");
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(errors[0].place.is_some());
        assert_eq!(value["run"]["threads"], 2);
    }
}
