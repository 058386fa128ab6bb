//! The two threads at the head of the line: one reads documents, one makes batches of them.
//!
//! They are two so that a reader which waits for input (a terminal, a slow pipe) holds up
//! neither the documents that were read already nor the end of the run.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use copydesk_document::{Batch, Map, NewDocument};
use crossbeam_channel::RecvTimeoutError;

use super::Shared;
use super::channel::{Receiver, Sender, lock};
use super::parcel::{Parcel, Read};
use crate::ids::Ids;
use crate::sink::{DeadLetter, FailureClass};
use crate::source::{InputFailure, Source};

/// A batch that is not full goes on its way when nothing came for this long.
const IDLE: Duration = Duration::from_millis(200);
/// How often a thread that waits looks whether the run is to stop.
const LOOK: Duration = Duration::from_millis(50);

/// Reads until the source ends or the run stops.
pub(crate) fn read(
    mut source: Box<dyn Source>,
    to: &Sender<Read>,
    shared: &Shared,
    max_document_bytes: usize,
    mut ids: Ids,
) {
    while !shared.control.is_stopping() {
        let item = match source.next() {
            None => {
                shared.exhausted.store(true, Ordering::SeqCst);
                break;
            }
            Some(Ok(document)) => admit(document, &mut ids, max_document_bytes),
            Some(Err(failure)) if failure.fatal => {
                *lock(&shared.cut_off) = Some(place_and_message(&failure));
                break;
            }
            Some(Err(failure)) => Read::Failed(Box::new(unreadable(failure))),
        };
        shared.bytes.store(source.bytes_read(), Ordering::Relaxed);
        // Counted before it is sent: nothing comes out that was not counted.
        shared.read.fetch_add(1, Ordering::SeqCst);
        if to.send(item).is_err() {
            shared.read.fetch_sub(1, Ordering::SeqCst);
            break;
        }
    }
}

/// Makes batches until there are no more documents.
pub(crate) struct Batcher {
    pub(crate) shared: Arc<Shared>,
    pub(crate) most_docs: usize,
    pub(crate) most_bytes: usize,
    pub(crate) to: Sender<Parcel>,
}

impl Batcher {
    pub(crate) fn run(self, from: &Receiver<Read>) {
        let mut number = 0;
        // The first batches are small: a short input then keeps every thread busy, and the
        // first result is there soon.
        let mut target = 1;
        let mut parcel = empty(number);
        let mut last = Instant::now();
        loop {
            match from.recv_timeout(LOOK) {
                Ok(item) => {
                    last = Instant::now();
                    let bytes = match &item {
                        Read::Document(document) => document.raw.len(),
                        Read::Failed(_) => 0,
                    };
                    if !parcel.batch.is_empty()
                        && parcel.batch.text_bytes().saturating_add(bytes) > self.most_bytes
                        && self.send(&mut parcel, &mut number).is_err()
                    {
                        return;
                    }
                    match item {
                        Read::Document(document) => parcel.batch.push(*document),
                        Read::Failed(letter) => parcel.letters.push(*letter),
                    }
                    if parcel.batch.len() + parcel.letters.len() < target {
                        continue;
                    }
                    target = (target * 2).min(self.most_docs);
                }
                Err(RecvTimeoutError::Timeout) if self.shared.control.is_stopping() => {
                    // The reader may be waiting for input that never comes.
                    let _ = self.send(&mut parcel, &mut number);
                    return;
                }
                Err(RecvTimeoutError::Timeout) if last.elapsed() >= IDLE => {}
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => {
                    let _ = self.send(&mut parcel, &mut number);
                    return;
                }
            }
            if self.send(&mut parcel, &mut number).is_err() {
                return;
            }
        }
    }

    fn send(&self, parcel: &mut Parcel, number: &mut u64) -> Result<(), ()> {
        if parcel.batch.is_empty() && parcel.letters.is_empty() {
            return Ok(());
        }
        *number += 1;
        let full = std::mem::replace(parcel, empty(*number));
        self.shared.progress.read(
            self.shared.read.load(Ordering::Relaxed),
            self.shared.bytes.load(Ordering::Relaxed),
        );
        self.shared.window.enter().map_err(|_| ())?;
        self.shared.parcels.fetch_add(1, Ordering::SeqCst);
        self.to.send(full).map_err(|_| ())
    }
}

fn empty(number: u64) -> Parcel {
    Parcel {
        number,
        batch: Batch::new(),
        letters: Vec::new(),
        drops: Vec::new(),
    }
}

fn admit(document: NewDocument, ids: &mut Ids, max_document_bytes: usize) -> Read {
    let bytes = document.raw.len();
    if bytes > max_document_bytes {
        let message = format!(
            "the document has {} of text, more than `[run] max_document_mb` allows ({})",
            megabytes(bytes),
            megabytes(max_document_bytes)
        );
        // Its text stays where it is: dead letters are for reading.
        return Read::Failed(Box::new(DeadLetter {
            document: None,
            ..refused(document, "too-large", message)
        }));
    }
    if !ids.insert(&document.id) {
        let message = format!(
            "another document before it has the id `{}`; make ids unique, or choose another field \
             with `id_field` under `[input]`",
            document.id
        );
        return Read::Failed(Box::new(refused(document, "duplicate-id", message)));
    }
    Read::Document(Box::new(document))
}

fn megabytes(bytes: usize) -> String {
    // Two decimals, rounded up where it matters: 16.000001 MB is more than 16 MB.
    let hundredths = bytes.div_ceil(10_000);
    format!("{}.{:02} MB", hundredths / 100, hundredths % 100)
}

fn refused(document: NewDocument, code: &str, message: String) -> DeadLetter {
    DeadLetter {
        id: document.id.clone(),
        path: document.path.clone(),
        stage: "input".to_owned(),
        plugin: None,
        class: FailureClass::Input,
        code: code.to_owned(),
        message,
        attempts: 0,
        seq: document.seq,
        document: Some(document),
    }
}

fn unreadable(failure: InputFailure) -> DeadLetter {
    let seq = failure.seq;
    let message = place_and_message(&failure);
    let document = failure.raw.map(|raw| NewDocument {
        path: failure.path.clone(),
        seq,
        meta: Map::new(),
        ..NewDocument::new(failure.id.clone(), raw)
    });
    DeadLetter {
        id: failure.id,
        path: failure.path,
        stage: "input".to_owned(),
        plugin: None,
        class: FailureClass::Input,
        code: failure.code,
        message,
        attempts: 0,
        document,
        seq,
    }
}

fn place_and_message(failure: &InputFailure) -> String {
    match &failure.place {
        Some(place) => format!("{place}: {}", failure.message),
        None => failure.message.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_in_messages_never_look_equal_to_the_limit_they_exceed() {
        assert_eq!(megabytes(16_000_000), "16.00 MB");
        assert_eq!(megabytes(16_000_001), "16.01 MB");
    }
}
