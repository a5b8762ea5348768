#pragma once

// Which handler answers a method and path. Pure; built before the server starts, then only read.

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace vora::http {

// One index per registered route; what it stands for is the caller's.
class Router {
 public:
  // See Server::Route for patterns and precedence. A trailing slash in pattern or path makes no difference.
  void Add(std::string method, std::string_view pattern, size_t index);

  struct Match {
    enum class Kind { kFound, kUnknownPath, kOtherMethod } kind = Kind::kUnknownPath;
    size_t index = 0;
    std::map<std::string, std::string> params;  // of kOtherMethod: as one of the path's methods names them
    std::vector<std::string> allowed;           // kOtherMethod: the methods the path knows, for Allow
  };
  Match Find(std::string_view method, const std::vector<std::string>& segments) const;

 private:
  enum class Kind : char { kLiteral, kAction, kParam, kRest };  // in order of precedence
  struct Part {
    Kind kind;
    std::string text;    // the literal, or the parameter's name
    std::string action;  // of kAction: `:scan`, which stands behind the parameter
  };
  struct Route {
    std::string method;
    std::vector<Part> parts;
    size_t index;
  };
  static bool Matches(const Route& route, const std::vector<std::string>& segments);
  static bool MoreSpecific(const Route& a, const Route& b);
  static bool SameShape(const Route& a, const Route& b);
  static std::map<std::string, std::string> Bind(const Route& route, const std::vector<std::string>& segments);

  std::vector<Route> routes_;
};

}  // namespace vora::http
