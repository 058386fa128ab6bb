"""Train the head for speakers' attitudes on the vectors of a finished encoder, and add it to the checkpoint.

The statements of the corpus are few and the head is small: it begins as a copy of the sentiment head's attention, and
the encoder and all other heads stay as they are. Five-fold cross-validation over articles says beforehand how good it
will be on real statements and how its scores are to be softened; then it is trained on everything.
"""
import argparse
import copy
import json
import pickle
import random
from pathlib import Path

import torch
import torch.nn.functional as F

from export import desk_of, window_vectors
from model import ATTITUDE_LABELS, Attitude
from words import MAX_PIECES, Words

FOLDS = 5
BATCH = 32
UNSURE, INVENTED = 0.6, 0.5  # weights of a label that its reader marked as not clear, and of an invented statement
NEW = 8  # what begins at nothing learns so many times faster than what was copied
NONE = ATTITUDE_LABELS.index("none")
NEUTRAL = ATTITUDE_LABELS.index("neutral")


def examples(desk, items):
    """(vectors, target, article) of every statement whose passage fits into one window; the encoder reads each passage once."""
    fitting = [i for i in items if sum(map(len, i["pieces"])) <= MAX_PIECES - 2]
    result = []
    for item in fitting:
        words = Words(None, item["pieces"], item["classes"])
        vectors = window_vectors(desk, [(words, 0, len(item["pieces"]))])[0].half()
        result += [(vectors, target, item["article"]) for target in item["targets"]]
    return result


def scores(head, batch, dropout=0.0):
    words = torch.nn.utils.rnn.pad_sequence([vectors.float() for vectors, _, _ in batch], batch_first=True)
    column = lambda key: torch.tensor([target[key] for _, target, _ in batch])
    position = torch.arange(words.shape[1])[None]
    scope = (position >= column("begin")[:, None]) & (position < column("end")[:, None])
    return head(words, scope, column("first"), column("last"), column("own").long(), dropout)


def train(desk, data, epochs, rate, seed):
    """A head that begins with the sentiment head's attention and the outputs of its first source."""
    torch.manual_seed(seed)
    rng = random.Random(seed)
    attention = desk.heads.sentiment
    head = Attitude(attention.query.in_features)
    copied = {name: value for name, value in attention.state_dict().items() if not name.startswith("out.")}
    head.load_state_dict(copied, strict=False)
    with torch.no_grad():
        head.side.weight.zero_()
        stance = attention.out["stance"]
        head.out.weight[:NONE], head.out.bias[:NONE] = stance.weight, stance.bias
        head.out.weight[NONE], head.out.bias[NONE] = stance.weight[NEUTRAL] / 2, stance.bias[NEUTRAL]
    fresh = [p for name, p in head.named_parameters() if name.startswith(("side", "out"))]
    known = [p for name, p in head.named_parameters() if not name.startswith(("side", "out"))]
    groups = [{"params": known, "peak": rate}, {"params": fresh, "peak": NEW * rate}]
    optimizer = torch.optim.AdamW(groups, lr=rate, weight_decay=0.05)

    count = torch.bincount(torch.tensor([t["label"] for _, t, _ in data]), minlength=len(ATTITUDE_LABELS))
    weight = count.clamp(min=1).float() ** -0.5
    weight = weight * count.sum() / (weight * count).sum()
    head.train()
    steps, step = epochs * len(data) / BATCH, 0
    for _ in range(epochs):
        order = rng.sample(data, len(data))
        batches = []
        for i in range(0, len(order), 10 * BATCH):  # of like length, little padding
            near = sorted(order[i : i + 10 * BATCH], key=lambda example: len(example[0]))
            batches += [near[k : k + BATCH] for k in range(0, len(near), BATCH)]
        rng.shuffle(batches)
        for batch in batches:
            step += 1
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * min(step / 20, max(0.02, 1 - step / steps))
            label = torch.tensor([t["label"] for _, t, _ in batch])
            trust = torch.tensor([(1.0 if t["sure"] else UNSURE) * (1.0 if article else INVENTED) for _, t, article in batch])
            loss = F.cross_entropy(scores(head, batch, 0.2), label, reduction="none", label_smoothing=0.05)
            optimizer.zero_grad()
            (loss * trust * weight[label]).mean().backward()
            optimizer.step()
    return head.eval()


def answers(head, data):
    with torch.inference_mode():
        return torch.cat([scores(head, data[i : i + BATCH]) for i in range(0, len(data), BATCH)])


def report(logits, labels):
    """Accuracy, F1 per label, and precision and recall of the answers that take a side."""
    answer, sides = logits.argmax(1), torch.tensor([label not in (NEUTRAL, NONE) for label in range(len(ATTITUDE_LABELS))])
    right = answer == labels
    percent = lambda part, whole: round(100 * (part.sum() / whole.sum().clamp(min=1)).item(), 1)
    both = lambda k: (answer == k).sum() + (labels == k).sum()
    return {
        "statements": len(labels),
        "accuracy": percent(right, torch.ones_like(right)),
        "f1": {name: round(200 * ((answer == k) & right).sum().item() / both(k).clamp(min=1).item(), 1) for k, name in enumerate(ATTITUDE_LABELS)},
        "sides": {"precision": percent(right & sides[answer], sides[answer]), "recall": percent(right & sides[labels], sides[labels])},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", type=Path, default=Path("base"))
    parser.add_argument("--prepared", type=Path, default=Path("prepared"))
    parser.add_argument("--checkpoint", type=Path, required=True, help="of train.py; the head is added to it")
    parser.add_argument("--out", type=Path, required=True, help="the checkpoint with the head")
    parser.add_argument("--temperature", type=Path, help="JSON of calibrate.py, to which the head's is added")
    parser.add_argument("--scores", type=Path, help="JSON of evaluate.py, to which the cross-validation is added")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--rate", type=float, default=3e-4)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    torch.set_num_threads(1)
    saved = torch.load(args.checkpoint, map_location="cpu", weights_only=True)
    desk = desk_of(args.base, saved)[0].eval()
    with open(args.prepared / "train.pickle", "rb") as file:
        data = examples(desk, pickle.load(file)["attitude"])

    articles = sorted({article for _, _, article in data if article})
    random.Random(args.seed).shuffle(articles)
    fold = {article: i % FOLDS for i, article in enumerate(articles)}
    logits, labels = [], []
    for k in range(FOLDS):
        head = train(desk, [e for e in data if fold.get(e[2]) != k], args.epochs, args.rate, args.seed)
        kept = [e for e in data if fold.get(e[2]) == k]
        logits.append(answers(head, kept))
        labels += [t["label"] for _, t, _ in kept]
        print(f"fold {k + 1}: {report(logits[-1], torch.tensor(labels[-len(kept):]))}", flush=True)
    logits, labels = torch.cat(logits), torch.tensor(labels)
    temperature = min((0.5 + 0.05 * i for i in range(71)), key=lambda t: F.cross_entropy(logits / t, labels).item())
    whole = report(logits, labels)
    print(f"all folds: {whole}; temperature {temperature:.2f}")
    for path, key, value in ((args.temperature, "attitude", round(temperature, 2)), (args.scores, "attitudes, cross-validated", whole)):
        if path:
            held = json.loads(path.read_text()) if path.exists() else {}
            path.write_text(json.dumps({**held, key: value}) + "\n")

    desk.heads.attitude = copy.deepcopy(train(desk, data, args.epochs, args.rate, args.seed))
    temporary = args.out.with_suffix(".new")
    torch.save({"model": desk.state_dict(), "summary": saved["summary"]}, temporary)
    temporary.rename(args.out)
    print("done")


if __name__ == "__main__":
    main()
