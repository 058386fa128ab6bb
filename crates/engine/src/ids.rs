//! The ids of documents, to find those that come twice.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use sha2::{Digest, Sha256};

/// Stands for an id: the first 128 bits of its SHA-256. No two of 10^12 documents are taken for
/// one (chance below 10^-14), and a later run computes the same.
pub type IdDigest = u128;

/// The digest of an id.
pub fn digest(id: &str) -> IdDigest {
    let hash = Sha256::digest(id);
    let first = hash.iter().take(16);
    first.fold(0, |digest, byte| digest << 8 | u128::from(*byte))
}

/// The ids seen so far, by their digests: 16 bytes a document, and what a hash table needs.
#[derive(Debug, Clone, Default)]
pub struct Ids(HashSet<IdDigest, BuildHasherDefault<Low>>);

impl Ids {
    /// Adds an id; whether it is new.
    pub fn insert(&mut self, id: &str) -> bool {
        self.0.insert(digest(id))
    }

    /// Takes an id out again; whether it was there.
    pub fn remove(&mut self, digest: IdDigest) -> bool {
        self.0.remove(&digest)
    }
}

impl Extend<IdDigest> for Ids {
    fn extend<I: IntoIterator<Item = IdDigest>>(&mut self, digests: I) {
        self.0.extend(digests);
    }
}

impl FromIterator<IdDigest> for Ids {
    fn from_iter<I: IntoIterator<Item = IdDigest>>(digests: I) -> Self {
        Self(digests.into_iter().collect())
    }
}

/// Digests are hashes already.
#[derive(Debug, Clone, Default)]
struct Low(u64);

impl Hasher for Low {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, digest: u128) {
        self.0 = digest as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_new_once() {
        let mut ids = Ids::default();
        assert!(ids.insert("a"));
        assert!(ids.insert("b"));
        assert!(!ids.insert("a"));
        assert!(ids.remove(digest("a")) && ids.insert("a"));
    }

    #[test]
    fn ids_of_an_earlier_run_count() {
        let mut ids: Ids = ["a", "b"].map(digest).into_iter().collect();
        assert!(!ids.insert("b"));
        assert!(ids.insert("c"));
    }

    #[test]
    fn a_digest_is_the_same_in_every_run_of_every_version() {
        // The beginning of SHA-256 of "abc", FIPS 180-2 appendix B.1.
        assert_eq!(digest("abc"), 0xba7816bf_8f01cfea_414140de_5dae2223);
    }
}
