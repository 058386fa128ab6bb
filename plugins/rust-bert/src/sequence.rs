//! The stages `rust-bert/sentiment` and `rust-bert/classify`: labels for whole documents or for each sentence.

use std::collections::BTreeMap;
use std::ops::Range;

use copydesk_plugin::{
    Diagnostics, Doc, Docs, Host, LabelId, Out, Stage, StageError, Worker, stage,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::folder::Task;
use crate::model::{Input, Model, ModelWorker};
use crate::ner::sentences_of;
use crate::options::{Checked, meanings, unused, with_model_options};

/// What gets a label.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Unit {
    /// The whole document. One longer than a window is read in several, which count by their length.
    #[default]
    Document,
    /// Each sentence.
    Sentence,
}

with_model_options! {
    /// Options of the stage.
    struct SentimentConfig {
        /// What the model's labels mean: `{ "1 star" = "negative" }`; one of negative, neutral, positive, or "" to
        /// leave it out. Several labels may mean the same. These three are known by themselves, also as neg, neu, pos.
        labels: BTreeMap<String, String> = BTreeMap::new(),
        /// What gets a label.
        unit: Unit = Unit::default(),
        /// Writes the probability of each label as an attribute.
        scores: bool = false,
    }
}

with_model_options! {
    /// Options of the stage.
    struct ClassifyConfig {
        /// Other names for the model's labels: `{ "LABEL_0" = "politics" }`, or "" to leave one out.
        labels: BTreeMap<String, String> = BTreeMap::new(),
        /// What gets a label.
        unit: Unit = Unit::default(),
        /// Writes the probability of each label as an attribute.
        scores: bool = false,
        /// From which probability on a label holds, 0 to 1, for a model whose labels do not exclude each other.
        threshold: f32 = 0.5,
    }
}

const POLARITIES: [&str; 3] = ["negative", "neutral", "positive"];

/// What both stages are made of.
struct Sequence {
    checked: Checked,
    reading: Reading,
    model: Option<Model>,
}

/// How a network's output becomes labels.
#[derive(Clone)]
struct Reading {
    layer: &'static str,
    unit: Unit,
    /// The labels that are written.
    names: Vec<String>,
    /// Which of them each output of the network counts to.
    counts: Vec<Option<usize>>,
    scores: bool,
    /// Where several labels may hold: from which probability on.
    threshold: Option<f32>,
}

impl Sequence {
    fn load(&mut self) -> Result<(), StageError> {
        self.model = Some(Model::load(&self.checked)?);
        Ok(())
    }

    fn worker(&self) -> Result<SequenceWorker, StageError> {
        let model = self
            .model
            .as_ref()
            .ok_or_else(|| StageError::failed("not-loaded", "a worker before `load`"))?;
        Ok(SequenceWorker {
            model: model.worker()?,
            reading: self.reading.clone(),
        })
    }
}

/// The distinct names among `meanings`, and which of them each output counts to.
fn outputs(meanings: Vec<Option<String>>) -> (Vec<String>, Vec<Option<usize>>) {
    let mut names: Vec<String> = Vec::new();
    let counts = meanings
        .into_iter()
        .map(|meaning| {
            let meaning = meaning?;
            Some(
                names
                    .iter()
                    .position(|name| *name == meaning)
                    .unwrap_or_else(|| {
                        names.push(meaning);
                        names.len() - 1
                    }),
            )
        })
        .collect();
    (names, counts)
}

pub(crate) struct Sentiment(Sequence);

#[stage(
    id = "rust-bert/sentiment",
    summary = "Sentiment of documents or sentences, by a model of the hub",
    requires = ["layer:sentences?"],
    provides = ["layer:polarity"],
)]
impl Stage for Sentiment {
    type Config = SentimentConfig;
    type Worker = SequenceWorker;

    fn create(config: SentimentConfig, host: &Host<'_>) -> Result<Self, Diagnostics> {
        let mut wrong = Diagnostics::new();
        let checked = config
            .model_options()
            .check(Task::Sequence, host, &mut wrong);
        let Some(checked) = checked else {
            return Err(wrong);
        };
        let guess = |label: &str| {
            Some(match label.to_ascii_lowercase().as_str() {
                "negative" | "neg" => "negative",
                "neutral" | "neu" => "neutral",
                "positive" | "pos" => "positive",
                _ => return None,
            })
        };
        let folder = &checked.folder;
        let found = meanings(
            folder,
            &folder.labels,
            &config.labels,
            &POLARITIES,
            guess,
            &mut wrong,
        );
        wrong.into_result()?;
        let (names, counts) = outputs(
            found
                .into_iter()
                .map(|name| name.map(str::to_owned))
                .collect(),
        );
        Ok(Self(Sequence {
            reading: Reading {
                layer: "polarity",
                unit: config.unit,
                names,
                counts,
                scores: config.scores,
                threshold: None,
            },
            checked,
            model: None,
        }))
    }

    fn load(&mut self, _: &Host<'_>) -> Result<(), StageError> {
        self.0.load()
    }

    fn worker(&self, _: u32, _: &Host<'_>) -> Result<SequenceWorker, StageError> {
        self.0.worker()
    }
}

pub(crate) struct Classify(Sequence);

#[stage(
    id = "rust-bert/classify",
    summary = "Classes of documents or sentences, by a model of the hub",
    requires = ["layer:sentences?"],
    provides = ["layer:classes"],
)]
impl Stage for Classify {
    type Config = ClassifyConfig;
    type Worker = SequenceWorker;

    fn create(config: ClassifyConfig, host: &Host<'_>) -> Result<Self, Diagnostics> {
        let mut wrong = Diagnostics::new();
        if !(0.0..=1.0).contains(&config.threshold) {
            wrong.error(
                "/threshold",
                format!("{} is not between 0 and 1", config.threshold),
            );
        }
        let checked = config
            .model_options()
            .check(Task::Sequence, host, &mut wrong);
        let Some(checked) = checked else {
            return Err(wrong);
        };
        let labels = &checked.folder.labels;
        unused(labels, &config.labels, &mut wrong);
        wrong.into_result()?;
        let name = |label: &String| match config.labels.get(label).map(String::as_str) {
            Some("") => None,
            Some(other) => Some(other.to_owned()),
            None => Some(label.clone()),
        };
        let (names, counts) = outputs(labels.iter().map(name).collect());
        Ok(Self(Sequence {
            reading: Reading {
                layer: "classes",
                unit: config.unit,
                names,
                counts,
                scores: config.scores,
                threshold: checked.folder.many_labels().then_some(config.threshold),
            },
            checked,
            model: None,
        }))
    }

    fn load(&mut self, _: &Host<'_>) -> Result<(), StageError> {
        self.0.load()
    }

    fn worker(&self, _: u32, _: &Host<'_>) -> Result<SequenceWorker, StageError> {
        self.0.worker()
    }
}

pub(crate) struct SequenceWorker {
    model: ModelWorker,
    reading: Reading,
}

impl Worker for SequenceWorker {
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

impl SequenceWorker {
    fn read(
        &self,
        doc: &Doc<'_>,
        out: &mut Out<'_>,
        go_on: impl FnMut() -> Result<(), StageError>,
    ) -> Result<(), StageError> {
        let layer = out.layer(self.reading.layer)?;
        let text = doc.text();
        let sentences = sentences_of(doc);
        let units: Vec<Range<usize>> = match self.reading.unit {
            Unit::Document => trimmed(text, 0..text.len()).into_iter().collect(),
            Unit::Sentence => sentences
                .iter()
                .filter_map(|range| trimmed(text, range.clone()))
                .collect(),
        };
        let pieces = &self.model.checked().pieces;
        let mut inputs: Vec<Input> = Vec::new();
        // For each input its unit and the pieces of it that no other input of the unit has.
        let mut parts: Vec<(usize, usize)> = Vec::new();
        for (index, unit) in units.iter().enumerate() {
            let words = pieces.words(&text[unit.clone()])?;
            out.count("pieces", pieces.count(&words) as u64);
            let inner: Vec<Range<usize>> = sentences
                .iter()
                .filter(|sentence| unit.start <= sentence.start && sentence.end <= unit.end)
                .map(|sentence| sentence.start - unit.start..sentence.end - unit.start)
                .collect();
            for window in pieces.windows(&words, &inner, self.model.checked().window, 0) {
                let input = pieces.input(&words, &window.words);
                parts.push((index, input.ids.len() - pieces.overhead()));
                inputs.push(input);
            }
        }
        let scores = self.model.scores(&inputs, go_on)?;

        let mut sums = vec![vec![0.0_f32; self.reading.names.len()]; units.len()];
        let mut lengths = vec![0.0_f32; units.len()];
        for (&(unit, length), scores) in parts.iter().zip(&scores) {
            let probabilities = match self.reading.threshold {
                Some(_) => scores.independent(0),
                None => scores.probabilities(0),
            };
            for (probability, counts) in probabilities.iter().zip(&self.reading.counts) {
                if let Some(name) = *counts {
                    sums[unit][name] += probability * length as f32;
                }
            }
            lengths[unit] += length as f32;
        }
        let labels: Vec<LabelId> = self
            .reading
            .names
            .iter()
            .map(|name| out.label(layer, name))
            .collect::<Result<_, _>>()?;
        for ((unit, sums), length) in units.iter().zip(&sums).zip(&lengths) {
            if *length == 0.0 {
                continue;
            }
            let shares: Vec<f32> = sums
                .iter()
                .map(|sum| (sum / length).clamp(0.0, 1.0))
                .collect();
            for name in self.reading.holding(&shares) {
                let row = out.span(
                    doc,
                    layer,
                    unit.clone(),
                    Some(labels[name]),
                    Some(shares[name]),
                )?;
                if self.reading.scores {
                    for (name, share) in self.reading.names.iter().zip(&shares) {
                        out.set(doc, layer, row, name, f64::from(*share))?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl Reading {
    /// Which labels hold: the likeliest, or all above the threshold.
    fn holding(&self, shares: &[f32]) -> Vec<usize> {
        match self.threshold {
            Some(threshold) => (0..shares.len())
                .filter(|&name| shares[name] >= threshold)
                .collect(),
            None => (0..shares.len())
                .reduce(|best, name| {
                    if shares[name] > shares[best] {
                        name
                    } else {
                        best
                    }
                })
                .into_iter()
                .collect(),
        }
    }
}

/// `range` without blanks at its ends; `None` if nothing is left.
fn trimmed(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let piece = &text[range.clone()];
    let start = range.start + piece.len() - piece.trim_start().len();
    let end = start + piece.trim().len();
    (start < end).then_some(start..end)
}

#[cfg(test)]
mod tests;
