#pragma once

// A store in front of a real one that goes away, hangs, loses answers or breaks off, as a test says. Thread-safe.

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "libs/storage/base/object_store.h"

namespace vora::storage {

class FaultyStore : public ObjectStore {
 public:
  explicit FaultyStore(std::unique_ptr<ObjectStore> inner) : inner_(std::move(inner)) {}

  // Away: every call and Ping fail with UNAVAILABLE.
  void SetAway(bool away);
  // Lets `calls` more calls through, then is away. The last one is carried out, but its answer is lost if `lose_answer`.
  void GoAwayAfter(int calls, bool lose_answer);
  bool away();
  // Until Release, calls wait. Ping does not.
  void Hold();
  void Release();
  // The next reader breaks with UNAVAILABLE after `bytes`.
  void BreakNextReadAfter(int64_t bytes) { break_after_ = bytes; }
  enum class Verdict { kPass, kRefuse, kLoseAnswer };
  // Decides over every call by its name ("Put") and key while the store is not away; empty: all pass.
  void Rule(std::function<Verdict(std::string_view call, const std::string& key)> rule);
  // Conditions of Put get lost on the way, as with S3 servers that ignore the headers.
  void ForgetConditions(bool if_absent, bool if_match);

  int calls() const { return calls_; }  // let through
  int refused() const { return refused_; }
  int opens() const { return opens_; }
  int64_t bytes_opened() const { return bytes_opened_; }

  StatusOr<ObjectInfo> Put(const std::string& key, std::string_view bytes, const PutOptions& options) override;
  StatusOr<std::unique_ptr<ObjectReader>> Open(const std::string& key, int64_t offset, int64_t length) override;
  StatusOr<ObjectInfo> Head(const std::string& key) override;
  Status Delete(const std::string& key) override;
  StatusOr<ListPage> List(const std::string& prefix, const std::string& token, int max) override;
  StatusOr<std::string> CreateMultipart(const std::string& key, const MultipartOptions& options) override;
  StatusOr<CompletedPart> UploadPart(const std::string& key, const std::string& id, int number, std::string_view bytes) override;
  StatusOr<ObjectInfo> CompleteMultipart(const std::string& key, const std::string& id, const std::vector<CompletedPart>& parts) override;
  Status AbortMultipart(const std::string& key, const std::string& id) override;
  Status Ping() override;
  StatusOr<Abilities> FindAbilities(const std::string& key) override;
  std::string Describe() const override { return inner_->Describe(); }

 private:
  Verdict Judge(std::string_view call, const std::string& key);
  template <typename Call>
  auto Through(std::string_view name, const std::string& key, Call call) -> decltype(call());

  std::unique_ptr<ObjectStore> inner_;
  std::mutex mutex_;
  std::condition_variable released_;
  std::function<Verdict(std::string_view, const std::string&)> rule_;
  bool away_ = false;
  bool held_ = false;
  bool lose_answer_ = false;
  int calls_left_ = -1;
  std::atomic<bool> forget_absent_{false}, forget_match_{false};
  std::atomic<int64_t> break_after_{-1};
  std::atomic<int> calls_{0}, refused_{0}, opens_{0};
  std::atomic<int64_t> bytes_opened_{0};
};

}  // namespace vora::storage
