use std::fs;
use std::path::Path;

use copydesk_testkit as testkit;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::testing::{self, Small};

fn folder(small: &Small) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    small.write(folder.path());
    folder
}

fn stage(folder: &Path, more: Value) -> testkit::StageTest {
    let mut options = json!({ "model": folder });
    for (name, value) in more.as_object().unwrap() {
        options[name] = value.clone();
    }
    testkit::stage!(Ner).options(options)
}

/// The messages and hints with which the stage refuses its options.
fn refused(folder: &Path, more: Value) -> String {
    match stage(folder, more).create() {
        Ok(_) => panic!("the stage takes the options"),
        Err(problems) => problems
            .iter()
            .map(|problem| {
                format!(
                    "{} {} [{}]\n",
                    problem.pointer,
                    problem.message,
                    problem.hint.as_deref().unwrap_or_default()
                )
            })
            .collect(),
    }
}

fn says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "`{part}` is not in: {message}");
    }
}

#[test]
fn names_are_found_with_exact_offsets() {
    let folder = folder(&Small::tagger());
    let text = "  “Orla Venn’s” café in Skarn, said Tidewater-Bank.";
    let run = stage(folder.path(), json!({})).text(text).expect_texts(
        "entities",
        &[
            ("Orla Venn", "PER"),
            ("Skarn", "LOC"),
            ("Tidewater", "ORG"),
            ("Bank", "ORG"),
        ],
    );
    let first = &run.spans("entities")[0];
    assert_eq!(first.range.start, text.find("Orla").unwrap());
    assert!(first.score.unwrap() > 0.99, "{first:?}");
}

#[test]
fn a_text_longer_than_the_model_reads_loses_nothing() {
    let folder = folder(&Small::tagger());
    // Of each sentence a dozen pieces, of all of them a dozen windows.
    let text = (0..60)
        .map(|i| format!("On day {i} Orla Venn sailed to Skarn. "))
        .collect::<String>();
    let run = stage(folder.path(), json!({})).text(&text).run();
    let found = run.spans("entities");
    let expected: Vec<usize> = text
        .match_indices("Orla Venn")
        .chain(text.match_indices("Skarn"))
        .map(|(at, _)| at)
        .collect();
    assert_eq!(found.len(), expected.len());
    for span in &found {
        assert!(expected.contains(&span.range.start), "{span:?}");
        assert!(span.text == "Orla Venn" || span.text == "Skarn", "{span:?}");
    }
}

#[test]
fn a_word_without_end_is_read_in_parts() {
    let folder = folder(&Small::tagger());
    // 500 pieces in one word, five times what the model has positions for.
    let text = format!("Orla {} Skarn", "x".repeat(500));
    stage(folder.path(), json!({}))
        .text(&text)
        .expect_texts("entities", &[("Orla", "PER"), ("Skarn", "LOC")]);
}

#[test]
fn empty_and_blank_texts_have_no_names() {
    let folder = folder(&Small::tagger());
    for text in ["", "  \n\t ", "\u{200d}"] {
        assert!(
            stage(folder.path(), json!({}))
                .text(text)
                .run()
                .spans("entities")
                .is_empty(),
            "{text:?}"
        );
    }
}

#[test]
fn other_documents_of_a_call_change_nothing() {
    let folder = folder(&Small::tagger());
    let texts = [
        "Orla Venn left.",
        "Skarn",
        "",
        "Tidewater Bank in Skarn, Orla said. Venn did not.",
    ];
    let alone: Vec<_> = texts
        .map(|text| {
            stage(folder.path(), json!({}))
                .text(text)
                .run()
                .spans("entities")
        })
        .into();
    let together = texts
        .iter()
        .fold(stage(folder.path(), json!({})), |test, text| {
            test.text(text)
        })
        .run();
    for (doc, alone) in alone.iter().enumerate() {
        assert_eq!(&together.spans_in(doc, "entities"), alone);
    }
}

#[test]
fn the_size_of_batches_changes_nothing() {
    let folder = folder(&Small::tagger());
    let text = (0..40)
        .map(|i| format!("Orla {} went to Skarn. ", "far ".repeat(i % 7)))
        .collect::<String>();
    let found = |batch| {
        stage(folder.path(), json!({ "batch": batch }))
            .text(&text)
            .run()
    };
    let (one, many) = (found(1).spans("entities"), found(64).spans("entities"));
    assert_eq!(one.len(), 80);
    for (one, many) in one.iter().zip(&many) {
        assert_eq!((&one.range, &one.label), (&many.range, &many.label));
        assert!((one.score.unwrap() - many.score.unwrap()).abs() < 1e-4);
    }
}

#[test]
fn token_types_are_case_classes_where_the_model_was_made_so() {
    let mut small = Small::tagger();
    // All words look alike to it but for their case: ALL CAPS is an organisation.
    small.words = vec![
        ("Orla", 0),
        ("Venn", 0),
        ("Skarn", 0),
        ("Tidewater", 0),
        ("Bank", 0),
    ];
    small.types = vec![None, None, Some(5), None];
    let folder = folder(&small);
    let text = "Orla left SKARN";
    stage(folder.path(), json!({ "token_types": "case" }))
        .text(text)
        .expect_texts("entities", &[("SKARN", "ORG")]);
    stage(folder.path(), json!({}))
        .text(text)
        .expect_texts("entities", &[]);

    let message = refused(
        self::folder(&Small::tagger()).path(),
        json!({ "token_types": "case" }),
    );
    says(&message, &["/model", "type_vocab_size 2"]);
}

#[test]
fn weights_may_be_in_other_formats() {
    let text = "Orla Venn left Skarn.";
    let expected = [("Orla Venn", "PER"), ("Skarn", "LOC")];
    let folder = folder(&Small::tagger());
    testing::as_halves(folder.path());
    stage(folder.path(), json!({}))
        .text(text)
        .expect_texts("entities", &expected);
    stage(folder.path(), json!({ "precision": "bf16" }))
        .text(text)
        .expect_texts("entities", &expected);
    testing::as_ot(folder.path());
    stage(folder.path(), json!({}))
        .text(text)
        .expect_texts("entities", &expected);
}

#[test]
fn a_vocabulary_stands_in_for_a_tokenizer() {
    let small = Small::tagger();
    let folder = folder(&small);
    fs::remove_file(folder.path().join("tokenizer.json")).unwrap();
    fs::write(
        folder.path().join("vocab.txt"),
        small.vocabulary().join("\n"),
    )
    .unwrap();
    fs::write(
        folder.path().join("tokenizer_config.json"),
        r#"{"do_lower_case": false}"#,
    )
    .unwrap();
    stage(folder.path(), json!({}))
        .text("Orla left Skarn")
        .expect_texts("entities", &[("Orla", "PER"), ("Skarn", "LOC")]);

    fs::remove_file(folder.path().join("vocab.txt")).unwrap();
    says(
        &refused(folder.path(), json!({})),
        &["/model", "no tokenizer", "vocab.txt"],
    );
}

#[test]
fn other_networks_run_too() {
    for kind in ["distilbert", "roberta"] {
        let folder = tempfile::tempdir().unwrap();
        testing::by_chance(&Small::tagger(), kind, folder.path());
        let text = "Orla Venn left Skarn. ".repeat(30);
        // By chance they may find anything; what they find lies in the text, and windows cover it.
        let run = stage(folder.path(), json!({})).text(&text).run();
        assert!(run.counters()["pieces"] >= 150, "{:?}", run.counters());
    }
}

#[test]
fn workers_share_the_weights() {
    let folder = folder(&Small::tagger());
    let stage = stage(folder.path(), json!({})).create().unwrap();
    stage.load().unwrap();
    let threads: Vec<_> = (0..4)
        .map(|index| {
            let mut worker = stage.open_worker(index).unwrap();
            std::thread::spawn(move || {
                let mut batch = testkit::document::Batch::new();
                batch.push(testkit::document::NewDocument::new(
                    "one",
                    "Orla Venn left Skarn. ".repeat(40),
                ));
                let changes = worker.process(&batch, None).unwrap();
                batch.apply(changes);
                let threads = tch::get_num_threads();
                (batch.layer("entities").unwrap().len(0), threads)
            })
        })
        .collect();
    for thread in threads {
        assert_eq!(
            thread.join().unwrap(),
            (80, 1),
            "names, and threads of libtorch's own"
        );
    }
}

#[test]
fn labels_are_mapped_and_unknown_ones_refused_by_name() {
    let mut small = Small::tagger();
    small.labels = vec![
        "O", "B-PERSON", "I-PERSON", "B-GPE", "I-GPE", "B-NORP", "I-NORP",
    ];
    let folder = folder(&small);
    says(
        &refused(folder.path(), json!({})),
        &["/model", "unknown label `NORP`", "labels"],
    );
    let text = "Orla Venn left Skarn for Tidewater";
    stage(folder.path(), json!({ "labels": { "NORP": "MISC" } }))
        .text(text)
        .expect_texts(
            "entities",
            &[
                ("Orla Venn", "PER"),
                ("Skarn", "LOC"),
                ("Tidewater", "MISC"),
            ],
        );
    stage(
        folder.path(),
        json!({ "labels": { "NORP": "", "PERSON": "" } }),
    )
    .text(text)
    .expect_texts("entities", &[("Skarn", "LOC")]);
    says(
        &refused(folder.path(), json!({ "labels": { "NORP": "GOD" } })),
        &["/labels/NORP", "no label `GOD`", "PER, ORG"],
    );
    says(
        &refused(
            folder.path(),
            json!({ "labels": { "NORP": "", "NOPE": "PER" } }),
        ),
        &["/labels/NOPE", "the model has no label `NOPE`"],
    );
}

#[test]
fn every_scheme_of_tags_gives_whole_names() {
    let scheme = |labels: Vec<&'static str>, words: Vec<(&'static str, usize)>| {
        let folder = folder(&Small {
            labels,
            words,
            types: vec![None],
            sequence: false,
        });
        let run = stage(folder.path(), json!({}))
            .text("Orla Venn Skarn Orla Venn left")
            .run();
        run.spans("entities")
            .into_iter()
            .map(|span| span.text)
            .collect::<Vec<_>>()
    };
    // IOB1: B only where two names touch.
    assert_eq!(
        scheme(
            vec!["O", "I-PER", "B-PER"],
            vec![("Orla", 2), ("Venn", 1), ("Skarn", 0)]
        ),
        ["Orla Venn", "Orla Venn"]
    );
    // BIOES.
    assert_eq!(
        scheme(
            vec!["O", "B-PER", "E-PER", "S-LOC"],
            vec![("Orla", 1), ("Venn", 2), ("Skarn", 3)]
        ),
        ["Orla Venn", "Skarn", "Orla Venn"]
    );
    // No positions at all.
    assert_eq!(
        scheme(
            vec!["O", "PER", "LOC"],
            vec![("Orla", 1), ("Venn", 1), ("Skarn", 2)]
        ),
        ["Orla Venn", "Skarn", "Orla Venn"]
    );
}

#[test]
fn a_conditional_random_field_in_the_weights_decides_by_the_whole_sequence() {
    let folder = folder(&Small::tagger());
    let file = folder.path().join("model.safetensors");
    let plain = tch::Tensor::read_safetensors(&file).unwrap();
    let tags = Small::tagger().labels.len();
    let with = |transitions: Vec<f32>, start: Vec<f32>, end: Vec<f32>| {
        let mut tensors: Vec<_> = plain
            .iter()
            .map(|(name, tensor)| (name.clone(), tensor.shallow_clone()))
            .collect();
        let square = tch::Tensor::from_slice(&transitions).view((tags as i64, -1));
        tensors.push(("crf.transitions".to_owned(), square));
        tensors.push((
            "crf.start_transitions".to_owned(),
            tch::Tensor::from_slice(&start),
        ));
        tensors.push((
            "crf.end_transitions".to_owned(),
            tch::Tensor::from_slice(&end),
        ));
        tch::Tensor::write_safetensors(&tensors, &file).unwrap();
    };
    let none = || vec![0.0; tags];
    let text = "Venn left Orla Venn in Skarn";
    // A tag inside a name cannot begin one: `Venn` alone is not I-PER.
    with(vec![0.0; tags * tags], none(), none());
    let run = stage(folder.path(), json!({})).text(text).run();
    assert!(
        run.spans("entities")
            .iter()
            .any(|span| span.text == "Orla Venn"),
        "{:?}",
        run.spans("entities")
    );
    assert!(
        stage(folder.path(), json!({}))
            .text("Orla Venn")
            .run()
            .spans("entities")[0]
            .score
            .unwrap()
            > 0.9
    );
    // Nothing follows anything but O: no name of two words.
    let mut lonely = vec![-1e4; tags * tags];
    for tag in 0..tags {
        (lonely[tag], lonely[tag * tags]) = (0.0, 0.0);
    }
    with(lonely, none(), none());
    let run = stage(folder.path(), json!({})).text(text).run();
    assert!(
        run.spans("entities")
            .iter()
            .all(|span| !span.text.contains(' ')),
        "{:?}",
        run.spans("entities")
    );
    // No text ends with a place, none begins with a person.
    let (mut start, mut end) = (none(), none());
    (start[1], end[3], end[4]) = (-1e4, -1e4, -1e4);
    with(vec![0.0; tags * tags], start, end);
    let found = stage(folder.path(), json!({}))
        .text("Orla left Skarn")
        .run()
        .spans("entities");
    assert!(
        found
            .iter()
            .all(|span| span.text != "Skarn" || span.label != "LOC"),
        "{found:?}"
    );
    assert!(
        found
            .iter()
            .all(|span| span.text != "Orla" || span.label != "PER"),
        "{found:?}"
    );
    with(vec![0.0; tags * 2], none(), none());
    says(
        &fails_to_load(folder.path()),
        &["crf.transitions", "[7, 2]", "[7, 7]"],
    );
}

#[test]
fn a_folder_that_is_no_model_is_refused_before_anything_is_loaded() {
    let empty = tempfile::tempdir().unwrap();
    says(
        &refused(empty.path(), json!({})),
        &["/model", "config.json", "copydesk model get"],
    );
    says(
        &refused(Path::new("models/nowhere"), json!({})),
        &["/model", "models/nowhere"],
    );
    let unnamed = testkit::stage!(Ner)
        .options(json!({}))
        .create()
        .err()
        .unwrap();
    says(&unnamed[0].message, &["needs a model"]);

    let folder = folder(&Small::tagger());
    let config = folder.path().join("config.json");
    let whole: Value = serde_json::from_str(&fs::read_to_string(&config).unwrap()).unwrap();
    let with = |name: &str, value: Value| {
        let mut changed = whole.clone();
        changed[name] = value;
        fs::write(&config, changed.to_string()).unwrap();
        refused(folder.path(), json!({}))
    };
    says(
        &with("model_type", json!("gpt2")),
        &["config.json", "`gpt2`", "bert, ", "docs/rust-bert.md"],
    );
    says(&with("model_type", Value::Null), &["no `model_type`"]);
    says(&with("model_type", json!("bart")), &["no `bart`", "token"]);
    says(
        &with("architectures", json!(["BertForSequenceClassification"])),
        &["BertForSequenceClassification", "ForTokenClassification"],
    );
    says(&with("id2label", Value::Null), &["`id2label` is missing"]);
    says(
        &with("id2label", json!({ "0": "O", "7": "B-PER" })),
        &["none with the number 1"],
    );
    says(&with("vocab_size", json!("many")), &["vocab_size"]);
    fs::write(&config, "{").unwrap();
    says(
        &refused(folder.path(), json!({})),
        &["config.json", "no JSON"],
    );

    fs::write(&config, whole.to_string()).unwrap();
    fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    says(
        &refused(folder.path(), json!({})),
        &["no weights", "model.safetensors"],
    );
    fs::write(folder.path().join("model.safetensors.index.json"), "{}").unwrap();
    says(
        &refused(folder.path(), json!({})),
        &["several files", "max_shard_size"],
    );
}

#[test]
fn the_tokenizer_of_another_model_is_refused() {
    let folder = folder(&Small::tagger());
    let mut larger = Small::tagger().vocabulary();
    larger.extend((0..300).map(|i| format!("more{i}")));
    fs::write(
        folder.path().join("tokenizer.json"),
        testing::tokenizer(&larger).to_string(),
    )
    .unwrap();
    says(
        &refused(folder.path(), json!({})),
        &["tokenizer.json", "vocab_size", "another model's"],
    );
    // A larger model, with the tokenizer that it had.
    let small = Small::tagger();
    fs::write(
        folder.path().join("tokenizer.json"),
        testing::tokenizer(&small.vocabulary()).to_string(),
    )
    .unwrap();
    fs::write(
        folder.path().join("config.json"),
        small.config(larger.len()).to_string(),
    )
    .unwrap();
    says(&refused(folder.path(), json!({})), &["another model's"]);
    fs::write(folder.path().join("tokenizer.json"), "[]").unwrap();
    says(
        &refused(folder.path(), json!({})),
        &["tokenizer.json", "no tokenizer"],
    );
}

/// How loading the model fails.
fn fails_to_load(folder: &Path) -> String {
    stage(folder, json!({}))
        .create()
        .unwrap()
        .load()
        .unwrap_err()
        .to_string()
}

#[test]
fn weights_that_are_cut_off_or_another_models_are_named() {
    let folder = folder(&Small::tagger());
    let file = folder.path().join("model.safetensors");
    let whole = fs::read(&file).unwrap();
    for part in [whole.len() - 100, 40, 0] {
        fs::write(&file, &whole[..part]).unwrap();
        says(
            &fails_to_load(folder.path()),
            &["model.safetensors", "is the file whole?"],
        );
    }
    fs::write(&file, &whole).unwrap();
    testing::as_ot(folder.path());
    let ot = folder.path().join("rust_model.ot");
    let whole = fs::read(&ot).unwrap();
    fs::write(&ot, &whole[..whole.len() / 2]).unwrap();
    says(
        &fails_to_load(folder.path()),
        &["rust_model.ot", "is the file whole?"],
    );
    fs::rename(&ot, folder.path().join("pytorch_model.bin")).unwrap();
    says(
        &fails_to_load(folder.path()),
        &["pytorch_model.bin", "is the file whole?"],
    );

    // A head for other labels, and an encoder without any head.
    let mut other = Small::tagger();
    other.labels.truncate(3);
    other.words.truncate(2);
    let folder = self::folder(&Small::tagger());
    let vocabulary = Small::tagger().vocabulary().len();
    fs::write(
        folder.path().join("config.json"),
        other.config(vocabulary).to_string(),
    )
    .unwrap();
    says(
        &fails_to_load(folder.path()),
        &["classifier.", "[7", "[3", "config.json"],
    );
    let file = folder.path().join("model.safetensors");
    let tensors = tch::Tensor::read_safetensors(&file).unwrap();
    let encoder: Vec<_> = tensors
        .into_iter()
        .filter(|(name, _)| !name.starts_with("classifier"))
        .collect();
    tch::Tensor::write_safetensors(&encoder, &file).unwrap();
    says(
        &fails_to_load(folder.path()),
        &["no tensor `classifier.bias` and 1 others", "trained head"],
    );
}

#[test]
fn weights_that_are_no_numbers_fail_the_document() {
    let folder = folder(&Small::tagger());
    let file = folder.path().join("model.safetensors");
    let tensors: Vec<_> = tch::Tensor::read_safetensors(&file)
        .unwrap()
        .into_iter()
        .map(|(name, tensor)| {
            if name == "classifier.bias" {
                (name, tensor * f64::NAN)
            } else {
                (name, tensor)
            }
        })
        .collect();
    tch::Tensor::write_safetensors(&tensors, &file).unwrap();
    let error = stage(folder.path(), json!({}))
        .text("Orla left")
        .try_run()
        .unwrap_err();
    says(&error.to_string(), &["NaN"]);
}

#[test]
fn what_libtorch_throws_costs_the_call() {
    let folder = folder(&Small::tagger());
    let folder_opened = crate::folder::Folder::open(folder.path(), Task::Tokens).unwrap();
    let checked = Checked {
        pieces: crate::text::Pieces::open(&folder_opened, crate::options::TokenTypes::Segments)
            .unwrap(),
        folder: folder_opened,
        device: tch::Device::Cpu,
        precision: crate::options::Precision::F32,
        batch: 4,
        window: 64,
    };
    let worker = Model::load(&checked).unwrap().worker().unwrap();
    // A piece that the embedding does not have: C++ throws.
    let bad = Input {
        ids: vec![1_000_000],
        types: vec![0],
    };
    let error = worker.scores(&[bad], || Ok(())).unwrap_err();
    assert_eq!(error.code(), "libtorch");
    says(error.message(), &["index out of range"]);
    assert!(
        !error.message().contains("Exception raised from"),
        "{}",
        error.message()
    );
    // And the worker goes on.
    let good = Input {
        ids: vec![2, 5, 3],
        types: vec![0; 3],
    };
    assert_eq!(worker.scores(&[good], || Ok(())).unwrap().len(), 1);
}

#[test]
fn devices_that_are_not_there_are_refused() {
    let folder = folder(&Small::tagger());
    says(
        &refused(folder.path(), json!({ "device": "tpu" })),
        &["/device", "no device `tpu`", "cpu, cuda"],
    );
    says(
        &refused(folder.path(), json!({ "device": "cuda:x" })),
        &["/device", "no device `cuda:x`"],
    );
    if tch::Cuda::is_available() {
        println!("skipped: there is a graphics card");
    } else {
        says(
            &refused(folder.path(), json!({ "device": "cuda" })),
            &["/device", "finds no graphics card", "cpu"],
        );
    }
}

#[test]
fn other_options_out_of_range_are_refused_together() {
    let folder = folder(&Small::tagger());
    let message = refused(
        folder.path(),
        json!({ "batch": 0, "window": 97, "min_score": 1.5 }),
    );
    says(&message, &["/batch", "/window", "64 to 96", "/min_score"]);
}
