// Scale, Threshold, Delay, and the nodes that pass values on; the choice of operator by node type.
#include <algorithm>
#include <cmath>
#include <functional>

#include "crossbar/base/error.hpp"
#include "host_runtime/graph/operators.hpp"
#include "host_runtime/nir/layer_values.hpp"

namespace memprop::host {
namespace {

using nir::NodeType;

class Pass final : public Operator {
public:
    void step(const Signal& x, Signal& y) override {
        y.form = x.form;
        if (x.form == Signal::Form::sparse) {
            y.index = x.index;
            y.value = x.value;
        } else if (x.form == Signal::Form::dense) {
            y.dense = x.dense;
        }
    }
};

class Scale final : public Operator {
public:
    explicit Scale(std::vector<double> scale) : scale_(std::move(scale)) {}

    void step(const Signal& x, Signal& y) override {
        if (x.form == Signal::Form::dense) {
            y.form = Signal::Form::dense;
            y.dense.resize(scale_.size());
            for (std::size_t i = 0; i < scale_.size(); ++i) {
                y.dense[i] = scale_[i] * x.dense[i];
            }
            return;
        }
        y.start_sparse();
        for_each_nonzero(x, [&](std::uint32_t i, double value) { y.add(i, scale_[i] * value); });
        y.finish_sparse();
    }

private:
    std::vector<double> scale_;
};

class Threshold final : public Operator {
public:
    explicit Threshold(std::vector<double> threshold)
        : threshold_(std::move(threshold)), scratch_(threshold_.size()) {
        silent_ = std::all_of(threshold_.begin(), threshold_.end(), [](double th) { return th >= 0.0; });
    }

    void step(const Signal& x, Signal& y) override {
        y.start_sparse();
        if (x.form != Signal::Form::zero || !silent_) {
            const double* values = dense_values(x, scratch_);
            for (std::size_t i = 0; i < threshold_.size(); ++i) {
                if (values[i] > threshold_[i]) {
                    y.add(static_cast<std::uint32_t>(i), 1.0);
                }
            }
        }
        y.finish_sparse();
    }

private:
    std::vector<double> threshold_, scratch_;
    bool silent_;  // whether nothing in gives nothing out
};

/// y[i] in step k is x[i] of step k - round(delay[i]/dt). Memory goes with what is under way.
class Delay final : public Operator {
public:
    Delay(const std::vector<double>& delay_seconds, double dt_seconds) {
        for (const double delay : delay_seconds) {
            steps_.push_back(static_cast<std::uint64_t>(std::nearbyint(delay / dt_seconds)));
        }
    }

    void rest(const Signal&, Signal& y) override { y.set_zero(); }

    void reset() override {
        heap_.clear();
        now_ = 0;
    }

    void serialize(StateArchive& archive) override {
        std::vector<std::uint32_t> index;
        std::vector<double> due, value;  // steps are whole numbers below 2^53
        for (const Entry& entry : heap_) {
            due.push_back(static_cast<double>(entry.due));
            index.push_back(entry.index);
            value.push_back(entry.value);
        }
        archive("now", now_);
        archive("due", due);
        archive("index", index);
        archive("value", value);
        if (index.size() != due.size() || value.size() != due.size()) {
            throw InputError("the arrays of a Delay have different lengths");
        }
        heap_.clear();
        for (std::size_t k = 0; k < due.size(); ++k) {
            if (!(due[k] >= static_cast<double>(now_) && due[k] < 9e15) || index[k] >= steps_.size()) {
                throw InputError("a Delay holds a value that is due at no step");
            }
            heap_.push_back({static_cast<std::uint64_t>(due[k]), index[k], value[k]});
        }
        std::make_heap(heap_.begin(), heap_.end(), std::greater<>());
    }

    void step(const Signal& x, Signal& y) override {
        for_each_nonzero(x, [&](std::uint32_t i, double value) {
            heap_.push_back({now_ + steps_[i], i, value});
            std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
        });
        y.start_sparse();
        while (!heap_.empty() && heap_.front().due == now_) {
            y.add(heap_.front().index, heap_.front().value);
            std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
            heap_.pop_back();
        }
        y.finish_sparse();
        ++now_;
    }

    std::uint64_t longest_delay_steps() const override {
        return *std::max_element(steps_.begin(), steps_.end());
    }

private:
    struct Entry {
        std::uint64_t due;
        std::uint32_t index;
        double value;
        auto operator<=>(const Entry&) const = default;
    };

    std::vector<std::uint64_t> steps_;
    std::vector<Entry> heap_;  // smallest first
    std::uint64_t now_ = 0;
};

}  // namespace

std::unique_ptr<Operator> make_pass() {
    return std::make_unique<Pass>();
}

std::unique_ptr<Operator> make_scale(const nir::FlatNode& node) {
    return std::make_unique<Scale>(nir::layer_values(node, "scale", 1.0));
}

std::unique_ptr<Operator> make_threshold(const nir::FlatNode& node) {
    return std::make_unique<Threshold>(nir::layer_values(node, "threshold", 0.0));
}

std::unique_ptr<Operator> make_delay(const nir::FlatNode& node, const Discretisation& discretisation) {
    return std::make_unique<Delay>(nir::layer_values(node, "delay", 0.0), discretisation.dt_seconds);
}

std::unique_ptr<Operator> make_operator(const nir::FlatNode& node, const Discretisation& discretisation,
                                        const std::string& place) {
    if (discretisation.arithmetic != Arithmetic::graph) {
        if (auto trained = make_trained(node, discretisation, place)) {
            return trained;
        }
    }
    switch (node.node->type) {
        case NodeType::affine:
        case NodeType::linear:
            return make_linear(node);
        case NodeType::scale:
            return make_scale(node);
        case NodeType::conv1d:
        case NodeType::conv2d:
            return make_convolution(node, place);
        case NodeType::sum_pool2d:
        case NodeType::avg_pool2d:
            return make_pool(node, place);
        case NodeType::delay:
            return make_delay(node, discretisation);
        case NodeType::threshold:
            return make_threshold(node);
        case NodeType::input:
        case NodeType::output:
        case NodeType::flatten:
        case NodeType::graph:  // dissolved by flatten()
            return make_pass();
        default:
            return make_neurons(node, discretisation, place);
    }
}

}  // namespace memprop::host
