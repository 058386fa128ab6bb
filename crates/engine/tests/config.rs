//! What a user reads when a pipeline file is wrong, and the page about its keys.

use std::fmt::Write as _;
use std::path::Path;

use copydesk_engine::config::{self, LoadError, OutputFormat, Pipeline};
use copydesk_engine::diagnostics::Diagnostics;
use proptest::prelude::*;
use serde_json::Value;

fn read(text: &str) -> Pipeline {
    config::parse(text, Path::new("news/pipeline.toml")).expect("valid TOML")
}

fn problems(text: &str) -> Diagnostics {
    read(text).problems()
}

#[test]
fn a_full_file_is_read() {
    let pipeline = read(
        r#"
version = 1
[input]
paths = "articles/*.txt"
[output]
path = "out/articles.jsonl"
format = "pretty"
[run]
threads = 3
max_failed_ratio = 0.5
[[stage]]
use = "cleanup"
[[stage]]
use = "example/caps"
name = "shouting"
workers = 2
timeout_secs = 1.5
into = "shouts"
[stage.options]
words = ["NATO"]
"#,
    );
    assert!(pipeline.problems().is_empty(), "{}", pipeline.problems());
    assert_eq!(pipeline.input.paths, ["articles/*.txt"]);
    assert_eq!(pipeline.output.format, OutputFormat::Pretty);
    assert_eq!(
        pipeline.output.dead_letters_path().as_deref(),
        Some("out/articles.jsonl.dead-letters.jsonl")
    );
    assert_eq!(pipeline.run.threads, Some(3));
    assert_eq!(pipeline.base(), Path::new("news"));
    let names: Vec<&str> = pipeline.stages.iter().map(|stage| stage.name()).collect();
    assert_eq!(names, ["cleanup", "shouting"]);
    assert_eq!(pipeline.stages[1].options["words"][0], "NATO");
}

#[test]
fn several_mistakes_are_told_at_once() {
    insta::assert_snapshot!(problems(
        r#"version = 2
[input]
path = "articles"
format = "txt"
[output]
offsets = "chars"
overwrite = "yes"
[run]
threads = 0
batch-docs = 3
max_failed_ratio = 1.5
max_document_mb = 0
ordered = "false"
[[stage]]
use = "cleanup"
worker = 2
[[stage]]
name = "names"
workers = "2"
[[stage]]
use = "ner"
name = "cleanup"
options = 3
"#
    ));
}

#[test]
fn a_key_on_the_wrong_level_is_unknown_there() {
    insta::assert_snapshot!(problems(
        r#"version = 1
threads = 2
[[stages]]
use = "ner"
"#
    ));
}

#[test]
fn a_missing_version_and_a_bad_item_of_a_list_are_told() {
    insta::assert_snapshot!(problems(
        r#"[input]
paths = ["a.txt", 7]
[[stage]]
use = "ner"
"#
    ));
}

#[test]
fn a_pipeline_without_stages_is_a_warning() {
    let problems = problems("version = 1\n");
    assert_eq!((problems.len(), problems.errors()), (1, 0));
    insta::assert_snapshot!(problems);
}

#[test]
fn a_file_that_is_no_toml_says_where() {
    let error = config::parse("version = 1\n[run\nthreads = \n", Path::new("p.toml")).unwrap_err();
    assert!(matches!(error, LoadError::Toml(_)));
    insta::assert_snapshot!(error);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = config::load(Path::new("no/such/pipeline.toml")).unwrap_err();
    assert!(
        error.to_string().contains("no/such/pipeline.toml"),
        "{error}"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("latin1.toml");
    std::fs::write(&path, b"# caf\xe9\n").unwrap();
    let error = config::load(&path).unwrap_err();
    assert!(error.to_string().contains("not UTF-8 (byte 5)"), "{error}");
}

#[test]
fn mistakes_leave_the_rest_of_the_file_in_force() {
    let pipeline =
        read("version = 1\n[run]\nthreads = 2\nbatch_docs = \"x\"\n[[stage]]\nname = 1\n");
    assert_eq!(pipeline.problems().errors(), 3);
    assert_eq!(pipeline.run.threads, Some(2));
    assert_eq!(pipeline.run.batch_docs, 64);
    assert_eq!(pipeline.stages.len(), 1);
}

#[test]
fn a_byte_order_mark_is_no_mistake() {
    assert!(problems("\u{feff}version = 1\n[[stage]]\nuse = \"ner\"\n").is_empty());
}

/// A file as users write it, to be spoilt.
const GOOD: &str = r#"version = 1
[input]
paths = ["articles/*.txt", "naïve.jsonl"]
format = "auto"
[output]
path = "out/articles.jsonl" # 😀
include = ["sentences"]
[run]
threads = 2
max_failed_ratio = 0.25
[[stage]]
use = "cleanup"
[[stage]]
use = "sentiment"
timeout_secs = 30
[stage.options]
targets = [{ name = "Harbour Union", aliases = ["the union"] }]
"#;

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text: String) {
        if let Ok(pipeline) = config::parse(&text, Path::new("p.toml")) {
            let _ = pipeline.problems().to_string();
        }
    }

    #[test]
    fn a_spoilt_file_is_read_or_told_and_never_a_panic(
        spoils in prop::collection::vec((0..GOOD.len(), 0_usize..12, "[\\[\\]{}=\"'a-z0-9.é\n]{0,6}"), 1..6),
    ) {
        let mut text = GOOD.to_owned();
        for (at, cut, with) in spoils {
            let mut start = at.min(text.len());
            while !text.is_char_boundary(start) { start -= 1 }
            let mut end = (start + cut).min(text.len());
            while !text.is_char_boundary(end) { end += 1 }
            text.replace_range(start..end, &with);
        }
        match config::parse(&text, Path::new("p.toml")) {
            Ok(pipeline) => {
                let problems = pipeline.problems();
                let _ = problems.to_string();
                // What is left is a pipeline that could be used.
                let _ = (pipeline.run.thread_budget(), pipeline.run.max_document_bytes());
            }
            Err(error) => prop_assert!(error.to_string().contains("p.toml"), "{}", error),
        }
    }
}

#[test]
fn several_outputs_are_read_and_the_first_speaks_for_all() {
    let pipeline = read(
        r#"
version = 1
[[output]]
path = "out/news.jsonl"
overwrite = true
[[output]]
path = "out/news.parquet"
include = ["sentences"]
[[output]]
path = "out/parts/"
compression = "zst"
[[output]]
path = "out/NEWS.db"
"#,
    );
    let problems = pipeline.problems();
    assert_eq!(problems.errors(), 0, "{problems}");
    let kinds: Vec<OutputFormat> = pipeline.output.all().map(|output| output.kind()).collect();
    assert_eq!(
        kinds,
        [
            OutputFormat::Jsonl,
            OutputFormat::Parquet,
            OutputFormat::Jsonl,
            OutputFormat::Sqlite
        ]
    );
    assert!(pipeline.output.overwrite);
    let again = serde_json::to_value(&pipeline.output).unwrap();
    assert_eq!(again[1]["include"][0], "sentences");
}

#[test]
fn mistakes_in_one_of_several_outputs_are_told_with_their_places() {
    insta::assert_snapshot!(problems(
        r#"version = 1
[input]
delimiter = "tab"
readers = 0
[[output]]
path = "a.jsonl"
compression = "gz"
[[output]]
path = "a.jsonl"
fromat = "parquet"
overwrite = true
[[output]]
path = "parquet/"
format = "parket"
[[output]]
path = "b/"
format = "parquet"
compression = "zst"
part_documents = 0
"#
    ));
}

/// The table of `docs/configuration.md` is made from the schema. `UPDATE_DOCS=1` writes it.
#[test]
fn the_page_about_configuration_has_every_key() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let text = std::fs::read_to_string(&page).expect("docs/configuration.md");
    let (begin, end) = ("<!-- keys: begin -->\n", "<!-- keys: end -->");
    let (before, rest) = text.split_once(begin).expect("a begin mark");
    let (there, after) = rest.split_once(end).expect("an end mark");
    let wanted = tables(&config::schema());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&page, format!("{before}{begin}{wanted}{end}{after}")).unwrap();
    } else {
        assert_eq!(
            there, wanted,
            "docs/configuration.md is out of date: run `UPDATE_DOCS=1 cargo test -p copydesk-engine --test config`"
        );
    }
}

fn tables(schema: &Value) -> String {
    let mut out = String::from("| Key | Type | Default | Meaning |\n|---|---|---|---|\n");
    let parts = [
        ("", schema),
        ("[input]", &schema["$defs"]["Input"]),
        ("[output]", &schema["$defs"]["Output"]),
        ("[run]", &schema["$defs"]["Run"]),
        ("[[stage]]", &schema["$defs"]["StageConfig"]),
    ];
    for (table, part) in parts {
        for (key, property) in part["properties"].as_object().expect("properties") {
            if table.is_empty() && key != "version" {
                continue;
            }
            let name = format!("{table} {key}");
            let required = part["required"]
                .as_array()
                .is_some_and(|keys| keys.iter().any(|required| required == key));
            let default = match &property["default"] {
                _ if required => "required".to_owned(),
                Value::Null => String::new(),
                Value::Array(items) if items.is_empty() => "`[]`".to_owned(),
                Value::Object(fields) if fields.is_empty() => "empty".to_owned(),
                value => format!("`{value}`"),
            };
            let meaning = property["description"]
                .as_str()
                .unwrap_or_else(|| panic!("`{name}` has no description"))
                .replace('\n', " ");
            writeln!(
                out,
                "| `{}` | {} | {default} | {meaning} |",
                name.trim(),
                kind(schema, property)
            )
            .unwrap();
        }
    }
    out
}

fn kind(schema: &Value, property: &Value) -> String {
    // A key that may be absent allows null besides.
    let optional = property["anyOf"][0]["$ref"].as_str();
    if let Some(reference) = property["$ref"].as_str().or(optional) {
        let target = schema.pointer(&reference[1..]).expect("a definition");
        let values: Vec<String> = target["oneOf"]
            .as_array()
            .expect("values")
            .iter()
            .map(|value| value["const"].to_string())
            .collect();
        return format!("`{}`", values.join("` `"));
    }
    let one = |name: &str| {
        match name {
            "object" => "table",
            "boolean" => "true/false",
            other => other,
        }
        .to_owned()
    };
    match &property["type"] {
        Value::String(name) => one(name),
        Value::Array(names) => names
            .iter()
            .filter_map(Value::as_str)
            .filter(|name| *name != "null")
            .map(one)
            .collect::<Vec<_>>()
            .join(" or "),
        other => panic!("no type: {other}"),
    }
}
