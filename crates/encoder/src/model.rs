//! A model folder: what `config.json` and `model.toml` say about the weights beside them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::{EncoderError, Weights};

/// A model folder, opened without its weights.
#[derive(Clone, Debug)]
pub struct ModelFolder {
    /// The folder.
    pub path: PathBuf,
    /// Shape of the encoder, from `config.json`.
    pub config: BertConfig,
    /// What else there is to know, from `model.toml`.
    pub card: ModelCard,
}

/// The part of a Hugging Face BERT configuration that shapes the computation.
#[derive(Clone, Debug, Deserialize)]
pub struct BertConfig {
    /// `bert`.
    pub model_type: String,
    /// `gelu`, the exact one with the error function.
    pub hidden_act: String,
    /// Length of a token vector.
    pub hidden_size: usize,
    /// Width of the feed-forward layer.
    pub intermediate_size: usize,
    /// Attention heads per layer.
    pub num_attention_heads: usize,
    /// Layers.
    pub num_hidden_layers: usize,
    /// Longest window in wordpieces, with `[CLS]` and `[SEP]`.
    pub max_position_embeddings: usize,
    /// Token types; here the case classes of words.
    pub type_vocab_size: usize,
    /// Wordpieces in the vocabulary.
    pub vocab_size: usize,
    /// Added to the variance in layer normalisation.
    pub layer_norm_eps: f32,
}

/// `model.toml`: what the runtime reads of it. Keys about data, licences and scores are for people.
#[derive(Clone, Debug, Deserialize)]
pub struct ModelCard {
    /// Name of the model, the first part of its vector space.
    pub name: String,
    /// Version of the weights.
    #[serde(default)]
    pub version: String,
    /// Length of a word vector.
    pub hidden_size: usize,
    /// Wordpieces of a window that the model was trained with, `[CLS]` and `[SEP]` included.
    pub max_wordpieces: usize,
    /// Wordpieces of earlier sentences that a window repeats as context, at most.
    pub context_wordpieces: usize,
    /// SHA-256 of the files, lower-case hex.
    #[serde(default)]
    pub sha256: BTreeMap<String, String>,
    /// Labels of each head in the order of its outputs.
    #[serde(default)]
    pub labels: BTreeMap<String, Vec<String>>,
    /// How the sentiment outputs are meant to be used.
    #[serde(default)]
    pub sentiment: Option<SentimentCard>,
}

/// `[sentiment]` in `model.toml`.
#[derive(Clone, Debug, Deserialize)]
pub struct SentimentCard {
    /// The output for countries, alliances, bodies and everything else.
    pub default: String,
    /// The output for persons.
    pub person: String,
    /// What the scores of each output, and of the head `attitude`, are divided by before they become probabilities.
    #[serde(default)]
    pub temperature: BTreeMap<String, f32>,
}

/// File of the encoder's weights within a model folder.
pub const ENCODER_FILE: &str = "encoder.safetensors";
/// File of the heads' weights within a model folder.
pub const HEADS_FILE: &str = "heads.safetensors";
/// File of the tokenizer within a model folder.
pub const TOKENIZER_FILE: &str = "tokenizer.json";

impl ModelFolder {
    /// Reads `config.json` and `model.toml`; the weights are not touched.
    ///
    /// # Errors
    /// A file is missing, malformed, or describes a model that this crate cannot run.
    pub fn open(path: &Path) -> Result<Self, EncoderError> {
        let config_path = path.join("config.json");
        let config: BertConfig = parse(&config_path, |text| {
            serde_json::from_str(text)
                .map_err(|e| format!("not the configuration of a BERT encoder: {e}"))
        })?;
        let card_path = path.join("model.toml");
        let card: ModelCard = parse(&card_path, from_toml)?;
        let folder = Self {
            path: path.to_owned(),
            config,
            card,
        };
        folder.check(&config_path, &card_path)?;
        Ok(folder)
    }

    /// Opens the folder of a head: `own`, or else the folder of the encoder that made the vectors.
    ///
    /// `space` and `model` are what the encoder's stage says of its vectors: the [space](Self::space)
    /// and the path of its folder.
    ///
    /// # Errors
    /// Nobody says where the vectors come from; they are of another space than the head's; the
    /// folder is not a model.
    pub fn of_head(
        own: Option<PathBuf>,
        space: Option<&str>,
        model: Option<&str>,
    ) -> Result<Self, EncoderError> {
        let path = own
            .or_else(|| model.map(PathBuf::from))
            .ok_or(EncoderError::NoVectors)?;
        let folder = Self::open(&path)?;
        match space {
            Some(made_by) if made_by != folder.space() => Err(EncoderError::OtherSpace {
                made_by: made_by.to_owned(),
                reads: folder.space(),
            }),
            _ => Ok(folder),
        }
    }

    /// Names the vector space: two models with one space give the same vectors.
    ///
    /// The name and the first twelve digits of the encoder's SHA-256, as in `desk-small@0123456789ab`.
    #[must_use]
    pub fn space(&self) -> String {
        let sum = self
            .card
            .sha256
            .get(ENCODER_FILE)
            .map_or("", |sum| sum.get(..12).unwrap_or(sum));
        format!("{}@{sum}", self.card.name)
    }

    /// `model.toml` of this folder.
    #[must_use]
    pub fn card_path(&self) -> PathBuf {
        self.path.join("model.toml")
    }

    /// The labels of `head` in the order of its outputs, after `known` has agreed to each.
    ///
    /// # Errors
    /// The model has no such head, `model.toml` has a label that is not in `known`, or has one twice.
    pub fn labels(&self, head: &str, known: &[&str]) -> Result<&[String], EncoderError> {
        let Some(labels) = self.card.labels.get(head) else {
            let family = head.split('.').next().unwrap_or(head);
            let of_family = |name: &&String| name.starts_with(family);
            let mut known: Vec<String> =
                self.card.labels.keys().filter(of_family).cloned().collect();
            if known.is_empty() {
                known = self.card.labels.keys().cloned().collect();
            }
            return Err(EncoderError::NoHead {
                path: self.card_path(),
                head: head.to_owned(),
                known,
            });
        };
        let wrong = |reason| EncoderError::Labels {
            path: self.card_path(),
            head: head.to_owned(),
            reason,
        };
        for (i, label) in labels.iter().enumerate() {
            if !known.contains(&label.as_str()) {
                return Err(wrong(format!(
                    "unknown label `{label}`; this version of copydesk knows {}",
                    known.join(", ")
                )));
            }
            if labels[..i].contains(label) {
                return Err(wrong(format!("label `{label}` stands there twice")));
            }
        }
        if let Some(missing) = known.iter().find(|k| !labels.iter().any(|l| l == *k)) {
            return Err(wrong(format!("label `{missing}` is missing")));
        }
        Ok(labels)
    }

    /// Reads one of the folder's weight files and compares it with the sum in `model.toml`.
    ///
    /// # Errors
    /// As [`Weights::open`]; also when `model.toml` has no sum for the file.
    pub fn weights(&self, file: &str) -> Result<Weights, EncoderError> {
        Weights::open(&self.path.join(file), Some(self.sha256(file)?))
    }

    /// The sum that `model.toml` has for `file`.
    ///
    /// # Errors
    /// It has none.
    pub fn sha256(&self, file: &str) -> Result<&str, EncoderError> {
        self.card
            .sha256
            .get(file)
            .map(String::as_str)
            .ok_or_else(|| EncoderError::Form {
                path: self.card_path(),
                reason: format!("[sha256] has no \"{file}\"; write `sha256sum {file}` there"),
            })
    }

    fn check(&self, config_path: &Path, card_path: &Path) -> Result<(), EncoderError> {
        let c = &self.config;
        let wrong = |path: &Path, reason: String| {
            Err(EncoderError::Form {
                path: path.to_owned(),
                reason,
            })
        };
        if c.model_type != "bert" {
            return wrong(
                config_path,
                format!(
                    "model_type is \"{}\"; only \"bert\" can be run",
                    c.model_type
                ),
            );
        }
        if c.hidden_act != "gelu" {
            return wrong(
                config_path,
                format!(
                    "hidden_act is \"{}\"; only \"gelu\" can be run",
                    c.hidden_act
                ),
            );
        }
        let heads = c.num_attention_heads;
        if heads == 0 || c.hidden_size == 0 || !c.hidden_size.is_multiple_of(heads) {
            return wrong(
                config_path,
                format!(
                    "hidden_size {} does not divide into {heads} attention heads",
                    c.hidden_size
                ),
            );
        }
        if c.type_vocab_size != CASE_CLASSES {
            return wrong(
                config_path,
                format!(
                    "type_vocab_size is {}; the token types of a copydesk model are its {CASE_CLASSES} case classes",
                    c.type_vocab_size
                ),
            );
        }
        if self.card.hidden_size != c.hidden_size {
            return wrong(
                card_path,
                format!(
                    "hidden_size is {}, in config.json it is {}",
                    self.card.hidden_size, c.hidden_size
                ),
            );
        }
        if self.card.max_wordpieces > c.max_position_embeddings {
            return wrong(
                card_path,
                format!(
                    "max_wordpieces is {}, but config.json has positions for {}",
                    self.card.max_wordpieces, c.max_position_embeddings
                ),
            );
        }
        self.sha256(ENCODER_FILE).map(|_| ())
    }
}

/// Case classes of a word: no upper-case letter, Capitalised, ALL CAPS, miXed.
pub(crate) const CASE_CLASSES: usize = 4;

fn parse<T>(path: &Path, parse: impl Fn(&str) -> Result<T, String>) -> Result<T, EncoderError> {
    let text = std::fs::read_to_string(path).map_err(|source| EncoderError::Read {
        path: path.to_owned(),
        source,
    })?;
    parse(&text).map_err(|reason| EncoderError::Form {
        path: path.to_owned(),
        reason,
    })
}

fn from_toml<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|e| e.to_string().trim_end().to_owned())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const CONFIG: &str = r#"{"model_type":"bert","hidden_act":"gelu","hidden_size":8,"intermediate_size":16,
        "num_attention_heads":2,"num_hidden_layers":1,"max_position_embeddings":512,"type_vocab_size":4,
        "vocab_size":10,"layer_norm_eps":1e-12}"#;
    const CARD: &str = r#"
name = "tiny"
hidden_size = 8
max_wordpieces = 256
context_wordpieces = 64
[sha256]
"encoder.safetensors" = "0123456789abcdef"
[labels]
"ner.eww" = ["O", "B-PER", "I-PER", "B-GOD"]
"ner.conll" = ["O", "B-PER"]
"#;

    fn folder(config: &str, card: &str) -> (tempfile::TempDir, Result<ModelFolder, EncoderError>) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config.json"), config).unwrap();
        std::fs::write(folder.path().join("model.toml"), card).unwrap();
        let model = ModelFolder::open(folder.path());
        (folder, model)
    }

    #[test]
    fn the_space_names_model_and_weights() {
        let (_folder, model) = folder(CONFIG, CARD);
        assert_eq!(model.unwrap().space(), "tiny@0123456789ab");
    }

    #[test]
    fn an_unknown_label_is_refused_by_name() {
        let (_folder, model) = folder(CONFIG, CARD);
        let model = model.unwrap();
        let known = ["O", "B-PER", "I-PER"];
        let unknown = model.labels("ner.eww", &known).unwrap_err().to_string();
        assert!(
            unknown.contains("ner.eww") && unknown.contains("`B-GOD`"),
            "{unknown}"
        );
        let missing = model.labels("ner.conll", &known).unwrap_err().to_string();
        assert!(missing.contains("`I-PER` is missing"), "{missing}");
        let absent = model.labels("ner.wire", &known).unwrap_err().to_string();
        assert!(
            absent.contains("no `ner.wire`") && absent.contains("ner.conll, ner.eww"),
            "{absent}"
        );
    }

    #[test]
    fn what_cannot_be_run_is_refused_with_the_file() {
        for (config, card, part) in [
            (
                CONFIG.replace("gelu", "relu"),
                CARD.to_owned(),
                "only \"gelu\"",
            ),
            (
                CONFIG.replace("\"type_vocab_size\":4", "\"type_vocab_size\":2"),
                CARD.to_owned(),
                "case classes",
            ),
            (
                CONFIG.replace("heads\":2", "heads\":3"),
                CARD.to_owned(),
                "does not divide into 3",
            ),
            (
                CONFIG.to_owned(),
                CARD.replace("hidden_size = 8", "hidden_size = 9"),
                "in config.json it is 8",
            ),
            (
                CONFIG.to_owned(),
                CARD.replace("256", "1024"),
                "positions for 512",
            ),
            (
                CONFIG.to_owned(),
                CARD.replace("encoder.safetensors", "other"),
                "no \"encoder.safetensors\"",
            ),
            (
                CONFIG.to_owned(),
                CARD.replace("name", "title"),
                "missing field `name`",
            ),
        ] {
            let message = folder(&config, &card).1.unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
            assert!(
                message.contains("config.json") || message.contains("model.toml"),
                "{message}"
            );
        }
        let message = ModelFolder::open(Path::new("no-such-folder"))
            .unwrap_err()
            .to_string();
        assert!(message.contains("is this a model folder?"), "{message}");
    }
}
