//! What differs from processor to processor: a small set of operations, on rows of 32-bit floats.

/// What happens to the sums of a dense layer before they are written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Epilogue<'a> {
    /// Nothing but the bias.
    Bias,
    /// The bias, then GELU.
    Gelu,
    /// The bias, then these numbers are added: what a residual connection carries past the layer.
    Residual(&'a [f32]),
}

/// Gain and shift of a layer normalisation, and what is added to the variance.
#[derive(Clone, Debug)]
pub(crate) struct Norm {
    pub(crate) gain: Vec<f32>,
    pub(crate) shift: Vec<f32>,
    pub(crate) epsilon: f32,
}

/// The kernels of one kind of processor.
///
/// A row of any result depends on that row of the input alone (attention: on the rows of its window), bit for bit,
/// whatever stands beside it. That is what lets batches be ragged, and is held by tests for every set.
///
/// A set that keeps its operands in another form (16-bit integers, tiles of a matrix unit) converts within `dense`:
/// the rows between the operations are always plain floats.
pub(crate) trait Kernels: Send + Sync {
    /// A dense layer in the order in which this set reads it.
    type Dense: Send + Sync;
    /// Memory of one worker that grows to what the largest batch needs and stays.
    type Scratch: Default + Send;

    /// Processor extension and precision, for example `avx2-f32`.
    fn name(&self) -> &'static str;

    /// Packs `weights`, `[bias.len(), inputs]`.
    fn pack(&self, weights: &[f32], inputs: usize, bias: Vec<f32>) -> Self::Dense;

    /// `out = epilogue(x · weightsᵀ + bias)` for rows of `x`.
    fn dense(
        &self,
        x: &[f32],
        layer: &Self::Dense,
        epilogue: Epilogue<'_>,
        out: &mut [f32],
        scratch: &mut Self::Scratch,
    );

    /// Self-attention within one window.
    ///
    /// A row of `projected` is query, key and value one after another, the query scaled already; a row of `out` is as
    /// long as one of the three.
    fn attention(
        &self,
        projected: &[f32],
        heads: usize,
        out: &mut [f32],
        dim: usize,
        scratch: &mut Self::Scratch,
    );

    /// Layer normalisation of every row, in place.
    fn layer_norm(&self, rows: &mut [f32], norm: &Norm);
}
