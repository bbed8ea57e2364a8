#include "host_runtime/nir/shapes.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>

#include "crossbar/base/error.hpp"
#include "host_runtime/nir/window.hpp"

namespace memprop::host::nir {
namespace {

Shape without_ones(const Shape& shape) {
    Shape result;
    std::copy_if(shape.begin(), shape.end(), std::back_inserter(result),
                 [](std::uint64_t e) { return e != 1; });
    return result;
}

bool same(const Shape& a, const Shape& b) {
    return a == b || without_ones(a) == without_ones(b);
}

std::string text(const Shape& shape) {
    return fmt::format("[{}]", fmt::join(shape, ", "));
}

/// The shape written in a dataset, or nothing if it is absent or empty.
std::optional<Shape> stored_shape(const Dataset* dataset) {
    if (dataset == nullptr || h5::element_count(dataset->shape) == 0) {
        return std::nullopt;
    }
    Shape shape;
    for (const std::int64_t extent : integers(*dataset)) {
        shape.push_back(static_cast<std::uint64_t>(extent));
    }
    return shape;
}

class ShapeInference {
public:
    ShapeInference(FlatGraph& graph, const std::string& file) : graph_(graph), file_(file) {}

    void run() {
        std::vector<std::uint32_t> ready;
        for (std::uint32_t i = 0; i < graph_.nodes.size(); ++i) {
            if (std::optional<Shape> own = own_input(graph_.nodes[i])) {
                settle(graph_.nodes[i], *own);
                ready.push_back(i);
            }
        }
        while (!ready.empty()) {
            const FlatNode& source = graph_.nodes[ready.back()];
            ready.pop_back();
            for (const std::uint32_t target : source.targets) {
                if (graph_.nodes[target].output_shape.empty()) {
                    settle(graph_.nodes[target], source.output_shape);
                    ready.push_back(target);
                }
            }
        }
        for (const FlatNode& node : graph_.nodes) {
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

    /// Whether all parameters share the shape of the layer.
    static bool elementwise(NodeType type) {
        return is_neuron(type) || type == NodeType::scale || type == NodeType::delay ||
               type == NodeType::threshold;
    }

    /// The input shape that the node's own datasets state, if they do.
    std::optional<Shape> own_input(const FlatNode& flat) const {
        const Node& node = *flat.node;
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
                return own_conv_input(flat);
            case NodeType::flatten:
                return stored_shape(node.find("input_type"));
            default:
                return elementwise(node.type) ? own_layer_shape(node) : std::nullopt;
        }
    }

    std::optional<Shape> own_conv_input(const FlatNode& flat) const {
        const Node& node = *flat.node;
        std::optional<Shape> spatial = stored_shape(node.find("input_shape"));
        if (!spatial) {
            return std::nullopt;
        }
        const std::size_t rank = node.type == NodeType::conv1d ? 1 : 2;
        if (spatial->size() != rank) {
            fail(flat, fmt::format("dataset input_shape has {} entries, {} needed", spatial->size(), rank));
        }
        const Shape& weight = node.find("weight")->shape;
        const Dataset& groups = *node.find("groups");
        spatial->insert(spatial->begin(), weight[1] * static_cast<std::uint64_t>(number_at(groups, 0)));
        return spatial;
    }

    /// The shape that most parameters have, those of one element left aside.
    static std::optional<Shape> own_layer_shape(const Node& node) {
        std::map<Shape, int> votes;
        for (const Dataset& parameter : node.parameters) {
            if (h5::element_count(parameter.shape) != 1) {
                ++votes[parameter.shape];
            }
        }
        const auto most = std::max_element(votes.begin(), votes.end(),
                                           [](const auto& a, const auto& b) { return a.second < b.second; });
        return most == votes.end() ? std::nullopt : std::optional(most->first);
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
                return {window.channels_out, window.width_out};
            }
            case NodeType::conv2d:
            case NodeType::sum_pool2d:
            case NodeType::avg_pool2d: {
                const Window window = window_of(node, flat.input_shape, place(flat));
                return {window.channels_out, window.height_out, window.width_out};
            }
            case NodeType::flatten:
                return flattened(flat);
            default:
                return flat.input_shape;
        }
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
        if (elementwise(node.type)) {
            for (const Dataset& parameter : node.parameters) {
                if (h5::element_count(parameter.shape) != 1 && !same(parameter.shape, flat.output_shape)) {
                    fail(flat, fmt::format("dataset {} has shape {}, the layer has shape {}", parameter.name,
                                           text(parameter.shape), text(flat.output_shape)));
                }
            }
        } else if (node.type == NodeType::affine) {
            const std::uint64_t count = h5::element_count(node.find("bias")->shape);
            if (count != 1 && count != flat.output_shape.back() && count != flat.output_size()) {
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
        if (same(source.output_shape, target.input_shape)) {
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
};

}  // namespace

void infer_shapes(FlatGraph& graph, const std::string& file) {
    ShapeInference(graph, file).run();
}

}  // namespace memprop::host::nir
