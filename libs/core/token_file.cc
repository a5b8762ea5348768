#include "libs/core/token_file.h"

#include <fstream>
#include <iterator>

namespace vora {

StatusOr<std::string> ReadToken(const std::string& file) {
  std::ifstream in(file);
  if (!in) return InvalidArgument("cannot read " + file);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  constexpr char kSpace[] = " \t\r\n";
  text.erase(text.find_last_not_of(kSpace) + 1);
  text.erase(0, text.find_first_not_of(kSpace));
  return text.empty() ? StatusOr<std::string>(InvalidArgument(file + " is empty")) : text;
}

}  // namespace vora
