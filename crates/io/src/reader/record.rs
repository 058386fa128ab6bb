//! What the formats have in common: records as they are cut out of a file, and the documents
//! that they become.
//!
//! Reading is two steps. Cutting ([`Records`]) goes through a file from its start to its end, in
//! one thread, and does no more than it must to find where a record ends. Making a document of it
//! ([`Record`]: decoding, parsing, rendering a page) takes most of the time, and is done by several
//! threads at once.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use copydesk_document::{Map, NewLayer, Value};
use copydesk_engine::InputFailure;
use encoding_rs::Encoding;

use crate::{decode::Note, discover::InputFile, page};

/// What `[input]` and `[run]` say about reading.
pub(crate) struct Options {
    pub(crate) text_field: String,
    pub(crate) html_field: String,
    pub(crate) id_field: String,
    pub(crate) encoding: Option<&'static Encoding>,
    /// Names of the columns of tables without a header line.
    pub(crate) columns: Vec<String>,
    pub(crate) delimiter: Option<u8>,
    pub(crate) quoting: bool,
    /// The most bytes of a document.
    pub(crate) limit: usize,
    /// Bytes taken from disk so far, before decompression.
    pub(crate) taken: Arc<AtomicU64>,
}

impl Options {
    pub(crate) fn took(&self, bytes: u64) {
        self.taken.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// Cuts one file into records.
pub(crate) trait Records: Send {
    /// The next record; `None` at the end.
    ///
    /// Those of splits that are not `wanted` may be passed over, and need not be.
    fn next(&mut self, options: &Options, wanted: &dyn Fn(u32) -> bool) -> Option<Cut>;
}

/// A record that was cut out of a file.
pub(crate) struct Cut {
    /// The split that it belongs to.
    pub(crate) split: u32,
    /// Bytes that it holds in memory until it is handed out.
    pub(crate) weight: usize,
    pub(crate) record: CutOut,
}

/// What was cut out, or why nothing could be.
pub(crate) type CutOut = Result<Box<dyn Record>, Box<InputFailure>>;

/// A record, of which a document can be made.
pub(crate) trait Record: Send {
    /// Where it stands.
    fn file(&self) -> (&Arc<InputFile>, Option<Spot>);

    /// Makes it.
    fn draft(self: Box<Self>, options: &Options) -> Result<Draft, Box<InputFailure>>;
}

impl Cut {
    /// A failure in place of a record.
    pub(crate) fn failed(split: u32, failure: Box<InputFailure>) -> Self {
        Self {
            split,
            weight: failure.raw.as_ref().map_or(0, String::len),
            record: Err(failure),
        }
    }

    /// A record.
    pub(crate) fn of(split: u32, weight: usize, record: impl Record + 'static) -> Self {
        Self {
            split,
            weight,
            record: Ok(Box::new(record)),
        }
    }
}

/// A document before its id is settled.
pub(crate) struct Draft {
    pub(crate) given_id: Option<String>,
    pub(crate) file: Arc<InputFile>,
    /// `None` for the whole of the file.
    pub(crate) spot: Option<Spot>,
    pub(crate) raw: String,
    pub(crate) media_type: &'static str,
    pub(crate) meta: Map<String, Value>,
    pub(crate) layers: Vec<NewLayer>,
    pub(crate) extra: Map<String, Value>,
    pub(crate) notes: Vec<Note>,
}

/// What a document is made of.
pub(crate) enum Content {
    Text(String),
    /// The source of a web page.
    Page(String),
}

impl Content {
    /// A draft that has nothing but its text.
    pub(crate) fn draft(self, file: Arc<InputFile>, spot: Option<Spot>) -> Draft {
        let (page, media_type) = match self {
            Self::Text(text) => (
                page::Rendered {
                    raw: text,
                    ..page::Rendered::default()
                },
                "text/plain",
            ),
            Self::Page(html) => (page::render(&html), "text/html"),
        };
        Draft {
            given_id: None,
            file,
            spot,
            raw: page.raw,
            media_type,
            meta: page.meta,
            layers: page.layers,
            extra: Map::new(),
            notes: page.notes,
        }
    }
}

/// Where in a file a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) unit: Unit,
    pub(crate) number: u64,
}

/// What places in a file are counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// From 1.
    Line,
    /// From 1.
    Row,
    /// From 0, as the file lies on disk.
    Byte,
}

impl Spot {
    pub(crate) fn line(number: u64) -> Self {
        Self {
            unit: Unit::Line,
            number,
        }
    }

    /// In words, as messages name it: `line 7`.
    pub(crate) fn words(self) -> String {
        let unit = match self.unit {
            Unit::Line => "line",
            Unit::Row => "row",
            Unit::Byte => "byte",
        };
        format!("{unit} {}", self.number)
    }
}

/// The id of a record that brings none: its file, and its number there.
pub(crate) fn place(file: &InputFile, spot: Option<Spot>) -> String {
    match spot {
        Some(spot) => format!("{}:{}", file.name, spot.number),
        None => file.name.clone(),
    }
}

/// A file that gives nothing, or nothing more.
pub(crate) fn of_file(file: &InputFile, code: &str, message: String) -> Box<InputFailure> {
    failure(file, None, code, message)
}

/// What failed at a place of a file, or all of the file.
pub(crate) fn failure(
    file: &InputFile,
    spot: Option<Spot>,
    code: &str,
    message: String,
) -> Box<InputFailure> {
    Box::new(InputFailure {
        id: place(file, spot),
        path: file.label(),
        place: spot.map(Spot::words),
        code: code.to_owned(),
        message,
        raw: None,
        fatal: false,
        seq: 0,
    })
}

/// What became of a stream that could not be read on.
pub(crate) fn broken(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => format!("the file is cut short ({error})"),
        _ => format!("the file is damaged ({error})"),
    }
}

/// Why something of this size is no document.
pub(crate) fn too_long(limit: usize, bytes: Option<u64>) -> String {
    let megabytes = |bytes: f64| {
        let rounded = (bytes / 1e5).round() / 10.0;
        format!("{rounded} MB")
    };
    let how_long = match bytes {
        Some(bytes) => format!("has {}, more", megabytes(bytes as f64)),
        None => "has more".to_owned(),
    };
    format!(
        "{how_long} than the {} of `max_document_mb` under `[run]`",
        megabytes(limit as f64)
    )
}

/// How much of a file was read before it broke.
pub(crate) fn came_before(records: u64, unit: &str) -> String {
    match records {
        0 => "nothing stands before this place".to_owned(),
        1 => format!("the {unit} before this place was read"),
        _ => format!("the {records} {unit}s before this place were read"),
    }
}
