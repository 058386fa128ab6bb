//! Where output goes: the standard output or a file, perhaps compressed, and what is left behind
//! when something breaks.

use std::{
    fmt,
    fs::{File, OpenOptions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};

/// Name of an output, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The standard output.
    Stdout,
    /// A file.
    File(PathBuf),
    /// A folder of files.
    Folder(PathBuf),
}

impl Place {
    /// What a path names in `[output]` and on the command line: `-` is the standard output, and
    /// what ends with a slash a folder.
    pub fn of(path: &str) -> Self {
        match path {
            "-" => Self::Stdout,
            path if path.ends_with('/') => Self::Folder(path.into()),
            path => Self::File(path.into()),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout => f.write_str("the standard output"),
            Self::File(path) | Self::Folder(path) => write!(f, "`{}`", path.display()),
        }
    }
}

/// A sink for whole lines.
///
/// A file is written under the name `<path>.partial` and gets its own name when it is complete,
/// so that nobody takes a torn file for a whole one. If writing fails, an uncompressed file is cut
/// back to its last whole line and stays under that name.
pub(crate) struct Target {
    place: Place,
    /// Gone once it failed or was finished.
    stream: Option<Stream>,
    /// A device or a pipe has none.
    partial: Option<PartialFile>,
    buffer: Vec<u8>,
    /// Bytes of whole lines in the file.
    settled: u64,
}

enum Stream {
    Stdout(io::Stdout),
    Plain(File),
    Gzip(GzEncoder<BufWriter<File>>),
    Zstd(zstd::Encoder<'static, BufWriter<File>>),
}

impl Target {
    /// Whole lines are handed on when this many bytes have come together.
    const BUFFER: usize = 256 * 1024;

    pub(crate) fn stdout() -> Self {
        Self {
            place: Place::Stdout,
            stream: Some(Stream::Stdout(io::stdout())),
            partial: None,
            buffer: Vec::new(),
            settled: 0,
        }
    }

    /// Opens a file for writing, with the folders above it; the extension chooses compression.
    /// A device or a pipe is written directly.
    pub(crate) fn file(path: &Path) -> io::Result<Self> {
        let special = path
            .metadata()
            .is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir());
        let (partial, file) = if special {
            (None, OpenOptions::new().write(true).open(path)?)
        } else {
            let (partial, file) = PartialFile::create(path)?;
            (Some(partial), file)
        };
        let stream = match path.extension().and_then(|extension| extension.to_str()) {
            Some("gz") => {
                Stream::Gzip(GzEncoder::new(BufWriter::new(file), Compression::default()))
            }
            Some("zst") => Stream::Zstd(zstd::Encoder::new(BufWriter::new(file), 0)?),
            _ => Stream::Plain(file),
        };
        Ok(Self {
            place: Place::File(path.to_owned()),
            stream: Some(stream),
            partial,
            buffer: Vec::new(),
            settled: 0,
        })
    }

    /// The output's name, and where its lines stand as long as it is not finished.
    pub(crate) fn described(&self) -> String {
        match (&self.place, &self.partial) {
            (Place::Stdout, _) => self.place.to_string(),
            (_, None) => format!("the output {}", self.place),
            (_, Some(partial)) => format!(
                "the output {} (what was written is in `{}`)",
                self.place,
                partial.partial().display()
            ),
        }
    }

    /// Adds whole lines.
    pub(crate) fn lines(&mut self, lines: &[u8]) -> io::Result<()> {
        self.buffer.extend_from_slice(lines);
        if self.buffer.len() >= Self::BUFFER {
            self.settle()
        } else {
            Ok(())
        }
    }

    /// Ends a batch. What counts as written is handed to the system: an error belongs to it.
    pub(crate) fn end_batch(&mut self) -> io::Result<()> {
        self.settle()
    }

    /// Hands everything to the system.
    fn settle(&mut self) -> io::Result<()> {
        let Some(stream) = &mut self.stream else {
            return Ok(());
        };
        let buffer = std::mem::take(&mut self.buffer);
        let written = match stream {
            Stream::Stdout(out) => out.write_all(&buffer).and_then(|()| out.flush()),
            Stream::Plain(file) => write_lines(file, &buffer, &mut self.settled),
            Stream::Gzip(encoder) => encoder.write_all(&buffer),
            Stream::Zstd(encoder) => encoder.write_all(&buffer),
        };
        if written.is_err() {
            self.stream = None;
        }
        self.buffer = buffer;
        self.buffer.clear();
        written
    }

    /// Writes out what is left, makes it durable, and gives the file its name.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        self.settle()?;
        let file = match self.stream.take() {
            None | Some(Stream::Stdout(_)) => return Ok(()),
            Some(Stream::Plain(file)) => file,
            Some(Stream::Gzip(encoder)) => unwrap_buffer(encoder.finish()?)?,
            Some(Stream::Zstd(encoder)) => unwrap_buffer(encoder.finish()?)?,
        };
        match &mut self.partial {
            Some(partial) => partial.keep(&file),
            None => Ok(()),
        }
    }

    /// Takes back an output into which nothing was written.
    pub(crate) fn discard(&mut self) {
        self.stream = None;
        if let Some(partial) = &mut self.partial {
            partial.discard();
        }
    }
}

/// A file under the name `<path>.partial`, until it is complete.
pub(crate) struct PartialFile {
    path: PathBuf,
    partial: PathBuf,
}

impl PartialFile {
    /// Creates it, with the folders above it.
    pub(crate) fn create(path: &Path) -> io::Result<(Self, File)> {
        let own = Self::reserve(path)?;
        let file = File::create(&own.partial)?;
        Ok((own, file))
    }

    /// Makes the folders above it, and leaves the file to somebody else to create.
    pub(crate) fn reserve(path: &Path) -> io::Result<Self> {
        if path.is_dir() {
            return Err(io::Error::new(
                io::ErrorKind::IsADirectory,
                "it is a folder",
            ));
        }
        if let Some(folder) = folder_of(path) {
            make_folder(folder)?;
        }
        Ok(Self {
            path: path.to_owned(),
            partial: with_suffix(path, ".partial"),
        })
    }

    /// The name that it will have.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The name that it has until then.
    pub(crate) fn partial(&self) -> &Path {
        &self.partial
    }

    /// Makes it durable and gives it its name.
    pub(crate) fn keep(&mut self, file: &File) -> io::Result<()> {
        file.sync_all()?;
        std::fs::rename(&self.partial, &self.path)?;
        sync_folder(&self.path)
    }

    /// Removes it.
    pub(crate) fn discard(&mut self) {
        // It is ours and empty; if it cannot be removed there is nothing better to do.
        let _ = std::fs::remove_file(&self.partial);
    }
}

/// The folder that a file lies in, if its path has one.
fn folder_of(path: &Path) -> Option<&Path> {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
}

/// Writes whole lines; on an error the file is cut back to the last of them that is complete.
fn write_lines(file: &mut File, lines: &[u8], settled: &mut u64) -> io::Result<()> {
    let mut written = 0;
    while written < lines.len() {
        let error = match file.write(&lines[written..]) {
            Ok(0) => io::ErrorKind::WriteZero.into(),
            Ok(count) => {
                written += count;
                continue;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => error,
        };
        *settled += memchr::memrchr(b'\n', &lines[..written]).map_or(0, |at| at as u64 + 1);
        // Devices cannot be cut back; the error that matters is the one of writing.
        let _ = file.set_len(*settled);
        return Err(error);
    }
    *settled += lines.len() as u64;
    Ok(())
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let in_the_way = folder
        .ancestors()
        .find(|above| above.exists() && !above.is_dir());
    if let Some(file) = in_the_way {
        let message = format!("`{}` is a file, not a folder", file.display());
        return Err(io::Error::new(io::ErrorKind::NotADirectory, message));
    }
    std::fs::create_dir_all(folder)
}

/// Makes the name of a file durable, which is kept in its folder. Where folders cannot be
/// opened (Windows) the system does it by itself.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder_of(path).unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(())
}

fn unwrap_buffer(writer: BufWriter<File>) -> io::Result<File> {
    writer.into_inner().map_err(|error| error.into_error())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
