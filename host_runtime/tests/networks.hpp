// Small networks that several tests use.
#pragma once

#include "host_runtime/nir/build.hpp"

namespace memprop::host {

inline nir::Node input_node(std::vector<std::int64_t> shape, const std::string& name = "input") {
    const std::uint64_t rank = shape.size();
    return nir::node(name, nir::NodeType::input, {nir::whole_numbers("shape", {rank}, std::move(shape))});
}

inline nir::Node output_node(std::vector<std::int64_t> shape, const std::string& name = "output") {
    const std::uint64_t rank = shape.size();
    return nir::node(name, nir::NodeType::output, {nir::whole_numbers("shape", {rank}, std::move(shape))});
}

inline nir::Node linear_node(const std::string& name, nir::Shape shape, std::vector<float> weight) {
    return nir::node(name, nir::NodeType::linear,
                     {nir::floats("weight", std::move(shape), std::move(weight))});
}

/// An integrate-and-fire layer with scalar parameters.
inline nir::Node if_node(const std::string& name, double threshold = 1.0, double v_reset = 0.0) {
    return nir::node(name, nir::NodeType::integrate_fire,
                     {nir::doubles("r", {}, {1.0}), nir::doubles("v_threshold", {}, {threshold}),
                      nir::doubles("v_reset", {}, {v_reset})});
}

inline nir::Node lif_node(const std::string& name, const nir::Shape& shape, double tau,
                          double threshold = 1.0) {
    const std::uint64_t count = h5::element_count(shape);
    return nir::node(name, nir::NodeType::lif,
                     {nir::doubles("tau", shape, std::vector<double>(count, tau)),
                      nir::doubles("r", shape, std::vector<double>(count, 1.0)),
                      nir::doubles("v_leak", shape, std::vector<double>(count, 0.0)),
                      nir::doubles("v_threshold", shape, std::vector<double>(count, threshold))});
}

/// input(2) -> fc(3x2) -> lif(3) -> output, with feedback lif -> rec -> lif.
inline nir::Network recurrent_network() {
    return nir::network({input_node({2}), linear_node("fc", {3, 2}, {1, 0.5F, -0.25F, 2, 0.125F, 4}),
                         lif_node("lif", {3}, 4e-3),
                         nir::node("rec", nir::NodeType::affine,
                                   {nir::floats("weight", {3, 3}, {0, 1, 0, 1, 0, -1, 0.5F, 0, 0}),
                                    nir::floats("bias", {3}, {0.25F, 0, -0.5F})}),
                         output_node({3})},
                        {{"input", "fc"}, {"fc", "lif"}, {"lif", "rec"}, {"rec", "lif"}, {"lif", "output"}});
}

}  // namespace memprop::host
