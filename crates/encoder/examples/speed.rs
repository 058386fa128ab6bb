//! Wordpieces per CPU-second of each backend, and how close its vectors are to the first one's.
//!
//! `cargo run --release -p copydesk-encoder --example speed -- models/desk-small ARTICLE.txt...`
//!
//! CPU time is that of the whole process (Linux only). Rounds are interleaved,
//! because shared machines have slow phases; medians are printed with the range.

use std::path::Path;

use copydesk_encoder::backend::BACKENDS;
use copydesk_encoder::{Encoder, ModelFolder};

const ROUNDS: usize = 7;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let folder = ModelFolder::open(Path::new(
        &args.next().ok_or("usage: speed MODEL ARTICLE...")?,
    ))?;
    let texts = args
        .map(std::fs::read_to_string)
        .collect::<Result<Vec<_>, _>>()?;
    if texts.is_empty() {
        return Err("usage: speed MODEL ARTICLE...".into());
    }

    let mut workers = Vec::new();
    for backend in BACKENDS {
        let before = cpu_seconds()?;
        let encoder = Encoder::load(&folder, backend, None)?;
        println!(
            "{backend}: loaded in {:.2} CPU-seconds",
            cpu_seconds()? - before
        );
        workers.push((encoder.worker()?, Vec::new()));
    }

    let before = cpu_seconds()?;
    let mut pieces = 0;
    for _ in 0..20 {
        pieces = 0;
        for text in &texts {
            let words = workers[0].0.words(text);
            pieces += words.pieces_before(words.len());
        }
    }
    let seconds = (cpu_seconds()? - before) / 20.0;
    println!(
        "tokenizer: {:.0} wordpieces per CPU-second ({pieces} of {} texts)",
        pieces as f64 / seconds,
        texts.len()
    );

    let mut vectors: Vec<Vec<f32>> = vec![Vec::new(); workers.len()];
    for round in 0..ROUNDS {
        for ((worker, rates), kept) in workers.iter_mut().zip(&mut vectors) {
            let before = cpu_seconds()?;
            for text in &texts {
                let words = worker.words(text);
                let mut found = Vec::new();
                worker.encode(&words, &[], &mut found, || true)?;
                if round == 0 {
                    kept.extend(found);
                }
            }
            rates.push(pieces as f64 / (cpu_seconds()? - before));
        }
    }

    let dim = folder.config.hidden_size;
    for ((backend, (_, rates)), kept) in BACKENDS.iter().zip(&mut workers).zip(&vectors) {
        rates.sort_by(f64::total_cmp);
        let cosines: Vec<f32> = vectors[0]
            .chunks_exact(dim)
            .zip(kept.chunks_exact(dim))
            .map(|(a, b)| cosine(a, b))
            .collect();
        println!(
            "{backend}: {:.0} wordpieces per CPU-second ({:.0} to {:.0}); cosine to {} mean {:.5}, least {:.5}",
            rates[ROUNDS / 2],
            rates[0],
            rates[ROUNDS - 1],
            BACKENDS[0],
            cosines.iter().sum::<f32>() / cosines.len() as f32,
            cosines.iter().copied().fold(1.0, f32::min),
        );
    }
    Ok(())
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// User and system time of this process so far.
fn cpu_seconds() -> Result<f64, Box<dyn std::error::Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: f64 = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .map(|t| t.parse::<f64>().unwrap_or(0.0))
        .sum();
    Ok(ticks / 100.0)
}
