#include "hw_models/tests/noc_campaign.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <utility>
#include <vector>

#include "crossbar/base/random.hpp"
#include "hw_models/tests/noc_driver.hpp"
#include "hw_models/tests/noc_reference.hpp"

namespace memprop::hw::noc {
namespace {

// What is drawn, so that no draw depends on another one.
enum class Draw : std::uint16_t {
    mesh,
    root,
    leaf_count,
    leaf,
    is_member,
    rate,
    kind,
    destination,
    tree,
    entry,
    take
};

std::uint32_t draw(std::uint64_t seed, Draw what, std::uint32_t index, std::uint32_t below,
                   std::uint32_t step = 0) {
    const DrawKey key{.seed = seed,
                      .stream = Stream::test,
                      .array = 252,
                      .block = static_cast<std::uint16_t>(what),
                      .event = index,
                      .step = step};
    return static_cast<std::uint32_t>((std::uint64_t{random_bits(key, 0)} * below) >> 32);
}

struct Tree {
    std::uint32_t root = 0;
    std::vector<NodeId> leaves;
};

struct Setting {
    NocParams params;
    std::optional<RandomStalls> stalls;
    std::uint32_t rate_percent = 0, multicast_percent = 0, take_percent = 100;
    std::uint32_t phase_cycles = 0;  // mean time between the barriers of a terminal; 0 = none
    std::vector<Tree> trees;
    std::vector<bool> is_member;
};

Setting make_setting(std::uint64_t seed) {
    const auto pick = [&](std::uint32_t index, std::uint32_t low, std::uint32_t high) {
        return low + draw(seed, Draw::mesh, index, high - low + 1);
    };
    Setting setting;
    setting.params = mesh_params(pick(0, 1, 7), pick(1, 1, 6), pick(2, 1, 6));
    NocParams& params = setting.params;
    params.width += params.nodes() == 1 ? 1 : 0;
    params.router_cycles = pick(3, 1, 4);
    params.link_cycles = pick(4, 1, 3);
    params.credit_cycles = pick(5, 0, 1) * pick(6, 1, 3);
    if (pick(13, 0, 1) == 1) {  // several chips
        params.chip_columns = pick(14, 0, 3);
        params.chip_rows = pick(15, 0, 3);
        params.columns_before = pick(16, 0, 1) % params.width;
        params.boundary_cycles = pick(17, 1, 6);
        params.cost.boundary_pj = 7.0;
        params.cost.boundary_source = std::string("for the test");
    }
    params.multicast_trees = 64;
    constexpr std::array<std::uint32_t, 4> kTake{100, 100, 70, 30};
    setting.take_percent = kTake.at(pick(8, 0, 3));
    setting.rate_percent = 10 * pick(9, 1, 9);
    setting.multicast_percent = 17 * pick(10, 0, 3);
    constexpr std::array<std::uint32_t, 4> kPhases{0, 5, 40, 150};
    setting.phase_cycles = kPhases.at(pick(11, 0, 3));
    // A token leaves when none of up to five heads is held back, so at 0.8 hardly ever.
    constexpr std::array<double, 5> kStalls{0.0, 0.0, 0.1, 0.4, 0.8};
    double probability = kStalls.at(pick(7, 0, 4));
    if (probability > 0.4 && setting.phase_cycles != 0) {
        probability = 0.3;
    }
    if (probability > 0.0) {
        setting.stalls = RandomStalls{.seed = seed, .probability = probability};
    }
    const bool some_only = pick(12, 0, 1) == 1;
    for (std::uint32_t terminal = 0; terminal < params.nodes(); ++terminal) {
        setting.is_member.push_back(!some_only || terminal == 0 ||
                                    draw(seed, Draw::is_member, terminal, 2) == 0);
    }
    for (std::uint32_t tree = 0; tree < 32; ++tree) {
        Tree made{.root = draw(seed, Draw::root, tree, params.nodes()), .leaves = {}};
        const std::uint32_t leaves = 1 + draw(seed, Draw::leaf_count, tree, params.nodes());
        for (std::uint32_t leaf = 0; leaf < leaves; ++leaf) {
            made.leaves.push_back(node(draw(seed, Draw::leaf, tree, params.nodes(), leaf)));
        }
        std::sort(made.leaves.begin(), made.leaves.end());
        made.leaves.erase(std::unique(made.leaves.begin(), made.leaves.end()), made.leaves.end());
        setting.trees.push_back(std::move(made));
    }
    return setting;
}

std::string describe(std::uint64_t seed, const Setting& setting) {
    const NocParams& p = setting.params;
    return fmt::format(
        "seed {}: {} x {} routers, chips of {} + {} x {} with links of {}, FIFOs of {}, R {}, L {}, credits "
        "{}, stalls {}, receivers take in {} %, "
        "load "
        "{} %, multicast {} %, a barrier every {} cycles, {} terminals take part",
        seed, p.width, p.height, p.columns_before, p.chip_columns, p.chip_rows, p.boundary_cycles,
        p.fifo_depth, p.router_cycles, p.link_cycles, p.credit_cycles,
        setting.stalls ? setting.stalls->probability : 0.0, setting.take_percent, setting.rate_percent,
        setting.multicast_percent, setting.phase_cycles,
        std::count(setting.is_member.begin(), setting.is_member.end(), true));
}

// The flits and tokens of all terminals, in the order in which they are to be sent; `address` counts the
// flits and `value` is the phase.
struct Traffic {
    std::vector<std::deque<Flit>> queues;
    std::uint32_t phases = 0;
    // Addresses by (source, terminal), in order.
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::vector<std::uint32_t>> expected;
};

Flit make_flit(std::uint64_t seed, const Setting& setting, std::uint32_t from, std::uint32_t id) {
    std::vector<std::uint32_t> own;
    for (std::uint32_t tree = 0; tree < setting.trees.size(); ++tree) {
        if (setting.trees[tree].root == from) {
            own.push_back(tree);
        }
    }
    if (!own.empty() && draw(seed, Draw::kind, id, 100) < setting.multicast_percent) {
        const auto tree = static_cast<std::uint16_t>(
            own[draw(seed, Draw::tree, id, static_cast<std::uint32_t>(own.size()))]);
        return Flit::along(node(from), TreeId{tree});
    }
    return Flit::to(node(from), node(draw(seed, Draw::destination, id, setting.params.nodes())));
}

Traffic make_traffic(std::uint64_t seed, const Setting& setting, std::uint32_t cycles) {
    const std::uint32_t nodes = setting.params.nodes(), window = setting.phase_cycles;
    Traffic traffic{.queues = std::vector<std::deque<Flit>>(nodes),
                    .phases = window == 0 ? 0 : cycles / window,
                    .expected = {}};
    std::uint32_t id = 0;
    for (std::uint32_t from = 0; from < nodes; ++from) {
        if (window != 0 && !setting.is_member[from]) {
            continue;
        }
        std::uint32_t phase = 0;
        for (std::uint32_t cycle = 0; cycle < cycles; ++cycle) {
            if (draw(seed, Draw::rate, from, 100, cycle) < setting.rate_percent) {
                Flit flit = make_flit(seed, setting, from, id);
                flit.address = id++;
                flit.value = phase;
                flit.created_cycle = cycle;
                const std::vector<NodeId> targets = flit.cast == Cast::multicast
                                                        ? setting.trees[flit.target].leaves
                                                        : std::vector{node(flit.target)};
                for (const NodeId target : targets) {
                    traffic.expected[{from, index_of(target)}].push_back(flit.address);
                }
                traffic.queues[from].push_back(flit);
            }
            const bool enters = window != 0 && phase < traffic.phases &&
                                cycle == phase * window + draw(seed, Draw::entry, from, window, phase);
            if (enters) {
                Flit token = Flit::barrier(node(from));
                token.created_cycle = cycle;
                traffic.queues[from].push_back(token);
                ++phase;
            }
        }
    }
    return traffic;
}

class Comparison {
public:
    Comparison(std::uint64_t seed, std::uint32_t cycles)
        : seed_(seed),
          cycles_(cycles),
          setting_(make_setting(seed)),
          traffic_(make_traffic(seed, setting_, cycles)),
          fabric_(Fabric::mesh(setting_.params)),
          reference_(setting_.params, setting_.stalls) {
        if (setting_.stalls) {
            fabric_.inject_stalls(*setting_.stalls);
        }
        for (std::size_t index = 0; index < setting_.trees.size(); ++index) {
            const Tree& made = setting_.trees[index];
            const TreeId tree{static_cast<std::uint16_t>(index)};
            fabric_.set_tree(tree, node(made.root), made.leaves);
            for (const TreeNode& entry : xy_tree(setting_.params, node(made.root), made.leaves)) {
                reference_.set_row(entry.node, tree, entry.row);
            }
        }
        if (setting_.phase_cycles != 0) {
            std::vector<NodeId> members;
            for (std::uint32_t terminal = 0; terminal < setting_.params.nodes(); ++terminal) {
                if (setting_.is_member[terminal]) {
                    members.push_back(node(terminal));
                }
            }
            fabric_.set_barrier_members(members);
            reference_.set_barrier_members(members);
        }
    }

    CampaignResult run() {
        CampaignResult result;
        result.description = describe(seed_, setting_);
        auto to_fabric = traffic_.queues, to_reference = traffic_.queues;
        const std::uint64_t limit = 100'000 + 200ULL * cycles_;
        const auto waiting = [](const auto& queues) {
            return std::any_of(queues.begin(), queues.end(),
                               [](const auto& queue) { return !queue.empty(); });
        };
        std::uint64_t cycle = 0;
        for (; cycle < limit; ++cycle) {
            if (fabric_.next_cycle() == cycle) {
                fabric_.step(cycle);
            }
            reference_.step(cycle);
            for (std::uint32_t terminal = 0; terminal < setting_.params.nodes(); ++terminal) {
                send(terminal, cycle, to_fabric[terminal], to_reference[terminal]);
                receive(terminal, cycle);
            }
            const bool same =
                from_fabric_.size() == from_reference_.size() &&
                std::equal(from_fabric_.begin() + static_cast<std::ptrdiff_t>(compared_), from_fabric_.end(),
                           from_reference_.begin() + static_cast<std::ptrdiff_t>(compared_));
            if (!same) {
                result.difference = first_difference();
                break;
            }
            compared_ = from_fabric_.size();
            if (cycle >= cycles_ && fabric_.flits_inside() == 0 && fabric_.tokens_inside() == 0 &&
                reference_.empty() && !waiting(to_fabric) && !waiting(to_reference) &&
                tokens_ == tokens_expected()) {
                break;
            }
        }
        result.cycles = cycle;
        result.barriers = traffic_.phases;
        result.deliveries = from_fabric_.size() - tokens_;
        if (result.difference.empty()) {
            result.difference =
                cycle == limit ? "it does not come to rest; " + fabric_.who_waits(cycle) : check(cycle + 1);
        }
        return result;
    }

private:
    void send(std::uint32_t terminal, std::uint64_t cycle, std::deque<Flit>& to_fabric,
              std::deque<Flit>& to_reference) {
        if (!to_fabric.empty() && to_fabric.front().created_cycle <= cycle &&
            fabric_.send(terminal, to_fabric.front(), cycle) == SendResult::accepted) {
            to_fabric.pop_front();
        }
        if (!to_reference.empty() && to_reference.front().created_cycle <= cycle &&
            reference_.send(terminal, to_reference.front(), cycle)) {
            to_reference.pop_front();
        }
    }

    void receive(std::uint32_t terminal, std::uint64_t cycle) {
        if (cycle <= cycles_ && draw(seed_, Draw::take, terminal, 100, static_cast<std::uint32_t>(cycle)) >=
                                    setting_.take_percent) {
            return;
        }
        for (Flit flit; fabric_.receive(terminal, flit, cycle);) {
            tokens_ += flit.kind == FlitKind::barrier ? 1 : 0;
            from_fabric_.push_back({cycle, terminal, flit});
        }
        while (const auto flit = reference_.receive(terminal, cycle)) {
            from_reference_.push_back({cycle, terminal, *flit});
        }
    }

    std::size_t tokens_expected() const {
        return traffic_.phases * static_cast<std::size_t>(
                                     std::count(setting_.is_member.begin(), setting_.is_member.end(), true));
    }

    std::string first_difference() const {
        const auto show = [](const std::vector<Delivery>& deliveries, std::size_t index) {
            std::ostringstream text;
            if (index < deliveries.size()) {
                text << deliveries[index].flit << " at terminal " << deliveries[index].terminal
                     << " in cycle " << deliveries[index].cycle;
            } else {
                text << "nothing";
            }
            return text.str();
        };
        std::size_t index = compared_;
        while (index < from_fabric_.size() && index < from_reference_.size() &&
               from_fabric_[index] == from_reference_[index]) {
            ++index;
        }
        return fmt::format("Fabric delivers {}, the reference {}", show(from_fabric_, index),
                           show(from_reference_, index));
    }

    // All in order, once, in its phase; the counters.
    std::string check(std::uint64_t cycle) const {
        decltype(Traffic::expected) received;
        std::vector<std::uint32_t> phase(setting_.params.nodes());
        for (const Delivery& delivery : from_fabric_) {
            if (delivery.flit.kind == FlitKind::barrier) {
                ++phase[delivery.terminal];
                continue;
            }
            received[{index_of(delivery.flit.source), delivery.terminal}].push_back(delivery.flit.address);
            if (setting_.is_member[delivery.terminal] && delivery.flit.value != phase[delivery.terminal]) {
                return fmt::format("flit {} of phase {} arrives in phase {}", delivery.flit.address,
                                   delivery.flit.value, phase[delivery.terminal]);
            }
        }
        if (received != traffic_.expected) {
            return "flits are lost, doubled or reordered";
        }
        const RouterStats stats = fabric_.total_router_stats(cycle);
        const ReferenceMesh::Counts& counts = reference_.counts();
        if (stats.forwarded != counts.forwarded || stats.over_boundary_total() != counts.over_boundary ||
            stats.barrier_tokens != counts.tokens || stats.unroutable_flits != counts.dropped ||
            counts.dropped != 0) {
            return "the counters of flits differ";
        }
        // Heads that stalls hold back are not counted in cycles in which they could not move anyway.
        if (!setting_.stalls && (stats.credit_stalls != counts.credit_stalls ||
                                 stats.arbitration_stalls != counts.arbitration_stalls)) {
            return fmt::format("credit stalls {}, expected {}; arbitration stalls {}, expected {}",
                               stats.credit_stalls, counts.credit_stalls, stats.arbitration_stalls,
                               counts.arbitration_stalls);
        }
        return "";
    }

    std::uint64_t seed_;
    std::uint32_t cycles_;
    Setting setting_;
    Traffic traffic_;
    Fabric fabric_;
    ReferenceMesh reference_;
    std::vector<Delivery> from_fabric_, from_reference_;
    std::size_t compared_ = 0, tokens_ = 0;
};

}  // namespace

CampaignResult run_campaign(std::uint64_t seed, std::uint32_t cycles) {
    return Comparison(seed, cycles).run();
}

}  // namespace memprop::hw::noc
