use std::ops::Range;

use super::linear::{dot, gelu};
use super::{BUCKETS, Heads, Linear, TagSpan, Tagger, WordVectors, distance_bucket, span_distance};
use crate::EncoderError;

/// Finds who said what: spans of sources, cues and contents, and which belong together.
///
/// The three layers are tagged apart and may overlap. A cue is the centre of an attribution: sources and contents
/// are linked to it by a biaffine score (Dozat and Manning 2017) of the two spans' first and last words, with a
/// bonus by distance.
#[derive(Clone, Debug)]
pub struct QuoteHead {
    hidden: Linear,
    source: Tagger,
    cue: Tagger,
    content: Tagger,
    cue_span: Linear,
    source_link: Link,
    content_link: Link,
}

/// The three layers of spans of one document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QuoteSpans {
    /// Words that name who speaks, believes, intends.
    pub sources: Vec<TagSpan>,
    /// Words that announce it, mostly verbs.
    pub cues: Vec<TagSpan>,
    /// What is said.
    pub contents: Vec<TagSpan>,
}

/// What is linked to a cue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// A source.
    Source,
    /// A content.
    Content,
}

#[derive(Clone, Debug)]
struct Link {
    span: Linear,
    /// `[cue, span]`.
    bilinear: Vec<f32>,
    distance: Vec<f32>,
    bias: f32,
}

const HIDDEN: usize = 256;
const LINK: usize = 128;

impl QuoteHead {
    /// The tags of each of the three layers.
    pub const TAGS: [&str; 3] = ["O", "B", "I"];

    pub(super) fn open(heads: &Heads) -> Result<Self, EncoderError> {
        let dim = heads.dim();
        let tagger = |layer| {
            let name = format!("quotes.{layer}");
            let labels = heads.folder.labels(&name, &Self::TAGS)?;
            Tagger::open(heads, &name, HIDDEN, labels)
        };
        let link = |kind| -> Result<Link, EncoderError> {
            Ok(Link {
                span: heads.linear(&format!("quotes.link.{kind}_span"), 2 * dim, LINK)?,
                bilinear: heads.tensor(&format!("quotes.link.{kind}.bilinear"), &[LINK, LINK])?,
                distance: heads.tensor(&format!("quotes.link.{kind}.distance"), &[BUCKETS])?,
                bias: heads.tensor(&format!("quotes.link.{kind}.bias"), &[1])?[0],
            })
        };
        Ok(Self {
            source: tagger("source")?,
            cue: tagger("cue")?,
            content: tagger("content")?,
            hidden: heads.linear("quotes.hidden", dim, HIDDEN)?,
            cue_span: heads.linear("quotes.link.cue", 2 * dim, LINK)?,
            source_link: link("source")?,
            content_link: link("content")?,
        })
    }

    /// The spans of all three layers.
    #[must_use]
    pub fn spans(&self, vectors: WordVectors<'_>) -> QuoteSpans {
        let hidden = self.hidden(vectors);
        QuoteSpans {
            sources: self.source.spans(&hidden),
            cues: self.cue.spans(&hidden),
            contents: self.content.spans(&hidden),
        }
    }

    /// What the three taggers read: one row of 256 numbers per word.
    #[must_use]
    pub fn hidden(&self, vectors: WordVectors<'_>) -> Vec<f32> {
        let mut hidden = self.hidden.of(vectors.data());
        gelu(&mut hidden);
        hidden
    }

    /// The taggers of sources, cues and contents; their input is [`hidden`](Self::hidden).
    #[must_use]
    pub fn taggers(&self) -> [&Tagger; 3] {
        [&self.source, &self.cue, &self.content]
    }

    /// How well each of `spans` fits each of `cues`, `[cues, spans]` row-major. The scores are log-odds:
    /// above zero the two rather belong together than not.
    ///
    /// # Panics
    /// If a range is empty or reaches beyond the words.
    #[must_use]
    pub fn links(
        &self,
        vectors: WordVectors<'_>,
        kind: LinkKind,
        cues: &[Range<usize>],
        spans: &[Range<usize>],
    ) -> Vec<f32> {
        let link = match kind {
            LinkKind::Source => &self.source_link,
            LinkKind::Content => &self.content_link,
        };
        let ends = |ranges: &[Range<usize>]| -> Vec<f32> {
            ranges
                .iter()
                .flat_map(|r| [vectors.row(r.start), vectors.row(r.end - 1)].concat())
                .collect()
        };
        let cue_rows = self.cue_span.of(&ends(cues));
        let span_rows = link.span.of(&ends(spans));
        let mut scores = Vec::with_capacity(cues.len() * spans.len());
        for (cue, cue_row) in cues.iter().zip(cue_rows.chunks_exact(LINK)) {
            let mut turned = [0.0; LINK];
            for (x, row) in cue_row.iter().zip(link.bilinear.chunks_exact(LINK)) {
                turned.iter_mut().zip(row).for_each(|(t, w)| *t += x * w);
            }
            for (span, span_row) in spans.iter().zip(span_rows.chunks_exact(LINK)) {
                let bonus = link.distance[distance_bucket(span_distance(cue, span))];
                scores.push(dot(&turned, span_row) + bonus + link.bias);
            }
        }
        scores
    }
}
