#!/bin/bash
# The documentation does what it says. In all .md files:
#   ```sh blocks run, in order, in a folder per file that looks like the source tree. Not run are those whose first line says
#       # not run by the tests: REASON       and, where a program is missing, those that say
#       # needs PROGRAM...
#   ```python blocks run where the modules that they import are installed;
#   <!-- printed: A | B --> or <!-- printed line: A | B --> after a block: the block prints A and B, or the line A | B, and the
#   page's text has them, too, so that its numbers do not rot;
#   blocks that begin with a comment that is a file's name are written to that file, for the commands after them;
#   no command line stands outside of such blocks; commands and options that the text names exist, and so do
#   files, keys and sections that it refers to.
# Files are worked off two at a time. TAP.
. "$srcdir/tests/cli.sh" || exit 1
pages=$(cd "$srcdir" && ls README.md HACKING.md NEWS.md contrib/*.md doc/*.md doc/*/*.md 2>/dev/null)

# --- blocks ---------------------------------------------------------------------------------------

# Splits a page into 001.sh, 002.py, 003.file ... and `text`, what is outside of blocks that run.
split_page() { # PAGE FOLDER
    awk -v dir="$2" '
        function out(kind) { return sprintf("%s/%03d.%s", dir, n, kind) }
        /^```/ && !inside { inside = 1; n++; first = 1; kind = substr($0, 4); sub(/ .*/, "", kind); name = ""
            if (kind == "sh") name = out("sh"); else if (kind == "python") name = out("py"); next }
        /^```/ { inside = 0; next }
        inside && first && !name && /^(#|\/\/) [A-Za-z0-9_\/]+\.[a-z]+$/ { name = out("file") }
        { first = 0 }
        inside && name { print >name; next }
        !inside && /^<!-- printed line: .* -->$/ { print substr($0, 20, length($0) - 23) >out("printed"); next }
        !inside && /^<!-- printed: .* -->$/ { gsub(/^<!-- printed: | -->$/, ""); gsub(/ *\| */, "\n"); print >out("printed"); next }
        { print >(dir "/text") }' "$1"
}

like_the_source_tree() {
    ln -s "$MOESIM" moesim
    for folder in configs scenarios traces contrib src; do ln -s "$srcdir/$folder" .; done
    mkdir tools doc && cp -R "$srcdir/tools/plot" "$srcdir/tools/reproduce" tools/ && cp -R "$srcdir/doc/paper" doc/
    ln -s "$srcdir/report" .
    chmod -R u+w tools doc
    gzip -c "$srcdir/tests/data/tiny_kineto.json" >profile.json.gz
    python3 "$srcdir/tests/make_ranks.py" profiles >/dev/null
    cp "$srcdir/tests/data/hf_deepseek_v3.json" config.json
}

python_with() { # MODULES
    local py
    for py in python3 /usr/bin/python3; do
        "$py" -c "import $1" 2>/dev/null && echo "$py" && return
    done
    return 1
}

run_sh() { # BLOCK: runs it, or says why not and returns 77
    local first program
    first=$(head -n 1 "$1")
    case $first in
    "# not run by the tests: "?*) echo "${first#*tests: }" && return 77 ;;
    "# needs "?*)
        for program in ${first#\# needs }; do
            command -v "$program" >/dev/null || { echo "$program is not installed" && return 77; }
        done
        ;;
    esac
    # variables that a block exports are there for the next one, as in a reader's shell
    timeout 120 bash -eu -o pipefail -c '[ ! -e ../exported ] || . ../exported; . "$1"; export -p >../exported' - "$1" 2>&1
}

run_py() {
    local modules py
    modules=$(sed -nE 's/^(import|from) +([A-Za-z0-9_, ]+)( import .*)?$/\2/p' "$1" | paste -sd,)
    py=$(python_with "$modules") || { echo "no python3 with $modules" && return 77; }
    timeout 120 "$py" "$1" 2>&1
}

# Every line of a .printed file stands in the block's output and, as it is or without the unit, in the page's text.
printed() { # BLOCK OUTPUT TEXT
    local list=${1%.*}.printed item
    [ -e "$list" ] || return 0
    while IFS= read -r item; do
        grep -qF -e "$item" <<<"$2" || { echo "the block does not print: $item" && return 1; }
        grep -qF -e "${item% [a-zA-Z/]*}" "$3" || { echo "the text does not have what the block prints: $item" && return 1; }
    done <"$list"
}

# Writes lines `ok TITLE`, `skip TITLE # REASON`, `not_ok TITLE` and `# ...` to PAGE's results.
run_page() { # PAGE
    local dir=$work/pages/${1//\//_} block title said code
    mkdir -p "$dir/blocks" "$dir/work" && cd "$dir/work" || return
    split_page "$srcdir/$1" "$dir/blocks"
    like_the_source_tree
    for block in "$dir"/blocks/[0-9]*; do
        [ -e "$block" ] || break
        title="$1, $(grep -vm 1 '^#' "$block")"
        case $block in
        *.file)
            said=$(head -n 1 "$block" | sed 's/^[^ ]* //')
            mkdir -p "$(dirname "$said")" && cp "$block" "$said"
            continue
            ;;
        *.sh) said=$(run_sh "$block") ;;
        *.py) said=$(run_py "$block") ;;
        *) continue ;;
        esac
        code=$?
        [ $code != 0 ] || said=$(printed "$block" "$said" "$dir/blocks/text") || code=moved
        case $code in
        0) echo "ok $title" ;;
        77) echo "skip $title # $said" ;;
        *) echo "not_ok $title" && printf 'exit code: %s\n%s\n' $code "$said" | tail -n 40 | sed 's/^/# /' ;;
        esac
    done >"$dir/results"
}

export -f run_page split_page like_the_source_tree python_with run_sh run_py printed
export work srcdir MOESIM
# the longest first
ls -S $(printf "$srcdir/%s " $pages) | sed "s|^$srcdir/||" | xargs -P 2 -I{} bash -c 'run_page {}'

for page in $pages; do
    while IFS= read -r line; do
        case $line in
        'ok '*) ok "${line#ok }" ;;
        'skip '*) line=${line#skip } && skip "${line% # *}" "${line##* # }" ;;
        'not_ok '*) not_ok "${line#not_ok }" ;;
        *) echo "$line" ;;
        esac
    done <"$work/pages/${page//\//_}/results"
done
of() { echo "$work/pages/${1//\//_}/blocks"; }
check "README.md has commands to try" test -s "$(of README.md)/001.sh"

# --- what the text names --------------------------------------------------------------------------

# A line that looks like a command outside of blocks that run.
stray() { # PAGE
    [ -s "$(of "$1")/text" ] && ! grep -nE '^(    |\t)*(\$ )?((\./)?(moesim|bootstrap) [a-z]|make( |$)|autoreconf|\.\./configure|(sudo|apt-get|git|snakemake|python3?|tools/|contrib/)[^ ]* [a-z-])' \
        "$(of "$1")/text" | grep -E ':    |:\$'
}
for page in $pages; do
    check "$page has no command outside of the blocks that run" stray "$page"
done

mkdir help && "$MOESIM" --help >help/all
for command in $(sed -nE '/^Commands/,/^$/s/^  ([a-z]+) +[a-z].*/\1/p' help/all); do
    "$MOESIM" "$command" --help >"help/$command"
done
named() { # PAGE: commands and options in backquotes exist
    grep -oE '`(\./)?moesim [a-z][^`]*`' "$(of "$1")/text" | tr -d '`' | sort -u | while read -r _ command rest; do
        [ -f "help/$command" ] || { echo "there is no 'moesim $command'" && return 1; }
        for word in $rest; do
            case $word in
            --[a-z]*) grep -qE -e "${word%%=*}([=,[ ]|\$)" "help/$command" || { echo "moesim $command has no $word" && return 1; } ;;
            esac
        done
    done
}
for page in $pages; do
    check "$page names commands and options that exist" named "$page"
done

# A command that README.md shows as an example in its text, without placeholders, is one that a block runs.
shown_run() {
    local shown
    while read -r shown; do
        grep -rhqF --include='*.sh' -e "./$shown" "$work/pages" || { echo "no block runs: $shown" && return 1; }
    done < <(grep -oE '`moesim [a-z]+ [^`]*`' "$(of README.md)/text" | tr -d '`' | grep -v '[A-Z]' | grep -v h800,lab)
}
check "commands in the text of README.md are run by blocks" shown_run

links() { # PAGE: relative links lead to files
    local folder target bad=0
    folder=$(dirname "$srcdir/$1")
    for target in $(grep -oE '\]\([^)# ]+[)#]' "$srcdir/$1" | sed 's/^](//; s/[)#]$//' | grep -v '^http' | sort -u); do
        [ -e "$folder/$target" ] || { echo "$target is not there" && bad=1; }
    done
    return $bad
}
for page in $pages; do
    check "$page links to files that are there" links "$page"
done

"$MOESIM" schema | grep -oE '"[a-z_0-9]+": *\{' | tr -d '": {' | sort -u >keys
tables='cluster|replay|sim|train|inference|serving|collective|queueing|expert_load|single_machine|speculative|tpot|llm|routing_study|fault_study|reliability|kv'
names_keys() { # PAGE: the last word of every key in backquotes is a key's name
    local key bad=0
    for key in $(grep -oE "\`($tables)\.[a-z_.0-9]+" "$(of "$1")/text" | tr -d '`' | sed 's/\.$//' | sort -u); do
        case $key in *_ | *.yaml) continue ;; esac
        grep -qx "${key##*.}" keys || { echo "there is no key $key" && bad=1; }
    done
    return $bad
}
for page in $pages; do
    check "$page names keys that exist" names_keys "$page"
done

grep -hoE '^## [0-9]+\. ' "$srcdir"/doc/MODEL.md "$srcdir"/doc/model/*.md 2>/dev/null | tr -dc '0-9\n' | sort >sections
check "no two sections of the model have the same number" [ -z "$(uniq -d sections)" ]
for number in $({
    grep -ohE '[Ss]ections? [0-9]+([^.0-9]|\.( |$)|$)' "$srcdir"/doc/MODEL.md "$srcdir"/doc/model/*.md
    grep -rohE 'MODEL\.md [0-9]+' "$srcdir"/src "$srcdir"/doc "$srcdir"/*.md "$srcdir"/configs "$srcdir"/scenarios "$srcdir"/tests
} 2>/dev/null | tr -dc '0-9\n' | sort -nu); do
    check "section $number of the model is there" grep -qx "$number" sections
done

# --- numbers --------------------------------------------------------------------------------------
# (tests/claims_cli.sh holds doc/VALIDATION.md against the claims)
if python3 -c '' 2>/dev/null; then
    check "tables of key numbers are those of doc/VALIDATION.md" "$srcdir/tools/key_numbers" --check
else
    skip "tables of key numbers are those of doc/VALIDATION.md" "there is no python3"
fi

# --- what README.md shows -------------------------------------------------------------------------

# The output that README.md shows is that of the main job, shortened by whole lines.
awk '/^    train_replay_h800:/ { shown = 1 } shown && NF && !/\.\.\.$/ { print substr($0, 5) }
     /sum = makespan/ { exit }' "$srcdir/README.md" >shown
"$MOESIM" run "$srcdir/scenarios/train_replay_h800.yaml" | sed 's/ *$//' >printed
check "README.md shows an output" test -s shown
check "README.md shows what the main job prints" diff <(grep -xFf shown printed) \
    <(grep -v '^$' shown)
finish
