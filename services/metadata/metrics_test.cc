#include "services/metadata/metrics.h"

#include "libs/obs/testing/declared.h"

namespace vora::metadata {
namespace {

TEST(MetadataMetricsTest, AreAsDeclared) { obs::testing::ExpectDeclared(kMetrics); }

}  // namespace
}  // namespace vora::metadata
