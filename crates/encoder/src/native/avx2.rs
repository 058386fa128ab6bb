//! The innermost loops for x86-64 with AVX2 and FMA: in 32-bit floats, and in 16-bit integers.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m256, __m256i, _mm256_add_epi32, _mm256_add_ps, _mm256_broadcast_ss, _mm256_cvtepi32_ps,
    _mm256_fmadd_ps, _mm256_load_ps, _mm256_load_si256, _mm256_loadu_ps, _mm256_madd_epi16,
    _mm256_mul_ps, _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_ps, _mm256_setzero_si256,
    _mm256_storeu_ps,
};

use super::kernels::{Epilogue, Kernels, Norm};
use super::rows;
use super::tiled::{AttentionScratch, COLUMNS, Cells, Floats, ROWS, Tiled, grow};

/// Proof that the processor has AVX2 and FMA: there is no other way to one than [`Avx2::detect`].
#[derive(Clone, Copy)]
pub(super) struct Avx2(());

impl Avx2 {
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Self(()))
    }
}

impl Floats for Avx2 {
    const NAME: &'static str = "avx2-f32";

    fn tile<const R: usize>(
        self,
        x: &[f32],
        stride: usize,
        panel: &[Cells],
        out: &mut [f32],
        out_stride: usize,
    ) {
        // SAFETY: `self` proves that the processor has what the function is compiled for.
        unsafe { tile::<R>(x, stride, panel, out, out_stride) }
    }

    fn finish(self, out: &mut [f32], bias: &[f32], epilogue: Epilogue<'_>) {
        #[target_feature(enable = "avx2,fma")]
        fn run(out: &mut [f32], bias: &[f32], epilogue: Epilogue<'_>) {
            for (r, row) in out.chunks_exact_mut(bias.len()).enumerate() {
                rows::finish::<true>(row, bias, epilogue, r * bias.len());
            }
        }
        // SAFETY: as in `tile`.
        unsafe { run(out, bias, epilogue) }
    }

    fn exponentials(self, scores: &mut [f32]) -> f32 {
        #[target_feature(enable = "avx2,fma")]
        fn run(scores: &mut [f32]) -> f32 {
            rows::exponentials::<true>(scores)
        }
        // SAFETY: as in `tile`.
        unsafe { run(scores) }
    }

    fn scale(self, row: &mut [f32], factor: f32) {
        #[target_feature(enable = "avx2,fma")]
        fn run(row: &mut [f32], factor: f32) {
            rows::scale(row, factor);
        }
        // SAFETY: as in `tile`.
        unsafe { run(row, factor) }
    }

    fn layer_norm(self, rows: &mut [f32], norm: &Norm) {
        #[target_feature(enable = "avx2,fma")]
        fn run(rows: &mut [f32], norm: &Norm) {
            for row in rows.chunks_exact_mut(norm.gain.len()) {
                rows::layer_norm::<true>(row, norm);
            }
        }
        // SAFETY: as in `tile`.
        unsafe { run(rows, norm) }
    }
}

#[target_feature(enable = "avx2,fma")]
fn tile<const R: usize>(
    x: &[f32],
    stride: usize,
    panel: &[Cells],
    out: &mut [f32],
    out_stride: usize,
) {
    let x: [&[f32]; R] = std::array::from_fn(|r| &x[r * stride..][..panel.len()]);
    let mut sums = [[_mm256_setzero_ps(); 2]; R];
    for (input, Cells(cells)) in panel.iter().enumerate() {
        // SAFETY: both halves lie within the sixteen numbers, and `Cells` is aligned to 64 bytes.
        let weights = unsafe {
            [
                _mm256_load_ps(cells.as_ptr()),
                _mm256_load_ps(cells.as_ptr().add(8)),
            ]
        };
        for (sums, x) in sums.iter_mut().zip(x) {
            // SAFETY: each row of `x` is as long as `panel`, which `input` counts.
            let x = _mm256_broadcast_ss(unsafe { x.get_unchecked(input) });
            sums[0] = _mm256_fmadd_ps(x, weights[0], sums[0]);
            sums[1] = _mm256_fmadd_ps(x, weights[1], sums[1]);
        }
    }
    store(&sums, out, out_stride);
}

#[target_feature(enable = "avx2,fma")]
fn store<const R: usize>(sums: &[[__m256; 2]; R], out: &mut [f32], out_stride: usize) {
    for (r, sums) in sums.iter().enumerate() {
        let row: &mut [f32; COLUMNS] = (&mut out[r * out_stride..][..COLUMNS])
            .try_into()
            .expect("as many as were asked for");
        // SAFETY: the row has room for both; no alignment is asked for.
        unsafe {
            _mm256_storeu_ps(row.as_mut_ptr(), sums[0]);
            _mm256_storeu_ps(row.as_mut_ptr().add(8), sums[1]);
        }
    }
}

/// Dense layers in 16-bit integers, everything else in floats.
///
/// One instruction multiplies sixteen pairs of 16-bit numbers and adds neighbours, twice what FMA does in floats, and
/// the sums in 32 bits are exact. A token has a scale of its own and so has every output, so that a row depends on
/// itself alone, and 14 bits lose next to nothing.
#[derive(Clone, Copy)]
pub(super) struct Avx2Int16(pub(super) Avx2);

/// Largest input after scaling. 13 bits leave room for weights of as many in sums that cannot overflow.
const INPUT_RANGE: f32 = 8191.0;
/// Pairs of inputs that are summed in integers before the sum becomes a float.
const CHUNK: usize = 192;
/// Largest sum of the absolute weights of a chunk: with inputs up to [`INPUT_RANGE`] it stays below 2³¹.
const WEIGHTS_RANGE: f32 = 262_176.0;

/// Weights of [`COLUMNS`] outputs for two inputs, those of one output side by side.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct PairCells([i16; 2 * COLUMNS]);

pub(super) struct PairPanels {
    cells: Vec<PairCells>,
    /// What a weight of 1 stands for, per output; as many as there are columns.
    steps: Vec<f32>,
    inputs: usize,
    bias: Vec<f32>,
}

#[derive(Default)]
pub(super) struct Int16Scratch {
    attention: AttentionScratch,
    /// Pairs of inputs, the first in the lower half.
    pairs: Vec<i32>,
    /// What an input of 1 stands for, per row.
    steps: Vec<f32>,
}

impl Kernels for Avx2Int16 {
    type Dense = PairPanels;
    type Scratch = Int16Scratch;

    fn name(&self) -> &'static str {
        "avx2-int16"
    }

    fn pack(&self, weights: &[f32], inputs: usize, bias: Vec<f32>) -> PairPanels {
        let (panels, depth) = (bias.len().div_ceil(COLUMNS), inputs.div_ceil(2));
        let mut cells = vec![PairCells([0; 2 * COLUMNS]); panels * depth];
        let mut steps = vec![0.0; panels * COLUMNS];
        for (output, row) in weights.chunks_exact(inputs).enumerate() {
            let step = weight_step(row);
            steps[output] = step;
            let panel = &mut cells[output / COLUMNS * depth..][..depth];
            for (input, weight) in row.iter().enumerate() {
                let weight = (weight / step).round_ties_even() as i16;
                panel[input / 2].0[output % COLUMNS * 2 + input % 2] = weight;
            }
        }
        PairPanels {
            cells,
            steps,
            inputs,
            bias,
        }
    }

    fn dense(
        &self,
        x: &[f32],
        layer: &PairPanels,
        epilogue: Epilogue<'_>,
        out: &mut [f32],
        scratch: &mut Int16Scratch,
    ) {
        let rows = x.len() / layer.inputs;
        let depth = layer.inputs.div_ceil(2);
        grow(&mut scratch.pairs, rows * depth);
        grow(&mut scratch.steps, rows);
        let (pairs, steps) = (
            &mut scratch.pairs[..rows * depth],
            &mut scratch.steps[..rows],
        );
        // SAFETY: `self.0` proves that the processor has what the functions are compiled for.
        unsafe {
            quantise(x, layer.inputs, pairs, steps);
            product(pairs, steps, layer, out);
        }
        self.0.finish(out, &layer.bias, epilogue);
    }

    fn attention(
        &self,
        projected: &[f32],
        heads: usize,
        out: &mut [f32],
        dim: usize,
        scratch: &mut Int16Scratch,
    ) {
        Tiled(self.0).attention(projected, heads, out, dim, &mut scratch.attention);
    }

    fn layer_norm(&self, rows: &mut [f32], norm: &Norm) {
        self.0.layer_norm(rows, norm);
    }
}

/// What a weight of 1 stands for, as small as numbers and sums allow.
fn weight_step(row: &[f32]) -> f32 {
    let largest = rows::magnitude(row);
    let of_chunk = |chunk: &[f32]| chunk.iter().map(|w| w.abs()).sum::<f32>();
    let sum = row.chunks(2 * CHUNK).map(of_chunk).fold(0.0, f32::max);
    // Rounding adds at most one half to each weight.
    let step = (sum / (WEIGHTS_RANGE - CHUNK as f32)).max(largest / f32::from(i16::MAX));
    if step > 0.0 { step } else { 1.0 }
}

/// Rows of `inputs` numbers as pairs of integers and what 1 stands for in each row.
#[target_feature(enable = "avx2,fma")]
fn quantise(x: &[f32], inputs: usize, pairs: &mut [i32], steps: &mut [f32]) {
    let depth = inputs.div_ceil(2);
    for ((x, pairs), step) in x
        .chunks_exact(inputs)
        .zip(pairs.chunks_exact_mut(depth))
        .zip(steps)
    {
        let largest = rows::magnitude(x);
        let factor = if largest > 0.0 {
            INPUT_RANGE / largest
        } else {
            0.0
        };
        *step = largest / INPUT_RANGE;
        let whole = |x: f32| rows::rounded(x * factor).cast_signed();
        let (twos, rest) = x.as_chunks::<2>();
        for (pair, [low, high]) in pairs.iter_mut().zip(twos) {
            *pair = whole(*low) & 0xffff | whole(*high) << 16;
        }
        if let ([last], Some(pair)) = (rest, pairs.last_mut()) {
            *pair = whole(*last) & 0xffff;
        }
    }
}

#[target_feature(enable = "avx2,fma")]
fn product(pairs: &[i32], steps: &[f32], layer: &PairPanels, out: &mut [f32]) {
    let (depth, outputs) = (layer.inputs.div_ceil(2), layer.bias.len());
    let panels = layer.cells.chunks_exact(depth);
    let columns = layer.steps.as_chunks::<COLUMNS>().0;
    for (p, (panel, columns)) in panels.zip(columns).enumerate() {
        let first = p * COLUMNS;
        let width = COLUMNS.min(outputs - first);
        for (row, (x, steps)) in pairs
            .chunks(ROWS * depth)
            .zip(steps.chunks(ROWS))
            .enumerate()
        {
            let out = &mut out[row * ROWS * outputs + first..];
            if width == COLUMNS {
                pair_tile_of(x, steps, panel, columns, out, outputs);
            } else {
                let mut whole = [0.0; ROWS * COLUMNS];
                pair_tile_of(x, steps, panel, columns, &mut whole, COLUMNS);
                for (from, to) in whole
                    .chunks_exact(COLUMNS)
                    .zip(out.chunks_mut(outputs))
                    .take(steps.len())
                {
                    to[..width].copy_from_slice(&from[..width]);
                }
            }
        }
    }
}

#[target_feature(enable = "avx2,fma")]
fn pair_tile_of(
    x: &[i32],
    steps: &[f32],
    panel: &[PairCells],
    columns: &[f32; COLUMNS],
    out: &mut [f32],
    out_stride: usize,
) {
    match steps.len() {
        1 => pair_tile::<1>(x, steps, panel, columns, out, out_stride),
        2 => pair_tile::<2>(x, steps, panel, columns, out, out_stride),
        3 => pair_tile::<3>(x, steps, panel, columns, out, out_stride),
        4 => pair_tile::<4>(x, steps, panel, columns, out, out_stride),
        5 => pair_tile::<5>(x, steps, panel, columns, out, out_stride),
        _ => pair_tile::<ROWS>(x, steps, panel, columns, out, out_stride),
    }
}

#[target_feature(enable = "avx2,fma")]
fn pair_tile<const R: usize>(
    x: &[i32],
    steps: &[f32],
    panel: &[PairCells],
    columns: &[f32; COLUMNS],
    out: &mut [f32],
    out_stride: usize,
) {
    let depth = panel.len();
    let mut totals = [[_mm256_setzero_ps(); 2]; R];
    for (chunk, panel) in panel.chunks(CHUNK).enumerate() {
        let x: [&[i32]; R] =
            std::array::from_fn(|r| &x[r * depth + chunk * CHUNK..][..panel.len()]);
        let mut sums = [[_mm256_setzero_si256(); 2]; R];
        for (pair, PairCells(cells)) in panel.iter().enumerate() {
            let cells = cells.as_ptr().cast::<__m256i>();
            // SAFETY: both halves lie within the 64 bytes, to which `PairCells` is aligned.
            let weights = unsafe { [_mm256_load_si256(cells), _mm256_load_si256(cells.add(1))] };
            for (sums, x) in sums.iter_mut().zip(x) {
                // SAFETY: each row of `x` is as long as `panel`, which `pair` counts.
                let x = _mm256_set1_epi32(unsafe { *x.get_unchecked(pair) });
                sums[0] = _mm256_add_epi32(sums[0], _mm256_madd_epi16(x, weights[0]));
                sums[1] = _mm256_add_epi32(sums[1], _mm256_madd_epi16(x, weights[1]));
            }
        }
        for (totals, sums) in totals.iter_mut().zip(sums) {
            totals[0] = _mm256_add_ps(totals[0], _mm256_cvtepi32_ps(sums[0]));
            totals[1] = _mm256_add_ps(totals[1], _mm256_cvtepi32_ps(sums[1]));
        }
    }
    // SAFETY: there are sixteen, and no alignment is asked for.
    let columns = unsafe {
        [
            _mm256_loadu_ps(columns.as_ptr()),
            _mm256_loadu_ps(columns.as_ptr().add(8)),
        ]
    };
    for (totals, &step) in totals.iter_mut().zip(steps) {
        let step = _mm256_set1_ps(step);
        totals[0] = _mm256_mul_ps(totals[0], _mm256_mul_ps(columns[0], step));
        totals[1] = _mm256_mul_ps(totals[1], _mm256_mul_ps(columns[1], step));
    }
    store(&totals, out, out_stride);
}
