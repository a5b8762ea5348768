#pragma once

// The server's exceptions as Status.

#include <optional>
#include <string>
#include <string_view>

#include "libs/core/status.h"

namespace vora::clickhouse {

// The number in "Code: 252, e.displayText() = DB::Exception: ..." (18.16) or "Code: 252. DB::Exception: ..."; nullopt: no exception text.
std::optional<int> ExceptionCode(std::string_view text);
// Where an exception begins that was written after an answer already under way (status 200), at the begin of a line. npos: none.
size_t FindLateException(std::string_view answer);
// UNAVAILABLE, DEADLINE_EXCEEDED, ABORTED: may pass by itself (see client.h). INVALID_ARGUMENT: the query is wrong. INTERNAL: all else.
StatusCode CodeOf(int exception);
// Whether the schema is gone, or not there yet.
bool SchemaIsMissing(const Status& status);
// The status of an answer other than 200. `header`: of X-ClickHouse-Exception-Code, may be empty.
Status FromAnswer(int http_status, std::string_view header, std::string_view body);

}  // namespace vora::clickhouse
