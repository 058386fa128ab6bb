//! Windows: the pieces of a document that the encoder reads at a time.
//!
//! A window holds whole sentences. The next one begins with some of the last
//! sentences again, as context, so that no word near a border is read without
//! its neighbours; such a word takes its vector from the window in which it
//! stands farther from the border.

use std::ops::Range;

/// How long windows are, in wordpieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowSize {
    /// Wordpieces of text in one window, without `[CLS]` and `[SEP]`.
    pub room: usize,
    /// Wordpieces that a window repeats from the one before, at most.
    pub context: usize,
}

/// One window: which words the encoder reads, and which of them take their vectors from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The words in the window.
    pub words: Range<usize>,
    /// The words whose vectors are taken from it, within `words`. Neighbouring windows own neighbouring words.
    pub own: Range<usize>,
}

/// Cuts a document into windows.
///
/// `before[i]` is the number of wordpieces before word `i`, with one more entry for the end. `sentences` are the
/// first words of the sentences; it may be empty. A sentence longer than the room is cut at words into parts of at
/// most `context` wordpieces, which are then treated like sentences, so that its windows overlap too.
///
/// Every word is in at least one window and owned by exactly one. No word may have more wordpieces than the room.
#[must_use]
pub fn windows(before: &[usize], sentences: &[usize], size: WindowSize) -> Vec<Window> {
    if before.len() < 2 {
        return Vec::new();
    }
    let units = units(before, sentences, size);
    let pieces = |words: &Range<usize>| before[words.end] - before[words.start];
    let mut reads: Vec<Range<usize>> = Vec::new();
    for (i, unit) in units.iter().enumerate() {
        match reads.last_mut() {
            Some(read) if pieces(&(read.start..unit.end)) <= size.room => read.end = unit.end,
            Some(_) => {
                let earlier = units[..i].iter().rev().map(|u| u.start);
                let begin = earlier
                    .take_while(|&start| {
                        pieces(&(start..unit.start)) <= size.context
                            && pieces(&(start..unit.end)) <= size.room
                    })
                    .last();
                reads.push(begin.unwrap_or(unit.start)..unit.end);
            }
            None => reads.push(unit.clone()),
        }
    }
    own(before, reads)
}

/// The sentences, and the parts of those that no window could hold.
fn units(before: &[usize], sentences: &[usize], size: WindowSize) -> Vec<Range<usize>> {
    let words = before.len() - 1;
    let mut units = Vec::new();
    let mut bounds: Vec<usize> = sentences
        .iter()
        .copied()
        .filter(|&start| 0 < start && start < words)
        .collect();
    bounds.push(words);
    bounds.sort_unstable();
    let mut start = 0;
    for end in bounds {
        if before[end] - before[start] > size.room {
            let longest = size.context.min(size.room);
            for word in start + 1..end {
                let unit = units.last().map_or(0, |last: &Range<usize>| last.end);
                if before[word + 1] - before[unit] > longest {
                    units.push(unit..word);
                }
            }
            start = units.last().map_or(start, |last| last.end);
        }
        if start < end {
            units.push(start..end);
        }
        start = end;
    }
    units
}

/// Gives each word to the window where it is farther from a border that cuts text off; the earlier one wins a tie.
fn own(before: &[usize], reads: Vec<Range<usize>>) -> Vec<Window> {
    let mut windows: Vec<Window> = Vec::with_capacity(reads.len());
    for words in reads {
        let mut border = words.start;
        if let Some(previous) = windows.last_mut() {
            // Wordpieces to the end of the previous window fall from word to word, those from the start of this one
            // rise: the border is where they cross.
            let shared = words.start.max(previous.own.start)..previous.words.end;
            let (end, start) = (before[previous.words.end], before[words.start]);
            border = shared
                .clone()
                .find(|&word| before[word] - start > end - before[word + 1])
                .unwrap_or(shared.end);
            previous.own.end = border;
        }
        windows.push(Window {
            own: border..words.end,
            words,
        });
    }
    windows
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SIZE: WindowSize = WindowSize {
        room: 10,
        context: 4,
    };

    fn before(lengths: &[usize]) -> Vec<usize> {
        let mut sum = 0;
        std::iter::once(0)
            .chain(lengths.iter().map(|n| {
                sum += n;
                sum
            }))
            .collect()
    }

    fn cut(lengths: &[usize], sentences: &[usize]) -> Vec<(Range<usize>, Range<usize>)> {
        windows(&before(lengths), sentences, SIZE)
            .into_iter()
            .map(|w| (w.words, w.own))
            .collect()
    }

    #[test]
    fn a_short_document_is_one_window() {
        assert_eq!(cut(&[1; 7], &[0, 3]), [(0..7, 0..7)]);
        assert_eq!(cut(&[3], &[]), [(0..1, 0..1)]);
        assert_eq!(cut(&[], &[]), []);
        assert_eq!(windows(&[], &[], SIZE), []);
    }

    #[test]
    fn the_next_window_repeats_whole_sentences_as_context() {
        // Sentences of 3 words: the third window position would need 12 pieces.
        assert_eq!(
            cut(&[1; 15], &[0, 3, 6, 9, 12]),
            [(0..9, 0..8), (6..15, 8..15)]
        );
        // A sentence longer than the context is not repeated.
        assert_eq!(cut(&[1; 14], &[0, 2, 7]), [(0..7, 0..7), (7..14, 7..14)]);
        // Nor is one that would leave no room for the new sentence.
        assert_eq!(
            cut(&[1; 19], &[0, 6, 10]),
            [(0..10, 0..10), (10..19, 10..19)]
        );
    }

    #[test]
    fn a_long_sentence_is_cut_at_words_with_overlap() {
        let windows = cut(&[1; 24], &[0]);
        assert_eq!(
            windows,
            [
                (0..8, 0..6),
                (4..12, 6..10),
                (8..16, 10..14),
                (12..20, 14..18),
                (16..24, 18..24)
            ]
        );
    }

    #[test]
    fn a_long_word_is_not_torn() {
        assert_eq!(
            cut(&[10, 10, 1], &[0]),
            [(0..1, 0..1), (1..2, 1..2), (2..3, 2..3)]
        );
    }

    proptest! {
        #[test]
        fn every_word_is_owned_once_and_read_with_it(
            lengths in proptest::collection::vec(1_usize..=10, 0..80),
            mut sentences in proptest::collection::vec(0_usize..80, 0..20),
            room in 10_usize..40,
            context in 0_usize..12,
        ) {
            sentences.sort_unstable();
            sentences.dedup();
            let before = before(&lengths);
            let windows = windows(&before, &sentences, WindowSize { room, context });
            let mut next = 0;
            for window in &windows {
                prop_assert_eq!(window.own.start, next);
                prop_assert!(window.own.end >= window.own.start);
                prop_assert!(window.words.start <= window.own.start && window.own.end <= window.words.end);
                prop_assert!(before[window.words.end] - before[window.words.start] <= room);
                next = window.own.end;
            }
            prop_assert_eq!(next, lengths.len());
            for pair in windows.windows(2) {
                prop_assert!(pair[0].words.end <= pair[1].words.end && pair[0].words.start < pair[1].words.start);
                let shared = before[pair[0].words.end] - before[pair[1].words.start.min(pair[0].words.end)];
                prop_assert!(shared <= context);
            }
        }
    }
}
