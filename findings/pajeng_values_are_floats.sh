#!/bin/bash
# pj_dump of PajeNG 1.3.6 (Debian 12), the reader of the traces that SimGrid and others write; option -l 12 asks for 12 decimals.
#
# Expected: the values of a variable, which the header of the trace calls double, as they are written: bytes that a link has carried
# until then, 20000001 and 68719476736123, a fraction of 0.1; steps of 1 added to 100000000 add up.
# Seen: they are read as floats of 32 bits: 20000000, 68719476736000, 0.100000001490; a step of 123456789 is 123456792. Sums are
# kept wider, so that small steps do add up, and times are doubles throughout.
# So a counter in bytes that has passed 35 TB stands still for up to 4 MB and then jumps (the rate from its differences is
# noise), and totals of large messages differ from the simulator's own from the eighth digit on, whatever -l says.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download pajeng=1.3.6-3 libpaje2=1.3.6-3 libfl2=2.6.4-8.2 >apt.log 2>&1 || { tail -n 3 apt.log >&2; exit 2; }
for p in *.deb; do dpkg -x "$p" root; done
# NAME FIELD... of an event whose number is the count of those before
events=0
event() {
    echo "%EventDef $1 $events"
    shift
    for field in "$@"; do echo "% ${field/:/ }"; done
    echo "%EndEventDef"
    events=$((events + 1))
}
{
    event PajeDefineContainerType Alias:string Type:string Name:string
    event PajeDefineVariableType Alias:string Type:string Name:string
    event PajeCreateContainer Time:date Alias:string Type:string Container:string Name:string
    event PajeDestroyContainer Time:date Type:string Name:string
    event PajeSetVariable Time:date Type:string Container:string Value:double
    event PajeAddVariable Time:date Type:string Container:string Value:double
    echo '0 LINK 0 LINK
1 BYTES LINK BYTES
2 0 l LINK 0 "link"
4 1.000000001 BYTES l 20000001
4 2 BYTES l 68719476736123
4 3 BYTES l 0.1
4 4 BYTES l 100000000
5 5 BYTES l 1
5 6 BYTES l 1
5 7 BYTES l 123456789
3 8 LINK l'
} >trace
{
    dpkg-deb -f pajeng_*.deb Version
    LD_LIBRARY_PATH=root/usr/lib/$(uname -m)-linux-gnu root/usr/bin/pj_dump -l 12 trace | awk -F', ' '/^Variable/ { print "from " $4 ": " $7 }'
} >seen
cat seen
diff seen - <<'EXPECTED' && echo "as found"
1.3.6-3
from 1.000000001000: 20000000.000000000000
from 2.000000000000: 68719476736000.000000000000
from 3.000000000000: 0.100000001490
from 4.000000000000: 100000000.000000000000
from 5.000000000000: 100000001.000000000000
from 6.000000000000: 100000002.000000000000
from 7.000000000000: 223456794.000000000000
EXPECTED
