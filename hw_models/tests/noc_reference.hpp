// The mesh once more, as its protocol reads and not as hw::noc::Fabric does it: every router is looked at
// in every cycle, all moves of a cycle are decided from the state at its beginning and then made. Slow, with
// its own rules for turns, credits, arbitration and barriers; for comparison.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "hw_models/noc/fabric.hpp"

namespace memprop::hw::noc {

class ReferenceMesh {
public:
    ReferenceMesh(const NocParams& params, std::optional<RandomStalls> stalls);

    void set_row(NodeId router, TreeId tree, TreeRow row);
    /// All pairs of members are walked; a token goes by the links on these ways. Without a call: by all.
    void set_barrier_members(const std::vector<NodeId>& members);
    void step(std::uint64_t cycle);
    bool send(std::uint32_t terminal, const Flit& flit, std::uint64_t cycle);
    std::optional<Flit> receive(std::uint32_t terminal, std::uint64_t cycle);

    struct Counts {
        std::array<std::uint64_t, kPorts> forwarded{};
        std::uint64_t over_boundary = 0;
        std::uint64_t tokens = 0, dropped = 0, credit_stalls = 0, arbitration_stalls = 0;
    };
    const Counts& counts() const { return counts_; }
    bool empty() const;

private:
    using Outputs = std::set<unsigned>;
    struct Queue {
        struct Place {
            Flit flit;
            std::uint64_t usable = 0;
        };
        std::deque<Place> flits;
        std::deque<std::uint64_t> credits;  // cycles from which freed places can be used
        std::uint32_t free = 0;             // places the sender knows of
        std::uint32_t link_cycles = 0;      // of the link that leads here
        Outputs gone;                       // where the head has been sent already
        bool tokens_come = true;
    };
    struct Router {
        std::array<Queue, kPorts> inputs;
        Queue to_terminal;
        std::array<unsigned, kPorts> turn{};  // input that is served first, per output
        std::map<std::uint16_t, TreeRow> rows;
    };
    struct Send {
        Queue* to;
        Flit flit;
        std::uint64_t usable;
    };

    bool exists(std::uint32_t router, unsigned port) const;
    std::uint32_t chip_of(std::uint32_t router) const;
    std::uint32_t neighbour_of(std::uint32_t router, unsigned port) const;
    std::uint32_t link_cycles(std::uint32_t router, unsigned port) const;
    static bool may_turn(unsigned input, unsigned output);
    Queue& behind(std::uint32_t router, unsigned output);
    static bool has_room(Queue& queue, std::uint64_t cycle);
    bool held_back(std::uint32_t router, unsigned input, std::uint64_t cycle) const;
    bool carries_tokens(std::uint32_t router, unsigned input, unsigned output);
    unsigned way_to(std::uint32_t router, std::uint32_t target) const;
    Outputs targets(std::uint32_t router, unsigned input, const Flit& flit);
    void decide(std::uint32_t router, std::uint64_t cycle);
    void decide_tokens(std::uint32_t router, const std::set<unsigned>& tokens, std::uint64_t cycle);
    void send_by(std::uint32_t router, unsigned output, const Flit& flit, std::uint64_t cycle);
    void leave(Queue& queue, std::uint64_t cycle) const;

    NocParams params_;
    std::optional<RandomStalls> stalls_;
    std::vector<Router> routers_;
    std::vector<std::uint64_t> next_send_;
    std::vector<Send> sends_;       // of the cycle
    std::vector<Queue*> departed_;  // heads that leave in it
    Counts counts_;
};

}  // namespace memprop::hw::noc
