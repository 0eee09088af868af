// Resolves the functions of OpenSSL.
#include "openssl.h"

#include <dlfcn.h>
#include <pthread.h>

#include <cstdio>

namespace epoll_server {
namespace {

// OpenSSL promises a stable interface within a major version.
constexpr unsigned long kMajor = OPENSSL_VERSION_MAJOR;

// Objects with constructors or destructors would ask the C++ runtime for guards, which the binary
// for macOS does not have.
OpenSsl functions;
char reason[128];
pthread_once_t once = PTHREAD_ONCE_INIT;

void Resolve() {
  const char* missing = nullptr;
#define EPOLL_SERVER_RESOLVE(name)                                                         \
  functions.name = reinterpret_cast<decltype(functions.name)>(dlsym(RTLD_DEFAULT, #name)); \
  if (functions.name == nullptr && missing == nullptr) missing = #name;
  EPOLL_SERVER_OPENSSL_FUNCTIONS(EPOLL_SERVER_RESOLVE)
#undef EPOLL_SERVER_RESOLVE
  if (functions.OpenSSL_version_num == nullptr) {
    snprintf(reason, sizeof(reason), "this Node.js offers no OpenSSL to addons");
    return;
  }
  const unsigned long major = functions.OpenSSL_version_num() >> 28;
  if (major != kMajor) {
    snprintf(reason, sizeof(reason),
             "this Node.js has version %lu of OpenSSL, and version %lu is needed", major, kMajor);
  } else if (missing != nullptr) {
    snprintf(reason, sizeof(reason), "the OpenSSL of this Node.js lacks %s", missing);
  }
}

}  // namespace

const OpenSsl* FindOpenSsl(const char** problem) {
  pthread_once(&once, Resolve);
  *problem = reason;
  return reason[0] == '\0' ? &functions : nullptr;
}

}  // namespace epoll_server
