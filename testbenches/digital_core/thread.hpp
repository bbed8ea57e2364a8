// Runs a function as the one SC_THREAD of a testbench; what it throws comes out of run_in_thread().
#pragma once

#include <exception>
#include <functional>
#include <systemc>

namespace memprop::tb {

class ThreadModule : public sc_core::sc_module {
public:
    SC_HAS_PROCESS(ThreadModule);

    ThreadModule(const sc_core::sc_module_name& name, std::function<void()> job)
        : sc_module(name), job_(std::move(job)) {
        SC_THREAD(run);
    }
    void rethrow() const {
        if (error_) {
            std::rethrow_exception(error_);
        }
    }

private:
    void run() {
        try {
            job_();
        } catch (const sc_core::sc_unwind_exception&) {
            throw;
        } catch (...) {
            error_ = std::current_exception();
        }
        sc_core::sc_stop();
    }

    std::function<void()> job_;
    std::exception_ptr error_;
};

inline void run_in_thread(std::function<void()> job) {
    ThreadModule thread("thread", std::move(job));
    sc_core::sc_start();
    thread.rethrow();
}

}  // namespace memprop::tb
