#!/usr/bin/env python3
"""Scores quotes of `copydesk run` against PolNeAR records, per kind.

    copydesk run pipeline.toml ../shared/data/quotes/dev.jsonl -o out.jsonl
    python3 plugins/quotes/eval/polnear.py out.jsonl --data ../shared/data/quotes/dev.jsonl

Found: a prediction shares at least half of the characters of its union with
the gold content, or lies to more than 80 % inside it. Right of all: found, and
the speaker's mention overlaps the gold source or has its last word, over all
with a source. Offsets are compared in the raw text. Half of the indirect gold
is no speech; it is split off by the cue (`indirect, speech` has a cue of
speaking from the list below). The interval is a bootstrap over documents.
"""

import argparse
import collections
import json
import os
import random
import sys

SPEECH = set(
    "said says say saying told tell tells telling according added adding adds wrote writes writing asked asking asks "
    "noted noting notes reported announced suggested suggesting tweeted argued arguing argues explained explaining "
    "acknowledged declared continued stated warned warning claimed claiming claims insisted insisting insists replied "
    "responded revealed admitted concluded promised pledged vowed called calling calls described describing accused "
    "accusing blamed stressed emphasized reiterated asserted conceded complained lamented joked quipped boasted "
    "charged testified confirmed denied predicted recalled urged demanded proposed remarked observed repeated "
    "indicated disclosed maintained contended alleged shouted posted".split()
)


def characters(spans):
    out = set()
    for start, end in spans:
        out.update(range(start, end))
    return out


def kind_of(record, attribution):
    if attribution["kind"] != "indirect":
        return attribution["kind"]
    cue = " ".join(record["text"][a:b] for a, b in attribution["cue"]).lower().replace(":", "").split()
    return "indirect, speech" if SPEECH & set(cue) else "indirect, other"


def score(record, quotes):
    """Counts of one document: gold, found, with source, right by kind; predicted and matched by kind."""
    text = record["text"]
    predicted = [set(range(q["raw_start"], q["raw_end"])) for q in quotes]
    matched = [False] * len(quotes)
    counts = collections.Counter()
    for attribution in record["attributions"]:
        kind = kind_of(record, attribution)
        gold = characters(attribution["content"])
        hits = []
        for i, mine in enumerate(predicted):
            shared = len(mine & gold)
            if shared and (shared / len(mine | gold) >= 0.5 or shared / len(mine) > 0.8):
                hits.append(i)
                matched[i] = True
        counts["gold", kind] += 1
        counts["found", kind] += bool(hits)
        if not attribution["source"]:
            continue
        counts["sourced", kind] += 1
        source = characters(attribution["source"])
        words = " ".join(text[a:b] for a, b in attribution["source"]).replace("’s", "").replace("'s", "").split()
        for i in hits:
            speaker = quotes[i]["speaker"]
            if not speaker:
                continue
            name = speaker["name"].split()
            if source & set(range(speaker["raw_start"], speaker["raw_end"])) or (
                name and words and name[-1].lower() == words[-1].lower()
            ):
                counts["right", kind] += 1
                break
    for quote, hit in zip(quotes, matched):
        counts["predicted", quote["kind"]] += 1
        counts["matched", quote["kind"]] += hit
    return counts


def interval(documents, over, under, kind):
    random.seed(7)
    shares = []
    for _ in range(1000):
        total = collections.Counter()
        for counts in random.choices(documents, k=len(documents)):
            total.update({key: counts[key] for key in ((over, kind), (under, kind))})
        shares.append(total[over, kind] / max(1, total[under, kind]))
    shares.sort()
    return f"[{100 * shares[25]:.1f}, {100 * shares[974]:.1f}]"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", help="JSONL of copydesk")
    parser.add_argument("--data", required=True, help="PolNeAR records in the form of ../shared/data/quotes")
    parser.add_argument("--min-score", type=float, default=0.0)
    parser.add_argument("--misses", type=int, default=0, help="print so many direct and mixed quotes that were missed")
    arguments = parser.parse_args()
    if not os.path.exists(arguments.data):
        sys.exit(f"skipped: {arguments.data} is absent")
    made = {}
    for line in open(arguments.output, encoding="utf-8"):
        record = json.loads(line)
        made[record["id"]] = [q for q in record["quotes"] if q["score"] >= arguments.min_score]
    documents = []
    absent = 0
    for line in open(arguments.data, encoding="utf-8"):
        record = json.loads(line)
        absent += record["id"] not in made
        documents.append(score(record, made.get(record["id"], [])))
    total = sum(documents, collections.Counter())
    print(f"{len(documents)} documents, {absent} without output")
    for kind in ("direct", "mixed", "indirect, speech", "indirect, other"):
        print(
            f"{kind:17} gold {total['gold', kind]:5}  found {100 * total['found', kind] / max(1, total['gold', kind]):5.1f}"
            f"  right of all {100 * total['right', kind] / max(1, total['sourced', kind]):5.1f}"
            f" {interval(documents, 'right', 'sourced', kind)} of {total['sourced', kind]}"
        )
    for kind in ("direct", "mixed", "indirect"):
        print(
            f"predicted {kind:9} {total['predicted', kind]:5}  that match some gold"
            f" {100 * total['matched', kind] / max(1, total['predicted', kind]):5.1f}"
        )


if __name__ == "__main__":
    main()
