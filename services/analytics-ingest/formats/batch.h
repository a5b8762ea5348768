#pragma once

// The events of one request: valid ones become rows, the others refusals with their reasons.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"
#include "services/analytics-ingest/events/event_builder.h"
#include "services/analytics-ingest/events/viewer_hash.h"
#include "services/analytics-ingest/spool/spool_batch.h"

namespace vora::analytics {

struct Rejection {
  int64_t index = 0;  // of the event in the request
  std::string field, reason;
};
inline constexpr size_t kMaxRejectionsTold = 100;

// What a request with more than `max_events` is answered with.
Status TooManyEvents(int64_t max_events);

class Batch {
 public:
  // Of every event: server_ms, source and client_net of `base`. `viewers` must outlive the batch.
  Batch(Event base, const ViewerHasher& viewers);
  // Values that events have which do not say otherwise.
  Event& base() { return base_; }
  void SetBaseViewer(std::string viewer_id) { base_viewer_ = std::move(viewer_id); }

  // One event: Begin, fill it, End.
  EventBuilder& Begin();
  void End();
  void Reject(std::string_view field, std::string_view reason);  // the event at the next index
  void Ignore();                                                 // understood, but nothing to keep
  // For events that are not built with Begin: any number of AddRow, then Accept.
  void AddRow(Event& event);
  void Accept();
  // How many bytes of rows to expect.
  void Reserve(size_t bytes) { reserve_ = bytes; }

  int64_t seen() const { return next_; }
  int64_t accepted() const { return accepted_; }
  int64_t ignored() const { return ignored_; }
  int64_t rejected() const { return rejected_; }
  const std::vector<Rejection>& rejections() const { return rejections_; }
  // One per day; mostly there is one.
  std::vector<RowBatch> TakeRows() { return std::move(rows_); }

 private:
  RowBatch& RowsOf(int32_t day);
  const std::string& HashOf(const Event& event, const std::string& viewer_id);

  Event base_;
  std::string base_viewer_;
  const ViewerHasher& viewers_;
  EventBuilder builder_;
  int64_t next_ = 0, accepted_ = 0, ignored_ = 0, rejected_ = 0;
  std::vector<Rejection> rejections_;
  std::vector<RowBatch> rows_;
  std::string hashed_viewer_, hash_;
  size_t reserve_ = 0;
};

// A random sequence below 0, for events that have none of their own.
int64_t RandomSequence();

}  // namespace vora::analytics
