//! Texts that hurt, for the property tests.

use std::ops::Range;

use proptest::prelude::*;

/// Characters of every UTF-8 width, combining marks, line ends of both kinds,
/// joined emoji and right-to-left letters.
const PIECES: &[&str] = &[
    "a",
    "Z",
    " ",
    "\n",
    "\r\n",
    "é",
    "e\u{301}",
    "ß",
    "“",
    "”",
    "…",
    "語",
    "\u{200b}",
    "\u{fb01}",
    "🦀",
    "👩\u{200d}🚒",
    "א",
    "\u{0}",
    "𝔘",
];

/// A text of so many pieces.
pub(crate) fn text(pieces: Range<usize>) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), pieces).prop_map(|pieces| pieces.concat())
}
