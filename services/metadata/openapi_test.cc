#include <algorithm>
#include <cctype>
#include <set>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "libs/core/version.h"
#include "services/metadata/api/api_scopes.h"
#include "services/metadata/api/rest.h"
#include "services/metadata/api/rest_webhooks.h"
#include "services/metadata/rows/embedded.h"

namespace vora::metadata {
namespace {

using Json = nlohmann::json;

std::set<std::string> Registered() {
  obs::Metrics metrics;
  http::Server server({}, metrics);
  // Only registered, never called: what they work on is not touched.
  void* nothing = &server;
  ApiRoutes routes(server, *static_cast<RequestKeyRepo*>(nothing));
  AddVideoRoutes(routes, *static_cast<VideoOperations*>(nothing), *static_cast<ImportOperations*>(nothing),
                 *static_cast<VideoRepo*>(nothing));
  AddEventRoutes(routes, *static_cast<VideoRepo*>(nothing), *static_cast<WatchHub*>(nothing));
  AddHistoryRoutes(routes, *static_cast<VideoRepo*>(nothing), *static_cast<OrchestratorClient*>(nothing));
  AddControlRoutes(routes, *static_cast<VideoRepo*>(nothing), *static_cast<VideoOperations*>(nothing),
                   *static_cast<OrchestratorClient*>(nothing));
  AddSettingsRoutes(routes, *static_cast<OrchestratorClient*>(nothing));
  AddEncodeRoutes(routes, *static_cast<EncodeRepo*>(nothing));
  AddSourceRoutes(routes, *static_cast<SourceOperations*>(nothing));
  AddLadderRoutes(routes, *static_cast<LadderOperations*>(nothing));
  AddConfigRoutes(routes, "");
  AddPlaybackRoutes(routes, *static_cast<VideoRepo*>(nothing), {});
  AddFleetRoutes(routes, *static_cast<FleetView*>(nothing));
  AddAnalyticsRoutes(routes, *static_cast<AnalyticsQueries*>(nothing), *static_cast<LiveViewers*>(nothing),
                     *static_cast<ViewerErasure*>(nothing), true);
  AddWebhookRoutes(routes, *static_cast<WebhookRepo*>(nothing), *static_cast<WebhookSender*>(nothing),
                   *static_cast<WebhookDispatcher*>(nothing));
  AddOpenApiRoute(routes);
  std::set<std::string> all;
  for (const auto& [method, pattern] : routes.all()) all.insert(method + " " + pattern);
  return all;
}

std::set<std::string> Documented(const Json& document) {
  std::set<std::string> all;
  for (const auto& [path, item] : document.at("paths").items()) {
    for (const auto& [method, operation] : item.items()) {
      if (method == "parameters") continue;
      std::string name = method;
      std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
      all.insert(name + " " + path);
    }
  }
  return all;
}

// Every `$ref` below `json`.
void CollectRefs(const Json& json, std::set<std::string>& refs) {
  if (json.is_object() && json.contains("$ref")) refs.insert(json.at("$ref").get<std::string>().substr(1));
  if (json.is_structured()) {
    for (const auto& child : json) CollectRefs(child, refs);
  }
}

TEST(OpenApiTest, DocumentsEveryRouteAndNoOther) {
  const Json document = Json::parse(OpenApiDocument());
  EXPECT_EQ(document.at("openapi"), "3.1.0");
  EXPECT_EQ(document.at("info").at("version"), Version());
  EXPECT_EQ(Documented(document), Registered());
}

TEST(OpenApiTest, EveryReferenceLeadsSomewhereAndOperationsAreNamedOnce) {
  const Json document = Json::parse(OpenApiDocument());
  std::set<std::string> refs, ids;
  CollectRefs(document, refs);
  EXPECT_GT(refs.size(), 10u);
  for (const std::string& ref : refs) EXPECT_TRUE(document.contains(Json::json_pointer(ref))) << ref;
  for (const auto& [path, item] : document.at("paths").items()) {
    for (const auto& [method, operation] : item.items()) {
      if (method == "parameters") continue;
      EXPECT_TRUE(ids.insert(operation.at("operationId").get<std::string>()).second) << method << " " << path;
    }
  }
}

// What is documented is what is asked for.
TEST(OpenApiTest, EveryOperationNamesItsScopeAndHowItIsRefused) {
  const Json document = Json::parse(OpenApiDocument());
  for (const auto& [path, item] : document.at("paths").items()) {
    for (const auto& [method, operation] : item.items()) {
      if (method == "parameters") continue;
      std::string upper = method;
      std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
      const auto scope = path.starts_with("/v1/webhooks") ? Scope::kOperate : ScopeOfRoute(upper, path);
      // Buckets have tokens of their own.
      const bool own_token = path == "/v1/sources/{name}/events";
      Json security = Json::array();
      if (scope) security.push_back({{"token", {ScopeName(*scope)}}});
      if (own_token) security.push_back({{"sourceToken", Json::array()}});
      EXPECT_EQ(operation.at("security"), security) << upper << " " << path;
      EXPECT_EQ(operation.at("responses").contains("401"), scope.has_value() || own_token) << upper << " " << path;
      EXPECT_EQ(operation.at("responses").contains("403"), scope.has_value()) << upper << " " << path;
    }
  }
}

}  // namespace
}  // namespace vora::metadata
