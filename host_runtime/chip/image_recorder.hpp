// Words that a bus brings to a chip, as the bursts of an image file; and what such a file says of an image.
#pragma once

#include <vector>

#include "host_runtime/chip/compile.hpp"
#include "hw_models/chip/chip.hpp"
#include "hw_models/chip/image_file.hpp"

namespace memprop::host {

class ImageRecorder final : public hw::chip::ChipObserver {
public:
    /// `bursts` outlives it.
    explicit ImageRecorder(std::vector<hw::chip::ImageFile::Burst>& bursts) : bursts_(bursts) {}

    void word_written(std::uint32_t address, std::uint32_t word) override;

private:
    std::vector<hw::chip::ImageFile::Burst>& bursts_;
    std::uint32_t next_ = 0;
};

/// A file without bursts. `chip`: with resources.
hw::chip::ImageFile describe_image(const CompiledNetwork& compiled, const hw::chip::ChipConfig& chip);

}  // namespace memprop::host
