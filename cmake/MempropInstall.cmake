# cmake --install: the model layers and the chip's mapper and loader for find_package(memprop) (component
# development) and the command-line program (component runtime). The rest of host_runtime belongs to the program and
# is not installed as a library.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(config_dir "${CMAKE_INSTALL_LIBDIR}/cmake/memprop")
set_target_properties(memprop_options PROPERTIES EXPORT_NAME options)
target_include_directories(memprop_options INTERFACE "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/memprop>")
install(TARGETS memprop_options memprop_crossbar memprop_network memprop_learning memprop_bus memprop_hw_models memprop_chip_host
  EXPORT memprop
  ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT development)
install(EXPORT memprop NAMESPACE memprop:: DESTINATION "${config_dir}" FILE memprop-targets.cmake
  COMPONENT development)
foreach(layer crossbar learning hw_models)
  install(DIRECTORY "${PROJECT_SOURCE_DIR}/${layer}" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/memprop"
    COMPONENT development
    FILES_MATCHING PATTERN "*.hpp"
    PATTERN "*-inl.hpp" EXCLUDE
    PATTERN tests EXCLUDE
    PATTERN benchmarks EXCLUDE)
endforeach()

foreach(header chip_session compile placement)
  install(FILES "${PROJECT_SOURCE_DIR}/host_runtime/chip/${header}.hpp" COMPONENT development
    DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/memprop/host_runtime/chip")
endforeach()

configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/memprop-config.cmake.in"
  "${PROJECT_BINARY_DIR}/memprop-config.cmake" INSTALL_DESTINATION "${config_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/memprop-config-version.cmake"
  COMPATIBILITY SameMinorVersion)
install(FILES
  "${PROJECT_BINARY_DIR}/memprop-config.cmake"
  "${PROJECT_BINARY_DIR}/memprop-config-version.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/FindSystemC.cmake"
  DESTINATION "${config_dir}" COMPONENT development)
install(TARGETS memprop RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT runtime)

# The examples are built as their users build them: against the installed package, in projects of their own.
if(BUILD_TESTING)
  set(install_tree "${PROJECT_BINARY_DIR}/install_test")
  add_test(NAME install COMMAND ${CMAKE_COMMAND} --install "${PROJECT_BINARY_DIR}" --component development
    --prefix "${install_tree}")
  set_tests_properties(install PROPERTIES FIXTURES_SETUP installed TIMEOUT 60)
  set(example_options "-DCMAKE_PREFIX_PATH=${install_tree}" "-DCMAKE_BUILD_TYPE=${CMAKE_BUILD_TYPE}")
  if(MEMPROP_SANITIZE)
    list(APPEND example_options "-DCMAKE_CXX_FLAGS=${MEMPROP_SANITIZER_FLAG}")
  endif()
  add_test(NAME example_tile_and_router COMMAND ${CMAKE_CTEST_COMMAND}
    --build-and-test "${PROJECT_SOURCE_DIR}/examples/tile_and_router" "${PROJECT_BINARY_DIR}/example_test"
    --build-generator "${CMAKE_GENERATOR}"
    --build-options ${example_options}
    --test-command tile_and_router)
  set_tests_properties(example_tile_and_router PROPERTIES FIXTURES_REQUIRED installed TIMEOUT 300)
  set(firmware_tree "${PROJECT_BINARY_DIR}/firmware_test")
  add_test(NAME example_firmware COMMAND ${CMAKE_CTEST_COMMAND}
    --build-and-test "${PROJECT_SOURCE_DIR}/examples/firmware" "${firmware_tree}"
    --build-generator "${CMAKE_GENERATOR}"
    --build-options ${example_options})
  set_tests_properties(example_firmware PROPERTIES FIXTURES_REQUIRED installed FIXTURES_SETUP firmware TIMEOUT 300)
  add_test(NAME e2e_firmware COMMAND /usr/bin/python3 "${PROJECT_SOURCE_DIR}/testbenches/e2e/test_firmware.py"
    $<TARGET_FILE:memprop> "${firmware_tree}")
  set_tests_properties(e2e_firmware PROPERTIES FIXTURES_REQUIRED firmware TIMEOUT 120)
  memprop_tell_tests_of_sanitizers()
endif()
