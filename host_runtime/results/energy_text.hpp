// The energies of a result on the terminal.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace memprop::host {

/// "12.340 uJ: SET 4.110, RESET 0.000, read 8.230" of `energy_j` of a result: all parts of the total, in the
/// unit and with the digits of the total, so that they can be added up. A part that is null is not known.
std::string energy_text(const nlohmann::ordered_json& energy_j);

}  // namespace memprop::host
