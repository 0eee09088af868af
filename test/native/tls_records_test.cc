// Tests the records of TLS 1.3: against the trace of RFC 8448, against each other, and with content
// that no library sends. Where this machine has no OpenSSL, each test ends at once.
#include "tls_records.h"

#include <memory>
#include <string>
#include <vector>

#include "harness.h"
#include "raw_records.h"
#include "tls_client.h"

namespace epoll_server {

using test::BytesOf;
using test::FromHex;
using test::LoadOpenSsl;
using test::RawRecords;

namespace {

constexpr uint32_t kAes128 = 0x1301;
constexpr uint32_t kAes256 = 0x1302;
constexpr uint32_t kChaCha20 = 0x1303;

// RFC 8448 section 3, "Simple 1-RTT Handshake".
const char kClientSecret[] = "9e40646ce79a7f9dc05af8889bce6552875afa0b06df0087f792ebb7c17504a5";
const char kServerSecret[] = "a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643";
const char kClientRecord[] =
    "1703030043a23f7054b62c94d0affafe8228ba55cbefacea42f914aa66bcab3f2b9819a8a5b46b395bd54a9a20441e"
    "2b62974e1f5a6292a2977014bd1e3deae63aeebb21694915e4";

// One end of a connection with its ciphers.
struct Peer {
  explicit Peer(bool is_client, uint32_t suite = kAes128, const std::string& client = "",
                const std::string& server = "")
      : ciphers(*LoadOpenSsl()), records(*LoadOpenSsl(), &ciphers) {
    const std::string ours = is_client ? client : server;
    const std::string theirs = is_client ? server : client;
    records.SetSecret(kSent, BytesOf(ours), ours.size());
    records.SetSecret(kReceived, BytesOf(theirs), theirs.size());
    CHECK(records.Begin(suite));
  }

  std::string Seal(const std::string& text) {
    std::vector<uint8_t> wire(text.size() + 64 * (text.size() / kMaxRecordBytes + 1));
    const Bytes bytes = {BytesOf(text), text.size()};
    const size_t size =
        records.Seal(bytes, {nullptr, 0}, 0, text.size(), kMaxRecordBytes, wire.data());
    CHECK(size > 0);
    return std::string(wire.begin(), wire.begin() + static_cast<ptrdiff_t>(size));
  }

  // What the record at the beginning of `wire` is, without it; its content goes to `content`.
  int Open(std::string* wire) {
    size_t size = 0;
    const int found = TlsRecords::Find({BytesOf(*wire), wire->size()}, &size);
    if (found <= 0) return found;
    content.assign(size, '\0');
    size_t length = 0;
    const int opened =
        records.Open({BytesOf(*wire), size}, reinterpret_cast<uint8_t*>(&content[0]), &length);
    wire->erase(0, size);
    content.resize(opened == kBytes ? length : 0);
    return opened;
  }
  int Open(std::string wire) { return Open(&wire); }

  RecordCiphers ciphers;
  TlsRecords records;
  std::string content;
};

Peer Server() { return Peer(false, kAes128, FromHex(kClientSecret), FromHex(kServerSecret)); }

// The result of a server for records of a client with these contents and types.
int ResultOf(const std::vector<std::string>& inners) {
  Peer server = Server();
  RawRecords client(FromHex(kClientSecret));
  int result = 0;
  for (const std::string& inner : inners) {
    CHECK(result >= 0);
    result = server.Open(client.Seal(inner));
  }
  return result;
}

const std::string kData = "\x17";
const std::string kMessage = "\x16";
const std::string kAlert = "\x15";
const std::string kZero(1, '\0');
const std::string kUpdate = std::string("\x18\0\0\x01", 4);

}  // namespace

TEST(RecordsAreThoseOfTheTraceOfRfc8448) {
  if (LoadOpenSsl() == nullptr) return;
  std::string text;
  for (int i = 0; i < 50; ++i) text += static_cast<char>(i);
  Peer client(true, kAes128, FromHex(kClientSecret), FromHex(kServerSecret));
  CHECK(client.Seal(text) == FromHex(kClientRecord));
  Peer server = Server();
  CHECK_EQ(server.Open(FromHex(kClientRecord)), kBytes);
  CHECK(server.content == text);
}

TEST(RecordsPassWithEachSuite) {
  if (LoadOpenSsl() == nullptr) return;
  for (const uint32_t suite : {kAes128, kAes256, kChaCha20}) {
    const size_t bytes = suite == kAes256 ? 48 : 32;
    const std::string one(bytes, 'c');
    const std::string other(bytes, 's');
    Peer client(true, suite, one, other);
    Peer server(false, suite, one, other);
    for (const size_t length : {1, 15, 16, 17, 16383, 16384, 16385, 40000}) {
      const std::string text(length, 't');
      std::string wire = client.Seal(text);
      std::string passed;
      while (!wire.empty()) {
        CHECK_EQ(server.Open(&wire), kBytes);
        passed += server.content;
      }
      CHECK(passed == text);
    }
    // Each direction has new keys when the client wants it.
    uint8_t update[TlsRecords::kControlBytes];
    for (int times = 0; times < 3; ++times) {
      const size_t size = client.records.SealKeyUpdate(update);
      CHECK_EQ(server.Open(std::string(update, update + size)), kNothing);
      CHECK_EQ(server.Open(client.Seal("new")), kBytes);
      CHECK_EQ(server.content, std::string("new"));
    }
    CHECK_EQ(client.Open(server.Seal("old")), kBytes);
  }
  // Secrets of another length are not those of the suite.
  RecordCiphers ciphers(*LoadOpenSsl());
  TlsRecords records(*LoadOpenSsl(), &ciphers);
  CHECK(!records.Begin(kAes128));
  CHECK(!records.Begin(0x1304));
}

TEST(RecordsOfSeveralConnectionsShareTheirCiphers) {
  if (LoadOpenSsl() == nullptr) return;
  RecordCiphers ciphers(*LoadOpenSsl());
  std::vector<std::unique_ptr<TlsRecords>> servers;
  std::vector<RawRecords> clients;
  for (const char letter : {'a', 'b', 'c'}) {
    const std::string secret(32, letter);
    servers.emplace_back(new TlsRecords(*LoadOpenSsl(), &ciphers));
    for (const RecordDirection direction : {kReceived, kSent}) {
      servers.back()->SetSecret(direction, BytesOf(secret), secret.size());
    }
    CHECK(servers.back()->Begin(kAes128));
    clients.emplace_back(secret);
  }
  for (const size_t turn : {0, 1, 1, 0, 2, 0, 2, 2, 1}) {
    const std::string wire = clients[turn].Seal("hello" + kData);
    uint8_t content[64];
    size_t length = 0;
    CHECK_EQ(servers[turn]->Open({BytesOf(wire), wire.size()}, content, &length), kBytes);
    CHECK_EQ(length, 5u);
  }
}

TEST(RecordsContentIsWhatTheRfcAllows) {
  if (LoadOpenSsl() == nullptr) return;
  CHECK_EQ(ResultOf({"abc" + kData}), kBytes);
  CHECK_EQ(ResultOf({"abc" + kData + std::string(900, '\0')}), kBytes);
  CHECK_EQ(ResultOf({kData}), kBytes);
  CHECK_EQ(ResultOf({std::string(16384, 'x') + kData}), kBytes);
  CHECK_EQ(ResultOf({std::string(16384, 'x') + kData + kZero}), -SSL_AD_RECORD_OVERFLOW);
  CHECK_EQ(ResultOf({""}), -SSL_AD_BAD_RECORD_MAC);
  CHECK_EQ(ResultOf({kZero + kZero}), -SSL_AD_UNEXPECTED_MESSAGE);
  for (const int type : {1, 20, 24, 64, 127}) {
    CHECK_EQ(ResultOf({"x" + std::string(1, static_cast<char>(type))}), -SSL_AD_UNEXPECTED_MESSAGE);
  }
}

TEST(RecordsReadAlerts) {
  if (LoadOpenSsl() == nullptr) return;
  const auto alert = [](const char* level, char description) {
    return level + std::string(1, description) + kAlert;
  };
  CHECK_EQ(ResultOf({alert("\x01", SSL_AD_CLOSE_NOTIFY)}), kEnd);
  CHECK_EQ(ResultOf({alert("\x02", SSL_AD_CLOSE_NOTIFY)}), kEnd);
  CHECK_EQ(ResultOf({alert("\x01", SSL_AD_USER_CANCELLED)}), kNothing);
  CHECK_EQ(ResultOf({alert("\x02", SSL_AD_DECRYPT_ERROR)}), kFatalAlert);
  CHECK_EQ(ResultOf({alert("\x01", SSL_AD_NO_RENEGOTIATION)}), kFatalAlert);
  CHECK_EQ(ResultOf({kAlert}), -SSL_AD_DECODE_ERROR);
  CHECK_EQ(ResultOf({"\x02" + kAlert}), -SSL_AD_DECODE_ERROR);
  CHECK_EQ(ResultOf({alert("\x02\x02", SSL_AD_CLOSE_NOTIFY)}), -SSL_AD_DECODE_ERROR);
}

TEST(RecordsReadKeyUpdatesHoweverTheyAreCut) {
  if (LoadOpenSsl() == nullptr) return;
  const auto part = [](size_t from, size_t length) {
    return (kUpdate + kZero).substr(from, length) + kMessage;
  };
  CHECK_EQ(ResultOf({kUpdate + kZero + kMessage}), kNothing);
  CHECK_EQ(ResultOf({kUpdate + "\x01" + kMessage}), kKeysWanted);
  CHECK_EQ(ResultOf({part(0, 1), part(1, 3), part(4, 1)}), kNothing);
  CHECK_EQ(ResultOf({part(0, 1), part(1, 1), part(2, 1), part(3, 1), "\x01" + kMessage}),
           kKeysWanted);
  // The keys are others behind it.
  CHECK_EQ(ResultOf({kUpdate + kZero + kMessage, "x" + kData}), -SSL_AD_BAD_RECORD_MAC);
  CHECK_EQ(ResultOf({part(0, 2), "x" + kData}), -SSL_AD_UNEXPECTED_MESSAGE);
  CHECK_EQ(ResultOf({part(0, 2), "\x01" + kZero + kAlert}), -SSL_AD_UNEXPECTED_MESSAGE);
  CHECK_EQ(ResultOf({kMessage}), -SSL_AD_UNEXPECTED_MESSAGE);
  CHECK_EQ(ResultOf({kUpdate + kZero + "x" + kMessage}), -SSL_AD_UNEXPECTED_MESSAGE);
  CHECK_EQ(ResultOf({kUpdate + "\x02" + kMessage}), -SSL_AD_ILLEGAL_PARAMETER);
  CHECK_EQ(ResultOf({std::string("\x18\0\0\x02\0", 5) + kMessage}), -SSL_AD_DECODE_ERROR);
  // A ClientHello would begin a renegotiation, which TLS 1.3 does not have.
  CHECK_EQ(ResultOf({"\x01" + kMessage}), -SSL_AD_UNEXPECTED_MESSAGE);
}

// A sequence number that is used twice with one key reveals what was encrypted.
TEST(RecordsKeepTheirKeysWhenTheNextOnesCannotBeMade) {
  if (LoadOpenSsl() == nullptr) return;
  static int hashes_left = 0;
  OpenSsl openssl = *LoadOpenSsl();
  openssl.HMAC = [](const EVP_MD* digest, const void* key, int key_length,
                    const unsigned char* text, size_t length, unsigned char* hash,
                    unsigned int* hash_length) {
    return hashes_left-- == 0
               ? nullptr
               : LoadOpenSsl()->HMAC(digest, key, key_length, text, length, hash, hash_length);
  };
  const std::string secret = FromHex(kServerSecret);
  const std::string update = kUpdate + kZero + kMessage;
  for (const int left : {0, 1, 2}) {
    RecordCiphers ciphers(openssl);
    TlsRecords records(openssl, &ciphers);
    hashes_left = -1;
    for (const RecordDirection direction : {kReceived, kSent}) {
      records.SetSecret(direction, BytesOf(secret), secret.size());
    }
    CHECK(records.Begin(kAes128));
    RawRecords expected(secret);
    uint8_t wire[TlsRecords::kControlBytes];
    const auto sends_alert = [&] {
      const size_t size = records.SealAlert(2, SSL_AD_INTERNAL_ERROR, wire);
      const std::string alert = {2, SSL_AD_INTERNAL_ERROR, 21};
      return std::string(wire, wire + size) == expected.Seal(alert);
    };
    CHECK(sends_alert());
    hashes_left = left;
    CHECK_EQ(records.SealKeyUpdate(wire), 0u);
    // Its record, which was not sent.
    expected.Seal(update);
    CHECK(sends_alert());
    // The keys of the other direction stay as well.
    RawRecords client(secret);
    std::string sealed = client.Seal(update);
    uint8_t content[64];
    size_t length = 0;
    hashes_left = left;
    CHECK_EQ(records.Open({BytesOf(sealed), sealed.size()}, content, &length),
             -SSL_AD_INTERNAL_ERROR);
    sealed = client.Seal("x" + kData);
    CHECK_EQ(records.Open({BytesOf(sealed), sealed.size()}, content, &length), kBytes);
  }
}

TEST(RecordsThatWereChangedAreRefused) {
  if (LoadOpenSsl() == nullptr) return;
  const std::string wire = RawRecords(FromHex(kClientSecret)).Seal("hello" + kData);
  for (size_t at = 0; at < wire.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = wire;
      changed[at] = static_cast<char>(changed[at] ^ static_cast<char>(1 << bit));
      const int result = Server().Open(changed);
      // A longer record is not whole yet.
      const int expected = at == 0              ? -SSL_AD_UNEXPECTED_MESSAGE
                           : at == 3 && bit > 5 ? -SSL_AD_RECORD_OVERFLOW
                                                : -SSL_AD_BAD_RECORD_MAC;
      const bool is_length = at == 3 || at == 4;
      CHECK(result == expected || (is_length && result == 0));
    }
  }
  // One that comes twice, or too early, has another number.
  Peer server = Server();
  CHECK_EQ(server.Open(wire), kBytes);
  CHECK_EQ(server.Open(wire), -SSL_AD_BAD_RECORD_MAC);
}

TEST(RecordsAreFoundHoweverTheyAreCut) {
  if (LoadOpenSsl() == nullptr) return;
  const std::string wire = RawRecords(FromHex(kClientSecret)).Seal("hello" + kData);
  size_t size = 0;
  for (size_t length = 0; length < wire.size(); ++length) {
    CHECK_EQ(TlsRecords::Find({BytesOf(wire), length}, &size), 0);
  }
  CHECK_EQ(TlsRecords::Find({BytesOf(wire + "x"), wire.size() + 1}, &size), 1);
  CHECK_EQ(size, wire.size());
  const std::string largest = "\x17\x03\x03\x41" + kZero;
  CHECK_EQ(TlsRecords::Find({BytesOf(largest), 5}, &size), 0);
  CHECK_EQ(TlsRecords::Find({BytesOf("\x17\x03\x03\x41\x01"), 5}, &size), -SSL_AD_RECORD_OVERFLOW);
  CHECK_EQ(TlsRecords::Find({BytesOf("\x14"), 1}, &size), -SSL_AD_UNEXPECTED_MESSAGE);
}

}  // namespace epoll_server
