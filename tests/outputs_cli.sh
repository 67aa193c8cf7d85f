#!/bin/bash
# Outputs that are inputs: a command must not destroy what it reads, whatever the file is called. TAP.
. "$srcdir/tests/cli.sh" || exit 1
cat >small.yaml <<'END'
name: small
kind: collective
hardware: h800
cluster: {nodes: 2, topology: ft2}
collective: {operation: send_recv, from: 1 MiB, to: 1 MiB}
END
cp "$srcdir/tests/data/tiny_kineto.json" profile.json && chmod u+w profile.json
expect 0 "a run" run small.yaml -o result.json
ln result.json linked.json
ln -s small.yaml named.json

kept() { # FILE TITLE ARGS...: refused, and FILE is as before
    local file=$1 title=$2
    shift 2
    cp "$file" before
    expect 4 "$title" "$@"
    tells "cannot write: this is a file that the same command reads"
    check "$title: the input is as it was" cmp before "$file"
}
kept small.yaml "run over its scenario, by a link" run small.yaml -o named.json
kept small.yaml "topo over its scenario" topo ft2 small.yaml -o small.yaml
kept profile.json "import over the profile" trace import profile.json -o profile.json
expect 0 "import" trace import profile.json -o own.json
kept own.json "import over an imported trace" trace import own.json -o ./own.json
kept result.json "compare over a result, by a hard link" compare result.json result.json -o linked.json
printf '1 2 3\n' >numbers.txt
kept numbers.txt "formats over its numbers" formats --file numbers.txt -o numbers.txt
cp "$srcdir/tests/data/hf_deepseek_v3.json" config.json && chmod u+w config.json
kept config.json "model over a config.json" model import config.json -o config.json

# --- sweeps -------------------------------------------------------------------------------------------------------
expect 0 "a sweep" sweep small.yaml --axis cluster.nodes=2,3 -o sweep.sqlite
kept sweep.sqlite "export over the sweep" export sweep.sqlite -o sweep.sqlite
kept sweep.sqlite "merge over a part" merge sweep.sqlite -o sweep.sqlite
python3 - <<'END' &
import sqlite3, time
running = sqlite3.connect('running.sqlite.part', isolation_level=None)
running.execute('PRAGMA locking_mode=EXCLUSIVE')
running.execute('PRAGMA journal_mode=WAL')
running.execute('CREATE TABLE done (point)')
open('holds', 'w').close()
time.sleep(60)
END
holder=$!
until [ -e holds ]; do sleep 0.1; done
expect 4 "--overwrite of a sweep that runs" sweep small.yaml --axis cluster.nodes=2,3 -o running.sqlite --overwrite
tells "another process works on it"
check "$last: its journal is still there" [ -s running.sqlite.part ]
kill $holder && wait $holder 2>/dev/null
expect 0 "--overwrite of a sweep that died" sweep small.yaml --axis cluster.nodes=2,3 -o running.sqlite --overwrite
printf 'no database' >other.sqlite.part
expect 0 "--overwrite of something else" sweep small.yaml --axis cluster.nodes=2,3 -o other.sqlite --overwrite

# --- two outputs of one name --------------------------------------------------------------------------------------
expect 2 "a result and a timeline" run small.yaml -o a.json --timeline ./a.json
tells "'a.json' and './a.json' are one file"
expect 2 "two results" run small.yaml -o result.json -o linked.json
tells "are one file"
check "$last: nothing was written" [ ! -e a.json ]
finish
