#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <vector>

#include "services/analytics-ingest/spool/spool.h"
#include "services/analytics-ingest/spool/spool_reader.h"

namespace vora::analytics {
namespace {

struct Contents {
  int64_t rows = 0, bytes = 0, lost_gaps = 0, rows_after = 0;
  std::string problem;
};

Contents ReadThrough(SegmentReader& reader) {
  Contents contents;
  if (!reader.header().ok()) contents.problem = Message(reader.header().status());
  for (;;) {
    std::string_view row;
    const SegmentReader::Next next = reader.Read(&row);
    if (next == SegmentReader::Next::kEnd) return contents;
    if (next == SegmentReader::Next::kRow) {
      ++contents.rows;
      if (contents.lost_gaps > 0) ++contents.rows_after;
      if (contents.lost_gaps == 0) contents.bytes = reader.offset();
      continue;
    }
    if (contents.problem.empty()) contents.problem = reader.problem();
    if (reader.unreadable() || !reader.SkipDamage()) return contents;
    ++contents.lost_gaps;
  }
}

// `name` may have been renamed, shipped or dropped since it was listed: then there is nothing to say.
void CheckFile(const std::string& directory, const std::string& file, const SegmentName& name, SpoolCheck* check) {
  FileHandle handle(open((directory + "/" + file).c_str(), O_RDONLY | O_CLOEXEC));
  if (handle.get() < 0) {
    if (errno != ENOENT) check->damaged.push_back(file + ": " + Message(ErrnoStatus("open it")));
    return;
  }
  struct stat info {};
  if (fstat(handle.get(), &info) != 0) return;
  if (name.state == SegmentState::kDamaged) {
    SegmentReader reader(std::move(handle), -1);
    check->quarantined.push_back(file + ": " + std::to_string(ReadThrough(reader).rows) + " intact rows");
    return;
  }
  const bool open = name.state == SegmentState::kOpen;
  SegmentReader reader(std::move(handle), open ? -1 : name.bytes);
  const Contents contents = ReadThrough(reader);
  ++check->segments;
  check->rows += contents.rows;
  check->bytes += info.st_size;
  if (open) {
    // Rows after a gap are damage, not a tail that is being written or was torn.
    if (contents.rows_after > 0 || reader.unreadable()) {
      check->damaged.push_back(file + ": " + contents.problem);
    } else {
      check->torn_bytes += info.st_size - std::min<int64_t>(info.st_size, std::max<int64_t>(contents.bytes, kSegmentHeaderBytes));
    }
    return;
  }
  std::string problem = contents.problem;
  if (problem.empty() && contents.rows != name.rows) problem = "it ends early";
  if (problem.empty() && (reader.header()->number != name.number || reader.header()->day != name.day))
    problem = "the header is another segment's";
  if (problem.empty()) return;
  check->damaged.push_back(file + ": " + problem + "; " + std::to_string(contents.rows) + " of " + std::to_string(name.rows) +
                           " rows are intact");
}

}  // namespace

StatusOr<SpoolCheck> CheckSpool(const std::string& directory) {
  std::error_code error;
  if (!std::filesystem::is_directory(directory, error)) return NotFound(directory + " is not a folder that can be read");
  SpoolCheck check;
  std::filesystem::directory_iterator entries(directory, error);
  for (; !error && entries != std::filesystem::directory_iterator(); entries.increment(error)) {
    const std::string file = entries->path().filename().string();
    const auto name = ParseName(file);
    // A salvage that was interrupted: the next start finishes or undoes it.
    if (name && name->state != SegmentState::kSalvage) CheckFile(directory, file, *name, &check);
  }
  if (error) return Unavailable(directory + ": " + error.message());
  std::sort(check.damaged.begin(), check.damaged.end());
  std::sort(check.quarantined.begin(), check.quarantined.end());
  return check;
}

}  // namespace vora::analytics
