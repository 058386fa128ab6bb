use std::path::PathBuf;

use copydesk_document::{Batch, NewDocument, Outcome};
use copydesk_host::{Facts, Plugins, Resources, Stage, StageType};
use serde_json::Value;

use crate::{Run, built_plugin, workspace_root};

/// Stages that are built, loaded as shared libraries, and run one after the
/// other over the same documents.
#[derive(Debug)]
pub struct Pipeline {
    base: PathBuf,
    steps: Vec<(StageType, Value)>,
}

impl Default for Pipeline {
    fn default() -> Self {
        Self::new()
    }
}

impl Pipeline {
    /// No stages yet; resources count from the workspace's folder.
    #[must_use]
    pub fn new() -> Self {
        Self {
            base: workspace_root(),
            steps: Vec::new(),
        }
    }

    /// Where models and other resources are looked for.
    #[must_use]
    pub fn base(mut self, base: impl Into<PathBuf>) -> Self {
        self.base = base.into();
        self
    }

    /// Adds the shipped stage `name`, from package `copydesk-NAME`, which is
    /// built now.
    ///
    /// # Panics
    /// If it does not build or load.
    #[must_use]
    #[track_caller]
    pub fn plugin(self, name: &str, options: Value) -> Self {
        self.stage(&format!("copydesk-{name}"), name, options)
    }

    /// Adds stage `use_` of the plugin `package`, which is built now.
    ///
    /// # Panics
    /// If it does not build or load.
    #[must_use]
    #[track_caller]
    pub fn stage(mut self, package: &str, use_: &str, options: Value) -> Self {
        let plugins = Plugins::of_files([built_plugin(package)]);
        match plugins.open(use_) {
            Ok(stage) => self.steps.push((stage, options)),
            Err(error) => panic!("{error}"),
        }
        self
    }

    /// Runs one document through the stages.
    ///
    /// # Panics
    /// If a stage cannot be made, or a call fails.
    #[must_use]
    #[track_caller]
    pub fn run(&self, text: &str) -> Run {
        let mut batch = Batch::new();
        batch.push(NewDocument::new("test", text));
        self.run_batch(batch)
    }

    /// Runs documents through the stages.
    ///
    /// # Panics
    /// If a stage cannot be made, or a call fails.
    #[must_use]
    #[track_caller]
    pub fn run_batch(&self, batch: Batch) -> Run {
        let mut run = Run {
            batch,
            outcomes: Vec::new(),
            facts: Facts::new(),
            counters: Default::default(),
        };
        let resources = Resources::new(&self.base);
        for (stage_type, options) in &self.steps {
            let name = stage_type.id().rsplit('/').next().unwrap_or_default();
            let stage = created(stage_type.create(name, options, &mut run.facts, &resources, 1));
            if let Err(error) = step(&stage, &mut run) {
                panic!("stage `{name}`: {error}");
            }
        }
        run
    }
}

#[track_caller]
pub(crate) fn created(stage: Result<Stage, Vec<copydesk_host::OptionProblem>>) -> Stage {
    stage.unwrap_or_else(|problems| {
        let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
        panic!("the stage refuses its options:\n  {}", lines.join("\n  "));
    })
}

/// Loads `stage` and lets it work on the documents of `run`, all in one call.
pub(crate) fn step(
    stage: &Stage,
    run: &mut Run,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    stage.load()?;
    let mut worker = stage.open_worker(0)?;
    let changes = worker.process(&run.batch, None)?;
    let outcome: Outcome = run.batch.apply(changes);
    run.outcomes.push(outcome);
    run.counters = stage.counters();
    Ok(())
}
