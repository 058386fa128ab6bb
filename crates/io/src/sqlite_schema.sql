-- Every place is in the unit of `about` ('offsets'): "start" and "end" count in documents.text,
-- "raw_start" and "raw_end" in the input as it was decoded. Columns in which several values stand
-- are JSON, for the functions of SQLite (json_each, ->>).

CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;

-- What was written at once: a part is there with all its documents, or not at all.
CREATE TABLE parts (part INTEGER PRIMARY KEY);

CREATE TABLE documents (
  document INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  path TEXT,
  title TEXT,
  authors TEXT,    -- JSON: array of names
  published TEXT,
  publisher TEXT,
  dateline TEXT,
  language TEXT,
  text TEXT NOT NULL,
  meta TEXT,       -- JSON: metadata of custom stages
  extra TEXT,      -- JSON: the input's own fields
  removed TEXT,    -- JSON: array
  tone TEXT,       -- JSON: object by target
  layers TEXT,     -- JSON: object by layer
  warnings TEXT,   -- JSON: array
  part INTEGER NOT NULL REFERENCES parts
);
CREATE INDEX documents_by_part ON documents (part);
CREATE INDEX documents_by_date ON documents (published);

CREATE TABLE entities (
  document INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
  entity INTEGER NOT NULL,
  "start" INTEGER, "end" INTEGER, raw_start INTEGER, raw_end INTEGER,
  text TEXT, label TEXT, score REAL, name TEXT,
  attrs TEXT,      -- JSON: object
  PRIMARY KEY (document, entity)
) WITHOUT ROWID;
CREATE INDEX entities_by_name ON entities (name, label);

CREATE TABLE quotes (
  row INTEGER PRIMARY KEY,
  document INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
  quote INTEGER NOT NULL,
  "start" INTEGER, "end" INTEGER, raw_start INTEGER, raw_end INTEGER,
  parts TEXT,      -- JSON: array of [start, end]
  text TEXT NOT NULL, kind TEXT, score REAL,
  speaker TEXT, speaker_label TEXT, speaker_entity INTEGER,
  speaker_text TEXT, speaker_start INTEGER, speaker_end INTEGER,
  cue TEXT, cue_start INTEGER, cue_end INTEGER,
  attrs TEXT,      -- JSON: object
  UNIQUE (document, quote),
  FOREIGN KEY (document, speaker_entity) REFERENCES entities (document, entity)
);
CREATE INDEX quotes_by_speaker ON quotes (speaker);

-- The speaker's attitude toward a target in a whole quote.
CREATE TABLE attitudes (
  document INTEGER NOT NULL,
  quote INTEGER NOT NULL,
  target TEXT NOT NULL, label TEXT, score REAL,
  PRIMARY KEY (document, quote, target),
  FOREIGN KEY (document, quote) REFERENCES quotes (document, quote) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX attitudes_by_target ON attitudes (target, label);

-- One row for each mention of a target.
CREATE TABLE sentiment (
  document INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
  mention INTEGER NOT NULL,
  target TEXT NOT NULL,
  "start" INTEGER, "end" INTEGER, raw_start INTEGER, raw_end INTEGER,
  text TEXT, label TEXT, score REAL,
  holder TEXT NOT NULL,  -- author or speaker
  holder_name TEXT, quote INTEGER,
  PRIMARY KEY (document, mention),
  FOREIGN KEY (document, quote) REFERENCES quotes (document, quote)
) WITHOUT ROWID;
CREATE INDEX sentiment_by_target ON sentiment (target, holder, label);

-- Full text: documents_text MATCH 'ferry AND strike' gives rowids of documents, quotes_text of
-- quotes (their column row). Triggers keep both up to date.
CREATE VIRTUAL TABLE documents_text USING fts5 (
  title, text, content = 'documents', content_rowid = 'document', tokenize = 'unicode61'
);
CREATE VIRTUAL TABLE quotes_text USING fts5 (
  text, speaker, content = 'quotes', content_rowid = 'row', tokenize = 'unicode61'
);
CREATE TRIGGER documents_in AFTER INSERT ON documents BEGIN
  INSERT INTO documents_text (rowid, title, text) VALUES (new.document, new.title, new.text);
END;
CREATE TRIGGER documents_out AFTER DELETE ON documents BEGIN
  INSERT INTO documents_text (documents_text, rowid, title, text)
  VALUES ('delete', old.document, old.title, old.text);
END;
CREATE TRIGGER quotes_in AFTER INSERT ON quotes BEGIN
  INSERT INTO quotes_text (rowid, text, speaker) VALUES (new.row, new.text, new.speaker);
END;
CREATE TRIGGER quotes_out AFTER DELETE ON quotes BEGIN
  INSERT INTO quotes_text (quotes_text, rowid, text, speaker)
  VALUES ('delete', old.row, old.text, old.speaker);
END;
