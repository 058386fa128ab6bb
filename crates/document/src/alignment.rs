use std::ops::Range;

/// One replacement in a text. Offsets are bytes of the text that the stage was
/// shown, whatever other edits come with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// First byte that is replaced.
    pub start: u32,
    /// Byte after the last that is replaced; equal to `start` for an insertion.
    pub end: u32,
    /// What comes in its place; empty for a deletion.
    pub with: String,
    /// Why it was cut: the label it gets in the layer `removed`. `None` for a
    /// normalisation, which leaves no trace but the alignment.
    pub kind: Option<String>,
}

impl Edit {
    fn is_empty(&self) -> bool {
        self.start == self.end && self.with.is_empty()
    }
}

/// A piece in which raw and text differ: `raw` was replaced by `text`. Either
/// may be empty, not both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    raw_start: u32,
    raw_end: u32,
    text_start: u32,
    text_end: u32,
}

/// Where each piece of an edited text came from: maps byte ranges between
/// `raw` and `text`.
///
/// Only the pieces that differ are kept, so an unedited document costs no
/// memory, and a mapping takes a binary search over the edits.
///
/// Ends are mapped by the characters inside the range: a deletion beside a
/// span is not part of it, and an end that lies inside a replacement takes in
/// the whole replaced piece.
///
/// ```
/// use copydesk_document::{Alignment, Edit};
/// // "By Ann. The row" -> "The row"
/// let cut = Edit { start: 0, end: 8, with: String::new(), kind: None };
/// let alignment = Alignment::identity(15).then(&[cut]);
/// assert_eq!(alignment.to_raw(0..3), 8..11);
/// assert_eq!(alignment.to_text(3..6), 0..0);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Alignment {
    pieces: Vec<Piece>,
    raw_len: u32,
    text_len: u32,
}

impl Alignment {
    /// The alignment of a text of `len` bytes that was not edited.
    #[must_use]
    pub fn identity(len: usize) -> Self {
        let len = u32::try_from(len).expect("documents are shorter than 4 GiB");
        Self {
            pieces: Vec::new(),
            raw_len: len,
            text_len: len,
        }
    }

    /// Whether nothing was edited.
    #[must_use]
    pub fn is_identity(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Bytes of the raw text.
    #[must_use]
    pub fn raw_len(&self) -> u32 {
        self.raw_len
    }

    /// Bytes of the edited text.
    #[must_use]
    pub fn text_len(&self) -> u32 {
        self.text_len
    }

    /// The piece of raw from which `range` of the text came.
    ///
    /// A range inside an insertion gives the empty range at the place of it.
    #[must_use]
    pub fn to_raw(&self, range: Range<u32>) -> Range<u32> {
        self.map(
            range,
            |p| (p.text_start, p.text_end),
            |p| (p.raw_start, p.raw_end),
        )
    }

    /// The piece of text that came from `range` of raw; the empty range at its
    /// place if all of it was cut.
    #[must_use]
    pub fn to_text(&self, range: Range<u32>) -> Range<u32> {
        self.map(
            range,
            |p| (p.raw_start, p.raw_end),
            |p| (p.text_start, p.text_end),
        )
    }

    /// The alignment after one more round of edits, whose offsets count in the
    /// present text. They must be sorted and must not overlap
    /// ([`Changes::edit`](crate::Changes::edit) checks that).
    #[must_use]
    pub fn then(&self, edits: &[Edit]) -> Self {
        self.after(&Self::of_edits(self.text_len, edits))
    }

    /// The alignment after `round`, which begins at the present text.
    pub(crate) fn after(&self, round: &Self) -> Self {
        if self.is_identity() {
            return round.clone();
        }
        self.compose(round)
    }

    /// The pieces in which raw and text differ, as start and end in raw, start and end in text.
    pub(crate) fn pieces(&self) -> impl ExactSizeIterator<Item = [u32; 4]> + '_ {
        self.pieces
            .iter()
            .map(|p| [p.raw_start, p.raw_end, p.text_start, p.text_end])
    }

    /// The alignment of texts of these lengths with such [pieces](Self::pieces); `None` if they
    /// are none: out of order, or what lies between them is not of one length in both texts.
    pub(crate) fn of_pieces(pieces: Vec<[u32; 4]>, raw_len: u32, text_len: u32) -> Option<Self> {
        let (mut raw, mut text) = (0_u32, 0_u32);
        for &[raw_start, raw_end, text_start, text_end] in &pieces {
            let same = raw_start.checked_sub(raw)? == text_start.checked_sub(text)?;
            if !same || raw_end < raw_start || text_end < text_start {
                return None;
            }
            (raw, text) = (raw_end, text_end);
        }
        if raw_len.checked_sub(raw)? != text_len.checked_sub(text)? {
            return None;
        }
        let piece = |[raw_start, raw_end, text_start, text_end]: [u32; 4]| Piece {
            raw_start,
            raw_end,
            text_start,
            text_end,
        };
        Some(Self {
            pieces: pieces.into_iter().map(piece).collect(),
            raw_len,
            text_len,
        })
    }

    /// The alignment between a text of `len` bytes and the same after `edits`.
    pub(crate) fn of_edits(len: u32, edits: &[Edit]) -> Self {
        let mut pieces: Vec<Piece> = Vec::with_capacity(edits.len());
        let (mut raw, mut text) = (0, 0);
        for edit in edits.iter().filter(|edit| !edit.is_empty()) {
            let text_start = text + (edit.start - raw);
            let text_end = text_start + edit.with.len() as u32;
            pieces.push(Piece {
                raw_start: edit.start,
                raw_end: edit.end,
                text_start,
                text_end,
            });
            (raw, text) = (edit.end, text_end);
        }
        Self {
            pieces,
            raw_len: len,
            text_len: text + (len - raw),
        }
    }

    /// `self` from raw to a middle text, `next` from there to the text.
    fn compose(&self, next: &Self) -> Self {
        debug_assert_eq!(self.text_len, next.raw_len);
        let (first, second) = (&self.pieces, &next.pieces);
        let mut pieces = Vec::with_capacity(first.len() + second.len());
        let (mut i, mut j) = (0, 0);
        // Up to where both sides are done; outside of pieces all three texts run in step.
        let (mut raw, mut middle, mut text) = (0, 0, 0);
        while i < first.len() || j < second.len() {
            // Pieces that overlap in the middle text become one. Those that only
            // touch stay apart: beside a deletion a replacement keeps its own raw.
            let take_first = match (first.get(i), second.get(j)) {
                (Some(a), Some(b)) => (a.text_start, a.text_end) <= (b.raw_start, b.raw_end),
                (a, _) => a.is_some(),
            };
            let from = if take_first {
                first[i].text_start
            } else {
                second[j].raw_start
            };
            let mut until = from;
            let (before_i, before_j) = (i, j);
            let mut first_time = true;
            loop {
                let a = first
                    .get(i)
                    .filter(|a| (first_time && take_first) || a.text_start < until);
                let b = second
                    .get(j)
                    .filter(|b| (first_time && !take_first) || b.raw_start < until);
                if let Some(a) = a {
                    until = until.max(a.text_end);
                    i += 1;
                } else if let Some(b) = b {
                    until = until.max(b.raw_end);
                    j += 1;
                } else {
                    break;
                }
                first_time = false;
            }
            let raw_start = raw + (from - middle);
            let text_start = text + (from - middle);
            let raw_end = match first[before_i..i].last() {
                Some(a) => a.raw_end + (until - a.text_end),
                None => raw_start + (until - from),
            };
            let text_end = match second[before_j..j].last() {
                Some(b) => b.text_end + (until - b.raw_end),
                None => text_start + (until - from),
            };
            // What the first round inserted and the second cut again leaves nothing.
            if raw_start != raw_end || text_start != text_end {
                pieces.push(Piece {
                    raw_start,
                    raw_end,
                    text_start,
                    text_end,
                });
            }
            (raw, middle, text) = (raw_end, until, text_end);
        }
        Self {
            pieces,
            raw_len: self.raw_len,
            text_len: next.text_len,
        }
    }

    fn map(
        &self,
        range: Range<u32>,
        from: impl Fn(&Piece) -> (u32, u32),
        to: impl Fn(&Piece) -> (u32, u32),
    ) -> Range<u32> {
        if self.pieces.is_empty() {
            return range;
        }
        // By the character at `start`: pieces that end before it, even right
        // before it, are done.
        let start = {
            let n = self.pieces.partition_point(|p| from(p).1 <= range.start);
            match self.pieces.get(n).filter(|p| from(p).0 <= range.start) {
                Some(p) => to(p).0,
                None => after(self.pieces[..n].last(), range.start, &from, &to),
            }
        };
        // By the character before `end`: a piece that begins at `end` is not
        // in, nor is a deletion there.
        let end = if range.end == 0 {
            0
        } else {
            let n = self.pieces.partition_point(|p| from(p).1 < range.end);
            match self.pieces.get(n).filter(|p| from(p).0 < range.end) {
                Some(p) => to(p).1,
                None => after(self.pieces[..n].last(), range.end, &from, &to),
            }
        };
        // An empty range beside a deletion has no characters of its own.
        start..end.max(start)
    }
}

fn after(
    last: Option<&Piece>,
    at: u32,
    from: impl Fn(&Piece) -> (u32, u32),
    to: impl Fn(&Piece) -> (u32, u32),
) -> u32 {
    match last {
        Some(p) => to(p).1 + (at - from(p).1),
        None => at,
    }
}

/// `text` after `edits`, which are sorted and do not overlap.
pub(crate) fn rewrite(text: &str, edits: &[Edit]) -> String {
    let added: usize = edits.iter().map(|e| e.with.len()).sum();
    let mut out = String::with_capacity(text.len() + added);
    let mut at = 0;
    for edit in edits {
        out.push_str(&text[at..edit.start as usize]);
        out.push_str(&edit.with);
        at = edit.end as usize;
    }
    out.push_str(&text[at..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{boundaries, edited};
    use proptest::prelude::*;

    fn edit(start: u32, end: u32, with: &str) -> Edit {
        Edit {
            start,
            end,
            with: with.to_owned(),
            kind: None,
        }
    }

    /// For each byte of the text the piece of raw that it came from, by
    /// walking through the edits.
    fn origins(raw: &str, edits: &[Edit]) -> Vec<Range<u32>> {
        let mut out = Vec::new();
        let mut at = 0;
        let copied = |range: Range<u32>| range.map(|i| i..i + 1);
        for edit in edits {
            out.extend(copied(at..edit.start));
            out.extend(edit.with.bytes().map(|_| edit.start..edit.end));
            at = edit.end;
        }
        out.extend(copied(at..raw.len() as u32));
        out
    }

    /// The edits that turn the edited text back, so that the inverse can be
    /// asked of the same model.
    fn undo(raw: &str, edits: &[Edit]) -> Vec<Edit> {
        let mut shift = 0i64;
        edits
            .iter()
            .map(|e| {
                let start = i64::from(e.start) + shift;
                let end = start + e.with.len() as i64;
                shift += e.with.len() as i64 - i64::from(e.end - e.start);
                edit(
                    start as u32,
                    end as u32,
                    &raw[e.start as usize..e.end as usize],
                )
            })
            .collect()
    }

    fn spans(text: &str) -> Vec<Range<u32>> {
        let ends: Vec<u32> = boundaries(text).map(|b| b as u32).collect();
        let pairs = |a: usize| ends[a..].iter().map(move |&end| (a, end));
        (0..ends.len())
            .flat_map(pairs)
            .map(|(a, end)| ends[a]..end)
            .collect()
    }

    fn piece(text: &str, range: Range<u32>) -> &str {
        &text[range.start as usize..range.end as usize]
    }

    fn is_piece(text: &str, range: Range<u32>) -> bool {
        text.get(range.start as usize..range.end as usize).is_some()
    }

    proptest! {
        #[test]
        fn a_span_comes_from_where_its_first_and_last_characters_came((raw, edits) in edited(false)) {
            let text = rewrite(&raw, &edits);
            let alignment = Alignment::identity(raw.len()).then(&edits);
            prop_assert_eq!(alignment.text_len() as usize, text.len());
            let back = undo(&raw, &edits);
            prop_assert_eq!(&rewrite(&text, &back), &raw);
            let (from, to) = (origins(&raw, &edits), origins(&text, &back));
            for span in spans(&text).into_iter().filter(|s| !s.is_empty()) {
                let expected = from[span.start as usize].start..from[span.end as usize - 1].end;
                prop_assert_eq!(alignment.to_raw(span), expected);
            }
            for span in spans(&raw).into_iter().filter(|s| !s.is_empty()) {
                let expected = to[span.start as usize].start..to[span.end as usize - 1].end;
                prop_assert_eq!(alignment.to_text(span), expected);
            }
        }

        #[test]
        fn a_span_beside_edits_reads_the_same_in_raw((raw, edits) in edited(false)) {
            let text = rewrite(&raw, &edits);
            let alignment = Alignment::identity(raw.len()).then(&edits);
            let from = origins(&raw, &edits);
            for span in spans(&text).into_iter().filter(|s| !s.is_empty()) {
                let bytes = span.start as usize..span.end as usize;
                let copied = from[bytes.clone()].windows(2).all(|w| w[0].end == w[1].start)
                    && from[bytes].iter().all(|origin| {
                        !edits.iter().any(|e| e.start <= origin.start && origin.end <= e.end)
                    });
                if copied {
                    prop_assert_eq!(piece(&raw, alignment.to_raw(span.clone())), piece(&text, span));
                }
            }
        }

        #[test]
        fn there_and_back_covers_the_span((raw, edits) in edited(false)) {
            let text = rewrite(&raw, &edits);
            let alignment = Alignment::identity(raw.len()).then(&edits);
            let from = origins(&raw, &edits);
            for span in spans(&text).into_iter().filter(|s| !s.is_empty()) {
                // What was inserted has no raw, so a span's ends there are not found again.
                let first = &from[span.start as usize];
                let last = &from[span.end as usize - 1];
                if !first.is_empty() && !last.is_empty() {
                    let again = alignment.to_text(alignment.to_raw(span.clone()));
                    prop_assert!(again.start <= span.start && span.end <= again.end);
                }
            }
        }

        #[test]
        fn every_mapped_range_is_a_piece_of_the_other_text((raw, edits) in edited(false)) {
            let text = rewrite(&raw, &edits);
            let alignment = Alignment::identity(raw.len()).then(&edits);
            for span in spans(&text) {
                prop_assert!(is_piece(&raw, alignment.to_raw(span)));
            }
            for span in spans(&raw) {
                prop_assert!(is_piece(&text, alignment.to_text(span)));
            }
        }

        #[test]
        fn two_rounds_of_edits_equal_one((raw, edits) in edited(true), chosen in any::<u8>()) {
            let in_first = |i: usize| chosen >> i & 1 == 1;
            let (mut first, mut second, mut shift) = (Vec::new(), Vec::new(), 0i64);
            for (i, e) in edits.iter().enumerate() {
                if in_first(i) {
                    first.push(e.clone());
                    shift += e.with.len() as i64 - i64::from(e.end - e.start);
                } else {
                    let at = |offset: u32| (i64::from(offset) + shift) as u32;
                    second.push(edit(at(e.start), at(e.end), &e.with));
                }
            }
            let one = Alignment::identity(raw.len()).then(&edits);
            let two = Alignment::identity(raw.len()).then(&first).then(&second);
            prop_assert_eq!(rewrite(&rewrite(&raw, &first), &second), rewrite(&raw, &edits));
            prop_assert_eq!(two, one);
        }

        #[test]
        fn a_second_round_anywhere_keeps_what_both_rounds_map(
            (raw, edits) in edited(false),
            sizes in prop::collection::vec((0..6usize, 0..5usize, crate::testing::text(0..2)), 0..5),
        ) {
            let middle = rewrite(&raw, &edits);
            let ends: Vec<usize> = boundaries(&middle).collect();
            let mut at = 0;
            let mut more = Vec::new();
            for (gap, len, with) in sizes {
                let start = (at + gap).min(ends.len() - 1);
                at = (start + len).min(ends.len() - 1);
                more.push(edit(ends[start] as u32, ends[at] as u32, &with));
            }
            let text = rewrite(&middle, &more);
            let first = Alignment::identity(raw.len()).then(&edits);
            let both = first.then(&more);
            let second = Alignment::identity(middle.len()).then(&more);
            prop_assert_eq!(both.text_len() as usize, text.len());
            prop_assert_eq!(both.raw_len() as usize, raw.len());
            let from = origins(&raw, &edits);
            let from_middle = origins(&middle, &more);
            for span in spans(&text) {
                let whole = both.to_raw(span.clone());
                prop_assert!(is_piece(&raw, whole.clone()));
                // Copied by both rounds: the very same bytes.
                for byte in span.clone() {
                    let origin = &from_middle[byte as usize];
                    if origin.len() == 1 && !more.iter().any(|e| e.start <= origin.start && origin.end <= e.end) {
                        let origin = &from[origin.start as usize];
                        prop_assert!(origin.is_empty() || (whole.start <= origin.start && origin.end <= whole.end));
                    }
                }
                let step = second.to_raw(span.clone());
                if !step.is_empty() {
                    let steps = first.to_raw(step);
                    prop_assert!(steps.is_empty() || (whole.start <= steps.start && steps.end <= whole.end));
                }
            }
        }
    }

    #[test]
    fn a_deletion_beside_a_span_is_not_part_of_it() {
        // "xxabcyy" -> "abc"
        let alignment = Alignment::identity(7).then(&[edit(0, 2, ""), edit(5, 7, "")]);
        assert_eq!(alignment.to_raw(0..3), 2..5);
        assert_eq!(alignment.to_raw(0..0), 2..2);
        assert_eq!(alignment.to_raw(3..3), 7..7);
        assert_eq!(alignment.to_text(0..7), 0..3);
        assert_eq!(alignment.to_text(0..2), 0..0);
        assert_eq!(alignment.to_text(5..7), 3..3);
    }

    #[test]
    fn an_end_inside_a_replacement_takes_the_whole_piece() {
        // "a&quot;b" -> "a“b", where the mark has three bytes
        let alignment = Alignment::identity(8).then(&[edit(1, 7, "“")]);
        assert_eq!(alignment.to_raw(1..4), 1..7);
        assert_eq!(alignment.to_raw(0..4), 0..7);
        assert_eq!(alignment.to_text(2..8), 1..5);
    }

    #[test]
    fn a_deletion_and_a_replacement_side_by_side_stay_apart() {
        // "a[cut]b" -> "aB": the replacement does not inherit the cut
        let alignment = Alignment::identity(7).then(&[edit(1, 6, ""), edit(6, 7, "B")]);
        assert_eq!(alignment.to_raw(1..2), 6..7);
        let in_turn = Alignment::identity(7)
            .then(&[edit(6, 7, "B")])
            .then(&[edit(1, 6, "")]);
        assert_eq!(in_turn, alignment);
    }

    #[test]
    fn empty_edits_leave_the_identity() {
        let alignment = Alignment::identity(4).then(&[edit(0, 0, ""), edit(4, 4, "")]);
        assert!(alignment.is_identity());
    }

    #[test]
    fn what_was_inserted_and_cut_again_leaves_the_identity() {
        let alignment = Alignment::identity(4)
            .then(&[edit(2, 2, "xyz")])
            .then(&[edit(2, 5, "")]);
        assert!(alignment.is_identity());
        assert_eq!(alignment.text_len(), 4);
    }

    #[test]
    fn edits_over_the_edges_of_earlier_ones_become_one_piece() {
        // "abcdef" -> "aXYef" -> "aX!f"
        let alignment = Alignment::identity(6)
            .then(&[edit(1, 4, "XY")])
            .then(&[edit(2, 4, "!")]);
        assert_eq!(alignment.to_raw(1..3), 1..5);
        assert_eq!(alignment.to_raw(3..4), 5..6);
    }
}
