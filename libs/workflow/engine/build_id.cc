#include "libs/workflow/engine/build_id.h"

#include <elf.h>
#include <link.h>

#include <cstring>
#include <string_view>

#include "libs/core/encoding.h"
#include "libs/core/version.h"

namespace vora::workflow {
namespace {

constexpr size_t Aligned(size_t size) { return (size + 3) & ~size_t{3}; }

// The notes of a segment: name and value one after the other, each padded to four bytes (gABI, chapter 5, "Note Section").
std::string FindBuildId(const char* at, size_t left) {
  while (left >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) note;
    std::memcpy(&note, at, sizeof note);
    const size_t whole = sizeof note + Aligned(note.n_namesz) + Aligned(note.n_descsz);
    if (whole > left) return {};
    const std::string_view name(at + sizeof note, note.n_namesz);
    if (note.n_type == NT_GNU_BUILD_ID && name == std::string_view("GNU\0", 4)) {
      return HexEncode({at + sizeof note + Aligned(note.n_namesz), note.n_descsz});
    }
    at += whole;
    left -= whole;
  }
  return {};
}

}  // namespace

std::string BuildId() {
  std::string id;
  const auto look = [](dl_phdr_info* info, size_t, void* found) {
    for (int i = 0; i < info->dlpi_phnum; ++i) {
      const auto& header = info->dlpi_phdr[i];
      if (header.p_type != PT_NOTE) continue;
      auto& text = *static_cast<std::string*>(found);
      text = FindBuildId(reinterpret_cast<const char*>(info->dlpi_addr + header.p_vaddr), header.p_memsz);
      if (!text.empty()) break;
    }
    return 1;  // the first object is the program itself
  };
  dl_iterate_phdr(look, &id);
  return id.empty() ? std::string(Version()) : id;
}

}  // namespace vora::workflow
