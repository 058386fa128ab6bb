//! Heads of mentions, and what kind of mention they make.

use copydesk_language::pronoun;

use crate::spans::Span;

/// What a mention is, by the form of its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A proper name.
    Name,
    /// A noun, or anything else.
    Nominal,
    /// A personal, possessive, reflexive or demonstrative pronoun.
    Pronoun,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Name, Self::Nominal, Self::Pronoun];

    /// `name`, `nominal` or `pronoun`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Nominal => "nominal",
            Self::Pronoun => "pronoun",
        }
    }
}

/// The token that heads the mention `span`: the last word before what follows a noun in English
/// (a preposition, a relative clause, a bracket, a comma, a conjunction), after Collins 1999,
/// appendix A, without a parse.
///
/// # Panics
/// If the span is empty or reaches beyond the tokens.
#[must_use]
pub fn head<T: AsRef<str>>(tokens: &[T], span: &Span) -> u32 {
    let words = &tokens[span.start as usize..span.end as usize];
    let is_word = |token: &T| token.as_ref().chars().any(char::is_alphanumeric);
    let is_possessive = |token: &T| matches!(token.as_ref(), "'s" | "’s" | "'" | "’");
    let first = words.iter().position(is_word).unwrap_or(0);
    let end = words
        .iter()
        .enumerate()
        .skip(first + 1)
        .find(|(_, token)| ends_head(token.as_ref()))
        .map_or(words.len(), |(i, _)| i);
    let mut inside = words[first..end].iter();
    let last = inside
        .rposition(|token| is_word(token) && !is_possessive(token))
        .unwrap_or(0);
    span.start + (first + last) as u32
}

fn ends_head(token: &str) -> bool {
    const AFTER: [&str; 44] = [
        ",",
        ";",
        ":",
        "(",
        "[",
        "–",
        "—",
        "/",
        "of",
        "in",
        "for",
        "to",
        "at",
        "on",
        "with",
        "from",
        "by",
        "about",
        "as",
        "into",
        "over",
        "under",
        "between",
        "among",
        "against",
        "through",
        "during",
        "without",
        "within",
        "toward",
        "towards",
        "who",
        "whom",
        "whose",
        "which",
        "that",
        "where",
        "when",
        "and",
        "or",
        "but",
        "including",
        "called",
        "named",
    ];
    AFTER.contains(&token.to_lowercase().as_str())
}

/// What the head `at` makes of a mention. `is_first` says that the token begins a sentence, where
/// a capital letter means little: there the word is a name only if the document never writes it
/// small.
#[must_use]
pub fn kind<T: AsRef<str>>(tokens: &[T], at: u32, is_first: bool) -> Kind {
    let head = tokens[at as usize].as_ref();
    let small = head.to_lowercase().replace('’', "'");
    let demonstrative = [
        "this",
        "that",
        "these",
        "those",
        "yourself",
        "yourselves",
        "one",
        "'em",
    ];
    if pronoun::pronoun(&small).is_some() || demonstrative.contains(&small.as_str()) {
        return Kind::Pronoun;
    }
    let is_capital = head.chars().next().is_some_and(char::is_uppercase);
    let written_small = || tokens.iter().any(|token| token.as_ref() == small);
    if is_capital && !(is_first && written_small()) {
        Kind::Name
    } else {
        Kind::Nominal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head_of(mention: &str) -> String {
        let tokens: Vec<&str> = mention.split(' ').collect();
        tokens[head(&tokens, &(0..tokens.len() as u32)) as usize].to_owned()
    }

    #[test]
    fn the_head_stands_before_what_follows_the_noun() {
        for (mention, wanted) in [
            ("the old harbour master of Skarn", "master"),
            ("Ilse Brandt , who steers the ferry", "Brandt"),
            ("a radar that sees too much", "radar"),
            ("Skarn ’s three lighthouses", "lighthouses"),
            ("the minister ’s", "minister"),
            ("men and women in oilskins", "men"),
            ("“ the Ferry Union ”", "Union"),
            ("that", "that"),
            ("the Velmark - Karsland line (", "line"),
            ("—", "—"),
        ] {
            assert_eq!(head_of(mention), wanted, "{mention}");
        }
    }

    #[test]
    fn kinds_follow_the_form_of_the_head() {
        let text = "Sailors left . Brandt told her sailors that she would stay";
        let tokens: Vec<&str> = text.split(' ').collect();
        let of = |at: u32, first: bool| kind(&tokens, at, first);
        assert_eq!(of(0, true), Kind::Nominal);
        assert_eq!(of(3, true), Kind::Name);
        assert_eq!(of(5, false), Kind::Pronoun);
        assert_eq!(of(6, false), Kind::Nominal);
        assert_eq!(kind(&["It’s"], 0, true), Kind::Pronoun);
    }
}
