//! The `cleanup` stage: what stands in an extracted article and is none of its
//! text is cut, with its kind; what it says about the article becomes metadata;
//! characters that extraction damaged are made plain. Every change is an edit.
//!
//! A line is judged by its form ([`copydesk_language::line`]), its place and its
//! neighbours (`classify`), and stays when in doubt.

mod article;
mod classify;
mod plain;
#[cfg(test)]
mod tests;
mod unit;

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use copydesk_language::boilerplate;
use copydesk_plugin::{
    Diagnostics, Doc, Edit, Host, Out, SpanOut, Stage, StageError, Worker, stage,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::article::{Cleaned, Known, Markup, Meta, Settings, clean};

/// Options of the stage.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// Only marks: `removed` lists what would have been cut, every line becomes a block labelled with what it was taken for, and the text stays as it is.
    conservative: bool,
    /// File with lines to cut wherever they stand, as `copydesk learn-boilerplate` writes it; case, spaces and punctuation don't matter.
    boilerplate: Option<String>,
}

struct Cleanup {
    settings: Arc<Settings>,
    boilerplate: Option<PathBuf>,
}

#[stage(
    id = "copydesk/cleanup",
    summary = "Cuts what is no article text, and reads title, authors and date from it",
    requires = ["meta:title?", "meta:authors?", "layer:markup?"],
    provides = [
        "text",
        "layer:blocks",
        "layer:removed",
        "meta:title",
        "meta:authors",
        "meta:published",
        "meta:publisher",
        "meta:dateline",
        "meta:language",
    ],
    raw = ["removed"],
)]
impl Stage for Cleanup {
    type Config = Config;
    type Worker = CleanupWorker;

    fn create(config: Config, host: &Host<'_>) -> Result<Self, Diagnostics> {
        let boilerplate = match &config.boilerplate {
            Some(name) => Some(host.resource(name).map_err(|error| {
                let mut wrong = Diagnostics::new();
                wrong
                    .error("/boilerplate", error.message())
                    .hint("give the path of a file that `copydesk learn-boilerplate` wrote, or of one with a line of boilerplate a line");
                wrong
            })?),
            None => None,
        };
        Ok(Self {
            settings: Arc::new(Settings {
                conservative: config.conservative,
                ..Settings::default()
            }),
            boilerplate,
        })
    }

    fn load(&mut self, _: &Host<'_>) -> Result<(), StageError> {
        let Some(path) = &self.boilerplate else {
            return Ok(());
        };
        let lines = std::fs::read_to_string(path).map_err(|error| {
            StageError::failed(
                "boilerplate",
                format!("cannot read {}: {error}", path.display()),
            )
        })?;
        let boilerplate = boilerplate::read(&lines).map_err(|error| {
            StageError::failed("boilerplate", format!("{}, {error}", path.display()))
        })?;
        let settings = Settings {
            boilerplate,
            conservative: self.settings.conservative,
        };
        self.settings = Arc::new(settings);
        Ok(())
    }

    fn worker(&self, _: u32, _: &Host<'_>) -> Result<CleanupWorker, StageError> {
        Ok(CleanupWorker {
            settings: Arc::clone(&self.settings),
        })
    }
}

struct CleanupWorker {
    settings: Arc<Settings>,
}

impl Worker for CleanupWorker {
    fn document(&mut self, doc: Doc<'_>, out: &mut Out<'_>) -> Result<(), StageError> {
        let given = doc.meta()?;
        let known = Known {
            markup: markup(&doc),
            ..known(&given)
        };
        let cleaned = clean(doc.text(), &known, &self.settings);
        write_blocks(&doc, out, &cleaned)?;
        write_marks(&doc, out, &cleaned)?;
        write_meta(&doc, out, &cleaned.meta, &given)?;
        if let Some(language) = &cleaned.foreign {
            let message = format!(
                "the text seems to be in `{language}`, not English: only its characters were made plain"
            );
            out.warn(&doc, None, "not-english", &message)?;
        }
        let edits: Vec<Edit<'_>> = cleaned
            .edits
            .iter()
            .map(|edit| Edit {
                range: edit.range.clone(),
                with: &edit.with,
                kind: edit.kind.map(|kind| kind.name()),
            })
            .collect();
        if !edits.is_empty() {
            out.edit(&doc, &edits)?;
        }
        Ok(())
    }
}

fn write_blocks(doc: &Doc<'_>, out: &mut Out<'_>, cleaned: &Cleaned) -> Result<(), StageError> {
    let layer = out.layer("blocks")?;
    let mut spans = Vec::with_capacity(cleaned.blocks.len());
    for block in &cleaned.blocks {
        spans.push(SpanOut {
            range: block.range.clone(),
            label: Some(out.label(layer, block.label)?),
            score: None,
        });
    }
    out.spans(doc, layer, &spans)?;
    Ok(())
}

/// The layer `removed` counts in the raw text: it takes marks where no earlier
/// stage has changed it.
fn write_marks(doc: &Doc<'_>, out: &mut Out<'_>, cleaned: &Cleaned) -> Result<(), StageError> {
    if cleaned.marks.is_empty() || doc.text() != doc.raw() {
        return Ok(());
    }
    let layer = out.layer("removed")?;
    let mut spans = Vec::with_capacity(cleaned.marks.len());
    for (range, kind) in &cleaned.marks {
        spans.push(SpanOut {
            range: range.clone(),
            label: Some(out.label(layer, kind.name())?),
            score: None,
        });
    }
    out.spans(doc, layer, &spans)?;
    Ok(())
}

/// What the input already says stays as it is.
fn write_meta(
    doc: &Doc<'_>,
    out: &mut Out<'_>,
    meta: &Meta,
    given: &Map<String, Value>,
) -> Result<(), StageError> {
    let said = |name: &str| {
        given.get(name).is_some_and(|value| match value {
            Value::Null => false,
            Value::String(text) => !text.trim().is_empty(),
            Value::Array(values) => !values.is_empty(),
            _ => true,
        })
    };
    let texts = [
        ("title", &meta.title),
        ("published", &meta.published),
        ("publisher", &meta.publisher),
        ("dateline", &meta.dateline),
        ("language", &meta.language),
    ];
    for (name, text) in texts {
        if let Some(text) = text
            && !said(name)
        {
            out.meta(doc, name, text)?;
        }
    }
    if !meta.authors.is_empty() && !said("authors") {
        out.meta(doc, "authors", &meta.authors)?;
    }
    Ok(())
}

fn known(given: &Map<String, Value>) -> Known {
    let authors = match given.get("authors") {
        Some(Value::Array(authors)) => authors
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        Some(Value::String(authors)) => authors
            .split([',', ';'])
            .map(|author| author.trim().to_owned())
            .filter(|author| !author.is_empty())
            .collect(),
        _ => Vec::new(),
    };
    Known {
        title: given
            .get("title")
            .and_then(Value::as_str)
            .map(str::to_owned),
        authors,
        markup: Vec::new(),
    }
}

/// What the markup of a web page says of its text, which counts in the raw text: it is of use
/// where no earlier stage has changed it.
fn markup(doc: &Doc<'_>) -> Vec<(Range<usize>, Markup)> {
    let Some(layer) = doc.layer("markup").filter(|_| doc.text() == doc.raw()) else {
        return Vec::new();
    };
    layer
        .iter()
        .filter_map(|span| Some((span.range(), Markup::of(span.label()?)?)))
        .collect()
}

copydesk_plugin::export!(Cleanup);
