use std::fmt;
use std::path::PathBuf;

/// What can go wrong around plugins, other than in a call; see [`CallError`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// No plugin on the search path has the stage.
    #[error("no plugin provides the stage `{id}`{near}\n{searched}")]
    NotFound {
        /// Full id of the stage.
        id: String,
        /// `; did you mean …?`, or empty.
        near: String,
        /// The search path, and what was found on it.
        searched: String,
    },
    /// Two plugins in one folder have the stage, so neither shadows the other.
    #[error(
        "two plugins in one folder provide the stage `{id}`:\n  {first}\n  {second}\nremove one of them, or move it to a folder that is searched earlier", first = .first.display(), second = .second.display()
    )]
    TwoInOneFolder {
        /// Full id of the stage.
        id: String,
        /// One of the files.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// The plugin was built for another version of the boundary.
    #[error(
        "{path} was built for plugin ABI {}.{}, and this copydesk has {}.{}; until 1.0 they must be the same: rebuild the plugin with `copydesk-plugin` of this copydesk", .theirs.0, .theirs.1, .ours.0, .ours.1, path = .path.display()
    )]
    OtherAbi {
        /// The plugin file.
        path: PathBuf,
        /// Major and minor version of the plugin.
        theirs: (u16, u16),
        /// Major and minor version of this host.
        ours: (u16, u16),
    },
    /// The file is no shared library, or one that cannot be loaded here.
    #[error("cannot load {path}: {reason}", path = .path.display())]
    Open {
        /// The plugin file.
        path: PathBuf,
        /// What the loader said.
        reason: String,
    },
    /// The library breaks the rules of the boundary.
    #[error("{path} is no sound copydesk plugin: {reason}", path = .path.display())]
    BadModule {
        /// The plugin file.
        path: PathBuf,
        /// Which rule.
        reason: String,
    },
    /// A file could not be read.
    #[error("cannot read {path}", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No file or folder of this name.
    #[error("no file or folder `{name}`; looked for{looked}")]
    NoResource {
        /// The name as the options have it.
        name: String,
        /// The places, each on a line.
        looked: String,
    },
    /// A file of a model is not the one that its `model.toml` describes.
    #[error("{path}: {what}\n{remedy}", path = .path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// What was expected, and what was found.
        what: String,
        /// What the user can do.
        remedy: String,
    },
    /// A worker process of stages with `isolation = "process"` could not be started, or not
    /// load its stages.
    #[error("a worker process of {stages} is not ready: {reason}")]
    WorkerProcess {
        /// The stages, in words.
        stages: String,
        /// What it said, or how it ended.
        reason: String,
    },
    /// The stage failed in `load` or `open_worker`, or both were called in the
    /// wrong order.
    #[error("stage `{stage}` failed to {call}: {error}")]
    Stage {
        /// Name of the stage in the pipeline.
        stage: String,
        /// What it was doing: `load`, or `open worker 3`.
        call: String,
        /// What it said.
        error: Box<CallError>,
    },
}

/// A mistake in the options of a stage (or, as a warning, a doubt).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionProblem {
    /// JSON pointer of the option; empty = the options as a whole.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
    /// What the user can do, where the stage knows.
    pub hint: Option<String>,
    /// Whether it keeps the stage from running.
    pub severity: Severity,
}

impl OptionProblem {
    pub(crate) fn error(pointer: &str, message: impl Into<String>) -> Self {
        Self {
            pointer: pointer.to_owned(),
            message: message.into(),
            hint: None,
            severity: Severity::Error,
        }
    }
}

impl fmt::Display for OptionProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.pointer.is_empty() {
            write!(f, "{}: ", self.pointer)?;
        }
        f.write_str(&self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, " ({hint})")?;
        }
        Ok(())
    }
}

/// How bad an [`OptionProblem`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The stage cannot run.
    Error,
    /// The stage runs; the user should look.
    Warning,
}

/// Why a call into a plugin failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallError {
    /// What sort of failure, which decides what to do next.
    pub class: CallClass,
    /// Index in the batch of the document at fault, where that is certain.
    pub doc: Option<usize>,
    /// Short word in kebab case, to filter dead letters by.
    pub code: String,
    /// Sentence for the user.
    pub message: String,
    /// Source position, for panics.
    pub place: Option<String>,
    /// The same call may succeed later.
    pub retryable: bool,
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.class == CallClass::Panicked {
            f.write_str("panicked")?;
            if let Some(place) = &self.place {
                write!(f, " at {place}")?;
            }
            return write!(f, ": {}", self.message);
        }
        write!(f, "{} [{}]", self.message, self.code)
    }
}

impl std::error::Error for CallError {}

/// Sorts of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallClass {
    /// The stage said so, or answered with a status that this host does not know.
    Failed,
    /// It panicked. The worker is torn: drop it and open another.
    Panicked,
    /// It stopped because the deadline was over.
    Cancelled,
    /// The host refused something that it wrote.
    Rejected,
    /// The stage cannot do this.
    Unsupported,
    /// The cause lies in no single document: do not bisect.
    Batch,
}

impl CallClass {
    /// The word for it in dead letters.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Panicked => "panicked",
            Self::Cancelled => "cancelled",
            Self::Rejected => "rejected",
            Self::Unsupported => "unsupported",
            Self::Batch => "batch",
        }
    }

    /// Statuses of a newer plugin degrade to `Failed`.
    pub(crate) fn of(status: copydesk_abi::Status) -> Self {
        match status {
            copydesk_abi::STATUS_PANICKED => Self::Panicked,
            copydesk_abi::STATUS_CANCELLED => Self::Cancelled,
            copydesk_abi::STATUS_REJECTED => Self::Rejected,
            copydesk_abi::STATUS_UNSUPPORTED => Self::Unsupported,
            copydesk_abi::STATUS_BATCH => Self::Batch,
            _ => Self::Failed,
        }
    }
}

impl fmt::Display for CallClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
