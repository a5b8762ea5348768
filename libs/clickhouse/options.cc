#include <algorithm>
#include <cctype>

#include "libs/clickhouse/client.h"
#include "libs/core/error.h"
#include "libs/curl/url.h"

namespace vora::clickhouse {

void Options::Declare(SettingsSchema& schema) {
  schema.Add("VORA_CLICKHOUSE_URL", &url, "HTTP interface of ClickHouse.");
  schema.Add("VORA_CLICKHOUSE_USER", &user, "User of ClickHouse.");
  schema.Add("VORA_CLICKHOUSE_PASSWORD", &password, "That user's password.", {.secret = true});
  schema.Add("VORA_CLICKHOUSE_CA", &ca_file,
             "PEM file of the authorities that the certificate of an https URL must come from; empty: the system's.");
  schema.Add("VORA_CLICKHOUSE_DATABASE", &database, "Database of the analytics tables; created if it is missing.");
  schema.Add("VORA_CLICKHOUSE_TIMEOUT", &timeout, "How long a query may take.", {.min = 100, .max = 600'000});
}

Status Options::Check() const {
  VORA_RETURN_IF_ERROR(curl::CheckServerUrl("VORA_CLICKHOUSE_URL", url));
  if (user.empty()) return InvalidField("VORA_CLICKHOUSE_USER", "empty");
  const auto word = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  if (database.empty() || database.size() > 64 || std::isdigit(static_cast<unsigned char>(database[0])) != 0 ||
      !std::all_of(database.begin(), database.end(), word)) {
    return InvalidField("VORA_CLICKHOUSE_DATABASE", "1 to 64 letters, digits and _, not beginning with a digit");
  }
  return {};
}

}  // namespace vora::clickhouse
