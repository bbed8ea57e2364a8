// Parameters of the pulsed device models (pulsed_device.hpp). Weights w are without unit, as is usual for
// these models; conductances follow from G(w_min) = g_min_us and G(w_max) = crossbar.g_max_us, linearly.
// Names and meanings follow the vocabulary of IBM's Analog Hardware Acceleration Kit (Rasch et al., "A
// flexible and fast PyTorch toolkit for simulating training and inference on analog crossbar arrays",
// AICAS 2021), so that published parameter sets can be used as they are.
#pragma once

#include <cstdint>
#include <vector>

namespace memprop::crossbar {

struct PulsedConfig {
    double g_min_us = 1.2;
    double w_min = -0.6, w_max = 0.6;
    double w_min_dtod = 0.3, w_max_dtod = 0.3;
    double dw_min = 1e-3, dw_min_dtod = 0.3, dw_min_std = 0.3;
    bool dw_min_dtod_log_normal = false;
    double up_down = 0.0, up_down_dtod = 0.01;
    bool mult_noise = true;
    bool mean_bound_reference = false;
    double gamma_up = 0.0, gamma_down = 0.0, gamma_up_dtod = 0.0, gamma_down_dtod = 0.0;
    double exp_a_up = 0.0, exp_a_down = 0.0, exp_scale = 0.25, exp_offset = 0.25;
    double dw_min_std_add = 0.0, dw_min_std_slope = 0.0;
    std::vector<double> piecewise_up{1.0}, piecewise_down{1.0};
    double reference_mean = 0.0, reference_std = 0.0;
    bool subtract_symmetry_point = false;
    bool one_sided = false;
    double reset_std = 0.01;
    double write_noise_std = 0.0;
    double lifetime_intervals = 0.0, lifetime_dtod = 0.0;
    double diffusion = 0.0, diffusion_dtod = 0.0;

    template <class Field>
    void describe(Field&& field) {
        field("g_min_us", g_min_us, {0.0, 1e6}, "pulsed devices: conductance at w_min, uS");
        field("w_min", w_min, {-1e6, 0.0}, "lower bound of the weight range");
        field("w_max", w_max, {1e-9, 1e6}, "upper bound of the weight range");
        field("w_min_dtod", w_min_dtod, {0.0, 10.0}, "its spread from device to device, relative");
        field("w_max_dtod", w_max_dtod, {0.0, 10.0}, "its spread from device to device, relative");
        field("dw_min", dw_min, {1e-9, 1e3}, "mean step of a pulse at w = 0");
        field("dw_min_dtod", dw_min_dtod, {0.0, 10.0}, "its spread from device to device, relative");
        field("dw_min_std", dw_min_std, {0.0, 1e3}, "its spread from pulse to pulse, relative");
        field("dw_min_dtod_log_normal", dw_min_dtod_log_normal,
              "the step's spread from device to device is exp(dw_min_dtod n), not 1 + dw_min_dtod n");
        field("up_down", up_down, {-1.0, 1.0},
              "asymmetry: > 0 weakens down pulses by that part of the step, < 0 up pulses");
        field("up_down_dtod", up_down_dtod, {0.0, 10.0}, "spread of the asymmetry from device to device");
        field("mult_noise", mult_noise,
              "linear_step, soft_bounds: noise is relative to the step at hand, not to the step at w = 0");
        field("mean_bound_reference", mean_bound_reference,
              "linear_step, soft_bounds: slopes refer to the mean bounds, not to the device's own");
        field("gamma_up", gamma_up, {0.0, 1e3},
              "linear_step: part of the up step that is lost at w_max; exp_step, pow_step: exponent");
        field("gamma_down", gamma_down, {0.0, 1e3}, "the same for down steps and w_min");
        field(
            "gamma_up_dtod", gamma_up_dtod, {0.0, 10.0},
            "spread of gamma_up from device to device: linear_step absolute, exp_step and pow_step relative; "
            "soft_bounds_reference: of the slope, relative");
        field("gamma_down_dtod", gamma_down_dtod, {0.0, 10.0}, "the same of gamma_down");
        field("exp_a_up", exp_a_up, {-1e6, 1e6}, "exp_step: A of up steps");
        field("exp_a_down", exp_a_down, {-1e6, 1e6}, "exp_step: A of down steps");
        field("exp_scale", exp_scale, {-1e3, 1e3}, "exp_step: a in z = 2 a w / range + b");
        field("exp_offset", exp_offset, {-1e3, 1e3}, "exp_step: b in z = 2 a w / range + b");
        field("dw_min_std_add", dw_min_std_add, {0.0, 1e3},
              "exp_step: added to |dw| before it is multiplied by dw_min_std");
        field("dw_min_std_slope", dw_min_std_slope, {0.0, 1e3}, "exp_step: the same, times |w|");
        field.list("piecewise_up", piecewise_up, {-1e6, 1e6},
                   "piecewise_step: factors of the up step at equal distances from w_min to w_max");
        field.list("piecewise_down", piecewise_down, {-1e6, 1e6}, "piecewise_step: the same for down steps");
        field("reference_mean", reference_mean, {-1e3, 1e3},
              "soft_bounds_reference: mean weight of the reference devices");
        field("reference_std", reference_std, {0.0, 1e3}, "soft_bounds_reference: their spread");
        field("subtract_symmetry_point", subtract_symmetry_point,
              "soft_bounds_reference: references are set to the symmetry point of their partner");
        field("one_sided", one_sided,
              "the device has no gradual RESET: pairs of devices are only ever raised");
        field("reset_std", reset_std, {0.0, 10.0}, "spread of the weight after a RESET");
        field("write_noise_std", write_noise_std, {0.0, 1e4},
              "noise of the visible weight around the hidden one, renewed by each write, in dw_min");
        field("lifetime_intervals", lifetime_intervals, {0.0, 1e15},
              "update intervals in which the weight decays to 1/e; 0 = it does not decay");
        field("lifetime_dtod", lifetime_dtod, {0.0, 10.0}, "its spread from device to device, relative");
        field("diffusion", diffusion, {0.0, 1e3}, "random walk of the weight, per root of update interval");
        field("diffusion_dtod", diffusion_dtod, {0.0, 10.0}, "its spread from device to device, relative");
    }
};

}  // namespace memprop::crossbar
