# muster-report-verify: `muster-report verify` as one static file. It links what its objects name, so that neither libpq
# nor libcurl nor libxlsxwriter is in it. Left out where a sanitizer is in, or a static library is missing.
option(MU_STATIC_VERIFY "build muster-report-verify, statically linked" ON)
if(NOT MU_STATIC_VERIFY OR MU_SANITIZE)
  return()
endif()

set(static_libraries "")
foreach(name sqlite3 expat jansson zstd z crypto)
  find_library(MU_STATIC_${name} NAMES lib${name}.a)
  if(NOT MU_STATIC_${name})
    message(STATUS "muster-report-verify is left out: there is no lib${name}.a")
    return()
  endif()
  list(APPEND static_libraries ${MU_STATIC_${name}})
endforeach()

set(own_libraries report_core mu_oci mu_json mu_base)
add_executable(muster-report-verify ${CMAKE_CURRENT_SOURCE_DIR}/report/src/static/main.c)
add_dependencies(muster-report-verify ${own_libraries})
target_include_directories(muster-report-verify PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/report/src
  ${CMAKE_CURRENT_SOURCE_DIR}/common)
list(TRANSFORM own_libraries REPLACE "(.+)" "$<TARGET_FILE:\\1>" OUTPUT_VARIABLE own_files)
target_link_libraries(muster-report-verify PRIVATE mu_warnings ${own_files} ${static_libraries} m)
target_link_options(muster-report-verify PRIVATE -static-pie -fno-lto -Wl,--gc-sections)
set_target_properties(muster-report-verify PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin
  LINK_DEPENDS "${own_files}")
# Position independent and static at once: CMake's own -pie would make it dynamic.
set_property(TARGET muster-report-verify PROPERTY POSITION_INDEPENDENT_CODE)
target_compile_options(muster-report-verify PRIVATE -fPIE)
# Optional: who builds the programs alone may install them alone.
install(TARGETS muster-report-verify RUNTIME DESTINATION bin OPTIONAL)
