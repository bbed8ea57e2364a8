#include "hw_models/noc/flit.hpp"

#include <fmt/format.h>

#include <array>
#include <ostream>

namespace memprop::hw::noc {

std::ostream& operator<<(std::ostream& out, const Flit& flit) {
    static constexpr std::array<const char*, 4> kKinds{"spike", "graded", "tick", "configuration"};
    if (flit.kind == FlitKind::barrier) {
        return out << fmt::format("barrier from {} @{}", static_cast<std::uint16_t>(flit.source),
                                  flit.created_cycle);
    }
    return out << fmt::format(
               "{} {}->{}{} address {} value {} @{}", kKinds[static_cast<std::size_t>(flit.kind)],
               static_cast<std::uint16_t>(flit.source), flit.cast == Cast::multicast ? "tree " : "",
               flit.target, flit.address, flit.value, flit.created_cycle);
}

}  // namespace memprop::hw::noc
