//! The `quotes` stage: who said what.
//!
//! Quotation marks are paired over the whole document, sentences are read with
//! every quotation as one item, and the cue that governs it leads to its
//! speaker: that is `article` and `attribute`, which need no model. Where
//! vectors of a model are there, its `head` is heard as a witness. What is said
//! without marks where the layout names the speaker is `verbatim`'s.

mod article;
mod attribute;
mod head;
mod verbatim;

use std::ops::Range;
use std::sync::Arc;

use copydesk_encoder::heads::QuoteHead;
use copydesk_encoder::{EncoderError, Heads, ModelFolder, WordVectors};
use copydesk_language::quotation::{self, UNBALANCED_MARKS};
use copydesk_plugin::{Diagnostics, Doc, Host, LayerId, Out, Stage, StageError, Worker, stage};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::article::{Article, Block, Mention};
use crate::attribute::{Quote, Speaker};

/// Options of the stage.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// Kinds of quotes to write: `direct`, `mixed`, `indirect`.
    kinds: Vec<String>,
    /// Lowest score of a quote, 0 to 1.
    min_score: f32,
    /// Folder of the model whose head is heard; by default the one that `encode` runs.
    model: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            kinds: KINDS.map(str::to_owned).to_vec(),
            min_score: 0.5,
            model: None,
        }
    }
}

const KINDS: [&str; 3] = ["direct", "mixed", "indirect"];

struct Quotes {
    kinds: Vec<String>,
    min_score: f32,
    folder: Option<ModelFolder>,
    head: Option<Arc<QuoteHead>>,
}

#[stage(
    id = "copydesk/quotes",
    summary = "Who said what: direct, mixed and reported speech with speaker and cue",
    requires = ["layer:entities", "layer:mentions", "layer:sentences?", "layer:blocks?", "layer:tokens?"],
    provides = ["layer:quotes", "layer:speakers", "layer:cues", "layer:quote-parts", "layer:statements"],
    transient = ["statements"],
)]
impl Stage for Quotes {
    type Config = Config;
    type Worker = QuotesWorker;

    fn create(config: Config, host: &Host<'_>) -> Result<Self, Diagnostics> {
        let mut wrong = Diagnostics::new();
        for (i, kind) in config.kinds.iter().enumerate() {
            if !KINDS.contains(&kind.as_str()) {
                wrong
                    .error(format!("/kinds/{i}"), format!("there is no kind `{kind}`"))
                    .hint(format!("kinds are {}", KINDS.join(", ")));
            }
        }
        if !(0.0..=1.0).contains(&config.min_score) {
            wrong.error(
                "/min_score",
                format!("{} is not between 0 and 1", config.min_score),
            );
        }
        let folder = match model_folder(config.model.as_deref(), host) {
            Ok(folder) => folder,
            Err(message) => {
                wrong.error("/model", message);
                None
            }
        };
        wrong.into_result()?;
        Ok(Self {
            kinds: config.kinds,
            min_score: config.min_score,
            folder,
            head: None,
        })
    }

    fn load(&mut self, _: &Host<'_>) -> Result<(), StageError> {
        if let Some(folder) = &self.folder {
            let head = Heads::open(&folder.path)
                .and_then(|heads| heads.quotes())
                .map_err(|error| StageError::failed("model", error))?;
            self.head = Some(Arc::new(head));
        }
        Ok(())
    }

    fn worker(&self, _: u32, _: &Host<'_>) -> Result<QuotesWorker, StageError> {
        Ok(QuotesWorker {
            kinds: self.kinds.clone(),
            min_score: self.min_score,
            head: self.head.clone(),
            dim: self
                .folder
                .as_ref()
                .map_or(0, |folder| folder.config.hidden_size),
        })
    }
}

copydesk_plugin::export!(Quotes);

/// The folder of the head, if any stage before makes vectors; a head of another model is refused.
fn model_folder(model: Option<&str>, host: &Host<'_>) -> Result<Option<ModelFolder>, String> {
    let own = model.map(|model| host.resource(model)).transpose();
    let own = own.map_err(|error| error.message().to_owned())?;
    let Some(space) = host.lookup("layer:tokens", "space") else {
        // Without vectors the stage reads structure alone, unless a head was asked for.
        return own.map_or(Ok(None), |_| Err(EncoderError::NoVectors.to_string()));
    };
    let encoder = host.lookup("layer:tokens", "model");
    let folder = ModelFolder::of_head(own, Some(&space), encoder.as_deref())
        .map_err(|error| error.to_string())?;
    // A model without this head still serves the others.
    let has_head = folder.labels("quotes.content", &QuoteHead::TAGS).is_ok();
    Ok(has_head.then_some(folder))
}

struct QuotesWorker {
    kinds: Vec<String>,
    min_score: f32,
    head: Option<Arc<QuoteHead>>,
    dim: usize,
}

impl Worker for QuotesWorker {
    fn document(&mut self, doc: Doc<'_>, out: &mut Out<'_>) -> Result<(), StageError> {
        let layers = Layers {
            quotes: out.layer("quotes")?,
            speakers: out.layer("speakers")?,
            cues: out.layer("cues")?,
            parts: out.layer("quote-parts")?,
            statements: out.layer("statements")?,
            entities: out.layer("entities")?,
        };
        if doc.language().is_some_and(|tag| !tag.starts_with("en")) {
            return Ok(());
        }
        let text = doc.text();
        let blocks = blocks(&doc);
        let ranges: Vec<Range<usize>> = blocks.iter().map(|b| b.range.clone()).collect();
        let quotations = quotation::pair_in(text, &ranges);
        for wrong in &quotations.unbalanced {
            out.warn(
                &doc,
                Some(wrong.place.clone()),
                UNBALANCED_MARKS,
                wrong.repair.message(),
            )?;
        }
        let names: Vec<Range<usize>> = doc
            .layer("entities")
            .map(|e| e.iter().map(|s| s.range()).collect())
            .unwrap_or_default();
        let mentions = mentions(&doc);
        let article = Article::read(text, &quotations, &blocks, &names, &mentions);
        let mut quotes = attribute::quotes(&article);
        if let Some(heard) = self.hear(&doc)? {
            head::combine(&article, &mut quotes, &heard);
        }
        verbatim::add(&article, &blocks, &mut quotes);
        for quote in &quotes {
            let wanted = self.kinds.iter().any(|kind| kind == quote.kind.label());
            if wanted && quote.score >= self.min_score {
                layers.write(&doc, out, quote)?;
            }
        }
        Ok(())
    }
}

impl QuotesWorker {
    fn hear(&self, doc: &Doc<'_>) -> Result<Option<Vec<head::Heard>>, StageError> {
        let (Some(head), Some(tokens)) =
            (&self.head, doc.layer("tokens").filter(|t| !t.is_empty()))
        else {
            return Ok(None);
        };
        let Some(vectors) = tokens.vectors("vector") else {
            return Ok(None);
        };
        if vectors.dim != self.dim {
            let message = format!(
                "the vectors of `tokens` have {} numbers, the model takes {}",
                vectors.dim, self.dim
            );
            return Err(StageError::batch("vectors", message));
        }
        let vectors = WordVectors::new(vectors.data, vectors.dim);
        Ok(Some(head::hear(
            head,
            vectors,
            tokens.starts(),
            tokens.ends(),
        )))
    }
}

struct Layers {
    quotes: LayerId,
    speakers: LayerId,
    cues: LayerId,
    parts: LayerId,
    statements: LayerId,
    entities: LayerId,
}

impl Layers {
    fn write(&self, doc: &Doc<'_>, out: &mut Out<'_>, quote: &Quote) -> Result<(), StageError> {
        let label = out.label(self.quotes, quote.kind.label())?;
        let row = out.span(
            doc,
            self.quotes,
            quote.range.clone(),
            Some(label),
            Some(quote.score),
        )?;
        if let Some(speaker) = &quote.speaker {
            let at = self.speaker(doc, out, speaker)?;
            let link = out.link(self.speakers, at);
            out.set(doc, self.quotes, row, "speaker", link)?;
        }
        if let Some(cue) = &quote.cue {
            let at = out.span(doc, self.cues, cue.clone(), None, None)?;
            let link = out.link(self.cues, at);
            out.set(doc, self.quotes, row, "cue", link)?;
        }
        let back = out.link(self.quotes, row);
        if quote.pieces.len() > 1 {
            for piece in &quote.pieces {
                let at = out.span(doc, self.parts, piece.clone(), None, None)?;
                out.set(doc, self.parts, at, "quote", back)?;
            }
        }
        // What a holder's view is read from: the paraphrase around quoted words is the speaker's too.
        let at = out.span(doc, self.statements, quote.statement.clone(), None, None)?;
        out.set(doc, self.statements, at, "quote", back)
    }

    fn speaker(
        &self,
        doc: &Doc<'_>,
        out: &mut Out<'_>,
        speaker: &Speaker,
    ) -> Result<u32, StageError> {
        let label = speaker
            .label
            .as_deref()
            .map(|label| out.label(self.speakers, label))
            .transpose()?;
        let row = out.span(doc, self.speakers, speaker.range.clone(), label, None)?;
        out.set(doc, self.speakers, row, "name", &speaker.name)?;
        if let Some(entity) = speaker.entity {
            let link = out.link(self.entities, entity);
            out.set(doc, self.speakers, row, "entity", link)?;
        }
        Ok(row)
    }
}

fn mentions(doc: &Doc<'_>) -> Vec<Mention> {
    let Some(given) = doc.layer("mentions") else {
        return Vec::new();
    };
    given
        .iter()
        .map(|span| Mention {
            range: span.range(),
            // A pronoun or nominal that nothing resolves keeps its surface.
            name: span
                .text_attr("name")
                .filter(|_| span.text_attr("type").is_some())
                .map(str::to_owned),
            label: span.text_attr("type").map(str::to_owned),
            entity: span.link_attr("entity").map(|link| link.row),
        })
        .collect()
}

/// Paragraphs and headings: the layer's where there is one, else by the look of the lines.
fn blocks(doc: &Doc<'_>) -> Vec<Block> {
    if let Some(given) = doc.layer("blocks").filter(|blocks| !blocks.is_empty()) {
        return given
            .iter()
            .map(|block| Block {
                range: block.range(),
                heading: matches!(block.label(), Some("title" | "heading" | "caption")),
            })
            .collect();
    }
    let text = doc.text();
    quotation::paragraphs(text)
        .into_iter()
        .map(|range| Block {
            heading: looks_like_heading(&text[range.clone()]),
            range,
        })
        .collect()
}

/// A short line that ends no sentence.
fn looks_like_heading(line: &str) -> bool {
    let bare = line.trim_end_matches(|c: char| {
        matches!(c, '”' | '’' | '"' | '\'' | ')' | ']' | '»') || c.is_whitespace()
    });
    let ends = bare.ends_with(['.', '!', '?', ':', ',', ';', '…']);
    !ends && line.split_whitespace().count() <= 14
}

#[cfg(test)]
mod tests;
