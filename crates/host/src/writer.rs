//! The writer that a call is given: a thin shell that turns C arguments into
//! calls of [`Changes`], where all other checks are.
#![allow(unsafe_code)]

use std::ffi::c_void;

use copydesk_abi as abi;
use copydesk_document::{AttrValue, Changes, DocFailure, Edit, LayerRef, Refusal, Span};

use crate::CallError;
use crate::table::{call_error, caught, checked, lossy};

/// What the functions of one call's [`abi::Writer`] work on.
pub(crate) struct Pen {
    pub(crate) changes: Changes,
    /// Why the call failed, as the stage told it.
    pub(crate) failure: Option<CallError>,
    /// What the shell itself refused first.
    pub(crate) refusal: Option<Refusal>,
    thread: Thread,
}

/// A thread, told apart from all others that live. `std`'s own id takes and
/// gives back a reference count, which is much for a check on every span.
type Thread = *const u8;

fn this_thread() -> Thread {
    thread_local!(static PLACE: u8 = const { 0 });
    PLACE.with(std::ptr::from_ref)
}

// Spans are passed on as they come.
const _: () = {
    assert!(size_of::<Span>() == size_of::<abi::Span>());
    assert!(align_of::<Span>() == align_of::<abi::Span>());
    assert!(std::mem::offset_of!(Span, start) == std::mem::offset_of!(abi::Span, start));
    assert!(std::mem::offset_of!(Span, end) == std::mem::offset_of!(abi::Span, end));
    assert!(std::mem::offset_of!(Span, label) == std::mem::offset_of!(abi::Span, label));
    assert!(std::mem::offset_of!(Span, score) == std::mem::offset_of!(abi::Span, score));
};

impl Pen {
    pub(crate) fn new(changes: Changes) -> Self {
        Self {
            changes,
            failure: None,
            refusal: None,
            thread: this_thread(),
        }
    }

    /// The table that lends this pen, which must stay where it is.
    pub(crate) fn writer(&mut self) -> abi::Writer {
        abi::Writer {
            struct_size: size_of::<abi::Writer>() as u32,
            _pad: 0,
            ctx: std::ptr::from_mut(self).cast(),
            layer,
            label,
            add_spans,
            set_attr,
            set_vectors,
            set_meta,
            warn_doc,
            edit_text,
            drop_doc,
            fail_doc,
            fail_call,
        }
    }

    /// The first refusal of the call.
    pub(crate) fn refused(&self) -> Option<&Refusal> {
        self.refusal.as_ref().or_else(|| self.changes.refusal())
    }

    fn refuse(&mut self, call: &'static str, doc: u32, reason: impl Into<String>) -> Refused {
        if self.refused().is_none() {
            self.refusal = Some(Refusal {
                doc: Some(doc as usize).filter(|&doc| doc < self.changes.doc_count()),
                call,
                reason: reason.into(),
            });
        }
        Refused
    }

    /// A string argument.
    ///
    /// # Safety
    /// As [`checked`].
    unsafe fn string<'a>(
        &mut self,
        call: &'static str,
        doc: u32,
        what: &str,
        text: abi::Str,
    ) -> Result<&'a str, Refused> {
        // SAFETY: by the caller.
        unsafe { checked(text) }.map_err(|why| self.refuse(call, doc, format!("the {what} {why}")))
    }

    /// An array argument.
    ///
    /// # Safety
    /// `data` is null, or valid for `n` values for `'a`.
    unsafe fn array<'a, T>(
        &mut self,
        call: &'static str,
        doc: u32,
        data: *const T,
        n: usize,
    ) -> Result<&'a [T], Refused> {
        if n == 0 {
            return Ok(&[]);
        }
        let fits = n
            .checked_mul(size_of::<T>())
            .is_some_and(|bytes| bytes <= isize::MAX as usize);
        if data.is_null() || !data.is_aligned() || !fits {
            return Err(self.refuse(call, doc, format!("no sound pointer to {n} values")));
        }
        // SAFETY: by the caller, and just checked.
        Ok(unsafe { std::slice::from_raw_parts(data, n) })
    }
}

/// Stands for a refusal that the pen has kept.
struct Refused;

impl From<Refusal> for Refused {
    // `Changes` keeps the first one itself.
    fn from(_: Refusal) -> Self {
        Self
    }
}

/// Runs one writer function on the pen behind `ctx`.
///
/// # Safety
/// `ctx` is null or came from [`Pen::writer`], during the call.
unsafe fn with_pen(
    call: &'static str,
    ctx: *mut c_void,
    body: impl FnOnce(&mut Pen) -> Result<(), Refused>,
) -> abi::Status {
    caught(|| {
        let pen = ctx.cast::<Pen>();
        if pen.is_null() {
            return abi::STATUS_REJECTED;
        }
        // Compared before a mutable reference exists, so that a second thread
        // is refused rather than let in. What it broke is said on the first.
        // SAFETY: not null, and never written after the pen was made.
        let owner = unsafe { (&raw const (*pen).thread).read() };
        if owner != this_thread() {
            crate::table::write_log(
                "?",
                abi::LEVEL_PLUGIN_MISBEHAVED,
                "writer",
                &format!("`{call}` was called on another thread than `process`"),
            );
            return abi::STATUS_REJECTED;
        }
        // SAFETY: by the caller; only this thread gets here, and no function
        // of the pen calls back into the plugin.
        match body(unsafe { &mut *pen }) {
            Ok(()) => abi::STATUS_OK,
            Err(Refused) => abi::STATUS_REJECTED,
        }
    })
}

unsafe extern "C" fn layer(ctx: *mut c_void, name: abi::Str, out: *mut u32) -> abi::Status {
    const CALL: &str = "layer";
    // SAFETY: the plugin hands back the `ctx` of its writer, during the call,
    // on its thread; arguments live for the call. So in all functions below.
    unsafe {
        with_pen(CALL, ctx, |pen| {
            let name = pen.string(CALL, abi::NO_DOC, "layer's name", name)?;
            let layer = pen.changes.layer(name)?;
            if let Some(out) = out.as_mut() {
                *out = layer.0;
            }
            Ok(())
        })
    }
}

unsafe extern "C" fn label(
    ctx: *mut c_void,
    layer: u32,
    name: abi::Str,
    out: *mut u32,
) -> abi::Status {
    const CALL: &str = "label";
    // SAFETY: as in `layer`.
    unsafe {
        with_pen(CALL, ctx, |pen| {
            let name = pen.string(CALL, abi::NO_DOC, "label", name)?;
            let label = pen.changes.label(LayerRef(layer), name)?;
            if let Some(out) = out.as_mut() {
                *out = label;
            }
            Ok(())
        })
    }
}

unsafe extern "C" fn add_spans(
    ctx: *mut c_void,
    doc: u32,
    layer: u32,
    spans: *const abi::Span,
    n: usize,
    first: *mut u32,
) -> abi::Status {
    const CALL: &str = "add_spans";
    // SAFETY: as in `layer`; both types of span have one layout, see above.
    unsafe {
        with_pen(CALL, ctx, |pen| {
            let spans = pen.array(CALL, doc, spans.cast::<Span>(), n)?;
            let row = pen
                .changes
                .add_spans(doc as usize, LayerRef(layer), spans)?;
            if let Some(first) = first.as_mut() {
                *first = row;
            }
            Ok(())
        })
    }
}

unsafe extern "C" fn set_attr(
    ctx: *mut c_void,
    doc: u32,
    layer: u32,
    row: u32,
    name: abi::Str,
    kind: u32,
    value: *const abi::Value,
) -> abi::Status {
    const CALL: &str = "set_attr";
    // SAFETY: as in `layer`; `kind` says which member of the value there is.
    unsafe {
        with_pen(CALL, ctx, |pen| {
            let name = pen.string(CALL, doc, "attribute's name", name)?;
            let value = *pen
                .array(CALL, doc, value, 1)?
                .first()
                .expect("an array of one");
            let value = match kind {
                abi::ATTR_INT => AttrValue::Int(value.i),
                abi::ATTR_FLOAT => AttrValue::Float(value.f),
                abi::ATTR_TEXT => {
                    let what = format!("value of attribute `{name}`");
                    AttrValue::Text(pen.string(CALL, doc, &what, value.s)?)
                }
                abi::ATTR_LINK => AttrValue::Link {
                    layer: LayerRef(value.link.layer),
                    row: value.link.row,
                },
                _ => {
                    let reason = format!("attribute `{name}` has unknown type {kind}");
                    return Err(pen.refuse(CALL, doc, reason));
                }
            };
            pen.changes
                .set_attr(doc as usize, LayerRef(layer), row, name, value)?;
            Ok(())
        })
    }
}

unsafe extern "C" fn set_vectors(
    ctx: *mut c_void,
    doc: u32,
    layer: u32,
    first_row: u32,
    n: usize,
    name: abi::Str,
    dim: u32,
    values: *const f32,
) -> abi::Status {
    const CALL: &str = "set_vectors";
    // SAFETY: as in `layer`.
    unsafe {
        with_pen(CALL, ctx, |pen| {
            let name = pen.string(CALL, doc, "attribute's name", name)?;
            let Some(count) = n.checked_mul(dim as usize) else {
                return Err(pen.refuse(CALL, doc, format!("{n} vectors of {dim} values")));
            };
            let values = pen.array(CALL, doc, values, count)?;
            pen.changes.set_vectors(
                doc as usize,
                LayerRef(layer),
                first_row,
                n,
                name,
                dim as usize,
                values,
            )?;
            Ok(())
        })
    }
}

unsafe extern "C" fn set_meta(
    ctx: *mut c_void,
    doc: u32,
    pointer: abi::Str,
    json: abi::Str,
) -> abi::Status {
    const CALL: &str = "set_meta";
    // SAFETY: as in `layer`.
    unsafe {
        with_pen(CALL, ctx, |pen| {
            let pointer = pen.string(CALL, doc, "metadata's pointer", pointer)?;
            let json = pen.string(CALL, doc, "metadata", json)?;
            let value = serde_json::from_str(json).map_err(|error| {
                pen.refuse(
                    CALL,
                    doc,
                    format!("`{pointer}` is set to what is no JSON: {error}"),
                )
            })?;
            pen.changes.set_meta(doc as usize, pointer, value)?;
            Ok(())
        })
    }
}

unsafe extern "C" fn warn_doc(
    ctx: *mut c_void,
    doc: u32,
    start: u32,
    end: u32,
    code: abi::Str,
    message: abi::Str,
) -> abi::Status {
    const CALL: &str = "warn_doc";
    // SAFETY: as in `layer`.
    unsafe {
        with_pen(CALL, ctx, |pen| {
            let code = pen.string(CALL, doc, "warning's code", code)?;
            let message = pen.string(CALL, doc, "warning", message)?;
            let span = (start != u32::MAX || end != u32::MAX).then_some(start..end);
            pen.changes.warn(doc as usize, span, code, message)?;
            Ok(())
        })
    }
}

unsafe extern "C" fn edit_text(
    ctx: *mut c_void,
    doc: u32,
    edits: *const abi::Edit,
    n: usize,
) -> abi::Status {
    const CALL: &str = "edit_text";
    // SAFETY: as in `layer`.
    unsafe {
        with_pen(CALL, ctx, |pen| {
            let edits = pen.array(CALL, doc, edits, n)?;
            let mut list = Vec::with_capacity(edits.len());
            for edit in edits {
                let kind = pen.string(CALL, doc, "kind of an edit", edit.kind)?;
                let with = pen.string(CALL, doc, "text of an edit", edit.with)?;
                list.push(Edit {
                    start: edit.start,
                    end: edit.end,
                    with: with.to_owned(),
                    kind: Some(kind.to_owned()).filter(|kind| !kind.is_empty()),
                });
            }
            pen.changes.edit(doc as usize, list)?;
            Ok(())
        })
    }
}

unsafe extern "C" fn drop_doc(ctx: *mut c_void, doc: u32, reason: abi::Str) -> abi::Status {
    const CALL: &str = "drop_doc";
    // SAFETY: as in `layer`.
    unsafe {
        with_pen(CALL, ctx, |pen| {
            let reason = pen.string(CALL, doc, "reason", reason)?;
            pen.changes.drop_doc(doc as usize, reason)?;
            Ok(())
        })
    }
}

unsafe extern "C" fn fail_doc(
    ctx: *mut c_void,
    doc: u32,
    retryable: u32,
    code: abi::Str,
    message: abi::Str,
) -> abi::Status {
    const CALL: &str = "fail_doc";
    // SAFETY: as in `layer`.
    unsafe {
        with_pen(CALL, ctx, |pen| {
            let failure = DocFailure {
                retryable: retryable != 0,
                code: lossy(code),
                message: lossy(message),
            };
            pen.changes.fail_doc(doc as usize, failure)?;
            Ok(())
        })
    }
}

unsafe extern "C" fn fail_call(
    ctx: *mut c_void,
    class: abi::Status,
    flags: u32,
    doc: u32,
    code: abi::Str,
    message: abi::Str,
    place: abi::Str,
) {
    // SAFETY: as in `layer`.
    unsafe {
        with_pen("fail_call", ctx, |pen| {
            let mut error = call_error(class, flags, code, message, place);
            error.doc = Some(doc as usize).filter(|&doc| doc < pen.changes.doc_count());
            pen.failure = Some(error);
            Ok(())
        });
    }
}
