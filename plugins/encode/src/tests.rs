use std::path::PathBuf;

use copydesk_testkit as testkit;
use serde_json::json;

use crate::Encode;

/// A trained model: `COPYDESK_MODEL_DIR`, or the one in the repository.
fn model() -> Option<String> {
    let folder = std::env::var_os("COPYDESK_MODEL_DIR").map_or_else(
        || testkit::workspace_root().join("models/desk-small"),
        PathBuf::from,
    );
    let present = folder.join("model.toml").exists();
    if !present {
        println!(
            "skipped: no model in {} (COPYDESK_MODEL_DIR names another place)",
            folder.display()
        );
    }
    present.then(|| folder.display().to_string())
}

#[test]
fn words_sentences_and_vectors_come_with_exact_offsets() {
    let Some(model) = model() else { return };
    let run = testkit::stage!(Encode)
        .options(json!({ "model": model }))
        .text("Ilse Brandt’s café shut.\r\nNobody knew.")
        .run();
    run.expect_texts(
        "sentences",
        &[("Ilse Brandt’s café shut.", ""), ("Nobody knew.", "")],
    );
    let words = [
        "Ilse", "Brandt", "’", "s", "café", "shut", ".", "Nobody", "knew", ".",
    ];
    run.expect_texts("tokens", &words.map(|word| (word, "")));
    let layer = run.batch().layer("tokens").unwrap();
    assert!(layer.transient);
    assert_eq!(layer.vector(0, 0, "vector").unwrap().len(), 384);
    let fact = |key: &str| {
        run.facts()
            .lookup("layer:tokens", key)
            .unwrap_or_default()
            .to_string()
    };
    assert!(
        fact("space").starts_with("desk-small@"),
        "{}",
        fact("space")
    );
    assert_eq!((fact("dim").as_str(), fact("model")), ("384", model));
}

#[test]
fn documents_of_next_to_nothing_pass_and_change_nobody() {
    let Some(model) = model() else { return };
    let story = "Orla Finch left at noon. The ferry did not.";
    let run = |texts: &[&str]| {
        let mut test = testkit::stage!(Encode).options(json!({ "model": model }));
        for text in texts {
            test = test.text(text);
        }
        test.run()
    };
    let company = run(&["", "x", " \n\t", story, "e\u{301}", "\u{200b}"]);
    let counts: Vec<usize> = (0..6)
        .map(|doc| {
            company
                .batch()
                .layer("tokens")
                .map_or(0, |layer| layer.len(doc))
        })
        .collect();
    assert_eq!(counts, [0, 1, 0, 11, 1, 1]);
    let alone = run(&[story]);
    for row in 0..11 {
        let vector = |run: &testkit::Run, doc| {
            run.batch()
                .layer("tokens")
                .unwrap()
                .vector(doc, row, "vector")
                .unwrap()
                .to_vec()
        };
        assert_eq!(vector(&company, 3), vector(&alone, 0), "word {row}");
    }
}

#[test]
fn a_document_too_long_fails_alone() {
    let Some(model) = model() else { return };
    let run = testkit::stage!(Encode)
        .options(json!({ "model": model, "max_words": 3 }))
        .text("The ferry left late.")
        .text("It left.")
        .run();
    assert_eq!(run.batch().len(), 1);
    run.expect_texts("sentences", &[("It left.", "")]);
    let (_, failure) = &run.outcomes().last().unwrap().failed[0];
    assert_eq!(failure.code, "too-long");
    assert!(failure.message.contains("5 words"), "{}", failure.message);
}

#[test]
fn wrong_options_are_told_apart() {
    let problems = |options| {
        let problems = testkit::stage!(Encode)
            .options(options)
            .create()
            .err()
            .unwrap_or_default();
        problems
            .into_iter()
            .map(|p| (p.pointer, p.message))
            .collect::<Vec<_>>()
    };
    let found = problems(json!({ "model": "no/such/model", "backend": "abacus" }));
    let pointers: Vec<&str> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(pointers, ["/backend", "/model"], "{found:?}");
    assert!(found[0].1.contains("abacus"), "{found:?}");

    let Some(model) = model() else { return };
    for (backend, library, pointer, parts) in [
        (
            "onnxruntime",
            "no/libonnxruntime.so",
            "/library",
            ["no/libonnxruntime.so", "pip install onnxruntime"],
        ),
        (
            "rten",
            "libonnxruntime.so",
            "/library",
            ["`rten`", "opens no library"],
        ),
    ] {
        let found = problems(json!({ "model": model, "backend": backend, "library": library }));
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].0, pointer);
        for part in parts {
            assert!(found[0].1.contains(part), "{found:?}");
        }
    }

    let found = problems(json!({ "model": model, "window": 20 }));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, "/window");
    assert!(found[0].1.contains("66 to 512"), "{found:?}");
}

#[test]
fn onnx_runtime_gives_the_vectors_of_rten() {
    let Some(model) = model() else { return };
    let library = match copydesk_encoder::onnxruntime::library(None) {
        Ok(library) => library.display().to_string(),
        Err(reason) => return println!("skipped: {reason}"),
    };
    let vectors = |options| {
        let run = testkit::stage!(Encode)
            .options(options)
            .text("Orla Finch left at noon. The ferry did not.")
            .run();
        let layer = run.batch().layer("tokens").unwrap();
        (0..u32::try_from(layer.len(0)).unwrap())
            .flat_map(|row| layer.vector(0, row, "vector").unwrap().to_vec())
            .collect::<Vec<f32>>()
    };
    let ours = vectors(json!({ "model": model, "backend": "rten" }));
    let theirs = vectors(json!({ "model": model, "backend": "onnxruntime", "library": library }));
    assert_eq!(ours.len(), theirs.len());
    let worst = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs());
    let worst = worst.fold(0.0, f32::max);
    assert!(worst < 1e-4, "off by {worst}");
}
