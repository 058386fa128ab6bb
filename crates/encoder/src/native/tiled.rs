//! Matrix products by small tiles, in 32-bit floats, for any processor that has the innermost loop.

use super::kernels::{Epilogue, Kernels, Norm};

/// Columns of a tile.
pub(super) const COLUMNS: usize = 16;
/// Rows of a tile: twelve sums of eight numbers, two operands and a factor fill the sixteen registers of AVX2.
pub(super) const ROWS: usize = 6;
/// Rows of queries whose scores are computed at a time: with 256 keys they take 24 kB, which stay in the L1 cache.
const QUERIES: usize = 4 * ROWS;

/// One row of a panel: what [`COLUMNS`] columns multiply with one input.
///
/// Aligned to a cache line, so that no load touches two.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C, align(64))]
pub(super) struct Cells(pub(super) [f32; COLUMNS]);

/// The innermost loops of one kind of processor.
pub(super) trait Floats: Copy + Send + Sync {
    const NAME: &'static str;

    /// `R` rows of `x`, `stride` apart, times a panel, into rows of `out`.
    ///
    /// Every sum is taken in the order of the inputs, so it is the same in a tile of any height.
    fn tile<const R: usize>(
        self,
        x: &[f32],
        stride: usize,
        panel: &[Cells],
        out: &mut [f32],
        out_stride: usize,
    );

    /// See [`rows::finish`](super::rows::finish), for all rows of `out`.
    fn finish(self, out: &mut [f32], bias: &[f32], epilogue: Epilogue<'_>);

    /// See [`rows::exponentials`](super::rows::exponentials).
    fn exponentials(self, scores: &mut [f32]) -> f32;

    /// See [`rows::scale`](super::rows::scale).
    fn scale(self, row: &mut [f32], factor: f32);

    /// See [`rows::layer_norm`](super::rows::layer_norm), for all rows.
    fn layer_norm(self, rows: &mut [f32], norm: &Norm);
}

/// The kernels that [`Floats`] make.
#[derive(Clone, Copy)]
pub(super) struct Tiled<F>(pub(super) F);

/// A dense layer as panels of [`COLUMNS`] outputs, each with one row per input.
pub(super) struct Panels {
    cells: Vec<Cells>,
    inputs: usize,
    bias: Vec<f32>,
}

/// Keys, values and scores of one head.
#[derive(Default)]
pub(super) struct AttentionScratch {
    keys: Vec<Cells>,
    values: Vec<Cells>,
    scores: Vec<f32>,
}

impl<F: Floats> Kernels for Tiled<F> {
    type Dense = Panels;
    type Scratch = AttentionScratch;

    fn name(&self) -> &'static str {
        F::NAME
    }

    fn pack(&self, weights: &[f32], inputs: usize, bias: Vec<f32>) -> Panels {
        let mut cells = vec![Cells::default(); bias.len().div_ceil(COLUMNS) * inputs];
        for (output, row) in weights.chunks_exact(inputs).enumerate() {
            let panel = &mut cells[output / COLUMNS * inputs..][..inputs];
            for (cell, &weight) in panel.iter_mut().zip(row) {
                cell.0[output % COLUMNS] = weight;
            }
        }
        Panels {
            cells,
            inputs,
            bias,
        }
    }

    fn dense(
        &self,
        x: &[f32],
        layer: &Panels,
        epilogue: Epilogue<'_>,
        out: &mut [f32],
        _: &mut AttentionScratch,
    ) {
        let (inputs, outputs) = (layer.inputs, layer.bias.len());
        let rows = x.len() / inputs;
        self.product(x, inputs, rows, &layer.cells, inputs, out, outputs, outputs);
        self.0.finish(out, &layer.bias, epilogue);
    }

    fn attention(
        &self,
        projected: &[f32],
        heads: usize,
        out: &mut [f32],
        dim: usize,
        scratch: &mut AttentionScratch,
    ) {
        let (stride, size) = (3 * dim, dim / heads);
        let tokens = projected.len() / stride;
        let padded = tokens.next_multiple_of(COLUMNS);
        let values_panels = size.div_ceil(COLUMNS);
        grow(&mut scratch.keys, padded / COLUMNS * size);
        grow(&mut scratch.values, values_panels * tokens);
        grow(&mut scratch.scores, QUERIES * padded);
        for head in 0..heads {
            let at = |which: usize| which * dim + head * size;
            // A panel of keys has sixteen tokens as columns; what is left of the last one multiplies with anything,
            // and nobody reads the product.
            for (token, row) in projected.chunks_exact(stride).enumerate() {
                let panel = &mut scratch.keys[token / COLUMNS * size..][..size];
                for (cell, &key) in panel.iter_mut().zip(&row[at(1)..][..size]) {
                    cell.0[token % COLUMNS] = key;
                }
                let value = row[at(2)..][..size].chunks(COLUMNS).enumerate();
                for (panel, value) in value {
                    scratch.values[panel * tokens + token].0[..value.len()].copy_from_slice(value);
                }
            }
            for first in (0..tokens).step_by(QUERIES) {
                let rows = QUERIES.min(tokens - first);
                let queries = &projected[first * stride + at(0)..];
                let (keys, scores) = (&scratch.keys, &mut scratch.scores);
                self.product(queries, stride, rows, keys, size, scores, padded, padded);
                let into = &mut out[first * dim + at(0)..];
                let mut sums = [0.0; QUERIES];
                for (row, sum) in scores.chunks_exact_mut(padded).zip(&mut sums[..rows]) {
                    *sum = self.0.exponentials(&mut row[..tokens]);
                }
                let values = &scratch.values;
                self.product(scores, padded, rows, values, tokens, into, dim, size);
                for (row, sum) in into.chunks_mut(dim).zip(&sums[..rows]) {
                    self.0.scale(&mut row[..size], sum.recip());
                }
            }
        }
    }

    fn layer_norm(&self, rows: &mut [f32], norm: &Norm) {
        self.0.layer_norm(rows, norm);
    }
}

impl<F: Floats> Tiled<F> {
    /// `rows` rows of `x` times panels of `depth` inputs, into the first `columns` of rows of `out`.
    ///
    /// Panel by panel, because a panel stays in the cache while all rows pass it.
    #[expect(
        clippy::too_many_arguments,
        reason = "two matrices with their strides, one with its depth"
    )]
    fn product(
        &self,
        x: &[f32],
        stride: usize,
        rows: usize,
        panels: &[Cells],
        depth: usize,
        out: &mut [f32],
        out_stride: usize,
        columns: usize,
    ) {
        for (panel, first) in panels
            .chunks_exact(depth)
            .zip((0..columns).step_by(COLUMNS))
        {
            let width = COLUMNS.min(columns - first);
            for row in (0..rows).step_by(ROWS) {
                let height = ROWS.min(rows - row);
                let x = &x[row * stride..];
                let out = &mut out[row * out_stride + first..];
                if width == COLUMNS {
                    self.tile(height, x, stride, panel, out, out_stride);
                } else {
                    let mut whole = [0.0; ROWS * COLUMNS];
                    self.tile(height, x, stride, panel, &mut whole, COLUMNS);
                    for (from, to) in whole
                        .chunks_exact(COLUMNS)
                        .zip(out.chunks_mut(out_stride))
                        .take(height)
                    {
                        to[..width].copy_from_slice(&from[..width]);
                    }
                }
            }
        }
    }

    fn tile(
        &self,
        height: usize,
        x: &[f32],
        stride: usize,
        panel: &[Cells],
        out: &mut [f32],
        out_stride: usize,
    ) {
        let f = self.0;
        match height {
            1 => f.tile::<1>(x, stride, panel, out, out_stride),
            2 => f.tile::<2>(x, stride, panel, out, out_stride),
            3 => f.tile::<3>(x, stride, panel, out, out_stride),
            4 => f.tile::<4>(x, stride, panel, out, out_stride),
            5 => f.tile::<5>(x, stride, panel, out, out_stride),
            _ => f.tile::<ROWS>(x, stride, panel, out, out_stride),
        }
    }
}

/// Makes `memory` long enough; what it holds does not matter.
pub(super) fn grow<T: Copy + Default>(memory: &mut Vec<T>, length: usize) {
    if memory.len() < length {
        memory.resize(length, T::default());
    }
}
