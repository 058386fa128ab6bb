//! Booking what becomes of documents, chunk by chunk: what a chunk gave is written and made
//! durable first, recorded then. What a crash leaves behind the record is thrown away.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::Path,
    sync::PoisonError,
    time::{Duration, Instant},
};

use copydesk_engine::{
    Cause, Counts, DeadLetter, DropReason, Ended, Ledger, Sink, SinkError, digest,
};
use copydesk_io::Output;

use crate::{
    Letter, RunDir, dir,
    journal::{Became, Chunk, Entry, Replayed},
    positions::Positions,
    time,
};

/// A chunk ends when its documents have so many bytes of text and vectors.
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// A chunk ends when its first document has waited for so long: what is slow to make is dear.
const LONGEST: Duration = Duration::from_secs(60);

/// Writes the outputs of a run in chunks into its run directory.
pub struct Book<'r> {
    dir: &'r mut RunDir,
    outputs: &'r [Output],
    chunk_documents: u64,
    /// Letters that are replayed, by the positions of their documents.
    replayed: BTreeMap<u64, Letter>,
    open: Open,
    /// Something could not be written: what is not recorded yet never will be.
    broken: bool,
}

/// The chunk that documents are being added to.
#[derive(Default)]
struct Open {
    begun: Option<Instant>,
    parts: Vec<Box<dyn Sink>>,
    bytes: usize,
    counts: Counts,
    causes: Vec<Cause>,
    drops: Vec<DropReason>,
    replayed: Vec<Replayed>,
    finished: Positions,
    ids: Vec<u8>,
}

impl<'r> Book<'r> {
    /// Chunks of at most about `chunk_documents` documents. Letters in `replayed` are closed as
    /// their documents come to an end.
    pub fn new(
        dir: &'r mut RunDir,
        outputs: &'r [Output],
        chunk_documents: u32,
        replayed: Vec<Letter>,
    ) -> Self {
        Self {
            dir,
            outputs,
            chunk_documents: u64::from(chunk_documents),
            replayed: replayed
                .into_iter()
                .map(|letter| (letter.letter.seq, letter))
                .collect(),
            open: Open::default(),
            broken: false,
        }
    }

    fn add(&mut self, ended: &Ended<'_>) -> Result<(), SinkError> {
        self.open.begun.get_or_insert_with(Instant::now);
        for letter in ended.failed {
            self.fail(letter)?;
        }
        for dropped in ended.dropped {
            self.end(dropped.key.seq, Some(&dropped.key.id), Became::Dropped);
            self.open.counts.dropped += 1;
            let known = self
                .open
                .drops
                .iter_mut()
                .find(|known| known.stage == dropped.stage && known.reason == dropped.reason);
            match known {
                Some(known) => known.documents += 1,
                None => self.open.drops.push(DropReason {
                    stage: dropped.stage.clone(),
                    reason: dropped.reason.clone(),
                    documents: 1,
                }),
            }
        }
        let done = ended.done;
        if !done.is_empty() {
            self.open_parts()?;
            for part in &mut self.open.parts {
                part.write(done)?;
            }
            for i in 0..done.len() {
                self.end(done.seq(i), Some(done.id(i)), Became::Done);
            }
            self.open.counts.done += done.len() as u64;
            self.open.bytes += done.text_bytes();
        }
        Ok(())
    }

    fn fail(&mut self, letter: &DeadLetter) -> Result<(), SinkError> {
        let before = self.replayed.get(&letter.seq);
        let attempts = before.map_or(0, |before| before.letter.attempts);
        let again = DeadLetter {
            attempts: letter.attempts + attempts,
            ..letter.clone()
        };
        let added = self.dir.letters.add(&again);
        added.map_err(|source| failed("the dead letters", self.dir.letters.path(), source))?;
        // An id that was refused is another document's.
        let id = dir::takes_its_id(letter).then_some(letter.id.as_str());
        self.end(letter.seq, id, Became::FailedAgain);
        self.open.counts.failed += 1;
        let cause = cause(letter);
        let known = self.open.causes.iter_mut().find(|known| {
            known.stage == cause.stage && known.class == cause.class && known.code == cause.code
        });
        match known {
            Some(known) => known.documents += 1,
            None => self.open.causes.push(cause),
        }
        Ok(())
    }

    /// A document came to its end, and took its id unless it is none of its own.
    fn end(&mut self, position: u64, id: Option<&str>, became: Became) {
        match self.replayed.remove(&position) {
            // Its position is finished since it failed, and so is its id, if it had taken it.
            Some(letter) => {
                if !dir::takes_its_id(&letter.letter) {
                    self.open.ids.extend(id.into_iter().flat_map(bytes_of_id));
                }
                self.open.replayed.push(Replayed {
                    letter: letter.number,
                    became,
                    cause: cause(&letter.letter),
                });
            }
            None => {
                self.open.finished.insert(position);
                self.open.ids.extend(id.into_iter().flat_map(bytes_of_id));
            }
        }
    }

    fn open_parts(&mut self) -> Result<(), SinkError> {
        if !self.open.parts.is_empty() {
            return Ok(());
        }
        let number = self.dir.state.next_chunk;
        for (index, output) in self.outputs.iter().enumerate() {
            let folder = self.dir.parts_folder(self.outputs, index);
            let part = output.open_part(&folder, number).map_err(|error| {
                let what = format!("part {number} of the output {}", output.place());
                let source = match error {
                    copydesk_io::OutputError::Open { source, .. } => source,
                    other => io::Error::other(other.to_string()),
                };
                SinkError { what, source }
            })?;
            self.open.parts.push(part);
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.open.counts.total() >= self.chunk_documents
            || self.open.bytes >= MOST_BYTES
            || self
                .open
                .begun
                .is_some_and(|begun| begun.elapsed() >= LONGEST)
    }

    /// Makes certain what the chunk has, and records it.
    fn commit(&mut self) -> Result<(), SinkError> {
        if self.open.begun.is_none() {
            return Ok(());
        }
        let mut open = std::mem::take(&mut self.open);
        let number = self.dir.state.next_chunk;
        let mut parts = Vec::new();
        for (index, part) in open.parts.iter_mut().enumerate() {
            part.finish()?;
            let folder = self.dir.parts_folder(self.outputs, index);
            let name = self.outputs[index].part_name(number);
            let known = dir::part(&folder, name);
            parts.push(known.map_err(|source| failed("the parts in", &folder, source))?);
        }
        let settled = self.dir.letters.settle();
        let (letter_bytes, letters) = settled
            .map_err(|source| failed("the dead letters", self.dir.letters.path(), source))?;
        let ids = self.dir.folder().join("ids.bin");
        let written = self.dir.ids.write_all(&open.ids);
        written
            .and_then(|()| match open.ids.is_empty() {
                true => Ok(()),
                false => self.dir.ids.sync_data(),
            })
            .map_err(|source| failed("the ids", &ids, source))?;
        let mut all = self.dir.state.finished.clone();
        let mut finished = open.finished.written();
        all.add(&finished);
        let closed = {
            let mut reading = self
                .dir
                .reading
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            all.close(&mut reading)
        };
        // What is finished whole needs no telling in pieces.
        finished
            .records
            .retain(|[split, ..]| !closed.contains(*split));
        finished
            .splits
            .extend(closed.iter().map(|(from, to)| [from, to]));
        let chunk = Chunk {
            number,
            at: time::now(),
            counts: open.counts,
            parts,
            letter_bytes,
            letters,
            id_bytes: self.dir.state.id_bytes + open.ids.len() as u64,
            causes: open.causes,
            drops: open.drops,
            replayed: open.replayed,
            finished,
        };
        self.dir.certain(Entry::Chunk(chunk))
    }
}

impl Ledger for Book<'_> {
    fn book(&mut self, ended: &Ended<'_>) -> Result<(), SinkError> {
        let booked = self.add(ended).and_then(|()| match self.is_full() {
            true => self.commit(),
            false => Ok(()),
        });
        self.broken |= booked.is_err();
        booked
    }

    fn close(&mut self) -> Result<(), SinkError> {
        if self.broken {
            // The run says why it stopped; what is recorded is whole.
            return Ok(());
        }
        self.commit()
    }
}

fn cause(letter: &DeadLetter) -> Cause {
    Cause {
        stage: letter.stage.clone(),
        class: letter.class,
        code: letter.code.clone(),
        message: letter.message.clone(),
        documents: 1,
    }
}

fn bytes_of_id(id: &str) -> [u8; 16] {
    digest(id).to_be_bytes()
}

fn failed(what: &str, path: &Path, source: io::Error) -> SinkError {
    SinkError {
        what: format!("{what} `{}`", path.display()),
        source,
    }
}
