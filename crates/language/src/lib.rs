//! News language without machine learning: what stages and reports know about
//! sentences, quotation marks, names and titles, cue verbs and dates.
pub mod sentence;
pub mod quotation;
