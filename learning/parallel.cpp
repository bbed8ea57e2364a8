#include "learning/parallel.hpp"

#include <fmt/format.h>

#include <system_error>

#include "crossbar/base/error.hpp"

namespace memprop::learning {

ThreadPool::ThreadPool(std::size_t threads) {
    helpers_.reserve(threads);
    try {
        for (std::size_t i = 1; i < threads; ++i) {
            helpers_.emplace_back([this] { help(); });
        }
    } catch (const std::system_error& error) {
        const std::size_t started = helpers_.size() + 1;
        stop();
        throw RunError(fmt::format("only {} of {} threads can be started ({}); run.threads sets their number",
                                   started, threads, error.code().message()));
    } catch (...) {
        stop();
        throw;
    }
}

ThreadPool::~ThreadPool() {
    stop();
}

void ThreadPool::stop() {
    {
        const std::lock_guard lock(mutex_);
        stop_ = true;
    }
    wake_.notify_all();
    for (std::thread& helper : helpers_) {
        helper.join();
    }
}

void ThreadPool::help() {
    std::unique_lock lock(mutex_);
    for (;;) {
        wake_.wait(lock, [&] { return stop_ || next_ < count_; });
        if (stop_) {
            return;
        }
        work(lock);
    }
}

void ThreadPool::work(std::unique_lock<std::mutex>& lock) {
    while (next_ < count_) {
        const std::size_t index = next_++;
        ++running_;
        lock.unlock();
        std::exception_ptr error;
        try {
            (*job_)(index);
        } catch (...) {
            error = std::current_exception();
        }
        lock.lock();
        errors_[index] = error;
        --running_;
    }
    if (running_ == 0) {
        done_.notify_all();
    }
}

void ThreadPool::run(std::size_t count, const std::function<void(std::size_t)>& job) {
    std::unique_lock lock(mutex_);
    job_ = &job;
    next_ = 0;
    count_ = count;
    errors_.assign(count, nullptr);
    wake_.notify_all();
    work(lock);
    done_.wait(lock, [&] { return running_ == 0; });
    count_ = next_ = 0;
    for (const std::exception_ptr& error : errors_) {
        if (error) {
            std::rethrow_exception(error);
        }
    }
}

}  // namespace memprop::learning
