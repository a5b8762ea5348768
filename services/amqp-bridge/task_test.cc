#include "services/amqp-bridge/task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/core/error.h"
#include "libs/testing/status_matchers.h"

namespace vora::amqp {
namespace {

constexpr size_t kMaxBody = 4096;

Message Plain(const std::string& body) {
  Message message;
  message.body = body;
  message.body_size = body.size();
  message.content_type = "application/json";
  message.message_id = "m-1";
  return message;
}

// As Celery's protocol 2 sends a task.
Message Celery(const std::string& body) {
  Message message = Plain(body);
  message.message_id = "";
  message.content_encoding = "utf-8";
  message.correlation_id = "c0ffee";
  message.reply_to = "answers";
  message.headers = {{"task", "vora.import"}, {"id", "c0ffee"}, {"lang", "py"}};
  return message;
}

Task Read(const Message& message) {
  Task task;
  const Status read = ReadTask(message, kMaxBody, task);
  EXPECT_THAT(read, IsOk()) << vora::Message(read);
  return task;
}

struct Refused {
  std::string field, limit, text;
};
Refused Refusal(const Message& message) {
  Task task;
  const Status read = ReadTask(message, kMaxBody, task);
  EXPECT_EQ(read.code(), StatusCode::kInvalidArgument) << ToText(read);
  return {DetailOf(read).field, DetailOf(read).limit, vora::Message(read)};
}

TEST(TaskTest, APlainTaskIsTheBodyOfTheRestApi) {
  const Task task =
      Read(Plain(R"({"source":{"name":"nas","key":"a.mp4"},"external_id":"cms/42","labels":{"show":"news"},"title":"News"})"));
  EXPECT_EQ(task.request.source().name(), "nas");
  EXPECT_EQ(task.request.source().key(), "a.mp4");
  EXPECT_EQ(task.request.external_id(), "cms/42");
  EXPECT_EQ(task.request.title(), "News");
  EXPECT_EQ(task.request.request_id(), "amqp/m-1");
  EXPECT_EQ(task.recipient, (Recipient{"m-1", ""}));
  ASSERT_EQ(task.request.labels_size(), 1);
  EXPECT_EQ(task.request.labels().at("show"), "news");
}

TEST(TaskTest, ACeleryTaskIsItsKeywordArguments) {
  const Task task = Read(Celery(
      R"([[],{"source":{"url":"https://a.example/film.mp4"},"labels":{"show":"news"}},{"callbacks":null,"errbacks":null,"chain":null,"chord":null}])"));
  EXPECT_EQ(task.request.source().url(), "https://a.example/film.mp4");
  EXPECT_EQ(task.request.request_id(), "amqp/c0ffee");
  EXPECT_EQ(task.recipient, (Recipient{"c0ffee", "answers"}));
  EXPECT_EQ(task.request.labels().at("show"), "news");
}

TEST(TaskTest, TheSameMessageIsTheSameRequest) {
  const std::string body = R"({"source":{"url":"https://a.example/a.mp4"},"external_id":"e"})";
  EXPECT_EQ(Read(Plain(body)).request.SerializeAsString(), Read(Plain(body)).request.SerializeAsString());
  Message named = Plain(body);
  named.correlation_id = "call-7";
  EXPECT_EQ(Read(named).request.request_id(), "amqp/m-1") << "message_id names it";
  EXPECT_EQ(Read(named).recipient.correlation_id, "call-7") << "and the answers are found by what the sender asks for";
  named.message_id = "";
  EXPECT_EQ(Read(named).request.request_id(), "amqp/call-7");
  named.correlation_id = "";
  EXPECT_EQ(Read(named).request.request_id(), "") << "metadata finds it by its external_id";
  EXPECT_EQ(Read(named).recipient.correlation_id, "e");
  const Task own = Read(Plain(R"({"source":{"url":"https://a.example/a.mp4"},"request_id":"order-1"})"));
  EXPECT_EQ(own.request.request_id(), "order-1") << "what the sender names wins";
}

TEST(TaskTest, ABadTaskNamesTheFieldAndTheLimit) {
  const std::string source = R"("source":{"url":"https://a.example/a.mp4"})";
  const std::pair<std::string, std::string> bad[] = {
      {"", "body"},
      {"{", "body"},
      {"[]", "body"},
      {"17", "body"},
      {R"({"sauce":1})", "sauce"},
      {R"({"source":"a"})", "source"},
      {R"({"source":{"uri":"a"}})", "source.uri"},
      {R"({"source":{"url":7}})", "source.url"},
      {"{" + source + R"(,"labels":["a"]})", "labels"},
      {"{" + source + R"(,"labels":{"a":1}})", "labels.a"},
      {"{" + source + R"(,"recipient":"x"})", "recipient"},
      {"{" + source + R"(,"priority":"high"})", "priority"},
  };
  for (const auto& [body, field] : bad) EXPECT_EQ(Refusal(Plain(body)).field, field) << body;
  const Refused large = Refusal(Plain(std::string(kMaxBody + 1, ' ')));
  EXPECT_EQ(large.field, "body");
  EXPECT_EQ(large.limit, "4096 bytes");
  Message pickle = Plain("{" + source + "}");
  pickle.content_type = "application/x-python-serialize";
  EXPECT_EQ(Refusal(pickle).field, "content_type");
  Message zipped = Plain("{" + source + "}");
  zipped.content_encoding = "binary";
  EXPECT_EQ(Refusal(zipped).field, "content_encoding");
  Message nameless = Plain("{" + source + "}");
  nameless.message_id = "";
  EXPECT_EQ(Refusal(nameless).field, "message_id");
  Message long_name = Plain("{" + source + "}");
  long_name.message_id = std::string(251, 'x');
  EXPECT_EQ(Refusal(long_name).field, "message_id");
  Message wide = Plain("{" + source + "}");
  for (int i = 0; i < 100; ++i) wide.message_id += "\xe2\x82\xac";
  EXPECT_EQ(Refusal(wide).field, "correlation_id") << "100 characters are 300 bytes";
  wide.correlation_id = "c";
  EXPECT_EQ(Refusal(wide).limit, "250 bytes");
  wide.message_id = "\xff";
  EXPECT_EQ(Refusal(wide).field, "message_id");
}

TEST(TaskTest, WhatACeleryTaskCannotHaveIsRefused) {
  const std::pair<std::string, std::string> bad[] = {
      {R"({"source":{}})", "body"},
      {R"([[],{}])", "body"},
      {R"([[],[],{}])", "body"},
      {R"([[42],{},{}])", "args"},
      {R"([[],{"source":{"url":"https://a.example/a"}},{"chain":[{"task":"next"}]}])", "embed.chain"},
      {R"([[],{"source":{"url":"https://a.example/a"}},{"callbacks":[{"task":"next"}]}])", "embed.callbacks"},
      {R"([[],{"sauce":1},{}])", "sauce"},
  };
  for (const auto& [body, field] : bad) EXPECT_EQ(Refusal(Celery(body)).field, field) << body;
}

TEST(TaskTest, ARefusedTaskIsAnsweredToWhoSentItIfThatCanBe) {
  Task task;
  EXPECT_THAT(ReadTask(Celery("{"), kMaxBody, task), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_EQ(task.recipient, (Recipient{"c0ffee", "answers"}));
  Message hostile = Celery("{");
  hostile.correlation_id = "line\nbreak";
  Task unnamed;
  EXPECT_THAT(ReadTask(hostile, kMaxBody, unnamed), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_EQ(unnamed.recipient, Recipient());
}

TEST(RecipientTest, IsReadAsItWasWritten) {
  for (const Recipient& recipient : {Recipient{"a", "queue"}, Recipient{"b", ""}, Recipient{R"("\{)", "Ä"}}) {
    EXPECT_EQ(RecipientOf(TextOf(recipient)), recipient) << TextOf(recipient);
  }
  const Recipient longest{std::string(255, '"'), std::string(255, '\\')};
  EXPECT_LE(TextOf(longest).size(), 2000u) << "metadata takes no more";
  for (const char* text : {"", "{", "[]", "17", R"({"correlation_id":"a"})", R"({"correlation_id":"a","reply_to":7})"}) {
    EXPECT_EQ(RecipientOf(text), std::nullopt) << text;
  }
}

TEST(TaskTest, ABodyThatIsNestedDeepIsRefusedAndEndsNothing) {
  const std::string deep = std::string(120'000, '[') + std::string(120'000, ']');
  for (const Message& message : {Celery(R"([[],{"title":)" + deep + "},{}]"), Plain(R"({"title":)" + deep + "}")}) {
    Task task;
    EXPECT_EQ(DetailOf(ReadTask(message, 1 << 20, task)).field, "title");
  }
}

}  // namespace
}  // namespace vora::amqp
