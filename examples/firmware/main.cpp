// A virtual platform in somebody else's sc_main: a processor beside a chip, which it sees through a TLM-2.0
// bus and an interrupt line alone. Its firmware loads a network (a file of `memprop image`), shows it
// recorded events and prints what comes out, `step,name,neuron,value`: the spikes of `memprop run`.
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

#include "crossbar/base/error.hpp"
#include "crossbar/base/input_file.hpp"
#include "crossbar/base/terminal.hpp"
#include "hw_models/chip/chip_module.hpp"
#include "hw_models/chip/image_file.hpp"
#include "hw_models/chip/memory_map.hpp"

namespace chip = memprop::hw::chip;
namespace reg = memprop::hw::chip::host_register;

namespace {

using Words = std::vector<std::uint32_t>;

/// [step]: indices of inputs that have an event, from lines `step,index` under that header.
std::map<std::uint32_t, Words> read_events(const std::string& file) {
    const std::string text = memprop::read_input(file);
    std::map<std::uint32_t, Words> events;
    std::size_t line = 0;
    for (std::size_t begin = 0; begin < text.size(); ++line) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        const std::string row = text.substr(begin, end - begin);
        begin = end + 1;
        std::size_t comma = 0;
        if (line > 0 && !row.empty()) {
            const auto step = std::stoul(row, &comma);
            events[static_cast<std::uint32_t>(step)].push_back(
                static_cast<std::uint32_t>(std::stoul(row.substr(comma + 1))));
        }
    }
    return events;
}

class Processor : public sc_core::sc_module {
public:
    tlm_utils::simple_initiator_socket<Processor> bus{"bus"};
    sc_core::sc_in<bool> interrupt{"interrupt"};

    SC_HAS_PROCESS(Processor);
    Processor(const sc_core::sc_module_name& name, const chip::ImageFile& image,
              std::map<std::uint32_t, Words> events, std::uint32_t steps, const sc_core::sc_time& period)
        : sc_module(name), image_(image), events_(std::move(events)), steps_(steps), period_(period) {
        SC_THREAD(run);
    }
    /// Why it has stopped early, if it has.
    std::exception_ptr failure;
    std::uint64_t loaded_at = 0;  ///< cycle

private:
    void run() {
        try {
            load();
            loaded_at = sc_core::sc_time_stamp().value() / period_.value();
            begin();
            for (std::uint32_t step = 0; step < steps_; ++step) {
                run_step(step);
            }
        } catch (...) {
            failure = std::current_exception();
        }
        sc_core::sc_stop();
    }

    void load() {
        for (const chip::ImageFile::Burst& burst : image_.bursts) {
            write(burst.address, burst.words);
            if (burst.address <= reg::command && burst.address + 4 * burst.words.size() > reg::command) {
                wait(interrupt.posedge_event());
            }
        }
    }

    void begin() {
        write(reg::first_step, Words{0});
        write(reg::sample, Words{0, 0});  // and device_tick
        write(reg::learn, Words{static_cast<std::uint32_t>(chip::LearningMode::off)});
        command(chip::Command::begin_sample);
        if (image_.settles) {
            command(chip::Command::settle);
            take_outputs();  // before the first step nobody asks for them
        }
    }

    void run_step(std::uint32_t step) {
        if (const auto now = events_.find(step); now != events_.end()) {
            Words addresses;
            for (const std::uint32_t index : now->second) {
                addresses.push_back(input_address(index));
            }
            write(reg::event_in, addresses);
        }
        write(reg::step, Words{step});
        command(chip::Command::tick);
        for (const auto& [address, value] : take_outputs()) {
            for (const chip::ImageFile::Population& out : image_.outputs) {
                if (address - out.first_address < out.size) {
                    memprop::put("{},{},{},{}\n", step, out.name, address - out.first_address, value);
                }
            }
        }
    }

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
        write(reg::command, Words{static_cast<std::uint32_t>(what)});
        wait(interrupt.posedge_event());
    }
    void write(std::uint32_t address, Words words) { transport(tlm::TLM_WRITE_COMMAND, address, words); }
    void read(std::uint32_t address, Words& words) { transport(tlm::TLM_READ_COMMAND, address, words); }
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
    const std::map<std::uint32_t, Words> events_;
    const std::uint32_t steps_;
    const sc_core::sc_time period_;  // of the clock
};

int run(int argc, char** argv) {
    if (argc != 4) {
        throw memprop::InputError("usage: firmware IMAGE EVENTS.csv STEPS");
    }
    const chip::ImageFile image = chip::read_image_file(argv[1]);
    chip::ChipConfig config;
    config.mesh_width = image.resources.mesh_width;  // of a platform that takes any image
    config.mesh_height = image.resources.mesh_height;
    config.axon_ranges = std::max<std::int64_t>(config.axon_ranges, image.resources.axon_ranges);
    config.multicast_trees = std::max<std::int64_t>(config.multicast_trees, image.resources.multicast_trees);
    check_fits(image, config);

    chip::ChipModule device("chip", config);
    Processor processor("processor", image, read_events(argv[2]),
                        static_cast<std::uint32_t>(std::stoul(argv[3])),
                        sc_core::sc_time(config.clock_period_ns, sc_core::SC_NS));
    sc_core::sc_signal<bool> line("line");
    processor.bus.bind(device.bus);
    device.interrupt.bind(line);
    processor.interrupt.bind(line);
    sc_core::sc_start();
    if (processor.failure) {
        std::rethrow_exception(processor.failure);
    }
    memprop::say("{} cycles, {} of them to load the network\n", device.target().cycle(), processor.loaded_at);
    return 0;
}

}  // namespace

int sc_main(int argc, char* argv[]) {
    sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);  // of sc_stop()
    return memprop::run_program("firmware", [&] { return run(argc, argv); });
}
