#include "libs/core/error.h"
#include "libs/core/labels.h"
#include "services/metadata/rows/ladder_rows_internal.h"

namespace vora::metadata {
namespace {

// Of one name the tenant's own before the installation's, which lie under the tenant `default`.
constexpr char kLadderNamed[] = R"(
    SELECT body::text AS body FROM ladders WHERE name = $2 AND tenant IN ($1, 'default') ORDER BY tenant = $1 DESC LIMIT 1)";

}  // namespace

const char kDefaultLadder[] = R"(
    SELECT l.tenant, l.name, l.body::text AS body FROM default_ladders d JOIN ladders l ON l.name = d.name AND l.tenant IN (d.tenant, 'default')
    WHERE d.tenant IN ($1, 'default') ORDER BY d.tenant = $1 DESC, l.tenant = d.tenant DESC LIMIT 1)";

StatusOr<std::string> LadderOfNewVideo(pqxx::transaction_base& tx, const std::string& tenant, const std::string& name) {
  if (!name.empty()) VORA_RETURN_IF_ERROR(CheckLadderName(kLadderKey, name));
  const pqxx::result found = name.empty() ? tx.exec_params(kDefaultLadder, tenant) : tx.exec_params(kLadderNamed, tenant, name);
  if (!found.empty()) return std::string(found[0]["body"].c_str());
  if (name.empty()) return Internal("there is no default ladder");
  return InvalidField("ladder", "there is no ladder \"" + name + "\"");
}

}  // namespace vora::metadata
