//! Holds a value against a JSON Schema and tells every mistake in the words of the file.
//!
//! The same code serves the engine's own keys (schema derived from the structs) and a
//! plugin's options (schema carried by the plugin).

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::types::JsonType;
use jsonschema::{ValidationError, Validator};
use serde_json::Value;

use super::places::{Places, child};
use crate::diagnostics::{Diagnostic, did_you_mean, listed};

/// A sentence that lists more values than this is not read.
const MOST_IN_A_SENTENCE: usize = 8;

/// One mistake and the value or key that it is about.
pub(crate) struct Mistake {
    /// JSON pointer into the whole file. Without what it points to (for a missing key:
    /// with it) the file would be right.
    pub(crate) pointer: String,
    pub(crate) diagnostic: Diagnostic,
}

/// A schema made ready, with its text to look names up in.
pub(crate) struct Checker<'a> {
    schema: &'a Value,
    validator: Validator,
}

impl<'a> Checker<'a> {
    /// # Errors
    /// If the schema is none; the text says why.
    pub(crate) fn new(schema: &'a Value) -> Result<Self, String> {
        let validator = jsonschema::validator_for(schema).map_err(|error| error.to_string())?;
        Ok(Self { schema, validator })
    }

    /// Every mistake in `value`, which stands at `base` in the file.
    pub(crate) fn mistakes(&self, value: &Value, base: &str, places: &Places) -> Vec<Mistake> {
        let mut found = Vec::new();
        for error in self.validator.iter_errors(value) {
            self.tell(&error, base, places, &mut found);
        }
        found
    }

    fn tell(
        &self,
        error: &ValidationError<'_>,
        base: &str,
        places: &Places,
        found: &mut Vec<Mistake>,
    ) {
        let pointer = format!("{base}{}", error.instance_path().as_str());
        let name = named(&pointer);
        let instance = error.instance();
        let mut at_value = |diagnostic: Diagnostic| {
            found.push(Mistake {
                diagnostic: diagnostic.at(places.value(&pointer)),
                pointer: pointer.clone(),
            });
        };
        if pointer == "/version" && base.is_empty() {
            return at_value(
                Diagnostic::error(format!(
                    "this copydesk reads pipeline files of `version = 1`, not `{instance}`"
                ))
                .label("not a version that is known"),
            );
        }
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected }
            | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
                let known = self.known_keys(error);
                for key in unexpected {
                    let pointer = child(&pointer, key);
                    let taken = |name: &str| instance.get(name).is_some();
                    let near = did_you_mean(key, known.iter().map(String::as_str));
                    let hint = match near {
                        Some(near) if taken(near) => {
                            Some(format!("`{near}` is set already: remove `{key}`"))
                        }
                        Some(near) => Some(format!("did you mean `{near}`?")),
                        None if known.is_empty() => Some("no keys are taken here".to_owned()),
                        None => Some(format!(
                            "known keys: {}",
                            known
                                .iter()
                                .map(|key| format!("`{key}`"))
                                .collect::<Vec<_>>()
                                .join(", ")
                        )),
                    };
                    found.push(Mistake {
                        diagnostic: Diagnostic::error(format!(
                            "unknown key `{key}` in {}",
                            table_name(parent(&pointer))
                        ))
                        .at(places.key(&pointer))
                        .label("unknown key")
                        .hint_if(hint),
                        pointer,
                    });
                }
            }
            ValidationErrorKind::Required { property } => {
                let key = property.as_str().unwrap_or_default();
                let table = table_name(&pointer);
                let mut diagnostic = Diagnostic::error(format!("missing key `{key}` in {table}"))
                    .at(places.value(&pointer));
                if diagnostic.place.is_some() {
                    diagnostic = diagnostic.label(format!("`{key}` is required here"));
                }
                if pointer.is_empty() && key == "version" {
                    diagnostic = diagnostic.hint("begin the file with `version = 1`");
                }
                let said = self
                    .subschema(error)
                    .and_then(|schema| schema["properties"][key]["description"].as_str())
                    .filter(|_| diagnostic.hints.is_empty())
                    .and_then(|text| text.lines().next())
                    .map(|text| format!("`{key}`: {}", text.trim_end_matches('.')));
                found.push(Mistake {
                    diagnostic: diagnostic.hint_if(said),
                    pointer: child(&pointer, key),
                });
            }
            ValidationErrorKind::Type { kind } => {
                let wanted: Vec<JsonType> = match kind {
                    TypeKind::Single(one) => vec![*one],
                    TypeKind::Multiple(set) => set.iter().collect(),
                };
                at_value(wrong_type(&name, &wanted, instance));
            }
            ValidationErrorKind::Enum { options } => {
                let options = options.as_array().cloned().unwrap_or_default();
                at_value(not_among(&name, &options, instance));
            }
            ValidationErrorKind::Constant { expected_value } => {
                at_value(not_among(&name, &[Value::clone(expected_value)], instance));
            }
            ValidationErrorKind::AnyOf { context }
            | ValidationErrorKind::OneOfNotValid { context } => {
                self.tell_alternatives(error, context, base, places, found);
            }
            ValidationErrorKind::Minimum { limit } => at_value(
                Diagnostic::error(format!("{name} must be at least {limit}"))
                    .label(format!("this is {instance}")),
            ),
            ValidationErrorKind::ExclusiveMinimum { limit } => at_value(
                Diagnostic::error(format!("{name} must be more than {limit}"))
                    .label(format!("this is {instance}")),
            ),
            ValidationErrorKind::Maximum { limit } => at_value(
                Diagnostic::error(format!("{name} must be at most {limit}"))
                    .label(format!("this is {instance}")),
            ),
            ValidationErrorKind::ExclusiveMaximum { limit } => at_value(
                Diagnostic::error(format!("{name} must be less than {limit}"))
                    .label(format!("this is {instance}")),
            ),
            ValidationErrorKind::MinLength { limit: 1 } => {
                at_value(Diagnostic::error(format!("{name} must not be empty")).label("empty"));
            }
            ValidationErrorKind::MinItems { limit: 1 } => {
                at_value(
                    Diagnostic::error(format!("{name} must have at least one item")).label("empty"),
                );
            }
            ValidationErrorKind::Pattern { pattern } => at_value(
                Diagnostic::error(format!("{name} does not have the form that is expected"))
                    .label(format!("must match `{pattern}`")),
            ),
            ValidationErrorKind::UniqueItems => at_value(
                Diagnostic::error(format!("{name} names the same thing twice"))
                    .label("has equal items"),
            ),
            // The rarer keywords: the validator's own words, with the value left to the caret.
            _ => at_value(Diagnostic::error(format!(
                "{name} is not valid: {}",
                error.masked_with("the value")
            ))),
        }
    }

    /// Of several alternatives, tells what would satisfy one: all of them together if they
    /// are plain values, else the one that the user most likely meant.
    fn tell_alternatives(
        &self,
        error: &ValidationError<'_>,
        context: &[Vec<ValidationError<'static>>],
        base: &str,
        places: &Places,
        found: &mut Vec<Mistake>,
    ) {
        let here = error.instance_path().as_str();
        let pointer = format!("{base}{here}");
        let name = named(&pointer);
        let mut values = Vec::new();
        let mut types = Vec::new();
        for problem in context.iter().flatten() {
            match problem.kind() {
                _ if problem.instance_path().as_str() != here => {}
                ValidationErrorKind::Constant { expected_value } => {
                    values.push(Value::clone(expected_value));
                }
                ValidationErrorKind::Enum { options } => {
                    values.extend(options.as_array().cloned().unwrap_or_default());
                }
                ValidationErrorKind::Type { kind } => match kind {
                    TypeKind::Single(one) => types.push(*one),
                    TypeKind::Multiple(set) => types.extend(set.iter()),
                },
                _ => {}
            }
        }
        // A branch of the right type whose inside is wrong is what the user meant.
        let meant = context
            .iter()
            .filter(|branch| {
                branch.iter().all(|problem| {
                    problem.instance_path().as_str() != here
                        || !matches!(
                            problem.kind(),
                            ValidationErrorKind::Type { .. }
                                | ValidationErrorKind::Constant { .. }
                                | ValidationErrorKind::Enum { .. }
                        )
                })
            })
            .min_by_key(|branch| branch.len());
        if let Some(branch) = meant {
            for problem in branch {
                self.tell(problem, base, places, found);
            }
            return;
        }
        let instance = error.instance();
        let diagnostic = if values.is_empty() {
            types.sort_unstable_by_key(|kind| *kind as u8);
            types.dedup();
            wrong_type(&name, &types, instance)
        } else {
            not_among(&name, &values, instance)
        };
        found.push(Mistake {
            diagnostic: diagnostic.at(places.value(&pointer)),
            pointer,
        });
    }

    /// The schema object that holds the keyword which failed.
    fn subschema(&self, error: &ValidationError<'_>) -> Option<&Value> {
        self.schema.pointer(parent(error.schema_path().as_str()))
    }

    fn known_keys(&self, error: &ValidationError<'_>) -> Vec<String> {
        self.subschema(error)
            .and_then(|schema| schema["properties"].as_object())
            .map(|properties| properties.keys().cloned().collect())
            .unwrap_or_default()
    }
}

fn parent(pointer: &str) -> &str {
    pointer.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// What a message calls the value at a pointer.
fn named(pointer: &str) -> String {
    let last = pointer.rsplit('/').next().unwrap_or_default();
    if last.parse::<usize>().is_ok() {
        let holder = parent(pointer);
        return match holder {
            "/stage" => "a `[[stage]]`".to_owned(),
            "/output" => "an `[[output]]`".to_owned(),
            _ => format!("an item of {}", named(holder)),
        };
    }
    format!("`{}`", last.replace("~1", "/").replace("~0", "~"))
}

/// What a message calls the table at a pointer, as its header would be written.
fn table_name(pointer: &str) -> String {
    let steps: Vec<String> = pointer
        .split('/')
        .skip(1)
        .map(|step| step.replace("~1", "/").replace("~0", "~"))
        .collect();
    match steps.as_slice() {
        [] => "the pipeline file".to_owned(),
        [stage, _] if stage == "stage" => "`[[stage]]`".to_owned(),
        [output, index] if output == "output" && index.parse::<usize>().is_ok() => {
            "`[[output]]`".to_owned()
        }
        steps
            if steps
                .last()
                .is_some_and(|step| step.parse::<usize>().is_ok()) =>
        {
            named(pointer)
        }
        steps => {
            let names: Vec<&str> = steps
                .iter()
                .filter(|step| step.parse::<usize>().is_err())
                .map(String::as_str)
                .collect();
            format!("`[{}]`", names.join("."))
        }
    }
}

fn wrong_type(name: &str, wanted: &[JsonType], found: &Value) -> Diagnostic {
    let wanted: Vec<&str> = wanted
        .iter()
        // TOML has no null: a schema that allows it means a key that may be absent.
        .filter(|kind| **kind != JsonType::Null)
        .map(|kind| match kind {
            JsonType::Array => "an array",
            JsonType::Object => "a table",
            JsonType::String => "a string",
            JsonType::Boolean => "true or false",
            JsonType::Integer => "an integer",
            JsonType::Number => "a number",
            JsonType::Null => "null",
        })
        .collect();
    let wanted = wanted.join(" or ");
    Diagnostic::error(format!("{name} must be {wanted}, not {}", kind_of(found)))
        .label(format!("expected {wanted}"))
        .hint_if(match (wanted.as_str(), found) {
            ("an integer" | "a number", Value::String(text)) if text.parse::<f64>().is_ok() => {
                Some(format!("write it without quotation marks: {text}"))
            }
            ("true or false", Value::String(text)) if text == "true" || text == "false" => {
                Some(format!("write it without quotation marks: {text}"))
            }
            _ => None,
        })
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(number) if number.is_f64() => "a number with a fraction",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "a table",
    }
}

fn not_among(name: &str, options: &[Value], found: &Value) -> Diagnostic {
    let shown = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut options: Vec<String> = options
        .iter()
        .filter(|option| !option.is_null())
        .map(shown)
        .collect();
    options.dedup();
    let found = shown(found);
    let names = || options.iter().map(String::as_str);
    let near = did_you_mean(&found, names()).map(|near| format!("did you mean `{near}`?"));
    let diagnostic = if options.len() <= MOST_IN_A_SENTENCE {
        Diagnostic::error(format!("{name} must be {}, not `{found}`", listed(names())))
    } else {
        Diagnostic::error(format!("{name} has no value `{found}`"))
            .note(format!("known values: {}", options.join(", ")))
    };
    diagnostic.label("not a known value").hint_if(near)
}

#[cfg(test)]
mod tests {
    use schemars::JsonSchema;

    use super::super::places;
    use super::*;
    use crate::diagnostics::{Diagnostics, SourceFile};

    /// Options as a plugin may have them.
    #[derive(JsonSchema)]
    #[schemars(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the schema is used")]
    struct Options {
        targets: Vec<Target>,
        #[schemars(range(min = 0.0, max = 1.0))]
        neutral_band: Option<f64>,
        pick: Option<Pick>,
        limits: std::collections::BTreeMap<String, u32>,
    }

    #[derive(JsonSchema)]
    #[schemars(deny_unknown_fields)]
    #[expect(dead_code, reason = "only the schema is used")]
    struct Target {
        /// The name that the output has.
        #[schemars(length(min = 1))]
        name: String,
        aliases: Option<Vec<String>>,
    }

    #[derive(JsonSchema)]
    #[schemars(rename_all = "lowercase")]
    #[expect(dead_code, reason = "only the schema is used")]
    enum Pick {
        /// The first.
        First,
        /// All but some.
        Except(Vec<String>),
    }

    fn told(text: &str) -> String {
        let schema = schemars::schema_for!(Options).to_value();
        let (value, places, broken) = places::parse(text);
        assert!(broken.is_empty(), "{broken:?}");
        let mut diagnostics = Diagnostics::new(
            SourceFile {
                path: "pipeline.toml".into(),
                text: text.to_owned(),
            }
            .into(),
        );
        let checker = Checker::new(&schema).unwrap();
        let options = &value["stage"][0]["options"];
        for mistake in checker.mistakes(options, "/stage/0/options", &places) {
            diagnostics.push(mistake.diagnostic);
        }
        diagnostics.to_string()
    }

    #[test]
    fn options_that_fit_the_schema_are_right() {
        let text = "[[stage]]\n[stage.options]\ntargets = [{ name = 'Fjord League' }]\npick = { except = ['x'] }\nlimits = {}\nneutral_band = 0\n";
        assert_eq!(told(text), "");
    }

    #[test]
    fn mistakes_deep_in_the_options_of_a_plugin_have_their_place() {
        insta::assert_snapshot!(told(
            r#"[[stage]]
[stage.options]
neutral_band = 1.2
pick = "frist"
limits = { a = 1, b = "two", c = -1 }
targets = [
  { name = "Fjord League", alias = ["the league"] },
  { nme = "Harbour Union" },
  { name = "", aliases = ["union", 3] },
  "Ilse Brandt",
]
"#
        ));
    }

    #[test]
    fn of_alternatives_the_one_that_was_meant_is_told() {
        insta::assert_snapshot!(told(
            "[[stage]]\n[stage.options]\ntargets = []\nlimits = {}\npick = { except = [1] }\n"
        ));
    }

    #[test]
    fn without_options_the_stage_itself_is_shown() {
        insta::assert_snapshot!(told("[[stage]]\nuse = 'sentiment'\noptions = {}\n"));
    }
}
