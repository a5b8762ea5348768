#include "services/upload/metrics.h"

#include "libs/obs/testing/declared.h"

namespace vora::upload {
namespace {

TEST(UploadMetricsTest, AreAsDeclared) { obs::testing::ExpectDeclared(kMetrics); }

}  // namespace
}  // namespace vora::upload
