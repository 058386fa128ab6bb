//! How much memory a worker process may allocate.
//!
//! The limit is `RLIMIT_DATA`: what the process has for itself and may write to (heap, anonymous
//! maps, stacks of its threads), whether or not it has touched it. `RLIMIT_AS` would count
//! everything that has an address: libraries, model files that are mapped and shared with other
//! worker processes, and address space that allocators set aside and never use, so that the
//! number to write would be several times what is meant. Linux has counted anonymous maps in
//! `RLIMIT_DATA` since 4.7; elsewhere the limit may hold less.

use std::io;

/// 1,000,000 bytes, as in the other keys.
const MEGABYTE: u64 = 1_000_000;

/// Lets this process allocate no more than so many megabytes, for ever.
#[cfg(unix)]
pub(super) fn limit(megabytes: u64) -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};

    let bytes = megabytes.saturating_mul(MEGABYTE);
    let limit = Rlimit {
        current: Some(bytes),
        maximum: Some(bytes),
    };
    setrlimit(Resource::Data, limit).map_err(io::Error::from)
}

#[cfg(not(unix))]
pub(super) fn limit(_: u64) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// What this process has allocated, in bytes, as the limit counts it; `None` where nobody tells.
pub(super) fn allocated() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmData:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// Bytes as whole megabytes, rounded up.
pub(super) fn megabytes(bytes: u64) -> u64 {
    bytes.div_ceil(MEGABYTE)
}
