//! Weights from a safetensors file, as 32-bit floats.

use std::path::{Path, PathBuf};

use safetensors::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};

use crate::EncoderError;

/// The tensors of one safetensors file. Numbers are stored in 16 or 32 bits and handed out in 32.
#[derive(Debug)]
pub struct Weights {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Weights {
    /// Reads the file whole.
    ///
    /// With `sha256` (lower-case hex) its sum is compared first.
    ///
    /// # Errors
    /// The file cannot be read, has another sum, or is not safetensors.
    pub fn open(path: &Path, sha256: Option<&str>) -> Result<Self, EncoderError> {
        let bytes = std::fs::read(path).map_err(|source| EncoderError::Read {
            path: path.to_owned(),
            source,
        })?;
        if let Some(expected) = sha256 {
            let found = hex(&Sha256::digest(&bytes));
            if found != expected.to_ascii_lowercase() {
                return Err(EncoderError::Checksum {
                    path: path.to_owned(),
                    expected: expected.to_owned(),
                    found,
                });
            }
        }
        SafeTensors::read_metadata(&bytes).map_err(|e| EncoderError::Form {
            path: path.to_owned(),
            reason: format!("not a whole safetensors file ({e}); fetch the model folder again"),
        })?;
        Ok(Self {
            path: path.to_owned(),
            bytes,
        })
    }

    /// The file that the tensors come from.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Names of all tensors, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .tensors()
            .map(|t| t.names().into_iter().map(str::to_owned).collect())
            .unwrap_or_default();
        names.sort_unstable();
        names
    }

    /// The tensor `name` in row-major order.
    ///
    /// # Errors
    /// It is missing, its shape is not `shape`, or its numbers are neither F16, BF16 nor F32.
    pub fn tensor(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, EncoderError> {
        let tensors = self.tensors()?;
        let view = tensors
            .tensor(name)
            .map_err(|_| EncoderError::MissingTensor {
                path: self.path.clone(),
                tensor: name.to_owned(),
            })?;
        if view.shape() != shape {
            return Err(EncoderError::Shape {
                path: self.path.clone(),
                tensor: name.to_owned(),
                expected: shape.to_vec(),
                found: view.shape().to_vec(),
            });
        }
        let bytes = view.data();
        let numbers: Vec<f32> = match view.dtype() {
            Dtype::F32 => bytes
                .as_chunks()
                .0
                .iter()
                .map(|&b| f32::from_le_bytes(b))
                .collect(),
            Dtype::F16 => bytes
                .as_chunks()
                .0
                .iter()
                .map(|&b| f16_to_f32(u16::from_le_bytes(b)))
                .collect(),
            Dtype::BF16 => bytes
                .as_chunks()
                .0
                .iter()
                .map(|&b| f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16))
                .collect(),
            other => {
                return Err(EncoderError::NumberType {
                    path: self.path.clone(),
                    tensor: name.to_owned(),
                    found: format!("{other:?}"),
                });
            }
        };
        if let Some(at) = numbers.iter().position(|x| !x.is_finite()) {
            return Err(EncoderError::Form {
                path: self.path.clone(),
                reason: format!(
                    "tensor `{name}` holds {} at {at}; export the weights again",
                    numbers[at]
                ),
            });
        }
        Ok(numbers)
    }

    fn tensors(&self) -> Result<SafeTensors<'_>, EncoderError> {
        SafeTensors::deserialize(&self.bytes).map_err(|e| EncoderError::Form {
            path: self.path.clone(),
            reason: e.to_string(),
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// IEEE 754 half to single precision; exact for every value.
fn f16_to_f32(half: u16) -> f32 {
    let sign = u32::from(half >> 15) << 31;
    let exponent = u32::from(half >> 10 & 0x1f);
    let fraction = u32::from(half & 0x3ff);
    match exponent {
        // Zero and subnormals count in units of 2^-24.
        0 => {
            let size = fraction as f32 * f32::from_bits((127 - 24) << 23);
            f32::from_bits(size.to_bits() | sign)
        }
        0x1f => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        _ => f32::from_bits(sign | (exponent + 127 - 15) << 23 | fraction << 13),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_is_widened_exactly() {
        for (half, single) in [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0400, 6.103_515_6e-5),
            (0x0001, 5.960_464_5e-8),
            (0x03ff, 6.097_555e-5),
            (0x3555, 0.333_251_95),
        ] {
            assert_eq!(f16_to_f32(half), single, "{half:#06x}");
        }
        assert_eq!(f16_to_f32(0x7c00), f32::INFINITY);
        assert!(f16_to_f32(0x7e00).is_nan());
        assert!(f16_to_f32(0x8000).is_sign_negative());
    }

    #[test]
    fn a_wrong_shape_names_file_tensor_and_both_shapes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("heads.safetensors");
        let data: Vec<u8> = [1.0_f32, 2.0]
            .iter()
            .flat_map(|x| x.to_le_bytes())
            .collect();
        let view = safetensors::tensor::TensorView::new(Dtype::F32, vec![2], &data).unwrap();
        std::fs::write(
            &path,
            safetensors::serialize([("a.weight", view)], None).unwrap(),
        )
        .unwrap();
        let weights = Weights::open(&path, None).unwrap();
        assert_eq!(weights.tensor("a.weight", &[2]).unwrap(), [1.0, 2.0]);
        let message = weights.tensor("a.weight", &[2, 1]).unwrap_err().to_string();
        for part in [
            "heads.safetensors",
            "`a.weight`",
            "[2]",
            "[2, 1]",
            "config.json",
        ] {
            assert!(message.contains(part), "{message}");
        }
        assert!(
            weights
                .tensor("b", &[1])
                .unwrap_err()
                .to_string()
                .contains("no tensor `b`")
        );
        let refused = Weights::open(&path, Some("00")).unwrap_err().to_string();
        assert!(
            refused.contains("sha256") && refused.contains("model.toml says 00"),
            "{refused}"
        );
    }
}
