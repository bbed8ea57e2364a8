// Trees that would lose flits or never end are refused before the first command, and a chip that stops says
// who waits for whom.
#include <doctest/doctest.h>

#include <string>

#include "crossbar/base/error.hpp"
#include "host_runtime/tests/chip_bench.hpp"

using namespace memprop;
using namespace memprop::hw::chip;
using memprop::hw::bus::BusStatus;
using memprop::test::ChipBench;
namespace reg = memprop::hw::chip::host_register;

namespace {

constexpr std::uint32_t kNorth = 0, kEast = 1, kWest = 3, kLocal = 4;

std::uint32_t row(std::uint32_t input, std::initializer_list<std::uint32_t> outputs) {
    std::uint32_t word = input;
    for (const std::uint32_t output : outputs) {
        word |= 1U << (8 + output);
    }
    return word;
}

void write_row(ChipBench& bench, std::uint32_t router, std::uint32_t tree, std::uint32_t word) {
    bench.bus.master.write(reg::router, router);
    bench.bus.master.write(reg::tree_rows + 4 * tree, word);
}

std::string what_is_said(ChipBench& bench, Command command) {
    try {
        bench.hardware.session().command(command);
    } catch (const InputError& error) {
        return std::string("input: ") + error.what();
    } catch (const RunError& error) {
        return std::string("run: ") + error.what();
    }
    return {};
}

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("chip routes: a tree that dangles refuses every command, with its name, until it is mended") {
    ChipBench bench({"network.inputs=6", "network.recurrent=8", "network.outputs=2", "chip.mesh_width=2",
                     "chip.mesh_height=2"});
    bench.load();
    constexpr std::uint32_t kFree = 900;  // no tree of the image
    // Router 0 is the host's; 1 and 2 are the cores of its row.
    write_row(bench, 0, kFree, row(kLocal, {kEast}));
    CHECK(bench.counter(HostCounter::refused_routes) == 0);  // not before it is needed
    const std::string said = what_is_said(bench, Command::begin_sample);
    CAPTURE(said);
    CHECK(said.starts_with("input: "));
    CHECK(contains(said, "tree 900"));
    CHECK(contains(said, "router"));
    CHECK(contains(said, "east"));
    CHECK(bench.counter(HostCounter::refused_routes) == 1);
    CHECK(bench.bus.word_at(reg::status) == 6);  // error, routes refused
    CHECK(bench.bus.command(Command::begin_sample) == BusStatus::refused);
    CHECK(bench.counter(HostCounter::refused_routes) == 2);
    CHECK(bench.counter(HostCounter::samples) == 0);

    write_row(bench, 1, kFree, row(kWest, {kLocal}));  // now it ends in a core
    CHECK(bench.bus.word_at(reg::status) == 2);
    bench.bus.master.write(reg::status, 2U);
    bench.run(bench.random_trial(5, 0.5F), true);
    CHECK(bench.counter(HostCounter::refused_routes) == 2);
    CHECK(bench.bus.word_at(reg::status) == 0);
}

TEST_CASE(
    "chip routes: rows that nothing reaches, second roots and rows that expect another side are refused") {
    const std::vector<std::string> settings{"network.inputs=6", "network.recurrent=8", "network.outputs=2",
                                            "chip.mesh_width=2", "chip.mesh_height=2"};
    struct Fault {
        std::vector<std::pair<std::uint32_t, std::uint32_t>> rows;  // router, word
        const char* names;
    };
    const std::vector<Fault> faults{
        {{{1, row(kWest, {kLocal})}}, "router 1"},                            // nobody sends there
        {{{0, row(kLocal, {kEast})}, {1, row(kNorth, {kLocal})}}, "router"},  // from another side
        {{{0, row(kLocal, {kLocal})}, {2, row(kLocal, {kLocal})}}, "root"}};
    for (const Fault& fault : faults) {
        ChipBench bench(settings);
        bench.load();
        for (const auto& [router, word] : fault.rows) {
            write_row(bench, router, 900, word);
        }
        const std::string said = what_is_said(bench, Command::begin_sample);
        CAPTURE(said);
        CHECK(said.starts_with("input: "));
        CHECK(contains(said, "tree 900"));
        CHECK(contains(said, fault.names));
    }
}

TEST_CASE("chip routes: a command that never ends says whose report is missing") {
    ChipBench bench({"network.inputs=6", "network.recurrent=8", "network.outputs=2", "chip.mesh_width=2"});
    bench.load();
    const auto cores = static_cast<std::uint32_t>(bench.image().cores.size());
    bench.bus.master.write(reg::cores_used, cores + 1);
    const std::string said = what_is_said(bench, Command::begin_sample);
    CAPTURE(said);
    CHECK(said.starts_with("run: the chip is idle at cycle"));
    CHECK(contains(said, "has the reports of " + std::to_string(cores) + " of " + std::to_string(cores + 1)));
}

TEST_CASE("chip routes: a step that never ends says which barrier is not passed and who has not entered it") {
    ChipBench bench({"network.inputs=6", "network.recurrent=8", "network.outputs=2", "chip.mesh_width=2",
                     "chip.neurons_per_core=5"});
    bench.load();
    bench.begin_sample();
    bench.bus.master.write(reg::phases, bench.image().phases + 2);  // the cores know nothing of these
    bench.bus.master.write(reg::step, 0U);
    const std::string said = what_is_said(bench, Command::tick);
    CAPTURE(said);
    CHECK(said.starts_with("run: the chip is idle at cycle"));
    CHECK(contains(said, "of step 0, has passed"));
    CHECK(contains(said, "barrier not entered by terminals 1"));
    CHECK(contains(said, "no barrier token from"));
}
