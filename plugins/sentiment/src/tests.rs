use std::path::Path;

use copydesk_testkit::{self as testkit, Given, StageTest};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::Sentiment;

/// How many distances the head tells apart.
const BUCKETS: usize = 17;

#[test]
fn options_are_checked_before_anything_is_loaded() {
    let problems = testkit::stage!(Sentiment)
        .options(json!({ "targets": [{ "name": "" }], "neutral_band": 2.0 }))
        .create()
        .err()
        .unwrap_or_default();
    let text = format!("{problems:?}");
    assert!(text.contains("/targets/0/name"), "{text}");
    assert!(text.contains("/neutral_band"), "{text}");
}

#[test]
fn without_an_encoder_before_it_the_stage_says_what_is_missing() {
    let problems = testkit::stage!(Sentiment)
        .create()
        .err()
        .unwrap_or_default();
    let text = format!("{problems:?}");
    assert!(text.contains("encode"), "{text}");
}

/// A model whose vectors are six numbers, the first three a word's view of itself: the head reads
/// it off the target's words. Output `turned` says the opposite.
fn model(folder: &Path) {
    const DIM: usize = 6;
    const HIDDEN: usize = 384;
    let config = json!({
        "model_type": "bert", "hidden_act": "gelu", "hidden_size": DIM, "intermediate_size": DIM,
        "num_attention_heads": 3, "num_hidden_layers": 1, "max_position_embeddings": 512,
        "type_vocab_size": 4, "vocab_size": 10, "layer_norm_eps": 1e-12,
    });
    std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
    let zeros = |n: usize| vec![0.0_f32; n];
    // One where row and column are a pair.
    let matrix = |rows: usize, columns: usize, pairs: &[(usize, usize)]| {
        let mut cells = zeros(rows * columns);
        for (row, column) in pairs {
            cells[row * columns + column] = 8.0;
        }
        cells
    };
    let straight = [(0, 0), (1, 1), (2, 2)];
    let turned = [(0, 2), (1, 1), (2, 0)];
    let mut tensors: Vec<(String, Vec<usize>, Vec<f32>)> = Vec::new();
    let mut linear = |name: &str, rows: usize, columns: usize, cells: Vec<f32>| {
        tensors.push((
            format!("sentiment.{name}.weight"),
            vec![rows, columns],
            cells,
        ));
        tensors.push((format!("sentiment.{name}.bias"), vec![rows], zeros(rows)));
    };
    for name in ["query", "key", "value"] {
        linear(name, DIM, DIM, zeros(DIM * DIM));
    }
    linear(
        "hidden",
        HIDDEN,
        2 * DIM,
        matrix(HIDDEN, 2 * DIM, &straight),
    );
    linear("out.straight", 3, HIDDEN, matrix(3, HIDDEN, &straight));
    linear("out.turned", 3, HIDDEN, matrix(3, HIDDEN, &turned));
    let bias = "sentiment.position_bias".to_owned();
    tensors.push((bias, vec![6, BUCKETS], zeros(6 * BUCKETS)));
    let bytes: Vec<(String, Vec<usize>, Vec<u8>)> = tensors
        .into_iter()
        .map(|(name, shape, cells)| {
            let bytes = cells.into_iter().flat_map(f32::to_le_bytes).collect();
            (name, shape, bytes)
        })
        .collect();
    let views = bytes.iter().map(|(name, shape, bytes)| {
        let view = TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap();
        (name.clone(), view)
    });
    let heads = safetensors::serialize(views, None).unwrap();
    let sum: String = Sha256::digest(&heads)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    std::fs::write(folder.join("heads.safetensors"), heads).unwrap();
    let labels = ["negative", "neutral", "positive"];
    let card = format!(
        "name = \"tiny\"\nhidden_size = {DIM}\nmax_wordpieces = 256\ncontext_wordpieces = 64\n\
         [sha256]\n\"encoder.safetensors\" = \"00112233445566\"\n\"heads.safetensors\" = \"{sum}\"\n\
         [labels]\n\"sentiment.straight\" = {labels:?}\n\"sentiment.turned\" = {labels:?}\n\
         [sentiment]\ndefault = \"straight\"\nperson = \"straight\"\n"
    );
    std::fs::write(folder.join("model.toml"), card).unwrap();
}

/// The stage over words that are given with their views: `-`, `=` or `+`.
fn stage(folder: &Path, words: &[(&str, char)]) -> StageTest {
    model(folder);
    let mut text = String::new();
    let mut tokens = Given::layer("tokens").transient();
    for (word, view) in words {
        let start = text.len() + usize::from(word.starts_with(' '));
        text.push_str(word);
        let mut vector = [0.0; 6];
        vector["-=+".find(*view).unwrap()] = 1.0;
        tokens = tokens.plain(start..text.len()).vector("vector", &vector);
    }
    testkit::stage!(Sentiment)
        .fact("layer:tokens", "space", "tiny@001122334455")
        .fact("layer:tokens", "model", &folder.display().to_string())
        .text(&text)
        .given(tokens)
}

const ROW: [(&str, char); 6] = [
    ("Åse", '+'),
    (" calls", '='),
    (" Russia", '-'),
    (" a", '='),
    (" bear", '+'),
    (".", '='),
];

#[test]
fn given_mentions_are_judged_as_they_stand_and_no_others() {
    let folder = tempfile::tempdir().unwrap();
    let targets = json!([{"start": 0, "end": 3, "target": "Venn"}, {"start": 19, "end": 23}]);
    let run = stage(folder.path(), &ROW)
        .options(json!({ "mentions": "given" }))
        .meta("targets", targets)
        .run();
    run.expect_texts("sentiment", &[("Åse", "positive"), ("bear", "positive")]);
    assert_eq!(run.text_attr("sentiment", 0, "target"), Some("Venn"));
    assert_eq!(run.text_attr("sentiment", 1, "target"), Some("bear"));
    // The configured targets are not looked for, so there is nothing to say about them.
    let tone = run.meta()["tone"].as_object().unwrap();
    assert_eq!(tone.keys().collect::<Vec<_>>(), ["Venn", "bear"]);
}

#[test]
fn both_adds_what_is_found_beside_the_given_mentions() {
    let folder = tempfile::tempdir().unwrap();
    let judged = |targets: serde_json::Value| {
        let run = stage(folder.path(), &ROW)
            .options(json!({ "mentions": "both" }))
            .meta("targets", targets)
            .run();
        let spans = run.spans("sentiment").into_iter();
        spans.map(|span| span.text).collect::<Vec<_>>()
    };
    assert_eq!(judged(json!([{"start": 0, "end": 3}])), ["Åse", "Russia"]);
    // A given mention takes the place of one that is found in it.
    assert_eq!(judged(json!([{"start": 10, "end": 18}])), ["Russia a"]);
}

#[test]
fn without_the_option_given_mentions_are_no_matter() {
    let folder = tempfile::tempdir().unwrap();
    let run = stage(folder.path(), &ROW)
        .meta("targets", json!([{"start": 0, "end": 3}]))
        .run();
    run.expect_texts("sentiment", &[("Russia", "negative")]);
}

#[test]
fn a_given_mention_without_a_place_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let run = stage(folder.path(), &ROW)
        .options(json!({ "mentions": "given" }))
        .meta("targets", json!([{"start": 10, "end": 99}]))
        .run();
    assert_eq!(run.warnings()[0].code, "bad-target");
    assert!(run.spans("sentiment").is_empty());
}

#[test]
fn the_output_that_answers_can_be_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let turned = stage(folder.path(), &ROW).options(json!({ "output": "turned" }));
    turned
        .run()
        .expect_texts("sentiment", &[("Russia", "positive")]);
    let problems = stage(folder.path(), &ROW)
        .options(json!({ "output": "sideways" }))
        .create()
        .err()
        .unwrap_or_default();
    let text = format!("{problems:?}");
    assert!(
        text.contains("/output") && text.contains("sideways"),
        "{text}"
    );
}
