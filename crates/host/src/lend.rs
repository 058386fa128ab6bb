//! A batch as the plugin sees it: pointers to the document's own columns.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use copydesk_abi as abi;
use copydesk_document::{AttrValues, Batch, Contract, Layer, Link, Names, StrColumn, Subject};

/// When a call has to end. Lent to the plugin together with the batch.
pub(crate) struct Limit<'a> {
    pub(crate) deadline: Option<Instant>,
    pub(crate) cancelled: Option<&'a AtomicBool>,
}

/// Tables that describe layers, kept from call to call to spare allocations.
#[derive(Default)]
pub(crate) struct Tables {
    layers: Vec<abi::Layer>,
    attrs: Vec<abi::Attr>,
}

// SAFETY: outside a call the tables are empty, and no pointer is in them.
unsafe impl Send for Tables {}

// The columns are lent as they are.
const _: () = {
    assert!(size_of::<Link>() == size_of::<abi::Link>());
    assert!(std::mem::offset_of!(Link, layer) == std::mem::offset_of!(abi::Link, layer));
    assert!(std::mem::offset_of!(Link, row) == std::mem::offset_of!(abi::Link, row));
    assert!(copydesk_document::NO_LABEL == abi::NO_LABEL);
    assert!(copydesk_document::NO_SCORE == abi::NO_SCORE);
};

impl Tables {
    /// Calls `with` with a view of `batch` that shows what `contract` requires.
    pub(crate) fn lend<R>(
        &mut self,
        batch: &Batch,
        contract: &Contract,
        limit: &Limit<'_>,
        with: impl FnOnce(&abi::Batch) -> R,
    ) -> R {
        self.layers.clear();
        self.attrs.clear();
        let shown = |layer: &&Layer| {
            contract
                .requires
                .iter()
                .any(|required| required.layer() == Some(&layer.name))
        };
        // All attributes first: their table must not move once it is pointed to.
        for layer in batch.layers().iter().filter(shown) {
            for attr in layer.attrs() {
                let (kind, dim, data, offsets) = values(&attr.values);
                self.attrs.push(abi::Attr {
                    name: abi::Str::new(&attr.name),
                    kind,
                    dim,
                    data,
                    offsets,
                    validity: attr
                        .valid
                        .as_ref()
                        .map_or(std::ptr::null(), |valid| valid.as_ptr()),
                });
            }
        }
        let mut attrs = self.attrs.as_slice();
        for layer in batch.layers().iter().filter(shown) {
            let (own, rest) = attrs.split_at(layer.attrs().len());
            attrs = rest;
            self.layers.push(lend_layer(layer, own));
        }

        let wants_meta = contract
            .requires
            .iter()
            .any(|required| matches!(required.subject, Subject::Meta(_)));
        let link_names: &Names = batch.link_names();
        let view = abi::Batch {
            struct_size: size_of::<abi::Batch>() as u32,
            layer_stride: size_of::<abi::Layer>() as u32,
            doc_count: batch.len() as u32,
            layer_count: self.layers.len() as u32,
            id: column(batch.ids()),
            text: column(batch.texts()),
            raw: column(batch.raws()),
            media_type: column(batch.media_types()),
            lang: column(batch.languages()),
            meta_json: if wants_meta {
                column(batch.meta_jsons())
            } else {
                abi::StrCol::ABSENT
            },
            layers: self.layers.as_ptr(),
            ctx: std::ptr::from_ref(limit).cast_mut().cast(),
            time_left_ms,
            link_layers: column(link_names.column()),
            link_layer_count: link_names.len() as u32,
            _pad: 0,
        };
        let result = with(&view);
        self.layers.clear();
        self.attrs.clear();
        result
    }
}

fn lend_layer(layer: &Layer, attrs: &[abi::Attr]) -> abi::Layer {
    let mut flags = 0;
    if layer.transient {
        flags |= abi::LAYER_TRANSIENT;
    }
    if layer.raw {
        flags |= abi::LAYER_RAW;
    }
    abi::Layer {
        struct_size: size_of::<abi::Layer>() as u32,
        attr_stride: size_of::<abi::Attr>() as u32,
        name: abi::Str::new(&layer.name),
        flags,
        label_count: layer.labels().len() as u32,
        stage_count: layer.stages().len() as u32,
        attr_count: attrs.len() as u32,
        rows: layer.rows().as_ptr(),
        start: layer.starts().as_ptr(),
        end: layer.ends().as_ptr(),
        label: layer.label_ids().as_ptr(),
        score: layer.scores().as_ptr(),
        stage: layer.stage_ids().as_ptr(),
        labels: column(layer.labels().column()),
        stages: column(layer.stages().column()),
        attrs: attrs.as_ptr(),
    }
}

fn values(values: &AttrValues) -> (u32, u32, *const c_void, *const i64) {
    let none = std::ptr::null();
    match values {
        AttrValues::Int(values) => (abi::ATTR_INT, 0, values.as_ptr().cast(), none),
        AttrValues::Float(values) => (abi::ATTR_FLOAT, 0, values.as_ptr().cast(), none),
        AttrValues::Text(texts) => {
            let column = column(texts);
            (abi::ATTR_TEXT, 0, column.data.cast(), column.offsets)
        }
        AttrValues::Link(links) => (abi::ATTR_LINK, 0, links.as_ptr().cast(), none),
        AttrValues::Vector { dim, data } => {
            (abi::ATTR_VECTOR, *dim as u32, data.as_ptr().cast(), none)
        }
    }
}

fn column(column: &StrColumn) -> abi::StrCol {
    abi::StrCol {
        data: column.data().as_ptr(),
        offsets: column.offsets().as_ptr(),
    }
}

unsafe extern "C" fn time_left_ms(ctx: *mut c_void) -> i64 {
    // SAFETY: the plugin hands back the `ctx` of its batch, during the call.
    let Some(limit) = (unsafe { ctx.cast::<Limit<'_>>().as_ref() }) else {
        return abi::NO_TIME_LIMIT;
    };
    if limit
        .cancelled
        .is_some_and(|flag| flag.load(Ordering::Relaxed))
    {
        return 0;
    }
    let Some(deadline) = limit.deadline else {
        return abi::NO_TIME_LIMIT;
    };
    let left = deadline.saturating_duration_since(Instant::now());
    // Rounded up: 0 says that the time is over.
    i64::try_from(left.as_micros().div_ceil(1000)).unwrap_or(i64::MAX - 1)
}
