//! Documents out of files of every kind.

use std::{fs, io::Write, path::Path};

use copydesk_engine::{index_of, position, split_of};
use proptest::prelude::*;

use super::*;
use crate::{Search, discover};

const LIMIT: usize = 16_000_000;

fn read_with(
    base: &Path,
    paths: &[&str],
    input: &Input,
    limit: usize,
) -> Vec<Result<NewDocument, InputFailure>> {
    let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
    let search = Search {
        base: base.to_owned(),
        ..Search::default()
    };
    let mut reader = Reader::new(discover(&paths, &search).unwrap(), input, limit, None).unwrap();
    std::iter::from_fn(|| reader.next()).collect()
}

fn read(base: &Path, paths: &[&str]) -> Vec<Result<NewDocument, InputFailure>> {
    read_with(base, paths, &Input::default(), LIMIT)
}

fn one_file(
    name: &str,
    bytes: &[u8],
) -> (tempfile::TempDir, Vec<Result<NewDocument, InputFailure>>) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(name), bytes).unwrap();
    let read = read(folder.path(), &[name]);
    (folder, read)
}

fn ids(read: &[Result<NewDocument, InputFailure>]) -> Vec<String> {
    read.iter()
        .map(|result| match result {
            Ok(document) => document.id.clone(),
            Err(failure) => format!("{} failed: {}", failure.id, failure.code),
        })
        .collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Lines that do not compress away, so that a cut file loses some.
fn many_lines() -> String {
    let mut state = 1u64;
    (0..6000)
        .map(|i| {
            let noise: String = (0..60)
                .map(|_| {
                    state = state
                        .wrapping_mul(6364136223846793005)
                        .wrapping_add(1442695040888963407);
                    char::from(b'a' + ((state >> 33) % 26) as u8)
                })
                .collect();
            format!("{{\"text\": \"{i} {noise}\"}}\n")
        })
        .collect()
}

#[test]
fn a_text_file_is_one_document_with_its_path_as_id() {
    let (_folder, read) = one_file("ferry.txt", "Pell said:\r\n“Go.”\r\n".as_bytes());
    let document = read[0].as_ref().unwrap();
    assert_eq!(document.id, "ferry.txt");
    assert_eq!(document.path.as_deref(), Some("ferry.txt"));
    assert_eq!(document.raw, "Pell said:\r\n“Go.”\r\n");
    assert!(document.warnings.is_empty());
}

#[test]
fn a_json_line_gives_text_id_and_everything_else_as_it_stood() {
    let (_folder, read) = one_file(
        "news.jsonl",
        b"{\"id\": \"a\", \"text\": \"One.\", \"title\": \"T\", \"n\": 1.50}\n\n{\"text\":\"Two.\"}\n{\"id\": 7, \"text\": \"Three.\"}",
    );
    assert_eq!(ids(&read), ["a", "news.jsonl:3", "7"]);
    let first = read[0].as_ref().unwrap();
    assert_eq!(
        Value::Object(first.extra.clone()).to_string(),
        r#"{"title":"T","n":1.5}"#
    );
    assert!(first.meta.is_empty());
    assert_eq!(first.path.as_deref(), Some("news.jsonl"));
}

#[test]
fn fields_can_be_chosen() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("a.jsonl"),
        r#"{"key": "k1", "body": "One.", "text": 5, "about": [{"start": 0, "end": 3}]}"#,
    )
    .unwrap();
    let input = Input {
        text_field: "body".into(),
        targets_field: "about".into(),
        id_field: "key".into(),
        ..Input::default()
    };
    let read = read_with(folder.path(), &["a.jsonl"], &input, LIMIT);
    let document = read[0].as_ref().unwrap();
    assert_eq!(
        (document.id.as_str(), document.raw.as_str()),
        ("k1", "One.")
    );
    assert_eq!(document.extra["text"], 5);
    // Stages read it as metadata, and it is carried along as any column.
    assert_eq!(document.meta["targets"][0]["end"], 3);
    assert_eq!(document.extra["about"], document.meta["targets"]);
}

#[test]
fn a_bad_line_fails_alone_and_says_where_and_what_helps() {
    let (_folder, read) = one_file(
        "news.jsonl",
        b"{\"text\": \"ok\"}\n{\"text\": oops}\n[1]\n{\"body\": \"words\", \"n\": 1}\n{\"id\": \"x\", \"text\": 42}\n{\"id\": [], \"text\": \"\"}\n{\"text\": \"last\"}",
    );
    assert_eq!(
        ids(&read),
        [
            "news.jsonl:1",
            "news.jsonl:2 failed: not-json",
            "news.jsonl:3 failed: not-object",
            "news.jsonl:4 failed: no-text",
            "news.jsonl:5 failed: text-not-string",
            "news.jsonl:6 failed: bad-id",
            "news.jsonl:7",
        ]
    );
    let told: Vec<String> = read
        .iter()
        .filter_map(|result| result.as_ref().err())
        .map(|failure| format!("{}: {}", failure.place.as_ref().unwrap(), failure.message))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @"
    line 2, column 10: this line is no JSON: expected value
    line 3: this line is an array, not an object with a text
    line 4, column 1: there is no `text`; fields with a text: `body`; choose one with `text_field` under `[input]`
    line 5, column 21: `text` is the number 42, not a text; the line has no other field with a text
    line 6, column 8: `id` is an array, not a text or number; choose another with `id_field` under `[input]`
    ");
    assert_eq!(
        read[1].as_ref().unwrap_err().raw.as_deref(),
        Some("{\"text\": oops}")
    );
}

/// Positions, as split and index, and ids of all that is read.
fn read_but(skip: impl Skip + 'static, folder: &Path) -> Vec<(u32, u64, String)> {
    let search = Search {
        base: folder.to_owned(),
        ..Search::default()
    };
    let files = discover(&[".".to_owned()], &search).unwrap();
    let input = Input::default();
    let mut reader = Reader::new(files, &input, LIMIT, Some(Arc::new(skip))).unwrap();
    std::iter::from_fn(|| reader.next())
        .map(|result| match result {
            Ok(document) => (document.seq, document.id),
            Err(failure) => (failure.seq, failure.code),
        })
        .map(|(seq, id)| (split_of(seq), index_of(seq), id))
        .collect()
}

/// Passes over split 0, the documents at these positions, and what follows on the other.
#[derive(Default)]
struct But {
    split_0: bool,
    documents: Vec<u64>,
    from: Option<u64>,
}

impl Skip for But {
    fn whole_split(&self, split: u32) -> bool {
        self.split_0 && split == 0
    }

    fn document(&self, position: u64) -> bool {
        self.documents.contains(&position)
    }

    fn rest_of_split(&self, position: u64) -> bool {
        let from = self.from.unwrap_or(u64::MAX);
        split_of(position) == split_of(from) && position >= from
    }
}

#[test]
fn every_record_has_its_place_whatever_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("a.txt", "One.");
    write(
        "b.jsonl",
        "{\"id\": \"b0\", \"text\": \"x\"}\n\n{oops\n{\"id\": \"b2\", \"text\": \"y\"}\n",
    );
    write("c.txt", "Two.");
    let all = [
        (0, 0, "a.txt"),
        (1, 0, "b0"),
        (1, 1, "not-json"),
        (1, 2, "b2"),
        (2, 0, "c.txt"),
    ]
    .map(|(split, index, id)| (split, index, id.to_owned()));
    let read = |skip| read_but(skip, folder.path());
    assert_eq!(read(But::default()), all);
    let whole = But {
        split_0: true,
        ..But::default()
    };
    assert_eq!(read(whole), all[1..]);
    let some = But {
        documents: vec![position(0, 0), position(1, 1)],
        ..But::default()
    };
    assert_eq!(read(some), [&all[1..2], &all[3..]].concat());
    let rest = But {
        from: Some(position(1, 1)),
        ..But::default()
    };
    assert_eq!(read(rest), [&all[..2], &all[4..]].concat());
}

#[test]
fn an_empty_file_is_an_empty_document_with_a_warning_and_an_empty_jsonl_is_none() {
    let (_folder, read) = one_file("a.txt", b"");
    assert_eq!(read[0].as_ref().unwrap().warnings[0].code, "empty");
    let (_folder, read) = one_file("a.jsonl", b"");
    assert!(read.is_empty());
}

#[test]
fn odd_texts_come_through_as_they_are() {
    for text in [
        "a",
        " \n\t ",
        "“”\"‘’",
        "אמר השר: “לא”.",
        "👩‍👩‍👧‍👦 said 🙂",
        "e\u{301}\r\n",
    ] {
        let (_folder, read) = one_file("a.txt", text.as_bytes());
        assert_eq!(read[0].as_ref().unwrap().raw, text);
        let line = serde_json::json!({ "text": text }).to_string();
        let (_folder, read) = one_file("a.jsonl", line.as_bytes());
        assert_eq!(read[0].as_ref().unwrap().raw, text);
    }
}

#[test]
fn a_line_or_file_of_50_mb_fails_alone_unless_it_is_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let long = "x".repeat(50_000_000);
    fs::write(folder.path().join("a.txt"), &long).unwrap();
    fs::write(
        folder.path().join("b.jsonl"),
        format!("{{\"text\": \"first\"}}\n{{\"text\": \"{long}\"}}\n{{\"text\": \"last\"}}\n"),
    )
    .unwrap();
    let read = read(folder.path(), &["."]);
    assert_eq!(
        ids(&read),
        [
            "a.txt failed: too-large",
            "b.jsonl:1",
            "b.jsonl:2 failed: too-large",
            "b.jsonl:3"
        ]
    );
    let message = &read[2].as_ref().unwrap_err().message;
    assert!(
        message.contains("50 MB")
            && message.contains("16 MB")
            && message.contains("max_document_mb"),
        "{message}"
    );
    let read = read_with(folder.path(), &["b.jsonl"], &Input::default(), 60_000_000);
    assert_eq!(read[1].as_ref().unwrap().raw.len(), 50_000_000);
}

#[test]
fn compressed_files_are_read_whatever_they_are_called() {
    let line = b"{\"text\": \"One.\"}\n";
    let packed = zstd::encode_all(&line[..], 0).unwrap();
    for (name, bytes) in [
        ("a.jsonl.gz", gzip(line)),
        ("a.jsonl.zst", packed),
        ("a.jsonl", gzip(line)),
        ("a.jsonl.gz", line.to_vec()),
    ] {
        let (_folder, read) = one_file(name, &bytes);
        assert_eq!(read[0].as_ref().unwrap().raw, "One.", "{name}");
    }
    let (_folder, read) = one_file("a.txt.gz", &[gzip(b"One, "), gzip(b"two.")].concat());
    assert_eq!(
        read[0].as_ref().unwrap().raw,
        "One, two.",
        "members follow one another"
    );
}

#[test]
fn what_stands_before_the_cut_in_a_truncated_file_comes_out() {
    let lines = many_lines();
    let packed = zstd::encode_all(lines.as_bytes(), 0).unwrap();
    for (name, bytes) in [
        ("a.jsonl.gz", gzip(lines.as_bytes())),
        ("a.jsonl.zst", packed),
    ] {
        let (_folder, read) = one_file(name, &bytes[..bytes.len() * 2 / 3]);
        let (last, whole) = read.split_last().unwrap();
        let failure = last.as_ref().unwrap_err();
        assert_eq!(failure.code, "damaged");
        assert!(failure.message.contains("cut short"), "{}", failure.message);
        assert!(
            failure
                .message
                .contains(&format!("the {} lines", whole.len())),
            "{}",
            failure.message
        );
        for (i, document) in whole.iter().enumerate() {
            assert!(document.as_ref().unwrap().raw.starts_with(&format!("{i} ")));
        }
        // Gzip gives what it has; zstd works in blocks of 128 KiB.
        assert!(whole.len() > 1500, "{name}: {}", whole.len());
    }
    let text = gzip(lines.as_bytes());
    let (_folder, read) = one_file("a.txt.gz", &text[..text.len() / 2]);
    assert_eq!(ids(&read), ["a.txt.gz failed: damaged"]);
}

#[test]
fn a_damaged_checksum_is_noticed() {
    let mut bytes = gzip(b"{\"text\": \"One.\"}\n");
    let at = bytes.len() - 6;
    bytes[at] ^= 0xFF;
    let (_folder, read) = one_file("a.jsonl.gz", &bytes);
    assert_eq!(read.last().unwrap().as_ref().unwrap_err().code, "damaged");
}

#[test]
fn json_lines_in_utf16_are_read_line_by_line() {
    let lines = "{\"text\": \"Élodie sagte „Nein“\"}\r\n{\"text\": \"Two.\"}\r\n";
    for mark in ["", "\u{FEFF}"] {
        let bytes: Vec<u8> = format!("{mark}{lines}")
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let (_folder, read) = one_file("a.jsonl", &bytes);
        let texts: Vec<&str> = read
            .iter()
            .map(|r| r.as_ref().unwrap().raw.as_str())
            .collect();
        assert_eq!(texts, ["Élodie sagte „Nein“", "Two."]);
        assert_eq!(
            read[0].as_ref().unwrap().warnings.is_empty(),
            !mark.is_empty()
        );
    }
}

#[test]
fn a_line_that_is_not_utf8_is_guessed_with_a_warning() {
    let mut bytes = b"{\"text\": \"caf".to_vec();
    bytes.extend([0xE9, b'"', b'}', b'\n']);
    bytes.extend("{\"text\": \"café\"}\n".as_bytes());
    let (_folder, read) = one_file("a.jsonl", &bytes);
    let (first, second) = (read[0].as_ref().unwrap(), read[1].as_ref().unwrap());
    assert_eq!((first.raw.as_str(), second.raw.as_str()), ("café", "café"));
    assert_eq!(first.warnings[0].code, "encoding-guessed");
    assert!(second.warnings.is_empty());
}

#[test]
fn a_told_encoding_is_obeyed_and_an_unknown_one_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.txt"), [0xA4]).unwrap();
    let input = Input {
        encoding: Some("iso-8859-15".into()),
        ..Input::default()
    };
    let read = read_with(folder.path(), &["a.txt"], &input, LIMIT);
    assert_eq!(read[0].as_ref().unwrap().raw, "€");
    let input = Input {
        encoding: Some("latin-99".into()),
        ..Input::default()
    };
    assert!(Reader::new(vec![], &input, LIMIT, None).is_err());
}

#[test]
fn half_a_surrogate_in_json_fails_that_line() {
    let (_folder, read) = one_file("a.jsonl", b"{\"text\": \"\\ud800\"}\n{\"text\": \"ok\"}");
    assert_eq!(ids(&read), ["a.jsonl:1 failed: not-json", "a.jsonl:2"]);
}

const PAGE: &str = "<html lang=en><head><meta property=og:title content='Ferries stop'>\
    <meta name=author content='By Ada Brill'></head><body><nav><a href=/>Home</a></nav><article>\
    <p>The ferries to the outer islands stopped on Friday, said Elodie Brule of the caf\u{e9} on the pier.</p>\
    <figure><img src=x><figcaption>The northern pier</figcaption></figure>\
    <p>Nobody in the harbour office would say for how long, and nobody asked the captain.</p>\
    </article></body></html>";
const RENDERED: &str = "The ferries to the outer islands stopped on Friday, said Elodie Brule of the \
    caf\u{e9} on the pier.\n\nThe northern pier\n\nNobody in the harbour office would say for how long, \
    and nobody asked the captain.";

#[test]
fn a_page_gives_its_article_what_it_says_about_it_and_its_markup() {
    for (name, bytes) in [
        ("a.html", PAGE.as_bytes().to_vec()),
        ("a.HTM", PAGE.as_bytes().to_vec()),
        ("a.html.gz", gzip(PAGE.as_bytes())),
        ("a.html.zst", zstd::encode_all(PAGE.as_bytes(), 0).unwrap()),
    ] {
        let (_folder, read) = one_file(name, &bytes);
        let document = read[0].as_ref().unwrap();
        assert_eq!(document.raw, RENDERED, "{name}");
        assert_eq!(document.media_type, "text/html");
        assert_eq!(document.meta["title"], "Ferries stop");
        assert_eq!(document.meta["authors"], serde_json::json!(["Ada Brill"]));
        assert_eq!(document.meta["language"], "en");
        assert!(document.warnings.is_empty(), "{:?}", document.warnings);
        let [markup] = document.layers.as_slice() else {
            panic!("one layer, not {:?}", document.layers);
        };
        assert_eq!(
            (markup.name.as_str(), markup.transient),
            (crate::MARKUP, true)
        );
        let labels: Vec<_> = markup
            .spans
            .iter()
            .map(|span| {
                let range = span.range.start as usize..span.range.end as usize;
                (span.label.as_deref().unwrap(), &document.raw[range])
            })
            .collect();
        assert_eq!(labels[1], ("caption", "The northern pier"));
        assert_eq!(
            (labels[0].0, labels[2].0, labels.len()),
            ("paragraph", "paragraph", 3)
        );
        let tag = copydesk_document::NewValue::Text("figcaption".to_owned());
        assert_eq!(markup.spans[1].attrs[0], ("tag", tag));
    }
}

#[test]
fn a_field_of_json_lines_can_hold_the_page_where_there_is_no_text() {
    let lines = [
        serde_json::json!({ "html": PAGE, "desk": "harbour" }),
        serde_json::json!({ "html": PAGE, "text": null }),
        serde_json::json!({ "html": PAGE, "text": "Short." }),
        serde_json::json!({ "html": 7 }),
    ];
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    let (_folder, read) = one_file("a.jsonl", lines.join("\n").as_bytes());
    for document in &read[..2] {
        let document = document.as_ref().unwrap();
        assert_eq!(
            (document.raw.as_str(), document.media_type.as_str()),
            (RENDERED, "text/html")
        );
        assert!(!document.extra.contains_key("html") && !document.extra.contains_key("text"));
    }
    assert_eq!(read[0].as_ref().unwrap().extra["desk"], "harbour");
    let text = read[2].as_ref().unwrap();
    assert_eq!(
        (text.raw.as_str(), text.media_type.as_str()),
        ("Short.", "text/plain")
    );
    assert_eq!(text.extra["html"], PAGE);
    let failure = read[3].as_ref().unwrap_err();
    assert_eq!(
        failure.message.split(';').next(),
        Some("`html` is the number 7, not a text")
    );
}

#[test]
fn pages_in_old_encodings_are_read_as_they_declare() {
    let latin = |text: &str| encoding_rs::WINDOWS_1252.encode(text).0.into_owned();
    let declared = |head: &str| PAGE.replacen("<head>", &format!("<head>{head}"), 1);
    for (bytes, notes) in [
        (latin(&declared("<meta charset='iso-8859-1'>")), vec![]),
        (
            latin(&declared(
                "<META http-equiv=Content-Type content='text/html; Charset = windows-1252'>",
            )),
            vec![],
        ),
        (declared("<meta charset=utf-8>").into_bytes(), vec![]),
        // Said wrongly: letters beyond ASCII are valid UTF-8 by no accident.
        (declared("<meta charset=iso-8859-1>").into_bytes(), vec![]),
        (declared("<meta charset=utf-16>").into_bytes(), vec![]),
        (
            declared("<meta charset=klingon>").into_bytes(),
            vec!["encoding-declared"],
        ),
        (
            latin(&declared("<meta charset=utf-8>")),
            vec!["encoding-guessed"],
        ),
        (
            latin(&declared("<meta charset=euc-jp>")),
            vec!["encoding-declared", "encoding-guessed"],
        ),
    ] {
        let (_folder, read) = one_file("a.html", &bytes);
        let document = read[0].as_ref().unwrap();
        let codes: Vec<&str> = document.warnings.iter().map(|w| w.code.as_str()).collect();
        assert_eq!((document.raw.as_str(), codes), (RENDERED, notes));
    }
}

#[test]
fn what_is_no_page_or_has_no_article_says_so() {
    let (_folder, read) = one_file("a.html", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x03\0\0\0\x01");
    assert_eq!(ids(&read), ["a.html failed: not-html"]);
    let (_folder, read) = one_file("a.html", b"%PDF-1.7 and so on");
    assert_eq!(ids(&read), ["a.html failed: not-html"]);
    for (html, code, text) in [
        ("", "empty", ""),
        ("<html><script>1</script></html>", "empty", ""),
        (
            "<ul><li><a href=1>One</a><li><a href=2>Two</a></ul>",
            "no-article",
            "One\n\nTwo",
        ),
    ] {
        let (_folder, read) = one_file("a.html", html.as_bytes());
        let document = read[0].as_ref().unwrap();
        let codes: Vec<&str> = document.warnings.iter().map(|w| w.code.as_str()).collect();
        assert_eq!((codes, document.raw.as_str()), (vec![code], text), "{html}");
    }
}

#[test]
fn a_page_of_50_mb_fails_alone_and_says_which_key_allows_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.html"), "<p>x".repeat(12_500_000)).unwrap();
    fs::write(folder.path().join("b.html"), PAGE).unwrap();
    let read = read(folder.path(), &["."]);
    assert_eq!(ids(&read), ["a.html failed: too-large", "b.html"]);
    let message = &read[0].as_ref().unwrap_err().message;
    assert!(message.contains("max_document_mb"), "{message}");
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic_or_stop_early(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut whole = b"{\"text\": \"first\"}\n".to_vec();
        whole.extend(bytes.iter().filter(|byte| **byte != 0));
        whole.extend(b"\n{\"text\": \"last\"}\n");
        let (_folder, read) = one_file("a.jsonl", &whole);
        prop_assert_eq!(&read[0].as_ref().unwrap().raw, "first");
        prop_assert_eq!(&read.last().unwrap().as_ref().unwrap().raw, "last");
    }
}

const TABLE: &str = "id,date,text\r\n\
    a,2019-03-04,\"Pell said: \"\"Go.\"\"\r\nHe went.\"\r\n\
    b,,Brandt sails\r\n";

#[test]
fn a_row_of_a_table_is_a_document_and_its_other_columns_are_carried_along() {
    let tabs = TABLE.replace(',', "\t");
    for (name, bytes) in [
        ("a.csv", TABLE.as_bytes().to_vec()),
        ("a.tsv", tabs.as_bytes().to_vec()),
        ("a.csv.gz", gzip(TABLE.as_bytes())),
        ("a.TSV.zst", zstd::encode_all(tabs.as_bytes(), 0).unwrap()),
        ("a.csv", format!("\u{FEFF}{TABLE}").into_bytes()),
    ] {
        let (_folder, read) = one_file(name, &bytes);
        assert_eq!(ids(&read), ["a", "b"], "{name}");
        let first = read[0].as_ref().unwrap();
        assert_eq!(first.raw, "Pell said: \"Go.\"\r\nHe went.", "{name}");
        let extra = Value::Object(first.extra.clone());
        assert_eq!(extra, serde_json::json!({"date": "2019-03-04"}));
        assert_eq!(read[1].as_ref().unwrap().extra["date"], "");
    }
}

#[test]
fn a_row_that_does_not_fit_its_table_fails_alone() {
    let (_folder, read) = one_file(
        "a.csv",
        b"text,n\nOne,1\nTwo\nThree,3,3\n\"Four\n4,5\nFive\",5\n,6\nlast,\"6\n",
    );
    let told: Vec<String> = read
        .iter()
        .filter_map(|result| result.as_ref().err())
        .map(|failure| format!("{} [{}] {}", failure.id, failure.code, failure.message))
        .collect();
    insta::assert_snapshot!(told.join("\n"));
    assert_eq!(read[0].as_ref().unwrap().raw, "One");
    assert_eq!(read[1].as_ref().unwrap_err().raw.as_deref(), Some("Two"));
}

#[test]
fn a_table_without_a_text_names_its_columns_and_what_helps() {
    let told: Vec<String> = ["body,n\nOne,1\n", "id;text;n\n1;One;1\n", "One\nTwo\n", ""]
        .iter()
        .map(|table| {
            let (_folder, read) = one_file("a.csv", table.as_bytes());
            assert_eq!(read.len(), 1, "{table}");
            let failure = read[0].as_ref().unwrap_err();
            format!("{} [{}] {}", failure.id, failure.code, failure.message)
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn tables_are_read_as_the_input_says() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("a.csv"),
        "1;\"Go\", he said\n2;Caf\u{e9}\n",
    )
    .unwrap();
    let input = Input {
        columns: vec!["id".into(), "text".into()],
        delimiter: Some(";".into()),
        quoting: false,
        ..Input::default()
    };
    let read = read_with(folder.path(), &["a.csv"], &input, LIMIT);
    let texts: Vec<&str> = read
        .iter()
        .map(|read| read.as_ref().unwrap().raw.as_str())
        .collect();
    assert_eq!(texts, ["\"Go\", he said", "Café"]);
    let same = "text,n,n\nOne,1,2\n";
    let (_folder, read) = one_file("a.csv", same.as_bytes());
    let extra = Value::Object(read[0].as_ref().unwrap().extra.clone());
    assert_eq!(extra, serde_json::json!({"n": "1", "n_2": "2"}));
}

#[test]
fn a_quotation_mark_that_is_never_closed_costs_no_memory_and_says_what_helps() {
    let folder = tempfile::tempdir().unwrap();
    let table = format!("text\n\"open\n{}", "row\n".repeat(1000));
    fs::write(folder.path().join("a.csv"), table).unwrap();
    let read = read_with(folder.path(), &["a.csv"], &Input::default(), 2000);
    let failure = read[0].as_ref().unwrap_err();
    assert_eq!((read.len(), failure.code.as_str()), (1, "too-large"));
    assert!(
        failure.message.contains("from line 2 to line 1002"),
        "{}",
        failure.message
    );
    assert!(
        failure.message.contains("quoting = false"),
        "{}",
        failure.message
    );
}

fn page(text: &str) -> String {
    format!(
        "<html lang=en><head><title>T</title></head><body><article><p>{text} and nobody in the \
         harbour office would say for how long, or why.</p></article></body></html>"
    )
}

/// A response as crawlers store it.
fn response(uri: &str, head: &str, body: &[u8]) -> Vec<u8> {
    let message = [
        format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n").as_bytes(),
        body,
    ]
    .concat();
    record(
        "response",
        uri,
        "application/http; msgtype=response",
        &message,
    )
}

fn record(kind: &str, uri: &str, media: &str, body: &[u8]) -> Vec<u8> {
    let header = format!(
        "WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {uri}\r\nWARC-Date: 2019-03-04T08:00:00Z\r\n\
         WARC-Record-ID: <urn:uuid:{uri}>\r\nContent-Type: {media}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [header.as_bytes(), body, b"\r\n\r\n"].concat()
}

fn archive() -> Vec<Vec<u8>> {
    let html = "Content-Type: text/html";
    let latin = "Content-Type: text/html; charset=iso-8859-1";
    vec![
        record(
            "warcinfo",
            "",
            "application/warc-fields",
            b"software: x\r\n",
        ),
        record(
            "request",
            "http://a/",
            "application/http; msgtype=request",
            b"GET / HTTP/1.1\r\n\r\n",
        ),
        response(
            "http://a/",
            html,
            page("The ferries stopped at the café").as_bytes(),
        ),
        response("http://a/x.png", "Content-Type: image/png", b"\x89PNG"),
        response(
            "http://b/",
            latin,
            &encoding_rs::WINDOWS_1252
                .encode(&page("The café stopped"))
                .0,
        ),
        record(
            "metadata",
            "http://b/",
            "application/warc-fields",
            b"fetchTimeMs: 3\r\n",
        ),
        response("http://c/", html, page("The trains stopped").as_bytes()),
    ]
}

#[test]
fn an_archive_gives_the_pages_of_its_responses() {
    let records = archive();
    let members: Vec<u8> = records.iter().flat_map(|record| gzip(record)).collect();
    let whole = records.concat();
    for (name, bytes) in [
        ("a.warc", whole.clone()),
        ("a.warc.gz", members),
        ("b.warc.gz", gzip(&whole)),
        ("a.warc.zst", zstd::encode_all(&whole[..], 0).unwrap()),
    ] {
        let (_folder, read) = one_file(name, &bytes);
        assert_eq!(
            ids(&read),
            ["http://a/", "http://b/", "http://c/"],
            "{name}"
        );
        let second = read[1].as_ref().unwrap();
        assert!(
            second.raw.starts_with("The café stopped and"),
            "{name}: {}",
            second.raw
        );
        assert_eq!(second.media_type, "text/html");
        assert_eq!(second.path.as_deref(), Some(name));
        assert_eq!(
            Value::Object(second.extra.clone()),
            serde_json::json!({
                "url": "http://b/",
                "warc_date": "2019-03-04T08:00:00Z",
                "warc_record_id": "<urn:uuid:http://b/>",
            })
        );
    }
}

#[test]
fn a_damaged_record_of_an_archive_costs_no_other() {
    let records = archive();
    let gzipped: Vec<Vec<u8>> = records.iter().map(|record| gzip(record)).collect();
    let mut torn = gzipped.clone();
    let middle = torn[4].len() / 2;
    torn[4][middle..].iter_mut().for_each(|byte| *byte ^= 0x55);
    let mut short = gzipped.clone();
    short[4].truncate(middle);
    let mut cut = gzipped.concat();
    cut.truncate(cut.len() - gzipped[6].len() / 2);
    let mut no_length = records.clone();
    let text = String::from_utf8_lossy(&records[2]).replace("Content-Length", "Content-Width");
    no_length[2] = text.into_bytes();
    let mut plain = records.concat();
    plain.truncate(plain.len() - 100);
    let torn_at: usize = gzipped[..4].iter().map(Vec::len).sum();
    let cases = [
        ("torn.warc.gz", torn.concat(), format!("byte {torn_at}")),
        ("short.warc.gz", short.concat(), format!("byte {torn_at}")),
        ("cut.warc.gz", cut, String::new()),
        ("no-length.warc", no_length.concat(), String::new()),
        ("plain.warc", plain, String::new()),
    ];
    let mut told = Vec::new();
    for (name, bytes, place) in cases {
        let (_folder, read) = one_file(name, &bytes);
        let failures: Vec<_> = read.iter().filter_map(|read| read.as_ref().err()).collect();
        assert_eq!(
            (read.len(), failures.len()),
            (3, 1),
            "{name}: {:?}",
            ids(&read)
        );
        if !place.is_empty() {
            assert_eq!(failures[0].place.as_deref(), Some(place.as_str()), "{name}");
        }
        let at = failures[0].place.is_some();
        told.push(format!(
            "{name} [{}] {at} {}",
            failures[0].code, failures[0].message
        ));
    }
    insta::assert_snapshot!(told.join("\n"));
}

/// A table in Parquet, in row groups of two.
fn parquet_table(schema: &str, texts: &[Option<&str>]) -> Vec<u8> {
    use ::parquet::{
        data_type::{ByteArrayType, Int64Type},
        file::writer::SerializedFileWriter,
        schema::parser::parse_message_type,
    };
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::default()).unwrap();
    for (number, chunk) in texts.chunks(2).enumerate() {
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let given: Vec<_> = chunk.iter().flatten().map(|text| (*text).into()).collect();
        let levels: Vec<i16> = chunk.iter().map(|text| i16::from(text.is_some())).collect();
        column
            .typed::<ByteArrayType>()
            .write_batch(&given, Some(&levels), None)
            .unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let times: Vec<i64> = (0..chunk.len() as i64)
            .map(|row| (number as i64 * 2 + row) * 1_000_000)
            .collect();
        column
            .typed::<Int64Type>()
            .write_batch(&times, None, None)
            .unwrap();
        column.close().unwrap();
        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}

const SCHEMA: &str = "message news {
    OPTIONAL BYTE_ARRAY text (UTF8);
    REQUIRED INT64 seen (TIMESTAMP(MICROS,true));
}";

#[test]
fn a_row_of_parquet_is_a_document() {
    let bytes = parquet_table(SCHEMA, &[Some("One."), Some("Two."), None, Some("Café.")]);
    for (name, bytes) in [
        ("a.parquet", bytes.clone()),
        ("a.parquet.gz", gzip(&bytes)),
        ("a.parquet.zst", zstd::encode_all(&bytes[..], 0).unwrap()),
    ] {
        let (_folder, read) = one_file(name, &bytes);
        let id = |row| format!("{name}:{row}");
        assert_eq!(
            ids(&read),
            [
                id(1),
                id(2),
                format!("{name}:3 failed: text-not-string"),
                id(4)
            ]
        );
        let last = read[3].as_ref().unwrap();
        // What is packed once more has one split, and else a row group is one.
        let last_place = match name {
            "a.parquet" => position(1, 1),
            _ => position(0, 3),
        };
        assert_eq!((last.raw.as_str(), last.seq), ("Café.", last_place));
        assert_eq!(last.extra["seen"], "1970-01-01T00:00:03Z");
        let failure = read[2].as_ref().unwrap_err();
        assert_eq!(failure.place.as_deref(), Some("row 3"));
        assert_eq!(
            failure.raw.as_deref(),
            Some("{text: null, seen: 1970-01-01 00:00:02.000000 +00:00}")
        );
    }
}

#[test]
fn parquet_without_a_text_and_what_is_no_parquet_say_so() {
    let other = SCHEMA.replace("text", "body");
    let whole = parquet_table(SCHEMA, &[Some("One.")]);
    let mut torn = parquet_table(SCHEMA, &[Some("One."), Some("Two."), Some("Three.")]);
    torn[4..40].fill(0xFF);
    let told: Vec<String> = [
        parquet_table(&other, &[Some("One.")]),
        whole[..whole.len() - 9].to_vec(),
        b"id,text\n".to_vec(),
        torn,
    ]
    .iter()
    .flat_map(|bytes| one_file("a.parquet", bytes).1)
    .filter_map(Result::err)
    .map(|failure| format!("{} [{}] {}", failure.id, failure.code, failure.message))
    .collect();
    insta::assert_snapshot!(told.join("\n"));
}

/// Everything that came, by position, with splits of so many bytes and so many threads.
fn positions(
    folder: &Path,
    split_bytes: u64,
    readers: u32,
    skip: Option<Arc<dyn Skip>>,
) -> Vec<(u64, String)> {
    let search = Search {
        base: folder.to_owned(),
        ..Search::default()
    };
    let input = Input {
        readers: Some(readers),
        ..Input::default()
    };
    let files = discover(&[".".to_owned()], &search).unwrap();
    let mut reader = Reader::with_splits(files, &input, LIMIT, skip, split_bytes).unwrap();
    std::iter::from_fn(|| reader.next())
        .map(|result| match result {
            Ok(document) => (document.seq, document.id),
            Err(failure) => (failure.seq, format!("{} {}", failure.id, failure.code)),
        })
        .collect()
}

/// Files of every kind that is cut, each with a record that fails.
fn large_files() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    let lines = |of: &dyn Fn(usize) -> String| (0..300).map(of).collect::<String>();
    let bad = |number: usize| number == 111;
    write(
        "a.jsonl",
        lines(&|i| match bad(i) {
            true => "{}\n".to_owned(),
            false => format!("{{\"text\": \"{}\"}}\n", "Pell sails. ".repeat(i % 7)),
        })
        .as_bytes(),
    );
    write(
        "b.csv",
        format!(
            "n,text\n{}",
            lines(&|i| match bad(i) {
                true => "alone\n".to_owned(),
                false => format!("{i},\"{}\"\r\n", "Two\nlines, \"\"said\"\" ".repeat(i % 7)),
            })
        )
        .as_bytes(),
    );
    write("c.txt", b"A small file.");
    let pages = |gz: bool| -> Vec<u8> {
        let page = |i| page(&format!("The ferries stopped {i} times"));
        (0..20)
            .map(|i| match i {
                11 => response(
                    &format!("http://{gz}/{i}"),
                    "Content-Type: text/html\r\nContent-Encoding: br",
                    &[0x8F; 90],
                ),
                i => response(
                    &format!("http://{gz}/{i}"),
                    "Content-Type: text/html",
                    page(i).as_bytes(),
                ),
            })
            .flat_map(|record| if gz { gzip(&record) } else { record })
            .collect()
    };
    write("d.warc", &pages(false));
    write("e.warc.gz", &pages(true));
    let texts: Vec<_> = (0..9).map(|i| (i != 4).then_some("One.")).collect();
    write("f.parquet", &parquet_table(SCHEMA, &texts));
    let packed = gzip(&fs::read(folder.path().join("a.jsonl")).unwrap());
    write("g.jsonl.gz", &packed);
    folder
}

#[test]
fn splits_and_threads_change_neither_what_is_read_nor_its_order() {
    let folder = large_files();
    let expected: Vec<String> = positions(folder.path(), u64::MAX, 1, None)
        .into_iter()
        .map(|(_, id)| id)
        .collect();
    assert_eq!(expected.len(), 300 + 300 + 1 + 20 + 20 + 9 + 300);
    assert_eq!(expected.iter().filter(|id| id.contains(' ')).count(), 6);
    for split_bytes in [64, 1000] {
        let one = positions(folder.path(), split_bytes, 1, None);
        let ids: Vec<&String> = one.iter().map(|(_, id)| id).collect();
        assert!(ids.iter().copied().eq(&expected), "{split_bytes}");
        assert!(one.is_sorted_by(|(a, _), (b, _)| a < b), "positions go up");
        for readers in [2, 3] {
            assert_eq!(positions(folder.path(), split_bytes, readers, None), one);
        }
    }
    let splits = positions(folder.path(), 1000, 2, None);
    let splits: std::collections::BTreeSet<u32> =
        splits.iter().map(|(seq, _)| split_of(*seq)).collect();
    assert!(splits.len() > 50, "{}", splits.len());
}

/// Passes over whole splits, and documents of others.
struct Shard {
    of: u32,
    documents: u64,
}

impl Skip for Shard {
    fn whole_split(&self, split: u32) -> bool {
        split % 3 != self.of
    }

    fn document(&self, position: u64) -> bool {
        index_of(position) < self.documents
    }
}

#[test]
fn shards_together_are_the_whole_and_documents_that_are_passed_over_keep_their_places() {
    let folder = large_files();
    for split_bytes in [1000] {
        let all = positions(folder.path(), split_bytes, 2, None);
        let mut shards = Vec::new();
        for of in 0..3 {
            let skip = |documents| Some(Arc::new(Shard { of, documents }) as Arc<dyn Skip>);
            let shard = positions(folder.path(), split_bytes, 2, skip(0));
            assert!(!shard.is_empty() && shard.iter().all(|(seq, _)| split_of(*seq) % 3 == of));
            let rest: Vec<_> = shard
                .iter()
                .filter(|(seq, _)| index_of(*seq) >= 2)
                .cloned()
                .collect();
            assert_eq!(positions(folder.path(), split_bytes, 2, skip(2)), rest);
            shards.extend(shard);
        }
        shards.sort();
        assert_eq!(shards, all);
    }
}

#[test]
fn a_reader_that_is_dropped_early_ends() {
    let folder = large_files();
    let input = Input::default();
    let search = Search {
        base: folder.path().to_owned(),
        ..Search::default()
    };
    let files = discover(&["a.jsonl".to_owned()], &search).unwrap();
    let mut reader = Reader::new(files, &input, LIMIT, None).unwrap();
    assert_eq!((reader.splits(), reader.inputs().len()), (1, 1));
    assert!(reader.next().unwrap().is_ok());
    drop(reader);
}

/// Small files of every kind, to be damaged.
fn small_files() -> Vec<(&'static str, Vec<u8>)> {
    let records = archive();
    let members = records.iter().flat_map(|record| gzip(record)).collect();
    vec![
        (
            "a.jsonl",
            b"{\"text\": \"One.\", \"n\": [1]}\n{\"text\": \"Two.\"}\n".to_vec(),
        ),
        (
            "a.jsonl.gz",
            gzip(b"{\"text\": \"One.\"}\n{\"text\": \"Two.\"}\n"),
        ),
        ("a.csv", TABLE.as_bytes().to_vec()),
        (
            "a.tsv.zst",
            zstd::encode_all(TABLE.replace(',', "\t").as_bytes(), 0).unwrap(),
        ),
        ("a.html", page("The ferries stopped").into_bytes()),
        ("a.warc", records.concat()),
        ("a.warc.gz", members),
        (
            "a.parquet",
            parquet_table(SCHEMA, &[Some("One."), None, Some("Two.")]),
        ),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_file_that_is_damaged_anywhere_is_read_to_its_end(
        places in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        for (name, mut bytes) in small_files() {
            for (place, byte) in &places {
                let at = place.index(bytes.len());
                bytes[at] = *byte;
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len()));
            }
            let (_folder, read) = one_file(name, &bytes);
            for failure in read.iter().filter_map(|read| read.as_ref().err()) {
                // The parser of Parquet is another's, and what it panics on is caught.
                let caught = failure.message.contains("unforeseen") && name != "a.parquet";
                prop_assert!(!caught, "{name}: {failure:?}");
            }
        }
    }
}
