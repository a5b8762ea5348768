#include "services/streaming-gateway/metrics.h"

#include "libs/obs/testing/declared.h"

namespace vora::gateway {
namespace {

TEST(GatewayMetricsTest, AreAsDeclared) { obs::testing::ExpectDeclared(kMetrics, __FILE__); }

}  // namespace
}  // namespace vora::gateway
