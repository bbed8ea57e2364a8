#include "hw_models/chip/memory_map.hpp"

#include "hw_models/bus/register_rules.hpp"
#include "hw_models/chip/core_stats.hpp"
#include "hw_models/chip/host_stats.hpp"
#include "learning/network/choices.hpp"

namespace memprop::hw::chip {
namespace {

using bus::Access;
using bus::BitField;
using bus::NamedValue;
using bus::Range;
using bus::Register;
using bus::RegisterTable;
using bus::Timing;
using bus::WordType;

constexpr NamedValue kCommands[] = {
    {"begin_sample", 1, "resets the units, unless they keep their state, and opens the first step"},
    {"tick", 2, "a time step"},
    {"last_tick", 3, "the same; no step of the sample follows"},
    {"update", 4, "plans and writes the changes of weights, then the refresh if one is due"},
    {"measure", 5, "reads all weights of `projection`"},
    {"share_feedback", 6, "reads the readouts' weights and sends them to the neurons as feedback weights"},
    {"program", 7, "writes the initial weights to the arrays"},
    {"limit_gradient", 8, "squares of the gradients, then their product with `factor` unless that is 1"},
    {"adapt_feedback", 9, "changes feedback weights as readout weights change; `factor` of them is lost"},
    {"reward", 10, "learns from `target`, the errors of the sample that has ended"},
    {"settle", 11, "units without memory put out what biases make of nothing, before the first step"},
    {"optimise", 12,
     "after a sample of learn = on_chip: its gradients join the batch; when that is complete, the "
     "changes of weights are found, and command update writes them"},
};

constexpr NamedValue kModes[] = {
    {"off", 0, "no learning"},
    {"errors", 1, "from the errors of each step"},
    {"reward", 2, "traces alone; the errors come after the sample"},
    {"between_steps", 3, "as errors, and weights may change between the steps"},
    {"on_chip", 4, "from the errors of each step, with traces and gradients of the cores' own"},
};

constexpr BitField kStatus[] = {
    {"busy", 0, 1, "a command is under way"},
    {"error", 1, 1, "an error was counted; a written 1 clears it"},
    {"routes_refused", 2, 1,
     "commands are refused as flits could be lost or wait for ever in the trees; ends when tree rows are "
     "written"},
};

constexpr Register kSourceRows[] = {
    {.name = "first",
     .offset = 0,
     .access = Access::write,
     .text = "event address of its first neuron",
     .timing = Timing::ahead},
    {.name = "size",
     .offset = 4,
     .access = Access::write,
     .text = "neurons; 0: there is no such source",
     .timing = Timing::ahead},
    {.name = "tree",
     .offset = 8,
     .access = Access::write,
     .text = "along which its events leave; 0xFFFFFFFF: nobody takes them",
     .timing = Timing::ahead},
};
constexpr RegisterTable kSource{
    .name = "source", .text = "A population whose events come from the host.", .rows = kSourceRows};

constexpr std::uint32_t kMostTargets = (host_register::tree_rows - host_register::targets) / 4;

constexpr Register kHostRows[] = {
    {.name = "identity", .offset = host_register::identity, .text = "0x4D505252"},
    {.name = "cores", .offset = host_register::cores, .text = "cores of the mesh"},
    {.name = "command",
     .offset = host_register::command,
     .access = Access::write,
     .text =
         "starts it; refused while busy and out of turn: ticks belong between begin_sample and last_tick, "
         "nothing else does but update if learn is between_steps, and settle before the first tick",
     .values = kCommands},
    {.name = "status",
     .offset = host_register::status,
     .access = Access::write_one_to_clear,
     .text = "what the chip is doing",
     .bits = 3,
     .fields = kStatus},
    {.name = "step",
     .offset = host_register::step,
     .access = Access::write,
     .text = "the time step that the next tick begins: the first step, then one more each time",
     .timing = Timing::ahead},
    {.name = "sample",
     .offset = host_register::sample,
     .access = Access::write,
     .text = "number of the sample, which the noise of devices belongs to",
     .timing = Timing::ahead},
    {.name = "device_tick",
     .offset = host_register::device_tick,
     .access = Access::write,
     .text = "device time, in update intervals",
     .type = WordType::i32,
     .timing = Timing::ahead},
    {.name = "event",
     .offset = host_register::event,
     .access = Access::write,
     .text = "number of the update or measurement that follows",
     .timing = Timing::ahead},
    {.name = "projection",
     .offset = host_register::projection,
     .access = Access::write,
     .text = "that command measure reads",
     .timing = Timing::ahead},
    {.name = "learn",
     .offset = host_register::learn,
     .access = Access::write,
     .text = "what the learning engines do in the steps of the next sample",
     .timing = Timing::ahead,
     .values = kModes},
    {.name = "label",
     .offset = host_register::label,
     .access = Access::write,
     .text = "class of the sample; -1: targets",
     .type = WordType::i32,
     .allowed = Range::between(-1, 2147483647),
     .timing = Timing::ahead},
    {.name = "window",
     .offset = host_register::window,
     .access = Access::write,
     .text = "1: errors count in this step",
     .bits = 1,
     .timing = Timing::ahead},
    {.name = "event_in",
     .offset = host_register::event_in,
     .access = Access::write,
     .text = "event address of a source that spikes in the next step; refused when the FIFO is full and for "
             "addresses of no source",
     .fifo = true,
     .timing = Timing::ahead},
    {.name = "event_in_room",
     .offset = host_register::event_in_room,
     .text = "room in the FIFOs of events in, in events"},
    {.name = "event_out",
     .offset = host_register::event_out,
     .text = "two words: event address and step of a spike, or event address | 0x80000000 and value "
             "(0xFFFFFFFF: no event)",
     .fifo = true},
    {.name = "event_out_level",
     .offset = host_register::event_out_level,
     .text = "level of the FIFO of event_out, in events"},
    {.name = "loss", .offset = host_register::loss, .text = "of the sample so far", .type = WordType::f64},
    {.name = "factor",
     .offset = host_register::factor,
     .access = Access::write,
     .text = "limit_gradient: of the gradients; adapt_feedback: part of the feedback lost",
     .type = WordType::f32,
     .allowed = Range::between(0.0, 0x1.fffffep127),
     .timing = Timing::ahead},
    {.name = "first_step",
     .offset = host_register::first_step,
     .access = Access::write,
     .text = "number of the first step of the sample that the next begin_sample begins",
     .timing = Timing::ahead},
    {.name = "graded_in",
     .offset = host_register::graded_in,
     .access = Access::write,
     .text =
         "two words: event address of a source, and its value in the next step; ticks are refused between "
         "them, and begin_sample forgets the first",
     .allowed = Range::any(),
     .fifo = true,
     .timing = Timing::ahead},
    {.name = "outputs",
     .offset = host_register::outputs,
     .access = Access::write,
     .text = "readouts that the objective unit compares with targets",
     .allowed = Range::between(0, kMostTargets),
     .timing = Timing::ahead},
    {.name = "first_output",
     .offset = host_register::first_output,
     .access = Access::write,
     .text = "event address of the first of them",
     .timing = Timing::ahead},
    {.name = "loss_kind",
     .offset = host_register::loss_kind,
     .access = Access::write,
     .text = "how: position in learning.loss",
     .allowed = Range::between(0, static_cast<double>(network::kLossNames.size() - 1)),
     .timing = Timing::ahead},
    {.name = "cores_used",
     .offset = host_register::cores_used,
     .access = Access::write,
     .text = "cores with an image, which report when they have done what they were told; ends the sample of "
             "another image and empties the FIFOs of events; refused while busy"},
    {.name = "phases",
     .offset = host_register::phases,
     .access = Access::write,
     .text = "of a time step, as in the image",
     .allowed = Range::between(1, 65535),
     .timing = Timing::ahead},
    {.name = "router",
     .offset = host_register::router,
     .access = Access::write,
     .text = "node whose table tree_row shows",
     .timing = Timing::ahead},
    {.name = "events_per_step",
     .offset = host_register::events_per_step,
     .access = Access::write,
     .text = "most events out of a step; a tick is refused while the FIFO does not have that room",
     .timing = Timing::ahead},
    {.name = "counter",
     .offset = host_register::counters,
     .text = "in the order of HostStats",
     .type = WordType::u64,
     .count = kHostCounters,
     .per = "counter"},
    {.name = "source",
     .offset = host_register::sources,
     .access = Access::write,
     .text = "populations that the host feeds",
     .count = kMostSources,
     .stride = host_register::source_stride,
     .per = "source",
     .table = &kSource},
    {.name = "target",
     .offset = host_register::targets,
     .access = Access::write,
     .text = "of the step, one per readout; for command reward the errors",
     .type = WordType::f32,
     .count = kMostTargets,
     .per = "readout",
     .timing = Timing::ahead},
    {.name = "tree_row",
     .offset = host_register::tree_rows,
     .access = Access::read_write,
     .text = "row of a multicast tree in `router`: input port | output mask << 8",
     .bits = 16,
     .count = 65536,
     .per = "tree"},
    {.name = "page",
     .offset = host_register::pages,
     .access = Access::read_write,
     .text = "words page * 0x2000 on of the core are seen in the upper half of its window",
     .bits = 18,
     .count = 4032,
     .per = "core"},
};
constexpr RegisterTable kHost{
    .name = "host", .text = "Host interface: commands, events, objective unit.", .rows = kHostRows};

constexpr Register core_row(const char* name, CoreRegister which, Access access, const char* text) {
    return {.name = name, .offset = 4 * static_cast<std::uint32_t>(which), .access = access, .text = text};
}
constexpr Register kCoreRows[] = {
    core_row("units", CoreRegister::units, Access::read, "units of the image"),
    core_row("blocks", CoreRegister::blocks, Access::read, "synapse blocks of the image"),
    core_row("tiles", CoreRegister::tiles, Access::read, "tiles of arrays that the blocks are on"),
    core_row("status", CoreRegister::status, Access::read, "bit 0: busy"),
    core_row("state_words", CoreRegister::state_words, Access::read,
             "words of the state that was saved last"),
    core_row("image", CoreRegister::image, Access::read_write,
             "words of the image memory that are the image; 0: none"),
    core_row("outputs", CoreRegister::outputs, Access::read_write,
             "readouts of the network; to be set before the image"),
    core_row("device_tick", CoreRegister::device_tick, Access::read_write,
             "device time, in update intervals"),
    core_row("event", CoreRegister::event, Access::read_write,
             "number of the update or measurement that follows"),
    core_row("learns", CoreRegister::learns, Access::read_write,
             "0 off, 1 errors, 2 reward, 3 between_steps, 4 on_chip"),
    core_row("first_step", CoreRegister::first_step, Access::read_write,
             "number of the first step of a sample"),
    core_row("keeps_state", CoreRegister::keeps_state, Access::read_write,
             "1: a sample goes on where the last one ended"),
    core_row("steps_done", CoreRegister::steps_done, Access::read_write, "before the next step"),
    core_row("neuron_owners", CoreRegister::neuron_owners, Access::read_write, "entries of the owner table"),
    core_row("save_state", CoreRegister::save_state, Access::read_write,
             "unit whose state goes to the state memory"),
    core_row("restore_state", CoreRegister::restore_state, Access::read_write,
             "unit that takes its state from there"),
    core_row("pending_events", CoreRegister::pending_events, Access::read_write,
             "rows of waiting events that replace those that wait"),
    core_row("learning_words", CoreRegister::learning_words, Access::read, "words of the learning memory"),
    {.name = "counter",
     .offset = 4 * kCoreCounterWords,
     .text = "in the order of CoreStats",
     .type = WordType::u64,
     .count = kCoreCounters,
     .per = "counter"},
    {.name = "paged",
     .offset = host_register::page_offset,
     .access = Access::read_write,
     .text = "the page that the host interface selects: tables, states, weights, image",
     .allowed = Range::any(),
     .count = kPageWords,
     .per = "word"},
};
constexpr RegisterTable kCore{.name = "core", .text = "Window of a core.", .rows = kCoreRows};

constexpr Register kMapRows[] = {
    {.name = "host",
     .offset = 0,
     .text = "host interface",
     .count = 1,
     .stride = host_register::windows,
     .per = "",
     .table = &kHost},
    {.name = "core",
     .offset = host_register::windows,
     .text = "windows of the cores",
     .count = 4032,
     .stride = host_register::window_stride,
     .per = "core",
     .table = &kCore},
};
constexpr RegisterTable kMap{.name = "chip", .text = "Memory map of a chip.", .rows = kMapRows};
static_assert(bus::is_sound(kMap));

}  // namespace

const bus::RegisterTable& chip_map() {
    return kMap;
}

}  // namespace memprop::hw::chip
