use std::path::PathBuf;

/// What went wrong while a model was opened or run. Every message names the
/// file, and what would help.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncoderError {
    /// A file of the model folder could not be read.
    #[error("reading {}: {source}; is this a model folder?", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file of the model folder has another form than expected.
    #[error("{}: {reason}", path.display())]
    Form {
        /// The file.
        path: PathBuf,
        /// What was expected, and what was found.
        reason: String,
    },
    /// A file is not the one that `model.toml` describes.
    #[error(
        "{}: its sha256 is {found}, model.toml says {expected}; fetch the model folder again, \
         or write the new sum into model.toml if you changed the weights yourself",
        path.display()
    )]
    Checksum {
        /// The file.
        path: PathBuf,
        /// As `model.toml` has it.
        expected: String,
        /// As computed.
        found: String,
    },
    /// The weights lack a tensor.
    #[error(
        "{}: no tensor `{tensor}`; the file belongs to another kind of model than model.toml and config.json describe",
        path.display()
    )]
    MissingTensor {
        /// The file of weights.
        path: PathBuf,
        /// The name looked for.
        tensor: String,
    },
    /// A tensor has another shape than the configuration asks for.
    #[error(
        "{}: tensor `{tensor}` has shape {found:?}, expected {expected:?}; config.json and the weights are not of one model",
        path.display()
    )]
    Shape {
        /// The file of weights.
        path: PathBuf,
        /// The tensor.
        tensor: String,
        /// Shape by the configuration.
        expected: Vec<usize>,
        /// Shape in the file.
        found: Vec<usize>,
    },
    /// A tensor has a number type that is not read.
    #[error("{}: tensor `{tensor}` is {found}; F16, BF16 and F32 are read: export the weights again", path.display())]
    NumberType {
        /// The file of weights.
        path: PathBuf,
        /// The tensor.
        tensor: String,
        /// Its type in the file.
        found: String,
    },
    /// `model.toml` lists a label that the head has no meaning for, or lacks one.
    #[error("{}: [labels] \"{head}\": {reason}", path.display())]
    Labels {
        /// `model.toml`.
        path: PathBuf,
        /// The head, for example `ner.eww`.
        head: String,
        /// What is wrong with which label.
        reason: String,
    },
    /// The model has no head of this name.
    #[error("{}: this model has no `{head}`; it has {}", path.display(), known.join(", "))]
    NoHead {
        /// `model.toml`.
        path: PathBuf,
        /// The head asked for.
        head: String,
        /// Those that it has.
        known: Vec<String>,
    },
    /// A head has no vectors to read.
    #[error(
        "no earlier stage says which model the vectors of `tokens` come from; put a stage `encode` \
         before this one"
    )]
    NoVectors,
    /// A head was trained on the vectors of another model.
    #[error(
        "the vectors of `tokens` are from {made_by}, this head reads those of {reads}; let both \
         stages use one model, or leave `model` out here"
    )]
    OtherSpace {
        /// Space of the vectors that are there.
        made_by: String,
        /// Space that the head was trained on.
        reads: String,
    },
    /// No backend of this name is built in.
    #[error("no encoder backend `{name}`; there is: {}", known.join(", "))]
    UnknownBackend {
        /// The name asked for.
        name: String,
        /// Those that are built in.
        known: Vec<String>,
    },
    /// This processor lacks what the kernels need.
    #[error("this processor cannot run the kernels `{name}`; it can run {}", present.join(", "))]
    NoKernels {
        /// The kernels asked for.
        name: String,
        /// Those that would run.
        present: Vec<&'static str>,
    },
    /// There is no library of ONNX Runtime to open.
    #[error(
        "no library of ONNX Runtime: {reason}. `pip install onnxruntime` brings one, as onnxruntime/capi/libonnxruntime.so.VERSION \
         in the folder that `pip show onnxruntime` calls Location; put its path into option `library` or into ORT_DYLIB_PATH"
    )]
    NoLibrary {
        /// What was looked for, where, and what was found.
        reason: String,
    },
    /// The backend refused the model or failed on an input.
    #[error("encoder backend {backend}, {doing}: {reason}")]
    Backend {
        /// Name of the backend.
        backend: &'static str,
        /// What it was doing.
        doing: &'static str,
        /// What it said.
        reason: String,
    },
    /// The caller asked to stop between two windows.
    #[error("encoding was cancelled between two windows")]
    Cancelled,
}
