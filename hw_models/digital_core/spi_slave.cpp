#include "hw_models/digital_core/spi_slave.hpp"

namespace memprop::hw {

void SpiSlave::reset() {
    count_ = 0;
    address_ = 0;
    shift_out_ = 0;
}

std::optional<SpiSlave::RegisterWrite> SpiSlave::rising_edge(bool mosi) {
    shift_in_ = shift_in_ << 1 | (mosi ? 1U : 0U);
    if (address_ >> 28 == 0 && last_bit_of_word() && words_done() != 0) {
        // Quirk: the register number does not move on, so a burst writes one register again and again.
        return RegisterWrite{address_ & 0xFFFF, shift_in_};
    }
    return std::nullopt;
}

std::optional<SpiSlave::Strobe> SpiSlave::falling_edge(std::uint32_t readback) {
    const bool reads = address_ >> 31 != 0, word_ends = last_bit_of_word();
    const std::uint32_t words = ((count_ == 31 ? shift_in_ : address_) >> 16) & 0xFFF;
    const std::uint32_t done = words_done();
    std::optional<Strobe> strobe;
    if (!reads && word_ends && done != 0) {
        shift_out_ = 0;
        strobe = Strobe{false, static_cast<MemoryCode>(address_ >> 28 & 7), (address_ + done - 1) & 0xFFFF,
                        shift_in_};
        if (strobe->code == MemoryCode::configuration) {
            strobe->address = address_ & 0xFFFF;
        }
    } else if (count_ == 31 && shift_in_ >> 31 != 0) {
        shift_out_ <<= 1;
        strobe = Strobe{true, static_cast<MemoryCode>(shift_in_ >> 28 & 7), shift_in_ & 0xFFFF, 0};
    } else if (reads && word_ends && done != 0 && done < words) {
        shift_out_ <<= 1;
        strobe = Strobe{true, static_cast<MemoryCode>(address_ >> 28 & 7), (address_ + done) & 0xFFFF, 0};
    } else if (reads && (count_ & 31) == 0 && done != 0) {
        shift_out_ = readback << 1;
    } else if ((count_ & 31) != 0) {
        shift_out_ <<= 1;
    }
    if (count_ == 31) {
        address_ = shift_in_;
    }
    count_ = word_ends && done >= words ? 0 : (count_ + 1) & 0x1FFFF;
    return strobe;
}

bool SpiSlave::miso(std::uint32_t readback) const {
    const bool first_bit = address_ >> 31 != 0 && (count_ & 31) == 0 && words_done() != 0;
    return ((first_bit ? readback : shift_out_) >> 31) != 0;
}

}  // namespace memprop::hw
