#include "libs/storage/metrics.h"

#include "libs/obs/testing/declared.h"

namespace vora::storage {
namespace {

TEST(StorageMetricsTest, AreAsDeclared) { obs::testing::ExpectDeclared(kMetrics, __FILE__); }

}  // namespace
}  // namespace vora::storage
