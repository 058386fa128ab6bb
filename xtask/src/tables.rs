//! Whether the packages that people open tables with open ours.
//!
//! They come from PyPI, so this is no part of `cargo test`: where there is no Python, or no
//! package index, it says so and is content.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

const PACKAGES: [&str; 4] = ["duckdb", "polars", "pandas", "pyarrow"];

/// Installs the packages under `target/` and runs the test that needs them.
pub(crate) fn check(root: &Path) -> Result<()> {
    let folder = root.join("target/tables");
    let python = folder.join("bin/python");
    if !succeeds(Command::new("python3").args(["-m", "venv"]).arg(&folder)) {
        println!("skipped: there is no `python3` with the module `venv`");
        return Ok(());
    }
    let install = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ];
    if !succeeds(Command::new(&python).args(install).args(PACKAGES)) {
        println!("skipped: pip cannot install {}", PACKAGES.join(", "));
        return Ok(());
    }
    let test = "duckdb_polars_and_pandas_find_what_json_says";
    let status = Command::new(env!("CARGO"))
        .current_dir(root)
        .args([
            "test",
            "--package",
            "copydesk-io",
            test,
            "--",
            "--nocapture",
        ])
        .env("COPYDESK_PYTHON", &python)
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "not every package finds what was written");
    Ok(())
}

fn succeeds(command: &mut Command) -> bool {
    command.status().is_ok_and(|status| status.success())
}
