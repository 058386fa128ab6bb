//! `copydesk learn-boilerplate`: which lines recur across the documents of one source.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use copydesk_document::NewDocument;
use copydesk_engine::{
    Ids, Source,
    config::{Input, Run},
};
use copydesk_io::{InputFormat, Reader, Search, discover};
use copydesk_language::boilerplate::{Boilerplate, Review, Survey};
use serde_json::Value;

use crate::{
    args::Learn,
    run::hinted_input,
    summary::count,
    voice::{self, Hinted},
};

pub(crate) fn learn(args: &Learn) -> anyhow::Result<u8> {
    refuse_what_cannot_be_done(args)?;
    // What is cheap to find out comes first.
    let output = Output::create(&args.output)
        .with_context(|| format!("cannot write `{}`", args.output.display()))?;
    let mut survey = Survey::default();
    let Some(unreadable) = each_document(args, |source, text| survey.add(source, text))? else {
        return Ok(1);
    };
    if survey.documents() == 0 {
        let nothing = anyhow::anyhow!("there is no document to learn from");
        return Err(match unreadable.first {
            Some(first) => anyhow::anyhow!(first).context(nothing),
            None => nothing,
        });
    }
    if let Some(first) = unreadable.first {
        let documents = count(unreadable.documents, "document");
        tracing::warn!("left out {documents} that could not be read, the first: {first}");
    }
    let mut review = Review::new(&survey, args.min_documents);
    if each_document(args, |source, text| review.add(source, text))?.is_none() {
        return Ok(1);
    }
    let learnt = review.finish();
    output
        .write(&learnt)
        .with_context(|| format!("failed to write `{}`", args.output.display()))?;
    if tracing::enabled!(tracing::Level::WARN) {
        voice::say(format_args!(
            "{} that recur in {}, in `{}`",
            count(learnt.lines.len() as u64, "line"),
            count(learnt.documents, "document"),
            args.output.display(),
        ));
    }
    Ok(0)
}

fn refuse_what_cannot_be_done(args: &Learn) -> anyhow::Result<()> {
    let output = &args.output;
    if args.inputs.iter().any(|input| input == "-") {
        let hint = "write it to a file first";
        return Err(Hinted::new("standard input cannot be read twice", hint).into());
    }
    if output.is_dir() {
        let what = format!("the output `{}` is a folder", output.display());
        return Err(Hinted::new(what, "name a file in it").into());
    }
    if output.is_file() && !args.overwrite {
        let what = format!("the output `{}` is there already", output.display());
        return Err(Hinted::new(what, "`--overwrite` replaces it").into());
    }
    Ok(())
}

/// The file of lines, called `<path>.partial` until it is whole: what it replaces stays if
/// anything fails.
struct Output<'a> {
    path: &'a Path,
    /// `None` for what is no file, such as a pipe: it is written directly.
    partial: Option<PathBuf>,
    file: File,
}

impl<'a> Output<'a> {
    fn create(path: &'a Path) -> std::io::Result<Self> {
        let (partial, file) = if path.exists() && !path.is_file() {
            (None, File::options().write(true).open(path)?)
        } else {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let mut partial = path.as_os_str().to_owned();
            partial.push(".partial");
            let partial = PathBuf::from(partial);
            let file = File::create(&partial)?;
            (Some(partial), file)
        };
        Ok(Self {
            path,
            partial,
            file,
        })
    }

    fn write(mut self, learnt: &Boilerplate) -> std::io::Result<()> {
        let mut buffer = BufWriter::new(&self.file);
        write!(buffer, "{learnt}")?;
        buffer.flush()?;
        drop(buffer);
        match &self.partial {
            Some(partial) => {
                self.file.sync_all()?;
                std::fs::rename(partial, self.path)?;
                self.partial = None;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

impl Drop for Output<'_> {
    fn drop(&mut self) {
        if let Some(partial) = &self.partial {
            // It is ours and torn; if it cannot be removed there is nothing better to do.
            let _ = std::fs::remove_file(partial);
        }
    }
}

/// Documents that were left out.
#[derive(Default)]
struct Unreadable {
    documents: u64,
    /// Where the first is, and what is wrong with it.
    first: Option<String>,
}

impl Unreadable {
    fn count(&mut self, told: String) {
        tracing::debug!("{told}");
        self.documents += 1;
        self.first.get_or_insert(told);
    }
}

/// Shows every document with its source. `None` if there are no inputs, which has been said then.
fn each_document(
    args: &Learn,
    mut show: impl FnMut(&str, &str),
) -> anyhow::Result<Option<Unreadable>> {
    let search = Search {
        format: args
            .input_format
            .and_then(|format| InputFormat::of_config(format.into())),
        exclude: vec![args.output.as_path()],
        ..Search::default()
    };
    let files = match discover(&args.inputs, &search) {
        Ok(files) => files,
        Err(errors) => {
            let errors: Vec<_> = errors.into_iter().map(hinted_input).collect();
            voice::say_errors(&errors);
            return Ok(None);
        }
    };
    let input = Input {
        text_field: args.text_field.clone(),
        ..Input::default()
    };
    let limit = Run::default().max_document_bytes();
    let mut reader = Reader::new(files, &input, limit, None).map_err(hinted_input)?;
    let mut unreadable = Unreadable::default();
    // A document that comes twice would make its lines look as if they recurred.
    let mut ids = Ids::default();
    while let Some(next) = reader.next() {
        match next {
            Ok(document) if !ids.insert(&document.id) => {
                unreadable.count(format!("the id `{}` comes twice", document.id));
            }
            Ok(document) => show(&source_of(&document, &args.source), &document.raw),
            Err(failure) if failure.fatal => {
                anyhow::bail!("{}: {}", failure.id, failure.message)
            }
            Err(failure) => {
                unreadable.count(format!("{}: {}", failure.id, failure.message));
            }
        }
    }
    Ok(Some(unreadable))
}

/// What tells where a document was published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SourceBy {
    /// The first that there is: column `source`, `publisher` or `site`, the host of column `url`,
    /// the folder.
    Auto,
    Column(String),
    /// The host of the address in that column.
    Host(String),
    Folder,
    /// All documents have one source.
    One,
}

impl std::str::FromStr for SourceBy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("column", name)) if !name.is_empty() => Ok(Self::Column(name.to_owned())),
            Some(("host", name)) if !name.is_empty() => Ok(Self::Host(name.to_owned())),
            None if text == "auto" => Ok(Self::Auto),
            None if text == "folder" => Ok(Self::Folder),
            None if text == "one" => Ok(Self::One),
            _ => Err("expected `auto`, `column:NAME`, `host:NAME`, `folder` or `one`".to_owned()),
        }
    }
}

fn source_of(document: &NewDocument, by: &SourceBy) -> String {
    let column = |name: &str| {
        let value = document.extra.get(name).or_else(|| document.meta.get(name));
        value
            .and_then(Value::as_str)
            .map(str::trim)
            .filter(|text| !text.is_empty())
    };
    let folder = || {
        let path = document.path.as_deref().unwrap_or_default();
        path.rsplit_once('/').map_or("", |(folder, _)| folder)
    };
    match by {
        SourceBy::Auto => ["source", "publisher", "site"]
            .into_iter()
            .find_map(column)
            .or_else(|| column("url").and_then(host))
            .unwrap_or_else(folder)
            .to_owned(),
        SourceBy::Column(name) => column(name).unwrap_or_default().to_owned(),
        SourceBy::Host(name) => column(name).and_then(host).unwrap_or_default().to_owned(),
        SourceBy::Folder => folder().to_owned(),
        SourceBy::One => String::new(),
    }
}

/// `port-courier.example` of `https://www.port-courier.example:8080/ferries?page=2`.
fn host(address: &str) -> Option<&str> {
    let (_, rest) = address.split_once("://")?;
    let host = rest.split(['/', '?', '#', ':']).next()?;
    let host = host.strip_prefix("www.").unwrap_or(host);
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document(extra: &Value, path: &str) -> NewDocument {
        let mut document = NewDocument::new("a", "Text.");
        document.extra = extra.as_object().cloned().unwrap_or_default();
        document.path = Some(path.to_owned());
        document
    }

    #[test]
    fn a_source_is_a_column_a_host_or_a_folder() {
        let full = document(
            &json!({"source": "Courier", "desk": "Harbour", "url": "https://www.orla.example:80/a?b"}),
            "corpus/orla/a.jsonl",
        );
        let bare = document(&json!({"source": " "}), "corpus/orla/a.txt");
        for (by, of_full, of_bare) in [
            ("auto", "Courier", "corpus/orla"),
            ("column:desk", "Harbour", ""),
            ("host:url", "orla.example", ""),
            ("folder", "corpus/orla", "corpus/orla"),
            ("one", "", ""),
        ] {
            let by: SourceBy = by.parse().expect(by);
            assert_eq!(source_of(&full, &by), of_full, "{by:?}");
            assert_eq!(source_of(&bare, &by), of_bare, "{by:?}");
        }
    }

    #[test]
    fn another_word_is_no_source() {
        for text in ["", "column:", "desk", "host"] {
            assert!(text.parse::<SourceBy>().is_err(), "{text}");
        }
    }
}
