//! `[output]`, or several `[[output]]`.

use std::ops::{Deref, DerefMut};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Compression, Output, OutputFormat, Places};
use crate::diagnostics::Diagnostic;

/// Where documents go: one output, or several that all get every document.
///
/// It stands for the first of them, which also says where dead letters go and whether what is
/// there is replaced.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outputs {
    first: Output,
    others: Vec<Output>,
}

impl Outputs {
    /// All of them, in the order of the file.
    pub fn all(&self) -> impl Iterator<Item = &Output> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// All of them, to be changed.
    pub fn all_mut(&mut self) -> impl Iterator<Item = &mut Output> {
        std::iter::once(&mut self.first).chain(&mut self.others)
    }

    /// Leaves the first alone.
    pub fn keep_first(&mut self) {
        self.others.clear();
    }

    /// The pointer of a key of output `index` in the file.
    pub(crate) fn pointer(&self, index: usize, key: &str, places: &Places) -> String {
        match places.has("/output/0") {
            true => format!("/output/{index}/{key}"),
            false => format!("/output/{key}"),
        }
    }

    /// What is wrong with how keys go together.
    pub(super) fn problems(&self, places: &Places) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        for (index, output) in self.all().enumerate() {
            let at = |key: &str| places.value(&self.pointer(index, key, places));
            if output.compression.is_some() && !output.is_folder() {
                let name = match output.compression {
                    Some(Compression::Gz) => "gz",
                    _ => "zst",
                };
                problems.push(
                    Diagnostic::error("`compression` is for folders of files")
                        .at(at("compression"))
                        .label("the output is one file")
                        .hint(format!(
                            "end the name of the file with `.{name}`, or `path` with `/`"
                        )),
                );
            }
            if output.compression.is_some() && output.kind() != OutputFormat::Jsonl {
                problems.push(
                    Diagnostic::error("`compression` is for JSONL")
                        .at(at("compression"))
                        .label("this format compresses by itself, or not at all"),
                );
            }
            if index == 0 {
                continue;
            }
            for key in ["dead_letters", "overwrite"] {
                if places.has(&self.pointer(index, key, places)) {
                    problems.push(
                        Diagnostic::error(format!("`{key}` stands in the first `[[output]]`"))
                            .at(places.key(&self.pointer(index, key, places)))
                            .label("it is for all outputs together"),
                    );
                }
            }
            let same = self
                .all()
                .take(index)
                .any(|other| other.path == output.path);
            if same {
                problems.push(
                    Diagnostic::error(format!("two outputs go to `{}`", output.path))
                        .at(at("path"))
                        .label("the same place again"),
                );
            }
        }
        problems
    }
}

impl Deref for Outputs {
    type Target = Output;

    fn deref(&self) -> &Output {
        &self.first
    }
}

impl DerefMut for Outputs {
    fn deref_mut(&mut self) -> &mut Output {
        &mut self.first
    }
}

impl Serialize for Outputs {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.others.is_empty() {
            true => self.first.serialize(serializer),
            false => serializer.collect_seq(self.all()),
        }
    }
}

impl<'de> Deserialize<'de> for Outputs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum OneOrMany {
            One(Box<Output>),
            Many(Vec<Output>),
        }
        let mut all = match OneOrMany::deserialize(deserializer)? {
            OneOrMany::One(output) => vec![*output],
            OneOrMany::Many(outputs) => outputs,
        }
        .into_iter();
        Ok(Self {
            first: all.next().unwrap_or_default(),
            others: all.collect(),
        })
    }
}

impl JsonSchema for Outputs {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Outputs".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<Output>();
        json_schema!({
            "anyOf": [one.clone(), { "type": "array", "items": one, "minItems": 1 }]
        })
    }
}
