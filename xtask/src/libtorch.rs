//! `cargo xtask libtorch`: the C++ library below the plugin `rust-bert`, from PyPI's wheel of torch alone.
//!
//! The wheel is built for CUDA. Of its three gigabytes with dependencies the CPU
//! needs two libraries and OpenMP; what those still ask of CUDA are functions of
//! a profiler, for which small libraries that answer "no device" stand in.

#[path = "../../plugins/rust-bert/libtorch/src/lib.rs"]
#[allow(unreachable_pub)]
mod version;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};

use self::version::{FOLDER, VERSION};

/// Which of torch's wheels: any of the version for this platform has the same libraries.
const WHEEL: &str = "--no-deps --only-binary=:all: --python-version 3.11 --implementation cp --abi cp311 --platform \
                     manylinux1_x86_64";

/// The libraries that are taken out of the wheel, with their SHA-256.
const LIBRARIES: &[(&str, &str)] = &[
    (
        "libtorch_cpu.so",
        "c1d237422ff0f010bddf58193a62c68b200123a24e1ee53b40166f609f19ca92",
    ),
    (
        "libc10.so",
        "ff4eddb5dec320702e7cf1a35af3a83cf2fcce29c68e4bfeeb0e0bfd48724041",
    ),
    (
        OPENMP,
        "9eb01021bb58ec36925daeb5a56606bfab558332eb5f5119e990e4c208ed2581",
    ),
];
const OPENMP: &str = "libgomp-a34b3233.so.1";
const HEADERS: &str = "torch/include/*";

/// What `libtorch_cpu.so` asks of two libraries of CUDA. A function that returns text has `String` at its end.
const CUDART: &str = "cudaDriverGetVersion cudaGetDeviceCount cudaGetDeviceProperties_v2 cudaGetErrorString \
                      cudaRuntimeGetVersion";
const CUPTI: &str = "\
    cuptiActivityDisable cuptiActivityEnable cuptiActivityFlushAll cuptiActivityGetNextRecord \
    cuptiActivityGetNumDroppedRecords cuptiActivityPopExternalCorrelationId cuptiActivityPushExternalCorrelationId \
    cuptiActivityRegisterCallbacks cuptiActivitySetAttribute cuptiEnableCallback cuptiEnableDomain \
    cuptiEventGetAttribute cuptiEventGetIdFromName cuptiEventGroupGetAttribute cuptiEventGroupReadEvent \
    cuptiEventGroupSetAttribute cuptiEventGroupSetDisable cuptiEventGroupSetEnable cuptiEventGroupSetsCreate \
    cuptiEventGroupSetsDestroy cuptiFinalize cuptiGetDeviceId cuptiGetResultString cuptiGetVersion \
    cuptiMetricEnumEvents cuptiMetricGetAttribute cuptiMetricGetIdFromName cuptiMetricGetNumEvents \
    cuptiMetricGetValue cuptiSetEventCollectionMode cuptiSubscribe cuptiUnsubscribe";

/// Puts libtorch into the project's folder, or finds that `given` (the variable `LIBTORCH`) will do.
pub(crate) fn set_up(root: &Path, given: Option<&OsStr>) -> Result<()> {
    if let Some(given) = given.filter(|given| !given.is_empty()) {
        version::check(Path::new(given)).map_err(anyhow::Error::msg)?;
        println!("libtorch {VERSION}, as LIBTORCH says: {}", given.display());
        return Ok(());
    }
    let folder = root.join(FOLDER);
    if version::check(&folder).is_ok() {
        println!("libtorch {VERSION} is there: {}", folder.display());
        return Ok(());
    }
    ensure!(
        cfg!(all(target_os = "linux", target_arch = "x86_64")),
        "only libtorch for Linux on x86-64 can be set up from the wheel; unpack libtorch {VERSION} for this platform \
         and name its folder in LIBTORCH"
    );
    // Nothing stands in the folder itself until all of it does.
    let part = root.join(format!("{FOLDER}.part"));
    remove(&part)?;
    fs::create_dir_all(&part).with_context(|| format!("cannot make {}", part.display()))?;
    fetch(&part)?;
    arrange(&part)?;
    version::check(&part).map_err(anyhow::Error::msg)?;
    remove(&folder)?;
    fs::rename(&part, &folder)
        .with_context(|| format!("cannot rename {} to {FOLDER}", part.display()))?;
    println!("libtorch {VERSION} is set up: {}", folder.display());
    Ok(())
}

/// Unpacks the needed members of the wheel into `folder`.
fn fetch(folder: &Path) -> Result<()> {
    let python = python()?;
    println!("reading libtorch {VERSION} out of PyPI's wheel of torch (140 MB)");
    if let Err(error) = fetch_members(&python, folder) {
        println!("not by parts ({error:#}); downloading the whole wheel (800 MB)");
        remove(&folder.join("torch"))?;
        fetch_whole(&python, folder)?;
    }
    Ok(())
}

fn fetch_members(python: &str, folder: &Path) -> Result<()> {
    let mut child = Command::new(python)
        .args(["-c", include_str!("libtorch/members.py")])
        .arg(format!("torch=={VERSION}"))
        .arg(folder)
        .args(members())
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {python}"))?;
    if let Some(mut options) = child.stdin.take() {
        options.write_all(WHEEL.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    // The last line of a traceback says what it was.
    ensure!(
        output.status.success(),
        "{}",
        said.trim_end().lines().last().unwrap_or("python failed")
    );
    Ok(())
}

fn fetch_whole(python: &str, folder: &Path) -> Result<()> {
    let wheels = folder.join("wheel");
    let download = Command::new(python)
        .args(["-m", "pip", "download", "--quiet", "--dest"])
        .arg(&wheels)
        .args(WHEEL.split_whitespace())
        .arg(format!("torch=={VERSION}"))
        .status()
        .with_context(|| format!("cannot run {python}"))?;
    ensure!(
        download.success(),
        "`{python} -m pip download torch=={VERSION}` failed: see above"
    );
    let wheel = fs::read_dir(&wheels)?
        .next()
        .context("pip downloaded nothing")??
        .path();
    let unpack = "import fnmatch, sys, zipfile\n\
                  wheel = zipfile.ZipFile(sys.argv[1])\n\
                  wheel.extractall(sys.argv[2], [n for n in wheel.namelist() if any(fnmatch.fnmatchcase(n, p) for p \
                  in sys.argv[3:])])";
    let unpacked = Command::new(python)
        .args(["-c", unpack])
        .arg(&wheel)
        .arg(folder)
        .args(members())
        .status()?;
    ensure!(unpacked.success(), "cannot unpack {}", wheel.display());
    remove(&wheels)
}

fn members() -> impl Iterator<Item = String> {
    let libraries = LIBRARIES
        .iter()
        .map(|(name, _)| format!("torch/lib/{name}"));
    libraries.chain([HEADERS.to_owned()])
}

/// A Python with pip. Nothing is installed into it.
fn python() -> Result<String> {
    let has_pip = |python: &&str| {
        Command::new(python)
            .args(["-m", "pip", "--version"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    };
    match ["python3", "python"].iter().find(|python| has_pip(python)) {
        Some(python) => Ok((*python).to_owned()),
        None => bail!(
            "neither `python3 -m pip` nor `python -m pip` runs; install Python with pip, or unpack libtorch {VERSION} \
             by hand and name its folder in LIBTORCH"
        ),
    }
}

/// From the layout of the wheel to that of libtorch, with what stands in for CUDA.
fn arrange(folder: &Path) -> Result<()> {
    let lib = folder.join("lib");
    for (name, sum) in LIBRARIES {
        let file = folder.join("torch/lib").join(name);
        let found = sha256(&file)?;
        ensure!(
            found == *sum,
            "{name} of the wheel has the SHA-256 {found}, not {sum}: it is not what torch {VERSION} was published with"
        );
    }
    fs::rename(folder.join("torch/lib"), &lib)?;
    fs::rename(folder.join("torch/include"), folder.join("include"))?;
    remove(&folder.join("torch"))?;
    // Under its usual name too, so that one OpenMP runtime serves everybody.
    #[cfg(unix)]
    std::os::unix::fs::symlink(OPENMP, lib.join("libgomp.so.1"))?;
    link(&lib, "libtorch.so", "", &["-L.", "-ltorch_cpu"])?;
    for (library, functions) in [("libcudart.so.12", CUDART), ("libcupti.so.12", CUPTI)] {
        let map = lib.join("stand-in.map");
        // The symbols carry the library's name as their version.
        fs::write(&map, format!("{library} {{ global: *; }};\n"))?;
        let script = "-Wl,--version-script=stand-in.map";
        link(&lib, library, &stand_in(functions), &[script])?;
        fs::remove_file(map)?;
    }
    fs::write(folder.join("build-version"), format!("{VERSION}\n"))?;
    Ok(())
}

/// C functions of these names that report a failure, as without any device.
fn stand_in(functions: &str) -> String {
    let function = |name: &str| {
        if name.ends_with("String") {
            format!("const char *{name}(int code) {{ (void)code; return \"no CUDA here\"; }}\n")
        } else {
            format!("int {name}(void) {{ return 100; }}\n")
        }
    };
    functions.split_whitespace().map(function).collect()
}

/// Compiles `source` to the library `name` in the folder `lib`.
fn link(lib: &Path, name: &str, source: &str, arguments: &[&str]) -> Result<()> {
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let mut child = Command::new(&compiler)
        .current_dir(lib)
        .args(["-shared", "-fPIC", "-x", "c", "-", "-o", name])
        .arg(format!("-Wl,-soname,{name}"))
        // What the wheel's own libraries miss is there at run time only.
        .args([
            "-Wl,--no-as-needed",
            "-Wl,--allow-shlib-undefined",
            "-Wl,-rpath,$ORIGIN",
        ])
        .args(arguments)
        .stdin(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run the C compiler `{compiler}`"))?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(source.as_bytes())?;
    }
    let status = child.wait()?;
    ensure!(
        status.success(),
        "`{compiler}` cannot link {name}: see above"
    );
    Ok(())
}

fn sha256(file: &Path) -> Result<String> {
    let mut sum = Sha256::new();
    let mut open = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
    let mut piece = vec![0; 1 << 20];
    loop {
        let read = open.read(&mut piece)?;
        if read == 0 {
            break;
        }
        sum.update(&piece[..read]);
    }
    Ok(sum
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_libtorch_of_another_version_is_refused_by_both_versions_and_what_helps() {
        let folder = tempfile::tempdir().unwrap();
        let include = folder.path().join("include/torch/csrc/api/include/torch");
        fs::create_dir_all(&include).unwrap();
        fs::write(
            include.join("version.h"),
            "#define TORCH_VERSION \\\n  \"2.6.0\"\n",
        )
        .unwrap();
        let given = Some(folder.path().as_os_str());
        let message = set_up(Path::new("/nowhere"), given)
            .unwrap_err()
            .to_string();
        for part in ["2.6.0", VERSION, "cargo xtask libtorch"] {
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn one_that_is_there_is_left_as_it_is() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join(FOLDER);
        let include = folder.join("include/torch/csrc/api/include/torch");
        fs::create_dir_all(&include).unwrap();
        fs::create_dir_all(folder.join("lib")).unwrap();
        fs::write(folder.join("lib/libtorch_cpu.so"), "").unwrap();
        fs::write(folder.join("lib/libtorch_cpu.dylib"), "").unwrap();
        let header = format!("#define TORCH_VERSION \"{VERSION}\"\n");
        fs::write(include.join("version.h"), header).unwrap();
        set_up(root.path(), None).unwrap();
        assert!(!root.path().join(format!("{FOLDER}.part")).exists());
    }

    #[test]
    fn what_stands_in_for_cuda_is_c_that_links() {
        let source = stand_in(CUPTI);
        assert_eq!(source.lines().count(), CUPTI.split_whitespace().count());
        assert!(source.contains("const char *cuptiGetResultString(int code)"));
        let folder = tempfile::tempdir().unwrap();
        link(folder.path(), "libcupti.so.12", &source, &[]).unwrap();
        assert!(folder.path().join("libcupti.so.12").exists());
    }
}
