# The few functions every CMakeLists.txt of the project uses.

# What all our own code is compiled with. Floating-point results must not depend on the machine:
# no contraction to fused multiply-add, never -ffast-math; -fno-math-errno only lets sqrt vectorise.
add_library(memprop_options INTERFACE)
target_compile_features(memprop_options INTERFACE cxx_std_20)
target_include_directories(memprop_options INTERFACE "$<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>")
target_compile_options(memprop_options INTERFACE -ffp-contract=off -fno-math-errno)
add_library(memprop_warnings INTERFACE)
target_compile_options(memprop_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Werror)

set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
string(REPLACE "-O2" "-O3" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")
if(MEMPROP_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
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

# memprop_add_tests(NAME SOURCES ... LINK ...): a doctest program; each test case is a CTest test
# and so runs in its own process, as the SystemC kernel elaborates once per process.
function(memprop_add_tests name)
  if(NOT BUILD_TESTING)
    return()
  endif()
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LINK" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} memprop_warnings doctest::doctest)
  target_compile_definitions(${name} PRIVATE
    MEMPROP_TEST_DATA="${PROJECT_SOURCE_DIR}/testbenches/data"
    MEMPROP_REFERENCE_DATA="${PROJECT_SOURCE_DIR}/testbenches/reference")
  doctest_discover_tests(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT})
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
