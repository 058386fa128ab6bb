use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

/// The folder of the workspace's `Cargo.toml`.
#[must_use]
pub fn workspace_root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .nth(2)
        .expect("this crate lies in crates/testkit")
        .to_owned()
}

/// Builds the plugin `package` and returns the path of its library, which is
/// therefore never yesterday's. Same target folder, profile and target as the
/// running test; once a process.
///
/// # Panics
/// If it does not build: with what the compiler said.
#[must_use]
pub fn built_plugin(package: &str) -> PathBuf {
    static BUILT: Mutex<Option<HashMap<String, PathBuf>>> = Mutex::new(None);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    built
        .get_or_insert_default()
        .entry(package.to_owned())
        .or_insert_with(|| build(package))
        .clone()
}

fn build(package: &str) -> PathBuf {
    // A plugin may live in a workspace of its own, and its tests run those
    // that ship with copydesk.
    let own = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let mut output = cargo_build(package, &own.unwrap_or_else(workspace_root));
    if String::from_utf8_lossy(&output.stderr).contains("did not match any packages") {
        output = cargo_build(package, &workspace_root());
    }
    assert!(
        output.status.success(),
        "{package} does not build:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let library = package.replace('-', "_");
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| {
            message["reason"] == "compiler-artifact"
                && message["target"]["name"] == library.as_str()
                && message["target"]["kind"]
                    .as_array()
                    .is_some_and(|kinds| kinds.iter().any(|kind| kind == "cdylib"))
        })
        .filter_map(|message| {
            let files = message["filenames"].as_array()?.iter();
            files
                .filter_map(Value::as_str)
                .find(|file| file.ends_with(std::env::consts::DLL_SUFFIX))
                .map(PathBuf::from)
        })
        .next_back()
        .unwrap_or_else(|| panic!("{package} has no target of crate type cdylib"))
}

fn cargo_build(package: &str, folder: &Path) -> Output {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(folder)
        .args(["build", "--package", package])
        .arg("--message-format=json-render-diagnostics");
    let place = Place::of_this_test();
    command.arg("--target-dir").arg(&place.target_dir);
    command.arg("--profile").arg(&place.profile);
    if let Some(triple) = &place.triple {
        command.arg("--target").arg(triple);
    }
    command
        .output()
        .unwrap_or_else(|error| panic!("cannot run cargo to build {package}: {error}"))
}

/// Where cargo has put the running test:
/// `target_dir/[triple/]profile/deps/test`.
struct Place {
    target_dir: PathBuf,
    triple: Option<String>,
    profile: String,
}

impl Place {
    fn of_this_test() -> Self {
        let test = std::env::current_exe().expect("a running program has a path");
        let mut folder = test.parent().expect("a program lies in a folder");
        // Tests lie in `deps`, doc tests and benches elsewhere below the profile.
        while !folder.join(".cargo-lock").exists() && !folder.join(".fingerprint").exists() {
            folder = folder
                .parent()
                .unwrap_or_else(|| panic!("{} is no test built by cargo", test.display()));
        }
        let name = |folder: &Path| {
            folder
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default()
        };
        let profile = match name(folder) {
            debug if debug == "debug" => "dev".to_owned(),
            other => other,
        };
        let above = folder.parent().expect("a profile lies in a target folder");
        if above.join("CACHEDIR.TAG").exists() && !above.join("../CACHEDIR.TAG").exists() {
            return Self {
                target_dir: above.to_owned(),
                triple: None,
                profile,
            };
        }
        Self {
            target_dir: above.parent().unwrap_or(above).to_owned(),
            triple: Some(name(above)),
            profile,
        }
    }
}
