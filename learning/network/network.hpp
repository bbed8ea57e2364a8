// A network as a value: populations of neurons, projections between them, and what their activity is compared
// with. Nothing here computes; models/ says what neurons do, connect/ what projections do, executor.hpp runs
// them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "learning/network/choices.hpp"

namespace memprop::network {

/// Positions in Network::populations, ::projections and ::objectives.
enum class PopulationId : std::uint32_t {};
enum class ProjectionId : std::uint32_t {};

constexpr std::size_t index_of(PopulationId id) {
    return static_cast<std::size_t>(id);
}
constexpr std::size_t index_of(ProjectionId id) {
    return static_cast<std::size_t>(id);
}

/// A parameter of a model's field table: one value for all neurons, or one per neuron (or the numbers of a
/// list).
struct Parameter {
    std::string name;
    std::vector<double> values;

    bool operator==(const Parameter&) const = default;
};

/// Neurons first .. first + count - 1 of a population: what one core of a chip holds.
struct Slice {
    std::uint32_t first = 0, count = 0;

    /// Whether a neuron of the population is among them.
    constexpr bool holds(std::uint32_t neuron) const { return neuron - first < count; }
    bool operator==(const Slice&) const = default;
};
/// Throws InputError naming `field`: a slice has neurons, and all are among the `size` of the population.
void check(std::string_view field, Slice slice, std::uint32_t size);

struct Population {
    std::string name;
    std::uint32_t size = 0;
    std::string model;                  ///< a name of models/models.hpp
    std::vector<Parameter> parameters;  ///< those that are not at their defaults
    std::vector<std::uint64_t> shape;   ///< [channel, row, column] and the like; empty: [size]

    const Parameter* find(std::string_view parameter) const;
    void set(std::string_view parameter, std::vector<double> values);
    bool operator==(const Population&) const = default;
};

/// Geometry of a window that slides over [channels, height, width]; one-dimensional ones have height 1.
struct Window {
    std::uint64_t channels_in = 0, channels_out = 0, groups = 1;
    std::uint64_t height_in = 1, width_in = 1, height_out = 1, width_out = 1;
    std::uint64_t kernel_height = 1, kernel_width = 1;
    std::uint64_t stride_y = 1, stride_x = 1, dilation_y = 1, dilation_x = 1;
    std::uint64_t padding_top = 0, padding_left = 0;  ///< zeros in front; those behind follow from the sizes

    bool operator==(const Window&) const = default;
};

enum class ConnectKind : std::uint8_t {
    dense,        ///< every neuron to every neuron; weights [pre][post]
    masked,       ///< dense, but only where `mask` or a drawn density says so
    sparse,       ///< lists of synapses: row r has those of entries [row_begin[r], row_begin[r + 1])
    one_to_one,   ///< neuron i to neuron i; weights [post], none: 1
    convolution,  ///< weights [channel_out][channel_in of the group][ky][kx], then biases [channel_out]
    pool,         ///< sums over a window, times `factor`; no weights
};
inline constexpr Names<ConnectKind, 6> kConnectNames{{{"dense", ConnectKind::dense},
                                                      {"masked", ConnectKind::masked},
                                                      {"sparse", ConnectKind::sparse},
                                                      {"one_to_one", ConnectKind::one_to_one},
                                                      {"convolution", ConnectKind::convolution},
                                                      {"pool", ConnectKind::pool}}};

struct Connect {
    ConnectKind kind = ConnectKind::dense;
    bool self = true;  ///< from a population to itself: whether a neuron reaches itself
    /// masked: part of the synapses that exist, drawn once by (seed, stream, position of the projection);
    /// or the mask itself, [pre][post], if it is not empty.
    double density = 1.0;
    std::vector<std::uint8_t> mask;
    std::vector<std::uint64_t> row_begin;  ///< sparse: [pre + 1]
    std::vector<std::uint32_t> column;     ///< sparse: postsynaptic neurons, ascending within a row
    Window window;                         ///< convolution, pool
    double factor = 1.0;                   ///< pool: 1, or 1 over the size of the window

    bool operator==(const Connect&) const = default;
};

/// Where a spike waits for the delay.
enum class DelayKind : std::uint8_t {
    axonal,     ///< before the weights, which are read when it arrives
    dendritic,  ///< behind the weights, which are read when it sets out
};

/// Numbers in the precision of their source.
using Numbers = std::variant<std::vector<float>, std::vector<double>>;
std::size_t size_of(const Numbers& numbers);
double number_at(const Numbers& numbers, std::size_t i);
std::vector<double> doubles_of(const Numbers& numbers);

struct Projection {
    std::string name;
    PopulationId from{}, to{};
    Connect connect;
    bool bias = false;  ///< the weights have one more row, of a line that is active in every step
    std::uint32_t receptor = 0;
    std::uint32_t delay_steps = 0;
    DelayKind delay_kind = DelayKind::axonal;
    /// Whether the bias is delivered in the steps before the first arrival, too.
    bool bias_before_arrival = true;
    /// In units of `unit`. Empty: drawn by whoever trains.
    Numbers weights;
    double weight_mean = 0, weight_std = 0;  ///< of drawn weights
    double unit = 1.0;  ///< what a weight of 1 stands for: sums are made first, then multiplied with it
    std::uint64_t rows_at_once = 0;  ///< rows summed up before they are added to the others; 0: all
    /// Sums start at the bias, and take what arrives in the order in which it is listed (as NIR graphs are
    /// computed); else they take it by ascending neuron, and the bias last (as training computes).
    bool bias_first = false;
    std::string device, rule, update;  ///< names of tables; empty: numbers, does not learn, the default

    bool operator==(const Projection&) const = default;
};

struct Objective {
    std::string name;
    PopulationId population{};
    Loss loss = Loss::mse;
    double filter_seconds = 0.0;  ///< spiking populations: time constant of the filter of their spikes, s

    bool operator==(const Objective&) const = default;
};

struct Network {
    double time_step_seconds = 1e-3;
    std::vector<Population> populations;
    std::vector<Projection> projections;
    std::vector<Objective> objectives;

    const Population& at(PopulationId id) const { return populations[index_of(id)]; }
    const Projection& at(ProjectionId id) const { return projections[index_of(id)]; }
    std::optional<PopulationId> find_population(std::string_view name) const;
    std::optional<ProjectionId> find_projection(std::string_view name) const;
    /// Projections to (from) a population, ascending.
    std::vector<ProjectionId> to(PopulationId id) const;
    std::vector<ProjectionId> from(PopulationId id) const;
    bool operator==(const Network&) const = default;
};

/// Presynaptic lines of a projection, the bias among them, and postsynaptic neurons.
std::uint32_t rows_of(const Network& network, const Projection& projection);
std::uint32_t columns_of(const Network& network, const Projection& projection);

/// Throws InputError naming the population or projection that is wrong, and what is allowed: names that are
/// empty or occur twice, sizes, parameters that no field of the model has or that are out of range,
/// receptors that a model lacks, shapes of weights, and cycles without a delay.
void check(const Network& network);

/// Populations in the order in which a step computes them: wave 0 has no projection of delay 0 from another
/// population, wave k only from waves before it. Within a wave by position. Throws InputError naming the
/// populations of a cycle without delay.
std::vector<std::vector<PopulationId>> waves(const Network& network);

}  // namespace memprop::network
