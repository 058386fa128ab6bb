//! The metadata section: JSON put together at compile time, so that a plugin
//! can be listed and checked without running any of its code.

use copydesk_abi as abi;

/// The version of the ABI as JSON.
pub const ABI_JSON: &str = "[0,1]";
const _: () = assert!(
    abi::ABI_MAJOR == 0 && abi::ABI_MINOR == 1,
    "ABI_JSON is stale"
);
const _: () = assert!(abi::META_VERSION == 1, "`export!` writes version 1");

/// Bytes of all `parts`.
#[must_use]
pub const fn len(parts: &[&str]) -> usize {
    let mut len = 0;
    let mut i = 0;
    while i < parts.len() {
        len += parts[i].len();
        i += 1;
    }
    len
}

/// All `parts`, one after the other; `N` is their [`len`].
#[must_use]
pub const fn join<const N: usize>(parts: &[&str]) -> [u8; N] {
    let mut joined = [0; N];
    let (mut i, mut at) = (0, 0);
    while i < parts.len() {
        let part = parts[i].as_bytes();
        let mut j = 0;
        while j < part.len() {
            joined[at] = part[j];
            at += 1;
            j += 1;
        }
        i += 1;
    }
    assert!(at == N);
    joined
}
