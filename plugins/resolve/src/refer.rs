//! Mentions: what each name, nominal and pronoun of a document stands for.
//!
//! Read from left to right. A pronoun or nominal goes to the candidate that
//! agrees in type, number, gender, role and country and stands best: near,
//! as a subject or speaker rather than behind a preposition, and not inside
//! somebody's quotation (the salience weights follow the idea of Lappin and
//! Leass 1994, without a parse).

use std::ops::Range;

use copydesk_language::country::{self, Sense};
use copydesk_language::cue;
use copydesk_language::name::{self, Gender, Head};
use copydesk_language::phrase::{Phrase, phrases};
use copydesk_language::pronoun::{self, Case, Referent};
use copydesk_language::quotation::Quotations;
use copydesk_language::word::{Class, Shape, Word};

use crate::chain::{Chains, Entity, Type, bare, country_in};

/// How a mention is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Name,
    Nominal,
    Pronoun,
}

/// One mention.
#[derive(Debug, Clone)]
pub(crate) struct Mention {
    pub(crate) range: Range<usize>,
    pub(crate) kind: Kind,
    /// What it stands for, if the text tells.
    pub(crate) chain: Option<usize>,
}

/// A document as this module reads it.
pub(crate) struct Reading<'a> {
    pub(crate) text: &'a str,
    pub(crate) words: &'a [Word],
    pub(crate) entities: &'a [Entity],
    pub(crate) sentences: &'a [Range<usize>],
    pub(crate) quotations: &'a Quotations,
}

/// Finds all mentions in order of text; adds chains for bodies and persons that have no name.
pub(crate) fn mentions(reading: &Reading<'_>, chains: &mut Chains) -> Vec<Mention> {
    let names: Vec<Range<usize>> = reading.entities.iter().map(|e| e.range.clone()).collect();
    let phrases = phrases(reading.words, &names);
    let mut resolver = Resolver {
        reading,
        chains,
        seen: Vec::new(),
        units: units(reading),
        out: Vec::new(),
        last_subject_of: None,
    };
    let mut used = vec![false; names.len()];
    for phrase in &phrases {
        resolver.phrase(phrase, &mut used);
    }
    // Names that stand in no phrase (a lone adjective, a heading in capitals).
    for (row, entity) in reading.entities.iter().enumerate() {
        if !used[row] {
            let chain = resolver.chains.of[row];
            resolver.out.push(Mention {
                range: entity.range.clone(),
                kind: Kind::Name,
                chain: Some(chain),
            });
        }
    }
    let mut out = resolver.out;
    out.sort_by_key(|m| (m.range.start, std::cmp::Reverse(m.range.end)));
    out
}

struct Resolver<'a, 'c> {
    reading: &'a Reading<'a>,
    chains: &'c mut Chains,
    seen: Vec<Seen>,
    units: Vec<usize>,
    out: Vec<Mention>,
    /// The unit that already has its subject.
    last_subject_of: Option<usize>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    chain: usize,
    at: usize,
    unit: usize,
    weight: f32,
    quoted: bool,
    plural: bool,
    /// Only a part of a larger phrase: *Norway* in *Norway’s foreign ministry*.
    inner: bool,
}

/// Sentence starts outside quotations: a long quotation takes nobody further away.
fn units(reading: &Reading<'_>) -> Vec<usize> {
    reading
        .sentences
        .iter()
        .map(|s| s.start)
        .filter(|&start| match reading.quotations.around(start) {
            Some(q) => reading.quotations.all[q].span.start == start,
            None => true,
        })
        .collect()
}

impl Resolver<'_, '_> {
    fn unit(&self, at: usize) -> usize {
        self.units.partition_point(|&start| start <= at)
    }

    fn phrase(&mut self, phrase: &Phrase, used: &mut [bool]) {
        let words = self.reading.words;
        let range = phrase.range(words);
        let first = &words[phrase.words.start];
        if phrase.is_pronoun(words) {
            self.pronoun(phrase, range);
            return;
        }
        if first.class() == Class::PossessivePronoun {
            self.possessor(first);
        }
        let head_at = words[phrase.head].range.start;
        let mut head_entity = None;
        let mut inner = Vec::new();
        for (row, entity) in self.reading.entities.iter().enumerate() {
            if used[row]
                || entity.range.start < range.start
                || entity.range.start >= words[phrase.words.end - 1].range.end
            {
                continue;
            }
            used[row] = true;
            self.out.push(Mention {
                range: entity.range.clone(),
                kind: Kind::Name,
                chain: Some(self.chains.of[row]),
            });
            // "[Foreign Ministry] statement" has its head outside.
            if entity.range.contains(&head_at) {
                head_entity = Some(row);
            } else {
                inner.push(self.chains.of[row]);
            }
        }
        if let Some(row) = head_entity {
            let named = self.chains.of[row];
            let chain = self.government(named, phrase).unwrap_or(named);
            if chain != named
                && let Some(mention) = self
                    .out
                    .iter_mut()
                    .rfind(|m| m.range == self.reading.entities[row].range)
            {
                mention.chain = Some(chain);
            }
            self.see(chain, phrase, false, phrase.possessive);
            for other in inner {
                self.see(other, phrase, false, true);
            }
            return;
        }
        self.modifier(phrase);
        let nominal = self.nominal(phrase, &range, &inner);
        for other in &inner {
            self.see(*other, phrase, false, true);
        }
        let Some((chain, plural)) = nominal else {
            return;
        };
        if let Some(chain) = chain {
            self.see(chain, phrase, plural, phrase.possessive);
        }
        self.out.push(Mention {
            range,
            kind: Kind::Nominal,
            chain,
        });
    }

    /// The country for which its capital acts: *Oslo warned*, where the text names Norway too.
    fn government(&self, named: usize, phrase: &Phrase) -> Option<usize> {
        let Some((country, Sense::Capital)) = country::country(&self.chains.all[named].name) else {
            return None;
        };
        if phrase.preposition.is_some() || phrase.possessive || phrase.words.len() > 1 {
            return None;
        }
        let words = self.reading.words;
        let next = words.get(phrase.words.end)?;
        let which = next.is(",")
            && words
                .get(phrase.words.end + 1)
                .is_some_and(|w| w.class() == Class::Relative);
        let verb = next.class() == Class::Open
            && next.shape == Shape::Letters
            && !next.capital
            && (next.lower.ends_with("ed") || cue::verb(&next.lower).is_some());
        let acts = matches!(
            next.class(),
            Class::Auxiliary | Class::Modal | Class::Adverb
        );
        if !(which || verb || acts) {
            return None;
        }
        self.chains.all.iter().position(|c| {
            matches!(country::country(&c.name), Some((other, Sense::Name)) if other.name == country.name)
        })
    }

    /// *the alliance* in *the alliance’s line* and *the alliance headquarters*: a mention of its own.
    fn modifier(&mut self, phrase: &Phrase) {
        let words = self.reading.words;
        let inside = phrase.words.clone();
        if !matches!(words[inside.start].lower.as_str(), "the" | "this") {
            return;
        }
        let common = |i: usize| {
            !words[i].capital && name::head(&words[i].lower).is_some_and(|h| h != Head::Document)
        };
        let possessor = inside
            .clone()
            .find(|&i| words[i].shape == Shape::Possessive)
            .and_then(|i| i.checked_sub(1))
            .filter(|&i| common(i));
        let first = Some(inside.start + 1).filter(|&i| {
            i < phrase.head && common(i) && name::head(&words[i].lower) == Some(Head::Organisation)
        });
        let Some(head) = possessor.or(first) else {
            return;
        };
        if head == phrase.head && !phrase.possessive {
            return;
        }
        let part = Phrase {
            words: inside.start..head + 1,
            head,
            preposition: phrase.preposition,
            possessive: false,
        };
        let range = part.range(words);
        // The whole phrase says it already.
        if range == phrase.range(words) {
            return;
        }
        if let Some((chain, plural)) = self.nominal(&part, &range, &[]) {
            if let Some(chain) = chain {
                self.see(chain, &part, plural, true);
            }
            self.out.push(Mention {
                range,
                kind: Kind::Nominal,
                chain,
            });
        }
    }

    /// What a phrase with a common noun at its head stands for; `None` if it is of no interest,
    /// `Some((None, _))` if it is and the text does not tell.
    fn nominal(
        &mut self,
        phrase: &Phrase,
        range: &Range<usize>,
        inner: &[usize],
    ) -> Option<(Option<usize>, bool)> {
        let words = self.reading.words;
        let text = self.reading.text;
        let head = words[phrase.head].lower.as_str();
        let kind = name::head(head)?;
        let first = &words[phrase.words.start];
        let definite = matches!(first.lower.as_str(), "the" | "this" | "that")
            || first.class() == Class::PossessivePronoun
            || words[phrase.words.clone()]
                .iter()
                .any(|w| w.shape == Shape::Possessive);
        let surface = bare(&text[range.clone()]);
        match kind {
            Head::Person(gender) => {
                if let Some(chain) = self.apposition(phrase) {
                    self.chains
                        .learn_role(chain, head, gender, country_in(&surface));
                    return Some((Some(chain), false));
                }
                if matches!(
                    head,
                    "counterpart"
                        | "colleague"
                        | "rival"
                        | "partner"
                        | "successor"
                        | "predecessor"
                        | "member"
                ) {
                    return Some((None, false));
                }
                let country = country_in(&surface);
                let found = if definite || first.capital {
                    self.by_role(head, gender, country)
                } else {
                    None
                };
                Some((
                    Some(found.unwrap_or_else(|| self.new_person(&surface, head, gender, country))),
                    false,
                ))
            }
            Head::Persons => {
                let chain = self.new_person(&surface, head, None, country_in(&surface));
                Some((Some(chain), true))
            }
            Head::Organisation => {
                let chain = self.body(phrase, head, &surface, definite)?;
                Some((chain, false))
            }
            Head::Organisations => Some((None, true)),
            Head::Document => {
                let issuer = self.issuer(phrase, inner, definite);
                issuer.map(|chain| (Some(chain), false))
            }
        }
    }

    /// The name that explains a role, or that the role explains: *the envoy, Ilse Venn,* and *Ilse Venn, the envoy*.
    fn apposition(&self, phrase: &Phrase) -> Option<usize> {
        let words = self.reading.words;
        let person = |row: usize| {
            let chain = self.chains.of[row];
            (self.chains.all[chain].kind == Type::Person).then_some(chain)
        };
        let entities = self.reading.entities;
        let end = phrase.words.end;
        if words.get(end).is_some_and(|w| w.is(","))
            && let Some(name) = words.get(end + 1)
            && let Some(row) = entities
                .iter()
                .position(|e| e.range.start == name.range.start)
        {
            let next = words.partition_point(|w| w.range.start < entities[row].range.end);
            let closed = words
                .get(next)
                .is_none_or(|w| w.is(",") || w.is(".") || w.is(";") || w.is(")"));
            let says = words.get(next).and_then(|w| cue::verb(&w.lower)).is_some();
            if closed || says {
                return person(row);
            }
        }
        let before = phrase.words.start.checked_sub(2)?;
        let first = words[phrase.words.start].lower.as_str();
        let explains = words[before + 1].is(",")
            && !matches!(first, "his" | "her")
            && words
                .get(end)
                .is_none_or(|w| w.shape == Shape::Mark || w.class() == Class::Preposition);
        let row = entities
            .iter()
            .position(|e| e.range.end == words[before].range.end)
            .filter(|_| explains)?;
        person(row)
    }

    fn new_person(
        &mut self,
        surface: &str,
        head: &str,
        gender: Option<Gender>,
        country: Option<&'static str>,
    ) -> usize {
        let found = self.chains.all.iter().position(|c| {
            c.kind == Type::Person && c.entities.is_empty() && c.name.eq_ignore_ascii_case(surface)
        });
        found.unwrap_or_else(|| self.chains.unnamed(surface, head, gender, country))
    }

    /// *the minister*, *Norway’s top diplomat*: whoever has that role.
    fn by_role(
        &self,
        head: &str,
        gender: Option<Gender>,
        country: Option<&'static str>,
    ) -> Option<usize> {
        let fits = |chain: usize| {
            let c = &self.chains.all[chain];
            c.kind == Type::Person
                && !(gender.is_some() && c.gender.is_some() && gender != c.gender)
                && !(country.is_some() && c.country.is_some() && country != c.country)
                && roles_like(head).iter().any(|role| c.has_role(role))
        };
        let named = |s: &&Seen| !self.chains.all[s.chain].entities.is_empty() && fits(s.chain);
        // Whoever is only called so ("an envoy") is meant by the same word alone, and not from within a quotation.
        let called = |s: &&Seen| {
            !s.quoted && !s.plural && self.chains.all[s.chain].has_role(head) && fits(s.chain)
        };
        self.seen
            .iter()
            .rev()
            .find(named)
            .or_else(|| self.seen.iter().rev().find(called))
            .map(|s| s.chain)
    }

    /// *the ministry*, *his foreign ministry*, *Norway’s foreign ministry*, *the alliance*.
    fn body(
        &mut self,
        phrase: &Phrase,
        head: &str,
        surface: &str,
        definite: bool,
    ) -> Option<Option<usize>> {
        let words = self.reading.words;
        let inside = &words[phrase.words.clone()];
        let first = &inside[0];
        let named = inside.iter().enumerate().any(|(i, w)| {
            w.shape == Shape::Letters && w.capital && !(i == 0 && w.class() != Class::Open)
        }) || country_in(surface).is_some();
        if matches!(
            head,
            "country" | "nation" | "republic" | "kingdom" | "state"
        ) && !named
        {
            return definite.then(|| {
                self.latest(|c| {
                    c.kind == Type::Place
                        && matches!(country::country(&c.name), Some((_, Sense::Name)))
                })
            });
        }
        let plain: Vec<&str> = inside
            .iter()
            .filter(|w| w.shape == Shape::Letters && w.class() == Class::Open)
            .map(|w| w.lower.as_str())
            .collect();
        if named
            && country_in(surface).is_some()
            && (name::is_office(head)
                || matches!(
                    head,
                    "government" | "army" | "military" | "parliament" | "navy"
                ))
        {
            return Some(Some(self.chains.organisation(surface)));
        }
        if !definite && !named {
            return Some(None);
        }
        let key = name::organisation_key(&plain.join(" "));
        if plain.len() > 1
            && first.class() == Class::PossessivePronoun
            && let Some(found) = self.chains.find_organisation(&key)
        {
            return Some(Some(found));
        }
        if named {
            // "the Norwegian harbour union": a body of its own, unless its name is known.
            return Some(
                self.chains
                    .find_organisation(&name::organisation_key(surface)),
            );
        }
        let office = |c: &crate::chain::Chain| {
            c.kind == Type::Organisation
                && (c.key.ends_with(&key) || c.key.rsplit(' ').next() == Some(head))
        };
        if let Some(found) = self.latest(office) {
            return Some(Some(found));
        }
        if let Some(found) = self.latest(|c| c.kind != Type::Person && is_kind_of(c, head)) {
            return Some(Some(found));
        }
        // "the coast guard", "the minister’s office": a body with a description for a name.
        if plain.len() >= 2 && first.lower == "the" {
            return Some(Some(self.chains.organisation(surface)));
        }
        if matches!(
            head,
            "company"
                | "firm"
                | "group"
                | "agency"
                | "organisation"
                | "organization"
                | "party"
                | "newspaper"
                | "network"
                | "paper"
                | "team"
                | "club"
                | "bank"
                | "union"
                | "association"
        ) {
            // Only where nothing else could be meant.
            let mut bodies: Vec<usize> = self
                .seen
                .iter()
                .map(|s| s.chain)
                .filter(|&c| {
                    self.chains.all[c].kind == Type::Organisation
                        && !name::is_office(last_word(&self.chains.all[c].key))
                })
                .collect();
            bodies.sort_unstable();
            bodies.dedup();
            if let [only] = bodies[..] {
                return Some(Some(only));
            }
        }
        Some(None)
    }

    /// Who speaks in *the ministry’s statement*, *the statement*.
    fn issuer(&mut self, phrase: &Phrase, inner: &[usize], definite: bool) -> Option<usize> {
        if let Some(&named) = inner
            .iter()
            .rev()
            .find(|&&c| self.chains.all[c].kind != Type::Other)
        {
            return Some(named);
        }
        let words = self.reading.words;
        let body = words[phrase.words.start..phrase.head]
            .iter()
            .enumerate()
            .find(|(_, w)| name::head(&w.lower) == Some(Head::Organisation));
        if let Some((offset, word)) = body {
            let at = phrase.words.start + offset;
            let part = Phrase {
                words: phrase.words.start..at + 1,
                head: at,
                preposition: phrase.preposition,
                possessive: false,
            };
            let surface = bare(&self.reading.text[part.range(words)]);
            return self.body(&part, &word.lower, &surface, true).flatten();
        }
        let own = words[phrase.words.start].lower == "the" && phrase.words.len() == 2;
        if definite
            && own
            && matches!(
                words[phrase.head].lower.as_str(),
                "statement"
                    | "letter"
                    | "communique"
                    | "communiqué"
                    | "order"
                    | "note"
                    | "announcement"
            )
        {
            // The strongest of late: who spoke or acted, rather than who was merely named.
            let unit = self.unit(words[phrase.words.start].range.start);
            return self
                .seen
                .iter()
                .filter(|s| !s.quoted && s.weight >= 2.0 && unit <= s.unit + 2)
                .filter(|s| {
                    matches!(
                        self.chains.all[s.chain].kind,
                        Type::Organisation | Type::Person
                    )
                })
                .max_by(|a, b| a.weight.total_cmp(&b.weight))
                .map(|s| s.chain);
        }
        None
    }

    fn latest(&self, fits: impl Fn(&crate::chain::Chain) -> bool) -> Option<usize> {
        self.seen
            .iter()
            .rev()
            .map(|s| s.chain)
            .find(|&c| fits(&self.chains.all[c]))
    }

    fn pronoun(&mut self, phrase: &Phrase, range: Range<usize>) {
        let word = &self.reading.words[phrase.head];
        let Some(found) = pronoun::pronoun(&word.lower) else {
            return;
        };
        if matches!(found.referent, Referent::Speaker | Referent::Hearer) {
            return;
        }
        let chain = if self.is_empty_it(phrase.head) {
            return;
        } else {
            self.antecedent(found.referent, found.case, range.start)
        };
        if let Some(chain) = chain {
            self.see(chain, phrase, false, false);
        }
        self.out.push(Mention {
            range,
            kind: Kind::Pronoun,
            chain,
        });
    }

    /// *his* in *his foreign ministry*: a mention of its own.
    fn possessor(&mut self, word: &Word) {
        let Some(found) = pronoun::pronoun(&word.lower) else {
            return;
        };
        if matches!(found.referent, Referent::Speaker | Referent::Hearer) {
            return;
        }
        let chain = self.antecedent(found.referent, Case::Possessive, word.range.start);
        self.out.push(Mention {
            range: word.range.clone(),
            kind: Kind::Pronoun,
            chain,
        });
    }

    /// *It is clear that …*, *it was reported*: nothing is meant.
    fn is_empty_it(&self, at: usize) -> bool {
        let words = self.reading.words;
        if words[at].lower != "it" && words[at].lower != "it's" {
            return false;
        }
        let rest: Vec<&str> = words[at + 1..]
            .iter()
            .take(7)
            .map(|w| w.lower.as_str())
            .collect();
        let be = words[at].lower == "it's"
            || matches!(
                rest.first(),
                Some(&("is" | "was" | "would" | "seems" | "appears"))
            );
        be && rest
            .iter()
            .take_while(|w| !matches!(**w, "." | "," | ";"))
            .any(|w| matches!(*w, "that" | "to" | "reported" | "whether"))
    }

    fn antecedent(&self, referent: Referent, case: Case, at: usize) -> Option<usize> {
        let unit = self.unit(at);
        let quoted = self.reading.quotations.around(at).is_some();
        let mut best: Option<(f32, usize)> = None;
        for (age, seen) in self.seen.iter().rev().enumerate().take(60) {
            let chain = &self.chains.all[seen.chain];
            let distance = unit.saturating_sub(seen.unit) as f32;
            let reach = if matches!(referent, Referent::Person(_)) {
                6.0
            } else {
                3.0
            };
            if distance > reach {
                break;
            }
            let mut score = seen.weight - 1.1 * distance - 0.01 * age as f32;
            match referent {
                Referent::Person(gender) => {
                    if chain.kind != Type::Person
                        || seen.plural
                        || chain.gender.is_some_and(|g| g != gender)
                    {
                        continue;
                    }
                    if chain.gender == Some(gender) {
                        score += 0.3;
                    }
                    if chain.entities.is_empty() {
                        score -= 0.3;
                    }
                }
                Referent::Thing => {
                    let country =
                        chain.kind == Type::Place && country::country(&chain.name).is_some();
                    if !(chain.kind == Type::Organisation || country) || seen.plural {
                        continue;
                    }
                    if country {
                        score -= 0.2;
                    }
                }
                Referent::Several => {
                    if chain.kind == Type::Organisation && !seen.plural {
                        score -= 0.8;
                    } else if !seen.plural {
                        continue;
                    }
                }
                Referent::Speaker | Referent::Hearer => return None,
            }
            // A new paragraph has new people.
            if self.reading.text[seen.at.min(at)..at].contains('\n') {
                score -= 0.4;
            }
            // A possessor within a larger phrase is a poor subject.
            if seen.inner {
                score -= 0.9;
            }
            if seen.quoted && !quoted {
                score -= 1.5;
            }
            if case == Case::Object && distance == 0.0 && seen.weight >= 2.0 {
                score -= 1.2;
            }
            if best.is_none_or(|(top, _)| score > top) {
                best = Some((score, seen.chain));
            }
        }
        best.filter(|(score, _)| *score > -3.0)
            .map(|(_, chain)| chain)
    }

    fn see(&mut self, chain: usize, phrase: &Phrase, plural: bool, inner: bool) {
        let at = self.reading.words[phrase.words.start].range.start;
        let unit = self.unit(at);
        let quoted = self.reading.quotations.around(at).is_some();
        let weight = self.weight(phrase, unit, quoted);
        if weight >= 2.0 && !quoted && !inner {
            self.last_subject_of = Some(unit);
        }
        self.seen.push(Seen {
            chain,
            at,
            unit,
            weight,
            quoted,
            plural,
            inner,
        });
    }

    fn weight(&self, phrase: &Phrase, unit: usize, quoted: bool) -> f32 {
        let words = self.reading.words;
        let mut next = phrase.words.end;
        while next < words.len()
            && words[next].shape == Shape::Letters
            && matches!(words[next].class(), Class::Adverb | Class::Auxiliary)
        {
            next += 1;
        }
        let says = |i: usize| {
            words
                .get(i)
                .and_then(|w| cue::verb(&w.lower))
                .is_some_and(|v| v.class == cue::Class::Speech)
        };
        let inverted = phrase
            .words
            .start
            .checked_sub(1)
            .is_some_and(|i| says(i) && i > 0 && (words[i - 1].shape == Shape::Mark));
        if phrase.preposition.is_none() && !phrase.possessive && (says(next) || inverted) {
            2.4
        } else if phrase.preposition.is_none() && !quoted && self.last_subject_of != Some(unit) {
            2.0
        } else if phrase.preposition.is_none() {
            1.0
        } else {
            0.3
        }
    }
}

fn last_word(key: &str) -> &str {
    key.rsplit(' ').next().unwrap_or(key)
}

/// Roles that a noun may pick out.
fn roles_like(head: &str) -> Vec<&str> {
    let mut roles = vec![head];
    roles.extend_from_slice(match head {
        "diplomat" => &["minister", "ambassador", "envoy", "secretary"][..],
        "leader" => &[
            "president",
            "premier",
            "chancellor",
            "chairman",
            "minister",
            "pope",
        ],
        "chief" | "head" | "boss" => &[
            "secretary-general",
            "director",
            "chairman",
            "president",
            "commissioner",
            "ceo",
        ],
        "spokesman" | "spokeswoman" | "spokesperson" => {
            &["spokesperson", "spokesman", "spokeswoman", "secretary"]
        }
        "lawmaker" | "legislator" => &[
            "senator",
            "sen",
            "rep",
            "representative",
            "congressman",
            "congresswoman",
            "mp",
        ],
        "candidate" | "nominee" => &["nominee", "candidate"],
        "senator" => &["sen"],
        "governor" => &["gov"],
        "congressman" | "congresswoman" => &["rep"],
        "general" => &["gen"],
        "professor" => &["prof"],
        "lawyer" | "attorney" => &["attorney", "lawyer"],
        "businessman" | "businesswoman" | "billionaire" | "tycoon" | "mogul" => {
            &["ceo", "founder", "owner"]
        }
        _ => &[],
    });
    roles
}

/// What the best-known bodies are called: the kinds that their names do not tell.
const KINDS: [(&str, &str); 34] = [
    ("nato", "alliance bloc organisation organization"),
    (
        "north atlantic treaty organization",
        "alliance bloc organisation organization",
    ),
    ("north atlantic alliance", "alliance bloc"),
    ("eu", "bloc union"),
    ("european union", "bloc union"),
    ("un", "organisation organization"),
    ("u.n", "organisation organization"),
    ("united nations", "organisation organization"),
    ("opec", "cartel group bloc"),
    ("asean", "bloc group"),
    ("african union", "bloc"),
    ("arab league", "bloc league"),
    ("mercosur", "bloc"),
    ("csto", "alliance bloc"),
    ("eurasian economic union", "bloc"),
    ("brics", "bloc group"),
    ("g7", "group"),
    ("g20", "group"),
    ("imf", "fund lender"),
    ("international monetary fund", "fund lender"),
    ("world health organization", "agency"),
    ("who", "agency organization organisation"),
    ("fbi", "bureau agency"),
    ("cia", "agency"),
    ("nsa", "agency"),
    ("bbc", "broadcaster network corporation"),
    ("cnn", "network channel broadcaster"),
    ("fox news", "network channel"),
    ("msnbc", "network channel"),
    ("reuters", "agency"),
    ("associated press", "agency"),
    ("new york times", "newspaper paper"),
    ("washington post", "newspaper paper"),
    ("guardian", "newspaper paper"),
];

fn is_kind_of(chain: &crate::chain::Chain, head: &str) -> bool {
    KINDS
        .iter()
        .any(|(key, kinds)| chain.key == *key && kinds.split(' ').any(|kind| kind == head))
}
