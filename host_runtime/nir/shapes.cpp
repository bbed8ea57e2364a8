#include "host_runtime/nir/shapes.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>

#include "crossbar/base/error.hpp"
#include "host_runtime/nir/layer_values.hpp"
#include "host_runtime/nir/window.hpp"

namespace memprop::host::nir {
namespace {

std::string text(const Shape& shape) {
    return fmt::format("[{}]", fmt::join(shape, ", "));
}

/// The shape that most parameters have, those of one element left aside, or that they broadcast to.
std::optional<Shape> stated_layer_shape(const Node& node) {
    std::map<Shape, int> votes;
    std::optional<Shape> all = Shape();
    for (const Dataset& parameter : node.parameters) {
        if (h5::element_count(parameter.shape) != 1) {
            ++votes[parameter.shape];
            all = all ? broadcast(*all, parameter.shape) : std::nullopt;
        }
    }
    if (votes.empty()) {
        return std::nullopt;
    }
    const Shape& most = std::max_element(votes.begin(), votes.end(), [](const auto& a, const auto& b) {
                            return a.second < b.second;
                        })->first;
    const bool agree = std::all_of(votes.begin(), votes.end(),
                                   [&](const auto& vote) { return equal_but_for_ones(vote.first, most); });
    return agree || !all ? most : *all;
}

std::optional<Shape> stated_conv_shape(const Node& node, const std::string& place) {
    std::optional<Shape> spatial = stored_shape(node.find("input_shape"));
    if (!spatial) {
        return std::nullopt;
    }
    const std::size_t rank = node.type == NodeType::conv1d ? 1 : 2;
    while (spatial->size() > rank && spatial->front() == 1) {
        spatial->erase(spatial->begin());
    }
    if (spatial->size() != rank) {
        throw InputError(
            fmt::format("{}: dataset input_shape has {} entries, {} needed", place, spatial->size(), rank));
    }
    spatial->insert(spatial->begin(), node.find("weight")->shape[1] * groups_of(node, place));
    return spatial;
}

Shape without_batch(Shape shape, std::size_t rank) {
    while (shape.size() > rank && shape.front() == 1) {
        shape.erase(shape.begin());
    }
    return shape;
}

class ShapeInference {
public:
    ShapeInference(FlatGraph& graph, const std::string& file) : graph_(graph), file_(file) {}

    /// From the nodes whose input shape is certain along the edges. What is not reached so is settled by its
    /// own datasets: loops that no Input reaches.
    void run() {
        for (FlatNode& node : graph_.nodes) {
            if (states_for_certain(node)) {
                if (std::optional<Shape> own = stated_input_shape(*node.node, place(node))) {
                    settle(node, *own);
                    ready_.push_back(&node);
                }
            }
        }
        spread();
        for (FlatNode& node : graph_.nodes) {
            if (node.output_shape.empty()) {
                if (std::optional<Shape> own = stated_input_shape(*node.node, place(node))) {
                    settle(node, *own);
                    ready_.push_back(&node);
                    spread();
                }
            }
        }
        for (const FlatNode& node : graph_.nodes) {
            if (node.output_shape.empty()) {
                fail(node, "its shape is not stated, nor that of any node that leads to it");
            }
            check_parameters(node);
            for (const std::uint32_t target : node.targets) {
                check_edge(node, graph_.nodes[target]);
            }
        }
    }

private:
    std::string place(const FlatNode& node) const { return fmt::format("{}: node {}", file_, node.name); }

    [[noreturn]] void fail(const FlatNode& node, const std::string& reason) const {
        throw InputError(fmt::format("{}: {}", place(node), reason));
    }

    /// Input shapes that do not depend on what arrives.
    static bool states_for_certain(const FlatNode& node) {
        const NodeType type = node.node->type;
        return type == NodeType::affine || type == NodeType::linear || type == NodeType::flatten ||
               (type == NodeType::input && node.sources.empty());
    }

    void spread() {
        while (!ready_.empty()) {
            const FlatNode& source = *ready_.back();
            ready_.pop_back();
            for (const std::uint32_t target : source.targets) {
                FlatNode& node = graph_.nodes[target];
                if (node.output_shape.empty()) {
                    settle(node, arriving_shape(node, source.output_shape));
                    ready_.push_back(&node);
                }
            }
        }
    }

    /// The shape of a node at which a value of this shape arrives. Its own shape, if it states one, counts
    /// unless the value has more axes of 1 in front, or its parameters share values along axes.
    Shape arriving_shape(const FlatNode& flat, const Shape& arriving) const {
        const std::optional<Shape> own = stated_input_shape(*flat.node, place(flat));
        if (!own) {
            return arriving;
        }
        if (!works_elementwise(flat.node->type)) {
            return without_batch(arriving, own->size()) == *own ? arriving : *own;
        }
        if (equal_but_for_ones(*own, arriving)) {
            return *own;
        }
        const std::optional<Shape> both = broadcast(*own, arriving);
        return both && equal_but_for_ones(*both, arriving) ? *both : *own;
    }

    void settle(FlatNode& flat, const Shape& input) const {
        flat.input_shape = input;
        flat.output_shape = output_of(flat);
        for (const Shape* shape : {&flat.input_shape, &flat.output_shape}) {
            if (h5::element_count(*shape) > kMaxLayerElements) {
                fail(flat,
                     fmt::format("has shape {}, more than {} elements", text(*shape), kMaxLayerElements));
            }
        }
    }

    Shape output_of(const FlatNode& flat) const {
        const Node& node = *flat.node;
        switch (node.type) {
            case NodeType::affine:
            case NodeType::linear: {
                Shape shape = node.find("weight")->shape;
                shape.pop_back();
                return shape;
            }
            case NodeType::conv1d: {
                const Window window = window_of(node, flat.input_shape, place(flat));
                return with_batch_of(flat.input_shape, {window.channels_out, window.width_out});
            }
            case NodeType::conv2d:
            case NodeType::sum_pool2d:
            case NodeType::avg_pool2d: {
                const Window window = window_of(node, flat.input_shape, place(flat));
                return with_batch_of(flat.input_shape,
                                     {window.channels_out, window.height_out, window.width_out});
            }
            case NodeType::flatten:
                return flattened(flat);
            default:
                return flat.input_shape;
        }
    }

    /// Axes of 1 in front of what a window slides over stay.
    static Shape with_batch_of(const Shape& input, Shape output) {
        output.insert(output.begin(), input.size() > output.size() ? input.size() - output.size() : 0, 1);
        return output;
    }

    Shape flattened(const FlatNode& flat) const {
        const Shape& in = flat.input_shape;
        const auto rank = static_cast<std::int64_t>(in.size());
        const auto axis = [&](const char* name, std::int64_t missing) {
            const Dataset* dataset = flat.node->find(name);
            const std::int64_t value =
                dataset == nullptr ? missing : static_cast<std::int64_t>(number_at(*dataset, 0));
            const std::int64_t wrapped = value < 0 ? value + rank : value;
            // Written for a shape with a batch axis, an axis may lie one past the end: nothing is left to
            // join.
            if (wrapped < 0 || wrapped > rank) {
                fail(flat, fmt::format("dataset {} is {}, the input has shape {}", name, value, text(in)));
            }
            return std::min(wrapped, rank - 1);
        };
        const std::int64_t first = axis("start_dim", 1), last = axis("end_dim", -1);
        if (last < first) {
            fail(flat,
                 fmt::format("dataset start_dim lies behind end_dim for an input of shape {}", text(in)));
        }
        Shape out(in.begin(), in.begin() + first);
        out.push_back(h5::element_count(Shape(in.begin() + first, in.begin() + last + 1)));
        out.insert(out.end(), in.begin() + last + 1, in.end());
        return out;
    }

    void check_parameters(const FlatNode& flat) const {
        const Node& node = *flat.node;
        if (works_elementwise(node.type)) {
            for (const Dataset& parameter : node.parameters) {
                if (!fits_layer(parameter.shape, flat.output_shape)) {
                    fail(flat, fmt::format("dataset {} has shape {}, the layer has shape {}", parameter.name,
                                           text(parameter.shape), text(flat.output_shape)));
                }
            }
        } else if (node.type == NodeType::affine) {
            const Shape& bias = node.find("bias")->shape;
            const std::uint64_t count = h5::element_count(bias);
            if (!fits_layer(bias, flat.output_shape) && count != flat.output_shape.back() &&
                count != flat.output_size()) {
                fail(flat, fmt::format("dataset bias has shape {}, dataset weight has shape {}",
                                       text(node.find("bias")->shape), text(node.find("weight")->shape)));
            }
        } else if (node.type == NodeType::output) {
            const auto stored = stored_shape(node.find("shape"));
            const std::uint64_t count = stored ? h5::element_count(*stored) : 1;
            if (count != 1 && count != flat.output_size()) {  // all ones: left unfinished by its writer
                fail(flat, fmt::format("dataset shape is {}, the value that arrives has shape {}",
                                       text(*stored), text(flat.output_shape)));
            }
        }
    }

    void check_edge(const FlatNode& source, const FlatNode& target) {
        if (equal_but_for_ones(source.output_shape, target.input_shape)) {
            return;
        }
        // Writers disagree on whether Flatten's axes count the batch; its values are the same either way.
        if (source.node->type == NodeType::flatten && source.output_size() == target.input_size()) {
            graph_.warnings.push_back(fmt::format("node {}: start_dim and end_dim give shape {}, {} takes {}",
                                                  source.name, text(source.output_shape), target.name,
                                                  text(target.input_shape)));
            return;
        }
        const Dataset* weight = target.node->find("weight");
        throw InputError(fmt::format(
            "{}: edge {} -> {}: node {} gives shape {}, node {} takes {}{}", file_, source.name, target.name,
            source.name, text(source.output_shape), target.name, text(target.input_shape),
            weight == nullptr ? "" : fmt::format(" (dataset weight has shape {})", text(weight->shape))));
    }

    FlatGraph& graph_;
    const std::string& file_;
    std::vector<FlatNode*> ready_;
};

}  // namespace

bool works_elementwise(NodeType type) {
    return is_neuron(type) || type == NodeType::scale || type == NodeType::delay ||
           type == NodeType::threshold;
}

std::optional<Shape> stored_shape(const Dataset* dataset) {
    if (dataset == nullptr || h5::element_count(dataset->shape) == 0) {
        return std::nullopt;
    }
    Shape shape;
    for (const std::int64_t extent : integers(*dataset)) {
        if (extent == 0) {
            return std::nullopt;
        }
        shape.push_back(static_cast<std::uint64_t>(extent));
    }
    return shape;
}

std::optional<Shape> stated_input_shape(const Node& node, const std::string& place) {
    switch (node.type) {
        case NodeType::input:
            return stored_shape(node.find("shape"));
        case NodeType::affine:
        case NodeType::linear: {
            Shape shape = node.find("weight")->shape;
            shape.erase(shape.end() - 2);
            return shape;
        }
        case NodeType::conv1d:
        case NodeType::conv2d:
            return stated_conv_shape(node, place);
        case NodeType::flatten:
            return stored_shape(node.find("input_type"));
        default:
            return works_elementwise(node.type) ? stated_layer_shape(node) : std::nullopt;
    }
}

void infer_shapes(FlatGraph& graph, const std::string& file) {
    ShapeInference(graph, file).run();
}

}  // namespace memprop::host::nir
