/* Units: the only place where text with a unit becomes an SI double and back.
 * Inside the program a quantity is an SI double whose name ends in its unit. */
#ifndef MOESIM_BASE_UNITS_H
#define MOESIM_BASE_UNITS_H

#include <stdbool.h>
#include <stddef.h>

enum unit_dim {
    DIM_RATIO,     /* no unit, or % */
    DIM_COUNT,     /* whole number, no unit */
    DIM_TIME,      /* s: ps ns us ms s min h d */
    DIM_BYTES,     /* B: B KB MB GB TB (1000) KiB MiB GiB TiB (1024); also bit: b Kb Mb Gb
                  Tb */
    DIM_BANDWIDTH, /* B/s: the same per s; 'Gb/s' is bits, 'GB/s' is bytes */
    DIM_FLOP,      /* FLOP KFLOP MFLOP GFLOP TFLOP PFLOP EFLOP */
    DIM_FLOPS,     /* FLOP/s: 'TFLOPS' or 'TFLOP/s' */
    DIM_FREQUENCY, /* Hz kHz MHz GHz */
    DIM_LENGTH,    /* m: mm cm m km */
    DIM_POWER,     /* W: mW W kW MW */
    DIM_ENERGY,    /* J: pJ nJ uJ mJ J kJ MJ GJ TJ */
    DIM_MONEY,     /* USD kUSD MUSD, also $ prefix */
    DIM_N
};

const char *unit_dim_name(enum unit_dim dim); /* "bandwidth" */
const char *unit_dim_si(enum unit_dim dim);   /* "B/s" */
/* The other way: the dimension of an SI unit; DIM_RATIO where there is none such. */
enum unit_dim unit_dim_of_si(const char *si);
const char *unit_dim_example(enum unit_dim dim); /* "50 GB/s": for error messages */
/* The i-th unit that a dimension accepts, or NULL after the last (for schemas and
 * docs). */
const char *unit_name(enum unit_dim dim, size_t i);

/* Parses text such as "3.7 us" or "400 Gb/s". Returns 0, or -1 with a one-line reason
 * in `why` that names the unit that was found and an example of what to write. Never
 * reads past `len`. The value is the double nearest to the decimal text: "3.7 us"
 * equals 3.7e-6 exactly. */
int unit_parse(const char *text, size_t len, enum unit_dim dim, double *si, char *why, size_t why_size);

/* Writes a value with a readable prefix, e.g. "45 GB/s", at most 6 significant digits;
 * returns buf. */
const char *unit_format(double si, enum unit_dim dim, char *buf, size_t buf_size);

/* The unit in which unit_format would write the largest of several values, "" of a dimension without units; *scale: how
 * many SI units it is. `binary`: KiB, MiB, ... where the dimension has them. */
const char *unit_scale(double largest_si, enum unit_dim dim, bool binary, double *scale);

#endif
