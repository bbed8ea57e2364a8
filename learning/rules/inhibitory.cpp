// Spike-timing plasticity of inhibitory synapses (Vogels et al., Science 334, 1569, 2011): inhibition grows
// where pre- and postsynaptic spikes meet, and falls with every other presynaptic spike, so that the
// postsynaptic neurons come to fire at the target rate r0.
//   a spike of i reaches its synapses:  w_ij += eta (y_j - 2 r0 tau)
//   neuron j spikes:                    w_ij += eta x_i
//   x, y: +1 per spike, decay with tau
// Order within a step: traces decay; presynaptic terms; limits; postsynaptic terms; limits; traces take the
// spikes. So spikes of one step do not see each other. eta is below 0 where inhibition is a weight below 0.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "crossbar/base/error.hpp"
#include "crossbar/base/math.hpp"
#include "learning/rules/rules.hpp"

namespace memprop::learning {
namespace {

using network::Field;

constexpr std::array kFields{
    Field{.name = "tau_seconds",
          .unit = "s",
          .missing = 20e-3,
          .low = 1e-9,
          .high = 1e6,
          .text = "time constant of the traces"},
    Field{.name = "target_rate_hz",
          .unit = "Hz",
          .missing = 5.0,
          .low = 0.0,
          .high = 1e6,
          .text = "r0: rate that the postsynaptic neurons come to fire at"},
    Field{.name = "eta",
          .unit = "",
          .missing = -1e-3,
          .low = -1e6,
          .high = 1e6,
          .text = "change of a weight per unit of a trace; below 0: inhibition is a weight below 0"},
    Field{.name = "w_min", .unit = "", .missing = -1.0, .low = -1e9, .high = 1e9, .text = "least weight"},
    Field{.name = "w_max", .unit = "", .missing = 0.0, .low = -1e9, .high = 1e9, .text = "largest weight"},
    Field{.name = "update_every_steps",
          .unit = "",
          .missing = 1.0,
          .low = 1.0,
          .high = 1e6,
          .text = "steps whose changes are written together",
          .whole = true},
};

template <class Real>
class Inhibitory final : public Rule<Real> {
public:
    explicit Inhibitory(const RuleContext<Real>& context)
        : keeps_state_(context.keeps_state),
          read_(context.read),
          write_(context.write),
          changes_(context.all_projections) {
        const auto value = [&](std::string_view name) {
            return parameter_of(context.name, context.parameters, kFields, name);
        };
        const double tau = value("tau_seconds");
        decay_ = static_cast<Real>(math::exp(-context.time_step_seconds / tau));
        offset_ = static_cast<Real>(2.0 * value("target_rate_hz") * tau);
        eta_ = static_cast<Real>(value("eta"));
        least_ = static_cast<Real>(value("w_min"));
        most_ = static_cast<Real>(value("w_max"));
        every_ = static_cast<std::uint64_t>(value("update_every_steps"));
        if (!(least_ <= most_)) {
            throw InputError(fmt::format("rule.{}.w_min", context.name), value("w_min"),
                             "must not be above w_max");
        }
        for (const RuleProjection& p : context.projections) {
            if (p.bias || !p.post_spikes) {
                throw InputError(fmt::format("projection.{}.rule", p.name), context.name,
                                 p.bias ? "cannot learn a bias: it has no spikes"
                                        : "needs postsynaptic neurons that spike");
            }
            synapses_.emplace_back(p);
        }
    }

    void begin_trial() override {
        for (Synapses& s : synapses_) {
            if (!keeps_state_) {
                std::fill(s.x.begin(), s.x.end(), Real{0});
                std::fill(s.y.begin(), s.y.end(), Real{0});
            }
            read_(s.projection.id, s.written);
            s.weights = s.written;
        }
    }

    void after_step(const Tape<Real>& tape, std::size_t t) override {
        for (Synapses& s : synapses_) {
            step(tape, t, s);
        }
        if ((t + 1) % every_ == 0) {
            write();
        }
    }

    void end_trial(const Tape<Real>&, Gradients<Real>&) override { write(); }

    void serialize(StateArchive& archive) override {
        archive("writes", writes_);
        for (Synapses& s : synapses_) {
            archive.enter(s.projection.name);
            archive("x1", s.x);
            archive("y1", s.y);
            archive.leave();
        }
    }

private:
    struct Synapses {
        RuleProjection projection;
        std::vector<Real> x, y;  ///< traces, [pre], [post]
        /// [pre][post]: as they should be, as they are after what has been asked for, and the difference.
        std::vector<Real> weights, written, change;
        bool changed = false;

        explicit Synapses(const RuleProjection& p)
            : projection(p),
              x(p.rows),
              y(p.columns),
              weights(std::size_t{p.rows} * p.columns),
              written(weights.size()),
              change(weights.size()) {}
    };

    void add(Synapses& s, std::size_t i, std::size_t j, Real change) const {
        if (s.projection.exists(i, j)) {
            Real& w = s.weights[i * s.y.size() + j];
            w = std::clamp(w + change, least_, most_);
        }
    }

    void step(const Tape<Real>& tape, std::size_t t, Synapses& s) const {
        const PopulationTape<Real>& from = tape.populations[s.projection.from];
        const auto arriving = from.arriving(t, s.projection.delay);
        const auto values = from.arriving_values(t, s.projection.delay);
        const auto spikes = tape.populations[s.projection.to].events().at(t);
        const auto value = [&](std::size_t e) { return values.empty() ? Real{1} : values[e]; };
        for (std::vector<Real>* traces : {&s.x, &s.y}) {
            for (Real& trace : *traces) {
                trace *= decay_;
            }
        }
        for (std::size_t e = 0; e < arriving.size(); ++e) {
            for (std::size_t j = 0; j < s.y.size(); ++j) {
                add(s, arriving[e], j, eta_ * value(e) * (s.y[j] - offset_));
            }
        }
        for (const std::uint32_t j : spikes) {
            for (std::size_t i = 0; i < s.x.size(); ++i) {
                add(s, i, j, eta_ * s.x[i]);
            }
        }
        for (std::size_t e = 0; e < arriving.size(); ++e) {
            s.x[arriving[e]] += value(e);
        }
        for (const std::uint32_t j : spikes) {
            s.y[j] += Real{1};
        }
        s.changed = s.changed || !arriving.empty() || !spikes.empty();
    }

    void write() {
        bool any = false;
        for (Synapses& s : synapses_) {
            std::span<const Real>& changes = changes_[index_of(s.projection.id)];
            changes = {};
            if (s.changed) {
                for (std::size_t at = 0; at < s.change.size(); ++at) {
                    s.change[at] = s.weights[at] - s.written[at];
                    s.written[at] += s.change[at];
                    s.weights[at] = s.written[at];
                }
                changes = s.change;
                s.changed = false;
                any = true;
            }
        }
        if (any) {
            write_(changes_, static_cast<std::uint32_t>(writes_++));
        }
    }

    bool keeps_state_;
    ReadWeights<Real> read_;
    WriteChanges<Real> write_;
    Real decay_ = 0, offset_ = 0, eta_ = 0, least_ = 0, most_ = 0;  // offset: 2 r0 tau
    std::uint64_t every_ = 1, writes_ = 0;
    std::vector<Synapses> synapses_;
    std::vector<std::span<const Real>> changes_;  // by projection
};

template <class Real>
std::unique_ptr<Rule<Real>> make(const RuleContext<Real>& context) {
    return std::make_unique<Inhibitory<Real>>(context);
}

}  // namespace

const RuleKind& inhibitory_rule() {
    static const RuleKind kKind{.name = "inhibitory",
                                .text = "spike-timing plasticity of inhibitory synapses",
                                .fields = kFields,
                                .needs = [](const LearningConfig&) { return RuleNeeds{.steps = true}; },
                                .make_float = make<float>,
                                .make_double = make<double>};
    return kKind;
}

}  // namespace memprop::learning
