//! The pipeline file: its keys, their defaults, and where each of them stood.

mod outputs;
mod places;
mod validate;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use outputs::Outputs;
pub(crate) use places::Places;
pub(crate) use validate::Checker;

use crate::diagnostics::{Diagnostic, Diagnostics, SourceFile};

/// A pipeline file: input, stages, output.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// The version of this file's format. Always `1`.
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// Where documents come from.
    #[serde(default)]
    pub input: Input,
    /// Where documents go.
    #[serde(default)]
    pub output: Outputs,
    /// How the engine runs.
    #[serde(default)]
    pub run: Run,
    /// The stages, in the order in which a document passes them.
    #[serde(default, rename = "stage")]
    pub stages: Vec<StageConfig>,
    #[serde(skip)]
    origin: Origin,
}

/// What is remembered of the file itself.
#[derive(Debug, Clone, Default)]
struct Origin {
    file: Option<Arc<SourceFile>>,
    places: Places,
    problems: Vec<Diagnostic>,
}

/// `[input]`: where documents come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Input {
    /// Files, folders or glob patterns, one or an array; `-` reads standard input. Relative ones
    /// count from the folder of the pipeline file.
    #[serde(deserialize_with = "one_or_many")]
    #[schemars(schema_with = "one_or_many_schema")]
    pub paths: Vec<String>,
    /// How to read them. `auto` decides by each file's extension.
    pub format: InputFormat,
    /// The field of a JSONL line, or column of a table, that holds the article.
    #[schemars(length(min = 1))]
    pub text_field: String,
    /// The field or column that holds the article's web page, where there is nothing in
    /// `text_field`.
    #[schemars(length(min = 1))]
    pub html_field: String,
    /// The field or column that holds the document's id; where it is absent, the id is made from
    /// path and line or row. In web archives `url`, `warc_date` or `warc_record_id`; `url` where
    /// it names none of them.
    #[schemars(length(min = 1))]
    pub id_field: String,
    /// The field or column that names mentions for the stage `sentiment` to judge, an array
    /// of `{"start", "end", "target"}`; offsets count Unicode characters of the article.
    #[schemars(length(min = 1))]
    pub targets_field: String,
    /// The encoding of every file, by its WHATWG label (`windows-1252`). Default: UTF-8, and for
    /// files that are not, what a web page declares, or a guess with a warning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// Names of the columns of CSV and TSV files that have no line with them. Default: their
    /// first line names them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// The character between two columns, in ASCII. Default: a comma in CSV, a tab in TSV.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^[\\t -~]$"))]
    pub delimiter: Option<String>,
    /// Whether a column of CSV and TSV may stand in quotation marks, with delimiters and line
    /// ends in it; `false` takes quotation marks for letters.
    pub quoting: bool,
    /// How many threads read, unpack and parse. Default: the cores that this process may use,
    /// and no more than 8.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 256))]
    pub readers: Option<u32>,
}

/// How input files are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum InputFormat {
    /// By extension.
    #[default]
    Auto,
    /// One file, one article.
    Text,
    /// One JSON object a line.
    Jsonl,
    /// One file, one web page.
    Html,
    /// Comma separated values, one row, one article.
    Csv,
    /// Tab separated values, one row, one article.
    Tsv,
    /// One row, one article.
    Parquet,
    /// A web archive, one response with a page, one article.
    Warc,
}

/// `[output]`: where documents go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Output {
    /// The file to write; `-` is standard output, and a path that ends with `/` a folder of files.
    /// A relative one counts from the folder of the pipeline file.
    #[schemars(length(min = 1))]
    pub path: String,
    /// How documents are written. `auto` decides by the extension of `path` (`.parquet`,
    /// `.sqlite`, `.db`), and else writes JSONL.
    pub format: OutputFormat,
    /// What `start` and `end` count.
    pub offsets: OffsetUnit,
    /// Layers to write that are left out otherwise: `tokens`, `sentences`, `blocks`, `mentions`.
    pub include: Vec<String>,
    /// How the JSONL files of a folder are compressed; one file says it by its name, which ends
    /// with `.gz` or `.zst`. Default: not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression: Option<Compression>,
    /// The most documents in one file of a folder. With `--run-dir`, `[run] chunk_documents` says
    /// it.
    #[schemars(range(min = 1))]
    pub part_documents: u32,
    /// Replaces an output that exists. Otherwise the run does not start. Stands in the first of
    /// several outputs, for all.
    pub overwrite: bool,
    /// The file for documents that failed. Default: beside the output,
    /// `<path>.dead-letters.jsonl`; none where the output is standard output. Stands in the first
    /// of several outputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub dead_letters: Option<String>,
}

/// How documents are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OutputFormat {
    /// By extension.
    #[default]
    Auto,
    /// One JSON object a line.
    Jsonl,
    /// For people to read.
    Pretty,
    /// One row a document, with nested columns.
    Parquet,
    /// A database of documents, entities, quotes and sentiment.
    Sqlite,
}

/// How files are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// With gzip, which everything reads.
    Gz,
    /// With zstd, which is smaller and faster.
    Zst,
}

/// What the offsets of the output count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OffsetUnit {
    /// Unicode characters.
    #[default]
    Char,
    /// Bytes of UTF-8.
    Byte,
    /// Code units of UTF-16.
    Utf16,
}

/// `[run]`: how the engine runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Run {
    /// How many stages' calls compute at one time, all stages together. Default: the cores that
    /// this process may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1024))]
    pub threads: Option<u32>,
    /// The most documents in a batch. The first batches are smaller, so that a short input keeps
    /// every thread busy.
    #[schemars(range(min = 1, max = 65536))]
    pub batch_docs: u32,
    /// The most bytes of text in a batch; a longer document makes a batch of its own.
    #[schemars(range(min = 1))]
    pub batch_bytes: u64,
    /// The most batches that wait between two stages.
    #[schemars(range(min = 1, max = 4096))]
    pub channel: u32,
    /// The most bytes (text and vectors) that wait between two stages; one batch always may.
    #[schemars(range(min = 1))]
    pub channel_bytes: u64,
    /// With `--run-dir`, about how many documents are written and recorded at a time: what an
    /// interruption costs at most. A chunk ends earlier after a minute, or with 64 MB of text.
    #[schemars(range(min = 1))]
    pub chunk_documents: u32,
    /// Writes documents in the order of the input. `false` writes each batch as it is ready.
    pub ordered: bool,
    /// Stops the run, with exit code 4, when more documents than this have failed. Default: no
    /// limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_failed: Option<u64>,
    /// Stops the run, with exit code 4, when more than this part (0 to 1) of the documents has
    /// failed; looked at from the 100th document on and at the end. Default: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_failed_ratio: Option<f64>,
    /// Where the stages run that do not say it themselves.
    pub isolation: Isolation,
    /// The most megabytes (1,000,000 bytes) that a worker process may allocate, its stages'
    /// weights among them. Default: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub memory_max_mb: Option<u64>,
    /// How often a document is tried again when a stage says that its failure may pass, with a
    /// pause before.
    #[schemars(range(min = 0, max = 100))]
    pub retries: u32,
    /// A document with more megabytes (1,000,000 bytes) of text than this fails. At most 4000.
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 4000))]
    pub max_document_mb: f64,
}

/// Where a stage runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// In the process of the run.
    #[default]
    None,
    /// In worker processes.
    Process,
}

/// `[[stage]]`: one stage of the pipeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StageConfig {
    /// The stage to run, `owner/name`; `ner` is short for `copydesk/ner`.
    #[serde(rename = "use")]
    #[schemars(length(min = 1))]
    pub use_: String,
    /// What this pipeline calls the stage. Default: the last part of `use`. Every stage needs
    /// its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub name: Option<String>,
    /// How many batches the stage works on at one time, within `[run] threads`. Default: as
    /// many as `[run] threads`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1024))]
    pub workers: Option<u32>,
    /// Seconds that one call may take. A stage that asks stops by itself; one that does not is
    /// reported while it runs on, or ended with its worker process. Default: no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub timeout_secs: Option<f64>,
    /// Where the stage runs: `none`, in the process of the run; `process`, in worker processes,
    /// so that no document can end the run. Neighbours with `process` share them. Default: as
    /// `[run] isolation`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isolation: Option<Isolation>,
    /// The most megabytes (1,000,000 bytes) that a worker process of this stage may allocate.
    /// Default: as `[run] memory_max_mb`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub memory_max_mb: Option<u64>,
    /// Stores the stage's layer under another name, so that two stages can provide the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub into: Option<String>,
    /// The options of the stage itself; its plugin says which there are.
    #[serde(default)]
    pub options: Map<String, Value>,
    /// Its index in the file; see [`Pipeline::stages`].
    #[serde(skip)]
    pub(crate) index: usize,
}

impl Default for Input {
    fn default() -> Self {
        Self {
            paths: Vec::new(),
            format: InputFormat::Auto,
            text_field: "text".to_owned(),
            html_field: "html".to_owned(),
            id_field: "id".to_owned(),
            targets_field: "targets".to_owned(),
            encoding: None,
            columns: Vec::new(),
            delimiter: None,
            quoting: true,
            readers: None,
        }
    }
}

impl Default for Output {
    fn default() -> Self {
        Self {
            path: "-".to_owned(),
            format: OutputFormat::Auto,
            offsets: OffsetUnit::Char,
            include: Vec::new(),
            compression: None,
            part_documents: 10_000,
            overwrite: false,
            dead_letters: None,
        }
    }
}

impl Output {
    /// Whether documents go to standard output.
    pub fn is_stdout(&self) -> bool {
        self.path == "-"
    }

    /// Whether documents go to a folder of files.
    pub fn is_folder(&self) -> bool {
        self.path.ends_with('/')
    }

    /// How documents are written: `format`, or what the extension says; never `Auto`.
    pub fn kind(&self) -> OutputFormat {
        let path = self.path.to_ascii_lowercase();
        let ends = |with: &[&str]| with.iter().any(|ending| path.ends_with(ending));
        match self.format {
            OutputFormat::Auto if ends(&[".parquet"]) => OutputFormat::Parquet,
            OutputFormat::Auto if ends(&[".sqlite", ".sqlite3", ".db"]) => OutputFormat::Sqlite,
            OutputFormat::Auto => OutputFormat::Jsonl,
            format => format,
        }
    }

    /// The path for dead letters as the file names it or as it follows from `path`; `None`
    /// where there is to be no such file.
    pub fn dead_letters_path(&self) -> Option<String> {
        match &self.dead_letters {
            Some(path) => Some(path.clone()),
            None if self.is_stdout() => None,
            // Beside a folder, not in it.
            None => Some(format!(
                "{}.dead-letters.jsonl",
                self.path.trim_end_matches('/')
            )),
        }
    }
}

impl Default for Run {
    fn default() -> Self {
        Self {
            threads: None,
            batch_docs: 64,
            batch_bytes: 256 * 1024,
            channel: 4,
            channel_bytes: 64 * 1024 * 1024,
            chunk_documents: 1000,
            ordered: true,
            max_failed: None,
            max_failed_ratio: None,
            isolation: Isolation::None,
            memory_max_mb: None,
            retries: 2,
            max_document_mb: 16.0,
        }
    }
}

impl Run {
    /// The thread budget: `threads`, else the cores that this process may use.
    pub fn thread_budget(&self) -> u32 {
        self.threads.unwrap_or_else(|| {
            std::thread::available_parallelism()
                .ok()
                .and_then(|cores| u32::try_from(cores.get()).ok())
                .unwrap_or(1)
        })
    }

    /// `max_document_mb` in bytes.
    pub fn max_document_bytes(&self) -> usize {
        // Offsets are 32 bits; the schema keeps the limit below that.
        (self.max_document_mb * 1e6) as usize
    }
}

impl StageConfig {
    /// What the pipeline calls the stage: `name`, else the last part of `use`.
    pub fn name(&self) -> &str {
        self.name
            .as_deref()
            .unwrap_or_else(|| self.use_.rsplit('/').next().unwrap_or(&self.use_))
    }

    /// `timeout_secs` as a duration.
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout_secs
            .map(|secs| Duration::try_from_secs_f64(secs).unwrap_or(Duration::MAX))
    }

    /// Whether it runs in worker processes.
    pub fn is_isolated(&self, run: &Run) -> bool {
        self.isolation.unwrap_or(run.isolation) == Isolation::Process
    }

    /// The pointer of a key of this stage in the file.
    pub(crate) fn pointer(&self, key: &str) -> String {
        match key {
            "" => format!("/stage/{}", self.index),
            key => format!("/stage/{}/{key}", self.index),
        }
    }
}

/// Why a pipeline file gave no pipeline at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file could not be read.
    #[error("failed to read the pipeline file `{}`: {source}", path.display())]
    Read {
        /// The path as it was given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is no UTF-8.
    #[error("the pipeline file `{}` is not UTF-8 (byte {offset})", path.display())]
    NotUtf8 {
        /// The path as it was given.
        path: PathBuf,
        /// The first byte that is wrong.
        offset: usize,
    },
    /// The file is no TOML. Nothing else is said about it, for the rest would be guesses.
    #[error("{0}")]
    Toml(Diagnostics),
}

/// Reads a pipeline file.
///
/// Mistakes in single keys are kept in [`Pipeline::problems`], and the pipeline has the defaults
/// in their places: [`crate::Plan::check`] tells them together with what it finds itself.
///
/// # Errors
/// If the file cannot be read or is no TOML.
pub fn load(path: &Path) -> Result<Pipeline, LoadError> {
    let bytes = fs::read(path).map_err(|source| LoadError::Read {
        path: path.to_owned(),
        source,
    })?;
    let text = String::from_utf8(bytes).map_err(|error| LoadError::NotUtf8 {
        path: path.to_owned(),
        offset: error.utf8_error().valid_up_to(),
    })?;
    parse(&text, path)
}

/// Reads the text of a pipeline file; `path` is what messages call it, and relative paths in
/// it count from the folder of `path`.
///
/// # Errors
/// If the text is no TOML.
pub fn parse(text: &str, path: &Path) -> Result<Pipeline, LoadError> {
    // A byte order mark is no TOML, but editors write it.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let file = Arc::new(SourceFile {
        path: path.to_owned(),
        text: text.to_owned(),
    });
    let (mut value, places, broken) = places::parse(text);
    if !broken.is_empty() {
        let mut diagnostics = Diagnostics::new(file);
        for diagnostic in broken {
            diagnostics.push(diagnostic);
        }
        return Err(LoadError::Toml(diagnostics));
    }
    let mut problems = Vec::new();
    let schema = schema();
    match Checker::new(&schema) {
        Ok(checker) => {
            let mistakes = checker.mistakes(&value, "", &places);
            for mistake in &mistakes {
                repair(&mut value, &mistake.pointer);
            }
            problems.extend(mistakes.into_iter().map(|mistake| mistake.diagnostic));
        }
        Err(error) => problems.push(Diagnostic::error(format!(
            "the schema of pipeline files is broken: {error}"
        ))),
    }
    let mut pipeline: Pipeline = serde_json::from_value(value).unwrap_or_else(|error| {
        problems.push(Diagnostic::error(error.to_string()));
        Pipeline::default()
    });
    for (index, stage) in pipeline.stages.iter_mut().enumerate() {
        stage.index = index;
    }
    problems.extend(same_names(&pipeline.stages, &places));
    problems.extend(pipeline.output.problems(&places));
    if pipeline.stages.is_empty() && problems.is_empty() {
        problems.push(
            Diagnostic::warning("the pipeline has no stage: documents pass unchanged")
                .hint("add one: `[[stage]]` with `use = \"cleanup\"`"),
        );
    }
    pipeline.origin = Origin {
        file: Some(file),
        places,
        problems,
    };
    Ok(pipeline)
}

impl Default for Pipeline {
    /// A pipeline without stages and without a file.
    fn default() -> Self {
        Self {
            version: 1,
            input: Input::default(),
            output: Outputs::default(),
            run: Run::default(),
            stages: Vec::new(),
            origin: Origin::default(),
        }
    }
}

impl Pipeline {
    /// What is wrong with the file's own keys; errors here make [`crate::Plan::check`] fail.
    pub fn problems(&self) -> Diagnostics {
        let mut diagnostics = Diagnostics::new(self.file());
        for problem in &self.origin.problems {
            diagnostics.push(problem.clone());
        }
        diagnostics
    }

    /// The folder that relative paths in the file count from; empty for the working directory.
    pub fn base(&self) -> &Path {
        self.origin
            .file
            .as_ref()
            .and_then(|file| file.path.parent())
            .unwrap_or(Path::new(""))
    }

    /// The path of the file, as it was given.
    pub fn path(&self) -> Option<&Path> {
        self.origin.file.as_ref().map(|file| file.path.as_path())
    }

    /// The text of the file.
    pub fn text(&self) -> &str {
        self.origin
            .file
            .as_ref()
            .map_or("", |file| file.text.as_str())
    }

    /// No messages yet, ready to take some about places of this file.
    ///
    /// `place` of a message comes from [`Pipeline::place`].
    pub fn diagnostics(&self) -> Diagnostics {
        Diagnostics::new(self.file())
    }

    /// Where the value at a JSON pointer (`/output/path`) stands in the file, in bytes; the
    /// nearest value around it where it is absent.
    pub fn place(&self, pointer: &str) -> Option<std::ops::Range<usize>> {
        self.origin.places.value(pointer)
    }

    pub(crate) fn places(&self) -> &Places {
        &self.origin.places
    }

    pub(crate) fn file(&self) -> Arc<SourceFile> {
        self.origin.file.clone().unwrap_or_else(|| {
            Arc::new(SourceFile {
                path: "pipeline.toml".into(),
                text: String::new(),
            })
        })
    }
}

/// The JSON Schema (draft 2020-12) of pipeline files, derived from the structs of this module.
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(Pipeline);
    schema.insert(
        "title".to_owned(),
        Value::String("copydesk pipeline".to_owned()),
    );
    schema.to_value()
}

/// Takes what is wrong out of the value, so that the rest can still be checked.
fn repair(value: &mut Value, pointer: &str) {
    let steps: Vec<String> = pointer
        .split('/')
        .skip(1)
        .map(|step| step.replace("~1", "/").replace("~0", "~"))
        .collect();
    match steps.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["version"] => {
            value["version"] = 1.into();
        }
        ["stage", index] | ["stage", index, "use"] => {
            // An empty `use` marks a stage that cannot be looked up; its place is kept.
            let stage = index
                .parse()
                .ok()
                .and_then(|i: usize| value["stage"].get_mut(i));
            if let Some(stage) = stage {
                if !stage.is_object() {
                    *stage = Value::Object(Map::new());
                }
                stage["use"] = "".into();
            }
        }
        ["stage", index, key, ..] => {
            let stage = index
                .parse()
                .ok()
                .and_then(|i: usize| value["stage"].get_mut(i));
            if let Some(stage) = stage.and_then(Value::as_object_mut) {
                stage.remove(key);
            }
        }
        ["output", index, key, ..] if value["output"].is_array() => {
            let output = index
                .parse()
                .ok()
                .and_then(|i: usize| value["output"].get_mut(i));
            if let Some(output) = output.and_then(Value::as_object_mut) {
                output.remove(key);
            }
        }
        ["output", _] if value["output"].is_array() => {
            value["output"] = Value::Object(Map::new());
        }
        [table, key, ..] if table != "stage" => {
            if let Some(table) = value.get_mut(table).and_then(Value::as_object_mut) {
                table.remove(key);
            }
        }
        [key] => {
            if let Some(root) = value.as_object_mut() {
                root.remove(key);
            }
        }
        _ => {}
    }
}

fn same_names(stages: &[StageConfig], places: &Places) -> Vec<Diagnostic> {
    let place = |stage: &StageConfig| {
        let name = stage.pointer("name");
        let pointer = if places.has(&name) {
            name
        } else {
            stage.pointer("use")
        };
        places.value(&pointer)
    };
    let mut found = Vec::new();
    for (index, stage) in stages.iter().enumerate() {
        let earlier = stages[..index]
            .iter()
            .find(|earlier| earlier.name() == stage.name() && !stage.use_.is_empty());
        if let Some(earlier) = earlier {
            found.push(
                Diagnostic::error(format!("two stages are called `{}`", stage.name()))
                    .at(place(stage))
                    .label("the same name again")
                    .related(place(earlier), "first here")
                    .hint(format!(
                        "give this one its own name: `name = \"{}-2\"`",
                        stage.name()
                    )),
            );
        }
    }
    found
}

fn one_or_many<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(path) => vec![path],
        OneOrMany::Many(paths) => paths,
    })
}

fn one_or_many_schema(_: &mut SchemaGenerator) -> Schema {
    // One schema with two types: a mistake inside is told as itself, not as "no alternative fits".
    json_schema!({
        "type": ["string", "array"],
        "items": { "type": "string" },
    })
}
