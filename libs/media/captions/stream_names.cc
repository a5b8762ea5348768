#include "libs/media/captions/stream_names_internal.h"

#include "libs/media/captions/webvtt.h"

namespace vora::media {
namespace {

constexpr size_t kMaxTitle = 100;

}  // namespace

std::string StreamTag(const AVStream& stream, const char* key) {
  const AVDictionaryEntry* entry = av_dict_get(stream.metadata, key, nullptr, 0);
  if (entry == nullptr) return {};
  std::string text = CleanText(entry->value, kMaxTitle);
  for (char& c : text) {
    if (c == '\n') c = ' ';
  }
  return text;
}

// MP4 files name tracks in the handler's description, where most programs leave their own name.
std::string StreamTitle(const AVStream& stream) {
  const std::string title = StreamTag(stream, "title");
  if (!title.empty()) return title;
  const std::string handler = StreamTag(stream, "handler_name");
  // `andler` is in Handler as in handler.
  for (const char* program : {"andler", "GPAC", "L-SMASH", "Apple", "Core Media"}) {
    if (handler.find(program) != std::string::npos) return {};
  }
  return handler;
}

std::string UniqueName(const std::string& wanted, const std::string& separator, std::set<std::string>& taken) {
  std::string name = wanted;
  for (int n = 2; !taken.insert(name).second; ++n) name = wanted + separator + std::to_string(n);
  return name;
}

}  // namespace vora::media
