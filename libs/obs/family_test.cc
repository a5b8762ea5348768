#include "libs/obs/family.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vora::obs {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(FamilyTest, GivesTheMetricOfItsLabelValues) {
  FamilySet set("here");
  const CounterFamily calls{set, "vora_calls_total", "Calls.", {"op", "result"}};
  const HistogramFamily seconds{set, "vora_call_seconds", "Time of a call.", {}, {1, 2}};
  Metrics metrics;
  calls.In(metrics, {"put", "ok"}).Increment(2);
  seconds.In(metrics).Observe(1.5);
  EXPECT_EQ(&calls.In(metrics, {"put", "ok"}), &calls.In(metrics, {"put", "ok"}));
  EXPECT_THAT(metrics.Expose(), HasSubstr("# HELP vora_calls_total Calls.\n# TYPE vora_calls_total counter\n"
                                          "vora_calls_total{op=\"put\",result=\"ok\"} 2\n"));
  EXPECT_THAT(metrics.Expose(), HasSubstr("vora_call_seconds_bucket{le=\"2\"} 1\n"));
  EXPECT_EQ(set.Describe(), "counter vora_calls_total{op,result}: Calls.\nhistogram vora_call_seconds: Time of a call.\n");
  EXPECT_THAT(set.Faults(), IsEmpty());
}

TEST(FamilyTest, NamesWhatBreaksTheConventions) {
  FamilySet set("here");
  const CounterFamily counter{set, "vora_calls", "Calls."};
  const GaugeFamily gauge{set, "vora_videos_total", "Videos."};
  const GaugeFamily unit{set, "vora_lag_ms", "Lag."};
  const HistogramFamily histogram{set, "vora_call_time", "Time."};
  const GaugeFamily labels{set, "vora_open", "no sentence", {"video_id"}};
  const GaugeFamily twice{set, "vora_open", "Open.", {}};
  EXPECT_THAT(set.Faults(),
              ElementsAre(HasSubstr("vora_calls: counters"), HasSubstr("vora_videos_total: counters"), HasSubstr("vora_lag_ms: must not"),
                          HasSubstr("vora_call_time: histograms"), HasSubstr("vora_open: the help"), HasSubstr("vora_open: label video_id"),
                          HasSubstr("vora_open: declared twice"), HasSubstr("vora_open: declared twice")));
}

TEST(FamilyDeathTest, AWrongNumberOfLabelValuesIsABug) {
  FamilySet set("here");
  const GaugeFamily gauge{set, "vora_open", "Open.", {"state"}};
  Metrics metrics;
  EXPECT_DEATH(gauge.In(metrics), "vora_open has 1 labels, not 0");
}

}  // namespace
}  // namespace vora::obs
