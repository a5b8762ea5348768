#include "libs/http/metrics.h"

#include "libs/obs/testing/declared.h"

namespace vora::http {
namespace {

TEST(HttpMetricsTest, AreAsDeclared) { obs::testing::ExpectDeclared(kMetrics); }

}  // namespace
}  // namespace vora::http
