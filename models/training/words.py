"""From text to what the encoder reads: words, wordpieces, case classes, sentences, windows.

The Rust runtime does the same (crate `encoder`); `parity.json` in the model folder holds both to it.
Only the sentence splitter may differ: it decides where windows begin, not what a word is.
"""
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tokenizers import Tokenizer

CLS, SEP, UNK = 101, 102, 100
MAX_PIECES = 256
CONTEXT_PIECES = 64
# A word of a script without blanks could otherwise fill a window by itself.
MAX_WORD_PIECES = 64

SENTENCE_END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s+[\"'“‘(\[]*[A-Z0-9])|\n+")
ABBREVIATION = re.compile(
    r"(?:^|[\s(\"“])(?:Mr|Mrs|Ms|Dr|Prof|Sen|Sens|Rep|Reps|Gov|Gen|Lt|Col|Sgt|Capt|Maj|Rev|Hon|St|Jr|Sr|vs|No|Jan|Feb|Mar|Apr|Aug|Sept|Sep|Oct|Nov|Dec"
    r"|Inc|Corp|Co|Ltd|[A-Z]|(?:[A-Za-z]\.)+[A-Za-z])\.$"
)


@dataclass
class Words:
    """The words of one text: character offsets, wordpiece ids per word, case class per word."""

    spans: list
    pieces: list
    classes: list

    def __len__(self):
        return len(self.spans)

    def cover(self, start, end):
        """First and last word that share a character with start..end, or None."""
        hit = [i for i, (s, e) in enumerate(self.spans) if s < end and e > start]
        return (hit[0], hit[-1]) if hit else None


def case_class(word):
    """0 no upper-case letter, 1 Capitalised, 2 ALL CAPS, 3 mixed. Only letters that have case count."""
    cased = [c.isupper() for c in word if c.isupper() or c.islower()]
    upper = sum(cased)
    if upper == 0:
        return 0
    if upper == 1 and cased[0]:
        return 1
    return 2 if upper == len(cased) else 3


class WordPieces:
    """Splits text into words on the cased original, and each word into wordpieces of its lower-cased form."""

    def __init__(self, tokenizer_json: Path):
        self.tokenizer = Tokenizer.from_file(str(tokenizer_json))
        self.tokenizer.no_truncation()
        self.tokenizer.no_padding()
        self._pieces = lru_cache(maxsize=200_000)(self._pieces_of)

    def _pieces_of(self, word):
        ids = self.tokenizer.encode(word, add_special_tokens=False).ids
        # Words of control characters vanish in the normaliser; a word must keep a vector.
        return tuple(ids[:MAX_WORD_PIECES]) or (UNK,)

    def words(self, text) -> Words:
        spans, pieces, classes = [], [], []
        for word, span in self.tokenizer.pre_tokenizer.pre_tokenize_str(text):
            spans.append(span)
            pieces.append(self._pieces(word))
            classes.append(case_class(word))
        return Words(spans, pieces, classes)


def sentences(text):
    """Character spans of sentences: by end marks before a capital or digit, and by line breaks."""
    spans, start = [], 0
    for match in SENTENCE_END.finditer(text):
        if match.group()[0] == "." and ABBREVIATION.search(text[start : match.start() + 1]):
            continue
        if text[start : match.end()].strip():
            spans.append((start, match.end()))
        start = match.end()
    if text[start:].strip():
        spans.append((start, len(text)))
    return spans


def sentence_starts(words: Words, spans):
    """Index of the first word of every sentence."""
    starts, following = [], iter(sorted({s for s, _ in spans}))
    bound = next(following, None)
    for i, (s, _) in enumerate(words.spans):
        fresh = False
        while bound is not None and s >= bound:
            fresh, bound = True, next(following, None)
        if fresh or i == 0:
            starts.append(i)
    return starts


def windows(lengths, starts, first=None, context=CONTEXT_PIECES):
    """Cut a document into windows of whole sentences, MAX_PIECES wordpieces each with [CLS] and [SEP].

    lengths: wordpieces per word; starts: first word of each sentence. Returns word indices (begin, own, end):
    the window holds begin..end, of which begin..own repeats sentences of the window before as context.
    `first` makes the first window shorter, which moves all later borders (training: every epoch sees others).
    """
    room = MAX_PIECES - 2
    units = []  # sentences, those longer than a window cut at words
    for start, end in zip(starts, list(starts[1:]) + [len(lengths)]):
        size = 0
        for i in range(start, end):
            if size + lengths[i] > room:
                units.append((start, i, size))
                start, size = i, 0
            size += lengths[i]
        units.append((start, end, size))
    result, begin, own, end, used, budget = [], 0, 0, 0, 0, first or room
    for k, (unit_start, unit_end, size) in enumerate(units):
        if used and used + size > budget:
            result.append((begin, own, end))
            begin = own = unit_start
            used, budget, repeated = 0, room, 0
            for earlier_start, _, earlier_size in reversed(units[:k]):
                if repeated + earlier_size > context or repeated + earlier_size + size > room:
                    break
                begin, repeated = earlier_start, repeated + earlier_size
            used = repeated
        end, used = unit_end, used + size
    if end > own:
        result.append((begin, own, end))
    return result
