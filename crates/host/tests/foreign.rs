//! Plugins in C: that the boundary needs no Rust on the other side, and what
//! such a plugin can do wrong.
#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::process::Command;

use copydesk_document::{Batch, NewDocument};
use copydesk_host::{
    CallClass, CallError, Facts, HostError, Plugins, ProblemKind, Resources, SearchPath, Stage,
    StageType,
};
use serde_json::json;

const FINE: u32 = 0;

/// Builds `tests/c/foreign.c` into `folder`.
fn build(folder: &Path, name: &str, fault: u32, id: &str, abi: (u16, u16)) -> PathBuf {
    let library = folder.join(format!("{name}{}", std::env::consts::DLL_SUFFIX));
    let metadata = json!({
        "copydesk": 1, "abi": [abi.0, abi.1], "package": name, "version": "1.0.0",
        "stages": [{
            "id": id, "version": "1.0.0", "summary": "in C", "requires": [],
            "provides": ["layer:marks", "meta:c"],
        }],
    });
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let output = Command::new(compiler)
        .args(["-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-o"])
        .arg(&library)
        .arg(format!("-DFAULT={fault}"))
        .arg(format!("-DMETA={:?}", metadata.to_string()))
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c/foreign.c"))
        .output()
        .expect("a C compiler is installed");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    library
}

fn open(fault: u32) -> Result<StageType, HostError> {
    let folder = tempfile::tempdir().unwrap();
    let library = build(folder.path(), "c", fault, "test/cc", (0, 1));
    Plugins::of_files([library]).open("test/cc")
}

fn create(fault: u32) -> Stage {
    let kind = open(fault).unwrap();
    let resources = Resources::new(".");
    kind.create("c", &json!({}), &mut Facts::new(), &resources, 1)
        .unwrap()
}

fn process(fault: u32, batch: &mut Batch) -> Result<(), CallError> {
    let stage = create(fault);
    stage.load().unwrap();
    let changes = stage.open_worker(0).unwrap().process(batch, None)?;
    batch.apply(changes);
    Ok(())
}

fn two_documents() -> Batch {
    let mut batch = Batch::new();
    batch.push(NewDocument::new("a", "one"));
    batch.push(NewDocument::new("b", "twö"));
    batch
}

#[test]
fn a_plugin_in_c_works() {
    let mut batch = two_documents();
    process(FINE, &mut batch).unwrap();
    let span = batch.layer("marks").unwrap().span(1, 0);
    assert_eq!(
        (span.range(), span.label, span.score),
        (0..4, Some("C"), Some(1.0))
    );
    assert_eq!(span.stage, "c");
}

#[test]
fn unsound_modules_are_named_with_the_reason() {
    for (fault, reason) in [
        (1, "declines to serve this host"),
        (2, "was built for plugin ABI 9.1, and this copydesk has 0.1"),
        (3, "its module table has 8 bytes"),
        (4, "function 5 of a stage table is null"),
        (5, "declares the stage `test/cc`, its tables do not"),
        (6, "the schema of stage `test/cc` is no JSON"),
        (17, "`laver:marks` is no contract name"),
        (18, "missing_from_everywhere"),
    ] {
        let error = open(fault).unwrap_err().to_string();
        assert!(error.contains(reason), "{fault}: {error}");
        assert!(error.contains("/c."), "{fault}: {error}");
    }
}

#[test]
fn a_stage_that_creates_nothing_is_refused() {
    let kind = open(7).unwrap();
    let problems = kind
        .create("c", &json!({}), &mut Facts::new(), &Resources::new("."), 1)
        .unwrap_err();
    assert!(
        problems[0].message.contains("gave no stage"),
        "{}",
        problems[0]
    );
}

#[test]
fn an_unknown_status_is_a_failure() {
    let error = process(8, &mut two_documents()).unwrap_err();
    assert_eq!(error.class, CallClass::Failed);
    assert!(error.message.contains("status 77"), "{error}");
}

#[test]
fn unsound_arguments_are_refused_even_if_the_plugin_says_ok() {
    for (fault, doc, reason) in [
        (9, None, "label: the label is not valid UTF-8"),
        (10, Some(0), "drop_doc: the reason is null"),
        (11, Some(0), "add_spans: no sound pointer to 3 values"),
        (
            12,
            Some(0),
            "set_attr: attribute `colour` has unknown type 42",
        ),
        (13, Some(0), "set_meta: `/c` is set to what is no JSON"),
        (14, Some(0), "label 12"),
        (16, None, "drop_doc"),
    ] {
        let error = process(fault, &mut two_documents()).unwrap_err();
        assert_eq!(error.class, CallClass::Rejected, "{fault}: {error}");
        assert!(error.message.contains(reason), "{fault}: {error}");
        assert_eq!(error.doc, doc, "{fault}: {error}");
    }
}

#[test]
fn unknown_extensions_are_null() {
    // With this fault the plugin fails if one is not.
    process(15, &mut two_documents()).unwrap();
}

#[test]
fn a_plugin_of_another_abi_is_reported_and_never_run() {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path(), "newer", FINE, "test/cc", (0, 9));
    let plugins = Plugins::scan(&SearchPath::only(&[folder.path().to_owned()]));
    assert_eq!(plugins.files()[0].abi, (0, 9));
    assert_eq!(plugins.problems()[0].kind, ProblemKind::OtherAbi);
    let error = plugins.open("test/cc").unwrap_err().to_string();
    assert!(
        error.contains("newer") && error.contains("ABI 0.9") && error.contains("has 0.1"),
        "{error}"
    );
}

#[test]
fn the_first_folder_wins_with_a_notice() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let ours = build(first.path(), "ours", FINE, "copydesk/ner", (0, 1));
    build(second.path(), "shipped", FINE, "copydesk/ner", (0, 1));
    let path = SearchPath::only(&[first.path().to_owned(), second.path().to_owned()]);
    let plugins = Plugins::scan(&path);
    assert_eq!(
        plugins.find("ner").unwrap().path,
        ours.canonicalize().unwrap()
    );
    let [notice] = plugins.problems() else {
        panic!("{:?}", plugins.problems())
    };
    assert_eq!(notice.kind, ProblemKind::Shadowed);
    assert!(notice.message.contains("shipped"), "{notice}");
    assert!(notice.message.contains("ours"), "{notice}");
}

#[test]
fn two_plugins_with_one_stage_in_one_folder_are_an_error_that_names_both() {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path(), "a", FINE, "copydesk/ner", (0, 1));
    build(folder.path(), "b", FINE, "copydesk/ner", (0, 1));
    let plugins = Plugins::scan(&SearchPath::only(&[folder.path().to_owned()]));
    assert_eq!(plugins.problems()[0].kind, ProblemKind::TwoInOneFolder);
    let error = plugins.open("ner").unwrap_err().to_string();
    assert!(error.contains("copydesk/ner"), "{error}");
    assert!(error.contains("/a.") && error.contains("/b."), "{error}");
}

#[test]
fn a_stage_that_is_not_there_is_reported_with_what_is() {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path(), "a", FINE, "copydesk/quotes", (0, 1));
    let fake = folder
        .path()
        .join(format!("fake{}", std::env::consts::DLL_SUFFIX));
    std::fs::write(fake, "this is text\n").unwrap();
    let gone = folder.path().join("gone");
    let path = SearchPath::only(&[gone, folder.path().to_owned()]);
    let plugins = Plugins::scan(&path);
    let error = plugins.find("qoutes").unwrap_err().to_string();
    let folder = folder.path().canonicalize().unwrap();
    for part in [
        "no plugin provides the stage `copydesk/qoutes`; did you mean `quotes`?",
        "gone (--plugin-dir): no such folder",
        &format!("{} (--plugin-dir): quotes", folder.display()),
        "is not a shared library",
    ] {
        assert!(error.contains(part), "{part:?} not in {error}");
    }
    let error = plugins.find("summarize").unwrap_err().to_string();
    assert!(!error.contains("did you mean"), "{error}");
}

#[test]
fn libraries_that_are_no_plugins_are_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("other.c");
    std::fs::write(&source, "int other(void) { return 1; }\n").unwrap();
    let library = folder
        .path()
        .join(format!("other{}", std::env::consts::DLL_SUFFIX));
    let done = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([&library, &source])
        .status()
        .unwrap();
    assert!(done.success());
    let plugins = Plugins::scan(&SearchPath::only(&[folder.path().to_owned()]));
    assert!(plugins.files().is_empty() && plugins.problems().is_empty());
}
