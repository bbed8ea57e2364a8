#include "host_runtime/digital_core/core_directory.hpp"

#include <fmt/format.h>

#include <charconv>
#include <sstream>

#include "crossbar/base/error.hpp"
#include "host_runtime/files/atomic_file.hpp"

namespace memprop::host {
namespace {

using hw::MemoryCode;
using hw::Reg;

std::string matrix_csv(const std::vector<std::int8_t>& values, std::uint32_t columns) {
    std::string text;
    for (std::size_t i = 0; i < values.size(); ++i) {
        fmt::format_to(std::back_inserter(text), "{}{}", static_cast<int>(values[i]),
                       (i + 1) % columns == 0 ? '\n' : ',');
    }
    return text;
}

std::string neurons_csv(const CoreHost& host) {
    const hw::CoreState& m = host.core().memory();
    std::string text = "neuron,u,threshold,alpha,trace_in,trace_rec,trace_out\n";
    for (std::uint32_t j = 0; j < std::max(host.network().neurons, host.network().inputs); ++j) {
        const bool live = m.dirty.test(j);
        const auto shown = [&](int value) { return live ? value : 0; };  // clear: the fields read as 0
        fmt::format_to(std::back_inserter(text), "{},{},{},{},{},{},{}\n", j, shown(m.u[j]), m.thr[j],
                       m.alpha[j], shown(m.ti[j]), shown(m.tr[j]), shown(m.to[j]));
    }
    return text;
}

std::string registers_csv(const hw::Registers& registers) {
    std::string text = "register,value\n";
    for (const hw::RegisterInfo& info : hw::register_table()) {
        if (info.number != static_cast<std::uint8_t>(Reg::EN_CONF)) {  // a state of the bus
            fmt::format_to(std::back_inserter(text), "{},{}\n", info.name, registers.at(info.number));
        }
    }
    return text;
}

/// Rows of whole numbers.
std::vector<std::vector<std::int64_t>> read_rows(const std::filesystem::path& file, bool header) {
    std::istringstream in(read_text(file));
    std::vector<std::vector<std::int64_t>> rows;
    std::string line;
    std::uint64_t number = 0;
    const auto fail = [&](const std::string& reason) {
        throw InputError(fmt::format("{}: line {}: {}", file.string(), number, reason));
    };
    while (std::getline(in, line)) {
        ++number;
        if (!line.empty() && line.back() == '\r') {
            line.pop_back();
        }
        if ((header && number == 1) || line.empty()) {
            continue;
        }
        std::vector<std::int64_t> row;
        const char* const last = line.data() + line.size();
        for (const char* at = line.data();;) {
            std::int64_t value = 0;
            const auto [end, error] = std::from_chars(at, last, value);
            if (error != std::errc() || (end != last && *end != ',')) {
                fail("whole numbers separated by commas are needed");
            }
            row.push_back(value);
            if (end == last) {
                break;
            }
            at = end + 1;
        }
        if (!rows.empty() && row.size() != rows.front().size()) {
            fail(fmt::format("{} numbers, the rows before have {}", row.size(), rows.front().size()));
        }
        rows.push_back(std::move(row));
    }
    if (rows.empty()) {
        fail("holds no numbers");
    }
    return rows;
}

std::vector<std::int8_t> read_matrix(const std::filesystem::path& file, std::uint32_t rows,
                                     std::uint32_t columns) {
    const auto stored = read_rows(file, false);
    if (stored.size() != rows || stored.front().size() != columns) {
        throw InputError(
            fmt::format("{}: {} x {} numbers, the registers NUM_INP, NUM_REC and NUM_OUT say {} x {}",
                        file.string(), stored.size(), stored.front().size(), rows, columns));
    }
    std::vector<std::int8_t> result;
    for (const auto& row : stored) {
        for (const std::int64_t value : row) {
            if (value < -128 || value > 127) {
                throw InputError(file.string(), value, "weights must be in [-128, 127]");
            }
            result.push_back(static_cast<std::int8_t>(value));
        }
    }
    return result;
}

void read_neurons(const std::filesystem::path& file, QuantisedNetwork& net) {
    const auto neurons = read_rows(file, true);
    if (neurons.size() < std::max(net.neurons, net.inputs) || neurons.front().size() != 7) {
        throw InputError(fmt::format("{}: {} rows of {} numbers, {} rows of 7 are needed", file.string(),
                                     neurons.size(), neurons.front().size(),
                                     std::max(net.neurons, net.inputs)));
    }
    for (std::size_t j = 0; j < neurons.size(); ++j) {
        const std::int64_t threshold = neurons[j][2], alpha = neurons[j][3];
        if (threshold < -32768 || threshold > 32767 || alpha < 0x7000 || alpha > 0x8FFF) {
            throw InputError(
                fmt::format("{}: neuron {}: threshold = {} must be in [-32768, 32767], alpha = "
                            "{} in [28672, 36863]",
                            file.string(), j, threshold, alpha));
        }
        net.alpha.push_back(static_cast<std::uint16_t>(alpha));
        net.threshold.push_back(static_cast<std::int16_t>(threshold));
        if (j % 2 == 1 && (net.alpha[j] != net.alpha[j - 1] || net.threshold[j] != net.threshold[j - 1])) {
            throw InputError(
                fmt::format("{}: neurons {} and {} differ in alpha or threshold: the core has "
                            "one for a pair",
                            file.string(), j - 1, j));
        }
    }
}

}  // namespace

void create_core_directory(const std::filesystem::path& directory) {
    std::error_code error;
    std::filesystem::create_directories(directory / "weights", error);
    if (error) {
        throw RunError(fmt::format("{}: cannot be created: {}", directory.string(), error.message()));
    }
}

void write_core_directory(const CoreHost& host, const std::filesystem::path& directory) {
    create_core_directory(directory);
    const QuantisedNetwork& net = host.network();
    const auto put = [&](const char* name, MemoryCode code, std::uint32_t columns) {
        write_text_atomically(directory / "weights" / fmt::format("{}.csv", name),
                              matrix_csv(host.weights(code), columns));
    };
    put("w_in", MemoryCode::w_in, net.neurons);
    put("w_rec", MemoryCode::w_rec, net.neurons);
    put("w_out", MemoryCode::w_out, net.outputs);
    write_text_atomically(directory / "neurons.csv", neurons_csv(host));
    write_text_atomically(directory / "registers.csv", registers_csv(host.core().registers()));
}

QuantisedNetwork read_core_directory(const std::filesystem::path& directory, RegisterList& registers) {
    registers = read_registers(directory / "registers.csv");
    hw::Registers written{hw::CoreShape{}};
    for (const auto& [number, value] : registers) {
        written.write(number, value);
    }
    QuantisedNetwork net;
    net.inputs = written.last_input() + 1;
    net.neurons = net.real_neurons = written.last_neuron() + 1;
    net.outputs = written.last_output() + 1;
    net.kappa = static_cast<std::uint8_t>(written[Reg::KAPPA]);
    net.reset_to_zero = written.flag(Reg::RST_MODE);
    const auto load = [&](QuantisedMatrix& matrix, const char* name, std::uint32_t rows,
                          std::uint32_t columns, Reg shift) {
        matrix.weights = read_matrix(directory / "weights" / fmt::format("{}.csv", name), rows, columns);
        matrix.shift = written[shift];
    };
    load(net.w_in, "w_in", net.inputs, net.neurons, Reg::FP_LOC_WINP);
    load(net.w_rec, "w_rec", net.neurons, net.neurons, Reg::FP_LOC_WREC);
    load(net.w_out, "w_out", net.neurons, net.outputs, Reg::FP_LOC_WOUT);
    read_neurons(directory / "neurons.csv", net);
    return net;
}

}  // namespace memprop::host
