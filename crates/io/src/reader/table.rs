//! Tables of comma or tab separated values: a row a document.

use std::{collections::HashSet, io::BufRead, sync::Arc};

use copydesk_document::{Map, Value};
use copydesk_engine::InputFailure;

use super::{
    fields::{self, Words, missing_column},
    plan::Splits,
    record::{
        Cut, Draft, Options, Record, Records, Spot, broken, came_before, failure, of_file, too_long,
    },
    rows::{self, Row, Rows},
};
use crate::{
    decode::{self, Note},
    discover::{InputFile, InputFormat},
    open,
};

pub(super) const WORDS: Words = Words {
    record: "row",
    field: "column",
};

/// The rows of one file.
pub(crate) struct Table {
    rows: Rows<Box<dyn BufRead + Send>>,
    splits: Splits,
    form: Arc<Form>,
    count: u64,
    ended: bool,
}

/// What is the same for all rows of a file.
struct Form {
    file: Arc<InputFile>,
    columns: Vec<String>,
    delimiter: u8,
    quoting: bool,
    guessed: Option<&'static str>,
}

impl Table {
    /// Reads the header.
    ///
    /// # Errors
    /// If there is none, or it names no column with a text: then no row can be read.
    pub(crate) fn new(
        file: Arc<InputFile>,
        format: InputFormat,
        stream: Box<dyn BufRead + Send>,
        splits: Splits,
        options: &Options,
    ) -> Result<Self, Box<InputFailure>> {
        let (guessed, stream) = open::as_utf8(stream, options.encoding);
        let usual = match format {
            InputFormat::Tsv => b'\t',
            _ => b',',
        };
        let delimiter = options.delimiter.unwrap_or(usual);
        let mut rows = Rows::new(stream, delimiter, options.quoting, options.limit);
        let columns = match options.columns.is_empty() {
            false => options.columns.clone(),
            true => header(&mut rows, &file, delimiter, options.quoting)?,
        };
        if let Some(message) = missing_column(&columns, options) {
            let message = message + &other_delimiter(&columns, delimiter, options);
            return Err(of_file(&file, "no-text", message));
        }
        let form = Form {
            file,
            columns: told_apart(columns),
            delimiter,
            quoting: options.quoting,
            guessed,
        };
        Ok(Self {
            rows,
            splits,
            form: Arc::new(form),
            count: 0,
            ended: false,
        })
    }
}

fn header(
    rows: &mut Rows<Box<dyn BufRead + Send>>,
    file: &InputFile,
    delimiter: u8,
    quoting: bool,
) -> Result<Vec<String>, Box<InputFailure>> {
    match rows.next() {
        Ok(Some(row)) => Ok(rows::fields(&row.bytes, delimiter, quoting)
            .into_iter()
            .map(|name| decode::decode(&name).text)
            .collect()),
        Ok(None) => {
            let message = "the file is empty: it has no line with the names of its columns";
            Err(of_file(file, "empty", message.to_owned()))
        }
        Err(error) => Err(of_file(file, "damaged", broken(&error))),
    }
}

/// What else may have gone wrong with a header that has no text.
fn other_delimiter(columns: &[String], delimiter: u8, options: &Options) -> String {
    let likely = [
        (';', "\";\""),
        ('\t', "\"\\t\""),
        ('|', "\"|\""),
        (',', "\",\""),
    ];
    let joined = match columns {
        [only] => likely
            .into_iter()
            .find(|(other, _)| *other as u32 != u32::from(delimiter) && only.contains(*other)),
        _ => None,
    };
    match joined {
        Some((_, key)) => format!("; `delimiter = {key}` under `[input]` would cut it apart"),
        None if options.columns.is_empty() => {
            "; if the first line is a row already, name the columns with `columns` there".to_owned()
        }
        None => String::new(),
    }
}

/// Columns of one name would overwrite each other in `extra`.
fn told_apart(columns: Vec<String>) -> Vec<String> {
    let mut seen = HashSet::new();
    columns
        .into_iter()
        .map(|name| {
            let mut own = name.clone();
            let mut number = 2;
            while !seen.insert(own.clone()) {
                own = format!("{name}_{number}");
                number += 1;
            }
            own
        })
        .collect()
}

impl Records for Table {
    fn next(&mut self, options: &Options, _: &dyn Fn(u32) -> bool) -> Option<Cut> {
        if self.ended {
            return None;
        }
        let file = &self.form.file;
        let row = match self.rows.next() {
            Ok(row) => row?,
            Err(error) => {
                self.ended = true;
                let message = format!("{}; {}", broken(&error), came_before(self.count, "row"));
                let spot = Spot::line(self.rows.line());
                let split = self.splits.at(self.rows.offset());
                let failure = failure(file, Some(spot), "damaged", message);
                return Some(Cut::failed(split, failure));
            }
        };
        self.count += 1;
        let split = self.splits.at(row.offset);
        if row.length > options.limit as u64 {
            let message = format!("the row {}", too_long(options.limit, Some(row.length)))
                + &runaway(&row, self.form.quoting);
            let spot = Spot::line(row.first_line);
            let failure = failure(file, Some(spot), "too-large", message);
            return Some(Cut::failed(split, failure));
        }
        let form = Arc::clone(&self.form);
        Some(Cut::of(split, row.bytes.len(), TableRow { form, row }))
    }
}

struct TableRow {
    form: Arc<Form>,
    row: Row,
}

impl Record for TableRow {
    fn file(&self) -> (&Arc<InputFile>, Option<Spot>) {
        (&self.form.file, Some(Spot::line(self.row.first_line)))
    }

    fn draft(self: Box<Self>, options: &Options) -> Result<Draft, Box<InputFailure>> {
        let (form, row) = (&self.form, &self.row);
        let spot = Spot::line(row.first_line);
        let fail = |code, message| {
            let mut failure = failure(&form.file, Some(spot), code, message);
            failure.raw = Some(String::from_utf8_lossy(&row.bytes).into_owned());
            failure
        };
        let values = rows::fields(&row.bytes, form.delimiter, form.quoting);
        if row.is_open {
            let message = "the file ends inside of a quoted field".to_owned();
            return Err(fail("open-quote", message + &runaway(row, form.quoting)));
        }
        if values.len() != form.columns.len() {
            let why = match row.first_line == row.last_line {
                false => runaway(row, form.quoting),
                true if values.len() > form.columns.len() => {
                    "; a text with a delimiter in it needs quotation marks around it".to_owned()
                }
                true => "; a value is missing, or a line end stands in a text without quotation \
                         marks around it"
                    .to_owned(),
            };
            let columns = |count| match count {
                1 => "1 column".to_owned(),
                count => format!("{count} columns"),
            };
            let message = format!(
                "the row has {} where the table has {}{why}",
                columns(values.len()),
                form.columns.len()
            );
            return Err(fail("wrong-columns", message));
        }
        let mut notes = Vec::new();
        if let Some(encoding) = form.guessed {
            notes.push(Note {
                code: "encoding-guessed",
                message: format!("read as {encoding} although no byte order mark says so"),
            });
        }
        let mut fields = Map::new();
        for (name, value) in form.columns.iter().zip(values) {
            let text = String::from_utf8(value).unwrap_or_else(|error| {
                let decoded = decode::decode(error.as_bytes());
                notes.extend(decoded.notes);
                decoded.text
            });
            fields.insert(name.clone(), Value::String(text));
        }
        let draft = fields::draft(fields, WORDS, &form.file, spot, notes, options);
        draft.map_err(|wrong| fail(wrong.code, wrong.message))
    }
}

/// The likely reason for a row over many lines.
fn runaway(row: &Row, quoting: bool) -> String {
    if !quoting || row.first_line == row.last_line {
        return String::new();
    }
    format!(
        "; it reaches from line {} to line {}: is a quotation mark in its first line not closed? \
         `quoting = false` under `[input]` reads them as letters",
        row.first_line, row.last_line
    )
}
