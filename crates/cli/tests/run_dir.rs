//! `copydesk run --run-dir` and `copydesk dead-letter` as a user meets them.

#![cfg(unix)]

// What it can do besides, the tests of the other commands need.
#[allow(dead_code)]
mod place;

use std::fs;

use crate::place::Place;

const PIPELINE: &str = r#"
version = 1

[input]
paths = ["in"]

[output]
path = "out/all.jsonl"

[[stage]]
use = "stress"
[stage.options]
mark = "capitals"
fault = "fail-document"
only = "bad"
"#;

/// Two files of JSON Lines with ten documents each, of which two are bad, and a text.
fn desk() -> Place {
    let place = Place::new();
    place.write("pipeline.toml", PIPELINE);
    for file in ["a", "b"] {
        let record = |i| {
            let fate = if i % 5 == 3 { "bad" } else { "good" };
            format!("{{\"id\": \"{file}{i}-{fate}\", \"text\": \"Document {i} of Ellen.\"}}\n")
        };
        place.write(
            &format!("in/{file}.jsonl"),
            &(0..10).map(record).collect::<String>(),
        );
    }
    place.write("in/c.txt", "A text of its own.");
    place
}

fn run(desk: &Place, args: &[&str]) -> (String, i32) {
    let all = [&["run", "pipeline.toml", "--run-dir", "runs/x"], args].concat();
    let (stdout, stderr, code) = desk.output(&all, b"");
    assert_eq!(stdout, "");
    (stderr, code)
}

fn told(desk: &Place, args: &[&str]) -> (String, String, i32) {
    desk.output(args, b"")
}

fn ids(desk: &Place, path: &str) -> Vec<String> {
    let id = |line| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].clone();
    let text = desk.read(path);
    let mut ids: Vec<String> = text
        .lines()
        .map(|line| id(line).as_str().unwrap().to_owned())
        .collect();
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all, "every id once");
    ids
}

#[test]
fn a_finished_run_that_is_started_again_does_nothing_and_says_so() {
    let desk = desk();
    let (told, code) = run(&desk, &[]);
    assert_eq!(code, 3, "{told}");
    assert!(
        told.contains("17 documents done, 0 dropped, 4 failed"),
        "{told}"
    );
    let path = desk.path("out/all.jsonl");
    let written = path.metadata().unwrap().modified().unwrap();
    let (told, code) = run(&desk, &[]);
    assert_eq!(
        (told.as_str(), code),
        (
            "`runs/x` is finished: 17 documents done, 4 failed; nothing to do\n",
            3
        )
    );
    assert_eq!(path.metadata().unwrap().modified().unwrap(), written);
}

#[test]
fn the_report_says_how_it_went_and_how_to_do_it_again() {
    let desk = desk();
    run(&desk, &[]);
    let report: serde_json::Value =
        serde_json::from_str(&desk.read("runs/x/run-report.json")).unwrap();
    assert_eq!(report["outcome"], "finished");
    assert_eq!(report["exit_code"], 3);
    assert_eq!(report["documents"]["done"], 17);
    assert_eq!(report["failed"][0]["code"], "bad-text");
    assert_eq!(report["failed"][0]["documents"], 4);
    assert_eq!(report["inputs"]["files"], 3);
    let stage = &report["stages"][0];
    assert_eq!(stage["documents"], 21);
    for part in ["share", "queue_before", "queue_after"] {
        let part = stage[part].as_f64().unwrap();
        assert!((0.0..=1.0).contains(&part), "{stage}");
    }
    let again = report["commands"]["run"].as_str().unwrap();
    assert!(
        again.ends_with("run pipeline.toml --run-dir runs/x"),
        "{again}"
    );
}

#[test]
fn what_has_changed_is_told_and_stops_the_run_unless_it_is_to_be_kept() {
    let desk = desk();
    run(&desk, &[]);
    desk.write("pipeline.toml", &PIPELINE.replace("capitals", "words"));
    desk.write("in/d.txt", "One more text.");
    let (told, code) = run(&desk, &[]);
    assert_eq!(code, 1, "{told}");
    for part in [
        "`runs/x` was finished (17 documents done, 4 failed) with something else",
        "- stage `stress`: options.mark was `\"capitals\"`, is `\"words\"`",
        "- 1 input file added: `in/d.txt`",
        "`--keep`",
        "`--restart`",
    ] {
        assert!(told.contains(part), "{part:?} is not in {told}");
    }
    assert_eq!(ids(&desk, "out/all.jsonl").len(), 17);

    let (told, code) = run(&desk, &["--keep"]);
    assert_eq!(code, 3, "{told}");
    assert!(told.contains("18 documents done"), "{told}");
    let output = desk.read("out/all.jsonl");
    let marks = |id: &str| {
        let line = output.lines().find(|line| line.contains(id)).unwrap();
        line.matches("\"start\"").count()
    };
    assert_eq!(ids(&desk, "out/all.jsonl").len(), 18);
    assert_eq!(marks("in/c.txt"), 1, "what was done stays as it was");
    assert_eq!(marks("in/d.txt"), 3, "what is new has the new settings");
    let (told, code) = run(&desk, &[]);
    assert!(told.contains("nothing to do") && code == 3, "{told}");

    let (told, code) = run(&desk, &["--restart"]);
    assert_eq!(code, 3, "{told}");
    let output = desk.read("out/all.jsonl");
    let line = output
        .lines()
        .find(|line| line.contains("in/c.txt"))
        .unwrap();
    assert_eq!(line.matches("\"start\"").count(), 5, "all of it anew");
}

#[test]
fn an_input_that_changed_after_it_was_read_cannot_be_kept() {
    let desk = desk();
    run(&desk, &[]);
    desk.write("in/c.txt", "A text of another kind.");
    let (told, code) = run(&desk, &["--keep"]);
    assert_eq!(code, 1);
    let words = "1 input file changed after some of it was read: `in/c.txt` (was 18 bytes, is 23)";
    assert!(told.contains(words), "{told}");
    assert!(!told.contains("--keep"), "it would not help: {told}");
}

#[test]
fn settings_that_change_no_record_may_change() {
    let desk = desk();
    run(&desk, &[]);
    let (told, code) = run(&desk, &["--threads", "1"]);
    assert!(told.contains("nothing to do") && code == 3, "{told}");
}

#[test]
fn a_second_process_on_a_run_directory_is_refused_with_the_name_of_the_first() {
    let desk = desk();
    let slow = PIPELINE
        .replace("fail-document", "slow")
        .replace("\"bad\"", "\"\"");
    desk.write("pipeline.toml", &(slow + "millis = 200\n"));
    let first = desk.start(&["run", "pipeline.toml", "--run-dir", "runs/x", "-q"]);
    first.until_file(&desk.path("runs/x/ids.bin"));
    let (told, code) = run(&desk, &[]);
    assert_eq!(code, 1);
    assert!(
        told.contains("error: the run directory `runs/x` is in use by process "),
        "{told}"
    );
    assert_eq!(first.wait().1, Some(0));
}

#[test]
fn what_a_run_directory_does_not_go_with_is_said_before_anything_is_written() {
    let desk = desk();
    for (args, words) in [
        (&["-o", "-"][..], "what was printed cannot be continued"),
        (
            &["--format", "pretty", "-o", "x"],
            "put together from parts",
        ),
        (&["-"], "standard input"),
    ] {
        let (told, code) = run(&desk, args);
        assert_eq!(code, 1, "{told}");
        assert!(told.contains(words), "{told}");
        assert!(!desk.path("runs").exists());
    }
    let (told, code) = {
        let (_, told, code) = told(&desk, &["run", "pipeline.toml", "--run-dir", "in"]);
        (told, code)
    };
    assert!(
        code == 1 && told.contains("`in` is no run directory, and is not empty"),
        "{told}"
    );
}

#[test]
fn an_output_of_somebody_else_is_kept() {
    let desk = desk();
    desk.write("out/all.jsonl", "precious\n");
    let (told, code) = run(&desk, &[]);
    assert!(code == 1 && told.contains("is there already"), "{told}");
    assert_eq!(desk.read("out/all.jsonl"), "precious\n");
    let (told, code) = run(&desk, &["--overwrite"]);
    assert_eq!(code, 3, "{told}");
    assert_eq!(ids(&desk, "out/all.jsonl").len(), 17);
}

#[test]
fn too_many_failures_stop_the_run_with_their_causes_and_more_may_be_allowed() {
    let desk = desk();
    let limited = PIPELINE.replace(
        "[[stage]]",
        "[run]\nmax_failed = 1\nbatch_docs = 2\n[[stage]]",
    );
    desk.write("pipeline.toml", &limited);
    let (told, code) = run(&desk, &[]);
    assert_eq!(code, 4, "{told}");
    assert!(
        told.contains("failed in `stress` (bad-text), the first: "),
        "{told}"
    );
    assert!(
        told.contains("the same command continues the run"),
        "{told}"
    );
    desk.write(
        "pipeline.toml",
        &limited.replace("max_failed = 1", "max_failed = 9"),
    );
    let (told, code) = run(&desk, &[]);
    assert_eq!(code, 3, "{told}");
    assert_eq!(ids(&desk, "out/all.jsonl").len(), 17);
}

#[test]
fn ids_of_finished_documents_are_taken_when_the_run_goes_on() {
    let desk = desk();
    run(&desk, &[]);
    desk.write(
        "in/d.jsonl",
        "{\"id\": \"a0-good\", \"text\": \"Again.\"}\n{\"id\": \"d\", \"text\": \"New.\"}\n",
    );
    let (told, code) = run(&desk, &["--keep"]);
    assert_eq!(code, 3, "{told}");
    assert!(
        told.contains("another document before it has the id `a0-good`"),
        "{told}"
    );
    assert_eq!(ids(&desk, "out/all.jsonl").len(), 18);
}

#[test]
fn dead_letters_are_listed_and_shown() {
    let desk = desk();
    run(&desk, &[]);
    let (list, open, code) = told(&desk, &["dead-letter", "list", "runs/x"]);
    assert_eq!((open.as_str(), code), ("4 dead letters open\n", 0));
    assert_eq!(
        list,
        "#  stage   class   code      tries  id\n\
         0  stress  failed  bad-text      1  a3-bad\n\
         1  stress  failed  bad-text      1  a8-bad\n\
         2  stress  failed  bad-text      1  b3-bad\n\
         3  stress  failed  bad-text      1  b8-bad\n"
    );
    let (list, ..) = told(
        &desk,
        &["dead-letter", "list", "runs/x", "--id", "b3-bad", "--json"],
    );
    let letter: serde_json::Value = serde_json::from_str(&list).unwrap();
    assert_eq!(
        (&letter["number"], &letter["replayed"]),
        (&2.into(), &serde_json::Value::Null)
    );
    assert_eq!(letter["document"]["raw"], "Document 3 of Ellen.");
    for which in ["2", "b3-bad"] {
        let (page, ..) = told(&desk, &["dead-letter", "show", "runs/x", which]);
        assert!(
            page.contains("stage     stress (copydesk/stress 0.1.0)\n"),
            "{page}"
        );
        assert!(page.ends_with("\nDocument 3 of Ellen.\n"), "{page}");
    }
    let (_, error, code) = told(&desk, &["dead-letter", "show", "runs/x", "nobody"]);
    assert!(
        code == 1 && error.contains("there is no dead letter `nobody`"),
        "{error}"
    );
    let (_, error, code) = told(&desk, &["dead-letter", "list", "runs/y"]);
    assert!(code == 1 && error.contains("runs/y"), "{error}");
}

#[test]
fn replayed_documents_come_out_exactly_once_and_only_they_are_run() {
    let desk = desk();
    run(&desk, &[]);
    let before = desk.read("out/all.jsonl");
    // As it was: they fail again, and are counted.
    let (_, text, code) = told(
        &desk,
        &["dead-letter", "replay", "runs/x", "--id", "a3-bad"],
    );
    assert_eq!(code, 3, "{text}");
    assert!(
        text.contains("replaying 1 document from the first stage"),
        "{text}"
    );
    let (list, ..) = told(&desk, &["dead-letter", "list", "runs/x"]);
    assert!(
        list.contains("4  stress  failed  bad-text      2  a3-bad\n"),
        "{list}"
    );
    assert_eq!(desk.read("out/all.jsonl"), before);

    desk.write("pipeline.toml", &PIPELINE.replace("\"bad\"", "\"8-bad\""));
    let (_, text, code) = told(&desk, &["dead-letter", "replay", "runs/x"]);
    assert_eq!(code, 3, "{text}");
    assert!(
        text.contains("options.only was `\"bad\"`, is `\"8-bad\"`"),
        "{text}"
    );
    assert!(
        text.contains("19 documents done, 0 dropped, 2 failed"),
        "{text}"
    );
    let after = desk.read("out/all.jsonl");
    assert!(after.starts_with(&before), "what was there stays");
    assert_eq!(ids(&desk, "out/all.jsonl").len(), 19);

    desk.write("pipeline.toml", &PIPELINE.replace("\"bad\"", "\"nothing\""));
    let (_, text, code) = told(&desk, &["dead-letter", "replay", "runs/x"]);
    assert_eq!(code, 0, "{text}");
    assert_eq!(ids(&desk, "out/all.jsonl").len(), 21);
    let (_, text, code) = told(&desk, &["dead-letter", "replay", "runs/x"]);
    assert!(code == 0 && text.contains("nothing to do"), "{text}");
    assert_eq!(ids(&desk, "out/all.jsonl").len(), 21);
    let (list, text, _) = told(&desk, &["dead-letter", "list", "runs/x", "--all"]);
    assert_eq!(text, "0 dead letters open, 7 replayed\n");
    assert_eq!(list.matches("  done ").count(), 4, "{list}");
    assert_eq!(list.matches("  failed again ").count(), 3, "{list}");
    let (text, code) = {
        desk.write("pipeline.toml", PIPELINE);
        run(&desk, &[])
    };
    assert!(code == 0 && text.contains("nothing to do"), "{text}");
}

#[test]
fn a_line_that_was_repaired_is_read_again() {
    let desk = desk();
    desk.write(
        "in/d.jsonl",
        "{\"id\": \"d0\", \"text\": \"Fine.\"}\n{oops\n",
    );
    run(&desk, &[]);
    desk.write(
        "in/d.jsonl",
        "{\"id\": \"d0\", \"text\": \"Fine.\"}\n{\"id\": \"d1\", \"text\": \"Repaired.\"}\n",
    );
    let (_, text, code) = told(
        &desk,
        &["dead-letter", "replay", "runs/x", "--stage", "input"],
    );
    assert_eq!(code, 3, "{text}");
    assert!(
        ids(&desk, "out/all.jsonl").contains(&"d1".to_owned()),
        "{text}"
    );
}

#[test]
fn without_its_input_a_letter_is_replayed_by_what_it_keeps() {
    let desk = desk();
    run(&desk, &[]);
    fs::remove_file(desk.path("in/a.jsonl")).unwrap();
    desk.write("pipeline.toml", &PIPELINE.replace("\"bad\"", "\"nothing\""));
    let (_, text, code) = told(&desk, &["dead-letter", "replay", "runs/x"]);
    assert_eq!(code, 0, "{text}");
    assert_eq!(ids(&desk, "out/all.jsonl").len(), 21);
}

#[test]
fn shards_share_the_input_and_each_has_its_own_places() {
    let desk = desk();
    let mut all = Vec::new();
    for shard in ["1/2", "2/2"] {
        let (told, code) = run(&desk, &["--shard", shard]);
        assert_eq!(code, 3, "{told}");
        let name = format!("shard-00{}-of-002", &shard[..1]);
        assert!(desk.path(&format!("runs/x/{name}/journal.jsonl")).exists());
        all.extend(ids(&desk, &format!("out/all.{name}.jsonl")));
    }
    all.sort();
    let (_, text, code) = told(&desk, &["run", "pipeline.toml", "--run-dir", "runs/whole"]);
    assert_eq!(code, 3, "{text}");
    assert_eq!(all, ids(&desk, "out/all.jsonl"));
}

#[test]
fn a_sample_tells_what_the_whole_would_take() {
    let desk = desk();
    let args = ["run", "pipeline.toml", "--sample", "3"];
    let (_, told, code) = told(&desk, &args);
    assert_eq!(code, 0, "{told}");
    assert_eq!(
        ids(&desk, "out/all.jsonl"),
        ["a0-good", "b0-good", "in/c.txt"]
    );
    assert!(
        told.contains("the whole input has 21 documents: about "),
        "{told}"
    );
}
