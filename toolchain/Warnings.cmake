# mu_warnings: the flags every first-party target links PRIVATE.
# Warnings, hardening and the sanitizers live here and nowhere else.
option(MU_WERROR "Turn warnings into errors" ON)
set(MU_SANITIZE "" CACHE STRING "Sanitizers, comma separated: address,undefined or thread")
option(MU_LTO "Optimise the services' programs as a whole when they are linked (gcc)" OFF)
option(MU_FUZZ "Build the libFuzzer targets (clang only)" OFF)

add_library(mu_warnings INTERFACE)
target_compile_options(mu_warnings INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion
  -Wformat=2 -Wundef -Wvla -Wcast-qual -Wcast-align -Wpointer-arith
  -Wwrite-strings -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
  -Wnull-dereference -Wdouble-promotion -Wimplicit-fallthrough
  -Werror=implicit-function-declaration -Werror=incompatible-pointer-types
  -Werror=int-conversion -Werror=return-type -Werror=unused-result
  $<$<C_COMPILER_ID:GNU>:-Wlogical-op -Wduplicated-cond -Wduplicated-branches -Warith-conversion>
  $<$<BOOL:${MU_WERROR}>:-Werror>
  -fno-common -fstack-protector-strong)
target_compile_definitions(mu_warnings INTERFACE
  _GNU_SOURCE
  $<$<CONFIG:Release,RelWithDebInfo>:_FORTIFY_SOURCE=2>)
target_link_options(mu_warnings INTERFACE -Wl,-z,relro -Wl,-z,now)

if(MU_SANITIZE)
  target_compile_options(mu_warnings INTERFACE
    -fsanitize=${MU_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(mu_warnings INTERFACE -fsanitize=${MU_SANITIZE})
endif()

if(MU_FUZZ)
  target_compile_options(mu_warnings INTERFACE -fsanitize=fuzzer-no-link)
endif()
