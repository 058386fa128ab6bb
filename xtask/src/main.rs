//! Chores of the repository: `cargo xtask COMMAND`.
//!
//! What must hold of the workspace as a whole is checked here, by `cargo test`
//! as well as by hand.

mod arrows;
mod libtorch;
mod tables;
mod unsafe_code;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use cargo_metadata::{Metadata, MetadataCommand};

const USAGE: &str = "\
Usage: cargo xtask COMMAND

Commands:
  arrows    print which of our crates depends on which, and what breaks the rules
  crash-test [KILLS] [SEED]
            kill runs at random moments (200 times, seed 1) and hold what they
            end with against a run that nobody disturbed
  libtorch  put the C++ library of the plugin rust-bert into .libtorch
  tables    open Parquet files of ours with DuckDB, Polars and pandas
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
        (Some("crash-test"), kills) => {
            let seed = arguments.next();
            return crash_test(&root, kills.as_deref().unwrap_or("200"), seed.as_deref());
        }
        (Some("libtorch"), None) => {
            libtorch::set_up(&root, std::env::var_os("LIBTORCH").as_deref())?;
            Vec::new()
        }
        (Some("tables"), None) => {
            tables::check(&root)?;
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

/// The test of crashes that `cargo test` runs too, with more of them.
fn crash_test(root: &Path, kills: &str, seed: Option<&str>) -> Result<ExitCode> {
    let kills: u64 = kills.parse().context("KILLS is no number")?;
    let seed: u64 = seed.unwrap_or("1").parse().context("SEED is no number")?;
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["test", "--package", "copydesk", "--test", "crash", "killed"])
        .args(["--", "--nocapture", "--test-threads", "1"])
        .env("COPYDESK_KILLS", kills.to_string())
        .env("COPYDESK_SEED", seed.to_string())
        .current_dir(root)
        .status()
        .context("cannot run cargo")?;
    Ok(match status.success() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
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
