//! Options: their JSON Schema, and mistakes in them with JSON pointers.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

use crate::Diagnostics;

/// The schema of `C`, closed: an option that it does not name is a mistake.
///
/// `deny_unknown_fields` says so by itself; types without it are closed here,
/// because an option that is misspelt and silently ignored is the worst kind.
/// Left open are only objects put together from several (`serde(flatten)`),
/// which cannot be closed piece by piece.
pub(crate) fn of<C: JsonSchema>() -> Value {
    let mut schema = schemars::schema_for!(C).to_value();
    close(&mut schema);
    schema
}

fn close(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            let pieced = ["allOf", "anyOf", "oneOf", "$ref", "unevaluatedProperties"]
                .iter()
                .any(|key| object.contains_key(*key));
            let is_options = object.get("properties").is_some_and(Value::is_object)
                && object.get("type").and_then(Value::as_str) == Some("object");
            if is_options && !pieced && !object.contains_key("additionalProperties") {
                object.insert("additionalProperties".into(), Value::Bool(false));
            }
            for (key, value) in object {
                // The members of `allOf` each describe a part of one object.
                if !matches!(
                    key.as_str(),
                    "allOf" | "default" | "examples" | "const" | "enum"
                ) {
                    close(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// Reads options; a mistake carries the JSON pointer of the place.
pub(crate) fn read<C: DeserializeOwned>(json: &str) -> Result<C, Diagnostics> {
    let json = if json.is_empty() { "{}" } else { json };
    let mut reader = serde_json::Deserializer::from_str(json);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let pointer = pointer(error.path());
        let message = error.inner().to_string();
        // Line and column of the JSON mean nothing to somebody who wrote TOML.
        let message = message.split(" at line ").next().unwrap_or_default();
        Diagnostics::one(pointer, message)
    })
}

fn pointer(path: &Path) -> String {
    let mut pointer = String::new();
    for segment in path.iter() {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            // The variant is no place of its own in the value.
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize, JsonSchema, Debug)]
    #[serde(default)]
    #[derive(Default)]
    struct Config {
        threshold: f32,
        targets: Vec<Target>,
    }

    #[derive(Deserialize, JsonSchema, Debug)]
    #[serde(deny_unknown_fields)]
    struct Target {
        name: String,
    }

    fn mistake(json: &str) -> (String, String) {
        let wrong = read::<Config>(json).unwrap_err();
        (
            wrong.items[0].pointer.clone(),
            wrong.items[0].message.clone(),
        )
    }

    #[test]
    fn wrong_types_are_found_by_pointer() {
        assert_eq!(mistake(r#"{"threshold": "high"}"#).0, "/threshold");
        let (pointer, message) = mistake(r#"{"targets": [{"name": "a"}, {"name": 3}]}"#);
        assert_eq!(pointer, "/targets/1/name");
        assert_eq!(message, "invalid type: integer `3`, expected a string");
    }

    #[test]
    fn unknown_fields_are_found_by_pointer() {
        let (pointer, message) = mistake(r#"{"targets": [{"nam": "a"}]}"#);
        assert_eq!(pointer, "/targets/0/nam");
        assert_eq!(message, "unknown field `nam`, expected `name`");
    }

    #[test]
    fn missing_fields_point_to_what_lacks_them() {
        let (pointer, message) = mistake(r#"{"targets": [{}]}"#);
        assert_eq!(pointer, "/targets/0");
        assert_eq!(message, "missing field `name`");
    }

    #[test]
    fn no_options_at_all_are_the_defaults() {
        assert_eq!(read::<Config>("").unwrap().threshold, 0.0);
        let config = read::<Config>(r#"{"targets": [{"name": "a"}]}"#).unwrap();
        assert_eq!(config.targets[0].name, "a");
    }

    #[test]
    fn schemas_are_closed_without_the_author_saying_so() {
        let schema = of::<Config>();
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["$defs"]["Target"]["additionalProperties"], false);
    }
}
