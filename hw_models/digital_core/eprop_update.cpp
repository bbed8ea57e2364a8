#include "hw_models/digital_core/eprop_update.hpp"

#include <algorithm>

namespace memprop::hw {
namespace {

constexpr std::uint32_t kPostCycles = 32;

std::int32_t saturated_16(std::int32_t value) {
    return std::clamp(value, -32768, 32767);
}

void move_weight(std::int8_t& weight, bool down, std::int32_t maximum) {
    weight = static_cast<std::int8_t>(std::clamp(weight + (down ? -1 : 1), -maximum - 1, maximum));
}

}  // namespace

std::array<std::int16_t, kMaxOutputs> output_errors(const CoreState& state, const Registers& registers,
                                                    const Targets& targets) {
    std::array<std::int16_t, kMaxOutputs> error{};
    if (!targets.valid || registers.do_eprop() == 0) {
        return error;
    }
    for (std::uint32_t k = 0; k <= registers.last_output(); ++k) {
        std::int32_t activation = state.y[k];
        if (!registers.flag(Reg::NO_OUT_ACT)) {
            activation = activation > 2047 ? 2048 : activation < -2048 ? 0 : (activation + 2048) >> 1;
        }
        const std::int32_t target =
            registers.flag(Reg::REGRESSION) ? targets.regression[k] : (k == targets.label ? 2048 : 0);
        error[k] = static_cast<std::int16_t>(saturated_16(target - activation));
    }
    return error;
}

bool update_fires(std::int32_t d, unsigned width, unsigned r, unsigned p, std::uint32_t random) {
    if (d == 0) {
        return false;
    }
    const std::uint64_t maximum = (std::uint64_t{1} << width) - 1;
    const std::uint64_t magnitude = static_cast<std::uint64_t>(d < 0 ? -static_cast<std::int64_t>(d) : d);
    const std::uint64_t probability = std::min(maximum, magnitude << p) >> r;
    const bool most_negative = d < 0 && magnitude == std::uint64_t{1} << (width - 1);
    return most_negative || probability >= random;
}

void EpropUnit::start() {
    block_ = 0;
    cycle_ = 0;
    post_phase_ = true;
}

std::uint64_t EpropUnit::cycles_to_end() const {
    const std::uint32_t last = registers_.last_neuron();
    if (output_weights_only() && post_phase_) {
        return ((2 * last + 1 - (kPostCycles * block_ + cycle_)) & 511) + 1;
    }
    const std::uint64_t pre_cycles = 2 * (registers_.last_index() + 1);
    const std::uint64_t blocks_after = (last / kLanes - block_) & 15;
    const std::uint64_t in_block = post_phase_ ? kPostCycles - cycle_ + pre_cycles
                                               : pre_cycles - std::min<std::uint64_t>(cycle_, pre_cycles - 1);
    return in_block + blocks_after * (kPostCycles + pre_cycles);
}

std::uint64_t EpropUnit::run(std::uint64_t cycles, const Targets& targets) {
    error_ = output_errors(state_, registers_, targets);
    const std::uint64_t updates_before = weight_updates_;
    while (cycles > 0) {
        const std::uint32_t phase = post_phase_ ? kPostCycles : 2 * (registers_.last_index() + 1);
        const auto now = static_cast<std::uint32_t>(std::min<std::uint64_t>(cycles, phase - cycle_));
        post_phase_ ? run_post(now, targets) : run_pre(now, targets);
        cycles -= now;
        cycle_ += now;
        if (cycle_ == phase) {
            cycle_ = 0;
            if (!post_phase_ || output_weights_only()) {
                block_ = (block_ + 1) & 15;
            }
            post_phase_ = !post_phase_ || output_weights_only();
        }
    }
    return weight_updates_ - updates_before;
}

void EpropUnit::run_post(std::uint32_t cycles, const Targets& targets) {
    for (std::uint32_t c = cycle_; c < cycle_ + cycles; ++c) {
        const std::uint32_t j = kLanes * block_ + c / 2;
        // Neuron words are read with TARGET_VALID only, and none beyond NN: else the last one read stays.
        if (c % 4 == 0 && targets.valid && j <= registers_.last_index()) {
            word_ = state_.raw_pair(j / 2);
        }
        if (c % 2 == 1) {
            update_post(j, targets);
        }
    }
}

void EpropUnit::update_post(std::uint32_t j, const Targets& targets) {
    const std::uint32_t lane = j % kLanes, n = j % 2;
    // Quirk: while learning, the dirty flag looked at is that of neuron 0 or 1, whatever the word read.
    const bool live = state_.dirty.test(n);
    const std::int32_t u = live ? word_.u[n] : 0;
    const std::uint32_t tr = live ? word_.tr[n] : 0, to = live ? word_.to[n] : 0;

    std::uint32_t segment = 0;
    while (segment < 4 && u >= registers_.surrogate_threshold(segment)) {
        ++segment;
    }
    surrogate_[lane] = static_cast<std::int16_t>(registers_.surrogate_value(segment));

    std::int32_t sum = 0;  // fits 28 bits
    if ((registers_.do_eprop() & 3) != 0 && j <= registers_.last_neuron()) {
        const std::int8_t* row = state_.w_out.data() + static_cast<std::size_t>(j) * kMaxOutputs;
        for (std::uint32_t k = 0; k <= registers_.last_output(); ++k) {
            sum += error_[k] * row[k];
        }
    }
    const std::int64_t scaled = static_cast<std::int64_t>(sum) * (1 << registers_[Reg::LEARN_SIG_SCALE]);
    constexpr std::int64_t kMaximum = (std::int64_t{1} << 27) - 1;
    learning_signal_[lane] = static_cast<std::int16_t>(scaled > kMaximum        ? 32767
                                                       : scaled < -kMaximum - 1 ? -32768
                                                                                : scaled >> 12);

    if (registers_[Reg::REGUL_MODE] != 0) {
        const std::uint32_t v = tr >> registers_[Reg::FP_LOC_TREC];
        const std::uint32_t above = (v - registers_[Reg::REGUL_F0]) & 0xFFF;
        excess_[lane] = static_cast<std::uint16_t>(above > v ? 0 : above);
    }

    const std::uint32_t out_trace = to >> registers_[Reg::FP_LOC_TOUT];
    if (targets.valid && registers_.trains_outputs() && j <= registers_.last_neuron() && out_trace != 0) {
        update_output_row(j, out_trace);
    }
}

void EpropUnit::update_output_row(std::uint32_t j, std::uint32_t trace) {
    const auto random = state_.rng_w_out.next();
    weight_updates_ += registers_.last_output() + 1;
    const unsigned r = registers_[Reg::LR_R_WOUT], p = registers_[Reg::LR_P_WOUT];
    const std::int32_t maximum = (1 << (state_.shape.weight_bits - 1)) - 1;
    std::int8_t* row = state_.w_out.data() + static_cast<std::size_t>(j) * kMaxOutputs;
    for (std::uint32_t k = 0; k < kMaxOutputs; ++k) {
        const std::int32_t d = error_[k] * static_cast<std::int32_t>(trace);
        if (d == 0) {
            continue;
        }
        const unsigned bit = 28 * k;
        std::uint64_t bits = random[bit / 64] >> (bit % 64);
        if (bit % 64 > 36) {
            bits |= random[bit / 64 + 1] << (64 - bit % 64);
        }
        if (update_fires(d, 28, r, p, static_cast<std::uint32_t>(bits & 0xFFFFFFF))) {
            move_weight(row[k], d < 0, maximum);
        }
    }
}

bool EpropUnit::no_regularisation() const {
    return registers_[Reg::REGUL_MODE] == 0 ||
           std::all_of(excess_.begin(), excess_.end(), [](std::uint16_t g) { return g == 0; });
}

void EpropUnit::run_pre(std::uint32_t cycles, const Targets& targets) {
    const bool skips_silent = no_regularisation();
    const bool live[2] = {state_.dirty.test(0), state_.dirty.test(1)};  // the quirk of update_post
    const bool anyway = registers_.regularises_without_target();
    const bool in =
        registers_.trains_inputs() && (targets.valid || (anyway && (registers_[Reg::REGUL_W] & 1) != 0));
    const bool rec =
        registers_.trains_recurrent() && (targets.valid || (anyway && (registers_[Reg::REGUL_W] & 2) != 0));
    for (std::uint32_t c = cycle_; c < cycle_ + cycles; ++c) {
        const std::uint32_t i = c / 2;
        if (c % 4 == 0 && targets.valid) {
            word_ = state_.raw_pair(i / 2);
        }
        if (c % 2 == 0) {
            continue;
        }
        const std::uint32_t x_in = live[i % 2] ? word_.ti[i % 2] >> registers_[Reg::FP_LOC_TINP] : 0U;
        const std::uint32_t x_rec = live[i % 2] ? word_.tr[i % 2] >> registers_[Reg::FP_LOC_TREC] : 0U;
        // An inactive row is not written and its generator does not move.
        if (in && i <= registers_.last_input() && (x_in != 0 || !skips_silent)) {
            update_row(i, false, targets.valid, x_in);
        }
        if (rec && i <= registers_.last_neuron() && (x_rec != 0 || !skips_silent)) {
            update_row(i, true, targets.valid, x_rec);
        }
    }
}

void EpropUnit::update_row(std::uint32_t i, bool recurrent, bool target_valid, std::uint32_t trace) {
    const auto reg = [&](Reg number) { return registers_[number]; };
    const bool regularised = (reg(Reg::REGUL_W) >> (recurrent ? 1 : 0) & 1) != 0;
    const bool additive = (reg(Reg::REGUL_MODE) & 2) != 0 && regularised;
    const bool multiplicative = (reg(Reg::REGUL_MODE) & 1) != 0 && reg(Reg::REGUL_W) != 0;
    const bool regular_update = reg(Reg::REGUL_MODE) != 0 && regularised;
    const unsigned k_r = reg(recurrent ? Reg::REGUL_K_REC_R : Reg::REGUL_K_INP_R);
    const unsigned k_p = reg(recurrent ? Reg::REGUL_K_REC_P : Reg::REGUL_K_INP_P);
    const unsigned k_mul = reg(Reg::REGUL_K_MUL);
    const unsigned r = reg(recurrent ? Reg::LR_R_WREC : Reg::LR_R_WINP);
    const unsigned p = reg(recurrent ? Reg::LR_P_WREC : Reg::LR_P_WINP);
    const std::uint32_t overflow_at = ~std::uint32_t{0} >> p;  // a larger magnitude << p needs more bits
    const std::uint32_t additive_mask = additive ? ~std::uint32_t{0} : 0;
    const std::int32_t maximum = (1 << (state_.shape.weight_bits - 1)) - 1;
    const std::uint32_t trace_if_valid = target_valid ? trace : 0;

    const std::uint32_t first = block_ * kLanes, neurons = registers_.last_neuron() + 1;
    weight_updates_ += neurons > first ? std::min(kLanes, neurons - first) : 0;  // the unit may run past them
    const std::array<std::uint64_t, 8> bits = recurrent ? state_.rng_w_rec.next() : state_.rng_w_in.next();
    std::array<std::uint32_t, kLanes> random;
    for (std::uint32_t s = 0; s < kLanes; ++s) {
        random[s] = static_cast<std::uint32_t>(bits[s / 2] >> (32 * (s % 2)));
    }
    std::int8_t* row = (recurrent ? state_.w_rec : state_.w_in).data() +
                       static_cast<std::size_t>(i) * kMaxNeurons + static_cast<std::size_t>(block_) * kLanes;
    // The weight of a neuron onto itself is forced to 0 when its update fires.
    const std::uint32_t self = recurrent && i / kLanes == block_ ? i % kLanes : kLanes;

    std::array<std::int32_t, kLanes> delta;  // -1, 0, +1
    for (std::uint32_t s = 0; s < kLanes; ++s) {
        const std::uint32_t g = excess_[s];
        const std::int32_t h = surrogate_[s];
        const auto e =
            static_cast<std::int32_t>(learning_signal_[s] * h * static_cast<std::int32_t>(trace_if_valid));
        const std::uint32_t a = ((g << k_p) >> k_r) & additive_mask;
        const std::uint32_t m = multiplicative ? g >> k_mul : 0;
        const std::uint32_t gain = m > 15 ? 0 : 16 - m;  // attenuates positive updates only
        const auto magnitude_e = static_cast<std::uint32_t>(e);
        const std::uint32_t attenuated = (magnitude_e >> 4) * gain + (((magnitude_e & 15) * gain) >> 4);
        const std::uint32_t used = e < 0 ? magnitude_e : attenuated;
        const std::uint32_t k_low = magnitude_e * (e < 0 ? 16 : gain);  // bits 31..0 of the product K
        const std::uint32_t difference = used - a;
        // Quirk: the overflow test looks at bit 31 of K, which is four bits wider than the result: a large
        // positive update (E with bit 27 set) turns into a certain decrement.
        const bool overflows = ((~difference & k_low) >> 31) != 0;
        const std::uint32_t d = overflows ? 0x80000000U : difference;
        const bool down = d >> 31 != 0;
        const std::uint32_t magnitude = down ? 0U - d : d;
        const std::uint32_t probability = (magnitude > overflow_at ? ~std::uint32_t{0} : magnitude << p) >> r;
        const bool enabled = regular_update || (target_valid && h != 0);
        const bool fires = enabled & (d != 0) & ((d == 0x80000000U) | (probability >= random[s]));
        delta[s] = fires ? (down ? -1 : 1) : 0;
    }
    for (std::uint32_t s = 0; s < kLanes; ++s) {
        row[s] = static_cast<std::int8_t>(std::clamp(row[s] + delta[s], -maximum - 1, maximum));
    }
    if (self < kLanes && delta[self] != 0) {
        row[self] = 0;
    }
}

}  // namespace memprop::hw
