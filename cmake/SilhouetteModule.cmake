# silhouette_module(NAME [SOURCES …] [DEPS modules…] [LIBS other targets…] [TESTS …] [TEST_LIBS …] [ONE_THREAD])
#
# One folder below src/ = one static library silhouette_NAME, and one test program silhouette_NAME_test from the *_test.cpp
# beside the sources. Includes are written from src/ ("image/decode.hpp") and from include/ ("silhouette/error.hpp").
# ONE_THREAD is the tests', see silhouette_test.
function(silhouette_module name)
  cmake_parse_arguments(arg "ONE_THREAD" "" "SOURCES;DEPS;LIBS;TESTS;TEST_LIBS" ${ARGN})
  add_library(silhouette_${name} STATIC ${arg_SOURCES})
  target_include_directories(silhouette_${name} PUBLIC
    ${PROJECT_SOURCE_DIR}/src ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR}/include)
  silhouette_warnings(silhouette_${name})
  silhouette_small_frames(silhouette_${name})
  list(TRANSFORM arg_DEPS PREPEND silhouette_)
  target_link_libraries(silhouette_${name} PUBLIC ${arg_DEPS} PRIVATE ${arg_LIBS} fmt::fmt Threads::Threads)
  if(SILHOUETTE_TESTS AND arg_TESTS)
    set(threads)
    if(arg_ONE_THREAD)
      set(threads ONE_THREAD)
    endif()
    silhouette_test(silhouette_${name}_test ${threads} SOURCES ${arg_TESTS} LIBS silhouette_${name} ${arg_TEST_LIBS})
  endif()
endfunction()

# silhouette_link_models(): what is built in this folder finds the models in the source tree. By a link, so that nothing which
# is installed knows where it was built.
function(silhouette_link_models)
  file(CREATE_LINK ${PROJECT_SOURCE_DIR}/models ${CMAKE_CURRENT_BINARY_DIR}/models SYMBOLIC)
endfunction()

# silhouette_test(NAME [ONE_THREAD] SOURCES … LIBS …): a GoogleTest program whose tests ctest knows one by one. With ONE_THREAD
# nothing in it has a second thread, or nothing that other programs' tests don't have: no such test for the thread sanitizer.
function(silhouette_test name)
  cmake_parse_arguments(arg "ONE_THREAD" "" "SOURCES;LIBS" ${ARGN})
  if(arg_ONE_THREAD AND SILHOUETTE_SANITIZE MATCHES "thread")
    return()
  endif()
  add_executable(${name} ${arg_SOURCES})
  silhouette_link_models()
  silhouette_warnings(${name})
  # Tests are compiled far more often than they run.
  target_compile_options(${name} PRIVATE $<$<NOT:$<CONFIG:Debug>>:-O1>)
  if(SILHOUETTE_SANITIZE MATCHES "undefined")
    # What is looked for is in what they test, and takes twice as long to compile.
    target_compile_options(${name} PRIVATE -fno-sanitize=undefined,fuzzer-no-link)
  endif()
  target_link_libraries(${name} PRIVATE ${arg_LIBS} silhouette_test_support fmt::fmt GTest::gmock GTest::gtest_main Threads::Threads)
  silhouette_sanitizer_environment(environment)
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60 PROPERTIES TIMEOUT 600 ENVIRONMENT "${environment}")
endfunction()

# silhouette_instruction_set_tests(NAME FILTER): those tests of the program once more for every value of SILHOUETTE_ISA, as each
# is read once a process, and for one that isn't known.
function(silhouette_instruction_set_tests name filter)
  if(NOT SILHOUETTE_TESTS)
    return()
  endif()
  silhouette_sanitizer_environment(environment)
  foreach(set portable avx2 avx512 unknown)
    add_test(NAME ${name}_${set} COMMAND ${name} --gtest_filter=${filter} WORKING_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
    set_tests_properties(${name}_${set} PROPERTIES TIMEOUT 600 ENVIRONMENT "SILHOUETTE_ISA=${set};${environment}")
  endforeach()
endfunction()

# silhouette_sanitizer_environment(VARIABLE): what tests have in their environment. Leaks that aren't ours are listed; races inside
# libraries that aren't instrumented can't be judged. One variable at a time: a list would not survive the discovery of tests.
function(silhouette_sanitizer_environment variable)
  if(SILHOUETTE_SANITIZE MATCHES "thread")
    set(${variable} "TSAN_OPTIONS=ignore_noninstrumented_modules=1:suppressions=${PROJECT_SOURCE_DIR}/tests/tsan.supp" PARENT_SCOPE)
  else()
    set(${variable} "LSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/lsan.supp:print_suppressions=0" PARENT_SCOPE)
  endif()
endfunction()

# silhouette_small_frames(TARGET): no function takes more of the stack than 32 KB: a caller's threads may have little. Scratch
# belongs to workers. Sanitizers and unoptimised code take more.
function(silhouette_small_frames target)
  if(NOT SILHOUETTE_SANITIZE)
    target_compile_options(${target} PRIVATE $<$<NOT:$<CONFIG:Debug>>:-Wframe-larger-than=32768>)
  endif()
endfunction()

function(silhouette_warnings target)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wnon-virtual-dtor -Wold-style-cast -Wcast-qual
    -Woverloaded-virtual -Wundef
    # GCC 12 sees overlaps in `"text" + std::string` that aren't there (GCC bug 105651).
    $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
  if(SILHOUETTE_SANITIZE)
    # Instrumented code confuses g++; what it says of it is no error in the presets, and these are never true.
    target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized;-Wno-free-nonheap-object>)
  endif()
endfunction()
