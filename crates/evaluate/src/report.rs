//! What an evaluation says: as a page, and as JSON.

use std::fmt::{self, Write as _};

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::figure::{Figure, Matches, bootstrap, f1, share};

/// Figures by section, and the worst documents.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// What was measured, the main section first.
    pub sections: Vec<Section>,
    /// The documents with the most mistakes, the worst first.
    pub worst: Vec<Worst>,
}

/// A table: everything in it was counted over the same documents.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Section {
    /// Short and stable: `all`, `source=eww`, `sure`.
    pub name: String,
    /// Documents that it counts.
    pub documents: usize,
    /// One for each label, kind or metric.
    pub rows: Vec<Row>,
}

/// Counts and figures of one label, kind or metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// `PER`, `direct`, `MUC`.
    pub name: String,
    /// Sums over all documents.
    pub counts: Vec<(&'static str, u64)>,
    /// In percent.
    pub figures: Vec<(&'static str, Figure)>,
}

/// A document in which much is wrong.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Worst {
    /// The id of its record.
    pub id: String,
    /// Its file and line.
    pub place: String,
    /// What it is sorted by; each task says what it counts.
    pub mistakes: f64,
    /// The first of its mistakes, in words.
    pub examples: Vec<String>,
}

/// How many mistakes of a document are told in words.
pub(crate) const EXAMPLES: usize = 5;

impl Row {
    /// A row without counts and figures.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            counts: Vec::new(),
            figures: Vec::new(),
        }
    }

    /// With one more count.
    #[must_use]
    pub fn count(mut self, name: &'static str, value: f64) -> Self {
        self.counts.push((name, value as u64));
        self
    }

    /// With one more figure.
    #[must_use]
    pub fn figure(mut self, name: &'static str, figure: Figure) -> Self {
        self.figures.push((name, figure));
        self
    }

    /// Gold, predicted and right, with precision, recall and F1.
    pub fn of_matches(name: impl Into<String>, documents: &[Matches]) -> Self {
        let total = |i: usize| documents.iter().map(|row| row[i]).sum::<f64>();
        Self::new(name)
            .count("gold", total(2))
            .count("predicted", total(1))
            .count("right", total(0))
            .figure("precision", bootstrap(documents, |t| share(t[0], t[1])))
            .figure("recall", bootstrap(documents, |t| share(t[0], t[2])))
            .figure("f1", bootstrap(documents, f1))
    }
}

/// Keeps the `n` with the most mistakes; of equal ones the first.
pub(crate) fn worst_of(mut documents: Vec<Worst>, n: usize) -> Vec<Worst> {
    documents.retain(|document| document.mistakes > 0.0);
    documents.sort_by(|a, b| b.mistakes.total_cmp(&a.mistakes));
    documents.truncate(n);
    documents
}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        struct Pairs<'a, T>(&'a [(&'static str, T)]);
        impl<T: Serialize> Serialize for Pairs<'_, T> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
            }
        }
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("name", &self.name)?;
        map.serialize_entry("counts", &Pairs(&self.counts))?;
        map.serialize_entry("figures", &Pairs(&self.figures))?;
        map.end()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, section) in self.sections.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            let plural = if section.documents == 1 { "" } else { "s" };
            writeln!(
                f,
                "{} ({} document{plural})",
                section.name, section.documents
            )?;
            table(&section.rows, f)?;
        }
        if !self.worst.is_empty() {
            f.write_str("\nworst documents\n")?;
        }
        for document in &self.worst {
            writeln!(
                f,
                "  {}  {}  {}",
                short(document.mistakes),
                document.id,
                document.place
            )?;
            for example in &document.examples {
                writeln!(f, "      {example}")?;
            }
        }
        Ok(())
    }
}

/// Rows one under the other; a header line above each run of rows with the same columns.
fn table(rows: &[Row], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let name_width = rows.iter().map(|row| row.name.chars().count()).max();
    let name_width = name_width.unwrap_or(0);
    let columns = |row: &Row| -> Vec<&'static str> {
        let counts = row.counts.iter().map(|(name, _)| *name);
        counts
            .chain(row.figures.iter().map(|(name, _)| *name))
            .collect()
    };
    let mut at = 0;
    while at < rows.len() {
        let names = columns(&rows[at]);
        let alike = rows[at..].iter().take_while(|row| columns(row) == names);
        let alike: Vec<&Row> = alike.collect();
        let cells: Vec<Vec<String>> = alike
            .iter()
            .map(|row| {
                let counts = row.counts.iter().map(|(_, value)| value.to_string());
                counts
                    .chain(row.figures.iter().map(|(_, figure)| figure.to_string()))
                    .collect()
            })
            .collect();
        let widths: Vec<usize> = (0..names.len())
            .map(|column| {
                let widest = cells.iter().map(|row| row[column].chars().count()).max();
                widest.unwrap_or(0).max(names[column].chars().count())
            })
            .collect();
        let line = |first: &str, cells: &mut dyn Iterator<Item = &str>| {
            let mut line = format!("  {first:<name_width$}");
            for (cell, width) in cells.zip(&widths) {
                // Writing to a string cannot fail.
                let _ = write!(line, "  {cell:>width$}");
            }
            line.truncate(line.trim_end().len());
            line
        };
        writeln!(f, "{}", line("", &mut names.iter().copied()))?;
        for (row, cells) in alike.iter().zip(&cells) {
            writeln!(
                f,
                "{}",
                line(&row.name, &mut cells.iter().map(String::as_str))
            )?;
        }
        at += alike.len();
    }
    Ok(())
}

fn short(value: f64) -> String {
    if value.fract() == 0.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.1}")
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.value, self.interval) {
            (None, _) => f.write_str("–"),
            (Some(value), None) => write!(f, "{value:.1}"),
            (Some(value), Some((low, high))) => write!(f, "{value:.1} [{low:.1}, {high:.1}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        Report {
            sections: vec![Section {
                name: "all".to_owned(),
                documents: 2,
                rows: vec![
                    Row::of_matches("all", &[[1.0, 2.0, 3.0], [2.0, 2.0, 2.0]]),
                    Row::of_matches("MISC", &[[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]),
                    Row::new("gaps").count("missing", 4.0),
                ],
            }],
            worst: worst_of(
                [("a", 1.0), ("b", 0.0), ("c", 2.5)]
                    .map(|(id, mistakes)| Worst {
                        id: id.to_owned(),
                        place: format!("gold.jsonl:{id}"),
                        mistakes,
                        examples: vec!["missed ORG “Harbour Union”".to_owned()],
                    })
                    .to_vec(),
                5,
            ),
        }
    }

    #[test]
    fn rows_with_the_same_columns_share_a_header() {
        insta::assert_snapshot!(report());
    }

    #[test]
    fn the_json_has_the_same_names() {
        insta::assert_snapshot!(serde_json::to_string_pretty(&report()).unwrap());
    }
}
