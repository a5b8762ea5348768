#pragma once

// SQL of what operators have set for queues and tenants. What is as usual has no row: while there is none at all, claims take a shorter
// way (RunRow::restricted).

#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "vora/workflow/v1/workflow.pb.h"

namespace vora::workflow::repo {

// Until the transaction ends; readers go on.
void LockSettings(pqxx::transaction_base& tx);
// By name; `name` empty: all.
std::vector<v1::QueueSettings> ReadQueueSettings(pqxx::transaction_base& tx, const std::string& name);
std::vector<v1::TenantSettings> ReadTenantSettings(pqxx::transaction_base& tx, const std::string& name);
void WriteQueueSettings(pqxx::transaction_base& tx, const v1::QueueSettings& settings);
void WriteTenantSettings(pqxx::transaction_base& tx, const v1::TenantSettings& settings);
void DeleteQueueSettings(pqxx::transaction_base& tx, const std::string& queue);
void DeleteTenantSettings(pqxx::transaction_base& tx, const std::string& tenant);
// Apart, since no transition asks for it.
void WriteRetention(pqxx::transaction_base& tx, const v1::TenantSettings& settings);

}  // namespace vora::workflow::repo
