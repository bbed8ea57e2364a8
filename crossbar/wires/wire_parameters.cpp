#include "crossbar/wires/wire_parameters.hpp"

#include <fmt/format.h>

#include "crossbar/base/error.hpp"

namespace memprop::crossbar {

void WireParameters::validate(std::string_view where) const {
    const auto check = [&](std::string_view name, double ohm) {
        if (!(ohm == 0.0 || (ohm >= 1e-9 && ohm <= 1e12))) {
            throw InputError(fmt::format("{}.{}", where, name), ohm, "must be 0 or in [1e-9, 1e12] ohm");
        }
    };
    check("word_line_ohm", word_line_ohm);
    check("bit_line_ohm", bit_line_ohm);
    check("driver_ohm", driver_ohm);
    check("sense_ohm", sense_ohm);
}

}  // namespace memprop::crossbar
