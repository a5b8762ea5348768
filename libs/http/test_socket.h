#pragma once

// For the tests of this folder: a raw socket, and bytes to send.

#include <string>
#include <string_view>

namespace vora::http {

// A blocking TCP connection that says exactly the bytes it is told to.
class RawSocket {
 public:
  explicit RawSocket(int port);
  ~RawSocket();
  RawSocket(const RawSocket&) = delete;
  RawSocket& operator=(const RawSocket&) = delete;
  void Say(std::string_view bytes) const;  // a peer that is gone is not an error
  // Reads until `text` has come (10 s at most) and returns all of it.
  std::string HearUntil(std::string_view text);
  // One whole response with a Content-Length.
  std::string HearResponse();
  // Until the server closes (10 s at most).
  std::string HearAll();
  void HalfClose() const;
  void Reset();  // RST

 private:
  bool Fill();
  int fd_;
  std::string heard_;
};

std::string Sha256Hex(std::string_view bytes);
// `size` bytes that do not repeat soon.
std::string Noise(size_t size);

}  // namespace vora::http
