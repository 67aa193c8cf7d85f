/* The platforms that `moesim topo --format simgrid-xml` writes load in SimGrid, and its routes are ours: as many links (and
 * one for the latency), and a message takes latency + bytes / bandwidth. Exchanges of 128 GPUs take plain SimGrid as long as
 * they take us. TAP. */
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include <simgrid/s4u.hpp>

namespace sg4 = simgrid::s4u;

static int number = 0;
static bool failed = false;

static void report(bool ok, const std::string &title)
{
    std::printf("%sok %d - %s\n", ok ? "" : "not ", ++number, title.c_str());
    failed = failed || !ok;
}

struct Route {
    std::string src, dst;
    size_t links;
    double latency_s, least_Bps;
};

struct Platform {
    std::string title, arguments;
    size_t hosts;
    std::vector<Route> routes;
};

/* Constants of configs/h800: 400 Gb/s less headers is about 48.5 GB/s. All routes of a platform have the latency of its
 * longest: NVLink, two NICs, the switches. */
static const std::vector<Platform> platforms = {
    {"32 GPUs, planes",
     "mpft --nodes 4",
     32,
     {{"gpu0", "gpu8", 3, 6.13e-6, 48.5e9}, {"gpu0", "gpu1", 3, 6.13e-6, 160e9}, {"gpu0", "gpu9", 5, 6.13e-6, 48.5e9}}},
    {"four ports per NIC",
     "mpft_multiport --nodes 8 -s cluster.network.nic_ports=4",
     64,
     {{"gpu0", "gpu8", 3, 3.33e-6, 12.125e9}}},
};

/* Everyone sends 4 MiB to the 15 GPUs that have its place on the other nodes. */
static const double pair_B = 4194304;
static const unsigned gpus = 128, per_node = 8;
static const std::vector<std::string> exchanges = {
    "mpft", "mrft -s cluster.network.switch_ports=16", "ft2 -s cluster.network.switch_ports=16",
    "ft3 -s cluster.network.switch_ports=8", "dragonfly -s cluster.network.switch_ports=12"};

static bool is_near(double a, double b, double ratio)
{
    return std::fabs(a - b) <= ratio * std::fabs(b);
}

static void check_route(const Route &want)
{
    std::vector<sg4::Link *> links;
    double latency_s = 0, least_Bps = INFINITY;
    sg4::Host::by_name(want.src)->route_to(sg4::Host::by_name(want.dst), links, &latency_s);
    for (const auto *link : links)
        least_Bps = std::fmin(least_Bps, link->get_bandwidth());
    std::string title = want.src + " to " + want.dst;
    report(links.size() == want.links, title + ": links");
    report(is_near(latency_s, want.latency_s, 1e-6), title + ": latency");
    report(is_near(least_Bps, want.least_Bps, 2e-3), title + ": bandwidth");
}

static void check_message(const Route &route)
{
    static const double bytes = 1e9;
    static double took_s = 0;
    auto *src = sg4::Host::by_name(route.src), *dst = sg4::Host::by_name(route.dst);
    sg4::Actor::create("sender", src, [src, dst] {
        sg4::Comm::sendto(src, dst, static_cast<uint64_t>(bytes));
        took_s = sg4::Engine::get_clock();
    });
    sg4::Engine::get_instance()->run();
    report(is_near(took_s, route.latency_s + bytes / route.least_Bps, 2e-3),
           route.src + " to " + route.dst + ": 1 GB takes latency + bytes / bandwidth");
}

/* In a child: SimGrid has one platform per process, and ends the process when it dislikes one. */
static int check_platform(const Platform &p, const std::string &file)
{
    static char name[] = "test", log[] = "--log=root.thres:critical";
    static char *argv[] = {name, log, nullptr};
    int argc = 2;
    sg4::Engine engine(&argc, argv);
    engine.load_platform(file);
    engine.seal_platform(); /* Dijkstra zones answer only then */
    report(engine.get_host_count() == p.hosts, p.title + ": loads with all its GPUs");
    for (const auto &route : p.routes)
        check_route(route);
    check_message(p.routes.front());
    std::fflush(stdout);
    return failed ? 1 : 0;
}

/* --- an exchange in plain SimGrid, beside our own ------------------------------------------------------------------ */

static double simgrid_exchange(const std::string &file)
{
    static char name[] = "test", log[] = "--log=root.thres:critical";
    static char *argv[] = {name, log, nullptr};
    int argc = 2;
    sg4::Engine engine(&argc, argv);
    engine.load_platform(file);
    engine.seal_platform();
    for (unsigned src = 0; src < gpus; src++) {
        auto *from = sg4::Host::by_name("gpu" + std::to_string(src));
        sg4::Actor::create("sender", from, [from, src] {
            std::vector<sg4::CommPtr> all;
            for (unsigned turn = per_node; turn < gpus; turn += per_node)
                all.push_back(sg4::Comm::sendto_async(from,
                                                      sg4::Host::by_name("gpu" + std::to_string((src + turn) % gpus)),
                                                      static_cast<uint64_t>(pair_B)));
            sg4::Comm::wait_all(all);
        });
    }
    engine.run();
    return sg4::Engine::get_clock();
}

/* In a child, which answers through a pipe. */
static double in_child(const std::string &file)
{
    int ends[2];
    double took_s = NAN;
    if (pipe(ends) != 0)
        return NAN;
    pid_t child = fork();
    if (child == 0) {
        took_s = simgrid_exchange(file);
        _exit(write(ends[1], &took_s, sizeof took_s) == sizeof took_s ? 0 : 1);
    }
    close(ends[1]);
    if (read(ends[0], &took_s, sizeof took_s) != sizeof took_s)
        took_s = NAN;
    close(ends[0]);
    waitpid(child, nullptr, 0);
    return took_s;
}

/* The same by kind collective, without the time of its software. */
static double own_exchange(const std::string &moesim, const std::string &folder, const std::string &arguments)
{
    std::string file = folder + "/exchange.yaml", topology = arguments.substr(0, arguments.find(' '));
    std::string rest = topology.size() < arguments.size() ? arguments.substr(topology.size()) : "";
    FILE *f = std::fopen(file.c_str(), "w");
    if (f == nullptr)
        return NAN;
    std::fprintf(
        f,
        "kind: collective\nname: exchange\nhardware: h800\n"
        "cluster: {nodes: 16, topology: %s, software: {launch: 0 s, network_step: 0 s, message: 0 s}}\n"
        "collective: {operation: all_to_all, pxn: false, group: 16, group_stride: 8, from: 64 MiB, to: 64 MiB}\n",
        topology.c_str());
    std::fclose(f);
    FILE *run = popen((moesim + " run " + file + rest + " --json").c_str(), "r");
    std::string text;
    char part[4096];
    for (size_t n; run != nullptr && (n = std::fread(part, 1, sizeof part, run)) > 0;)
        text.append(part, n);
    int code = run != nullptr ? pclose(run) : -1;
    std::remove(file.c_str());
    size_t at = text.find("\"smallest_time\"");
    at = at == std::string::npos ? at : text.find("\"value\":", at);
    return code != 0 || at == std::string::npos ? NAN : std::atof(text.c_str() + at + 8);
}

static void check_exchange(const std::string &moesim, const std::string &folder, const std::string &arguments)
{
    std::string file = folder + "/platform.xml";
    std::string command = moesim + " topo " + arguments + " --nodes 16 --format simgrid-xml -o " + file;
    double own_s = own_exchange(moesim, folder, arguments);
    bool written = std::system(command.c_str()) == 0;
    std::fflush(stdout);
    double simgrid_s = written ? in_child(file) : NAN;
    char title[256];
    std::snprintf(title, sizeof title, "%s: 128 GPUs in plain SimGrid %.4g ms, ours %.4g ms", arguments.c_str(),
                  simgrid_s * 1e3, own_s * 1e3);
    report(is_near(simgrid_s, own_s, 0.01), title);
    std::remove(file.c_str());
}

int main()
{
    const char *moesim = std::getenv("MOESIM");
    char folder[] = "/tmp/moesim-simgrid-XXXXXX";
    if (moesim == nullptr || mkdtemp(folder) == nullptr) {
        std::printf("Bail out! $MOESIM is not set\n");
        return 1;
    }
    for (const auto &p : platforms) {
        std::string file = std::string(folder) + "/platform.xml";
        std::string command = std::string(moesim) + " topo " + p.arguments + " -o " + file;
        report(std::system(command.c_str()) == 0, p.title + ": is written");
        std::fflush(stdout);
        pid_t child = fork();
        if (child == 0)
            _exit(check_platform(p, file));
        int status = 0;
        waitpid(child, &status, 0);
        std::remove(file.c_str());
        failed = failed || status != 0;
        if (!WIFEXITED(status) || WEXITSTATUS(status) > 1) {
            std::printf("Bail out! SimGrid died on it: %s\n", p.title.c_str());
            break;
        }
        number += 2 + 3 * static_cast<int>(p.routes.size());
    }
    for (const auto &arguments : exchanges)
        check_exchange(moesim, folder, arguments);
    rmdir(folder);
    std::printf("1..%d\n", number);
    return failed ? 1 : 0;
}
