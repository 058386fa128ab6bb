//! Where the rows of a table of separated values end.

use std::io::{self, BufRead};

/// Cuts a stream of comma or tab separated values into rows, without looking at their fields.
///
/// A line end inside quotation marks belongs to its field. A quotation mark opens a quoted field
/// only where a field begins (RFC 4180, and what `csv-core` does with everything that is not RFC
/// 4180: a test holds the two together).
pub(crate) struct Rows<R> {
    source: R,
    delimiter: u8,
    quoting: bool,
    limit: usize,
    row: Vec<u8>,
    offset: u64,
    /// Number of the line that comes next, from 1.
    line: u64,
    /// The row before ended with a carriage return: a line feed after it is part of its end.
    after_return: bool,
}

/// One row.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    /// Its bytes, without the line end; empty if they are too many.
    pub(crate) bytes: Vec<u8>,
    /// How many they are.
    pub(crate) length: u64,
    pub(crate) offset: u64,
    pub(crate) first_line: u64,
    pub(crate) last_line: u64,
    /// A quoted field was still open when the stream ended.
    pub(crate) is_open: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Field,
    Quotes,
    /// Behind a quotation mark that ends the quotes, unless another one follows.
    Mark,
}

impl<R: BufRead> Rows<R> {
    /// Rows of `source`; of one with more than `limit` bytes only its length is told.
    pub(crate) fn new(source: R, delimiter: u8, quoting: bool, limit: usize) -> Self {
        Self {
            source,
            delimiter,
            quoting,
            limit,
            row: Vec::new(),
            offset: 0,
            line: 1,
            after_return: false,
        }
    }

    /// The line that comes next.
    pub(crate) fn line(&self) -> u64 {
        self.line
    }

    /// Where in the stream the next row begins.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The next row that is not blank; `None` at the end. After an error the stream is done for.
    pub(crate) fn next(&mut self) -> io::Result<Option<Row>> {
        loop {
            match self.any()? {
                Some(row) if row.length == 0 => {}
                row => return Ok(row),
            }
        }
    }

    fn any(&mut self) -> io::Result<Option<Row>> {
        self.row.clear();
        if self.after_return {
            self.after_return = false;
            if filled(&mut self.source)?.first() == Some(&b'\n') {
                self.take(1);
            }
        }
        let (first_line, start) = (self.line, self.offset);
        let mut length = 0u64;
        let mut within = Within::Field;
        // What stands before the byte that is looked at, in this row.
        let mut before = self.delimiter;
        let mut at_line_start = false;
        loop {
            let buffer = filled(&mut self.source)?;
            if buffer.is_empty() {
                if self.offset == start {
                    return Ok(None);
                }
                let is_open = within == Within::Quotes;
                let mut row = self.end(start, first_line, length, is_open);
                row.last_line -= u64::from(at_line_start);
                return Ok(Some(row));
            }
            let (used, ended) = scan(
                buffer,
                self.delimiter,
                self.quoting,
                &mut within,
                &mut before,
            );
            let lines = memchr::memchr_iter(b'\n', &buffer[..used]).count() as u64;
            let body = used - usize::from(ended.is_some());
            // Once it is too long, nothing more of it is kept.
            if length + body as u64 <= self.limit as u64 {
                self.row.extend_from_slice(&buffer[..body]);
            }
            length += body as u64;
            at_line_start = buffer[used - 1] == b'\n';
            self.take(used);
            self.line += lines;
            if let Some(end) = ended {
                self.after_return = end == b'\r';
                // Its line feed, if it has one, is not counted again.
                self.line += u64::from(end == b'\r');
                let last_line = self.line - 1;
                let mut row = self.end(start, first_line, length, false);
                row.last_line = last_line;
                return Ok(Some(row));
            }
        }
    }

    fn end(&mut self, offset: u64, first_line: u64, length: u64, is_open: bool) -> Row {
        let too_long = length > self.limit as u64;
        let bytes = std::mem::take(&mut self.row);
        Row {
            bytes: if too_long { Vec::new() } else { bytes },
            length,
            offset,
            first_line,
            last_line: self.line,
            is_open,
        }
    }

    fn take(&mut self, bytes: usize) {
        self.source.consume(bytes);
        self.offset += bytes as u64;
    }
}

fn filled(source: &mut impl BufRead) -> io::Result<&[u8]> {
    while let Err(error) = source.fill_buf() {
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
    source.fill_buf()
}

/// Goes through `buffer` up to the end of the row: how many bytes were used, and the line end
/// among them if it came.
fn scan(
    buffer: &[u8],
    delimiter: u8,
    quoting: bool,
    within: &mut Within,
    before: &mut u8,
) -> (usize, Option<u8>) {
    let mut at = 0;
    while at < buffer.len() {
        match *within {
            Within::Quotes => match memchr::memchr(b'"', &buffer[at..]) {
                Some(mark) => {
                    at += mark + 1;
                    *within = Within::Mark;
                }
                None => at = buffer.len(),
            },
            Within::Mark => {
                if buffer[at] == b'"' {
                    at += 1;
                    *within = Within::Quotes;
                } else {
                    // Not a delimiter: behind quotes no field begins before one has come.
                    *before = b'"';
                    *within = Within::Field;
                }
            }
            Within::Field => {
                let rest = &buffer[at..];
                let found = match quoting {
                    true => memchr::memchr3(b'\n', b'\r', b'"', rest),
                    false => memchr::memchr2(b'\n', b'\r', rest),
                };
                let Some(found) = found else {
                    *before = buffer[buffer.len() - 1];
                    return (buffer.len(), None);
                };
                if found > 0 {
                    *before = rest[found - 1];
                }
                let byte = rest[found];
                at += found + 1;
                if byte != b'"' {
                    return (at, Some(byte));
                }
                if *before == delimiter {
                    *within = Within::Quotes;
                }
                *before = b'"';
            }
        }
    }
    (at, None)
}

/// Cuts a row into its fields.
pub(crate) fn fields(row: &[u8], delimiter: u8, quoting: bool) -> Vec<Vec<u8>> {
    // Made anew for each row, which takes some microseconds: a clone of csv-core 0.1.13's parser
    // does not know its character classes.
    let mut parser = csv_core::ReaderBuilder::new()
        .delimiter(delimiter)
        .quoting(quoting)
        .build();
    let mut output = vec![0; row.len()];
    let mut ends = vec![0; 64];
    let (mut used, mut written, mut ended) = (0, 0, 0);
    loop {
        let (result, read, out, fields) =
            parser.read_record(&row[used..], &mut output[written..], &mut ends[ended..]);
        used += read;
        written += out;
        ended += fields;
        match result {
            csv_core::ReadRecordResult::OutputEndsFull => ends.resize(ends.len() * 2, 0),
            csv_core::ReadRecordResult::OutputFull => output.resize(output.len() + 64, 0),
            // All of the row was given: what comes next is its end.
            csv_core::ReadRecordResult::InputEmpty => {}
            csv_core::ReadRecordResult::Record | csv_core::ReadRecordResult::End => break,
        }
    }
    let mut start = 0;
    ends[..ended]
        .iter()
        .map(|end| output[std::mem::replace(&mut start, *end)..*end].to_vec())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};

    use proptest::prelude::*;

    use super::*;

    fn rows(text: &[u8], quoting: bool, buffer: usize) -> Vec<Row> {
        let mut rows = Rows::new(BufReader::with_capacity(buffer, text), b',', quoting, 1000);
        std::iter::from_fn(|| rows.next().unwrap()).collect()
    }

    /// Every row cut by `csv-core` itself, from the whole of the text.
    fn reference(text: &[u8], quoting: bool) -> Vec<Vec<Vec<u8>>> {
        let mut parser = csv_core::ReaderBuilder::new().quoting(quoting).build();
        let (mut out, mut ends) = (vec![0; text.len() + 1], vec![0; text.len() + 2]);
        let (mut at, mut all) = (0, Vec::new());
        loop {
            let (mut written, mut ended) = (0, 0);
            loop {
                let (result, read, wrote, fields) =
                    parser.read_record(&text[at..], &mut out[written..], &mut ends[ended..]);
                at += read;
                written += wrote;
                ended += fields;
                match result {
                    csv_core::ReadRecordResult::Record => break,
                    csv_core::ReadRecordResult::End => return all,
                    _ => {}
                }
            }
            let mut start = 0;
            all.push(
                ends[..ended]
                    .iter()
                    .map(|end| out[std::mem::replace(&mut start, *end)..*end].to_vec())
                    .collect(),
            );
        }
    }

    #[test]
    fn a_line_end_in_quotes_belongs_to_the_field() {
        let all = rows(
            b"id,text\r\n1,\"two\nlines, and \"\"marks\"\"\"\r\n\r\n2,x",
            true,
            5,
        );
        let seen: Vec<_> = all
            .iter()
            .map(|row| {
                (
                    fields(&row.bytes, b',', true).pop().unwrap(),
                    row.first_line,
                    row.last_line,
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                (b"text".to_vec(), 1, 1),
                (b"two\nlines, and \"marks\"".to_vec(), 2, 3),
                (b"x".to_vec(), 5, 5),
            ]
        );
        assert_eq!(all[2].offset, 41);
    }

    #[test]
    fn a_field_that_is_never_closed_is_told_and_a_long_row_is_not_kept() {
        let all = rows(b"a,b\n1,\"open\n2,x\n", true, 100);
        assert_eq!((all.len(), all[1].is_open, all[1].last_line), (2, true, 3));
        let long = [b"a\n".to_vec(), vec![b'x'; 1500], b"\nb".to_vec()].concat();
        let all = rows(&long, true, 100);
        assert_eq!((all[1].bytes.len(), all[1].length), (0, 1500));
        assert_eq!((all[2].bytes.as_slice(), all[2].first_line), (&b"b"[..], 3));
    }

    #[test]
    fn rows_before_an_error_come_out() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::UnexpectedEof.into())
            }
        }
        let mut rows = Rows::new(BufReader::new(b"a\nb\nc".chain(Broken)), b',', true, 100);
        assert_eq!(rows.next().unwrap().unwrap().bytes, b"a");
        assert_eq!(rows.next().unwrap().unwrap().bytes, b"b");
        assert!(rows.next().is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn rows_and_fields_are_those_of_csv_core(
            text in "[a\",\n\r]{0,40}",
            quoting: bool,
            buffer in 1usize..9,
        ) {
            let own: Vec<Vec<Vec<u8>>> = rows(text.as_bytes(), quoting, buffer)
                .iter()
                .map(|row| fields(&row.bytes, b',', quoting))
                .collect();
            prop_assert_eq!(own, reference(text.as_bytes(), quoting));
        }
    }
}
