#include "services/metadata/analytics/analytics_rows.h"

#include <gtest/gtest.h>

#include "libs/testing/status_matchers.h"

namespace vora::metadata {
namespace {

using Rows = std::vector<AnalyticsRow>;

TEST(AnalyticsRowsTest, ReadsTabSeparatedRows) {
  EXPECT_EQ(*ParseRows("", 3), Rows());
  EXPECT_EQ(*ParseRows("1\tx\n\\'2\\'\ta\\tb\\nc\\\\\n", 2), (Rows{{"1", "x"}, {"'2'", "a\tb\nc\\"}}));
  EXPECT_EQ(*ParseRows("\n", 1), (Rows{{""}}));
  EXPECT_EQ(*ParseRows("\t\n", 2), (Rows{{"", ""}}));
}

TEST(AnalyticsRowsTest, TakesNothingElse) {
  for (const char* bad : {"1\n", "1\t2\t3\n", "1\t2", "1\t2\n3", "1\t\\q\n", "1\t\\", "Code: 159, e.displayText() = DB::Exception\n"}) {
    EXPECT_THAT(ParseRows(bad, 2), StatusIs(StatusCode::kInternal)) << bad;
  }
}

TEST(AnalyticsRowsTest, TotalsComeBehindAnEmptyLine) {
  const auto both = ParseRowsWithTotals("a\t1\nb\t2\n\n\t3\n", 2);
  ASSERT_THAT(both, IsOk());
  EXPECT_EQ(both->rows, (Rows{{"a", "1"}, {"b", "2"}}));
  EXPECT_EQ(both->totals, (AnalyticsRow{"", "3"}));
  EXPECT_EQ(ParseRowsWithTotals("\n\t0\n", 2)->totals, (AnalyticsRow{"", "0"}));
  for (const char* none : {"", "\n"}) {
    EXPECT_TRUE(ParseRowsWithTotals(none, 2)->totals.empty());
    EXPECT_TRUE(ParseRowsWithTotals(none, 2)->rows.empty());
  }
  for (const char* bad : {"a\t1\n", "a\t1\n\n\t3\n\t4\n", "a\t1\n\n\t3", "a\t1\n\n3\n"}) {
    EXPECT_THAT(ParseRowsWithTotals(bad, 2), StatusIs(StatusCode::kInternal)) << bad;
  }
}

TEST(AnalyticsRowsTest, FieldsAreWhatWasAskedFor) {
  const AnalyticsRow row = {"-7", "1500", "nan", "x"};
  FieldReader field(row);
  EXPECT_EQ(field.Int(), -7);
  EXPECT_DOUBLE_EQ(field.Seconds(), 1.5);
  EXPECT_DOUBLE_EQ(field.Real(), 0) << "the mean of nothing";
  EXPECT_THAT(field.Finish(), StatusIs(StatusCode::kInternal)) << "a field is left";
  EXPECT_EQ(field.Text(), "x");
  EXPECT_THAT(field.Finish(), IsOk());
  EXPECT_EQ(field.Text(), "");
  EXPECT_EQ(Message(field.Finish()), "field 4 of ClickHouse's answer is not a field");
  for (const char* bad : {"", "x", "1x", "1.5", "99999999999999999999"}) {
    const AnalyticsRow broken = {bad};
    FieldReader reader(broken);
    reader.Int();
    EXPECT_THAT(reader.Finish(), StatusIs(StatusCode::kInternal)) << bad;
  }
}

}  // namespace
}  // namespace vora::metadata
