//! Noun phrases by closed classes and shapes: enough to find who stands before
//! a verb, without a tagger.

use std::ops::Range;

use crate::cue::{self, Form};
use crate::name;
use crate::word::{Class, Shape, Word};

/// A noun phrase without the prepositional phrases that follow it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase {
    /// Its words, as indices.
    pub words: Range<usize>,
    /// Its last word that is no possessive ending.
    pub head: usize,
    /// The preposition right before it.
    pub preposition: Option<usize>,
    /// It ends in a possessive: *Russia’s* before something that is no noun.
    pub possessive: bool,
}

impl Phrase {
    /// Its bytes in the text.
    #[must_use]
    pub fn range(&self, words: &[Word]) -> Range<usize> {
        let last = if self.possessive {
            self.head
        } else {
            self.words.end - 1
        };
        words[self.words.start].range.start..words[last].range.end
    }

    /// Whether it is a single pronoun.
    #[must_use]
    pub fn is_pronoun(&self, words: &[Word]) -> bool {
        self.words.len() == 1 && words[self.head].class() == Class::Pronoun
    }
}

/// The noun phrases among `words`, in order, none overlapping.
///
/// `names` are byte ranges known to be names; each stays in one phrase.
#[must_use]
pub fn phrases(words: &[Word], names: &[Range<usize>]) -> Vec<Phrase> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let end = end_of_phrase(words, names, at);
        if end == at {
            at += 1;
            continue;
        }
        let head = (at..end)
            .rev()
            .find(|&i| words[i].shape != Shape::Possessive)
            .unwrap_or(end - 1);
        let only_determiner = (at..end).all(|i| {
            matches!(
                words[i].class(),
                Class::Determiner | Class::PossessivePronoun
            )
        });
        if !only_determiner
            || matches!(
                words[head].lower.as_str(),
                "this"
                    | "some"
                    | "many"
                    | "both"
                    | "several"
                    | "one"
                    | "two"
                    | "three"
                    | "most"
                    | "few"
            )
        {
            let preposition = at
                .checked_sub(1)
                .filter(|&i| matches!(words[i].class(), Class::Preposition | Class::To));
            out.push(Phrase {
                words: at..end,
                head,
                preposition,
                possessive: words[end - 1].shape == Shape::Possessive,
            });
        }
        at = end;
    }
    out
}

fn end_of_phrase(words: &[Word], names: &[Range<usize>], start: usize) -> usize {
    let first = &words[start];
    if first.class() == Class::Pronoun {
        return start + 1;
    }
    let mut at = start;
    let mut nouns = 0;
    while at < words.len() {
        if at > start && words[at].starts_line {
            break;
        }
        if let Some(name) = names.iter().find(|n| n.contains(&words[at].range.start)) {
            if at > start && stands_apart(&words[start..at]) {
                break;
            }
            while at < words.len() && words[at].range.start < name.end {
                at += 1;
            }
            nouns += 1;
            continue;
        }
        let word = &words[at];
        // "this month | the union": a time stands apart from what follows it.
        if at > start
            && is_span_of_time(&words[at - 1].lower)
            && word.shape == Shape::Letters
            && word.capital
        {
            break;
        }
        let fits = match word.shape {
            Shape::Mark => false,
            Shape::Possessive => at > start,
            Shape::Number => true,
            Shape::Letters => match word.class() {
                Class::Determiner => at == start || (nouns == 0 && at > start),
                Class::PossessivePronoun => at == start,
                Class::Adverb if word.capital => words
                    .get(at + 1)
                    .is_some_and(|next| next.shape == Shape::Possessive),
                Class::Adverb => nouns == 0 && at > start,
                Class::Open => !is_verb(words, start, at, nouns) && !stands_after_noun(words, at),
                // "The Who" and "Of Mice" are names' business.
                _ => false,
            },
        };
        if !fits {
            break;
        }
        // "the 52-year-old" is whole without a noun.
        let noun = match word.shape {
            Shape::Letters => word.class() == Class::Open,
            Shape::Number => word.lower.contains('-') && word.lower.contains(char::is_alphabetic),
            Shape::Possessive | Shape::Mark => false,
        };
        nouns += usize::from(noun);
        at += 1;
    }
    at
}

/// Whether a name after these words begins a phrase of its own: *in an interview | Venn said*.
fn stands_apart(before: &[Word]) -> bool {
    let last = &before[before.len() - 1];
    is_span_of_time(&last.lower)
        || (before[0].class() == Class::Determiner
            && before.len() > 1
            && last.shape == Shape::Letters
            && last.class() == Class::Open
            && !last.capital
            // "a disappointed Venn"
            && !last.lower.ends_with("ed")
            && !name::is_role_modifier(&last.lower)
            && !matches!(
                name::head(&last.lower),
                Some(name::Head::Person(_) | name::Head::Persons | name::Head::Organisation)
            ))
}

fn is_span_of_time(word: &str) -> bool {
    matches!(
        word,
        "month"
            | "week"
            | "year"
            | "day"
            | "night"
            | "morning"
            | "afternoon"
            | "evening"
            | "weekend"
            | "summer"
            | "winter"
            | "spring"
            | "autumn"
    )
}

/// *an official | familiar with the talks*: an adjective with a complement follows its noun.
fn stands_after_noun(words: &[Word], at: usize) -> bool {
    let noun = at
        .checked_sub(1)
        .map(|i| &words[i])
        .is_some_and(|w| w.shape == Shape::Letters && w.class() == Class::Open);
    noun && matches!(
        words[at].lower.as_str(),
        "familiar" | "close" | "aware" | "responsible" | "critical" | "opposed"
    ) && words
        .get(at + 1)
        .is_some_and(|next| matches!(next.class(), Class::Preposition | Class::To))
}

/// Whether the open word at `at` is rather a verb that ends the phrase begun at `start`.
fn is_verb(words: &[Word], start: usize, at: usize, nouns: usize) -> bool {
    let word = &words[at];
    if word.capital && at > 0 && !words[at - 1].is(".") {
        return false;
    }
    let lower = word.lower.as_str();
    if word.capital {
        return false;
    }
    if let Some(verb) = cue::verb(lower) {
        return match verb.form {
            // "with repeated calls" has no verb.
            Form::Past | Form::Participle if at == start => !words[..at]
                .last()
                .is_some_and(|w| w.class() == Class::Preposition),
            Form::Past | Form::Participle | Form::Ing => nouns > 0 || at == start,
            Form::Base | Form::Present => {
                // "secretary of state": nothing but a noun follows a preposition.
                let after_preposition = at == start
                    && at > 0
                    && words[at - 1].class() == Class::Preposition
                    && verb.form == Form::Base;
                // "The report", but "Venn reports".
                let named =
                    at > start && words[at - 1].capital && words[at - 1].class() == Class::Open;
                let inside = at > start && !named;
                // "the talks" is nothing else; "many talk" is.
                let determined = at == start + 1
                    && (matches!(words[start].lower.as_str(), "the" | "a" | "an")
                        || words[start].class() == Class::PossessivePronoun);
                !(determined || (is_also_noun(lower) && (inside || after_preposition)))
            }
        };
    }
    if nouns == 0 && at > start {
        return false;
    }
    // "Venn leaving the quay", but "the Harbour hearing".
    let participle = at > start
        && words[at - 1].capital
        && lower.len() > 5
        && lower.ends_with("ing")
        && !matches!(
            lower,
            "meeting"
                | "briefing"
                | "building"
                | "hearing"
                | "ruling"
                | "filing"
                | "spending"
                | "funding"
                | "training"
                | "housing"
                | "warning"
                | "opening"
                | "offering"
                | "holding"
                | "morning"
                | "evening"
                | "station"
        );
    participle || is_past(lower)
}

fn is_also_noun(word: &str) -> bool {
    let word = name::singular(word).unwrap_or_else(|| word.to_owned());
    matches!(
        word.as_str(),
        "report"
            | "claim"
            | "comment"
            | "note"
            | "charge"
            | "state"
            | "plan"
            | "view"
            | "fear"
            | "hope"
            | "order"
            | "demand"
            | "question"
            | "request"
            | "answer"
            | "reply"
            | "remark"
            | "object"
            | "vote"
            | "post"
            | "tweet"
            | "address"
            | "attack"
            | "promise"
            | "pledge"
            | "blog"
            | "message"
            | "text"
            | "cry"
            | "joke"
            | "rule"
            | "concern"
            | "blame"
            | "praise"
            | "welcome"
            | "support"
            | "offer"
            | "list"
            | "detail"
            | "document"
            | "favor"
            | "favour"
            | "doubt"
            | "guess"
            | "judge"
            | "back"
            | "voice"
            | "label"
            | "brand"
            | "term"
            | "name"
            | "thank"
            | "love"
            | "laugh"
            | "smile"
            | "sense"
            | "estimate"
            | "forecast"
            | "broadcast"
            | "start"
            | "finish"
            | "volunteer"
            | "quote"
            | "dispute"
            | "slam"
            | "rap"
            | "decree"
            | "rage"
            | "storm"
            | "host"
            | "whisper"
            | "murmur"
            | "shout"
            | "call"
            | "aim"
            | "warrant"
            | "appeal"
            | "protest"
            | "venture"
    )
}

/// Past tenses that no cue list has, by ending or by heart.
fn is_past(word: &str) -> bool {
    (word.len() > 4
        && word.ends_with("ed")
        && !matches!(word, "united" | "speed" | "indeed" | "hundred" | "embed"))
        || matches!(
            word,
            "withdrew"
                | "undertook"
                | "overtook"
                | "overthrew"
                | "forbade"
                | "forgave"
                | "bore"
                | "beat"
                | "blew"
                | "chose"
                | "clung"
                | "dug"
                | "fed"
                | "felt"
                | "fled"
                | "heard"
                | "knew"
                | "laid"
                | "leapt"
                | "lent"
                | "mistook"
                | "rang"
                | "sank"
                | "saw"
                | "sought"
                | "slid"
                | "sprang"
                | "swept"
                | "swore"
                | "swung"
                | "thought"
                | "understood"
                | "wrote"
                | "quit"
                | "arose"
                | "awoke"
                | "bent"
                | "bred"
                | "cast"
                | "shed"
                | "went"
                | "came"
                | "took"
                | "made"
                | "gave"
                | "got"
                | "left"
                | "met"
                | "held"
                | "led"
                | "kept"
                | "ran"
                | "won"
                | "lost"
                | "stood"
                | "sat"
                | "sent"
                | "spent"
                | "fell"
                | "rose"
                | "grew"
                | "drew"
                | "broke"
                | "put"
                | "set"
                | "hit"
                | "let"
                | "became"
                | "brought"
                | "built"
                | "bought"
                | "caught"
                | "dealt"
                | "drove"
                | "fought"
                | "flew"
                | "froze"
                | "hid"
                | "hurt"
                | "paid"
                | "rode"
                | "sold"
                | "shook"
                | "shot"
                | "shut"
                | "slept"
                | "spoke"
                | "stole"
                | "struck"
                | "taught"
                | "threw"
                | "wore"
                | "deepens"
                | "goes"
                | "comes"
                | "takes"
                | "makes"
                | "gives"
                | "gets"
                | "leaves"
                | "meets"
                | "holds"
                | "leads"
                | "keeps"
                | "runs"
                | "wins"
                | "loses"
                | "stands"
                | "sends"
                | "remains"
                | "includes"
                | "became_"
                | "seems"
                | "appears"
                | "looks"
                | "began"
                | "needs"
                | "helps"
                | "serves"
                | "works"
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::word::words;

    fn found(text: &str) -> Vec<String> {
        let words = words(text);
        phrases(&words, &[])
            .iter()
            .map(|p| text[p.range(&words)].to_owned())
            .collect()
    }

    #[test]
    fn phrases_end_at_verbs_and_prepositions() {
        assert_eq!(
            found("Norway’s foreign ministry accused the alliance of hyping the threat"),
            [
                "Norway’s foreign ministry",
                "the alliance",
                "hyping",
                "the threat"
            ]
        );
        assert_eq!(
            found("Harbour Minister Ilse Brandt at a briefing on Monday said he left"),
            ["Harbour Minister Ilse Brandt", "a briefing", "he"]
        );
        assert_eq!(
            found("The union suspended eight undeclared agents"),
            ["The union", "eight undeclared agents"]
        );
    }

    #[test]
    fn complements_stay_outside() {
        assert_eq!(
            found("The former secretary of state said no"),
            ["The former secretary", "state"]
        );
        assert_eq!(found("The report says no"), ["The report"]);
        assert_eq!(found("One of his aides said no"), ["One", "his aides"]);
        assert_eq!(found("with repeated calls"), ["repeated calls"]);
        assert_eq!(found("The 52-year-old said no"), ["The 52-year-old"]);
        assert_eq!(
            found("An official familiar with the talks said no"),
            ["An official", "the talks"]
        );
    }

    #[test]
    fn a_name_stays_whole() {
        let text = "The University of Port Ellen said no";
        let words = words(text);
        let name = 4..text.find(" said").unwrap();
        let phrases = phrases(&words, &[name]);
        assert_eq!(
            &text[phrases[0].range(&words)],
            "The University of Port Ellen"
        );
    }

    #[test]
    fn the_preposition_is_known() {
        let words = words("the head of the union");
        let phrases = phrases(&words, &[]);
        assert_eq!(phrases[0].preposition, None);
        assert_eq!(phrases[1].preposition, Some(2));
    }
}
