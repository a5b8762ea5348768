#pragma once

// Every metric of the transcode worker, beside those of the libraries it uses.

#include <string>

#include "libs/obs/family.h"
#include "vora/workflow/v1/process_video.pb.h"

namespace vora::transcode {

inline obs::FamilySet kMetrics{"services/transcode-worker"};

inline const obs::CounterFamily kSegments{kMetrics, "vora_transcode_segments_total", "Segments published."};
inline const obs::CounterFamily kFrames{kMetrics, "vora_transcode_frames_total", "Frames encoded.", {"rendition"}};
inline const obs::CounterFamily kMediaSeconds{kMetrics,
                                              "vora_transcode_media_seconds_total",
                                              "Seconds of video encoded; over the encoding seconds: the speed, times realtime.",
                                              {"rendition"}};
inline const obs::CounterFamily kEncodingSeconds{
    kMetrics, "vora_transcode_encoding_seconds_total", "Seconds that chunks took from their start to their last segment.", {"rendition"}};
inline const obs::GaugeFamily kSpeed{
    kMetrics, "vora_transcode_speed_ratio", "Seconds of video encoded per second, of the last chunk.", {"rendition"}};
inline const obs::CounterFamily kChildFailures{
    kMetrics, "vora_transcode_child_failures_total", "Child processes that ended without a result: failure, signal, timeout.", {"kind"}};

// A label of few values whatever ladders people make: codec and the standard height that holds the rung, `h264_720p`.
std::string RenditionLabel(const media::v1::Rung& rung);

}  // namespace vora::transcode
