//! Documents that failed, as JSON Lines beside the output.

use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};

use copydesk_engine::{DeadLetter, DeadLetters, SinkError};

use crate::{OutputError, writer::refuse_existing};

/// Writes dead letters to a file that is created with the first of them, or nowhere.
///
/// Every letter is in the file when the next document is written: after a crash they are the
/// first thing that somebody looks for.
pub struct DeadLetterFile {
    path: Option<PathBuf>,
    file: Option<File>,
    line: Vec<u8>,
}

impl DeadLetterFile {
    /// Letters go to `path`, if there is one.
    ///
    /// # Errors
    /// If there is such a file from an earlier run and it may not be overwritten, or it may and
    /// cannot be removed.
    pub fn new(path: Option<&Path>, overwrite: bool) -> Result<Self, OutputError> {
        if let Some(path) = path {
            refuse_existing(path, overwrite)?;
            if path.is_file() {
                // A run without failures must not leave the letters of another beside its output.
                std::fs::remove_file(path).map_err(|source| OutputError::Open {
                    place: crate::target::Place::File(path.to_owned()),
                    source,
                })?;
            }
        }
        Ok(Self {
            path: path.map(Path::to_owned),
            file: None,
            line: Vec::new(),
        })
    }

    fn append(&mut self, path: &Path, letter: &DeadLetter) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                if let Some(folder) = path.parent() {
                    std::fs::create_dir_all(folder)?;
                }
                none.insert(File::create(path)?)
            }
        };
        self.line.clear();
        serde_json::to_writer(&mut self.line, letter)?;
        self.line.push(b'\n');
        file.write_all(&self.line)
    }
}

impl DeadLetters for DeadLetterFile {
    fn write(&mut self, letter: &DeadLetter) -> Result<(), SinkError> {
        let Some(path) = self.path.clone() else {
            return Ok(());
        };
        self.append(&path, letter)
            .map_err(|source| failed(&path, source))
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        match (&self.file, &self.path) {
            (Some(file), Some(path)) if path.is_file() => {
                file.sync_all().map_err(|source| failed(path, source))
            }
            _ => Ok(()),
        }
    }
}

fn failed(path: &Path, source: io::Error) -> SinkError {
    SinkError {
        what: format!("the dead letters `{}`", path.display()),
        source,
    }
}
