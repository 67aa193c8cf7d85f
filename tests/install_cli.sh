#!/bin/bash
# What `make install` puts somewhere works there, wherever it is moved, from any folder, without the source tree; what
# `make uninstall` leaves. TAP.
. "$srcdir/tests/cli.sh"
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES MOESIM_PATH
if [ ! -e "$builddir/Makefile" ]; then skip "make install" "there is no Makefile in $builddir"; finish; fi
in_build() { make -C "$builddir" --no-print-directory "$@" DESTDIR="$work/stage" >make.log 2>&1 || { tail make.log; return 1; }; }

check "make install" in_build install
program=$(find stage -path '*/bin/moesim')
check "the program is there" test -x "$program"
prefix=$(dirname "$(dirname "$program")")
cp -R "$prefix" moved
mkdir empty mine
work=$(pwd -P)
MOESIM=$work/moved/bin/moesim data=$work/moved/share/moesim

# --- data ---------------------------------------------------------------------------------------
same_folders() {
    for folder in configs scenarios traces report; do diff -r "$srcdir/$folder" "$data/$folder" || return; done
}
check "all data files are there" same_folders
check "and so are man pages, completion, documentation" test -e moved/share/bash-completion/completions/moesim \
    -a -e moved/share/doc/moesim/README.md -a -e moved/share/doc/moesim/doc/MODEL.md
if [ -e "$builddir/man/moesim.1" ] || [ -e "$srcdir/man/moesim.1" ]; then
    check "a page per command" test -e moved/share/man/man1/moesim-run.1 -a -e moved/share/man/man5/moesim-scenario.5
else
    skip "a page per command" "this build has no pages"
fi
# Where moesim says that it found things is that folder, not the source tree.
cd empty
expect 0 "a scenario is found from any folder" validate scenarios/tpot_bound_h800.yaml
check "it is the installed one" grep -q "^$data/scenarios/tpot_bound_h800.yaml: ok" out
expect 3 "what is not there is not found elsewhere" validate -s hardware=gone scenarios/tpot_bound_h800.yaml
tells "gone"

# The same with nothing where the source tree was.
cat >../tour.sh <<'END'
set -eu
moesim() { "$MOESIM" "$@" >>tour.out; }
moesim list hardware
moesim list scenarios
moesim run scenarios/tpot_bound_h800.yaml -s tpot.bridge=false -o run.json
moesim run scenarios/proposals/exchange.yaml -s cluster.nodes=2 -s sim.network=bound
moesim sweep scenarios/tpot_bound_h800.yaml -s tpot.bridge=false --axis tpot.tokens=16,32 -o sweep.sqlite
moesim topo mpft scenarios/decode_ep128.yaml --cost --format json -o net.json
moesim claims table1_v3_kv
moesim model deepseek_v3
moesim kernels gemm_fp8 --m 4096 --n 7168 --k 2048
moesim trace info traces/deepseek_v3_train.trace.json
moesim report run.json net.json sweep.sqlite -o report.html
grep -q echarts report.html
rm -f ./*.json ./*.sqlite report.html
END
export MOESIM
check "a tour of the installed moesim" bash ../tour.sh
if unshare -rm true 2>/dev/null && [[ "$work" != "$srcdir"/* && "$work" != "$builddir"/* ]]; then
    hidden() {
        unshare -rm bash -c 'mount -t tmpfs none "$1" && { [ ! -d "$2" ] || mount -t tmpfs none "$2"; } &&
            [ -z "$(ls -A "$1")" ] && bash ../tour.sh' hidden "$(realpath "$srcdir")" "$(realpath "$builddir")"
    }
    check "the same without a source tree" hidden
else
    skip "the same without a source tree" "unshare -rm is not permitted here"
fi

# --- $MOESIM_PATH ----------------------------------------------------------------------------------
mkdir -p ../mine/scenarios ../mine/configs/lab
sed 's/^description: .*/description: one of mine/' "$data/scenarios/tpot_bound_h800.yaml" \
    >../mine/scenarios/tpot_bound_h800.yaml
echo 'mtu: {value: 2 KiB, source: test}' >../mine/configs/lab/nic.yaml
export MOESIM_PATH=$work/none:$work/mine
expect 0 "a scenario of \$MOESIM_PATH comes first" validate scenarios/tpot_bound_h800.yaml
says "$work/mine/scenarios/tpot_bound_h800.yaml: ok"
expect 0 "its configs are listed" list hardware
says "'hardware: h800, lab'"
expect 0 "and laid" validate --print scenarios/tpot_bound_h800.yaml -s 'hardware=h800, lab'
says 'mtu: {value: 2 KiB, source: "test"}'
unset MOESIM_PATH

# --- moesim-slurm -----------------------------------------------------------------------------------
mkdir ../fake
printf '#!/bin/sh\necho 1\n' >../fake/sbatch
chmod +x ../fake/sbatch
check "moesim-slurm submits" env -u MOESIM PATH="$work/fake:$PATH" "$work/moved/bin/moesim-slurm" -o r.sqlite -n 2 -- \
    scenarios/tpot_bound_h800.yaml -s tpot.bridge=false --axis tpot.tokens=8,16
check "the moesim beside it" grep -qF "$work/moved/bin/moesim sweep" r.sqlite.shards/task.sh
cd ..

# --- uninstall ------------------------------------------------------------------------------------------
own=$(find stage -type d -path '*/share/moesim')
touch "$own/configs/of_somebody.yaml"
check "make uninstall" in_build uninstall
check "nothing is left but what somebody else put there" [ "$(find stage -type f)" = "$own/configs/of_somebody.yaml" ]
rm "$own/configs/of_somebody.yaml"
check "again" in_build uninstall
check "no folder of moesim's own is left" [ -z "$(find "$prefix" -mindepth 1 -name 'moesim*')" ]
finish
