//! Looks for libtorch before torch-sys does, and says clearly what is missing.

#[path = "src/lib.rs"]
#[allow(unreachable_pub)]
mod libtorch;

use std::env;
use std::path::Path;
use std::process::exit;

fn main() {
    for name in [
        "LIBTORCH",
        "LIBTORCH_USE_PYTORCH",
        "LIBTORCH_BYPASS_VERSION_CHECK",
    ] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    let download = env::var_os("CARGO_FEATURE_DOWNLOAD").is_some();
    let problem = match env::var_os("LIBTORCH") {
        // Both are for those who know better; torch-sys takes it from here.
        _ if env::var_os("LIBTORCH_BYPASS_VERSION_CHECK").is_some()
            || env::var_os("LIBTORCH_USE_PYTORCH").is_some() =>
        {
            None
        }
        Some(folder) => {
            let header = Path::new(&folder).join("include/torch/csrc/api/include/torch/version.h");
            println!("cargo::rerun-if-changed={}", header.display());
            libtorch::check(Path::new(&folder)).err()
        }
        None if download => None,
        None => Some(format!(
            "LIBTORCH is not set. Run `cargo xtask libtorch` once, which puts libtorch {} into {}, and build in the \
             folder plugins/rust-bert, whose .cargo/config.toml points there",
            libtorch::VERSION,
            libtorch::FOLDER
        )),
    };
    if let Some(problem) = problem {
        println!("cargo::error={problem}");
        exit(1);
    }
}
