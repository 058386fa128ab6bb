//! The `sentiment` stage: how a text speaks of configured targets, and whose view it is.
//!
//! `target` finds where a target is mentioned, the model's head judges each
//! mention in its sentence, and whoever speaks there holds the view. A whole
//! statement is judged once more, as its speaker's `attitude`, also toward
//! targets that it does not name; `tone` sums up for the document.

mod attitude;
mod given;
mod target;
mod tone;

use std::ops::Range;
use std::sync::Arc;

use copydesk_encoder::heads::{
    AttitudeHead, JudgedWords, Polarity, SentimentHead, SentimentOutput, Side,
};
use copydesk_encoder::{Heads, ModelFolder, WordVectors};
use copydesk_language::word::Word;
use copydesk_plugin::{Diagnostics, Doc, Host, Out, Spans, Stage, StageError, Worker, stage};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::attitude::Anchors;
use crate::given::Given;
use crate::target::{Kind, Mention, Resolved, Target};
use crate::tone::{Judgement, Probabilities};

/// Options of the stage.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// Toward what sentiment is read.
    targets: Vec<Target>,
    /// Which mentions are judged.
    mentions: Mentions,
    /// Which of the head's outputs judges mentions: one for each kind of data that the model was trained on, for
    /// example `stance` or `newsmtsc`. By default the one that the model names.
    output: Option<String>,
    /// A tone whose score (positive minus negative mentions, over all) leans no further than this is neutral, 0 to 1.
    neutral_band: f32,
    /// Folder of the model; by default the one that `encode` runs.
    model: Option<String>,
}

/// Which mentions are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Mentions {
    /// Those of the configured targets that the stage finds.
    Found,
    /// Those that the input names in its field `targets`: `[{"start": 0, "end": 4, "target": "NATO"}]`; offsets count
    /// characters of the article as it came, `target` may be left out.
    Given,
    /// Both; one that is found and overlaps a given one is left out.
    Both,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            targets: Target::defaults(),
            mentions: Mentions::Found,
            output: None,
            neutral_band: 0.1,
            model: None,
        }
    }
}

struct Sentiment {
    targets: Vec<Target>,
    mentions: Mentions,
    output: Option<String>,
    band: f32,
    folder: ModelFolder,
    head: Option<Arc<SentimentHead>>,
    /// `None` for a model trained without.
    attitudes: Option<Arc<AttitudeHead>>,
}

#[stage(
    id = "copydesk/sentiment",
    summary = "How the text and its speakers speak of configured targets",
    requires = [
        "layer:tokens", "layer:sentences?", "layer:entities?", "layer:mentions?", "layer:quotes?", "layer:speakers?",
        "layer:statements?", "meta:targets?"
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
        if let Some(output) = &config.output
            && let Err(error) =
                folder.labels(&format!("sentiment.{output}"), &SentimentHead::LABELS)
        {
            wrong.error("/output", error);
        }
        wrong.into_result()?;
        Ok(Self {
            targets: config.targets,
            mentions: config.mentions,
            output: config.output,
            band: config.neutral_band,
            folder,
            head: None,
            attitudes: None,
        })
    }

    fn load(&mut self, _: &Host<'_>) -> Result<(), StageError> {
        let (head, attitudes) = Heads::open(&self.folder.path)
            .and_then(|heads| Ok((heads.sentiment()?, heads.attitude()?)))
            .map_err(|error| StageError::failed("model", error))?;
        self.head = Some(Arc::new(head));
        self.attitudes = attitudes.map(Arc::new);
        Ok(())
    }

    fn worker(&self, _: u32, _: &Host<'_>) -> Result<SentimentWorker, StageError> {
        let head = self
            .head
            .clone()
            .ok_or_else(|| StageError::failed("not-loaded", "a worker before `load`"))?;
        let named = self.output.as_deref().and_then(|name| head.output(name));
        Ok(SentimentWorker {
            output: named.unwrap_or_else(|| head.default_output()),
            mentions: self.mentions,
            head,
            attitudes: self.attitudes.clone(),
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
    attitudes: Option<Arc<AttitudeHead>>,
    output: SentimentOutput,
    mentions: Mentions,
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
    /// The words that name the speaker.
    speaker: Option<Range<usize>>,
}

/// A document, ready for the head.
struct Reading<'a> {
    words: JudgedWords<'a>,
    /// The same words for the head of attitudes.
    attitude_words: Option<JudgedWords<'a>>,
    /// The text in words, and who is meant where: what tells whose side a speaker is on.
    text_words: Vec<Word>,
    resolved: Vec<Resolved>,
    starts: &'a [u32],
    ends: &'a [u32],
    sentences: Vec<Range<usize>>,
    mentions: Vec<Mention>,
    /// The head's judgement of each mention in its sentence; `None` where a mention has no word.
    judged: Vec<Option<Probabilities>>,
}

impl Reading<'_> {
    /// The words that share a byte with `range`.
    fn words_of(&self, range: &Range<usize>) -> Range<usize> {
        self.ends
            .partition_point(|&end| end as usize <= range.start)
            ..self
                .starts
                .partition_point(|&start| (start as usize) < range.end)
    }
}

impl Worker for SentimentWorker {
    fn document(&mut self, doc: Doc<'_>, out: &mut Out<'_>) -> Result<(), StageError> {
        let sentiment = out.layer("sentiment")?;
        let attitudes = out.layer("attitudes")?;
        let english = doc.language().is_none_or(|tag| tag.starts_with("en"));
        let statements = statements(&doc);
        let given = self.given(&doc, out)?;
        let names = self.names(&given);
        let mut reading = match doc.layer("tokens").filter(|t| english && !t.is_empty()) {
            Some(tokens) => Some(self.read(&doc, tokens, &given, &names)?),
            None => None,
        };

        let mut rows: Vec<Vec<(Polarity, bool)>> = vec![Vec::new(); names.len()];
        let mentions = reading
            .iter()
            .flat_map(|r| r.mentions.iter().zip(&r.judged))
            .filter(|(mention, _)| mention.kind == Kind::Named);
        for (mention, probabilities) in mentions {
            let Some(probabilities) = probabilities else {
                continue;
            };
            let judgement = tone::judge(*probabilities);
            let label = out.label(sentiment, judgement.polarity.name())?;
            let row = out.span(
                &doc,
                sentiment,
                mention.range.clone(),
                Some(label),
                Some(judgement.score),
            )?;
            out.set(&doc, sentiment, row, "target", names[mention.target])?;
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

        for (statement, (index, target)) in statements
            .iter()
            .flat_map(|s| names.iter().enumerate().map(move |t| (s, t)))
        {
            let attitude = reading
                .as_mut()
                .and_then(|reading| self.attitude(doc.text(), reading, statement, index));
            if let Some(attitude) = attitude {
                let label = out.label(attitudes, attitude.polarity.name())?;
                let row = out.span(
                    &doc,
                    attitudes,
                    statement.said.clone(),
                    Some(label),
                    Some(attitude.score),
                )?;
                out.set(&doc, attitudes, row, "target", *target)?;
                let quotes = out.layer("quotes")?;
                let link = out.link(quotes, statement.row);
                out.set(&doc, attitudes, row, "quote", link)?;
            }
        }

        let mut tones = Map::new();
        for (target, rows) in names.iter().zip(&rows) {
            let value: Value = serde_json::to_value(tone::tone(rows, self.band))
                .map_err(|error| StageError::failed("tone", error))?;
            tones.insert((*target).to_owned(), value);
        }
        out.meta(&doc, "tone", &tones)
    }
}

impl SentimentWorker {
    /// The mentions that the input names, if they are wanted.
    fn given(&self, doc: &Doc<'_>, out: &mut Out<'_>) -> Result<Vec<Given>, StageError> {
        if self.mentions == Mentions::Found {
            return Ok(Vec::new());
        }
        let meta = doc.meta()?;
        let value = meta.get("targets").unwrap_or(&Value::Null);
        let (given, unusable) = given::read(value, doc.raw(), doc.text());
        for one in unusable {
            out.warn(doc, None, one.code, &one.message)?;
        }
        Ok(given)
    }

    /// The names of all targets of a document: the configured ones, unless only given mentions
    /// are judged, then those that only the input names.
    fn names<'a>(&'a self, given: &'a [Given]) -> Vec<&'a str> {
        let mut names: Vec<&str> = match self.mentions {
            Mentions::Given => Vec::new(),
            Mentions::Found | Mentions::Both => {
                self.targets.iter().map(|t| t.name.as_str()).collect()
            }
        };
        for one in given {
            if !names.contains(&one.target.as_str()) {
                names.push(&one.target);
            }
        }
        names
    }

    /// The mentions to judge, in order of text.
    fn mentions(
        &self,
        doc: &Doc<'_>,
        given: &[Given],
        names: &[&str],
        words: &[Word],
        resolved: &[Resolved],
    ) -> Vec<Mention> {
        let mut mentions: Vec<Mention> = given
            .iter()
            .filter_map(|one| {
                Some(Mention {
                    range: one.range.clone(),
                    target: names.iter().position(|name| *name == one.target)?,
                    kind: Kind::Named,
                })
            })
            .collect();
        if self.mentions != Mentions::Given {
            let text = doc.text();
            let entities = ranges(doc, "entities");
            let found = target::mentions(text, words, &self.targets, &entities, resolved);
            let free = |mention: &Mention| {
                given.iter().all(|one| {
                    one.range.end <= mention.range.start || mention.range.end <= one.range.start
                })
            };
            mentions.extend(found.into_iter().filter(free));
        }
        mentions.sort_by_key(|m| (m.range.start, m.range.end));
        mentions
    }

    /// Finds every mention of a target and judges it in its sentence.
    fn read<'a>(
        &self,
        doc: &Doc<'a>,
        tokens: Spans<'a>,
        given: &[Given],
        names: &[&str],
    ) -> Result<Reading<'a>, StageError> {
        let column = tokens.vectors("vector").ok_or_else(|| {
            StageError::batch(
                "no-vectors",
                "the spans of `tokens` have no attribute `vector`",
            )
        })?;
        if column.dim != self.dim {
            let message = format!(
                "the vectors of `tokens` have {} numbers, the model takes {}",
                column.dim, self.dim
            );
            return Err(StageError::batch("vectors", message));
        }
        let text_words = copydesk_language::word::words(doc.text());
        let resolved = resolved(doc);
        let mentions = self.mentions(doc, given, names, &text_words, &resolved);
        let mut sentences = ranges(doc, "sentences");
        if sentences.is_empty() {
            sentences = copydesk_language::sentence::sentences(doc.text());
        }
        let vectors = WordVectors::new(column.data, column.dim);
        let mut reading = Reading {
            words: self.head.read(vectors),
            attitude_words: self.attitudes.as_ref().map(|head| head.read(vectors)),
            text_words,
            resolved,
            starts: tokens.starts(),
            ends: tokens.ends(),
            sentences,
            mentions,
            judged: Vec::new(),
        };
        reading.judged = self.judged(&mut reading);
        Ok(reading)
    }

    fn judged(&self, reading: &mut Reading<'_>) -> Vec<Option<Probabilities>> {
        let mut judged = Vec::with_capacity(reading.mentions.len());
        for mention in &reading.mentions {
            let target = reading.words_of(&mention.range);
            let sentences = &reading.sentences;
            let sentence = sentences
                .partition_point(|s| s.end <= mention.range.start)
                .min(sentences.len().saturating_sub(1));
            if target.is_empty() || sentences.is_empty() {
                judged.push(None);
                continue;
            }
            // The sentence and the one before it: the context that the head was trained with.
            let from = sentences[sentence.saturating_sub(1)]
                .start
                .min(mention.range.start);
            let to = sentences[sentence].end.max(mention.range.end);
            let around = reading.words_of(&(from..to));
            let around = around.start.min(target.start)..around.end.max(target.end);
            let sentiment = self
                .head
                .toward(&mut reading.words, around, target, self.output);
            judged.push(Some(sentiment.probabilities));
        }
        judged
    }

    /// What the speaker of a statement thinks of a target; `None` where the statement does not show it.
    fn attitude(
        &self,
        text: &str,
        reading: &mut Reading<'_>,
        statement: &Statement,
        target: usize,
    ) -> Option<Judgement> {
        let anchors = attitude::anchors(
            statement,
            target,
            &reading.mentions,
            &reading.sentences,
            text,
        )?;
        let (Some(head), Some(_)) = (&self.attitudes, &reading.attitude_words) else {
            // A model trained without attitudes: the mentions within the statement, as they were judged.
            let Anchors::Named(named) = anchors else {
                return None;
            };
            let views: Vec<Probabilities> = named
                .into_iter()
                .filter_map(|i| reading.judged[i])
                .collect();
            return tone::attitude(&views);
        };
        let said = reading.words_of(&statement.said);
        if said.is_empty() {
            return None;
        }
        let own = self.targets.get(target).is_some_and(|of| {
            let (mentions, words) = (&reading.mentions, &reading.text_words);
            attitude::is_own_side(statement, target, of, mentions, words, &reading.resolved)
        });
        let side = if own { Side::Own } else { Side::Other };
        let (through, is_named) = match anchors {
            Anchors::Named(named) => (named, true),
            Anchors::Near(near) => (vec![near], false),
        };
        let through: Vec<Range<usize>> = through
            .into_iter()
            .map(|i| reading.words_of(&reading.mentions[i].range))
            .filter(|words| !words.is_empty())
            .collect();
        let words = reading.attitude_words.as_mut()?;
        let views: Vec<[f32; 4]> = through
            .into_iter()
            .map(|target| head.toward(words, said.clone(), target, side).probabilities)
            .collect();
        // Nobody accuses himself: of 210 statements of news in which a target's own side spoke, readers found none
        // negative toward it. What sounds so is its complaint about others.
        let judgement = tone::shown(&views).filter(|j| !own || j.polarity != Polarity::Negative)?;
        // Of a target that is not named, "neutral" says nothing, and a guess little.
        let is_sure = judgement.polarity != Polarity::Neutral && judgement.score >= 0.5;
        (is_named || is_sure).then_some(judgement)
    }
}

fn ranges(doc: &Doc<'_>, layer: &str) -> Vec<Range<usize>> {
    doc.layer(layer)
        .map(|spans| spans.iter().map(|s| s.range()).collect())
        .unwrap_or_default()
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
            person: span.text_attr("type") == Some("PER"),
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
            speaker: quote
                .link_attr("speaker")
                .and_then(|link| Some(speakers?.get(link.row as usize).range())),
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
