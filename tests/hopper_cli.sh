#!/bin/bash
# The model of Hopper's tensor core against real output, where that is stored (tools/hopper/README.md); and the program
# that compares, on sums that are known by hand. TAP.
. "$srcdir/tests/cli.sh"
compare=${builddir:?}/tools/hopper/compare_vectors
vectors=$srcdir/tests/data/hopper_fp8.txt

# compared CODE TITLE: compare_vectors v.txt
compared() {
    last=$2
    "$compare" v.txt >out 2>err
    local code=$?
    if [ $code = "$1" ]; then ok "$2"; else not_ok "$2" "exit code $code, wanted $1" "$(cat out err)"; fi
}
zeros() { printf '00%.0s' $(seq "$1"); }

# 1 * 1 and 31 zeros; 1 + 2^-13 (both from 2^-6 * 2^-7 = 08 * 04) is kept, 2^-14 (08 * 02) is cut off
{
    echo "# by hand"
    echo "32 e4m3 38$(zeros 31) 38$(zeros 31) 3f800000"
    echo "32 e4m3 3808$(zeros 30) 3804$(zeros 30) 3f800400"
    echo "32 e4m3 3808$(zeros 30) 3802$(zeros 30) 3f800000"
    echo "64 e4m3 38$(zeros 31)08$(zeros 31) 38$(zeros 31)04$(zeros 31) 3f800400"
    echo "32 e5m2 3c$(zeros 31) bc$(zeros 31) bf800000"
} >v.txt
compared 0 "sums that are known by hand"
says "13 fraction bits: 5 of 5 sums agree bit by bit (the model's)"
says "12 fraction bits: 3 of 5 sums agree"
says "14 fraction bits: 5 of 5 sums agree"
echo "32 e4m3 3808$(zeros 30) 3802$(zeros 30) 3f800200" >>v.txt
compared 1 "a tensor core that keeps 14 bits is told"
says "v.txt:7: the model says 3f800000, the tensor core 3f800200"

bad() { # TITLE LINE TEXT
    echo "$2" >v.txt
    compared 3 "$1"
    tells "v.txt:1: error: $3"
}
bad "K that is no multiple of 32" "31 e4m3 00 00 00000000" "K must be a multiple of 32"
bad "a format that is none" "32 e3m4 $(zeros 32) $(zeros 32) 00000000" "the format must be e4m3 or e5m2"
bad "too few codes" "32 e4m3 $(zeros 31) $(zeros 32) 00000000" "a and b must be K codes"
bad "no hexadecimal number" "32 e4m3 zz$(zeros 31) $(zeros 32) 00000000" "a and b must be K codes"
bad "a sum too short" "32 e4m3 $(zeros 32) $(zeros 32) 0000" "the sum must be eight hexadecimal digits"
: >v.txt
compared 3 "an empty file"
tells "there are no vectors in it"

if [ -f "$vectors" ]; then
    cp "$vectors" v.txt
    compared 0 "the model is what $(sed -n 's/^# source: \([^,]*\),.*/\1/p' "$vectors") computes"
else
    skip "the model is what a Hopper GPU computes" "not run: no output of one is stored (tools/hopper/README.md)"
fi
finish
