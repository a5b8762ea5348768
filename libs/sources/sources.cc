#include "libs/sources/sources.h"

#include <cstdlib>
#include <utility>

#include "libs/core/error.h"
#include "libs/core/text.h"
#include "libs/storage/open_store.h"

namespace vora::sources {
namespace {

Status NoSuchSource(std::string_view name) {
  return WithDetail(NotFound("source: there is none with the name `" + RepairUtf8(name, 60) + "`; GET /v1/sources lists those there are"),
                    {.field = "source"});
}

bool NamesKeySource(const std::string& name, const Getenv& getenv) {
  return !getenv(SourceVariable(name, "CREDENTIALS")).value_or("").empty();
}

// A source has keys of its own: those of our store let write, and are nobody else's business.
Getenv KeysOf(const std::string& name, const Getenv& getenv) {
  return [name, &getenv](const std::string& variable) -> std::optional<std::string> {
    constexpr std::string_view kStore = "VORA_S3_";
    if (variable.starts_with(kStore)) {
      auto own = getenv(SourceVariable(name, variable.substr(kStore.size())));
      return variable != "VORA_S3_CA" || (own && !own->empty()) ? own : getenv(variable);
    }
    // A source that names who hands its keys out finds that by the variables which everybody else finds it by.
    const bool handed_out = variable.starts_with("AWS_CONTAINER_") || variable.starts_with("AWS_ROLE_") || variable.starts_with("AWS_WEB_");
    return handed_out && NamesKeySource(name, getenv) ? getenv(variable) : std::nullopt;
  };
}

Status CheckKeys(const SourceSpec& spec, const Getenv& getenv) {
  if (!spec.url.starts_with("s3://") || NamesKeySource(spec.name, getenv)) return absl::OkStatus();
  for (const char* what : {"ACCESS_KEY", "SECRET_KEY"}) {
    const std::string variable = SourceVariable(spec.name, what);
    if (getenv(variable).value_or("").empty()) return InvalidField("VORA_SOURCES", spec.name + ": " + variable + " must be set");
  }
  return absl::OkStatus();
}

}  // namespace

StatusOr<Sources> Sources::Open(std::string_view text, const Getenv& getenv, obs::Metrics& metrics) {
  VORA_ASSIGN_OR_RETURN(std::vector<SourceSpec> specs, ParseSources(text, getenv));
  Sources sources;
  for (SourceSpec& spec : specs) {
    VORA_RETURN_IF_ERROR(CheckKeys(spec, getenv));
    auto store = storage::OpenForeignStore(spec.url, KeysOf(spec.name, getenv), metrics);
    if (!store.ok()) return InvalidField("VORA_SOURCES", spec.name + ": " + Message(store.status()));
    const std::string name = spec.name;
    sources.by_name_.emplace(name, Source{std::move(spec), *std::move(store)});
  }
  return sources;
}

StatusOr<Sources> Sources::OpenFromEnvironment(std::string_view text, obs::Metrics& metrics) {
  const auto getenv = [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  return Open(text, getenv, metrics);
}

StatusOr<const Source*> Sources::Find(std::string_view name) const {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) return NoSuchSource(name);
  return &found->second;
}

StatusOr<const Source*> Sources::FindOf(const std::string& tenant, std::string_view name) const {
  VORA_ASSIGN_OR_RETURN(const Source* source, Find(name));
  if (source->spec.tenant != tenant) return NoSuchSource(name);
  return source;
}

std::vector<const Source*> Sources::all() const {
  std::vector<const Source*> all;
  for (const auto& [name, source] : by_name_) all.push_back(&source);
  return all;
}

}  // namespace vora::sources
