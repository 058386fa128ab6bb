//! What surrounds each call from the host: panics are caught and described,
//! and `tracing` events find their way to the log of the stage at work.
//!
//! A cdylib has a copy of the standard library of its own, and so a panic hook
//! of its own: the host's hook never sees a plugin's panic, and the default one
//! would write to stderr in the middle of a progress bar.
#![allow(unsafe_code)]

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, Once, PoisonError, RwLock};

use copydesk_abi as abi;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// A panic that was caught.
pub(crate) struct Caught {
    pub(crate) message: String,
    /// `file:line:column`, or empty.
    pub(crate) place: String,
}

/// Runs `f` as a call on behalf of `host`, and catches its panic.
///
/// # Safety
/// `host` is null or valid for the time of the call.
pub(crate) unsafe fn guarded<R>(
    host: *const abi::Host,
    f: impl FnOnce() -> R,
) -> Result<R, Caught> {
    let outer = CALL.replace(Some(host));
    PANIC.take();
    let result = catch_unwind(AssertUnwindSafe(f));
    CALL.set(outer);
    result.map_err(|payload| {
        let caught = PANIC
            .take()
            // The panic happened on a thread of the plugin's own, such as a
            // pool's, which handed it on to this one.
            .or_else(|| stray().take())
            .unwrap_or_else(|| Caught {
                message: message_of(&*payload),
                place: String::new(),
            });
        // A payload may panic when it is dropped. The second payload is
        // leaked rather than given the same chance.
        if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(again);
        }
        caught
    })
}

/// Prepares this library's own copy of the standard library and of `tracing`.
/// `exported` = this is a cdylib that a host has opened, not a unit test.
pub(crate) fn prepare(exported: bool) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let caught = Caught {
                message: message_of(info.payload()),
                place: place_of(info),
            };
            if CALL.get().is_some() {
                PANIC.set(Some(caught));
                return;
            }
            if EXPORTED.load(Ordering::Relaxed) {
                let line = format!(
                    "a thread of the plugin panicked at {}: {}",
                    caught.place, caught.message
                );
                send(abi::LEVEL_PLUGIN_MISBEHAVED, "panic", &line);
            } else {
                before(info);
            }
            *stray() = Some(caught);
        }));
    });
    if exported && !EXPORTED.swap(true, Ordering::Relaxed) {
        // Only where this library has a copy of `tracing` of its own. Linked
        // statically, it shares the host's, and an event sent to the host
        // would come back, and be sent again.
        let _ = tracing::subscriber::set_global_default(ToHost);
    }
}

/// Makes `host` known to threads that the plugin starts itself, until [`left`].
///
/// # Safety
/// `host` is valid until `left(host)` returned.
pub(crate) unsafe fn joined(host: *const abi::Host) {
    // SAFETY: by the caller; the function may be called from any thread.
    let level = unsafe { ((*host).log_level)((*host).ctx) };
    LEVEL.fetch_min(level, Ordering::Relaxed);
    tracing::callsite::rebuild_interest_cache();
    hosts_mut().push(HostPtr(host));
}

/// Forgets `host`; returns only when no thread uses it any more.
pub(crate) fn left(host: *const abi::Host) {
    hosts_mut().retain(|known| !std::ptr::eq(known.0, host));
}

/// Adds to a counter of the stage whose call this thread is in.
pub(crate) fn count(name: &str, add: u64) {
    if let Some(host) = CALL.get().filter(|host| !host.is_null()) {
        // SAFETY: `guarded` had a valid host for the time of this call.
        unsafe { ((*host).counter)((*host).ctx, abi::Str::new(name), add) }
    }
}

thread_local! {
    /// The host of the call that this thread is in.
    static CALL: Cell<Option<*const abi::Host>> = const { Cell::new(None) };
    static PANIC: RefCell<Option<Caught>> = const { RefCell::new(None) };
}

static EXPORTED: AtomicBool = AtomicBool::new(false);
/// The finest level that any host wants.
static LEVEL: AtomicU32 = AtomicU32::new(abi::LEVEL_ERROR);
static STRAY: Mutex<Option<Caught>> = Mutex::new(None);
static HOSTS: RwLock<Vec<HostPtr>> = RwLock::new(Vec::new());

struct HostPtr(*const abi::Host);
// SAFETY: only functions that any thread may call are called through it.
unsafe impl Send for HostPtr {}
// SAFETY: as above.
unsafe impl Sync for HostPtr {}

fn stray() -> std::sync::MutexGuard<'static, Option<Caught>> {
    STRAY.lock().unwrap_or_else(PoisonError::into_inner)
}

fn hosts_mut() -> std::sync::RwLockWriteGuard<'static, Vec<HostPtr>> {
    HOSTS.write().unwrap_or_else(PoisonError::into_inner)
}

fn message_of(payload: &(dyn Any + Send)) -> String {
    if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_owned()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "a panic without a message".to_owned()
    }
}

fn place_of(info: &PanicHookInfo<'_>) -> String {
    info.location().map_or_else(String::new, |at| {
        format!("{}:{}:{}", at.file(), at.line(), at.column())
    })
}

/// Sends a line to the host of this thread's call, or to the latest one.
fn send(level: abi::Level, target: &str, line: &str) {
    let log = |host: *const abi::Host| {
        // SAFETY: valid, as both callers below make sure; any thread may log.
        unsafe {
            ((*host).log)(
                (*host).ctx,
                level,
                abi::Str::new(target),
                abi::Str::new(line),
            );
        }
    };
    match CALL.get() {
        Some(host) if !host.is_null() => log(host),
        _ => {
            // Held while the host is called, so that `left` waits for it.
            let hosts = HOSTS.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(host) = hosts.last() {
                log(host.0);
            }
        }
    }
}

/// Forwards events to the host. Spans are entered and left without a trace:
/// the host's own span names stage and batch already.
struct ToHost;

impl Subscriber for ToHost {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        number_of(*metadata.level()) >= LEVEL.load(Ordering::Relaxed)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(match LEVEL.load(Ordering::Relaxed) {
            abi::LEVEL_TRACE => LevelFilter::TRACE,
            abi::LEVEL_DEBUG => LevelFilter::DEBUG,
            abi::LEVEL_INFO => LevelFilter::INFO,
            abi::LEVEL_WARN => LevelFilter::WARN,
            _ => LevelFilter::ERROR,
        })
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        let metadata = event.metadata();
        send(
            number_of(*metadata.level()),
            metadata.target(),
            &(line.message + &line.fields),
        );
    }
}

fn number_of(level: Level) -> abi::Level {
    match level {
        Level::TRACE => abi::LEVEL_TRACE,
        Level::DEBUG => abi::LEVEL_DEBUG,
        Level::INFO => abi::LEVEL_INFO,
        Level::WARN => abi::LEVEL_WARN,
        Level::ERROR => abi::LEVEL_ERROR,
    }
}

#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            let _ = write!(self.message, "{value:?}");
        } else {
            let _ = write!(self.fields, " {}={value:?}", field.name());
        }
    }
}
