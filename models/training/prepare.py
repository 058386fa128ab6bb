"""Turn the shared data into wordpieces and labels once, so that training only picks and batches.

Left out: sentiment/semeval wholly, and of stance/target_train the sentences whose article stands in the stance
development set (same articles, other labels: with them the development figure would flatter). One text in 25 of
stance and NewsMTSC is set aside for the calibration of scores (calibrate.py).
"""
import argparse
import io
import json
import pickle
import re
from collections import Counter
from pathlib import Path

import zstandard

from model import ATTITUDE_LABELS, NER_LABELS, SENTIMENT_LABELS
from words import WordPieces, sentence_starts, sentences

HELD_EVERY = 25
LABELS = Path(__file__).with_name("labels")  # our own, see its README.md
TAG = {label: i for i, label in enumerate(NER_LABELS)}


def read(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def compact(words, starts):
    return {"pieces": words.pieces, "classes": words.classes, "starts": starts}


def entity_spans(tags, offsets):
    """Character spans (start, end, label) of BIO2 tags; tokens that did not align end an entity."""
    spans, open_span = [], None
    for tag, offset in zip(tags, offsets):
        if tag.startswith("I-") and open_span and offset:
            open_span[1] = offset[1]
            continue
        if open_span:
            spans.append(tuple(open_span))
        open_span = [offset[0], offset[1], tag[2:]] if tag != "O" and offset else None
    if open_span:
        spans.append(tuple(open_span))
    return spans


def ner_document(record):
    """Text, sentence spans and entities of a record; token-only records are joined by blanks."""
    aligned = record.get("text") and all("offsets" in s for s in record["sentences"])
    text, offsets = record.get("text") if aligned else "", []
    for sentence in record["sentences"]:
        if aligned:
            offsets.append(sentence["offsets"])
            continue
        row = []
        for token in sentence["tokens"]:
            row.append([len(text), len(text) + len(token)])
            text += token + " "
        offsets.append(row)
    spans = [s for sentence, row in zip(record["sentences"], offsets) for s in entity_spans(sentence["tags4"], row)]
    bounds = [(row[0][0], row[-1][1]) for row in offsets if row and row[0] and row[-1]]
    return text, bounds, spans


def prepare_ner(records, wordpieces):
    documents, lost = {"eww": [], "conll": []}, 0
    for record in records:
        text, bounds, spans = ner_document(record)
        words = wordpieces.words(text)
        tags, word = [0] * len(words), 0
        for start, end, label in sorted(spans):
            while word < len(words) and words.spans[word][1] <= start:
                word += 1
            if word == len(words) or words.spans[word][0] >= end:
                lost += 1
                continue
            tags[word] = TAG[f"B-{label}"]
            word += 1
            while word < len(words) and words.spans[word][0] < end:
                tags[word] = TAG[f"I-{label}"]
                word += 1
        documents["eww" if record["source"] == "eww" else "conll"].append({**compact(words, sentence_starts(words, bounds)), "tags": tags})
    print(f"ner: {lost} entities lost to alignment")
    return documents


def prepare_quotes(records, wordpieces):
    documents = []
    for record in records:
        words = wordpieces.words(record["text"])
        attributions = []
        for a in record["attributions"]:
            found = {layer: [r for span in a[layer] if (r := words.cover(*span))] for layer in ("source", "cue", "content")}
            if found["content"]:
                attributions.append(found)
        documents.append({**compact(words, sentence_starts(words, sentences(record["text"]))), "attributions": attributions})
    return documents


def prepare_sentiment(records, wordpieces):
    """Records of one text are one item with several targets: the encoder reads the text once."""
    texts = {}
    for record in records:
        if "sentence" in record:
            shift = len(record["previous"]) + 1 if record["previous"] else 0
            text = (record["previous"] + " " if shift else "") + record["sentence"]
            span = (record["start"] + shift, record["end"] + shift)
        elif "target" in record:
            text, span = record["text"], record["target"]
        else:
            continue  # seesaw: the target is not named in the text
        texts.setdefault(text, []).append((span, SENTIMENT_LABELS.index(record["label"]), record.get("sure", True)))
    items = []
    for text, targets in texts.items():
        words = wordpieces.words(text)
        rows = [target_row(words, span, (0, len(text)), label, sure) for span, label, sure in targets]
        items.append({**compact(words, [0]), "targets": rows})
    return items


def target_row(words, mention, scope, label, sure):
    """A target as words: first and last of its mention, begin and end (exclusive) of its scope."""
    (first, last), (begin, end) = words.cover(*mention), words.cover(*scope)
    return {"first": first, "last": last, "begin": begin, "end": end + 1, "label": label, "sure": sure}


def prepare_attitudes(records, wordpieces):
    """Statements with their speaker's attitude: the scope is the statement, the target is a mention in or near it."""
    items = []
    for record in records:
        words = wordpieces.words(record["text"])
        rows = [
            {**target_row(words, a["mention"], a["statement"], ATTITUDE_LABELS.index(a["label"]), a.get("sure", True)), "own": a.get("own", False)}
            for a in record["attitudes"]
        ]
        items.append({**compact(words, [0]), "targets": rows, "article": record.get("article")})
    return items


def corpus_texts(path, wanted):
    """Texts of the wanted articles of the corpus, by id."""
    with open(path, "rb") as packed, zstandard.ZstdDecompressor().stream_reader(packed) as lines:
        articles = map(json.loads, io.TextIOWrapper(lines, encoding="utf-8"))
        return {a["id"]: a["text"] for a in articles if a["id"] in wanted}


def corpus_stance(records, texts):
    """Labels on sentences of the corpus, in the form of the shared stance records."""
    for record in records:
        part = lambda span: texts[record["article"]][slice(*span)]
        previous = part(record["previous"]).strip() if record["previous"] else ""
        yield {**record, "sentence": part(record["sentence"]), "previous": previous}


def corpus_attitudes(records, texts):
    """Labels on statements of the corpus, in the form of the invented ones."""
    for record in records:
        begin, end = record["passage"]
        moved = lambda span: [max(span[0], begin) - begin, min(span[1], end) - begin]
        yield {
            "article": record["article"],
            "text": texts[record["article"]][begin:end],
            "attitudes": [{**record, "mention": moved(record["mention"]), "statement": moved(record["statement"])}],
        }


QUOTATION = re.compile(r"“[^“”]+”?|\"[^\"]+\"?")


def quoted_targets(records):
    """Attitudes from stance records whose holder is a speaker: those that name the target in the words in marks."""
    for record in records:
        marks = [m.span() for m in QUOTATION.finditer(record["sentence"]) if m.start() <= record["start"] and record["end"] <= m.end()]
        if marks and record["holder"] != "author":
            shift = len(record["previous"]) + 1 if record["previous"] else 0
            moved = lambda span: [shift + place for place in span]
            yield {
                "text": (record["previous"] + " " if shift else "") + record["sentence"],
                "attitudes": [{"mention": moved((record["start"], record["end"])), "statement": moved(marks[0]), "label": record["label"]}],
            }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the shared data folder")
    parser.add_argument("--base", type=Path, default=Path("base"))
    parser.add_argument("--prepared", type=Path, default=Path("prepared"))
    args = parser.parse_args()
    args.prepared.mkdir(parents=True, exist_ok=True)
    wordpieces = WordPieces(args.base / "tokenizer.json")

    sets = prepare_ner(read(args.data / "ner/train.jsonl"), wordpieces)
    sets["quotes"] = prepare_quotes(read(args.data / "quotes/train.jsonl"), wordpieces)
    article = lambda record: record["id"].split(":")[0]
    measured = {article(r) for r in read(args.data / "stance/nato_russia_dev.jsonl")}
    stance = [r for r in read(args.data / "stance/target_train.jsonl") if article(r) not in measured]
    sets["stance"] = prepare_sentiment(stance, wordpieces)
    for name in ("newsmtsc", "dse", "seesaw"):
        sets[name] = prepare_sentiment(read(args.data / f"sentiment/{name}/train.jsonl"), wordpieces)
    held = {name: sets[name][::HELD_EVERY] for name in ("stance", "newsmtsc")}
    for name in held:
        sets[name] = [item for i, item in enumerate(sets[name]) if i % HELD_EVERY]
    labelled = {name: read(LABELS / f"corpus-{name}.jsonl") for name in ("stance", "attitudes")}
    texts = corpus_texts(args.data / "corpus/articles.jsonl.zst", {r["article"] for rows in labelled.values() for r in rows})
    # These only train: what is set aside should be drawn as the news is, not for its labels.
    sets["stance"] += prepare_sentiment(corpus_stance(labelled["stance"], texts), wordpieces)
    sets["stance"] += prepare_sentiment(read(LABELS / "invented-stance.jsonl"), wordpieces)
    sets["attitude"] = prepare_attitudes(corpus_attitudes(labelled["attitudes"], texts), wordpieces)
    sets["attitude"] += prepare_attitudes(read(LABELS / "invented-attitudes.jsonl"), wordpieces)
    sets["attitude"] += prepare_attitudes(quoted_targets(stance), wordpieces)

    for name, items in sets.items():
        pieces = sum(len(p) for item in items for p in item["pieces"])
        labels = Counter(t["label"] for item in items for t in item.get("targets", ()))
        print(f"{name}: {len(items)} texts, {pieces} wordpieces", dict(sorted(labels.items())) or "")
    with open(args.prepared / "train.pickle", "wb") as out:
        pickle.dump(sets, out)
    with open(args.prepared / "held.pickle", "wb") as out:
        pickle.dump(held, out)


if __name__ == "__main__":
    main()
