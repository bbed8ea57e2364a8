#include "host_runtime/chip/chip_waveforms.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "crossbar/base/error.hpp"

namespace memprop::host {
namespace {

std::optional<std::uint64_t> number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

}  // namespace

WaveformRequest parse_waveforms(const std::string& file, std::string_view steps) {
    WaveformRequest request{.file = file, .window = {}};
    if (request.file.extension() != ".vcd" || request.file.stem().empty()) {
        throw InputError("--trace", file, "must be a name that ends in .vcd");
    }
    if (!steps.empty()) {
        const std::size_t colon = steps.find(':');
        const auto first = number(steps.substr(0, colon));
        const auto last = colon == std::string_view::npos ? first : number(steps.substr(colon + 1));
        if (!first || !last || *first > *last) {
            throw InputError("--trace-steps", steps,
                             "must be FIRST:LAST or one number: steps of the run, counted from 0");
        }
        request.window = {.first = *first, .last = *last};
    }
    return request;
}

ChipWaveforms::ChipWaveforms(ChipSession& session, const WaveformRequest& request)
    : file_(request.file),
      trace_(
          session.chip(), session.image().network, [this](std::string_view text) { file_.append(text); },
          request.window) {}

bool ChipWaveforms::commit() {
    if (!trace_.shows_a_step()) {
        return false;
    }
    trace_.finish();
    file_.commit();
    return true;
}

std::string too_short_for(const WaveformRequest& request) {
    return fmt::format("the run has ended before step {} of --trace-steps: {} is not written",
                       request.window.first, request.file.string());
}

}  // namespace memprop::host
