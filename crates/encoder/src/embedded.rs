//! The backend that is always there: `rten`, in pure Rust, on whatever the processor has.

use std::sync::Arc;

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value};
use rten_tensor::NdTensorView;
use rten_tensor::prelude::*;

use crate::backend::{Backend, RaggedBatch, Session};
pub use crate::graph::Precision;
use crate::graph::{INPUTS, OUTPUT, bert};
use crate::model::ENCODER_FILE;
use crate::{EncoderError, ModelFolder};

/// An encoder that `rten` runs, one window a call.
///
/// In 8 bits the inputs of a layer take one scale per call; a call that held two windows would make each depend on
/// the other.
pub struct Embedded {
    model: Arc<Model>,
    nodes: Nodes,
    precision: Precision,
    dim: usize,
}

#[derive(Clone, Copy)]
struct Nodes {
    ids: NodeId,
    types: NodeId,
    hidden: NodeId,
}

impl Embedded {
    /// Builds the graph of the encoder in `folder` and packs its weights.
    ///
    /// # Errors
    /// The weights are not those of `config.json` and `model.toml`, or `rten` refuses the graph.
    pub fn load(folder: &ModelFolder, precision: Precision) -> Result<Self, EncoderError> {
        let weights = folder.weights(ENCODER_FILE)?;
        let graph = bert(&folder.config, &weights, precision)?;
        let failed = |reason: String| EncoderError::Backend {
            backend: name(precision),
            doing: "loading the graph",
            reason,
        };
        let model = ModelOptions::with_all_ops()
            .prepack_weights(true)
            .load(graph)
            .map_err(|e| failed(e.to_string()))?;
        let node = |name: &str| model.node_id(name).map_err(|e| failed(e.to_string()));
        let nodes = Nodes {
            ids: node(INPUTS[0])?,
            types: node(INPUTS[1])?,
            hidden: node(OUTPUT)?,
        };
        Ok(Self {
            model: Arc::new(model),
            nodes,
            precision,
            dim: folder.config.hidden_size,
        })
    }
}

impl Backend for Embedded {
    fn name(&self) -> &'static str {
        name(self.precision)
    }

    fn session(&self) -> Result<Box<dyn Session>, EncoderError> {
        Ok(Box::new(EmbeddedSession {
            model: Arc::clone(&self.model),
            nodes: self.nodes,
            name: self.name(),
            dim: self.dim,
            // One thread of work per worker: the caller waits while this one computes.
            pool: Arc::new(ThreadPool::with_num_threads(1)),
            ids: Vec::new(),
            types: Vec::new(),
        }))
    }
}

fn name(precision: Precision) -> &'static str {
    match precision {
        Precision::F32 => "rten-f32",
        Precision::Int8 => "rten-int8",
    }
}

struct EmbeddedSession {
    model: Arc<Model>,
    nodes: Nodes,
    name: &'static str,
    dim: usize,
    pool: Arc<ThreadPool>,
    ids: Vec<i32>,
    types: Vec<i32>,
}

impl Session for EmbeddedSession {
    fn forward(&mut self, batch: &RaggedBatch, hidden: &mut Vec<f32>) -> Result<(), EncoderError> {
        hidden.clear();
        hidden.reserve(batch.tokens() * self.dim);
        for (ids, types) in batch.windows() {
            self.window(ids, types, hidden)?;
        }
        Ok(())
    }
}

impl EmbeddedSession {
    fn window(
        &mut self,
        ids: &[u32],
        types: &[u8],
        hidden: &mut Vec<f32>,
    ) -> Result<(), EncoderError> {
        let failed = |reason: String| EncoderError::Backend {
            backend: self.name,
            doing: "reading a window",
            reason,
        };
        self.ids.clear();
        self.ids.extend(ids.iter().map(|&id| id.cast_signed()));
        self.types.clear();
        self.types.extend(types.iter().map(|&t| i32::from(t)));
        let shape = [1, ids.len()];
        let inputs = vec![
            (
                self.nodes.ids,
                NdTensorView::from_data(shape, self.ids.as_slice()).into(),
            ),
            (
                self.nodes.types,
                NdTensorView::from_data(shape, self.types.as_slice()).into(),
            ),
        ];
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&self.pool)));
        let [states] = self
            .model
            .run_n(inputs, [self.nodes.hidden], Some(options))
            .map_err(|e| failed(e.to_string()))?;
        let Value::FloatTensor(states) = states else {
            return Err(failed("the states are no 32-bit floats".to_owned()));
        };
        let wanted = ids.len() * self.dim;
        if states.len() != wanted {
            return Err(failed(format!(
                "{} numbers came back for {wanted}",
                states.len()
            )));
        }
        match states.data() {
            Some(data) => hidden.extend_from_slice(data),
            None => hidden.extend(states.iter()),
        }
        Ok(())
    }
}
