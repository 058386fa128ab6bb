use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use serde::Deserialize;

use crate::HostError;
use crate::library::sha256;
use crate::search::{beside_the_binary, data_folders};

/// Finds what stages ask for by name, most of all models, and verifies the
/// files of a model against the checksums in its `model.toml`:
///
/// ```toml
/// [sha256]
/// "encoder.safetensors" = "9f86d0…"
/// ```
///
/// Clones share what has been verified, so each file is read once a run.
#[derive(Debug, Clone)]
pub struct Resources {
    base: PathBuf,
    folders: Vec<PathBuf>,
    verified: Arc<Mutex<HashMap<PathBuf, Stamp>>>,
}

/// What a file looked like when it was verified.
type Stamp = (u64, Option<SystemTime>);

#[derive(Deserialize)]
struct ModelCard {
    /// Checksum of each file, in hex.
    #[serde(default)]
    sha256: HashMap<String, String>,
}

impl Resources {
    /// Names are looked for relative to `base` (the folder of the pipeline
    /// file), then beside the binary and in the data folders of the system.
    #[must_use]
    pub fn new(base: impl Into<PathBuf>) -> Self {
        let base = base.into();
        let base = if base.as_os_str().is_empty() {
            PathBuf::from(".")
        } else {
            base
        };
        let mut folders: Vec<PathBuf> = beside_the_binary()
            .into_iter()
            .flat_map(|folder| {
                let shared = folder.parent().map(|prefix| prefix.join("share/copydesk"));
                std::iter::once(folder).chain(shared)
            })
            .collect();
        folders.extend(data_folders());
        Self {
            base: std::path::absolute(&base).unwrap_or(base),
            folders,
            verified: Arc::default(),
        }
    }

    /// The folder that relative names count from.
    #[must_use]
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// Full path of the file or folder `name`. Reads nothing.
    ///
    /// # Errors
    /// [`HostError::NoResource`], which says where was looked.
    pub fn resolve(&self, name: &str) -> Result<PathBuf, HostError> {
        let mut looked = String::new();
        for folder in std::iter::once(&self.base).chain(&self.folders) {
            // An absolute name replaces the folder.
            let path = folder.join(name);
            if path.exists() {
                return Ok(path.components().collect());
            }
            let _ = write!(looked, "\n  {}", path.display());
            if Path::new(name).is_absolute() {
                break;
            }
        }
        Err(HostError::NoResource {
            name: name.to_owned(),
            looked,
        })
    }

    /// Verifies the checksums of a model: of all files that the `model.toml`
    /// in folder `path` lists, or of the file `path` alone. Files that no
    /// `model.toml` lists are not looked at.
    ///
    /// # Errors
    /// [`HostError::Model`] for a file that is missing, truncated or another
    /// one; [`HostError::Read`] for one that cannot be read.
    pub fn verify(&self, path: &Path) -> Result<(), HostError> {
        let (folder, only) = if path.is_dir() {
            (path, None)
        } else {
            (path.parent().unwrap_or(path), path.file_name())
        };
        let card_path = folder.join("model.toml");
        let text = match std::fs::read_to_string(&card_path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(source) => {
                return Err(HostError::Read {
                    path: card_path,
                    source,
                });
            }
        };
        let card: ModelCard = toml::from_str(&text).map_err(|error| HostError::Model {
            path: card_path,
            what: format!("not a model description: {error}"),
            remedy: "each entry of [sha256] is `\"NAME\" = \"…\"`".to_owned(),
        })?;
        let mut files: Vec<_> = card.sha256.iter().collect();
        files.sort_by_key(|(name, _)| *name);
        for (name, expected) in files {
            if only.is_none_or(|only| only == name.as_str()) {
                self.verify_file(&folder.join(name), expected)?;
            }
        }
        Ok(())
    }

    fn verify_file(&self, path: &Path, expected: &str) -> Result<(), HostError> {
        let wrong = |what: String| HostError::Model {
            path: path.to_owned(),
            what,
            remedy: "fetch the model's folder again; if you changed the file yourself, put its \
                     new checksum into model.toml beside it"
                .to_owned(),
        };
        let read = |source| HostError::Read {
            path: path.to_owned(),
            source,
        };
        let metadata = match std::fs::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(wrong(
                    "model.toml lists this file, but it is missing".to_owned(),
                ));
            }
            other => other.map_err(read)?,
        };
        let stamp = (metadata.len(), metadata.modified().ok());
        let known = |stamps: &HashMap<PathBuf, Stamp>| stamps.get(path) == Some(&stamp);
        if known(&self.verified.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(());
        }
        let found = sha256(path).map_err(read)?;
        if !found.eq_ignore_ascii_case(expected) {
            return Err(wrong(format!(
                "the file ({} bytes) is damaged or another one: expected sha256 {expected}, found {found}",
                stamp.0
            )));
        }
        self.verified
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(path.to_owned(), stamp);
        Ok(())
    }
}
