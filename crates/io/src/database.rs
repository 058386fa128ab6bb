//! Output in SQLite: tables of documents, entities, quotes and sentiment, with full text search.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use copydesk_document::{Batch, Map, Value};
use copydesk_engine::{Sink, SinkError};
use rusqlite::{Connection, ErrorCode, params};
use serde::Serialize;

use crate::{
    OutputError,
    assemble::Layout,
    output::Retractable,
    record::{Entity, HolderKind, Quote, Record, Score, TargetSentiment},
    target::{PartialFile, Place},
};

/// The tables, with what they mean.
pub(crate) const SCHEMA: &str = include_str!("sqlite_schema.sql");

/// Of tables that are others than [`SCHEMA`] (`PRAGMA user_version`).
const VERSION: i64 = 1;

/// Documents written in one transaction where nobody else decides.
const TRANSACTION: usize = 1000;

/// Writes the documents of a run into a database.
pub(crate) struct Database {
    /// Gone once it failed or was finished.
    connection: Option<Connection>,
    path: PathBuf,
    /// A database of its own, which gets its name when it is complete; else a part of one.
    partial: Option<PartialFile>,
    layout: Layout,
    part: u32,
    pending: usize,
}

impl Database {
    /// Opens a new database, which gets its name when it is complete.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn create(path: &Path, layout: Layout) -> Result<Self, OutputError> {
        let open = || {
            let partial = PartialFile::reserve(path).map_err(Cause::System)?;
            // What an earlier run has left there is no database to add to.
            match std::fs::remove_file(partial.partial()) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Cause::System(error));
                }
                _ => {}
            }
            let connection = connect(partial.partial(), &layout)?;
            // Until it has its name nobody relies on it.
            connection.execute_batch("PRAGMA synchronous = OFF; BEGIN")?;
            connection.execute("INSERT INTO parts VALUES (0)", [])?;
            Ok((partial, connection))
        };
        let (partial, connection) = open().map_err(|cause| cannot_open(path, cause))?;
        Ok(Self {
            connection: Some(connection),
            path: path.to_owned(),
            partial: Some(partial),
            layout,
            part: 0,
            pending: 0,
        })
    }

    /// Opens the database for part `number`, without what is there of it or of later ones. All of
    /// the part, or nothing of it, is there whatever happens.
    ///
    /// # Errors
    /// If it cannot be written, or is no database of this version.
    pub(crate) fn open_part(path: &Path, number: u32, layout: Layout) -> Result<Self, OutputError> {
        let open = || {
            PartialFile::reserve(path).map_err(Cause::System)?;
            let connection = connect(path, &layout)?;
            connection.execute_batch("PRAGMA synchronous = FULL; BEGIN IMMEDIATE")?;
            connection.execute("DELETE FROM documents WHERE part >= ?1", [number])?;
            connection.execute("DELETE FROM parts WHERE part >= ?1", [number])?;
            connection.execute("INSERT INTO parts VALUES (?1)", [number])?;
            Ok(connection)
        };
        let connection = open().map_err(|cause| cannot_open(path, cause))?;
        Ok(Self {
            connection: Some(connection),
            path: path.to_owned(),
            partial: None,
            layout,
            part: number,
            pending: 0,
        })
    }

    fn failed(&mut self, cause: Cause) -> SinkError {
        // What was not committed is rolled back when it is closed.
        self.connection = None;
        SinkError {
            what: format!("the output `{}`", self.path.display()),
            source: cause.into_io(),
        }
    }

    fn insert(&mut self, batch: &Batch) -> Result<(), Cause> {
        let Some(connection) = &self.connection else {
            return Ok(());
        };
        for i in 0..batch.len() {
            let record = self.layout.record(batch, i);
            insert(connection, &record, self.part)?;
            self.pending += 1;
        }
        if self.partial.is_some() && self.pending >= TRANSACTION {
            connection.execute_batch("COMMIT; BEGIN")?;
            self.pending = 0;
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), Cause> {
        let Some(connection) = self.connection.take() else {
            return Ok(());
        };
        connection.execute_batch("COMMIT")?;
        if self.partial.is_some() {
            tidy(&connection)?;
        }
        connection.close().map_err(|(_, error)| error)?;
        if let Some(partial) = &mut self.partial {
            let file = File::open(partial.partial()).map_err(Cause::System)?;
            partial.keep(&file).map_err(Cause::System)?;
        }
        Ok(())
    }
}

/// Makes a complete database quick to ask; an empty one, where nothing was written.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn complete(path: &Path, layout: &Layout) -> io::Result<()> {
    let open = || {
        let connection = connect(path, layout)?;
        tidy(&connection)?;
        connection.close().map_err(|(_, error)| Cause::from(error))
    };
    open().map_err(Cause::into_io)
}

fn tidy(connection: &Connection) -> Result<(), Cause> {
    connection.execute_batch(
        "INSERT INTO documents_text (documents_text) VALUES ('optimize');
         INSERT INTO quotes_text (quotes_text) VALUES ('optimize');
         PRAGMA optimize = 0x10002;",
    )?;
    Ok(())
}

fn connect(path: &Path, layout: &Layout) -> Result<Connection, Cause> {
    let connection = Connection::open(path)?;
    connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA cache_size = -32768")?;
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 {
        connection.execute_batch(&format!(
            "BEGIN; {SCHEMA}; PRAGMA user_version = {VERSION}; COMMIT"
        ))?;
        let about = [
            ("copydesk", env!("CARGO_PKG_VERSION")),
            ("offsets", layout.unit_name()),
        ];
        for (key, value) in about {
            connection.execute("INSERT INTO about VALUES (?1, ?2)", [key, value])?;
        }
    } else if version != VERSION {
        return Err(Cause::System(io::Error::other(
            "it is a database of something else, or of another version of copydesk",
        )));
    }
    Ok(connection)
}

fn cannot_open(path: &Path, cause: Cause) -> OutputError {
    OutputError::Open {
        place: Place::File(path.to_owned()),
        source: cause.into_io(),
    }
}

/// What kept something from being written.
enum Cause {
    Sqlite(rusqlite::Error),
    Json(serde_json::Error),
    System(io::Error),
}

impl From<rusqlite::Error> for Cause {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<serde_json::Error> for Cause {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error)
    }
}

impl Cause {
    fn into_io(self) -> io::Error {
        match self {
            Self::System(error) => error,
            Self::Json(error) => error.into(),
            Self::Sqlite(error) => {
                let kind = match error.sqlite_error_code() {
                    Some(ErrorCode::DiskFull) => io::ErrorKind::StorageFull,
                    Some(ErrorCode::ReadOnly) => io::ErrorKind::ReadOnlyFilesystem,
                    Some(ErrorCode::DatabaseBusy) => io::ErrorKind::ResourceBusy,
                    _ => io::ErrorKind::Other,
                };
                io::Error::new(kind, error)
            }
        }
    }
}

impl Sink for Database {
    fn write(&mut self, batch: &Batch) -> Result<(), SinkError> {
        self.insert(batch).map_err(|cause| self.failed(cause))
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        self.close().map_err(|cause| self.failed(cause))
    }
}

impl Retractable for Database {
    fn discard(mut self: Box<Self>) {
        self.connection = None;
        if let Some(partial) = &mut self.partial {
            partial.discard();
        }
    }
}

fn insert(connection: &Connection, record: &Record<'_>, part: u32) -> Result<(), Cause> {
    let mut meta = record.meta.clone().unwrap_or_default();
    let mut said = |key: &str| match meta.shift_remove(key) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text),
        Some(other) => Some(other.to_string()),
    };
    let (title, authors, published) = (said("title"), said("authors"), said("published"));
    let (publisher, dateline, language) = (said("publisher"), said("dateline"), said("language"));
    let mut statement = connection.prepare_cached(
        "INSERT INTO documents (id, path, title, authors, published, publisher, dateline, language,
         text, meta, extra, removed, tone, layers, warnings, part)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
    )?;
    let document = statement.insert(params![
        record.id,
        record.path,
        title,
        authors,
        published,
        publisher,
        dateline,
        language,
        record.text,
        object(&meta)?,
        object(record.extra)?,
        optional(&record.removed)?,
        optional(&record.tone)?,
        optional(&record.layers)?,
        json(&record.warnings)?,
        part,
    ])?;
    let entities = record.entities.as_deref().unwrap_or_default();
    for entity in entities {
        insert_entity(connection, document, entity)?;
    }
    let quotes = record.quotes.as_deref().unwrap_or_default();
    for quote in quotes {
        insert_quote(connection, document, quote, entities)?;
    }
    let mentions = record.sentiment.as_deref().unwrap_or_default();
    for (number, mention) in mentions.iter().enumerate() {
        insert_mention(connection, document, number, mention, quotes)?;
    }
    Ok(())
}

fn insert_entity(connection: &Connection, document: i64, entity: &Entity<'_>) -> Result<(), Cause> {
    let place = entity.place;
    connection
        .prepare_cached(
            "INSERT INTO entities VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            document,
            entity.id,
            place.start,
            place.end,
            place.raw_start,
            place.raw_end,
            entity.text,
            entity.label,
            entity.score.map(Score::rounded),
            entity.name,
            object(&entity.attrs)?,
        ])?;
    Ok(())
}

fn insert_quote(
    connection: &Connection,
    document: i64,
    quote: &Quote<'_>,
    entities: &[Entity<'_>],
) -> Result<(), Cause> {
    let place = quote.place;
    let speaker = quote.speaker.as_ref().and_then(Option::as_ref);
    let cue = quote.cue.as_ref().and_then(Option::as_ref);
    // A link to a row that is not written would point at nothing.
    let entity = speaker
        .and_then(|speaker| speaker.entity)
        .filter(|id| entities.iter().any(|entity| entity.id == *id));
    connection
        .prepare_cached(
            "INSERT INTO quotes VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,
             ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)",
        )?
        .execute(params![
            document,
            quote.id,
            place.start,
            place.end,
            place.raw_start,
            place.raw_end,
            json(&quote.parts)?,
            quote.text,
            quote.kind,
            quote.score.map(Score::rounded),
            speaker.map(|speaker| speaker.name),
            speaker.and_then(|speaker| speaker.label),
            entity,
            speaker.map(|speaker| speaker.text),
            speaker.map(|speaker| speaker.place.start),
            speaker.map(|speaker| speaker.place.end),
            cue.map(|cue| cue.text),
            cue.map(|cue| cue.place.start),
            cue.map(|cue| cue.place.end),
            object(&quote.attrs)?,
        ])?;
    for (target, attitude) in quote.sentiment.iter().flatten() {
        connection
            .prepare_cached("INSERT INTO attitudes VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![
                document,
                quote.id,
                target,
                attitude["label"].as_str(),
                attitude["score"].as_f64(),
            ])?;
    }
    Ok(())
}

fn insert_mention(
    connection: &Connection,
    document: i64,
    number: usize,
    mention: &TargetSentiment<'_>,
    quotes: &[Quote<'_>],
) -> Result<(), Cause> {
    let (place, holder) = (mention.place, &mention.holder);
    let quote = holder
        .quote
        .filter(|id| quotes.iter().any(|quote| quote.id == *id));
    connection
        .prepare_cached(
            "INSERT INTO sentiment VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,
             ?13)",
        )?
        .execute(params![
            document,
            number as i64,
            mention.target,
            place.start,
            place.end,
            place.raw_start,
            place.raw_end,
            mention.text,
            mention.label,
            mention.score.map(Score::rounded),
            match holder.kind {
                HolderKind::Author => "author",
                HolderKind::Speaker => "speaker",
            },
            holder.name,
            quote,
        ])?;
    Ok(())
}

fn json(value: &impl Serialize) -> Result<String, Cause> {
    Ok(serde_json::to_string(value)?)
}

fn optional(value: &Option<impl Serialize>) -> Result<Option<String>, Cause> {
    value.as_ref().map(json).transpose()
}

/// Nothing rather than an empty object.
fn object(fields: &Map<String, Value>) -> Result<Option<String>, Cause> {
    match fields.is_empty() {
        true => Ok(None),
        false => json(fields).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use copydesk_document::{NewDocument, offsets::Unit};
    use rusqlite::{OpenFlags, types::ValueRef};

    use super::*;
    use crate::{Format, Output, article};

    fn layout() -> Layout {
        Layout::new(&article::contracts(), &[], Unit::Char)
    }

    fn output(path: &Path) -> Output {
        Output::new(Place::File(path.to_owned()), Format::Sqlite, layout(), 10)
    }

    fn plain(ids: &[&str]) -> Batch {
        let mut batch = Batch::new();
        for id in ids {
            batch.push(NewDocument::new(*id, "The ferry sails."));
        }
        batch
    }

    /// Every row, with a bar between columns.
    fn ask(path: &Path, query: &str) -> Vec<String> {
        let connection =
            Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let mut statement = connection
            .prepare(query)
            .unwrap_or_else(|error| panic!("{query}: {error}"));
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        let mut all = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            let shown = (0..columns).map(|column| match row.get_ref(column).unwrap() {
                ValueRef::Null => "-".to_owned(),
                ValueRef::Integer(number) => number.to_string(),
                ValueRef::Real(number) => number.to_string(),
                ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
                ValueRef::Blob(_) => "blob".to_owned(),
            });
            all.push(shown.collect::<Vec<_>>().join("|"));
        }
        all
    }

    #[test]
    fn a_document_is_in_every_table_and_links_hold() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/news.sqlite");
        let mut database = output(&path).open(false).unwrap();
        database.write(&article::annotated()).unwrap();
        database.write(&plain(&["bare"])).unwrap();
        assert!(!path.exists(), "it has its name when it is complete");
        database.finish().unwrap();
        let tables = [
            "documents",
            "entities",
            "quotes",
            "attitudes",
            "sentiment",
            "about",
        ];
        let shown: Vec<String> = tables
            .iter()
            .map(|table| {
                format!(
                    "{table}\n{}",
                    ask(&path, &format!("SELECT * FROM {table}")).join("\n")
                )
            })
            .collect();
        let shown = shown
            .join("\n\n")
            .replace(env!("CARGO_PKG_VERSION"), "[VERSION]");
        insta::assert_snapshot!(shown);
        assert!(ask(&path, "PRAGMA foreign_key_check").is_empty());
        assert_eq!(ask(&path, "PRAGMA integrity_check"), ["ok"]);
        assert_eq!(
            std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
            1
        );
        assert!(matches!(
            output(&path).open(false),
            Err(OutputError::Exists { .. })
        ));
    }

    #[test]
    fn a_part_is_there_whole_or_not_at_all_and_can_be_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("news.db");
        let output = output(&path);
        assert_eq!(output.part_name(0), None);
        let write = |number, batch: &Batch| {
            let mut part = output.open_part(folder.path(), number).unwrap();
            part.write(batch).unwrap();
            part
        };
        write(0, &plain(&["a", "b"])).finish().unwrap();
        // Killed before it was finished.
        drop(write(1, &article::annotated()));
        assert_eq!(ask(&path, "SELECT id, part FROM documents"), ["a|0", "b|0"]);
        write(1, &article::annotated()).finish().unwrap();
        // Finished, but nobody took note of it.
        write(1, &article::annotated()).finish().unwrap();
        write(2, &plain(&["c"])).finish().unwrap();
        output.join(folder.path(), &[0, 1, 2]).unwrap();
        output.join(folder.path(), &[0, 1, 2]).unwrap();
        assert_eq!(
            ask(&path, "SELECT id, part FROM documents"),
            ["a|0", "b|0", "row/ferry.txt|1", "c|2"]
        );
        for (table, rows) in [
            ("entities", "2"),
            ("quotes", "3"),
            ("sentiment", "2"),
            ("attitudes", "1"),
        ] {
            assert_eq!(ask(&path, &format!("SELECT count(*) FROM {table}")), [rows]);
        }
        let found = "SELECT rowid FROM documents_text WHERE documents_text MATCH 'bluff'";
        assert_eq!(
            ask(&path, found).len(),
            1,
            "what was taken back is not found"
        );
        let found = "SELECT count(*) FROM quotes_text WHERE quotes_text MATCH 'bluff'";
        assert_eq!(ask(&path, found), ["2"]);
        for table in ["documents_text", "quotes_text"] {
            let connection = Connection::open(&path).unwrap();
            let check =
                format!("INSERT INTO {table} ({table}, rank) VALUES ('integrity-check', 1)");
            connection.execute_batch(&check).unwrap();
        }
    }

    #[test]
    fn a_database_of_something_else_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.db");
        Connection::open(&path)
            .unwrap()
            .execute_batch("CREATE TABLE ships (name)")
            .unwrap();
        let error = output(&path).open_part(folder.path(), 0).err().unwrap();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains("something else"), "{cause}");
        std::fs::write(
            &path,
            "no database, but long enough to look like one".repeat(20),
        )
        .unwrap();
        assert!(output(&path).open_part(folder.path(), 0).is_err());
    }

    #[test]
    fn the_shell_of_sqlite_opens_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("news.sqlite");
        let mut database = output(&path).open(false).unwrap();
        database.write(&article::annotated()).unwrap();
        database.finish().unwrap();
        let query = "SELECT speaker FROM quotes_text WHERE quotes_text MATCH 'ferries'; PRAGMA integrity_check";
        let ran = std::process::Command::new("sqlite3")
            .arg(&path)
            .arg(query)
            .output();
        match ran {
            Ok(ran) => {
                let error = String::from_utf8_lossy(&ran.stderr).into_owned();
                assert_eq!(
                    String::from_utf8_lossy(&ran.stdout),
                    "Élise Brandt\nok\n",
                    "{error}"
                );
            }
            Err(error) => println!("skipped: there is no shell `sqlite3` ({error})"),
        }
    }

    #[test]
    fn the_queries_of_the_page_about_the_output_answer_their_questions() {
        let page = include_str!("../../../docs/output.md");
        let queries: Vec<&str> = page
            .split("```sql\n")
            .skip(1)
            .filter_map(|rest| rest.split("```").next())
            .collect();
        assert_eq!(queries.len(), 3);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("news.sqlite");
        let mut database = output(&path).open(false).unwrap();
        database.write(&article::annotated()).unwrap();
        database.finish().unwrap();
        let connection = Connection::open(&path).unwrap();
        // The page asks about other names than the article has.
        connection
            .execute_batch(
                "UPDATE attitudes SET target = 'NATO'; UPDATE sentiment SET target = 'Russia';
                 UPDATE documents SET published = '2019-03-04'",
            )
            .unwrap();
        let answers: Vec<String> = queries
            .iter()
            .map(|query| ask(&path, query).join("\n"))
            .collect();
        insta::assert_snapshot!(answers.join("\n\n"));
    }
}
