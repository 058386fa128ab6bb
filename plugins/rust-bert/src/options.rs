//! The options that every stage has, and what they come to.

use std::collections::BTreeMap;

use copydesk_plugin::{Diagnostics, Host};
use schemars::JsonSchema;
use serde::Deserialize;
use tch::{Cuda, Device, Kind};

use crate::folder::{Folder, Task};
use crate::text::Pieces;

/// With how many bits the network computes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Precision {
    /// 32-bit floats.
    #[default]
    F32,
    /// 16-bit floats with the range of 32 bits: on processors with AMX or AVX-512 BF16, and on graphics cards, twice
    /// as fast; elsewhere slower.
    Bf16,
}

impl Precision {
    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::F32 => Kind::Float,
            Self::Bf16 => Kind::BFloat16,
        }
    }
}

/// What the token types tell the model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TokenTypes {
    /// Which of two texts a piece belongs to, as BERT has it.
    #[default]
    Segments,
    /// How the piece's word is written (no capital, Capitalised, ALL CAPS, miXed), as copydesk's own models have it.
    Case,
}

/// What the stages' options have in common.
#[derive(Debug, Clone)]
pub(crate) struct ModelOptions {
    pub(crate) model: String,
    pub(crate) device: String,
    pub(crate) precision: Precision,
    pub(crate) batch: usize,
    pub(crate) window: Option<usize>,
    pub(crate) token_types: TokenTypes,
}

/// A model and how to run it, checked as far as that goes without its weights.
#[derive(Debug, Clone)]
pub(crate) struct Checked {
    pub(crate) folder: Folder,
    pub(crate) pieces: Pieces,
    pub(crate) device: Device,
    pub(crate) precision: Precision,
    pub(crate) batch: usize,
    /// Pieces in one window, with those that are not text.
    pub(crate) window: usize,
}

/// The most pieces that a window has unless the option says otherwise: what nearly all models were trained with.
const WINDOW: usize = 512;
/// The fewest: beside the pieces that are not text it must hold the longest part of a word.
const SHORTEST_WINDOW: usize = 64;

/// Adds the common options to those of a stage: fields, defaults, and [`ModelOptions`] of them.
macro_rules! with_model_options {
    (
        $(#[$meta:meta])*
        struct $name:ident {
            $($(#[$field_meta:meta])* $field:ident: $type:ty = $default:expr,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub(crate) struct $name {
            /// Folder of the model, as the hub has it: `config.json`, `tokenizer.json` (or the vocabulary that it is
            /// made from), and the weights as `.safetensors`, `.ot` or `.bin`.
            model: String,
            /// What computes: `cpu`, `cuda`, or `cuda:1` for the second card. A card needs a libtorch for CUDA.
            device: String,
            /// With how many bits the network computes.
            precision: $crate::options::Precision,
            /// Windows of one document that are computed together.
            batch: usize,
            /// Pieces (parts of words) that are read at a time; by default as many as the model has positions for,
            /// but not above 512.
            window: Option<usize>,
            /// What the model's token types stand for.
            token_types: $crate::options::TokenTypes,
            $($(#[$field_meta])* $field: $type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    model: String::new(),
                    device: "cpu".to_owned(),
                    precision: $crate::options::Precision::default(),
                    batch: 16,
                    window: None,
                    token_types: $crate::options::TokenTypes::default(),
                    $($field: $default,)*
                }
            }
        }

        impl $name {
            fn model_options(&self) -> $crate::options::ModelOptions {
                $crate::options::ModelOptions {
                    model: self.model.clone(),
                    device: self.device.clone(),
                    precision: self.precision,
                    batch: self.batch,
                    window: self.window,
                    token_types: self.token_types,
                }
            }
        }
    };
}
pub(crate) use with_model_options;

impl ModelOptions {
    /// Opens the model's folder for `task`; whatever is wrong with it or with the options goes to `wrong`.
    pub(crate) fn check(
        &self,
        task: Task,
        host: &Host<'_>,
        wrong: &mut Diagnostics,
    ) -> Option<Checked> {
        if self.batch == 0 {
            wrong.error("/batch", "a batch needs at least one window");
        }
        let device = match device(&self.device) {
            Ok(device) => device,
            Err((message, hint)) => {
                wrong.error("/device", message).hint(hint);
                Device::Cpu
            }
        };
        if self.model.is_empty() {
            wrong.error("/model", "the stage needs a model").hint(
                "name a model folder; `copydesk model get ORG/NAME` fetches one from the hub",
            );
            return None;
        }
        let path = match host.resource(&self.model) {
            Ok(path) => path,
            Err(error) => {
                wrong.error("/model", error.message()).hint(
                    "`copydesk model get ORG/NAME` fetches a model from the hub; relative paths count from the \
                     pipeline file",
                );
                return None;
            }
        };
        let opened = Folder::open(&path, task)
            .and_then(|folder| Ok((Pieces::open(&folder, self.token_types)?, folder)));
        let (pieces, folder) = match opened {
            Ok(opened) => opened,
            Err(problem) => {
                wrong.error("/model", problem.message).hint(problem.hint);
                return None;
            }
        };
        let longest = folder.positions;
        let window = self.window.unwrap_or(longest.min(WINDOW));
        if self.window.is_some() && !(SHORTEST_WINDOW..=longest).contains(&window) {
            wrong
                .error(
                    "/window",
                    format!("{window} pieces; this model takes {SHORTEST_WINDOW} to {longest}"),
                )
                .hint("leave the option out to read as much as the model can");
        }
        Some(Checked {
            folder,
            pieces,
            device,
            precision: self.precision,
            batch: self.batch,
            window,
        })
    }
}

/// The device called `name`, if it is there.
fn device(name: &str) -> Result<Device, (String, &'static str)> {
    let number = match name.split_once(':') {
        None if name == "cpu" => return Ok(Device::Cpu),
        None if name == "cuda" => Some(0),
        Some(("cuda", number)) => number.parse::<usize>().ok(),
        _ => None,
    };
    let Some(number) = number else {
        return Err((
            format!("there is no device `{name}`"),
            "one of: cpu, cuda, cuda:0, cuda:1 …",
        ));
    };
    if !Cuda::is_available() {
        return Err((
            format!("`{name}` cannot be used: this libtorch finds no graphics card"),
            "set `device = \"cpu\"`; or build the plugin with a libtorch for CUDA (docs/rust-bert.md) where a card is",
        ));
    }
    if number as i64 >= Cuda::device_count() {
        return Err((
            format!(
                "`{name}` cannot be used: there are {} graphics cards",
                Cuda::device_count()
            ),
            "the first is cuda:0",
        ));
    }
    Ok(Device::Cuda(number))
}

/// What the model's labels mean to the stage: for each of them one of `known`, or `None` for one to leave out.
///
/// `map` is the option `labels`; `guess` says what a label means that stands there not.
pub(crate) fn meanings(
    folder: &Folder,
    labels: &[String],
    map: &BTreeMap<String, String>,
    known: &[&'static str],
    guess: impl Fn(&str) -> Option<&'static str>,
    wrong: &mut Diagnostics,
) -> Vec<Option<&'static str>> {
    unused(labels, map, wrong);
    let hint = format!(
        "say what it means in `labels`, as in {{ \"{}\" = \"{}\" }}, or leave it out with \"\"",
        labels.first().map_or("", String::as_str),
        known[0]
    );
    let mut meanings = Vec::with_capacity(labels.len());
    for label in labels {
        let meaning = match map.get(label).map(String::as_str) {
            Some("") => None,
            Some(name) => {
                let found = known.iter().find(|known| **known == name).copied();
                if found.is_none() {
                    wrong
                        .error(pointer(label), format!("there is no label `{name}`"))
                        .hint(format!("labels are {}", known.join(", ")));
                }
                found
            }
            None => {
                let found = guess(label);
                if found.is_none() {
                    wrong
                        .error(
                            "/model",
                            format!("unknown label `{label}` in {}", folder.path.display()),
                        )
                        .hint(&hint);
                }
                found
            }
        };
        meanings.push(meaning);
    }
    meanings
}

/// Reports what stands in the option `labels` though the model has no such label.
pub(crate) fn unused(labels: &[String], map: &BTreeMap<String, String>, wrong: &mut Diagnostics) {
    for name in map.keys().filter(|name| !labels.contains(name)) {
        wrong
            .error(pointer(name), format!("the model has no label `{name}`"))
            .hint(format!("its labels are {}", labels.join(", ")));
    }
}

fn pointer(label: &str) -> String {
    format!("/labels/{}", label.replace('~', "~0").replace('/', "~1"))
}
