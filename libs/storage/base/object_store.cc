#include "libs/storage/base/object_store.h"

namespace vora::storage {

StatusOr<Abilities> ObjectStore::FindAbilities(const std::string& /*key*/) { return Abilities(); }

StatusOr<std::string> ObjectStore::Get(const std::string& key, int64_t limit, ObjectInfo* info) {
  VORA_ASSIGN_OR_RETURN(std::unique_ptr<ObjectReader> reader, Open(key));
  int64_t size = reader->info().size;
  if (size > limit) {
    return ResourceExhausted("object " + key + " has " + std::to_string(size) + " bytes, at most " + std::to_string(limit) + " are read");
  }
  std::string bytes(static_cast<size_t>(size), '\0');
  size_t filled = 0;
  while (filled < bytes.size()) {
    VORA_ASSIGN_OR_RETURN(size_t n, reader->Read(bytes.data() + filled, bytes.size() - filled));
    // The size came with the opening of this very object, so fewer bytes are a broken read and no shorter object.
    if (n == 0) return Unavailable("object " + key + " ended early");
    filled += n;
  }
  if (info != nullptr) *info = reader->info();
  return bytes;
}

StatusOr<int64_t> ObjectStore::DeletePrefix(const std::string& prefix, Depth depth) {
  if (prefix.size() < 2 || prefix.back() != '/') return InvalidArgument("delete prefix: must end in '/', is '" + prefix + "'");
  int64_t deleted = 0;
  std::string token;
  do {
    // Tokens name a key and no position, so deleting a page does not make the next one skip any.
    VORA_ASSIGN_OR_RETURN(ListPage page, List(prefix, token));
    for (const ObjectInfo& object : page.objects) {
      if (depth == Depth::kFlat && object.key.find('/', prefix.size()) != std::string::npos) continue;
      VORA_RETURN_IF_ERROR(Delete(object.key));
      ++deleted;
    }
    token = page.next_token;
  } while (!token.empty());
  return deleted;
}

}  // namespace vora::storage
