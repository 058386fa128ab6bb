"""Train the shared encoder and all heads at once, but for that of attitudes (attitudes.py).

Every step mixes tasks. Most batches hold windows of up to 256 wordpieces: articles with entity labels, articles with
quote labels, and sentiment sentences packed one behind the other (so that the sentiment head meets sentences anywhere
in a window, as it will in an article). The others hold sentiment sentences alone, of like length, as the development
sets do. The learning rate falls to zero at the end of a budget given in minutes or in wordpieces; a run that stopped
goes on from its checkpoint with --resume.
"""
import argparse
import json
import pickle
import random
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F

from model import CASE_CLASSES, QUOTE_LAYERS, SENTIMENT_LABELS, Desk, crf_loss, load_base
from words import CLS, MAX_PIECES, SEP, windows

ROOM = MAX_PIECES - 2
ARTICLE_SETS = ["eww", "conll", "quotes"]
SENTIMENT_SETS = ["stance", "newsmtsc", "dse", "seesaw"]
ALONE = 0.6  # share of the sentiment wordpieces that go into batches of single records
UNSURE = 0.7  # weight of a stance label that its reader marked as not clear
# A tag is one of some two hundred decisions in a window, most of them easy; a sentiment label one of five, all hard.
WEIGHT = {"ner": 5.0, "quotes": 3.0, "link": 0.5, "sentiment": 1.0}


def shares(progress):
    """Share of the wordpieces per set. DSE and SEESAW, noisier and of another meaning, only come early."""
    early = max(0.0, 1 - 1.5 * progress)
    late = 1 - early
    return {
        "eww": 0.19,
        "conll": 0.13,
        "quotes": 0.33,
        "stance": 0.15 + 0.06 * late,
        "newsmtsc": 0.11 + 0.06 * late,
        "dse": 0.06 * early,
        "seesaw": 0.03 * early,
    }


class Judged(NamedTuple):
    """A target in a window, with the words of its text and of its scope (ends exclusive, but for `last`)."""

    source: str
    text_begin: int
    text_end: int
    first: int
    last: int
    scope_begin: int
    scope_end: int
    label: int
    sure: bool


class Window:
    """One encoder input with its labels; word positions are counted within the window."""

    def __init__(self, task):
        self.task, self.ids, self.types, self.firsts = task, [CLS], [0], []
        self.tags, self.attributions, self.targets = None, None, []
        self.offset = 0  # of its first wordpiece in the batch

    def add(self, item, begin, end):
        for i in range(begin, end):
            self.firsts.append(len(self.ids))
            self.ids += item["pieces"][i]
            self.types += [item["classes"][i]] * len(item["pieces"][i])

    def room(self):
        return MAX_PIECES - 1 - len(self.ids)

    def close(self):
        self.ids.append(SEP)
        self.types.append(0)
        return self


def article_windows(task, document, rng):
    lengths = [len(p) for p in document["pieces"]]
    for _, begin, end in windows(lengths, document["starts"], first=rng.randint(60, ROOM), context=0):
        window = Window(task)
        window.add(document, begin, end)
        if task == "quotes":
            layers, kept = quote_labels(document["attributions"], begin, end)
            window.tags, window.attributions = layers, kept
        else:
            window.tags = document["tags"][begin:end]
            if window.tags[0] and window.tags[0] % 2 == 0:
                window.tags[0] -= 1  # an entity cut by the border begins with B all the same
        yield window.close()


def quote_labels(attributions, begin, end):
    """BIO tags per layer for the words begin..end, and the attributions that lie wholly inside."""
    layers = {layer: [0] * (end - begin) for layer in QUOTE_LAYERS}
    kept = []
    for attribution in attributions:
        whole = True
        for layer in QUOTE_LAYERS:
            for first, last in attribution[layer]:
                whole &= begin <= first and last < end
                first, last = max(first, begin) - begin, min(last, end - 1) - begin
                for i in range(first, last + 1):
                    layers[layer][i] = 1 if i == first else 2
        if whole and attribution["cue"]:
            kept.append({layer: [(f - begin, l - begin) for f, l in attribution[layer]] for layer in QUOTE_LAYERS})
    for tags in layers.values():  # spans that overlap in one layer (a handful) may leave an I behind an O
        for i, tag in enumerate(tags):
            if tag == 2 and (i == 0 or tags[i - 1] == 0):
                tags[i] = 1
    return layers, kept


class Sets:
    """Endless, shuffled streams of windows and sentiment items from the prepared sets."""

    def __init__(self, sets, seed):
        self.sets, self.rng = sets, random.Random(seed)
        self.streams = {name: self.articles(name) if name in ARTICLE_SETS else self.records(name) for name in sets}
        self.queue = []

    def articles(self, name):
        while True:
            pool = [w for document in self.sets[name] for w in article_windows(name, document, self.rng)]
            self.rng.shuffle(pool)
            yield from pool

    def records(self, name):
        items = [{**item, "source": name} for item in self.sets[name] if sum(map(len, item["pieces"])) <= ROOM]
        while True:
            self.rng.shuffle(items)
            yield from items

    def sentiment_item(self, share):
        name = self.rng.choices(SENTIMENT_SETS, [share[s] for s in SENTIMENT_SETS])[0]
        return next(self.streams[name])

    @staticmethod
    def add_item(window, item):
        base = len(window.firsts)
        count = len(item["pieces"])
        window.add(item, 0, count)
        for target in item["targets"]:
            first, last, begin, end = (base + target[k] for k in ("first", "last", "begin", "end"))
            window.targets.append(Judged(item["source"], base, base + count, first, last, begin, end, target["label"], target["sure"]))

    def packed(self, share):
        window = Window("sentiment")
        while True:
            item = self.sentiment_item(share)
            if sum(map(len, item["pieces"])) > window.room():
                return window.close()
            self.add_item(window, item)

    def batch(self, progress, size):
        share = shares(progress)
        sentiment = sum(share[s] for s in SENTIMENT_SETS)
        if self.rng.random() < sentiment * ALONE:
            return self.batch_alone(share, size)
        names = ARTICLE_SETS + ["sentiment"]
        weights = [share[n] for n in ARTICLE_SETS] + [sentiment * (1 - ALONE)]
        chosen = self.rng.choices(names, weights, k=max(1, size // MAX_PIECES))
        return [self.packed(share) if n == "sentiment" else next(self.streams[n]) for n in chosen]

    def batch_alone(self, share, size):
        if not self.queue:
            alone = []
            for _ in range(320):
                window, item = Window("sentiment"), self.sentiment_item(share)
                self.add_item(window, item)
                alone.append(window.close())
            alone.sort(key=lambda w: len(w.ids))
            batch = []
            for window in alone:
                if batch and (len(batch) + 1) * len(window.ids) > size:
                    self.queue.append(batch)
                    batch = []
                batch.append(window)
            self.queue.append(batch)
            self.rng.shuffle(self.queue)
        return self.queue.pop()


def class_weights(sets):
    """Per source, inverse square root of the class frequency, scaled so that the mean over records is 1."""
    result = {}
    for name in SENTIMENT_SETS:
        count = [0] * len(SENTIMENT_LABELS)
        for item in sets[name]:
            for target in item["targets"]:
                count[target["label"]] += 1
        weight = [c**-0.5 if c else 0.0 for c in count]
        scale = sum(count) / sum(w * c for w, c in zip(weight, count))
        result[name] = [w * scale for w in weight]
    return result


def word_rows(hidden, batch, chosen):
    """Word vectors of the chosen windows, padded: [n, T, H] and the mask [n, T]."""
    rows = [[batch[b].offset + f for f in batch[b].firsts] for b in chosen]
    longest = max(map(len, rows))
    count = torch.tensor([len(row) for row in rows], device=hidden.device)
    return hidden[padded(rows, longest, hidden.device)], torch.arange(longest, device=hidden.device)[None] < count[:, None]


def padded(rows, length, device):
    return torch.tensor([row + [0] * (length - len(row)) for row in rows], device=device)


def ner_losses(desk, hidden, batch, guideline, chosen):
    vectors, mask = word_rows(hidden, batch, chosen)
    tagger = desk.heads.ner[guideline]
    transitions, start = tagger.scores()
    n = len(chosen)
    tags = padded([batch[b].tags for b in chosen], mask.shape[1], hidden.device)
    return crf_loss(tagger.emissions(F.dropout(vectors, 0.1)), tags, mask, transitions.expand(n, -1, -1), start.expand(n, -1))


def quote_losses(desk, hidden, batch, chosen):
    quotes = desk.heads.quotes
    vectors, mask = word_rows(hidden, batch, chosen)
    inner = F.dropout(F.gelu(quotes.hidden(vectors)), 0.1)
    n, emissions, tags, transitions, starts = len(chosen), [], [], [], []
    for layer in QUOTE_LAYERS:
        tagger = getattr(quotes, layer)
        move, start = tagger.scores()
        emissions.append(tagger.emissions(inner))
        tags.append(padded([batch[b].tags[layer] for b in chosen], mask.shape[1], hidden.device))
        transitions.append(move.expand(n, -1, -1))
        starts.append(start.expand(n, -1))
    tagging = crf_loss(torch.cat(emissions), torch.cat(tags), mask.repeat(3, 1), torch.cat(transitions), torch.cat(starts))
    return tagging.view(3, n).sum(0), [link_loss(quotes, v, batch[b].attributions) for v, b in zip(vectors, chosen)]


def link_loss(quotes, vectors, attributions):
    """Every cue of the window against every source and every content span of it."""
    loss = vectors.new_zeros(())
    cues = [a["cue"][0] for a in attributions]
    for kind in ("source", "content"):
        spans = sorted({span for a in attributions for span in a[kind]})
        if not cues or not spans:
            continue
        gold = torch.tensor([[float(span in a[kind]) for span in spans] for a in attributions], device=vectors.device)
        as_index = lambda rows: torch.tensor(rows, device=vectors.device)
        score = quotes.link(vectors, kind, as_index(cues), as_index(spans))
        loss = loss + F.binary_cross_entropy_with_logits(score, gold, reduction="sum") / len(cues)
    return loss


def sentiment_losses(desk, hidden, batch, chosen, weights):
    """Cross-entropy per window, classes and unsure labels weighted."""
    targets = [(b, t) for b in chosen for t in batch[b].targets]
    longest = max(t.text_end - t.text_begin for _, t in targets)
    index = padded([[batch[b].offset + f for f in batch[b].firsts[t.text_begin : t.text_end]] for b, t in targets], longest, hidden.device)
    column = lambda value: torch.tensor([value(t) for _, t in targets], device=hidden.device)
    position = torch.arange(longest, device=hidden.device)[None]
    scope = (position >= column(lambda t: t.scope_begin - t.text_begin)[:, None]) & (position < column(lambda t: t.scope_end - t.text_begin)[:, None])
    head = desk.heads.sentiment
    inner = head(hidden[index], scope, column(lambda t: t.first - t.text_begin), column(lambda t: t.last - t.text_begin), dropout=0.1)
    logits = torch.stack([head.out[t.source](x) for (_, t), x in zip(targets, inner)])
    loss = F.cross_entropy(logits, column(lambda t: t.label), reduction="none")
    loss = loss * column(lambda t: weights[t.source][t.label] * (1.0 if t.sure else UNSURE))
    return {b: torch.stack([l for l, (of, _) in zip(loss, targets) if of == b]).mean() for b in chosen}, loss.mean()


def batch_loss(desk, batch, weights, device, bf16):
    """Mean over the windows of a batch, and the parts for the log."""
    lengths, offset = [len(w.ids) for w in batch], 0
    for window, length in zip(batch, lengths):
        window.offset, offset = offset, offset + length
    flat = lambda name: torch.tensor([x for w in batch for x in getattr(w, name)], device=device)
    with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        hidden = desk.encoder(flat("ids"), flat("types"), lengths)
    hidden = hidden.float()
    total, parts = hidden.new_zeros(()), {}
    by_task = {}
    for b, window in enumerate(batch):
        by_task.setdefault(window.task, []).append(b)
    for task, chosen in by_task.items():
        if task == "quotes":
            tagging, links = quote_losses(desk, hidden, batch, chosen)
            total = total + WEIGHT["quotes"] * tagging.sum() + WEIGHT["link"] * sum(links)
            parts["quotes"], parts["link"] = tagging.mean(), sum(links) / len(links)
        elif task == "sentiment":
            per_window, mean = sentiment_losses(desk, hidden, batch, chosen, weights)
            total = total + WEIGHT["sentiment"] * sum(per_window.values())
            parts["sentiment"] = mean
        else:
            loss = ner_losses(desk, hidden, batch, task, chosen)
            total = total + WEIGHT["ner"] * loss.sum()
            parts[task] = loss.mean()
    return total / len(batch), {k: v.item() for k, v in parts.items()}


# Scores that stand alone (per tag pair, per distance) must travel whole units, which small steps never reach.
SCORES = ("transitions", "start", "distance", "position_bias", "link.source.bias", "link.content.bias")


def optimizer_of(desk, lr, head_lr):
    """Word embeddings stay as they are: half of the weights, little to gain, and words unseen here keep their place."""
    desk.encoder.embeddings.word_embeddings.weight.requires_grad_(False)
    groups = {}
    for part, rate in ((desk.encoder, lr), (desk.heads, head_lr)):
        for name, p in part.named_parameters():
            if p.requires_grad:
                score = part is desk.heads and name.endswith(SCORES)
                decay = 0.0 if score or name.endswith("bias") or "LayerNorm" in name else 0.01
                groups.setdefault((10 * rate if score else rate, decay), []).append(p)
    groups = [{"params": chosen, "lr": rate, "peak": rate, "weight_decay": decay} for (rate, decay), chosen in groups.items()]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=True)


def run(rank, args):
    """One worker. Workers hold the same weights, read different batches and average their gradients."""
    if args.threads or args.workers > 1:
        torch.set_num_threads(args.threads or 1)
    if args.workers > 1:
        torch.distributed.init_process_group("gloo", init_method=args.meeting, rank=rank, world_size=args.workers)
    torch.manual_seed(args.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    config = json.loads((args.base / "config.json").read_text())
    config["type_vocab_size"] = CASE_CLASSES
    desk = Desk(load_base(args.base / "model.safetensors", config), config["hidden_size"]).to(device).train()
    optimizer = optimizer_of(desk, args.lr, args.head_lr)
    with open(args.prepared / "train.pickle", "rb") as file:
        sets = pickle.load(file)
    weights = class_weights(sets)

    args.out.mkdir(parents=True, exist_ok=True)
    checkpoint = args.out / "checkpoint.pt"
    state = {"step": 0, "seconds": 0.0, "wordpieces": 0}
    if args.resume and checkpoint.exists():
        saved = torch.load(checkpoint, map_location=device, weights_only=True)
        desk.load(saved["model"])
        if "optimizer" in saved:
            optimizer.load_state_dict(saved["optimizer"])
        state = saved["state"]
    elif args.init:
        earlier = torch.load(args.init, map_location=device, weights_only=True)["model"]
        desk.load(earlier)
    # A resumed run draws another order than an unbroken one; it only has to be the same each time.
    torch.manual_seed(args.seed + state["step"] + 1_000_003 * rank)
    stream = Sets(sets, args.seed + state["step"] + 1_000_003 * rank)

    # All gradients live in one buffer, so that workers exchange them in one call; the last two places
    # carry the seconds of worker 0 and the wordpieces of all, so that every worker ends at the same step.
    trained = [p for p in desk.parameters() if p.requires_grad]
    gradients = torch.zeros(sum(p.numel() for p in trained) + 2, device=device)
    place = 0
    for p in trained:
        p.grad = gradients[place : place + p.numel()].view_as(p)
        place += p.numel()

    def save(progress):
        summary = f"{state['step']} steps, {state['wordpieces']} wordpieces, {state['seconds'] / 60:.0f} minutes, {progress:.0%} of the schedule"
        temporary = checkpoint.with_suffix(".new")
        torch.save({"model": desk.state_dict(), "optimizer": optimizer.state_dict(), "state": state, "summary": summary}, temporary)
        temporary.rename(checkpoint)

    log, saved_at, last = {}, state["seconds"], time.monotonic()
    while True:
        progress = state["seconds"] / 60 / args.minutes if args.minutes else state["wordpieces"] / args.wordpieces
        if progress >= 1:
            break
        rate = max(min(progress / 0.04, (1 - progress) / 0.96), 0.01)
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * rate
        batch = stream.batch(progress, args.batch)
        loss, parts = batch_loss(desk, batch, weights, device, args.bf16)
        gradients.zero_()
        loss.backward()
        now = time.monotonic()
        gradients[-2], gradients[-1] = now - last if rank == 0 else 0.0, sum(len(w.ids) for w in batch)
        last = now
        if args.workers > 1:
            torch.distributed.all_reduce(gradients)
        state["seconds"] += gradients[-2].item()
        state["wordpieces"] += int(gradients[-1].item())
        gradients[-2:] = 0.0
        gradients.mul_(1 / max(args.workers, gradients.norm().item()))  # mean over workers, clipped to norm 1
        optimizer.step()

        state["step"] += 1
        for name, value in parts.items():
            log.setdefault(name, []).append(value)
        if rank == 0 and state["step"] % 50 == 0:
            means = " ".join(f"{k} {sum(v) / len(v):.3f}" for k, v in sorted(log.items()))
            print(f"{progress:6.1%} step {state['step']} {state['wordpieces']} wordpieces, {state['wordpieces'] / state['seconds']:.0f}/s | {means}", flush=True)
            log = {}
        if rank == 0 and state["seconds"] - saved_at > args.checkpoint_minutes * 60:
            save(progress)
            saved_at = state["seconds"]
    if rank == 0:
        save(1.0)
        print("done", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", type=Path, default=Path("base"))
    parser.add_argument("--prepared", type=Path, default=Path("prepared"))
    parser.add_argument("--out", type=Path, default=Path("run"), help="folder for the checkpoint")
    budget = parser.add_mutually_exclusive_group(required=True)
    budget.add_argument("--minutes", type=float, help="end after so many minutes of training")
    budget.add_argument("--wordpieces", type=float, help="end after so many wordpieces (the same run on any machine)")
    parser.add_argument("--batch", type=int, default=768, help="wordpieces per step and worker")
    parser.add_argument("--lr", type=float, default=3e-4)
    parser.add_argument("--head-lr", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--workers", type=int, default=1, help="processes; on a CPU whose cores others use too, two of one thread are three times as fast as one of two")
    parser.add_argument("--threads", type=int, default=0, help="threads per worker")
    parser.add_argument("--bf16", action="store_true", help="autocast the encoder (CUDA, or CPUs with AMX)")
    parser.add_argument("--checkpoint-minutes", type=float, default=5)
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out, if there is one")
    parser.add_argument("--init", type=Path, help="begin a new schedule with the weights of this checkpoint")
    args = parser.parse_args()
    if args.workers == 1:
        return run(0, args)
    with tempfile.TemporaryDirectory() as folder:
        args.meeting = f"file://{folder}/meeting"
        torch.multiprocessing.spawn(run, (args,), nprocs=args.workers)


if __name__ == "__main__":
    main()
