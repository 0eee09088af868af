// The version word that src/kernel/addon.ts compares with its own.
#ifndef EPOLL_SERVER_NATIVE_VERSION_H_
#define EPOLL_SERVER_NATIVE_VERSION_H_

namespace epoll_server {

// The package's version: the release script checks that package.json has the same.
constexpr char kVersion[] = "0.1.0";

// Grows with each change of what TypeScript and this addon agree on: a call, the shared memory, a
// traits field. ADDON_ABI in src/kernel/addon.ts grows with it.
constexpr int kAbi = 6;

}  // namespace epoll_server

#endif  // EPOLL_SERVER_NATIVE_VERSION_H_
