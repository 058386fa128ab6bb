//! Regular expressions that are cheap to compile.
//!
//! `\p{Lu}` or `\w` stand for tables of all scripts, and a counted repetition
//! copies them: a few dozen such patterns take a tenth of a second, more than a
//! short run spends on its articles. English news needs ASCII and Latin letters
//! with accents.

use regex::{Regex, bytes};

/// A pattern for text as it stands, with the notations `\p{Lu}`, `\p{Ll}`, `\p{L}`,
/// `\w` and `\W` for Latin letters, and `\b` for boundaries of ASCII words (the
/// boundaries of Unicode leave the fast paths at the first curly mark).
pub(crate) fn latin(text: &str) -> Regex {
    let text = text
        .replace(r"\p{Lu}", "[A-ZÀ-ÖØ-ÞŠŽŁ]")
        .replace(r"\p{Ll}", "[a-zß-öø-ž]")
        .replace(r"\p{L}", "[A-Za-zÀ-ÖØ-öø-ž]")
        .replace(r"\w", "[0-9A-Za-z_À-ÖØ-öø-ž]")
        .replace(r"\W", "[^0-9A-Za-z_À-ÖØ-öø-ž]")
        .replace(r"\d", "[0-9]")
        .replace(
            r"\s",
            r"[\x20\t\r\n\u{a0}\u{2002}-\u{200a}\u{202f}\u{3000}]",
        )
        .replace(r"\b", r"(?-u:\b)");
    Regex::new(&text).expect("the patterns are written in this crate")
}

/// A pattern for a line that [`flat`] has prepared: it runs on bytes, where every
/// byte of a letter with an accent counts as a letter of either case.
pub(crate) fn flat_latin(text: &str) -> bytes::Regex {
    let text = text
        .replace(r"\p{Lu}", r"[A-Z\x80-\xff]")
        .replace(r"\p{Ll}", r"[a-z\x80-\xff]")
        .replace(r"\p{L}", r"[A-Za-z\x80-\xff]")
        .replace(r"\w", r"[0-9A-Za-z_\x80-\xff]")
        .replace(r"\W", r"[^0-9A-Za-z_\x80-\xff]");
    bytes::RegexBuilder::new(&text)
        .unicode(false)
        .build()
        .expect("the patterns are written in this crate")
}

/// `line` with its typography made ASCII, so that a pattern says `'` and means
/// every apostrophe: curly marks are straight, dashes are `-`, `©` is `(c)`, other
/// signs are `*`; letters stay as they are.
pub(crate) fn flat(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for c in line.chars() {
        match c {
            '\n' | '\r' => out.push(' '),
            c if c.is_ascii() => out.push(c),
            '’' | '‘' | 'ʼ' | '′' | '‛' => out.push('\''),
            '“' | '”' | '„' | '″' => out.push('"'),
            '–' | '—' | '―' | '−' | '‐' | '‑' => out.push('-'),
            '…' => out.push_str("..."),
            '©' => out.push_str("(c)"),
            '»' | '›' | '→' => out.push('>'),
            c if c.is_whitespace() => out.push(' '),
            c if c.is_alphanumeric() => out.push(c),
            _ => out.push('*'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_lines_have_ascii_typography() {
        assert_eq!(
            flat("• “Élan” – it’s\u{a0}© 2019… »"),
            "* \"Élan\" - it's (c) 2019... >"
        );
    }

    #[test]
    fn letters_with_accents_are_letters() {
        assert!(latin(r"^\p{Lu}\p{Ll}+ \w+$").is_match("Élise Brånd"));
        assert!(flat_latin(r"^\p{Lu}\p{L}+ \w+$").is_match("Élise Brånd".as_bytes()));
        assert!(latin(r"(?x) ^ \p{Lu} \s \w $").is_match("É a"));
        assert!(!flat_latin(r"\W").is_match("Élise".as_bytes()));
    }
}
