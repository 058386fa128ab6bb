//! Chains of names: which entities of a document are one and the same.

use std::ops::Range;

use copydesk_language::country::{self, Sense};
use copydesk_language::name::{self, Gender, Head, Person};
use copydesk_language::word::{Shape, Word};

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

/// All chains of a document and the chain of each entity.
#[derive(Debug, Clone, Default)]
pub(crate) struct Chains {
    pub(crate) all: Vec<Chain>,
    /// By row of the entity.
    pub(crate) of: Vec<usize>,
}

impl Chains {
    /// Joins the entities of a document, in order of text, into chains.
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
        chains
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

    /// A person without a name: *a harbour official*.
    pub(crate) fn unnamed(
        &mut self,
        surface: &str,
        role: &str,
        gender: Option<Gender>,
        country: Option<&'static str>,
    ) -> usize {
        let mut chain = Chain::new(Type::Person, surface.to_owned());
        chain.roles.push(role.to_owned());
        chain.gender = gender;
        chain.country = country;
        self.all.push(chain);
        self.all.len() - 1
    }

    /// A chain whose key is `key` or ends in it (at least two words).
    pub(crate) fn find_organisation(&self, key: &str) -> Option<usize> {
        let ends = |long: &str, short: &str| {
            long.strip_suffix(short)
                .is_some_and(|rest| rest.ends_with(' ') && short.contains(' '))
        };
        self.all
            .iter()
            .position(|c| c.kind == Type::Organisation && c.key == key)
            .or_else(|| {
                self.all.iter().position(|c| {
                    c.kind == Type::Organisation && (ends(&c.key, key) || ends(key, &c.key))
                })
            })
    }

    fn place(&mut self, text: &str, words: &[Word], entities: &[Entity], row: usize) -> usize {
        let entity = &entities[row];
        let around = Surroundings::of(text, words, &entity.range, entity.kind);
        let found = match entity.kind {
            Type::Person => self.person(&around),
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

    fn person(&self, around: &Surroundings) -> Option<usize> {
        let last = name::fold(Person::new(&around.name).last());
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
        let by_last = |&i: &usize| {
            self.all[i]
                .names
                .iter()
                .any(|n| name::fold(Person::new(n).last()) == last)
        };
        // The last name says more than a shared given name; the latest comes first.
        hits.iter()
            .rev()
            .copied()
            .find(|i| by_last(i))
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
                    found.role(&title.to_lowercase());
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
            }
            Type::Place | Type::Other => {}
        }
        found
    }

    fn role(&mut self, word: &str) {
        self.gender = self.gender.or_else(|| match name::head(word) {
            Some(Head::Person(gender)) => gender,
            _ => name::title_gender(word),
        });
        self.roles.push(word.trim_end_matches('.').to_owned());
    }

    /// *Danish Foreign Minister* before a name.
    fn roles_before(&mut self, words: &[Word], first: usize) {
        for word in words[..first].iter().rev().take(8) {
            if word.shape != Shape::Letters {
                break;
            }
            let lower = word.lower.as_str();
            if name::is_title(lower) || name::is_role(lower) || name::is_role_modifier(lower) {
                self.role(lower);
            } else if let Some((country, _)) = country::country(lower) {
                self.country = self.country.or(Some(country.name));
            } else if !word.capital && name::head(lower).is_none() {
                break;
            }
        }
    }

    /// *, the union’s secretary-general,* after a name.
    fn roles_after(&mut self, words: &[Word], after: usize) {
        if !words.get(after).is_some_and(|w| w.is(",")) {
            return;
        }
        let mut roles = Vec::new();
        for word in words[after + 1..].iter().take(12) {
            if word.is(",") || word.is(".") {
                for role in roles {
                    self.role(role);
                }
                return;
            }
            let lower = word.lower.as_str();
            if name::is_role(lower) {
                roles.push(lower);
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

/// A surface without surrounding marks, leading article and possessive ending.
pub(crate) fn bare(surface: &str) -> String {
    let trimmed = surface
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
