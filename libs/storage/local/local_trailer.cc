#include "libs/storage/local/local_trailer.h"

#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "libs/core/digest.h"
#include "libs/storage/base/key.h"
#include "libs/storage/local/local_file.h"

namespace vora::storage {
namespace {

// Numbers are little-endian, so that a directory can move between machines. The checksum covers the trailer alone, not the object's bytes.
constexpr std::string_view kMagic = "VORAOBJ1";
constexpr size_t kIdBytes = 32;
constexpr size_t kSizeAt = 8;
constexpr size_t kTimeAt = 16;
constexpr size_t kEtagAt = 24;
constexpr size_t kMultipartAt = kEtagAt + kIdBytes;
constexpr size_t kTypeLengthAt = kMultipartAt + kIdBytes;
constexpr size_t kTypeAt = kTypeLengthAt + 1;
constexpr size_t kCopiedFromLengthAt = kTypeAt + 255;  // zero in trailers that are older than it
constexpr size_t kCopiedFromAt = kCopiedFromLengthAt + 1;
constexpr size_t kCrcAt = static_cast<size_t>(kTrailerBytes) - 4;
static_assert(kCopiedFromAt + kMaxCopiedFrom <= kCrcAt);

void PutInt64(std::string& out, size_t at, int64_t value) {
  for (size_t i = 0; i < 8; ++i) out[at + i] = static_cast<char>(static_cast<uint64_t>(value) >> (8 * i));
}

int64_t GetInt64(std::string_view in, size_t at) {
  uint64_t value = 0;
  for (size_t i = 0; i < 8; ++i) value |= uint64_t{static_cast<unsigned char>(in[at + i])} << (8 * i);
  return static_cast<int64_t>(value);
}

std::string Crc(std::string_view bytes) {
  auto digest = Digest::Create("crc32");
  digest->Update(bytes);
  return digest->Finish();
}

}  // namespace

std::string EncodeTrailer(const Trailer& trailer) {
  if (trailer.etag.size() != kIdBytes || (!trailer.multipart_id.empty() && trailer.multipart_id.size() != kIdBytes) ||
      trailer.content_type.size() > 255 || trailer.copied_from.size() > kMaxCopiedFrom) {
    std::abort();
  }
  std::string out(static_cast<size_t>(kTrailerBytes), '\0');
  out.replace(0, kMagic.size(), kMagic);
  PutInt64(out, kSizeAt, trailer.size);
  PutInt64(out, kTimeAt, trailer.modified_unix_ms);
  out.replace(kEtagAt, kIdBytes, trailer.etag);
  out.replace(kMultipartAt, trailer.multipart_id.size(), trailer.multipart_id);
  out[kTypeLengthAt] = static_cast<char>(trailer.content_type.size());
  out.replace(kTypeAt, trailer.content_type.size(), trailer.content_type);
  out[kCopiedFromLengthAt] = static_cast<char>(trailer.copied_from.size());
  out.replace(kCopiedFromAt, trailer.copied_from.size(), trailer.copied_from);
  out.replace(kCrcAt, 4, Crc(std::string_view(out).substr(0, kCrcAt)));
  return out;
}

StatusOr<Trailer> DecodeTrailer(std::string_view bytes) {
  if (bytes.size() != static_cast<size_t>(kTrailerBytes) || bytes.substr(0, kMagic.size()) != kMagic) {
    return DataLoss("object file: not written by this store, or cut off");
  }
  if (Crc(bytes.substr(0, kCrcAt)) != bytes.substr(kCrcAt)) return DataLoss("object file: its trailer has a wrong checksum");
  Trailer trailer;
  trailer.size = GetInt64(bytes, kSizeAt);
  trailer.modified_unix_ms = GetInt64(bytes, kTimeAt);
  trailer.etag = bytes.substr(kEtagAt, kIdBytes);
  if (bytes[kMultipartAt] != '\0') trailer.multipart_id = bytes.substr(kMultipartAt, kIdBytes);
  trailer.content_type = bytes.substr(kTypeAt, static_cast<unsigned char>(bytes[kTypeLengthAt]));
  trailer.copied_from = bytes.substr(kCopiedFromAt, static_cast<unsigned char>(bytes[kCopiedFromLengthAt]));
  return trailer;
}

StatusOr<Trailer> ReadTrailer(int fd) {
  struct stat st {};
  if (::fstat(fd, &st) != 0) return ErrnoStatus(errno, "stat");
  if (!S_ISREG(st.st_mode) || st.st_size < kTrailerBytes) return DataLoss("object file: not written by this store, or cut off");
  std::array<char, static_cast<size_t>(kTrailerBytes)> buffer;
  VORA_RETURN_IF_ERROR(ReadAt(fd, buffer.data(), buffer.size(), st.st_size - kTrailerBytes));
  VORA_ASSIGN_OR_RETURN(Trailer trailer, DecodeTrailer({buffer.data(), buffer.size()}));
  // The trailer lies at the end, so a file that was cut or grew shows another one there, or a size that does not fit.
  if (trailer.size != st.st_size - kTrailerBytes) return DataLoss("object file: has another size than its trailer says");
  return trailer;
}

}  // namespace vora::storage
