// A router and a crossbar tile in somebody else's sc_main. Spikes arrive from the east as AER packets, the
// router hands those for this node to its local port, and a small bridge turns them into word-line events;
// a tick packet ends the time step, and the column sums follow.
#include <cstdint>
#include <systemc>
#include <vector>

#include "crossbar/base/terminal.hpp"
#include "hw_models/noc/mesh.hpp"
#include "hw_models/tile/synapse_tile.hpp"

namespace noc = memprop::hw::noc;
namespace tile = memprop::hw::tile;

namespace {

const sc_core::sc_time kPeriod(10, sc_core::SC_NS);
constexpr noc::NodeId kHere{0}, kNeighbour{1};
constexpr std::uint32_t kRows = 64, kColumns = 4, kSteps = 5;

// What the neighbour would send: per step some spikes, then a tick.
struct Neighbour : sc_core::sc_module {
    sc_core::sc_port<noc::FlitPortIf> link{"link"};

    SC_HAS_PROCESS(Neighbour);
    explicit Neighbour(const sc_core::sc_module_name& name) : sc_module(name) { SC_THREAD(run); }

    void send(noc::FlitKind kind, std::uint32_t address, std::uint32_t value) {
        noc::Flit flit = noc::Flit::to(kNeighbour, kHere, kind);
        flit.address = address;
        flit.value = value;
        flit.created_cycle = sc_core::sc_time_stamp().value() / kPeriod.value();
        while (link->try_send(flit) == noc::SendResult::full) {
            sc_core::wait(link->space_event());
        }
        sc_core::wait(kPeriod);  // at most one packet a cycle
    }
    void run() {
        for (std::uint32_t step = 0; step < kSteps; ++step) {
            for (std::uint32_t row = step; row < kRows; row += 7 + step) {
                send(noc::FlitKind::spike, row, 0);
            }
            send(noc::FlitKind::tick, 0, step);
            sc_core::wait(kPeriod * 500);
        }
    }
};

// Packets from the router become events of the tile.
struct Bridge : sc_core::sc_module {
    sc_core::sc_port<noc::FlitPortIf> router{"router"};
    sc_core::sc_port<tile::SynapseTileIf> synapses{"synapses"};
    std::uint32_t steps_done = 0, refused = 0;

    SC_HAS_PROCESS(Bridge);
    explicit Bridge(const sc_core::sc_module_name& name) : sc_module(name) {}

    void end_of_elaboration() override {
        SC_METHOD(receive);
        sensitive << router->arrival_event();
        dont_initialize();
        SC_METHOD(show_sums);
        sensitive << synapses->sums_event();
        dont_initialize();
        expect(synapses->begin_sample(0, 1));
        expect(synapses->begin_step(0));
    }
    void expect(tile::TileResponse response) { refused += response != tile::TileResponse::accepted; }

    void receive() {
        for (noc::Flit flit; router->try_receive(flit);) {
            expect(flit.kind == noc::FlitKind::tick ? synapses->end_step()
                                                    : synapses->row_event(flit.address));
        }
    }
    void show_sums() {
        memprop::put("{:>10}  step {}, {:2} rows:", sc_core::sc_time_stamp().to_string(), steps_done,
                     synapses->rows_read());
        for (const float sum : synapses->sums()) {
            memprop::put(" {:8.3f}", sum);
        }
        memprop::put(" uS\n");
        if (++steps_done < kSteps) {
            expect(synapses->begin_step(steps_done));
        } else {
            expect(synapses->end_sample());
        }
    }
};

int run() {
    // The devices: 64 x 4 differential pairs of phase-change memory, some pulses on one side of each.
    memprop::crossbar::CrossbarConfig config;
    config.tile_rows = kRows;
    memprop::crossbar::SynapseArray array(config, {.rows = kRows, .columns = kColumns}, 38.6, /*seed=*/1, 0);
    std::vector<std::int16_t> pulses(kRows * kColumns);
    for (std::size_t i = 0; i < pulses.size(); ++i) {
        pulses[i] = static_cast<std::int16_t>(static_cast<int>(i * 5 % 9) - 4);
    }
    array.program(pulses, memprop::crossbar::SynapseArray::Phase::initial, 0, 0);

    tile::TiledArray tiles(array, kColumns);
    tile::CrossbarTileParams tile_params{.read_mode = tile::ReadMode::per_event};
    tile_params.cost = tile::hermes_cost();
    tile::MemristiveTile synapse_tile("synapse_tile", tiles, 0, tile_params, kPeriod);

    noc::NocParams network;
    network.width = 2;
    network.height = 1;
    network.cost = noc::loihi_hop_cost();
    noc::EventRouter router("router", network, kHere, kPeriod);

    Neighbour neighbour("neighbour");
    Bridge bridge("bridge");
    neighbour.link(router.port[static_cast<std::size_t>(noc::Port::east)]);
    bridge.router(router.port[static_cast<std::size_t>(noc::Port::local)]);
    bridge.synapses(synapse_tile.port);

    sc_core::sc_start();

    const tile::TileStats& stats = synapse_tile.stats();
    memprop::put("{} events, {} cycles waiting for sums, periphery {:.3g} J, router {:.3g} J\n",
                 stats.row_events, stats.step_cycles, synapse_tile.memory().energy_j(),
                 router.fabric().total_router_stats(router.cycle()).energy_j(network.cost));
    return bridge.steps_done == kSteps && bridge.refused == 0 ? 0 : 1;
}

}  // namespace

int sc_main(int, char*[]) {
    return memprop::run_program("tile_and_router", run);
}
