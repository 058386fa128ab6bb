//! `copydesk run`.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::Context;
use copydesk_document::offsets::Unit;
use copydesk_engine::{
    Control, Outcome, Plan, Report, Skip,
    config::{self, Compression, OffsetUnit, OutputFormat, Pipeline},
};
use copydesk_io::{
    DeadLetterFile, Format, InputError, InputFile, InputFormat, Layout, Output, OutputError,
    OutputPlace, Outputs, Pretty, Reader, discover,
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
    let whole = args.sample.map(|_| files.clone());
    let mut reader = Reader::new(files, &pipeline.input, limit, None).map_err(hinted_input)?;
    if let Some(part) = part(args, reader.splits()) {
        reader.pass_over(part);
    }
    let control = Control::new();
    signals::steer(&control).context("failed to listen for Ctrl-C")?;
    // What is cheap to find out comes first, weights are loaded last.
    let overwrite = pipeline.output.overwrite;
    let mut writer = Outputs::open(&outputs(&pipeline, &plan), overwrite).map_err(hinted_output)?;
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
        &mut writer,
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
fn part(args: &Run, splits: u32) -> Option<Arc<dyn Skip>> {
    if let Some(documents) = args.sample {
        return Some(Arc::new(Sample::new(documents, u64::from(splits))));
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
    if let Some(format) = args.input_format {
        input.format = format.into();
    }
    for output in output.all_mut().filter(|output| !output.is_stdout()) {
        output.path = from_file(&output.path);
    }
    // A page for the terminal goes there unless somebody says otherwise.
    let to_terminal = args.format == Some(args::OutputFormat::Pretty);
    let place = args.output.clone().or(to_terminal.then(|| "-".to_owned()));
    if let Some(place) = place {
        output.keep_first();
        output.path = place;
        // What the file says of its own output is not meant for another.
        if matches!(output.format, OutputFormat::Parquet | OutputFormat::Sqlite) {
            output.format = OutputFormat::Auto;
        }
        output.compression = output.compression.filter(|_| output.is_folder());
    }
    if let Some(format) = args.format {
        output.format = format.into();
    }
    match (&args.dead_letters, &output.dead_letters) {
        (Some(path), _) => output.dead_letters = Some(path.clone()),
        (None, Some(path)) => output.dead_letters = Some(from_file(path)),
        (None, None) => {}
    }
    if let Some(shard) = args.shard {
        for output in output.all_mut().filter(|output| !output.is_stdout()) {
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
    let outputs = pipeline.output.all().map(|output| &output.path);
    let own: Vec<&Path> = outputs.chain(&places.dead_letters).map(Path::new).collect();
    let search = copydesk_io::Search {
        base: places.inputs_from.clone(),
        format: InputFormat::of_config(input.format),
        exclude: own,
    };
    discover(&input.paths, &search).map_err(|errors| errors.into_iter().map(hinted_input).collect())
}

pub(crate) fn outputs(pipeline: &Pipeline, plan: &Plan) -> Vec<Output> {
    let output = |output: &config::Output| {
        let unit = match output.offsets {
            OffsetUnit::Char => Unit::Char,
            OffsetUnit::Byte => Unit::Byte,
            OffsetUnit::Utf16 => Unit::Utf16,
        };
        let contracts = plan.stages().iter().map(|stage| &**stage.contract());
        let layout = Layout::new(contracts, &output.include, unit);
        let place = OutputPlace::of(&output.path);
        let format = match output.kind() {
            OutputFormat::Pretty => {
                let colour = output.is_stdout() && voice::stdout_has_colour();
                Format::Pretty(Pretty::new(terminal_width(), colour))
            }
            OutputFormat::Parquet => Format::Parquet,
            OutputFormat::Sqlite => Format::Sqlite,
            OutputFormat::Jsonl | OutputFormat::Auto => Format::JsonLines {
                packed: output.compression.map(|packed| match packed {
                    Compression::Gz => "gz",
                    Compression::Zst => "zst",
                }),
            },
        };
        Output::new(place, format, layout, output.part_documents as usize)
    };
    pipeline.output.all().map(output).collect()
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
