//! `copydesk dead-letter`: documents that failed, one by one, and once more.

use std::{collections::BTreeSet, io::Write, sync::Arc};

use anyhow::Context;
use clap::Parser;
use copydesk_document::NewDocument;
use copydesk_engine::{
    Control, InputFailure, Outcome, SizeHint, Skip, Source, index_of, position, split_of,
};
use copydesk_io::Reader;
use copydesk_rundir::{Book, Letter, Manifest, RunDir, Weight, read_letters};

use crate::{
    args::{Cli, Command, LetterFilter, LetterList, LetterReplay, LetterShow, Run, Voice},
    progress::Reporter,
    run::{self, Prepared},
    run_dir::{self, hinted},
    signals,
    summary::{count, number},
    voice::{self, Hinted},
};

impl LetterFilter {
    fn fits(&self, letter: &Letter) -> bool {
        let is =
            |wanted: &Option<String>, is: &str| wanted.as_ref().is_none_or(|wanted| wanted == is);
        let letter = &letter.letter;
        is(&self.stage, &letter.stage)
            && is(&self.code, &letter.code)
            && is(&self.class, letter.class.as_str())
            && is(&self.id, &letter.id)
    }
}

pub(crate) fn list(args: &LetterList) -> anyhow::Result<u8> {
    let mut all = 0;
    let mut replayed = 0;
    let mut stdout = anstream::stdout().lock();
    let mut written = Ok(());
    let letters = read_letters(&args.from, |letter| {
        if !args.filter.fits(letter) {
            return false;
        }
        all += 1;
        replayed += u64::from(letter.replayed.is_some());
        let shown = args.all || letter.replayed.is_none();
        if args.json {
            if shown && written.is_ok() {
                written = print(&mut stdout, letter);
            }
            return false;
        }
        letter.letter.document = None;
        shown
    })
    .map_err(hinted)?;
    written?;
    if args.json {
        return Ok(0);
    }
    if !letters.is_empty() {
        write!(stdout, "{}", table(&letters, args.all))?;
    }
    if tracing::enabled!(tracing::Level::WARN) && !voice::is_json() {
        let mut words = format!("{} open", count(all - replayed, "dead letter"));
        if replayed > 0 {
            words += &format!(", {} replayed", number(replayed));
            if !args.all {
                words += " (`--all` shows them)";
            }
        }
        voice::say(words);
    }
    Ok(0)
}

fn print(stdout: &mut impl Write, letter: &Letter) -> std::io::Result<()> {
    serde_json::to_writer(&mut *stdout, letter)?;
    writeln!(stdout)
}

fn table(letters: &[Letter], with_state: bool) -> String {
    let head = ["#", "stage", "class", "code", "tries", "replayed", "id"];
    let rows = letters.iter().map(|letter| {
        let (number, replayed) = (letter.number, letter.replayed);
        let letter = &letter.letter;
        [
            number.to_string(),
            letter.stage.clone(),
            letter.class.as_str().to_owned(),
            letter.code.clone(),
            letter.attempts.to_string(),
            replayed.map_or("no", |became| became.as_str()).to_owned(),
            letter.id.clone(),
        ]
    });
    let rows: Vec<[String; 7]> = std::iter::once(head.map(str::to_owned))
        .chain(rows)
        .collect();
    let width = |column: usize| {
        let widths = rows.iter().map(|row| row[column].chars().count());
        widths.max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let shown = row
            .iter()
            .zip(&widths)
            .zip(head)
            .filter(|(_, head)| with_state || *head != "replayed");
        let cells: Vec<String> = shown
            .map(|((cell, width), head)| match head {
                "#" | "tries" => format!("{cell:>width$}"),
                _ => format!("{cell:<width$}"),
            })
            .collect();
        text += cells.join("  ").trim_end();
        text.push('\n');
    }
    text
}

pub(crate) fn show(args: &LetterShow) -> anyhow::Result<u8> {
    let number: Option<u64> = args.which.parse().ok();
    let letters = read_letters(&args.from, |letter| {
        letter.letter.id == args.which || Some(letter.number) == number
    })
    .map_err(hinted)?;
    if letters.is_empty() {
        let error = format!("there is no dead letter `{}`", args.which);
        let hint = "name one by its number or by the id of its document, as `copydesk dead-letter list` shows them";
        return Err(Hinted::new(error, hint).into());
    }
    let mut stdout = anstream::stdout().lock();
    for (i, letter) in letters.iter().enumerate() {
        if args.json {
            print(&mut stdout, letter)?;
            continue;
        }
        if i > 0 {
            writeln!(stdout)?;
        }
        write!(stdout, "{}", page(letter))?;
    }
    Ok(0)
}

fn page(letter: &Letter) -> String {
    let (number, replayed) = (letter.number, letter.replayed);
    let letter = &letter.letter;
    let mut rows = vec![("number", number.to_string()), ("id", letter.id.clone())];
    rows.extend(letter.path.clone().map(|path| ("path", path)));
    let plugin = letter.plugin.as_ref().map(|plugin| format!(" ({plugin})"));
    rows.push(("stage", letter.stage.clone() + &plugin.unwrap_or_default()));
    rows.push(("class", letter.class.as_str().to_owned()));
    rows.push(("code", letter.code.clone()));
    rows.push(("tries", letter.attempts.to_string()));
    if let Some(became) = replayed {
        rows.push(("replayed", became.as_str().to_owned()));
    }
    rows.push(("message", letter.message.clone()));
    let mut text = String::new();
    for (name, value) in rows {
        let value = value.replace('\n', "\n          ");
        text += &format!("{name:<8}  {value}\n");
    }
    match &letter.document {
        Some(document) => text += &format!("\n{}\n", document.raw.trim_end_matches('\n')),
        None => text += "\nIts text is not kept.\n",
    }
    text
}

pub(crate) fn replay(args: &LetterReplay, voice: &Voice) -> anyhow::Result<u8> {
    let folder = std::path::absolute(&args.run_dir).context("cannot tell where we are")?;
    let mut dir = RunDir::reopen(&folder).map_err(hinted)?;
    // Documents are kept in memory only where they cannot be read again.
    let letters = |dir: &RunDir, with_documents: bool| {
        dir.letters(|letter| {
            let open = letter.replayed.is_none() && args.filter.fits(letter);
            if !with_documents {
                letter.letter.document = None;
            }
            open
        })
        .map_err(hinted)
    };
    let open = letters(&dir, false)?;
    if open.is_empty() {
        if !voice.quiet {
            voice::say("no dead letter is open that fits: nothing to do");
        }
        return Ok(0);
    }
    let command = command(dir.manifest(), args)?;
    let Some(prepared) = run::prepare(&command)? else {
        return Ok(1);
    };
    let outputs = run_dir::outputs(&prepared)?;
    let files = run_dir::with_splits(&prepared)?;
    let shard = command.shard.map(|shard| shard.to_string());
    let now = Manifest::new(&prepared.pipeline, &prepared.plan, &command.pipeline, shard);
    let since = dir.changes(&now, &files);
    if let Some(change) = since.made.iter().find(|one| one.weight == Weight::Restart) {
        let error = format!("the output is no longer that of the run: {}", change.words);
        return Err(Hinted::new(error, "undo the change to replay dead letters").into());
    }
    run_dir::say_changes(&since.made);
    run_dir::say_changes(&since.inputs);
    dir.settle(&outputs).map_err(hinted)?;
    let control = Control::new();
    signals::steer(&control).context("failed to listen for Ctrl-C")?;
    prepared.plan.load()?;

    let (source, letters): (Box<dyn Source>, _) = if since.same_files {
        (Box::new(again(&prepared, &open)?), open)
    } else {
        kept(letters(&dir, true)?)
    };
    if !voice.quiet && !voice::is_json() {
        voice::say(format_args!(
            "replaying {} from the first stage: what stages gave before the failure is not kept",
            count(letters.len() as u64, "document")
        ));
    }
    let earlier = dir.earlier(&letters).map_err(hinted)?;
    let path = dir.letters_path().display().to_string();
    let reporter = Arc::new(Reporter::new(voice, false, Some(path)));
    let chunk = prepared.pipeline.run.chunk_documents;
    let mut book = Book::new(&mut dir, &outputs, chunk, letters);
    let report = prepared
        .plan
        .run_into(source, &mut book, earlier, &control, reporter);
    voice::end_bar();
    // What was replayed goes to the output even if not all of it was.
    let can_write = !matches!(report.outcome, Outcome::Stopped(_) | Outcome::Aborted(_));
    let is_whole = can_write && dir.is_read();
    let report = run_dir::finish(report, &mut dir, &outputs, is_whole);
    run_dir::end(&report, &dir, &outputs, voice)
}

/// The command that began the run, in its folder, with what is told otherwise now.
fn command(manifest: &Manifest, args: &LetterReplay) -> anyhow::Result<Run> {
    let again = Cli::try_parse_from(&manifest.command)
        .ok()
        .and_then(|cli| match cli.command {
            Command::Run(run) => Some(run),
            _ => None,
        });
    let mut run = again.with_context(|| {
        let command = manifest.command.join(" ");
        format!("cannot tell what the run did: its manifest has the command `{command}`")
    })?;
    let folders = args.search.plugin_dirs.iter().map(std::path::absolute);
    let folders: Result<Vec<_>, _> = folders.collect();
    let folder = &manifest.working_directory;
    std::env::set_current_dir(folder).with_context(|| {
        format!(
            "cannot go to `{}`, where the run was made",
            folder.display()
        )
    })?;
    run.search.plugin_dirs.splice(0..0, folders?);
    run.threads = args.threads.or(run.threads);
    Ok(run)
}

/// Documents out of the input, where they stand.
fn again(prepared: &Prepared, letters: &[Letter]) -> anyhow::Result<Reader> {
    let only = Only(letters.iter().map(|letter| letter.letter.seq).collect());
    let limit = prepared.pipeline.run.max_document_bytes();
    let files = prepared.files.clone();
    Reader::new(files, &prepared.pipeline.input, limit, Some(Arc::new(only)))
        .map_err(run::hinted_input)
}

/// Documents as the letters have them, and the letters that have one.
fn kept(letters: Vec<Letter>) -> (Box<dyn Source>, Vec<Letter>) {
    let (mut with, without): (Vec<Letter>, Vec<Letter>) = letters
        .into_iter()
        .partition(|letter| letter.letter.document.is_some());
    if !without.is_empty() {
        tracing::warn!(
            "{} cannot be replayed: the letter has no text, and the inputs are no longer the files that they were",
            count(without.len() as u64, "document")
        );
    }
    let documents: Vec<NewDocument> = with
        .iter_mut()
        .filter_map(|letter| letter.letter.document.take())
        .collect();
    (Box::new(Kept(documents.into_iter())), with)
}

/// Only the records at these positions.
struct Only(BTreeSet<u64>);

impl Skip for Only {
    fn whole_split(&self, split: u32) -> bool {
        self.rest_of_split(position(split, 0))
    }

    fn document(&self, position: u64) -> bool {
        !self.0.contains(&position)
    }

    fn rest_of_split(&self, from: u64) -> bool {
        let end = position(split_of(from), index_of(u64::MAX));
        self.0.range(from..=end).next().is_none()
    }
}

/// Documents that know where they stood.
struct Kept(std::vec::IntoIter<NewDocument>);

impl Source for Kept {
    fn next(&mut self) -> Option<Result<NewDocument, InputFailure>> {
        self.0.next().map(Ok)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint {
            documents: Some(self.0.len() as u64),
            bytes: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_positions_asked_for_are_read() {
        let only = Only([position(1, 2), position(3, 0)].into());
        assert!(only.whole_split(0) && !only.whole_split(1) && only.whole_split(2));
        assert!(only.document(position(1, 1)) && !only.document(position(1, 2)));
        assert!(!only.rest_of_split(position(1, 2)) && only.rest_of_split(position(1, 3)));
    }
}
