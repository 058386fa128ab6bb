//! Chains of names: which entities of a document are one and the same.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use copydesk_language::country::{self, Sense};
use copydesk_language::name::{self, Gender, Head, Person};
use copydesk_language::word::{self, Class, Shape, Word};

/// The four types of entities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Type {
    Person,
    Organisation,
    Place,
    Other,
}

impl Type {
    pub(crate) fn of(label: &str) -> Self {
        match label {
            "PER" => Self::Person,
            "ORG" => Self::Organisation,
            "LOC" => Self::Place,
            _ => Self::Other,
        }
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Person => "PER",
            Self::Organisation => "ORG",
            Self::Place => "LOC",
            Self::Other => "MISC",
        }
    }
}

/// One entity as the recogniser found it.
#[derive(Debug, Clone)]
pub(crate) struct Entity {
    pub(crate) range: Range<usize>,
    pub(crate) kind: Type,
}

/// Makes persons of entities with another label that can only be one: a title, a given name and a last
/// name, or a given name before the last name of a person of this text.
pub(crate) fn retype(text: &str, entities: &mut [Entity]) {
    let persons: HashSet<String> = entities
        .iter()
        .filter(|entity| entity.kind == Type::Person)
        .map(|entity| name::fold(Person::new(&bare(&text[entity.range.clone()])).last()))
        .collect();
    for entity in entities {
        if entity.kind == Type::Person {
            continue;
        }
        let surface = bare(&text[entity.range.clone()]);
        let person = Person::new(&surface);
        let given = person
            .first()
            .is_some_and(|first| name::given_name_gender(first).is_some());
        let titled = person.titles.iter().any(|title| {
            let title = title.to_lowercase();
            name::is_role(&title) || name::title_gender(&title).is_some()
        });
        let place = name::head(&person.last().to_lowercase()).is_some()
            || person
                .titles
                .iter()
                .any(|t| matches!(t.to_lowercase().as_str(), "prince" | "king" | "queen"));
        if given && !place && (titled || persons.contains(&name::fold(person.last()))) {
            entity.kind = Type::Person;
        }
    }
}

/// A name that the recogniser passed over and that it found elsewhere in the text.
#[derive(Debug, Clone)]
pub(crate) struct Echo {
    pub(crate) range: Range<usize>,
    pub(crate) chain: usize,
}

/// One and the same person, body or place, by all the names it goes by.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    pub(crate) kind: Type,
    /// The fullest name in the document's own spelling.
    pub(crate) name: String,
    /// Rows of entities; empty where only a pattern found the name.
    pub(crate) entities: Vec<usize>,
    /// Lower-case words of roles and titles met beside its names.
    pub(crate) roles: Vec<String>,
    /// The country of a role or body.
    pub(crate) country: Option<&'static str>,
    pub(crate) gender: Option<Gender>,
    /// Folded key of an organisation's name.
    pub(crate) key: String,
    /// Several persons under one description: *the officials*.
    pub(crate) plural: bool,
    /// Every spelling met.
    names: Vec<String>,
}

impl Chain {
    fn new(kind: Type, name: String) -> Self {
        Self {
            kind,
            key: key_of(kind, &name),
            names: vec![name.clone()],
            name,
            entities: Vec::new(),
            roles: Vec::new(),
            country: None,
            gender: None,
            plural: false,
        }
    }

    /// The entity that stands for the chain: the fullest name's first mention.
    pub(crate) fn representative(&self, text: &str, entities: &[Entity]) -> Option<usize> {
        let named = |row: &&usize| text[entities[**row].range.clone()] == self.name;
        self.entities
            .iter()
            .find(named)
            .or_else(|| {
                self.entities
                    .iter()
                    .max_by_key(|&&row| (entities[row].range.len(), std::cmp::Reverse(row)))
            })
            .copied()
    }

    pub(crate) fn has_role(&self, word: &str) -> bool {
        self.roles.iter().any(|role| role == word)
    }

    fn add_role(&mut self, word: &str) {
        if !self.has_role(word) {
            self.roles.push(word.to_owned());
        }
    }

    /// The type that most of its entities have; a seat of government is a body, whatever it was taken for.
    fn settle_kind(&mut self, entities: &[Entity]) {
        if self.kind == Type::Person {
            return;
        }
        if matches!(country::country(&self.name), Some((_, Sense::Seat))) {
            self.kind = Type::Organisation;
            return;
        }
        let count = |kind: Type| {
            self.entities
                .iter()
                .filter(|&&row| entities[row].kind == kind)
                .count()
        };
        let best = [self.kind, Type::Organisation, Type::Place, Type::Other]
            .into_iter()
            .rev()
            .max_by_key(|&kind| count(kind));
        if let Some(best) = best
            && count(best) > count(self.kind)
        {
            self.kind = best;
            self.key = key_of(best, &self.name);
        }
    }

    fn learn(&mut self, name: &str) {
        if !self.names.iter().any(|known| known == name) {
            self.names.push(name.to_owned());
        }
        if is_fuller(self.kind, name, &self.name) {
            self.name = name.to_owned();
            self.key = key_of(self.kind, name);
        }
    }
}

/// By the first word: all words of a name and its chain, or none where two chains share it.
type KnownNames = HashMap<String, Vec<(Vec<String>, Option<usize>)>>;

/// All chains of a document and the chain of each entity.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chains {
    pub(crate) all: Vec<Chain>,
    /// By row of the entity.
    pub(crate) of: Vec<usize>,
}

impl Chains {
    /// Joins the entities of a document into chains.
    pub(crate) fn of_names(text: &str, words: &[Word], entities: &[Entity]) -> Self {
        let mut chains = Self {
            all: Vec::new(),
            of: vec![0; entities.len()],
        };
        let mut order: Vec<usize> = (0..entities.len()).collect();
        order.sort_by_key(|&row| (entities[row].range.start, entities[row].range.end));
        // Full names first: a headline's bare last name then finds its person.
        let full = |row: &usize| {
            entities[*row].kind != Type::Person
                || text[entities[*row].range.clone()].trim().contains(' ')
        };
        let (first, second): (Vec<usize>, Vec<usize>) = order.iter().partition(|row| full(row));
        for row in first.into_iter().chain(second) {
            let chain = chains.place(text, words, entities, row);
            chains.all[chain].entities.push(row);
            chains.of[row] = chain;
        }
        for chain in &mut chains.all {
            chain.entities.sort_unstable();
            chain.settle_kind(entities);
        }
        chains.join_parentheses(text, entities);
        chains.join_mislabelled();
        chains
    }

    /// Where names of these chains stand in the text and no entity does, in order of text.
    pub(crate) fn echoes(&self, words: &[Word], entities: &[Entity]) -> Vec<Echo> {
        let mut known: KnownNames = HashMap::new();
        for (index, chain) in self.all.iter().enumerate() {
            for known_name in &chain.names {
                let parts = word::words(known_name);
                let plain = parts.iter().all(|w| w.shape == Shape::Letters && w.capital);
                let [first, ..] = &parts[..] else { continue };
                // One word must name little else: no letter or two, no common noun.
                let short = parts.len() == 1
                    && (first.lower.len() < 3 || name::head(&first.lower).is_some());
                if !plain || short {
                    continue;
                }
                let parts: Vec<String> = parts.iter().map(|w| w.lower.clone()).collect();
                let same_start = known.entry(parts[0].clone()).or_default();
                match same_start.iter_mut().find(|(known, _)| *known == parts) {
                    Some((_, of)) => *of = of.filter(|&of| of == index),
                    None => same_start.push((parts, Some(index))),
                }
            }
        }
        for names in known.values_mut() {
            names.sort_by_key(|(parts, _)| std::cmp::Reverse(parts.len()));
        }
        let mut taken = vec![false; words.len()];
        for entity in entities {
            let from = words.partition_point(|w| w.range.end <= entity.range.start);
            let to = words.partition_point(|w| w.range.start < entity.range.end);
            taken[from..to.max(from)].fill(true);
        }
        let mut out = Vec::new();
        let mut at = 0;
        while at < words.len() {
            let word = &words[at];
            if taken[at] {
                at += 1;
                continue;
            }
            let names = known.get(&word.lower).map_or(&[][..], Vec::as_slice);
            let found = names.iter().find_map(|(parts, chain)| {
                let count = parts.len();
                let run = words.get(at..at + count)?;
                let same = run.iter().zip(parts).enumerate().all(|(i, (w, part))| {
                    w.capital
                        && w.shape == Shape::Letters
                        && w.lower == *part
                        && (i == 0 || !(w.starts_line || taken[at + i]))
                });
                let chain = chain.filter(|_| same && (count > 1 || word.class() == Class::Open))?;
                (!self.is_within_name(words, at, count, chain)).then_some((count, chain))
            });
            match found {
                Some((count, chain)) => {
                    out.push(Echo {
                        range: word.range.start..words[at + count - 1].range.end,
                        chain,
                    });
                    at += count;
                }
                None => at += 1,
            }
        }
        out
    }

    /// *Venn* in *Venn Harbour Works*: the name of something else.
    fn is_within_name(&self, words: &[Word], at: usize, count: usize, chain: usize) -> bool {
        let joins = |w: &Word| w.shape == Shape::Letters && w.capital && w.class() == Class::Open;
        let after = words
            .get(at + count)
            .is_some_and(|w| joins(w) && !w.starts_line);
        // "President Venn", "Robert Venn".
        let introduces = |w: &Word| {
            let given =
                self.all[chain].kind == Type::Person && name::given_name_gender(&w.lower).is_some();
            given || name::is_title(&w.lower) || name::is_role(&w.lower)
        };
        let before = at
            .checked_sub(1)
            .map(|i| &words[i])
            .is_some_and(|w| joins(w) && !words[at].starts_line && !introduces(w));
        after || before
    }

    /// The chain of the organisation with this key, or a new one that no entity stands for.
    pub(crate) fn organisation(&mut self, surface: &str) -> usize {
        let surface = bare(surface);
        let key = name::organisation_key(&surface);
        if let Some(found) = self.find_organisation(&key) {
            return found;
        }
        let mut chain = Chain::new(Type::Organisation, surface);
        chain.country = country_in(&chain.name);
        self.all.push(chain);
        self.all.len() - 1
    }

    /// A role that stands beside a name.
    pub(crate) fn learn_role(
        &mut self,
        chain: usize,
        role: &str,
        gender: Option<Gender>,
        country: Option<&'static str>,
    ) {
        let chain = &mut self.all[chain];
        chain.add_role(role);
        chain.gender = gender.or(chain.gender);
        chain.country = chain.country.or(country);
    }

    /// A person without a name, or several: *a harbour official*, *the envoys*.
    pub(crate) fn unnamed(
        &mut self,
        surface: &str,
        role: &str,
        gender: Option<Gender>,
        country: Option<&'static str>,
        plural: bool,
    ) -> usize {
        let mut chain = Chain::new(Type::Person, surface.to_owned());
        chain.roles.push(role.to_owned());
        chain.gender = gender;
        chain.country = country;
        chain.plural = plural;
        self.all.push(chain);
        self.all.len() - 1
    }

    /// The organisation with this key, or else the only one whose key ends in it or that it ends in
    /// (*foreign ministry*, *norway foreign ministry*; two words at least).
    pub(crate) fn find_organisation(&self, key: &str) -> Option<usize> {
        let ends = |long: &str, short: &str| {
            long.strip_suffix(short)
                .is_some_and(|rest| rest.ends_with(' ') && short.contains(' '))
        };
        let exact = self
            .all
            .iter()
            .position(|c| c.kind == Type::Organisation && c.key == key);
        exact.or_else(|| {
            self.only(|c| c.kind == Type::Organisation && (ends(&c.key, key) || ends(key, &c.key)))
        })
    }

    /// The one chain that fits; none if two do.
    fn only(&self, fits: impl Fn(&Chain) -> bool) -> Option<usize> {
        let mut found = (0..self.all.len()).filter(|&i| fits(&self.all[i]));
        found.next().filter(|_| found.next().is_none())
    }

    fn place(&mut self, text: &str, words: &[Word], entities: &[Entity], row: usize) -> usize {
        let entity = &entities[row];
        let around = Surroundings::of(text, words, &entity.range, entity.kind);
        let found = match entity.kind {
            Type::Person => self.person(&around, entities),
            Type::Organisation => self.body(&around.name),
            Type::Place | Type::Other => self.thing(entity.kind, &around.name),
        };
        let chain = match found {
            Some(chain) => chain,
            None => {
                self.all.push(Chain::new(entity.kind, around.name.clone()));
                self.all.len() - 1
            }
        };
        let target = &mut self.all[chain];
        target.learn(&around.name);
        for role in &around.roles {
            target.add_role(role);
        }
        target.country = target.country.or(around.country);
        target.gender = target.gender.or(around.gender);
        if target.country.is_none() && entity.kind == Type::Organisation {
            target.country = country_in(&around.name);
        }
        chain
    }

    fn person(&self, around: &Surroundings, entities: &[Entity]) -> Option<usize> {
        let fits = |chain: &Chain| {
            chain.kind == Type::Person
                && !(around.gender.is_some()
                    && chain.gender.is_some()
                    && around.gender != chain.gender)
                && chain
                    .names
                    .iter()
                    .any(|known| name::same_person(known, &around.name))
                && chain.names.iter().all(|known| {
                    // One chain never holds two full names that exclude each other.
                    !known.contains(' ')
                        || !around.name.contains(' ')
                        || name::same_person(known, &around.name)
                })
        };
        let hits: Vec<usize> = (0..self.all.len())
            .filter(|&i| fits(&self.all[i]))
            .collect();
        let by_last = |i: &usize| {
            self.all[*i]
                .names
                .iter()
                .any(|known| name::same_last(known, &around.name))
        };
        // A bare last name means whom the text is about, rather than a namesake met in passing.
        let told = |i: &usize| {
            let near = self.all[*i]
                .entities
                .iter()
                .map(|&row| entities[row].range.start)
                .filter(|&start| start <= around.at)
                .max();
            (self.all[*i].entities.len(), near)
        };
        // The last name says more than a shared given name.
        hits.iter()
            .copied()
            .filter(by_last)
            .max_by_key(told)
            .or_else(|| (hits.len() == 1).then(|| hits[0]))
    }

    fn body(&self, surface: &str) -> Option<usize> {
        let key = name::organisation_key(surface);
        self.find_organisation(&key)
            .or_else(|| {
                self.all.iter().position(|c| {
                    c.kind == Type::Organisation
                        && c.names
                            .iter()
                            .any(|n| name::is_acronym(surface, n) || name::is_acronym(n, surface))
                })
            })
            .or_else(|| self.other_label(surface))
            .or_else(|| {
                self.only(|c| {
                    c.kind == Type::Organisation
                        && (is_short_for(&key, &c.key) || is_short_for(&c.key, &key))
                })
            })
    }

    fn thing(&self, kind: Type, surface: &str) -> Option<usize> {
        let key = key_of(kind, surface);
        self.all
            .iter()
            .position(|c| c.kind == kind && c.key == key)
            .or_else(|| self.other_label(surface))
    }

    /// One spelling under two labels is one thing, persons excepted.
    fn other_label(&self, surface: &str) -> Option<usize> {
        let folded = name::fold(surface);
        self.all
            .iter()
            .position(|c| c.kind != Type::Person && c.names.iter().any(|n| name::fold(n) == folded))
    }

    /// *Northern Islands Treaty Organization (NITO)*: whatever the letters, the two are one.
    fn join_parentheses(&mut self, text: &str, entities: &[Entity]) {
        for short in 0..entities.len() {
            let range = &entities[short].range;
            let before = text[..range.start].trim_end();
            if !before.ends_with('(') || !text[range.end..].starts_with(')') {
                continue;
            }
            let end = before.trim_end_matches('(').trim_end().len();
            let long = (0..entities.len()).find(|&i| entities[i].range.end == end);
            let Some(long) = long else { continue };
            let (a, b) = (self.of[long], self.of[short]);
            let letters = text[range.clone()]
                .chars()
                .filter(|c| c.is_uppercase())
                .count();
            if a != b
                && letters >= 2
                && self.all[b].kind != Type::Person
                && self.all[a].kind != Type::Person
            {
                self.merge(a, b);
            }
        }
    }

    /// A single name that is a person here and something else there is what it is more often; nobody
    /// enters the news without a given name or title.
    fn join_mislabelled(&mut self) {
        for person in 0..self.all.len() {
            let chain = &self.all[person];
            if chain.kind != Type::Person
                || chain.entities.is_empty()
                || chain.name.contains(' ')
                || !chain.roles.is_empty()
            {
                continue;
            }
            let folded = name::fold(&chain.name);
            let other = self.all.iter().position(|c| {
                c.kind != Type::Person && c.names.iter().any(|n| name::fold(n) == folded)
            });
            let Some(other) = other else { continue };
            let persons = chain.entities.len();
            if self.all[other].entities.len() >= persons {
                self.merge(other, person);
            } else {
                self.merge(person, other);
            }
        }
    }

    fn merge(&mut self, into: usize, from: usize) {
        let gone = self.all[from].clone();
        let target = &mut self.all[into];
        for name in &gone.names {
            target.learn(name);
        }
        target.entities.extend(gone.entities.iter().copied());
        target.entities.sort_unstable();
        target.country = target.country.or(gone.country);
        for row in gone.entities {
            self.of[row] = into;
        }
        // The emptied chain stays in place so that indices hold; nothing finds it any more.
        self.all[from].entities.clear();
        self.all[from].names.clear();
        self.all[from].key.clear();
    }
}

/// What stands around a name and belongs to it.
struct Surroundings {
    at: usize,
    name: String,
    roles: Vec<String>,
    country: Option<&'static str>,
    gender: Option<Gender>,
}

impl Surroundings {
    fn of(text: &str, words: &[Word], range: &Range<usize>, kind: Type) -> Self {
        let surface = bare(&text[range.clone()]);
        let first = words.partition_point(|w| w.range.end <= range.start);
        let after = words.partition_point(|w| w.range.start < range.end);
        let mut found = Self {
            at: range.start,
            name: surface.clone(),
            roles: Vec::new(),
            country: None,
            gender: None,
        };
        match kind {
            Type::Person => {
                let person = Person::new(&surface);
                let name = person.parts.join(" ");
                for title in person.titles {
                    found.title(&title.to_lowercase());
                }
                if !name.is_empty() {
                    found.name = name;
                }
                found.roles_before(words, first);
                found.roles_after(words, after);
                // What somebody is called says more than a given name: a spokeswoman may be a Kim.
                found.gender = found.gender.or_else(|| Person::new(&surface).gender());
            }
            Type::Organisation => {
                // "Russia’s [Foreign Ministry]", "Russian [Foreign Ministry]".
                let mut from = first;
                if from > 0 && words[from - 1].shape == Shape::Possessive {
                    from -= 1;
                }
                if from > 0 && words[from - 1].capital {
                    let before = &words[from - 1];
                    let direct = from == first
                        || matches!(country::country(&before.lower), Some((_, Sense::Name)));
                    let demonym = matches!(
                        country::country(&before.lower),
                        Some((_, Sense::Demonym | Sense::Name))
                    );
                    let head = words.get(after.wrapping_sub(1)).map(|w| w.lower.as_str());
                    if demonym
                        && direct
                        && head.is_some_and(|h| name::head(h) == Some(Head::Organisation))
                    {
                        found.name = text[before.range.start..range.end].to_owned();
                    }
                }
                found.country = country_in(&found.name);
                found.sort_before(words, first);
                found.sort_after(words, after);
            }
            Type::Place | Type::Other => {}
        }
        found
    }

    /// A word before a name: a title or role, what qualifies it (*Harbour* in *Harbour Minister*), or a country.
    fn title(&mut self, word: &str) {
        match country::country(word) {
            Some((country, _)) => self.country = self.country.or(Some(country.name)),
            None => self.role(word),
        }
    }

    fn role(&mut self, word: &str) {
        self.gender = self.gender.or_else(|| match name::head(word) {
            Some(Head::Person(gender)) => gender,
            _ => name::title_gender(word),
        });
        self.roles.push(word.trim_end_matches('.').to_owned());
    }

    /// *Danish Foreign Minister*, *Secretary of State* before a name.
    fn roles_before(&mut self, words: &[Word], first: usize) {
        let mut country = None;
        let mut roles = Vec::new();
        let (mut led, mut role_at) = (false, 0);
        for (at, word) in words[..first].iter().enumerate().rev().take(8) {
            if word.shape != Shape::Letters || words[at + 1].starts_line {
                break;
            }
            let lower = word.lower.as_str();
            let role = name::is_title(lower) || name::is_role(lower);
            let known = country::country(lower).filter(|_| word.capital);
            if role || name::is_role_modifier(lower) {
                if role {
                    led = true;
                    role_at = at;
                }
                roles.push(lower);
            } else if let Some((of, _)) = known {
                country = country.or(Some(of.name));
            } else if word.capital && word.class() == Class::Open {
                // "Harbour" in "Harbour Minister".
                roles.push(lower);
            } else if word.class() == Class::Open && at + 1 == role_at {
                // "harbour" in "harbour minister"; nothing before it belongs to the role.
                roles.push(lower);
                break;
            } else if (lower != "of" || roles.is_empty()) && name::head(lower).is_none() {
                break;
            }
        }
        if led {
            self.country = self.country.or(country);
            for role in roles {
                self.role(role);
            }
        }
    }

    /// *the shipping company* before a name.
    fn sort_before(&mut self, words: &[Word], first: usize) {
        let sort = first.checked_sub(1).map(|i| &words[i]).filter(|w| {
            !w.capital
                && !words[first].starts_line
                && name::head(&w.lower) == Some(Head::Organisation)
        });
        self.roles.extend(sort.map(|w| w.lower.clone()));
    }

    /// *, the country’s border agency,* after a name.
    fn sort_after(&mut self, words: &[Word], after: usize) {
        if !words.get(after).is_some_and(|w| w.is(",")) {
            return;
        }
        let Some(from) = words.get(after + 1) else {
            return;
        };
        let described = matches!(from.lower.as_str(), "a" | "an" | "the")
            || words[after + 1..]
                .iter()
                .take(3)
                .any(|w| w.shape == Shape::Possessive);
        if !described {
            return;
        }
        let end = words[after + 1..]
            .iter()
            .take(8)
            .take_while(|w| {
                (w.shape != Shape::Mark && w.class() != Class::Preposition)
                    && !matches!(w.class(), Class::Relative | Class::Auxiliary | Class::Modal)
            })
            .count();
        let closed = words.get(after + 1 + end).is_some_and(|w| {
            w.shape == Shape::Mark || matches!(w.class(), Class::Preposition | Class::Relative)
        });
        let head = &words[after + end];
        if closed && end > 0 && !head.capital && name::head(&head.lower) == Some(Head::Organisation)
        {
            self.roles.push(head.lower.clone());
        }
    }

    /// *, the union’s secretary-general,* after a name: the role, and whose it is.
    fn roles_after(&mut self, words: &[Word], after: usize) {
        if !words.get(after).is_some_and(|w| w.is(",")) {
            return;
        }
        let (mut roles, mut whose): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
        for (at, word) in words.iter().enumerate().skip(after + 1).take(12) {
            if word.is(",") || word.is(".") {
                if !roles.is_empty() {
                    self.roles.extend(whose.iter().map(|w| (*w).to_owned()));
                }
                for role in roles {
                    self.role(role);
                }
                return;
            }
            // "who met the president" is no apposition.
            if matches!(
                word.class(),
                Class::Relative | Class::Auxiliary | Class::Modal
            ) {
                return;
            }
            let lower = word.lower.as_str();
            if name::is_role(lower) {
                // "the minister’s pick" is no minister.
                if words
                    .get(at + 1)
                    .is_none_or(|w| w.shape != Shape::Possessive)
                {
                    roles.push(lower);
                }
            } else if word.capital
                && word.class() == Class::Open
                && country::country(lower).is_none()
            {
                whose.push(lower);
            } else if let Some((country, _)) = country::country(lower) {
                self.country = self.country.or(Some(country.name));
            } else if copydesk_language::cue::verb(lower).is_some_and(|v| v.lemma == "say") {
                return;
            }
        }
    }
}

/// The country that a name begins with or holds.
pub(crate) fn country_in(name: &str) -> Option<&'static str> {
    name.split_whitespace()
        .find_map(|part| match country::country(&name::fold(part)) {
            Some((country, Sense::Name | Sense::Demonym)) => Some(country.name),
            _ => None,
        })
}

fn key_of(kind: Type, name: &str) -> String {
    match kind {
        Type::Organisation => name::organisation_key(name),
        Type::Place => match country::country(name) {
            Some((country, Sense::Name)) => country.name.to_lowercase(),
            _ => name::fold(name),
        },
        Type::Person | Type::Other => name::fold(name),
    }
}

/// Whether `new` is a fuller form of the name than `old`.
fn is_fuller(kind: Type, new: &str, old: &str) -> bool {
    let parts = |n: &str| {
        n.split_whitespace()
            .filter(|p| p.trim_matches('.').chars().count() > 1)
            .count()
    };
    match kind {
        Type::Person => parts(new) > parts(old) && parts(new) <= 5,
        // "NATO" is what the document calls it; the long form wins only over a shorter long form.
        Type::Organisation => {
            let acronym = |n: &str| !n.contains(' ');
            if acronym(old) {
                false
            } else if acronym(new) {
                name::is_acronym(new, old)
            } else {
                parts(new) > parts(old)
            }
        }
        Type::Place | Type::Other => false,
    }
}

/// *ford* for *ford motor company*, *commission* for *european commission*: the first word or the last,
/// if it is no country and no place of many.
fn is_short_for(short: &str, long: &str) -> bool {
    let mut words = long.split(' ');
    let (first, last) = (words.next(), words.next_back());
    !short.is_empty()
        && !short.contains(' ')
        && country::country(short).is_none()
        && last.is_some()
        && (first == Some(short) || last == Some(short))
        // "Washington" is not the "Washington Post"; what is common in names tells nothing at their start.
        && (last == Some(short) || !is_general(short))
}

/// Words with which names of many bodies begin.
fn is_general(word: &str) -> bool {
    matches!(
        word,
        "national"
            | "international"
            | "american"
            | "european"
            | "federal"
            | "united"
            | "new"
            | "first"
            | "general"
            | "democratic"
            | "republican"
            | "south"
            | "north"
            | "east"
            | "west"
            | "world"
            | "state"
            | "central"
            | "royal"
    )
}

/// A surface without surrounding marks, leading article and possessive ending.
pub(crate) fn bare(surface: &str) -> String {
    // A name that runs over a line's end is a heading's last word and a name.
    let line = surface.trim().lines().next_back().unwrap_or(surface);
    let trimmed = line
        .trim()
        .trim_matches(|c: char| matches!(c, '“' | '”' | '"' | ',' | '(' | ')'));
    let trimmed = trimmed
        .strip_suffix("’s")
        .or_else(|| trimmed.strip_suffix("'s"))
        .unwrap_or(trimmed);
    let without = ["the ", "The ", "a ", "A ", "an ", "An "]
        .iter()
        .find_map(|article| trimmed.strip_prefix(article))
        .unwrap_or(trimmed);
    without.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use copydesk_language::word::words;

    fn chains(text: &str, names: &[(&str, &str)]) -> Chains {
        let mut entities = Vec::new();
        let mut from = 0;
        for (name, label) in names {
            let start = from
                + text[from..]
                    .find(name)
                    .unwrap_or_else(|| panic!("{name} is not in the text"));
            from = start + name.len();
            entities.push(Entity {
                range: start..from,
                kind: Type::of(label),
            });
        }
        Chains::of_names(text, &words(text), &entities)
    }

    #[test]
    fn last_names_titles_and_spellings_join() {
        let text = "Varlov spoke. Foreign Minister Sergei Varlov met Ilse Brandt. Mr Varlov and Sergey Varlov left. Brandt stayed.";
        let found = chains(
            text,
            &[
                ("Varlov", "PER"),
                ("Sergei Varlov", "PER"),
                ("Ilse Brandt", "PER"),
                ("Varlov", "PER"),
                ("Sergey Varlov", "PER"),
                ("Brandt", "PER"),
            ],
        );
        assert_eq!(found.of[0], found.of[1]);
        assert_eq!(found.of[1], found.of[3]);
        assert_eq!(found.of[1], found.of[4]);
        assert_eq!(found.of[2], found.of[5]);
        assert_eq!(found.all[found.of[0]].name, "Sergei Varlov");
        assert!(found.all[found.of[0]].has_role("minister"));
    }

    #[test]
    fn two_people_of_one_last_name_stay_apart() {
        let text = "Ilse Toll met Jan Toll. Mrs. Toll spoke.";
        let found = chains(
            text,
            &[("Ilse Toll", "PER"), ("Jan Toll", "PER"), ("Toll", "PER")],
        );
        assert_ne!(found.of[0], found.of[1]);
        assert_eq!(found.of[2], found.of[0]);
    }

    #[test]
    fn acronyms_and_offices_join() {
        let text = "The Northern Islands Treaty Organization (NITO) met. Nito slept. Norway’s Foreign Ministry and the Norwegian Foreign Ministry wrote.";
        let found = chains(
            text,
            &[
                ("Northern Islands Treaty Organization", "ORG"),
                ("NITO", "ORG"),
                ("Nito", "ORG"),
                ("Foreign Ministry", "ORG"),
                ("Norwegian Foreign Ministry", "ORG"),
            ],
        );
        assert_eq!(found.of[0], found.of[1]);
        assert_eq!(found.of[0], found.of[2]);
        assert_eq!(found.of[3], found.of[4]);
        assert_eq!(found.all[found.of[3]].name, "Norway’s Foreign Ministry");
    }

    #[test]
    fn apposition_gives_roles_and_gender() {
        let text = "Kim Venn, the union’s spokeswoman, spoke.";
        let found = chains(text, &[("Kim Venn", "PER")]);
        assert_eq!(found.all[0].gender, Some(Gender::Female));
        assert!(found.all[0].has_role("spokeswoman"));
    }
}
