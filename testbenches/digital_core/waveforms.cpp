#include "testbenches/digital_core/waveforms.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <system_error>
#include <utility>

#include "crossbar/base/error.hpp"

namespace memprop::tb {

Waveforms::Waveforms(std::filesystem::path target) : target_(std::move(target)) {
    // The kernel adds ".vcd" to the name it is given.
    const std::string base = fmt::format("{}.tmp{}", target_.string(), ::getpid());
    temporary_ = base + ".vcd";
    if (!std::ofstream(temporary_)) {
        throw RunError(fmt::format("{}: cannot be written", target_.string()));
    }
    file_ = sc_core::sc_create_vcd_trace_file(base.c_str());
    file_->set_time_unit(1, sc_core::SC_NS);
}

Waveforms::~Waveforms() {
    if (file_ != nullptr) {
        sc_core::sc_close_vcd_trace_file(file_);
        std::error_code ignored;
        std::filesystem::remove(temporary_, ignored);
    }
}

void Waveforms::finish() {
    sc_core::sc_close_vcd_trace_file(std::exchange(file_, nullptr));
    std::error_code error;
    std::filesystem::rename(temporary_, target_, error);
    if (error) {
        throw RunError(fmt::format("{}: cannot be written: {}", target_.string(), error.message()));
    }
}

}  // namespace memprop::tb
