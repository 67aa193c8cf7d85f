#!/bin/bash
# doc/ADDING.md's recipes, followed in a copy of the sources: the code that it shows goes where it says, the files that it
# names change and no others, and what was added runs. One link for all. TAP.
. "$srcdir/tests/cli.sh"
top=$(dirname "$MOESIM")
[ -f "$top/Makefile" ] || { skip "the recipes" "no Makefile beside $MOESIM"; finish; exit; }
export -n MAKEFLAGS MFLAGS MAKELEVEL
srcdir=$(cd "$srcdir" && pwd) copy=$PWD
cp -r "$srcdir/src" src && chmod -R u+w src

# --- the sources ------------------------------------------------------------------------------------
code() { # FILE: the block of that name, into its folder
    sed -n "/^\/\/ $(basename "$1")\$/,/^\`\`\`/{/^\`\`\`/d;1d;p}" "$srcdir/doc/ADDING.md" | sed 1d >"$1"
    check "doc/ADDING.md shows $(basename "$1")" [ -s "$1" ]
    echo "$1" >>named
    objects="$objects $1"
}
line() { # LOCAL.MK VARIABLE FILE
    echo "$2 += $3" >>"$1"
    echo "$1" >>named
}
change() { # FILE SED-SCRIPT: one of the lines that a recipe describes
    sed -i "$2" "$1"
    check "a line of $1" bash -c "! cmp -s $1 $srcdir/$1"
    echo "$1" >>named
}
plugin() { # FOLDER VARIABLE FILE
    code "$1/$3.c"
    line "$1/local.mk" "$2" "$1/$3.c"
}
objects=
plugin src/topology topologies topo_star
plugin src/models/llm/blocks blocks block_linear
plugin src/models/llm/blocks blocks block_two_matrices
plugin src/models/comm ep_kernels ep_copy_engines
plugin src/kinds/network kinds kind_ping
plugin src/proposals proposals prop_short_cables
# an input format
plugin src/io/inputs libmoesim_a_SOURCES kernel_log
change src/io/inputs/input.h 's/extern const struct input_format input_own_trace/&, input_kernel_log/'
change src/io/inputs/input.c 's/{&input_own_trace/{\&input_kernel_log, \&input_own_trace/'
# a family of kernels
code src/hw/kernels/sort.c
line src/hw/local.mk libmoesim_a_SOURCES src/hw/kernels/sort.c
change src/hw/kernels/kernels.h 's/^    KERNEL_FAMILIES$/    KERNEL_SORT,\n&/'
change src/hw/kernels/kernel_names.c 's/^    \[KERNEL_FAMILIES\]/    [KERNEL_SORT] = "sort",\n&/'
change src/hw/kernels/mechanism.h 's/^extern const struct kernel_mechanism mechanism_gemm/&, mechanism_sort/'
change src/hw/kernels/kernel.c 's/\[KERNEL_MOE\] = /[KERNEL_SORT] = \&mechanism_sort, &/'
# a key
change src/kinds/machine/gemm_cfg.h 's/^struct gemm_cfg {$/&\n    double pause_s;/'
change src/kinds/machine/gemm_cfg.c \
    's/^static const struct cfg_field fields.*/&\n    ROW_AMOUNT(gemm_cfg, "pause", pause_s, DIM_TIME, "0 s", 0, 1, "before"),/'
change src/kinds/machine/kind_gemm.c \
    's/^    run->result.kind = "gemm";/&\n    result_add_note(\&run->result, run->arena, arena_printf(run->arena, "pause %g s", gemm_cfg(run->file->scenario)->pause_s));/'
diff -rq "$srcdir/src" src | sed -E "s/^Files .* and ([^ ]*) differ/\1/; s/^Only in ([^:]*): /\1\//" | sort -u >changed
sort -u named >wanted
check "the recipes' files and no others" diff wanted changed

# --- one build ------------------------------------------------------------------------------------------
registry() { # FOLDER HEADER STRUCT PREFIX VARIABLE
    sh "$srcdir/build-aux/gen_registry" "$2" "$3" "$4" \
        $(grep -rhE "^$5 \+= " --include=local.mk src | cut -d' ' -f3-) >"$1/${4}_registry.c"
    objects="$objects $1/${4}_registry.c"
}
registry src/topology topology/topology.h topology_type topology topologies
registry src/models/llm/blocks models/llm/blocks/block.h block_type block blocks
registry src/models/comm models/comm/ep_kernel.h ep_kernel_type ep_kernel ep_kernels
registry src/kinds io/kind.h scenario_kind kind kinds
registry src/proposals proposals/proposal.h proposal proposal proposals
objects="$objects src/io/inputs/input.c $(grep -rlE 'KERNEL_FAMILIES|mechanism_sort' --include=*.c src/hw/kernels) src/cmd/cmd_kernels.c
    $(grep -rl gemm_cfg.h --include=*.c src)"
objects=$(printf '%s\n' $objects | sort -u)
variables='@echo compile=\"$(COMPILE)\" link=\"$(LINK)\" libs=\"$(moesim_LDADD) $(LIBS)\" main=\"$(moesim_OBJECTS)\"'
eval "$(make -C "$top" -s --no-print-directory --eval "print: ; $variables" print)"
link=${link% -o *}
build() {
    cd "$top" || exit 1
    printf '%s\n' $objects | xargs -P 2 -I{} sh -c \
        '${0%% *} ${0#* } -Werror -O0 -g0 -I"$1/src" -c "$1/$2" -o "$1/${2%.c}.o" 2>"$1/${2%.c}.log"' \
        "${compile/ -I/ -I$copy/src -I}" "$copy" {} || { cat "$copy"/src/*.log $(find "$copy/src" -name '*.log'); return 1; }
    local old=
    for o in $main; do [ -f "$copy/$o" ] || old="$old $o"; done
    $link -o "$copy/moesim" $(printf "$copy/%s " $(echo "$objects" | sed 's/\.c$/.o/')) $old $libs
}
check "they compile without a warning, and link" build
[ -x moesim ] || { finish; exit; }

# --- what was added --------------------------------------------------------------------------------------
MOESIM=$copy/moesim
export MOESIM_PATH=$srcdir
S=$srcdir/scenarios
expect 0 "a topology" run "$S/fig6_latency_16gpu.yaml" -s collective.topologies='ft2, star' -s collective.to='64 KiB' --json
says '"star"'
decode="$S/decode_ep144.yaml -s cluster.nodes=4 -s expert_load.redundant=0 -s inference.decode.batch=8 -s inference.simulate_layers=2 -s sim.network=bound"
expect 0 "an attention block" run $decode -s llm.attention.kind=linear -s llm.attention.head_dim=128
expect 0 "a feed-forward block" run $decode -s llm.dense_kind=two_matrices
expect 0 "a kernel of expert parallelism" run $decode -s cluster.ep_kernel.kernel=copy_engines
says "copy_engines"
printf 'kind: ping\nhardware: h800\ncluster: {nodes: 2, topology: ft2}\nping: {size: 1 MiB}\n' >ping.yaml
expect 0 "a kind" run ping.yaml
says "until it is there"
expect 3 "it refuses what it does not read" run ping.yaml -s cluster.chip.fp8='1 PFLOPS'
tells "kind ping does not read it"
expect 0 "a proposal" run "$S/fig6_latency_16gpu.yaml" -s collective.to='64 KiB' --proposal short_cables:factor=0.25
expect 0 "a key" run "$S/gemm_fp8.yaml" -s gemm.m=64 -s gemm.n=64 -s gemm.sample_rows=1 -s gemm.sample_columns=1 -s gemm.pause='1 ms'
says "pause 0.001 s"
expect 0 "a family of kernels" kernels --list
says "sort"
printf 'kernel_log us\n0 10 sort\n10 20 copy\n' >log.txt
expect 0 "an input format" trace import log.txt -o log.trace.json
expect 0 "what it read" trace info log.trace.json
says "0.030 ms"

# --- without code ---------------------------------------------------------------------------------------
mkdir -p own/configs/fast_h800
printf 'fp8: {value: 3 PFLOPS, source: "what if"}\n' >own/configs/fast_h800/chip.yaml
MOESIM_PATH=$copy/own:$srcdir expect 0 "a chip: a folder of YAML" run ping.yaml -s hardware='h800, fast_h800'
cp -r "$srcdir/configs/h800" own/configs/mine
MOESIM_PATH=$copy/own:$srcdir expect 0 "or a whole one" list hardware
says "mine"
finish
