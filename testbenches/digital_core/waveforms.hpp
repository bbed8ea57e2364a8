// A VCD file under a temporary name until it is complete.
#pragma once

#include <filesystem>
#include <systemc>

namespace memprop::tb {

class Waveforms {
public:
    /// Throws RunError if the file cannot be written.
    explicit Waveforms(std::filesystem::path target);
    ~Waveforms();
    Waveforms(const Waveforms&) = delete;
    Waveforms& operator=(const Waveforms&) = delete;

    sc_core::sc_trace_file* file() { return file_; }
    void finish();

private:
    std::filesystem::path target_, temporary_;
    sc_core::sc_trace_file* file_ = nullptr;
};

}  // namespace memprop::tb
