//! The stage `rust-bert/ner`: names by a model for token classification.
//!
//! A model may carry a conditional random field over its tags, by the names that the package pytorch-crf gives its
//! tensors; its best sequence of tags then counts, in place of the best tag of each word.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use copydesk_encoder::heads::{Linear, Tagger};
use copydesk_language::sentence::sentences;
use copydesk_language::tagged::{self, Tagged};
use copydesk_plugin::{
    Diagnostics, Doc, Docs, Host, LabelId, Out, SpanOut, Stage, StageError, Worker, stage,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::folder::Task;
use crate::model::{Input, Model, ModelWorker, softmax};
use crate::options::{Checked, meanings, with_model_options};

with_model_options! {
    /// Options of the stage.
    struct Config {
        /// What the model's labels mean, without `B-` and `I-`: `{ "GPE" = "LOC", "NORP" = "" }`; one of PER, ORG,
        /// LOC, MISC, or "" to leave it out. Known by themselves: these four, PERSON, ORGANIZATION, LOCATION, GPE.
        labels: BTreeMap<String, String> = BTreeMap::new(),
        /// Which of a word's pieces say what it is.
        aggregate: Aggregate = Aggregate::default(),
        /// Pieces that a window repeats from the one before, at most.
        context: usize = 64,
        /// Lowest score of a name, 0 to 1.
        min_score: f32 = 0.0,
        /// Gives a name the same label wherever it stands in a document.
        consistent: bool = true,
    }
}

/// Which of a word's pieces say what it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Aggregate {
    /// The first, as models are mostly trained.
    #[default]
    First,
    /// All, by the mean of their scores.
    Mean,
}

const LABELS: [&str; 4] = ["PER", "ORG", "LOC", "MISC"];

/// A tag, of whatever scheme: IOB1, IOB2, BIOES, BILOU.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tag {
    Outside,
    /// Begins a name.
    Begin(&'static str),
    /// Goes on with a name of its kind, or begins one where none is open.
    Inside(&'static str),
}

pub(crate) struct Ner {
    checked: Checked,
    tags: Vec<Tag>,
    aggregate: Aggregate,
    context: usize,
    min_score: f32,
    consistent: bool,
    model: Option<Model>,
    field: Option<Field>,
}

#[stage(
    id = "rust-bert/ner",
    summary = "Names of persons, organisations, places and other things, by a model of the hub",
    requires = ["layer:sentences?"],
    provides = ["layer:entities"],
)]
impl Stage for Ner {
    type Config = Config;
    type Worker = NerWorker;

    fn create(config: Config, host: &Host<'_>) -> Result<Self, Diagnostics> {
        let mut wrong = Diagnostics::new();
        if !(0.0..=1.0).contains(&config.min_score) {
            wrong.error(
                "/min_score",
                format!("{} is not between 0 and 1", config.min_score),
            );
        }
        let checked = config.model_options().check(Task::Tokens, host, &mut wrong);
        let tags = checked
            .as_ref()
            .map(|checked| tags(checked, &config.labels, &mut wrong));
        wrong.clone().into_result()?;
        let (Some(checked), Some(tags)) = (checked, tags) else {
            return Err(wrong);
        };
        Ok(Self {
            checked,
            tags,
            aggregate: config.aggregate,
            context: config.context,
            min_score: config.min_score,
            consistent: config.consistent,
            model: None,
            field: None,
        })
    }

    fn load(&mut self, _: &Host<'_>) -> Result<(), StageError> {
        let model = Model::load(&self.checked)?;
        self.field = Field::of(&model, &self.checked.folder.labels, &self.tags)?;
        self.model = Some(model);
        Ok(())
    }

    fn worker(&self, _: u32, _: &Host<'_>) -> Result<NerWorker, StageError> {
        let model = self
            .model
            .as_ref()
            .ok_or_else(|| StageError::failed("not-loaded", "a worker before `load`"))?;
        Ok(NerWorker {
            model: model.worker()?,
            tags: self.tags.clone(),
            aggregate: self.aggregate,
            context: self.context,
            min_score: self.min_score,
            consistent: self.consistent,
            field: self.field.clone(),
        })
    }
}

/// What each of the model's labels says of a word.
fn tags(checked: &Checked, map: &BTreeMap<String, String>, wrong: &mut Diagnostics) -> Vec<Tag> {
    let split: Vec<(&str, &str)> = checked
        .folder
        .labels
        .iter()
        .map(|label| position(label))
        .collect();
    let mut kinds: Vec<String> = Vec::new();
    for (position, kind) in &split {
        if *position != "O" && !kinds.iter().any(|known| known == kind) {
            kinds.push((*kind).to_owned());
        }
    }
    let guess = |kind: &str| {
        Some(match kind.to_ascii_uppercase().as_str() {
            "PER" | "PERSON" => "PER",
            "ORG" | "ORGANIZATION" | "ORGANISATION" => "ORG",
            "LOC" | "LOCATION" | "GPE" => "LOC",
            "MISC" => "MISC",
            _ => return None,
        })
    };
    let meanings = meanings(&checked.folder, &kinds, map, &LABELS, guess, wrong);
    let meaning = |kind: &str| {
        let at = kinds.iter().position(|known| known == kind);
        at.and_then(|at| meanings.get(at).copied().flatten())
    };
    split
        .into_iter()
        .map(|(position, kind)| match (position, meaning(kind)) {
            ("O", _) | (_, None) => Tag::Outside,
            // `S` and `U` are whole names; what follows them begins another one by its own `B` or `S`.
            ("B" | "S" | "U", Some(kind)) => Tag::Begin(kind),
            (_, Some(kind)) => Tag::Inside(kind),
        })
        .collect()
}

/// The position that a label gives a word in a name, and the kind of name. A label without a position goes on with
/// whatever stands before it.
fn position(label: &str) -> (&str, &str) {
    if label == "O" {
        return ("O", "");
    }
    match label.split_once(['-', '_']) {
        Some((position @ ("B" | "I" | "E" | "S" | "L" | "U" | "M"), kind)) => (position, kind),
        _ => ("I", label),
    }
}

pub(crate) struct NerWorker {
    model: ModelWorker,
    tags: Vec<Tag>,
    aggregate: Aggregate,
    context: usize,
    min_score: f32,
    consistent: bool,
    field: Option<Field>,
}

impl Worker for NerWorker {
    fn process(&mut self, docs: Docs<'_>, out: &mut Out<'_>) -> Result<(), StageError> {
        for doc in docs {
            out.blame(Some(&doc));
            self.read(&doc, out, || docs.check_time())?;
        }
        out.blame(None);
        Ok(())
    }

    fn document(&mut self, doc: Doc<'_>, out: &mut Out<'_>) -> Result<(), StageError> {
        self.read(&doc, out, || Ok(()))
    }
}

impl NerWorker {
    fn read(
        &self,
        doc: &Doc<'_>,
        out: &mut Out<'_>,
        go_on: impl FnMut() -> Result<(), StageError>,
    ) -> Result<(), StageError> {
        let layer = out.layer("entities")?;
        let text = doc.text();
        let sentences = sentences_of(doc);
        let pieces = &self.model.checked().pieces;
        let words = pieces.words(text)?;
        out.count("pieces", pieces.count(&words) as u64);

        let windows = pieces.windows(
            &words,
            &sentences,
            self.model.checked().window,
            self.context,
        );
        let inputs: Vec<Input> = windows
            .iter()
            .map(|window| pieces.input(&words, &window.words))
            .collect();
        let scores = self.model.scores(&inputs, go_on)?;
        let mut rows: Vec<f32> = Vec::with_capacity(words.len() * self.tags.len());
        for (window, scores) in windows.iter().zip(&scores) {
            for word in window.own.clone() {
                let place = pieces.place(&words, &window.words, word);
                match self.aggregate {
                    Aggregate::First => rows.extend_from_slice(scores.row(place.start)),
                    Aggregate::Mean => rows.extend(mean(place.map(|row| scores.row(row)))),
                }
            }
        }
        let tagged = match &self.field {
            Some(field) => field.names(rows),
            None => self.names(&rows),
        };

        let lines: Vec<usize> = sentences
            .iter()
            .map(|sentence| sentence.start)
            .filter(|&start| text[..start].trim_end_matches([' ', '\t']).ends_with('\n'))
            .collect();
        let mut found = tagged::names(text, &words.starts, &words.ends, &lines, tagged);
        if self.consistent {
            tagged::agree(text, &mut found);
        }
        let labels: Vec<LabelId> = LABELS
            .iter()
            .map(|label| out.label(layer, label))
            .collect::<Result<_, _>>()?;
        let spans = found
            .into_iter()
            .filter(|name| name.score >= self.min_score)
            .map(|name| SpanOut {
                range: name.bytes,
                label: LABELS
                    .iter()
                    .position(|label| *label == name.label)
                    .map(|at| labels[at]),
                score: Some(name.score),
            });
        out.spans(doc, layer, spans)?;
        Ok(())
    }

    /// Joins words to names by the likeliest tag of each; `rows` are the scores of the tags, `[words, tags]`.
    fn names(&self, rows: &[f32]) -> Vec<Tagged<'static>> {
        let mut names: Vec<Tagged<'static>> = Vec::new();
        let mut open = false;
        for (word, row) in rows.chunks_exact(self.tags.len()).enumerate() {
            let shares = softmax(row);
            let best = (0..shares.len()).fold(0, |best, tag| {
                if shares[tag] > shares[best] {
                    tag
                } else {
                    best
                }
            });
            let (tag, score) = (self.tags[best], shares[best]);
            match (tag, names.last_mut()) {
                (Tag::Inside(kind), Some(name)) if open && name.label == kind => {
                    name.words.end = word + 1;
                    name.score += score;
                }
                (Tag::Begin(label) | Tag::Inside(label), _) => names.push(Tagged {
                    words: word..word + 1,
                    label,
                    score,
                }),
                (Tag::Outside, _) => {}
            }
            open = tag != Tag::Outside;
        }
        for name in &mut names {
            name.score = (name.score / name.words.len() as f32).clamp(0.0, 1.0);
        }
        names
    }
}

/// A conditional random field over tags.
#[derive(Clone)]
struct Field {
    tagger: Arc<Tagger>,
    /// Scores of ending with each tag.
    end: Vec<f32>,
    /// What the kinds of the tagger mean.
    meanings: Vec<Option<&'static str>>,
}

impl Field {
    /// The field that the model carries, if it does.
    fn of(model: &Model, labels: &[String], tags: &[Tag]) -> Result<Option<Self>, StageError> {
        let n = labels.len() as i64;
        let Some(transitions) = model.values("crf.transitions", &[n, n])? else {
            return Ok(None);
        };
        let start = model.values("crf.start_transitions", &[n])?;
        let end = model.values("crf.end_transitions", &[n])?;
        let zeros = || vec![0.0; labels.len()];
        // The scores come from the network: the tagger's own layer hands them through.
        let same = (0..labels.len() * labels.len())
            .map(|i| f32::from(u8::from(i % (labels.len() + 1) == 0)));
        let same = Linear::new(same.collect(), zeros());
        let tagger = Tagger::new(same, transitions, start.unwrap_or_else(zeros), labels);
        let meaning = |kind: &String| {
            let at = labels.iter().position(|label| position(label).1 == kind)?;
            match tags[at] {
                Tag::Begin(meaning) | Tag::Inside(meaning) => Some(meaning),
                Tag::Outside => None,
            }
        };
        Ok(Some(Self {
            meanings: tagger.kinds().iter().map(meaning).collect(),
            end: end.unwrap_or_else(zeros),
            tagger: Arc::new(tagger),
        }))
    }

    /// The names of the best sequence of tags; `rows` are the scores of the tags, `[words, tags]`.
    fn names(&self, mut rows: Vec<f32>) -> Vec<Tagged<'static>> {
        if let Some(last) = rows.rchunks_exact_mut(self.end.len()).next() {
            last.iter_mut()
                .zip(&self.end)
                .for_each(|(score, end)| *score += end);
        }
        let spans = self.tagger.spans(&rows).into_iter();
        let named = spans.filter_map(|span| {
            Some(Tagged {
                words: span.words,
                label: self.meanings[span.kind]?,
                score: span.score,
            })
        });
        named.collect()
    }
}

/// The mean of some rows.
fn mean<'a>(rows: impl ExactSizeIterator<Item = &'a [f32]>) -> Vec<f32> {
    let count = rows.len().max(1) as f32;
    let mut mean: Vec<f32> = Vec::new();
    for row in rows {
        mean.resize(row.len(), 0.0);
        mean.iter_mut()
            .zip(row)
            .for_each(|(sum, x)| *sum += x / count);
    }
    mean
}

/// The sentences of a document: those of an earlier stage, or ours.
pub(crate) fn sentences_of(doc: &Doc<'_>) -> Vec<Range<usize>> {
    match doc.layer("sentences") {
        Some(layer) => layer.iter().map(|sentence| sentence.range()).collect(),
        None => sentences(doc.text()),
    }
}

#[cfg(test)]
mod tests;
