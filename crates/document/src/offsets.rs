//! Byte offsets counted in other units, and back.

use serde::{Deserialize, Serialize};

/// What an offset counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Unicode scalar values, as Python counts.
    #[default]
    Char,
    /// Bytes of UTF-8.
    Byte,
    /// Code units of UTF-16, as JavaScript and Java count.
    Utf16,
}

/// How many bytes lie between two checkpoints: one conversion reads at most
/// this many, and the table takes a sixteenth of the text.
const STEP: usize = 64;

/// Converts byte offsets of one text. Making one reads the text once; a
/// conversion takes constant time.
///
/// ```
/// use copydesk_document::offsets::{Offsets, Unit};
/// let text = "Åse 🦀 said";
/// assert_eq!(Offsets::new(text, Unit::Char).convert(9), 5);
/// assert_eq!(Offsets::new(text, Unit::Utf16).convert(9), 6);
/// ```
#[derive(Debug, Clone)]
pub struct Offsets<'t> {
    text: &'t str,
    unit: Unit,
    /// Units before byte `i * STEP`; empty where every unit is one byte.
    checkpoints: Vec<u32>,
}

impl<'t> Offsets<'t> {
    /// Prepares conversions between bytes and `unit` for `text`.
    #[must_use]
    pub fn new(text: &'t str, unit: Unit) -> Self {
        let mut checkpoints = Vec::new();
        if unit != Unit::Byte && !text.is_ascii() {
            checkpoints.reserve(text.len() / STEP + 1);
            let mut before = 0;
            for chunk in text.as_bytes().chunks(STEP) {
                checkpoints.push(before);
                before += units(chunk, unit);
            }
            if text.len().is_multiple_of(STEP) {
                checkpoints.push(before);
            }
        }
        Self {
            text,
            unit,
            checkpoints,
        }
    }

    /// The unit that conversions give.
    #[must_use]
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// Units before `byte`. Monotone: a byte inside a character counts the
    /// whole character, a byte past the end counts as the end.
    #[inline]
    #[must_use]
    pub fn convert(&self, byte: usize) -> u32 {
        let byte = byte.min(self.text.len());
        if self.checkpoints.is_empty() {
            return byte as u32;
        }
        let from = byte / STEP;
        self.checkpoints[from] + units(&self.text.as_bytes()[from * STEP..byte], self.unit)
    }

    /// The byte at which unit `at` begins, or the length of the text for the
    /// number of all units; `None` past that and inside a surrogate pair.
    #[must_use]
    pub fn to_byte(&self, at: u32) -> Option<usize> {
        if self.checkpoints.is_empty() {
            let byte = at as usize;
            return self.text.is_char_boundary(byte).then_some(byte);
        }
        let from = self
            .checkpoints
            .partition_point(|&before| before <= at)
            .saturating_sub(1);
        let bytes = self.text.as_bytes();
        // A checkpoint may stand inside a character that it has counted.
        let mut byte = from * STEP;
        while byte < bytes.len() && is_continuation(bytes[byte]) {
            byte += 1;
        }
        let mut before = self.checkpoints[from];
        for c in self.text[byte..].chars() {
            if before >= at {
                break;
            }
            before += match self.unit {
                Unit::Utf16 => c.len_utf16() as u32,
                Unit::Char | Unit::Byte => 1,
            };
            byte += c.len_utf8();
        }
        (before == at).then_some(byte)
    }
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

/// Units that begin in `bytes`.
fn units(bytes: &[u8], unit: Unit) -> u32 {
    let chars = || bytes.iter().filter(|&&b| !is_continuation(b)).count();
    (match unit {
        Unit::Byte => bytes.len(),
        Unit::Char => chars(),
        // Four bytes of UTF-8 are two units of UTF-16.
        Unit::Utf16 => chars() + bytes.iter().filter(|&&b| b >= 0xF0).count(),
    }) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::text;
    use proptest::prelude::*;

    fn naive(text: &str, byte: usize, unit: Unit) -> u32 {
        match unit {
            Unit::Byte => byte as u32,
            Unit::Char => text[..byte].chars().count() as u32,
            Unit::Utf16 => text[..byte].encode_utf16().count() as u32,
        }
    }

    proptest! {
        #[test]
        fn conversion_agrees_with_counting(text in text(0..120)) {
            for unit in [Unit::Byte, Unit::Char, Unit::Utf16] {
                let offsets = Offsets::new(&text, unit);
                for byte in (0..=text.len()).filter(|&b| text.is_char_boundary(b)) {
                    let expected = naive(&text, byte, unit);
                    prop_assert_eq!(offsets.convert(byte), expected);
                    prop_assert_eq!(offsets.to_byte(expected), Some(byte));
                }
            }
        }

        #[test]
        fn conversion_is_monotone_also_inside_characters(text in text(0..120)) {
            for unit in [Unit::Char, Unit::Utf16] {
                let offsets = Offsets::new(&text, unit);
                for byte in 0..=text.len() + 2 {
                    prop_assert!(offsets.convert(byte) <= offsets.convert(byte + 1));
                }
            }
        }
    }

    #[test]
    fn no_byte_begins_inside_a_surrogate_pair_or_past_the_end() {
        let offsets = Offsets::new("a🦀b", Unit::Utf16);
        assert_eq!(offsets.to_byte(1), Some(1));
        assert_eq!(offsets.to_byte(2), None);
        assert_eq!(offsets.to_byte(3), Some(5));
        assert_eq!(offsets.to_byte(4), Some(6));
        assert_eq!(offsets.to_byte(5), None);
        assert_eq!(Offsets::new("ab", Unit::Char).to_byte(3), None);
    }

    #[test]
    fn a_text_of_whole_steps_converts_at_its_end() {
        let text = "é".repeat(STEP);
        assert_eq!(
            Offsets::new(&text, Unit::Char).convert(text.len()),
            STEP as u32
        );
    }
}
