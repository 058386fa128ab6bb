#!/usr/bin/env python3
"""What worker processes cost: the same run with `isolation = "none"` and "process".

Three pipelines: four stages that change nothing (what is left is the way to
the worker process and back), `cleanup` alone, and the pipeline that ships. The
two runs alternate, each in a process of its own; printed are the medians of the
ratios of CPU time (workers included) and of wall time, and how long a worker
process of each takes to be ready. Both must write the same, byte for byte.

    python3 benches/isolation.py articles.jsonl.zst

Needs a release build of copydesk and of the plugin that does nothing:

    cargo build --release && cargo build --release -p copydesk-bench-plugin
"""

import argparse
import filecmp
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODES = ("none", "process")

NOTHING = "".join(f'[[stage]]\nuse = "bench/mark"\nname = "pass-{i}"\n' for i in range(4))
CLEANUP = '[[stage]]\nuse = "cleanup"\n'


def shipped() -> str:
    """The stages of the pipeline that ships, with its model where it is."""
    text = (ROOT / "pipeline.toml").read_text()
    stages = text[text.index("[[stage]]") :]
    return stages.replace('"models/', f'"{ROOT}/models/')


def pipeline(stages: str, mode: str, threads: int, source: Path, out: Path) -> str:
    return (
        "version = 1\n"
        f"[input]\npaths = [{json.dumps(str(source))}]\n"
        f"[output]\npath = {json.dumps(str(out))}\noverwrite = true\n"
        f'[run]\nthreads = {threads}\nisolation = "{mode}"\n' + stages
    )


def measured(command: list[str]) -> tuple[float, float, str]:
    """CPU seconds (of the process and of those that it waited for), wall seconds, what it said."""
    with tempfile.TemporaryFile() as said:
        begun = time.monotonic()
        process = subprocess.Popen(command, stdout=said, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        text = said.read().decode(errors="replace")
        if process.returncode != 0:
            sys.exit(f"{command[0]} failed:\n{text[-3000:]}")
    return usage.ru_utime + usage.ru_stime, wall, text


def first(given: Path, folder: Path, limit: int) -> Path:
    """The first documents of the input as plain JSONL."""
    plain = folder / f"first-{limit}.jsonl"
    if given.suffix == ".zst":
        lines = subprocess.Popen(["zstd", "-dcq", str(given)], stdout=subprocess.PIPE).stdout
    else:
        lines = open(given, "rb")
    with lines, open(plain, "wb") as to:
        for n, line in enumerate(lines):
            if n == limit:
                break
            to.write(line)
    return plain


def spread(ratios: list[float]) -> str:
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("input", type=Path, help="articles as .jsonl or .jsonl.zst")
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/copydesk")
    parser.add_argument("--plugins", type=Path, help="folder of the plugins; default: of the binary")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--documents", type=int, default=12_000, help="without a model")
    parser.add_argument("--with-model", type=int, default=100, help="documents with the model")
    args = parser.parse_args()

    if not args.input.exists():
        print(f"skipped: {args.input} is absent")
        return
    if not args.binary.exists():
        sys.exit(f"{args.binary} is absent: build it as said at the top of this file")
    plugins = str(args.plugins or args.binary.parent)

    print(f"worker processes against none, {args.threads} threads, medians of {args.rounds} rounds")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for what, stages, documents in (
            ("nothing, 4 stages", NOTHING, args.documents),
            ("cleanup", CLEANUP, args.documents),
            ("the shipped pipeline", shipped(), args.with_model),
        ):
            if documents == 0:
                continue
            source = first(args.input, folder, documents)
            outs = {mode: folder / f"{mode}.jsonl" for mode in MODES}
            cpu = {mode: [] for mode in MODES}
            wall = {mode: [] for mode in MODES}
            ready = []
            for round_ in range(args.rounds):
                for mode in MODES if round_ % 2 == 0 else MODES[::-1]:
                    file = folder / "pipeline.toml"
                    file.write_text(pipeline(stages, mode, args.threads, source, outs[mode]))
                    command = [str(args.binary), "run", str(file), "--plugin-dir", plugins, "-vv"]
                    seconds, elapsed, said = measured(command)
                    cpu[mode].append(seconds)
                    wall[mode].append(elapsed)
                    ready += re.findall(r"is ready .*?millis=(\d+)", said)
            if not filecmp.cmp(outs["none"], outs["process"], shallow=False):
                sys.exit(f"{what}: the two did not write the same")
            ratios = [
                spread([b / a for a, b in zip(times["none"], times["process"])])
                for times in (cpu, wall)
            ]
            more = [b - a for a, b in zip(cpu["none"], cpu["process"])]
            each = statistics.median(more) / documents * 1e6
            start = statistics.median(map(int, ready)) if ready else float("nan")
            print(
                f"{what:22} {documents:6} documents: CPU time x {ratios[0]}, {each:.0f} µs more a "
                f"document, wall time x {ratios[1]}, a process is ready after {start:.0f} ms"
            )


if __name__ == "__main__":
    main()
