#include "libs/media/input/mp4_check.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "libs/core/error.h"
#include "libs/media/base/media_error.h"

namespace vora::media {
namespace {

// Each box is a read from the object store.
constexpr int kMaxBoxes = 20'000;
constexpr int kMaxDepth = 8;
constexpr uint32_t kSelfContained = 1;  // ISO/IEC 14496-12, 8.7.2: the media is in this file

constexpr uint32_t Type(std::string_view name) {
  uint32_t type = 0;
  for (const char c : name) type = type << 8 | static_cast<unsigned char>(c);
  return type;
}

struct Box {
  uint32_t type = 0;
  int64_t body = 0;  // offset of what follows the header
  int64_t end = 0;
};

uint32_t Big32(const char* bytes) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

class Walk {
 public:
  Walk(ByteSource& source, const SourceLimits& limits) : source_(source), limits_(limits) {}

  Status File() {
    int64_t at = 0;
    for (bool first = true; at < source_.size(); first = false) {
      Box box;
      VORA_ASSIGN_OR_RETURN(const bool some, Header(at, source_.size(), &box));
      if (!some || (first && !BeginsAFile(box.type))) return {};
      if (box.type == Type("moov")) return Movie(box);
      // Fragments: the index came before, or there is none.
      if (box.type == Type("moof")) return {};
      at = box.end;
    }
    return {};
  }

 private:
  static bool BeginsAFile(uint32_t type) {
    for (const std::string_view name : {"ftyp", "moov", "mdat", "free", "skip", "wide", "pnot", "uuid", "styp"}) {
      if (type == Type(name)) return true;
    }
    return false;
  }

  // False when there is no whole header.
  StatusOr<bool> Header(int64_t at, int64_t end, Box* box) {
    char bytes[16];
    if (++boxes_ > kMaxBoxes) {
      return MakeError(errors::kMediaTooLarge, "The file's index consists of more than " + std::to_string(kMaxBoxes) + " boxes.");
    }
    VORA_ASSIGN_OR_RETURN(const size_t got, ReadUpTo(at, bytes, sizeof bytes));
    if (got < 8 || at + 8 > end) return false;
    uint64_t size = Big32(bytes);
    int64_t header = 8;
    // ISO/IEC 14496-12 section 4.2: 1 is followed by a size of 64 bits, 0 means to the end.
    if (size == 1) {
      if (got < 16) return false;
      size = static_cast<uint64_t>(Big32(bytes + 8)) << 32 | Big32(bytes + 12);
      header = 16;
    }
    if (size == 0) size = static_cast<uint64_t>(end - at);
    if (size < static_cast<uint64_t>(header)) return false;
    box->type = Big32(bytes + 4);
    box->body = at + header;
    box->end = static_cast<int64_t>(std::min<uint64_t>(size, static_cast<uint64_t>(end - at))) + at;
    // As the file says it, not cut to the file: a demuxer would ask for so much memory.
    claimed_ = size;
    return true;
  }

  StatusOr<size_t> ReadUpTo(int64_t at, char* bytes, size_t size) {
    size_t have = 0;
    while (have < size) {
      VORA_ASSIGN_OR_RETURN(const size_t got, source_.ReadAt(at + static_cast<int64_t>(have), bytes + have, size - have));
      if (got == 0) break;
      have += got;
    }
    return have;
  }

  Status CheckIndexSize(uint64_t bytes) const {
    if (bytes <= static_cast<uint64_t>(limits_.max_header_bytes)) return {};
    return MakeError(errors::kMediaTooLarge, "The file's index has " + std::to_string(bytes) + " bytes; at most " +
                                                 std::to_string(limits_.max_header_bytes) + " are taken (VORA_MAX_SOURCE_HEADER).");
  }

  Status Movie(const Box& box) {
    VORA_RETURN_IF_ERROR(CheckIndexSize(claimed_));
    return Children(box, 0);
  }

  Status Children(const Box& parent, int depth) {
    if (depth > kMaxDepth) return {};
    for (int64_t at = parent.body; at < parent.end;) {
      Box box;
      VORA_ASSIGN_OR_RETURN(const bool some, Header(at, parent.end, &box));
      if (!some) return {};
      VORA_RETURN_IF_ERROR(Child(box, depth));
      at = box.end;
    }
    return {};
  }

  Status Child(const Box& box, int depth) {
    if (box.type == Type("trak")) {
      // Only that there are too many is known yet.
      if (++tracks_ > limits_.max_streams) {
        return MakeError(errors::kMediaTooLarge, "The file has more than " + std::to_string(limits_.max_streams) +
                                                     " tracks; at most so many are taken (VORA_MAX_SOURCE_STREAMS).");
      }
    }
    if (box.type == Type("rmra")) return External("a reference movie");
    if (box.type == Type("dref")) return References(box);
    // QuickTime's compressed index: the figure is its size unpacked.
    if (box.type == Type("cmvd")) {
      char size[4];
      VORA_ASSIGN_OR_RETURN(const size_t got, ReadUpTo(box.body, size, sizeof size));
      return got == sizeof size ? CheckIndexSize(Big32(size)) : Status();
    }
    for (const std::string_view name : {"trak", "mdia", "minf", "dinf", "cmov"}) {
      if (box.type == Type(name)) return Children(box, depth + 1);
    }
    return {};
  }

  Status References(const Box& dref) {
    // After version, flags and the number of entries, which is not believed.
    for (int64_t at = dref.body + 8; at < dref.end;) {
      Box entry;
      VORA_ASSIGN_OR_RETURN(const bool some, Header(at, dref.end, &entry));
      if (!some) return {};
      char bytes[8] = {};
      VORA_ASSIGN_OR_RETURN(const size_t got, ReadUpTo(entry.body, bytes, sizeof bytes));
      // Some programs leave the flag out, but give no place either.
      const bool names_a_place = got > 5 && entry.end - entry.body > 5 && bytes[4] != '\0';
      const bool long_alias = entry.type == Type("alis") && entry.end - entry.body > 64;
      if (got >= 4 && (Big32(bytes) & kSelfContained) == 0 && (names_a_place || long_alias)) return External("an external data reference");
      at = entry.end;
    }
    return {};
  }

  static Status External(const std::string& what) {
    return MakeError(errors::kMediaExternalReference,
                     "The file has its media in another file (" + what + "), which is never opened; upload a self-contained file.");
  }

  ByteSource& source_;
  const SourceLimits& limits_;
  int boxes_ = 0;
  int64_t tracks_ = 0;
  uint64_t claimed_ = 0;  // size in the last header
};

}  // namespace

Status CheckMp4(ByteSource& source, const SourceLimits& limits) { return Walk(source, limits).File(); }

}  // namespace vora::media
