// Step sizes, ranges of the weight and spreads are the parameter sets that IBM's Analog Hardware
// Acceleration Kit publishes for these devices. Conductances and pulses are those of the cited papers where
// they state them; what is assumed is called so in the source text, which every report repeats.
#include "crossbar/device/presets.hpp"

#include <array>

#include "crossbar/device/device_model.hpp"

namespace memprop::crossbar {
namespace {

struct Physics {
    double g_min_us, g_max_us;
    double set_pulse_ns, reset_pulse_ns;
    double set_pulse_pj, reset_pulse_pj;
    std::string_view source;
};

// The largest weights of a pair are those of the default device: 12 uS at 0.027 and at 0.072 per uS.
constexpr double kLargestWeight = 12.0 * 0.027, kLargestWeightOut = 12.0 * 0.072;

void set_physics(CrossbarConfig& config, const Physics& physics) {
    PulsedConfig& p = config.pulsed;
    p.g_min_us = physics.g_min_us;
    config.g_max_us = physics.g_max_us;
    const double range_us = physics.g_max_us - physics.g_min_us;
    const double above_rest_us = range_us * p.w_max / (p.w_max - p.w_min);
    config.weight_scale_per_us = kLargestWeight / above_rest_us;
    config.weight_scale_out_per_us = kLargestWeightOut / above_rest_us;
    config.energy.set_pulse_ns = physics.set_pulse_ns;
    config.energy.reset_pulse_ns = physics.reset_pulse_ns;
    config.energy.set_pulse_pj = physics.set_pulse_pj;
    config.energy.reset_pulse_pj = physics.reset_pulse_pj;
    config.energy.source = physics.source;
}

constexpr Physics kGeneric{1.2,
                           12.0,
                           50.0,
                           50.0,
                           1.0,
                           1.0,
                           "no particular device: 1.2 to 12 uS, pulses of 50 ns and 1 pJ are assumed"};
// 24 MOhm on average, on/off ratio 8: g_min = 2 / (9 * 24 MOhm); V^2 G t of 1 V for 1 ns at 24 MOhm.
constexpr Physics kRpu{0.00926,
                       0.0741,
                       1.0,
                       1.0,
                       4.2e-5,
                       4.2e-5,
                       "Gokmen and Vlasov, Front. Neurosci. 10, 333, 2016: 24 MOhm on average, on/off ratio "
                       "8, pulses of 1 V for 1 ns; energy V^2 G t"};
constexpr Physics kEcramLi{2.0,
                           20.0,
                           5.0,
                           5.0,
                           1e-3,
                           1e-3,
                           "Tang et al., IEDM 2018: pulses down to 5 ns, 1 fJ projected for 100 nm x 100 nm; "
                           "2 to 20 uS is assumed"};
constexpr Physics kEcramMo{2.0,
                           20.0,
                           10.0,
                           10.0,
                           1e-3,
                           1e-3,
                           "Kim et al., IEDM 2019: pulses down to 10 ns; 2 to 20 uS and 1 fJ a pulse are "
                           "assumed"};
constexpr Physics kCapacitor{2.0,
                             20.0,
                             10.0,
                             10.0,
                             1e-2,
                             1e-2,
                             "device model after Li et al., VLSI Technology 2018; 2 to 20 uS of the read "
                             "transistor, pulses of 10 ns and 10 fJ are assumed"};
constexpr Physics kReram{5.0,
                         35.0,
                         100.0,
                         100.0,
                         5.1,
                         6.5,
                         "Gong et al., Nat. Commun. 9, 2102, 2018: SET 1.6 V, RESET -1.8 V, symmetry near 20 "
                         "uS; 5 to 35 uS and pulses of 100 ns are assumed, energy V^2 G t at 20 uS"};
constexpr Physics kReramArray{5.0,
                              35.0,
                              100.0,
                              100.0,
                              5.1,
                              6.5,
                              "device model after Gong, Rasch et al., IEDM 2022; conductances, pulses and "
                              "energies are assumed to be those of Gong et al., Nat. Commun. 9, 2102, 2018"};
constexpr Physics kPcm{0.1,
                       12.0,
                       50.0,
                       50.0,
                       6.75,
                       33.75,
                       "device model after Nandakumar et al., Front. Neurosci. 14, 406, 2020; SET 90 uA x 50 "
                       "ns and RESET 450 uA x 50 ns at an assumed 1.5 V; 0.1 to 12 uS is assumed"};

void generic(CrossbarConfig& c) {
    set_physics(c, kGeneric);
}
void generic_linear(CrossbarConfig& c) {
    c.pulsed.gamma_up = c.pulsed.gamma_down = 0.3;
    set_physics(c, kGeneric);
}
void generic_exp(CrossbarConfig& c) {
    c.pulsed.exp_a_up = 0.001;
    c.pulsed.exp_a_down = 0.4;
    c.pulsed.gamma_up = c.pulsed.gamma_down = 12.5;
    set_physics(c, kGeneric);
}
void generic_pow(CrossbarConfig& c) {
    c.pulsed.gamma_up = c.pulsed.gamma_down = 1.0;
    set_physics(c, kGeneric);
}

void set_range(PulsedConfig& p, double w_min, double w_max, double w_min_dtod, double w_max_dtod) {
    p.w_min = w_min;
    p.w_max = w_max;
    p.w_min_dtod = w_min_dtod;
    p.w_max_dtod = w_max_dtod;
}

void set_step(PulsedConfig& p, double dw_min, double dtod, double std, double up_down_dtod) {
    p.dw_min = dw_min;
    p.dw_min_dtod = dtod;
    p.dw_min_std = std;
    p.up_down_dtod = up_down_dtod;
}

void idealized(CrossbarConfig& c) {
    set_range(c.pulsed, -1.0, 1.0, 0.3, 0.3);
    set_step(c.pulsed, 2e-4, 0.3, 0.3, 0.0);
    set_physics(c, kRpu);
}
void gokmen_vlasov(CrossbarConfig& c) {
    set_range(c.pulsed, -1.0, 1.0, 0.3, 0.3);
    set_step(c.pulsed, 1.6e-3, 0.3, 0.3, 0.01);
    set_physics(c, kRpu);
}

void set_ecram_slopes(PulsedConfig& p, double up, double down) {
    p.gamma_up = up;
    p.gamma_down = down;
    p.gamma_up_dtod = p.gamma_down_dtod = 0.05;
    p.mean_bound_reference = true;
}
void ecram_li(CrossbarConfig& c) {
    set_range(c.pulsed, -0.8276, 1.1724, 0.05, 0.05);
    set_step(c.pulsed, 2e-3, 0.1, 0.3, 0.01);
    set_ecram_slopes(c.pulsed, 0.1153, 0.5085);
    set_physics(c, kEcramLi);
}
void ecram_mo(CrossbarConfig& c) {
    set_range(c.pulsed, -0.8286, 1.1714, 0.05, 0.05);
    set_step(c.pulsed, 2.8214e-4, 0.1, 2.0, 0.01);
    set_ecram_slopes(c.pulsed, 0.4152, 0.7342);
    set_physics(c, kEcramMo);
}
void capacitor(CrossbarConfig& c) {
    set_range(c.pulsed, -1.0, 1.0, 0.07, 0.07);
    set_step(c.pulsed, 5e-3, 0.1, 0.3, 0.06);
    c.pulsed.mult_noise = false;
    c.pulsed.gamma_up = c.pulsed.gamma_down = 0.05;
    c.pulsed.gamma_up_dtod = c.pulsed.gamma_down_dtod = 0.01;
    c.pulsed.mean_bound_reference = true;
    c.pulsed.lifetime_intervals = 1e6;
    c.pulsed.lifetime_dtod = 0.3;
    set_physics(c, kCapacitor);
}

void reram_es(CrossbarConfig& c) {
    set_range(c.pulsed, -1.0, 1.0, 0.3, 0.3);
    set_step(c.pulsed, 1.35e-3, 0.2, 5.0, 0.05);
    c.pulsed.up_down = 0.259359;
    c.pulsed.exp_a_up = -1.18445;
    c.pulsed.exp_a_down = -0.081404;
    c.pulsed.gamma_up = c.pulsed.gamma_down = 5.0;
    c.pulsed.exp_scale = c.pulsed.exp_offset = -0.5;
    c.pulsed.write_noise_std = 75.0;
    set_physics(c, kReram);
}
void reram_sb(CrossbarConfig& c) {
    set_range(c.pulsed, -0.75, 1.25, 0.4, 0.24);
    set_step(c.pulsed, 2e-3, 0.3, 3.75, 0.01);
    c.pulsed.mult_noise = false;
    c.pulsed.write_noise_std = 56.0;
    set_physics(c, kReram);
}
void set_reram_array(CrossbarConfig& c) {
    c.pulsed.dw_min_dtod_log_normal = true;
    c.pulsed.mult_noise = false;
    c.pulsed.subtract_symmetry_point = true;
    c.pulsed.reference_std = 0.05;
    set_physics(c, kReramArray);
}
void reram_array_om(CrossbarConfig& c) {
    set_range(c.pulsed, -1.0, 1.0, 0.5695, 0.3499);
    set_step(c.pulsed, 0.0949, 0.7829, 0.4158, 0.01);
    c.pulsed.write_noise_std = 1.4113;
    set_reram_array(c);
}
void reram_array_hfo2(CrossbarConfig& c) {
    set_range(c.pulsed, -1.0, 1.0, 0.5990, 0.4295);
    set_step(c.pulsed, 0.4622, 0.7125, 0.2174, 0.01);
    c.pulsed.write_noise_std = 0.5841;
    set_reram_array(c);
}

void pcm_exp(CrossbarConfig& c) {
    set_range(c.pulsed, 0.0, 2.0, 0.0, 0.1);
    set_step(c.pulsed, 0.01, 0.2, 0.6, 0.05);
    c.pulsed.exp_a_up = -27.235;
    c.pulsed.exp_a_down = -2.235;
    c.pulsed.gamma_up = c.pulsed.gamma_down = 2.5;
    c.pulsed.exp_scale = -1.0;
    c.pulsed.exp_offset = 0.0;
    c.pulsed.dw_min_std_add = 0.042;
    c.pulsed.dw_min_std_slope = 0.108;
    c.pulsed.reset_std = 0.02;
    c.pulsed.one_sided = true;
    set_physics(c, kPcm);
}

constexpr std::array<PulsedPreset, 17> kPresets{{
    {"constant_step", "pulsed device: the same step at every state", PulsedLaw::constant_step, generic},
    {"linear_step", "pulsed device: the step falls linearly with the state", PulsedLaw::linear_step,
     generic_linear},
    {"soft_bounds", "pulsed device: the step vanishes at the bound", PulsedLaw::soft_bounds, generic},
    {"soft_bounds_reference", "soft bounds with a reference device per device",
     PulsedLaw::soft_bounds_reference, generic},
    {"exp_step", "pulsed device: the step is exponential in the state", PulsedLaw::exp_step, generic_exp},
    {"pow_step", "pulsed device: the step is a power of the distance to the bound", PulsedLaw::pow_step,
     generic_pow},
    {"piecewise_step", "pulsed device: the step is interpolated between given factors",
     PulsedLaw::piecewise_step, generic},
    {"idealized", "symmetric resistive processing unit with 10 000 states (Rasch et al. 2019)",
     PulsedLaw::constant_step, idealized},
    {"gokmen_vlasov", "resistive processing unit with 1200 states (Gokmen and Vlasov 2016)",
     PulsedLaw::constant_step, gokmen_vlasov},
    {"ecram_li", "lithium ECRAM (Tang et al. 2018)", PulsedLaw::linear_step, ecram_li},
    {"ecram_mo", "metal-oxide ECRAM (Kim et al. 2019)", PulsedLaw::linear_step, ecram_mo},
    {"capacitor", "trench-capacitor cell that leaks (Li et al. 2018)", PulsedLaw::linear_step, capacitor},
    {"reram_es", "HfO2 ReRAM, exponential steps (Gong et al. 2018)", PulsedLaw::exp_step, reram_es},
    {"reram_sb", "HfO2 ReRAM, soft bounds with a reference (Gong et al. 2018)",
     PulsedLaw::soft_bounds_reference, reram_sb},
    {"reram_array_om", "14 nm ReRAM array, optimised material (Gong et al. 2022)",
     PulsedLaw::soft_bounds_reference, reram_array_om},
    {"reram_array_hfo2", "14 nm ReRAM array, HfO2 (Gong et al. 2022)", PulsedLaw::soft_bounds_reference,
     reram_array_hfo2},
    {"pcm_exp", "phase-change memory, exponential steps, one-sided (Nandakumar et al. 2020)",
     PulsedLaw::exp_step, pcm_exp},
}};

}  // namespace

CrossbarConfig published_config(std::string_view device) {
    const DeviceKind& kind = find_device_kind(device);
    CrossbarConfig config;
    config.device = kind.name;
    if (kind.preset != nullptr) {
        kind.preset(config);
    }
    return config;
}

std::span<const PulsedPreset> pulsed_presets() {
    return kPresets;
}

}  // namespace memprop::crossbar
