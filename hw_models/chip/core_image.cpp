#include "hw_models/chip/core_image.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <string>

#include "crossbar/base/error.hpp"
#include "learning/network/connect/connections.hpp"
#include "learning/network/models/models.hpp"

namespace memprop::hw::chip {
namespace {

using network::ConnectKind;
using network::Numbers;
using network::Population;
using network::Projection;

constexpr std::uint32_t kMagic = 0x4D50'494D, kVersion = 1;
constexpr std::uint64_t kMostWindow = 1U << 20;  // channels, rows, columns, strides and the like

bool is_window(ConnectKind kind) {
    return kind == ConnectKind::convolution || kind == ConnectKind::pool;
}

/// One description of a program serves writing and reading its words. A reader throws for what no core can
/// be.
class Writer {
public:
    static constexpr bool kReads = false;
    std::vector<std::uint32_t> words;

    std::uint32_t most_entries() const { return ~0U; }
    void operator()(std::string_view, std::uint32_t& value, std::uint32_t = ~0U) { words.push_back(value); }
    void operator()(std::string_view, std::uint64_t& value) { put(value); }
    void operator()(std::string_view, double& value) { put(std::bit_cast<std::uint64_t>(value)); }
    template <class T>
    void list(std::string_view, std::vector<T>& values) {
        words.push_back(static_cast<std::uint32_t>(values.size()));
        for (const T value : values) {
            if constexpr (sizeof(T) == 8) {
                put(std::bit_cast<std::uint64_t>(value));
            } else {
                words.push_back(std::bit_cast<std::uint32_t>(value));
            }
        }
    }

private:
    void put(std::uint64_t value) {
        words.push_back(static_cast<std::uint32_t>(value));
        words.push_back(static_cast<std::uint32_t>(value >> 32));
    }
};

class Reader {
public:
    static constexpr bool kReads = true;
    explicit Reader(std::span<const std::uint32_t> words) : words_(words) {}

    /// An entry of a list has at least a word.
    std::uint32_t most_entries() const { return static_cast<std::uint32_t>(words_.size() - at_); }
    void operator()(std::string_view what, std::uint32_t& value, std::uint32_t most = ~0U) {
        value = next(what);
        if (value > most) {
            refuse(what, value, fmt::format("must be at most {}", most));
        }
    }
    void operator()(std::string_view what, std::uint64_t& value) { value = pair(what); }
    void operator()(std::string_view what, double& value) { value = std::bit_cast<double>(pair(what)); }
    template <class T>
    void list(std::string_view what, std::vector<T>& values) {
        const std::uint32_t count = next(what);
        if (count > words_.size() - at_) {
            refuse(what, count, "is more than the words that follow");
        }
        values.clear();
        values.reserve(count);
        for (std::uint32_t i = 0; i < count; ++i) {
            if constexpr (sizeof(T) == 8) {
                values.push_back(std::bit_cast<T>(pair(what)));
            } else {
                values.push_back(std::bit_cast<T>(next(what)));
            }
        }
    }
    [[noreturn]] void refuse(std::string_view what, std::uint64_t value, std::string_view rule) const {
        throw InputError(fmt::format("word {} of the image, {}", at_ == 0 ? 0 : at_ - 1, what), value, rule);
    }
    void finish() const {
        if (at_ != words_.size()) {
            throw InputError("the words of the image", words_.size(), fmt::format("must be {}", at_));
        }
    }

private:
    std::uint32_t next(std::string_view what) {
        if (at_ == words_.size()) {
            throw InputError(fmt::format("the image ends at word {}, before {}", at_, what));
        }
        return words_[at_++];
    }
    std::uint64_t pair(std::string_view what) {
        const std::uint64_t low = next(what);
        return low | std::uint64_t{next(what)} << 32;
    }

    std::span<const std::uint32_t> words_;
    std::size_t at_ = 0;
};

template <class Archive, class Enum>
void choice(Archive& archive, std::string_view what, Enum& value, std::uint32_t most) {
    auto word = static_cast<std::uint32_t>(value);
    archive(what, word, most);
    value = static_cast<Enum>(word);
}

template <class Archive>
void flag(Archive& archive, std::string_view what, bool& value) {
    auto word = static_cast<std::uint32_t>(value);
    archive(what, word, 1);
    value = word != 0;
}

template <class Archive>
void number(Archive& archive, std::string_view what, float& value) {
    auto word = std::bit_cast<std::uint32_t>(value);
    archive(what, word);
    value = std::bit_cast<float>(word);
}

template <class Archive>
void numbers(Archive& archive, Numbers& values) {
    std::uint32_t doubles = std::holds_alternative<std::vector<double>>(values) ? 1 : 0;
    archive("whether weights have 64 bits", doubles, 1);
    if (Archive::kReads && doubles != values.index()) {
        if (doubles == 1) {
            values = std::vector<double>();
        } else {
            values = std::vector<float>();
        }
    }
    std::visit([&](auto& list) { archive.list("weights", list); }, values);
}

template <class Archive>
void parameters(Archive& archive, Population& p) {
    auto model = static_cast<std::uint32_t>(
        std::find_if(network::models().begin(), network::models().end(),
                     [&](const network::NeuronModel* m) { return m->name == p.model; }) -
        network::models().begin());
    archive("model", model, static_cast<std::uint32_t>(network::models().size()) - 1);
    const network::NeuronModel& of = *network::models()[model];
    p.model = of.name;
    auto count = static_cast<std::uint32_t>(p.parameters.size());
    archive("number of parameters", count, static_cast<std::uint32_t>(of.fields.size()));
    p.parameters.resize(count);
    for (network::Parameter& parameter : p.parameters) {
        auto field = static_cast<std::uint32_t>(
            std::find_if(of.fields.begin(), of.fields.end(),
                         [&](const network::Field& f) { return f.name == parameter.name; }) -
            of.fields.begin());
        archive("field of the model", field, static_cast<std::uint32_t>(of.fields.size()) - 1);
        parameter.name = of.fields[field].name;
        archive.list("values", parameter.values);
    }
}

template <class Archive>
void unit(Archive& archive, CoreProgram::Unit& u) {
    archive("population", u.population);
    archive("first neuron", u.first_neuron);
    archive("neurons", u.neurons.size);
    archive("phase", u.phase);
    archive("first event address", u.first_address);
    archive("tree", u.tree);
    choice(archive, "role", u.role, 2);
    parameters(archive, u.neurons);
}

template <class Archive>
void window(Archive& archive, network::Window& w) {
    for (std::uint64_t* value :
         {&w.channels_in, &w.channels_out, &w.groups, &w.height_in, &w.width_in, &w.height_out, &w.width_out,
          &w.kernel_height, &w.kernel_width, &w.stride_y, &w.stride_x, &w.dilation_y, &w.dilation_x,
          &w.padding_top, &w.padding_left}) {
        archive("window", *value);
        if constexpr (Archive::kReads) {
            if (*value > kMostWindow) {
                archive.refuse("window", *value, fmt::format("must be at most {}", kMostWindow));
            }
        }
    }
}

template <class Archive>
void block(Archive& archive, CoreProgram::Block& b) {
    archive("projection", b.number);
    archive("unit", b.unit);
    archive("presynaptic neurons", b.pre);
    archive("phase of the source", b.source_phase);
    archive("first column", b.columns.first);
    archive("columns", b.columns.count);
    Projection& p = b.projection;
    choice(archive, "kind", p.connect.kind, 5);
    flag(archive, "bias", p.bias);
    flag(archive, "bias before the first arrival", p.bias_before_arrival);
    flag(archive, "bias first", p.bias_first);
    archive("receptor", p.receptor);
    archive("delay in steps", p.delay_steps);
    choice(archive, "kind of delay", p.delay_kind, 1);
    archive("unit of weights", p.unit);
    archive("rows at once", p.rows_at_once);
    flag(archive, "on an array", b.on_array);
    flag(archive, "on shared devices", b.is_shared);
    archive.list("tiles", b.tiles);
    if (is_window(p.connect.kind)) {
        window(archive, p.connect.window);
        archive("factor", p.connect.factor);
    }
    if (p.connect.kind == ConnectKind::sparse) {
        archive.list("begin of rows", p.connect.row_begin);
        archive.list("columns of synapses", p.connect.column);
    }
    if (!b.on_array && !b.is_shared) {
        numbers(archive, p.weights);
    }
}

template <class Archive>
void learned_projection(Archive& archive, learning::LearnedProjection& p) {
    choice(archive, "projection that learns", p.id, ~0U);
    archive("rows", p.rows);
    archive("columns", p.columns);
    archive("delay of events", p.delay);
    archive("receptor of events", p.receptor);
    flag(archive, "bias row", p.bias);
    flag(archive, "events from before count", p.counts_carried);
    flag(archive, "synapses onto oneself", p.self);
    flag(archive, "bias row before the first arrival", p.bias_before_arrival);
}

template <class Archive>
void eligibility(Archive& archive, network::Eligibility<float>& e) {
    archive.list("alpha", e.alpha);
    archive.list("gain", e.gain);
    archive.list("beta", e.beta);
    number(archive, "rho", e.rho);
    auto receptors = static_cast<std::uint32_t>(e.receptors.size());
    archive("receptors", receptors, 1U << 16);
    e.receptors.resize(receptors);
    for (auto& receptor : e.receptors) {
        archive.list("decay of a current", receptor.decay);
        archive.list("gain of a current", receptor.gain);
    }
    flag(archive, "spiking", e.spiking);
}

template <class Archive>
void rule(Archive& archive, CoreProgram::Rule& r) {
    archive("unit that is learned onto", r.unit);
    archive.list("blocks", r.blocks);
    learning::LearningPopulation<float>& p = r.plan;
    archive("neurons of the population", p.size);
    eligibility(archive, p.eligibility);
    auto projections = static_cast<std::uint32_t>(p.projections.size());
    archive("projections", projections, 1U << 16);
    p.projections.resize(projections);
    for (learning::LearnedProjection& projection : p.projections) {
        learned_projection(archive, projection);
    }
    auto sources = static_cast<std::uint32_t>(p.sources.size());
    archive("sources of errors", sources, 1);
    p.sources.resize(sources);
    for (learning::ErrorSource& source : p.sources) {
        archive("readouts", source.size);
        archive("delay of errors", source.delay);
    }
    bool is_read = p.objective.has_value();
    flag(archive, "compared with targets", is_read);
    p.objective = is_read ? std::optional<std::size_t>(0) : std::nullopt;
    number(archive, "decay of eligibility", p.eligibility_decay);
    number(archive, "gain of eligibility", p.eligibility_gain);
    flag(archive, "regularised", p.regularized);
    number(archive, "strength of the regulariser", r.regularizer.strength);
    number(archive, "target rate per step", r.regularizer.target_per_step);
    choice(archive, "form of the regulariser", r.regularizer.form, 1);
    number(archive, "decay of the rate", r.regularizer.decay);
    auto batch = static_cast<std::uint64_t>(r.settings.batch);
    archive("trials per update", batch);
    r.settings.batch = static_cast<std::int64_t>(batch);
    flag(archive, "gradients are averaged over the window", r.settings.average_over_window);
    choice(archive, "optimiser", r.settings.optimizer, 2);
    archive("momentum", r.settings.momentum);
    archive("beta1 of adam", r.settings.adam_beta1);
    archive("beta2 of adam", r.settings.adam_beta2);
    archive("epsilon of adam", r.settings.adam_epsilon);
    choice(archive, "form of adam", r.settings.adam_form, 1);
    archive.list("learning rates", r.learning_rates);
}

template <class Archive>
void program(Archive& archive, CoreProgram& p) {
    std::uint32_t magic = kMagic, version = kVersion;
    archive("magic", magic);
    archive("version", version);
    if constexpr (Archive::kReads) {
        if (magic != kMagic || version != kVersion) {
            archive.refuse("magic and version", magic, fmt::format("must be {:#x}, {}", kMagic, kVersion));
        }
    }
    archive("time step, s", p.time_step_seconds);
    archive("phases", p.phases);
    const auto each = [&](std::string_view what, auto& list, auto&& describe) {
        auto count = static_cast<std::uint32_t>(list.size());
        archive(what, count, archive.most_entries());
        list.resize(count);
        for (auto& entry : list) {
            describe(archive, entry);
        }
    };
    each("number of units", p.units, [](auto& a, auto& entry) { unit(a, entry); });
    each("number of blocks", p.blocks, [](auto& a, auto& entry) { block(a, entry); });
    each("number of axon rows", p.axons, [](auto& a, AxonImage& axon) {
        a("first event address", axon.first_address);
        a("addresses", axon.count);
        a("block", axon.block);
        a("first row", axon.first_row);
    });
    each("number of rules", p.rules, [](auto& a, auto& entry) { rule(a, entry); });
}

void check_rules(const CoreProgram& program) {
    for (std::size_t r = 0; r < program.rules.size(); ++r) {
        const CoreProgram::Rule& rule = program.rules[r];
        const auto refuse = [&](std::string_view what, std::uint64_t value, std::string_view must) {
            throw InputError(fmt::format("{} of rule {}", what, r), value, must);
        };
        if (rule.unit >= program.units.size()) {
            refuse("unit", rule.unit, "is no unit of the core");
        }
        const CoreProgram::Unit& unit = program.units[rule.unit];
        if (unit.first_neuron > rule.plan.size || unit.neurons.size > rule.plan.size - unit.first_neuron) {
            refuse("neurons", rule.plan.size, "must hold those of its unit");
        }
        if (rule.blocks.size() != rule.plan.projections.size() ||
            rule.learning_rates.size() != rule.blocks.size()) {
            refuse("blocks", rule.blocks.size(), "must be one for each projection that learns, as rates");
        }
        for (const std::uint32_t block : rule.blocks) {
            if (block >= program.blocks.size() || !program.blocks[block].on_array ||
                program.blocks[block].unit != rule.unit) {
                refuse("block", block, "must be one of its unit, on an array");
            }
        }
    }
}

/// A block as a projection between two populations: that of a window is whole, others are as wide as the
/// unit.
network::Network network_of(const CoreProgram::Block& block) {
    network::Network net;
    const bool whole = is_window(block.projection.connect.kind);
    const network::Window& w = block.projection.connect.window;
    net.populations.resize(2);
    net.populations[0].name = "before";
    net.populations[0].size = block.pre;
    net.populations[1].name = "after";
    net.populations[1].size =
        whole ? static_cast<std::uint32_t>(w.channels_out * w.height_out * w.width_out) : block.columns.count;
    net.populations[0].model = net.populations[1].model = "input";
    Projection projection = block.projection;
    projection.name = "block";
    projection.from = network::PopulationId{0};
    projection.to = network::PopulationId{1};
    projection.receptor = 0;
    net.projections.push_back(std::move(projection));
    return net;
}

}  // namespace

std::vector<std::uint32_t> words_of(const CoreProgram& from) {
    Writer writer;
    CoreProgram copy = from;
    program(writer, copy);
    return std::move(writer.words);
}

CoreProgram decode(std::span<const std::uint32_t> words) {
    Reader reader(words);
    CoreProgram out;
    program(reader, out);
    reader.finish();
    const auto refuse = [](const std::string& what, std::uint64_t value, const std::string& rule) {
        throw InputError(what, value, rule);
    };
    for (std::size_t u = 0; u < out.units.size(); ++u) {
        const CoreProgram::Unit& unit = out.units[u];
        if (unit.phase < 1 || unit.phase > out.phases) {
            refuse(fmt::format("phase of unit {}", u), unit.phase,
                   fmt::format("must be 1 to {}", out.phases));
        }
    }
    for (std::size_t b = 0; b < out.blocks.size(); ++b) {
        const CoreProgram::Block& block = out.blocks[b];
        if (block.unit >= out.units.size()) {
            refuse(fmt::format("unit of block {}", b), block.unit,
                   fmt::format("the core has {} units", out.units.size()));
        }
        network::Network net = network_of(block);
        net.time_step_seconds = out.time_step_seconds;
        network::check(net);
        const network::NeuronModel& model = network::find_model("model", out.units[block.unit].neurons.model);
        if (block.projection.receptor >= model.receptors) {
            refuse(fmt::format("receptor of block {}", b), block.projection.receptor,
                   fmt::format("neurons of model {} have {}", model.name, model.receptors));
        }
        if (is_window(block.projection.connect.kind)) {
            network::check(fmt::format("columns of block {}", b), block.columns, net.populations[1].size);
        }
        if (block.columns.count != out.units[block.unit].neurons.size) {
            refuse(fmt::format("columns of block {}", b), block.columns.count,
                   fmt::format("must be the {} neurons of its unit", out.units[block.unit].neurons.size));
        }
    }
    for (std::size_t a = 0; a < out.axons.size(); ++a) {
        const AxonImage& axon = out.axons[a];
        if (axon.block >= out.blocks.size()) {
            refuse(fmt::format("block of axon row {}", a), axon.block,
                   fmt::format("the core has {} blocks", out.blocks.size()));
        }
        if (axon.count > out.blocks[axon.block].pre ||
            axon.first_row > out.blocks[axon.block].pre - axon.count) {
            refuse(fmt::format("first row of axon row {}", a), axon.first_row,
                   fmt::format("with {} addresses leaves block {}, which has {} rows", axon.count, axon.block,
                               out.blocks[axon.block].pre));
        }
    }
    check_rules(out);
    return out;
}

std::unique_ptr<network::Connection<float>> make_numbers(const CoreProgram::Block& block) {
    const network::Network net = network_of(block);
    const Projection& projection = net.projections.front();
    return network::make_connection<float>(
        net, projection, is_window(projection.connect.kind) ? block.columns : Slice{0, block.columns.count});
}

}  // namespace memprop::hw::chip
