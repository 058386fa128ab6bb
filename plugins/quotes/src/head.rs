//! What the trained head says, beside what the structure says.
//!
//! Structure knows where quotation marks pair and who stands before a verb;
//! the head has read twenty thousand attributions and knows which clauses are
//! reported. Where both agree a quote is surer; where the head alone finds
//! reported speech it must be sure and have a cue of speaking.

use std::ops::Range;

use copydesk_encoder::WordVectors;
use copydesk_encoder::heads::{LinkKind, QuoteHead, TagSpan};
use copydesk_language::cue::{self, Class};

use crate::article::Article;
use crate::attribute::{self, Kind, Quote};

/// An attribution as the head reads it, in bytes.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    pub(crate) content: Range<usize>,
    pub(crate) cue: Range<usize>,
    pub(crate) source: Option<Range<usize>>,
    pub(crate) score: f32,
}

/// What the head hears in a document whose words span these bytes.
pub(crate) fn hear(
    head: &QuoteHead,
    vectors: WordVectors<'_>,
    starts: &[u32],
    ends: &[u32],
) -> Vec<Heard> {
    let found = head.spans(vectors);
    let words = |spans: &[TagSpan]| -> Vec<Range<usize>> {
        spans.iter().map(|s| s.words.clone()).collect()
    };
    let cues = words(&found.cues);
    if cues.is_empty() || found.contents.is_empty() {
        return Vec::new();
    }
    let contents = words(&found.contents);
    let sources = words(&found.sources);
    let to_content = head.links(vectors, LinkKind::Content, &cues, &contents);
    let to_source = if sources.is_empty() {
        Vec::new()
    } else {
        head.links(vectors, LinkKind::Source, &cues, &sources)
    };
    let bytes = |words: &Range<usize>| starts[words.start] as usize..ends[words.end - 1] as usize;
    let mut out = Vec::new();
    for (c, content) in found.contents.iter().enumerate() {
        let best = (0..cues.len())
            .map(|q| (q, to_content[q * contents.len() + c]))
            .max_by(|a, b| a.1.total_cmp(&b.1));
        let Some((q, link)) = best.filter(|(_, link)| *link > 0.0) else {
            continue;
        };
        let source = (0..sources.len())
            .map(|s| (s, to_source[q * sources.len() + s]))
            .filter(|(_, link)| *link > 0.0)
            .max_by(|a, b| a.1.total_cmp(&b.1));
        let linked = 1.0 / (1.0 + (-link).exp());
        out.push(Heard {
            content: bytes(&content.words),
            cue: bytes(&found.cues[q].words),
            source: source.map(|(s, _)| bytes(&sources[s])),
            score: (content.score * found.cues[q].score * linked).cbrt(),
        });
    }
    out
}

/// Weighs reported speech by what the head heard, and adds what it alone is sure of.
pub(crate) fn combine(article: &Article<'_>, quotes: &mut Vec<Quote>, heard: &[Heard]) {
    for quote in quotes.iter_mut().filter(|q| q.kind == Kind::Indirect) {
        let same = heard.iter().find(|h| {
            overlap(&h.content, &quote.range) >= 0.5
                && quote.cue.as_ref().is_some_and(|cue| touches(cue, &h.cue))
        });
        quote.score = match same {
            Some(h) => 1.0 - (1.0 - quote.score) * (1.0 - h.score * 0.8),
            None => quote.score * UNHEARD,
        };
    }
    for h in heard.iter().filter(|h| h.score >= ALONE) {
        let taken = quotes
            .iter()
            .any(|q| touches(&q.range, &h.content) || touches(&q.statement, &h.content));
        if taken || !speaks(article, &h.cue) {
            continue;
        }
        let quoted = article
            .quotations
            .all
            .iter()
            .any(|q| touches(&q.words, &h.content));
        let words = article.text[h.content.clone()].split_whitespace().count();
        let Some(source) = h.source.clone().filter(|_| !quoted && words >= 3) else {
            continue;
        };
        let mut range = h.content.clone();
        let said = article.text[range.clone()].trim_end_matches(['.', ',', ' ', ';']);
        range.end = range.start + said.len();
        quotes.push(Quote {
            pieces: vec![range.clone()],
            statement: range.clone(),
            range,
            kind: Kind::Indirect,
            speaker: Some(attribute::speaker_at(article, &source)),
            cue: Some(h.cue.clone()),
            score: h.score,
        });
    }
    quotes.sort_by_key(|q| (q.range.start, std::cmp::Reverse(q.range.end)));
}

/// From here on the head is believed without structure.
const ALONE: f32 = 0.75;
/// What reported speech is worth that the head does not hear.
const UNHEARD: f32 = 0.85;

fn speaks(article: &Article<'_>, cue: &Range<usize>) -> bool {
    let words: Vec<&str> = article
        .words
        .iter()
        .filter(|w| cue.contains(&w.range.start))
        .map(|w| w.lower.as_str())
        .collect();
    cue::source_phrase(&words).is_some()
        || words
            .iter()
            .any(|w| cue::verb(w).is_some_and(|v| v.class == Class::Speech))
}

fn touches(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> f32 {
    let shared = a.end.min(b.end).saturating_sub(a.start.max(b.start));
    let union = a.end.max(b.end) - a.start.min(b.start);
    shared as f32 / union.max(1) as f32
}
