#include "hw_models/digital_core/registers.hpp"

#include <algorithm>
#include <bit>

namespace memprop::hw {
namespace {

constexpr std::array kTable = {
    RegisterInfo{0, "EN_CONF", 1, true, 1},
    RegisterInfo{1, "RO_STAGE_SEL", 9, false, 0},
    RegisterInfo{2, "GET_CLKINT_OUT", 1, true, 0},
    RegisterInfo{3, "GET_TAR_REQ_OUT", 1, true, 1},
    RegisterInfo{8, "RST_MODE", 1, true, 0},
    RegisterInfo{9, "DO_EPROP", 3, true, 7},
    RegisterInfo{10, "LOCAL_TICK", 1, true, 0},
    RegisterInfo{11, "ERROR_HALT", 1, true, 1},
    RegisterInfo{12, "FP_LOC_WINP", 3, true, 0},
    RegisterInfo{13, "FP_LOC_WREC", 3, true, 0},
    RegisterInfo{14, "FP_LOC_WOUT", 3, true, 0},
    RegisterInfo{15, "FP_LOC_TINP", 3, true, 0},
    RegisterInfo{16, "FP_LOC_TREC", 3, true, 0},
    RegisterInfo{17, "FP_LOC_TOUT", 3, true, 0},
    RegisterInfo{18, "LEARN_SIG_SCALE", 4, true, 0},
    RegisterInfo{19, "REGUL_MODE", 3, true, 0},
    RegisterInfo{20, "REGUL_W", 2, true, 0},
    RegisterInfo{21, "EN_STOCH_ROUND", 1, true, 0},
    RegisterInfo{22, "SRAM_SPEEDMODE", 8, true, 0},
    RegisterInfo{23, "TIMING_MODE", 1, true, 0},
    RegisterInfo{25, "REGRESSION", 1, true, 0},
    RegisterInfo{26, "SINGLE_LABEL", 1, true, 1},
    RegisterInfo{27, "NO_OUT_ACT", 1, true, 0},
    RegisterInfo{30, "SEND_PER_TIMESTEP", 1, true, 0},
    RegisterInfo{31, "SEND_LABEL_ONLY", 1, true, 1},
    RegisterInfo{32, "NOISE_EN", 1, true, 0},
    RegisterInfo{33, "FORCE_TRACES", 1, true, 0},
    RegisterInfo{64, "CYCLES_PER_TICK", 32, false, 0},
    RegisterInfo{65, "ALPHA_CONF_0", 32, true, 0},
    RegisterInfo{66, "ALPHA_CONF_1", 32, true, 0},
    RegisterInfo{67, "ALPHA_CONF_2", 32, true, 0},
    RegisterInfo{68, "ALPHA_CONF_3", 32, true, 0},
    RegisterInfo{69, "KAPPA", 8, true, 0x7A},
    RegisterInfo{70, "THR_H_0", 16, false, 0},
    RegisterInfo{71, "THR_H_1", 16, false, 0},
    RegisterInfo{72, "THR_H_2", 16, false, 0},
    RegisterInfo{73, "THR_H_3", 16, false, 0},
    RegisterInfo{74, "H_0", 5, false, 0},
    RegisterInfo{75, "H_1", 5, false, 0},
    RegisterInfo{76, "H_2", 5, false, 0},
    RegisterInfo{77, "H_3", 5, false, 0},
    RegisterInfo{78, "H_4", 5, false, 0},
    RegisterInfo{79, "LR_R_WINP", 5, false, 0},
    RegisterInfo{80, "LR_P_WINP", 5, false, 0},
    RegisterInfo{81, "LR_R_WREC", 5, false, 0},
    RegisterInfo{82, "LR_P_WREC", 5, false, 0},
    RegisterInfo{83, "LR_R_WOUT", 5, false, 0},
    RegisterInfo{84, "LR_P_WOUT", 5, false, 0},
    RegisterInfo{85, "SEED_INP", 25, false, 0},
    RegisterInfo{86, "SEED_REC", 25, false, 0},
    RegisterInfo{87, "SEED_OUT", 22, false, 0},
    RegisterInfo{88, "SEED_STRND_NEUR", 30, false, 0},
    RegisterInfo{89, "SEED_STRND_ONEUR", 15, false, 0},
    RegisterInfo{90, "SEED_STRND_TINP", 30, false, 0},
    RegisterInfo{91, "SEED_STRND_TREC", 30, false, 0},
    RegisterInfo{92, "SEED_STRND_TOUT", 30, false, 0},
    RegisterInfo{93, "SEED_NOISE_NEUR", 17, false, 0},
    RegisterInfo{94, "NUM_INP", 8, true, 255},
    RegisterInfo{95, "NUM_REC", 8, true, 255},
    RegisterInfo{96, "NUM_OUT", 4, true, 15},
    RegisterInfo{98, "REGUL_F0", 12, false, 0},
    RegisterInfo{99, "REGUL_K_INP_R", 5, false, 0},
    RegisterInfo{100, "REGUL_K_INP_P", 5, false, 0},
    RegisterInfo{101, "REGUL_K_REC_R", 5, false, 0},
    RegisterInfo{102, "REGUL_K_REC_P", 5, false, 0},
    RegisterInfo{103, "REGUL_K_MUL", 5, false, 0},
    RegisterInfo{104, "NOISE_STR", 4, false, 0},
};

}  // namespace

std::span<const RegisterInfo> register_table() {
    return kTable;
}

const RegisterInfo* find_register(std::uint32_t number) {
    const auto found = std::find_if(kTable.begin(), kTable.end(),
                                    [&](const RegisterInfo& info) { return info.number == number; });
    return found == kTable.end() ? nullptr : &*found;
}

Registers::Registers(const CoreShape& shape) {
    for (const RegisterInfo& info : kTable) {
        mask_[info.number] = static_cast<std::uint32_t>((std::uint64_t{1} << info.bits) - 1);
    }
    mask_[static_cast<std::size_t>(Reg::NUM_INP)] = shape.inputs - 1;
    mask_[static_cast<std::size_t>(Reg::NUM_REC)] = shape.neurons - 1;
    mask_[static_cast<std::size_t>(Reg::NUM_OUT)] = shape.outputs - 1;
    reset();
}

void Registers::reset() {
    for (const RegisterInfo& info : kTable) {
        if (info.has_reset) {
            value_[info.number] = info.reset & mask_[info.number];
        }
    }
    derive();
}

void Registers::write(std::uint32_t number, std::uint32_t value) {
    if (number < value_.size()) {
        value_[number] = value & mask_[number];
        derive();
    }
}

void Registers::derive() {
    last_index_ = std::max(last_input(), last_neuron());
    last_step_cycle_ = std::max(last_index_, last_output());
}

}  // namespace memprop::hw
