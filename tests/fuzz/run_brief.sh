#!/bin/sh
# Runs a libFuzzer program for MU_FUZZ_SECONDS, else SECONDS, else 3 on its corpus; what it finds new goes to a folder that is removed.
#   run_brief.sh PROGRAM CORPUS_DIR [SECONDS]
set -eu
new=$(mktemp -d)
trap 'rm -rf "$new"' EXIT
[ -d "$2" ] || { echo "no corpus $2"; exit 1; }
"$1" -max_total_time="${MU_FUZZ_SECONDS:-${3:-3}}" -rss_limit_mb=2048 -timeout=10 -artifact_prefix="$new/" -print_final_stats=0 "$new" "$2" 2>"$new/log" ||
    { status=$?; tail -40 "$new/log"; exit "$status"; }
