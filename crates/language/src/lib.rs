//! News language without machine learning: what stages and reports know about
//! sentences, quotation marks, names and titles, cue verbs and dates.
pub mod boilerplate;
pub mod byline;
pub mod country;
pub mod cue;
pub mod date;
pub mod dateline;
pub mod line;
pub mod name;
mod pattern;
pub mod phrase;
pub mod pronoun;
pub mod quotation;
pub mod sentence;
pub mod spelling;
pub mod tagged;
pub mod unicode;
pub mod word;
