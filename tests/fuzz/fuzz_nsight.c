/* Fuzz target of the reader of Nsight Systems' SQLite export. Input that begins like a database is one, in memory; else it
 * is rows, so that what SQLite itself refuses does not hide the reader: a letter for the table, then its columns, a byte
 * of kind and what belongs to it each. What is accepted holds what a replay relies on, what is refused was reported. */
#include <sqlite3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "io/inputs/input.h"
#include "io/trace/trace_classes.h"
#include "trace_checks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char rules[] = "- {match: nccl, class: nccl, collective: library, bound: communication}\n"
                            "- {match: gemm, class: gemm, bound: compute}\n";

static const char schema[] =
    "CREATE TABLE StringIds (id INTEGER PRIMARY KEY, value);"
    "CREATE TABLE TARGET_INFO_GPU (cuDevice, name, smCount);"
    "CREATE TABLE CUPTI_ACTIVITY_KIND_KERNEL (start, end, deviceId, streamId, correlationId, demangledName, gridX, "
    "gridY, "
    "gridZ, blockX, blockY, blockZ, registersPerThread, staticSharedMemory, dynamicSharedMemory);"
    "CREATE TABLE CUPTI_ACTIVITY_KIND_RUNTIME (start, end, globalTid, correlationId, nameId);"
    "CREATE TABLE CUPTI_ACTIVITY_KIND_MEMCPY (start, end, deviceId, streamId, correlationId);"
    "INSERT INTO StringIds VALUES (1, 'gemm'), (2, 'cudaLaunchKernel_v7000'), (3, 'ncclDevKernel_AllReduce_Sum');";

static const struct {
    const char *insert;
    int columns;
} tables[] = {{"INSERT INTO CUPTI_ACTIVITY_KIND_KERNEL VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", 15},
              {"INSERT INTO CUPTI_ACTIVITY_KIND_RUNTIME VALUES (?,?,?,?,?)", 5},
              {"INSERT INTO CUPTI_ACTIVITY_KIND_MEMCPY VALUES (?,?,?,?,?)", 5},
              {"INSERT OR REPLACE INTO StringIds VALUES (?,?)", 2},
              {"INSERT INTO TARGET_INFO_GPU VALUES (?,?,?)", 3}};
enum { N_TABLES = sizeof tables / sizeof *tables };

struct bytes {
    const uint8_t *at, *end;
};

static uint64_t take(struct bytes *b, size_t n)
{
    uint64_t value = 0;
    for (; n && b->at < b->end; n--)
        value = value << 8 | *b->at++;
    return value;
}

/* Below 0x80 the number itself; then thousands, numbers of any size, texts, fractions, NULL. */
static void bind(sqlite3_stmt *s, int column, struct bytes *b)
{
    uint64_t kind = take(b, 1);
    size_t n = (size_t)(b->end - b->at);
    n = n < (kind & 15) ? n : kind & 15;
    if (kind < 0x80)
        sqlite3_bind_int64(s, column, (int64_t)kind);
    else if (kind < 0xc0)
        sqlite3_bind_int64(s, column, (int64_t)(kind & 0x3f) * 1000);
    else if (kind < 0xd0)
        sqlite3_bind_int64(s, column, (int64_t)take(b, n));
    else if (kind < 0xe0) {
        sqlite3_bind_text(s, column, (const char *)b->at, (int)n, SQLITE_TRANSIENT);
        b->at += n;
    } else if (kind < 0xf0)
        sqlite3_bind_double(s, column, (double)take(b, n) / 256);
}

/* --- the database of rows: made once, what is put in is rolled back ---------------------------------------------------- */

static sqlite3 *rows_db;
static sqlite3_stmt *inserts[N_TABLES];
static struct class_table classes;
static struct arena *classes_arena;

static void tear_down(void)
{
    for (int i = 0; i < N_TABLES; i++)
        sqlite3_finalize(inserts[i]);
    sqlite3_close(rows_db);
    arena_free(classes_arena);
}

static void set_up(void)
{
    struct diag *d = diag_new();
    classes_arena = arena_new();
    must(class_table_parse(&classes, rules, sizeof rules - 1, "rules", classes_arena, d) == 0);
    diag_free(d);
    must(sqlite3_open(":memory:", &rows_db) == SQLITE_OK);
    must(sqlite3_exec(rows_db, schema, NULL, NULL, NULL) == SQLITE_OK);
    for (int i = 0; i < N_TABLES; i++)
        must(sqlite3_prepare_v2(rows_db, tables[i].insert, -1, &inserts[i], NULL) == SQLITE_OK);
    atexit(tear_down);
}

static void add_row(struct bytes *b)
{
    uint64_t table = take(b, 1) % N_TABLES;
    sqlite3_clear_bindings(inserts[table]);
    for (int i = 1; i <= tables[table].columns; i++)
        bind(inserts[table], i, b);
    sqlite3_step(inserts[table]); /* a text for a primary key is refused */
    sqlite3_reset(inserts[table]);
}

static sqlite3 *database_of_rows(const uint8_t *data, size_t size)
{
    struct bytes b = {data, data + size};
    must(sqlite3_exec(rows_db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK);
    while (b.at < b.end)
        add_row(&b);
    return rows_db;
}

/* --- the target ---------------------------------------------------------------------------------------------------------- */

static bool is_database(const uint8_t *data, size_t size)
{
    return size >= 16 && !memcmp(data, "SQLite format 3", 16);
}

static sqlite3 *database_in(uint8_t *data, size_t size)
{
    sqlite3 *db = NULL;
    must(sqlite3_open(":memory:", &db) == SQLITE_OK);
    must(sqlite3_deserialize(db, "main", data, (sqlite3_int64)size, (sqlite3_int64)size, SQLITE_DESERIALIZE_READONLY) ==
         SQLITE_OK);
    return db;
}

static void read_database(sqlite3 *db)
{
    struct arena *a = arena_new();
    struct diag *d = diag_new();
    struct trace_list list = {0};
    int failed = nsight_read_database(db, "in.sqlite", &classes, &list, a, d);
    must((failed != 0) == diag_failed(d));
    if (!failed)
        check_trace(list.ranks[0].trace);
    diag_free(d);
    arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!rows_db)
        set_up();
    if (!is_database(data, size)) {
        read_database(database_of_rows(data, size));
        must(sqlite3_exec(rows_db, "ROLLBACK", NULL, NULL, NULL) == SQLITE_OK);
        return 0;
    }
    uint8_t *copy = malloc(size);
    must(copy != NULL);
    memcpy(copy, data, size);
    sqlite3 *db = database_in(copy, size);
    read_database(db);
    sqlite3_close(db);
    free(copy);
    return 0;
}
