//! Models of the hub as stages, run by rust-bert and libtorch.
//!
//! A folder as the hub has it (`folder`) becomes pieces with exact offsets (`text`) and a network of rust-bert with
//! its weights (`network`, `weights`); `model` puts the three together and runs batches. The stages on top: `ner`,
//! `classify` and `sentiment` in `sequence`, and `zero_shot`.

mod folder;
mod model;
mod ner;
mod network;
mod options;
mod sequence;
#[cfg(test)]
mod testing;
mod text;
mod weights;
mod zero_shot;

copydesk_plugin::export!(
    ner::Ner,
    sequence::Sentiment,
    sequence::Classify,
    zero_shot::ZeroShot,
);
