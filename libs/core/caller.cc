#include "libs/core/caller.h"

#include <array>
#include <utility>

namespace vora {
namespace {

constexpr std::array<std::pair<Scope, std::string_view>, 5> kNames{
    {{Scope::kUpload, "upload"}, {Scope::kRead, "read"}, {Scope::kWrite, "write"}, {Scope::kOperate, "operate"}, {Scope::kFleet, "fleet"}}};

}  // namespace

std::string_view ScopeName(Scope scope) {
  for (const auto& [known, name] : kNames) {
    if (known == scope) return name;
  }
  return "unknown";
}

std::optional<Scope> ParseScope(std::string_view name) {
  for (const auto& [scope, known] : kNames) {
    if (known == name) return scope;
  }
  return std::nullopt;
}

}  // namespace vora
