//! Whole articles, read by hand: residue, metadata, quotes with their speakers and attitudes.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use copydesk_document::{NewDocument, Value};
use copydesk_language::name::{self, Person};

use crate::figure::{bootstrap, share};
use crate::gold::{self, BadRecord, Field, Gold, GoldError, Origin, Record, Selection};
use crate::quotes::{Kind, Quote, is_match, quotes_at};
use crate::report::{EXAMPLES, Report, Row, Section, Worst, worst_of};
use crate::sentiment::LABELS;
use crate::spans::Span;
use crate::{Predicted, Task};

/// A quote of the gold.
#[derive(Debug, Clone)]
struct GoldQuote {
    kind: Kind,
    parts: Vec<String>,
    speaker: Option<Speaker>,
    cue: Option<String>,
    /// Target and label.
    attitudes: Vec<(String, &'static str)>,
}

#[derive(Debug, Clone)]
struct Speaker {
    name: String,
    is_person: bool,
}

/// A gold document.
#[derive(Debug, Clone)]
struct Document {
    origin: Origin,
    raw: String,
    title: Option<String>,
    authors: Vec<String>,
    published: Option<String>,
    /// `None` where the gold does not say.
    dateline: Option<Option<String>>,
    residue: Vec<String>,
    captions: Vec<String>,
    headings: Vec<String>,
    body_first: String,
    body_last: String,
    quotes: Vec<GoldQuote>,
    not_speech: Vec<String>,
}

/// What is right of how many, by section, row and figure.
type Tally = BTreeMap<(&'static str, &'static str, &'static str), [f64; 2]>;

/// What came of one document.
#[derive(Debug, Clone, Default)]
struct Scored {
    tally: Tally,
    mistakes: Vec<String>,
}

/// `copydesk eval seeds`.
#[derive(Debug)]
pub struct Seeds {
    documents: Vec<Document>,
    scored: Vec<Option<Scored>>,
}

const QUOTES: &str = "quotes";
const PREDICTIONS: &str = "predictions";
const ATTITUDES: &str = "attitudes";
const ARTICLE: &str = "article";

/// Every row with its figures, in the order of the report.
const ROWS: [(&str, &str, &[&str]); 17] = [
    (QUOTES, "all", &QUOTE_FIGURES),
    (QUOTES, "direct", &QUOTE_FIGURES),
    (QUOTES, "mixed", &QUOTE_FIGURES),
    (PREDICTIONS, "direct and mixed", &["matched"]),
    (PREDICTIONS, "nobody's words", &["left_alone"]),
    (ATTITUDES, "all", &["right"]),
    (ARTICLE, "title", &["right"]),
    (ARTICLE, "authors", &["right"]),
    (ARTICLE, "published", &["right"]),
    (ARTICLE, "dateline", &["right"]),
    (ARTICLE, "residue", &["right"]),
    (ARTICLE, "captions", &["right"]),
    (ARTICLE, "headings", &["right"]),
    (ARTICLE, "first words", &["right"]),
    (ARTICLE, "last words", &["right"]),
    (ARTICLE, "quoted words", &["right"]),
    (ARTICLE, "all", &["right"]),
];
const QUOTE_FIGURES: [&str; 5] = ["found", "whole", "speaker", "kind", "cue"];

impl Seeds {
    /// Reads a folder (or files) of gold, one JSON object a file, whose articles lie in the folder
    /// `articles`.
    ///
    /// # Errors
    /// If a file cannot be read or no record can be used.
    pub fn read(
        paths: &[PathBuf],
        selection: &Selection,
        articles: &Path,
    ) -> Result<(Self, Vec<BadRecord>), GoldError> {
        let mut gold = Gold {
            records: Vec::new(),
            bad: Vec::new(),
        };
        for path in gold::files(paths, &[".json"], "`*.json` file")? {
            if selection.limit.is_some_and(|n| gold.records.len() >= n) {
                break;
            }
            let json = fs::read(&path).map_err(|source| GoldError::Read {
                path: path.clone(),
                source,
            })?;
            let record = Record::parse(&json, path.display().to_string());
            match record {
                Ok(record) if !selection.has(&record) => {}
                Ok(record) => match document(&record, articles) {
                    Ok(document) => gold.records.push(document),
                    Err(bad) => gold.bad.push(bad),
                },
                Err(bad) => gold.bad.push(bad),
            }
        }
        let Gold { records, bad } = gold.some()?;
        let task = Self {
            scored: vec![None; records.len()],
            documents: records,
        };
        Ok((task, bad))
    }
}

impl Task for Seeds {
    fn layers(&self) -> &'static [&'static str] {
        &["blocks", "quotes", "speakers", "cues", "attitudes"]
    }

    fn takes_raw_articles(&self) -> bool {
        true
    }

    fn documents(&self) -> Vec<NewDocument> {
        self.documents
            .iter()
            .map(|document| NewDocument::new(&document.origin.id, &document.raw))
            .collect()
    }

    fn score(&mut self, index: usize, predicted: Option<&Predicted<'_>>) {
        let gold = &self.documents[index];
        let mut judge = Judge::default();
        judge.article(gold, predicted);
        judge.quotes(gold, predicted);
        self.scored[index] = Some(judge.0);
    }

    fn report(&self, worst: usize) -> Report {
        let scored: Vec<&Scored> = self.scored.iter().flatten().collect();
        let mut sections: Vec<Section> = Vec::new();
        for (section, name, figures) in ROWS {
            let mut row = Row::new(name);
            for (i, figure) in figures.iter().enumerate() {
                let of: Vec<[f64; 2]> = scored
                    .iter()
                    .map(|s| s.tally.get(&(section, name, *figure)).copied())
                    .map(Option::unwrap_or_default)
                    .collect();
                if i == 0 {
                    row = row.count("all", of.iter().map(|[_, all]| all).sum());
                }
                row = row.figure(figure, bootstrap(&of, |t| share(t[0], t[1])));
            }
            match sections.last_mut() {
                Some(last) if last.name == section => last.rows.push(row),
                _ => sections.push(Section {
                    name: section.to_owned(),
                    documents: scored.len(),
                    rows: vec![row],
                }),
            }
        }
        let documents = self.documents.iter().zip(&self.scored);
        let documents = documents.filter_map(|(document, scored)| {
            let scored = scored.as_ref()?;
            Some(Worst {
                id: document.origin.id.clone(),
                place: document.origin.place.clone(),
                mistakes: scored.mistakes.len() as f64,
                examples: scored.mistakes.iter().take(EXAMPLES).cloned().collect(),
            })
        });
        Report {
            sections,
            worst: worst_of(documents.collect(), worst),
        }
    }
}

/// Fills in what one document comes to.
#[derive(Default)]
struct Judge(Scored);

impl Judge {
    fn count(
        &mut self,
        section: &'static str,
        row: &'static str,
        figure: &'static str,
        right: bool,
    ) {
        let cell = self.0.tally.entry((section, row, figure)).or_default();
        cell[0] += f64::from(u8::from(right));
        cell[1] += 1.0;
    }

    fn mistake(&mut self, told: String) {
        self.0.mistakes.push(told);
    }

    /// One thing about the article as a whole.
    fn thing(&mut self, row: &'static str, right: bool, told: impl FnOnce() -> String) {
        self.count(ARTICLE, row, "right", right);
        self.count(ARTICLE, "all", "right", right);
        if !right {
            self.mistake(told());
        }
    }

    fn article(&mut self, gold: &Document, predicted: Option<&Predicted<'_>>) {
        let text = predicted.map_or("", Predicted::text);
        let meta = |name: &str| predicted.and_then(|p| p.meta(name)).unwrap_or(&Value::Null);
        let string = |name: &str| meta(name).as_str();

        let title = string("title");
        self.thing("title", title == gold.title.as_deref(), || {
            format!("title {title:?} for {:?}", gold.title)
        });
        let authors: Vec<&str> = meta("authors")
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        self.thing("authors", authors == gold.authors, || {
            format!("authors {authors:?} for {:?}", gold.authors)
        });
        let published = string("published").map(date_of);
        let wanted = gold.published.as_deref().map(date_of);
        self.thing("published", published == wanted, || {
            format!("published {published:?} for {wanted:?}")
        });
        if let Some(wanted) = &gold.dateline {
            let dateline = string("dateline");
            self.thing("dateline", dateline == wanted.as_deref(), || {
                format!("dateline {dateline:?} for {wanted:?}")
            });
        }
        for (row, strings) in [("residue", &gold.residue), ("captions", &gold.captions)] {
            for string in strings {
                let gone = predicted.is_some() && !text.contains(string.as_str());
                self.thing(row, gone, || format!("{row} left: {string:?}"));
            }
        }
        let headings: Vec<&str> = predicted
            .map(|predicted| predicted.spans("blocks"))
            .into_iter()
            .flatten()
            .filter(|block| block.label == Some("heading"))
            .map(|block| block.text)
            .collect();
        for heading in &gold.headings {
            let found = headings.contains(&heading.as_str());
            self.thing("headings", found, || format!("no heading: {heading:?}"));
        }
        self.thing("first words", text.starts_with(&gold.body_first), || {
            format!("begins otherwise than {:?}", gold.body_first)
        });
        self.thing("last words", text.ends_with(&gold.body_last), || {
            format!("ends otherwise than {:?}", gold.body_last)
        });
    }

    fn quotes(&mut self, gold: &Document, predicted: Option<&Predicted<'_>>) {
        let letters = Letters::new(predicted.map_or("", Predicted::text));
        let quotes = predicted.map_or_else(Vec::new, |predicted| {
            quotes_at(predicted, |span| letters.of(&span.in_text))
        });
        let cues = predicted.map(|predicted| predicted.spans("cues"));
        let cues = cues.unwrap_or_default();
        let attitudes = predicted.map_or_else(Vec::new, attitudes);
        let mut matched = vec![false; quotes.len()];
        for wanted in &gold.quotes {
            let rows: [&'static str; 2] = ["all", wanted.kind.name()];
            let words = shortened(&wanted.parts.join(" "));
            let parts: Vec<Vec<char>> = wanted.parts.iter().map(|part| fold(part)).collect();
            let places = letters.places(&parts);
            self.thing("quoted words", !places.is_empty(), || {
                format!("words lost: {words}")
            });
            let hits: Vec<&Quote> = quotes
                .iter()
                .zip(&mut matched)
                .filter(|(quote, _)| places.iter().any(|place| is_match(place, &quote.content)))
                .map(|(quote, matched)| {
                    *matched = true;
                    quote
                })
                .collect();
            let cue_of = |quote: &Quote| {
                let row = predicted?.link("quotes", quote.row, "cue")?;
                cues.get(row as usize).map(|cue| cue.text)
            };
            let any = |right: &dyn Fn(&Quote) -> bool| hits.iter().any(|quote| right(quote));
            let is_speaker = |quote: &Quote| match &wanted.speaker {
                Some(speaker) => quote.speaker.is_some() && speaker.is(&quote.name),
                None => quote.speaker.is_none(),
            };
            let judged = [
                !hits.is_empty(),
                any(&|quote| places.contains(&quote.content)),
                any(&is_speaker),
                any(&|quote| quote.kind == Some(wanted.kind)),
                any(&|quote| cue_of(quote) == wanted.cue.as_deref()),
            ];
            for row in rows {
                for (figure, right) in QUOTE_FIGURES.into_iter().zip(judged) {
                    self.count(QUOTES, row, figure, right);
                }
            }
            for (figure, right) in QUOTE_FIGURES.into_iter().zip(judged) {
                if !right {
                    let got: Vec<String> = hits
                        .iter()
                        .map(|quote| match figure {
                            "speaker" => format!("{:?}", quote.name),
                            "cue" => format!("{:?}", cue_of(quote).unwrap_or("none")),
                            _ => String::new(),
                        })
                        .filter(|got| !got.is_empty())
                        .collect();
                    let what = match figure {
                        "found" => "missed".to_owned(),
                        "whole" => "other ends".to_owned(),
                        _ => format!("wrong {figure} {}", got.join(", ")),
                    };
                    self.mistake(format!("{}: {words}", what.trim_end()));
                }
                if !judged[0] {
                    break;
                }
            }
            for (target, label) in &wanted.attitudes {
                let got = hits.iter().find_map(|quote| {
                    let key = (quote.row, target.as_str());
                    attitudes.iter().find(|(of, _)| *of == key)
                });
                let got = got.map(|(_, label)| *label);
                let right = got == Some(*label);
                self.count(ATTITUDES, "all", "right", right);
                if !right && judged[0] {
                    let got = got.unwrap_or("no attitude");
                    self.mistake(format!("{got} toward {target}, not {label}: {words}"));
                }
            }
        }
        let marked = quotes
            .iter()
            .zip(matched)
            .filter(|(quote, _)| quote.kind != Some(Kind::Indirect));
        for (quote, matched) in marked.clone() {
            self.count(PREDICTIONS, "direct and mixed", "matched", matched);
            if !matched {
                let words = letters.words(&quote.content);
                self.mistake(format!("not in the gold: {}", shortened(&words)));
            }
        }
        for words in &gold.not_speech {
            let words = [fold(words)];
            let taken = letters.places(&words).iter().any(|place| {
                marked
                    .clone()
                    .any(|(quote, _)| is_match(place, &quote.content))
            });
            self.count(PREDICTIONS, "nobody's words", "left_alone", !taken);
        }
    }
}

impl Speaker {
    /// Spelling, titles, possessives and case do not matter: people are known by their last name,
    /// bodies by their words with countries for their adjectives.
    fn is(&self, name: &str) -> bool {
        if self.is_person {
            let last = |name: &str| name::fold(Person::new(name).last());
            return last(&self.name) == last(name);
        }
        name::organisation_key(&self.name) == name::organisation_key(name)
    }
}

/// Label of each quote's attitude toward a target.
fn attitudes<'b>(predicted: &Predicted<'b>) -> Vec<((u32, &'b str), &'b str)> {
    let spans = predicted.spans("attitudes").into_iter();
    spans
        .filter_map(|span| {
            let quote = predicted.link("attitudes", span.row, "quote")?;
            let target = predicted.attr("attitudes", span.row, "target")?;
            Some(((quote, target), span.label?))
        })
        .collect()
}

/// The letters and digits of a text, small: marks, blanks and line breaks differ between gold and
/// text and say nothing.
struct Letters<'t> {
    text: &'t str,
    folded: Vec<char>,
    /// The byte where each comes from.
    bytes: Vec<u32>,
}

impl<'t> Letters<'t> {
    fn new(text: &'t str) -> Self {
        let (mut folded, mut bytes) = (Vec::new(), Vec::new());
        for (at, c) in text.char_indices().filter(|(_, c)| c.is_alphanumeric()) {
            for small in c.to_lowercase() {
                folded.push(small);
                bytes.push(at as u32);
            }
        }
        Self {
            text,
            folded,
            bytes,
        }
    }

    /// Which letters a range of bytes has.
    fn of(&self, range: &Span) -> Span {
        let at = |byte: u32| self.bytes.partition_point(|at| *at < byte) as u32;
        at(range.start)..at(range.end)
    }

    /// Everywhere that the parts stand one after the other, from each place of the first.
    fn places(&self, parts: &[Vec<char>]) -> Vec<Vec<Span>> {
        let find = |part: &[char], from: usize| {
            let rest = self.folded.get(from..)?;
            let at = rest.windows(part.len().max(1)).position(|w| w == part)?;
            Some(from + at)
        };
        let mut found = Vec::new();
        let Some(first) = parts.first().filter(|part| !part.is_empty()) else {
            return found;
        };
        let mut from = 0;
        while let Some(start) = find(first, from) {
            let mut place = Vec::new();
            let mut at = start;
            for part in parts {
                let Some(start) = find(part, at) else {
                    return found;
                };
                at = start + part.len();
                place.push(start as u32..at as u32);
            }
            found.push(crate::spans::joined(&place));
            from = start + 1;
        }
        found
    }

    /// The words at letters, for messages.
    fn words(&self, place: &[Span]) -> String {
        let byte = |letter: u32| self.bytes.get(letter as usize).map(|at| *at as usize);
        let pieces = place.iter().filter_map(|span| {
            let last = byte(span.end.checked_sub(1)?)?;
            let end = last + self.text[last..].chars().next()?.len_utf8();
            self.text.get(byte(span.start)?..end)
        });
        pieces.collect::<Vec<_>>().join(" ")
    }
}

fn fold(words: &str) -> Vec<char> {
    Letters::new(words).folded
}

fn shortened(words: &str) -> String {
    let length = words.chars().count() as u32;
    crate::spans::excerpt(words, &(0..length))
}

/// The date of an ISO 8601 date-time.
fn date_of(published: &str) -> &str {
    published.get(..10).unwrap_or(published)
}

fn document(record: &Record, articles: &Path) -> Result<Document, BadRecord> {
    let optional = |field: Field<'_>| {
        let present = field.present();
        present
            .map(|field| field.text().map(str::to_owned))
            .transpose()
    };
    let strings = |name: &str| match record.field(name).present() {
        Some(field) => {
            let items = field.items()?;
            items
                .iter()
                .map(|item| item.text().map(str::to_owned))
                .collect()
        }
        None => Ok(Vec::new()),
    };
    let doc = record.field("doc");
    let name = doc.text()?;
    let raw = fs::read_to_string(articles.join(name)).map_err(|error| {
        let problem = format!("`{}`: {}", articles.join(name).display(), reason(&error));
        doc.bad(problem, "name the folder of the articles with `--articles`")
    })?;
    let quotes = match record.field("quotes").present() {
        Some(quotes) => {
            let items = quotes.items()?;
            items.iter().map(quote).collect::<Result<_, _>>()?
        }
        None => Vec::new(),
    };
    let has_dateline = record.root().object()?.contains_key("dateline");
    let dateline = optional(record.field("dateline"))?;
    Ok(Document {
        origin: Origin {
            id: name.to_owned(),
            place: record.origin().place,
        },
        raw,
        title: optional(record.field("title"))?,
        authors: strings("authors")?,
        published: optional(record.field("published"))?,
        dateline: has_dateline.then_some(dateline),
        residue: strings("residue")?,
        captions: strings("captions")?,
        headings: strings("headings")?,
        body_first: record.field("body_first").text()?.to_owned(),
        body_last: record.field("body_last").text()?.to_owned(),
        quotes,
        not_speech: strings("not_speech")?,
    })
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::InvalidData => "the file is not UTF-8".to_owned(),
        _ => error.to_string(),
    }
}

fn quote(field: &Field<'_>) -> Result<GoldQuote, BadRecord> {
    let parts = match field.field("parts").present() {
        Some(parts) => {
            let items = parts.items()?;
            let text = |item: &Field<'_>| item.text().map(str::to_owned);
            items.iter().map(text).collect::<Result<_, _>>()?
        }
        None => vec![field.field("text").text()?.to_owned()],
    };
    let kind = field.field("kind").one_of(&["direct", "mixed"])?;
    let speaker = match field.field("speaker").present() {
        Some(speaker) => Some(Speaker {
            name: speaker.field("name").text()?.to_owned(),
            is_person: speaker.field("label").value().as_str() == Some("PER"),
        }),
        None => None,
    };
    let cue = match field.field("cue").present() {
        Some(cue) => Some(cue.text()?.to_owned()),
        None => None,
    };
    let mut attitudes = Vec::new();
    if let Some(sentiment) = field.field("sentiment").present() {
        for target in sentiment.object()?.keys() {
            let label = sentiment.field(target).one_of(&LABELS)?;
            attitudes.push((target.clone(), label));
        }
    }
    Ok(GoldQuote {
        kind: Kind::of(kind).unwrap_or(Kind::Direct),
        parts,
        speaker,
        cue,
        attitudes,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{Attr, Layers, with_edits};
    use copydesk_document::Edit;

    const RAW: &str =
        "By Åse Venn\n“We sail,” Ilse Brandt said, “and we sing.” A “dry” ferry.\nADVERTISEMENT";

    fn task() -> Seeds {
        let folder = tempfile::tempdir().unwrap();
        let gold = json!({
            "doc": "ferry.txt", "title": null, "authors": ["Åse Venn"], "published": null,
            "residue": ["By Åse Venn", "ADVERTISEMENT"], "headings": [],
            "body_first": "“We sail", "body_last": "ferry.",
            "quotes": [{
                "text": "We sail, and we sing.", "parts": ["We sail,", "and we sing."], "kind": "direct",
                "speaker": {"name": "Harbour Minister Ilse Brandt", "label": "PER"}, "cue": "said",
                "sentiment": {"NATO": "positive"}
            }],
            "not_speech": ["dry"]
        });
        fs::write(folder.path().join("gold.json"), gold.to_string()).unwrap();
        fs::write(folder.path().join("ferry.txt"), RAW).unwrap();
        let paths = [folder.path().to_owned()];
        let (task, bad) = Seeds::read(&paths, &Selection::default(), folder.path()).unwrap();
        assert_eq!(bad, []);
        task
    }

    fn at(text: &str, words: &str) -> Span {
        let start = text.find(words).unwrap() as u32;
        start..start + words.len() as u32
    }

    #[test]
    fn an_article_is_judged_in_the_text_after_cleanup() {
        let mut task = task();
        let cut = at(RAW, "By Åse Venn\n");
        let text = &RAW[cut.end as usize..];
        let edit = Edit {
            start: cut.start,
            end: cut.end,
            with: String::new(),
            kind: Some("byline".to_owned()),
        };
        let (first, second) = (at(text, "We sail,"), at(text, "and we sing."));
        let mut layers = Layers::default();
        let name = [("name", Attr::Text("Brandt"))];
        layers.add("speakers", at(text, "Ilse Brandt"), "PER", name);
        layers.add("cues", at(text, "said"), "", []);
        let links = [
            ("speaker", Attr::Link("speakers", 0)),
            ("cue", Attr::Link("cues", 0)),
        ];
        layers.add("quotes", first.start..second.end, "mixed", links);
        for part in [first.clone(), second] {
            layers.add(
                "quote-parts",
                part,
                "",
                [("quote", Attr::Link("quotes", 0))],
            );
        }
        layers.add("quotes", at(text, "dry"), "mixed", []);
        let toward = [
            ("target", Attr::Text("NATO")),
            ("quote", Attr::Link("quotes", 0)),
        ];
        layers.add("attitudes", first, "neutral", toward);
        let batch = with_edits(RAW, vec![edit], &layers);
        task.score(0, Some(&Predicted::new(&batch, 0)));
        let scored = task.scored[0].clone().unwrap();
        let cell = |section, row, figure| scored.tally[&(section, row, figure)];
        for (figure, right) in [
            ("found", 1.0),
            ("whole", 1.0),
            ("speaker", 1.0),
            ("kind", 0.0),
            ("cue", 1.0),
        ] {
            assert_eq!(cell(QUOTES, "direct", figure), [right, 1.0], "{figure}");
        }
        assert_eq!(cell(PREDICTIONS, "direct and mixed", "matched"), [1.0, 2.0]);
        assert_eq!(
            cell(PREDICTIONS, "nobody's words", "left_alone"),
            [0.0, 1.0]
        );
        assert_eq!(cell(ATTITUDES, "all", "right"), [0.0, 1.0]);
        assert_eq!(cell(ARTICLE, "residue", "right"), [1.0, 2.0]);
        assert_eq!(cell(ARTICLE, "title", "right"), [1.0, 1.0]);
        // Nobody wrote the metadata, and the advertisement is still there.
        assert_eq!(
            scored.mistakes,
            [
                "authors [] for [\"Åse Venn\"]",
                "residue left: \"ADVERTISEMENT\"",
                "ends otherwise than \"ferry.\"",
                "wrong kind: “We sail, and we sing.”",
                "neutral toward NATO, not positive: “We sail, and we sing.”",
                "not in the gold: “dry”",
            ]
        );
    }

    #[test]
    fn a_document_that_failed_has_nothing_right_but_what_is_not_there() {
        let mut task = task();
        task.score(0, None);
        let tally = task.scored[0].clone().unwrap().tally;
        assert_eq!(tally[&(QUOTES, "all", "found")], [0.0, 1.0]);
        assert_eq!(tally[&(ARTICLE, "residue", "right")], [0.0, 2.0]);
        assert_eq!(tally[&(ARTICLE, "quoted words", "right")], [0.0, 1.0]);
    }

    #[test]
    fn bodies_are_known_by_their_words_and_people_by_their_last_name() {
        let is = |gold: &str, is_person, name: &str| {
            let name_of_gold = gold.to_owned();
            Speaker {
                name: name_of_gold,
                is_person,
            }
            .is(name)
        };
        assert!(is(
            "Russian Foreign Ministry",
            false,
            "Russia’s Foreign Ministry"
        ));
        assert!(!is("Russian Foreign Ministry", false, "Russia"));
        assert!(is("Sergey Lavrov", true, "Foreign Minister Sergei Lavrov"));
        assert!(!is("Ilse Brandt", true, "Ilse Toll"));
    }

    #[test]
    fn an_article_that_is_not_there_says_where_it_was_looked_for() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("gold.json"), "{\"doc\": \"gone.txt\"}").unwrap();
        let paths = [folder.path().to_owned()];
        let error = Seeds::read(&paths, &Selection::default(), folder.path()).unwrap_err();
        let told = error.to_string();
        assert!(told.contains("field `doc`"), "{told}");
        assert!(
            told.contains("there is no such file; name the folder"),
            "{told}"
        );
    }
}
