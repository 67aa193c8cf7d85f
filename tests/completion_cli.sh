#!/bin/bash
# The completion of bash, asked as bash asks it: every command and option, keys and their values, proposals, files. TAP.
. "$srcdir/tests/cli.sh"
ln -s "$MOESIM" moesim
for folder in configs scenarios traces; do ln -s "$srcdir/$folder" .; done
. "$srcdir/contrib/completion/moesim"

# completed LINE: what is offered at the end of the line, one a line.
completed() {
    COMP_LINE=$1 COMP_POINT=${2:-${#1}} COMPREPLY=()
    _moesim
    printf '%s\n' "${COMPREPLY[@]}"
}
offers() { # LINE WORD...: all of these, perhaps more
    local line=$1 word
    shift
    completed "$line" >offered
    for word; do
        check "'$line' offers $word" grep -qxF -e "$word" offered
    done
}
offers_only() { # LINE WORDS-WITH-BLANKS, sorted; '' for none
    check "'$1' offers ${2:-nothing}" [ "$(completed "$1" | LC_ALL=C sort | xargs)" = "$2" ]
}

check "it is registered" grep -q "_moesim moesim" <(complete -p moesim)
commands=$("$MOESIM" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')

# --- commands and options -----------------------------------------------------------------------
offers "./moesim " $commands help --help --version
offers "./moesim help " $commands
offers_only "./moesim exp" "export"
offers_only "./moesim nonsense --" ""
offers_only "no-such-folder/moesim " ""
for c in $commands; do
    "$MOESIM" "$c" --help | sed -nE 's/^ {2,6}(-., )?(--[a-z0-9-]+=?).*/\2/p' | LC_ALL=C sort >options
    check "$c: its options are offered" cmp options <(completed "./moesim $c --" | LC_ALL=C sort)
done
check "the cursor may stand within the line" [ "$(completed "./moesim exp --help" 12)" = export ]

# --- keys and values --------------------------------------------------------------------------------
for COMP_WORDBREAKS in $' \t\n"\'><=;|&(:' $' \t\n"\'><;|&('; do
    set_= sim= parameter= routing=adaptive_routing:policy=
    case $COMP_WORDBREAKS in *=*) routing= ;; *) set_=--set= sim=sim.network= parameter=adaptive_routing: ;; esac
    offers "./moesim run -s " kind= cluster. sim.
    offers_only "./moesim run -s cluster.nic.b" "cluster.nic.bandwidth="
    offers_only "./moesim run --set=cluster.nic.b" "${set_}cluster.nic.bandwidth="
    offers_only "./moesim run -s 'cluster.nic.b" "cluster.nic.bandwidth="
    offers_only "./moesim run -s sim.network=" "${sim}bound ${sim}cm02 ${sim}flow ${sim}packet"
    offers_only "./moesim run -s sim.network=f" "${sim}flow"
    offers "./moesim run --proposal=adaptive_routing:policy=sp" \
        "$([ "$sim" ] && echo --proposal=adaptive_routing:policy=)spray"
    offers_only "./moesim run --proposal adaptive_routing:re" "${parameter}rebalance="
done
COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
offers "./moesim run -s cluster.topology=" $("$MOESIM" list topologies | awk '{ print $1 }')
offers "./moesim run -s hardware=" h800
offers "./moesim validate -s sim.checked=" true false
offers "./moesim sweep -a train.sch" train.schedule=
offers "./moesim sweep -a cluster.nodes=1,2 --axis tpot.tokens=1 --zip cluster.nodes,t" cluster.nodes,tpot.tokens
offers "./moesim model -s moe." moe.top_k=
offers_only "./moesim topo -s s" ""
missing=$(comm -23 <("$MOESIM" list kinds | awk '{ print $1 }' | sort) <(completed "./moesim run -s kind=" | sort))
check "all kinds are offered" [ -z "$missing" ]
check "keys of a scenario's kind only: tpot" grep -qx tpot. <(completed "./moesim run scenarios/tpot_bound_h800.yaml -s ")
check "not those of others" [ -z "$(completed "./moesim run scenarios/tpot_bound_h800.yaml -s trai")" ]

# Every key can be reached.
reachable() {
    local key parent
    "$MOESIM" list keys | awk '{ print $1 }' >keys
    sed 's/[^.]*$//' keys | sort -u >parents
    while IFS= read -r parent; do completed "./moesim run -s $parent"; done <parents | grep = | sort >reached
    sed 's/$/=/' keys | sort | cmp - reached
}
check "every key can be reached" reachable

# --- values of options --------------------------------------------------------------------------------
offers "./moesim run --proposal " $("$MOESIM" list proposals | awk '/^[a-z]/ { print $1 }')
offers_only "./moesim topo --format " "dot htsim ibsim json latex simgrid-xml text"
for format in $(completed "./moesim topo --format="); do
    what="mpft --nodes 128"
    [ "$format" != latex ] || what=--table3
    expect 0 "topo takes the format $format" topo $what --format="$format"
done
offers_only "./moesim model -f " "json latex text"
offers_only "./moesim export -f " "csv json latex"
offers_only "./moesim compare -f " "json latex text"
offers_only "./moesim claims -f " "json latex text"
offers_only "./moesim formats -t " "combine errors gemm rounding"
offers "./moesim export --table=" wide wide_mean points
offers_only "./moesim sweep --sample s" "saltelli: sobol:"
offers "./moesim kernels --hardware " h800
"$MOESIM" sweep "$srcdir/scenarios/tpot_bound_h800.yaml" -s tpot.bridge=false --axis tpot.tokens=8,16 \
    -o result.sqlite >/dev/null 2>&1
offers "./moesim sensitivity result.sqlite --metric tp" tpot_bound
offers "./moesim pareto result.sqlite --max=tpot.t" tpot.tokens

# --- arguments ----------------------------------------------------------------------------------------
touch mine.yaml other.json my.trace.json "with blank.yaml"
offers "./moesim run " mine.yaml scenarios "with blank.yaml"
offers_only "./moesim run m" "mine.yaml"
offers "./moesim run scenarios/tp" scenarios/tpot_bound_h800.yaml
offers "./moesim run -o r.json --detail scenarios/tp" scenarios/tpot_bound_h800.yaml
offers "./moesim topo " mpft mrft
offers "./moesim topo mpft m" mine.yaml
offers "./moesim topo --nodes 4 mr" mrft
offers "./moesim model " deepseek_v3 import mine.yaml
offers_only "./moesim model import o" "other.json"
offers "./moesim kernels " gemm_fp8 gemm_bf16 attention_decode_bf16 norm
offers "./moesim formats lo" logfmt8
offers "./moesim claims table1" table1_v3_kv
offers "./moesim claims 4." 4.3
offers "./moesim proposals plane" plane_failover
offers_only "./moesim trace " "import info"
offers "./moesim trace info " my.trace.json traces
offers_only "./moesim pareto r" "result.sqlite"
offers "./moesim report " other.json result.sqlite
offers_only "./moesim schema " ""
for list in $(completed "./moesim list "); do expect 0 "moesim list $list, which is offered" list "$list"; done
cd / && offered=$(completed "$work/moesim run scenarios/tpot_bound_n")
cd "$work"
check "shipped scenarios from anywhere" [ "$offered" = scenarios/tpot_bound_nvl72.yaml ]
finish
