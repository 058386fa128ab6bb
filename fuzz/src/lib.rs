//! What the targets share.

use std::{fs, path::PathBuf, sync::LazyLock};

use copydesk_engine::{Source, config::Input};
use copydesk_io::{Reader, Search, discover};

static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

/// Reads bytes as a file of this name. A panic of the reader is caught by it, as one of a foreign
/// parser is; here it is a finding.
pub fn read(name: &str, bytes: &[u8]) {
    const LIMIT: usize = 100_000;
    let path: PathBuf = FOLDER.path().join(name);
    fs::write(&path, bytes).unwrap();
    let search = Search {
        base: FOLDER.path().to_owned(),
        ..Search::default()
    };
    let files = discover(&[name.to_owned()], &search).unwrap();
    let input = Input {
        readers: Some(1),
        ..Input::default()
    };
    let mut reader = Reader::new(files, &input, LIMIT, None).unwrap();
    let mut last = None;
    while let Some(next) = reader.next() {
        let (seq, failure) = match next {
            Ok(document) => (document.seq, None),
            Err(failure) => (failure.seq, Some(failure)),
        };
        assert!(last.is_none_or(|last| last < seq), "positions go up");
        last = Some(seq);
        if let Some(failure) = failure {
            assert!(!failure.message.contains("unforeseen"), "{failure:?}");
        }
    }
}
