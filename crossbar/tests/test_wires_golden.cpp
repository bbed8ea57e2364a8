// Reference currents made with badcrossbar (Joksas and Mehonic, SoftwareX 12, 2020, 100617).
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "crossbar/wires/wired_array.hpp"
#include "testbenches/support/npz.hpp"

using namespace memprop;
using crossbar::WiredArray;

namespace {

const std::filesystem::path kFolder = std::filesystem::path(MEMPROP_REFERENCE_DATA) / "ir_drop";

// Largest deviation over the vectors, in units of what is allowed: 1e-9 of the vector's largest + 1e-15.
double worst(const double* got, const double* expected, std::size_t vectors, std::size_t size) {
    double result = 0.0;
    for (std::size_t v = 0; v < vectors; ++v, got += size, expected += size) {
        double largest = 0.0;
        for (std::size_t i = 0; i < size; ++i) {
            largest = std::max(largest, std::abs(expected[i]));
        }
        for (std::size_t i = 0; i < size; ++i) {
            const double deviation = std::abs(got[i] - expected[i]) / (1e-9 * largest + 1e-15);
            result = std::max(result, std::isfinite(deviation) ? deviation : 1e300);
        }
    }
    return result;
}

void check_file(const std::filesystem::path& path) {
    auto data = tb::read_npz(path.string());
    const auto& r = data.at("R");
    const std::size_t m = r.shape.at(0);
    const std::size_t n = r.shape.at(1);
    const auto& v = data.at("V");
    const std::size_t p = v.shape.at(0);
    std::vector<double> g(m * n);
    std::transform(r.values.begin(), r.values.end(), g.begin(), [](double ohm) { return 1.0 / ohm; });
    std::vector<double> out(p * n), in(p * m), w(p * m * n), b(p * m * n);
    for (std::size_t k = 0; k < data.at("r_wl").values.size(); ++k) {
        const double r_wl = data.at("r_wl").values[k];
        const double r_bl = data.at("r_bl").values[k];
        CAPTURE(path.filename().string());
        CAPTURE(r_wl);
        CAPTURE(r_bl);
        WiredArray array(m, n, {.r_wl_ohm = r_wl, .r_bl_ohm = r_bl});
        array.set_conductances(g);
        array.renew();
        array.read(v.values, out);
        array.source_currents(v.values, in);
        CHECK(worst(out.data(), data.at("I_out").values.data() + k * p * n, p, n) <= 1.0);
        CHECK(worst(in.data(), data.at("I_in").values.data() + k * p * m, p, m) <= 1.0);
        if (data.contains("V_wl")) {
            array.node_voltages(v.values, w, b);
            const std::size_t nodes = m * n;
            CHECK(worst(w.data(), data.at("V_wl").values.data() + k * p * nodes, p, nodes) <= 1.0);
            CHECK(worst(b.data(), data.at("V_bl").values.data() + k * p * nodes, p, nodes) <= 1.0);
        }
    }
}

}  // namespace

TEST_CASE("wires: output and source currents meet the reference solutions") {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
        if (entry.path().extension() == ".npz") {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    CHECK(files.size() == 13);  // a file that is missing is noticed
    for (const auto& file : files) {
        check_file(file);
    }
}
