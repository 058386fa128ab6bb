//! Words and marks of English text with their places, and the closed classes
//! of grammar that need no model to be told apart.

use std::ops::Range;

/// What a [`Word`] is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Letters, possibly with inner hyphens, apostrophes or full stops.
    Letters,
    /// Digits, possibly with separators.
    Number,
    /// The possessive ending `’s`, or the bare apostrophe after a plural.
    Possessive,
    /// A single mark.
    Mark,
}

/// One word or mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// Its bytes in the text.
    pub range: Range<usize>,
    /// What it is made of.
    pub shape: Shape,
    /// The word in lower case, with straight apostrophes.
    pub lower: String,
    /// Begins with a capital letter.
    pub capital: bool,
    /// First on its line.
    pub starts_line: bool,
}

impl Word {
    /// Whether this is the mark `c`.
    #[must_use]
    pub fn is(&self, c: &str) -> bool {
        self.shape == Shape::Mark && self.lower == c
    }

    /// The closed class of the word.
    #[must_use]
    pub fn class(&self) -> Class {
        match self.shape {
            Shape::Letters => class(&self.lower),
            Shape::Number => Class::Number,
            Shape::Possessive | Shape::Mark => Class::Open,
        }
    }
}

/// The words and marks of `text`.
///
/// Unlike a model's tokens these keep `U.S.`, `Mr.` and `secretary-general`
/// whole and split only the possessive ending off.
#[must_use]
pub fn words(text: &str) -> Vec<Word> {
    let mut out: Vec<Word> = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        if !c.is_alphanumeric() {
            let end = at + c.len_utf8();
            let possessive = is_apostrophe(c)
                && out.last().is_some_and(|w| {
                    w.range.end == at && w.shape == Shape::Letters && w.lower.ends_with('s')
                });
            push(
                &mut out,
                text,
                at..end,
                if possessive {
                    Shape::Possessive
                } else {
                    Shape::Mark
                },
            );
            at = end;
            continue;
        }
        let end = word_end(text, at);
        at = cut(&mut out, text, at..end);
    }
    out
}

/// Pushes the run `range`, its possessive ending apart, and returns its end.
fn cut(out: &mut Vec<Word>, text: &str, range: Range<usize>) -> usize {
    let run = &text[range.clone()];
    let numeric = run.starts_with(|c: char| c.is_numeric());
    let shape = if numeric {
        Shape::Number
    } else {
        Shape::Letters
    };
    for ending in ["’s", "'s", "’S", "'S"] {
        if let Some(stem) = run.strip_suffix(ending)
            && !stem.is_empty()
            && !matches!(
                stem.to_lowercase().as_str(),
                "it" | "he" | "she" | "that" | "there" | "who" | "what" | "let" | "here"
            )
        {
            let split = range.start + stem.len();
            push(out, text, range.start..split, shape);
            push(out, text, split..range.end, Shape::Possessive);
            return range.end;
        }
    }
    push(out, text, range.clone(), shape);
    range.end
}

fn push(out: &mut Vec<Word>, text: &str, range: Range<usize>, shape: Shape) {
    let surface = &text[range.clone()];
    let since = out.last().map_or(0, |word| word.range.end);
    out.push(Word {
        starts_line: out.is_empty() || text[since..range.start].contains(['\n', '\r']),
        capital: surface.starts_with(char::is_uppercase),
        lower: surface.to_lowercase().replace(['’', '‘'], "'"),
        range,
        shape,
    });
}

fn word_end(text: &str, start: usize) -> usize {
    let mut end = start;
    let mut chars = text[start..].char_indices().peekable();
    while let Some((offset, c)) = chars.next() {
        let next = chars.peek().map(|&(_, c)| c);
        let here = start + offset;
        let inner = next.is_some_and(char::is_alphanumeric);
        let keep = c.is_alphanumeric()
            || is_combining(c)
            || (inner && (is_apostrophe(c) || matches!(c, '-' | '‑' | '\u{ad}' | '&')))
            || (inner && matches!(c, '.' | ',') && {
                let before = text[..here].chars().next_back();
                let digits = before.is_some_and(|c| c.is_ascii_digit())
                    && next.is_some_and(|c| c.is_ascii_digit());
                digits || (c == '.' && is_initials(&text[start..here]))
            })
            || (c == '.' && is_abbreviation(&text[start..here]));
        if !keep {
            break;
        }
        end = here + c.len_utf8();
        if c == '.' && !inner {
            break;
        }
    }
    end.max(start + text[start..].chars().next().map_or(0, char::len_utf8))
}

fn is_initials(run: &str) -> bool {
    run.split('.')
        .all(|part| part.chars().count() == 1 && part.chars().all(char::is_alphabetic))
}

/// Abbreviations whose full stop is part of the word.
fn is_abbreviation(run: &str) -> bool {
    // A party and state after a legislator's name: R-Ky., D-Calif.
    let seat = ["R-", "D-", "I-"].iter().any(|party| {
        run.strip_prefix(party)
            .is_some_and(|state| state.len() <= 6 && state.starts_with(char::is_uppercase))
    });
    seat || (is_initials(run) && run.chars().all(|c| c.is_uppercase() || c == '.'))
        || matches!(
            run,
            "Mr" | "Mrs"
                | "Ms"
                | "Dr"
                | "Prof"
                | "Sen"
                | "Rep"
                | "Gov"
                | "Gen"
                | "Col"
                | "Lt"
                | "Sgt"
                | "Capt"
                | "Maj"
                | "Adm"
                | "Rev"
                | "Hon"
                | "St"
                | "Jr"
                | "Sr"
                | "Messrs"
                | "Cmdr"
                | "Pres"
                | "Amb"
                | "Atty"
                | "Sens"
                | "Reps"
                | "Govs"
                | "Cpl"
                | "Pvt"
                | "Supt"
                | "Det"
                | "Insp"
                | "Fr"
                | "Mt"
                | "Ft"
                | "Dept"
                | "Jan"
                | "Feb"
                | "Aug"
                | "Sept"
                | "Sep"
                | "Oct"
                | "Nov"
                | "Dec"
                | "No"
                | "Inc"
                | "Corp"
                | "Ltd"
                | "Co"
                | "vs"
                | "v"
                | "etc"
                | "Calif"
                | "Fla"
                | "Ill"
                | "Mass"
                | "Mich"
                | "Minn"
                | "Pa"
                | "Tex"
                | "Va"
                | "Wash"
                | "Wis"
                | "Conn"
                | "Ariz"
                | "Ark"
                | "Colo"
                | "Ga"
                | "Ind"
                | "Kan"
                | "Ky"
                | "La"
                | "Md"
                | "Mo"
                | "Mont"
                | "Neb"
                | "Nev"
                | "Okla"
                | "Ore"
                | "Tenn"
                | "Vt"
                | "Wyo"
                | "Ala"
                | "Del"
        ) && run != "No"
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '’' | '‘')
}

fn is_combining(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{200d}' | '\u{fe0f}')
}

/// The closed class of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// a, the, this, some, each …
    Determiner,
    /// his, her, its, their …
    PossessivePronoun,
    /// he, she, it, they, I …
    Pronoun,
    /// who, which, that (also a subordinator; the reader decides).
    Relative,
    /// of, in, at, with …
    Preposition,
    /// and, or, but.
    Coordinator,
    /// because, while, after, if …
    Subordinator,
    /// has, was, is, did …
    Auxiliary,
    /// will, would, can …
    Modal,
    /// not, never, n't forms.
    Negation,
    /// also, later, however, Monday … : what may stand between subject and verb.
    Adverb,
    /// to.
    To,
    /// A number.
    Number,
    /// Everything else: nouns, verbs, adjectives, names.
    Open,
}

/// The closed class of `word` (lower case, straight apostrophes).
#[must_use]
pub fn class(word: &str) -> Class {
    match word {
        "a" | "an" | "the" | "this" | "these" | "those" | "some" | "any" | "each" | "every"
        | "another" | "no" | "both" | "many" | "several" | "most" | "all" | "few" | "other"
        | "such" | "one" | "two" | "three" | "four" | "five" | "six" | "seven" | "eight"
        | "nine" | "ten" | "dozens" | "hundreds" | "more" => Class::Determiner,
        "his" | "her" | "its" | "their" | "my" | "our" | "your" | "whose" => {
            Class::PossessivePronoun
        }
        "he" | "she" | "it" | "they" | "i" | "we" | "you" | "him" | "them" | "me" | "us"
        | "himself" | "herself" | "itself" | "themselves" | "everyone" | "someone" | "nobody"
        | "anyone" | "others" => Class::Pronoun,
        "who" | "which" | "that" | "whom" => Class::Relative,
        "of" | "in" | "at" | "on" | "with" | "from" | "by" | "for" | "about" | "against"
        | "under" | "over" | "into" | "through" | "during" | "between" | "among" | "amid"
        | "toward" | "towards" | "behind" | "near" | "around" | "across" | "via" | "within"
        | "without" | "beyond" | "upon" | "inside" | "outside" | "onto" | "off" | "above"
        | "below" | "beside" | "besides" | "despite" | "alongside" | "including" | "regarding"
        | "concerning" | "per" | "like" | "unlike" | "than" | "as" | "throughout" | "following" => {
            Class::Preposition
        }
        "and" | "or" | "but" | "nor" | "yet" | "so" | "&" => Class::Coordinator,
        "because" | "while" | "although" | "though" | "if" | "when" | "where" | "whereas"
        | "unless" | "until" | "since" | "after" | "before" | "once" | "whether" | "how"
        | "why" | "what" | "whenever" => Class::Subordinator,
        "has" | "have" | "had" | "is" | "are" | "was" | "were" | "be" | "been" | "being" | "am"
        | "did" | "does" | "do" | "hasn't" | "haven't" | "hadn't" | "isn't" | "aren't"
        | "wasn't" | "weren't" | "didn't" | "doesn't" | "don't" | "he's" | "she's" | "it's"
        | "they've" | "we've" | "i've" | "having" => Class::Auxiliary,
        "will" | "would" | "can" | "could" | "may" | "might" | "must" | "shall" | "should"
        | "won't" | "wouldn't" | "can't" | "cannot" | "couldn't" | "shouldn't" | "ought"
        | "i'd" | "he'd" | "she'd" | "they'd" | "i'll" | "he'll" | "she'll" | "they'll"
        | "we'll" => Class::Modal,
        "not" | "never" | "neither" => Class::Negation,
        "to" => Class::To,
        "also" | "later" | "then" | "again" | "however" | "recently" | "first" | "once-again"
        | "still" | "now" | "further" | "too" | "just" | "only" | "even" | "already" | "soon"
        | "often" | "always" | "once_more" | "meanwhile" | "instead" | "therefore" | "thus"
        | "earlier" | "today" | "yesterday" | "tomorrow" | "tonight" | "monday" | "tuesday"
        | "wednesday" | "thursday" | "friday" | "saturday" | "sunday" | "separately" | "back"
        | "long" | "ever" | "far" | "there" | "here" | "afterward" | "afterwards" | "sometimes"
        | "perhaps" | "maybe" | "rather" | "quite" | "very" | "reportedly" | "famously"
        | "simply" | "twice" | "last" | "bluntly" | "nevertheless" | "nonetheless" => Class::Adverb,
        _ if is_adverb(word) => Class::Adverb,
        _ => Class::Open,
    }
}

/// Adverbs in -ly; family, Italy and their like are none.
fn is_adverb(word: &str) -> bool {
    word.len() > 4
        && word.ends_with("ly")
        && !matches!(
            word,
            "family"
                | "italy"
                | "july"
                | "assembly"
                | "reply"
                | "supply"
                | "ally"
                | "rally"
                | "daily"
                | "weekly"
                | "monthly"
                | "elderly"
                | "friendly"
                | "early"
                | "likely"
                | "only"
                | "monopoly"
                | "anomaly"
                | "kelly"
                | "sally"
                | "molly"
                | "emily"
                | "beverly"
                | "kimberly"
                | "apply"
                | "comply"
                | "imply"
                | "rely"
                | "multiply"
                | "deadly"
                | "costly"
                | "lovely"
                | "bully"
                | "holly"
                | "reilly"
                | "o'reilly"
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut(text: &str) -> Vec<&str> {
        words(text).into_iter().map(|w| &text[w.range]).collect()
    }

    #[test]
    fn abbreviations_hyphens_and_possessives() {
        assert_eq!(
            cut("Mr. Venn’s U.S. secretary-general didn’t pay 1,200 in the ministers’ hall."),
            [
                "Mr.",
                "Venn",
                "’s",
                "U.S.",
                "secretary-general",
                "didn’t",
                "pay",
                "1,200",
                "in",
                "the",
                "ministers",
                "’",
                "hall",
                "."
            ]
        );
    }

    #[test]
    fn a_sentence_end_is_no_abbreviation() {
        assert_eq!(
            cut("He left. It’s late."),
            ["He", "left", ".", "It’s", "late", "."]
        );
    }

    proptest! {
        #[test]
        fn words_tile_the_text(text in "\\PC{0,80}") {
            let mut at = 0;
            for word in words(&text) {
                prop_assert!(word.range.start >= at && word.range.end > word.range.start);
                prop_assert!(text[at..word.range.start].trim().is_empty());
                at = word.range.end;
            }
            prop_assert!(text[at..].trim().is_empty());
        }
    }
}
