//! Documents out of files, one after the other.

use std::{
    borrow::Cow,
    io::{self, BufRead, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use copydesk_document::{Map, NewDocument, NewLayer, Value, Warning};
use copydesk_engine::{InputFailure, SizeHint, Skip, Source, config::Input, position};
use encoding_rs::Encoding;

use crate::{
    InputError,
    decode::{self, Decoded, Note},
    discover::{InputFile, InputFormat},
    lines::{Line, Lines},
    open, page,
};

/// The stage that warnings and failures of the reader are booked on.
const STAGE: &str = "input";

/// The metadata in which stages find mentions that the input names.
const TARGETS: &str = "targets";

/// Reads documents from a list of inputs.
///
/// What is wrong with one document, or one file, is that one's failure; the others come out. Each
/// file is a split.
pub struct Reader {
    files: std::iter::Zip<std::ops::RangeFrom<u32>, std::vec::IntoIter<InputFile>>,
    options: Options,
    skip: Option<Arc<dyn Skip>>,
    current: Option<JsonLines>,
    size: SizeHint,
    /// Bytes taken from disk, before decompression.
    taken: Arc<AtomicU64>,
}

struct Options {
    text_field: String,
    html_field: String,
    id_field: String,
    targets_field: String,
    encoding: Option<&'static Encoding>,
    limit: usize,
}

impl Reader {
    /// Reads `files` as `[input]` says, but what `skip` passes over; a document of more than
    /// `limit` bytes fails.
    ///
    /// # Errors
    /// If nobody knows the encoding that `[input] encoding` names.
    pub fn new(
        files: Vec<InputFile>,
        input: &Input,
        limit: usize,
        skip: Option<Arc<dyn Skip>>,
    ) -> Result<Self, InputError> {
        let encoding = match &input.encoding {
            None => None,
            Some(label) => Some(Encoding::for_label(label.as_bytes()).ok_or_else(|| {
                InputError::UnknownEncoding {
                    label: label.clone(),
                }
            })?),
        };
        Ok(Self {
            size: size_of(&files),
            files: (0..).zip(files),
            skip,
            options: Options {
                text_field: input.text_field.clone(),
                html_field: input.html_field.clone(),
                id_field: input.id_field.clone(),
                targets_field: input.targets_field.clone(),
                encoding,
                limit,
            },
            current: None,
            taken: Arc::default(),
        })
    }

    fn step(&mut self) -> Option<Result<Draft, Box<InputFailure>>> {
        loop {
            if let Some(lines) = &mut self.current {
                match lines.next(&self.options, self.skip.as_deref()) {
                    Some(result) => return Some(result),
                    None => self.current = None,
                }
            }
            let (split, file) = self.files.next()?;
            let first = position(split, 0);
            if let Some(skip) = &self.skip
                && (skip.whole_split(split) || skip.rest_of_split(first))
            {
                continue;
            }
            if let Some(trouble) = &file.trouble {
                return Some(Err(of_file(&file, first, "unreadable", trouble.clone())));
            }
            match self.start(file, split) {
                Ok(None) => {}
                Ok(Some(draft)) => return Some(Ok(draft)),
                Err(failure) => return Some(Err(failure)),
            }
        }
    }

    /// Opens the next file: text gives its document, JSON Lines stay open.
    fn start(&mut self, file: InputFile, split: u32) -> Result<Option<Draft>, Box<InputFailure>> {
        let first = position(split, 0);
        let unreadable = |error: io::Error| of_file(&file, first, "unreadable", error.to_string());
        let stream = open::open(&file, &self.taken).map_err(unreadable)?;
        let (format, stream) = match file.format {
            Some(format) => (format, stream),
            None => open::sniff(stream),
        };
        if format == InputFormat::JsonLines {
            self.current = Some(JsonLines::new(file, split, stream, &self.options));
            return Ok(None);
        }
        if self.skip.as_ref().is_some_and(|skip| skip.document(first)) {
            return Ok(None);
        }
        whole(&file, format, first, stream, &self.options).map(Some)
    }

    fn finish(&self, draft: Draft) -> NewDocument {
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
        NewDocument {
            id: draft.given_id.unwrap_or(draft.place),
            path: draft.path,
            raw: draft.raw,
            media_type: draft.media_type.to_owned(),
            meta: with_targets(draft.meta, &draft.extra, &self.options.targets_field),
            extra: draft.extra,
            warnings,
            layers: draft.layers,
            seq: draft.seq,
        }
    }
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
        let draft = self.step()?;
        Some(
            draft
                .map(|draft| self.finish(draft))
                .map_err(|failure| *failure),
        )
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

/// A document before its id is settled.
struct Draft {
    given_id: Option<String>,
    /// `path` or `path:line`; the id of a document that brings none.
    place: String,
    path: Option<String>,
    raw: String,
    media_type: &'static str,
    meta: Map<String, Value>,
    layers: Vec<NewLayer>,
    extra: Map<String, Value>,
    notes: Vec<Note>,
    seq: u64,
}

/// A file that gives nothing, or nothing more.
fn of_file(file: &InputFile, seq: u64, code: &str, message: String) -> Box<InputFailure> {
    Box::new(InputFailure {
        id: file.name.clone(),
        path: file.label(),
        place: None,
        code: code.to_owned(),
        message,
        raw: None,
        seq,
        fatal: false,
    })
}

/// The whole of a text file or web page as one document.
fn whole(
    file: &InputFile,
    format: InputFormat,
    seq: u64,
    stream: impl BufRead,
    options: &Options,
) -> Result<Draft, Box<InputFailure>> {
    let mut bytes = Vec::new();
    let room = options.limit as u64 + 1;
    if let Err(error) = stream.take(room).read_to_end(&mut bytes) {
        let message = format!("{} after {} bytes of text", broken(&error), bytes.len());
        return Err(of_file(file, seq, "damaged", message));
    }
    if bytes.len() > options.limit {
        let message = format!("the file {}", too_long(options.limit, None));
        return Err(of_file(file, seq, "too-large", message));
    }
    let html = format == InputFormat::Html;
    if html && decode::is_binary(&bytes) {
        let message = "this is no web page but binary data, such as a picture, a PDF or an \
                       archive; take the file out of the input, or give it its own extension";
        return Err(of_file(file, seq, "not-html", message.to_owned()));
    }
    let Decoded { text, mut notes } = match options.encoding {
        Some(encoding) => decode::decode_as(&bytes, encoding),
        None if html => decode::decode_page(&bytes),
        None => decode::decode(&bytes),
    };
    let empty = text.is_empty();
    let content = match html {
        true => Content::Page(text),
        false => Content::Text(text),
    };
    if empty {
        notes.push(Note {
            code: "empty",
            message: "the file is empty".to_owned(),
        });
    }
    let draft = content.draft();
    // Once is enough.
    notes.extend(draft.notes.into_iter().filter(|_| !empty));
    Ok(Draft {
        place: file.name.clone(),
        path: file.label(),
        notes,
        seq,
        ..draft
    })
}

/// What a document is made of.
enum Content {
    Text(String),
    /// The source of a web page.
    Page(String),
}

impl Content {
    /// A draft that knows what it says, but not yet where it stands.
    fn draft(self) -> Draft {
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
            place: String::new(),
            path: None,
            raw: page.raw,
            media_type,
            meta: page.meta,
            layers: page.layers,
            extra: Map::new(),
            notes: page.notes,
            seq: 0,
        }
    }
}

/// The documents of one JSON Lines file.
struct JsonLines {
    file: InputFile,
    split: u32,
    /// Records so far, those that failed or were passed over among them.
    records: u64,
    lines: Lines<Box<dyn BufRead + Send>>,
    /// An encoding that was guessed for the whole file.
    guessed: Option<&'static str>,
    documents: u64,
    /// A damaged stream would tell its damage again and again.
    ended: bool,
}

impl JsonLines {
    fn new(
        file: InputFile,
        split: u32,
        stream: Box<dyn BufRead + Send>,
        options: &Options,
    ) -> Self {
        let (guessed, stream) = open::as_utf8(stream, options.encoding);
        let lines = Lines::new(stream, options.limit);
        Self {
            file,
            split,
            records: 0,
            lines,
            guessed,
            documents: 0,
            ended: false,
        }
    }

    /// The next document; blank lines are none.
    fn next(
        &mut self,
        options: &Options,
        skip: Option<&dyn Skip>,
    ) -> Option<Result<Draft, Box<InputFailure>>> {
        loop {
            let seq = position(self.split, self.records);
            if self.ended || skip.is_some_and(|skip| skip.rest_of_split(seq)) {
                return None;
            }
            let line = match self.lines.next() {
                Ok(Some(line)) => line,
                Ok(None) => {
                    if self.documents == 0 && self.lines.number() == 0 {
                        tracing::warn!("`{}` is empty: it has no documents", self.file.name);
                    }
                    return None;
                }
                Err(error) => {
                    self.ended = true;
                    if skip.is_some_and(|skip| skip.document(seq)) {
                        return None;
                    }
                    let message = format!("{}; {}", broken(&error), came_before(self.documents));
                    return Some(Err(self.failure(seq, "damaged", None, message, None)));
                }
            };
            if let Line::Whole(line) = &line
                && line.iter().all(u8::is_ascii_whitespace)
            {
                continue;
            }
            self.records += 1;
            if skip.is_some_and(|skip| skip.document(seq)) {
                self.documents += 1;
                continue;
            }
            let result = match line {
                Line::Whole(line) => match parse(line, options) {
                    Ok(parsed) => Ok(parsed),
                    Err(wrong) => Err((wrong, Some(line.to_vec()))),
                },
                Line::TooLong { bytes } => Err((
                    Wrong {
                        code: "too-large",
                        column: None,
                        message: format!("the line {}", too_long(options.limit, Some(bytes))),
                    },
                    None,
                )),
            };
            return Some(match result {
                Ok(parsed) => Ok(self.draft(seq, parsed)),
                Err((wrong, line)) => {
                    Err(self.failure(seq, wrong.code, wrong.column, wrong.message, line))
                }
            });
        }
    }

    fn draft(&mut self, seq: u64, parsed: Parsed) -> Draft {
        self.documents += 1;
        let mut notes = parsed.notes;
        if let Some(encoding) = self.guessed {
            let message = format!("read as {encoding} although no byte order mark says so");
            notes.insert(
                0,
                Note {
                    code: "encoding-guessed",
                    message,
                },
            );
        }
        let draft = parsed.content.draft();
        notes.extend(draft.notes);
        Draft {
            given_id: parsed.id,
            place: self.place(),
            path: self.file.label(),
            extra: parsed.extra,
            notes,
            seq,
            ..draft
        }
    }

    fn place(&self) -> String {
        format!("{}:{}", self.file.name, self.lines.number())
    }

    fn failure(
        &self,
        seq: u64,
        code: &str,
        column: Option<usize>,
        message: String,
        line: Option<Vec<u8>>,
    ) -> Box<InputFailure> {
        let mut place = format!("line {}", self.lines.number());
        if let Some(column) = column {
            place += &format!(", column {column}");
        }
        Box::new(InputFailure {
            id: self.place(),
            path: self.file.label(),
            place: Some(place),
            code: code.to_owned(),
            message,
            raw: line.map(|line| String::from_utf8_lossy(&line).into_owned()),
            seq,
            fatal: false,
        })
    }
}

/// What stood in one line.
struct Parsed {
    id: Option<String>,
    content: Content,
    extra: Map<String, Value>,
    notes: Vec<Note>,
}

/// Why a line is no document.
struct Wrong {
    code: &'static str,
    /// In bytes from 1, as editors and JSON parsers count.
    column: Option<usize>,
    message: String,
}

fn parse(line: &[u8], options: &Options) -> Result<Parsed, Wrong> {
    let (line, notes) = match std::str::from_utf8(line) {
        Ok(line) => (Cow::Borrowed(line), Vec::new()),
        Err(_) => {
            let Decoded { text, notes } = decode::decode(line);
            (Cow::Owned(text), notes)
        }
    };
    let wrong = |code, column, message| Wrong {
        code,
        column,
        message,
    };
    let value: Value = serde_json::from_str(&line).map_err(|error| {
        let reason = error.to_string();
        // The line number in serde's words is always 1 here.
        let reason = reason
            .split(" at line ")
            .next()
            .unwrap_or_default()
            .to_owned();
        wrong(
            "not-json",
            Some(error.column()),
            format!("this line is no JSON: {reason}"),
        )
    })?;
    let Value::Object(mut fields) = value else {
        let message = format!("this line is {}, not an object with a text", kind(&value));
        return Err(wrong("not-object", None, message));
    };
    let text_field = &options.text_field;
    // Columns that a line has no value for are null in tables turned to JSON.
    let given = |fields: &Map<String, Value>, field: &str| {
        fields.get(field).is_some_and(|value| !value.is_null())
    };
    let page = !given(&fields, text_field) && given(&fields, &options.html_field);
    let field = match page {
        true => &options.html_field,
        false => text_field,
    };
    let content = match fields.shift_remove(field) {
        Some(Value::String(html)) if page => {
            fields.shift_remove(text_field);
            Content::Page(html)
        }
        Some(Value::String(text)) => Content::Text(text),
        Some(other) => {
            let column = column_of(&line, field);
            let message = format!("`{field}` is {}, not a text", kind(&other));
            return Err(wrong(
                "text-not-string",
                column,
                message + &other_texts(&fields, options),
            ));
        }
        None => {
            let message = format!("there is no `{text_field}`");
            return Err(wrong(
                "no-text",
                Some(1),
                message + &other_texts(&fields, options),
            ));
        }
    };
    let id = match fields.shift_remove(&options.id_field) {
        None | Some(Value::Null) => None,
        Some(Value::String(id)) if id.is_empty() => None,
        Some(Value::String(id)) => Some(id),
        Some(Value::Number(id)) => Some(id.to_string()),
        Some(other) => {
            let field = &options.id_field;
            let message = format!(
                "`{field}` is {}, not a text or number; choose another with `id_field` under `[input]`",
                kind(&other)
            );
            return Err(wrong("bad-id", column_of(&line, field), message));
        }
    };
    Ok(Parsed {
        id,
        content,
        extra: fields,
        notes,
    })
}

/// The remedy for a text in another field: which there are, and the key that chooses one.
fn other_texts(fields: &Map<String, Value>, options: &Options) -> String {
    let mut texts: Vec<(&str, usize)> = fields
        .iter()
        .filter(|(name, _)| **name != options.id_field)
        .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?.len())))
        .collect();
    texts.sort_by_key(|(_, length)| std::cmp::Reverse(*length));
    let names: Vec<String> = texts
        .iter()
        .take(5)
        .map(|(name, _)| format!("`{name}`"))
        .collect();
    match names.is_empty() {
        true => "; the line has no other field with a text".to_owned(),
        false => format!(
            "; fields with a text: {}; choose one with `text_field` under `[input]`",
            names.join(", ")
        ),
    }
}

/// Where the value of a field begins, counted in bytes from 1. Good enough to look there: a
/// nested field of the same name in front of it would be found first.
fn column_of(line: &str, field: &str) -> Option<usize> {
    let key = serde_json::to_string(field).ok()?;
    let mut from = 0;
    while let Some(at) = line[from..].find(&key) {
        let after = from + at + key.len();
        let rest = line[after..].trim_start();
        if let Some(value) = rest.strip_prefix(':') {
            return Some(line.len() - value.trim_start().len() + 1);
        }
        from = after;
    }
    None
}

fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => format!("`{value}`"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(_) => "a text".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

fn broken(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => format!("the file is cut short ({error})"),
        _ => format!("the file is damaged ({error})"),
    }
}

fn too_long(limit: usize, bytes: Option<u64>) -> String {
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

fn came_before(documents: u64) -> String {
    match documents {
        0 => "no document stands before this line".to_owned(),
        1 => "the document before this line came out".to_owned(),
        _ => format!("the {documents} documents before this line came out"),
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write, path::Path};

    use copydesk_engine::{index_of, split_of};
    use proptest::prelude::*;

    use super::*;
    use crate::{Search, discover};

    const LIMIT: usize = 16_000_000;

    fn read_with(
        base: &Path,
        paths: &[&str],
        input: &Input,
        limit: usize,
    ) -> Vec<Result<NewDocument, InputFailure>> {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        let search = Search {
            base: base.to_owned(),
            ..Search::default()
        };
        let mut reader =
            Reader::new(discover(&paths, &search).unwrap(), input, limit, None).unwrap();
        std::iter::from_fn(|| reader.next()).collect()
    }

    fn read(base: &Path, paths: &[&str]) -> Vec<Result<NewDocument, InputFailure>> {
        read_with(base, paths, &Input::default(), LIMIT)
    }

    fn one_file(
        name: &str,
        bytes: &[u8],
    ) -> (tempfile::TempDir, Vec<Result<NewDocument, InputFailure>>) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), bytes).unwrap();
        let read = read(folder.path(), &[name]);
        (folder, read)
    }

    fn ids(read: &[Result<NewDocument, InputFailure>]) -> Vec<String> {
        read.iter()
            .map(|result| match result {
                Ok(document) => document.id.clone(),
                Err(failure) => format!("{} failed: {}", failure.id, failure.code),
            })
            .collect()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// Lines that do not compress away, so that a cut file loses some.
    fn many_lines() -> String {
        let mut state = 1u64;
        (0..6000)
            .map(|i| {
                let noise: String = (0..60)
                    .map(|_| {
                        state = state
                            .wrapping_mul(6364136223846793005)
                            .wrapping_add(1442695040888963407);
                        char::from(b'a' + ((state >> 33) % 26) as u8)
                    })
                    .collect();
                format!("{{\"text\": \"{i} {noise}\"}}\n")
            })
            .collect()
    }

    #[test]
    fn a_text_file_is_one_document_with_its_path_as_id() {
        let (_folder, read) = one_file("ferry.txt", "Pell said:\r\n“Go.”\r\n".as_bytes());
        let document = read[0].as_ref().unwrap();
        assert_eq!(document.id, "ferry.txt");
        assert_eq!(document.path.as_deref(), Some("ferry.txt"));
        assert_eq!(document.raw, "Pell said:\r\n“Go.”\r\n");
        assert!(document.warnings.is_empty());
    }

    #[test]
    fn a_json_line_gives_text_id_and_everything_else_as_it_stood() {
        let (_folder, read) = one_file(
            "news.jsonl",
            b"{\"id\": \"a\", \"text\": \"One.\", \"title\": \"T\", \"n\": 1.50}\n\n{\"text\":\"Two.\"}\n{\"id\": 7, \"text\": \"Three.\"}",
        );
        assert_eq!(ids(&read), ["a", "news.jsonl:3", "7"]);
        let first = read[0].as_ref().unwrap();
        assert_eq!(
            Value::Object(first.extra.clone()).to_string(),
            r#"{"title":"T","n":1.5}"#
        );
        assert!(first.meta.is_empty());
        assert_eq!(first.path.as_deref(), Some("news.jsonl"));
    }

    #[test]
    fn fields_can_be_chosen() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(
            folder.path().join("a.jsonl"),
            r#"{"key": "k1", "body": "One.", "text": 5, "about": [{"start": 0, "end": 3}]}"#,
        )
        .unwrap();
        let input = Input {
            text_field: "body".into(),
            targets_field: "about".into(),
            id_field: "key".into(),
            ..Input::default()
        };
        let read = read_with(folder.path(), &["a.jsonl"], &input, LIMIT);
        let document = read[0].as_ref().unwrap();
        assert_eq!(
            (document.id.as_str(), document.raw.as_str()),
            ("k1", "One.")
        );
        assert_eq!(document.extra["text"], 5);
        // Stages read it as metadata, and it is carried along as any column.
        assert_eq!(document.meta["targets"][0]["end"], 3);
        assert_eq!(document.extra["about"], document.meta["targets"]);
    }

    #[test]
    fn a_bad_line_fails_alone_and_says_where_and_what_helps() {
        let (_folder, read) = one_file(
            "news.jsonl",
            b"{\"text\": \"ok\"}\n{\"text\": oops}\n[1]\n{\"body\": \"words\", \"n\": 1}\n{\"id\": \"x\", \"text\": 42}\n{\"id\": [], \"text\": \"\"}\n{\"text\": \"last\"}",
        );
        assert_eq!(
            ids(&read),
            [
                "news.jsonl:1",
                "news.jsonl:2 failed: not-json",
                "news.jsonl:3 failed: not-object",
                "news.jsonl:4 failed: no-text",
                "news.jsonl:5 failed: text-not-string",
                "news.jsonl:6 failed: bad-id",
                "news.jsonl:7",
            ]
        );
        let told: Vec<String> = read
            .iter()
            .filter_map(|result| result.as_ref().err())
            .map(|failure| format!("{}: {}", failure.place.as_ref().unwrap(), failure.message))
            .collect();
        insta::assert_snapshot!(told.join("\n"), @"
        line 2, column 10: this line is no JSON: expected value
        line 3: this line is an array, not an object with a text
        line 4, column 1: there is no `text`; fields with a text: `body`; choose one with `text_field` under `[input]`
        line 5, column 21: `text` is the number 42, not a text; the line has no other field with a text
        line 6, column 8: `id` is an array, not a text or number; choose another with `id_field` under `[input]`
        ");
        assert_eq!(
            read[1].as_ref().unwrap_err().raw.as_deref(),
            Some("{\"text\": oops}")
        );
    }

    /// Positions, as split and index, and ids of all that is read.
    fn read_but(skip: impl Skip + 'static, folder: &Path) -> Vec<(u32, u64, String)> {
        let search = Search {
            base: folder.to_owned(),
            ..Search::default()
        };
        let files = discover(&[".".to_owned()], &search).unwrap();
        let input = Input::default();
        let mut reader = Reader::new(files, &input, LIMIT, Some(Arc::new(skip))).unwrap();
        std::iter::from_fn(|| reader.next())
            .map(|result| match result {
                Ok(document) => (document.seq, document.id),
                Err(failure) => (failure.seq, failure.code),
            })
            .map(|(seq, id)| (split_of(seq), index_of(seq), id))
            .collect()
    }

    /// Passes over split 0, the documents at these positions, and what follows on the other.
    #[derive(Default)]
    struct But {
        split_0: bool,
        documents: Vec<u64>,
        from: Option<u64>,
    }

    impl Skip for But {
        fn whole_split(&self, split: u32) -> bool {
            self.split_0 && split == 0
        }

        fn document(&self, position: u64) -> bool {
            self.documents.contains(&position)
        }

        fn rest_of_split(&self, position: u64) -> bool {
            let from = self.from.unwrap_or(u64::MAX);
            split_of(position) == split_of(from) && position >= from
        }
    }

    #[test]
    fn every_record_has_its_place_whatever_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("a.txt", "One.");
        write(
            "b.jsonl",
            "{\"id\": \"b0\", \"text\": \"x\"}\n\n{oops\n{\"id\": \"b2\", \"text\": \"y\"}\n",
        );
        write("c.txt", "Two.");
        let all = [
            (0, 0, "a.txt"),
            (1, 0, "b0"),
            (1, 1, "not-json"),
            (1, 2, "b2"),
            (2, 0, "c.txt"),
        ]
        .map(|(split, index, id)| (split, index, id.to_owned()));
        let read = |skip| read_but(skip, folder.path());
        assert_eq!(read(But::default()), all);
        let whole = But {
            split_0: true,
            ..But::default()
        };
        assert_eq!(read(whole), all[1..]);
        let some = But {
            documents: vec![position(0, 0), position(1, 1)],
            ..But::default()
        };
        assert_eq!(read(some), [&all[1..2], &all[3..]].concat());
        let rest = But {
            from: Some(position(1, 1)),
            ..But::default()
        };
        assert_eq!(read(rest), [&all[..2], &all[4..]].concat());
    }

    #[test]
    fn an_empty_file_is_an_empty_document_with_a_warning_and_an_empty_jsonl_is_none() {
        let (_folder, read) = one_file("a.txt", b"");
        assert_eq!(read[0].as_ref().unwrap().warnings[0].code, "empty");
        let (_folder, read) = one_file("a.jsonl", b"");
        assert!(read.is_empty());
    }

    #[test]
    fn odd_texts_come_through_as_they_are() {
        for text in [
            "a",
            " \n\t ",
            "“”\"‘’",
            "אמר השר: “לא”.",
            "👩‍👩‍👧‍👦 said 🙂",
            "e\u{301}\r\n",
        ] {
            let (_folder, read) = one_file("a.txt", text.as_bytes());
            assert_eq!(read[0].as_ref().unwrap().raw, text);
            let line = serde_json::json!({ "text": text }).to_string();
            let (_folder, read) = one_file("a.jsonl", line.as_bytes());
            assert_eq!(read[0].as_ref().unwrap().raw, text);
        }
    }

    #[test]
    fn a_line_or_file_of_50_mb_fails_alone_unless_it_is_allowed() {
        let folder = tempfile::tempdir().unwrap();
        let long = "x".repeat(50_000_000);
        fs::write(folder.path().join("a.txt"), &long).unwrap();
        fs::write(
            folder.path().join("b.jsonl"),
            format!("{{\"text\": \"first\"}}\n{{\"text\": \"{long}\"}}\n{{\"text\": \"last\"}}\n"),
        )
        .unwrap();
        let read = read(folder.path(), &["."]);
        assert_eq!(
            ids(&read),
            [
                "a.txt failed: too-large",
                "b.jsonl:1",
                "b.jsonl:2 failed: too-large",
                "b.jsonl:3"
            ]
        );
        let message = &read[2].as_ref().unwrap_err().message;
        assert!(
            message.contains("50 MB")
                && message.contains("16 MB")
                && message.contains("max_document_mb"),
            "{message}"
        );
        let read = read_with(folder.path(), &["b.jsonl"], &Input::default(), 60_000_000);
        assert_eq!(read[1].as_ref().unwrap().raw.len(), 50_000_000);
    }

    #[test]
    fn compressed_files_are_read_whatever_they_are_called() {
        let line = b"{\"text\": \"One.\"}\n";
        let packed = zstd::encode_all(&line[..], 0).unwrap();
        for (name, bytes) in [
            ("a.jsonl.gz", gzip(line)),
            ("a.jsonl.zst", packed),
            ("a.jsonl", gzip(line)),
            ("a.jsonl.gz", line.to_vec()),
        ] {
            let (_folder, read) = one_file(name, &bytes);
            assert_eq!(read[0].as_ref().unwrap().raw, "One.", "{name}");
        }
        let (_folder, read) = one_file("a.txt.gz", &[gzip(b"One, "), gzip(b"two.")].concat());
        assert_eq!(
            read[0].as_ref().unwrap().raw,
            "One, two.",
            "members follow one another"
        );
    }

    #[test]
    fn what_stands_before_the_cut_in_a_truncated_file_comes_out() {
        let lines = many_lines();
        let packed = zstd::encode_all(lines.as_bytes(), 0).unwrap();
        for (name, bytes) in [
            ("a.jsonl.gz", gzip(lines.as_bytes())),
            ("a.jsonl.zst", packed),
        ] {
            let (_folder, read) = one_file(name, &bytes[..bytes.len() * 2 / 3]);
            let (last, whole) = read.split_last().unwrap();
            let failure = last.as_ref().unwrap_err();
            assert_eq!(failure.code, "damaged");
            assert!(failure.message.contains("cut short"), "{}", failure.message);
            assert!(
                failure
                    .message
                    .contains(&format!("the {} documents", whole.len())),
                "{}",
                failure.message
            );
            for (i, document) in whole.iter().enumerate() {
                assert!(document.as_ref().unwrap().raw.starts_with(&format!("{i} ")));
            }
            // Gzip gives what it has; zstd works in blocks of 128 KiB.
            assert!(whole.len() > 1500, "{name}: {}", whole.len());
        }
        let text = gzip(lines.as_bytes());
        let (_folder, read) = one_file("a.txt.gz", &text[..text.len() / 2]);
        assert_eq!(ids(&read), ["a.txt.gz failed: damaged"]);
    }

    #[test]
    fn a_damaged_checksum_is_noticed() {
        let mut bytes = gzip(b"{\"text\": \"One.\"}\n");
        let at = bytes.len() - 6;
        bytes[at] ^= 0xFF;
        let (_folder, read) = one_file("a.jsonl.gz", &bytes);
        assert_eq!(read.last().unwrap().as_ref().unwrap_err().code, "damaged");
    }

    #[test]
    fn json_lines_in_utf16_are_read_line_by_line() {
        let lines = "{\"text\": \"Élodie sagte „Nein“\"}\r\n{\"text\": \"Two.\"}\r\n";
        for mark in ["", "\u{FEFF}"] {
            let bytes: Vec<u8> = format!("{mark}{lines}")
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect();
            let (_folder, read) = one_file("a.jsonl", &bytes);
            let texts: Vec<&str> = read
                .iter()
                .map(|r| r.as_ref().unwrap().raw.as_str())
                .collect();
            assert_eq!(texts, ["Élodie sagte „Nein“", "Two."]);
            assert_eq!(
                read[0].as_ref().unwrap().warnings.is_empty(),
                !mark.is_empty()
            );
        }
    }

    #[test]
    fn a_line_that_is_not_utf8_is_guessed_with_a_warning() {
        let mut bytes = b"{\"text\": \"caf".to_vec();
        bytes.extend([0xE9, b'"', b'}', b'\n']);
        bytes.extend("{\"text\": \"café\"}\n".as_bytes());
        let (_folder, read) = one_file("a.jsonl", &bytes);
        let (first, second) = (read[0].as_ref().unwrap(), read[1].as_ref().unwrap());
        assert_eq!((first.raw.as_str(), second.raw.as_str()), ("café", "café"));
        assert_eq!(first.warnings[0].code, "encoding-guessed");
        assert!(second.warnings.is_empty());
    }

    #[test]
    fn a_told_encoding_is_obeyed_and_an_unknown_one_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.txt"), [0xA4]).unwrap();
        let input = Input {
            encoding: Some("iso-8859-15".into()),
            ..Input::default()
        };
        let read = read_with(folder.path(), &["a.txt"], &input, LIMIT);
        assert_eq!(read[0].as_ref().unwrap().raw, "€");
        let input = Input {
            encoding: Some("latin-99".into()),
            ..Input::default()
        };
        assert!(Reader::new(vec![], &input, LIMIT, None).is_err());
    }

    #[test]
    fn half_a_surrogate_in_json_fails_that_line() {
        let (_folder, read) = one_file("a.jsonl", b"{\"text\": \"\\ud800\"}\n{\"text\": \"ok\"}");
        assert_eq!(ids(&read), ["a.jsonl:1 failed: not-json", "a.jsonl:2"]);
    }

    const PAGE: &str = "<html lang=en><head><meta property=og:title content='Ferries stop'>\
        <meta name=author content='By Ada Brill'></head><body><nav><a href=/>Home</a></nav><article>\
        <p>The ferries to the outer islands stopped on Friday, said Elodie Brule of the caf\u{e9} on the pier.</p>\
        <figure><img src=x><figcaption>The northern pier</figcaption></figure>\
        <p>Nobody in the harbour office would say for how long, and nobody asked the captain.</p>\
        </article></body></html>";
    const RENDERED: &str = "The ferries to the outer islands stopped on Friday, said Elodie Brule of the \
        caf\u{e9} on the pier.\n\nThe northern pier\n\nNobody in the harbour office would say for how long, \
        and nobody asked the captain.";

    #[test]
    fn a_page_gives_its_article_what_it_says_about_it_and_its_markup() {
        for (name, bytes) in [
            ("a.html", PAGE.as_bytes().to_vec()),
            ("a.HTM", PAGE.as_bytes().to_vec()),
            ("a.html.gz", gzip(PAGE.as_bytes())),
            ("a.html.zst", zstd::encode_all(PAGE.as_bytes(), 0).unwrap()),
        ] {
            let (_folder, read) = one_file(name, &bytes);
            let document = read[0].as_ref().unwrap();
            assert_eq!(document.raw, RENDERED, "{name}");
            assert_eq!(document.media_type, "text/html");
            assert_eq!(document.meta["title"], "Ferries stop");
            assert_eq!(document.meta["authors"], serde_json::json!(["Ada Brill"]));
            assert_eq!(document.meta["language"], "en");
            assert!(document.warnings.is_empty(), "{:?}", document.warnings);
            let [markup] = document.layers.as_slice() else {
                panic!("one layer, not {:?}", document.layers);
            };
            assert_eq!(
                (markup.name.as_str(), markup.transient),
                (crate::MARKUP, true)
            );
            let labels: Vec<_> = markup
                .spans
                .iter()
                .map(|span| {
                    let range = span.range.start as usize..span.range.end as usize;
                    (span.label.as_deref().unwrap(), &document.raw[range])
                })
                .collect();
            assert_eq!(labels[1], ("caption", "The northern pier"));
            assert_eq!(
                (labels[0].0, labels[2].0, labels.len()),
                ("paragraph", "paragraph", 3)
            );
            let tag = copydesk_document::NewValue::Text("figcaption".to_owned());
            assert_eq!(markup.spans[1].attrs[0], ("tag", tag));
        }
    }

    #[test]
    fn a_field_of_json_lines_can_hold_the_page_where_there_is_no_text() {
        let lines = [
            serde_json::json!({ "html": PAGE, "desk": "harbour" }),
            serde_json::json!({ "html": PAGE, "text": null }),
            serde_json::json!({ "html": PAGE, "text": "Short." }),
            serde_json::json!({ "html": 7 }),
        ];
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        let (_folder, read) = one_file("a.jsonl", lines.join("\n").as_bytes());
        for document in &read[..2] {
            let document = document.as_ref().unwrap();
            assert_eq!(
                (document.raw.as_str(), document.media_type.as_str()),
                (RENDERED, "text/html")
            );
            assert!(!document.extra.contains_key("html") && !document.extra.contains_key("text"));
        }
        assert_eq!(read[0].as_ref().unwrap().extra["desk"], "harbour");
        let text = read[2].as_ref().unwrap();
        assert_eq!(
            (text.raw.as_str(), text.media_type.as_str()),
            ("Short.", "text/plain")
        );
        assert_eq!(text.extra["html"], PAGE);
        let failure = read[3].as_ref().unwrap_err();
        assert_eq!(
            failure.message.split(';').next(),
            Some("`html` is the number 7, not a text")
        );
    }

    #[test]
    fn pages_in_old_encodings_are_read_as_they_declare() {
        let latin = |text: &str| encoding_rs::WINDOWS_1252.encode(text).0.into_owned();
        let declared = |head: &str| PAGE.replacen("<head>", &format!("<head>{head}"), 1);
        for (bytes, notes) in [
            (latin(&declared("<meta charset='iso-8859-1'>")), vec![]),
            (
                latin(&declared(
                    "<META http-equiv=Content-Type content='text/html; Charset = windows-1252'>",
                )),
                vec![],
            ),
            (declared("<meta charset=utf-8>").into_bytes(), vec![]),
            // Said wrongly: letters beyond ASCII are valid UTF-8 by no accident.
            (declared("<meta charset=iso-8859-1>").into_bytes(), vec![]),
            (declared("<meta charset=utf-16>").into_bytes(), vec![]),
            (
                declared("<meta charset=klingon>").into_bytes(),
                vec!["encoding-declared"],
            ),
            (
                latin(&declared("<meta charset=utf-8>")),
                vec!["encoding-guessed"],
            ),
            (
                latin(&declared("<meta charset=euc-jp>")),
                vec!["encoding-declared", "encoding-guessed"],
            ),
        ] {
            let (_folder, read) = one_file("a.html", &bytes);
            let document = read[0].as_ref().unwrap();
            let codes: Vec<&str> = document.warnings.iter().map(|w| w.code.as_str()).collect();
            assert_eq!((document.raw.as_str(), codes), (RENDERED, notes));
        }
    }

    #[test]
    fn what_is_no_page_or_has_no_article_says_so() {
        let (_folder, read) =
            one_file("a.html", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x03\0\0\0\x01");
        assert_eq!(ids(&read), ["a.html failed: not-html"]);
        let (_folder, read) = one_file("a.html", b"%PDF-1.7 and so on");
        assert_eq!(ids(&read), ["a.html failed: not-html"]);
        for (html, code, text) in [
            ("", "empty", ""),
            ("<html><script>1</script></html>", "empty", ""),
            (
                "<ul><li><a href=1>One</a><li><a href=2>Two</a></ul>",
                "no-article",
                "One\n\nTwo",
            ),
        ] {
            let (_folder, read) = one_file("a.html", html.as_bytes());
            let document = read[0].as_ref().unwrap();
            let codes: Vec<&str> = document.warnings.iter().map(|w| w.code.as_str()).collect();
            assert_eq!((codes, document.raw.as_str()), (vec![code], text), "{html}");
        }
    }

    #[test]
    fn a_page_of_50_mb_fails_alone_and_says_which_key_allows_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.html"), "<p>x".repeat(12_500_000)).unwrap();
        fs::write(folder.path().join("b.html"), PAGE).unwrap();
        let read = read(folder.path(), &["."]);
        assert_eq!(ids(&read), ["a.html failed: too-large", "b.html"]);
        let message = &read[0].as_ref().unwrap_err().message;
        assert!(message.contains("max_document_mb"), "{message}");
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic_or_stop_early(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let mut whole = b"{\"text\": \"first\"}\n".to_vec();
            whole.extend(bytes.iter().filter(|byte| **byte != 0));
            whole.extend(b"\n{\"text\": \"last\"}\n");
            let (_folder, read) = one_file("a.jsonl", &whole);
            prop_assert_eq!(&read[0].as_ref().unwrap().raw, "first");
            prop_assert_eq!(&read.last().unwrap().as_ref().unwrap().raw, "last");
        }
    }
}
