//! `copydesk eval`: a pipeline against gold.

use std::{collections::BTreeSet, io::Write, path::Path, sync::Arc};

use anyhow::Context;
use copydesk_document::{Batch, NewDocument, Value};
use copydesk_engine::{
    Control, DeadLetter, DeadLetters, Documents, Outcome, Plan, Sink, SinkError, config::Pipeline,
};
use copydesk_evaluate::{
    Predicted, Report, Task,
    cleanup::{self, Cleanup},
    coref::{self, Coref},
    gold::{BadRecord, GoldError, Selection},
    ner::Ner,
    quotes::Quotes,
    seeds::Seeds,
    sentiment::{self, Sentiment},
};
use serde::Serialize;

use crate::{
    args::Voice,
    check,
    eval_args::{Common, Eval, Mentions},
    progress::{Reporter, TOLD},
    signals,
    summary::{count, number},
    voice::{self, Hinted},
};

/// The version of the JSON that `--json` prints; it changes when a name or a meaning does.
const VERSION: u32 = 1;

pub(crate) fn eval(args: &Eval, voice: &Voice) -> anyhow::Result<u8> {
    let common = args.common();
    let selection = Selection {
        wanted: common
            .wanted
            .iter()
            .map(|wanted| pair(wanted, "--where", "FIELD=VALUE"))
            .collect::<anyhow::Result<_>>()?,
        limit: common.limit,
    };
    // Mistakes in the pipeline are cheaper to find than gold is to read.
    let Some(pipeline) = pipeline(common)? else {
        return Ok(1);
    };
    let Some(whole) = check::plan(&pipeline, &common.search) else {
        return Ok(1);
    };
    let (mut task, bad) = task(args, &selection).map_err(hinted)?;
    let Some(plan) = only_needed(common, pipeline, whole, &*task)? else {
        return Ok(1);
    };
    tell_bad(&bad);
    plan.load()?;

    let documents = task.documents();
    let read = documents.len();
    let control = Control::new();
    signals::steer(&control).context("failed to listen for Ctrl-C")?;
    let mut scoring = Scoring {
        task: &mut *task,
        seen: BTreeSet::new(),
    };
    let mut failed = Failed::default();
    let run = plan.run(
        Box::new(Documents::new(documents)),
        &mut scoring,
        &mut failed,
        &control,
        Arc::new(Reporter::new(voice, false, None)),
    );
    voice::end_bar();
    let seen = scoring.seen;
    match &run.outcome {
        Outcome::Stopped(reason) => {
            voice::say_error(&anyhow::anyhow!("{reason}"));
            return Ok(run.exit_code());
        }
        Outcome::BudgetExceeded(budget) => {
            voice::say_error(&anyhow::anyhow!(
                "more documents failed than {budget} under `[run]` allows"
            ));
            return Ok(run.exit_code());
        }
        // A document that failed, or that a stage dropped, is one in which nothing was found.
        Outcome::Finished => {
            for index in (0..read).filter(|index| !seen.contains(index)) {
                task.score(index, None);
            }
        }
        // Nobody knows about those that were not run.
        _ => failed.0.iter().for_each(|index| task.score(*index, None)),
    }

    let evaluation = Evaluation {
        version: VERSION,
        task: args.name(),
        data: common.data.iter().map(|path| shown(path)).collect(),
        pipeline: shown(&common.pipeline),
        set: &common.set,
        stages: plan
            .graph()
            .stages
            .iter()
            .map(|stage| StageOfRun {
                name: &stage.name,
                plugin: &stage.plugin,
            })
            .collect(),
        documents: DocumentsOfRun {
            read,
            scored: seen.len(),
            dropped: run.counts.dropped,
            failed: run.counts.failed,
        },
        report: task.report(common.worst),
        bad_records: &bad,
    };
    let mut stdout = anstream::stdout().lock();
    if common.json {
        serde_json::to_writer_pretty(&mut stdout, &evaluation)?;
        writeln!(stdout)?;
    } else {
        write!(stdout, "{}", evaluation.page())?;
    }
    Ok(match run.exit_code() {
        0 if !bad.is_empty() => 3,
        code => code,
    })
}

fn task(args: &Eval, selection: &Selection) -> Result<(Box<dyn Task>, Vec<BadRecord>), GoldError> {
    Ok(match args {
        Eval::Ner(common) => boxed(Ner::read(&common.data, selection)?),
        Eval::Coref(args) => {
            let options = coref::Options {
                leave_out_genres: args.leave_out_genres.clone(),
                singletons: args.singletons,
            };
            boxed(Coref::read(&args.common.data, selection, options)?)
        }
        Eval::Quotes(common) => boxed(Quotes::read(&common.data, selection)?),
        Eval::Sentiment(args) => {
            let by = match args.mentions {
                Mentions::Given => sentiment::Mentions::Given,
                Mentions::Found => sentiment::Mentions::Found,
            };
            boxed(Sentiment::read(&args.common.data, selection, by)?)
        }
        Eval::Cleanup(args) => {
            let plain_text = |page: &[u8]| {
                let html = copydesk_io::decode_page(page).text;
                NewDocument::new("", cleanup::plain_text(&html))
            };
            let page: cleanup::ReadPage<'_> = if args.plain_text {
                &plain_text
            } else {
                &copydesk_io::page
            };
            boxed(Cleanup::read(&args.common.data, selection, page)?)
        }
        Eval::Seeds(args) => boxed(Seeds::read(&args.common.data, selection, &args.articles)?),
    })
}

fn boxed((task, bad): (impl Task + 'static, Vec<BadRecord>)) -> (Box<dyn Task>, Vec<BadRecord>) {
    (Box::new(task), bad)
}

fn hinted(error: GoldError) -> anyhow::Error {
    let hint = match &error {
        GoldError::Read { .. } | GoldError::Empty { .. } => {
            "`--data` names the gold; docs/evaluation.md has its forms"
        }
        GoldError::NoneUsable { .. } => {
            "docs/evaluation.md has the form of the records of each task"
        }
        GoldError::NoneLeft => "the data are empty, or `--where` and `--limit` leave nothing",
        _ => return error.into(),
    };
    Hinted::new(error, hint).into()
}

/// The pipeline with what the command line changes in it; `None` if it is no TOML.
fn pipeline(common: &Common) -> anyhow::Result<Option<Pipeline>> {
    if !common.pipeline.exists() {
        let file = shown(&common.pipeline);
        let error = format!("there is no pipeline file `{file}`");
        let hint = "name one with `--pipeline`";
        return Err(Hinted::new(error, hint).into());
    }
    let Some(mut pipeline) = check::load(&common.pipeline)? else {
        return Ok(None);
    };
    pipeline.run.threads = common.threads.or(pipeline.run.threads);
    for set in &common.set {
        let (option, value) = pair(set, "--set", "STAGE.OPTION=VALUE")?;
        let Some((stage, option)) = option.split_once('.') else {
            let error = format!("`--set {set}` names no stage");
            return Err(Hinted::new(error, "write `--set STAGE.OPTION=VALUE`").into());
        };
        let names: Vec<&str> = pipeline.stages.iter().map(|one| one.name()).collect();
        let names = names.join(", ");
        let Some(stage) = pipeline.stages.iter_mut().find(|one| one.name() == stage) else {
            let error = format!("`--set {set}`: the pipeline has no stage `{stage}`");
            return Err(Hinted::new(error, format!("its stages are {names}")).into());
        };
        stage.options.insert(option.to_owned(), parsed(&value));
    }
    Ok(Some(pipeline))
}

/// A value as TOML has it; a plain word need not stand in quotation marks.
fn parsed(value: &str) -> Value {
    let table: Option<toml::Table> = toml::from_str(&format!("value = {value}")).ok();
    table
        .and_then(|mut table| table.remove("value"))
        .and_then(|value| serde_json::to_value(value).ok())
        .unwrap_or_else(|| value.into())
}

fn pair(given: &str, flag: &str, form: &str) -> anyhow::Result<(String, String)> {
    match given.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => {
            let error = format!("`{flag} {given}` has no name and value");
            Err(Hinted::new(error, format!("write `{flag} {form}`")).into())
        }
    }
}

/// The plan of the stages up to the last one that the task reads from, without those that edit the
/// text unless the gold is made of raw articles. `None` if they do not go together, which has been
/// said then.
fn only_needed(
    common: &Common,
    mut pipeline: Pipeline,
    whole: Plan,
    task: &dyn Task,
) -> anyhow::Result<Option<Plan>> {
    let provides = |layer: &str| {
        whole.stages().iter().rposition(|stage| {
            let mut layers = stage.contract().layers.iter();
            layers.any(|provided| provided.stored_as == layer)
        })
    };
    let mut last = 0;
    for layer in task.layers() {
        let Some(index) = provides(layer) else {
            let file = shown(&common.pipeline);
            let error = format!("no stage of `{file}` provides the layer `{layer}`");
            let hint = "choose another pipeline with `--pipeline`, or add the stage to this one";
            return Err(Hinted::new(error, hint).into());
        };
        last = last.max(index);
    }
    let options = task.options();
    for (layer, option, value) in &options {
        if let Some(index) = provides(layer) {
            let options = &mut pipeline.stages[index].options;
            options.insert((*option).to_owned(), value.clone());
        }
    }
    let keep: Vec<bool> = whole
        .stages()
        .iter()
        .enumerate()
        .map(|(index, stage)| {
            let is_needed =
                index <= last && (task.takes_raw_articles() || !stage.contract().edits_text);
            is_needed || common.whole
        })
        .collect();
    if options.is_empty() && keep.iter().all(|keep| *keep) {
        return Ok(Some(whole));
    }
    let mut keep = keep.into_iter();
    pipeline.stages.retain(|_| keep.next().unwrap_or(false));
    Ok(check::plan(&pipeline, &common.search))
}

fn tell_bad(bad: &[BadRecord]) {
    for record in bad.iter().take(TOLD as usize) {
        tracing::warn!("{record}");
    }
    let rest = bad.len().saturating_sub(TOLD as usize);
    if rest > 0 {
        tracing::warn!("{} more cannot be used", count(rest as u64, "record"));
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Scores what comes out of the pipeline.
struct Scoring<'t> {
    task: &'t mut dyn Task,
    seen: BTreeSet<usize>,
}

impl Sink for Scoring<'_> {
    fn write(&mut self, batch: &Batch) -> Result<(), SinkError> {
        for i in 0..batch.len() {
            let index = batch.seq(i) as usize;
            self.task.score(index, Some(&Predicted::new(batch, i)));
            self.seen.insert(index);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

/// Which documents failed.
#[derive(Default)]
struct Failed(Vec<usize>);

impl DeadLetters for Failed {
    fn write(&mut self, letter: &DeadLetter) -> Result<(), SinkError> {
        self.0.push(letter.seq as usize);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

/// What `--json` prints.
#[derive(Serialize)]
struct Evaluation<'a> {
    version: u32,
    task: &'static str,
    data: Vec<String>,
    pipeline: String,
    set: &'a [String],
    stages: Vec<StageOfRun<'a>>,
    documents: DocumentsOfRun,
    #[serde(flatten)]
    report: Report,
    bad_records: &'a [BadRecord],
}

#[derive(Serialize)]
struct StageOfRun<'a> {
    name: &'a str,
    plugin: &'a str,
}

#[derive(Serialize)]
struct DocumentsOfRun {
    read: usize,
    scored: usize,
    dropped: u64,
    failed: u64,
}

impl Evaluation<'_> {
    fn page(&self) -> String {
        let stages: Vec<&str> = self.stages.iter().map(|stage| stage.name).collect();
        let mut head = format!(
            "{} on {}\npipeline {}: {}",
            self.task,
            self.data.join(", "),
            self.pipeline,
            stages.join(", ")
        );
        for set in self.set {
            head += &format!(", {set}");
        }
        let documents = &self.documents;
        head += &format!("\n{}", count(documents.read as u64, "document"));
        let mut troubles = vec![
            (documents.dropped, "dropped"),
            (documents.failed, "failed"),
            (self.bad_records.len() as u64, "bad records left out"),
        ];
        troubles.retain(|(n, _)| *n > 0);
        for (n, what) in troubles {
            head += &format!(", {} {what}", number(n));
        }
        format!("{head}\n\n{}", self.report)
    }
}
