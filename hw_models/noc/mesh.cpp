#include "hw_models/noc/mesh.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "crossbar/base/error.hpp"

namespace memprop::hw::noc {

class FabricModule::Terminal : public FlitPortIf, public FlitQueueIf {
public:
    Terminal(FabricModule& module, std::uint32_t index) : module_(module), index_(index) {}

    std::uint32_t index() const { return index_; }

    // The port.
    SendResult try_send(const Flit& flit) override {
        const SendResult result = module_.fabric_.send(index_, flit, module_.cycle());
        module_.sleep_until_due();
        return result;
    }
    bool try_receive(Flit& flit) override {
        const bool received = module_.fabric_.receive(index_, flit, module_.cycle());
        module_.sleep_until_due();
        return received;
    }
    const sc_core::sc_event& space_event() const override { return space_.get(); }
    const sc_core::sc_event& arrival_event() const override { return arrival_.get(); }

    void notify_space(const sc_core::sc_time& delay) { space_.notify(delay); }
    void notify_arrival(const sc_core::sc_time& delay) { arrival_.notify(delay); }

    // The queue.
    void send(const Flit& flit) override {
        Flit now = flit;
        now.created_cycle = module_.cycle();
        send_later(now);
    }
    void send_later(const Flit& flit) override {
        const bool idle = to_leave_.empty();
        to_leave_.push_back(flit);
        if (idle) {
            module_.sending_.push_back(this);
            module_.next_send_cycle_ =
                std::min(module_.next_send_cycle_, std::max(flit.created_cycle, next_send_cycle));
            module_.sleep_until_due();
        }
    }
    bool take(ArrivedFlit& delivery) override {
        if (next_delivery_ == arrived_.size() || arrived_[next_delivery_].cycle > module_.cycle()) {
            return false;
        }
        delivery = arrived_[next_delivery_];
        if (++next_delivery_ == arrived_.size()) {
            arrived_.clear();
            next_delivery_ = 0;
        }
        return true;
    }
    const sc_core::sc_event& wake_event() const override { return wake_; }
    void set_wake_filter(bool (*wakes)(const Flit&)) override { wakes_ = wakes; }
    std::size_t waiting_to_leave() const override { return to_leave_.size() - next_to_leave_; }
    std::uint64_t stall_cycles() const override { return stall_cycles_; }

    bool is_queue() const { return wakes_ != nullptr; }
    const Flit& first_to_leave() const { return to_leave_[next_to_leave_]; }
    /// True if that was the last one.
    bool left() {
        if (++next_to_leave_ < to_leave_.size()) {
            return false;
        }
        to_leave_.clear();
        next_to_leave_ = 0;
        return true;
    }
    void block(std::uint64_t cycle) { blocked_since_ = cycle; }
    void unblock(std::uint64_t cycle) {
        stall_cycles_ += cycle - blocked_since_;
        blocked_since_ = kNever;
    }
    bool blocked() const { return blocked_since_ != kNever; }
    /// True if somebody is woken.
    template <class Delay>
    bool deliver(std::uint64_t cycle, const Delay& delay) {
        ArrivedFlit delivery{.flit = {}, .cycle = cycle};
        bool wakes = false;
        while (module_.fabric_.receive(index_, delivery.flit, cycle)) {
            arrived_.push_back(delivery);
            wakes = wakes || wakes_(delivery.flit);
        }
        if (wakes) {
            wake_.notify(delay());
        }
        return wakes;
    }

    std::uint64_t next_send_cycle = 0;

private:
    // A notification costs as much as a hop, so an event nobody ever asked for is not notified.
    class LazyEvent {
    public:
        const sc_core::sc_event& get() const {
            asked_for_ = true;
            return event_;
        }
        void notify(const sc_core::sc_time& delay) {
            if (asked_for_) {
                event_.notify(delay);
            }
        }

    private:
        sc_core::sc_event event_;
        mutable bool asked_for_ = false;
    };

    FabricModule& module_;
    std::uint32_t index_;
    LazyEvent space_, arrival_;
    sc_core::sc_event wake_;
    bool (*wakes_)(const Flit&) = nullptr;
    std::vector<Flit> to_leave_;
    std::vector<ArrivedFlit> arrived_;
    std::size_t next_to_leave_ = 0, next_delivery_ = 0;
    std::uint64_t blocked_since_ = kNever, stall_cycles_ = 0;
};

FabricModule::FabricModule(const sc_core::sc_module_name& name, Fabric fabric,
                           const sc_core::sc_time& clock_period)
    : sc_module(name),
      port("port", fabric.terminals()),
      queue("queue", fabric.terminals()),
      fabric_(std::move(fabric)),
      period_(clock_period) {
    if (period_ == sc_core::SC_ZERO_TIME) {
        throw InputError(std::string(this->name()) + ".clock_period", 0, "must be at least 1 time unit");
    }
    for (std::uint32_t index = 0; index < fabric_.terminals(); ++index) {
        terminals_.push_back(std::make_unique<Terminal>(*this, index));
        port[index].bind(*terminals_.back());
        queue[index].bind(*terminals_.back());
    }
    SC_HAS_PROCESS(FabricModule);
    SC_METHOD(step);
    sensitive << due_;
    dont_initialize();
}

FabricModule::~FabricModule() = default;

void FabricModule::step() {
    ++activations_;
    planned_cycle_ = kNever;
    std::uint64_t now = cycle();
    const std::uint64_t limit = first_cycle_of_others();
    while (!step_cycle(now)) {
        const std::uint64_t next = next_cycle();
        if (next >= limit) {
            break;
        }
        now = next;
    }
    sleep_until_due();
}

/// From when on others may call; kNever if nobody has anything to do.
std::uint64_t FabricModule::first_cycle_of_others() const {
    const auto* context = sc_core::sc_get_curr_simcontext();
    if (!runs_ahead_ || sc_core::sc_pending_activity_at_current_time(context)) {
        return 0;
    }
    if (!sc_core::sc_pending_activity_at_future_time(context)) {
        return kNever;
    }
    const sc_core::sc_time at = sc_core::sc_time_stamp() + sc_core::sc_time_to_pending_activity(context);
    return at.value() / period_.value();
}

std::uint64_t FabricModule::next_cycle() const {
    return std::min(fabric_.next_cycle(), next_send_cycle_);
}

/// True if somebody is told something.
bool FabricModule::step_cycle(std::uint64_t now) {
    next_send_cycle_ = kNever;
    std::erase_if(sending_, [&](Terminal* terminal) { return !send_queued(*terminal, now); });
    fabric_.step(now);
    const auto delay = [&] {
        const sc_core::sc_time at = sc_core::sc_time::from_value(now * period_.value());
        return at > sc_core::sc_time_stamp() ? at - sc_core::sc_time_stamp() : sc_core::SC_ZERO_TIME;
    };
    bool told = false;
    for (const std::uint32_t index : fabric_.arrivals()) {
        Terminal& terminal = *terminals_[index];
        if (terminal.is_queue()) {
            told = terminal.deliver(now, delay) || told;
        } else {
            terminal.notify_arrival(delay());
            told = true;
        }
    }
    for (const std::uint32_t index : fabric_.spaces()) {
        Terminal& terminal = *terminals_[index];
        if (!terminal.is_queue()) {
            terminal.notify_space(delay());
            told = true;
        } else if (terminal.blocked()) {
            terminal.unblock(now);
            if (send_queued(terminal, now)) {
                sending_.push_back(&terminal);
            }
        }
    }
    if (told && activity_is_heard_) {
        activity_.notify(delay());
    }
    return told;
}

/// Sends the next flit of a queue, if it may leave. False if nothing is left that could.
bool FabricModule::send_queued(Terminal& terminal, std::uint64_t now) {
    const std::uint64_t earliest =
        std::max(terminal.next_send_cycle, terminal.first_to_leave().created_cycle);
    if (now < earliest) {
        next_send_cycle_ = std::min(next_send_cycle_, earliest);
        return true;
    }
    if (fabric_.send(terminal.index(), terminal.first_to_leave(), now) == SendResult::full) {
        terminal.block(now);
        return false;
    }
    terminal.next_send_cycle = now + 1;
    if (terminal.left()) {
        return false;
    }
    next_send_cycle_ = std::min(next_send_cycle_, std::max(now + 1, terminal.first_to_leave().created_cycle));
    return true;
}

void FabricModule::sleep_until_due() {
    const std::uint64_t next = next_cycle();
    if (next < planned_cycle_) {
        planned_cycle_ = next;
        const sc_core::sc_time due = sc_core::sc_time::from_value(next * period_.value());
        const sc_core::sc_time& now = sc_core::sc_time_stamp();
        due_.notify(due > now ? due - now : sc_core::SC_ZERO_TIME);
    }
}

}  // namespace memprop::hw::noc
