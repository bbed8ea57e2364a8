#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "crossbar/base/error.hpp"
#include "crossbar/base/simd.hpp"
#include "learning/trainer.hpp"
#include "learning/weights/crossbar_weights.hpp"

using namespace memprop;
using namespace memprop::learning;

namespace {

ExperimentConfig small_experiment(const std::string& scheme) {
    ExperimentConfig config;
    config.task.steps = 200;
    config.network.inputs = 30;
    config.network.recurrent = 37;
    config.update.scheme = scheme;
    config.update.devices_per_polarity = scheme == "multi_device" ? 3 : 1;
    config.update.refresh_high = 0.3;
    config.update.refresh_low = 0.1;
    config.run.seed = 6;
    if (scheme.ends_with("_transfer") || scheme == "tiki_taka") {
        config.crossbar.device = "ecram_li";
        crossbar::find_device_kind("ecram_li").preset(config.crossbar);
        config.update.max_pulses = 100;
        config.update.transfer.chop_probability = 0.5;
    }
    config.update.write_verify = scheme == "mixed_precision";
    return config;
}

/// Everything a trainer holds, by name; replays into another trainer.
class Memory final : public StateArchive {
public:
    using Value = std::variant<std::vector<float>, std::vector<double>, std::vector<std::int32_t>,
                               std::vector<std::uint32_t>, std::uint64_t, double>;
    bool loading = false;
    std::map<std::string, Value> values;

    void operator()(std::string_view n, std::vector<float>& v) override { exchange(n, v); }
    void operator()(std::string_view n, std::vector<double>& v) override { exchange(n, v); }
    void operator()(std::string_view n, std::vector<std::int32_t>& v) override { exchange(n, v); }
    void operator()(std::string_view n, std::vector<std::uint32_t>& v) override { exchange(n, v); }
    void operator()(std::string_view n, std::uint64_t& v) override { exchange(n, v); }
    void operator()(std::string_view n, double& v) override { exchange(n, v); }
    void enter(std::string_view name) override { path_ += std::string(name) + "/"; }
    void leave() override { path_.resize(path_.rfind('/', path_.size() - 2) + 1); }

private:
    template <class T>
    void exchange(std::string_view name, T& value) {
        const std::string key = path_ + std::string(name);
        if (loading) {
            value = std::get<T>(values.at(key));
        } else {
            CHECK(values.emplace(key, value).second);
        }
    }
    std::string path_ = "/";
};

std::map<std::string, Memory::Value> state_of(Trainer& trainer) {
    Memory memory;
    trainer.serialize(memory);
    return memory.values;
}

const std::vector<std::string> kSchemes{
    "vanilla",          "sign",      "stochastic",        "multi_device",     "mixed_precision",
    "batch_accumulate", "tiki_taka", "buffered_transfer", "chopped_transfer", "dynamic_transfer",
    "short_term"};

}  // namespace

TEST_CASE("a run continued from a checkpoint equals the uninterrupted run bit for bit") {
    for (const std::string& scheme : kSchemes) {
        for (const OptimizerKind optimizer : {OptimizerKind::gd, OptimizerKind::adam}) {
            CAPTURE(scheme);
            ExperimentConfig config = small_experiment(scheme);
            config.learning.optimizer = optimizer;
            config.learning.batch = 2;
            Trainer whole(config), first(config), second(config);
            for (int i = 0; i < 31; ++i) {
                whole.train_sample();
            }
            for (int i = 0; i < 16; ++i) {  // inside an epoch, a batch, an accumulation
                first.train_sample();
            }
            Memory memory;
            first.serialize(memory);
            memory.loading = true;
            second.serialize(memory);
            for (int i = 16; i < 31; ++i) {
                second.train_sample();
            }
            CHECK(state_of(second) == state_of(whole));
        }
    }
}

TEST_CASE(
    "training with wires in tiles and correlated noise continues from a checkpoint bit for bit, with both "
    "gradients") {
    for (const auto renewal : {crossbar::WireRenewal::every_sample, crossbar::WireRenewal::every_k,
                               crossbar::WireRenewal::on_change_above}) {
        for (const GradientForm gradient : {GradientForm::factorised, GradientForm::online}) {
            ExperimentConfig config = small_experiment("mixed_precision");
            config.learning.gradient = gradient;
            config.crossbar.tile_rows = 16;
            config.crossbar.tile_columns = 20;
            config.crossbar.low_frequency.one_over_f = 0.05;
            config.crossbar.low_frequency.telegraph_fraction = 0.2;
            ExperimentConfig ideal = config;
            config.crossbar.wires = {.r_wl_ohm = 50.0,
                                     .r_bl_ohm = 50.0,
                                     .r_sense_ohm = 10.0,
                                     .renew = renewal,
                                     .renew_every = 3,
                                     .renew_change = 0.1};
            Trainer whole(config), first(config), second(config), without(ideal);
            for (int i = 0; i < 11; ++i) {
                whole.train_sample();
                without.train_sample();
            }
            for (int i = 0; i < 5; ++i) {  // between two solutions
                first.train_sample();
            }
            Memory memory;
            first.serialize(memory);
            memory.loading = true;
            second.serialize(memory);
            for (int i = 5; i < 11; ++i) {
                second.train_sample();
            }
            CHECK(state_of(second) == state_of(whole));
            CHECK(whole.counters().wires_us > 0.0);
            CHECK(state_of(whole).at("/w_rec/devices/conductance_us") !=
                  state_of(without).at("/w_rec/devices/conductance_us"));
            const auto solutions = whole.array(classic::w_in)->wires().solutions();
            CHECK((renewal == crossbar::WireRenewal::every_sample) == (solutions >= 11 * 2));
        }
    }
}

TEST_CASE("networks learn on slices and with offset columns, and continue from a checkpoint bit for bit") {
    for (const bool slices : {true, false}) {
        ExperimentConfig config = small_experiment("mixed_precision");
        if (slices) {
            config.crossbar.slice_base = 4;
            config.update.devices_per_polarity = 2;
        } else {
            config.crossbar.device = "ecram_li";
            crossbar::find_device_kind(config.crossbar.device).preset(config.crossbar);
            config.crossbar.subtraction = crossbar::Subtraction::offset_column;
        }
        config.update.max_pulses = 100;
        Trainer whole(config), first(config), second(config);
        double early = 0.0, late = 0.0;
        for (int i = 0; i < 120; ++i) {
            const double loss = whole.train_sample();
            (i < 30 ? early : late) += i < 30 || i >= 90 ? loss : 0.0;
        }
        for (int i = 0; i < 70; ++i) {
            first.train_sample();
        }
        Memory memory;
        first.serialize(memory);
        memory.loading = true;
        second.serialize(memory);
        for (int i = 70; i < 120; ++i) {
            second.train_sample();
        }
        CAPTURE(slices);
        CHECK(late < 0.9 * early);
        CHECK(state_of(second) == state_of(whole));
    }
}

TEST_CASE("verified updates of ideal slices find nothing to correct") {
    ExperimentConfig config = small_experiment("mixed_precision");
    config.crossbar.device = "ideal";
    config.crossbar.slice_base = 4;
    config.update.devices_per_polarity = 2;
    config.update.max_pulses = 100;
    config.update.verify_tolerance_us = 0.01;  // a step is 0.0375 uS
    Trainer verified(config);
    config.update.write_verify = false;
    Trainer open_loop(config);
    for (int i = 0; i < 12; ++i) {
        CHECK(verified.train_sample() == open_loop.train_sample());
    }
    CHECK(verified.counters().verify_reads > open_loop.counters().verify_reads);
    CHECK(verified.counters().set_pulses == open_loop.counters().set_pulses);
    CHECK(open_loop.counters().set_pulses > 1000);
}

TEST_CASE("training gives the same bits at every SIMD level") {
    for (const std::string& scheme : kSchemes) {
        CAPTURE(scheme);
        std::vector<std::map<std::string, Memory::Value>> states;
        for (const SimdLevel level : available_simd_levels()) {
            set_simd_level(level);
            ExperimentConfig config = small_experiment(scheme);
            config.update.accumulator_bits = 8;
            config.learning.feedback = Feedback::symmetric;
            Trainer trainer(config);
            for (int i = 0; i < 12; ++i) {
                trainer.train_sample();
            }
            states.push_back(state_of(trainer));
        }
        for (const auto& state : states) {
            CHECK(state == states.front());
        }
    }
}

TEST_CASE("gradients of wide layers have the same bits at every SIMD level") {
    for (const NeuronKind neuron : {NeuronKind::lif, NeuronKind::alif}) {
        std::vector<std::map<std::string, Memory::Value>> states;
        for (const SimdLevel level : available_simd_levels()) {
            set_simd_level(level);
            ExperimentConfig config = small_experiment("vanilla");
            config.network.recurrent = 150;  // whole groups of vectors at every width, and a rest
            config.network.neuron = neuron;
            Trainer trainer(config);
            for (int i = 0; i < 4; ++i) {
                trainer.train_sample();
            }
            states.push_back(state_of(trainer));
        }
        for (const auto& state : states) {
            CHECK(state == states.front());
        }
    }
}

TEST_CASE("online and factorised gradients train alike") {
    ExperimentConfig config = small_experiment("vanilla");
    Trainer factorised(config);
    config.learning.gradient = GradientForm::online;
    Trainer online(config);
    for (int i = 0; i < 6; ++i) {
        CHECK(factorised.train_sample() == doctest::Approx(online.train_sample()).epsilon(1e-3));
    }
}

TEST_CASE("a network learns the patterns on noisy PCM") {
    ExperimentConfig config;
    config.run.seed = 21;
    Trainer trainer(config);
    for (int i = 0; i < 3 * 60; ++i) {
        trainer.train_sample();
    }
    const std::vector<double>& loss = trainer.history().loss;
    const double last = (loss[57] + loss[58] + loss[59]) / 3;
    CHECK(loss[0] > 0.15);
    CHECK(last < 0.06);
    CHECK(trainer.counters().reset_pulses >= 2U * (100 * 100 + 100 * 99 + 100));
    CHECK(trainer.most_pulses_of_a_device() >= 2);
}

TEST_CASE("evaluation changes nothing but its own counters") {
    ExperimentConfig config = small_experiment("mixed_precision");
    config.crossbar.read_noise_scale = 0.0;
    Trainer trainer(config);
    for (int i = 0; i < 5; ++i) {
        trainer.train_sample();
    }
    const double once = trainer.evaluate_sample(1);
    const auto conductance = trainer.weights(classic::w_in).array()->devices().conductance_us;
    CHECK(trainer.evaluate_sample(1) == once);
    CHECK(trainer.weights(classic::w_in).array()->devices().conductance_us == conductance);
}

TEST_CASE("weights of another run bring their devices and their device time") {
    const ExperimentConfig config = small_experiment("mixed_precision");
    Trainer first(config);
    for (int i = 0; i < 6; ++i) {
        first.train_sample();
    }
    Memory memory;
    first.serialize(memory);
    memory.loading = true;
    Trainer second(config);
    second.load_weights(memory, config);
    CHECK(second.tick() == first.tick());
    CHECK(second.samples_done() == 0);
    CHECK(second.counters().set_pulses == 0);
    std::vector<float> a(30 * 37), b(30 * 37);
    first.weights(classic::w_in).snapshot(first.tick(), a);
    second.weights(classic::w_in).snapshot(second.tick(), b);
    CHECK(a == b);
}

TEST_CASE("devices that are written within a sample are read as they are then") {
    ExperimentConfig config;
    config.update.scheme = "multi_device";
    config.crossbar.read_noise_scale = 0.0;
    const ResolvedNetwork resolved = resolve(config);
    CrossbarWeights weights({.plan = resolved.projections[0],
                             .seed = static_cast<std::uint64_t>(config.run.seed),
                             .array = 0,
                             .tick_seconds = config.task.update_interval_seconds},
                            {.id = classic::w_in, .name = "w_in", .pre = 2, .post = 3});
    weights.load(std::vector<float>(6, 0.1F));
    const std::vector<std::uint32_t> active{1};
    std::vector<float> before(3), within(3), after(3);
    weights.begin_sample(0, 1);
    weights.sum_inputs(active, 0, before);
    const double charged = weights.array()->counters().read_conductance_us;
    weights.update(std::vector<float>(6, 0.3F), 0, 1);
    CHECK(weights.array()->counters().read_conductance_us > charged);  // what was read is charged as it was
    weights.sum_inputs(active, 1, within);
    weights.end_sample();
    weights.begin_sample(1, 1);
    weights.sum_inputs(active, 0, after);
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(within[i] > before[i] + 0.02F);
        CHECK(within[i] == after[i]);
    }
}

TEST_CASE("diverging learning is reported, not continued") {
    ExperimentConfig config = small_experiment("vanilla");
    config.learning.lr = config.learning.lr_out = 1e5;
    Trainer trainer(config);
    CHECK_THROWS_AS(
        [&] {
            for (int i = 0; i < 200; ++i) {
                trainer.train_sample();
            }
        }(),
        RunError);
}

TEST_CASE("initial weights that need too many pulses are refused") {
    ExperimentConfig config = small_experiment("mixed_precision");
    config.crossbar.weight_scale_per_us = 1e-8;
    CHECK_THROWS_AS(Trainer{config}, InputError);
}

TEST_CASE("training gives the same bits at every number of threads") {
    for (const OptimizerKind optimizer : {OptimizerKind::momentum, OptimizerKind::adam}) {
        std::vector<std::map<std::string, Memory::Value>> states;
        for (const std::int64_t threads : {1, 2, 3, 7}) {
            ExperimentConfig config = small_experiment("vanilla");
            config.learning.optimizer = optimizer;
            config.learning.batch = 5;
            config.learning.feedback = Feedback::symmetric;
            config.run.threads = threads;
            Trainer trainer(config);
            for (int i = 0; i < 13; ++i) {  // ends inside a batch
                trainer.train_sample();
            }
            states.push_back(state_of(trainer));
        }
        for (const auto& state : states) {
            CHECK(state == states.front());
        }
    }
}

TEST_CASE("adaptive feedback comes to equal the readout weights") {
    ExperimentConfig config = small_experiment("vanilla");
    config.learning.feedback = Feedback::adaptive;
    config.learning.feedback_decay = 0.05;
    config.learning.feedback_std = 1.0;
    Trainer trainer(config);
    for (int i = 0; i < 300; ++i) {
        trainer.train_sample();
    }
    const auto state = state_of(trainer);
    const auto& feedback = std::get<std::vector<float>>(state.at("/feedback"));
    const auto& weights = std::get<std::vector<float>>(state.at("/w_out/weights"));
    float largest = 0.0F;
    for (std::size_t i = 0; i < weights.size(); ++i) {
        CHECK(feedback[i] == doctest::Approx(weights[i]).epsilon(1e-4));
        largest = std::max(largest, std::abs(weights[i]));
    }
    CHECK(largest > 0.01F);
}

TEST_CASE("weight decay and the limit of the gradient do what they say") {
    ExperimentConfig config = small_experiment("vanilla");
    config.learning.lr = config.learning.lr_out = 0.0;
    config.learning.weight_decay = 0.25;
    Trainer decaying(config);
    const std::vector<double> before = decaying.snapshot(classic::w_in);
    decaying.train_sample();
    const std::vector<double> after = decaying.snapshot(classic::w_in);
    for (std::size_t i = 0; i < before.size(); ++i) {
        CHECK(after[i] == doctest::Approx(0.75 * before[i]).epsilon(1e-6));
    }
    config = small_experiment("vanilla");
    config.learning.lr = config.learning.lr_out = 1.0;
    config.learning.gradient_clip = 1e-3;
    Trainer limited(config);
    double square = 0.0;
    std::vector<std::vector<double>> start;
    for (const ProjectionId id : {classic::w_in, classic::w_rec, classic::w_out}) {
        start.push_back(limited.snapshot(id));
    }
    limited.train_sample();
    for (std::size_t w = 0; w < 3; ++w) {
        const std::vector<double> now = limited.snapshot(static_cast<ProjectionId>(w));
        for (std::size_t i = 0; i < now.size(); ++i) {
            square += (now[i] - start[w][i]) * (now[i] - start[w][i]);
        }
    }
    CHECK(std::sqrt(square) == doctest::Approx(1e-3).epsilon(1e-3));
}

TEST_CASE("learning within the trial continues from a checkpoint bit for bit") {
    for (const std::string& scheme : {std::string("vanilla"), std::string("mixed_precision")}) {
        for (const StateReset reset : {StateReset::trial, StateReset::never}) {
            ExperimentConfig config = small_experiment(scheme);
            config.task.steps = 60;
            config.learning.gradient = GradientForm::online;
            config.learning.update_every_steps = 3;
            config.learning.trace_cutoff_steps = 20;
            config.learning.regularizer = RegularizerForm::running_average;
            config.learning.optimizer = OptimizerKind::adam;
            config.learning.lr = config.learning.lr_out = 1e-4;
            config.network.state_reset = reset;
            Trainer whole(config), first(config), second(config);
            for (int i = 0; i < 9; ++i) {
                whole.train_sample();
            }
            for (int i = 0; i < 5; ++i) {
                first.train_sample();
            }
            Memory memory;
            first.serialize(memory);
            memory.loading = true;
            second.serialize(memory);
            for (int i = 5; i < 9; ++i) {
                second.train_sample();
            }
            CHECK(state_of(second) == state_of(whole));
            CHECK(state_of(second) != state_of(first));
        }
    }
}
