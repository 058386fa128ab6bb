use std::fmt;

use crate::math::erf;

/// A dense layer, `y = W x + b`, over rows of 32-bit floats.
///
/// The sums are taken in one fixed order: a row's result never depends on the rows beside it.
#[derive(Clone)]
pub struct Linear {
    /// `[outputs, inputs]`, row-major.
    weight: Vec<f32>,
    bias: Vec<f32>,
    inputs: usize,
}

impl Linear {
    /// A layer with `weight` `[outputs, inputs]` in row-major order and `bias` `[outputs]`.
    ///
    /// # Panics
    /// If `bias` is empty or `weight` is not a whole number of inputs per output.
    #[must_use]
    pub fn new(weight: Vec<f32>, bias: Vec<f32>) -> Self {
        assert!(
            !bias.is_empty() && weight.len().is_multiple_of(bias.len()),
            "weights and biases of two layers"
        );
        let inputs = weight.len() / bias.len();
        Self {
            weight,
            bias,
            inputs,
        }
    }

    /// Numbers per input row.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Numbers per output row.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// Appends the outputs for every row of `rows` to `out`.
    ///
    /// # Panics
    /// If `rows` is not whole rows of [`inputs`](Self::inputs) numbers.
    pub fn apply(&self, rows: &[f32], out: &mut Vec<f32>) {
        assert!(
            rows.len().is_multiple_of(self.inputs),
            "{} numbers are not rows of {}",
            rows.len(),
            self.inputs
        );
        out.reserve(rows.len() / self.inputs * self.outputs());
        for row in rows.chunks_exact(self.inputs) {
            let weights = self.weight.chunks_exact(self.inputs);
            out.extend(
                weights
                    .zip(&self.bias)
                    .map(|(weight, bias)| bias + dot(row, weight)),
            );
        }
    }

    /// The outputs for every row of `rows`, as a new vector.
    #[must_use]
    pub fn of(&self, rows: &[f32]) -> Vec<f32> {
        let mut out = Vec::new();
        self.apply(rows, &mut out);
        out
    }
}

impl fmt::Debug for Linear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Linear({} → {})", self.inputs, self.outputs())
    }
}

/// Scalar product in sixteen partial sums, which the compiler keeps in vector registers.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 16;
    let mut sums = [0.0_f32; LANES];
    let (a_lanes, a_rest) = a.as_chunks::<LANES>();
    let (b_lanes, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_lanes.iter().zip(b_lanes) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

/// GELU with the error function, in place.
pub(super) fn gelu(values: &mut [f32]) {
    for x in values {
        *x *= 0.5 * (1.0 + erf::<false>(*x * std::f32::consts::FRAC_1_SQRT_2));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_multiplies_rows_by_its_weights() {
        let layer = Linear::new(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], vec![0.5, -0.5]);
        assert_eq!((layer.inputs(), layer.outputs()), (3, 2));
        assert_eq!(
            layer.of(&[1.0, 0.0, 0.0, 1.0, 1.0, 1.0]),
            [1.5, 3.5, 6.5, 14.5]
        );
        assert!(layer.of(&[]).is_empty());
    }

    #[test]
    fn long_dot_products_have_no_lost_tail() {
        for n in [0, 1, 15, 16, 17, 31, 384, 385] {
            let a: Vec<f32> = (0..n).map(|i| (i % 7) as f32 - 3.0).collect();
            let b: Vec<f32> = (0..n).map(|i| (i % 5) as f32 - 2.0).collect();
            let expected: f32 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
            assert_eq!(dot(&a, &b), expected, "length {n}");
        }
    }
}
