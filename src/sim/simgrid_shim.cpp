/* The only file that sees SimGrid. Our network is a SimGrid model of its own (a subclass of
 * kernel::resource::Model, added with Engine::add_model): SimGrid asks it for its next event together
 * with its own models and timers, and tells it when the clock has moved. */
#include "sim/engine.h"

#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <simgrid/kernel/Timer.hpp>
#include <simgrid/kernel/resource/Model.hpp>
#include <simgrid/s4u.hpp>

namespace sg4 = simgrid::s4u;

namespace
{

const double UNLIMITED_BPS = 1e15;
/* SimGrid counts whole units of payload; messages may have fractions of bytes */
const double UNITS_PER_B = 4096;

class PluggedModel : public simgrid::kernel::resource::Model
{
  public:
    explicit PluggedModel(const engine_model &m) : Model("moesim-flow"), m_(m)
    {
    }

    double next_occurring_event(double now) override
    {
        double at = m_.next(m_.ctx, now);
        return std::isinf(at) ? -1.0 : std::fmax(0.0, at - now);
    }

    void update_actions_state(double now, double) override
    {
        m_.advance(m_.ctx, now);
    }

  private:
    engine_model m_;
};

struct Pair {
    sg4::Host *from, *to;
};

struct Engine {
    std::unique_ptr<sg4::Engine> simgrid;
    sg4::NetZone *zone = nullptr;
    sg4::ActorPtr driver;
    bool stopped = false;
    std::vector<sg4::Link *> links;
    std::vector<Pair> pairs;
    std::map<std::pair<uint32_t, uint32_t>, sg4::Host *> hosts;  /* (endpoint, alias) */
    std::map<std::pair<uint32_t, uint32_t>, uint32_t> n_aliases; /* (src, dst) */
    std::vector<sg4::CommPtr> comms;                             /* by cookie, until it ends */
    engine_comm_fn *on_end = nullptr;
    void *ctx = nullptr;
};

Engine *engine = nullptr;

void set_options()
{
    /* plain max-min: no cross-traffic on the reverse path, no TCP window, no weight by bandwidth;
     * sizes to a finer precision than the default, which is meant for slow wide-area links; no lazy updates, under
     * which flows whose latency ends at once, and whose routes begin alike, forget the rest of their routes (3.32) */
    sg4::Engine::set_config("network/model:CM02");
    sg4::Engine::set_config("network/crosstraffic:0");
    sg4::Engine::set_config("network/TCP-gamma:0");
    sg4::Engine::set_config("network/weight-S:0");
    sg4::Engine::set_config("network/optim:Full");
    sg4::Engine::set_config("surf/precision:1e-12");
}

void comm_ended(sg4::Activity const &activity)
{
    const auto *comm = dynamic_cast<const sg4::Comm *>(&activity);
    if (comm == nullptr)
        return;
    auto cookie = static_cast<uint32_t>(std::stoul(comm->get_name()));
    sg4::CommPtr keep = std::move(engine->comms[cookie]);
    engine->on_end(engine->ctx, cookie, sg4::Engine::get_clock());
}

} // namespace

void engine_init(const engine_model *model)
{
    static char name[] = "moesim", log[] = "--log=root.thres:critical", quiet[] = "--log=root.app:file:/dev/null";
    static char *argv[] = {name, log, quiet, nullptr};
    int argc = 3;
    engine = new Engine;
    engine->simgrid = std::make_unique<sg4::Engine>(&argc, argv);
    set_options();
    engine->zone = sg4::create_full_zone("cluster");
    engine->zone->create_host("driver", 1e9);
    if (model != nullptr)
        engine->simgrid->add_model(std::make_shared<PluggedModel>(*model));
}

double engine_now(void)
{
    return sg4::Engine::get_clock();
}

void engine_timer(double at_s, engine_timer_fn *fn, void *ctx, uint32_t a, uint32_t b)
{
    double at = std::fmax(at_s, sg4::Engine::get_clock());
    simgrid::kernel::timer::Timer::set(at, [fn, ctx, a, b] { fn(ctx, a, b); });
}

double engine_horizon(void)
{
    double at = simgrid::kernel::timer::Timer::next();
    return at < 0 ? INFINITY : at;
}

bool engine_run(void)
{
    if (engine->stopped)
        return true;
    engine->zone->seal();
    /* SimGrid runs while an actor lives: this one sleeps until engine_stop wakes it. */
    engine->driver = sg4::Actor::create("driver", engine->simgrid->host_by_name("driver"), [] {
        if (!engine->stopped)
            sg4::this_actor::suspend();
    });
    engine->simgrid->run();
    return engine->stopped;
}

void engine_stop(void)
{
    engine->stopped = true;
    if (engine->driver)
        engine->driver->resume();
}

void engine_cm02_links(uint32_t n, const double *capacity_Bps)
{
    for (uint32_t i = 0; i < n; i++)
        engine->links.push_back(engine->zone->create_link("link" + std::to_string(i), UNITS_PER_B * capacity_Bps[i]));
}

/* SimGrid knows one route per pair of hosts: endpoints with several routes get alias hosts. */
static sg4::Host *host_of(uint32_t endpoint, uint32_t alias)
{
    sg4::Host *&host = engine->hosts[{endpoint, alias}];
    if (host == nullptr)
        host = engine->zone->create_host("e" + std::to_string(endpoint) + "." + std::to_string(alias), 1e9);
    return host;
}

uint32_t engine_cm02_pair(uint32_t src, uint32_t dst, const uint32_t *links, uint32_t n, double cap_Bps)
{
    auto id = static_cast<uint32_t>(engine->pairs.size());
    uint32_t alias = 2 * engine->n_aliases[{src, dst}]++;
    auto *from = host_of(src, alias);
    auto *to = host_of(dst, src == dst ? alias + 1 : alias);
    std::vector<sg4::LinkInRoute> route;
    for (uint32_t i = 0; i < n; i++)
        route.emplace_back(engine->links[links[i]]);
    /* a link of its own carries the rate cap (it ignores set_rate for host-to-host communications) */
    if (cap_Bps > 0 || n == 0)
        route.emplace_back(engine->zone->create_link("own" + std::to_string(id),
                                                     UNITS_PER_B * (cap_Bps > 0 ? cap_Bps : UNLIMITED_BPS)));
    engine->zone->add_route(from->get_netpoint(), to->get_netpoint(), nullptr, nullptr, route, false);
    engine->pairs.push_back({from, to});
    return id;
}

void engine_cm02_ready(engine_comm_fn *on_end, void *ctx)
{
    engine->on_end = on_end;
    engine->ctx = ctx;
    sg4::Activity::on_completion_cb(comm_ended);
}

/* What has started last, of what the network model carries. */
static simgrid::kernel::resource::Action *newest_action()
{
    for (auto *model : engine->simgrid->get_all_models())
        if (model->get_name().rfind("Network", 0) == 0 && !model->get_started_action_set()->empty())
            return &model->get_started_action_set()->back();
    return nullptr;
}

void engine_cm02_start(uint32_t pair, double bytes_B, double weight, uint32_t cookie)
{
    if (engine->comms.size() <= cookie)
        engine->comms.resize(cookie + 1);
    auto comm = sg4::Comm::sendto_init();
    comm->set_payload_size(static_cast<uint64_t>(std::llround(UNITS_PER_B * bytes_B)));
    comm->set_name(std::to_string(cookie));
    engine->comms[cookie] = comm;
    /* starts once both ends are known: everything else has to be set before */
    comm->set_source(engine->pairs[pair].from)->set_destination(engine->pairs[pair].to);
    if (weight != 1)
        newest_action()->set_sharing_penalty(1 / weight);
}

void engine_cm02_capacity(uint32_t link, double capacity_Bps)
{
    engine->links[link]->set_bandwidth(UNITS_PER_B * capacity_Bps);
}
