"""Find the temperature that makes the sentiment scores honest, on training texts that prepare.py set aside.

Labels do not change by it; only how sure the model says it is. Sources without texts set aside keep 1.
"""
import argparse
import json
import pickle
from pathlib import Path

import torch
import torch.nn.functional as F

from export import load_desk, window_vectors
from model import SENTIMENT_SOURCES
from words import Words


def held_logits(desk, items, source):
    logits, labels = [], []
    for item in items:
        words = Words(None, item["pieces"], item["classes"])
        vectors = window_vectors(desk, [(words, 0, len(item["pieces"]))])[0]
        scope = torch.ones(1, len(vectors), dtype=torch.bool)
        for first, last, label, _ in item["targets"]:
            with torch.inference_mode():
                inner = desk.heads.sentiment(vectors[None], scope, torch.tensor([first]), torch.tensor([last]))
                logits.append(desk.heads.sentiment.out[source](inner)[0])
            labels.append(label)
    return torch.stack(logits), torch.tensor(labels)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="exported folder")
    parser.add_argument("--prepared", type=Path, default=Path("prepared"))
    parser.add_argument("--out", type=Path, required=True, help="JSON for export.py --temperature")
    args = parser.parse_args()
    torch.set_num_threads(1)
    desk, _ = load_desk(args.model)
    with open(args.prepared / "held.pickle", "rb") as file:
        held = pickle.load(file)
    temperature = {source: 1.0 for source in SENTIMENT_SOURCES}
    for source, items in held.items():
        items = [item for item in items if sum(map(len, item["pieces"])) <= 254]
        logits, labels = held_logits(desk, items, source)
        loss = lambda t: F.cross_entropy(logits / t, labels).item()
        temperature[source] = min((0.5 + 0.05 * i for i in range(71)), key=loss)
        print(f"{source}: {len(labels)} targets, loss {loss(1.0):.3f} at 1, {loss(temperature[source]):.3f} at {temperature[source]:.2f}")
    args.out.write_text(json.dumps({k: round(v, 2) for k, v in temperature.items()}) + "\n")


if __name__ == "__main__":
    main()
