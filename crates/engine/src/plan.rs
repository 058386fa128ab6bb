//! From a pipeline file to something that runs: stages are created, options and contracts
//! checked, weights loaded.

use std::sync::Arc;

use copydesk_document::Contract;
use copydesk_host::{Facts, HostError, OptionProblem, Plugins, Resources, Stage, StageType};
use serde_json::Value;

use crate::config::{Checker, Pipeline, Run, StageConfig};
use crate::control::Control;
use crate::diagnostics::{Diagnostic, Diagnostics, Severity};
use crate::graph::{self, Graph, Included, Node};
use crate::isolation::{Elsewhere, Group, Joining, border};
use crate::progress::Progress;
use crate::report::{Earlier, Report};
use crate::run::{self, Planned};
use crate::sink::{DeadLetters, Ledger, Outputs, Sink};
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
        let mut complaints = Vec::new();
        // What each stage could know of those before it.
        let mut known = Vec::new();
        for config in &pipeline.stages {
            let mut node = Node {
                name: config.name().to_owned(),
                plugin: String::new(),
                contract: None,
                place: pipeline.place(&config.pointer("use")),
            };
            let complete = made.len() == nodes.len();
            if let Some(kind) = look_up(pipeline, config, plugins, &mut diagnostics) {
                node.plugin = format!("{} {}", kind.id(), kind.version());
                // What it could do at most, in case its options are wrong.
                node.contract =
                    Contract::parse(config.name(), kind.requires(), kind.provides()).ok();
                known.push(facts.clone());
                match create(pipeline, config, &kind, &mut facts, &resources) {
                    Ok((stage, warnings)) => {
                        warnings.into_iter().for_each(|one| diagnostics.push(one));
                        node.contract = Some((**stage.contract()).clone());
                        made.push(stage);
                    }
                    Err(wrong) => {
                        wrong
                            .certain
                            .into_iter()
                            .for_each(|one| diagnostics.push(one));
                        // It may have missed a stage that could not be created itself.
                        if complete {
                            complaints.push((node.place.clone(), wrong.uncertain));
                        }
                    }
                }
            }
            nodes.push(node);
        }
        let included: Included = pipeline
            .output
            .all()
            .enumerate()
            .flat_map(|(number, output)| {
                output.include.iter().enumerate().map(move |(index, name)| {
                    let key = format!("include/{index}");
                    let pointer = pipeline.output.pointer(number, &key, pipeline.places());
                    (name.clone(), pipeline.place(&pointer))
                })
            })
            .collect();
        let providers = |name: &str| providers(plugins, name);
        let mut misfits = graph::check(&nodes, &included, &providers);
        misfits.extend(border::check(pipeline, &nodes));
        for (place, uncertain) in complaints {
            // A stage that lacks what it reads complains of what follows from that.
            let misfit = |one: &Diagnostic| one.severity == Severity::Error && one.place == place;
            if !misfits.iter().any(misfit) {
                uncertain.into_iter().for_each(|one| diagnostics.push(one));
            }
        }
        misfits.into_iter().for_each(|one| diagnostics.push(one));
        if made.len() < nodes.len() && diagnostics.errors() == 0 {
            diagnostics.push(
                Diagnostic::error("a stage could not be created, and its plugin does not say why")
                    .hint("this is a mistake in the plugin, not in the pipeline file"),
            );
        }
        if diagnostics.errors() > 0 {
            return Err(diagnostics);
        }
        let mut graph = graph::graph(&nodes);
        let mut stages: Vec<Planned> = made
            .iter()
            .zip(&pipeline.stages)
            .zip(&graph.stages)
            .map(|((stage, config), drawn)| Planned {
                step: Arc::new(stage.clone()),
                workers: config.workers,
                timeout: config.timeout(),
                frees: drawn.frees.clone(),
                group: None,
            })
            .collect();
        for range in border::groups(pipeline) {
            let joining: Vec<Joining<'_>> = range
                .clone()
                .map(|at| Joining {
                    stage: &made[at],
                    config: &pipeline.stages[at],
                    facts: known[at].clone(),
                    frees: stages[at].frees.clone(),
                })
                .collect();
            let limit = border::memory_max_mb(pipeline, &range);
            let group = Group::new(&joining, resources.base(), pipeline.run.retries, limit);
            let group = Arc::new(group);
            for (index, at) in range.enumerate() {
                graph.stages[at].isolated = true;
                stages[at].group = Some(Arc::clone(&group));
                stages[at].step = Arc::new(Elsewhere {
                    group: Arc::clone(&group),
                    index,
                });
            }
        }
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

    /// Loads the weights of all stages; of those that run in worker processes, in the first such
    /// process. A second call does nothing.
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
        let mut outputs = Outputs { sink, dead_letters };
        self.run_into(source, &mut outputs, Earlier::default(), control, progress)
    }

    /// As [`run`](Self::run), going on from what `earlier` runs have done, with the outputs that
    /// `ledger` keeps.
    pub fn run_into(
        &self,
        source: Box<dyn Source>,
        ledger: &mut dyn Ledger,
        earlier: Earlier,
        control: &Control,
        progress: Arc<dyn Progress>,
    ) -> Report {
        run::run(
            &self.stages,
            &self.settings,
            source,
            ledger,
            earlier,
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

/// Why a stage was not created.
#[derive(Default)]
struct Wrong {
    /// About what the user wrote.
    certain: Vec<Diagnostic>,
    /// About what the user did not write: can be the consequence of another mistake.
    uncertain: Vec<Diagnostic>,
}

/// Creates the stage if its options fit its schema; with its doubts about them.
fn create(
    pipeline: &Pipeline,
    config: &StageConfig,
    kind: &StageType,
    facts: &mut Facts,
    resources: &Resources,
) -> Result<(Stage, Vec<Diagnostic>), Wrong> {
    let options = Value::Object(config.options.clone());
    let base = config.pointer("options");
    let checker = Checker::new(kind.config_schema()).map_err(|error| Wrong {
        certain: vec![
            Diagnostic::error(format!(
                "the plugin of stage `{}` has a broken schema for its options",
                config.name()
            ))
            .at(pipeline.place(&config.pointer("use")))
            .label(error)
            .hint("this is a mistake in the plugin, not in the pipeline file"),
        ],
        ..Wrong::default()
    })?;
    let mistakes = checker.mistakes(&options, &base, pipeline.places());
    if !mistakes.is_empty() {
        return Err(Wrong {
            certain: mistakes.into_iter().map(|one| one.diagnostic).collect(),
            ..Wrong::default()
        });
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
    let told = |problem| told(pipeline, config, &base, problem);
    match created {
        Ok(stage) => {
            let warnings = stage.warnings().iter().cloned().map(told).collect();
            Ok((stage, warnings))
        }
        Err(problems) => {
            let (certain, uncertain): (Vec<_>, Vec<_>) = problems
                .into_iter()
                .partition(|one| pipeline.places().has(&pointer(config, &base, one)));
            Err(Wrong {
                certain: certain.into_iter().map(told).collect(),
                uncertain: uncertain.into_iter().map(told).collect(),
            })
        }
    }
}

/// What in the file a stage's complaint is about; what is not there may be pointed to as well.
fn pointer(config: &StageConfig, base: &str, problem: &OptionProblem) -> String {
    if config.into.is_some() && problem.message.starts_with("`into`") {
        return config.pointer("into");
    }
    let slash = if problem.pointer.starts_with('/') {
        ""
    } else {
        "/"
    };
    format!("{base}{slash}{}", problem.pointer)
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
        copydesk_host::Severity::Error => Diagnostic::error(message),
        copydesk_host::Severity::Warning => Diagnostic::warning(message),
    };
    let pointer = match pointer(config, base, &problem) {
        pointer if pipeline.places().has(&pointer) => pointer,
        _ => config.pointer("use"),
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
