#include <fmt/format.h>
#include <tlm_utils/simple_initiator_socket.h>

#include "crossbar/base/error.hpp"
#include "hw_models/digital_core/transaction_level.hpp"
#include "testbenches/digital_core/driver.hpp"

namespace memprop::tb {
namespace {

class TransactionDriver : public sc_core::sc_module, public CoreDriver {
public:
    TransactionDriver(const sc_core::sc_module_name& name, const hw::CoreShape& shape)
        : sc_module(name), core_("core", shape, sc_core::sc_time(10, sc_core::SC_NS)) {
        socket_.bind(core_.configuration);
    }

    void reset() override { core_.reset(); }

    void write_register(std::uint32_t number, std::uint32_t value) override {
        transport(tlm::TLM_WRITE_COMMAND, hw::MemoryCode::configuration, number, &value, 1);
    }

    void write_words(hw::MemoryCode code, std::uint32_t address,
                     std::span<const std::uint32_t> words) override {
        std::vector<std::uint32_t> copy(words.begin(), words.end());  // a payload's data is not const
        transport(tlm::TLM_WRITE_COMMAND, code, address, copy.data(), copy.size());
    }

    std::vector<std::uint32_t> read_words(hw::MemoryCode code, std::uint32_t address,
                                          std::uint32_t count) override {
        std::vector<std::uint32_t> words(count);
        transport(tlm::TLM_READ_COMMAND, code, address, words.data(), words.size());
        return words;
    }

    void set_levels(const Levels& levels) override {
        core_.set_sample(levels.sample);
        core_.set_target_valid(levels.target_valid);
        core_.set_infer_acc(levels.infer_acc);
    }

    void input_event(std::uint8_t address) override { core_.input_event(address); }
    void target(std::uint8_t data) override { core_.target(data); }
    void tick() override { core_.tick(); }
    std::uint8_t take_output() override { return core_.take_output(); }
    hw::Core& core() override { return core_.core(); }
    void trace(sc_core::sc_trace_file* file) override { core_.trace(file); }

private:
    void transport(tlm::tlm_command command, hw::MemoryCode code, std::uint32_t address, std::uint32_t* words,
                   std::size_t count) {
        tlm::tlm_generic_payload payload;
        payload.set_command(command);
        payload.set_address(hw::socket_address(code, address));
        payload.set_data_ptr(reinterpret_cast<unsigned char*>(words));
        payload.set_data_length(static_cast<unsigned>(4 * count));
        payload.set_streaming_width(static_cast<unsigned>(4 * count));
        sc_core::sc_time delay;
        socket_->b_transport(payload, delay);
        if (!payload.is_response_ok()) {
            throw RunError(fmt::format("the core refuses an access (code {}, address {}): {}",
                                       static_cast<int>(code), address, payload.get_response_string()));
        }
        sc_core::wait(delay);
    }

    tlm_utils::simple_initiator_socket<TransactionDriver> socket_{"socket"};
    hw::DigitalCoreTransaction core_;
};

}  // namespace

std::unique_ptr<CoreDriver> make_transaction_driver(const hw::CoreShape& shape) {
    return std::make_unique<TransactionDriver>("driver", shape);
}

}  // namespace memprop::tb
