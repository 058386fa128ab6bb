//! A model folder as the hub has it: `config.json`, tokenizer and weights.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// What is wrong with a model, and what helps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) message: String,
    pub(crate) hint: &'static str,
}

impl Problem {
    pub(crate) fn new(message: impl Into<String>, hint: &'static str) -> Self {
        Self {
            message: message.into(),
            hint,
        }
    }
}

/// What the network says of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    /// A label for every piece.
    Tokens,
    /// A label for the whole.
    Sequence,
}

impl Task {
    /// How the hub names a model with such a head.
    pub(crate) fn suffix(self) -> &'static str {
        match self {
            Self::Tokens => "ForTokenClassification",
            Self::Sequence => "ForSequenceClassification",
        }
    }
}

/// The kinds of model that rust-bert has for both tasks or one, as `model_type` names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Architecture {
    Albert,
    Bart,
    Bert,
    Deberta,
    DebertaV2,
    DistilBert,
    Electra,
    Longformer,
    MobileBert,
    /// Also XLM-RoBERTa and CamemBERT, which are the same network.
    Roberta,
}

const ARCHITECTURES: [(&str, Architecture); 12] = [
    ("albert", Architecture::Albert),
    ("bart", Architecture::Bart),
    ("bert", Architecture::Bert),
    ("camembert", Architecture::Roberta),
    ("deberta", Architecture::Deberta),
    ("deberta-v2", Architecture::DebertaV2),
    ("distilbert", Architecture::DistilBert),
    ("electra", Architecture::Electra),
    ("longformer", Architecture::Longformer),
    ("mobilebert", Architecture::MobileBert),
    ("roberta", Architecture::Roberta),
    ("xlm-roberta", Architecture::Roberta),
];

impl Architecture {
    /// Whether rust-bert has this network with a head for `task`.
    fn does(self, task: Task) -> bool {
        match self {
            Self::Bart => task == Task::Sequence,
            Self::Electra => task == Task::Tokens,
            _ => true,
        }
    }

    /// Positions that RoBERTa's way of counting leaves unused, up to and with that of the padding.
    fn unused_positions(self) -> usize {
        match self {
            Self::Roberta | Self::Longformer => 2,
            _ => 0,
        }
    }
}

/// A model folder, opened without its weights.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    pub(crate) config: Value,
    pub(crate) architecture: Architecture,
    pub(crate) task: Task,
    /// The model's labels, in the order of its outputs.
    pub(crate) labels: Vec<String>,
    /// Pieces that it can read at a time, with those that are not text.
    pub(crate) positions: usize,
    pub(crate) vocabulary: usize,
    /// Token types; 0 where the network has none.
    pub(crate) token_types: usize,
    pub(crate) pad: i64,
    pub(crate) weights: PathBuf,
}

/// In order of preference: the first is quick to read, the last a Python pickle.
const WEIGHTS: [&str; 6] = [
    "model.safetensors",
    "rust_model.ot",
    "model.ot",
    "pytorch_model.bin",
    "model.bin",
    "model.pt",
];

const GET: &str = "`copydesk model get ORG/NAME` fetches a model's folder from the hub";

impl Folder {
    /// Reads `config.json` and looks for the other files.
    ///
    /// # Errors
    /// A file is missing, or the model is none that a stage for `task` can run.
    pub(crate) fn open(path: &Path, task: Task) -> Result<Self, Problem> {
        let file = path.join("config.json");
        let text = fs::read_to_string(&file).map_err(|error| {
            Problem::new(format!("cannot read {}: {error}", file.display()), GET)
        })?;
        let config: Value = serde_json::from_str(&text).map_err(|error| {
            Problem::new(format!("{} is no JSON: {error}", file.display()), GET)
        })?;
        let wrong =
            |message: String, hint| Problem::new(format!("{}: {message}", file.display()), hint);
        let architecture = architecture(&config, task).map_err(|message| {
            wrong(
                message,
                "docs/rust-bert.md lists the models that can be run",
            )
        })?;
        let labels = labels(&config).map_err(|message| {
            wrong(
                message,
                "id2label gives a name to each output, as in {\"0\": \"O\", \"1\": \"B-PER\"}",
            )
        })?;
        let number = |name: &str| config.get(name).and_then(Value::as_u64).map(|n| n as usize);
        let needed =
            |name: &str| number(name).ok_or_else(|| wrong(format!("no number `{name}`"), GET));
        let positions =
            needed("max_position_embeddings")?.saturating_sub(architecture.unused_positions());
        let vocabulary = needed("vocab_size")?;
        let weights = weights(path)?;
        Ok(Self {
            path: path.to_owned(),
            architecture,
            task,
            labels,
            positions,
            vocabulary,
            token_types: match architecture {
                Architecture::DistilBert | Architecture::Bart => 0,
                _ => number("type_vocab_size").unwrap_or(0),
            },
            pad: number("pad_token_id").unwrap_or(match architecture {
                Architecture::Roberta | Architecture::Longformer | Architecture::Bart => 1,
                _ => 0,
            }) as i64,
            weights,
            config,
        })
    }

    /// Whether several labels may hold at once.
    pub(crate) fn many_labels(&self) -> bool {
        self.config.get("problem_type").and_then(Value::as_str)
            == Some("multi_label_classification")
    }
}

fn architecture(config: &Value, task: Task) -> Result<Architecture, String> {
    let Some(kind) = config.get("model_type").and_then(Value::as_str) else {
        return Err("no `model_type`, so it cannot be said which network this is".to_owned());
    };
    let runs = || {
        let able = ARCHITECTURES.iter().filter(|(_, one)| one.does(task));
        able.map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
    };
    let Some((_, architecture)) = ARCHITECTURES.iter().find(|(name, _)| *name == kind) else {
        return Err(format!(
            "model_type `{kind}` is none that can be run: {}",
            runs()
        ));
    };
    if !architecture.does(task) {
        return Err(format!(
            "rust-bert has no `{kind}` with labels for a {}; it has: {}",
            match task {
                Task::Tokens => "token",
                Task::Sequence => "whole text",
            },
            runs()
        ));
    }
    let heads = config.get("architectures").and_then(Value::as_array);
    let heads: Vec<&str> = heads
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if !heads.is_empty() && !heads.iter().any(|head| head.ends_with(task.suffix())) {
        return Err(format!(
            "this is a {}; the stage needs a model trained as …{}",
            heads.join(", "),
            task.suffix()
        ));
    }
    Ok(*architecture)
}

fn labels(config: &Value) -> Result<Vec<String>, String> {
    let Some(map) = config
        .get("id2label")
        .and_then(Value::as_object)
        .filter(|map| !map.is_empty())
    else {
        return Err("no labels: `id2label` is missing".to_owned());
    };
    (0..map.len())
        .map(|i| match map.get(&i.to_string()) {
            Some(Value::String(label)) => Ok(label.clone()),
            Some(other) => Err(format!("label {i} in `id2label` is {other}, not a name")),
            None => Err(format!(
                "`id2label` has {} labels, but none with the number {i}",
                map.len()
            )),
        })
        .collect()
}

fn weights(path: &Path) -> Result<PathBuf, Problem> {
    if let Some(found) = WEIGHTS
        .iter()
        .map(|name| path.join(name))
        .find(|file| file.exists())
    {
        return Ok(found);
    }
    if path.join("model.safetensors.index.json").exists() {
        return Err(Problem::new(
            format!(
                "the weights in {} are cut into several files",
                path.display()
            ),
            "save the model in one piece: model.save_pretrained(folder, max_shard_size=\"100GB\")",
        ));
    }
    Err(Problem::new(
        format!(
            "no weights in {}: none of {}",
            path.display(),
            WEIGHTS.join(", ")
        ),
        GET,
    ))
}
