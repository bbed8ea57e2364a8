# Run as a script at every build: writes OUTPUT with the version of the program, which is the project's
# version and a hash of the sources and compiler options that decide its numbers. The same sources give
# the same version on every machine, with or without git; any change of them gives another one.
#   cmake -DSOURCE_DIR=... -DPROJECT_VERSION=... -DTEMPLATE=... -DOUTPUT=... -P SourceVersion.cmake
set(patterns)
foreach(layer crossbar learning hw_models host_runtime)
  list(APPEND patterns "${SOURCE_DIR}/${layer}/*.cpp" "${SOURCE_DIR}/${layer}/*.hpp")
endforeach()
file(GLOB_RECURSE files RELATIVE "${SOURCE_DIR}" ${patterns})
list(FILTER files EXCLUDE REGEX "/(tests|benchmarks)/")
list(APPEND files cmake/MempropTargets.cmake)
list(SORT files)
set(all "")
foreach(file IN LISTS files)
  file(SHA256 "${SOURCE_DIR}/${file}" hash)
  string(APPEND all "${hash} ${file}\n")
endforeach()
string(SHA256 SOURCE_HASH "${all}")
string(SUBSTRING "${SOURCE_HASH}" 0 16 SOURCE_HASH)
configure_file("${TEMPLATE}" "${OUTPUT}" @ONLY)  # leaves an unchanged file untouched
