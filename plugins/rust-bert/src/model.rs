//! A model that is loaded: its weights once, a network on them for each worker.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use copydesk_plugin::StageError;
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

use crate::network::{Batch, Network, network};
use crate::options::Checked;
use crate::weights::{Weights, first_line};

/// One text, or a window of one, as the network reads it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Input {
    pub(crate) ids: Vec<i64>,
    pub(crate) types: Vec<i64>,
}

impl Input {
    /// Adds pieces of one token type.
    pub(crate) fn extend(&mut self, ids: &[i64], kind: i64) {
        self.ids.extend_from_slice(ids);
        self.types.resize(self.ids.len(), kind);
    }
}

/// Scores of the labels for one input: a row of them for each piece, or one row for the whole.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scores {
    values: Vec<f32>,
    labels: usize,
}

impl Scores {
    /// The probabilities of the labels in row `row`, which exclude each other.
    pub(crate) fn probabilities(&self, row: usize) -> Vec<f32> {
        softmax(self.row(row))
    }

    /// The probability of each label in row `row` by itself.
    pub(crate) fn independent(&self, row: usize) -> Vec<f32> {
        self.row(row)
            .iter()
            .map(|score| 1.0 / (1.0 + (-score).exp()))
            .collect()
    }

    pub(crate) fn row(&self, row: usize) -> &[f32] {
        &self.values[row * self.labels..][..self.labels]
    }
}

pub(crate) fn softmax(scores: &[f32]) -> Vec<f32> {
    let highest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut shares: Vec<f32> = scores.iter().map(|score| (score - highest).exp()).collect();
    let sum: f32 = shares.iter().sum();
    shares.iter_mut().for_each(|share| *share /= sum);
    shares
}

/// A model with its weights, shared by the workers of a stage.
#[derive(Clone)]
pub(crate) struct Model {
    checked: Arc<Checked>,
    // Tensors may go from thread to thread, but not be seen by two at once; a worker's network has handles of its own
    // to the same memory, made under this lock. Computing needs none: nothing writes weights.
    weights: Arc<Mutex<Weights>>,
}

impl Model {
    /// Reads the weights and tries them on a network.
    ///
    /// # Errors
    /// They cannot be read, or do not fit `config.json`.
    pub(crate) fn load(checked: &Checked) -> Result<Self, StageError> {
        // A stage's threads are the pipeline's: libtorch starts none beside them. It takes the number over into each
        // thread that computes for the first time.
        tch::set_num_threads(1);
        let folder = &checked.folder;
        let weights =
            guarded(|| Weights::open(&folder.weights, checked.device, checked.precision.kind()))?;
        let model = Self {
            checked: Arc::new(checked.clone()),
            weights: Arc::new(Mutex::new(weights)),
        };
        model.worker()?;
        Ok(model)
    }

    /// The values of a tensor beside those of the network, if the weights have it.
    ///
    /// # Errors
    /// It has another shape than `shape`.
    pub(crate) fn values(&self, name: &str, shape: &[i64]) -> Result<Option<Vec<f32>>, StageError> {
        let weights = self.weights.lock().unwrap_or_else(PoisonError::into_inner);
        guarded(|| weights.values(name, shape))
    }

    /// A network on the shared weights.
    ///
    /// # Errors
    /// The weights do not fit it.
    pub(crate) fn worker(&self) -> Result<ModelWorker, StageError> {
        let folder = &self.checked.folder;
        let network = guarded(|| {
            let store = VarStore::new(self.checked.device);
            let network = network(folder, &store.root())?;
            let weights = self.weights.lock().unwrap_or_else(PoisonError::into_inner);
            weights.assign(&store)?;
            Ok(network)
        })?;
        Ok(ModelWorker {
            checked: self.checked.clone(),
            network,
        })
    }
}

/// Runs the network for one worker.
pub(crate) struct ModelWorker {
    checked: Arc<Checked>,
    network: Network,
}

impl ModelWorker {
    pub(crate) fn checked(&self) -> &Checked {
        &self.checked
    }

    /// The scores for each of `inputs`, in batches of like length; `go_on` is asked before each.
    ///
    /// # Errors
    /// libtorch failed, or `go_on` did.
    pub(crate) fn scores(
        &self,
        inputs: &[Input],
        mut go_on: impl FnMut() -> Result<(), StageError>,
    ) -> Result<Vec<Scores>, StageError> {
        let mut order: Vec<usize> = (0..inputs.len()).collect();
        // Filling costs as much as text.
        order.sort_by_key(|&i| inputs[i].ids.len());
        let mut scores: Vec<Option<Scores>> = vec![None; inputs.len()];
        for some in order.chunks(self.checked.batch) {
            go_on()?;
            let batch: Vec<&Input> = some.iter().map(|&i| &inputs[i]).collect();
            let found = guarded(|| self.forward(&batch))?;
            for (&i, found) in some.iter().zip(found) {
                scores[i] = Some(found);
            }
        }
        Ok(scores.into_iter().flatten().collect())
    }

    fn forward(&self, inputs: &[&Input]) -> Result<Vec<Scores>, String> {
        let device = self.checked.device;
        let longest = inputs
            .iter()
            .map(|input| input.ids.len())
            .max()
            .unwrap_or_default();
        let filled =
            |of: &dyn Fn(&Input) -> Vec<i64>, with: i64| -> Result<Tensor, tch::TchError> {
                let mut values = Vec::with_capacity(inputs.len() * longest);
                for input in inputs {
                    let row = of(input);
                    let end = values.len() + longest;
                    values.extend(row);
                    values.resize(end, with);
                }
                Tensor::f_from_slice(&values)?
                    .f_view((inputs.len() as i64, longest as i64))?
                    .f_to_device(device)
            };
        let torch = |error: tch::TchError| error.to_string();
        let batch = Batch {
            ids: filled(&|input| input.ids.clone(), self.checked.folder.pad).map_err(torch)?,
            mask: filled(&|input| vec![1; input.ids.len()], 0).map_err(torch)?,
            types: filled(&|input| input.types.clone(), 0).map_err(torch)?,
        };
        let labels = self.checked.folder.labels.len();
        let output = tch::no_grad(|| {
            // An unwinding panic would leave gradients switched off for whoever has this thread next.
            catch_unwind(AssertUnwindSafe(|| (self.network)(&batch)))
                .unwrap_or_else(|payload| Err(panic_message(&*payload)))
        })?;
        let output = output
            .f_to_device(Device::Cpu)
            .and_then(|output| output.f_to_kind(Kind::Float))
            .and_then(|output| output.f_contiguous())
            .and_then(|output| output.f_view(-1))
            .map_err(torch)?;
        let values = Vec::<f32>::try_from(&output).map_err(torch)?;
        if let Some(bad) = values.iter().find(|value| !value.is_finite()) {
            return Err(format!(
                "the network's output is {bad}, no finite number; are these weights sound?"
            ));
        }
        let rows = values.len() / inputs.len();
        Ok(values
            .chunks_exact(rows)
            .map(|values| Scores {
                values: values.to_vec(),
                labels,
            })
            .collect())
    }
}

/// Calls into rust-bert and libtorch: what they say by a panic (for C++ exceptions, which `tch` hands on so) becomes
/// an error on the call.
pub(crate) fn guarded<T>(call: impl FnOnce() -> Result<T, String>) -> Result<T, StageError> {
    catch_unwind(AssertUnwindSafe(call))
        .unwrap_or_else(|payload| Err(panic_message(&*payload)))
        .map_err(|message| StageError::failed("libtorch", first_line(&message)))
}

fn panic_message(payload: &(dyn Any + Send)) -> String {
    let message = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without a message");
    // `called Result::unwrap() on an Err value: Torch("index out of range in self\nException raised from …`
    let inner = message
        .split_once("Torch(\"")
        .map_or(message, |(_, inner)| inner);
    inner.split("\\n").next().unwrap_or(inner).to_owned()
}
