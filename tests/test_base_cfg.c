/* Config tables: every kind of wrong input with its place, words and exit code; layers;
 * and that what is printed loads back to the same values. */
#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cfg.h"
#include "base/roff.h"
#include "base/yaml_doc.h"
#include "cfg_example.h"
#include "tap_main.h"

static struct arena *arena;
static struct diag *d;
static struct cfg *c;

static void setup(void)
{
    arena = arena_new();
    d = diag_new();
    c = cfg_new(&ex_scenario_table, arena);
}

static void teardown(void)
{
    diag_free(d);
    arena_free(arena);
}

static struct ex_scenario *scenario(void)
{
    return cfg_struct(c);
}

static int load_bytes(const char *text, size_t len, bool need_source)
{
    return cfg_load_text(c, text, len, "in.yaml", "", need_source, NULL, d);
}

static int load(const char *text)
{
    return load_bytes(text, strlen(text), false);
}

static const char small[] = "name: small\ncluster: {nodes: 8, nic: {bandwidth: 50 GB/s}}\n";

static void expect_words(const char *words)
{
    ck_assert_msg(strstr(diag_text(d), words) != NULL, "wanted: %s\ngot: %s", words, diag_text(d));
}

START_TEST(defaults_and_values)
{
    ck_assert_int_eq(load(small), 0);
    ck_assert_int_eq(cfg_finish(c, d), 0);
    const struct ex_scenario *s = scenario();
    ck_assert_str_eq(s->name, "small");
    ck_assert_str_eq(s->comment, "");
    ck_assert(!s->checked);
    ck_assert_int_eq(s->cluster.nodes, 8);
    ck_assert(s->cluster.nic.bandwidth_Bps == 50e9);
    ck_assert(s->cluster.nic.latency_s == 3.7e-6);
    ck_assert(s->cluster.nic.efficiency_ratio == 0.9);
    ck_assert_int_eq(s->cluster.nic.per_node, 8);
    ck_assert_int_eq(s->cluster.network.kind, 1);
    ck_assert(s->cluster.network.switch_price_USD == 35000);
    ck_assert_uint_eq(diag_count(d), 0);
}
END_TEST

START_TEST(value_with_its_source)
{
    ck_assert_int_eq(load("name: x\ncluster:\n  nodes: {value: 8, source: paper 5.1}\n  nic:\n"
                          "    bandwidth: {source: \"CX7: sheet\", value: 400 Gb/s}\n"),
                     0);
    ck_assert(scenario()->cluster.nic.bandwidth_Bps == 50e9);
    ck_assert_str_eq(cfg_source(c, "cluster.nic.bandwidth"), "CX7: sheet");
    ck_assert_str_eq(cfg_source(c, "cluster.nodes"), "paper 5.1");
    ck_assert_ptr_null(cfg_source(c, "name"));
    ck_assert_ptr_null(cfg_source(c, "no.such"));
    struct srcloc where = cfg_where(c, "cluster.nic.bandwidth");
    ck_assert_str_eq(where.file, "in.yaml");
    ck_assert_int_eq(where.line, 5);
    ck_assert_int_eq(where.column, 46);
    ck_assert_ptr_null(cfg_where(c, "cluster.nic.latency").file);
    ck_assert_int_eq(cfg_where(c, "cluster.nic").line, 4);
}
END_TEST

/* What is wrong, where, and which words the user reads. */
static const struct {
    const char *yaml, *place, *says;
} bad[] = {
    {"nmae: x", "1:1", "unknown key 'nmae'; did you mean 'name'?"},
    {"Name: x", "1:1", "did you mean 'name'?"},
    {"cluster:\n  nic:\n    bandwith: 5 GB/s", "3:5",
     "unknown key 'bandwith' in 'cluster.nic'; did you mean 'bandwidth'?"},
    {"cluster:\n  bandwidth: 5 GB/s", "2:3", "did you mean 'cluster.nic.bandwidth'?"},
    {"cluster: {network: {qqqq: 1}}", "1:21", "keys here are 'kind', 'cable', 'switch_price', 'port_power'"},
    {"cluster.nic.bandwidth: 5 GB/s", "1:1", "keys are nested in a file, write cluster: {nic: {bandwidth: ...}}"},
    {"name: a\nname: b", "2:1", "duplicate key 'name'; it was given first in line 1, column 1"},
    {"cluster: {nodes: 1}\ncluster: {nodes: 2}", "2:1", "duplicate key 'cluster'"},
    {"work: {value: 1 FLOP, value: 2 FLOP}", "1:23", "duplicate key 'value'"},
    {"work: {value: 1 FLOP, sorce: x}", "1:23",
     "unknown key 'sorce' in 'work'; did you mean "
     "'source'?"},
    {"work: {value: 1 FLOP, zzzzzz: x}", "1:23", "{value: ..., source: ...}"},
    {"work: {source: x}", "1:7", "work has no 'value:'"},
    {"work: {value: [1], source: x}", "1:15", "work.value is a list"},
    {"work: {value: 1 FLOP, source: {a: b}}", "1:31", "work.source is a mapping"},
    {"work: {value: 1 FLOP, source: ' '}", "1:31", "work.source is blank"},
    {"work: {value: 1 FLOP, source: }", "1:23", "work.source has no value"},
    {"work: {value: , source: x}", "1:8", "work.value has no value"},
    {"work: [1, 2]", "1:7", "work is a list, but a single value is wanted"},
    {"name: {a: b}", "1:8", "unknown key 'a' in 'name'"},
    {"name: {}", "1:7", "name has no 'value:'; write {value: some text, source: ...}"},
    {"work:", "1:1", "work has no value; write for example 'work: 250 GFLOP'"},
    {"work: ~", "1:7", "work has no value"},
    {"name: null", "1:7", "name has no value"},
    {"cluster: 5", "1:10", "cluster is a single value, but keys are wanted, for example 'nodes"},
    {"cluster: [a]", "1:10", "cluster is a list, but keys are wanted"},
    {"cluster:", "1:1", "cluster is empty, but keys are wanted"},
    {"cluster: ~", "1:10", "cluster is empty, but keys are wanted"},
    {"[1, 2]", "1:1", "in.yaml is a list, but keys are wanted"},
    {"just words", "1:1", "in.yaml is a single value, but keys are wanted"},
    {"---", "2:1", "in.yaml is empty, but keys are wanted"},
    {"work: 50", "1:7", "work: '50' has no unit; write for example '250 GFLOP'"},
    {"cluster: {nic: {bandwidth: 50}}", "1:28", "write for example '50 GB/s'"},
    {"cluster: {nic: {bandwidth: 5 us}}", "1:28", "cluster.nic.bandwidth: 'us' is a unit of time, not of bandwidth"},
    {"cluster: {nic: {bandwidth: 50 gb/s}}", "1:28", "did you mean 'GB/s' or 'Gb/s'?"},
    {"cluster: {nic: {bandwidth: -50 GB/s}}", "1:28", "'-50 GB/s' is out of range; allowed is 1 B/s to 10 TB/s"},
    {"cluster: {nic: {mtu: 0 B}}", "1:22", "'0 B' is out of range; allowed is at least 1 B"},
    {"clock: 11 GHz", "1:8", "allowed is at most 10 GHz"},
    {"cluster: {nic: {efficiency: 120 %}}", "1:29", "out of range; allowed is 0 to 1"},
    {"cluster: {nodes: 0}", "1:18", "cluster.nodes: '0' is out of range; allowed is 1 to 100000"},
    {"cluster: {nodes: 1e3}", "1:18", "'1e3' is not a whole number"},
    {"cluster: {nodes: 1_000}", "1:18", "'1_000' is not a whole number"},
    {"cluster: {nodes: 64Ki}", "1:18", "not a whole number; write digits only"},
    {"cluster: {nodes: 010}", "1:18", "not a whole number"},
    {"cluster: {nodes: 0x10}", "1:18", "not a whole number"},
    {"cluster: {nodes: 8.0}", "1:18", "not a whole number"},
    {"cluster: {nodes: +8}", "1:18", "not a whole number"},
    {"cluster: {nodes: -}", "1:18", "not a whole number"},
    {"cluster: {nodes: 99999999999999999999}", "1:18", "too large"},
    {"checked: yes", "1:10", "'yes' is neither true nor false; write 'true'"},
    {"checked: Off", "1:10", "write 'false'"},
    {"checked: maybe", "1:10", "write 'true' or 'false'"},
    {"cluster: {network: {kind: flw}}", "1:27",
     "'flw' is not one of the choices; did you mean 'flow'? choose 'bound', 'flow' or "
     "'cm02'"},
    {"cluster: {network: {kind: packet}}", "1:27", "choose 'bound', 'flow' or 'cm02'"},
    {"slots: 2.5", "1:8", "'2.5' is not a whole number"},
    {"slots: 5 GB", "1:8", "a count has none"},
    {"work: .inf FLOP", "1:7", "not a finite number"},
    {"name: [", "1:8", "syntax error: "},
    {"name: \"unclosed", "1:16", "syntax error: found unexpected end of stream"},
    {"name: a\n  b: c", "2:4", "syntax error: mapping values are not allowed"},
    {"name: a\n\tx: b", "2:1", "a tab; indent with spaces instead"},
    {"cluster: {nodes: 1", "1:19", "syntax error: did not find expected ',' or '}'"},
    {"name: a\n---\nname: b", "2:1", "a second document starts here"},
    {"name: &x a\ncomment: *x", "1:7", "anchors ('&name') are not supported; write the value out"},
    {"name: a\ncomment: *x", "2:10", "aliases ('*name') are not supported"},
    {"cluster: &c {nodes: 1}", "1:10", "anchors"},
    {"<<: {name: a}", "1:1", "merge keys ('<<') are not supported"},
    {"name: !!str a", "1:7", "tags ('!name') are not supported"},
    {"!foo\nname: a", "1:1", "tags"},
    {"? [a, b]\n: c", "1:3", "a key must be plain text"},
    {"name: \"a\\0b\"", "1:7", "holds a NUL character"},
    {"name: a\xff", "1:8", "not UTF-8"},
    {"name: \xed\xa0\x80", "1:7", "not UTF-8"},
    {"# \xc3\xa9\xc3\xa9\nname: \xc3\xa9\xc3", "2:8", "not UTF-8"},
    {"name: a\033[2J", "1:8", "control character"},
    {"\xff\xfen\x01", "1:1", "not UTF-8"},
    {"# only a comment\n", "in.yaml: error", "holds no keys"},
};

START_TEST(bad_input)
{
    char place[60];
    ck_assert_int_eq(load(bad[_i].yaml), -1);
    bool at_line = bad[_i].place[0] >= '0' && bad[_i].place[0] <= '9';
    snprintf(place, sizeof place, "%s%s%s", at_line ? "in.yaml:" : "", bad[_i].place, at_line ? ": error: " : "");
    ck_assert_msg(strstr(diag_text(d), place) == diag_text(d), "wanted %s, got %s", place, diag_text(d));
    expect_words(bad[_i].says);
    ck_assert_uint_eq(diag_count(d), 1);
    ck_assert_int_eq(diag_exit_code(d), EXIT_BAD_INPUT);
}
END_TEST

START_TEST(bytes_that_are_no_text)
{
    ck_assert_int_eq(load_bytes("name: a\0b\n", 10, false), -1);
    expect_words("in.yaml:1:8: error: this is a NUL byte");
}
END_TEST

START_TEST(no_bytes)
{
    ck_assert_int_eq(load_bytes("", 0, false), -1);
    expect_words("in.yaml: error: the file is empty (0 bytes)");
    ck_assert_int_eq(diag_exit_code(d), EXIT_BAD_INPUT);
}
END_TEST

START_TEST(a_byte_order_mark_is_fine)
{
    ck_assert_int_eq(load("\xef\xbb\xbfname: x\nwork: 5"), -1);
    expect_words("in.yaml:2:7: error: work: '5' has no unit");
}
END_TEST

/* Also in flow style, where nothing limits the line. */
START_TEST(deep_nesting)
{
    static char text[200001];
    for (int i = 0; i < 100000; i++)
        memcpy(text + 2 * i, _i ? "[ " : "- ", 2);
    ck_assert_int_eq(load(text), -1);
    expect_words("nested too deeply");
    ck_assert_int_eq(diag_exit_code(d), EXIT_BAD_INPUT);
}
END_TEST

START_TEST(all_errors_in_one_go)
{
    ck_assert_int_eq(load("nmae: x\nwork: 5\nchecked: yes\ncluster:\n  nodes: 0\n"
                          "  nic: {bandwidth: 5 us}\n"),
                     -1);
    ck_assert_uint_eq(diag_count(d), 5);
    const char *text = diag_text(d), *places[] = {"1:1:", "2:7:", "3:10:", "5:10:", "6:20:"};
    for (int i = 0; i < 5; i++) {
        ck_assert_msg((text = strstr(text, places[i])) != NULL, "%s", places[i]);
        text++;
    }
}
END_TEST

/* What is right in a file with mistakes is stored, what is wrong keeps its former
 * value. */
START_TEST(wrong_values_change_nothing)
{
    ck_assert_int_eq(load("work: 7 GFLOP\nclock: 5 m\ncluster: {nodes: 9}\n"), -1);
    ck_assert(scenario()->work_flop == 7e9);
    ck_assert(scenario()->clock_Hz == 1.755e9);
    ck_assert_int_eq(scenario()->cluster.nodes, 9);
}
END_TEST

static const struct {
    const char *yaml, *place, *says;
} unsourced[] = {
    {"work: 5 GFLOP", "1:7", "write {value: 5 GFLOP, source: \"where it is from\"}"},
    {"cluster:\n  nodes: 8", "2:10", "cluster.nodes has no source"},
    {"work: {value: 5 GFLOP}", "1:15", "work has no source"},
    {"work: {value: 5 GFLOP, source: ''}", "1:32", "work.source is blank"},
};

START_TEST(numbers_need_a_source)
{
    char place[40];
    ck_assert_int_eq(load_bytes(unsourced[_i].yaml, strlen(unsourced[_i].yaml), true), -1);
    snprintf(place, sizeof place, "in.yaml:%s: error: ", unsourced[_i].place);
    expect_words(place);
    expect_words(unsourced[_i].says);
    ck_assert_uint_eq(diag_count(d), 1);
}
END_TEST

START_TEST(words_need_no_source)
{
    const char *text = "name: x\nchecked: true\ncluster:\n  network: {kind: bound}\n"
                       "  nodes: {value: 8, source: paper}\n";
    ck_assert_int_eq(load_bytes(text, strlen(text), true), 0);
}
END_TEST

START_TEST(layers)
{
    const char *hw = "bandwidth: {value: 50 GB/s, source: sheet}\nlatency: {value: 1 us, "
                     "source: measured}\n";
    ck_assert_int_eq(cfg_load_text(c, hw, strlen(hw), "nic.yaml", "cluster.nic", true, NULL, d), 0);
    ck_assert_int_eq(load("name: x\ncluster: {nodes: 2, nic: {latency: 2 us}}"), 0);
    ck_assert(scenario()->cluster.nic.bandwidth_Bps == 50e9);
    ck_assert(scenario()->cluster.nic.latency_s == 2e-6);
    ck_assert_str_eq(cfg_where(c, "cluster.nic.bandwidth").file, "nic.yaml");
    ck_assert_str_eq(cfg_where(c, "cluster.nic.latency").file, "in.yaml");
    ck_assert_ptr_null(cfg_source(c, "cluster.nic.latency")); /* the old source no longer holds */
    ck_assert_int_eq(cfg_override(c, "cluster.nic.latency=3 us", d), 0);
    ck_assert(scenario()->cluster.nic.latency_s == 3e-6);
    ck_assert_str_eq(cfg_source(c, "cluster.nic.latency"), "command line: -s "
                                                           "cluster.nic.latency=3 us");
    ck_assert_int_eq(cfg_finish(c, d), 0);
}
END_TEST

START_TEST(errors_of_a_layer_name_the_full_key)
{
    const char *hw = "bandwidth: 5\nlatensy: 1 us\n";
    ck_assert_int_eq(cfg_load_text(c, hw, strlen(hw), "nic.yaml", "cluster.nic", false, NULL, d), -1);
    expect_words("nic.yaml:1:12: error: cluster.nic.bandwidth: '5' has no unit");
    expect_words("nic.yaml:2:1: error: unknown key 'latensy' in 'cluster.nic'; did you mean "
                 "'latency'?");
}
END_TEST

START_TEST(skipped_keys)
{
    static const char *const skip[] = {"hardware", "sweep", NULL};
    const char *text = "hardware: h800\nsweep: [1, {a: b}]\nhardwar: x\ncluster: {sweep: 1}\n"
                       "sweep: 2\n";
    ck_assert_int_eq(cfg_load_text(c, text, strlen(text), "in.yaml", "", false, skip, d), -1);
    expect_words("3:1: error: unknown key 'hardwar'; did you mean 'hardware'?");
    expect_words("4:11: error: unknown key 'sweep' in 'cluster'"); /* only at the top */
    expect_words("5:1: error: duplicate key 'sweep'; it was given first in line 2");
    ck_assert_uint_eq(diag_count(d), 3);
}
END_TEST

START_TEST(required_keys)
{
    ck_assert_int_eq(load("cluster:\n  nic: {latency: 1 us}\n"), 0);
    ck_assert_int_eq(cfg_finish(c, d), -1);
    expect_words("in.yaml:1:1: error: required key 'name' is missing (for people)");
    expect_words("in.yaml:1:1: error: required key 'cluster.nodes' is missing (how many nodes); "
                 "write for example 'nodes: 64'");
    expect_words("in.yaml:2:3: error: required key 'cluster.nic.bandwidth' is missing (one "
                 "direction, line rate); write for example 'bandwidth: 50 GB/s'");
    ck_assert_uint_eq(diag_count(d), 3);
    ck_assert_int_eq(diag_exit_code(d), EXIT_BAD_INPUT);
}
END_TEST

/* A key that was given wrongly is not also missing. */
START_TEST(wrong_is_not_missing)
{
    ck_assert_int_eq(load("name: x\ncluster: {nodes: many, nic: {bandwidth: 5}}"), -1);
    ck_assert_uint_eq(diag_count(d), 2);
    ck_assert_int_eq(cfg_finish(c, d), 0);
}
END_TEST

START_TEST(several_required_keys_of_a_table)
{
    static const struct cfg_field fields[] = {
        {.name = "a", .type = CFG_INT, .offset = 0, .doc = "x"},
        {.name = "b", .type = CFG_INT, .offset = 8, .doc = "y"},
        {0},
    };
    static const struct cfg_table table = {"t", "two", 16, fields};
    struct cfg *two = cfg_new(&table, arena);
    ck_assert_int_eq(cfg_finish(two, d), -1);
    ck_assert_str_eq(diag_text(d), "error: required keys are missing: 'a' and 'b'\n");
}
END_TEST

static const struct {
    const char *option;
    int code;
    int caret; /* column of the caret within "-s OPTION" */
    const char *says;
} bad_options[] = {
    {"cluster.nic.bandwidth=50", EXIT_BAD_INPUT, 26, "'50' has no unit; write for example "},
    {"cluster.nic.bandwidth = 5 us", EXIT_BAD_INPUT, 28, "not of bandwidth"},
    {"cluster.nic.bandwidth=-1 GB/s", EXIT_BAD_INPUT, 26, "allowed is 1 B/s to 10 TB/s"},
    {"cluster.nic.bandwidth=", EXIT_BAD_INPUT, 26, "there is no value"},
    {"cluster.nic.bandwith=5 GB/s", EXIT_BAD_INPUT, 4,
     "unknown key 'cluster.nic.bandwith'; did you mean 'cluster.nic.bandwidth'?"},
    {"bandwidth=5 GB/s", EXIT_BAD_INPUT, 4, "did you mean 'cluster.nic.bandwidth'?"},
    {"cluster.bandwidth=5 GB/s", EXIT_BAD_INPUT, 4, "did you mean 'cluster.nic.bandwidth'?"},
    {"nic.bandwidth=5 GB/s", EXIT_BAD_INPUT, 4, "did you mean 'cluster.nic.bandwidth'?"},
    {"qqqqqq=1", EXIT_BAD_INPUT, 4, "unknown key 'qqqqqq'\n"},
    {"cluster.nic=5", EXIT_BAD_INPUT, 4,
     "'cluster.nic' is a group of keys; write for example -s "
     "cluster.nic.bandwidth='"},
    {"cluster.network.kind=flw", EXIT_BAD_INPUT, 25, "did you mean 'flow'?"},
    {"cluster.nodes=1e3", EXIT_BAD_INPUT, 18, "not a whole number"},
    {"checked=1", EXIT_BAD_INPUT, 12, "write 'true'"},
    {"name", EXIT_USAGE, 4, "-s wants KEY=VALUE; write for example -s name='some text'"},
    {"=5", EXIT_USAGE, 4, "-s wants KEY=VALUE; write for example -s name='some text'"},
    {"", EXIT_USAGE, 4, "-s wants KEY=VALUE; write for example -s name='some text'"},
    {" =5", EXIT_BAD_INPUT, 5, "unknown key ''"},
    {"name=\xff", EXIT_BAD_INPUT, 9, "not UTF-8"},
    {"name=\033[2J", EXIT_BAD_INPUT, 9, "control character"},
};

START_TEST(bad_overrides)
{
    const char *option = bad_options[_i].option;
    ck_assert_int_eq(cfg_override(c, option, d), -1);
    ck_assert_int_eq(diag_exit_code(d), bad_options[_i].code);
    expect_words(bad_options[_i].says);
    char place[100];
    int n = (int)strcspn(option, "=\033\xff");
    snprintf(place, sizeof place, "-s %.*s", n, option);
    ck_assert_msg(strstr(diag_text(d), place) == diag_text(d), "%s", diag_text(d));
    const char *caret = strchr(diag_text(d), '^');
    ck_assert(caret != NULL);
    int column = 0;
    while (caret[-column] != '\n')
        column++;
    ck_assert_msg(column - 4 == bad_options[_i].caret, "caret at %d\n%s", column - 4, diag_text(d));
}
END_TEST

START_TEST(good_overrides)
{
    ck_assert_int_eq(cfg_override(c, "cluster.nic.bandwidth=800 Gb/s", d), 0);
    ck_assert_int_eq(cfg_override(c, "name=with = and: # signs", d), 0);
    ck_assert_int_eq(cfg_override(c, "comment=", d), 0);
    ck_assert_int_eq(cfg_override(c, " cluster.nodes =  16 ", d), 0);
    ck_assert_int_eq(cfg_override(c, "cluster.nic.efficiency=95 %", d), 0);
    ck_assert(scenario()->cluster.nic.bandwidth_Bps == 100e9);
    ck_assert_str_eq(scenario()->name, "with = and: # signs");
    ck_assert_str_eq(scenario()->comment, "");
    ck_assert_int_eq(scenario()->cluster.nodes, 16);
    ck_assert(scenario()->cluster.nic.efficiency_ratio == 0.95);
    ck_assert_int_eq(cfg_finish(c, d), 0); /* overrides alone may fill what is required */
}
END_TEST

static void put_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    ck_assert(f != NULL);
    fputs(text, f);
    fclose(f);
}

static char dir[] = "/tmp/moesim-cfg-XXXXXX";
static char path[200];

static void setup_dir(void)
{
    setup();
    strcpy(dir + sizeof dir - 7, "XXXXXX");
    ck_assert(mkdtemp(dir) != NULL);
    snprintf(path, sizeof path, "%s/in.yaml", dir);
}

static void teardown_dir(void)
{
    remove(path);
    rmdir(dir);
    teardown();
}

static void expect_file_error(const char *file, int code, const char *says)
{
    char line[400];
    ck_assert_int_eq(cfg_load_file(c, file, "", false, NULL, d), -1);
    snprintf(line, sizeof line, "%s: error: %s", file, says);
    expect_words(line);
    ck_assert_int_eq(diag_exit_code(d), code);
    ck_assert_uint_eq(diag_count(d), 1);
}

START_TEST(file_loads)
{
    put_file(path, small);
    ck_assert_int_eq(cfg_load_file(c, path, "", false, NULL, d), 0);
    ck_assert_str_eq(cfg_where(c, "name").file, path);
}
END_TEST

START_TEST(file_missing)
{
    expect_file_error(path, EXIT_IO, "cannot open: No such file or directory");
}
END_TEST

START_TEST(file_is_a_directory)
{
    expect_file_error(dir, EXIT_IO, "cannot read: Is a directory");
}
END_TEST

START_TEST(file_is_empty)
{
    put_file(path, "");
    expect_file_error(path, EXIT_BAD_INPUT, "the file is empty (0 bytes)");
}
END_TEST

START_TEST(file_is_unreadable)
{
    put_file(path, small);
    ck_assert(chmod(path, 0) == 0);
    if (geteuid() == 0)
        ck_assert(chmod(dir, 0755) == 0 && seteuid(65534) == 0);
    ck_assert_int_eq(cfg_load_file(c, path, "", false, NULL, d), -1);
    ck_assert(seteuid(getuid()) == 0);
    expect_words("in.yaml: error: cannot open: Permission denied");
    ck_assert_int_eq(diag_exit_code(d), EXIT_IO);
}
END_TEST

START_TEST(file_without_end)
{
    expect_file_error("/dev/zero", EXIT_LIMIT, "the file is larger than 16 MiB");
}
END_TEST

START_TEST(peek)
{
    put_file(path, "hardware: h800\ncluster: {nodes: {value: 8, source: x}, nic: {a: "
                   "b}}\nkind:\n");
    ck_assert_str_eq(cfg_peek(path, "hardware", arena, d), "h800");
    ck_assert_str_eq(cfg_peek(path, "cluster.nodes", arena, d), "8");
    ck_assert_ptr_null(cfg_peek(path, "absent", arena, d));
    ck_assert_ptr_null(cfg_peek(path, "hardware.deeper", arena, d));
    ck_assert_ptr_null(cfg_peek(path, "kind", arena, d));
    ck_assert(!diag_failed(d));
    ck_assert_ptr_null(cfg_peek(path, "cluster.nic", arena, d));
    expect_words(":2:46: error: cluster.nic is a mapping of keys, but a single value is wanted");
}
END_TEST

struct visit {
    int n;
    char keys[600], texts[600];
};

static void on_leaf(void *ctx, const char *key, const struct cfg_field *field, const void *value, const char *text,
                    const char *source)
{
    struct visit *v = ctx;
    ck_assert(field && value && (source == NULL || strcmp(key, "cluster.nodes") == 0));
    v->n++;
    strcat(strcat(v->keys, key), " ");
    strcat(strcat(v->texts, text), "|");
}

START_TEST(visits_leaves_in_table_order)
{
    struct visit v = {0};
    load("name: 'two words'\ncluster: {nodes: {value: 8, source: s}, nic: {bandwidth: "
         "1 GB/s}}");
    cfg_visit(c, on_leaf, &v);
    ck_assert_int_eq(v.n, 18);
    ck_assert_str_eq(v.keys, "name comment checked work slots clock bit_energy cluster.nodes cluster.peak "
                             "cluster.nic.bandwidth cluster.nic.latency cluster.nic.mtu "
                             "cluster.nic.efficiency cluster.nic.per_node cluster.network.kind "
                             "cluster.network.cable cluster.network.switch_price "
                             "cluster.network.port_power ");
    ck_assert_str_eq(v.texts, "\"two words\"|\"\"|false|250 GFLOP|4|1.755 GHz|2 pJ|8|989 TFLOPS|"
                              "1 GB/s|3.7 us|4 KiB|0.9|8|flow|20 m|35 kUSD|15 W|");
}
END_TEST

static char *printed(const struct cfg *cfg)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    ck_assert(out != NULL);
    cfg_print_yaml(cfg, out);
    fclose(out);
    return text;
}

/* Prints, loads into a fresh config, compares values and sources. */
static void expect_round_trip(void)
{
    char *text = printed(c);
    struct cfg *again = cfg_new(&ex_scenario_table, arena);
    int rc = cfg_load_text(again, text, strlen(text), "again.yaml", "", false, NULL, d);
    ck_assert_msg(rc == 0, "%s\n%s", diag_text(d), text);
    ck_assert_int_eq(cfg_finish(again, d), 0);
    ck_assert_msg(ex_equal(scenario(), cfg_struct(again)), "%s", text);
    const char *source = cfg_source(c, "cluster.nic.bandwidth");
    if (source)
        ck_assert_str_eq(source, cfg_source(again, "cluster.nic.bandwidth"));
    char *text_again = printed(again);
    ck_assert_str_eq(text, text_again);
    free(text_again);
    free(text);
}

START_TEST(prints_what_it_read)
{
    load("name: h800\ncluster: {nodes: 8, nic: {bandwidth: {value: 400 Gb/s, source: "
         "\"a: \\\"b\\\" "
         "# c\\n\"}}}");
    char *text = printed(c);
    ck_assert(strstr(text, "# an example scenario\nname: h800  # for people\n"));
    ck_assert(strstr(text, "\n  nic:  # network card\n    bandwidth: {value: 50 GB/s, source: "
                           "\"a: \\\"b\\\" # c\\n\"}  # one direction, line rate\n"));
    free(text);
    expect_round_trip();
}
END_TEST

START_TEST(odd_strings_round_trip)
{
    static const char *const names[] = {"",
                                        " ",
                                        "a b",
                                        "true",
                                        "Null",
                                        "~",
                                        "12",
                                        "-",
                                        "- a",
                                        "a: b",
                                        "a #b",
                                        "#",
                                        "'",
                                        "\"",
                                        "\\",
                                        "a\nb",
                                        "\n",
                                        "\t",
                                        "{a}",
                                        "[a]",
                                        "*a",
                                        "&a",
                                        "!a",
                                        "%a",
                                        "@a",
                                        "`a",
                                        "|",
                                        ">",
                                        "<<",
                                        "=",
                                        "?",
                                        "? a",
                                        "a,b",
                                        "\xc3\xa9",
                                        "\xe2\x82\xac \xf0\x9f\x98\x80",
                                        "\xc2\x85",
                                        "\xe2\x80\xa8",
                                        "\xe2\x80\xa9",
                                        "\xef\xbb\xbf",
                                        "\xef\xbf\xbf",
                                        "\x01\x1f\x7f",
                                        "\xc2\x9f",
                                        "a  b",
                                        "---",
                                        "...",
                                        "a\r\nb",
                                        "yes",
                                        "0x1",
                                        "1e3",
                                        "null ",
                                        "trailing ",
                                        "/path/to.file-1_x"};
    load(small);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        scenario()->name = names[i];
        scenario()->comment = names[i];
        expect_round_trip();
    }
}
END_TEST

/* Steele et al. 2014; this test stands on nothing else. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Half the time few digits, as people write, else all 53 bits. */
static double any(uint64_t *state, double lo, double hi)
{
    double v = lo * pow(hi / lo, (double)(next_random(state) >> 11) / 0x1p53);
    if (next_random(state) & 1) {
        char buf[40];
        snprintf(buf, sizeof buf, "%.*e", (int)(next_random(state) % 5), v);
        double rounded = strtod(buf, NULL);
        v = rounded >= lo && rounded <= hi ? rounded : v;
    }
    return v;
}

START_TEST(any_numbers_round_trip)
{
    uint64_t r = 20240914;
    load(small);
    for (int i = 0; i < 300; i++) {
        struct ex_scenario *s = scenario();
        s->checked = next_random(&r) & 1;
        s->work_flop = any(&r, 1e-3, 1e26);
        s->slots_count = floor(any(&r, 1, 1e9));
        s->clock_Hz = any(&r, 1e-9, 1e10) * (next_random(&r) & 1 ? -1 : 1);
        s->bit_J = any(&r, 1e-20, 1e9);
        s->cluster.nodes = 1 + (int64_t)(next_random(&r) % 100000);
        s->cluster.peak_flops = any(&r, 1, 1e22);
        s->cluster.nic.bandwidth_Bps = any(&r, 1, 1e13);
        s->cluster.nic.latency_s = any(&r, 1e-15, 1);
        s->cluster.nic.mtu_B = i % 3 ? floor(any(&r, 1, 1e15)) : any(&r, 1, 1e18);
        s->cluster.nic.efficiency_ratio = any(&r, 1e-12, 1);
        s->cluster.nic.per_node = 1 + (int64_t)(next_random(&r) % 64);
        s->cluster.network.kind = (int)(next_random(&r) % 3);
        s->cluster.network.cable_m = any(&r, 1e-6, 1e9);
        s->cluster.network.switch_price_USD = any(&r, 1e-2, 1e12);
        s->cluster.network.port_power_W = any(&r, 1e-6, 1e9);
        expect_round_trip();
    }
}
END_TEST

START_TEST(unfinished_config_prints_comments)
{
    char *text = printed(c);
    ck_assert(strstr(text, "# name: (required, not given)  # for people\n"));
    struct yaml_doc doc;
    ck_assert_int_eq(yaml_doc_parse(&doc, text, strlen(text), "x", arena, d), 0);
    free(text);
}
END_TEST

/* JSON is YAML: our own reader walks the schema. */
static const struct yaml_node *schema_at(const struct yaml_node *n, const char *dotted)
{
    char *rest = arena_strdup(arena, dotted), *part;
    while (n && (part = strsep(&rest, ".")))
        n = yaml_get(yaml_get(n, "properties"), part);
    return n;
}

START_TEST(schema)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    cfg_print_schema(&ex_scenario_table, NULL, out);
    fclose(out);
    struct yaml_doc doc;
    ck_assert_msg(yaml_doc_parse(&doc, text, size, "schema", arena, d) == 0, "%s", diag_text(d));
    ck_assert_str_eq(yaml_get(doc.root, "$schema")->text, "https://json-schema.org/draft/2020-12/schema");
    ck_assert_str_eq(yaml_get(doc.root, "additionalProperties")->text, "false");
    ck_assert_ptr_null(yaml_get(doc.root, "required"));
    const struct yaml_node *nic = schema_at(doc.root, "cluster.nic");
    ck_assert_str_eq(yaml_get(nic, "additionalProperties")->text, "false");
    const struct yaml_node *bandwidth = schema_at(nic, "bandwidth");
    ck_assert(strstr(yaml_get(bandwidth, "description")->text, "range 1 B/s to 10 TB/s"));
    const struct yaml_node *bare = yaml_get(bandwidth, "anyOf")->first, *full = bare->next;
    ck_assert(strstr(yaml_get(bare, "pattern")->text, "|GB/s|"));
    ck_assert_str_eq(yaml_get(schema_at(full, "value"), "type")->text, "string");
    ck_assert_str_eq(yaml_get(schema_at(full, "source"), "type")->text, "string");
    const struct yaml_node *nodes = yaml_get(schema_at(doc.root, "cluster.nodes"), "anyOf")->first;
    ck_assert_str_eq(yaml_get(yaml_get(nodes, "anyOf")->first, "maximum")->text, "100000");
    const struct yaml_node *kind = yaml_get(schema_at(doc.root, "cluster.network.kind"), "anyOf");
    ck_assert_str_eq(yaml_get(kind->first, "enum")->first->next->text, "flow");
    free(text);
}
END_TEST

START_TEST(manual_page)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    cfg_print_roff(&ex_scenario_table, out);
    fclose(out);
    ck_assert(strstr(text, ".SS \"cluster.nic\"\n"));
    ck_assert(strstr(text, ".TP\n.B \"cluster.nic.latency\"\none side.\n(time, 0 s to 1 s; default 3.7 us)\n"));
    ck_assert(strstr(text, "(bandwidth, 1 B/s to 10 TB/s; required)\n"));
    ck_assert(strstr(text, "(one of bound, flow, cm02; default flow)\n"));
    ck_assert(strstr(text, ".B \"cluster.nodes\"\n"));
    free(text);
}
END_TEST

START_TEST(text_of_manual_pages_is_escaped)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    roff_line(out, ".x 'a' \\n -s");
    roff_subsection(out, "a \"b\"");
    roff_line(out, "two\n.lines");
    fclose(out);
    ck_assert_str_eq(text, "\\&.x \\(aqa\\(aq \\en \\-s\n"
                           ".SS \"a \\(dqb\\(dq\"\n"
                           "two .lines\n");
    free(text);
}
END_TEST

START_TEST(nearest)
{
    static const char *const names[] = {"bandwidth", "latency", "mtu", "per_node", NULL};
    ck_assert_str_eq(cfg_nearest("bandwith", names), "bandwidth");
    ck_assert_str_eq(cfg_nearest("BANDWIDTH", names), "bandwidth");
    ck_assert_str_eq(cfg_nearest("bandwidth_Bps", names), "bandwidth");
    ck_assert_str_eq(cfg_nearest("lat", names), "latency");
    ck_assert_str_eq(cfg_nearest("mut", names), "mtu");
    ck_assert_str_eq(cfg_nearest("per-node", names), "per_node");
    ck_assert_ptr_null(cfg_nearest("colour", names));
    ck_assert_ptr_null(cfg_nearest("", names));
    ck_assert_ptr_null(cfg_nearest("x", names));
    char *longest = arena_alloc(arena, 5001);
    memset(longest, 'b', 5000);
    ck_assert_ptr_null(cfg_nearest(longest, names));
}
END_TEST

static const char *const no_choices[] = {"a", NULL};
static const struct cfg_field bad_default_fields[] = {
    {.name = "kind", .type = CFG_ENUM, .dflt = "b", .choices = no_choices},
    {0},
};
static const struct cfg_table bad_default_table = {"t", "", sizeof(int), bad_default_fields};

START_TEST(bad_default_is_our_bug)
{
    cfg_new(&bad_default_table, arena);
}
END_TEST

START_TEST(bad_table_key_is_our_bug)
{
    cfg_load_text(c, "a: b", 4, "in.yaml", "no.such.table", false, NULL, d);
}
END_TEST

/* --- keys of others ------------------------------------------------------------------------------------- */

struct red {
    int64_t sides;
    const char *shade;
};
static const struct cfg_field red_fields[] = {
    {.name = "sides", .type = CFG_INT, .offset = offsetof(struct red, sides), .dflt = "4", .min = 1, .max = 9},
    {.name = "shade", .type = CFG_STRING, .offset = offsetof(struct red, shade), .dflt = "dark"},
    {0}};
struct blue {
    double depth_m;
    int64_t sides;
};
static const struct cfg_field blue_fields[] = {
    {.name = "depth", .type = CFG_QUANTITY, .dim = DIM_LENGTH, .offset = offsetof(struct blue, depth_m), .dflt = "2 m"},
    {.name = "sides", .type = CFG_INT, .offset = offsetof(struct blue, sides), .dflt = "4", .min = 1, .max = 9},
    {0}};
static const struct cfg_table red_table = {"red", "", sizeof(struct red), red_fields};
static const struct cfg_table blue_table = {"blue", "", sizeof(struct blue), blue_fields};

static const struct cfg_table *const *owners(void)
{
    static const struct cfg_table *const all[] = {&red_table, &blue_table, NULL};
    return all;
}

struct box {
    int64_t before, after;
    const struct cfg_more *more;
};
static const struct cfg_field box_fields[] = {
    {.name = "before", .type = CFG_INT, .offset = offsetof(struct box, before), .dflt = "1"},
    {.name = "owners", .type = CFG_MORE, .offset = offsetof(struct box, more), .more = owners},
    {.name = "after", .type = CFG_INT, .offset = offsetof(struct box, after), .dflt = "1"},
    {0}};
static const struct cfg_table box_table = {"box", "", sizeof(struct box), box_fields};
struct shelf {
    struct box box;
};
static const struct cfg_field shelf_fields[] = {
    {.name = "box", .type = CFG_TABLE, .offset = offsetof(struct shelf, box), .sub = &box_table}, {0}};
static const struct cfg_table shelf_table = {"shelf", "", sizeof(struct shelf), shelf_fields};

static const struct box *box_of(struct cfg *cfg)
{
    return &((struct shelf *)cfg_struct(cfg))->box;
}

START_TEST(keys_of_several_owners)
{
    struct cfg *one = cfg_new(&shelf_table, arena), *two = cfg_new(&shelf_table, arena);
    static const char text[] = "box: {after: 5, sides: 7, depth: 3 m}\n";
    ck_assert_int_eq(cfg_load_text(one, text, strlen(text), "in.yaml", "", false, NULL, d), 0);
    ck_assert_int_eq(cfg_override(two, "box.sides=3", d), 0);
    struct box copy = *box_of(one); /* a copied struct still finds them */
    struct red red;
    struct blue blue;
    cfg_more_read(copy.more, &red_table, &red);
    cfg_more_read(copy.more, &blue_table, &blue);
    ck_assert_int_eq(red.sides, 7);
    ck_assert_int_eq(blue.sides, 7);
    ck_assert(blue.depth_m == 3);
    ck_assert_str_eq(red.shade, "dark");
    ck_assert_int_eq(copy.after, 5);
    cfg_more_read(box_of(two)->more, &red_table, &red);
    ck_assert_int_eq(red.sides, 3);
    cfg_more_read(NULL, &blue_table, &blue);
    ck_assert(blue.depth_m == 2);
    ck_assert_int_eq(cfg_more_where(copy.more, "sides").line, 1);
    ck_assert_ptr_null(cfg_more_where(copy.more, "shade").file);
    ck_assert_int_eq(cfg_override(one, "box.sides=10", d), -1);
    expect_words("out of range");
}
END_TEST

START_TEST(keys_of_several_owners_stand_in_order)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    cfg_print_yaml(cfg_new(&shelf_table, arena), f);
    fclose(f);
    const char *wanted[] = {"before", "sides", "shade", "depth", "after", NULL};
    const char *at = text;
    for (int i = 0; wanted[i]; i++) {
        at = strstr(at, wanted[i]);
        ck_assert_msg(at != NULL, "%s is missing or comes too early: %s", wanted[i], text);
    }
    free(text);
    f = open_memstream(&text, &size);
    cfg_print_schema(&shelf_table, NULL, f);
    cfg_print_roff(&shelf_table, f);
    fclose(f);
    ck_assert_ptr_nonnull(strstr(text, "\"depth\": {"));
    ck_assert_ptr_nonnull(strstr(text, "box.depth"));
    ck_assert_ptr_nonnull(strstr(text, "\"sides\": {"));
    free(text);
}
END_TEST

START_TEST(one_key_taken_out)
{
    struct cfg *one = cfg_new(&shelf_table, arena);
    char *text = NULL;
    size_t size;
    ck_assert_int_eq(cfg_override(one, "box.depth=3 m", d), 0);
    cfg_ground(one);
    ck_assert(!cfg_is_own(one, "box.depth"));
    ck_assert_int_eq(cfg_exclude(one, "box.depth", "nobody reads it", d), 0);
    ck_assert_int_eq(cfg_override(one, "box.shade=light", d), 0);
    ck_assert(cfg_is_own(one, "box.shade") && cfg_more_is_own(box_of(one)->more, "shade"));
    ck_assert_int_eq(cfg_exclude(one, "box.shade", "nobody reads it", d), -1);
    expect_words("'box.shade' changes nothing: nobody reads it");
    FILE *f = open_memstream(&text, &size);
    cfg_print_yaml(one, f);
    fclose(f);
    ck_assert_ptr_null(strstr(text, "depth"));
    ck_assert_ptr_null(strstr(text, "shade"));
    ck_assert_ptr_nonnull(strstr(text, "sides"));
    free(text);
}
END_TEST

/* Boxes under names of the user's, between other keys, so that entries have to move. */
struct room {
    int64_t first, last;
    struct cfg_map boxes, more_boxes;
    struct box own;
};
static const struct cfg_field room_fields[] = {
    {.name = "first", .type = CFG_INT, .offset = offsetof(struct room, first), .dflt = "1"},
    {.name = "boxes", .type = CFG_MAP, .offset = offsetof(struct room, boxes), .sub = &box_table},
    {.name = "own", .type = CFG_TABLE, .offset = offsetof(struct room, own), .sub = &box_table},
    {.name = "more_boxes", .type = CFG_MAP, .offset = offsetof(struct room, more_boxes), .sub = &box_table},
    {.name = "last", .type = CFG_INT, .offset = offsetof(struct room, last), .dflt = "1"},
    {0}};
static const struct cfg_table room_table = {"room", "", sizeof(struct room), room_fields};
struct house {
    struct room room;
};
static const struct cfg_field house_fields[] = {
    {.name = "room", .type = CFG_TABLE, .offset = offsetof(struct house, room), .sub = &room_table}, {0}};
static const struct cfg_table house_table = {"house", "", sizeof(struct house), house_fields};

static int64_t sides_of(const struct cfg_map *m, uint32_t i)
{
    struct red red;
    cfg_more_read(((const struct box *)m->items[i])->more, &red_table, &red);
    return red.sides;
}

START_TEST(tables_under_names)
{
    struct cfg *one = cfg_new(&house_table, arena), *again = cfg_new(&house_table, arena);
    const struct room *r = cfg_struct(one);
    static const char text[] =
        "room:\n  more_boxes: {z: {sides: 8}}\n  last: 9\n  boxes: {a: {sides: 5, after: 3}, b: {}}\n"
        "  own: {sides: 6}\n";
    ck_assert_int_eq(cfg_load_text(one, text, strlen(text), "in.yaml", "", false, NULL, d), 0);
    ck_assert_int_eq(cfg_override(one, "room.boxes.b.sides=2", d), 0);
    ck_assert_int_eq(cfg_override(one, "room.boxes.c.sides=3", d), 0);
    ck_assert_int_eq(cfg_finish(one, d), 0);
    ck_assert_uint_eq(r->boxes.n, 3);
    ck_assert_uint_eq(r->more_boxes.n, 1);
    ck_assert_str_eq(r->boxes.names[0], "a");
    ck_assert_str_eq(r->boxes.names[2], "c");
    ck_assert_int_eq(((const struct box *)r->boxes.items[0])->after, 3);
    ck_assert_int_eq(sides_of(&r->boxes, 0), 5);
    ck_assert_int_eq(sides_of(&r->boxes, 1), 2);
    ck_assert_int_eq(sides_of(&r->boxes, 2), 3);
    ck_assert_int_eq(sides_of(&r->more_boxes, 0), 8);
    struct red own;
    cfg_more_read(r->own.more, &red_table, &own);
    ck_assert_int_eq(own.sides, 6);
    ck_assert_int_eq(r->last, 9);
    ck_assert_int_eq(cfg_where(one, "room.boxes.a.after").line, 4);
    /* what is printed loads to the same */
    char *printed = NULL, *twice = NULL;
    size_t size;
    FILE *f = open_memstream(&printed, &size);
    cfg_print_yaml(one, f);
    fclose(f);
    ck_assert_int_eq(cfg_load_text(again, printed, strlen(printed), "out.yaml", "", false, NULL, d), 0);
    f = open_memstream(&twice, &size);
    cfg_print_yaml(again, f);
    fclose(f);
    ck_assert_str_eq(printed, twice);
    ck_assert_ptr_null(strstr(printed, "nothing"));
    free(printed);
    free(twice);
    ck_assert_int_eq(cfg_override(one, "room.boxes.c.sidse=3", d), -1);
    expect_words("did you mean");
    ck_assert_int_eq(cfg_override(one, "room.boxes.d.sidse=3", d), -1);
    ck_assert_uint_eq(r->boxes.n, 3);
}
END_TEST

START_TEST(names_that_are_none)
{
    struct cfg *one = cfg_new(&house_table, arena);
    static const char text[] = "room:\n  boxes: {a.b: {sides: 5}}\n";
    ck_assert_int_eq(cfg_load_text(one, text, strlen(text), "in.yaml", "", false, NULL, d), -1);
    expect_words("'a.b' is no name for one of 'room.boxes'");
}
END_TEST

START_TEST(keys_that_nobody_reads)
{
    struct cfg *one = cfg_new(&shelf_table, arena);
    const struct cfg_table *const red[] = {&red_table, NULL};
    const char *given[4];
    ck_assert_int_eq(cfg_override(one, "box.sides=3", d), 0);
    ck_assert_int_eq(cfg_override(one, "box.depth=2 m", d), 0); /* the default changes nothing */
    ck_assert_uint_eq(cfg_more_take_out(box_of(one)->more, red, given, 4), 0);
    ck_assert_int_eq(cfg_override(one, "box.depth=3 m", d), 0);
    ck_assert_uint_eq(cfg_more_take_out(box_of(one)->more, red, given, 4), 1);
    ck_assert_str_eq(given[0], "depth");
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    cfg_print_yaml(one, f);
    fclose(f);
    ck_assert_ptr_null(strstr(text, "depth"));
    ck_assert_ptr_nonnull(strstr(text, "after"));
    free(text);
}
END_TEST

#define N_OF(array) (int)(sizeof array / sizeof array[0])

static TCase *add_case(Suite *s, const char *name)
{
    TCase *t = tcase_create(name);
    bool in_dir = strcmp(name, "files") == 0;
    tcase_add_checked_fixture(t, in_dir ? setup_dir : setup, in_dir ? teardown_dir : teardown);
    suite_add_tcase(s, t);
    return t;
}

/* --- conditions ------------------------------------------------------------------------------------------------- */

struct needy {
    int way;
    bool loud, listed;
    int64_t many;
    const char *file;
    double cv_ratio;
    struct needy_part {
        int64_t depth, width;
    } part;
};

static const char *const ways[] = {"straight", "round", "through", NULL};
static const struct cfg_field needy_part_fields[] = {
    {.name = "depth", .type = CFG_INT, .offset = offsetof(struct needy_part, depth), .dflt = "1"},
    {.name = "width", .type = CFG_INT, .offset = offsetof(struct needy_part, width), .dflt = "1", .needs = ".depth>2"},
    {0}};
static const struct cfg_table needy_part_table = {"part", NULL, sizeof(struct needy_part), needy_part_fields};
static const struct cfg_field needy_fields[] = {
    {.name = "way", .type = CFG_ENUM, .offset = offsetof(struct needy, way), .dflt = "straight", .choices = ways},
    {.name = "loud",
     .type = CFG_BOOL,
     .offset = offsetof(struct needy, loud),
     .dflt = "false",
     .needs = "way!=straight"},
    {.name = "many", .type = CFG_INT, .offset = offsetof(struct needy, many), .dflt = "0", .needs = "file="},
    {.name = "file", .type = CFG_STRING, .offset = offsetof(struct needy, file), .dflt = ""},
    {.name = "cv",
     .type = CFG_QUANTITY,
     .dim = DIM_RATIO,
     .offset = offsetof(struct needy, cv_ratio),
     .dflt = "0.5",
     .needs = "way=through,round loud=true | many>2"},
    {.name = "part",
     .type = CFG_TABLE,
     .offset = offsetof(struct needy, part),
     .sub = &needy_part_table,
     .needs = "file!="},
    {.name = "listed",
     .type = CFG_BOOL,
     .offset = offsetof(struct needy, listed),
     .dflt = "false",
     .needs = "file~dcqcn"},
    {0}};
static const struct cfg_table needy_table = {"needy", NULL, sizeof(struct needy), needy_fields};

static const struct {
    const char *set[3], *key, *why, *advice; /* NULL: it is read */
} needs[] = {
    {{NULL}, "way", NULL, NULL},
    {{NULL}, "loud", "'way' is straight", "write for example 'way: round'"},
    {{"way=through"}, "loud", NULL, NULL},
    {{NULL}, "many", NULL, NULL},
    {{"file=x"}, "many", "'file' is x", "leave out 'file'"},
    {{NULL}, "cv", "'many' is 0", "give 'many' more than 2"},
    {{"way=round"}, "cv", "'loud' is false", "write 'loud: true'"},
    {{"way=round", "loud=true"}, "cv", NULL, NULL},
    {{"loud=true"}, "cv", "'way' is straight", "write 'way: through'"},
    {{"many=3"}, "cv", NULL, NULL},
    {{NULL}, "part", "'file' is empty", "give 'file'"},
    {{NULL}, "part.depth", "'file' is empty", "give 'file'"},
    {{"file=x"}, "part.depth", NULL, NULL},
    {{"file=x"}, "part.width", "'part.depth' is 1", "give 'part.depth' more than 2"},
    {{"file=x", "part.depth=3"}, "part.width", NULL, NULL},
    {{"part.depth=3"}, "part.width", "'file' is empty", "give 'file'"},
    {{NULL}, "listed", "'file' is empty", "name dcqcn in 'file'"},
    {{"file=pfc, pfc+dcqcn"}, "listed", NULL, NULL},
};

START_TEST(a_key_is_read_where_its_condition_holds)
{
    struct cfg *n = cfg_new(&needy_table, arena);
    for (int i = 0; i < 3 && needs[_i].set[i]; i++)
        ck_assert_int_eq(cfg_override(n, needs[_i].set[i], d), 0);
    struct cfg_unread u = cfg_unread(n, needs[_i].key, NULL, 0);
    ck_assert_str_eq(u.why ? u.why : "", needs[_i].why ? needs[_i].why : "");
    ck_assert_str_eq(u.advice ? u.advice : "", needs[_i].advice ? needs[_i].advice : "");
    ck_assert_int_eq(u.by_option, u.why && (strstr(u.why, "is x") || strstr(u.why, "is round")));
}
END_TEST

START_TEST(a_condition_from_outside)
{
    struct cfg *n = cfg_new(&needy_table, arena);
    ck_assert_ptr_null(cfg_unread(n, "way", "loud=false", strlen("way")).why);
    ck_assert_str_eq(cfg_unread(n, "way", "loud=true", strlen("way")).why, "'loud' is false");
    ck_assert_int_eq(cfg_exclude(n, "loud", "of no use", d), 0);
    ck_assert_str_eq(cfg_unread(n, "way", "loud=false", strlen("way")).why, "'loud' is not read, either");
}
END_TEST

START_TEST(a_condition_on_no_key_is_our_bug)
{
    cfg_unread(cfg_new(&needy_table, arena), "way", "volume=3", strlen("way"));
}
END_TEST

static struct cfg_unread is_unread(void *ctx, const char *key)
{
    return cfg_unread(ctx, key, NULL, 0);
}

START_TEST(what_is_not_read)
{
    struct cfg *n = cfg_new(&needy_table, arena);
    cfg_override(n, "loud=true", d);
    cfg_override(n, "cv=2", d);
    cfg_ground(n);
    cfg_override(n, "many=3", d);
    cfg_override(n, "part.depth=7", d);
    cfg_check_reads(n, is_unread, n, NULL);
    ck_assert_uint_eq(diag_count(d), 0);
    cfg_check_reads(n, is_unread, n, d);
    ck_assert_uint_eq(diag_count(d), 1);
    ck_assert(strstr(diag_text(d), "'part.depth' changes nothing: 'file' is empty; leave it out, or give 'file'"));
    char *text = printed(n);
    ck_assert_msg(!strcmp(text, "way: straight\nmany: {value: 3, source: \"command line: -s many=3\"}\n"
                                "file: \"\"\ncv: {value: 2, source: \"command line: -s cv=2\"}\n"),
                  "%s", text);
    free(text);
}
END_TEST

START_TEST(an_option_lets_a_key_of_the_file_rest)
{
    struct cfg *n = cfg_new(&needy_table, arena);
    const char text[] = "many: 3\n";
    ck_assert_int_eq(cfg_load_text(n, text, strlen(text), "f.yaml", "", false, NULL, d), 0);
    cfg_override(n, "file=x", d);
    cfg_check_reads(n, is_unread, n, d);
    ck_assert_uint_eq(diag_count(d), 0);
    ck_assert(strstr(diag_text(d), "f.yaml:1:7: warning: 'many' changes nothing: 'file' is x"));
    cfg_override(n, "many=2", d);
    cfg_check_reads(n, is_unread, n, d);
    ck_assert_uint_eq(diag_count(d), 1);
}
END_TEST

static void add_loading(Suite *s)
{
    TCase *t = add_case(s, "load");
    tcase_add_test(t, defaults_and_values);
    tcase_add_test(t, value_with_its_source);
    tcase_add_loop_test(t, bad_input, 0, N_OF(bad));
    tcase_add_test(t, bytes_that_are_no_text);
    tcase_add_test(t, no_bytes);
    tcase_add_test(t, a_byte_order_mark_is_fine);
    tcase_add_loop_test(t, deep_nesting, 0, 2);
    tcase_add_test(t, all_errors_in_one_go);
    tcase_add_test(t, wrong_values_change_nothing);
    tcase_add_loop_test(t, numbers_need_a_source, 0, N_OF(unsourced));
    tcase_add_test(t, words_need_no_source);
    tcase_add_test(t, layers);
    tcase_add_test(t, errors_of_a_layer_name_the_full_key);
    tcase_add_test(t, skipped_keys);
    tcase_add_test(t, required_keys);
    tcase_add_test(t, wrong_is_not_missing);
    tcase_add_test(t, several_required_keys_of_a_table);
    tcase_add_exit_test(t, bad_default_is_our_bug, EXIT_BUG);
    tcase_add_exit_test(t, bad_table_key_is_our_bug, EXIT_BUG);
}

static void add_files(Suite *s)
{
    TCase *t = add_case(s, "files");
    tcase_add_test(t, file_loads);
    tcase_add_test(t, file_missing);
    tcase_add_test(t, file_is_a_directory);
    tcase_add_test(t, file_is_empty);
    tcase_add_test(t, file_is_unreadable);
    tcase_add_test(t, file_without_end);
    tcase_add_test(t, peek);
}

int main(void)
{
    Suite *s = suite_create("base_cfg");
    add_loading(s);
    add_files(s);
    TCase *t = add_case(s, "override");
    tcase_add_loop_test(t, bad_overrides, 0, N_OF(bad_options));
    tcase_add_test(t, good_overrides);
    t = add_case(s, "print");
    tcase_add_test(t, visits_leaves_in_table_order);
    tcase_add_test(t, prints_what_it_read);
    tcase_add_test(t, odd_strings_round_trip);
    tcase_add_test(t, any_numbers_round_trip);
    tcase_add_test(t, unfinished_config_prints_comments);
    tcase_add_test(t, schema);
    tcase_add_test(t, manual_page);
    tcase_add_test(t, text_of_manual_pages_is_escaped);
    tcase_add_test(t, nearest);
    t = add_case(s, "owners");
    tcase_add_test(t, keys_of_several_owners);
    tcase_add_test(t, keys_of_several_owners_stand_in_order);
    tcase_add_test(t, one_key_taken_out);
    tcase_add_test(t, keys_that_nobody_reads);
    t = add_case(s, "maps");
    tcase_add_test(t, tables_under_names);
    tcase_add_test(t, names_that_are_none);
    t = add_case(s, "conditions");
    tcase_add_loop_test(t, a_key_is_read_where_its_condition_holds, 0, N_OF(needs));
    tcase_add_test(t, a_condition_from_outside);
    tcase_add_exit_test(t, a_condition_on_no_key_is_our_bug, EXIT_BUG);
    tcase_add_test(t, what_is_not_read);
    tcase_add_test(t, an_option_lets_a_key_of_the_file_rest);
    return tap_main(s);
}
