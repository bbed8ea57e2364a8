#include "host_runtime/chip/chip_learning.hpp"

#include <fmt/format.h>

#include <array>
#include <bit>

#include "crossbar/base/error.hpp"
#include "learning/eprop/make_plan.hpp"

namespace memprop::host {

using namespace hw::chip;
namespace reg = hw::chip::host_register;

LearningImage learning_image(const Experiment& experiment, const learning::ResolvedNetwork& resolved) {
    const learning::LearningConfig& learning = experiment.learning;
    const auto refuse = [](std::string_view key, const auto& value, std::string_view needs) {
        throw InputError(
            fmt::format("learning.{}", key), value,
            fmt::format("must be {}: the engines of the cores learn from the errors of the steps", needs));
    };
    if (learning.gradient != learning::GradientForm::online) {
        refuse("gradient", "factorised", "online");
    }
    if (learning.supervision != learning::Supervision::target) {
        refuse("supervision", "reward", "target");
    }
    if (learning.update_every_steps != 0) {
        refuse("update_every_steps", learning.update_every_steps, "0");
    }
    if (learning.gradient_clip != 0.0) {
        refuse("gradient_clip", learning.gradient_clip, "0");
    }
    if (learning.weight_decay != 0.0) {
        refuse("weight_decay", learning.weight_decay, "0");
    }
    if (learning.feedback == learning::Feedback::adaptive) {
        refuse("feedback", "adaptive", "random or symmetric");
    }
    if (learning.early_spikes_lose_last_error) {
        refuse("early_spikes_lose_last_error", true, "false");
    }
    std::string rule;
    LearningImage image;
    for (std::size_t p = 0; p < resolved.projections.size(); ++p) {
        const learning::ProjectionPlan& plan = resolved.projections[p];
        const network::Projection& projection = resolved.network.projections[p];
        if (plan.rule.empty() || plan.rule != "eprop" || (!rule.empty() && plan.rule_name != rule)) {
            throw InputError(fmt::format("projection.{}.rule", projection.name), plan.rule,
                             "must be one e-prop rule for all projections on a chip that learns by itself");
        }
        if (projection.connect.density < 1.0 || !projection.connect.mask.empty()) {
            throw InputError(fmt::format("projection.{}.density", projection.name),
                             projection.connect.density, "must be 1 on a chip that learns by itself");
        }
        if (projection.delay_kind == network::DelayKind::dendritic && projection.delay_steps > 0) {
            throw InputError(fmt::format("projection.{}.delay_steps", projection.name),
                             projection.delay_steps, "must be 0 or axonal on a chip that learns by itself");
        }
        rule = plan.rule_name;
        image.learning_rates.push_back(plan.lr);
    }
    image.plan = learning::make_eprop_plan<float>(resolved, rule);
    image.regularizer = {
        .strength = static_cast<float>(learning.rate_regularization),
        .target_per_step = static_cast<float>(learning.target_rate_hz * resolved.network.time_step_seconds),
        .form = learning.regularizer,
        .decay = static_cast<float>(learning.regularizer_decay)};
    image.settings = learning;
    return image;
}

ChipTrainer::ChipTrainer(ChipSession& session, const Experiment& experiment)
    : session_(session),
      batch_(static_cast<std::uint64_t>(experiment.learning.batch)),
      shares_feedback_(experiment.learning.feedback == learning::Feedback::symmetric) {}

void ChipTrainer::load_feedback(std::span<const float> feedback) {
    const network::Network& network = session_.image().network;
    for (std::size_t c = 0; c < session_.image().cores.size(); ++c) {
        for (const CoreProgram::Unit& unit : program_of(session_.image(), c).units) {
            if (unit.role != UnitRole::neurons) {
                continue;
            }
            const std::uint32_t neurons = network.populations[unit.population].size;
            words_.clear();
            for (std::size_t k = 0; k * neurons < feedback.size(); ++k) {
                for (std::uint32_t j = 0; j < unit.neurons.size; ++j) {
                    words_.push_back(
                        std::bit_cast<std::uint32_t>(feedback[k * neurons + unit.first_neuron + j]));
                }
            }
            session_.write_core(session_.core_number(c), kFeedbackWords, words_);
        }
    }
    session_.settle_writes();
}

double ChipTrainer::show(const learning::Trial& trial, bool learns) {
    const std::uint32_t outputs =
        session_.image().network.at(session_.image().network.objectives.front().population).size;
    const auto tick = static_cast<std::uint32_t>(samples_ + 1);
    session_.write(reg::label, static_cast<std::uint32_t>(trial.label));
    session_.write(reg::sample, std::array{static_cast<std::uint32_t>(samples_), tick});
    session_.write(reg::learn,
                   static_cast<std::uint32_t>(learns ? LearningMode::on_chip : LearningMode::off));
    session_.command(Command::begin_sample);
    const auto steps = static_cast<std::uint32_t>(trial.input.steps());
    for (std::uint32_t t = 0; t < steps; ++t) {
        const bool in_window = t >= trial.window_begin && t < trial.window_end;
        if (in_window && !trial.target.empty()) {
            words_.clear();
            for (std::uint32_t k = 0; k < outputs; ++k) {
                words_.push_back(std::bit_cast<std::uint32_t>(
                    static_cast<float>(trial.target[std::size_t{t} * outputs + k])));
            }
            session_.write(reg::targets, words_);
        }
        if (in_window != window_told_) {
            session_.write(reg::window, in_window ? 1U : 0U);
            window_told_ = in_window;
        }
        const std::uint32_t first =
            session_.image().first_address[session_.image().sources.front().population];
        words_.clear();
        for (const std::uint32_t line : trial.input.at(t)) {
            words_.push_back(first + line);
        }
        session_.write(reg::event_in, words_);
        session_.write(reg::step, t);
        session_.command(t + 1 == steps ? Command::last_tick : Command::tick);
        session_.drop_events();
    }
    std::array<std::uint32_t, 2> loss{};
    session_.read(reg::loss, loss);
    return std::bit_cast<double>(std::uint64_t{loss[1]} << 32 | loss[0]);
}

double ChipTrainer::evaluate(const learning::Trial& trial) {
    return show(trial, false);
}

double ChipTrainer::train(const learning::Trial& trial) {
    const auto tick = static_cast<std::uint32_t>(samples_ + 1);
    if (shares_feedback_) {
        session_.write(reg::device_tick, std::array{tick, static_cast<std::uint32_t>(samples_)});
        session_.command(Command::share_feedback);
    }
    const double loss = show(trial, true);
    session_.command(Command::optimise);
    ++samples_;
    if (samples_ % batch_ == 0) {
        session_.write(reg::device_tick, std::array{tick, static_cast<std::uint32_t>(updates_)});
        session_.command(Command::update);
        ++updates_;
    }
    return loss;
}

}  // namespace memprop::host
