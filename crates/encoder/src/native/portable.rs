//! The innermost loops in plain Rust: for processors without kernels of their own, and the yardstick of those with.

use super::kernels::{Epilogue, Norm};
use super::rows;
use super::tiled::{COLUMNS, Cells, Floats};

#[derive(Clone, Copy)]
pub(super) struct Portable;

impl Floats for Portable {
    const NAME: &'static str = "portable-f32";

    fn tile<const R: usize>(
        self,
        x: &[f32],
        stride: usize,
        panel: &[Cells],
        out: &mut [f32],
        out_stride: usize,
    ) {
        let x: [&[f32]; R] = std::array::from_fn(|r| &x[r * stride..][..panel.len()]);
        let mut sums = [[0.0; COLUMNS]; R];
        for (input, cells) in panel.iter().enumerate() {
            for (sums, x) in sums.iter_mut().zip(x) {
                for (sum, weight) in sums.iter_mut().zip(cells.0) {
                    *sum += x[input] * weight;
                }
            }
        }
        for (r, sums) in sums.iter().enumerate() {
            out[r * out_stride..][..COLUMNS].copy_from_slice(sums);
        }
    }

    fn finish(self, out: &mut [f32], bias: &[f32], epilogue: Epilogue<'_>) {
        for (r, row) in out.chunks_exact_mut(bias.len()).enumerate() {
            rows::finish::<false>(row, bias, epilogue, r * bias.len());
        }
    }

    fn exponentials(self, scores: &mut [f32]) -> f32 {
        rows::exponentials::<false>(scores)
    }

    fn scale(self, row: &mut [f32], factor: f32) {
        rows::scale(row, factor);
    }

    fn layer_norm(self, rows: &mut [f32], norm: &Norm) {
        for row in rows.chunks_exact_mut(norm.gain.len()) {
            rows::layer_norm::<false>(row, norm);
        }
    }
}
