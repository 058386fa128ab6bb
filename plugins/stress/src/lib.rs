//! The `stress` stage: misbehaves on request, so that tests can hold the host
//! to its promises. And it can do next to nothing, for measurements.
//!
//! What only C can do wrong (strings that are no UTF-8, null pointers, unknown
//! statuses, another ABI) is in the host's own tests.

mod fault;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::time::Duration;

use copydesk_plugin::{Diagnostics, Doc, Docs, Host, Out, Stage, StageError, Worker, stage};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::fault::Fault;

/// Options of the stage.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// What goes wrong.
    fault: Fault,
    /// Only documents whose id contains this; empty = all.
    only: String,
    /// How long `slow` and `until-cancelled` take at most, in milliseconds.
    millis: u64,
    /// How much `take-memory` takes, in megabytes.
    megabytes: u64,
    /// Which words to mark in layer `marks`.
    mark: Mark,
    /// The label of the words marked; empty = `WORD`.
    label: String,
    /// A folder with weights, which are not used.
    model: Option<String>,
}

/// Which words to mark.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Mark {
    /// None: the stage does nothing.
    #[default]
    None,
    /// Words with a capital: some.
    Capitals,
    /// All words.
    Words,
    /// What layer `entities` has, with all of its attributes.
    Entities,
}

struct Stress {
    config: Config,
}

#[stage(
    id = "copydesk/stress",
    summary = "Misbehaves on request, for tests of the host",
    requires = ["layer:entities?", "meta:title?"],
    provides = ["text", "layer:marks", "layer:removed", "meta:stress"],
    raw = ["removed"],
)]
impl Stage for Stress {
    type Config = Config;
    type Worker = StressWorker;

    fn create(config: Config, host: &Host<'_>) -> Result<Self, Diagnostics> {
        // A stage that may edit the text has to stand before all layers, so it
        // says so only where it does.
        host.require("text", config.fault.edits_text())?;
        host.require("layer:removed", config.fault.edits_text())?;
        config.fault.in_create(host)?;
        if let Some(model) = &config.model {
            host.resource(model)
                .map_err(|error| Diagnostics::one("/model", error.message()))?;
        }
        // Says what it has heard, so that tests can see what goes round.
        let space = host.lookup("layer:entities", "space");
        host.describe("layer:marks", "heard", space.unwrap_or_default())?;
        Ok(Self { config })
    }

    fn load(&mut self, _: &Host<'_>) -> Result<(), StageError> {
        self.config.fault.in_load()
    }

    fn worker(&self, _: u32, _: &Host<'_>) -> Result<StressWorker, StageError> {
        self.config.fault.in_open_worker()?;
        Ok(StressWorker {
            config: self.config.clone(),
            failed: HashMap::new(),
        })
    }
}

impl Drop for Stress {
    fn drop(&mut self) {
        self.config.fault.in_destroy();
    }
}

struct StressWorker {
    config: Config,
    /// How often `fail-twice` has failed a document.
    failed: HashMap<String, u32>,
}

impl Worker for StressWorker {
    fn process(&mut self, docs: Docs<'_>, out: &mut Out<'_>) -> Result<(), StageError> {
        if self.config.fault == Fault::UntilCancelled {
            return fault::until_cancelled(docs, Duration::from_millis(self.config.millis));
        }
        for doc in docs {
            out.blame(Some(&doc));
            self.document(doc, out)?;
        }
        Ok(())
    }

    fn document(&mut self, doc: Doc<'_>, out: &mut Out<'_>) -> Result<(), StageError> {
        match self.config.mark {
            Mark::None => {}
            Mark::Entities => copy_entities(&doc, out)?,
            which => mark(&doc, which, &self.config.label, out)?,
        }
        if doc.id().contains(&self.config.only) {
            if self.config.fault == Fault::FailTwice {
                let failed = self.failed.entry(doc.id().to_owned()).or_default();
                *failed += 1;
                if *failed <= 2 {
                    out.fail(&doc, true, "busy", "try again")?;
                }
            }
            self.config.fault.in_document(&doc, out, &self.config)?;
        }
        Ok(())
    }
}

impl Drop for StressWorker {
    fn drop(&mut self) {
        self.config.fault.in_close_worker();
    }
}

fn mark(doc: &Doc<'_>, which: Mark, label: &str, out: &mut Out<'_>) -> Result<(), StageError> {
    let layer = out.layer("marks")?;
    let label = if label.is_empty() { "WORD" } else { label };
    let label = out.label(layer, label)?;
    let text = doc.text();
    for word in text.split_whitespace() {
        if which == Mark::Capitals && !word.starts_with(char::is_uppercase) {
            continue;
        }
        let start = word.as_ptr() as usize - text.as_ptr() as usize;
        out.span(
            doc,
            layer,
            start..start + word.len(),
            Some(label),
            Some(1.0),
        )?;
    }
    Ok(())
}

/// Writes layer `entities` once more as `marks`: spans, and attributes of
/// every type, read through the views and written through the writer.
fn copy_entities(doc: &Doc<'_>, out: &mut Out<'_>) -> Result<(), StageError> {
    let Some(entities) = doc.layer("entities") else {
        return Ok(());
    };
    let (from, to) = (out.layer("entities")?, out.layer("marks")?);
    for entity in entities {
        let label = entity
            .label()
            .map(|label| out.label(to, label))
            .transpose()?;
        let row = out.span(doc, to, entity.range(), label, entity.score())?;
        out.set(doc, to, row, "stage", entity.stage())?;
        out.set(doc, to, row, "words", entity.text())?;
        if let Some(name) = entity.text_attr("name") {
            out.set(doc, to, row, "name", name)?;
        }
        if let Some(number) = entity.int_attr("number") {
            out.set(doc, to, row, "number", number)?;
        }
        if let Some(weight) = entities.float_attr(entity.row as usize, "weight") {
            out.set(doc, to, row, "weight", weight)?;
        }
        if let Some(link) = entity.link_attr("same") {
            out.set(doc, to, row, "layer", link.layer)?;
            out.set(doc, to, row, "same", out.link(from, link.row))?;
        }
    }
    if let Some(vectors) = entities.vectors("vector") {
        out.vectors(doc, to, 0, "vector", vectors.dim, vectors.data)?;
    }
    Ok(())
}

copydesk_plugin::export!(Stress);
