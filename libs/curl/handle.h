#pragma once

// One libcurl handle (https://curl.se/libcurl/c/libcurl-easy.html) for one call at a time. Connections are kept from call to call.

#include <curl/curl.h>

#include <array>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "libs/core/status.h"
#include "libs/curl/response_head.h"

namespace vora::curl {

// A list of lines that frees itself.
class List {
 public:
  List() = default;
  ~List() { curl_slist_free_all(list_); }
  List(const List&) = delete;
  List& operator=(const List&) = delete;
  void Add(const std::string& line);
  void Clear();
  curl_slist* get() const { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

class Handle {
 public:
  Handle();  // the first one sets libcurl up for the process
  ~Handle();
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  bool ok() const { return easy_ != nullptr; }
  CURL* get() const { return easy_; }

  // Forgets the call before and begins one to `url`: http or https, HTTP/1.1, the path as it stands, no signals, and no proxy before this
  // machine. The head of the answer is collected.
  void Begin(const std::string& url);
  // Also an empty value, which is sent as one.
  void AddHeader(std::string_view name, std::string_view value);
  // One that libcurl would send by itself: Accept, Content-Type, Expect.
  void OmitHeader(std::string_view name);
  // The method, and a body where there is one, which must outlive the call. libcurl sends it anew by itself where a kept connection is
  // dead.
  void Method(const std::string& method);
  void Body(std::string_view body);
  // Of the whole call, and until it is connected; 0: none.
  void Timeouts(std::chrono::milliseconds total, std::chrono::milliseconds connect);
  // Takes a piece of the answer's body; returns how much of it was taken (less ends the call) or CURL_WRITEFUNC_PAUSE.
  void OnBody(std::function<size_t(std::string_view piece)> take);
  // Asked about once a second; true ends the call (CANCELLED).
  void CancelWhen(std::function<bool()> asked);
  template <typename T>
  void Set(CURLoption option, T value) {
    curl_easy_setopt(easy_, option, value);
  }

  // Until the answer's end. An HTTP error is an OK result. `peer` begins the message of an error; see ToStatus for its codes.
  Status Perform(std::string_view peer);
  // What a call's end means: UNAVAILABLE (not reached, or broken off), DEADLINE_EXCEEDED (too slow once reached), CANCELLED (a function of
  // ours ended it), INVALID_ARGUMENT (not a URL of http), FAILED_PRECONDITION (its certificate), RESOURCE_EXHAUSTED (memory).
  Status ToStatus(CURLcode code, std::string_view peer) const;
  const ResponseHead& head() const { return head_; }
  int http_status() const;

 private:
  CURL* const easy_;
  List headers_;
  ResponseHead head_;
  std::function<size_t(std::string_view)> take_;
  std::function<bool()> cancelled_;
  std::array<char, CURL_ERROR_SIZE> error_{};
};

}  // namespace vora::curl
