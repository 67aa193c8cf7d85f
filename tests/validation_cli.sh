#!/bin/bash
# Public measurements beside the model: none moved, and the page says what they are. TAP.
. "$srcdir/tests/cli.sh"
export MOESIM_PATH=$srcdir
check "no public row regressed" python3 "$srcdir/tools/validation_public" "$MOESIM" page.md
check "doc/VALIDATION_PUBLIC.md is current (else: tools/claims_record ./moesim scenarios/validation, tools/validation_public)" \
    diff "$srcdir/doc/VALIDATION_PUBLIC.md" page.md
check "each says what, where and when it was measured" python3 - "$srcdir" <<'PY'
import glob, sys
for path in glob.glob(sys.argv[1] + "/scenarios/validation/*.yaml"):
    text = open(path).read()
    for key in ("chip", "software", "date", "conditions", "source"):
        assert f"\n{key}: \"" in text, (path, key)
PY
finish
