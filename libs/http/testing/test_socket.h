#pragma once

// For the tests of this folder: a raw socket, and bytes to send.

#include <string>
#include <string_view>

namespace vora::http {

// A blocking TCP connection that says exactly the bytes it is told to.
class RawSocket {
 public:
  // `receive_buffer`: bytes that the kernel may hold for us; 0: as many as it likes.
  explicit RawSocket(int port, int receive_buffer = 0);
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
  // Takes up to `size` bytes; 0 when the server has closed.
  size_t Sip(size_t size) const;
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
