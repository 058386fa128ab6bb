//! Every command as a user meets it: standard output, standard error and exit code.

// Links, signals, /dev/full: the paths in the snapshots are Unix, too.
#![cfg(unix)]

// What it can do besides, the tests of crashes need.
#[allow(dead_code)]
mod place;

use std::{fs, time::Duration};

use insta::assert_snapshot;

use crate::place::Place;

const PIPELINE: &str = r#"
version = 1

[input]
paths = ["articles"]

[output]
path = "out/articles.jsonl"

[[stage]]
use = "stress"
[stage.options]
mark = "capitals"
"#;

fn desk() -> Place {
    let place = Place::new();
    place.write("pipeline.toml", PIPELINE);
    place.write(
        "articles/ferry.txt",
        "The Ferries of Ellen\n“They stop,” Ilse Brandt said.\n",
    );
    place.write("articles/row/union.txt", "The union calls it a bluff.\n");
    place
}

fn with_options(options: &str) -> Place {
    let place = desk();
    place.write(
        "pipeline.toml",
        &PIPELINE.replace("mark = \"capitals\"", options),
    );
    place
}

/// So many documents in one file.
fn many(count: usize) -> String {
    (0..count)
        .map(|i| format!("{{\"id\": \"d{i}\", \"text\": \"Document {i} sails.\"}}\n"))
        .collect()
}

#[test]
fn run_writes_records_and_says_what_it_did() {
    let desk = desk();
    assert_snapshot!(desk.run(&["run", "pipeline.toml"]));
    assert_snapshot!(
        "run_writes_records_and_says_what_it_did.jsonl",
        desk.read("out/articles.jsonl")
    );
}

#[test]
fn inputs_and_output_on_the_command_line_count_from_the_working_directory() {
    let desk = desk();
    desk.write("elsewhere/note.txt", "A note.");
    assert_snapshot!(desk.run_in(
        "elsewhere",
        &[
            "run",
            "../pipeline.toml",
            "note.txt",
            "-o",
            "note.jsonl",
            "--quiet"
        ]
    ));
    assert!(
        desk.read("elsewhere/note.jsonl")
            .contains("\"id\":\"note.txt\"")
    );
}

#[test]
fn run_prints_records_and_nothing_else_to_standard_output() {
    assert_snapshot!(desk().run(&["run", "pipeline.toml", "-o", "-"]));
}

#[test]
fn pretty_goes_to_the_terminal_unless_somebody_says_otherwise() {
    let desk = desk();
    assert_snapshot!(desk.run(&["run", "pipeline.toml", "--format", "pretty"]));
    assert!(!desk.path("out").exists());
}

#[test]
fn colour_is_there_when_it_is_asked_for() {
    let output = desk().run(&[
        "run",
        "pipeline.toml",
        "--format",
        "pretty",
        "--color",
        "always",
        "-q",
    ]);
    assert!(output.contains("\u{1b}[1m"), "{output}");
}

#[test]
fn quiet_says_nothing_when_all_is_well() {
    assert_snapshot!(desk().run(&["run", "pipeline.toml", "-q"]));
}

#[test]
fn standard_input_is_read_and_known_by_its_first_character() {
    let desk = desk();
    let lines = "{\"id\": \"a\", \"text\": \"One.\", \"page\": 3}\n{\"text\": \"Two.\"}\n";
    assert_snapshot!(desk.run_with(
        &["run", "pipeline.toml", "-", "-o", "-", "-q"],
        lines.as_bytes()
    ));
    assert_snapshot!(desk.run_with(
        &["run", "pipeline.toml", "-", "-o", "-", "-q"],
        b"Plain words."
    ));
}

#[test]
fn a_document_that_fails_goes_to_the_dead_letters_and_the_rest_comes_out() {
    let desk = with_options("fault = \"fail-document\"\nonly = \"ferry\"");
    assert_snapshot!(desk.run(&["run", "pipeline.toml"]));
    assert_snapshot!(
        "dead_letters.jsonl",
        desk.read("out/articles.jsonl.dead-letters.jsonl")
    );
    assert_eq!(desk.read("out/articles.jsonl").lines().count(), 1);
}

#[test]
fn a_panicking_stage_costs_the_document_and_not_the_run() {
    let desk = with_options("fault = \"panic-in-process\"\nonly = \"ferry\"");
    assert_snapshot!(desk.run(&["run", "pipeline.toml"]));
}

#[test]
fn a_stage_that_cannot_load_stops_the_run_and_leaves_no_output() {
    let desk = with_options("fault = \"fail-load\"");
    assert_snapshot!(desk.run(&["run", "pipeline.toml"]));
    assert_eq!(fs::read_dir(desk.path("out")).unwrap().count(), 0);
}

#[test]
fn a_clean_run_takes_away_the_dead_letters_of_the_one_it_overwrites() {
    let desk = desk();
    desk.write("out/articles.jsonl", "old\n");
    desk.write("out/articles.jsonl.dead-letters.jsonl", "old\n");
    let (_, _, code) = desk.output(&["run", "pipeline.toml", "--overwrite"], b"");
    assert_eq!(code, 0);
    assert!(!desk.path("out/articles.jsonl.dead-letters.jsonl").exists());
}

#[test]
fn documents_dropped_on_purpose_are_counted_apart() {
    let desk = with_options("fault = \"drop-document\"\nonly = \"ferry\"");
    assert_snapshot!(desk.run(&["run", "pipeline.toml"]));
    assert!(!desk.path("out/articles.jsonl.dead-letters.jsonl").exists());
}

#[test]
fn too_many_failures_stop_the_run() {
    let desk = with_options("fault = \"fail-document\"");
    let pipeline = desk.read("pipeline.toml");
    desk.write(
        "pipeline.toml",
        &format!("{pipeline}\n[run]\nmax_failed = 1\n"),
    );
    assert_snapshot!(desk.run(&["run", "pipeline.toml"]));
}

#[test]
fn when_everything_fails_the_first_are_told_and_the_rest_counted() {
    let desk = with_options("fault = \"fail-document\"");
    desk.write("many.jsonl", &many(25));
    assert_snapshot!(desk.run(&["run", "pipeline.toml", "many.jsonl", "-o", "out.jsonl"]));
}

#[test]
fn an_existing_output_is_kept_unless_it_may_be_overwritten() {
    let desk = desk();
    desk.write("out/articles.jsonl", "precious\n");
    assert_snapshot!(desk.run(&["run", "pipeline.toml"]));
    assert_eq!(desk.read("out/articles.jsonl"), "precious\n");
    assert_snapshot!(desk.run(&["run", "pipeline.toml", "--overwrite", "-q"]));
    assert_eq!(desk.read("out/articles.jsonl").lines().count(), 2);
}

#[test]
fn inputs_that_are_not_there_are_all_named_at_once() {
    let desk = desk();
    desk.write("notes/readme.md", "x");
    assert_snapshot!(desk.run(&[
        "run",
        "pipeline.toml",
        "gone.txt",
        "notes",
        "*.jsonl",
        "notes/readme.md"
    ]));
}

#[test]
fn a_pipeline_without_input_says_where_to_name_one() {
    let desk = desk();
    desk.write(
        "pipeline.toml",
        "version = 1\n[[stage]]\nuse = \"stress\"\n",
    );
    assert_snapshot!(desk.run(&["run", "pipeline.toml"]));
}

#[test]
fn bad_inputs_cost_only_themselves() {
    let desk = desk();
    let latin = encoding("Caf\u{e9} Bl\u{fc}te, said \u{c9}lodie.");
    desk.write_bytes("in/a-empty.txt", b"");
    desk.write_bytes("in/b-latin.txt", &latin);
    desk.write_bytes("in/c-utf16.txt", &utf16("\u{feff}Wide words."));
    desk.write_bytes("in/d-broken.txt", b"Br\xC3\xA9 \xFF\xFE bro\xC3\xA9.");
    desk.write_bytes("in/e-nul.txt", b"Nul\0 byte.");
    desk.write_bytes("in/f-blank.txt", b" \n\t ");
    desk.write_bytes("in/g-marks.txt", "“”\"‘’".as_bytes());
    desk.write_bytes("in/h-one.txt", b"x");
    desk.write_bytes("in/i-rtl.txt", "אמר השר: “לא”.".as_bytes());
    desk.write_bytes("in/j-emoji.txt", "👩‍👩‍👧 said 🙂".as_bytes());
    desk.write_bytes(
        "in/k.jsonl",
        b"{\"id\": \"one\", \"text\": \"Fine.\"}\nnot json\n{\"body\": \"There.\"}\n{\"text\": 42}\n{\"id\": \"one\", \"text\": \"Again.\"}\n",
    );
    desk.link("in/l-dangling.txt", "nowhere.txt");
    desk.write_bytes("in/m.jsonl.gz", &[0x1F, 0x8B, 8, 0, 0]);
    assert_snapshot!(desk.run(&["run", "pipeline.toml", "in", "-o", "out.jsonl"]));
    let records = desk.read("out.jsonl");
    let told: Vec<String> = records
        .lines()
        .map(|line| {
            let record: serde_json::Value = serde_json::from_str(line).unwrap();
            format!("{} {} {}", record["id"], record["text"], record["warnings"])
        })
        .collect();
    assert_snapshot!("bad_inputs_records", told.join("\n"));
    let letters = desk.read("out.jsonl.dead-letters.jsonl");
    assert_eq!(letters.lines().count(), 6, "{letters}");
}

#[test]
fn a_document_of_50_mb_fails_with_the_limit_named() {
    let desk = desk();
    desk.write(
        "long.jsonl",
        &format!(
            "{{\"text\": \"{}\"}}\n{{\"text\": \"short\"}}\n",
            "x".repeat(50_000_000)
        ),
    );
    assert_snapshot!(desk.run(&["run", "pipeline.toml", "long.jsonl", "-o", "out.jsonl"]));
}

#[test]
fn wrong_usage_is_told_by_its_own_exit_code() {
    let desk = desk();
    assert_snapshot!(desk.run(&[]));
    assert_snapshot!(desk.run(&["run"]));
    assert_snapshot!(desk.run(&["run", "pipeline.toml", "--format", "xml"]));
    assert_snapshot!(desk.run(&["rum", "pipeline.toml"]));
}

#[test]
fn a_pipeline_file_that_is_missing_or_broken_is_named() {
    let desk = desk();
    desk.write("broken.toml", "version = 1\n[[stage]\n");
    assert_snapshot!(desk.run(&["run", "gone.toml"]));
    assert_snapshot!(desk.run(&["run", "broken.toml"]));
}

#[test]
fn check_draws_the_stages_of_a_sound_pipeline() {
    assert_snapshot!(desk().run(&["check", "pipeline.toml"]));
}

#[test]
fn check_tells_all_mistakes_with_their_places() {
    let desk = desk();
    desk.write(
        "pipeline.toml",
        "version = 1\n\n[output]\npath = \"out.jsonl\"\noverwrit = true\n\n[[stage]]\nuse = \"stress\"\nworkers = \"many\"\n[stage.options]\nmark = \"capital\"\n\n[[stage]]\nuse = \"nre\"\n",
    );
    assert_snapshot!(desk.run(&["check", "pipeline.toml"]));
}

#[test]
fn plugin_list_shows_what_can_be_used_and_what_is_wrong() {
    let desk = desk();
    desk.write("plugins/not-a-plugin.so", "words");
    assert_snapshot!(desk.run(&["plugin", "list", "--plugin-dir", "plugins"]));
    let json = desk.stdout_of(&["plugin", "list", "--json", "--plugin-dir", "plugins"]);
    let list: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(list["plugins"][0]["stages"][0]["id"], "copydesk/stress");
    assert_eq!(list["problems"].as_array().unwrap().len(), 1);
    assert!(!list["search_path"].as_array().unwrap().is_empty());
}

#[test]
fn schemas_are_json() {
    let desk = desk();
    for which in ["pipeline", "output"] {
        let schema: serde_json::Value =
            serde_json::from_str(&desk.stdout_of(&["schema", which])).unwrap();
        assert!(schema["properties"].is_object());
    }
}

#[test]
fn what_run_writes_keeps_to_the_schema_that_is_printed() {
    let desk = desk();
    let schema: serde_json::Value =
        serde_json::from_str(&desk.stdout_of(&["schema", "output"])).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let records = desk.stdout_of(&["run", "pipeline.toml", "-o", "-"]);
    assert_eq!(records.lines().count(), 2);
    for line in records.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&record)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{errors:#?}");
    }
}

#[test]
fn log_format_json_makes_every_message_a_json_object() {
    let desk = with_options("fault = \"fail-document\"\nonly = \"ferry\"");
    let (_, stderr, code) = desk.output(&["run", "pipeline.toml", "--log-format", "json"], b"");
    assert_eq!(code, 3);
    let last: serde_json::Value = stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}")))
        .next_back()
        .unwrap();
    assert_eq!(
        (&last["message"], &last["done"], &last["failed"]),
        (&"finished".into(), &1.into(), &1.into())
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_stops_the_run_with_its_cause() {
    let desk = desk();
    // One document: with more, it is a matter of time how many the stage saw.
    let article = "articles/ferry.txt";
    assert_snapshot!(desk.run(&["run", "pipeline.toml", article, "-o", "/dev/full"]));
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    assert_snapshot!(desk.run_into(&["run", "pipeline.toml", article, "-o", "-"], full.into()));
}

#[test]
fn an_output_folder_that_cannot_be_made_stops_the_run_before_it_starts() {
    assert_snapshot!(desk().run(&["run", "pipeline.toml", "-o", "pipeline.toml/out.jsonl"]));
}

#[test]
fn a_reader_that_has_seen_enough_ends_the_run_quietly() {
    let desk = desk();
    desk.write("many.jsonl", &many(20_000));
    let mut run = desk.start(&["run", "pipeline.toml", "many.jsonl", "-o", "-"]);
    let first = run.first_line();
    assert!(first.starts_with("{\"id\":\"d0\""), "{first}");
    run.close_stdout();
    let (stderr, code) = run.wait();
    assert_eq!((stderr.as_str(), code), ("", Some(0)));
}

#[test]
fn ctrl_c_finishes_the_documents_in_flight() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let desk = with_options("fault = \"slow\"\nmillis = 20");
        desk.write("many.jsonl", &many(5_000));
        let run = desk.start(&[
            "run",
            "pipeline.toml",
            "many.jsonl",
            "-o",
            "out.jsonl",
            "--threads",
            "2",
        ]);
        run.until_file(&desk.path("out.jsonl.partial"));
        std::thread::sleep(Duration::from_millis(700));
        run.signal(signal);
        let (stderr, exit) = run.wait();
        assert_eq!(exit, Some(code), "{stderr}");
        assert!(stderr.contains("stopping: finishing the"), "{stderr}");
        assert!(stderr.contains("stopped in"), "{stderr}");
        let records = desk.read("out.jsonl");
        let ids: Vec<String> = records
            .lines()
            .map(|line| {
                serde_json::from_str::<serde_json::Value>(line).unwrap()["id"]
                    .as_str()
                    .unwrap()
                    .to_owned()
            })
            .collect();
        let expected: Vec<String> = (0..ids.len()).map(|i| format!("d{i}")).collect();
        assert!(!ids.is_empty() && ids.len() < 5_000);
        assert_eq!(ids, expected, "in order, without a gap");
        assert!(
            stderr.contains("0 failed") && !stderr.contains("unfinished"),
            "{stderr}"
        );
    }
}

#[test]
fn a_second_ctrl_c_ends_at_once() {
    let desk = with_options("fault = \"slow\"\nmillis = 60000");
    let run = desk.start(&["run", "pipeline.toml", "-o", "out.jsonl"]);
    run.until_file(&desk.path("out.jsonl.partial"));
    std::thread::sleep(Duration::from_millis(500));
    let begun = std::time::Instant::now();
    run.signal("INT");
    std::thread::sleep(Duration::from_millis(300));
    run.signal("INT");
    let (stderr, exit) = run.wait();
    assert_eq!(exit, Some(130), "{stderr}");
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "{:?}",
        begun.elapsed()
    );
}

fn encoding(text: &str) -> Vec<u8> {
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect()
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Articles of two sources, each with a note of its own below.
fn courier() -> String {
    (0..4)
        .flat_map(|i| {
            ["Courier", "Herald"].map(|source| {
                let text = format!(
                    "Ferry {i} of the {source} left the pier at {i} in the morning.\n\n{source} Island Watch"
                );
                format!("{}\n", serde_json::json!({"id": format!("{source}{i}"), "source": source, "text": text}))
            })
        })
        .collect()
}

#[test]
fn learn_boilerplate_writes_the_lines_that_recur() {
    let desk = desk();
    desk.write("corpus.jsonl", &courier());
    let args = ["learn-boilerplate", "corpus.jsonl", "-o", "boilerplate.txt"];
    assert_snapshot!(desk.run(&args));
    assert_snapshot!("boilerplate.txt", desk.read("boilerplate.txt"));
    assert_snapshot!("learning_keeps_what_is_there", desk.run(&args));
}

#[test]
fn learn_boilerplate_says_what_it_cannot_do() {
    let desk = desk();
    desk.write("empty.jsonl", "");
    desk.write(
        "other.jsonl",
        "{\"id\": \"a\", \"body\": \"A ferry sails.\"}\n",
    );
    let to = |input: &str, output: &str| {
        desk.run(&["learn-boilerplate", input, "--overwrite", "-o", output])
    };
    assert_snapshot!(to("-", "boilerplate.txt"));
    assert_snapshot!(to("nowhere.jsonl", "boilerplate.txt"));
    assert_snapshot!(to("empty.jsonl", "boilerplate.txt"));
    assert_snapshot!(to("other.jsonl", "boilerplate.txt"));
    assert_snapshot!(to("articles", "articles"));
    assert_snapshot!(to("articles", "empty.jsonl/boilerplate.txt"));
    assert_snapshot!(to("articles", "/dev/full"));
    assert_snapshot!(desk.run(&[
        "learn-boilerplate",
        "articles",
        "-o",
        "boilerplate.txt",
        "--source",
        "desk"
    ]));
    for left in ["boilerplate.txt", "boilerplate.txt.partial"] {
        assert!(!desk.path(left).exists(), "{left}");
    }
}

#[test]
fn learn_boilerplate_leaves_out_what_cannot_be_read() {
    let desk = desk();
    desk.write("corpus.jsonl", &format!("{}no article\n", courier()));
    let args = ["learn-boilerplate", "corpus.jsonl", "-o", "boilerplate.txt"];
    assert_snapshot!(desk.run(&args));
}

#[test]
fn an_input_is_never_overwritten() {
    let desk = desk();
    let corpus = courier();
    desk.write("corpus.jsonl", &corpus);
    let output = ["corpus.jsonl", "-o", "./corpus.jsonl", "--overwrite"];
    assert_snapshot!(desk.run(&[&["learn-boilerplate"], &output[..]].concat()));
    assert_snapshot!(desk.run(&[&["run", "pipeline.toml"], &output[..]].concat()));
    assert_eq!(desk.read("corpus.jsonl"), corpus);
}

const SEVERAL: &str = r#"
version = 1

[input]
paths = ["in"]
text_field = "body"

[[output]]
path = "out/news.jsonl"
overwrite = true

[[output]]
path = "out/news.sqlite"

[[output]]
path = "out/parquet/"
format = "parquet"
part_documents = 3

[[stage]]
use = "stress"
[stage.options]
mark = "capitals"
"#;

fn several() -> Place {
    let desk = Place::new();
    desk.write("pipeline.toml", SEVERAL);
    desk.write(
        "in/a.csv",
        "id,body,desk\na1,\"The Ferries, they stop.\",harbour\na2,alone\na3,Ilse Brandt sails.,row\n",
    );
    desk.write("in/b.tsv", "body\nThe union calls it a bluff.\n");
    desk.write("in/c.csv", "article\nNobody asked.\n");
    let page = "<html><article><p>The ferries stopped on Friday, and nobody in the harbour office \
                would say for how long, or why.</p></article></html>";
    let http = format!("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n{page}");
    desk.write(
        "in/d.warc",
        &format!(
            "WARC/1.1\r\nWARC-Type: response\r\nWARC-Target-URI: http://courier.example/1\r\n\
             WARC-Date: 2019-03-04T08:00:00Z\r\nContent-Type: application/http; msgtype=response\r\n\
             Content-Length: {}\r\n\r\n{http}\r\n\r\n",
            http.len()
        ),
    );
    desk
}

#[test]
fn tables_and_archives_go_to_several_outputs() {
    let desk = several();
    assert_snapshot!(desk.run(&["run", "pipeline.toml"]));
    assert_snapshot!("tables_and_archives.jsonl", desk.read("out/news.jsonl"));
    let files = |folder: &str| {
        let mut names: Vec<String> = fs::read_dir(desk.path(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names.join(" ")
    };
    assert_eq!(
        files("out/parquet"),
        "part-00000.parquet part-00001.parquet"
    );
    assert_eq!(
        files("out"),
        "news.jsonl news.jsonl.dead-letters.jsonl news.sqlite parquet"
    );
    // What copydesk writes it reads: the same documents, from a folder of Parquet.
    let (jsonl, _, code) = desk.output(
        &[
            "run",
            "pipeline.toml",
            "out/parquet",
            "--input-format",
            "parquet",
            "-o",
            "-",
        ],
        b"",
    );
    // The text is in `text` there.
    assert_eq!((jsonl.as_str(), code), ("", 3));
    desk.write(
        "pipeline.toml",
        &SEVERAL.replace("text_field = \"body\"\n", ""),
    );
    let (jsonl, _, code) = desk.output(&["run", "pipeline.toml", "out/parquet", "-o", "-"], b"");
    assert_eq!((jsonl.lines().count(), code), (4, 0));
}

#[test]
fn a_run_directory_writes_several_outputs_and_does_nothing_when_it_is_finished() {
    let desk = several();
    assert_snapshot!(desk.run(&["run", "pipeline.toml", "--run-dir", "runs/x", "--quiet"]));
    let written = desk.read("out/news.jsonl");
    assert_eq!(written.lines().count(), 4);
    let bytes = |name: &str| fs::read(desk.path(name)).unwrap();
    assert!(bytes("out/news.sqlite").starts_with(b"SQLite format 3"));
    assert!(bytes("out/parquet/part-00000.parquet").starts_with(b"PAR1"));
    assert_snapshot!(desk.run(&["run", "pipeline.toml", "--run-dir", "runs/x"]));
    assert_eq!(desk.read("out/news.jsonl"), written);
}
