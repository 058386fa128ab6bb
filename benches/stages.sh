#!/usr/bin/env bash
# Where the time of the full pipeline goes, stage by stage, over the first N
# articles of a JSONL file (plain or .zst): the run's own summary.
#
#   benches/stages.sh articles.jsonl.zst [N=200]
set -euo pipefail
cd "$(dirname "$0")/.."
input=${1:?"usage: benches/stages.sh ARTICLES.jsonl[.zst] [N]"}
n=${2:-200}
copydesk=${COPYDESK:-target/release/copydesk}

if [ ! -e "$input" ]; then
    echo "skipped: $input is absent"
    exit 0
fi
if [ ! -x "$copydesk" ]; then
    echo "$copydesk is absent: run \`cargo build --release\` first" >&2
    exit 1
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
case $input in
    *.zst) unpack=(zstd -dcq "$input") ;;
    *) unpack=(cat "$input") ;;
esac
# `head` ends the pipe early; that is no failure of the unpacker.
{ "${unpack[@]}" 2>/dev/null || true; } | head -n "$n" >"$folder/articles.jsonl"

"$copydesk" run pipeline.toml "$folder/articles.jsonl" -o "$folder/out.jsonl"
