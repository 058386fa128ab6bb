//! What the journal says, added up.

use std::collections::BTreeMap;

use copydesk_engine::{Cause, Counts, DropReason};

use crate::{
    journal::{Became, Chunk, Entry, Part},
    lock::Owner,
    positions::Positions,
};

/// Where a run stands.
#[derive(Debug, Clone, Default)]
pub(crate) struct State {
    /// Somebody began.
    pub(crate) begun: bool,
    /// The input was read to its end, and the outputs are whole.
    pub(crate) ended: bool,
    /// The input was read to its end.
    pub(crate) read: bool,
    /// What stands in the places of the outputs is the run's own.
    pub(crate) joined: bool,
    pub(crate) finished: Positions,
    pub(crate) counts: Counts,
    pub(crate) causes: Vec<Cause>,
    pub(crate) drops: Vec<DropReason>,
    /// The number of the next chunk.
    pub(crate) next_chunk: u32,
    /// Chunks that have parts, with the sizes of these.
    pub(crate) parts: BTreeMap<u32, Vec<Part>>,
    pub(crate) letter_bytes: u64,
    pub(crate) letters: u64,
    pub(crate) id_bytes: u64,
    /// What became of letters.
    pub(crate) replayed: BTreeMap<u64, Became>,
    /// Processes that worked on it, with when they began.
    pub(crate) sessions: Vec<Owner>,
}

impl State {
    /// Whether no document has come to an end yet.
    pub(crate) fn is_blank(&self) -> bool {
        self.counts.total() == 0 && self.replayed.is_empty() && !self.ended
    }

    pub(crate) fn of(entries: Vec<Entry>) -> Self {
        let mut state = Self::default();
        for entry in entries {
            state.add(entry);
        }
        state
    }

    pub(crate) fn add(&mut self, entry: Entry) {
        match entry {
            Entry::Begun { by, .. } => {
                self.begun = true;
                self.sessions.push(by);
            }
            Entry::Chunk(chunk) => self.add_chunk(chunk),
            Entry::Kept { finished, .. } => {
                (self.read, self.ended) = (false, false);
                self.finished = Positions::default();
                self.finished.add(&finished);
            }
            Entry::Joining { .. } => self.joined = true,
            Entry::Finished { .. } => (self.read, self.ended) = (true, true),
        }
    }

    fn add_chunk(&mut self, chunk: Chunk) {
        // What was replayed is in no output until the parts are joined again.
        self.ended &= chunk.replayed.is_empty();
        self.finished.add(&chunk.finished);
        self.counts.done += chunk.counts.done;
        self.counts.dropped += chunk.counts.dropped;
        self.counts.failed += chunk.counts.failed;
        for cause in chunk.causes {
            match self.causes.iter_mut().find(|known| same(known, &cause)) {
                Some(known) => known.documents += cause.documents,
                None => self.causes.push(cause),
            }
        }
        for drop in chunk.drops {
            let known = self
                .drops
                .iter_mut()
                .find(|known| known.stage == drop.stage && known.reason == drop.reason);
            match known {
                Some(known) => known.documents += drop.documents,
                None => self.drops.push(drop),
            }
        }
        for replayed in chunk.replayed {
            self.counts.failed = self.counts.failed.saturating_sub(1);
            if let Some(known) = self
                .causes
                .iter_mut()
                .find(|known| same(known, &replayed.cause))
            {
                known.documents = known.documents.saturating_sub(1);
            }
            self.replayed.insert(replayed.letter, replayed.became);
        }
        self.causes.retain(|cause| cause.documents > 0);
        self.next_chunk = chunk.number + 1;
        if !chunk.parts.is_empty() {
            self.parts.insert(chunk.number, chunk.parts);
        }
        self.letter_bytes = chunk.letter_bytes;
        self.letters = chunk.letters;
        self.id_bytes = chunk.id_bytes;
    }
}

fn same(a: &Cause, b: &Cause) -> bool {
    a.stage == b.stage && a.class == b.class && a.code == b.code
}
