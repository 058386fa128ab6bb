//! A small random model, and the encoder written down plainly in 64 bits: what every backend has to compute.

use std::collections::HashMap;
use std::path::Path;

use safetensors::Dtype;
use safetensors::tensor::TensorView;
use sha2::{Digest, Sha256};

use crate::backend::{BACKENDS, Choice, RaggedBatch};
use crate::parity::{loaded, precision};
use crate::{EncoderError, ModelFolder};

const DIM: usize = 16;
const HEADS: usize = 2;
const INNER: usize = 24;
const LAYERS: usize = 2;
const VOCABULARY: usize = 20;
const POSITIONS: usize = 128;

type Tensors = HashMap<String, (Vec<usize>, Vec<f32>)>;

/// Shapes of all tensors by their names in the file.
fn shapes() -> Vec<(String, Vec<usize>)> {
    let mut shapes = vec![
        (
            "embeddings.word_embeddings.weight".to_owned(),
            vec![VOCABULARY, DIM],
        ),
        (
            "embeddings.position_embeddings.weight".to_owned(),
            vec![POSITIONS, DIM],
        ),
        (
            "embeddings.token_type_embeddings.weight".to_owned(),
            vec![4, DIM],
        ),
        ("embeddings.LayerNorm.weight".to_owned(), vec![DIM]),
        ("embeddings.LayerNorm.bias".to_owned(), vec![DIM]),
    ];
    for layer in 0..LAYERS {
        for (part, outputs, inputs) in [
            ("attention.self.query", DIM, DIM),
            ("attention.self.key", DIM, DIM),
            ("attention.self.value", DIM, DIM),
            ("attention.output.dense", DIM, DIM),
            ("intermediate.dense", INNER, DIM),
            ("output.dense", DIM, INNER),
        ] {
            shapes.push((
                format!("encoder.layer.{layer}.{part}.weight"),
                vec![outputs, inputs],
            ));
            shapes.push((format!("encoder.layer.{layer}.{part}.bias"), vec![outputs]));
        }
        for part in ["attention.output.LayerNorm", "output.LayerNorm"] {
            shapes.push((format!("encoder.layer.{layer}.{part}.weight"), vec![DIM]));
            shapes.push((format!("encoder.layer.{layer}.{part}.bias"), vec![DIM]));
        }
    }
    shapes
}

/// Numbers between -0.6 and 0.6, the same in every run.
pub(crate) fn numbers(seed: u64) -> impl FnMut() -> f32 {
    let mut state = seed;
    move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 40) as f32 / (1_u32 << 24) as f32 - 0.5) * 1.2
    }
}

/// The small random model, in a folder that lives as long as its guard.
pub(crate) fn model() -> (tempfile::TempDir, ModelFolder) {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &tensors());
    let model = ModelFolder::open(folder.path()).unwrap();
    (folder, model)
}

fn tensors() -> Tensors {
    let mut number = numbers(7);
    let tensor = |(name, shape): (String, Vec<usize>)| {
        let data = (0..shape.iter().product()).map(|_| number()).collect();
        (name, (shape, data))
    };
    shapes().into_iter().map(tensor).collect()
}

/// Writes the tensors and what belongs to them as a model folder (without tokenizer).
fn write(path: &Path, tensors: &Tensors) {
    let bytes: HashMap<&str, Vec<u8>> = tensors
        .iter()
        .map(|(name, (_, data))| {
            (
                name.as_str(),
                data.iter().flat_map(|x| x.to_le_bytes()).collect(),
            )
        })
        .collect();
    let views = tensors.iter().map(|(name, (shape, _))| {
        (
            name,
            TensorView::new(Dtype::F32, shape.clone(), &bytes[name.as_str()]).unwrap(),
        )
    });
    let file = safetensors::serialize(views, None).unwrap();
    let sum: String = Sha256::digest(&file)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    std::fs::write(path.join("encoder.safetensors"), file).unwrap();
    let config = format!(
        r#"{{"model_type":"bert","hidden_act":"gelu","hidden_size":{DIM},"intermediate_size":{INNER},
        "num_attention_heads":{HEADS},"num_hidden_layers":{LAYERS},"max_position_embeddings":{POSITIONS},
        "type_vocab_size":4,"vocab_size":{VOCABULARY},"layer_norm_eps":1e-12}}"#
    );
    std::fs::write(path.join("config.json"), config).unwrap();
    let card = format!(
        "name = \"tiny\"\nhidden_size = {DIM}\nmax_wordpieces = {POSITIONS}\ncontext_wordpieces = 32\n\
         [sha256]\n\"encoder.safetensors\" = \"{sum}\"\n"
    );
    std::fs::write(path.join("model.toml"), card).unwrap();
}

/// Last hidden states of one window, a row per wordpiece.
fn forward(tensors: &Tensors, ids: &[u32], types: &[u8]) -> Vec<Vec<f64>> {
    let row = |name: &str, row: usize, width: usize| -> Vec<f64> {
        tensors[name].1[row * width..][..width]
            .iter()
            .map(|&x| f64::from(x))
            .collect()
    };
    let dense = |x: &[f64], name: &str| -> Vec<f64> {
        let bias = &tensors[&format!("{name}.bias")].1;
        let output = |(i, b): (usize, &f32)| {
            let weight = row(&format!("{name}.weight"), i, x.len());
            f64::from(*b) + x.iter().zip(weight).map(|(x, w)| x * w).sum::<f64>()
        };
        bias.iter().enumerate().map(output).collect()
    };
    let norm = |x: &[f64], name: &str| -> Vec<f64> {
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / x.len() as f64;
        let (gain, shift) = (
            row(&format!("{name}.weight"), 0, x.len()),
            row(&format!("{name}.bias"), 0, x.len()),
        );
        x.iter()
            .zip(gain)
            .zip(shift)
            .map(|((x, g), s)| (x - mean) / (variance + 1e-12).sqrt() * g + s)
            .collect()
    };
    let add = |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a + b).collect() };

    let embed = |(position, (&id, &kind)): (usize, (&u32, &u8))| {
        let word = row("embeddings.word_embeddings.weight", id as usize, DIM);
        let place = row("embeddings.position_embeddings.weight", position, DIM);
        let class = row("embeddings.token_type_embeddings.weight", kind.into(), DIM);
        norm(&add(&add(&word, &place), &class), "embeddings.LayerNorm")
    };
    let mut states: Vec<Vec<f64>> = ids.iter().zip(types).enumerate().map(embed).collect();
    for layer in 0..LAYERS {
        let name = |part: &str| format!("encoder.layer.{layer}.{part}");
        let project = |which: &str| -> Vec<Vec<f64>> {
            states
                .iter()
                .map(|x| dense(x, &name(&format!("attention.self.{which}"))))
                .collect()
        };
        let (queries, keys, values) = (project("query"), project("key"), project("value"));
        let size = DIM / HEADS;
        let attend = |query: &Vec<f64>| -> Vec<f64> {
            let head = |head: usize| {
                let part = head * size..(head + 1) * size;
                let score = |key: &Vec<f64>| -> f64 {
                    let dot: f64 = query[part.clone()]
                        .iter()
                        .zip(&key[part.clone()])
                        .map(|(q, k)| q * k)
                        .sum();
                    (dot / (size as f64).sqrt()).exp()
                };
                let weights: Vec<f64> = keys.iter().map(score).collect();
                let sum: f64 = weights.iter().sum();
                part.map(|i| {
                    weights
                        .iter()
                        .zip(&values)
                        .map(|(w, v)| w / sum * v[i])
                        .sum::<f64>()
                })
                .collect::<Vec<f64>>()
            };
            (0..HEADS).flat_map(head).collect()
        };
        let block = |(x, query): (&Vec<f64>, &Vec<f64>)| {
            let attended = dense(&attend(query), &name("attention.output.dense"));
            let x = norm(&add(&attended, x), &name("attention.output.LayerNorm"));
            let wide: Vec<f64> = dense(&x, &name("intermediate.dense"))
                .into_iter()
                .map(gelu)
                .collect();
            norm(
                &add(&dense(&wide, &name("output.dense")), &x),
                &name("output.LayerNorm"),
            )
        };
        states = states.iter().zip(&queries).map(block).collect();
    }
    states
}

/// Exact GELU; the error function by its Maclaurin series, which is enough for the small numbers here.
fn gelu(x: f64) -> f64 {
    let z = x / std::f64::consts::SQRT_2;
    let (mut term, mut sum) = (z, z);
    for n in 1..120 {
        term *= -z * z / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    x / 2.0 * (1.0 + sum * std::f64::consts::FRAC_2_SQRT_PI)
}

/// Windows of these sizes; what is in one depends on its size alone.
pub(crate) fn ragged(sizes: &[u32]) -> RaggedBatch {
    let mut batch = RaggedBatch::default();
    for &size in sizes {
        (0..size).for_each(|i| batch.push((i * 7 + size) % VOCABULARY as u32, (i % 4) as u8));
        batch.end_window();
    }
    batch
}

#[test]
fn every_backend_computes_the_encoder_of_the_paper() {
    let folder = tempfile::tempdir().unwrap();
    let tensors = tensors();
    write(folder.path(), &tensors);
    let model = ModelFolder::open(folder.path()).unwrap();
    let batch = ragged(&[1, 2, 33, 128]);
    let expected: Vec<Vec<f64>> = batch
        .windows()
        .flat_map(|(ids, types)| forward(&tensors, ids, types))
        .collect();
    for name in BACKENDS {
        let Some(backend) = loaded(name, &model) else {
            continue;
        };
        // This model is worse to round than a trained one: its few numbers are all of one size.
        let tolerance = match precision(name) {
            "int8" => 0.25,
            "int16" => 1e-3,
            _ => 2e-5,
        };
        let mut hidden = Vec::new();
        backend
            .session()
            .unwrap()
            .forward(&batch, &mut hidden)
            .unwrap();
        assert_eq!(hidden.len(), batch.tokens() * DIM);
        let expected = expected.iter().flatten();
        let worst = hidden
            .iter()
            .zip(expected)
            .map(|(a, b)| (f64::from(*a) - b).abs())
            .fold(0.0, f64::max);
        assert!(worst < tolerance, "{}: off by {worst}", backend.name());
    }
}

#[test]
fn windows_in_one_batch_are_bit_for_bit_those_alone() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &tensors());
    let model = ModelFolder::open(folder.path()).unwrap();
    for name in BACKENDS {
        let Some(backend) = loaded(name, &model) else {
            continue;
        };
        let mut session = backend.session().unwrap();
        let mut run = |sizes: &[u32]| -> Vec<u32> {
            let mut hidden = Vec::new();
            session.forward(&ragged(sizes), &mut hidden).unwrap();
            hidden.into_iter().map(f32::to_bits).collect()
        };
        let sizes = [17, 128, 1, 64, 3];
        let apart: Vec<u32> = sizes.iter().flat_map(|&size| run(&[size])).collect();
        assert!(run(&sizes) == apart, "{name}");
        assert!(run(&[]).is_empty());
    }
}

#[test]
fn weights_of_another_model_are_refused_with_tensor_and_shapes() {
    let folder = tempfile::tempdir().unwrap();
    let mut tensors = tensors();
    let name = "encoder.layer.1.output.dense.weight";
    tensors.insert(name.to_owned(), (vec![DIM, DIM], vec![0.0; DIM * DIM]));
    write(folder.path(), &tensors);
    let load =
        |name: &str, folder: &ModelFolder| crate::backend::load(&Choice::named(name), folder);
    let refused = load("rten", &ModelFolder::open(folder.path()).unwrap())
        .err()
        .unwrap()
        .to_string();
    for part in ["encoder.safetensors", name, "[16, 16]", "[16, 24]"] {
        assert!(refused.contains(part), "{refused}");
    }

    std::fs::write(folder.path().join("encoder.safetensors"), b"x").unwrap();
    let refused = load("rten", &ModelFolder::open(folder.path()).unwrap())
        .err()
        .unwrap();
    assert!(
        matches!(refused, EncoderError::Checksum { .. }),
        "{refused}"
    );
    let unknown = load("abacus", &ModelFolder::open(folder.path()).unwrap())
        .err()
        .unwrap()
        .to_string();
    assert!(
        unknown.contains("abacus") && unknown.contains("rten"),
        "{unknown}"
    );
}
