#!/usr/bin/env python3
"""copydesk's own runtime against rust-bert: the same entity model, the same articles, in one run.

Holds the entities of `encode` + `ner` against those of `rust-bert/ner`, which runs the same weights in the hub's form
(models/training/export_hf.py), and compares CPU time and memory.

    cargo xtask libtorch && (cd plugins/rust-bert && cargo build --release) && cargo build --release
    python3 benches/compare/rust_bert.py articles.jsonl.zst

CPU seconds are user and system time of the process on one thread, less those of a run over the first article alone.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WINDOW, CONTEXT = 256, 64  # as desk-small was trained


def stage(use: str, **options: object) -> str:
    lines = [f'[[stage]]\nuse = "{use}"', "[stage.options]"]
    return "\n".join(lines + [f"{name} = {json.dumps(value)}" for name, value in options.items()])


def command(args: argparse.Namespace, name: str, stages: list[str], source: Path, folder: Path) -> tuple[list[str], Path]:
    """Writes a pipeline and says how to run it, and where its output will be."""
    place = folder / f"{name}-{source.stem}"
    place.mkdir()
    output = place / "out.jsonl"
    head = [
        "version = 1",
        f"[input]\npaths = [{json.dumps(str(source))}]",
        f"[output]\npath = {json.dumps(str(output))}",
        "[run]\nthreads = 1",
    ]
    (place / "pipeline.toml").write_text("\n".join(head + stages) + "\n")
    line = [str(args.binary), "run", str(place / "pipeline.toml"), "--quiet", "--overwrite"]
    for plugins in [args.plugin, args.binary.parent]:
        line += ["--plugin-dir", str(plugins)]
    return line, output


def run(line: list[str]) -> tuple[float, float]:
    """CPU seconds of one process, and its largest resident memory in MB."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(line, stdout=said, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            said.seek(0)
            sys.exit(f"{' '.join(line)} failed:\n{said.read().decode(errors='replace')[-3000:]}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def entities(output: Path) -> tuple[dict[str, str], dict[str, dict[tuple[int, int], str]]]:
    texts, found = {}, {}
    with open(output, encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            texts[record["id"]] = record["text"]
            found[record["id"]] = {(e["start"], e["end"]): e["label"] for e in record["entities"]}
    return texts, found


def compare(one: dict, other: dict, texts: dict, show: int) -> None:
    kinds, examples, same = Counter(), [], 0
    for document, left in one.items():
        right = other[document]
        for span in sorted(set(left) | set(right)):
            if left.get(span) == right.get(span):
                same += 1
                continue
            if span in left and span in right:
                kind = "another label"
            elif span in left:
                overlaps = any(a < span[1] and span[0] < b for a, b in right)
                kind = "other borders" if overlaps else "only in the first"
            elif any(a < span[1] and span[0] < b for a, b in left):
                continue  # counted from the other side
            else:
                kind = "only in the second"
            kinds[kind] += 1
            words = texts[document][span[0] : span[1]]
            examples.append(f"{kind}: {words!r} {left.get(span, '-')} {right.get(span, '-')}")
    total = same + sum(kinds.values())
    parts = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common()) or "no difference"
    print(f"{same} of {total} entities the same ({100 * same / max(total, 1):.2f} %); {parts}")
    for example in examples[:show]:
        print(f"    {example}")


def articles(given: Path, limit: int) -> list[dict]:
    if given.suffix == ".zst":
        lines = subprocess.Popen(["zstd", "-dcq", str(given)], stdout=subprocess.PIPE).stdout
    else:
        lines = open(given, "rb")
    found = []
    with lines:
        for line in lines:
            found.append({"id": str(len(found)), "text": json.loads(line)["text"]})
            if len(found) == limit:
                break
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("input", type=Path, help="articles as .jsonl or .jsonl.zst with the field `text`")
    parser.add_argument("--documents", type=int, default=200, help="at most so many")
    parser.add_argument("--rounds", type=int, default=5, help="of the timing; 0 leaves it out")
    parser.add_argument("--timed", type=int, default=40, help="documents in each round")
    parser.add_argument("--show", type=int, default=0, help="so many differences")
    parser.add_argument("--backend", default="native", help="of encode")
    parser.add_argument("--precision", default=["f32"], nargs="+", help="of rust-bert, for the timing")
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/copydesk")
    parser.add_argument("--plugin", type=Path, default=ROOT / "target/release", help="folder of the plugin rust-bert")
    parser.add_argument("--model", type=Path, default=ROOT / "models/desk-small")
    args = parser.parse_args()
    if not args.input.exists():
        return print(f"skipped: {args.input} is absent")
    for needed, how in [
        (args.binary, "cargo build --release"),
        (args.plugin / "libcopydesk_rust_bert.so", "cargo xtask libtorch, then cargo build --release in plugins/rust-bert"),
    ]:
        if not needed.exists():
            sys.exit(f"{needed} is absent: {how}")

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        exported = folder / "exported"
        export = [sys.executable, str(ROOT / "models/training/export_hf.py"), str(args.model), str(exported)]
        subprocess.run(export, check=True, stdout=subprocess.DEVNULL)

        encode = stage("encode", model=str(args.model), backend=args.backend)
        rust_bert = lambda precision: stage(
            "rust-bert/ner",
            model=str(exported), token_types="case", window=WINDOW, context=CONTEXT, precision=precision,
        )
        readers = {
            "encode+ner": [encode, stage("ner")],
            "rust-bert": [rust_bert("f32")],
        }
        documents = articles(args.input, args.documents)
        source = folder / "all.jsonl"
        source.write_text("".join(json.dumps(document) + "\n" for document in documents))
        found, texts = {}, {}
        for reader, stages in readers.items():
            line, output = command(args, reader, stages, source, folder)
            run(line)
            texts, found[reader] = entities(output)
        print(f"{len(documents)} articles, {sum(len(d['text'].split()) for d in documents)} words")
        compare(found["encode+ner"], found["rust-bert"], texts, args.show)

        if args.rounds == 0:
            return None
        words = sum(len(document["text"].split()) for document in documents[1 : args.timed])
        timed = {"encode+ner": readers["encode+ner"]}
        timed |= {f"rust-bert, {precision}": [rust_bert(precision)] for precision in args.precision}
        lines = {}
        for part, some in (("first", documents[:1]), ("some", documents[: args.timed])):
            source = folder / f"{part}.jsonl"
            source.write_text("".join(json.dumps(document) + "\n" for document in some))
            for reader, stages in timed.items():
                lines[reader, part] = command(args, reader, stages, source, folder)[0]
        rates, memory = {reader: [] for reader in timed}, {reader: [] for reader in timed}
        for round_ in range(args.rounds):
            for reader in list(timed)[:: -1 if round_ % 2 else 1]:
                start, _ = run(lines[reader, "first"])
                whole, most = run(lines[reader, "some"])
                rates[reader].append(words / (whole - start))
                memory[reader].append(most)
        print(f"{min(args.timed, len(documents))} articles, {words} words without the first, medians of {args.rounds} rounds")
        for reader, rate in rates.items():
            ratios = [a / b for a, b in zip(rate, rates["encode+ner"])]
            print(
                f"{reader:18} {statistics.median(rate):7.0f} words per CPU-second ({min(rate):.0f} to {max(rate):.0f}), "
                f"{statistics.median(ratios):.2f} times encode+ner ({min(ratios):.2f} to {max(ratios):.2f}); "
                f"largest resident memory {statistics.median(memory[reader]):.0f} MB"
            )
    return None


if __name__ == "__main__":
    main()
