//! A run directory: opening it, going on from where it stands, and its end.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use copydesk_engine::{Cause, Counts, Earlier, IdDigest, SinkError, Source};
use copydesk_io::{InputFile, Output};

use crate::{
    Change, InputRecord, Letter, Manifest, RunDirError, Weight,
    journal::{self, Became, Entry, Journal, Part},
    letters::{self, LetterFile},
    lock::{Lock, Owner},
    manifest::{self, Compared, VERSION},
    positions::{Positions, Reading, Watched},
    state::State,
    time,
};

const MANIFEST: &str = "manifest.json";
const INPUTS: &str = "inputs.jsonl";
const JOURNAL: &str = "journal.jsonl";
const IDS: &str = "ids.bin";
const LETTERS: &str = "dead-letters.jsonl";
const PARTS: &str = "parts";
const REPORT: &str = "run-report.json";

/// A run directory that this process works in.
#[derive(Debug)]
pub struct RunDir {
    folder: PathBuf,
    pub(crate) journal: Journal,
    pub(crate) letters: LetterFile,
    pub(crate) ids: File,
    pub(crate) state: State,
    manifest: Manifest,
    inputs: Vec<InputRecord>,
    pub(crate) reading: Arc<Mutex<Reading>>,
    // Let go of last.
    _lock: Lock,
}

/// What to do if something has changed since the run began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum IfChanged {
    /// Say so and stop.
    #[default]
    Stop,
    /// Go on with what is in force now.
    Keep,
    /// Throw away what was done, changed or not, and begin anew.
    Restart,
}

/// What a run directory was found to be.
#[derive(Debug)]
#[non_exhaustive]
pub enum Opening {
    /// The run begins.
    New(Box<RunDir>),
    /// The run goes on.
    Continued {
        /// The directory.
        dir: Box<RunDir>,
        /// Who worked in it last and did not end in order.
        left_by: Option<Owner>,
        /// What has changed, all of it allowed.
        changes: Vec<Change>,
    },
    /// The run is finished: there is nothing to do.
    Finished(Box<RunDir>),
    /// Something has changed, and nobody said to go on all the same.
    Changed {
        /// What.
        changes: Vec<Change>,
        /// What became of the documents until then.
        counts: Counts,
        /// Whether the run was finished.
        finished: bool,
    },
}

/// What is different since a run was made.
#[derive(Debug)]
pub struct Since {
    /// In what it is made of.
    pub made: Vec<Change>,
    /// In its inputs.
    pub inputs: Vec<Change>,
    /// Whether the inputs are the same files, cut the same way, so that positions still tell
    /// where documents stand.
    pub same_files: bool,
}

impl RunDir {
    /// Opens the run directory `folder` for a run that is made as `now` says, of these input
    /// files, each with the number of its splits. Makes it if it is not there.
    ///
    /// # Errors
    /// If another process works in it, it is something else, or cannot be read or written.
    pub fn open(
        folder: &Path,
        now: Manifest,
        files: &[(InputFile, u32)],
        if_changed: IfChanged,
    ) -> Result<Opening, RunDirError> {
        refuse_what_is_none(folder)?;
        fs::create_dir_all(folder).map_err(RunDirError::io("make the folder", folder))?;
        let (lock, left_by) = Lock::take(folder)?;
        let mut owns_output = false;
        if if_changed == IfChanged::Restart {
            // A journal that cannot be read is no reason not to begin anew.
            let before = journal::read(&folder.join(JOURNAL)).map(|(entries, _)| entries);
            owns_output = State::of(before.unwrap_or_default()).joined;
            clear(folder)?;
        }
        let (journal, entries) = Journal::open(&folder.join(JOURNAL))?;
        let state = State::of(entries);
        if !state.begun || state.is_blank() {
            let inputs = manifest::record(files);
            write_manifest(folder, &now, &inputs)?;
            let mut dir = Self::with(folder, lock, journal, state, now, inputs)?;
            dir.begin()?;
            dir.state.joined |= owns_output;
            return Ok(Opening::New(Box::new(dir)));
        }
        let before = read_manifest(folder)?;
        let inputs = read_inputs(folder)?;
        let compared = Compared::new(&inputs, files, &state.finished);
        let mut changes = before.changes(&now);
        changes.extend(compared.changes.iter().cloned());
        let weight = changes.iter().map(|change| change.weight).max();
        let weight = weight.unwrap_or(Weight::None);
        let may_go_on = match if_changed {
            IfChanged::Stop => weight == Weight::None,
            IfChanged::Keep | IfChanged::Restart => weight <= Weight::Records,
        };
        if !may_go_on {
            return Ok(Opening::Changed {
                changes,
                counts: state.counts,
                finished: state.ended,
            });
        }
        let mut dir = Self::with(folder, lock, journal, state, before, inputs)?;
        if weight == Weight::Records {
            dir.keep(now, compared, &changes)?;
        }
        if dir.state.ended {
            return Ok(Opening::Finished(Box::new(dir)));
        }
        dir.begin()?;
        Ok(Opening::Continued {
            dir: Box::new(dir),
            left_by,
            changes,
        })
    }

    /// Opens a run directory to replay its dead letters, as it was made.
    ///
    /// # Errors
    /// If there is none, another process works in it, or it cannot be read or written.
    pub fn reopen(folder: &Path) -> Result<Self, RunDirError> {
        let manifest = read_manifest(folder)?;
        let (lock, _) = Lock::take(folder)?;
        let (journal, entries) = Journal::open(&folder.join(JOURNAL))?;
        let inputs = read_inputs(folder)?;
        Self::with(folder, lock, journal, State::of(entries), manifest, inputs)
    }

    fn with(
        folder: &Path,
        lock: Lock,
        journal: Journal,
        state: State,
        manifest: Manifest,
        inputs: Vec<InputRecord>,
    ) -> Result<Self, RunDirError> {
        let letters = folder.join(LETTERS);
        Ok(Self {
            letters: LetterFile::open(&letters, state.letter_bytes, state.letters)?,
            ids: letters::open_at(&folder.join(IDS), state.id_bytes)?,
            folder: folder.to_owned(),
            journal,
            state,
            manifest,
            inputs,
            reading: Arc::default(),
            _lock: lock,
        })
    }

    fn begin(&mut self) -> Result<(), RunDirError> {
        self.record(Entry::Begun {
            by: Owner::this_process(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }

    /// From here on the run is what it is now.
    fn keep(
        &mut self,
        now: Manifest,
        compared: Compared,
        changes: &[Change],
    ) -> Result<(), RunDirError> {
        let finished = compared.renumbered(&self.state.finished).written();
        // The journal comes first: with the new manifest and the old positions documents would be
        // taken for others. A crash between the two shows the changes once more.
        self.record(Entry::Kept {
            at: time::now(),
            changes: changes.iter().map(|change| change.words.clone()).collect(),
            finished,
        })?;
        let now = Manifest {
            created: self.manifest.created.clone(),
            ..now
        };
        write_manifest(&self.folder, &now, &compared.now)?;
        (self.manifest, self.inputs) = (now, compared.now);
        Ok(())
    }

    pub(crate) fn record(&mut self, entry: Entry) -> Result<(), RunDirError> {
        let path = self.journal.path().to_owned();
        self.journal
            .add(&entry)
            .map_err(RunDirError::io("write", &path))?;
        self.state.add(entry);
        Ok(())
    }

    /// What the run is made of.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Its inputs.
    pub fn inputs(&self) -> &[InputRecord] {
        &self.inputs
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where its dead letters are.
    pub fn letters_path(&self) -> PathBuf {
        self.folder.join(LETTERS)
    }

    /// Where its report is.
    pub fn report_path(&self) -> PathBuf {
        self.folder.join(REPORT)
    }

    /// Writes the report, in place of an earlier one.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_report(&self, report: &[u8]) -> Result<(), RunDirError> {
        write_whole(&self.report_path(), report)
    }

    /// What became of the documents so far.
    pub fn counts(&self) -> Counts {
        self.state.counts
    }

    /// Why documents failed whose letters are open.
    pub fn causes(&self) -> &[Cause] {
        &self.state.causes
    }

    /// Whether the input was read to its end, and the outputs are whole.
    pub fn is_finished(&self) -> bool {
        self.state.ended
    }

    /// The processes that have worked in it, this one among them.
    pub fn sessions(&self) -> &[Owner] {
        &self.state.sessions
    }

    /// Whether what stands in the place of an output was put there by this run.
    pub fn owns_output(&self) -> bool {
        self.state.joined
    }

    /// Whether the input was read to its end.
    pub fn is_read(&self) -> bool {
        self.state.read
    }

    /// What is different now.
    pub fn changes(&self, now: &Manifest, files: &[(InputFile, u32)]) -> Since {
        let compared = Compared::new(&self.inputs, files, &self.state.finished);
        let same_files = self.inputs.len() == compared.now.len()
            && self
                .inputs
                .iter()
                .zip(&compared.now)
                .all(|(was, is)| (&was.name, was.splits) == (&is.name, is.splits));
        Since {
            made: self.manifest.changes(now),
            inputs: compared.changes,
            same_files,
        }
    }

    /// Chunks that are recorded.
    pub fn chunks(&self) -> u32 {
        self.state.next_chunk
    }

    /// Finished records, to be passed over.
    pub fn finished(&self) -> Positions {
        self.state.finished.clone()
    }

    /// What earlier processes have done, but for the letters that are to be `replayed`: their
    /// documents have not failed yet, and their ids are free.
    ///
    /// # Errors
    /// If the ids cannot be read.
    pub fn earlier(&self, replayed: &[Letter]) -> Result<Earlier, RunDirError> {
        let mut ids: copydesk_engine::Ids = read_ids(&self.folder.join(IDS), self.state.id_bytes)?
            .into_iter()
            .collect();
        for letter in replayed
            .iter()
            .filter(|letter| takes_its_id(&letter.letter))
        {
            ids.remove(copydesk_engine::digest(&letter.letter.id));
        }
        let mut counts = self.state.counts;
        counts.failed = counts.failed.saturating_sub(replayed.len() as u64);
        let mut causes = self.state.causes.clone();
        for letter in replayed.iter().map(|letter| &letter.letter) {
            let cause = causes.iter_mut().find(|cause| {
                cause.stage == letter.stage
                    && cause.class == letter.class
                    && cause.code == letter.code
            });
            if let Some(cause) = cause {
                cause.documents = cause.documents.saturating_sub(1);
            }
        }
        causes.retain(|cause| cause.documents > 0);
        Ok(Earlier {
            counts,
            causes,
            drops: self.state.drops.clone(),
            ids,
        })
    }

    /// A source that is watched, so that splits that are finished whole need not be opened again.
    pub fn watch(&self, source: Box<dyn Source>) -> Box<dyn Source> {
        Box::new(Watched {
            source,
            reading: Arc::clone(&self.reading),
        })
    }

    /// The folder in which the parts of an output are kept.
    pub(crate) fn parts_folder(&self, outputs: &[Output], index: usize) -> PathBuf {
        match outputs.len() {
            1 => self.folder.join(PARTS),
            _ => self.folder.join(PARTS).join(index.to_string()),
        }
    }

    /// Takes away what is left of parts that the journal does not vouch for, and makes sure that
    /// the others are there.
    ///
    /// # Errors
    /// If a part is missing or has another length than the journal knows.
    pub fn settle(&self, outputs: &[Output]) -> Result<(), RunDirError> {
        for (index, output) in outputs.iter().enumerate() {
            let folder = self.parts_folder(outputs, index);
            let stale = output.part_name(self.state.next_chunk);
            for name in stale
                .into_iter()
                .flat_map(|name| [format!("{name}.partial"), name])
            {
                let path = folder.join(name);
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        return Err(RunDirError::io("remove", &path)(error));
                    }
                    _ => {}
                }
            }
            for part in self
                .state
                .parts
                .values()
                .filter_map(|parts| parts.get(index))
            {
                let Some(name) = &part.file else { continue };
                let path = folder.join(name);
                let what = match path.metadata() {
                    Ok(metadata) if metadata.len() == part.bytes => continue,
                    Ok(metadata) => {
                        format!(
                            "it has {} bytes, the journal knows of {}",
                            metadata.len(),
                            part.bytes
                        )
                    }
                    Err(error) => format!("the journal knows of it, but {error}"),
                };
                return Err(RunDirError::Damaged { path, what });
            }
        }
        Ok(())
    }

    /// Makes the outputs whole and ends the run.
    ///
    /// # Errors
    /// If an output could not be put together; the run can be continued then.
    pub fn finish(&mut self, outputs: &[Output]) -> Result<(), SinkError> {
        self.certain(Entry::Joining { at: time::now() })?;
        let numbers: Vec<u32> = self.state.parts.keys().copied().collect();
        for (index, output) in outputs.iter().enumerate() {
            output.join(&self.parts_folder(outputs, index), &numbers)?;
        }
        self.certain(Entry::Finished { at: time::now() })
    }

    /// Adds a line to the journal in the course of writing outputs.
    pub(crate) fn certain(&mut self, entry: Entry) -> Result<(), SinkError> {
        self.journal.add(&entry).map_err(|source| SinkError {
            what: format!("the journal `{}`", self.journal.path().display()),
            source,
        })?;
        self.state.add(entry);
        Ok(())
    }

    /// The letters that are wanted, of all, those that were replayed among them. Who does not need
    /// its document takes it out of a letter: there may be many, and they may be large.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn letters(
        &self,
        wanted: impl FnMut(&mut Letter) -> bool,
    ) -> Result<Vec<Letter>, RunDirError> {
        letters_of(&self.folder, &self.state, wanted)
    }
}

/// The letters that are wanted, of a run directory or a file of letters, which may be in use: what
/// the journal vouches for is shown. As in [`RunDir::letters`], documents may be taken out.
///
/// # Errors
/// If there is no such thing, or it cannot be read.
pub fn read_letters(
    path: &Path,
    mut wanted: impl FnMut(&mut Letter) -> bool,
) -> Result<Vec<Letter>, RunDirError> {
    if path.is_dir() {
        read_manifest(path)?;
        let (entries, _) = journal::read(&path.join(JOURNAL))?;
        return letters_of(path, &State::of(entries), wanted);
    }
    if !path.exists() {
        return Err(RunDirError::Missing {
            path: path.to_owned(),
        });
    }
    let mut found = Vec::new();
    letters::each(path, u64::MAX, |number, letter| {
        let mut letter = Letter {
            number,
            replayed: None,
            letter,
        };
        found.extend(wanted(&mut letter).then_some(letter));
        true
    })?;
    Ok(found)
}

fn letters_of(
    folder: &Path,
    state: &State,
    mut wanted: impl FnMut(&mut Letter) -> bool,
) -> Result<Vec<Letter>, RunDirError> {
    let mut found = Vec::new();
    letters::each(
        &folder.join(LETTERS),
        state.letter_bytes,
        |number, letter| {
            let mut letter = Letter {
                number,
                replayed: state.replayed.get(&number).copied(),
                letter,
            };
            found.extend(wanted(&mut letter).then_some(letter));
            true
        },
    )?;
    Ok(found)
}

/// Whether a document was read under its id before it failed.
pub(crate) fn takes_its_id(letter: &copydesk_engine::DeadLetter) -> bool {
    letter.class != copydesk_engine::FailureClass::Input
}

/// A folder with something else in it is nobody's run directory.
fn refuse_what_is_none(folder: &Path) -> Result<(), RunDirError> {
    if folder.join(MANIFEST).exists() || folder.join("lock").exists() {
        return Ok(());
    }
    match fs::read_dir(folder) {
        Ok(mut entries) => match entries.next() {
            Some(_) => Err(RunDirError::NotOne {
                path: folder.to_owned(),
            }),
            None => Ok(()),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(RunDirError::io("read the folder", folder)(error)),
    }
}

/// Throws away what a run has done. The journal goes first: without it there is no run.
fn clear(folder: &Path) -> Result<(), RunDirError> {
    for name in [JOURNAL, MANIFEST, INPUTS, IDS, LETTERS, REPORT] {
        let path = folder.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(RunDirError::io("remove", &path)(error));
            }
            _ => {}
        }
    }
    let parts = folder.join(PARTS);
    match fs::remove_dir_all(&parts) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(RunDirError::io("remove", &parts)(error))
        }
        _ => Ok(()),
    }
}

fn write_manifest(
    folder: &Path,
    manifest: &Manifest,
    inputs: &[InputRecord],
) -> Result<(), RunDirError> {
    let mut lines = Vec::new();
    for input in inputs {
        // Plain values: they are JSON.
        let _ = serde_json::to_writer(&mut lines, input);
        lines.push(b'\n');
    }
    write_whole(&folder.join(INPUTS), &lines)?;
    let text = serde_json::to_vec_pretty(manifest).unwrap_or_default();
    write_whole(&folder.join(MANIFEST), &text)
}

/// Writes a file that is there whole or not at all.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), RunDirError> {
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let write = || {
        let mut file = File::create(&partial)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&partial, path)?;
        match path.parent() {
            Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
            _ => Ok(()),
        }
    };
    write().map_err(|error| {
        let _ = fs::remove_file(&partial);
        RunDirError::io("write", path)(error)
    })
}

fn read_manifest(folder: &Path) -> Result<Manifest, RunDirError> {
    /// What is read first: the rest may have another form.
    #[derive(serde::Deserialize)]
    struct Head {
        version: u32,
        copydesk: String,
    }
    let path = folder.join(MANIFEST);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(RunDirError::Missing {
                path: folder.to_owned(),
            });
        }
        Err(error) => return Err(RunDirError::io("read", &path)(error)),
    };
    let damaged = |error: serde_json::Error| RunDirError::Damaged {
        path: path.clone(),
        what: error.to_string(),
    };
    let head: Head = serde_json::from_slice(&text).map_err(damaged)?;
    if head.version > VERSION {
        return Err(RunDirError::Newer {
            path: folder.to_owned(),
            by: head.copydesk,
            version: head.version,
        });
    }
    serde_json::from_slice(&text).map_err(damaged)
}

fn read_inputs(folder: &Path) -> Result<Vec<InputRecord>, RunDirError> {
    let path = folder.join(INPUTS);
    let text = fs::read(&path).map_err(RunDirError::io("read", &path))?;
    let lines = text
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty());
    lines
        .enumerate()
        .map(|(index, line)| {
            serde_json::from_slice(line).map_err(|error| RunDirError::Damaged {
                path: path.clone(),
                what: format!("line {}: {error}", index + 1),
            })
        })
        .collect()
}

fn read_ids(path: &Path, bytes: u64) -> Result<Vec<IdDigest>, RunDirError> {
    let io = |doing| RunDirError::io(doing, path);
    let mut file = io::BufReader::new(File::open(path).map_err(io("open"))?);
    let mut ids = Vec::with_capacity((bytes / 16) as usize);
    let mut id = [0; 16];
    for _ in 0..bytes / 16 {
        file.read_exact(&mut id).map_err(io("read"))?;
        ids.push(IdDigest::from_be_bytes(id));
    }
    Ok(ids)
}

/// What is to be known of a part for the journal.
pub(crate) fn part(folder: &Path, name: Option<String>) -> io::Result<Part> {
    let Some(name) = name else {
        return Ok(Part {
            file: None,
            bytes: 0,
            sha256: String::new(),
        });
    };
    let path = folder.join(&name);
    Ok(Part {
        file: Some(name),
        bytes: path.metadata()?.len(),
        sha256: manifest::sha256(&path)?,
    })
}

impl Became {
    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Dropped => "dropped",
            Self::FailedAgain => "failed again",
        }
    }
}
