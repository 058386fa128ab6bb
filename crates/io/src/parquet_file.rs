//! Output in Parquet: a row a document, with nested columns.

use std::{
    fs::File,
    io::{self, BufWriter},
    path::{Path, PathBuf},
    sync::Arc,
};

use copydesk_document::Batch;
use copydesk_engine::{Sink, SinkError};
use parquet::{
    basic::{Compression, ZstdLevel},
    column::writer::ColumnCloseResult,
    data_type::{ByteArrayType, DoubleType, Int64Type},
    errors::ParquetError,
    file::{
        metadata::{KeyValue, ParquetMetaDataReader},
        properties::{EnabledStatistics, WriterProperties},
        writer::SerializedFileWriter,
    },
    schema::types::ColumnPath,
};

use crate::{
    OutputError,
    assemble::Layout,
    columns::{self, Leaf, Shredder, Values},
    output::Retractable,
    target::{PartialFile, Place},
};

/// A row group is written when it has this many rows, or its values so many bytes: that much is
/// held in memory.
const GROUP_ROWS: usize = 20_000;
const GROUP_BYTES: usize = 32 * 1024 * 1024;

/// Writes the documents of a run into a file.
pub(crate) struct ParquetFile {
    /// Gone once it failed or was finished.
    writer: Option<SerializedFileWriter<BufWriter<File>>>,
    partial: PartialFile,
    layout: Layout,
    rows: Shredder,
}

impl ParquetFile {
    /// Opens a file, which gets its name when it is complete.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn create(path: &Path, layout: Layout) -> Result<Self, OutputError> {
        let columns = columns::columns(&layout);
        let open = || {
            let schema = columns::schema(&columns)?;
            let (partial, file) = PartialFile::create(path)?;
            let properties = Arc::new(properties(&layout)?);
            let writer = SerializedFileWriter::new(BufWriter::new(file), schema, properties)?;
            Ok((partial, writer))
        };
        let (partial, writer) = open().map_err(|error| OutputError::Open {
            place: Place::File(path.to_owned()),
            source: as_io(error),
        })?;
        Ok(Self {
            writer: Some(writer),
            partial,
            layout,
            rows: Shredder::new(columns),
        })
    }

    /// Writes what came together as a row group.
    fn flush(&mut self) -> Result<(), ParquetError> {
        let Some(writer) = self.writer.as_mut().filter(|_| self.rows.rows > 0) else {
            return Ok(());
        };
        let mut group = writer.next_row_group()?;
        for leaf in &self.rows.leaves {
            let mut column = group
                .next_column()?
                .ok_or_else(|| ParquetError::General("fewer columns than values".to_owned()))?;
            let Leaf {
                values,
                definition,
                repetition,
            } = leaf;
            let (definition, repetition) = (Some(&definition[..]), Some(&repetition[..]));
            match values {
                Values::Text(values) => column
                    .typed::<ByteArrayType>()
                    .write_batch(values, definition, repetition)?,
                Values::Int(values) => column
                    .typed::<Int64Type>()
                    .write_batch(values, definition, repetition)?,
                Values::Float(values) => column
                    .typed::<DoubleType>()
                    .write_batch(values, definition, repetition)?,
            };
            column.close()?;
        }
        group.close()?;
        self.rows.clear();
        Ok(())
    }

    fn close(&mut self) -> Result<(), ParquetError> {
        self.flush()?;
        let Some(writer) = self.writer.take() else {
            return Ok(());
        };
        let file = writer
            .into_inner()?
            .into_inner()
            .map_err(|error| ParquetError::from(error.into_error()))?;
        Ok(self.partial.keep(&file)?)
    }

    fn failed(&mut self, error: ParquetError) -> SinkError {
        self.writer = None;
        SinkError {
            what: format!("the output `{}`", self.partial.path().display()),
            source: as_io(error),
        }
    }
}

impl Sink for ParquetFile {
    fn write(&mut self, batch: &Batch) -> Result<(), SinkError> {
        for i in 0..batch.len() {
            let record = serde_json::to_value(self.layout.record(batch, i))
                .map_err(|error| self.failed(ParquetError::External(error.into())))?;
            self.rows.add(&record);
            if self.rows.rows >= GROUP_ROWS || self.rows.bytes >= GROUP_BYTES {
                self.flush().map_err(|error| self.failed(error))?;
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        self.close().map_err(|error| self.failed(error))
    }
}

impl Retractable for ParquetFile {
    fn discard(mut self: Box<Self>) {
        self.writer = None;
        self.partial.discard();
    }
}

fn properties(layout: &Layout) -> Result<WriterProperties, ParquetError> {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_created_by(concat!("copydesk ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(vec![KeyValue::new(
            "copydesk.offsets".to_owned(),
            layout.unit_name().to_owned(),
        )]));
    for column in ["text", "extra"] {
        // No two articles are the same: a dictionary of them is work for nothing, and so is the
        // first and the last in the alphabet.
        let path = ColumnPath::from(column);
        properties = properties
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_statistics_enabled(path, EnabledStatistics::None);
    }
    Ok(properties.build())
}

/// Puts the row groups of several files into one, without unpacking them.
pub(crate) fn join(parts: &[PathBuf], path: &Path, layout: &Layout) -> io::Result<()> {
    let schema = columns::schema(&columns::columns(layout)).map_err(as_io)?;
    let (mut partial, file) = PartialFile::create(path)?;
    let joined = || {
        let properties = Arc::new(properties(layout)?);
        let mut writer = SerializedFileWriter::new(BufWriter::new(file), schema, properties)?;
        for part in parts {
            append(&mut writer, part).map_err(|error| {
                ParquetError::General(format!("{}: {}", part.display(), as_io(error)))
            })?;
        }
        writer
            .into_inner()?
            .into_inner()
            .map_err(|error| ParquetError::from(error.into_error()))
    };
    partial.keep(&joined().map_err(as_io)?)
}

fn append(
    writer: &mut SerializedFileWriter<BufWriter<File>>,
    part: &Path,
) -> Result<(), ParquetError> {
    let file = File::open(part)?;
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&file)?;
    for from in metadata.row_groups() {
        let mut to = writer.next_row_group()?;
        for column in from.columns() {
            let close = ColumnCloseResult {
                bytes_written: column.compressed_size() as u64,
                rows_written: from.num_rows() as u64,
                metadata: column.clone(),
                bloom_filter: None,
                column_index: None,
                offset_index: None,
            };
            to.append_column(&file, close)?;
        }
        to.close()?;
    }
    Ok(())
}

/// What the system said, where it is that.
fn as_io(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(cause) => match cause.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}

#[cfg(test)]
mod tests {
    use copydesk_document::{Map, NewDocument, Value, offsets::Unit};
    use parquet::{
        file::{reader::FileReader, serialized_reader::SerializedFileReader},
        record::Field,
    };

    use super::*;
    use crate::{Format, Output, article};

    fn layout(include: &[&str]) -> Layout {
        let include: Vec<String> = include.iter().map(|name| (*name).to_owned()).collect();
        Layout::new(&article::contracts(), &include, Unit::Char)
    }

    /// Two articles with everything, one with nothing.
    fn batch() -> Batch {
        let mut batch = article::annotated();
        let mut bare = NewDocument::new("bare", "Nothing was said.");
        bare.extra.insert("n".to_owned(), 1.into());
        batch.push(bare);
        let again = Batch::select(&article::annotated(), &[0]);
        batch.append(again);
        batch
    }

    fn read(path: &Path) -> Vec<Value> {
        let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
        let rows = reader.get_row_iter(None).unwrap();
        rows.map(|row| plain(&Field::Group(row.unwrap()))).collect()
    }

    fn plain(field: &Field) -> Value {
        match field {
            Field::Group(row) => row
                .get_column_iter()
                .map(|(name, field)| (name.clone(), plain(field)))
                .collect::<Map<String, Value>>()
                .into(),
            Field::ListInternal(list) => list.elements().iter().map(plain).collect(),
            Field::Str(text) => text.as_str().into(),
            Field::Long(number) => (*number).into(),
            Field::Double(number) => (*number).into(),
            Field::Null => Value::Null,
            other => panic!("an unexpected value: {other}"),
        }
    }

    /// A record of JSON in the form that the documentation gives the columns.
    fn as_columns(value: &Value, name: &str) -> Value {
        match (name, value) {
            ("extra" | "attrs", value) => value.to_string().into(),
            ("tone", Value::Object(targets)) => keyed(targets),
            ("sentiment", Value::Object(targets)) => keyed(targets),
            ("parts", Value::Array(parts)) => parts
                .iter()
                .map(|part| serde_json::json!({"start": part[0], "end": part[1]}))
                .collect(),
            (_, Value::Array(items)) => items.iter().map(|item| as_columns(item, "")).collect(),
            (_, Value::Object(fields)) => fields
                .iter()
                .map(|(name, value)| (name.clone(), as_columns(value, name)))
                .collect::<Map<String, Value>>()
                .into(),
            (_, other) => other.clone(),
        }
    }

    fn keyed(targets: &Map<String, Value>) -> Value {
        let item = |(target, value): (&String, &Value)| {
            let mut item = value.as_object().unwrap().clone();
            item.insert("target".to_owned(), target.as_str().into());
            Value::Object(item)
        };
        targets.iter().map(item).collect()
    }

    /// What is absent from a record of JSON is null in a column.
    fn without_nulls(value: &Value) -> Value {
        match value {
            Value::Object(fields) => fields
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name.clone(), without_nulls(value)))
                .collect::<Map<String, Value>>()
                .into(),
            Value::Array(items) => items.iter().map(without_nulls).collect(),
            other => other.clone(),
        }
    }

    fn expected(layout: &Layout, batch: &Batch) -> Vec<Value> {
        (0..batch.len())
            .map(|i| serde_json::to_value(layout.record(batch, i)).unwrap())
            .map(|record| without_nulls(&as_columns(&record, "")))
            .collect()
    }

    #[test]
    fn every_field_of_a_record_comes_back_from_its_columns() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/news.parquet");
        for layout in [
            layout(&["sentences", "mentions"]),
            layout(&[]),
            Layout::new([], &[], Unit::Char),
        ] {
            let mut file = ParquetFile::create(&path, layout.clone()).unwrap();
            let batch = batch();
            file.write(&batch).unwrap();
            file.write(&batch).unwrap();
            file.finish().unwrap();
            let rows: Vec<Value> = read(&path).iter().map(without_nulls).collect();
            let records = expected(&layout, &batch);
            assert_eq!(rows, [&records[..], &records[..]].concat());
            assert_eq!(
                std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
                1
            );
        }
    }

    #[test]
    fn row_groups_are_bounded_and_parts_are_joined_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("news.parquet");
        let place = Place::File(path.clone());
        let output = Output::new(place, Format::Parquet, layout(&[]), 10);
        let parts = folder.path().join("parts");
        let mut records = Vec::new();
        for number in 0..2 {
            let mut part = output.open_part(&parts, number).unwrap();
            let long = "x".repeat(GROUP_BYTES / 3);
            let mut batch = batch();
            for i in 0..7 {
                batch.push(NewDocument::new(format!("{number}-{i}"), long.as_str()));
            }
            part.write(&batch).unwrap();
            part.finish().unwrap();
            records.extend(expected(&layout(&[]), &batch));
            let file = File::open(parts.join(output.part_name(number).unwrap())).unwrap();
            let groups = SerializedFileReader::new(file).unwrap().num_row_groups();
            assert_eq!(groups, 3);
        }
        for _ in 0..2 {
            output.join(&parts, &[0, 1]).unwrap();
            let rows: Vec<Value> = read(&path).iter().map(without_nulls).collect();
            assert!(rows == records);
        }
        let reader = SerializedFileReader::new(File::open(&path).unwrap()).unwrap();
        assert_eq!(reader.num_row_groups(), 6);
        let said = reader
            .metadata()
            .file_metadata()
            .key_value_metadata()
            .unwrap();
        assert_eq!(said[0].value.as_deref(), Some("char"));
    }

    /// `cargo xtask tables` installs the packages and names their interpreter.
    #[test]
    fn duckdb_polars_and_pandas_find_what_json_says() {
        let Some(python) = std::env::var_os("COPYDESK_PYTHON") else {
            println!("skipped: `cargo xtask tables` runs it with the packages themselves");
            return;
        };
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, format| {
            let path = folder.path().join(name);
            let place = Place::File(path.clone());
            let mut output = Output::new(place, format, layout(&["sentences"]), 10)
                .open(false)
                .unwrap();
            output.write(&batch()).unwrap();
            output.finish().unwrap();
            path
        };
        let parquet = write("news.parquet", Format::Parquet);
        let jsonl = write("news.jsonl", Format::JsonLines { packed: None });
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/open_tables.py");
        let ran = std::process::Command::new(python)
            .args([&script, &parquet, &jsonl])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ran.stdout).into_owned();
        let error = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(ran.status.success(), "{error}");
        println!("{said}");
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named_with_the_cause() {
        let folder = tempfile::tempdir().unwrap();
        let error = ParquetFile::create(folder.path(), layout(&[]))
            .err()
            .unwrap();
        let shown = folder.path().display().to_string();
        assert!(error.to_string().contains(&shown), "{error}");
    }
}
