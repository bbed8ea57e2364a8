#include "host_runtime/fuzz/targets.hpp"

#include <array>
#include <sstream>

#include "crossbar/base/error.hpp"
#include "host_runtime/events/event_reader.hpp"
#include "host_runtime/graph/simulator.hpp"

namespace memprop::host::fuzz {
namespace {

void run_network(const nir::Network& network) {
    std::uint64_t elements = 0;
    for (const nir::FlatNode& node : nir::flatten(network, "fuzz").nodes) {
        elements += node.output_size() + node.input_size();
    }
    bool found = false;
    const Discretisation discretisation = discretisation_of(network, "fuzz", found);
    constexpr std::uint64_t kSmall = 10000;  // larger ones cost the fuzzer more time than they teach
    if (elements > kSmall) {
        return;
    }
    Simulator simulator(network, "fuzz", discretisation);
    const std::array<std::uint32_t, 2> events{0, static_cast<std::uint32_t>(simulator.input_size() - 1)};
    for (int k = 0; k < 4; ++k) {
        simulator.step(events);
    }
    std::vector<double> out(simulator.output_size());
    simulator.read_output(out);
}

void tree(std::span<const char> bytes) {
    try {
        run_network(nir::parse_network(nir::deserialise(bytes), "fuzz"));
    } catch (const InputError&) {
        return;
    }
}

template <class Open>
void recording(std::span<const char> bytes, Open open) {
    try {
        auto in = std::make_unique<std::istringstream>(std::string(bytes.begin(), bytes.end()));
        const auto reader = open(std::move(in));
        std::array<events::TimedEvent, 256> block;
        while (reader->read(block) != 0) {
        }
    } catch (const InputError&) {
        return;
    }
}

constexpr events::SensorMap kSensor{64, 48, 2};

using OpenCamera = std::unique_ptr<events::EventReader> (*)(events::Stream, const std::string&,
                                                            const events::SensorMap&);
template <OpenCamera open>
void camera(std::span<const char> bytes) {
    recording(bytes, [](events::Stream in) { return open(std::move(in), "fuzz", kSensor); });
}

void csv(std::span<const char> bytes) {
    recording(bytes, [](events::Stream in) {
        events::ReaderOptions options;
        options.input_size = 100;
        return events::open_csv(std::move(in), "fuzz", options);
    });
}

}  // namespace

std::span<const Target> targets() {
    static constexpr std::array<Target, 6> kTargets{{{"tree", tree},
                                                     {"n_mnist", camera<events::open_n_mnist>},
                                                     {"prophesee_raw", camera<events::open_prophesee_raw>},
                                                     {"prophesee_dat", camera<events::open_prophesee_dat>},
                                                     {"aedat4", camera<events::open_aedat4>},
                                                     {"csv", csv}}};
    return kTargets;
}

}  // namespace memprop::host::fuzz
