// Schemes with devices of their own: what they write and when, on devices without spread and noise, and
// that each of them learns.
#include <doctest/doctest.h>

#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "crossbar/base/error.hpp"
#include "crossbar/device/device_model.hpp"
#include "learning/trainer.hpp"
#include "learning/update/scheme.hpp"

using namespace memprop;
using namespace memprop::learning;

namespace {

using Pulses = std::vector<std::int16_t>;

constexpr std::uint32_t kRows = 3, kColumns = 2;

/// A device of a kind without noise and spread; one pulse is one step at every state.
crossbar::CrossbarConfig exact_device(const std::string& name) {
    crossbar::CrossbarConfig config;
    config.device = name;
    if (const auto& kind = crossbar::find_device_kind(name); kind.preset != nullptr) {
        kind.preset(config);
    }
    config.bits = 8;
    config.pulsed.w_min_dtod = config.pulsed.w_max_dtod = 0.0;
    config.pulsed.dw_min_dtod = config.pulsed.dw_min_std = config.pulsed.up_down_dtod = 0.0;
    config.pulsed.reset_std = 0.0;
    return config;
}

std::unique_ptr<UpdateScheme> make(const std::string& name, const UpdateConfig& given,
                                   const crossbar::CrossbarConfig& device) {
    UpdateConfig config = given;
    config.scheme = name;
    const crossbar::SynapseArrayShape shape{.rows = kRows, .columns = kColumns};
    const double step_us = crossbar::SynapseArray(device, shape, 1.0, 1, 0).model().constant_step_us();
    return find_scheme_kind("update.scheme", name)
        .make(config, {.synapses = kRows * kColumns,
                       .weight_step = static_cast<float>(step_us),  // a weight of 1 is 1 uS
                       .seed = 3,
                       .array = 1,
                       .crossbar = device,
                       .shape = shape,
                       .refresh_limits = {},
                       .weight_per_us = 1.0F,
                       .tick_seconds = 1.0});
}

float step_of(const crossbar::CrossbarConfig& device) {
    const crossbar::SynapseArray array(device, {.rows = 1, .columns = 1}, 1.0, 1, 0);
    return static_cast<float>(array.model().constant_step_us());
}

Pulses plan(UpdateScheme& scheme, std::vector<float> delta, std::uint32_t event) {
    Pulses pulses(delta.size());
    scheme.advance(static_cast<std::int32_t>(event));
    if (!scheme.plan(delta, event, pulses)) {
        pulses.assign(delta.size(), 0);
    }
    return pulses;
}

/// Whole multiples of a step, a little inside so that rounding of floats does not matter.
std::vector<float> steps(const crossbar::CrossbarConfig& device, std::vector<float> counts) {
    for (float& c : counts) {
        c *= step_of(device);
    }
    return counts;
}

UpdateConfig reads_all_rows() {
    UpdateConfig config;
    config.max_pulses = 1000;
    config.transfer.rows = kRows;
    config.transfer.fast_gain = 1.0;
    config.transfer.rate = 1.0;
    return config;
}

ExperimentConfig pattern_task(const std::string& scheme) {
    ExperimentConfig config;
    config.task.steps = 300;
    config.network.inputs = 40;
    config.network.recurrent = 50;
    config.update.scheme = scheme;
    config.update.max_pulses = 1000;
    config.update.transfer.rows = 10;
    config.crossbar.device = "ecram_li";
    if (scheme == "short_term") {
        config.crossbar.device = "pcm_nandakumar2018";
        config.update.max_pulses = 10;
        config.update.transfer.rows = 50;
    } else {
        crossbar::find_device_kind("ecram_li").preset(config.crossbar);
    }
    if (scheme == "chopped_transfer") {
        config.update.transfer.chop_probability = 0.02;
    }
    return config;
}

}  // namespace

TEST_CASE("tiki_taka writes to its fast array and moves what it reads to the weights") {
    const auto device = exact_device("constant_step");
    const auto scheme = make("tiki_taka", reads_all_rows(), device);
    const Pulses first = plan(*scheme, steps(device, {3, -2, 0, 7, 0, 0}), 0);
    CHECK(std::abs(first[0] - 3) <= 1);  // stochastic rounding of 3 steps, up to rounding of floats
    CHECK(std::abs(first[1] + 2) <= 1);
    CHECK(first[2] == 0);
    CHECK(std::abs(first[3] - 7) <= 1);
    CHECK(scheme->array()->counters().set_pulses == 10);
    CHECK(scheme->array()->counters().reset_pulses == 2);
    // The fast array keeps its state: without new changes the same is read again.
    const Pulses second = plan(*scheme, steps(device, {0, 0, 0, 0, 0, 0}), 1);
    CHECK(std::abs(second[3] - 7) <= 1);
    CHECK(scheme->array()->counters().device_reads == 2 * 2 * kRows * kColumns);
}

TEST_CASE("rows are read in turn, every K updates") {
    const auto device = exact_device("constant_step");
    UpdateConfig config = reads_all_rows();
    config.transfer.rows = 1;
    config.transfer.every = 2;
    const auto scheme = make("buffered_transfer", config, device);
    std::vector<std::size_t> rows;
    for (std::uint32_t event = 0; event < 8; ++event) {
        const Pulses pulses = plan(*scheme, steps(device, std::vector<float>(kRows * kColumns, 4.4F)), event);
        for (std::size_t row = 0; row < kRows; ++row) {
            if (pulses[row * kColumns] != 0) {
                CHECK(event % 2 == 1);
                rows.push_back(row);
            }
        }
    }
    CHECK(rows == std::vector<std::size_t>{0, 1, 2, 0});
}

TEST_CASE("buffered_transfer keeps what is less than a step") {
    const auto device = exact_device("constant_step");
    UpdateConfig config = reads_all_rows();
    config.transfer.rate = 0.3;
    const auto scheme = make("buffered_transfer", config, device);
    // The fast array holds 2 steps from the first update on: 0.6, 1.2, 1.8, 2.4, 3.0+ steps are due.
    std::vector<int> given;
    for (std::uint32_t event = 0; event < 7; ++event) {
        given.push_back(plan(*scheme, steps(device, {event == 0 ? 2.0F : 0.0F, 0, 0, 0, 0, 0}), event)[0]);
    }
    CHECK(given == std::vector<int>{0, 1, 0, 1, 0, 1, 1});
}

TEST_CASE("choppers average out what the zero of the fast array is off by, and references remove it") {
    auto device = exact_device("soft_bounds_reference");
    device.pulsed.reference_mean = -0.02;  // every read is some 20 steps too high
    device.pulsed.reference_std = 0.0;
    const auto written = [&](const std::string& name) {
        UpdateConfig config = reads_all_rows();
        config.transfer.rate = 0.1;
        config.transfer.chop_probability = 0.5;
        config.transfer.mean_decay = 1.0;
        const auto scheme = make(name, config, device);
        double sum = 0.0;
        for (std::uint32_t event = 0; event < 300; ++event) {
            const Pulses pulses = plan(*scheme, std::vector<float>(kRows * kColumns, 0.0F), event);
            sum += std::accumulate(pulses.begin(), pulses.end(), 0.0);
        }
        return std::abs(sum) / (kRows * kColumns);
    };
    const double offset = written("buffered_transfer");
    CHECK(offset > 300);  // 300 reads of 2 steps and more
    CHECK(written("chopped_transfer") < 0.2 * offset);
    CHECK(written("dynamic_transfer") < 0.05 * offset);
}

TEST_CASE("chopped signs leave the direction of changes as it is") {
    const auto device = exact_device("soft_bounds");
    for (const std::string name : {"chopped_transfer", "dynamic_transfer"}) {
        CAPTURE(name);
        UpdateConfig config = reads_all_rows();
        config.transfer.rate = 0.05;
        config.transfer.chop_probability = 0.1;
        const auto scheme = make(name, config, device);
        std::vector<double> sum(kRows * kColumns);
        for (std::uint32_t event = 0; event < 400; ++event) {
            const Pulses pulses = plan(*scheme, steps(device, {20, -20, 10, -10, 0, 0}), event);
            for (std::size_t i = 0; i < sum.size(); ++i) {
                sum[i] += pulses[i];
            }
        }
        CHECK(sum[0] > 2 * sum[4]);
        CHECK(sum[0] > 100);
        CHECK(sum[1] < -100);
        CHECK(sum[2] > 50);
        CHECK(sum[3] < -50);
    }
}

TEST_CASE("short_term gathers on SET and RESET devices and starts anew after a transfer") {
    const auto device = exact_device("ideal");
    UpdateConfig config = reads_all_rows();
    config.transfer.fast_gain = 4.0;
    const auto scheme = make("short_term", config, device);
    // 0.8 steps are 3.2 pulses of the fast pair, rounded stochastically; 4 pulses make a step.
    std::vector<int> given;
    double sum = 0.0;
    for (std::uint32_t event = 0; event < 400; ++event) {
        const Pulses pulses = plan(*scheme, steps(device, {0.8F, -0.8F, 0, 0, 0, 0}), event);
        CHECK(std::abs(pulses[0]) <= 1);
        sum += pulses[0];
        given.push_back(pulses[0]);
        CHECK(pulses[2] == 0);
    }
    // What is above the step is lost when the pair is RESET: at most half of the changes.
    CHECK(sum > 0.5 * 0.8 * 400 - 1);
    CHECK(sum < 0.8 * 400);
    CHECK(scheme->array()->counters().reset_pulses > 2 * 2 * 150);
}

TEST_CASE("schemes with an array refuse devices that cannot do what they need") {
    const UpdateConfig config;
    for (const std::string name :
         {"tiki_taka", "buffered_transfer", "chopped_transfer", "dynamic_transfer"}) {
        CHECK_THROWS_AS(make(name, config, exact_device("ideal")), InputError);
        CHECK_THROWS_WITH_AS(make(name, config, exact_device("pcm_nandakumar2018")),
                             doctest::Contains("gradual steps in both directions"), InputError);
    }
    CHECK_THROWS_WITH_AS(make("short_term", config, exact_device("constant_step")),
                         doctest::Contains("SET and RESET"), InputError);
    UpdateConfig nested;
    nested.inner_scheme = "tiki_taka";
    CHECK_THROWS_AS(make("batch_accumulate", nested, exact_device("constant_step")), InputError);
}

TEST_CASE("every scheme with an array learns the pattern") {
    for (const SchemeKind& kind : scheme_kinds()) {
        if (!kind.has_array) {
            continue;
        }
        CAPTURE(kind.name);
        Trainer trainer(pattern_task(std::string(kind.name)));
        double first = 0.0, last = 0.0;
        constexpr int kSamples = 450;
        for (int i = 0; i < kSamples; ++i) {
            const double loss = trainer.train_sample();
            first += i < 3 ? loss / 3 : 0.0;
            last += i >= kSamples - 30 ? loss / 30 : 0.0;
        }
        CHECK(last < 0.5 * first);
        CHECK(trainer.counters().set_pulses > 0);
    }
}

TEST_CASE("verified writes come closer to what is asked for, and count their reads") {
    crossbar::CrossbarConfig config;
    config.read_noise_scale = 0.2;
    constexpr std::uint32_t n = 40;
    const auto error_after = [&](std::uint32_t rounds, std::uint64_t& reads) {
        crossbar::SynapseArray array(config, {.rows = n, .columns = n}, 38.6, 5, 0);
        const Pulses pulses(n * n, 3);
        std::vector<float> state(n * n);
        array.write_verified(pulses, {.on = true, .step_us = 1.0F, .tolerance_us = 0.5F, .rounds = rounds}, 0,
                             0);
        array.state(0, state);
        reads = array.counters().verify_reads;
        double error = 0.0;
        for (const float d : state) {
            error += std::abs(double(d) - 3.0) / state.size();
        }
        return error;
    };
    std::uint64_t reads_open = 0, reads_closed = 0;
    const double open = error_after(0, reads_open), closed = error_after(8, reads_closed);
    CHECK(reads_open == std::uint64_t{2} * n * n);
    CHECK(reads_closed > 2 * reads_open);
    CHECK(closed < 0.5 * open);
}
