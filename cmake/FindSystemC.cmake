# Finds SystemC through pkg-config (Debian ships no CMake package) and defines SystemC::systemc.
find_package(PkgConfig QUIET)
pkg_check_modules(PC_SystemC QUIET systemc)
find_path(SystemC_INCLUDE_DIR systemc HINTS ${PC_SystemC_INCLUDE_DIRS})
find_library(SystemC_LIBRARY systemc HINTS ${PC_SystemC_LIBRARY_DIRS})
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(SystemC REQUIRED_VARS SystemC_LIBRARY SystemC_INCLUDE_DIR
                                  VERSION_VAR PC_SystemC_VERSION)
if(SystemC_FOUND AND NOT TARGET SystemC::systemc)
  find_package(Threads REQUIRED)
  add_library(SystemC::systemc UNKNOWN IMPORTED)
  set_target_properties(SystemC::systemc PROPERTIES
    IMPORTED_LOCATION "${SystemC_LIBRARY}"
    # The library checks at link time that its users were built for the C++ version it was built for.
    INTERFACE_COMPILE_DEFINITIONS "SC_CPLUSPLUS=201703L"
    INTERFACE_LINK_LIBRARIES Threads::Threads
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${SystemC_INCLUDE_DIR}")
endif()
mark_as_advanced(SystemC_INCLUDE_DIR SystemC_LIBRARY)
