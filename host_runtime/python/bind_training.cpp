#include <fmt/format.h>
#include <unistd.h>

#include <exception>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "crossbar/base/error.hpp"
#include "host_runtime/config/experiment_file.hpp"
#include "host_runtime/python/bindings.hpp"
#include "host_runtime/python/py_network.hpp"
#include "host_runtime/training.hpp"

namespace py = pybind11;

namespace memprop::host::python {
namespace {

/// A directory for results that nobody asked to keep.
class ScratchDirectory {
public:
    ScratchDirectory() {
        std::string name = (std::filesystem::temp_directory_path() / "memprop-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) {
            throw RunError(fmt::format("{}: cannot be created", name));
        }
        path_ = name;
    }
    ScratchDirectory(const ScratchDirectory&) = delete;
    ScratchDirectory& operator=(const ScratchDirectory&) = delete;
    ~ScratchDirectory() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    std::filesystem::path results() const { return path_ / "results"; }

private:
    std::filesystem::path path_;
};

py::object train(const std::string& experiment, const py::object& overrides, std::optional<std::int64_t> seed,
                 const std::optional<std::string>& init, bool evaluate, const std::optional<std::string>& out,
                 const PyNetwork* network) {
    TrainRequest request;
    request.config = load_experiment(experiment, override_list(overrides, seed, network));
    if (network != nullptr) {
        request.weights = network->weights();
    }
    request.evaluate = evaluate;
    if (evaluate && !init) {
        throw InputError("evaluate needs the weights of init");
    }
    if (init) {
        request.init = *init;
    }
    std::optional<ScratchDirectory> scratch;
    if (out) {
        request.directory = *out;
    } else {
        scratch.emplace();
        request.directory = scratch->results();
    }
    request.warn = [](const std::string& line) {
        const py::gil_scoped_acquire gil;
        warn(line);
    };
    std::exception_ptr raised;
    InterruptCheck check;
    request.interrupted = [&] {
        try {
            check();
        } catch (...) {
            raised = std::current_exception();
        }
        return raised != nullptr;
    };
    std::vector<KeyWithoutEffect> without_effect;
    request.without_effect = [&](const std::vector<KeyWithoutEffect>& keys) { without_effect = keys; };
    TrainOutcome outcome;
    {
        const py::gil_scoped_release no_gil;
        outcome = run_training(request);
    }
    if (raised) {
        std::rethrow_exception(raised);
    }
    warn_without_effect(without_effect);
    return py::module_::import("json").attr("loads")(outcome.result.dump());
}

}  // namespace

void warn_without_effect(std::span<const KeyWithoutEffect> keys) {
    if (!keys.empty() && PyErr_WarnEx(PyExc_UserWarning, without_effect_text(keys).c_str(), 1) != 0) {
        throw py::error_already_set();
    }
}

std::vector<std::string> override_list(const py::object& overrides, std::optional<std::int64_t> seed,
                                       const PyNetwork* network) {
    std::vector<std::string> result;
    if (network != nullptr) {
        result = network->tables();
    }
    if (!overrides.is_none()) {
        if (!py::isinstance<py::dict>(overrides)) {
            throw InputError("overrides must be a dict of keys and values");
        }
        for (const auto& [key, value] : overrides.cast<py::dict>()) {
            result.push_back(
                fmt::format("{}={}", py::str(key).cast<std::string>(), toml_value(value, "overrides")));
        }
    }
    if (seed) {
        result.push_back(fmt::format("run.seed={}", *seed));
    }
    return result;
}

void bind_training(py::module_ module) {
    module.def("train", train, py::arg("path"), py::arg("overrides") = py::none(),
               py::arg("seed") = py::none(), py::kw_only(), py::arg("init") = py::none(),
               py::arg("evaluate") = false, py::arg("out") = py::none(), py::arg("network") = py::none(),
               R"(Trains a network as `memprop train` does and returns the content of result.json as a dict.

path: the experiment, a TOML file.
overrides: dict of keys and values, such as {"crossbar.read_noise_scale": 2.0}.
seed: sets run.seed, which fixes everything random.
init: a checkpoint.h5 or a NIR network to start from.
evaluate: one pass without learning over the samples; needs init.
out: a new directory for the results (config.toml, result.json, history.csv, run.h5, checkpoint.h5);
    without it they are not kept.
network: a Network of populations in place of that of the experiment; weights that its projections have are those
    to start from.
Raises InputError (a ValueError) for what the caller gave, RunError for a run that failed. KeyboardInterrupt
stops the training; with out there is then a checkpoint to resume from.)");
}

}  // namespace memprop::host::python
