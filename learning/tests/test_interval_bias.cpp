// Logistic regression and the memory of intervals. The metrics' numbers are compared with an independent
// implementation in testbenches/e2e/test_golden.py.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "crossbar/base/error.hpp"
#include "crossbar/base/random.hpp"
#include "learning/statistics/logistic_regression.hpp"
#include "learning/task/task.hpp"

using namespace memprop;
using namespace memprop::learning;

namespace {

constexpr std::uint32_t kTrials = 20000;

float normal(std::uint32_t index) {
    return random_normal({.seed = 5, .stream = Stream::task_input, .array = 0, .event = 0, .step = 0}, index);
}

ExperimentConfig intervals() {
    ExperimentConfig config;
    config.task.name = "interval_discrimination";
    config.task.samples = 10;
    config.task.test_samples = kTrials;
    config.network.inputs = 40;
    config.network.outputs = 2;
    config.learning.loss = Loss::cross_entropy;
    config.update.scheme = "vanilla";
    return config;
}

/// An answer from the logarithms of both intervals relative to the geometric middle, and the trial's number.
using Observer = std::function<bool(double first, double second, std::uint32_t trial)>;

struct Report {
    std::vector<Metric> metrics;
    double accuracy = 0.0;

    const Metric& named(const std::string& name) const {
        for (const Metric& metric : metrics) {
            if (metric.name == name) {
                return metric;
            }
        }
        FAIL("no metric " << name);
        return metrics.front();
    }
    double value(const std::string& name) const { return named(name).values.at(0); }
    std::string memory() const { return named("memory").words; }
};

Report observe(const ExperimentConfig& config, const Observer& observer) {
    const auto task = make_task(config);
    const std::uint32_t trials = task->trials(Split::test);
    const double middle = std::sqrt(config.task.interval_min_seconds * config.task.interval_max_seconds);
    std::vector<std::int32_t> answers(trials);
    Report report;
    for (std::uint32_t i = 0; i < trials; ++i) {
        const std::vector<double> shown = task->conditions(Split::test, i);
        answers[i] = observer(std::log(shown[0] / middle), std::log(shown[1] / middle), i) ? 1 : 0;
        report.accuracy += answers[i] == (shown[1] > shown[0] ? 1 : 0) ? 1.0 / trials : 0.0;
    }
    report.metrics = task->metrics(Split::test, answers);
    return report;
}

LogisticFit fit(const std::vector<std::vector<double>>& rows, const std::vector<std::uint8_t>& answers) {
    std::vector<double> regressors;
    for (const auto& row : rows) {
        regressors.insert(regressors.end(), row.begin(), row.end());
    }
    return fit_logistic(regressors, answers);
}

}  // namespace

TEST_CASE("logistic regression: two groups have the log odds of their parts") {
    // 3 of 4 and 1 of 5: b0 = ln 3, b0 + b1 = -ln 4; the variance of a log odds is 1/right + 1/wrong.
    std::vector<std::vector<double>> rows;
    for (int i = 0; i < 9; ++i) {
        rows.push_back({i < 4 ? 0.0 : 1.0});
    }
    const LogisticFit found = fit(rows, {1, 1, 1, 0, 1, 0, 0, 0, 0});
    CHECK(found.estimate == LogisticEstimate::maximum_likelihood);
    CHECK(found.coefficients[0] == doctest::Approx(std::log(3.0)).epsilon(1e-9));
    CHECK(found.coefficients[1] == doctest::Approx(-std::log(12.0)).epsilon(1e-9));
    CHECK(found.covariance[0] == doctest::Approx(4.0 / 3).epsilon(1e-9));
    CHECK(found.covariance[3] == doctest::Approx(4.0 / 3 + 5.0 / 4).epsilon(1e-9));
    CHECK(found.covariance[1] == doctest::Approx(-4.0 / 3).epsilon(1e-9));
    CHECK(found.covariance[1] == found.covariance[2]);
}

TEST_CASE("logistic regression: every input has a defined result") {
    const std::vector<std::vector<double>> line{{-2}, {-1}, {1}, {2}, {3}};
    const LogisticFit separated = fit(line, {0, 0, 1, 1, 1});
    CHECK(separated.estimate == LogisticEstimate::separated);
    CHECK(separated.coefficients[1] > 1.0);
    CHECK(std::isfinite(separated.covariance[3]));
    const LogisticFit touching = fit({{-1}, {0}, {0}, {1}}, {0, 0, 1, 1});  // no maximum either
    CHECK(touching.estimate == LogisticEstimate::separated);
    CHECK(touching.coefficients[0] == doctest::Approx(0.0));
    for (const std::uint8_t answer : {0, 1}) {
        const LogisticFit same = fit(line, std::vector<std::uint8_t>(5, answer));
        CHECK(same.estimate == LogisticEstimate::none);
        CHECK(std::isnan(same.coefficients[1]));
    }
    CHECK(fit({}, {}).estimate == LogisticEstimate::none);
    CHECK(fit({{1, 2}}, {1}).estimate == LogisticEstimate::none);

    // A constant column and one that repeats another have no coefficient; the others are as without them.
    const std::vector<std::uint8_t> mixed{0, 1, 0, 1, 0};
    const LogisticFit alone = fit(line, mixed);
    std::vector<std::vector<double>> more;
    for (const auto& row : line) {
        more.push_back({7.0, row[0], 3.0 - 2.0 * row[0]});
    }
    const LogisticFit beside = fit(more, mixed);
    CHECK(beside.estimate == LogisticEstimate::maximum_likelihood);
    CHECK(std::isnan(beside.coefficients[1]));
    CHECK(std::isnan(beside.coefficients[3]));
    CHECK(beside.coefficients[0] == doctest::Approx(alone.coefficients[0]).epsilon(1e-9));
    CHECK(beside.coefficients[2] == doctest::Approx(alone.coefficients[1]).epsilon(1e-9));
    // Two rows are separated by any of their columns.
    CHECK(fit({{1, 2, 3}, {2, 5, 1}}, {0, 1}).estimate == LogisticEstimate::separated);
    // Units do not matter.
    std::vector<std::vector<double>> scaled;
    for (const auto& row : line) {
        scaled.push_back({1e9 * row[0]});
    }
    CHECK(1e9 * fit(scaled, mixed).coefficients[1] == doctest::Approx(alone.coefficients[1]).epsilon(1e-9));
}

TEST_CASE("interval discrimination: an answer by the second interval alone is at chance and has no memory") {
    // Standard error of a part of 20 000 answers: 0.0035; four of them.
    const double tolerance = 4 * 0.5 / std::sqrt(double(kTrials));
    const Report sharp =
        observe(intervals(), [](double, double second, std::uint32_t) { return second > 0; });
    CHECK(std::abs(sharp.accuracy - 0.5) < tolerance);
    CHECK(sharp.value("memory_free_accuracy") == 0.5);
    CHECK(std::abs(sharp.value("memory_slope")) < 0.05);
    CHECK(std::abs(sharp.value("history_slope")) < 0.05);
    CHECK(sharp.memory().starts_with("no memory: the first interval is ignored"));
    CHECK(std::isnan(sharp.value("coefficients")));  // the answers are separated
    CHECK(sharp.value("contraction_bias") ==
          doctest::Approx(sharp.value("contraction_bias_memory_free")).epsilon(4 * tolerance));
    const Report noisy = observe(intervals(), [](double, double second, std::uint32_t trial) {
        return second + 0.3 * normal(trial) > 0;
    });
    CHECK(std::abs(noisy.value("memory_slope")) < 0.05);
    CHECK(noisy.value("memory_slope_se") < 0.02);
    CHECK(noisy.value("contraction") == doctest::Approx(1.0).epsilon(0.05));
    CHECK(noisy.memory().starts_with("no memory: the first interval is ignored"));
    // No other border of the second interval does better.
    for (const double border : {-0.6, -0.3, 0.3, 0.6}) {
        const Report report =
            observe(intervals(), [&](double, double second, std::uint32_t) { return second > border; });
        CHECK(std::abs(report.accuracy - 0.5) < tolerance);
    }
}

TEST_CASE("interval discrimination: memories are told apart") {
    const auto remembering = [](double weight, double history) {
        return [weight, history, before = 0.0](double first, double second, std::uint32_t trial) mutable {
            const double remembered = weight * first + history * before + 0.3 * normal(trial);
            before = 0.5 * (first + second);
            return second > remembered;
        };
    };
    for (const double weight : {0.3, 1.0}) {
        const Report report = observe(intervals(), remembering(weight, 0.0));
        CHECK(report.value("memory_slope") == doctest::Approx(weight).epsilon(0.05));  // four standard errors
        CHECK(std::abs(report.value("history_slope")) < 0.05);
        CHECK(report.memory().starts_with("the first interval is remembered"));
        CHECK((report.memory().find("contracted") != std::string::npos) == (weight < 1.0));
    }
    const Report drawn = observe(intervals(), remembering(0.6, 0.3));
    CHECK(drawn.value("memory_slope") == doctest::Approx(0.6).epsilon(0.07));
    CHECK(drawn.value("history_slope") == doctest::Approx(0.3).epsilon(0.15));
    CHECK(drawn.value("contraction") ==
          doctest::Approx(1 - drawn.value("memory_slope") - drawn.value("history_slope")));
    const Report perfect =
        observe(intervals(), [](double first, double second, std::uint32_t) { return second > first; });
    CHECK(perfect.accuracy == doctest::Approx(1.0));
    CHECK(perfect.value("memory_slope") == doctest::Approx(1.0).epsilon(0.1));
    CHECK(perfect.memory().starts_with("the first interval is remembered"));
    const Report first =
        observe(intervals(), [](double of_first, double, std::uint32_t) { return of_first < 0; });
    CHECK(first.accuracy == doctest::Approx(first.value("first_alone_accuracy")).epsilon(0.02));
    CHECK(first.memory() == "the answers follow the first interval alone");
    const Report guess =
        observe(intervals(), [](double, double, std::uint32_t trial) { return normal(trial) > 0; });
    CHECK(guess.memory() == "no memory: the answers follow neither interval");
    const Report same = observe(intervals(), [](double, double, std::uint32_t) { return true; });
    CHECK(std::isnan(same.value("memory_slope")));
    CHECK(same.memory() == "not defined: all answers are the same");
}

TEST_CASE("interval discrimination: few trials are no evidence") {
    ExperimentConfig config = intervals();
    for (const std::int64_t trials : {1, 2, 3, 5, 8, 20}) {
        CAPTURE(trials);
        config.task.test_samples = trials;
        const Report report =
            observe(config, [](double, double second, std::uint32_t) { return second > 0; });
        CHECK(report.named("correct_by_quintile").values.size() == 10);
        CHECK_FALSE(report.memory().starts_with("the first interval is remembered"));
    }
}

TEST_CASE("interval discrimination: intervals that steps cannot tell apart are refused") {
    ExperimentConfig config = intervals();
    config.task.interval_ratio = 1.005;  // 0.5 ms of 0.1 s
    CHECK_THROWS_AS(make_task(config), InputError);
    config.task.interval_ratio = 1.0;
    CHECK_THROWS_AS(make_task(config), InputError);
    config.task.interval_ratio = 1.02;
    const auto task = make_task(config);
    Trial buffer;
    for (std::uint32_t i = 0; i < 200; ++i) {
        const std::vector<double> shown = task->conditions(Split::test, i);
        CHECK((shown[1] > shown[0]) == (task->trial(Split::test, i, buffer).label == 1));
        CHECK(shown[1] != shown[0]);
    }
}
