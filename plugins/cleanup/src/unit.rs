//! The lines or wrapped paragraphs of an article, before anything is judged.

use std::ops::Range;

use copydesk_language::sentence::{ends_sentence, is_line_break};

/// A non-empty line, or the lines of one hard-wrapped paragraph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unit {
    /// Trimmed range in the plain text.
    pub(crate) range: Range<usize>,
    /// A blank line stands before it.
    pub(crate) apart: bool,
    /// Line breaks inside, with the blanks around them: ranges in the plain text.
    pub(crate) wraps: Vec<Range<usize>>,
}

/// The units of `text` in order.
pub(crate) fn units(text: &str) -> Vec<Unit> {
    let lines = lines(text);
    if !is_hard_wrapped(text, &lines) {
        return lines;
    }
    let widest = lines.iter().map(|line| line.range.len()).max().unwrap_or(0);
    let mut out: Vec<Unit> = Vec::new();
    let mut width = 0;
    for line in lines {
        let long = width * 10 > widest * 6;
        width = line.range.len();
        match out.last_mut() {
            Some(last) if !line.apart && long => {
                last.wraps.push(last.range.end..line.range.start);
                last.range.end = line.range.end;
            }
            _ => out.push(line),
        }
    }
    out
}

fn lines(text: &str) -> Vec<Unit> {
    let mut out = Vec::new();
    let mut apart = true;
    let mut blank = false;
    let mut start = 0;
    let mut push = |range: Range<usize>, out: &mut Vec<Unit>| {
        let line = &text[range.clone()];
        let trimmed = line.trim();
        // CRLF is one break: the empty piece between its halves is no blank line.
        if trimmed.is_empty() {
            let between = range.is_empty()
                && text[..range.start].ends_with('\r')
                && text[range.start..].starts_with('\n');
            blank |= !between;
            return;
        }
        let from = range.start + (line.len() - line.trim_start().len());
        apart |= blank;
        out.push(Unit {
            range: from..from + trimmed.len(),
            apart,
            wraps: Vec::new(),
        });
        apart = false;
        blank = false;
    };
    for (at, c) in text.char_indices() {
        if is_line_break(c) {
            push(start..at, &mut out);
            start = at + c.len_utf8();
        }
    }
    push(start..text.len(), &mut out);
    out
}

/// Whether line breaks stand where a column ended rather than a paragraph: many
/// long lines that break off in mid-sentence.
fn is_hard_wrapped(text: &str, lines: &[Unit]) -> bool {
    let widest = lines.iter().map(|line| line.range.len()).max().unwrap_or(0);
    if lines.len() < 5 || widest > 140 {
        return false;
    }
    let mut pairs = 0;
    let mut torn = 0;
    for pair in lines.windows(2) {
        let (line, next) = (&text[pair[0].range.clone()], &text[pair[1].range.clone()]);
        if pair[1].apart {
            continue;
        }
        pairs += 1;
        let goes_on = next.chars().next().is_some_and(char::is_lowercase);
        torn += usize::from(goes_on && !ends_sentence(line) && line.len() * 10 > widest * 6);
    }
    torn >= 3 && torn * 10 >= pairs * 3
}

#[cfg(test)]
mod tests {
    use super::units;

    fn texts(text: &str) -> Vec<(String, bool)> {
        units(text)
            .into_iter()
            .map(|unit| (text[unit.range].to_owned(), unit.apart))
            .collect()
    }

    #[test]
    fn lines_are_trimmed_and_blank_lines_remembered() {
        assert_eq!(
            texts(" One \r\nTwo\r\n\r\n\tThree\n\n\n"),
            [
                ("One".to_owned(), true),
                ("Two".to_owned(), false),
                ("Three".to_owned(), true)
            ]
        );
        assert!(texts(" \n\r\n").is_empty());
    }

    #[test]
    fn hard_wrapped_paragraphs_are_one_unit() {
        let text = "The ferries of Orla stopped on Friday after the council and\n\
                    the harbour union had failed to agree on the winter fares,\n\
                    which the mayor called a matter of days and nothing else to\n\
                    worry about.\n\nNobody in the town believed a word of it, the courier said,\n\
                    and the last ship left the pier at noon without passengers,\nas it had in March.";
        let found = units(text);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].wraps.len(), 3);
        assert_eq!(&text[found[1].range.clone()][..6], "Nobody");
    }
}
