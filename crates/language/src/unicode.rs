//! Characters that extraction and encoding leave in news text, and what they
//! stand for: other spaces, invisible characters, UTF-8 read as Windows-1252,
//! HTML entities, ligatures.
//!
//! Quotation marks, dashes and ellipses are left as they are written, curly or
//! straight: they carry meaning for the stages that follow. Only signs that stand
//! for one of them and that no stage would know (a spacing accent as apostrophe, a
//! hyphen that forbids a line break) become the usual one.

use std::borrow::Cow;
use std::ops::Range;

/// One replacement: the bytes of the text it covers, and what to write there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Bytes of the text; never empty, on character boundaries.
    pub range: Range<usize>,
    /// What stands there afterwards; often nothing.
    pub with: Cow<'static, str>,
}

/// Changes that make `text` plain, ascending and not overlapping. Applying them
/// keeps every word and every line break.
///
/// ```
/// use copydesk_language::unicode::{apply, changes};
/// let text = "The\u{a0}har\u{ad}bour &amp; the â€œpierâ€\u{9d}";
/// assert_eq!(apply(text, &changes(text)), "The harbour & the “pier”");
/// ```
#[must_use]
pub fn changes(text: &str) -> Vec<Change> {
    let right_to_left = text.chars().any(is_right_to_left);
    let mut out: Vec<Change> = Vec::new();
    let mut at = 0;
    let mut blank = false;
    while let Some(c) = text[at..].chars().next() {
        let width = c.len_utf8();
        if c.is_ascii() && !matches!(c, '&' | ' ' | '\t') && !c.is_ascii_control() {
            blank = false;
            at += width;
            continue;
        }
        let rest = &text[at..];
        let (len, with): (usize, Option<Cow<'static, str>>) = if is_space(c) {
            // Runs of blanks of any kind are one blank.
            let with = if blank {
                Some("".into())
            } else {
                (c != ' ').then(|| " ".into())
            };
            blank = true;
            (width, with)
        } else if is_invisible(c, &text[..at], &rest[width..], right_to_left) {
            (width, Some("".into()))
        } else {
            let found = match c {
                '&' => entity(rest),
                'ﬀ'..='ﬆ' => Some((width, ligature(c).into())),
                '\u{300}'..='\u{36f}' => {
                    // The letter before it is plain: were it damaged, the mark
                    // would not stand alone.
                    if let Some((letter, composed)) = composed(&text[..at], c)
                        && out.last().is_none_or(|last| last.range.end <= at - letter)
                    {
                        out.push(Change {
                            range: at - letter..at + width,
                            with: composed.into(),
                        });
                        blank = false;
                        at += width;
                        continue;
                    }
                    None
                }
                _ => usual_sign(c, &text[..at], &rest[width..])
                    .map(|sign| (width, sign.into()))
                    .or_else(|| misread_twice(rest))
                    .or_else(|| misread_utf8(rest)),
            };
            let (len, with) = found.map_or((width, None), |(len, with)| (len, Some(with)));
            match with.as_deref() {
                Some("") => {}
                Some(" ") => {
                    // An entity or misread bytes may themselves be a blank.
                    let with = if blank { "" } else { " " };
                    blank = true;
                    out.push(Change {
                        range: at..at + len,
                        with: with.into(),
                    });
                    at += len;
                    continue;
                }
                _ => blank = false,
            }
            (len, with)
        };
        if let Some(with) = with {
            out.push(Change {
                range: at..at + len,
                with,
            });
        }
        at += len;
    }
    out
}

/// `text` with `changes` made.
#[must_use]
pub fn apply(text: &str, changes: &[Change]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for change in changes {
        out.push_str(&text[at..change.range.start]);
        out.push_str(&change.with);
        at = change.range.end;
    }
    out.push_str(&text[at..]);
    out
}

fn is_space(c: char) -> bool {
    c == '\t' || (c.is_whitespace() && !crate::sentence::is_line_break(c)) || c == '\u{2800}'
}

fn is_invisible(c: char, before: &str, after: &str, right_to_left: bool) -> bool {
    match c {
        '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{fffc}' | '\u{180e}' => true,
        // Joiners make emoji and shape Indic and Arabic letters.
        '\u{200c}' | '\u{200d}' => {
            let latin = |c: Option<char>| c.is_none_or(|c| c.is_ascii() || c.is_whitespace());
            latin(before.chars().next_back()) && latin(after.chars().next())
        }
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            !right_to_left
        }
        _ => c.is_control() && !crate::sentence::is_line_break(c) && !is_misread(c),
    }
}

/// C1 controls are how some decoders show bytes that Windows-1252 leaves open:
/// the middle of misread UTF-8 is looked at before they are dropped.
fn is_misread(c: char) -> bool {
    matches!(c, '\u{81}' | '\u{8d}' | '\u{8f}' | '\u{90}' | '\u{9d}')
}

fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}')
}

/// The usual sign for one that stands for it.
fn usual_sign(c: char, before: &str, after: &str) -> Option<&'static str> {
    let between_letters = || {
        before.chars().next_back().is_some_and(char::is_alphabetic)
            && after.chars().next().is_some_and(char::is_alphabetic)
    };
    Some(match c {
        '\u{2010}' | '\u{2011}' | '\u{fe63}' | '\u{ff0d}' => "-",
        '\u{2bc}' | '\u{ff07}' => "’",
        '\u{b4}' if between_letters() => "’",
        '\u{ff02}' => "\"",
        '\u{201f}' | '\u{275d}' => "“",
        '\u{275e}' => "”",
        _ => return None,
    })
}

/// The letter that ends `before` with the combining `mark` on it, as one character
/// (NFC, as far as names in English news need it), and the bytes of the letter.
fn composed(before: &str, mark: char) -> Option<(usize, &'static str)> {
    const MARKS: [(char, &str, &str); 8] = [
        ('\u{300}', "AEIOUaeiou", "ÀÈÌÒÙàèìòù"),
        ('\u{301}', "AEIOUYCNSZaeiouycnsz", "ÁÉÍÓÚÝĆŃŚŹáéíóúýćńśź"),
        ('\u{302}', "AEIOUaeiou", "ÂÊÎÔÛâêîôû"),
        ('\u{303}', "ANOano", "ÃÑÕãñõ"),
        ('\u{308}', "AEIOUaeiouy", "ÄËÏÖÜäëïöüÿ"),
        ('\u{30a}', "Aa", "Åå"),
        ('\u{30c}', "CDERSZcerszn", "ČĎĚŘŠŽčěřšžň"),
        ('\u{327}', "CSTcst", "ÇŞŢçşţ"),
    ];
    let letter = before.chars().next_back()?;
    let (_, letters, whole) = MARKS.iter().find(|(known, _, _)| *known == mark)?;
    let at = letters.chars().position(|known| known == letter)?;
    let (start, c) = whole.char_indices().nth(at)?;
    Some((letter.len_utf8(), &whole[start..start + c.len_utf8()]))
}

fn ligature(c: char) -> &'static str {
    match c {
        'ﬀ' => "ff",
        'ﬁ' => "fi",
        'ﬂ' => "fl",
        'ﬃ' => "ffi",
        'ﬄ' => "ffl",
        _ => "st",
    }
}

/// `â€œ` for “: the bytes of UTF-8 shown in Windows-1252. Only leads that English
/// news is damaged with are tried, so that no honest accent is touched.
fn misread_utf8(rest: &str) -> Option<(usize, Cow<'static, str>)> {
    let lead = rest.chars().next()?;
    let length = match lead {
        'Â' | 'Ã' => 2,
        'â' | 'ï' => 3,
        'ð' => 4,
        c if is_misread(c) => return Some((c.len_utf8(), "".into())),
        _ => return None,
    };
    let mut bytes = Vec::with_capacity(length);
    let mut len = 0;
    for c in rest.chars().take(length) {
        let Some(byte) = windows_1252(c) else { break };
        bytes.push(byte);
        len += c.len_utf8();
    }
    if bytes.len() == length
        && let Ok(text) = std::str::from_utf8(&bytes)
    {
        let c = text.chars().next()?;
        let with = if is_space(c) {
            Cow::Borrowed(" ")
        } else if is_invisible(c, "", "", false) {
            Cow::Borrowed("")
        } else {
            Cow::Owned(text.to_owned())
        };
        return Some((len, with));
    }
    // The last byte of ” has no character in Windows-1252 and is often lost.
    let torn = rest.strip_prefix("â€")?;
    let next = torn.chars().next();
    next.is_none_or(|c| !c.is_alphanumeric())
        .then_some(("â€".len(), "”".into()))
}

/// `Ã¢â‚¬Å“` for “: the same damage done twice. What comes out of the first reading
/// has to be damaged in turn.
fn misread_twice(rest: &str) -> Option<(usize, Cow<'static, str>)> {
    if !rest.starts_with(['Ã', 'Â']) {
        return None;
    }
    let (mut len, mut once) = (0, String::new());
    while once.chars().count() < 4 {
        let Some((c, width)) = read_again(&rest[len..]) else {
            break;
        };
        once.push(c);
        len += width;
    }
    if !once.starts_with(['â', 'Ã', 'Â', 'ï', 'ð']) || once.chars().count() < 2 {
        return None;
    }
    let (used, with) = misread_utf8(&once)?;
    // Back to how much of the text that was.
    let mut len = 0;
    let mut left = once[..used].chars().count();
    while left > 0 {
        len += read_again(&rest[len..])?.1;
        left -= 1;
    }
    // The rest of a closing mark that was torn.
    if once[..used] == *"â€" && rest[len..].starts_with('Â') {
        len += 'Â'.len_utf8();
    }
    Some((len, with))
}

/// The character whose UTF-8 the beginning of `rest` shows in Windows-1252.
fn read_again(rest: &str) -> Option<(char, usize)> {
    let length = match windows_1252(rest.chars().next()?)? {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return None,
    };
    let mut bytes = Vec::with_capacity(length);
    let mut len = 0;
    for c in rest.chars().take(length) {
        bytes.push(windows_1252(c)?);
        len += c.len_utf8();
    }
    let c = std::str::from_utf8(&bytes).ok()?.chars().next()?;
    Some((c, len))
}

fn windows_1252(c: char) -> Option<u8> {
    Some(match c {
        '€' => 0x80,
        '‚' => 0x82,
        'ƒ' => 0x83,
        '„' => 0x84,
        '…' => 0x85,
        '†' => 0x86,
        '‡' => 0x87,
        'ˆ' => 0x88,
        '‰' => 0x89,
        'Š' => 0x8a,
        '‹' => 0x8b,
        'Œ' => 0x8c,
        'Ž' => 0x8e,
        '‘' => 0x91,
        '’' => 0x92,
        '“' => 0x93,
        '”' => 0x94,
        '•' => 0x95,
        '–' => 0x96,
        '—' => 0x97,
        '˜' => 0x98,
        '™' => 0x99,
        'š' => 0x9a,
        '›' => 0x9b,
        'œ' => 0x9c,
        'ž' => 0x9e,
        'Ÿ' => 0x9f,
        '\u{80}'..='\u{ff}' => c as u8,
        _ => return None,
    })
}

/// `&amp;`, `&#8217;`, `&#x2019;`, and those whose ampersand was itself escaped.
fn entity(rest: &str) -> Option<(usize, Cow<'static, str>)> {
    let mut prefix = 1;
    while rest[prefix..].starts_with("amp;") && reference(&rest[prefix + 4..]).is_some() {
        prefix += 4;
    }
    let (len, with) = reference(&rest[prefix..])?;
    let with = match with {
        Reference::Named(text) => Cow::Borrowed(text),
        Reference::Char(c) if is_space(c) => Cow::Borrowed(" "),
        Reference::Char(c)
            if is_invisible(c, "", "", false) || crate::sentence::is_line_break(c) =>
        {
            Cow::Borrowed("")
        }
        Reference::Char(c) => Cow::Owned(c.to_string()),
    };
    Some((prefix + len, with))
}

enum Reference {
    Named(&'static str),
    Char(char),
}

/// The reference at the start of `rest` (behind its ampersand) and its length.
fn reference(rest: &str) -> Option<(usize, Reference)> {
    let end = rest.bytes().take(10).position(|b| b == b';')?;
    let name = &rest[..end];
    let found = if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        // Numbers from 128 to 159 mean Windows-1252, as browsers read them.
        let c = (0x80..0xa0)
            .contains(&code)
            .then(|| WINDOWS_C1.chars().nth(code as usize - 0x80))
            .flatten()
            .or_else(|| char::from_u32(code))?;
        Reference::Char(c)
    } else {
        let (_, text) = NAMED.iter().find(|(known, _)| *known == name)?;
        Reference::Named(text)
    };
    Some((end + 1, found))
}

const WINDOWS_C1: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";

const NAMED: &[(&str, &str)] = &[
    ("amp", "&"),
    ("lt", "<"),
    ("gt", ">"),
    ("quot", "\""),
    ("apos", "'"),
    ("nbsp", " "),
    ("ensp", " "),
    ("emsp", " "),
    ("thinsp", " "),
    ("shy", ""),
    ("zwnj", ""),
    ("zwj", ""),
    ("lsquo", "‘"),
    ("rsquo", "’"),
    ("ldquo", "“"),
    ("rdquo", "”"),
    ("sbquo", "‚"),
    ("bdquo", "„"),
    ("laquo", "«"),
    ("raquo", "»"),
    ("ndash", "–"),
    ("mdash", "—"),
    ("hellip", "…"),
    ("bull", "•"),
    ("middot", "·"),
    ("copy", "©"),
    ("reg", "®"),
    ("trade", "™"),
    ("deg", "°"),
    ("pound", "£"),
    ("euro", "€"),
    ("yen", "¥"),
    ("cent", "¢"),
    ("sect", "§"),
    ("frac12", "½"),
    ("frac14", "¼"),
    ("times", "×"),
    ("agrave", "à"),
    ("aacute", "á"),
    ("acirc", "â"),
    ("atilde", "ã"),
    ("auml", "ä"),
    ("aring", "å"),
    ("aelig", "æ"),
    ("ccedil", "ç"),
    ("egrave", "è"),
    ("eacute", "é"),
    ("ecirc", "ê"),
    ("euml", "ë"),
    ("iacute", "í"),
    ("icirc", "î"),
    ("iuml", "ï"),
    ("ntilde", "ñ"),
    ("oacute", "ó"),
    ("ocirc", "ô"),
    ("otilde", "õ"),
    ("ouml", "ö"),
    ("oslash", "ø"),
    ("uacute", "ú"),
    ("ucirc", "û"),
    ("ugrave", "ù"),
    ("uuml", "ü"),
    ("szlig", "ß"),
    ("Auml", "Ä"),
    ("Agrave", "À"),
    ("Aacute", "Á"),
    ("Acirc", "Â"),
    ("Atilde", "Ã"),
    ("AElig", "Æ"),
    ("Ccedil", "Ç"),
    ("Egrave", "È"),
    ("Ecirc", "Ê"),
    ("Euml", "Ë"),
    ("Igrave", "Ì"),
    ("Iacute", "Í"),
    ("Icirc", "Î"),
    ("Iuml", "Ï"),
    ("Ntilde", "Ñ"),
    ("Ograve", "Ò"),
    ("Oacute", "Ó"),
    ("Ocirc", "Ô"),
    ("Otilde", "Õ"),
    ("Ugrave", "Ù"),
    ("Uacute", "Ú"),
    ("Ucirc", "Û"),
    ("Yacute", "Ý"),
    ("igrave", "ì"),
    ("ograve", "ò"),
    ("yacute", "ý"),
    ("yuml", "ÿ"),
    ("oelig", "œ"),
    ("OElig", "Œ"),
    ("scaron", "š"),
    ("Scaron", "Š"),
    ("iexcl", "¡"),
    ("iquest", "¿"),
    ("lsaquo", "‹"),
    ("rsaquo", "›"),
    ("dagger", "†"),
    ("para", "¶"),
    ("plusmn", "±"),
    ("frac34", "¾"),
    ("minus", "−"),
    ("prime", "′"),
    ("Prime", "″"),
    ("rarr", "→"),
    ("Ouml", "Ö"),
    ("Uuml", "Ü"),
    ("Eacute", "É"),
    ("Oslash", "Ø"),
    ("Aring", "Å"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(text: &str) -> String {
        apply(text, &changes(text))
    }

    #[test]
    fn spaces_of_every_kind_become_one_blank() {
        assert_eq!(plain("a\u{a0}b \u{2009} c\td\u{3000}e"), "a b c d e");
        assert_eq!(plain("a\r\n\u{a0}b\n\nc"), "a\r\n b\n\nc");
    }

    #[test]
    fn invisible_characters_disappear() {
        assert_eq!(
            plain("har\u{ad}bour\u{200b} \u{feff}m\u{0}aster"),
            "harbour master"
        );
        assert_eq!(
            plain("👨\u{200d}👩\u{200d}👧 نمی\u{200c}خواهم"),
            "👨\u{200d}👩\u{200d}👧 نمی\u{200c}خواهم"
        );
        assert_eq!(plain("a\u{200e}b"), "ab");
        assert_eq!(plain("שלום\u{200f}!"), "שלום\u{200f}!");
    }

    #[test]
    fn utf8_read_as_windows_1252_is_read_again() {
        assert_eq!(
            plain("â€œWe will notâ€\u{9d} â€“ itâ€™s â€˜overâ€™â€¦"),
            "“We will not” – it’s ‘over’…"
        );
        assert_eq!(plain("he said â€œno.â€ Then"), "he said “no.” Then");
        assert_eq!(plain("cafÃ© Â£5 5Â\u{a0}km ðŸš¢"), "café £5 5 km 🚢");
    }

    #[test]
    fn utf8_misread_twice_is_read_twice() {
        assert_eq!(
            plain("Ã¢â‚¬ËœPier BÃ¢â‚¬â„¢ Ã¢â‚¬Å“noÃ¢â‚¬Â\u{9d} Ã¢â‚¬â€œ cafÃƒÂ©"),
            "‘Pier B’ “no” – café"
        );
        assert_eq!(plain("Ã¢â‚¬Å“noÃ¢â‚¬Â. So"), "“no”. So");
    }

    #[test]
    fn signs_that_stand_for_others_become_the_usual() {
        assert_eq!(
            plain("the mayor´s ferry\u{2011}boat isn\u{2bc}t ❝here❞ ´"),
            "the mayor’s ferry-boat isn’t “here” ´"
        );
    }

    #[test]
    fn letters_and_their_marks_become_one_character() {
        assert_eq!(
            plain("E\u{301}lise Bra\u{30a}nd x\u{301} \u{301}"),
            "Élise Brånd x\u{301} \u{301}"
        );
        assert_eq!(plain("ha\u{ad}\u{301}"), "ha\u{301}");
    }

    #[test]
    fn honest_accents_stay() {
        for text in [
            "château, SÃO PAULO, naïve, Ångström, «Où?»",
            "`code` and SÃO",
            "ð is a letter",
            "â\u{302}",
            "Â",
            "Ã",
        ] {
            assert_eq!(plain(text), text);
        }
    }

    #[test]
    fn entities_are_decoded_once_or_twice_escaped() {
        assert_eq!(
            plain(
                "Toll &amp; Co. &ldquo;no&rdquo; it&#8217;s it&#x2019;s it&#146;s a&nbsp;b &amp;nbsp; R&amp;D AT&T; x &unknown; &#xZZ; &"
            ),
            "Toll & Co. “no” it’s it’s it’s a b R&D AT&T; x &unknown; &#xZZ; &"
        );
    }

    #[test]
    fn ligatures_are_spelt_out() {
        assert_eq!(plain("the ﬁrst oﬃce"), "the first office");
    }

    #[test]
    fn quotation_marks_dashes_and_ellipses_stay() {
        let text = "“A” 'b' — c – d … e ... f";
        assert!(changes(text).is_empty());
    }

    proptest! {
        #[test]
        fn changes_are_slices_in_order_and_keep_line_breaks(text in any::<String>()) {
            let found = changes(&text);
            let mut at = 0;
            for change in &found {
                prop_assert!(change.range.start >= at && change.range.start < change.range.end);
                prop_assert!(text.get(change.range.clone()).is_some());
                at = change.range.end;
            }
            let breaks = |s: &str| s.chars().filter(|c| crate::sentence::is_line_break(*c)).count();
            prop_assert_eq!(breaks(&plain(&text)), breaks(&text));
        }

        #[test]
        fn plain_text_is_a_fixed_point_of_blanks(text in "[ a-z\u{a0}\u{ad}\n]{0,40}") {
            let once = plain(&text);
            prop_assert_eq!(plain(&once), once);
        }
    }
}
