// Encodes a string as UTF-8, with escaped bytes restored.
#include "name_text.h"

#include <cstddef>
#include <cstdint>

namespace epoll_server {
namespace {

constexpr char16_t kEscape = 0xDC00;
constexpr char32_t kReplacement = 0xFFFD;

bool IsSurrogate(char32_t point) { return point >= 0xD800 && point < 0xE000; }

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
