#include "services/streaming-gateway/fixture_test.h"

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>

#include "libs/storage/open_store.h"
#include "libs/testing/status_matchers.h"

namespace vora::gateway {

std::string Pattern(size_t bytes) {
  std::string out(bytes, '\0');
  for (size_t i = 0; i < bytes; ++i) out[i] = static_cast<char>((i * 2654435761u) >> 13);
  return out;
}

playback::v1::Presentation MakePresentation(const std::string& state, int segments, bool complete) {
  playback::v1::Presentation presentation;
  presentation.set_video_id(kVideo);
  presentation.set_state(state);
  presentation.set_object_prefix(std::string("processed/") + kVideo);
  presentation.set_duration_seconds(60);
  presentation.set_target_segment_seconds(4);
  presentation.set_complete(complete);
  for (const char* name : {"360p", "720p", "audio_0"}) {
    auto& track = *presentation.add_tracks();
    const bool video = std::string_view(name) != "audio_0";
    track.set_name(name);
    track.set_kind(video ? "video" : "audio");
    track.set_codecs(video ? "avc1.64001f" : "mp4a.40.2");
    track.set_width(video ? 1280 : 0);
    track.set_height(video ? 720 : 0);
    track.set_frame_rate_num(video ? 30 : 0);
    track.set_frame_rate_den(1);
    track.set_sample_rate(video ? 0 : 48000);
    track.set_channels(video ? 0 : 2);
    track.set_timescale(video ? 30 : 48000);
    track.set_max_bitrate(video ? 3'000'000 : 128'000);
    track.set_complete(complete);
    for (int i = 0; i < segments; ++i) {
      auto& segment = *track.add_segments();
      segment.set_index(i);
      segment.set_duration(4 * track.timescale());
      segment.set_bytes(100'000);
    }
  }
  return presentation;
}

GatewayTest::GatewayTest() {
  auto store = storage::OpenObjectStore("file://" + directory_.path() + "/store", metrics_);
  if (!store.ok()) throw std::runtime_error(ToText(store.status()));
  store_ = std::make_unique<FaultyStore>(*std::move(store));
}

GatewayTest::~GatewayTest() {
  store_->Release();
  playback_.Release();
  gateway_.reset();
}

void GatewayTest::Start() {
  const auto source = MetadataSource("127.0.0.1:" + std::to_string(playback_.port()), std::chrono::seconds(2));
  gateway_ = std::make_unique<GatewayApp>(options_, *store_, source, clock_, metrics_);
  const Status started = gateway_->Start();
  ASSERT_THAT(started, IsOk());
}

void GatewayTest::Put(const std::string& key, std::string_view bytes) {
  const auto put = store_->Put(key, bytes, {});
  ASSERT_THAT(put, IsOk());
}

http::ClientResponse GatewayTest::Get(const std::string& path, const http::Headers& headers, const std::string& method) {
  http::Client client;
  http::ClientRequest request;
  request.method = method;
  request.url = "http://127.0.0.1:" + std::to_string(gateway_->port()) + path;
  request.headers = headers;
  const auto response = client.Do(request);
  EXPECT_THAT(response, IsOk()) << path;
  return response.ok() ? *response : http::ClientResponse{};
}

int GatewayTest::RawStatus(const std::string& target) const {
  namespace asio = boost::asio;
  asio::io_context io;
  asio::ip::tcp::socket socket(io);
  socket.connect({asio::ip::make_address("127.0.0.1"), static_cast<uint16_t>(gateway_->port())});
  asio::write(socket, asio::buffer("GET " + target + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  asio::streambuf buffer;
  boost::system::error_code error;
  asio::read_until(socket, buffer, "\r\n", error);
  std::istream in(&buffer);
  std::string version;
  int status = 0;
  in >> version >> status;
  return status;
}

double GatewayTest::Metric(const std::string& name_and_labels) const {
  std::istringstream lines(metrics_.Expose());
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(name_and_labels + " ")) return std::stod(line.substr(name_and_labels.size() + 1));
  }
  return 0;
}

}  // namespace vora::gateway
