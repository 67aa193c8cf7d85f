/* Output files: whole or not at all, whatever goes wrong. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "base/outfile.h"
#include "tap_main.h"

static struct diag *d;
static char dir[] = "/tmp/moesim-outfile-XXXXXX";
static char path[sizeof dir + 256];

static const char *in_dir(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void setup(void)
{
    strcpy(dir + sizeof dir - 7, "XXXXXX");
    ck_assert(mkdtemp(dir) != NULL);
    d = diag_new();
}

/* How many files the directory holds; removes them when told so. */
static int count_files(bool and_remove)
{
    DIR *stream = opendir(dir);
    ck_assert(stream != NULL);
    int n = 0;
    for (struct dirent *e; (e = readdir(stream));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        n++;
        if (and_remove)
            remove(in_dir(e->d_name));
    }
    closedir(stream);
    return n;
}

static void teardown(void)
{
    chmod(dir, 0700);
    count_files(true);
    rmdir(dir);
    diag_free(d);
}

static void put_file(const char *name, const char *text)
{
    FILE *f = fopen(in_dir(name), "w");
    ck_assert(f != NULL);
    fputs(text, f);
    fclose(f);
}

/* The file's text; reads compressed files too. */
static const char *get_file(const char *name)
{
    static char buf[1 << 20];
    gzFile f = gzopen(in_dir(name), "r");
    ck_assert(f != NULL);
    int n = gzread(f, buf, sizeof buf - 1);
    ck_assert_int_ge(n, 0);
    buf[n] = 0;
    gzclose(f);
    return buf;
}

static void expect_error(const char *fragment)
{
    ck_assert_uint_eq(diag_count(d), 1);
    ck_assert_int_eq(diag_exit_code(d), EXIT_IO);
    ck_assert_msg(strstr(diag_text(d), fragment) != NULL, "%s", diag_text(d));
}

static void skip_unless_user(void)
{
    if (geteuid() == 0)
        ck_assert(setegid(65534) == 0 && seteuid(65534) == 0); /* root may do everything */
}

START_TEST(appears_when_closed)
{
    struct outfile *f = outfile_open(in_dir("a.json"), d);
    ck_assert(f != NULL);
    outfile_write(f, "{\"x\": ", 6);
    outfile_printf(f, "%d}\n", 7);
    ck_assert(access(in_dir("a.json"), F_OK) != 0);
    ck_assert_int_eq(outfile_close(f, d), 0);
    ck_assert_str_eq(get_file("a.json"), "{\"x\": 7}\n");
    ck_assert_int_eq(count_files(false), 1);
}
END_TEST

START_TEST(an_empty_file_is_a_file)
{
    ck_assert_int_eq(outfile_close(outfile_open(in_dir("empty"), d), d), 0);
    ck_assert_str_eq(get_file("empty"), "");
}
END_TEST

START_TEST(old_file_stays_until_then)
{
    put_file("a", "old");
    struct outfile *f = outfile_open(in_dir("a"), d);
    outfile_printf(f, "new");
    ck_assert_str_eq(get_file("a"), "old");
    outfile_abandon(f);
    ck_assert_str_eq(get_file("a"), "old");
    ck_assert_int_eq(count_files(false), 1);
    f = outfile_open(in_dir("a"), d);
    outfile_printf(f, "new");
    ck_assert_int_eq(outfile_close(f, d), 0);
    ck_assert_str_eq(get_file("a"), "new");
}
END_TEST

START_TEST(permissions_stay)
{
    struct stat st;
    put_file("a", "old");
    ck_assert(chmod(in_dir("a"), 0640) == 0);
    ck_assert_int_eq(outfile_close(outfile_open(in_dir("a"), d), d), 0);
    ck_assert(stat(in_dir("a"), &st) == 0);
    ck_assert_int_eq(st.st_mode & 0777, 0640);
}
END_TEST

START_TEST(a_link_stays_a_link)
{
    char link_path[200];
    struct stat st;
    put_file("real", "old");
    strcpy(link_path, in_dir("link"));
    ck_assert(symlink("real", link_path) == 0);
    struct outfile *f = outfile_open(link_path, d);
    outfile_printf(f, "new");
    ck_assert_int_eq(outfile_close(f, d), 0);
    ck_assert(lstat(link_path, &st) == 0 && S_ISLNK(st.st_mode));
    ck_assert_str_eq(get_file("real"), "new");
}
END_TEST

/* More than the buffer, in pieces of all sizes, plain and compressed. */
START_TEST(large_output)
{
    const char *name = _i ? "a.gz" : "a";
    char line[] = "0123456789abcdefghijklmnopqrstuvwxyz\n";
    struct outfile *f = outfile_open(in_dir(name), d);
    size_t total = 0;
    for (size_t i = 0; total < 900000; i++) {
        size_t n = 1 + i % (sizeof line - 1);
        outfile_write(f, line, n);
        total += n;
    }
    ck_assert_int_eq(outfile_close(f, d), 0);
    const char *text = get_file(name), *p = text;
    ck_assert_uint_eq(strlen(text), total);
    for (size_t i = 0; *p; i++) {
        size_t n = 1 + i % (sizeof line - 1);
        ck_assert(memcmp(p, line, n) == 0);
        p += n;
    }
}
END_TEST

START_TEST(one_huge_write)
{
    const char *name = _i ? "a.gz" : "a";
    char *data = malloc(700001);
    memset(data, 'z', 700000);
    data[700000] = 0;
    struct outfile *f = outfile_open(in_dir(name), d);
    outfile_printf(f, "head ");
    outfile_printf(f, "%s", data);
    ck_assert_int_eq(outfile_close(f, d), 0);
    ck_assert_uint_eq(strlen(get_file(name)), 700005);
    free(data);
}
END_TEST

START_TEST(compressed_bytes_are_the_same_twice)
{
    char bytes[2][200];
    size_t n[2];
    for (int i = 0; i < 2; i++) {
        struct outfile *f = outfile_open(in_dir("a.gz"), d);
        outfile_printf(f, "the same data\n");
        ck_assert_int_eq(outfile_close(f, d), 0);
        FILE *in = fopen(in_dir("a.gz"), "r");
        n[i] = fread(bytes[i], 1, sizeof bytes[i], in);
        fclose(in);
    }
    ck_assert_uint_eq(n[0], n[1]);
    ck_assert_mem_eq(bytes[0], bytes[1], n[0]);
    ck_assert_int_eq((unsigned char)bytes[0][0], 0x1f);
    ck_assert_mem_eq(bytes[0] + 4, "\0\0\0\0", 4); /* no time stamp */
}
END_TEST

START_TEST(full_disk)
{
    struct outfile *f = outfile_open("/dev/full", d);
    ck_assert(f != NULL);
    for (int i = 0; i < 100000; i++)
        outfile_printf(f, "line %d\n", i);
    ck_assert_int_eq(outfile_close(f, d), -1);
    expect_error("/dev/full: error: cannot write: No space left on device");
}
END_TEST

/* A little output fits the buffer: the error must still come out. */
START_TEST(full_disk_at_the_end)
{
    struct outfile *f = outfile_open("/dev/full", d);
    outfile_printf(f, "x");
    ck_assert_int_eq(outfile_close(f, d), -1);
    expect_error("No space left on device");
}
END_TEST

/* A limit on the file's size stands for a disk that fills up half way. */
START_TEST(half_written_leaves_nothing)
{
    const char *name = _i ? "a.gz" : "a";
    struct rlimit limit = {.rlim_cur = 20000, .rlim_max = RLIM_INFINITY};
    signal(SIGXFSZ, SIG_IGN);
    put_file(name, "old");
    ck_assert(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    struct outfile *f = outfile_open(in_dir(name), d);
    unsigned noise = 1;
    for (int i = 0; i < 300000; i++) {
        noise = noise * 1664525u + 1013904223u;
        outfile_write(f, &noise, sizeof noise);
    }
    ck_assert_int_eq(outfile_close(f, d), -1);
    expect_error("cannot write: File too large");
    ck_assert_str_eq(get_file(name), "old");
    ck_assert_int_eq(count_files(false), 1);
}
END_TEST

START_TEST(missing_directory)
{
    ck_assert(outfile_open(in_dir("no/such/a.json"), d) == NULL);
    expect_error("/no/such'; make it first");
}
END_TEST

START_TEST(file_used_as_a_directory)
{
    put_file("a", "x");
    ck_assert(outfile_open(in_dir("a/b.json"), d) == NULL);
    expect_error("there is no directory");
}
END_TEST

START_TEST(target_is_a_directory)
{
    ck_assert(outfile_open(dir, d) == NULL);
    expect_error("cannot write: Is a directory");
}
END_TEST

START_TEST(empty_name)
{
    ck_assert(outfile_open("", d) == NULL);
    expect_error("cannot write");
}
END_TEST

START_TEST(name_too_long)
{
    char name[400];
    memset(name, 'n', sizeof name);
    name[399] = 0;
    struct outfile *f = outfile_open(name, d);
    ck_assert(!f);
    expect_error("File name too long");
}
END_TEST

START_TEST(no_permission_on_the_directory)
{
    ck_assert(chmod(dir, 0555) == 0);
    skip_unless_user();
    struct outfile *f = outfile_open(in_dir("a"), d);
    ck_assert(seteuid(getuid()) == 0);
    ck_assert(f == NULL);
    expect_error("cannot write: Permission denied");
}
END_TEST

/* rename() would replace a read-only file; who made it read-only meant it. access()
 * asks for the real user, so this runs in a child that gives root up. */
START_TEST(no_permission_on_the_file)
{
    put_file("a", "old");
    ck_assert(chmod(in_dir("a"), 0444) == 0 && chmod(dir, 0777) == 0);
    if (getuid() == 0) /* the folder goes along, so that teardown may remove it */
        ck_assert(chown(dir, 65534, -1) == 0 && setuid(65534) == 0);
    ck_assert(outfile_open(in_dir("a"), d) == NULL);
    expect_error("cannot write: Permission denied");
}
END_TEST

START_TEST(standard_output)
{
    int saved = dup(STDOUT_FILENO);
    ck_assert(freopen(in_dir("captured"), "w", stdout) != NULL);
    printf("before ");
    struct outfile *f = outfile_open("-", d);
    outfile_printf(f, "through\n");
    ck_assert_int_eq(outfile_close(f, d), 0);
    ck_assert(dup2(saved, STDOUT_FILENO) >= 0); /* still open, still ours */
    close(saved);
    ck_assert_str_eq(get_file("captured"), "before through\n");
}
END_TEST

START_TEST(standard_output_is_full)
{
    int saved = dup(STDOUT_FILENO);
    ck_assert(freopen("/dev/full", "w", stdout) != NULL);
    struct outfile *f = outfile_open("-", d);
    outfile_printf(f, "x");
    ck_assert_int_eq(outfile_close(f, d), -1);
    ck_assert(dup2(saved, STDOUT_FILENO) >= 0);
    close(saved);
    expect_error("standard output: error: cannot write: No space left on device");
}
END_TEST

START_TEST(a_pipe_is_written_in_place)
{
    char fifo[200];
    strcpy(fifo, in_dir("fifo"));
    ck_assert(mkfifo(fifo, 0600) == 0);
    pid_t reader = fork();
    ck_assert(reader >= 0);
    if (reader == 0) {
        char buf[16] = "";
        FILE *in = fopen(fifo, "r");
        bool ok = in && fgets(buf, sizeof buf, in) && strcmp(buf, "hello\n") == 0;
        _exit(ok ? 0 : 1);
    }
    struct outfile *f = outfile_open(fifo, d);
    outfile_printf(f, "hello\n");
    ck_assert_int_eq(outfile_close(f, d), 0);
    int status;
    ck_assert(waitpid(reader, &status, 0) == reader);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(count_files(false), 1);
}
END_TEST

static void on_signal(int sig)
{
    outfile_abandon_all();
    _exit(128 + sig);
}

/* Runs `what` in a child with some files half written; returns its status. */
static int in_child(void (*what)(void))
{
    static struct outfile *files[3];
    pid_t child = fork();
    ck_assert(child >= 0);
    if (child == 0) {
        signal(SIGINT, on_signal);
        for (int i = 0; i < 3; i++) {
            char name[20];
            snprintf(name, sizeof name, "f%d%s", i, i == 1 ? ".gz" : "");
            files[i] = outfile_open(in_dir(name), d);
            outfile_printf(files[i], "half");
        }
        what();
        _exit(99);
    }
    int status;
    ck_assert(waitpid(child, &status, 0) == child);
    return WEXITSTATUS(status);
}

static void interrupt(void)
{
    if (count_files(false) == 3)
        raise(SIGINT);
}

static void leave(void)
{
    exit(7);
}

static void hit_a_bug(void)
{
    BUG("on purpose");
}

START_TEST(ends_without_leftover)
{
    static const struct {
        void (*what)(void);
        int code;
    } ends[] = {{interrupt, 128 + SIGINT}, {leave, 7}, {hit_a_bug, EXIT_BUG}};
    ck_assert_int_eq(in_child(ends[_i].what), ends[_i].code);
    ck_assert_int_eq(count_files(false), 0);
}
END_TEST

START_TEST(a_child_does_not_remove_its_parents_files)
{
    struct outfile *f = outfile_open(in_dir("a"), d);
    outfile_printf(f, "parent");
    pid_t child = fork();
    ck_assert(child >= 0);
    if (child == 0) {
        outfile_abandon_all();
        _exit(0);
    }
    ck_assert(waitpid(child, NULL, 0) == child);
    ck_assert_int_eq(outfile_close(f, d), 0);
    ck_assert_str_eq(get_file("a"), "parent");
}
END_TEST

static void write_to(const char *name)
{
    struct outfile *f = outfile_open(in_dir(name), d);
    ck_assert(f != NULL);
    outfile_printf(f, "%s", name);
    ck_assert_int_eq(outfile_close(f, d), 0);
    ck_assert(access(in_dir(name), F_OK) != 0);
}

START_TEST(a_batch_appears_as_one)
{
    outfile_batch_begin();
    write_to("a");
    write_to("b");
    ck_assert_int_eq(outfile_batch_end(true, d), 0);
    ck_assert_str_eq(get_file("a"), "a");
    ck_assert_str_eq(get_file("b"), "b");
    ck_assert_int_eq(count_files(false), 2);
}
END_TEST

START_TEST(a_batch_that_is_given_up_leaves_nothing)
{
    outfile_batch_begin();
    write_to("a");
    write_to("b");
    ck_assert(outfile_open(in_dir("none/c"), d) == NULL);
    ck_assert_int_eq(outfile_batch_end(false, d), -1);
    ck_assert_int_eq(count_files(false), 0);
}
END_TEST

START_TEST(a_batch_of_many)
{
    char name[16];
    outfile_batch_begin();
    for (int i = 0; i < 300; i++) {
        snprintf(name, sizeof name, "%d", i);
        write_to(name);
    }
    ck_assert_int_eq(outfile_batch_end(true, d), 0);
    ck_assert_int_eq(count_files(false), 300);
}
END_TEST

START_TEST(many_at_once)
{
    struct outfile *files[30];
    for (int i = 0; i < 30; i++) {
        char name[20];
        snprintf(name, sizeof name, "n%d", i);
        files[i] = outfile_open(in_dir(name), d);
        ck_assert(files[i] != NULL);
        outfile_printf(files[i], "%d", i);
    }
    for (int i = 0; i < 30; i++)
        ck_assert_int_eq(outfile_close(files[i], d), 0);
    ck_assert_int_eq(count_files(false), 30);
    ck_assert_str_eq(get_file("n29"), "29");
}
END_TEST

static void add_failures(Suite *s)
{
    TCase *t = tcase_create("failures");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, full_disk);
    tcase_add_test(t, full_disk_at_the_end);
    tcase_add_loop_test(t, half_written_leaves_nothing, 0, 2);
    tcase_add_test(t, missing_directory);
    tcase_add_test(t, file_used_as_a_directory);
    tcase_add_test(t, target_is_a_directory);
    tcase_add_test(t, empty_name);
    tcase_add_test(t, name_too_long);
    tcase_add_test(t, no_permission_on_the_directory);
    tcase_add_test(t, no_permission_on_the_file);
    tcase_add_test(t, standard_output_is_full);
    tcase_add_loop_test(t, ends_without_leftover, 0, 3);
    tcase_add_test(t, a_child_does_not_remove_its_parents_files);
    suite_add_tcase(s, t);
}

int main(void)
{
    Suite *s = suite_create("base_outfile");
    TCase *t = tcase_create("outfile");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, appears_when_closed);
    tcase_add_test(t, an_empty_file_is_a_file);
    tcase_add_test(t, old_file_stays_until_then);
    tcase_add_test(t, permissions_stay);
    tcase_add_test(t, a_link_stays_a_link);
    tcase_add_loop_test(t, large_output, 0, 2);
    tcase_add_loop_test(t, one_huge_write, 0, 2);
    tcase_add_test(t, compressed_bytes_are_the_same_twice);
    tcase_add_test(t, standard_output);
    tcase_add_test(t, a_pipe_is_written_in_place);
    tcase_add_test(t, many_at_once);
    tcase_add_test(t, a_batch_appears_as_one);
    tcase_add_test(t, a_batch_that_is_given_up_leaves_nothing);
    tcase_add_test(t, a_batch_of_many);
    suite_add_tcase(s, t);
    add_failures(s);
    return tap_main(s);
}
