//! The command line of `copydesk eval`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use crate::args::Search;

#[derive(Debug, Subcommand)]
pub(crate) enum Eval {
    /// Entities: exact spans and labels.
    Ner(Common),
    /// Coreference: MUC, B³ and CEAF-e, and what is found of names, nominals and pronouns.
    Coref(Coref),
    /// Quotes: found, whole, and given to the right speaker; exact spans.
    Quotes(Common),
    /// Sentiment toward mentions of a target.
    Sentiment(Sentiment),
    /// Whole articles: residue, metadata, quotes with speakers and attitudes.
    Seeds(Seeds),
    /// Cleanup: the article out of its page.
    Cleanup(Cleanup),
}

#[derive(Debug, Args)]
pub(crate) struct Coref {
    #[command(flatten)]
    pub(crate) common: Common,
    /// Leave out records with these values in `genre`.
    #[arg(long, value_name = "GENRE,…", value_delimiter = ',')]
    pub(crate) leave_out_genres: Vec<String>,
    /// Count chains of one mention, too, on both sides.
    #[arg(long)]
    pub(crate) singletons: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Seeds {
    #[command(flatten)]
    pub(crate) common: Common,
    /// The folder of the articles that the gold names.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) articles: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Sentiment {
    #[command(flatten)]
    pub(crate) common: Common,
    /// Which mentions are judged.
    #[arg(long, value_name = "WHICH", default_value = "given")]
    pub(crate) mentions: Mentions,
}

#[derive(Debug, Args)]
pub(crate) struct Cleanup {
    #[command(flatten)]
    pub(crate) common: Common,
    /// Read pages as a careless extractor leaves them: all their lines, menus and captions with
    /// them, without what the markup says of each.
    #[arg(long)]
    pub(crate) plain_text: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mentions {
    /// Those of the records, handed in.
    Given,
    /// Those that the pipeline finds; one that overlaps a record's answers for it.
    Found,
}

impl Eval {
    pub(crate) fn common(&self) -> &Common {
        match self {
            Self::Ner(common) | Self::Quotes(common) => common,
            Self::Cleanup(cleanup) => &cleanup.common,
            Self::Coref(coref) => &coref.common,
            Self::Sentiment(sentiment) => &sentiment.common,
            Self::Seeds(seeds) => &seeds.common,
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Ner(_) => "ner",
            Self::Coref(_) => "coref",
            Self::Quotes(_) => "quotes",
            Self::Sentiment(_) => "sentiment",
            Self::Seeds(_) => "seeds",
            Self::Cleanup(_) => "cleanup",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Common {
    /// The gold: a file, or a folder of such files; may be given more than once.
    #[arg(long, value_name = "PATH", required = true)]
    pub(crate) data: Vec<PathBuf>,
    /// The pipeline file.
    #[arg(long, value_name = "FILE", default_value = "pipeline.toml")]
    pub(crate) pipeline: PathBuf,
    /// Change an option of a stage for this run: `ner.guideline=conll`. The value is TOML, or a
    /// plain word; may be given more than once.
    #[arg(long, value_name = "STAGE.OPTION=VALUE")]
    pub(crate) set: Vec<String>,
    /// Run the pipeline as it stands, also the stages that the task does not need.
    #[arg(long)]
    pub(crate) whole: bool,
    /// Only records with this value in this field: `source=eww`; may be given more than once.
    #[arg(long = "where", value_name = "FIELD=VALUE")]
    pub(crate) wanted: Vec<String>,
    /// Only the first N records.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// How many of the worst documents are shown.
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) worst: usize,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// How many stages compute at one time.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(crate) threads: Option<u32>,
    #[command(flatten)]
    pub(crate) search: Search,
}
