//! From what a user names as input to the files that are read: paths, folders, globs, `-`.

use std::{
    collections::HashSet,
    fmt,
    path::{Component, Path, PathBuf},
    time::SystemTime,
};

use copydesk_engine::config;
use globset::{GlobBuilder, GlobMatcher};
use walkdir::WalkDir;

use crate::InputError;

/// How the documents lie in an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InputFormat {
    /// One document a file.
    Text,
    /// One JSON object a line, each a document.
    JsonLines,
    /// One web page a file.
    Html,
    /// Comma separated values, a row a document.
    Csv,
    /// Tab separated values, a row a document.
    Tsv,
    /// A row a document.
    Parquet,
    /// A web archive: a response with a page a document.
    Warc,
}

impl InputFormat {
    /// Extensions that are read when a folder is searched, without the compression's own.
    pub const EXTENSIONS: &[(&'static str, InputFormat)] = &[
        ("txt", InputFormat::Text),
        ("text", InputFormat::Text),
        ("jsonl", InputFormat::JsonLines),
        ("ndjson", InputFormat::JsonLines),
        ("html", InputFormat::Html),
        ("htm", InputFormat::Html),
        ("xhtml", InputFormat::Html),
        ("csv", InputFormat::Csv),
        ("tsv", InputFormat::Tsv),
        ("parquet", InputFormat::Parquet),
        ("warc", InputFormat::Warc),
    ];
    /// Extensions of compression that may follow.
    pub const COMPRESSIONS: &[&'static str] = &["gz", "zst"];

    /// The format that the name of a file speaks for; `.gz` and `.zst` are looked through.
    pub fn of_name(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let inner = Self::COMPRESSIONS
            .iter()
            .find_map(|ending| name.strip_suffix(&format!(".{ending}")))
            .unwrap_or(&name);
        let (stem, extension) = inner.rsplit_once('.')?;
        let known = Self::EXTENSIONS
            .iter()
            .find(|(known, _)| *known == extension)?;
        (!stem.is_empty()).then_some(known.1)
    }

    /// What `[input] format` says; `None` means: by each file's name.
    pub fn of_config(format: config::InputFormat) -> Option<Self> {
        match format {
            config::InputFormat::Auto => None,
            config::InputFormat::Text => Some(Self::Text),
            config::InputFormat::Jsonl => Some(Self::JsonLines),
            config::InputFormat::Html => Some(Self::Html),
            config::InputFormat::Csv => Some(Self::Csv),
            config::InputFormat::Tsv => Some(Self::Tsv),
            config::InputFormat::Parquet => Some(Self::Parquet),
            config::InputFormat::Warc => Some(Self::Warc),
        }
    }

    /// What a message lists when nothing was found.
    pub(crate) fn list() -> String {
        let names: Vec<String> = Self::EXTENSIONS
            .iter()
            .map(|(extension, _)| format!(".{extension}"))
            .collect();
        format!("{}, each also with .gz or .zst", names.join(", "))
    }
}

impl fmt::Display for InputFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::JsonLines => "jsonl",
            Self::Html => "html",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Parquet => "parquet",
            Self::Warc => "warc",
        })
    }
}

/// One input that is going to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFile {
    /// Where to open it; `None` is the standard input.
    pub path: Option<PathBuf>,
    /// Its name in ids and messages: the path as the user gave it, with forward slashes.
    pub name: String,
    /// How it is read; `None` for the standard input means: look at its first character.
    pub format: Option<InputFormat>,
    /// Bytes on disk, where that is known.
    pub bytes: Option<u64>,
    /// When it was last written, where that is known.
    pub modified: Option<SystemTime>,
    /// Why it cannot be read, when that showed already during the search.
    pub trouble: Option<String>,
}

impl InputFile {
    /// The `path` of its documents: its name, but the standard input has none.
    pub(crate) fn label(&self) -> Option<String> {
        self.path.is_some().then(|| self.name.clone())
    }
}

/// What to search, and how.
#[derive(Debug, Clone, Default)]
pub struct Search<'a> {
    /// The folder that relative paths count from.
    pub base: PathBuf,
    /// The format of everything, whatever the names say.
    pub format: Option<InputFormat>,
    /// Files of this run's own (its output). They are left out where a folder or a glob holds
    /// them, and refused where they are named.
    pub exclude: Vec<&'a Path>,
}

/// Lists the files behind `paths`, in the order of `paths`, the files of one folder or glob
/// sorted by name. A file named twice is read once.
///
/// # Errors
/// Every path that is not there, every folder and glob without a match, every file whose format
/// nobody can tell, and every file named that is the run's own, all at once. A file that is there but cannot be read (a dangling
/// link, a folder of that name) is no error here: it costs one document, not the run.
pub fn discover(paths: &[String], search: &Search<'_>) -> Result<Vec<InputFile>, Vec<InputError>> {
    let mut found = Found::new(search);
    let mut errors = Vec::new();
    for path in paths {
        if let Err(error) = found.add(path) {
            errors.push(error);
        }
    }
    if errors.is_empty() {
        Ok(found.files)
    } else {
        Err(errors)
    }
}

struct Found<'a> {
    search: &'a Search<'a>,
    files: Vec<InputFile>,
    seen: HashSet<PathBuf>,
}

impl<'a> Found<'a> {
    fn new(search: &'a Search<'a>) -> Self {
        Self {
            search,
            files: Vec::new(),
            seen: HashSet::new(),
        }
    }

    fn add(&mut self, given: &str) -> Result<(), InputError> {
        if given == "-" {
            if !self.files.iter().any(|file| file.path.is_none()) {
                self.files.push(InputFile {
                    path: None,
                    name: "stdin".to_owned(),
                    format: self.search.format,
                    bytes: None,
                    modified: None,
                    trouble: None,
                });
            }
            return Ok(());
        }
        let full = self.search.base.join(given);
        // A file whose name has brackets in it is a file first, a pattern second.
        let is_link = full.symlink_metadata();
        if is_link.is_ok() {
            return if full.is_dir() {
                self.add_folder(given, &full)
            } else {
                self.add_named(given, full)
            };
        }
        if given.contains(['*', '?', '[', '{']) {
            return self.add_glob(given);
        }
        Err(InputError::Missing { path: full })
    }

    fn add_named(&mut self, given: &str, full: PathBuf) -> Result<(), InputError> {
        if full.is_file() && self.is_own(&full) {
            return Err(InputError::Own { path: full });
        }
        let format = self.search.format.or_else(|| InputFormat::of_name(&full));
        if format.is_none() {
            return Err(InputError::UnknownFormat { path: full });
        }
        self.push(full, given, format);
        Ok(())
    }

    fn add_folder(&mut self, given: &str, full: &Path) -> Result<(), InputError> {
        let mut any = false;
        for entry in walk(full) {
            match entry {
                Ok(entry) => {
                    let path = entry.path();
                    let format = InputFormat::of_name(path);
                    if entry.file_type().is_dir() || format.is_none() {
                        continue;
                    }
                    any = true;
                    let name = joined(given, path.strip_prefix(full).unwrap_or(path));
                    self.push(path.to_owned(), &name, self.search.format.or(format));
                }
                Err(error) => any |= self.push_trouble(given, full, &error),
            }
        }
        if any {
            Ok(())
        } else {
            Err(InputError::EmptyFolder {
                path: full.to_owned(),
                looked_for: InputFormat::list(),
            })
        }
    }

    fn add_glob(&mut self, given: &str) -> Result<(), InputError> {
        let (folder, pattern) = split_glob(given);
        let root = self.search.base.join(folder);
        let matcher = compile(pattern).map_err(|error| InputError::BadPattern {
            pattern: given.to_owned(),
            message: error.kind().to_string(),
        })?;
        let mut any = false;
        for entry in walk(&root) {
            match entry {
                Ok(entry) => {
                    let path = entry.path();
                    let below = path.strip_prefix(&root).unwrap_or(path);
                    let format = self.search.format.or_else(|| InputFormat::of_name(path));
                    let plain_folder =
                        entry.file_type().is_dir() && InputFormat::of_name(path).is_none();
                    if !matcher.is_match(below) || plain_folder {
                        continue;
                    }
                    any = true;
                    let name = joined(folder, below);
                    if format.is_none() {
                        return Err(InputError::UnknownFormat {
                            path: path.to_owned(),
                        });
                    }
                    self.push(path.to_owned(), &name, format);
                }
                Err(error) => {
                    let matches = error.path().is_some_and(|path| {
                        matcher.is_match(path.strip_prefix(&root).unwrap_or(path))
                    });
                    any |= matches && self.push_trouble(folder, &root, &error);
                }
            }
        }
        if any {
            Ok(())
        } else {
            Err(InputError::NoMatch {
                pattern: given.to_owned(),
                folder: if root.as_os_str().is_empty() {
                    ".".into()
                } else {
                    root
                },
            })
        }
    }

    fn is_own(&self, path: &Path) -> bool {
        self.search.exclude.iter().any(|own| same_file(own, path))
    }

    fn push(&mut self, path: PathBuf, name: &str, format: Option<InputFormat>) {
        if self.is_own(&path) {
            return;
        }
        if !self.seen.insert(path.clone()) {
            return;
        }
        let metadata = path.metadata();
        let trouble = match &metadata {
            Ok(metadata) if metadata.is_dir() => Some("it is a folder, not a file".to_owned()),
            Ok(_) => None,
            Err(error) => Some(unreadable(&path, error)),
        };
        let file = metadata.ok().filter(|metadata| metadata.is_file());
        self.files.push(InputFile {
            path: Some(path),
            name: slashes(name),
            format,
            bytes: file.as_ref().map(|file| file.len()),
            modified: file.and_then(|file| file.modified().ok()),
            trouble,
        });
    }

    /// A place that the search could not look into: a dangling link, a folder without permission.
    fn push_trouble(&mut self, given: &str, root: &Path, error: &walkdir::Error) -> bool {
        let Some(path) = error.path() else {
            return false;
        };
        let dangling = path.symlink_metadata().is_ok_and(|link| link.is_symlink());
        if dangling && InputFormat::of_name(path).is_none() {
            return false;
        }
        let reason = match error.io_error() {
            Some(cause) => unreadable(path, cause),
            None => error.to_string(),
        };
        if self.seen.insert(path.to_owned()) {
            self.files.push(InputFile {
                name: slashes(&joined(given, path.strip_prefix(root).unwrap_or(path))),
                path: Some(path.to_owned()),
                format: self.search.format,
                bytes: None,
                modified: None,
                trouble: Some(reason),
            });
        }
        true
    }
}

/// Hidden files and folders are left out, as ripgrep and git-minded people expect.
fn walk(root: &Path) -> impl Iterator<Item = walkdir::Result<walkdir::DirEntry>> {
    WalkDir::new(root)
        .follow_links(true)
        .sort_by_file_name()
        .min_depth(1)
        .into_iter()
        .filter_entry(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."))
}

pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> String {
    let link = path.symlink_metadata().is_ok_and(|link| link.is_symlink());
    match std::fs::read_link(path) {
        Ok(target) if link && error.kind() == std::io::ErrorKind::NotFound => {
            format!("it is a link to `{}`, which is not there", target.display())
        }
        _ => error.to_string(),
    }
}

/// The leading folder without a wildcard, and the pattern below it.
fn split_glob(given: &str) -> (&str, &str) {
    let wild = given.find(['*', '?', '[', '{']).unwrap_or(given.len());
    match given[..wild].rfind('/') {
        Some(slash) => (&given[..=slash], &given[slash + 1..]),
        None => ("", given),
    }
}

fn compile(pattern: &str) -> Result<GlobMatcher, globset::Error> {
    Ok(GlobBuilder::new(pattern)
        .literal_separator(true)
        .build()?
        .compile_matcher())
}

fn joined(given: &str, below: &Path) -> String {
    let given = given.trim_end_matches('/');
    let below = below.to_string_lossy();
    match given {
        "" | "." => below.into_owned(),
        _ => format!("{given}/{below}"),
    }
}

fn slashes(name: &str) -> String {
    let name = if cfg!(windows) {
        name.replace('\\', "/")
    } else {
        name.to_owned()
    };
    name.strip_prefix("./").map(str::to_owned).unwrap_or(name)
}

fn same_file(own: &Path, path: &Path) -> bool {
    own.file_name() == path.file_name()
        && (normal(own) == normal(path)
            || matches!((own.canonicalize(), path.canonicalize()), (Ok(a), Ok(b)) if a == b))
}

fn normal(path: &Path) -> PathBuf {
    path.components()
        .filter(|part| *part != Component::CurDir)
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn names(paths: &[&str], base: &Path) -> Vec<String> {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        let search = Search {
            base: base.to_owned(),
            ..Search::default()
        };
        discover(&paths, &search)
            .unwrap()
            .into_iter()
            .map(|file| file.name)
            .collect()
    }

    fn fails(paths: &[&str], base: &Path) -> Vec<String> {
        let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
        let search = Search {
            base: base.to_owned(),
            ..Search::default()
        };
        discover(&paths, &search)
            .unwrap_err()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        folder
    }

    #[test]
    fn a_folder_is_searched_below_and_in_order_for_known_extensions() {
        let folder = folder(&[
            "b.txt",
            "a.TXT",
            "sub/c.jsonl.gz",
            "sub/d.ndjson.zst",
            "notes.md",
            ".hidden.txt",
            ".git/e.txt",
            "archive.gz",
        ]);
        assert_eq!(
            names(&["."], folder.path()),
            ["a.TXT", "b.txt", "sub/c.jsonl.gz", "sub/d.ndjson.zst"]
        );
    }

    #[test]
    fn names_keep_the_path_as_it_was_given() {
        let folder = folder(&["news/a.txt", "news/deep/b.txt"]);
        assert_eq!(
            names(&["news"], folder.path()),
            ["news/a.txt", "news/deep/b.txt"]
        );
        assert_eq!(names(&["./news/a.txt"], folder.path()), ["news/a.txt"]);
        assert_eq!(names(&["news/*.txt"], folder.path()), ["news/a.txt"]);
        assert_eq!(
            names(&["news/**/*.txt"], folder.path()),
            ["news/a.txt", "news/deep/b.txt"]
        );
        assert_eq!(names(&["n?ws/{a,z}.txt"], folder.path()), ["news/a.txt"]);
    }

    #[test]
    fn a_file_named_twice_is_read_once() {
        let folder = folder(&["a.txt", "b.txt"]);
        assert_eq!(
            names(&["b.txt", "*.txt", "."], folder.path()),
            ["b.txt", "a.txt"]
        );
    }

    #[test]
    fn a_name_with_brackets_is_a_file_before_it_is_a_pattern() {
        let folder = folder(&["[2019] ferry.txt", "2 ferry.txt"]);
        assert_eq!(
            names(&["[2019] ferry.txt"], folder.path()),
            ["[2019] ferry.txt"]
        );
    }

    #[test]
    fn a_folder_without_matches_names_itself_and_what_was_looked_for() {
        let folder = folder(&["news/a.md"]);
        let errors = fails(&["news", "*.txt", "gone.txt"], folder.path());
        assert_eq!(errors.len(), 3, "{errors:?}");
        assert!(
            errors[0].contains("news") && errors[0].contains(".jsonl"),
            "{}",
            errors[0]
        );
        assert!(errors[1].contains("`*.txt`"), "{}", errors[1]);
        assert!(errors[2].contains("gone.txt"), "{}", errors[2]);
    }

    #[test]
    fn a_file_of_unknown_kind_asks_for_the_format() {
        let folder = folder(&["a.md"]);
        assert!(fails(&["a.md"], folder.path())[0].contains("a.md"));
        let search = Search {
            base: folder.path().to_owned(),
            format: Some(InputFormat::Text),
            ..Search::default()
        };
        assert_eq!(discover(&["a.md".to_owned()], &search).unwrap().len(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_dangling_link_and_a_folder_in_place_of_a_file_cost_only_themselves() {
        let folder = folder(&["a.txt", "b.txt/inside.md"]);
        std::os::unix::fs::symlink("nowhere.txt", folder.path().join("c.txt")).unwrap();
        let search = Search {
            base: folder.path().to_owned(),
            ..Search::default()
        };
        for paths in [
            vec!["*.txt".to_owned()],
            vec!["a.txt".to_owned(), "c.txt".to_owned()],
        ] {
            let files = discover(&paths, &search).unwrap();
            assert_eq!(files[0].trouble, None);
            let last = files.last().unwrap().trouble.clone().unwrap();
            assert!(last.contains("nowhere.txt"), "{last}");
        }
        let files = discover(&["*.txt".to_owned()], &search).unwrap();
        assert!(files[1].trouble.as_ref().unwrap().contains("folder"));
    }

    #[test]
    fn the_output_of_the_run_is_not_its_input() {
        let folder = folder(&["a.jsonl", "out.jsonl"]);
        let out = folder.path().join("out.jsonl");
        let search = Search {
            base: folder.path().to_owned(),
            exclude: vec![&out],
            ..Search::default()
        };
        assert_eq!(discover(&[".".to_owned()], &search).unwrap().len(), 1);
        assert_eq!(discover(&["*.jsonl".to_owned()], &search).unwrap().len(), 1);
        let named = ["./out.jsonl".to_owned(), "a.jsonl".to_owned()];
        let errors = discover(&named, &search).unwrap_err();
        assert!(
            matches!(&errors[..], [InputError::Own { .. }]),
            "{errors:?}"
        );
    }
}
