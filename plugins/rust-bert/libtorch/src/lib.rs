//! Which libtorch the plugin is built with, and what is wrong with a folder that does not hold it.
//!
//! torch-sys looks at this too, but late and in words of its own; the build script of this package speaks before it.
//! `cargo xtask libtorch` includes this file.

use std::fs;
use std::path::Path;

/// The version that `tch` 0.17, and so rust-bert 0.23, is made for: its C++ interface changes with each one.
pub const VERSION: &str = "2.4.0";

/// Where `cargo xtask libtorch` puts it, from the folder of the project.
pub const FOLDER: &str = ".libtorch";

/// Whether `folder` holds a libtorch that the plugin can be built with.
///
/// # Errors
/// What is wrong, and what to do.
pub fn check(folder: &Path) -> Result<(), String> {
    let header = folder.join("include/torch/csrc/api/include/torch/version.h");
    let Ok(text) = fs::read_to_string(&header) else {
        return Err(format!(
            "there is no libtorch in {}; `cargo xtask libtorch` puts libtorch {VERSION} into {FOLDER}",
            folder.display()
        ));
    };
    match version(&text) {
        Some(VERSION) => {}
        Some(other) => {
            return Err(format!(
                "libtorch in {} is version {other}, the plugin needs {VERSION}; without LIBTORCH in the environment, \
                 `cargo xtask libtorch` puts that one into {FOLDER}",
                folder.display()
            ));
        }
        None => {
            return Err(format!(
                "{} does not say which version of libtorch it belongs to",
                header.display()
            ));
        }
    }
    let library = folder.join("lib").join(if cfg!(target_os = "macos") {
        "libtorch_cpu.dylib"
    } else {
        "libtorch_cpu.so"
    });
    if library.exists() {
        Ok(())
    } else {
        Err(format!(
            "{} is missing, so this libtorch is not whole; remove {} and run `cargo xtask libtorch`",
            library.display(),
            folder.display()
        ))
    }
}

/// The version in the text of `torch/version.h`.
fn version(header: &str) -> Option<&str> {
    // The value stands on the next line. `2.4.0+cu121` is a build of 2.4.0.
    let (_, rest) = header.split_once("#define TORCH_VERSION ")?;
    let (_, value) = rest.split_once('"')?;
    value.split(['"', '+']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str, header: Option<&str>, library: bool) -> std::path::PathBuf {
        let folder = std::env::temp_dir().join(format!("libtorch-{name}-{}", std::process::id()));
        let include = folder.join("include/torch/csrc/api/include/torch");
        fs::create_dir_all(&include).unwrap();
        fs::create_dir_all(folder.join("lib")).unwrap();
        if let Some(header) = header {
            fs::write(include.join("version.h"), header).unwrap();
        }
        if library {
            fs::write(folder.join("lib/libtorch_cpu.so"), "").unwrap();
            fs::write(folder.join("lib/libtorch_cpu.dylib"), "").unwrap();
        }
        folder
    }

    #[test]
    fn the_right_version_passes_and_every_other_is_named_beside_it() {
        let header = |version: &str| {
            format!("#define TORCH_VERSION_MINOR 4\n#define TORCH_VERSION \\\n  \"{version}\"\n")
        };
        let right = folder("right", Some(&header("2.4.0+cpu")), true);
        assert_eq!(check(&right), Ok(()));
        let other = folder("other", Some(&header("2.5.1")), true);
        let message = check(&other).unwrap_err();
        for part in ["2.5.1", VERSION, "cargo xtask libtorch"] {
            assert!(message.contains(part), "{message}");
        }
        for folder in [right, other] {
            fs::remove_dir_all(folder).unwrap();
        }
    }

    #[test]
    fn a_folder_without_libtorch_or_with_half_of_it_is_named_with_what_helps() {
        let none = folder("none", None, false);
        let half = folder("half", Some("#define TORCH_VERSION \"2.4.0\""), false);
        let odd = folder("odd", Some("nothing"), true);
        for (folder, what) in [
            (none, "no libtorch"),
            (half, "libtorch_cpu"),
            (odd, "which version"),
        ] {
            let message = check(&folder).unwrap_err();
            assert!(
                message.contains(what) && message.contains(&*folder.to_string_lossy()),
                "{message}"
            );
            fs::remove_dir_all(folder).unwrap();
        }
    }
}
