//! What a stage can ask of the host outside `process`.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::fmt;
use std::path::PathBuf;

use copydesk_abi as abi;

use crate::StageError;
use crate::view::str_of;

/// The host, as a stage sees it in `create`, `load` and `worker`.
pub struct Host<'a> {
    table: &'a abi::Host,
}

impl<'a> Host<'a> {
    /// # Safety
    /// `table` follows the rules of `copydesk_abi::Host` for all of `'a`.
    pub(crate) unsafe fn new(table: &'a abi::Host) -> Self {
        Self { table }
    }

    /// Takes `what`, a member of `requires` or `provides`, out of the contract
    /// (`needed = false`) because the options make it needless, or puts it back.
    /// Only in `create`.
    ///
    /// # Errors
    /// If the stage declared no such thing.
    pub fn require(&self, what: &str, needed: bool) -> Result<(), StageError> {
        // SAFETY: the table's context; the string outlives the call. So below.
        let status =
            unsafe { (self.table.require)(self.table.ctx, abi::Str::new(what), u32::from(needed)) };
        done("require", status)
    }

    /// Publishes a fact about an output, for later stages: `("layer:tokens",
    /// "space", "…")`. Only in `create`.
    ///
    /// # Errors
    /// If the stage does not provide `what`.
    pub fn describe(
        &self,
        what: &str,
        key: &str,
        value: impl fmt::Display,
    ) -> Result<(), StageError> {
        let value = value.to_string();
        // SAFETY: as in `require`.
        let status = unsafe {
            (self.table.describe)(
                self.table.ctx,
                abi::Str::new(what),
                abi::Str::new(key),
                abi::Str::new(&value),
            )
        };
        done("describe", status)
    }

    /// Reads a fact that an earlier stage published. Only in `create`.
    #[must_use]
    pub fn lookup(&self, what: &str, key: &str) -> Option<String> {
        let mut value: Option<String> = None;
        // SAFETY: as in `require`; `take` writes to `value` during the call only.
        unsafe {
            (self.table.lookup)(
                self.table.ctx,
                abi::Str::new(what),
                abi::Str::new(key),
                (&raw mut value).cast(),
                take,
            )
        };
        value
    }

    /// Threads that one `process` call of this stage may use, at least 1.
    #[must_use]
    pub fn thread_budget(&self) -> usize {
        // SAFETY: as in `require`.
        unsafe { (self.table.thread_budget)(self.table.ctx) }.max(1) as usize
    }

    /// Finds a file or folder, most often a model: relative to the pipeline
    /// file, then in the data folders. In `load` the host has verified the
    /// checksums that the folder's `model.toml` lists.
    ///
    /// # Errors
    /// If there is none, or a checksum differs; the message says where the
    /// host looked and what to do.
    pub fn resource(&self, name: &str) -> Result<PathBuf, StageError> {
        let mut value: Option<String> = None;
        // SAFETY: as in `lookup`.
        let status = unsafe {
            (self.table.resource)(
                self.table.ctx,
                abi::Str::new(name),
                (&raw mut value).cast(),
                take,
            )
        };
        match (status, value) {
            (abi::STATUS_OK, Some(path)) => Ok(path.into()),
            (_, reason) => Err(StageError::failed(
                "resource",
                reason.unwrap_or_else(|| format!("the host has no resource `{name}`")),
            )),
        }
    }

    /// Adds to a counter of this stage, shown in the run's report.
    pub fn counter(&self, name: &str, add: u64) {
        // SAFETY: as in `require`.
        unsafe { (self.table.counter)(self.table.ctx, abi::Str::new(name), add) }
    }

    /// Tells the user of a doubt about the option at JSON pointer `pointer`;
    /// the stage works all the same. Only in `create`. Mistakes are returned
    /// as [`Diagnostics`](crate::Diagnostics) instead.
    pub fn warn_option(&self, pointer: &str, message: &str, hint: &str) {
        self.diagnose(abi::LEVEL_WARN, pointer, message, hint);
    }

    pub(crate) fn diagnose(&self, level: abi::Level, pointer: &str, message: &str, hint: &str) {
        // SAFETY: as in `require`.
        unsafe {
            (self.table.diagnose)(
                self.table.ctx,
                level,
                abi::Str::new(pointer),
                abi::Str::new(message),
                abi::Str::new(hint),
            )
        };
    }

    pub(crate) fn fail(&self, error: &StageError, place: &str) {
        // SAFETY: as in `require`.
        unsafe {
            (self.table.fail)(
                self.table.ctx,
                error.class,
                if error.retryable {
                    abi::FAIL_RETRYABLE
                } else {
                    0
                },
                abi::Str::new(&error.code),
                abi::Str::new(&error.message),
                abi::Str::new(place),
            )
        };
    }
}

unsafe extern "C" fn take(user: *mut c_void, value: abi::Str) {
    // SAFETY: the host hands back the pointer that it was given above, and a
    // string that lives for this call. Allocation failure aborts; nothing
    // else here can panic.
    unsafe { *user.cast::<Option<String>>() = Some(str_of(value).to_owned()) };
}

fn done(call: &'static str, status: abi::Status) -> Result<(), StageError> {
    match status {
        abi::STATUS_OK => Ok(()),
        status => Err(StageError::refused(call, status)),
    }
}
