//! How good is a pipeline? Holds what it finds against gold, document by document.
//!
//! A [`Task`] reads gold records, gives the documents that the pipeline is to run over, scores
//! each as it comes out, and reports figures with 95 % intervals and the worst documents. The
//! scorers themselves are pure functions in the modules of the tasks; `docs/evaluation.md` has
//! their rules, their sources and the forms of the records.
//!
//! All offsets here are Unicode code points of the raw text, ends exclusive, as in the gold.

// Spans are ranges: a list of one range is a list of one span, on purpose.
#![allow(clippy::single_range_in_vec_init)]

pub mod cleanup;
pub mod coref;
mod figure;
pub mod gold;
pub mod ner;
mod predicted;
pub mod quotes;
mod report;
pub mod seeds;
pub mod sentiment;
pub mod spans;
#[cfg(test)]
mod testing;

pub use figure::{Figure, Matches, bootstrap, f1, share};
pub use predicted::{Predicted, PredictedSpan};
pub use report::{Report, Row, Section, Worst};

use copydesk_document::{NewDocument, Value};

/// One kind of gold, being held against what a pipeline finds.
pub trait Task: Send {
    /// The layers that the pipeline must provide.
    fn layers(&self) -> &'static [&'static str];

    /// Whether the texts are articles as they come, with the residue of their pages. Others are
    /// sentences or tokens: stages that edit the text are left out for them.
    fn takes_raw_articles(&self) -> bool;

    /// Options that stages must have for it: the layer that the stage provides, the option's name
    /// and value.
    fn options(&self) -> Vec<(&'static str, &'static str, Value)> {
        Vec::new()
    }

    /// The documents to run, in the order in which [`Task::score`] counts them.
    fn documents(&self) -> Vec<NewDocument>;

    /// Scores document `index`. `None` where the pipeline gave nothing: a document that failed
    /// counts as one in which nothing was found.
    fn score(&mut self, index: usize, predicted: Option<&Predicted<'_>>);

    /// The figures over all documents scored so far, and the `worst` of them.
    fn report(&self, worst: usize) -> Report;
}
