//! Chores of the repository: `cargo xtask COMMAND`.
//!
//! What must hold of the workspace as a whole is checked here, by `cargo test`
//! as well as by hand.

mod arrows;
mod unsafe_code;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, MetadataCommand};

const USAGE: &str = "\
Usage: cargo xtask COMMAND

Commands:
  arrows   print which of our crates depends on which, and what breaks the rules
  unsafe   print which crates allow unsafe code, and which of them must not
";

fn main() -> Result<ExitCode> {
    let root = root();
    let mut arguments = std::env::args().skip(1);
    let problems = match (arguments.next().as_deref(), arguments.next()) {
        (Some("arrows"), None) => {
            let workspace = metadata(&root)?;
            for arrow in arrows::arrows(&workspace)? {
                println!("{arrow}");
            }
            arrows::problems(&workspace)?
        }
        (Some("unsafe"), None) => {
            let workspace = metadata(&root)?;
            for file in unsafe_code::allowing(&workspace)? {
                println!("{file}");
            }
            unsafe_code::problems(&workspace)?
        }
        _ => {
            eprint!("{USAGE}");
            return Ok(ExitCode::from(2));
        }
    };
    for problem in &problems {
        eprintln!("error: {problem}");
    }
    Ok(if problems.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent()
        .expect("xtask stands in the workspace")
        .to_owned()
}

/// Our packages only: nothing is fetched or resolved for it.
fn metadata(root: &Path) -> Result<Metadata> {
    MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("cannot read the workspace with `cargo metadata`")
}
