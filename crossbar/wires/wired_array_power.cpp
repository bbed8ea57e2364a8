// Node voltages of a WiredArray and where its power goes.
#include <algorithm>

#include "crossbar/base/error.hpp"
#include "crossbar/wires/block_solver.hpp"
#include "crossbar/wires/kept_block.hpp"
#include "crossbar/wires/wired_array.hpp"

namespace memprop::crossbar {
namespace {

constexpr std::size_t kVectorsAtOnce = 64;

// From the voltages of a kept block's ports down to the devices.
struct VoltageWalk {
    BlockSolver& solver;
    BlockDevices devices;  // of the whole array
    BlockVoltages out;
    std::size_t vectors;
    BlockDevices devices_at(std::size_t row, std::size_t column) const {
        return {devices.siemens + row * devices.stride + column, devices.stride};
    }
    BlockVoltages out_at(std::size_t row, std::size_t column) const {
        const std::size_t offset = row * out.row_stride + column;
        return {out.word_lines + offset, out.bit_lines + offset, out.row_stride, out.vector_stride};
    }

    void descend(const KeptBlock& block, const double* port_volts, std::size_t depth) {
        const Shape& shape = *block.shape;
        const BlockDevices block_devices = devices_at(block.row, block.column);
        const BlockVoltages block_out = out_at(block.row, block.column);
        if (shape.is_strip()) {
            solver.strip_voltages(shape, block_devices, port_volts, vectors, block_out);
            return;
        }
        const double* matrices[2];
        for (std::size_t c = 0; c < 2; ++c) {
            matrices[c] = block.child[c] != nullptr ? block.child[c]->matrix.get()
                                                    : solver.reduce_child(shape, block_devices, c, depth);
        }
        const auto volts = solver.child_volts(shape, {matrices[0], matrices[1]}, port_volts, vectors, depth);
        for (std::size_t c = 0; c < 2; ++c) {
            if (block.child[c] != nullptr) {
                descend(*block.child[c], volts[c], depth + 1);
            } else if (c == 0) {
                solver.voltages(*shape.child[0], block_devices, volts[0], vectors, block_out, depth + 1);
            } else {
                solver.voltages(*shape.child[1], block_devices.second_child(shape), volts[1], vectors,
                                block_out.second_child(shape), depth + 1);
            }
        }
    }
};

double square_over(double volts, double ohm) {
    return ohm > 0.0 ? volts * volts / ohm : 0.0;
}

}  // namespace

void WiredArray::node_voltages(std::span<const double> volts, std::span<double> word_line_volts,
                               std::span<double> bit_line_volts,
                               const std::function<void()>& between_blocks) const {
    const std::size_t vectors = vectors_in(volts);
    const std::size_t devices = rows_ * columns_;
    check_size("word-line voltages", word_line_volts.size(), vectors * devices);
    check_size("bit-line voltages", bit_line_volts.size(), vectors * devices);
    BlockSolver solver(wires_);
    solver.call_between_blocks(between_blocks);
    std::vector<double> port_volts;
    for (std::size_t begin = 0; begin < vectors; begin += kVectorsAtOnce) {
        const std::size_t count = std::min(kVectorsAtOnce, vectors - begin);
        const std::size_t stride = padded(count);
        port_volts.assign((rows_ + columns_) * stride, 0.0);  // the virtual grounds stay at 0 V
        for (std::size_t v = 0; v < count; ++v) {
            for (std::size_t i = 0; i < rows_; ++i) {
                port_volts[i * stride + v] = volts[(begin + v) * rows_ + i];
            }
        }
        VoltageWalk walk{solver,
                         {siemens_.data(), columns_},
                         {word_line_volts.data() + begin * devices, bit_line_volts.data() + begin * devices,
                          columns_, devices},
                         count};
        walk.descend(*root_, port_volts.data(), 0);
    }
}

std::vector<ReadPower> WiredArray::read_power(std::span<const double> volts,
                                              const std::function<void()>& between_blocks) const {
    const std::size_t vectors = vectors_in(volts);
    const std::size_t devices = rows_ * columns_;
    const std::size_t at_once = std::min(vectors, kVectorsAtOnce);
    std::vector<double> word(at_once * devices);
    std::vector<double> bit(at_once * devices);
    std::vector<ReadPower> powers;
    for (std::size_t begin = 0; begin < vectors; begin += at_once) {
        const std::size_t count = std::min(at_once, vectors - begin);
        node_voltages(volts.subspan(begin * rows_, count * rows_), std::span(word).first(count * devices),
                      std::span(bit).first(count * devices), between_blocks);
        for (std::size_t v = 0; v < count; ++v) {
            const std::span<const double> source = volts.subspan((begin + v) * rows_, rows_);
            powers.push_back(power_of(source, word.data() + v * devices, bit.data() + v * devices));
        }
    }
    return powers;
}

ReadPower WiredArray::power_of(std::span<const double> source, const double* word, const double* bit) const {
    ReadPower power;
    power.drawn_watts = drawn_power_watts(source);
    // A segment and the driver or sense resistance beside it share their power by resistance.
    const auto add_end = [](double drop, double segment_ohm, double end_ohm, double& segment_watts,
                            double& end_watts) {
        const double ohm = segment_ohm + end_ohm;
        if (ohm > 0.0) {
            const double watts = drop * drop / ohm;
            segment_watts += watts * (segment_ohm / ohm);
            end_watts += watts * (end_ohm / ohm);
        }
    };
    const auto add_source = [&](double drop) {
        add_end(drop, wires_.r_wl_ohm, wires_.r_driver_ohm, power.word_lines_watts, power.drivers_watts);
    };
    const auto add_ground = [&](double drop) {
        add_end(drop, wires_.r_bl_ohm, wires_.r_sense_ohm, power.bit_lines_watts, power.sense_watts);
    };
    for (std::size_t i = 0; i < rows_; ++i) {
        const double* w = word + i * columns_;
        const double* b = bit + i * columns_;
        const double* g = siemens_.data() + i * columns_;
        for (std::size_t j = 0; j < columns_; ++j) {
            power.devices_watts += g[j] * (w[j] - b[j]) * (w[j] - b[j]);
            if (j > 0) {
                power.word_lines_watts += square_over(w[j - 1] - w[j], wires_.r_wl_ohm);
            }
            if (i > 0) {
                power.bit_lines_watts += square_over(bit[(i - 1) * columns_ + j] - b[j], wires_.r_bl_ohm);
            }
        }
        add_source(source[i] - w[0]);
        if (wires_.drive_both_ends) {
            add_source(source[i] - w[columns_ - 1]);
        }
    }
    for (std::size_t j = 0; j < columns_; ++j) {
        add_ground(bit[(rows_ - 1) * columns_ + j]);
        if (wires_.sense_both_ends) {
            add_ground(bit[j]);
        }
    }
    return power;
}

}  // namespace memprop::crossbar
