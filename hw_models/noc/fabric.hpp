// Routers and links in plain C++: the algorithm of the mesh, cycle by cycle, without the SystemC kernel.
//
// Router: five ports (north, east, south, west, local), an input FIFO per port, a crossbar, round-robin
// arbitration per output. All that happens in one cycle is decided from the state at its beginning.
// - A flit that reaches an input FIFO in cycle t can cross the switch from cycle t + router_cycles on,
//   when it is the head of its FIFO; it reaches the next FIFO link_cycles after it has crossed. So
//   without load a flit takes hops * (router_cycles + link_cycles) from the cycle it is sent to the
//   cycle it can be received, hops = routers passed (source and destination included).
// - A link to a router on another chip (NocParams::chip_columns, chip_rows) takes boundary_cycles instead
//   of link_cycles, in all that is said here, for credits and barrier tokens too, and costs boundary_pj:
//   without load a flit takes cycles_between() (routing.hpp).
// - Credits: an output sends only if the FIFO behind it has a free place; a place that becomes free in
//   cycle t may be filled by a flit that crosses in cycle t + link_cycles + credit_cycles or later (the
//   credit travels back over the link; credit_cycles is what making, latching and counting it takes
//   besides). So a place is used once in a loop of router_cycles + 2 link_cycles + credit_cycles, and a
//   stream runs at min(1, fifo_depth / loop) flits a cycle. credit_cycles = 1 is the loop of R + 2 L + 1
//   of BookSim2 (Jiang et al., ISPASS 2013) with R = 2, L = 1, credit_delay = 0. A receiver at a terminal
//   reads a flit in the cycle it arrives or leaves it in the FIFO.
// - Multicast: the head asks for all outputs of its table row at once and a copy goes to each as soon
//   as that output is won, in the same or in different cycles, never twice; the head leaves when the
//   last copy has gone. Why this cannot deadlock: routing.hpp.
// - Barrier: a token (FlitKind::barrier) that a terminal sends after its flits, once per phase, and takes
//   as it takes flits. At the head of an input FIFO it waits; it leaves by an output as soon as tokens
//   stand at the heads of all inputs that may turn there (allowed_inputs; ports that lead nowhere do
//   not count), one token for all of them, when there is a credit; it competes with nobody, as no flit
//   can ask for that output then. When it has left by all outputs to which its input may turn, the next
//   flit becomes the head. So each link carries one token per phase, between the flits of that phase and
//   those of the next: who has the token of a phase has every flit of that phase, from all terminals,
//   and none of the next. A terminal may enter the next phase while others are in this one; what it
//   sends waits behind its tokens. A token waits only for inputs that come earlier in the order of
//   routing.hpp, a flit only for its own and earlier phases: no deadlock if every terminal enters and
//   takes its tokens. Without other flits, terminal b has the token of a barrier that terminal a entered in
//   cycle e(a) in the cycle  max over all a of  e(a) + cycles_between(a, b), one whole crossing of the mesh
//    after the last one entered, for any fifo_depth if the barrier before is over. Flits
//   per barrier: one on each link between routers, one into and one out of each terminal.
// - Order is kept per pair of source and destination: one path, FIFOs only.
// - Misuse: send() says full or no_route and counts it; a multicast flit for which a router has no row
//   is dropped there and counted (unroutable_flits).
// Modelled: cycles, contention, back-pressure, energy per link. Not modelled: virtual channels, bit
// errors, wire delay within a cycle, clock and leakage power.
//
// How it is made fast: no router is visited in a cycle in which nothing about it changes. All FIFOs lie
// in one array. A flit on a link is written straight into the FIFO where it will arrive, with the cycle
// from which it counts, and a freed place carries the cycle from which its credit counts; so links and
// credits need no events of their own. A router whose heads all wait for credits sleeps until one comes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "hw_models/noc/flit.hpp"
#include "hw_models/noc/params.hpp"
#include "hw_models/noc/routing.hpp"
#include "hw_models/noc/stats.hpp"
#include "hw_models/noc/wake_wheel.hpp"

namespace memprop::hw::noc {

enum class SendResult : std::uint8_t {
    accepted,
    full,      ///< no room, or a flit was already sent in this cycle; spaces() tells when to try again
    no_route,  ///< the destination is outside the mesh, or the tree has no row here; never accepted
};

/// For verification: in each cycle the head of every router FIFO is held back with this probability,
/// independently, drawn by (seed, router, port, cycle).
struct RandomStalls {
    std::uint64_t seed = 0;
    double probability = 0.0;
};

/// Is told about each flit that crosses a switch; for traces.
class FabricObserver {
public:
    virtual ~FabricObserver() = default;
    virtual void flit_crossed(std::uint64_t cycle, NodeId router, Port output, const Flit& flit) = 0;
};

class Fabric {
public:
    /// A whole mesh; terminal n is the local port of node n. Throws InputError for invalid parameters.
    static Fabric mesh(const NocParams& params) { return Fabric(params, std::nullopt); }
    /// The one router `node` of such a mesh; terminal p is its port p.
    static Fabric single_router(const NocParams& params, NodeId node) { return Fabric(params, node); }

    Fabric(Fabric&&) = default;
    Fabric& operator=(Fabric&&) = delete;

    const NocParams& params() const { return params_; }
    std::uint32_t routers() const { return router_count_; }
    std::uint32_t terminals() const { return terminal_count_; }

    // Time. Calls come in order of their cycle; in any order within one cycle, with the same result.
    /// The next cycle in which step() has something to do; kNever if all is idle or waits for outside.
    std::uint64_t next_cycle() const { return wheel_.next(now_); }
    /// Does the work of `cycle`, which must not be after next_cycle() (std::logic_error).
    void step(std::uint64_t cycle);
    /// Terminals where a flit arrived in the last step / where a send found no room and may try again;
    /// each at most once, ascending.
    std::span<const std::uint32_t> arrivals() const { return arrivals_; }
    std::span<const std::uint32_t> spaces() const { return spaces_; }

    // Terminals.
    /// std::logic_error for a flit with a created_cycle after `cycle`, for a barrier token with a target,
    /// an address or a value or at a terminal that is no member, and for another flit that goes everywhere.
    SendResult send(std::uint32_t terminal, const Flit& flit, std::uint64_t cycle);
    /// Takes the next flit that has arrived, if any. A barrier token comes with the node of its last router
    /// as source and the latest created_cycle of all tokens that became one in it.
    bool receive(std::uint32_t terminal, Flit& flit, std::uint64_t cycle);

    /// The terminals of a mesh that take part in barriers; at first all do. Tokens pass only links that lie
    /// on a way between two of them, so the formula above holds for members, and links that no member needs
    /// carry none; other terminals send and receive flits as ever. std::logic_error while a token is inside,
    /// and for a fabric that is no mesh.
    void set_barrier_members(std::span<const NodeId> nodes);

    // Multicast tables.
    /// Throws InputError for a node or tree that does not exist, a port that leads out of the mesh or a
    /// turn that XY routing forbids. Heads of the router's FIFOs keep the way they have.
    void set_tree_row(NodeId router, TreeId tree, TreeRow row);
    TreeRow tree_row(NodeId router, TreeId tree) const;
    /// All rows with outputs, for check_routes() (routing_check.hpp).
    std::vector<TableRow> loaded_rows() const;
    /// Writes all rows of xy_tree(params(), root, leaves).
    void set_tree(TreeId tree, NodeId root, std::span<const NodeId> leaves);

    // Accounting.
    /// Flits in FIFOs and on links (a copy of a multicast counts as a flit), without barrier tokens.
    std::uint64_t flits_inside() const { return flits_inside_ - tokens_inside_; }
    /// Barrier tokens in FIFOs and on links.
    std::uint64_t tokens_inside() const { return tokens_inside_; }
    /// Flits and tokens in the input FIFO `input`, those on the link to it included.
    std::uint32_t fifo_level(NodeId router, Port input) const;
    /// Sets all counters to zero; cycles before `cycle` must be done. From now on the histogram takes
    /// only flits created in `cycle` or later.
    void start_measurement(std::uint64_t cycle);
    /// The histogram alone: forgets it and takes only flits created in `cycle` or later.
    void start_latencies(std::uint64_t cycle) {
        latency_ = {};
        measured_from_ = cycle;
    }
    /// Counters (but not the histogram) and whose turn it is at each output, between samples; `cycle` is now.
    void record(WordRecord& record, std::uint64_t cycle);
    /// Counts up to the beginning of `cycle`; all work before it must be done.
    RouterStats router_stats(NodeId router, std::uint64_t cycle) const;
    RouterStats total_router_stats(std::uint64_t cycle) const;
    TerminalStats total_terminal_stats() const;
    const TerminalStats& terminal_stats(std::uint32_t terminal) const { return terminals_[terminal].stats; }
    /// From created_cycle to the cycle of receive(); without barrier tokens, which wait for the latest
    /// terminal and so say nothing about the way of a flit.
    const LatencyHistogram& latency() const { return latency_; }
    struct LinkUse {
        double mean = 0.0, max = 0.0;  ///< flits per cycle of a link between two routers
    };
    LinkUse link_use(std::uint64_t cycle) const;
    /// All counters summed over the mesh, names beginning with `prefix`.
    std::vector<Counter> report(const std::string& prefix, std::uint64_t cycle) const;

    /// True if nothing moves any more without a call from outside although flits are inside.
    bool stuck() const { return next_cycle() == kNever && flits_inside() != 0; }
    /// Who waits for whom in `cycle`, a line each: first the terminals everything waits for (receivers that
    /// do not take, barriers not entered), then the head of each FIFO that cannot leave, with its router,
    /// port and flit, and what it waits for: a place in the FIFO behind an output, its turn, a credit on
    /// its way, the inputs from which barrier tokens are missing. Empty if nothing waits.
    std::string who_waits(std::uint64_t cycle) const;

    void inject_stalls(RandomStalls stalls) { stalls_ = stalls; }
    void observe(FabricObserver* observer) { observer_ = observer; }

private:
    struct Slot {
        Flit flit;
        std::uint64_t cycle = 0;  // taken: from when the flit may leave; free: from when it may be filled
    };
    struct Fifo {
        std::uint64_t head_leaves = kNever;  // cycle from which the head may leave; kNever = empty
        std::uint64_t tail_free_from = 0;    // cycle from which a flit may be sent to it; kNever = full
        Slot* first = nullptr;               // a ring of fifo_depth slots
        Slot* last = nullptr;
        Slot* head = nullptr;
        Slot* tail = nullptr;
        std::uint32_t count = 0;
        PortMask pending = 0;  // outputs to which the head still has to go; 0 for tokens
        PortMask token_outputs =
            0;  // outputs to which the token at the head, or the next one, still has to go
        std::uint8_t credit_delay = 0;  // from a place becoming free to a flit that may cross to it
    };
    struct Output {
        Fifo* fifo = nullptr;     // where the link ends
        std::uint32_t agent = 0;  // who is woken when a flit can be used there
        std::uint32_t delay = 0;  // cycles from crossing to that
    };
    struct Router {
        Fifo* inputs = nullptr;  // kPorts of them
        std::array<Output, kPorts> outputs{};
        std::array<std::uint32_t, kPorts> feeders{};  // agent that fills each input
        std::array<std::uint8_t, kPorts> next_input{};
        PortMask connected = 0;     // ports that lead somewhere
        PortMask boundary = 0;      // ports that lead to another chip
        PortMask token_inputs = 0;  // ports by which barrier tokens come, and by which they leave
        PortMask token_outputs = 0;
        unsigned tokens_waiting =
            0;                 // inputs whose tokens can do nothing before another one comes; 0: not known
        PortMask starved = 0;  // outputs for which a head waits for a credit
        std::uint8_t blocked = 0;   // head-output pairs that wait so
        std::uint64_t stepped = 0;  // last cycle in which the router was looked at
        NodeId node{};
        Position position;
        RouterStats stats;
    };
    struct Terminal {
        std::uint32_t router = 0;
        Port port = Port::local;
        std::uint32_t out_fifo = 0;             // towards outside
        std::uint64_t next_send = 0;            // one flit a cycle
        bool starved = false;                   // a send found no room
        bool in_barriers = true;                // takes part in them
        std::uint32_t entered = 0, passed = 0;  // barriers
        TerminalStats stats;
    };

    Fabric(const NocParams& params, std::optional<NodeId> single);
    void connect_mesh();
    void reset_token_outputs();
    void connect_terminal(std::uint32_t router, Port port);
    std::uint32_t arrival_agent(std::uint32_t terminal) const { return routers() + terminal; }
    std::uint32_t space_agent(std::uint32_t terminal) const { return routers() + terminals() + terminal; }

    void come_to(std::uint64_t cycle) {
        if (cycle < now_ || next_cycle() < cycle) {
            refuse_cycle();
        }
        now_ = cycle;
    }
    [[noreturn]] static void refuse_cycle();
    void step_router(std::uint32_t index, std::uint64_t cycle);
    void serve_output(std::uint32_t index, std::size_t output, PortMask requests, std::uint64_t cycle);
    void serve_only_input(std::uint32_t index, unsigned input, std::uint64_t cycle);
    static Slot* after(const Fifo& fifo, Slot* slot) { return slot == fifo.last ? fifo.first : slot + 1; }
    void push(Fifo& fifo, const Flit& flit, std::uint64_t usable_cycle);
    void pop(std::uint32_t router, unsigned input, std::uint64_t cycle);
    void release_head(Fifo& fifo, std::uint64_t cycle);
    void credit(const Fifo& fifo, std::uint32_t feeder, PortMask output_bit, std::uint64_t cycle);
    static unsigned tokens_among(const Router& router, unsigned ready);
    unsigned pass_tokens(std::uint32_t index, unsigned at_head, std::uint64_t cycle);
    SendResult enter(std::uint32_t terminal, const Flit& flit, std::uint64_t cycle);
    SendResult send_token(std::uint32_t terminal, const Flit& flit, std::uint64_t cycle);
    PortMask route(std::uint32_t router, Port input, const Flit& flit) const;
    bool held_back(std::uint32_t router, unsigned input, std::uint64_t cycle) const;
    std::string what_flit_waits_for(const Router& router, unsigned input, std::uint64_t cycle) const;
    std::string what_token_waits_for(const Router& router, unsigned input, std::uint64_t cycle) const;
    std::string fifo_behind(const Router& router, std::size_t output) const;
    bool in_mesh(Position position, Port port) const;
    bool leaves_chip(Position position, Port port) const;
    std::uint32_t link_cycles(const Router& router, std::size_t port) const;
    std::uint32_t index_of(NodeId router) const;

    NocParams params_;
    std::uint32_t router_count_, terminal_count_;
    std::vector<Router> routers_;
    std::vector<Terminal> terminals_;
    std::vector<Fifo> fifos_;  // [router * 5 + input], then one per terminal
    std::vector<Slot> slots_;
    std::vector<Position> positions_;  // of all nodes
    std::vector<TreeRow> tree_rows_;   // [router][tree]
    WakeWheel wheel_;                  // agents: routers, arrivals at terminals, spaces at terminals
    std::uint64_t now_ = 0;
    std::uint64_t flits_inside_ = 0;  // tokens too
    std::uint64_t tokens_inside_ = 0;
    std::vector<std::uint32_t> arrivals_, spaces_;
    LatencyHistogram latency_;
    std::uint64_t measured_from_ = 0;
    std::uint64_t measured_before_ = 0;  // cycles of counters that were given back
    std::optional<RandomStalls> stalls_;
    FabricObserver* observer_ = nullptr;
};

}  // namespace memprop::hw::noc
