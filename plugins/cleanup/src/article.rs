//! From a raw article to edits, blocks and metadata.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

use copydesk_language::byline::{contributors, print_name};
use copydesk_language::date::{self, Date};
use copydesk_language::line::{self, Kind};
use copydesk_language::{dateline, sentence};
use regex::Regex;

use crate::classify::{Class, Judged, classify, title_of};
pub(crate) use crate::classify::{Known, Markup};
use crate::plain::Plain;
use crate::unit::{Unit, units};

/// How an article is cleaned.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    /// Blocks are labelled, nothing is changed.
    pub(crate) conservative: bool,
    /// Fingerprints of lines to cut wherever they stand.
    pub(crate) boilerplate: HashSet<String>,
}

/// A piece of raw text and what stands there afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edit {
    /// Bytes of the raw text.
    pub(crate) range: Range<usize>,
    pub(crate) with: String,
    /// What was cut, or nothing for a change of characters or blanks.
    pub(crate) kind: Option<Kind>,
}

/// A line or paragraph that stays, or, where nothing is cut, any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    /// Bytes of the raw text.
    pub(crate) range: Range<usize>,
    pub(crate) label: &'static str,
}

/// What the article says about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) title: Option<String>,
    pub(crate) authors: Vec<String>,
    pub(crate) published: Option<String>,
    pub(crate) publisher: Option<String>,
    pub(crate) dateline: Option<String>,
    /// BCP 47.
    pub(crate) language: Option<String>,
}

/// A cleaned article; all ranges count in the raw text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cleaned {
    /// Ascending, not overlapping.
    pub(crate) edits: Vec<Edit>,
    /// What would have been cut, where only marks are wanted; as `edits`.
    pub(crate) marks: Vec<(Range<usize>, Kind)>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) meta: Meta,
    /// Why only the characters were made plain, if so.
    pub(crate) foreign: Option<String>,
}

/// Cleans the extracted text `raw`.
pub(crate) fn clean(raw: &str, known: &Known, settings: &Settings) -> Cleaned {
    let plain = Plain::of(raw);
    let text = plain.text.as_str();
    let units = units(text);
    let language = language_of(text, &units);
    if let Some(foreign) = language.clone().filter(|code| code != "en") {
        let classes = vec![Class::Paragraph; units.len()];
        return Cleaned {
            edits: if settings.conservative {
                Vec::new()
            } else {
                edits(&plain, &keeps(&units, &classes, &[]), &[])
            },
            marks: Vec::new(),
            blocks: blocks(&plain, &units, &classes, &[]),
            meta: Meta {
                language: Some(foreign.clone()),
                ..Meta::default()
            },
            foreign: Some(foreign),
        };
    }
    let markup = markup_of(&plain, &units, &known.markup);
    let judged = classify(text, &units, &markup, known, &settings.boilerplate);
    let inline = inline_cuts(text, &units, &judged.classes, known);
    let mut meta = metadata(text, &units, &judged, &inline);
    meta.language = language;
    let mut cuts: Vec<(Range<usize>, Kind)> = units
        .iter()
        .zip(&judged.classes)
        .filter_map(|(unit, class)| match class {
            Class::Residue(kind) => Some((unit.range.clone(), *kind)),
            _ => None,
        })
        .chain(inline.cuts.iter().cloned())
        .collect();
    cuts.sort_by_key(|(range, _)| range.start);
    if settings.conservative {
        return Cleaned {
            edits: Vec::new(),
            marks: cuts
                .into_iter()
                .map(|(range, kind)| (plain.raw(range), kind))
                .collect(),
            blocks: marked(&plain, &units, &judged),
            meta,
            foreign: None,
        };
    }
    let kept = keeps(&units, &judged.classes, &inline.cuts);
    Cleaned {
        edits: edits(&plain, &kept, &cuts),
        marks: Vec::new(),
        blocks: blocks(&plain, &units, &judged.classes, &inline.cuts),
        meta,
        foreign: None,
    }
}

/// What the markup says of each unit.
fn markup_of(
    plain: &Plain,
    units: &[Unit],
    said: &[(Range<usize>, Markup)],
) -> Vec<Option<Markup>> {
    units
        .iter()
        .map(|unit| {
            let raw = plain.raw(unit.range.clone());
            let at = said.partition_point(|(range, _)| range.end <= raw.start);
            let (range, markup) = said.get(at)?;
            (range.start <= raw.start && raw.end <= range.end).then_some(*markup)
        })
        .collect()
}

/// How many lines the names of one article's authors may stand apart.
const BYLINE: usize = 12;

struct Inline {
    /// In the plain text, ascending, inside single units.
    cuts: Vec<(Range<usize>, Kind)>,
    city: Option<String>,
    agency: Option<String>,
}

/// Residue within the lines that stay.
fn inline_cuts(text: &str, units: &[Unit], classes: &[Class], known: &Known) -> Inline {
    let mut found = Inline {
        cuts: Vec::new(),
        city: None,
        agency: None,
    };
    let paragraphs: Vec<usize> = (0..units.len())
        .filter(|&i| classes[i] == Class::Paragraph)
        .collect();
    // In a transcript every speaker's name stands before a colon.
    let speakers = units
        .iter()
        .filter(|unit| SPEAKER.is_match(&text[unit.range.clone()]))
        .count();
    let mut dated = false;
    for (nth, &index) in paragraphs.iter().enumerate() {
        let start = units[index].range.start;
        let paragraph = &text[units[index].range.clone()];
        let mut cuts: Vec<(Range<usize>, Kind)> = Vec::new();
        let inline = line::inline(paragraph);
        // An extractor may have run caption, title and report into one line.
        if nth == 0 {
            let mut lead = 0;
            if let Some(caption) = line::leading_caption(paragraph) {
                lead = caption.end;
                cuts.push((caption, Kind::Caption));
            }
            if let Some(title) = known.title.as_deref()
                && let Some(end) = title_end(&paragraph[lead..], title)
            {
                cuts.push((lead..lead + end, Kind::Headline));
            }
        }
        // Updates and standfirsts may stand above the report's own beginning.
        if nth < 4 && !dated && cuts.is_empty() {
            let lead = inline
                .first()
                .filter(|(range, _)| range.start == 0)
                .map_or(0, |(range, _)| range.end);
            if let Some(place) = dateline::parse(&paragraph[lead..])
                && (!place.colon
                    || (nth == 0 && speakers == 1 && named_elsewhere(text, place.city.as_deref())))
            {
                cuts.push((lead..lead + place.end, Kind::Dateline));
                found.city = place.city;
                found.agency = place.agency;
                dated = true;
            }
        }
        if nth + 2 >= paragraphs.len()
            && let Some(tail) = line::trailing(paragraph)
        {
            cuts.push(tail);
        }
        for (range, kind) in inline {
            if !cuts
                .iter()
                .any(|(r, _)| r.start < range.end && range.start < r.end)
            {
                cuts.push((range, kind));
            }
        }
        cuts.sort_by_key(|(range, _)| range.start);
        found.cuts.extend(
            cuts.into_iter()
                .map(|(r, kind)| (r.start + start..r.end + start, kind)),
        );
    }
    found
}

/// Where the report begins behind a `title` that its first line repeats, if it does
/// and more follows.
fn title_end(text: &str, title: &str) -> Option<usize> {
    let mut letters = title
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase);
    let mut rest = text.char_indices();
    let mut length = 0;
    while let Some(expected) = letters.next() {
        let (_, c) = rest.by_ref().find(|(_, c)| c.is_alphanumeric())?;
        let mut lower = c.to_lowercase();
        if lower.next() != Some(expected) {
            return None;
        }
        // A letter may have two of the other case.
        for more in lower {
            (letters.next() == Some(more)).then_some(())?;
        }
        length += 1;
    }
    let behind = rest.as_str();
    let report =
        behind.trim_start_matches(|c: char| !c.is_alphanumeric() && !"“‘\"'($".contains(c));
    let apart = behind.len() > report.len();
    (length >= 16 && apart && report.starts_with(|c: char| !c.is_lowercase()))
        .then(|| text.len() - report.len())
}

/// Whether the report speaks of `city` in small letters too: a label in capitals
/// before a colon may be anything.
fn named_elsewhere(text: &str, city: Option<&str>) -> bool {
    city.is_some_and(|city| text.contains(&print_name(city)))
}

/// What is left of each unit that stays, trimmed of the cuts at its ends.
fn keeps(units: &[Unit], classes: &[Class], inline: &[(Range<usize>, Kind)]) -> Vec<Kept> {
    let mut out = Vec::new();
    for (unit, class) in units.iter().zip(classes) {
        if matches!(class, Class::Residue(_)) {
            continue;
        }
        let range = trimmed(unit.range.clone(), inline);
        if !range.is_empty() {
            out.push(Kept {
                range,
                wraps: unit.wraps.clone(),
            });
        }
    }
    out
}

struct Kept {
    range: Range<usize>,
    wraps: Vec<Range<usize>>,
}

fn trimmed(mut range: Range<usize>, inline: &[(Range<usize>, Kind)]) -> Range<usize> {
    for (cut, _) in inline {
        if cut.start <= range.start && cut.end > range.start && cut.start < range.end {
            range.start = cut.end.min(range.end);
        }
    }
    for (cut, _) in inline.iter().rev() {
        if cut.end >= range.end && cut.start < range.end && cut.start >= range.start {
            range.end = cut.start;
        }
    }
    range
}

/// The edits: cuts with their kinds, one blank line between what stays, and the
/// changes of characters in between.
fn edits(plain: &Plain, kept: &[Kept], cuts: &[(Range<usize>, Kind)]) -> Vec<Edit> {
    let raw_len = plain.raw(0..plain.text.len()).end;
    let raw_end = plain
        .changes
        .last()
        .map_or(raw_len, |c| c.range.end.max(raw_len));
    let mut out: Vec<Edit> = Vec::new();
    let mut at = 0;
    let mut cut = 0;
    for index in 0..=kept.len() {
        let next = kept.get(index).map(|keep| plain.raw(keep.range.clone()));
        let gap = at..next.as_ref().map_or(raw_end, |range| range.start);
        // Only between two blocks does anything have to stand.
        let mut joint = if index > 0 && index < kept.len() {
            "\n\n"
        } else {
            ""
        };
        let mut push_blank = |range: Range<usize>, out: &mut Vec<Edit>| {
            if !range.is_empty() {
                out.push(Edit {
                    range,
                    with: std::mem::take(&mut joint).to_owned(),
                    kind: None,
                });
            }
        };
        let mut from = gap.start;
        while let Some((range, kind)) = cuts.get(cut) {
            let range = plain.raw(range.clone());
            if range.start >= gap.end {
                break;
            }
            push_blank(from..range.start, &mut out);
            from = range.end;
            out.push(Edit {
                range,
                with: String::new(),
                kind: Some(*kind),
            });
            cut += 1;
        }
        push_blank(from..gap.end, &mut out);
        let Some(block) = next else { break };
        // Inside the block: cuts, wrapped lines and characters.
        let mut inner: Vec<Edit> = Vec::new();
        while let Some((range, kind)) = cuts.get(cut) {
            let range = plain.raw(range.clone());
            if range.start >= block.end {
                break;
            }
            inner.push(Edit {
                range,
                with: String::new(),
                kind: Some(*kind),
            });
            cut += 1;
        }
        for wrap in &kept[index].wraps {
            let range = plain.raw(wrap.clone());
            if range.start >= block.start && range.end <= block.end && clear(&inner, &range) {
                inner.push(Edit {
                    range,
                    with: " ".into(),
                    kind: None,
                });
            }
        }
        let first = plain
            .changes
            .partition_point(|c| c.range.start < block.start);
        let mut changed: Vec<Edit> = Vec::new();
        for change in plain.changes[first..]
            .iter()
            .take_while(|c| c.range.end <= block.end)
        {
            if clear(&inner, &change.range) {
                changed.push(Edit {
                    range: change.range.clone(),
                    with: change.with.to_string(),
                    kind: None,
                });
            }
        }
        inner.extend(changed);
        inner.sort_by_key(|edit| edit.range.start);
        out.extend(inner);
        at = block.end;
    }
    out
}

fn clear(edits: &[Edit], range: &Range<usize>) -> bool {
    !edits
        .iter()
        .any(|e| e.range.start < range.end && range.start < e.range.end)
}

fn blocks(
    plain: &Plain,
    units: &[Unit],
    classes: &[Class],
    inline: &[(Range<usize>, Kind)],
) -> Vec<Block> {
    units
        .iter()
        .zip(classes)
        .filter_map(|(unit, class)| {
            let label = match class {
                Class::Paragraph => "paragraph",
                Class::Heading => "heading",
                Class::Residue(_) => return None,
            };
            let range = trimmed(unit.range.clone(), inline);
            (!range.is_empty()).then(|| Block {
                range: plain.raw(range),
                label,
            })
        })
        .collect()
}

/// Every line with what it was taken for.
fn marked(plain: &Plain, units: &[Unit], judged: &Judged) -> Vec<Block> {
    units
        .iter()
        .zip(&judged.classes)
        .enumerate()
        .map(|(index, (unit, class))| Block {
            range: plain.raw(unit.range.clone()),
            label: match class {
                Class::Paragraph => "paragraph",
                Class::Heading => "heading",
                Class::Residue(_) if judged.title == Some(index) => "title",
                Class::Residue(kind) => kind.name(),
            },
        })
        .collect()
}

fn metadata(text: &str, units: &[Unit], judged: &Judged, inline: &Inline) -> Meta {
    let line = |index: usize| {
        let unit: &Unit = &units[index];
        &text[unit.range.clone()]
    };
    let mut meta = Meta {
        title: judged
            .title
            .map(|index| title_of(&one_line(line(index))).to_owned()),
        dateline: inline.city.clone(),
        ..Meta::default()
    };
    let mut dates: Vec<(u8, usize, Date)> = Vec::new();
    // Bylines further down are those of other articles.
    let first = judged
        .bylines
        .iter()
        .find(|(_, byline)| !byline.authors.is_empty())
        .map_or(0, |(index, _)| *index);
    for (index, byline) in judged
        .bylines
        .iter()
        .filter(|(index, _)| *index <= first + BYLINE)
    {
        for author in &byline.authors {
            if !meta.authors.contains(author) {
                meta.authors.push(author.clone());
            }
        }
        if meta.publisher.is_none() {
            meta.publisher.clone_from(&byline.publisher);
        }
        dates.extend(byline.published.map(|date| (0, *index, date)));
    }
    let mut thanked = Vec::new();
    for (index, class) in judged.classes.iter().enumerate() {
        match class {
            Class::Residue(Kind::Timestamp) => {
                if let Some((_, date)) = date::find(line(index)) {
                    // The day of an update says when it was last touched, not when
                    // it appeared.
                    let update = line(index)
                        .to_lowercase()
                        .trim_start()
                        .starts_with(['u', 'l', 'm']);
                    dates.push((if update { 2 } else { 0 }, index, date));
                }
            }
            Class::Residue(Kind::Contribution) => thanked.extend(contributors(line(index))),
            Class::Residue(Kind::Other) if meta.publisher.is_none() => {
                meta.publisher = COPYRIGHT
                    .captures(line(index))
                    .and_then(|found| found.name("owner").map(|m| m.as_str().trim().to_owned()));
            }
            _ => {}
        }
    }
    for (range, kind) in &inline.cuts {
        match kind {
            Kind::Timestamp => {
                dates.extend(
                    date::find(&text[range.clone()]).map(|(_, date)| (1, usize::MAX, date)),
                );
            }
            Kind::Contribution => thanked.extend(contributors(&text[range.clone()])),
            _ => {}
        }
    }
    dates.sort_by_key(|(rank, index, _)| (*rank, *index));
    meta.published = dates.first().map(|(_, _, date)| {
        // The same day with its time says more.
        let fuller = dates
            .iter()
            .find(|(rank, _, other)| {
                *rank < 2
                    && (other.year, other.month, other.day) == (date.year, date.month, date.day)
                    && other.time.is_some()
            })
            .map_or(date, |(_, _, other)| other);
        fuller.to_string()
    });
    if meta.authors.is_empty() {
        for name in thanked {
            if !meta.authors.contains(&name) {
                meta.authors.push(name);
            }
        }
    }
    if meta.publisher.is_none() {
        meta.publisher.clone_from(&inline.agency);
    }
    meta
}

fn one_line(text: &str) -> String {
    text.split(sentence::is_line_break)
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Language of the report, or nothing where there is too little to tell.
fn language_of(text: &str, units: &[Unit]) -> Option<String> {
    // The longest lines are the least likely to be residue.
    let mut order: Vec<&Unit> = units.iter().collect();
    order.sort_by_key(|unit| std::cmp::Reverse(unit.range.len()));
    let mut found = None;
    // Most texts are told by little.
    for enough in [1_200, 6_000] {
        let sample = sample(text, &order, enough);
        let info = whatlang::detect(&sample)?;
        if info.is_reliable() && sample.len() >= 60 {
            return Some(tag(info.lang()).to_owned());
        }
        found = Some(info);
        if sample.len() < enough {
            break;
        }
    }
    // Too short to be sure: English is what the pipeline is for.
    found
        .filter(|info| info.lang() == whatlang::Lang::Eng)
        .map(|_| "en".to_owned())
}

fn sample(text: &str, units: &[&Unit], enough: usize) -> String {
    let mut sample = String::new();
    for unit in units {
        let mut end = unit.range.end.min(unit.range.start + enough);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        sample.push_str(&text[unit.range.start..end]);
        sample.push('\n');
        if sample.len() > enough {
            break;
        }
    }
    sample
}

/// BCP 47 prefers the two letters of ISO 639-1 where a language has them.
fn tag(lang: whatlang::Lang) -> &'static str {
    use whatlang::Lang;
    match lang {
        Lang::Eng => "en",
        Lang::Rus => "ru",
        Lang::Cmn => "zh",
        Lang::Spa => "es",
        Lang::Por => "pt",
        Lang::Ita => "it",
        Lang::Ben => "bn",
        Lang::Fra => "fr",
        Lang::Deu => "de",
        Lang::Ukr => "uk",
        Lang::Kat => "ka",
        Lang::Ara => "ar",
        Lang::Hin => "hi",
        Lang::Jpn => "ja",
        Lang::Heb => "he",
        Lang::Yid => "yi",
        Lang::Pol => "pl",
        Lang::Amh => "am",
        Lang::Jav => "jv",
        Lang::Kor => "ko",
        Lang::Nob => "nb",
        Lang::Dan => "da",
        Lang::Swe => "sv",
        Lang::Fin => "fi",
        Lang::Tur => "tr",
        Lang::Nld => "nl",
        Lang::Hun => "hu",
        Lang::Ces => "cs",
        Lang::Ell => "el",
        Lang::Bul => "bg",
        Lang::Bel => "be",
        Lang::Mar => "mr",
        Lang::Kan => "kn",
        Lang::Ron => "ro",
        Lang::Slv => "sl",
        Lang::Hrv => "hr",
        Lang::Srp => "sr",
        Lang::Mkd => "mk",
        Lang::Lit => "lt",
        Lang::Lav => "lv",
        Lang::Est => "et",
        Lang::Tam => "ta",
        Lang::Vie => "vi",
        Lang::Urd => "ur",
        Lang::Tha => "th",
        Lang::Guj => "gu",
        Lang::Uzb => "uz",
        Lang::Pan => "pa",
        Lang::Aze => "az",
        Lang::Ind => "id",
        Lang::Tel => "te",
        Lang::Pes => "fa",
        Lang::Mal => "ml",
        Lang::Ori => "or",
        Lang::Mya => "my",
        Lang::Nep => "ne",
        Lang::Sin => "si",
        Lang::Khm => "km",
        Lang::Tuk => "tk",
        Lang::Aka => "ak",
        Lang::Zul => "zu",
        Lang::Sna => "sn",
        Lang::Afr => "af",
        Lang::Lat => "la",
        Lang::Slk => "sk",
        Lang::Cat => "ca",
        Lang::Tgl => "tl",
        Lang::Hye => "hy",
        Lang::Cym => "cy",
        other => other.code(),
    }
}

static SPEAKER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^[A-ZÀ-ÖØ-Þ][A-ZÀ-ÖØ-Þ.’' -]+[^:a-z]{0,20}:")
        .expect("the pattern is written above")
});

static COPYRIGHT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i:copyright|©)[\s©]*(?i:\(c\))?\s*(?:19|20)\d\d\s+(?P<owner>(?:The )?[A-ZÀ-ÖØ-Þ][A-Za-zÀ-ÖØ-öø-ž&’' -]{2,40}?)(?:,|\.|\s+(?:LLC|Inc|Ltd|All)\b|$)",
    )
    .expect("the pattern is written above")
});
