#include "libs/storage/testing/faulty_store.h"

#include <algorithm>
#include <utility>

namespace vora::storage {
namespace {

class BreakingReader : public ObjectReader {
 public:
  BreakingReader(std::unique_ptr<ObjectReader> inner, int64_t left) : inner_(std::move(inner)), left_(left) {}
  const ObjectInfo& info() const override { return inner_->info(); }
  StatusOr<size_t> Read(char* buffer, size_t size) override {
    if (left_ <= 0) return Unavailable("the store went away midway");
    auto got = inner_->Read(buffer, std::min(size, static_cast<size_t>(left_)));
    if (got.ok()) left_ -= static_cast<int64_t>(*got);
    return got;
  }

 private:
  std::unique_ptr<ObjectReader> inner_;
  int64_t left_;
};

}  // namespace

void FaultyStore::SetAway(bool away) {
  const std::lock_guard lock(mutex_);
  away_ = away;
  calls_left_ = -1;
}

void FaultyStore::GoAwayAfter(int calls, bool lose_answer) {
  const std::lock_guard lock(mutex_);
  away_ = calls == 0;
  calls_left_ = calls;
  lose_answer_ = lose_answer;
}

bool FaultyStore::away() {
  const std::lock_guard lock(mutex_);
  return away_;
}

void FaultyStore::Hold() {
  const std::lock_guard lock(mutex_);
  held_ = true;
}

void FaultyStore::Release() {
  const std::lock_guard lock(mutex_);
  held_ = false;
  released_.notify_all();
}

void FaultyStore::Rule(std::function<Verdict(std::string_view, const std::string&)> rule) {
  const std::lock_guard lock(mutex_);
  rule_ = std::move(rule);
}

void FaultyStore::ForgetConditions(bool if_absent, bool if_match) {
  forget_absent_ = if_absent;
  forget_match_ = if_match;
}

FaultyStore::Verdict FaultyStore::Judge(std::string_view call, const std::string& key) {
  std::unique_lock lock(mutex_);
  released_.wait(lock, [&] { return !held_; });
  if (away_) return Verdict::kRefuse;
  ++calls_;
  if (rule_) return rule_(call, key);
  if (calls_left_ < 0 || --calls_left_ > 0) return Verdict::kPass;
  away_ = true;
  return lose_answer_ ? Verdict::kLoseAnswer : Verdict::kPass;
}

template <typename Call>
auto FaultyStore::Through(std::string_view name, const std::string& key, Call call) -> decltype(call()) {
  const Verdict verdict = Judge(name, key);
  if (verdict == Verdict::kRefuse) {
    ++refused_;
    return Unavailable("the store is away");
  }
  auto result = call();
  if (verdict == Verdict::kLoseAnswer) return Unavailable("the answer was lost");
  return result;
}

StatusOr<ObjectInfo> FaultyStore::Put(const std::string& key, std::string_view bytes, const PutOptions& options) {
  PutOptions left = options;
  if (forget_absent_) left.if_absent = false;
  if (forget_match_) left.if_match.reset();
  return Through("Put", key, [&] { return inner_->Put(key, bytes, left); });
}

StatusOr<std::unique_ptr<ObjectReader>> FaultyStore::Open(const std::string& key, int64_t offset, int64_t length) {
  ++opens_;
  auto reader = Through("Open", key, [&] { return inner_->Open(key, offset, length); });
  if (reader.ok()) bytes_opened_ += length;
  const int64_t break_after = break_after_.exchange(-1);
  if (!reader.ok() || break_after < 0) return reader;
  return std::unique_ptr<ObjectReader>(std::make_unique<BreakingReader>(*std::move(reader), break_after));
}

StatusOr<ObjectInfo> FaultyStore::Head(const std::string& key) {
  return Through("Head", key, [&] { return inner_->Head(key); });
}

Status FaultyStore::Delete(const std::string& key) {
  return Through("Delete", key, [&] { return inner_->Delete(key); });
}

StatusOr<ListPage> FaultyStore::List(const std::string& prefix, const std::string& token, int max) {
  return Through("List", prefix, [&] { return inner_->List(prefix, token, max); });
}

StatusOr<std::string> FaultyStore::CreateMultipart(const std::string& key, const MultipartOptions& options) {
  return Through("CreateMultipart", key, [&] { return inner_->CreateMultipart(key, options); });
}

StatusOr<CompletedPart> FaultyStore::UploadPart(const std::string& key, const std::string& id, int number, std::string_view bytes) {
  return Through("UploadPart", key, [&] { return inner_->UploadPart(key, id, number, bytes); });
}

StatusOr<ObjectInfo> FaultyStore::CompleteMultipart(const std::string& key, const std::string& id,
                                                    const std::vector<CompletedPart>& parts) {
  return Through("CompleteMultipart", key, [&] { return inner_->CompleteMultipart(key, id, parts); });
}

Status FaultyStore::AbortMultipart(const std::string& key, const std::string& id) {
  return Through("AbortMultipart", key, [&] { return inner_->AbortMultipart(key, id); });
}

StatusOr<Abilities> FaultyStore::FindAbilities(const std::string& key) {
  return Through("FindAbilities", key, [&] { return inner_->FindAbilities(key); });
}

Status FaultyStore::Ping() { return away() ? Unavailable("the store is away") : inner_->Ping(); }

}  // namespace vora::storage
