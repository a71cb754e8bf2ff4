# Compiles sql/migrations/*.sql into inventory_core as `inventory_migrations`
# (src/store/migrations.h). Runs twice: included by the build, it declares the rule; as a script
# (cmake -DOUTPUT=... -P migrations.cmake) it writes the C file.
set(migrations_dir ${CMAKE_CURRENT_LIST_DIR}/sql/migrations)

if(NOT CMAKE_SCRIPT_MODE_FILE)
  file(GLOB migration_files CONFIGURE_DEPENDS ${migrations_dir}/*.sql)
  set(generated ${CMAKE_CURRENT_BINARY_DIR}/inventory_migrations.c)
  add_custom_command(OUTPUT ${generated}
    COMMAND ${CMAKE_COMMAND} -DOUTPUT=${generated} -P ${CMAKE_CURRENT_LIST_FILE}
    DEPENDS ${migration_files} ${CMAKE_CURRENT_LIST_FILE}
    COMMENT "Embedding inventory migrations" VERBATIM)
  get_target_property(core_type inventory_core TYPE)
  if(core_type STREQUAL "STATIC_LIBRARY")
    target_sources(inventory_core PRIVATE ${generated})
  endif()
  return()
endif()

file(GLOB migration_files ${migrations_dir}/*.sql)
list(SORT migration_files)
set(rows "")
set(expected 0)
foreach(file ${migration_files})
  get_filename_component(name ${file} NAME_WE)
  string(REGEX MATCH "^0*([1-9][0-9]*)_[a-z0-9_]+$" matched ${name})
  math(EXPR expected "${expected} + 1")
  if(NOT "${CMAKE_MATCH_1}" STREQUAL "${expected}")
    message(FATAL_ERROR "${file}: expected migration number ${expected}")
  endif()
  file(READ ${file} text)
  string(REPLACE "\\" "\\\\" text "${text}")
  string(REPLACE "\"" "\\\"" text "${text}")
  string(REPLACE "\n" "\\n\"\n     \"" text "${text}")
  string(APPEND rows "    {${expected}, \"${name}\",\n     \"${text}\"},\n")
endforeach()
file(WRITE ${OUTPUT} "#include \"store/migrations.h\"\n\n"
  "const struct mu_pg_migration inventory_migrations[] = {\n${rows}};\n"
  "const size_t inventory_migration_count =\n"
  "    sizeof(inventory_migrations) / sizeof(inventory_migrations[0]);\n")
