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
