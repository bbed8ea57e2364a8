// run.h5 of `memprop run --hdf5`: recorded activity in the layout of NIRGraphData, as the NIR library reads
// it. Nodes of a nested graph lie in the NIRGraphData nodes/GRAPH. A spike of step k has the time from which
// on floor(time / dt) is k.
//   /nodes/NODE/observables/spikes/{idx, time}   [1, events], attributes n_neurons, t_max
//   /nodes/NODE/observables/{v, i}/data          [1, steps, neurons] of probed nodes, attribute dt
//   /nodes/OUTPUT/observables/output/data        [1, steps, elements] of each Output, attribute dt
#pragma once

#include <filesystem>
#include <vector>

#include "host_runtime/cli/run_outputs.hpp"
#include "host_runtime/graph/running_network.hpp"

namespace memprop::host::cli {

class RunRecording {
public:
    RunRecording(const RunningNetwork& network, double dt_seconds, const std::vector<Probe>& probes);

    void record_step();  ///< what the network's last step gave
    void write(const std::filesystem::path& file) const;

private:
    struct NodeData {
        Probe probe;
        std::vector<std::int64_t> index;
        std::vector<double> time, v, i;
    };
    const RunningNetwork& network_;
    double dt_seconds_;
    std::uint64_t first_step_;
    std::vector<NodeData> spikes_, states_;
    std::vector<double> output_, row_;
};

}  // namespace memprop::host::cli
