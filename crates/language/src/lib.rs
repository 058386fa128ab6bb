//! News language without machine learning: what stages and reports know about
//! sentences, quotation marks, names and titles, cue verbs and dates.
pub mod sentence;
pub mod quotation;
pub mod country;
pub mod cue;
pub mod name;
pub mod phrase;
pub mod pronoun;
pub mod word;
pub mod byline;
pub mod date;
pub mod dateline;
pub mod line;
pub mod unicode;
