// What a network can be asked for by name.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>

namespace memprop::network {

template <class E, std::size_t N>
using Names = std::array<std::pair<std::string_view, E>, N>;

enum class Loss {
    mse,            ///< E = 1/2 sum (y - y*)^2 over the steps of the learning window
    cross_entropy,  ///< E = -sum log softmax(y)_label over the steps of the learning window
};
inline constexpr Names<Loss, 2> kLossNames{{{"mse", Loss::mse}, {"cross_entropy", Loss::cross_entropy}}};

/// How an input of size 1 enters a leaky state with decay d: v = d v + scale * input.
enum class LeakScaling {
    one_minus_decay,  ///< scale 1 - d: the state settles at the input
    one,              ///< scale 1
};
inline constexpr Names<LeakScaling, 2> kLeakScalingNames{
    {{"one_minus_decay", LeakScaling::one_minus_decay}, {"one", LeakScaling::one}}};

/// What a spike does to the membrane.
enum class ResetKind {
    subtract_next,   ///< v -= v_th one step later, undecayed
    subtract,        ///< v -= v_th at once, so decayed by alpha in the next step
    to_value,        ///< v = reset_value at once, and v stays there while refractory
    subtract_carry,  ///< snnTorch's: in the next step, if v is still above the threshold after it
};
/// What the chip's neuron unit knows, and the short form of experiments.
inline constexpr Names<ResetKind, 3> kResetNames{{{"subtract_next", ResetKind::subtract_next},
                                                  {"subtract", ResetKind::subtract},
                                                  {"to_value", ResetKind::to_value}}};
inline constexpr Names<ResetKind, 4> kAllResetNames{{{"subtract_next", ResetKind::subtract_next},
                                                     {"subtract", ResetKind::subtract},
                                                     {"to_value", ResetKind::to_value},
                                                     {"subtract_carry", ResetKind::subtract_carry}}};

enum class FiringTest { at_or_above, above };
inline constexpr Names<FiringTest, 2> kFiringTestNames{
    {{"at_or_above", FiringTest::at_or_above}, {"above", FiringTest::above}}};

/// How tau v' = (v_leak - v) + r x becomes a step. Both are the same but for rounding.
enum class Equations {
    decay,       ///< v = alpha v + gain x + (1 - alpha) v_leak, as training computes
    difference,  ///< v += a ((v_leak - v) + r x), a = 1 - alpha, as NIR states it
};
inline constexpr Names<Equations, 2> kEquationsNames{
    {{"decay", Equations::decay}, {"difference", Equations::difference}}};

/// What is left of a leaky state after a step of dt.
enum class Integrator {
    exponential,  ///< exp(-dt/tau)
    euler,        ///< 1 - dt/tau
};
inline constexpr Names<Integrator, 2> kIntegratorNames{
    {{"exponential", Integrator::exponential}, {"euler", Integrator::euler}}};

/// By how much an input x raises a synaptic current with weight w_in.
enum class CurrentJump {
    scaled,    ///< (1 - decay) w_in x: the current settles at w_in x, as NIR defines it
    unscaled,  ///< w_in x, as Norse computes
};
inline constexpr Names<CurrentJump, 2> kCurrentJumpNames{
    {{"scaled", CurrentJump::scaled}, {"unscaled", CurrentJump::unscaled}}};

/// The pseudo-derivative of a spike by x = v - A, with height h and slope s; sources in
/// pseudo_derivative.hpp.
enum class PseudoDerivative {
    piecewise_linear,  ///< h max(0, 1 - s |x|)
    exponential,       ///< h exp(-s |x|)
    fast_sigmoid,      ///< h / (1 + s |x|)^2
    arctan,            ///< h / pi / (1 + (pi s x)^2)
    boxcar,            ///< h where s |x| <= 1
    table,             ///< five constant segments of s x
};
inline constexpr Names<PseudoDerivative, 6> kPseudoDerivativeNames{
    {{"piecewise_linear", PseudoDerivative::piecewise_linear},
     {"exponential", PseudoDerivative::exponential},
     {"fast_sigmoid", PseudoDerivative::fast_sigmoid},
     {"arctan", PseudoDerivative::arctan},
     {"boxcar", PseudoDerivative::boxcar},
     {"table", PseudoDerivative::table}}};

}  // namespace memprop::network
