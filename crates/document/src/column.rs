use std::ops::Range;

/// Strings of a batch in one buffer, in the layout of Arrow's `LargeUtf8`:
/// string `i` is `data[offsets[i]..offsets[i + 1]]`.
///
/// The host lends both buffers to plugins as they are, so a column crosses
/// the C boundary without copying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StrColumn {
    // A `String`, not bytes: that every piece is UTF-8 needs no check on reading.
    data: String,
    offsets: Vec<i64>,
}

impl Default for StrColumn {
    fn default() -> Self {
        Self::new()
    }
}

impl StrColumn {
    /// A column without strings; `offsets` already holds its one zero.
    #[must_use]
    pub fn new() -> Self {
        Self {
            data: String::new(),
            offsets: vec![0],
        }
    }

    /// Room for `strings` strings of together `bytes` bytes.
    #[must_use]
    pub fn with_capacity(strings: usize, bytes: usize) -> Self {
        let mut offsets = Vec::with_capacity(strings + 1);
        offsets.push(0);
        Self {
            data: String::with_capacity(bytes),
            offsets,
        }
    }

    /// The column with these buffers; `None` if `offsets` do not cut `data` into strings.
    pub(crate) fn of_buffers(data: String, offsets: Vec<i64>) -> Option<Self> {
        let ends = offsets.first() == Some(&0) && offsets.last() == Some(&(data.len() as i64));
        let cuts = offsets.is_sorted()
            && offsets
                .iter()
                .all(|&offset| data.is_char_boundary(offset as usize));
        (ends && cuts).then_some(Self { data, offsets })
    }

    /// Adds a string at the end.
    pub fn push(&mut self, string: &str) {
        self.data.push_str(string);
        self.offsets.push(self.data.len() as i64);
    }

    /// String `i`.
    ///
    /// # Panics
    /// If `i >= len()`.
    #[inline]
    #[must_use]
    pub fn get(&self, i: usize) -> &str {
        &self.data[self.offsets[i] as usize..self.offsets[i + 1] as usize]
    }

    /// Number of strings.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there is no string (an empty string is one).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The strings in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> + DoubleEndedIterator {
        (0..self.len()).map(|i| self.get(i))
    }

    /// All strings without anything between them, UTF-8.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        self.data.as_bytes()
    }

    /// `len() + 1` ascending byte offsets into [`data`](Self::data), the first 0.
    #[must_use]
    pub fn offsets(&self) -> &[i64] {
        &self.offsets
    }

    /// The strings at `indices`, in that order.
    ///
    /// # Panics
    /// If an index is not below `len()`.
    #[must_use]
    pub fn select(&self, indices: &[usize]) -> Self {
        let bytes = indices.iter().map(|&i| self.get(i).len()).sum();
        let mut out = Self::with_capacity(indices.len(), bytes);
        for &i in indices {
            out.push(self.get(i));
        }
        out
    }

    /// Adds the strings of `other` at the end.
    pub fn append(&mut self, other: &Self) {
        self.extend_range(other, 0..other.len());
    }

    /// Adds the strings `range` of `other` at the end.
    pub(crate) fn extend_range(&mut self, other: &Self, range: Range<usize>) {
        if range.is_empty() {
            return;
        }
        let from = other.offsets[range.start];
        let shift = self.data.len() as i64 - from;
        self.data
            .push_str(&other.data[from as usize..other.offsets[range.end] as usize]);
        self.offsets.extend(
            other.offsets[range.start + 1..=range.end]
                .iter()
                .map(|offset| offset + shift),
        );
    }

    /// Adds `n` empty strings at the end.
    pub(crate) fn extend_empty(&mut self, n: usize) {
        let end = self.data.len() as i64;
        self.offsets.resize(self.offsets.len() + n, end);
    }

    /// Keeps the first `len` strings.
    pub(crate) fn truncate(&mut self, len: usize) {
        if len < self.len() {
            self.offsets.truncate(len + 1);
            self.data.truncate(self.offsets[len] as usize);
        }
    }
}

impl<S: AsRef<str>> FromIterator<S> for StrColumn {
    fn from_iter<I: IntoIterator<Item = S>>(strings: I) -> Self {
        let mut column = Self::new();
        for string in strings {
            column.push(string.as_ref());
        }
        column
    }
}

/// A small table of distinct names (labels, stages, layers), each known by its
/// index. Looking a name up compares it with every one before it, which for
/// the dozen of names that a layer has is faster than hashing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names(StrColumn);

impl Names {
    /// A table without names.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The table of these names; `None` if one stands there twice.
    pub(crate) fn of_column(column: StrColumn) -> Option<Self> {
        let twice =
            (1..column.len()).any(|i| (0..i).any(|earlier| column.get(earlier) == column.get(i)));
        (!twice).then_some(Self(column))
    }

    /// The index of `name`, if it is in the table.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<u32> {
        self.0.iter().position(|n| n == name).map(|i| i as u32)
    }

    /// The index of `name`, which is added if it is new.
    pub fn intern(&mut self, name: &str) -> u32 {
        self.find(name).unwrap_or_else(|| {
            self.0.push(name);
            (self.0.len() - 1) as u32
        })
    }

    /// The name at `index`; `None` where there is none, so also for
    /// [`NO_LABEL`](crate::NO_LABEL).
    #[inline]
    #[must_use]
    pub fn get(&self, index: u32) -> Option<&str> {
        ((index as usize) < self.0.len()).then(|| self.0.get(index as usize))
    }

    /// Number of names.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the table has no names.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The names in order of their index.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> + DoubleEndedIterator {
        self.0.iter()
    }

    /// The names as a column, to be lent across the C boundary.
    #[must_use]
    pub fn column(&self) -> &StrColumn {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_keeps_strings_of_every_width_apart() {
        let column: StrColumn = ["", "añ", "語", "", "🦀"].iter().collect();
        assert_eq!(column.len(), 5);
        assert_eq!(column.offsets(), [0, 0, 3, 6, 6, 10]);
        assert_eq!(
            column.iter().collect::<Vec<_>>(),
            ["", "añ", "語", "", "🦀"]
        );
        assert_eq!(
            column.select(&[4, 0, 1]).iter().collect::<Vec<_>>(),
            ["🦀", "", "añ"]
        );
    }

    #[test]
    fn appending_a_range_shifts_its_offsets() {
        let mut left: StrColumn = ["ab"].iter().collect();
        let right: StrColumn = ["x", "yz", "語"].iter().collect();
        left.extend_range(&right, 1..3);
        left.extend_empty(1);
        left.append(&right);
        assert_eq!(
            left.iter().collect::<Vec<_>>(),
            ["ab", "yz", "語", "", "x", "yz", "語"]
        );
        left.truncate(2);
        assert_eq!(left.iter().collect::<Vec<_>>(), ["ab", "yz"]);
        assert_eq!(left.data(), b"abyz");
    }

    #[test]
    fn names_are_found_again_and_a_missing_index_has_none() {
        let mut names = Names::new();
        assert_eq!(names.intern("PER"), 0);
        assert_eq!(names.intern("ORG"), 1);
        assert_eq!(names.intern("PER"), 0);
        assert_eq!(names.get(1), Some("ORG"));
        assert_eq!(names.get(crate::NO_LABEL), None);
    }
}
