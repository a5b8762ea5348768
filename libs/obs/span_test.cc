#include "libs/obs/span.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>

#include "libs/http/server/server.h"
#include "libs/obs/span_metrics.h"
#include "libs/obs/testing/declared.h"
#include "libs/testing/status_matchers.h"

namespace vora::obs {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using ::testing::HasSubstr;

constexpr char kParent[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

// A collector in the same process must not record its own answers.
http::ServerOptions Untraced() {
  http::ServerOptions options;
  options.trace_roots = false;
  return options;
}

// Takes what is exported. While `busy`, it answers 503.
class Collector {
 public:
  Collector() : server_(Untraced(), metrics_) {
    server_.RouteSimple("POST", "/v1/traces", [this](const http::Request& request, const std::string& body) {
      const std::lock_guard lock(mutex_);
      ++calls_;
      changed_.notify_all();
      if (busy_) return http::Response::Empty(503);
      EXPECT_EQ(request.headers.GetOr("Content-Type", ""), "application/json");
      const json request_json = json::parse(body);
      for (const json& span : request_json["resourceSpans"][0]["scopeSpans"][0]["spans"]) spans_.push_back(span);
      changed_.notify_all();
      return http::Response::Json(200, "{}");
    });
    EXPECT_THAT(server_.Start(), IsOk());
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_.port()); }
  void SetBusy(bool busy) {
    const std::lock_guard lock(mutex_);
    busy_ = busy;
  }
  void AwaitCalls(int count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(20), [&] { return calls_ >= count; }));
  }
  // By name, once there are `count`.
  std::map<std::string, json> Await(size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, std::chrono::seconds(20), [&] { return spans_.size() >= count; }));
    std::map<std::string, json> found;
    for (const json& span : spans_) found[span["name"]] = span;
    return found;
  }

 private:
  Metrics metrics_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<json> spans_;
  int calls_ = 0;
  bool busy_ = false;
  http::Server server_;
};

class SpanTest : public ::testing::Test {
 protected:
  ~SpanTest() override { SetSampleRatio(1); }
  void Export(const std::string& endpoint, double ratio = 1) { exporter_.emplace(OtlpSettings{endpoint, ratio}, "vora-test", metrics_); }
  double Count(const std::string& name) {
    const std::string text = metrics_.Expose();
    const size_t at = text.find("\n" + name + " ");
    return at == std::string::npos ? 0 : std::stod(text.substr(at + name.size() + 2));
  }

  Metrics metrics_;
  Collector collector_;
  std::optional<SpanExporter> exporter_;
};

TEST_F(SpanTest, ChildrenNameTheirParents) {
  Export(collector_.url());
  {
    const Span outer("outer", SpanKind::kConsumer, kParent);
    EXPECT_EQ(CurrentTrace().span_id, outer.context().span_id);
    {
      Span inner("inner", SpanKind::kClient);
      inner.Set("rpc.system", "grpc");
      inner.Fail(Unavailable("refused"));
      RecordStep("step", SpanKind::kInternal, std::chrono::system_clock::now(), {});
    }
    EXPECT_EQ(CurrentTrace().span_id, outer.context().span_id);
  }
  EXPECT_FALSE(HasCurrentTrace());
  auto spans = collector_.Await(3);
  EXPECT_EQ(spans["outer"]["parentSpanId"], "b7ad6b7169203331");
  EXPECT_EQ(spans["inner"]["parentSpanId"], spans["outer"]["spanId"]);
  EXPECT_EQ(spans["step"]["parentSpanId"], spans["inner"]["spanId"]);
  for (auto& [name, span] : spans) {
    EXPECT_EQ(span["traceId"], "0af7651916cd43dd8448eb211c80319c");
    EXPECT_LE(std::stoll(span["startTimeUnixNano"].get<std::string>()), std::stoll(span["endTimeUnixNano"].get<std::string>()));
  }
  EXPECT_EQ(spans["inner"]["status"]["message"], "UNAVAILABLE: refused");
  EXPECT_EQ(spans["outer"]["kind"], 5);
}

TEST_F(SpanTest, WithoutAnExporterNothingIsRecordedAndTheTraceGoesOn) {
  Export("");
  const Span span("unseen", SpanKind::kConsumer, kParent);
  EXPECT_FALSE(RecordsSpans(span.context()));
  EXPECT_FALSE(RecordsCurrentTrace());
  EXPECT_EQ(CurrentTrace().trace_id, "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(metrics_.Expose().find("vora_spans"), std::string::npos);
}

TEST_F(SpanTest, TheDecisionOfTheCallerIsKeptAndNewTracesFollowTheRatio) {
  Export(collector_.url(), 0.25);
  int sampled = 0;
  for (int i = 0; i < 4000; ++i) sampled += TraceContext::NewRoot().sampled ? 1 : 0;
  EXPECT_NEAR(sampled, 1000, 250);
  SetSampleRatio(0);
  EXPECT_FALSE(TraceContext::NewRoot().sampled);
  { const Span kept("kept", SpanKind::kServer, kParent); }
  { const Span left("left out", SpanKind::kServer, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"); }
  { const Span root("root", SpanKind::kInternal); }
  exporter_.reset();
  EXPECT_EQ(collector_.Await(1).size(), 1u);
  EXPECT_EQ(Count("vora_spans_exported_total"), 1);
}

TEST_F(SpanTest, WhatIsRecordedBeforeTheEndIsFlushed) {
  // More than a batch, and few enough for this collector on a busy machine: the exporter gives it a second.
  Export(collector_.url());
  for (int i = 0; i < 600; ++i) Span span("span " + std::to_string(i), SpanKind::kInternal, kParent);
  exporter_.reset();
  EXPECT_EQ(collector_.Await(600).size(), 600u);
  EXPECT_EQ(Count("vora_spans_exported_total"), 600);
  EXPECT_EQ(Count("vora_spans_dropped_total"), 0);
}

TEST_F(SpanTest, ABusyCollectorGetsThemLater) {
  collector_.SetBusy(true);
  Export(collector_.url());
  { const Span span("patient", SpanKind::kInternal, kParent); }
  collector_.AwaitCalls(1);
  collector_.SetBusy(false);
  EXPECT_EQ(collector_.Await(1).size(), 1u);
  exporter_.reset();
  EXPECT_EQ(Count("vora_spans_exported_total"), 1);
  EXPECT_EQ(Count("vora_spans_dropped_total"), 0);
}

TEST_F(SpanTest, WithoutACollectorTheQueueStaysBoundedAndTheEndIsQuick) {
  Export("http://127.0.0.1:1");
  const auto begin = steady_clock::now();
  for (int i = 0; i < 20'000; ++i) Span span("lost", SpanKind::kInternal, kParent);
  EXPECT_LT(steady_clock::now() - begin, milliseconds(5000)) << "recording must not wait for the collector";
  EXPECT_GT(Count("vora_spans_dropped_total"), 10'000);
  const auto end = steady_clock::now();
  exporter_.reset();
  EXPECT_LT(steady_clock::now() - end, milliseconds(2000));
  EXPECT_EQ(Count("vora_spans_dropped_total"), 20'000);
}

TEST_F(SpanTest, ACollectorThatHangsDoesNotHoldUpTheEnd) {
  Metrics metrics;
  std::promise<void> called;
  std::once_flag first;
  http::Server hanging(Untraced(), metrics);
  hanging.Route("POST", "/v1/traces", [&](http::Exchange& exchange) -> http::Task<void> {
    std::call_once(first, [&] { called.set_value(); });
    (void)co_await exchange.Sleep(std::chrono::seconds(30));
  });
  ASSERT_THAT(hanging.Start(), IsOk());
  Export("http://127.0.0.1:" + std::to_string(hanging.port()));
  { const Span span("stuck", SpanKind::kInternal, kParent); }
  ASSERT_EQ(called.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  const auto end = steady_clock::now();
  exporter_.reset();
  EXPECT_LT(steady_clock::now() - end, milliseconds(2500));
  EXPECT_EQ(Count("vora_spans_dropped_total"), 1);
}

TEST(OtlpSettingsTest, MistakesAreNamed) {
  EXPECT_THAT(OtlpSettings{}.Check(), IsOk());
  EXPECT_THAT((OtlpSettings{"http://collector:4318", 0.5}).Check(), IsOk());
  EXPECT_THAT((OtlpSettings{"https://collector.example/otlp", 1}).Check(), IsOk());
  for (const char* bad : {"collector:4318", "ftp://a", "http://", "http:///v1", "http://user:word@host", "http://host?x=1"}) {
    EXPECT_THAT(Message((OtlpSettings{bad, 1}).Check()), HasSubstr("VORA_OTLP_ENDPOINT")) << bad;
  }
  EXPECT_THAT(Message((OtlpSettings{"", 1.5}).Check()), HasSubstr("VORA_OTLP_SAMPLE_RATIO"));
}

TEST(SpanMetricsTest, AreAsDeclared) { testing::ExpectDeclared(kSpanMetrics); }

}  // namespace
}  // namespace vora::obs
