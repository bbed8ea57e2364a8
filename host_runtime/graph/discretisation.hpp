// How a continuous-time network becomes steps. NIR files do not say; these are the choices by name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "host_runtime/nir/network.hpp"

namespace memprop::host {

/// What multiplies the right-hand side of tau v' = ...: dt/tau (forward Euler) or 1 - exp(-dt/tau).
enum class Integrator : std::uint8_t { euler, exponential };

/// What happens at a spike (v > v_threshold, strictly).
enum class ResetRule : std::uint8_t {
    file,            ///< v = v_reset of the file (0 if it has none), in the step of the spike
    zero,            ///< v = 0, in the step of the spike
    subtract,        ///< v -= v_threshold, in the step of the spike
    subtract_carry,  ///< snnTorch's: subtracted in the next step if v is still above the threshold after it
    subtract_next    ///< v -= v_threshold in the next step, after the decay of the unreset v (e-prop papers)
};

/// What an input x of an I or IF node is.
enum class IfIntegration : std::uint8_t {
    per_step,   ///< a jump of the membrane: v += r x, the convention of most writers of NIR
    per_second  ///< a current, as NIR defines it: dv/dt = r x, v += dt r x (r = 1/dt in some files)
};

/// By how much an input x of a CubaLI or CubaLIF node raises its current.
enum class CurrentJump : std::uint8_t {
    scaled,   ///< dt/tau_syn w_in x (or 1 - exp(-dt/tau_syn)), as NIR defines it
    unscaled  ///< w_in x, as Norse computes and writes its neurons
};

/// How the numbers of linear layers, LIF and LI nodes are computed.
enum class Arithmetic : std::uint8_t {
    graph,   ///< as NIR defines the nodes, in double precision
    single,  ///< with the operations of memprop's training, in single precision: the same bits
    double_  ///< the same in double precision
};

struct Discretisation {
    double dt_seconds = 1e-3;
    Integrator integrator = Integrator::euler;
    ResetRule reset = ResetRule::file;
    /// Whether edges that close a cycle deliver in step 0 what they carry at rest (the bias of a feedback
    /// Affine, as snnTorch does) or nothing (as Norse does).
    bool first_step_recurrence = true;
    Arithmetic arithmetic = Arithmetic::graph;
    IfIntegration if_integration = IfIntegration::per_step;
    CurrentJump current_jump = CurrentJump::scaled;
    /// Only files state this, not users: in networks trained here a neuron fires at its threshold already.
    /// Their v_threshold is the next number below that threshold, so that a strict test elsewhere finds the
    /// same spikes; resets subtract the threshold itself. Needs an arithmetic of training.
    bool fires_at_threshold = false;

    bool operator==(const Discretisation&) const = default;
};

std::string_view to_string(Integrator integrator);
std::string_view to_string(ResetRule rule);
std::string_view to_string(Arithmetic arithmetic);
std::string_view to_string(IfIntegration integration);
std::string_view to_string(CurrentJump jump);
Integrator integrator_from(std::string_view text);         ///< throws InputError listing the names
ResetRule reset_rule_from(std::string_view text);          ///< throws InputError listing the names
Arithmetic arithmetic_from(std::string_view text);         ///< throws InputError listing the names
IfIntegration if_integration_from(std::string_view text);  ///< throws InputError listing the names
CurrentJump current_jump_from(std::string_view text);      ///< throws InputError listing the names

/// Throws InputError unless dt is in [1e-9, 10] s.
void check(const Discretisation& discretisation);

/// The defaults, changed by what the network's metadata group `memprop` states: `dt`, `integrator`,
/// `reset`, `first_step_recurrence`, `arithmetic`, `if_integration`, `current_jump`, `firing_test`. Sets
/// `found` if there is such a group. Throws InputError.
Discretisation discretisation_of(const nir::Network& network, const std::string& file, bool& found);

/// Writes it into the network's metadata for discretisation_of().
void store(const Discretisation& discretisation, nir::Network& network);

inline constexpr std::string_view kMetadataGroup = "memprop";  ///< ours, in graphs and nodes

/// The number `name` of a node's metadata group `memprop`, if it is there.
std::optional<double> node_metadata(const nir::Node& node, std::string_view name);

}  // namespace memprop::host
