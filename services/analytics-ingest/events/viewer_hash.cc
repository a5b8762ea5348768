#include "services/analytics-ingest/events/viewer_hash.h"

#include <sys/stat.h>

#include <fstream>

#include "libs/core/digest.h"
#include "libs/core/encoding.h"
#include "libs/core/ids.h"
#include "libs/core/whole_file.h"

namespace vora::analytics {
namespace {

constexpr size_t kHashBytes = 16;
constexpr int kSecretBytes = 32;
constexpr char kSecretFile[] = "viewer-secret";

std::string HashWith(const std::string& salt, std::string_view tenant, std::string_view viewer_id) {
  // No tenant holds this byte, so no other pair of tenant and viewer gives the same text.
  std::string text(tenant);
  text += '\0';
  text += viewer_id;
  return HexEncode(std::string_view(HmacSha256(salt, text)).substr(0, kHashBytes));
}

}  // namespace

ViewerHasher::ViewerHasher(ViewerHashOptions options) : options_(std::move(options)), stable_salt_(Salt("stable")) {}

std::string ViewerHasher::Salt(std::string_view name) const { return HmacSha256(options_.secret, name); }

std::string ViewerHasher::SaltOf(int64_t period) const {
  const std::lock_guard lock(mutex_);
  if (period != cached_period_) {
    // The period's length is part of it: another length must not bring an old salt back.
    cached_salt_ = Salt(std::to_string(options_.period.count()) + "/" + std::to_string(period));
    cached_period_ = period;
  }
  return cached_salt_;
}

std::string ViewerHasher::Hash(std::string_view tenant, std::string_view viewer_id, int64_t unix_ms) const {
  if (viewer_id.empty() || options_.mode == ViewerHashMode::kNone) return {};
  if (options_.mode == ViewerHashMode::kStable) return HashWith(stable_salt_, tenant, viewer_id);
  return HashWith(SaltOf(PeriodOf(unix_ms)), tenant, viewer_id);
}

std::vector<std::string> ViewerHasher::AllHashes(std::string_view tenant, std::string_view viewer_id, int64_t now_ms) const {
  std::vector<std::string> hashes{HashWith(stable_salt_, tenant, viewer_id)};
  const int64_t last = PeriodOf(now_ms) + 1;  // another replica's clock may be ahead
  const int64_t first = std::max<int64_t>(0, PeriodOf(now_ms - options_.retention.count()) - 1);
  for (int64_t period = first; period <= last; ++period) {
    const std::string salt = Salt(std::to_string(options_.period.count()) + "/" + std::to_string(period));
    hashes.push_back(HashWith(salt, tenant, viewer_id));
  }
  return hashes;
}

StatusOr<std::string> LoadOrMakeSecret(const std::string& directory) {
  const std::string path = directory + "/" + kSecretFile;
  std::ifstream existing(path);
  std::string secret;
  if (existing && std::getline(existing, secret) && secret.size() >= 2 * static_cast<size_t>(kSecretBytes)) return secret;
  // Another secret in its place would put everybody hashed before beyond erasure.
  struct stat there {};
  if (::lstat(path.c_str(), &there) == 0) {
    return FailedPrecondition("the viewers' secret in " + path +
                              " cannot be read or is cut: restore it from a backup, or set VORA_VIEWER_SECRET; remove the file only if no "
                              "viewer has to be found for erasure any more");
  }
  secret = RandomHex(kSecretBytes);
  // Whole or not at all: half a secret would make two. A secret that is made anew after a power cut could not find the viewers of before.
  VORA_RETURN_IF_ERROR(Annotate(WriteWholeFile(path, secret + "\n", 0600), "cannot keep the viewers' secret"));
  return secret;
}

}  // namespace vora::analytics
