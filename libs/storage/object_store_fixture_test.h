#pragma once

// The stores that object_store_contract_test.cc and object_store_likes_test.cc ask: a folder and a store that behaves as Google's always,
// and any S3 store when VORA_TEST_S3 holds an s3:// URL (credentials as for OpenObjectStore).

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libs/core/ids.h"
#include "libs/storage/base/object_store.h"
#include "libs/storage/open_store.h"
#include "libs/storage/testing/fake_google_storage.h"
#include "libs/testing/status_matchers.h"
#include "libs/testing/temp_folder.h"

namespace vora::storage {

constexpr int64_t kPart = 5 << 20;

#define ASSERT_OK(expr)                               \
  do {                                                \
    auto&& ok_result_ = (expr);                       \
    ASSERT_TRUE(ok_result_.ok()) << Text(ok_result_); \
  } while (false)
#define EXPECT_CODE(expr, expected)                                            \
  do {                                                                         \
    auto&& code_result_ = (expr);                                              \
    EXPECT_EQ(Code(code_result_), StatusCode::expected) << Text(code_result_); \
  } while (false)

inline std::string Text(const Status& status) { return ToText(status); }
template <typename T>
std::string Text(const StatusOr<T>& result) {
  return ToText(result.status());
}
inline StatusCode Code(const Status& status) { return status.code(); }
template <typename T>
StatusCode Code(const StatusOr<T>& result) {
  return result.status().code();
}

// Bytes that show where they come from.
inline std::string Pattern(size_t size, unsigned seed) {
  std::string bytes(size, '\0');
  uint32_t state = seed * 2654435761U + 1;
  for (char& c : bytes) {
    state = state * 1664525U + 1013904223U;
    c = static_cast<char>(state >> 24);
  }
  return bytes;
}

inline StatusOr<std::string> ReadAll(ObjectReader& reader, size_t step = 70'001) {
  std::string all, piece(step, '\0');
  while (true) {
    VORA_ASSIGN_OR_RETURN(size_t n, reader.Read(piece.data(), piece.size()));
    if (n == 0) return all;
    all.append(piece, 0, n);
  }
}

inline std::optional<std::string> Environ(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

class ObjectStoreContract : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (GetParam() == "s3" && Environ("VORA_TEST_S3").value_or("").empty()) GTEST_SKIP() << "VORA_TEST_S3 is not set";
    auto store = Open();
    ASSERT_OK(store);
    store_ = std::move(store).value();
  }
  StatusOr<std::unique_ptr<ObjectStore>> Open() {
    if (GetParam() == "local") return OpenObjectStore("file://" + folder_ / "store", metrics_);
    if (GetParam() == "s3") return OpenObjectStore(*Environ("VORA_TEST_S3"), metrics_);
    google_ = std::make_unique<FakeGoogleStorage>();
    return OpenObjectStore(google_->url(), metrics_, &FakeGoogleStorage::Getenv);
  }
  void TearDown() override {
    if (store_ != nullptr) {
      ASSERT_OK(store_->DeletePrefix(prefix_));
      EXPECT_EQ(ListAll(prefix_, 10), std::vector<std::string>{}) << "something stayed behind";
    }
    store_.reset();
  }
  std::string Key(const std::string& name) const { return prefix_ + name; }

  std::vector<std::string> ListAll(const std::string& prefix, int page_size) {
    std::vector<std::string> keys;
    std::string token;
    do {
      auto page = store_->List(prefix, token, page_size);
      EXPECT_THAT(page, IsOk()) << Text(page);
      if (!page.ok()) break;
      EXPECT_LE(page->objects.size(), static_cast<size_t>(page_size));
      for (const ObjectInfo& object : page->objects) keys.push_back(object.key.substr(prefix_.size()));
      token = page->next_token;
    } while (!token.empty());
    return keys;
  }

  const std::string prefix_ = "contract-" + NewId() + "/";
  obs::Metrics metrics_;
  const TempFolder folder_;
  std::unique_ptr<FakeGoogleStorage> google_;
  std::unique_ptr<ObjectStore> store_;
};

inline std::vector<std::string> InByteOrder(std::vector<std::string> keys) {
  std::sort(keys.begin(), keys.end(), [](const std::string& a, const std::string& b) {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(),
                                        [](char x, char y) { return static_cast<unsigned char>(x) < static_cast<unsigned char>(y); });
  });
  return keys;
}

inline std::vector<std::string> KindsOfStore() {
#ifdef VORA_CONTRACT_S3
  return {"s3"};
#else
  const char* s3 = std::getenv("VORA_TEST_S3");
  std::vector<std::string> stores = {"local", "google"};
  if (s3 != nullptr) stores.emplace_back("s3");
  return stores;
#endif
}

inline std::string NameOf(const testing::TestParamInfo<std::string>& info) { return info.param; }

}  // namespace vora::storage
