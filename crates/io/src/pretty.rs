//! A document for people to read: who said what, and how the targets are spoken of.

use std::{collections::BTreeMap, fmt::Write};

use anstyle::{AnsiColor, Effects, Style};
use copydesk_document::Value;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::record::{Entity, Quote, Record};

/// Narrower than this nothing is legible, wider than this no line is easy to follow.
const WIDTHS: std::ops::RangeInclusive<usize> = 48..=96;
/// Between things in a row; a line ends after it, not before it.
const SEPARATOR: &str = "\u{A0}· ";
/// Keys of tone, and what they are called where there is room, and where there is not.
const VOICES: [(&str, &str, &str); 2] = [
    ("author", "the article itself", "article"),
    ("speakers", "those it quotes   ", "quoted "),
];
const TITLE: Style = Style::new().effects(Effects::BOLD);
const SPEAKER: Style = Style::new()
    .fg_color(Some(anstyle::Color::Ansi(AnsiColor::Cyan)))
    .effects(Effects::BOLD);
const HEADING: Style = Style::new().effects(Effects::BOLD);
const QUIET: Style = Style::new().effects(Effects::DIMMED);
const NEGATIVE: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Red)));
const POSITIVE: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Green)));
const WARNING: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Yellow)));

/// Renders records for a terminal.
#[derive(Debug, Clone, Copy)]
pub struct Pretty {
    width: usize,
    colour: bool,
    first: bool,
}

impl Pretty {
    /// For a terminal of `width` columns; without `colour` the text is plain.
    pub fn new(width: usize, colour: bool) -> Self {
        Self {
            width: width.clamp(*WIDTHS.start(), *WIDTHS.end()),
            colour,
            first: true,
        }
    }

    /// Appends one document.
    pub fn render(&mut self, record: &Record<'_>, out: &mut String) {
        if !self.first {
            out.push('\n');
        }
        self.first = false;
        let mut page = Page {
            width: self.width,
            colour: self.colour,
            out,
        };
        page.head(record);
        if let Some(entities) = &record.entities {
            page.names(entities);
        }
        match &record.quotes {
            Some(quotes) => page.quotes(quotes),
            None => page.beginning(record.text),
        }
        if let Some(tone) = &record.tone {
            page.tone(tone);
        }
        page.warnings(record);
    }
}

struct Page<'o> {
    width: usize,
    colour: bool,
    out: &'o mut String,
}

impl Page<'_> {
    fn head(&mut self, record: &Record<'_>) {
        let meta = |key: &str| record.meta.as_ref().and_then(|meta| meta.get(key));
        let word = |key: &str| {
            meta(key)
                .and_then(Value::as_str)
                .map(clean)
                .filter(|w| !w.is_empty())
        };
        let rule = "─".repeat(self.width);
        self.line(QUIET, &rule);
        let title = word("title");
        self.wrapped(TITLE, "", title.as_deref().unwrap_or(&clean(record.id)));
        let authors: Vec<String> = meta("authors")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(clean)
            .collect();
        let by = match authors.split_last() {
            None => None,
            Some((last, [])) => Some(format!("by {last}")),
            Some((last, rest)) => Some(format!("by {} and {last}", rest.join(", "))),
        };
        let about: Vec<String> = [by, word("publisher"), word("published"), word("dateline")]
            .into_iter()
            .flatten()
            .collect();
        if !about.is_empty() {
            self.wrapped(Style::new(), "", &about.join(SEPARATOR));
        }
        let mut source = Vec::new();
        if title.is_some() {
            source.push(clean(record.id));
        }
        source.push(counted(record.text.split_whitespace().count(), "word"));
        source.extend(word("language").filter(|language| language != "en"));
        if let Some(removed) = record
            .removed
            .as_ref()
            .filter(|removed| !removed.is_empty())
        {
            let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
            for piece in removed {
                *kinds.entry(piece.kind).or_default() += 1;
            }
            let mut kinds: Vec<_> = kinds.into_iter().collect();
            kinds.sort_by_key(|(kind, count)| (std::cmp::Reverse(*count), *kind));
            let kinds: Vec<String> = kinds
                .iter()
                .map(|(kind, count)| format!("{count} {}", plural(kind, *count)))
                .collect();
            source.push(format!("taken out: {}", kinds.join(", ")));
        }
        self.wrapped(QUIET, "", &source.join(SEPARATOR));
    }

    /// Names by kind, the most frequent first.
    fn names(&mut self, entities: &[Entity<'_>]) {
        const ROWS: [(&str, &str); 4] = [
            ("PER", "People"),
            ("ORG", "Organisations"),
            ("LOC", "Places"),
            ("MISC", "Other names"),
        ];
        const MOST: usize = 12;
        let mut any = false;
        for (label, heading) in ROWS {
            let mut counts: Vec<(String, usize)> = Vec::new();
            for entity in entities.iter().filter(|entity| entity.label == Some(label)) {
                let name = clean(entity.name.unwrap_or(entity.text));
                match counts.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, count)) => *count += 1,
                    None => counts.push((name, 1)),
                }
            }
            if counts.is_empty() {
                continue;
            }
            counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
            let more = counts.len().saturating_sub(MOST);
            let mut shown: Vec<String> = counts
                .iter()
                .take(MOST)
                .map(|(name, count)| match count {
                    1 => unbroken(name),
                    _ => unbroken(&format!("{name} ×{count}")),
                })
                .collect();
            if more > 0 {
                shown.push(unbroken(&format!("{more} more")));
            }
            if !any {
                self.out.push('\n');
                any = true;
            }
            self.beside(heading, &shown.join(SEPARATOR));
        }
    }

    fn quotes(&mut self, quotes: &[Quote<'_>]) {
        if quotes.is_empty() {
            self.out.push('\n');
            self.line(QUIET, "Nobody is quoted.");
            return;
        }
        self.heading(&format!("Quotes ({})", quotes.len()));
        for (i, quote) in quotes.iter().enumerate() {
            if i > 0 {
                self.out.push('\n');
            }
            self.quote(quote);
        }
    }

    /// A line that says who, how and in what form; the words; what they mean for the targets.
    fn quote(&mut self, quote: &Quote<'_>) {
        let cue = match &quote.cue {
            Some(Some(cue)) => format!(" · {}", clean(cue.text)),
            _ => String::new(),
        };
        let kind = quote.kind.map(clean).unwrap_or_default();
        // The name may take what cue, kind, indent and a gap leave; the words at the quote the rest.
        let room = self
            .width
            .saturating_sub(2 + cue.width() + 2 + kind.width());
        self.out.push_str("  ");
        let mut used = 0;
        match &quote.speaker {
            Some(Some(speaker)) => {
                let (name, surface) = (clean(speaker.name), clean(speaker.text));
                used += self.styled(SPEAKER, &shortened(&name, room));
                let rest = room.saturating_sub(used + " (“”)".width());
                if !same_name(&name, &surface) && rest >= 3 {
                    let surface = shortened(&surface, rest);
                    used += self.styled(Style::new(), &format!(" (“{surface}”)"));
                }
            }
            Some(None) => used += self.styled(QUIET, "nobody named"),
            None => {}
        }
        self.styled(QUIET, &cue);
        self.out
            .push_str(&" ".repeat(2 + room.saturating_sub(used)));
        self.styled(QUIET, &kind);
        self.out.push('\n');
        let words = clean(&quote.text);
        let words = if quote.kind == Some("indirect") {
            words
        } else {
            format!("“{words}”")
        };
        self.wrapped(Style::new(), "    ", &words);
        let marks: Vec<(&str, String)> = quote
            .sentiment
            .iter()
            .flatten()
            .filter_map(|(target, attitude)| {
                Some((attitude.get("label")?.as_str()?, clean(target)))
            })
            .collect();
        if !marks.is_empty() {
            self.out.push_str("    ");
            for (i, (label, target)) in marks.iter().enumerate() {
                if i > 0 {
                    self.out.push_str("   ");
                }
                self.styled(style_of(label), &format!("{} {label}", mark_of(label)));
                self.styled(QUIET, &format!(" toward {target}"));
            }
            self.out.push('\n');
        }
    }

    /// Where no stage finds quotes, the beginning says at least which article it is.
    fn beginning(&mut self, text: &str) {
        const LINES: usize = 4;
        self.out.push('\n');
        let text = clean(text);
        let mut rest = self.fill(&text, 2);
        let more = rest.len() > LINES;
        rest.truncate(LINES);
        for (i, line) in rest.iter().enumerate() {
            let end = if more && i + 1 == LINES { " …" } else { "" };
            self.out.push_str("  ");
            self.line(Style::new(), &format!("{line}{end}"));
        }
        if rest.is_empty() {
            self.line(QUIET, "  (no text)");
        }
    }

    fn tone(&mut self, tone: &Value) {
        let Some(targets) = tone.as_object().filter(|targets| !targets.is_empty()) else {
            return;
        };
        self.heading("Tone");
        let widest = targets
            .keys()
            .map(|target| clean(target).width())
            .max()
            .unwrap_or_default();
        // Beside one another where that fits, else the target above its voices.
        let stacked = 2 + widest + VOICES[0].1.width() + 40 > self.width;
        for (target, voices) in targets {
            let target = clean(target);
            let mut left = format!("  {target}{}", " ".repeat(widest - target.width()));
            if stacked {
                self.line(TITLE, left.trim_end());
                left = "  ".to_owned();
            }
            for (key, long, short) in VOICES {
                let Some(voice) = voices.get(key) else {
                    continue;
                };
                self.styled(TITLE, &left);
                let name = if stacked { short } else { long };
                self.styled(QUIET, &format!("  {name}  "));
                self.voice(voice);
                left = " ".repeat(left.width());
            }
        }
    }

    fn voice(&mut self, tone: &Value) {
        let count = |key: &str| tone.get(key).and_then(Value::as_u64).unwrap_or_default();
        let counts = [
            ("negative", count("negative")),
            ("neutral", count("neutral")),
            ("positive", count("positive")),
        ];
        if counts.iter().all(|(_, count)| *count == 0) {
            self.line(QUIET, "says nothing of it");
            return;
        }
        let label = tone
            .get("label")
            .and_then(Value::as_str)
            .unwrap_or("neutral");
        let score = tone
            .get("score")
            .and_then(Value::as_f64)
            .unwrap_or_default();
        let sign = if score < -0.005 {
            "−"
        } else if score > 0.005 {
            "+"
        } else {
            " "
        };
        self.styled(
            style_of(label),
            &format!("{} {label:<8} {sign}{:.2}", mark_of(label), score.abs()),
        );
        self.out.push_str("  ");
        for (label, count) in counts {
            let style = if count == 0 { QUIET } else { style_of(label) };
            self.out.push_str("  ");
            self.styled(style, &format!("{count} {}", mark_of(label)));
        }
        self.out.push('\n');
    }

    fn warnings(&mut self, record: &Record<'_>) {
        if record.warnings.is_empty() {
            return;
        }
        self.out.push('\n');
        let mut told: Vec<(String, usize)> = Vec::new();
        for warning in &record.warnings {
            let (stage, code) = (clean(warning.stage), clean(warning.code));
            let text = format!("! {stage} ({code}): {}", clean(warning.message));
            match told.iter_mut().find(|(known, _)| *known == text) {
                Some((_, times)) => *times += 1,
                None => told.push((text, 1)),
            }
        }
        for (text, times) in told {
            let times = if times > 1 {
                format!(" ×{times}")
            } else {
                String::new()
            };
            self.wrapped(WARNING, "", &format!("{text}{times}"));
        }
    }

    fn heading(&mut self, words: &str) {
        self.out.push('\n');
        self.line(HEADING, words);
    }

    /// A heading in the left column, wrapped words in the right one.
    fn beside(&mut self, heading: &str, words: &str) {
        const COLUMN: usize = 15;
        let mut left = format!("{heading:<COLUMN$}");
        for line in self.fill(words, COLUMN) {
            self.styled(HEADING, &left);
            self.line(Style::new(), &line);
            left = " ".repeat(COLUMN);
        }
    }

    fn wrapped(&mut self, style: Style, indent: &str, words: &str) {
        for line in self.fill(words, indent.width()) {
            self.out.push_str(indent);
            self.line(style, &line);
        }
    }

    fn fill(&self, words: &str, indent: usize) -> Vec<String> {
        // A little air on the right, so that text does not touch the rule's end.
        let lines = fill(words, self.width.saturating_sub(indent + 2).max(20));
        lines
            .into_iter()
            .map(|line| line.replace('\u{A0}', " "))
            .collect()
    }

    fn line(&mut self, style: Style, words: &str) {
        self.styled(style, words);
        self.out.push('\n');
    }

    /// Returns the columns that the words take.
    fn styled(&mut self, style: Style, words: &str) -> usize {
        if self.colour && style != Style::new() {
            // Writing to a string cannot fail.
            let _ = write!(self.out, "{style}{words}{style:#}");
        } else {
            self.out.push_str(words);
        }
        words.width()
    }
}

/// Breaks words into lines of at most `width` columns; a longer word has a line to itself.
fn fill(words: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut used = 0;
    for word in words.split(' ').filter(|word| !word.is_empty()) {
        let columns = word.width();
        match lines.last_mut() {
            Some(line) if used + 1 + columns <= width => {
                line.push(' ');
                line.push_str(word);
                used += 1 + columns;
            }
            _ => {
                lines.push(word.to_owned());
                used = columns;
            }
        }
    }
    lines
}

/// One line of text without anything that a terminal would obey: articles come from anywhere.
fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text
        .split(|c: char| c.is_whitespace())
        .filter(|word| !word.is_empty())
    {
        if !out.is_empty() {
            out.push(' ');
        }
        out.extend(word.chars().map(|c| {
            if c.is_control() || is_steering(c) {
                '\u{FFFD}'
            } else {
                c
            }
        }));
    }
    out
}

/// Marks that turn the direction of everything after them, also beyond the article.
fn is_steering(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// At most so many columns, with a mark where something was left out.
fn shortened(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut short = String::new();
    for c in text.chars() {
        if short.width() + c.width().unwrap_or_default() + 1 > columns {
            break;
        }
        short.push(c);
    }
    format!("{}…", short.trim_end())
}

fn unbroken(name: &str) -> String {
    name.replace(' ', "\u{A0}")
}

fn same_name(name: &str, surface: &str) -> bool {
    name.to_lowercase() == surface.to_lowercase()
}

fn style_of(label: &str) -> Style {
    match label {
        "negative" => NEGATIVE,
        "positive" => POSITIVE,
        _ => QUIET,
    }
}

/// Told apart by shape, not by colour alone.
fn mark_of(label: &str) -> &'static str {
    match label {
        "negative" => "▼",
        "positive" => "▲",
        _ => "•",
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {}", plural(what, count))
}

fn plural(what: &str, count: usize) -> String {
    match what {
        _ if count == 1 => what.to_owned(),
        "navigation" | "share" | "markup" | "related" | "other" => what.to_owned(),
        _ => format!("{what}s"),
    }
}

#[cfg(test)]
mod tests {
    use copydesk_document::{Batch, Contract, NewDocument, offsets::Unit};

    use super::*;
    use crate::{article, assemble::Layout};

    fn page(batch: &Batch, contracts: &[Contract], width: usize, colour: bool) -> String {
        let layout = Layout::new(contracts, &[], Unit::Char);
        let mut out = String::new();
        let mut pretty = Pretty::new(width, colour);
        for i in 0..batch.len() {
            pretty.render(&layout.record(batch, i), &mut out);
        }
        out
    }

    #[test]
    fn a_document_reads_as_a_page() {
        insta::assert_snapshot!(page(
            &article::annotated(),
            &article::contracts(),
            80,
            false
        ));
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for width in [48, 60, 96] {
            for line in page(&article::annotated(), &article::contracts(), width, false).lines() {
                assert!(line.width() <= width, "{width}: {line}");
            }
        }
    }

    #[test]
    fn colour_adds_nothing_but_colour() {
        let batch = article::annotated();
        let coloured = page(&batch, &article::contracts(), 80, true);
        assert!(coloured.contains('\u{1b}'));
        let plain: String = anstream::adapter::strip_str(&coloured).to_string();
        assert_eq!(plain, page(&batch, &article::contracts(), 80, false));
    }

    #[test]
    fn an_article_cannot_steer_the_terminal() {
        let mut batch = Batch::new();
        batch.push(NewDocument::new(
            "a\u{1b}[2J",
            "red \u{1b}[31m alert \u{7} \u{202e}txet\u{9b}",
        ));
        let page = page(&batch, &[], 80, false);
        assert!(
            page.chars()
                .all(|c| c == '\n' || !(c.is_control() || is_steering(c))),
            "{page:?}"
        );
    }

    #[test]
    fn a_pipeline_without_quotes_shows_how_the_text_begins() {
        let mut batch = Batch::new();
        batch.push(NewDocument::new("long", "word ".repeat(400)));
        batch.push(NewDocument::new("empty", ""));
        insta::assert_snapshot!(page(&batch, &[], 60, false));
    }
}
