//! Documents out of files, in the order of the input.

mod fields;
mod http;
mod json_lines;
mod parquet;
mod plan;
mod pool;
mod record;
mod rows;
mod table;
#[cfg(test)]
mod tests;
mod warc;
mod whole;

use std::{
    num::NonZero,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use copydesk_document::{Map, NewDocument, Value, Warning};
use copydesk_engine::{InputFailure, SizeHint, Skip, Source, config::Input};
use encoding_rs::Encoding;

use crate::{
    InputError,
    discover::{InputFile, InputFormat},
    open,
};
use plan::{PlannedFile, SPLIT_BYTES};
use pool::Pool;
use record::{Draft, Options, Records, of_file, place};

/// The stage that warnings and failures of the reader are booked on.
const STAGE: &str = "input";

/// The metadata in which stages find mentions that the input names.
const TARGETS: &str = "targets";

/// Threads to read with, where nobody says how many: more do not pay, for stages take longer.
const MOST_THREADS: usize = 8;

/// Reads documents from a list of inputs, with several threads that read ahead.
///
/// What is wrong with one document, or one file, is that one's failure; the others come out, and
/// all in the order of the input.
pub struct Reader {
    files: Vec<InputFile>,
    splits: u32,
    start: Option<Start>,
    pool: Option<Pool>,
    targets_field: String,
    size: SizeHint,
    taken: Arc<AtomicU64>,
}

/// What the threads need to begin.
struct Start {
    planned: Vec<PlannedFile>,
    options: Options,
    skip: Option<Arc<dyn Skip>>,
    threads: usize,
}

impl Reader {
    /// Reads `files` as `[input]` says, but what `skip` passes over; a document of more than
    /// `limit` bytes fails.
    ///
    /// # Errors
    /// If nobody knows the encoding that `[input] encoding` names, or there are too many files.
    pub fn new(
        files: Vec<InputFile>,
        input: &Input,
        limit: usize,
        skip: Option<Arc<dyn Skip>>,
    ) -> Result<Self, InputError> {
        Self::with_splits(files, input, limit, skip, SPLIT_BYTES)
    }

    fn with_splits(
        files: Vec<InputFile>,
        input: &Input,
        limit: usize,
        skip: Option<Arc<dyn Skip>>,
        split_bytes: u64,
    ) -> Result<Self, InputError> {
        let options = options(input, limit)?;
        let planned = plan::plan(&files, &options, split_bytes)?;
        let splits = planned.last().map_or(0, |last| last.splits.all().end);
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let threads = match input.readers {
            Some(readers) => readers as usize,
            None => cores.min(MOST_THREADS),
        };
        Ok(Self {
            size: size_of(&files),
            files,
            splits,
            pool: None,
            targets_field: input.targets_field.clone(),
            taken: Arc::clone(&options.taken),
            start: Some(Start {
                planned,
                options,
                skip,
                threads,
            }),
        })
    }

    /// What is read: the files in their order, with size and time.
    pub fn inputs(&self) -> &[InputFile] {
        &self.files
    }

    /// How many splits these have, as [`copydesk_engine::position`] counts them.
    pub fn splits(&self) -> u32 {
        self.splits
    }

    /// Passes over what `skip` says, if nothing was read yet: who decides by the number of splits
    /// has to know it first.
    pub fn pass_over(&mut self, skip: Arc<dyn Skip>) {
        if let Some(start) = &mut self.start {
            start.skip = Some(skip);
        }
    }

    fn finish(&self, seq: u64, draft: Draft) -> NewDocument {
        let warnings = draft
            .notes
            .into_iter()
            .map(|note| Warning {
                stage: STAGE.to_owned(),
                code: note.code.to_owned(),
                message: note.message,
                span: None,
            })
            .collect();
        let id = draft
            .given_id
            .unwrap_or_else(|| place(&draft.file, draft.spot));
        NewDocument {
            id,
            path: draft.file.label(),
            raw: draft.raw,
            media_type: draft.media_type.to_owned(),
            meta: with_targets(draft.meta, &draft.extra, &self.targets_field),
            extra: draft.extra,
            warnings,
            layers: draft.layers,
            seq,
        }
    }
}

/// How many splits each of `files` has, as [`Reader`] counts them.
///
/// # Errors
/// As [`Reader::new`].
pub fn splits(files: &[InputFile], input: &Input, limit: usize) -> Result<Vec<u32>, InputError> {
    let planned = plan::plan(files, &options(input, limit)?, SPLIT_BYTES)?;
    Ok(planned.iter().map(|file| file.splits.count).collect())
}

fn options(input: &Input, limit: usize) -> Result<Options, InputError> {
    let encoding = match &input.encoding {
        None => None,
        Some(label) => Some(Encoding::for_label(label.as_bytes()).ok_or_else(|| {
            InputError::UnknownEncoding {
                label: label.clone(),
            }
        })?),
    };
    Ok(Options {
        text_field: input.text_field.clone(),
        html_field: input.html_field.clone(),
        id_field: input.id_field.clone(),
        encoding,
        columns: input.columns.clone(),
        // The configuration takes one ASCII character and no other.
        delimiter: input
            .delimiter
            .as_ref()
            .and_then(|text| text.bytes().next()),
        quoting: input.quoting,
        limit,
        taken: Arc::default(),
    })
}

/// Stages see metadata, not the input's own columns.
fn with_targets(
    mut meta: Map<String, Value>,
    extra: &Map<String, Value>,
    field: &str,
) -> Map<String, Value> {
    if let Some(targets) = extra.get(field) {
        meta.insert(TARGETS.to_owned(), targets.clone());
    }
    meta
}

impl Source for Reader {
    fn next(&mut self) -> Option<Result<NewDocument, InputFailure>> {
        if let Some(start) = self.start.take() {
            self.pool = Some(Pool::new(
                start.planned,
                start.options,
                start.skip,
                start.threads,
            ));
        }
        let (seq, draft) = self.pool.as_mut()?.next()?;
        Some(match draft {
            Ok(draft) => Ok(self.finish(seq, draft)),
            Err(failure) => Err(InputFailure { seq, ..*failure }),
        })
    }

    fn size_hint(&self) -> SizeHint {
        self.size
    }

    fn bytes_read(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }
}

fn size_of(files: &[InputFile]) -> SizeHint {
    let readable = || files.iter().filter(|file| file.trouble.is_none());
    let one_each = files
        .iter()
        .all(|file| matches!(file.format, Some(InputFormat::Text | InputFormat::Html)));
    SizeHint {
        documents: one_each.then_some(files.len() as u64),
        bytes: readable().map(|file| file.bytes).sum(),
    }
}

/// Opens a file to be cut into records.
fn open_records(
    planned: &PlannedFile,
    options: &Options,
) -> Result<Box<dyn Records>, Box<InputFailure>> {
    let (file, splits) = (Arc::clone(&planned.file), planned.splits);
    if let Some(trouble) = &file.trouble {
        return Err(of_file(&file, "unreadable", trouble.clone()));
    }
    let open = || {
        open::open(&file, &options.taken)
            .map_err(|error| of_file(&file, "unreadable", error.to_string()))
    };
    let (format, stream) = match file.format {
        Some(format) => (format, None),
        None => {
            let (format, stream) = open::sniff(open()?);
            (format, Some(stream))
        }
    };
    let stream_or_open = |stream: Option<_>| match stream {
        Some(stream) => Ok(stream),
        None => open(),
    };
    Ok(match format {
        InputFormat::Text | InputFormat::Html => {
            Box::new(whole::WholeFile::new(file, format, stream, splits.first))
        }
        InputFormat::JsonLines => {
            let stream = stream_or_open(stream)?;
            Box::new(json_lines::JsonLines::new(file, stream, splits, options))
        }
        InputFormat::Csv | InputFormat::Tsv => {
            let stream = stream_or_open(stream)?;
            Box::new(table::Table::new(file, format, stream, splits, options)?)
        }
        InputFormat::Parquet => Box::new(parquet::Rows::open(file, stream, splits, options)?),
        InputFormat::Warc => Box::new(warc::Warc::open(file, stream, splits, options)?),
    })
}
