#!/bin/bash
# The commands of README.md do what it says: every ```sh block runs, line by line as far as a shell
# reads it, in a folder like the source tree. Lines with bootstrap are left out: they install. TAP.
. "$srcdir/tests/cli.sh"

ln -s "$MOESIM" moesim
for folder in configs scenarios traces; do ln -s "$srcdir/$folder" .; done
gzip -c "$srcdir/tests/data/tiny_kineto.json" >profile.json.gz
cp "$srcdir/tests/data/hf_deepseek_v3.json" config.json

awk '/^```sh$/ { block++; inside = 1; next } /^```/ { inside = 0 }
     inside && !/bootstrap/ { print >("block" block ".sh") }' "$srcdir/README.md"

check "README.md has commands to try" test -s block1.sh
for script in block*.sh; do
    check "README.md, $(grep -m 1 moesim "$script")" timeout 60 bash -eu -o pipefail "$script"
done
check "the timeline is there" gzip -t timeline.json.gz
check "the results are there" test -s result.json -a -s result.csv -a -s scenario.schema.json -a -s claims.xml

# The output that README.md shows is that of the main job, shortened by whole lines.
awk '/^    train_replay_h800:/ { shown = 1 } shown && NF && !/\.\.\.$/ { print substr($0, 5) }
     /sum = makespan/ { exit }' "$srcdir/README.md" >shown
"$MOESIM" run scenarios/train_replay_h800.yaml | sed 's/ *$//' >printed
check "README.md shows an output" test -s shown
check "README.md shows what the main job prints" diff <(grep -xFf shown printed) \
    <(grep -v '^$' shown)

# Every file that README.md points to exists, and every key it names is a key.
for file in $(grep -oE '\]\([a-zA-Z/]+\.md\)' "$srcdir/README.md" | tr -d '])(' | sort -u); do
    check "README.md points to $file" test -s "$srcdir/$file"
done
"$MOESIM" validate --print scenarios/train_replay_h800.yaml >keys.yaml
for key in $(grep -oE '(cluster|replay|sim)\.[a-z_.]+' "$srcdir/README.md" | sort -u); do
    check "README.md names the key $key" grep -qE "^ *${key##*.}:" keys.yaml
done
finish
