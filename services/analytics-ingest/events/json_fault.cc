#include "services/analytics-ingest/events/json_fault.h"

#include <nlohmann/json.hpp>

namespace vora::analytics {
namespace {

// Beyond this the place is not looked for: it would cost more than the request is worth.
constexpr size_t kMaxLooked = 256 << 10;
constexpr size_t kMaxTold = 300;

using nlohmann::json;

// Only its complaint matters.
class FaultFinder : public json::json_sax_t {
 public:
  bool null() override { return true; }
  bool boolean(bool /*value*/) override { return true; }
  bool number_integer(json::number_integer_t /*value*/) override { return true; }
  bool number_unsigned(json::number_unsigned_t /*value*/) override { return true; }
  bool number_float(json::number_float_t /*value*/, const json::string_t& /*text*/) override { return true; }
  bool string(json::string_t& /*value*/) override { return true; }
  bool binary(json::binary_t& /*value*/) override { return true; }
  bool start_object(size_t /*elements*/) override { return true; }
  bool key(json::string_t& /*value*/) override { return true; }
  bool end_object() override { return true; }
  bool start_array(size_t /*elements*/) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(size_t /*position*/, const std::string& /*token*/, const json::exception& error) override {
    message = error.what();
    return false;
  }
  std::string message;
};

}  // namespace

std::string JsonFault(std::string_view text, std::string_view otherwise) {
  if (text.size() > kMaxLooked) return std::string(otherwise);
  FaultFinder finder;
  json::sax_parse(text.begin(), text.end(), &finder);
  std::string message = std::move(finder.message);
  // Without the library's own tag: "[json.exception.parse_error.101] parse error at line 1, column 2: ...".
  if (const size_t tag = message.find("] "); message.starts_with('[') && tag != std::string::npos) message.erase(0, tag + 2);
  if (message.empty()) message = otherwise;
  if (message.size() > kMaxTold) message.resize(kMaxTold);
  return message;
}

}  // namespace vora::analytics
