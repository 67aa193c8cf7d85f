#!/bin/bash
# moesim trace as a user types it: what info and import print and write, and that each damaged file
# is told with its place, ends with its own exit code and leaves no file behind. TAP.
. "$srcdir/tests/cli.sh" || exit 1
cp "$srcdir/tests/data/tiny_kineto.json" tiny.json && chmod u+w tiny.json

# --- info and import --------------------------------------------------------------------------
expect 0 "info of a profile" trace info tiny.json
says "NVIDIA Tiny (4 SMs)"
says "rank               3 of 16"
says "waits              5 on other streams, 3 by the CPU"
tells "tiny.json: warning: 1 kernel has no class"
cp out info
expect 0 "import" trace import tiny.json -o own.json
check "import prints nothing" [ ! -s out ]
expect 0 "info of what was imported" trace info own.json
silent_on_stderr
check "info of what was imported: the same as of the profile" cmp info out

gzip -c tiny.json >tiny.json.gz
expect 0 "import, compressed on both sides" trace import tiny.json.gz -o own.json.gz
check "the same trace" bash -c 'gzip -dc own.json.gz | cmp - own.json'
mv tiny.json.gz packed
expect 0 "a compressed file under any name" trace info packed
check "from a pipe" bash -c '"$MOESIM" trace info <(cat tiny.json) 2>err | grep -q "NVIDIA Tiny"'
expect 0 "import to standard output" trace import tiny.json -o -
check "the same bytes" cmp out own.json
expect 0 "import of an imported trace" trace import own.json -o again.json
check "changes nothing" cmp own.json again.json

printf -- '- {match: mystery, class: mine, bound: latency}\n' >mine.yaml
expect 0 "own classes" trace import tiny.json --classes mine.yaml -o mine.json
silent_on_stderr
check "own classes: in the file" grep -q '{"name": "mine", "bound": "latency"}' mine.json
expect 0 "a source" trace import tiny.json --source 'my "run", 3' -o source.json
check "a source: in the file" grep -qF '"source": "my \"run\", 3"' source.json
expect 0 "the shipped trace" trace info "$srcdir/traces/deepseek_v3_train.trace.json"
says "makespan           129.012 ms"
silent_on_stderr

# --- damaged input ----------------------------------------------------------------------------
nothing_left() {
    ls -A >after
    check "$last: no file is left behind, no result printed" cmp before after
    check "$last: no sanitizer report" bash -c '! grep -E "Sanitizer|runtime error" err'
}

# refused CODE TITLE FILE PLACE WORDS: by info, and by import without an output file. PLACE is
# LINE:COLUMN, or - for none, or ? for any.
refused() {
    ls -A >before
    expect "$1" "$2" trace import "$3" -o new.json
    case $4 in
    \?) tells "$3:" && tells "error: $5" ;;
    -) tells "$3: error: $5" ;;
    *) tells "$3:$4: error: $5" ;;
    esac
    nothing_left
    cp err first
    expect "$1" "$2, info" trace info "$3"
    check "$2, info: the same message" cmp first err
}
touch before after first err

place_of_end() { # FILE: the line and column of what would come next
    echo "$(($(wc -l <"$1") + 1)):$(($(tail -n 1 "$1" | wc -c) + 1))"
}

head -c 3000 tiny.json >bad.json
refused 3 "a truncated profile" bad.json $(place_of_end bad.json) "unexpected end of file"
head -c 920 own.json >bad.json
refused 3 "a truncated trace" bad.json $(place_of_end bad.json) "unexpected end of file"
gzip -c tiny.json | head -c 900 >bad.gz
refused 3 "gzip cut in the middle" bad.gz "?" "the compressed data ends too early"
gzip -c tiny.json | head -c 5 >bad.gz
refused 3 "gzip cut in its head" bad.gz "?" "the compressed data ends too early"
gzip -c tiny.json | head -c -4 >bad.gz
refused 3 "gzip cut in its tail" bad.gz "?" "the compressed data ends too early"
{ gzip -c tiny.json | head -c 700; printf 'damaged!'; gzip -c tiny.json | tail -c +709; } >bad.gz
refused 3 "damaged gzip" bad.gz "?" ""
{ gzip -c tiny.json | head -c -8; printf '\1\2\3\4\5\6\7\10'; } >bad.gz
refused 3 "gzip with a wrong checksum" bad.gz "?" "the compressed data is damaged (incorrect data check)"
: >bad.json
refused 3 "a 0-byte file" bad.json - "the file is empty"
printf ' \n ' >bad.json
refused 3 "a blank file" bad.json 2:2 "unexpected end of file"
echo '{}' >bad.json
refused 3 "an empty object" bad.json 1:1 "the file holds an empty object, no trace"
echo '{"a": [1, {}], "b": null}' >bad.json
refused 3 "JSON that is no trace" bad.json - "this is no trace: it has neither 'traceEvents' (Kineto) nor 'trace_version' (ours)"
echo '[1, 2]' >bad.json
refused 3 "a list" bad.json 1:1 "expected '{' but found '['"
echo 'kind: train_replay' >bad.json
refused 3 "a scenario" bad.json 1:1 "expected '{' but found 'k'"
head -c 300 "$MOESIM" >bad.json
refused 3 "a program" bad.json 1:1 "expected '{' but found the byte 0x7f"
echo '{"traceEvents": []}' >bad.json
refused 3 "a profile without kernels" bad.json - "the trace holds no kernels; profile with activities="
{ printf '{"traceEvents": [{"name": "'; head -c 1100000 /dev/zero | tr '\0' x; echo '"}]}'; } >bad.json
refused 5 "an event of a megabyte" bad.json 1:18 "one value is longer than"
{ printf '{"traceEvents": ['; head -c 200000000 /dev/zero | tr '\0' ' '; } | gzip -9 >bad.gz
refused 5 "gzip that unpacks to a thousand times its size" bad.gz - "the compressed data unpacks to"
sed 's/"trace_version": 2/"trace_version": 3/' own.json >bad.json
refused 3 "another version" bad.json 1:19 "this program reads trace_version 1 and 2; import the trace again"
sed 's/\[2\]\]/[20]]/' own.json >bad.json
refused 3 "an index out of range" bad.json 37:3 "kernel 3: 'deps'"
rm bad.json && mkdir bad.json
refused 3 "a folder without traces" bad.json - "no file in this folder is a trace"
rmdir bad.json
refused 4 "a missing file" bad.json - "cannot read: No such file or directory"
cp tiny.json bad.json && chmod 000 bad.json
if [ -r bad.json ]; then
    skip "an unreadable file" "root reads everything"
else
    refused 4 "an unreadable file" bad.json - "cannot read: Permission denied"
fi

echo '- {match: x, class: y, bound: memroy}' >bad.yaml && ls -A >before
expect 3 "a bad class table" trace import tiny.json --classes bad.yaml -o new.json
tells "bad.yaml:1:31: error: "
tells "did you mean 'memory'?"
nothing_left
expect 4 "a missing class table" trace import tiny.json --classes none.yaml -o new.json
tells "none.yaml: error: "
nothing_left

# --- where the output cannot go -----------------------------------------------------------------
expect 4 "a full disk" trace import tiny.json -o /dev/full
tells "/dev/full: error: "
nothing_left
check "a full disk: /dev/full is still there" [ -c /dev/full ]
expect 4 "a folder that is not there" trace import tiny.json -o none/new.json
tells "none/new.json: error: "
nothing_left
cp own.json kept.json && ls -A >before
expect 3 "an earlier output when the import fails" trace import bad.yaml -o kept.json
check "$last: is kept" cmp own.json kept.json
nothing_left
for command in "info tiny.json" "import tiny.json -o -"; do
    "$MOESIM" trace $command >/dev/full 2>err
    check "trace $command: a full disk" [ $? = 4 ]
done

# --- usage --------------------------------------------------------------------------------------
misused() { # TITLE WORDS ARGS...
    local title=$1 words=$2
    shift 2
    ls -A >before
    expect 2 "$title" trace "$@"
    tells "$words"
    nothing_left
}
misused "nothing to do" "moesim trace info traces/"
misused "an unknown verb" "did you mean 'trace info'?" inof tiny.json
misused "no file" "which trace?" info
misused "import without -o" "moesim trace import tiny.json -o my.trace.json" import tiny.json
misused "info with -o" "-o belongs to 'trace import'" info tiny.json -o new.json
misused "info with --source" "--source belongs to 'trace import'" info tiny.json --source x
misused "an empty source" "--source must be a text" import tiny.json -o new.json --source ''
misused "a source that is no text" "--source must be a text" import tiny.json -o new.json --source $'\xff'
misused "an unknown option" "unrecognized option" info tiny.json --none
expect 0 "help" trace --help
says "info FILE"

# --- run ----------------------------------------------------------------------------------------
cat >profile.yaml <<'END'
kind: train_replay
hardware: h800
cluster:
  nodes: 8
  topology: mpft
replay:
  trace: tiny.json
END
expect 3 "run with a profile that was not imported" run profile.yaml
tells "moesim trace import"
tells "tiny.json -o OUT.trace.json"
check "$last: prints no result" [ ! -s out ]
finish
