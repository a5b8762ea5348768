#include "services/analytics-ingest/metrics.h"

#include "libs/obs/testing/declared.h"

namespace vora::analytics {
namespace {

TEST(AnalyticsMetricsTest, AreAsDeclared) { obs::testing::ExpectDeclared(kMetrics); }

}  // namespace
}  // namespace vora::analytics
