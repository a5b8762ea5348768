#include "libs/storage/metrics.h"

#include "libs/obs/testing/declared.h"

namespace vora::storage {
namespace {

TEST(StorageMetricsTest, AreAsDeclared) { obs::testing::ExpectDeclared(kMetrics); }

}  // namespace
}  // namespace vora::storage
