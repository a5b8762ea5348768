#include "services/upload/upload_proto.h"

#include <google/protobuf/util/time_util.h>

#include "services/upload/upload_repo.h"

namespace vora::upload {
namespace {

// Well-formed UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
bool IsUtf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    auto byte = [&](size_t k) { return i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0u; };
    unsigned lead = byte(0);
    size_t more = lead < 0x80 ? 0 : lead >= 0xc2 && lead <= 0xdf ? 1 : (lead & 0xf0) == 0xe0 ? 2 : lead >= 0xf0 && lead <= 0xf4 ? 3 : 9;
    if (more == 9) return false;
    for (size_t k = 1; k <= more; ++k) {
      if ((byte(k) & 0xc0) != 0x80) return false;
    }
    if (lead == 0xe0 && byte(1) < 0xa0) return false;
    if (lead == 0xed && byte(1) > 0x9f) return false;
    if (lead == 0xf0 && byte(1) < 0x90) return false;
    if (lead == 0xf4 && byte(1) > 0x8f) return false;
    i += more + 1;
  }
  return true;
}

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
  Parsed<Metadata> metadata = ParseMetadata(doc.metadata_header);
  if (!ErrorOf(metadata)) {
    for (const auto& [key, value] : std::get<Metadata>(metadata)) {
      if (IsUtf8(value)) (*upload.mutable_metadata())[key] = value;
    }
  }
  if (doc.state == State::kUploaded) {
    upload.set_object_key(OriginalKey(doc.upload_id));
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
