#include "host_runtime/tests/random_graphs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace memprop::test {

using host::nir::Node;
using host::nir::NodeType;
namespace nir = host::nir;

namespace {

/// Something that events come from.
struct Layer {
    std::string name;
    std::uint64_t size;
    bool is_input;
};

class Maker {
public:
    Maker(std::uint64_t seed, const GraphOptions& options) : options_(options), draw_(seed), seed_(seed) {}

    RandomGraph make() {
        const std::uint32_t inputs = draw_.chance(0.25) ? 2 : 1;
        const bool window = options_.windows && draw_.chance(0.3);
        for (std::uint32_t i = 0; i < inputs; ++i) {
            window&& i == 0 ? add_window(fmt::format("input_{}", i)) : add_input(fmt::format("input_{}", i));
        }
        const std::uint32_t layers = draw_.between(1, 4);
        for (std::uint32_t l = 0; l < layers; ++l) {
            add_layer(fmt::format("layer_{}", l));
        }
        add_feedback();
        add_outputs();
        return {.network = nir::network(std::move(nodes_), edges_),
                .discretisation = discretisation(),
                .seed = seed_};
    }

private:
    host::Discretisation discretisation() {
        using host::ResetRule;
        host::Discretisation d{.dt_seconds = 1e-3, .integrator = {}, .reset = {}};
        d.arithmetic = host::Arithmetic::single;
        d.integrator = draw_.chance(0.5) ? host::Integrator::euler : host::Integrator::exponential;
        d.reset = std::array{ResetRule::file, ResetRule::zero, ResetRule::subtract, ResetRule::subtract_carry,
                             ResetRule::subtract_next}[draw_.below(5)];
        d.first_step_recurrence = draw_.chance(0.5);
        d.if_integration =
            draw_.chance(0.7) ? host::IfIntegration::per_step : host::IfIntegration::per_second;
        d.current_jump = draw_.chance(0.5) ? host::CurrentJump::scaled : host::CurrentJump::unscaled;
        return d;
    }

    void add_input(const std::string& name) {
        const std::uint64_t size = draw_.between(1, 9);
        nodes_.push_back(nir::node(name, NodeType::input,
                                   {nir::whole_numbers("shape", {1}, {static_cast<std::int64_t>(size)})}));
        layers_.push_back({name, size, true});
    }

    /// An image, a convolution of it, integrate-and-fire neurons, and mostly a pool behind these.
    void add_window(const std::string& name) {
        const std::int64_t channels = draw_.between(1, 2), side = draw_.between(4, 7);
        const std::int64_t out = draw_.between(1, 2) * channels, kernel = draw_.between(1, 3),
                           stride = draw_.between(1, 2), padding = draw_.between(0, 1);
        const std::int64_t groups = draw_.chance(0.3) ? channels : 1;
        const std::int64_t places = (side + 2 * padding - kernel) / stride + 1;
        nodes_.push_back(
            nir::node(name, NodeType::input, {nir::whole_numbers("shape", {3}, {channels, side, side})}));
        const auto count = static_cast<std::size_t>(out * channels / groups * kernel * kernel);
        std::vector<nir::Dataset> parameters{
            nir::floats("weight",
                        {static_cast<std::uint64_t>(out), static_cast<std::uint64_t>(channels / groups),
                         static_cast<std::uint64_t>(kernel), static_cast<std::uint64_t>(kernel)},
                        weights(count, 0.1, 0.4)),
            nir::whole_numbers("stride", {2}, {stride, stride}),
            nir::whole_numbers("padding", {2}, {padding, padding}),
            nir::whole_numbers("dilation", {2}, {1, 1}),
            nir::whole_numbers("groups", {}, {groups}),
            nir::whole_numbers("input_shape", {2}, {side, side})};
        const bool bias = options_.biases && draw_.chance(0.5);
        parameters.push_back(nir::floats("bias", {static_cast<std::uint64_t>(out)},
                                         bias ? weights(static_cast<std::size_t>(out), 0.0, 0.05)
                                              : std::vector<float>(static_cast<std::size_t>(out))));
        nodes_.push_back(nir::node("conv", NodeType::conv2d, std::move(parameters)));
        const auto spikes = static_cast<std::uint64_t>(out * places * places);
        const nir::Shape shape{static_cast<std::uint64_t>(out), static_cast<std::uint64_t>(places),
                               static_cast<std::uint64_t>(places)};
        nodes_.push_back(nir::node("conv_if", NodeType::integrate_fire,
                                   {nir::doubles("r", shape, values(spikes, 0.8, 1.2)),
                                    nir::doubles("v_threshold", shape, values(spikes, 0.2, 0.5)),
                                    nir::doubles("v_reset", shape, std::vector<double>(spikes, 0.0))}));
        edges_.insert(edges_.end(), {{name, "conv"}, {"conv", "conv_if"}});
        std::string last = "conv_if";
        std::uint64_t size = spikes;
        if (places >= 2 && draw_.chance(0.7)) {
            const auto type = draw_.chance(0.5) ? NodeType::sum_pool2d : NodeType::avg_pool2d;
            nodes_.push_back(nir::node(
                "pool", type,
                {nir::whole_numbers("kernel_size", {2}, {2, 2}), nir::whole_numbers("stride", {2}, {2, 2}),
                 nir::whole_numbers("padding", {2}, {0, 0})}));
            edges_.emplace_back(last, "pool");
            last = "pool";
            size = static_cast<std::uint64_t>(out * (places / 2) * (places / 2));
        }
        nodes_.push_back(
            nir::node("flat", NodeType::flatten,
                      {nir::whole_numbers("start_dim", {}, {0}), nir::whole_numbers("end_dim", {}, {-1})}));
        edges_.emplace_back(last, "flat");
        layers_.push_back({"flat", size, false});
    }

    std::vector<float> weights(std::size_t count, double mean, double spread) {
        std::vector<float> out(count);
        for (float& w : out) {
            w = static_cast<float>(mean + draw_.number(-spread, spread));
        }
        return out;
    }
    std::vector<double> values(std::uint64_t count, double low, double high) {
        std::vector<double> out(count, draw_.number(low, high));
        if (draw_.chance(0.5)) {
            std::generate(out.begin(), out.end(), [&] { return draw_.number(low, high); });
        }
        return out;
    }

    void add_layer(const std::string& name) {
        const std::uint64_t size = draw_.between(1, options_.largest_layer);
        const auto list = [&](const char* what, double low, double high) {
            return nir::doubles(what, {size}, values(size, low, high));
        };
        const auto zeros = [&](const char* what) {
            return nir::doubles(what, {size}, std::vector<double>(size, 0.0));
        };
        const auto sometimes = [&](const char* what, double low, double high) {
            return draw_.chance(0.5) ? list(what, low, high) : zeros(what);
        };
        switch (draw_.below(5)) {
            case 0:
            case 1:
                nodes_.push_back(nir::node(
                    name, NodeType::lif,
                    {list("tau", 5e-3, 40e-3), list("r", 1.0, 3.0), sometimes("v_leak", -0.05, 0.08),
                     list("v_threshold", 0.1, 0.3), sometimes("v_reset", -0.1, 0.05)}));
                break;
            case 2:
                nodes_.push_back(
                    nir::node(name, NodeType::cuba_lif,
                              {list("tau_syn", 2e-3, 8e-3), list("tau_mem", 5e-3, 40e-3), list("r", 1.0, 3.0),
                               sometimes("v_leak", -0.05, 0.08), list("v_threshold", 0.05, 0.2),
                               zeros("v_reset"), list("w_in", 1.0, 5.0)}));
                break;
            case 3:
                nodes_.push_back(nir::node(
                    name, NodeType::integrate_fire,
                    {list("r", 0.3, 0.8), list("v_threshold", 0.3, 0.9), sometimes("v_reset", -0.1, 0.1)}));
                break;
            default:
                nodes_.push_back(nir::node(
                    name, NodeType::leaky_integrator,
                    {list("tau", 5e-3, 40e-3), list("r", 0.5, 1.5), sometimes("v_leak", -0.05, 0.05)}));
                break;
        }
        const Layer layer{name, size, false};
        connect(layers_[draw_.below(static_cast<std::uint32_t>(layers_.size()))], layer);
        for (const Layer& from : layers_) {
            if (draw_.chance(from.is_input ? 0.4 : 0.3)) {
                connect(from, layer);
            }
        }
        layers_.push_back(layer);
        neurons_.push_back(layer);
    }

    void add_feedback() {
        for (const Layer& from : neurons_) {
            for (const Layer& to : neurons_) {
                if (draw_.chance(from.name == to.name ? 0.4 : 0.1)) {
                    connect(from, to);
                }
            }
        }
    }

    std::string add_delay(const std::string& from, std::uint64_t size) {
        std::string name = fmt::format("delay_{}", maps_++);
        std::vector<double> seconds(size, 1e-3 * draw_.between(1, 4));
        if (draw_.chance(0.3)) {
            std::generate(seconds.begin(), seconds.end(), [&] { return 1e-3 * draw_.between(1, 4); });
        }
        nodes_.push_back(nir::node(name, NodeType::delay, {nir::doubles("delay", {size}, seconds)}));
        edges_.emplace_back(from, name);
        return name;
    }

    /// By a linear map with or without bias, sometimes with a delay before or behind it.
    void connect(const Layer& from, const Layer& to) {
        std::string last = from.name;
        if (draw_.chance(0.2)) {
            last = add_delay(last, from.size);
        }
        if (!from.is_input && from.size == to.size && draw_.chance(0.3)) {
            const std::string name = fmt::format("scale_{}", maps_++);
            nodes_.push_back(nir::node(name, NodeType::scale,
                                       {nir::floats("scale", {from.size}, weights(from.size, 0.2, 0.4))}));
            edges_.emplace_back(last, name);
            last = name;
        } else {
            const std::string name = fmt::format("map_{}", maps_++);
            const double spread = 1.2 / std::sqrt(std::max(1.0, static_cast<double>(from.size) / 4.0));
            std::vector<float> weight = weights(from.size * to.size, 0.1, spread);
            if (draw_.chance(0.4)) {  // many of 0
                for (float& w : weight) {
                    w = draw_.chance(0.6) ? 0.0F : w;
                }
            }
            std::vector<nir::Dataset> parameters{
                nir::floats("weight", {to.size, from.size}, std::move(weight))};
            const bool bias = options_.biases && draw_.chance(0.35);
            if (bias) {
                parameters.push_back(nir::floats("bias", {to.size}, weights(to.size, 0.01, 0.05)));
            }
            nodes_.push_back(
                nir::node(name, bias ? NodeType::affine : NodeType::linear, std::move(parameters)));
            edges_.emplace_back(last, name);
            last = name;
        }
        if (draw_.chance(0.2)) {
            last = add_delay(last, to.size);
        }
        edges_.emplace_back(last, to.name);
    }

    void add_outputs() {
        const std::uint32_t outputs = draw_.chance(0.3) ? 2 : 1;
        for (std::uint32_t o = 0; o < outputs; ++o) {
            const std::string name = fmt::format("output_{}", o);
            const Layer& from =
                o == 0 ? neurons_.back() : neurons_[draw_.below(static_cast<std::uint32_t>(neurons_.size()))];
            nodes_.push_back(
                nir::node(name, NodeType::output,
                          {nir::whole_numbers("shape", {1}, {static_cast<std::int64_t>(from.size)})}));
            const std::string last = draw_.chance(0.15) ? add_delay(from.name, from.size) : from.name;
            edges_.emplace_back(last, name);
        }
    }

    const GraphOptions options_;
    Draw draw_;
    std::uint64_t seed_;
    std::vector<Node> nodes_;
    nir::EdgeList edges_;
    std::vector<Layer> layers_, neurons_;
    std::uint32_t maps_ = 0;
};

}  // namespace

RandomGraph random_graph(std::uint64_t seed, const GraphOptions& options) {
    return Maker(seed, options).make();
}

std::vector<std::uint32_t> random_events(std::uint64_t seed, std::uint32_t step, std::uint64_t inputs,
                                         bool repeats) {
    Draw draw(seed, step + 1);
    const double rate = std::array{0.0, 0.05, 0.2, 0.5}[draw.below(4)];
    std::vector<std::uint32_t> events;
    for (std::uint32_t i = 0; i < inputs; ++i) {
        if (draw.chance(rate)) {
            events.insert(events.end(), repeats && draw.chance(0.1) ? draw.between(2, 3) : 1, i);
        }
    }
    return events;
}

}  // namespace memprop::test
