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

    /// The phrase that ends before word `end`.
    pub(crate) fn phrase_ending(&self, end: usize) -> Option<usize> {
        self.ends.get(end).copied().flatten()
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
        let next = self.words.get(word + 1);
        if cue::needs_particle(verb.lemma)
            && !next.is_some_and(|n| cue::takes_particle(verb.lemma, &n.lower))
        {
            return None;
        }
        // "branding and marketing": the nouns are commoner than the verbs.
        if verb.form == Form::Ing && matches!(verb.lemma, "brand" | "address" | "share" | "hit") {
            return None;
        }
        // "provisions relating to", "the law regarding it": no story is told.
        if here.class() == Class::Preposition
            || (verb.lemma == "relate" && next.is_some_and(|n| n.class() == Class::To))
        {
            return None;
        }
        // "said that states can": a noun, where no subject stands before and a verb comes after.
        if matches!(verb.form, Form::Base | Form::Present)
            && self.ends[word].is_none()
            && next.is_some_and(|n| matches!(n.class(), Class::Modal | Class::Auxiliary))
        {
            return None;
        }
        // "an app called “Ferries”": a name is given, nobody speaks.
        let named = matches!(verb.lemma, "call" | "dub" | "label" | "christen" | "term")
            && verb.form == Form::Past
            && matches!(items.get(at + 1), Some(Item::Quote(_)))
            && self.ends[word].is_some_and(|phrase| {
                let first = &self.words[self.phrases[phrase].words.start].lower;
                matches!(first.as_str(), "a" | "an")
            });
        if named {
            return None;
        }
        if let Some(found) = self
            .agent(at, word, verb)
            .or_else(|| self.witnessed(sentence, items, at, word, verb))
            .or_else(|| self.goes_on_to(sentence, items, at, word, verb))
        {
            return Some(found);
        }
        let before = at.checked_sub(1).map(|i| items[i]);
        let auxiliary = self.auxiliaries(items, at);
        match verb.form {
            Form::Base => {
                let modal = auxiliary.iter().any(|w| {
                    self.words[*w].class() == Class::Modal
                        || matches!(self.words[*w].lower.as_str(), "did" | "do" | "does")
                });
                // "in a Chirper post": one thing takes another form.
                let plural = |phrase: usize| {
                    let first = &self.words[self.phrases[phrase].words.start];
                    let head = self.words[self.phrases[phrase].head].lower.as_str();
                    !matches!(first.lower.as_str(), "a" | "an" | "this" | "that" | "each")
                        || matches!(head, "percent" | "majority" | "number" | "few" | "minority")
                };
                let plural_subject =
                    matches!(before, Some(Item::Word(w)) if self.ends[w + 1].is_some_and(plural));
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
        // "what’s called a …": nobody calls.
        if verb.frame == Frame::Object
            && matches!(before, Some(Item::Word(w)) if matches!(self.words[w].lower.as_str(), "what's" | "that's" | "it's" | "who's"))
        {
            return None;
        }
        // "was told", "is expected": the subject does not speak.
        if matches!(verb.form, Form::Past | Form::Participle)
            && auxiliary.iter().any(|&w| is_be(&self.words[w].lower))
        {
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

    /// *attacked by Venn as “…”*, *as described by Venn*: the agent of a passive speaks.
    fn agent(&self, at: usize, word: usize, verb: Verb) -> Option<Cue> {
        let passive = matches!(verb.form, Form::Past | Form::Participle)
            && verb.class == CueClass::Speech
            && self.words.get(word + 1)?.lower == "by";
        let agent = self.phrase_at(word + 2).filter(|_| passive)?;
        let head = self.words[self.phrases[agent].head].lower.as_str();
        let people = name::singular(head).is_some();
        (people || self.can_speak(agent, verb)).then_some(Cue {
            words: word..word + 1,
            at,
            verb: Some(verb),
            subject: Some(agent),
            inverted: true,
        })
    }

    /// *was quoted by the Gazette as saying*, *can be heard asking*: heard by others, said by the subject.
    fn witnessed(
        &self,
        sentence: &Sentence,
        items: &[Item],
        at: usize,
        word: usize,
        verb: Verb,
    ) -> Option<Cue> {
        if verb.form != Form::Ing || at < 2 {
            return None;
        }
        let lower = |i: usize| match items[i] {
            Item::Word(w) => self.words[w].lower.as_str(),
            Item::Quote(_) => "",
        };
        let said = Verb {
            form: Form::Past,
            ..verb
        };
        if lower(at - 1) == "as" {
            let from = (at.saturating_sub(9)..at - 1)
                .rev()
                .find(|&i| matches!(lower(i), "quoted" | "cited" | "quotes" | "quoting"))?;
            let Item::Word(first) = items[from] else {
                return None;
            };
            // "quoted Venn as saying"
            let object = self
                .phrase_at(first + 1)
                .filter(|&p| self.phrases[p].preposition.is_none() && from + 1 < at - 1);
            let subject = object.or_else(|| self.subject_before(sentence, items, from, said))?;
            let whole = first..word + 1;
            return (whole.len() == at + 1 - from).then_some(Cue {
                words: whole,
                at: from,
                verb: Some(said),
                subject: Some(subject),
                inverted: false,
            });
        }
        let heard = matches!(
            lower(at - 1),
            "heard" | "seen" | "caught" | "recorded" | "filmed" | "overheard" | "shown"
        );
        let passive = || {
            let before = self.auxiliaries(items, at - 1);
            before.iter().any(|&w| is_be(&self.words[w].lower))
        };
        if !heard || !passive() {
            return None;
        }
        Some(Cue {
            words: word..word + 1,
            at,
            verb: Some(said),
            subject: Some(self.subject_before(sentence, items, at - 1, said)?),
            inverted: false,
        })
    }

    /// *went on to say*: the only infinitive that reports.
    fn goes_on_to(
        &self,
        sentence: &Sentence,
        items: &[Item],
        at: usize,
        word: usize,
        verb: Verb,
    ) -> Option<Cue> {
        if verb.form != Form::Base || at < 4 {
            return None;
        }
        let lower = |i: usize| match items[i] {
            Item::Word(w) => self.words[w].lower.as_str(),
            Item::Quote(_) => "",
        };
        let goes_on = lower(at - 1) == "to"
            && lower(at - 2) == "on"
            && matches!(lower(at - 3), "went" | "goes" | "go" | "gone" | "going");
        if !goes_on {
            return None;
        }
        Some(Cue {
            words: word..word + 1,
            at,
            verb: Some(Verb {
                form: Form::Past,
                ..verb
            }),
            subject: Some(self.subject_before(sentence, items, at - 3, verb)?),
            inverted: false,
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
            && if after_quote {
                self.can_speak(phrase, verb)
            } else {
                self.speaks(phrase)
                    && self.closes_after(phrase)
                    && !self.phrases[phrase].is_pronoun(&self.words)
            }
        {
            return (Some(phrase), true);
        }
        if verb.form == Form::Ing && !auxiliary {
            return (self.participle_subject(sentence, items, at, word), false);
        }
        let subject = self.subject_before(sentence, items, at, verb);
        // "ran a piece that noted": the piece is somebody's.
        let document = subject.filter(|&p| self.is_document(p)).and_then(|phrase| {
            let end = Item::Word(self.phrases[phrase].words.end);
            let end = items.iter().position(|item| *item == end)?;
            let relative =
                matches!(items[end], Item::Word(w) if self.words[w].class() == Class::Relative);
            relative
                .then(|| self.issuer(sentence, items, end, phrase))
                .flatten()
        });
        (document.or(subject), false)
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
        let adjacent = self.ends[word];
        if let (Some(Item::Word(_)), Some(phrase)) = (at.checked_sub(1).map(|i| items[i]), adjacent)
            && self.is_document(phrase)
            && self.phrases[phrase].preposition.is_none()
        {
            return Some(self.issuer(sentence, items, at, phrase).unwrap_or(phrase));
        }
        // "But while denouncing …, Venn", "By calling it …, Venn": the subject comes after.
        let fronted = items[..at].iter().all(|item| {
            matches!(item, Item::Word(w) if matches!(
                self.words[*w].class(),
                Class::Preposition | Class::Subordinator | Class::Coordinator | Class::Adverb
            ))
        });
        if fronted {
            return self.clause_subject(items, at);
        }
        // What stands in a relative clause says nothing of who goes on.
        let relative = |cue: &Cue| matches!(cue.at.checked_sub(1).map(|i| items[i]), Some(Item::Word(w)) if self.words[w].class() == Class::Relative);
        let spoken = sentence
            .cues
            .iter()
            .rev()
            .find(|c| c.is_speech() && c.subject.is_some() && !relative(c));
        spoken
            .and_then(|c| c.subject)
            .or_else(|| self.latest_subject(items, at))
            .or_else(|| self.main_subject(items, at))
    }

    /// *Venn issued a statement saying*: whoever put the document out, where it is an object.
    fn issuer(
        &self,
        sentence: &Sentence,
        items: &[Item],
        at: usize,
        document: usize,
    ) -> Option<usize> {
        let start = at.checked_sub(self.phrases[document].words.len())?;
        let put_out = start.checked_sub(1)?;
        let Item::Word(word) = items[put_out] else {
            return None;
        };
        let here = &self.words[word];
        if here.class() != Class::Open || here.shape != Shape::Letters || here.capital {
            return None;
        }
        let issued = Verb {
            lemma: "issue",
            class: CueClass::Speech,
            frame: Frame::Clause,
            form: Form::Past,
        };
        let subject = if here.lower.ends_with("ing") {
            self.main_subject(items, put_out)
        } else {
            self.subject_before(sentence, items, put_out, issued)
        };
        subject.filter(|&phrase| phrase != document && self.speaks(phrase))
    }

    /// The subject of the main clause: behind the first comma where the sentence opens with something else.
    pub(crate) fn clause_subject(&self, items: &[Item], from: usize) -> Option<usize> {
        let opening = match items.first() {
            Some(&Item::Word(w)) => {
                from > 0
                    || matches!(
                        self.words[w].class(),
                        Class::Preposition | Class::Subordinator
                    )
                    || self.words[w].lower.ends_with("ing")
            }
            _ => from > 0,
        };
        let start = if opening {
            let comma = items[from..]
                .iter()
                .position(|item| self.is_mark(Some(item), ","));
            comma.map_or(from, |comma| from + comma + 1)
        } else {
            0
        };
        // "Likewise, the ministry": what a comma follows at once is no subject.
        let aside = |at: usize, phrase: usize| {
            at == 0 && self.is_mark(items.get(self.phrases[phrase].words.len()), ",")
        };
        (start..items.len()).find_map(|at| {
            let Item::Word(word) = items[at] else {
                return None;
            };
            let phrase = self.phrase_at(word)?;
            let free = self.phrases[phrase].preposition.is_none() && self.speaks(phrase);
            let named = self.mentions.iter().any(|m| {
                m.range
                    .contains(&self.words[self.phrases[phrase].head].range.start)
            });
            (free && (named || !aside(at, phrase))).then_some(phrase)
        })
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
            let phrase = self.ends[last + 1]?;
            let free = self.phrases[phrase].preposition.is_none_or(|p| {
                // "As Venn, an expert at the college, told us"; "leader of the Harbour Party Orla Venn, said".
                (self.words[p].lower == "as" && Some(&Item::Word(p)) == items.first())
                    || self.names_after_body(phrase)
            }) && !self.phrases[phrase].is_pronoun(&self.words);
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
        let mut crossed_who = false;
        while i > 0 {
            let Item::Word(word) = items[i - 1] else {
                // “…” said: handled as inversion; a quotation in between ends the search.
                return None;
            };
            let here = &self.words[word];
            if let Some(phrase) = self.ends[word + 1] {
                let found = &self.phrases[phrase];
                let length = found.words.len();
                if i < length {
                    return None;
                }
                let reflexive = self.words[word].lower.ends_with("self")
                    || self.words[word].lower.ends_with("selves");
                if reflexive && length == 1 {
                    i -= 1;
                    continue;
                }
                if self.is_time(phrase) {
                    i -= length;
                    if found.preposition.is_some() && i > 0 {
                        i -= 1;
                    }
                    continue;
                }
                // "As Venn put it", "the ministry, which said": the preposition does not count.
                // "the head of the union, who said": no body is a *who*.
                let person = |m: &Mention| m.label.as_deref().is_none_or(|label| label == "PER");
                let who =
                    crossed_who && found.preposition.is_some() && !self.mentioned(phrase, person);
                let whole = (crossed_relative && !who)
                    || found.preposition.is_some_and(|p| {
                        self.words[p].lower == "as" && (i == at || !crossed_comma)
                    });
                if found.preposition.is_some() && !whole {
                    i = i.checked_sub(length + 1)?;
                    continue;
                }
                // "attorneys representing the women said": the object of what follows the subject.
                if !whole && self.is_reduced(items, i.wrapping_sub(length + 1), true) {
                    i -= length + 1;
                    continue;
                }
                if !crossed_comma && let Some(named) = self.named_before(items, i - length, phrase)
                {
                    return Some(named);
                }
                // "Venn, the union’s head, said": the phrase between commas explains the one before.
                let mut open = i - length;
                while open > 0
                    && matches!(items[open - 1], Item::Word(w) if self.words[w].class() == Class::Adverb)
                {
                    open -= 1;
                }
                if crossed_comma
                    && open > 1
                    && self.is_mark(items.get(open - 1), ",")
                    && let Some(Item::Word(w)) = items.get(open - 2).copied()
                    && let Some(outer) = self.ends[w + 1]
                    && self.speaks(outer)
                {
                    // "As adviser to the union, Orla Venn, said": the name is whom the rest explains.
                    let head = self.words[found.head].range.start;
                    let name = self
                        .mentions
                        .iter()
                        .any(|m| m.range.contains(&head) && m.label.as_deref() == Some("PER"));
                    if name && self.phrases[outer].preposition.is_some() {
                        return Some(phrase);
                    }
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
                    crossed_who = here.lower == "who";
                    i -= 1;
                    if i > 0 && self.is_mark(items.get(i - 1), ",") {
                        crossed_comma |= crossed_who;
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
                // "the statement released by the union said"
                _ if self.is_reduced(items, i - 1, false) => i -= 1,
                _ => return None,
            }
        }
        None
    }

    /// *the Harbour Party Orla Venn*: a body, then the person whose post was named before.
    fn names_after_body(&self, phrase: usize) -> bool {
        let range = self.phrases[phrase].range(&self.words);
        let inside = |label: &str| {
            self.mentions
                .iter()
                .filter(|m| range.start <= m.range.start && m.range.end <= range.end)
                .find(|m| m.label.as_deref() == Some(label))
        };
        match (inside("ORG"), inside("PER")) {
            (Some(body), Some(person)) => {
                body.range.end <= person.range.start && person.range.end == range.end
            }
            _ => false,
        }
    }

    /// Whether a mention that is like this holds the head of the phrase, or none does.
    fn mentioned(&self, phrase: usize, like: impl Fn(&Mention) -> bool) -> bool {
        let head = self.words[self.phrases[phrase].head].range.start;
        self.mentions
            .iter()
            .filter(|m| m.range.contains(&head))
            .all(like)
    }

    /// Whether the word at `at` begins a reduced relative clause: *released* in *the statement released by …*.
    fn is_reduced(&self, items: &[Item], at: usize, with_object: bool) -> bool {
        let (Some(&Item::Word(word)), Some(&Item::Word(before))) =
            (items.get(at), at.checked_sub(1).and_then(|i| items.get(i)))
        else {
            return false;
        };
        let here = &self.words[word];
        let noun = match self.ends[before + 1] {
            Some(phrase) => !self.phrases[phrase].is_pronoun(&self.words),
            None => self.words[before].is(")"),
        };
        if !noun || here.capital || here.class() != Class::Open || here.shape != Shape::Letters {
            return false;
        }
        if here.lower.ends_with("ing") {
            return true;
        }
        !with_object
            && (here.lower.ends_with("ed")
                || matches!(
                    here.lower.as_str(),
                    "seen"
                        | "written"
                        | "led"
                        | "made"
                        | "sent"
                        | "held"
                        | "known"
                        | "given"
                        | "taken"
                        | "put"
                        | "run"
                        | "born"
                        | "read"
                        | "familiar"
                        | "close"
                        | "aware"
                        | "responsible"
                        | "critical"
                        | "opposed"
                ))
    }

    /// *Venn* in *Orla Venn (D), the top liberal on the panel said*: an apposition that nobody closed.
    fn named_before(&self, items: &[Item], start: usize, phrase: usize) -> Option<usize> {
        let first = &self.words[self.phrases[phrase].words.start];
        if !matches!(first.lower.as_str(), "the" | "a" | "an")
            || !self.is_mark(items.get(start.checked_sub(1)?), ",")
        {
            return None;
        }
        let mut end = start - 1;
        if self.is_mark(items.get(end.checked_sub(1)?), ")") {
            end = items[..end]
                .iter()
                .rposition(|item| self.is_mark(Some(item), "("))?;
        }
        let Some(&Item::Word(last)) = items.get(end.checked_sub(1)?) else {
            return None;
        };
        let name = self.ends[last + 1]?;
        let opens = match end.checked_sub(self.phrases[name].words.len() + 1) {
            None => true,
            Some(before) => match items[before] {
                Item::Quote(_) => true,
                Item::Word(w) => self.words[w].class() == Class::Coordinator,
            },
        };
        let person = self.mentions.iter().any(|m| {
            m.label.as_deref() == Some("PER")
                && m.range
                    .contains(&self.words[self.phrases[name].head].range.start)
        });
        (opens && person && self.phrases[name].preposition.is_none()).then_some(name)
    }

    /// *a spokesman* in *a spokesman for the union, Jan Toll, said*: up from the object of a preposition.
    pub(crate) fn governor(&self, phrase: usize) -> usize {
        let mut phrase = phrase;
        while let Some(preposition) = self.phrases[phrase].preposition {
            match self.ends[preposition] {
                Some(up) => phrase = up,
                None => break,
            }
        }
        phrase
    }

    fn is_time(&self, phrase: usize) -> bool {
        let words = &self.words[self.phrases[phrase].words.clone()];
        // "one of her aides", "many"
        if words.iter().all(|w| w.class() == Class::Determiner) {
            return false;
        }
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
                "he" | "she" | "they" | "it" | "i" | "we" | "others" | "everyone" | "someone"
            );
        }
        head.capital
            || name::head(&head.lower).is_some()
            || matches!(
                head.lower.as_str(),
                "many" | "some" | "both" | "several" | "one" | "two" | "three" | "most" | "few"
            )
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
        // People that no list has: "his surrogates", "a narrator", "the 52-year-old".
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
                | "reply"
                | "respond"
                | "answer"
                | "explain"
                | "continue"
                | "joke"
                | "wonder"
                | "shout"
                | "recall"
        );
        self.speaks(phrase) || people
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

fn is_be(word: &str) -> bool {
    matches!(
        word,
        "is" | "are" | "was" | "were" | "be" | "been" | "being" | "am"
    )
}
