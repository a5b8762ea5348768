#include "services/amqp-bridge/broker_connection.h"

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <openssl/ssl.h>
#include <sys/time.h>

#include <array>
#include <cstring>
#include <set>
#include <utility>

#include "libs/core/clock.h"
#include "libs/core/text.h"
#include "libs/core/time.h"

namespace vora::amqp {
namespace {

constexpr amqp_channel_t kChannel = 1;
constexpr int kHeartbeatSeconds = 15;
constexpr int kFrameBytes = 128 << 10;
constexpr std::chrono::milliseconds kAnswerTimeout{10'000};  // of the handshake, of a method, and between the frames of a message
constexpr std::chrono::milliseconds kCloseTimeout{1000};
constexpr int kFramesAtOnce = 256;  // so that what has come is worked on while more comes

timeval TimeOf(std::chrono::milliseconds time) {
  return {.tv_sec = static_cast<time_t>(time.count() / 1000), .tv_usec = static_cast<suseconds_t>(time.count() % 1000 * 1000)};
}

std::string TextOf(amqp_bytes_t bytes) { return {static_cast<const char*>(bytes.bytes), bytes.len}; }
// Borrowed: `text` must outlive the call.
amqp_bytes_t BytesOf(const std::string& text) { return {text.size(), const_cast<char*>(text.data())}; }

Status LibraryError(int code) { return Unavailable(amqp_error_string2(code)); }

template <typename Close>
Status Closed(const char* what, const amqp_method_t& method) {
  const auto& close = *static_cast<const Close*>(method.decoded);
  return Unavailable(std::string("the broker closed the ") + what + ": " + std::to_string(close.reply_code) + " " +
                     Sanitise(TextOf(close.reply_text), 300));
}

Status ClosedBy(const amqp_method_t& method) {
  return method.id == AMQP_CONNECTION_CLOSE_METHOD ? Closed<amqp_connection_close_t>("connection", method)
                                                   : Closed<amqp_channel_close_t>("channel", method);
}

Status ReplyOf(const amqp_rpc_reply_t& reply) {
  switch (reply.reply_type) {
    case AMQP_RESPONSE_NORMAL:
      return absl::OkStatus();
    case AMQP_RESPONSE_LIBRARY_EXCEPTION:
      return LibraryError(reply.library_error);
    case AMQP_RESPONSE_SERVER_EXCEPTION:
      return ClosedBy(reply.reply);
    default:
      return Unavailable("the broker gave no answer");
  }
}

// That we understand it when the broker says why it refuses us, that it takes nothing now, and that the queue is gone.
amqp_table_entry_t Capability(const char* name) {
  amqp_table_entry_t entry;
  entry.key = amqp_cstring_bytes(name);
  entry.value.kind = AMQP_FIELD_KIND_BOOLEAN;
  entry.value.value.boolean = 1;
  return entry;
}

// Texts alone: what tasks are read from are such.
std::map<std::string, std::string> TextHeaders(const amqp_table_t& table) {
  std::map<std::string, std::string> headers;
  for (int i = 0; i < table.num_entries; ++i) {
    const auto& entry = table.entries[i];
    const bool text = entry.value.kind == AMQP_FIELD_KIND_UTF8 || entry.value.kind == AMQP_FIELD_KIND_BYTES;
    if (text) headers[TextOf(entry.key)] = TextOf(entry.value.value.bytes);
  }
  return headers;
}

amqp_table_entry_t TextHeader(const std::string& name, const std::string& value) {
  amqp_table_entry_t entry;
  entry.key = BytesOf(name);
  entry.value.kind = AMQP_FIELD_KIND_UTF8;
  entry.value.value.bytes = BytesOf(value);
  return entry;
}

void ReadProperties(const amqp_basic_properties_t& properties, Message& message) {
  const auto take = [&](amqp_flags_t flag, amqp_bytes_t bytes, std::string& text) {
    if ((properties._flags & flag) != 0) text = TextOf(bytes);
  };
  take(AMQP_BASIC_CONTENT_TYPE_FLAG, properties.content_type, message.content_type);
  take(AMQP_BASIC_CONTENT_ENCODING_FLAG, properties.content_encoding, message.content_encoding);
  take(AMQP_BASIC_MESSAGE_ID_FLAG, properties.message_id, message.message_id);
  take(AMQP_BASIC_CORRELATION_ID_FLAG, properties.correlation_id, message.correlation_id);
  take(AMQP_BASIC_REPLY_TO_FLAG, properties.reply_to, message.reply_to);
  if ((properties._flags & AMQP_BASIC_HEADERS_FLAG) != 0) message.headers = TextHeaders(properties.headers);
}

Status OpenTls(amqp_socket_t* socket, const BrokerOptions& options) {
  amqp_ssl_socket_set_verify_peer(socket, 1);
  amqp_ssl_socket_set_verify_hostname(socket, 1);
  const int versions = amqp_ssl_socket_set_ssl_versions(socket, AMQP_TLSv1_2, AMQP_TLSvLATEST);
  if (versions != AMQP_STATUS_OK) return LibraryError(versions);
  if (options.ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(static_cast<SSL_CTX*>(amqp_ssl_socket_get_context(socket)));
    return absl::OkStatus();
  }
  if (amqp_ssl_socket_set_cacert(socket, options.ca_file.c_str()) == AMQP_STATUS_OK) return absl::OkStatus();
  return Unavailable("VORA_AMQP_CA: cannot read authorities from " + options.ca_file);
}

}  // namespace

class MessageProperties {
 public:
  explicit MessageProperties(const amqp_basic_properties_t& given) {
    init_amqp_pool(&pool_, 1024);
    value_._flags = given._flags;
    value_.delivery_mode = given.delivery_mode;
    value_.priority = given.priority;
    value_.timestamp = given.timestamp;
    // What has no flag is not even empty in what the library decodes. The user is left out: the broker takes it from nobody else.
    for (const auto& [flag, text] : kTexts) {
      if ((given._flags & flag) != 0) value_.*text = Owned(given.*text);
    }
    value_._flags &= ~static_cast<amqp_flags_t>(AMQP_BASIC_USER_ID_FLAG);
    const bool has_headers = (given._flags & AMQP_BASIC_HEADERS_FLAG) != 0;
    if (has_headers && amqp_table_clone(&given.headers, &value_.headers, &pool_) != AMQP_STATUS_OK) value_.headers = amqp_empty_table;
  }
  ~MessageProperties() { empty_amqp_pool(&pool_); }
  MessageProperties(const MessageProperties&) = delete;
  MessageProperties& operator=(const MessageProperties&) = delete;

  const amqp_basic_properties_t& value() const { return value_; }

 private:
  static constexpr std::pair<amqp_flags_t, amqp_bytes_t amqp_basic_properties_t::*> kTexts[] = {
      {AMQP_BASIC_CONTENT_TYPE_FLAG, &amqp_basic_properties_t::content_type},
      {AMQP_BASIC_CONTENT_ENCODING_FLAG, &amqp_basic_properties_t::content_encoding},
      {AMQP_BASIC_CORRELATION_ID_FLAG, &amqp_basic_properties_t::correlation_id},
      {AMQP_BASIC_REPLY_TO_FLAG, &amqp_basic_properties_t::reply_to},
      {AMQP_BASIC_EXPIRATION_FLAG, &amqp_basic_properties_t::expiration},
      {AMQP_BASIC_MESSAGE_ID_FLAG, &amqp_basic_properties_t::message_id},
      {AMQP_BASIC_TYPE_FLAG, &amqp_basic_properties_t::type},
      {AMQP_BASIC_APP_ID_FLAG, &amqp_basic_properties_t::app_id},
      {AMQP_BASIC_CLUSTER_ID_FLAG, &amqp_basic_properties_t::cluster_id},
  };

  amqp_bytes_t Owned(amqp_bytes_t given) {
    amqp_bytes_t bytes;
    amqp_pool_alloc_bytes(&pool_, given.len, &bytes);
    if (given.len > 0) std::memcpy(bytes.bytes, given.bytes, given.len);
    return bytes;
  }

  amqp_pool_t pool_;
  amqp_basic_properties_t value_{};
};

struct BrokerConnection::Impl {
  explicit Impl(const BrokerOptions& given) : options(given), connection(amqp_new_connection()) {}
  ~Impl() { amqp_destroy_connection(connection); }

  Status Connect() {
    const timeval timeout = TimeOf(kAnswerTimeout);
    amqp_set_handshake_timeout(connection, &timeout);
    amqp_set_rpc_timeout(connection, &timeout);
    amqp_socket_t* socket = options.tls ? amqp_ssl_socket_new(connection) : amqp_tcp_socket_new(connection);
    if (socket == nullptr) return Unavailable("out of memory");
    if (options.tls) VORA_RETURN_IF_ERROR(OpenTls(socket, options));
    const int opened = amqp_socket_open_noblock(socket, options.host.c_str(), options.port, &timeout);
    return opened == AMQP_STATUS_OK ? absl::OkStatus() : LibraryError(opened);
  }

  Status SignIn() {
    std::array capabilities = {Capability("authentication_failure_close"), Capability("connection.blocked"),
                               Capability("consumer_cancel_notify"), Capability("publisher_confirms"), Capability("basic.nack")};
    amqp_table_entry_t entries[2];
    entries[0].key = amqp_cstring_bytes("capabilities");
    entries[0].value.kind = AMQP_FIELD_KIND_TABLE;
    entries[0].value.value.table = {static_cast<int>(capabilities.size()), capabilities.data()};
    static const std::string kName = "connection_name", kProgram = "vora-amqp";
    entries[1] = TextHeader(kName, kProgram);
    const amqp_table_t properties = {2, entries};
    return ReplyOf(amqp_login_with_properties(connection, options.vhost.c_str(), 0, kFrameBytes, kHeartbeatSeconds, &properties,
                                              AMQP_SASL_METHOD_PLAIN, options.user.c_str(), options.password.c_str()));
  }

  Status Consume() {
    const auto answered = [this] { return ReplyOf(amqp_get_rpc_reply(connection)); };
    amqp_channel_open(connection, kChannel);
    VORA_RETURN_IF_ERROR(answered());
    amqp_confirm_select(connection, kChannel);
    VORA_RETURN_IF_ERROR(answered());
    amqp_basic_qos(connection, kChannel, 0, options.prefetch, 0);
    VORA_RETURN_IF_ERROR(answered());
    if (!options.reply_exchange.empty()) {
      amqp_exchange_declare(connection, kChannel, BytesOf(options.reply_exchange), amqp_empty_bytes, /*passive=*/1, 1, 0, 0,
                            amqp_empty_table);
      VORA_RETURN_IF_ERROR(answered());
    }
    amqp_basic_consume(connection, kChannel, BytesOf(options.queue), amqp_empty_bytes, 0, /*no_ack=*/0, /*exclusive=*/0, amqp_empty_table);
    return answered();
  }

  Status OnMethod(const amqp_method_t& method, Received& received) {
    switch (method.id) {
      case AMQP_BASIC_DELIVER_METHOD: {
        Delivery delivery;
        delivery.tag = static_cast<const amqp_basic_deliver_t*>(method.decoded)->delivery_tag;
        VORA_RETURN_IF_ERROR(ReadContent(delivery, received));
        received.deliveries.push_back(std::move(delivery));
        return absl::OkStatus();
      }
      case AMQP_BASIC_RETURN_METHOD: {
        Delivery returned;  // its confirm follows
        ++received.unroutable;
        return ReadContent(returned, received);
      }
      case AMQP_BASIC_ACK_METHOD:
        Settle(*static_cast<const amqp_basic_ack_t*>(method.decoded), received.confirmed);
        return absl::OkStatus();
      case AMQP_BASIC_NACK_METHOD:
        Settle(*static_cast<const amqp_basic_nack_t*>(method.decoded), received.refused);
        return absl::OkStatus();
      case AMQP_BASIC_CANCEL_METHOD:
        return Unavailable("the queue " + options.queue + " was deleted");
      case AMQP_CONNECTION_BLOCKED_METHOD:
        blocked = true;
        return absl::OkStatus();
      case AMQP_CONNECTION_UNBLOCKED_METHOD:
        blocked = false;
        return absl::OkStatus();
      case AMQP_CHANNEL_CLOSE_METHOD:
      case AMQP_CONNECTION_CLOSE_METHOD:
        return ClosedBy(method);
      default:
        return Unavailable("the broker sent what was not expected: " + std::string(amqp_method_name(method.id)));
    }
  }

  // `Word`: an ack or a nack.
  template <typename Word>
  void Settle(const Word& word, std::vector<uint64_t>& settled) {
    const auto first = word.multiple != 0 ? unconfirmed.begin() : unconfirmed.lower_bound(word.delivery_tag);
    const auto last = unconfirmed.upper_bound(word.delivery_tag);
    settled.insert(settled.end(), first, last);
    unconfirmed.erase(first, last);
  }

  // The frame of the channel that must come now; what concerns the connection may come between.
  Status NextOfContent(amqp_frame_t& frame, Received& received) {
    while (true) {
      timeval timeout = TimeOf(kAnswerTimeout);
      const int got = amqp_simple_wait_frame_noblock(connection, &frame, &timeout);
      if (got != AMQP_STATUS_OK) return LibraryError(got);
      if (frame.frame_type != AMQP_FRAME_METHOD) return absl::OkStatus();
      VORA_RETURN_IF_ERROR(OnMethod(frame.payload.method, received));
    }
  }

  // By hand, since the library's own reader makes room for whatever size the header tells.
  Status ReadContent(Delivery& delivery, Received& received) {
    Message& message = delivery.message;
    amqp_frame_t frame;
    VORA_RETURN_IF_ERROR(NextOfContent(frame, received));
    if (frame.frame_type != AMQP_FRAME_HEADER) return Unavailable("the broker sent a message without its header");
    message.body_size = frame.payload.properties.body_size;
    const auto& properties = *static_cast<const amqp_basic_properties_t*>(frame.payload.properties.decoded);
    ReadProperties(properties, message);
    delivery.properties = std::make_shared<const MessageProperties>(properties);
    const bool kept = message.body_size <= options.max_body;
    for (uint64_t seen = 0; seen < message.body_size;) {
      amqp_maybe_release_buffers(connection);
      VORA_RETURN_IF_ERROR(NextOfContent(frame, received));
      if (frame.frame_type != AMQP_FRAME_BODY) return Unavailable("the broker sent a message without the rest of it");
      seen += frame.payload.body_fragment.len;
      if (kept) message.body += TextOf(frame.payload.body_fragment);
    }
    return absl::OkStatus();
  }

  StatusOr<uint64_t> Publish(const std::string& exchange, const std::string& routing_key, const amqp_basic_properties_t& properties,
                             const std::string& body) {
    const int sent =
        amqp_basic_publish(connection, kChannel, BytesOf(exchange), BytesOf(routing_key), /*mandatory=*/1, 0, &properties, BytesOf(body));
    if (sent != AMQP_STATUS_OK) {
      broken = true;
      return LibraryError(sent);
    }
    unconfirmed.insert(++published);
    return published;
  }

  const BrokerOptions options;
  const amqp_connection_state_t connection;
  std::set<uint64_t> unconfirmed;
  uint64_t published = 0;
  bool blocked = false;
  bool broken = false;
};

BrokerConnection::BrokerConnection(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

StatusOr<std::unique_ptr<BrokerConnection>> BrokerConnection::Open(const BrokerOptions& options) {
  auto impl = std::make_unique<Impl>(options);
  VORA_RETURN_IF_ERROR(impl->Connect());
  VORA_RETURN_IF_ERROR(impl->SignIn());
  VORA_RETURN_IF_ERROR(impl->Consume());
  return std::unique_ptr<BrokerConnection>(new BrokerConnection(std::move(impl)));
}

BrokerConnection::~BrokerConnection() {
  // Goodbye is said to who may hear it: one that is blocked reads nothing.
  if (impl_->broken || impl_->blocked) return;
  const timeval timeout = TimeOf(kCloseTimeout);
  amqp_set_rpc_timeout(impl_->connection, &timeout);
  amqp_connection_close(impl_->connection, AMQP_REPLY_SUCCESS);
}

Status BrokerConnection::Receive(std::chrono::milliseconds wait, Received& received) {
  for (int frames = 0; frames < kFramesAtOnce; ++frames) {
    amqp_maybe_release_buffers(impl_->connection);
    amqp_frame_t frame;
    timeval timeout = TimeOf(frames == 0 ? wait : std::chrono::milliseconds(0));
    const int got = amqp_simple_wait_frame_noblock(impl_->connection, &frame, &timeout);
    if (got == AMQP_STATUS_TIMEOUT) break;
    Status status = got == AMQP_STATUS_OK ? absl::OkStatus() : LibraryError(got);
    if (status.ok() && frame.frame_type == AMQP_FRAME_METHOD) status = impl_->OnMethod(frame.payload.method, received);
    if (!status.ok()) {
      impl_->broken = true;
      return status;
    }
  }
  return absl::OkStatus();
}

StatusOr<uint64_t> BrokerConnection::Publish(const Reply& reply, const std::string& exchange, const std::string& routing_key) {
  static const std::string kJson = "application/json", kUtf8 = "utf-8", kApp = "vora-amqp";
  constexpr uint8_t kPersistent = 2;
  amqp_basic_properties_t properties{};
  properties._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_CONTENT_ENCODING_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG |
                      AMQP_BASIC_CORRELATION_ID_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG | AMQP_BASIC_TYPE_FLAG | AMQP_BASIC_TIMESTAMP_FLAG |
                      AMQP_BASIC_APP_ID_FLAG;
  properties.content_type = BytesOf(kJson);
  properties.content_encoding = BytesOf(kUtf8);
  properties.delivery_mode = kPersistent;
  properties.correlation_id = BytesOf(reply.correlation_id);
  properties.message_id = BytesOf(reply.message_id);
  properties.type = BytesOf(reply.type);
  properties.timestamp = static_cast<uint64_t>(ToUnixSeconds(Clock::Real().Now()));
  properties.app_id = BytesOf(kApp);
  return impl_->Publish(exchange, routing_key, properties, reply.body);
}

StatusOr<uint64_t> BrokerConnection::PublishAgain(const Delivery& delivery, const std::string& name, const std::string& value) {
  amqp_basic_properties_t properties = delivery.properties->value();
  std::vector<amqp_table_entry_t> headers = {TextHeader(name, value)};
  for (int i = 0; i < properties.headers.num_entries; ++i) {
    const std::string key = TextOf(properties.headers.entries[i].key);
    // The broker delivers a copy to each queue that these name, and has done so already.
    const bool copies = key == "CC" || key == "BCC";
    if (key != name && !copies) headers.push_back(properties.headers.entries[i]);
  }
  properties._flags |= AMQP_BASIC_HEADERS_FLAG;
  properties.headers = {static_cast<int>(headers.size()), headers.data()};
  return impl_->Publish("", impl_->options.queue, properties, delivery.message.body);
}

Status BrokerConnection::Acknowledge(uint64_t tag) {
  const int sent = amqp_basic_ack(impl_->connection, kChannel, tag, /*multiple=*/0);
  if (sent == AMQP_STATUS_OK) return absl::OkStatus();
  impl_->broken = true;
  return LibraryError(sent);
}

Status BrokerConnection::Reject(uint64_t tag) {
  const int sent = amqp_basic_reject(impl_->connection, kChannel, tag, /*requeue=*/0);
  if (sent == AMQP_STATUS_OK) return absl::OkStatus();
  impl_->broken = true;
  return LibraryError(sent);
}

bool BrokerConnection::blocked() const { return impl_->blocked; }

}  // namespace vora::amqp
