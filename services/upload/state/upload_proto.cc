#include "services/upload/state/upload_proto.h"

#include <google/protobuf/util/time_util.h>

#include "libs/core/text.h"
#include "libs/layout/layout.h"
#include "services/upload/state/upload_repo.h"

namespace vora::upload {
namespace {

v1::UploadState ToProto(State state) {
  switch (state) {
    case State::kCreated:
      return v1::UPLOAD_STATE_CREATED;
    case State::kUploading:
      return v1::UPLOAD_STATE_UPLOADING;
    case State::kUploaded:
      return v1::UPLOAD_STATE_UPLOADED;
    case State::kFailed:
      return v1::UPLOAD_STATE_FAILED;
  }
  return v1::UPLOAD_STATE_UNSPECIFIED;
}

}  // namespace

v1::Upload ToProto(const UploadDoc& doc) {
  using google::protobuf::util::TimeUtil;
  v1::Upload upload;
  upload.set_upload_id(doc.upload_id);
  upload.set_tenant(doc.tenant);
  upload.set_state(ToProto(doc.state));
  upload.set_offset(doc.offset);
  if (doc.length) upload.set_length(*doc.length);
  StatusOr<Metadata> metadata = ParseMetadata(doc.metadata_header);
  if (metadata.ok()) {
    for (const auto& [key, value] : *metadata) {
      if (IsValidUtf8(value)) (*upload.mutable_metadata())[key] = value;
    }
  }
  if (doc.state == State::kUploaded) {
    upload.set_object_key(layout::OriginalKey(doc.upload_id));
    upload.set_sha256(doc.sha256);
  } else {
    *upload.mutable_expires_at() = TimeUtil::MillisecondsToTimestamp(doc.expires_unix_ms);
  }
  upload.set_failure(doc.failure);
  *upload.mutable_created_at() = TimeUtil::MillisecondsToTimestamp(doc.created_unix_ms);
  upload.set_traceparent(doc.traceparent);
  return upload;
}

}  // namespace vora::upload
