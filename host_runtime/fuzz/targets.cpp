#include "host_runtime/fuzz/targets.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <sstream>
#include <stdexcept>

#include "crossbar/base/error.hpp"
#include "host_runtime/events/event_reader.hpp"
#include "host_runtime/graph/functional_network.hpp"
#include "host_runtime/live/step_clock.hpp"
#include "host_runtime/live/words.hpp"

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
    FunctionalNetwork simulator(network, "fuzz", discretisation);
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

/// The first byte says how the rest comes in pieces.
void spif(std::span<const char> bytes) {
    if (bytes.empty()) {
        return;
    }
    const std::size_t piece = static_cast<std::uint8_t>(bytes.front()) % 16 + 1;
    const std::span<const std::uint8_t> data(reinterpret_cast<const std::uint8_t*>(bytes.data()) + 1,
                                             bytes.size() - 1);
    live::WordDecoder decoder;
    std::vector<live::Word> words;
    for (std::size_t at = 0; at < data.size(); at += piece) {
        decoder.feed(data.subspan(at, std::min(piece, data.size() - at)), words);
    }
    decoder.finish();
    events::ReaderOptions options;
    options.input_size = 6144;
    options.input_shape = h5::Shape{2, 48, 64};
    const live::WordMap map(options);
    live::StepClock clock(1e-3);
    const auto begin = live::Clock::time_point();
    std::int64_t newest = 0;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i % 64 == 63) {
            clock.restart(newest);
        }
        const std::int64_t step = clock.step_of(words[i], begin + std::chrono::microseconds(100 * i));
        if (step < 0) {
            throw std::logic_error("a step before the first");
        }
        newest = std::max(newest, step);
        map.input(words[i]);
    }
    clock.time_of(newest);
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
    static constexpr std::array<Target, 7> kTargets{{{"tree", tree},
                                                     {"n_mnist", camera<events::open_n_mnist>},
                                                     {"prophesee_raw", camera<events::open_prophesee_raw>},
                                                     {"prophesee_dat", camera<events::open_prophesee_dat>},
                                                     {"aedat4", camera<events::open_aedat4>},
                                                     {"csv", csv},
                                                     {"spif", spif}}};
    return kTargets;
}

}  // namespace memprop::host::fuzz
