//! One process at a time: a lock that the system lets go of when its owner dies, however it dies.

use std::{
    fmt,
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::{RunDirError, time};

/// The lock of a run directory, until it is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

/// Who works in a run directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The process.
    pub pid: u32,
    /// The machine.
    pub host: String,
    /// Since when (RFC 3339).
    pub since: String,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "process {} on {} since {}",
            self.pid, self.host, self.since
        )
    }
}

impl Owner {
    pub(crate) fn this_process() -> Self {
        Self {
            pid: std::process::id(),
            host: host(),
            since: time::now(),
        }
    }
}

impl Lock {
    /// Takes the lock; with the owner that did not let go of it in order, if the last one did not.
    pub(crate) fn take(folder: &Path) -> Result<(Self, Option<Owner>), RunDirError> {
        let path = folder.join("lock");
        let io = |doing| RunDirError::io(doing, &path);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(io("open the lock"))?;
        let locked = file.try_lock();
        let mut text = String::new();
        // What stands there is a courtesy: the lock counts.
        let _ = file.read_to_string(&mut text);
        let owner = serde_json::from_str(&text).ok();
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(RunDirError::InUse {
                    path: folder.to_owned(),
                    owner,
                });
            }
            Err(TryLockError::Error(source)) => return Err(io("take the lock")(source)),
        }
        let lock = Self { file };
        // A full disk does not keep anybody from working on what fits elsewhere.
        let _ = lock.say(&serde_json::to_vec(&Owner::this_process()).unwrap_or_default());
        Ok((lock, owner))
    }

    fn say(&self, text: &[u8]) -> std::io::Result<()> {
        let mut file = &self.file;
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(text)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // An empty file says that its owner ended in order.
        let _ = self.say(b"");
        let _ = self.file.unlock();
    }
}

fn host() -> String {
    let told = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .or_else(|_| std::fs::read_to_string("/etc/hostname"));
    let told = told.ok().or_else(|| std::env::var("HOSTNAME").ok());
    match told.map(|name| name.trim().to_owned()) {
        Some(name) if !name.is_empty() => name,
        _ => "this machine".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_refused_with_the_name_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let (_lock, before) = Lock::take(folder.path()).unwrap();
        assert_eq!(before, None);
        let refused = Lock::take(folder.path()).unwrap_err().to_string();
        let me = format!("in use by process {} on ", std::process::id());
        assert!(refused.contains(&me), "{refused}");
    }

    #[test]
    fn an_owner_that_died_is_named_and_one_that_ended_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let dead = Owner {
            pid: 1,
            host: "press".to_owned(),
            since: "2026-03-01T10:00:00Z".to_owned(),
        };
        std::fs::write(
            folder.path().join("lock"),
            serde_json::to_string(&dead).unwrap(),
        )
        .unwrap();
        let (lock, before) = Lock::take(folder.path()).unwrap();
        assert_eq!(before, Some(dead));
        drop(lock);
        assert_eq!(Lock::take(folder.path()).unwrap().1, None);
    }
}
