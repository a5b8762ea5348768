#include "libs/settings/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "libs/settings/settings_internal.h"
#include "libs/testing/status_matchers.h"

namespace vora {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

struct Sample {
  std::string name = "unnamed";
  std::string mode = "off";
  std::string key;
  std::string database;
  int64_t slots = 4;
  double ratio = 0.5;
  bool verbose = false;
  milliseconds idle{60000};
  std::vector<std::string> peers = {"a:1", "b:2"};
  int64_t limit = int64_t{50} << 30;
  SettingsSchema schema;

  Sample() {
    schema.Add("VORA_NAME", &name, "What it is called");
    schema.Add("VORA_MODE", &mode, "Tokens", {.choices = {"on", "off"}});
    schema.Add("VORA_KEY", &key, "Signing key", {.secret = true});
    schema.Add("VORA_DATABASE", &database, "Where the rows are", {.required = true});
    schema.Add("VORA_SLOTS", &slots, "Activities at once", {.min = 1, .max = 64});
    schema.Add("VORA_RATIO", &ratio, "Share", {.min = 0, .max = 1});
    schema.Add("VORA_VERBOSE", &verbose, "Say more");
    schema.Add("VORA_IDLE", &idle, "Idle time", {.min = 1000});
    schema.Add("VORA_PEERS", &peers, "Others");
    schema.AddBytes("VORA_LIMIT", &limit, "Largest upload", {.max = int64_t{1} << 40});
  }

  Status Load(std::map<std::string, std::string> environment) {
    return schema.Load([environment = std::move(environment)](const std::string& variable) -> std::optional<std::string> {
      const auto found = environment.find(variable);
      if (found == environment.end()) return std::nullopt;
      return found->second;
    });
  }
};

TEST(SettingsTest, ReadsEveryKind) {
  Sample sample;
  const Status status = sample.Load({{"VORA_NAME", " edge "},
                                     {"VORA_MODE", "on"},
                                     {"VORA_KEY", "s3cret"},
                                     {"VORA_DATABASE", "postgresql:///vora"},
                                     {"VORA_SLOTS", "64"},
                                     {"VORA_RATIO", "0.25"},
                                     {"VORA_VERBOSE", "yes"},
                                     {"VORA_IDLE", "90s"},
                                     {"VORA_PEERS", "x:1, y:2,,z:3"},
                                     {"VORA_LIMIT", "1TiB"},
                                     {"VORA_UNHEARD_OF", "ignored"}});
  ASSERT_THAT(status, IsOk());
  EXPECT_EQ(sample.name, "edge");
  EXPECT_EQ(sample.mode, "on");
  EXPECT_EQ(sample.key, "s3cret");
  EXPECT_EQ(sample.slots, 64);
  EXPECT_EQ(sample.ratio, 0.25);
  EXPECT_TRUE(sample.verbose);
  EXPECT_EQ(sample.idle, milliseconds(90000));
  EXPECT_THAT(sample.peers, ElementsAre("x:1", "y:2", "z:3"));
  EXPECT_EQ(sample.limit, int64_t{1} << 40);
}

TEST(SettingsTest, EmptyMeansUnset) {
  Sample sample;
  ASSERT_THAT(sample.Load({{"VORA_DATABASE", "x"}, {"VORA_SLOTS", ""}, {"VORA_NAME", " "}}), IsOk());
  EXPECT_EQ(sample.slots, 4);
  EXPECT_EQ(sample.name, "unnamed");
}

TEST(SettingsTest, ReportsAllMistakesAtOnce) {
  Sample sample;
  const Status status = sample.Load({{"VORA_MODE", "maybe"},
                                     {"VORA_SLOTS", "65"},
                                     {"VORA_RATIO", "x"},
                                     {"VORA_VERBOSE", "sometimes"},
                                     {"VORA_IDLE", "10ms"},
                                     {"VORA_LIMIT", "lots"}});
  EXPECT_THAT(status, StatusIs(StatusCode::kInvalidArgument));
  EXPECT_EQ(Message(status),
            "VORA_MODE=maybe: must be one of: on, off\n"
            "VORA_DATABASE: is required. Where the rows are\n"
            "VORA_SLOTS=65: must be at most 64\n"
            "VORA_RATIO=x: must be a number\n"
            "VORA_VERBOSE=sometimes: must be on or off (also true/false, yes/no, 1/0)\n"
            "VORA_IDLE=10ms: must be at least 1s\n"
            "VORA_LIMIT=lots: must be a size such as 1000000, 512KiB, 64MiB or 50GiB");
}

TEST(SettingsTest, RequiredUnlessOthersAreSet) {
  std::string all, one, other;
  SettingsSchema schema;
  schema.Add("VORA_ALL", &all, "All", {.required = true, .unless = {"VORA_ONE", "VORA_OTHER"}});
  schema.Add("VORA_ONE", &one, "One");
  schema.Add("VORA_OTHER", &other, "Other");
  const auto load = [&](std::vector<std::string> set) {
    return schema.Load([&](const std::string& name) {
      return std::find(set.begin(), set.end(), name) != set.end() ? std::optional<std::string>("x") : std::nullopt;
    });
  };
  EXPECT_THAT(load({"VORA_ALL"}), IsOk());
  EXPECT_THAT(load({"VORA_ONE", "VORA_OTHER"}), IsOk());
  EXPECT_THAT(load({"VORA_ONE"}), StatusIs(StatusCode::kInvalidArgument, HasSubstr("VORA_ALL: is required")));
  EXPECT_THAT(schema.Markdown(), HasSubstr("All. Required, unless VORA_ONE and VORA_OTHER are set."));
}

TEST(SettingsTest, SecretsAreNeverShown) {
  std::string key = "default-secret";
  int64_t pin = 4321;
  SettingsSchema schema;
  schema.Add("VORA_KEY", &key, "Key", {.secret = true});
  schema.Add("VORA_PIN", &pin, "Pin", {.secret = true, .max = 9999});
  const Status status = schema.Load([](const std::string& name) { return name == "VORA_PIN" ? "123456" : "hidden"; });
  EXPECT_EQ(Message(status), "VORA_PIN=***: must be at most 9999");
  for (const std::string& text : {schema.PrintConfig(), schema.Help(), schema.Markdown()}) {
    EXPECT_THAT(text, HasSubstr("***"));
    for (const char* secret : {"default-secret", "hidden", "4321", "123456"}) EXPECT_THAT(text, Not(HasSubstr(secret)));
  }
}

TEST(SettingsTest, PrintConfigShowsWhatIsInEffect) {
  Sample sample;
  ASSERT_THAT(sample.Load({{"VORA_DATABASE", "db"}, {"VORA_KEY", "k"}, {"VORA_IDLE", "1.5s"}}), IsOk());
  EXPECT_EQ(sample.schema.PrintConfig(),
            "VORA_NAME=unnamed\nVORA_MODE=off\nVORA_KEY=***\nVORA_DATABASE=db\nVORA_SLOTS=4\nVORA_RATIO=0.5\nVORA_VERBOSE=off\n"
            "VORA_IDLE=1500ms\nVORA_PEERS=a:1,b:2\nVORA_LIMIT=50GiB\n");
}

TEST(SettingsTest, HelpNamesDefaultsAndLimits) {
  const Sample sample;
  const std::string help = sample.schema.Help();
  EXPECT_THAT(help, HasSubstr("  VORA_SLOTS  (default: 4)\n      Activities at once. From 1 to 64.\n"));
  EXPECT_THAT(help, HasSubstr("  VORA_DATABASE  (required)\n"));
  EXPECT_THAT(help, HasSubstr("  VORA_KEY  (default: empty)\n"));
  EXPECT_THAT(help, HasSubstr("  VORA_IDLE  (default: 1m)\n      Idle time. At least 1s.\n"));
  EXPECT_THAT(help, HasSubstr("One of: on, off."));
  EXPECT_THAT(sample.schema.Markdown(), HasSubstr("| `VORA_LIMIT` | `50GiB` | Largest upload. At most 1TiB. |\n"));
}

TEST(SettingsValuesTest, Durations) {
  using settings_internal::FormatDuration;
  using settings_internal::ParseDuration;
  const std::pair<const char*, int64_t> good[] = {{"250ms", 250}, {"10s", 10000}, {"5m", 300000}, {"2h", 7200000},
                                                  {"7", 7000},    {"0.5s", 500},  {"0", 0}};
  for (const auto& [text, millis] : good) EXPECT_EQ(ParseDuration(text), millis) << text;
  for (const char* bad : {"", "s", "-1s", "1d", "1 year", "1e3s", "nan", "inf", "99999999999999999h", "0x10s"}) {
    EXPECT_EQ(ParseDuration(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(FormatDuration(0), "0s");
  EXPECT_EQ(FormatDuration(7'200'000), "2h");
  EXPECT_EQ(FormatDuration(90'000), "90s");
  EXPECT_EQ(FormatDuration(250), "250ms");
}

TEST(SettingsValuesTest, Bytes) {
  using settings_internal::FormatBytes;
  using settings_internal::ParseBytes;
  EXPECT_EQ(ParseBytes("64MiB"), int64_t{64} << 20);
  EXPECT_EQ(ParseBytes("1000000"), 1'000'000);
  EXPECT_EQ(ParseBytes("1.5KiB"), 1536);
  EXPECT_EQ(ParseBytes("12B"), 12);
  for (const char* bad : {"", "MiB", "-1", "1MB", "1mib", "9999999999TiB"}) EXPECT_EQ(ParseBytes(bad), std::nullopt) << bad;
  EXPECT_EQ(FormatBytes(int64_t{1} << 20), "1MiB");
  EXPECT_EQ(FormatBytes(1000), "1000");
  EXPECT_EQ(FormatBytes(0), "0");
}

}  // namespace
}  // namespace vora
