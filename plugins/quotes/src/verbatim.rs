//! Words that a layout attributes, without marks: embedded posts that are signed with
//! a handle and a date, and transcripts whose paragraphs begin with the speaker.

use std::ops::Range;

use copydesk_language::date;

use crate::article::{Article, Block, Mention};
use crate::attribute::{self, Kind, Quote, Speaker};

/// How sure a signature or a label is.
const SURE: f32 = 0.9;

/// Adds what the layout attributes; quotations inside it are nested and go.
pub(crate) fn add(article: &Article<'_>, blocks: &[Block], quotes: &mut Vec<Quote>) {
    let mut found = posts(article, blocks);
    found.extend(transcript(article, blocks));
    found.retain(|quote| {
        // What stands in marks altogether is a quotation already.
        !quotes.iter().any(|known| {
            known.kind != Kind::Indirect
                && known.range.start <= quote.range.start + MARK
                && quote.range.end <= known.range.end + MARK
        })
    });
    quotes.retain(|known| {
        !found
            .iter()
            .any(|quote| known.range.start < quote.range.end && quote.range.start < known.range.end)
    });
    quotes.append(&mut found);
    quotes.sort_by_key(|q| (q.range.start, std::cmp::Reverse(q.range.end)));
}

/// A mark and the full stop beside it, in bytes.
const MARK: usize = 4;

/// `Ferries sail! — Orla Venn (@orlavenn) May 2, 2019`
fn posts(article: &Article<'_>, blocks: &[Block]) -> Vec<Quote> {
    let text = article.text;
    let mut out: Vec<Quote> = Vec::new();
    for (index, block) in blocks.iter().enumerate() {
        if let Some(post) = headed(article, &block.range) {
            out.push(post);
            continue;
        }
        let mut from = block.range.start;
        while let Some(signature) = Signature::find(text, from..block.range.end) {
            let mut words = trim(text, from..signature.start);
            // A signature on a line of its own signs the line before.
            if words.is_empty()
                && from == block.range.start
                && let Some(before) = index.checked_sub(1).map(|i| &blocks[i])
                && out
                    .last()
                    .is_none_or(|last| last.range.end <= before.range.start)
            {
                words = trim(text, before.range.clone());
            }
            if !words.is_empty() {
                out.push(Quote {
                    speaker: Some(attribute::speaker_at(article, &signature.name)),
                    ..verbatim(vec![words])
                });
            }
            from = signature.end;
        }
    }
    out
}

/// `Orla Venn (@orlavenn) Ferries sail!`, as some papers embed it. A note on the author goes on in small letters.
fn headed(article: &Article<'_>, block: &Range<usize>) -> Option<Quote> {
    let text = &article.text[block.clone()];
    let open = text.find(" (@").filter(|&at| at > 0 && at <= 60)?;
    let close = open + text[open..].find(')')?;
    let name = &text[..open];
    let rest = text[close + 1..].trim();
    let plain = name.split_whitespace().count() <= 5 && name.starts_with(char::is_uppercase);
    let begins =
        !rest.starts_with(|c: char| c.is_lowercase() || matches!(c, ',' | '.' | ':' | '’'));
    let length = rest.split_whitespace().count();
    if !plain || !begins || !(4..=80).contains(&length) || date::find(rest).is_some() {
        return None;
    }
    let end = block.start + text.trim_end().len();
    let words = end - rest.len()..end;
    Some(Quote {
        speaker: Some(attribute::speaker_at(
            article,
            &(block.start..block.start + open),
        )),
        ..verbatim(vec![words])
    })
}

/// Who posted, by name, handle and date.
struct Signature {
    /// Of the dash.
    start: usize,
    name: Range<usize>,
    end: usize,
}

impl Signature {
    fn find(text: &str, within: Range<usize>) -> Option<Self> {
        let mut from = within.start;
        while let Some(at) = text[from..within.end].find("(@") {
            let open = from + at;
            from = open + "(@".len();
            if let Some(found) = Self::read(text, &within, open) {
                return Some(found);
            }
        }
        None
    }

    fn read(text: &str, within: &Range<usize>, open: usize) -> Option<Self> {
        let handle = open + "(@".len();
        let close = handle + text[handle..within.end].find(')')?;
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if close == handle || !text[handle..close].chars().all(plain) {
            return None;
        }
        let after = close + ")".len();
        let rest = text[after..within.end].trim_start();
        let start_of_date = within.end - rest.len();
        // "September 5, 2018": month, day, year.
        let end_of_date = rest
            .match_indices(char::is_whitespace)
            .map(|(i, _)| i)
            .nth(2)
            .unwrap_or(rest.len());
        let dated = date::find(&rest[..end_of_date]).is_some_and(|(found, _)| found.start == 0);
        let before = &text[within.start..open];
        let (dash, mark) = before
            .char_indices()
            .rev()
            .take(60)
            .find(|(_, c)| matches!(c, '—' | '–' | '―'))
            .or_else(|| before.rfind(" - ").map(|i| (i + 1, '-')))?;
        let name = trim(text, within.start + dash + mark.len_utf8()..open);
        (dated && !name.is_empty() && name.len() <= 60).then_some(Self {
            start: within.start + dash,
            name,
            end: start_of_date + end_of_date,
        })
    }
}

/// `VENN: Good evening.` over and over: every paragraph is its speaker's.
fn transcript(article: &Article<'_>, blocks: &[Block]) -> Vec<Quote> {
    let text = article.text;
    let labels: Vec<Option<Label>> = blocks
        .iter()
        .map(|block| Label::read(article, &block.range))
        .collect();
    let count = labels.iter().flatten().count();
    let mut names: Vec<&str> = labels.iter().flatten().map(|l| l.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    // An interview has two voices that alternate; a list of facts has as many labels as lines.
    if count < TURNS || names.len() < 2 || count < 2 * names.len() {
        return Vec::new();
    }
    let begin = labels
        .iter()
        .position(Option::is_some)
        .map_or(0, |i| blocks[i].range.start);
    let guest = guest(article, begin);
    let mut out = Vec::new();
    let mut index = 0;
    while index < blocks.len() {
        let Some(label) = &labels[index] else {
            index += 1;
            continue;
        };
        let mut pieces = vec![trim(text, label.end..blocks[index].range.end)];
        let next = (index + 1..blocks.len()).find(|&i| labels[i].is_some());
        // Paragraphs without a label go on, as long as somebody else's turn comes.
        let last = next
            .filter(|next| next - index <= PARAGRAPHS)
            .unwrap_or(index + 1);
        pieces.extend(
            blocks[index + 1..last]
                .iter()
                .map(|block| trim(text, block.range.clone())),
        );
        pieces.retain(|piece| !piece.is_empty());
        if !pieces.is_empty() {
            let speaker = match &label.speaker {
                Voice::Person(speaker) => Some(speaker.clone()),
                Voice::Answer => guest.clone(),
                Voice::Question => None,
            };
            out.push(Quote {
                speaker,
                ..verbatim(pieces)
            });
        }
        index = last;
    }
    out
}

/// Turns that make a transcript.
const TURNS: usize = 4;
/// Paragraphs that one turn may have.
const PARAGRAPHS: usize = 4;

struct Label {
    name: String,
    speaker: Voice,
    end: usize,
}

enum Voice {
    Person(Speaker),
    /// `Q:`, who is nowhere named.
    Question,
    /// `A:`, who is whoever is interviewed.
    Answer,
}

/// Who is interviewed: the person whom the introduction names most often.
fn guest(article: &Article<'_>, begin: usize) -> Option<Speaker> {
    let persons = || {
        article
            .mentions
            .iter()
            .filter(|m| m.label.as_deref() == Some("PER") && m.name.is_some())
    };
    let introduced = |m: &&Mention| m.range.end <= begin;
    let count = |m: &Mention| {
        persons()
            .filter(introduced)
            .filter(|other| other.name == m.name)
            .count()
    };
    let most = persons()
        .filter(introduced)
        .max_by_key(|m| (count(m), std::cmp::Reverse(m.range.start)))?;
    Some(Speaker {
        range: most.range.clone(),
        name: most.name.clone()?,
        label: most.label.clone(),
        entity: most.entity,
    })
}

impl Label {
    fn read(article: &Article<'_>, block: &Range<usize>) -> Option<Self> {
        let text = &article.text[block.clone()];
        let colon = text.find(':').filter(|&at| at <= 60)?;
        let rest = &text[colon + 1..];
        if !rest.starts_with(char::is_whitespace)
            || text[..colon].contains(['.', '?', '!', '“', '"'])
        {
            return None;
        }
        // "VENN, HOST:", "VENN (on camera):"
        let name = text[..colon].split([',', '(']).next()?.trim_end();
        let range = block.start..block.start + name.len();
        let speaker = match name {
            "Q" | "QUESTION" => Voice::Question,
            "A" | "ANSWER" => Voice::Answer,
            _ => Voice::Person(Self::person(article, range, name)?),
        };
        Some(Self {
            name: name.to_lowercase(),
            speaker,
            end: block.start + colon + 1,
        })
    }

    /// The person of the article whose last name the label bears.
    fn person(article: &Article<'_>, range: Range<usize>, label: &str) -> Option<Speaker> {
        let words: Vec<&str> = label.split_whitespace().collect();
        let last = words.last()?;
        let named = words.len() <= 4
            && words.iter().all(|w| w.starts_with(char::is_uppercase))
            && last.chars().count() > 1;
        let known = article.mentions.iter().find(|m| {
            m.label.as_deref() == Some("PER")
                && m.name.as_deref().is_some_and(|name| {
                    name.split_whitespace()
                        .next_back()
                        .is_some_and(|own| own.to_lowercase() == last.to_lowercase())
                })
        });
        let known = known.filter(|_| named)?;
        Some(Speaker {
            range,
            name: known.name.clone()?,
            label: known.label.clone(),
            entity: known.entity,
        })
    }
}

fn verbatim(pieces: Vec<Range<usize>>) -> Quote {
    let range = pieces[0].start..pieces[pieces.len() - 1].end;
    Quote {
        statement: range.clone(),
        range,
        pieces,
        kind: Kind::Direct,
        speaker: None,
        cue: None,
        score: SURE,
    }
}

fn trim(text: &str, range: Range<usize>) -> Range<usize> {
    let slice = &text[range.clone()];
    let start = range.start + slice.len() - slice.trim_start().len();
    start..start + slice.trim().len()
}
