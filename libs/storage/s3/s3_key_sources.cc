#include <fstream>
#include <iterator>

#include "libs/core/encoding.h"
#include "libs/core/error.h"
#include "libs/core/text.h"
#include "libs/curl/handle.h"
#include "libs/storage/s3/s3_key_answers.h"
#include "libs/storage/s3/s3_keys.h"
#include "libs/storage/s3/s3_xml.h"

namespace vora::storage {
namespace {

constexpr std::chrono::milliseconds kTotal{5000}, kConnect{2000};
constexpr size_t kMaxKeyAnswer = 64 << 10;
constexpr size_t kMaxTokenFile = 64 << 10;

Status Lacking(std::string_view source, std::string_view what) {
  return MakeError(errors::kStoreCredentials, "object store credentials: " + std::string(source) + ": " + std::string(what));
}

class FixedKeySource final : public S3KeySource {
 public:
  explicit FixedKeySource(S3Keys keys) : keys_(std::move(keys)) {}
  StatusOr<S3Keys> Fetch() override { return keys_; }

 private:
  const S3Keys keys_;
};

// One exchange at a time with whoever hands keys out.
class KeyServer {
 public:
  KeyServer(std::string name, std::string ca_file) : name_(std::move(name)), ca_file_(std::move(ca_file)) {}

  struct Answer {
    int status = 0;
    std::string body;
  };
  // UNAVAILABLE, also for an answer that is too long. A status that is not 200 is an answer.
  StatusOr<Answer> Ask(const std::string& method, const std::string& url, const std::vector<std::pair<std::string, std::string>>& headers,
                       std::string_view body = {}, bool direct = true) {
    Answer answer;
    handle_.Begin(url);
    for (const auto& [name, value] : headers) handle_.AddHeader(name, value);
    if (!ca_file_.empty()) handle_.Set(CURLOPT_CAINFO, ca_file_.c_str());
    // Addresses that mean something on this machine alone.
    if (direct) handle_.Set(CURLOPT_PROXY, "");
    handle_.Timeouts(kTotal, kConnect);
    handle_.OnBody([&answer](std::string_view piece) {
      if (answer.body.size() + piece.size() > kMaxKeyAnswer) return size_t{0};
      answer.body.append(piece);
      return piece.size();
    });
    if (method != "GET") handle_.Body(body);
    handle_.Method(method);
    if (const Status status = handle_.Perform(name_); !status.ok()) {
      const bool too_long = status.code() == StatusCode::kCancelled;
      return Lacking(name_, too_long ? "the answer is longer than 64 KiB" : Message(status).substr(name_.size() + 2));
    }
    answer.status = handle_.http_status();
    return answer;
  }
  Status Refused(const Answer& answer, std::string_view what) const {
    const auto error = ParseS3Error(answer.body);
    const std::string said = error ? error->code + " (" + error->message + ")" : answer.body;
    return Lacking(name_,
                   std::string(what) + ": HTTP " + std::to_string(answer.status) + (said.empty() ? "" : " " + RepairUtf8(said, 300)));
  }
  const std::string& name() const { return name_; }

 private:
  const std::string name_, ca_file_;
  curl::Handle handle_;
};

// Read with every use: whoever writes it replaces it before it expires.
StatusOr<std::string> ReadTokenFile(const std::string& source, const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file) return Lacking(source, "the token file " + path + " cannot be read");
  std::string token = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
  if (token.empty() || token.size() > kMaxTokenFile) return Lacking(source, "the token file " + path + " must hold 1 to 65536 characters");
  for (const char c : token) {
    if (IsControl(c)) return Lacking(source, "the token file " + path + " holds a control character");
  }
  return token;
}

class WebIdentitySource final : public S3KeySource {
 public:
  explicit WebIdentitySource(const S3KeyConfig& config) : config_(config), server_("web identity", config.ca_file) {}
  StatusOr<S3Keys> Fetch() override {
    VORA_ASSIGN_OR_RETURN(const std::string token, ReadTokenFile(server_.name(), config_.identity_token_file));
    const std::string form = "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=" + PercentEncode(config_.role_arn) +
                             "&RoleSessionName=" + PercentEncode(config_.role_session_name) + "&WebIdentityToken=" + PercentEncode(token);
    VORA_ASSIGN_OR_RETURN(const KeyServer::Answer answer,
                          server_.Ask("POST", config_.sts_endpoint, {{"content-type", "application/x-www-form-urlencoded"}}, form, false));
    if (answer.status != 200) return server_.Refused(answer, "the role " + config_.role_arn + " is not granted");
    auto keys = ParseAssumedRole(answer.body);
    return keys.ok() ? std::move(keys) : Lacking(server_.name(), Message(keys.status()));
  }

 private:
  const S3KeyConfig config_;
  KeyServer server_;
};

class ContainerSource final : public S3KeySource {
 public:
  explicit ContainerSource(const S3KeyConfig& config) : config_(config), server_("container", config.ca_file) {}
  StatusOr<S3Keys> Fetch() override {
    std::string token = config_.container_token;
    if (!config_.container_token_file.empty()) {
      VORA_ASSIGN_OR_RETURN(token, ReadTokenFile(server_.name(), config_.container_token_file));
    }
    std::vector<std::pair<std::string, std::string>> headers;
    if (!token.empty()) headers.emplace_back("authorization", token);
    VORA_ASSIGN_OR_RETURN(const KeyServer::Answer answer, server_.Ask("GET", config_.container_url, headers));
    if (answer.status != 200) return server_.Refused(answer, "no keys are handed out");
    auto keys = ParseKeyDocument(answer.body);
    return keys.ok() ? std::move(keys) : Lacking(server_.name(), Message(keys.status()));
  }

 private:
  const S3KeyConfig config_;
  KeyServer server_;
};

class InstanceSource final : public S3KeySource {
 public:
  explicit InstanceSource(const S3KeyConfig& config) : endpoint_(config.instance_endpoint), server_("instance", config.ca_file) {}
  StatusOr<S3Keys> Fetch() override {
    // A token of its own for each: keys are fetched a few times a day.
    VORA_ASSIGN_OR_RETURN(const KeyServer::Answer token,
                          server_.Ask("PUT", endpoint_ + "/latest/api/token", {{"x-aws-ec2-metadata-token-ttl-seconds", "60"}}));
    if (token.status != 200) return server_.Refused(token, "no token for its metadata");
    if (token.body.empty() || std::any_of(token.body.begin(), token.body.end(), IsControl)) {
      return Lacking(server_.name(), "the token for its metadata is not valid");
    }
    const std::vector<std::pair<std::string, std::string>> headers{{"x-aws-ec2-metadata-token", token.body}};
    const std::string roles = endpoint_ + "/latest/meta-data/iam/security-credentials/";
    VORA_ASSIGN_OR_RETURN(const KeyServer::Answer list, server_.Ask("GET", roles, headers));
    if (list.status == 404) return Lacking(server_.name(), "no role is attached to this instance");
    if (list.status != 200) return server_.Refused(list, "its role is not told");
    const std::string role = ParseRoleName(list.body);
    if (role.empty()) return Lacking(server_.name(), "the answer names no role");
    VORA_ASSIGN_OR_RETURN(const KeyServer::Answer answer, server_.Ask("GET", roles + PercentEncode(role), headers));
    if (answer.status != 200) return server_.Refused(answer, "no keys of the role " + role);
    auto keys = ParseKeyDocument(answer.body);
    return keys.ok() ? std::move(keys) : Lacking(server_.name(), "role " + role + ": " + Message(keys.status()));
  }

 private:
  const std::string endpoint_;
  KeyServer server_;
};

}  // namespace

std::unique_ptr<S3KeySource> MakeS3KeySource(const S3KeyConfig& config) {
  switch (config.from) {
    case S3KeyConfig::From::kWebIdentity:
      return std::make_unique<WebIdentitySource>(config);
    case S3KeyConfig::From::kContainer:
      return std::make_unique<ContainerSource>(config);
    case S3KeyConfig::From::kInstance:
      return std::make_unique<InstanceSource>(config);
    case S3KeyConfig::From::kFixed:
      break;
  }
  return std::make_unique<FixedKeySource>(config.fixed);
}

}  // namespace vora::storage
