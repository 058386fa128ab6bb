use std::path::PathBuf;

use copydesk_abi::StaticStage;
use copydesk_document::{Batch, NewDocument};
use copydesk_host::{CallError, Facts, OptionProblem, Resources, Stage, StageType};
use serde_json::Value;

use crate::pipeline::{created, step};
use crate::{Given, Pipeline, Run, workspace_root};

/// A test of one stage: options, documents, layers given; then
/// [`run`](Self::run) or [`expect`](Self::expect). Made by
/// [`stage!`](crate::stage).
#[derive(Debug)]
pub struct StageTest {
    kind: StageType,
    options: Value,
    facts: Facts,
    base: PathBuf,
    threads: u32,
    into: Option<String>,
    batch: Batch,
    before: Option<Pipeline>,
    given: Vec<(usize, Given)>,
}

impl StageTest {
    /// A test of a stage of this program; `copydesk_plugin::stage_api` makes it.
    ///
    /// # Panics
    /// If the table breaks the rules of the boundary.
    #[must_use]
    #[track_caller]
    pub fn new(stage: StaticStage) -> Self {
        Self::of(StageType::from_static(stage).unwrap_or_else(|error| panic!("{error}")))
    }

    /// A test of a stage that a host has opened.
    #[must_use]
    pub fn of(kind: StageType) -> Self {
        Self {
            kind,
            options: Value::Null,
            facts: Facts::new(),
            base: workspace_root(),
            threads: 1,
            into: None,
            batch: Batch::new(),
            before: None,
            given: Vec::new(),
        }
    }

    /// The options, as JSON of `[stage.options]`.
    #[must_use]
    pub fn options(mut self, options: Value) -> Self {
        self.options = options;
        self
    }

    /// A fact that an earlier stage would have published.
    #[must_use]
    pub fn fact(mut self, what: &str, key: &str, value: &str) -> Self {
        self.facts.insert(what, key, value);
        self
    }

    /// Where models and other resources are looked for; otherwise from the
    /// workspace's folder.
    #[must_use]
    pub fn base(mut self, base: impl Into<PathBuf>) -> Self {
        self.base = base.into();
        self
    }

    /// What a call may use; otherwise 1.
    #[must_use]
    pub fn threads(mut self, threads: u32) -> Self {
        self.threads = threads;
        self
    }

    /// Stores the first layer under another name, as `into` does.
    #[must_use]
    pub fn into_layer(mut self, name: &str) -> Self {
        self.into = Some(name.to_owned());
        self
    }

    /// Adds a document with this text.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        let id = format!("test-{}", self.batch.len());
        self.document(NewDocument::new(id, text))
    }

    /// Adds a document.
    #[must_use]
    pub fn document(mut self, document: NewDocument) -> Self {
        self.batch.push(document);
        self
    }

    /// Sets metadata of the last document.
    #[must_use]
    #[track_caller]
    pub fn meta(mut self, key: &str, value: Value) -> Self {
        let doc = self.last_doc();
        self.batch.meta_mut(doc).insert(key.to_owned(), value);
        self
    }

    /// Writes a layer over the last document.
    #[must_use]
    #[track_caller]
    pub fn given(mut self, layer: Given) -> Self {
        let doc = self.last_doc();
        self.given.push((doc, layer));
        self
    }

    /// Runs these stages first, over the same documents.
    #[must_use]
    pub fn after(mut self, before: Pipeline) -> Self {
        self.before = Some(before);
        self
    }

    fn last_doc(&self) -> usize {
        assert!(!self.batch.is_empty(), "add a document first: `.text(…)`");
        self.batch.len() - 1
    }

    /// Makes the stage, no more: for tests of options.
    ///
    /// # Errors
    /// The mistakes that it found in its options.
    pub fn create(&self) -> Result<Stage, Vec<OptionProblem>> {
        self.create_with(&mut self.facts.clone())
    }

    fn create_with(&self, facts: &mut Facts) -> Result<Stage, Vec<OptionProblem>> {
        let resources = Resources::new(&self.base);
        let into = self.into.as_deref();
        self.kind
            .create_into("test", into, &self.options, facts, &resources, self.threads)
    }

    /// Runs the stage over all documents in one call.
    ///
    /// # Panics
    /// If it refuses its options, or the call fails.
    #[must_use]
    #[track_caller]
    pub fn run(&self) -> Run {
        match self.try_run() {
            Ok(run) => run,
            Err(error) => panic!("the call failed ({}): {error}", error.class),
        }
    }

    /// Runs the stage over all documents in one call.
    ///
    /// # Errors
    /// If the call fails.
    ///
    /// # Panics
    /// If the stage refuses its options, or cannot be loaded.
    #[track_caller]
    pub fn try_run(&self) -> Result<Run, CallError> {
        let mut run = match &self.before {
            Some(before) => before.run_batch(self.batch.clone()),
            None => Run {
                batch: self.batch.clone(),
                outcomes: Vec::new(),
                facts: Facts::new(),
                counters: Default::default(),
            },
        };
        for (what, key, value) in self.facts.iter() {
            run.facts.insert(what, key, value);
        }
        for (doc, layer) in &self.given {
            layer.write(&mut run.batch, *doc);
        }
        let stage = created(self.create_with(&mut run.facts));
        match step(&stage, &mut run) {
            Ok(()) => Ok(run),
            Err(error) => match error.downcast::<CallError>() {
                Ok(error) => Err(*error),
                Err(error) => panic!("{error}"),
            },
        }
    }

    /// Runs the stage; layer `layer` of the first document then has exactly
    /// these spans. See [`Run::expect`].
    ///
    /// # Panics
    /// If not, with what was there and what was expected.
    #[track_caller]
    pub fn expect(&self, layer: &str, expected: &[(std::ops::Range<usize>, &str)]) -> Run {
        let run = self.run();
        run.expect(layer, expected);
        run
    }

    /// Runs the stage; layer `layer` of the first document then has exactly
    /// these spans. See [`Run::expect_texts`].
    ///
    /// # Panics
    /// If not, with what was there and what was expected.
    #[track_caller]
    pub fn expect_texts(&self, layer: &str, expected: &[(&str, &str)]) -> Run {
        let run = self.run();
        run.expect_texts(layer, expected);
        run
    }
}
