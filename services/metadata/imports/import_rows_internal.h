#pragma once

// Rows of imports inside a transaction: shared by the repositories. Heavy (pqxx).

#include <string>

#include <pqxx/pqxx>

#include "services/metadata/imports/import_repo.h"
#include "services/metadata/rows/video_rows_internal.h"

namespace vora::metadata {

// The video that the same request, or the same file, has already.
struct KnownImport {
  std::string id;  // empty: none
  bool same_request = false;
};
// The kind `idempotency_key_reused`: the request key was of another file.
StatusOr<std::string> FindRequest(pqxx::transaction_base& tx, const NewImport& import);  // the id of its video; empty: none
StatusOr<KnownImport> FindImport(pqxx::transaction_base& tx, const NewImport& import);
// Makes the video and its start. Its id; empty: another one came first. ALREADY_EXISTS: another video has the external_id.
StatusOr<std::string> AddImport(pqxx::transaction_base& tx, const NewImport& import);

}  // namespace vora::metadata
