// Comparison with golden files; the command and its files are tested end to end in
// testbenches/e2e/test_golden.py.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "crossbar/base/error.hpp"
#include "host_runtime/golden/compare.hpp"

using namespace memprop::host;
using namespace memprop::host::golden;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double error(std::vector<double> golden, std::vector<double> computed) {
    return array_error(golden, computed);
}

}  // namespace

TEST_CASE("golden: the error of an array") {
    CHECK(error({1, -4, 2}, {1, -4, 2}) == 0.0);
    CHECK(error({1, -4, 2}, {1.5, -4, 2}) == 0.125);
    CHECK(error({0, 0}, {0, -3e-5}) == 3e-5);  // absolute where the golden array is all 0
    CHECK(error({}, {}) == 0.0);
    CHECK(error({kNan, 2}, {kNan, 3}) == 0.5);
    CHECK(error({kInfinity, -kInfinity, 2}, {kInfinity, -kInfinity, 2}) == 0.0);
    CHECK(error({kInfinity, 2}, {-kInfinity, 2}) == kIncomparable);
    CHECK(error({kInfinity, 2}, {kNan, 2}) == kIncomparable);
    CHECK(error({kNan, 2}, {1, 2}) == kIncomparable);
    CHECK(error({1, 2}, {1, kNan}) == kIncomparable);
    CHECK(error({1, 2}, {kInfinity, 2}) == kIncomparable);
    CHECK(error({5e-324}, {1e308}) == kIncomparable);      // the quotient is no number
    CHECK(error({-1.7e308}, {1.7e308}) == kIncomparable);  // nor is this difference
}

TEST_CASE("golden: spikes are counted, every array of a file has to be known") {
    const StoredArrays stored{
        {"z", {{2, 2}, {0, 1, 1, 0}, {}}}, {"v", {{1}, {2}, {}}}, {"note", {{}, {}, {"x"}}}};
    GoldenFile file("f.npz", stored);
    const std::vector<Computed> computed{{"z", {2, 2}, {1, 1, 0, 0}, true}, {"v", {1}, {2.5}}};
    CHECK_THROWS_WITH_AS(compare(file, computed), "f.npz: note is neither an input nor a result of this kind",
                         memprop::InputError);
    file.given("note");
    const Comparison found = compare(file, computed);
    CHECK(found.spikes_differ == 2);
    CHECK(found.max_relative_error == 1.0);
    CHECK(found.arrays == std::vector<std::pair<std::string, double>>{{"v", 0.25}, {"z", 1.0}});
    CHECK_THROWS_AS(compare(file, {{"z", {4}, {1, 1, 0, 0}}, {"v", {1}, {2.5}}}), memprop::InputError);
    CHECK_THROWS_AS(file.numbers("note", 0), memprop::InputError);
    CHECK_THROWS_AS(file.numbers("v", 2), memprop::InputError);
    file.given("z");
    file.given("v");
    CHECK_THROWS_WITH_AS(compare(file, computed), "f.npz: has no result to compare", memprop::InputError);
}
