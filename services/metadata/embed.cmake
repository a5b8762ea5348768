# Writes OUT, a C++ file with the OPENAPI document, of VERSION, as a string literal. Run by the build.
file(READ ${OPENAPI} openapi)
string(REPLACE "@PROJECT_VERSION@" "${VERSION}" openapi "${openapi}")
string(CONCAT body "// Made by embed.cmake.\n#include \"services/metadata/rows/embedded.h\"\n\nnamespace vora::metadata {\n\n"
  "std::string_view OpenApiDocument() {\n  return R\"VORADOC(${openapi})VORADOC\";\n}\n\n}  // namespace vora::metadata\n")
file(WRITE ${OUT} "${body}")
