//! The outputs of a run: where records go, what they look like there, and how an output is put
//! together from parts.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};

use copydesk_document::Batch;
use copydesk_engine::{Sink, SinkError};

use crate::{
    OutputError,
    assemble::Layout,
    database::{self, Database},
    parquet_file::{self, ParquetFile},
    target::{PartialFile, Place, sync_folder},
    writer::{Format, Writer, refuse_existing},
};

/// One output of a run.
///
/// It is either written in one go ([`Output::open`]) or in parts ([`Output::open_part`]), each of
/// which is whole and durable before the next begins, and which [`Output::join`] makes one.
#[derive(Debug, Clone)]
pub struct Output {
    place: Place,
    format: Format,
    layout: Layout,
    /// How many documents a file has in a folder of parts.
    part_documents: usize,
}

/// A sink that can be taken back as long as nothing was written into it.
pub trait Retractable: Sink {
    /// Removes what opening it has made.
    fn discard(self: Box<Self>);
}

impl Output {
    /// Records of `layout` in `format`, to `place`; where that is a folder, in files of
    /// `part_documents` documents each.
    pub fn new(place: Place, format: Format, layout: Layout, part_documents: usize) -> Self {
        Self {
            place,
            format,
            layout,
            part_documents: part_documents.max(1),
        }
    }

    /// Where it goes.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Opens it to be written in one go.
    ///
    /// # Errors
    /// If it is there and may not be overwritten, or cannot be written.
    pub fn open(&self, overwrite: bool) -> Result<Box<dyn Retractable>, OutputError> {
        self.refuse_existing(overwrite)?;
        match &self.place {
            Place::Stdout if !self.format.is_text() => Err(OutputError::NotAStream {
                format: self.format.name(),
            }),
            Place::Stdout => Ok(Box::new(Writer::stdout(self.layout.clone(), self.format))),
            Place::File(path) => self.open_file(path),
            Place::Folder(folder) => {
                self.clear(folder).map_err(|source| OutputError::Open {
                    place: self.place.clone(),
                    source,
                })?;
                let first = self.open_file(&folder.join(self.name_in_folder(0)))?;
                Ok(Box::new(Folder {
                    output: self.clone(),
                    folder: folder.clone(),
                    current: Some(first),
                    number: 0,
                    room: self.part_documents,
                }))
            }
        }
    }

    fn open_file(&self, path: &Path) -> Result<Box<dyn Retractable>, OutputError> {
        let layout = self.layout.clone();
        Ok(match self.format {
            Format::JsonLines { .. } | Format::Pretty(_) => {
                Box::new(Writer::file(path, layout, self.format)?)
            }
            Format::Parquet => Box::new(ParquetFile::create(path, layout)?),
            Format::Sqlite => Box::new(Database::create(path, layout)?),
        })
    }

    /// Refuses an output that is there already and may not be overwritten.
    ///
    /// # Errors
    /// If so.
    pub fn refuse_existing(&self, overwrite: bool) -> Result<(), OutputError> {
        match &self.place {
            Place::Stdout => Ok(()),
            Place::File(path) => refuse_existing(path, overwrite),
            Place::Folder(path) if !overwrite && self.files(path).next().is_some() => {
                Err(OutputError::Exists { path: path.clone() })
            }
            Place::Folder(_) => Ok(()),
        }
    }

    /// Removes parts of an earlier run, which would look like parts of this one.
    fn clear(&self, folder: &Path) -> io::Result<()> {
        for file in self.files(folder) {
            std::fs::remove_file(file)?;
        }
        Ok(())
    }

    /// Puts parts into a folder: as the same files, if both lie on one disk.
    fn collect(&self, parts: &[PathBuf], folder: &Path) -> io::Result<()> {
        std::fs::create_dir_all(folder)?;
        self.clear(folder)?;
        for (number, part) in (0..).zip(parts) {
            let path = folder.join(self.name_in_folder(number));
            if std::fs::hard_link(part, &path).is_err() {
                let (mut partial, mut file) = PartialFile::create(&path)?;
                io::copy(&mut File::open(part)?, &mut file)?;
                partial.keep(&file)?;
            }
        }
        sync_folder(&folder.join("."))
    }

    /// The parts that are in a folder.
    fn files(&self, folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.starts_with("part-") && !name.ends_with(".partial"))
        })
    }

    /// Why it cannot be written in parts, if it cannot.
    pub fn why_no_parts(&self) -> Option<&'static str> {
        match (&self.place, self.format) {
            (Place::Stdout, _) => Some("what was printed cannot be continued"),
            (_, Format::Pretty(_)) => {
                Some("pages for the terminal are not put together from parts")
            }
            _ => None,
        }
    }

    /// The name of the file of part `number`: `part-00007.jsonl.zst`.
    ///
    /// `None` for an output that has no such files, because its parts are transactions in itself.
    pub fn part_name(&self, number: u32) -> Option<String> {
        match (&self.place, self.format) {
            (Place::Stdout, _) | (Place::File(_), Format::Sqlite) => None,
            _ => Some(self.name_in_folder(number)),
        }
    }

    fn name_in_folder(&self, number: u32) -> String {
        let extension = match (self.format, &self.place) {
            (
                Format::JsonLines {
                    packed: Some(packed),
                },
                Place::Folder(_),
            ) => {
                format!("jsonl.{packed}")
            }
            (Format::JsonLines { .. }, Place::File(path)) => {
                match path.extension().and_then(|extension| extension.to_str()) {
                    Some(packed @ ("gz" | "zst")) => format!("jsonl.{packed}"),
                    _ => "jsonl".to_owned(),
                }
            }
            (format, _) => format.name().to_owned(),
        };
        format!("part-{number:05}.{extension}")
    }

    /// Opens part `number` in `folder`, in place of what was there under its name. Once
    /// [`Sink::finish`] has returned it is durable; until then nothing has its name.
    ///
    /// A database has no file for it: the part is a transaction, which takes the place of what is
    /// there of the same part and later ones.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn open_part(&self, folder: &Path, number: u32) -> Result<Box<dyn Sink>, OutputError> {
        match (&self.place, self.format) {
            (Place::File(path), Format::Sqlite) => Ok(Box::new(Database::open_part(
                path,
                number,
                self.layout.clone(),
            )?)),
            _ => {
                let part = self.open_file(&folder.join(self.name_in_folder(number)))?;
                Ok(Box::new(Part(part)))
            }
        }
    }

    /// Puts the parts in `folder` together, in the order of `numbers`, in place of what the
    /// output was before. The parts stay. Doing it again does no harm. In a folder they are
    /// numbered anew and stay files of their own; a database has them already.
    ///
    /// # Errors
    /// If a part cannot be read or the output not be written; a file then is as it was before.
    pub fn join(&self, folder: &Path, numbers: &[u32]) -> Result<(), SinkError> {
        let parts: Vec<PathBuf> = numbers
            .iter()
            .map(|number| folder.join(self.name_in_folder(*number)))
            .collect();
        let joined = match (&self.place, self.format) {
            (Place::Stdout, _) => Ok(()),
            (Place::Folder(place), _) => self.collect(&parts, place),
            (Place::File(path), Format::Parquet) => parquet_file::join(&parts, path, &self.layout),
            (Place::File(path), Format::Sqlite) => database::complete(path, &self.layout),
            (Place::File(path), Format::JsonLines { .. } | Format::Pretty(_)) => {
                concatenate(&parts, path)
            }
        };
        joined.map_err(|source| SinkError {
            what: format!("the output {} out of its parts", self.place),
            source,
        })
    }
}

/// A part of an output.
struct Part(Box<dyn Retractable>);

impl Sink for Part {
    fn write(&mut self, batch: &Batch) -> Result<(), SinkError> {
        self.0.write(batch)
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        self.0.finish()
    }
}

/// A folder of files, each with so many documents.
struct Folder {
    output: Output,
    folder: PathBuf,
    /// Gone between a file that is full and the next document.
    current: Option<Box<dyn Retractable>>,
    number: u32,
    room: usize,
}

impl Sink for Folder {
    fn write(&mut self, batch: &Batch) -> Result<(), SinkError> {
        let mut from = 0;
        while from < batch.len() {
            let current = match &mut self.current {
                Some(current) => current,
                none => {
                    self.number += 1;
                    self.room = self.output.part_documents;
                    let path = self.folder.join(self.output.name_in_folder(self.number));
                    let opened = self.output.open_file(&path).map_err(|error| SinkError {
                        what: format!("the output `{}`", path.display()),
                        source: io::Error::other(error),
                    });
                    none.insert(opened?)
                }
            };
            let count = self.room.min(batch.len() - from);
            if count == batch.len() {
                current.write(batch)?;
            } else {
                let some: Vec<usize> = (from..from + count).collect();
                current.write(&batch.select(&some))?;
            }
            from += count;
            self.room -= count;
            if self.room == 0 {
                self.finish()?;
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        match self.current.take() {
            Some(mut current) => current.finish(),
            None => Ok(()),
        }
    }
}

impl Retractable for Folder {
    fn discard(mut self: Box<Self>) {
        if let Some(current) = self.current.take() {
            current.discard();
        }
    }
}

/// Several outputs of one run, each with all its documents.
pub struct Outputs(Vec<Box<dyn Retractable>>);

impl Outputs {
    /// Opens all of `outputs`, or none.
    ///
    /// # Errors
    /// If one cannot be opened.
    pub fn open(outputs: &[Output], overwrite: bool) -> Result<Self, OutputError> {
        let mut opened = Self(Vec::new());
        for output in outputs {
            match output.open(overwrite) {
                Ok(output) => opened.0.push(output),
                Err(error) => {
                    opened.discard();
                    return Err(error);
                }
            }
        }
        Ok(opened)
    }

    /// Takes them back, if the run does not start after all.
    pub fn discard(self) {
        for output in self.0 {
            output.discard();
        }
    }
}

impl Sink for Outputs {
    fn write(&mut self, batch: &Batch) -> Result<(), SinkError> {
        self.0.iter_mut().try_for_each(|output| output.write(batch))
    }

    /// Also those after one that cannot be finished.
    fn finish(&mut self) -> Result<(), SinkError> {
        let finished: Vec<_> = self.0.iter_mut().map(|output| output.finish()).collect();
        finished.into_iter().collect()
    }
}

/// Lines, and members of gzip (RFC 1952, 2.2) and frames of zstd (RFC 8878, 3), are joined by
/// writing them one after the other.
fn concatenate(parts: &[PathBuf], path: &Path) -> io::Result<()> {
    let (mut partial, mut whole) = PartialFile::create(path)?;
    for part in parts {
        let named =
            |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", part.display()));
        io::copy(&mut File::open(part).map_err(named)?, &mut whole)?;
    }
    whole.flush()?;
    partial.keep(&whole)
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Read};

    use copydesk_document::{Batch, NewDocument, Value, offsets::Unit};

    use super::*;

    const JSON_LINES: Format = Format::JsonLines { packed: None };

    fn output(path: &Path) -> Output {
        let layout = Layout::new([], &[], Unit::Char);
        Output::new(Place::File(path.to_owned()), JSON_LINES, layout, 10)
    }

    fn batch(ids: &[&str]) -> Batch {
        let mut batch = Batch::new();
        for id in ids {
            batch.push(NewDocument::new(*id, "The ferry sails."));
        }
        batch
    }

    fn ids(text: &str) -> Vec<String> {
        let id = |line| serde_json::from_str::<Value>(line).unwrap()["id"].to_string();
        text.lines().map(id).collect()
    }

    #[test]
    fn parts_joined_are_what_was_written_in_one_go() {
        for name in ["out.jsonl", "out.jsonl.gz", "out.jsonl.zst"] {
            let folder = tempfile::tempdir().unwrap();
            let (path, parts) = (folder.path().join(name), folder.path().join("parts"));
            let output = output(&path);
            for (number, ids) in [(0, ["a", "b"]), (1, ["c", "d"])] {
                let mut part = output.open_part(&parts, number).unwrap();
                part.write(&batch(&ids)).unwrap();
                let file = parts.join(output.part_name(number).unwrap());
                assert!(!file.exists(), "it has its name only when it is whole");
                part.finish().unwrap();
                assert!(file.exists());
            }
            for _ in 0..2 {
                output.join(&parts, &[0, 1]).unwrap();
                let bytes = fs::read(&path).unwrap();
                let mut text = String::new();
                match name.rsplit('.').next() {
                    Some("gz") => flate2::read::MultiGzDecoder::new(&bytes[..])
                        .read_to_string(&mut text)
                        .unwrap(),
                    Some("zst") => zstd::Decoder::new(&bytes[..])
                        .unwrap()
                        .read_to_string(&mut text)
                        .unwrap(),
                    _ => bytes.as_slice().read_to_string(&mut text).unwrap(),
                };
                assert_eq!(ids(&text), [r#""a""#, r#""b""#, r#""c""#, r#""d""#]);
            }
        }
    }

    #[test]
    fn a_folder_has_files_of_so_many_documents_and_of_this_run_alone() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("out");
        let names = || {
            let mut names: Vec<String> = fs::read_dir(&folder)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect();
            names.sort();
            names
        };
        let place = || Place::of(&format!("{}/", folder.display()));
        let packed = Format::JsonLines {
            packed: Some("zst"),
        };
        for (format, extension) in [
            (JSON_LINES, "jsonl"),
            (packed, "jsonl.zst"),
            (Format::Parquet, "parquet"),
            (Format::Sqlite, "sqlite"),
        ] {
            let output = Output::new(place(), format, Layout::new([], &[], Unit::Char), 2);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("part-00009.jsonl"), "of an earlier run").unwrap();
            assert!(matches!(
                output.open(false),
                Err(OutputError::Exists { .. })
            ));
            let mut sink = output.open(true).unwrap();
            sink.write(&batch(&["a", "b", "c"])).unwrap();
            sink.write(&batch(&["d", "e"])).unwrap();
            sink.finish().unwrap();
            let expected = [0, 1, 2].map(|number| format!("part-0000{number}.{extension}"));
            assert_eq!(names(), expected);
            // A run directory gives numbers of its own, with gaps.
            let parts = root.path().join(extension);
            for number in [0, 3] {
                let mut part = output.open_part(&parts, number).unwrap();
                part.write(&batch(&["a"])).unwrap();
                part.finish().unwrap();
            }
            for _ in 0..2 {
                output.join(&parts, &[0, 3]).unwrap();
                assert_eq!(names(), &expected[..2]);
            }
        }
        let first = fs::read(folder.join("part-00000.sqlite")).unwrap();
        assert!(first.starts_with(b"SQLite format 3"));
    }

    #[test]
    fn several_outputs_get_every_document_or_none_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let to = |name: &str, format| {
            let place = Place::File(folder.path().join(name));
            Output::new(place, format, Layout::new([], &[], Unit::Char), 2)
        };
        let outputs = [to("a.jsonl", JSON_LINES), to("a.parquet", Format::Parquet)];
        let mut sinks = Outputs::open(&outputs, false).unwrap();
        sinks.write(&batch(&["a", "b"])).unwrap();
        sinks.finish().unwrap();
        assert!(folder.path().join("a.parquet").exists());
        let text = fs::read_to_string(folder.path().join("a.jsonl")).unwrap();
        assert_eq!(ids(&text).len(), 2);
        let outputs = [to("b.jsonl", JSON_LINES), to("a.parquet", Format::Parquet)];
        assert!(Outputs::open(&outputs, false).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        let outputs = Output::new(
            Place::Stdout,
            Format::Parquet,
            Layout::new([], &[], Unit::Char),
            2,
        );
        assert!(matches!(
            outputs.open(false),
            Err(OutputError::NotAStream { .. })
        ));
    }

    #[test]
    fn a_part_that_is_missing_leaves_the_output_as_it_was_and_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.jsonl");
        fs::write(&path, "before").unwrap();
        let error = output(&path).join(folder.path(), &[3]).unwrap_err();
        assert!(error.to_string().contains("part-00003.jsonl"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "before");
    }

    #[test]
    fn what_cannot_be_written_in_parts_says_why() {
        let layout = Layout::new([], &[], Unit::Char);
        let stdout = Output::new(Place::Stdout, JSON_LINES, layout, 10);
        assert!(stdout.why_no_parts().is_some());
        assert!(stdout.part_name(0).is_none());
        assert!(output(Path::new("out.jsonl")).why_no_parts().is_none());
    }
}
