#include "libs/rpc/metrics.h"

#include "libs/obs/testing/declared.h"

namespace vora::rpc {
namespace {

TEST(RpcMetricsTest, AreAsDeclared) { obs::testing::ExpectDeclared(kMetrics); }

}  // namespace
}  // namespace vora::rpc
