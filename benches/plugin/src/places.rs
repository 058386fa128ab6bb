//! What the stage of the benches does, apart from the plugin around it, so
//! that the same lines can run without one.

use std::ops::Range;

/// Spans of a text to which an annotator adds a handful.
pub(crate) const SPARSE: usize = 5;

/// Bytes from one span to the next where there is one a word.
pub(crate) const STEP: usize = 6;

/// [`SPARSE`] spans, evenly over `text`.
pub(crate) fn sparse(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    (0..SPARSE).map(|i| {
        let start = text.floor_char_boundary(text.len() * i / SPARSE);
        start..text.floor_char_boundary(start + 2 * STEP)
    })
}

/// A span every [`STEP`] bytes: as many as words, without looking for them.
pub(crate) fn dense(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut end = 0;
    std::iter::from_fn(move || {
        let start = end;
        end = text.ceil_char_boundary((start + STEP).min(text.len()));
        (start < end).then_some(start..end)
    })
}
