//! Does this crate compute what the training framework computed? `parity.json` of a model folder holds its answers.

use std::path::PathBuf;

use serde::Deserialize;

use crate::heads::{LinkKind, SentimentOutput};
use crate::{Encoder, Heads, ModelFolder, WordVectors};

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
    let parity: Parity =
        serde_json::from_slice(&std::fs::read(path.join("parity.json")).unwrap()).unwrap();
    let folder = ModelFolder::open(&path).unwrap();
    let mut worker = Encoder::load(&folder, "rten", None)
        .unwrap()
        .worker()
        .unwrap();
    let heads = Heads::open(&path).unwrap();
    let (eww, conll) = (heads.ner("eww").unwrap(), heads.ner("conll").unwrap());
    let (quotes, sentiment) = (heads.quotes().unwrap(), heads.sentiment().unwrap());
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
            worst = worst.max(close(&vectors.row(word)[..8], theirs, 1e-3, surfaces[word]));
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
                1e-3,
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
            close(&ours, theirs, 2e-3, "links");
        }

        let at = |key: &str| -> [usize; 2] {
            serde_json::from_value(example.sentiment[key].clone()).unwrap()
        };
        let scope = sentiment.read(vectors, range(&at("scope_words")));
        let outputs: Vec<String> = sentiment.outputs().map(str::to_owned).collect();
        for name in &outputs {
            let output: SentimentOutput = sentiment.output(name).unwrap();
            let ours = sentiment.toward(&scope, range(&at("target_words")), output);
            let theirs: Vec<f32> = serde_json::from_value(example.sentiment[name].clone()).unwrap();
            close(&ours.scores, &theirs, 2e-3, name);
            assert!((ours.probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        }
    }
    println!("vectors differ by at most {worst:.1e}");
}

#[test]
fn vectors_do_not_depend_on_what_was_read_beside_or_before() {
    let Some(path) = folder() else { return };
    let folder = ModelFolder::open(&path).unwrap();
    for backend in crate::backend::BACKENDS {
        let encoder = Encoder::load(&folder, backend, None).unwrap();
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
                "{backend}: {text:.20} changed in company"
            );
        }

        // Several windows in one batch give what each gives alone.
        let backend = crate::backend::load(backend, &folder).unwrap();
        let window = |batch: &mut crate::backend::RaggedBatch, n: u32| {
            (0..n).for_each(|i| batch.push(1000 + i * 7 % 5000, (i % 4) as u8));
            batch.end_window();
        };
        let mut session = backend.session().unwrap();
        let mut run = |sizes: &[u32]| {
            let mut batch = crate::backend::RaggedBatch::default();
            sizes.iter().for_each(|&n| window(&mut batch, n));
            let mut hidden = Vec::new();
            session.forward(&batch, &mut hidden).unwrap();
            hidden.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        };
        let together = run(&[3, 256, 17, 1]);
        let apart: Vec<u32> = [3, 256, 17, 1].iter().flat_map(|&n| run(&[n])).collect();
        assert!(together == apart, "windows changed in company");
    }
}

#[test]
fn a_cancelled_document_stops_between_windows() {
    let Some(path) = folder() else { return };
    let encoder = Encoder::load(&ModelFolder::open(&path).unwrap(), "rten", Some(128)).unwrap();
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
