#include "libs/http/metrics.h"

#include "libs/obs/testing/declared.h"

namespace vora::http {
namespace {

TEST(HttpMetricsTest, AreAsDeclared) { obs::testing::ExpectDeclared(kMetrics, __FILE__); }

}  // namespace
}  // namespace vora::http
