#include "hw_models/digital_core/transaction_level.hpp"

#include <cstring>

namespace memprop::hw {

DigitalCoreTransaction::DigitalCoreTransaction(const sc_core::sc_module_name& name, const CoreShape& shape,
                                               sc_core::sc_time clock_period)
    : sc_module(name), configuration("configuration"), core_(shape), clock_period_(std::move(clock_period)) {
    configuration.register_b_transport(this, &DigitalCoreTransaction::b_transport);
    configuration.register_transport_dbg(this, &DigitalCoreTransaction::transport_dbg);
}

void DigitalCoreTransaction::reset() {
    core_.reset_registers();
    core_.reset();
    core_.set_configuration_enabled(true);
    show();
}

void DigitalCoreTransaction::set_sample(bool level) {
    shown_.sample = level;
    core_.set_sample(level);
}

void DigitalCoreTransaction::set_target_valid(bool level) {
    shown_.target_valid = level;
    core_.set_target_valid(level);
}

void DigitalCoreTransaction::set_infer_acc(bool level) {
    shown_.infer_acc = level;
    core_.set_infer_acc(level);
}

void DigitalCoreTransaction::pass(std::uint64_t edges) {
    core_.advance(edges);
    wait(static_cast<double>(edges) * clock_period_);
    show();
}

void DigitalCoreTransaction::run_until_waiting() {
    for (std::uint64_t edges = core_.busy_edges(); edges != Core::kNever; edges = core_.busy_edges()) {
        pass(edges);
    }
}

void DigitalCoreTransaction::input_event(std::uint8_t address) {
    shown_.aerin_addr = address;
    shown_.aerin_req = true;
    core_.pulse_input_event(address);
    pass(1);
    shown_.aerin_req = false;
}

void DigitalCoreTransaction::target(std::uint8_t data) {
    shown_.aerin_addr = data;
    shown_.aerin_req = shown_.aerin_tar_en = true;
    core_.pulse_target(data);
    pass(1);
    shown_.aerin_req = shown_.aerin_tar_en = false;
    run_until_waiting();
}

void DigitalCoreTransaction::tick_without_waiting() {
    shown_.time_tick = true;
    core_.pulse_tick();
    pass(1);
    shown_.time_tick = false;
}

void DigitalCoreTransaction::tick() {
    tick_without_waiting();
    run_until_waiting();
}

void DigitalCoreTransaction::run(std::uint64_t edges) {
    pass(edges);
}

std::uint8_t DigitalCoreTransaction::take_output() {
    const std::uint8_t data = core_.out_data();
    for (const bool acknowledge : {true, false}) {
        core_.set_out_ack(acknowledge);
        run_until_waiting();
    }
    return data;
}

bool DigitalCoreTransaction::access_word(tlm::tlm_generic_payload& payload, std::uint64_t address,
                                         unsigned char* data) {
    const std::uint64_t code = address >> 18;
    const auto word = static_cast<std::uint32_t>(address >> 2 & 0xFFFF);
    static constexpr std::uint32_t kWords[] = {105, 1024, kMaxOutputs, 1U << 14, 1U << 14, 1U << 11};
    if (code >= std::size(kWords) || word >= kWords[code] || (code == 0 && find_register(word) == nullptr)) {
        payload.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
        return false;
    }
    const auto memory = static_cast<MemoryCode>(code);
    std::uint32_t value = 0;
    if (payload.is_read()) {
        value = core_.read_memory(memory, word);
        std::memcpy(data, &value, sizeof value);
        return true;
    }
    std::memcpy(&value, data, sizeof value);
    if (memory == MemoryCode::configuration) {
        core_.write_register(word, value);
        if (static_cast<Reg>(word) == Reg::EN_CONF) {
            core_.set_configuration_enabled((value & 1) != 0);
        } else if (core_.configuration_enabled()) {
            core_.load_seed(word);
        }
    } else if (core_.configuration_enabled()) {
        core_.write_memory(memory, word, value);
    } else {
        payload.set_response_status(tlm::TLM_COMMAND_ERROR_RESPONSE);
        return false;
    }
    return true;
}

bool DigitalCoreTransaction::access(tlm::tlm_generic_payload& payload) {
    if (payload.get_command() == tlm::TLM_IGNORE_COMMAND) {
        payload.set_response_status(tlm::TLM_OK_RESPONSE);
        return true;
    }
    if (payload.get_byte_enable_ptr() != nullptr) {
        payload.set_response_status(tlm::TLM_BYTE_ENABLE_ERROR_RESPONSE);
        return false;
    }
    const unsigned length = payload.get_data_length();
    if (length == 0 || length % 4 != 0 || payload.get_address() % 4 != 0 ||
        payload.get_streaming_width() < length) {
        payload.set_response_status(tlm::TLM_BURST_ERROR_RESPONSE);
        return false;
    }
    for (unsigned offset = 0; offset < length; offset += 4) {
        if (!access_word(payload, payload.get_address() + offset, payload.get_data_ptr() + offset)) {
            return false;
        }
    }
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
    return true;
}

void DigitalCoreTransaction::b_transport(tlm::tlm_generic_payload& payload, sc_core::sc_time& delay) {
    access(payload);
    delay += (payload.get_data_length() / 4) * clock_period_;
}

unsigned DigitalCoreTransaction::transport_dbg(tlm::tlm_generic_payload& payload) {
    return access(payload) ? payload.get_data_length() : 0;
}

void DigitalCoreTransaction::show() {
    shown_.state = static_cast<unsigned char>(core_.state());
    shown_.state_evt = static_cast<unsigned char>(core_.event_state());
    shown_.req_tar = core_.target_requested();
    shown_.spi_rdy = core_.spi_ready();
    shown_.timing_error_rdy = core_.timing_error_ready();
    shown_.out_req = core_.out_request();
    shown_.out_data = core_.out_data();
}

void DigitalCoreTransaction::trace(sc_core::sc_trace_file* file) const {
    sc_trace(file, shown_.sample, "SAMPLE");
    sc_trace(file, shown_.time_tick, "TIME_TICK");
    sc_trace(file, shown_.target_valid, "TARGET_VALID");
    sc_trace(file, shown_.infer_acc, "INFER_ACC");
    sc_trace(file, shown_.aerin_addr, "AERIN_ADDR");
    sc_trace(file, shown_.aerin_req, "AERIN_REQ");
    sc_trace(file, shown_.aerin_tar_en, "AERIN_TAR_EN");
    sc_trace(file, shown_.req_tar, "REQ_TAR");
    sc_trace(file, shown_.spi_rdy, "SPI_RDY");
    sc_trace(file, shown_.timing_error_rdy, "TIMING_ERROR_RDY");
    sc_trace(file, shown_.out_req, "OUT_REQ");
    sc_trace(file, shown_.out_data, "OUT_DATA");
    sc_trace(file, shown_.state, "state");
    sc_trace(file, shown_.state_evt, "state_evt");
}

}  // namespace memprop::hw
