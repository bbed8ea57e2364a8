// A whole experiment as users write it: the network, its task, learning and devices, and the chip.
#pragma once

#include "hw_models/chip/chip_config.hpp"
#include "learning/config/config.hpp"

namespace memprop::host {

struct Experiment : learning::ExperimentConfig {
    hw::chip::ChipConfig chip;

    template <class Field>
    void describe(Field&& field) {
        learning::ExperimentConfig::describe(field);
        field.table("chip", chip);
    }
};

}  // namespace memprop::host
