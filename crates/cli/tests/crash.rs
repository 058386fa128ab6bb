//! A run that is killed at any moment, on a full disk or with torn files left behind, goes on and
//! ends with every document exactly once, byte for byte as if nothing had happened.
//!
//! `COPYDESK_KILLS` and `COPYDESK_SEED` choose how often and where; `cargo xtask crash-test` kills
//! 200 times.

#![cfg(unix)]

// What it can do besides, the tests of the other commands need.
#[allow(dead_code)]
mod place;

use std::{
    collections::BTreeSet,
    fs::{self, OpenOptions},
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::place::Place;

/// Slow enough to be killed in the middle; some documents fail, panic or are dropped.
const PIPELINE: &str = r#"
version = 1

[input]
paths = ["in"]

[output]
path = "out/OUTPUT"

[run]
threads = 2
chunk_documents = 100

[[stage]]
use = "stress"
name = "some-fail"
[stage.options]
fault = "fail-document"
only = "9-bad"
mark = "words"

[[stage]]
use = "stress"
name = "some-panic"
into = "also"
[stage.options]
fault = "panic-in-process"
only = "33-bad"
mark = "capitals"

[[stage]]
use = "stress"
name = "some-drop"
into = "still"
[stage.options]
fault = "drop-document"
only = "6-drop"

[[stage]]
use = "stress"
name = "some-slow"
into = "slow"
[stage.options]
fault = "slow"
millis = 2
only = "3-slow"
"#;

/// Where a test is not about how many there are.
const FEW: usize = 1000;

struct Desk {
    place: Place,
    random: Random,
}

impl Desk {
    /// A corpus of so many documents in several forms, with a line that is none and an id that
    /// comes twice.
    fn new(output: &str, documents: usize) -> Self {
        Self::with(output, documents, "")
    }

    /// With more under `[run]`.
    fn with(output: &str, documents: usize, settings: &str) -> Self {
        let seed = std::env::var("COPYDESK_SEED").ok();
        let seed = seed.and_then(|seed| seed.parse().ok()).unwrap_or(1);
        let place = Place::new();
        let pipeline = PIPELINE.replace("OUTPUT", output);
        let run = format!("[run]\n{settings}");
        place.write("pipeline.toml", &pipeline.replace("[run]\n", &run));
        let mut lines = [const { String::new() }; 3];
        for i in 0..documents {
            let fate = ["fine", "bad", "drop", "slow"][i % 4];
            let text = format!("Document {i} of Port Ellen.\nThe Ferry sails, Ilse Brandt said.");
            if i % 50 == 0 {
                place.write(&format!("in/text/{i}-{fate}.txt"), &text);
                continue;
            }
            let file = &mut lines[i * 3 / documents];
            match i {
                777 => *file += "{oops\n",
                877 => *file += "{\"id\": \"1-bad\", \"text\": \"The second of that name.\"}\n",
                _ => {
                    let record =
                        format!("{{\"id\": \"{i}-{fate}\", \"text\": {text:?}, \"row\": {i}}}\n");
                    *file += &record;
                }
            }
        }
        place.write("in/a.jsonl", &lines[0]);
        place.write_bytes("in/b.jsonl.gz", &gzip(lines[1].as_bytes()));
        place.write("in/c.jsonl", &lines[2]);
        Self {
            place,
            random: Random(seed),
        }
    }

    fn run(&self, folder: &str, args: &[&str]) -> (String, i32) {
        let all = [&["run", "pipeline.toml", "--run-dir", folder][..], args].concat();
        let (stdout, stderr, code) = self.place.output(&all, b"");
        assert!(stdout.is_empty(), "{stdout}");
        (stderr, code)
    }

    /// The output and the letters of a run that nobody disturbs.
    fn undisturbed(&self) -> Outcome {
        let (told, code) = self.run("runs/undisturbed", &[]);
        assert_eq!(code, 3, "{told}");
        self.take("runs/undisturbed")
    }

    /// What a finished run has left, which makes room for another.
    fn take(&self, folder: &str) -> Outcome {
        let output = self.place.path("out");
        let files: Vec<PathBuf> = fs::read_dir(&output)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(files.len(), 1, "nothing but the output: {files:?}");
        let records = lines_of(&fs::read(&files[0]).unwrap());
        fs::remove_dir_all(output).unwrap();
        let letters = fs::read(self.place.path(folder).join("dead-letters.jsonl")).unwrap();
        let letters = lines_of(&letters).into_iter().map(without_number).collect();
        Outcome { records, letters }.checked()
    }

    fn start(&self, folder: &str) -> crate::place::Started {
        self.place
            .start(&["run", "pipeline.toml", "--run-dir", folder, "-q"])
    }
}

/// Lines in the order of their ids.
#[derive(Debug, PartialEq)]
struct Outcome {
    records: Vec<String>,
    letters: Vec<String>,
}

impl Outcome {
    /// Sorted, with every id exactly once.
    fn checked(mut self) -> Self {
        self.records.sort();
        self.letters.sort();
        let ids: BTreeSet<String> = self.records.iter().map(|line| id(line)).collect();
        assert_eq!(ids.len(), self.records.len(), "every id exactly once");
        self
    }

    fn assert_same(&self, expected: &Self) {
        let same = |a: &[String], b: &[String]| {
            let different = a.iter().zip(b).find(|(a, b)| a != b);
            assert_eq!(different, None);
            assert_eq!(a.len(), b.len());
        };
        same(&self.records, &expected.records);
        same(&self.letters, &expected.letters);
    }
}

fn id(line: &str) -> String {
    let record: serde_json::Value = serde_json::from_str(line).unwrap();
    record["id"].as_str().unwrap().to_owned()
}

/// Letters are numbered in the order of their writing.
fn without_number(line: String) -> String {
    let (_, rest) = line.split_once(',').unwrap();
    rest.to_owned()
}

fn lines_of(bytes: &[u8]) -> Vec<String> {
    let mut text = String::new();
    if bytes.starts_with(&[0x1F, 0x8B]) {
        text = gunzip(bytes);
    } else {
        text.push_str(std::str::from_utf8(bytes).unwrap());
    }
    text.lines().map(str::to_owned).collect()
}

/// A generator that goes the same way for the same seed (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }
}

#[test]
fn a_run_that_is_killed_at_random_moments_ends_as_if_it_had_not_been() {
    let kills = std::env::var("COPYDESK_KILLS").ok();
    let kills: u64 = kills.and_then(|kills| kills.parse().ok()).unwrap_or(20);
    kill_at_random(Desk::new("all.jsonl", 5000), 5000, kills);
}

#[test]
fn a_run_with_worker_processes_that_is_killed_ends_as_if_it_had_not_been() {
    let many = std::env::var_os("COPYDESK_KILLS").is_some();
    let (documents, kills) = if many { (5000, 40) } else { (FEW, 4) };
    let desk = Desk::with("all.jsonl", documents, "isolation = \"process\"\n");
    kill_at_random(desk, documents, kills);
}

fn kill_at_random(mut desk: Desk, documents: usize, kills: u64) {
    let expected = desk.undisturbed();
    let dropped = documents / 20;
    let came_out = expected.records.len() + expected.letters.len();
    assert_eq!(came_out + dropped, documents);
    let (mut killed, mut round, mut longest) = (0, 0, 250);
    while killed < kills {
        let folder = format!("runs/{round}");
        round += 1;
        let mut of_this_run = 0;
        loop {
            if killed == kills {
                let (told, code) = desk.run(&folder, &[]);
                assert_eq!(code, 3, "{told}");
                break;
            }
            let begun = Instant::now();
            let mut run = desk.start(&folder);
            thread::sleep(Duration::from_millis(desk.random.below(longest)));
            if let Some(code) = run.kill() {
                assert_eq!(code, 3, "after {:?}", begun.elapsed());
                break;
            }
            killed += 1;
            of_this_run += 1;
            if of_this_run % 20 == 0 {
                // A machine that is busy with something else does not get anywhere in that time.
                longest += 250;
            }
        }
        desk.take(&folder).assert_same(&expected);
        println!("round {round}: killed {of_this_run} times, and whole");
    }
}

#[test]
fn a_replay_that_is_killed_puts_every_document_into_the_output_exactly_once() {
    let mut desk = Desk::new("all.jsonl", FEW);
    let (told, code) = desk.run("runs/x", &[]);
    assert_eq!(code, 3, "{told}");
    let pipeline = desk.place.read("pipeline.toml");
    let mended = pipeline
        .replace("\"fail-document\"", "\"slow\"\nmillis = 5")
        .replace("chunk_documents = 100", "chunk_documents = 5");
    desk.place.write("pipeline.toml", &mended);
    let replay = [
        "dead-letter",
        "replay",
        "runs/x",
        "--stage",
        "some-fail",
        "-q",
    ];
    for _ in 0..4 {
        let mut replaying = desk.place.start(&replay);
        thread::sleep(Duration::from_millis(50 + desk.random.below(200)));
        replaying.kill();
    }
    let (_, told, code) = desk.place.output(&replay, b"");
    assert!(code == 0 || code == 3, "{told}");
    // Killed behind its last chunk, a replay leaves the rest to whoever comes next.
    let (told, code) = desk.run("runs/x", &["--keep"]);
    assert_eq!(code, 3, "{told}");
    let outcome = desk.take("runs/x");
    let mended = outcome
        .records
        .iter()
        .filter(|line| id(line).ends_with("9-bad"));
    assert_eq!(mended.count(), FEW / 20);
}

#[test]
fn compressed_parts_are_put_together_after_a_kill() {
    let mut desk = Desk::new("all.jsonl.gz", FEW);
    let expected = desk.undisturbed();
    for _ in 0..3 {
        let mut run = desk.start("runs/x");
        thread::sleep(Duration::from_millis(100 + desk.random.below(150)));
        run.kill();
    }
    desk.run("runs/x", &[]);
    desk.take("runs/x").assert_same(&expected);
}

#[test]
fn a_full_disk_at_any_size_stops_the_run_with_a_word_and_costs_nothing() {
    let desk = Desk::new("all.jsonl", FEW);
    let expected = desk.undisturbed();
    let mut stopped = 0;
    // In units of 512 bytes: the manifest does not fit, then parts, then the output as a whole.
    for limit in [1, 4, 16, 48, 64, 256, 1024, 1_000_000] {
        let command = format!(
            "trap '' XFSZ; ulimit -f {limit}; exec ../bin/copydesk run pipeline.toml --run-dir runs/x"
        );
        let output = Command::new("sh")
            .args(["-c", &command])
            .current_dir(desk.place.path(""))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        match output.status.code() {
            Some(3) => break,
            Some(1) => {
                assert!(told.contains("File too large"), "{limit}: {told}");
                stopped += 1;
            }
            code => panic!("{limit}: exit code {code:?}: {told}"),
        }
    }
    assert!(stopped >= 4, "stopped {stopped} times");
    desk.take("runs/x").assert_same(&expected);
}

#[test]
fn what_a_crash_has_torn_is_thrown_away() {
    let desk = Desk::new("all.jsonl", FEW);
    let expected = desk.undisturbed();
    let mut run = desk.start("runs/x");
    let folder = desk.place.path("runs/x");
    run.until_file(&folder.join("parts/part-00002.jsonl"));
    run.kill();
    let journal = fs::read_to_string(folder.join("journal.jsonl")).unwrap();
    let recorded = journal.matches("\"entry\":\"chunk\"").count();
    // The next part is torn, or has its name already and no line in the journal.
    let part = folder.join(format!("parts/part-{recorded:05}.jsonl"));
    fs::write(&part, "{\"id\": \"half a rec").unwrap();
    fs::write(part.with_extension("jsonl.partial"), "{\"id").unwrap();
    for (name, torn) in [
        ("journal.jsonl", "{\"entry\":\"chunk\",\"number\":"),
        ("dead-letters.jsonl", "{\"number\":99,\"id\":\"x\"}\n{\"num"),
        ("ids.bin", "0123456789abcdef0123"),
    ] {
        let mut file = OpenOptions::new()
            .append(true)
            .open(folder.join(name))
            .unwrap();
        file.write_all(torn.as_bytes()).unwrap();
    }
    let (told, code) = desk.run("runs/x", &[]);
    assert_eq!(code, 3, "{told}");
    assert!(told.contains("did not end in order"), "{told}");
    desk.take("runs/x").assert_same(&expected);
}

#[test]
fn a_recorded_part_that_is_torn_all_the_same_is_named_and_nothing_is_lost_silently() {
    let desk = Desk::new("all.jsonl", FEW);
    let mut run = desk.start("runs/x");
    let folder = desk.place.path("runs/x");
    run.until_file(&folder.join("parts/part-00002.jsonl"));
    run.kill();
    let part = folder.join("parts/part-00001.jsonl");
    let bytes = fs::read(&part).unwrap();
    fs::write(&part, &bytes[..bytes.len() / 2]).unwrap();
    let (told, code) = desk.run("runs/x", &[]);
    assert_eq!(code, 1);
    assert!(told.contains("part-00001.jsonl` is damaged"), "{told}");
    assert!(told.contains("--restart"), "{told}");
    let (told, code) = desk.run("runs/x", &["--restart"]);
    assert_eq!(code, 3, "{told}");
}

#[test]
fn a_run_that_is_interrupted_by_signals_goes_on() {
    // So many that neither run is over before its signal comes.
    let desk = Desk::new("all.jsonl", 4 * FEW);
    let expected = desk.undisturbed();
    let parts = desk.place.path("runs/x/parts");
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let there = || fs::read_dir(&parts).map_or(0, Iterator::count);
        let before = there();
        let run = desk.start("runs/x");
        while there() == before {
            thread::sleep(Duration::from_millis(5));
        }
        run.signal(signal);
        assert_eq!(run.wait().1, Some(code));
    }
    let (told, code) = desk.run("runs/x", &[]);
    assert_eq!(code, 3, "{told}");
    assert!(told.contains("continuing `runs/x`: "), "{told}");
    assert!(!told.contains("did not end in order"), "{told}");
    desk.take("runs/x").assert_same(&expected);
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    through("-c", bytes)
}

fn gunzip(bytes: &[u8]) -> String {
    String::from_utf8(through("-dc", bytes)).unwrap()
}

/// The system's own gzip: nobody's code of ours stands surety for itself.
fn through(option: &str, bytes: &[u8]) -> Vec<u8> {
    let mut child = Command::new("gzip")
        .arg(option)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(bytes).unwrap());
        child.wait_with_output().unwrap().stdout
    })
}
