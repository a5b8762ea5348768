// Whatever a player sends: JSON, lines of JSON, CMCD in all its forms, protobuf; and what the spool finds on its disk. The first byte says
// as what the rest is read.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "libs/core/encoding.h"
#include "libs/http/message/client_address.h"
#include "services/analytics-ingest/formats/batch.h"
#include "services/analytics-ingest/formats/cmcd_events.h"
#include "services/analytics-ingest/formats/json_events.h"
#include "services/analytics-ingest/formats/proto_events.h"
#include "services/analytics-ingest/spool/spool_format.h"
#include "tests/fuzz/require.h"

namespace vora::analytics {
namespace {

constexpr int64_t kMaxEvents = 100;

Batch NewBatch() {
  static const ViewerHasher viewers({.secret = "secret-for-fuzzing"});
  Event base;
  base.server_ms = 1'700'000'000'000;
  return Batch(base, viewers);
}

// All that was read is either accepted, refused with a reason, or has no row.
void Check(const Status& status, Batch& batch) {
  if (!status.ok()) return Require(!Message(status).empty());
  Require(batch.accepted() >= 0 && batch.rejected() >= 0 && batch.accepted() + batch.ignored() + batch.rejected() == batch.seen());
  for (const Rejection& rejection : batch.rejections()) Require(!rejection.reason.empty());
  for (const RowBatch& rows : batch.TakeRows()) Require(!rows.empty() && rows.valid());
}

void CheckRequest(const StatusOr<cmcd::Cmcd>& parsed) {
  Batch batch = NewBatch();
  AddCmcdRequest(parsed, batch);
  Check(absl::OkStatus(), batch);
}

void CheckProto(std::string_view bytes) {
  Batch batch = NewBatch();
  v1::PlaybackEvent event;
  if (event.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) AddProtoEvent(event, batch);
  v1::DeliveryRecord record;
  if (record.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) AddDelivery(record, batch);
  Check(absl::OkStatus(), batch);
}

// A header with the right checksum says what was written; a name that is believed, written again, is read as the same.
void CheckSpool(std::string_view bytes) {
  if (bytes.size() >= kSegmentHeaderBytes) {
    const SegmentHeader header{static_cast<int32_t>(LoadU32(bytes.data())), LoadU32(bytes.data() + 4), LoadU32(bytes.data() + 8),
                               HexEncode(bytes.substr(12, 16))};
    std::array<char, kSegmentHeaderBytes> written = EncodeHeader(header);
    const auto read = DecodeHeader(written.data());
    Require(read.ok() && read->day == header.day && read->number == header.number && read->created_ms == header.created_ms &&
            read->batch == header.batch);
    written[static_cast<size_t>(bytes[28] & 63)] ^= 1;
    Require(!DecodeHeader(written.data()).ok());
    static_cast<void>(DecodeHeader(bytes.data()));
  }
  const auto name = ParseName(bytes);
  if (!name) return;
  const auto again = ParseName(FormatName(*name));
  Require(again && again->state == name->state && again->number == name->number && again->day == name->day && again->rows == name->rows &&
          again->bytes == name->bytes && again->origin == name->origin);
}

void Read(uint8_t kind, std::string_view text) {
  Batch batch = NewBatch();
  std::string body(text);
  body.reserve(text.size() + 64);
  CmcdSessions sessions(4);
  switch (kind % 8) {
    case 0:
      return Check(ReadJsonEvents(body, kMaxEvents, batch), batch);
    case 1:
      return Check(ReadJsonLines(body, kMaxEvents, batch), batch);
    case 2:
      return Check(AddCmcdEvents(body, kMaxEvents, sessions, batch), batch);
    case 3:
      return CheckRequest(cmcd::Parse(text));
    case 4: {
      const size_t half = text.size() / 2;
      return CheckRequest(cmcd::ParseHeaders(text.substr(0, half), text.substr(half), text, ""));
    }
    case 6:
      return CheckProto(text);
    case 7:
      return CheckSpool(text);
    default: {
      static const auto trusted = http::ParseCidrs({"127.0.0.0/8", "::1", "10.0.0.0/9"});
      const auto client = http::ClientAddress("127.0.0.1", text, *trusted);
      Require(client.has_value() && !client->Network().empty());
      if (const auto list = http::ParseCidrs({std::string(text)}); list.ok()) list->front().Holds(*client);
    }
  }
}

}  // namespace
}  // namespace vora::analytics

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 0) vora::analytics::Read(data[0], {reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
