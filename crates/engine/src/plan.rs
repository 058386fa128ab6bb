//! From a pipeline file to something that runs: stages are created, options and contracts
//! checked, weights loaded.

use std::sync::Arc;

use copydesk_document::Contract;
use copydesk_host::{
    Facts, HostError, OptionProblem, Plugins, Resources, Severity, Stage, StageType,
};
use serde_json::Value;

use crate::config::{Checker, Pipeline, Run, StageConfig};
use crate::control::Control;
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::graph::{self, Graph, Included, Node};
use crate::progress::Progress;
use crate::report::Report;
use crate::run::{self, Planned};
use crate::sink::{DeadLetters, Sink};
use crate::source::Source;

/// A pipeline whose stages are created and go together; nothing is loaded before
/// [`Plan::load`].
pub struct Plan {
    stages: Vec<Planned>,
    made: Vec<Stage>,
    settings: Run,
    graph: Graph,
    warnings: Diagnostics,
}

impl Plan {
    /// Creates the stages in their order and checks the whole: keys, plugins, options, and
    /// that each stage finds what it reads. Loads no weights.
    ///
    /// # Errors
    /// Everything that is wrong, at once, with what [`Pipeline::problems`] has.
    pub fn check(pipeline: &Pipeline, plugins: &Plugins) -> Result<Self, Diagnostics> {
        let mut diagnostics = pipeline.problems();
        let resources = Resources::new(pipeline.base());
        let mut facts = Facts::new();
        let mut nodes = Vec::new();
        let mut made = Vec::new();
        let mut complete = true;
        for config in &pipeline.stages {
            let place = pipeline.place(&config.pointer("use"));
            let mut node = Node {
                name: config.name().to_owned(),
                plugin: String::new(),
                contract: None,
                place,
            };
            if let Some(kind) = look_up(pipeline, config, plugins, &mut diagnostics) {
                node.plugin = format!("{} {}", kind.id(), kind.version());
                // What it could do at most, in case its options are wrong.
                node.contract =
                    Contract::parse(config.name(), kind.requires(), kind.provides()).ok();
                // A stage that finds facts missing because one before it failed would complain
                // of what is not the user's mistake.
                let stage = create(
                    pipeline,
                    config,
                    &kind,
                    &mut facts,
                    &resources,
                    complete,
                    &mut diagnostics,
                );
                if let Some(stage) = stage {
                    node.contract = Some((**stage.contract()).clone());
                    made.push(stage);
                } else {
                    complete = false;
                }
            } else {
                complete = false;
            }
            nodes.push(node);
        }
        let included: Included = pipeline
            .output
            .include
            .iter()
            .enumerate()
            .map(|(index, name)| {
                let place = pipeline.place(&format!("/output/include/{index}"));
                (name.clone(), place)
            })
            .collect();
        let providers = |name: &str| providers(plugins, name);
        for diagnostic in graph::check(&nodes, &included, &providers) {
            diagnostics.push(diagnostic);
        }
        if diagnostics.errors() > 0 {
            return Err(diagnostics);
        }
        let graph = graph::graph(&nodes);
        let stages = made
            .iter()
            .zip(&pipeline.stages)
            .zip(&graph.stages)
            .map(|((stage, config), drawn)| Planned {
                step: Arc::new(stage.clone()),
                workers: config.workers,
                timeout: config.timeout(),
                frees: drawn.frees.clone(),
            })
            .collect();
        Ok(Self {
            stages,
            made,
            settings: pipeline.run.clone(),
            graph,
            warnings: diagnostics,
        })
    }

    /// What is odd about the pipeline, but does not keep it from running.
    pub fn warnings(&self) -> &Diagnostics {
        &self.warnings
    }

    /// The stages with what they read and write.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The stages, in their order.
    pub fn stages(&self) -> &[Stage] {
        &self.made
    }

    /// Loads the weights of all stages. A second call does nothing.
    ///
    /// # Errors
    /// The first stage's that cannot load, with what it said.
    pub fn load(&self) -> Result<(), HostError> {
        self.stages.iter().try_for_each(|stage| stage.step.load())
    }

    /// Reads the source to its end, passes the documents through the stages and writes them.
    /// Documents that fail go to `dead_letters`; `&mut ()` there keeps none.
    ///
    /// The calling thread writes; the source is read in a thread of its own, which is left
    /// behind if it waits for input when the run ends.
    pub fn run(
        &self,
        source: Box<dyn Source>,
        sink: &mut dyn Sink,
        dead_letters: &mut dyn DeadLetters,
        control: &Control,
        progress: Arc<dyn Progress>,
    ) -> Report {
        run::run(
            &self.stages,
            &self.settings,
            source,
            sink,
            dead_letters,
            control,
            progress,
        )
    }
}

fn look_up(
    pipeline: &Pipeline,
    config: &StageConfig,
    plugins: &Plugins,
    diagnostics: &mut Diagnostics,
) -> Option<StageType> {
    if config.use_.is_empty() {
        // Told already.
        return None;
    }
    match plugins.open(&config.use_) {
        Ok(kind) => Some(kind),
        Err(error) => {
            let at = pipeline.place(&config.pointer("use"));
            diagnostics.push(not_opened(&error).at(at));
            None
        }
    }
}

/// The first line of the error says what is wrong, the others what was tried.
fn not_opened(error: &HostError) -> Diagnostic {
    let text = error.to_string();
    let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
    let (first, near) = match first.split_once("; did you mean ") {
        Some((first, near)) => (first, Some(format!("did you mean {near}"))),
        None => (first, None),
    };
    let mut diagnostic = Diagnostic::error(first).hint_if(near);
    if !rest.is_empty() {
        diagnostic = diagnostic.note(rest);
    }
    match error {
        HostError::NotFound { .. } => diagnostic.label("no such stage"),
        _ => diagnostic.label("this stage"),
    }
}

/// Creates the stage if its options are right. `complete` says whether all stages before it
/// were created: if not, what it finds wrong may be their fault, and only its schema speaks.
fn create(
    pipeline: &Pipeline,
    config: &StageConfig,
    kind: &StageType,
    facts: &mut Facts,
    resources: &Resources,
    complete: bool,
    diagnostics: &mut Diagnostics,
) -> Option<Stage> {
    let options = Value::Object(config.options.clone());
    let base = config.pointer("options");
    match Checker::new(kind.config_schema()) {
        Ok(checker) => {
            let mistakes = checker.mistakes(&options, &base, pipeline.places());
            if !mistakes.is_empty() {
                for mistake in mistakes {
                    diagnostics.push(mistake.diagnostic);
                }
                return None;
            }
        }
        Err(error) => {
            diagnostics.push(
                Diagnostic::error(format!(
                    "the plugin of stage `{}` has a broken schema for its options",
                    config.name()
                ))
                .at(pipeline.place(&config.pointer("use")))
                .label(error)
                .hint("this is a mistake in the plugin, not in the pipeline file"),
            );
            return None;
        }
    }
    let created = kind.create_into(
        config.name(),
        config.into.as_deref(),
        &options,
        facts,
        resources,
        // Calls compute in the engine's threads, one each: nobody starts others.
        1,
    );
    let (stage, problems) = match created {
        Ok(stage) => {
            let warnings = stage.warnings().to_vec();
            (Some(stage), warnings)
        }
        Err(problems) => (None, problems),
    };
    for problem in problems {
        let about_options = !problem.pointer.is_empty();
        if stage.is_some() || complete || about_options {
            diagnostics.push(told(pipeline, config, &base, problem));
        }
    }
    stage
}

fn told(
    pipeline: &Pipeline,
    config: &StageConfig,
    base: &str,
    problem: OptionProblem,
) -> Diagnostic {
    let mut lines = problem.message.lines();
    let first = lines.next().unwrap_or_default();
    let rest = lines.collect::<Vec<_>>().join("\n");
    let message = format!("stage `{}`: {first}", config.name());
    let mut diagnostic = match problem.severity {
        Severity::Error => Diagnostic::error(message),
        Severity::Warning => Diagnostic::warning(message),
    };
    let pointer = if !problem.pointer.is_empty() {
        let slash = if problem.pointer.starts_with('/') {
            ""
        } else {
            "/"
        };
        format!("{base}{slash}{}", problem.pointer)
    } else if config.into.is_some() && first.starts_with("`into`") {
        config.pointer("into")
    } else {
        config.pointer("use")
    };
    if !rest.is_empty() {
        diagnostic = diagnostic.note(rest);
    }
    diagnostic
        .at(pipeline.place(&pointer))
        .hint_if(problem.hint)
}

/// The stages on the search path that provide a contract name, as `use` would name them.
fn providers(plugins: &Plugins, name: &str) -> Vec<String> {
    let mut found: Vec<String> = plugins
        .files()
        .iter()
        .flat_map(|file| &file.stages)
        .filter(|stage| stage.provides.iter().any(|provided| provided == name))
        .map(|stage| {
            let short = stage.id.strip_prefix("copydesk/");
            short.unwrap_or(&stage.id).to_owned()
        })
        .collect();
    found.sort();
    found.dedup();
    found
}
