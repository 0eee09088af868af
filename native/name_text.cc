#include "name_text.h"

#include <cstddef>
#include <cstdint>

namespace epoll_server {
namespace {

constexpr char16_t kEscape = 0xDC00;
constexpr char32_t kReplacement = 0xFFFD;
constexpr char32_t kInvalid = 0xFFFFFFFF;

// Each length of a sequence has a smallest code point: a longer form of a smaller one is no UTF-8
// (RFC 3629 section 3).
struct Lead {
  size_t length;
  char32_t bits;
  char32_t smallest;
};

Lead LeadOf(uint8_t byte) {
  if (byte < 0x80) return {1, byte, 0};
  if (byte >= 0xC0 && byte < 0xE0) return {2, static_cast<char32_t>(byte & 0x1F), 0x80};
  if (byte >= 0xE0 && byte < 0xF0) return {3, static_cast<char32_t>(byte & 0x0F), 0x800};
  if (byte >= 0xF0 && byte < 0xF8) return {4, static_cast<char32_t>(byte & 0x07), 0x10000};
  return {0, 0, 0};
}

bool IsSurrogate(char32_t point) { return point >= 0xD800 && point < 0xE000; }

// The code point at `*at`, which moves behind it; kInvalid, and `*at` stays, where there is none.
char32_t Next(const std::string& bytes, size_t* at) {
  const Lead lead = LeadOf(static_cast<uint8_t>(bytes[*at]));
  if (lead.length == 0 || bytes.size() - *at < lead.length) return kInvalid;
  char32_t point = lead.bits;
  for (size_t i = 1; i < lead.length; ++i) {
    const uint8_t byte = static_cast<uint8_t>(bytes[*at + i]);
    if ((byte & 0xC0) != 0x80) return kInvalid;
    point = (point << 6) | (byte & 0x3F);
  }
  if (point < lead.smallest || point > 0x10FFFF || IsSurrogate(point)) return kInvalid;
  *at += lead.length;
  return point;
}

void Append(char32_t point, std::string* bytes) {
  const auto add = [bytes](char32_t byte) { bytes->push_back(static_cast<char>(byte)); };
  if (point < 0x80) return add(point);
  if (point < 0x800) {
    add(0xC0 | (point >> 6));
  } else {
    if (point < 0x10000) {
      add(0xE0 | (point >> 12));
    } else {
      add(0xF0 | (point >> 18));
      add(0x80 | ((point >> 12) & 0x3F));
    }
    add(0x80 | ((point >> 6) & 0x3F));
  }
  add(0x80 | (point & 0x3F));
}

}  // namespace

bool IsUtf8(const std::string& bytes) {
  for (size_t at = 0; at < bytes.size();) {
    if (Next(bytes, &at) == kInvalid) return false;
  }
  return true;
}

std::u16string TextOfName(const std::string& bytes) {
  std::u16string text;
  for (size_t at = 0; at < bytes.size();) {
    const char32_t point = Next(bytes, &at);
    if (point == kInvalid) {
      text.push_back(static_cast<char16_t>(kEscape + static_cast<uint8_t>(bytes[at++])));
    } else if (point < 0x10000) {
      text.push_back(static_cast<char16_t>(point));
    } else {
      text.push_back(static_cast<char16_t>(0xD800 + ((point - 0x10000) >> 10)));
      text.push_back(static_cast<char16_t>(0xDC00 + ((point - 0x10000) & 0x3FF)));
    }
  }
  return text;
}

std::string NameOfText(const std::u16string& text) {
  std::string bytes;
  for (size_t at = 0; at < text.size(); ++at) {
    const char32_t unit = text[at];
    const char32_t next = at + 1 < text.size() ? text[at + 1] : 0;
    if (unit >= 0xD800 && unit < 0xDC00 && next >= 0xDC00 && next < 0xE000) {
      Append(0x10000 + ((unit - 0xD800) << 10) + (next - 0xDC00), &bytes);
      ++at;
    } else if (unit >= kEscape + 0x80 && unit <= kEscape + 0xFF) {
      bytes.push_back(static_cast<char>(unit - kEscape));
    } else {
      Append(IsSurrogate(unit) ? kReplacement : unit, &bytes);
    }
  }
  return bytes;
}

}  // namespace epoll_server
