#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "crossbar/base/error.hpp"
#include "crossbar/wires/wired_array.hpp"
#include "host_runtime/python/bindings.hpp"

namespace py = pybind11;

namespace memprop::host::python {
namespace {

using crossbar::ReadPower;
using crossbar::Renewal;
using crossbar::WiredArray;
using crossbar::WireParameters;

constexpr double kMinOhm = 1e-9;

std::vector<double> checked_conductances(const DoubleArray& resistance_ohm) {
    const auto ohm = resistance_ohm.unchecked<2>();
    std::vector<double> siemens;
    siemens.reserve(static_cast<std::size_t>(resistance_ohm.size()));
    for (py::ssize_t i = 0; i < ohm.shape(0); ++i) {
        for (py::ssize_t j = 0; j < ohm.shape(1); ++j) {
            if (!(ohm(i, j) >= kMinOhm)) {
                throw InputError(fmt::format("resistance_ohm[{}, {}]", i, j), ohm(i, j),
                                 "must be at least 1e-9 ohm (inf is an open device)");
            }
            siemens.push_back(1.0 / ohm(i, j));
        }
    }
    return siemens;
}

// A solved array from Python arguments; the GIL is released while it is solved.
WiredArray solved_array(const py::object& resistance_ohm, const WireParameters& wires) {
    const DoubleArray resistances = double_array(resistance_ohm, "resistance_ohm", 2);
    const std::vector<double> siemens = checked_conductances(resistances);
    const auto rows = static_cast<std::size_t>(resistances.shape(0));
    const auto columns = static_cast<std::size_t>(resistances.shape(1));
    if (rows == 0 || columns == 0) {
        throw InputError(fmt::format("resistance_ohm: shape ({}, {}), must not be empty", rows, columns));
    }
    const py::gil_scoped_release no_gil;
    WiredArray array(rows, columns, wires, Renewal::whole_array);
    array.set_conductances(siemens);
    array.renew(InterruptCheck());
    return array;
}

DoubleArray checked_voltages(const py::object& voltage_v, std::size_t rows) {
    DoubleArray voltages = double_array(voltage_v, "voltage_v", 2);
    const auto volt = voltages.unchecked<2>();
    if (static_cast<std::size_t>(volt.shape(1)) != rows) {
        throw InputError(
            fmt::format("voltage_v: shape ({}, {}), must be (vectors, {}), one voltage per row of "
                        "resistance_ohm",
                        volt.shape(0), volt.shape(1), rows));
    }
    for (py::ssize_t v = 0; v < volt.shape(0); ++v) {
        for (py::ssize_t i = 0; i < volt.shape(1); ++i) {
            if (!(std::abs(volt(v, i)) <= 1e6)) {
                throw InputError(fmt::format("voltage_v[{}, {}]", v, i), volt(v, i),
                                 "must be in [-1e6, 1e6] V");
            }
        }
    }
    return voltages;
}

// Everything that can be wrong with the arguments is found before the array is solved.
struct Problem {
    DoubleArray resistances;
    DoubleArray voltages;

    Problem(const py::object& resistance_ohm, const py::object& voltage_v)
        : resistances(double_array(resistance_ohm, "resistance_ohm", 2)),
          voltages(checked_voltages(voltage_v, static_cast<std::size_t>(resistances.shape(0)))) {}

    py::ssize_t vectors() const { return voltages.shape(0); }
    py::ssize_t rows() const { return resistances.shape(0); }
    py::ssize_t columns() const { return resistances.shape(1); }
    std::span<const double> volts() const { return span_of(voltages); }

    static std::span<const double> span_of(const DoubleArray& array) {
        return {array.data(), static_cast<std::size_t>(array.size())};
    }
    static std::span<double> span_of(DoubleArray& array) {
        return {array.mutable_data(), static_cast<std::size_t>(array.size())};
    }
};

py::tuple solve(const py::object& resistance_ohm, const py::object& voltage_v, const WireParameters& wires) {
    const Problem problem(resistance_ohm, voltage_v);
    const WiredArray array = solved_array(problem.resistances, wires);
    DoubleArray out({problem.vectors(), problem.columns()});
    DoubleArray in({problem.vectors(), problem.rows()});
    const auto out_amperes = Problem::span_of(out);
    const auto in_amperes = Problem::span_of(in);
    {
        const py::gil_scoped_release no_gil;
        array.read(problem.volts(), out_amperes);
        array.source_currents(problem.volts(), in_amperes);
    }
    return py::make_tuple(out, in);
}

DoubleArray effective_conductance(const py::object& resistance_ohm, const WireParameters& wires) {
    const WiredArray array = solved_array(resistance_ohm, wires);
    DoubleArray result({array.rows(), array.columns()});
    double* to = result.mutable_data();
    for (std::size_t i = 0; i < array.rows(); ++i) {
        const auto row = array.effective_conductances(i);
        to = std::copy(row.begin(), row.end(), to);
    }
    return result;
}

py::tuple node_voltages(const py::object& resistance_ohm, const py::object& voltage_v,
                        const WireParameters& wires) {
    const Problem problem(resistance_ohm, voltage_v);
    const WiredArray array = solved_array(problem.resistances, wires);
    DoubleArray word({problem.vectors(), problem.rows(), problem.columns()});
    DoubleArray bit({problem.vectors(), problem.rows(), problem.columns()});
    const auto word_volts = Problem::span_of(word);
    const auto bit_volts = Problem::span_of(bit);
    {
        const py::gil_scoped_release no_gil;
        array.node_voltages(problem.volts(), word_volts, bit_volts, InterruptCheck());
    }
    return py::make_tuple(word, bit);
}

py::dict read_power(const py::object& resistance_ohm, const py::object& voltage_v,
                    const WireParameters& wires) {
    const Problem problem(resistance_ohm, voltage_v);
    const WiredArray array = solved_array(problem.resistances, wires);
    std::vector<ReadPower> powers;
    {
        const py::gil_scoped_release no_gil;
        powers = array.read_power(problem.volts(), InterruptCheck());
    }
    const auto column = [&](double ReadPower::*member) {
        DoubleArray values(problem.vectors());
        std::transform(powers.begin(), powers.end(), values.mutable_data(),
                       [&](const ReadPower& power) { return power.*member; });
        return values;
    };
    py::dict result;
    result["drawn_w"] = column(&ReadPower::drawn_watts);
    result["devices_w"] = column(&ReadPower::devices_watts);
    result["word_lines_w"] = column(&ReadPower::word_lines_watts);
    result["bit_lines_w"] = column(&ReadPower::bit_lines_watts);
    result["drivers_w"] = column(&ReadPower::drivers_watts);
    result["sense_w"] = column(&ReadPower::sense_watts);
    return result;
}

constexpr const char* kCommonDoc = R"(

resistance_ohm: (m, n) device resistances, each >= 1e-9 ohm; inf is an open device.
r_wl_ohm, r_bl_ohm: resistance of one word-line and one bit-line segment, 0 or more. The source of
    word line i (left) reaches its first device through one segment; the last device of a bit line
    (bottom) reaches the virtual ground through one segment.
r_driver_ohm, r_sense_ohm: in series between source and first segment, last segment and ground.
drive_both_ends, sense_both_ends: the source also reaches the right end of its word line, the virtual
    ground the top end of its bit line, through one more segment and driver or sense resistance.
Raises ValueError naming the argument and the value that is not allowed.)";

// Defines a function of (resistance_ohm, [voltage_v,] wires) with the wires as plain arguments.
template <class Function>
void define(py::module_& module, const char* name, Function function, const char* doc) {
    const std::string text = std::string(doc) + kCommonDoc;
    const auto wires = [](double r_wl, double r_bl, double r_driver, double r_sense, bool drive, bool sense) {
        const WireParameters parameters{r_wl, r_bl, r_driver, r_sense, drive, sense};
        parameters.validate();
        return parameters;
    };
    const auto add = [&](auto wrapper, auto... leading) {
        module.def(name, wrapper, leading..., py::arg("r_wl_ohm"), py::arg("r_bl_ohm"), py::kw_only(),
                   py::arg("r_driver_ohm") = 0.0, py::arg("r_sense_ohm") = 0.0,
                   py::arg("drive_both_ends") = false, py::arg("sense_both_ends") = false, text.c_str());
    };
    using Object = const py::object&;
    if constexpr (std::is_invocable_v<Function, Object, Object, const WireParameters&>) {
        add([=](Object r, Object v, double wl, double bl, double driver, double sense_ohm, bool drive,
                bool sense) { return function(r, v, wires(wl, bl, driver, sense_ohm, drive, sense)); },
            py::arg("resistance_ohm"), py::arg("voltage_v"));
    } else {
        add([=](Object r, double wl, double bl, double driver, double sense_ohm, bool drive,
                bool sense) { return function(r, wires(wl, bl, driver, sense_ohm, drive, sense)); },
            py::arg("resistance_ohm"));
    }
}

}  // namespace

void bind_crossbar(py::module_ module) {
    module.doc() = "Exact solutions of resistive crossbars with wire resistance.";
    define(
        module, "solve", solve,
        "Exact currents of a crossbar: (i_out, i_in), float64 amperes of shapes (p, n) and (p, m).\n\n"
        "i_out[v, j] flows out of bit line j into its virtual ground (0 V), i_in[v, i] out of source i into "
        "word line i.\nvoltage_v: (p, m) source voltages, one vector per row.");
    define(module, "effective_conductance", effective_conductance,
           "Effective conductances (m, n), float64 siemens: i_out = voltage_v @ effective_conductance(...).");
    define(module, "node_voltages", node_voltages,
           "Voltages of all word-line and bit-line nodes: (v_wl, v_bl), float64 volts of shape (p, m, n).\n\n"
           "voltage_v: (p, m) source voltages, one vector per row.");
    define(module, "read_power", read_power,
           "Where the power of each voltage vector goes: dict of float64 arrays of shape (p,), watts.\n\n"
           "drawn_w (from the sources) = devices_w + word_lines_w + bit_lines_w + drivers_w + sense_w.\n"
           "voltage_v: (p, m) source voltages, one vector per row.");
}

}  // namespace memprop::host::python
