//! Mentions: what each name, nominal and pronoun of a document stands for.
//!
//! Read from left to right. A pronoun or nominal goes to the candidate that
//! agrees in type, number, gender, role and country and stands best: near,
//! as a subject or speaker rather than behind a preposition, and not inside
//! somebody's quotation (the salience weights follow the idea of Lappin and
//! Leass 1994, without a parse).

use std::ops::Range;

use copydesk_language::country::{self, Sense as CountrySense};
use copydesk_language::cue;
use copydesk_language::name::{self, Gender, Head};
use copydesk_language::phrase::{Phrase, phrases};
use copydesk_language::pronoun::{self, Case, Referent};
use copydesk_language::quotation::Quotations;
use copydesk_language::word::{self, Class, Shape, Word};

use crate::chain::{Chain, Chains, Echo, Entity, Type, bare, country_in};

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
    let mut names: Vec<Echo> = (reading.entities.iter().zip(&chains.of))
        .map(|(entity, &chain)| Echo {
            range: entity.range.clone(),
            chain,
        })
        .collect();
    names.extend(chains.echoes(reading.words, reading.entities));
    names.sort_by_key(|name| (name.range.start, name.range.end));
    let ranges: Vec<Range<usize>> = names.iter().map(|name| name.range.clone()).collect();
    let phrases = phrases(reading.words, &ranges);
    let mut used = vec![false; names.len()];
    let mut resolver = Resolver {
        reading,
        chains,
        names,
        seen: Vec::new(),
        units: units(reading),
        out: Vec::new(),
        last_subject_of: None,
    };
    for phrase in &phrases {
        resolver.phrase(phrase, &mut used);
    }
    // Names that stand in no phrase (a lone adjective, a heading in capitals).
    for (name, used) in resolver.names.iter().zip(used) {
        if !used {
            resolver.out.push(Mention {
                range: name.range.clone(),
                kind: Kind::Name,
                chain: Some(name.chain),
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
    /// All names, in order of text.
    names: Vec<Echo>,
    seen: Vec<Seen>,
    units: Vec<usize>,
    out: Vec<Mention>,
    /// The unit that already has its subject.
    last_subject_of: Option<usize>,
}

/// What a phrase stood for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sense {
    /// A person, body or place.
    Chain(usize),
    /// Somebody whom the text does not tell.
    Somebody,
    /// Something else: a plan, a border. No pronoun resolves to it, but many mean it.
    Thing,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    sense: Sense,
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
        let from = self.names.partition_point(|n| n.range.start < range.start);
        let to = words[phrase.words.end - 1].range.end;
        for (row, used) in used.iter_mut().enumerate().skip(from) {
            let name = &self.names[row];
            if name.range.start >= to {
                break;
            }
            if std::mem::replace(used, true) {
                continue;
            }
            self.out.push(Mention {
                range: name.range.clone(),
                kind: Kind::Name,
                chain: Some(name.chain),
            });
            // "[Foreign Ministry] statement" has its head outside.
            if name.range.contains(&head_at) {
                head_entity = Some(row);
            } else {
                inner.push(name.chain);
            }
        }
        if let Some(row) = head_entity {
            let named = self.names[row].chain;
            let chain = self.government(named, phrase).unwrap_or(named);
            if chain != named
                && let Some(mention) = self
                    .out
                    .iter_mut()
                    .rfind(|m| m.range == self.names[row].range)
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
            self.see_other(Sense::Thing, phrase);
            return;
        };
        match chain {
            Some(chain) => self.see(chain, phrase, plural, phrase.possessive),
            // "Venn, aide to the envoy,": not a somebody of its own.
            None if self.is_bare_role(phrase) => {}
            None => self.see_other(self.sense_of(phrase), phrase),
        }
        self.out.push(Mention {
            range,
            kind: Kind::Nominal,
            chain,
        });
    }

    /// The country for which its capital acts: *Oslo warned*, where the text names Norway too.
    fn government(&self, named: usize, phrase: &Phrase) -> Option<usize> {
        let Some((country, CountrySense::Capital)) = country::country(&self.chains.all[named].name)
        else {
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
            matches!(country::country(&c.name), Some((other, CountrySense::Name)) if other.name == country.name)
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
        // "the other party" is another.
        let other = words[phrase.words.start..phrase.head]
            .iter()
            .any(|w| matches!(w.lower.as_str(), "other" | "another"));
        let definite = !other
            && (matches!(first.lower.as_str(), "the" | "this" | "that")
                || first.class() == Class::PossessivePronoun
                || words[phrase.words.clone()]
                    .iter()
                    .any(|w| w.shape == Shape::Possessive));
        let surface = bare(&text[range.clone()]);
        match kind {
            Head::Person(gender) => {
                if let Some(chain) = self.apposition(phrase, Type::Person) {
                    self.chains
                        .learn_role(chain, head, gender, country_in(&surface));
                    return Some((Some(chain), false));
                }
                let determined = first.class() == Class::Determiner || definite;
                // "as president", "his counterpart": nobody in particular.
                if !determined || is_relation(head) {
                    return Some((None, false));
                }
                let family = is_family(head);
                // "attorneys general".
                if words[phrase.words.start..phrase.head]
                    .iter()
                    .any(|w| name::head(&w.lower) == Some(Head::Persons))
                {
                    return Some((None, true));
                }
                let country = country_in(&surface);
                let found = if definite && !family {
                    self.by_role(phrase, head, gender, country, inner)
                } else {
                    None
                };
                let chain = found.unwrap_or_else(|| {
                    self.new_person(&surface, head, gender, country, definite, false)
                });
                Some((Some(chain), false))
            }
            Head::Persons => {
                let country = country_in(&surface);
                let role = name::singular(head).unwrap_or_else(|| head.to_owned());
                // "the people", "the union’s supporters": said of ever others.
                let alone = head != "people"
                    && inner.is_empty()
                    && words[phrase.words.clone()].iter().all(|w| {
                        w.shape != Shape::Possessive
                            && (w.class() != Class::Open || w.lower == head || is_passing(&w.lower))
                    });
                let known = (definite && alone).then(|| {
                    self.latest(|c| {
                        c.plural && c.has_role(&role) && (country.is_none() || country == c.country)
                    })
                });
                let chain = known.flatten().unwrap_or_else(|| {
                    self.new_person(&surface, &role, None, country, definite, true)
                });
                Some((Some(chain), true))
            }
            Head::Organisation => {
                if let Some(chain) = self.apposition(phrase, Type::Organisation) {
                    return Some((Some(chain), false));
                }
                let chain = self.body(phrase, head, &surface, definite)?;
                Some((chain, false))
            }
            Head::Organisations => Some((None, true)),
            Head::Document => {
                // A statement that says something speaks for whoever issued it; else it is a thing.
                if !self.speaks(phrase) {
                    return None;
                }
                let issuer = self.issuer(phrase, inner, definite);
                issuer.map(|chain| (Some(chain), false))
            }
        }
    }

    /// The name that explains a role, or that the role explains: *the envoy, Ilse Venn,* and *Ilse Venn, the envoy*.
    fn apposition(&self, phrase: &Phrase, kind: Type) -> Option<usize> {
        let words = self.reading.words;
        let named = |row: usize| {
            let chain = self.names[row].chain;
            (self.chains.all[chain].kind == kind).then_some(chain)
        };
        if phrase.possessive {
            return None;
        }
        let entities = &self.names;
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
                return named(row);
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
        named(row)
    }

    /// A person, or several, without a name; *the mayor* is the one of before, *a mayor* is another.
    fn new_person(
        &mut self,
        surface: &str,
        head: &str,
        gender: Option<Gender>,
        country: Option<&'static str>,
        definite: bool,
        plural: bool,
    ) -> usize {
        let known = |c: &Chain| {
            c.kind == Type::Person
                && c.entities.is_empty()
                && c.plural == plural
                && c.name.eq_ignore_ascii_case(surface)
        };
        let found = self.chains.all.iter().position(known).filter(|_| definite);
        found.unwrap_or_else(|| self.chains.unnamed(surface, head, gender, country, plural))
    }

    /// *the minister*, *Norway’s top diplomat*: whoever has that role.
    fn by_role(
        &self,
        phrase: &Phrase,
        head: &str,
        gender: Option<Gender>,
        country: Option<&'static str>,
        inner: &[usize],
    ) -> Option<usize> {
        let asked = self.asked(phrase, inner)?;
        let country = country.or(asked.country);
        let others = roles_like(head);
        // "the chief" alone may be anybody; "the Norwegian chief" is not.
        let by_others = !matches!(head, "leader" | "chief" | "head" | "boss")
            || country.is_some()
            || !asked.roles.is_empty();
        let words = &self.reading.words[phrase.words.clone()];
        let says = |word: &str| words.iter().any(|w| w.lower == word);
        let fits = |chain: usize| {
            let c = &self.chains.all[chain];
            let other_gender = gender.is_some() && c.gender.is_some() && gender != c.gender;
            let other_country = country.is_some() && c.country.is_some() && country != c.country;
            let no_country = asked.country.is_some() && c.country.is_none();
            // The vice president is not the president, a former one neither.
            let lesser = ["vice", "deputy", "assistant", "former"]
                .iter()
                .any(|word| c.has_role(word) && !says(word));
            c.kind == Type::Person
                && !(c.plural || lesser || other_gender || other_country || no_country)
                && (c.has_role(head) || (by_others && others.iter().any(|role| c.has_role(role))))
                && asked.roles.iter().all(|role| c.has_role(role))
        };
        let named = |chain: &usize| !self.chains.all[*chain].entities.is_empty() && fits(*chain);
        let chains = || self.seen.iter().rev().filter_map(Seen::chain);
        let found = if head == "president" && country.is_none() {
            // The one that the text is about, not the guest from abroad.
            chains()
                .filter(named)
                .max_by_key(|&chain| self.chains.all[chain].entities.len())
        } else {
            chains().find(named)
        };
        // Whoever is only called so ("an envoy") is meant by the same word alone, and not from within a quotation.
        found.or_else(|| {
            self.seen
                .iter()
                .rev()
                .filter(|s| !s.quoted && !s.plural)
                .filter_map(Seen::chain)
                .find(|&chain| self.chains.all[chain].has_role(head) && fits(chain))
        })
    }

    /// What a phrase asks of a person beside its head: the *harbour* of *the harbour minister*, the *Oslo* of
    /// *the mayor of Oslo*. `None` where it says too much to be led to anybody.
    fn asked(&self, phrase: &Phrase, inner: &[usize]) -> Option<Asked> {
        let words = self.reading.words;
        let mut asked = Asked::default();
        let mut unknown = 0;
        for word in &words[phrase.words.start..phrase.head] {
            let lower = word.lower.as_str();
            if word.shape != Shape::Letters
                || word.class() != Class::Open
                || is_passing(lower)
                || country_in(lower).is_some()
                || self.is_name(word)
            {
                continue;
            }
            // "the next president" has no name yet.
            if matches!(lower, "next" | "future") {
                return None;
            }
            if word.capital
                || name::is_role_modifier(lower)
                || name::head(lower).is_some()
                || is_office_holder(&words[phrase.head].lower)
            {
                asked.roles.push(lower.to_owned());
            } else {
                unknown += 1;
            }
        }
        for &chain in inner {
            let name = &self.chains.all[chain].name;
            if country_in(name).is_none() && self.chains.all[chain].kind != Type::Person {
                let last = name.split_whitespace().next_back().unwrap_or("");
                asked.roles.push(name::fold(last));
            }
        }
        let mut next = phrase.words.end;
        if words.get(next).is_some_and(|w| w.lower == "of") {
            next += 1;
            while words
                .get(next)
                .is_some_and(|w| w.class() == Class::Determiner)
            {
                next += 1;
            }
            let of = words.get(next)?;
            match country::country(&of.lower) {
                Some((country, CountrySense::Name)) if of.capital => {
                    asked.country = Some(country.name);
                }
                _ => asked.roles.push(of.lower.clone()),
            }
        }
        (unknown <= 1).then_some(asked)
    }

    fn is_name(&self, word: &Word) -> bool {
        let at = self
            .names
            .partition_point(|n| n.range.end <= word.range.start);
        self.names
            .get(at)
            .is_some_and(|n| n.range.start < word.range.end)
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
        if matches!(head, "country" | "nation" | "republic" | "kingdom") && !named {
            // "this country" in a speaker's mouth is the speaker's own.
            let from = words[phrase.words.start].range.start;
            let quoted = self.reading.quotations.around(from).is_some();
            let unit = self.unit(from);
            let near = self.seen.iter().rev().filter(|s| unit <= s.unit + 3);
            return (first.lower == "the" && !quoted).then(|| {
                near.filter_map(Seen::chain).find(|&c| {
                    let c = &self.chains.all[c];
                    matches!(country::country(&c.name), Some((_, CountrySense::Name)))
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
        // Of cities and states there are many, and few are called so twice.
        let place = matches!(head, "state" | "city" | "county" | "province");
        if !(named || definite && !place) {
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
        let told: Vec<&str> = plain
            .iter()
            .copied()
            .filter(|w| *w != head && !is_passing(w))
            .collect();
        // "the news organization" is no "Harbour Organization".
        let in_name = |c: &Chain| told.iter().all(|w| c.key.split(' ').any(|k| k == *w));
        let office =
            |c: &Chain| c.kind == Type::Organisation && last_word(&c.key) == head && in_name(c);
        if let Some(found) = self.latest(office) {
            return Some(Some(found));
        }
        let sort = |c: &Chain| {
            c.kind != Type::Person
                && (is_kind_of(c, head) || c.has_role(head))
                && told.iter().all(|w| c.has_role(w))
        };
        if let Some(found) = self.latest(sort) {
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
            let unit = self.unit(first.range.start);
            let bodies = |reach: usize| {
                let mut bodies: Vec<usize> = self
                    .seen
                    .iter()
                    .rev()
                    .take_while(|s| unit <= s.unit + reach)
                    .filter_map(Seen::chain)
                    .filter(|&c| {
                        let c = &self.chains.all[c];
                        c.kind == Type::Organisation
                            && !name::is_office(last_word(&c.key))
                            && !is_known_kind(c)
                            && country::country(&c.name).is_none()
                    })
                    .collect();
                bodies.sort_unstable();
                bodies.dedup();
                bodies
            };
            if let [only] = bodies(usize::MAX / 2)[..] {
                return Some(Some(only));
            }
            if let [only] = bodies(2)[..] {
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
                .filter_map(|s| Some((s.weight, s.chain()?)))
                .filter(|&(_, chain)| {
                    matches!(
                        self.chains.all[chain].kind,
                        Type::Organisation | Type::Person
                    )
                })
                .max_by(|a, b| a.0.total_cmp(&b.0))
                .map(|(_, chain)| chain);
        }
        None
    }

    fn latest(&self, fits: impl Fn(&Chain) -> bool) -> Option<usize> {
        self.seen
            .iter()
            .rev()
            .filter_map(Seen::chain)
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
            self.antecedent(found.referent, found.case, range.start, self.speaks(phrase))
        };
        match chain {
            Some(chain) => self.see(chain, phrase, self.chains.all[chain].plural, false),
            // Whatever "it" meant, the next "it" may mean as well.
            None => {
                let sense = match found.referent {
                    Referent::Person(_) => Sense::Somebody,
                    _ => Sense::Thing,
                };
                self.see_other(sense, phrase);
            }
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
        let chain = self.antecedent(found.referent, Case::Possessive, word.range.start, false);
        self.out.push(Mention {
            range: word.range.clone(),
            kind: Kind::Pronoun,
            chain,
        });
    }

    /// *It is clear that …*, *it was reported*: nothing is meant.
    fn is_empty_it(&self, at_it: usize) -> bool {
        let words = self.reading.words;
        if words[at_it].lower != "it" && words[at_it].lower != "it's" {
            return false;
        }
        let rest: Vec<&str> = words[at_it + 1..]
            .iter()
            .take(8)
            .map(|w| w.lower.as_str())
            .collect();
        // "when it comes to", "it turned out".
        if let [verb, next, ..] = rest[..]
            && matches!(
                (verb, next),
                ("comes" | "came", "to") | ("turns" | "turned", "out")
            )
        {
            return true;
        }
        // The copula, after a modal or in one word with the pronoun.
        let mut at = 0;
        if words[at_it].lower != "it's" {
            if matches!(
                rest.first(),
                Some(&("would" | "will" | "may" | "might" | "could" | "should" | "has" | "had"))
            ) {
                at += 1;
            }
            let copula = rest.get(at).is_some_and(|w| {
                matches!(
                    *w,
                    "is" | "was"
                        | "be"
                        | "been"
                        | "isn't"
                        | "wasn't"
                        | "seems"
                        | "seemed"
                        | "appears"
                        | "appeared"
                        | "looks"
                        | "looked"
                        | "remains"
                        | "became"
                        | "becomes"
                        | "takes"
                        | "took"
                )
            });
            if !copula {
                return false;
            }
            at += 1;
        }
        let clause: Vec<&str> = rest[at.min(rest.len())..]
            .iter()
            .copied()
            .take_while(|w| !matches!(*w, "." | "," | ";"))
            .skip_while(|w| {
                matches!(word::class(w), Class::Adverb | Class::Negation)
                    || matches!(*w, "too" | "so")
            })
            .collect();
        let opens = |w: &&str| {
            matches!(
                *w,
                "that" | "to" | "whether" | "like" | "if" | "how" | "who" | "when" | "for"
            )
        };
        match clause.split_first() {
            Some((first, rest)) => {
                opens(first)
                    || (is_judged(first) && (rest.is_empty() || rest.iter().any(opens)))
                    // "it was the union that struck".
                    || (rest.iter().take(4).any(|w| matches!(*w, "that" | "who"))
                        && word::class(first) == Class::Determiner)
            }
            None => false,
        }
    }

    /// Whom a pronoun at `at` means; `speaks` if it is the subject of a verb of saying.
    fn antecedent(&self, referent: Referent, case: Case, at: usize, speaks: bool) -> Option<usize> {
        let unit = self.unit(at);
        let quoted = self.reading.quotations.around(at).is_some();
        let reach = if matches!(referent, Referent::Person(_)) {
            6
        } else {
            3
        };
        let mut best: Option<(f32, Sense)> = None;
        for (age, seen) in self.seen.iter().rev().enumerate().take(120) {
            let distance = unit.saturating_sub(seen.unit);
            if distance > reach {
                break;
            }
            let Some(agreement) = self.agreement(referent, case, seen, speaks, distance) else {
                continue;
            };
            let mut score = seen.weight + agreement - 1.1 * distance as f32 - 0.01 * age as f32;
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
            if case == Case::Object && distance == 0 && seen.weight >= 2.0 {
                score -= 1.2;
            }
            // "The union said that it", "the union wants its": the subject of the sentence.
            let body = !matches!(referent, Referent::Person(_)) && seen.chain().is_some();
            if body && distance == 0 && seen.weight >= 2.0 && seen.quoted == quoted && !seen.inner {
                let own = case == Case::Possessive || case == Case::Reflexive;
                score += if own {
                    0.8
                } else if seen.weight > 2.0 {
                    1.0
                } else {
                    0.0
                };
            }
            // Whoever speaks says "I" of himself.
            if quoted && !seen.quoted && seen.weight > 2.0 && distance <= 1 {
                score -= 1.0;
            }
            if best.is_none_or(|(top, _)| score > top) {
                best = Some((score, seen.sense));
            }
        }
        match best.filter(|(score, _)| *score > -3.0) {
            // A work or an event may be meant, and is as little resolved as a plan.
            Some((_, Sense::Chain(chain))) => {
                Some(chain).filter(|&chain| self.chains.all[chain].kind != Type::Other)
            }
            _ => None,
        }
    }

    /// How well what was seen agrees with a pronoun in type, number and gender; `None` where it cannot be meant.
    fn agreement(
        &self,
        referent: Referent,
        case: Case,
        seen: &Seen,
        speaks: bool,
        distance: usize,
    ) -> Option<f32> {
        let chain = seen.chain().map(|chain| &self.chains.all[chain]);
        match (referent, chain) {
            (Referent::Person(gender), Some(chain)) => {
                if chain.kind != Type::Person
                    || seen.plural
                    || chain.gender.is_some_and(|known| known != gender)
                {
                    return None;
                }
                let known = if chain.gender.is_some() { 0.3 } else { 0.0 };
                let named = if chain.entities.is_empty() { -0.3 } else { 0.0 };
                Some(known + named)
            }
            (Referent::Person(_), None) => {
                (seen.sense == Sense::Somebody && !seen.plural).then_some(-0.3)
            }
            (Referent::Thing, Some(chain)) => {
                if seen.plural || chain.kind == Type::Person {
                    return None;
                }
                let body = chain.kind == Type::Organisation;
                // What speaks or owns is a body more often than a plan.
                let acts = if speaks {
                    1.5
                } else if case == Case::Possessive {
                    0.4
                } else {
                    0.0
                };
                Some(acts - if body { 0.0 } else { 0.2 })
            }
            (Referent::Thing, None) => (seen.sense == Sense::Thing && !seen.plural)
                .then_some(if speaks { -1.5 } else { 0.0 }),
            (Referent::Several, Some(chain)) => {
                if seen.plural {
                    return Some(if speaks { 0.5 } else { 0.2 });
                }
                // A body is "they" where it has just acted.
                (chain.kind == Type::Organisation && distance <= 1 && seen.weight >= 2.0)
                    .then_some(-0.8)
            }
            (Referent::Several, None) => seen.plural.then_some(if speaks { -1.0 } else { 0.0 }),
            (Referent::Speaker | Referent::Hearer, _) => None,
        }
    }

    fn see(&mut self, chain: usize, phrase: &Phrase, plural: bool, inner: bool) {
        self.push_seen(Sense::Chain(chain), phrase, plural, inner);
    }

    /// A phrase that leads to no chain: it may still be what a later pronoun means.
    fn see_other(&mut self, sense: Sense, phrase: &Phrase) {
        let head = &self.reading.words[phrase.head];
        if head.shape != Shape::Letters || is_time(&head.lower) {
            return;
        }
        let lower = head.lower.as_str();
        let plural = match pronoun::pronoun(lower) {
            Some(pronoun) => pronoun.referent == Referent::Several,
            None => name::singular(lower).is_some() || matches!(lower, "people" | "children"),
        };
        self.push_seen(sense, phrase, plural, phrase.possessive);
    }

    fn is_bare_role(&self, phrase: &Phrase) -> bool {
        let words = self.reading.words;
        let first = &words[phrase.words.start];
        matches!(name::head(&words[phrase.head].lower), Some(Head::Person(_)))
            && !matches!(first.class(), Class::Determiner | Class::PossessivePronoun)
    }

    fn sense_of(&self, phrase: &Phrase) -> Sense {
        match name::head(&self.reading.words[phrase.head].lower) {
            Some(Head::Person(_) | Head::Persons) => Sense::Somebody,
            _ => Sense::Thing,
        }
    }

    fn push_seen(&mut self, sense: Sense, phrase: &Phrase, plural: bool, inner: bool) {
        let at = self.reading.words[phrase.words.start].range.start;
        let unit = self.unit(at);
        let quoted = self.reading.quotations.around(at).is_some();
        let weight = self.weight(phrase, unit, quoted);
        if weight >= 2.0 && !quoted && !inner {
            self.last_subject_of = Some(unit);
        }
        self.seen.push(Seen {
            sense,
            at,
            unit,
            weight,
            quoted,
            plural,
            inner,
        });
    }

    /// Whether the phrase is the subject of a verb of saying: *the union said*, *according to the union*.
    fn speaks(&self, phrase: &Phrase) -> bool {
        let words = self.reading.words;
        let mut next = phrase.words.end;
        while next < words.len()
            && words[next].shape == Shape::Letters
            && matches!(
                words[next].class(),
                Class::Adverb | Class::Auxiliary | Class::Modal
            )
        {
            next += 1;
        }
        let says = |i: usize| {
            words
                .get(i)
                .and_then(|w| cue::verb(&w.lower))
                .is_some_and(|v| v.class == cue::Class::Speech)
        };
        let start = phrase.words.start;
        let inverted = start > 1 && says(start - 1) && words[start - 2].shape == Shape::Mark;
        let according =
            start > 1 && words[start - 1].lower == "to" && words[start - 2].lower == "according";
        according
            || (phrase.preposition.is_none() && !phrase.possessive && (says(next) || inverted))
    }

    fn weight(&self, phrase: &Phrase, unit: usize, quoted: bool) -> f32 {
        if self.speaks(phrase) {
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

impl Seen {
    fn chain(&self) -> Option<usize> {
        match self.sense {
            Sense::Chain(chain) => Some(chain),
            Sense::Somebody | Sense::Thing => None,
        }
    }
}

/// What a phrase asks of the one it stands for.
#[derive(Debug, Default)]
struct Asked {
    /// Words that must be among the person's roles.
    roles: Vec<String>,
    country: Option<&'static str>,
}

/// Roles that are one thing or another by the word before them: *trade minister*, *sports editor*.
fn is_office_holder(head: &str) -> bool {
    matches!(
        head,
        "minister"
            | "secretary"
            | "commissioner"
            | "chief"
            | "director"
            | "head"
            | "editor"
            | "manager"
            | "coach"
            | "spokesman"
            | "spokeswoman"
            | "spokesperson"
            | "leader"
            | "officer"
            | "attorney"
            | "judge"
    )
}

/// Persons who are somebody only to somebody else.
fn is_relation(head: &str) -> bool {
    matches!(
        head,
        "counterpart" | "colleague" | "rival" | "partner" | "successor" | "predecessor" | "member"
    )
}

/// What is said of a clause rather than of a thing: *it is clear that*, *it was reported that*.
fn is_judged(word: &str) -> bool {
    matches!(
        word,
        "clear"
            | "unclear"
            | "possible"
            | "impossible"
            | "likely"
            | "unlikely"
            | "hard"
            | "difficult"
            | "easy"
            | "easier"
            | "harder"
            | "necessary"
            | "essential"
            | "true"
            | "time"
            | "good"
            | "better"
            | "best"
            | "bad"
            | "wrong"
            | "right"
            | "safe"
            | "fair"
            | "unfair"
            | "critical"
            | "crucial"
            | "vital"
            | "important"
            | "imperative"
            | "obvious"
            | "evident"
            | "apparent"
            | "early"
            | "reported"
            | "said"
            | "believed"
            | "thought"
            | "known"
            | "understood"
            | "estimated"
            | "announced"
            | "revealed"
            | "worth"
            | "up"
            | "rare"
            | "common"
            | "normal"
            | "natural"
            | "surprising"
            | "no"
            | "ironic"
            | "sad"
            | "nice"
            | "great"
            | "a"
            | "years"
            | "months"
    )
}

/// Relatives: *his brother* is never whom the brother belongs to.
fn is_family(head: &str) -> bool {
    matches!(
        head,
        "brother"
            | "sister"
            | "mother"
            | "father"
            | "son"
            | "daughter"
            | "wife"
            | "husband"
            | "uncle"
            | "aunt"
            | "nephew"
            | "niece"
            | "cousin"
            | "grandfather"
            | "grandmother"
            | "widow"
            | "girlfriend"
            | "boyfriend"
            | "friend"
            | "child"
            | "parent"
            | "relative"
            | "stepfather"
            | "stepmother"
    )
}

/// Adjectives that pick nobody out.
fn is_passing(word: &str) -> bool {
    matches!(
        word,
        "top"
            | "high"
            | "former"
            | "then"
            | "late"
            | "current"
            | "new"
            | "newly"
            | "old"
            | "outgoing"
            | "longtime"
            | "long-time"
            | "senior"
            | "veteran"
            | "embattled"
            | "young"
            | "elected"
            | "entire"
            | "whole"
            | "same"
            | "own"
            | "powerful"
            | "giant"
            | "ex"
            | "main"
            | "big"
            | "largest"
            | "biggest"
    )
}

fn is_time(word: &str) -> bool {
    matches!(
        word,
        "monday"
            | "tuesday"
            | "wednesday"
            | "thursday"
            | "friday"
            | "saturday"
            | "sunday"
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
            | "year"
            | "years"
            | "month"
            | "months"
            | "week"
            | "weeks"
            | "day"
            | "days"
            | "hour"
            | "hours"
            | "minute"
            | "minutes"
            | "morning"
            | "afternoon"
            | "evening"
            | "night"
            | "time"
            | "times"
            | "percent"
            | "today"
    )
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

/// Whether the table tells what kind of body it is.
fn is_known_kind(chain: &Chain) -> bool {
    KINDS.iter().any(|(key, _)| chain.key == *key)
}

fn is_kind_of(chain: &Chain, head: &str) -> bool {
    KINDS
        .iter()
        .any(|(key, kinds)| chain.key == *key && kinds.split(' ').any(|kind| kind == head))
}
