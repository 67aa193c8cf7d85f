#!/bin/bash
# Which keys change which results: the table tests/sensitivity.txt, row by row. TAP.
exec python3 "$srcdir/tests/sensitivity.py" "$MOESIM" "$srcdir"
