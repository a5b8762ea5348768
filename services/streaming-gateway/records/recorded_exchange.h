#pragma once

// An exchange that remembers what the client was given.

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "libs/http/server/server.h"

namespace vora::gateway {

// Hands everything on to `inner`, which must outlive it.
class RecordedExchange final : public http::Exchange {
 public:
  explicit RecordedExchange(http::Exchange& inner) : inner_(inner) {}
  int status() const { return status_; }    // 0: nothing was answered
  int64_t bytes() const { return bytes_; }  // of the body that the client's connection took

  const http::Request& request() const override { return inner_.request(); }
  http::Task<StatusOr<size_t>> ReadBody(std::span<char> buffer) override { return inner_.ReadBody(buffer); }
  http::Task<StatusOr<std::string>> ReadBodyAll(size_t limit) override { return inner_.ReadBodyAll(limit); }
  http::Task<Status> Send(http::Response response) override;
  http::Task<Status> Begin(http::Response head, std::optional<int64_t> content_length) override;
  http::Task<Status> Write(std::string_view bytes) override;
  http::Task<Status> Finish() override { return inner_.Finish(); }
  http::Task<Status> RunBlocking(std::function<void()> work) override { return inner_.RunBlocking(std::move(work)); }
  http::Task<Status> Sleep(std::chrono::milliseconds time) override { return inner_.Sleep(time); }
  bool draining() const override { return inner_.draining(); }

 private:
  http::Exchange& inner_;
  int status_ = 0;
  int64_t bytes_ = 0;
};

}  // namespace vora::gateway
