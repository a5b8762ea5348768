#pragma once

// One interface to objects, two real implementations (S3, local directory) held to one contract suite (object_store_contract_test.cc).
// Thread-safe; calls block. Keys are UTF-8, 1 to 1024 bytes, `/`-separated segments, none of them empty, `.` or `..` (INVALID_ARGUMENT).

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"

namespace vora::storage {

struct ObjectInfo {
  std::string key;
  int64_t size = 0;
  std::string etag;  // opaque, without quotes
  std::string content_type;
  int64_t modified_unix_ms = 0;
  std::string copied_from = {};  // as it was written; S3 tells it by Head alone
};

struct PutOptions {
  std::string content_type = "application/octet-stream";
  bool if_absent = false;                    // If-None-Match: *   -> ALREADY_EXISTS when there is one
  std::optional<std::string> if_match = {};  // ETag          -> ABORTED when it is another (or NOT_FOUND when there is none)
  std::string copied_from = {};              // kept with the object: the ETag of what it is a copy of, at most 128 characters
};

struct MultipartOptions {
  std::string content_type = "application/octet-stream";
  // Every part but the last has exactly this size (at least 5 MiB; at most 10,000 parts).
  int64_t part_size = 8 << 20;
  std::string copied_from = {};  // as in PutOptions
};

struct CompletedPart {
  int number = 0;  // from 1
  std::string etag;
};

// Something in a listing that cannot be read as an object.
struct Unusable {
  std::string key;     // repaired to UTF-8
  std::string reason;  // for people
};

struct ListPage {
  std::vector<ObjectInfo> objects;  // by key, in byte order; content_type may be empty (S3 does not list it)
  std::vector<Unusable> unusable;   // of other people's folders; of our own the damaged ones
  std::string next_token;           // empty: no more
};

// Reads one object (or a range of it) in order. Not thread-safe.
class ObjectReader {
 public:
  virtual ~ObjectReader() = default;
  virtual const ObjectInfo& info() const = 0;  // of the whole object
  // Up to `size` bytes; 0 at the end of the range. UNAVAILABLE when the store went away midway.
  virtual StatusOr<size_t> Read(char* buffer, size_t size) = 0;
};

// What stores may lack without harm.
struct Abilities {
  bool lists_parts = true;  // of a multipart upload that is under way: without it, parts are not compared before they become an object
  bool checks_sums = true;  // refuses bytes that are not those of the Content-MD5 that was sent with them
};

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  // Durable when it returns OK. Returns the new object's info.
  virtual StatusOr<ObjectInfo> Put(const std::string& key, std::string_view bytes, const PutOptions& options) = 0;
  // `length` < 0: to the end. OUT_OF_RANGE when offset > size. NOT_FOUND.
  virtual StatusOr<std::unique_ptr<ObjectReader>> Open(const std::string& key, int64_t offset = 0, int64_t length = -1) = 0;
  virtual StatusOr<ObjectInfo> Head(const std::string& key) = 0;
  virtual Status Delete(const std::string& key) = 0;  // absent is OK
  virtual StatusOr<ListPage> List(const std::string& prefix, const std::string& token = {}, int max = 1000) = 0;

  // Multipart. The object appears whole at CompleteMultipart or not at all.
  virtual StatusOr<std::string> CreateMultipart(const std::string& key, const MultipartOptions& options) = 0;
  // Durable when it returns OK; uploading the same number again replaces it. Different parts may be uploaded at the same time.
  virtual StatusOr<CompletedPart> UploadPart(const std::string& key, const std::string& multipart_id, int number,
                                             std::string_view bytes) = 0;
  virtual StatusOr<ObjectInfo> CompleteMultipart(const std::string& key, const std::string& multipart_id,
                                                 const std::vector<CompletedPart>& parts) = 0;
  virtual Status AbortMultipart(const std::string& key, const std::string& multipart_id) = 0;  // absent is OK

  // OK when the store answers (for readiness; cached for a second).
  virtual Status Ping() = 0;
  // Finds them out by writing at `key`, where nothing is left.
  virtual StatusOr<Abilities> FindAbilities(const std::string& key);
  virtual std::string Describe() const = 0;  // "file:///srv/vora" or "s3://host/bucket", no secrets

  // Whole object as a string; RESOURCE_EXHAUSTED when larger than `limit`. With its info (for compare-and-swap).
  StatusOr<std::string> Get(const std::string& key, int64_t limit = 16 << 20, ObjectInfo* info = nullptr);
  // Deletes every object under `prefix` (which must end in '/'), or those directly in it; returns how many.
  enum class Depth { kAll, kFlat };
  StatusOr<int64_t> DeletePrefix(const std::string& prefix, Depth depth = Depth::kAll);
};

}  // namespace vora::storage
