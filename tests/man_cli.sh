#!/bin/bash
# The manual pages say what the program does: a page for each command with its options, every key of every kind of
# scenario; no warnings of mandoc or man; examples that run. And --help is what pages can be made of. TAP.
. "$srcdir/tests/cli.sh"
commands=$("$MOESIM" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
check "moesim --help lists commands" [ "$(wc -w <<<"$commands")" -ge 18 ]

# --- help ---------------------------------------------------------------------------------------
# A usage line, lines of a terminal's width, and no option that nothing is said about.
well_formed() { # COMMAND...
    "$MOESIM" "$@" --help >help.txt 2>err && [ ! -s err ] || return
    head -n 1 help.txt | grep -q "^Usage: moesim${1:+ $1} " || { head -n 1 help.txt; return 1; }
    awk 'length > 80 { print "too long: " $0; bad = 1 }
         undescribed { if (!/^ {20,}/) { print "not described: " undescribed; bad = 1 } undescribed = "" }
         /^ {2,6}-/ && !/[^ ]  +[^ -]/ && !/\] {2,}/ { undescribed = $0 }
         END { exit bad }' help.txt
}
check "moesim --help is well formed" well_formed
for c in $commands; do check "moesim $c --help is well formed" well_formed "$c"; done
expect 0 "help of a command" help run
check "it is that of --help" cmp out <("$MOESIM" run --help)
expect 2 "help of what there is not" help rnu
tells "did you mean 'run'?"
expect 0 "--version" --version
says "moesim "

# --- pages ----------------------------------------------------------------------------------------
pages=$builddir/man
[ -e "$pages/moesim.1" ] || pages=$srcdir/man
if [ ! -e "$pages/moesim.1" ]; then
    skip "manual pages" "this build has none: install help2man and configure again"
    finish
fi

has_options() { # COMMAND PAGE
    "$MOESIM" "$1" --help | grep -oE '^ {2,6}-.*' | grep -oE -- '--[a-z][a-z0-9-]*' | sort -u >options
    sed 's/\\-/-/g; s/\\f.//g' "$2" | grep -oE -- '--[a-z][a-z0-9-]*' | sort -u >described
    missing=$(comm -23 options described)
    [ -z "$missing" ] || { echo "$missing"; return 1; }
}
for c in $commands; do
    check "a page of moesim $c with all options" has_options "$c" "$pages/moesim-$c.1"
    check "moesim(1) points to it" grep -q "moesim..$c (1)," "$srcdir/man/moesim.h2m"
done
check "a page of moesim-slurm" grep -q "RESULT" "$pages/moesim-slurm.1"

# The generated part of the page is what the program says now.
"$MOESIM" schema --roff >roff
check "moesim-scenario(5) is of this program" cmp roff \
    <(sed -n '/^\.SH "KINDS"/,/^\.SH EXAMPLES/p' "$pages/moesim-scenario.5" | sed '$d')
has_names() { # NAME...
    for name; do grep -qxF ".B \"$name\"" roff || { echo "$name is not in it"; return 1; }; done
}
check "it has every key" has_names $("$MOESIM" list keys | awk '{ print $1 }')
check "and every kind" has_names $("$MOESIM" list kinds | awk '{ print $1 }')
check "and every proposal" has_names $("$MOESIM" list proposals | awk '/^[a-z]/ { print $1 }')
"$MOESIM" validate --print "$srcdir/scenarios/train_replay_h800.yaml" | sed -n 's/^ *\([a-z_0-9]*\): [^ ].*/\1/p' |
    sort -u >names
check "the list of keys is that of --print" [ -z "$(comm -23 names <("$MOESIM" list keys |
    awk '{ sub(/.*\./, "", $1); print $1 }' | sort -u))" ]

if command -v mandoc >/dev/null; then
    check "mandoc has nothing to say" [ -z "$(mandoc -T lint -W warning "$pages"/*.[15] 2>&1)" ]
else
    skip "mandoc has nothing to say" "there is no mandoc"
fi
if command -v man >/dev/null && command -v groff >/dev/null; then
    for page in "$pages"/*.[15]; do man --warnings -l "$page" 2>&1 >/dev/null; done >warnings
    check "nor has man" [ ! -s warnings ]
else
    skip "nor has man" "there is no man"
fi

# --- examples ----------------------------------------------------------------------------------------
moesim() { "$MOESIM" "$@"; }
export -f moesim
export MOESIM_PATH=$srcdir
for c in $commands; do
    awk '/^\[/ { inside = /EXAMPLES/ } /^\.RE/ { lines = 0 } inside && lines { print } /^\.RS/ { lines = 1 }' \
        "$srcdir/man/moesim-$c.h2m" | sed "s/\\\\-/-/g; s/\\\\(aq/'/g; s/\\\\e/\\\\/g" >"examples-$c.sh"
    check "moesim-$c(1) has examples" test -s "examples-$c.sh"
    mkdir "$c"
    check "and they run" env -C "$c" timeout 60 bash -eu -o pipefail "../examples-$c.sh"
done
finish
