//! Bytes of a text file to a string, with a note on everything that was not plain UTF-8.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// Text of an input, and what had to be guessed or replaced to get it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The text, without byte order mark; line ends and NUL characters are kept.
    pub text: String,
    /// What a user should know, in the order in which it was found.
    pub notes: Vec<Note>,
}

/// One remark on how an input was decoded; becomes a warning of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Stable code: `encoding-guessed`, `encoding-broken`, `nul-characters`.
    pub code: &'static str,
    /// What was found, where, and what was done about it.
    pub message: String,
}

impl Note {
    fn new(code: &'static str, message: String) -> Self {
        Self { code, message }
    }
}

/// Decodes a whole file.
///
/// A byte order mark decides; then UTF-8 if every byte agrees; then UTF-16 without
/// a mark; then UTF-8 with damaged bytes; and at last the guess of
/// [chardetng](https://docs.rs/chardetng), which judges by the frequency of letters.
pub fn decode(bytes: &[u8]) -> Decoded {
    let mut notes = Vec::new();
    let text = match Encoding::for_bom(bytes) {
        Some((encoding, mark)) => with_mark(encoding, &bytes[mark..], mark, &mut notes),
        None => without_mark(bytes, &mut notes),
    };
    note_nuls(&text, &mut notes);
    Decoded { text, notes }
}

/// Decodes a whole file in an encoding that the user told; a byte order mark still decides.
pub fn decode_as(bytes: &[u8], encoding: &'static Encoding) -> Decoded {
    let mut notes = Vec::new();
    let (encoding, mark) = Encoding::for_bom(bytes).unwrap_or((encoding, 0));
    let text = with_mark(encoding, &bytes[mark..], mark, &mut notes);
    note_nuls(&text, &mut notes);
    Decoded { text, notes }
}

/// Decodes a web page whose server is not there to tell its encoding.
///
/// A byte order mark decides; then UTF-8 where letters beyond ASCII are all valid in it, which
/// no other encoding's are by accident; then what the page declares in its first bytes, if its
/// bytes are valid in that; and at last the guesses of [`decode`].
pub fn decode_page(bytes: &[u8]) -> Decoded {
    decode_response(bytes, None)
}

/// Decodes a web page of which its server may have told the encoding (`charset`).
///
/// A byte order mark decides; then UTF-8 where letters beyond ASCII are all valid in it, which
/// no other encoding's are by accident; then what the server told, else what the page declares in
/// its first bytes, if its bytes are valid in that; and at last the guesses of [`decode`].
pub(crate) fn decode_response(bytes: &[u8], charset: Option<&str>) -> Decoded {
    if Encoding::for_bom(bytes).is_some() {
        return decode(bytes);
    }
    let known = |label: &str| Encoding::for_label(label.as_bytes()).is_some();
    let told = charset.filter(|label| known(label)).map(str::to_owned);
    let Some(label) = told.or_else(|| declared(bytes)) else {
        return decode(bytes);
    };
    let known = Encoding::for_label(label.as_bytes());
    // A declaration that can be read is not in UTF-16, whatever it says.
    let encoding = known.filter(|known| ![UTF_16LE, UTF_16BE].contains(known));
    let valid_utf8 = std::str::from_utf8(bytes).is_ok();
    match encoding {
        Some(encoding) if encoding != UTF_8 && !valid_utf8 => {
            let (text, damaged) = encoding.decode_without_bom_handling(bytes);
            if damaged {
                let mut decoded = decode(bytes);
                let message = format!("the page declares `{label}`, but is not valid in it");
                decoded
                    .notes
                    .insert(0, Note::new("encoding-declared", message));
                return decoded;
            }
            let text = text.into_owned();
            let mut notes = Vec::new();
            note_nuls(&text, &mut notes);
            Decoded { text, notes }
        }
        Some(_) => decode(bytes),
        None => {
            let mut decoded = decode(bytes);
            if known.is_none() {
                let message =
                    format!("the page declares the encoding `{label}`, which there is not");
                decoded
                    .notes
                    .insert(0, Note::new("encoding-declared", message));
            }
            decoded
        }
    }
}

/// The label of the encoding that a page declares: `<meta charset=…>`, the older
/// `<meta … content="text/html; charset=…">`, or the declaration of XML.
fn declared(bytes: &[u8]) -> Option<String> {
    /// Browsers look at 1,024 bytes; pages that declare later than here mean scripts.
    const HEAD: usize = 4096;
    let head: Vec<u8> = bytes[..bytes.len().min(HEAD)].to_ascii_lowercase();
    let behind = |key: &[u8], from: usize| {
        let at = memchr::memmem::find(&head[from..], key)? + from + key.len();
        let rest = &head[at..];
        let blanks = rest.iter().take_while(|b| b.is_ascii_whitespace()).count();
        let rest = rest[blanks..].strip_prefix(b"=")?;
        let open = |b: &u8| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'');
        let skipped = rest.iter().take_while(|b| open(b)).count();
        let label: Vec<u8> = rest[skipped..]
            .iter()
            .copied()
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b':' | b'.'))
            .collect();
        String::from_utf8(label)
            .ok()
            .filter(|label| !label.is_empty())
    };
    if head.trim_ascii_start().starts_with(b"<?xml")
        && let Some(label) = behind(b"encoding", 0)
    {
        return Some(label);
    }
    memchr::memmem::find_iter(&head, b"<meta").find_map(|at| {
        let end = memchr::memchr(b'>', &head[at..]).map_or(head.len(), |end| at + end);
        behind(b"charset", at)
            .filter(|_| memchr::memmem::find(&head[at..end], b"charset").is_some())
    })
}

/// Whether bytes are no text in any encoding: a picture or an archive under a page's name.
pub(crate) fn is_binary(bytes: &[u8]) -> bool {
    const SAMPLE: usize = 4096;
    if Encoding::for_bom(bytes).is_some() || unmarked_utf16(bytes).is_some() {
        return false;
    }
    let sample = &bytes[..bytes.len().min(SAMPLE)];
    let control =
        |b: &&u8| b.is_ascii_control() && !matches!(b, b'\t' | b'\n' | b'\r' | 0x0C | 0x1B);
    let controls = sample.iter().filter(control).count();
    bytes.starts_with(b"%PDF-") || controls * 20 > sample.len()
}

/// The two-byte encoding that these bytes are in although no mark says so, if they are.
///
/// Text of any script has blanks, line ends, digits and punctuation of ASCII in it: in UTF-16
/// these are a NUL next to an ASCII byte, always on the same side.
pub(crate) fn unmarked_utf16(bytes: &[u8]) -> Option<&'static Encoding> {
    const SAMPLE: usize = 8192;
    const SHARE: usize = 20;
    let sample = &bytes[..bytes.len().min(SAMPLE)];
    let (mut little, mut big, mut plain, mut pairs) = (0usize, 0usize, 0usize, 0usize);
    for pair in sample.chunks_exact(2) {
        pairs += 1;
        match (pair[0], pair[1]) {
            (b'\t' | b'\n' | b'\r' | b' '..=b'~', 0) => little += 1,
            (0, b'\t' | b'\n' | b'\r' | b' '..=b'~') => big += 1,
            (b' '..=b'~', b' '..=b'~') => plain += 1,
            _ => {}
        }
    }
    let (winner, loser, encoding) = if little >= big {
        (little, big, UTF_16LE)
    } else {
        (big, little, UTF_16BE)
    };
    (winner * SHARE >= pairs && winner > plain && winner >= loser * 4).then_some(encoding)
}

fn with_mark(
    encoding: &'static Encoding,
    bytes: &[u8],
    mark: usize,
    notes: &mut Vec<Note>,
) -> String {
    if encoding == UTF_8 {
        return match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(error) => damaged_utf8(bytes, mark, error.valid_up_to(), notes),
        };
    }
    let (text, damaged) = encoding.decode_without_bom_handling(bytes);
    if damaged {
        notes.push(Note::new(
            "encoding-broken",
            format!(
                "not all of it is valid {}; the damaged places became U+FFFD",
                encoding.name()
            ),
        ));
    }
    text.into_owned()
}

fn without_mark(bytes: &[u8], notes: &mut Vec<Note>) -> String {
    let utf8 = std::str::from_utf8(bytes);
    let has_nul = memchr::memchr(0, &bytes[..bytes.len().min(8192)]).is_some();
    if has_nul && let Some(encoding) = unmarked_utf16(bytes) {
        let (text, damaged) = encoding.decode_without_bom_handling(bytes);
        let also = if damaged {
            "; the damaged places became U+FFFD"
        } else {
            ""
        };
        notes.push(Note::new(
            "encoding-guessed",
            format!(
                "read as {} although no byte order mark says so{also}",
                encoding.name()
            ),
        ));
        return text.into_owned();
    }
    match utf8 {
        Ok(text) => text.to_owned(),
        Err(error) => {
            let at = error.valid_up_to();
            if is_damaged_utf8(bytes) {
                damaged_utf8(bytes, 0, at, notes)
            } else {
                guess(bytes, at, notes)
            }
        }
    }
}

/// Whether broken UTF-8 is UTF-8 with accidents rather than another encoding: in a legacy
/// encoding letters beyond ASCII hardly ever form a valid sequence, in UTF-8 nearly all do.
fn is_damaged_utf8(bytes: &[u8]) -> bool {
    let (mut good, mut bad, mut seen) = (0usize, 0usize, 0usize);
    let mut cut_at_end = false;
    for chunk in bytes.utf8_chunks() {
        good += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        seen += chunk.valid().len() + chunk.invalid().len();
        if !chunk.invalid().is_empty() {
            bad += 1;
            // Incomplete rather than wrong, and nothing follows.
            let incomplete = std::str::from_utf8(chunk.invalid()).map_err(|e| e.error_len());
            cut_at_end = seen == bytes.len() && incomplete == Err(None);
        }
    }
    // Of one letter beyond ASCII, and that the last, a truncation is the likelier story only
    // where more than one of its bytes is left: `café` in Latin-1 ends like that, too.
    good >= bad || (bad == 1 && cut_at_end && bytes.len() > 1 && bytes[bytes.len() - 2] >= 0x80)
}

fn damaged_utf8(bytes: &[u8], skipped: usize, at: usize, notes: &mut Vec<Note>) -> String {
    let bad: usize = bytes
        .utf8_chunks()
        .filter(|chunk| !chunk.invalid().is_empty())
        .count();
    let places = if bad == 1 {
        "1 place is".to_owned()
    } else {
        format!("{bad} places are")
    };
    notes.push(Note::new(
        "encoding-broken",
        format!(
            "{places} not valid UTF-8, the first at {}; replaced by U+FFFD",
            place(bytes, skipped, at)
        ),
    ));
    String::from_utf8_lossy(bytes).into_owned()
}

fn guess(bytes: &[u8], at: usize, notes: &mut Vec<Note>) -> String {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    let encoding = detector.guess(None, Utf8Detection::Deny);
    let (text, damaged) = encoding.decode_without_bom_handling(bytes);
    let also = if damaged {
        ", with damaged places as U+FFFD"
    } else {
        ""
    };
    notes.push(Note::new(
        "encoding-guessed",
        format!(
            "not UTF-8: byte 0x{:02X} at {}; read as {}{also}; `encoding` under `[input]` sets another",
            bytes[at],
            place(bytes, 0, at),
            encoding.name()
        ),
    ));
    text.into_owned()
}

fn note_nuls(text: &str, notes: &mut Vec<Note>) {
    let nuls = memchr::memchr_iter(0, text.as_bytes()).count();
    if nuls > 0 {
        let first = memchr::memchr(0, text.as_bytes()).unwrap_or_default();
        let line = 1 + memchr::memchr_iter(b'\n', &text.as_bytes()[..first]).count();
        let what = if nuls == 1 {
            "1 NUL character".to_owned()
        } else {
            format!("{nuls} NUL characters")
        };
        notes.push(Note::new(
            "nul-characters",
            format!("{what} in the text, the first in line {line}; kept"),
        ));
    }
}

fn place(bytes: &[u8], skipped: usize, at: usize) -> String {
    let before = &bytes[..at];
    let line = 1 + memchr::memchr_iter(b'\n', before).count();
    format!("byte {} (line {line})", skipped + at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STORY: &str = "The café owner, Élodie Brûlé, said the ferry “won't stop” at Saint-Évariste.\r\nNaïve, she added.\r\n";

    fn codes(decoded: &Decoded) -> Vec<&str> {
        decoded.notes.iter().map(|note| note.code).collect()
    }

    fn utf16(text: &str, big: bool, mark: bool) -> Vec<u8> {
        let units = mark
            .then_some(0xFEFF)
            .into_iter()
            .chain(text.encode_utf16());
        units
            .flat_map(|unit| {
                if big {
                    unit.to_be_bytes()
                } else {
                    unit.to_le_bytes()
                }
            })
            .collect()
    }

    #[test]
    fn plain_utf8_passes_without_a_note_and_keeps_its_line_ends() {
        let decoded = decode(STORY.as_bytes());
        assert_eq!((decoded.text.as_str(), decoded.notes.len()), (STORY, 0));
    }

    #[test]
    fn a_utf8_mark_is_taken_off() {
        let mut bytes = vec![0xEF, 0xBB, 0xBF];
        bytes.extend(STORY.as_bytes());
        let decoded = decode(&bytes);
        assert_eq!((decoded.text.as_str(), decoded.notes.len()), (STORY, 0));
    }

    #[test]
    fn utf16_is_read_with_and_without_a_mark_in_both_orders() {
        for big in [false, true] {
            let marked = decode(&utf16(STORY, big, true));
            assert_eq!((marked.text.as_str(), marked.notes.len()), (STORY, 0));
            let bare = decode(&utf16(STORY, big, false));
            assert_eq!(bare.text, STORY);
            assert_eq!(codes(&bare), ["encoding-guessed"]);
            assert!(
                bare.notes[0].message.contains("UTF-16"),
                "{}",
                bare.notes[0].message
            );
        }
    }

    #[test]
    fn cyrillic_utf16_without_a_mark_is_known_by_its_blanks() {
        let story = "Паром больше не остановится, сказала министр гавани в среду, 4 марта.";
        assert_eq!(decode(&utf16(story, false, false)).text, story);
        assert_eq!(decode(&utf16(story, true, false)).text, story);
    }

    #[test]
    fn latin_1_is_guessed_and_the_note_names_guess_and_first_byte() {
        let (bytes, _, _) = encoding_rs::WINDOWS_1252.encode(STORY);
        let decoded = decode(&bytes);
        assert_eq!(decoded.text, STORY);
        assert_eq!(codes(&decoded), ["encoding-guessed"]);
        says(
            &decoded.notes[0].message,
            &["windows-1252", "byte 7 (line 1)", "0xE9"],
        );
    }

    #[test]
    fn cyrillic_windows_1251_is_guessed() {
        let story = "Министр гавани заявила, что паром больше не будет останавливаться у острова.";
        let (bytes, _, _) = encoding_rs::WINDOWS_1251.encode(story);
        assert_eq!(decode(&bytes).text, story);
    }

    #[test]
    fn utf8_with_accidents_stays_utf8() {
        let mut bytes = STORY.as_bytes().to_vec();
        bytes.insert(4, 0xFF);
        let decoded = decode(&bytes);
        assert_eq!(codes(&decoded), ["encoding-broken"]);
        assert!(
            decoded.text.starts_with("The \u{FFFD}café"),
            "{}",
            decoded.text
        );
        says(
            &decoded.notes[0].message,
            &["1 place is", "byte 4 (line 1)"],
        );
    }

    #[test]
    fn a_letter_cut_in_two_at_the_end_does_not_turn_the_file_into_another_encoding() {
        let decoded = decode(b"The ferry will not stop, he said \xE2\x80");
        assert_eq!(codes(&decoded), ["encoding-broken"]);
        assert!(decoded.text.ends_with("said \u{FFFD}"));
    }

    #[test]
    fn nul_bytes_are_kept_and_counted() {
        let decoded = decode(b"One line.\nThe\0 ferry\0 sails.");
        assert_eq!(decoded.text, "One line.\nThe\0 ferry\0 sails.");
        assert_eq!(codes(&decoded), ["nul-characters"]);
        says(&decoded.notes[0].message, &["2 NUL characters", "line 2"]);
    }

    #[test]
    fn nothing_decodes_to_nothing() {
        assert_eq!(
            decode(b""),
            Decoded {
                text: String::new(),
                notes: vec![]
            }
        );
        assert_eq!(decode(&[0xEF, 0xBB, 0xBF]).text, "");
    }

    fn says(message: &str, parts: &[&str]) {
        for part in parts {
            assert!(message.contains(part), "{part:?} is not in {message:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_without_nul_survives_utf8_unchanged(text in "[^\u{0}\u{FEFF}]{0,200}") {
            let decoded = decode(text.as_bytes());
            prop_assert_eq!(decoded.text, text);
            prop_assert!(decoded.notes.is_empty());
        }

        #[test]
        fn any_bytes_give_some_text(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            decode(&bytes);
        }
    }
}
