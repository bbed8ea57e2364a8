#include "crossbar/wires/wire_parameters.hpp"

#include <fmt/format.h>

#include "crossbar/base/error.hpp"

namespace memprop::crossbar {

void WireParameters::validate(std::string_view where) const {
    const auto check = [&](std::string_view name, double ohm) {
        if (!(ohm == 0.0 || (ohm >= 1e-9 && ohm <= 1e12))) {
            throw InputError(fmt::format("{}{}{}", where, where.empty() ? "" : ".", name), ohm,
                             "must be 0 or in [1e-9, 1e12] ohm");
        }
    };
    check("r_wl_ohm", r_wl_ohm);
    check("r_bl_ohm", r_bl_ohm);
    check("r_driver_ohm", r_driver_ohm);
    check("r_sense_ohm", r_sense_ohm);
}

}  // namespace memprop::crossbar
