#include "services/upload/state/upload_state.h"

#include <gtest/gtest.h>

#include "libs/testing/status_matchers.h"
#include "services/upload/headers/content_type.h"
#include "services/upload/state/upload_proto.h"

namespace vora::upload {
namespace {

UploadDoc StateDoc() {
  UploadDoc doc;
  doc.upload_id = std::string(32, 'a');
  doc.version = 7;
  doc.writer = "w";
  doc.state = State::kUploading;
  doc.offset = 2 * kPartSize + 5;
  doc.length = 3 * kPartSize;
  doc.metadata_header = "filename d29ybGQ=,bad /w==";
  doc.multipart_id = "m";
  doc.part_etags = {"e1", "e2"};
  doc.tail_number = 4;
  doc.tail_bytes = 5;
  doc.sha256_state = "s";
  doc.traceparent = "00-1-2-01";
  doc.created_unix_ms = 1;
  doc.updated_unix_ms = 2;
  doc.expires_unix_ms = 3000;
  return doc;
}

TEST(UploadStateTest, SurvivesJson) {
  for (State state : {State::kCreated, State::kUploading, State::kUploaded, State::kFailed}) {
    UploadDoc doc = StateDoc();
    doc.state = state;
    doc.failure_kind = state == State::kFailed ? Failure::kExpired : Failure::kNone;
    StatusOr<UploadDoc> again = FromJson(ToJson(doc));
    ASSERT_THAT(again, IsOk());
    EXPECT_EQ(ToJson(*again), ToJson(doc));
    EXPECT_EQ(again->part_etags, doc.part_etags);
    EXPECT_EQ(again->length, doc.length);
  }
  UploadDoc deferred = StateDoc();
  deferred.length.reset();
  EXPECT_EQ(FromJson(ToJson(deferred))->length, std::nullopt);
}

TEST(UploadStateTest, ContradictionsAreDataLoss) {
  UploadDoc doc = StateDoc();
  doc.offset += 1;
  EXPECT_THAT(FromJson(ToJson(doc)), StatusIs(StatusCode::kDataLoss));
  doc = StateDoc();
  doc.length = 1;
  EXPECT_THAT(FromJson(ToJson(doc)), StatusIs(StatusCode::kDataLoss));
  doc = StateDoc();
  doc.multipart_id.clear();
  EXPECT_THAT(FromJson(ToJson(doc)), StatusIs(StatusCode::kDataLoss));
  for (std::string_view bad : {"", "{", "[]", "null", "{}", R"({"upload_id":1})"}) {
    EXPECT_THAT(FromJson(bad), StatusIs(StatusCode::kDataLoss)) << bad;
  }
  std::string odd = ToJson(StateDoc());
  odd.replace(odd.find("UPLOADING"), 9, "NAPPING!!");
  EXPECT_THAT(FromJson(odd), StatusIs(StatusCode::kDataLoss));
}

TEST(UploadStateTest, TransitionTable) {
  const State all[] = {State::kCreated, State::kUploading, State::kUploaded, State::kFailed};
  const std::string allowed[] = {"CREATED>CREATED",     "CREATED>UPLOADING",  "CREATED>UPLOADED", "CREATED>FAILED",
                                 "UPLOADING>UPLOADING", "UPLOADING>UPLOADED", "UPLOADING>FAILED", "FAILED>FAILED"};
  for (State from : all) {
    for (State to : all) {
      std::string name = std::string(StateName(from)) + ">" + std::string(StateName(to));
      bool expected = std::find(std::begin(allowed), std::end(allowed), name) != std::end(allowed);
      Status checked = CheckTransition(from, to);
      EXPECT_EQ(checked.ok(), expected) << name;
      EXPECT_EQ(checked.code(), expected ? StatusCode::kOk : StatusCode::kFailedPrecondition);
    }
  }
}

TEST(UploadStateTest, ExpiresOnlyWhileUnfinished) {
  UploadDoc doc = StateDoc();
  EXPECT_FALSE(doc.expired(FromUnixMs(2999)));
  EXPECT_TRUE(doc.expired(FromUnixMs(3000)));
  doc.offset = *doc.length;
  EXPECT_TRUE(doc.awaits_finish());
  EXPECT_FALSE(doc.expired(FromUnixMs(9000))) << "every byte is there: it will be finished";
  doc.state = State::kUploaded;
  EXPECT_FALSE(doc.expired(FromUnixMs(9000)));
  EXPECT_FALSE(doc.awaits_finish());
}

TEST(UploadStateTest, ProtoShowsWhatTheContractSays) {
  UploadDoc doc = StateDoc();
  v1::Upload unfinished = ToProto(doc);
  EXPECT_EQ(unfinished.metadata().at("filename"), "world");
  EXPECT_EQ(unfinished.metadata().count("bad"), 0u) << "0xff is no UTF-8";
  EXPECT_EQ(unfinished.object_key(), "");
  EXPECT_TRUE(unfinished.has_expires_at());
  doc.state = State::kUploaded;
  doc.sha256 = "ab";
  v1::Upload finished = ToProto(doc);
  EXPECT_EQ(finished.object_key(), "raw/" + doc.upload_id + "/original");
  EXPECT_EQ(finished.sha256(), "ab");
  EXPECT_FALSE(finished.has_expires_at());
}

TEST(ContentTypeTest, OnlyWellFormedTypesAreTaken) {
  EXPECT_EQ(ContentTypeOf("filetype dmlkZW8vbXA0"), "video/mp4");
  EXPECT_EQ(ContentTypeOf("type dmlkZW8vbXA0"), "video/mp4");
  EXPECT_EQ(ContentTypeOf(""), "application/octet-stream");
  EXPECT_EQ(ContentTypeOf("filetype dmlkZW8="), "application/octet-stream");      // video
  EXPECT_EQ(ContentTypeOf("filetype YS9iDQpYOiB5"), "application/octet-stream");  // a/b\r\nX: y
  EXPECT_EQ(ContentTypeOf("filetype not-base64!"), "application/octet-stream");
}

}  // namespace
}  // namespace vora::upload
