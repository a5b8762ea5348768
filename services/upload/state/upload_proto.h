#pragma once

#include "services/upload/state/upload_state.h"
#include "vora/upload/v1/upload.pb.h"

namespace vora::upload {

// The document as the contract shows it. Metadata values that are not UTF-8 are left out (protobuf strings cannot hold them).
v1::Upload ToProto(const UploadDoc& doc);

}  // namespace vora::upload
