//! Reads gold: JSON records, each field with its place, and clear words about those that are wrong.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::spans::Span;

/// Why gold could not be read at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GoldError {
    /// A file or folder could not be read.
    #[error("failed to read the gold `{}`: {source}", path.display())]
    Read {
        /// The path as it was given.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A folder without a file of the right kind.
    #[error("the folder `{}` has no {wanted}", path.display())]
    Empty {
        /// The path as it was given.
        path: PathBuf,
        /// What was looked for: `` `*.jsonl` file ``.
        wanted: &'static str,
    },
    /// Records were read, and none can be used.
    #[error("none of the {records} records can be used; the first: {first}")]
    NoneUsable {
        /// How many there are.
        records: usize,
        /// What is wrong with the first.
        first: BadRecord,
    },
    /// There are no records, or filters left none.
    #[error("no record is left to evaluate on")]
    NoneLeft,
}

/// A record that cannot be used, with what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{place}: {field}{problem}; {hint}", field = shown(field))]
pub struct BadRecord {
    /// File and line.
    pub place: String,
    /// The path of the field: `attributions[2].content`; empty for the whole record.
    pub field: String,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub hint: String,
}

fn shown(field: &str) -> String {
    match field {
        "" => String::new(),
        field => format!("field `{field}`: "),
    }
}

/// Which records of the files are read.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Only records whose top-level fields have these values, by name.
    pub wanted: Vec<(String, String)>,
    /// Only the first so many that can be used.
    pub limit: Option<usize>,
}

impl Selection {
    /// Whether a record has the wanted values.
    #[must_use]
    pub fn has(&self, record: &Record) -> bool {
        self.wanted
            .iter()
            .all(|(name, wanted)| match record.value.get(name) {
                Some(Value::String(value)) => value == wanted,
                Some(value) => wanted == &value.to_string(),
                None => false,
            })
    }
}

/// Gold as far as it can be used, and what cannot.
#[derive(Debug)]
pub struct Gold<T> {
    /// In the order of the files.
    pub records: Vec<T>,
    /// Left out, and counted.
    pub bad: Vec<BadRecord>,
}

/// Where a record stands, for messages and reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Its `id`; its place where it has none.
    pub id: String,
    /// File and line.
    pub place: String,
}

/// Reads JSON Lines files (plain, `.gz` or `.zst`), of a folder all that end so, and makes a
/// `T` of each record that is wanted.
///
/// # Errors
/// If a file cannot be read or no record can be used. Single records that are wrong are in
/// [`Gold::bad`].
pub fn json_lines<T>(
    paths: &[PathBuf],
    selection: &Selection,
    read: impl FnMut(&Record) -> Result<T, BadRecord>,
) -> Result<Gold<T>, GoldError> {
    json_lines_if(paths, selection, |_| true, read)
}

/// As [`json_lines`], but passes over records that are not `wanted`.
///
/// # Errors
/// As [`json_lines`].
pub fn json_lines_if<T>(
    paths: &[PathBuf],
    selection: &Selection,
    wanted: impl Fn(&Record) -> bool,
    mut read: impl FnMut(&Record) -> Result<T, BadRecord>,
) -> Result<Gold<T>, GoldError> {
    const ENDINGS: [&str; 3] = [".jsonl", ".jsonl.gz", ".jsonl.zst"];
    let mut gold = Gold {
        records: Vec::new(),
        bad: Vec::new(),
    };
    let full = |gold: &Gold<T>| selection.limit.is_some_and(|n| gold.records.len() >= n);
    for file in files(paths, &ENDINGS, "`*.jsonl` file")? {
        let failed = |source| GoldError::Read {
            path: file.clone(),
            source,
        };
        let mut lines = BufReader::new(open(&file).map_err(failed)?);
        let (mut line, mut number) = (Vec::new(), 0_u64);
        while !full(&gold) {
            line.clear();
            number += 1;
            if lines.read_until(b'\n', &mut line).map_err(failed)? == 0 {
                break;
            }
            if line.trim_ascii().is_empty() {
                continue;
            }
            let place = format!("{}:{number}", file.display());
            let record = match Record::parse(&line, place) {
                Ok(record) => record,
                Err(bad) => {
                    gold.bad.push(bad);
                    continue;
                }
            };
            if !selection.has(&record) || !wanted(&record) {
                continue;
            }
            match read(&record) {
                Ok(one) => gold.records.push(one),
                Err(bad) => gold.bad.push(bad),
            }
        }
    }
    gold.some()
}

impl<T> Gold<T> {
    /// Itself, if there is anything to evaluate on.
    ///
    /// # Errors
    /// If there is not.
    pub fn some(self) -> Result<Self, GoldError> {
        match (self.records.is_empty(), self.bad.first()) {
            (false, _) => Ok(self),
            (true, Some(first)) => Err(GoldError::NoneUsable {
                records: self.bad.len(),
                first: first.clone(),
            }),
            (true, None) => Err(GoldError::NoneLeft),
        }
    }
}

/// The files that paths name; of a folder those with one of the endings, sorted by name.
///
/// # Errors
/// If a folder cannot be read or has no such file.
pub fn files(
    paths: &[PathBuf],
    endings: &[&str],
    wanted: &'static str,
) -> Result<Vec<PathBuf>, GoldError> {
    let mut all = Vec::new();
    for path in paths {
        let failed = |source| GoldError::Read {
            path: path.clone(),
            source,
        };
        if !path.is_dir() {
            all.push(path.clone());
            continue;
        }
        let mut found = Vec::new();
        for entry in path.read_dir().map_err(failed)? {
            let file = entry.map_err(failed)?.path();
            let name = file.to_string_lossy();
            if endings.iter().any(|ending| name.ends_with(ending)) && file.is_file() {
                found.push(file);
            }
        }
        if found.is_empty() {
            return Err(GoldError::Empty {
                path: path.clone(),
                wanted,
            });
        }
        found.sort();
        all.append(&mut found);
    }
    Ok(all)
}

/// Opens a file, unpacked if its name ends in `.gz` or `.zst`.
///
/// # Errors
/// What the system says.
pub fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    let file = File::open(path)?;
    Ok(match path.extension().and_then(|e| e.to_str()) {
        Some("gz") => Box::new(flate2::read::MultiGzDecoder::new(file)),
        Some("zst") => Box::new(zstd::Decoder::new(file)?),
        _ => Box::new(file),
    })
}

/// One JSON object of a gold file.
#[derive(Debug, Clone)]
pub struct Record {
    place: Rc<str>,
    value: Value,
}

impl Record {
    /// Parses a JSON object that stands at `place`.
    ///
    /// # Errors
    /// If it is none.
    pub fn parse(json: &[u8], place: String) -> Result<Self, BadRecord> {
        let bad = |problem: String, hint: &str| BadRecord {
            place: place.clone(),
            field: String::new(),
            problem,
            hint: hint.to_owned(),
        };
        let value: Value = serde_json::from_slice(json).map_err(|error| {
            bad(
                format!("not JSON: {error}"),
                "write one JSON object, in UTF-8, on each line",
            )
        })?;
        if !value.is_object() {
            let problem = format!("{} instead of an object", kind(&value));
            return Err(bad(problem, "write one JSON object on each line"));
        }
        Ok(Self {
            place: place.into(),
            value,
        })
    }

    /// The object itself, to look for its fields.
    #[must_use]
    pub fn root(&self) -> Field<'_> {
        Field {
            place: &self.place,
            path: String::new(),
            value: Some(&self.value),
        }
    }

    /// The field `name` of the object.
    #[must_use]
    pub fn field(&self, name: &str) -> Field<'_> {
        self.root().field(name)
    }

    /// Its `id` and place.
    #[must_use]
    pub fn origin(&self) -> Origin {
        let id = match self.value.get("id") {
            Some(Value::String(id)) => id.clone(),
            Some(Value::Number(id)) => id.to_string(),
            _ => self.place.to_string(),
        };
        Origin {
            id,
            place: self.place.to_string(),
        }
    }
}

/// A value in a record, or the place where one should be.
#[derive(Debug, Clone)]
pub struct Field<'r> {
    place: &'r str,
    path: String,
    value: Option<&'r Value>,
}

impl<'r> Field<'r> {
    /// Says what is wrong here.
    pub fn bad(&self, problem: impl Into<String>, hint: impl Into<String>) -> BadRecord {
        BadRecord {
            place: self.place.to_owned(),
            field: self.path.clone(),
            problem: problem.into(),
            hint: hint.into(),
        }
    }

    /// The field `name` of this object; absent if there is none.
    #[must_use]
    pub fn field(&self, name: &str) -> Self {
        let dot = if self.path.is_empty() { "" } else { "." };
        Self {
            place: self.place,
            path: format!("{}{dot}{name}", self.path),
            value: self.value.and_then(|value| value.get(name)),
        }
    }

    /// Itself unless it is absent or null.
    #[must_use]
    pub fn present(self) -> Option<Self> {
        self.value
            .is_some_and(|value| !value.is_null())
            .then_some(self)
    }

    /// The value, whatever it is; absent is null.
    #[must_use]
    pub fn value(&self) -> &'r Value {
        self.value.unwrap_or(&Value::Null)
    }

    /// A string.
    ///
    /// # Errors
    /// If it is none.
    pub fn text(&self) -> Result<&'r str, BadRecord> {
        self.value().as_str().ok_or_else(|| self.is_no("a string"))
    }

    /// One of some strings.
    ///
    /// # Errors
    /// If it is none of them.
    pub fn one_of<'n>(&self, names: &[&'n str]) -> Result<&'n str, BadRecord> {
        let text = self.text()?;
        names
            .iter()
            .find(|name| **name == text)
            .copied()
            .ok_or_else(|| {
                self.bad(
                    format!("there is no `{text}`"),
                    format!("it is one of {}", names.join(", ")),
                )
            })
    }

    /// A whole number from 0.
    ///
    /// # Errors
    /// If it is none.
    pub fn number(&self) -> Result<u32, BadRecord> {
        self.value()
            .as_u64()
            .and_then(|n| u32::try_from(n).ok())
            .ok_or_else(|| self.is_no("a whole number from 0"))
    }

    /// True or false.
    ///
    /// # Errors
    /// If it is neither.
    pub fn truth(&self) -> Result<bool, BadRecord> {
        self.value()
            .as_bool()
            .ok_or_else(|| self.is_no("`true` or `false`"))
    }

    /// The fields of an object.
    ///
    /// # Errors
    /// If it is none.
    pub fn object(&self) -> Result<&'r Map<String, Value>, BadRecord> {
        self.value()
            .as_object()
            .ok_or_else(|| self.is_no("an object"))
    }

    /// The items of an array.
    ///
    /// # Errors
    /// If it is none.
    pub fn items(&self) -> Result<Vec<Self>, BadRecord> {
        let items = self
            .value()
            .as_array()
            .ok_or_else(|| self.is_no("an array"))?;
        Ok(items
            .iter()
            .enumerate()
            .map(|(i, value)| Self {
                place: self.place,
                path: format!("{}[{i}]", self.path),
                value: Some(value),
            })
            .collect())
    }

    /// `[start, end]`, end exclusive, not empty, and not beyond `length` things called `what`.
    ///
    /// # Errors
    /// If it is none.
    pub fn span(&self, length: usize, what: &str) -> Result<Span, BadRecord> {
        let items = self.items()?;
        let [start, end] = items.as_slice() else {
            return Err(self.is_no("`[start, end]`"));
        };
        self.checked(start.number()?, end.number()?, length, what)
    }

    /// The span from `start` to `end`, which were read here, checked as [`Field::span`] does.
    ///
    /// # Errors
    /// If it is empty or reaches too far.
    pub fn checked(
        &self,
        start: u32,
        end: u32,
        length: usize,
        what: &str,
    ) -> Result<Span, BadRecord> {
        let hint = format!("count {what} from 0, the end exclusive");
        if start >= end {
            return Err(self.bad(format!("[{start}, {end}] is empty"), hint));
        }
        if end as usize > length {
            let problem = format!("[{start}, {end}] ends beyond the {length} {what}");
            return Err(self.bad(problem, hint));
        }
        Ok(start..end)
    }

    /// A list of [`Field::span`].
    ///
    /// # Errors
    /// If it is none.
    pub fn spans(&self, length: usize, what: &str) -> Result<Vec<Span>, BadRecord> {
        self.items()?
            .iter()
            .map(|item| item.span(length, what))
            .collect()
    }

    fn is_no(&self, wanted: &str) -> BadRecord {
        match self.value {
            None => self.bad("is missing", format!("give {wanted}")),
            Some(value) => self.bad(
                format!("{} instead of {wanted}", kind(value)),
                format!("give {wanted}"),
            ),
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn read(lines: &str, selection: &Selection) -> Result<Gold<Span>, GoldError> {
        let mut file = tempfile::Builder::new()
            .suffix(".jsonl")
            .tempfile()
            .unwrap();
        file.write_all(lines.as_bytes()).unwrap();
        json_lines(&[file.path().to_owned()], selection, |record| {
            let text = record.field("text").text()?;
            record.field("places").items()?[0].span(text.chars().count(), "characters")
        })
    }

    #[test]
    fn bad_records_are_told_by_line_and_field_and_the_others_are_read() {
        let gold = read(
            concat!(
                "{\"text\": \"Åse\", \"places\": [[0, 3]]}\n",
                "\n",
                "{\"text\": \"Åse\", \"places\": [[0, 4]]}\n",
                "{\"text\": \"Åse\", \"places\": [[2, 2]]}\n",
                "{\"text\": \"Åse\", \"places\": [[0]]}\n",
                "{\"text\": \"Åse\"}\n",
                "{\"text\": 3}\n",
                "{\"text\": \n",
                "[]\n",
            ),
            &Selection::default(),
        )
        .unwrap();
        assert_eq!(gold.records, [0..3]);
        let told: Vec<String> = gold
            .bad
            .iter()
            .map(|bad| {
                let (_, line) = bad.place.rsplit_once(':').unwrap();
                let told = bad.to_string();
                format!("{line}{}", &told[bad.place.len()..])
            })
            .collect();
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn records_are_chosen_by_their_fields_and_counted_to_the_limit() {
        let lines = "{\"source\": \"a\", \"text\": \"x\", \"places\": [[0, 1]]}\n{\"source\": \"b\", \"text\": \"xy\", \"places\": [[0, 2]]}\n";
        let of = |wanted: &[(&str, &str)], limit| Selection {
            wanted: wanted
                .iter()
                .map(|(a, b)| (a.to_string(), b.to_string()))
                .collect(),
            limit,
        };
        assert_eq!(
            read(lines, &of(&[("source", "b")], None)).unwrap().records,
            [0..2]
        );
        assert_eq!(read(lines, &of(&[], Some(1))).unwrap().records, [0..1]);
        assert!(matches!(
            read(lines, &of(&[("source", "c")], None)),
            Err(GoldError::NoneLeft)
        ));
    }

    #[test]
    fn gold_of_which_nothing_can_be_used_is_an_error() {
        let error = read("{\"text\": 3}\n", &Selection::default()).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("field `text`: a number instead of a string"),
            "{error}"
        );
    }

    #[test]
    fn packed_files_and_folders_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let line = b"{\"id\": \"a\"}\n";
        let mut packed = flate2::write::GzEncoder::new(
            File::create(folder.path().join("b.jsonl.gz")).unwrap(),
            flate2::Compression::default(),
        );
        packed.write_all(line).unwrap();
        packed.finish().unwrap();
        let zst = zstd::encode_all(&line[..], 0).unwrap();
        std::fs::write(folder.path().join("c.jsonl.zst"), zst).unwrap();
        std::fs::write(folder.path().join("a.jsonl"), line).unwrap();
        std::fs::write(folder.path().join("notes.txt"), "no gold").unwrap();
        let gold = json_lines(
            &[folder.path().to_owned()],
            &Selection::default(),
            |record| Ok(record.origin()),
        )
        .unwrap();
        assert_eq!(gold.records.len(), 3);
        assert!(gold.records[0].place.ends_with("a.jsonl:1"));
        assert!(gold.records.iter().all(|origin| origin.id == "a"));
    }
}
