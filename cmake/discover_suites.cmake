# Writes a ctest entry for each suite of a program of gtest, as gtest_discover_tests does for each test.
# cmake -DPROGRAM=path -DNAME=name -DOUT=file -DRESULTS=folder -DPROPERTIES=list -P discover_suites.cmake
execute_process(COMMAND ${PROGRAM} --gtest_list_tests OUTPUT_VARIABLE lines COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "(^|\n)[A-Za-z0-9_/]+\\." suites "${lines}")
if(NOT suites)
  message(FATAL_ERROR "${PROGRAM} has no tests")
endif()
set(entries "")
foreach(suite IN LISTS suites)
  string(REGEX REPLACE "^\n|\\.$" "" suite "${suite}")
  string(APPEND entries
    "add_test([[${NAME}.${suite}]] [[${PROGRAM}]] [[--gtest_filter=${suite}.*]] [[--gtest_output=xml:${RESULTS}/${NAME}.${suite}.xml]])\n"
    "set_tests_properties([[${NAME}.${suite}]] PROPERTIES ${PROPERTIES})\n")
endforeach()
file(WRITE ${OUT} "${entries}")
