//! What runs the transformer: a small trait, so that runtimes can be exchanged.

use std::path::PathBuf;

use crate::embedded::{Embedded, Precision};
use crate::native;
use crate::onnxruntime::{self, OnnxRuntime};
use crate::{EncoderError, ModelFolder};

/// Windows of wordpieces, one after another without padding.
///
/// Every window begins with `[CLS]` and ends with `[SEP]`; its positions count from its own start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RaggedBatch {
    ids: Vec<u32>,
    types: Vec<u8>,
    ends: Vec<usize>,
}

impl RaggedBatch {
    /// Removes all windows and keeps the memory.
    pub fn clear(&mut self) {
        self.ids.clear();
        self.types.clear();
        self.ends.clear();
    }

    /// Adds one wordpiece to the window being filled.
    pub fn push(&mut self, id: u32, token_type: u8) {
        self.ids.push(id);
        self.types.push(token_type);
    }

    /// Closes the window being filled.
    ///
    /// # Panics
    /// If nothing was pushed since the last one.
    pub fn end_window(&mut self) {
        assert!(
            self.ends.last().copied().unwrap_or(0) < self.ids.len(),
            "a window without wordpieces"
        );
        self.ends.push(self.ids.len());
    }

    /// Wordpieces of all windows together.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is no window.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The windows: ids and token types of each.
    pub fn windows(&self) -> impl Iterator<Item = (&[u32], &[u8])> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, &end)| (&self.ids[start..end], &self.types[start..end]))
    }
}

/// A loaded encoder: weights that all workers share.
pub trait Backend: Send + Sync {
    /// Runtime and precision, for example `rten-f32`.
    fn name(&self) -> &'static str;

    /// Scratch memory for one worker.
    ///
    /// # Errors
    /// The runtime could not set itself up.
    fn session(&self) -> Result<Box<dyn Session>, EncoderError>;
}

/// One worker's view of a [`Backend`].
pub trait Session: Send {
    /// Replaces `hidden` with the last hidden states, `[batch.tokens(), hidden_size]`.
    ///
    /// The states of a window depend on that window alone, bit for bit: neither on the others of the batch nor on
    /// earlier calls.
    ///
    /// # Errors
    /// The runtime failed.
    fn forward(&mut self, batch: &RaggedBatch, hidden: &mut Vec<f32>) -> Result<(), EncoderError>;
}

/// Names of the backends that [`load`] knows; the first is the default.
///
/// `native` is the fastest that is practically exact: the first [kernels](crate::native::KERNELS) that the processor
/// has and that pass their check, or else `rten`.
pub const BACKENDS: [&str; 8] = [
    "native",
    "avx2-int16",
    "avx2-f32",
    "portable-f32",
    "rten",
    "rten-int8",
    "onnxruntime",
    "onnxruntime-int8",
];

/// Which backend runs the encoder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// One of [`BACKENDS`].
    pub name: String,
    /// Path of the library, for those that [open one](Choice::opens_library).
    pub library: Option<PathBuf>,
}

impl Choice {
    /// The backend of that name; a library is looked for in the environment.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            library: None,
        }
    }

    /// Whether this backend is a library on the machine, to be opened at run time.
    #[must_use]
    pub fn opens_library(&self) -> bool {
        self.name.starts_with("onnxruntime")
    }

    /// Whether there is such a backend and its library is a file; nothing is opened.
    ///
    /// # Errors
    /// There is none, or it is not.
    pub fn check(&self) -> Result<(), EncoderError> {
        if !BACKENDS.contains(&self.name.as_str()) {
            return Err(EncoderError::UnknownBackend {
                name: self.name.clone(),
                known: BACKENDS.map(str::to_owned).to_vec(),
            });
        }
        if self.opens_library() {
            onnxruntime::library(self.library.as_deref())?;
        }
        Ok(())
    }
}

impl Default for Choice {
    fn default() -> Self {
        Self::named(BACKENDS[0])
    }
}

/// Loads the encoder of a model folder into a backend.
///
/// # Errors
/// There is no such backend, its library cannot be opened, or it cannot take the weights.
pub fn load(choice: &Choice, folder: &ModelFolder) -> Result<Box<dyn Backend>, EncoderError> {
    choice.check()?;
    let library = choice.library.as_deref();
    Ok(match choice.name.as_str() {
        "native" => match native::fastest(folder)? {
            Some(backend) => backend,
            None => Box::new(Embedded::load(folder, Precision::F32)?),
        },
        "rten" => Box::new(Embedded::load(folder, Precision::F32)?),
        "rten-int8" => Box::new(Embedded::load(folder, Precision::Int8)?),
        "onnxruntime" => Box::new(OnnxRuntime::load(folder, Precision::F32, library)?),
        "onnxruntime-int8" => Box::new(OnnxRuntime::load(folder, Precision::Int8, library)?),
        kernels => native::load(folder, kernels)?,
    })
}
