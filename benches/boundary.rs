//! What the plugin boundary costs: one stage through the C tables against the
//! same lines behind a trait of this process, in turn, over the same batch.
//!
//! Both write through the same checks; the difference is the crossing. Printed
//! are ratios: the time of a pair differs from run to run, its ratio hardly.

#[path = "plugin/src/places.rs"]
mod places;

use std::hint::black_box;
use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use copydesk_document::{Batch, Changes, Contract, NewDocument, Refusal, Span};
use copydesk_host::{Facts, Plugins, Resources, SearchPath};
use serde_json::{Value, json};

const DOCUMENTS: usize = 64;
/// Bytes of one document, about those of a news article.
const BYTES: usize = 4_000;
const ROUNDS: usize = 2_000;
const CALLS_A_ROUND: usize = 1;

/// A stage without a boundary.
trait InProcess {
    fn process(&mut self, batch: &Batch, changes: &mut Changes) -> Result<(), Refusal>;
}

struct Sparse;

impl InProcess for Sparse {
    fn process(&mut self, batch: &Batch, changes: &mut Changes) -> Result<(), Refusal> {
        let marks = changes.layer("marks")?;
        let label = changes.label(marks, "MARK")?;
        for doc in 0..batch.len() {
            for range in places::sparse(batch.text(doc)) {
                changes.add_spans(doc, marks, &[span(range, label)])?;
            }
        }
        Ok(())
    }
}

struct Dense {
    spans: Vec<Span>,
}

impl InProcess for Dense {
    fn process(&mut self, batch: &Batch, changes: &mut Changes) -> Result<(), Refusal> {
        let marks = changes.layer("marks")?;
        let label = changes.label(marks, "MARK")?;
        for doc in 0..batch.len() {
            self.spans.clear();
            self.spans
                .extend(places::dense(batch.text(doc)).map(|range| span(range, label)));
            changes.add_spans(doc, marks, &self.spans)?;
        }
        Ok(())
    }
}

fn span(range: std::ops::Range<usize>, label: u32) -> Span {
    Span {
        start: range.start as u32,
        end: range.end as u32,
        label,
        score: 0.5,
    }
}

fn main() -> Result<()> {
    let folder = build_plugin()?;
    let plugins = Plugins::scan(&SearchPath::only(&[folder]));
    let kind = plugins.open("bench/mark")?;
    let batch = batch();
    let cases: [(&str, f64, Box<dyn InProcess>); 2] = [
        ("sparse", 2.0, Box::new(Sparse)),
        ("dense", 1.2, Box::new(Dense { spans: Vec::new() })),
    ];
    println!("{DOCUMENTS} documents of {BYTES} bytes a call; medians of {ROUNDS} pairs");
    let mut missed = false;
    for (marks, bound, mut inside) in cases {
        let stage = kind
            .create(
                marks,
                &json!({ "marks": marks }),
                &mut Facts::new(),
                &Resources::new("."),
                1,
            )
            .map_err(|problems| anyhow::anyhow!("the bench's stage was refused: {problems:?}"))?;
        stage.load()?;
        let mut worker = stage.open_worker(0)?;
        let contract = Arc::clone(stage.contract());

        let mut through = |batch: &Batch| worker.process(batch, None).map_err(anyhow::Error::from);
        let mut within = |batch: &Batch| within(&mut *inside, batch, &contract);
        same_spans(&batch, through(&batch)?, within(&batch)?)?;

        let mut pairs = Vec::with_capacity(ROUNDS);
        for round in 0..ROUNDS {
            // Whoever is second finds warm caches, so they take turns.
            let pair = if round % 2 == 0 {
                let a = time(&mut through, &batch)?;
                (a, time(&mut within, &batch)?)
            } else {
                let b = time(&mut within, &batch)?;
                (time(&mut through, &batch)?, b)
            };
            pairs.push(pair);
        }
        let ratio = median(pairs.iter().map(|(a, b)| a.as_secs_f64() / b.as_secs_f64()));
        let micros = |of: fn(&(Duration, Duration)) -> Duration| {
            let calls = (CALLS_A_ROUND * DOCUMENTS) as f64;
            median(
                pairs
                    .iter()
                    .map(|pair| of(pair).as_secs_f64() * 1e6 / calls),
            )
        };
        let verdict = if ratio <= bound { "ok" } else { "MISSED" };
        println!(
            "{marks:6}  through the boundary {:.3} µs a document, in process {:.3} µs: ratio \
             {ratio:.2} (at most {bound}): {verdict}",
            micros(|pair| pair.0),
            micros(|pair| pair.1),
        );
        missed |= ratio > bound;
    }
    if missed {
        bail!("a ratio is above its bound");
    }
    Ok(())
}

fn within(stage: &mut dyn InProcess, batch: &Batch, contract: &Arc<Contract>) -> Result<Changes> {
    let mut changes = Changes::new(batch, Arc::clone(contract));
    stage.process(batch, &mut changes)?;
    changes.finish()?;
    Ok(changes)
}

fn time(run: &mut dyn FnMut(&Batch) -> Result<Changes>, batch: &Batch) -> Result<Duration> {
    let mut spent = Duration::ZERO;
    for _ in 0..CALLS_A_ROUND {
        let start = Instant::now();
        let changes = black_box(run(black_box(batch))?);
        spent += start.elapsed();
        drop(changes);
    }
    Ok(spent)
}

/// A bench of two things that do not do the same would say nothing.
fn same_spans(batch: &Batch, through: Changes, within: Changes) -> Result<()> {
    let applied = |changes| {
        let mut batch = batch.clone();
        batch.apply(changes);
        let layer = batch.layer("marks").context("no layer `marks`")?;
        Ok::<_, anyhow::Error>((layer.starts().to_vec(), layer.ends().to_vec()))
    };
    let (a, b) = (applied(through)?, applied(within)?);
    if a != b || a.0.is_empty() {
        bail!("both ways must write the same spans");
    }
    Ok(())
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Invented news, with letters of two and three bytes.
fn batch() -> Batch {
    const SENTENCES: &[&str] = &[
        "The ferry to Håla was late again, “for the third time”, said Ilse Brandt. ",
        "Nobody on the quay was surprised – the tide had been out since noon. ",
        "The harbour union wants a second crew before the autumn storms. ",
        "A spokesman for the ministry said that it would look into the matter.\n\n",
    ];
    let mut batch = Batch::new();
    for i in 0..DOCUMENTS {
        let mut text = String::new();
        while text.len() < BYTES {
            text.push_str(SENTENCES[(i + text.len()) % SENTENCES.len()]);
        }
        text.truncate(text.floor_char_boundary(BYTES));
        batch.push(NewDocument::new(format!("invented-{i}"), text));
    }
    batch
}

/// Builds the plugin as it would be shipped, and says in which folder it is.
fn build_plugin() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo)
        .args(["build", "--release", "--package", "copydesk-bench-plugin"])
        .arg("--message-format=json-render-diagnostics")
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start cargo to build the plugin")?;
    let output = build.stdout.take().context("cargo has no output")?;
    let mut library = None;
    for line in std::io::BufReader::new(output).lines() {
        let Ok(message) = serde_json::from_str::<Value>(&line?) else {
            continue;
        };
        if message["target"]["name"] == "copydesk_bench_plugin" {
            let file = message["filenames"][0].as_str().map(PathBuf::from);
            library = file.or(library);
        }
    }
    if !build.wait()?.success() {
        bail!("the plugin of the benches does not build");
    }
    library
        .as_deref()
        .and_then(Path::parent)
        .map(Path::to_owned)
        .context("cargo named no library for the plugin of the benches")
}
