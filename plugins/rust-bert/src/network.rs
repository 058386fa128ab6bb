//! rust-bert's networks behind one function.

use rust_bert::albert::{
    AlbertConfig, AlbertForSequenceClassification, AlbertForTokenClassification,
};
use rust_bert::bart::{BartConfig, BartForSequenceClassification};
use rust_bert::bert::{BertConfig, BertForSequenceClassification, BertForTokenClassification};
use rust_bert::deberta::{
    DebertaConfig, DebertaForSequenceClassification, DebertaForTokenClassification,
};
use rust_bert::deberta_v2::{
    DebertaV2Config, DebertaV2ForSequenceClassification, DebertaV2ForTokenClassification,
};
use rust_bert::distilbert::{
    DistilBertConfig, DistilBertForTokenClassification, DistilBertModelClassifier,
};
use rust_bert::electra::{ElectraConfig, ElectraForTokenClassification};
use rust_bert::longformer::{
    LongformerConfig, LongformerForSequenceClassification, LongformerForTokenClassification,
};
use rust_bert::mobilebert::{
    MobileBertConfig, MobileBertForSequenceClassification, MobileBertForTokenClassification,
};
use rust_bert::roberta::{
    RobertaConfig, RobertaForSequenceClassification, RobertaForTokenClassification,
};
use serde::de::DeserializeOwned;
use tch::Tensor;
use tch::nn::Path;

use crate::folder::{Architecture, Folder, Task};

/// What a network reads: `[inputs, pieces]` each, of whole numbers.
pub(crate) struct Batch {
    pub(crate) ids: Tensor,
    /// 1 for a piece, 0 for filling.
    pub(crate) mask: Tensor,
    pub(crate) types: Tensor,
}

/// From a batch to the scores of the labels: `[inputs, pieces, labels]`, or `[inputs, labels]` for whole texts.
pub(crate) type Network = Box<dyn Fn(&Batch) -> Result<Tensor, String> + Send>;

/// Builds the network of a model; its weights come later.
///
/// # Errors
/// `config.json` does not describe such a network.
pub(crate) fn network(folder: &Folder, path: &Path<'_>) -> Result<Network, String> {
    /// Builds `$network` of `$config`, and calls it with a batch as `$call` says.
    macro_rules! built {
        ($network:ty, $config:ty, |$built:ident, $batch:ident| $call:expr) => {{
            let $built = <$network>::new(path, &config::<$config>(folder)?).map_err(text)?;
            Box::new(move |$batch: &Batch| $call)
        }};
    }
    /// One whose `forward_t` takes what BERT's takes.
    macro_rules! like_bert {
        ($network:ty, $config:ty) => {
            built!($network, $config, |network, batch| {
                let (ids, mask, types) = (Some(&batch.ids), Some(&batch.mask), Some(&batch.types));
                Ok(network
                    .forward_t(ids, mask, types, None, None, false)
                    .logits)
            })
        };
        (fallible $network:ty, $config:ty) => {
            built!($network, $config, |network, batch| {
                let (ids, mask, types) = (Some(&batch.ids), Some(&batch.mask), Some(&batch.types));
                let output = network.forward_t(ids, mask, types, None, None, false);
                Ok(output.map_err(text)?.logits)
            })
        };
    }
    macro_rules! like_distilbert {
        ($network:ty) => {
            built!($network, DistilBertConfig, |network, batch| {
                let output = network.forward_t(Some(&batch.ids), Some(&batch.mask), None, false);
                Ok(output.map_err(text)?.logits)
            })
        };
    }
    macro_rules! like_longformer {
        ($network:ty) => {
            built!($network, LongformerConfig, |network, batch| {
                let (ids, mask, types) = (Some(&batch.ids), Some(&batch.mask), Some(&batch.types));
                let output = network.forward_t(ids, mask, None, types, None, None, false);
                Ok(output.map_err(text)?.logits)
            })
        };
    }
    macro_rules! like_mobilebert {
        ($network:ty) => {
            built!($network, MobileBertConfig, |network, batch| {
                let (ids, mask, types) = (Some(&batch.ids), Some(&batch.mask), Some(&batch.types));
                let output = network.forward_t(ids, types, None, None, mask, false);
                Ok(output.map_err(text)?.logits)
            })
        };
    }
    use Architecture as A;
    use Task::{Sequence, Tokens};
    Ok(match (folder.architecture, folder.task) {
        (A::Albert, Sequence) => like_bert!(AlbertForSequenceClassification, AlbertConfig),
        (A::Albert, Tokens) => like_bert!(AlbertForTokenClassification, AlbertConfig),
        (A::Bart, _) => built!(
            BartForSequenceClassification,
            BartConfig,
            |network, batch| {
                let output =
                    network.forward_t(&batch.ids, Some(&batch.mask), None, None, None, false);
                Ok(output.decoder_output)
            }
        ),
        (A::Bert, Sequence) => like_bert!(BertForSequenceClassification, BertConfig),
        (A::Bert, Tokens) => like_bert!(BertForTokenClassification, BertConfig),
        (A::Deberta, Sequence) => {
            like_bert!(fallible DebertaForSequenceClassification, DebertaConfig)
        }
        (A::Deberta, Tokens) => like_bert!(fallible DebertaForTokenClassification, DebertaConfig),
        (A::DebertaV2, Sequence) => {
            like_bert!(fallible DebertaV2ForSequenceClassification, DebertaV2Config)
        }
        (A::DebertaV2, Tokens) => {
            like_bert!(fallible DebertaV2ForTokenClassification, DebertaV2Config)
        }
        (A::DistilBert, Sequence) => like_distilbert!(DistilBertModelClassifier),
        (A::DistilBert, Tokens) => like_distilbert!(DistilBertForTokenClassification),
        (A::Electra, _) => like_bert!(ElectraForTokenClassification, ElectraConfig),
        (A::Longformer, Sequence) => like_longformer!(LongformerForSequenceClassification),
        (A::Longformer, Tokens) => like_longformer!(LongformerForTokenClassification),
        (A::MobileBert, Sequence) => like_mobilebert!(MobileBertForSequenceClassification),
        (A::MobileBert, Tokens) => like_mobilebert!(MobileBertForTokenClassification),
        (A::Roberta, Sequence) => like_bert!(RobertaForSequenceClassification, RobertaConfig),
        (A::Roberta, Tokens) => like_bert!(RobertaForTokenClassification, RobertaConfig),
    })
}

fn config<C: DeserializeOwned>(folder: &Folder) -> Result<C, String> {
    serde_json::from_value(folder.config.clone()).map_err(|error| {
        format!(
            "{}: not the configuration of such a network: {error}",
            folder.path.join("config.json").display()
        )
    })
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
