//! What each line of an article is, judged by its form, its place and its
//! neighbours. When in doubt a line stays.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::LazyLock;

use copydesk_language::byline::{self, Byline, is_outlet, is_person, is_post};
use copydesk_language::date;
use copydesk_language::line::{self, Evidence, Kind, fingerprint, prose, residue};
use copydesk_language::sentence;
use regex::Regex;

use crate::unit::Unit;

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Paragraph,
    Heading,
    Residue(Kind),
}

/// What the input says about the article before anything is read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    pub(crate) title: Option<String>,
    pub(crate) authors: Vec<String>,
    /// What the markup says of pieces of the raw text; ascending, not overlapping.
    pub(crate) markup: Vec<(Range<usize>, Markup)>,
}

/// What the markup of a web page says of a line. That it is a paragraph says nothing: pages put
/// everything in paragraphs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Markup {
    Heading,
    /// Text below a picture or film.
    Caption,
    /// An item of a list, a row of a table, a quotation that is set apart.
    SetApart,
}

impl Markup {
    /// By the label in the layer `markup`.
    pub(crate) fn of(label: &str) -> Option<Self> {
        match label {
            "heading" => Some(Self::Heading),
            "caption" => Some(Self::Caption),
            "item" | "row" | "quotation" => Some(Self::SetApart),
            _ => None,
        }
    }
}

/// The judgement on a whole article.
pub(crate) struct Judged {
    /// One for each unit.
    pub(crate) classes: Vec<Class>,
    /// The unit that holds the title.
    pub(crate) title: Option<usize>,
    /// Bylines with their unit, in order.
    pub(crate) bylines: Vec<(usize, Byline)>,
}

/// Judges the units of `text`, of each of which `markup` tells what the page's markup says.
/// `boilerplate` holds fingerprints of lines that are known to be none of the article's own.
pub(crate) fn classify(
    text: &str,
    units: &[Unit],
    markup: &[Option<Markup>],
    known: &Known,
    boilerplate: &HashSet<String>,
) -> Judged {
    let mut judge = Judge::new(text, units, markup, known);
    judge.by_form(boilerplate);
    judge.by_repetition();
    judge.find_title();
    judge.captions_by_neighbours();
    judge.head();
    judge.tail();
    judge.links_between_paragraphs();
    judge.labels_cut_elsewhere();
    judge.finish()
}

struct Judge<'a> {
    known: &'a Known,
    lines: Vec<Line<'a>>,
    bylines: Vec<(usize, Byline)>,
    title: Option<usize>,
    /// Index of the first line of running text, `lines.len()` if there is none.
    body: usize,
}

struct Line<'a> {
    text: &'a str,
    /// Empty if the line is too long to be a title or a name.
    print: String,
    prose: f32,
    evidence: Option<Evidence>,
    cut: Option<Kind>,
    words: usize,
    markup: Option<Markup>,
}

impl Line<'_> {
    /// Whether the line is one of `boilerplate`, whatever its length.
    fn is_among(&self, boilerplate: &HashSet<String>) -> bool {
        if boilerplate.is_empty() {
            false
        } else if self.print.is_empty() {
            boilerplate.contains(&fingerprint(self.text))
        } else {
            boilerplate.contains(&self.print)
        }
    }
}

/// A line that reads this much like running text is taken for the report itself.
const ANCHOR: f32 = 3.0;

/// How many lines of running text may stand above the byline, as a standfirst.
const STANDFIRST: usize = 2;

impl<'a> Judge<'a> {
    fn new(text: &'a str, units: &[Unit], markup: &[Option<Markup>], known: &'a Known) -> Self {
        let lines = units
            .iter()
            .zip(markup)
            .map(|(unit, markup)| {
                let line = &text[unit.range.clone()];
                Line {
                    text: line,
                    print: if line.len() < 400 {
                        fingerprint(line)
                    } else {
                        String::new()
                    },
                    prose: prose(line),
                    evidence: residue(line),
                    cut: None,
                    words: line.split_whitespace().take(200).count(),
                    markup: *markup,
                }
            })
            .collect::<Vec<_>>();
        Judge {
            known,
            body: lines.len(),
            lines,
            bylines: Vec::new(),
            title: None,
        }
    }

    fn by_form(&mut self, boilerplate: &HashSet<String>) {
        for index in 0..self.lines.len() {
            let line = &self.lines[index];
            if line.markup == Some(Markup::Caption) {
                self.lines[index].cut = Some(Kind::Caption);
                continue;
            }
            let thanks = line.evidence.is_some_and(|e| e.kind == Kind::Contribution);
            if !thanks
                && line.prose < ANCHOR
                && let Some(found) = byline::parse(line.text)
            {
                self.bylines.push((index, found));
                self.lines[index].cut = Some(Kind::Byline);
                continue;
            }
            let learnt = line.is_among(boilerplate);
            if let Some(evidence) = line.evidence
                && (learnt || evidence.weight > line.prose + 0.5)
            {
                self.lines[index].cut = Some(evidence.kind);
            } else if learnt && !is_person(line.text) {
                self.lines[index].cut = Some(Kind::Other);
            }
        }
        self.names_below_labels();
        self.highlights();
        self.body = self.first_anchor(0).unwrap_or(self.lines.len());
        // A standfirst may stand above the byline: the head goes on as long as
        // lines that belong to it follow soon.
        let mut at = self.body;
        for _ in 0..STANDFIRST {
            let Some(next) = self.first_anchor(at + 1) else {
                break;
            };
            let between = &self.lines[at + 1..next];
            let heads = between.iter().any(|line| {
                matches!(
                    line.cut,
                    Some(Kind::Byline | Kind::Timestamp | Kind::Share | Kind::Headline)
                )
            });
            if next - at > 8 || !heads || at > 6 {
                break;
            }
            at = next;
        }
        self.body = at;
        self.sources_are_no_bylines();
    }

    /// `By` on a line of its own, and each name on one below.
    fn names_below_labels(&mut self) {
        let mut index = 0;
        while index < self.lines.len() {
            let label = byline::is_label(self.lines[index].text);
            index += 1;
            let first = index;
            while label && index < self.lines.len() && index < first + 8 {
                let authors = byline::names_below_label(self.lines[index].text);
                if authors.is_empty() || (index > first && self.lines[index].words > 6) {
                    break;
                }
                self.lines[index].cut = Some(Kind::Byline);
                self.bylines.retain(|(other, _)| *other != index);
                self.bylines.push((
                    index,
                    Byline {
                        authors,
                        signed: true,
                        ..Byline::default()
                    },
                ));
                index += 1;
            }
            if label && index > first {
                self.lines[first - 1].cut = Some(Kind::Byline);
            }
        }
        self.bylines.sort_by_key(|(index, _)| *index);
    }

    /// `Ada Brill, Port Courier` in mid-report says whose words stand above it.
    fn sources_are_no_bylines(&mut self) {
        let midst = self.body + 4..self.lines.len().saturating_sub(3);
        let lines = &mut self.lines;
        self.bylines.retain(|(index, byline)| {
            let source = midst.contains(index) && !byline.signed && byline.published.is_none();
            if source {
                let line = &mut lines[*index];
                line.cut = line
                    .evidence
                    .filter(|e| e.weight > line.prose + 0.5)
                    .map(|e| e.kind);
            }
            !source
        });
    }

    /// A box that sums up the report: its label, and the lines without an end
    /// that follow.
    fn highlights(&mut self) {
        let mut inside = false;
        for line in &mut self.lines {
            if line.prose < 2.0 && HIGHLIGHTS.is_match(line.text) {
                inside = true;
            } else if line.prose >= 2.0 || line.cut.is_some() {
                inside = false;
            }
            if inside {
                line.cut = Some(Kind::Other);
            }
        }
    }

    fn first_anchor(&self, from: usize) -> Option<usize> {
        // Headlines may be whole sentences.
        let runs = |line: &Line<'_>| line.prose >= ANCHOR && line.markup != Some(Markup::Heading);
        (from..self.lines.len()).find(|&i| self.open(i) && runs(&self.lines[i]))
    }

    /// Not judged yet.
    fn open(&self, index: usize) -> bool {
        self.lines[index].cut.is_none()
    }

    /// No article says a line twice in its head, or a short one three times.
    fn by_repetition(&mut self) {
        let mut places: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, line) in self.lines.iter().enumerate() {
            // A picture may be described by the title, or in words of the report.
            if line.print.len() >= 8 && line.markup != Some(Markup::Caption) {
                places.entry(line.print.clone()).or_default().push(index);
            }
        }
        let gallery = self.is_gallery(places.values());
        for (_, places) in places {
            if places.len() < 2 || !places.iter().any(|&i| self.open(i)) {
                continue;
            }
            if let Some(kind) = places.iter().find_map(|&i| self.lines[i].cut) {
                for &i in &places {
                    self.lines[i].cut = Some(kind);
                }
                continue;
            }
            let adjacent = places.windows(2).all(|pair| pair[1] == pair[0] + 1);
            let above = places.iter().all(|&i| i < self.body);
            let label = self.lines[places[0]].prose < 2.0;
            if adjacent
                && (above || label || gallery || hints_at_caption(self.lines[places[0]].text))
                && places[0] > 0
            {
                for &i in &places {
                    self.lines[i].cut = Some(Kind::Caption);
                }
            } else if label && places.len() >= 3 && !is_speaker_label(self.lines[places[0]].text) {
                for &i in &places {
                    self.lines[i].cut = Some(Kind::Other);
                }
            } else if adjacent {
                for &i in &places[1..] {
                    self.lines[i].cut = Some(Kind::Other);
                }
            }
        }
        // What was cut may have been the first anchor.
        if self.body < self.lines.len() && !self.open(self.body) {
            self.body = self.first_anchor(self.body).unwrap_or(self.lines.len());
        }
    }

    /// Pages say the captions of a gallery twice, picture by picture. Where most of
    /// the text is doubled, the extractor did it.
    fn is_gallery<'p>(&self, places: impl Iterator<Item = &'p Vec<usize>>) -> bool {
        let doubled: Vec<usize> = places
            .filter(|places| places.windows(2).all(|pair| pair[1] == pair[0] + 1))
            .filter(|places| places.len() == 2 && self.lines[places[0]].prose >= 2.0)
            .map(|places| self.lines[places[0]].text.len() * 2)
            .collect();
        let all: usize = self.lines.iter().map(|line| line.text.len()).sum();
        doubled.len() >= 2 && doubled.iter().sum::<usize>() * 10 < all * 6
    }

    fn find_title(&mut self) {
        let known = self
            .known
            .title
            .as_deref()
            .map(fingerprint)
            .unwrap_or_default();
        let end = self.body.min(self.lines.len());
        // With no report below it, a line is all there is.
        if self.body == self.lines.len() {
            return;
        }
        let report: HashSet<String> = self.lines[self.body..]
            .iter()
            .filter(|line| line.cut.is_none())
            .take(4)
            .flat_map(|line| content_words(line.text))
            .collect();
        let signed = self.lines[..end]
            .iter()
            .any(|line| line.cut == Some(Kind::Byline));
        let mut best: Option<(f32, usize)> = None;
        for index in 0..end {
            let line = &self.lines[index];
            if line.markup == Some(Markup::Caption) {
                continue;
            }
            let same = !known.is_empty() && alike(&line.print, &known);
            if !same && (!self.open(index) || line::is_post(line.text)) {
                continue;
            }
            let repeated = self.lines[..end]
                .iter()
                .filter(|other| other.print == line.print)
                .count()
                > 1;
            // As long as a sentence, and nothing says that it is more than the
            // summary that stands above many reports.
            let words = title_of(line.text).split_whitespace().count();
            if words >= 20 && !same && !repeated && !signed {
                continue;
            }
            let mut score = 0.0;
            if same {
                score += 6.0;
            }
            match words {
                4..=28 => score += 2.0,
                3 | 29..=36 => {}
                _ => score -= 2.0,
            }
            let stopped = line
                .text
                .trim_end_matches(['”', '"', '’', '\'', ')'])
                .ends_with(['.', ',', ':']);
            let exclaims = line.text.ends_with(['!', '?'])
                && line.text[..line.text.len() - 1].contains(['!', '?']);
            if stopped || exclaims || line.text.starts_with('(') {
                score -= 2.5;
            }
            // Names make a byline, a whole date a line of the page.
            if lists_names(line.text) || date::find(line.text).is_some() {
                score -= 4.0;
            }
            // Titles come first, and bylines below them.
            let first = (0..index).all(|i| !self.open(i) || self.lines[i].words < 4);
            if first && line.words >= 4 {
                score += 2.0;
            }
            if self
                .lines
                .get(index + 1)
                .is_some_and(|next| next.cut == Some(Kind::Byline))
            {
                score += 0.5;
            }
            if repeated {
                score += 2.0;
            }
            let shared = content_words(line.text)
                .filter(|word| report.contains(word))
                .count();
            score += (shared.min(3) as f32) * 0.7;
            if line.evidence.is_some() {
                score -= 1.0;
            }
            // A list item or a bullet is no title.
            if line.text.starts_with(['•', '-', '*', '·']) {
                score -= 2.0;
            }
            score -= index.min(8) as f32 * 0.15;
            if score >= 2.0 && best.is_none_or(|(top, _)| score > top) {
                best = Some((score, index));
            }
        }
        // The first line that asks, with the head of the article below it.
        if best.is_none() && self.lines[0].text.ends_with('?') && self.open(0) {
            let headed = self.lines[1..]
                .iter()
                .take(8)
                .any(|line| matches!(line.cut, Some(Kind::Byline | Kind::Timestamp)));
            if headed && self.lines[0].words <= 20 {
                best = Some((2.0, 0));
            }
        }
        // A title that is a full question may have been taken for running text.
        if best.is_none() && self.body < self.lines.len() {
            let line = &self.lines[self.body];
            let asks = line.text.ends_with('?') && line.words <= 20;
            let headed = self.lines.get(self.body + 1).is_some_and(|next| {
                matches!(next.cut, Some(Kind::Byline | Kind::Timestamp | Kind::Share))
            });
            if (!known.is_empty() && alike(&line.print, &known)) || (asks && headed) {
                best = Some((2.0, self.body));
            }
        }
        let Some((_, title)) = best else { return };
        self.title = Some(title);
        let print = self.lines[title].print.clone();
        for index in 0..self.lines.len() {
            let near = index <= self.body + 4;
            let line = &mut self.lines[index];
            if line.markup == Some(Markup::Caption) {
                continue;
            }
            if index == title
                || (!print.is_empty() && line.print == print)
                || (near && line.cut.is_none() && alike(&line.print, &print))
            {
                line.cut = Some(Kind::Headline);
            }
        }
        if self.body == title {
            self.body = self.first_anchor(title + 1).unwrap_or(self.lines.len());
        }
    }

    /// A credit of its own line belongs to a picture: so does the label above it.
    fn captions_by_neighbours(&mut self) {
        for index in 0..self.lines.len() {
            if self.lines[index].cut != Some(Kind::Credit) {
                continue;
            }
            if index > 0 && self.open(index - 1) {
                let line = &self.lines[index - 1];
                let label = line.prose < 2.0 && !line.text.ends_with([':', '?']);
                let follows_prose =
                    index >= 2 && self.open(index - 2) && self.lines[index - 2].prose >= 2.0;
                // In the middle of the report a short label may be the heading of
                // what follows the picture.
                if (label && (index <= self.body || follows_prose) && line.words <= 40)
                    || (hints_at_caption(line.text) && line.words <= 45)
                {
                    self.lines[index - 1].cut = Some(Kind::Caption);
                }
            }
            if index + 1 < self.lines.len() && self.open(index + 1) {
                let line = &self.lines[index + 1];
                if hints_at_caption(line.text) && line.words <= 45 {
                    self.lines[index + 1].cut = Some(Kind::Caption);
                }
            }
        }
    }

    /// Between the title and the report: names, outlets, topics, labels.
    fn head(&mut self) {
        if self.body == self.lines.len() {
            return;
        }
        let authors: HashSet<String> = self
            .known
            .authors
            .iter()
            .map(|name| fingerprint(name))
            .collect();
        for index in 0..self.lines.len() {
            let in_head = index < self.body;
            if !self.open(index) || (!in_head && index > self.body + 6) {
                continue;
            }
            let line = &self.lines[index];
            let signed = self
                .bylines
                .iter()
                .any(|(other, byline)| byline.signed && *other > index);
            if signed && in_head && !authors.contains(&line.print) && lists_names(line.text) {
                // Who is named above the byline is seen in the picture.
                self.lines[index].cut = Some(Kind::Caption);
                continue;
            }
            if authors.contains(&line.print) || (in_head && self.stands_for_author(index)) {
                let authors = line
                    .text
                    .split(" and ")
                    .flat_map(|part| part.split(','))
                    .map(str::trim)
                    .filter(|part| !part.is_empty())
                    .map(byline::print_name)
                    .collect();
                self.bylines.push((
                    index,
                    Byline {
                        authors,
                        ..Byline::default()
                    },
                ));
                self.lines[index].cut = Some(Kind::Byline);
                continue;
            }
            if !in_head {
                continue;
            }
            if is_outlet(line.text) {
                let publisher = Some(line.text.to_owned());
                self.bylines.push((
                    index,
                    Byline {
                        publisher,
                        ..Byline::default()
                    },
                ));
                self.lines[index].cut = Some(Kind::Byline);
            } else if line.words <= 5 && line.prose < 1.0 && is_post(line.text) {
                self.lines[index].cut = Some(Kind::Byline);
            } else if let Some(evidence) = line.evidence
                && evidence.weight + 1.5 > line.prose + 0.5
            {
                self.lines[index].cut = Some(evidence.kind);
            } else if self.title.is_some()
                && line.words <= 3
                && line.prose < 1.0
                && !line.text.starts_with(['“', '‘', '"'])
            {
                self.lines[index].cut = Some(Kind::Navigation);
            } else if hints_at_caption(line.text) && line.prose < ANCHOR {
                self.lines[index].cut = Some(Kind::Caption);
            }
        }
        self.bylines.sort_by_key(|(index, _)| *index);
    }

    /// A bare name in the head, beside the title or what else goes with a byline.
    fn stands_for_author(&self, index: usize) -> bool {
        let line = &self.lines[index];
        if !lists_names(line.text) || is_outlet(line.text) {
            return false;
        }
        let goes_with = |i: Option<usize>| {
            i.and_then(|i| self.lines.get(i)).is_some_and(|other| {
                matches!(
                    other.cut,
                    Some(Kind::Headline | Kind::Timestamp | Kind::Byline | Kind::Share)
                ) || is_outlet(other.text)
                    || (other.words <= 5 && is_post(other.text))
            })
        };
        let caption = |i: Option<usize>| {
            i.and_then(|i| self.lines.get(i))
                .is_some_and(|other| matches!(other.cut, Some(Kind::Credit | Kind::Caption)))
        };
        (goes_with(index.checked_sub(1)) || goes_with(Some(index + 1))) && !caption(Some(index + 1))
    }

    /// Below the last line of the report: labels and links without an end.
    fn tail(&mut self) {
        let says =
            |line: &Line<'_>| line.prose >= 2.0 || (line.prose >= 1.0 && line.evidence.is_none());
        let Some(last) = (0..self.lines.len())
            .rev()
            .find(|&i| self.open(i) && says(&self.lines[i]))
        else {
            return;
        };
        if last < self.body {
            return;
        }
        let after: usize = (last + 1..self.lines.len())
            .filter(|&i| self.open(i))
            .map(|i| self.lines[i].text.len())
            .sum();
        let all: usize = self.lines.iter().map(|line| line.text.len()).sum();
        // A report that ends in a list, or one without full stops, is no tail.
        let listed = self.lines[last].text.ends_with(':') || after * 10 > all * 3;
        if !listed {
            for index in last + 1..self.lines.len() {
                if !self.open(index) {
                    continue;
                }
                let line = &self.lines[index];
                let quoted = line.text.starts_with(['“', '"', '‘']) && line.words > 3;
                let item = line
                    .text
                    .starts_with(|c: char| "•–-*".contains(c) || c.is_ascii_digit())
                    && line.words > 3;
                if quoted || item || line::is_post(line.text) {
                    continue;
                }
                let residue_near =
                    |i: usize| self.lines.get(i).is_some_and(|other| other.cut.is_some());
                let company =
                    residue_near(index + 1) || (index > last + 1 && residue_near(index - 1));
                let kind = match line.evidence {
                    Some(evidence) => evidence.kind,
                    // A label that structures the report above.
                    None if line.words < 4
                        && self.lines[..last]
                            .iter()
                            .any(|other| other.print == line.print) =>
                    {
                        continue;
                    }
                    None if line.words < 4 => Kind::Other,
                    None if company || titled(line.text) => Kind::Related,
                    // A sentence that only lacks its full stop.
                    None => continue,
                };
                self.lines[index].cut = Some(kind);
            }
        }
        self.note_on_the_author(last);
    }

    /// `Ada Brill is a columnist …` as the very last line, about somebody whom the
    /// report doesn't name.
    fn note_on_the_author(&mut self, last: usize) {
        let line = &self.lines[last];
        let Some(found) = AUTHOR_NOTE.captures(line.text) else {
            return;
        };
        let name = found.name("name").map_or("", |m| m.as_str());
        if !is_person(name) || line.words > 70 || last <= self.body {
            return;
        }
        let family = name.split_whitespace().next_back().unwrap_or_default();
        let known = self
            .known
            .authors
            .iter()
            .any(|author| fingerprint(author) == fingerprint(name))
            || self
                .bylines
                .iter()
                .any(|(_, b)| b.authors.iter().any(|author| author == name));
        let marked = line.text.starts_with(|c: char| !c.is_alphanumeric());
        let named_above = self.lines[..last]
            .iter()
            .any(|other| other.cut.is_none() && other.text.contains(family));
        if known || (!named_above && marked) || (!named_above && found.name("post").is_some()) {
            self.lines[last].cut = Some(Kind::Other);
        }
    }

    /// Links that stand between the paragraphs, with nothing to say that they are
    /// links: titles in capitals, and runs of titles.
    fn links_between_paragraphs(&mut self) {
        let body = self.body..self.lines.len();
        let shouted: Vec<usize> = body
            .clone()
            .filter(|&i| {
                self.open(i) && self.lines[i].prose < 1.0 && is_shouted(self.lines[i].text)
            })
            .collect();
        // Where headings are in capitals, only a long line is more than one.
        let headings = shouted.iter().any(|&i| self.lines[i].words < 6);
        for index in shouted {
            if self.lines[index].words >= if headings { 9 } else { 6 } {
                self.lines[index].cut = Some(Kind::Related);
            }
        }
        let is_title = |line: &Line<'_>| {
            line.cut.is_none()
                && line.prose < 1.0
                && (5..=20).contains(&line.words)
                && line.text.starts_with(char::is_uppercase)
                && !line
                    .text
                    .ends_with([':', ',', ';', '…', '-', '–', '—', '”', '"', '’'])
                && !line.text.ends_with("...")
                // A table, not titles.
                && line.text.split_whitespace().filter(|w| w.starts_with(|c: char| c.is_ascii_digit())).count() < 2
                && !line::is_post(line.text)
        };
        let mut from = body.start;
        while from < body.end {
            let run = (from..body.end)
                .take_while(|&i| is_title(&self.lines[i]))
                .count();
            let listed = from > 0 && self.lines[from - 1].text.ends_with(':');
            let apart = |i: Option<usize>| {
                i.and_then(|i| self.lines.get(i))
                    .is_some_and(|line| line.prose >= ANCHOR)
            };
            if (3..=8).contains(&run)
                && !listed
                && apart(from.checked_sub(1))
                && apart(Some(from + run))
            {
                for line in &mut self.lines[from..from + run] {
                    line.cut = Some(Kind::Related);
                }
            }
            from += run.max(1);
        }
    }

    /// A label that is residue in one place is so in every other.
    fn labels_cut_elsewhere(&mut self) {
        let cut: HashMap<String, Kind> = self
            .lines
            .iter()
            .filter(|line| line.words >= 4 && line.prose < 1.0)
            .filter(|line| line.markup != Some(Markup::Caption))
            .filter_map(|line| Some((line.print.clone(), line.cut?)))
            .collect();
        for line in &mut self.lines {
            if line.cut.is_none()
                && let Some(kind) = cut.get(&line.print)
            {
                line.cut = Some(*kind);
            }
        }
    }

    fn finish(mut self) -> Judged {
        // Where nothing would be left, nothing was known to be residue.
        if self.lines.iter().all(|line| line.cut.is_some()) {
            for line in &mut self.lines {
                line.cut = None;
            }
            self.title = None;
        }
        let classes = self
            .lines
            .iter()
            .map(|line| match line.cut {
                Some(kind) => Class::Residue(kind),
                None if is_heading(line) => Class::Heading,
                None => Class::Paragraph,
            })
            .collect();
        Judged {
            classes,
            title: self.title,
            bylines: self.bylines,
        }
    }
}

/// Interviews repeat the names of those who speak.
fn is_speaker_label(text: &str) -> bool {
    let name = text.trim_end_matches(':');
    let raised: String = name
        .split_whitespace()
        .map(|word| {
            let mut chars = word.chars();
            let first = chars.next().map(|c| c.to_uppercase().collect::<String>());
            format!("{}{} ", first.unwrap_or_default(), chars.as_str())
        })
        .collect();
    is_person(&raised) || text.ends_with([':', '?'])
}

fn is_heading(line: &Line<'_>) -> bool {
    match line.markup {
        Some(Markup::Heading) => return true,
        Some(Markup::SetApart) => return false,
        _ => {}
    }
    let question = line.text.ends_with('?') && line.words <= 12;
    let quoted_whole = line.text.starts_with(['‘', '\'']) && line.words <= 12;
    (line.prose < 1.0 || question || (quoted_whole && line.prose < 2.0))
        && line.words <= 16
        && !line.text.ends_with([':', ',', ';'])
        // Posts quoted from elsewhere end with their author's handle.
        && !line.text.contains(['@', '#'])
        && !line.text.contains("://")
        && !line.text.starts_with(['“', '"', '•', '–', '-', '*'])
}

/// A caption may stand before the title in its line: it is a sentence, the title
/// is none.
pub(crate) fn title_of(line: &str) -> &str {
    let sentences = sentence::sentences(line);
    if let [before @ .., last] = &sentences[..]
        && let Some(caption) = before.last()
        && line[..caption.end].split_whitespace().count() >= 8
        && line[..caption.end].ends_with('.')
        && line[last.clone()].split_whitespace().count() >= 4
        && !sentence::ends_sentence(&line[last.clone()])
        // `Ferries stop. Here's why`
        && !["Here", "This", "That", "It", "And", "But", "So", "Now", "Why", "How", "What"]
            .iter()
            .any(|word| line[last.clone()].starts_with(word))
    {
        return &line[last.clone()];
    }
    line
}

/// Whether it is written in capitals as a whole.
fn is_shouted(text: &str) -> bool {
    let (mut capitals, mut letters) = (0, 0);
    for c in text.chars().filter(|c| c.is_alphabetic()) {
        letters += 1;
        capitals += usize::from(c.is_uppercase());
    }
    letters >= 8 && capitals * 10 >= letters * 9
}

/// Whether most longer words have capitals, as in headlines.
fn titled(text: &str) -> bool {
    let long: Vec<&str> = text
        .split_whitespace()
        .filter(|w| w.chars().count() > 3)
        .collect();
    let capitals = long
        .iter()
        .filter(|w| {
            w.chars()
                .find(|c| c.is_alphanumeric())
                .is_some_and(char::is_uppercase)
        })
        .count();
    capitals * 10 >= long.len() * 7
}

/// `Ada Brill, and Oskar Venn`
fn lists_names(text: &str) -> bool {
    text.len() < 120
        && text
            .split(" and ")
            .flat_map(|part| part.split(','))
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .all(is_person)
}

fn hints_at_caption(text: &str) -> bool {
    text.len() < 400 && CAPTION_HINTS.is_match(text)
}

fn content_words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.chars().count() > 3)
        .map(str::to_lowercase)
}

/// Whether two fingerprints are one title, as it stands or with the outlet's name
/// behind it.
fn alike(a: &str, b: &str) -> bool {
    if a.is_empty() || b.is_empty() {
        return false;
    }
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    a == b || (short.len() >= 20 && long.starts_with(short) && long.len() - short.len() <= 24)
}

static HIGHLIGHTS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)^(?:story highlights\b|(?:key points|highlights|in brief)\W*$)")
        .expect("the pattern is written above")
});

static CAPTION_HINTS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?x)\b(?:is|are|was|were)\ (?:seen|pictured|shown)\b|\((?:left|right|centre|center|L|R|C|2nd\ [LR]|from\ left)\)
        |,\ (?:left|right|centre|center),|\bfrom\ left\b|\blooks?\ on\b|\bposes?\ (?:for|with)\b|\bgestures\b|\bshakes?\ hands\b
        |^(?:[A-ZÀ-ÖØ-Þ][A-Za-zÀ-ÖØ-öø-ž.’'-]*,?\ ){1,6}(?:speaks|talks|walks|arrives|stands|attends|addresses|waves|holds|listens|delivers|meets|smiles|reacts|departs|boards|hugs)\b",
    )
    .expect("the pattern is written above")
});

static AUTHOR_NOTE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?x)^[^A-Za-zÀ-ÖØ-öø-ž]*(?P<name>[A-ZÀ-ÖØ-Þ][A-Za-zÀ-ÖØ-öø-ž.’'-]*(?:\ (?:[A-ZÀ-ÖØ-Þ][A-Za-zÀ-ÖØ-öø-ž.’'-]*|van|von|de|der|la|del|bin|al)){1,4}),?\s
        (?:is|was|covers|writes|reports|has\ been|hosts|served)\b
        (?:[^.]{0,140}\b(?P<post>columnist|correspondent|reporter|editor|contributor|contributing|fellow|author|host|writer|writes|covers|blogger|podcast|journalist|founder|co-founder|professor|lecturer|historian|director|president\ of\ the|chairman\ of\ the|analyst|strategist)\b)?",
    )
    .expect("the pattern is written above")
});
