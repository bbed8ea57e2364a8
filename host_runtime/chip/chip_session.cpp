#include "host_runtime/chip/chip_session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "crossbar/base/error.hpp"
#include "hw_models/chip/core_image.hpp"
#include "hw_models/noc/routing.hpp"

namespace memprop::host {

using namespace hw::chip;
namespace reg = hw::chip::host_register;
using Form = network::Signal<float>::Form;

ChipSession::ChipSession(const ChipConfig& config, const crossbar::CrossbarConfig& crossbar,
                         double step_budget_seconds)
    : chip_(config, crossbar, step_budget_seconds),
      master_(chip_, {.cycles_per_word = static_cast<std::uint32_t>(config.bus_cycles_per_word),
                      .outstanding_reads = 1}) {}

std::uint32_t ChipSession::core_number(std::size_t c) const {
    return chip_.core_of(compiled_.image.cores[c].node);
}

void ChipSession::write_core(std::uint32_t core, std::uint32_t word, std::span<const std::uint32_t> words) {
    const std::uint32_t window = reg::windows + core * reg::window_stride;
    while (!words.empty()) {
        const std::uint32_t page = word / kPageWords, offset = word % kPageWords;
        const std::size_t count = std::min<std::size_t>(words.size(), kPageWords - offset);
        if (page == 0) {
            master_.write(window + 4 * offset, words.first(count));
        } else {
            master_.write(reg::pages + 4 * core, page);
            master_.write(window + reg::page_offset + 4 * offset, words.first(count));
        }
        words = words.subspan(count);
        word += static_cast<std::uint32_t>(count);
    }
}

void ChipSession::read_core(std::uint32_t core, std::uint32_t word, std::span<std::uint32_t> words) {
    const std::uint32_t window = reg::windows + core * reg::window_stride;
    while (!words.empty()) {
        const std::uint32_t page = word / kPageWords, offset = word % kPageWords;
        const std::size_t count = std::min<std::size_t>(words.size(), kPageWords - offset);
        if (page == 0) {
            master_.read(window + 4 * offset, words.first(count));
        } else {
            master_.write(reg::pages + 4 * core, page);
            master_.read(window + reg::page_offset + 4 * offset, words.first(count));
        }
        words = words.subspan(count);
        word += static_cast<std::uint32_t>(count);
    }
}

void ChipSession::write_core(std::uint32_t core, CoreRegister which, std::uint32_t value) {
    write_core(core, static_cast<std::uint32_t>(which), std::span(&value, 1));
}

std::uint32_t ChipSession::read_core(std::uint32_t core, CoreRegister which) {
    std::uint32_t value = 0;
    read_core(core, static_cast<std::uint32_t>(which), std::span(&value, 1));
    return value;
}

void ChipSession::write_cores(CoreRegister which, std::uint32_t value) {
    for (std::size_t c = 0; c < image().cores.size(); ++c) {
        write_core(core_number(c), which, value);
    }
}

void ChipSession::load(CompiledNetwork compiled, std::span<const Chip::Attached> attached) {
    for (std::size_t c = 0; c < compiled_.image.cores.size(); ++c) {  // cores of the image before
        write_core(core_number(c), CoreRegister::image, 0);
    }
    settle_writes();
    compiled_ = std::move(compiled);
    chip_.attach(attached);
    load_tables();
    load_cores();
    note_loaded();
}

void ChipSession::note_loaded() {
    settle_writes();
    load_cycles_ = chip_.cycle();
    chip_.network().fabric().start_latencies(chip_.cycle());  // of flits: loading is not what users ask about
}

void ChipSession::load_tables() {
    const ChipImage& image = compiled_.image;
    std::uint64_t shown = 0;
    populations_by_address_.clear();
    std::vector<bool> computed(image.network.populations.size(), true);
    for (const SourceImage& source : image.sources) {
        computed[source.population] = false;
    }
    for (std::uint32_t p = 0; p < computed.size(); ++p) {
        if (computed[p] && image.shown[p]) {
            populations_by_address_.push_back(p);
            shown += image.network.populations[p].size;
        }
    }
    for (std::uint32_t s = 0; s < kMostSources; ++s) {
        const bool used = s < image.sources.size();
        const std::uint32_t p = used ? image.sources[s].population : 0;
        const auto& tree = used ? image.sources[s].tree : std::nullopt;
        const std::array<std::uint32_t, 3> row{
            used ? image.first_address[p] : 0, used ? image.network.populations[p].size : 0,
            tree ? static_cast<std::uint32_t>(*tree) : CoreProgram::kNoTree};
        master_.write(reg::sources + s * reg::source_stride, row);
    }
    std::vector<std::pair<std::uint16_t, hw::noc::TreeNode>> rows;  // by tree
    for (const TreeImage& tree : image.trees) {
        for (const hw::noc::TreeNode& node :
             hw::noc::xy_tree(chip_.config().noc_params(), tree.root, tree.leaves)) {
            rows.emplace_back(static_cast<std::uint16_t>(tree.tree), node);
        }
    }
    std::stable_sort(rows.begin(), rows.end(),
                     [](const auto& a, const auto& b) { return a.second.node < b.second.node; });
    // Rows of trees that the image does not have any more go; those in a row of numbers go in one burst.
    const auto trees = static_cast<std::uint32_t>(image.trees.size());
    auto next = rows.begin();
    for (std::uint32_t node = 0; node < chip_.fabric().routers(); ++node) {
        words_.assign(std::max(trees, loaded_trees_), 0);
        bool any = loaded_trees_ > 0;
        for (; next != rows.end() && static_cast<std::uint32_t>(next->second.node) == node; ++next) {
            words_[next->first] = static_cast<std::uint32_t>(next->second.row.input) |
                                  std::uint32_t{next->second.row.outputs} << 8;
            any = true;
        }
        if (any) {
            master_.write(reg::router, node);
            master_.write(reg::tree_rows, words_);
        }
    }
    loaded_trees_ = trees;
    master_.write(reg::cores_used, static_cast<std::uint32_t>(image.cores.size()));
    master_.write(reg::phases, image.phases);
    master_.write(reg::events_per_step, static_cast<std::uint32_t>(shown));
    std::uint32_t outputs = 0;
    if (!image.network.objectives.empty()) {
        const network::Objective& objective = image.network.objectives.front();
        outputs = image.network.at(objective.population).size;
        master_.write(reg::first_output, image.first_address[network::index_of(objective.population)]);
        master_.write(reg::loss_kind, static_cast<std::uint32_t>(objective.loss));
    }
    master_.write(reg::outputs, outputs);
}

/// Who holds which neurons that learning signals reach.
std::vector<std::uint32_t> ChipSession::owner_words() const {
    std::vector<std::uint32_t> words;
    for (std::size_t c = 0; c < image().cores.size(); ++c) {
        for (const CoreProgram::Unit& unit : program_of(image(), c).units) {
            if (unit.role == UnitRole::neurons) {
                words.insert(words.end(), {unit.first_neuron, unit.neurons.size,
                                           static_cast<std::uint32_t>(image().cores[c].node), 0});
            }
        }
    }
    return words;
}

void ChipSession::load_cores() {
    const bool learns = !image().network.objectives.empty();
    const std::vector<std::uint32_t> owners = learns ? owner_words() : std::vector<std::uint32_t>{};
    const std::uint32_t outputs =
        learns ? image().network.at(image().network.objectives.front().population).size : 0;
    for (std::size_t c = 0; c < image().cores.size(); ++c) {
        const std::uint32_t core = core_number(c);
        const std::vector<std::uint32_t> words = words_of(program_of(image(), c));
        write_core(core, CoreRegister::outputs, outputs);
        write_core(core, kImageWords, words);
        write_core(core, CoreRegister::image, static_cast<std::uint32_t>(words.size()));
        if (learns) {
            write_core(core, kOwnerWords, owners);
            write_core(core, CoreRegister::neuron_owners, static_cast<std::uint32_t>(owners.size() / 4));
        }
    }
    settle_writes();
    for (std::size_t c = 0; c < image().cores.size(); ++c) {
        if (read_core(core_number(c), CoreRegister::units) != image().cores[c].units.size()) {
            throw RunError(fmt::format("core {} does not take its image", core_number(c)));
        }
    }
}

void ChipSession::load_weights(std::uint32_t projection, std::span<const float> weights) {
    const WeightArray& array = chip_.weights(projection);
    for (std::size_t c = 0; c < image().cores.size(); ++c) {
        std::uint32_t tile = 0;  // tiles of a core count over its blocks
        for (const BlockImage& block : image().cores[c].blocks) {
            for (const std::uint32_t number : block.tiles) {
                if (block.projection == projection) {
                    const hw::tile::TileRegion& region = array.tiles()[number];
                    words_.clear();
                    for (std::uint32_t r = 0; r < region.rows; ++r) {
                        for (std::uint32_t k = 0; k < region.columns; ++k) {
                            words_.push_back(std::bit_cast<std::uint32_t>(
                                weights[std::size_t{region.first_row + r} * array.shape().post +
                                        region.first_column + k]));
                        }
                    }
                    write_core(core_number(c), kTileWords + tile * kTileStride, words_);
                }
                ++tile;
            }
        }
    }
    settle_writes();
}

void ChipSession::program() {
    command(Command::program);
    note_loaded();
}

void ChipSession::command(Command command) {
    try {
        master_.write(reg::command, static_cast<std::uint32_t>(command));
    } catch (const RunError&) {
        if (const std::string& wrong = chip_.host().route_error(); !wrong.empty()) {
            throw InputError(fmt::format("the chip refuses its trees: {}", wrong));
        }
        throw;
    }
    master_.wait_for_interrupt();
}

void ChipSession::give(std::uint32_t population, const network::Signal<float>& events) {
    const std::uint32_t first = image().first_address[population];
    words_.clear();
    if (events.form == Form::spikes) {
        for (const std::uint32_t i : events.index) {
            words_.push_back(first + i);
        }
        master_.write(reg::event_in, words_);
        return;
    }
    for_each_nonzero(events, [&](std::uint32_t i, float value) {
        words_.push_back(first + i);
        words_.push_back(std::bit_cast<std::uint32_t>(value));
    });
    master_.write(reg::graded_in, words_);
}

void ChipSession::drop_events() {
    const std::uint32_t level = [&] {
        std::uint32_t word = 0;
        master_.read(reg::event_out_level, std::span(&word, 1));
        return word;
    }();
    words_.resize(std::size_t{2} * level);
    master_.read(reg::event_out, words_);
}

void ChipSession::take(std::span<network::Signal<float>> outputs) {
    constexpr std::size_t kUsualEvents = 4;
    taken_.clear();
    for (const std::uint32_t p : populations_by_address_) {
        outputs[p].set_zero();
    }
    words_.assign(2 * kUsualEvents, 0);
    master_.read(reg::event_out, words_);
    for (std::size_t i = 0; words_[i] != kNoEvent;) {
        const bool graded = (words_[i] & kGradedOut) != 0;
        taken_.emplace_back(words_[i] & ~kGradedOut, graded ? std::bit_cast<float>(words_[i + 1]) : 1.0F);
        i += 2;
        if (i == words_.size()) {  // there may be more
            words_.resize(2 * (1 + chip_.host().events_out_level()));
            master_.read(reg::event_out, words_);
            i = 0;
        }
    }
    // Events come in the order in which cores sent them; a signal wants neurons ascending.
    std::sort(taken_.begin(), taken_.end());
    auto event = taken_.begin();
    for (const std::uint32_t p : populations_by_address_) {
        const std::uint32_t first = image().first_address[p];
        network::Signal<float>& out = outputs[p];
        out.index.clear();
        out.value.clear();
        bool ones = true;
        for (; event != taken_.end() && event->first - first < image().network.populations[p].size; ++event) {
            out.index.push_back(event->first - first);
            out.value.push_back(event->second);
            ones = ones && event->second == 1.0F;
        }
        out.form = out.index.empty() ? Form::zero : ones ? Form::spikes : Form::graded;
    }
}

}  // namespace memprop::host
