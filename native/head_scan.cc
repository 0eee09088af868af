// One pass over a head: a request line, then names, colons and values, each found by its end.
#include "head_scan.h"

#include <cstring>

#include "head_characters.h"

namespace epoll_server {
namespace {

constexpr uint8_t kTab = '\t';

// Longer than any registered method.
constexpr int32_t kMaxMethodBytes = 32;

bool Is(uint8_t byte, uint8_t character_class) { return kCharacters[byte] & character_class; }

bool IsBlank(uint8_t byte) { return byte == ' ' || byte == kTab; }

// The first of `bytes[at, end)` that is not of the class, or `end`.
template <uint8_t character_class>
const uint8_t* RunEnd(const uint8_t* at, const uint8_t* end) {
  // Four bytes a round: fewer comparisons with the end.
  for (; end - at >= 4; at += 4) {
    if (!Is(at[0], character_class)) return at;
    if (!Is(at[1], character_class)) return at + 1;
    if (!Is(at[2], character_class)) return at + 2;
    if (!Is(at[3], character_class)) return at + 3;
  }
  while (at < end && Is(*at, character_class)) ++at;
  return at;
}

// The eight bytes of `block` are visible ASCII, spaces or obs-text: all of them belong to a value.
// The subtractions borrow from a neighbour only where a byte has failed already.
bool AreValueBytes(uint64_t block) {
  constexpr uint64_t kEach = 0x0101010101010101;
  const uint64_t not_delete = block ^ kEach * 0x7f;
  const uint64_t is_control = (block - kEach * 0x20) & ~block;
  const uint64_t is_delete = (not_delete - kEach) & ~not_delete;
  return ((is_control | is_delete) & kEach * 0x80) == 0;
}

// RunEnd for values, which are most of a head. What does not pass as a block is left to the table.
const uint8_t* ValueEnd(const uint8_t* at, const uint8_t* end) {
  constexpr int kBlockBytes = 8;
  uint64_t block;
  while (end - at >= kBlockBytes) {
    std::memcpy(&block, at, kBlockBytes);
    if (!AreValueBytes(block)) break;
    at += kBlockBytes;
  }
  return RunEnd<kFieldValue>(at, end);
}

// As equalsIgnoringCase of src/http/characters.ts: for letters and `-`.
template <size_t size>
bool Equals(const uint8_t* bytes, int32_t length, const char (&lower_case)[size]) {
  if (length != static_cast<int32_t>(size - 1)) return false;
  for (size_t i = 0; i < size - 1; ++i) {
    if ((bytes[i] | 0x20) != lower_case[i]) return false;
  }
  return true;
}

// A registered name without escapes or an IPv4 address, perhaps with a port: `isHost` accepts it.
bool IsPlainHost(const uint8_t* at, const uint8_t* end) {
  constexpr int kMaxPortDigits = 5;
  const uint8_t* name_end = RunEnd<kRegisteredName>(at, end);
  if (name_end == at) return false;
  if (name_end == end) return true;
  if (*name_end != ':' || end - name_end - 1 > kMaxPortDigits) return false;
  for (const uint8_t* digit = name_end + 1; digit < end; ++digit) {
    if (*digit < '0' || *digit > '9') return false;
  }
  return true;
}

// Scans one head at a time. Its offsets count from `base`.
class Scanner {
 public:
  Scanner(const uint8_t* base, const uint8_t* end) : base_(base), end_(end) {}

  // Writes the words of the head and returns how many; 0: there is no plain and complete head, or
  // `room` is too small for it.
  int32_t Scan(int32_t* words, int32_t room) {
    if (room < kHeadWords) return 0;
    const uint8_t* fields = RequestLine(words);
    if (fields == nullptr) return 0;
    const uint8_t* head_end = Fields(fields, words, (room - kHeadWords) / kFieldWords);
    if (head_end == nullptr) return 0;
    words[kHeadLength] = Offset(head_end);
    return kHeadWords + words[kFieldCount] * kFieldWords;
  }

 private:
  int32_t Offset(const uint8_t* at) const { return static_cast<int32_t>(at - base_); }

  // These return where the next line begins; null: the head is incomplete or unusual.

  const uint8_t* RequestLine(int32_t* words) {
    // Bounded, since most long runs here are content: of an upload, nothing more is read.
    const uint8_t* method_limit =
        end_ - base_ > kMaxMethodBytes ? base_ + kMaxMethodBytes + 1 : end_;
    const uint8_t* method_end = RunEnd<kToken>(base_, method_limit);
    const int32_t letters = Offset(method_end);
    if (letters == 0 || letters > kMaxMethodBytes) return nullptr;
    if (method_end == end_ || *method_end != ' ') return nullptr;
    const uint8_t* target = method_end + 1;
    const uint8_t* query = RunEnd<kTargetPath>(target, end_);
    const uint8_t* target_end = RunEnd<kTargetQuery>(query, end_);
    if (target_end == target || target_end == end_ || *target_end != ' ') return nullptr;
    words[kMethodEnd] = letters;
    words[kQueryAt] = Offset(query);
    words[kTargetEnd] = Offset(target_end);
    return Version(target_end + 1, words);
  }

  const uint8_t* Version(const uint8_t* at, int32_t* words) {
    constexpr int kBytes = 10;
    if (end_ - at < kBytes || std::memcmp(at, "HTTP/1.", 7) != 0) return nullptr;
    if (at[7] != '0' && at[7] != '1') return nullptr;
    if (at[8] != '\r' || at[9] != '\n') return nullptr;
    words[kMinorVersion] = at[7] - '0';
    return at + kBytes;
  }

  const uint8_t* Fields(const uint8_t* at, int32_t* words, int32_t room) {
    uint32_t lengths = 0;
    uint64_t framing = 0;
    words[kUsualFields] = 0;
    int32_t count = 0;
    int32_t* field = words + kHeadWords;
    while (end_ - at >= 2 && *at != '\r') {
      if (count == room || count == kMaxScannedFields) return nullptr;
      const uint8_t* name = at;
      at = Field(name, field);
      if (at == nullptr) return nullptr;
      const int32_t letters = field[1] - field[0];
      lengths |= 1u << (letters & 31);
      if (MayFrame(*name, letters) && !IsUsual(field, words)) framing |= uint64_t{1} << count;
      field += kFieldWords;
      ++count;
    }
    if (end_ - at < 2 || at[1] != '\n') return nullptr;
    words[kFieldCount] = count;
    words[kNameLengths] = static_cast<int32_t>(lengths);
    words[kFramingLow] = static_cast<int32_t>(framing);
    words[kFramingHigh] = static_cast<int32_t>(framing >> 32);
    return at + 2;
  }

  const uint8_t* Field(const uint8_t* name, int32_t* field) {
    const uint8_t* name_end = RunEnd<kToken>(name, end_);
    if (name_end == name || name_end == end_ || *name_end != ':') return nullptr;
    const uint8_t* value = name_end + 1;
    while (value < end_ && IsBlank(*value)) ++value;
    const uint8_t* line_end = ValueEnd(value, end_);
    if (end_ - line_end < 2 || line_end[0] != '\r' || line_end[1] != '\n') return nullptr;
    const uint8_t* value_end = line_end;
    while (value_end > value && IsBlank(value_end[-1])) --value_end;
    field[0] = Offset(name);
    field[1] = Offset(name_end);
    field[2] = Offset(value);
    field[3] = Offset(value_end);
    return line_end + 2;
  }

  // Whether a name may be one of FRAMING_NAMES, by its length and first letter.
  static bool MayFrame(uint8_t first, int32_t letters) {
    return letters < kFramingLetterCount && (first | 0x20) == kFramingLetters[letters];
  }

  // Whether the field needs no interpretation: its bit in kUsualFields is enough. Only the first
  // Host can be usual, since a second one is an error.
  bool IsUsual(const int32_t* field, int32_t* words) {
    const uint8_t* name = base_ + field[0];
    const int32_t letters = field[1] - field[0];
    const uint8_t* value = base_ + field[2];
    if (Equals(name, letters, "host")) {
      if (++hosts_ > 1 || !IsPlainHost(value, base_ + field[3])) return false;
      words[kUsualFields] |= kPlainHost;
      return true;
    }
    if (!Equals(name, letters, "connection")) return false;
    if (!Equals(value, field[3] - field[2], "keep-alive")) return false;
    words[kUsualFields] |= kKeepAlive;
    return true;
  }

  int32_t hosts_ = 0;
  const uint8_t* const base_;
  const uint8_t* const end_;
};

}  // namespace

void ScanHeads(const uint8_t* bytes, uint32_t start, uint32_t end, int32_t* slot) {
  // The end of the list takes two words.
  int32_t room = kHeadSlotWords - 2;
  while (start < end) {
    const int32_t used = Scanner(bytes + start, bytes + end).Scan(slot, room);
    if (used == 0) break;
    slot[kHeadStart] = static_cast<int32_t>(start);
    start += static_cast<uint32_t>(slot[kHeadLength]);
    slot += used;
    room -= used;
  }
  slot[kHeadLength] = 0;
}

}  // namespace epoll_server
