"""Score an exported model folder on the development sets.

The rules are those of the project's scoring page: exact spans for entities, quotes found by overlap and right by
source, macro-F1 for sentiment, and 95 % intervals by bootstrap over documents. `copydesk eval` scores the shipped
pipeline; this scores the model alone (no coreference, no rules) on the same files.
"""
import argparse
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from export import load_desk, window_vectors
from model import NER_LABELS, QUOTE_LAYERS, SENTIMENT_LABELS
from prepare import ner_document, read
from words import sentence_starts, sentences, windows

MAX_LINK_WORDS = 254


def text_vectors(desk, texts):
    """Vectors of all words of each text (a list of (words, text)), a word's taken from the first window that holds it."""
    chosen, places = [], []
    for k, (words, text) in enumerate(texts):
        for begin, own, end in windows([len(p) for p in words.pieces], sentence_starts(words, sentences(text))):
            chosen.append((words, begin, end))
            places.append((k, own - begin))
    parts = [[] for _ in texts]
    for (k, skip), vectors in zip(places, window_vectors(desk, chosen)):
        parts[k].append(vectors[skip:])
    return [torch.cat(p) for p in parts]


def decode(tagger, inputs):
    """Viterbi over the whole text (model.viterbi in numpy)."""
    with torch.inference_mode():
        emissions = tagger.emissions(inputs).numpy()
    transitions, score, back = tagger.transitions.detach().numpy(), tagger.start.detach().numpy() + emissions[0], []
    for emission in emissions[1:]:
        total = score[:, None] + transitions
        back.append(total.argmax(0))
        score = total.max(0) + emission
    tags = [int(score.argmax())]
    for frm in reversed(back):
        tags.append(int(frm[tags[-1]]))
    return tags[::-1]


def spans_of(tags, label=lambda tag: tag):
    """(first word, last word, label) of BIO tags in which B is odd and I the even number after it."""
    spans = []
    for i, tag in enumerate(tags):
        if tag % 2 == 1:
            spans.append([i, i, label(tag)])
        elif tag:
            spans[-1][1] = i
    return [tuple(s) for s in spans]


def f1(counts):
    """Precision, recall, F1 in percent from (right, predicted, gold)."""
    right, predicted, gold = counts
    p, r = right / predicted if predicted else 0.0, right / gold if gold else 0.0
    return [100 * p, 100 * r, 200 * p * r / (p + r) if p + r else 0.0]


def interval(rows, figure, rounds=1000):
    """95 % bootstrap interval of figure(sum of rows), the rows (counts, one per document) drawn with replacement."""
    rows, rng = np.asarray(rows), np.random.default_rng(7)
    drawn = sorted(figure(rows[rng.integers(0, len(rows), len(rows))].sum(0)) for _ in range(rounds))
    return [drawn[int(0.025 * rounds)], drawn[int(0.975 * rounds) - 1]]


def span_report(documents):
    """documents: list of (gold set, predicted set); micro F1 with its interval."""
    rows = np.array([[len(g & p), len(p), len(g)] for g, p in documents])
    p, r, f = f1(rows.sum(0))
    return {"precision": p, "recall": r, "f1": f, "interval": interval(rows, lambda total: f1(total)[2]), "gold": int(rows[:, 2].sum())}


def evaluate_ner(desk, wordpieces, records, guideline):
    documents = []
    for record in records:
        text, _, gold = ner_document(record)
        words = wordpieces.words(text)
        vectors = text_vectors(desk, [(words, text)])[0]
        found = spans_of(decode(desk.heads.ner[guideline], vectors), lambda tag: NER_LABELS[tag][2:])
        documents.append((set(gold), {(words.spans[f][0], words.spans[l][1], label) for f, l, label in found}))
    report = {"all": span_report(documents)}
    for label in ("PER", "ORG", "LOC", "MISC"):
        report[label] = span_report([tuple({s for s in side if s[2] == label} for side in d) for d in documents])
    return report


def predict_quotes(desk, words, vectors):
    """Spans per layer, and attributions as (source span or None, cue span or None, content spans), in words."""
    quotes = desk.heads.quotes
    with torch.inference_mode():
        inner = F.gelu(quotes.hidden(vectors))
        layers = {layer: [s[:2] for s in spans_of(decode(getattr(quotes, layer), inner))] for layer in QUOTE_LAYERS}
        sources, cues, contents = (layers[layer] for layer in QUOTE_LAYERS)
        if not cues:
            return layers, [(None, None, [c]) for c in contents]

        def link(kind, spans):
            score = quotes.link(vectors, kind, torch.tensor(cues), torch.tensor(spans)).numpy().copy()
            for i, (cue_first, cue_last) in enumerate(cues):
                for j, (first, last) in enumerate(spans):
                    if max(first - cue_last, cue_first - last) > MAX_LINK_WORDS:
                        score[i, j] = -np.inf
            return score

        speaker = [None] * len(cues)
        if sources:
            score = link("source", sources)
            speaker = [sources[int(row.argmax())] if row.max() > 0 else None for row in score]
        said, alone = [[] for _ in cues], []
        if contents:
            for span, column in zip(contents, link("content", contents).T):
                if column.max() > 0:
                    said[int(column.argmax())].append(span)
                else:
                    alone.append((None, None, [span]))
    return layers, [(s, c, spans) for s, c, spans in zip(speaker, cues, said) if spans] + alone


def characters(spans):
    return {i for s, e in spans for i in range(s, e)}


def match_quotes(gold, predicted):
    """Per gold quote (kind, has source, found, found with >= 90 % and none outside, right source), and the predictions unmatched.

    Found: intersection over union of at least half, or partly covered by predictions of which more than 80 % lie inside.
    """
    predicted = [(source, characters(contents)) for source, _, contents in predicted]
    rows, used = [], set()
    for a in gold:
        content, best = characters(a["content"]), None
        for k, (source, chars) in enumerate(predicted):
            shared = len(content & chars)
            overlap = shared / len(content | chars)
            if overlap >= 0.5 or shared > 0.8 * len(chars):
                used.add(k)
                if best is None or overlap > best[0]:
                    best = (overlap, source, shared >= 0.9 * len(content) and shared == len(chars))
        right = bool(best and best[1] and any(best[1][0] < e and s < best[1][1] for s, e in a["source"]))
        rows.append((a["kind"], bool(a["source"]), best is not None, bool(best and best[2]), right))
    return rows, len(predicted), len(predicted) - len(used)


def evaluate_quotes(desk, wordpieces, records):
    spans = {layer: [] for layer in QUOTE_LAYERS}
    matches = []
    for record in records:
        words = wordpieces.words(record["text"])
        vectors = text_vectors(desk, [(words, record["text"])])[0]
        layers, attributions = predict_quotes(desk, words, vectors)
        place = lambda span: span and (words.spans[span[0]][0], words.spans[span[1]][1])
        for layer in QUOTE_LAYERS:
            gold = {tuple(s) for a in record["attributions"] for s in a[layer]}
            spans[layer].append((gold, {place(s) for s in layers[layer]}))
        matches.append(match_quotes(record["attributions"], [(place(s), place(c), [place(x) for x in said]) for s, c, said in attributions]))
    report = {layer: span_report(documents) for layer, documents in spans.items()}
    for kind in ("direct", "mixed", "indirect"):
        rows = [[r for r in document[0] if r[0] == kind] for document in matches]
        flat = [r for row in rows for r in row]
        sourced = [[sum(r[4] for r in row if r[1]), sum(r[1] for r in row)] for row in rows]
        share = lambda total: 100 * total[0] / max(1, total[1])
        report[kind] = {
            "gold": len(flat),
            "found": 100 * sum(r[2] for r in flat) / len(flat),
            "whole": 100 * sum(r[3] for r in flat) / len(flat),
            "right_of_all": share(np.sum(sourced, axis=0)),
            "interval": interval(sourced, share),
        }
    report["predicted"] = sum(m[1] for m in matches)
    report["unmatched"] = sum(m[2] for m in matches)
    return report


def macro_f1(confusion):
    """Mean F1 and F1 per label, from counts [gold, predicted]."""
    scores = [f1((confusion[k, k], confusion[:, k].sum(), confusion[k].sum()))[2] for k in range(len(confusion))]
    return sum(scores) / len(scores), scores


def sentiment_answers(desk, wordpieces, records, source, labels):
    """Predicted label per record; the words of the whole record are the target's scope."""
    texts = {}
    for k, record in enumerate(records):
        shift = 0
        if "sentence" in record:
            shift = len(record["previous"]) + 1 if record["previous"] else 0
            text, span = (record["previous"] + " " if shift else "") + record["sentence"], (record["start"] + shift, record["end"] + shift)
        else:
            text, span = record["text"], record["target"]
        texts.setdefault(text, []).append((k, span))
    answers, items = [None] * len(records), list(texts.items())
    for i in range(0, len(items), 16):
        chunk = [(wordpieces.words(text), text, targets) for text, targets in items[i : i + 16]]
        for (words, _, targets), vectors in zip(chunk, text_vectors(desk, [c[:2] for c in chunk])):
            scope = torch.ones(1, len(words), dtype=torch.bool)
            for k, span in targets:
                first, last = words.cover(*span)
                with torch.inference_mode():
                    inner = desk.heads.sentiment(vectors[None], scope, torch.tensor([first]), torch.tensor([last]))
                    logits = desk.heads.sentiment.out[source](inner)[0]
                answers[k] = max(labels, key=lambda label: logits[SENTIMENT_LABELS.index(label)])
    return answers


def evaluate_sentiment(desk, wordpieces, records, source, labels=SENTIMENT_LABELS):
    records = [r for r in records if "sentence" in r or "target" in r]  # seesaw: some targets are not named in the text
    answers = sentiment_answers(desk, wordpieces, records, source, labels)

    def report(keep):
        documents = {}
        for record, answer in zip(records, answers):
            if keep(record):
                article = record["id"].split(":")[0] if "sentence" in record else record["text"]
                counts = documents.setdefault(article, np.zeros((len(labels), len(labels)), int))
                counts[labels.index(record["label"]), labels.index(answer)] += 1
        rows = np.stack(list(documents.values()))
        total = rows.sum(0)
        macro, per_label = macro_f1(total)
        return {
            "macro_f1": macro,
            "interval": interval(rows, lambda t: macro_f1(t)[0]),
            "accuracy": 100 * np.trace(total) / total.sum(),
            "f1": dict(zip(labels, per_label)),
            "records": int(total.sum()),
        }

    result = report(lambda record: True)
    if "sentence" in records[0]:
        result["sure"] = report(lambda record: record["sure"])
    return result


def rounded(value):
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    if isinstance(value, list):
        return [rounded(v) for v in value]
    return round(float(value), 1) if isinstance(value, float) else value


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="exported folder")
    parser.add_argument("--data", type=Path, required=True, help="the shared data folder")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    parser.add_argument("--only", nargs="*", default=["ner", "quotes", "sentiment"])
    parser.add_argument("--every", type=int, default=1, help="take every n-th record (a quick look)")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    desk, wordpieces = load_desk(args.model)
    dev = lambda name: read(args.data / name)[:: args.every]

    scores = {}

    def show(name, report):
        scores[name] = rounded(report)
        print(name)
        for key, value in scores[name].items():
            print(f"    {key}: {value}")
        print(flush=True)

    if "ner" in args.only:
        records = dev("ner/dev.jsonl")
        show("ner.eww", evaluate_ner(desk, wordpieces, [r for r in records if r["source"] == "eww"], "eww"))
        show("ner.conll", evaluate_ner(desk, wordpieces, [r for r in records if r["source"] != "eww"], "conll"))
    if "quotes" in args.only:
        show("quotes", evaluate_quotes(desk, wordpieces, dev("quotes/dev.jsonl")))
    if "sentiment" in args.only:
        stance = dev("stance/nato_russia_dev.jsonl")
        show("stance", evaluate_sentiment(desk, wordpieces, stance, "stance"))
        show("stance by newsmtsc output", evaluate_sentiment(desk, wordpieces, stance, "newsmtsc"))
        newsmtsc = dev("sentiment/newsmtsc/dev.jsonl")
        show("newsmtsc", evaluate_sentiment(desk, wordpieces, newsmtsc, "newsmtsc"))
        show("newsmtsc by stance output", evaluate_sentiment(desk, wordpieces, newsmtsc, "stance"))
        show("dse", evaluate_sentiment(desk, wordpieces, dev("sentiment/dse/dev.jsonl"), "dse"))
        show("seesaw", evaluate_sentiment(desk, wordpieces, dev("sentiment/seesaw/dev.jsonl"), "seesaw", ["negative", "positive"]))
    if args.json:
        args.json.write_text(json.dumps(scores, indent=1) + "\n")


if __name__ == "__main__":
    main()
