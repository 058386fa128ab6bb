//! copydesk's own encoder: one forward pass over ragged batches, and kernels for the processor that is there.
#![cfg_attr(
    not(target_arch = "x86_64"),
    allow(
        dead_code,
        reason = "the check and the rounding serve kernels that are for x86-64 so far"
    )
)]

#[cfg(target_arch = "x86_64")]
mod avx2;
mod forward;
mod kernels;
mod portable;
mod rows;
mod tiled;

use std::sync::Arc;

use crate::backend::{Backend, RaggedBatch, Session};
use crate::model::ENCODER_FILE;
use crate::{EncoderError, ModelFolder, Weights};
use forward::{Bert, Scratch};
use kernels::Kernels;
use portable::Portable;
use tiled::{Floats, Tiled};

/// Sets of kernels, the preferred first. All but the last need a processor that has them.
pub const KERNELS: [&str; 3] = ["avx2-int16", "avx2-f32", "portable-f32"];

/// The kernels that this processor has, the preferred first.
pub fn present() -> impl Iterator<Item = &'static str> {
    #[cfg(target_arch = "x86_64")]
    let avx2 = avx2::Avx2::detect().is_some();
    #[cfg(not(target_arch = "x86_64"))]
    let avx2 = false;
    KERNELS
        .into_iter()
        .filter(move |name| avx2 || !name.starts_with("avx2"))
}

/// Loads the encoder of `folder` onto the kernels of that name.
///
/// They first read a fixed batch and have to give what the portable ones give.
///
/// # Errors
/// This processor does not have them, or they fail the check; the weights are not those of `config.json` and
/// `model.toml`.
pub fn load(folder: &ModelFolder, kernels: &str) -> Result<Box<dyn Backend>, EncoderError> {
    if !present().any(|name| name == kernels) {
        return Err(EncoderError::NoKernels {
            name: kernels.to_owned(),
            present: present().collect(),
        });
    }
    let weights = folder.weights(ENCODER_FILE)?;
    on(kernels, folder, &weights, &yardstick(folder, &weights)?)
}

/// Loads the encoder of `folder` onto the preferred of those kernels that are written for this processor and pass the
/// check. None where there are none, because `rten` is faster than the portable ones.
///
/// # Errors
/// The weights are not those of `config.json` and `model.toml`.
pub fn fastest(folder: &ModelFolder) -> Result<Option<Box<dyn Backend>>, EncoderError> {
    let mut kernels = present().filter(|name| *name != Portable::NAME).peekable();
    if kernels.peek().is_none() {
        return Ok(None);
    }
    let weights = folder.weights(ENCODER_FILE)?;
    let yardstick = yardstick(folder, &weights)?;
    for name in kernels {
        match on(name, folder, &weights, &yardstick) {
            Ok(backend) => return Ok(Some(backend)),
            Err(error @ EncoderError::Backend { .. }) => {
                tracing::warn!("{error}; other kernels take its place");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// What all kernels have to compute.
type Yardstick = Arc<Bert<Tiled<Portable>>>;

fn yardstick(folder: &ModelFolder, weights: &Weights) -> Result<Yardstick, EncoderError> {
    Bert::new(Tiled(Portable), &folder.config, weights).map(Arc::new)
}

/// Loads onto kernels that are present.
#[cfg_attr(
    not(target_arch = "x86_64"),
    expect(unused_variables, reason = "there are only the portable kernels")
)]
fn on(
    kernels: &str,
    folder: &ModelFolder,
    weights: &Weights,
    yardstick: &Yardstick,
) -> Result<Box<dyn Backend>, EncoderError> {
    #[cfg(target_arch = "x86_64")]
    if let Some(avx2) = avx2::Avx2::detect() {
        let config = &folder.config;
        match kernels {
            "avx2-int16" => {
                return checked(
                    Bert::new(avx2::Avx2Int16(avx2), config, weights)?,
                    yardstick,
                );
            }
            "avx2-f32" => return checked(Bert::new(Tiled(avx2), config, weights)?, yardstick),
            _ => {}
        }
    }
    Ok(Box::new(Native(Arc::clone(yardstick))))
}

/// Takes the kernels if they compute what the yardstick computes.
fn checked<K: Kernels + 'static>(
    bert: Bert<K>,
    yardstick: &Yardstick,
) -> Result<Box<dyn Backend>, EncoderError> {
    let cosine = agreement(&bert, yardstick);
    if cosine >= AGREEMENT {
        return Ok(Box::new(Native(Arc::new(bert))));
    }
    Err(EncoderError::Backend {
        backend: bert.name(),
        doing: "checking the kernels",
        reason: format!(
            "on this processor the cosine of a token's vector to that of {} is {cosine:.4}; please report it",
            yardstick.name()
        ),
    })
}

/// Least cosine in the check. What is wrong is far away from it, what is rounded otherwise far above.
const AGREEMENT: f64 = 0.999;

/// The least cosine of the vectors that two sets of kernels give for a fixed batch.
fn agreement<A: Kernels, B: Kernels>(a: &Bert<A>, b: &Bert<B>) -> f64 {
    let mut batch = RaggedBatch::default();
    for length in [23, 7] {
        for i in 0..length {
            batch.push((i * 977 + length) % a.vocabulary(), (i % 4) as u8);
        }
        batch.end_window();
    }
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    a.forward(&batch, &mut ours, &mut Scratch::default());
    b.forward(&batch, &mut theirs, &mut Scratch::default());
    let rows = ours.chunks(ours.len() / batch.tokens());
    rows.zip(theirs.chunks(theirs.len() / batch.tokens()))
        .map(|(a, b)| cosine(a, b))
        // Not `min`, which would overlook a NaN.
        .fold(
            1.0,
            |least, cosine| if cosine >= least { least } else { cosine },
        )
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        let products = a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b));
        products.sum()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

struct Native<K: Kernels>(Arc<Bert<K>>);

impl<K: Kernels + 'static> Backend for Native<K> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn session(&self) -> Result<Box<dyn Session>, EncoderError> {
        Ok(Box::new(NativeSession {
            bert: Arc::clone(&self.0),
            scratch: Scratch::default(),
        }))
    }
}

struct NativeSession<K: Kernels> {
    bert: Arc<Bert<K>>,
    scratch: Scratch<K>,
}

impl<K: Kernels> Session for NativeSession<K> {
    fn forward(&mut self, batch: &RaggedBatch, hidden: &mut Vec<f32>) -> Result<(), EncoderError> {
        self.bert.forward(batch, hidden, &mut self.scratch);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
