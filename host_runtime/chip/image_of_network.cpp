#include "host_runtime/chip/image_of_network.hpp"

#include <algorithm>

#include "learning/network/models/models.hpp"

namespace memprop::host {
namespace {

using namespace hw::chip;

/// Words that the bus brings, in bursts of consecutive addresses.
class Recorder final : public ChipObserver {
public:
    explicit Recorder(std::vector<ImageFile::Burst>& bursts) : bursts_(bursts) {}

    void word_written(std::uint32_t address, std::uint32_t word) override {
        if (bursts_.empty() || address != next_) {
            bursts_.push_back({.address = address, .words = {}});
        }
        bursts_.back().words.push_back(word);
        next_ = address + 4;
    }

private:
    std::vector<ImageFile::Burst>& bursts_;
    std::uint32_t next_ = 0;
};

ImageFile::Population population(const ChipImage& image, std::uint32_t p) {
    const network::Population& of = image.network.populations[p];
    return {.first_address = image.first_address[p],
            .size = of.size,
            .spikes = network::find_model("model", of.model).spiking,
            .name = of.name};
}

}  // namespace

ImageFile image_file_of(const ChipNetwork& network, const Discretisation& discretisation) {
    const CompiledNetwork& compiled = network.session().compiled();
    const ChipImage& image = compiled.image;
    const ChipConfig chip = with_resources(network.session().chip().config(), compiled, network.request());
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
    file.settles = discretisation.first_step_recurrence;
    std::vector<bool> is_source(image.network.populations.size(), false);
    for (const SourceImage& source : image.sources) {
        is_source[source.population] = true;
        file.sources.push_back(population(image, source.population));
    }
    for (std::uint32_t p = 0; p < is_source.size(); ++p) {
        if (image.shown[p] && !is_source[p]) {
            file.outputs.push_back(population(image, p));
        }
    }
    Recorder recorder(file.bursts);
    ChipSession fresh(chip, {}, discretisation.dt_seconds);
    fresh.chip().observe(recorder);
    fresh.load(compiled, std::vector<Chip::Attached>(image.network.projections.size()));
    return file;
}

}  // namespace memprop::host
