#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "crossbar/device/device_model.hpp"
#include "learning/trainer.hpp"
#include "learning/weights/crossbar_weights.hpp"

using namespace memprop;
using namespace memprop::learning;

namespace {

ExperimentConfig experiment(const std::string& device) {
    ExperimentConfig config;
    config.task.steps = 200;
    config.network.inputs = 30;
    config.network.recurrent = 37;
    config.update.scheme = "mixed_precision";
    config.update.refresh_high = 0.5;
    config.update.refresh_low = 0.2;
    config.run.seed = 6;
    config.crossbar.device = device;
    if (const auto preset = crossbar::find_device_kind(device).preset; preset != nullptr) {
        preset(config.crossbar);
        config.update.max_pulses = 100;
    }
    return config;
}

/// What a trainer holds, by name, as a file would keep it.
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
    bool holds(std::string_view name) const override {
        return !loading || values.contains(path_ + std::string(name));
    }

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

Memory state_of(TrainerBase& trainer) {
    Memory memory;
    trainer.serialize(memory);
    memory.loading = true;
    return memory;
}

double train(TrainerBase& trainer, int samples) {
    double loss = 0.0;
    for (int i = 0; i < samples; ++i) {
        loss = trainer.train_sample();
    }
    return loss;
}

/// Sum of |w| of a projection, noise-free, as the network computes with it.
double magnitude(TrainerBase& trainer, ProjectionId id) {
    double sum = 0.0;
    for (const double w : trainer.snapshot(id)) {
        sum += std::abs(w);
    }
    return sum;
}

constexpr double kYear = 3e7;

}  // namespace

TEST_CASE("without drift, compensation changes no bit of a run that learns, noise or not") {
    for (const std::string device : {"pcm_nandakumar2018", "ecram_li", "ideal"}) {
        CAPTURE(device);
        ExperimentConfig config = experiment(device);
        config.crossbar.drift_scale = 0.0;
        Trainer off(config);
        config.crossbar.drift_compensation = true;
        Trainer on(config);
        for (int i = 0; i < 20; ++i) {
            CHECK(on.train_sample() == off.train_sample());
        }
        CHECK(state_of(on).values == state_of(off).values);
        CHECK(on.counters().verify_reads == off.counters().verify_reads);
    }
}

TEST_CASE("compensation during learning undoes drift and not what is learnt") {
    ExperimentConfig config = experiment("pcm_nandakumar2018");
    config.crossbar.read_noise_scale = 0.0;
    config.task.update_interval_seconds = 1e5;
    config.crossbar.drift_compensation = true;
    Trainer trainer(config);
    const double before = magnitude(trainer, classic::w_out);
    train(trainer, 60);
    for (const ProjectionId id : {classic::w_in, classic::w_rec, classic::w_out}) {
        auto& weights = dynamic_cast<CrossbarWeights&>(trainer.weights(id));
        crossbar::SynapseArray& array = weights.devices();
        const double of_weights = magnitude(trainer, id);
        const double now = array.conductance_us(array.model(), trainer.tick());
        std::vector<float> d(array.synapses());
        CHECK(weights.compensates_drift());
        const double gain = array.written_conductance_us() / now;
        CHECK(gain > 1.2);  // a good part of the devices has not been written for weeks
        CHECK(gain < 3.0);
        array.state(trainer.tick(), d);
        double sum = 0.0;
        for (const float value : d) {
            sum += std::abs(double(value));
        }
        const double scale = id == classic::w_out ? config.crossbar.weight_scale_out_per_us
                                                  : config.crossbar.weight_scale_per_us;
        CHECK(of_weights == doctest::Approx(gain * scale * sum).epsilon(1e-5));
    }
    CHECK(magnitude(trainer, classic::w_out) > 1.05 * before);  // learning has raised it, and may
}

TEST_CASE("a run that was trained without compensation is compensated from its end on") {
    ExperimentConfig config = experiment("pcm_nandakumar2018");
    config.crossbar.read_noise_scale = 0.0;
    config.crossbar.drift_spread = 0.3;
    Trainer donor(config);
    train(donor, 40);
    const double at_end = donor.evaluate_sample(0);
    Memory memory = state_of(donor);

    ExperimentConfig later = config;
    later.crossbar.drift_compensation = true;
    Trainer same_time(later);
    same_time.load_weights(memory, config);
    CHECK(same_time.evaluate_sample(0) == at_end);  // nothing has drifted yet: the gain is 1
    CHECK(same_time.counters().verify_reads > 0);

    later.task.update_interval_seconds = kYear;
    Trainer compensated(later);
    compensated.load_weights(memory, config);
    later.crossbar.drift_compensation = false;
    Trainer drifted(later);
    drifted.load_weights(memory, config);
    for (const ProjectionId id : {classic::w_in, classic::w_rec, classic::w_out}) {
        const double end = magnitude(donor, id);
        CHECK(magnitude(compensated, id) == doctest::Approx(end).epsilon(0.05));
        CHECK(magnitude(drifted, id) < 0.75 * end);
    }
    CHECK(std::abs(compensated.evaluate_sample(0) - at_end) < 0.3 * at_end);
}

TEST_CASE("a compensated run keeps its reference over checkpoints and goes on bit for bit") {
    ExperimentConfig config = experiment("pcm_nandakumar2018");
    config.crossbar.drift_compensation = true;
    config.learning.feedback = Feedback::symmetric;
    config.learning.gradient = GradientForm::online;
    config.learning.regularizer = RegularizerForm::running_average;
    config.learning.update_every_steps = 50;
    config.task.update_interval_seconds = 1e4;
    Trainer whole(config), first(config), second(config);
    train(whole, 12);
    train(first, 7);
    Memory memory = state_of(first);
    second.serialize(memory);
    train(second, 5);
    CHECK(state_of(second).values == state_of(whole).values);

    config.crossbar.read_noise_scale =
        0.0;  // another run takes it over: it sees what the first one would see
    Trainer reader(config), next(config);
    Memory all = state_of(whole);
    reader.load_weights(all, config);
    next.serialize(all);
    CHECK(reader.snapshot(classic::w_rec) == next.snapshot(classic::w_rec));
}

TEST_CASE("compensation charges a read of every device per sample and of what is written") {
    ExperimentConfig config = experiment("pcm_nandakumar2018");
    config.update.refresh_period = 0;
    config.learning.lr = config.learning.lr_out = config.learning.rate_regularization = 0.0;
    Trainer off(config);
    config.crossbar.drift_compensation = true;
    Trainer on(config);
    const std::uint64_t devices = 2 * (30 * 37 + 37 * 36 + 37);
    CHECK(on.counters().verify_reads == devices);  // as programmed
    train(on, 3);
    train(off, 3);
    CHECK(on.counters().verify_reads - off.counters().verify_reads == 4 * devices);
    CHECK(on.counters().verify_conductance_us > 0.0);
}
