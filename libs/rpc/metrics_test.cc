#include "libs/rpc/metrics.h"

#include "libs/obs/testing/declared.h"

namespace vora::rpc {
namespace {

TEST(RpcMetricsTest, AreAsDeclared) { obs::testing::ExpectDeclared(kMetrics, __FILE__); }

}  // namespace
}  // namespace vora::rpc
