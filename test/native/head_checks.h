// Checks what ScanHeads wrote against the bytes, part by part and byte by byte.
#ifndef EPOLL_SERVER_TEST_NATIVE_HEAD_CHECKS_H_
#define EPOLL_SERVER_TEST_NATIVE_HEAD_CHECKS_H_

#include <cstdint>
#include <string>

namespace epoll_server::test {

// Scans a copy of `text` in memory of exactly its size, into a slot of exactly its size, so that
// AddressSanitizer sees every access beyond. Returns an empty text, or what is wrong: a part that
// does not lie where it should, a byte that no such part may have, a head that is not the next one.
// `heads`: how many were found.
std::string CheckScan(const std::string& text, int* heads);

}  // namespace epoll_server::test

#endif  // EPOLL_SERVER_TEST_NATIVE_HEAD_CHECKS_H_
