//! Lines of a stream, none of them longer than memory is meant to hold.

use std::io::{self, BufRead};

/// Hands out the lines of a stream one at a time from one reused buffer.
pub(crate) struct Lines<R> {
    source: R,
    line: Vec<u8>,
    number: u64,
    offset: u64,
    limit: usize,
}

/// One line, without its line end.
pub(crate) enum Line<'a> {
    /// All of it.
    Whole(&'a [u8]),
    /// It was longer than the limit, and this long in all.
    TooLong { bytes: u64 },
}

impl<R: BufRead> Lines<R> {
    /// Lines of `source`, each at most `limit` bytes.
    pub(crate) fn new(source: R, limit: usize) -> Self {
        Self {
            source,
            line: Vec::new(),
            number: 0,
            offset: 0,
            limit,
        }
    }

    /// Number of the line handed out last, from 1.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Where in the stream the next line begins.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The next line; `None` at the end. After an error the stream is done for: what stood of a
    /// line before the error is not handed out, because nobody knows how it would have gone on.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        let mut bytes = 0u64;
        let (mut ended, mut too_long) = (false, false);
        while !ended {
            let buffer = match self.source.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.number += 1;
                    return Err(error);
                }
            };
            if buffer.is_empty() {
                if bytes == 0 {
                    return Ok(None);
                }
                break;
            }
            let (piece, used) = match memchr::memchr(b'\n', buffer) {
                Some(at) => {
                    ended = true;
                    (&buffer[..at], at + 1)
                }
                None => (buffer, buffer.len()),
            };
            bytes += used as u64;
            too_long |= self.line.len() + piece.len() > self.limit;
            if !too_long {
                self.line.extend_from_slice(piece);
            }
            self.source.consume(used);
            self.offset += used as u64;
        }
        self.number += 1;
        if too_long {
            self.line = Vec::new();
            return Ok(Some(Line::TooLong { bytes }));
        }
        if self.line.last() == Some(&b'\r') {
            self.line.pop();
        }
        Ok(Some(Line::Whole(&self.line)))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};

    use super::*;

    fn all(bytes: &[u8], limit: usize) -> Vec<String> {
        let mut lines = Lines::new(BufReader::with_capacity(7, bytes), limit);
        let mut out = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            out.push(match line {
                Line::Whole(line) => String::from_utf8_lossy(line).into_owned(),
                Line::TooLong { bytes } => format!("too long: {bytes}"),
            });
        }
        out
    }

    #[test]
    fn lines_end_with_or_without_carriage_return_or_end_of_file() {
        assert_eq!(all(b"one\r\ntwo\n\nfour", 100), ["one", "two", "", "four"]);
        assert!(all(b"", 100).is_empty());
        assert_eq!(all(b"\n", 100), [""]);
    }

    #[test]
    fn an_overlong_line_is_skipped_to_its_end() {
        assert_eq!(
            all(b"short\nthis is a rather long line\nexactly10!\nshort", 10),
            ["short", "too long: 27", "exactly10!", "short"]
        );
    }

    #[test]
    fn lines_before_an_error_come_out() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::from(io::ErrorKind::UnexpectedEof))
            }
        }
        let mut lines = Lines::new(BufReader::new(b"one\ntwo\nthr".chain(Broken)), 100);
        assert!(matches!(lines.next(), Ok(Some(Line::Whole(b"one")))));
        assert!(matches!(lines.next(), Ok(Some(Line::Whole(b"two")))));
        assert!(lines.next().is_err());
        assert_eq!(lines.number(), 3);
    }
}
