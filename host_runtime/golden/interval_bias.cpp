// Kind interval_bias: answers of observers that compare two intervals, and metrics of the answers
// (learning/task/interval_bias.hpp). Arrays, per observer P:
//   P_first, P_second  [trial], s     P_label, P_answer  [trial], 0 or 1     inputs
//   P_parameters, P_theory            given
//   P_contraction_bias, P_accuracy, P_memory_slope, P_history_slope  []      results
//   P_coefficients, P_coefficients_se  [4]     P_correct_by_quintile  [label, quintile of the first]
// and range [shortest, longest], s: input; ratio: given.
#include <fmt/format.h>

#include <cmath>

#include "host_runtime/golden/kinds.hpp"
#include "learning/task/interval_bias.hpp"

namespace memprop::host::golden {
namespace {

bool positive(double x) {
    return x > 0.0 && std::isfinite(x);
}
bool binary(double x) {
    return x == 0.0 || x == 1.0;
}

std::vector<std::int32_t> integers(const std::vector<double>& values) {
    return {values.begin(), values.end()};
}

template <std::size_t N>
std::vector<double> as_vector(const std::array<double, N>& values) {
    return {values.begin(), values.end()};
}

}  // namespace

Computation compute_interval_bias(GoldenFile& file) {
    const std::vector<double>& range = file.checked("range", {2}, positive, "positive");
    if (!(range[1] > range[0])) {
        file.fail("range", fmt::format("is [{}, {}]; it must ascend", range[0], range[1]));
    }
    file.given("ratio");
    const std::vector<std::string> observers = file.prefixes("_first");
    if (observers.empty()) {
        file.fail("", "has no observer: an array NAME_first is needed");
    }
    Computation computation;
    for (const std::string& observer : observers) {
        const h5::Shape trials = file.numbers(observer + "_first", 1).shape;
        const std::vector<std::int32_t> label = integers(
                                            file.checked(observer + "_label", trials, binary, "0 or 1")),
                                        answer = integers(
                                            file.checked(observer + "_answer", trials, binary, "0 or 1"));
        const learning::IntervalBias bias = learning::interval_bias(
            {.first_seconds = file.checked(observer + "_first", trials, positive, "positive"),
             .second_seconds = file.checked(observer + "_second", trials, positive, "positive"),
             .label = label,
             .answer = answer,
             .shortest_seconds = range[0],
             .longest_seconds = range[1]});
        file.given(observer + "_parameters");
        file.given(observer + "_theory");
        const auto add = [&](std::string_view name, const h5::Shape& shape, std::vector<double> values) {
            computation.arrays.push_back({fmt::format("{}_{}", observer, name), shape, std::move(values)});
        };
        add("contraction_bias", {}, {bias.contraction_bias});
        add("accuracy", {}, {bias.accuracy});
        add("coefficients", {4}, as_vector(bias.coefficients));
        add("coefficients_se", {4}, as_vector(bias.coefficients_se));
        add("memory_slope", {}, {bias.memory_slope});
        add("history_slope", {}, {bias.history_slope});
        std::vector<double> correct;
        for (const auto& of_label : bias.correct_by_first) {
            correct.insert(correct.end(), of_label.begin(), of_label.end());
        }
        add("correct_by_quintile", {2, learning::kQuintiles}, std::move(correct));
        computation.remarks.push_back(fmt::format("{}: {}", observer, bias.memory));
    }
    return computation;
}

}  // namespace memprop::host::golden
