//! The table of functions that a stage calls outside `process`.
//!
//! Each function checks what it is given and lets no panic through: a plugin
//! may be written in any language.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use copydesk_abi as abi;
use tracing::level_filters::LevelFilter;

use crate::{CallClass, CallError, Facts, OptionProblem, Resources, Severity};

/// What the functions of a stage's [`abi::Host`] work on.
pub(crate) struct Context {
    /// Name of the stage in the pipeline.
    pub(crate) stage: String,
    pub(crate) threads: u32,
    pub(crate) resources: Resources,
    pub(crate) state: Mutex<State>,
    counters: Mutex<BTreeMap<String, u64>>,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) phase: Phase,
    /// Contract names, narrowed by `require`.
    pub(crate) requires: Vec<Narrowed>,
    pub(crate) provides: Vec<Narrowed>,
    /// Facts of earlier stages.
    pub(crate) known: Facts,
    /// Facts of this stage.
    pub(crate) described: Facts,
    pub(crate) problems: Vec<OptionProblem>,
    /// What `resource` found in `create`, to be verified before `load`.
    pub(crate) resolved: Vec<PathBuf>,
}

pub(crate) struct Narrowed {
    pub(crate) name: String,
    pub(crate) needed: bool,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    #[default]
    Creating,
    Loading,
    Working,
}

thread_local! {
    /// What `fail` said on this thread, for the call that is about to return.
    static FAILURE: RefCell<Option<CallError>> = const { RefCell::new(None) };
}

impl Context {
    pub(crate) fn new(stage: &str, threads: u32, resources: Resources, state: State) -> Self {
        Self {
            stage: stage.to_owned(),
            threads,
            resources,
            state: Mutex::new(state),
            counters: Mutex::default(),
        }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn counters(&self) -> BTreeMap<String, u64> {
        self.counters
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The table that lends this context, which must stay where it is.
    pub(crate) fn table(&self) -> abi::Host {
        abi::Host {
            struct_size: size_of::<abi::Host>() as u32,
            abi_major: abi::ABI_MAJOR,
            abi_minor: abi::ABI_MINOR,
            ctx: std::ptr::from_ref(self).cast_mut().cast(),
            log,
            log_level,
            diagnose,
            fail,
            require,
            describe,
            lookup,
            thread_budget,
            resource,
            counter,
            get_extension,
        }
    }
}

/// What the stage said by `fail` since the last time; the call came to `status`.
pub(crate) fn take_failure(status: abi::Status) -> CallError {
    FAILURE.take().unwrap_or_else(|| silent(status))
}

/// Forgets what an earlier call left behind.
pub(crate) fn forget_failure() {
    FAILURE.take();
}

/// A call that failed without a word.
pub(crate) fn silent(status: abi::Status) -> CallError {
    CallError {
        class: CallClass::of(status),
        doc: None,
        code: "no-reason".to_owned(),
        message: format!("the stage gave no reason (status {status})"),
        place: None,
        retryable: false,
    }
}

/// Puts together what `fail` or `fail_call` said.
///
/// # Safety
/// The strings live for this call.
pub(crate) unsafe fn call_error(
    class: abi::Status,
    flags: u32,
    code: abi::Str,
    message: abi::Str,
    place: abi::Str,
) -> CallError {
    // SAFETY: by the caller.
    let (code, message, place) = unsafe { (lossy(code), lossy(message), lossy(place)) };
    CallError {
        class: CallClass::of(class),
        doc: None,
        code: if code.is_empty() {
            "failed".to_owned()
        } else {
            code
        },
        message,
        place: Some(place).filter(|place| !place.is_empty()),
        retryable: flags & abi::FAIL_RETRYABLE != 0,
    }
}

/// A string from a plugin, or what is wrong with it.
///
/// # Safety
/// `text.ptr` is null, or valid for `text.len` bytes for `'a`.
pub(crate) unsafe fn checked<'a>(text: abi::Str) -> Result<&'a str, &'static str> {
    // SAFETY: by the caller.
    let bytes = unsafe { bytes(text) }?;
    std::str::from_utf8(bytes).map_err(|_| "is not valid UTF-8")
}

/// A string from a plugin for people to read, whatever it is worth.
///
/// # Safety
/// As [`checked`].
pub(crate) unsafe fn lossy(text: abi::Str) -> String {
    // SAFETY: by the caller.
    match unsafe { bytes(text) } {
        Ok(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Err(reason) => format!("(a string that {reason})"),
    }
}

unsafe fn bytes<'a>(text: abi::Str) -> Result<&'a [u8], &'static str> {
    if text.len == 0 {
        return Ok(&[]);
    }
    if text.ptr.is_null() {
        return Err("is null");
    }
    if text.len > isize::MAX as usize {
        return Err("is longer than memory");
    }
    // SAFETY: by the caller; neither null nor too long.
    Ok(unsafe { std::slice::from_raw_parts(text.ptr, text.len) })
}

/// Runs the body of a callback; a panic must not reach the plugin.
pub(crate) fn caught(body: impl FnOnce() -> abi::Status) -> abi::Status {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(abi::STATUS_FAILED)
}

/// # Safety
/// `ctx` is null or came from [`Context::table`] and its context still lives.
unsafe fn context<'a>(ctx: *mut c_void) -> Option<&'a Context> {
    // SAFETY: by the caller.
    unsafe { ctx.cast::<Context>().as_ref() }
}

unsafe extern "C" fn log(ctx: *mut c_void, level: abi::Level, target: abi::Str, message: abi::Str) {
    caught(|| {
        // SAFETY: the plugin hands back our context and strings that live for
        // the call. So in all functions below.
        let (context, target, message) = unsafe { (context(ctx), lossy(target), lossy(message)) };
        let stage = context.map_or("?", |context| context.stage.as_str());
        write_log(stage, level, &target, &message);
        abi::STATUS_OK
    });
}

pub(crate) fn write_log(stage: &str, level: abi::Level, origin: &str, message: &str) {
    macro_rules! event {
        ($level:ident) => {
            tracing::event!(
                target: "copydesk::plugin",
                tracing::Level::$level,
                stage,
                origin,
                "{message}"
            )
        };
    }
    match level {
        abi::LEVEL_TRACE => event!(TRACE),
        abi::LEVEL_DEBUG => event!(DEBUG),
        abi::LEVEL_INFO => event!(INFO),
        abi::LEVEL_WARN => event!(WARN),
        _ => event!(ERROR),
    }
}

unsafe extern "C" fn log_level(_: *mut c_void) -> abi::Level {
    match LevelFilter::current() {
        LevelFilter::TRACE => abi::LEVEL_TRACE,
        LevelFilter::DEBUG => abi::LEVEL_DEBUG,
        LevelFilter::INFO => abi::LEVEL_INFO,
        LevelFilter::WARN => abi::LEVEL_WARN,
        _ => abi::LEVEL_ERROR,
    }
}

unsafe extern "C" fn diagnose(
    ctx: *mut c_void,
    level: abi::Level,
    pointer: abi::Str,
    message: abi::Str,
    hint: abi::Str,
) -> abi::Status {
    caught(|| {
        // SAFETY: as in `log`.
        let Some(context) = (unsafe { context(ctx) }) else {
            return abi::STATUS_REJECTED;
        };
        // SAFETY: as in `log`.
        let (pointer, message, hint) = unsafe { (lossy(pointer), lossy(message), lossy(hint)) };
        let mut state = context.state();
        if state.phase != Phase::Creating {
            return abi::STATUS_REJECTED;
        }
        state.problems.push(OptionProblem {
            pointer,
            message,
            hint: Some(hint).filter(|hint| !hint.is_empty()),
            severity: if level < abi::LEVEL_ERROR {
                Severity::Warning
            } else {
                Severity::Error
            },
        });
        abi::STATUS_OK
    })
}

unsafe extern "C" fn fail(
    _: *mut c_void,
    class: abi::Status,
    flags: u32,
    code: abi::Str,
    message: abi::Str,
    place: abi::Str,
) -> abi::Status {
    caught(|| {
        // SAFETY: as in `log`.
        let error = unsafe { call_error(class, flags, code, message, place) };
        FAILURE.set(Some(error));
        abi::STATUS_OK
    })
}

unsafe extern "C" fn require(ctx: *mut c_void, what: abi::Str, needed: u32) -> abi::Status {
    caught(|| {
        // SAFETY: as in `log`.
        let (Some(context), Ok(what)) = (unsafe { (context(ctx), checked(what)) }) else {
            return abi::STATUS_REJECTED;
        };
        let mut state = context.state();
        if state.phase != Phase::Creating {
            return abi::STATUS_REJECTED;
        }
        let state = &mut *state;
        let mut found = false;
        for member in state.requires.iter_mut().chain(&mut state.provides) {
            if same(&member.name, what) {
                member.needed = needed != 0;
                found = true;
            }
        }
        if !found {
            let message = format!(
                "the stage narrows its contract by `{what}`, which it neither requires nor \
                 provides: an error in the plugin"
            );
            state.problems.push(OptionProblem::error("", message));
            return abi::STATUS_REJECTED;
        }
        abi::STATUS_OK
    })
}

/// `layer:blocks` also names what is declared as `layer:blocks?`.
fn same(declared: &str, what: &str) -> bool {
    declared == what || declared.strip_suffix('?') == Some(what)
}

unsafe extern "C" fn describe(
    ctx: *mut c_void,
    what: abi::Str,
    key: abi::Str,
    value: abi::Str,
) -> abi::Status {
    caught(|| {
        // SAFETY: as in `log`.
        let given = unsafe { (context(ctx), checked(what), checked(key), checked(value)) };
        let (Some(context), Ok(what), Ok(key), Ok(value)) = given else {
            return abi::STATUS_REJECTED;
        };
        let mut state = context.state();
        if state.phase != Phase::Creating {
            return abi::STATUS_REJECTED;
        }
        if !state.provides.iter().any(|member| member.name == what) {
            let message = format!(
                "the stage describes `{what}`, which it does not provide: an error in the plugin"
            );
            state.problems.push(OptionProblem::error("", message));
            return abi::STATUS_REJECTED;
        }
        state.described.insert(what, key, value);
        abi::STATUS_OK
    })
}

unsafe extern "C" fn lookup(
    ctx: *mut c_void,
    what: abi::Str,
    key: abi::Str,
    user: *mut c_void,
    take: abi::Take,
) -> abi::Status {
    caught(|| {
        // SAFETY: as in `log`.
        let given = unsafe { (context(ctx), checked(what), checked(key)) };
        let (Some(context), Ok(what), Ok(key)) = given else {
            return abi::STATUS_REJECTED;
        };
        // Copied out of the lock: `take` may call any of these functions again.
        let value = {
            let state = context.state();
            let own = state.described.lookup(what, key);
            own.or_else(|| state.known.lookup(what, key))
                .map(str::to_owned)
        };
        if let Some(value) = value {
            // SAFETY: the plugin gave both; the string lives for the call.
            unsafe { take(user, abi::Str::new(&value)) };
        }
        abi::STATUS_OK
    })
}

unsafe extern "C" fn thread_budget(ctx: *mut c_void) -> u32 {
    // SAFETY: as in `log`.
    unsafe { context(ctx) }.map_or(1, |context| context.threads.max(1))
}

unsafe extern "C" fn resource(
    ctx: *mut c_void,
    name: abi::Str,
    user: *mut c_void,
    take: abi::Take,
) -> abi::Status {
    caught(|| {
        // SAFETY: as in `log`.
        let (Some(context), Ok(name)) = (unsafe { (context(ctx), checked(name)) }) else {
            return abi::STATUS_REJECTED;
        };
        let phase = context.state().phase;
        let found = context.resources.resolve(name).and_then(|path| {
            if phase == Phase::Creating {
                context.state().resolved.push(path.clone());
            } else {
                context.resources.verify(&path)?;
            }
            Ok(path)
        });
        let (status, answer) = match found {
            Ok(path) => match path.into_os_string().into_string() {
                Ok(path) => (abi::STATUS_OK, path),
                Err(path) => (
                    abi::STATUS_FAILED,
                    format!("the path {} is not UTF-8", path.display()),
                ),
            },
            Err(error) => (abi::STATUS_FAILED, with_causes(&error)),
        };
        // SAFETY: the plugin gave both; the string lives for the call.
        unsafe { take(user, abi::Str::new(&answer)) };
        status
    })
}

/// An error with its causes on one line.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        line.push_str(": ");
        line.push_str(&cause.to_string());
        source = cause.source();
    }
    line
}

unsafe extern "C" fn counter(ctx: *mut c_void, name: abi::Str, add: u64) {
    caught(|| {
        // SAFETY: as in `log`.
        let (Some(context), Ok(name)) = (unsafe { (context(ctx), checked(name)) }) else {
            return abi::STATUS_REJECTED;
        };
        let mut counters = context
            .counters
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match counters.get_mut(name) {
            Some(sum) => *sum = sum.saturating_add(add),
            None => {
                counters.insert(name.to_owned(), add);
            }
        }
        abi::STATUS_OK
    });
}

unsafe extern "C" fn get_extension(_: *mut c_void, _: abi::Str) -> *const c_void {
    // There are none yet, so every id is an unknown one.
    std::ptr::null()
}
