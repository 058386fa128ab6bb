//! From text to words, and from words to wordpieces.
//!
//! Words are split on the text as it stands, so their offsets are exact; the
//! wordpieces of a word are those of its lower-cased form without accents,
//! looked up word by word. What lower-casing loses comes back as the word's
//! [`case class`](case_class), which the encoder reads as token type.

use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokenizers::Tokenizer;
use unicode_categories::UnicodeCategories;

use crate::EncoderError;

/// A word of a script without blanks, or a line of rubbish, must not fill a window by itself.
pub const MAX_WORD_PIECES: usize = 64;

/// Words remembered with their wordpieces by each worker; a newspaper's vocabulary for a day.
const REMEMBERED_WORDS: usize = 1 << 16;
const REMEMBERED_BYTES: usize = 48;

/// The words of one text with their wordpieces.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Words {
    spans: Vec<Range<u32>>,
    classes: Vec<u8>,
    /// Wordpieces of all words one after another, and where each word's begin (one entry more than words).
    pieces: Vec<u32>,
    starts: Vec<u32>,
}

impl Words {
    /// Number of words.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether the text has no words.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Byte ranges of the words in the text: in order, without overlaps, on character boundaries.
    #[must_use]
    pub fn spans(&self) -> &[Range<u32>] {
        &self.spans
    }

    /// Case class of a word, see [`case_class`].
    #[must_use]
    pub fn class(&self, word: usize) -> u8 {
        self.classes[word]
    }

    /// Wordpieces of a word: 1 to [`MAX_WORD_PIECES`] ids.
    #[must_use]
    pub fn pieces(&self, word: usize) -> &[u32] {
        &self.pieces[self.starts[word] as usize..self.starts[word + 1] as usize]
    }

    /// Wordpieces of the words before `word`; `word` may be the number of words.
    #[must_use]
    pub fn pieces_before(&self, word: usize) -> usize {
        self.starts.get(word).map_or(0, |&start| start as usize)
    }

    fn push(&mut self, span: Range<u32>, class: u8, pieces: &[u32]) {
        if self.starts.is_empty() {
            self.starts.push(0);
        }
        self.spans.push(span);
        self.classes.push(class);
        self.pieces.extend_from_slice(pieces);
        self.starts.push(self.pieces.len() as u32);
    }
}

/// The vocabulary of a model, shared by all workers.
#[derive(Clone)]
pub struct WordPieces {
    tokenizer: Arc<Tokenizer>,
    special: Special,
}

/// Ids of the wordpieces that are not text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Special {
    /// `[CLS]`, which opens every window.
    pub cls: u32,
    /// `[SEP]`, which closes it.
    pub sep: u32,
    /// `[UNK]`, for words that nothing is left of.
    pub unk: u32,
}

impl WordPieces {
    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// It cannot be read, is no tokenizer, has no `[CLS]`, `[SEP]`, `[UNK]`, or has more wordpieces than `vocabulary`.
    pub fn open(path: &Path, vocabulary: usize) -> Result<Self, EncoderError> {
        let bytes = std::fs::read(path).map_err(|source| EncoderError::Read {
            path: path.to_owned(),
            source,
        })?;
        let form = |reason| EncoderError::Form {
            path: PathBuf::from(path),
            reason,
        };
        let mut tokenizer =
            Tokenizer::from_bytes(&bytes).map_err(|e| form(format!("not a tokenizer: {e}")))?;
        tokenizer
            .with_truncation(None)
            .map_err(|e| form(e.to_string()))?
            .with_padding(None);
        let size = tokenizer.get_vocab_size(true);
        if size > vocabulary {
            return Err(form(format!(
                "{size} wordpieces, but config.json has vocab_size {vocabulary}"
            )));
        }
        let id = |token: &str| {
            tokenizer
                .token_to_id(token)
                .ok_or_else(|| form(format!("no token {token}")))
        };
        let special = Special {
            cls: id("[CLS]")?,
            sep: id("[SEP]")?,
            unk: id("[UNK]")?,
        };
        Ok(Self {
            tokenizer: Arc::new(tokenizer),
            special,
        })
    }

    /// Ids of the wordpieces that are not text.
    #[must_use]
    pub fn special(&self) -> Special {
        self.special
    }

    /// A reader of texts for one worker.
    #[must_use]
    pub fn reader(&self) -> TextReader {
        TextReader {
            pieces: self.clone(),
            remembered: HashMap::new(),
        }
    }

    /// The wordpieces of one word.
    fn of(&self, word: &str) -> Vec<u32> {
        // A tokenizer of wordpieces has an answer for every string; were it not so, the word would be unknown.
        let mut ids = match self.tokenizer.encode_fast(word, false) {
            Ok(encoding) => encoding.get_ids().to_vec(),
            Err(_) => Vec::new(),
        };
        ids.truncate(MAX_WORD_PIECES);
        if ids.is_empty() {
            ids.push(self.special.unk);
        }
        ids
    }
}

/// Splits texts into words and wordpieces, and remembers frequent words.
pub struct TextReader {
    pieces: WordPieces,
    remembered: HashMap<Box<str>, Box<[u32]>>,
}

impl TextReader {
    /// The words of `text`. The result depends on `text` alone.
    ///
    /// # Panics
    /// If `text` is longer than 4 GiB.
    pub fn words(&mut self, text: &str) -> Words {
        assert!(
            u32::try_from(text.len()).is_ok(),
            "a text of {} bytes is too long for 32-bit offsets",
            text.len()
        );
        let mut words = Words::default();
        for span in split_words(text) {
            let word = &text[span.clone()];
            let bytes = span.start as u32..span.end as u32;
            if let Some(pieces) = self.remembered.get(word) {
                words.push(bytes, case_class(word), pieces);
                continue;
            }
            let pieces = self.pieces.of(word);
            words.push(bytes, case_class(word), &pieces);
            if word.len() <= REMEMBERED_BYTES {
                if self.remembered.len() == REMEMBERED_WORDS {
                    self.remembered.clear();
                }
                self.remembered.insert(word.into(), pieces.into());
            }
        }
        words
    }
}

/// Byte ranges of the words of `text`: runs without white space, with every punctuation mark a word of its own.
///
/// The same words as the `BertPreTokenizer` of the tokenizers library gives.
pub fn split_words(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut chars = text.char_indices().peekable();
    std::iter::from_fn(move || {
        let (start, first) = chars.find(|(_, c)| !c.is_whitespace())?;
        if is_punctuation(first) {
            return Some(start..start + first.len_utf8());
        }
        let mut end = start + first.len_utf8();
        while let Some((at, c)) = chars.next_if(|&(_, c)| !c.is_whitespace() && !is_punctuation(c))
        {
            end = at + c.len_utf8();
        }
        Some(start..end)
    })
}

/// ASCII marks and symbols, and the Unicode categories P*, as BERT counts them.
fn is_punctuation(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_punctuation()
    } else {
        UnicodeCategories::is_punctuation(c)
    }
}

/// What lower-casing loses: 0 no upper-case letter, 1 Capitalised or a single capital, 2 ALL CAPS, 3 miXed.
#[must_use]
pub fn case_class(word: &str) -> u8 {
    let mut cased = 0;
    let mut upper = 0;
    let mut first_is_upper = false;
    for c in word.chars() {
        if c.is_uppercase() {
            first_is_upper |= cased == 0;
            upper += 1;
            cased += 1;
        } else if c.is_lowercase() {
            cased += 1;
        }
    }
    match upper {
        0 => 0,
        1 if first_is_upper => 1,
        _ if upper == cased => 2,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
    use tokenizers::{OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer};

    use super::*;

    /// Words of a vocabulary of single letters and two-letter endings, enough to see the wiring.
    fn tiny() -> WordPieces {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokenizer.json");
        let letters = ('a'..='z').flat_map(|c| [c.to_string(), format!("##{c}")]);
        let tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "harbour", "."].map(str::to_owned);
        let vocab: serde_json::Map<String, serde_json::Value> = tokens
            .into_iter()
            .chain(letters)
            .enumerate()
            .map(|(i, t)| (t, i.into()))
            .collect();
        let json = serde_json::json!({
            "version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
            "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                           "strip_accents": null, "lowercase": true},
            "pre_tokenizer": {"type": "BertPreTokenizer"}, "post_processor": null, "decoder": null,
            "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                      "max_input_chars_per_word": 100, "vocab": vocab},
        });
        std::fs::write(&path, json.to_string()).unwrap();
        let too_small = WordPieces::open(&path, 10).err().unwrap().to_string();
        assert!(
            too_small.contains("tokenizer.json") && too_small.contains("vocab_size 10"),
            "{too_small}"
        );
        WordPieces::open(&path, 100).unwrap()
    }

    fn words(text: &str) -> Vec<&str> {
        split_words(text).map(|span| &text[span]).collect()
    }

    #[test]
    fn marks_are_words_of_their_own() {
        assert_eq!(
            words("“Don’t,” said O'Hara-Lind."),
            [
                "“", "Don", "’", "t", ",", "”", "said", "O", "'", "Hara", "-", "Lind", "."
            ]
        );
        assert_eq!(
            words("5 % – $9m\r\nat\u{a0}noon"),
            ["5", "%", "–", "$", "9m", "at", "noon"]
        );
        assert!(words("").is_empty() && words(" \r\n\t\u{2003}").is_empty());
    }

    #[test]
    fn accents_and_case_do_not_move_offsets() {
        let mut reader = tiny().reader();
        // The second word is the first in decomposed form; the third has a sign that vanishes.
        let text = "HÁRBOUR ha\u{301}rbour harb\u{ad}our \u{200d} 👩\u{200d}🚒";
        let words = reader.words(text);
        let surfaces: Vec<&str> = words
            .spans()
            .iter()
            .map(|s| &text[s.start as usize..s.end as usize])
            .collect();
        assert_eq!(surfaces, text.split(' ').collect::<Vec<_>>());
        let harbour = reader.pieces.tokenizer.token_to_id("harbour").unwrap();
        for word in 0..3 {
            assert_eq!(words.pieces(word), [harbour]);
        }
        let unknown = reader.pieces.special().unk;
        assert_eq!(
            words.pieces(3),
            [unknown],
            "nothing is left of a lone joiner, yet it has a vector"
        );
        assert_eq!((words.class(0), words.class(1)), (2, 0));
        assert_eq!(words.pieces_before(words.len()), words.len());
    }

    #[test]
    fn an_endless_word_stays_within_bounds() {
        let mut reader = tiny().reader();
        assert_eq!(
            reader.words(&"ab".repeat(45)).pieces(0).len(),
            MAX_WORD_PIECES
        );
        assert_eq!(
            reader.words(&"漢".repeat(5000)).pieces(0).len(),
            MAX_WORD_PIECES
        );
        assert_eq!(
            reader.words(&"x".repeat(100_000)).pieces(0),
            [reader.pieces.special().unk]
        );
    }

    #[test]
    fn case_classes_follow_the_letters_that_have_case() {
        for (word, class) in [
            ("harbour", 0),
            ("42", 0),
            ("Harbour", 1),
            ("A", 1),
            ("1A", 1),
            ("7Up", 1),
            ("NATO", 2),
            ("G20", 1),
            ("G7UK", 2),
            ("McLeod", 3),
            ("iPhone", 3),
            ("aB", 3),
            ("ÉTÉ", 2),
            ("ǅ", 0),
        ] {
            assert_eq!(case_class(word), class, "{word}");
        }
    }

    proptest! {
        #[test]
        fn words_are_those_of_the_bert_pre_tokenizer(text in "(\\PC|\\s|[a-zA-Z .,’“”\u{301}\u{200d}\r\n]){0,60}") {
            let mut pre = PreTokenizedString::from(text.as_str());
            BertPreTokenizer.pre_tokenize(&mut pre).unwrap();
            let theirs: Vec<Range<usize>> = pre
                .get_splits(OffsetReferential::Original, OffsetType::Byte)
                .into_iter()
                .map(|(_, (start, end), _)| start..end)
                .collect();
            prop_assert_eq!(split_words(&text).collect::<Vec<_>>(), theirs);
        }

        #[test]
        fn words_are_ordered_on_boundaries_and_leave_only_white_space(text in any::<String>()) {
            let mut left = 0;
            for span in split_words(&text) {
                prop_assert!(span.start >= left && span.end > span.start);
                prop_assert!(text.is_char_boundary(span.start) && text.is_char_boundary(span.end));
                prop_assert!(text[left..span.start].chars().all(char::is_whitespace));
                left = span.end;
            }
            prop_assert!(text[left..].chars().all(char::is_whitespace));
        }

        #[test]
        fn what_was_read_before_changes_nothing(first in ".{0,40}", second in "[a-z .É]{0,40}") {
            let pieces = tiny();
            let mut used = pieces.reader();
            used.words(&first);
            prop_assert_eq!(used.words(&second), pieces.reader().words(&second));
        }
    }
}
