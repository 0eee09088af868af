// Reads the settings of TLS from JavaScript, and makes the objects of its results.
#include "tls_calls.h"

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "arguments.h"
#include "tls.h"
#include "transport_handle.h"

namespace epoll_server {
namespace {

napi_value Text(napi_env env, const std::string& text) {
  napi_value value = nullptr;
  napi_create_string_latin1(env, text.data(), text.size(), &value);
  return value;
}

napi_value Property(napi_env env, napi_value object, const char* name) {
  napi_value value = nullptr;
  napi_get_named_property(env, object, name, &value);
  return value;
}

// Settings are ASCII: PEM, names and lists.
std::string TextOf(napi_env env, napi_value value) {
  size_t length = 0;
  if (napi_get_value_string_latin1(env, value, nullptr, 0, &length) != napi_ok) return "";
  std::string text(length + 1, '\0');
  napi_get_value_string_latin1(env, value, &text[0], text.size(), &length);
  text.resize(length);
  return text;
}

std::string TextOf(napi_env env, napi_value object, const char* name) {
  return TextOf(env, Property(env, object, name));
}

bool IsTrue(napi_env env, napi_value object, const char* name) {
  bool value = false;
  napi_get_value_bool(env, Property(env, object, name), &value);
  return value;
}

// Calls `use` with each element of an array.
template <typename Use>
void ForEach(napi_env env, napi_value array, Use use) {
  uint32_t length = 0;
  if (napi_get_array_length(env, array, &length) != napi_ok) return;
  for (uint32_t i = 0; i < length; ++i) {
    napi_value element = nullptr;
    napi_get_element(env, array, i, &element);
    use(element);
  }
}

// Null: there is none.
napi_value Certificate(napi_env env, const std::string& encoded) {
  void* bytes = nullptr;
  napi_value value = nullptr;
  if (encoded.empty()) {
    napi_get_null(env, &value);
  } else {
    napi_create_buffer_copy(env, encoded.size(), encoded.data(), &bytes, &value);
  }
  return value;
}

TlsEntry EntryOf(napi_env env, napi_value object) {
  TlsEntry entry;
  ForEach(env, Property(env, object, "names"),
          [&](napi_value name) { entry.names.push_back(TextOf(env, name)); });
  ForEach(env, Property(env, object, "pairs"), [&](napi_value pair) {
    entry.pairs.push_back({TextOf(env, pair, "cert"), TextOf(env, pair, "key")});
  });
  entry.id = TextOf(env, object, "id");
  entry.ca = TextOf(env, object, "ca");
  entry.ciphers = TextOf(env, object, "ciphers");
  entry.alpn = TextOf(env, object, "alpn");
  entry.verification = TextOf(env, object, "verification");
  const bool is_newest_only = TextOf(env, object, "minVersion") == "TLSv1.3";
  entry.min_version = is_newest_only ? TLS1_3_VERSION : TLS1_2_VERSION;
  entry.requests_certificate = IsTrue(env, object, "requestCert");
  entry.rejects_unauthorized = IsTrue(env, object, "rejectUnauthorized");
  return entry;
}

// False: the bytes are not whole keys.
bool ReadTicketKeys(const Arguments& call, int index, TicketKeys* keys) {
  size_t size = 0;
  const uint8_t* bytes = call.Bytes(index, &size);
  if (bytes == nullptr || size % sizeof(TicketKey) != 0) return false;
  keys->resize(size / sizeof(TicketKey));
  if (size > 0) std::memcpy(keys->data(), bytes, size);
  return true;
}

// The kind in an argument, which createTls made; null: it is none.
TlsKind* KindOf(const Arguments& call, int index) {
  TransportKind* kind = TransportKindOf(call.env, call.values[index]);
  return kind == nullptr ? nullptr : kind->AsTls();
}

}  // namespace

napi_value OpensslProblem(napi_env env, napi_callback_info) {
  const char* problem = nullptr;
  FindOpenSsl(&problem);
  return Text(env, problem);
}

napi_value CreateTls(napi_env env, napi_callback_info info) {
  const Arguments call(env, info);
  const char* reason = nullptr;
  const OpenSsl* openssl = FindOpenSsl(&reason);
  if (openssl == nullptr) return Text(env, reason);
  std::string problem;
  TicketKeys keys;
  if (!ReadTicketKeys(call, 1, &keys)) return Text(env, "the ticket keys have a wrong length");
  std::vector<TlsEntry> entries;
  ForEach(env, call.values[0], [&](napi_value entry) { entries.push_back(EntryOf(env, entry)); });
  TlsKind* previous = KindOf(call, 2);
  std::shared_ptr<TlsContext> context =
      TlsContext::Make(*openssl, std::move(entries), std::move(keys),
                       previous == nullptr ? nullptr : &previous->context(), &problem);
  if (context == nullptr) return Text(env, problem);
  return TransportHandle(
      env, std::make_unique<TlsKind>(std::move(context),
                                     previous == nullptr ? nullptr : previous->shared()));
}

napi_value SetTicketKeys(napi_env env, napi_callback_info info) {
  const Arguments call(env, info);
  TlsKind* kind = KindOf(call, 0);
  TicketKeys keys;
  if (kind == nullptr || !ReadTicketKeys(call, 1, &keys)) return call.Return(-EINVAL);
  kind->context().set_tickets(std::move(keys));
  return call.Return(0);
}

napi_value GetTlsCounters(napi_env env, napi_callback_info info) {
  const Arguments call(env, info);
  TlsKind* kind = KindOf(call, 0);
  if (kind == nullptr) return call.Return(-EINVAL);
  const TlsCounters& counters = kind->shared()->counters;
  std::vector<uint64_t> counts = {counters.handshakes, counters.resumptions};
  counts.insert(counts.end(), std::begin(counters.failures), std::end(counters.failures));
  napi_value array = nullptr;
  napi_create_array_with_length(env, counts.size(), &array);
  for (uint32_t i = 0; i < counts.size(); ++i) {
    napi_value count = nullptr;
    napi_create_double(env, static_cast<double>(counts[i]), &count);
    napi_set_element(env, array, i, count);
  }
  return array;
}

napi_value NegotiatedObject(napi_env env, const NegotiatedTls& negotiated) {
  napi_value object = nullptr;
  napi_create_object(env, &object);
  const auto set = [&](const char* name, napi_value value) {
    napi_set_named_property(env, object, name, value);
  };
  set("protocol", Text(env, negotiated.version));
  set("cipher", Text(env, negotiated.cipher));
  set("alpnProtocol", Text(env, negotiated.protocol));
  set("serverName", Text(env, negotiated.server_name));
  set("authorizationError", Text(env, negotiated.verification_error));
  napi_value is_resumed = nullptr;
  napi_get_boolean(env, negotiated.is_resumed, &is_resumed);
  set("isResumed", is_resumed);
  set("certificate", Certificate(env, negotiated.certificate));
  return object;
}

}  // namespace epoll_server
