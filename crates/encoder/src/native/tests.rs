use proptest::prelude::*;

use super::kernels::{Epilogue, Norm};
use super::tiled::AttentionScratch;
use super::*;
use crate::reference;

/// The portable kernels with something wrong in one of them.
struct Broken;

impl Kernels for Broken {
    type Dense = <Tiled<Portable> as Kernels>::Dense;
    type Scratch = AttentionScratch;

    fn name(&self) -> &'static str {
        "broken"
    }

    fn pack(&self, weights: &[f32], inputs: usize, bias: Vec<f32>) -> Self::Dense {
        Tiled(Portable).pack(weights, inputs, bias)
    }

    fn dense(
        &self,
        x: &[f32],
        layer: &Self::Dense,
        epilogue: Epilogue<'_>,
        out: &mut [f32],
        scratch: &mut AttentionScratch,
    ) {
        // No GELU.
        let epilogue = match epilogue {
            Epilogue::Gelu => Epilogue::Bias,
            other => other,
        };
        Tiled(Portable).dense(x, layer, epilogue, out, scratch);
    }

    fn attention(
        &self,
        projected: &[f32],
        heads: usize,
        out: &mut [f32],
        dim: usize,
        scratch: &mut AttentionScratch,
    ) {
        Tiled(Portable).attention(projected, heads, out, dim, scratch);
    }

    fn layer_norm(&self, rows: &mut [f32], norm: &Norm) {
        Tiled(Portable).layer_norm(rows, norm);
    }
}

#[test]
fn kernels_that_compute_something_else_are_not_taken() {
    let (_folder, model) = reference::model();
    let weights = model.weights(ENCODER_FILE).unwrap();
    let yardstick = yardstick(&model, &weights).unwrap();
    let broken = Bert::new(Broken, &model.config, &weights).unwrap();
    let message = checked(broken, &yardstick).err().unwrap().to_string();
    assert!(
        message.contains("broken") && message.contains("portable-f32"),
        "{message}"
    );
    let sound = Bert::new(Tiled(Portable), &model.config, &weights).unwrap();
    assert!(checked(sound, &yardstick).is_ok());
}

#[test]
fn the_default_is_the_preferred_of_what_the_processor_has() {
    let (_folder, model) = reference::model();
    let fastest = fastest(&model).unwrap().map(|backend| backend.name());
    assert_eq!(fastest, present().find(|name| *name != "portable-f32"));
    assert_eq!(present().last(), Some("portable-f32"));
}

#[test]
fn kernels_that_are_not_there_are_refused_with_those_that_are() {
    let (_folder, model) = reference::model();
    let message = load(&model, "amx-bf16").err().unwrap().to_string();
    assert!(
        message.contains("amx-bf16") && message.contains("portable-f32"),
        "{message}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever stands in a batch, and whatever the worker read before.
    #[test]
    fn a_window_gives_the_same_bits_in_any_company(
        sizes in prop::collection::vec(1_u32..=40, 1..12),
        earlier in prop::collection::vec(1_u32..=128, 0..3),
    ) {
        let (_folder, model) = reference::model();
        for name in present() {
            let backend = load(&model, name).unwrap();
            let read = |session: &mut Box<dyn Session>, sizes: &[u32]| {
                let mut hidden = Vec::new();
                session.forward(&reference::ragged(sizes), &mut hidden).unwrap();
                hidden.into_iter().map(f32::to_bits).collect::<Vec<_>>()
            };
            let mut session = backend.session().unwrap();
            read(&mut session, &earlier);
            let together = read(&mut session, &sizes);
            let apart: Vec<u32> = sizes
                .iter()
                .flat_map(|&size| read(&mut backend.session().unwrap(), &[size]))
                .collect();
            prop_assert!(together == apart, "{name}: {sizes:?} after {earlier:?}");
        }
    }

    /// Odd sizes of layers, of which the tiles leave something over.
    #[test]
    fn dense_layers_of_any_shape_agree(
        rows in 1_usize..20,
        inputs in 1_usize..900,
        outputs in 1_usize..40,
        seed in any::<u64>(),
    ) {
        let mut number = reference::numbers(seed);
        let weights: Vec<f32> = (0..inputs * outputs).map(|_| number()).collect();
        let bias: Vec<f32> = (0..outputs).map(|_| number()).collect();
        let x: Vec<f32> = (0..rows * inputs).map(|_| number()).collect();
        let beside: Vec<f32> = (0..rows * outputs).map(|_| number()).collect();
        for epilogue in [Epilogue::Bias, Epilogue::Gelu, Epilogue::Residual(&beside)] {
            let exact = dense(Tiled(Portable), &x, &weights, &bias, epilogue);
            // By hand, so that a fault of the tiles, which all share, shows.
            if let Epilogue::Bias = epilogue {
                for (i, found) in exact.iter().enumerate() {
                    let (row, output) = (i / outputs, i % outputs);
                    let products = (0..inputs).map(|k| {
                        f64::from(x[row * inputs + k]) * f64::from(weights[output * inputs + k])
                    });
                    let sum = products.sum::<f64>() + f64::from(bias[output]);
                    prop_assert!((f64::from(*found) - sum).abs() < 1e-4, "{found} for {sum}");
                }
            }
            #[cfg(target_arch = "x86_64")]
            if let Some(avx2) = avx2::Avx2::detect() {
                let floats = dense(Tiled(avx2), &x, &weights, &bias, epilogue);
                let integers = dense(avx2::Avx2Int16(avx2), &x, &weights, &bias, epilogue);
                for ((exact, f), i) in exact.iter().zip(&floats).zip(&integers) {
                    prop_assert!((exact - f).abs() < 1e-4, "floats: {f} for {exact}");
                    prop_assert!((exact - i).abs() < 1e-2, "integers: {i} for {exact}");
                }
            }
        }
    }
}

fn dense<K: Kernels>(
    kernels: K,
    x: &[f32],
    weights: &[f32],
    bias: &[f32],
    epilogue: Epilogue<'_>,
) -> Vec<f32> {
    let inputs = weights.len() / bias.len();
    let layer = kernels.pack(weights, inputs, bias.to_vec());
    let mut out = vec![f32::NAN; x.len() / inputs * bias.len()];
    kernels.dense(x, &layer, epilogue, &mut out, &mut K::Scratch::default());
    out
}

/// The largest numbers that can meet, all of one sign: the sums in 32 bits must not overflow.
#[cfg(target_arch = "x86_64")]
#[test]
fn integers_do_not_overflow_where_everything_is_largest() {
    let Some(avx2) = avx2::Avx2::detect() else {
        return println!("skipped: this processor has no AVX2");
    };
    for inputs in [1, 2, 3, 383, 384, 385, 1536] {
        for sign in [1.0, -1.0] {
            let x = vec![sign * 3.0; inputs];
            let weights = vec![0.5; inputs];
            let found = dense(avx2::Avx2Int16(avx2), &x, &weights, &[0.0], Epilogue::Bias)[0];
            let expected = sign * 1.5 * inputs as f32;
            assert!((found / expected - 1.0).abs() < 1e-3, "{inputs}: {found}");
        }
    }
    let zeros = dense(
        avx2::Avx2Int16(avx2),
        &[0.0; 4],
        &[0.0; 8],
        &[1.0, 2.0],
        Epilogue::Bias,
    );
    assert_eq!(zeros, [1.0, 2.0]);
}
