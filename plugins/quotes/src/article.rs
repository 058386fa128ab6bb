//! A document as the attribution reads it: sentences in which every quotation
//! is a single item, and the cues between them with their subjects.

use std::ops::Range;

use copydesk_language::cue::{self, Class as CueClass, Form, Frame, Verb};
use copydesk_language::name::{self, Head};
use copydesk_language::phrase::{Phrase, phrases};
use copydesk_language::quotation::Quotations;
use copydesk_language::word::{Class, Shape, Word};

/// A mention that an earlier stage resolved.
#[derive(Debug, Clone)]
pub(crate) struct Mention {
    pub(crate) range: Range<usize>,
    /// Canonical name, where the text tells it.
    pub(crate) name: Option<String>,
    pub(crate) label: Option<String>,
    /// Row of the entity that stands for it.
    pub(crate) entity: Option<u32>,
}

/// A stretch of text between line breaks.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) range: Range<usize>,
    /// Titles and headings: what they quote, nobody says there.
    pub(crate) heading: bool,
}

/// One item of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item {
    /// Index of a word outside quotations.
    Word(usize),
    /// Index of an outer quotation.
    Quote(usize),
}

/// A sentence with its quotations as items.
#[derive(Debug, Clone)]
pub(crate) struct Sentence {
    pub(crate) items: Vec<Item>,
    pub(crate) block: usize,
    pub(crate) cues: Vec<Cue>,
}

/// A cue within a sentence.
#[derive(Debug, Clone)]
pub(crate) struct Cue {
    /// Its words.
    pub(crate) words: Range<usize>,
    /// Position of its first word among the sentence's items.
    pub(crate) at: usize,
    /// The verb, or `None` for *according to*.
    pub(crate) verb: Option<Verb>,
    /// The phrase that speaks.
    pub(crate) subject: Option<usize>,
    /// The subject stands after the cue.
    pub(crate) inverted: bool,
}

impl Cue {
    pub(crate) fn is_speech(&self) -> bool {
        self.verb.is_none_or(|v| v.class == CueClass::Speech)
    }

    pub(crate) fn is_source_phrase(&self) -> bool {
        self.verb.is_none()
    }
}

/// Everything that the attribution needs to know of a document.
pub(crate) struct Article<'a> {
    pub(crate) text: &'a str,
    pub(crate) words: Vec<Word>,
    pub(crate) quotations: &'a Quotations,
    pub(crate) mentions: &'a [Mention],
    pub(crate) phrases: Vec<Phrase>,
    pub(crate) sentences: Vec<Sentence>,
    /// Phrase by its first word, and by the word after its last.
    starts: Vec<Option<usize>>,
    ends: Vec<Option<usize>>,
}

impl<'a> Article<'a> {
    pub(crate) fn read(
        text: &'a str,
        quotations: &'a Quotations,
        blocks: &[Block],
        names: &[Range<usize>],
        mentions: &'a [Mention],
    ) -> Self {
        let mut words = copydesk_language::word::words(text);
        // ‘the wild ferries’ ends in a mark, whatever it looks like.
        for quotation in &quotations.all {
            let at = words.partition_point(|w| w.range.end < quotation.span.end);
            if let Some(word) = words.get_mut(at)
                && word.range.end == quotation.span.end
                && word.shape == Shape::Possessive
                && word.range.len() <= '’'.len_utf8()
            {
                word.shape = Shape::Mark;
            }
        }
        let phrases = phrases(&words, names);
        let mut starts = vec![None; words.len() + 1];
        let mut ends = vec![None; words.len() + 1];
        for (index, phrase) in phrases.iter().enumerate() {
            starts[phrase.words.start] = Some(index);
            ends[phrase.words.end] = Some(index);
        }
        let mut article = Self {
            text,
            words,
            quotations,
            mentions,
            phrases,
            sentences: Vec::new(),
            starts,
            ends,
        };
        article.cut(blocks);
        let mut sentences = std::mem::take(&mut article.sentences);
        for sentence in &mut sentences {
            article.find_cues(sentence);
        }
        article.sentences = sentences;
        article
    }

    /// The phrase that begins at word `at`.
    pub(crate) fn phrase_at(&self, at: usize) -> Option<usize> {
        self.starts.get(at).copied().flatten()
    }

    /// The bytes of some words.
    pub(crate) fn bytes(&self, words: &Range<usize>) -> Range<usize> {
        self.words[words.start].range.start..self.words[words.end - 1].range.end
    }

    pub(crate) fn item_bytes(&self, item: Item) -> Range<usize> {
        match item {
            Item::Word(word) => self.words[word].range.clone(),
            Item::Quote(quote) => self.quotations.all[quote].span.clone(),
        }
    }

    pub(crate) fn is_mark(&self, item: Option<&Item>, mark: &str) -> bool {
        matches!(item, Some(&Item::Word(word)) if self.words[word].is(mark))
    }

    /// Cuts the blocks into sentences.
    fn cut(&mut self, blocks: &[Block]) {
        let outer: Vec<usize> = self.quotations.outer().map(|(i, _)| i).collect();
        let mut next_quote = 0;
        let mut covered = 0;
        // A quotation over several paragraphs that opens its first one stands where it ends: so does its cue.
        let mut carried: Option<usize> = None;
        for (index, block) in blocks.iter().enumerate() {
            let mut items = Vec::new();
            if let Some(quote) = carried
                && self.quotations.all[quote].span.end <= block.range.end
            {
                items.push(Item::Quote(quote));
                carried = None;
            }
            let mut word = self
                .words
                .partition_point(|w| w.range.end <= block.range.start);
            loop {
                while next_quote < outer.len()
                    && self.quotations.all[outer[next_quote]].span.start
                        < block.range.start.max(covered)
                {
                    next_quote += 1;
                }
                let quote = outer
                    .get(next_quote)
                    .map(|&q| (q, self.quotations.all[q].span.clone()))
                    .filter(|(_, span)| span.start < block.range.end);
                let at = self.words.get(word).map_or(usize::MAX, |w| w.range.start);
                if at < covered {
                    word += 1;
                    continue;
                }
                match quote {
                    Some((q, span)) if span.start <= at => {
                        if span.end > block.range.end
                            && items.is_empty()
                            && index + 1 < blocks.len()
                        {
                            carried = Some(q);
                        } else {
                            items.push(Item::Quote(q));
                        }
                        covered = covered.max(span.end);
                        next_quote += 1;
                    }
                    _ if at < block.range.end => {
                        items.push(Item::Word(word));
                        word += 1;
                    }
                    _ => break,
                }
            }
            if !block.heading {
                self.sentences_of(index, items);
            }
        }
    }

    fn sentences_of(&mut self, block: usize, items: Vec<Item>) {
        let mut current: Vec<Item> = Vec::new();
        let count = items.len();
        for (at, &item) in items.iter().enumerate() {
            current.push(item);
            let ends = at + 1 == count
                || match item {
                    Item::Word(word) => {
                        matches!(self.words[word].lower.as_str(), "." | "!" | "?" | "…")
                            && self.begins_sentence(items[at + 1])
                    }
                    Item::Quote(quote) => self.quote_ends_sentence(quote, &items[at + 1..]),
                };
            if ends {
                self.sentences.push(Sentence {
                    items: std::mem::take(&mut current),
                    block,
                    cues: Vec::new(),
                });
            }
        }
    }

    fn begins_sentence(&self, item: Item) -> bool {
        match item {
            Item::Quote(_) => true,
            Item::Word(word) => {
                let word = &self.words[word];
                word.capital
                    || word.shape == Shape::Number
                    || matches!(
                        word.lower.as_str(),
                        "(" | "—" | "–" | "-" | "‘" | "“" | "\"" | "["
                    )
            }
        }
    }

    /// Whether the sentence ends with this quotation: it ends one itself, and what follows does not name its speaker.
    fn quote_ends_sentence(&self, quote: usize, rest: &[Item]) -> bool {
        let said = self.text[self.quotations.all[quote].words.clone()].trim_end();
        let last = said.chars().next_back();
        match rest.first() {
            Some(Item::Quote(_)) => {
                return matches!(last, Some('.' | '!' | '?' | '…' | '’' | '\''));
            }
            Some(&Item::Word(word)) if !self.words[word].capital => return false,
            _ => {}
        }
        match last {
            Some('.') => !self.names_speaker(rest, true),
            Some('!' | '?' | '…' | '-' | '—' | '–') => !self.names_speaker(rest, false),
            _ => false,
        }
    }

    /// Whether `rest` begins with a speaker and a cue after which nothing is said.
    fn names_speaker(&self, rest: &[Item], strict: bool) -> bool {
        let Some(&Item::Word(first)) = rest.first() else {
            return false;
        };
        let Some(phrase) = self.phrase_at(first) else {
            return false;
        };
        let mut at = self.phrases[phrase].words.end;
        while at < self.words.len()
            && matches!(self.words[at].class(), Class::Adverb | Class::Auxiliary)
        {
            at += 1;
        }
        let Some(verb) = self.words.get(at).and_then(|w| cue::verb(&w.lower)) else {
            return false;
        };
        let after = self.words.get(at + 1);
        let closes = after.is_none_or(|w| matches!(w.lower.as_str(), "." | ":" | "!" | "?"));
        let goes_on = after.is_none_or(|w| {
            matches!(w.lower.as_str(), "," | "in" | "at" | "on" | "during")
                || w.class() == Class::Adverb
        });
        verb.class == CueClass::Speech && verb.form != Form::Ing && (closes || (!strict && goes_on))
    }

    fn find_cues(&self, sentence: &mut Sentence) {
        let items = sentence.items.clone();
        let lower: Vec<&str> = items
            .iter()
            .map(|item| match item {
                Item::Word(word) => self.words[*word].lower.as_str(),
                Item::Quote(_) => "\u{0}",
            })
            .collect();
        let mut skip = 0;
        for (at, &item) in items.iter().enumerate() {
            let Item::Word(word) = item else { continue };
            if at < skip {
                continue;
            }
            if let Some(length) = cue::source_phrase(&lower[at..]) {
                let subject = self.phrase_at(word + length);
                if subject.is_some()
                    && !(lower[at] == "in"
                        && at > 0
                        && !self.words[word].capital
                        && lower[at - 1] != ",")
                {
                    sentence.cues.push(Cue {
                        words: word..word + length,
                        at,
                        verb: None,
                        subject,
                        inverted: true,
                    });
                }
                skip = at + length;
                continue;
            }
            if let Some(found) = self.verb_cue(sentence, &items, at, word) {
                sentence.cues.push(found);
            }
        }
    }

    fn verb_cue(&self, sentence: &Sentence, items: &[Item], at: usize, word: usize) -> Option<Cue> {
        let here = &self.words[word];
        if here.shape != Shape::Letters || (here.capital && at > 0) {
            return None;
        }
        let verb = cue::verb(&here.lower)?;
        // Inside a noun phrase ("the report", "alleged threats") it is no verb, unless it heads the sentence.
        let inside = self
            .phrases
            .iter()
            .find(|p| p.words.contains(&word))
            .is_some_and(|p| {
                p.words.start < word
                    || p.words.end > word + 1
                    || verb.form == Form::Base
                    || verb.form == Form::Present
            });
        if inside {
            return None;
        }
        let before = at.checked_sub(1).map(|i| items[i]);
        let auxiliary = self.auxiliaries(items, at);
        match verb.form {
            Form::Base => {
                let modal = auxiliary.iter().any(|w| {
                    self.words[*w].class() == Class::Modal
                        || matches!(self.words[*w].lower.as_str(), "did" | "do" | "does")
                });
                let plural_subject = matches!(before, Some(Item::Word(w)) if self.ends.get(w + 1).copied().flatten().is_some());
                if !modal && !plural_subject {
                    return None;
                }
                if matches!(before, Some(Item::Word(w)) if self.words[w].class() == Class::To) {
                    return None;
                }
            }
            Form::Participle
                if !auxiliary
                    .iter()
                    .any(|w| matches!(self.words[*w].lower.as_str(), "has" | "have" | "had")) =>
            {
                return None;
            }
            _ => {}
        }
        let be = |w: &usize| {
            matches!(
                self.words[*w].lower.as_str(),
                "is" | "are" | "was" | "were" | "be" | "been" | "being" | "am"
            )
        };
        // "was told", "is expected": the subject does not speak.
        if matches!(verb.form, Form::Past | Form::Participle) && auxiliary.iter().any(be) {
            return None;
        }
        if auxiliary.iter().any(|w| {
            self.words[*w].class() == Class::Negation || self.words[*w].lower.ends_with("n't")
        }) {
            return None;
        }
        let mut end = word + 1;
        if let Some(next) = self.words.get(end)
            && cue::takes_particle(verb.lemma, &next.lower)
        {
            end += 1;
        }
        // "agreed to “talk”" is an act, "agreed that" a statement.
        if verb.lemma == "agree" && self.words.get(end).is_some_and(|w| w.class() == Class::To) {
            return None;
        }
        let (subject, inverted) =
            self.subject(sentence, items, at, word, verb, !auxiliary.is_empty());
        Some(Cue {
            words: word..end,
            at,
            verb: Some(verb),
            subject,
            inverted,
        })
    }

    /// The auxiliaries, negations and adverbs right before a verb.
    fn auxiliaries(&self, items: &[Item], at: usize) -> Vec<usize> {
        let mut out = Vec::new();
        for item in items[..at].iter().rev() {
            let Item::Word(word) = *item else { break };
            match self.words[word].class() {
                Class::Auxiliary | Class::Modal | Class::Negation => out.push(word),
                Class::Adverb => {}
                _ => break,
            }
        }
        out
    }

    fn subject(
        &self,
        sentence: &Sentence,
        items: &[Item],
        at: usize,
        word: usize,
        verb: Verb,
        auxiliary: bool,
    ) -> (Option<usize>, bool) {
        let after_quote = matches!(at.checked_sub(1).map(|i| items[i]), Some(Item::Quote(_)));
        let after_comma = self.is_mark(at.checked_sub(1).and_then(|i| items.get(i)), ",");
        let finite = matches!(verb.form, Form::Past | Form::Present);
        // “…,” said Venn.
        if finite
            && (after_quote || (after_comma && verb.frame == Frame::Clause) || at == 0)
            && verb.frame != Frame::Tell
            && let Some(phrase) = self.phrase_at(word + 1)
            && self.can_speak(phrase, verb)
            && (after_quote
                || (self.closes_after(phrase) && !self.phrases[phrase].is_pronoun(&self.words)))
        {
            return (Some(phrase), true);
        }
        if verb.form == Form::Ing && !auxiliary {
            return (self.participle_subject(sentence, items, at, word), false);
        }
        (self.subject_before(sentence, items, at, verb), false)
    }

    /// Whether nothing more than a qualification follows the phrase: *said Venn.*, *said Venn, who …*
    fn closes_after(&self, phrase: usize) -> bool {
        self.words
            .get(self.phrases[phrase].words.end)
            .is_none_or(|w| w.shape == Shape::Mark || w.class() == Class::Preposition)
    }

    /// Whose *adding* is it? The phrase before it, else who spoke before, else the sentence's subject.
    fn participle_subject(
        &self,
        sentence: &Sentence,
        items: &[Item],
        at: usize,
        word: usize,
    ) -> Option<usize> {
        let adjacent = self.ends.get(word).copied().flatten();
        if let (Some(Item::Word(_)), Some(phrase)) = (at.checked_sub(1).map(|i| items[i]), adjacent)
            && self.is_document(phrase)
            && self.phrases[phrase].preposition.is_none()
        {
            return Some(phrase);
        }
        let spoken = sentence
            .cues
            .iter()
            .rev()
            .find(|c| c.is_speech() && c.subject.is_some());
        spoken
            .and_then(|c| c.subject)
            .or_else(|| self.latest_subject(items, at))
            .or_else(|| self.main_subject(items, at))
    }

    /// The nearest phrase before `before` that a verb follows.
    fn latest_subject(&self, items: &[Item], before: usize) -> Option<usize> {
        (0..before).rev().find_map(|i| {
            let Item::Word(word) = items[i] else {
                return None;
            };
            let phrase = self.phrase_at(word)?;
            let found = &self.phrases[phrase];
            let next = self.words.get(found.words.end)?;
            let last = match items[before] {
                Item::Word(word) => word,
                Item::Quote(_) => return None,
            };
            if found.words.end >= last {
                return None;
            }
            let acts = matches!(next.class(), Class::Auxiliary | Class::Modal)
                || (next.class() == Class::Open
                    && next.shape == Shape::Letters
                    && (next.lower.ends_with("ed")
                        || next.lower.ends_with("ing")
                        || cue::verb(&next.lower).is_some()));
            let free = found.preposition.is_none_or(|p| {
                next.lower.ends_with("ing")
                    && matches!(
                        self.words[p].lower.as_str(),
                        "of" | "with" | "by" | "after" | "from"
                    )
            });
            (acts && free && self.speaks(phrase)).then_some(phrase)
        })
    }

    /// The first phrase of the sentence that is the object of no preposition and can speak.
    pub(crate) fn main_subject(&self, items: &[Item], before: usize) -> Option<usize> {
        items[..before].iter().find_map(|item| {
            let Item::Word(word) = *item else { return None };
            let phrase = self.phrase_at(word)?;
            (self.phrases[phrase].preposition.is_none() && self.speaks(phrase)).then_some(phrase)
        })
    }

    /// *Venn, a lawyer who met her in Port Ellen, said*: the phrase that the insertion before the cue explains.
    fn before_insertion(&self, items: &[Item], at: usize) -> Option<usize> {
        let close = items[..at].iter().rposition(|item| {
            !matches!(item, Item::Word(w) if matches!(self.words[*w].class(), Class::Adverb | Class::Auxiliary | Class::Modal))
        })?;
        if !self.is_mark(items.get(close), ",") {
            return None;
        }
        // The phrase that ends before item `end`; "(D)" after a name belongs to it.
        let ending = |end: usize| -> Option<usize> {
            let Item::Word(last) = *items.get(end.checked_sub(1)?)? else {
                return None;
            };
            let last = if self.words[last].is(")") {
                let open = items[..end]
                    .iter()
                    .rposition(|item| self.is_mark(Some(item), "("))?;
                match items.get(open.checked_sub(1)?) {
                    Some(&Item::Word(word)) => word,
                    _ => return None,
                }
            } else {
                last
            };
            let phrase = self.ends.get(last + 1).copied().flatten()?;
            let free = self.phrases[phrase].preposition.is_none()
                && !self.phrases[phrase].is_pronoun(&self.words);
            (free && self.speaks(phrase)).then_some(phrase)
        };
        // "Venn (D), said": nothing is inserted but the bracket.
        if self.is_mark(items.get(close.checked_sub(1)?), ")")
            && let Some(phrase) = ending(close)
        {
            return Some(phrase);
        }
        (1..close)
            .rev()
            .filter(|&i| self.is_mark(items.get(i), ","))
            .take(3)
            .find_map(ending)
    }

    fn subject_before(
        &self,
        sentence: &Sentence,
        items: &[Item],
        at: usize,
        verb: Verb,
    ) -> Option<usize> {
        if let Some(phrase) = self.before_insertion(items, at) {
            return Some(phrase);
        }
        let mut i = at;
        let mut crossed_comma = false;
        let mut crossed_relative = false;
        while i > 0 {
            let Item::Word(word) = items[i - 1] else {
                // “…” said: handled as inversion; a quotation in between ends the search.
                return None;
            };
            let here = &self.words[word];
            if let Some(phrase) = self.ends.get(word + 1).copied().flatten() {
                let found = &self.phrases[phrase];
                let length = found.words.len();
                if i < length {
                    return None;
                }
                if self.is_time(phrase) {
                    i -= length;
                    if found.preposition.is_some() && i > 0 {
                        i -= 1;
                    }
                    continue;
                }
                // "As Venn put it", "the ministry, which said": the preposition does not count.
                let whole = crossed_relative
                    || found.preposition.is_some_and(|p| {
                        self.words[p].lower == "as" && (i == at || !crossed_comma)
                    });
                if found.preposition.is_some() && !whole {
                    i = i.checked_sub(length + 1)?;
                    continue;
                }
                // "Venn, the union’s head, said": the phrase between commas explains the one before.
                let opened_by_comma = i > length && self.is_mark(items.get(i - length - 1), ",");
                if crossed_comma
                    && opened_by_comma
                    && i > length + 1
                    && let Some(Item::Word(w)) = items.get(i - length - 2).copied()
                    && let Some(outer) = self.ends.get(w + 1).copied().flatten()
                    && self.speaks(outer)
                {
                    return Some(self.governor(outer));
                }
                return self.can_speak(phrase, verb).then_some(phrase);
            }
            match here.class() {
                Class::Adverb
                | Class::Auxiliary
                | Class::Modal
                | Class::Negation
                | Class::Number => i -= 1,
                Class::Relative => {
                    crossed_relative = true;
                    i -= 1;
                    if i > 0 && self.is_mark(items.get(i - 1), ",") {
                        i -= 1;
                    }
                }
                Class::Coordinator => {
                    let spoken = sentence.cues.iter().rev().find_map(|c| c.subject);
                    return spoken.or_else(|| self.main_subject(items, i - 1));
                }
                Class::Preposition => i -= 1,
                _ if here.is(")") => {
                    let open = items[..i - 1]
                        .iter()
                        .rposition(|item| self.is_mark(Some(item), "("))?;
                    i = open;
                }
                _ if here.is(",") || here.is("—") || here.is("–") => {
                    crossed_comma = true;
                    i -= 1;
                    // "Venn, who was in Port Ellen, said": back over the whole insertion.
                    if let Some(open) = items[..i]
                        .iter()
                        .rposition(|item| self.is_mark(Some(item), &here.lower))
                    {
                        let relative = matches!(items.get(open + 1), Some(&Item::Word(w)) if matches!(self.words[w].class(), Class::Relative | Class::Preposition | Class::Subordinator) || self.words[w].lower.ends_with("ing") || self.words[w].lower.ends_with("ed"));
                        if relative && open > 0 {
                            i = open;
                        }
                    }
                }
                _ => return None,
            }
        }
        None
    }

    /// *a spokesman* in *a spokesman for the union, Jan Toll, said*: up from the object of a preposition.
    fn governor(&self, phrase: usize) -> usize {
        let mut phrase = phrase;
        while let Some(preposition) = self.phrases[phrase].preposition {
            match self.ends.get(preposition).copied().flatten() {
                Some(up) => phrase = up,
                None => break,
            }
        }
        phrase
    }

    fn is_time(&self, phrase: usize) -> bool {
        let words = &self.words[self.phrases[phrase].words.clone()];
        words.iter().all(|w| {
            matches!(w.class(), Class::Determiner | Class::Adverb)
                || (w.class() == Class::Number && !w.lower.contains(char::is_alphabetic))
                || matches!(
                    w.lower.as_str(),
                    "week"
                        | "month"
                        | "year"
                        | "day"
                        | "morning"
                        | "afternoon"
                        | "evening"
                        | "night"
                        | "weekend"
                        | "time"
                        | "january"
                        | "february"
                        | "march"
                        | "april"
                        | "may"
                        | "june"
                        | "july"
                        | "august"
                        | "september"
                        | "october"
                        | "november"
                        | "december"
                        | "jan."
                        | "feb."
                        | "aug."
                        | "sept."
                        | "oct."
                        | "nov."
                        | "dec."
                        | "hours"
                        | "days"
                        | "weeks"
                        | "months"
                        | "years"
                        | "gmt"
                        | "midday"
                        | "noon"
                )
        })
    }

    /// Whether the phrase denotes somebody or something that speaks.
    pub(crate) fn speaks(&self, phrase: usize) -> bool {
        let found = &self.phrases[phrase];
        if found.possessive || self.is_time(phrase) {
            return false;
        }
        let head = &self.words[found.head];
        if found.is_pronoun(&self.words) {
            return matches!(
                head.lower.as_str(),
                "he" | "she"
                    | "they"
                    | "it"
                    | "i"
                    | "we"
                    | "others"
                    | "everyone"
                    | "someone"
                    | "nobody"
            );
        }
        head.capital
            || name::head(&head.lower).is_some()
            || matches!(head.lower.as_str(), "many" | "some" | "both" | "several")
            || self
                .mentions
                .iter()
                .any(|m| m.range.contains(&head.range.start))
    }

    fn can_speak(&self, phrase: usize, verb: Verb) -> bool {
        let found = &self.phrases[phrase];
        if found.possessive || self.is_time(phrase) {
            return false;
        }
        if found.is_pronoun(&self.words) {
            return self.speaks(phrase);
        }
        // Groups that no list has: "his surrogates", "critics".
        let people = matches!(
            verb.lemma,
            "say"
                | "tell"
                | "call"
                | "add"
                | "argue"
                | "claim"
                | "warn"
                | "insist"
                | "note"
                | "write"
                | "tweet"
                | "ask"
                | "complain"
                | "accuse"
        );
        let head = self.words[found.head].lower.as_str();
        self.speaks(phrase) || (people && (head == "percent" || name::singular(head).is_some()))
    }

    /// Whether the head of the phrase is a document or report.
    pub(crate) fn is_document(&self, phrase: usize) -> bool {
        name::head(&self.words[self.phrases[phrase].head].lower) == Some(Head::Document)
    }

    /// Whether a verb takes a clause or quotation after it.
    pub(crate) fn takes_clause(verb: Verb) -> bool {
        matches!(verb.frame, Frame::Clause | Frame::Tell)
    }
}
