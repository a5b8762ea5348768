#include "services/streaming-gateway/metrics.h"

#include "libs/obs/testing/declared.h"

namespace vora::gateway {
namespace {

TEST(GatewayMetricsTest, AreAsDeclared) { obs::testing::ExpectDeclared(kMetrics); }

}  // namespace
}  // namespace vora::gateway
