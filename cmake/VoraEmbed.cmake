# vora_embed_migrations(TARGET HEADER NAMESPACE TYPE)   migrations/NNNN_name.sql of this folder, built into TARGET in order as
#   const std::vector<TYPE>& Migrations();
# in NAMESPACE, declared by HEADER. A TYPE begins with the version, the name and the text.
function(vora_embed_migrations target header namespace type)
  vora_embed(${target} migrations/*.sql ${header} ${namespace} ${type} Migrations)
endfunction()

# vora_embed_texts(TARGET GLOB HEADER NAMESPACE FUNCTION)   files of this folder, built into TARGET by name as
#   const std::vector<std::string_view>& FUNCTION();
# in NAMESPACE, declared by HEADER.
function(vora_embed_texts target glob header namespace function)
  vora_embed(${target} ${glob} ${header} ${namespace} std::string_view ${function})
endfunction()

# An element for each file, of a text or, for a migration, with what its name says before it.
function(vora_embed target glob header namespace type function)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${glob})
  list(SORT files)
  set(elements "")
  foreach(file ${files})
    file(READ ${file} text)
    set(element "R\"vora_text(${text})vora_text\"")
    if(NOT type STREQUAL "std::string_view")
      get_filename_component(stem ${file} NAME_WE)
      if(NOT stem MATCHES "^([0-9][0-9][0-9][0-9])_(.+)$")
        message(FATAL_ERROR "${file}: a migration is named NNNN_name.sql")
      endif()
      set(name ${CMAKE_MATCH_2})
      math(EXPR version "1${CMAKE_MATCH_1} - 10000")
      set(element "{${version}, \"${name}\", ${element}}")
    endif()
    string(APPEND elements "      ${element},\n")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  endforeach()
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${target}_texts.cc)
  # The texts may hold what CMake would expand: the file is put together, not configured.
  string(CONCAT content "// Made from ${glob}.\n#include \"${header}\"\n\nnamespace ${namespace} {\n\n"
    "const std::vector<${type}>& ${function}() {\n  static const std::vector<${type}> all = {\n" "${elements}"
    "  };\n  return all;\n}\n\n}  // namespace ${namespace}\n")
  # Unchanged files are left alone, so that nothing is compiled again.
  file(GENERATE OUTPUT ${out} CONTENT "${content}")
  vora_room_sources(${target} ${out})
endfunction()
