//! Lines that recur across the documents of one source, found in two passes over
//! a corpus with bounded memory, and the file they are kept in.
//!
//! A line that many articles of a source share is seldom their own: notes on the
//! author, requests to subscribe, topic labels. Three things recur as well and are
//! news. *Wire copy* recurs with its neighbours, as a large part of a whole
//! article. *Subheads* (`What happens next?`) are short and stand between
//! paragraphs. *Dialogue* (`“Yes.”`, a speaker's name) is short and ends like a
//! sentence. They are told apart by their form and by what stands around them.
//!
//! The first pass counts lines in a count-min sketch with conservative update
//! (Estan and Varghese, SIGCOMM 2002), which never counts too little; the second
//! looks exactly at those that may recur.

use std::collections::{HashMap, HashSet};
use std::fmt::{self, Write as _};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::byline::{self, is_person};
use crate::line::{fingerprint, prose, residue};
use crate::sentence::is_line_break;

/// Counters of one row of the sketch.
const WIDTH: usize = 1 << 21;
const ROWS: usize = 4;
/// The most lines that the second pass keeps; beyond it the rarest go.
const MOST: usize = 1 << 18;
/// Longer lines are code or galleries, which their form gives away.
const LONGEST: usize = 2_000;
/// Contexts remembered of a line.
const CONTEXTS: usize = 8;
/// Lines of the report's own that may stand outside of one at its edge.
const EDGE: usize = 1;
/// Documents in which a full sentence has to recur.
const SENTENCES: u32 = 5;

/// The first pass: how often each line may occur.
pub struct Survey {
    counters: Vec<u16>,
    documents: u64,
}

impl Default for Survey {
    fn default() -> Self {
        Self {
            counters: vec![0; WIDTH * ROWS],
            documents: 0,
        }
    }
}

impl Survey {
    /// Counts the lines of a document of `source`, each once.
    pub fn add(&mut self, source: &str, text: &str) {
        self.documents += 1;
        let keys: HashSet<u64> = lines(text).map(|line| key(source, &line.print)).collect();
        for key in keys {
            let places = places(key);
            let count = self.at(&places).saturating_add(1);
            for place in places {
                let counter = &mut self.counters[place];
                *counter = (*counter).max(count);
            }
        }
    }

    /// Documents counted.
    #[must_use]
    pub fn documents(&self) -> u64 {
        self.documents
    }

    /// In how many documents a line may stand: never less than it does.
    fn estimate(&self, key: u64) -> u32 {
        u32::from(self.at(&places(key)))
    }

    fn at(&self, places: &[usize; ROWS]) -> u16 {
        places
            .iter()
            .map(|&place| self.counters[place])
            .min()
            .unwrap_or(0)
    }
}

/// The second pass: what the lines that may recur are, and where they stand. It
/// has to see the same documents as the [`Survey`].
pub struct Review<'s> {
    survey: &'s Survey,
    least: u32,
    /// Rises when there is no more room.
    threshold: u32,
    found: HashMap<u64, Found>,
}

struct Found {
    source: String,
    text: String,
    /// Documents, but for those that are copies.
    documents: u32,
    /// Of these: between two lines of running text.
    between: u32,
    /// Of these: above or below all but a line of the document's own.
    edge: u32,
    /// Of these: twice in a row, as galleries have their captions.
    doubled: u32,
    /// What stood right above and below.
    above: Vec<u64>,
    below: Vec<u64>,
    /// The nearest line above, or else below, that does not recur.
    strangers: Vec<u64>,
}

impl<'s> Review<'s> {
    /// Looks for lines that stand in `least` documents of a source or more.
    #[must_use]
    pub fn new(survey: &'s Survey, least: u32) -> Self {
        let least = least.max(2);
        Self {
            survey,
            least,
            threshold: least,
            found: HashMap::new(),
        }
    }

    /// Looks at a document of `source`.
    pub fn add(&mut self, source: &str, text: &str) {
        let lines: Vec<Line<'_>> = lines(text).collect();
        let keys: Vec<u64> = lines.iter().map(|line| key(source, &line.print)).collect();
        let recurs: Vec<bool> = keys
            .iter()
            .map(|&key| self.survey.estimate(key) >= self.threshold)
            .collect();
        if !recurs.contains(&true) || is_copy(&lines, &recurs) {
            return;
        }
        let running: Vec<bool> = lines.iter().map(|line| prose(line.text) >= 2.0).collect();
        let own: Vec<usize> = (0..lines.len()).filter(|&i| !recurs[i]).collect();
        let mut seen = HashSet::new();
        for index in (0..lines.len()).filter(|&i| recurs[i]) {
            if !seen.insert(keys[index]) {
                continue;
            }
            let found = self.found.entry(keys[index]).or_insert_with(|| Found {
                source: source.to_owned(),
                text: lines[index].text.to_owned(),
                documents: 0,
                between: 0,
                edge: 0,
                doubled: 0,
                above: Vec::new(),
                below: Vec::new(),
                strangers: Vec::new(),
            });
            let above = index.checked_sub(1);
            let below = (index + 1 < lines.len()).then_some(index + 1);
            let doubled = below.is_some_and(|i| keys[i] == keys[index]);
            let is_running = |i: Option<usize>| i.is_some_and(|i| running[i]);
            let before = own.partition_point(|&i| i < index);
            found.documents += 1;
            found.between += u32::from(is_running(above) && is_running(below));
            found.edge += u32::from(before <= EDGE || own.len() - before <= EDGE);
            found.doubled += u32::from(doubled);
            remember(&mut found.above, above.map_or(0, |i| keys[i]));
            remember(&mut found.below, below.map_or(0, |i| keys[i]));
            let stranger = before.checked_sub(1).unwrap_or(before);
            if let Some(&stranger) = own.get(stranger) {
                remember(&mut found.strangers, keys[stranger]);
            }
        }
        if self.found.len() > MOST {
            self.make_room();
        }
    }

    /// Only what is frequent stays, and is looked for from now on.
    fn make_room(&mut self) {
        while self.found.len() > MOST / 2 {
            self.threshold += self.threshold.div_ceil(2);
            let (survey, threshold) = (self.survey, self.threshold);
            self.found
                .retain(|&key, _| survey.estimate(key) >= threshold);
        }
    }

    /// The lines that are no article's own, the most frequent first.
    #[must_use]
    pub fn finish(self) -> Boilerplate {
        let least = self.least;
        let mut lines: Vec<Recurring> = self
            .found
            .into_values()
            .filter(|found| found.documents >= least && found.is_boilerplate())
            .map(|found| Recurring {
                documents: found.documents,
                source: found.source,
                text: found.text,
            })
            .collect();
        lines.sort_by(|a, b| {
            let key = |line: &Recurring| (line.source.clone(), line.text.clone());
            b.documents
                .cmp(&a.documents)
                .then_with(|| key(a).cmp(&key(b)))
        });
        Boilerplate {
            documents: self.survey.documents,
            lines,
        }
    }
}

impl Found {
    fn is_boilerplate(&self) -> bool {
        let text = self.text.as_str();
        let words = text.split_whitespace().count();
        let score = prose(text);
        // Names of authors are wanted as metadata.
        if is_person(text) || byline::parse(text).is_some() {
            return false;
        }
        if residue(text).is_some_and(|evidence| evidence.weight >= 5.0) {
            return true;
        }
        if self.doubled * 2 > self.documents {
            return true;
        }
        let edge = self.edge * 10 >= self.documents * 8;
        if edge && score < 1.0 && residue(text).is_some() {
            return true;
        }
        let bracketed = text.starts_with(['[', '(']);
        let said = text.starts_with(['“', '"', '‘', '\'']) || text.ends_with(['”', '"', '?']);
        let speaker = text.ends_with(':') && words <= 4;
        if words <= 3 && (bracketed || score >= 1.0) || said && words <= 12 || speaker {
            return false;
        }
        if score < 1.0 {
            let subhead = words <= 6 && self.between * 3 > self.documents;
            return !subhead;
        }
        // A whole sentence: on the edge of the articles, or in ever other company.
        let alone = self.strangers.len() > 2;
        let roams = self.above.len() == CONTEXTS && self.below.len() == CONTEXTS;
        self.documents >= SENTENCES && ((edge && alone) || roams)
    }
}

fn remember(contexts: &mut Vec<u64>, context: u64) {
    if contexts.len() < CONTEXTS && !contexts.contains(&context) {
        contexts.push(context);
    }
}

/// Whether a large part of the document's running text stands in others too: it is
/// an article that the source has more than once.
fn is_copy(lines: &[Line<'_>], recurs: &[bool]) -> bool {
    let (mut all, mut shared) = (0, 0);
    for (line, &recurs) in lines.iter().zip(recurs) {
        if prose(line.text) >= 2.0 && (!recurs || residue(line.text).is_none()) {
            all += line.text.len();
            shared += if recurs { line.text.len() } else { 0 };
        }
    }
    shared * 10 > all * 4
}

struct Line<'a> {
    text: &'a str,
    print: String,
}

fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    text.split(is_line_break)
        .map(str::trim)
        .filter(|line| line.len() <= LONGEST)
        .map(|text| Line {
            text,
            print: fingerprint(text),
        })
        .filter(|line| line.print.chars().any(char::is_alphabetic))
}

/// Stable within one run, which is all that the sketch needs.
fn key(source: &str, print: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (source, print).hash(&mut hasher);
    hasher.finish()
}

/// One counter in each row (Kirsch and Mitzenmacher, ESA 2006).
fn places(key: u64) -> [usize; ROWS] {
    let (low, high) = (key as usize & 0xffff_ffff, (key >> 32) as usize | 1);
    std::array::from_fn(|row| row * WIDTH + low.wrapping_add(row.wrapping_mul(high)) % WIDTH)
}

/// Lines that are none of the articles' own.
///
/// Displays as the file that [`read`] takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Boilerplate {
    /// How many documents it was learnt from.
    pub documents: u64,
    /// The most frequent first.
    pub lines: Vec<Recurring>,
}

/// A line that recurs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recurring {
    /// Documents of the source that have it.
    pub documents: u32,
    /// Whose documents.
    pub source: String,
    /// As it stands in the first of them.
    pub text: String,
}

const HEAD: &str = "\
# Lines that recur across documents of one source: the option `boilerplate` of
# the stage `cleanup` cuts them wherever they stand, whatever their case, spaces
# and punctuation. Delete what is news, add what is missing.
# documents <tab> source <tab> line; or a line by itself. `#` begins a comment.
";

impl fmt::Display for Boilerplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEAD)?;
        writeln!(f, "# Learnt from {} documents.", self.documents)?;
        for line in &self.lines {
            let source = line.source.replace(['\t', '\n', '\r'], " ");
            write!(f, "{}\t{source}\t", line.documents)?;
            for c in line.text.chars() {
                f.write_char(if c == '\t' { ' ' } else { c })?;
            }
            f.write_char('\n')?;
        }
        Ok(())
    }
}

/// A row of the file that is none.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct BadRow {
    /// From 1.
    pub row: usize,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for BadRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.row, self.reason)
    }
}

impl std::error::Error for BadRow {}

/// The [`fingerprint`]s of the lines in a file of boilerplate.
///
/// # Errors
/// The first row that is neither a comment, nor a line by itself, nor documents,
/// source and line with tabs between.
pub fn read(file: &str) -> Result<HashSet<String>, BadRow> {
    let mut prints = HashSet::new();
    for (index, row) in file.lines().enumerate() {
        let row = row.strip_prefix('\u{feff}').unwrap_or(row);
        if row.trim().is_empty() || row.starts_with('#') {
            continue;
        }
        let bad = |reason: String| BadRow {
            row: index + 1,
            reason,
        };
        let line = match row.split('\t').collect::<Vec<_>>()[..] {
            [line] => line,
            [documents, _, line] => {
                let counted = documents.trim().parse::<u64>();
                counted.map_err(|_| bad(format!("`{documents}` is no number of documents")))?;
                line
            }
            _ => {
                return Err(bad(
                    "expected a line by itself, or documents, source and line with tabs between"
                        .to_owned(),
                ));
            }
        };
        let print = fingerprint(line);
        if print.is_empty() {
            return Err(bad(format!("`{line}` has no letters or digits")));
        }
        prints.insert(print);
    }
    Ok(prints)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Words of no meaning that differ from document to document.
    fn own(seed: usize, paragraph: usize) -> String {
        const WORDS: [&str; 11] = [
            "ferry", "pier", "storm", "mayor", "union", "ticket", "winter", "captain", "harbour",
            "island", "vote",
        ];
        let words: Vec<&str> = (0..14)
            .map(|i| WORDS[(seed * 7 + paragraph * 5 + i * (seed % 5 + 1)) % WORDS.len()])
            .collect();
        format!("Number {seed} {paragraph}: the {} sailed.", words.join(" "))
    }

    fn learn(documents: &[String]) -> Vec<String> {
        let mut survey = Survey::default();
        for text in documents {
            survey.add("Courier", text);
        }
        let mut review = Review::new(&survey, 3);
        for text in documents {
            review.add("Courier", text);
        }
        review.finish().lines.into_iter().map(|l| l.text).collect()
    }

    fn with(lines: impl Fn(usize) -> Vec<String>) -> Vec<String> {
        (0..12).map(|seed| lines(seed).join("\n\n")).collect()
    }

    #[test]
    fn notes_on_the_edge_and_labels_are_learnt() {
        let note =
            "Readers of the Courier drink their coffee at the pier for nothing on every rainy day.";
        let found = learn(&with(|seed| {
            vec![
                "Courier Island Watch".to_owned(),
                own(seed, 0),
                "Story Continued Below".to_owned(),
                own(seed, 1),
                own(seed, 2),
                note.to_owned(),
            ]
        }));
        assert_eq!(
            found,
            ["Courier Island Watch", note, "Story Continued Below"]
        );
    }

    #[test]
    fn subheads_and_dialogue_are_news() {
        let found = learn(&with(|seed| {
            vec![
                own(seed, 0),
                "What happens next".to_owned(),
                own(seed, 1),
                "“Yes, of course.”".to_owned(),
                own(seed, 2),
                "ADA BRILL:".to_owned(),
                own(seed, 3),
                "He declined.".to_owned(),
                own(seed, 4),
            ]
        }));
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn wire_copy_is_news() {
        // Five whole articles, each printed three times under another title.
        let found = learn(&with(|seed| {
            let story = seed / 3;
            let mut lines = vec![format!("Title of number {seed}")];
            lines.extend((0..6).map(|paragraph| own(100 + story, paragraph)));
            lines
        }));
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn background_that_recurs_in_mid_report_with_its_neighbours_is_news() {
        let found = learn(&with(|seed| {
            let mut lines: Vec<String> = (0..4).map(|p| own(seed, p)).collect();
            lines.extend((0..2).map(|p| own(900, p)));
            lines.extend((4..8).map(|p| own(seed, p)));
            lines
        }));
        assert_eq!(found, Vec::<String>::new());
    }

    #[test]
    fn a_source_is_not_judged_by_another() {
        let mut survey = Survey::default();
        let text = "Courier Island Watch\nOne.";
        for source in ["A", "B", "C"] {
            survey.add(source, text);
        }
        let mut review = Review::new(&survey, 3);
        for source in ["A", "B", "C"] {
            review.add(source, text);
        }
        assert!(review.finish().lines.is_empty());
    }

    #[test]
    fn what_is_written_is_read() {
        let learnt = Boilerplate {
            documents: 12,
            lines: vec![Recurring {
                documents: 7,
                source: "Port\tCourier".to_owned(),
                text: "Courier\tIsland Watch".to_owned(),
            }],
        };
        let prints = read(&format!("{learnt}\nA line by itself\n")).expect("readable");
        assert_eq!(
            prints,
            HashSet::from(["courierislandwatch".to_owned(), "alinebyitself".to_owned()])
        );
    }

    #[test]
    fn a_bad_row_is_named() {
        for (row, reason) in [
            ("many\tCourier\tLine", "`many` is no number of documents"),
            (
                "3\tLine",
                "expected a line by itself, or documents, source and line with tabs between",
            ),
            ("3\tCourier\t—", "`—` has no letters or digits"),
        ] {
            let error = read(&format!("# fine\n{row}\n")).expect_err(row);
            assert_eq!(error.to_string(), format!("line 2: {reason}"));
        }
    }
}
