//! What can keep an input or an output from being opened.

use std::{io, path::PathBuf};

use crate::target::Place;

/// Why the inputs of a run could not be listed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InputError {
    /// A path that is neither file nor folder.
    #[error("there is no file or folder `{}`", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A file that is an input by its own name, and an output.
    #[error("`{}` is an input and an output", path.display())]
    Own {
        /// The file.
        path: PathBuf,
    },
    /// A folder in which nothing can be read.
    #[error("the folder `{}` has no file to read: looked for {looked_for}", path.display())]
    EmptyFolder {
        /// The folder.
        path: PathBuf,
        /// The extensions that were looked for.
        looked_for: String,
    },
    /// A glob that matches nothing.
    #[error("nothing matches `{pattern}` in `{}`", folder.display())]
    NoMatch {
        /// The glob.
        pattern: String,
        /// The folder that its relative part was looked up in.
        folder: PathBuf,
    },
    /// A glob that is none.
    #[error("`{pattern}` is no valid pattern: {message}")]
    BadPattern {
        /// The glob.
        pattern: String,
        /// What is wrong with it.
        message: String,
    },
    /// A file of which nobody can tell how it is read.
    #[error("cannot tell from its name how to read `{}`", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// More files, or pieces of them, than can be told apart.
    #[error("the input has more than {most} files and pieces of files ({files} files)")]
    TooManySplits {
        /// How many files there are.
        files: usize,
        /// How many pieces there may be.
        most: u64,
    },
    /// An encoding that nobody knows.
    #[error("there is no encoding `{label}`")]
    UnknownEncoding {
        /// What was asked for.
        label: String,
    },
}

impl InputError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Missing { .. } => None,
            Self::Own { .. } => Some("write to another file: what is there would be lost"),
            Self::EmptyFolder { .. } => Some(
                "a glob with a format reads files of other names: `folder/**/*.md` with `--input-format text`",
            ),
            Self::NoMatch { .. } => {
                Some("`*` stays within one folder, `**/` goes down into all of them")
            }
            Self::BadPattern { .. } => None,
            Self::UnknownFormat { .. } => Some(
                "say it with `--input-format` or `format` under `[input]`: `text`, `html`, `jsonl`, `csv`, `tsv`, `parquet` or `warc`",
            ),
            Self::TooManySplits { .. } => Some(
                "put small files together, such as into JSON Lines, or run on one folder after the other",
            ),
            Self::UnknownEncoding { .. } => Some(
                "use a label of the WHATWG Encoding Standard, such as `utf-8`, `windows-1252` or `gb18030`",
            ),
        }
    }
}

/// Why an output could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutputError {
    /// It is there already.
    #[error("the output `{}` is there already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// It is written in no order from its beginning to its end.
    #[error("{format} cannot be written to the standard output")]
    NotAStream {
        /// The format.
        format: &'static str,
    },
    /// It cannot be written.
    #[error("cannot write {place}")]
    Open {
        /// The output.
        place: Place,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl OutputError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Exists { .. } => Some(
                "`--overwrite` replaces it, `-o` chooses another place, `-o -` prints to the terminal",
            ),
            Self::NotAStream { .. } => Some("name a file: `-o news.parquet`, `-o news.sqlite`"),
            Self::Open { .. } => None,
        }
    }
}
