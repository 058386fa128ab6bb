//! What can keep a run directory from being used.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::lock::Owner;

/// Why a run directory cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunDirError {
    /// Another process works in it.
    #[error("the run directory `{}` is in use{}", path.display(), by(owner.as_ref()))]
    InUse {
        /// The folder.
        path: PathBuf,
        /// Who, if it says so.
        owner: Option<Owner>,
    },
    /// A file of it could not be read or written.
    #[error("failed to {doing} `{}`: {source}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A folder with something else in it.
    #[error("`{}` is no run directory, and is not empty", path.display())]
    NotOne {
        /// The folder.
        path: PathBuf,
    },
    /// There is nothing.
    #[error("there is no run directory `{}`", path.display())]
    Missing {
        /// The folder.
        path: PathBuf,
    },
    /// A file of it is not as it was written.
    #[error("`{}` is damaged: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, with its place.
        what: String,
    },
    /// It was written by a later version.
    #[error(
        "the run directory `{}` was written by copydesk {by}, which keeps them in another form (version {version})",
        path.display()
    )]
    Newer {
        /// The folder.
        path: PathBuf,
        /// The version of copydesk that wrote it.
        by: String,
        /// The version of its form.
        version: u32,
    },
}

fn by(owner: Option<&Owner>) -> String {
    owner.map_or_else(
        || " by another process".to_owned(),
        |owner| format!(" by {owner}"),
    )
}

impl RunDirError {
    pub(crate) fn io(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            doing,
            path,
            source,
        }
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::InUse { .. } => Some(
                "wait until it ends, or stop it: two processes on one run directory would write everything twice",
            ),
            Self::NotOne { .. } => Some("name a folder that is empty or not there yet"),
            Self::Missing { .. } => {
                Some("a run directory is made by `copydesk run PIPELINE --run-dir FOLDER`")
            }
            Self::Damaged { .. } => Some(
                "restore the file if you have a copy of it; `--restart` throws away what the run has done and begins anew",
            ),
            Self::Newer { .. } => {
                Some("continue it with that version, or begin anew with `--restart`")
            }
            Self::Io { .. } => None,
        }
    }
}
