// Registers and runs the tests; its main is that of the test program.
#include "harness.h"

#include <cstdio>
#include <utility>
#include <vector>

#include "back_ends.h"
#include "loopback.h"

namespace epoll_server::test {
namespace {

struct Test {
  std::string name;
  TestFunction function;
};

// Filled before main, in the order of the linker.
std::vector<Test>& Tests() {
  static std::vector<Test> tests;
  return tests;
}

bool current_failed = false;

// Every test ends with a check that no descriptor was left open.
bool Passes(const Test& test) {
  current_failed = false;
  const int open_before = OpenDescriptorCount();
  test.function();
  CHECK_EQ(OpenDescriptorCount(), open_before);
  return !current_failed;
}

}  // namespace

int Register(const std::string& name, TestFunction function) {
  Tests().push_back({name, std::move(function)});
  return 0;
}

int RegisterForEachBackEnd(const char* name, BackEndTestFunction function) {
  for (const std::string& back_end : BackEndNames()) {
    Register(back_end + ": " + name, [function, back_end] { function(back_end); });
  }
  return 0;
}

void Fail(const char* file, int line, const std::string& text) {
  current_failed = true;
  std::printf("    %s:%d: %s\n", file, line, text.c_str());
}

int RunAll(const std::string& left_out) {
  int passed = 0;
  int failed = 0;
  for (const Test& test : Tests()) {
    if (!left_out.empty() && test.name.rfind(left_out, 0) == 0) continue;
    const bool passes = Passes(test);
    std::printf("%s %s\n", passes ? "  ok  " : "FAILED", test.name.c_str());
    ++(passes ? passed : failed);
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed;
}

}  // namespace epoll_server::test

// native-tests [LEFT_OUT]
int main(int count, char** arguments) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  return epoll_server::test::RunAll(count > 1 ? arguments[1] : "") == 0 ? 0 : 1;
}
