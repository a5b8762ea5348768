#include "libs/http/server/router.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace vora::http {

void Router::Add(std::string method, std::string_view pattern, size_t index) {
  Route route{std::move(method), {}, index};
  std::string_view rest = pattern.starts_with('/') ? pattern.substr(1) : pattern;
  while (!rest.empty()) {
    const size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
    if (part.starts_with('{') && part.ends_with("*}")) {
      if (!rest.empty()) {
        std::fprintf(stderr, "route %.*s: {rest*} must stand last\n", static_cast<int>(pattern.size()), pattern.data());
        std::abort();
      }
      route.parts.push_back({Kind::kRest, std::string(part.substr(1, part.size() - 3)), {}});
    } else if (const size_t action = part.find("}:"); part.starts_with('{') && action != part.npos) {
      route.parts.push_back({Kind::kAction, std::string(part.substr(1, action - 1)), std::string(part.substr(action + 1))});
    } else if (part.starts_with('{') && part.ends_with('}')) {
      route.parts.push_back({Kind::kParam, std::string(part.substr(1, part.size() - 2)), {}});
    } else {
      route.parts.push_back({Kind::kLiteral, std::string(part), {}});
    }
  }
  routes_.push_back(std::move(route));
}

bool Router::Matches(const Route& route, const std::vector<std::string>& segments) {
  for (size_t i = 0; i < route.parts.size(); ++i) {
    const Part& part = route.parts[i];
    if (part.kind == Kind::kRest) return true;
    if (i >= segments.size()) return false;
    if (part.kind == Kind::kLiteral && part.text != segments[i]) return false;
    if (part.kind == Kind::kAction && (segments[i].size() <= part.action.size() || !segments[i].ends_with(part.action))) return false;
  }
  return route.parts.size() == segments.size();
}

bool Router::MoreSpecific(const Route& a, const Route& b) {
  for (size_t i = 0; i < a.parts.size() && i < b.parts.size(); ++i) {
    if (a.parts[i].kind != b.parts[i].kind) return a.parts[i].kind < b.parts[i].kind;
  }
  // Both match the same path, so the shorter one lacks only an empty `{rest*}`.
  return a.parts.size() < b.parts.size();
}

bool Router::SameShape(const Route& a, const Route& b) { return !MoreSpecific(a, b) && !MoreSpecific(b, a); }

std::map<std::string, std::string> Router::Bind(const Route& route, const std::vector<std::string>& segments) {
  std::map<std::string, std::string> params;
  for (size_t i = 0; i < route.parts.size(); ++i) {
    const Part& part = route.parts[i];
    if (part.kind == Kind::kParam) params[part.text] = segments[i];
    if (part.kind == Kind::kAction) params[part.text] = segments[i].substr(0, segments[i].size() - part.action.size());
    if (part.kind != Kind::kRest) continue;
    std::string& rest = params[part.text];
    for (size_t j = i; j < segments.size(); ++j) {
      if (j > i) rest += '/';
      rest += segments[j];
    }
  }
  return params;
}

Router::Match Router::Find(std::string_view method, const std::vector<std::string>& segments) const {
  // The path decides first and the method after it: else DELETE of /a/b, where only GET is known, would reach /a/{id}.
  const Route* best = nullptr;
  for (const Route& route : routes_) {
    if (Matches(route, segments) && (best == nullptr || MoreSpecific(route, *best))) best = &route;
  }
  Match match;
  if (best == nullptr) return match;
  const Route* exact = nullptr;
  const Route* get = nullptr;
  const Route* any = nullptr;
  for (const Route& route : routes_) {
    if (!Matches(route, segments) || !SameShape(route, *best)) continue;
    if (route.method == method && exact == nullptr) exact = &route;
    if (route.method == "GET" && get == nullptr) get = &route;
    if (route.method == "*" && any == nullptr) any = &route;
    if (std::find(match.allowed.begin(), match.allowed.end(), route.method) == match.allowed.end()) match.allowed.push_back(route.method);
  }
  if (exact == nullptr && method == "HEAD") exact = get;
  if (exact == nullptr) exact = any;
  if (exact == nullptr) {
    match.kind = Match::Kind::kOtherMethod;
    match.params = Bind(*best, segments);
    if (get != nullptr && std::find(match.allowed.begin(), match.allowed.end(), "HEAD") == match.allowed.end()) {
      match.allowed.push_back("HEAD");
    }
    return match;
  }
  match.kind = Match::Kind::kFound;
  match.index = exact->index;
  match.params = Bind(*exact, segments);
  return match;
}

}  // namespace vora::http
