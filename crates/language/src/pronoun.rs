//! Pronouns that stand for persons and things.

use crate::name::Gender;

/// The role in the sentence that a pronoun's form tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Case {
    /// he
    Subject,
    /// him
    Object,
    /// his
    Possessive,
    /// himself
    Reflexive,
}

/// What a pronoun may stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Referent {
    /// One person of known gender: he, she.
    Person(Gender),
    /// One thing, body or country: it.
    Thing,
    /// Several, or one of unknown gender: they.
    Several,
    /// The speaker: I, we.
    Speaker,
    /// The hearer: you.
    Hearer,
}

/// One pronoun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pronoun {
    /// What it may stand for.
    pub referent: Referent,
    /// Its form.
    pub case: Case,
}

/// The pronoun that `word` (lower case, straight apostrophes) is; contracted forms count (*he’s*).
#[must_use]
pub fn pronoun(word: &str) -> Option<Pronoun> {
    use Case::{Object, Possessive, Reflexive, Subject};
    let stem = word
        .strip_suffix("'s")
        .or_else(|| word.strip_suffix("'d"))
        .or_else(|| word.strip_suffix("'ll"))
        .or_else(|| word.strip_suffix("'re"))
        .or_else(|| word.strip_suffix("'ve"))
        .or_else(|| word.strip_suffix("'m"))
        .unwrap_or(word);
    let male = Referent::Person(Gender::Male);
    let female = Referent::Person(Gender::Female);
    let (referent, case) = match stem {
        "he" => (male, Subject),
        "him" => (male, Object),
        "his" => (male, Possessive),
        "himself" => (male, Reflexive),
        "she" => (female, Subject),
        // "her" as an object is the rarer reading and resolves alike.
        "her" | "hers" => (female, Possessive),
        "herself" => (female, Reflexive),
        "it" => (Referent::Thing, Subject),
        "its" => (Referent::Thing, Possessive),
        "itself" => (Referent::Thing, Reflexive),
        "they" => (Referent::Several, Subject),
        "them" => (Referent::Several, Object),
        "their" | "theirs" => (Referent::Several, Possessive),
        "themselves" => (Referent::Several, Reflexive),
        "i" | "we" => (Referent::Speaker, Subject),
        "me" | "us" => (Referent::Speaker, Object),
        "my" | "our" | "mine" | "ours" => (Referent::Speaker, Possessive),
        "myself" | "ourselves" => (Referent::Speaker, Reflexive),
        "you" => (Referent::Hearer, Subject),
        "your" | "yours" => (Referent::Hearer, Possessive),
        _ => return None,
    };
    Some(Pronoun { referent, case })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_gender_and_case() {
        let her = pronoun("her").unwrap();
        assert_eq!(her.referent, Referent::Person(Gender::Female));
        assert_eq!(pronoun("he's").unwrap().case, Case::Subject);
        assert_eq!(pronoun("its").unwrap().referent, Referent::Thing);
        assert_eq!(pronoun("minister"), None);
    }
}
