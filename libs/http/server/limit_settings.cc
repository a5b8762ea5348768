#include "libs/http/server/server.h"

namespace vora::http {
namespace {

SettingOptions AtLeast(int64_t min, int64_t max) {
  SettingOptions options;
  options.min = min;
  options.max = max;
  return options;
}

}  // namespace

void DeclareLimits(SettingsSchema& schema, ServerOptions& options) {
  schema.Add("VORA_MAX_CONNECTIONS_PER_CLIENT", &options.max_connections_per_client,
             "Connections that one client may have open at a time; 0: no limit", AtLeast(0, 1'000'000));
  schema.Add("VORA_MAX_REQUESTS_PER_SECOND_PER_CLIENT", &options.max_requests_per_second_per_client,
             "Requests per second that one client may send on average, in bursts of twice as many; 0: no limit", AtLeast(0, 10'000'000));
  schema.Add("VORA_TRUSTED_PROXIES", &options.trusted_proxies,
             "Networks (CIDR) of the proxies in front, whose X-Forwarded-For names the client; no limit per client applies to themselves. "
             "none: nobody");
  schema.Add("VORA_HEADER_TIMEOUT", &options.header_timeout, "How long the head of a request may take to arrive", AtLeast(10, 3'600'000));
  schema.AddBytes("VORA_MIN_BODY_RATE", &options.min_body_rate,
                  "Bytes per second that a client must at least send of a body or take of a response; 0: no limit",
                  AtLeast(0, int64_t{1} << 40));
  schema.Add("VORA_WRITE_TIMEOUT", &options.write_timeout, "How long a client may take nothing of a response", AtLeast(10, 3'600'000));
}

}  // namespace vora::http
