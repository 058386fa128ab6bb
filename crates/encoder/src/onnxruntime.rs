//! ONNX Runtime, opened at run time from a library that is somewhere on the machine.
//!
//! Nothing of it is linked or downloaded at build time; who does not ask for it never notices it.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ort::environment::Environment;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::TensorRef;

use crate::backend::{Backend, RaggedBatch, Session};
use crate::graph::{INPUTS, OUTPUT, Precision, bert};
use crate::model::ENCODER_FILE;
use crate::{EncoderError, ModelFolder};

/// Names the library's path where the option `library` does not. Other programs built on the crate `ort` read it too.
pub const LIBRARY_VARIABLE: &str = "ORT_DYLIB_PATH";

/// An encoder that ONNX Runtime runs, one window a call, on one thread per worker.
///
/// One window a call for the reason that [`Embedded`](crate::Embedded) has: in 8 bits the inputs of a layer take one
/// scale per call.
pub struct OnnxRuntime {
    environment: Environment,
    graph: Vec<u8>,
    precision: Precision,
    dim: usize,
    /// Made while loading, so that a graph that is refused shows then; the first worker takes it.
    first: Mutex<Option<ort::session::Session>>,
}

impl OnnxRuntime {
    /// Opens the library (see [`library`]) and gives it the graph of the encoder in `folder`.
    ///
    /// A process opens one library and keeps it.
    ///
    /// # Errors
    /// There is no library, it is too old, another one is open already; the weights are not those of `config.json` and
    /// `model.toml`, or the runtime refuses the graph.
    pub fn load(
        folder: &ModelFolder,
        precision: Precision,
        given: Option<&Path>,
    ) -> Result<Self, EncoderError> {
        let environment = environment(&library(given)?)?;
        let weights = folder.weights(ENCODER_FILE)?;
        let graph = bert(&folder.config, &weights, precision)?;
        let first = open(&environment, &graph).map_err(|e| EncoderError::Backend {
            backend: name(precision),
            doing: "loading the graph",
            reason: e.to_string(),
        })?;
        Ok(Self {
            environment,
            graph,
            precision,
            dim: folder.config.hidden_size,
            first: Mutex::new(Some(first)),
        })
    }
}

impl Backend for OnnxRuntime {
    fn name(&self) -> &'static str {
        name(self.precision)
    }

    fn session(&self) -> Result<Box<dyn Session>, EncoderError> {
        let first = self
            .first
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let session = match first {
            Some(session) => session,
            None => open(&self.environment, &self.graph).map_err(|e| EncoderError::Backend {
                backend: self.name(),
                doing: "opening a session",
                reason: e.to_string(),
            })?,
        };
        Ok(Box::new(OnnxSession {
            session,
            name: self.name(),
            dim: self.dim,
            ids: Vec::new(),
            types: Vec::new(),
        }))
    }
}

fn name(precision: Precision) -> &'static str {
    match precision {
        Precision::F32 => "onnxruntime-f32",
        Precision::Int8 => "onnxruntime-int8",
    }
}

/// A session that works in the thread that calls it. Parallel is the pipeline, by its workers.
fn open(environment: &Environment, graph: &[u8]) -> ort::Result<ort::session::Session> {
    ort::session::Session::builder(environment)?
        .with_intra_threads(1)?
        .with_inter_threads(1)?
        .with_intra_op_spinning(false)?
        .with_inter_op_spinning(false)?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .commit_from_memory(graph)
}

/// Where the library is: `given`, or else what [`LIBRARY_VARIABLE`] says.
///
/// # Errors
/// Neither names a file.
pub fn library(given: Option<&Path>) -> Result<PathBuf, EncoderError> {
    let (path, from) = match (given, std::env::var_os(LIBRARY_VARIABLE)) {
        (Some(path), _) => (path.to_owned(), "option `library`"),
        (None, Some(path)) if !path.is_empty() => (PathBuf::from(path), LIBRARY_VARIABLE),
        (None, _) => {
            return Err(absent(format!(
                "neither option `library` nor {LIBRARY_VARIABLE} names one"
            )));
        }
    };
    if !path.is_file() {
        return Err(absent(format!(
            "{from} says {}, which is no file",
            path.display()
        )));
    }
    // What is relative counts from the working directory; `ort` would look beside the binary first.
    Ok(std::path::absolute(&path).unwrap_or(path))
}

fn absent(reason: String) -> EncoderError {
    EncoderError::NoLibrary { reason }
}

/// Opens the library, or hands out what is open.
fn environment(library: &Path) -> Result<Environment, EncoderError> {
    static OPEN: Mutex<Option<(PathBuf, Environment)>> = Mutex::new(None);
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((path, environment)) = &*open {
        return if path == library {
            Ok(environment.clone())
        } else {
            Err(absent(format!(
                "{} cannot be opened beside {}, which this process uses already",
                library.display(),
                path.display()
            )))
        };
    }
    let environment = ort::init_from(library)
        .map_err(|e| refused(&e))?
        .with_name("copydesk")
        .with_telemetry(false)
        .build()
        .map_err(|e| absent(format!("{} does not start: {e}", library.display())))?;
    *open = Some((library.to_owned(), environment.clone()));
    Ok(environment)
}

fn refused(error: &ort::LoadDynamicError) -> EncoderError {
    use ort::LoadDynamicError as E;
    absent(match error {
        E::BadVersion { version_str, path } => format!(
            "{} is version {version_str}, needed is 1.{} or later",
            path.display(),
            ort::MINOR_VERSION
        ),
        E::MissingApi { path } => format!("{} is another library", path.display()),
        E::Dlopen { error, path } => format!("{} cannot be opened ({error})", path.display()),
        E::InvalidVersionString => error.to_string(),
    })
}

struct OnnxSession {
    session: ort::session::Session,
    name: &'static str,
    dim: usize,
    ids: Vec<i64>,
    types: Vec<i64>,
}

impl Session for OnnxSession {
    fn forward(&mut self, batch: &RaggedBatch, hidden: &mut Vec<f32>) -> Result<(), EncoderError> {
        hidden.clear();
        hidden.reserve(batch.tokens() * self.dim);
        for (ids, types) in batch.windows() {
            let states = self.window(ids, types, hidden);
            let reason = match states {
                Ok(got) if got == ids.len() * self.dim => continue,
                Ok(got) => format!("{got} numbers came back for {}", ids.len() * self.dim),
                Err(e) => e.to_string(),
            };
            return Err(EncoderError::Backend {
                backend: self.name,
                doing: "reading a window",
                reason,
            });
        }
        Ok(())
    }
}

impl OnnxSession {
    /// Appends the states of one window and says how many numbers they are.
    fn window(&mut self, ids: &[u32], types: &[u8], hidden: &mut Vec<f32>) -> ort::Result<usize> {
        self.ids.clear();
        self.ids.extend(ids.iter().map(|&id| i64::from(id)));
        self.types.clear();
        self.types.extend(types.iter().map(|&t| i64::from(t)));
        let shape = [1, ids.len()];
        let outputs = self.session.run(ort::inputs![
            INPUTS[0] => TensorRef::from_array_view((shape, self.ids.as_slice()))?,
            INPUTS[1] => TensorRef::from_array_view((shape, self.types.as_slice()))?,
        ])?;
        let (_, states) = outputs[OUTPUT].try_extract_tensor::<f32>()?;
        hidden.extend_from_slice(states);
        Ok(states.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_library_is_refused_with_its_path_and_what_helps() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("libonnxruntime.so");
        let text = folder.path().join("notes.txt");
        std::fs::write(&text, "no library").unwrap();
        for (path, part) in [(&missing, "which is no file"), (&text, "cannot be opened")] {
            let error = library(Some(path))
                .and_then(|path| environment(&path))
                .unwrap_err();
            let message = error.to_string();
            assert!(matches!(error, EncoderError::NoLibrary { .. }), "{message}");
            for part in [part, &path.display().to_string(), "pip install onnxruntime"] {
                assert!(message.contains(part), "{message}");
            }
        }
    }

    #[test]
    fn an_old_library_is_refused_with_both_versions() {
        let message = refused(&ort::LoadDynamicError::BadVersion {
            version_str: "1.8.1".to_owned(),
            path: PathBuf::from("/opt/old/libonnxruntime.so"),
        })
        .to_string();
        for part in [
            "/opt/old/libonnxruntime.so",
            "version 1.8.1",
            "1.17 or later",
        ] {
            assert!(message.contains(part), "{message}");
        }
    }
}
