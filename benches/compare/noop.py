#!/usr/bin/env python3
"""A pipeline that does nothing, JSONL to JSONL: copydesk against datatrove.

Both read the same documents, pass each through four stages that change
nothing, and write it out. What is compared is therefore reading, handing on
and writing. The two run in turn, each in a process of its own; printed are
medians of documents per CPU-second (user and system time of the process) and
the largest resident memory.

    python3 benches/compare/noop.py articles.jsonl.zst

Needs a release build of copydesk and of the plugin that does nothing,

    cargo build --release && cargo build --release -p copydesk-bench-plugin

and datatrove: pip install 'datatrove[io]' orjson
"""

import argparse
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

STAGES = 4
ROOT = Path(__file__).resolve().parents[2]


def datatrove(source: Path, out: Path) -> None:
    """Read, filter, write: what the other process runs."""
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.filters import LambdaFilter
    from datatrove.pipeline.readers import JsonlReader
    from datatrove.pipeline.writers import JsonlWriter

    LocalPipelineExecutor(
        pipeline=[
            JsonlReader(str(source.parent), glob_pattern=source.name, compression=None),
            *(LambdaFilter(lambda document: True) for _ in range(STAGES)),
            JsonlWriter(str(out), output_filename="out.jsonl", compression=None),
        ],
        logging_dir=str(out / "logs"),
        tasks=1,
    ).run()


def copydesk_command(binary: Path, folder: Path, source: Path, out: Path) -> list[str]:
    """Writes a pipeline of stages without outputs, and says how to run it."""
    stages = "".join(f'[[stage]]\nuse = "bench/mark"\nname = "pass-{i}"\n' for i in range(STAGES))
    pipeline = folder / "pipeline.toml"
    pipeline.write_text(
        "version = 1\n"
        f"[input]\npaths = [{json.dumps(str(source))}]\n"
        f"[output]\npath = {json.dumps(str(out / 'out.jsonl'))}\n"
        # As the other: one core does the work.
        "[run]\nthreads = 1\n" + stages
    )
    plugins = str(binary.parent)
    return [str(binary), "run", str(pipeline), "--quiet", "--overwrite", "--plugin-dir", plugins]


def measured(command: list[str]) -> tuple[float, float]:
    """CPU seconds and MiB of one process."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, stdout=said, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            said.seek(0)
            sys.exit(f"{command[0]} failed:\n{said.read().decode(errors='replace')[-3000:]}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def documents(out: Path) -> int:
    with open(out / "out.jsonl", "rb") as lines:
        return sum(1 for _ in lines)


def unpacked(given: Path, folder: Path, limit: int) -> Path:
    """The first documents of the input as plain JSONL with the fields that both know."""
    plain = folder / "in" / "articles.jsonl"
    plain.parent.mkdir()
    if given.suffix == ".zst":
        if not shutil.which("zstd"):
            sys.exit("zstd is needed to unpack " + given.name)
        unpack = subprocess.Popen(["zstd", "-dcq", str(given)], stdout=subprocess.PIPE)
        lines = unpack.stdout
    else:
        lines = open(given, "rb")
    with lines, open(plain, "wb") as to:
        for n, line in enumerate(lines):
            if n == limit:
                break
            to.write(line)
    return plain


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("input", type=Path, help="articles as .jsonl or .jsonl.zst")
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/copydesk")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--documents", type=int, default=12_000, help="at most so many")
    parser.add_argument("--as-datatrove", nargs=2, type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.as_datatrove:
        return datatrove(*args.as_datatrove)

    if not args.input.exists():
        print(f"skipped: {args.input} is absent")
        return None
    if not args.binary.exists():
        sys.exit(f"{args.binary} is absent: build it as said at the top of this file")
    if not importlib.util.find_spec("datatrove"):
        sys.exit("datatrove is absent: pip install 'datatrove[io]' orjson")

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = unpacked(args.input, folder, args.documents)
        outs = {}
        commands = {}
        for who in ("copydesk", "datatrove"):
            outs[who] = folder / who
            outs[who].mkdir()
        commands["copydesk"] = copydesk_command(args.binary, folder, source, outs["copydesk"])
        script = [sys.executable, str(Path(__file__).resolve()), str(args.input), "--as-datatrove"]
        commands["datatrove"] = [*script, str(source), str(outs["datatrove"])]

        speed = {who: [] for who in commands}
        memory = {who: [] for who in commands}
        counts = {}
        for round_ in range(args.rounds):
            order = list(commands)
            if round_ % 2:
                order.reverse()
            for who in order:
                shutil.rmtree(outs[who])
                outs[who].mkdir()
                seconds, mib = measured(commands[who])
                counts[who] = documents(outs[who])
                speed[who].append(counts[who] / seconds)
                memory[who].append(mib)
        if len(set(counts.values())) != 1:
            sys.exit(f"the two did not write the same documents: {counts}")

        print(f"{counts['copydesk']} documents, {STAGES} stages that change nothing, medians of {args.rounds}")
        for who in commands:
            print(
                f"{who:10} {statistics.median(speed[who]):8.0f} documents per CPU-second, "
                f"{statistics.median(memory[who]):6.0f} MiB"
            )
        ratios = [a / b for a, b in zip(speed["copydesk"], speed["datatrove"])]
        sizes = [b / a for a, b in zip(memory["copydesk"], memory["datatrove"])]
        print(
            f"copydesk does {statistics.median(ratios):.1f} times as many documents per CPU-second "
            f"(from {min(ratios):.1f} to {max(ratios):.1f}), in {1 / statistics.median(sizes):.2f} of the memory"
        )
    return None


if __name__ == "__main__":
    main()
