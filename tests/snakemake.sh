#!/bin/bash
# The Snakemake pipeline of contrib/: from a sweep in shards to its tables. Skipped without snakemake. TAP.
. "$srcdir/tests/cli.sh" || exit 1
if ! command -v snakemake >/dev/null; then
    skip "the pipeline" "there is no snakemake"
    finish
fi
export HOME=$work XDG_CACHE_HOME=$work/cache
pipeline() { snakemake -s "$srcdir/contrib/snakemake/Snakefile" --cores 2 --nolock --config moesim="$MOESIM" "$@"; }
check "the pipeline runs" pipeline
expect 0 "the same on one machine" sweep "$srcdir/contrib/snakemake/tokens.yaml" -o whole.sqlite
check "its result is the bytes of one machine" cmp results/tokens.sqlite whole.sqlite
check "its table" [ "$(wc -l <results/tokens.csv)" = 33 ]
check "its front" [ "$(wc -l <results/tokens.pareto.csv)" -gt 1 ]
finish
