#include "services/analytics-ingest/spool/spool_batch.h"

#include <cstring>

#include "services/analytics-ingest/spool/spool_format.h"

namespace vora::analytics {

void RowBatch::Add(const Event& event) {
  const size_t begin = records_.size();
  records_.append(kRecordHeaderBytes, '\0');
  AppendRow(event, records_);
  Finish(begin);
}

void RowBatch::AddRow(std::string_view row) {
  const size_t begin = records_.size();
  records_.append(kRecordHeaderBytes, '\0');
  records_.append(row);
  Finish(begin);
}

void RowBatch::Finish(size_t begin) {
  const size_t length = records_.size() - begin - kRecordHeaderBytes;
  if (length == 0 || length > kMaxRowBytes) valid_ = false;
  char* record = records_.data() + begin;
  StoreU32(record, static_cast<uint32_t>(length));
  StoreU32(record + 4, RecordCrc(record, length));
  ++rows_;
}

}  // namespace vora::analytics
