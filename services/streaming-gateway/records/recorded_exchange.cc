#include "services/streaming-gateway/records/recorded_exchange.h"

#include <utility>

namespace vora::gateway {

http::Task<Status> RecordedExchange::Send(http::Response response) {
  status_ = response.status;
  // These have no body, whatever the response holds.
  const bool has_body = inner_.request().method != "HEAD" && response.status != 204 && response.status != 304;
  const int64_t size = has_body ? static_cast<int64_t>(response.body.size()) : 0;
  Status sent = co_await inner_.Send(std::move(response));
  if (sent.ok()) bytes_ += size;
  co_return sent;
}

http::Task<Status> RecordedExchange::Begin(http::Response head, std::optional<int64_t> content_length) {
  status_ = head.status;
  return inner_.Begin(std::move(head), content_length);
}

http::Task<Status> RecordedExchange::Write(std::string_view bytes) {
  Status written = co_await inner_.Write(bytes);
  if (written.ok()) bytes_ += static_cast<int64_t>(bytes.size());
  co_return written;
}

}  // namespace vora::gateway
