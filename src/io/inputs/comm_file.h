/* Measured times of exchanges and collectives: CSV with a header, columns in any order (doc/model/exchanges.md).
 *
 * Columns as benchmarks print them are known by several names; a row may hold several measurements (dispatch and
 * combine). Times are in microseconds. */
#ifndef MOESIM_IO_INPUTS_COMM_FILE_H
#define MOESIM_IO_INPUTS_COMM_FILE_H

#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"
#include "models/comm/collectives.h"
#include "models/comm/ep_kernel.h"

/* One measurement. */
struct comm_row {
    bool is_collective;
    const char *kernel; /* plugin of models/comm that the row names; NULL: it names none */
    enum ep_phase phase;
    const char *format; /* on the wire */
    enum ep_choice choice;
    uint32_t nodes; /* hosts, where that is how the row says how many GPUs; 0 = `gpus` says it */
    uint32_t gpus;
    double tokens, sms; /* sms 0: the row does not say */
    int64_t hidden, top_k, experts;
    int operation; /* enum collective_operation */
    double size_B;
    bool integer;       /* of the collective: what switches do not add up */
    double measured_s;  /* 0: the row gives a bandwidth */
    double logical_Bps; /* as DeepEP counts it: bytes of all copies of a rank's tokens to nodes, in a group inside one
                           scale-up domain to ranks, the own one included, over time; 0: the row gives a time */
    int line;
};

struct comm_rows {
    const char *file; /* lives as long as the arena */
    struct comm_row *rows;
    uint32_t n;
    uint32_t left_out; /* measurements of things that are not compared, */
    const char *why_left_out;
    const char *unread; /* columns that no name fits, with commas; NULL: none */
};

/* 0, or -1 with errors at their places, at most 20 of a file. */
int comm_file_read(const char *path, struct arena *arena, struct comm_rows *out, struct diag *diag);

#endif
