//! The outputs of a run: where records go, what they look like there, and how an output is put
//! together from parts.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};

use copydesk_engine::{Sink, SinkError};

use crate::{
    OutputError,
    assemble::Layout,
    target::{Place, Target, make_folder, sync_folder, with_suffix},
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
}

/// A sink that can be taken back as long as nothing was written into it.
pub trait Retractable: Sink {
    /// Removes what opening it has made.
    fn discard(self: Box<Self>);
}

impl Output {
    /// Records of `layout` in `format`, to `place`.
    pub fn new(place: Place, format: Format, layout: Layout) -> Self {
        Self {
            place,
            format,
            layout,
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
        let (layout, format) = (self.layout.clone(), self.format);
        Ok(match &self.place {
            Place::Stdout => Box::new(Writer::stdout(layout, format)),
            Place::File(path) => Box::new(Writer::file(path, overwrite, layout, format)?),
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
        }
    }

    /// Why it cannot be written in parts, if it cannot.
    pub fn why_no_parts(&self) -> Option<&'static str> {
        match (&self.place, self.format) {
            (Place::Stdout, _) => Some("what was printed cannot be continued"),
            (_, Format::Pretty(_)) => {
                Some("pages for the terminal are not put together from parts")
            }
            (Place::File(_), Format::JsonLines) => None,
        }
    }

    /// The name of the file of part `number`: `part-00007.jsonl.zst`.
    ///
    /// `None` for an output that has no such files, because its parts are transactions in itself.
    pub fn part_name(&self, number: u32) -> Option<String> {
        let Place::File(path) = &self.place else {
            return None;
        };
        let packed = path.extension().and_then(|extension| extension.to_str());
        let packed = match packed {
            Some(packed @ ("gz" | "zst")) => format!(".{packed}"),
            _ => String::new(),
        };
        Some(format!("part-{number:05}.jsonl{packed}"))
    }

    /// Opens part `number` in `folder`, in place of what was there under its name. Once
    /// [`Sink::finish`] has returned it is durable; until then nothing has its name.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn open_part(&self, folder: &Path, number: u32) -> Result<Box<dyn Sink>, OutputError> {
        let name = self.part_name(number).unwrap_or_default();
        let writer = Writer::file(&folder.join(name), true, self.layout.clone(), self.format)?;
        Ok(Box::new(writer))
    }

    /// Puts the parts in `folder` together, in the order of `numbers`, in place of what the
    /// output was before. The parts stay. Doing it again does no harm.
    ///
    /// # Errors
    /// If a part cannot be read or the output not be written; it then is as it was before.
    pub fn join(&self, folder: &Path, numbers: &[u32]) -> Result<(), SinkError> {
        let Place::File(path) = &self.place else {
            return Ok(());
        };
        let parts: Vec<PathBuf> = numbers
            .iter()
            .filter_map(|number| Some(folder.join(self.part_name(*number)?)))
            .collect();
        concatenate(&parts, path).map_err(|source| SinkError {
            what: format!("the output {} out of its parts", self.place),
            source,
        })
    }
}

/// Lines, and members of gzip (RFC 1952, 2.2) and frames of zstd (RFC 8878, 3), are joined by
/// writing them one after the other.
fn concatenate(parts: &[PathBuf], path: &Path) -> io::Result<()> {
    if let Some(folder) = Target::folder_of(path) {
        make_folder(folder)?;
    }
    let partial = with_suffix(path, ".partial");
    let mut whole = File::create(&partial)?;
    for part in parts {
        let named =
            |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", part.display()));
        io::copy(&mut File::open(part).map_err(named)?, &mut whole)?;
    }
    whole.flush()?;
    whole.sync_all()?;
    std::fs::rename(&partial, path)?;
    sync_folder(path)
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Read};

    use copydesk_document::{Batch, NewDocument, Value, offsets::Unit};

    use super::*;

    fn output(path: &Path) -> Output {
        let layout = Layout::new([], &[], Unit::Char);
        Output::new(Place::File(path.to_owned()), Format::JsonLines, layout)
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
        let stdout = Output::new(Place::Stdout, Format::JsonLines, layout);
        assert!(stdout.why_no_parts().is_some());
        assert!(stdout.part_name(0).is_none());
        assert!(output(Path::new("out.jsonl")).why_no_parts().is_none());
    }
}
