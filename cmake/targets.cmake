include(GNUInstallDirs)

# `unit`, `integration`, `interop`, `soak` and `style` build the tests of that label, `benchmarks` the benchmarks.
foreach(label unit integration interop soak style benchmarks)
  add_custom_target(${label})
endforeach()

# pushguard_library(NAME SOURCES file... DEPENDS target...)
# One static library per folder, named pushguard_NAME.
function(pushguard_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS;PRIVATE_DEPENDS" ${ARGN})
  add_library(pushguard_${name} STATIC ${arg_SOURCES})
  target_link_libraries(pushguard_${name} PUBLIC pushguard_flags ${arg_DEPENDS} PRIVATE ${arg_PRIVATE_DEPENDS})
endfunction()

# pushguard_test(NAME LABEL unit|integration|interop|soak|style SOURCES file... DEPENDS target...)
# One test program; CTest runs it whole, since a process per case costs more than the cases.
function(pushguard_test name)
  cmake_parse_arguments(arg "" "LABEL;TIMEOUT" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE pushguard_flags ${arg_DEPENDS} GTest::gmock GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE PUSHGUARD_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  add_dependencies(${arg_LABEL} ${name})
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT})
endfunction()
