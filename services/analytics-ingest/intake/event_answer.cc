#include "services/analytics-ingest/intake/event_answer.h"

#include <nlohmann/json.hpp>

namespace vora::analytics {
namespace {

using nlohmann::json;

std::string Dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace) + "\n"; }

json RejectionsOf(const Batch& batch) {
  json list = json::array();
  for (const Rejection& rejection : batch.rejections()) {
    list.push_back({{"index", rejection.index}, {"field", rejection.field}, {"reason", rejection.reason}});
  }
  return list;
}

}  // namespace

http::Response AnswerOf(const Batch& batch) {
  if (batch.rejected() == 0) {  // the usual case, without a tree
    return http::Response::Json(202, "{\"accepted\":" + std::to_string(batch.accepted()) +
                                         ",\"ignored\":" + std::to_string(batch.ignored()) + ",\"rejected\":[],\"rejected_count\":0}\n");
  }
  json body{{"accepted", batch.accepted()},
            {"ignored", batch.ignored()},
            {"rejected", RejectionsOf(batch)},
            {"rejected_count", batch.rejected()}};
  // One good event is enough for 202: a batch that is sent again as a whole brings the good ones twice.
  if (batch.rejected() < batch.seen()) return http::Response::Json(202, Dump(body));
  const Rejection& first = batch.rejections().front();
  const std::string what = first.field.empty() ? first.reason : first.field + ": " + first.reason;
  json error{
      {"code", "INVALID_ARGUMENT"},
      {"reason", "invalid_argument"},
      {"message", batch.seen() == 1 ? what : "none of the " + std::to_string(batch.seen()) + " events is valid; the first: " + what}};
  if (!first.field.empty()) error["field"] = first.field;
  body["error"] = std::move(error);
  return http::Response::Json(400, Dump(body));
}

}  // namespace vora::analytics
