// The libFuzzer target of the scan of request heads: `npm run fuzz:heads` compiles and runs it.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "head_checks.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  int heads = 0;
  const std::string text(data, data + size);
  const std::string wrong = epoll_server::test::CheckScan(text, &heads);
  if (wrong.empty()) return 0;
  std::fprintf(stderr, "ScanHeads: %s\n", wrong.c_str());
  std::abort();
}
