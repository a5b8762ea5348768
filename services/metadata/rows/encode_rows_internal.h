#pragma once

// Rows of later encodes inside a transaction: see VideoRow::encode_of. Heavy (pqxx).

#include <chrono>
#include <string>

#include "services/metadata/rows/video_rows_internal.h"

namespace vora::metadata {

// Everything that the encode has made.
workflow::v1::DeleteVideoInput AllOf(const VideoRow& encode);
// Whether one is under way.
bool HasOpenEncode(pqxx::transaction_base& tx, const std::string& video_id);
// What players have, and the encode, which is done, lacks: "the captions". Empty: nothing.
std::string MissingOf(pqxx::transaction_base& tx, const VideoRow& encode);
// Puts what the encode, which is READY, has made in the place of the video's renditions; what players had until then is deleted after
// `grace`. When the video was deleted, what the encode has made is.
Status AdoptEncode(pqxx::transaction_base& tx, const VideoRow& encode, std::chrono::milliseconds grace);
// Of a video that is deleted: those that are under way are cancelled, and what they still write is deleted after them.
void EndEncodes(pqxx::transaction_base& tx, const std::string& video_id);

}  // namespace vora::metadata
