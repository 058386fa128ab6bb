//! Cleanup: the article out of its page.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};

use copydesk_document::{NewDocument, Value};
use copydesk_language::name;

use crate::figure::{bootstrap, share};
use crate::gold::{self, BadRecord, Field, Gold, GoldError, Origin, Record, Selection};
use crate::report::{EXAMPLES, Report, Row, Section, Worst, worst_of};
use crate::{Figure, Predicted, Task};

/// Makes the document that the pipeline reads out of the bytes of a page.
pub type ReadPage<'f> = &'f dyn Fn(&[u8]) -> NewDocument;

/// A gold document.
#[derive(Debug, Clone)]
struct Article {
    origin: Origin,
    page: NewDocument,
    body: String,
    /// `None` where the gold only has the body as a whole.
    paragraphs: Option<Vec<String>>,
    captions: Vec<String>,
    /// `None` where the gold does not say.
    title: Option<String>,
    authors: Option<Vec<String>>,
    published: Option<String>,
}

/// Right of how many.
type Share = [f64; 2];

/// What came of one document.
#[derive(Debug, Clone, Default)]
struct Scored {
    /// As [`shingles`] gives it, and whether all words agree.
    body: [f64; 5],
    lost: Share,
    captions: Share,
    title: Share,
    authors: Share,
    published: Share,
    mistakes: Vec<String>,
}

/// `copydesk eval cleanup`.
#[derive(Debug)]
pub struct Cleanup {
    articles: Vec<Article>,
    scored: Vec<Option<Scored>>,
}

impl Cleanup {
    /// Reads records with a `body` and a `page` (or `html_gz_path`), or a file in the form of the
    /// article-extraction-benchmark: one object, with an `articleBody` for each page in `html/`.
    /// `read_page` makes a document of each page.
    ///
    /// # Errors
    /// If a file cannot be read or no record can be used.
    pub fn read(
        paths: &[PathBuf],
        selection: &Selection,
        read_page: ReadPage<'_>,
    ) -> Result<(Self, Vec<BadRecord>), GoldError> {
        let mut gold = Gold {
            records: Vec::new(),
            bad: Vec::new(),
        };
        const ENDINGS: [&str; 4] = [".jsonl", ".jsonl.gz", ".jsonl.zst", "ground-truth.json"];
        for path in gold::files(paths, &ENDINGS, "`*.jsonl` file or `ground-truth.json`")? {
            let folder = path.parent().unwrap_or(Path::new("")).to_owned();
            let left = selection.limit.map(|n| n - gold.records.len().min(n));
            let selection = Selection {
                limit: left,
                ..selection.clone()
            };
            let is_benchmark = path.extension().is_some_and(|ending| ending == "json");
            let mut more = if is_benchmark {
                benchmark(&path, &selection, |record| {
                    article(record, &folder, read_page)
                })?
            } else {
                gold::json_lines(std::slice::from_ref(&path), &selection, |record| {
                    article(record, &folder, read_page)
                })
                .or_else(nothing)?
            };
            gold.records.append(&mut more.records);
            gold.bad.append(&mut more.bad);
        }
        let Gold { records, bad } = gold.some()?;
        let task = Self {
            scored: vec![None; records.len()],
            articles: records,
        };
        Ok((task, bad))
    }
}

/// A file without records is no error where another has some.
fn nothing<T>(error: GoldError) -> Result<Gold<T>, GoldError> {
    match error {
        GoldError::NoneLeft => Ok(Gold {
            records: Vec::new(),
            bad: Vec::new(),
        }),
        GoldError::NoneUsable { first, .. } => Ok(Gold {
            records: Vec::new(),
            bad: vec![first],
        }),
        error => Err(error),
    }
}

/// The records of one large object: each key is an id, each value a record.
fn benchmark<T>(
    path: &Path,
    selection: &Selection,
    read: impl Fn(&Record) -> Result<T, BadRecord>,
) -> Result<Gold<T>, GoldError> {
    let failed = |source| GoldError::Read {
        path: path.to_owned(),
        source,
    };
    let json = std::fs::read(path).map_err(failed)?;
    let mut gold = Gold {
        records: Vec::new(),
        bad: Vec::new(),
    };
    let whole = match Record::parse(&json, path.display().to_string()) {
        Ok(whole) => whole,
        Err(bad) => {
            gold.bad.push(bad);
            return Ok(gold);
        }
    };
    for (id, value) in whole.root().value().as_object().into_iter().flatten() {
        if selection.limit.is_some_and(|n| gold.records.len() >= n) {
            break;
        }
        let mut value = value.clone();
        if let Value::Object(fields) = &mut value {
            fields.insert("id".to_owned(), id.as_str().into());
        }
        let record = Record::parse(
            value.to_string().as_bytes(),
            format!("{}:{id}", path.display()),
        );
        match record {
            Ok(record) if !selection.has(&record) => {}
            Ok(record) => match read(&record) {
                Ok(one) => gold.records.push(one),
                Err(bad) => gold.bad.push(bad),
            },
            Err(bad) => gold.bad.push(bad),
        }
    }
    Ok(gold)
}

impl Task for Cleanup {
    fn layers(&self) -> &'static [&'static str] {
        &["blocks"]
    }

    fn takes_raw_articles(&self) -> bool {
        true
    }

    fn documents(&self) -> Vec<NewDocument> {
        self.articles
            .iter()
            .map(|article| article.page.clone())
            .collect()
    }

    fn score(&mut self, index: usize, predicted: Option<&Predicted<'_>>) {
        self.scored[index] = Some(score(&self.articles[index], predicted));
    }

    fn report(&self, worst: usize) -> Report {
        let scored: Vec<&Scored> = self.scored.iter().flatten().collect();
        let bodies: Vec<[f64; 5]> = scored.iter().map(|s| s.body).collect();
        let rows: Vec<[f64; 6]> = bodies.iter().map(means).collect();
        let part = |name: &str, figure: &'static str, of: &dyn Fn(&Scored) -> Share| {
            let rows: Vec<Share> = scored.iter().map(|s| of(s)).collect();
            Row::new(name)
                .count("all", rows.iter().map(|[_, all]| all).sum())
                .figure(figure, bootstrap(&rows, |t| share(t[0], t[1])))
        };
        let mut table = vec![
            Row::new("body")
                .figure("precision", bootstrap(&rows, |t| share(t[0], t[1])))
                .figure("recall", bootstrap(&rows, |t| share(t[2], t[3])))
                .figure("f1", body_f1(&rows))
                .figure("accuracy", bootstrap(&rows, |t| share(t[4], t[5]))),
            part("paragraphs", "lost", &|s| s.lost),
            part("captions", "removed", &|s| s.captions),
            part("title", "right", &|s| s.title),
            part("authors", "right", &|s| s.authors),
            part("published", "right", &|s| s.published),
        ];
        // What this gold does not have needs no row of dashes.
        table.retain(|row| row.counts.iter().all(|(_, n)| *n > 0));
        let documents = self.articles.iter().zip(&self.scored);
        let documents = documents.filter_map(|(article, scored)| {
            let scored = scored.as_ref()?;
            let figure = body_f1(&[means(&scored.body)]).value.unwrap_or(0.0);
            Some(Worst {
                id: article.origin.id.clone(),
                place: article.origin.place.clone(),
                mistakes: 100.0 - figure,
                examples: scored.mistakes.iter().take(EXAMPLES).cloned().collect(),
            })
        });
        Report {
            sections: vec![Section {
                name: "all".to_owned(),
                documents: scored.len(),
                rows: table,
            }],
            worst: worst_of(documents.collect(), worst),
        }
    }
}

fn score(gold: &Article, predicted: Option<&Predicted<'_>>) -> Scored {
    let text = predicted.map_or("", Predicted::text);
    let [right, wrong, missing] = shingles(&gold.body, text);
    let same = f64::from(u8::from(words(&gold.body) == words(text)));
    let mut scored = Scored {
        body: [right, wrong, missing, same, 1.0],
        ..Scored::default()
    };
    let (page, left) = (letters(&gold.page.raw), letters(text));
    let body = letters(&gold.body);
    for paragraph in gold.paragraphs.iter().flatten() {
        let wanted = letters(paragraph);
        // What the page does not have in one piece, nobody can keep.
        if wanted.is_empty() || !page.contains(&wanted) {
            continue;
        }
        let lost = !left.contains(&wanted);
        scored.lost[0] += f64::from(u8::from(lost));
        scored.lost[1] += 1.0;
        if lost {
            scored
                .mistakes
                .push(format!("lost: {}", shortened(paragraph)));
        }
    }
    for caption in &gold.captions {
        let unwanted = letters(caption);
        if unwanted.is_empty() || body.contains(&unwanted) || !page.contains(&unwanted) {
            continue;
        }
        let removed = predicted.is_some() && !left.contains(&unwanted);
        scored.captions[0] += f64::from(u8::from(removed));
        scored.captions[1] += 1.0;
        if !removed {
            scored
                .mistakes
                .push(format!("caption left: {}", shortened(caption)));
        }
    }
    let meta = |name: &str| predicted.and_then(|p| p.meta(name)).unwrap_or(&Value::Null);
    let mut thing = |right: bool, told: String| {
        if !right {
            scored.mistakes.push(told);
        }
        [f64::from(u8::from(right)), 1.0]
    };
    if let Some(wanted) = &gold.title {
        let title = meta("title").as_str().unwrap_or("");
        scored.title = thing(
            letters(title) == letters(wanted),
            format!("title {title:?} for {wanted:?}"),
        );
    }
    if let Some(wanted) = &gold.authors {
        let found: Vec<&str> = meta("authors")
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let set =
            |names: &mut dyn Iterator<Item = &str>| names.map(name::fold).collect::<BTreeSet<_>>();
        let right = set(&mut found.iter().copied()) == set(&mut wanted.iter().map(String::as_str));
        scored.authors = thing(right, format!("authors {found:?} for {wanted:?}"));
    }
    if let Some(wanted) = &gold.published {
        let date = |date: &str| date.get(..10).unwrap_or(date).to_owned();
        let published = meta("published").as_str().map(date);
        let wanted = date(wanted);
        let right = published.as_deref() == Some(&wanted);
        scored.published = thing(right, format!("published {published:?} for {wanted:?}"));
    }
    scored
}

/// Right, superfluous and missing word 4-grams, with their counts, as shares of all: long texts
/// weigh no more than short ones. As in the article-extraction-benchmark.
#[must_use]
pub fn shingles(gold: &str, predicted: &str) -> [f64; 3] {
    let (gold, predicted) = (words(gold), words(predicted));
    let (gold, predicted) = (counted(&gold), counted(&predicted));
    let mut sums = [0.0; 3];
    let keys: BTreeSet<_> = gold.keys().chain(predicted.keys()).collect();
    for key in keys {
        let count = |of: &BTreeMap<&[&str], u32>| f64::from(of.get(key).copied().unwrap_or(0));
        let (wanted, found) = (count(&gold), count(&predicted));
        sums[0] += wanted.min(found);
        sums[1] += (found - wanted).max(0.0);
        sums[2] += (wanted - found).max(0.0);
    }
    let all: f64 = sums.iter().sum();
    match all > 0.0 {
        true => sums.map(|sum| sum / all),
        false => sums,
    }
}

/// What Python's `\w+` finds.
fn words(text: &str) -> Vec<&str> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let words = text.split(|c| !is_word(c));
    words.filter(|word| !word.is_empty()).collect()
}

/// A text of fewer than four words is one shingle.
fn counted<'w>(words: &'w [&'w str]) -> BTreeMap<&'w [&'w str], u32> {
    const N: usize = 4;
    let mut counts = BTreeMap::new();
    if words.is_empty() {
        return counts;
    }
    for shingle in words.windows(N.min(words.len())) {
        *counts.entry(shingle).or_default() += 1;
    }
    counts
}

/// A document's precision and recall with their weights: the benchmark takes the mean over
/// documents for which they are defined.
fn means([right, wrong, missing, same, one]: &[f64; 5]) -> [f64; 6] {
    let (predicted, gold) = (right + wrong, right + missing);
    let defined = |of: f64| f64::from(u8::from(of > 0.0));
    [
        share(*right, predicted).unwrap_or(0.0),
        defined(predicted),
        share(*right, gold).unwrap_or(0.0),
        defined(gold),
        *same,
        *one,
    ]
}

/// The harmonic mean of the means of precision and recall.
fn body_f1(rows: &[[f64; 6]]) -> Figure {
    bootstrap(rows, |t| {
        let p = share(t[0], t[1]).unwrap_or(0.0);
        let r = share(t[2], t[3])?;
        Some(share(2.0 * p * r, p + r).unwrap_or(0.0))
    })
}

/// Letters and digits in lower case: blanks, marks and line ends differ between page and gold.
fn letters(text: &str) -> String {
    let letters = text.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

fn shortened(words: &str) -> String {
    let length = words.chars().count() as u32;
    crate::spans::excerpt(words, &(0..length))
}

fn article(record: &Record, folder: &Path, read_page: ReadPage<'_>) -> Result<Article, BadRecord> {
    let origin = record.origin();
    let strings = |name: &str| -> Result<Option<Vec<String>>, BadRecord> {
        let Some(field) = record.field(name).present() else {
            return Ok(None);
        };
        let items = field.items()?;
        let texts = items.iter().map(|item| item.text().map(str::to_owned));
        texts.collect::<Result<_, _>>().map(Some)
    };
    let string = |name: &str| -> Result<Option<String>, BadRecord> {
        let field = record.field(name).present();
        field
            .map(|field| field.text().map(str::to_owned))
            .transpose()
    };
    let (body, paragraphs) = match string("articleBody")? {
        Some(body) => (body, None),
        None => {
            let paragraphs = record.field("body");
            let all = strings("body")?.ok_or_else(|| {
                paragraphs.bad(
                    "is missing",
                    "give the paragraphs of the article as strings",
                )
            })?;
            (all.join("\n"), Some(all))
        }
    };
    let mut page = match record.field("text").present() {
        Some(text) => NewDocument::new("", text.text()?),
        None => read_page(&html(record, folder, &origin)?),
    };
    page.id = origin.place.clone();
    Ok(Article {
        page,
        body,
        paragraphs,
        captions: strings("captions")?.unwrap_or_default(),
        title: string("title")?,
        authors: strings("authors")?,
        published: string("date")?,
        origin,
    })
}

/// The page of a record: where `page` or `html_gz_path` says, else `html/ID.html.gz`.
fn html(record: &Record, folder: &Path, origin: &Origin) -> Result<Vec<u8>, BadRecord> {
    let named: Vec<Field<'_>> = ["page", "html_gz_path"]
        .iter()
        .filter_map(|name| record.field(name).present())
        .collect();
    let (field, path) = match named.into_iter().next() {
        Some(field) => {
            let path = folder.join(field.text()?);
            (field, path)
        }
        None => {
            let path = folder.join("html").join(format!("{}.html.gz", origin.id));
            (record.field("page"), path)
        }
    };
    let mut bytes = Vec::new();
    gold::open(&path)
        .and_then(|mut page| page.read_to_end(&mut bytes))
        .map_err(|error| {
            let problem = format!("`{}`: {error}", path.display());
            field.bad(
                problem,
                "name the page by its path from the folder of the gold, in `page`",
            )
        })?;
    Ok(bytes)
}

/// The words of a page as plain text, a line for each block: everything that stands in it, with
/// its menus and captions, as from a careless extractor. Entities stay as they are.
#[must_use]
pub fn plain_text(html: &str) -> String {
    const SILENT: [&str; 8] = [
        "script", "style", "noscript", "svg", "template", "iframe", "head", "select",
    ];
    const INLINE: [&str; 22] = [
        "a", "abbr", "b", "bdi", "big", "cite", "code", "em", "font", "i", "ins", "mark", "q", "s",
        "small", "span", "strong", "sub", "sup", "time", "u", "wbr",
    ];
    let mut text = String::new();
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        text.push_str(&flat(&rest[..open]));
        rest = &rest[open..];
        if rest.starts_with("<!--") {
            rest = rest.find("-->").map_or("", |end| &rest[end + 3..]);
            continue;
        }
        let is_tag = rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || "/!?".contains(c));
        if !is_tag {
            text.push('<');
            rest = &rest[1..];
            continue;
        }
        let Some(close) = tag_end(rest) else {
            rest = "";
            break;
        };
        let name: String = rest[1..close]
            .chars()
            .skip_while(|c| *c == '/')
            .take_while(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_ascii_lowercase();
        let is_opening = !rest.starts_with("</");
        let is_empty = rest[..close].ends_with('/');
        rest = &rest[close + 1..];
        if is_opening && !is_empty && SILENT.contains(&name.as_str()) {
            rest = after_closing(rest, &name);
        }
        if !INLINE.contains(&name.as_str()) {
            text.push('\n');
        }
    }
    text.push_str(&flat(rest));
    let lines = text
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    let lines: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
    lines.join("\n")
}

/// Line breaks inside of HTML text are blanks.
fn flat(text: &str) -> String {
    text.replace(['\n', '\r', '\t'], " ")
}

/// Where a tag's `>` stands: one in an attribute's value is none.
fn tag_end(tag: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in tag.char_indices() {
        match (quote, c) {
            (None, '>') => return Some(at),
            (None, '"' | '\'') if tag[..at].trim_end().ends_with('=') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            _ => {}
        }
    }
    None
}

/// What follows the closing tag of an element whose content is passed over.
fn after_closing<'h>(html: &'h str, name: &str) -> &'h str {
    let mut from = 0;
    while let Some(found) = html[from..].find("</") {
        let at = from + found;
        let tag = &html[at + 2..];
        if tag
            .get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name))
        {
            return tag.find('>').map_or("", |end| &tag[end + 1..]);
        }
        from = at + 2;
    }
    ""
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;
    use crate::testing::{Layers, with_edits};
    use copydesk_document::Edit;

    const PAGE: &str = "<html><head><title>x</title></head><body><nav><a href=\"/a>b\">Home</a></nav>\n<h1>Ferry sails</h1>\
<figure><img alt='no'><figcaption>The ferry, in harbour.</figcaption></figure><p>The <b>old</b>\nferry sailed &amp; sank.</p>\
<script>if (a < b) { '</p>' }</script><!-- a note --><p>It was old.</p></body></html>";

    #[test]
    fn plain_text_has_a_line_for_each_block_and_no_code() {
        assert_eq!(
            plain_text(PAGE),
            "Home\nFerry sails\nThe ferry, in harbour.\nThe old ferry sailed &amp; sank.\nIt was old."
        );
        assert_eq!(plain_text("3 < 4 <p"), "3 < 4");
    }

    /// The worked example of the benchmark's own measure: 4-grams, with their counts.
    #[test]
    fn shingles_are_counted_as_shares_of_all() {
        let [right, wrong, missing] = shingles("a b c d e", "b c d e f g");
        // Gold: abcd bcde; predicted: bcde cdef defg; one shared of four.
        assert_eq!([right, wrong, missing], [0.25, 0.5, 0.25]);
        assert_eq!(shingles("a b", "a, b!"), [1.0, 0.0, 0.0]);
        assert_eq!(shingles("a b", "a b c"), [0.0, 0.5, 0.5]);
        assert_eq!(shingles("", ""), [0.0; 3]);
        assert_eq!(shingles("a b c d", ""), [0.0, 0.0, 1.0]);
    }

    #[test]
    fn f1_is_of_the_mean_precision_and_recall() {
        // Precision 1 and 1/3, recall 1/2 and 1; an empty prediction has no precision.
        let rows = [
            [0.5, 0.0, 0.5, 0.0, 1.0],
            [0.25, 0.5, 0.0, 0.0, 1.0],
            [0.0, 0.0, 1.0, 0.0, 1.0],
        ];
        let rows = rows.map(|row| means(&row));
        let (p, r) = ((1.0 + 1.0 / 3.0) / 2.0, (0.5 + 1.0 + 0.0) / 3.0);
        let f1 = body_f1(&rows).value.unwrap();
        assert!((f1 - 100.0 * 2.0 * p * r / (p + r)).abs() < 1e-9);
    }

    fn task(folder: &Path) -> Cleanup {
        fs::write(folder.join("ferry.html"), PAGE).unwrap();
        let record = json!({
            "id": "ferry", "page": "ferry.html", "title": "Ferry sails", "authors": ["Åse Venn"], "date": "2024-05-01 10:00",
            "body": ["The old ferry sailed &amp; sank.", "It was old.", "Not on the page."],
            "captions": ["The ferry, in harbour.", "Elsewhere."],
        });
        fs::write(folder.join("gold.jsonl"), format!("{record}\n")).unwrap();
        let page = |html: &[u8]| {
            let html = std::str::from_utf8(html).unwrap();
            NewDocument::new("", plain_text(html))
        };
        let (task, bad) =
            Cleanup::read(&[folder.to_owned()], &Selection::default(), &page).unwrap();
        assert_eq!(bad, []);
        task
    }

    #[test]
    fn what_is_lost_and_left_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let mut task = task(folder.path());
        let raw = task.documents()[0].raw.clone();
        let lost = raw.find("It was").unwrap();
        let edit = Edit {
            start: lost as u32,
            end: raw.len() as u32,
            with: String::new(),
            kind: Some("other".to_owned()),
        };
        let batch = with_edits(&raw, vec![edit], &Layers::default());
        task.score(0, Some(&Predicted::new(&batch, 0)));
        let scored = task.scored[0].clone().unwrap();
        assert_eq!((scored.lost, scored.captions), ([1.0, 2.0], [0.0, 1.0]));
        assert_eq!((scored.title, scored.published), ([0.0, 1.0], [0.0, 1.0]));
        assert_eq!(
            scored.mistakes[..2],
            [
                "lost: “It was old.”",
                "caption left: “The ferry, in harbour.”"
            ]
        );
    }

    #[test]
    fn the_form_of_the_benchmark_is_read() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("html")).unwrap();
        let mut page = flate2::write::GzEncoder::new(
            fs::File::create(folder.path().join("html/abc.html.gz")).unwrap(),
            flate2::Compression::default(),
        );
        std::io::Write::write_all(&mut page, PAGE.as_bytes()).unwrap();
        page.finish().unwrap();
        let truth = json!({
            "abc": {"articleBody": "The old ferry sailed & sank.\n\nIt was old.", "url": "ferry"},
            "gone": {"articleBody": "x"},
        });
        fs::write(folder.path().join("ground-truth.json"), truth.to_string()).unwrap();
        let page = |html: &[u8]| {
            let html = std::str::from_utf8(html).unwrap();
            NewDocument::new("", plain_text(html))
        };
        let (task, bad) =
            Cleanup::read(&[folder.path().to_owned()], &Selection::default(), &page).unwrap();
        assert_eq!(task.articles.len(), 1);
        assert_eq!(task.articles[0].origin.id, "abc");
        assert!(
            bad[0].to_string().contains("html/gone.html.gz"),
            "{}",
            bad[0]
        );
    }
}
