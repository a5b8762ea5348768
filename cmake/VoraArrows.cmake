# Which libraries may include which: what a target names in DEPS, and what those name, is all that its files include from libs/ and services/.
# Checked at each build that changed something: a missing name fails it, as the linker would if it kept the libraries apart.
#
# vora_arrows(TARGET DEPS)   notes a library; its folder is VORA_FOLDER, or the current one
function(vora_arrows target deps)
  if(NOT VORA_FOLDER)
    set(VORA_FOLDER ${CMAKE_CURRENT_SOURCE_DIR})
  endif()
  file(RELATIVE_PATH folder ${CMAKE_SOURCE_DIR} ${VORA_FOLDER})
  list(FILTER deps INCLUDE REGEX "^vora")
  list(JOIN deps " " deps)
  set_property(GLOBAL APPEND_STRING PROPERTY VORA_ARROWS "${target}|${folder}|${deps}\n")
endfunction()

# Once, after every library: the check itself, a part of `all`.
function(vora_check_arrows)
  get_property(arrows GLOBAL PROPERTY VORA_ARROWS)
  file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/arrows.txt CONTENT "${arrows}")
  file(GLOB_RECURSE files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/libs/*.h ${CMAKE_SOURCE_DIR}/libs/*.cc ${CMAKE_SOURCE_DIR}/services/*.h
       ${CMAKE_SOURCE_DIR}/services/*.cc)
  list(FILTER files EXCLUDE REGEX "/node_modules/")
  add_custom_command(
    OUTPUT ${CMAKE_BINARY_DIR}/arrows.stamp
    COMMAND ${CMAKE_COMMAND} -DARROWS=${CMAKE_BINARY_DIR}/arrows.txt -DROOT=${CMAKE_SOURCE_DIR} -DSTAMP=${CMAKE_BINARY_DIR}/arrows.stamp
            -P ${CMAKE_SOURCE_DIR}/cmake/check_arrows.cmake
    DEPENDS ${CMAKE_BINARY_DIR}/arrows.txt ${CMAKE_SOURCE_DIR}/cmake/check_arrows.cmake ${files}
    COMMENT "Checking which library includes which")
  add_custom_target(arrows ALL DEPENDS ${CMAKE_BINARY_DIR}/arrows.stamp)
endfunction()
