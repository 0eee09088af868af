// Finds where the parts of request heads lie in received bytes, right behind the receive, so that
// TypeScript visits only the fields on which framing depends, and of these only what is unusual.
// The scan accepts and never rejects: it stops at whatever is incomplete or unusual, and
// src/http/head-parser.ts decides about that. Bytes are classified by the tables of
// src/http/characters.ts (head_characters.h).
#ifndef EPOLL_SERVER_NATIVE_HEAD_SCAN_H_
#define EPOLL_SERVER_NATIVE_HEAD_SCAN_H_

#include <cstdint>

namespace epoll_server {

// The words of one head; the same in src/kernel/kernel.ts. Offsets count from the head's first
// byte. The words of its fields follow: start and end of the name, start and end of the value.
enum HeadWord {
  kHeadStart = 0,   // where the head begins in the scanned bytes
  kHeadLength = 1,  // 0: no head; the list ends
  kMethodEnd = 2,   // the target begins one byte later
  kQueryAt = 3,     // the first '?' of the target, or kTargetEnd
  kTargetEnd = 4,
  kMinorVersion = 5,  // 0 or 1
  kFieldCount = 6,
  kNameLengths = 7,   // bit n: a name has n bytes, modulo 32
  kFramingLow = 8,    // bit n: field n may be one on which framing depends
  kFramingHigh = 9,   // bit n: field n + 32 may be one
  kUsualFields = 10,  // the bits below: fields that are valid as they are, and not marked
  kHeadWords = 11,
};

// The first Host names a host, perhaps with a port, and has neither an IPv6 address nor escapes.
constexpr int32_t kPlainHost = 1;
// There is `Connection: keep-alive`, without other options in that line.
constexpr int32_t kKeepAlive = 2;

constexpr int32_t kFieldWords = 4;
constexpr int32_t kMaxScannedFields = 64;

// Words of one slot: room for one head with all its fields and the end of the list, or for several
// smaller heads.
constexpr int32_t kHeadSlotWords = 272;
static_assert(kHeadWords + kMaxScannedFields * kFieldWords + kHeadLength < kHeadSlotWords,
              "a slot holds one head and the end of its list");

// Scans the heads that follow one another in `bytes[start, end)`, and lists them in `slot`, which
// has kHeadSlotWords words. What follows a head is scanned as the next head even if it is content:
// a reader takes a head only where it expects one.
void ScanHeads(const uint8_t* bytes, uint32_t start, uint32_t end, int32_t* slot);

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_HEAD_SCAN_H_
