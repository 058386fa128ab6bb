//! Entities: exact spans and labels.

use std::collections::BTreeSet;
use std::path::PathBuf;

use copydesk_document::NewDocument;

use crate::figure::Matches;
use crate::gold::{self, BadRecord, Field, Gold, GoldError, Origin, Record, Selection};
use crate::report::{EXAMPLES, Report, Row, Section, Worst, worst_of};
use crate::spans::{Span, excerpt};
use crate::{Predicted, Task};

/// The labels that are scored.
pub const LABELS: [&str; 4] = ["PER", "ORG", "LOC", "MISC"];

/// A named thing: where it stands, and what kind it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entity {
    /// Its first code point.
    pub start: u32,
    /// The code point behind its last.
    pub end: u32,
    /// One of [`LABELS`].
    pub label: &'static str,
}

/// Right, predicted and gold of one document, for all labels or for one.
#[must_use]
pub fn matches(
    gold: &BTreeSet<Entity>,
    predicted: &BTreeSet<Entity>,
    label: Option<&str>,
) -> Matches {
    let wanted = |entity: &&Entity| label.is_none_or(|label| entity.label == label);
    [
        gold.intersection(predicted).filter(wanted).count(),
        predicted.iter().filter(wanted).count(),
        gold.iter().filter(wanted).count(),
    ]
    .map(|n| n as f64)
}

/// A gold document.
#[derive(Debug, Clone)]
struct Document {
    origin: Origin,
    source: Option<String>,
    text: String,
    entities: BTreeSet<Entity>,
}

/// `copydesk eval ner`.
#[derive(Debug)]
pub struct Ner {
    documents: Vec<Document>,
    predicted: Vec<Option<BTreeSet<Entity>>>,
}

impl Ner {
    /// Reads records with `sentences` of `tokens` and their BIO2 `tags4`, and `text` with
    /// `offsets` of the tokens where they have it.
    ///
    /// # Errors
    /// See [`gold::json_lines`].
    pub fn read(
        paths: &[PathBuf],
        selection: &Selection,
    ) -> Result<(Self, Vec<BadRecord>), GoldError> {
        let Gold { records, bad } = gold::json_lines(paths, selection, document)?;
        let predicted = vec![None; records.len()];
        let task = Self {
            documents: records,
            predicted,
        };
        Ok((task, bad))
    }

    fn scored(&self) -> impl Iterator<Item = (&Document, &BTreeSet<Entity>)> {
        self.documents
            .iter()
            .zip(&self.predicted)
            .filter_map(|(document, predicted)| Some((document, predicted.as_ref()?)))
    }

    fn section(&self, name: String, of: impl Fn(&Document) -> bool) -> Section {
        let documents: Vec<_> = self.scored().filter(|(gold, _)| of(gold)).collect();
        let row = |name: &str, label: Option<&str>| {
            let counts: Vec<Matches> = documents
                .iter()
                .map(|(gold, predicted)| matches(&gold.entities, predicted, label))
                .collect();
            Row::of_matches(name, &counts)
        };
        let mut rows = vec![row("all", None)];
        rows.extend(LABELS.map(|label| row(label, Some(label))));
        Section {
            name,
            documents: documents.len(),
            rows,
        }
    }
}

impl Task for Ner {
    fn layers(&self) -> &'static [&'static str] {
        &["entities"]
    }

    fn takes_raw_articles(&self) -> bool {
        false
    }

    fn documents(&self) -> Vec<NewDocument> {
        self.documents
            .iter()
            .map(|document| NewDocument::new(&document.origin.place, &document.text))
            .collect()
    }

    fn score(&mut self, index: usize, predicted: Option<&Predicted<'_>>) {
        let entities = predicted.map(|predicted| predicted.spans("entities"));
        let entities = entities.into_iter().flatten().filter_map(|span| {
            Some(Entity {
                start: span.range.start,
                end: span.range.end,
                label: LABELS.iter().find(|label| Some(**label) == span.label)?,
            })
        });
        self.predicted[index] = Some(entities.collect());
    }

    fn report(&self, worst: usize) -> Report {
        let mut sections = vec![self.section("all".to_owned(), |_| true)];
        let sources: BTreeSet<&str> = self
            .scored()
            .filter_map(|(document, _)| document.source.as_deref())
            .collect();
        if sources.len() > 1 {
            sections.extend(sources.into_iter().map(|source| {
                let of = |document: &Document| document.source.as_deref() == Some(source);
                self.section(format!("source={source}"), of)
            }));
        }
        let documents = self.scored().map(|(gold, predicted)| {
            let say = |what: &str, entity: &Entity| {
                let words = excerpt(&gold.text, &(entity.start..entity.end));
                format!("{what} {} {words} at {}", entity.label, entity.start)
            };
            let missed = gold.entities.difference(predicted);
            let wrong = predicted.difference(&gold.entities);
            let mut mistakes: Vec<(&Entity, &str)> = missed.map(|e| (e, "missed")).collect();
            mistakes.extend(wrong.map(|e| (e, "wrong")));
            mistakes.sort();
            Worst {
                id: gold.origin.id.clone(),
                place: gold.origin.place.clone(),
                mistakes: mistakes.len() as f64,
                examples: mistakes
                    .iter()
                    .take(EXAMPLES)
                    .map(|(entity, what)| say(what, entity))
                    .collect(),
            }
        });
        Report {
            sections,
            worst: worst_of(documents.collect(), worst),
        }
    }
}

/// A sentence of a record as it is written there.
struct Sentence<'r> {
    tokens: Vec<&'r str>,
    tags: Vec<Tag>,
    /// Where each token stands in the record's text; absent where that is not known.
    offsets: Option<Vec<Option<Span>>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Tag {
    Outside,
    Begin(&'static str),
    Inside(&'static str),
}

fn document(record: &Record) -> Result<Document, BadRecord> {
    let text = record.field("text").present();
    let text = text.map(|text| text.text()).transpose()?;
    let length = text.map(|text| text.chars().count());
    let sentences: Vec<Sentence<'_>> = record
        .field("sentences")
        .items()?
        .iter()
        .map(|field| sentence(field, length))
        .collect::<Result<_, _>>()?;
    let aligned = sentences.iter().all(|s| s.offsets.is_some());
    let (text, entities) = match text {
        Some(text) if aligned => {
            let entities = sentences
                .iter()
                .flat_map(|s| entities(&s.tags, s.offsets.as_deref().unwrap_or_default()))
                .collect();
            (text.to_owned(), entities)
        }
        _ => joined(&sentences),
    };
    Ok(Document {
        origin: record.origin(),
        source: record.field("source").value().as_str().map(str::to_owned),
        text,
        entities,
    })
}

fn sentence<'r>(field: &Field<'r>, length: Option<usize>) -> Result<Sentence<'r>, BadRecord> {
    let tokens: Vec<&str> = field
        .field("tokens")
        .items()?
        .iter()
        .map(Field::text)
        .collect::<Result<_, _>>()?;
    let counted = |name: &str, items: usize| {
        let problem = format!("{items} for {} tokens", tokens.len());
        let wrong = || field.field(name).bad(problem, "give one for each token");
        (items == tokens.len()).then_some(()).ok_or_else(wrong)
    };
    let tags = field.field("tags4").items()?;
    counted("tags4", tags.len())?;
    let tags = tags.iter().map(tag).collect::<Result<_, _>>()?;
    let offsets = match (field.field("offsets").present(), length) {
        (Some(offsets), Some(length)) => {
            let offsets = offsets.items()?;
            counted("offsets", offsets.len())?;
            let place = |offset: &Field<'r>| {
                let offset = offset.clone().present();
                offset
                    .map(|o| o.span(length, "characters of `text`"))
                    .transpose()
            };
            Some(offsets.iter().map(place).collect::<Result<_, _>>()?)
        }
        _ => None,
    };
    Ok(Sentence {
        tokens,
        tags,
        offsets,
    })
}

fn tag(field: &Field<'_>) -> Result<Tag, BadRecord> {
    let tag = field.text()?;
    let label = |name: &str| LABELS.into_iter().find(|label| *label == name);
    let known = match tag.split_once('-') {
        None if tag == "O" => Some(Tag::Outside),
        Some(("B", name)) => label(name).map(Tag::Begin),
        Some(("I", name)) => label(name).map(Tag::Inside),
        _ => None,
    };
    known.ok_or_else(|| {
        field.bad(
            format!("there is no tag `{tag}`"),
            "tags are `O`, and `B-` and `I-` with PER, ORG, LOC or MISC",
        )
    })
}

/// Tokens joined by blanks, for records that have no text.
fn joined(sentences: &[Sentence<'_>]) -> (String, BTreeSet<Entity>) {
    let (mut text, mut at) = (String::new(), 0);
    let mut found = BTreeSet::new();
    for sentence in sentences {
        let mut places = Vec::new();
        for token in &sentence.tokens {
            if !text.is_empty() {
                text.push(' ');
                at += 1;
            }
            let end = at + token.chars().count() as u32;
            places.push(Some(at..end));
            text.push_str(token);
            at = end;
        }
        found.extend(entities(&sentence.tags, &places));
    }
    (text, found)
}

/// The entities of BIO2 tags; a token without a place ends one. An `I-` without its `B-`, which
/// BIO2 does not have, begins one, as in the CoNLL-2000 evaluation script.
fn entities(tags: &[Tag], places: &[Option<Span>]) -> Vec<Entity> {
    let mut found: Vec<Entity> = Vec::new();
    let mut open = false;
    for (tag, place) in tags.iter().zip(places) {
        let (Some(place), Tag::Begin(label) | Tag::Inside(label)) = (place, tag) else {
            open = false;
            continue;
        };
        match found.last_mut() {
            Some(last) if open && *tag == Tag::Inside(last.label) => last.end = place.end,
            _ => found.push(Entity {
                start: place.start,
                end: place.end,
                label,
            }),
        }
        open = true;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(record: serde_json::Value) -> Result<Document, BadRecord> {
        let json = record.to_string();
        document(&Record::parse(json.as_bytes(), "gold.jsonl:1".to_owned()).unwrap())
    }

    fn spans(document: &Document) -> Vec<(u32, u32, &str)> {
        let entities = document.entities.iter();
        entities.map(|e| (e.start, e.end, e.label)).collect()
    }

    #[test]
    fn tokens_without_a_text_are_joined_by_blanks() {
        let document = read(json!({"id": "a", "sentences": [
            {"tokens": ["Åse", "Venn", "left", "."], "tags4": ["B-PER", "I-PER", "O", "O"]},
            {"tokens": ["Skarn", "slept"], "tags4": ["B-LOC", "O"]},
        ]}))
        .unwrap();
        assert_eq!(document.text, "Åse Venn left . Skarn slept");
        assert_eq!(spans(&document), [(0, 8, "PER"), (16, 21, "LOC")]);
    }

    #[test]
    fn offsets_place_the_tokens_in_the_text() {
        let document = read(json!({"id": "a", "text": "Åse  Venn’s", "sentences": [
            {"tokens": ["Åse", "Venn", "’s"], "tags4": ["B-PER", "I-PER", "O"], "offsets": [[0, 3], [5, 9], null]},
        ]}))
        .unwrap();
        assert_eq!(document.text, "Åse  Venn’s");
        assert_eq!(spans(&document), [(0, 9, "PER")]);
    }

    #[test]
    fn neighbours_of_one_label_stay_apart_and_a_change_of_label_begins_anew() {
        let document = read(json!({"sentences": [
            {"tokens": ["A", "B", "C", "D"], "tags4": ["B-ORG", "B-ORG", "I-LOC", "I-LOC"]},
        ]}))
        .unwrap();
        assert_eq!(
            spans(&document),
            [(0, 1, "ORG"), (2, 3, "ORG"), (4, 7, "LOC")]
        );
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        let told = |record| read(record).unwrap_err().to_string();
        assert_eq!(
            told(json!({"sentences": [{"tokens": ["A"], "tags4": ["B-PERS"]}]})),
            "gold.jsonl:1: field `sentences[0].tags4[0]`: there is no tag `B-PERS`; tags are `O`, and `B-` and `I-` with PER, ORG, LOC or MISC"
        );
        assert_eq!(
            told(json!({"sentences": [{"tokens": ["A", "B"], "tags4": ["O"]}]})),
            "gold.jsonl:1: field `sentences[0].tags4`: 1 for 2 tokens; give one for each token"
        );
        assert_eq!(
            told(
                json!({"text": "A", "sentences": [{"tokens": ["A"], "tags4": ["O"], "offsets": [[0, 2]]}]})
            ),
            "gold.jsonl:1: field `sentences[0].offsets[0]`: [0, 2] ends beyond the 1 characters of `text`; count characters of `text` from 0, the end exclusive"
        );
    }

    #[test]
    fn only_equal_spans_with_equal_labels_are_right() {
        let set = |entities: &[(u32, u32, &'static str)]| -> BTreeSet<Entity> {
            let entities = entities.iter();
            entities
                .map(|&(start, end, label)| Entity { start, end, label })
                .collect()
        };
        let gold = set(&[(0, 3, "PER"), (5, 9, "ORG"), (12, 15, "LOC")]);
        let predicted = set(&[(0, 3, "PER"), (5, 9, "LOC"), (12, 16, "LOC")]);
        assert_eq!(matches(&gold, &predicted, None), [1.0, 3.0, 3.0]);
        assert_eq!(matches(&gold, &predicted, Some("LOC")), [0.0, 2.0, 1.0]);
        assert_eq!(matches(&gold, &predicted, Some("PER")), [1.0, 1.0, 1.0]);
    }
}
