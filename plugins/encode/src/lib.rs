//! The `encode` stage: runs the transformer once per document and publishes one
//! vector per word, for every stage with a small head on top of them.
//!
//! What it publishes about `layer:tokens` (its vector space, model folder and
//! dimension) lets those stages find their weights and refuse foreign vectors
//! before a run starts.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use copydesk_encoder::backend::{BACKENDS, Choice};
use copydesk_encoder::{Encoder, EncoderError, EncoderWorker, ModelFolder, window_size};
use copydesk_language::sentence::sentences;
use copydesk_plugin::{Diagnostics, Doc, Docs, Host, Out, Stage, StageError, Worker, stage};
use schemars::JsonSchema;
use serde::Deserialize;

/// Options of the stage.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// Folder of the model.
    model: String,
    /// What runs it. `native`: the fastest of what comes along and is practically exact on this
    /// processor. By name: `avx2-int16`, `avx2-f32`, `portable-f32`, `rten`, `rten-int8` (less
    /// exact), and `onnxruntime`, `onnxruntime-int8` from a library.
    backend: String,
    /// Path of ONNX Runtime's library; by default what ORT_DYLIB_PATH says.
    library: Option<String>,
    /// Wordpieces that are read at a time; by default what the model was trained with.
    window: Option<usize>,
    /// Longest document, in words: the vectors of a word take 1.5 kB. A longer one fails.
    max_words: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            model: "models/desk-small".to_owned(),
            backend: BACKENDS[0].to_owned(),
            library: None,
            window: None,
            max_words: 200_000,
        }
    }
}

struct Encode {
    folder: ModelFolder,
    backend: Choice,
    window: Option<usize>,
    max_words: usize,
    encoder: Option<Arc<Encoder>>,
}

#[stage(
    id = "copydesk/encode",
    summary = "Words, sentences, and a vector for every word from the shared encoder",
    provides = ["layer:tokens", "layer:sentences"],
    transient = ["tokens"],
)]
impl Stage for Encode {
    type Config = Config;
    type Worker = EncodeWorker;

    fn create(config: Config, host: &Host<'_>) -> Result<Self, Diagnostics> {
        let mut wrong = Diagnostics::new();
        let backend = backend(&config, host, &mut wrong);
        let folder = match model_folder(&config.model, host) {
            Ok(folder) => folder,
            Err((message, hint)) => {
                wrong.error("/model", message).hint(hint);
                return Err(wrong);
            }
        };
        if let Err(error) = window_size(&folder, config.window) {
            wrong.error("/window", error);
        }
        wrong.into_result()?;

        host.describe(TOKENS, "space", folder.space())?;
        // Later stages may resolve names from elsewhere.
        let place = std::path::absolute(&folder.path).unwrap_or_else(|_| folder.path.clone());
        host.describe(TOKENS, "model", place.display())?;
        host.describe(TOKENS, "dim", folder.config.hidden_size)?;
        host.describe(TOKENS, "transient", true)?;
        Ok(Self {
            folder,
            backend,
            window: config.window,
            max_words: config.max_words,
            encoder: None,
        })
    }

    fn load(&mut self, _: &Host<'_>) -> Result<(), StageError> {
        let encoder = Encoder::load(&self.folder, &self.backend, self.window)
            .map_err(|error| StageError::failed("model", error))?;
        tracing::debug!(backend = encoder.backend(), model = %self.folder.path.display(), "encoder loaded");
        self.encoder = Some(Arc::new(encoder));
        Ok(())
    }

    fn worker(&self, _: u32, _: &Host<'_>) -> Result<EncodeWorker, StageError> {
        let encoder = self
            .encoder
            .as_ref()
            .ok_or_else(|| StageError::failed("not-loaded", "a worker before `load`"))?;
        Ok(EncodeWorker {
            dim: encoder.dim(),
            encoder: encoder.worker()?,
            max_words: self.max_words,
            vectors: Vec::new(),
        })
    }
}

copydesk_plugin::export!(Encode);

const TOKENS: &str = "layer:tokens";

/// The backend of the options, checked as far as that goes without opening anything.
fn backend(config: &Config, host: &Host<'_>, wrong: &mut Diagnostics) -> Choice {
    let mut choice = Choice::named(&config.backend);
    if !BACKENDS.contains(&config.backend.as_str()) {
        wrong
            .error(
                "/backend",
                format!("there is no backend `{}`", config.backend),
            )
            .hint(format!("one of: {}", BACKENDS.join(", ")));
        return choice;
    }
    let Some(library) = &config.library else {
        if let Err(error) = choice.check() {
            wrong.error("/backend", error);
        }
        return choice;
    };
    if !choice.opens_library() {
        wrong
            .error(
                "/library",
                format!("backend `{}` opens no library", config.backend),
            )
            .hint("leave `library` out, or set `backend = \"onnxruntime\"`");
        return choice;
    }
    let found = match host.resource(library) {
        Ok(path) => {
            choice.library = Some(path);
            choice.check()
        }
        Err(e) => Err(EncoderError::NoLibrary {
            reason: e.message().to_owned(),
        }),
    };
    if let Err(error) = found {
        wrong.error("/library", error);
    }
    choice
}

/// Opens the model folder, or says what is wrong and what helps.
fn model_folder(model: &str, host: &Host<'_>) -> Result<ModelFolder, (String, &'static str)> {
    let path: PathBuf = host.resource(model).map_err(|e| {
        (
            e.message().to_owned(),
            "name a model folder; relative paths count from the pipeline file",
        )
    })?;
    ModelFolder::open(&path).map_err(|e| {
        (
            e.to_string(),
            "a model folder holds model.toml, config.json and weights",
        )
    })
}

struct EncodeWorker {
    encoder: EncoderWorker,
    dim: usize,
    max_words: usize,
    vectors: Vec<f32>,
}

impl Worker for EncodeWorker {
    fn process(&mut self, docs: Docs<'_>, out: &mut Out<'_>) -> Result<(), StageError> {
        for doc in docs {
            out.blame(Some(&doc));
            self.encode(&doc, out, || docs.time_left() != Some(Duration::ZERO))?;
        }
        out.blame(None);
        Ok(())
    }

    fn document(&mut self, doc: Doc<'_>, out: &mut Out<'_>) -> Result<(), StageError> {
        self.encode(&doc, out, || true)
    }
}

impl EncodeWorker {
    fn encode(
        &mut self,
        doc: &Doc<'_>,
        out: &mut Out<'_>,
        go_on: impl FnMut() -> bool,
    ) -> Result<(), StageError> {
        let text = doc.text();
        let sentences: Vec<Range<usize>> = sentences(text);
        let words = self.encoder.words(text);
        if words.len() > self.max_words {
            let message = format!(
                "{} words; option `max_words` of this stage allows {}",
                words.len(),
                self.max_words
            );
            return out.fail(doc, false, "too-long", &message);
        }
        self.encoder
            .encode(&words, &sentences, &mut self.vectors, go_on)
            .map_err(|error| match error {
                EncoderError::Cancelled => StageError::cancelled(),
                other => StageError::failed("encoder", other),
            })?;

        out.count("wordpieces", words.pieces_before(words.len()) as u64);
        let layer = out.layer("sentences")?;
        out.ranges(doc, layer, sentences)?;
        let layer = out.layer("tokens")?;
        let words = words
            .spans()
            .iter()
            .map(|word| word.start as usize..word.end as usize);
        let first = out.ranges(doc, layer, words)?;
        out.vectors(doc, layer, first, "vector", self.dim, &self.vectors)
    }
}

#[cfg(test)]
mod tests;
