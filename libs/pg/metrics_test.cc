#include "libs/pg/metrics.h"

#include "libs/obs/testing/declared.h"

namespace vora::pg {
namespace {

TEST(PgMetricsTest, AreAsDeclared) { obs::testing::ExpectDeclared(kMetrics, __FILE__); }

}  // namespace
}  // namespace vora::pg
