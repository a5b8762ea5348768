#include "services/analytics-ingest/spool/check_spool.h"

#include <cstdio>

#include "services/analytics-ingest/spool/spool.h"

namespace vora::analytics {

int CheckSpoolMain(const std::string& directory) {
  const auto check = CheckSpool(directory);
  if (!check.ok()) {
    std::fprintf(stderr, "%s\n", Message(check.status()).c_str());
    return 2;
  }
  std::printf("%s: %lld segments, %lld rows, %lld bytes\n", directory.c_str(), static_cast<long long>(check->segments),
              static_cast<long long>(check->rows), static_cast<long long>(check->bytes));
  if (check->torn_bytes > 0) {
    std::printf("%lld bytes after the last whole row: being written now, or left by a crash; the next start cuts them off\n",
                static_cast<long long>(check->torn_bytes));
  }
  for (const std::string& file : check->damaged) std::printf("damaged: %s\n", file.c_str());
  for (const std::string& file : check->quarantined) std::printf("quarantined: %s\n", file.c_str());
  if (!check->quarantined.empty())
    std::printf("What was quarantined is not shipped, and never deleted: delete it when you no longer need it.\n");
  const bool clean = check->damaged.empty() && check->quarantined.empty();
  std::printf("%s\n", clean ? "clean" : "not clean");
  return clean ? 0 : 1;
}

}  // namespace vora::analytics
