"""Write the entity head of a model folder, with its encoder, as a token-classification model of the hub's form.

    python3 models/training/export_hf.py models/desk-small out/desk-small-hf

The folder then has config.json, tokenizer.json and model.safetensors, as Hugging Face's BertForTokenClassification
has them, and beside its tensors those of the conditional random field, by pytorch-crf's names. The stage
`rust-bert/ner` runs it with `token_types = "case"`. Elsewhere, give the case class of each piece's word as
token_type_ids (words.py has `case_class`), and decode with the field: it was trained with the rest, and the likeliest
tags one by one are poor.

Needs nothing but Python 3.11: tensors are copied as they lie in the files.
"""
import argparse
import json
import struct
import tomllib
from pathlib import Path


def read_tensors(path):
    """Name -> (header entry, bytes) of a safetensors file."""
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    header.pop("__metadata__", None)
    body = memoryview(data)[8 + size :]
    return {name: (entry, body[slice(*entry["data_offsets"])]) for name, entry in header.items()}


def write_tensors(path, tensors):
    header, at = {"__metadata__": {"format": "pt"}}, 0
    for name, (entry, data) in tensors.items():
        header[name] = {"dtype": entry["dtype"], "shape": entry["shape"], "data_offsets": [at, at + len(data)]}
        at += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, data in tensors.values():
            file.write(data)


def tokenizer(text):
    """The same tokenizer, which puts [CLS] and [SEP] around texts by itself."""
    tokenizer = json.loads(text)
    vocabulary = tokenizer["model"]["vocab"]
    ids = {name: {"id": name, "ids": [vocabulary[name]], "tokens": [name]} for name in ("[CLS]", "[SEP]")}
    special = lambda name, segment: {"SpecialToken": {"id": name, "type_id": segment}}
    text = lambda name, segment: {"Sequence": {"id": name, "type_id": segment}}
    single = [special("[CLS]", 0), text("A", 0), special("[SEP]", 0)]
    tokenizer["post_processor"] = {
        "type": "TemplateProcessing",
        "single": single,
        "pair": [*single, text("B", 1), special("[SEP]", 1)],
        "special_tokens": ids,
    }
    return json.dumps(tokenizer, ensure_ascii=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="model folder of copydesk")
    parser.add_argument("output", type=Path, help="folder to write")
    parser.add_argument("--guideline", default="eww", help="which entity head (default: eww)")
    args = parser.parse_args()

    card = tomllib.loads((args.model / "model.toml").read_text(encoding="utf-8"))
    head = f"ner.{args.guideline}"
    if head not in card["labels"]:
        heads = [name.removeprefix("ner.") for name in card["labels"] if name.startswith("ner.")]
        parser.error(f"{args.model} has no entity head {args.guideline}; it has {', '.join(heads)}")
    labels = card["labels"][head]

    heads = read_tensors(args.model / "heads.safetensors")
    tensors = {f"bert.{name}": tensor for name, tensor in read_tensors(args.model / "encoder.safetensors").items()}
    for name in ("weight", "bias"):
        tensors[f"classifier.{name}"] = heads[f"{head}.{name}"]
    tensors["crf.transitions"] = heads[f"{head}.transitions"]
    tensors["crf.start_transitions"] = heads[f"{head}.start"]
    start, zeros = heads[f"{head}.start"]
    tensors["crf.end_transitions"] = (start, bytes(len(zeros)))  # desk's taggers have none

    config = json.loads((args.model / "config.json").read_text(encoding="utf-8"))
    config |= {
        "architectures": ["BertForTokenClassification"],
        "id2label": {str(i): label for i, label in enumerate(labels)},
        "label2id": {label: i for i, label in enumerate(labels)},
    }
    args.output.mkdir(parents=True, exist_ok=True)
    (args.output / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    text = tokenizer((args.model / "tokenizer.json").read_text(encoding="utf-8"))
    (args.output / "tokenizer.json").write_text(text, encoding="utf-8")
    write_tensors(args.output / "model.safetensors", tensors)
    print(f"{head} of {card['name']} {card.get('version', '')}, {len(labels)} labels, in {args.output}")


if __name__ == "__main__":
    main()
