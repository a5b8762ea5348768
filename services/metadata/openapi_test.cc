#include <algorithm>
#include <cctype>
#include <set>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "services/metadata/api/api_scopes.h"
#include "services/metadata/api/rest.h"
#include "services/metadata/api/rest_webhooks.h"
#include "services/metadata/rows/embedded.h"
#include "vora/analytics/v1/analytics.pb.h"
#include "vora/analytics/v1/queries.pb.h"
#include "vora/metadata/v1/fleet.pb.h"
#include "vora/metadata/v1/metadata.pb.h"
#include "vora/workflow/v1/process_video.pb.h"
#include "vora/workflow/v1/workflow.pb.h"

namespace vora::metadata {
namespace {

using Json = nlohmann::json;

std::set<std::string> Registered() {
  obs::Metrics metrics;
  http::Server server({}, metrics);
  ApiRoutes routes(server);
  // Only registered, never called: what they work on is not touched.
  void* nothing = &server;
  AddVideoRoutes(routes, *static_cast<VideoOperations*>(nothing), *static_cast<VideoRepo*>(nothing));
  AddEventRoutes(routes, *static_cast<VideoRepo*>(nothing), *static_cast<WatchHub*>(nothing));
  AddHistoryRoutes(routes, *static_cast<VideoRepo*>(nothing), *static_cast<OrchestratorClient*>(nothing));
  AddLadderRoutes(routes, *static_cast<LadderRepo*>(nothing));
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
      Json security = Json::array();
      if (scope) security.push_back({{"token", {ScopeName(*scope)}}});
      EXPECT_EQ(operation.at("security"), security) << upper << " " << path;
      for (const char* status : {"401", "403"})
        EXPECT_EQ(operation.at("responses").contains(status), scope.has_value()) << upper << " " << path;
    }
  }
}

TEST(OpenApiTest, SchemasNameTheFieldsOfTheProto) {
  const Json document = Json::parse(OpenApiDocument());
  const auto fields_of = [](const google::protobuf::Descriptor* descriptor) {
    std::set<std::string> fields;
    for (int i = 0; i < descriptor->field_count(); ++i) fields.insert(descriptor->field(i)->name());
    return fields;
  };
  const auto properties_of = [&](const std::string& schema) {
    std::set<std::string> properties;
    for (const auto& [name, value] : document.at("components").at("schemas").at(schema).at("properties").items()) properties.insert(name);
    return properties;
  };
  EXPECT_EQ(properties_of("Video"), fields_of(v1::Video::descriptor()));
  EXPECT_EQ(properties_of("Rendition"), fields_of(v1::Rendition::descriptor()));
  EXPECT_EQ(properties_of("Workflow"), fields_of(workflow::v1::WorkflowInfo::descriptor()));
  namespace an = analytics::v1;
  EXPECT_EQ(properties_of("TimeRange"), fields_of(an::TimeRange::descriptor()));
  EXPECT_EQ(properties_of("Totals"), fields_of(an::Totals::descriptor()));
  EXPECT_EQ(properties_of("RetentionPoint"), fields_of(an::RetentionPoint::descriptor()));
  EXPECT_EQ(properties_of("BitrateShare"), fields_of(an::BitrateShare::descriptor()));
  EXPECT_EQ(properties_of("TimePoint"), fields_of(an::TimePoint::descriptor()));
  EXPECT_EQ(properties_of("VideoAnalytics"), fields_of(an::VideoAnalytics::descriptor()));
  EXPECT_EQ(properties_of("VideoShare"), fields_of(an::VideoShare::descriptor()));
  EXPECT_EQ(properties_of("CatalogAnalytics"), fields_of(an::CatalogAnalytics::descriptor()));
  EXPECT_EQ(properties_of("Session"), fields_of(an::Session::descriptor()));
  EXPECT_EQ(properties_of("SessionPage"), fields_of(an::ListSessionsResponse::descriptor()));
  EXPECT_EQ(properties_of("SessionEvent"), fields_of(an::SessionEvent::descriptor()));
  EXPECT_EQ(properties_of("Stall"), fields_of(an::Stall::descriptor()));
  EXPECT_EQ(properties_of("SessionDetail"), fields_of(an::SessionDetail::descriptor()));
  EXPECT_EQ(properties_of("Erased"), fields_of(an::EraseViewerResponse::descriptor()));
  EXPECT_EQ(properties_of("PendingActivity"), fields_of(workflow::v1::PendingActivity::descriptor()));
  EXPECT_EQ(properties_of("Caption"), fields_of(v1::Caption::descriptor()));
  EXPECT_EQ(properties_of("Fleet"), fields_of(v1::Fleet::descriptor()));
  EXPECT_EQ(properties_of("DaemonHealth"), fields_of(v1::DaemonHealth::descriptor()));
  EXPECT_EQ(properties_of("Worker"), fields_of(v1::Worker::descriptor()));
  EXPECT_EQ(properties_of("Queue"), fields_of(v1::Queue::descriptor()));
  auto ladder = fields_of(workflow::v1::Ladder::descriptor());
  ladder.insert("is_default");
  EXPECT_EQ(properties_of("Ladder"), ladder);
}

}  // namespace
}  // namespace vora::metadata
