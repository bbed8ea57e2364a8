// The barrier wave: latency, cost, and that a token never overtakes nor is overtaken by a flit.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

#include "hw_models/tests/noc_driver.hpp"

using namespace memprop;
using namespace memprop::hw::noc;

namespace {

std::uint32_t draw(std::uint64_t seed, std::uint32_t what, std::uint32_t index, std::uint32_t below) {
    const DrawKey key{.seed = seed, .stream = Stream::test, .array = 253, .event = what};
    return random_bits(key, index) % below;
}

Flit token(std::uint32_t from, std::uint64_t cycle) {
    Flit flit = Flit::barrier(node(from));
    flit.created_cycle = cycle;
    return flit;
}

std::uint32_t links_between_routers(const NocParams& params) {
    return 2 * ((params.width - 1) * params.height + params.width * (params.height - 1));
}

// Links on the way, first along the row, then along the column, from any of `members` to any other.
std::size_t links_between(const std::vector<std::uint32_t>& members, std::uint32_t width) {
    std::set<std::pair<std::uint32_t, std::uint32_t>> links;
    for (const std::uint32_t from : members) {
        for (const std::uint32_t to : members) {
            std::uint32_t at = from;
            const auto go_on = [&](bool forwards, std::uint32_t step) {
                const std::uint32_t next = forwards ? at + step : at - step;
                links.emplace(at, next);
                at = next;
            };
            while (at % width != to % width) {
                go_on(at % width < to % width, 1);
            }
            while (at != to) {
                go_on(at < to, width);
            }
        }
    }
    return links.size();
}

// Of all `entries` (terminal, cycle) the last whose token reaches `to`, on an idle mesh.
std::uint64_t token_arrival(const NocParams& params, const std::map<std::uint32_t, std::uint64_t>& entries,
                            std::uint32_t to) {
    std::uint64_t last = 0;
    for (const auto& [from, cycle] : entries) {
        last = std::max(last, cycle + cycles_between(node(from), node(to), params));
    }
    return last;
}

}  // namespace

TEST_CASE("noc barrier: everybody has the token when the last entry can have reached it") {
    struct Size {
        std::uint32_t width, height;
    };
    for (const Size size : {Size{1, 1}, Size{5, 1}, Size{1, 4}, Size{4, 4}, Size{7, 5}}) {
        for (std::uint64_t seed = 1; seed <= 12; ++seed) {
            CAPTURE(size.width);
            CAPTURE(size.height);
            CAPTURE(seed);
            NocParams params = mesh_params(size.width, size.height, 1 + seed % 3);
            params.router_cycles = 1 + draw(seed, 0, 0, 4);
            params.link_cycles = 1 + draw(seed, 0, 1, 3);
            params.credit_cycles = draw(seed, 0, 2, 3);
            params.chip_columns = draw(seed, 0, 3, 4);
            params.chip_rows = draw(seed, 0, 4, 4);
            params.boundary_cycles = 1 + draw(seed, 0, 5, 9);
            params.cost.boundary_pj = 7.0;
            params.cost.boundary_source = std::string("for the test");
            Driver driver(Fabric::mesh(params));
            std::uint64_t start = 0;
            for (std::uint32_t phase = 0; phase < 3; ++phase) {
                std::map<std::uint32_t, std::uint64_t> entries;
                std::uint64_t last = 0;
                for (std::uint32_t from = 0; from < params.nodes(); ++from) {
                    entries[from] = start + draw(seed, 1 + phase, from, seed % 2 == 0 ? 100 : 5);
                    last = std::max(last, entries[from]);
                    driver.queue(token(from, entries[from]));
                }
                driver.deliveries.clear();
                driver.run_until(start + 400);
                REQUIRE(driver.deliveries.size() == params.nodes());
                for (const Delivery& delivery : driver.deliveries) {
                    CHECK(delivery.cycle == token_arrival(params, entries, delivery.terminal));
                    CHECK(delivery.flit == token(delivery.terminal, last));
                }
                start = driver.now;
            }
            CHECK(driver.fabric.tokens_inside() == 0);
            const RouterStats stats = driver.fabric.total_router_stats(driver.now);
            CHECK(stats.barrier_tokens == 3 * (links_between_routers(params) + params.nodes()));
            CHECK(stats.forwarded_total() == stats.barrier_tokens);
            CHECK(stats.credit_stalls == 0);
            const TerminalStats ends = driver.fabric.total_terminal_stats();
            CHECK(ends.barriers_entered == 3 * params.nodes());
            CHECK(ends.barriers_passed == 3 * params.nodes());
            CHECK(ends.sent == 0);
            CHECK(ends.received == 0);
            CHECK(driver.fabric.latency().count() == 0);
        }
    }
}

TEST_CASE("noc barrier: 16 x 17 routers, a third takes part: one crossing of the mesh") {
    const NocParams params = mesh_params(17, 16, 1);
    Driver driver(Fabric::mesh(params));
    std::vector<std::uint32_t> users;
    std::vector<NodeId> members;
    for (std::uint32_t terminal = 0; terminal < params.nodes(); ++terminal) {
        if (terminal % 3 == 0 || terminal == params.nodes() - 1) {
            users.push_back(terminal);
            members.push_back(node(terminal));
        }
    }
    driver.fabric.set_barrier_members(members);
    for (int phase = 0; phase < 3; ++phase) {
        driver.fabric.start_measurement(driver.now);
        driver.deliveries.clear();
        std::map<std::uint32_t, std::uint64_t> entries;
        for (const std::uint32_t user : users) {
            entries[user] = driver.now;
            driver.queue(token(user, driver.now));
        }
        const std::uint64_t start = driver.now;
        driver.run_until(start + 200);
        REQUIRE(driver.deliveries.size() == users.size());
        std::uint64_t last = 0;
        for (const Delivery& delivery : driver.deliveries) {
            CHECK(delivery.cycle == token_arrival(params, entries, delivery.terminal));
            last = std::max(last, delivery.cycle);
        }
        CHECK(last - start == 32 * 2);  // corner to corner
        const TerminalStats ends = driver.fabric.total_terminal_stats();
        CHECK(ends.barriers_passed == users.size());
        CHECK(ends.barriers_entered == users.size());
        CHECK(driver.fabric.total_router_stats(driver.now).barrier_tokens ==
              links_between(users, params.width) + users.size());
        CHECK(driver.fabric.tokens_inside() == 0);
        CHECK(driver.fabric.next_cycle() == kNever);
        driver.now += 1000;
    }
}

namespace {

// Phases back to back: in each, every user sends some flits, a third of them along its tree, and a token.
// Nobody waits for the end of a phase. `expected[terminal][phase]`: the values to arrive before its token.
class Phases {
public:
    Phases(Driver& driver, std::uint64_t seed, bool some_only)
        : driver_(driver), nodes_(driver.fabric.params().nodes()), users_(nodes_), expected_(nodes_) {
        std::vector<NodeId> members;
        for (std::uint32_t terminal = 0; terminal < nodes_; ++terminal) {
            users_[terminal] = !some_only || terminal == 0 || draw(seed, 10, terminal, 2) == 0;
            if (users_[terminal] != 0) {
                members.push_back(node(terminal));
            }
        }
        driver.fabric.set_barrier_members(members);
        std::vector<std::vector<NodeId>> leaves(nodes_);
        for (std::uint32_t root = 0; root < nodes_; ++root) {
            for (std::uint32_t leaf = 0; leaf < nodes_; ++leaf) {
                if (leaf == root || draw(seed, 11, root * nodes_ + leaf, 3) == 0) {
                    leaves[root].push_back(node(leaf));
                }
            }
            driver.fabric.set_tree(TreeId{static_cast<std::uint16_t>(root)}, node(root), leaves[root]);
        }
        for (std::uint32_t phase = 0; phase < kPhases; ++phase) {
            for (std::uint32_t from = 0; from < nodes_; ++from) {
                if (users_[from] != 0) {
                    enter(seed, phase, from, leaves[from]);
                }
            }
        }
    }

    bool over() const {
        const auto users = std::count(users_.begin(), users_.end(), 1);
        const auto tokens =
            std::count_if(driver_.deliveries.begin(), driver_.deliveries.end(),
                          [](const Delivery& delivery) { return delivery.flit.kind == FlitKind::barrier; });
        return driver_.drained() && tokens >= users * kPhases;
    }

    /// Terminals that take no part in barriers get flits too, of any phase.
    void check_deliveries() const {
        std::vector<std::vector<std::vector<std::uint32_t>>> received(nodes_, {{}});
        for (const Delivery& delivery : driver_.deliveries) {
            auto& here = received[delivery.terminal];
            if (delivery.flit.kind == FlitKind::barrier) {
                here.emplace_back();
            } else {
                here.back().push_back(delivery.flit.value);
            }
        }
        for (std::uint32_t terminal = 0; terminal < nodes_; ++terminal) {
            CAPTURE(terminal);
            auto& here = received[terminal];
            auto wanted = expected_[terminal];
            wanted.resize(kPhases + 1);  // nothing after the last token
            if (users_[terminal] == 0) {
                CHECK(here.size() == 1);
                for (std::uint32_t phase = 1; phase <= kPhases; ++phase) {
                    wanted[0].insert(wanted[0].end(), wanted[phase].begin(), wanted[phase].end());
                }
                wanted.resize(1);
            }
            REQUIRE(here.size() == wanted.size());
            for (std::size_t phase = 0; phase < wanted.size(); ++phase) {
                std::sort(here[phase].begin(), here[phase].end());
                std::sort(wanted[phase].begin(), wanted[phase].end());
                CHECK(here[phase] == wanted[phase]);
            }
        }
    }

    static constexpr std::uint32_t kPhases = 12;

private:
    void enter(std::uint64_t seed, std::uint32_t phase, std::uint32_t from,
               const std::vector<NodeId>& leaves) {
        const std::uint32_t index = phase * nodes_ + from;
        const std::uint32_t flits = draw(seed, 12, index, 3) == 0 ? 0 : draw(seed, 13, index, 12);
        for (std::uint32_t i = 0; i < flits; ++i) {
            const bool multicast = draw(seed, 14, next_value_, 3) == 0;
            const std::uint32_t to = draw(seed, 15, next_value_, nodes_);
            Flit flit = multicast ? Flit::along(node(from), TreeId{static_cast<std::uint16_t>(from)})
                                  : Flit::to(node(from), node(to));
            flit.value = next_value_++;
            driver_.queue(flit);
            const auto expect = [&](std::uint32_t terminal) {
                expected_[terminal].resize(kPhases);
                expected_[terminal][phase].push_back(flit.value);
            };
            if (multicast) {
                for (const NodeId leaf : leaves) {
                    expect(index_of(leaf));
                }
            } else {
                expect(to);
            }
        }
        driver_.queue(Flit::barrier(node(from)));
    }

    Driver& driver_;
    std::uint32_t nodes_;
    std::vector<std::uint8_t> users_;
    std::vector<std::vector<std::vector<std::uint32_t>>> expected_;
    std::uint32_t next_value_ = 0;
};

}  // namespace

TEST_CASE("noc barrier: no flit is on the wrong side of a token, whatever stalls") {
    for (std::uint64_t seed = 1; seed <= 24; ++seed) {
        CAPTURE(seed);
        NocParams params =
            mesh_params(1 + draw(seed, 0, 0, 6), 1 + draw(seed, 0, 1, 5), 1 + draw(seed, 0, 2, 4));
        params.router_cycles = 1 + draw(seed, 0, 3, 3);
        params.link_cycles = 1 + draw(seed, 0, 4, 3);
        params.credit_cycles = draw(seed, 0, 5, 3);
        Driver driver(Fabric::mesh(params));
        if (seed % 3 != 0) {
            driver.fabric.inject_stalls({.seed = seed, .probability = 0.1 * static_cast<double>(seed % 7)});
        }
        driver.receive_probability = seed % 2 == 0 ? 0.4F : 1.0F;
        driver.receive_seed = seed;
        const bool some_only = seed % 4 < 2;
        const Phases phases(driver, seed, some_only);
        for (int round = 0; round < 200 && !phases.over(); ++round) {
            driver.run_until(driver.now + 500);
        }
        driver.run_until(driver.now + 500);
        REQUIRE(phases.over());
        phases.check_deliveries();
        const std::uint64_t tokens = driver.fabric.total_router_stats(driver.now).barrier_tokens;
        const std::uint64_t by_all = Phases::kPhases * (links_between_routers(params) + params.nodes());
        CHECK(tokens <= by_all);
        CHECK((some_only || tokens == by_all));
        CHECK(driver.fabric.tokens_inside() == 0);
    }
}

TEST_CASE("noc barrier: a node may be one barrier ahead and waits there") {
    Driver driver(Fabric::mesh(mesh_params(3, 1)));
    const auto tokens_at = [&](std::uint32_t terminal) {
        return std::count_if(driver.deliveries.begin(), driver.deliveries.end(),
                             [&](const Delivery& delivery) { return delivery.terminal == terminal; });
    };
    driver.queue(token(0, 0));
    driver.queue(token(0, 0));
    driver.queue(token(0, 0));
    driver.queue(token(1, 0));
    driver.queue(token(1, 0));
    driver.run_until(50);
    CHECK(driver.deliveries.empty());  // terminal 2 has not entered the first one
    CHECK(driver.fabric.next_cycle() == kNever);
    for (std::uint32_t barrier = 1; barrier <= 2; ++barrier) {
        driver.queue(token(2, driver.now));
        driver.run_until(driver.now + 50);
        for (std::uint32_t terminal = 0; terminal < 3; ++terminal) {
            CHECK(tokens_at(terminal) == barrier);
        }
    }
    driver.queue(token(2, driver.now));
    driver.run_until(driver.now + 50);
    CHECK(tokens_at(0) == 2);  // now terminal 1 is late
}

TEST_CASE("noc barrier: only the links between members carry tokens") {
    // 5 x 4 routers; members in two corners of a rectangle: its two ways from one to the other and back.
    Driver driver(Fabric::mesh(mesh_params(5, 4)));
    Fabric& fabric = driver.fabric;
    const std::vector<NodeId> members{node(6), node(13)};  // (1, 1) and (3, 2)
    fabric.set_barrier_members(members);
    const Flit passing = Flit::to(node(0), node(19));  // the others send as ever, through the same routers
    driver.queue(passing);
    driver.queue(token(6, 0));
    driver.queue(token(13, 5));
    driver.run_until(60);
    CHECK(fabric.total_router_stats(driver.now).barrier_tokens == 3 + 3 + 2);  // links; into the members
    REQUIRE(driver.deliveries.size() == 3);
    for (const Delivery& delivery : driver.deliveries) {
        const std::uint64_t one_way = cycles_between(node(6), node(13), fabric.params());
        const std::uint64_t at = delivery.terminal == 6 ? 5 + one_way
                                 : delivery.terminal == 13
                                     ? std::max<std::uint64_t>(one_way, 5 + 2)
                                     : cycles_between(node(0), node(19), fabric.params());
        CHECK(delivery.cycle == at);
    }
    CHECK_THROWS_WITH_AS(fabric.send(0, token(0, driver.now), driver.now),
                         "noc::Fabric::send: this terminal is no member of the barriers", std::logic_error);

    // One alone has its token back at once; other members later.
    const std::vector<NodeId> one{node(0)};
    fabric.set_barrier_members(one);
    driver.deliveries.clear();
    driver.queue(token(0, driver.now));
    const std::uint64_t start = driver.now;
    driver.run_until(start + 20);
    REQUIRE(driver.deliveries.size() == 1);
    CHECK(driver.deliveries[0].cycle == start + cycles_between(node(0), node(0), fabric.params()));
    driver.queue(token(0, driver.now));
    driver.run_until(driver.now + 1);
    CHECK_THROWS_WITH_AS(fabric.set_barrier_members(members),
                         "noc::Fabric::set_barrier_members: not while tokens are inside a mesh",
                         std::logic_error);
}

TEST_CASE("noc barrier: through a single router") {
    const NocParams params = mesh_params(3, 3);
    Driver driver(Fabric::single_router(params, node(4)));
    const auto enter = [&](Port port, std::uint64_t cycle) {
        Flit flit = Flit::barrier(node(static_cast<std::uint32_t>(port)));  // the driver's queue
        flit.created_cycle = cycle;
        driver.queue(flit);
    };
    enter(Port::south, 0);
    enter(Port::local, 0);
    enter(Port::east, 10);
    enter(Port::west, 20);
    enter(Port::north, 30);
    driver.run_until(60);
    // Each port waits for those that may turn to it: west for east and local, east for west and local.
    std::vector<std::pair<std::uint64_t, std::uint32_t>> got;
    for (const Delivery& delivery : driver.deliveries) {
        got.emplace_back(delivery.cycle, delivery.terminal);
    }
    const auto port = [](Port p) { return static_cast<std::uint32_t>(p); };
    CHECK(got == decltype(got){{12, port(Port::west)},
                               {22, port(Port::north)},
                               {22, port(Port::east)},
                               {32, port(Port::south)},
                               {32, port(Port::local)}});
    CHECK(driver.fabric.terminal_stats(port(Port::south)).barriers_passed == 1);
}

TEST_CASE("noc barrier: a token carries nothing, and no other flit goes everywhere") {
    Fabric fabric = Fabric::mesh(mesh_params(2, 2));
    const auto refused = [&](auto change) {
        Flit flit = Flit::barrier(node(0));
        change(flit);
        CHECK_THROWS_AS(fabric.send(0, flit, 0), std::logic_error);
    };
    refused([](Flit& flit) { flit.value = 1; });
    refused([](Flit& flit) { flit.address = 1; });
    refused([](Flit& flit) { flit.target = 1; });
    refused([](Flit& flit) { flit.cast = Cast::unicast; });
    refused([](Flit& flit) { flit.cast = Cast::multicast; });
    refused([](Flit& flit) { flit.kind = FlitKind::spike; });
    CHECK(fabric.send(0, Flit::barrier(node(0)), 0) == SendResult::accepted);
    CHECK(fabric.send(0, Flit::barrier(node(0)), 0) == SendResult::full);  // one flit a cycle
    CHECK(fabric.terminal_stats(0).refused_full == 1);
    CHECK(fabric.terminal_stats(0).barriers_entered == 1);
}
