// Any network on the chip: random graphs give the bits of the functional engine, whatever the mesh, on
// numbers and on devices; after a reset, on a chip that held another network, and beside another chip.
//
// MEMPROP_CHIP_GRAPHS=N in the environment takes N graphs in place of those of the suite.
#include <doctest/doctest.h>

#include <unistd.h>
#include <array>
#include <bit>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "crossbar/base/error.hpp"
#include "host_runtime/chip/chip_network.hpp"
#include "host_runtime/config/experiment_file.hpp"
#include "host_runtime/files/memory_archive.hpp"
#include "host_runtime/graph/functional_network.hpp"
#include "host_runtime/tests/random_graphs.hpp"

using namespace memprop;
using memprop::host::ChipNetwork;
using memprop::host::CrossbarMapping;
using memprop::host::FunctionalNetwork;
using memprop::host::RunningNetwork;
using memprop::test::random_events;
using memprop::test::random_graph;
using memprop::test::RandomGraph;

namespace {

constexpr std::uint32_t kSteps = 30;

std::uint64_t graphs(std::uint64_t usual) {
    const char* const asked = std::getenv("MEMPROP_CHIP_GRAPHS");
    return asked != nullptr ? std::strtoull(asked, nullptr, 10) : usual;
}

hw::chip::ChipConfig chip_of(std::int64_t width, std::int64_t height) {
    hw::chip::ChipConfig chip;
    chip.neurons_per_core = 4096;  // room for whatever network follows on the same chip
    chip.tiles_per_core = 200;
    chip.delay_slots = 32;
    chip.mesh_width = width;
    chip.mesh_height = height;
    chip.neurons_per_core = 1000;  // another network has to fit, too
    chip.tiles_per_core = 240;
    chip.delay_slots = 64;
    return chip;
}

struct Mesh {
    std::int64_t width, height;
};
constexpr std::array<Mesh, 3> kMeshes{{{1, 1}, {2, 2}, {4, 3}}};

std::unique_ptr<ChipNetwork> on_chip(const RandomGraph& graph, const hw::chip::ChipConfig& chip,
                                     CrossbarMapping* crossbars = nullptr) {
    return std::make_unique<ChipNetwork>(graph.network, "net", graph.discretisation, chip, crossbars);
}

std::unique_ptr<FunctionalNetwork> functional(const RandomGraph& graph,
                                              CrossbarMapping* crossbars = nullptr) {
    return std::make_unique<FunctionalNetwork>(graph.network, "net", graph.discretisation, crossbars);
}

/// Everything that can be seen of a step, word by word.
struct Seen {
    std::vector<std::uint64_t> words;

    void add(std::span<const double> values) {
        words.push_back(values.size());
        for (const double value : values) {
            words.push_back(std::bit_cast<std::uint64_t>(value));
        }
    }
    bool operator==(const Seen&) const = default;
};

Seen see(const RunningNetwork& network) {
    Seen seen;
    for (std::uint32_t node = 0; node < network.nodes().size(); ++node) {
        const auto spikes = network.spikes(node);
        seen.words.push_back(spikes.size());
        seen.words.insert(seen.words.end(), spikes.begin(), spikes.end());
        seen.add(network.membrane(node));
        seen.add(network.current(node));
    }
    std::vector<double> output(network.output_size());
    network.read_output(output);
    seen.add(output);
    return seen;
}

std::uint64_t spikes_of(const RunningNetwork& network) {
    std::uint64_t spikes = 0;
    for (std::uint32_t node = 0; node < network.nodes().size(); ++node) {
        spikes += network.spikes(node).size();
    }
    return spikes;
}

std::vector<Seen> run(RunningNetwork& network, const RandomGraph& graph, bool repeats = true,
                      std::uint32_t from = 0, std::uint32_t to = kSteps) {
    std::vector<Seen> all;
    for (std::uint32_t t = from; t < to; ++t) {
        network.step(random_events(graph.seed, t, network.input_size(), repeats));
        all.push_back(see(network));
    }
    return all;
}

/// The first step in which they differ; kSteps: none.
std::size_t first_difference(const std::vector<Seen>& a, const std::vector<Seen>& b) {
    std::size_t t = 0;
    while (t < a.size() && t < b.size() && a[t] == b[t]) {
        ++t;
    }
    return a.size() != b.size() || t < a.size() ? t : kSteps;
}

/// What an archive takes, as words with their names. Signals have several forms for the same numbers: here
/// they are lists of neurons and values.
class StateWords final : public StateArchive {
public:
    std::vector<std::pair<std::string, std::vector<std::uint64_t>>> groups{{"", {}}};

    void operator()(std::string_view name, std::vector<float>& values) override { list(name, values); }
    void operator()(std::string_view name, std::vector<double>& values) override { list(name, values); }
    void operator()(std::string_view name, std::vector<std::int32_t>& values) override { list(name, values); }
    void operator()(std::string_view name, std::vector<std::uint32_t>& values) override {
        list(name, values);
    }
    void operator()(std::string_view name, std::uint64_t& value) override {
        if (name == "form") {
            form_ = value;
        } else {
            add(value);
        }
    }
    void operator()(std::string_view, double& value) override { add(std::bit_cast<std::uint64_t>(value)); }
    void enter(std::string_view name) override { groups.push_back({std::string(name), {}}); }
    void leave() override {}
    bool operator==(const StateWords& other) const { return groups == other.groups; }

private:
    void add(std::uint64_t word) { groups.back().second.push_back(word); }
    template <class T>
    void list(std::string_view name, const std::vector<T>& values) {
        if (name == "dense") {
            for (std::size_t i = 0; i < values.size(); ++i) {
                if (values[i] != T{0}) {
                    add(i);
                }
            }
        }
        if (name != "dense" && name != "index" && name != "value") {
            add(values.size());
        }
        for (const T value : values) {
            if (name != "dense" || value != T{0}) {
                add(word(value));
            }
        }
        if (name == "index" && form_ == static_cast<std::uint64_t>(network::Signal<float>::Form::spikes)) {
            for (std::size_t i = 0; i < values.size(); ++i) {
                add(word(1.0F));
            }
        }
    }
    template <class T>
    static std::uint64_t word(T value) {
        if constexpr (sizeof(T) == 8) {
            return std::bit_cast<std::uint64_t>(value);
        } else {
            return std::bit_cast<std::uint32_t>(value);
        }
    }

    std::uint64_t form_ = 0;
};

StateWords words_of(RunningNetwork& network) {
    StateWords words;
    network.write_state(words);
    return words;
}

std::vector<std::any> state_of(RunningNetwork& network) {
    host::MemoryWriter writer;
    network.write_state(writer);
    return writer.items();
}

/// "": done, else why the functional engine refuses the graph, too.
std::string refusal(const RandomGraph& graph) {
    try {
        functional(graph);
    } catch (const InputError& error) {
        return error.what();
    }
    return "";
}

/// Graphs that the functional engine takes.
template <class Body>
void for_each_graph(std::uint64_t first, std::uint64_t count, const test::GraphOptions& options, Body body) {
    std::uint64_t refused = 0;
    for (std::uint64_t seed = first; seed < first + count; ++seed) {
        CAPTURE(seed);
        const RandomGraph graph = random_graph(seed, options);
        if (const std::string why = refusal(graph); !why.empty()) {
            INFO(why);
            CHECK_THROWS_AS(on_chip(graph, chip_of(1, 1)), InputError);
            ++refused;
            continue;
        }
        body(graph);
    }
    CHECK(refused <= count / 4);
}

host::Experiment devices(const std::vector<std::string>& more = {}) {
    std::vector<std::string> settings{"crossbar.tile_rows=6", "crossbar.tile_columns=5"};
    settings.insert(settings.end(), more.begin(), more.end());
    return host::parse_experiment("", "test", settings);
}

}  // namespace

TEST_CASE("chip graphs: random networks give the bits of the functional engine on every mesh") {
    std::uint64_t spikes = 0;
    for_each_graph(1, graphs(40), {}, [&](const RandomGraph& graph) {
        const auto expected = functional(graph);
        const std::vector<Seen> wanted = run(*expected, graph);
        spikes += spikes_of(*expected);
        const StateWords state = words_of(*expected);
        for (const Mesh& mesh : kMeshes) {
            CAPTURE(mesh.width);
            const auto chip = on_chip(graph, chip_of(mesh.width, mesh.height));
            CHECK(first_difference(run(*chip, graph), wanted) == kSteps);
            CHECK(words_of(*chip) == state);
            for (const auto& core : chip->session().chip().cores()) {
                CHECK(core->stats()[hw::chip::CoreCounter::refused_flits] == 0);
                CHECK(core->stats()[hw::chip::CoreCounter::refused_events] == 0);
            }
            // And again from the beginning.
            chip->reset();
            CHECK(first_difference(run(*chip, graph), wanted) == kSteps);
        }
    });
    CHECK(spikes > 40);
}

TEST_CASE("chip graphs: random networks on devices give the bits of the functional engine") {
    for_each_graph(1001, graphs(20), {}, [&](const RandomGraph& graph) {
        const host::Experiment experiment = devices();
        CrossbarMapping mapping(experiment, 100.0);
        const auto expected = functional(graph, &mapping);
        const std::vector<Seen> wanted = run(*expected, graph, false);
        for (const Mesh& mesh : kMeshes) {
            CAPTURE(mesh.width);
            CrossbarMapping own(experiment, 100.0);
            const auto chip = on_chip(graph, chip_of(mesh.width, mesh.height), &own);
            CHECK(first_difference(run(*chip, graph, false), wanted) == kSteps);
        }
    });
}

TEST_CASE("chip graphs: a chip that held another network gives the numbers of a fresh one") {
    std::unique_ptr<ChipNetwork> before;
    for_each_graph(2001, graphs(30), {}, [&](const RandomGraph& graph) {
        const auto fresh = on_chip(graph, chip_of(3, 2));
        const std::vector<Seen> wanted = run(*fresh, graph);
        std::unique_ptr<ChipNetwork> next =
            before == nullptr
                ? on_chip(graph, chip_of(3, 2))
                : std::make_unique<ChipNetwork>(graph.network, "net", graph.discretisation, *before);
        before = std::move(next);
        CHECK(first_difference(run(*before, graph), wanted) == kSteps);
        CHECK(words_of(*before) == words_of(*fresh));
    });
}

TEST_CASE("chip graphs: a network on devices follows one on numbers on the same chip, and the other way") {
    const RandomGraph numbers = random_graph(2101), on_devices = random_graph(2102);
    const host::Experiment experiment = devices();
    CrossbarMapping first(experiment, 1.0), second(experiment, 1.0), third(experiment, 1.0);
    const std::vector<Seen> wanted_numbers = run(*functional(numbers), numbers, false),
                            wanted_devices = run(*functional(on_devices, &first), on_devices, false);
    auto a = on_chip(numbers, chip_of(2, 2));
    CHECK(first_difference(run(*a, numbers, false), wanted_numbers) == kSteps);
    auto b = std::make_unique<ChipNetwork>(on_devices.network, "net", on_devices.discretisation, *a, &second);
    CHECK(first_difference(run(*b, on_devices, false), wanted_devices) == kSteps);
    a.reset();  // the network before may go, or stay
    auto c = std::make_unique<ChipNetwork>(numbers.network, "net", numbers.discretisation, *b);
    CHECK(first_difference(run(*c, numbers, false), wanted_numbers) == kSteps);
    auto d = std::make_unique<ChipNetwork>(on_devices.network, "net", on_devices.discretisation, *c, &third);
    CHECK(first_difference(run(*d, on_devices, false), wanted_devices) == kSteps);
}

TEST_CASE("chip graphs: two chips of a process do not see each other") {
    std::vector<RandomGraph> pair;
    for_each_graph(3001, 8, {}, [&](const RandomGraph& graph) { pair.push_back(graph); });
    for (std::size_t i = 0; i + 1 < pair.size(); i += 2) {
        CAPTURE(i);
        const auto a = on_chip(pair[i], chip_of(2, 1)), b = on_chip(pair[i + 1], chip_of(2, 2));
        const auto alone_a = functional(pair[i]), alone_b = functional(pair[i + 1]);
        std::size_t different = 0;
        for (std::uint32_t t = 0; t < kSteps; ++t) {
            for (const auto& [net, reference, graph] :
                 {std::tuple<RunningNetwork*, RunningNetwork*, const RandomGraph*>{a.get(), alone_a.get(),
                                                                                   &pair[i]},
                  {b.get(), alone_b.get(), &pair[i + 1]}}) {
                const auto events = random_events(graph->seed, t, net->input_size(), true);
                net->step(events);
                reference->step(events);
                different += see(*net) == see(*reference) ? 0 : 1;
            }
        }
        CHECK(different == 0);
    }
}

TEST_CASE("chip graphs: state goes from one engine to the other in the middle of a run") {
    for_each_graph(4001, graphs(30), {}, [&](const RandomGraph& graph) {
        const auto whole = functional(graph);
        const std::vector<Seen> wanted = run(*whole, graph);
        for (const std::uint32_t at : {1U, 2U, 3U, kSteps / 2}) {
            CAPTURE(at);
            const std::vector<Seen> rest(wanted.begin() + at, wanted.end());
            const auto first = functional(graph);
            run(*first, graph, true, 0, at);
            const std::vector<std::any> state = state_of(*first);
            // functional -> chip -> another mesh -> functional
            const auto chip = on_chip(graph, chip_of(2, 2)), other = on_chip(graph, chip_of(3, 1));
            run(*other, graph, true, 0, 5);  // what lies there already goes
            for (RunningNetwork* to :
                 {static_cast<RunningNetwork*>(chip.get()), static_cast<RunningNetwork*>(other.get())}) {
                host::MemoryReader reader(state);
                to->read_state(reader);
                CHECK(to->steps_done() == at);
                CHECK(words_of(*to) == words_of(*first));
            }
            const std::vector<std::any> of_chip = state_of(*chip);
            CHECK(first_difference(run(*chip, graph, true, at), rest) == kSteps);
            CHECK(first_difference(run(*other, graph, true, at), rest) == kSteps);
            const auto back = functional(graph);
            host::MemoryReader reader(of_chip);
            back->read_state(reader);
            CHECK(first_difference(run(*back, graph, true, at), rest) == kSteps);
        }
    });
}

#ifdef __SANITIZE_ADDRESS__
constexpr bool kFreedMemoryStays = true;  // AddressSanitizer holds it back to find uses of it
#else
constexpr bool kFreedMemoryStays = false;
#endif

TEST_CASE("chip graphs: networks one after the other do not take more and more memory" *
          doctest::skip(kFreedMemoryStays)) {
    const auto resident_bytes = [] {
        std::ifstream file("/proc/self/statm");
        std::uint64_t pages = 0, resident = 0;
        file >> pages >> resident;
        return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    };
    const auto one = [](std::uint64_t seed) {
        const RandomGraph graph = random_graph(5001 + seed % 10);
        if (!refusal(graph).empty()) {
            return;
        }
        const auto chip = on_chip(graph, chip_of(2, 2));
        run(*chip, graph, true, 0, 5);
        const ChipNetwork next(graph.network, "net", graph.discretisation, *chip);
        const host::Experiment experiment = devices();
        CrossbarMapping mapping(experiment, 1.0);
        const auto on_devices = on_chip(graph, chip_of(2, 1), &mapping);
        run(*on_devices, graph, false, 0, 2);
    };
    for (std::uint64_t i = 0; i < 20; ++i) {  // every kind once or twice
        one(i);
    }
    const std::uint64_t before = resident_bytes();
    const std::uint64_t count = graphs(50);
    for (std::uint64_t i = 0; i < count; ++i) {
        one(i);
    }
    const std::uint64_t after = resident_bytes();
    CAPTURE(before);
    CAPTURE(after);
    CHECK(before > 0);
    CHECK(after <= before + (std::uint64_t{4} << 20));
}
