#include "crossbar/wires/block_shapes.hpp"

#include <algorithm>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>

namespace memprop::crossbar {
namespace {

constexpr std::uint32_t kStripColumns = 8;

// About half of `size`, such that the parts of a wide block fill whole strips.
std::uint32_t half(std::uint32_t size) {
    const std::uint32_t part = (size + 1) / 2;
    return size >= 2 * kStripColumns ? (part + kStripColumns / 2) / kStripColumns * kStripColumns : part;
}

}  // namespace

BlockShapes::BlockShapes(std::uint32_t rows, std::uint32_t columns, const WireParameters& wires)
    : rows_(rows), columns_(columns), wires_(wires), root_(shape({0, 0, rows, columns})) {}

// A line without resistance is one node; without resistance at its end it is the source or ground.
BlockShapes::NodeId BlockShapes::word_line(std::uint32_t row, std::uint32_t column) const {
    if (wires_.r_wl_ohm == 0.0) {
        if (wires_.r_driver_ohm == 0.0) {
            return source(row);
        }
        column = 0;
    }
    return NodeId{rows_} + columns_ + NodeId{row} * columns_ + column;
}

BlockShapes::NodeId BlockShapes::bit_line(std::uint32_t row, std::uint32_t column) const {
    if (wires_.r_bl_ohm == 0.0) {
        if (wires_.r_sense_ohm == 0.0) {
            return ground(column);
        }
        row = 0;
    }
    return NodeId{rows_} + columns_ + NodeId{rows_} * columns_ + NodeId{row} * columns_ + column;
}

// A block owns the segment left of each of its columns and the one below each of its rows, and at the
// array's right and top edge those that lead to a second source or ground. Order: left, right, top,
// bottom, so that the order of the ports that stay is the same before and after every join.
std::vector<BlockShapes::NodeId> BlockShapes::ports(const Place& p) const {
    std::vector<NodeId> ids;
    const std::uint32_t row_end = p.row + p.rows;
    const std::uint32_t column_end = p.column + p.columns;
    for (std::uint32_t i = p.row; i < row_end; ++i) {
        ids.push_back(p.column == 0 ? source(i) : word_line(i, p.column - 1));
    }
    if (column_end < columns_ || wires_.drive_both_ends) {
        for (std::uint32_t i = p.row; i < row_end; ++i) {
            ids.push_back(column_end < columns_ ? word_line(i, column_end - 1) : source(i));
        }
    }
    if (p.row > 0 || wires_.sense_both_ends) {
        for (std::uint32_t j = p.column; j < column_end; ++j) {
            ids.push_back(p.row > 0 ? bit_line(p.row, j) : ground(j));
        }
    }
    for (std::uint32_t j = p.column; j < column_end; ++j) {
        ids.push_back(row_end < rows_ ? bit_line(row_end, j) : ground(j));
    }
    std::unordered_set<NodeId> seen;
    std::erase_if(ids, [&](NodeId id) { return !seen.insert(id).second; });
    return ids;
}

const Shape* BlockShapes::shape(const Place& place) {
    const Extent extent{place.rows,        place.columns,
                        place.row == 0,    place.row + place.rows == rows_,
                        place.column == 0, place.column + place.columns == columns_};
    if (const auto found = shapes_.find(extent); found != shapes_.end()) {
        return found->second.get();
    }
    auto built = std::make_unique<Shape>();
    built->extent = extent;
    if (place.rows == 1 && place.columns <= kStripColumns) {
        build_strip(place, *built);
    } else {
        built->split_rows = place.columns <= kStripColumns || (place.rows >= place.columns && place.rows > 1);
        Place first = place;
        Place second = place;
        if (built->split_rows) {
            first.rows = half(place.rows);
            second.row += first.rows;
            second.rows -= first.rows;
        } else {
            first.columns = half(place.columns);
            second.column += first.columns;
            second.columns -= first.columns;
        }
        built->child[0] = shape(first);
        built->child[1] = shape(second);
        build_join(first, second, *built, ports(place));
    }
    return shapes_.emplace(extent, std::move(built)).first->second.get();
}

void BlockShapes::build_join(const Place& first, const Place& second, Shape& shape,
                             const std::vector<NodeId>& ports) {
    std::unordered_map<NodeId, std::uint32_t> port_of;
    for (const NodeId id : ports) {
        port_of.emplace(id, static_cast<std::uint32_t>(port_of.size()));
    }
    std::unordered_map<NodeId, std::uint32_t> eliminated_of;
    const std::array<std::vector<NodeId>, 2> child_ports{this->ports(first), this->ports(second)};
    for (std::size_t c = 0; c < 2; ++c) {
        auto& runs = shape.runs[c];
        std::int64_t last_port = -1;
        for (std::uint32_t from = 0; from < child_ports[c].size(); ++from) {
            const NodeId id = child_ports[c][from];
            const auto port = port_of.find(id);
            const bool gone = port == port_of.end();
            const std::uint32_t to =
                gone ? eliminated_of.emplace(id, static_cast<std::uint32_t>(eliminated_of.size()))
                           .first->second
                     : port->second;
            if (!gone) {
                if (to <= last_port) {
                    throw std::logic_error("ports of a block change their order in a join");
                }
                last_port = to;
            }
            if (!runs.empty() && runs.back().eliminated == gone &&
                runs.back().to + runs.back().length == to) {
                ++runs.back().length;
            } else {
                runs.push_back({from, to, 1, gone});
            }
        }
    }
    shape.ports = static_cast<std::uint32_t>(ports.size());
    shape.eliminated = static_cast<std::uint32_t>(eliminated_of.size());
}

void BlockShapes::build_strip(const Place& place, Shape& shape) const {
    const std::vector<NodeId> ports = this->ports(place);
    const std::uint32_t row = place.row;
    const bool last_row = row + 1 == rows_;
    std::unordered_map<NodeId, std::uint32_t> number;
    const auto eliminate = [&](NodeId id) {
        if (std::find(ports.begin(), ports.end(), id) == ports.end()) {
            number.emplace(id, static_cast<std::uint32_t>(number.size()));
        }
    };
    const auto columns_end = place.column + place.columns;
    for (std::uint32_t j = place.column; j < columns_end; ++j) {
        eliminate(word_line(row, j));
    }
    for (std::uint32_t j = place.column; j < columns_end; ++j) {
        eliminate(bit_line(row, j));
    }
    shape.eliminated = static_cast<std::uint32_t>(number.size());
    shape.ports = static_cast<std::uint32_t>(ports.size());
    for (const NodeId id : ports) {
        number.emplace(id, static_cast<std::uint32_t>(number.size()));
    }
    const auto link = [&](NodeId a, NodeId b, std::uint32_t index, Link::Kind kind) {
        if (a != b) {
            const auto [low, high] = std::minmax(number.at(a), number.at(b));
            shape.links.push_back({low, high, index, kind});
        }
    };
    using enum Link::Kind;
    for (std::uint32_t j = place.column; j < columns_end; ++j) {
        const std::uint32_t index = j - place.column;
        const NodeId w = word_line(row, j);
        const NodeId b = bit_line(row, j);
        shape.devices.push_back({number.at(w), number.at(b)});
        link(w, b, index, device);
        link(j == 0 ? source(row) : word_line(row, j - 1), w, index, j == 0 ? driver : word_line_segment);
        if (j + 1 == columns_ && wires_.drive_both_ends) {
            link(w, source(row), index, driver);
        }
        link(b, last_row ? ground(j) : bit_line(row + 1, j), index, last_row ? sense : bit_line_segment);
        if (row == 0 && wires_.sense_both_ends) {
            link(b, ground(j), index, sense);
        }
    }
}

}  // namespace memprop::crossbar
