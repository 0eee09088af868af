#include "head_checks.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <memory>
#include <string_view>

#include "head_scan.h"

namespace epoll_server::test {
namespace {

// The grammar of RFC 9110 and RFC 9112, written once more: the tables of the scan are generated.

bool IsToken(unsigned char byte) {
  if (byte >= '0' && byte <= '9') return true;
  if ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') return true;
  return byte != 0 && std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(byte)) !=
                          std::string_view::npos;
}

bool IsValue(unsigned char byte) { return byte == '\t' || (byte >= 0x20 && byte != 0x7f); }

bool IsPath(unsigned char byte) { return byte > 0x20 && byte < 0x7f && byte != '#' && byte != '?'; }

bool IsQuery(unsigned char byte) { return byte > 0x20 && byte < 0x7f && byte != '#'; }

bool IsBlank(char byte) { return byte == ' ' || byte == '\t'; }

// One head: its text, and the words about it.
class Checker {
 public:
  Checker(std::string_view text, const int32_t* words) : text_(text), words_(words) {}

  const char* Check() {
    const size_t method_end = Word(kMethodEnd);
    if (method_end == 0 || method_end > 32 || !All(0, method_end, IsToken)) return "method";
    if (!Has(method_end, " ")) return "space before the target";
    const size_t target = method_end + 1;
    const size_t query = Word(kQueryAt);
    const size_t target_end = Word(kTargetEnd);
    if (target_end <= target || query < target || query > target_end) return "target";
    if (!All(target, query, IsPath) || !All(query, target_end, IsQuery))
      return "byte of the target";
    if (query < target_end && text_[query] != '?') return "query";
    const std::string version = " HTTP/1." + std::to_string(Word(kMinorVersion)) + "\r\n";
    if (Word(kMinorVersion) > 1 || !Has(target_end, version)) return "version";
    return CheckFields(target_end + version.size());
  }

 private:
  size_t Word(int index) const { return static_cast<size_t>(words_[index]); }

  bool Has(size_t at, std::string_view expected) const {
    return at <= text_.size() && text_.substr(at, expected.size()) == expected;
  }

  bool All(size_t start, size_t end, bool (*allowed)(unsigned char)) const {
    if (start > end || end > text_.size()) return false;
    for (size_t at = start; at < end; ++at) {
      if (!allowed(static_cast<unsigned char>(text_[at]))) return false;
    }
    return true;
  }

  const char* CheckFields(size_t at) {
    uint32_t lengths = 0;
    int hosts = 0;
    int32_t usual_fields = 0;
    for (int i = 0; i < words_[kFieldCount]; ++i) {
      const int32_t* field = words_ + kHeadWords + i * kFieldWords;
      const auto name_end = static_cast<size_t>(field[1]);
      const auto start = static_cast<size_t>(field[2]);
      const auto end = static_cast<size_t>(field[3]);
      if (static_cast<size_t>(field[0]) != at || name_end <= at || !All(at, name_end, IsToken))
        return "name";
      if (!Has(name_end, ":") || start > end || !All(start, end, IsValue)) return "value";
      if (start < end && (IsBlank(text_[start]) || IsBlank(text_[end - 1])))
        return "blanks in a value";
      if (!OnlyBlanks(name_end + 1, start)) return "blanks before a value";
      size_t line_end = end;
      while (line_end < text_.size() && IsBlank(text_[line_end])) ++line_end;
      if (!Has(line_end, "\r\n")) return "end of a line";
      lengths |= 1u << ((name_end - at) % 32);
      const std::string name = Lower(text_.substr(at, name_end - at));
      const std::string_view value = text_.substr(start, end - start);
      if (name == "host") ++hosts;
      const int32_t usual = UsualField(name, value, hosts);
      if (Frames(name) && IsMarked(i) != (usual == 0)) return "mark of a field that frames";
      usual_fields |= usual;
      at = line_end + 2;
    }
    if (usual_fields != words_[kUsualFields]) return "usual fields";
    if (lengths != static_cast<uint32_t>(words_[kNameLengths])) return "name lengths";
    if (!Has(at, "\r\n") || at + 2 != text_.size()) return "end of the head";
    return nullptr;
  }

  bool OnlyBlanks(size_t start, size_t end) const {
    for (size_t at = start; at < end; ++at) {
      if (!IsBlank(text_[at])) return false;
    }
    return start <= end;
  }

  static std::string Lower(std::string_view text) {
    std::string lower;
    for (const char letter : text)
      lower += static_cast<char>(letter >= 'A' && letter <= 'Z' ? letter | 0x20 : letter);
    return lower;
  }

  static bool Frames(const std::string& name) {
    return name == "host" || name == "expect" || name == "connection" || name == "content-length" ||
           name == "transfer-encoding";
  }

  // The bit of a field that needs no interpretation; 0: it needs one.
  static int32_t UsualField(const std::string& name, std::string_view value, int hosts) {
    if (name == "connection") return Lower(value) == "keep-alive" ? kKeepAlive : 0;
    return name == "host" && hosts == 1 && IsPlainHost(value) ? kPlainHost : 0;
  }

  static bool IsPlainHost(std::string_view value) {
    const size_t colon = std::min(value.find(':'), value.size());
    const std::string_view port = value.substr(std::min(colon + 1, value.size()));
    const auto is_name = [](unsigned char byte) {
      return byte < 0x80 && (isalnum(byte) != 0 || (byte != 0 && strchr("-._~!$&'()*+,;=", byte)));
    };
    const auto is_digit = [](unsigned char byte) { return byte >= '0' && byte <= '9'; };
    return colon > 0 && port.size() <= 5 &&
           std::all_of(value.begin(), value.begin() + static_cast<ptrdiff_t>(colon), is_name) &&
           std::all_of(port.begin(), port.end(), is_digit);
  }

  bool IsMarked(int field) const {
    const auto word = static_cast<uint32_t>(words_[field < 32 ? kFramingLow : kFramingHigh]);
    return (word >> (field % 32) & 1) != 0;
  }

  const std::string_view text_;
  const int32_t* const words_;
};

}  // namespace

std::string CheckScan(const std::string& text, int* heads) {
  const auto bytes = std::make_unique<uint8_t[]>(text.size());
  for (size_t i = 0; i < text.size(); ++i) bytes[i] = static_cast<uint8_t>(text[i]);
  const auto slot = std::make_unique<int32_t[]>(kHeadSlotWords);
  *heads = 0;
  ScanHeads(bytes.get(), 0, static_cast<uint32_t>(text.size()), slot.get());
  size_t at = 0;
  const int32_t* words = slot.get();
  while (words[kHeadLength] != 0) {
    const auto length = static_cast<size_t>(words[kHeadLength]);
    if (static_cast<size_t>(words[kHeadStart]) != at) return "start of a head";
    if (words[kHeadLength] < 0 || length > text.size() - at) return "length of a head";
    if (words[kFieldCount] < 0 || words[kFieldCount] > kMaxScannedFields) return "number of fields";
    const char* wrong = Checker(std::string_view(text).substr(at, length), words).Check();
    if (wrong != nullptr) return wrong;
    at += length;
    words += kHeadWords + words[kFieldCount] * kFieldWords;
    ++*heads;
  }
  return "";
}

}  // namespace epoll_server::test
