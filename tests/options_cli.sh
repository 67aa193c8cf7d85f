#!/bin/bash
# An option given twice is an error, of every command, unless it is a list: the second would take the first one's place. TAP.
. "$srcdir/tests/cli.sh" || exit 1
lists="claims:output comm:check comm:set compare:tolerance compare:lower-is-better compare:higher-is-better compare:ignore
export:show formats:table kernels:known kernels:set model:set pareto:min pareto:max plot:y run:set run:proposal run:output search:minimize
search:maximize search:vary search:zip search:set sensitivity:metric sweep:axis sweep:zip sweep:set sweep:cache sweep:show topo:set
validate:set validate:proposal"

# A value that the option takes.
value_of() { # COMMAND OPTION
    case $1:$2 in
    sweep:output | merge:output) echo r.sqlite ;;
    report:output) echo r.html ;;
    plot:output) echo f.pdf ;;
    run:timeline | *:output) echo r.json ;;
    export:format) echo csv ;;
    *:format) echo text ;;
    claims:seeds) echo 2 ;;
    plot:log) echo x ;;
    plot:size) echo 3,2 ;;
    *:shard) echo 1/2 ;;
    *:time-limit) echo 1s ;;
    *:memory-limit) echo 1GB ;;
    *:progress) echo never ;;
    *:tolerance) [ "$1" = compare ] && echo '1 %' || echo 0.1 ;;
    formats:table) echo errors ;;
    kernels:leave-out) echo 2 ;;
    *) echo 1 ;;
    esac
}

commands=$("$MOESIM" help | sed -n 's/^  \([a-z]*\) .*/\1/p' | grep -v moesim)
for command in $commands; do
    wrong=
    for option in $("$MOESIM" "$command" --help | sed -nE 's/^ .*--([a-z0-9-]+)=.*/\1/p' | sort -u); do
        v=$(value_of "$command" "$option")
        "$MOESIM" "$command" "--$option=$v" "--$option=$v" </dev/null >out 2>err
        twice=$(grep -c "is given twice" err)
        [[ " $(echo $lists) " == *" $command:$option "* ]] && want=0 || want=1
        [ "$twice" = $want ] || wrong+=" --$option"
    done
    check "$command: options twice${wrong:+, but}$wrong" [ -z "$wrong" ]
done
expect 2 "a short option and its long form" export a.sqlite -o a.csv --output=b.csv
tells "--output is given twice"
finish
