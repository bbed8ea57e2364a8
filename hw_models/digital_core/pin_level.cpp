#include "hw_models/digital_core/pin_level.hpp"

#include <algorithm>

namespace memprop::hw {

namespace {
constexpr std::uint64_t kSynchroniser = 2;  // edges before the one that sees a pin
}

DigitalCorePins::DigitalCorePins(const sc_core::sc_module_name& name, const CoreShape& shape,
                                 const sc_core::sc_time& clock_period)
    : sc_module(name),
      RST("RST"),
      SCK("SCK"),
      MOSI("MOSI"),
      AERIN_ADDR("AERIN_ADDR"),
      AERIN_REQ("AERIN_REQ"),
      AERIN_TAR_EN("AERIN_TAR_EN"),
      SAMPLE("SAMPLE"),
      TIME_TICK("TIME_TICK"),
      TARGET_VALID("TARGET_VALID"),
      INFER_ACC("INFER_ACC"),
      OUT_ACK("OUT_ACK"),
      MISO("MISO"),
      AERIN_ACK("AERIN_ACK"),
      SPI_RDY("SPI_RDY"),
      TIMING_ERROR_RDY("TIMING_ERROR_RDY"),
      OUT_REQ("OUT_REQ"),
      OUT_DATA("OUT_DATA"),
      core_(shape),
      period_(clock_period.value()) {
    SC_METHOD(wake);
    sensitive << RST << SCK << AERIN_REQ << SAMPLE << TIME_TICK << TARGET_VALID << INFER_ACC << OUT_ACK
              << due_;
}

std::uint64_t DigitalCorePins::edges_passed() const {
    return sc_core::sc_time_stamp().value() / period_;
}

void DigitalCorePins::wake() {
    ++activations_;
    run_to(edges_passed());
    watch(Pin::rst, RST.read(), seen_.rst);
    watch(Pin::aerin_req, AERIN_REQ.read(), seen_.aerin_req);
    watch(Pin::sample, SAMPLE.read(), seen_.sample);
    watch(Pin::time_tick, TIME_TICK.read(), seen_.time_tick);
    watch(Pin::target_valid, TARGET_VALID.read(), seen_.target_valid);
    watch(Pin::infer_acc, INFER_ACC.read(), seen_.infer_acc);
    watch(Pin::out_ack, OUT_ACK.read(), seen_.out_ack);
    watch_spi();
    drive();
    sleep();
    woken_.notify(sc_core::SC_ZERO_TIME);
}

void DigitalCorePins::watch(Pin pin, bool level, bool& last) {
    if (level == last) {
        return;
    }
    last = level;
    Effect effect;
    effect.pin = pin;
    effect.level = level;
    effect.edge = edge_ + 1 + kSynchroniser;
    if (pin == Pin::rst) {
        effect.edge = edge_ + kSynchroniser;  // an asynchronous reset behind its synchroniser
        if (level) {
            core_.reset_registers();
            spi_.reset();
        }
    }
    // A pulse between two edges is never sampled.
    const auto same = std::find_if(effects_.begin(), effects_.end(), [&](const Effect& other) {
        return other.kind == Effect::Kind::pin && other.pin == pin && other.edge == effect.edge;
    });
    if (same != effects_.end()) {
        effects_.erase(same);
    } else {
        schedule(effect);
    }
}

void DigitalCorePins::watch_spi() {
    if (SCK.read() == seen_.sck) {
        return;
    }
    seen_.sck = SCK.read();
    Effect effect;
    effect.edge = edge_ + 1 + kSynchroniser;
    if (seen_.sck) {
        if (const auto write = spi_.rising_edge(MOSI.read())) {
            core_.write_register(write->number, write->value);
            if (static_cast<Reg>(write->number) == Reg::EN_CONF) {
                effect.kind = Effect::Kind::enable_configuration;
                effect.level = (write->value & 1) != 0;
                schedule(effect);
            }
        }
    } else if (const auto strobe = spi_.falling_edge(readback_)) {
        effect.kind = strobe->read ? Effect::Kind::readback : Effect::Kind::strobe;
        effect.strobe = *strobe;
        effect.edge += strobe->read ? 1 : 0;
        schedule(effect);
    }
}

void DigitalCorePins::schedule(const Effect& effect) {
    const auto place = std::upper_bound(effects_.begin(), effects_.end(), effect,
                                        [](const Effect& a, const Effect& b) { return a.edge < b.edge; });
    effects_.insert(place, effect);
}

void DigitalCorePins::run_to(std::uint64_t edge) {
    const auto advance_to = [&](std::uint64_t to) {
        if (!in_reset_ && to > edge_) {
            core_.advance(to - edge_);
        }
        edge_ = std::max(edge_, to);
    };
    while (!effects_.empty() && effects_.front().edge <= edge) {
        const Effect effect = effects_.front();
        effects_.pop_front();
        advance_to(effect.edge - 1);
        apply(effect);
    }
    advance_to(edge);
}

void DigitalCorePins::apply(const Effect& effect) {
    switch (effect.kind) {
        case Effect::Kind::pin:
            return apply_pin(effect.pin, effect.level);
        case Effect::Kind::enable_configuration:
            return core_.set_configuration_enabled(effect.level);
        case Effect::Kind::strobe:
            // Strobes cross only while configuration is enabled; a configuration code carries a seed.
            if (!core_.configuration_enabled() || in_reset_) {
                return;
            }
            return effect.strobe.code == MemoryCode::configuration
                       ? core_.load_seed(effect.strobe.address)
                       : core_.write_memory(effect.strobe.code, effect.strobe.address, effect.strobe.data);
        case Effect::Kind::readback:
            // Quirk: configuration registers have no read path, so the last word read stays.
            if (core_.configuration_enabled() && effect.strobe.code != MemoryCode::configuration &&
                effect.strobe.code <= MemoryCode::w_out) {
                readback_ = core_.read_memory(effect.strobe.code, effect.strobe.address);
            }
            return;
    }
}

void DigitalCorePins::apply_pin(Pin pin, bool level) {
    if (in_reset_ && pin != Pin::rst) {
        return;  // leave_reset() looks at the pins again
    }
    switch (pin) {
        case Pin::rst:
            core_.reset();
            in_reset_ = level;
            aerin_ack_ = tick_level_ = false;
            core_.set_sample(false);
            core_.set_infer_acc(false);
            core_.set_out_ack(false);
            if (!level) {
                leave_reset();
            }
            return;
        case Pin::aerin_req:
            // Request and acknowledge differ for one edge: that edge takes the event and turns ACK around.
            if (level && !aerin_ack_) {
                AERIN_TAR_EN.read() ? core_.pulse_target(AERIN_ADDR.read())
                                    : core_.pulse_input_event(AERIN_ADDR.read());
            }
            aerin_ack_ = level;
            return;
        case Pin::sample:
            return core_.set_sample(level);
        case Pin::time_tick:
            if (level && !tick_level_) {
                core_.pulse_tick();
            }
            tick_level_ = level;
            return;
        case Pin::target_valid:
            return core_.set_target_valid(level);
        case Pin::infer_acc:
            return core_.set_infer_acc(level);
        case Pin::out_ack:
            return core_.set_out_ack(level);
    }
}

void DigitalCorePins::leave_reset() {
    core_.set_target_valid(false);
    core_.set_configuration_enabled(core_.registers().flag(Reg::EN_CONF));
    std::erase_if(effects_, [](const Effect& effect) {
        return effect.kind != Effect::Kind::pin || effect.pin != Pin::rst;
    });
    seen_ = Levels{.rst = seen_.rst, .sck = seen_.sck};  // the synchronisers start from 0
}

void DigitalCorePins::drive() {
    const bool req_tar = core_.target_requested();
    MISO.write(spi_.miso(readback_) || (core_.registers().flag(Reg::GET_TAR_REQ_OUT) && req_tar));
    AERIN_ACK.write(aerin_ack_);
    SPI_RDY.write(core_.spi_ready());
    TIMING_ERROR_RDY.write(core_.timing_error_ready());
    OUT_REQ.write(core_.out_request());
    OUT_DATA.write(core_.out_data());
    req_tar_shown_ = req_tar;
    state_shown_ = static_cast<unsigned char>(core_.state());
    event_state_shown_ = static_cast<unsigned char>(core_.event_state());
}

void DigitalCorePins::sleep() {
    std::uint64_t next = effects_.empty() ? Core::kNever : effects_.front().edge;
    if (!in_reset_) {
        std::uint64_t quiet = core_.quiet_edges();
        if (shows_event_states_ && core_.event_state() != EventState::WAIT) {
            quiet = std::min(quiet, core_.edges_to_event_state());
        }
        if (quiet != Core::kNever) {
            next = std::min(next, edge_ + quiet);
        }
    }
    due_.cancel();
    if (next != Core::kNever) {
        due_.notify(sc_core::sc_time::from_value(next * period_) - sc_core::sc_time_stamp());
    }
}

void DigitalCorePins::trace(sc_core::sc_trace_file* file) {
    shows_event_states_ = true;
    sc_trace(file, state_shown_, "state");
    sc_trace(file, event_state_shown_, "state_evt");
    sc_trace(file, req_tar_shown_, "REQ_TAR");
}

}  // namespace memprop::hw
