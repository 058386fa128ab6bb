//! The plugin finds libtorch where it was built with it: no variable has to be set to load it.

fn main() {
    println!("cargo::rerun-if-env-changed=DEP_TCH_LIBTORCH_LIB");
    let Ok(folder) = std::env::var("DEP_TCH_LIBTORCH_LIB") else {
        return;
    };
    let folder = std::fs::canonicalize(&folder).unwrap_or(folder.into());
    // `rpath` proper, not the newer `runpath`, which the libraries that libtorch needs in turn would not inherit.
    println!(
        "cargo::rustc-link-arg=-Wl,--disable-new-dtags,-rpath,{}",
        folder.display()
    );
}
