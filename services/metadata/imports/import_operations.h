#pragma once

// What REST and gRPC have in common of imports: checked requests against the sources and the repository. Thread-safe.

#include <optional>
#include <string>

#include "libs/core/status.h"
#include "libs/sources/sources.h"
#include "services/metadata/imports/import_repo.h"

namespace vora::metadata {

class ImportOperations {
 public:
  // `allow_private`: URLs of addresses that are not public. All of it must outlive the object.
  ImportOperations(ImportRepo& imports, const sources::Sources& sources, bool allow_private)
      : imports_(imports), sources_(sources), allow_private_(allow_private) {}

  // See VideoService.ImportVideo, and with a recipient EventService.ImportForRecipient.
  StatusOr<CreatedVideo> Import(const std::string& tenant, const v1::ImportVideoRequest& request,
                                const std::optional<EventRecipient>& recipient = std::nullopt);

 private:
  StatusOr<CreatedVideo> Create(const NewImport& asked, const v1::ImportVideoRequest& request);
  StatusOr<NewImport> OfSource(const std::string& tenant, const v1::ImportSource& source) const;
  StatusOr<NewImport> OfUrl(const std::string& url) const;

  ImportRepo& imports_;
  const sources::Sources& sources_;
  const bool allow_private_;
};

}  // namespace vora::metadata
