//! The BERT encoder (Devlin et al. 2019) as an ONNX graph, written from the weights of a model folder.
//!
//! One window per call: no batch dimension beyond 1, no mask. Operators of ONNX opset 17, so that any runtime
//! reads it.

use std::cell::RefCell;

use rten_onnx::onnx::{
    AttributeProto, AttributeType, DataType, Dimension, GraphProto, ModelProto, NodeProto,
    OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto, TypeProtoTensor, ValueInfoProto,
};

use crate::{BertConfig, EncoderError, Weights};

/// Names of the graph's inputs, both `[1, wordpieces]` integers, and of its output `[1, wordpieces, hidden_size]`.
pub(crate) const INPUTS: [&str; 2] = ["input_ids", "token_type_ids"];
pub(crate) const OUTPUT: &str = "last_hidden_state";

/// How the dense layers count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// 32-bit floats.
    F32,
    /// Weights in 8 bits with a scale per output channel, inputs in 8 bits with one scale per call.
    Int8,
}

/// Writes the encoder described by `config` with the tensors of `weights`.
pub(crate) fn bert(
    config: &BertConfig,
    weights: &Weights,
    precision: Precision,
) -> Result<Vec<u8>, EncoderError> {
    let (dim, inner, heads) = (
        config.hidden_size,
        config.intermediate_size,
        config.num_attention_heads,
    );
    let mut graph = Graph {
        weights,
        precision,
        graph: GraphProto::default(),
        values: 0,
    };

    let table = |graph: &mut Graph<'_>, name: &str, rows: usize| -> Result<String, EncoderError> {
        let data = weights.tensor(
            &format!("embeddings.{name}_embeddings.weight"),
            &[rows, dim],
        )?;
        Ok(graph.floats(name, &[rows, dim], &data))
    };
    let words = table(&mut graph, "word", config.vocab_size)?;
    let types = table(&mut graph, "token_type", config.type_vocab_size)?;
    let positions = table(&mut graph, "position", config.max_position_embeddings)?;

    let word = graph.op("Gather", &[&words, INPUTS[0]], vec![]);
    let kind = graph.op("Gather", &[&types, INPUTS[1]], vec![]);
    let length = graph.op("Shape", &[INPUTS[0]], vec![int("start", 1), int("end", 2)]);
    let (zero, first_axis) = (graph.ints("zero", &[0]), graph.ints("first_axis", &[0]));
    let position = graph.op("Slice", &[&positions, &zero, &length, &first_axis], vec![]);
    let embedded = graph.op("Add", &[&word, &kind], vec![]);
    let embedded = graph.op("Add", &[&embedded, &position], vec![]);
    let mut x = graph.layer_norm(&embedded, "embeddings.LayerNorm", config)?;

    let split = graph.ints("split_heads", &[0, 0, heads as i64, (dim / heads) as i64]);
    let merge = graph.ints("merge_heads", &[0, 0, dim as i64]);
    let scale = ((dim / heads) as f32).sqrt().recip();
    for layer in 0..config.num_hidden_layers {
        let name = |part: &str| format!("encoder.layer.{layer}.{part}");

        let mut part = |which: &str, scale: f32, order: &[i64]| -> Result<String, EncoderError> {
            let flat = graph.dense(
                &x,
                &name(&format!("attention.self.{which}")),
                dim,
                dim,
                scale,
            )?;
            let split = graph.op("Reshape", &[&flat, &split], vec![]);
            Ok(graph.op("Transpose", &[&split], vec![ints("perm", order)]))
        };
        // The scale of the scores is multiplied into the query's weights.
        let query = part("query", scale, &[0, 2, 1, 3])?;
        let key = part("key", 1.0, &[0, 2, 3, 1])?;
        let value = part("value", 1.0, &[0, 2, 1, 3])?;
        let scores = graph.op("MatMul", &[&query, &key], vec![]);
        let attention = graph.op("Softmax", &[&scores], vec![int("axis", -1)]);
        let context = graph.op("MatMul", &[&attention, &value], vec![]);
        let context = graph.op("Transpose", &[&context], vec![ints("perm", &[0, 2, 1, 3])]);
        let context = graph.op("Reshape", &[&context, &merge], vec![]);
        let context = graph.dense(&context, &name("attention.output.dense"), dim, dim, 1.0)?;
        let sum = graph.op("Add", &[&context, &x], vec![]);
        x = graph.layer_norm(&sum, &name("attention.output.LayerNorm"), config)?;

        let wide = graph.dense(&x, &name("intermediate.dense"), dim, inner, 1.0)?;
        let wide = graph.gelu(&wide);
        let narrow = graph.dense(&wide, &name("output.dense"), inner, dim, 1.0)?;
        let sum = graph.op("Add", &[&narrow, &x], vec![]);
        x = graph.layer_norm(&sum, &name("output.LayerNorm"), config)?;
    }
    graph.node("Identity", &[&x], &[OUTPUT], vec![]);
    graph.finish(dim)
}

struct Graph<'w> {
    weights: &'w Weights,
    precision: Precision,
    graph: GraphProto,
    values: usize,
}

impl Graph<'_> {
    /// `W x + b`; the weights are `[outputs, inputs]` in the file and `[inputs, outputs]` in the graph.
    fn dense(
        &mut self,
        x: &str,
        name: &str,
        inputs: usize,
        outputs: usize,
        scale: f32,
    ) -> Result<String, EncoderError> {
        let stored = self
            .weights
            .tensor(&format!("{name}.weight"), &[outputs, inputs])?;
        let mut bias = self.weights.tensor(&format!("{name}.bias"), &[outputs])?;
        bias.iter_mut().for_each(|b| *b *= scale);
        let bias = self.floats(&format!("{name}.bias"), &[outputs], &bias);
        let product = match self.precision {
            Precision::F32 => {
                let mut turned = vec![0.0; stored.len()];
                for (output, row) in stored.chunks_exact(inputs).enumerate() {
                    for (input, weight) in row.iter().enumerate() {
                        turned[input * outputs + output] = weight * scale;
                    }
                }
                let weight = self.floats(&format!("{name}.weight"), &[inputs, outputs], &turned);
                self.op("MatMul", &[x, &weight], vec![])
            }
            Precision::Int8 => self.int8_product(x, name, &stored, inputs, outputs, scale),
        };
        Ok(self.op("Add", &[&product, &bias], vec![]))
    }

    fn int8_product(
        &mut self,
        x: &str,
        name: &str,
        stored: &[f32],
        inputs: usize,
        outputs: usize,
        scale: f32,
    ) -> String {
        let mut turned = vec![0_i8; stored.len()];
        let mut scales = vec![0.0; outputs];
        for (output, row) in stored.chunks_exact(inputs).enumerate() {
            let largest = row.iter().fold(0.0_f32, |m, w| m.max(w.abs()));
            let step = if largest > 0.0 {
                largest / INT8_RANGE
            } else {
                1.0
            };
            scales[output] = step * scale;
            for (input, weight) in row.iter().enumerate() {
                turned[input * outputs + output] = (weight / step).round() as i8;
            }
        }
        let weight = self.bytes(&format!("{name}.weight"), &[inputs, outputs], &turned);
        let scales = self.floats(&format!("{name}.scale"), &[outputs], &scales);
        let [quantised, input_scale, zero] = self.ops("DynamicQuantizeLinear", &[x]);
        let weight_zero = self.bytes("weight_zero", &[], &[0]);
        let product = self.op(
            "MatMulInteger",
            &[&quantised, &weight, &zero, &weight_zero],
            vec![],
        );
        let product = self.op(
            "Cast",
            &[&product],
            vec![int("to", i64::from(DataType::FLOAT.0))],
        );
        let scale = self.op("Mul", &[&input_scale, &scales], vec![]);
        self.op("Mul", &[&product, &scale], vec![])
    }

    fn layer_norm(
        &mut self,
        x: &str,
        name: &str,
        config: &BertConfig,
    ) -> Result<String, EncoderError> {
        let dim = config.hidden_size;
        let [gain, shift] = ["weight", "bias"].map(|part| format!("{name}.{part}"));
        let gain_data = self.weights.tensor(&gain, &[dim])?;
        let shift_data = self.weights.tensor(&shift, &[dim])?;
        let (gain, shift) = (
            self.floats(&gain, &[dim], &gain_data),
            self.floats(&shift, &[dim], &shift_data),
        );
        let attributes = vec![int("axis", -1), float("epsilon", config.layer_norm_eps)];
        Ok(self.op("LayerNormalization", &[x, &gain, &shift], attributes))
    }

    /// `x/2 · (1 + erf(x/√2))`, in the form that runtimes recognise and fuse.
    fn gelu(&mut self, x: &str) -> String {
        let root = self.scalar("sqrt_2", std::f32::consts::SQRT_2);
        let one = self.scalar("one", 1.0);
        let half = self.scalar("half", 0.5);
        let scaled = self.op("Div", &[x, &root], vec![]);
        let erf = self.op("Erf", &[&scaled], vec![]);
        let sum = self.op("Add", &[&erf, &one], vec![]);
        let product = self.op("Mul", &[x, &sum], vec![]);
        self.op("Mul", &[&product, &half], vec![])
    }

    fn op(&mut self, kind: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> String {
        let output = self.value();
        self.node(kind, inputs, &[&output], attributes);
        output
    }

    fn ops<const N: usize>(&mut self, kind: &str, inputs: &[&str]) -> [String; N] {
        let outputs = std::array::from_fn(|_| self.value());
        let names: Vec<&str> = outputs.iter().map(String::as_str).collect();
        self.node(kind, inputs, &names, vec![]);
        outputs
    }

    fn value(&mut self) -> String {
        self.values += 1;
        format!("v{}", self.values)
    }

    fn node(
        &mut self,
        kind: &str,
        inputs: &[&str],
        outputs: &[&str],
        attribute: Vec<AttributeProto>,
    ) {
        self.graph.node.push(NodeProto {
            name: Some(format!("{kind}_{}", self.graph.node.len())),
            op_type: Some(kind.to_owned()),
            input: inputs.iter().map(|&s| s.to_owned()).collect(),
            output: outputs.iter().map(|&s| s.to_owned()).collect(),
            attribute,
            ..NodeProto::default()
        });
    }

    fn floats(&mut self, name: &str, shape: &[usize], data: &[f32]) -> String {
        let bytes = data.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.constant(name, DataType::FLOAT, shape, bytes)
    }

    fn scalar(&mut self, name: &str, value: f32) -> String {
        self.floats(name, &[], &[value])
    }

    fn ints(&mut self, name: &str, data: &[i64]) -> String {
        let bytes = data.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.constant(name, DataType::INT64, &[data.len()], bytes)
    }

    fn bytes(&mut self, name: &str, shape: &[usize], data: &[i8]) -> String {
        let bytes = data.iter().map(|x| x.cast_unsigned()).collect();
        self.constant(name, DataType::INT8, shape, bytes)
    }

    /// Adds a constant once; a second one of the same name is the first.
    fn constant(
        &mut self,
        name: &str,
        data_type: DataType,
        shape: &[usize],
        bytes: Vec<u8>,
    ) -> String {
        if !self
            .graph
            .initializer
            .iter()
            .any(|t| t.name.as_deref() == Some(name))
        {
            self.graph.initializer.push(TensorProto {
                name: Some(name.to_owned()),
                data_type: Some(data_type),
                dims: shape.iter().map(|&n| n as i64).collect(),
                raw_data: Some(RefCell::new(bytes)),
                ..TensorProto::default()
            });
        }
        name.to_owned()
    }

    fn finish(mut self, dim: usize) -> Result<Vec<u8>, EncoderError> {
        let length = || Dimension {
            dim_param: Some("wordpieces".to_owned()),
            ..Dimension::default()
        };
        let fixed = |n: usize| Dimension {
            dim_value: Some(n as i64),
            ..Dimension::default()
        };
        let value = |name: &str, kind: DataType, dim: Vec<Dimension>| ValueInfoProto {
            name: Some(name.to_owned()),
            r#type: Some(TypeProto {
                tensor_type: Some(TypeProtoTensor {
                    elem_type: Some(kind),
                    shape: Some(TensorShapeProto { dim }),
                }),
                ..TypeProto::default()
            }),
        };
        self.graph.input = INPUTS
            .map(|name| value(name, DataType::INT64, vec![fixed(1), length()]))
            .to_vec();
        self.graph.output = vec![value(
            OUTPUT,
            DataType::FLOAT,
            vec![fixed(1), length(), fixed(dim)],
        )];
        let model = ModelProto {
            ir_version: Some(8),
            graph: Some(self.graph),
            opset_import: vec![OperatorSetIdProto {
                domain: Some(String::new()),
                version: Some(17),
            }],
            ..ModelProto::default()
        };
        model.write_buf().map_err(|e| EncoderError::Backend {
            backend: "rten",
            doing: "writing the graph",
            reason: e.to_string(),
        })
    }
}

/// Largest value of an 8-bit weight. Without VNNI, x86 adds two products of 8-bit numbers in 16 bits, which
/// overflow above 7 bits of weight.
const INT8_RANGE: f32 = 63.0;

fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        r#type: Some(AttributeType::INT),
        i: Some(value),
        ..AttributeProto::default()
    }
}

fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        r#type: Some(AttributeType::INTS),
        ints: values.to_vec(),
        ..AttributeProto::default()
    }
}

fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto {
        name: Some(name.to_owned()),
        r#type: Some(AttributeType::FLOAT),
        f: Some(value),
        ..AttributeProto::default()
    }
}
