// Encrypts and decrypts the records of TLS 1.3.
#include "tls_records.h"

#include <algorithm>
#include <cstring>

namespace epoll_server {
namespace {

struct Suite {
  uint32_t id;
  decltype(&EVP_aes_128_gcm) OpenSsl::*cipher;
  decltype(&EVP_sha256) OpenSsl::*digest;
  size_t key_bytes;
  size_t secret_bytes;
};

// Those of tls_context.cc (section B.4). All have a tag of 16 bytes and an IV of 12.
constexpr Suite kSuites[] = {
    {0x1301, &OpenSsl::EVP_aes_128_gcm, &OpenSsl::EVP_sha256, 16, 32},
    {0x1302, &OpenSsl::EVP_aes_256_gcm, &OpenSsl::EVP_sha384, 32, 48},
    {0x1303, &OpenSsl::EVP_chacha20_poly1305, &OpenSsl::EVP_sha256, 32, 32},
};

// Types of records (section 5.1). The others are not used after a handshake.
constexpr uint8_t kAlertRecord = 21;
constexpr uint8_t kHandshakeRecord = 22;
constexpr uint8_t kApplicationRecord = 23;

// The version in the header of each record. It has no meaning.
constexpr uint8_t kLegacyVersion[] = {3, 3};

// A message for which this server has a use (section 4.6.3): its type, its length, and whether an
// answer is wanted.
constexpr uint8_t kKeyUpdate[] = {24, 0, 0, 1, 0};

}  // namespace

RecordCiphers::~RecordCiphers() {
  for (Context(&directions)[2] : contexts_) {
    for (Context& context : directions) openssl_.EVP_CIPHER_CTX_free(context.cipher);
  }
}

EVP_CIPHER_CTX* RecordCiphers::For(int suite, RecordDirection direction, const RecordKeys& keys) {
  Context& context = contexts_[suite][direction];
  if (context.cipher == nullptr) {
    context.cipher = openssl_.EVP_CIPHER_CTX_new();
    const EVP_CIPHER* cipher = (openssl_.*kSuites[suite].cipher)();
    if (context.cipher == nullptr ||
        openssl_.EVP_CipherInit_ex(context.cipher, cipher, nullptr, nullptr, nullptr,
                                   direction == kSent) != 1) {
      openssl_.EVP_CIPHER_CTX_free(context.cipher);
      context.cipher = nullptr;
      return nullptr;
    }
  }
  // The sequence number is added to the IV without carry (section 5.3).
  uint8_t nonce[sizeof(keys.iv)];
  std::memcpy(nonce, keys.iv, sizeof(nonce));
  for (size_t i = 0; i < sizeof(keys.sequence); ++i) {
    nonce[sizeof(nonce) - 1 - i] ^= static_cast<uint8_t>(keys.sequence >> (8 * i));
  }
  const uint8_t* key = context.serial == keys.serial ? nullptr : keys.key;
  context.serial = 0;
  if (openssl_.EVP_CipherInit_ex(context.cipher, nullptr, nullptr, key, nonce,
                                 direction == kSent) != 1) {
    return nullptr;
  }
  context.serial = keys.serial;
  return context.cipher;
}

TlsRecords::~TlsRecords() { openssl_.OPENSSL_cleanse(keys_, sizeof(keys_)); }

void TlsRecords::SetSecret(RecordDirection direction, const uint8_t* secret, size_t length) {
  RecordKeys& keys = keys_[direction];
  keys.secret_length = std::min(length, sizeof(keys.secret));
  std::memcpy(keys.secret, secret, keys.secret_length);
}

void TlsRecords::CountSent() {
  if (keys_[kSent].secret_length > 0) ++keys_[kSent].sequence;
}

bool TlsRecords::Begin(uint32_t cipher_suite) {
  const auto* found = std::find_if(std::begin(kSuites), std::end(kSuites), [&](const Suite& each) {
    return each.id == (cipher_suite & 0xffff);
  });
  if (found == std::end(kSuites)) return false;
  suite_ = static_cast<int>(found - kSuites);
  return keys_[kReceived].secret_length == found->secret_bytes &&
         keys_[kSent].secret_length == found->secret_bytes && Derive(&keys_[kReceived]) &&
         Derive(&keys_[kSent]);
}

// Replaces the keys of a direction by their successors (section 7.2). What fails changes none: with
// one key no sequence number may be used twice.
bool TlsRecords::Update(RecordDirection direction) {
  RecordKeys& keys = keys_[direction];
  RecordKeys next;
  next.secret_length = keys.secret_length;
  const bool is_made =
      Expand(keys, "traffic upd", next.secret, next.secret_length) && Derive(&next);
  if (is_made) keys = next;
  openssl_.OPENSSL_cleanse(&next, sizeof(next));
  return is_made;
}

// Section 7.3.
bool TlsRecords::Derive(RecordKeys* keys) {
  keys->serial = ciphers_->NextSerial();
  return Expand(*keys, "key", keys->key, kSuites[suite_].key_bytes) &&
         Expand(*keys, "iv", keys->iv, sizeof(keys->iv));
}

// HKDF-Expand-Label with an empty context (section 7.1). `length` is at most that of the digest, so
// one block of HKDF-Expand (RFC 5869) is enough.
bool TlsRecords::Expand(const RecordKeys& keys, const char* label, uint8_t* bytes, size_t length) {
  constexpr char kPrefix[] = "tls13 ";
  const size_t prefix = sizeof(kPrefix) - 1;
  const size_t name = std::strlen(label);
  uint8_t info[64] = {0, static_cast<uint8_t>(length), static_cast<uint8_t>(prefix + name)};
  std::memcpy(info + 3, kPrefix, prefix);
  std::memcpy(info + 3 + prefix, label, name);
  // Behind the label come the length of the context, 0, and the number of the block.
  info[3 + prefix + name + 1] = 1;
  uint8_t block[EVP_MAX_MD_SIZE];
  const EVP_MD* digest = (openssl_.*kSuites[suite_].digest)();
  const bool is_made = openssl_.HMAC(digest, keys.secret, static_cast<int>(keys.secret_length),
                                     info, 3 + prefix + name + 2, block, nullptr) != nullptr;
  if (is_made) std::memcpy(bytes, block, length);
  openssl_.OPENSSL_cleanse(block, sizeof(block));
  return is_made;
}

size_t TlsRecords::Seal(Bytes first, Bytes second, size_t from, size_t length, size_t record_bytes,
                        uint8_t* wire) {
  size_t size = 0;
  const size_t end = from + length;
  for (size_t at = from; at < end;) {
    const size_t piece = std::min(record_bytes, end - at);
    const size_t in_first = std::min(at, first.length);
    const Bytes head = {first.data + in_first, std::min(piece, first.length - in_first)};
    const Bytes rest = {second.data + (at - in_first), piece - head.length};
    if (!SealRecord(kApplicationRecord, head, rest, wire + size)) return 0;
    size += SealedBytes(piece);
    at += piece;
  }
  return size;
}

size_t TlsRecords::SealAlert(uint8_t level, uint8_t description, uint8_t* wire) {
  const uint8_t alert[] = {level, description};
  const Bytes content = {alert, sizeof(alert)};
  return SealRecord(kAlertRecord, content, {nullptr, 0}, wire) ? SealedBytes(content.length) : 0;
}

size_t TlsRecords::SealKeyUpdate(uint8_t* wire) {
  const Bytes content = {kKeyUpdate, sizeof(kKeyUpdate)};
  const bool is_sealed = SealRecord(kHandshakeRecord, content, {nullptr, 0}, wire);
  return is_sealed && Update(kSent) ? SealedBytes(content.length) : 0;
}

bool TlsRecords::SealRecord(uint8_t type, Bytes first, Bytes second, uint8_t* wire) {
  RecordKeys& keys = keys_[kSent];
  EVP_CIPHER_CTX* cipher = ciphers_->For(suite_, kSent, keys);
  if (cipher == nullptr) return false;
  const size_t encrypted = first.length + second.length + 1 + kTagBytes;
  wire[0] = kApplicationRecord;
  std::memcpy(wire + 1, kLegacyVersion, sizeof(kLegacyVersion));
  wire[3] = static_cast<uint8_t>(encrypted >> 8);
  wire[4] = static_cast<uint8_t>(encrypted);
  int count = 0;
  if (openssl_.EVP_CipherUpdate(cipher, nullptr, &count, wire, kRecordHeaderBytes) != 1) {
    return false;
  }
  uint8_t* at = wire + kRecordHeaderBytes;
  for (const Bytes& part : {first, second, Bytes{&type, 1}}) {
    if (part.length == 0) continue;
    const int length = static_cast<int>(part.length);
    if (openssl_.EVP_CipherUpdate(cipher, at, &count, part.data, length) != 1) return false;
    at += count;
  }
  if (openssl_.EVP_CipherFinal_ex(cipher, at, &count) != 1) return false;
  ++keys.sequence;
  return openssl_.EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, kTagBytes, at) == 1;
}

int TlsRecords::Find(Bytes wire, size_t* size) {
  if (wire.length > 0 && wire.data[0] != kApplicationRecord) return -SSL_AD_UNEXPECTED_MESSAGE;
  if (wire.length < kRecordHeaderBytes) return 0;
  *size = kRecordHeaderBytes + (static_cast<size_t>(wire.data[3]) << 8 | wire.data[4]);
  if (*size > kMaxWireRecordBytes) return -SSL_AD_RECORD_OVERFLOW;
  return wire.length >= *size ? 1 : 0;
}

int TlsRecords::Open(Bytes record, uint8_t* content, size_t* length) {
  const int decrypted = Decrypt(record, content);
  if (decrypted < 0) return decrypted;
  // Zeros may follow the type of the content (section 5.4).
  size_t end = static_cast<size_t>(decrypted);
  while (end > 0 && content[end - 1] == 0) --end;
  if (end == 0) return -SSL_AD_UNEXPECTED_MESSAGE;
  const uint8_t type = content[end - 1];
  *length = end - 1;
  if (type == kHandshakeRecord) return OnHandshake({content, *length});
  // Nothing may come within a message.
  if (message_length_ > 0) return -SSL_AD_UNEXPECTED_MESSAGE;
  if (type == kApplicationRecord) return kBytes;
  if (type != kAlertRecord) return -SSL_AD_UNEXPECTED_MESSAGE;
  if (*length != 2) return -SSL_AD_DECODE_ERROR;
  if (content[1] == SSL_AD_CLOSE_NOTIFY) return kEnd;
  // The level has no meaning (section 6).
  return content[1] == SSL_AD_USER_CANCELLED ? kNothing : kFatalAlert;
}

// Returns the decrypted bytes of a record, or an alert.
int TlsRecords::Decrypt(Bytes record, uint8_t* content) {
  // One byte is the type.
  if (record.length < SealedBytes(0)) return -SSL_AD_BAD_RECORD_MAC;
  const size_t encrypted = record.length - kRecordHeaderBytes - kTagBytes;
  if (encrypted > kMaxRecordBytes + 1) return -SSL_AD_RECORD_OVERFLOW;
  RecordKeys& keys = keys_[kReceived];
  EVP_CIPHER_CTX* cipher = ciphers_->For(suite_, kReceived, keys);
  if (cipher == nullptr) return -SSL_AD_INTERNAL_ERROR;
  const uint8_t* body = record.data + kRecordHeaderBytes;
  const int length = static_cast<int>(encrypted);
  // OpenSSL does not change the tag.
  auto* tag = const_cast<uint8_t*>(body + encrypted);
  int count = 0;
  const bool is_authentic =
      openssl_.EVP_CipherUpdate(cipher, nullptr, &count, record.data, kRecordHeaderBytes) == 1 &&
      openssl_.EVP_CipherUpdate(cipher, content, &count, body, length) == 1 &&
      openssl_.EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag) == 1 &&
      openssl_.EVP_CipherFinal_ex(cipher, content + encrypted, &count) == 1;
  if (!is_authentic) return -SSL_AD_BAD_RECORD_MAC;
  ++keys.sequence;
  return length;
}

// Reads a part of a message, or all of it. A client sends none but key updates: no certificate is
// asked for after the handshake. The keys change at the end of a record.
int TlsRecords::OnHandshake(Bytes content) {
  const size_t room = sizeof(message_) - message_length_;
  if (content.length == 0 || content.length > room) return -SSL_AD_UNEXPECTED_MESSAGE;
  std::memcpy(message_ + message_length_, content.data, content.length);
  message_length_ += content.length;
  if (message_[0] != kKeyUpdate[0]) return -SSL_AD_UNEXPECTED_MESSAGE;
  if (message_length_ < sizeof(message_)) return kNothing;
  message_length_ = 0;
  if (std::memcmp(message_, kKeyUpdate, sizeof(message_) - 1) != 0) return -SSL_AD_DECODE_ERROR;
  const uint8_t is_wanted = message_[sizeof(message_) - 1];
  if (is_wanted > 1) return -SSL_AD_ILLEGAL_PARAMETER;
  if (!Update(kReceived)) return -SSL_AD_INTERNAL_ERROR;
  return is_wanted ? kKeysWanted : kNothing;
}

}  // namespace epoll_server
