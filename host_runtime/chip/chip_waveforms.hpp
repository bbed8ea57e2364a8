// Waveforms of a chip in a file, NAME.vcd (hw_models/trace/chip_trace.hpp), which appears when it is
// complete.
#pragma once

#include "host_runtime/chip/chip_session.hpp"
#include "host_runtime/chip/waveform_request.hpp"
#include "host_runtime/files/pending_file.hpp"
#include "hw_models/trace/chip_trace.hpp"

namespace memprop::host {

class ChipWaveforms {
public:
    /// Of the image that the session has loaded; the session outlives it. Throws RunError if the file cannot
    /// be written.
    ChipWaveforms(ChipSession& session, const WaveformRequest& request);

    /// False: the run has not reached the steps asked for, and there is no file. Throws RunError if it cannot
    /// be written.
    bool commit();

private:
    PendingFile file_;
    hw::trace::ChipTrace trace_;
};

/// What to tell the user then.
std::string too_short_for(const WaveformRequest& request);

}  // namespace memprop::host
