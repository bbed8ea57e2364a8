// E-prop (equations: eprop/gradient.hpp): gradients after a trial, backwards or forwards in time, or weights
// that change within it. With learning.supervision = "reward" its errors come from eprop/reward.hpp.
#include "learning/eprop/step_learner.hpp"
#include "learning/rules/rule.hpp"

namespace memprop::learning {
namespace {

template <class Real>
class EpropAfterTrial final : public Rule<Real> {
public:
    explicit EpropAfterTrial(const RuleContext<Real>& context)
        : gradient_(make_gradient<Real>(context.learning.gradient, *context.plan)),
          feedback_(*context.feedback),
          regularizer_(context.regularizer) {}

    void end_trial(const Tape<Real>& tape, Gradients<Real>& gradients) override {
        gradient_->compute(tape, feedback_, regularizer_, gradients);
    }

private:
    std::unique_ptr<Gradient<Real>> gradient_;
    const FeedbackWeights<Real>& feedback_;
    RateRegularizer<Real> regularizer_;
};

RuleNeeds needs(const LearningConfig& learning) {
    const bool steps = learning.update_every_steps > 0;
    return {.errors = true,
            .pseudo_derivatives = true,
            .spike_counts = !steps && learning.regularizer == RegularizerForm::per_trial,
            .steps = steps,
            .gradients = !steps};
}

template <class Real>
std::unique_ptr<Rule<Real>> make(const RuleContext<Real>& context) {
    if (needs(context.learning).steps) {
        return std::make_unique<StepLearner<Real>>(context);
    }
    return std::make_unique<EpropAfterTrial<Real>>(context);
}

}  // namespace

const RuleKind& eprop_rule() {
    static const RuleKind kKind{.name = "eprop",
                                .text = "e-prop; its keys are those of [learning]",
                                .fields = {},
                                .needs = needs,
                                .make_float = make<float>,
                                .make_double = make<double>};
    return kKind;
}

}  // namespace memprop::learning
