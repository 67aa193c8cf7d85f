#!/bin/bash
# doc/HARDWARE.md is what tools/hardware_doc writes. TAP.
. "$srcdir/tests/cli.sh"
check "doc/HARDWARE.md is current (tools/hardware_doc writes it)" python3 "$srcdir/tools/hardware_doc" --check
for folder in "$srcdir"/configs/*/kernels; do
    check "kernels of $(basename "$(dirname "$folder")") are less than 400 KB" [ "$(cat "$folder"/* 2>/dev/null | wc -c)" -lt 400000 ]
done
finish
