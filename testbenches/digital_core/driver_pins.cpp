#include <fmt/format.h>

#include <stdexcept>

#include "crossbar/base/error.hpp"
#include "hw_models/digital_core/pin_level.hpp"
#include "testbenches/digital_core/driver.hpp"

namespace memprop::tb {
namespace {

constexpr std::uint32_t kMaxBurst = 2047;
constexpr int kHalfSckClocks = 5;  // a read word needs four clock edges

class PinDriver : public CoreDriver {
public:
    explicit PinDriver(const hw::CoreShape& shape) : core_("core", shape, clock_period_) {
        core_.RST(RST_);
        core_.SCK(SCK_);
        core_.MOSI(MOSI_);
        core_.MISO(MISO_);
        core_.AERIN_ADDR(AERIN_ADDR_);
        core_.AERIN_REQ(AERIN_REQ_);
        core_.AERIN_ACK(AERIN_ACK_);
        core_.AERIN_TAR_EN(AERIN_TAR_EN_);
        core_.SAMPLE(SAMPLE_);
        core_.TIME_TICK(TIME_TICK_);
        core_.TARGET_VALID(TARGET_VALID_);
        core_.INFER_ACC(INFER_ACC_);
        core_.SPI_RDY(SPI_RDY_);
        core_.TIMING_ERROR_RDY(TIMING_ERROR_RDY_);
        core_.OUT_REQ(OUT_REQ_);
        core_.OUT_ACK(OUT_ACK_);
        core_.OUT_DATA(OUT_DATA_);
    }

    void reset() override {
        RST_.write(true);
        clocks(5);
        RST_.write(false);
        clocks(5);
    }

    void write_register(std::uint32_t number, std::uint32_t value) override {
        send_address(false, hw::MemoryCode::configuration, number, 1);
        send_word(value);
        clocks(5);
    }

    void write_words(hw::MemoryCode code, std::uint32_t address,
                     std::span<const std::uint32_t> words) override {
        while (!words.empty()) {
            const auto burst = words.first(std::min<std::size_t>(words.size(), kMaxBurst));
            send_address(false, code, address, static_cast<std::uint32_t>(burst.size()));
            for (const std::uint32_t word : burst) {
                send_word(word);
            }
            words = words.subspan(burst.size());
            address += static_cast<std::uint32_t>(burst.size());
        }
        clocks(5);
    }

    std::vector<std::uint32_t> read_words(hw::MemoryCode code, std::uint32_t address,
                                          std::uint32_t count) override {
        std::vector<std::uint32_t> words;
        for (std::uint32_t done = 0; done < count;) {
            const std::uint32_t burst = std::min(count - done, kMaxBurst);
            send_address(true, code, address + done, burst);
            for (std::uint32_t i = 0; i < burst; ++i) {
                words.push_back(send_word(0));
            }
            done += burst;
        }
        return words;
    }

    void set_levels(const Levels& levels) override {
        if (levels == levels_) {
            return;
        }
        levels_ = levels;
        SAMPLE_.write(levels.sample);
        TARGET_VALID_.write(levels.target_valid);
        INFER_ACC_.write(levels.infer_acc);
        clocks(5);
    }

    void input_event(std::uint8_t address) override { handshake(address, false); }

    void target(std::uint8_t data) override {
        handshake(data, true);
        settle();
    }

    void tick() override {
        TIME_TICK_.write(true);
        clocks(3);  // the third edge reacts
        TIME_TICK_.write(false);
        clocks(1);
        settle();
    }

    std::uint8_t take_output() override {
        wait_for(OUT_REQ_, true, "OUT_REQ");
        const std::uint8_t data = OUT_DATA_.read();
        OUT_ACK_.write(true);
        wait_for(OUT_REQ_, false, "OUT_REQ");
        OUT_ACK_.write(false);
        clocks(4);  // the core sees OUT_ACK low
        settle();
        return data;
    }

    hw::Core& core() override { return core_.core(); }

    void trace(sc_core::sc_trace_file* file) override {
        sc_trace(file, RST_, "RST");
        sc_trace(file, SCK_, "SCK");
        sc_trace(file, MOSI_, "MOSI");
        sc_trace(file, MISO_, "MISO");
        sc_trace(file, AERIN_ADDR_, "AERIN_ADDR");
        sc_trace(file, AERIN_REQ_, "AERIN_REQ");
        sc_trace(file, AERIN_ACK_, "AERIN_ACK");
        sc_trace(file, AERIN_TAR_EN_, "AERIN_TAR_EN");
        sc_trace(file, SAMPLE_, "SAMPLE");
        sc_trace(file, TIME_TICK_, "TIME_TICK");
        sc_trace(file, TARGET_VALID_, "TARGET_VALID");
        sc_trace(file, INFER_ACC_, "INFER_ACC");
        sc_trace(file, SPI_RDY_, "SPI_RDY");
        sc_trace(file, TIMING_ERROR_RDY_, "TIMING_ERROR_RDY");
        sc_trace(file, OUT_REQ_, "OUT_REQ");
        sc_trace(file, OUT_ACK_, "OUT_ACK");
        sc_trace(file, OUT_DATA_, "OUT_DATA");
        core_.trace(file);
    }

private:
    void clocks(int count) { sc_core::wait(count * clock_period_); }

    void wait_for(const sc_core::sc_signal<bool>& signal, bool level, std::string_view name) {
        while (signal.read() != level) {
            // A hand that is not given within a million cycles never will be.
            sc_core::wait(1'000'000 * clock_period_, signal.value_changed_event());
            if (!signal.event() && signal.read() != level) {
                throw RunError(fmt::format("the core does not move {} in state {}", name,
                                           static_cast<int>(core_.core().state())));
            }
        }
    }

    void handshake(std::uint8_t address, bool is_target) {
        AERIN_ADDR_.write(address);
        AERIN_TAR_EN_.write(is_target);
        AERIN_REQ_.write(true);
        wait_for(AERIN_ACK_, true, "AERIN_ACK");
        AERIN_REQ_.write(false);
        wait_for(AERIN_ACK_, false, "AERIN_ACK");
    }

    // Sleeps until the core waits for the outside.
    void settle() {
        while (core_.core().busy_edges() != hw::Core::kNever) {
            sc_core::wait(core_.woken());
        }
    }

    void send_address(bool read, hw::MemoryCode code, std::uint32_t address, std::uint32_t words) {
        send_word((read ? 1U << 31 : 0U) | static_cast<std::uint32_t>(code) << 28 | words << 16 | address);
    }

    std::uint32_t send_word(std::uint32_t word) {
        std::uint32_t received = 0;
        for (int bit = 31; bit >= 0; --bit) {
            MOSI_.write((word >> bit & 1) != 0);
            clocks(kHalfSckClocks);
            received = received << 1 | (MISO_.read() ? 1U : 0U);
            SCK_.write(true);
            clocks(kHalfSckClocks);
            SCK_.write(false);
        }
        return received;
    }

    sc_core::sc_time clock_period_{10, sc_core::SC_NS};
    sc_core::sc_signal<bool> RST_{"RST"}, SCK_{"SCK"}, MOSI_{"MOSI"}, MISO_{"MISO"}, AERIN_REQ_{"AERIN_REQ"},
        AERIN_ACK_{"AERIN_ACK"}, AERIN_TAR_EN_{"AERIN_TAR_EN"}, SAMPLE_{"SAMPLE"}, TIME_TICK_{"TIME_TICK"},
        TARGET_VALID_{"TARGET_VALID"}, INFER_ACC_{"INFER_ACC"}, SPI_RDY_{"SPI_RDY"},
        TIMING_ERROR_RDY_{"TIMING_ERROR_RDY"}, OUT_REQ_{"OUT_REQ"}, OUT_ACK_{"OUT_ACK"};
    sc_core::sc_signal<std::uint8_t> AERIN_ADDR_{"AERIN_ADDR"}, OUT_DATA_{"OUT_DATA"};
    hw::DigitalCorePins core_;
    Levels levels_;
};

}  // namespace

std::unique_ptr<CoreDriver> make_pin_driver(const hw::CoreShape& shape) {
    return std::make_unique<PinDriver>(shape);
}

}  // namespace memprop::tb
