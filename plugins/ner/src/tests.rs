use std::path::Path;

use copydesk_testkit::{self as testkit, Given, StageTest};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::Ner;

const TAGS: [&str; 9] = [
    "O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC", "B-MISC", "I-MISC",
];

/// A model whose vectors are nine numbers, one per tag: the head reads the tags off.
fn model(folder: &Path) {
    let config = json!({
        "model_type": "bert", "hidden_act": "gelu", "hidden_size": 9, "intermediate_size": 9,
        "num_attention_heads": 3, "num_hidden_layers": 1, "max_position_embeddings": 512,
        "type_vocab_size": 4, "vocab_size": 10, "layer_norm_eps": 1e-12,
    });
    std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
    let numbers = |numbers: Vec<f32>| {
        numbers
            .into_iter()
            .flat_map(f32::to_le_bytes)
            .collect::<Vec<u8>>()
    };
    let tensors = [
        (
            "weight",
            vec![9, 9],
            numbers(
                (0..81)
                    .map(|i| if i % 10 == 0 { 8.0 } else { 0.0 })
                    .collect(),
            ),
        ),
        ("bias", vec![9], numbers(vec![0.0; 9])),
        ("transitions", vec![9, 9], numbers(vec![0.0; 81])),
        ("start", vec![9], numbers(vec![0.0; 9])),
    ];
    let views = tensors.iter().map(|(name, shape, bytes)| {
        (
            format!("ner.eww.{name}"),
            TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap(),
        )
    });
    let heads = safetensors::serialize(views, None).unwrap();
    let sum: String = Sha256::digest(&heads)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    std::fs::write(folder.join("heads.safetensors"), heads).unwrap();
    let card = format!(
        "name = \"tiny\"\nhidden_size = 9\nmax_wordpieces = 256\ncontext_wordpieces = 64\n\
         [sha256]\n\"encoder.safetensors\" = \"00112233445566\"\n\"heads.safetensors\" = \"{sum}\"\n\
         [labels]\n\"ner.eww\" = {TAGS:?}\n"
    );
    std::fs::write(folder.join("model.toml"), card).unwrap();
}

/// The stage over a text whose words are given with their tags.
fn tagged(folder: &Path, words: &[(&str, &str)]) -> StageTest {
    model(folder);
    let mut text = String::new();
    let mut tokens = Given::layer("tokens").transient();
    for (word, tag) in words {
        let start = text.len() + usize::from(word.starts_with(' '));
        text.push_str(word);
        let one_hot = TAGS.map(|t| f32::from(u8::from(t == *tag)));
        tokens = tokens.plain(start..text.len()).vector("vector", &one_hot);
    }
    testkit::stage!(Ner)
        .fact("layer:tokens", "space", "tiny@001122334455")
        .fact("layer:tokens", "model", &folder.display().to_string())
        .text(&text)
        .given(tokens)
}

#[test]
fn tags_become_names_with_scores() {
    let folder = tempfile::tempdir().unwrap();
    let test = tagged(
        folder.path(),
        &[
            ("Orla", "B-PER"),
            (" Finch", "I-PER"),
            (" joined", "O"),
            (" Tidewater", "B-ORG"),
            (" in", "O"),
            (" Kestrel", "B-LOC"),
            (" Bay", "I-LOC"),
            (".", "O"),
        ],
    );
    let names = [
        ("Orla Finch", "PER"),
        ("Tidewater", "ORG"),
        ("Kestrel Bay", "LOC"),
    ];
    let run = test.expect_texts("entities", &names);
    assert!(
        run.spans("entities")
            .iter()
            .all(|span| span.score.is_some_and(|s| s > 0.9 && s <= 1.0))
    );
    test.options(json!({ "labels": ["ORG"] }))
        .expect_texts("entities", &[("Tidewater", "ORG")]);
}

#[test]
fn a_document_without_words_has_no_names() {
    let folder = tempfile::tempdir().unwrap();
    tagged(folder.path(), &[]).expect("entities", &[]);
}

#[test]
fn vectors_of_another_model_are_refused_before_the_run() {
    let folder = tempfile::tempdir().unwrap();
    model(folder.path());
    let problems = testkit::stage!(Ner)
        .fact("layer:tokens", "space", "big@ffeeddccbbaa")
        .options(json!({ "model": folder.path() }))
        .create()
        .err()
        .unwrap_or_default();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].pointer, "/model");
    for part in ["big@ffeeddccbbaa", "tiny@001122334455"] {
        assert!(problems[0].message.contains(part), "{problems:?}");
    }
}

#[test]
fn every_wrong_option_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let problems = tagged(folder.path(), &[])
        .options(json!({ "guideline": "wire", "labels": ["PER", "GOD"], "min_score": 2.0 }))
        .create()
        .err()
        .unwrap_or_default();
    let pointers: Vec<&str> = problems.iter().map(|p| p.pointer.as_str()).collect();
    assert_eq!(
        pointers,
        ["/labels/1", "/min_score", "/guideline"],
        "{problems:?}"
    );
    assert!(problems[2].message.contains("ner.eww"), "{problems:?}");
}

#[test]
fn without_encode_the_error_says_what_to_add() {
    let problems = testkit::stage!(Ner).create().err().unwrap_or_default();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(
        format!("{problems:?}").contains("put a stage `encode` before"),
        "{problems:?}"
    );
}
