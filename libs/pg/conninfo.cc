#include "libs/pg/conninfo.h"

#include <libpq-fe.h>

#include <memory>

namespace vora::pg {
namespace {

std::string Quote(const std::string& value) {
  std::string out = "'";
  for (char c : value) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

}  // namespace

StatusOr<std::string> ConnectionString(const std::string& url, const std::map<std::string, std::string>& defaults) {
  // libpq by itself waits for a dead server for as long as TCP does, a quarter of an hour and more.
  std::map<std::string, std::string> values = {{"application_name", "vora"}, {"connect_timeout", "3"},  {"keepalives_idle", "15"},
                                               {"keepalives_interval", "5"}, {"keepalives_count", "3"}, {"tcp_user_timeout", "15000"}};
  for (const auto& [key, value] : defaults) values[key] = value;
  char* error = nullptr;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> options(PQconninfoParse(url.c_str(), &error), &PQconninfoFree);
  if (options == nullptr) {
    PQfreemem(error);  // may quote the URL, password and all
    return InvalidArgument("not a PostgreSQL URL (postgresql://user:password@host:port/database) or libpq keyword string");
  }
  for (const PQconninfoOption* option = options.get(); option->keyword != nullptr; ++option) {
    // Last, so that whatever the URL says wins.
    if (option->val != nullptr) values[option->keyword] = option->val;
  }
  std::string out;
  for (const auto& [key, value] : values) out += (out.empty() ? "" : " ") + key + "=" + Quote(value);
  return out;
}

}  // namespace vora::pg
