// Networks that were written for another step, or for other conventions, than they are run with: they load
// and run, and give wrong spikes or none. What can be seen of it is said.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host_runtime/graph/discretisation.hpp"
#include "host_runtime/graph/running_network.hpp"

namespace memprop::host {

/// One line for each of: r = tau/X in every leaky neuron or r = 1/X in every I and IF, with another X than dt
/// (writers of simulators with steps of X put it there); dt/tau >= 1/2; and IF neurons with r = 1/X that are
/// not run by `if_integration = per_second`. Throws InputError as flatten() does.
std::vector<std::string> step_warnings(const nir::Network& network, const std::string& file,
                                       const Discretisation& discretisation);

/// Watches a run for CubaLIF nodes that never spike because their currents jump by too little.
class SilenceWatch {
public:
    SilenceWatch(const nir::Network& network, const std::string& file, const Discretisation& discretisation);

    /// After each step.
    void note(const RunningNetwork& network);
    /// Of a run with events: nothing, or one line.
    std::vector<std::string> warnings() const;

private:
    std::vector<std::uint32_t> watched_;  // CubaLIF nodes, if all of them may have unscaled jumps
    std::string names_;
    bool spiked_ = false;
};

}  // namespace memprop::host
