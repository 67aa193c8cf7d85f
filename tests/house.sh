#!/bin/bash
# Kinds own their keys: a key more in a kind recompiles that kind. Asks make what it would do. TAP.
. "$srcdir/tests/cli.sh"
top=$(dirname "$MOESIM")
[ -f "$top/Makefile" ] || { skip "what make rebuilds" "no Makefile beside $MOESIM"; finish; exit; }
src=$(sed -n 's/^top_srcdir = //p' "$top/Makefile")
export -n MAKEFLAGS MFLAGS MAKELEVEL

rebuilt() { # MAKE'S OPTIONS...: objects that make would compile
    make -C "$top" -n V=1 "$@" libmoesim.a 2>/dev/null | grep -oE '\-o [^ ]+\.o' | cut -d' ' -f2 | sort -u
}

rebuilt >before # what is out of date anyway
for header in train/train_cfg replay/replay infer/infer_cfg serve/serving_cfg network/collective_cfg machine/kv_cfg \
    reliability/reliability; do
    family=${header%/*}
    rebuilt -W "$src/src/kinds/$header.h" | comm -13 before - >after
    check "a key of $header: its kinds are compiled" grep -q "^src/kinds/$family/kind_" after
    beyond="^src/kinds/($family|kind_registry)"
    [ "$family" = infer ] && beyond="^src/kinds/(infer|serve|kind_registry)" # steps of a service are those of inference
    check "and nothing beyond src/kinds/$family and the registry" [ -z "$(grep -vE "$beyond" after)" ]
done
check "io/scenario.h includes no header of a kind" [ -z "$(grep '"kinds/' "$srcdir/src/io/scenario.h")" ]
finish
