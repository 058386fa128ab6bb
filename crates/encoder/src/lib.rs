//! The shared encoder of copydesk and the small heads on it.
//!
//! A text becomes [words](tokenizer) with byte offsets and wordpieces, the words
//! fall into [windows](window) of whole sentences, a [backend] turns each window
//! into vectors, and [heads] read entities, quotes and sentiment from them. A
//! [model folder](ModelFolder) holds everything that has to fit together.

pub mod backend;
mod embedded;
mod encoder;
mod error;
mod graph;
pub mod heads;
mod math;
mod model;
pub mod native;
pub mod onnxruntime;
#[cfg(test)]
mod parity;
#[cfg(test)]
mod reference;
pub mod tokenizer;
mod weights;
pub mod window;

pub use embedded::{Embedded, Precision};
pub use encoder::{Encoder, EncoderWorker, window_size};
pub use error::EncoderError;
pub use heads::{Heads, WordVectors};
pub use model::{
    BertConfig, ENCODER_FILE, HEADS_FILE, ModelCard, ModelFolder, SentimentCard, TOKENIZER_FILE,
};
pub use weights::Weights;
