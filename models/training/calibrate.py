"""Find the temperature that makes the sentiment scores honest, on training texts that prepare.py set aside.

Labels do not change by it; only how sure the model says it is. Sources without texts set aside keep 1. How honest the
scores then are is measured on the development sets, by the expected calibration error (Guo et al., ICML 2017).
"""
import argparse
import json
import pickle
from pathlib import Path

import torch
import torch.nn.functional as F

from export import load_desk, window_vectors
from model import SENTIMENT_SOURCES
from prepare import prepare_sentiment, read
from words import MAX_PIECES, Words

BINS = 10
DEVELOPMENT = {"stance": "stance/nato_russia_dev.jsonl", "newsmtsc": "sentiment/newsmtsc/dev.jsonl"}


def held_logits(desk, items, source):
    """Scores and labels of all targets in the texts that fit into one window."""
    logits, labels = [], []
    for item in items:
        if sum(map(len, item["pieces"])) > MAX_PIECES - 2:
            continue
        words = Words(None, item["pieces"], item["classes"])
        vectors = window_vectors(desk, [(words, 0, len(item["pieces"]))])[0]
        position = torch.arange(len(vectors))[None]
        for target in item["targets"]:
            scope = (position >= target["begin"]) & (position < target["end"])
            with torch.inference_mode():
                inner = desk.heads.sentiment(vectors[None], scope, torch.tensor([target["first"]]), torch.tensor([target["last"]]))
                logits.append(desk.heads.sentiment.out[source](inner)[0])
            labels.append(target["label"])
    return torch.stack(logits), torch.tensor(labels)


def calibration_error(logits, labels, temperature):
    """Mean distance between how sure the answers are and how many are right, over bins of like score, in percent."""
    score, answer = (logits / temperature).softmax(1).max(1)
    right, bins = (answer == labels).float(), (score * BINS).long().clamp(max=BINS - 1)
    gaps = [(score[bins == b].mean() - right[bins == b].mean()).abs() * (bins == b).sum() for b in bins.unique()]
    return 100 * (sum(gaps) / len(labels)).item()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="exported folder")
    parser.add_argument("--prepared", type=Path, default=Path("prepared"))
    parser.add_argument("--data", type=Path, help="the shared data folder, for the calibration error on development sets")
    parser.add_argument("--out", type=Path, required=True, help="JSON for export.py --temperature")
    args = parser.parse_args()
    torch.set_num_threads(1)
    desk, wordpieces = load_desk(args.model)
    with open(args.prepared / "held.pickle", "rb") as file:
        held = pickle.load(file)
    temperature = {source: 1.0 for source in SENTIMENT_SOURCES}
    for source, items in held.items():
        logits, labels = held_logits(desk, items, source)
        loss = lambda t: F.cross_entropy(logits / t, labels).item()
        temperature[source] = min((0.5 + 0.05 * i for i in range(71)), key=loss)
        right = 100 * (logits.argmax(1) == labels).float().mean().item()
        print(f"{source}: {len(labels)} targets set aside, {right:.1f} % right, loss {loss(1.0):.3f} at 1, {loss(temperature[source]):.3f} at {temperature[source]:.2f}")
    for source, file in DEVELOPMENT.items() if args.data else ():
        logits, labels = held_logits(desk, prepare_sentiment(read(args.data / file), wordpieces), source)
        error = lambda t: calibration_error(logits, labels, t)
        print(f"{file}: expected calibration error {error(1.0):.1f} % at 1, {error(temperature[source]):.1f} % at {temperature[source]:.2f}")
    args.out.write_text(json.dumps({k: round(v, 2) for k, v in temperature.items()}) + "\n")


if __name__ == "__main__":
    main()
