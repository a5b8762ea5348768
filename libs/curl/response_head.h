#pragma once

// The head of an HTTP answer, as libcurl hands it over: a line at a time.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace vora::curl {

class ResponseHead {
 public:
  // A line with its end. A status line begins anew: `100 Continue` comes before the answer's own head.
  void Add(std::string_view line);
  // The empty line that ends the head has come.
  bool complete() const { return complete_; }
  // The value of the last header of this name, in any case; "" without one.
  const std::string& Get(std::string_view name) const;
  // As they came.
  const std::vector<std::pair<std::string, std::string>>& all() const { return fields_; }

 private:
  bool complete_ = false;
  std::vector<std::pair<std::string, std::string>> fields_;
};

}  // namespace vora::curl
