# GCC 12 generates wrong code for coroutines (double frees), and this project is made of coroutines.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  message(FATAL_ERROR
    "GCC ${CMAKE_CXX_COMPILER_VERSION} miscompiles C++ coroutines (double frees in co_await expressions). "
    "Use clang 19: ./dev build, or cmake -DCMAKE_CXX_COMPILER=clang++-19.")
endif()

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

option(PUSHGUARD_WARNINGS_AS_ERRORS "Treat compiler warnings as errors" OFF)
set(PUSHGUARD_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize= (address,undefined or thread)")
option(PUSHGUARD_COVERAGE "Instrument for llvm-cov" OFF)

add_library(pushguard_flags INTERFACE)
target_compile_options(pushguard_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Woverloaded-virtual
  $<$<BOOL:${PUSHGUARD_WARNINGS_AS_ERRORS}>:-Werror>)
target_include_directories(pushguard_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(pushguard_flags INTERFACE
  BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_VISIBILITY=1)

if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # Debian's lld carries its version in its name.
  string(REGEX MATCH "^[0-9]+" clang_major "${CMAKE_CXX_COMPILER_VERSION}")
  find_program(PUSHGUARD_LLD NAMES ld.lld-${clang_major} ld.lld)
  if(PUSHGUARD_LLD)
    add_link_options(--ld-path=${PUSHGUARD_LLD})
  endif()
endif()

if(PUSHGUARD_SANITIZE)
  set(sanitize_flags -fsanitize=${PUSHGUARD_SANITIZE} -fno-omit-frame-pointer -g1)
  if(PUSHGUARD_SANITIZE MATCHES "undefined")
    # -fsanitize=function objects to Asio's type-erased function pointers.
    list(APPEND sanitize_flags -fno-sanitize=function -fno-sanitize-recover=all)
  endif()
  add_compile_options(${sanitize_flags})
  add_link_options(${sanitize_flags})
endif()

if(PUSHGUARD_COVERAGE)
  add_compile_options(-fprofile-instr-generate -fcoverage-mapping)
  add_link_options(-fprofile-instr-generate)
endif()
