//! Several threads that read ahead, and documents handed out in the order of the input.
//!
//! One thread at a time cuts the next block of records out of the input and draws a number; many
//! make documents of their blocks. Blocks are handed out by their numbers, so the order does not
//! depend on which thread was quicker. No more than a bounded number of blocks, and of bytes, is
//! under way.

use std::{
    collections::{HashMap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use copydesk_engine::{InputFailure, Skip, position};

use super::{
    open_records,
    plan::PlannedFile,
    record::{Cut, CutOut, Draft, Options, Record, Records, failure, of_file},
};

/// A block is full with this many records, or bytes.
const BLOCK_RECORDS: usize = 64;
const BLOCK_BYTES: usize = 256 * 1024;
/// Blocks under way, for each thread.
const BLOCKS_AHEAD: usize = 4;
/// Bytes under way; a single record may be larger.
const BYTES_AHEAD: usize = 64 * 1024 * 1024;

/// Parsers of formats that are not ours may panic on what nobody thought of. That costs the record,
/// or the rest of its file, and never the run.
const UNFORESEEN: &str = "reading this failed in an unforeseen way: it is damaged, or has a form that copydesk should know and does not";

/// A record's place in the input, and the document that it gave.
pub(crate) type Item = (u64, Result<Draft, Box<InputFailure>>);

/// Reads ahead. Dropping it ends the threads, except one that waits for a pipe.
pub(crate) struct Pool {
    shared: Arc<Shared>,
    block: std::vec::IntoIter<Item>,
}

struct Shared {
    options: Options,
    skip: Option<Arc<dyn Skip>>,
    head: Mutex<Head>,
    line: Mutex<Line>,
    /// A block came, or there will be no more.
    came: Condvar,
    /// There is room for another block.
    room: Condvar,
    most_blocks: usize,
}

/// Where cutting stands.
struct Head {
    files: VecDeque<PlannedFile>,
    current: Option<(PlannedFile, Box<dyn Records>)>,
    number: u64,
    /// The first blocks are small, so that the first document is there soon.
    block_records: usize,
    split: u32,
    next_index: u64,
}

/// The blocks between cutting and handing out.
#[derive(Default)]
struct Line {
    done: HashMap<u64, (Vec<Item>, usize)>,
    next: u64,
    /// Blocks that were begun and not handed out.
    blocks: usize,
    bytes: usize,
    /// How many blocks there are in all, once that is known.
    last: Option<u64>,
    closed: bool,
}

struct Block {
    number: u64,
    records: Vec<(u64, CutOut)>,
    weight: usize,
}

impl Pool {
    /// Starts `threads` threads that read `files`, less what `skip` has no use for.
    pub(crate) fn new(
        files: Vec<PlannedFile>,
        options: Options,
        skip: Option<Arc<dyn Skip>>,
        threads: usize,
    ) -> Self {
        let shared = Arc::new(Shared {
            options,
            skip,
            head: Mutex::new(Head {
                files: files.into(),
                current: None,
                number: 0,
                block_records: 1,
                split: 0,
                next_index: 0,
            }),
            line: Mutex::default(),
            came: Condvar::new(),
            room: Condvar::new(),
            most_blocks: threads * BLOCKS_AHEAD,
        });
        for number in 0..threads {
            let theirs = Arc::clone(&shared);
            let name = format!("reader-{number}");
            let started = thread::Builder::new()
                .name(name)
                .spawn(move || theirs.work());
            if let Err(error) = started {
                // With one thread the rest of the work gets done, too.
                assert!(number > 0, "cannot start a thread to read with: {error}");
                tracing::warn!("only {number} of {threads} threads to read with: {error}");
                break;
            }
        }
        Self {
            shared,
            block: Vec::new().into_iter(),
        }
    }

    /// The next record in the order of the input; `None` at its end.
    pub(crate) fn next(&mut self) -> Option<Item> {
        loop {
            if let Some(item) = self.block.next() {
                return Some(item);
            }
            self.block = self.shared.take()?.into_iter();
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.line().closed = true;
        self.shared.room.notify_all();
    }
}

impl Shared {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        while self.wait_for_room() {
            let block = self
                .head
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .block(self);
            let Some(block) = block else { return };
            let items = block
                .records
                .into_iter()
                .map(|(seq, record)| (seq, record.and_then(|record| self.draft(record))))
                .collect();
            self.line().done.insert(block.number, (items, block.weight));
            self.came.notify_one();
        }
    }

    fn draft(&self, record: Box<dyn Record>) -> Result<Draft, Box<InputFailure>> {
        let (file, spot) = record.file();
        let (file, spot) = (Arc::clone(file), spot);
        let draft = catch_unwind(AssertUnwindSafe(|| record.draft(&self.options)));
        draft.unwrap_or_else(|_| Err(failure(&file, spot, "damaged", UNFORESEEN.to_owned())))
    }

    /// Takes part of the room for a block; `false` when there is nothing more to do.
    fn wait_for_room(&self) -> bool {
        let mut line = self.line();
        while !line.closed
            && line.last.is_none()
            && line.blocks > 0
            && (line.blocks >= self.most_blocks || line.bytes >= BYTES_AHEAD)
        {
            line = self.room.wait(line).unwrap_or_else(PoisonError::into_inner);
        }
        line.blocks += 1;
        !line.closed && line.last.is_none()
    }

    /// The next block in order.
    fn take(&self) -> Option<Vec<Item>> {
        let mut line = self.line();
        loop {
            let next = line.next;
            if let Some((items, weight)) = line.done.remove(&next) {
                line.next += 1;
                line.blocks -= 1;
                line.bytes -= weight;
                self.room.notify_one();
                return Some(items);
            }
            if line.last == Some(next) {
                return None;
            }
            line = self.came.wait(line).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn end(&self, blocks: u64) {
        self.line().last = Some(blocks);
        self.came.notify_all();
        self.room.notify_all();
    }

    fn wants(&self, split: u32) -> bool {
        !self
            .skip
            .as_ref()
            .is_some_and(|skip| skip.whole_split(split))
    }

    /// Whether nothing is wanted of a split from there on.
    fn wants_no_more(&self, seq: u64) -> bool {
        self.skip
            .as_ref()
            .is_some_and(|skip| skip.rest_of_split(seq))
    }

    fn wants_document(&self, seq: u64) -> bool {
        let passed = |skip: &Arc<dyn Skip>| skip.document(seq) || skip.rest_of_split(seq);
        !self.skip.as_ref().is_some_and(passed)
    }
}

impl Head {
    /// Cuts the next block out of the input; `None` at its end.
    fn block(&mut self, shared: &Shared) -> Option<Block> {
        let mut records = Vec::new();
        let mut weight = 0;
        while records.len() < self.block_records && weight < BLOCK_BYTES {
            let Some(cut) = self.cut(shared) else {
                break;
            };
            let begins = self.next_index == 0 || self.split != cut.split;
            let seq = self.seq(cut.split);
            if shared.wants(cut.split) && shared.wants_document(seq) {
                weight += cut.weight;
                records.push((seq, cut.record));
            } else if begins || shared.wants_no_more(seq) {
                self.leave_if_done(shared, cut.split);
            }
            if self.waits() && !records.is_empty() {
                break;
            }
        }
        if records.is_empty() {
            shared.end(self.number);
            return None;
        }
        self.block_records = (self.block_records * 2).min(BLOCK_RECORDS);
        let number = self.number;
        self.number += 1;
        shared.line().bytes += weight;
        Some(Block {
            number,
            records,
            weight,
        })
    }

    /// Leaves the current file when nothing more of it is wanted.
    fn leave_if_done(&mut self, shared: &Shared, split: u32) {
        let Some((file, _)) = &self.current else {
            return;
        };
        let this = shared.wants(split) && !shared.wants_no_more(position(split, self.next_index));
        let mut later = split + 1..file.splits.all().end;
        if !this && !later.any(|split| shared.wants(split)) {
            self.current = None;
        }
    }

    /// Whether the next record may be long in coming: those before it must not wait for it.
    fn waits(&self) -> bool {
        let waits = |file: &PlannedFile| file.file.bytes.is_none();
        self.current.as_ref().is_some_and(|(file, _)| waits(file))
    }

    fn seq(&mut self, split: u32) -> u64 {
        if self.split != split {
            self.split = split;
            self.next_index = 0;
        }
        let seq = position(split, self.next_index);
        self.next_index += 1;
        seq
    }

    /// The next record of a file of which anything is wanted.
    fn cut(&mut self, shared: &Shared) -> Option<Cut> {
        let wanted = |split| shared.wants(split);
        loop {
            if let Some((file, records)) = &mut self.current {
                let options = &shared.options;
                let next = catch_unwind(AssertUnwindSafe(|| records.next(options, &wanted)));
                match next {
                    Ok(Some(cut)) => return Some(cut),
                    Ok(None) => self.current = None,
                    Err(_) => {
                        let failure = of_file(&file.file, "damaged", UNFORESEEN.to_owned());
                        let split = self.split.max(file.splits.first);
                        self.current = None;
                        return Some(Cut::failed(split, failure));
                    }
                }
            }
            let file = self.files.pop_front()?;
            if !file.splits.all().any(wanted) {
                continue;
            }
            match open_records(&file, &shared.options) {
                Ok(records) => self.current = Some((file, records)),
                Err(failure) => return Some(Cut::failed(file.splits.first, failure)),
            }
        }
    }
}
