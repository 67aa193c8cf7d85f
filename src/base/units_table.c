/* The table of units: each is a decimal exponent and, for minutes, binary prefixes and
 * bits, a small factor that is exact in binary. Within a dimension, units for output
 * stand in rising order. Reference: BIPM, The International System of Units, 9th ed.;
 * IEC 80000-13 for KiB, MiB, ... */
#include "base/units_table.h"

#include "base/diag.h"

/* clang-format off: one unit a line */
const struct unit unit_table[] = {
    {DIM_RATIO, "%", -2, 1, 1, 'i'},
    {DIM_TIME, "ps", -12, 1, 1, 'd'},
    {DIM_TIME, "ns", -9, 1, 1, 'd'},
    {DIM_TIME, "us", -6, 1, 1, 'd'},
    {DIM_TIME, "ms", -3, 1, 1, 'd'},
    {DIM_TIME, "s", 0, 1, 1, 'd'},
    {DIM_TIME, "min", 0, 60, 1, 'i'},
    {DIM_TIME, "h", 0, 3600, 1, 'i'},
    {DIM_TIME, "d", 0, 86400, 1, 'i'},
    {DIM_BYTES, "B", 0, 1, 1, 'd'},
    {DIM_BYTES, "KB", 3, 1, 1, 'd'},
    {DIM_BYTES, "kB", 3, 1, 1, 'i'},
    {DIM_BYTES, "MB", 6, 1, 1, 'd'},
    {DIM_BYTES, "GB", 9, 1, 1, 'd'},
    {DIM_BYTES, "TB", 12, 1, 1, 'd'},
    {DIM_BYTES, "PB", 15, 1, 1, 'd'},
    {DIM_BYTES, "KiB", 0, 0x1p10, 1, 'b'},
    {DIM_BYTES, "MiB", 0, 0x1p20, 1, 'b'},
    {DIM_BYTES, "GiB", 0, 0x1p30, 1, 'b'},
    {DIM_BYTES, "TiB", 0, 0x1p40, 1, 'b'},
    {DIM_BYTES, "b", 0, 1, 8, 'i'},
    {DIM_BYTES, "Kb", 3, 1, 8, 'i'},
    {DIM_BYTES, "kb", 3, 1, 8, 'i'},
    {DIM_BYTES, "Mb", 6, 1, 8, 'i'},
    {DIM_BYTES, "Gb", 9, 1, 8, 'i'},
    {DIM_BYTES, "Tb", 12, 1, 8, 'i'},
    {DIM_BANDWIDTH, "B/s", 0, 1, 1, 'd'},
    {DIM_BANDWIDTH, "KB/s", 3, 1, 1, 'd'},
    {DIM_BANDWIDTH, "kB/s", 3, 1, 1, 'i'},
    {DIM_BANDWIDTH, "MB/s", 6, 1, 1, 'd'},
    {DIM_BANDWIDTH, "GB/s", 9, 1, 1, 'd'},
    {DIM_BANDWIDTH, "TB/s", 12, 1, 1, 'd'},
    {DIM_BANDWIDTH, "PB/s", 15, 1, 1, 'd'},
    {DIM_BANDWIDTH, "KiB/s", 0, 0x1p10, 1, 'b'},
    {DIM_BANDWIDTH, "MiB/s", 0, 0x1p20, 1, 'b'},
    {DIM_BANDWIDTH, "GiB/s", 0, 0x1p30, 1, 'b'},
    {DIM_BANDWIDTH, "TiB/s", 0, 0x1p40, 1, 'b'},
    {DIM_BANDWIDTH, "b/s", 0, 1, 8, 'i'},
    {DIM_BANDWIDTH, "Kb/s", 3, 1, 8, 'i'},
    {DIM_BANDWIDTH, "kb/s", 3, 1, 8, 'i'},
    {DIM_BANDWIDTH, "Mb/s", 6, 1, 8, 'i'},
    {DIM_BANDWIDTH, "Gb/s", 9, 1, 8, 'i'},
    {DIM_BANDWIDTH, "Tb/s", 12, 1, 8, 'i'},
    {DIM_FLOP, "FLOP", 0, 1, 1, 'd'},
    {DIM_FLOP, "KFLOP", 3, 1, 1, 'd'},
    {DIM_FLOP, "MFLOP", 6, 1, 1, 'd'},
    {DIM_FLOP, "GFLOP", 9, 1, 1, 'd'},
    {DIM_FLOP, "TFLOP", 12, 1, 1, 'd'},
    {DIM_FLOP, "PFLOP", 15, 1, 1, 'd'},
    {DIM_FLOP, "EFLOP", 18, 1, 1, 'd'},
    {DIM_FLOP, "ZFLOP", 21, 1, 1, 'd'},
    {DIM_FLOPS, "FLOPS", 0, 1, 1, 'd'},
    {DIM_FLOPS, "KFLOPS", 3, 1, 1, 'd'},
    {DIM_FLOPS, "MFLOPS", 6, 1, 1, 'd'},
    {DIM_FLOPS, "GFLOPS", 9, 1, 1, 'd'},
    {DIM_FLOPS, "TFLOPS", 12, 1, 1, 'd'},
    {DIM_FLOPS, "PFLOPS", 15, 1, 1, 'd'},
    {DIM_FLOPS, "EFLOPS", 18, 1, 1, 'd'},
    {DIM_FLOPS, "ZFLOPS", 21, 1, 1, 'd'},
    {DIM_FLOPS, "FLOP/s", 0, 1, 1, 'i'},
    {DIM_FLOPS, "KFLOP/s", 3, 1, 1, 'i'},
    {DIM_FLOPS, "MFLOP/s", 6, 1, 1, 'i'},
    {DIM_FLOPS, "GFLOP/s", 9, 1, 1, 'i'},
    {DIM_FLOPS, "TFLOP/s", 12, 1, 1, 'i'},
    {DIM_FLOPS, "PFLOP/s", 15, 1, 1, 'i'},
    {DIM_FLOPS, "EFLOP/s", 18, 1, 1, 'i'},
    {DIM_FLOPS, "ZFLOP/s", 21, 1, 1, 'i'},
    {DIM_FREQUENCY, "Hz", 0, 1, 1, 'd'},
    {DIM_FREQUENCY, "kHz", 3, 1, 1, 'd'},
    {DIM_FREQUENCY, "MHz", 6, 1, 1, 'd'},
    {DIM_FREQUENCY, "GHz", 9, 1, 1, 'd'},
    {DIM_LENGTH, "mm", -3, 1, 1, 'd'},
    {DIM_LENGTH, "cm", -2, 1, 1, 'i'},
    {DIM_LENGTH, "m", 0, 1, 1, 'd'},
    {DIM_LENGTH, "km", 3, 1, 1, 'd'},
    {DIM_POWER, "mW", -3, 1, 1, 'd'},
    {DIM_POWER, "W", 0, 1, 1, 'd'},
    {DIM_POWER, "kW", 3, 1, 1, 'd'},
    {DIM_POWER, "MW", 6, 1, 1, 'd'},
    {DIM_ENERGY, "pJ", -12, 1, 1, 'd'},
    {DIM_ENERGY, "nJ", -9, 1, 1, 'd'},
    {DIM_ENERGY, "uJ", -6, 1, 1, 'd'},
    {DIM_ENERGY, "mJ", -3, 1, 1, 'd'},
    {DIM_ENERGY, "J", 0, 1, 1, 'd'},
    {DIM_ENERGY, "kJ", 3, 1, 1, 'd'},
    {DIM_ENERGY, "MJ", 6, 1, 1, 'd'},
    {DIM_ENERGY, "GJ", 9, 1, 1, 'd'},
    {DIM_ENERGY, "TJ", 12, 1, 1, 'd'},
    {DIM_MONEY, "USD", 0, 1, 1, 'd'},
    {DIM_MONEY, "kUSD", 3, 1, 1, 'd'},
    {DIM_MONEY, "MUSD", 6, 1, 1, 'd'},
};
/* clang-format on */
const size_t unit_table_n = sizeof unit_table / sizeof unit_table[0];

const struct unit_dim_info unit_dims[DIM_N] = {
    [DIM_RATIO] = {"ratio", "", "0.9"},
    [DIM_COUNT] = {"count", "", "64"},
    [DIM_TIME] = {"time", "s", "3.7 us"},
    [DIM_BYTES] = {"size", "B", "2 MB"},
    [DIM_BANDWIDTH] = {"bandwidth", "B/s", "50 GB/s"},
    [DIM_FLOP] = {"compute work", "FLOP", "250 GFLOP"},
    [DIM_FLOPS] = {"compute rate", "FLOPS", "989 TFLOPS"},
    [DIM_FREQUENCY] = {"frequency", "Hz", "1.7 GHz"},
    [DIM_LENGTH] = {"length", "m", "20 m"},
    [DIM_POWER] = {"power", "W", "700 W"},
    [DIM_ENERGY] = {"energy", "J", "2 pJ"},
    [DIM_MONEY] = {"money", "USD", "1200 USD"},
};

void unit_check_dim(enum unit_dim dim)
{
    if ((unsigned)dim >= DIM_N)
        BUG("no such dimension: %d", (int)dim);
}

const char *unit_dim_name(enum unit_dim dim)
{
    unit_check_dim(dim);
    return unit_dims[dim].name;
}

const char *unit_dim_si(enum unit_dim dim)
{
    unit_check_dim(dim);
    return unit_dims[dim].si;
}

const char *unit_dim_example(enum unit_dim dim)
{
    unit_check_dim(dim);
    return unit_dims[dim].example;
}

const char *unit_name(enum unit_dim dim, size_t i)
{
    for (size_t u = 0; u < unit_table_n; u++)
        if (unit_table[u].dim == dim && i-- == 0)
            return unit_table[u].name;
    return NULL;
}
