# vora_embed_migrations(TARGET HEADER NAMESPACE TYPE)   migrations/NNNN_name.sql of this folder, built into TARGET in order as
#   const std::vector<TYPE>& Migrations();
# in NAMESPACE, declared by HEADER. A TYPE begins with the version, the name and the text.
function(vora_embed_migrations target header namespace type)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/migrations/*.sql)
  list(SORT files)
  set(entries "")
  foreach(file ${files})
    get_filename_component(stem ${file} NAME_WE)
    if(NOT stem MATCHES "^([0-9][0-9][0-9][0-9])_(.+)$")
      message(FATAL_ERROR "${file}: a migration is named NNNN_name.sql")
    endif()
    set(name ${CMAKE_MATCH_2})
    math(EXPR version "1${CMAKE_MATCH_1} - 10000")
    file(READ ${file} text)
    string(APPEND entries "      {${version}, \"${name}\", R\"vora_sql(${text})vora_sql\"},\n")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  endforeach()
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${target}_migrations.cc)
  # The texts may hold what CMake would expand: the file is put together, not configured.
  string(CONCAT content "// Made from migrations/*.sql.\n#include \"${header}\"\n\nnamespace ${namespace} {\n\n"
    "const std::vector<${type}>& Migrations() {\n  static const std::vector<${type}> all = {\n" "${entries}"
    "  };\n  return all;\n}\n\n}  // namespace ${namespace}\n")
  # Unchanged files are left alone, so that nothing is compiled again.
  file(GENERATE OUTPUT ${out} CONTENT "${content}")
  vora_room_sources(${target} ${out})
endfunction()

# vora_embed_texts(TARGET GLOB HEADER NAMESPACE FUNCTION)   files of this folder, built into TARGET by name as
#   const std::vector<std::string_view>& FUNCTION();
# in NAMESPACE, declared by HEADER.
function(vora_embed_texts target glob header namespace function)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${glob})
  list(SORT files)
  set(entries "")
  foreach(file ${files})
    file(READ ${file} text)
    string(APPEND entries "      R\"vora_text(${text})vora_text\",\n")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  endforeach()
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${target}_texts.cc)
  string(CONCAT content "// Made from ${glob}.\n#include \"${header}\"\n\nnamespace ${namespace} {\n\n"
    "const std::vector<std::string_view>& ${function}() {\n  static const std::vector<std::string_view> all = {\n" "${entries}"
    "  };\n  return all;\n}\n\n}  // namespace ${namespace}\n")
  file(GENERATE OUTPUT ${out} CONTENT "${content}")
  vora_room_sources(${target} ${out})
endfunction()
