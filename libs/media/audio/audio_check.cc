#include "libs/media/audio/audio_check.h"

#include <algorithm>

#include "libs/media/input/input_internal.h"

namespace vora::media {
namespace {

// To be read for it: once a sound is known that can be heard, the others are not worth as much.
constexpr int64_t kMostBytes = int64_t{64} << 20, kMostBytesForOthers = int64_t{8} << 20;
// Packets without a sound before a track counts as undecodable though the file goes on.
constexpr int kMostPackets = 500;

constexpr char kEncrypted[] = "is encrypted";

class Candidate {
 public:
  explicit Candidate(const AVStream& stream) {
    if (IsEncrypted(stream)) {
      why_ = kEncrypted;
      return;
    }
    const AVCodec* codec = avcodec_find_decoder(stream.codecpar->codec_id);
    decoder_.reset(codec == nullptr ? nullptr : avcodec_alloc_context3(codec));
    if (decoder_) avcodec_parameters_to_context(decoder_.get(), stream.codecpar);
    if (!decoder_ || avcodec_open2(decoder_.get(), codec, nullptr) < 0) why_ = "cannot be decoded";
  }
  bool heard() const { return heard_; }
  bool known() const { return heard_ || !why_.empty(); }
  const std::string& why() const { return why_; }

  // `packet` null: there are no more.
  void Take(const AVPacket* packet, AVFrame* frame) {
    if (packet != nullptr) ++packets_;
    if (packet != nullptr && IsEncrypted(*packet)) {
      why_ = kEncrypted;
      return;
    }
    (void)avcodec_send_packet(decoder_.get(), packet);
    while (avcodec_receive_frame(decoder_.get(), frame) >= 0) heard_ = heard_ || frame->nb_samples > 0;
    if (heard_ || (packet != nullptr && packets_ < kMostPackets)) return;
    why_ = packets_ == 0 ? "is empty" : "is damaged: nothing of it can be decoded";
  }

 private:
  CodecPtr decoder_;
  int packets_ = 0;
  bool heard_ = false;
  std::string why_;
};

}  // namespace

StatusOr<std::map<int, std::string>> FindSilentStreams(ByteSource& source, const std::vector<int>& streams) {
  std::map<int, std::string> silent;
  if (streams.empty()) return silent;
  VORA_ASSIGN_OR_RETURN(const std::unique_ptr<Input> input, Input::Open(source));
  input->KeepOnly(streams);
  std::map<int, Candidate> candidates;
  for (const int index : streams) candidates.try_emplace(index, *input->stream(index));
  const auto all_known = [&] {
    return std::all_of(candidates.begin(), candidates.end(), [](const auto& one) { return one.second.known(); });
  };
  PacketPtr packet(av_packet_alloc());
  FramePtr frame(av_frame_alloc());
  if (!packet || !frame) return ResourceExhausted("out of memory");
  bool some = true;
  const auto enough = [&] {
    const bool heard = std::any_of(candidates.begin(), candidates.end(), [](const auto& one) { return one.second.heard(); });
    return all_known() || input->bytes_read() >= (heard ? kMostBytesForOthers : kMostBytes);
  };
  while (some && !enough()) {
    VORA_ASSIGN_OR_RETURN(some, input->Read(packet.get()));
    const auto found = some ? candidates.find(packet->stream_index) : candidates.end();
    if (found != candidates.end() && !found->second.known()) found->second.Take(packet.get(), frame.get());
    av_packet_unref(packet.get());
  }
  for (auto& [index, candidate] : candidates) {
    if (!some && !candidate.known()) candidate.Take(nullptr, frame.get());
    if (!candidate.why().empty()) silent[index] = candidate.why();
  }
  return silent;
}

}  // namespace vora::media
