//! Whether a file is a whole ZIP archive, as libtorch's own formats are.
//!
//! libtorch 2.4 reads the directory of an archive without looking where it lies: a file that is cut off ends the
//! process with a segmentation fault, which nothing in it can catch. So it is looked at here first. The fields are
//! those of PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.14 to 4.3.16.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

const END: &[u8] = b"PK\x05\x06";
const END_SIZE: usize = 22;
const LONG_LOCATOR: &[u8] = b"PK\x06\x07";
const LONG_LOCATOR_SIZE: usize = 20;
const LONG_END: &[u8] = b"PK\x06\x06";
const LONG_END_SIZE: u64 = 56;
/// Where a field has this value, the longer record has the real one.
const LONG: u64 = u32::MAX as u64;

/// What is wrong with the archive in `path`.
pub(super) fn check(path: &Path) -> Result<(), String> {
    let io = |error: std::io::Error| error.to_string();
    let mut file = File::open(path).map_err(io)?;
    let length = file.metadata().map_err(io)?.len();
    let mut begin = [0; 2];
    if length < 2 || file.read_exact(&mut begin).is_err() || &begin != b"PK" {
        return Err(if begin[0] == 0x80 {
            "it was saved by a PyTorch before 1.6; load and save it with a newer one".to_owned()
        } else {
            "it does not begin as an archive does; is the file whole?".to_owned()
        });
    }
    // Behind the record only a comment may follow, of 65,535 bytes at most.
    let tail_length = length.min((END_SIZE + LONG_LOCATOR_SIZE + 0xFFFF) as u64);
    let tail_start = length - tail_length;
    let mut tail = vec![0; tail_length as usize];
    file.seek(SeekFrom::Start(tail_start)).map_err(io)?;
    file.read_exact(&mut tail).map_err(io)?;
    let cut = || "its end is missing; is the file whole?".to_owned();
    let at = (0..=tail.len().saturating_sub(END_SIZE))
        .rev()
        .find(|&at| tail[at..].starts_with(END) && tail.len() - at >= END_SIZE)
        .ok_or_else(cut)?;
    let (mut size, mut offset) = (number(&tail, at + 12, 4), number(&tail, at + 16, 4));
    let mut limit = tail_start + at as u64;
    if size == LONG || offset == LONG {
        let locator = at.checked_sub(LONG_LOCATOR_SIZE).ok_or_else(cut)?;
        if !tail[locator..].starts_with(LONG_LOCATOR) {
            return Err(cut());
        }
        limit = number(&tail, locator + 8, 8);
        if limit
            .checked_add(LONG_END_SIZE)
            .is_none_or(|end| end > length)
        {
            return Err(cut());
        }
        let mut record = [0; LONG_END_SIZE as usize];
        file.seek(SeekFrom::Start(limit)).map_err(io)?;
        file.read_exact(&mut record).map_err(io)?;
        if !record.starts_with(LONG_END) {
            return Err(cut());
        }
        (size, offset) = (number(&record, 40, 8), number(&record, 48, 8));
    }
    match offset.checked_add(size) {
        Some(end) if end <= limit => Ok(()),
        _ => Err(cut()),
    }
}

/// A little-endian number.
fn number(bytes: &[u8], at: usize, width: usize) -> u64 {
    bytes[at..at + width]
        .iter()
        .rev()
        .fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}
