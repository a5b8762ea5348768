#pragma once

// Videos of files that lie elsewhere, in PostgreSQL. Thread-safe.

#include <optional>
#include <string>

#include "libs/core/labels.h"
#include "libs/core/status.h"
#include "services/metadata/videos/video_repo.h"

namespace vora::metadata {

class Store;

// Who is told what becomes of a video: a subscription (EventService), and whoever that hands its events on to.
struct EventRecipient {
  std::string subscription, text;
};

struct NewImport {
  std::string tenant;
  std::string source, key, url;  // the first two, or the last
  std::string version;           // of the file in the source
  bool copy = true;
  std::string title, description, filename, traceparent;
  bool title_given = false;
  int64_t source_bytes = 0;
  std::optional<int> priority;
  std::string external_id;
  Labels labels;
  std::string ladder;         // by name; empty: the tenant's default
  bool else_default = false;  // there is nobody to tell that there is no such ladder: the default one then, and a warning
  std::string request_key;
  std::optional<EventRecipient> recipient;
  bool by_itself = false;  // nobody asked for it: what was deleted stays so
};

class ImportRepo {
 public:
  ImportRepo(Store& store, std::string public_url) : store_(store), public_url_(std::move(public_url)) {}

  // Video and outbox row in one transaction. The video that there is, with `created` false, when the request key, the external_id with the
  // same file, or the version of the file has one. ALREADY_EXISTS: another video has the external_id.
  StatusOr<CreatedVideo> Create(const NewImport& import);
  // The video that the same request was given before, whatever has become of its file since; nullopt: there was none. Of `import` it asks
  // for the tenant, the request key, where the file is, and the recipient.
  StatusOr<std::optional<CreatedVideo>> Replay(const NewImport& import);

 private:
  Status TryCreate(const NewImport& import, CreatedVideo& result);
  Store& store_;
  const std::string public_url_;
};

}  // namespace vora::metadata
