//! A stage that does next to nothing: what is left of its cost is the boundary.

mod places;

use copydesk_plugin::{
    Diagnostics, Doc, Docs, Host, Out, SpanOut, Stage, StageError, Worker, stage,
};
use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Marks {
    /// No spans.
    None,
    /// A handful a document.
    Sparse,
    /// One a word.
    Dense,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// How many spans to write into layer `marks`.
    #[serde(default = "none")]
    marks: Marks,
}

fn none() -> Marks {
    Marks::None
}

struct Mark {
    marks: Marks,
}

#[stage(
    id = "bench/mark",
    summary = "Marks places of the text without reading it",
    provides = ["layer:marks"],
)]
impl Stage for Mark {
    type Config = Config;
    type Worker = MarkWorker;

    fn create(config: Config, host: &Host<'_>) -> Result<Self, Diagnostics> {
        if matches!(config.marks, Marks::None) {
            host.require("layer:marks", false)
                .map_err(|error| Diagnostics::one("", error.to_string()))?;
        }
        Ok(Self {
            marks: config.marks,
        })
    }

    fn worker(&self, _: u32, _: &Host<'_>) -> Result<MarkWorker, StageError> {
        Ok(MarkWorker { marks: self.marks })
    }
}

struct MarkWorker {
    marks: Marks,
}

impl Worker for MarkWorker {
    fn process(&mut self, docs: Docs<'_>, out: &mut Out<'_>) -> Result<(), StageError> {
        if matches!(self.marks, Marks::None) {
            return Ok(());
        }
        let marks = out.layer("marks")?;
        let label = out.label(marks, "MARK")?;
        for doc in docs {
            match self.marks {
                Marks::None => {}
                Marks::Sparse => {
                    for range in places::sparse(doc.text()) {
                        out.span(&doc, marks, range, Some(label), Some(0.5))?;
                    }
                }
                Marks::Dense => {
                    let spans = places::dense(doc.text()).map(|range| SpanOut {
                        range,
                        label: Some(label),
                        score: Some(0.5),
                    });
                    out.spans(&doc, marks, spans)?;
                }
            }
        }
        Ok(())
    }

    fn document(&mut self, _: Doc<'_>, _: &mut Out<'_>) -> Result<(), StageError> {
        unreachable!("`process` does whole batches")
    }
}

copydesk_plugin::export!(Mark);
