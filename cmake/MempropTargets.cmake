# The few functions every CMakeLists.txt of the project uses.

# What all our own code is compiled with. Floating-point results must not depend on the machine:
# no contraction to fused multiply-add, never -ffast-math; -fno-math-errno only lets sqrt vectorise. Nobody puts other
# functions before ours, so position-independent code may inline them.
add_library(memprop_options INTERFACE)
target_compile_features(memprop_options INTERFACE cxx_std_20)
target_include_directories(memprop_options INTERFACE "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>")
target_compile_options(memprop_options INTERFACE -ffp-contract=off -fno-math-errno
  -fno-semantic-interposition)
add_library(memprop_warnings INTERFACE)
target_compile_options(memprop_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Werror)

set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
string(REPLACE "-O2" "-O3" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")
# The SystemC library wants an sc_main of every program that loads it, so those without modules must not. gcc has this
# by default, but not with sanitizers.
add_link_options(LINKER:--as-needed)
if(MEMPROP_SANITIZE)
  if(MEMPROP_SANITIZE STREQUAL "address")
    set(MEMPROP_SANITIZER_FLAG -fsanitize=address,undefined)
  elseif(MEMPROP_SANITIZE STREQUAL "thread")
    set(MEMPROP_SANITIZER_FLAG -fsanitize=thread)
    add_compile_options(-Wno-tsan)  # fences of Boost.Asio, beside locks that ThreadSanitizer sees
  else()
    message(FATAL_ERROR "MEMPROP_SANITIZE = ${MEMPROP_SANITIZE}: must be address, thread or empty")
  endif()
  add_compile_options(${MEMPROP_SANITIZER_FLAG} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(${MEMPROP_SANITIZER_FLAG})
  set(MEMPROP_TEST_SLOWDOWN 5)
  # For programs that simulate SystemC modules: LeakSanitizer dies of the guard pages of their processes' stacks.
  set(MEMPROP_SYSTEMC_SANITIZERS ASAN_OPTIONS=detect_leaks=0)
else()
  set(MEMPROP_TEST_SLOWDOWN 1)
endif()

if(MEMPROP_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
endif()

# memprop_add_library(NAME SOURCES ... LINK ...): the library target of one folder, memprop::NAME.
function(memprop_add_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_library(memprop_${name} STATIC ${ARG_SOURCES})
  add_library(memprop::${name} ALIAS memprop_${name})
  set_target_properties(memprop_${name} PROPERTIES EXPORT_NAME ${name})
  target_link_libraries(memprop_${name} PUBLIC memprop_options ${ARG_LINK} PRIVATE $<BUILD_INTERFACE:memprop_warnings>)
endfunction()

# memprop_add_tests(NAME SOURCES ... LINK ... [TIMEOUT S] [LABELS ...]): a doctest program; each test case is a
# CTest test and so runs in its own process, as the SystemC kernel elaborates once per process. The label
# `threads` is for what ThreadSanitizer is to see.
function(memprop_add_tests name)
  if(NOT BUILD_TESTING)
    return()
  endif()
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LINK;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} memprop_warnings doctest::doctest)
  target_compile_definitions(${name} PRIVATE
    MEMPROP_TEST_DATA="${PROJECT_SOURCE_DIR}/testbenches/data"
    MEMPROP_REFERENCE_DATA="${PROJECT_SOURCE_DIR}/testbenches/reference")
  math(EXPR ARG_TIMEOUT "${MEMPROP_TEST_SLOWDOWN} * ${ARG_TIMEOUT}")
  if(ARG_LABELS)
    set(labels LABELS ${ARG_LABELS})
  endif()
  if(MEMPROP_SANITIZE AND NOT ARG_SOURCES MATCHES "crossbar/tests/main.cpp" AND
     NOT CMAKE_CURRENT_SOURCE_DIR MATCHES "/crossbar")
    set(environment ENVIRONMENT ${MEMPROP_SYSTEMC_SANITIZERS})
  endif()
  doctest_discover_tests(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} ${labels} ${environment})
endfunction()

# memprop_tell_tests_of_sanitizers(): gives the tests that a folder has added by add_test the time that sanitizers
# take, and the environment variable MEMPROP_SANITIZED for what cannot be checked under them: SystemC changes stacks
# without telling AddressSanitizer, which then misjudges exceptions.
function(memprop_tell_tests_of_sanitizers)
  if(NOT MEMPROP_SANITIZE OR NOT BUILD_TESTING)
    return()
  endif()
  get_property(tests DIRECTORY PROPERTY TESTS)
  foreach(test IN LISTS tests)
    get_test_property(${test} TIMEOUT timeout)
    if(timeout)
      math(EXPR timeout "${MEMPROP_TEST_SLOWDOWN} * ${timeout}")
      set_tests_properties(${test} PROPERTIES TIMEOUT ${timeout})
    endif()
    get_test_property(${test} ENVIRONMENT environment)
    if(NOT environment)
      set(environment "")
    endif()
    list(APPEND environment MEMPROP_SANITIZED=1 ${MEMPROP_SYSTEMC_SANITIZERS})
    set_tests_properties(${test} PROPERTIES ENVIRONMENT "${environment}")
  endforeach()
endfunction()

# memprop_add_benchmark(NAME SOURCES ... LINK ...): a Google Benchmark program.
function(memprop_add_benchmark name)
  if(NOT MEMPROP_BENCHMARKS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} memprop_warnings benchmark::benchmark)
endfunction()
