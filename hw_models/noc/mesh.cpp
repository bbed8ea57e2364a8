#include "hw_models/noc/mesh.hpp"

#include <string>
#include <utility>

#include "crossbar/base/error.hpp"

namespace memprop::hw::noc {

class FabricModule::Terminal : public FlitPortIf {
public:
    Terminal(FabricModule& module, std::uint32_t index) : module_(module), index_(index) {}

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

    void notify_space() { space_.notify(); }
    void notify_arrival() { arrival_.notify(); }

private:
    // A notification costs as much as a hop, so an event nobody ever asked for is not notified.
    class LazyEvent {
    public:
        const sc_core::sc_event& get() const {
            asked_for_ = true;
            return event_;
        }
        void notify() {
            if (asked_for_) {
                event_.notify(sc_core::SC_ZERO_TIME);
            }
        }

    private:
        sc_core::sc_event event_;
        mutable bool asked_for_ = false;
    };

    FabricModule& module_;
    std::uint32_t index_;
    LazyEvent space_, arrival_;
};

FabricModule::FabricModule(const sc_core::sc_module_name& name, Fabric fabric,
                           const sc_core::sc_time& clock_period)
    : sc_module(name), port("port", fabric.terminals()), fabric_(std::move(fabric)), period_(clock_period) {
    if (period_ == sc_core::SC_ZERO_TIME) {
        throw InputError(std::string(this->name()) + ".clock_period", 0, "must be at least 1 time unit");
    }
    for (std::uint32_t index = 0; index < fabric_.terminals(); ++index) {
        terminals_.push_back(std::make_unique<Terminal>(*this, index));
        port[index].bind(*terminals_.back());
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
    fabric_.step(cycle());
    for (const std::uint32_t index : fabric_.arrivals()) {
        terminals_[index]->notify_arrival();
    }
    for (const std::uint32_t index : fabric_.spaces()) {
        terminals_[index]->notify_space();
    }
    if (activity_is_heard_ && !(fabric_.arrivals().empty() && fabric_.spaces().empty())) {
        activity_.notify(sc_core::SC_ZERO_TIME);
    }
    sleep_until_due();
}

void FabricModule::sleep_until_due() {
    const std::uint64_t next = fabric_.next_cycle();
    if (next < planned_cycle_) {
        planned_cycle_ = next;
        const sc_core::sc_time due = sc_core::sc_time::from_value(next * period_.value());
        const sc_core::sc_time& now = sc_core::sc_time_stamp();
        due_.notify(due > now ? due - now : sc_core::SC_ZERO_TIME);
    }
}

}  // namespace memprop::hw::noc
