// A waveform file of the SystemC kernel that appears under its name when it is complete.
#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <systemc>
#include <utility>

#include "crossbar/base/error.hpp"

namespace memprop::tb {

class VcdFile {
public:
    /// Throws RunError if the file cannot be written.
    explicit VcdFile(std::filesystem::path target) : target_(std::move(target)) {
        // The kernel adds ".vcd" to the name it is given.
        const std::string base = fmt::format("{}.tmp{}", target_.string(), ::getpid());
        temporary_ = base + ".vcd";
        if (!std::ofstream(temporary_)) {
            throw RunError(fmt::format("{}: cannot be written", target_.string()));
        }
        file_ = sc_core::sc_create_vcd_trace_file(base.c_str());
        file_->set_time_unit(1, sc_core::SC_PS);
    }
    ~VcdFile() {
        if (file_ != nullptr) {
            sc_core::sc_close_vcd_trace_file(file_);
            std::error_code ignored;
            std::filesystem::remove(temporary_, ignored);
        }
    }
    VcdFile(const VcdFile&) = delete;
    VcdFile& operator=(const VcdFile&) = delete;

    /// `variable` must live as long and keep its address.
    template <class T>
    void add(const T& variable, const std::string& name) {
        sc_core::sc_trace(file_, variable, name);
    }

    void finish() {
        sc_core::sc_close_vcd_trace_file(std::exchange(file_, nullptr));
        std::error_code error;
        std::filesystem::rename(temporary_, target_, error);
        if (error) {
            std::filesystem::remove(temporary_);
            throw RunError(fmt::format("{}: cannot be written: {}", target_.string(), error.message()));
        }
    }

private:
    std::filesystem::path target_, temporary_;
    sc_core::sc_trace_file* file_ = nullptr;
};

}  // namespace memprop::tb
