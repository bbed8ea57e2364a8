// What a run refuses before it begins.
#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "crossbar/array/faults.hpp"
#include "crossbar/base/error.hpp"
#include "learning/trainer.hpp"
#include "learning/update/fast_array.hpp"
#include "learning/update/scheme.hpp"

namespace memprop::learning {

template <class Real>
void BasicTrainer<Real>::check_fault_map() const {
    std::vector<std::uint32_t> arrays;
    for (std::size_t p = 0; p < stores_.size(); ++p) {
        const std::uint32_t number = array_number(static_cast<ProjectionId>(p));
        if (stores_[p] != nullptr && stores_[p]->array() != nullptr) {
            arrays.push_back(number);
        }
        if (stores_[p] != nullptr && stores_[p]->scheme_array() != nullptr) {
            arrays.push_back(kFirstFastArray + number);
        }
    }
    if (!arrays.empty()) {
        crossbar::check_mapped_arrays(config_.crossbar.faults, arrays);
    }
}

template <class Real>
bool BasicTrainer<Real>::loss_suits_task() const {
    Trial buffer;
    const Trial& first = task_->trial(Split::training, 0, buffer);
    const network::Network& network = resolved_.network;
    return std::all_of(network.objectives.begin(), network.objectives.end(), [&](const auto& objective) {
        return objective.loss == Loss::cross_entropy
                   ? first.label >= 0 &&
                         first.label < static_cast<std::int64_t>(network.at(objective.population).size)
                   : !first.target.empty();
    });
}

/// Adaptive feedback gets the changes of the readout weights, so these must be learned after the trial.
template <class Real>
void BasicTrainer<Real>::check_adaptive(const RuleGroup& group, ProjectionId direct) const {
    const ProjectionPlan& plan = resolved_.projections[network::index_of(direct)];
    const bool learns = std::any_of(groups_.begin(), groups_.end(), [&](const RuleGroup& other) {
        return other.name == plan.rule_name && other.needs.gradients;
    });
    if (!learns) {
        throw InputError(
            fmt::format("{}.feedback", group.name == "eprop" ? "learning" : "rule." + group.name), "adaptive",
            fmt::format("follows the changes of projection {}, which needs a rule that learns after the "
                        "trial",
                        resolved_.network.at(direct).name));
    }
}

/// What holds for the whole run stands in [learning].
template <class Real>
void BasicTrainer<Real>::check_run_wide(const RuleGroup& group) const {
    const LearningConfig &own = group.learning, &run = config_.learning;
    const auto same = [&](std::string_view key, const auto& a, const auto& b) {
        if (a != b) {
            throw InputError(fmt::format("rule.{}.{}", group.name, key), "not that of [learning]",
                             "holds for the whole run: set it there");
        }
    };
    same("batch", own.batch, run.batch);
    same("gradient_clip", own.gradient_clip, run.gradient_clip);
    same("average_over_window", own.average_over_window, run.average_over_window);
    same("supervision", own.supervision, run.supervision);
    same("reward_decay", own.reward_decay, run.reward_decay);
    same("early_spikes_lose_last_error", own.early_spikes_lose_last_error, run.early_spikes_lose_last_error);
}

template <class Real>
void BasicTrainer<Real>::check_settings() const {
    const LearningConfig& learning = config_.learning;
    std::int64_t lines = 0;
    for (const PopulationId id : sources_of(resolved_.network)) {
        lines += resolved_.network.at(id).size;
    }
    if (lines != config_.network.inputs) {
        throw InputError("network.inputs", config_.network.inputs,
                         fmt::format("must be {}, the neurons of the populations that take events", lines));
    }
    if (learning.early_spikes_lose_last_error && learning.gradient != GradientForm::online) {
        throw InputError("learning.early_spikes_lose_last_error", true,
                         "needs learning.gradient = \"online\"");
    }
    if (learns_from_errors() && !task_->is_stream() && !loss_suits_task()) {
        throw InputError("learning.loss", learning.loss == Loss::cross_entropy ? "cross_entropy" : "mse",
                         fmt::format("does not suit the task {}: cross_entropy needs trials with labels, mse "
                                     "trials with targets",
                                     config_.task.name));
    }
    if (learning.supervision == Supervision::reward &&
        (learning.loss != Loss::cross_entropy || learning.update_every_steps > 0)) {
        throw InputError("learning.supervision", "reward",
                         "needs learning.loss = \"cross_entropy\" and updates after trials");
    }
    const bool numbers = find_scheme_kind("update.scheme", config_.update.scheme).make == nullptr;
    if (config_.update.write_verify && numbers) {
        throw InputError(
            "update.write_verify", true,
            fmt::format("must be false with update.scheme = \"{}\": its weights are numbers, nothing "
                        "is written to devices",
                        config_.update.scheme));
    }
    for (const RuleGroup& group : groups_) {
        const LearningConfig& own = group.learning;
        const std::string table = group.name == "eprop" ? "learning" : fmt::format("rule.{}", group.name);
        for (const LearningPopulation<Real>& population : group.plan) {
            for (const ErrorSource& source : population.sources) {
                if (own.feedback != Feedback::random &&
                    !direct_projection(resolved_.network, population.population, source.objective)) {
                    throw InputError(
                        fmt::format("{}.feedback", table),
                        own.feedback == Feedback::symmetric ? "symmetric" : "adaptive",
                        fmt::format(
                            "must be \"random\": population {} has no projection to {}, whose weights "
                            "could carry errors back",
                            resolved_.network.populations[population.population].name,
                            resolved_.network.at(resolved_.network.objectives[source.objective].population)
                                .name));
                }
                if (own.feedback == Feedback::adaptive) {
                    check_adaptive(group, *direct_projection(resolved_.network, population.population,
                                                             source.objective));
                }
            }
        }
        if (group.needs.errors) {
            check_run_wide(group);
        }
        if (!group.needs.errors || own.update_every_steps == 0) {
            continue;
        }
        const auto refuse = [&](std::string_view rule) {
            throw InputError(fmt::format("{}.update_every_steps", table), own.update_every_steps, rule);
        };
        if (own.gradient != GradientForm::online) {
            refuse("updates within a trial need learning.gradient = \"online\"");
        }
        if (own.regularizer == RegularizerForm::per_trial && own.rate_regularization > 0.0) {
            refuse(
                "updates within a trial need learning.regularizer = \"running_average\": the rate of the "
                "trial is not known yet");
        }
        if (own.feedback == Feedback::adaptive || own.average_over_window || own.weight_decay > 0.0 ||
            own.gradient_clip > 0.0) {
            refuse(
                "adaptive feedback, average_over_window, weight_decay and gradient_clip belong to updates "
                "after trials");
        }
    }
}

template class BasicTrainer<float>;
template class BasicTrainer<double>;

}  // namespace memprop::learning
