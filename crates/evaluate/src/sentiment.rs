//! Sentiment toward mentions of a target.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::PathBuf;

use copydesk_document::NewDocument;
use serde_json::{Value, json};

use crate::figure::{Matches, bootstrap, f1, share};
use crate::gold::{self, BadRecord, Gold, GoldError, Origin, Record, Selection};
use crate::report::{EXAMPLES, Report, Row, Section, Worst, worst_of};
use crate::spans::{Span, excerpt, touch};
use crate::{Predicted, Task};

/// The labels, in the order of every array here.
pub const LABELS: [&str; 3] = ["negative", "neutral", "positive"];
const NEUTRAL: usize = 1;

/// Counts of one document by gold label and answer.
pub type Confusion = [[f64; 3]; 3];

/// Right, answered and gold of one label.
#[must_use]
pub fn matches(confusion: &Confusion, label: usize) -> Matches {
    let answered = confusion.iter().map(|row| row[label]).sum();
    [
        confusion[label][label],
        answered,
        confusion[label].iter().sum(),
    ]
}

/// The mean of F1 over the labels that the gold has, as in NewsMTSC (Hamborg and Donnay 2021).
#[must_use]
pub fn macro_f1(confusion: &Confusion) -> Option<f64> {
    let scores: Vec<f64> = (0..LABELS.len())
        .map(|label| matches(confusion, label))
        .filter(|[_, _, gold]| *gold > 0.0)
        .filter_map(|matches| f1(&matches))
        .collect();
    share(scores.iter().sum(), scores.len() as f64)
}

/// How mentions come to the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mentions {
    /// The record's span is handed in and judged.
    Given,
    /// The pipeline finds mentions itself; one that overlaps the record's span answers.
    Found,
}

/// A gold record.
#[derive(Debug, Clone)]
struct Item {
    origin: Origin,
    /// Index of its text among the documents.
    document: usize,
    span: Span,
    /// Name of the target, where the record has one.
    target: Option<String>,
    label: usize,
    sure: Option<bool>,
    /// What is drawn together for the interval: the article, else the text.
    article: String,
    answer: Option<Answer>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Missing,
    Label(usize),
}

impl Answer {
    /// No answer is a neutral one.
    fn label(self) -> usize {
        match self {
            Self::Missing => NEUTRAL,
            Self::Label(label) => label,
        }
    }
}

/// `copydesk eval sentiment`.
#[derive(Debug)]
pub struct Sentiment {
    items: Vec<Item>,
    /// Place of its first record, and text.
    documents: Vec<(String, String)>,
    by: Mentions,
    /// Records that name their target in other words than the text.
    unplaced: usize,
}

impl Sentiment {
    /// Reads records with a `text`, the span of its `target` and a `label`, or with a `sentence`
    /// (after a `previous` one) and `start` and `end` of the mention. Records of the same text
    /// become one document with several mentions.
    ///
    /// # Errors
    /// See [`gold::json_lines`].
    pub fn read(
        paths: &[PathBuf],
        selection: &Selection,
        by: Mentions,
    ) -> Result<(Self, Vec<BadRecord>), GoldError> {
        let mut documents: Vec<(String, String)> = Vec::new();
        let mut known: BTreeMap<String, usize> = BTreeMap::new();
        let unplaced = Cell::new(0);
        let is_placed = |record: &Record| {
            let placed = record.field("target").present().is_some()
                || record.field("target_text").present().is_none();
            unplaced.set(unplaced.get() + usize::from(!placed));
            placed
        };
        let Gold { records, bad } = gold::json_lines_if(paths, selection, is_placed, |record| {
            let (text, mut item) = item(record)?;
            item.document = *known.entry(text.clone()).or_insert_with(|| {
                documents.push((item.origin.place.clone(), text));
                documents.len() - 1
            });
            Ok(item)
        })?;
        let task = Self {
            items: records,
            documents,
            by,
            unplaced: unplaced.get(),
        };
        Ok((task, bad))
    }

    fn section(&self, name: &str, of: impl Fn(&Item) -> bool) -> Section {
        let mut rows: BTreeMap<&str, (Confusion, f64)> = BTreeMap::new();
        for item in self.items.iter().filter(|item| of(item)) {
            let Some(answer) = item.answer else { continue };
            let row = rows.entry(&item.article).or_default();
            row.0[item.label][answer.label()] += 1.0;
            row.1 += f64::from(u8::from(answer == Answer::Missing));
        }
        let documents: Vec<Confusion> = rows.values().map(|(confusion, _)| *confusion).collect();
        let flat: Vec<[f64; 9]> = documents
            .iter()
            .map(|[a, b, c]| [a[0], a[1], a[2], b[0], b[1], b[2], c[0], c[1], c[2]])
            .collect();
        let square = |t: &[f64; 9]| -> Confusion {
            [[t[0], t[1], t[2]], [t[3], t[4], t[5]], [t[6], t[7], t[8]]]
        };
        let right = |t: &[f64; 9]| t[0] + t[4] + t[8];
        let all = |t: &[f64; 9]| t.iter().sum::<f64>();
        let mut table = vec![
            Row::new("all")
                .count("gold", flat.iter().map(all).sum())
                .count("right", flat.iter().map(right).sum())
                .count("missing", rows.values().map(|(_, missing)| missing).sum())
                .figure("macro_f1", bootstrap(&flat, |t| macro_f1(&square(t))))
                .figure("accuracy", bootstrap(&flat, |t| share(right(t), all(t)))),
        ];
        for (i, label) in LABELS.into_iter().enumerate() {
            let of: Vec<Matches> = documents.iter().map(|d| matches(d, i)).collect();
            table.push(Row::of_matches(label, &of));
        }
        Section {
            name: name.to_owned(),
            documents: documents.len(),
            rows: table,
        }
    }
}

impl Task for Sentiment {
    fn layers(&self) -> &'static [&'static str] {
        &["sentiment"]
    }

    fn takes_raw_articles(&self) -> bool {
        false
    }

    fn options(&self) -> Vec<(&'static str, &'static str, Value)> {
        let mentions = match self.by {
            Mentions::Given => "given",
            Mentions::Found => "found",
        };
        vec![("sentiment", "mentions", mentions.into())]
    }

    fn documents(&self) -> Vec<NewDocument> {
        let mut documents: Vec<NewDocument> = self
            .documents
            .iter()
            .map(|(place, text)| NewDocument::new(place, text))
            .collect();
        if self.by == Mentions::Given {
            for item in &self.items {
                let mut target = json!({"start": item.span.start, "end": item.span.end});
                if let Some(name) = &item.target {
                    target["target"] = name.as_str().into();
                }
                let targets = documents[item.document].meta.entry("targets");
                if let Value::Array(targets) = targets.or_insert_with(|| json!([]))
                    && !targets.contains(&target)
                {
                    targets.push(target);
                }
            }
        }
        documents
    }

    fn score(&mut self, index: usize, predicted: Option<&Predicted<'_>>) {
        let rows = predicted.map(|predicted| {
            let spans = predicted.spans("sentiment").into_iter();
            spans
                .filter_map(|span| {
                    let label = LABELS.iter().position(|l| Some(*l) == span.label)?;
                    let target = predicted.attr("sentiment", span.row, "target");
                    Some((span.range, target.unwrap_or_default(), label))
                })
                .collect::<Vec<_>>()
        });
        let rows = rows.unwrap_or_default();
        for item in self.items.iter_mut().filter(|i| i.document == index) {
            let answer = rows.iter().find(|(range, target, _)| {
                let named = item.target.as_deref().is_none_or(|name| name == *target);
                match self.by {
                    Mentions::Given => *range == item.span && named,
                    Mentions::Found => touch(range, &item.span) && named,
                }
            });
            item.answer = Some(match answer {
                Some((_, _, label)) => Answer::Label(*label),
                None => Answer::Missing,
            });
        }
    }

    fn report(&self, worst: usize) -> Report {
        let mut sections = vec![self.section("all", |_| true)];
        if self.unplaced > 0 {
            sections[0]
                .rows
                .push(Row::new("left out").count("target not in the text", self.unplaced as f64));
        }
        if self.items.iter().any(|item| item.sure.is_some()) {
            sections.push(self.section("sure", |item| item.sure == Some(true)));
        }
        let mut targets: Vec<&str> = self
            .items
            .iter()
            .filter_map(|item| item.target.as_deref())
            .collect();
        targets.sort_unstable();
        targets.dedup();
        // One section a target, where there are a few; thousands of people are no table.
        if (2..=10).contains(&targets.len()) {
            sections.extend(targets.into_iter().map(|target| {
                let of = |item: &Item| item.target.as_deref() == Some(target);
                self.section(&format!("target={target}"), of)
            }));
        }
        let mut wrong: BTreeMap<&str, Vec<&Item>> = BTreeMap::new();
        for item in &self.items {
            if item
                .answer
                .is_some_and(|answer| answer.label() != item.label)
            {
                wrong.entry(&item.article).or_default().push(item);
            }
        }
        let documents = wrong.into_values().map(|items| Worst {
            id: match items.as_slice() {
                [first, _, ..] if first.origin.id.starts_with(&first.article) => {
                    first.article.clone()
                }
                _ => items[0].origin.id.clone(),
            },
            place: items[0].origin.place.clone(),
            mistakes: items.len() as f64,
            examples: items.iter().take(EXAMPLES).map(|i| self.told(i)).collect(),
        });
        Report {
            sections,
            worst: worst_of(documents.collect(), worst),
        }
    }
}

impl Sentiment {
    fn told(&self, item: &Item) -> String {
        const AROUND: u32 = 25;
        let (_, text) = &self.documents[item.document];
        let end = text.chars().count() as u32;
        let around = item.span.start.saturating_sub(AROUND)..(item.span.end + AROUND).min(end);
        let answer = match item.answer {
            Some(Answer::Label(label)) => LABELS[label],
            _ => "no answer",
        };
        format!(
            "{answer} for {}: {} in {}",
            LABELS[item.label],
            excerpt(text, &item.span),
            excerpt(text, &around)
        )
    }
}

/// A record, with its text.
fn item(record: &Record) -> Result<(String, Item), BadRecord> {
    let label = record.field("label").one_of(&LABELS)?;
    let label = LABELS.iter().position(|one| *one == label);
    let origin = record.origin();
    let mut item = Item {
        document: 0,
        span: 0..0,
        target: None,
        label: label.unwrap_or(NEUTRAL),
        sure: None,
        article: origin.id.clone(),
        origin,
        answer: None,
    };
    let what = |field: &str| format!("characters of `{field}`");
    let Some(sentence) = record.field("sentence").present() else {
        let text = record.field("text").text()?;
        let length = text.chars().count();
        item.span = record.field("target").span(length, &what("text"))?;
        // Records of the same text are not independent of each other.
        item.article = text.to_owned();
        return Ok((text.to_owned(), item));
    };
    let sentence = sentence.text()?;
    let previous = match record.field("previous").present() {
        Some(previous) => previous.text()?,
        None => "",
    };
    let (start, end) = (record.field("start"), record.field("end"));
    let length = sentence.chars().count();
    let span = end.checked(start.number()?, end.number()?, length, &what("sentence"))?;
    let (text, shift) = match previous {
        "" => (sentence.to_owned(), 0),
        _ => {
            let shift = previous.chars().count() as u32 + 1;
            (format!("{previous} {sentence}"), shift)
        }
    };
    item.span = span.start + shift..span.end + shift;
    item.target = match record.field("target").present() {
        Some(target) => Some(target.text()?.to_owned()),
        None => None,
    };
    item.sure = match record.field("sure").present() {
        Some(sure) => Some(sure.truth()?),
        None => None,
    };
    if let Some((article, _)) = item.origin.id.rsplit_once(':') {
        item.article = article.to_owned();
    }
    Ok((text, item))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Attr, Layers, with_layers};
    use std::io::Write;

    fn task(records: &[Value], by: Mentions) -> Sentiment {
        let mut file = tempfile::Builder::new()
            .suffix(".jsonl")
            .tempfile()
            .unwrap();
        for record in records {
            writeln!(file, "{record}").unwrap();
        }
        let (task, bad) =
            Sentiment::read(&[file.path().to_owned()], &Selection::default(), by).unwrap();
        assert_eq!(bad, []);
        task
    }

    fn ferries() -> Vec<Value> {
        vec![
            json!({"id": "a:0", "target": "Velmark", "mention": "Velmark", "start": 0, "end": 7,
                "previous": "Åse left.", "sentence": "Velmark betrayed Skarn.", "label": "negative", "sure": true}),
            json!({"id": "a:1", "target": "Skarn", "mention": "Skarn", "start": 17, "end": 22,
                "previous": "Åse left.", "sentence": "Velmark betrayed Skarn.", "label": "neutral", "sure": false}),
            json!({"id": "b:0", "target": "Skarn", "mention": "Skarn", "start": 0, "end": 5,
                "previous": "", "sentence": "Skarn shines.", "label": "positive", "sure": true}),
        ]
    }

    #[test]
    fn records_of_one_text_are_one_document_with_its_targets() {
        let task = task(&ferries(), Mentions::Given);
        let documents = task.documents();
        assert_eq!(documents.len(), 2);
        assert_eq!(documents[0].raw, "Åse left. Velmark betrayed Skarn.");
        assert_eq!(
            documents[0].meta["targets"],
            json!([{"start": 10, "end": 17, "target": "Velmark"}, {"start": 27, "end": 32, "target": "Skarn"}])
        );
    }

    #[test]
    fn a_given_mention_is_answered_by_its_very_span_and_a_found_one_by_overlap() {
        // The pipeline's row reaches one word further; bytes, “Å” has two.
        let mut layers = Layers::default();
        layers.add(
            "sentiment",
            11..27,
            "negative",
            [("target", Attr::Text("Velmark"))],
        );
        let answers = |by| {
            let mut task = task(&ferries(), by);
            let batch = with_layers(&task.documents()[0].raw, &layers);
            task.score(0, Some(&Predicted::new(&batch, 0)));
            task.score(1, None);
            let answers: Vec<_> = task.items.iter().map(|item| item.answer.unwrap()).collect();
            answers
        };
        assert_eq!(answers(Mentions::Given), [Answer::Missing; 3]);
        assert_eq!(
            answers(Mentions::Found),
            [Answer::Label(0), Answer::Missing, Answer::Missing]
        );
    }

    #[test]
    fn missing_answers_are_neutral_and_counted() {
        let mut task = task(&ferries(), Mentions::Found);
        let mut layers = Layers::default();
        layers.add(
            "sentiment",
            11..18,
            "negative",
            [("target", Attr::Text("Velmark"))],
        );
        let batch = with_layers(&task.documents()[0].raw, &layers);
        task.score(0, Some(&Predicted::new(&batch, 0)));
        task.score(1, None);
        let worst = &task.report(1).worst[0];
        assert_eq!((worst.id.as_str(), worst.mistakes), ("b:0", 1.0));
        insta::assert_snapshot!(task.report(0));
    }

    #[test]
    fn macro_f1_is_the_mean_over_the_labels_of_the_gold() {
        // Negative: 2 of 2 right, one answered too many: F1 4/5. Positive: 1 of 2, F1 2/3.
        let confusion = [[2.0, 0.0, 0.0], [0.0; 3], [1.0, 0.0, 1.0]];
        let wanted = (0.8 + 2.0 / 3.0) / 2.0;
        assert!((macro_f1(&confusion).unwrap() - wanted).abs() < 1e-12);
        assert_eq!(macro_f1(&[[0.0; 3]; 3]), None);
    }

    #[test]
    fn records_whose_target_the_text_does_not_name_are_counted() {
        let task = task(
            &[
                json!({"id": "a", "text": "Skarn shines.", "target": [0, 5], "label": "positive"}),
                json!({"id": "b", "text": "It shines.", "target_text": "Skarn", "label": "positive"}),
            ],
            Mentions::Given,
        );
        assert_eq!((task.items.len(), task.unplaced), (1, 1));
    }
}
