//! Small models for tests: made on the spot, with weights that say what a word is by the word itself.
//!
//! A vector has a place for every meaning. A word's embedding is one in the place of what the word means, every
//! layer adds nothing to it, and the classifier reads the places off: so the output is known, and runs through every
//! part of the real network all the same.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use rust_bert::bert::{BertConfig, BertForSequenceClassification, BertForTokenClassification};
use rust_bert::distilbert::{DistilBertConfig, DistilBertForTokenClassification};
use rust_bert::roberta::{RobertaConfig, RobertaForTokenClassification};
use serde_json::{Map, Value, json};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

/// Numbers in a vector.
const SIZE: i64 = 16;
/// Positions of a small model.
pub(crate) const POSITIONS: usize = 96;

/// A small BERT, for tests to describe.
pub(crate) struct Small {
    pub(crate) labels: Vec<&'static str>,
    /// Words of the vocabulary with the label that each stands for; others stand for label 0.
    pub(crate) words: Vec<(&'static str, usize)>,
    /// Which label a word of each token type stands for besides: for models that read case.
    pub(crate) types: Vec<Option<usize>>,
    pub(crate) sequence: bool,
}

impl Small {
    /// One that tags words: `Orla` and `Venn` are a person's, `Skarn` is a place, `Tidewater` an organisation.
    pub(crate) fn tagger() -> Self {
        Self {
            labels: vec!["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG"],
            words: vec![
                ("Orla", 1),
                ("Venn", 2),
                ("Skarn", 3),
                ("Tidewater", 5),
                ("Bank", 6),
            ],
            types: vec![None, None],
            sequence: false,
        }
    }

    /// One that judges texts: the words `good` and `bad` decide.
    pub(crate) fn judge(labels: [&'static str; 3]) -> Self {
        Self {
            labels: labels.to_vec(),
            words: vec![("bad", 0), ("good", 2)],
            types: vec![None, None],
            sequence: true,
        }
    }

    /// Writes the model's folder: configuration, tokenizer, weights.
    pub(crate) fn write(&self, folder: &Path) {
        let vocabulary = self.vocabulary();
        fs::write(
            folder.join("config.json"),
            self.config(vocabulary.len()).to_string(),
        )
        .unwrap();
        fs::write(
            folder.join("tokenizer.json"),
            tokenizer(&vocabulary).to_string(),
        )
        .unwrap();
        let store = self.store(&vocabulary);
        store.save(folder.join("model.safetensors")).unwrap();
    }

    pub(crate) fn vocabulary(&self) -> Vec<String> {
        let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].map(str::to_owned);
        let letters = ('a'..='z')
            .chain('A'..='Z')
            .flat_map(|c| [c.to_string(), format!("##{c}")]);
        let marks = [".", ",", "'", "-", "’", "“", "”", "é", "##é"].map(str::to_owned);
        let words = self.words.iter().map(|(word, _)| (*word).to_owned());
        special
            .into_iter()
            .chain(words)
            .chain(letters)
            .chain(marks)
            .collect()
    }

    pub(crate) fn config(&self, vocabulary: usize) -> Value {
        let id2label: Map<String, Value> = self
            .labels
            .iter()
            .enumerate()
            .map(|(i, label)| (i.to_string(), json!(label)))
            .collect();
        let label2id: Map<String, Value> = self
            .labels
            .iter()
            .enumerate()
            .map(|(i, label)| ((*label).to_owned(), json!(i)))
            .collect();
        let head = if self.sequence {
            "BertForSequenceClassification"
        } else {
            "BertForTokenClassification"
        };
        json!({
            "model_type": "bert", "architectures": [head], "hidden_act": "gelu", "hidden_size": SIZE,
            "intermediate_size": 16, "num_attention_heads": 2, "num_hidden_layers": 1,
            "max_position_embeddings": POSITIONS, "type_vocab_size": self.types.len(), "vocab_size": vocabulary,
            "layer_norm_eps": 1e-12, "attention_probs_dropout_prob": 0.1, "hidden_dropout_prob": 0.1,
            "initializer_range": 0.02, "pad_token_id": 0, "id2label": id2label, "label2id": label2id,
        })
    }

    fn store(&self, vocabulary: &[String]) -> VarStore {
        let store = VarStore::new(Device::Cpu);
        let config: BertConfig = serde_json::from_value(self.config(vocabulary.len())).unwrap();
        if self.sequence {
            BertForSequenceClassification::new(store.root(), &config).unwrap();
        } else {
            BertForTokenClassification::new(store.root(), &config).unwrap();
        }
        let meaning: HashMap<&str, usize> = self.words.iter().copied().collect();
        let mut words = vec![0.0_f32; vocabulary.len() * SIZE as usize];
        for (row, word) in words.chunks_exact_mut(SIZE as usize).zip(vocabulary) {
            match meaning.get(word.as_str()) {
                // A whole text is the mean of its words: what decides stands out from what does not.
                Some(label) => row[*label] = 4.0,
                None => row[if self.sequence { SIZE as usize - 1 } else { 0 }] = 1.0,
            }
        }
        let mut types = vec![0.0_f32; self.types.len() * SIZE as usize];
        for (row, label) in types.chunks_exact_mut(SIZE as usize).zip(&self.types) {
            if let Some(label) = label {
                row[*label] = 8.0;
            }
        }
        let mut classifier = vec![0.0_f32; self.labels.len() * SIZE as usize];
        for (label, row) in classifier.chunks_exact_mut(SIZE as usize).enumerate() {
            row[label] = 10.0;
        }
        let same: Vec<f32> = (0..SIZE * SIZE)
            .map(|i| f32::from(i % (SIZE + 1) == 0))
            .collect();
        tch::no_grad(|| {
            for (name, mut variable) in store.variables() {
                let value =
                    |values: &[f32]| Tensor::from_slice(values).view(variable.size().as_slice());
                let new = match name.as_str() {
                    "bert.embeddings.word_embeddings.weight" => value(&words),
                    "bert.embeddings.token_type_embeddings.weight" => value(&types),
                    "classifier.weight" => value(&classifier),
                    // The first piece of a text attends to all of them alike, and takes their mean.
                    "bert.encoder.layer.0.attention.self.value.weight"
                    | "bert.pooler.dense.weight" => value(&same),
                    "bert.encoder.layer.0.attention.output.dense.weight" if self.sequence => {
                        value(&same) * 8.0
                    }
                    // Where no word decides, the middle label holds.
                    "classifier.bias" if self.sequence => value(&[0.0, 0.5, 0.0]),
                    _ if name.ends_with("LayerNorm.weight") => variable.ones_like(),
                    _ => variable.zeros_like(),
                };
                variable.copy_(&new);
            }
        });
        store
    }
}

/// A tokenizer of whole words, and of letters for all others.
pub(crate) fn tokenizer(vocabulary: &[String]) -> Value {
    let ids: Map<String, Value> = vocabulary
        .iter()
        .enumerate()
        .map(|(id, piece)| (piece.clone(), json!(id)))
        .collect();
    let special = |name: &str| {
        json!({
            "id": ids[name], "content": name, "special": true, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false,
        })
    };
    json!({
        "version": "1.0", "truncation": {"max_length": 8, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
        "padding": null, "added_tokens": [special("[PAD]"), special("[UNK]"), special("[CLS]"), special("[SEP]")],
        "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                       "strip_accents": false, "lowercase": false},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", ids["[SEP]"]], "cls": ["[CLS]", ids["[CLS]"]]},
        "decoder": null,
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 1000, "vocab": ids},
    })
}

/// Weights by chance for a small network of another kind, beside the tokenizer and the labels of `small`.
pub(crate) fn by_chance(small: &Small, kind: &str, folder: &Path) {
    small.write(folder);
    let mut config = small.config(small.vocabulary().len());
    config["model_type"] = json!(kind);
    config.as_object_mut().unwrap().remove("architectures");
    let store = VarStore::new(Device::Cpu);
    match kind {
        "distilbert" => {
            for (name, value) in [
                ("activation", json!("gelu")),
                ("dim", json!(SIZE)),
                ("hidden_dim", json!(16)),
                ("n_heads", json!(2)),
                ("n_layers", json!(1)),
                ("dropout", json!(0.1)),
                ("attention_dropout", json!(0.1)),
                ("sinusoidal_pos_embds", json!(false)),
                ("tie_weights_", json!(true)),
                ("qa_dropout", json!(0.1)),
                ("seq_classif_dropout", json!(0.1)),
            ] {
                config[name] = value;
            }
            let config: DistilBertConfig = serde_json::from_value(config.clone()).unwrap();
            DistilBertForTokenClassification::new(store.root(), &config).unwrap();
        }
        "roberta" => {
            config["pad_token_id"] = json!(1);
            let config: RobertaConfig = serde_json::from_value(config.clone()).unwrap();
            RobertaForTokenClassification::new(store.root(), &config).unwrap();
        }
        other => panic!("no small {other}"),
    }
    fs::write(folder.join("config.json"), config.to_string()).unwrap();
    store.save(folder.join("model.safetensors")).unwrap();
}

/// The same weights in another format.
pub(crate) fn as_ot(folder: &Path) {
    let tensors = Tensor::read_safetensors(folder.join("model.safetensors")).unwrap();
    Tensor::save_multi(&tensors, folder.join("rust_model.ot")).unwrap();
    fs::remove_file(folder.join("model.safetensors")).unwrap();
}

/// The same weights as halves.
pub(crate) fn as_halves(folder: &Path) {
    let file = folder.join("model.safetensors");
    let tensors: Vec<(String, Tensor)> = Tensor::read_safetensors(&file)
        .unwrap()
        .into_iter()
        .map(|(name, tensor)| (name, tensor.to_kind(Kind::Half)))
        .collect();
    Tensor::write_safetensors(&tensors, &file).unwrap();
}
