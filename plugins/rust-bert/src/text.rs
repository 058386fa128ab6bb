//! From a text to pieces with exact offsets, and to the windows that the network reads.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use copydesk_encoder::tokenizer::{case_class, split_words};
use copydesk_encoder::window::{Window, WindowSize, windows};
use copydesk_plugin::StageError;
use serde_json::{Value, json};
use tokenizers::Tokenizer;

use crate::folder::{Folder, Problem};
use crate::model::Input;
use crate::options::TokenTypes;

/// A word with more pieces is read in parts: one of a script without blanks must not fill a window by itself.
const MAX_WORD_PIECES: usize = 48;

/// A model's tokenizer.
#[derive(Debug, Clone)]
pub(crate) struct Pieces {
    tokenizer: Arc<Tokenizer>,
    frame: Frame,
    types: TokenTypes,
    /// Whether the network tells two token types apart.
    segments: bool,
}

/// The pieces that are not text: before, between and after two texts.
#[derive(Debug, Clone, Default)]
struct Frame {
    before: Vec<i64>,
    between: Vec<i64>,
    after: Vec<i64>,
    /// After a text that stands alone.
    end: Vec<i64>,
    /// Token types of `between` and of the second text.
    between_type: i64,
    second_type: i64,
}

/// The words of a text and their pieces.
#[derive(Debug, Clone, Default)]
pub(crate) struct Words {
    /// Bytes of each word, first and after the last.
    pub(crate) starts: Vec<u32>,
    pub(crate) ends: Vec<u32>,
    /// Number of pieces before each word; one more entry for the end.
    before: Vec<usize>,
    /// The piece that a word begins in: its own first one, or one that it shares with the word before.
    first: Vec<usize>,
    ids: Vec<i64>,
    types: Vec<i64>,
}

impl Words {
    pub(crate) fn len(&self) -> usize {
        self.starts.len()
    }
}

impl Pieces {
    /// Opens the tokenizer of a model folder and holds it against the model's vocabulary.
    ///
    /// # Errors
    /// There is none, it cannot be read, or it is another model's.
    pub(crate) fn open(folder: &Folder, types: TokenTypes) -> Result<Self, Problem> {
        let (file, mut tokenizer) = tokenizer(&folder.path)?;
        let wrong = |message: String, hint| {
            Problem::new(
                format!("{}: {message}", folder.path.join(file).display()),
                hint,
            )
        };
        // Both may stand in the file, and would cut or fill texts behind our back.
        tokenizer
            .with_truncation(None)
            .map_err(|error| wrong(error.to_string(), TOKENIZER))?
            .with_padding(None);
        let (has, model) = (tokenizer.get_vocab_size(true), folder.vocabulary);
        // Models are often made a little larger than their vocabulary, never smaller.
        if has > model || model - has > (model / 100).max(128) {
            return Err(wrong(
                format!(
                    "{has} pieces, but config.json has vocab_size {model}: this is another model's tokenizer"
                ),
                "take all files of a folder from one model",
            ));
        }
        if types == TokenTypes::Case && folder.token_types < CASE_CLASSES {
            return Err(Problem::new(
                format!(
                    "token_types is \"case\", but config.json in {} has type_vocab_size {}; case classes are \
                     {CASE_CLASSES}",
                    folder.path.display(),
                    folder.token_types
                ),
                "leave `token_types` out, unless the model was trained by copydesk",
            ));
        }
        let frame = Frame::of(&tokenizer).map_err(|message| wrong(message, TOKENIZER))?;
        Ok(Self {
            tokenizer: Arc::new(tokenizer),
            frame,
            types,
            segments: types == TokenTypes::Segments && folder.token_types > 1,
        })
    }

    /// Pieces of a window that are not text.
    pub(crate) fn overhead(&self) -> usize {
        self.frame.before.len() + self.frame.end.len()
    }

    /// Pieces beside the text in a pair.
    pub(crate) fn pair_overhead(&self) -> usize {
        self.frame.before.len() + self.frame.between.len() + self.frame.after.len()
    }

    /// The words of `text` and their pieces. The result depends on `text` alone.
    ///
    /// # Errors
    /// The tokenizer refuses the text.
    pub(crate) fn words(&self, text: &str) -> Result<Words, StageError> {
        let encoding = self
            .tokenizer
            .encode(text, false)
            .map_err(|error| StageError::failed("tokenizer", error))?;
        let offsets = encoding.get_offsets();
        let ids = encoding.get_ids();
        let mut words = Words::default();
        // The next piece that no word has yet.
        let mut piece = 0;
        for span in split_words(text) {
            while piece < offsets.len() && offsets[piece].1 <= span.start {
                // Nothing but a blank, or left of a character that vanished.
                piece += 1;
            }
            let shared = piece > 0 && offsets[piece - 1].1 > span.start && words.len() > 0;
            let from = piece;
            while piece < offsets.len() && begins(text, offsets[piece]) < span.end {
                piece += 1;
            }
            let class = i64::from(case_class(&text[span.clone()]));
            let first = if shared { from - 1 } else { from };
            words.push(span, first, from..piece, offsets);
            words.types.resize(piece, class);
        }
        words.ids = ids[..piece].iter().map(|id| i64::from(*id)).collect();
        words.types.resize(piece, 0);
        words.before.push(piece);
        Ok(words)
    }

    /// Windows of whole sentences over `words`.
    pub(crate) fn windows(
        &self,
        words: &Words,
        sentences: &[Range<usize>],
        window: usize,
        context: usize,
    ) -> Vec<Window> {
        let first_words: Vec<usize> = sentences
            .iter()
            .map(|sentence| {
                words
                    .starts
                    .partition_point(|&start| (start as usize) < sentence.start)
            })
            .collect();
        let size = WindowSize {
            room: window - self.overhead(),
            context: context.min(window / 2),
        };
        let mut windows = windows(&words.before, &first_words, size);
        windows.retain(|window| !window.own.is_empty());
        windows
    }

    /// What the network reads of the words of a window.
    pub(crate) fn input(&self, words: &Words, range: &Range<usize>) -> Input {
        let pieces = words.before[range.start]..words.before[range.end];
        let types = match self.types {
            TokenTypes::Case => &words.types[pieces.clone()],
            TokenTypes::Segments => &[],
        };
        let mut input = Input::default();
        input.extend(&self.frame.before, 0);
        input.ids.extend_from_slice(&words.ids[pieces]);
        input.types.extend_from_slice(types);
        input.types.resize(input.ids.len(), 0);
        input.extend(&self.frame.end, 0);
        input
    }

    /// Where in the output for a window the pieces of `word` begin, and where those of the next one do.
    pub(crate) fn place(&self, words: &Words, window: &Range<usize>, word: usize) -> Range<usize> {
        let offset = words.before[window.start];
        let first = words.first[word].max(offset);
        let end = words.before[word + 1].max(first + 1);
        let at = self.frame.before.len();
        at + first - offset..at + end - offset
    }

    /// What the network reads of two texts, the first cut to `pieces` of it.
    pub(crate) fn pair(&self, first: &Words, pieces: Range<usize>, second: &Words) -> Input {
        let types = |own: i64| if self.segments { own } else { 0 };
        let mut input = Input::default();
        input.extend(&self.frame.before, 0);
        input.extend(&first.ids[pieces], 0);
        input.extend(&self.frame.between, types(self.frame.between_type));
        input.extend(&second.ids, types(self.frame.second_type));
        input.extend(&self.frame.after, types(self.frame.second_type));
        input
    }

    /// All pieces of `words`.
    pub(crate) fn count(&self, words: &Words) -> usize {
        words.ids.len()
    }

    /// The pieces of the words that share a byte with `range`.
    pub(crate) fn pieces_of(&self, words: &Words, range: &Range<usize>) -> Range<usize> {
        let from = words
            .ends
            .partition_point(|&end| end as usize <= range.start);
        let to = words
            .starts
            .partition_point(|&start| (start as usize) < range.end);
        words.before[from]..words.before[to.max(from)]
    }
}

impl Words {
    /// Adds a word, in parts if it has very many pieces.
    fn push(
        &mut self,
        span: Range<usize>,
        first: usize,
        pieces: Range<usize>,
        offsets: &[(usize, usize)],
    ) {
        let mut start = span.start;
        let mut from = pieces.start;
        let mut first = first;
        while pieces.end - from > MAX_WORD_PIECES {
            // Pieces may share a character; a part begins where one begins.
            let next = (from + MAX_WORD_PIECES..pieces.end).find(|&piece| {
                offsets[piece].0 > start && offsets[piece].0 >= offsets[piece - 1].1
            });
            let Some(next) = next.filter(|next| next - from <= 2 * MAX_WORD_PIECES) else {
                break;
            };
            self.add(start..offsets[next].0, first, from);
            (start, from, first) = (offsets[next].0, next, next);
        }
        self.add(start..span.end, first, from);
    }

    fn add(&mut self, bytes: Range<usize>, first: usize, before: usize) {
        self.starts.push(bytes.start as u32);
        self.ends.push(bytes.end as u32);
        self.first.push(first);
        self.before.push(before);
    }
}

/// Where the text of a piece begins: tokenizers that work on bytes count the blank before a word to it.
fn begins(text: &str, (start, end): (usize, usize)) -> usize {
    let piece = text.get(start..end).unwrap_or_default();
    start + piece.len() - piece.trim_start().len()
}

impl Frame {
    /// Reads it off what the tokenizer makes of two short texts.
    fn of(tokenizer: &Tokenizer) -> Result<Self, String> {
        let encode = |pair: bool| {
            let encoding = if pair {
                tokenizer.encode(("a", "a"), true)
            } else {
                tokenizer.encode("a", true)
            };
            encoding.map_err(|error| format!("cannot read the letter a: {error}"))
        };
        let (one, two) = (encode(false)?, encode(true)?);
        let runs = |encoding: &tokenizers::Encoding| -> Vec<(bool, Vec<i64>, i64)> {
            let mut runs: Vec<(bool, Vec<i64>, i64)> = Vec::new();
            let pieces = encoding
                .get_ids()
                .iter()
                .zip(encoding.get_special_tokens_mask())
                .zip(encoding.get_type_ids());
            for ((id, special), kind) in pieces {
                let text = *special == 0;
                match runs.last_mut() {
                    Some((same, ids, _)) if *same == text => ids.push(i64::from(*id)),
                    _ => runs.push((text, vec![i64::from(*id)], i64::from(*kind))),
                }
            }
            runs
        };
        let ids =
            |run: Option<&(bool, Vec<i64>, i64)>| run.map(|run| run.1.clone()).unwrap_or_default();
        if let (
            [(false, ..), (true, ..), (false, ..)],
            [
                (false, ..),
                (true, ..),
                (false, ..),
                (true, _, second),
                (false, ..),
            ],
        ) = (&runs(&one)[..], &runs(&two)[..])
        {
            let (one, two) = (runs(&one), runs(&two));
            return Ok(Self {
                before: ids(one.first()),
                end: ids(one.last()),
                between: ids(two.get(2)),
                after: ids(two.last()),
                between_type: two[2].2,
                second_type: *second,
            });
        }
        // No post-processor in the file: by the names that everybody uses.
        let id = |name: &str| tokenizer.token_to_id(name).map(i64::from);
        for (open, close, doubled) in [("[CLS]", "[SEP]", false), ("<s>", "</s>", true)] {
            if let (Some(open), Some(close)) = (id(open), id(close)) {
                return Ok(Self {
                    before: vec![open],
                    end: vec![close],
                    between: vec![close; if doubled { 2 } else { 1 }],
                    after: vec![close],
                    between_type: 0,
                    second_type: i64::from(!doubled),
                });
            }
        }
        Err("no pieces that open and close a text, such as [CLS] and [SEP]".to_owned())
    }
}

/// copydesk's case classes.
const CASE_CLASSES: usize = 4;

const TOKENIZER: &str = "tokenizer.json is written by AutoTokenizer.from_pretrained(folder).save_pretrained(folder) of Python's transformers";

/// The folder's tokenizer: `tokenizer.json`, or made from the vocabulary of older models.
fn tokenizer(folder: &Path) -> Result<(&'static str, Tokenizer), Problem> {
    let there = |name: &str| folder.join(name).exists();
    let made = |file: &'static str, tokenizer: Result<Tokenizer, String>| match tokenizer {
        Ok(tokenizer) => Ok((file, tokenizer)),
        Err(error) => Err(Problem::new(
            format!("{} is no tokenizer: {error}", folder.join(file).display()),
            TOKENIZER,
        )),
    };
    if there("tokenizer.json") {
        let read = Tokenizer::from_file(folder.join("tokenizer.json"));
        return made("tokenizer.json", read.map_err(|error| error.to_string()));
    }
    if there("vocab.txt") {
        return made("vocab.txt", wordpiece(folder));
    }
    if there("vocab.json") && there("merges.txt") {
        return made("vocab.json", byte_pairs(folder));
    }
    Err(Problem::new(
        format!(
            "no tokenizer in {}: neither tokenizer.json, nor vocab.txt, nor vocab.json with merges.txt",
            folder.display()
        ),
        TOKENIZER,
    ))
}

/// BERT's tokenizer from its vocabulary.
fn wordpiece(folder: &Path) -> Result<Tokenizer, String> {
    let text = read(&folder.join("vocab.txt"))?;
    let vocabulary: BTreeMap<&str, usize> = text
        .lines()
        .enumerate()
        .map(|(i, line)| (line.trim_end(), i))
        .collect();
    let config: Value = read(&folder.join("tokenizer_config.json"))
        .ok()
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    let lower = config
        .get("do_lower_case")
        .and_then(Value::as_bool)
        .unwrap_or(true);
    let special = |name: &str| {
        vocabulary
            .get(name)
            .ok_or_else(|| format!("no piece {name}"))
    };
    let (cls, sep) = (special("[CLS]")?, special("[SEP]")?);
    let added: Vec<Value> = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        .into_iter()
        .filter_map(|name| vocabulary.get(name).map(|id| added(name, *id)))
        .collect();
    from_json(json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added,
        "normalizer": {
            "type": "BertNormalizer", "clean_text": true,
            "handle_chinese_chars": config.get("tokenize_chinese_chars").and_then(Value::as_bool).unwrap_or(true),
            "strip_accents": config.get("strip_accents").cloned().unwrap_or_default(), "lowercase": lower,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "BertProcessing", "sep": ["[SEP]", sep], "cls": ["[CLS]", cls]},
        "decoder": null,
        "model": {
            "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100, "vocab": vocabulary,
        },
    }))
}

/// RoBERTa's tokenizer from its vocabulary.
fn byte_pairs(folder: &Path) -> Result<Tokenizer, String> {
    let vocabulary: BTreeMap<String, usize> =
        serde_json::from_str(&read(&folder.join("vocab.json"))?)
            .map_err(|error| error.to_string())?;
    let merges = read(&folder.join("merges.txt"))?;
    let merges: Vec<&str> = merges
        .lines()
        .filter(|line| !line.starts_with("#version") && !line.is_empty())
        .collect();
    let special = |name: &str| {
        vocabulary
            .get(name)
            .ok_or_else(|| format!("no piece {name}"))
    };
    let (cls, sep) = (special("<s>")?, special("</s>")?);
    let added: Vec<Value> = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
        .into_iter()
        .filter_map(|name| vocabulary.get(name).map(|id| added(name, *id)))
        .collect();
    from_json(json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added, "normalizer": null,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true},
        "post_processor": {
            "type": "RobertaProcessing", "sep": ["</s>", sep], "cls": ["<s>", cls], "trim_offsets": true,
            "add_prefix_space": false,
        },
        "decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true},
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": "",
            "end_of_word_suffix": "", "fuse_unk": false, "vocab": vocabulary, "merges": merges,
        },
    }))
}

fn added(name: &str, id: usize) -> Value {
    json!({
        "id": id, "content": name, "special": true, "single_word": false, "lstrip": name == "<mask>",
        "rstrip": false, "normalized": false,
    })
}

fn from_json(json: Value) -> Result<Tokenizer, String> {
    Tokenizer::from_bytes(json.to_string()).map_err(|error| error.to_string())
}

fn read(file: &Path) -> Result<String, String> {
    fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))
}
