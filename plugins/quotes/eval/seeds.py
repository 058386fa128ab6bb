#!/usr/bin/env python3
"""Compares quotes of `copydesk run` with the gold of hand-read articles.

    copydesk run pipeline.toml ../shared/seeds -o out.jsonl
    python3 plugins/quotes/eval/seeds.py out.jsonl --gold ../shared/gold/seeds

A quote is found when its words are a predicted quote's words (blanks and
outer commas aside). A speaker is right when the last name agrees (people), or
the head words agree with adjectives of countries taken for their names.
"""

import argparse
import glob
import json
import os
import re
import sys

COUNTRIES = {"russian": "russia", "german": "germany", "belgian": "belgium", "american": "america"}


def fold(text):
    return re.sub(r"[^a-z0-9]+", " ", text.lower().replace("’", "'").replace("'s", "")).strip()


def same_speaker(gold, name):
    if gold["label"] == "PER":
        return fold(gold["name"]).split()[-1:] == fold(name).split()[-1:]
    words = lambda n: {COUNTRIES.get(w, w) for w in fold(n).split()} - {"the", "statement"}
    return words(gold["name"]) == words(name)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output")
    parser.add_argument("--gold", required=True)
    arguments = parser.parse_args()
    files = sorted(glob.glob(os.path.join(arguments.gold, "*.json")))
    if not files:
        sys.exit(f"skipped: {arguments.gold} is absent")
    made = {}
    for line in open(arguments.output, encoding="utf-8"):
        record = json.loads(line)
        made[os.path.basename(record.get("path") or record["id"])] = record
    quotes = found = right = kinds = cues = views = right_views = 0
    for file in files:
        gold = json.load(open(file, encoding="utf-8"))
        doc = gold.get("doc") or os.path.basename(file).replace(".json", ".txt")
        record = made.get(doc) or made.get(doc.replace(".txt", ""))
        if record is None:
            print(f"{doc}: no output")
            quotes += len(gold["quotes"])
            continue
        for wanted in gold["quotes"]:
            quotes += 1
            mine = [q for q in record["quotes"] if fold(q["text"]) == fold(wanted["text"])]
            if not mine:
                print(f"{doc}: not found: {wanted['text'][:90]}")
                continue
            found += 1
            mine = mine[0]
            name = (mine["speaker"] or {}).get("name", "")
            if same_speaker(wanted["speaker"], name):
                right += 1
            else:
                print(f"{doc}: {name!r} for {wanted['speaker']['name']!r}: {wanted['text'][:70]}")
            kinds += mine["kind"] == wanted["kind"]
            cue = (mine["cue"] or {}).get("text")
            cues += cue == wanted["cue"]
            if cue != wanted["cue"] or mine["kind"] != wanted["kind"]:
                print(f"{doc}: {mine['kind']}, cue {cue!r} for {wanted['kind']}, {wanted['cue']!r}: {wanted['text'][:60]}")
            for target, label in wanted.get("sentiment", {}).items():
                views += 1
                got = mine.get("sentiment", {}).get(target, {}).get("label")
                right_views += got == label
        words = {fold(n) for n in gold.get("not_speech", [])}
        for quote in record["quotes"]:
            if quote["kind"] != "indirect" and fold(quote["text"]) not in {fold(w["text"]) for w in gold["quotes"]}:
                note = " (nobody said it)" if fold(quote["text"]) in words else ""
                print(f"{doc}: not in the gold{note}: {quote['text'][:90]}")
    print(f"quotes {quotes}, found {found}, right speaker {right}, kind {kinds}, cue {cues}, attitudes {right_views} of {views}")


if __name__ == "__main__":
    main()
