#include "host_runtime/digital_core/core_host.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <sstream>

#include "crossbar/base/error.hpp"
#include "host_runtime/files/atomic_file.hpp"

namespace memprop::host {
namespace {

using hw::Core;
using hw::MemoryCode;
using hw::Reg;

std::int64_t parse_value(const std::string& where, std::string_view text) {
    const bool negative = text.starts_with('-');
    std::string_view digits = negative ? text.substr(1) : text;
    const bool hexadecimal = digits.starts_with("0x");
    if (hexadecimal) {
        digits.remove_prefix(2);
    }
    std::int64_t value = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, hexadecimal ? 16 : 10);
    if (error != std::errc() || end != digits.data() + digits.size() || digits.empty()) {
        throw InputError(where, text, "must be a whole number (0x... for hexadecimal)");
    }
    return negative ? -value : value;
}

}  // namespace

std::pair<std::uint32_t, std::uint32_t> parse_register(const std::string& text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) {
        throw InputError("register", text, "must be NAME=VALUE or NUMBER=VALUE");
    }
    const std::string name = text.substr(0, equals);
    const hw::RegisterInfo* found = nullptr;
    for (const hw::RegisterInfo& info : hw::register_table()) {
        if (info.name == name || std::to_string(info.number) == name) {
            found = &info;
        }
    }
    if (found == nullptr) {
        std::vector<std::string_view> names;
        for (const hw::RegisterInfo& info : hw::register_table()) {
            names.push_back(info.name);
        }
        throw InputError("register", name, fmt::format("the core has {}", fmt::join(names, ", ")));
    }
    const std::int64_t value = parse_value(fmt::format("register {}", found->name), text.substr(equals + 1));
    const std::int64_t limit = std::int64_t{1} << found->bits;
    if (value >= limit || value < -limit / 2) {
        throw InputError(fmt::format("register {}", found->name), value,
                         fmt::format("has {} bits: must be in [{}, {}]", found->bits, -limit / 2, limit - 1));
    }
    return {found->number, static_cast<std::uint32_t>(value & (limit - 1))};
}

RegisterList read_registers(const std::filesystem::path& file) {
    std::istringstream in(read_text(file));
    std::string line;
    std::getline(in, line);
    RegisterList result;
    if (line != "register,value" && line != "register,value\r") {
        throw InputError(fmt::format("{}: line 1: the header must be 'register,value'", file.string()));
    }
    for (std::uint64_t number = 2; std::getline(in, line); ++number) {
        if (!line.empty() && line.back() == '\r') {
            line.pop_back();
        }
        if (line.empty()) {
            continue;
        }
        const std::size_t comma = line.find(',');
        if (comma != std::string::npos) {
            line[comma] = '=';
        }
        try {
            result.push_back(parse_register(line));
        } catch (const InputError& error) {
            throw InputError(fmt::format("{}: line {}: {}", file.string(), number, error.what()));
        }
    }
    return result;
}

CoreHost::CoreHost(const QuantisedNetwork& network, const RegisterList& registers) : network_(network) {
    core_.reset_registers();
    core_.reset();
    core_.set_configuration_enabled(true);
    write(Reg::EN_CONF, 1);
    for (const hw::RegisterInfo& info : hw::register_table()) {
        if (!info.has_reset) {
            write(info.number, 0);  // flip-flops without a reset value hold anything
        }
    }
    write(Reg::NUM_INP, network.inputs - 1);
    write(Reg::NUM_REC, network.neurons - 1);
    write(Reg::NUM_OUT, network.outputs - 1);
    write(Reg::RST_MODE, network.reset_to_zero ? 1 : 0);
    write(Reg::KAPPA, network.kappa);
    write(Reg::FP_LOC_WINP, network.w_in.shift);
    write(Reg::FP_LOC_WREC, network.w_rec.shift);
    write(Reg::FP_LOC_WOUT, network.w_out.shift);
    write(Reg::DO_EPROP, 0);
    // Words up to the last input need a leak for its trace and a threshold that a membrane at 0 is below.
    const std::uint32_t last = std::max(network.inputs, network.neurons) - 1;
    std::vector<std::uint16_t> alpha(network.alpha);
    std::vector<std::int16_t> threshold(network.threshold);
    alpha.resize(last + 2, network.alpha.back());
    threshold.resize(last + 2, network.threshold.back());
    std::array<std::uint32_t, 4> alpha_msbs{};
    for (std::uint32_t word = 0; word <= last / 2; ++word) {
        alpha_msbs[word / 32] |= (alpha[2 * word] >= 0x8000 ? 1U : 0U) << (word % 32);
    }
    for (std::uint32_t k = 0; k < 4; ++k) {
        write(static_cast<std::uint32_t>(Reg::ALPHA_CONF_0) + k, alpha_msbs[k]);
    }
    for (const auto& [number, value] : registers) {
        write(number, value);
    }
    const hw::Registers& r = core_.registers();
    if (r.last_input() + 1 != network.inputs || r.last_neuron() + 1 != network.neurons ||
        r.last_output() + 1 != network.outputs) {
        throw InputError(fmt::format(
            "registers NUM_INP, NUM_REC, NUM_OUT = {}, {}, {}: the network needs {}, {}, {}", r.last_input(),
            r.last_neuron(), r.last_output(), network.inputs - 1, network.neurons - 1, network.outputs - 1));
    }
    do_eprop_ = r.do_eprop();
    for (std::uint32_t word = 0; word <= last / 2; ++word) {
        const std::uint32_t packed =
            (alpha[2 * word] & 0xFFFU) << 20 |
            static_cast<std::uint32_t>(static_cast<std::uint16_t>(threshold[2 * word])) << 4;
        for (std::uint32_t chunk = 0; chunk < 4; ++chunk) {
            core_.write_memory(MemoryCode::neuron, word << 2 | chunk, chunk == 3 ? packed : 0);
        }
    }
    write_rows(MemoryCode::w_in, network.w_in.weights, network.neurons, 6);
    write_rows(MemoryCode::w_rec, network.w_rec.weights, network.neurons, 6);
    write_rows(MemoryCode::w_out, network.w_out.weights, network.outputs, 2);
    write(Reg::EN_CONF, 0);
}

void CoreHost::write(std::uint32_t number, std::uint32_t value) {
    core_.write_register(number, value);
    if (number == static_cast<std::uint32_t>(Reg::EN_CONF)) {
        core_.set_configuration_enabled((value & 1) != 0);
    } else if (core_.configuration_enabled()) {
        core_.load_seed(number);
    }
}

void CoreHost::write_rows(MemoryCode code, const std::vector<std::int8_t>& weights, std::uint32_t columns,
                          unsigned row_shift) {
    for (std::uint32_t row = 0; row < weights.size() / columns; ++row) {
        for (std::uint32_t j = 0; j < columns; j += 4) {
            std::uint32_t word = 0;
            for (std::uint32_t b = 0; b < 4 && j + b < columns; ++b) {
                const auto byte = static_cast<std::uint8_t>(weights[std::size_t{row} * columns + j + b]);
                word |= std::uint32_t{byte} << (8 * b);
            }
            core_.write_memory(code, (row << row_shift) + j / 4, word);
        }
    }
}

void CoreHost::run_until_waiting() {
    for (std::uint64_t edges = core_.busy_edges(); edges != Core::kNever; edges = core_.busy_edges()) {
        core_.advance(edges);
    }
}

void CoreHost::tick() {
    core_.pulse_tick();
    core_.advance(1);
    run_until_waiting();
}

void CoreHost::target(std::uint8_t data) {
    core_.pulse_target(data);
    core_.advance(1);
    run_until_waiting();
}

std::uint8_t CoreHost::take_output() {
    const std::uint8_t data = core_.out_data();
    for (const bool acknowledge : {true, false}) {
        core_.set_out_ack(acknowledge);
        run_until_waiting();
    }
    return data;
}

/// Collects the spikes of a step where they are all known.
class CoreHost::SpikeObserver final : public hw::CoreObserver {
public:
    SpikeObserver(std::uint32_t sample, std::uint32_t neurons,
                  const std::function<void(const CoreSpike&)>& on_spike)
        : sample_(sample), neurons_(neurons), on_spike_(on_spike) {}

    void step_done(const Core& core) override {
        for (std::uint32_t j = 0; j < neurons_; ++j) {
            if (core.memory().z.test(j)) {
                ++count;
                on_spike_({sample_, step_, j});
            }
        }
        ++step_;
    }
    void eprop_done(const Core&) override {}

    std::uint64_t count = 0;

private:
    std::uint32_t sample_, neurons_, step_ = 0;
    const std::function<void(const CoreSpike&)>& on_spike_;
};

CoreSampleResult CoreHost::run(const CoreSample& sample, std::uint32_t number, bool train,
                               const std::function<void(const CoreSpike&)>& on_spike) {
    write(Reg::DO_EPROP, train ? do_eprop_ : 0);
    SpikeObserver observer(number, network_.real_neurons, on_spike);
    core_.set_observer(&observer);
    const hw::CycleCounts before = core_.cycles();
    core_.set_sample(true);
    auto event = sample.events.begin();
    for (std::uint32_t tick_number = 0; tick_number < sample.ticks; ++tick_number) {
        for (; event != sample.events.end() && event->step == tick_number; ++event) {
            core_.pulse_input_event(event->index);
            core_.advance(1);
        }
        if (sample.label && tick_number == sample.supervised_from) {
            core_.set_infer_acc(true);
            core_.set_target_valid(train);
            if (train) {
                target(*sample.label);
            }
        }
        if (tick_number + 1 == sample.ticks) {  // the last tick comes after SAMPLE has fallen
            core_.set_sample(false);
        }
        tick();
    }
    core_.set_observer(nullptr);
    CoreSampleResult result;
    if (core_.state() != hw::GlobalState::SEND) {
        throw RunError(
            fmt::format("the core is in state {} at the end of sample {}: its registers ask for more "
                        "than samples with labels give",
                        static_cast<int>(core_.state()), number));
    }
    while (core_.state() == hw::GlobalState::SEND && core_.out_request()) {
        result.answer = take_output();
    }
    core_.set_infer_acc(false);
    core_.set_target_valid(false);
    core_.advance(1);
    const hw::CycleCounts& after = core_.cycles();
    result.cycles = after.intrinsic() - before.intrinsic();
    result.synaptic_operations = after.synaptic_operations - before.synaptic_operations;
    result.weight_updates = after.weight_updates - before.weight_updates;
    result.spikes = observer.count;
    return result;
}

std::vector<std::int8_t> CoreHost::weights(MemoryCode code) const {
    const hw::CoreState& m = core_.memory();
    const bool out = code == MemoryCode::w_out;
    const std::uint32_t rows = code == MemoryCode::w_in ? network_.inputs : network_.neurons;
    const std::uint32_t columns = out ? network_.outputs : network_.neurons;
    const std::uint32_t stride = out ? hw::kMaxOutputs : hw::kMaxNeurons;
    const std::int8_t* memory = code == MemoryCode::w_in ? m.w_in.data()
                                : out                    ? m.w_out.data()
                                                         : m.w_rec.data();
    std::vector<std::int8_t> result;
    for (std::uint32_t row = 0; row < rows; ++row) {
        result.insert(result.end(), memory + std::size_t{row} * stride,
                      memory + std::size_t{row} * stride + columns);
    }
    return result;
}

}  // namespace memprop::host
