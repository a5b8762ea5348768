#include "libs/obs/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

namespace vora::obs {
namespace {

using testing::HasSubstr;

TEST(MetricsTest, ExposesAllKindsAsPrometheusText) {
  Metrics metrics;
  metrics.AddCounter("vora_jobs_total", "Jobs.", {{"result", "ok"}}).Increment(3);
  metrics.AddCounter("vora_jobs_total", "Jobs.", {{"result", "failed"}}).Increment();
  auto& gauge = metrics.AddGauge("vora_depth", "Depth.");
  gauge.Set(5);
  gauge.Add(-2);
  metrics.AddHistogram("vora_seconds", "Time.", {}, {0.1, 1}).Observe(0.5);
  const std::string text = metrics.Expose();
  EXPECT_THAT(text, HasSubstr("# HELP vora_jobs_total Jobs.\n# TYPE vora_jobs_total counter\n"));
  EXPECT_THAT(text, HasSubstr("vora_jobs_total{result=\"ok\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("vora_jobs_total{result=\"failed\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("vora_depth 3\n"));
  EXPECT_THAT(text, HasSubstr("vora_seconds_bucket{le=\"0.1\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("vora_seconds_bucket{le=\"1\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("vora_seconds_count 1\n"));
}

TEST(MetricsTest, SameNameAndLabelsAreTheSameMetric) {
  Metrics metrics;
  EXPECT_EQ(&metrics.AddCounter("a_total", "A."), &metrics.AddCounter("a_total", "A."));
  EXPECT_NE(&metrics.AddCounter("a_total", "A.", {{"x", "1"}}), &metrics.AddCounter("a_total", "A.", {{"x", "2"}}));
}

TEST(MetricsTest, CountsFromManyThreads) {
  Metrics metrics;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&metrics] {
      for (int i = 0; i < 1000; ++i) metrics.AddCounter("n_total", "N.").Increment();
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_THAT(metrics.Expose(), HasSubstr("n_total 4000\n"));
}

}  // namespace
}  // namespace vora::obs
