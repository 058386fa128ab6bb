//! `copydesk run`.

use std::{path::Path, sync::Arc};

use anyhow::Context;
use copydesk_document::offsets::Unit;
use copydesk_engine::{
    Control, Outcome, Plan,
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
    signals,
    summary::{self, Destinations},
    voice::{self, Hinted},
};

pub(crate) fn run(args: &Run, voice: &Voice) -> anyhow::Result<u8> {
    let Some(mut pipeline) = check::load(&args.pipeline)? else {
        return Ok(1);
    };
    let places = override_by(args, &mut pipeline);
    let Some(plan) = check::plan(&pipeline, &args.search) else {
        return Ok(1);
    };

    let files = match inputs(&pipeline, &places) {
        Ok(files) => files,
        Err(errors) => {
            voice::say_errors(&errors);
            return Ok(1);
        }
    };
    let limit = pipeline.run.max_document_bytes();
    let reader = Reader::new(files, &pipeline.input, limit, None).map_err(hinted_input)?;
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
    };
    if let Outcome::Stopped(reason) = &report.outcome {
        voice::say_error(&anyhow::anyhow!("{reason}"));
    }
    if let Outcome::BudgetExceeded(budget) = &report.outcome {
        voice::say_error(&anyhow::anyhow!(
            "more documents failed than {budget} under `[run]` allows"
        ));
    }
    match (&report.outcome, voice.log_format) {
        (Outcome::BrokenPipe, _) => {}
        (_, LogFormat::Json) => summary::event(&report, &to),
        (_, LogFormat::Text) if !voice.quiet => voice::say(summary::summary(&report, &to)),
        _ => {}
    }
    Ok(report.exit_code())
}

/// Where things are read and written, as paths from the working directory.
struct Places {
    inputs_from: std::path::PathBuf,
    /// `None` is the standard output.
    output: Option<String>,
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

fn output(pipeline: &Pipeline, plan: &Plan, places: &Places) -> Output {
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

fn hinted_output(error: OutputError) -> anyhow::Error {
    match error.hint() {
        Some(hint) => Hinted::new(error, hint).into(),
        None => error.into(),
    }
}
