//! Documents on their way through the pipeline: texts, layers of spans with
//! attributes and links, edits with their alignment. No I/O, no unsafe code.
//!
//! A [`Batch`] holds documents as columns, so that a stage behind the C
//! boundary can be lent plain pointers. A stage never changes a batch itself:
//! it writes into [`Changes`], which checks every output at the call that makes
//! it, and [`Batch::apply`] puts all of them in at once or, if one was refused,
//! none.
//!
//! * `raw` is the input as decoded, `text` what stages read. They differ by
//!   [`Edit`]s, and the [`Alignment`] between them maps every span back.
//! * A [`Layer`] has [spans](SpanView) with label, score and writing stage,
//!   and [attributes](Attr). Rows count per document, and a [`Link`] names a
//!   layer and a row, so a batch can be cut, joined and bisected freely.
//! * Offsets are bytes of UTF-8; [`offsets`] converts them.
//!
//! ```
//! use std::sync::Arc;
//! use copydesk_document::{AttrValue, Batch, Changes, Contract, Edit, NewDocument, Span};
//!
//! let mut batch = Batch::new();
//! batch.push(NewDocument::new("a", "ADVERTISEMENT\nAda Lund met the ferrymen."));
//!
//! // What one stage writes: it cuts a line and marks a name.
//! let contract = Contract::parse("demo", &[], &["text", "layer:entities"])?;
//! let mut changes = Changes::new(&batch, Arc::new(contract));
//! let cut = Edit { start: 0, end: 14, with: String::new(), kind: Some("advertisement".into()) };
//! changes.edit(0, vec![cut])?;
//! let entities = changes.layer("entities")?;
//! let person = changes.label(entities, "PER")?;
//! // Offsets count in the text that the stage was shown, before its edit.
//! let row = changes.add_spans(0, entities, &[Span { label: person, score: 0.9, ..Span::new(14, 22) }])?;
//! changes.set_attr(0, entities, row, "name", AttrValue::Text("Ada Lund"))?;
//! changes.finish()?;
//! batch.apply(changes);
//!
//! assert_eq!(batch.text(0), "Ada Lund met the ferrymen.");
//! let entity = batch.layer("entities").unwrap().span(0, 0);
//! assert_eq!((entity.range(), entity.label), (0..8, Some("PER")));
//! assert_eq!(batch.alignment(0).to_raw(0..8), 14..22);
//! assert_eq!(batch.layer("removed").unwrap().span(0, 0).label, Some("advertisement"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod alignment;
mod batch;
mod changes;
mod column;
mod commit;
mod contract;
mod given;
mod layer;
pub mod offsets;
#[cfg(test)]
mod testing;
mod wire;

pub use alignment::{Alignment, Edit};
pub use batch::{Batch, DocFailure, DocKey, NewDocument, Outcome, Warning};
pub use changes::{AttrValue, Changes, LayerRef, Refusal, Span};
pub use column::{Names, StrColumn};
pub use contract::{Contract, ContractName, ContractNameError, OutLayer, Subject};
pub use given::{NewLayer, NewSpan, NewValue};
pub use layer::{Attr, AttrValues, Layer, SpanView};
pub use serde_json::{Map, Value};
pub use wire::WireError;

/// A row of a layer, counted within its document.
pub type Row = u32;

/// Stands for "no label" in columns of labels.
pub const NO_LABEL: u32 = u32::MAX;

/// Stands for "no score" in columns of scores; others are in `0.0..=1.0`.
pub const NO_SCORE: f32 = -1.0;

/// The layer, in raw, that keeps what edits with a kind cut from the text.
pub const REMOVED: &str = "removed";

/// A span of another layer of the same document. Between batches a link keeps
/// its meaning through [`Batch::select`], [`Batch::split_off`] and
/// [`Batch::append`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct Link {
    /// Index of [`Batch::link_names`].
    pub layer: u32,
    /// Row of that layer in the same document.
    pub row: Row,
}
