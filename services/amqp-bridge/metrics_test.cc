#include "services/amqp-bridge/metrics.h"

#include "libs/obs/testing/declared.h"

namespace vora::amqp {
namespace {

TEST(AmqpMetricsTest, AreAsDeclared) { obs::testing::ExpectDeclared(kMetrics); }

}  // namespace
}  // namespace vora::amqp
