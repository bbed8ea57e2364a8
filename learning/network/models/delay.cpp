// Relays that hold back what arrives: neuron j puts out in step t what reached it in step t - delay_steps_j.
// Memory goes with what is under way. Where all neurons wait equally long, projections do it
// (Projection::delay_steps).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "crossbar/base/error.hpp"
#include "learning/network/neurons.hpp"

namespace memprop::network {
namespace {

constexpr double kMostSteps = 1e15;  // due steps are whole numbers of double precision

constexpr std::array kFields{
    Field{.name = "delay_steps",
          .unit = "",
          .role = FieldRole::parameter,
          .missing = 1.0,
          .low = 0.0,
          .high = kMostSteps,
          .per_neuron = true,
          .text = "steps from what arrives to what is put out",
          .whole = true},
};

template <class Real>
class Delays final : public Neurons<Real> {
public:
    explicit Delays(const Population& population) {
        // Synapses onto a relay learn as if it did not wait: the error comes when it comes.
        eligibility_.alpha = {Real{0}};
        eligibility_.gain = {Real{1}};
        eligibility_.receptors.resize(1);
        eligibility_.spiking = false;
        for (const double steps : values_of(population, kFields, "delay_steps")) {
            steps_.push_back(static_cast<std::uint64_t>(steps));
        }
    }

    void clear() override {
        heap_.clear();
        now_ = 0;
    }

    void step(const Arriving<Real>& arriving, Signal<Real>& out, std::span<Real> psi) override {
        std::fill(psi.begin(), psi.end(), Real{1});
        const std::span<const Real> input = arriving.receptors[0];
        for (std::uint32_t i = 0; !arriving.nothing && i < input.size(); ++i) {
            if (input[i] != Real{0}) {
                heap_.push_back({now_ + steps_[i], i, input[i]});
                std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
            }
        }
        out.index.clear();
        out.value.clear();
        while (!heap_.empty() && heap_.front().due == now_) {
            out.index.push_back(heap_.front().index);
            out.value.push_back(heap_.front().value);
            std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
            heap_.pop_back();
        }
        out.form = out.index.empty() ? Signal<Real>::Form::zero : Signal<Real>::Form::graded;
        ++now_;
    }

    /// Reading needs neurons that have been cleared.
    void serialize(StateArchive& archive) override {
        std::vector<std::uint32_t> index;
        std::vector<double> due;
        std::vector<Real> value;
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
            throw InputError("the arrays of delayed values have different lengths");
        }
        heap_.clear();
        for (std::size_t k = 0; k < due.size(); ++k) {
            if (!(due[k] >= static_cast<double>(now_) && due[k] < 2.0 * kMostSteps) ||
                index[k] >= steps_.size()) {
                throw InputError("a delayed value is due at no step, or belongs to no neuron");
            }
            heap_.push_back({static_cast<std::uint64_t>(due[k]), index[k], value[k]});
        }
        std::make_heap(heap_.begin(), heap_.end(), std::greater<>());
    }

    std::span<const Real> state(std::string_view) const override { return {}; }
    const Eligibility<Real>* eligibility() const override { return &eligibility_; }

private:
    struct Entry {
        std::uint64_t due;
        std::uint32_t index;
        Real value;
        auto operator<=>(const Entry&) const = default;
    };

    Eligibility<Real> eligibility_;
    std::vector<std::uint64_t> steps_;
    std::vector<Entry> heap_;  // smallest first
    std::uint64_t now_ = 0;
};

template <class Real>
std::unique_ptr<Neurons<Real>> make(const Population& population, double) {
    return std::make_unique<Delays<Real>>(population);
}

}  // namespace

const NeuronModel& delay_model() {
    static const NeuronModel kModel{.name = "delay",
                                    .text = "passes on what arrives after steps of its own for each neuron",
                                    .nir_type = "Delay",
                                    .fields = kFields,
                                    .receptors = 1,
                                    .spiking = false,
                                    .operations_per_step = 0.0,
                                    .make_float = make<float>,
                                    .make_double = make<double>};
    return kModel;
}

}  // namespace memprop::network
