//! Mentions that the input names: an array of `{"start", "end", "target"}` in its field `targets`.

use std::ops::Range;

use serde::Deserialize;
use serde_json::Value;

/// A mention that the input names, with its place in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Given {
    /// Bytes of the text.
    pub(crate) range: Range<usize>,
    /// The name under which it stands in the output.
    pub(crate) target: String,
}

/// Why a mention that the input names is not judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unusable {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

#[derive(Deserialize)]
struct Entry {
    start: usize,
    end: usize,
    target: Option<String>,
}

/// The mentions of a document: those that have a place in its text, in their order, and why the
/// others have none. Offsets count in the characters of `raw`, the article as it came.
pub(crate) fn read(value: &Value, raw: &str, text: &str) -> (Vec<Given>, Vec<Unusable>) {
    let (mut given, mut unusable) = (Vec::new(), Vec::new());
    let entries = match value {
        Value::Null => return (given, unusable),
        Value::Array(entries) => entries.as_slice(),
        _ => {
            unusable.push(Unusable {
                code: "bad-target",
                message: "`targets` is no array of {\"start\", \"end\", \"target\"}".to_owned(),
            });
            return (given, unusable);
        }
    };
    // Byte of each character, and the end.
    let bytes: Vec<usize> = raw
        .char_indices()
        .map(|(byte, _)| byte)
        .chain([raw.len()])
        .collect();
    for (i, entry) in entries.iter().enumerate() {
        let told = |code, message: String| Unusable {
            code,
            message: format!("`targets[{i}]` {message}"),
        };
        let entry: Entry = match serde_json::from_value(entry.clone()) {
            Ok(entry) => entry,
            Err(error) => {
                unusable.push(told("bad-target", format!("cannot be read: {error}")));
                continue;
            }
        };
        if entry.start >= entry.end || entry.end >= bytes.len() {
            let message = format!(
                "is [{}, {}], in an article of {} characters; offsets count characters, the end exclusive",
                entry.start,
                entry.end,
                bytes.len() - 1
            );
            unusable.push(told("bad-target", message));
            continue;
        }
        let in_raw = bytes[entry.start]..bytes[entry.end];
        let words = &raw[in_raw.clone()];
        match place(raw, text, in_raw) {
            Some(range) => given.push(Given {
                range,
                target: entry.target.unwrap_or_else(|| words.to_owned()),
            }),
            None => {
                let message = format!("(“{words}”) is not in the text after cleanup");
                unusable.push(told("lost-target", message));
            }
        }
    }
    (given, unusable)
}

/// Where the words at `range` of `raw` stand in `text`, which cleanup made of it: the place whose
/// surroundings agree most with theirs. A stage is not shown how the two are aligned.
fn place(raw: &str, text: &str, range: Range<usize>) -> Option<Range<usize>> {
    if raw == text {
        return Some(range);
    }
    let words = &raw[range.clone()];
    let agreement = |at: usize| {
        let same = |(a, b): &(char, char)| a == b;
        let before = raw[..range.start].chars().rev();
        let after = raw[range.end..].chars();
        before
            .zip(text[..at].chars().rev())
            .take_while(same)
            .count()
            + after
                .zip(text[at + words.len()..].chars())
                .take_while(same)
                .count()
    };
    // Of equal ones the first: `max_by_key` takes the last.
    text.rmatch_indices(words)
        .max_by_key(|(at, _)| agreement(*at))
        .map(|(at, _)| at..at + words.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn given(range: Range<usize>, target: &str) -> Given {
        Given {
            range,
            target: target.to_owned(),
        }
    }

    #[test]
    fn offsets_count_characters_and_names_may_be_left_out() {
        let text = "Åse trusts Skarn.";
        let value = json!([{"start": 11, "end": 16, "target": "the town"}, {"start": 0, "end": 3}]);
        let (found, unusable) = read(&value, text, text);
        assert_eq!(found, [given(12..17, "the town"), given(0..4, "Åse")]);
        assert_eq!(unusable, []);
    }

    #[test]
    fn places_survive_a_cleanup() {
        let raw = "By Åse Venn\nSkarn slept. Then Skarn — see photo — woke.";
        let text = "Skarn slept. Then Skarn woke.";
        let at = |nth: usize, of: &str| {
            let (byte, _) = of.match_indices("Skarn").nth(nth).unwrap();
            of[..byte].chars().count()
        };
        for nth in 0..2 {
            let start = at(nth, raw);
            let (found, _) = read(&json!([{"start": start, "end": start + 5}]), raw, text);
            let wanted = text.match_indices("Skarn").nth(nth).unwrap().0;
            assert_eq!(found, [given(wanted..wanted + 5, "Skarn")]);
        }
        let (found, unusable) = read(&json!([{"start": 3, "end": 6}]), raw, text);
        assert_eq!(found, []);
        assert_eq!(unusable[0].code, "lost-target");
    }

    #[test]
    fn what_cannot_be_read_is_told_and_the_rest_is_used() {
        let text = "Skarn.";
        let value = json!([{"start": 0, "end": 9}, {"start": 2, "end": 2}, {"end": 3}, 5, {"start": 0, "end": 5}]);
        let (found, unusable) = read(&value, text, text);
        assert_eq!(found, [given(0..5, "Skarn")]);
        assert_eq!(unusable.len(), 4);
        assert!(
            unusable[0].message.starts_with("`targets[0]` is [0, 9]"),
            "{unusable:?}"
        );
        let (_, unusable) = read(&json!("NATO"), text, text);
        assert_eq!(unusable.len(), 1);
        assert_eq!(read(&Value::Null, text, text), (vec![], vec![]));
    }
}
