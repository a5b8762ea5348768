#include "libs/pg/metrics.h"

#include "libs/obs/testing/declared.h"

namespace vora::pg {
namespace {

TEST(PgMetricsTest, AreAsDeclared) { obs::testing::ExpectDeclared(kMetrics); }

}  // namespace
}  // namespace vora::pg
