//! The `sentiment` stage: how a text speaks of configured targets, and whose view it is.
//!
//! `target` finds where a target is mentioned, the model's head judges each
//! mention in its sentence, and whoever speaks there holds the view; `tone`
//! sums up for each statement and for the document.

mod target;
mod tone;

use std::ops::Range;
use std::sync::Arc;

use copydesk_encoder::heads::{Polarity, SentimentHead};
use copydesk_encoder::{Heads, ModelFolder, WordVectors};
use copydesk_plugin::{Diagnostics, Doc, Host, Out, Spans, Stage, StageError, Worker, stage};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::target::{Kind, Mention, Resolved, Target};
use crate::tone::Probabilities;

/// Options of the stage.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// Toward what sentiment is read.
    targets: Vec<Target>,
    /// A tone whose score (positive minus negative mentions, over all) leans no further than this is neutral, 0 to 1.
    neutral_band: f32,
    /// Folder of the model; by default the one that `encode` runs.
    model: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            targets: Target::defaults(),
            neutral_band: 0.1,
            model: None,
        }
    }
}

struct Sentiment {
    targets: Vec<Target>,
    band: f32,
    folder: ModelFolder,
    head: Option<Arc<SentimentHead>>,
}

#[stage(
    id = "copydesk/sentiment",
    summary = "How the text and its speakers speak of configured targets",
    requires = [
        "layer:tokens", "layer:sentences?", "layer:entities?", "layer:mentions?", "layer:quotes?", "layer:speakers?",
        "layer:statements?"
    ],
    provides = ["layer:sentiment", "layer:attitudes", "meta:tone"],
)]
impl Stage for Sentiment {
    type Config = Config;
    type Worker = SentimentWorker;

    fn create(config: Config, host: &Host<'_>) -> Result<Self, Diagnostics> {
        let mut wrong = Diagnostics::new();
        if config.targets.is_empty() {
            wrong
                .error("/targets", "with no target the stage finds nothing")
                .hint("leave the option out to get NATO and Russia");
        }
        for (i, target) in config.targets.iter().enumerate() {
            if target.name.trim().is_empty() {
                wrong.error(format!("/targets/{i}/name"), "a target needs a name");
            }
            if config.targets[..i]
                .iter()
                .any(|other| other.name == target.name)
            {
                wrong.error(
                    format!("/targets/{i}/name"),
                    format!("`{}` is there twice", target.name),
                );
            }
        }
        if !(0.0..=1.0).contains(&config.neutral_band) {
            wrong.error(
                "/neutral_band",
                format!("{} is not between 0 and 1", config.neutral_band),
            );
        }
        let folder = match model_folder(config.model.as_deref(), host) {
            Ok(folder) => folder,
            Err(message) => {
                wrong.error(if config.model.is_some() { "/model" } else { "" }, message);
                return Err(wrong);
            }
        };
        if folder.card.sentiment.is_none() {
            wrong.error(
                "",
                format!("the model {} has no sentiment head", folder.path.display()),
            );
        }
        wrong.into_result()?;
        Ok(Self {
            targets: config.targets,
            band: config.neutral_band,
            folder,
            head: None,
        })
    }

    fn load(&mut self, _: &Host<'_>) -> Result<(), StageError> {
        let head = Heads::open(&self.folder.path)
            .and_then(|heads| heads.sentiment())
            .map_err(|error| StageError::failed("model", error))?;
        self.head = Some(Arc::new(head));
        Ok(())
    }

    fn worker(&self, _: u32, _: &Host<'_>) -> Result<SentimentWorker, StageError> {
        let head = self
            .head
            .clone()
            .ok_or_else(|| StageError::failed("not-loaded", "a worker before `load`"))?;
        Ok(SentimentWorker {
            head,
            dim: self.folder.config.hidden_size,
            targets: self.targets.clone(),
            band: self.band,
        })
    }
}

copydesk_plugin::export!(Sentiment);

/// The folder of the head's weights, which must be of the model that made the vectors.
fn model_folder(model: Option<&str>, host: &Host<'_>) -> Result<ModelFolder, String> {
    let own = model.map(|model| host.resource(model)).transpose();
    let space = host.lookup("layer:tokens", "space");
    let encoder = host.lookup("layer:tokens", "model");
    let own = own.map_err(|error| error.message().to_owned())?;
    ModelFolder::of_head(own, space.as_deref(), encoder.as_deref())
        .map_err(|error| error.to_string())
}

struct SentimentWorker {
    head: Arc<SentimentHead>,
    dim: usize,
    targets: Vec<Target>,
    band: f32,
}

/// Somebody's statement, as far as it reaches.
struct Statement {
    row: u32,
    range: Range<usize>,
    /// The words in marks or in reported speech themselves.
    said: Range<usize>,
    holder: Option<String>,
}

impl Worker for SentimentWorker {
    fn document(&mut self, doc: Doc<'_>, out: &mut Out<'_>) -> Result<(), StageError> {
        let sentiment = out.layer("sentiment")?;
        let attitudes = out.layer("attitudes")?;
        let english = doc.language().is_none_or(|tag| tag.starts_with("en"));
        let statements = statements(&doc);
        let judged = match doc.layer("tokens").filter(|t| english && !t.is_empty()) {
            Some(tokens) => self.judged(&doc, tokens)?,
            None => Vec::new(),
        };

        let mut rows: Vec<Vec<(Polarity, bool)>> = vec![Vec::new(); self.targets.len()];
        for (mention, probabilities) in judged.iter().filter(|(m, _)| m.kind == Kind::Named) {
            let judgement = tone::judge(*probabilities);
            let label = out.label(sentiment, judgement.polarity.name())?;
            let row = out.span(
                &doc,
                sentiment,
                mention.range.clone(),
                Some(label),
                Some(judgement.score),
            )?;
            out.set(
                &doc,
                sentiment,
                row,
                "target",
                &self.targets[mention.target].name,
            )?;
            // The innermost statement: what Venn says that Toll said is Toll's view.
            let holder = statements
                .iter()
                .filter(|s| {
                    s.range.start <= mention.range.start && mention.range.end <= s.range.end
                })
                .min_by_key(|s| s.range.len());
            if let Some(statement) = holder {
                let quotes = out.layer("quotes")?;
                let link = out.link(quotes, statement.row);
                out.set(&doc, sentiment, row, "quote", link)?;
                if let Some(name) = &statement.holder {
                    out.set(&doc, sentiment, row, "holder", name)?;
                }
            }
            rows[mention.target].push((judgement.polarity, holder.is_some()));
        }

        for statement in &statements {
            for (index, target) in self.targets.iter().enumerate() {
                let inside = |range: &Range<usize>, adjectives: bool| -> Vec<Probabilities> {
                    judged
                        .iter()
                        .filter(|(m, _)| {
                            m.target == index
                                && range.start <= m.range.start
                                && m.range.end <= range.end
                                && adjectives == (m.kind == Kind::Adjective)
                        })
                        .map(|(_, p)| *p)
                        .collect()
                };
                // Quoted words that do not name the target belong to a statement that may; its people and
                // adjective say less.
                let views = [
                    inside(&statement.said, false),
                    inside(&statement.range, false),
                    inside(&statement.said, true),
                ];
                let Some(views) = views.into_iter().find(|v| !v.is_empty()) else {
                    continue;
                };
                let Some(attitude) = tone::attitude(&views) else {
                    continue;
                };
                let label = out.label(attitudes, attitude.polarity.name())?;
                let row = out.span(
                    &doc,
                    attitudes,
                    statement.said.clone(),
                    Some(label),
                    Some(attitude.score),
                )?;
                out.set(&doc, attitudes, row, "target", &target.name)?;
                let quotes = out.layer("quotes")?;
                let link = out.link(quotes, statement.row);
                out.set(&doc, attitudes, row, "quote", link)?;
            }
        }

        let mut tones = Map::new();
        for (target, rows) in self.targets.iter().zip(&rows) {
            let value: Value = serde_json::to_value(tone::tone(rows, self.band))
                .map_err(|error| StageError::failed("tone", error))?;
            tones.insert(target.name.clone(), value);
        }
        out.meta(&doc, "tone", &tones)
    }
}

impl SentimentWorker {
    /// Every mention of a target with the head's judgement.
    fn judged(
        &self,
        doc: &Doc<'_>,
        tokens: Spans<'_>,
    ) -> Result<Vec<(Mention, Probabilities)>, StageError> {
        let given = tokens.vectors("vector").ok_or_else(|| {
            StageError::batch(
                "no-vectors",
                "the spans of `tokens` have no attribute `vector`",
            )
        })?;
        if given.dim != self.dim {
            let message = format!(
                "the vectors of `tokens` have {} numbers, the model takes {}",
                given.dim, self.dim
            );
            return Err(StageError::batch("vectors", message));
        }
        let vectors = WordVectors::new(given.data, given.dim);
        let text = doc.text();
        let words = copydesk_language::word::words(text);
        let ranges = |layer: &str| -> Vec<Range<usize>> {
            doc.layer(layer)
                .map(|spans| spans.iter().map(|s| s.range()).collect())
                .unwrap_or_default()
        };
        let mentions = target::mentions(
            text,
            &words,
            &self.targets,
            &ranges("entities"),
            &resolved(doc),
        );
        let mut sentences = ranges("sentences");
        if sentences.is_empty() {
            sentences = copydesk_language::sentence::sentences(text);
        }
        let (starts, ends) = (tokens.starts(), tokens.ends());
        let tokens_of = |range: &Range<usize>| -> Range<usize> {
            ends.partition_point(|&end| end as usize <= range.start)
                ..starts.partition_point(|&start| (start as usize) < range.end)
        };
        let mut out = Vec::new();
        let mut read: Option<(Range<usize>, copydesk_encoder::heads::Scope<'_>)> = None;
        for mention in mentions {
            let target = tokens_of(&mention.range);
            let sentence = sentences
                .partition_point(|s| s.end <= mention.range.start)
                .min(sentences.len().saturating_sub(1));
            if target.is_empty() || sentences.is_empty() {
                continue;
            }
            // The sentence and the one before it: the context that the head was trained with.
            let from = sentences[sentence.saturating_sub(1)]
                .start
                .min(mention.range.start);
            let to = sentences[sentence].end.max(mention.range.end);
            let around = tokens_of(&(from..to));
            let around = around.start.min(target.start)..around.end.max(target.end);
            if read.as_ref().is_none_or(|(of, _)| *of != around) {
                read = Some((around.clone(), self.head.read(vectors, around)));
            }
            let Some((_, scope)) = &read else { continue };
            let judged = self.head.toward(scope, target, self.head.default_output());
            out.push((mention, judged.probabilities));
        }
        Ok(out)
    }
}

fn resolved(doc: &Doc<'_>) -> Vec<Resolved> {
    let Some(given) = doc.layer("mentions") else {
        return Vec::new();
    };
    given
        .iter()
        .map(|span| Resolved {
            range: span.range(),
            name: span
                .text_attr("name")
                .filter(|_| span.text_attr("type").is_some())
                .map(str::to_owned),
            pronoun: span.label() == Some("pronoun"),
        })
        .collect()
}

/// Everything that is said, with who says it.
fn statements(doc: &Doc<'_>) -> Vec<Statement> {
    let Some(quotes) = doc.layer("quotes") else {
        return Vec::new();
    };
    let speakers = doc.layer("speakers");
    let mut out: Vec<Statement> = quotes
        .iter()
        .map(|quote| Statement {
            row: quote.row,
            range: quote.range(),
            said: quote.range(),
            holder: quote
                .link_attr("speaker")
                .and_then(|link| speakers?.text_attr(link.row as usize, "name"))
                .map(str::to_owned),
        })
        .collect();
    for statement in doc.layer("statements").iter().flat_map(|s| s.iter()) {
        if let Some(of) = statement
            .link_attr("quote")
            .and_then(|link| out.get_mut(link.row as usize))
        {
            let reach = statement.range();
            of.range = of.range.start.min(reach.start)..of.range.end.max(reach.end);
        }
    }
    out
}

#[cfg(test)]
mod tests;
