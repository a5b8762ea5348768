#include "libs/daemon/metrics.h"

#include "libs/obs/testing/declared.h"

namespace vora::daemon_internal {
namespace {

TEST(DaemonMetricsTest, AreAsDeclared) { obs::testing::ExpectDeclared(kMetrics); }

}  // namespace
}  // namespace vora::daemon_internal
