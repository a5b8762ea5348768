#pragma once

// EXPECT_THAT(origin.Pin(), IsKind(errors::kImportChanged)); EXPECT_THAT(origin.Read(...), Passes()).

#include <string>

#include <gmock/gmock.h>

#include "libs/core/error.h"
#include "libs/testing/status_matchers.h"

namespace vora::transcode {

MATCHER_P(IsKind, kind, "is of the kind " + std::string(kind.reason)) {
  const Status& status = status_internal::StatusOf(arg);
  *result_listener << "which is " << status << " of the kind " << DetailOf(status).reason;
  return IsError(status, kind);
}
MATCHER(Passes, "may be tried again") {
  const Status& status = status_internal::StatusOf(arg);
  *result_listener << "which is " << status;
  return IsTransient(status);
}

}  // namespace vora::transcode
