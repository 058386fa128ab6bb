//! From a text to one vector per word.

use std::ops::Range;
use std::sync::Arc;

use crate::backend::{Backend, Choice, RaggedBatch, Session};
use crate::model::TOKENIZER_FILE;
use crate::tokenizer::{MAX_WORD_PIECES, Special, TextReader, WordPieces, Words};
use crate::window::{WindowSize, windows};
use crate::{EncoderError, ModelFolder};

/// A loaded model: vocabulary and weights, shared by all workers.
pub struct Encoder {
    pieces: WordPieces,
    backend: Arc<dyn Backend>,
    size: WindowSize,
    dim: usize,
}

impl Encoder {
    /// Loads vocabulary and weights of `folder` into the backend of that choice.
    ///
    /// `window` is the length of a window in wordpieces, `[CLS]` and `[SEP]` included; by default the one that the
    /// model was trained with.
    ///
    /// # Errors
    /// A file is missing, damaged or of another model, the backend is unknown, or the window too short or too long.
    pub fn load(
        folder: &ModelFolder,
        backend: &Choice,
        window: Option<usize>,
    ) -> Result<Self, EncoderError> {
        // Before the weights, which take longer to read than a number.
        window_size(folder, window)?;
        Self::on(crate::backend::load(backend, folder)?, folder, window)
    }

    /// As [`load`](Self::load), on a backend that has the weights of `folder`.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn on(
        backend: Box<dyn Backend>,
        folder: &ModelFolder,
        window: Option<usize>,
    ) -> Result<Self, EncoderError> {
        Ok(Self {
            pieces: WordPieces::open(&folder.path.join(TOKENIZER_FILE), folder.config.vocab_size)?,
            backend: Arc::from(backend),
            size: window_size(folder, window)?,
            dim: folder.config.hidden_size,
        })
    }

    /// Length of a vector.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Runtime and precision.
    #[must_use]
    pub fn backend(&self) -> &'static str {
        self.backend.name()
    }

    /// Scratch memory of the backend alone, for batches of one's own making.
    ///
    /// # Errors
    /// The backend could not set itself up.
    pub fn session(&self) -> Result<Box<dyn Session>, EncoderError> {
        self.backend.session()
    }

    /// Scratch memory for one worker.
    ///
    /// # Errors
    /// The backend could not set itself up.
    pub fn worker(&self) -> Result<EncoderWorker, EncoderError> {
        Ok(EncoderWorker {
            reader: self.pieces.reader(),
            pieces: self.pieces.clone(),
            session: self.backend.session()?,
            size: self.size,
            dim: self.dim,
            batch: RaggedBatch::default(),
            hidden: Vec::new(),
        })
    }
}

/// Checks a window length against the model, without loading it.
///
/// # Errors
/// It is shorter than the longest word may be, or longer than the model has positions.
pub fn window_size(
    folder: &ModelFolder,
    window: Option<usize>,
) -> Result<WindowSize, EncoderError> {
    let window = window.unwrap_or(folder.card.max_wordpieces);
    let (shortest, longest) = (
        MAX_WORD_PIECES + SPECIAL,
        folder.config.max_position_embeddings,
    );
    if !(shortest..=longest).contains(&window) {
        return Err(EncoderError::Form {
            path: folder.card_path(),
            reason: format!(
                "a window of {window} wordpieces; this model takes {shortest} to {longest}"
            ),
        });
    }
    Ok(WindowSize {
        room: window - SPECIAL,
        context: folder.card.context_wordpieces.min(window / 2),
    })
}

/// `[CLS]` and `[SEP]`.
const SPECIAL: usize = 2;

/// Encodes texts, one at a time.
pub struct EncoderWorker {
    reader: TextReader,
    pieces: WordPieces,
    session: Box<dyn Session>,
    size: WindowSize,
    dim: usize,
    batch: RaggedBatch,
    hidden: Vec<f32>,
}

impl EncoderWorker {
    /// The words of `text`.
    pub fn words(&mut self, text: &str) -> Words {
        self.reader.words(text)
    }

    /// Adds the words of `range` to `batch` as one window, for batches of one's own making.
    pub fn add_window(&self, words: &Words, range: Range<usize>, batch: &mut RaggedBatch) {
        add_window(self.pieces.special(), words, range, batch);
    }

    /// Replaces `vectors` with one vector per word, `[words, dim]`: the last hidden state at its first wordpiece.
    ///
    /// `sentences` are byte ranges in the text, in order; windows begin and end with them. `go_on` is asked before
    /// each window. The result depends on words and sentences alone.
    ///
    /// # Errors
    /// The backend failed, or `go_on` said no.
    pub fn encode(
        &mut self,
        words: &Words,
        sentences: &[Range<usize>],
        vectors: &mut Vec<f32>,
        mut go_on: impl FnMut() -> bool,
    ) -> Result<(), EncoderError> {
        vectors.clear();
        vectors.resize(words.len() * self.dim, 0.0);
        let before: Vec<usize> = (0..=words.len())
            .map(|word| words.pieces_before(word))
            .collect();
        for window in windows(&before, &first_words(words, sentences), self.size) {
            if window.own.is_empty() {
                continue;
            }
            if !go_on() {
                return Err(EncoderError::Cancelled);
            }
            self.batch.clear();
            add_window(
                self.pieces.special(),
                words,
                window.words.clone(),
                &mut self.batch,
            );
            self.session.forward(&self.batch, &mut self.hidden)?;
            for word in window.own {
                let state = 1 + before[word] - before[window.words.start];
                vectors[word * self.dim..][..self.dim]
                    .copy_from_slice(&self.hidden[state * self.dim..][..self.dim]);
            }
        }
        Ok(())
    }
}

/// Adds the window `[CLS]`, `range` of `words`, `[SEP]` to `batch`.
fn add_window(special: Special, words: &Words, range: Range<usize>, batch: &mut RaggedBatch) {
    batch.push(special.cls, 0);
    for word in range {
        for &piece in words.pieces(word) {
            batch.push(piece, words.class(word));
        }
    }
    batch.push(special.sep, 0);
    batch.end_window();
}

/// Index of the first word of every sentence.
fn first_words(words: &Words, sentences: &[Range<usize>]) -> Vec<usize> {
    sentences
        .iter()
        .map(|sentence| {
            words
                .spans()
                .partition_point(|word| (word.start as usize) < sentence.start)
        })
        .collect()
}
