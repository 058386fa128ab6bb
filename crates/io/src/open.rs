//! Opening an input: compression is known by the first bytes, not by the name.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Cursor, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8};
use flate2::bufread::MultiGzDecoder;

use crate::{
    decode::unmarked_utf16,
    discover::{InputFile, InputFormat},
};

const BUFFER: usize = 256 * 1024;
pub(crate) const GZIP: &[u8] = &[0x1F, 0x8B];
pub(crate) const ZSTD: &[u8] = &[0x28, 0xB5, 0x2F, 0xFD];

/// Bytes of an input, decompressed.
///
/// A name says `.gz` for what a download tool has long unpacked, or nothing for what is packed;
/// the magic numbers of gzip (RFC 1952) and zstd (RFC 8878) do not lie, and no text begins with them.
/// What is taken from disk is added to `taken`.
pub(crate) fn open(
    file: &InputFile,
    taken: &Arc<AtomicU64>,
) -> io::Result<Box<dyn BufRead + Send>> {
    let taken = Arc::clone(taken);
    match &file.path {
        Some(path) => unpack(Counted {
            source: File::open(path)?,
            taken,
        }),
        None => unpack(Counted {
            source: io::stdin(),
            taken,
        }),
    }
}

struct Counted<R> {
    source: R,
    taken: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.taken.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

fn unpack(source: impl Read + Send + 'static) -> io::Result<Box<dyn BufRead + Send>> {
    let mut source = BufReader::with_capacity(BUFFER, source);
    let (start, error) = peek(&mut source, 4);
    if let Some(error) = error {
        // A folder in place of a file shows only now.
        return Err(error);
    }
    let whole = Cursor::new(start.clone()).chain(source);
    Ok(if start.starts_with(GZIP) {
        Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(whole)))
    } else if start.starts_with(ZSTD) {
        Box::new(BufReader::with_capacity(
            BUFFER,
            zstd::Decoder::with_buffer(whole)?,
        ))
    } else {
        Box::new(whole)
    })
}

/// Takes up to `count` bytes, fewer only at the end or before an error.
fn peek(source: &mut impl Read, count: usize) -> (Vec<u8>, Option<io::Error>) {
    let mut start = Vec::with_capacity(count);
    let error = source.take(count as u64).read_to_end(&mut start).err();
    (start, error)
}

/// A stream with what was taken from it in front, and after that the error that it met, so that
/// everything before a damaged place is read.
fn put_back(
    start: Vec<u8>,
    error: Option<io::Error>,
    rest: Box<dyn BufRead + Send>,
) -> Box<dyn BufRead + Send> {
    match error {
        Some(error) => Box::new(Cursor::new(start).chain(BufReader::new(Broken(Some(error))))),
        None => Box::new(Cursor::new(start).chain(rest)),
    }
}

struct Broken(Option<io::Error>);

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// The format of a stream of which nobody told it: JSON Lines begin with a brace, web pages with
/// one of a few tags, archives and Parquet with their names, and no news text does. Returns the
/// stream as it was.
pub(crate) fn sniff(mut stream: Box<dyn BufRead + Send>) -> (InputFormat, Box<dyn BufRead + Send>) {
    let (start, error) = peek(&mut stream, 256);
    let mut letters = start
        .iter()
        .filter(|byte| !matches!(byte, 0xEF | 0xBB | 0xBF | 0xFE | 0xFF | 0))
        .skip_while(|byte| byte.is_ascii_whitespace())
        .map(u8::to_ascii_lowercase);
    let first: Vec<u8> = letters.by_ref().take(16).collect();
    let tags: [&[u8]; 5] = [b"<!doctype html", b"<html", b"<head", b"<body", b"<?xml"];
    let format = match first.first() {
        _ if start.starts_with(b"WARC/") => InputFormat::Warc,
        _ if start.starts_with(b"PAR1") => InputFormat::Parquet,
        Some(b'{') => InputFormat::JsonLines,
        Some(b'<') if tags.iter().any(|tag| first.starts_with(tag)) => InputFormat::Html,
        _ => InputFormat::Text,
    };
    (format, put_back(start, error, stream))
}

/// A stream in UTF-16, or in the encoding that the user told, as one in UTF-8, so that lines can be
/// told apart; every other stream as it is, less its byte order mark.
///
/// Returns the name of an encoding that was guessed without a mark.
pub(crate) fn as_utf8(
    mut stream: Box<dyn BufRead + Send>,
    told: Option<&'static Encoding>,
) -> (Option<&'static str>, Box<dyn BufRead + Send>) {
    let (mut start, error) = peek(&mut stream, 1024);
    let (encoding, mark, guessed) = match (Encoding::for_bom(&start), told) {
        (Some((encoding, mark)), _) => (encoding, mark, None),
        (None, Some(told)) => (told, 0, None),
        (None, None) => match unmarked_utf16(&start).filter(|_| start.contains(&0)) {
            Some(encoding) => (encoding, 0, Some(encoding.name())),
            None => (UTF_8, 0, None),
        },
    };
    start.drain(..mark);
    let stream = put_back(start, error, stream);
    if encoding == UTF_8 {
        return (guessed, stream);
    }
    let decoder = encoding.new_decoder_without_bom_handling();
    let transcoder = Transcoder {
        source: stream,
        decoder,
        ended: false,
    };
    (
        guessed,
        Box::new(BufReader::with_capacity(BUFFER, transcoder)),
    )
}

/// Reads UTF-8 out of a stream in another encoding.
struct Transcoder<R> {
    source: R,
    decoder: Decoder,
    ended: bool,
}

impl<R: BufRead> Read for Transcoder<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            let input = self.source.fill_buf()?;
            let last = input.is_empty();
            if last && self.ended {
                return Ok(0);
            }
            let (result, read, written, _) = self.decoder.decode_to_utf8(input, out, last);
            self.source.consume(read);
            self.ended = last && result == CoderResult::InputEmpty;
            if written > 0 || self.ended {
                return Ok(written);
            }
        }
    }
}
