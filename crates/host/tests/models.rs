//! Models: found where the options say, and only used if they are whole.

use std::fs;
use std::path::Path;

use copydesk_host::{HostError, Resources};

const SHA: &str = "0000000000000000000000000000000000000000000000000000000000000001";

fn sha256(text: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(text)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn model(base: &Path, sha256: &str) {
    let folder = base.join("models/tiny");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("encoder.safetensors"), "weights\n").unwrap();
    fs::write(folder.join("notes.txt"), "not listed\n").unwrap();
    let card = format!("name = \"tiny\"\n\n[sha256]\n\"encoder.safetensors\" = \"{sha256}\"\n");
    fs::write(folder.join("model.toml"), card).unwrap();
}

#[test]
fn a_whole_model_is_found_and_verified() {
    let base = tempfile::tempdir().unwrap();
    model(base.path(), &sha256("weights\n"));
    let resources = Resources::new(base.path());
    let path = resources.resolve("models/tiny").unwrap();
    assert!(path.is_absolute());
    resources.verify(&path).unwrap();
    resources.verify(&path.join("encoder.safetensors")).unwrap();
    resources.verify(&path.join("notes.txt")).unwrap();
}

#[test]
fn another_file_than_listed_is_named_with_both_checksums_and_a_remedy() {
    let base = tempfile::tempdir().unwrap();
    model(base.path(), SHA);
    let resources = Resources::new(base.path());
    let path = resources.resolve("models/tiny").unwrap();
    let error = resources.verify(&path).unwrap_err().to_string();
    for part in [
        "encoder.safetensors",
        SHA,
        &sha256("weights\n"),
        "fetch the model's folder again",
    ] {
        assert!(error.contains(part), "{part:?} not in {error}");
    }
}

#[test]
fn a_truncated_or_missing_file_is_named() {
    let base = tempfile::tempdir().unwrap();
    model(base.path(), &sha256("weights\n"));
    let resources = Resources::new(base.path());
    let path = resources.resolve("models/tiny").unwrap();
    resources.verify(&path).unwrap();
    fs::write(path.join("encoder.safetensors"), "wei").unwrap();
    let error = resources.verify(&path).unwrap_err().to_string();
    assert!(error.contains("(3 bytes)"), "{error}");
    fs::remove_file(path.join("encoder.safetensors")).unwrap();
    let error = resources.verify(&path).unwrap_err().to_string();
    assert!(error.contains("it is missing"), "{error}");
}

#[test]
fn a_model_that_is_not_there_is_reported_with_the_places() {
    let base = tempfile::tempdir().unwrap();
    let error = Resources::new(base.path())
        .resolve("models/huge")
        .unwrap_err();
    let HostError::NoResource { name, looked } = error else {
        panic!("{error}")
    };
    assert_eq!(name, "models/huge");
    assert!(looked.contains(&base.path().join("models/huge").display().to_string()));
}
