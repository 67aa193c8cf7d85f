/* make bench: what shipped scenarios cost, and what a second core gains: bench_scenarios MOESIM SRCDIR. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

enum { MAX_ARGS = 12 };

struct cost {
    double cpu_s, wall_s, peak_B;
    uint64_t output; /* hash */
};

static const char *moesim, *srcdir;

static double wall_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void use_cores(int cores)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    for (int i = 0; i < cores; i++)
        CPU_SET(i, &set);
    sched_setaffinity(0, sizeof set, &set);
}

static void exec_moesim(int out, int cores, const char *const *args)
{
    const char *argv[MAX_ARGS + 2] = {moesim};
    for (int i = 0; i < MAX_ARGS && args[i]; i++)
        argv[i + 1] = args[i];
    if (cores)
        use_cores(cores);
    dup2(out, STDOUT_FILENO);
    if (chdir(srcdir))
        _exit(1);
    execv(moesim, (char *const *)argv);
    _exit(1);
}

static uint64_t hash_all(int fd)
{
    uint64_t h = 1469598103934665603u;
    unsigned char buf[4096];
    for (ssize_t n; (n = read(fd, buf, sizeof buf)) > 0;)
        for (ssize_t i = 0; i < n; i++)
            h = (h ^ buf[i]) * 1099511628211u;
    return h;
}

/* cores: 0 = all that there are. */
static struct cost run(int cores, const char *const *args)
{
    int fds[2], status;
    struct rusage r;
    double begin_s = wall_s();
    if (pipe(fds))
        exit(1);
    pid_t pid = fork();
    if (pid == 0)
        exec_moesim(fds[1], cores, args);
    close(fds[1]);
    struct cost c = {.output = hash_all(fds[0])};
    close(fds[0]);
    wait4(pid, &status, 0, &r);
    if (!WIFEXITED(status) || WEXITSTATUS(status) > 1) {
        fprintf(stderr, "bench: error: '%s %s %s' failed\n", moesim, args[0], args[1]);
        exit(1);
    }
    c.wall_s = wall_s() - begin_s;
    c.cpu_s =
        (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) + 1e-6 * (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
    c.peak_B = 1024 * (double)r.ru_maxrss;
    return c;
}

static struct cost row(const char *name, const char *more, const char *const *args)
{
    struct cost c = run(0, args);
    bench_row(name, c.cpu_s, c.peak_B, more);
    return c;
}

#define ROW(name, more, ...) row(name, more, (const char *const[MAX_ARGS + 1]){__VA_ARGS__})

static void bench_training(void)
{
    static const char *const networks[] = {"mpft", "ft3", "slim_fly", "dragonfly"};
    double mpft_s = 0;
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        char name[80], set[80], only[80], more[80] = "";
        snprintf(name, sizeof name, "train_step_2048 on %s", networks[i]);
        snprintf(set, sizeof set, "cluster.topology=%s", networks[i]);
        snprintf(only, sizeof only, "train.topologies=%s", networks[i]);
        const char *args[MAX_ARGS + 1] = {
            "run", "scenarios/train_step_2048.yaml", "-s", set, "-s", only, "--progress=never"};
        struct cost c = run(0, args);
        mpft_s = i ? mpft_s : c.cpu_s;
        if (i)
            snprintf(more, sizeof more, "%.1f times mpft's", c.cpu_s / mpft_s);
        bench_row(name, c.cpu_s, c.peak_B, more);
    }
}

/* A training step on ever more GPUs with the same global batch, 16,384 sequences: below 1, CPU time grows less than they. */
static void bench_growth(void)
{
    static const int gpus[] = {2048, 4096, 8192};
    double before_s = 0;
    for (size_t i = 0; i < sizeof gpus / sizeof *gpus; i++) {
        char name[80], path[120], more[80] = "";
        snprintf(name, sizeof name, "mlperf_v6/gb300_%d", gpus[i]);
        snprintf(path, sizeof path, "scenarios/%s.yaml", name);
        const char *args[MAX_ARGS + 1] = {"run", path, "--progress=never"};
        struct cost c = run(0, args);
        if (i)
            snprintf(more, sizeof more, "GPUs^%.2f", log(c.cpu_s / before_s) / log((double)gpus[i] / gpus[i - 1]));
        before_s = c.cpu_s;
        bench_row(name, c.cpu_s, c.peak_B, more);
    }
}

static uint64_t hash_file(const char *path)
{
    int fd = open(path, O_RDONLY);
    uint64_t h = fd < 0 ? 0 : hash_all(fd);
    if (fd >= 0)
        close(fd);
    return h;
}

/* Starts it and interrupts it after some time, as Ctrl-C does. */
static void interrupt(const char *const *args, double after_s)
{
    struct timespec t = {(time_t)after_s, (long)(1e9 * fmod(after_s, 1))};
    int status, nowhere = open("/dev/null", O_WRONLY);
    pid_t pid = fork();
    if (pid == 0)
        exec_moesim(nowhere, 0, args);
    close(nowhere);
    nanosleep(&t, NULL);
    kill(pid, SIGINT);
    waitpid(pid, &status, 0);
}

/* A study that is interrupted half way, and goes on. */
static void bench_resume(void)
{
    static const char scenario[] = "scenarios/fig8_roce_routing.yaml";
    char folder[] = "/tmp/moesim_bench.XXXXXX", whole[80], part[80], more[80];
    if (!mkdtemp(folder))
        exit(1);
    snprintf(whole, sizeof whole, "%s/whole.json", folder);
    snprintf(part, sizeof part, "%s/part.json", folder);
    const char *all[MAX_ARGS + 1] = {"run", scenario, "-o", whole, "--progress=never"};
    const char *half[MAX_ARGS + 1] = {"run", scenario, "-o", part, "--progress=never"};
    const char *rest[MAX_ARGS + 1] = {"run", scenario, "-o", part, "--progress=never", "--resume"};
    struct cost c = run(0, all);
    interrupt(half, c.wall_s / 2);
    struct cost r = run(0, rest);
    snprintf(more, sizeof more, "%.0f %% of it all, %s", 100 * r.cpu_s / c.cpu_s,
             hash_file(whole) == hash_file(part) ? "same bytes" : "OTHER BYTES");
    bench_row("fig8_roce_routing, interrupted half way: --resume", r.cpu_s, r.peak_B, more);
    unlink(whole);
    unlink(part);
    rmdir(folder);
}

/* `more`: options, NULL-terminated. */
static void bench_cores(const char *what, const char *scenario, const char *const *more)
{
    char path[120];
    int n = 4;
    snprintf(path, sizeof path, "scenarios/%s.yaml", scenario);
    const char *args[MAX_ARGS + 1] = {"run", path, "--json", "--progress=never"};
    for (; *more; more++)
        args[n++] = *more;
    struct cost one = run(1, args), two = run(2, args);
    printf("%-58s %9.3f %9.3f %8.2fx %s\n", what, one.wall_s, two.wall_s, one.wall_s / two.wall_s,
           one.output == two.output ? "same bytes" : "OTHER BYTES");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    moesim = realpath(argv[1], NULL);
    srcdir = argv[2];
    bench_open();
    bench_heading("scenarios as shipped");
    ROW("decode_ep144", "12 layers, the others take their mean time", "run", "scenarios/decode_ep144.yaml",
        "--progress=never");
    ROW("decode_ep144, all layers", "", "run", "scenarios/decode_ep144.yaml", "-s", "inference.simulate_layers=0",
        "--progress=never");
    ROW("decode_ep144, network bound", "", "run", "scenarios/decode_ep144.yaml", "-s", "sim.network=bound");
    ROW("tpot_bound_h800", "", "run", "scenarios/tpot_bound_h800.yaml", "--progress=never");
    ROW("serving_disaggregated", "", "run", "scenarios/serving_disaggregated.yaml", "--progress=never");
    ROW("serving_disaggregated, serving.grid.tolerance 0.5 %",
        "steps of decoding that are reckoned from the closed form", "run", "scenarios/serving_disaggregated.yaml", "-s",
        "serving.grid.tolerance=0.5 %", "--progress=never");
    ROW("four points of serving_disaggregated", "rates that share their steps", "sweep",
        "scenarios/serving_disaggregated.yaml", "-a", "serving.requests.rate=40,60,80,100", "--progress=never");
    ROW("fig8_roce_routing", "", "run", "scenarios/fig8_roce_routing.yaml", "--progress=never");
    bench_resume();
    bench_training();
    bench_growth();
    ROW("all claims", "", "claims", "--progress=never");
    printf("\nwall time on one core and on two%26s %9s %9s %9s\n", "", "one, s", "two, s", "gain");
    bench_cores("decode_ep144, all layers in two runs", "decode_ep144",
                (const char *const[]){"-s", "inference.simulate_layers=0", "-s", "inference.layer_blocks=2", NULL});
    bench_cores("fig8_roce_routing", "fig8_roce_routing", (const char *const[]){NULL});
    return 0;
}
