//! The journal: one line for each thing that is certain, added only when it is.

use std::{
    fs::{File, OpenOptions},
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use copydesk_engine::{Cause, Counts, DropReason};
use serde::{Deserialize, Serialize};

use crate::{RunDirError, lock::Owner, positions::Written};

/// A line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "kebab-case")]
pub(crate) enum Entry {
    /// A process began to work.
    Begun {
        /// Who.
        by: Owner,
        /// Its version of copydesk.
        version: String,
    },
    /// Documents came to an end, and what they gave is where it belongs.
    Chunk(Chunk),
    /// The run goes on with what has changed since it began.
    Kept {
        at: String,
        changes: Vec<String>,
        /// The finished positions as the inputs are numbered from here on.
        finished: Written,
    },
    /// The outputs are being put together: from here on what stands in their places is ours.
    Joining { at: String },
    /// The input was read to its end, and the outputs are whole.
    Finished { at: String },
}

/// What one chunk has made certain.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Chunk {
    pub(crate) number: u32,
    pub(crate) at: String,
    /// What became of its documents; replayed ones among them.
    pub(crate) counts: Counts,
    /// Its part of each output; none if no document is done.
    pub(crate) parts: Vec<Part>,
    /// Bytes of `dead-letters.jsonl`, and letters in it, from here on.
    pub(crate) letter_bytes: u64,
    pub(crate) letters: u64,
    /// Bytes of `ids.bin` from here on.
    pub(crate) id_bytes: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) causes: Vec<Cause>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) drops: Vec<DropReason>,
    /// Letters whose documents were replayed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) replayed: Vec<Replayed>,
    pub(crate) finished: Written,
}

/// A part of an output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    /// The name of its file; `null` where the output keeps parts in itself.
    pub(crate) file: Option<String>,
    pub(crate) bytes: u64,
    /// Of the file, in hexadecimal.
    pub(crate) sha256: String,
}

/// What became of a dead letter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Replayed {
    /// Its number.
    pub(crate) letter: u64,
    pub(crate) became: Became,
    /// What it had failed of, to be taken off the account.
    pub(crate) cause: Cause,
}

/// What became of the document of a letter that was replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Became {
    /// It is in the output.
    Done,
    /// A stage left it out on purpose.
    Dropped,
    /// It failed again, and a later letter says how.
    FailedAgain,
}

/// The journal's file, open at its end.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    /// Bytes that are certain.
    bytes: u64,
}

impl Journal {
    /// Reads the journal, cuts off a line that was not written to its end, and opens it.
    pub(crate) fn open(path: &Path) -> Result<(Self, Vec<Entry>), RunDirError> {
        let (entries, bytes) = read(path)?;
        let io = |doing| RunDirError::io(doing, path);
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(io("open"))?;
        file.set_len(bytes).map_err(io("cut back"))?;
        file.seek(SeekFrom::Start(bytes)).map_err(io("open"))?;
        let journal = Self {
            path: path.to_owned(),
            file,
            bytes,
        };
        Ok((journal, entries))
    }

    /// Adds a line; it is certain when this returns.
    pub(crate) fn add(&mut self, entry: &Entry) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        let written = self
            .file
            .write_all(&line)
            .and_then(|()| self.file.sync_data());
        match written {
            Ok(()) => self.bytes += line.len() as u64,
            Err(error) => {
                // Half a line would be cut off by the next run as well; the error is what matters.
                let _ = self.file.set_len(self.bytes);
                let _ = self.file.seek(SeekFrom::Start(self.bytes));
                return Err(error);
            }
        }
        Ok(())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// The entries, and how many bytes they take: a last line that was not written to its end does
/// not count, for nobody has relied on it. No file is an empty journal.
pub(crate) fn read(path: &Path) -> Result<(Vec<Entry>, u64), RunDirError> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(RunDirError::io("read", path)(error)),
    };
    let mut entries = Vec::new();
    let mut bytes = 0;
    let mut lines = text.split_inclusive(|&byte| byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        match serde_json::from_slice(line) {
            Ok(entry) if line.ends_with(b"\n") => entries.push(entry),
            // Blocks of a file may reach the disk in another order than they were written.
            _ if lines.peek().is_none() => break,
            Ok(_) => unreachable!("only the last line has no end"),
            Err(error) => {
                return Err(RunDirError::Damaged {
                    path: path.to_owned(),
                    what: format!("line {}: {error}", entries.len() + 1),
                });
            }
        }
        bytes += line.len() as u64;
    }
    Ok((entries, bytes))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn begun(pid: u32) -> Entry {
        Entry::Begun {
            by: Owner {
                pid,
                host: "press".to_owned(),
                since: "2026-03-01T10:00:00Z".to_owned(),
            },
            version: "0.1.0".to_owned(),
        }
    }

    #[test]
    fn a_line_that_was_cut_off_anywhere_does_not_count_and_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let (mut journal, entries) = Journal::open(&path).unwrap();
        assert!(entries.is_empty());
        journal.add(&begun(1)).unwrap();
        let whole = fs::read(&path).unwrap();
        journal.add(&begun(2)).unwrap();
        drop(journal);
        let both = fs::read(&path).unwrap();
        for cut in whole.len()..both.len() {
            fs::write(&path, &both[..cut]).unwrap();
            let (mut journal, entries) = Journal::open(&path).unwrap();
            assert_eq!(entries, [begun(1)], "cut at {cut}");
            journal.add(&begun(3)).unwrap();
            assert_eq!(read(&path).unwrap().0, [begun(1), begun(3)]);
        }
    }

    #[test]
    fn a_damaged_line_in_the_middle_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let line = serde_json::to_string(&begun(1)).unwrap();
        fs::write(&path, format!("{line}\n{{oops\n{line}\n")).unwrap();
        let error = Journal::open(&path).unwrap_err().to_string();
        assert!(error.contains("damaged: line 2: "), "{error}");
    }
}
