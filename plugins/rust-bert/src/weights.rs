//! A model's weights, read once and shared by all workers.

mod archive;

use std::collections::HashMap;
use std::path::Path;

use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

/// Tensors by name.
pub(crate) struct Weights {
    tensors: HashMap<String, Tensor>,
    file: String,
}

impl Weights {
    /// Reads a file of tensors onto `device`, floats as `kind`.
    ///
    /// # Errors
    /// The file cannot be read, or is not what its name says.
    pub(crate) fn open(file: &Path, device: Device, kind: Kind) -> Result<Self, String> {
        let safetensors = file
            .extension()
            .is_some_and(|extension| extension == "safetensors");
        if !safetensors {
            archive::check(file).map_err(|reason| {
                format!("cannot read the weights in {}: {reason}", file.display())
            })?;
        }
        let tensors = match file.extension().and_then(|extension| extension.to_str()) {
            Some("safetensors") => Tensor::read_safetensors(file),
            Some("bin" | "pt") => Tensor::loadz_multi(file),
            _ => Tensor::load_multi(file),
        };
        let tensors = tensors.map_err(|error| {
            format!(
                "cannot read the weights in {}: {}; is the file whole?",
                file.display(),
                first_line(&error.to_string())
            )
        })?;
        let convert = |(name, tensor): (String, Tensor)| {
            let kind = if tensor.is_floating_point() {
                kind
            } else {
                tensor.kind()
            };
            Ok((
                usual_name(name),
                tensor.f_to_device(device)?.f_to_kind(kind)?,
            ))
        };
        let tensors = tch::no_grad(|| {
            tensors
                .into_iter()
                .map(convert)
                .collect::<Result<_, tch::TchError>>()
        });
        Ok(Self {
            tensors: tensors.map_err(|error| {
                format!(
                    "cannot use the weights in {}: {}",
                    file.display(),
                    first_line(&error.to_string())
                )
            })?,
            file: file.display().to_string(),
        })
    }

    /// The values of a tensor beside those of the network, if the file has it.
    ///
    /// # Errors
    /// It has another shape than `shape`.
    pub(crate) fn values(&self, name: &str, shape: &[i64]) -> Result<Option<Vec<f32>>, String> {
        let Some(tensor) = self.tensors.get(name) else {
            return Ok(None);
        };
        if tensor.size() != shape {
            return Err(format!(
                "tensor `{name}` in {} has the shape {:?}, not {shape:?}",
                self.file,
                tensor.size()
            ));
        }
        tensor
            .f_to_device(Device::Cpu)
            .and_then(|tensor| tensor.f_to_kind(Kind::Float))
            .and_then(|tensor| tensor.f_contiguous())
            .and_then(|tensor| tensor.f_view(-1))
            .and_then(|tensor| Vec::<f32>::try_from(&tensor))
            .map(Some)
            .map_err(|error| format!("tensor `{name}`: {}", first_line(&error.to_string())))
    }

    /// Gives the variables of a network the tensors of their names, without copying them.
    ///
    /// # Errors
    /// A tensor is missing or of another shape.
    pub(crate) fn assign(&self, store: &VarStore) -> Result<(), String> {
        let variables = store.variables();
        let mut missing: Vec<&str> = variables
            .keys()
            .filter(|name| !self.tensors.contains_key(*name))
            .map(String::as_str)
            .collect();
        missing.sort_unstable();
        if let Some(first) = missing.first() {
            return Err(format!(
                "{} has no tensor `{first}`{}; is this a model with a trained head, and config.json its own?",
                self.file,
                match missing.len() {
                    1 => String::new(),
                    n => format!(
                        " and {} others of the {} that the network needs",
                        n - 1,
                        variables.len()
                    ),
                }
            ));
        }
        for (name, mut variable) in variables {
            let tensor = &self.tensors[&name];
            if tensor.size() != variable.size() {
                return Err(format!(
                    "tensor `{name}` in {} has the shape {:?}; by config.json it is {:?}",
                    self.file,
                    tensor.size(),
                    variable.size()
                ));
            }
            let _ = variable.set_requires_grad(false);
            variable
                .f_set_data(tensor)
                .map_err(|error| format!("tensor `{name}`: {}", first_line(&error.to_string())))?;
        }
        Ok(())
    }
}

/// Models of 2018 call the two tensors of a layer normalisation gamma and beta.
fn usual_name(name: String) -> String {
    match name.strip_suffix("LayerNorm.gamma") {
        Some(layer) => format!("{layer}LayerNorm.weight"),
        None => match name.strip_suffix("LayerNorm.beta") {
            Some(layer) => format!("{layer}LayerNorm.bias"),
            None => name,
        },
    }
}

/// What a C++ exception says, without the stack behind it.
pub(crate) fn first_line(message: &str) -> &str {
    message.lines().next().unwrap_or_default()
}
