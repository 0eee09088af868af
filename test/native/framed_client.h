// The client's end of a framed connection (framed_transport.h) to a bench's kernel, and its bytes.
#ifndef EPOLL_SERVER_TEST_NATIVE_FRAMED_CLIENT_H_
#define EPOLL_SERVER_TEST_NATIVE_FRAMED_CLIENT_H_

#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <string>

#include "framed_transport.h"
#include "harness.h"
#include "kernel_bench.h"
#include "loopback.h"

namespace epoll_server::test {

inline constexpr int kSmallBuffer = 4096;

inline std::string Frame(uint8_t type, const std::string& payload = "") {
  std::string frame = {static_cast<char>(type), static_cast<char>(payload.size() >> 8),
                       static_cast<char>(payload.size() & 0xff)};
  for (const char byte : payload) frame += static_cast<char>(byte ^ kMask);
  return frame;
}

inline std::string Hello() { return Frame(kHello); }
inline std::string Data(const std::string& payload) { return Frame(kData, payload); }

inline std::string Errno(int error) { return std::to_string(-error); }

inline const std::string kNothingYet = Errno(EAGAIN);

// A client of a bench. Its connection is framed and watched, and has received its HELLO.
struct FramedClient : Client {
  explicit FramedClient(Bench* bench, bool greets = true) : Client(bench), bench_(bench) {
    FramedKind kind(kSmallBuffer);
    const int room = kSmallBuffer;
    setsockopt(there, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
    CHECK_EQ(bench->kernel.Attach(here, &kind), 0);
    CHECK(bench->kernel.Add(here, kBoth) > 0);
    if (!greets) return;
    Write(Hello());
    CHECK(Wait() & kReadable);
    CHECK_EQ(Receive(), kNothingYet);
    CHECK(ReadText(there, 3) == Hello());
  }

  void Write(const std::string& bytes) {
    WriteText(there, bytes);
    CHECK(BecomesReadable(here));
  }

  // The readiness that the next wait reports for this connection.
  int32_t Wait() {
    const int count = bench_->kernel.Wait(0);
    for (int i = 0; i < count; ++i) {
      const Event& event = bench_->events[static_cast<size_t>(i)];
      if (event.fd == here) return event.readiness;
    }
    return 0;
  }

  // Checks that the next wait reports exactly `readiness`. A busy back end always reports
  // everything.
  void CheckReadiness(int32_t readiness) {
    const int32_t found = Wait();
    if (!bench_->kernel.poller()->traits().busy) CHECK_EQ(found, readiness);
  }

  void CheckSilent() { CheckReadiness(0); }

  // Receives up to `length` bytes. Returns them, or the number of the error as text.
  std::string Receive(uint32_t length = kReceiveBytes) {
    const int count = bench_->kernel.Recv(here, 0, length);
    if (count < 0) return std::to_string(count);
    return std::string(bench_->input.begin(), bench_->input.begin() + count);
  }

  // Sends until the socket is full; returns the bytes counted.
  size_t Fill(const std::string& bytes) {
    size_t sent = 0;
    for (;;) {
      const size_t from = sent % bytes.size();
      const int count = bench_->kernel.Send(here, 0, 0, BytesOf(bytes) + from, bytes.size() - from);
      if (count < 0) {
        CHECK_EQ(count, -EAGAIN);
        return sent;
      }
      sent += static_cast<size_t>(count);
    }
  }

  // Reads frames until `length` bytes of data have arrived; skips the transport's replies.
  std::string ReadData(size_t length) {
    std::string data;
    while (data.size() < length) {
      const std::string head = ReadText(there, 3);
      if (head.size() < 3) break;
      const size_t size =
          static_cast<size_t>(static_cast<uint8_t>(head[1])) << 8 | static_cast<uint8_t>(head[2]);
      const std::string payload = ReadText(there, size);
      if (head[0] != kData) continue;
      for (const char byte : payload) data += static_cast<char>(byte ^ kMask);
      Wait();
      bench_->kernel.Send(here, 0, 0, nullptr, 0);
    }
    return data;
  }

 private:
  Bench* bench_;
};

inline std::string Letters(size_t count) {
  std::string letters;
  for (size_t i = 0; i < count; ++i) letters += static_cast<char>('a' + i % 26);
  return letters;
}

// `count` bytes of a text that repeats `bytes`.
inline std::string Repeated(const std::string& bytes, size_t count) {
  std::string text;
  while (text.size() < count) text += bytes;
  return text.substr(0, count);
}

}  // namespace epoll_server::test

#endif  // EPOLL_SERVER_TEST_NATIVE_FRAMED_CLIENT_H_
