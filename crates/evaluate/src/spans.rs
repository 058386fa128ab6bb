//! Arithmetic of spans, in code points.

use std::ops::Range;

/// A half-open span of code points.
pub type Span = Range<u32>;

/// Code points that two lists of disjoint spans share.
#[must_use]
pub fn shared(a: &[Span], b: &[Span]) -> u32 {
    a.iter()
        .flat_map(|x| b.iter().map(move |y| overlap(x, y)))
        .sum()
}

/// Code points of a list of disjoint spans.
#[must_use]
pub fn length(spans: &[Span]) -> u32 {
    spans.iter().map(|span| span.end - span.start).sum()
}

/// Whether two spans share a code point.
#[must_use]
pub fn touch(a: &Span, b: &Span) -> bool {
    overlap(a, b) > 0
}

/// The same code points as sorted disjoint spans.
#[must_use]
pub fn joined(spans: &[Span]) -> Vec<Span> {
    let mut sorted: Vec<Span> = spans.iter().filter(|s| !s.is_empty()).cloned().collect();
    sorted.sort_by_key(|span| span.start);
    let mut out: Vec<Span> = Vec::new();
    for span in sorted {
        match out.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => out.push(span),
        }
    }
    out
}

/// The words of a span of `text`, for messages; long ones are cut.
#[must_use]
pub fn excerpt(text: &str, span: &Span) -> String {
    const MOST: usize = 60;
    let length = (span.end - span.start) as usize;
    let words: String = text
        .chars()
        .skip(span.start as usize)
        .take(length.min(MOST))
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .collect();
    let more = if length > MOST { "…" } else { "" };
    format!("“{words}{more}”")
}

fn overlap(a: &Span, b: &Span) -> u32 {
    a.end.min(b.end).saturating_sub(a.start.max(b.start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_code_points_are_counted_over_all_pieces() {
        let gold = [0..10, 20..30];
        assert_eq!(shared(&gold, std::slice::from_ref(&(5..25))), 10);
        assert_eq!(shared(&gold, std::slice::from_ref(&(10..20))), 0);
        assert_eq!(length(&gold), 20);
    }

    #[test]
    fn overlapping_pieces_are_joined() {
        assert_eq!(joined(&[8..12, 0..5, 5..6, 3..3, 10..11]), [0..6, 8..12]);
    }

    #[test]
    fn excerpts_count_code_points_and_keep_to_one_line() {
        assert_eq!(excerpt("Åse said:\nno", &(0..12)), "“Åse said: no”");
        assert_eq!(excerpt(&"é".repeat(70), &(0..70)).chars().count(), 63);
    }
}
