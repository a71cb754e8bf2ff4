# How a component becomes a target. Sources are found by folder, so that adding a
# file needs no edit here.

# mu_component(NAME DIR LIBRARIES...): static library `NAME` of every .c below DIR
# except main.c; headers are included relative to services/common or to DIR.
function(mu_component name dir)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${dir}/*.c)
  list(FILTER sources EXCLUDE REGEX "/main\\.c$")
  add_library(${name} STATIC ${sources})
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE C)
  target_include_directories(${name} PUBLIC ${dir} ${CMAKE_SOURCE_DIR}/services/common)
  target_link_libraries(${name} PUBLIC ${ARGN} PRIVATE mu_warnings)
  mu_optimise_whole(${name})
endfunction()

# mu_optimise_whole(TARGET): its objects also hold what the linker of a program needs to optimise
# across files. Tests link the code that the same libraries hold compiled: a hundred programs optimised whole take minutes.
function(mu_optimise_whole target)
  if(MU_LTO)
    target_compile_options(${target} PRIVATE -flto=auto -ffat-lto-objects)
  endif()
endfunction()

# mu_service(SERVICE LIBRARIES...): `SERVICE_core` from services/SERVICE/src and the
# program `muster-SERVICE` from its main.c.
function(mu_service service)
  add_compile_definitions(MU_VERSION="${PROJECT_VERSION}")
  mu_component(${service}_core ${CMAKE_SOURCE_DIR}/services/${service}/src ${ARGN})
  add_executable(muster-${service} ${CMAKE_SOURCE_DIR}/services/${service}/src/main.c)
  target_link_libraries(muster-${service} PRIVATE ${service}_core mu_warnings)
  set_target_properties(muster-${service} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin POSITION_INDEPENDENT_CODE ON)
  if(MU_LTO)
    mu_optimise_whole(muster-${service})
    target_link_options(muster-${service} PRIVATE -O3 -flto=auto)
  endif()
  install(TARGETS muster-${service} RUNTIME DESTINATION bin)
endfunction()

# mu_unit_tests(COMPONENT LIBRARIES...): one cmocka program per tests/unit/COMPONENT/test_*.c;
# label `threads` for those that match MU_THREADED_UNITS.
function(mu_unit_tests component)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/unit/${component}/test_*.c)
  foreach(source ${sources})
    get_filename_component(stem ${source} NAME_WE)
    set(target unit_${component}_${stem})
    add_executable(${target} ${source})
    if(MU_SANITIZE STREQUAL "thread")
      target_sources(${target} PRIVATE ${CMAKE_SOURCE_DIR}/tests/support/tsan_c11_threads.c)
    endif()
    target_link_libraries(${target} PRIVATE ${ARGN} PkgConfig::CMOCKA mu_warnings)
    target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/tests/support)
    if(MU_LTO)
      target_link_options(${target} PRIVATE -fno-lto)
    endif()
    target_compile_definitions(${target} PRIVATE
      MU_TEST_DATA="${CMAKE_SOURCE_DIR}/tests/data" MU_SCHEMAS="${CMAKE_SOURCE_DIR}/schemas")
    add_test(NAME unit/${component}/${stem} COMMAND ${target})
    set(labels unit)
    foreach(pattern ${MU_THREADED_UNITS})
      if("${component}/${stem}" MATCHES "${pattern}")
        list(APPEND labels threads)
        add_dependencies(threads ${target})
      endif()
    endforeach()
    list(REMOVE_DUPLICATES labels)
    set_tests_properties(unit/${component}/${stem} PROPERTIES LABELS "${labels}" TIMEOUT 180
      ENVIRONMENT "TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/tsan.supp")
  endforeach()
endfunction()

# mu_fuzz_targets(COMPONENT LIBRARIES...): one libFuzzer program per
# tests/fuzz/COMPONENT/fuzz_*.c, run briefly on tests/fuzz/corpus/<parser>/.
function(mu_fuzz_targets component)
  if(NOT MU_FUZZ)
    return()
  endif()
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/fuzz/${component}/fuzz_*.c)
  foreach(source ${sources})
    get_filename_component(stem ${source} NAME_WE)
    string(REPLACE "fuzz_" "" parser ${stem})
    add_executable(${stem} ${source})
    target_link_libraries(${stem} PRIVATE ${ARGN} mu_warnings)
    target_link_options(${stem} PRIVATE -fsanitize=fuzzer)
    add_dependencies(fuzzers ${stem})
    add_test(NAME fuzz/${component}/${parser}
      COMMAND ${CMAKE_SOURCE_DIR}/tests/fuzz/run_brief.sh $<TARGET_FILE:${stem}>
              ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${parser})
    set_tests_properties(fuzz/${component}/${parser} PROPERTIES LABELS fuzz TIMEOUT 120)
  endforeach()
endfunction()

# mu_fuzz_event_kinds(LIBRARIES...): the target of event bodies once more for each kind of source, seeded with
# what tests/data/events/<kind>/ holds: headers, an empty line, the body. Brief, since there are many.
function(mu_fuzz_event_kinds)
  if(NOT MU_FUZZ)
    return()
  endif()
  file(GLOB bodies CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/data/events/*/*)
  list(FILTER bodies INCLUDE REGEX "\\.(json|ndjson|form|body)$")
  foreach(body ${bodies})
    get_filename_component(folder ${body} DIRECTORY)
    get_filename_component(kind ${folder} NAME)
    get_filename_component(stem ${body} NAME_WE)
    set(head "")
    if(EXISTS ${folder}/${stem}.headers)
      file(READ ${folder}/${stem}.headers head)
    endif()
    file(READ ${body} text)
    file(WRITE ${CMAKE_BINARY_DIR}/seeds/${kind}/${stem} "${head}\n${text}")
    list(APPEND kinds ${kind})
  endforeach()
  list(REMOVE_DUPLICATES kinds)
  foreach(kind ${kinds})
    add_executable(fuzz_events_${kind} ${CMAKE_SOURCE_DIR}/tests/fuzz/ingest/fuzz_event_body.c)
    target_compile_definitions(fuzz_events_${kind} PRIVATE FUZZ_KIND="${kind}")
    target_link_libraries(fuzz_events_${kind} PRIVATE ${ARGN} mu_warnings)
    target_link_options(fuzz_events_${kind} PRIVATE -fsanitize=fuzzer)
    add_dependencies(fuzzers fuzz_events_${kind})
    add_test(NAME fuzz/ingest/events/${kind}
      COMMAND ${CMAKE_SOURCE_DIR}/tests/fuzz/run_brief.sh $<TARGET_FILE:fuzz_events_${kind}>
              ${CMAKE_BINARY_DIR}/seeds/${kind} 1)
    set_tests_properties(fuzz/ingest/events/${kind} PROPERTIES LABELS fuzz TIMEOUT 120)
  endforeach()
endfunction()
