//! JSON Lines: one object a line, each a document.

use std::{
    borrow::Cow,
    io::{self, BufRead},
    sync::Arc,
};

use copydesk_document::Value;
use copydesk_engine::InputFailure;

use super::{
    fields::{self, Words, Wrong, kind},
    plan::Splits,
    record::{Cut, Draft, Options, Record, Records, Spot, broken, came_before, failure, too_long},
};
use crate::{
    decode::{self, Decoded, Note},
    discover::InputFile,
    lines::{Line, Lines},
    open,
};

const WORDS: Words = Words {
    record: "line",
    field: "field",
};

/// The lines of one file.
pub(crate) struct JsonLines {
    file: Arc<InputFile>,
    splits: Splits,
    lines: Lines<Box<dyn BufRead + Send>>,
    /// An encoding that was guessed for the whole file.
    guessed: Option<&'static str>,
    count: u64,
    /// A damaged stream would tell its damage again and again.
    ended: bool,
}

impl JsonLines {
    pub(crate) fn new(
        file: Arc<InputFile>,
        stream: Box<dyn BufRead + Send>,
        splits: Splits,
        options: &Options,
    ) -> Self {
        let (guessed, stream) = open::as_utf8(stream, options.encoding);
        Self {
            file,
            splits,
            lines: Lines::new(stream, options.limit),
            guessed,
            count: 0,
            ended: false,
        }
    }

    fn broke(&mut self, error: &io::Error, split: u32) -> Cut {
        self.ended = true;
        let message = format!("{}; {}", broken(error), came_before(self.count, "line"));
        let spot = Spot::line(self.lines.number());
        Cut::failed(split, failure(&self.file, Some(spot), "damaged", message))
    }
}

impl Records for JsonLines {
    fn next(&mut self, options: &Options, _: &dyn Fn(u32) -> bool) -> Option<Cut> {
        while !self.ended {
            let split = self.splits.at(self.lines.offset());
            let line = match self.lines.next() {
                Ok(Some(Line::Whole(line))) => line.to_vec(),
                Ok(Some(Line::TooLong { bytes })) => {
                    self.count += 1;
                    let message = format!("the line {}", too_long(options.limit, Some(bytes)));
                    let spot = Spot::line(self.lines.number());
                    let failure = failure(&self.file, Some(spot), "too-large", message);
                    return Some(Cut::failed(split, failure));
                }
                Ok(None) => {
                    if self.lines.number() == 0 {
                        tracing::warn!("`{}` is empty: it has no documents", self.file.name);
                    }
                    return None;
                }
                Err(error) => return Some(self.broke(&error, split)),
            };
            // Blank lines are no documents.
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            self.count += 1;
            let weight = line.len();
            let record = JsonLine {
                file: Arc::clone(&self.file),
                number: self.lines.number(),
                line,
                guessed: self.guessed,
            };
            return Some(Cut::of(split, weight, record));
        }
        None
    }
}

struct JsonLine {
    file: Arc<InputFile>,
    number: u64,
    line: Vec<u8>,
    guessed: Option<&'static str>,
}

impl Record for JsonLine {
    fn file(&self) -> (&Arc<InputFile>, Option<Spot>) {
        (&self.file, Some(Spot::line(self.number)))
    }

    fn draft(self: Box<Self>, options: &Options) -> Result<Draft, Box<InputFailure>> {
        self.parse(options).map_err(|(column, wrong)| {
            let spot = Spot::line(self.number);
            let mut failure = failure(&self.file, Some(spot), wrong.code, wrong.message);
            if let (Some(place), Some(column)) = (&mut failure.place, column) {
                *place += &format!(", column {column}");
            }
            failure.raw = Some(String::from_utf8_lossy(&self.line).into_owned());
            failure
        })
    }
}

impl JsonLine {
    /// The error comes with the column, in bytes from 1, as editors and JSON parsers count.
    fn parse(&self, options: &Options) -> Result<Draft, (Option<usize>, Wrong)> {
        let mut notes = Vec::new();
        if let Some(encoding) = self.guessed {
            notes.push(Note {
                code: "encoding-guessed",
                message: format!("read as {encoding} although no byte order mark says so"),
            });
        }
        let line = match std::str::from_utf8(&self.line) {
            Ok(line) => Cow::Borrowed(line),
            Err(_) => {
                let decoded: Decoded = decode::decode(&self.line);
                notes.extend(decoded.notes);
                Cow::Owned(decoded.text)
            }
        };
        let value: Value = serde_json::from_str(&line).map_err(|error| {
            let reason = error.to_string();
            // The line number in serde's words is always 1 here.
            let reason = reason.split(" at line ").next().unwrap_or_default();
            let message = format!("this line is no JSON: {reason}");
            (Some(error.column()), wrong("not-json", message))
        })?;
        let Value::Object(fields) = value else {
            let message = format!("this line is {}, not an object with a text", kind(&value));
            return Err((None, wrong("not-object", message)));
        };
        let spot = Spot::line(self.number);
        fields::draft(fields, WORDS, &self.file, spot, notes, options).map_err(|wrong| {
            let column = match &wrong.field {
                Some(field) => column_of(&line, field),
                None => Some(1),
            };
            (column, wrong)
        })
    }
}

fn wrong(code: &'static str, message: String) -> Wrong {
    Wrong {
        code,
        field: None,
        message,
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
