#pragma once

// What a unary method answers with.

#include <utility>

#include "libs/core/status.h"
#include "libs/rpc/status.h"

namespace vora::metadata {

template <typename T>
grpc::Status AnswerUnary(StatusOr<T> answer, T* response) {
  if (!answer.ok()) return rpc::ToGrpc(answer.status());
  *response = *std::move(answer);
  return grpc::Status::OK;
}

}  // namespace vora::metadata
