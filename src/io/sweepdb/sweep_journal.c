/* The journal. A write-ahead log needs no fsync per commit to be consistent after a power failure; that a
 * process was killed loses nothing that it has written. */
#include "io/sweepdb/sweep_journal.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/sweepdb/sweep_schema.h"

enum { PUT, GET, ALL, PUT_FILE, GET_FILE, N_STATEMENTS };

static const char *const statements[N_STATEMENTS] = {
    [PUT] = "INSERT INTO done VALUES (?,?,?,?,?)",
    [GET] = "SELECT sha256, exit_code, resolved, outcome FROM done WHERE point = ?",
    [ALL] = "SELECT point, sha256, exit_code FROM done ORDER BY point",
    [PUT_FILE] = "INSERT INTO files VALUES (?,?)",
    [GET_FILE] = "SELECT sha256 FROM files WHERE path = ?",
};

struct sweep_journal {
    sqlite3 *db;
    char *path; /* of the journal; NULL: in memory */
    sqlite3_stmt *stmt[N_STATEMENTS];
};

static int fail(struct sweep_journal *j, struct diag *diag)
{
    int code = sqlite3_errcode(j->db) & 0xff;
    const char *hint = code == SQLITE_FULL || code == SQLITE_IOERR
                           ? "; what was done until now is safe: make room, then go on with --resume"
                       : code == SQLITE_BUSY     ? "; another process works on it"
                       : code == SQLITE_CANTOPEN ? "; is there such a folder, and may it be written to?"
                                                 : "";
    diag_error(diag, EXIT_IO, SRCLOC_FILE(j->path ? j->path : "memory"), "cannot write: %s%s", sqlite3_errmsg(j->db),
               hint);
    return -1;
}

static int execute(struct sweep_journal *j, const char *sql, struct diag *diag)
{
    return sqlite3_exec(j->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(j, diag);
}

static void remove_files(const char *path)
{
    static const char *const ends[] = {"-wal", "-journal", ""}; /* the log first: it must not outlive the rest */
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        char *name = sqlite3_mprintf("%s%s", path, ends[i]);
        unlink(checked_alloc(name));
        sqlite3_free(name);
    }
}

/* --- opening -------------------------------------------------------------------------------------------------- */

/* The lock is taken with the first write and kept: no shared memory, one process. */
static int create(struct sweep_journal *j, struct diag *diag)
{
    return execute(j,
                   "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
                   "PRAGMA wal_autocheckpoint=4000; BEGIN IMMEDIATE;"
                   "CREATE TABLE IF NOT EXISTS about (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;"
                   "CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, sha256 TEXT) WITHOUT ROWID;"
                   "CREATE TABLE IF NOT EXISTS done (point INTEGER PRIMARY KEY, sha256 TEXT, exit_code INTEGER,"
                   " resolved TEXT, outcome TEXT);"
                   "COMMIT",
                   diag);
}

/* Whether the journal says `value` under the key; a new one is told so. */
static int agree(struct sweep_journal *j, const char *key, const char *value, bool *same, struct diag *diag)
{
    sqlite3_stmt *get = NULL, *put = NULL;
    *same = true;
    if (sqlite3_prepare_v2(j->db, "SELECT value = ? FROM about WHERE key = ?", -1, &get, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(j->db, "INSERT INTO about VALUES (?,?)", -1, &put, NULL) != SQLITE_OK)
        return fail(j, diag);
    sqlite3_bind_text(get, 1, value, -1, SQLITE_STATIC);
    sqlite3_bind_text(get, 2, key, -1, SQLITE_STATIC);
    int code = sqlite3_step(get);
    if (code == SQLITE_ROW)
        *same = sqlite3_column_int(get, 0);
    else if (code == SQLITE_DONE)
        code = sweep_step(put, "tt", key, value);
    sqlite3_finalize(get);
    sqlite3_finalize(put);
    return code == SQLITE_ROW || code == SQLITE_OK ? 0 : fail(j, diag);
}

static int check_same(struct sweep_journal *j, const struct sweep_about *about, struct diag *diag)
{
    bool design, build, shard;
    if (agree(j, "design", about->design_sha256, &design, diag) || agree(j, "build", about->build, &build, diag) ||
        agree(j, "shard", about->shard, &shard, diag))
        return -1;
    const char *what = !design  ? "is of another sweep: the axes or the scenario differ"
                       : !shard ? "is of another shard"
                       : !build ? "was begun by another build of moesim, whose numbers may differ"
                                : NULL;
    if (!what)
        return 0;
    diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(j->path), "it %s; start anew with --overwrite, or write elsewhere",
               what);
    return -1;
}

static int open_journal(struct sweep_journal *j, const struct sweep_about *about, struct diag *diag)
{
    if (sqlite3_open(j->path ? j->path : ":memory:", &j->db) != SQLITE_OK || create(j, diag))
        return diag_failed(diag) ? -1 : fail(j, diag);
    if (check_same(j, about, diag))
        return -1;
    for (int i = 0; i < N_STATEMENTS; i++)
        if (sqlite3_prepare_v2(j->db, statements[i], -1, &j->stmt[i], NULL) != SQLITE_OK)
            return fail(j, diag);
    return 0;
}

/* Removes the journal of an earlier sweep, once its lock is ours: one that runs keeps what it has. Whatever is no
 * journal goes, too. */
static int drop_old(char *path, struct diag *diag)
{
    struct sweep_journal old = {.path = path};
    int failed = 0;

    if (access(path, F_OK))
        return 0;
    if (sqlite3_open(path, &old.db) == SQLITE_OK)
        sqlite3_exec(old.db, "PRAGMA locking_mode=EXCLUSIVE; BEGIN IMMEDIATE", NULL, NULL, NULL);
    if ((sqlite3_errcode(old.db) & 0xff) == SQLITE_BUSY)
        failed = fail(&old, diag);
    else
        remove_files(path);
    sqlite3_close(old.db);
    return failed;
}

struct sweep_journal *sweep_journal_open(const char *path, const struct sweep_about *about, bool resume, bool drop,
                                         struct diag *diag)
{
    struct sweep_journal *j = checked_alloc(calloc(1, sizeof *j));
    if (path) {
        j->path = checked_alloc(malloc(strlen(path) + sizeof ".part"));
        sprintf(j->path, "%s.part", path);
    }
    if (path && drop && drop_old(j->path, diag)) {
        free(j->path);
        free(j);
        return NULL;
    }
    if (path && !drop && !resume && !access(j->path, F_OK)) {
        diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(j->path),
                   "a sweep was begun here and not finished; go on with --resume, or start anew with --overwrite");
        free(j->path);
        free(j);
        return NULL;
    }
    if (open_journal(j, about, diag)) {
        sweep_journal_close(j, false);
        return NULL;
    }
    return j;
}

void sweep_journal_close(struct sweep_journal *j, bool done)
{
    if (!j)
        return;
    for (int i = 0; i < N_STATEMENTS; i++)
        sqlite3_finalize(j->stmt[i]);
    sqlite3_close(j->db);
    if (done && j->path)
        remove_files(j->path);
    free(j->path);
    free(j);
}

/* --- entries ------------------------------------------------------------------------------------------------------ */

int sweep_journal_put(struct sweep_journal *j, const struct sweep_entry *e, struct diag *diag)
{
    return sweep_step(j->stmt[PUT], "ititt", (int64_t)e->point, e->sha256, (int64_t)e->exit_code, e->resolved,
                      e->outcome) == SQLITE_OK
               ? 0
               : fail(j, diag);
}

static const char *text_at(sqlite3_stmt *stmt, int column, struct arena *arena)
{
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    return arena_strdup(arena, text ? text : "");
}

bool sweep_journal_get(struct sweep_journal *j, uint32_t point, struct arena *arena, struct sweep_entry *out)
{
    sqlite3_stmt *stmt = j->stmt[GET];
    sqlite3_bind_int64(stmt, 1, point);
    bool found = sqlite3_step(stmt) == SQLITE_ROW;
    if (found)
        *out = (struct sweep_entry){.point = point,
                                    .sha256 = text_at(stmt, 0, arena),
                                    .exit_code = sqlite3_column_int(stmt, 1),
                                    .resolved = text_at(stmt, 2, arena),
                                    .outcome = text_at(stmt, 3, arena)};
    sqlite3_reset(stmt);
    return found;
}

void sweep_journal_each(struct sweep_journal *j, void (*fn)(void *ctx, const struct sweep_entry *entry), void *ctx)
{
    sqlite3_stmt *stmt = j->stmt[ALL];
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        struct sweep_entry e = {.point = (uint32_t)sqlite3_column_int64(stmt, 0),
                                .sha256 = (const char *)sqlite3_column_text(stmt, 1),
                                .exit_code = sqlite3_column_int(stmt, 2)};
        fn(ctx, &e);
    }
    sqlite3_reset(stmt);
}

int sweep_journal_drop_failed(struct sweep_journal *j, struct diag *diag)
{
    return execute(j, "DELETE FROM done WHERE exit_code != 0", diag);
}

/* --- files ---------------------------------------------------------------------------------------------------------- */

int sweep_journal_add_file(struct sweep_journal *j, const char *path, const char *sha256, struct diag *diag)
{
    sqlite3_stmt *stmt = j->stmt[GET_FILE];
    sqlite3_bind_text(stmt, 1, path, -1, SQLITE_STATIC);
    bool known = sqlite3_step(stmt) == SQLITE_ROW;
    bool same = known && !strcmp((const char *)sqlite3_column_text(stmt, 0), sha256);
    sqlite3_reset(stmt);
    if (known && same)
        return 0;
    if (!known)
        return sweep_step(j->stmt[PUT_FILE], "tt", path, sha256) == SQLITE_OK ? 0 : fail(j, diag);
    diag_error(diag, EXIT_BAD_INPUT, SRCLOC_FILE(path),
               "the file has changed since the sweep began, its points would not agree; start anew with --overwrite");
    return -1;
}

struct sweep_file *sweep_journal_files(struct sweep_journal *j, struct arena *arena, uint32_t *n)
{
    sqlite3_stmt *stmt = NULL;
    struct sweep_file *files = NULL;
    *n = 0;
    sqlite3_prepare_v2(j->db, "SELECT path, sha256, (SELECT count(*) FROM files) FROM files ORDER BY path", -1, &stmt,
                       NULL);
    while (stmt && sqlite3_step(stmt) == SQLITE_ROW) {
        if (!files)
            files = ARENA_ARRAY(arena, struct sweep_file, (size_t)sqlite3_column_int64(stmt, 2));
        files[(*n)++] = (struct sweep_file){text_at(stmt, 0, arena), text_at(stmt, 1, arena)};
    }
    sqlite3_finalize(stmt);
    return files;
}
