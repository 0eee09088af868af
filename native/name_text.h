// Names of files are bytes; JavaScript's strings are not. A byte that is no part of UTF-8 is a
// surrogate without a partner, U+DC80 to U+DCFF, which no valid text holds (as in Python's PEP
// 383). src/files/file-name.ts makes such strings. It must not know JavaScript.
#ifndef EPOLL_SERVER_NATIVE_NAME_TEXT_H_
#define EPOLL_SERVER_NATIVE_NAME_TEXT_H_

#include <string>

namespace epoll_server {

// The bytes that a string stands for; other surrogates without a partner become U+FFFD.
std::string NameOfText(const std::u16string& text);

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_NAME_TEXT_H_
