#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "crossbar/base/error.hpp"
#include "host_runtime/hdf5/h5.hpp"
#include "host_runtime/tasks/file_tasks.hpp"
#include "host_runtime/tests/temporary_directory.hpp"

using namespace memprop;
using namespace memprop::host;
using learning::Split;
using learning::Trial;

namespace {

using Edit = std::function<void(h5::File&)>;

learning::ExperimentConfig experiment(const std::string& task, const std::filesystem::path& file) {
    learning::ExperimentConfig config;
    config.task.name = task;
    config.task.file = file.string();
    config.run.epochs = 2;
    config.learning.loss = learning::Loss::cross_entropy;
    return config;
}

/// 2 iterations of 2 trials, 3 steps, 2 inputs, 2 neurons, 2 readouts.
void write_golden(h5::File& out, const std::string& leave_out) {
    const auto put = [&](const std::string& name, const std::vector<double>& values, const h5::Shape& shape) {
        if (name != leave_out) {
            out.write(name, values, shape);
        }
    };
    std::vector<double> x(2 * 2 * 3 * 2, 0.0);
    x[0] = x[7] = x[23] = 1;
    put("x", x, {2, 2, 3, 2});
    put("label", {0, 1, 1, 0}, {2, 2});
    put("window", {1, 3}, {2});
    put("w_in", {1, 2, 3, 4}, {2, 2});
    put("w_rec", {0, 5, 6, 0}, {2, 2});
    put("w_out", {7, 8, 9, 10}, {2, 2});
    put("b_fb", {11, 12, 13, 14}, {2, 2});
    put("beta", {0, 0.5}, {2});
}

void check_refused(const std::string& task, const Edit& write) {
    const TemporaryDirectory directory;
    const auto path = directory.path() / "data.h5";
    h5::File out = h5::File::create(path);
    write(out);
    out.close();
    learning::ExperimentConfig config = experiment(task, path);
    config.network.inputs = 4;
    config.task.steps = 5;
    CHECK_THROWS_AS(make_any_task(config), InputError);
}

}  // namespace

TEST_CASE("golden: trials, weights and sizes come from the file") {
    const TemporaryDirectory directory;
    const auto path = directory.path() / "data.h5";
    h5::File out = h5::File::create(path);
    write_golden(out, "");
    out.close();
    learning::ExperimentConfig config = experiment("golden", path);
    config.task.readout_delay_from_data = true;
    const auto task = make_any_task(config);
    CHECK(config.learning.batch == 2);
    CHECK(config.task.steps == 3);
    CHECK(config.network.recurrent == 2);
    CHECK(config.network.readout_delay_steps == 1);  // step 0 has a spike
    CHECK(task->trials(Split::training) == 2);
    CHECK(task->trials(Split::test) == 0);
    const learning::InitialNetwork* given = task->initial_network();
    REQUIRE(given != nullptr);
    CHECK(given->w_in == std::vector<double>{1, 3, 2, 4});
    CHECK(given->feedback == std::vector<double>{11, 13, 12, 14});
    CHECK(given->beta == std::vector<double>{0, 0.5});
    Trial buffer;
    const std::vector<std::int32_t> labels{0, 1, 1, 0};
    std::size_t spikes = 0;
    for (std::uint32_t i = 0; i < 4; ++i) {
        const Trial& trial = task->trial(Split::training, i, buffer);
        CHECK(trial.label == labels[i]);
        CHECK(trial.window_begin == 1);
        CHECK(trial.window_end == 3);
        spikes += trial.input.spikes();
    }
    CHECK(spikes == 3);
    config.run.epochs = 3;
    CHECK_THROWS_AS(make_any_task(config), InputError);
}

TEST_CASE("golden: incomplete and contradictory files are refused") {
    for (const std::string name : {"x", "label", "w_in", "w_rec", "w_out", "b_fb"}) {
        CAPTURE(name);
        check_refused("golden", [&](h5::File& out) { write_golden(out, name); });
    }
    const auto with = [](const std::string& name, const std::vector<double>& values, const h5::Shape& shape) {
        check_refused("golden", [&](h5::File& out) {
            write_golden(out, name);
            out.write(name, values, shape);
        });
    };
    with("label", {0, 1, 2, 0}, {2, 2});
    with("label", {0, 1}, {2, 1});
    with("window", {2, 2}, {2});
    with("w_in", {1, 2}, {1, 2});
    with("b_fb", {1, 2, 3, std::nan("")}, {2, 2});
    with("x", std::vector<double>(24, 2.0), {2, 2, 3, 2});
}

TEST_CASE("dataset: dense and event data give the same trials") {
    const TemporaryDirectory directory;
    std::vector<std::uint8_t> x(3 * 5 * 4, 0);
    const auto set = [&](std::size_t trial, std::size_t t, std::size_t i) { x[(trial * 5 + t) * 4 + i] = 1; };
    set(0, 0, 3);
    set(0, 4, 1);
    set(2, 2, 0);
    set(2, 2, 2);
    const auto finish = [](h5::File& out) {
        out.write("label", std::vector<std::int32_t>{0, 2, 1});
        out.write("split", std::vector<std::uint8_t>{0, 2, 0});
        out.close();
    };
    h5::File dense = h5::File::create(directory.path() / "dense.h5");
    dense.write("x", x, {3, 5, 4});
    finish(dense);
    h5::File events = h5::File::create(directory.path() / "events.h5");
    events.write("events/step", std::vector<std::int32_t>{0, 4, 2, 2, 2});
    events.write("events/index", std::vector<std::int32_t>{3, 1, 2, 0, 2});  // one twice
    events.write("events/end", std::vector<std::int32_t>{2, 2, 5});
    finish(events);
    for (const std::string name : {"dense.h5", "events.h5"}) {
        CAPTURE(name);
        learning::ExperimentConfig config = experiment("dataset", directory.path() / name);
        config.network.inputs = 4;
        config.task.steps = 5;
        const auto task = make_any_task(config);
        CHECK(config.network.outputs == 3);
        CHECK(task->trials(Split::training) == 2);
        CHECK(task->trials(Split::test) == 1);
        Trial buffer;
        const Trial& second = task->trial(Split::training, 1, buffer);
        CHECK(second.label == 1);
        REQUIRE(second.input.spikes() == 2);
        CHECK(second.input.at(2)[0] == 0);
        CHECK(second.input.at(2)[1] == 2);
        CHECK(task->trial(Split::test, 0, buffer).input.spikes() == 0);
    }
}

TEST_CASE("dataset: bad files are refused") {
    const auto good = [](h5::File& out) {
        out.write("events/step", std::vector<std::int32_t>{0, 4});
        out.write("events/index", std::vector<std::int32_t>{3, 1});
        out.write("events/end", std::vector<std::int32_t>{1, 2});
    };
    const std::vector<std::int32_t> labels{0, 1};
    check_refused("dataset", [&](h5::File& out) { good(out); });  // neither label nor target
    check_refused("dataset", [&](h5::File& out) { out.write("label", labels); });
    check_refused("dataset", [&](h5::File& out) {
        good(out);
        out.write("label", std::vector<std::int32_t>{0, -1});
    });
    check_refused("dataset", [&](h5::File& out) {
        good(out);
        out.write("label", labels);
        out.write("split", std::vector<std::uint8_t>{1, 2});  // no training trial
    });
    check_refused("dataset", [&](h5::File& out) {
        out.write("events/step", std::vector<std::int32_t>{0, 5});  // task.steps is 5
        out.write("events/index", std::vector<std::int32_t>{3, 1});
        out.write("events/end", std::vector<std::int32_t>{1, 2});
        out.write("label", labels);
    });
    check_refused("dataset", [&](h5::File& out) {
        good(out);
        out.write("target", std::vector<double>(2 * 5, 0.0), {2, 5, 1});  // the loss is cross_entropy
    });
}

TEST_CASE("shd: spikes are binned in time and grouped in space") {
    const TemporaryDirectory directory;
    const auto path = directory.path() / "shd.h5";
    h5::File out = h5::File::create(path);
    out.write_sequences("spikes/times",
                        std::vector<std::vector<float>>{{0.0F, 0.0011F, 0.0012F, 2.0F}, {0.004F}});
    out.write_sequences("spikes/units", std::vector<std::vector<std::int32_t>>{{0, 699, 698, 5}, {350}});
    out.write("labels", std::vector<std::int32_t>{19, 4});
    out.close();
    learning::ExperimentConfig config = experiment("shd", path);
    config.network.inputs = 70;
    config.task.steps = 100;
    config.task.test_file = path.string();
    const auto task = make_any_task(config);
    CHECK(config.network.outputs == 20);
    CHECK(task->trials(Split::test) == 2);
    Trial buffer;
    const Trial& first = task->trial(Split::training, 0, buffer);
    CHECK(first.label == 19);
    REQUIRE(first.input.spikes() == 2);  // units 699 and 698 are one line; 2 s is beyond the trial
    CHECK(first.input.at(0)[0] == 0);
    CHECK(first.input.at(1)[0] == 69);
    CHECK(task->trial(Split::training, 1, buffer).input.at(4)[0] == 35);
}

TEST_CASE("unknown tasks and missing files are refused") {
    learning::ExperimentConfig config;
    config.task.name = "nothing";
    CHECK_THROWS_AS(make_any_task(config), InputError);
    config.task.name = "golden";
    CHECK_THROWS_AS(make_any_task(config), InputError);
    config.task.file = "/nowhere/data.h5";
    CHECK_THROWS_AS(make_any_task(config), InputError);
}
