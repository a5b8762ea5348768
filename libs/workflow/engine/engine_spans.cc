#include "libs/workflow/engine/engine_spans_internal.h"

namespace vora::workflow {
namespace {

// The database's clock, in which rows count.
SystemTime FromMicros(int64_t us) { return SystemTime(std::chrono::microseconds(us)); }

bool Records(const std::string& traceparent) {
  const auto parent = obs::TraceContext::Parse(traceparent);
  return parent && obs::RecordsSpans(*parent);
}

obs::SpanRecord ChildOf(const std::string& traceparent, std::string name, SystemTime start, SystemTime end) {
  obs::SpanRecord span;
  span.name = std::move(name);
  span.context = obs::ContinueTrace(traceparent);
  span.parent_span_id = obs::SpanIdOf(traceparent);
  span.start = start;
  span.end = end;
  return span;
}

}  // namespace

void AddWaitSpan(const TaskRow& task, std::vector<obs::SpanRecord>& spans) {
  if (!Records(task.traceparent)) return;
  const int64_t begin = task.visible_at_us;
  auto span = ChildOf(task.traceparent, "wait " + task.activity_type, FromMicros(begin), FromMicros(task.started_time_us.value_or(begin)));
  span.kind = obs::SpanKind::kProducer;
  span.attributes = {{"messaging.destination.name", task.queue},
                     {"vora.activity.id", task.activity_id},
                     {"vora.workflow.id", task.workflow_id},
                     {"vora.attempt", std::to_string(task.attempt)}};
  spans.push_back(std::move(span));
}

void RecordTransitionSpan(const RunRow& run, SystemTime start) {
  if (!Records(run.traceparent)) return;
  auto span = ChildOf(run.traceparent, "transition " + run.type, start, std::chrono::system_clock::now());
  span.attributes = {{"db.system.name", "postgresql"}, {"vora.workflow.id", run.workflow_id}};
  obs::RecordSpan(std::move(span));
}

void RecordRunSpan(const RunRow& run) {
  if (!Records(run.traceparent)) return;
  const auto end = FromMicros(run.close_time_us.value_or(run.now_us));
  auto span = ChildOf(run.traceparent, "workflow " + run.type, FromMicros(run.start_time_us), end);
  span.failed = run.status != "COMPLETED" && run.status != "CANCELED";
  if (span.failed) span.error = run.status;
  span.attributes = {{"vora.workflow.id", run.workflow_id}, {"vora.workflow.run_id", run.run_id}, {"vora.workflow.status", run.status}};
  obs::RecordSpan(std::move(span));
}

}  // namespace vora::workflow
