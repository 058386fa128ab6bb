//! Targets and where a document mentions them.

use std::ops::Range;

use copydesk_language::country::{self, Country, Sense};
use copydesk_language::cue;
use copydesk_language::name::{self, Head, Person};
use copydesk_language::word::{Class, Shape, Word};
use schemars::JsonSchema;
use serde::Deserialize;

/// Somebody or something toward which sentiment is read.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Target {
    /// The name under which it stands in the output.
    pub(crate) name: String,
    /// Other names. One with an article and small letters (`the alliance`) counts where it refers to the target,
    /// the name of a capital where it stands for the government.
    #[serde(default)]
    pub(crate) aliases: Vec<String>,
    /// Full names of persons who stand for it (`Vladimir Putin`). Those whom the text itself presents so
    /// (`Norwegian Prime Minister Kari Moe`) need not be listed.
    #[serde(default)]
    pub(crate) people: Vec<String>,
    /// What counts for it beside its names: for a country its government, leaders, forces and nationals, for a
    /// body its leader. By default all of them.
    #[serde(default = "Part::all")]
    pub(crate) include: Vec<Part>,
}

/// What speaks and acts for a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Part {
    /// The state, its government, ministries, officials; its capital and seats of power where they act.
    Government,
    /// Head of state or government, ministers; the head of a body.
    Leader,
    /// Its army, troops, navy, and the invasion they are sent on.
    Forces,
    /// Its people: *Norwegians*.
    Nationals,
}

impl Part {
    fn all() -> Vec<Self> {
        vec![
            Self::Government,
            Self::Leader,
            Self::Forces,
            Self::Nationals,
        ]
    }
}

impl Target {
    pub(crate) fn defaults() -> Vec<Self> {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let target = |name: &str, aliases: &[&str], people: &[&str]| Self {
            name: name.to_owned(),
            aliases: owned(aliases),
            people: owned(people),
            include: Part::all(),
        };
        vec![
            target(
                "NATO",
                &[
                    "the alliance",
                    "the bloc",
                    "North Atlantic Treaty Organization",
                    "North Atlantic Alliance",
                ],
                &[],
            ),
            // Whom the news names without title or country.
            target(
                "Russia",
                &["Moscow", "the Kremlin", "Russian Federation"],
                &["Vladimir Putin", "Sergei Lavrov"],
            ),
        ]
    }

    /// The name and every alias.
    fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.name.as_str()).chain(self.aliases.iter().map(String::as_str))
    }

    fn is_named(&self, name: &str) -> bool {
        let wanted = key(name);
        // The long name of an acronym and the other names of a country need not be listed.
        let same_country = match (country::country(&self.name), country::country(name)) {
            (Some((own, Sense::Name)), Some((other, Sense::Name))) => own.name == other.name,
            _ => false,
        };
        // "eastern Ukraine" is not the EU.
        let in_capitals = name
            .split_whitespace()
            .all(|word| word.starts_with(char::is_uppercase) || word.len() <= 3);
        same_country
            || self
                .names()
                .any(|own| key(own) == wanted || (in_capitals && name::is_acronym(own, name)))
    }

    /// The country that the target is, if it is one.
    fn country(&self) -> Option<&'static Country> {
        match country::country(&self.name) {
            Some((country, Sense::Name)) => Some(country),
            _ => None,
        }
    }

    fn includes(&self, part: Part) -> bool {
        self.include.contains(&part)
    }
}

/// A mention that an earlier stage resolved.
#[derive(Debug, Clone)]
pub(crate) struct Resolved {
    pub(crate) range: Range<usize>,
    pub(crate) name: Option<String>,
    pub(crate) person: bool,
    pub(crate) pronoun: bool,
}

/// A place where a target is mentioned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mention {
    pub(crate) range: Range<usize>,
    /// Index of the target.
    pub(crate) target: usize,
    pub(crate) kind: Kind,
}

/// How a target is mentioned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// By name or nominal: a row of the output.
    Named,
    /// By a pronoun: it counts for what a speaker thinks.
    Pronoun,
    /// By the adjective of a country: it counts for what a speaker thinks where nothing else does.
    Adjective,
}

/// Every mention of the targets, in order of text, none inside another.
pub(crate) fn mentions(
    text: &str,
    words: &[Word],
    targets: &[Target],
    entities: &[Range<usize>],
    resolved: &[Resolved],
) -> Vec<Mention> {
    let mut found = Vec::new();
    for (index, target) in targets.iter().enumerate() {
        let mut here = by_name(text, words, target, entities);
        by_resolution(&mut here, text, words, target, resolved);
        by_person(&mut here, words, target, resolved);
        by_body(&mut here, words, target);
        by_seat(&mut here, words, target);
        found.extend(here.into_iter().map(|(range, kind)| Mention {
            range,
            target: index,
            kind,
        }));
    }
    found.sort_by_key(|m| (m.range.start, std::cmp::Reverse(m.range.end)));
    let mut out: Vec<Mention> = Vec::new();
    for mention in found {
        if out
            .last()
            .is_none_or(|last| last.range.end <= mention.range.start)
        {
            out.push(mention);
        }
    }
    out
}

/// Names and aliases as they are spelled, at word boundaries.
fn by_name(
    text: &str,
    words: &[Word],
    target: &Target,
    entities: &[Range<usize>],
) -> Vec<(Range<usize>, Kind)> {
    let mut out = Vec::new();
    for alias in target.names() {
        if is_common(alias) {
            continue;
        }
        let wanted: Vec<String> = copydesk_language::word::words(bare(alias))
            .into_iter()
            .map(|w| w.lower)
            .collect();
        if wanted.is_empty() {
            continue;
        }
        let capital = alias.chars().any(char::is_uppercase);
        for at in 0..words.len() {
            let Some(run) = words.get(at..at + wanted.len()) else {
                break;
            };
            let same = run
                .iter()
                .zip(&wanted)
                .all(|(word, wanted)| word.lower == *wanted);
            let range = if same && (run[0].capital || !capital) {
                run[0].range.start..run[run.len() - 1].range.end
            } else if let Some(part) = compound(text, &run[0], &wanted) {
                part
            } else {
                continue;
            };
            if is_part_of_other(text, &range, entities, target) {
                continue;
            }
            if is_capital(alias) && is_place(words, at, at + wanted.len()) {
                continue;
            }
            out.push((range, Kind::Named));
        }
    }
    out
}

/// The target in a compound: *NATO* in *NATO-led*, *non-NATO*.
fn compound(text: &str, word: &Word, wanted: &[String]) -> Option<Range<usize>> {
    let [wanted] = wanted else { return None };
    if !word.lower.contains('-') {
        return None;
    }
    let mut at = word.range.start;
    for part in text[word.range.clone()].split('-') {
        if part.starts_with(char::is_uppercase) && part.to_lowercase() == *wanted {
            return Some(at..at + part.len());
        }
        at += part.len() + 1;
    }
    None
}

/// Mentions that `resolve` led to the target.
fn by_resolution(
    out: &mut Vec<(Range<usize>, Kind)>,
    text: &str,
    words: &[Word],
    target: &Target,
    resolved: &[Resolved],
) {
    let known = !out.is_empty();
    for mention in resolved {
        let surface = &text[mention.range.clone()];
        let leads = mention
            .name
            .as_deref()
            .is_some_and(|name| target.is_named(name));
        // An unresolved "the alliance" in a text that names the target means it.
        let alias = mention.name.is_none()
            || mention
                .name
                .as_deref()
                .is_some_and(|n| key(n) == key(surface));
        let definite = ["the ", "this "]
            .iter()
            .any(|article| surface.to_lowercase().starts_with(article));
        let common = known
            && alias
            && definite
            && target
                .names()
                .any(|own| is_common(own) && key(own) == key(surface));
        if !leads && !common {
            continue;
        }
        let first = words.partition_point(|w| w.range.end <= mention.range.start);
        let last = words.partition_point(|w| w.range.start < mention.range.end);
        // A name that resolves to a capital alias is judged as a string above.
        if !mention.pronoun && is_capital(surface) && is_place(words, first, last) {
            continue;
        }
        if target
            .names()
            .any(|own| !is_common(own) && key(own) == key(surface))
        {
            continue;
        }
        if out
            .iter()
            .any(|(range, _)| range.start < mention.range.end && mention.range.start < range.end)
        {
            continue;
        }
        let kind = if mention.pronoun {
            Kind::Pronoun
        } else {
            Kind::Named
        };
        out.push((mention.range.clone(), kind));
    }
}

/// Persons who stand for the target: those of its option, and those whom the text presents as its leaders.
fn by_person(
    out: &mut Vec<(Range<usize>, Kind)>,
    words: &[Word],
    target: &Target,
    resolved: &[Resolved],
) {
    let mut people: Vec<&str> = target.people.iter().map(String::as_str).collect();
    let persons = || resolved.iter().filter(|m| m.person);
    if target.includes(Part::Leader) {
        let presented = persons()
            .filter(|m| !m.pronoun && is_presented_as_leader(words, &m.range, target))
            .filter_map(|m| m.name.as_deref())
            // "other officials" have no name.
            .filter(|name| name.starts_with(char::is_uppercase));
        for name in presented {
            if !people.contains(&name) {
                people.push(name);
            }
        }
    }
    if people.is_empty() {
        return;
    }
    let mut push = |range: Range<usize>, kind: Kind| {
        let free = out
            .iter()
            .all(|(known, _)| known.end <= range.start || range.end <= known.start);
        if free {
            out.push((range, kind));
        }
    };
    for mention in persons() {
        let Some(name) = mention.name.as_deref() else {
            continue;
        };
        if people.iter().any(|person| is_this_person(person, name)) {
            let kind = if mention.pronoun {
                Kind::Pronoun
            } else {
                Kind::Named
            };
            push(mention.range.clone(), kind);
        }
    }
    // Where the recogniser passed over the name.
    for person in &target.people {
        let last = Person::new(person).last().to_lowercase();
        for word in words.iter().filter(|w| w.capital && w.lower == last) {
            let other = persons().any(|m| {
                m.range.start < word.range.end
                    && word.range.start < m.range.end
                    && m.name
                        .as_deref()
                        .is_some_and(|name| !is_this_person(person, name))
            });
            if !other {
                push(word.range.clone(), Kind::Named);
            }
        }
    }
}

/// A last name alone is enough; a given name alone (*Vladimir*) is not.
fn is_this_person(person: &str, name: &str) -> bool {
    name::same_last(person, name) && name::same_person(person, name)
}

/// *Norwegian Prime Minister Kari Moe*; *Kari Moe, Norway’s prime minister*; *NATO chief Kari Moe*.
fn is_presented_as_leader(words: &[Word], range: &Range<usize>, target: &Target) -> bool {
    let is_country = target.country().is_some();
    let leads = |role: &str| {
        if is_country {
            is_state_leader(role)
        } else {
            is_leader_of_body(role)
        }
    };
    let represents = ["ambassador", "envoy", "spokesman", "spokeswoman"];
    is_presented(
        words,
        range,
        target,
        &|role| leads(role) && !represents.contains(&role),
        &represents,
    )
}

/// Whether a speaker who is named at `range` speaks for the target: *Norwegian envoy Kari Moe*, *Norway’s foreign
/// ministry*, *Kari Moe, a NATO spokeswoman*.
pub(crate) fn speaks_for(words: &[Word], range: &Range<usize>, target: &Target) -> bool {
    is_presented(words, range, target, &is_office, &[])
}

/// Whether the words around the mention at `range` say that it has such a role with the target.
fn is_presented(
    words: &[Word],
    range: &Range<usize>,
    target: &Target,
    is_role: &dyn Fn(&str) -> bool,
    denied: &[&str],
) -> bool {
    let from = words.partition_point(|w| w.range.end <= range.start);
    let to = words.partition_point(|w| w.range.start < range.end);
    let belongs = |word: &Word| {
        word.shape == Shape::Possessive
            || (word.shape == Shape::Letters
                && (word.capital
                    || matches!(word.lower.as_str(), "of" | "the" | "a" | "an")
                    || name::is_role(&word.lower)
                    || name::is_role_modifier(&word.lower)))
    };
    let before = (0..from)
        .rev()
        .take(7)
        .take_while(|&i| belongs(&words[i]))
        .last()
        .unwrap_or(from);
    let presents = |words: &[Word]| presents(words, target, is_role, denied);
    if presents(&words[before..to]) {
        return true;
    }
    // The apposition, from mark to mark.
    let Some((_, after)) = words[to..].split_first().filter(|(mark, _)| mark.is(",")) else {
        return false;
    };
    let length = after.iter().take(10).take_while(|w| belongs(w)).count();
    let closed = after.get(length).is_none_or(|w| w.shape == Shape::Mark);
    closed && presents(&after[..length])
}

/// Whether these words name the target and a role with it.
fn presents(
    words: &[Word],
    target: &Target,
    is_role: &dyn Fn(&str) -> bool,
    denied: &[&str],
) -> bool {
    let country = target.country();
    let own = |word: &Word| match country {
        Some(own) => {
            matches!(country::country(&word.lower), Some((country, Sense::Name | Sense::Demonym)) if country.name == own.name)
        }
        None => target.names().any(|name| word.lower == name.to_lowercase()),
    };
    let denied = |word: &Word| {
        let lower = word.lower.as_str();
        denied.contains(&lower)
            || matches!(
                lower,
                "former"
                    | "ex"
                    | "opposition"
                    | "late"
                    | "exiled"
                    | "rebel"
                    | "party"
                    | "critic"
                    | "candidate"
                    | "dissident"
                    | "jailed"
                    | "opponent"
                    | "analyst"
                    | "journalist"
            )
            || lower.starts_with("ex-")
    };
    let role = words.iter().rposition(|word| is_role(&word.lower));
    let whose = words.iter().rposition(own);
    // "Norwegian Prime Minister", "president of Norway".
    let near = role
        .zip(whose)
        .is_some_and(|(role, whose)| role.abs_diff(whose) <= 3);
    near && !words.iter().any(denied)
}

fn is_leader_of_body(word: &str) -> bool {
    matches!(
        word,
        "secretary-general"
            | "secretary"
            | "chief"
            | "head"
            | "chairman"
            | "chairwoman"
            | "director-general"
    )
}

/// Whoever holds it speaks for a state or a body.
fn is_office(word: &str) -> bool {
    is_state_leader(word)
        || is_leader_of_body(word)
        || matches!(
            word,
            "official"
                | "officials"
                | "diplomat"
                | "diplomats"
                | "ambassador"
                | "envoy"
                | "spokesman"
                | "spokeswoman"
                | "spokesperson"
                | "representative"
                | "negotiator"
                | "delegate"
                | "general"
                | "admiral"
                | "colonel"
                | "commander"
                | "ministry"
                | "embassy"
                | "mission"
                | "government"
                | "military"
                | "army"
                | "parliament"
                | "senator"
                | "lawmaker"
                | "deputy"
                | "presidency"
                | "foreign-ministry"
        )
}

fn is_state_leader(word: &str) -> bool {
    matches!(
        word,
        "president"
            | "premier"
            | "chancellor"
            | "minister"
            | "leader"
            | "king"
            | "queen"
            | "emperor"
            | "dictator"
            | "ruler"
            | "strongman"
            | "tsar"
            | "czar"
    )
}

/// *Norwegian forces*, *Norwegian foreign ministry*, *Norwegians*: the state and its arms, for targets that
/// are countries.
fn by_body(out: &mut Vec<(Range<usize>, Kind)>, words: &[Word], target: &Target) {
    let Some(own) = target.country() else { return };
    for (at, word) in words.iter().enumerate() {
        let Some((country, Sense::Demonym)) = country::country(&word.lower) else {
            continue;
        };
        if country.name != own.name || !word.capital {
            continue;
        }
        let people =
            word.lower.ends_with("ians") || word.lower.ends_with("ans") && word.lower.len() > 5;
        let kind = match arm(words, at) {
            Some((end, part)) if target.includes(part) => {
                out.push((word.range.start..words[end].range.end, Kind::Named));
                continue;
            }
            None if people && target.includes(Part::Nationals) => Kind::Named,
            _ => Kind::Adjective,
        };
        out.push((word.range.clone(), kind));
    }
}

/// The arm of the state that the adjective at `at` belongs to: its last word and what it is.
fn arm(words: &[Word], at: usize) -> Option<(usize, Part)> {
    let mut found = None;
    for (end, word) in words.iter().enumerate().skip(at + 1).take(4) {
        if word.shape != Shape::Letters || word.starts_line {
            break;
        }
        let lower = word.lower.as_str();
        let part = match lower {
            "government" | "state" | "authorities" | "regime" | "leadership" | "officials"
            | "diplomats" | "federation" | "ministry" | "parliament" | "embassy" | "delegation"
            | "cabinet" | "administration" => Some(Part::Government),
            "military" | "army" | "navy" | "forces" | "force" | "troops" | "soldiers" | "fleet"
            | "marines" | "paratroopers" | "servicemen" | "invasion" | "aggression" => {
                Some(Part::Forces)
            }
            _ if is_state_leader(lower) => Some(Part::Leader),
            _ => None,
        };
        match part {
            Some(part) => found = Some((end, part)),
            None if matches!(
                lower,
                "foreign"
                    | "defence"
                    | "defense"
                    | "armed"
                    | "security"
                    | "federal"
                    | "air"
                    | "naval"
                    | "ground"
                    | "special"
                    | "top"
                    | "senior"
                    | "interior"
                    | "finance"
                    | "occupation"
                    | "occupying"
                    | "regular"
                    | "prime"
                    | "deputy"
                    | "first"
                    | "full-scale"
                    | "central"
            ) => {}
            None => {
                // "state television" is a station, "President Moe" a person counted by the name.
                let (end_of_arm, part) = found?;
                let media = words[end_of_arm].lower == "state"
                    && end == end_of_arm + 1
                    && word.class() == Class::Open
                    && cue::verb(lower).is_none();
                let titled = part == Part::Leader && end == end_of_arm + 1 && word.capital;
                return found.filter(|_| !media && !titled);
            }
        }
    }
    let former = at.checked_sub(1).is_some_and(|i| {
        let before = words[i].lower.as_str();
        matches!(before, "former" | "ex" | "late")
    });
    found.filter(|&(_, part)| !(former && part == Part::Leader))
}

/// The capital and the seats of power of a country where they act for its government: *Oslo warned*.
fn by_seat(out: &mut Vec<(Range<usize>, Kind)>, words: &[Word], target: &Target) {
    let Some(own) = target
        .country()
        .filter(|_| target.includes(Part::Government))
    else {
        return;
    };
    let seats = std::iter::once(own.capital).chain(own.seats.iter().copied());
    for seat in seats.filter(|seat| !seat.is_empty()) {
        // Aliases of the target are judged as names.
        if target
            .names()
            .any(|name| bare(name).eq_ignore_ascii_case(seat))
        {
            continue;
        }
        let parts: Vec<String> = seat.split(' ').map(str::to_lowercase).collect();
        for first in 0..words.len() {
            let last = first + parts.len();
            let Some(run) = words.get(first..last) else {
                break;
            };
            let same = run
                .iter()
                .zip(&parts)
                .all(|(word, part)| word.capital && word.lower == *part);
            if !same || !acts(words, first, last) {
                continue;
            }
            let range = run[0].range.start..run[run.len() - 1].range.end;
            let free = out
                .iter()
                .all(|(known, _)| known.end <= range.start || range.end <= known.start);
            if free {
                out.push((range, Kind::Named));
            }
        }
    }
}

/// Whether a place stands where somebody acts or is dealt with: *Oslo said*, *talks with Oslo*.
fn acts(words: &[Word], first: usize, last: usize) -> bool {
    if is_place(words, first, last) {
        return false;
    }
    let dealt_with = first.checked_sub(1).is_some_and(|i| {
        matches!(
            words[i].lower.as_str(),
            "with" | "against" | "between" | "toward" | "towards" | "by"
        )
    });
    let mut next = last;
    while words.get(next).is_some_and(|w| w.class() == Class::Adverb) {
        next += 1;
    }
    let verb = words.get(next).is_some_and(|w| {
        matches!(w.class(), Class::Auxiliary | Class::Modal)
            || (w.shape == Shape::Letters
                && !w.capital
                && (cue::verb(&w.lower).is_some()
                    || (w.lower.len() > 4 && w.lower.ends_with("ed"))))
    });
    dealt_with || verb
}

/// A part of another body's name: *Moscow* in *Moscow City Council*, *NATO* in *NATO-Russia Council*.
fn is_part_of_other(
    text: &str,
    range: &Range<usize>,
    entities: &[Range<usize>],
    target: &Target,
) -> bool {
    entities.iter().any(|entity| {
        if !(entity.start <= range.start && range.end <= entity.end) {
            return false;
        }
        // "NATO’s Harbour Force" and "the NATO alliance" name NATO as well.
        let after = &text[range.end..entity.end];
        let owned = after.starts_with("’s") || after.starts_with("'s");
        let named = text[entity.start..range.start]
            .split_whitespace()
            .chain(after.split_whitespace())
            .any(|word| word.starts_with(char::is_uppercase));
        named && !owned && entity.len() > range.len() + 4 && !target.is_named(&text[entity.clone()])
    })
}

/// The capital as a city: *in Moscow*, *flew to Moscow*, *the Moscow office*.
fn is_place(words: &[Word], first: usize, last: usize) -> bool {
    let before = first.checked_sub(1).map(|i| &words[i]);
    let after = words.get(last);
    let lower = before.map_or("", |w| w.lower.as_str());
    if matches!(
        lower,
        "in" | "at"
            | "near"
            | "around"
            | "outside"
            | "inside"
            | "across"
            | "throughout"
            | "downtown"
            | "central"
            | "via"
    ) {
        return true;
    }
    if matches!(lower, "to" | "from" | "for") {
        let moved = first.checked_sub(2).is_some_and(|i| {
            let verb = words[i].lower.as_str();
            [
                "travel", "fl", "return", "arriv", "mov", "visit", "trip", "journey", "went", "go",
                "drove", "back", "train", "miles", "kilomet", "km", "left", "report",
            ]
            .iter()
            .any(|stem| verb.starts_with(stem))
        });
        return moved;
    }
    if matches!(lower, "the" | "a") {
        // "the Moscow team": a modifier of place, unless a possessive makes it act.
        return after
            .is_some_and(|w| w.shape == Shape::Letters && w.class() == Class::Open && !w.capital);
    }
    // "MOSCOW —", "Moscow, Russia", "Moscow (Reuters)".
    let starts_line = before.is_none();
    after.is_some_and(|w| {
        (starts_line && (w.is("—") || w.is("–") || w.is("(")))
            || (w.is(",")
                && words
                    .get(last + 1)
                    .is_some_and(|n| matches!(country::country(&n.lower), Some((_, Sense::Name)))))
    })
}

fn is_capital(alias: &str) -> bool {
    matches!(country::country(alias), Some((_, Sense::Capital)))
}

/// `the alliance`: a common noun, which names nobody by itself.
fn is_common(alias: &str) -> bool {
    let bare = bare(alias);
    bare.len() < alias.len()
        && !bare.chars().any(char::is_uppercase)
        && bare
            .split_whitespace()
            .last()
            .is_some_and(|head| matches!(name::head(head), Some(Head::Organisation)))
}

fn bare(alias: &str) -> &str {
    let alias = alias.trim();
    alias
        .strip_prefix("the ")
        .or_else(|| alias.strip_prefix("The "))
        .unwrap_or(alias)
}

fn key(name: &str) -> String {
    name::organisation_key(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use copydesk_language::word::words;

    fn found(text: &str, resolved: &[(&str, Option<&str>)]) -> Vec<String> {
        let resolved: Vec<Resolved> = resolved
            .iter()
            .map(|(surface, name)| {
                let start = text.find(surface).unwrap();
                Resolved {
                    range: start..start + surface.len(),
                    name: name.map(str::to_owned),
                    person: name.is_some_and(|name| name.contains("Moe")),
                    pronoun: matches!(*surface, "it" | "She"),
                }
            })
            .collect();
        found_for(&targets(), text, &resolved)
    }

    fn targets() -> [Target; 2] {
        let target = |name: &str, aliases: &[&str]| Target {
            name: name.to_owned(),
            aliases: aliases.iter().map(|&a| a.to_owned()).collect(),
            people: Vec::new(),
            include: Part::all(),
        };
        [
            target("NATO", &["the alliance"]),
            target("Norway", &["Oslo", "the Storting"]),
        ]
    }

    fn found_for(targets: &[Target], text: &str, resolved: &[Resolved]) -> Vec<String> {
        mentions(text, &words(text), targets, &[], resolved)
            .into_iter()
            .filter(|m| m.kind == Kind::Named)
            .map(|m| format!("{}:{}", targets[m.target].name, &text[m.range]))
            .collect()
    }

    #[test]
    fn names_at_word_boundaries_in_any_case() {
        assert_eq!(
            found(
                "NATO’s ships met Nato. A pronatorium and a NATO-wide plan.",
                &[]
            ),
            ["NATO:NATO", "NATO:Nato", "NATO:NATO"]
        );
        assert_eq!(
            found("Norway left. The Storting voted.", &[]),
            ["Norway:Norway", "Norway:Storting"]
        );
    }

    #[test]
    fn a_capital_counts_where_it_acts() {
        assert_eq!(
            found("Oslo warned NATO.", &[]),
            ["Norway:Oslo", "NATO:NATO"]
        );
        assert_eq!(
            found(
                "They met in Oslo and flew to Oslo. The Oslo office closed.",
                &[]
            ),
            Vec::<String>::new()
        );
        assert_eq!(found("A message to Oslo was sent.", &[]), ["Norway:Oslo"]);
    }

    #[test]
    fn a_common_noun_counts_where_it_refers() {
        assert_eq!(
            found(
                "NATO met. Later the alliance voted.",
                &[("the alliance", Some("NATO"))]
            ),
            ["NATO:NATO", "NATO:the alliance"]
        );
        assert_eq!(
            found(
                "NATO met. Later the alliance voted.",
                &[("the alliance", Some("Harbour Alliance"))]
            ),
            ["NATO:NATO"]
        );
        assert_eq!(
            found("Later the alliance voted.", &[("the alliance", None)]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn the_state_and_its_arms_count_for_a_country() {
        assert_eq!(
            found(
                "Norwegian troops and Norwegian cheese; Norwegians slept.",
                &[]
            ),
            ["Norway:Norwegian troops", "Norway:Norwegians"]
        );
        assert_eq!(
            found(
                "The Norwegian foreign ministry met Norwegian military officials and watched Norwegian state television.",
                &[]
            ),
            [
                "Norway:Norwegian foreign ministry",
                "Norway:Norwegian military officials"
            ]
        );
    }

    #[test]
    fn what_counts_for_a_country_is_a_choice() {
        let mut targets = targets();
        targets[1].include = vec![Part::Forces];
        let text = "Norwegian troops met Norwegian officials and many Norwegians.";
        assert_eq!(found_for(&targets, text, &[]), ["Norway:Norwegian troops"]);
    }

    #[test]
    fn leaders_whom_the_text_presents_count() {
        let moe = Some("Kari Moe");
        let text = "Norwegian Prime Minister Kari Moe left. Later Moe slept. She smiled.";
        assert_eq!(
            found(text, &[("Kari Moe", moe), ("Moe slept", moe), ("She", moe)]),
            ["Norway:Kari Moe", "Norway:Moe slept"]
        );
        let text = "Kari Moe, Norway’s prime minister, left.";
        assert_eq!(
            found(text, &[("Kari Moe", moe)]),
            ["Norway:Kari Moe", "Norway:Norway"]
        );
        let text = "NATO Secretary-General Kari Moe left.";
        assert_eq!(
            found(text, &[("Kari Moe", moe)]),
            ["NATO:NATO", "NATO:Kari Moe"]
        );
        for other in [
            "Former Norwegian Prime Minister Kari Moe left.",
            "Norwegian opposition leader Kari Moe left.",
            "Norwegian singer Kari Moe left.",
            "Danish Prime Minister Kari Moe left.",
        ] {
            assert_eq!(found(other, &[("Kari Moe", moe)]), Vec::<String>::new());
        }
    }

    #[test]
    fn people_of_the_option_count_by_their_last_names() {
        let mut targets = targets();
        targets[1].people = vec!["Kari Moe".to_owned()];
        let text = "Moe left. Jan Moe stayed. Kari slept.";
        let other = Resolved {
            range: 10..17,
            name: Some("Jan Moe".to_owned()),
            person: true,
            pronoun: false,
        };
        assert_eq!(found_for(&targets, text, &[other]), ["Norway:Moe"]);
    }

    #[test]
    fn seats_of_power_act_for_any_country() {
        let mut targets = targets();
        targets[1] = Target {
            name: "Denmark".to_owned(),
            aliases: Vec::new(),
            people: Vec::new(),
            include: Part::all(),
        };
        assert_eq!(
            found_for(
                &targets,
                "Copenhagen warned Oslo. They met in Copenhagen. A Copenhagen court sat.",
                &[]
            ),
            ["Denmark:Copenhagen"]
        );
        targets[1].include = vec![Part::Leader];
        assert_eq!(
            found_for(&targets, "Copenhagen warned Oslo.", &[]),
            Vec::<String>::new()
        );
    }
}
