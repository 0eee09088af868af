// Converts strings of JavaScript to file names, which are bytes. A byte that is not valid UTF-8
// becomes a lone surrogate, U+DC80 to U+DCFF (as in Python's PEP 383). No valid text contains one.
// src/files/file-name.ts makes such strings.
#ifndef EPOLL_SERVER_NATIVE_NAME_TEXT_H_
#define EPOLL_SERVER_NATIVE_NAME_TEXT_H_

#include <string>

namespace epoll_server {

// The bytes of a file name; other lone surrogates become U+FFFD.
std::string NameOfText(const std::u16string& text);

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_NAME_TEXT_H_
