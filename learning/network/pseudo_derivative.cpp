#include "learning/network/pseudo_derivative.hpp"

#include <fmt/format.h>

#include <sstream>

#include "crossbar/base/error.hpp"

namespace memprop::learning {

std::vector<double> parse_numbers(std::string_view field, const std::string& text, std::size_t count) {
    std::vector<double> numbers;
    std::istringstream in(text);
    in.imbue(std::locale::classic());
    bool good = true;
    while (good && numbers.size() < count) {
        double value = 0.0;
        good = static_cast<bool>(in >> value) && std::isfinite(value);
        numbers.push_back(value);
        char comma = ',';
        if (good && numbers.size() < count) {
            good = static_cast<bool>(in >> comma) && comma == ',';
        }
    }
    std::string rest;
    if (!good || (in >> rest)) {
        throw InputError(field, text, fmt::format("must be {} numbers separated by commas", count));
    }
    return numbers;
}

}  // namespace memprop::learning
