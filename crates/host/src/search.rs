use std::fmt;
use std::path::{Path, PathBuf};

/// The folders where plugins are looked for, in order: the first that has a
/// stage wins.
#[derive(Debug, Clone, Default)]
pub struct SearchPath {
    entries: Vec<(PathBuf, &'static str)>,
}

impl SearchPath {
    /// `plugin_dirs` (from `--plugin-dir`), the folders of
    /// `COPYDESK_PLUGIN_PATH`, beside the binary, the data folders of the system.
    #[must_use]
    pub fn new(plugin_dirs: &[PathBuf]) -> Self {
        let mut path = Self::only(plugin_dirs);
        if let Some(list) = std::env::var_os("COPYDESK_PLUGIN_PATH") {
            for folder in std::env::split_paths(&list) {
                path.add(folder, "COPYDESK_PLUGIN_PATH");
            }
        }
        if let Some(folder) = beside_the_binary() {
            path.add(folder.clone(), "beside the binary");
            path.add(folder.join("plugins"), "beside the binary");
            if let Some(prefix) = folder.parent() {
                path.add(prefix.join("lib/copydesk/plugins"), "beside the binary");
            }
        }
        for folder in data_folders() {
            path.add(folder.join("plugins"), "data folder");
        }
        path
    }

    /// These folders and no others.
    #[must_use]
    pub fn only(plugin_dirs: &[PathBuf]) -> Self {
        let mut path = Self::default();
        for folder in plugin_dirs {
            path.add(folder.clone(), "--plugin-dir");
        }
        path
    }

    /// The folders, each with the reason why it is searched.
    #[must_use]
    pub fn entries(&self) -> &[(PathBuf, &'static str)] {
        &self.entries
    }

    fn add(&mut self, folder: PathBuf, why: &'static str) {
        if folder.as_os_str().is_empty() {
            return;
        }
        // Full paths: the loader would look up a bare name elsewhere.
        let folder = std::fs::canonicalize(&folder)
            .or_else(|_| std::path::absolute(&folder))
            .unwrap_or(folder);
        if self.entries.iter().all(|(known, _)| *known != folder) {
            self.entries.push((folder, why));
        }
    }
}

impl fmt::Display for SearchPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (folder, why)) in self.entries.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "  {} ({why})", folder.display())?;
        }
        Ok(())
    }
}

/// Folder of the running binary. Cargo puts test binaries into `deps`, and the
/// plugins (beside the programs) into the folder above it.
pub(crate) fn beside_the_binary() -> Option<PathBuf> {
    let binary = std::env::current_exe().ok()?;
    let binary = std::fs::canonicalize(&binary).unwrap_or(binary);
    let folder = binary.parent()?;
    if folder.file_name().is_some_and(|name| name == "deps") {
        return folder.parent().map(Path::to_owned);
    }
    Some(folder.to_owned())
}

/// Where programs find their data, by the conventions of the system.
pub(crate) fn data_folders() -> Vec<PathBuf> {
    let env = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let home = env("HOME").map(PathBuf::from);
    let mut folders = Vec::new();
    if cfg!(target_os = "macos") {
        folders.extend(home.map(|home| home.join("Library/Application Support/copydesk")));
        folders.push("/Library/Application Support/copydesk".into());
    } else if cfg!(windows) {
        folders.extend(
            ["APPDATA", "PROGRAMDATA"]
                .into_iter()
                .filter_map(env)
                .map(|folder| PathBuf::from(folder).join("copydesk")),
        );
        return folders;
    } else {
        let user = env("XDG_DATA_HOME")
            .map(PathBuf::from)
            .or_else(|| home.map(|home| home.join(".local/share")));
        folders.extend(user.map(|user| user.join("copydesk")));
    }
    for prefix in ["/usr/local", "/usr"] {
        folders.push(Path::new(prefix).join("lib/copydesk"));
        folders.push(Path::new(prefix).join("share/copydesk"));
    }
    folders
}
