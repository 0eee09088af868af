// A stand-in for the <sys/event.h> of macOS and the BSDs, with the parts that poller_kqueue.cc
// uses, so that its logic runs on Linux too. kqueue_stand_in.cc implements it, with its limits.
#ifndef EPOLL_SERVER_TEST_NATIVE_KQUEUE_SYS_EVENT_H_
#define EPOLL_SERVER_TEST_NATIVE_KQUEUE_SYS_EVENT_H_

#include <time.h>

#include <cstdint>

#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)
#define EVFILT_USER (-10)

#define EV_ADD 0x0001
#define EV_DELETE 0x0002
#define EV_CLEAR 0x0020
#define EV_ERROR 0x4000
#define EV_EOF 0x8000

#define NOTE_TRIGGER 0x01000000

struct kevent {
  uintptr_t ident;
  int16_t filter;
  uint16_t flags;
  uint32_t fflags;
  intptr_t data;
  void* udata;
};

inline void EV_SET(struct kevent* event, uintptr_t ident, int16_t filter, int flags,
                   uint32_t fflags, intptr_t data, void* udata) {
  *event = {ident, filter, static_cast<uint16_t>(flags), fflags, data, udata};
}

int kqueue();
int kevent(int queue, const struct kevent* changes, int change_count, struct kevent* events,
           int event_count, const timespec* timeout);

#endif  // EPOLL_SERVER_TEST_NATIVE_KQUEUE_SYS_EVENT_H_
