#include "libs/obs/trace.h"

#include <gtest/gtest.h>

#include "libs/log/log.h"

namespace vora::obs {
namespace {

constexpr std::string_view kGood = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

TEST(TraceTest, ParsesTheExampleOfTheSpecification) {
  const auto context = TraceContext::Parse(kGood);
  ASSERT_TRUE(context);
  EXPECT_EQ(context->trace_id, "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(context->span_id, "b7ad6b7169203331");
  EXPECT_TRUE(context->sampled);
  EXPECT_EQ(context->ToTraceparent(), kGood);
}

TEST(TraceTest, KeepsTheSampledFlag) {
  const auto context = TraceContext::Parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00");
  ASSERT_TRUE(context);
  EXPECT_FALSE(context->sampled);
  EXPECT_TRUE(context->Child().ToTraceparent().ends_with("-00"));
}

TEST(TraceTest, LaterVersionsMayBeLonger) {
  EXPECT_TRUE(TraceContext::Parse("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-comes"));
  EXPECT_FALSE(TraceContext::Parse("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.what"));
}

TEST(TraceTest, RefusesMalformedHeaders) {
  for (const char* bad :
       {"", "00", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333g-01", "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0x"}) {
    EXPECT_FALSE(TraceContext::Parse(bad)) << bad;
  }
}

TEST(TraceTest, ChildKeepsTheTraceAndGetsItsOwnSpan) {
  const auto parent = TraceContext::NewRoot();
  const auto child = ContinueTrace(parent.ToTraceparent());
  EXPECT_EQ(child.trace_id, parent.trace_id);
  EXPECT_NE(child.span_id, parent.span_id);
  EXPECT_TRUE(TraceContext::Parse(ContinueTrace("nonsense").ToTraceparent()));
}

TEST(TraceTest, ScopesNestAndReachTheLog) {
  EXPECT_TRUE(log::ThreadTrace().trace_id.empty());
  {
    const auto outer = TraceContext::NewRoot();
    const TraceScope outer_scope(outer);
    EXPECT_EQ(CurrentTrace().span_id, outer.span_id);
    {
      const TraceScope inner_scope(outer.Child());
      EXPECT_EQ(CurrentTrace().trace_id, outer.trace_id);
      EXPECT_NE(log::ThreadTrace().span_id, outer.span_id);
    }
    EXPECT_EQ(log::ThreadTrace().span_id, outer.span_id);
  }
  EXPECT_TRUE(log::ThreadTrace().trace_id.empty());
  EXPECT_NE(CurrentTrace().trace_id, CurrentTrace().trace_id);
}

}  // namespace
}  // namespace vora::obs
