# vora_library(NAME [DEPS target...] [TEST_SUITES])   one folder = one library `vora_NAME`; *_test.cc become the program `NAME_test`
# vora_daemon(BINARY [DEPS target...] [TEST_SUITES])  one folder = one program; everything but main.cc lies in a library of its own,
#                                       so that tests can link it; *_test.cc become the program `BINARY_test`
#                                       Its tests are entries of ctest, `NAME_test.Suite.Test`. With TEST_SUITES each suite is one,
#                                       `NAME_test.Suite`: where each process starts a PostgreSQL or ClickHouse of its own
# vora_room(PARENT ROOM [DEPS target...])  a folder inside one of those = a library `PARENT-ROOM`, named before the parent, which depends on it;
#                                       its *_test.cc go into the parent's test
# A library includes only headers of what it names in DEPS, and of what those name (cmake/VoraArrows.cmake checks it at each build).
# Sources are globbed: a new file in the folder needs no edit here. Files ending in _fuzz.cc and _bench.cc are left out.
# What the tests of several libraries share is a library `NAME_testing` in the folder `testing` of NAME.
# The sources of a library are compiled together, and so are those of a daemon, and the tests of either: most of a file's time goes into the
# headers that its neighbours include too. Names in anonymous namespaces are therefore unique in a folder. OFF compiles each file by itself.
option(VORA_UNITY "Compile the sources of a library as one" ON)
set(VORA_SANITIZE "" CACHE STRING "Sanitizers for all targets, e.g. address,undefined or thread")

include(GoogleTest)

add_library(vora_options INTERFACE)
target_include_directories(vora_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(vora_options INTERFACE -Wall -Wextra -Wconversion -Werror -Wno-psabi)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 is wrong about "literal" + std::string (-Wrestrict, GCC bug 105651), and about the frames of Asio's coroutines once it has
  # inlined their allocation function but not its counterpart (-Wmismatched-new-delete).
  target_compile_options(vora_options INTERFACE -Wno-restrict -Wno-mismatched-new-delete $<$<COMPILE_LANGUAGE:CXX>:-fcoroutines>)
endif()
if(VORA_UNITY AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Every file is included then, and g++ takes them all for headers, in which a class must not hold what is in an anonymous namespace.
  target_compile_options(vora_options INTERFACE -Wno-subobject-linkage)
endif()
if(VORA_SANITIZE)
  target_compile_options(vora_options INTERFACE -fsanitize=${VORA_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(vora_options INTERFACE -fsanitize=${VORA_SANITIZE})
  if(VORA_SANITIZE MATCHES "thread")
    # Asio's fences: the sanitizer does not model them and says so.
    target_compile_options(vora_options INTERFACE -Wno-tsan)
  endif()
endif()

function(_vora_sources out_main out_srcs out_tests)
  file(GLOB srcs CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  set(tests ${srcs})
  get_property(rooms DIRECTORY PROPERTY VORA_ROOM_TESTS)
  list(APPEND tests ${rooms})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER srcs EXCLUDE REGEX "(_test|_fuzz|_bench|/main)\\.cc$")
  set(main "")
  if(EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/main.cc)
    set(main ${CMAKE_CURRENT_SOURCE_DIR}/main.cc)
  endif()
  set(${out_main} "${main}" PARENT_SCOPE)
  set(${out_srcs} "${srcs}" PARENT_SCOPE)
  set(${out_tests} "${tests}" PARENT_SCOPE)
endfunction()

function(_vora_tests name lib tests by_suite)
  if(NOT tests)
    return()
  endif()
  add_executable(${name}_test ${tests})
  # What is tested is optimised, the tests themselves need not be: they build in half the time.
  target_compile_options(${name}_test PRIVATE -O0)
  vora_unity(${name}_test)
  target_link_libraries(${name}_test PRIVATE ${lib} vora_options vora_testing GTest::gmock GTest::gtest_main)
  vora_gtest(${name}_test unit ${by_suite})
endfunction()

# Where each entry of ctest leaves its report; tests/run.sh counts them.
set(VORA_TEST_RESULTS ${CMAKE_BINARY_DIR}/test-results)

function(vora_gtest program label by_suite)
  set(properties LABELS ${label} TIMEOUT 600 ENVIRONMENT VORA_SOURCE_DIR=${CMAKE_SOURCE_DIR})
  if(NOT by_suite)
    gtest_discover_tests(${program} TEST_PREFIX ${program}. NO_PRETTY_VALUES DISCOVERY_TIMEOUT 60 XML_OUTPUT_DIR ${VORA_TEST_RESULTS}
                         PROPERTIES ${properties})
    return()
  endif()
  set(entries ${CMAKE_CURRENT_BINARY_DIR}/${program}_suites.cmake)
  add_custom_command(TARGET ${program} POST_BUILD BYPRODUCTS ${entries} VERBATIM
    COMMAND ${CMAKE_COMMAND} -DPROGRAM=$<TARGET_FILE:${program}> -DNAME=${program} -DOUT=${entries} -DRESULTS=${VORA_TEST_RESULTS}
            "-DPROPERTIES=${properties}" -P ${CMAKE_SOURCE_DIR}/cmake/discover_suites.cmake)
  # A program that is not built yet is named, and fails.
  set(include ${CMAKE_CURRENT_BINARY_DIR}/${program}_include.cmake)
  file(WRITE ${include} "if(EXISTS [[${entries}]])\n  include([[${entries}]])\nelse()\n  add_test(${program}_NOT_BUILT ${program}_NOT_BUILT)\nendif()\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${include})
endfunction()

function(vora_unity target)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${VORA_UNITY} UNITY_BUILD_BATCH_SIZE 0)
endfunction()

function(_vora_archive target srcs deps)
  if(srcs)
    add_library(${target} STATIC ${srcs})
    target_link_libraries(${target} PUBLIC vora_options ${deps})
    vora_unity(${target})
  else()
    add_library(${target} INTERFACE)
    target_link_libraries(${target} INTERFACE vora_options ${deps})
  endif()
  vora_arrows(${target} "${deps}")
endfunction()

function(vora_room parent room)
  cmake_parse_arguments(A "" "" "DEPS" ${ARGN})
  file(GLOB srcs CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${room}/*.cc)
  set(tests ${srcs})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER srcs EXCLUDE REGEX "(_test|_fuzz|_bench)\\.cc$")
  set_property(DIRECTORY APPEND PROPERTY VORA_ROOM_TESTS ${tests})
  set(VORA_FOLDER ${CMAKE_CURRENT_SOURCE_DIR}/${room})
  # Nobody but a daemon links its rooms: they are compiled as one, so that the headers are read once. Those of libs/ are archives of their
  # own, since a worker has no use for the engine's.
  if(VORA_UNITY AND parent MATCHES "^vora-")
    set_property(DIRECTORY APPEND PROPERTY VORA_ROOM_SOURCES ${srcs})
    set(srcs "")
  endif()
  _vora_archive(${parent}-${room} "${srcs}" "${A_DEPS}")
endfunction()

# vora_room_sources(TARGET file...)   generated sources of a room, after its daemon is declared
function(vora_room_sources target)
  get_target_property(type ${target} TYPE)
  if(type STREQUAL INTERFACE_LIBRARY)
    string(REGEX REPLACE "-[^-]+$" "-lib" target ${target})
  endif()
  target_sources(${target} PRIVATE ${ARGN})
endfunction()

function(vora_library name)
  cmake_parse_arguments(A "TEST_SUITES" "" "DEPS" ${ARGN})
  _vora_sources(main srcs tests)
  _vora_archive(vora_${name} "${srcs}" "${A_DEPS}")
  _vora_tests(${name} vora_${name} "${tests}" ${A_TEST_SUITES})
endfunction()

# An executable whose time goes into many small allocations (ADR 28). Sanitizers bring an allocator of their own.
function(vora_many_allocations binary)
  if(NOT VORA_SANITIZE)
    target_link_libraries(${binary} PRIVATE PkgConfig::JEMALLOC)
  endif()
endfunction()

function(vora_daemon binary)
  cmake_parse_arguments(A "TEST_SUITES" "" "DEPS" ${ARGN})
  _vora_sources(main srcs tests)
  get_property(rooms DIRECTORY PROPERTY VORA_ROOM_SOURCES)
  _vora_archive(${binary}-lib "${srcs};${rooms}" "${A_DEPS}")
  _vora_tests(${binary} ${binary}-lib "${tests}" ${A_TEST_SUITES})
  if(main)
    add_executable(${binary} ${main})
    target_link_libraries(${binary} PRIVATE ${binary}-lib vora_options)
  endif()
endfunction()
