//! The dead letters of a run directory.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use copydesk_engine::{DeadLetter, index_of, position, split_of};
use serde::{Deserialize, Serialize};

use crate::{RunDirError, journal::Became};

/// A dead letter with its number and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Letter {
    /// From 0, in the order in which documents failed.
    pub number: u64,
    /// What became of it when it was replayed; `null` while it is open.
    pub replayed: Option<Became>,
    /// The letter.
    #[serde(flatten)]
    pub letter: DeadLetter,
}

/// As it stands in the file.
#[derive(Serialize)]
struct Line<'a> {
    number: u64,
    /// Where the document stands in the input: its split, and its number there.
    position: [u64; 2],
    #[serde(flatten)]
    letter: &'a DeadLetter,
}

/// The file that letters are added to.
#[derive(Debug)]
pub(crate) struct LetterFile {
    path: PathBuf,
    file: File,
    bytes: u64,
    next: u64,
    unsynced: bool,
}

impl LetterFile {
    /// Opens the file and cuts off what the journal does not vouch for.
    pub(crate) fn open(path: &Path, bytes: u64, letters: u64) -> Result<Self, RunDirError> {
        Ok(Self {
            path: path.to_owned(),
            file: open_at(path, bytes)?,
            bytes,
            next: letters,
            unsynced: false,
        })
    }

    /// Adds a letter. Large ones do not wait in memory.
    pub(crate) fn add(&mut self, letter: &DeadLetter) -> io::Result<()> {
        let mut line = serde_json::to_vec(&Line {
            number: self.next,
            position: [u64::from(split_of(letter.seq)), index_of(letter.seq)],
            letter,
        })?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.bytes += line.len() as u64;
        self.next += 1;
        self.unsynced = true;
        Ok(())
    }

    /// Makes certain what was added; bytes and letters there are.
    pub(crate) fn settle(&mut self) -> io::Result<(u64, u64)> {
        if std::mem::take(&mut self.unsynced) {
            self.file.sync_data()?;
        }
        Ok((self.bytes, self.next))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// A file that is written on from `bytes`; what stands behind that is cut off.
pub(crate) fn open_at(path: &Path, bytes: u64) -> Result<File, RunDirError> {
    let io = |doing| RunDirError::io(doing, path);
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(io("open"))?;
    let there = file.metadata().map_err(io("open"))?.len();
    if there < bytes {
        return Err(RunDirError::Damaged {
            path: path.to_owned(),
            what: format!("it has {there} bytes, the journal knows of {bytes}"),
        });
    }
    file.set_len(bytes).map_err(io("cut back"))?;
    file.seek(SeekFrom::Start(bytes)).map_err(io("open"))?;
    Ok(file)
}

/// Shows the letters in the first `bytes` of a file one after the other, until told to stop.
/// A file of letters that no run directory keeps is read as well.
pub(crate) fn each(
    path: &Path,
    bytes: u64,
    mut show: impl FnMut(u64, DeadLetter) -> bool,
) -> Result<(), RunDirError> {
    let file = match File::open(path) {
        Ok(file) => file,
        // A run without failures has none.
        Err(error) if error.kind() == io::ErrorKind::NotFound && bytes == 0 => return Ok(()),
        Err(error) => return Err(RunDirError::io("read", path)(error)),
    };
    let mut lines = BufReader::new(file.take(bytes));
    let mut line = Vec::new();
    for index in 0.. {
        line.clear();
        let read = lines.read_until(b'\n', &mut line);
        if read.map_err(RunDirError::io("read", path))? == 0 {
            break;
        }
        let damaged = |error: serde_json::Error| RunDirError::Damaged {
            path: path.to_owned(),
            what: format!("line {}: {error}", index + 1),
        };
        let (number, letter) = parse(&line, index).map_err(damaged)?;
        if !show(number, letter) {
            break;
        }
    }
    Ok(())
}

fn parse(line: &[u8], index: u64) -> Result<(u64, DeadLetter), serde_json::Error> {
    #[derive(Deserialize)]
    struct Head {
        number: Option<u64>,
        position: Option<[u64; 2]>,
    }
    let head: Head = serde_json::from_slice(line)?;
    let mut letter: DeadLetter = serde_json::from_slice(line)?;
    if let Some([split, index]) = head.position {
        letter.seq = position(split as u32, index);
        if let Some(document) = &mut letter.document {
            document.seq = letter.seq;
        }
    }
    Ok((head.number.unwrap_or(index), letter))
}
