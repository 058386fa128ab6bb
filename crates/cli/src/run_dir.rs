//! `copydesk run --run-dir`: a run that continues after any interruption.

use std::{
    cmp::Reverse,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use copydesk_engine::{Control, Counts, Outcome, Report, Skip, StopReason};
use copydesk_io::{InputFile, Output, Reader};
use copydesk_rundir::{Book, Change, IfChanged, Manifest, Opening, RunDir, RunDirError, Weight};

use crate::{
    args::{Run, Voice},
    progress::Reporter,
    report,
    run::{self, Prepared},
    select::AnyOf,
    signals,
    summary::{Destinations, count, number},
    voice::{self, HINT, Hinted, STRONG},
};

/// Where the run directory of this command is; each shard has its own.
pub(crate) fn folder(args: &Run) -> Option<PathBuf> {
    let folder = args.run_dir.as_ref()?;
    Some(match args.shard {
        Some(shard) => shard.folder(folder),
        None => folder.clone(),
    })
}

pub(crate) fn run(
    args: &Run,
    voice: &Voice,
    prepared: Prepared,
    folder: &Path,
) -> anyhow::Result<u8> {
    let outputs = outputs(&prepared)?;
    let files = with_splits(&prepared)?;
    let shard = args.shard.map(|shard| shard.to_string());
    let manifest = Manifest::new(&prepared.pipeline, &prepared.plan, &args.pipeline, shard);
    let if_changed = match (args.keep, args.restart) {
        (true, _) => IfChanged::Keep,
        (_, true) => IfChanged::Restart,
        _ => IfChanged::Stop,
    };
    let shown = folder.display().to_string();
    let mut dir = match RunDir::open(folder, manifest, &files, if_changed).map_err(hinted)? {
        Opening::New(dir) => *dir,
        Opening::Continued {
            dir,
            left_by,
            changes,
        } => {
            if let Some(owner) = left_by {
                tracing::warn!(
                    "{owner} worked in `{shown}` and did not end in order; what it had not recorded is done again"
                );
            }
            say_changes(&changes);
            say(
                voice,
                &format!("continuing `{shown}`: {}", so_far(dir.counts())),
            );
            *dir
        }
        Opening::Finished(dir) => {
            let counts = dir.counts();
            say(
                voice,
                &format!("`{shown}` is finished: {}; nothing to do", so_far(counts)),
            );
            return Ok(code_of(counts));
        }
        Opening::Changed {
            changes,
            counts,
            finished,
        } => {
            say_changed(&shown, &changes, counts, finished);
            return Ok(1);
        }
        _ => anyhow::bail!("`{shown}` cannot be opened by this version"),
    };
    let overwrite = prepared.pipeline.output.overwrite || dir.owns_output();
    for output in &outputs {
        // What is written into the output itself is ours as soon as a chunk is recorded.
        let ours = overwrite || (output.part_name(0).is_none() && dir.chunks() > 0);
        output.refuse_existing(ours).map_err(run::hinted_output)?;
    }
    dir.settle(&outputs).map_err(hinted)?;
    let control = Control::new();
    signals::steer(&control).context("failed to listen for Ctrl-C")?;
    prepared.plan.load()?;

    let mut skip: Vec<Arc<dyn Skip>> = vec![Arc::new(dir.finished())];
    skip.extend(args.shard.map(|shard| Arc::new(shard) as Arc<dyn Skip>));
    let limit = prepared.pipeline.run.max_document_bytes();
    let input = &prepared.pipeline.input;
    let reader = Reader::new(prepared.files, input, limit, Some(Arc::new(AnyOf(skip))))
        .map_err(run::hinted_input)?;
    let source = dir.watch(Box::new(reader));
    let earlier = dir.earlier(&[]).map_err(hinted)?;
    let letters = dir.letters_path().display().to_string();
    let reporter = Arc::new(Reporter::new(voice, false, Some(letters)));
    let chunk = prepared.pipeline.run.chunk_documents;
    let mut book = Book::new(&mut dir, &outputs, chunk, Vec::new());
    let report = prepared
        .plan
        .run_into(source, &mut book, earlier, &control, reporter);
    voice::end_bar();
    let is_whole = matches!(report.outcome, Outcome::Finished);
    let report = finish(report, &mut dir, &outputs, is_whole);
    end(&report, &dir, &outputs, voice)
}

/// Puts the outputs together if all of the input was read and they can be. What the run has done
/// is then what is recorded.
pub(crate) fn finish(
    mut report: Report,
    dir: &mut RunDir,
    outputs: &[Output],
    is_whole: bool,
) -> Report {
    if is_whole && let Err(error) = dir.finish(outputs) {
        report.outcome = Outcome::Stopped(StopReason::Sink(error));
    }
    report.counts = dir.counts();
    report.causes = dir.causes().to_vec();
    report.causes.sort_by_key(|cause| Reverse(cause.documents));
    report
}

/// Writes the report and says how it went.
pub(crate) fn end(
    report: &Report,
    dir: &RunDir,
    outputs: &[Output],
    voice: &Voice,
) -> anyhow::Result<u8> {
    let places: Vec<String> = outputs
        .iter()
        .map(|output| output.place().to_string().trim_matches('`').to_owned())
        .collect();
    let path = dir.report_path();
    let text = serde_json::to_vec_pretty(&report::json(report, dir, &places))?;
    if let Err(error) = dir.write_report(&text) {
        // The run is as it is whether somebody can read about it or not.
        tracing::warn!("{error}");
    }
    let letters = dir.letters_path().display().to_string();
    let path = path.display().to_string();
    let to = Destinations {
        output: places
            .first()
            .filter(|_| dir.is_finished())
            .map(String::as_str),
        dead_letters: Some(&letters),
        report: Some(&path),
    };
    run::say_end(report, &to, voice);
    if !dir.is_finished() && !voice.quiet && !voice::is_json() {
        voice::say("the same command continues the run");
    }
    Ok(report.exit_code())
}

/// The outputs of a run, all of which must be such that they can be written in parts.
pub(crate) fn outputs(prepared: &Prepared) -> anyhow::Result<Vec<Output>> {
    let outputs = run::outputs(&prepared.pipeline, &prepared.plan);
    if let Some(why) = outputs.iter().find_map(Output::why_no_parts) {
        let error = format!("a run directory does not go with this output: {why}");
        let hint = "write JSON Lines to a file: `-o out/articles.jsonl`";
        return Err(Hinted::new(error, hint).into());
    }
    Ok(outputs)
}

/// The input files, each with the number of its splits.
pub(crate) fn with_splits(prepared: &Prepared) -> anyhow::Result<Vec<(InputFile, u32)>> {
    let files = &prepared.files;
    if files.iter().any(|file| file.path.is_none()) {
        let error = "a run directory does not go with standard input, which cannot be read again";
        let hint = "write what comes to a file first, or leave out `--run-dir`";
        return Err(Hinted::new(error, hint).into());
    }
    let (input, limit) = (
        &prepared.pipeline.input,
        prepared.pipeline.run.max_document_bytes(),
    );
    let splits = copydesk_io::splits(files, input, limit).map_err(run::hinted_input)?;
    Ok(files.iter().cloned().zip(splits).collect())
}

fn code_of(counts: Counts) -> u8 {
    if counts.failed > 0 { 3 } else { 0 }
}

fn so_far(counts: Counts) -> String {
    let mut text = format!("{} done", count(counts.done, "document"));
    if counts.dropped > 0 {
        text += &format!(", {} dropped", number(counts.dropped));
    }
    if counts.failed > 0 {
        text += &format!(", {} failed", number(counts.failed));
    }
    text
}

fn say(voice: &Voice, words: &str) {
    if voice::is_json() {
        tracing::info!("{words}");
    } else if !voice.quiet {
        voice::say(words);
    }
}

/// What has changed and may have changed.
pub(crate) fn say_changes(changes: &[Change]) {
    for change in changes {
        match change.weight {
            Weight::None => tracing::info!("changed since the run began: {}", change.words),
            _ => tracing::warn!("changed since the run began: {}", change.words),
        }
    }
}

fn say_changed(shown: &str, changes: &[Change], counts: Counts, finished: bool) {
    let so_far = so_far(counts);
    let state = if finished { "finished" } else { "begun" };
    let error = format!("`{shown}` was {state} ({so_far}) with something else");
    let weighty: Vec<&Change> = changes
        .iter()
        .filter(|change| change.weight != Weight::None)
        .collect();
    let only_restart = changes
        .iter()
        .any(|change| change.weight == Weight::Restart);
    let hint = if only_restart {
        "undo the change, or begin anew with `--restart`, which throws away what was done"
    } else {
        "undo the change, go on with it from here with `--keep` (what is done stays as it is), or begin anew with `--restart`, which throws away what was done"
    };
    if voice::is_json() {
        let changes: Vec<&str> = weighty.iter().map(|change| change.words.as_str()).collect();
        tracing::error!(changes = changes.join("; "), hint, "{error}");
        return;
    }
    let error = anyhow::anyhow!("{error}");
    voice::say_error(&error);
    for change in weighty {
        voice::say(format_args!("  - {}", change.words));
    }
    voice::say(format_args!(
        "\n{HINT}hint{HINT:#}{STRONG}:{STRONG:#} {hint}"
    ));
}

pub(crate) fn hinted(error: RunDirError) -> anyhow::Error {
    match error.hint() {
        Some(hint) => Hinted::new(error, hint).into(),
        None => error.into(),
    }
}
