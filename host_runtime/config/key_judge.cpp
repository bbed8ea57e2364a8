#include "host_runtime/config/key_judge.hpp"

#include "host_runtime/tasks/file_tasks.hpp"
#include "learning/update/scheme.hpp"

namespace memprop::host {

std::string KeyJudge::reason(std::string_view key, const learning::Task& task) const {
    const std::size_t dot = key.find('.');
    const std::string_view table = key.substr(0, dot), name = key.substr(dot + 1);
    return table == "task"       ? of_task(name)
           : table == "network"  ? of_network(name, task)
           : table == "learning" ? of_learning(name, task)
           : table == "update"   ? of_update(name)
           : table == "crossbar" ? of_crossbar(name)
           : table == "run"      ? of_run(name, task)
           : table == "chip"     ? of_chip(name)
                                 : std::string();
}

std::string KeyJudge::of_task(std::string_view name) const {
    const std::string& task = config_.task.name;
    if (name == "update_interval_seconds") {
        return model_ == nullptr ? no_devices()
               : feels_time()
                   ? std::string()
                   : fmt::format("crossbar.device = \"{}\" has nothing that depends on time in seconds",
                                 config_.crossbar.device);
    }
    const auto reads = [&](const auto& kinds) {
        return std::any_of(kinds.begin(), kinds.end(),
                           [&](const auto& kind) { return kind.name == task && holds(kind.keys, name); });
    };
    return name == "name" || reads(learning::task_kinds()) || reads(file_task_kinds())
               ? std::string()
               : fmt::format("task.name = \"{}\" does not use it", task);
}

std::string KeyJudge::of_network(std::string_view name, const learning::Task& task) const {
    const learning::NetworkConfig& n = config_.network;
    const learning::InitialNetwork* given = task.initial_network();
    if (given != nullptr && name.starts_with("init_std_")) {
        return "the data of the task give the initial weights";
    }
    if (given != nullptr && !given->beta.empty() &&
        is_one_of(name, {"adaptive_fraction", "adaptation_beta"})) {
        return "the data of the task say which neurons adapt, and how much";
    }
    if (is_one_of(name, {"adaptive_fraction", "adaptation_beta", "tau_adaptation_seconds"}) &&
        n.neuron == learning::NeuronKind::lif) {
        return "network.neuron = \"lif\": no neuron adapts";
    }
    const bool adapts = n.adaptation_beta > 0.0 && n.adaptive_fraction > 0.0;
    if (given == nullptr && !adapts &&
        (name == "tau_adaptation_seconds" || (name == "adaptive_fraction" && n.adaptation_beta == 0.0) ||
         (name == "adaptation_beta" && n.adaptive_fraction == 0.0))) {
        return "network.adaptation_beta or network.adaptive_fraction is 0: no neuron adapts";
    }
    if (name == "dampening" && n.pseudo_height > 0.0) {
        return "network.pseudo_height is given in its place";
    }
    if (name == "reset_value" && n.reset != learning::ResetKind::to_value) {
        return "network.reset is not \"to_value\"";
    }
    if (name.starts_with("pseudo_table_") && n.pseudo_derivative != learning::PseudoDerivative::table) {
        return "network.pseudo_derivative is not \"table\"";
    }
    if (name == "layer_readout" && n.layers == 1) {
        return "network.layers = 1: there is one layer to read";
    }
    return {};
}

std::string KeyJudge::of_learning(std::string_view name, const learning::Task& task) const {
    const learning::LearningConfig& l = config_.learning;
    if (name == "feedback_std" && task.initial_network() != nullptr) {
        return "the data of the task give the feedback weights";
    }
    if (name == "feedback_std" && l.feedback == learning::Feedback::symmetric) {
        return "learning.feedback = \"symmetric\": no feedback weight is random";
    }
    if (name == "feedback_decay" && l.feedback != learning::Feedback::adaptive) {
        return "learning.feedback is not \"adaptive\"";
    }
    if (name == "reward_decay" && l.supervision != learning::Supervision::reward) {
        return "learning.supervision is not \"reward\"";
    }
    if (name.starts_with("adam_") && l.optimizer != learning::OptimizerKind::adam) {
        return "learning.optimizer is not \"adam\"";
    }
    if (name == "momentum" && l.optimizer != learning::OptimizerKind::momentum) {
        return "learning.optimizer is not \"momentum\"";
    }
    if (is_one_of(name, {"trace_cutoff_steps", "optimizer_start"}) && l.update_every_steps == 0) {
        return "learning.update_every_steps = 0: updates follow the trials";
    }
    if (name == "batch" && l.update_every_steps > 0) {
        return "learning.update_every_steps is above 0: updates do not wait for a batch";
    }
    if (is_one_of(name, {"regularizer", "regularizer_decay", "target_rate_hz"}) &&
        l.rate_regularization == 0.0) {
        return "learning.rate_regularization = 0";
    }
    if (name == "regularizer_decay" && l.regularizer != learning::RegularizerForm::running_average) {
        return "learning.regularizer is not \"running_average\"";
    }
    return {};
}

std::string KeyJudge::of_update(std::string_view name) const {
    const learning::UpdateConfig& u = config_.update;
    if (name == "scheme") {
        return {};
    }
    const auto& kind = learning::find_scheme_kind("update.scheme", u.scheme);
    const bool inner = u.scheme == "batch_accumulate";
    const bool reads =
        holds(kind.keys, name) ||
        (inner && holds(learning::find_scheme_kind("update.inner_scheme", u.inner_scheme).keys, name));
    const auto kinds = learning::scheme_kinds();
    const bool of_schemes =
        std::any_of(kinds.begin(), kinds.end(), [&](const auto& other) { return holds(other.keys, name); });
    if (of_schemes) {
        if (!reads) {
            return fmt::format(
                "update.scheme = \"{}\"{} does not use it", u.scheme,
                inner ? fmt::format(" with update.inner_scheme = \"{}\"", u.inner_scheme) : "");
        }
        return is_one_of(name, {"accumulator_headroom_bits", "accumulator_rounding"}) &&
                       u.accumulator_bits == 0
                   ? "update.accumulator_bits = 0: the accumulator is a floating-point number"
                   : std::string();
    }
    if (model_ == nullptr) {
        return no_devices();
    }
    if (name == "epsilon_us" && model_->constant_step_us() > 0.0) {
        return fmt::format("crossbar.device = \"{}\" has a step of its own", config_.crossbar.device);
    }
    if (name == "device_counter" && (u.devices_per_polarity == 1 || config_.crossbar.slice_base > 1)) {
        return u.devices_per_polarity == 1 ? "update.devices_per_polarity = 1: there is one device to pick"
                                           : "crossbar.slice_base is above 1: slices are not picked in turn";
    }
    if (name.starts_with("refresh_")) {
        const bool paces_chip = on_chip_ && name == "refresh_period";
        if (model_->bidirectional() && !paces_chip) {
            return fmt::format("crossbar.device = \"{}\" has steps in both directions and is never refreshed",
                               config_.crossbar.device);
        }
        if (u.refresh_period == 0 && name != "refresh_period") {
            return "update.refresh_period = 0: nothing is refreshed";
        }
    }
    if (name.starts_with("verify_") && !u.write_verify) {
        return "update.write_verify = false";
    }
    return {};
}

std::string KeyJudge::of_run(std::string_view name, const learning::Task& task) const {
    const bool validates = config_.run.validate_every > 0 && task.trials(learning::Split::validation) > 0;
    if (name == "patience" && !validates) {
        return "there are no validations during the run: run.validate_every = 0 or no validation trials";
    }
    if (name == "validate_every" && !validates) {
        return "the task has no validation trials";
    }
    if (name == "threads") {
        if (config_.run.engine == learning::EngineKind::cycle) {
            return "run.engine = \"cycle\" runs one trial at a time";
        }
        if (model_ != nullptr) {
            return "weights on devices are read by one thread";
        }
        if (config_.learning.batch == 1 || config_.learning.update_every_steps > 0 ||
            config_.network.state_reset == learning::StateReset::never) {
            return "trials run one after the other: learning.batch = 1, updates within trials, or state that "
                   "is kept";
        }
    }
    return {};
}

std::string KeyJudge::of_chip(std::string_view name) const {
    if (!on_chip_) {
        return "run.engine = \"functional\" has no chip";
    }
    if (!config_.chip.has_boundaries() && name.starts_with("boundary_")) {
        return "the mesh is one chip: chip.chip_columns and chip.chip_rows do not divide it";
    }
    if ((name == "chip_columns" && config_.chip.chip_columns >= config_.chip.mesh_width) ||
        (name == "chip_rows" && config_.chip.chip_rows >= config_.chip.mesh_height)) {
        return "the mesh is not larger than one such chip";
    }
    const bool of_devices = (name.starts_with("tile_cost.") && name != "tile_cost.source") ||
                            is_one_of(name, {"drive_cycles", "conversion_cycles", "row_select_cycles",
                                             "pulse_cycles", "reset_cycles", "columns_written_together"});
    if (model_ == nullptr && of_devices) {
        return no_devices();
    }
    if (model_ != nullptr && model_->bidirectional() && name == "reset_cycles") {
        return fmt::format("crossbar.device = \"{}\" has steps in both directions and takes no RESET",
                           config_.crossbar.device);
    }
    if (model_ != nullptr && name.starts_with("sram_cost.") && name != "sram_cost.source") {
        return "weights are on devices, none in a memory of numbers";
    }
    return {};
}

std::string KeyJudge::of_converters(std::string_view name) const {
    const crossbar::CrossbarConfig& c = config_.crossbar;
    const bool paces_chip = on_chip_ && name == "columns_per_converter";
    if (c.adc_bits == 0 && !paces_chip) {
        return "crossbar.adc_bits = 0: converters are ideal";
    }
    if (name == "range_us" && c.adc.range != crossbar::AdcRange::fixed) {
        return "crossbar.adc.range is not \"fixed\"";
    }
    if (name == "calibration_reads" && c.adc.range != crossbar::AdcRange::calibrated) {
        return "crossbar.adc.range is not \"calibrated\"";
    }
    return {};
}

std::string KeyJudge::of_faults(std::string_view name) const {
    const crossbar::FaultConfig& f = config_.crossbar.faults;
    if (name == "endurance_spread" && f.endurance_pulses == 0.0) {
        return "crossbar.faults.endurance_pulses = 0: devices do not wear out";
    }
    if (name == "spare_columns" && f.map_file.empty() &&
        f.stuck_min + f.stuck_max + f.stuck_any + f.dead_rows + f.dead_columns == 0.0) {
        return "no device is faulty from the start, so that no column is replaced";
    }
    return {};
}

std::string KeyJudge::of_low_frequency_noise(std::string_view name) const {
    const crossbar::LowFrequencyConfig& f = config_.crossbar.low_frequency;
    if (name == "one_over_f_exponent" && f.one_over_f == 0.0) {
        return "crossbar.low_frequency.one_over_f = 0";
    }
    if (name.starts_with("telegraph_") && name != "telegraph_fraction" && f.telegraph_fraction == 0.0) {
        return "crossbar.low_frequency.telegraph_fraction = 0: no device has a trap";
    }
    if (name == "state_exponent" && f.one_over_f == 0.0 && f.telegraph_fraction == 0.0) {
        return "there is no 1/f noise and no telegraph noise";
    }
    return {};
}

std::string KeyJudge::of_wires(std::string_view name) const {
    const crossbar::WiresConfig& w = config_.crossbar.wires;
    if (is_one_of(name, {"r_wl_ohm", "r_bl_ohm", "r_driver_ohm", "r_sense_ohm"})) {
        return {};
    }
    if (w.r_wl_ohm == 0.0 && w.r_bl_ohm == 0.0 && w.r_driver_ohm == 0.0 && w.r_sense_ohm == 0.0) {
        return "all resistances of crossbar.wires are 0: wires are ideal";
    }
    if (name == "renew_every" && w.renew != crossbar::WireRenewal::every_k) {
        return "crossbar.wires.renew is not \"every_k\"";
    }
    if (name == "renew_change" && w.renew != crossbar::WireRenewal::on_change_above) {
        return "crossbar.wires.renew is not \"on_change_above\"";
    }
    return {};
}

std::string KeyJudge::of_programming(std::string_view name) const {
    if (!model_->takes_pulses()) {
        return fmt::format("crossbar.device = \"{}\" is programmed to targets, without pulses",
                           config_.crossbar.device);
    }
    if (is_one_of(name, {"tolerance_us", "max_pulses"}) && trains_ &&
        config_.crossbar.programming.method == crossbar::ProgrammingMethod::open_loop) {
        return "crossbar.programming.method = \"open_loop\"";
    }
    return {};
}

std::string KeyJudge::of_crossbar(std::string_view name) const {
    const crossbar::CrossbarConfig& c = config_.crossbar;
    if (model_ == nullptr) {
        return no_devices();
    }
    if (const std::string_view lacks = unused_device_key(*model_, name); !lacks.empty()) {
        return fmt::format("crossbar.device = \"{}\" {}", c.device, lacks);
    }
    if (name == "read_noise" && !c.clamp_reads &&
        !(model_->traits().read_noise && c.read_noise_scale > 0.0)) {
        return "there is no read noise to draw; sums differ by rounding at most";
    }
    if (name == "drift_spread" && c.drift_scale == 0.0) {
        return "crossbar.drift_scale = 0: there is no drift to spread";
    }
    if (is_one_of(name, {"drift_scale", "drift_spread"}) && trains_ &&
        config_.task.update_interval_seconds == 0.0) {
        return "task.update_interval_seconds = 0: no device time passes";
    }
    if (name == "drift_compensation" && trains_ && !model_->drifts()) {
        return fmt::format("crossbar.device = \"{}\" does not drift here: there is nothing to compensate",
                           c.device);
    }
    if (name == "slice_base" && config_.update.devices_per_polarity == 1) {
        return "update.devices_per_polarity = 1: there is one slice";
    }
    if (trains_ && name == "dac_bits") {
        return "inputs are spikes, which need no converter";
    }
    if (trains_ && name.starts_with("iv.") && c.driver_noise == 0.0) {
        return "inputs are spikes at the read voltage (crossbar.driver_noise = 0), where all curves agree";
    }
    if (!trains_ && is_one_of(name, {"weight_scale_per_us", "weight_scale_out_per_us"})) {
        return "the weights of a network from a file choose their own scale";
    }
    if (name == "energy.adc_conversion_pj") {
        return on_chip_          ? "the tiles of the chip charge conversions: chip.tile_cost.conversion_pj"
               : c.adc_bits == 0 ? "crossbar.adc_bits = 0: no conversion is counted"
                                 : "";
    }
    if (name == "energy.reset_pulse_ns" && !model_->bidirectional() && trains_ &&
        c.programming.method == crossbar::ProgrammingMethod::open_loop) {
        return "the initial weights are written with SET pulses only";
    }
    const std::size_t dot = name.find('.');
    if (dot == std::string_view::npos) {
        return {};
    }
    const std::string_view table = name.substr(0, dot), field = name.substr(dot + 1);
    return table == "adc"             ? of_converters(field)
           : table == "faults"        ? of_faults(field)
           : table == "low_frequency" ? of_low_frequency_noise(field)
           : table == "wires"         ? of_wires(field)
           : table == "programming"   ? of_programming(field)
                                      : std::string();
}

}  // namespace memprop::host
