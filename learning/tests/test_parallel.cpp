#include <doctest/doctest.h>
#include <pthread.h>

#include <atomic>
#include <stdexcept>
#include <string>

#include "crossbar/base/error.hpp"
#include "learning/parallel.hpp"

using memprop::RunError;
using memprop::learning::ThreadPool;

TEST_CASE("a pool runs every job once and gives on the first exception of the lowest") {
    ThreadPool pool(3);
    std::atomic<int> sum = 0;
    pool.run(100, [&](std::size_t i) { sum += static_cast<int>(i); });
    CHECK(sum == 4950);
    try {
        pool.run(10, [](std::size_t i) { throw std::runtime_error(std::to_string(i)); });
        FAIL("no exception");
    } catch (const std::runtime_error& error) {
        CHECK(std::string(error.what()) == "0");
    }
}

TEST_CASE("threads that the system does not give are an error that says so") {
    pthread_attr_t attributes, usual;
    REQUIRE(pthread_getattr_default_np(&usual) == 0);
    REQUIRE(pthread_attr_init(&attributes) == 0);
    constexpr std::size_t kMoreThanThereIs = std::size_t{1} << 47;  // the address space of a process
    REQUIRE(pthread_attr_setstacksize(&attributes, kMoreThanThereIs) == 0);
    REQUIRE(pthread_setattr_default_np(&attributes) == 0);
    std::string message;
    try {
        ThreadPool pool(2);
    } catch (const RunError& error) {
        message = error.what();
    }
    REQUIRE(pthread_setattr_default_np(&usual) == 0);
    CHECK(message.find("only 1 of 2 threads") == 0);
    CHECK(message.find("run.threads") != std::string::npos);
    CHECK(ThreadPool(2).threads() == 2);
}
