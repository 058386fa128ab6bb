//! Quotes: whether they are found, whole, and given to the right speaker.

use std::collections::BTreeSet;
use std::path::PathBuf;

use copydesk_document::NewDocument;
use copydesk_language::cue::{self, Class};

use crate::figure::{Matches, bootstrap, share};
use crate::gold::{self, BadRecord, Field, Gold, GoldError, Origin, Record, Selection};
use crate::report::{EXAMPLES, Report, Row, Section, Worst, worst_of};
use crate::spans::{Span, excerpt, joined, length, shared, touch};
use crate::{Predicted, PredictedSpan, Task};

/// How something is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Wholly in quotation marks.
    Direct,
    /// In part.
    Mixed,
    /// Without.
    Indirect,
}

const KINDS: [&str; 3] = ["direct", "mixed", "indirect"];

impl Kind {
    /// `direct`, `mixed` or `indirect`.
    #[must_use]
    pub fn name(self) -> &'static str {
        KINDS[self as usize]
    }

    /// The kind of this name.
    pub(crate) fn of(name: &str) -> Option<Self> {
        match name {
            "direct" => Some(Self::Direct),
            "mixed" => Some(Self::Mixed),
            "indirect" => Some(Self::Indirect),
            _ => None,
        }
    }
}

/// A gold attribution; each of its parts may have several pieces.
#[derive(Debug, Clone)]
pub struct Attribution {
    /// How it is reported.
    pub kind: Kind,
    /// Who says it; may be empty.
    pub source: Vec<Span>,
    /// The words that report it; may be empty.
    pub cue: Vec<Span>,
    /// What is said.
    pub content: Vec<Span>,
    /// Whether the cue has a verb or phrase of speaking.
    pub is_speech: bool,
}

/// A quote of the pipeline.
#[derive(Debug, Clone)]
pub struct Quote {
    /// Its row in the layer `quotes`.
    pub row: u32,
    /// How it is reported.
    pub kind: Option<Kind>,
    /// What is said, in its pieces.
    pub content: Vec<Span>,
    /// The words that name the speaker at the quote.
    pub speaker: Option<Span>,
    /// Whom they mean; empty where the pipeline gives no name.
    pub name: String,
}

/// What became of one gold attribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Judged {
    /// A prediction covers it; see [`is_match`].
    pub found: bool,
    /// What covers it has 90 % of its letters and digits, and none besides.
    pub whole: bool,
    /// One of the predictions that cover it has the right speaker.
    pub right_source: bool,
}

/// Whether a prediction counts for a gold content: the two share half of the characters of
/// their union, or more than 80 % of the prediction lie inside.
#[must_use]
pub fn is_match(gold: &[Span], predicted: &[Span]) -> bool {
    let common = f64::from(shared(gold, predicted));
    let (gold, predicted) = (f64::from(length(gold)), f64::from(length(predicted)));
    common > 0.0 && (common / (gold + predicted - common) >= 0.5 || common / predicted > 0.8)
}

/// Judges every attribution of a document, and says which quotes match none.
#[must_use]
pub fn judge(text: &str, gold: &[Attribution], quotes: &[Quote]) -> (Vec<Judged>, Vec<bool>) {
    let characters: Vec<char> = text.chars().collect();
    let mut matched = vec![false; quotes.len()];
    let judged = gold
        .iter()
        .map(|attribution| {
            let content = &attribution.content;
            let hits: Vec<usize> = (0..quotes.len())
                .filter(|i| is_match(content, &quotes[*i].content))
                .collect();
            hits.iter().for_each(|i| matched[*i] = true);
            let pieces = hits.iter().flat_map(|i| quotes[*i].content.iter().cloned());
            let covered = joined(&pieces.collect::<Vec<_>>());
            Judged {
                found: !hits.is_empty(),
                whole: is_whole(&characters, content, &covered),
                right_source: hits
                    .iter()
                    .any(|i| is_right_source(&characters, &attribution.source, &quotes[*i])),
            }
        })
        .collect();
    (judged, matched)
}

/// Quotation marks, commas and blanks at the edges say nothing: letters and digits are counted.
fn is_whole(text: &[char], gold: &[Span], predicted: &[Span]) -> bool {
    let count = |spans: &[Span]| {
        let all = spans.iter().flat_map(|span| span.start..span.end);
        all.filter(|at| text[*at as usize].is_alphanumeric())
            .collect::<BTreeSet<u32>>()
    };
    let (gold, predicted) = (count(gold), count(predicted));
    let common = gold.intersection(&predicted).count();
    common == predicted.len() && common > 0 && common as f64 >= 0.9 * gold.len() as f64
}

/// Whether the speaker stands where the gold source does, or has a name with the same last word.
fn is_right_source(text: &[char], source: &[Span], quote: &Quote) -> bool {
    let Some(speaker) = &quote.speaker else {
        return false;
    };
    if source.iter().any(|span| touch(span, speaker)) {
        return true;
    }
    let words: Vec<String> = source
        .iter()
        .map(|span| {
            text[span.start as usize..span.end as usize]
                .iter()
                .collect()
        })
        .collect();
    match (last_word(&words.join(" ")), last_word(&quote.name)) {
        (Some(gold), Some(name)) => gold == name,
        _ => false,
    }
}

fn last_word(name: &str) -> Option<String> {
    let name = name.replace('’', "'").replace("'s", "");
    name.split_whitespace().last().map(str::to_lowercase)
}

/// A span without what is no letter and no digit at its edges: whether marks and commas belong
/// to a content differs from annotator to annotator, and says nothing.
fn trimmed(text: &[char], span: &Span) -> Option<(u32, u32)> {
    let is_inside = |at: &u32| text[*at as usize].is_alphanumeric();
    let start = (span.start..span.end).find(is_inside)?;
    let last = (span.start..span.end).rfind(is_inside)?;
    Some((start, last + 1))
}

/// Whether a cue reports words, and not a belief, an intention or a finding.
#[must_use]
pub fn is_speech(cue: &str) -> bool {
    let small = cue.to_lowercase();
    let words: Vec<&str> = small
        .split(|c: char| !c.is_alphanumeric() && c != '-')
        .filter(|word| !word.is_empty())
        .collect();
    let verb = |word: &&str| cue::verb(word).is_some_and(|verb| verb.class == Class::Speech);
    words.iter().any(verb) || (0..words.len()).any(|i| cue::source_phrase(&words[i..]).is_some())
}

/// A gold document.
#[derive(Debug, Clone)]
struct Document {
    origin: Origin,
    text: String,
    attributions: Vec<Attribution>,
}

/// What is counted of one document.
#[derive(Debug, Clone, Default)]
struct Scored {
    judged: Vec<Judged>,
    /// Kind of each prediction, and whether it matches some gold.
    predicted: Vec<(Option<Kind>, bool)>,
    /// Exact spans of sources, cues and contents.
    exact: [Matches; 3],
    unmatched: Vec<Span>,
}

/// `copydesk eval quotes`.
#[derive(Debug)]
pub struct Quotes {
    documents: Vec<Document>,
    scored: Vec<Option<Scored>>,
}

impl Quotes {
    /// Reads records with a `text` and its `attributions`.
    ///
    /// # Errors
    /// See [`gold::json_lines`].
    pub fn read(
        paths: &[PathBuf],
        selection: &Selection,
    ) -> Result<(Self, Vec<BadRecord>), GoldError> {
        let Gold { records, bad } = gold::json_lines(paths, selection, document)?;
        let task = Self {
            scored: vec![None; records.len()],
            documents: records,
        };
        Ok((task, bad))
    }

    fn scored(&self) -> impl Iterator<Item = (&Document, &Scored)> {
        self.documents
            .iter()
            .zip(&self.scored)
            .filter_map(|(document, scored)| Some((document, scored.as_ref()?)))
    }

    fn kind_row(&self, name: &str, of: impl Fn(&Attribution) -> bool) -> Row {
        // Gold, found, whole, with a source, of these found, of these right.
        let rows: Vec<[f64; 6]> = self
            .scored()
            .map(|(document, scored)| {
                let mut row = [0.0; 6];
                let attributions = document.attributions.iter().zip(&scored.judged);
                for (attribution, judged) in attributions.filter(|(a, _)| of(a)) {
                    let sourced = !attribution.source.is_empty();
                    let counted = [
                        true,
                        judged.found,
                        judged.whole,
                        sourced,
                        sourced && judged.found,
                        sourced && judged.right_source,
                    ];
                    for (total, counts) in row.iter_mut().zip(counted) {
                        *total += f64::from(u8::from(counts));
                    }
                }
                row
            })
            .collect();
        let total = |i: usize| rows.iter().map(|row| row[i]).sum::<f64>();
        Row::new(name)
            .count("gold", total(0))
            .count("sourced", total(3))
            .figure("found", bootstrap(&rows, |t| share(t[1], t[0])))
            .figure("whole", bootstrap(&rows, |t| share(t[2], t[0])))
            .figure("right_source", bootstrap(&rows, |t| share(t[5], t[4])))
            .figure("right_of_all", bootstrap(&rows, |t| share(t[5], t[3])))
    }

    fn predicted_row(&self, name: &str, kind: Option<Kind>) -> Row {
        let rows: Vec<[f64; 2]> = self
            .scored()
            .map(|(_, scored)| {
                let of = |one: &&(Option<Kind>, bool)| kind.is_none() || one.0 == kind;
                let all = scored.predicted.iter().filter(of);
                let matched = all.clone().filter(|(_, matched)| *matched).count();
                [matched as f64, all.count() as f64]
            })
            .collect();
        let total = |i: usize| rows.iter().map(|row| row[i]).sum::<f64>();
        Row::new(name)
            .count("predicted", total(1))
            .count("unmatched", total(1) - total(0))
            .figure("matched", bootstrap(&rows, |t| share(t[0], t[1])))
    }
}

impl Task for Quotes {
    fn layers(&self) -> &'static [&'static str] {
        &["quotes", "speakers", "cues"]
    }

    fn takes_raw_articles(&self) -> bool {
        true
    }

    fn documents(&self) -> Vec<NewDocument> {
        self.documents
            .iter()
            .map(|document| NewDocument::new(&document.origin.place, &document.text))
            .collect()
    }

    fn score(&mut self, index: usize, predicted: Option<&Predicted<'_>>) {
        let gold = &self.documents[index];
        let quotes = predicted.map_or_else(Vec::new, quotes_of);
        let (judged, matched) = judge(&gold.text, &gold.attributions, &quotes);
        let text: Vec<char> = gold.text.chars().collect();
        let spans = |layer: &str| {
            let spans = predicted.map(|predicted| predicted.spans(layer));
            let spans = spans.into_iter().flatten().map(|span| span.range);
            spans.collect::<Vec<_>>()
        };
        let contents: Vec<Span> = quotes.iter().flat_map(|q| q.content.clone()).collect();
        let exact = |of: fn(&Attribution) -> &Vec<Span>, predicted: &[Span]| {
            let set = |spans: &mut dyn Iterator<Item = &Span>| {
                let trimmed = spans.filter_map(|span| trimmed(&text, span));
                trimmed.collect::<BTreeSet<_>>()
            };
            let gold = set(&mut gold.attributions.iter().flat_map(of));
            let predicted = set(&mut predicted.iter());
            let right = gold.intersection(&predicted).count();
            [right, predicted.len(), gold.len()].map(|n| n as f64)
        };
        self.scored[index] = Some(Scored {
            exact: [
                exact(|a| &a.source, &spans("speakers")),
                exact(|a| &a.cue, &spans("cues")),
                exact(|a| &a.content, &contents),
            ],
            judged,
            predicted: quotes
                .iter()
                .zip(&matched)
                .map(|(quote, matched)| (quote.kind, *matched))
                .collect(),
            unmatched: quotes
                .iter()
                .zip(&matched)
                .filter(|(_, matched)| !**matched)
                .filter_map(|(quote, _)| quote.content.first().cloned())
                .collect(),
        });
    }

    fn report(&self, worst: usize) -> Report {
        let documents = self.scored().count();
        let section = |name: &str, rows: Vec<Row>| Section {
            name: name.to_owned(),
            documents,
            rows,
        };
        let kind = |kind: Kind| move |a: &Attribution| a.kind == kind;
        let indirect =
            |speech: bool| move |a: &Attribution| a.kind == Kind::Indirect && a.is_speech == speech;
        let exact = |i: usize| -> Vec<Matches> { self.scored().map(|(_, s)| s.exact[i]).collect() };
        let sections = vec![
            section(
                "quotes",
                vec![
                    self.kind_row("direct", kind(Kind::Direct)),
                    self.kind_row("mixed", kind(Kind::Mixed)),
                    self.kind_row("indirect", kind(Kind::Indirect)),
                    self.kind_row("indirect speech", indirect(true)),
                    self.kind_row("indirect other", indirect(false)),
                ],
            ),
            section(
                "predictions",
                vec![
                    self.predicted_row("all", None),
                    self.predicted_row("direct", Some(Kind::Direct)),
                    self.predicted_row("mixed", Some(Kind::Mixed)),
                    self.predicted_row("indirect", Some(Kind::Indirect)),
                ],
            ),
            section(
                "exact spans",
                vec![
                    Row::of_matches("source", &exact(0)),
                    Row::of_matches("cue", &exact(1)),
                    Row::of_matches("content", &exact(2)),
                ],
            ),
        ];
        let documents = self.scored().map(worst_in);
        Report {
            sections,
            worst: worst_of(documents.collect(), worst),
        }
    }
}

/// Counts speech that is missed or given to the wrong speaker, and predictions that match
/// nothing: what else is reported, PolNeAR marks and the pipeline need not.
fn worst_in((document, scored): (&Document, &Scored)) -> Worst {
    let mut mistakes: Vec<(u32, String)> = Vec::new();
    for (attribution, judged) in document.attributions.iter().zip(&scored.judged) {
        let Some(content) = attribution.content.first() else {
            continue;
        };
        let what = match (judged.found, attribution.source.is_empty()) {
            _ if attribution.kind == Kind::Indirect && !attribution.is_speech => continue,
            (false, _) => "missed",
            (true, false) if !judged.right_source => "wrong speaker for",
            _ => continue,
        };
        let kind = attribution.kind.name();
        let words = excerpt(&document.text, content);
        mistakes.push((content.start, format!("{what} {kind} {words}")));
    }
    for span in &scored.unmatched {
        let words = excerpt(&document.text, span);
        mistakes.push((span.start, format!("not in the gold: {words}")));
    }
    mistakes.sort();
    Worst {
        id: document.origin.id.clone(),
        place: document.origin.place.clone(),
        mistakes: mistakes.len() as f64,
        examples: mistakes
            .into_iter()
            .take(EXAMPLES)
            .map(|(_, line)| line)
            .collect(),
    }
}

/// The quotes of the pipeline, with their parts and speakers, in code points of the raw text.
fn quotes_of(predicted: &Predicted<'_>) -> Vec<Quote> {
    quotes_at(predicted, |span| span.range.clone())
}

/// The quotes of the pipeline, with their parts and speakers where `place` says that they stand.
pub(crate) fn quotes_at(
    predicted: &Predicted<'_>,
    place: impl Fn(&PredictedSpan<'_>) -> Span,
) -> Vec<Quote> {
    let spans = predicted.spans("quotes");
    let mut pieces: Vec<Vec<Span>> = vec![Vec::new(); spans.len()];
    for part in predicted.spans("quote-parts") {
        if let Some(quote) = predicted.link("quote-parts", part.row, "quote")
            && let Some(pieces) = pieces.get_mut(quote as usize)
        {
            pieces.push(place(&part));
        }
    }
    let speakers = predicted.spans("speakers");
    spans
        .into_iter()
        .zip(pieces)
        .map(|(span, pieces)| {
            let speaker = predicted.link("quotes", span.row, "speaker");
            let speaker = speaker.and_then(|row| speakers.get(row as usize));
            let name = speaker.map(|speaker| {
                let name = predicted.attr("speakers", speaker.row, "name");
                name.unwrap_or(speaker.text).to_owned()
            });
            Quote {
                row: span.row,
                kind: span.label.and_then(Kind::of),
                content: match pieces.is_empty() {
                    true => vec![place(&span)],
                    false => joined(&pieces),
                },
                speaker: speaker.map(&place),
                name: name.unwrap_or_default(),
            }
        })
        .collect()
}

fn document(record: &Record) -> Result<Document, BadRecord> {
    let text = record.field("text").text()?;
    let length = text.chars().count();
    let attributions = record.field("attributions").items()?;
    let read = |field: &Field<'_>| {
        let spans = |name: &str| match field.field(name).present() {
            Some(field) => field.spans(length, "characters of `text`"),
            None => Ok(Vec::new()),
        };
        let content = spans("content")?;
        if content.is_empty() {
            let content = field.field("content");
            return Err(content.bad("is empty", "give at least one `[start, end]`"));
        }
        let cue = spans("cue")?;
        let words: Vec<String> = cue
            .iter()
            .map(|span| {
                let words = text.chars().skip(span.start as usize);
                words.take((span.end - span.start) as usize).collect()
            })
            .collect();
        let kind = field.field("kind").one_of(&KINDS)?;
        Ok(Attribution {
            kind: Kind::of(kind).unwrap_or(Kind::Indirect),
            source: spans("source")?,
            is_speech: is_speech(&words.join(" ")),
            cue,
            content: joined(&content),
        })
    };
    Ok(Document {
        origin: record.origin(),
        text: text.to_owned(),
        attributions: attributions.iter().map(read).collect::<Result<_, _>>()?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{Attr, Layers, with_layers};

    const TEXT: &str = "“We sail,” Brandt said, “and we sing.” Toll hopes that it will rain.";

    fn gold() -> Vec<Attribution> {
        let record = json!({"id": "ferry", "text": TEXT, "attributions": [
            {"source": [[11, 17]], "cue": [[18, 22]], "content": [[0, 10], [24, 38]], "kind": "direct"},
            {"source": [[39, 43]], "cue": [[44, 49]], "content": [[50, 67]], "kind": "indirect"},
        ]});
        let record = Record::parse(record.to_string().as_bytes(), "gold.jsonl:1".to_owned());
        document(&record.unwrap()).unwrap().attributions
    }

    fn quote(content: &[Span], speaker: Option<Span>, name: &str) -> Quote {
        Quote {
            row: 0,
            kind: Some(Kind::Direct),
            content: content.to_vec(),
            speaker,
            name: name.to_owned(),
        }
    }

    #[test]
    fn a_quote_is_found_by_half_of_the_union_or_from_inside() {
        let gold = [0..100];
        let one = |span: Span| is_match(&gold, std::slice::from_ref(&span));
        assert!(one(0..50) && one(50..150) == (50.0 / 150.0 >= 0.5) && one(20..130));
        assert!(one(90..110) == (10.0 / 20.0 > 0.8));
        assert!(one(89..101), "12 characters, 11 of them inside");
        assert!(!one(100..120) && !one(60..200));
    }

    #[test]
    fn whole_counts_letters_and_forgives_marks() {
        // The pipeline leaves out the marks; gold has them.
        let (judged, matched) = judge(
            TEXT,
            &gold(),
            &[quote(&[1..9, 25..37], Some(11..17), "Ilse Brandt")],
        );
        let all = Judged {
            found: true,
            whole: true,
            right_source: true,
        };
        assert_eq!(judged, [all, Judged::default()]);
        assert_eq!(matched, [true]);
        // Half of it is found, not whole; with the clause between it is found, and too much.
        for content in [1..9, 1..37] {
            let (judged, _) = judge(TEXT, &gold(), &[quote(&[content], Some(11..17), "")]);
            assert!(judged[0].found && !judged[0].whole);
        }
    }

    #[test]
    fn a_source_is_right_by_place_or_by_the_last_word_of_the_name() {
        let gold = gold();
        let judge = |speaker, name: &str| {
            judge(TEXT, &gold, &[quote(&[1..37], speaker, name)]).0[0].right_source
        };
        assert!(judge(Some(11..17), ""));
        assert!(judge(Some(39..43), "Mayor Ilse Brandt"));
        assert!(!judge(Some(39..43), "Toll"));
        assert!(!judge(None, "Brandt"));
    }

    #[test]
    fn speech_is_told_by_the_cue() {
        for cue in ["said", "according to", "has repeatedly warned :", "tells"] {
            assert!(is_speech(cue), "{cue}");
        }
        for cue in ["hopes", "believes", "", "to"] {
            assert!(!is_speech(cue), "{cue}");
        }
        assert_eq!(gold().map_speech(), [true, false]);
    }

    trait Speech {
        fn map_speech(&self) -> Vec<bool>;
    }

    impl Speech for Vec<Attribution> {
        fn map_speech(&self) -> Vec<bool> {
            self.iter().map(|a| a.is_speech).collect()
        }
    }

    #[test]
    fn quotes_of_the_pipeline_have_their_parts_and_speakers() {
        // Bytes: each quotation mark has three.
        let at = |words: &str| {
            let start = TEXT.find(words).unwrap() as u32;
            start..start + words.len() as u32
        };
        let (first, second) = (at("We sail,"), at("and we sing."));
        let mut layers = Layers::default();
        let speaker = layers.add(
            "speakers",
            at("Brandt"),
            "PER",
            [("name", Attr::Text("Ilse Brandt"))],
        );
        let link = [("speaker", Attr::Link("speakers", speaker))];
        let row = layers.add("quotes", first.start..second.end, "direct", link);
        for part in [first, second] {
            layers.add(
                "quote-parts",
                part,
                "",
                [("quote", Attr::Link("quotes", row))],
            );
        }
        let batch = with_layers(TEXT, &layers);
        let quotes = quotes_of(&Predicted::new(&batch, 0));
        assert_eq!(quotes[0].content, [1..9, 25..37]);
        assert_eq!(quotes[0].speaker, Some(11..17));
        assert_eq!(quotes[0].name, "Ilse Brandt");
        assert_eq!(quotes[0].kind, Some(Kind::Direct));
    }

    #[test]
    fn the_report_counts_by_kind() {
        let documents = vec![Document {
            origin: Origin {
                id: "ferry".to_owned(),
                place: "gold.jsonl:1".to_owned(),
            },
            text: TEXT.to_owned(),
            attributions: gold(),
        }];
        let mut task = Quotes {
            documents,
            scored: vec![None],
        };
        let mut layers = Layers::default();
        let quote = TEXT.find("rain").unwrap() as u32;
        layers.add("quotes", quote..quote + 4, "mixed", []);
        layers.add("cues", 3..5, "", []);
        let batch = with_layers(TEXT, &layers);
        task.score(0, Some(&Predicted::new(&batch, 0)));
        insta::assert_snapshot!(task.report(1));
    }
}
