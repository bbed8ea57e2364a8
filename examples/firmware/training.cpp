// A chip that learns by itself, in a virtual platform: the firmware loads a network with its learning rule (a
// file of `memprop image training.toml`), shows trials with their targets, has the cores learn, evaluates,
// and reads the weights back, by the TLM-2.0 bus and the interrupt line alone. Losses and weights are those
// of `memprop train`.
#include <memory>
#include <string>

#include "crossbar/base/error.hpp"
#include "crossbar/base/terminal.hpp"
#include "hw_models/chip/chip_module.hpp"
#include "learning/classic.hpp"
#include "learning/task/task.hpp"
#include "processor.hpp"

namespace learning = memprop::learning;

namespace {

/// What lies in the platform's memories: the trials of training.toml.
learning::ExperimentConfig experiment() {
    learning::ExperimentConfig config;
    config.task.steps = 120;
    config.network.inputs = 20;
    config.network.recurrent = 30;
    config.network.outputs = 2;
    config.update.scheme = "vanilla";
    return config;
}

class Trains final : public Processor {
public:
    Trains(const sc_core::sc_module_name& name, const chip::ImageFile& image,
           const sc_core::sc_time& clock_period, const learning::Task& task,
           const learning::ExperimentConfig& config, std::uint32_t samples)
        : Processor(name, image, clock_period),
          task_(task),
          outputs_(static_cast<std::uint32_t>(config.network.outputs)),
          batch_(static_cast<std::uint32_t>(config.learning.batch)),
          samples_(samples) {}

private:
    void program() override {
        load();
        write(reg::first_step, {0});
        learning::Trial buffer;
        for (std::uint32_t sample = 0; sample < samples_; ++sample) {
            const learning::Trial& trial = task_.trial(learning::Split::training, sample, buffer);
            memprop::put("loss,{}\n", show(trial, sample, chip::LearningMode::on_chip));
            command(chip::Command::optimise);
            if ((sample + 1) % batch_ == 0) {
                write(reg::device_tick, {sample + 1, updates_++});  // and event
                command(chip::Command::update);
            }
        }
        const learning::Trial& trial = task_.trial(learning::Split::training, 0, buffer);
        memprop::put("evaluation,{}\n", show(trial, samples_, chip::LearningMode::off));
        read_weights();
    }

    /// The loss, as the objective unit has summed it.
    double show(const learning::Trial& trial, std::uint32_t sample, chip::LearningMode mode) {
        write(reg::label, {static_cast<std::uint32_t>(trial.label)});
        write(reg::sample, {sample, sample + 1});  // and device_tick
        write(reg::learn, {static_cast<std::uint32_t>(mode)});
        command(chip::Command::begin_sample);
        const auto steps = static_cast<std::uint32_t>(trial.input.steps());
        for (std::uint32_t step = 0; step < steps; ++step) {
            const bool counts = step >= trial.window_begin && step < trial.window_end;
            write(reg::window, {counts ? 1U : 0U});
            if (counts) {
                Words targets;
                for (std::uint32_t k = 0; k < outputs_; ++k) {
                    targets.push_back(std::bit_cast<std::uint32_t>(
                        static_cast<float>(trial.target[std::size_t{step} * outputs_ + k])));
                }
                write(reg::targets, targets);
            }
            give_inputs(trial.input.at(step));
            write(reg::step, {step});
            command(step + 1 == steps ? chip::Command::last_tick : chip::Command::tick);
            take_outputs();  // the objective unit has seen them
        }
        Words loss(2);
        read(reg::loss, loss);
        return std::bit_cast<double>(std::uint64_t{loss[1]} << 32U | loss[0]);
    }

    void read_weights() {
        for (const chip::ImageFile::Array& array : image().arrays) {
            write(reg::device_tick, {samples_ + 1, 0, array.projection});  // and event, projection
            command(chip::Command::measure);
        }
        for (const TileWords& place : tile_words()) {
            write(reg::pages + 4 * place.core, {place.page});
            Words words(place.count);
            read(place.address, words);
            for (const std::uint32_t word : words) {
                memprop::put("weight,{}\n", std::bit_cast<float>(word));
            }
        }
    }

    const learning::Task& task_;
    const std::uint32_t outputs_, batch_, samples_;
    std::uint32_t updates_ = 0;
};

int run(int argc, char** argv) {
    if (argc != 3) {
        throw memprop::InputError("usage: firmware_training IMAGE SAMPLES");
    }
    const chip::ImageFile image = chip::read_image_file(argv[1]);
    const learning::ExperimentConfig config = experiment();
    const std::unique_ptr<learning::Task> task = learning::make_task(config);
    chip::ChipConfig hardware;
    hardware.mesh_width = image.resources.mesh_width;
    hardware.mesh_height = image.resources.mesh_height;
    check_fits(image, hardware);

    const auto memories = learning::make_classic_stores(config);  // of weights that learn; outlive the chip
    chip::ChipModule device("chip", hardware, config.crossbar);
    std::vector<chip::Chip::Attached> attached(memories.size());
    for (const chip::ImageFile::Array& array : image.arrays) {
        attached.at(array.projection) = {.store = memories[array.projection].get(),
                                         .tile_rows = array.tile_rows,
                                         .tile_columns = array.tile_columns};
    }
    device.chip().attach(attached);
    Trains processor("processor", image, sc_core::sc_time(hardware.clock_period_ns, sc_core::SC_NS), *task,
                     config, static_cast<std::uint32_t>(std::stoul(argv[2])));
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
    return memprop::run_program("firmware_training", [&] { return run(argc, argv); });
}
