use std::fmt;

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
        *x *= 0.5 * (1.0 + erf(*x * std::f32::consts::FRAC_1_SQRT_2));
    }
}

/// Error function by a rational minimax approximation (the one that XLA and Eigen use), good to 4e-7.
fn erf(x: f32) -> f32 {
    let x = x.clamp(-4.0, 4.0);
    let s = x * x;
    let mut p = -2.726_142_3e-10;
    for c in [
        2.770_681_4e-8,
        -2.101_024e-6,
        -5.692_506_4e-5,
        -7.349_906_3e-4,
        -2.954_6e-3,
        -1.609_603_3e-2,
    ] {
        p = p * s + c;
    }
    let mut q = -1.456_607_2e-5;
    for c in [
        -2.133_740_6e-4,
        -1.682_827e-3,
        -7.373_329e-3,
        -1.426_473_9e-2,
    ] {
        q = q * s + c;
    }
    x * p / q
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

    #[test]
    fn erf_is_within_four_ten_millionths_of_its_series() {
        // Maclaurin series in 64 bits; converges to the last digit for |x| <= 4.
        let series = |x: f64| {
            let (mut term, mut sum) = (x, x);
            for n in 1..200 {
                term *= -x * x / f64::from(n);
                sum += term / f64::from(2 * n + 1);
            }
            sum * std::f64::consts::FRAC_2_SQRT_PI
        };
        for i in -3900..=3900 {
            let x = f64::from(i) / 1000.0;
            let error = (f64::from(erf(x as f32)) - series(x)).abs();
            assert!(error < 4e-7, "erf({x}) is off by {error}");
        }
        assert!((erf(30.0) - 1.0).abs() < 1e-6 && (erf(-30.0) + 1.0).abs() < 1e-6);
    }
}
