// Bytes that are appended at the end and taken from the beginning. The memory is that of OpenSSL,
// which returns null when it is exhausted: `new` would end the process.
#ifndef EPOLL_SERVER_NATIVE_BYTE_QUEUE_H_
#define EPOLL_SERVER_NATIVE_BYTE_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "openssl.h"

namespace epoll_server {

class ByteQueue {
 public:
  explicit ByteQueue(const OpenSsl& openssl) : openssl_(openssl) {}
  ~ByteQueue() { openssl_.CRYPTO_free(bytes_, "", 0); }
  ByteQueue(const ByteQueue&) = delete;
  ByteQueue& operator=(const ByteQueue&) = delete;

  bool empty() const { return begin_ == end_; }
  size_t size() const { return end_ - begin_; }
  const uint8_t* data() const { return bytes_ + begin_; }

  // False: memory is exhausted, and nothing was appended.
  bool Append(const uint8_t* bytes, size_t length) {
    if (length == 0) return true;
    if (begin_ > 0) {
      std::memmove(bytes_, bytes_ + begin_, size());
      end_ -= begin_;
      begin_ = 0;
    }
    void* grown = openssl_.CRYPTO_realloc(bytes_, end_ + length, "", 0);
    if (grown == nullptr) return false;
    bytes_ = static_cast<uint8_t*>(grown);
    std::memcpy(bytes_ + end_, bytes, length);
    end_ += length;
    return true;
  }

  // Takes bytes from the beginning. An empty queue has no memory.
  void Drop(size_t count) {
    begin_ += count;
    if (!empty()) return;
    openssl_.CRYPTO_free(bytes_, "", 0);
    bytes_ = nullptr;
    begin_ = end_ = 0;
  }

 private:
  const OpenSsl& openssl_;
  uint8_t* bytes_ = nullptr;
  size_t begin_ = 0;
  size_t end_ = 0;
};

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_BYTE_QUEUE_H_
