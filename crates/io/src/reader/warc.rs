//! Web archives (WARC, ISO 28500:2017): a web page a document.
//!
//! Crawls of news are published as gzip files in which each record is a member of its own. Only
//! responses with a web page give documents: requests, redirects, pictures and error pages are
//! passed over, and counted.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek},
    sync::Arc,
};

use copydesk_document::{Map, Value};
use copydesk_engine::InputFailure;
use flate2::bufread::GzDecoder;

use super::{
    http::{Body, Head, header},
    plan::Splits,
    record::{
        Content, Cut, Draft, Options, Record, Records, Spot, Unit, failure, of_file, too_long,
    },
};
use crate::{
    decode::{self, Note},
    discover::InputFile,
    open::{self, GZIP},
};

/// Header blocks are a few hundred bytes.
const MOST_HEADER_BYTES: usize = 256 * 1024;
const MAGIC: &[u8] = b"WARC/";

/// The pages of one archive.
pub(crate) struct Warc {
    file: Arc<InputFile>,
    splits: Splits,
    source: Source,
    /// The record that is being read begins there.
    offset: u64,
    pages: u64,
    others: u64,
    ended: bool,
}

enum Source {
    /// Uncompressed, or compressed as a whole.
    Stream(Counted<Box<dyn BufRead + Send>>),
    /// Members of gzip, between two of them.
    Between(Counted<BufReader<File>>),
    Member(Box<BufReader<GzDecoder<Counted<BufReader<File>>>>>),
    Gone,
}

impl Warc {
    /// Opens an archive.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub(crate) fn open(
        file: Arc<InputFile>,
        stream: Option<Box<dyn BufRead + Send>>,
        splits: Splits,
        options: &Options,
    ) -> Result<Self, Box<InputFailure>> {
        let source = source(&file, stream, options)
            .map_err(|error| of_file(&file, "unreadable", error.to_string()))?;
        Ok(Self {
            file,
            splits,
            source,
            offset: 0,
            pages: 0,
            others: 0,
            ended: false,
        })
    }
}

fn source(
    file: &InputFile,
    stream: Option<Box<dyn BufRead + Send>>,
    options: &Options,
) -> io::Result<Source> {
    if let (Some(path), None) = (&file.path, &stream) {
        let mut on_disk = BufReader::with_capacity(256 * 1024, File::open(path)?);
        let is_file = on_disk.get_ref().metadata()?.is_file();
        if is_file && on_disk.fill_buf()?.starts_with(GZIP) {
            return Ok(Source::Between(Counted::new(on_disk)));
        }
    }
    let stream = match stream {
        Some(stream) => stream,
        None => open::open(file, &options.taken)?,
    };
    Ok(Source::Stream(Counted::new(stream)))
}

impl Records for Warc {
    fn next(&mut self, options: &Options, wanted: &dyn Fn(u32) -> bool) -> Option<Cut> {
        while !self.ended {
            match self.step(options, wanted) {
                Ok(Some(response)) => {
                    self.pages += 1;
                    let split = self.splits.at(self.offset);
                    return Some(Cut::of(split, response.message.len(), response));
                }
                Ok(None) => {}
                Err(wrong) => {
                    let split = self.splits.at(self.offset);
                    return Some(Cut::failed(split, self.failed(wrong)));
                }
            }
        }
        None
    }
}

impl Warc {
    /// Goes on by one record.
    fn step(
        &mut self,
        options: &Options,
        wanted: &dyn Fn(u32) -> bool,
    ) -> Result<Option<Response>, Wrong> {
        match std::mem::replace(&mut self.source, Source::Gone) {
            Source::Stream(mut stream) => {
                let found = find_record(&mut stream);
                self.offset = stream.at;
                let read = found.and_then(|any| match any {
                    true => read_record(&mut stream, options.limit),
                    false => Ok(Next::End),
                });
                // After an error the next record can still be found, unless reading itself fails.
                if read.as_ref().is_err_and(|wrong| wrong.is_end) {
                    self.end();
                }
                self.source = Source::Stream(stream);
                self.sort(read?)
            }
            Source::Between(mut stream) => {
                let here = self.splits.at(stream.at);
                if !wanted(here) {
                    let mut later = here + 1..self.splits.all().end;
                    let Some(next) = later.find(|split| wanted(*split)) else {
                        self.end();
                        return Ok(None);
                    };
                    let found = stream.find_member(self.splits.start(next));
                    return self.go_on(stream, found, options);
                }
                self.offset = stream.at;
                match filled(&mut stream) {
                    Ok(true) => {
                        let member = GzDecoder::new(stream);
                        self.source = Source::Member(Box::new(BufReader::new(member)));
                    }
                    Ok(false) => self.end(),
                    Err(error) => return Err(Wrong::end(error)),
                }
                Ok(None)
            }
            Source::Member(mut member) => {
                let read = find_record(&mut member).and_then(|any| match any {
                    true => read_record(&mut member, options.limit),
                    false => Ok(Next::End),
                });
                match read {
                    Ok(Next::End) => {
                        let stream = member.into_inner().into_inner();
                        options.took(stream.at.saturating_sub(self.offset));
                        self.source = Source::Between(stream);
                        Ok(None)
                    }
                    Ok(next) => {
                        self.source = Source::Member(member);
                        self.sort(next)
                    }
                    Err(wrong) if !wrong.is_end => {
                        self.source = Source::Member(member);
                        Err(wrong)
                    }
                    Err(wrong) => {
                        // The members after a damaged one are whole.
                        let mut stream = member.into_inner().into_inner();
                        let found = stream.find_member(self.offset + 1);
                        self.go_on(stream, found, options)?;
                        Err(Wrong {
                            is_end: false,
                            ..wrong
                        })
                    }
                }
            }
            Source::Gone => {
                self.ended = true;
                Ok(None)
            }
        }
    }

    fn go_on(
        &mut self,
        stream: Counted<BufReader<File>>,
        found: io::Result<bool>,
        options: &Options,
    ) -> Result<Option<Response>, Wrong> {
        options.took(stream.at.saturating_sub(self.offset));
        match found {
            Ok(true) => self.source = Source::Between(stream),
            Ok(false) => self.end(),
            Err(error) => return Err(Wrong::end(error)),
        }
        Ok(None)
    }

    fn sort(&mut self, next: Next) -> Result<Option<Response>, Wrong> {
        match next {
            Next::End => {
                self.end();
                Ok(None)
            }
            Next::Other => {
                self.others += 1;
                Ok(None)
            }
            Next::Page(page) => Ok(Some(Response {
                file: Arc::clone(&self.file),
                offset: self.offset,
                headers: page.headers,
                message: page.message,
            })),
        }
    }

    fn end(&mut self) {
        self.ended = true;
        tracing::debug!(
            "`{}`: {} pages, {} other records",
            self.file.name,
            self.pages,
            self.others
        );
        if self.pages == 0 && self.others > 0 {
            tracing::warn!(
                "`{}` has no response with a web page among its {} records",
                self.file.name,
                self.others
            );
        }
    }

    fn failed(&mut self, wrong: Wrong) -> Box<InputFailure> {
        self.ended |= wrong.is_end;
        let mut failure = failure(
            &self.file,
            Some(spot(self.offset)),
            wrong.code,
            wrong.message,
        );
        failure.raw = wrong.raw;
        failure
    }
}

fn spot(offset: u64) -> Spot {
    Spot {
        unit: Unit::Byte,
        number: offset,
    }
}

/// Why a record could not be read.
#[derive(Debug)]
struct Wrong {
    code: &'static str,
    message: String,
    raw: Option<String>,
    /// Nothing can be read after it.
    is_end: bool,
}

impl Wrong {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            raw: None,
            is_end: false,
        }
    }

    fn end(error: io::Error) -> Self {
        let message = match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                format!("the record is cut off: the file ends in the middle of it ({error})")
            }
            _ => format!("the record is damaged ({error})"),
        };
        Self {
            is_end: true,
            ..Self::new("damaged", message)
        }
    }
}

enum Next {
    Page(Page),
    /// A record that gives no document.
    Other,
    End,
}

struct Page {
    headers: Vec<(String, String)>,
    message: Vec<u8>,
}

/// Goes to the next line that begins a record: `false` at the end.
///
/// Blank lines stand between records; anything else there is what is left of a damaged one.
fn find_record(stream: &mut impl BufRead) -> Result<bool, Wrong> {
    loop {
        let buffer = loop {
            match stream.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Wrong::end(error)),
                Ok(_) => break stream.fill_buf().map_err(Wrong::end)?,
            }
        };
        if buffer.is_empty() {
            return Ok(false);
        }
        // A record that begins across the edge of the buffer is looked at by `read_record`.
        if buffer[0] == MAGIC[0] && buffer.iter().zip(MAGIC).all(|(a, b)| a == b) {
            return Ok(true);
        }
        let line = memchr::memchr(b'\n', buffer).map_or(buffer.len(), |at| at + 1);
        stream.consume(line);
    }
}

/// Reads the record that begins here.
fn read_record(stream: &mut impl BufRead, limit: usize) -> Result<Next, Wrong> {
    let version = line(stream)?;
    if !version.starts_with(MAGIC) {
        let shown = String::from_utf8_lossy(&version[..version.len().min(40)]).into_owned();
        return Err(Wrong::new(
            "bad-record",
            format!("a record begins with `WARC/1.1` or `WARC/1.0`, this with `{shown}`"),
        ));
    }
    let mut block = Vec::new();
    loop {
        let line = line(stream)?;
        if line.is_empty() {
            break;
        }
        block.extend_from_slice(&line);
        block.push(b'\n');
        if block.len() > MOST_HEADER_BYTES {
            return Err(Wrong::new("bad-record", "its header has no end"));
        }
    }
    let headers = super::http::headers(&block);
    let length: u64 = header(&headers, "content-length")
        .and_then(|length| length.parse().ok())
        .ok_or_else(|| Wrong {
            raw: Some(String::from_utf8_lossy(&block).into_owned()),
            ..Wrong::new(
                "bad-record",
                "its header has no `Content-Length` with a number, so nobody knows where it ends; \
                 what follows is read from the next line that begins a record",
            )
        })?;
    let is = |name, start: &str| {
        header(&headers, name).is_some_and(|value| value.to_ascii_lowercase().starts_with(start))
    };
    let response = is("warc-type", "response") && is("content-type", "application/http");
    if !response {
        pass_over(stream, length)?;
        return Ok(Next::Other);
    }
    // Enough of it to know whether it is a page; a video is not taken into memory.
    let most = limit as u64 + MOST_HEADER_BYTES as u64;
    let kept = if length > most {
        MOST_HEADER_BYTES as u64
    } else {
        length
    };
    let mut message = Vec::new();
    let read = stream.take(kept).read_to_end(&mut message);
    let head = Head::of(&message);
    let page = head.as_ref().is_none_or(|head| head.is_page(&message));
    let whole = match read {
        Err(error) => Err(Wrong::end(error)),
        Ok(_) if (message.len() as u64) < kept => {
            Err(Wrong::end(io::ErrorKind::UnexpectedEof.into()))
        }
        Ok(_) => pass_over(stream, length - kept),
    };
    whole.map_err(|wrong| Wrong {
        message: format!(
            "{}; it says that it has {length} bytes{}",
            wrong.message,
            header(&headers, "warc-target-uri").map_or(String::new(), |uri| format!(" of `{uri}`"))
        ),
        ..wrong
    })?;
    match head {
        None => Err(Wrong::new(
            "bad-record",
            "it says that it is a response of HTTP, but does not begin with a status line",
        )),
        Some(_) if !page => Ok(Next::Other),
        Some(_) if length > most => Err(Wrong::new(
            "too-large",
            format!("the page {}", too_long(limit, Some(length))),
        )),
        Some(_) => Ok(Next::Page(Page { headers, message })),
    }
}

/// One line, without its end.
fn line(stream: &mut impl BufRead) -> Result<Vec<u8>, Wrong> {
    let mut line = Vec::new();
    let read = stream
        .take(MOST_HEADER_BYTES as u64)
        .read_until(b'\n', &mut line)
        .map_err(Wrong::end)?;
    if read == 0 {
        return Err(Wrong::end(io::ErrorKind::UnexpectedEof.into()));
    }
    while matches!(line.last(), Some(b'\n' | b'\r')) {
        line.pop();
    }
    Ok(line)
}

fn pass_over(stream: &mut impl BufRead, bytes: u64) -> Result<(), Wrong> {
    let passed = io::copy(&mut stream.take(bytes), &mut io::sink()).map_err(Wrong::end)?;
    match passed == bytes {
        true => Ok(()),
        false => Err(Wrong::end(io::ErrorKind::UnexpectedEof.into())),
    }
}

fn filled(stream: &mut impl BufRead) -> io::Result<bool> {
    stream.fill_buf().map(|buffer| !buffer.is_empty())
}

/// A stream that knows where it is.
struct Counted<R> {
    inner: R,
    at: u64,
}

impl<R> Counted<R> {
    fn new(inner: R) -> Self {
        Self { inner, at: 0 }
    }
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(out)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.inner.consume(bytes);
        self.at += bytes as u64;
    }
}

impl Counted<BufReader<File>> {
    /// Goes to the first member of gzip from `from` on that holds a record: `false` if there is
    /// none. Every member begins with one (ISO 28500:2017, annex D), which tells it from three
    /// bytes that look like its beginning by accident.
    fn find_member(&mut self, from: u64) -> io::Result<bool> {
        const BEGINNING: &[u8] = &[0x1F, 0x8B, 0x08];
        self.seek(from)?;
        loop {
            let buffer = self.inner.fill_buf()?;
            if buffer.is_empty() {
                return Ok(false);
            }
            let Some(found) = memchr::memchr(BEGINNING[0], buffer) else {
                let length = buffer.len();
                self.consume(length);
                continue;
            };
            self.consume(found);
            let here = self.at;
            let mut start = [0; MAGIC.len()];
            let is_one = GzDecoder::new(&mut self.inner)
                .read_exact(&mut start)
                .is_ok_and(|()| start == MAGIC);
            self.seek(if is_one { here } else { here + 1 })?;
            if is_one {
                return Ok(true);
            }
        }
    }

    fn seek(&mut self, to: u64) -> io::Result<()> {
        let by = i64::try_from(to).map_err(io::Error::other)?;
        // What is in the buffer is kept where it is near: the candidates of a search are.
        let now = self.inner.stream_position()?;
        self.inner
            .seek_relative(by - i64::try_from(now).map_err(io::Error::other)?)?;
        self.at = to;
        Ok(())
    }
}

/// A response with a page.
struct Response {
    file: Arc<InputFile>,
    offset: u64,
    headers: Vec<(String, String)>,
    /// The message of HTTP, head and body.
    message: Vec<u8>,
}

impl Record for Response {
    fn file(&self) -> (&Arc<InputFile>, Option<Spot>) {
        (&self.file, Some(spot(self.offset)))
    }

    fn draft(self: Box<Self>, options: &Options) -> Result<Draft, Box<InputFailure>> {
        let place = spot(self.offset);
        let said = |name| header(&self.headers, name);
        let uri = said("warc-target-uri").map(|uri| uri.trim_matches(['<', '>']).to_owned());
        let fail = |code: &str, message: String| {
            let mut failure = failure(&self.file, Some(place), code, message);
            if let Some(uri) = &uri {
                failure.message = format!("`{uri}`: {}", failure.message);
            }
            failure
        };
        let Some(head) = Head::of(&self.message) else {
            return Err(fail("bad-record", "the response has no head".to_owned()));
        };
        let Body { bytes, mut notes } = head
            .body(&self.message, options.limit)
            .map_err(|(code, message)| fail(code, message))?;
        if let Some(reason) = said("warc-truncated") {
            notes.push(Note {
                code: "truncated",
                message: format!("the crawler kept only the beginning of the page ({reason})"),
            });
        }
        if decode::is_binary(&bytes) {
            let message = "its server calls it a web page, but it is binary data".to_owned();
            return Err(fail("not-html", message));
        }
        let decoded = match options.encoding {
            Some(encoding) => decode::decode_as(&bytes, encoding),
            None => decode::decode_response(&bytes, head.charset()),
        };
        notes.extend(decoded.notes);
        let mut extra = Map::new();
        let kept = [
            ("url", uri.clone()),
            ("warc_date", said("warc-date").map(str::to_owned)),
            ("warc_record_id", said("warc-record-id").map(str::to_owned)),
        ];
        for (name, value) in kept {
            if let Some(value) = value {
                extra.insert(name.to_owned(), Value::String(value));
            }
        }
        let chosen = extra.get(&options.id_field).and_then(Value::as_str);
        let given_id = chosen.map(str::to_owned).or(uri);
        let draft = Content::Page(decoded.text).draft(Arc::clone(&self.file), Some(place));
        notes.extend(draft.notes);
        Ok(Draft {
            given_id,
            extra,
            notes,
            ..draft
        })
    }
}
