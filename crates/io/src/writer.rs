//! The output of a run, in whatever format.

use std::{io, path::Path};

use copydesk_document::Batch;
use copydesk_engine::{Sink, SinkError};

use crate::{
    OutputError,
    assemble::Layout,
    output::Retractable,
    pretty::Pretty,
    record::Record,
    target::{Place, Target},
};

/// Writes the documents of a run as records, one after the other.
pub(crate) struct Writer {
    target: Target,
    layout: Layout,
    format: Format,
    block: Vec<u8>,
}

/// What a record looks like.
#[derive(Debug, Clone, Copy)]
pub enum Format {
    /// One JSON object a line.
    JsonLines {
        /// `gz` or `zst` for files that are named by copydesk; those that are named by the user
        /// say it by their names.
        packed: Option<&'static str>,
    },
    /// For people.
    Pretty(Pretty),
    /// A row a document, with nested columns.
    Parquet,
    /// A database of several tables.
    Sqlite,
}

impl Format {
    /// Its name, which is the extension of its files, too.
    pub fn name(&self) -> &'static str {
        match self {
            Self::JsonLines { .. } => "jsonl",
            Self::Pretty(_) => "txt",
            Self::Parquet => "parquet",
            Self::Sqlite => "sqlite",
        }
    }

    /// Whether it can go through a pipe.
    pub(crate) fn is_text(&self) -> bool {
        matches!(self, Self::JsonLines { .. } | Self::Pretty(_))
    }

    fn render(&mut self, record: &Record<'_>, block: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::JsonLines { .. } => {
                serde_json::to_writer(&mut *block, record)?;
                block.push(b'\n');
            }
            Self::Pretty(pretty) => {
                let mut page = String::new();
                pretty.render(record, &mut page);
                block.extend_from_slice(page.as_bytes());
            }
            Self::Parquet | Self::Sqlite => {
                return Err(io::Error::other("this is no format of text"));
            }
        }
        Ok(())
    }
}

impl Writer {
    /// Writes to the standard output.
    pub(crate) fn stdout(layout: Layout, format: Format) -> Self {
        Self {
            target: Target::stdout(),
            layout,
            format,
            block: Vec::new(),
        }
    }

    /// Writes to a file; `.gz` and `.zst` compress. Until it is complete it is called
    /// `<path>.partial`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn file(path: &Path, layout: Layout, format: Format) -> Result<Self, OutputError> {
        let target = Target::file(path).map_err(|source| OutputError::Open {
            place: Place::File(path.to_owned()),
            source,
        })?;
        Ok(Self {
            target,
            layout,
            format,
            block: Vec::new(),
        })
    }

    fn failed(&self, source: io::Error) -> SinkError {
        SinkError {
            what: self.target.described(),
            source,
        }
    }
}

impl Retractable for Writer {
    fn discard(mut self: Box<Self>) {
        self.target.discard();
    }
}

impl Sink for Writer {
    fn write(&mut self, batch: &Batch) -> Result<(), SinkError> {
        for i in 0..batch.len() {
            self.block.clear();
            let record = self.layout.record(batch, i);
            self.format
                .render(&record, &mut self.block)
                .and_then(|()| self.target.lines(&self.block))
                .map_err(|source| self.failed(source))?;
        }
        self.target
            .end_batch()
            .map_err(|source| self.failed(source))
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        self.target.finish().map_err(|source| self.failed(source))
    }
}

/// A file that somebody may still want is not replaced; a device or pipe is there to be written.
pub(crate) fn refuse_existing(path: &Path, overwrite: bool) -> Result<(), OutputError> {
    let file = path
        .symlink_metadata()
        .is_ok_and(|metadata| metadata.is_file() || (metadata.is_symlink() && path.is_file()));
    if file && !overwrite {
        return Err(OutputError::Exists {
            path: path.to_owned(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Read};

    use copydesk_document::{Value, offsets::Unit};

    use super::*;
    use crate::{Output, article};

    fn layout() -> Layout {
        Layout::new(&article::contracts(), &[], Unit::Char)
    }

    fn writer(path: &Path, overwrite: bool) -> Result<Box<dyn Retractable>, OutputError> {
        let format = Format::JsonLines { packed: None };
        Output::new(Place::File(path.to_owned()), format, layout(), 1).open(overwrite)
    }

    fn lines(text: &str) -> Vec<Value> {
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn a_file_gets_its_name_when_it_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/folder/out.jsonl");
        let mut writer = writer(&path, false).unwrap();
        writer.write(&article::annotated()).unwrap();
        assert!(!path.exists());
        writer.finish().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(lines(&text)[0]["id"], "row/ferry.txt");
        assert!(text.ends_with('\n'));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn an_existing_output_stays_unless_it_may_be_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        fs::write(&path, "precious").unwrap();
        assert!(matches!(
            writer(&path, false),
            Err(OutputError::Exists { .. })
        ));
        let mut second = writer(&path, true).unwrap();
        assert_eq!(
            fs::read_to_string(&path).unwrap(),
            "precious",
            "until the new one is complete"
        );
        second.finish().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "");
    }

    #[test]
    fn an_output_that_cannot_be_written_is_named_with_the_cause() {
        let folder = tempfile::tempdir().unwrap();
        let error = writer(folder.path(), true).err().unwrap();
        assert!(
            error
                .to_string()
                .contains(&folder.path().display().to_string())
        );
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(writer(&folder.path().join("file/out.jsonl"), false).is_err());
    }

    #[test]
    fn gz_and_zst_outputs_are_compressed() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["out.jsonl.gz", "out.jsonl.zst"] {
            let path = folder.path().join(name);
            let mut writer = writer(&path, false).unwrap();
            writer.write(&article::annotated()).unwrap();
            writer.finish().unwrap();
            let bytes = fs::read(&path).unwrap();
            let mut text = String::new();
            if name.ends_with("gz") {
                flate2::read::GzDecoder::new(&bytes[..])
                    .read_to_string(&mut text)
                    .unwrap();
            } else {
                zstd::Decoder::new(&bytes[..])
                    .unwrap()
                    .read_to_string(&mut text)
                    .unwrap();
            }
            assert_eq!(lines(&text).len(), 1);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error_with_its_cause() {
        let mut writer = writer(Path::new("/dev/full"), false).unwrap();
        let error = writer.write(&article::annotated()).unwrap_err();
        assert_eq!(error.source.kind(), std::io::ErrorKind::StorageFull);
        assert!(error.to_string().contains("/dev/full"), "{error}");
    }
}
