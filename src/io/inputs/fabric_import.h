/* A fabric out of files of any formats: the network, its tables, the inside of nodes. */
#ifndef MOESIM_IO_INPUTS_FABRIC_IMPORT_H
#define MOESIM_IO_INPUTS_FABRIC_IMPORT_H

#include "io/inputs/fabric.h"

struct fabric_import_options {
    uint32_t cables;  /* a link, of formats that do not say; 0: not given */
    uint32_t nics;    /* of a host, likewise */
    bool cables_full; /* as many as hosts hang below */
};

/* The paths must outlive the fabric. NULL after errors. */
struct fabric *fabric_import(const char *const *paths, int n, const struct fabric_import_options *o,
                             struct arena *arena, struct diag *diag);
/* After fabric_find_hosts: tables send by ports that have a cable. 0, or -1 with each switch that does not. */
int fabric_check_tables(const struct fabric *f, struct diag *diag);
/* The same: notes when the tables do not lead from every switch with hosts to every NIC. */
void fabric_walk_tables(struct fabric *f);
/* One text of a format, for tests; a fabric without its hosts. 0 or -1. */
struct input_format;
int fabric_read_text(const struct input_format *format, const char *path, const char *text, size_t len,
                     struct fabric *f, struct diag *diag);

#endif
