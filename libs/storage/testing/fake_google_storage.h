#pragma once

// A server on this machine that behaves as the documentation of Google Cloud Storage's XML API says
// (https://cloud.google.com/storage/docs/xml-api): signatures are checked, requests with headers of both vendors are refused, If-Match and
// If-None-Match of writes are ignored, x-goog-if-generation-match is honoured by PUT and by nothing of a multipart upload, and the ETag of
// such an object is no MD5. One bucket, in memory.

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "libs/http/server/server.h"

namespace vora::storage {

class FakeGoogleStorage {
 public:
  FakeGoogleStorage();
  ~FakeGoogleStorage();

  // As VORA_STORAGE has it; the keys are in the parameters of OpenForeignStore, see Getenv.
  std::string url() const;
  static std::optional<std::string> Getenv(const std::string& name);

 private:
  struct Object {
    std::string bytes, etag, content_type, write_token, copied_from, hash;
    int64_t generation = 0;
    std::string modified = {};
  };
  struct Upload {
    std::string key, content_type, write_token, copied_from;
    std::map<int, std::string> parts;
  };
  http::Response Answer(const http::Request& request, const std::string& body);
  http::Response Put(const http::Request& request, const std::string& key, const std::string& body);
  http::Response Get(const http::Request& request, const std::string& key);
  http::Response List(const http::Request& request);
  http::Response Multipart(const http::Request& request, const std::string& key, const std::string& body);
  http::Response ListParts(const Upload& upload, int after);
  http::Response Complete(const std::string& id, const std::string& body);
  const Object& Store(const std::string& key, Object object);

  std::mutex mutex_;
  std::map<std::string, Object> objects_;
  std::map<std::string, Upload> uploads_;
  int64_t generations_ = 1'700'000'000'000'000;
  obs::Metrics metrics_;
  http::Server server_;
};

}  // namespace vora::storage
