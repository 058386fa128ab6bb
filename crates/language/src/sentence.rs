//! Sentence boundaries of news text.
//!
//! A rule splitter: English newswire is regular enough that abbreviations, the
//! case of the next word and the state of quotation decide nearly every full
//! stop, and rules (unlike a model) say why. The rules follow the orthographic
//! evidence of Kiss and Strunk, "Unsupervised Multilingual Sentence Boundary
//! Detection" (2006), with a written list of abbreviations in place of a
//! learned one.

use std::ops::Range;

/// Byte ranges of the sentences of `text`: trimmed, in order, on character
/// boundaries, never empty. Together they cover every character that is not
/// white space.
///
/// Line and paragraph breaks always end a sentence. Closing quotation marks and
/// brackets belong to the sentence they close, each sentence inside a quotation
/// is a sentence, and the clause that names a speaker after a quotation
/// (`“Why?” she asked.`, `“Go.” Smith said.`) stays with what was said.
///
/// ```
/// use copydesk_language::sentence::sentences;
/// let text = "Gov. Ada Brill left at 5 p.m. Friday. “Why now?” asked Mr. Toll.";
/// let found: Vec<&str> = sentences(text).into_iter().map(|s| &text[s]).collect();
/// assert_eq!(found, [
///     "Gov. Ada Brill left at 5 p.m. Friday.",
///     "“Why now?” asked Mr. Toll.",
/// ]);
/// ```
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut line_start = 0;
    for (at, c) in text.char_indices() {
        if is_line_break(c) {
            split_line(text, line_start..at, &mut found);
            line_start = at + c.len_utf8();
        }
    }
    split_line(text, line_start..text.len(), &mut found);
    found
}

/// Whether `line` ends as a finished sentence does: with a full stop, question
/// or exclamation mark or ellipsis, after which only closing marks may stand.
pub fn ends_sentence(line: &str) -> bool {
    line.trim_end()
        .trim_end_matches(|c: char| is_closer(c) || c.is_whitespace())
        .ends_with(is_terminator)
}

/// Whether `c` breaks a line (and so always ends a sentence).
pub fn is_line_break(c: char) -> bool {
    matches!(
        c,
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

fn split_line(text: &str, line: Range<usize>, found: &mut Vec<Range<usize>>) {
    let mut sentence_start = line.start;
    let mut at = line.start;
    // Straight marks don't say which side they are on: an even count before one
    // means that it opens.
    let mut straight_open = false;
    while let Some(c) = text[at..line.end].chars().next() {
        let next = at + c.len_utf8();
        if c == '"' {
            straight_open = !straight_open;
        }
        if !is_terminator(c) {
            at = next;
            continue;
        }
        let end = Ending::read(text, at, line.end, &mut straight_open);
        if end.splits(text, sentence_start, line.end) {
            push_trimmed(text, sentence_start..end.end, found);
            sentence_start = end.end;
        }
        at = end.end;
    }
    push_trimmed(text, sentence_start..line.end, found);
}

fn push_trimmed(text: &str, range: Range<usize>, found: &mut Vec<Range<usize>>) {
    let slice = &text[range.clone()];
    let start = range.start + (slice.len() - slice.trim_start().len());
    let end = range.start + slice.trim_end().len();
    if start < end {
        found.push(start..end);
    }
}

/// A run of terminators with the closing marks behind it.
struct Ending {
    start: usize,
    /// End of the terminators themselves.
    stop: usize,
    /// End of the closing marks.
    end: usize,
    /// The run has a closing quotation mark.
    quoted: bool,
    /// The terminators are `…`, `...` or `. . .`.
    ellipsis: bool,
}

impl Ending {
    fn read(text: &str, start: usize, limit: usize, straight_open: &mut bool) -> Ending {
        let mut stop = start;
        let mut dots = 0;
        let mut ellipsis = false;
        let mut only_dots = true;
        loop {
            let rest = &text[stop..limit];
            let Some(c) = rest.chars().next() else { break };
            if is_terminator(c) {
                dots += usize::from(c == '.');
                ellipsis |= c == '…';
                only_dots &= matches!(c, '.' | '…');
                stop += c.len_utf8();
            } else if c == ' ' && dots > 0 && only_dots && spaced_dots(&rest[1..]) {
                dots += 1;
                ellipsis = true;
                stop += 2;
            } else {
                break;
            }
        }
        ellipsis |= only_dots && dots >= 2;

        let mut end = stop;
        let mut quoted = false;
        loop {
            let rest = &text[end..limit];
            let mut chars = rest.chars();
            let Some(c) = chars.next() else { break };
            let after = chars.next();
            let closes = match c {
                '"' => *straight_open || ends_word(after),
                // A left mark that is not followed by a word closes here, in
                // German fashion or by mistake.
                '“' | '‘' => ends_word(after),
                // An apostrophe before a letter opens an inner quotation.
                '\'' => ends_word(after),
                _ => is_closer(c),
            };
            if closes {
                if c == '"' {
                    *straight_open = false;
                }
                quoted |= is_quotation_mark(c);
                end += c.len_utf8();
                continue;
            }
            if c == '['
                && let Some(len) = reference_mark(rest)
            {
                end += len;
                continue;
            }
            // A closing mark that an extractor has torn off: `He left. ” `
            if c == ' '
                && let Some(mark) = after
                && (matches!(mark, '”' | '»' | ')' | ']') || (mark == '"' && *straight_open))
                && ends_word(rest[1 + mark.len_utf8()..].chars().next())
            {
                if mark == '"' {
                    *straight_open = false;
                }
                quoted |= is_quotation_mark(mark);
                end += 1 + mark.len_utf8();
                continue;
            }
            break;
        }
        Ending {
            start,
            stop,
            end,
            quoted,
            ellipsis,
        }
    }

    fn splits(&self, text: &str, sentence_start: usize, limit: usize) -> bool {
        let before = &text[sentence_start..self.start];
        let rest = &text[self.end..limit];
        let Some(first) = rest.chars().next() else {
            return true;
        };
        let terminator = text[self.start..self.stop].chars().next_back();
        if matches!(terminator, Some('。' | '！' | '？')) {
            return true;
        }
        if !first.is_whitespace() {
            return self.splits_fused(text, before, rest);
        }
        let rest = rest.trim_start();
        let follow = Follow::of(rest);
        if self.quoted && attribution_follows(rest) {
            return false;
        }
        match follow {
            Follow::Nothing => true,
            Follow::Lower => false,
            Follow::Upper | Follow::Other if self.ellipsis => {
                // ` … ` between blanks marks words left out: only a clear first
                // word of a sentence tells that the sentence ended as well.
                let torn = before.ends_with(char::is_whitespace);
                !torn || starts_sentence(rest)
            }
            Follow::Upper | Follow::Digit | Follow::Other => {
                self.quoted || !self.abbreviates(text, before, rest, follow)
            }
        }
    }

    /// `said.The`: extractors lose the blank between sentences.
    fn splits_fused(&self, text: &str, before: &str, rest: &str) -> bool {
        let next: &str = rest
            .split(|c: char| c.is_whitespace() || is_closer(c) || c == ',')
            .next()
            .unwrap_or_default();
        let next = next.trim_start_matches(is_opener).trim_end_matches('.');
        let mut letters = next.chars();
        let capital = letters.next().is_some_and(char::is_uppercase);
        let word = capital
            && letters
                .clone()
                .all(|c| c.is_alphabetic() || matches!(c, '’' | '\'' | '-'))
            && match letters.next() {
                Some(second) => second.is_lowercase(),
                None => matches!(next, "A" | "I"),
            };
        if !word {
            return false;
        }
        if self.ellipsis {
            return true;
        }
        if self.quoted {
            return !attribution_follows(rest);
        }
        let opener = rest.starts_with(['“', '"', '‘']);
        let last = before
            .rsplit(|c: char| c.is_whitespace() || is_opener(c))
            .next()
            .unwrap_or_default();
        let plain = last.chars().count() >= 2
            && last.chars().all(char::is_alphanumeric)
            && last
                .chars()
                .next_back()
                .is_some_and(|c| c.is_lowercase() || c.is_numeric());
        let shortened = abbreviation(last) != Kind::Word;
        let domain = !opener && TOP_LEVEL.contains(&next.to_lowercase().as_str());
        plain && !shortened && !domain && text[self.start..self.stop].len() == 1
    }

    /// Whether the full stop belongs to the word before it and the sentence
    /// goes on.
    fn abbreviates(&self, text: &str, before: &str, rest: &str, follow: Follow) -> bool {
        if &text[self.start..self.stop] != "." || self.end != self.stop {
            return false;
        }
        let word = before
            .rsplit(|c: char| c.is_whitespace() || is_opener(c) || matches!(c, '—' | '–' | '/'))
            .next()
            .unwrap_or_default();
        if word.is_empty() {
            return false;
        }
        // `3. The third point`: the number of a list item stands alone.
        if word.len() == before.trim_start().len()
            && word.len() <= 2
            && word.chars().all(|c| c.is_ascii_digit())
        {
            return true;
        }
        match abbreviation(word) {
            Kind::Word => false,
            Kind::Title => true,
            Kind::Number => follow == Follow::Digit,
            Kind::Month => follow == Follow::Digit || !starts_sentence(rest),
            Kind::Other => !starts_sentence(rest),
            Kind::Initial => {
                // `F.` in `Ada F. Brill` needs a name before it; `vitamin C.`
                // and `Plan B.` don't have one, but then the next word tells.
                follow != Follow::Digit && !starts_sentence(rest)
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Follow {
    Nothing,
    Upper,
    Lower,
    Digit,
    Other,
}

impl Follow {
    fn of(rest: &str) -> Follow {
        let mut chars = rest.chars().skip_while(|&c| {
            c.is_whitespace() || is_opener(c) || matches!(c, '—' | '–' | '-' | '•' | '*')
        });
        let Some(c) = chars.next() else {
            return Follow::Nothing;
        };
        if c.is_lowercase() {
            // `iPhone`, `eBay`: names that begin small begin sentences too.
            return match chars.next() {
                Some(second) if second.is_uppercase() => Follow::Upper,
                _ => Follow::Lower,
            };
        }
        if c.is_uppercase() {
            Follow::Upper
        } else if c.is_numeric() {
            Follow::Digit
        } else if matches!(c, ',' | ';' | ':') {
            Follow::Lower
        } else {
            Follow::Other
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// Not an abbreviation.
    Word,
    /// Always followed by a name: `Mr.`
    Title,
    /// An abbreviation only before a number: `No. 4`
    Number,
    Month,
    /// One capital letter.
    Initial,
    /// May end a sentence: `Inc.`, `U.S.`, `a.m.`
    Other,
}

fn abbreviation(word: &str) -> Kind {
    let mut chars = word.chars();
    if let (Some(only), None) = (chars.next(), chars.next()) {
        // “I” is a word; any other single capital is an initial.
        return if only.is_uppercase() && only != 'I' {
            Kind::Initial
        } else {
            Kind::Word
        };
    }
    if word.len() > 12 {
        return Kind::Word;
    }
    if word.contains('.') {
        let parts: Vec<&str> = word.split('.').collect();
        let short = parts
            .iter()
            .all(|part| part.chars().count() <= 2 && part.chars().all(char::is_alphabetic))
            && parts.iter().any(|part| !part.is_empty());
        return match word.to_ascii_lowercase().as_str() {
            "e.g" | "i.e" => Kind::Title,
            "ph.d" | "m.sc" | "b.sc" => Kind::Other,
            _ if short => Kind::Other,
            _ => Kind::Word,
        };
    }
    // The small forms of these are words of their own (“his gen.”, “the sun.”),
    // except where an abbreviation is written small.
    let hyphen = word.rsplit('-').next().unwrap_or(word);
    if TITLES.contains(&hyphen) {
        Kind::Title
    } else if MONTHS.contains(&word) {
        Kind::Month
    } else if NUMBERS.contains(&word) {
        Kind::Number
    } else if OTHERS.contains(&hyphen) {
        Kind::Other
    } else {
        Kind::Word
    }
}

/// Whether the first word of `rest` is one that begins sentences and is rarely
/// written with a capital elsewhere.
fn starts_sentence(rest: &str) -> bool {
    let after_opener = rest.trim_start_matches(|c: char| is_opener(c) || c.is_whitespace());
    let word = after_opener
        .split(|c: char| !(c.is_alphabetic()))
        .next()
        .unwrap_or_default();
    STARTERS.contains(&word)
}

/// Whether `rest` begins with a clause that says who spoke: at most seven words
/// of a name before a verb of saying, and little behind it.
fn attribution_follows(rest: &str) -> bool {
    let rest = rest.trim_start();
    let mut before = 0;
    let mut words = rest.split_whitespace();
    let mut named = false;
    loop {
        let Some(word) = words.next() else {
            return false;
        };
        if word.starts_with(is_opener) {
            return false;
        }
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        if named && SAYING.contains(&bare) {
            if word.ends_with(',') {
                // `she asked, adding` goes on; `the deal, she said, failed` is news.
                let next = words.next().unwrap_or_default();
                return next.ends_with("ing") || matches!(next, "who" | "according" | "as");
            }
            if word.ends_with(['.', ':', ';', '!', '?']) {
                return true;
            }
            break;
        }
        if matches!(
            bare,
            "has" | "had" | "have" | "was" | "were" | "is" | "that"
        ) {
            return false;
        }
        // A full stop inside the name is a title's or an initial's.
        if word.ends_with(['!', '?', ':', ';'])
            || (word.ends_with('.') && abbreviation(bare.trim_end_matches('.')) == Kind::Word)
        {
            return false;
        }
        named = true;
        before += 1;
        if before > 7 {
            return false;
        }
    }
    let Some(word) = words.next() else {
        return true;
    };
    let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
    // `told reporters that …` says what was said: a sentence of its own.
    if words.take(6).any(|word| word == "that") {
        return false;
    }
    AFTER_SAYING.contains(&bare)
}

fn is_terminator(c: char) -> bool {
    matches!(
        c,
        '.' | '!' | '?' | '…' | '。' | '！' | '？' | '؟' | '۔' | '।' | '‼' | '⁇' | '⁈' | '⁉'
    )
}

fn is_closer(c: char) -> bool {
    matches!(
        c,
        ')' | ']' | '}' | '”' | '’' | '"' | '\'' | '»' | '›' | '″' | '」' | '』' | '）'
    )
}

fn is_opener(c: char) -> bool {
    matches!(
        c,
        '(' | '[' | '{' | '“' | '‘' | '"' | '\'' | '«' | '‹' | '„' | '‚' | '「' | '『' | '（'
    )
}

fn is_quotation_mark(c: char) -> bool {
    matches!(
        c,
        '”' | '’' | '“' | '‘' | '"' | '\'' | '»' | '«' | '›' | '‹' | '„' | '″' | '」' | '』'
    )
}

fn ends_word(after: Option<char>) -> bool {
    after.is_none_or(|c| {
        c.is_whitespace()
            || is_terminator(c)
            || is_closer(c)
            || matches!(c, ',' | ';' | ':' | '—' | '–')
    })
}

/// `. .` of an ellipsis written with blanks; `rest` begins behind the blank.
fn spaced_dots(rest: &str) -> bool {
    let mut chars = rest.chars();
    chars.next() == Some('.')
        && chars
            .next()
            .is_none_or(|c| c == ' ' || c == '.' || is_closer(c))
}

/// Length of a note's number such as `[12]`.
fn reference_mark(rest: &str) -> Option<usize> {
    let close = rest.bytes().take(6).position(|b| b == b']')?;
    let digits = &rest.as_bytes()[1..close];
    (!digits.is_empty() && digits.iter().all(u8::is_ascii_digit)).then_some(close + 1)
}

const TITLES: &[&str] = &[
    "Mr", "Mrs", "Ms", "Mx", "Dr", "Prof", "Rev", "Fr", "Sr", "Sens", "Sen", "Rep", "Reps", "Gov",
    "Govs", "Gen", "Lt", "Col", "Maj", "Capt", "Cpt", "Cmdr", "Adm", "Sgt", "Cpl", "Pvt", "Spc",
    "Pfc", "Insp", "Det", "Supt", "Hon", "Pres", "Amb", "Msgr", "Messrs", "Mme", "Mlle", "Atty",
    "Asst", "Assoc", "Brig", "Ald", "Del", "Treas", "vs", "cf", "viz", "approx", "ca", "Mt", "Ft",
];

const MONTHS: &[&str] = &[
    "Jan", "Feb", "Mar", "Apr", "Jun", "Jul", "Aug", "Sep", "Sept", "Oct", "Nov", "Dec",
];

const NUMBERS: &[&str] = &[
    "No", "Nos", "no", "nos", "p", "pp", "vol", "Vol", "Fig", "fig", "Art", "art", "Sec", "sec",
    "Ch", "ch", "para", "Para", "v",
];

const OTHERS: &[&str] = &[
    "Inc", "Corp", "Co", "Cos", "Ltd", "LLC", "Bros", "Jr", "St", "Ste", "Ave", "Blvd", "Rd",
    "Hwy", "Pkwy", "Sq", "Univ", "Dept", "Dist", "Div", "etc", "al", "est", "Est", "dept", "min",
    "sec", "hrs", "hr", "ft", "lb", "lbs", "oz", "mph", "Mon", "Tue", "Tues", "Wed", "Thu", "Thur",
    "Thurs", "Fri", "Ala", "Ariz", "Ark", "Calif", "Colo", "Conn", "Fla", "Ga", "Ill", "Ind",
    "Kan", "Ky", "La", "Mass", "Md", "Mich", "Minn", "Miss", "Mo", "Mont", "Neb", "Nev", "Okla",
    "Ore", "Pa", "Tenn", "Tex", "Va", "Vt", "Wash", "Wis", "Wyo", "Ont", "Que", "Esq", "Bldg",
    "Natl", "Intl", "Assn", "Bhd", "Gmbh", "Pty", "Dev", "Op",
];

const STARTERS: &[&str] = &[
    "The",
    "A",
    "An",
    "In",
    "On",
    "At",
    "It",
    "He",
    "She",
    "They",
    "We",
    "You",
    "But",
    "And",
    "If",
    "As",
    "When",
    "While",
    "After",
    "Before",
    "This",
    "That",
    "These",
    "Those",
    "His",
    "Her",
    "Its",
    "Their",
    "Our",
    "My",
    "There",
    "Here",
    "However",
    "Meanwhile",
    "Both",
    "Some",
    "Many",
    "Most",
    "Such",
    "With",
    "By",
    "From",
    "To",
    "Under",
    "Since",
    "Although",
    "Though",
    "Then",
    "Now",
    "Earlier",
    "Also",
    "According",
    "Not",
    "So",
    "Or",
    "For",
    "What",
    "Who",
    "Why",
    "How",
    "Where",
    "Because",
    "During",
    "Despite",
    "Until",
    "Yet",
    "Still",
    "Asked",
    "Once",
    "Two",
    "Three",
    "Several",
    "Among",
    "Amid",
    "Even",
    "Only",
    "Like",
    "Unlike",
    "Instead",
    "Nor",
    "Is",
    "Are",
    "Was",
    "Were",
    "Do",
    "Does",
    "Did",
    "Let",
    "Or",
    "Today",
    "Last",
    "Other",
    "Others",
    "Another",
    "All",
    "Any",
    "Every",
    "Each",
    "Few",
    "Without",
    "Within",
    "Through",
    "Whether",
    "Perhaps",
];

const SAYING: &[&str] = &[
    "said",
    "says",
    "asked",
    "asks",
    "added",
    "adds",
    "told",
    "tells",
    "wrote",
    "writes",
    "tweeted",
    "posted",
    "replied",
    "replies",
    "continued",
    "noted",
    "notes",
    "warned",
    "warns",
    "insisted",
    "explained",
    "declared",
    "demanded",
    "concluded",
    "argued",
    "argues",
    "responded",
    "remarked",
    "recalled",
    "quipped",
    "joked",
    "shouted",
    "exclaimed",
    "answered",
    "countered",
    "complained",
    "stressed",
    "observed",
    "lamented",
    "stated",
    "wondered",
    "retorted",
    "cried",
    "predicted",
    "vowed",
    "testified",
    "reads",
    "read",
    "commented",
    "conceded",
    "admitted",
];

const AFTER_SAYING: &[&str] = &[
    "on",
    "in",
    "at",
    "to",
    "during",
    "after",
    "before",
    "late",
    "early",
    "last",
    "this",
    "of",
    "when",
    "while",
    "as",
    "with",
    "from",
    "by",
    "via",
    "later",
    "earlier",
    "again",
    "then",
    "today",
    "yesterday",
    "reporters",
    "journalists",
    "lawmakers",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
    "CNN",
    "Reuters",
    "AFP",
    "me",
    "us",
    "him",
    "her",
    "them",
    "and",
];

const TOP_LEVEL: &[&str] = &[
    "com", "org", "net", "gov", "edu", "info", "uk", "io", "co", "tv", "js",
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(text: &str) -> Vec<&str> {
        sentences(text).into_iter().map(|s| &text[s]).collect()
    }

    #[test]
    fn plain_sentences_split_at_their_full_stops() {
        assert_eq!(
            split("The ferries stopped. Nobody knew why! Would they sail again? Perhaps."),
            [
                "The ferries stopped.",
                "Nobody knew why!",
                "Would they sail again?",
                "Perhaps."
            ]
        );
    }

    #[test]
    fn line_breaks_of_every_kind_end_a_sentence() {
        assert_eq!(
            split("A heading\r\nFirst line\n\n  Second line \u{2028}third\u{2029}fourth"),
            ["A heading", "First line", "Second line", "third", "fourth"]
        );
    }

    #[test]
    fn titles_initials_and_months_do_not_end_a_sentence() {
        for whole in [
            "Mr. Toll met Sen. Ada F. Brill, R-Vt., and Lt. Gen. Oskar Venn on Nov. 3 in St. Orla.",
            "Vice Adm. J. R. R. Holm and Prof. Dr. Ilse Brandt signed it.",
            "The vote is set for Sept. 14, No. 4 on the list, at 9 a.m. Monday.",
            "Brill vs. Toll will be heard in Harbour Corp. Tower.",
            "The U.S. Embassy and the U.N. General Assembly kept silent.",
            "Anne-Marie Toll Jr. Holm arrived.",
            "Growth was 3.5 percent, or $1.2 billion.",
        ] {
            assert_eq!(split(whole), [whole]);
        }
    }

    #[test]
    fn abbreviations_end_a_sentence_where_the_next_word_begins_one() {
        assert_eq!(
            split(
                "They moved to the U.S. The harbour closed at 5 p.m. It opened in Nov. But Venn Inc. In the end lost."
            ),
            [
                "They moved to the U.S.",
                "The harbour closed at 5 p.m.",
                "It opened in Nov.",
                "But Venn Inc.",
                "In the end lost."
            ]
        );
        assert_eq!(
            split("She lives on Mill St. The driver left."),
            ["She lives on Mill St.", "The driver left."]
        );
        assert_eq!(
            split("“No. We will not pay.”"),
            ["“No.", "We will not pay.”"]
        );
    }

    #[test]
    fn closing_marks_belong_to_their_sentence() {
        assert_eq!(
            split("“We go.” “They stay.” (Nobody asked.) ‘Why not?’ \"It rained.\" He left."),
            [
                "“We go.”",
                "“They stay.”",
                "(Nobody asked.)",
                "‘Why not?’",
                "\"It rained.\"",
                "He left."
            ]
        );
        assert_eq!(
            split("He called it “a farce”. She did not. ”"),
            ["He called it “a farce”.", "She did not. ”"]
        );
    }

    #[test]
    fn each_sentence_inside_a_quotation_is_one() {
        assert_eq!(
            split("“We will not pay. They know it. The ferries stay in port,” Venn said."),
            [
                "“We will not pay.",
                "They know it.",
                "The ferries stay in port,” Venn said."
            ]
        );
    }

    #[test]
    fn the_clause_that_names_the_speaker_stays_with_the_quotation() {
        for whole in [
            "“Why now?” she asked.",
            "“Never!” Brill said.",
            "“We go.” Smith said.",
            "“Who pays?” Harbour Minister Ilse Brandt asked reporters in Orla.",
            "“Who pays?” Mr. Toll, the mayor, wrote on Monday.",
            "“We go.” said Toll.",
            "\"Is it over?\" Toll asked.",
        ] {
            assert_eq!(split(whole), [whole]);
        }
        assert_eq!(
            split("“We go.” Smith said the ferries were late."),
            ["“We go.”", "Smith said the ferries were late."]
        );
        assert_eq!(
            split("“We go.” Toll told reporters in Orla that he would stay."),
            [
                "“We go.”",
                "Toll told reporters in Orla that he would stay."
            ]
        );
        assert_eq!(
            split("“We go.” Toll has said, “and we stay.” The deal, she said, was off."),
            [
                "“We go.”",
                "Toll has said, “and we stay.”",
                "The deal, she said, was off."
            ]
        );
        assert_eq!(
            split("“We go.” The crowd cheered."),
            ["“We go.”", "The crowd cheered."]
        );
    }

    #[test]
    fn ellipses_split_only_before_a_new_sentence() {
        assert_eq!(
            split("We waited ... and waited."),
            ["We waited ... and waited."]
        );
        assert_eq!(
            split("We waited… Nobody came."),
            ["We waited…", "Nobody came."]
        );
        assert_eq!(
            split("“After the ferry left the pier … I expected Toll to resign.”"),
            ["“After the ferry left the pier … I expected Toll to resign.”"]
        );
        assert_eq!(
            split("We waited . . . The end."),
            ["We waited . . .", "The end."]
        );
        assert_eq!(
            split("shall be suspended...The work"),
            ["shall be suspended...", "The work"]
        );
    }

    #[test]
    fn sentences_that_lost_their_blank_are_split() {
        assert_eq!(
            split("The vote failed.The mayor left."),
            ["The vote failed.", "The mayor left."]
        );
        assert_eq!(
            split("“We lost.”The mayor left."),
            ["“We lost.”", "The mayor left."]
        );
        for whole in [
            "Write to ada@brill.example or www.Venn.Example now.",
            "See Orla.Com for more.",
            "A Ph.D. student of Node.js.",
            "Mr.Toll left.",
        ] {
            assert_eq!(split(whole), [whole]);
        }
    }

    #[test]
    fn list_numbers_stay_with_their_item() {
        assert_eq!(
            split("3. The third point. 4 ships left."),
            ["3. The third point.", "4 ships left."]
        );
    }

    #[test]
    fn other_scripts_and_marks_pass() {
        assert_eq!(
            split("船が止まった。誰も知らない。"),
            ["船が止まった。", "誰も知らない。"]
        );
        assert_eq!(
            split("Él se fue. ¿Por qué? Ñandú corrió."),
            ["Él se fue.", "¿Por qué?", "Ñandú corrió."]
        );
        assert_eq!(split("🚢 left. 🚢🚢 stayed."), ["🚢 left.", "🚢🚢 stayed."]);
        assert_eq!(split("...\n!\n\u{200b}"), ["...", "!", "\u{200b}"]);
        assert!(split(" \u{a0}\n\t").is_empty());
    }

    #[test]
    fn finished_lines_are_told_from_labels() {
        assert!(ends_sentence("He left. ”"));
        assert!(ends_sentence("“Why?” "));
        assert!(!ends_sentence("Share this"));
        assert!(!ends_sentence(""));
    }

    fn check(text: &str) {
        let found = sentences(text);
        let mut at = 0;
        for range in &found {
            assert!(range.start >= at && range.start < range.end);
            let sentence = &text[range.clone()];
            assert_eq!(sentence, sentence.trim());
            assert!(text[at..range.start].chars().all(char::is_whitespace));
            at = range.end;
        }
        assert!(text[at..].chars().all(char::is_whitespace));
    }

    proptest! {
        #[test]
        fn ranges_are_ordered_trimmed_and_lose_nothing(text in any::<String>()) {
            check(&text);
        }

        #[test]
        fn no_mix_of_marks_and_words_breaks_it(
            parts in proptest::collection::vec(
                proptest::sample::select(vec![
                    ".", "...", "…", "!", "?", "”", "“", "\"", "'", "’", "‘", ")", "(", "[1]", " ",
                    "\u{a0}", "\n", "\r\n", "Mr", "U.S", "said", "The", "the", "Nov", "3", "—", "é",
                    "🚢", "。", "\u{ad}", "e\u{301}", ",", ". .", "Toll",
                ]),
                0..40,
            )
        ) {
            check(&parts.concat());
        }
    }
}
