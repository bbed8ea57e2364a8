// A virtual platform in somebody else's sc_main: a processor beside a chip, which it sees through a TLM-2.0
// bus and an interrupt line alone. Its firmware loads a network (a file of `memprop image`), shows it
// recorded events and prints what comes out, `step,name,neuron,value`: the spikes of `memprop run`.
#include <map>
#include <string>
#include <utility>

#include "crossbar/base/error.hpp"
#include "crossbar/base/input_file.hpp"
#include "crossbar/base/terminal.hpp"
#include "hw_models/chip/chip_module.hpp"
#include "processor.hpp"

namespace {

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

class RunsNetwork final : public Processor {
public:
    RunsNetwork(const sc_core::sc_module_name& name, const chip::ImageFile& image,
                const sc_core::sc_time& clock_period, std::map<std::uint32_t, Words> events,
                std::uint32_t steps)
        : Processor(name, image, clock_period), events_(std::move(events)), steps_(steps) {}

private:
    void program() override {
        load();
        write(reg::first_step, {0});
        write(reg::sample, {0, 0});  // and device_tick
        write(reg::learn, {static_cast<std::uint32_t>(chip::LearningMode::off)});
        command(chip::Command::begin_sample);
        if (image().settles) {
            command(chip::Command::settle);
            take_outputs();  // before the first step nobody asks for them
        }
        for (std::uint32_t step = 0; step < steps_; ++step) {
            run_step(step);
        }
    }
    void run_step(std::uint32_t step) {
        if (const auto now = events_.find(step); now != events_.end()) {
            give_inputs(now->second);
        }
        write(reg::step, {step});
        command(chip::Command::tick);
        for (const auto& [address, value] : take_outputs()) {
            for (const chip::ImageFile::Population& out : image().outputs) {
                if (address - out.first_address < out.size) {
                    memprop::put("{},{},{},{}\n", step, out.name, address - out.first_address, value);
                }
            }
        }
    }

    const std::map<std::uint32_t, Words> events_;
    const std::uint32_t steps_;
};

int run(int argc, char** argv) {
    if (argc != 4) {
        throw memprop::InputError("usage: firmware IMAGE EVENTS.csv STEPS");
    }
    const chip::ImageFile image = chip::read_image_file(argv[1]);
    chip::ChipConfig config;  // of a platform that takes any image
    config.mesh_width = image.resources.mesh_width;
    config.mesh_height = image.resources.mesh_height;
    config.axon_ranges = std::max<std::int64_t>(config.axon_ranges, image.resources.axon_ranges);
    config.multicast_trees = std::max<std::int64_t>(config.multicast_trees, image.resources.multicast_trees);
    check_fits(image, config);

    chip::ChipModule device("chip", config);
    RunsNetwork processor("processor", image, sc_core::sc_time(config.clock_period_ns, sc_core::SC_NS),
                          read_events(argv[2]), static_cast<std::uint32_t>(std::stoul(argv[3])));
    sc_core::sc_signal<bool> line("line");
    processor.bus.bind(device.bus);
    device.interrupt.bind(line);
    processor.interrupt.bind(line);
    sc_core::sc_start();
    processor.check_finished();
    memprop::say("{} cycles\n", device.target().cycle());
    return 0;
}

}  // namespace

int sc_main(int argc, char* argv[]) {
    sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);  // of sc_stop()
    return memprop::run_program("firmware", [&] { return run(argc, argv); });
}
