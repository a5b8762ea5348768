#include "services/analytics-ingest/spool/spool_recovery.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <set>
#include <utility>
#include <vector>

#include "libs/core/ids.h"
#include "libs/log/log.h"
#include "services/analytics-ingest/events/event.h"
#include "services/analytics-ingest/spool/spool_reader.h"

namespace vora::analytics {
namespace {

constexpr char kSalvageFile[] = "salvage.tmp";
constexpr size_t kFlushBytes = 256 << 10;

// The first column of a row is its date.
int32_t DayOfRow(std::string_view row) {
  uint16_t day = 0;
  if (row.size() >= sizeof(day)) std::memcpy(&day, row.data(), sizeof(day));
  return day;
}

// Where the file's end is said to be, for files whose name says it.
int64_t LimitOf(const std::string& file) {
  const auto name = ParseName(file);
  return name && (name->state == SegmentState::kSealed || name->state == SegmentState::kDoubt) ? name->bytes : -1;
}

struct Salvaged {
  SegmentName name;
  bool damage = false;  // there was a reason to
};

// Copies the intact rows of `file` to kSalvageFile, synced. name.rows is 0 if there are none.
StatusOr<Salvaged> CopyIntactRows(SpoolDirectory& directory, const std::string& file, uint64_t origin) {
  VORA_ASSIGN_OR_RETURN(FileHandle source, directory.OpenFile(file, O_RDONLY));
  SegmentReader reader(std::move(source), LimitOf(file));
  VORA_ASSIGN_OR_RETURN(const FileHandle out, directory.OpenFile(kSalvageFile, O_WRONLY | O_CREAT | O_TRUNC));
  Salvaged result{.name = {.state = SegmentState::kSalvage, .number = directory.NextNumber(), .origin = origin},
                  .damage = !reader.header().ok()};
  std::string buffer(kSegmentHeaderBytes, '\0');
  int64_t written = 0;
  const auto flush = [&]() -> Status {
    VORA_RETURN_IF_ERROR(WriteAll(out.get(), buffer, written));
    written += static_cast<int64_t>(buffer.size());
    buffer.clear();
    return {};
  };
  for (;;) {
    std::string_view row;
    const SegmentReader::Next next = reader.Read(&row);
    if (next == SegmentReader::Next::kEnd) break;
    if (next == SegmentReader::Next::kDamaged) {
      result.damage = true;
      if (!reader.SkipDamage()) break;
      continue;
    }
    if (result.name.rows++ == 0) result.name.day = reader.header().ok() ? reader.header()->day : DayOfRow(row);
    // The record's own header lies right before the row in the reader's buffer.
    buffer.append(row.data() - kRecordHeaderBytes, kRecordHeaderBytes + row.size());
    if (buffer.size() >= kFlushBytes) VORA_RETURN_IF_ERROR(flush());
  }
  VORA_RETURN_IF_ERROR(flush());
  result.name.bytes = written;
  const auto name = ParseName(file);
  if (name && name->rows > 0 && name->rows != result.name.rows) result.damage = true;
  const int64_t created = reader.header().ok() ? reader.header()->created_ms : int64_t{result.name.day} * 86'400'000;
  // Last, since the day may be known from the first row only. A batch id of its own: this is another set of rows.
  const auto header = EncodeHeader({.day = result.name.day, .number = result.name.number, .created_ms = created, .batch = RandomHex(16)});
  VORA_RETURN_IF_ERROR(WriteAll(out.get(), std::string_view(header.data(), header.size()), 0));
  if (fdatasync(out.get()) != 0) return ErrnoStatus("sync the salvaged rows");
  return result;
}

// An earlier try may have left a copy behind: two would be rows twice.
Status RemoveCopiesOf(SpoolDirectory& directory, uint64_t origin) {
  std::vector<std::string> copies;
  VORA_RETURN_IF_ERROR(directory.ForEach([&](const std::string& text) {
    const auto name = ParseName(text);
    if (name && name->state == SegmentState::kSalvage && name->origin == origin) copies.push_back(text);
  }));
  for (const std::string& copy : copies) VORA_RETURN_IF_ERROR(directory.Remove(copy));
  return {};
}

void WriteReason(SpoolDirectory& directory, const std::string& damaged, std::string_view reason) {
  const auto file = directory.OpenFile(damaged + ".txt", O_WRONLY | O_CREAT | O_TRUNC);
  if (file.ok()) (void)WriteAll(file->get(), std::string(reason) + "\n", 0);
}

bool NothingButZeros(const FileHandle& file) {
  char buffer[4096];
  for (int64_t offset = 0;;) {
    const ssize_t got = pread(file.get(), buffer, sizeof(buffer), offset);
    if (got <= 0) return got == 0;
    if (offset == 0 && got < static_cast<ssize_t>(kSegmentHeaderBytes)) return true;
    for (ssize_t i = 0; i < got; ++i) {
      if (buffer[i] != 0) return false;
    }
    offset += got;
  }
}

Status RecoverOpen(SpoolDirectory& directory, uint64_t number, RecoveryReport* report) {
  const std::string file = FormatName({.state = SegmentState::kOpen, .number = number});
  VORA_ASSIGN_OR_RETURN(FileHandle source, directory.OpenFile(file, O_RDONLY));
  SegmentReader reader(std::move(source), -1);
  SegmentName name{.state = SegmentState::kSealed, .number = number, .bytes = reader.offset()};
  SegmentReader::Next next;
  for (std::string_view row; (next = reader.Read(&row)) == SegmentReader::Next::kRow;) {
    ++name.rows;
    name.bytes = reader.offset();
  }
  const bool torn = next == SegmentReader::Next::kDamaged;
  std::string problem = reader.header().ok() ? reader.problem() : Message(reader.header().status());
  const bool unreadable = reader.unreadable();
  const bool gap = torn && !unreadable && reader.SkipDamage();
  VORA_ASSIGN_OR_RETURN(const FileHandle target, directory.OpenFile(file, O_RDWR));
  // After a power cut a file may have its length and none of its data.
  if (name.rows == 0 && !gap && !unreadable && (reader.header().ok() || NothingButZeros(target))) return directory.Remove(file);
  if (unreadable || gap || !reader.header().ok()) {
    ++report->quarantined;
    return QuarantineSegment(directory, file, problem, true).status();
  }
  if (torn) {
    struct stat info {};
    // Cut, though the name would leave the tail out: the file then is what its name says.
    if (fstat(target.get(), &info) != 0 || ftruncate(target.get(), name.bytes) != 0) return ErrnoStatus("cut the torn tail of " + file);
    report->torn_bytes += info.st_size - name.bytes;
    log::Warn("cut the torn tail of a spool segment", {{"segment", file}, {"bytes", info.st_size - name.bytes}, {"rows_kept", name.rows}});
  }
  // Before the name: what it promises must be on the disk.
  if (fdatasync(target.get()) != 0) return ErrnoStatus("sync " + file);
  name.day = reader.header()->day;
  report->recovered_rows += name.rows;
  return directory.Rename(file, FormatName(name));
}

// Finishes, or undoes, what a crash interrupted.
Status FinishSalvage(SpoolDirectory& directory, const SegmentName& salvage, const std::set<uint64_t>& damaged) {
  if (!damaged.contains(salvage.origin)) return directory.Remove(FormatName(salvage));
  SegmentName sealed = salvage;
  sealed.state = SegmentState::kSealed;
  return directory.Rename(FormatName(salvage), FormatName(sealed));
}

}  // namespace

StatusOr<std::optional<SegmentName>> QuarantineSegment(SpoolDirectory& directory, const std::string& file, std::string_view reason,
                                                       bool salvage) {
  const std::string damaged = file + ".damaged";
  std::optional<SegmentName> copy;
  if (salvage) {
    const auto name = ParseName(file);
    const uint64_t origin = name ? name->number : 0;
    VORA_RETURN_IF_ERROR(RemoveCopiesOf(directory, origin));
    const auto salvaged = CopyIntactRows(directory, file, origin);
    if (!salvaged.ok()) {
      log::Error("the intact rows of a damaged spool segment cannot be salvaged",
                 {{"segment", file}, {"reason", Message(salvaged.status())}});
    } else if (salvaged->damage && salvaged->name.rows > 0) {
      copy = salvaged->name;
      // From here on a crash leaves a copy that the next start removes while the original has its name, and seals once it is damaged.
      VORA_RETURN_IF_ERROR(directory.Rename(kSalvageFile, FormatName(*copy)));
      directory.NoteFile(copy->number);
    }
    if (!copy) (void)directory.Remove(kSalvageFile);
  }
  VORA_RETURN_IF_ERROR(directory.Rename(file, damaged));
  // Durable before the copy may be shipped: else a power cut would bring back the original with the same rows.
  VORA_RETURN_IF_ERROR(directory.Sync());
  WriteReason(directory, damaged,
              std::string(reason) + "\n" +
                  (copy ? std::to_string(copy->rows) + " intact rows were copied to segment " +
                              FormatName({.number = copy->number}).substr(0, 16) + " and are shipped: this file is for people only."
                        : "No row was copied. To have it tried again, stop the daemon and take `.damaged` off the name."));
  if (copy) {
    const std::string from = FormatName(*copy);
    copy->state = SegmentState::kSealed;
    VORA_RETURN_IF_ERROR(directory.Rename(from, FormatName(*copy)));
  }
  log::Error("a spool segment was quarantined", {{"file", damaged}, {"reason", reason}, {"rows_salvaged", copy ? copy->rows : 0}});
  return copy;
}

StatusOr<RecoveryReport> RecoverSpool(SpoolDirectory& directory) {
  std::set<uint64_t> open;
  std::vector<SegmentName> salvages;
  VORA_RETURN_IF_ERROR(directory.ForEach([&](const std::string& text) {
    const auto name = ParseName(text);
    if (!name) return;
    directory.NoteFile(name->number);
    if (name->state == SegmentState::kOpen) open.insert(name->number);
    if (name->state == SegmentState::kSalvage) salvages.push_back(*name);
  }));
  VORA_RETURN_IF_ERROR(directory.Remove(kSalvageFile));
  if (!salvages.empty()) {
    std::set<uint64_t> origins, damaged;
    for (const SegmentName& salvage : salvages) origins.insert(salvage.origin);
    VORA_RETURN_IF_ERROR(directory.ForEach([&](const std::string& text) {
      const auto name = ParseName(text);
      if (name && name->state == SegmentState::kDamaged && origins.contains(name->number)) damaged.insert(name->number);
    }));
    for (const SegmentName& salvage : salvages) VORA_RETURN_IF_ERROR(FinishSalvage(directory, salvage, damaged));
  }
  RecoveryReport report;
  for (const uint64_t number : open) VORA_RETURN_IF_ERROR(RecoverOpen(directory, number, &report));
  return report;
}

}  // namespace vora::analytics
