// What openapi.json says of a message is what the API sends of it (libs/protojson). A schema names its message by `x-proto`; a property
// with `x-proto-json` is a string of the message that holds JSON, and is sent as that JSON.
#include <map>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/timestamp.pb.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "libs/protojson/proto_json.h"
#include "services/metadata/rows/embedded.h"

namespace vora::metadata {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::MessageFactory;

// Put together by handlers, or read by them, without a message.
const std::set<std::string> kSchemasOfNoMessage = {"Config",      "CreateWebhook",  "Error",        "History",       "EncodeVideo",
                                                   "EventsTaken", "LiveViewers",    "NewWebhook",   "PlaybackToken", "PreviewLadder",
                                                   "PutLadder",   "PutRung",        "StoredLadder", "UpdateVideo",   "UpdateWebhook",
                                                   "Webhook",     "WebhookDelivery"};

class MessageSchemas {
 public:
  explicit MessageSchemas(const nlohmann::json& document) : schemas_(document.at("components").at("schemas")) {
    for (const auto& [name, schema] : schemas_.items()) {
      if (!schema.contains("x-proto")) {
        if (!kSchemasOfNoMessage.contains(name)) Fault(name, "does not say by x-proto which message it is");
      } else if (!schema_of_.emplace(schema.at("x-proto"), name).second) {
        Fault(name, "is the second schema of its message");
      }
    }
  }

  // `Schema.field: what is wrong with it`.
  std::vector<std::string> Faults() {
    for (const auto& [proto, name] : schema_of_) {
      const DescriptorPool& pool = *DescriptorPool::generated_pool();
      if (const Descriptor* message = pool.FindMessageTypeByName(proto)) {
        CheckMessage(name, *message);
      } else if (const EnumDescriptor* values = pool.FindEnumTypeByName(proto)) {
        CheckEnum(name, *values);
      } else {
        Fault(name, "there is no " + proto);
      }
    }
    return faults_;
  }

 private:
  void Fault(const std::string& where, const std::string& what) { faults_.push_back(where + ": " + what); }

  void CheckMessage(const std::string& name, const Descriptor& message) {
    const nlohmann::json& schema = schemas_.at(name);
    const nlohmann::json& properties = schema.at("properties");
    const auto required = schema.at("required").get<std::set<std::string>>();
    const auto always_sent = ToJson(*MessageFactory::generated_factory()->GetPrototype(&message));
    const bool is_request = !schema.value("additionalProperties", true);
    for (const auto& [key, property] : properties.items()) {
      if (message.FindFieldByName(key) == nullptr) Fault(name + "." + key, "is no field of " + message.full_name());
    }
    for (const std::string& key : required) {
      if (!properties.contains(key)) Fault(name + "." + key, "is required, but not described");
    }
    for (int i = 0; i < message.field_count(); ++i) {
      const FieldDescriptor& field = *message.field(i);
      const std::string where = name + "." + field.name();
      if (!properties.contains(field.name())) {
        Fault(where, "is missing");
        continue;
      }
      CheckType(where, properties.at(field.name()), field);
      if (is_request) continue;
      // A message may be left out, though there may be a reason for which it never is.
      const bool sent = always_sent.contains(field.name());
      if (sent && !required.contains(field.name())) Fault(where, "is always sent, but not required");
      if (!sent && required.contains(field.name()) && field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
        Fault(where, "is required, but may be left out");
      }
    }
  }

  void CheckEnum(const std::string& name, const EnumDescriptor& values) {
    auto described = schemas_.at(name).at("enum").get<std::set<std::string>>();
    std::set<std::string> defined;
    for (int i = 0; i < values.value_count(); ++i) defined.insert(EnumText(*values.value(i)));
    // Where something is always known, it is left out.
    if (!described.contains("UNSPECIFIED")) defined.erase("UNSPECIFIED");
    for (const std::string& value : defined) {
      if (!described.erase(value)) Fault(name + "." + value, "is missing");
    }
    for (const std::string& value : described) Fault(name + "." + value, "is no value of " + values.full_name());
  }

  void CheckType(const std::string& where, const nlohmann::json& property, const FieldDescriptor& field) {
    if (property.value("x-proto-json", false)) {
      if (field.cpp_type() != FieldDescriptor::CPPTYPE_STRING) Fault(where, "is no string that could hold JSON");
      return;
    }
    nlohmann::json type = TypeOf(field);
    if (field.is_map()) {
      type = {{"type", "object"}, {"additionalProperties", {{"type", "string"}}}};
    } else if (field.is_repeated()) {
      type = {{"type", "array"}, {"items", type}};
    }
    if (TypeIn(property) != type) Fault(where, "is " + TypeIn(property).dump() + ", and should be " + type.dump());
  }

  // What a schema says of types, without descriptions and limits.
  static nlohmann::json TypeIn(const nlohmann::json& schema) {
    nlohmann::json type = nlohmann::json::object();
    for (const char* key : {"$ref", "type", "format"}) {
      if (schema.contains(key)) type[key] = schema.at(key);
    }
    for (const char* key : {"items", "additionalProperties"}) {
      if (schema.contains(key) && schema.at(key).is_object()) type[key] = TypeIn(schema.at(key));
    }
    return type;
  }

  nlohmann::json TypeOf(const FieldDescriptor& field) const {
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        return {{"type", "integer"}, {"format", "int32"}};
      case FieldDescriptor::CPPTYPE_INT64:
        return {{"type", "integer"}, {"format", "int64"}};
      case FieldDescriptor::CPPTYPE_DOUBLE:
        return {{"type", "number"}};
      case FieldDescriptor::CPPTYPE_BOOL:
        return {{"type", "boolean"}};
      case FieldDescriptor::CPPTYPE_STRING:
        return {{"type", "string"}};
      case FieldDescriptor::CPPTYPE_ENUM:
        return ReferenceTo(field.enum_type()->full_name());
      case FieldDescriptor::CPPTYPE_MESSAGE:
        if (field.message_type() == google::protobuf::Timestamp::descriptor()) return {{"type", "string"}, {"format", "date-time"}};
        return ReferenceTo(field.message_type()->full_name());
      default:
        return {{"type", field.cpp_type_name()}};  // no field has had it so far
    }
  }

  nlohmann::json ReferenceTo(const std::string& proto) const {
    const auto schema = schema_of_.find(proto);
    return {{"$ref", schema == schema_of_.end() ? "a schema of " + proto : "#/components/schemas/" + schema->second}};
  }

  const nlohmann::json& schemas_;
  std::map<std::string, std::string> schema_of_;  // by the full name of the message or enum
  std::vector<std::string> faults_;
};

TEST(OpenApiMessagesTest, SchemasAreTheMessages) {
  const auto document = nlohmann::json::parse(OpenApiDocument());
  EXPECT_THAT(MessageSchemas(document).Faults(), testing::IsEmpty());
}

// One of each kind of difference is noticed, and named.
TEST(OpenApiMessagesTest, EveryDifferenceIsNamed) {
  auto document = nlohmann::json::parse(OpenApiDocument());
  auto& schemas = document.at("components").at("schemas");
  const auto fault_after = [&](const std::string& pointer, const nlohmann::json& value) {
    auto changed = document;
    auto& place = changed.at("components").at("schemas")[nlohmann::json::json_pointer(pointer)];
    place = value;
    return MessageSchemas(changed).Faults();
  };
  using testing::ElementsAre;
  EXPECT_THAT(fault_after("/Video/properties/colour", {{"type", "string"}}),
              ElementsAre("Video.colour: is no field of vora.metadata.v1.Video"));
  EXPECT_THAT(fault_after("/Video/properties/title/type", "integer"),
              ElementsAre(R"(Video.title: is {"type":"integer"}, and should be {"type":"string"})"));
  EXPECT_THAT(fault_after("/Video/properties/version/format", "int32"),
              ElementsAre(R"(Video.version: is {"format":"int32","type":"integer"}, and should be {"format":"int64","type":"integer"})"));
  EXPECT_THAT(fault_after("/Video/properties/captions/items", {{"type", "string"}}),
              ElementsAre(testing::StartsWith("Video.captions: is ")));
  EXPECT_THAT(fault_after("/StallCause/enum/1", "MOON"),
              ElementsAre("StallCause.ORIGIN: is missing", "StallCause.MOON: is no value of vora.analytics.v1.StallCause"));
  EXPECT_THAT(fault_after("/Fleet/x-proto", "vora.metadata.v1.Fleets"), ElementsAre("Fleet: there is no vora.metadata.v1.Fleets"));
  EXPECT_THAT(fault_after("/Anything", {{"type", "object"}}), ElementsAre("Anything: does not say by x-proto which message it is"));
  EXPECT_THAT(fault_after("/Failure/required", {"code", "message", "details"}),
              ElementsAre("Failure.non_retryable: is always sent, but not required"));
  schemas.at("Failure").at("properties").erase("details");
  EXPECT_THAT(MessageSchemas(document).Faults(),
              ElementsAre("Failure.details: is required, but not described", "Failure.details: is missing"));
}

}  // namespace
}  // namespace vora::metadata
