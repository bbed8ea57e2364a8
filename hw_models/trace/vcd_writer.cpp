#include "hw_models/trace/vcd_writer.hpp"

#include <fmt/format.h>

#include <cctype>
#include <cmath>
#include <utility>

#include "crossbar/base/error.hpp"

namespace memprop::hw::trace {
namespace {

constexpr std::size_t kPiece = std::size_t{1} << 20U;  // of text at a time

/// Short identifiers of the format: digits are the printable characters.
std::string code_of(std::size_t index) {
    constexpr std::size_t kDigits = '~' - '!' + 1;
    std::string code;
    for (++index; index > 0; index = (index - 1) / kDigits) {
        code += static_cast<char>('!' + (index - 1) % kDigits);
    }
    return code;
}

std::vector<std::string_view> parts_of(std::string_view scope) {
    std::vector<std::string_view> parts;
    while (!scope.empty()) {
        const std::size_t dot = scope.find('.');
        parts.push_back(scope.substr(0, dot));
        scope = dot == std::string_view::npos ? std::string_view{} : scope.substr(dot + 1);
    }
    return parts;
}

}  // namespace

VcdWriter::VcdWriter(Sink sink, double clock_period_ns) : sink_(std::move(sink)) {
    const double picoseconds = clock_period_ns * 1e3;
    in_picoseconds_ =
        picoseconds >= 1.0 && std::abs(picoseconds - std::round(picoseconds)) < 1e-9 * picoseconds;
    units_per_cycle_ = in_picoseconds_ ? std::round(picoseconds) : picoseconds * 1e3;
    if (!(units_per_cycle_ >= 1.0)) {
        throw InputError("clock period in ns", clock_period_ns, "must be at least 1e-6 for waveforms");
    }
}

std::string VcdWriter::scope_name(std::string_view name) {
    std::string out;
    for (const char c : name) {
        out += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
    }
    return out;
}

VcdWriter::Variable VcdWriter::add(std::string_view scope, std::string_view name, unsigned bits) {
    const std::size_t index = declared_.size();
    declared_.push_back({std::string(scope), std::string(name), bits});
    codes_.push_back(code_of(index));
    values_.push_back(0);
    return static_cast<Variable>(index);
}

void VcdWriter::write_declarations() {
    text_ += fmt::format("$timescale 1 {} $end\n", in_picoseconds_ ? "ps" : "fs");
    std::vector<std::string_view> open;
    const auto close = [&](std::size_t kept) {
        for (; open.size() > kept; open.pop_back()) {
            text_ += "$upscope $end\n";
        }
    };
    for (std::size_t i = 0; i < declared_.size(); ++i) {
        const Declared& variable = declared_[i];
        const std::vector<std::string_view> scopes = parts_of(variable.scope);
        std::size_t same = 0;
        while (same < open.size() && same < scopes.size() && open[same] == scopes[same]) {
            ++same;
        }
        close(same);
        for (; open.size() < scopes.size();) {
            text_ += fmt::format("$scope module {} $end\n", scopes[open.size()]);
            open.push_back(scopes[open.size()]);
        }
        text_ += fmt::format("$var wire {} {} {}{} $end\n", variable.bits, codes_[i], variable.name,
                             variable.bits == 1 ? std::string() : fmt::format(" [{}:0]", variable.bits - 1));
    }
    close(0);
    text_ += "$enddefinitions $end\n";
}

void VcdWriter::begin(std::uint64_t cycle) {
    write_declarations();
    write_time(cycle);
    text_ += "$dumpvars\n";
    for (std::size_t i = 0; i < values_.size(); ++i) {
        write_value(i);
    }
    text_ += "$end\n";
    cycle_ = cycle;
    begun_ = true;
}

void VcdWriter::write_time(std::uint64_t cycle) {
    text_ += fmt::format("#{:.0f}\n", static_cast<double>(cycle) * units_per_cycle_);
}

void VcdWriter::write_value(std::size_t index) {
    if (declared_[index].bits == 1) {
        text_ += values_[index] != 0 ? '1' : '0';
    } else {
        fmt::format_to(std::back_inserter(text_), "b{:b} ", values_[index]);
    }
    text_ += codes_[index];
    text_ += '\n';
}

void VcdWriter::change(std::size_t index, std::uint64_t cycle) {
    if (!begun_) {
        return;
    }
    if (cycle != cycle_) {
        write_time(cycle);
        cycle_ = cycle;
    }
    write_value(index);
    if (text_.size() >= kPiece) {
        sink_(text_);
        text_.clear();
    }
}

void VcdWriter::finish(std::uint64_t cycle) {
    if (!begun_) {
        write_declarations();
    } else if (cycle != cycle_) {
        write_time(cycle);
    }
    sink_(text_);
    text_.clear();
}

}  // namespace memprop::hw::trace
