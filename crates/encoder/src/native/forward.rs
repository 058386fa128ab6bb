//! The BERT encoder (Devlin et al. 2019), written once for all kernels.

use super::kernels::{Epilogue, Kernels, Norm};
use super::tiled::grow;
use crate::backend::RaggedBatch;
use crate::{BertConfig, EncoderError, Weights};

/// Tokens that pass a feed-forward layer together: their 1536 inner numbers stay in the L2 cache.
const TOKENS: usize = 96;

/// The weights, packed once and shared by all workers.
pub(super) struct Bert<K: Kernels> {
    kernels: K,
    words: Vec<f32>,
    positions: Vec<f32>,
    types: Vec<f32>,
    norm: Norm,
    layers: Vec<Layer<K>>,
    dim: usize,
    inner: usize,
    heads: usize,
}

struct Layer<K: Kernels> {
    /// Query, key and value in one.
    project: K::Dense,
    merge: K::Dense,
    attention_norm: Norm,
    widen: K::Dense,
    narrow: K::Dense,
    norm: Norm,
}

/// Memory of one worker; it grows to what the largest batch needs and stays.
pub(super) struct Scratch<K: Kernels> {
    kernels: K::Scratch,
    projected: Vec<f32>,
    context: Vec<f32>,
    sum: Vec<f32>,
    wide: Vec<f32>,
}

impl<K: Kernels> Default for Scratch<K> {
    fn default() -> Self {
        Self {
            kernels: K::Scratch::default(),
            projected: Vec::new(),
            context: Vec::new(),
            sum: Vec::new(),
            wide: Vec::new(),
        }
    }
}

impl<K: Kernels> Bert<K> {
    pub(super) fn new(
        kernels: K,
        config: &BertConfig,
        weights: &Weights,
    ) -> Result<Self, EncoderError> {
        let (dim, inner) = (config.hidden_size, config.intermediate_size);
        let table = |name: &str, rows: usize| {
            weights.tensor(
                &format!("embeddings.{name}_embeddings.weight"),
                &[rows, dim],
            )
        };
        let norm = |name: &str| -> Result<Norm, EncoderError> {
            Ok(Norm {
                gain: weights.tensor(&format!("{name}.weight"), &[dim])?,
                shift: weights.tensor(&format!("{name}.bias"), &[dim])?,
                epsilon: config.layer_norm_eps,
            })
        };
        let part = |name: &str, inputs: usize, outputs: usize| -> Result<_, EncoderError> {
            Ok((
                weights.tensor(&format!("{name}.weight"), &[outputs, inputs])?,
                weights.tensor(&format!("{name}.bias"), &[outputs])?,
            ))
        };
        let dense = |name: &str, inputs: usize, outputs: usize| -> Result<_, EncoderError> {
            let (weights, bias) = part(name, inputs, outputs)?;
            Ok(kernels.pack(&weights, inputs, bias))
        };
        let mut layers = Vec::new();
        for layer in 0..config.num_hidden_layers {
            let name = |part: &str| format!("encoder.layer.{layer}.{part}");
            let (mut projection, mut bias) = part(&name("attention.self.query"), dim, dim)?;
            // The scale of the scores is multiplied into the query.
            let scale = ((dim / config.num_attention_heads) as f32).sqrt().recip();
            projection
                .iter_mut()
                .chain(&mut bias)
                .for_each(|w| *w *= scale);
            for which in ["key", "value"] {
                let (weights, more) = part(&name(&format!("attention.self.{which}")), dim, dim)?;
                projection.extend(weights);
                bias.extend(more);
            }
            layers.push(Layer {
                project: kernels.pack(&projection, dim, bias),
                merge: dense(&name("attention.output.dense"), dim, dim)?,
                attention_norm: norm(&name("attention.output.LayerNorm"))?,
                widen: dense(&name("intermediate.dense"), dim, inner)?,
                narrow: dense(&name("output.dense"), inner, dim)?,
                norm: norm(&name("output.LayerNorm"))?,
            });
        }
        Ok(Self {
            words: table("word", config.vocab_size)?,
            positions: table("position", config.max_position_embeddings)?,
            types: table("token_type", config.type_vocab_size)?,
            norm: norm("embeddings.LayerNorm")?,
            layers,
            dim,
            inner,
            heads: config.num_attention_heads,
            kernels,
        })
    }

    pub(super) fn name(&self) -> &'static str {
        self.kernels.name()
    }

    /// Number of wordpieces in the vocabulary.
    pub(super) fn vocabulary(&self) -> u32 {
        (self.words.len() / self.dim) as u32
    }

    /// Replaces `x` with the last hidden states of all wordpieces.
    ///
    /// # Panics
    /// A wordpiece, a token type or a position is beyond its table.
    pub(super) fn forward(&self, batch: &RaggedBatch, x: &mut Vec<f32>, scratch: &mut Scratch<K>) {
        let (dim, kernels) = (self.dim, &self.kernels);
        self.embed(batch, x);
        grow(&mut scratch.projected, batch.tokens() * 3 * dim);
        grow(&mut scratch.context, batch.tokens() * dim);
        grow(&mut scratch.sum, TOKENS * dim);
        grow(&mut scratch.wide, TOKENS * self.inner);
        let memory = &mut scratch.kernels;
        for layer in &self.layers {
            let projected = &mut scratch.projected[..batch.tokens() * 3 * dim];
            for (x, projected) in x
                .chunks(TOKENS * dim)
                .zip(projected.chunks_mut(TOKENS * 3 * dim))
            {
                kernels.dense(x, &layer.project, Epilogue::Bias, projected, memory);
            }
            let (mut from, mut to) = (&scratch.projected[..], &mut scratch.context[..]);
            for (window, _) in batch.windows() {
                let (projected, others) = from.split_at(window.len() * 3 * dim);
                let (context, rest) = to.split_at_mut(window.len() * dim);
                kernels.attention(projected, self.heads, context, dim, memory);
                (from, to) = (others, rest);
            }
            for (x, context) in x
                .chunks_mut(TOKENS * dim)
                .zip(scratch.context.chunks(TOKENS * dim))
            {
                let tokens = x.len() / dim;
                let context = &context[..x.len()];
                let sum = &mut scratch.sum[..x.len()];
                let wide = &mut scratch.wide[..tokens * self.inner];
                kernels.dense(context, &layer.merge, Epilogue::Residual(x), sum, memory);
                kernels.layer_norm(sum, &layer.attention_norm);
                kernels.dense(sum, &layer.widen, Epilogue::Gelu, wide, memory);
                kernels.dense(wide, &layer.narrow, Epilogue::Residual(sum), x, memory);
                kernels.layer_norm(x, &layer.norm);
            }
        }
    }

    fn embed(&self, batch: &RaggedBatch, x: &mut Vec<f32>) {
        let dim = self.dim;
        let row = |table: &[f32], at: usize| -> std::ops::Range<usize> {
            assert!(
                (at + 1) * dim <= table.len(),
                "row {at} is beyond the table"
            );
            at * dim..(at + 1) * dim
        };
        x.clear();
        x.reserve(batch.tokens() * dim);
        for (ids, types) in batch.windows() {
            for (position, (&id, &kind)) in ids.iter().zip(types).enumerate() {
                let word = &self.words[row(&self.words, id as usize)];
                let place = &self.positions[row(&self.positions, position)];
                let class = &self.types[row(&self.types, kind.into())];
                x.extend(
                    word.iter()
                        .zip(class)
                        .zip(place)
                        .map(|((w, c), p)| w + c + p),
                );
            }
        }
        self.kernels.layer_norm(x, &self.norm);
    }
}
