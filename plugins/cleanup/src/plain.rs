//! The text with its characters made plain, and the way back to the raw bytes.

use std::ops::Range;

use copydesk_language::unicode::{Change, apply, changes};

/// Raw text after the changes of [`copydesk_language::unicode`].
pub(crate) struct Plain {
    pub(crate) text: String,
    /// Ascending; ranges in raw.
    pub(crate) changes: Vec<Change>,
    /// Where each change begins in the plain text.
    starts: Vec<usize>,
    raw_len: usize,
}

impl Plain {
    pub(crate) fn of(raw: &str) -> Plain {
        let changes = changes(raw);
        let mut starts = Vec::with_capacity(changes.len());
        let mut shift: isize = 0;
        for change in &changes {
            starts.push(change.range.start.wrapping_add_signed(shift));
            shift += change.with.len() as isize - change.range.len() as isize;
        }
        Plain {
            text: apply(raw, &changes),
            changes,
            starts,
            raw_len: raw.len(),
        }
    }

    /// The raw bytes of a range of the plain text. What was deleted right before
    /// or after it stays outside.
    pub(crate) fn raw(&self, range: Range<usize>) -> Range<usize> {
        let start = self.raw_start(range.start);
        start..self.raw_end(range.end).max(start)
    }

    fn raw_start(&self, at: usize) -> usize {
        let Some(last) = self
            .starts
            .partition_point(|start| *start <= at)
            .checked_sub(1)
        else {
            return at;
        };
        let change = &self.changes[last];
        let inside = at - self.starts[last];
        if inside < change.with.len() {
            change.range.start
        } else {
            change.range.end + (inside - change.with.len())
        }
    }

    fn raw_end(&self, at: usize) -> usize {
        // A change that begins where the range ends is no part of it.
        let Some(last) = self
            .starts
            .partition_point(|start| *start < at)
            .checked_sub(1)
        else {
            return at.min(self.raw_len);
        };
        let change = &self.changes[last];
        let inside = at - self.starts[last];
        if inside <= change.with.len() && !change.with.is_empty() {
            change.range.end
        } else {
            change.range.end + (inside - change.with.len())
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Plain;

    proptest! {
        /// What was not changed leads back to itself, and everything to slices in
        /// the order of the text.
        #[test]
        fn every_piece_leads_back(
            pieces in proptest::collection::vec(
                proptest::sample::select(vec![
                    "ferry", " ", "\u{a0}", "\u{ad}", "&amp;", "&nbsp;", "â€œ", "â€", "Ã©",
                    "Ã¢â‚¬â„¢", "ﬁ", "e\u{301}", "\n", "\u{feff}", "🚢", "\u{200b}", "´", "—",
                ]),
                0..24,
            )
        ) {
            let raw = pieces.concat();
            let plain = Plain::of(&raw);
            let mut end = 0;
            for (at, c) in plain.text.char_indices() {
                let range = plain.raw(at..at + c.len_utf8());
                prop_assert!(range.start >= end, "{raw:?} {at}");
                let changed = plain.changes.iter().any(|change| {
                    change.range.start < range.end && range.start < change.range.end
                });
                let piece = raw.get(range.clone());
                prop_assert!(piece.is_some());
                if !changed {
                    prop_assert_eq!(piece.map(str::to_owned), Some(c.to_string()));
                }
                // Two characters may come out of one change: `fi`.
                end = if changed { range.start } else { range.end };
            }
        }
    }

    #[test]
    fn ranges_lead_back_to_the_raw_bytes() {
        let raw = "\u{feff}The har\u{ad}bour &amp; pier\u{a0}\u{a0}end";
        let plain = Plain::of(raw);
        assert_eq!(plain.text, "The harbour & pier end");
        let back = |word: &str| {
            let start = plain.text.find(word).expect("a word of the text");
            &raw[plain.raw(start..start + word.len())]
        };
        assert_eq!(back("The"), "The");
        assert_eq!(back("harbour"), "har\u{ad}bour");
        assert_eq!(back("&"), "&amp;");
        assert_eq!(back("pier"), "pier");
        assert_eq!(back("end"), "end");
        assert_eq!(back("har"), "har");
        assert_eq!(back("bour"), "bour");
        assert_eq!(plain.raw(0..0), 3..3);
        assert_eq!(&raw[plain.raw(0..plain.text.len())], &raw[3..]);
    }
}
