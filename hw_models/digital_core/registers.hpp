// Configuration registers of the digital core. The chip cannot read them back over SPI; the model can.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "hw_models/digital_core/shape.hpp"

namespace memprop::hw {

/// Register numbers with the names of the RTL.
enum class Reg : std::uint8_t {
    EN_CONF = 0,
    RO_STAGE_SEL = 1,
    GET_CLKINT_OUT = 2,
    GET_TAR_REQ_OUT = 3,
    RST_MODE = 8,
    DO_EPROP = 9,
    LOCAL_TICK = 10,
    ERROR_HALT = 11,
    FP_LOC_WINP = 12,
    FP_LOC_WREC = 13,
    FP_LOC_WOUT = 14,
    FP_LOC_TINP = 15,
    FP_LOC_TREC = 16,
    FP_LOC_TOUT = 17,
    LEARN_SIG_SCALE = 18,
    REGUL_MODE = 19,
    REGUL_W = 20,
    EN_STOCH_ROUND = 21,
    SRAM_SPEEDMODE = 22,
    TIMING_MODE = 23,
    REGRESSION = 25,
    SINGLE_LABEL = 26,
    NO_OUT_ACT = 27,
    SEND_PER_TIMESTEP = 30,
    SEND_LABEL_ONLY = 31,
    NOISE_EN = 32,
    FORCE_TRACES = 33,
    CYCLES_PER_TICK = 64,
    ALPHA_CONF_0 = 65,
    ALPHA_CONF_3 = 68,
    KAPPA = 69,
    THR_H_0 = 70,
    H_0 = 74,
    LR_R_WINP = 79,
    LR_P_WINP = 80,
    LR_R_WREC = 81,
    LR_P_WREC = 82,
    LR_R_WOUT = 83,
    LR_P_WOUT = 84,
    SEED_INP = 85,
    SEED_REC = 86,
    SEED_OUT = 87,
    SEED_STRND_NEUR = 88,
    SEED_STRND_ONEUR = 89,
    SEED_STRND_TINP = 90,
    SEED_STRND_TREC = 91,
    SEED_STRND_TOUT = 92,
    SEED_NOISE_NEUR = 93,
    NUM_INP = 94,
    NUM_REC = 95,
    NUM_OUT = 96,
    REGUL_F0 = 98,
    REGUL_K_INP_R = 99,
    REGUL_K_INP_P = 100,
    REGUL_K_REC_R = 101,
    REGUL_K_REC_P = 102,
    REGUL_K_MUL = 103,
    NOISE_STR = 104,
};

struct RegisterInfo {
    std::uint8_t number;
    std::string_view name;
    std::uint8_t bits;
    bool has_reset;
    std::uint32_t reset;
};

/// All registers in ascending order of number. The numbers in between do not exist in the released RTL.
std::span<const RegisterInfo> register_table();

/// Null if there is no register of this number.
const RegisterInfo* find_register(std::uint32_t number);

class Registers {
public:
    explicit Registers(const CoreShape& shape);

    /// Reset pin: registers without a reset value keep what they hold (0 before the first write).
    void reset();

    /// Keeps the low bits of `value`, as the SPI slave does. A number that does not exist is ignored, also
    /// as the slave does.
    void write(std::uint32_t number, std::uint32_t value);

    std::uint32_t operator[](Reg reg) const { return value_[static_cast<std::size_t>(reg)]; }
    bool flag(Reg reg) const { return (*this)[reg] != 0; }
    std::uint32_t at(std::uint32_t number) const { return value_.at(number); }

    std::uint32_t last_input() const { return (*this)[Reg::NUM_INP]; }   ///< NI
    std::uint32_t last_neuron() const { return (*this)[Reg::NUM_REC]; }  ///< NR
    std::uint32_t last_output() const { return (*this)[Reg::NUM_OUT]; }  ///< NO
    std::uint32_t last_index() const { return last_index_; }             ///< NN = max(NI, NR)
    std::uint32_t last_step_cycle() const { return last_step_cycle_; }   ///< RO = max(NI, NR, NO)
    std::uint32_t do_eprop() const { return (*this)[Reg::DO_EPROP]; }    ///< bit 0 in, 1 rec, 2 out
    bool trains_inputs() const { return (do_eprop() & 1) != 0; }
    bool trains_recurrent() const { return (do_eprop() & 2) != 0; }
    bool trains_outputs() const { return (do_eprop() & 4) != 0; }
    /// REGUL_MODE[2:1] = 3: EPROP also runs, on regularisation alone, without TARGET_VALID.
    bool regularises_without_target() const { return ((*this)[Reg::REGUL_MODE] & 6) == 6; }
    std::uint16_t alpha_msbs(std::uint32_t word) const {
        const std::uint32_t conf = value_[static_cast<std::size_t>(Reg::ALPHA_CONF_0) + word / 32];
        return (conf >> (word % 32) & 1) != 0 ? 0x8000 : 0x7000;
    }
    std::int16_t surrogate_threshold(std::uint32_t n) const {
        return static_cast<std::int16_t>(value_[static_cast<std::size_t>(Reg::THR_H_0) + n]);
    }
    std::int32_t surrogate_value(std::uint32_t n) const {
        return wrap_signed(static_cast<std::int32_t>(value_[static_cast<std::size_t>(Reg::H_0) + n]), 5);
    }

private:
    void derive();

    std::array<std::uint32_t, 105> value_{};
    std::array<std::uint32_t, 105> mask_{};
    std::uint32_t last_index_ = 0, last_step_cycle_ = 0;
};

}  // namespace memprop::hw
