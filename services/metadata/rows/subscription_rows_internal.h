#pragma once

// Subscriptions, and who is told by them, inside a transaction: a subscription is a webhook without an address. Heavy (pqxx).

#include <string>

#include <pqxx/pqxx>

#include "libs/core/status.h"

namespace vora::metadata {

inline constexpr int kMaxSubscriptions = 32;  // of a tenant
inline constexpr int kMaxRecipients = 1000;   // of a video and a subscription
inline constexpr size_t kMaxRecipientBytes = 2000;

// INVALID_ARGUMENT naming `subscription`, or `recipient`, and the limit.
Status CheckSubscription(const std::string& name);
Status CheckRecipient(const std::string& recipient);

// Its id; it is made when there is none. FAILED_PRECONDITION: the tenant has kMaxSubscriptions.
StatusOr<std::string> FindOrSubscribe(pqxx::transaction_base& tx, const std::string& tenant, const std::string& name);
// Is told of the video from now on, once. The caller holds the video's row. FAILED_PRECONDITION naming `recipient`: it has kMaxRecipients.
Status AddRecipient(pqxx::transaction_base& tx, const std::string& subscription_id, const std::string& video_id,
                    const std::string& recipient);

}  // namespace vora::metadata
