/* The platforms that `moesim topo --format simgrid-xml` writes load in SimGrid, and its routes are ours:
 * as many links, the same latency, and a message takes latency + bytes / bandwidth. TAP. */
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

/* Constants of configs/h800: Table 5's latencies; 400 Gb/s less headers is about 48.5 GB/s. */
static const std::vector<Platform> platforms = {
    {"32 GPUs, every route",
     "mpft --nodes 4",
     32,
     {{"gpu0", "gpu8", 2, 2.8e-6, 48.5e9}, {"gpu0", "gpu1", 2, 3.33e-6, 160e9}, {"gpu0", "gpu9", 4, 6.13e-6, 48.5e9}}},
    {"1,024 GPUs, the graph",
     "mpft --nodes 128",
     1024,
     {{"gpu0", "gpu8", 4, 2.8e-6, 48.5e9},
      {"gpu0", "gpu1016", 6, 3.7e-6, 48.5e9},
      {"gpu0", "gpu1", 2, 3.33e-6, 160e9}}},
    {"a Slim Fly", "slim_fly --nodes 100", 800, {{"gpu0", "gpu700", 6, 3.7e-6, 48.5e9}}},
    {"four ports per NIC",
     "mpft_multiport --nodes 64 -s cluster.network.nic_ports=4",
     512,
     {{"gpu0", "gpu8", 4, 2.8e-6, 12.125e9}}},
    {"a rail-optimised tree", "mrft --nodes 64", 512, {{"gpu0", "gpu504", 6, 3.7e-6, 48.5e9}}},
};

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
    rmdir(folder);
    std::printf("1..%d\n", number);
    return failed ? 1 : 0;
}
