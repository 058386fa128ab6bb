//! Wordpieces per CPU-second of each backend, and how close its vectors are to the first one's.
//!
//! `cargo run --release -p copydesk-encoder --example speed -- models/desk-small ARTICLE.txt...`
//!
//! Twice: in windows of 256 wordpieces, as the pipeline reads articles, and sentence by sentence. The backends take
//! turns, because shared machines have slow phases; printed are medians of CPU time (that of the process, Linux only)
//! with the range. Those of ONNX Runtime take part where `ORT_DYLIB_PATH` names its library.

use std::ops::Range;
use std::path::Path;

use copydesk_encoder::backend::{BACKENDS, Choice, RaggedBatch, Session, load};
use copydesk_encoder::tokenizer::Words;
use copydesk_encoder::{Encoder, EncoderError, ModelFolder};

type Error = Box<dyn std::error::Error>;

const ROUNDS: usize = 7;
/// `[CLS]` and `[SEP]` among them.
const WINDOW: usize = 256;
/// Wordpieces of a batch of sentences, about.
const BATCH: usize = 512;

fn main() -> Result<(), Error> {
    let mut args = std::env::args().skip(1);
    let usage = "usage: speed MODEL ARTICLE...";
    let folder = ModelFolder::open(Path::new(&args.next().ok_or(usage)?))?;
    let texts = args
        .map(std::fs::read_to_string)
        .collect::<Result<Vec<_>, _>>()?;
    if texts.is_empty() {
        return Err(usage.into());
    }

    let mut backends = Vec::new();
    for name in BACKENDS {
        let before = cpu_seconds()?;
        let backend = match load(&Choice::named(name), &folder) {
            Err(EncoderError::NoLibrary { .. }) => {
                println!("{name}: skipped, ORT_DYLIB_PATH names no library");
                continue;
            }
            Err(reason @ EncoderError::NoKernels { .. }) => {
                println!("{name}: skipped, {reason}");
                continue;
            }
            backend => backend?,
        };
        let session = backend.session()?;
        let seconds = cpu_seconds()? - before;
        println!("{name}: loaded in {seconds:.2} CPU-seconds");
        backends.push((name, session));
    }

    let mut worker = Encoder::load(&folder, &Choice::default(), None)?.worker()?;
    let before = cpu_seconds()?;
    let mut pieces = 0;
    for _ in 0..20 {
        for text in &texts {
            let words = worker.words(text);
            pieces += words.pieces_before(words.len());
        }
    }
    let rate = pieces as f64 / (cpu_seconds()? - before);
    println!("tokenizer: {rate:.0} wordpieces per CPU-second");

    type Cut = fn(&str, &Words) -> Vec<Range<usize>>;
    for (what, cut) in [("windows", windows as Cut), ("sentences", sentences)] {
        let mut batches = vec![RaggedBatch::default()];
        for text in &texts {
            let words = worker.words(text);
            for range in cut(text, &words) {
                if batches.last().is_some_and(|batch| batch.tokens() >= BATCH) {
                    batches.push(RaggedBatch::default());
                }
                if let Some(batch) = batches.last_mut() {
                    worker.add_window(&words, range, batch);
                }
            }
        }
        measure(what, &batches, &mut backends, folder.config.hidden_size)?;
    }
    Ok(())
}

/// As many words at a time as a window takes.
fn windows(_: &str, words: &Words) -> Vec<Range<usize>> {
    let mut cuts = Vec::new();
    let mut first = 0;
    for word in 0..words.len() {
        if words.pieces_before(word + 1) - words.pieces_before(first) > WINDOW - 2 {
            cuts.push(first..word);
            first = word;
        }
    }
    cuts.extend((first < words.len()).then_some(first..words.len()));
    cuts
}

/// Cut behind full stops, roughly; but no longer than a window.
fn sentences(text: &str, words: &Words) -> Vec<Range<usize>> {
    let mut cuts = Vec::new();
    let mut first = 0;
    for (word, span) in words.spans().iter().enumerate() {
        let pieces = words.pieces_before(word + 1) - words.pieces_before(first);
        let surface = &text[span.start as usize..span.end as usize];
        if [".", "!", "?"].contains(&surface) || pieces > WINDOW - 80 {
            cuts.push(first..word + 1);
            first = word + 1;
        }
    }
    cuts.extend((first < words.len()).then_some(first..words.len()));
    cuts
}

fn measure(
    what: &str,
    batches: &[RaggedBatch],
    backends: &mut [(&str, Box<dyn Session>)],
    dim: usize,
) -> Result<(), Error> {
    let tokens: usize = batches.iter().map(RaggedBatch::tokens).sum();
    let number: usize = batches.iter().map(|batch| batch.windows().count()).sum();
    println!(
        "\n{what}: {number} of {:.1} wordpieces on average, medians of {ROUNDS} rounds",
        tokens as f64 / number as f64
    );
    let mut seconds = vec![Vec::new(); backends.len()];
    let mut states: Vec<Vec<f32>> = vec![Vec::new(); backends.len()];
    let mut hidden = Vec::new();
    // One round before those that count: memory that is touched for the first time costs more.
    for round in 0..=ROUNDS {
        for (((_, session), seconds), states) in
            backends.iter_mut().zip(&mut seconds).zip(&mut states)
        {
            let before = cpu_seconds()?;
            for batch in batches {
                session.forward(batch, &mut hidden)?;
                if round == 0 {
                    states.extend_from_slice(&hidden);
                }
            }
            if round > 0 {
                seconds.push(cpu_seconds()? - before);
            }
        }
    }
    let first = seconds[0].clone();
    for (((name, _), seconds), theirs) in backends.iter().zip(&mut seconds).zip(&states) {
        let mut ratios: Vec<f64> = first.iter().zip(&*seconds).map(|(a, b)| a / b).collect();
        ratios.sort_by(f64::total_cmp);
        seconds.sort_by(f64::total_cmp);
        let rate = |i: usize| tokens as f64 / seconds[i];
        let pairs = states[0].chunks_exact(dim).zip(theirs.chunks_exact(dim));
        let cosines: Vec<f64> = pairs.map(|(a, b)| cosine(a, b)).collect();
        println!(
            "{name:16} {:6.0} per CPU-second ({:.0} to {:.0}), {:.2} times the first ({:.2} to {:.2}); \
             cosine to it mean {:.6}, least {:.6}",
            rate(ROUNDS / 2),
            rate(ROUNDS - 1),
            rate(0),
            ratios[ROUNDS / 2],
            ratios[0],
            ratios[ROUNDS - 1],
            cosines.iter().sum::<f64>() / cosines.len() as f64,
            cosines.iter().copied().fold(1.0, f64::min),
        );
    }
    Ok(())
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter()
            .zip(b)
            .map(|(&a, &b)| f64::from(a) * f64::from(b))
            .sum()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// CPU time of all threads of this process so far, to the nanosecond.
fn cpu_seconds() -> Result<f64, Error> {
    let mut sum = 0.0;
    for thread in std::fs::read_dir("/proc/self/task")? {
        let stat = std::fs::read_to_string(thread?.path().join("schedstat"))?;
        let nanoseconds = stat.split_whitespace().next().unwrap_or_default();
        sum += nanoseconds.parse::<f64>()? / 1e9;
    }
    Ok(sum)
}
