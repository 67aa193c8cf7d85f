# For tests of the command line, sourced: each runs in an empty folder of its own and prints TAP.
#   expect CODE TITLE ARGS...   runs moesim; passes when it exits with CODE; leaves files out and err
#   says / tells TEXT           TEXT stands in its standard output / standard error
#   check TITLE COMMAND...      passes when COMMAND succeeds
[ -x "${MOESIM:-}" ] || { echo "Bail out! \$MOESIM is no program"; exit 1; }
[ -d "${srcdir:-}" ] || { echo "Bail out! \$srcdir is no folder"; exit 1; }
work=$(mktemp -d) && cd "$work" || exit 1
trap 'cd /; chmod -R u+rwx "$work"; rm -rf "$work"' EXIT
n=0 failed=0 last=

ok() {
    n=$((n + 1))
    echo "ok $n - $1"
}

not_ok() {
    n=$((n + 1)) failed=1
    echo "not ok $n - $1"
    shift
    printf '%s\n' "$@" | sed 's/^/# /'
}

skip() {
    n=$((n + 1))
    echo "ok $n - $1 # SKIP $2"
}

expect() {
    local want=$1 code
    last=$2
    shift 2
    timeout "${EXPECT_S:-60}" "$MOESIM" "$@" >out 2>err
    code=$?
    if [ $code = "$want" ]; then
        ok "$last"
    else
        not_ok "$last" "exit code $code, wanted $want: moesim $*" "$(head -c 4000 out err)"
    fi
}

stands_in() { # FILE TEXT
    if grep -qF -e "$2" "$1"; then
        ok "$last: $2"
    else
        not_ok "$last: $2" "got: $(head -c 4000 "$1")"
    fi
}

says() { stands_in out "$1"; }
tells() { stands_in err "$1"; }

# (the sanitizer remarks that it does not know the stacks of SimGrid's actors)
silent_on_stderr() {
    local said
    said=$(grep -vE 'ASan is ignoring|False positive error reports|google/sanitizers/issues/189' err)
    check "$last: nothing on standard error" [ -z "$said" ]
}

check() {
    local title=$1 text
    shift
    if text=$("$@" 2>&1); then ok "$title"; else not_ok "$title" "$*" "$text"; fi
}

finish() {
    echo "1..$n"
    exit $failed
}
