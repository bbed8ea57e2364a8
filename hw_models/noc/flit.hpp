// What travels on the chip: single-flit packets of the address-event representation (AER).
#pragma once

#include <cstdint>
#include <iosfwd>

namespace memprop::hw::noc {

/// Router of a mesh, row-major: node = y * width + x; (0, 0) is the north-west corner.
enum class NodeId : std::uint16_t {};

/// Row of the multicast tables; every tree has one root.
enum class TreeId : std::uint16_t {};

enum class FlitKind : std::uint8_t {
    spike,          ///< `address` is the neuron that fired
    graded,         ///< `address` and a number in `value`: a learning signal, a target
    tick,           ///< begin or end (barrier) of the algorithmic time step `value`
    configuration,  ///< `value` is written to the register `address`
    barrier,        ///< token of a barrier wave (fabric.hpp); goes everywhere and carries nothing
};

enum class Cast : std::uint8_t { unicast, multicast, everywhere };  ///< the last for tokens, and only them

/// 24 bytes, of which a chip would send all but `created_cycle`.
struct Flit {
    FlitKind kind = FlitKind::spike;
    Cast cast = Cast::unicast;
    NodeId source{};
    std::uint16_t target = 0;  ///< node (unicast) or tree (multicast); set through to() and along()
    std::uint16_t step = 0;    ///< low bits of the algorithmic time step that it belongs to
    std::uint32_t address = 0;
    std::uint32_t value = 0;
    std::uint64_t created_cycle = 0;  ///< when the packet came into being: where its latency starts

    static Flit to(NodeId source, NodeId destination, FlitKind kind = FlitKind::spike) {
        return {.kind = kind, .source = source, .target = static_cast<std::uint16_t>(destination)};
    }
    static Flit along(NodeId source, TreeId tree, FlitKind kind = FlitKind::spike) {
        return {.kind = kind,
                .cast = Cast::multicast,
                .source = source,
                .target = static_cast<std::uint16_t>(tree)};
    }
    /// What a terminal at the node `source` sends to enter a barrier.
    static Flit barrier(NodeId source) {
        return {.kind = FlitKind::barrier, .cast = Cast::everywhere, .source = source};
    }
    bool operator==(const Flit&) const = default;
};

/// "spike 3->17 address 5 value 0 @120"; a tree is written "3->tree 17",
/// a token "barrier from 3 @120".
std::ostream& operator<<(std::ostream& out, const Flit& flit);

}  // namespace memprop::hw::noc
