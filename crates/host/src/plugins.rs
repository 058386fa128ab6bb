use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::library::Found;
use crate::{HostError, PluginFile, SearchPath, StageType};

/// The plugins that the search path has.
#[derive(Debug, Default)]
pub struct Plugins {
    folders: Vec<Folder>,
    files: Vec<PluginFile>,
    problems: Vec<Problem>,
}

#[derive(Debug)]
struct Folder {
    path: PathBuf,
    why: &'static str,
    there: bool,
}

/// Something about a file on the search path that the user may want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What sort of thing.
    pub kind: ProblemKind,
    /// The file.
    pub path: PathBuf,
    /// The whole story, with the file's name.
    pub message: String,
}

/// Sorts of [`Problem`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProblemKind {
    /// It has the name of a library and is none.
    NotALibrary,
    /// It cannot be read.
    Unreadable,
    /// It is a plugin, but does not say what it offers.
    BadMetadata,
    /// It was built for another ABI.
    OtherAbi,
    /// Another file in the same folder has the same stage: neither can be used.
    TwoInOneFolder,
    /// A file in an earlier folder has the same stage: a notice, not a fault.
    Shadowed,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Plugins {
    /// Looks through the folders of `path`. Runs no plugin, and never fails:
    /// what is wrong is in [`problems`](Self::problems).
    #[must_use]
    pub fn scan(path: &SearchPath) -> Self {
        let mut plugins = Self::default();
        for (folder, why) in path.entries() {
            let there = plugins.scan_folder(folder);
            plugins.folders.push(Folder {
                path: folder.clone(),
                why,
                there,
            });
        }
        plugins.note_namesakes();
        plugins
    }

    /// These files and no others, as a test has just built them.
    #[must_use]
    pub fn of_files(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut plugins = Self::default();
        for path in paths {
            plugins.read(path);
        }
        plugins.note_namesakes();
        plugins
    }

    fn scan_folder(&mut self, folder: &Path) -> bool {
        let Ok(entries) = std::fs::read_dir(folder) else {
            return false;
        };
        let mut paths: Vec<_> = entries
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| {
                path.extension()
                    .is_some_and(|extension| extension == std::env::consts::DLL_EXTENSION)
            })
            .collect();
        paths.sort();
        for path in paths {
            self.read(path);
        }
        true
    }

    fn read(&mut self, path: PathBuf) {
        let (kind, message) = match PluginFile::read(&path) {
            Ok(Found::Other) => return,
            Ok(Found::Plugin(file)) => {
                let ours = (copydesk_abi::ABI_MAJOR, copydesk_abi::ABI_MINOR);
                let error = HostError::OtherAbi {
                    path: path.clone(),
                    theirs: file.abi,
                    ours,
                };
                let other_abi = file.abi != ours;
                self.files.push(file);
                if !other_abi {
                    return;
                }
                (ProblemKind::OtherAbi, error.to_string())
            }
            Ok(Found::NotALibrary(reason)) => (
                ProblemKind::NotALibrary,
                format!("{} is not a shared library: {reason}", path.display()),
            ),
            Ok(Found::BadMetadata(reason)) => (
                ProblemKind::BadMetadata,
                format!(
                    "{} is a copydesk plugin with unreadable metadata: {reason}",
                    path.display()
                ),
            ),
            Err(error) => (
                ProblemKind::Unreadable,
                format!("cannot read {}: {error}", path.display()),
            ),
        };
        self.problems.push(Problem {
            kind,
            path,
            message,
        });
    }

    fn note_namesakes(&mut self) {
        for (later, file) in self.files.iter().enumerate() {
            for stage in &file.stages {
                let earlier = self.files[..later]
                    .iter()
                    .find(|earlier| earlier.stages.iter().any(|s| s.id == stage.id));
                let Some(earlier) = earlier else { continue };
                let (kind, message) = if earlier.path.parent() == file.path.parent() {
                    let error = HostError::TwoInOneFolder {
                        id: stage.id.clone(),
                        first: earlier.path.clone(),
                        second: file.path.clone(),
                    };
                    (ProblemKind::TwoInOneFolder, error.to_string())
                } else {
                    let message = format!(
                        "stage `{}` of {} is shadowed by {}, which is found earlier",
                        stage.id,
                        file.path.display(),
                        earlier.path.display()
                    );
                    (ProblemKind::Shadowed, message)
                };
                self.problems.push(Problem {
                    kind,
                    path: file.path.clone(),
                    message,
                });
            }
        }
    }

    /// All plugin files, in the order of the search path; also those that are
    /// shadowed, or of another ABI.
    #[must_use]
    pub fn files(&self) -> &[PluginFile] {
        &self.files
    }

    /// What is wrong or remarkable about files on the search path.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The file with the stage `use_`: `owner/name`, or `name` for
    /// `copydesk/name`.
    ///
    /// # Errors
    /// [`HostError::NotFound`], which says what is near and where was looked;
    /// [`HostError::TwoInOneFolder`].
    pub fn find(&self, use_: &str) -> Result<&PluginFile, HostError> {
        let id = full_id(use_);
        let mut having = self
            .files
            .iter()
            .filter(|file| file.stages.iter().any(|stage| stage.id == id));
        let Some(file) = having.next() else {
            return Err(self.not_found(id));
        };
        match having.find(|other| other.path.parent() == file.path.parent()) {
            Some(other) => Err(HostError::TwoInOneFolder {
                id,
                first: file.path.clone(),
                second: other.path.clone(),
            }),
            None => Ok(file),
        }
    }

    /// Loads the plugin with the stage `use_` and checks its tables.
    ///
    /// # Errors
    /// As [`find`](Self::find); and if the library cannot be loaded, is of
    /// another ABI, or breaks the rules of the boundary.
    pub fn open(&self, use_: &str) -> Result<StageType, HostError> {
        let file = self.find(use_)?;
        let table = file.load(&full_id(use_))?;
        StageType::new(table, Some(file.clone()))
    }

    fn not_found(&self, id: String) -> HostError {
        let near = self
            .files
            .iter()
            .flat_map(|file| &file.stages)
            .map(|stage| {
                (
                    strsim::damerau_levenshtein(&short(&stage.id), &short(&id)),
                    &stage.id,
                )
            })
            .min()
            .filter(|(distance, _)| *distance <= 1 + short(&id).len() / 4)
            .map_or_else(String::new, |(_, near)| {
                format!("; did you mean `{}`?", short(near))
            });
        let mut searched = String::from("looked in:");
        for folder in &self.folders {
            let _ = write!(searched, "\n  {} ({})", folder.path.display(), folder.why);
            let stages: Vec<_> = self
                .files
                .iter()
                .filter(|file| file.path.parent() == Some(&folder.path))
                .flat_map(|file| &file.stages)
                .map(|stage| short(&stage.id))
                .collect();
            let found = match (folder.there, stages.is_empty()) {
                (false, _) => "no such folder".to_owned(),
                (true, true) => "no plugins".to_owned(),
                (true, false) => stages.join(", "),
            };
            let _ = write!(searched, ": {found}");
        }
        for problem in &self.problems {
            if problem.kind != ProblemKind::Shadowed {
                let _ = write!(searched, "\nnote: {problem}");
            }
        }
        HostError::NotFound { id, near, searched }
    }
}

/// `ner` is short for `copydesk/ner`.
#[must_use]
pub fn full_id(use_: &str) -> String {
    if use_.contains('/') {
        use_.to_owned()
    } else {
        format!("copydesk/{use_}")
    }
}

fn short(id: &str) -> String {
    id.strip_prefix("copydesk/").unwrap_or(id).to_owned()
}
