//! Files of which each is one document: text and web pages.

use std::{
    io::{BufRead, Read},
    sync::Arc,
};

use copydesk_engine::InputFailure;

use super::record::{
    Content, Cut, Draft, Options, Record, Records, Spot, broken, of_file, too_long,
};
use crate::{
    decode::{self, Decoded, Note},
    discover::{InputFile, InputFormat},
    open,
};

/// One file that is one record.
pub(crate) struct WholeFile {
    split: u32,
    record: Option<Whole>,
}

struct Whole {
    file: Arc<InputFile>,
    format: InputFormat,
    /// What was opened already to look at it; a file is opened by the thread that reads it.
    stream: Option<Box<dyn BufRead + Send>>,
}

impl WholeFile {
    pub(crate) fn new(
        file: Arc<InputFile>,
        format: InputFormat,
        stream: Option<Box<dyn BufRead + Send>>,
        split: u32,
    ) -> Self {
        let record = Some(Whole {
            file,
            format,
            stream,
        });
        Self { split, record }
    }
}

impl Records for WholeFile {
    fn next(&mut self, options: &Options, _: &dyn Fn(u32) -> bool) -> Option<Cut> {
        let record = self.record.take()?;
        let bytes = record.file.bytes.unwrap_or(0);
        let weight = usize::try_from(bytes).map_or(options.limit, |bytes| bytes.min(options.limit));
        Some(Cut::of(self.split, weight, record))
    }
}

impl Record for Whole {
    fn file(&self) -> (&Arc<InputFile>, Option<Spot>) {
        (&self.file, None)
    }

    fn draft(self: Box<Self>, options: &Options) -> Result<Draft, Box<InputFailure>> {
        let file = self.file;
        let stream = match self.stream {
            Some(stream) => stream,
            None => open::open(&file, &options.taken)
                .map_err(|error| of_file(&file, "unreadable", error.to_string()))?,
        };
        let mut bytes = Vec::new();
        let room = options.limit as u64 + 1;
        if let Err(error) = stream.take(room).read_to_end(&mut bytes) {
            let message = format!("{} after {} bytes of text", broken(&error), bytes.len());
            return Err(of_file(&file, "damaged", message));
        }
        if bytes.len() > options.limit {
            let message = format!("the file {}", too_long(options.limit, None));
            return Err(of_file(&file, "too-large", message));
        }
        let html = self.format == InputFormat::Html;
        if html && decode::is_binary(&bytes) {
            let message = "this is no web page but binary data, such as a picture, a PDF or an \
                           archive; take the file out of the input, or give it its own extension";
            return Err(of_file(&file, "not-html", message.to_owned()));
        }
        let Decoded { text, mut notes } = match options.encoding {
            Some(encoding) => decode::decode_as(&bytes, encoding),
            None if html => decode::decode_page(&bytes),
            None => decode::decode(&bytes),
        };
        let empty = text.is_empty();
        let content = match html {
            true => Content::Page(text),
            false => Content::Text(text),
        };
        if empty {
            notes.push(Note {
                code: "empty",
                message: "the file is empty".to_owned(),
            });
        }
        let mut draft = content.draft(file, None);
        if !empty {
            // Once is enough.
            notes.append(&mut draft.notes);
        }
        draft.notes = notes;
        Ok(draft)
    }
}
