//! Who said it: quotations to cues to speakers, then reported speech without marks.

use std::ops::Range;

use copydesk_language::cue::{self, Class as CueClass, Form, Frame};
use copydesk_language::word::{Class, Shape};

use crate::article::{Article, Cue, Item, Sentence};

/// The kinds of quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Direct,
    Mixed,
    Indirect,
}

impl Kind {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Mixed => "mixed",
            Self::Indirect => "indirect",
        }
    }
}

/// Who speaks, and where the text says so.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Speaker {
    pub(crate) range: Range<usize>,
    pub(crate) name: String,
    pub(crate) label: Option<String>,
    pub(crate) entity: Option<u32>,
}

/// One thing said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Quote {
    /// The words said, without outer marks.
    pub(crate) range: Range<usize>,
    /// More than one where the quotation runs over several paragraphs.
    pub(crate) pieces: Vec<Range<usize>>,
    pub(crate) kind: Kind,
    pub(crate) speaker: Option<Speaker>,
    pub(crate) cue: Option<Range<usize>>,
    pub(crate) score: f32,
    /// The whole of what is reported, paraphrase included.
    pub(crate) statement: Range<usize>,
}

/// Finds everything that is said in the article, in order of text.
pub(crate) fn quotes(article: &Article<'_>) -> Vec<Quote> {
    let mut pass = Pass {
        article,
        found: Vec::new(),
    };
    for index in 0..article.sentences.len() {
        pass.governed(index);
    }
    pass.joined();
    pass.continued();
    pass.repeated();
    for index in 0..article.sentences.len() {
        pass.reported(index);
    }
    let mut out: Vec<Quote> = pass.found.into_iter().map(|f| f.quote).collect();
    out.sort_by_key(|q| (q.range.start, std::cmp::Reverse(q.range.end)));
    said_by_document(article, &mut out);
    out
}

/// `The report says … “…,” it said.`: right after a document has spoken, *it* is the document.
fn said_by_document(article: &Article<'_>, quotes: &mut [Quote]) {
    let mut document: Option<Speaker> = None;
    for quote in quotes {
        let Some(speaker) = &mut quote.speaker else {
            continue;
        };
        let surface = &article.text[speaker.range.clone()];
        if surface.eq_ignore_ascii_case("it") {
            if let Some(document) = &document {
                speaker.name.clone_from(&document.name);
                speaker.label.clone_from(&document.label);
                speaker.entity = document.entity;
            }
            continue;
        }
        let head = surface.split_whitespace().next_back().unwrap_or_default();
        document = cue::is_document(&head.to_lowercase()).then(|| speaker.clone());
    }
}

/// How sure each way of finding a speaker is.
mod sure {
    pub(super) const CUE_BESIDE: f32 = 0.97;
    pub(super) const CUE_BEFORE: f32 = 0.9;
    pub(super) const COLON: f32 = 0.85;
    pub(super) const SAME_PARAGRAPH: f32 = 0.9;
    pub(super) const NEXT_PARAGRAPH: f32 = 0.7;
    pub(super) const NO_CUE: f32 = 0.5;
    pub(super) const WEAK_CUE: f32 = 0.55;
    pub(super) const SAID_THAT: f32 = 0.9;
    pub(super) const ACCORDING: f32 = 0.85;
    pub(super) const SAID_BARE: f32 = 0.75;
    pub(super) const OTHER_BARE: f32 = 0.6;
}

/// Words from which a repetition is no chance.
const PULLED: usize = 6;

struct Pass<'a, 't> {
    article: &'a Article<'t>,
    found: Vec<Found>,
}

struct Found {
    quote: Quote,
    sentence: usize,
    quotation: Option<usize>,
}

impl Pass<'_, '_> {
    /// Quotations that a cue of their own sentence governs.
    fn governed(&mut self, index: usize) {
        let sentence = &self.article.sentences[index];
        for (at, item) in sentence.items.iter().enumerate() {
            let Item::Quote(quotation) = *item else {
                continue;
            };
            if let Some(found) = self.govern(sentence, at, quotation) {
                self.push(index, quotation, found);
            }
        }
    }

    fn govern(&self, sentence: &Sentence, at: usize, quotation: usize) -> Option<Governed> {
        let article = self.article;
        let said = article.text[article.quotations.all[quotation].words.clone()].trim();
        if said.is_empty() {
            return None;
        }
        let opens = at == 0
            || !matches!(sentence.items[at - 1], Item::Word(w) if article.words[w].shape != Shape::Mark);
        let after = self.cue_after(sentence, at, said);
        let before = self.cue_before(sentence, at);
        let trailing = self.trailing(sentence, at);
        let mut far = false;
        let (cue, beside) = match (before, after) {
            (None, None) if trailing.is_some() => {
                far = true;
                (trailing?, true)
            }
            // A document's finding is told by whoever closes the sentence.
            (Some(cue), None) if !cue.is_speech() && trailing.is_some() => {
                far = true;
                (trailing?, true)
            }
            (None, Some(cue)) => (cue, true),
            (Some(cue), None) => (cue, false),
            // A quotation that opens its sentence belongs to what follows it.
            (Some(_), Some(cue))
                if opens
                    && (said.ends_with([',', '?', '!', '…', '—'])
                        || article.is_mark(sentence.items.get(at + 1), ",")) =>
            {
                (cue, true)
            }
            (Some(cue), Some(_)) => (cue, false),
            (None, None) => {
                return self
                    .after_colon(sentence, at, said)
                    .or_else(|| self.before_dash(sentence, at, quotation));
            }
        };
        let title = (far || !beside) && self.is_title(sentence, at, said, cue);
        if title || self.names_work(sentence, at) {
            return None;
        }
        let weak = !cue.is_speech();
        if weak
            && (beside || words_in(said) < 3)
            && cue.verb.is_some_and(|v| v.class != CueClass::Belief)
        {
            return None;
        }
        let kind = if beside {
            if opens && at == 0 {
                Kind::Direct
            } else {
                self.kind_after_words(sentence, at)
            }
        } else {
            self.kind_before(sentence, at, cue)
        };
        let score = match (weak, beside) {
            (true, _) => sure::WEAK_CUE,
            (false, true) => sure::CUE_BESIDE,
            (false, false) if kind == Kind::Direct => sure::CUE_BESIDE,
            (false, false) => sure::CUE_BEFORE,
        };
        let statement = if kind == Kind::Direct {
            article.quotations.all[quotation].words.clone()
        } else {
            self.statement(sentence, cue, at)
        };
        Some(Governed {
            speaker: cue.subject.map(|phrase| self.speaker(phrase)),
            cue: Some(article.bytes(&cue.words)),
            kind,
            score,
            statement,
        })
    }

    /// `“…,” Venn said` and `“…,” said Venn`; also `“…,” according to Venn`.
    fn cue_after<'s>(&self, sentence: &'s Sentence, at: usize, said: &str) -> Option<&'s Cue> {
        let article = self.article;
        let mut from = at + 1;
        let comma_outside = article.is_mark(sentence.items.get(from), ",")
            || article.is_mark(sentence.items.get(from), "—")
            || article.is_mark(sentence.items.get(from), "–");
        if comma_outside {
            from += 1;
        }
        let finished = said.ends_with([',', '?', '!', '.', '…', '—', '–', '-', '’']);
        sentence.cues.iter().find(|cue| {
            if cue.at < from || cue.subject.is_none() {
                return false;
            }
            if cue.verb.is_some_and(|v| v.form == Form::Ing) {
                return false;
            }
            let Some(phrase) = cue.subject else { return false };
            let first = article.phrases[article.governor(phrase)].words.start;
            let start = sentence.items.iter().position(|i| *i == Item::Word(first)).unwrap_or(usize::MAX);
            let begin = start.min(cue.at);
            let gap = begin.saturating_sub(from);
            let only_light = begin >= from
                && sentence.items[from..begin].iter().all(|i| matches!(i, Item::Word(w) if matches!(article.words[*w].class(), Class::Adverb | Class::Determiner | Class::Coordinator | Class::Preposition | Class::Number)));
            // `“X,” was how Venn put it`; `“X” is the answer that Venn gave` has something else in between.
            let how = gap == 2
                && matches!(sentence.items[from..begin], [Item::Word(be), Item::Word(how)]
                    if matches!(article.words[be].lower.as_str(), "was" | "is")
                        && matches!(article.words[how].lower.as_str(), "how" | "what"));
            gap <= 2 && (only_light || how) && (finished || comma_outside || gap == 0)
        })
    }

    /// The nearest cue before the quotation; speech before belief before the rest.
    fn cue_before<'s>(&self, sentence: &'s Sentence, at: usize) -> Option<&'s Cue> {
        let article = self.article;
        let before = || {
            sentence
                .cues
                .iter()
                .rev()
                .filter(|cue| {
                    cue.at < at
                        && (cue.subject.is_some()
                            || cue.verb.is_some_and(|v| v.frame != Frame::Object))
                })
                .filter(|cue| {
                    // A cue that closed an earlier quotation and said nothing more: `“A,” Venn said. “B”`.
                    // A semicolon right before the quotation only splits it: `“A,” she said; “b.”`
                    !sentence.items[cue.at..at]
                        .iter()
                        .enumerate()
                        .any(|(i, item)| {
                            matches!(item, Item::Word(w) if article.words[*w].is(".")
                            || (article.words[*w].is(";") && cue.at + i + 1 < at))
                        })
                })
                .filter(|cue| self.reaches(sentence, cue, at))
                // "Seeing that, Venn “borrowed” it": the opening clause reports nothing of the next.
                .filter(|cue| {
                    cue.inverted
                        || cue.subject.is_none_or(|subject| {
                            let first = article.phrases[subject].words.start;
                            first < cue.words.end
                                || article.item_bytes(sentence.items[at]).start
                                    < article.words[first].range.start
                        })
                })
        };
        let nearest = before().find(|cue| cue.is_speech() && cue.subject.is_some());
        // "said that they had long discussed the plan and “we go on”": what a verb with an object says ends with it.
        let outer = nearest
            .filter(|near| {
                near.verb.is_some_and(|v| v.frame == Frame::Object)
                    && at > near.at + near.words.len() + 8
            })
            .and_then(|near| {
                before().find(|cue| {
                    cue.at < near.at
                        && cue.subject.is_some()
                        && cue.verb.is_some_and(|v| {
                            v.class == CueClass::Speech && Article::takes_clause(v)
                        })
                })
            });
        outer
            .or(nearest)
            .or_else(|| before().find(|cue| cue.subject.is_some_and(|s| article.is_document(s))))
            .or_else(|| {
                before().find(|cue| {
                    cue.verb.is_some_and(|v| {
                        v.class == CueClass::Belief || matches!(v.lemma, "find" | "show")
                    }) && cue.subject.is_some()
                })
            })
    }

    /// Whether a verb that only takes a quotation has this one: *continued, “…”*, not *started using “…”*.
    fn reaches(&self, sentence: &Sentence, cue: &Cue, at: usize) -> bool {
        let article = self.article;
        if cue.verb.is_none_or(|v| {
            !matches!(
                v.lemma,
                "start" | "begin" | "finish" | "read" | "sing" | "share"
            )
        }) {
            return true;
        }
        let end = cue.at + cue.words.len();
        let word = |i: usize| match sentence.items.get(i) {
            Some(&Item::Word(w)) => Some(&article.words[w]),
            _ => None,
        };
        end == at
            || word(at - 1).is_some_and(|w| w.is(",") || w.is(":"))
            || word(end).is_some_and(|w| matches!(w.lower.as_str(), "that" | "with"))
            || (end..at).all(|i| word(i).is_some_and(|w| w.class() == Class::Adverb))
    }

    /// `It was “a bad night” for the port, Venn said.`: a clause at the end that governs all before it.
    fn trailing<'s>(&self, sentence: &'s Sentence, at: usize) -> Option<&'s Cue> {
        let article = self.article;
        let items = &sentence.items;
        sentence.cues.iter().filter(|cue| cue.at > at).find(|cue| {
            let Some(verb) = cue.verb else { return false };
            let Some(begin) = self.beginning(sentence, cue) else {
                return false;
            };
            let told = verb.class == CueClass::Speech
                && Article::takes_clause(verb)
                && matches!(verb.form, Form::Past | Form::Present);
            if !told || begin <= at + 1 || !article.is_mark(items.get(begin - 1), ",") {
                return false;
            }
            let mut end = cue.at + cue.words.len();
            if cue.inverted {
                end += cue.subject.map_or(0, |s| article.phrases[s].words.len());
            }
            if verb.frame == Frame::Tell
                && let Some(&Item::Word(w)) = items.get(end)
                && let Some(hearer) = article.phrase_at(w)
            {
                end += article.phrases[hearer].words.len();
            }
            self.closes(items, end)
        })
    }

    /// Where the clause of a cue begins: with its subject, or with itself.
    fn beginning(&self, sentence: &Sentence, cue: &Cue) -> Option<usize> {
        let first = self.article.phrases[cue.subject?].words.start;
        let subject = sentence
            .items
            .iter()
            .position(|item| *item == Item::Word(first))?;
        Some(subject.min(cue.at))
    }

    /// Whether nothing is reported from `from` on: the end, or when, where and to whom.
    fn closes(&self, items: &[Item], from: usize) -> bool {
        let article = self.article;
        match items.get(from) {
            None => true,
            Some(item) if article.is_mark(Some(item), ",") => true,
            Some(Item::Quote(_)) => false,
            Some(&Item::Word(w)) => {
                let word = &article.words[w];
                let light = word.shape == Shape::Mark && !word.is(":")
                    || matches!(
                        word.class(),
                        Class::Preposition | Class::Adverb | Class::To | Class::Subordinator
                    );
                light
                    && !matches!(
                        word.lower.as_str(),
                        "whether" | "how" | "why" | "what" | "if"
                    )
                    && !items[from..].iter().any(|item| match *item {
                        Item::Quote(_) => true,
                        Item::Word(w) => article.words[w].lower == "that",
                    })
            }
        }
    }

    /// `Venn: “…”`, `In a statement: “…”`.
    fn after_colon(&self, sentence: &Sentence, at: usize, said: &str) -> Option<Governed> {
        let article = self.article;
        if at < 2 || !article.is_mark(sentence.items.get(at - 1), ":") || words_in(said) < 3 {
            return None;
        }
        let Item::Word(last) = sentence.items[at - 2] else {
            return None;
        };
        let quotation = at_quote(sentence, at)?;
        let adjacent = article
            .phrase_ending(last + 1)
            .filter(|&phrase| article.speaks(phrase));
        let named = |phrase: usize| {
            article.phrases[phrase].preposition.is_none() || article.is_document(phrase)
        };
        let alone = |phrase: usize| article.phrases[phrase].words.len() + 2 >= at;
        // "Over to you, union head Orla Venn: “…”"
        let apart = |phrase: usize| {
            let before = (at - 1).checked_sub(article.phrases[phrase].words.len() + 1);
            before.is_some_and(|i| article.is_mark(sentence.items.get(i), ","))
        };
        let full = said.starts_with(|c: char| c.is_uppercase() || c == '[')
            && said.ends_with(['.', '!', '?', '…', '’', '\''])
            && at + 2 >= sentence.items.len();
        let speaker = match adjacent {
            Some(phrase) if named(phrase) && (alone(phrase) || apart(phrase) || !full) => {
                self.speaker(phrase)
            }
            Some(phrase) if !full => {
                let subject = article.main_subject(&sentence.items, at);
                self.speaker(subject.unwrap_or(phrase))
            }
            _ if full => self.introduced(sentence, at).or_else(|| {
                adjacent
                    .filter(|&phrase| named(phrase))
                    .map(|phrase| self.speaker(phrase))
            })?,
            _ => return None,
        };
        Some(Governed {
            speaker: Some(speaker),
            cue: None,
            kind: Kind::Direct,
            score: sure::COLON,
            statement: article.quotations.all[quotation].words.clone(),
        })
    }

    /// *Venn pushed further: “…”*, *Venn’s answer to that was: “…”*: who says what the colon announces.
    fn introduced(&self, sentence: &Sentence, at: usize) -> Option<Speaker> {
        let article = self.article;
        let items = &sentence.items[..at];
        let own = items.iter().find_map(|item| {
            let Item::Word(word) = *item else { return None };
            let phrase = article.phrase_at(word)?;
            let announced = matches!(
                article.words[article.phrases[phrase].head].lower.as_str(),
                "answer"
                    | "response"
                    | "reply"
                    | "message"
                    | "advice"
                    | "verdict"
                    | "conclusion"
                    | "explanation"
                    | "argument"
                    | "reaction"
                    | "retort"
                    | "warning"
            );
            announced.then(|| self.possessor(phrase)).flatten()
        });
        if own.is_some() {
            return own;
        }
        let subject = article.clause_subject(items, 0)?;
        let first = items.iter().find_map(|item| {
            let Item::Word(word) = *item else { return None };
            article
                .phrase_at(word)
                .filter(|&p| article.phrases[p].preposition.is_none())
        })?;
        // "The slogan was: “…”": whatever has no voice stands first.
        let voiced = article.speaks(first)
            || article.phrases[first].words.start > 0 && {
                let start = article.phrases[first].words.start;
                items.first() != Some(&Item::Word(start))
            };
        voiced.then(|| self.speaker(subject))
    }

    /// *her* in *her answer*, *Venn* in *Venn’s answer*.
    fn possessor(&self, phrase: usize) -> Option<Speaker> {
        let article = self.article;
        let words = article.phrases[phrase].words.clone();
        let first = &article.words[words.start];
        if first.class() == Class::PossessivePronoun {
            return Some(speaker_of(article, first.range.clone(), &first.range));
        }
        let mark = words
            .clone()
            .find(|&w| article.words[w].shape == Shape::Possessive)?;
        let head = &article.words[mark.checked_sub(1)?].range;
        Some(speaker_of(article, first.range.start..head.end, head))
    }

    /// `“…” — Ilse Venn`, as under letters and mottos.
    fn before_dash(&self, sentence: &Sentence, at: usize, quotation: usize) -> Option<Governed> {
        let article = self.article;
        let Some(&Item::Word(dash)) = sentence.items.get(at + 1) else {
            return None;
        };
        if at > 0 || !matches!(article.words[dash].lower.as_str(), "—" | "–" | "―" | "-") {
            return None;
        }
        let phrase = article.phrase_at(dash + 1)?;
        let alone = article.phrases[phrase].words.len() + 2 >= sentence.items.len();
        let named = article.words[article.phrases[phrase].words.start].capital;
        (alone && named).then(|| Governed {
            speaker: Some(self.speaker(phrase)),
            cue: None,
            kind: Kind::Direct,
            score: sure::COLON,
            statement: article.quotations.all[quotation].words.clone(),
        })
    }

    /// `that “…”` and quoted words within a paraphrase are mixed; a quotation right after its cue is direct.
    fn kind_before(&self, sentence: &Sentence, at: usize, cue: &Cue) -> Kind {
        let article = self.article;
        if cue.is_source_phrase() {
            let only_mark = article.is_mark(sentence.items.get(at - 1), ":")
                || article.is_mark(sentence.items.get(at - 1), ",");
            return if only_mark { Kind::Direct } else { Kind::Mixed };
        }
        if cue.verb.is_some_and(|v| v.frame == Frame::Object) {
            return Kind::Mixed;
        }
        let after_mark = article.is_mark(sentence.items.get(at - 1), ",")
            || article.is_mark(sentence.items.get(at - 1), ":");
        let verb_end = cue.at + cue.words.len();
        let between = &sentence.items[verb_end.min(at)..at];
        let that = between.iter().any(|i| matches!(i, Item::Word(w) if matches!(article.words[*w].lower.as_str(), "that" | "how" | "why" | "whether" | "if" | "what")));
        if that {
            return Kind::Mixed;
        }
        if between.is_empty() || (between.len() == 1 && after_mark) {
            return Kind::Direct;
        }
        // Whatever stands between is a hearer, time or place where a mark closes it off.
        let next =
            at_quote(sentence, at).map(|q| &article.text[article.quotations.all[q].words.clone()]);
        let capital = next.is_some_and(|said| said.trim_start().starts_with(char::is_uppercase));
        if after_mark && (capital || between.len() <= 6) {
            Kind::Direct
        } else {
            Kind::Mixed
        }
    }

    /// Words of the paraphrase stand before the quotation, the cue after it.
    fn kind_after_words(&self, sentence: &Sentence, at: usize) -> Kind {
        let words = sentence.items[..at]
            .iter()
            .filter(|i| {
                matches!(i, Item::Word(w) if self.article.words[*w].shape != Shape::Mark
                    && !matches!(self.article.words[*w].class(), Class::Coordinator | Class::Adverb | Class::Subordinator))
            })
            .count();
        let other_quote = sentence.items[..at]
            .iter()
            .any(|i| matches!(i, Item::Quote(_)));
        if words == 0 || other_quote {
            Kind::Direct
        } else {
            Kind::Mixed
        }
    }

    /// Names of works, nicknames and so-called things, even in reported speech.
    fn is_title(&self, sentence: &Sentence, at: usize, said: &str, cue: &Cue) -> bool {
        let article = self.article;
        let called = cue.verb.is_some_and(|v| v.frame == Frame::Object) && at <= cue.at + 8;
        let capitals = said
            .split_whitespace()
            .filter(|w| {
                w.chars().count() > 3
                    && !matches!(
                        *w,
                        "with" | "from" | "into" | "over" | "upon" | "about" | "after" | "than"
                    )
            })
            .all(|w| {
                w.trim_start_matches(|c: char| !c.is_alphanumeric())
                    .starts_with(|c: char| c.is_uppercase() || c.is_numeric())
            });
        let ends = said.ends_with(['.', '!', '?']);
        let adjacent = at == cue.at + cue.words.len()
            || article.is_mark(at.checked_sub(1).and_then(|i| sentence.items.get(i)), ",");
        let few = words_in(said) <= 8;
        // "on NBC’s “Harbour Hour.”", "an episode of “Harbour Hour.”"; American style keeps the full stop inside.
        let shown = match at.checked_sub(1).map(|i| sentence.items[i]) {
            Some(Item::Word(w)) => {
                let before = &article.words[w];
                before.shape == Shape::Possessive
                    || matches!(before.lower.as_str(), "on" | "of" | "told")
            }
            _ => false,
        };
        let shown = shown && !said.ends_with(['!', '?']) && !(called && at <= cue.at + 2);
        capitals && few && (shown || (!ends && !called && !adjacent))
    }

    /// *the film “…”*, *a book titled “…”*.
    fn names_work(&self, sentence: &Sentence, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|i| match sentence.items[i] {
            Item::Word(w) => Some(self.article.words[w].lower.as_str()),
            Item::Quote(_) => None,
        });
        before.is_some_and(|w| {
            matches!(
                w,
                "film"
                    | "movie"
                    | "book"
                    | "novel"
                    | "song"
                    | "album"
                    | "series"
                    | "show"
                    | "play"
                    | "essay"
                    | "titled"
                    | "entitled"
                    | "documentary"
                    | "magazine"
                    | "memoir"
                    | "program"
                    | "programme"
                    | "nicknamed"
                    | "poem"
                    | "headlined"
                    | "so-called"
                    | "podcast"
            )
        })
    }

    /// From the cue's complement to the end of the sentence, or the next cue.
    fn statement(&self, sentence: &Sentence, cue: &Cue, at: usize) -> Range<usize> {
        let article = self.article;
        let after_cue = cue.at < at;
        let first = if after_cue {
            cue.at + cue.words.len()
        } else {
            0
        };
        let next_cue = sentence
            .cues
            .iter()
            .find(|c| c.at > at && c.at > cue.at && c.is_speech() && c.subject.is_some())
            .map(|c| c.at);
        let last = if after_cue {
            next_cue.unwrap_or(sentence.items.len())
        } else {
            self.beginning(sentence, cue)
                .filter(|&begin| begin > at)
                .unwrap_or(cue.at)
        };
        let items = &sentence.items[first.min(last)..last];
        match (items.first(), items.last()) {
            (Some(a), Some(b)) => article.item_bytes(*a).start..article.item_bytes(*b).end,
            _ => article.item_bytes(sentence.items[at]),
        }
    }

    fn push(&mut self, sentence: usize, quotation: usize, found: Governed) {
        let source = &self.article.quotations.all[quotation];
        let pieces: Vec<Range<usize>> = source
            .pieces
            .iter()
            .map(|p| trim(self.article.text, p.clone()))
            .collect();
        let range = trim(self.article.text, source.words.clone());
        self.found.push(Found {
            quote: Quote {
                range,
                pieces,
                kind: found.kind,
                speaker: found.speaker,
                cue: found.cue,
                score: found.score,
                statement: found.statement,
            },
            sentence,
            quotation: Some(quotation),
        });
    }

    /// `“The ferries,” Venn said, “will not sail.”`: one sentence, one quote in two parts.
    fn joined(&mut self) {
        let article = self.article;
        let mut at = 1;
        while at < self.found.len() {
            let (first, second) = (&self.found[at - 1], &self.found[at]);
            let text = |f: &Found| article.text[f.quote.range.clone()].trim();
            let goes_on = text(first).ends_with([',', '—', '–', '…', '-'])
                && text(second).starts_with(|c: char| c.is_lowercase() || c.is_numeric());
            let between =
                first.quote.range.end.min(second.quote.range.start)..second.quote.range.start;
            let clause = article.text[between].trim_end_matches(|c: char| {
                !c.is_alphanumeric() && !matches!(c, ',' | ';' | '—' | '–')
            });
            let same = first.sentence == second.sentence
                && first.quote.kind == Kind::Direct
                && first.quote.cue.is_some()
                && first.quote.cue == second.quote.cue
                && clause.ends_with([',', ';', '—', '–']);
            if !(goes_on && same) {
                at += 1;
                continue;
            }
            let second = self.found.remove(at);
            let first = &mut self.found[at - 1].quote;
            first.range.end = second.quote.range.end;
            first.statement = first.statement.start.min(first.range.start)..first.range.end;
            first.pieces.extend(second.quote.pieces);
        }
    }

    /// Sentences that are nothing but a quotation: the speaker goes on, or comes after.
    fn continued(&mut self) {
        let article = self.article;
        for index in 0..article.sentences.len() {
            let sentence = &article.sentences[index];
            let Some(quotation) = self.only_quotation(sentence) else {
                continue;
            };
            if self.found.iter().any(|f| f.quotation == Some(quotation)) {
                continue;
            }
            let Some(found) = self.continuation(index, quotation) else {
                continue;
            };
            self.push(index, quotation, found);
            self.found.sort_by_key(|f| f.quote.range.start);
        }
    }

    /// A pull quote: whole sentences that stand in the article once more, with their speaker.
    fn repeated(&mut self) {
        let article = self.article;
        for index in 0..article.sentences.len() {
            let Some(quotation) = self.only_quotation(&article.sentences[index]) else {
                continue;
            };
            let words = article.quotations.all[quotation].words.clone();
            let said = article.text[words.clone()].trim();
            let known = self.found.iter().any(|f| f.quotation == Some(quotation));
            if known || words_in(said) < PULLED {
                continue;
            }
            let said = said.trim_end_matches(['.', ',']);
            let source = self.found.iter().find(|f| {
                f.quote.kind == Kind::Direct
                    && f.quote.speaker.is_some()
                    && article.text[f.quote.range.clone()].contains(said)
            });
            if let Some(source) = source {
                let again = Governed {
                    speaker: source.quote.speaker.clone(),
                    cue: None,
                    kind: Kind::Direct,
                    score: sure::SAME_PARAGRAPH.min(source.quote.score),
                    statement: words,
                };
                self.push(index, quotation, again);
                self.found.sort_by_key(|f| f.quote.range.start);
            }
        }
    }

    /// The quotation of a sentence that has hardly anything else.
    fn only_quotation(&self, sentence: &Sentence) -> Option<usize> {
        let mut quotation = None;
        let mut words = 0;
        for item in &sentence.items {
            match *item {
                Item::Quote(q) => {
                    quotation.get_or_insert(q);
                }
                Item::Word(w) if self.article.words[w].shape != Shape::Mark => words += 1,
                Item::Word(_) => {}
            }
        }
        let quotation = quotation?;
        let said = self.article.text[self.article.quotations.all[quotation].words.clone()].trim();
        (words == 0 && words_in(said) >= 2).then_some(quotation)
    }

    fn continuation(&self, index: usize, quotation: usize) -> Option<Governed> {
        let article = self.article;
        let block = article.sentences[index].block;
        let words = article.quotations.all[quotation].words.clone();
        let go_on = |quote: &Quote, cue: bool, score: f32| Governed {
            speaker: quote.speaker.clone(),
            cue: if cue { quote.cue.clone() } else { None },
            kind: Kind::Direct,
            score,
            statement: words.clone(),
        };
        let in_block =
            |f: &&Found| article.sentences[f.sentence].block == block && f.quote.speaker.is_some();
        if let Some(last) = self
            .found
            .iter()
            .rev()
            .filter(in_block)
            .find(|f| f.sentence < index)
        {
            let own = last.quote.score > sure::NEXT_PARAGRAPH;
            return Some(go_on(
                &last.quote,
                own,
                sure::SAME_PARAGRAPH.min(last.quote.score),
            ));
        }
        // A cue of the paragraph that said something without marks: `Venn objected to that. “We sail.”`
        if let Some(found) = self.speaker_of_block(index, block, &words, sure::SAME_PARAGRAPH - 0.1)
        {
            return Some(found);
        }
        if let Some(next) = self
            .found
            .iter()
            .filter(in_block)
            .find(|f| f.sentence > index)
        {
            return Some(go_on(&next.quote, true, sure::SAME_PARAGRAPH));
        }
        let alone = article
            .sentences
            .iter()
            .filter(|s| s.block == block)
            .all(|s| self.only_quotation(s).is_some());
        let previous = article.sentences[..index]
            .iter()
            .rev()
            .find(|s| s.block < block)
            .map(|s| s.block);
        if let Some(previous) = previous {
            let from_previous = self.found.iter().rev().find(|f| {
                article.sentences[f.sentence].block == previous && f.quote.speaker.is_some()
            });
            if let Some(last) = from_previous {
                return Some(go_on(
                    &last.quote,
                    false,
                    sure::NEXT_PARAGRAPH.min(last.quote.score),
                ));
            }
            let last_of = (0..index)
                .rev()
                .find(|&s| article.sentences[s].block == previous)?
                + 1;
            if let Some(found) =
                self.speaker_of_block(last_of, previous, &words, sure::NEXT_PARAGRAPH)
            {
                return Some(found);
            }
        }
        let next = self
            .found
            .iter()
            .find(|f| article.sentences[f.sentence].block > block && f.quote.speaker.is_some())
            .filter(|f| {
                let then = article.sentences[index..]
                    .iter()
                    .find(|s| s.block > block)
                    .map(|s| s.block);
                Some(article.sentences[f.sentence].block) == then
            });
        if let Some(next) = next
            && alone
        {
            return Some(go_on(&next.quote, false, sure::NEXT_PARAGRAPH - 0.1));
        }
        let before = previous?;
        let subject = article
            .sentences
            .iter()
            .rev()
            .filter(|s| s.block == before)
            .find_map(|s| article.main_subject(&s.items, s.items.len()))?;
        let speaker = self.speaker(subject);
        (speaker.label.as_deref() == Some("PER")).then_some(Governed {
            speaker: Some(speaker),
            cue: None,
            kind: Kind::Direct,
            score: sure::NO_CUE,
            statement: words,
        })
    }

    /// The last speaker among the sentences of `block` before `index`, or their last personal subject.
    fn speaker_of_block(
        &self,
        index: usize,
        block: usize,
        words: &Range<usize>,
        score: f32,
    ) -> Option<Governed> {
        let article = self.article;
        let sentences = article.sentences[..index]
            .iter()
            .rev()
            .filter(|s| s.block == block);
        for sentence in sentences {
            let cue = sentence
                .cues
                .iter()
                .rev()
                .find(|c| c.is_speech() && c.subject.is_some());
            let (subject, score) = match cue.and_then(|c| c.subject) {
                Some(subject) => (subject, score),
                None => match article.clause_subject(&sentence.items, 0) {
                    Some(subject) => (subject, sure::NO_CUE),
                    None => continue,
                },
            };
            let speaker = self.speaker(subject);
            if cue.is_some() || speaker.label.as_deref() == Some("PER") {
                return Some(Governed {
                    speaker: Some(speaker),
                    cue: None,
                    kind: Kind::Direct,
                    score,
                    statement: words.clone(),
                });
            }
        }
        None
    }

    /// Reported speech without marks.
    fn reported(&mut self, index: usize) {
        let sentence = &self.article.sentences[index];
        let mut out = Vec::new();
        for (order, cue) in sentence.cues.iter().enumerate() {
            if !cue.is_speech() || cue.subject.is_none() {
                continue;
            }
            // A cue that has its quotation reports nothing besides.
            let words = self.article.bytes(&cue.words);
            if self
                .found
                .iter()
                .any(|f| f.sentence == index && f.quote.cue.as_ref() == Some(&words))
            {
                continue;
            }
            let Some((range, score)) = self.content(sentence, order) else {
                continue;
            };
            let Some(subject) = cue.subject else { continue };
            let taken = self.found.iter().any(|f| {
                f.quote.kind != Kind::Indirect
                    && f.quote.range.start < range.end
                    && range.start < f.quote.range.end
            });
            if taken || words_in(&self.article.text[range.clone()]) < 3 {
                continue;
            }
            if matches!(
                self.article.words[self.article.phrases[subject].head]
                    .lower
                    .as_str(),
                "i" | "we" | "you"
            ) {
                continue;
            }
            out.push(Found {
                quote: Quote {
                    range: range.clone(),
                    pieces: vec![range.clone()],
                    kind: Kind::Indirect,
                    speaker: Some(self.speaker(subject)),
                    cue: Some(self.article.bytes(&cue.words)),
                    score,
                    statement: range,
                },
                sentence: index,
                quotation: None,
            });
        }
        self.found.extend(out);
    }

    /// The clause that a cue reports, and how sure that is.
    fn content(&self, sentence: &Sentence, order: usize) -> Option<(Range<usize>, f32)> {
        let article = self.article;
        let cue = &sentence.cues[order];
        let items = &sentence.items;
        let word = |i: usize| match items.get(i) {
            Some(&Item::Word(w)) => Some(w),
            _ => None,
        };
        let lower = |i: usize| word(i).map_or("", |w| article.words[w].lower.as_str());
        if cue.is_source_phrase() {
            let subject = &article.phrases[cue.subject?];
            let after = cue.at + cue.words.len() + subject.words.len();
            if cue.at <= 1 {
                let comma = (after..items.len().min(after + 25)).find(|&i| lower(i) == ",")?;
                return Some((self.span(items, comma + 1, items.len())?, sure::ACCORDING));
            }
            let end = if lower(cue.at - 1) == "," {
                cue.at - 1
            } else {
                cue.at
            };
            return Some((self.span(items, 0, end)?, sure::ACCORDING));
        }
        let verb = cue.verb?;
        if !Article::takes_clause(verb) {
            return None;
        }
        // “S, Venn said.”
        let subject = &article.phrases[cue.subject?];
        let subject_at = items
            .iter()
            .position(|i| *i == Item::Word(subject.words.start))?;
        let verb_end = cue.at + cue.words.len();
        let clause_end = if cue.inverted {
            subject_at + subject.words.len()
        } else {
            verb_end
        };
        let begin = subject_at.min(cue.at);
        let closes = |i: usize| i >= items.len() || matches!(lower(i), "." | "," | "!" | "?" | ";");
        let then = (clause_end..items.len().min(clause_end + 5))
            .find(|&i| !self.is_circumstance(items, i))
            .unwrap_or(clause_end);
        if begin > 3
            && lower(begin - 1) == ","
            && closes(then)
            && !matches!(items[begin - 2], Item::Quote(_))
            && self.begins_clause(
                items,
                usize::from(matches!(lower(0), "but" | "and" | "so" | "yet")),
            )
            && verb.form != Form::Ing
        {
            return Some((self.span(items, 0, begin - 1)?, sure::SAID_BARE));
        }
        if cue.inverted {
            return None;
        }
        let mut from = verb_end;
        // Hearer, place and time come before "that".
        let that = (from..items.len().min(from + 12))
            .find(|&i| lower(i) == "that" && !self.is_determiner(items, i));
        let blocked = |to: usize| {
            (verb_end..to).any(|i| {
                word(i).is_none_or(|w| {
                    matches!(
                        article.words[w].lower.as_str(),
                        "." | ";" | ":" | "and" | "but" | "who" | "which"
                    ) || copydesk_language::cue::verb(&article.words[w].lower)
                        .is_some_and(|v| v.class == CueClass::Speech && v.form != Form::Base)
                })
            })
        };
        let score;
        if let Some(that) = that.filter(|&t| !blocked(t)) {
            from = that + 1;
            score = sure::SAID_THAT;
        } else {
            if verb.frame == Frame::Tell {
                // The hearer.
                let hearer = word(from).and_then(|w| article.phrase_at(w))?;
                from += article.phrases[hearer].words.len();
            }
            while from < items.len() && self.is_circumstance(items, from) {
                from += 1;
            }
            let certain = matches!(verb.lemma, "say" | "tell");
            if closes(from) && lower(from) != "," {
                return None;
            }
            let long = certain
                && from + 5 <= items.len()
                && word(from).is_some_and(|w| article.phrase_at(w).is_some());
            if lower(from) == "," || !(long || self.begins_clause(items, from)) {
                return None;
            }
            score = if certain {
                sure::SAID_BARE
            } else {
                sure::OTHER_BARE
            };
        }
        let end = self.end_of_report(sentence, order, from);
        let range = self.span(items, from, end)?;
        Some((range, score))
    }

    fn is_determiner(&self, items: &[Item], at: usize) -> bool {
        // "said that day" against "said that the day …": a noun and no verb follows; rare enough to ask only for a time.
        matches!(items.get(at + 1), Some(&Item::Word(w)) if matches!(self.article.words[w].lower.as_str(), "day" | "night" | "evening" | "week" | "year" | "time"))
    }

    /// Times and single adverbs between verb and clause: *said Monday*, *said in a statement*.
    fn is_circumstance(&self, items: &[Item], at: usize) -> bool {
        let Some(&Item::Word(w)) = items.get(at) else {
            return false;
        };
        let word = &self.article.words[w];
        if word.class() == Class::Adverb
            && !matches!(
                word.lower.as_str(),
                "there" | "only" | "now" | "most" | "even" | "just"
            )
        {
            return true;
        }
        let phrase = self
            .article
            .phrases
            .iter()
            .position(|p| p.words.contains(&w));
        if let Some(preposition) = phrase.and_then(|p| self.article.phrases[p].preposition) {
            let lower = self.article.words[preposition].lower.as_str();
            return matches!(
                lower,
                "in" | "on" | "at" | "during" | "to" | "of" | "after" | "from"
            );
        }
        let next = match items.get(at + 1) {
            Some(&Item::Word(next)) => self.article.phrase_at(next),
            _ => None,
        };
        // "to reporters", not "to reach".
        match word.class() {
            Class::To => next.is_some_and(|p| self.article.speaks(p)),
            Class::Preposition => {
                let day = matches!(items.get(at + 1), Some(&Item::Word(n)) if self.article.words[n].class() == Class::Adverb);
                matches!(word.lower.as_str(), "in" | "on" | "at" | "during")
                    && (next.is_some() || day)
            }
            _ => false,
        }
    }

    /// A noun phrase and, soon after it, a finite verb.
    fn begins_clause(&self, items: &[Item], at: usize) -> bool {
        let article = self.article;
        let Some(&Item::Word(first)) = items.get(at) else {
            return false;
        };
        if matches!(article.words[first].class(), Class::Subordinator)
            || matches!(
                article.words[first].lower.as_str(),
                "about" | "around" | "over" | "among" | "under" | "between"
            )
        {
            return true;
        }
        if article.phrase_at(first).is_none()
            && !article.words[first].lower.contains('\'')
            && article.words[first].lower != "there"
        {
            return false;
        }
        items[at..].iter().take(14).any(|item| {
            let Item::Word(w) = *item else { return false };
            let word = &article.words[w];
            matches!(word.class(), Class::Auxiliary | Class::Modal)
                || word.lower.contains("'") && word.shape == Shape::Letters
                || (article.phrases.iter().all(|p| !p.words.contains(&w))
                    && word.class() == Class::Open
                    && word.shape == Shape::Letters)
        })
    }

    /// The end of what the cue reports: before *, adding …*, *, according to …*, or the full stop.
    fn end_of_report(&self, sentence: &Sentence, order: usize, from: usize) -> usize {
        let article = self.article;
        let items = &sentence.items;
        let cue = &sentence.cues[order];
        let mut end = items.len();
        for later in &sentence.cues[order + 1..] {
            if later.at < from {
                continue;
            }
            let comma = later.at > 0 && article.is_mark(items.get(later.at - 1), ",");
            let ing = later.verb.is_some_and(|v| v.form == Form::Ing);
            if comma && (ing || later.is_source_phrase()) {
                end = later.at - 1;
                break;
            }
            let begin = later
                .subject
                .and_then(|s| {
                    items
                        .iter()
                        .position(|i| *i == Item::Word(article.phrases[s].words.start))
                })
                .unwrap_or(later.at)
                .min(later.at);
            let word_before = |i: usize| match i.checked_sub(1).and_then(|i| items.get(i)) {
                Some(&Item::Word(w)) => article.words[w].lower.as_str(),
                _ => "",
            };
            // ", and others warned that …", ", which he denied": somebody else's.
            let links = matches!(
                word_before(begin),
                "and" | "but" | "while" | "which" | "though" | "although" | "as"
            );
            if begin > from + 2 && links && word_before(begin - 1) == "," && later.subject.is_some()
            {
                end = begin - 2;
                break;
            }
            // "…, the record showed.": the last word of another.
            if begin > from + 2 && word_before(begin) == "," && later.at + 2 >= items.len() {
                end = begin - 1;
                break;
            }
            // ", and he warned that …": the same speaker's next statement.
            if later.subject == cue.subject && later.is_speech() {
                let mut at = later.at;
                while at > from
                    && matches!(items[at - 1], Item::Word(w) if matches!(article.words[w].class(), Class::Coordinator | Class::Adverb | Class::Auxiliary) || article.words[w].is(","))
                {
                    at -= 1;
                }
                end = at;
                break;
            }
        }
        end
    }

    fn span(&self, items: &[Item], from: usize, to: usize) -> Option<Range<usize>> {
        let article = self.article;
        let mut slice = items.get(from..to)?;
        let mark = |item: &Item| matches!(item, Item::Word(w) if article.words[*w].shape == Shape::Mark && !matches!(article.words[*w].lower.as_str(), ")" | "%" | "$" | "("));
        while let [rest @ .., last] = slice
            && mark(last)
        {
            slice = rest;
        }
        while let [first, rest @ ..] = slice
            && mark(first)
        {
            slice = rest;
        }
        let (first, last) = (slice.first()?, slice.last()?);
        Some(article.item_bytes(*first).start..article.item_bytes(*last).end)
    }

    fn speaker(&self, phrase: usize) -> Speaker {
        speaker(self.article, phrase)
    }
}

/// The speaker named by these bytes, which need be no phrase.
pub(crate) fn speaker_at(article: &Article<'_>, source: &Range<usize>) -> Speaker {
    let phrase = (0..article.phrases.len()).find(|&p| {
        let range = article.phrases[p].range(&article.words);
        range.start < source.end && source.start < range.end
    });
    match phrase {
        Some(phrase) => speaker(article, phrase),
        None => Speaker {
            name: bare(&article.text[source.clone()]),
            label: None,
            entity: None,
            range: source.clone(),
        },
    }
}

/// The phrase as a speaker, with the name that its mention resolves to.
fn speaker(article: &Article<'_>, phrase: usize) -> Speaker {
    let found = &article.phrases[phrase];
    let mut range = found.range(&article.words);
    // "one of his aides" is more than one.
    let of = found.words.end;
    if matches!(
        article.words[found.head].class(),
        Class::Determiner | Class::Number
    ) && article.words.get(of).is_some_and(|w| w.lower == "of")
        && let Some(whole) = article.phrase_at(of + 1)
    {
        range.end = article.phrases[whole].range(&article.words).end;
    }
    speaker_of(article, range, &article.words[found.head].range)
}

/// The speaker whom `range` names, with the word `head` as what counts.
fn speaker_of(article: &Article<'_>, range: Range<usize>, head: &Range<usize>) -> Speaker {
    let mention = article
        .mentions
        .iter()
        .filter(|m| {
            m.range.start <= head.start && head.end <= m.range.end && m.range.start < range.end
        })
        .max_by_key(|m| {
            (
                m.name.is_some(),
                m.range == range,
                m.range.len().min(range.len()),
            )
        });
    let surface = bare(&article.text[range.clone()]);
    Speaker {
        name: mention.and_then(|m| m.name.clone()).unwrap_or(surface),
        label: mention.and_then(|m| m.label.clone()),
        entity: mention.and_then(|m| m.entity),
        range,
    }
}

struct Governed {
    speaker: Option<Speaker>,
    cue: Option<Range<usize>>,
    kind: Kind,
    score: f32,
    statement: Range<usize>,
}

fn at_quote(sentence: &Sentence, at: usize) -> Option<usize> {
    match sentence.items.get(at) {
        Some(Item::Quote(quotation)) => Some(*quotation),
        _ => None,
    }
}

fn words_in(said: &str) -> usize {
    said.split_whitespace()
        .filter(|w| w.chars().any(char::is_alphanumeric))
        .count()
}

fn trim(text: &str, range: Range<usize>) -> Range<usize> {
    let slice = &text[range.clone()];
    let start = range.start + slice.len() - slice.trim_start().len();
    start..start + slice.trim().len()
}

/// A surface without its article.
fn bare(surface: &str) -> String {
    let trimmed = surface.trim();
    ["the ", "The ", "a ", "A ", "an ", "An "]
        .iter()
        .find_map(|article| trimmed.strip_prefix(article))
        .unwrap_or(trimmed)
        .to_owned()
}
