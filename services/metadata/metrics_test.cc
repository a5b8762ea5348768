#include "services/metadata/metrics.h"

#include "libs/obs/testing/declared.h"

namespace vora::metadata {
namespace {

TEST(MetadataMetricsTest, AreAsDeclared) { obs::testing::ExpectDeclared(kMetrics, __FILE__); }

}  // namespace
}  // namespace vora::metadata
