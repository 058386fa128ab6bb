//! Parquet: a row a document, a row group a split.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, BufRead, Read, Seek},
    path::Path,
    sync::Arc,
};

use ::parquet::{
    basic::{LogicalType, TimeUnit, TimestampType},
    data_type::Decimal,
    file::{
        reader::{FileReader, RowGroupReader},
        serialized_reader::SerializedFileReader,
    },
    record::{
        Field, Row,
        reader::{ReaderIter, TreeBuilder},
    },
    schema::types::Type,
};
use copydesk_document::{Map, Value};
use copydesk_engine::InputFailure;

use super::{
    fields::{self, missing_column},
    plan::Splits,
    record::{
        Cut, Draft, Options, Record, Records, Spot, Unit, came_before, failure, of_file, too_long,
    },
    table::WORDS,
};
use crate::{
    decode::Note,
    discover::InputFile,
    open::{self, GZIP, ZSTD},
};

/// Values of a column that are held at a time: pages are decoded as they are needed.
const BATCH: usize = 64;

/// How many row groups a file has; `None` if it cannot be read.
pub(super) fn row_groups(path: &Path) -> Option<u64> {
    let file = SerializedFileReader::new(File::open(path).ok()?).ok()?;
    Some(file.metadata().num_row_groups() as u64)
}

/// The rows of one file.
pub(crate) struct Rows {
    file: Arc<InputFile>,
    reader: SerializedFileReader<File>,
    splits: Splits,
    /// The row group that comes next, and the rows before it.
    group: usize,
    before: u64,
    open: Option<OpenGroup>,
    times: Arc<HashMap<String, TimestampType>>,
    read: u64,
}

struct OpenGroup {
    split: u32,
    rows: ReaderIter,
    /// Number of the next row, from 1.
    number: u64,
    end: u64,
}

impl Rows {
    /// Reads what the file says of itself.
    ///
    /// # Errors
    /// If it is no Parquet, or has no column with a text.
    pub(crate) fn open(
        file: Arc<InputFile>,
        stream: Option<Box<dyn BufRead + Send>>,
        splits: Splits,
        options: &Options,
    ) -> Result<Self, Box<InputFailure>> {
        let opened = open_seekable(&file, stream);
        let opened = opened.map_err(|error| of_file(&file, "unreadable", error.to_string()))?;
        let reader = SerializedFileReader::new(opened)
            .map_err(|error| of_file(&file, "damaged", no_parquet(&error)))?;
        let schema = reader.metadata().file_metadata().schema();
        let columns = schema.get_fields().iter();
        let names: Vec<String> = columns.map(|column| column.name().to_owned()).collect();
        if let Some(message) = missing_column(&names, options) {
            return Err(of_file(&file, "no-text", message));
        }
        let times = schema
            .get_fields()
            .iter()
            .filter_map(|column| times(column));
        Ok(Self {
            times: Arc::new(times.collect()),
            file,
            reader,
            splits,
            group: 0,
            before: 0,
            open: None,
            read: 0,
        })
    }

    /// Opens the next row group that is wanted; `None` at the end.
    fn open_group(
        &mut self,
        options: &Options,
        wanted: &dyn Fn(u32) -> bool,
    ) -> Option<Result<OpenGroup, Cut>> {
        loop {
            if self.group >= self.reader.num_row_groups() {
                return None;
            }
            let group = self.group;
            self.group += 1;
            let split = self.splits.nth(group);
            let metadata = self.reader.metadata().row_group(group);
            let first = self.before;
            self.before += u64::try_from(metadata.num_rows()).unwrap_or(0);
            if !wanted(split) {
                continue;
            }
            options.took(u64::try_from(metadata.compressed_size()).unwrap_or(0));
            let schema = self.reader.metadata().file_metadata().schema_descr_ptr();
            let rows = self.reader.get_row_group(group).and_then(|rows| {
                let rows: &dyn RowGroupReader = &*rows;
                TreeBuilder::new()
                    .with_batch_size(BATCH)
                    .as_iter(schema, rows)
            });
            return Some(match rows {
                Ok(rows) => Ok(OpenGroup {
                    split,
                    rows,
                    number: first + 1,
                    end: self.before,
                }),
                Err(error) => Err(self.broke(split, first + 1, &error.to_string())),
            });
        }
    }

    fn broke(&self, split: u32, row: u64, error: &str) -> Cut {
        let message = format!(
            "row group {} is damaged from here on ({error}); {}",
            self.group,
            came_before(self.read, "row")
        );
        let spot = Spot {
            unit: Unit::Row,
            number: row,
        };
        Cut::failed(split, failure(&self.file, Some(spot), "damaged", message))
    }
}

impl Records for Rows {
    fn next(&mut self, options: &Options, wanted: &dyn Fn(u32) -> bool) -> Option<Cut> {
        loop {
            let Some(mut group) = self.open.take() else {
                match self.open_group(options, wanted)? {
                    Ok(group) => self.open = Some(group),
                    Err(failed) => return Some(failed),
                }
                continue;
            };
            let (split, number) = (group.split, group.number);
            let row = match group.rows.next() {
                // A page that ends too early.
                None if number <= group.end => Err("rows are missing".to_owned()),
                None => continue,
                Some(row) => row.map_err(|error| error.to_string()),
            };
            let row = match row {
                Ok(row) => row,
                Err(error) => return Some(self.broke(split, number, &error)),
            };
            group.number += 1;
            self.read += 1;
            self.open = Some(group);
            let weight = row.get_column_iter().map(|(_, field)| weight(field)).sum();
            let record = ParquetRow {
                file: Arc::clone(&self.file),
                number,
                row,
                times: Arc::clone(&self.times),
            };
            return Some(Cut::of(split, weight, record));
        }
    }
}

/// Parquet is read from its end: what comes through a pipe, or is compressed once more, is put
/// into a file without a name first.
fn open_seekable(input: &InputFile, stream: Option<Box<dyn BufRead + Send>>) -> io::Result<File> {
    if let (Some(path), None) = (&input.path, &stream) {
        let mut file = File::open(path)?;
        let mut start = [0; 4];
        let is_parquet = file.read_exact(&mut start).is_ok() && &start == b"PAR1";
        let packed = !is_parquet && (start.starts_with(GZIP) || start.starts_with(ZSTD));
        if file.metadata()?.is_file() && !packed {
            return Ok(file);
        }
    }
    let mut file = tempfile::tempfile()?;
    let mut stream = match stream {
        Some(stream) => stream,
        // What is taken is counted by row groups.
        None => open::open(input, &Arc::default())?,
    };
    io::copy(&mut stream, &mut file)?;
    file.rewind()?;
    Ok(file)
}

fn no_parquet(error: &::parquet::errors::ParquetError) -> String {
    format!(
        "this is no Parquet, or it is cut short ({error}); its last bytes say where everything \
         stands, so that nothing before them can be read"
    )
}

/// How the times of a column are counted, if it has times.
fn times(column: &Type) -> Option<(String, TimestampType)> {
    match column.get_basic_info().logical_type_ref() {
        Some(LogicalType::Timestamp(times)) => Some((column.name().to_owned(), times.clone())),
        _ => None,
    }
}

/// A number of such a column in ISO 8601; with an offset only where the column has one.
fn time(number: i64, times: &TimestampType) -> String {
    let micros = match times.unit {
        TimeUnit::MILLIS => number.saturating_mul(1000),
        TimeUnit::MICROS => number,
        TimeUnit::NANOS => number.div_euclid(1000),
    };
    let mut text = timestamp(micros);
    if !times.is_adjusted_to_u_t_c {
        text.pop();
    }
    text
}

fn weight(field: &Field) -> usize {
    match field {
        Field::Str(text) => text.len(),
        Field::Bytes(bytes) => bytes.len(),
        Field::Group(row) => row.get_column_iter().map(|(_, field)| weight(field)).sum(),
        Field::ListInternal(list) => list.elements().iter().map(weight).sum(),
        Field::MapInternal(map) => {
            let both = |(key, value): &(Field, Field)| weight(key) + weight(value);
            map.entries().iter().map(both).sum()
        }
        _ => 8,
    }
}

struct ParquetRow {
    file: Arc<InputFile>,
    number: u64,
    row: Row,
    /// Columns of times, of which the values do not tell everything.
    times: Arc<HashMap<String, TimestampType>>,
}

impl ParquetRow {
    fn spot(&self) -> Spot {
        Spot {
            unit: Unit::Row,
            number: self.number,
        }
    }
}

impl Record for ParquetRow {
    fn file(&self) -> (&Arc<InputFile>, Option<Spot>) {
        (&self.file, Some(self.spot()))
    }

    fn draft(self: Box<Self>, options: &Options) -> Result<Draft, Box<InputFailure>> {
        let mut fields = Map::new();
        let mut binary = Vec::new();
        for (name, field) in self.row.get_column_iter() {
            let value = match (field, self.times.get(name)) {
                (
                    Field::Long(number)
                    | Field::TimestampMillis(number)
                    | Field::TimestampMicros(number),
                    Some(times),
                ) => Some(Value::String(time(*number, times))),
                (field, _) => json(field),
            };
            match value {
                Some(value) => _ = fields.insert(name.clone(), value),
                None => binary.push(name.as_str()),
            }
        }
        let mut notes = Vec::new();
        if !binary.is_empty() {
            let message = format!(
                "the binary column `{}` is not carried through: only text is",
                binary.join("`, `")
            );
            notes.push(Note {
                code: "binary-column",
                message,
            });
        }
        let spot = Some(self.spot());
        let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::len);
        let longest = text(&options.text_field).max(text(&options.html_field));
        if let Some(bytes) = longest.filter(|bytes| *bytes > options.limit) {
            let message = format!("the text {}", too_long(options.limit, Some(bytes as u64)));
            return Err(failure(&self.file, spot, "too-large", message));
        }
        fields::draft(fields, WORDS, &self.file, self.spot(), notes, options).map_err(|wrong| {
            let mut failure = failure(&self.file, spot, wrong.code, wrong.message);
            failure.raw = Some(self.row.to_string());
            failure
        })
    }
}

/// A value as JSON; `None` for bytes that are no text.
fn json(field: &Field) -> Option<Value> {
    Some(match field {
        Field::Null => Value::Null,
        Field::Bool(value) => (*value).into(),
        Field::Byte(number) => (*number).into(),
        Field::Short(number) => (*number).into(),
        Field::Int(number) => (*number).into(),
        Field::Long(number) => (*number).into(),
        Field::UByte(number) => (*number).into(),
        Field::UShort(number) => (*number).into(),
        Field::UInt(number) => (*number).into(),
        Field::ULong(number) => (*number).into(),
        Field::Float16(number) => f64::from(number.to_f32()).into(),
        // Through its digits: 0.1 stays 0.1.
        Field::Float(number) => number
            .to_string()
            .parse::<f64>()
            .map_or(Value::Null, Value::from),
        Field::Double(number) => (*number).into(),
        Field::Decimal(number) => Value::String(decimal(number)),
        Field::Str(text) => Value::String(text.clone()),
        // Old writers do not mark what is text.
        Field::Bytes(bytes) => Value::String(String::from_utf8(bytes.data().to_vec()).ok()?),
        Field::Date(days) => Value::String(date(i64::from(*days))),
        Field::TimeMillis(time) => Value::String(clock(i64::from(*time) * 1000)),
        Field::TimeMicros(time) => Value::String(clock(*time)),
        Field::TimestampMillis(time) => Value::String(timestamp(time.saturating_mul(1000))),
        Field::TimestampMicros(time) => Value::String(timestamp(*time)),
        Field::Group(row) => Value::Object(
            row.get_column_iter()
                .filter_map(|(name, field)| Some((name.clone(), json(field)?)))
                .collect(),
        ),
        Field::ListInternal(list) => list.elements().iter().filter_map(json).collect(),
        Field::MapInternal(map) => Value::Object(
            map.entries()
                .iter()
                .filter_map(|(key, value)| {
                    let key = match json(key)? {
                        Value::String(key) => key,
                        other => other.to_string(),
                    };
                    Some((key, json(value)?))
                })
                .collect(),
        ),
    })
}

/// The digits of a decimal number: JSON readers would round them.
fn decimal(number: &Decimal) -> String {
    let bytes = number.data();
    // Big-endian two's complement of up to 38 digits, which 128 bits hold.
    let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    let mut value = if negative { -1i128 } else { 0 };
    for byte in bytes {
        value = (value << 8) | i128::from(*byte);
    }
    let scale = usize::try_from(number.scale()).unwrap_or(0);
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = scale + 1);
    let (whole, part) = digits.split_at(digits.len() - scale);
    let sign = if negative { "-" } else { "" };
    match part {
        "" => format!("{sign}{whole}"),
        part => format!("{sign}{whole}.{part}"),
    }
}

/// ISO 8601, from microseconds since 1970 in UTC.
fn timestamp(micros: i64) -> String {
    const DAY: i64 = 86_400_000_000;
    let (days, time) = (micros.div_euclid(DAY), micros.rem_euclid(DAY));
    format!("{}T{}Z", date(days), clock(time))
}

fn clock(micros: i64) -> String {
    let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    let clock = format!("{hours:02}:{minutes:02}:{:02}", seconds % 60);
    match rest {
        0 => clock,
        rest => format!("{clock}.{rest:06}")
            .trim_end_matches('0')
            .to_owned(),
    }
}

/// The date so many days after 1970-01-01, in the proleptic Gregorian calendar
/// (Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`).
fn date(days: i64) -> String {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_times_are_written_as_iso_8601() {
        let days = [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (11_016, "2000-02-29"),
            (19_723, "2024-01-01"),
            (-719_528, "0000-01-01"),
        ];
        for (number, text) in days {
            assert_eq!(date(number), text);
        }
        assert_eq!(timestamp(1_551_690_000_000_000), "2019-03-04T09:00:00Z");
        assert_eq!(timestamp(-1), "1969-12-31T23:59:59.999999Z");
        assert_eq!(timestamp(1_500_000), "1970-01-01T00:00:01.5Z");
    }

    #[test]
    fn decimals_keep_their_digits() {
        let of = |value: i64, scale| decimal(&Decimal::from_i64(value, 18, scale));
        assert_eq!(of(1_234_567, 2), "12345.67");
        assert_eq!(of(-5, 2), "-0.05");
        assert_eq!(of(42, 0), "42");
    }
}
