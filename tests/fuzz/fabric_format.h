/* The fuzz target of one reader of fabrics, FUZZ_FORMAT (input.h): it reads the input, whatever that begins with; tables and
 * insides of nodes stand on a small network. What is accepted is written as a network and must do no harm there; what is
 * refused must have been reported. fuzz_fabric.c is all of them with what recognises them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fabric_checks.h"
#include "io/inputs/fabric_import.h"
#include "io/inputs/input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Two leaves, a spine, two hosts of two NICs. */
static const char network[] = "switchguid=0x200001(200001)\n"
                              "Switch\t4 \"S-200001\"\t\t# \"leaf1\" base port 0 lid 3 lmc 0\n"
                              "[1]\t\"H-100008\"[1](100009) \t\t# \"n3 mlx5_0\" lid 9 4xHDR\n"
                              "[2]\t\"H-10000a\"[1](10000b) \t\t# \"n3 mlx5_1\" lid 10 4xHDR\n"
                              "[4]\t\"S-200002\"[2]\t\t# \"spine\" lid 4 4xHDR\n\n"
                              "switchguid=0x200000(200000)\n"
                              "Switch\t4 \"S-200000\"\t\t# \"leaf0\" base port 0 lid 2 lmc 0\n"
                              "[1]\t\"H-100000\"[1](100001) \t\t# \"n1 mlx5_0\" lid 1 4xHDR\n"
                              "[2]\t\"H-100002\"[1](100003) \t\t# \"n1 mlx5_1\" lid 5 4xHDR\n"
                              "[4]\t\"S-200002\"[1]\t\t# \"spine\" lid 4 4xHDR\n\n"
                              "switchguid=0x200002(200002)\n"
                              "Switch\t4 \"S-200002\"\t\t# \"spine\" base port 0 lid 4 lmc 0\n"
                              "[1]\t\"S-200000\"[4]\t\t# \"leaf0\" lid 2 4xHDR\n"
                              "[2]\t\"S-200001\"[4]\t\t# \"leaf1\" lid 3 4xHDR\n\n"
                              "caguid=0x10000a\nCa\t1 \"H-10000a\"\t\t# \"n3 mlx5_1\"\n"
                              "[1](10000b) \t\"S-200001\"[2]\t\t# lid 10 lmc 0 \"leaf1\" lid 3 4xHDR\n\n"
                              "caguid=0x100008\nCa\t1 \"H-100008\"\t\t# \"n3 mlx5_0\"\n"
                              "[1](100009) \t\"S-200001\"[1]\t\t# lid 9 lmc 0 \"leaf1\" lid 3 4xHDR\n\n"
                              "caguid=0x100002\nCa\t1 \"H-100002\"\t\t# \"n1 mlx5_1\"\n"
                              "[1](100003) \t\"S-200000\"[2]\t\t# lid 5 lmc 0 \"leaf0\" lid 2 4xHDR\n\n"
                              "caguid=0x100000\nCa\t1 \"H-100000\"\t\t# \"n1 mlx5_0\"\n"
                              "[1](100001) \t\"S-200000\"[1]\t\t# lid 1 lmc 0 \"leaf0\" lid 2 4xHDR\n\n";

static int read_copy(const struct input_format *format, const char *name, const void *text, size_t size,
                     struct fabric *f, struct diag *d)
{
    char *copy = arena_alloc(f->arena, size + 1);
    if (size)
        memcpy(copy, text, size);
    copy[size] = 0;
    return fabric_read_text(format, name, copy, size, f, d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new();
    struct diag *d = diag_new();
    struct fabric *f = fabric_new(a);
    f->cables_given = true;
    if (FUZZ_FORMAT.stage != FABRIC_NETWORK)
        must(!read_copy(&input_ibnetdiscover, "network", network, sizeof network - 1, f, d));
    int failed = read_copy(&FUZZ_FORMAT, "in", data, size, f, d);
    must((failed != 0) == diag_failed(d));
    if (!failed && !fabric_find_hosts(f, d) && !fabric_check_tables(f, d))
        write_out(f, d);
    diag_free(d);
    arena_free(a);
    return 0;
}
