//! The C functions of a stage, and the tables that carry them.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::sync::OnceLock;

use copydesk_abi as abi;

use crate::call::{self, Caught};
use crate::view::{Docs, str_of};
use crate::{Diagnostics, Host, Out, Stage, StageError, StageInfo, Worker, schema};

/// The C table of a stage, for a host that links it statically (a unit test).
/// `version` is that of the package.
#[must_use]
pub fn stage_api<S: Stage + StageInfo>(version: &'static str) -> abi::StaticStage {
    call::prepare(false);
    // SAFETY: the functions below keep the rules, and the table is leaked.
    unsafe { abi::StaticStage::new(table::<S>(version)) }
}

/// What [`export!`](crate::export) answers the host with. Null to a host of
/// another ABI, and where making the tables panics.
///
/// # Safety
/// `tables` make tables of this very library.
#[must_use]
pub fn module(
    host: (u16, u16),
    version: &'static str,
    meta: &'static [u8],
    tables: &[fn(&'static str) -> &'static abi::StageApi],
) -> *const abi::Module {
    static MODULE: OnceLock<Static<abi::Module>> = OnceLock::new();
    // Until 1.0, exactly the same version.
    if host != (abi::ABI_MAJOR, abi::ABI_MINOR) {
        return std::ptr::null();
    }
    // A table is either whole or not there: nothing torn is left by a panic.
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        call::prepare(true);
        let module = MODULE.get_or_init(|| {
            META.get_or_init(|| meta);
            let stages: Vec<*const abi::StageApi> = tables
                .iter()
                .map(|table| std::ptr::from_ref(table(version)))
                .collect();
            let stages = stages.leak();
            Static(leak(abi::Module {
                struct_size: size_of::<abi::Module>() as u32,
                abi_major: abi::ABI_MAJOR,
                abi_minor: abi::ABI_MINOR,
                stage_count: stages.len() as u32,
                flags: 0,
                stages: stages.as_ptr(),
                get_extension,
            }))
        });
        std::ptr::from_ref(module.0)
    }))
    .unwrap_or(std::ptr::null())
}

/// The C table of `S`, leaked: tables live as long as the library.
#[must_use]
pub fn table<S: Stage + StageInfo>(version: &'static str) -> &'static abi::StageApi {
    let requires = strings(S::REQUIRES);
    let provides = strings(S::PROVIDES);
    let schema: &'static str = schema::of::<S::Config>().to_string().leak();
    leak(abi::StageApi {
        struct_size: size_of::<abi::StageApi>() as u32,
        flags: 0,
        id: abi::Str::new(S::ID),
        version: abi::Str::new(version),
        config_schema: abi::Str::new(schema),
        requires: requires.as_ptr(),
        requires_count: requires.len(),
        provides: provides.as_ptr(),
        provides_count: provides.len(),
        create: create::<S>,
        load: load::<S>,
        destroy: destroy::<S>,
        open_worker: open_worker::<S>,
        close_worker: close_worker::<S>,
        process: process::<S>,
    })
}

static META: OnceLock<&'static [u8]> = OnceLock::new();

/// A static table.
struct Static<T: 'static>(&'static T);
// SAFETY: tables are never written to after they were made.
unsafe impl<T> Send for Static<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Static<T> {}

fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

fn strings(names: &[&'static str]) -> &'static [abi::Str] {
    names
        .iter()
        .map(|name| abi::Str::new(name))
        .collect::<Vec<_>>()
        .leak()
}

unsafe extern "C" fn get_extension(id: abi::Str) -> *const c_void {
    // SAFETY: the host promises a valid string; nothing here panics.
    match (unsafe { str_of(id) }, META.get()) {
        ("copydesk.meta/1", Some(meta)) => meta.as_ptr().cast(),
        _ => std::ptr::null(),
    }
}

struct Created<S> {
    stage: S,
    host: *const abi::Host,
}

struct Opened<W> {
    worker: W,
    host: *const abi::Host,
    /// What a panic left behind cannot be trusted; the host closes the worker.
    torn: bool,
}

/// Tells the host of a panic and gives the status for it.
///
/// # Safety
/// `host` is valid, or null.
unsafe fn panicked(host: *const abi::Host, caught: &Caught) -> abi::Status {
    if !host.is_null() {
        let error = StageError {
            class: abi::STATUS_PANICKED,
            ..StageError::failed("panic", &caught.message)
        };
        // SAFETY: by the caller.
        unsafe { Host::new(&*host) }.fail(&error, &caught.place);
    }
    abi::STATUS_PANICKED
}

unsafe extern "C" fn create<S: Stage + StageInfo>(
    host: *const abi::Host,
    options: abi::Str,
    out: *mut *mut c_void,
) -> abi::Status {
    if host.is_null() || out.is_null() {
        return abi::STATUS_REJECTED;
    }
    // SAFETY: the host promises a valid table, string and place for the
    // pointer; `joined` is undone by `destroy`, until which the table lives.
    unsafe {
        let result = call::guarded(host, || {
            let table = Host::new(&*host);
            let made = schema::read(str_of(options)).and_then(|options| {
                for (layers, key, value) in [
                    (S::TRANSIENT, "transient", "true"),
                    (S::RAW, "offsets", "raw"),
                ] {
                    for layer in layers {
                        table.describe(&format!("layer:{layer}"), key, value)?;
                    }
                }
                S::create(options, &table)
            });
            match made {
                Ok(stage) => {
                    *out = Box::into_raw(Box::new(Created { stage, host })).cast();
                    abi::STATUS_OK
                }
                Err(wrong) => report(&table, &wrong),
            }
        });
        match result {
            Ok(abi::STATUS_OK) => {
                call::joined(host);
                abi::STATUS_OK
            }
            Ok(status) => status,
            Err(caught) => panicked(host, &caught),
        }
    }
}

fn report(host: &Host<'_>, wrong: &Diagnostics) -> abi::Status {
    for item in &wrong.items {
        host.diagnose(abi::LEVEL_ERROR, &item.pointer, &item.message, &item.hint);
    }
    if let Some(failure) = &wrong.failure {
        host.fail(failure, "");
    }
    if wrong.is_empty() {
        host.diagnose(
            abi::LEVEL_ERROR,
            "",
            "the stage refuses these options without saying why",
            "",
        );
    }
    abi::STATUS_FAILED
}

unsafe extern "C" fn load<S: Stage>(stage: *mut c_void, host: *const abi::Host) -> abi::Status {
    if stage.is_null() || host.is_null() {
        return abi::STATUS_REJECTED;
    }
    // SAFETY: the host hands back what `create` made, and nobody else uses it
    // during `load`.
    unsafe {
        let result = call::guarded(host, || {
            let table = Host::new(&*host);
            let created = &mut *stage.cast::<Created<S>>();
            match created.stage.load(&table) {
                Ok(()) => abi::STATUS_OK,
                Err(error) => {
                    table.fail(&error, "");
                    error.class
                }
            }
        });
        result.unwrap_or_else(|caught| panicked(host, &caught))
    }
}

unsafe extern "C" fn destroy<S: Stage>(stage: *mut c_void) {
    if stage.is_null() {
        return;
    }
    // SAFETY: the host hands back what `create` made, once, after the last
    // worker was closed; its table lives until this returns.
    unsafe {
        let created = Box::from_raw(stage.cast::<Created<S>>());
        let host = created.host;
        if let Err(caught) = call::guarded(host, || drop(created)) {
            misbehaved(host, "destroy", &caught);
        }
        call::left(host);
    }
}

unsafe extern "C" fn open_worker<S: Stage>(
    stage: *const c_void,
    host: *const abi::Host,
    index: u32,
    out: *mut *mut c_void,
) -> abi::Status {
    if stage.is_null() || host.is_null() || out.is_null() {
        return abi::STATUS_REJECTED;
    }
    // SAFETY: the host hands back what `create` made; workers share it
    // read-only (`Stage: Sync`).
    unsafe {
        let result = call::guarded(host, || {
            let table = Host::new(&*host);
            let created = &*stage.cast::<Created<S>>();
            match created.stage.worker(index, &table) {
                Ok(worker) => {
                    let opened = Opened {
                        worker,
                        host,
                        torn: false,
                    };
                    *out = Box::into_raw(Box::new(opened)).cast();
                    abi::STATUS_OK
                }
                Err(error) => {
                    table.fail(&error, "");
                    error.class
                }
            }
        });
        result.unwrap_or_else(|caught| panicked(host, &caught))
    }
}

unsafe extern "C" fn close_worker<S: Stage>(worker: *mut c_void) {
    if worker.is_null() {
        return;
    }
    // SAFETY: the host hands back what `open_worker` made, once, before it
    // destroys the stage and with it the table.
    unsafe {
        let opened = Box::from_raw(worker.cast::<Opened<S::Worker>>());
        let host = opened.host;
        if let Err(caught) = call::guarded(host, || drop(opened)) {
            misbehaved(host, "close_worker", &caught);
        }
    }
}

/// # Safety
/// `host` is valid.
unsafe fn misbehaved(host: *const abi::Host, call: &str, caught: &Caught) {
    let line = format!("{call} panicked at {}: {}", caught.place, caught.message);
    // SAFETY: by the caller.
    unsafe {
        ((*host).log)(
            (*host).ctx,
            abi::LEVEL_PLUGIN_MISBEHAVED,
            abi::Str::new("panic"),
            abi::Str::new(&line),
        );
    }
}

unsafe extern "C" fn process<S: Stage>(
    worker: *mut c_void,
    batch: *const abi::Batch,
    writer: *const abi::Writer,
) -> abi::Status {
    if worker.is_null() || batch.is_null() || writer.is_null() {
        return abi::STATUS_REJECTED;
    }
    // SAFETY: the host hands back what `open_worker` made, one call at a time,
    // and lends batch and writer for this call.
    unsafe {
        let opened = &mut *worker.cast::<Opened<S::Worker>>();
        let mut out = Out::new(&*writer);
        let fail = |error: &StageError, doc: u32, place: &str| {
            ((*writer).fail_call)(
                (*writer).ctx,
                error.class,
                if error.retryable {
                    abi::FAIL_RETRYABLE
                } else {
                    0
                },
                doc,
                abi::Str::new(&error.code),
                abi::Str::new(&error.message),
                abi::Str::new(place),
            );
            error.class
        };
        if opened.torn {
            let error = StageError::unsupported("this worker panicked before; open a new one");
            return fail(&error, abi::NO_DOC, "");
        }
        let docs = Docs::new(&*batch);
        let worker = &mut opened.worker;
        match call::guarded(opened.host, || worker.process(docs, &mut out)) {
            Ok(Ok(())) => abi::STATUS_OK,
            Ok(Err(error)) => fail(&error, out.blamed(), ""),
            Err(caught) => {
                opened.torn = true;
                let error = StageError {
                    class: abi::STATUS_PANICKED,
                    ..StageError::failed("panic", &caught.message)
                };
                fail(&error, out.blamed(), &caught.place)
            }
        }
    }
}
