//! What a run was made of, and what has changed since, in words.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use copydesk_engine::{Plan, config::Pipeline};
use copydesk_host::Resources;
use copydesk_io::InputFile;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{positions::Positions, time};

/// The version of the form of run directories.
pub(crate) const VERSION: u32 = 1;

/// What a run is made of, apart from its inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the form of the run directory.
    pub version: u32,
    /// The version of copydesk.
    pub copydesk: String,
    /// When the run began.
    pub created: String,
    /// The pipeline file.
    pub pipeline: PathBuf,
    /// The command that began it.
    pub command: Vec<String>,
    /// The folder that paths on the command line count from.
    pub working_directory: PathBuf,
    /// The part of the inputs that is this run's: `2/8`.
    pub shard: Option<String>,
    /// Every setting as it is in force, by its place: `[run] batch_docs`.
    pub settings: BTreeMap<String, Value>,
    /// The stages in their order.
    pub stages: Vec<StageRecord>,
    /// Files and models that options of stages name.
    pub resources: BTreeMap<String, Resource>,
}

/// A stage and the plugin that it is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageRecord {
    /// Its name in the pipeline.
    pub name: String,
    /// `owner/name`.
    pub plugin: String,
    /// Version of the plugin.
    pub version: String,
    /// SHA-256 of the plugin's file, in hexadecimal.
    pub sha256: String,
}

/// A file or model that an option names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resource {
    /// Where it is.
    pub path: PathBuf,
    /// SHA-256 of the file; of a model its `model.toml`, which has those of its files.
    pub sha256: String,
}

/// An input file as it was when the run began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputRecord {
    /// Its name as the user gave it.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Bytes; `null` if it could not be read.
    pub bytes: Option<u64>,
    /// When it was written last, in nanoseconds since 1970.
    pub modified: Option<u64>,
    /// SHA-256 of the whole of a small file, of the beginning and the end of a large one.
    pub content: Option<String>,
    /// Into how many splits it is cut.
    pub splits: u32,
}

/// Something that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What it was and what it is, in words.
    pub words: String,
    /// What follows from it.
    pub weight: Weight,
}

/// What follows from a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// No record is different for it.
    None,
    /// Records from here on can be different from those before.
    Records,
    /// The run cannot go on from where it is.
    Restart,
}

/// Settings that say how fast, how much at a time, or when to stop, but not what comes out.
const WITHOUT_WEIGHT: [&str; 15] = [
    "[input] paths",
    "[output] overwrite",
    "[output] dead_letters",
    "[run] threads",
    "[run] batch_docs",
    "[run] batch_bytes",
    "[run] channel",
    "[run] channel_bytes",
    "[run] chunk_documents",
    "[run] max_failed",
    "[run] max_failed_ratio",
    "[run] ordered",
    "[run] isolation",
    "[run] memory_max_mb",
    "[run] retries",
];
const STAGE_WITHOUT_WEIGHT: [&str; 3] = ["workers", "isolation", "memory_max_mb"];

impl Manifest {
    /// The manifest of a run that begins now.
    pub fn new(pipeline: &Pipeline, plan: &Plan, file: &Path, shard: Option<String>) -> Self {
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or(path.to_owned());
        let mut settings = BTreeMap::new();
        let tables = [
            ("input", serde_json::to_value(&pipeline.input)),
            ("output", serde_json::to_value(&pipeline.output)),
            ("run", serde_json::to_value(&pipeline.run)),
        ];
        for (table, value) in tables {
            // Structs of plain values: they are values.
            match value.unwrap_or_default() {
                Value::Array(several) => {
                    for (number, one) in (1..).zip(several) {
                        let at = format!("[[{table}]] {number}");
                        flatten(&at, " ", one, &mut settings);
                    }
                }
                one => flatten(&format!("[{table}]"), " ", one, &mut settings),
            }
        }
        for stage in &pipeline.stages {
            let at = format!("stage `{}`:", stage.name());
            let mut value = serde_json::to_value(stage).unwrap_or_default();
            if let Some(fields) = value.as_object_mut() {
                fields.remove("name");
            }
            flatten(&at, " ", value, &mut settings);
        }
        let stages = plan
            .stages()
            .iter()
            .map(|stage| StageRecord {
                name: stage.name().to_owned(),
                plugin: stage.id().to_owned(),
                version: stage.kind().version().to_owned(),
                sha256: stage.kind().sha256().to_owned(),
            })
            .collect();
        // The same place may be told from another folder.
        for (key, value) in &mut settings {
            if let Value::String(path) = value
                && is_of_output(key)
                && key.ends_with(" path")
            {
                *path = absolute(Path::new(path)).display().to_string();
            }
        }
        Self {
            version: VERSION,
            copydesk: env!("CARGO_PKG_VERSION").to_owned(),
            created: time::now(),
            pipeline: absolute(file),
            command: std::env::args().collect(),
            working_directory: std::env::current_dir().unwrap_or_default(),
            shard,
            settings,
            stages,
            resources: resources(pipeline),
        }
    }

    /// What is different in `now`.
    pub(crate) fn changes(&self, now: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut tell = |words: String, weight| changes.push(Change { words, weight });
        if self.shard != now.shard {
            let called = |shard: &Option<String>| match shard {
                Some(shard) => format!("shard {shard}"),
                None => "all of the input".to_owned(),
            };
            let (was, is) = (called(&self.shard), called(&now.shard));
            tell(
                format!("the run was of {was}, now it is of {is}"),
                Weight::Restart,
            );
        }
        self.changed_stages(now, &mut tell);
        let keys: std::collections::BTreeSet<&String> =
            self.settings.keys().chain(now.settings.keys()).collect();
        let in_both = |key: &str| {
            let Some((stage, _)) = key.split_once(':') else {
                return true;
            };
            let has = |manifest: &Self| {
                let named = |one: &StageRecord| format!("stage `{}`", one.name) == stage;
                manifest.stages.iter().any(named)
            };
            has(self) && has(now)
        };
        for key in keys.into_iter().filter(|key| in_both(key)) {
            let (was, is) = (self.settings.get(key), now.settings.get(key));
            if was != is {
                tell(words(key, was, is), weight(key));
            }
        }
        self.changed_resources(now, &mut tell);
        if self.copydesk != now.copydesk {
            tell(
                format!("copydesk was {}, is {}", self.copydesk, now.copydesk),
                Weight::Records,
            );
        }
        changes
    }

    fn changed_stages(&self, now: &Self, tell: &mut impl FnMut(String, Weight)) {
        let find = |stages: &[StageRecord], name: &str| {
            stages.iter().find(|stage| stage.name == name).cloned()
        };
        for was in &self.stages {
            let name = &was.name;
            let Some(is) = find(&now.stages, name) else {
                tell(
                    format!("stage `{name}` was there, is gone"),
                    Weight::Records,
                );
                continue;
            };
            if was.plugin != is.plugin {
                let words = format!("stage `{name}` was {}, is {}", was.plugin, is.plugin);
                tell(words, Weight::Records);
            } else if was.version != is.version {
                let (plugin, was, is) = (&was.plugin, &was.version, &is.version);
                tell(
                    format!("plugin {plugin} was {was}, is {is}"),
                    Weight::Records,
                );
            } else if was.sha256 != is.sha256 {
                let words = format!(
                    "the file of plugin {} {} was another (SHA-256 {}…, now {}…)",
                    was.plugin,
                    was.version,
                    short(&was.sha256),
                    short(&is.sha256)
                );
                tell(words, Weight::Records);
            }
        }
        for is in &now.stages {
            if find(&self.stages, &is.name).is_none() {
                let words = format!("stage `{}` was not there, is now", is.name);
                tell(words, Weight::Records);
            }
        }
        let order = |stages: &[StageRecord], other: &[StageRecord]| {
            let shared = stages
                .iter()
                .filter(|one| other.iter().any(|another| another.name == one.name));
            shared.map(|one| one.name.clone()).collect::<Vec<_>>()
        };
        let (was, is) = (
            order(&self.stages, &now.stages),
            order(&now.stages, &self.stages),
        );
        if was != is {
            let words = format!(
                "the order of the stages was {}, is {}",
                was.join(", "),
                is.join(", ")
            );
            tell(words, Weight::Records);
        }
    }

    fn changed_resources(&self, now: &Self, tell: &mut impl FnMut(String, Weight)) {
        // One that is named by another name now shows in the settings.
        for (name, was) in &self.resources {
            match now.resources.get(name) {
                Some(is) if is.sha256 != was.sha256 => tell(
                    format!(
                        "`{name}` was another (SHA-256 {}…, now {}…)",
                        short(&was.sha256),
                        short(&is.sha256)
                    ),
                    Weight::Records,
                ),
                _ => {}
            }
        }
    }
}

fn short(sha256: &str) -> &str {
    sha256.get(..12).unwrap_or(sha256)
}

/// A table by its keys; what is no table is one value.
fn flatten(at: &str, joint: &str, value: Value, into: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                flatten(&format!("{at}{joint}{key}"), ".", value, into);
            }
        }
        // An option that is not given has its default.
        Value::Null => {}
        Value::Object(_) => {}
        value => {
            into.insert(at.to_owned(), value);
        }
    }
}

fn words(key: &str, was: Option<&Value>, is: Option<&Value>) -> String {
    let shown = |value: &Value| {
        const MOST: usize = 80;
        let text = value.to_string();
        match text.char_indices().nth(MOST) {
            Some((cut, _)) => format!("`{}…`", &text[..cut]),
            None => format!("`{text}`"),
        }
    };
    match (was, is) {
        (Some(was), Some(is)) => format!("{key} was {}, is {}", shown(was), shown(is)),
        (Some(was), None) => format!("{key} was {}, is not set", shown(was)),
        (None, Some(is)) => format!("{key} was not set, is {}", shown(is)),
        (None, None) => format!("{key} is as it was"),
    }
}

/// Of one output, or of one of several.
fn is_of_output(key: &str) -> bool {
    key.starts_with("[output]") || key.starts_with("[[output]]")
}

fn weight(key: &str) -> Weight {
    let stage = key.split_once(": ").map(|(_, key)| key);
    if WITHOUT_WEIGHT.contains(&key) || stage.is_some_and(|key| STAGE_WITHOUT_WEIGHT.contains(&key))
    {
        Weight::None
    } else if is_of_output(key)
        && [" path", " format", " compression"]
            .iter()
            .any(|end| key.ends_with(end))
    {
        // Parts that are written lie in another place, or have another form.
        Weight::Restart
    } else {
        Weight::Records
    }
}

/// Options that name a file or a model, by what they say.
fn resources(pipeline: &Pipeline) -> BTreeMap<String, Resource> {
    let resources = Resources::new(pipeline.base());
    let mut found = BTreeMap::new();
    for stage in &pipeline.stages {
        let mut options = BTreeMap::new();
        flatten("", "", Value::Object(stage.options.clone()), &mut options);
        for name in options.values().filter_map(Value::as_str) {
            // An empty name is the folder itself, and a name of many words is none.
            let Ok(path) = resources.resolve(name) else {
                continue;
            };
            let file = match path.is_dir() {
                true => path.join("model.toml"),
                false => path.clone(),
            };
            if !name.is_empty()
                && file.is_file()
                && let Ok(sha256) = sha256(&file)
            {
                found.insert(name.to_owned(), Resource { path, sha256 });
            }
        }
    }
    found
}

/// SHA-256 of a file, in hexadecimal.
pub(crate) fn sha256(path: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(hash)),
            count => hash.update(&buffer[..count]),
        }
    }
}

fn hex(hash: Sha256) -> String {
    let bytes = hash.finalize();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Of a file larger than twice this, only the beginning and the end are hashed.
const ENDS: u64 = 64 * 1024;

impl InputRecord {
    /// What there is to know of a file, but for its content.
    fn stat(file: &InputFile, path: &Path, splits: u32) -> Self {
        let metadata = std::fs::metadata(path).ok();
        let modified = metadata.as_ref().and_then(|metadata| {
            let since = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
            u64::try_from(since.as_nanos()).ok()
        });
        Self {
            name: file.name.clone(),
            path: std::path::absolute(path).unwrap_or(path.to_owned()),
            bytes: metadata.map(|metadata| metadata.len()),
            modified,
            content: None,
            splits,
        }
    }

    fn with_content(mut self) -> Self {
        self.content = content(&self.path, self.bytes.unwrap_or_default()).ok();
        self
    }
}

/// SHA-256 of the content of a file, of its beginning and end where it is large.
fn content(path: &Path, bytes: u64) -> io::Result<String> {
    if bytes <= 2 * ENDS {
        return sha256(path);
    }
    let mut hash = Sha256::new();
    let mut file = File::open(path)?;
    let mut piece = Vec::new();
    for start in [0, bytes - ENDS] {
        file.seek(SeekFrom::Start(start))?;
        piece.clear();
        file.by_ref().take(ENDS).read_to_end(&mut piece)?;
        hash.update(&piece);
    }
    Ok(hex(hash))
}

/// The inputs of a run that begins. Each comes with the number of its splits; the standard input,
/// which cannot be read again, is none.
pub(crate) fn record(files: &[(InputFile, u32)]) -> Vec<InputRecord> {
    files
        .iter()
        .filter_map(|(file, splits)| Some(InputRecord::stat(file, file.path.as_ref()?, *splits)))
        .map(InputRecord::with_content)
        .collect()
}

/// Inputs as they are now, held against what they were.
pub(crate) struct Compared {
    /// The inputs as they are.
    pub(crate) now: Vec<InputRecord>,
    pub(crate) changes: Vec<Change>,
    /// The number of an old split as it is now.
    splits: BTreeMap<u32, u32>,
}

impl Compared {
    pub(crate) fn new(
        before: &[InputRecord],
        files: &[(InputFile, u32)],
        finished: &Positions,
    ) -> Self {
        let mut known = BTreeMap::new();
        let mut first = 0;
        for record in before {
            known.insert(record.name.as_str(), (record, first));
            first += record.splits;
        }
        let mut splits = BTreeMap::new();
        let (mut added, mut changed, mut read_and_changed) = (Vec::new(), Vec::new(), Vec::new());
        let mut now = Vec::new();
        let mut first = 0;
        for (file, count) in files {
            let Some(path) = &file.path else { continue };
            let record = InputRecord::stat(file, path, *count);
            let at = first..first + count;
            first = at.end;
            let Some((was, old)) = known.remove(file.name.as_str()) else {
                added.push(file.name.clone());
                now.push(record.with_content());
                continue;
            };
            let untouched = record.bytes == was.bytes && record.modified == was.modified;
            let record = match untouched {
                true => InputRecord {
                    content: was.content.clone(),
                    ..record
                },
                false => record.with_content(),
            };
            let same = record.bytes == was.bytes
                && record.content == was.content
                && record.splits == was.splits;
            if same {
                splits.extend((old..old + was.splits).zip(at));
            } else {
                let words = format!("`{}` ({})", was.name, difference(was, &record));
                match finished.touches(old..old + was.splits) {
                    true => read_and_changed.push(words),
                    false => changed.push(words),
                }
            }
            now.push(record);
        }
        let gone: Vec<String> = before
            .iter()
            .filter(|record| known.contains_key(record.name.as_str()))
            .map(|record| record.name.clone())
            .collect();
        let mut changes = Vec::new();
        let mut tell = |verb: &str, names: &[String], weight| {
            if !names.is_empty() {
                let words = format!("{} {verb}: {}", files_of(names), listed(names));
                changes.push(Change { words, weight });
            }
        };
        let marked = |names: Vec<String>| -> Vec<String> {
            names.into_iter().map(|name| format!("`{name}`")).collect()
        };
        tell("added", &marked(added), Weight::Records);
        tell("gone", &marked(gone), Weight::Records);
        tell("changed before it was read", &changed, Weight::Records);
        tell(
            "changed after some of it was read",
            &read_and_changed,
            Weight::Restart,
        );
        Self {
            now,
            changes,
            splits,
        }
    }

    /// Finished positions as the splits are numbered now.
    pub(crate) fn renumbered(&self, finished: &Positions) -> Positions {
        finished.renamed(|split| self.splits.get(&split).copied())
    }
}

fn difference(was: &InputRecord, is: &InputRecord) -> String {
    match (was.bytes, is.bytes) {
        (Some(was), Some(is)) if was != is => format!("was {was} bytes, is {is}"),
        (Some(_), None) => "cannot be read any more".to_owned(),
        (None, Some(_)) => "could not be read then".to_owned(),
        _ => "another content".to_owned(),
    }
}

fn files_of(names: &[String]) -> String {
    match names.len() {
        1 => "1 input file".to_owned(),
        count => format!("{count} input files"),
    }
}

fn listed(names: &[String]) -> String {
    const MOST: usize = 3;
    let mut text = names[..names.len().min(MOST)].join(", ");
    if names.len() > MOST {
        text += &format!(" and {} more", names.len() - MOST);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::fs;

    use copydesk_engine::position;
    use serde_json::json;

    use super::*;

    fn manifest(settings: Value, stages: &[(&str, &str)]) -> Manifest {
        let mut flat = BTreeMap::new();
        for (table, value) in settings.as_object().unwrap() {
            flatten(table, " ", value.clone(), &mut flat);
        }
        Manifest {
            version: VERSION,
            copydesk: "0.1.0".to_owned(),
            created: String::new(),
            pipeline: PathBuf::new(),
            command: Vec::new(),
            working_directory: PathBuf::new(),
            shard: None,
            settings: flat,
            stages: stages
                .iter()
                .map(|(name, sha256)| StageRecord {
                    name: (*name).to_owned(),
                    plugin: format!("copydesk/{name}"),
                    version: "0.1.0".to_owned(),
                    sha256: (*sha256).to_owned(),
                })
                .collect(),
            resources: BTreeMap::new(),
        }
    }

    fn told(changes: &[Change]) -> Vec<(&str, Weight)> {
        changes
            .iter()
            .map(|change| (change.words.as_str(), change.weight))
            .collect()
    }

    #[test]
    fn settings_are_compared_key_by_key_in_both_directions() {
        let was = manifest(
            json!({
                "[input]": {"text_field": "text", "encoding": "utf-8"},
                "[output]": {"path": "a.jsonl"},
                "[run]": {"threads": 2},
                "stage `ner`:": {"use": "ner", "options": {"floor": 0.5}},
            }),
            &[("ner", "aa")],
        );
        let is = manifest(
            json!({
                "[input]": {"text_field": "body"},
                "[output]": {"path": "b.jsonl"},
                "[run]": {"threads": 4},
                "stage `ner`:": {"use": "ner", "options": {"floor": 0.6, "names": ["x"]}},
            }),
            &[("ner", "aa")],
        );
        assert_eq!(
            told(&was.changes(&is)),
            [
                (
                    "[input] encoding was `\"utf-8\"`, is not set",
                    Weight::Records
                ),
                (
                    "[input] text_field was `\"text\"`, is `\"body\"`",
                    Weight::Records
                ),
                (
                    "[output] path was `\"a.jsonl\"`, is `\"b.jsonl\"`",
                    Weight::Restart
                ),
                ("[run] threads was `2`, is `4`", Weight::None),
                (
                    "stage `ner`: options.floor was `0.5`, is `0.6`",
                    Weight::Records
                ),
                (
                    "stage `ner`: options.names was not set, is `[\"x\"]`",
                    Weight::Records
                ),
            ]
        );
    }

    #[test]
    fn an_output_that_comes_goes_or_moves_cannot_be_kept() {
        let one = json!({"[output]": {"path": "a.jsonl", "offsets": "char"}});
        let two = json!({
            "[[output]] 1": {"path": "a.jsonl", "offsets": "byte"},
            "[[output]] 2": {"path": "b.jsonl"},
        });
        let several = manifest(two, &[]);
        let changes = several.changes(&manifest(json!({"[[output]] 1": {"path": "a.jsonl"}}), &[]));
        assert_eq!(
            told(&changes),
            [
                (
                    "[[output]] 1 offsets was `\"byte\"`, is not set",
                    Weight::Records
                ),
                (
                    "[[output]] 2 path was `\"b.jsonl\"`, is not set",
                    Weight::Restart
                ),
            ]
        );
        let changes = manifest(one, &[]).changes(&several);
        assert!(
            changes
                .iter()
                .any(|change| change.weight == Weight::Restart)
        );
    }

    #[test]
    fn stages_that_came_went_changed_or_moved_are_named() {
        let settings = json!({"stage `gone`:": {"use": "x"}, "stage `new`:": {"use": "y"}});
        let was = manifest(
            settings.clone(),
            &[("a", "11"), ("gone", "22"), ("b", "33")],
        );
        let is = manifest(settings, &[("b", "33"), ("a", "44"), ("new", "55")]);
        let changes = was.changes(&is);
        let words: Vec<&str> = told(&changes).into_iter().map(|(words, _)| words).collect();
        assert_eq!(
            words,
            [
                "the file of plugin copydesk/a 0.1.0 was another (SHA-256 11…, now 44…)",
                "stage `gone` was there, is gone",
                "stage `new` was not there, is now",
                "the order of the stages was a, b, is b, a",
            ]
        );
    }

    fn file(folder: &Path, name: &str, text: &str) -> (InputFile, u32) {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        let file = InputFile {
            path: Some(path),
            name: name.to_owned(),
            format: None,
            bytes: Some(text.len() as u64),
            modified: None,
            trouble: None,
        };
        (file, 1)
    }

    #[test]
    fn inputs_that_came_went_or_changed_are_named_and_the_rest_keep_their_positions() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name, text| file(folder.path(), name, text);
        let before = [
            file("a.txt", "one"),
            file("b.txt", "two"),
            file("c.txt", "three"),
            file("d.txt", "four"),
            file("e.txt", "five"),
        ];
        let recorded = record(&before);
        let mut finished = Positions::default();
        for split in [0, 1, 2] {
            finished.insert(position(split, 0));
        }
        // The same content written again is the same; another content is not, of whatever size.
        let after = [
            file("aa.txt", "new"),
            file("b.txt", "two"),
            file("c.txt", "THREE"),
            file("d.txt", "fourth"),
            before[4].clone(),
        ];
        let compared = Compared::new(&recorded, &after, &finished);
        assert_eq!(
            told(&compared.changes),
            [
                ("1 input file added: `aa.txt`", Weight::Records),
                ("1 input file gone: `a.txt`", Weight::Records),
                (
                    "1 input file changed before it was read: `d.txt` (was 4 bytes, is 6)",
                    Weight::Records
                ),
                (
                    "1 input file changed after some of it was read: `c.txt` (another content)",
                    Weight::Restart
                ),
            ]
        );
        let renumbered = compared.renumbered(&finished);
        assert!(renumbered.contains(position(1, 0)), "b is still the second");
        assert!(!renumbered.contains(position(0, 0)), "aa is not a");
    }

    #[test]
    fn of_a_large_file_both_ends_count() {
        let folder = tempfile::tempdir().unwrap();
        let mut text = "x".repeat(3 * ENDS as usize);
        let hash = |text: &str| {
            record(&[file(folder.path(), "big", text)])[0]
                .content
                .clone()
        };
        let whole = hash(&text);
        assert_eq!(hash(&text), whole);
        text.replace_range(0..1, "y");
        assert_ne!(hash(&text), whole);
        text.replace_range(0..1, "x");
        text.replace_range(text.len() - 1.., "y");
        assert_ne!(hash(&text), whole);
    }
}
