#include "host_runtime/chip/image_recorder.hpp"

#include <algorithm>

#include "learning/network/models/models.hpp"

namespace memprop::host {

using namespace hw::chip;

void ImageRecorder::word_written(std::uint32_t address, std::uint32_t word) {
    if (bursts_.empty() || address != next_) {
        bursts_.push_back({.address = address, .words = {}});
    }
    bursts_.back().words.push_back(word);
    next_ = address + 4;
}

ImageFile describe_image(const CompiledNetwork& compiled, const ChipConfig& chip) {
    const ChipImage& image = compiled.image;
    std::size_t axons = 0;
    for (const CoreImage& core : image.cores) {
        axons = std::max(axons, core.axons.size());
    }
    ImageFile file;
    file.resources = {.mesh_width = static_cast<std::uint32_t>(chip.mesh_width),
                      .mesh_height = static_cast<std::uint32_t>(chip.mesh_height),
                      .neurons_per_core = static_cast<std::uint32_t>(chip.neurons_per_core),
                      .tiles_per_core = static_cast<std::uint32_t>(chip.tiles_per_core),
                      .axon_ranges = static_cast<std::uint32_t>(axons),
                      .delay_slots = static_cast<std::uint32_t>(chip.delay_slots),
                      .multicast_trees = static_cast<std::uint32_t>(image.trees.size())};
    file.time_step_seconds = image.network.time_step_seconds;
    const auto population = [&image](std::uint32_t p) {
        const network::Population& of = image.network.populations[p];
        return ImageFile::Population{.first_address = image.first_address[p],
                                     .size = of.size,
                                     .spikes = network::find_model("model", of.model).spiking,
                                     .name = of.name};
    };
    std::vector<bool> is_source(image.network.populations.size(), false);
    for (const SourceImage& source : image.sources) {
        is_source[source.population] = true;
        file.sources.push_back(population(source.population));
    }
    for (std::uint32_t p = 0; p < is_source.size(); ++p) {
        if (image.shown[p] && !is_source[p]) {
            file.outputs.push_back(population(p));
        }
    }
    return file;
}

}  // namespace memprop::host
