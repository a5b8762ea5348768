#include "libs/workflow/metrics.h"

#include "libs/obs/testing/declared.h"

namespace vora::workflow {
namespace {

TEST(WorkflowMetricsTest, AreAsDeclared) { obs::testing::ExpectDeclared(kMetrics); }

}  // namespace
}  // namespace vora::workflow
