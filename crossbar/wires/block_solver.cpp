#include "crossbar/wires/block_solver.hpp"

#include <algorithm>
#include <cstdint>

namespace memprop::crossbar {
namespace {

// Clears what eliminate() uses of a matrix: the diagonal and what is above it.
void clear_matrix(double* matrix, std::size_t ports, std::size_t rows) {
    const std::size_t stride = padded(ports);
    for (std::size_t i = 0; i < rows; ++i) {
        const std::size_t begin = i / kColumnGroup * kColumnGroup;
        std::fill_n(matrix + i * stride + begin, stride - begin, 0.0);
    }
}

double inverse(double ohm) {
    return ohm > 0.0 ? 1.0 / ohm : 0.0;
}

std::array<Scratch, 2>& at_depth(std::deque<std::array<Scratch, 2>>& buffers, std::size_t depth) {
    if (buffers.size() <= depth) {
        buffers.resize(depth + 1);
    }
    return buffers[depth];
}

// A rectangle of conductances of a child, row a[i], column b[j], added where it belongs in the parent.
struct Rectangle {
    const double* from;
    std::size_t from_stride;
    std::size_t rows, columns;
    bool above_diagonal;  // only columns > row

    void add(double* to, std::size_t to_stride) const {
        for (std::size_t i = 0; i < rows; ++i) {
            for (std::size_t j = above_diagonal ? i + 1 : 0; j < columns; ++j) {
                to[i * to_stride + j] += from[i * from_stride + j];
            }
        }
    }
    void add_transposed(double* to, std::size_t to_stride) const {
        for (std::size_t i = 0; i < rows; ++i) {
            for (std::size_t j = 0; j < columns; ++j) {
                to[j * to_stride + i] += from[i * from_stride + j];
            }
        }
    }
};

void add_child(const std::vector<PortRun>& runs, const double* child, std::size_t child_stride,
               const Front& front, double* matrix, std::size_t matrix_stride, std::size_t matrix_rows) {
    for (std::size_t i = 0; i < runs.size(); ++i) {
        for (std::size_t j = i; j < runs.size(); ++j) {
            const PortRun& a = runs[i];
            const PortRun& b = runs[j];
            Rectangle r{child + a.from * child_stride + b.from, child_stride, a.length, b.length, i == j};
            if (a.eliminated && b.eliminated) {
                if (a.to <= b.to) {
                    r.add(front.rows + a.to * front.stride + b.to, front.stride);
                } else {
                    r.add_transposed(front.rows + b.to * front.stride + a.to, front.stride);
                }
            } else if (a.eliminated) {
                r.add(front.rows + a.to * front.stride + front.outer_begin + b.to, front.stride);
            } else if (b.eliminated) {
                r.add_transposed(front.rows + b.to * front.stride + front.outer_begin + a.to, front.stride);
            } else if (matrix != nullptr && a.to < matrix_rows) {
                r.rows = std::min<std::size_t>(r.rows, matrix_rows - a.to);
                r.add(matrix + a.to * matrix_stride + b.to, matrix_stride);
            }
        }
    }
}

}  // namespace

double* Scratch::at_least(std::size_t count) {
    if (count > size_) {
        memory_ = allocate_doubles(count);
        size_ = count;
    }
    return memory_.get();
}

BlockDevices BlockDevices::second_child(const Shape& parent) const {
    const Extent& first = parent.child[0]->extent;
    return {siemens + (parent.split_rows ? first.rows * stride : first.columns), stride};
}

BlockVoltages BlockVoltages::second_child(const Shape& parent) const {
    const Extent& first = parent.child[0]->extent;
    const std::size_t offset = parent.split_rows ? first.rows * row_stride : first.columns;
    return {word_lines + offset, bit_lines + offset, row_stride, vector_stride};
}

BlockSolver::BlockSolver(const WireParameters& wires)
    : segment_siemens_{0.0, inverse(wires.r_wl_ohm), inverse(wires.r_wl_ohm + wires.r_driver_ohm),
                       inverse(wires.r_bl_ohm), inverse(wires.r_bl_ohm + wires.r_sense_ohm)} {}

void BlockSolver::pause(const Shape& shape) const {
    constexpr std::size_t kDevices = 512;  // worth 0.1 ms
    if (between_blocks_ && std::size_t{shape.extent.rows} * shape.extent.columns >= kDevices) {
        between_blocks_();
    }
}

Front BlockSolver::clear_front(const Shape& shape) {
    const std::size_t outer_begin = padded(shape.eliminated);
    const std::size_t stride = outer_begin + padded(shape.ports);
    const std::size_t count = shape.eliminated * stride;
    double* rows = rows_.at_least(count);
    std::fill_n(rows, count, 0.0);
    return {rows, weights_.at_least(count), shape.eliminated, outer_begin, stride};
}

Front BlockSolver::strip_front(const Shape& shape, const double* siemens, double* matrix) {
    const Front front = clear_front(shape);
    const std::size_t matrix_stride = padded(shape.ports);
    for (const Link& link : shape.links) {
        const double g = link.kind == Link::Kind::device
                             ? siemens[link.index]
                             : segment_siemens_[static_cast<std::size_t>(link.kind)];
        if (link.a < front.eliminated) {
            const std::size_t column =
                link.b < front.eliminated ? link.b : front.outer_begin + link.b - front.eliminated;
            front.rows[link.a * front.stride + column] += g;
        } else if (matrix != nullptr) {
            matrix[(link.a - front.eliminated) * matrix_stride + link.b - front.eliminated] += g;
        }
    }
    return front;
}

Front BlockSolver::join_front(const Shape& shape, const ChildMatrices& children, double* matrix,
                              std::size_t rows) {
    const Front front = clear_front(shape);
    for (std::size_t c = 0; c < 2; ++c) {
        add_child(shape.runs[c], children[c], padded(shape.child[c]->ports), front, matrix,
                  padded(shape.ports), rows);
    }
    return front;
}

void BlockSolver::reduce(const Shape& shape, const BlockDevices& devices, double* matrix, std::size_t depth) {
    if (!shape.is_strip()) {
        const double* first = reduce_child(shape, devices, 0, depth);
        const double* second = reduce_child(shape, devices, 1, depth);
        join(shape, first, second, matrix, shape.ports);
        return;
    }
    clear_matrix(matrix, shape.ports, shape.ports);
    eliminate(strip_front(shape, devices.siemens, matrix), matrix, padded(shape.ports), shape.ports);
}

const double* BlockSolver::reduce_child(const Shape& shape, const BlockDevices& devices, std::size_t c,
                                        std::size_t depth) {
    const Shape& child = *shape.child[c];
    double* matrix = at_depth(matrices_, depth)[c].at_least(matrix_size(child));
    reduce(child, c == 0 ? devices : devices.second_child(shape), matrix, depth + 1);
    return matrix;
}

void BlockSolver::join(const Shape& shape, const double* first, const double* second, double* matrix,
                       std::size_t rows) {
    pause(shape);
    const std::size_t stride = padded(shape.ports);
    clear_matrix(matrix, shape.ports, rows);
    eliminate(join_front(shape, {first, second}, matrix, rows), matrix, stride, rows);
}

// The voltage of an eliminated node is the weighted mean of those of its neighbours, last node first.
const double* BlockSolver::eliminated_volts(const Front& front, const double* port_volts, std::size_t ports,
                                            std::size_t vectors) {
    const std::size_t stride = padded(vectors);
    const std::size_t k = front.eliminated;
    double* volts = inner_volts_.at_least(k * stride);
    std::fill_n(volts, k * stride, 0.0);
    factorise(front);
    add_product({front.weights + front.outer_begin, front.stride, port_volts, stride, volts, stride, k,
                 vectors, ports});
    for (std::size_t p = k; p-- > 0;) {
        add_product({front.weights + p * front.stride + p + 1, front.stride, volts + (p + 1) * stride, stride,
                     volts + p * stride, stride, 1, vectors, k - 1 - p});
    }
    return volts;
}

void BlockSolver::strip_voltages(const Shape& shape, const BlockDevices& devices, const double* port_volts,
                                 std::size_t vectors, const BlockVoltages& out) {
    const Front front = strip_front(shape, devices.siemens, nullptr);
    const double* inner = eliminated_volts(front, port_volts, shape.ports, vectors);
    const std::size_t stride = padded(vectors);
    for (std::size_t j = 0; j < shape.devices.size(); ++j) {
        const auto volts_of = [&](std::uint32_t node) {
            return node < shape.eliminated ? inner + node * stride
                                           : port_volts + (node - shape.eliminated) * stride;
        };
        const double* word_line = volts_of(shape.devices[j].word_line);
        const double* bit_line = volts_of(shape.devices[j].bit_line);
        for (std::size_t v = 0; v < vectors; ++v) {
            out.word_lines[v * out.vector_stride + j] = word_line[v];
            out.bit_lines[v * out.vector_stride + j] = bit_line[v];
        }
    }
}

BlockSolver::ChildVolts BlockSolver::child_volts(const Shape& shape, const ChildMatrices& children,
                                                 const double* port_volts, std::size_t vectors,
                                                 std::size_t depth) {
    pause(shape);
    const Front front = join_front(shape, children, nullptr, 0);
    const double* inner = eliminated_volts(front, port_volts, shape.ports, vectors);
    const std::size_t stride = padded(vectors);
    auto& buffers = at_depth(volts_, depth);
    ChildVolts result{};
    for (std::size_t c = 0; c < 2; ++c) {
        double* volts = buffers[c].at_least(shape.child[c]->ports * stride);
        for (const PortRun& run : shape.runs[c]) {
            const double* source = (run.eliminated ? inner : port_volts) + run.to * stride;
            std::copy_n(source, run.length * stride, volts + run.from * stride);
        }
        result[c] = volts;
    }
    return result;
}

void BlockSolver::voltages(const Shape& shape, const BlockDevices& devices, const double* port_volts,
                           std::size_t vectors, const BlockVoltages& out, std::size_t depth) {
    if (shape.is_strip()) {
        strip_voltages(shape, devices, port_volts, vectors, out);
        return;
    }
    const double* first = reduce_child(shape, devices, 0, depth);
    const double* second = reduce_child(shape, devices, 1, depth);
    const ChildVolts volts = child_volts(shape, {first, second}, port_volts, vectors, depth);
    voltages(*shape.child[0], devices, volts[0], vectors, out, depth + 1);
    voltages(*shape.child[1], devices.second_child(shape), volts[1], vectors, out.second_child(shape),
             depth + 1);
}

}  // namespace memprop::crossbar
