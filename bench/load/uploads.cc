#include "bench/load/uploads.h"

#include <algorithm>
#include <random>

#include "libs/core/digest.h"
#include "libs/core/encoding.h"

namespace vora::load {
namespace {

// Nothing that compresses, unlike for each upload.
std::string Content(int64_t bytes, int seed) {
  std::mt19937_64 random(static_cast<unsigned>(seed));
  std::string content(static_cast<size_t>(bytes), '\0');
  for (size_t i = 0; i + 8 <= content.size(); i += 8) {
    const uint64_t word = random();
    for (size_t k = 0; k < 8; ++k) content[i + k] = static_cast<char>(word >> (8 * k));
  }
  return content;
}

}  // namespace

Uploader::Uploader(Loop& loop, Tally& tally, const UploadPlan& plan, int number)
    : loop_(loop), tally_(tally), plan_(plan), number_(number), line_(loop, plan.port), content_(Content(plan.bytes, number)) {}

void Uploader::Start(SteadyTime when) {
  loop_.At(when, [this] { Create(); });
}

void Uploader::Failed(const std::string& what, const Answer& answer) {
  tally_.Error(what, answer);
  if (std::exchange(open_, false)) --tally_.open_uploads;
  loop_.At(Now() + std::chrono::seconds(1), [this] { Create(); });
}

void Uploader::Create() {
  if (Now() >= plan_.end) {
    done_ = true;
    return;
  }
  began_ = Now();
  offset_ = 0;
  const std::string name = plan_.run + "-" + std::to_string(number_) + "-" + std::to_string(count_++);
  std::copy_n(name.begin(), std::min(name.size(), content_.size()), content_.begin());
  const std::string metadata = "filename " + Base64Encode(name + ".bin") + ",sha256 " + Base64Encode(HexEncode(Sha256(content_)));
  std::string request = "POST /files/ HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(plan_.port) +
                        "\r\nTus-Resumable: 1.0.0\r\nContent-Length: 0\r\nUpload-Length: " + std::to_string(content_.size()) +
                        "\r\nUpload-Metadata: " + metadata + "\r\n\r\n";
  line_.Send(std::move(request), true, [this](const Answer& answer) {
    const std::string location = answer.Header("Location");
    const size_t path = location.find("/files/");
    if (answer.status != 201 || path == std::string::npos) return Failed("creating an upload", answer);
    path_ = location.substr(path);
    open_ = true;
    tally_.most_open_uploads = std::max(tally_.most_open_uploads, ++tally_.open_uploads);
    Patch();
  });
}

void Uploader::Patch() {
  const int64_t size = std::min<int64_t>(plan_.piece, static_cast<int64_t>(content_.size()) - offset_);
  std::string request =
      "PATCH " + path_ + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(plan_.port) +
      "\r\nTus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\nUpload-Offset: " + std::to_string(offset_) +
      "\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n";
  request.append(content_, static_cast<size_t>(offset_), static_cast<size_t>(size));
  const SteadyTime asked = Now();
  line_.Send(std::move(request), true, [this, size, asked](const Answer& answer) {
    if (answer.status != 204 || answer.Header("Upload-Offset") != std::to_string(offset_ + size)) return Failed("sending a piece", answer);
    tally_.patch_times.Add(asked);
    tally_.upload_bytes += size;
    offset_ += size;
    if (offset_ < static_cast<int64_t>(content_.size())) {
      const double share = static_cast<double>(offset_) / static_cast<double>(content_.size());
      const auto due = began_ + std::chrono::duration_cast<SteadyTime::duration>(plan_.takes * share);
      loop_.At(std::max(Now(), due), [this] { Patch(); });
      return;
    }
    open_ = false;
    --tally_.open_uploads;
    tally_.uploads.push_back(path_.substr(path_.rfind('/') + 1));
    Create();
  });
}

}  // namespace vora::load
