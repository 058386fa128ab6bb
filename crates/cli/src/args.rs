//! The command line: what `copydesk --help` says.

use std::path::PathBuf;

use clap::{
    ArgAction, Args, Parser, Subcommand, ValueEnum,
    builder::{Styles, styling::AnsiColor},
};

use crate::eval_args::Eval;
use crate::learn::SourceBy;
use crate::select::Shard;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Runs pipelines over news text: who said what, and how they speak of whom.
#[derive(Debug, Parser)]
#[command(name = "copydesk", version, styles = STYLES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) voice: Voice,
}

/// How much is said on standard error, and how it looks.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Messages")]
pub(crate) struct Voice {
    /// Say nothing but errors.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more: -v what happens, -vv details for finding a mistake.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// How messages are written to standard error.
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    pub(crate) log_format: LogFormat,
    /// When to use colour.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for log collectors.
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// Where the terminal has it.
    Auto,
    /// Also into files and pipes.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a pipeline.
    Run(Run),
    /// Check a pipeline, its plugins and their options without loading any model.
    Check(Check),
    /// Hold what a pipeline finds against gold: figures, and the worst documents.
    #[command(subcommand)]
    Eval(Eval),
    /// Find the lines that recur across the documents of one source, for the option `boilerplate` of the stage `cleanup`.
    LearnBoilerplate(Learn),
    /// Look at documents that failed, and run them again.
    #[command(subcommand)]
    DeadLetter(DeadLetter),
    /// Fetch models.
    #[command(subcommand)]
    Model(Model),
    /// Look at plugins.
    #[command(subcommand)]
    Plugin(Plugin),
    /// Print a JSON Schema.
    #[command(subcommand)]
    Schema(Schema),
    /// Be a worker process of a run.
    #[command(name = copydesk_engine::WORKER_COMMAND, hide = true)]
    Worker(Worker),
}

#[derive(Debug, Args)]
pub(crate) struct Worker {
    #[arg(value_parser = crate::worker::level)]
    pub(crate) level: tracing::level_filters::LevelFilter,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The pipeline file.
    pub(crate) pipeline: PathBuf,
    /// Files, folders or globs to read instead of the pipeline's own input; `-` is standard input.
    #[arg(value_name = "INPUT")]
    pub(crate) inputs: Vec<String>,
    /// Where to write instead of the pipeline's own outputs; `-` is standard output, and a path that ends with `/` a folder of files.
    #[arg(short, long, value_name = "PATH")]
    pub(crate) output: Option<String>,
    /// How documents are written, if not by the extension of the output.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<OutputFormat>,
    /// How inputs are read.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) input_format: Option<InputFormat>,
    /// Where documents that failed are written.
    #[arg(long, value_name = "PATH", conflicts_with = "run_dir")]
    pub(crate) dead_letters: Option<String>,
    /// Replace an output that is there already.
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// How many stages compute at one time.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) threads: Option<u32>,
    /// Record there what is done: the same command continues after any interruption, with every document exactly once.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) run_dir: Option<PathBuf>,
    /// Continue although something has changed, with what is in force now; what is done stays as it is.
    #[arg(long, requires = "run_dir", conflicts_with = "restart")]
    pub(crate) keep: bool,
    /// Throw away what the run directory has, and begin anew.
    #[arg(long, requires = "run_dir")]
    pub(crate) restart: bool,
    /// Do the Kth of N parts of the input, for one of N jobs; output and run directory get names of their own.
    #[arg(long, value_name = "K/N")]
    pub(crate) shard: Option<Shard>,
    /// Do N documents from all over the input, and estimate time and size for the whole.
    #[arg(long, value_name = "N", conflicts_with_all = ["run_dir", "shard"], value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) sample: Option<u64>,
    #[command(flatten)]
    pub(crate) search: Search,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The pipeline file.
    pub(crate) pipeline: PathBuf,
    #[command(flatten)]
    pub(crate) search: Search,
}

#[derive(Debug, Args)]
pub(crate) struct Learn {
    /// Files, folders or globs of documents; they are read twice.
    #[arg(value_name = "INPUT", required = true)]
    pub(crate) inputs: Vec<String>,
    /// The file of lines to write.
    #[arg(short, long, value_name = "PATH")]
    pub(crate) output: PathBuf,
    /// What tells where a document was published: `column:NAME`, `host:NAME` (of the address in that column), `folder`, or `one` for all; `auto` is the column `source`, `publisher` or `site`, else the host of `url`, else the folder.
    #[arg(long, value_name = "WHAT", default_value = "auto")]
    pub(crate) source: SourceBy,
    /// In how many documents of its source a line has to stand; full sentences in five at least.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(2..))]
    pub(crate) min_documents: u32,
    /// How inputs are read.
    #[arg(long, value_name = "FORMAT")]
    pub(crate) input_format: Option<InputFormat>,
    /// The field of a JSONL line, or column of a table, that holds the article.
    #[arg(long, value_name = "NAME", default_value = "text")]
    pub(crate) text_field: String,
    /// Replace an output that is there already.
    #[arg(long)]
    pub(crate) overwrite: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeadLetter {
    /// List documents that failed and were not replayed.
    List(LetterList),
    /// Show one with all that is known, and its text.
    Show(LetterShow),
    /// Run documents that failed again, and only these; what comes out is added to the output of the run.
    Replay(LetterReplay),
}

#[derive(Debug, Args)]
pub(crate) struct LetterList {
    /// The run directory, or a file of dead letters.
    #[arg(value_name = "PATH")]
    pub(crate) from: PathBuf,
    /// Those that were replayed too.
    #[arg(long)]
    pub(crate) all: bool,
    /// Print JSON, one letter a line, with everything.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) filter: LetterFilter,
}

#[derive(Debug, Args)]
pub(crate) struct LetterShow {
    /// The run directory, or a file of dead letters.
    #[arg(value_name = "PATH")]
    pub(crate) from: PathBuf,
    /// The number of the letter, or the id of its document.
    pub(crate) which: String,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LetterReplay {
    /// The run directory.
    pub(crate) run_dir: PathBuf,
    #[command(flatten)]
    pub(crate) filter: LetterFilter,
    /// How many stages compute at one time.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) threads: Option<u32>,
    #[command(flatten)]
    pub(crate) search: Search,
}

/// Which letters; all conditions have to hold.
#[derive(Debug, Args)]
pub(crate) struct LetterFilter {
    /// Only those that failed in this stage; `input` could not be read.
    #[arg(long, value_name = "NAME")]
    pub(crate) stage: Option<String>,
    /// Only those of this class.
    #[arg(long, value_name = "NAME")]
    pub(crate) class: Option<String>,
    /// Only those with this code.
    #[arg(long, value_name = "NAME")]
    pub(crate) code: Option<String>,
    /// Only the document with this id.
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Model {
    /// Fetch a model from the Hugging Face hub into a folder, for the stages of the plugin rust-bert: what they read of it, nothing else. `HF_ENDPOINT` names another hub, `HF_TOKEN` says who asks.
    Get(ModelGet),
}

#[derive(Debug, Args)]
pub(crate) struct ModelGet {
    /// The model's name there.
    #[arg(value_name = "ORG/NAME", value_parser = crate::model::name)]
    pub(crate) name: String,
    /// The folder for it; by default `models/ORG/NAME`.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) into: Option<PathBuf>,
    /// Which of its revisions: a branch, a tag or a commit.
    #[arg(long, value_name = "REVISION", default_value = "main")]
    pub(crate) revision: String,
    /// Replace a folder that is there already.
    #[arg(long)]
    pub(crate) overwrite: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Plugin {
    /// List the plugins that can be used, what is wrong with others, and where they are looked for.
    List(PluginList),
}

#[derive(Debug, Args)]
pub(crate) struct PluginList {
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) search: Search,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub(crate) enum Schema {
    /// The schema of pipeline files.
    Pipeline,
    /// The schema of output records.
    Output,
}

#[derive(Debug, Args)]
pub(crate) struct Search {
    /// Look for plugins in this folder first; may be given more than once.
    #[arg(long = "plugin-dir", value_name = "FOLDER")]
    pub(crate) plugin_dirs: Vec<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// One JSON object a line.
    Jsonl,
    /// A page for the terminal.
    Pretty,
    /// One row a document, with nested columns.
    Parquet,
    /// A database of documents, entities, quotes and sentiment.
    Sqlite,
}

impl From<OutputFormat> for copydesk_engine::config::OutputFormat {
    fn from(format: OutputFormat) -> Self {
        match format {
            OutputFormat::Jsonl => Self::Jsonl,
            OutputFormat::Pretty => Self::Pretty,
            OutputFormat::Parquet => Self::Parquet,
            OutputFormat::Sqlite => Self::Sqlite,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum InputFormat {
    /// By the name of each file.
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

impl From<InputFormat> for copydesk_engine::config::InputFormat {
    fn from(format: InputFormat) -> Self {
        match format {
            InputFormat::Auto => Self::Auto,
            InputFormat::Text => Self::Text,
            InputFormat::Jsonl => Self::Jsonl,
            InputFormat::Html => Self::Html,
            InputFormat::Csv => Self::Csv,
            InputFormat::Tsv => Self::Tsv,
            InputFormat::Parquet => Self::Parquet,
            InputFormat::Warc => Self::Warc,
        }
    }
}
