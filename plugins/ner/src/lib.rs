//! The `ner` stage: names of persons, organisations, places and other things.
//!
//! A tagger on the vectors of `encode`; what it says in words becomes spans of
//! the text in `copydesk_language::tagged`.

use std::sync::Arc;

use copydesk_encoder::heads::NerHead;
use copydesk_encoder::{Heads, ModelFolder, WordVectors};
use copydesk_language::tagged::{self, Tagged};
use copydesk_plugin::{
    Diagnostics, Doc, Host, LabelId, Out, SpanOut, Stage, StageError, Worker, stage,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// Options of the stage.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// Which names count, and how far they reach: `eww` (English Worldwide Newswire, modern news from many
    /// countries) or `conll` (CoNLL 2003).
    guideline: String,
    /// Labels to write.
    labels: Vec<String>,
    /// Lowest score of a name, 0 to 1.
    min_score: f32,
    /// Gives a name the same label wherever it stands in a document.
    consistent: bool,
    /// Folder of the model; by default the one that `encode` runs.
    model: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            guideline: "eww".to_owned(),
            labels: LABELS.map(str::to_owned).to_vec(),
            min_score: 0.0,
            consistent: true,
            model: None,
        }
    }
}

const LABELS: [&str; 4] = ["PER", "ORG", "LOC", "MISC"];

struct Ner {
    folder: ModelFolder,
    guideline: String,
    labels: Vec<String>,
    min_score: f32,
    consistent: bool,
    head: Option<Arc<NerHead>>,
}

#[stage(
    id = "copydesk/ner",
    summary = "Names of persons, organisations, places and other things",
    requires = ["layer:tokens", "layer:sentences?"],
    provides = ["layer:entities"],
)]
impl Stage for Ner {
    type Config = Config;
    type Worker = NerWorker;

    fn create(config: Config, host: &Host<'_>) -> Result<Self, Diagnostics> {
        let mut wrong = Diagnostics::new();
        for (i, label) in config.labels.iter().enumerate() {
            if !LABELS.contains(&label.as_str()) {
                wrong
                    .error(
                        format!("/labels/{i}"),
                        format!("there is no label `{label}`"),
                    )
                    .hint(format!("labels are {}", LABELS.join(", ")));
            }
        }
        if config.labels.is_empty() {
            wrong
                .error("/labels", "with no label the stage finds nothing")
                .hint("leave the option out to get all");
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
                wrong.error(if config.model.is_some() { "/model" } else { "" }, message);
                return Err(wrong);
            }
        };
        if let Err(error) = folder.labels(&format!("ner.{}", config.guideline), &NerHead::TAGS) {
            wrong.error("/guideline", error);
        }
        wrong.into_result()?;
        Ok(Self {
            folder,
            guideline: config.guideline,
            labels: config.labels,
            min_score: config.min_score,
            consistent: config.consistent,
            head: None,
        })
    }

    fn load(&mut self, _: &Host<'_>) -> Result<(), StageError> {
        let head = Heads::open(&self.folder.path)
            .and_then(|heads| heads.ner(&self.guideline))
            .map_err(|error| StageError::failed("model", error))?;
        self.head = Some(Arc::new(head));
        Ok(())
    }

    fn worker(&self, _: u32, _: &Host<'_>) -> Result<NerWorker, StageError> {
        let head = self
            .head
            .clone()
            .ok_or_else(|| StageError::failed("not-loaded", "a worker before `load`"))?;
        Ok(NerWorker {
            head,
            dim: self.folder.config.hidden_size,
            labels: self.labels.clone(),
            min_score: self.min_score,
            consistent: self.consistent,
        })
    }
}

copydesk_plugin::export!(Ner);

/// The folder of the head's weights, which must be of the model that made the vectors.
fn model_folder(model: Option<&str>, host: &Host<'_>) -> Result<ModelFolder, String> {
    let own = model.map(|model| host.resource(model)).transpose();
    let space = host.lookup("layer:tokens", "space");
    let encoder = host.lookup("layer:tokens", "model");
    let own = own.map_err(|error| error.message().to_owned())?;
    ModelFolder::of_head(own, space.as_deref(), encoder.as_deref())
        .map_err(|error| error.to_string())
}

struct NerWorker {
    head: Arc<NerHead>,
    dim: usize,
    labels: Vec<String>,
    min_score: f32,
    consistent: bool,
}

impl Worker for NerWorker {
    fn document(&mut self, doc: Doc<'_>, out: &mut Out<'_>) -> Result<(), StageError> {
        let layer = out.layer("entities")?;
        let Some(tokens) = doc.layer("tokens").filter(|tokens| !tokens.is_empty()) else {
            return Ok(());
        };
        let vectors = tokens.vectors("vector").ok_or_else(|| {
            StageError::batch(
                "no-vectors",
                "the spans of `tokens` have no attribute `vector`",
            )
        })?;
        if vectors.dim != self.dim {
            let message = format!(
                "the vectors of `tokens` have {} numbers, the model takes {}",
                vectors.dim, self.dim
            );
            return Err(StageError::batch("vectors", message));
        }
        let entities = self
            .head
            .entities(WordVectors::new(vectors.data, vectors.dim))
            .into_iter()
            .map(|entity| Tagged {
                words: entity.words,
                label: entity.label,
                score: entity.score,
            })
            .collect();
        let text = doc.text();
        let lines: Vec<usize> = doc
            .layer("sentences")
            .iter()
            .flat_map(|sentences| sentences.iter())
            .map(|sentence| sentence.start as usize)
            .filter(|&start| text[..start].trim_end_matches([' ', '\t']).ends_with('\n'))
            .collect();
        let mut found = tagged::names(text, tokens.starts(), tokens.ends(), &lines, entities);
        if self.consistent {
            tagged::agree(text, &mut found);
        }
        let labels: Vec<Option<LabelId>> = LABELS
            .iter()
            .map(|label| {
                let wanted = self.labels.iter().any(|l| l == label);
                wanted.then(|| out.label(layer, label)).transpose()
            })
            .collect::<Result<_, _>>()?;
        let label = |name: &str| {
            LABELS
                .iter()
                .position(|l| *l == name)
                .and_then(|i| labels[i])
        };
        let spans: Vec<SpanOut> = found
            .into_iter()
            .filter(|name| name.score >= self.min_score)
            .filter_map(|name| {
                Some(SpanOut {
                    range: name.bytes,
                    label: Some(label(name.label)?),
                    score: Some(name.score),
                })
            })
            .collect();
        out.spans(&doc, layer, &spans)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
