#include "libs/auth/metrics.h"

#include "libs/obs/testing/declared.h"

namespace vora::auth {
namespace {

TEST(AuthMetricsTest, AreAsDeclared) { obs::testing::ExpectDeclared(kMetrics); }

}  // namespace
}  // namespace vora::auth
