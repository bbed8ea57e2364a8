#include "host_runtime/exchange/named_weights.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "crossbar/base/error.hpp"
#include "host_runtime/exchange/trainable.hpp"
#include "learning/network/models/models.hpp"
#include "learning/resolve.hpp"

namespace memprop::host {
namespace {

using network::ConnectKind;
using network::Population;
using network::PopulationId;
using network::Projection;

constexpr double kSame = 1e-6;  // relative; files hold single precision

std::string_view name_of(ConnectKind kind) {
    for (const auto& [name, meaning] : network::kConnectNames) {
        if (meaning == kind) {
            return name;
        }
    }
    return {};
}

class Matching {
public:
    /// `stated`: the file says how its neurons are stepped.
    Matching(const network::Network& ours, const network::Network& theirs, const std::string& file,
             bool stated)
        : ours_(ours), theirs_(theirs), file_(file), stated_(stated) {}

    learning::NetworkWeights weights() const {
        learning::NetworkWeights result;
        for (const Projection& p : ours_.projections) {
            result.push_back(weights_of(p));
        }
        return result;
    }

private:
    [[noreturn]] void fail(std::string_view kind, std::string_view name, const std::string& reason) const {
        throw InputError(fmt::format("{}: {} {}: {}", file_, kind, name, reason));
    }

    static const network::Field* field_of(const Population& population, std::string_view name) {
        for (const network::Field& field : network::find_model("model", population.model).fields) {
            if (field.name == name) {
                return &field;
            }
        }
        return nullptr;
    }

    static const network::Field* of_nir(const Population& population, std::string_view dataset) {
        for (const network::Field& field : network::find_model("model", population.model).fields) {
            if (field.nir == dataset) {
                return &field;
            }
        }
        return nullptr;
    }

    /// The parameters that NIR has and both models have, but for resistances that go into weights.
    void check_population(PopulationId id, PopulationId their_id) const {
        const Population &ours = ours_.at(id), &theirs = theirs_.at(their_id);
        if (ours.size != theirs.size) {
            fail("population", theirs.name,
                 fmt::format("has {} neurons, but population.{}.size = {}", theirs.size, ours.name,
                             ours.size));
        }
        const network::NeuronModel& model = network::find_model("model", ours.model);
        const network::NeuronModel& their_model = network::find_model("model", theirs.model);
        if (model.nir_type != their_model.nir_type) {
            fail("population", theirs.name,
                 fmt::format("has neurons of model \"{}\", but population.{}.model = \"{}\"", theirs.model,
                             ours.name, ours.model));
        }
        for (const std::string_view choice : {"integrator", "reset", "firing_test", "current_jump"}) {
            check_choice(ours, theirs, choice);
        }
        for (const network::Field& field : model.fields) {
            const network::Field* other = field.nir.empty() ? nullptr : of_nir(theirs, field.nir);
            const bool resets = field.nir != "v_reset" ||
                                value_of(ours, model.fields, "reset") == double(network::ResetKind::to_value);
            if (other == nullptr || (field.nir == "r" && has_gain(id)) || !resets) {
                continue;
            }
            const std::vector<double> wanted = values_of(ours, field), found = values_of(theirs, *other);
            for (std::size_t j = 0; j < wanted.size(); ++j) {
                if (!(std::abs(found[j] - wanted[j]) <= kSame * std::max(1e-300, std::abs(wanted[j])))) {
                    fail("population", theirs.name,
                         fmt::format("{}[{}] = {}, but population.{}.{} = {}", field.nir, j, found[j],
                                     ours.name, field.name, wanted[j]));
                }
            }
        }
    }

    /// What a file that states it and the experiment choose for their neurons.
    void check_choice(const Population& ours, const Population& theirs, std::string_view name) const {
        const network::Field *field = field_of(ours, name), *other = field_of(theirs, name);
        if (!stated_ || field == nullptr || other == nullptr) {
            return;
        }
        const double wanted = values_of(ours, *field).front(), found = values_of(theirs, *other).front();
        if (wanted != found) {
            fail("population", theirs.name,
                 fmt::format("{} = \"{}\", but population.{}.{} = \"{}\"", name,
                             other->choices[static_cast<std::size_t>(found)], ours.name, name,
                             field->choices[static_cast<std::size_t>(wanted)]));
        }
    }

    bool has_gain(PopulationId id) const {
        return network::make_neurons<double>(ours_.at(id), ours_.time_step_seconds)->eligibility() != nullptr;
    }

    /// How much more an input of size 1 moves their neurons than ours, [neuron].
    std::vector<double> gain_ratios(PopulationId id, PopulationId their_id) const {
        const auto gains = [](const network::Network& network, PopulationId population) {
            const auto neurons =
                network::make_neurons<double>(network.at(population), network.time_step_seconds);
            std::vector<double> gain =
                neurons->eligibility() != nullptr ? neurons->eligibility()->gain : std::vector<double>{1.0};
            gain.resize(network.at(population).size, gain.front());
            return gain;
        };
        const std::vector<double> ours = gains(ours_, id), theirs = gains(theirs_, their_id);
        std::vector<double> ratio(ours.size(), 1.0);
        for (std::size_t j = 0; j < ratio.size(); ++j) {
            const double r = theirs[j] / ours[j];
            ratio[j] = std::isfinite(r) && std::abs(r - 1.0) >= 1e-12 ? r : 1.0;
        }
        return ratio;
    }

    std::vector<double> weights_of(const Projection& ours) const {
        const auto id = theirs_.find_projection(ours.name);
        if (!id) {
            fail("network", "it", fmt::format("has no weights of the name {}", ours.name));
        }
        const Projection& theirs = theirs_.at(*id);
        check_population(ours.from, theirs.from);
        check_population(ours.to, theirs.to);
        const auto refuse = [&](std::string_view key, const auto& found, const auto& wanted) {
            fail("projection", ours.name,
                 fmt::format("{} = {}, but the experiment has {}", key, found, wanted));
        };
        if (ours.delay_steps != theirs.delay_steps) {
            refuse("delay_steps", theirs.delay_steps, ours.delay_steps);
        }
        const bool matrix =
            (ours.connect.kind == ConnectKind::masked || ours.connect.kind == ConnectKind::sparse) &&
            theirs.connect.kind == ConnectKind::dense;
        if (ours.connect.kind != theirs.connect.kind && !matrix) {
            refuse("connect", name_of(theirs.connect.kind), name_of(ours.connect.kind));
        }
        network::Window window = theirs.connect.window;
        window.groups = ours.connect.kind == ConnectKind::pool ? ours.connect.window.groups : window.groups;
        if (ours.connect.window != window) {
            fail("projection", ours.name, "slides another window than that of the experiment");
        }
        if (theirs.bias && !ours.bias) {
            fail("projection", ours.name,
                 fmt::format("has a bias, but projection.{}.bias = false", ours.name));
        }
        const std::size_t columns = columns_of(ours_, ours);
        std::vector<double> weights(network::size_of(theirs.weights));
        for (std::size_t i = 0; i < weights.size(); ++i) {
            weights[i] = network::number_at(theirs.weights, i);
        }
        if (ours.connect.kind == ConnectKind::one_to_one && weights.empty()) {
            weights.assign(columns, 1.0);
        }
        if (ours.bias && !theirs.bias) {
            weights.resize(weights.size() + (ours.connect.kind == ConnectKind::convolution
                                                 ? ours.connect.window.channels_out
                                                 : columns));
        }
        const bool is_matrix = theirs.connect.kind == ConnectKind::dense;
        const std::vector<double> ratio = gain_ratios(ours.to, theirs.to);
        const bool alike =
            std::all_of(ratio.begin(), ratio.end(), [&](double r) { return r == ratio.front(); });
        if (is_matrix || ours.connect.kind == ConnectKind::one_to_one) {
            for (std::size_t i = 0; i < weights.size(); ++i) {
                weights[i] *= ratio[i % columns];
            }
        } else if (alike && !weights.empty()) {
            for (double& weight : weights) {
                weight *= ratio.front();
            }
        } else if (!alike || ratio.front() != 1.0) {
            fail("projection", ours.name,
                 fmt::format("its inputs of population {} have another scale than those of the experiment",
                             ours_.at(ours.to).name));
        }
        for (std::size_t i = 0; is_matrix && i < weights.size(); ++i) {
            check_synapse(ours, i, weights[i]);
        }
        return ours.connect.kind == ConnectKind::sparse ? of_lists(ours, weights) : weights;
    }

    /// [synapse] of a matrix, which has no others.
    std::vector<double> of_lists(const Projection& ours, const std::vector<double>& matrix) const {
        const network::Connect& lists = ours.connect;
        const std::size_t columns = columns_of(ours_, ours);
        std::vector<double> weights;
        for (std::size_t row = 0; row + 1 < lists.row_begin.size(); ++row) {
            for (std::uint64_t s = lists.row_begin[row]; s < lists.row_begin[row + 1]; ++s) {
                weights.push_back(matrix[row * columns + lists.column[s]]);
            }
        }
        return weights;
    }

    static bool has_synapse(const Projection& p, std::size_t row, std::size_t column, std::size_t at) {
        const network::Connect& c = p.connect;
        if (c.kind == ConnectKind::sparse) {
            return std::binary_search(c.column.begin() + static_cast<std::ptrdiff_t>(c.row_begin[row]),
                                      c.column.begin() + static_cast<std::ptrdiff_t>(c.row_begin[row + 1]),
                                      static_cast<std::uint32_t>(column));
        }
        return c.mask.empty() || c.mask[at] != 0;
    }

    void check_synapse(const Projection& ours, std::size_t at, double weight) const {
        const std::size_t columns = columns_of(ours_, ours), row = at / columns, column = at % columns;
        const bool self = ours.from == ours.to && !ours.connect.self && row == column;
        if (weight != 0.0 && (self || !has_synapse(ours, row, column, at))) {
            fail("projection", ours.name,
                 fmt::format("weight[{},{}] = {}: the experiment has no such synapse", column, row, weight));
        }
    }

    const network::Network& ours_;
    const network::Network& theirs_;
    const std::string& file_;
    bool stated_;
};

}  // namespace

learning::NetworkWeights named_weights(const nir::Network& network, const std::string& file,
                                       const learning::ExperimentConfig& config) {
    const NetworkOfGraph theirs = network_to_train(network, file, config.network.time_step_seconds);
    bool stated = false;
    discretisation_of(network, file, stated);
    return Matching(learning::resolve(config).network, theirs.network, file, stated).weights();
}

}  // namespace memprop::host
