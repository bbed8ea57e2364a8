#include "host_runtime/nir/window.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "crossbar/base/error.hpp"

namespace memprop::host::nir {
namespace {

using Pair = std::array<std::uint64_t, 2>;  // (y, x)

class WindowBuilder {
public:
    WindowBuilder(const Node& node, const Shape& input, const std::string& place)
        : node_(node), input_(input), place_(place) {}

    Window build() {
        const bool one_dimensional = node_.type == NodeType::conv1d;
        const bool pooling = node_.type == NodeType::sum_pool2d || node_.type == NodeType::avg_pool2d;
        const std::size_t rank = one_dimensional ? 2 : 3;
        Shape shape = input_;
        while (shape.size() > rank && shape.front() == 1) {
            shape.erase(shape.begin());  // a batch axis
        }
        while (shape.size() < rank) {
            shape.insert(shape.begin(), 1);  // a missing channel axis
        }
        if (shape.size() != rank) {
            fail(fmt::format("takes an input of {} axes, it gets shape [{}]", rank, fmt::join(input_, ", ")));
        }
        window_.channels_in = window_.channels_out = shape[0];
        window_.height_in = one_dimensional ? 1 : shape[1];
        window_.width_in = shape.back();
        Pair kernel{};
        if (pooling) {
            window_.groups = shape[0];
            kernel = pair("kernel_size");
        } else {
            kernel = weight_kernel();
        }
        const Pair stride = pair("stride");
        const Pair dilation = pooling ? Pair{1, 1} : pair("dilation");
        window_.kernel_height = kernel[0];
        window_.kernel_width = kernel[1];
        window_.stride_y = stride[0];
        window_.stride_x = stride[1];
        window_.dilation_y = dilation[0];
        window_.dilation_x = dilation[1];
        pad();
        return window_;
    }

private:
    [[noreturn]] void fail(const std::string& reason) const {
        throw InputError(fmt::format("{}: {}", place_, reason));
    }

    /// One number for both axes, or one for each; Conv1d has only x.
    Pair pair(std::string_view name) const {
        const Dataset* dataset = node_.find(name);
        const std::uint64_t count = h5::element_count(dataset->shape);
        const bool one_dimensional = node_.type == NodeType::conv1d;
        if (count != 1 && (count != 2 || one_dimensional)) {
            fail(fmt::format("dataset {} has {} entries, {} allowed", name, count,
                             one_dimensional ? "1 is" : "1 or 2 are"));
        }
        const auto x = static_cast<std::uint64_t>(number_at(*dataset, count - 1));
        return {one_dimensional ? (name == "padding" ? 0 : 1)
                                : static_cast<std::uint64_t>(number_at(*dataset, 0)),
                x};
    }

    Pair weight_kernel() {
        const Dataset& weight = *node_.find("weight");
        window_.groups = groups_of(node_, place_);
        window_.channels_out = weight.shape[0];
        if (weight.shape[0] % window_.groups != 0) {
            fail(fmt::format("dataset groups is {}, which does not divide the {} output channels of weight",
                             window_.groups, weight.shape[0]));
        }
        const std::uint64_t channels_in = weight.shape[1] * window_.groups;
        if (channels_in != window_.channels_in) {
            fail(fmt::format(
                "takes {} input channels (dataset weight has shape [{}], groups = {}), it gets {}",
                channels_in, fmt::join(weight.shape, ", "), window_.groups, window_.channels_in));
        }
        if (const Dataset* bias = node_.find("bias")) {
            const std::uint64_t count = h5::element_count(bias->shape);
            if (count != 1 && count != window_.channels_out) {
                fail(fmt::format("dataset bias has {} entries, there are {} output channels", count,
                                 window_.channels_out));
            }
        }
        return {node_.type == NodeType::conv1d ? 1 : weight.shape[2], weight.shape.back()};
    }

    void pad() {
        const Pair span{window_.dilation_y * (window_.kernel_height - 1) + 1,
                        window_.dilation_x * (window_.kernel_width - 1) + 1};
        const Dataset& padding = *node_.find("padding");
        Pair before{0, 0}, total{0, 0};
        if (padding.type == ElementType::string) {
            if (std::get<std::vector<std::string>>(padding.values)[0] == "same") {
                if (window_.stride_y != 1 || window_.stride_x != 1) {
                    fail("dataset padding is 'same', which needs stride 1");
                }
                total = {span[0] - 1, span[1] - 1};
                before = {total[0] / 2, total[1] / 2};
            }
        } else {
            before = pair("padding");
            total = {2 * before[0], 2 * before[1]};
        }
        window_.padding_top = before[0];
        window_.padding_left = before[1];
        window_.height_out =
            extent_out(window_.height_in + total[0], span[0], window_.stride_y, window_.kernel_height);
        window_.width_out =
            extent_out(window_.width_in + total[1], span[1], window_.stride_x, window_.kernel_width);
    }

    std::uint64_t extent_out(std::uint64_t padded, std::uint64_t span, std::uint64_t stride,
                             std::uint64_t kernel) const {
        if (padded < span) {
            fail(fmt::format("the kernel spans {} elements, the padded input of shape [{}] has only {}", span,
                             fmt::join(input_, ", "), padded));
        }
        const std::uint64_t out = (padded - span) / stride + 1;
        constexpr std::uint64_t kMaxTaps = 1ULL << 28;  // per axis; each costs time and memory to set up
        if (out > kMaxTaps / kernel) {
            fail(fmt::format("a kernel of {} elements at {} places is more than {} taps", kernel, out,
                             kMaxTaps));
        }
        return out;
    }

    const Node& node_;
    const Shape& input_;
    const std::string& place_;
    Window window_;
};

}  // namespace

std::uint64_t groups_of(const Node& node, const std::string& place) {
    const Dataset& groups = *node.find("groups");
    const std::vector<std::int64_t> values = integers(groups);
    if (values.size() > 2 ||
        std::any_of(values.begin(), values.end(), [&](std::int64_t v) { return v != values.front(); })) {
        throw InputError(fmt::format("{}: dataset groups is [{}]; one number, or twice the same, is needed",
                                     place, fmt::join(values, ", ")));
    }
    return static_cast<std::uint64_t>(values.front());
}

Window window_of(const Node& node, const Shape& input, const std::string& place) {
    return WindowBuilder(node, input, place).build();
}

}  // namespace memprop::host::nir
