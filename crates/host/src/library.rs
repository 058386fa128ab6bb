//! A plugin file as it lies on the disk: what its metadata section declares,
//! and its tables once it is loaded.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use copydesk_abi as abi;
use object::{Object, ObjectSection, ReadCache};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::HostError;
use crate::table::{checked, with_causes};

/// A plugin file, described by its metadata section.
#[derive(Debug, Clone)]
pub struct PluginFile {
    /// Full path.
    pub path: PathBuf,
    /// Major and minor version of the ABI that it was built for.
    pub abi: (u16, u16),
    /// Name of its package.
    pub package: String,
    /// Version of its package.
    pub version: String,
    /// What it offers.
    pub stages: Vec<StageInfo>,
    // Shared by clones: reading a large file once is enough.
    sha256: Arc<OnceLock<String>>,
}

/// A stage, as the metadata section declares it.
#[derive(Debug, Clone, Deserialize)]
pub struct StageInfo {
    /// `owner/name`.
    pub id: String,
    /// Version.
    pub version: String,
    /// One line for users.
    #[serde(default)]
    pub summary: String,
    /// Widest set of contract names that it may read.
    pub requires: Vec<String>,
    /// Widest set of contract names that it may write.
    pub provides: Vec<String>,
}

/// What a file on the search path turned out to be.
pub(crate) enum Found {
    Plugin(PluginFile),
    /// A shared library that is no plugin: none of our business.
    Other,
    /// Not a library at all.
    NotALibrary(String),
    /// A plugin whose metadata cannot be read.
    BadMetadata(String),
}

#[derive(Deserialize)]
struct Metadata {
    package: String,
    version: String,
    stages: Vec<StageInfo>,
}

impl PluginFile {
    /// Reads the headers and the metadata section of the file at `path`, and
    /// nothing else; runs nothing.
    pub(crate) fn read(path: &Path) -> io::Result<Found> {
        let file = File::open(path)?;
        if file.metadata()?.len() == 0 {
            return Ok(Found::NotALibrary("the file is empty".to_owned()));
        }
        let cache = ReadCache::new(file);
        let library = match object::File::parse(&cache) {
            Ok(library) => library,
            Err(error) => return Ok(Found::NotALibrary(error.to_string())),
        };
        let section = library
            .section_by_name(abi::META_SECTION)
            .or_else(|| library.section_by_name(abi::META_SECTION_MACHO));
        let Some(section) = section else {
            return Ok(Found::Other);
        };
        let bytes = match section.data() {
            Ok(bytes) => bytes,
            Err(error) => return Ok(Found::BadMetadata(error.to_string())),
        };
        // Linkers may pad a section with zeros.
        let end = bytes.iter().rposition(|&b| b != 0).map_or(0, |at| at + 1);
        Ok(Self::describe(path, &bytes[..end]).map_or_else(Found::BadMetadata, Found::Plugin))
    }

    fn describe(path: &Path, json: &[u8]) -> Result<Self, String> {
        let json: serde_json::Value =
            serde_json::from_slice(json).map_err(|error| error.to_string())?;
        let abi: (u16, u16) = serde_json::from_value(json["abi"].clone())
            .map_err(|_| "it names no ABI version".to_owned())?;
        let same = abi == (abi::ABI_MAJOR, abi::ABI_MINOR);
        let metadata = match serde_json::from_value::<Metadata>(json) {
            Ok(metadata) => metadata,
            Err(error) if same => return Err(error.to_string()),
            // Another version may describe itself in another way.
            Err(_) => Metadata {
                package: String::new(),
                version: String::new(),
                stages: Vec::new(),
            },
        };
        Ok(Self {
            path: path.to_owned(),
            abi,
            package: metadata.package,
            version: metadata.version,
            stages: metadata.stages,
            sha256: Arc::default(),
        })
    }

    /// SHA-256 of the file, in hexadecimal; empty where it cannot be read.
    pub fn sha256(&self) -> &str {
        self.sha256
            .get_or_init(|| sha256(&self.path).unwrap_or_default())
    }

    /// Loads the library and returns its table of the stage `id`.
    pub(crate) fn load(&self, id: &str) -> Result<&'static abi::StageApi, HostError> {
        let ours = (abi::ABI_MAJOR, abi::ABI_MINOR);
        let other_abi = |theirs| HostError::OtherAbi {
            path: self.path.clone(),
            theirs,
            ours,
        };
        if self.abi != ours {
            return Err(other_abi(self.abi));
        }
        let bad = |reason: String| HostError::BadModule {
            path: self.path.clone(),
            reason,
        };
        let entry = self.entry()?;
        // SAFETY: a file that carries our metadata section and symbol says that
        // it follows the ABI; that is all that can be known of a native library.
        let module = unsafe { entry(ours.0, ours.1) };
        if module.is_null() {
            return Err(bad(format!(
                "it declines to serve this host, which has plugin ABI {}.{}",
                ours.0, ours.1
            )));
        }
        // SAFETY: not null; every version of the table begins with these three.
        let (size, theirs) = unsafe {
            let size = (&raw const (*module).struct_size).read_unaligned();
            let major = (&raw const (*module).abi_major).read_unaligned();
            let minor = (&raw const (*module).abi_minor).read_unaligned();
            (size as usize, (major, minor))
        };
        if theirs != ours {
            return Err(other_abi(theirs));
        }
        if size < size_of::<abi::Module>() {
            return Err(bad(format!("its module table has {size} bytes")));
        }
        // SAFETY: of our version and large enough.
        let module = unsafe { &*module };
        if module.stages.is_null() {
            return Err(bad("its module table names no stages".to_owned()));
        }
        for i in 0..module.stage_count as usize {
            // SAFETY: `stages` has `stage_count` entries.
            let table = unsafe { *module.stages.add(i) };
            // SAFETY: entries are tables of stages or null, which is checked.
            let table = unsafe { stage_table(table) }.map_err(&bad)?;
            // SAFETY: checked by `stage_table`.
            if unsafe { checked(table.id) } == Ok(id) {
                return Ok(table);
            }
        }
        Err(bad(format!(
            "its metadata declares the stage `{id}`, its tables do not"
        )))
    }

    fn entry(&self) -> Result<abi::Entry, HostError> {
        let open = |error: libloading::Error| HostError::Open {
            path: self.path.clone(),
            reason: with_causes(&error),
        };
        // RTLD_NOW: a missing symbol shows here and not in the middle of a run.
        // RTLD_LOCAL: two plugins may carry the same library in two versions.
        #[cfg(unix)]
        let library = {
            use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
            // SAFETY: runs the library's initialisers: the user chose to.
            unsafe { Library::open(Some(&self.path), RTLD_NOW | RTLD_LOCAL) }.map_err(open)?
        };
        #[cfg(windows)]
        // SAFETY: as above.
        let library = unsafe { libloading::os::windows::Library::new(&self.path) }.map_err(open)?;
        // SAFETY: the symbol's name stands for this type.
        let entry = unsafe { library.get::<abi::Entry>(abi::ENTRY_SYMBOL) }.map_err(open)?;
        let entry = *entry;
        // Never unloaded; see the crate's documentation.
        std::mem::forget(library);
        Ok(entry)
    }
}

/// Checks what can be checked of a stage's table.
///
/// # Safety
/// `table` is null or points to a table that lives forever.
pub(crate) unsafe fn stage_table(
    table: *const abi::StageApi,
) -> Result<&'static abi::StageApi, String> {
    if table.is_null() {
        return Err("one of its stage tables is null".to_owned());
    }
    // SAFETY: not null, and every version begins with this field.
    let size = unsafe { (&raw const (*table).struct_size).read_unaligned() } as usize;
    if size < size_of::<abi::StageApi>() {
        return Err(format!("a stage table has {size} bytes"));
    }
    // A function pointer must not be null, so it has to be looked at before a
    // reference to the table exists.
    let functions = std::mem::offset_of!(abi::StageApi, create);
    let count = (size_of::<abi::StageApi>() - functions) / size_of::<usize>();
    for i in 0..count {
        // SAFETY: within the table, as its size says.
        let function = unsafe {
            table
                .byte_add(functions + i * size_of::<usize>())
                .cast::<usize>()
                .read_unaligned()
        };
        if function == 0 {
            return Err(format!("function {i} of a stage table is null"));
        }
    }
    // SAFETY: large enough, without null functions, static by contract.
    let table = unsafe { &*table };
    for (what, text) in [
        ("id", table.id),
        ("version", table.version),
        ("schema", table.config_schema),
    ] {
        // SAFETY: strings of a static table are static.
        unsafe { checked(text) }.map_err(|reason| format!("the {what} of a stage {reason}"))?;
    }
    Ok(table)
}

/// SHA-256 of a file, in hexadecimal.
pub(crate) fn sha256(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        digest.update(&buffer[..n]);
    }
    Ok(digest
        .finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect())
}
