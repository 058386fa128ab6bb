"""Opens a Parquet file of copydesk with DuckDB, Polars and pandas, and holds it against the same
documents in JSON Lines. Called by a test with the paths of both; says what it compared."""

import json
import sys

import duckdb
import pandas
import polars

parquet, jsonl = sys.argv[1:]
with open(jsonl, encoding="utf-8") as lines:
    records = [json.loads(line) for line in lines]
assert records


def fields(record):
    """What all three must find: flat fields, nested ones, and what is keyed by a target."""
    return {
        "id": record["id"],
        "text": record["text"],
        "extra": record["extra"],
        "title": record["meta"]["title"],
        "authors": record["meta"]["authors"],
        "entities": [(e["start"], e["end"], e["text"], e["label"], e["score"], e["name"]) for e in record["entities"]],
        "quotes": [
            (
                q["text"],
                q["kind"],
                q["score"],
                [tuple(part) for part in q["parts"]],
                q["speaker"] and q["speaker"]["name"],
                q["cue"] and q["cue"]["text"],
                sorted((target, s["label"], s["score"]) for target, s in q["sentiment"].items()),
            )
            for q in record["quotes"]
        ],
        "sentiment": [(s["target"], s["label"], s["holder"]["kind"], s["holder"]["quote"]) for s in record["sentiment"]],
        "tone": sorted((target, t["all"]["score"], t["all"]["negative"]) for target, t in record["tone"].items()),
    }


def none(value):
    """pandas has NaN where others have nothing."""
    return None if isinstance(value, float) and value != value else value


def columns(row):
    """The same out of a row of nested columns."""
    items = lambda value: [] if value is None else list(value)
    return {
        "id": row["id"],
        "text": row["text"],
        "extra": json.loads(row["extra"]),
        "title": row["meta"]["title"],
        "authors": items(row["meta"]["authors"]),
        "entities": [(e["start"], e["end"], e["text"], e["label"], none(e["score"]), e["name"]) for e in items(row["entities"])],
        "quotes": [
            (
                q["text"],
                q["kind"],
                none(q["score"]),
                [(part["start"], part["end"]) for part in items(q["parts"])],
                q["speaker"] and q["speaker"]["name"],
                q["cue"] and q["cue"]["text"],
                sorted((s["target"], s["label"], s["score"]) for s in items(q["sentiment"])),
            )
            for q in items(row["quotes"])
        ],
        "sentiment": [(s["target"], s["label"], s["holder"]["kind"], none(s["holder"]["quote"])) for s in items(row["sentiment"])],
        "tone": sorted((t["target"], t["all"]["score"], t["all"]["negative"]) for t in items(row["tone"])),
    }


expected = [fields(record) for record in records]

rows = duckdb.sql(f"SELECT * FROM '{parquet}'")
names = rows.columns
found = [columns(dict(zip(names, row))) for row in rows.fetchall()]
assert found == expected, f"DuckDB: {found} is not {expected}"
speakers = duckdb.sql(
    f"""SELECT quote.speaker.name AS speaker, count(*) AS quotes
        FROM (SELECT unnest(quotes) AS quote FROM '{parquet}')
        WHERE speaker IS NOT NULL GROUP BY speaker ORDER BY quotes DESC, speaker LIMIT 10"""
).fetchall()
assert speakers, "DuckDB: nobody speaks"

found = [columns(row) for row in polars.read_parquet(parquet).to_dicts()]
assert found == expected, f"Polars: {found} is not {expected}"
lazy = polars.scan_parquet(parquet).select(polars.col("quotes").list.len().sum()).collect().item()
assert lazy == sum(len(record["quotes"]) for record in records)

frame = pandas.read_parquet(parquet)
found = [columns(row) for row in frame.to_dict("records")]
assert found == expected, f"pandas: {found} is not {expected}"

print(f"DuckDB {duckdb.__version__}, Polars {polars.__version__}, pandas {pandas.__version__}: {len(records)} documents")
