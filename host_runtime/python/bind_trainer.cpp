// A training run that goes on epoch by epoch, with its weights in reach.
#include <fmt/format.h>

#include <algorithm>

#include "crossbar/base/error.hpp"
#include "host_runtime/config/experiment_file.hpp"
#include "host_runtime/python/bindings.hpp"
#include "host_runtime/python/py_network.hpp"
#include "host_runtime/tasks/file_tasks.hpp"
#include "learning/trainer.hpp"

namespace py = pybind11;

namespace memprop::host::python {
namespace {

class PyTrainer {
public:
    PyTrainer(const std::string& path, const py::object& overrides, std::optional<std::int64_t> seed,
              const PyNetwork* network)
        : config_(load_experiment(path, override_list(overrides, seed, network))) {
        const Experiment given = config_;
        const NamedWeights named = network != nullptr ? network->weights() : NamedWeights();
        {
            const py::gil_scoped_release no_gil;
            if (config_.run.engine == learning::EngineKind::cycle) {
                throw InputError("run.engine", "cycle", "must be \"functional\" for a Trainer; use train()");
            }
            auto task = make_any_task(config_);
            const learning::NetworkWeights weights = weights_by_projection(config_, named);
            trainer_ = learning::make_trainer(config_, std::move(task), named.empty() ? nullptr : &weights);
        }
        warn_without_effect(keys_without_effect(given, config_, *trainer_));
    }

    std::vector<double> train(std::int64_t epochs) {
        if (epochs < 1) {
            throw InputError("epochs", epochs, "must be at least 1");
        }
        const py::gil_scoped_release no_gil;
        InterruptCheck check;
        const std::uint64_t end = trainer_->epochs_done() + static_cast<std::uint64_t>(epochs);
        const std::size_t before = trainer_->history().loss.size();
        while (trainer_->epochs_done() < end) {
            trainer_->train_sample();
            check();
        }
        const std::vector<double>& loss = trainer_->history().loss;
        return {loss.begin() + static_cast<std::ptrdiff_t>(before), loss.end()};
    }

    py::dict evaluate(const std::string& split) {
        const auto& names = learning::kSplitNames;
        const auto at = std::find(names.begin(), names.end(), split);
        if (at == names.end()) {
            throw InputError("split", split, fmt::format("must be one of {}", fmt::join(names, ", ")));
        }
        const auto which = static_cast<learning::Split>(at - names.begin());
        if (trainer_->task().trials(which) == 0) {
            throw InputError("split", split, "has no trials");
        }
        learning::Evaluation found;
        {
            const py::gil_scoped_release no_gil;
            found = trainer_->evaluate_all(which);
        }
        py::dict result;
        result["loss"] = found.loss;
        result["accuracy"] = found.confusion.empty() ? py::object(py::none()) : py::float_(found.accuracy);
        return result;
    }

    py::object weights(const std::string& projection) {
        const network::Network& network = trainer_->network();
        const auto id = network.find_projection(projection);
        if (!id) {
            throw InputError("projection", projection, "is none of the network");
        }
        const network::Projection& p = network.at(*id);
        const std::vector<double> values = trainer_->snapshot(*id);
        std::vector<py::ssize_t> shape{static_cast<py::ssize_t>(values.size())};
        if (p.connect.kind == network::ConnectKind::dense || p.connect.kind == network::ConnectKind::masked) {
            shape = {rows_of(network, p), columns_of(network, p)};
        }
        py::array_t<double> array(shape);
        std::copy(values.begin(), values.end(), array.mutable_data());
        return array;
    }

    std::vector<std::string> projections() const {
        std::vector<std::string> names;
        for (const network::Projection& p : trainer_->network().projections) {
            names.push_back(p.name);
        }
        return names;
    }

    std::uint64_t epochs_done() const { return trainer_->epochs_done(); }

private:
    Experiment config_;
    std::unique_ptr<learning::TrainerBase> trainer_;
};

}  // namespace

void bind_trainer(py::module_ module) {
    py::class_<PyTrainer>(module, "Trainer",
                          "A training run in pieces, on the functional engine: as train(), epoch by epoch.")
        .def(py::init<const std::string&, const py::object&, std::optional<std::int64_t>, const PyNetwork*>(),
             py::arg("path"), py::arg("overrides") = py::none(), py::arg("seed") = py::none(), py::kw_only(),
             py::arg("network") = py::none(),
             "path: the experiment, a TOML file; overrides, seed and network as in train().")
        .def("train", &PyTrainer::train, py::arg("epochs") = 1,
             "Trains that many epochs more and returns their losses.")
        .def("evaluate", &PyTrainer::evaluate, py::arg("split") = "training",
             "Shows all trials of a split (training, validation, test) without learning: {\"loss\", "
             "\"accuracy\"}.")
        .def("weights", &PyTrainer::weights, py::arg("projection"),
             "Noise-free weights of a projection, [pre, post] where they are a matrix (a copy).")
        .def_property_readonly("projections", &PyTrainer::projections, "Their names, in order.")
        .def_property_readonly("epochs_done", &PyTrainer::epochs_done);
}

}  // namespace memprop::host::python
