// Networks trained by memprop as NIR networks.
#pragma once

#include <filesystem>

#include "host_runtime/nir/network.hpp"
#include "learning/config/config.hpp"

namespace memprop::host {

/// The network of a checkpoint as a graph (nir/from_network.hpp). That of [network] has the nodes
///   input -> w_in -> lif (-> w_rec -> lif) -> w_out -> readout (LI) -> output
/// Weights are those of the devices without noise and drift. Converters, drivers and read noise are no part
/// of it (a warning of the network says so where the experiment has them). Metadata hold the discretisation
/// and arithmetic of training, so that `memprop run` gives the same bits as `memprop train --evaluate` with
/// noise and drift off; v_threshold is the next number below the threshold if neurons fire at it.
/// Throws InputError for what NIR cannot say (adaptive thresholds, refractory periods) and for a file that
/// is no checkpoint.
void check_exportable(const learning::ExperimentConfig& config, const std::string& file);
nir::Network network_of_checkpoint(const std::filesystem::path& checkpoint);

/// A NIR file or a checkpoint, told apart by content.
nir::Network load_network(const std::filesystem::path& file);

}  // namespace memprop::host
