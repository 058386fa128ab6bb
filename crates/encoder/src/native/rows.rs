//! What is done to one row of numbers, in plain Rust that compilers vectorise.
//!
//! Everything here is inlined into the kernels, which are compiled for their processor; `FUSED` says whether that one
//! multiplies and adds in one step.

use super::kernels::{Epilogue, Norm};
use crate::math::{erf, mul_add};

/// Partial sums and maxima kept side by side: two registers of AVX2, four of NEON or SSE.
const LANES: usize = 16;

/// Applies `epilogue` to `row`; `at` is where the row begins in the numbers of a residual connection.
#[inline(always)]
pub(super) fn finish<const FUSED: bool>(
    row: &mut [f32],
    bias: &[f32],
    epilogue: Epilogue<'_>,
    at: usize,
) {
    let bias = &bias[..row.len()];
    match epilogue {
        Epilogue::Bias => {
            for (x, b) in row.iter_mut().zip(bias) {
                *x += b;
            }
        }
        Epilogue::Gelu => {
            for (x, b) in row.iter_mut().zip(bias) {
                let sum = *x + b;
                let half = 0.5 * sum;
                *x = mul_add::<FUSED>(
                    half,
                    erf::<FUSED>(sum * std::f32::consts::FRAC_1_SQRT_2),
                    half,
                );
            }
        }
        Epilogue::Residual(beside) => {
            let beside = &beside[at..at + row.len()];
            for ((x, b), r) in row.iter_mut().zip(bias).zip(beside) {
                *x += b + r;
            }
        }
    }
}

/// Replaces scores with `exp(score - largest)` and returns their sum.
#[inline(always)]
pub(super) fn exponentials<const FUSED: bool>(scores: &mut [f32]) -> f32 {
    let largest = maximum(scores, f32::NEG_INFINITY, |x| x);
    let (chunks, rest) = scores.as_chunks_mut::<LANES>();
    let mut sums = [0.0; LANES];
    for chunk in chunks {
        for (x, sum) in chunk.iter_mut().zip(&mut sums) {
            *x = exp::<FUSED>(*x - largest);
            *sum += *x;
        }
    }
    let mut sum = total(&sums);
    for x in rest {
        *x = exp::<FUSED>(*x - largest);
        sum += *x;
    }
    sum
}

/// Multiplies every number by `factor`.
#[inline(always)]
pub(super) fn scale(row: &mut [f32], factor: f32) {
    row.iter_mut().for_each(|x| *x *= factor);
}

/// The largest absolute value.
#[inline(always)]
pub(super) fn magnitude(row: &[f32]) -> f32 {
    maximum(row, 0.0, f32::abs)
}

#[inline(always)]
pub(super) fn layer_norm<const FUSED: bool>(row: &mut [f32], norm: &Norm) {
    let length = row.len() as f32;
    let mean = reduce(row, |sum, x| sum + x) / length;
    let variance = reduce(row, |sum, x| mul_add::<FUSED>(x - mean, x - mean, sum)) / length;
    let factor = (variance + norm.epsilon).sqrt().recip();
    let (gain, shift) = (&norm.gain[..row.len()], &norm.shift[..row.len()]);
    for ((x, g), s) in row.iter_mut().zip(gain).zip(shift) {
        *x = mul_add::<FUSED>((*x - mean) * factor, *g, *s);
    }
}

#[inline(always)]
fn reduce(row: &[f32], step: impl Fn(f32, f32) -> f32) -> f32 {
    let (chunks, rest) = row.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for chunk in chunks {
        for (sum, &x) in sums.iter_mut().zip(chunk) {
            *sum = step(*sum, x);
        }
    }
    rest.iter().fold(total(&sums), |sum, &x| step(sum, x))
}

#[inline(always)]
fn maximum(row: &[f32], least: f32, of: impl Fn(f32) -> f32) -> f32 {
    // Not `f32::max`, whose care for NaN keeps it from being one instruction.
    let larger = |a: f32, b: f32| if a > b { a } else { b };
    let (chunks, rest) = row.as_chunks::<LANES>();
    let mut most = [least; LANES];
    for chunk in chunks {
        for (most, &x) in most.iter_mut().zip(chunk) {
            *most = larger(of(x), *most);
        }
    }
    let most = most.into_iter().fold(least, larger);
    rest.iter().fold(most, |most, &x| larger(of(x), most))
}

/// The sum of all lanes, pairwise.
#[inline(always)]
fn total(sums: &[f32; LANES]) -> f32 {
    let mut sums = *sums;
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            sums[i] += sums[i + half];
        }
        half /= 2;
    }
    sums[0]
}

/// 1.5 · 2²³: a number of less than 2²² that is added to it is rounded, ties to even, and stands in the lowest bits of
/// the sum as a whole number.
const ROUNDING: f32 = 12_582_912.0;

/// The nearest whole number, in the lowest bits; what the others hold has no meaning.
#[inline(always)]
pub(super) fn rounded(x: f32) -> u32 {
    (x + ROUNDING).to_bits()
}

/// `e` to the power of a number that is not positive; zero below -87, where the result would be no normal number.
///
/// `2ⁿ · eʳ` with `n` whole and `r` within half of `ln 2`, the latter by the polynomial of Cephes: within two units in
/// the last place.
#[inline(always)]
fn exp<const FUSED: bool>(x: f32) -> f32 {
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let within = if x > -87.0 { x } else { -87.0 };
    let shifted = mul_add::<FUSED>(within, std::f32::consts::LOG2_E, ROUNDING);
    let n = shifted - ROUNDING;
    let r = mul_add::<FUSED>(n, -LN_2_LOW, mul_add::<FUSED>(n, -LN_2_HIGH, within));
    let mut p = 1.987_569_1e-4;
    for c in [
        1.398_199_9e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        1.666_666_5e-1,
        0.5,
    ] {
        p = mul_add::<FUSED>(p, r, c);
    }
    let power = mul_add::<FUSED>(p, r * r, r + 1.0);
    // 2ⁿ by its exponent bits, `n` within -126 and 0.
    let two_to_n = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    if x > -87.0 { power * two_to_n } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_are_within_a_millionth() {
        let mut scores: Vec<f32> = (0..9000).map(|i| -i as f32 / 100.0).collect();
        let expected: Vec<f64> = scores.iter().map(|&x| f64::from(x).exp()).collect();
        let sum = exponentials::<false>(&mut scores);
        for (i, (found, expected)) in scores.iter().zip(&expected).enumerate() {
            if i <= 8690 {
                let off = (f64::from(*found) / expected - 1.0).abs();
                assert!(off < 1e-6, "exp(-{i}/100) is off by {off:e}");
            } else {
                assert!(f64::from(*found) <= 2.0 * expected);
            }
        }
        assert!((f64::from(sum) / expected.iter().sum::<f64>() - 1.0).abs() < 1e-5);
    }

    #[test]
    fn exponentials_of_equal_scores_are_one() {
        for (score, length) in [(-1e30, 1), (80.0, 17), (0.0, 40)] {
            let mut scores = vec![score; length];
            assert_eq!(exponentials::<false>(&mut scores), length as f32);
            assert!(scores.iter().all(|&x| x == 1.0));
        }
    }

    #[test]
    fn rows_of_any_length_are_normalised() {
        for length in [1, 15, 16, 17, 40] {
            let norm = Norm {
                gain: vec![2.0; length],
                shift: vec![0.5; length],
                epsilon: 1e-12,
            };
            let mut row: Vec<f32> = (0..length).map(|i| i as f32 * 3.0 - 4.0).collect();
            layer_norm::<false>(&mut row, &norm);
            let mean = row.iter().sum::<f32>() / length as f32;
            let spread = row.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / length as f32;
            assert!((mean - 0.5).abs() < 1e-5, "{length}: {mean}");
            assert!(
                length == 1 || (spread - 4.0).abs() < 1e-4,
                "{length}: {spread}"
            );
        }
        assert_eq!(magnitude(&[1.0, -3.0, 2.0]), 3.0);
        assert_eq!(magnitude(&[-0.5; 33]), 0.5);
    }
}
