// vora-bench-objects STORE PLAIN COUNT BYTES: the same segments as objects of STORE and as files under PLAIN, named as the gateway serves
// them, so that a web server and the gateway can be measured on equal content.

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>

#include "libs/obs/metrics.h"
#include "libs/storage/base/object_store.h"
#include "libs/storage/open_store.h"

namespace {

constexpr char kVideo[] = "019a0000000070008000000000000001";

std::string RandomBytes(size_t size, unsigned seed) {
  std::mt19937_64 random(seed);
  std::string out(size, '\0');
  for (char& c : out) c = static_cast<char>(random());
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: %s STORE-URL PLAIN-FOLDER COUNT BYTES\n", argv[0]);
    return 2;
  }
  vora::obs::Metrics metrics;
  auto store = vora::storage::OpenObjectStore(argv[1], metrics);
  if (!store.ok()) {
    std::fprintf(stderr, "%s\n", vora::ToText(store.status()).c_str());
    return 1;
  }
  const std::string plain = std::string(argv[2]) + "/v/" + kVideo + "/720p";
  std::filesystem::create_directories(plain);
  for (int i = 0; i < std::stoi(argv[3]); ++i) {
    const std::string bytes = RandomBytes(std::stoul(argv[4]), static_cast<unsigned>(i));
    const std::string name = "seg_" + std::to_string(i) + ".m4s";
    const auto put = (*store)->Put(std::string("processed/") + kVideo + "/720p/" + name, bytes, {});
    if (!put.ok()) {
      std::fprintf(stderr, "%s\n", vora::ToText(put.status()).c_str());
      return 1;
    }
    std::ofstream(plain + "/" + name, std::ios::binary) << bytes;
  }
  std::printf("%s\n", kVideo);
  return 0;
}
