//! Targets and where a document mentions them.

use std::ops::Range;

use copydesk_language::country::{self, Sense};
use copydesk_language::name::{self, Head};
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
}

impl Target {
    pub(crate) fn defaults() -> Vec<Self> {
        let target = |name: &str, aliases: &[&str]| Self {
            name: name.to_owned(),
            aliases: aliases.iter().map(|&a| a.to_owned()).collect(),
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
            ),
            target("Russia", &["Moscow", "the Kremlin", "Russian Federation"]),
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
        same_country
            || self
                .names()
                .any(|own| key(own) == wanted || name::is_acronym(own, name))
    }

    /// The country that the target is, if it is one.
    fn country(&self) -> Option<&'static str> {
        match country::country(&self.name) {
            Some((country, Sense::Name)) => Some(country.name),
            _ => None,
        }
    }
}

/// A mention that an earlier stage resolved.
#[derive(Debug, Clone)]
pub(crate) struct Resolved {
    pub(crate) range: Range<usize>,
    pub(crate) name: Option<String>,
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
        by_body(&mut here, words, target);
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
            if !same || (capital && !run[0].capital) {
                continue;
            }
            let range = run[0].range.start..run[run.len() - 1].range.end;
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
        let common = known
            && alias
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

/// *Russian forces*, *Russian government*, *Russians*: the state and its arms, for targets that are countries.
fn by_body(out: &mut Vec<(Range<usize>, Kind)>, words: &[Word], target: &Target) {
    let Some(own) = target.country() else { return };
    for (at, word) in words.iter().enumerate() {
        let Some((country, Sense::Demonym)) = country::country(&word.lower) else {
            continue;
        };
        if country.name != own || !word.capital {
            continue;
        }
        let next = words.get(at + 1);
        let arm = next.filter(|w| {
            w.shape == Shape::Letters
                && matches!(
                    w.lower.as_str(),
                    "government"
                        | "state"
                        | "military"
                        | "army"
                        | "navy"
                        | "forces"
                        | "troops"
                        | "authorities"
                        | "regime"
                        | "leadership"
                        | "officials"
                        | "invasion"
                        | "aggression"
                        | "soldiers"
                        | "federation"
                        | "diplomats"
                )
        });
        let people =
            word.lower.ends_with("ians") || word.lower.ends_with("ans") && word.lower.len() > 5;
        match arm {
            Some(arm) => out.push((word.range.start..arm.range.end, Kind::Named)),
            None if people => out.push((word.range.clone(), Kind::Named)),
            None => out.push((word.range.clone(), Kind::Adjective)),
        }
    }
}

/// A part of another body's name: *Moscow* in *Moscow City Council*, *NATO* in *NATO-Russia Council*.
fn is_part_of_other(
    text: &str,
    range: &Range<usize>,
    entities: &[Range<usize>],
    target: &Target,
) -> bool {
    entities.iter().any(|entity| {
        entity.start <= range.start
            && range.end <= entity.end
            && entity.len() > range.len() + 4
            && {
                let whole = &text[entity.clone()];
                !target.is_named(whole) && whole.split_whitespace().count() > 1
            }
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
                    pronoun: *surface == "it",
                }
            })
            .collect();
        let targets = [
            Target {
                name: "NATO".to_owned(),
                aliases: vec!["the alliance".to_owned()],
            },
            Target {
                name: "Norway".to_owned(),
                aliases: vec!["Oslo".to_owned(), "the Storting".to_owned()],
            },
        ];
        mentions(text, &words(text), &targets, &[], &resolved)
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
            ["NATO:NATO", "NATO:Nato"]
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
    }
}
