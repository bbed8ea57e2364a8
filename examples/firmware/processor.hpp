// A processor beside the chip, as far as its firmware is concerned: it sees a bus (b_transport) and an
// interrupt line, and nothing else. Programs derive from it.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <exception>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <systemc>
#include <tlm>
#include <utility>
#include <vector>

#include "hw_models/chip/image_file.hpp"
#include "hw_models/chip/memory_map.hpp"

namespace chip = memprop::hw::chip;
namespace reg = memprop::hw::chip::host_register;

using Words = std::vector<std::uint32_t>;

class Processor : public sc_core::sc_module {
public:
    tlm_utils::simple_initiator_socket<Processor> bus{"bus"};
    sc_core::sc_in<bool> interrupt{"interrupt"};

    SC_HAS_PROCESS(Processor);
    /// `clock_period`: of the chip.
    Processor(const sc_core::sc_module_name& name, const chip::ImageFile& image,
              const sc_core::sc_time& clock_period)
        : sc_module(name), image_(image), period_(clock_period) {
        SC_THREAD(run);
    }
    /// After the simulation: throws what its program has thrown, or that it has not come to its end.
    void check_finished() const {
        if (failure_) {
            std::rethrow_exception(failure_);
        }
        if (!finished_) {
            throw std::runtime_error("the firmware still waits for the chip");
        }
    }

protected:
    virtual void program() = 0;

    const chip::ImageFile& image() const { return image_; }

    /// Where words of tiles lie: a page of a core's window.
    struct TileWords {
        std::uint32_t core = 0, page = 0, address = 0, count = 0;
    };

    void load() {
        std::map<std::uint32_t, std::uint32_t> pages;  // of the cores
        for (const chip::ImageFile::Burst& burst : image_.bursts) {
            write(burst.address, burst.words);
            if (burst.address <= reg::command && burst.address + 4 * burst.words.size() > reg::command) {
                wait_for_interrupt();
            }
            if (burst.address >= reg::windows) {
                note_tile_words(burst, pages);
            } else if (burst.address >= reg::pages) {
                for (std::uint32_t i = 0; i < burst.words.size(); ++i) {
                    pages[(burst.address - reg::pages) / 4 + i] = burst.words[i];
                }
            }
        }
    }
    /// The places of all initial weights in the file.
    const std::vector<TileWords>& tile_words() const { return tile_words_; }

    /// Inputs are numbered over all sources.
    std::uint32_t input_address(std::uint32_t index) const {
        std::uint32_t left = index;
        for (const chip::ImageFile::Population& source : image_.sources) {
            if (left < source.size) {
                return source.first_address + left;
            }
            left -= source.size;
        }
        throw std::runtime_error("event of input " + std::to_string(index) +
                                 ": the network has no such input");
    }

    void give_inputs(std::span<const std::uint32_t> indices) {
        Words addresses;
        for (const std::uint32_t index : indices) {
            addresses.push_back(input_address(index));
        }
        if (!addresses.empty()) {
            write(reg::event_in, addresses);
        }
    }

    /// Addresses and values, ascending: they come in the order in which cores have sent them.
    std::vector<std::pair<std::uint32_t, float>> take_outputs() {
        Words words{0};
        read(reg::event_out_level, words);
        words.assign(std::size_t{2} * words[0], 0);
        if (!words.empty()) {
            read(reg::event_out, words);
        }
        std::vector<std::pair<std::uint32_t, float>> out;
        for (std::size_t i = 0; i < words.size(); i += 2) {
            const bool has_value = (words[i] & chip::kGradedOut) != 0;
            out.emplace_back(words[i] & ~chip::kGradedOut,
                             has_value ? std::bit_cast<float>(words[i + 1]) : 1.0F);
        }
        std::sort(out.begin(), out.end());
        return out;
    }

    void command(chip::Command what) {
        write(reg::command, {static_cast<std::uint32_t>(what)});
        wait_for_interrupt();
    }
    /// The line falls when a command begins and rises when it has ended, which may be in the same cycle.
    void wait_for_interrupt() {
        wait(period_);
        if (!interrupt.read()) {
            wait(interrupt.posedge_event());
        }
    }
    void write(std::uint32_t address, Words words) { transport(tlm::TLM_WRITE_COMMAND, address, words); }
    void read(std::uint32_t address, Words& words) { transport(tlm::TLM_READ_COMMAND, address, words); }

private:
    void run() {
        try {
            program();
            finished_ = true;
        } catch (...) {
            failure_ = std::current_exception();
        }
        sc_core::sc_stop();
    }
    void note_tile_words(const chip::ImageFile::Burst& burst, std::map<std::uint32_t, std::uint32_t>& pages) {
        const std::uint32_t core = (burst.address - reg::windows) / reg::window_stride,
                            offset = (burst.address - reg::windows) % reg::window_stride;
        if (offset >= reg::page_offset && pages[core] >= chip::kTileWords / chip::kPageWords &&
            pages[core] < chip::kImageWords / chip::kPageWords) {
            tile_words_.push_back(
                {core, pages[core], burst.address, static_cast<std::uint32_t>(burst.words.size())});
        }
    }
    void transport(tlm::tlm_command direction, std::uint32_t address, std::span<std::uint32_t> words) {
        tlm::tlm_generic_payload transaction;
        sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
        transaction.set_command(direction);
        transaction.set_address(address);
        transaction.set_data_ptr(reinterpret_cast<unsigned char*>(words.data()));
        transaction.set_data_length(static_cast<unsigned>(words.size_bytes()));
        transaction.set_streaming_width(static_cast<unsigned>(words.size_bytes()));
        transaction.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
        bus->b_transport(transaction, delay);
        wait(delay);
        if (transaction.is_response_error()) {
            throw std::runtime_error("bus, address " + std::to_string(address) + ": " +
                                     transaction.get_response_string());
        }
    }

    const chip::ImageFile& image_;
    const sc_core::sc_time period_;
    std::vector<TileWords> tile_words_;
    bool finished_ = false;
    std::exception_ptr failure_;
};
