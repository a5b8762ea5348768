#include <algorithm>
#include <cmath>

#include "libs/media/audio/audio_timeline_internal.h"

namespace vora::media {
namespace {

// How loud each channel is in each output, a row each, for layouts without speakers. Of ambisonics (ACN order) the sound from everywhere,
// and for two outputs that from the left and the right; of numbered channels the odd ones on the left, the even ones on the right. Never
// louder than full scale.
std::vector<double> MixByRule(const AVChannelLayout& layout, int outputs) {
  const auto inputs = static_cast<size_t>(layout.nb_channels);
  std::vector<double> matrix(inputs * static_cast<size_t>(outputs), 0.0);
  const bool ambisonic = layout.order == AV_CHANNEL_ORDER_AMBISONIC && inputs >= 4;
  for (size_t out = 0; out < static_cast<size_t>(outputs); ++out) {
    double* row = matrix.data() + out * inputs;
    if (ambisonic) {
      row[0] = outputs == 2 ? 0.5 : 1.0;
      if (outputs == 2) row[1] = out == 0 ? 0.5 : -0.5;
      continue;
    }
    const size_t step = outputs == 2 && inputs > 1 ? 2 : 1;
    const size_t first = step == 2 ? out : 0;
    const size_t heard = (inputs - first + step - 1) / step;
    const double share = 1.0 / static_cast<double>(heard);
    for (size_t in = first; in < inputs; in += step) row[in] = share;
  }
  return matrix;
}

}  // namespace

AudioTimeline::AudioTimeline(int sample_rate, int channels, double start_seconds, int64_t total, int block, Consumer consumer)
    : sample_rate_(sample_rate),
      channels_(channels),
      start_seconds_(start_seconds),
      total_(total),
      block_(block),
      consumer_(std::move(consumer)),
      pending_(static_cast<size_t>(channels)) {}

AudioTimeline::~AudioTimeline() = default;

Status AudioTimeline::Add(const AVFrame& frame, double seconds) {
  const int64_t wanted = std::llround((seconds - start_seconds_) * sample_rate_);
  if (!begun_) {
    begun_ = true;
    if (wanted > 0) VORA_RETURN_IF_ERROR(PutSilence(wanted));
    position_ = std::min<int64_t>(wanted, total_);
  } else {
    const int64_t held = swr_ ? swr_get_delay(swr_.get(), sample_rate_) : 0;
    // What the resampler still holds counts as given out already, what is to be dropped does not.
    const int64_t gap = wanted - (position_ + held - drop_);
    // Timestamps jitter by rounding; more than a frame is a real hole or a repeat.
    const int64_t tolerance = sample_rate_ / 50;
    if (gap > tolerance) {
      VORA_RETURN_IF_ERROR(Resample(nullptr));
      // The resampler is begun anew: it would smooth over the hole, and its last samples belong before it.
      swr_.reset();
      if (wanted > position_) VORA_RETURN_IF_ERROR(PutSilence(wanted - position_));
    } else if (gap < -tolerance) {
      // Dropped after the resampler, where samples are counted in the output's rate.
      drop_ += -gap;
    }
  }
  if (!swr_ || frame.sample_rate != in_rate_ || frame.format != in_format_ || frame.ch_layout.nb_channels != in_channels_) {
    VORA_RETURN_IF_ERROR(Resample(nullptr));
    VORA_RETURN_IF_ERROR(Configure(frame));
  }
  return Resample(&frame);
}

Status AudioTimeline::Configure(const AVFrame& frame) {
  AVChannelLayout in = {};
  // Some files tell the number of channels and no layout, which swresample needs to mix them.
  if (frame.ch_layout.order == AV_CHANNEL_ORDER_UNSPEC) {
    av_channel_layout_default(&in, frame.ch_layout.nb_channels);
  } else {
    av_channel_layout_copy(&in, &frame.ch_layout);
  }
  AVChannelLayout out = {};
  av_channel_layout_default(&out, channels_);
  SwrContext* swr = nullptr;
  const auto open = [&] {
    return swr_alloc_set_opts2(&swr, &out, AV_SAMPLE_FMT_FLTP, sample_rate_, &in, static_cast<AVSampleFormat>(frame.format),
                               frame.sample_rate, 0, nullptr);
  };
  int result = open();
  if (result >= 0) result = swr_init(swr);
  if (result < 0 && result != AVERROR(ENOMEM)) {
    // What it knows no speakers for.
    swr_free(&swr);
    av_channel_layout_uninit(&in);
    in = {AV_CHANNEL_ORDER_UNSPEC, frame.ch_layout.nb_channels, {0}, nullptr};
    result = open();
    const std::vector<double> matrix = MixByRule(frame.ch_layout, channels_);
    if (result >= 0) result = swr_set_matrix(swr, matrix.data(), frame.ch_layout.nb_channels);
    if (result >= 0) result = swr_init(swr);
  }
  swr_.reset(swr);
  av_channel_layout_uninit(&in);
  av_channel_layout_uninit(&out);
  if (result < 0) {
    swr_.reset();
    return AvStatus(result, "cannot resample the audio");
  }
  in_rate_ = frame.sample_rate;
  in_format_ = frame.format;
  in_channels_ = frame.ch_layout.nb_channels;
  return {};
}

Status AudioTimeline::Resample(const AVFrame* frame) {
  if (!swr_) return {};
  const int in_count = frame == nullptr ? 0 : frame->nb_samples;
  const int room = swr_get_out_samples(swr_.get(), in_count);
  if (room < 0) return AvStatus(room, "resampling");
  std::vector<std::vector<float>> planes(static_cast<size_t>(channels_), std::vector<float>(static_cast<size_t>(room) + 32));
  std::vector<uint8_t*> out;
  for (auto& plane : planes) out.push_back(reinterpret_cast<uint8_t*>(plane.data()));
  const int got = swr_convert(swr_.get(), out.data(), room + 32,
                              frame == nullptr ? nullptr : const_cast<const uint8_t**>(frame->extended_data), in_count);
  if (got < 0) return AvStatus(got, "resampling");
  std::vector<const float*> in;
  for (auto& plane : planes) in.push_back(plane.data());
  return Append(in.data(), got);
}

Status AudioTimeline::PutSilence(int64_t count) { return Append(nullptr, count); }

Status AudioTimeline::Append(const float* const* planes, int64_t count) {
  int64_t from = 0;
  if (planes != nullptr && drop_ > 0) {
    from = std::min(drop_, count);
    drop_ -= from;
  }
  if (position_ < 0) {
    const int64_t before = std::min(-position_, count - from);
    position_ += before;
    from += before;
  }
  while (from < count && position_ < total_) {
    const int64_t have = static_cast<int64_t>(pending_[0].size());
    const int64_t take = std::min({count - from, block_ - have, total_ - position_});
    for (size_t c = 0; c < pending_.size(); ++c) {
      if (planes == nullptr) {
        pending_[c].insert(pending_[c].end(), static_cast<size_t>(take), 0.0F);
      } else {
        pending_[c].insert(pending_[c].end(), planes[c] + from, planes[c] + from + take);
      }
    }
    from += take;
    position_ += take;
    if (static_cast<int64_t>(pending_[0].size()) == block_) {
      VORA_RETURN_IF_ERROR(consumer_(pending_));
      for (auto& plane : pending_) plane.clear();
    }
  }
  return {};
}

Status AudioTimeline::Finish() {
  VORA_RETURN_IF_ERROR(Resample(nullptr));
  position_ = std::max<int64_t>(position_, 0);
  return PutSilence(total_ - position_);
}

}  // namespace vora::media
