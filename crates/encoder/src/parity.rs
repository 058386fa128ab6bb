//! Does this crate compute what the training framework computed? `parity.json` of a model folder holds its answers.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::backend::{BACKENDS, Backend, Choice, load};
use crate::heads::{LinkKind, SentimentOutput, Side};
use crate::{Encoder, EncoderError, Heads, ModelFolder, WordVectors};

/// The model folder for tests: `COPYDESK_MODEL_DIR`, or the one in the repository.
fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("COPYDESK_MODEL_DIR").map_or_else(
        || {
            PathBuf::from(concat!(
                env!("CARGO_MANIFEST_DIR"),
                "/../../models/desk-small"
            ))
        },
        PathBuf::from,
    );
    let present = folder.join("parity.json").exists();
    if !present {
        println!(
            "skipped: no model in {} (COPYDESK_MODEL_DIR names another place)",
            folder.display()
        );
    }
    present.then_some(folder)
}

/// The backend of that name; none, said so, where its library is not on the machine.
pub(crate) fn loaded(name: &str, folder: &ModelFolder) -> Option<Box<dyn Backend>> {
    match load(&Choice::named(name), folder) {
        Ok(backend) => Some(backend),
        // A library that is named must work; only one that is not may be missing.
        Err(reason @ EncoderError::NoLibrary { .. })
            if std::env::var_os(crate::onnxruntime::LIBRARY_VARIABLE).is_none() =>
        {
            println!("skipped: {name}: {reason}");
            None
        }
        Err(reason @ EncoderError::NoKernels { .. }) => {
            println!("skipped: {reason}");
            None
        }
        Err(e) => panic!("{name}: {e}"),
    }
}

/// What a backend counts in.
pub(crate) fn precision(backend: &str) -> &str {
    match backend {
        // The least exact of what it may be.
        "native" => "int16",
        named => ["int8", "int16"]
            .into_iter()
            .find(|p| named.ends_with(p))
            .unwrap_or("f32"),
    }
}

/// How far a number of a word's vector may be off in a precision.
fn tolerance(precision: &str) -> f32 {
    match precision {
        "int8" => 0.5,
        "int16" => 5e-3,
        _ => 1e-4,
    }
}

/// An encoder on each backend that the machine has.
fn encoders(folder: &ModelFolder) -> Vec<(&'static str, Encoder)> {
    let encoder = |name| {
        loaded(name, folder).map(|backend| (name, Encoder::on(backend, folder, None).unwrap()))
    };
    // `native` is one of the others.
    let named = BACKENDS.into_iter().filter(|name| *name != "native");
    named.filter_map(encoder).collect()
}

fn vectors(worker: &mut crate::EncoderWorker, text: &str) -> Vec<f32> {
    let words = worker.words(text);
    let mut vectors = Vec::new();
    worker.encode(&words, &[], &mut vectors, || true).unwrap();
    vectors
}

#[derive(Deserialize)]
struct Parity {
    examples: Vec<Example>,
}

#[derive(Deserialize)]
struct Example {
    text: String,
    words: Vec<String>,
    wordpieces: Vec<Vec<u32>>,
    type_ids: Vec<u8>,
    vectors_first_8: Vec<Vec<f32>>,
    #[serde(rename = "ner.eww")]
    eww: Tags,
    #[serde(rename = "ner.conll")]
    conll: Tags,
    #[serde(rename = "quotes.source")]
    source: Tags,
    #[serde(rename = "quotes.cue")]
    cue: Tags,
    #[serde(rename = "quotes.content")]
    content: Tags,
    links: Links,
    sentiment: serde_json::Value,
    /// Absent where the model has no such head.
    attitude: Option<Attitudes>,
}

/// Scores by the speaker's side, for the target and scope of `sentiment`.
#[derive(Deserialize)]
struct Attitudes {
    other: Vec<f32>,
    own: Vec<f32>,
}

#[derive(Deserialize)]
struct Tags {
    viterbi: Vec<usize>,
    #[serde(default)]
    emissions_first_word: Vec<f32>,
}

#[derive(Deserialize)]
struct Links {
    cue: [usize; 2],
    spans: Vec<[usize; 2]>,
    source: Vec<f32>,
    content: Vec<f32>,
}

fn close(ours: &[f32], theirs: &[f32], tolerance: f32, what: &str) -> f32 {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let worst = ours
        .iter()
        .zip(theirs)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max);
    assert!(
        worst <= tolerance,
        "{what}: off by {worst}: {ours:?} and {theirs:?}"
    );
    worst
}

#[test]
fn vectors_and_heads_agree_with_the_training_framework() {
    let Some(path) = folder() else { return };
    let folder = ModelFolder::open(&path).unwrap();
    for (name, encoder) in encoders(&folder) {
        // What 8 bits move is held by `backends_agree_with_rten`.
        if precision(name) != "int8" {
            agrees_with_the_training_framework(name, &encoder, &path);
        }
    }
}

fn agrees_with_the_training_framework(backend: &str, encoder: &Encoder, path: &Path) {
    let parity: Parity =
        serde_json::from_slice(&std::fs::read(path.join("parity.json")).unwrap()).unwrap();
    let mut worker = encoder.worker().unwrap();
    let heads = Heads::open(path).unwrap();
    let (eww, conll) = (heads.ner("eww").unwrap(), heads.ner("conll").unwrap());
    let (quotes, sentiment) = (heads.quotes().unwrap(), heads.sentiment().unwrap());
    let attitude = heads.attitude().unwrap();
    let off = tolerance(precision(backend));
    // Scores of the heads add up what the vectors are off by.
    let scores = if off > 1e-3 { 2e-2 } else { 2e-3 };
    let mut worst = 0.0_f32;
    for example in &parity.examples {
        let text = &example.text;
        let words = worker.words(text);
        let surfaces: Vec<&str> = words
            .spans()
            .iter()
            .map(|s| &text[s.start as usize..s.end as usize])
            .collect();
        assert_eq!(surfaces, example.words);
        for (word, (pieces, &class)) in example.wordpieces.iter().zip(&example.type_ids).enumerate()
        {
            assert_eq!(
                (words.pieces(word), words.class(word)),
                (pieces.as_slice(), class),
                "{}",
                surfaces[word]
            );
        }

        let mut vectors = Vec::new();
        worker.encode(&words, &[], &mut vectors, || true).unwrap();
        let vectors = WordVectors::new(&vectors, heads.dim());
        for (word, theirs) in example.vectors_first_8.iter().enumerate() {
            worst = worst.max(close(&vectors.row(word)[..8], theirs, off, surfaces[word]));
        }

        for (head, theirs) in [(&eww, &example.eww), (&conll, &example.conll)] {
            let emissions = head.tagger().emissions(vectors.data());
            assert_eq!(head.tagger().viterbi(&emissions), theirs.viterbi, "{text}");
        }
        let hidden = quotes.hidden(vectors);
        for (tagger, theirs) in
            quotes
                .taggers()
                .into_iter()
                .zip([&example.source, &example.cue, &example.content])
        {
            let emissions = tagger.emissions(&hidden);
            close(
                &emissions[..tagger.tags()],
                &theirs.emissions_first_word,
                scores,
                text,
            );
            assert_eq!(tagger.viterbi(&emissions), theirs.viterbi, "{text}");
        }

        let range = |words: &[usize; 2]| words[0]..words[1] + 1;
        let spans: Vec<_> = example.links.spans.iter().map(range).collect();
        for (kind, theirs) in [
            (LinkKind::Source, &example.links.source),
            (LinkKind::Content, &example.links.content),
        ] {
            let ours = quotes.links(vectors, kind, &[range(&example.links.cue)], &spans);
            close(&ours, theirs, scores, "links");
        }

        let at = |key: &str| -> [usize; 2] {
            serde_json::from_value(example.sentiment[key].clone()).unwrap()
        };
        let mut read = sentiment.read(vectors);
        let scope = range(&at("scope_words"));
        let outputs: Vec<String> = sentiment.outputs().map(str::to_owned).collect();
        for name in &outputs {
            let output: SentimentOutput = sentiment.output(name).unwrap();
            let target = range(&at("target_words"));
            let ours = sentiment.toward(&mut read, scope.clone(), target, output);
            let theirs: Vec<f32> = serde_json::from_value(example.sentiment[name].clone()).unwrap();
            close(&ours.scores, &theirs, scores, name);
            assert!((ours.probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        }

        assert_eq!(attitude.is_some(), example.attitude.is_some());
        if let (Some(head), Some(theirs)) = (&attitude, &example.attitude) {
            let mut read = head.read(vectors);
            for (side, theirs) in [(Side::Other, &theirs.other), (Side::Own, &theirs.own)] {
                let target = range(&at("target_words"));
                let ours = head.toward(&mut read, scope.clone(), target, side);
                close(&ours.scores, theirs, scores, "attitude");
                assert!((ours.probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            }
        }
    }
    println!("{backend}: vectors differ by at most {worst:.1e}");
}

#[test]
fn backends_agree_with_rten() {
    let Some(path) = folder() else { return };
    let heads = Heads::open(&path).unwrap();
    let ner = heads.ner("eww").unwrap();
    let tags = |vectors: &[f32]| ner.tagger().viterbi(&ner.tagger().emissions(vectors));
    let texts = [
        "Orla Finch, mayor of Kestrel Bay, told the Dunmore Herald that NATO had not called."
            .to_owned(),
        "“We will not wait,” said Ilse Brandt of the Ferrymen’s Union. ".repeat(40),
    ];
    let mut encoders = encoders(&ModelFolder::open(&path).unwrap());
    // First what the others are compared with.
    encoders.sort_by_key(|(name, _)| *name != "rten");
    let mut encoders = encoders.into_iter();
    let mut read = |(name, encoder): (&'static str, Encoder)| {
        let mut worker = encoder.worker().unwrap();
        (
            name,
            texts.each_ref().map(|text| vectors(&mut worker, text)),
        )
    };
    let (_, ours) = read(encoders.next().unwrap());
    for (name, theirs) in encoders.map(&mut read) {
        let (mut worst, mut least, mut sum, mut words) = (0.0_f32, 1.0_f32, 0.0, 0);
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(ours.len(), theirs.len());
            for (a, b) in ours.chunks(heads.dim()).zip(theirs.chunks(heads.dim())) {
                worst = a
                    .iter()
                    .zip(b)
                    .map(|(a, b)| (a - b).abs())
                    .fold(worst, f32::max);
                least = least.min(cosine(a, b));
                sum += cosine(a, b);
                words += 1;
            }
        }
        let mean = sum / words as f32;
        println!(
            "{name}: off by at most {worst:.1e}, cosine {mean:.6} on average, {least:.6} at worst"
        );
        assert!(worst < tolerance(precision(name)), "{name}: off by {worst}");
        if precision(name) == "int8" {
            assert!(mean > 0.99 && least > 0.95, "{name}: {mean}, {least}");
            continue;
        }
        assert!(least > 0.999_99, "{name}: {least}");
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert_eq!(tags(ours), tags(theirs), "{name}");
        }
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[test]
fn vectors_do_not_depend_on_what_was_read_beside_or_before() {
    let Some(path) = folder() else { return };
    let folder = ModelFolder::open(&path).unwrap();
    for (name, encoder) in encoders(&folder) {
        let texts = [
            "Orla Finch, mayor of Kestrel Bay, said the bridge would open on Tuesday.".to_owned(),
            "x".to_owned(),
            String::new(),
            " \r\n".to_owned(),
            "The ferry left at noon. Nobody knew why. ".repeat(60),
            "漢字 👩\u{200d}🚒 e\u{301}tude".to_owned(),
        ];
        let encode = |worker: &mut crate::EncoderWorker, text: &str| {
            let words = worker.words(text);
            let mut vectors = Vec::new();
            worker.encode(&words, &[], &mut vectors, || true).unwrap();
            assert_eq!(vectors.len(), words.len() * encoder.dim());
            assert!(vectors.iter().all(|x| x.is_finite()));
            vectors.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        let alone: Vec<_> = texts
            .iter()
            .map(|t| encode(&mut encoder.worker().unwrap(), t))
            .collect();
        let mut busy = encoder.worker().unwrap();
        for (text, alone) in texts.iter().zip(&alone).rev() {
            assert!(
                encode(&mut busy, text) == *alone,
                "{name}: {text:.20} changed in company"
            );
        }

        // Several windows in one batch give what each gives alone.
        let window = |batch: &mut crate::backend::RaggedBatch, n: u32| {
            (0..n).for_each(|i| batch.push(1000 + i * 7 % 5000, (i % 4) as u8));
            batch.end_window();
        };
        let mut session = encoder.session().unwrap();
        let mut run = |sizes: &[u32]| {
            let mut batch = crate::backend::RaggedBatch::default();
            sizes.iter().for_each(|&n| window(&mut batch, n));
            let mut hidden = Vec::new();
            session.forward(&batch, &mut hidden).unwrap();
            hidden.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        let together = run(&[3, 256, 17, 1]);
        let apart: Vec<u32> = [3, 256, 17, 1].iter().flat_map(|&n| run(&[n])).collect();
        assert!(together == apart, "{name}: windows changed in company");
    }
}

#[test]
fn a_cancelled_document_stops_between_windows() {
    let Some(path) = folder() else { return };
    let encoder = Encoder::load(
        &ModelFolder::open(&path).unwrap(),
        &Choice::default(),
        Some(128),
    )
    .unwrap();
    let mut worker = encoder.worker().unwrap();
    let words = worker.words(&"The ferry left at noon. ".repeat(200));
    let mut asked = 0;
    let stopped = worker.encode(&words, &[], &mut Vec::new(), || {
        asked += 1;
        asked < 3
    });
    assert!(matches!(stopped, Err(crate::EncoderError::Cancelled)));
    assert_eq!(asked, 3);
}
