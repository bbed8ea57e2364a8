#include "host_runtime/chip/image_of_network.hpp"

#include <vector>

#include "host_runtime/chip/image_recorder.hpp"

namespace memprop::host {

using namespace hw::chip;

ImageFile image_file_of(const ChipNetwork& network, const Discretisation& discretisation) {
    const CompiledNetwork& compiled = network.session().compiled();
    const ChipConfig chip = with_resources(network.session().chip().config(), compiled, network.request());
    ImageFile file = describe_image(compiled, chip);
    file.settles = discretisation.first_step_recurrence;
    ImageRecorder recorder(file.bursts);
    ChipSession fresh(chip, {}, discretisation.dt_seconds);
    fresh.chip().observe(recorder);
    fresh.load(compiled, std::vector<Chip::Attached>(compiled.image.network.projections.size()));
    return file;
}

}  // namespace memprop::host
