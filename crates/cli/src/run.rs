//! `copydesk run`.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::Context;
use copydesk_document::offsets::Unit;
use copydesk_engine::{
    Control, Outcome, Plan, Report, Skip,
    config::{self, OffsetUnit, OutputFormat, Pipeline},
};
use copydesk_io::{
    DeadLetterFile, Format, InputError, InputFile, InputFormat, Layout, Output, OutputError,
    OutputPlace, Pretty, Reader, discover,
};

use crate::{
    args::{self, LogFormat, Run, Voice},
    check,
    progress::Reporter,
    run_dir,
    select::{self, Sample},
    signals,
    summary::{self, Destinations, number},
    voice::{self, Hinted},
};

pub(crate) fn run(args: &Run, voice: &Voice) -> anyhow::Result<u8> {
    let Some(prepared) = prepare(args)? else {
        return Ok(1);
    };
    if let Some(folder) = run_dir::folder(args) {
        return run_dir::run(args, voice, prepared, &folder);
    }
    let Prepared {
        pipeline,
        places,
        plan,
        files,
    } = prepared;
    let limit = pipeline.run.max_document_bytes();
    let part = part(args, &files);
    let whole = args.sample.map(|_| files.clone());
    let reader = Reader::new(files, &pipeline.input, limit, part).map_err(hinted_input)?;
    let control = Control::new();
    signals::steer(&control).context("failed to listen for Ctrl-C")?;
    // What is cheap to find out comes first, weights are loaded last.
    let overwrite = pipeline.output.overwrite;
    let mut writer = output(&pipeline, &plan, &places)
        .open(overwrite)
        .map_err(hinted_output)?;
    let dead_letters = places.dead_letters.as_deref();
    let ready = DeadLetterFile::new(dead_letters.map(Path::new), overwrite)
        .map_err(hinted_output)
        .and_then(|letters| Ok((letters, plan.load()?)));
    let mut letters = match ready {
        Ok((letters, ())) => letters,
        Err(error) => {
            writer.discard();
            return Err(error);
        }
    };

    let to_stdout = pipeline.output.is_stdout();
    let reporter = Arc::new(Reporter::new(voice, to_stdout, places.dead_letters.clone()));
    let report = plan.run(
        Box::new(reader),
        &mut *writer,
        &mut letters,
        &control,
        reporter,
    );
    voice::end_bar();

    let to = Destinations {
        output: places.output.as_deref(),
        dead_letters,
        report: None,
    };
    say_end(&report, &to, voice);
    if let (Some(whole), Outcome::Finished) = (whole, &report.outcome) {
        let extent =
            select::count(whole, &pipeline.input, limit, COUNTING).map_err(hinted_input)?;
        let output = places.output.as_deref().map(Path::new);
        let bytes = output.and_then(|path| Some(path.metadata().ok()?.len()));
        summary::say_estimate(&report, extent, bytes, voice);
    }
    Ok(report.exit_code())
}

/// How long the records of the whole input may be counted for an estimate.
const COUNTING: Duration = Duration::from_secs(10);

/// What a run needs, before anything is written.
pub(crate) struct Prepared {
    pub(crate) pipeline: Pipeline,
    pub(crate) places: Places,
    pub(crate) plan: Plan,
    pub(crate) files: Vec<InputFile>,
}

/// Reads the pipeline file, checks it, and lists the inputs; `None` if something is wrong, which
/// has been said then.
pub(crate) fn prepare(args: &Run) -> anyhow::Result<Option<Prepared>> {
    let Some(mut pipeline) = check::load(&args.pipeline)? else {
        return Ok(None);
    };
    let places = override_by(args, &mut pipeline);
    let Some(plan) = check::plan(&pipeline, &args.search) else {
        return Ok(None);
    };
    match inputs(&pipeline, &places) {
        Ok(files) => Ok(Some(Prepared {
            pipeline,
            places,
            plan,
            files,
        })),
        Err(errors) => {
            voice::say_errors(&errors);
            Ok(None)
        }
    }
}

/// The part of the input that is asked for.
fn part(args: &Run, files: &[InputFile]) -> Option<Arc<dyn Skip>> {
    if let Some(documents) = args.sample {
        return Some(Arc::new(Sample::new(documents, files.len() as u64)));
    }
    args.shard.map(|shard| Arc::new(shard) as Arc<dyn Skip>)
}

/// Says how a run ended, and what it did.
pub(crate) fn say_end(report: &Report, to: &Destinations<'_>, voice: &Voice) {
    if let Outcome::Stopped(reason) = &report.outcome {
        voice::say_error(&anyhow::anyhow!("{reason}"));
    }
    if let Outcome::BudgetExceeded(budget) = &report.outcome {
        voice::say_error(&anyhow::anyhow!(
            "more documents failed than {budget} under `[run]` allows: {} of {}",
            number(report.counts.failed),
            number(report.counts.total())
        ));
    }
    match (&report.outcome, voice.log_format) {
        (Outcome::BrokenPipe, _) => {}
        (_, LogFormat::Json) => summary::event(report, to),
        (_, LogFormat::Text) if !voice.quiet => voice::say(summary::summary(report, to)),
        _ => {}
    }
}

/// Where things are read and written, as paths from the working directory.
pub(crate) struct Places {
    inputs_from: std::path::PathBuf,
    /// `None` is the standard output.
    pub(crate) output: Option<String>,
    dead_letters: Option<String>,
}

/// What the command line says goes before what the file says. Paths in the file count from its
/// folder, those on the command line from the working directory.
fn override_by(args: &Run, pipeline: &mut Pipeline) -> Places {
    let base = pipeline.base().to_owned();
    let from_file = |path: &str| base.join(path).display().to_string();
    let Pipeline {
        input, output, run, ..
    } = pipeline;
    let mut inputs_from = base.clone();
    if !args.inputs.is_empty() {
        input.paths = args.inputs.clone();
        inputs_from = std::path::PathBuf::new();
    }
    match args.input_format {
        None => {}
        Some(args::InputFormat::Auto) => input.format = config::InputFormat::Auto,
        Some(args::InputFormat::Text) => input.format = config::InputFormat::Text,
        Some(args::InputFormat::Jsonl) => input.format = config::InputFormat::Jsonl,
        Some(args::InputFormat::Html) => input.format = config::InputFormat::Html,
    }
    // A page for the terminal goes there unless somebody says otherwise.
    let to_terminal = args.format == Some(args::OutputFormat::Pretty);
    match (&args.output, to_terminal) {
        (Some(path), _) => output.path = path.clone(),
        (None, true) => output.path = "-".to_owned(),
        (None, false) if !output.is_stdout() => output.path = from_file(&output.path),
        (None, false) => {}
    }
    match args.format {
        None => {}
        Some(args::OutputFormat::Jsonl) => output.format = OutputFormat::Jsonl,
        Some(args::OutputFormat::Pretty) => output.format = OutputFormat::Pretty,
    }
    match (&args.dead_letters, &output.dead_letters) {
        (Some(path), _) => output.dead_letters = Some(path.clone()),
        (None, Some(path)) => output.dead_letters = Some(from_file(path)),
        (None, None) => {}
    }
    if let Some(shard) = args.shard {
        if !output.is_stdout() {
            output.path = shard.path(&output.path);
        }
        output.dead_letters = output.dead_letters.take().map(|path| shard.path(&path));
    }
    output.overwrite |= args.overwrite;
    run.threads = args.threads.or(run.threads);
    Places {
        inputs_from,
        output: (!output.is_stdout()).then(|| output.path.clone()),
        dead_letters: output.dead_letters_path(),
    }
}

fn inputs(pipeline: &Pipeline, places: &Places) -> Result<Vec<InputFile>, Vec<anyhow::Error>> {
    let input = &pipeline.input;
    if input.paths.is_empty() {
        let hint = "name files or folders on the command line, or in `paths` under `[input]`; `-` is standard input";
        return Err(vec![Hinted::new("there is nothing to read", hint).into()]);
    }
    let own: Vec<&Path> = places
        .output
        .iter()
        .chain(&places.dead_letters)
        .map(Path::new)
        .collect();
    let search = copydesk_io::Search {
        base: places.inputs_from.clone(),
        format: match input.format {
            config::InputFormat::Auto => None,
            config::InputFormat::Text => Some(InputFormat::Text),
            config::InputFormat::Jsonl => Some(InputFormat::JsonLines),
            config::InputFormat::Html => Some(InputFormat::Html),
        },
        exclude: own,
    };
    discover(&input.paths, &search).map_err(|errors| errors.into_iter().map(hinted_input).collect())
}

pub(crate) fn output(pipeline: &Pipeline, plan: &Plan, places: &Places) -> Output {
    let output = &pipeline.output;
    let unit = match output.offsets {
        OffsetUnit::Char => Unit::Char,
        OffsetUnit::Byte => Unit::Byte,
        OffsetUnit::Utf16 => Unit::Utf16,
    };
    let contracts = plan.stages().iter().map(|stage| &**stage.contract());
    let layout = Layout::new(contracts, &output.include, unit);
    let format = match output.format {
        OutputFormat::Jsonl => Format::JsonLines,
        OutputFormat::Pretty => {
            let colour = places.output.is_none() && voice::stdout_has_colour();
            Format::Pretty(Pretty::new(terminal_width(), colour))
        }
    };
    let place = match &places.output {
        None => OutputPlace::Stdout,
        Some(path) => OutputPlace::File(path.into()),
    };
    Output::new(place, format, layout)
}

fn terminal_width() -> usize {
    const USUAL: usize = 80;
    let told = std::env::var("COLUMNS")
        .ok()
        .and_then(|columns| columns.parse().ok());
    told.or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)))
        .unwrap_or(USUAL)
}

pub(crate) fn hinted_input(error: InputError) -> anyhow::Error {
    match error.hint() {
        Some(hint) => Hinted::new(error, hint).into(),
        None => error.into(),
    }
}

pub(crate) fn hinted_output(error: OutputError) -> anyhow::Error {
    match error.hint() {
        Some(hint) => Hinted::new(error, hint).into(),
        None => error.into(),
    }
}
