// How an array is cut into blocks for the exact wire solution (nested dissection, A. George, SIAM J.
// Numer. Anal. 10 (1973) 345), and which nodes each step eliminates.
//
// A block of rows x columns is reduced to the conductances between its ports: the nodes it shares with
// its neighbours, sources and virtual grounds. A strip (one row, few columns) is built from its devices
// and segments; two blocks are joined by eliminating the nodes that only the two of them share. Blocks
// of the same size and the same position relative to the array's edges have the same shape.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <tuple>
#include <vector>

#include "crossbar/wires/wire_parameters.hpp"

namespace memprop::crossbar {

struct Extent {
    std::uint32_t rows, columns;
    bool first_row, last_row, first_column, last_column;  ///< whether it reaches that edge of the array

    auto key() const { return std::tuple(rows, columns, first_row, last_row, first_column, last_column); }
    bool operator<(const Extent& other) const { return key() < other.key(); }
};

/// Ports [from, from + length) of a child become the eliminated nodes or the ports from `to` on.
struct PortRun {
    std::uint32_t from, to, length;
    bool eliminated;
};

/// A conductance of a strip, between two of its nodes: the eliminated ones are numbered first, in the
/// order of elimination, then the ports.
struct Link {
    enum class Kind : std::uint8_t { device, word_line_segment, driver, bit_line_segment, sense };
    std::uint32_t a, b;   ///< a < b
    std::uint32_t index;  ///< of the device in the strip
    Kind kind;
};

/// Node a strip's device touches, as numbered in Link.
struct DeviceNodes {
    std::uint32_t word_line, bit_line;
};

struct Shape {
    Extent extent{};
    const Shape* child[2] = {nullptr, nullptr};  ///< none for a strip
    bool split_rows = false;                     ///< children lie below each other, else side by side
    std::uint32_t eliminated = 0;
    std::uint32_t ports = 0;
    std::array<std::vector<PortRun>, 2> runs;  ///< of each child, ascending
    std::vector<Link> links;                   ///< of a strip
    std::vector<DeviceNodes> devices;          ///< of a strip

    bool is_strip() const { return child[0] == nullptr; }
};

/// All shapes of one array.
class BlockShapes {
public:
    BlockShapes(std::uint32_t rows, std::uint32_t columns, const WireParameters& wires);

    /// The whole array. Its ports are the sources in order, then the virtual grounds in order.
    const Shape& root() const { return *root_; }

private:
    using NodeId = std::uint64_t;

    NodeId source(std::uint32_t row) const { return row; }
    NodeId ground(std::uint32_t column) const { return NodeId{rows_} + column; }
    NodeId word_line(std::uint32_t row, std::uint32_t column) const;
    NodeId bit_line(std::uint32_t row, std::uint32_t column) const;

    struct Place {
        std::uint32_t row, column, rows, columns;
    };
    std::vector<NodeId> ports(const Place& place) const;
    const Shape* shape(const Place& place);
    void build_strip(const Place& place, Shape& shape) const;
    void build_join(const Place& first, const Place& second, Shape& shape, const std::vector<NodeId>& ports);

    std::uint32_t rows_, columns_;
    WireParameters wires_;
    std::map<Extent, std::unique_ptr<Shape>> shapes_;
    const Shape* root_;
};

}  // namespace memprop::crossbar
