#include "libs/pg/statement.h"

#include <cstdio>

namespace vora::pg {

void Array::Add(std::string_view text) {
  // Always in quotes: a text may be empty, the word NULL, or hold a comma.
  std::string& out = Item();
  out.reserve(out.size() + text.size() + 2);
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

void Array::Add(double number) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.17g", number);
  Item() += buffer;
}

std::vector<std::string> ReadTextArray(const pqxx::field& field) {
  std::vector<std::string> values;
  auto parser = field.as_array();
  for (auto item = parser.get_next(); item.first != pqxx::array_parser::done; item = parser.get_next()) {
    if (item.first == pqxx::array_parser::string_value) values.push_back(item.second);
  }
  return values;
}

}  // namespace vora::pg
