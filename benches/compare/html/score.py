#!/usr/bin/env python3
"""Scores what extractors make of two public sets of news pages.

    score.py SCRAPINGHUB FUNDUS PREDICTIONS...

SCRAPINGHUB is a checkout of article-extraction-benchmark, FUNDUS a folder with `pages.jsonl` and
`html/`. PREDICTIONS are folders, one a tool, with `scrapinghub.json` and `fundus.json` as the
extractors of this folder write them: page -> {"articleBody", "title", "authors", "date"}.

F1 is that of the benchmark's own evaluate.py: shingles of four words, precision and recall
averaged over pages. On fundus, whose gold tells more:

  lost      share of gold paragraphs of which less than half the shingles came out
  captions  share of gold captions (of four words and more, in no gold paragraph) that did not
            come out
  authors   share of pages whose set of names is the gold one
  date      share of pages whose instant (or day, where either has no time) is the gold one
  title     share of pages whose title is the gold one, letters and digits compared
"""

import json
import re
import sys
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path

WORD = re.compile(r"\w+")


def shingles(text, n=4):
    words = WORD.findall(text or "")
    return Counter(tuple(words[i : i + n]) for i in range(max(1, len(words) - n + 1)) if words)


def overlap(gold, found):
    true, said = shingles(gold), shingles(found)
    tp = sum((true & said).values())
    return tp, sum(said.values()) - tp, sum(true.values()) - tp


def f1(pairs):
    precisions, recalls = [], []
    for gold, found in pairs:
        tp, fp, fn = overlap(gold, found)
        if tp + fp > 0:
            precisions.append(tp / (tp + fp))
        if tp + fn > 0:
            recalls.append(tp / (tp + fn))
    p, r = (sum(x) / max(1, len(x)) for x in (precisions, recalls))
    return 2 * p * r / max(p + r, 1e-9), p, r


def contains(text, piece):
    """Whether at least half of the shingles of `piece` stand in `text` (a Counter)."""
    wanted = shingles(piece, 4 if len(WORD.findall(piece)) >= 4 else 1)
    if sum(wanted.values()) == 0:
        return True
    if len(WORD.findall(piece)) < 4:
        return " ".join(WORD.findall(piece)) in text[1]
    return 2 * sum(min(n, text[0].get(key, 0)) for key, n in wanted.items()) >= sum(wanted.values())


def indexed(text):
    return shingles(text), " ".join(WORD.findall(text or ""))


def letters(text):
    return re.sub(r"[\W_]+", "", (text or "").lower())


def instant(text):
    """(instant or naive time, has a time) of an ISO date."""
    text = (text or "").strip()
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return at, len(text) > 10


def same_date(gold, found):
    gold, found = instant(gold), instant(found)
    if gold is None or found is None:
        return gold is None and found is None
    (a, a_time), (b, b_time) = gold, found
    if not b_time or not a_time:
        return a.date() == b.date()
    if a.tzinfo is None or b.tzinfo is None:
        return a.replace(tzinfo=None, microsecond=0, second=0) == b.replace(
            tzinfo=None, microsecond=0, second=0
        )
    # The gold keeps what the page's markup says; some pages round the seconds.
    return abs((a - b.astimezone(timezone.utc)).total_seconds()) < 60


def names(authors):
    if isinstance(authors, str):
        authors = [authors]
    return sorted(letters(name) for name in authors or [])


def fundus(rows, found, show):
    pairs, lost, paragraphs, kept, captions = [], 0, 0, 0, 0
    right = Counter()
    for row in rows:
        page = found[row["id"]]
        gold = "\n".join(row["body"])
        body = page.get("articleBody") or ""
        pairs.append((gold, body))
        text, gold_text = indexed(body), indexed(gold)
        for paragraph in row["body"]:
            paragraphs += 1
            if not contains(text, paragraph):
                lost += 1
                if show:
                    print(f"  lost {row['id']}: {paragraph[:110]!r}")
        for caption in row["captions"] or []:
            if len(WORD.findall(caption)) < 4 or contains(gold_text, caption):
                continue
            captions += 1
            if contains(text, caption):
                kept += 1
                if show:
                    print(f"  caption {row['id']}: {caption[:110]!r}")
        for key, good in [
            ("authors", names(page.get("authors")) == names(row["authors"])),
            ("date", same_date(row["date"], page.get("date"))),
            ("title", letters(page.get("title")) == letters(row["title"])),
        ]:
            right[key] += good
            if show and not good:
                gold_value = row["date" if key == "date" else key]
                print(f"  {key} {row['id']}: {page.get(key)!r}, gold {gold_value!r}")
        if show:
            tp, fp, fn = overlap(gold, body)
            print(f"  page {row['id']}: found {tp} extra {fp} missing {fn}")
    n = len(rows)
    return (
        *f1(pairs),
        lost / paragraphs,
        1 - kept / max(1, captions),
        *(right[key] / n for key in ("authors", "date", "title")),
    )


def main():
    arguments = [a for a in sys.argv[1:] if a != "--show"]
    show = "--show" in sys.argv
    if len(arguments) < 3:
        sys.exit(__doc__)
    truth = json.loads((Path(arguments[0]) / "ground-truth.json").read_text())
    rows = [json.loads(line) for line in (Path(arguments[1]) / "pages.jsonl").read_text().splitlines()]
    for row in rows:
        row["id"] = Path(row["html_gz_path"]).name.removesuffix(".html.gz")
    head = "F1 precision recall".split()
    print(f"{'':24} {'scrapinghub':^26} {'fundus'}")
    more = ["lost", "captions", "authors", "date", "title"]
    print(f"{'':24} " + " ".join(f"{h:>9}" for h in head + head + more))
    for folder in map(Path, arguments[2:]):
        figures = []
        if (folder / "scrapinghub.json").exists():
            found = json.loads((folder / "scrapinghub.json").read_text())
            figures += f1((page["articleBody"], found[key].get("articleBody")) for key, page in truth.items())
            if show:
                for key, page in truth.items():
                    tp, fp, fn = overlap(page["articleBody"], found[key].get("articleBody"))
                    if fp + fn > 0.1 * (tp + 1):
                        print(f"  page {key[:12]}: found {tp} extra {fp} missing {fn} {page['url']}")
        else:
            figures += [float("nan")] * 3
        if (folder / "fundus.json").exists():
            found = json.loads((folder / "fundus.json").read_text())
            figures += fundus(rows, found, show)
        print(f"{folder.name:24} " + " ".join(f"{figure:9.4f}" for figure in figures))


if __name__ == "__main__":
    main()
