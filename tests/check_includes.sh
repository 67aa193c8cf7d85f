#!/bin/bash
# The house's floors: an include may only point down, and each library lives in one room.
cd "${srcdir:-.}/src" || exit 1
floor() {
    case $1 in
    base) echo 0 ;; hw) echo 1 ;; topology) echo 2 ;; models) echo 3 ;; sim) echo 4 ;;
    proposals) echo 5 ;; io) echo 6 ;; kinds) echo 7 ;; campaign) echo 8 ;; cmd) echo 9 ;; *) echo 99 ;;
    esac
}
bad=0
complain() { echo "# $*"; bad=1; }

# A kind's headers stay in its folder. A service's steps are those of inference; what has no keys may be asked by others.
is_shared() { # FILE LINE
    [[ $1 == kinds/serve/* && $2 == *'"kinds/infer/'* ]] || [[ $2 == *'"kinds/network/comm_time.h"'* ]] ||
        [[ $2 == *'"kinds/train/schedules/schedule.h"'* ]]
}

while IFS=: read -r file line; do
    room=${file%%/*} target=$(sed -E 's/.*"([^"/]+)\/.*/\1/' <<<"$line")
    [ "$(floor "$target")" -le "$(floor "$room")" ] || complain "$file includes upwards: $line"
    family=$(sed -nE 's|^[0-9]*:?.*"(kinds/[a-z]+)/.*|\1|p' <<<"$line")
    [ -z "$family" ] || [[ $file == $family/* ]] || is_shared "$file" "$line" ||
        complain "$file includes a header of another family of kinds: $line"
    case $room/$target in
    models/topology | topology/models) complain "$file: models and topology do not know each other" ;;
    esac
done < <(grep -rHE '^ *# *include "[a-z]+/' --include=*.[ch] --include=*.cpp . | sed 's|^\./||')

only_in() { # PATTERN ALLOWED-REGEX WHAT
    while IFS=: read -r file _; do
        [[ $file =~ $2 ]] || complain "$file uses $3"
    done < <(grep -rHE "^ *# *include [<\"]($1)" --include=*.[ch] --include=*.cpp . | sed 's|^\./||')
}
only_in 'simgrid|xbt' '^sim/simgrid_shim\.cpp$' SimGrid
only_in 'cJSON|cjson|sqlite3' '^io/' 'cJSON or SQLite outside io'
only_in 'yaml\.h' '^base/' 'libyaml outside base'
only_in 'zlib\.h' '^(io/|base/outfile\.c)' 'zlib outside io and outfile'

echo 1..1
if [ $bad = 0 ]; then echo "ok 1 - includes point down"; else echo "not ok 1 - includes point down"; fi
