//! The stage `rust-bert/zero-shot`: sentiment toward targets by a model for textual entailment, which was never
//! trained for sentiment (Yin, Hay and Roth, EMNLP 2019).

use std::ops::Range;

use copydesk_plugin::{
    Diagnostics, Doc, Docs, Host, LabelId, Out, Stage, StageError, Worker, stage,
};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::folder::Task;
use crate::model::{Input, Model, ModelWorker, softmax};
use crate::ner::sentences_of;
use crate::options::{Checked, with_model_options};

/// Toward what sentiment is read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Target {
    /// Its name, as it stands in texts and in the output.
    name: String,
    /// Other names in texts.
    #[serde(default)]
    aliases: Vec<String>,
}

/// What a sentence has to entail for each label; `{target}` stands for the target's name.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Hypotheses {
    /// What a negative sentence entails.
    negative: String,
    /// What a neutral one entails.
    neutral: String,
    /// What a positive one entails.
    positive: String,
}

impl Default for Hypotheses {
    fn default() -> Self {
        let hypothesis = |word: &str| format!("The sentiment toward {{target}} is {word}.");
        Self {
            negative: hypothesis("negative"),
            neutral: hypothesis("neutral"),
            positive: hypothesis("positive"),
        }
    }
}

with_model_options! {
    /// Options of the stage.
    struct Config {
        /// Toward what sentiment is read; a sentence is read for the targets that it names.
        targets: Vec<Target> = vec![
            Target { name: "NATO".to_owned(), aliases: vec!["the alliance".to_owned()] },
            Target { name: "Russia".to_owned(), aliases: vec!["Moscow".to_owned(), "the Kremlin".to_owned()] },
        ],
        /// What a sentence has to entail for each label.
        hypotheses: Hypotheses = Hypotheses::default(),
        /// The model's label for "follows from it".
        entailment: String = "entailment".to_owned(),
        /// Lowest score of a judgement, 0 to 1.
        min_score: f32 = 0.0,
    }
}

const POLARITIES: [&str; 3] = ["negative", "neutral", "positive"];

/// The fewest pieces of a sentence that must have room beside a hypothesis.
const LEAST_ROOM: usize = 32;

pub(crate) struct ZeroShot {
    checked: Checked,
    targets: Vec<Target>,
    hypotheses: Vec<[String; 3]>,
    entailment: usize,
    min_score: f32,
    model: Option<Model>,
}

#[stage(
    id = "rust-bert/zero-shot",
    summary = "Sentiment of sentences toward configured targets, by a model for entailment",
    requires = ["layer:sentences?"],
    provides = ["layer:sentiment"],
)]
impl Stage for ZeroShot {
    type Config = Config;
    type Worker = ZeroShotWorker;

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
        if !(0.0..=1.0).contains(&config.min_score) {
            wrong.error(
                "/min_score",
                format!("{} is not between 0 and 1", config.min_score),
            );
        }
        let texts = [
            &config.hypotheses.negative,
            &config.hypotheses.neutral,
            &config.hypotheses.positive,
        ];
        for (text, name) in texts.iter().zip(POLARITIES) {
            if !text.contains("{target}") {
                wrong
                    .error(
                        format!("/hypotheses/{name}"),
                        "it says nothing of the target",
                    )
                    .hint("{target} stands for its name");
            }
        }
        let checked = config
            .model_options()
            .check(Task::Sequence, host, &mut wrong);
        let Some(checked) = checked else {
            return Err(wrong);
        };
        let labels = &checked.folder.labels;
        let entailment = labels
            .iter()
            .position(|label| label.eq_ignore_ascii_case(&config.entailment));
        if entailment.is_none() {
            wrong
                .error(
                    "/model",
                    format!(
                        "{} has no label `{}`, but {}; the stage needs a model for entailment",
                        checked.folder.path.display(),
                        config.entailment,
                        labels.join(", ")
                    ),
                )
                .hint("if one of them means it, name it in `entailment`");
        }
        let hypotheses: Vec<[String; 3]> = config
            .targets
            .iter()
            .map(|target| texts.map(|text| text.replace("{target}", &target.name)))
            .collect();
        for (i, hypothesis) in hypotheses
            .iter()
            .enumerate()
            .flat_map(|(i, three)| three.iter().map(move |h| (i, h)))
        {
            let words = checked.pieces.words(hypothesis)?;
            let taken = checked.pieces.pair_overhead() + checked.pieces.count(&words);
            if taken + LEAST_ROOM > checked.window {
                wrong.error(
                    format!("/targets/{i}/name"),
                    format!(
                        "a hypothesis with this name leaves no room for sentences in {} pieces",
                        checked.window
                    ),
                );
                break;
            }
        }
        wrong.clone().into_result()?;
        let Some(entailment) = entailment else {
            return Err(wrong);
        };
        Ok(Self {
            checked,
            targets: config.targets,
            hypotheses,
            entailment,
            min_score: config.min_score,
            model: None,
        })
    }

    fn load(&mut self, _: &Host<'_>) -> Result<(), StageError> {
        self.model = Some(Model::load(&self.checked)?);
        Ok(())
    }

    fn worker(&self, _: u32, _: &Host<'_>) -> Result<ZeroShotWorker, StageError> {
        let model = self
            .model
            .as_ref()
            .ok_or_else(|| StageError::failed("not-loaded", "a worker before `load`"))?;
        Ok(ZeroShotWorker {
            model: model.worker()?,
            targets: self.targets.clone(),
            hypotheses: self.hypotheses.clone(),
            entailment: self.entailment,
            min_score: self.min_score,
        })
    }
}

pub(crate) struct ZeroShotWorker {
    model: ModelWorker,
    targets: Vec<Target>,
    hypotheses: Vec<[String; 3]>,
    entailment: usize,
    min_score: f32,
}

impl Worker for ZeroShotWorker {
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

impl ZeroShotWorker {
    fn read(
        &self,
        doc: &Doc<'_>,
        out: &mut Out<'_>,
        go_on: impl FnMut() -> Result<(), StageError>,
    ) -> Result<(), StageError> {
        let layer = out.layer("sentiment")?;
        let text = doc.text();
        let pieces = &self.model.checked().pieces;
        let mut judged: Vec<(Range<usize>, usize)> = Vec::new();
        let mut inputs: Vec<Input> = Vec::new();
        for sentence in sentences_of(doc) {
            let words = pieces.words(&text[sentence.clone()])?;
            for (index, target) in self.targets.iter().enumerate() {
                let Some(mention) = mention(&text[sentence.clone()], target) else {
                    continue;
                };
                for hypothesis in &self.hypotheses[index] {
                    let hypothesis = pieces.words(hypothesis)?;
                    let room = self.model.checked().window
                        - pieces.pair_overhead()
                        - pieces.count(&hypothesis);
                    let near = around(
                        pieces.pieces_of(&words, &mention),
                        pieces.count(&words),
                        room,
                    );
                    inputs.push(pieces.pair(&words, near, &hypothesis));
                }
                judged.push((
                    sentence.start + mention.start..sentence.start + mention.end,
                    index,
                ));
            }
        }
        let scores = self.model.scores(&inputs, go_on)?;
        let labels: Vec<LabelId> = POLARITIES
            .iter()
            .map(|name| out.label(layer, name))
            .collect::<Result<_, _>>()?;
        for ((mention, target), three) in judged
            .into_iter()
            .zip(scores.chunks_exact(POLARITIES.len()))
        {
            let entailed: Vec<f32> = three
                .iter()
                .map(|scores| scores.row(0)[self.entailment])
                .collect();
            let shares = softmax(&entailed);
            let best = (0..shares.len()).fold(0, |best, one| {
                if shares[one] > shares[best] {
                    one
                } else {
                    best
                }
            });
            if shares[best] >= self.min_score {
                let score = shares[best].clamp(0.0, 1.0);
                let row = out.span(doc, layer, mention, Some(labels[best]), Some(score))?;
                out.set(doc, layer, row, "target", &self.targets[target].name)?;
            }
        }
        Ok(())
    }
}

/// The first place where `text` names the target: whole words, with a small or a capital letter first.
fn mention(text: &str, target: &Target) -> Option<Range<usize>> {
    let names = std::iter::once(&target.name).chain(&target.aliases);
    names
        .filter(|name| !name.is_empty())
        .flat_map(|name| [name.clone(), capitalised(name)])
        .filter_map(|name| {
            let places = text
                .match_indices(name.as_str())
                .map(|(at, found)| at..at + found.len());
            places.into_iter().find(|place| {
                let inside = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
                !inside(text[..place.start].chars().next_back())
                    && !inside(text[place.end..].chars().next())
            })
        })
        // Of two that begin at one place, the longer.
        .min_by_key(|place| (place.start, std::cmp::Reverse(place.end)))
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// At most `room` of `all` pieces, with those of `mention` in their middle.
fn around(mention: Range<usize>, all: usize, room: usize) -> Range<usize> {
    if all <= room {
        return 0..all;
    }
    let spare = room.saturating_sub(mention.len());
    let start = mention.start.saturating_sub(spare / 2).min(all - room);
    start..start + room
}

#[cfg(test)]
mod tests;
