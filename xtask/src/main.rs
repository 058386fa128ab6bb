//! Chores of the repository: `cargo xtask COMMAND`.
//!
//! What must hold of the workspace as a whole is checked here, by `cargo test`
//! as well as by hand.

mod arrows;
mod libtorch;
mod unsafe_code;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, MetadataCommand};

const USAGE: &str = "\
Usage: cargo xtask COMMAND

Commands:
  arrows    print which of our crates depends on which, and what breaks the rules
  libtorch  put the C++ library of the plugin rust-bert into .libtorch
  unsafe    print which crates allow unsafe code, and which of them must not
";

fn main() -> Result<ExitCode> {
    let root = root();
    let mut arguments = std::env::args().skip(1);
    let problems = match (arguments.next().as_deref(), arguments.next()) {
        (Some("arrows"), None) => {
            let workspaces = workspaces(&root)?;
            for arrow in arrows::arrows(&root, &workspaces)? {
                println!("{arrow}");
            }
            arrows::problems(&root, &workspaces)?
        }
        (Some("libtorch"), None) => {
            libtorch::set_up(&root, std::env::var_os("LIBTORCH").as_deref())?;
            Vec::new()
        }
        (Some("unsafe"), None) => {
            let workspaces = workspaces(&root)?;
            for file in unsafe_code::allowing(&root, &workspaces)? {
                println!("{file}");
            }
            unsafe_code::problems(&root, &workspaces)?
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

/// The workspaces whose packages are ours: all of it, and the plugin that stays outside because of libtorch. Of our
/// packages only: nothing is fetched or resolved for it.
fn workspaces(root: &Path) -> Result<Vec<Metadata>> {
    ["Cargo.toml", "plugins/rust-bert/Cargo.toml"]
        .into_iter()
        .map(|manifest| {
            MetadataCommand::new()
                .manifest_path(root.join(manifest))
                .no_deps()
                .exec()
                .with_context(|| format!("cannot read {manifest} with `cargo metadata`"))
        })
        .collect()
}
